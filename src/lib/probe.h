/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ISIF_LIB_PROBE_H
#define ISIF_LIB_PROBE_H

#include <isif/job.h>
#include <isif/model.h>
#include <isif/network.h>

/*
 * Whether a portal can be reached over an iface: its device with link and address, a route over
 * it, and a TCP connection that is bound to it, as open-iscsi would bind it. Nothing is sent on
 * the connection. One that has begun is driven by the loop and never waits.
 */

#define PROBE_PATIENCE 5000 /* ms: two more SYNs, and an ARP that fails (3 s) is told as such */

#define PROBE_TEXT_SIZE 1024 /* for the longest names of a portal, an iface and a transport */

struct probe_question {
	const struct isif_iface *iface;
	const struct isif_network *network;
	struct isif_rtnetlink *rtnetlink; /* is asked for the route, and answers at once */
	const char *address;		  /* as a record writes it */
	uint16_t port;
	unsigned patience; /* ms for the connection */
};

struct probe {
	/* Of one that has ended: ISIF_JOB_ERROR_NONE: the connection opened. Else why not. */
	enum isif_job_error error;
	char text[PROBE_TEXT_SIZE]; /* the portal, and what is wrong with it; never cut */
	/*
	 * The address is a name, and error is ISIF_JOB_ERROR_INCONCLUSIVE: nothing else speaks
	 * against it, but looking a name up waits for name servers. Whoever goes on can let
	 * iscsiadm try, which looks it up and binds its connection all the same.
	 */
	bool is_name;
	/* Its own. */
	char portal[ISIF_ADDRESS_SIZE + 16];
	char way[64]; /* which device it goes over, in words */
	bool bound;   /* to it, by the iface */
	int socket, descriptor;
	unsigned patience;
	uint64_t deadline; /* monotonic ms */
};

/* Begins one; it may have ended when this returns, and probe_work() says so. */
void probe_begin(struct probe *probe, const struct probe_question *question, uint64_t now);

/* True when it has ended. Else it waits for its descriptor, until probe->deadline at most. */
bool probe_work(struct probe *probe, uint64_t now);

/* Readable when there is something to do; -1: it has ended. */
int probe_descriptor(const struct probe *probe);

/* Ends one that was begun, done or not: nothing of it is left. */
void probe_end(struct probe *probe);

#endif
