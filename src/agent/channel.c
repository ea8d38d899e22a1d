/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "channel.h"

#include "../lib/clock.h"
#include "config.h"
#include "engine.h"
#include "logging.h"
#include "setter.h"

#include <net-snmp/net-snmp-config.h>

#include <net-snmp/net-snmp-includes.h>

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define ANSWER_MS 2000 /* for an answer of the master's; the library gives up after one second */
#define SEND_MS	  1000 /* for a master who does not read */

/* Net-SNMP's transports have no argument of their own while they are made. */
static struct channel *current;

/* --- the end --- */

/* What the socket still holds does not count; that it is shut makes it readable. */
static void break_off(struct channel *channel, int socket)
{
	channel->broken = true;
	shutdown(socket, SHUT_RDWR);
}

static void complain(struct channel *channel, const char *what)
{
	if (!channel->complained)
		LOG(WARNING,
		    "the AgentX master breaks the protocol (RFC 2741): %s; more of this is not "
		    "told "
		    "before it is connected anew",
		    what);
	channel->complained = true;
}

/* --- out --- */

static bool may_write(int socket, uint64_t until)
{
	struct pollfd one = { .fd = socket, .events = POLLOUT };
	uint64_t now = clock_ms();

	return now < until && poll(&one, 1, (int)(until - now)) > 0;
}

