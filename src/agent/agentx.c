/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agentx.h"

#include "mib.h"

#include <string.h>

#define CONTEXT	      0x08	 /* h.flags: NON_DEFAULT_CONTEXT */
#define NETWORK_ORDER 0x10	 /* NETWORK_BYTE_ORDER */
#define LONGEST_FRAME (1u << 20) /* no request of SNMP's becomes so long, four octets an arc */

#define OBJECT_IDENTIFIER   0x06
#define IP_ADDRESS	    0x40
#define OPAQUE		    0x44
#define UNSIGNED_OLD	    0x47 /* RFC 1442's UInteger32, which snmpd hands on */
#define NULL_VALUE	    0x05
#define NO_SUCH_OBJECT	    0x80
#define NO_SUCH_INSTANCE    0x81
#define END_OF_MIB_VIEW	    0x82
#define OCTETS_OF_SYSUPTIME 4

/* What is left of a payload. */
struct rest {
	const uint8_t *at;
	size_t length;
	bool network_order;
};

/* --- numbers --- */

static uint32_t read_32(const uint8_t *octets, bool network_order)
{
	uint32_t value = 0;

	for (int i = 0; i < 4; i++)
		value = value << 8 | octets[network_order ? i : 3 - i];
	return value;
}

static void write_32(uint8_t *octets, uint32_t value, bool network_order)
{
	for (int i = 0; i < 4; i++, value >>= 8)
		octets[network_order ? 3 - i : i] = (uint8_t)value;
}

/* --- header --- */

struct agentx_header agentx_read_header(const uint8_t *octets)
{
	bool network_order = octets[2] & NETWORK_ORDER;

	return (struct agentx_header){
		.version = octets[0],
		.type = octets[1],
		.flags = octets[2],
		.session = read_32(octets + 4, network_order),
		.transaction = read_32(octets + 8, network_order),
		.packet = read_32(octets + 12, network_order),
		.length = read_32(octets + 16, network_order),
	};
}

void agentx_write_header(const struct agentx_header *header, uint8_t *octets)
{
	bool network_order = header->flags & NETWORK_ORDER;

	octets[0] = header->version;
	octets[1] = header->type;
	octets[2] = header->flags;
	octets[3] = 0;
	write_32(octets + 4, header->session, network_order);
	write_32(octets + 8, header->transaction, network_order);
	write_32(octets + 12, header->packet, network_order);
	write_32(octets + 16, header->length, network_order);
}

bool agentx_is_framed(const struct agentx_header *header)
{
	return header->version == AGENTX_VERSION && header->length % 4 == 0 &&
	       header->length <= LONGEST_FRAME;
}

bool agentx_has_context(const struct agentx_header *header)
{
	return header->flags & CONTEXT;
}

/* --- payload --- */

static bool skip(struct rest *rest, size_t count)
{
	if (rest->length < count)
		return false;
	rest->at += count;
	rest->length -= count;
	return true;
}

/* RFC 2741, 5.1: with a prefix, "1.3.6.1" and it stand before what is counted. */
static bool skip_oid(struct rest *rest)
{
	size_t arcs;

	if (rest->length < 4)
		return false;
	arcs = rest->at[0];
	return arcs + (rest->at[1] ? 5 : 0) <= MIB_OID_LIMIT && skip(rest, 4 + arcs * 4);
}

/* RFC 2741, 5.3: filled up to a multiple of four. */
static bool skip_octets(struct rest *rest)
{
	size_t count;

	if (rest->length < 4)
		return false;
	count = read_32(rest->at, rest->network_order);
	return count <= rest->length - 4 && skip(rest, 4 + (count + 3) / 4 * 4);
}

static unsigned take_type(struct rest *rest)
{
	const uint8_t *at = rest->at;

	if (!skip(rest, 4))
		return 0;
	return rest->network_order ? (unsigned)at[0] << 8 | at[1] : (unsigned)at[1] << 8 | at[0];
}

static bool skip_varbind(struct rest *rest)
{
	unsigned type = take_type(rest);

	if (!skip_oid(rest))
		return false;
	switch (type) {
	case MIB_INTEGER:
	case MIB_COUNTER32:
	case MIB_UNSIGNED:
	case MIB_TIMETICKS:
	case UNSIGNED_OLD:
		return skip(rest, 4);
	case MIB_COUNTER64:
		return skip(rest, 8);
	case MIB_OCTETS:
	case IP_ADDRESS:
	case OPAQUE:
		return skip_octets(rest);
	case OBJECT_IDENTIFIER:
		return skip_oid(rest);
	case NULL_VALUE:
	case NO_SUCH_OBJECT:
	case NO_SUCH_INSTANCE:
	case END_OF_MIB_VIEW:
		return true;
	default:
		return false;
	}
}

static bool skip_range(struct rest *rest)
{
	return skip_oid(rest) && skip_oid(rest);
}

/* Nothing but these, as many as there are. */
static bool are_all(struct rest rest, bool (*skip_one)(struct rest *rest))
{
	while (rest.length)
		if (!skip_one(&rest))
			return false;
	return true;
}

bool agentx_is_valid(const struct agentx_header *header, const uint8_t *payload)
{
	struct rest rest = { payload, header->length, header->flags & NETWORK_ORDER };

	if (agentx_has_context(header))
		return false;
	switch (header->type) {
	case AGENTX_GET:
	case AGENTX_GET_NEXT:
		return are_all(rest, skip_range);
	case AGENTX_GET_BULK:
		return skip(&rest, 4) && are_all(rest, skip_range);
	case AGENTX_TEST_SET: /* of nothing there is no SET */
		return rest.length && are_all(rest, skip_varbind);
	case AGENTX_COMMIT_SET:
	case AGENTX_UNDO_SET:
	case AGENTX_CLEANUP_SET:
		return !rest.length;
	case AGENTX_CLOSE:
		return rest.length == 4;
	case AGENTX_RESPONSE:
		return skip(&rest, AGENTX_ERROR - AGENTX_HEADER) && are_all(rest, skip_varbind);
	default:
		return false;
	}
}

/* --- an answer --- */

static void write_16(uint8_t *octets, unsigned value, bool network_order)
{
	octets[network_order ? 0 : 1] = (uint8_t)(value >> 8);
	octets[network_order ? 1 : 0] = (uint8_t)value;
}

void agentx_refuse(const struct agentx_header *request, enum agentx_error error, uint8_t *octets)
{
	bool network_order = request->flags & NETWORK_ORDER;
	uint8_t *result = octets + AGENTX_HEADER + OCTETS_OF_SYSUPTIME;
	struct agentx_header header = *request;

	header.version = AGENTX_VERSION;
	header.type = AGENTX_RESPONSE;
	header.flags = request->flags & NETWORK_ORDER;
	header.length = AGENTX_ERROR - AGENTX_HEADER;
	memset(octets, 0, AGENTX_ERROR);
	agentx_write_header(&header, octets);
	write_16(result, error, network_order);
	/* An error of SNMP's has a place: snmpd says genErr else (master.c:agentx_got_response). */
	if (error < AGENTX_FIRST_ERROR)
		write_16(result + 2, 1, network_order);
}
