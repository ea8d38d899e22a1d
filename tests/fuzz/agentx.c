/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a master sends: an input is PDUs, one after the other. What is valid, Net-SNMP's own parser
 * reads without a fault, and sees the same in it.
 */
#include "fuzz.h"

#include "agentx.h"
#include "mib.h"

#include <net-snmp/net-snmp-config.h>

#include <net-snmp/net-snmp-includes.h>

#include <stdlib.h>
#include <string.h>

#define AGENTX_SESSION 193

/* Of libnetsnmpagent, which has no header for it. */
int agentx_parse(netsnmp_session *session, netsnmp_pdu *pdu, u_char *octets, size_t length);

static void check_names(const netsnmp_variable_list *variables)
{
	for (; variables; variables = variables->next_variable) {
		MUST(variables->name_length <= MIB_OID_LIMIT);
		if (variables->type == ASN_OBJECT_ID)
			MUST(variables->val_len <= MIB_OID_LIMIT * sizeof(oid));
	}
}

static void parse(const struct agentx_header *header, const char *octets, size_t length)
{
	netsnmp_session session = { .version = AGENTX_SESSION };
	netsnmp_pdu *pdu = snmp_pdu_create(0);
	char *exact = fuzz_exact(octets, length);

	MUST(pdu && agentx_parse(&session, pdu, (u_char *)exact, length) == SNMP_ERR_NOERROR);
	MUST(pdu->command == header->type);
	MUST((uint32_t)pdu->sessid == header->session);
	MUST((uint32_t)pdu->transid == header->transaction);
	MUST((uint32_t)pdu->reqid == header->packet);
	MUST(header->type != AGENTX_TEST_SET || pdu->variables);
	check_names(pdu->variables);
	snmp_free_pdu(pdu);
	free(exact);
}

/* An answer to it is a PDU that a master can read. */
static void answer(const struct agentx_header *request, enum agentx_error error)
{
	uint8_t octets[AGENTX_ERROR];
	struct agentx_header header;

	agentx_refuse(request, error, octets);
	header = agentx_read_header(octets);
	MUST(agentx_is_framed(&header) && agentx_is_valid(&header, octets + AGENTX_HEADER));
	MUST(header.packet == request->packet && header.session == request->session);
	parse(&header, (const char *)octets, sizeof(octets));
}

int LLVMFuzzerTestOneInput(const uint8_t *octets, size_t length)
{
	while (length >= AGENTX_HEADER) {
		struct agentx_header header = agentx_read_header(octets);
		size_t whole = AGENTX_HEADER + (size_t)header.length;
		char *payload;

		if (!agentx_is_framed(&header) || whole > length)
			return 0;
		payload = fuzz_exact(octets + AGENTX_HEADER, header.length);
		if (agentx_is_valid(&header, (const uint8_t *)payload))
			parse(&header, (const char *)octets, whole);
		free(payload);
		answer(&header, AGENTX_PARSE_ERROR);
		answer(&header, AGENTX_TOO_BIG);
		octets += whole;
		length -= whole;
	}
	return 0;
}
