/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IFACED_CHANNEL_H
#define IFACED_CHANNEL_H

#include "agentx.h"

/*
 * What goes between the AgentX master and Net-SNMP's library: under the library, in its transport.
 * The library gets whole PDUs, one after the other, each of them valid, of our session, and in its
 * turn; and it never waits long for a master who does not read, or says anything but what it was
 * asked. Everything else is answered here, or ends the connection.
 */

enum channel_phase { CHANNEL_IDLE, CHANNEL_TESTED, CHANNEL_COMMITTED };

struct channel {
	/*
	 * True if the library has something to do but for what comes from this socket: it passes a
	 * PDU on to itself in up to four steps, and a CleanupSet, or the end, that comes meanwhile
	 * frees what they still use (subagent.c:handle_subagent_set_response).
	 */
	bool (*is_busy)(void *context, int socket);
	void *context;

	/* The rest is the channel's own. */
	bool broken;	 /* the connection is at its end, whatever still comes */
	bool complained; /* the log knows of this connection's master */

	uint8_t pdu[AGENTX_LONGEST]; /* that is being received */
	size_t received;
	size_t dropped; /* octets of the payload of one that is too long */

	bool asks;		    /* the library waits for an answer */
	struct agentx_header asked; /* to this */
	uint64_t asked_at;	    /* monotonic ms */
	bool opened;
	uint32_t session;

	enum channel_phase phase; /* of a SET */
	uint32_t transaction;
	uint64_t phase_ends; /* monotonic ms */
	bool undoes;	     /* the library answers to what no master has asked */
};

/* Net-SNMP opens "DOMAIN:ADDRESS" as a channel to what it would open itself for ADDRESS. */
#define CHANNEL_DOMAIN "channel"

/* Before the library opens its first connection. There is one channel. */
void channel_prepare(struct channel *channel);

#endif