static bool send_all(struct channel *channel, int socket, const uint8_t *octets, size_t length)
{
	uint64_t until = clock_ms() + SEND_MS;

	while (length) {
		ssize_t sent = send(socket, octets, length, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (sent >= 0) {
			octets += sent;
			length -= (size_t)sent;
		} else if (errno != EINTR && (errno != EAGAIN || !may_write(socket, until))) {
			if (errno == EAGAIN)
				complain(channel,
					 "it does not read what it asked for, the connection ends");
			break_off(channel, socket);
			return false;
		}
	}
	return true;
}

static void refuse(struct channel *channel, int socket, const struct agentx_header *request,
		   enum agentx_error error)
{
	uint8_t octets[AGENTX_ERROR];

	agentx_refuse(request, error, octets);
	send_all(channel, socket, octets, sizeof(octets));
}

/* snmpd drops a longer one, waits for another, and then ends the connection. */
static bool is_too_long(const struct agentx_header *header)
{
	return header->type == AGENTX_RESPONSE && header->length > AGENTX_LONGEST - AGENTX_HEADER;
}

static int send_pdu(netsnmp_transport *transport, const void *octets, int size, void **opaque,
		    int *opaque_length)
{
	struct channel *channel = current;
	struct agentx_header header;

	(void)opaque;
	(void)opaque_length;
	if (size < AGENTX_HEADER)
		return -1;
	header = agentx_read_header(octets);
	if (header.type == AGENTX_RESPONSE && channel->undoes) {
		channel->undoes = false;
		return size;
	}
	if (is_too_long(&header)) {
		refuse(channel, transport->sock, &header, AGENTX_TOO_BIG);
		return channel->broken ? -1 : size;
	}
	if (!send_all(channel, transport->sock, octets, (size_t)size))
		return -1;
	if (header.type != AGENTX_RESPONSE && header.type != AGENTX_NOTIFY) {
		channel->asks = true;
		channel->asked = header;
		channel->asked_at = clock_ms();
	}
	return size;
}

/* --- in: octets --- */

/* How many have come; 0 also where none will come any more. */
static size_t take(struct channel *channel, int socket, uint8_t *octets, size_t room)
{
	ssize_t got;

	do
		got = recv(socket, octets, room, MSG_DONTWAIT);
	while (got < 0 && errno == EINTR);
	if (got > 0)
		return (size_t)got;
	if (got == 0 || errno != EAGAIN)
		break_off(channel, socket);
	return 0;
}

static bool fill(struct channel *channel, int socket, size_t length)
{
	while (channel->received < length) {
		size_t got = take(channel, socket, channel->pdu + channel->received,
				  length - channel->received);

		if (!got)
			return false;
		channel->received += got;
	}
	return true;
}

static bool drop(struct channel *channel, int socket, size_t length)
{
	while (channel->dropped < length) {
		size_t room = AGENTX_LONGEST - AGENTX_HEADER;
		size_t left = length - channel->dropped;
		size_t got = take(channel, socket, channel->pdu + AGENTX_HEADER,
				  left < room ? left : room);

		if (!got)
			return false;
		channel->dropped += got;
	}
	channel->dropped = 0;
	return true;
}

/* --- in: SETs --- */

/*
 * An UndoSet in the master's place: the library keeps what it knows of a transaction until it is
 * told that this is over, even beyond the session (subagent.c and snmp_agent.c: Sets).
 */
static size_t undo(struct channel *channel, uint8_t *octets)
{
	const struct agentx_header header = {
		.version = AGENTX_VERSION,
		.type = AGENTX_UNDO_SET,
		.session = channel->session,
		.transaction = channel->transaction,
	};

	channel->phase = CHANNEL_IDLE;
	channel->undoes = true;
	agentx_write_header(&header, octets);
	return AGENTX_HEADER;
}

/* A transaction that begins anew, or that nobody goes on with, ends before the next one begins. */
static bool must_undo(const struct channel *channel, const struct agentx_header *header)
{
	return header->type == AGENTX_TEST_SET && header->length &&
	       header->session == channel->session && channel->phase != CHANNEL_IDLE &&
	       (header->transaction == channel->transaction || clock_ms() >= channel->phase_ends);
}

/* What is wrong with a PDU at this point of a SET: the library takes each as the one it expects. */
static enum agentx_error follow(struct channel *channel, const struct agentx_header *header)
{
	bool expected =
		channel->phase != CHANNEL_IDLE && header->transaction == channel->transaction;

	switch (header->type) {
	case AGENTX_TEST_SET:
		if (channel->phase != CHANNEL_IDLE)
			return AGENTX_RESOURCE_UNAVAILABLE;
		channel->phase = CHANNEL_TESTED;
		channel->transaction = header->transaction;
		break;
	case AGENTX_COMMIT_SET:
		if (!expected || channel->phase != CHANNEL_TESTED)
			return AGENTX_PROCESSING_ERROR;
		channel->phase = CHANNEL_COMMITTED;
		break;
	case AGENTX_UNDO_SET:
	case AGENTX_CLEANUP_SET:
		if (!expected)
			return AGENTX_PROCESSING_ERROR;
		channel->phase = CHANNEL_IDLE;
		break;
	default:
		return AGENTX_NO_ERROR;
	}
	channel->phase_ends = clock_ms() + SETTER_PATIENCE_MS;
	return AGENTX_NO_ERROR;
}

/* --- in: PDUs --- */

static bool is_answer(struct channel *channel, const struct agentx_header *header)
{
	if (!agentx_is_valid(header, channel->pdu + AGENTX_HEADER)) {
		complain(channel, "a Response is malformed, it is dropped");
		return false;
	}
	if (channel->asks && header->packet == channel->asked.packet) {
		channel->asks = false;
		if (channel->asked.type == AGENTX_OPEN) {
			channel->opened = true;
			channel->session = header->session;
		}
	}
	return true;
}

static enum agentx_error judge(struct channel *channel, const struct agentx_header *header)
{
	if (!channel->opened || header->session != channel->session)
		return AGENTX_NOT_OPEN;
	if (agentx_has_context(header))
		return AGENTX_UNSUPPORTED_CONTEXT;
	if (!agentx_is_valid(header, channel->pdu + AGENTX_HEADER)) {
		complain(channel, "a request is malformed, it is refused");
		return AGENTX_PARSE_ERROR;
	}
	/* The library takes it for the answer, whatever it is (client.c:agentx_synch_input). */
	if (channel->asks && header->packet == channel->asked.packet)
		return AGENTX_PROCESSING_ERROR;
	return follow(channel, header);
}

static bool has_answer(const struct agentx_header *header)
{
	return header->type >= AGENTX_GET && header->type <= AGENTX_UNDO_SET;
}

/* True if the library may have it. */
static bool admit(struct channel *channel, int socket, const struct agentx_header *header)
{
	enum agentx_error error;

	if (header->type == AGENTX_RESPONSE)
		return is_answer(channel, header);
	error = judge(channel, header);
	if (error && has_answer(header))
		refuse(channel, socket, header, error);
	if (!error && header->type == AGENTX_CLOSE)
		break_off(channel, socket);
	return !error && header->type != AGENTX_CLOSE;
}

/* The next PDU for the library, and its length; 0 if there is none yet. */
static size_t next_pdu(struct channel *channel, int socket, uint8_t *octets)
{
	struct agentx_header header;
	size_t length;

	if (!fill(channel, socket, AGENTX_HEADER))
		return 0;
	header = agentx_read_header(channel->pdu);
	if (!agentx_is_framed(&header)) {
		complain(channel, "what it sends is no AgentX, the connection ends");
		break_off(channel, socket);
		return 0;
	}
	/* The payload is still to come, and with it our next turn. */
	if (must_undo(channel, &header))
		return undo(channel, octets);
	length = AGENTX_HEADER + header.length;
	if (length > AGENTX_LONGEST) {
		if (drop(channel, socket, header.length)) {
			channel->received = 0;
			if (has_answer(&header))
				refuse(channel, socket, &header, AGENTX_TOO_BIG);
		}
		return 0;
	}
	if (!fill(channel, socket, length))
		return 0;
	channel->received = 0;
	if (!admit(channel, socket, &header))
		return 0;
	memcpy(octets, channel->pdu, length);
	return length;
}

/* As long as anything comes, the library heeds no clock (snmp_client.c:snmp_synch_response_cb). */
static bool is_late(const struct channel *channel)
{
	return channel->asks && clock_ms() >= channel->asked_at + ANSWER_MS;
}

/* The end reaches the library when it waits for nothing and no SET is under way. */
static size_t last_pdu(struct channel *channel, uint8_t *octets)
{
	if (channel->asks) {
		channel->asks = false;
		agentx_refuse(&channel->asked, AGENTX_PROCESSING_ERROR, octets);
		return AGENTX_ERROR;
	}
	return channel->phase == CHANNEL_IDLE ? 0 : undo(channel, octets);
}

static size_t any_pdu(struct channel *channel, int socket, uint8_t *octets)
{
	size_t length = 0;

	channel->undoes = false;
	if (is_late(channel)) {
		complain(channel, "it does not answer, the connection ends");
		break_off(channel, socket);
	}
	if (!channel->broken)
		length = next_pdu(channel, socket, octets);
	return length || !channel->broken ? length : last_pdu(channel, octets);
}

static int receive_pdu(netsnmp_transport *transport, void *octets, int size, void **opaque,
		       int *opaque_length)
{
	struct channel *channel = current;
	size_t length = 0;

	*opaque = NULL;
	*opaque_length = 0;
	if (size < AGENTX_LONGEST)
		return -1;
	if (!channel->is_busy(channel->context, transport->sock)) {
		length = any_pdu(channel, transport->sock, octets);
		if (!length && channel->broken)
			return -1;
	}
	if (!length) /* and yet this is not the end */
		transport->flags |= NETSNMP_TRANSPORT_FLAG_EMPTY_PKT;
	return (int)length;
}

/* --- its place under the library --- */

static netsnmp_transport *open_transport(netsnmp_tdomain_spec *address)
{
	netsnmp_transport *transport = netsnmp_transport_open_client("agentx", address->target);

	if (!transport)
		return NULL;
	*current = (struct channel){ .is_busy = current->is_busy, .context = current->context };
	transport->f_recv = receive_pdu;
	transport->f_send = send_pdu;
	return transport;
}

void channel_prepare(struct channel *channel)
{
	static netsnmp_tdomain domain = {
		.name = mib_root,
		.f_create_from_tspec = open_transport,
	};

	current = channel;
	domain.name_length = mib_root_length;
	domain.prefix = calloc(2, sizeof(*domain.prefix)); /* Net-SNMP frees it at its end */
	if (!domain.prefix)
		return;
	domain.prefix[0] = CHANNEL_DOMAIN;
	netsnmp_tdomain_register(&domain);
}
