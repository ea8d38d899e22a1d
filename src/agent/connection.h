/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IFACED_CONNECTION_H
#define IFACED_CONNECTION_H

#include "channel.h"

#include <isif/privileged.h>

/*
 * The connection to the AgentX master, supervised by us. Net-SNMP's own supervision blocks for
 * seconds when a master hangs, doubles its alarms, and loses registrations.
 */
struct connection {
	struct isif_privileged *gate; /* connects to a socket in the file system */
	char *master;		      /* its address, as configured at the start */
	const bool *network;	      /* it may be another one than a UNIX socket's */
	int handed;		      /* a socket that is on its way to the library, or -1 */
	int socket;		      /* of that session */
	bool open;		      /* the library has a session with the master */
	bool up;		      /* and our registrations are accepted */
	bool refused;		      /* the master refused one */
	bool waiting;		      /* the log was told that we wait */
	uint64_t retry;		      /* when to try again, monotonic ms */
	uint64_t wait;		      /* ms between two tries */
	uint64_t origin;	      /* monotonic ms at which the master's sysUpTime was 0 */
	/* Has the registrations made anew; called in the loop, never from within the library. */
	void (*connected)(void *context);
	/* The master is gone; called from within the library: only note it. */
	void (*disconnected)(void *context);
	void *context;
	struct channel channel; /* with its is_busy() */
};

/* Before init_agent(): what the library must not do. False without memory. */
bool connection_prepare(struct connection *connection, const char *address);

/* After init_agent(), before init_snmp(). */
void connection_supervise(struct connection *connection);

/* After init_snmp(): false, and a log line, if the master is where it must not be. */
bool connection_check(struct connection *connection);

/* After init_snmp(): where the master's socket is in the file system; NULL: it is another one. */
const char *connection_path(struct connection *connection);

/* Before snmp_shutdown(). */
void connection_end(struct connection *connection);

/* One step: tries to open, or finishes what was opened. */
void connection_run(struct connection *connection, uint64_t now);

/* Milliseconds until connection_run() has something to do, -1 if never. */
int connection_timeout(const struct connection *connection, uint64_t now);

#endif
