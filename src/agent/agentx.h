/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IFACED_AGENTX_H
#define IFACED_AGENTX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * AgentX PDUs as octets (RFC 2741), as far as a subagent gets and answers them. Pure; no Net-SNMP
 * in it, whose own parser believes too much of what a master sends (agentx/protocol.c).
 */

#define AGENTX_VERSION 1
#define AGENTX_HEADER  20
#define AGENTX_LONGEST 65536 /* octets that Net-SNMP takes, header and all: agentx_parse() */
#define AGENTX_ERROR   (AGENTX_HEADER + 8) /* octets of a Response that is an error */

enum agentx_type {
	AGENTX_OPEN = 1,
	AGENTX_CLOSE = 2,
	AGENTX_GET = 5,
	AGENTX_GET_NEXT = 6,
	AGENTX_GET_BULK = 7,
	AGENTX_TEST_SET = 8,
	AGENTX_COMMIT_SET = 9,
	AGENTX_UNDO_SET = 10,
	AGENTX_CLEANUP_SET = 11,
	AGENTX_NOTIFY = 12,
	AGENTX_RESPONSE = 18,
};

/* Of a Response's res.error: SNMP's own, and AgentX's (RFC 2741, 6.2.16). */
enum agentx_error {
	AGENTX_NO_ERROR = 0,
	AGENTX_TOO_BIG = 1,
	AGENTX_RESOURCE_UNAVAILABLE = 13,
	AGENTX_FIRST_ERROR = 256,
	AGENTX_NOT_OPEN = 257,
	AGENTX_UNSUPPORTED_CONTEXT = 262,
	AGENTX_PARSE_ERROR = 266,
	AGENTX_PROCESSING_ERROR = 268,
};

struct agentx_header {
	uint8_t version;
	uint8_t type;
	uint8_t flags;
	uint32_t session;
	uint32_t transaction;
	uint32_t packet;
	uint32_t length; /* of the payload */
};

/* The first AGENTX_HEADER octets of a PDU, whatever they are. */
struct agentx_header agentx_read_header(const uint8_t *octets);
void agentx_write_header(const struct agentx_header *header, uint8_t *octets);

/* True if a PDU can begin like this: what follows it can be told from it. */
bool agentx_is_framed(const struct agentx_header *header);

bool agentx_has_context(const struct agentx_header *header);

/*
 * True if the header's payload is one that a master may send to a subagent, without a context: of
 * these types, whole, with nothing left over, and with OIDs of no more than 128 sub-identifiers.
 */
bool agentx_is_valid(const struct agentx_header *header, const uint8_t *payload);

/* The Response to a request that is refused; `octets` has room for AGENTX_ERROR. */
void agentx_refuse(const struct agentx_header *request, enum agentx_error error, uint8_t *octets);

#endif
