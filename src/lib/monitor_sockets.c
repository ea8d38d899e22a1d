/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which device a session really uses, and its counters, from its socket. The labels that iscsid
 * gave the SCSI host at login prove nothing.
 */
#include "monitor.h"

#include <stdlib.h>
#include <string.h>

/* The logged-in sessions, sorted by the local port of their sockets. */
struct dump {
	struct isif_monitor *monitor;
	struct tracked_session **sessions;
	size_t count;
	bool *found;
};

static int compare_ports(const void *a, const void *b)
{
	uint16_t one = (*(struct tracked_session *const *)a)->seen.kernel->local_port;
	uint16_t other = (*(struct tracked_session *const *)b)->seen.kernel->local_port;

	return (one > other) - (one < other);
}

static bool is_address(const char *text, const struct isif_address *address)
{
	struct isif_address parsed;

	isif_address_parse(text, &parsed);
	/* The zone of a link-local address is written on one side only. */
	return parsed.type && parsed.length >= 4 &&
	       (parsed.type == ISIF_ADDRESS_IPV4) == (address->type == ISIF_ADDRESS_IPV4) &&
	       !memcmp(parsed.octets, address->octets, parsed.type == ISIF_ADDRESS_IPV4 ? 4u : 16u);
}

static bool is_socket_of(const struct isif_kernel_session *session,
			 const struct isif_socket *socket)
{
	return session->local_port == socket->local_port && session->port == socket->peer_port &&
	       is_address(session->address, &socket->peer) &&
	       (!*session->local_address || is_address(session->local_address, &socket->local));
}

/* Counters go on over the sockets that a session has had. */
static void take_counters(struct tracked_session *session, const struct isif_socket *socket)
{
	struct isif_session_counters *total = &session->seen.counters;

	if (session->cookie != socket->cookie && session->last.known) {
		session->before.sent += session->last.sent;
		session->before.received += session->last.received;
		session->before.retransmits += session->last.retransmits;
	}
	session->last = (struct isif_session_counters){
		.known = true,
		.sent = socket->sent,
		.received = socket->received,
		.retransmits = socket->retransmits,
	};
	*total = (struct isif_session_counters){
		.known = true,
		.sent = session->before.sent + socket->sent,
		.received = session->before.received + socket->received,
		.retransmits = session->before.retransmits + socket->retransmits,
		.rtt = socket->rtt,
		.path_mtu = socket->path_mtu,
	};
}

static void take_path(struct isif_monitor *monitor, struct tracked_session *session,
		      const struct isif_socket *socket)
{
	struct observed_session *seen = &session->seen;

	if (session->cookie != socket->cookie)
		session->routed = false;
	seen->bound = socket->bound_link;
	if (seen->bound) {
		seen->path_link = socket->bound_link;
		seen->path_known = true;
	} else if (!session->routed) {
		seen->path_known = !isif_route_device(monitor->rtnetlink, &socket->peer,
						      &socket->local, &seen->path_link);
		session->routed = seen->path_known;
	}
}

static void visit_socket(void *context, const struct isif_socket *socket)
{
	struct dump *dump = context;
	size_t low = 0, high = dump->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (dump->sessions[middle]->seen.kernel->local_port < socket->local_port)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < dump->count &&
	       dump->sessions[low]->seen.kernel->local_port == socket->local_port;
	     low++) {
		if (!is_socket_of(dump->sessions[low]->seen.kernel, socket))
			continue;
		take_path(dump->monitor, dump->sessions[low], socket);
		take_counters(dump->sessions[low], socket);
		dump->sessions[low]->cookie = socket->cookie;
		dump->found[low] = true;
		return;
	}
}

/* One dump for each port that the sessions' targets listen on; nearly always that is one. */
static void dump_ports(struct dump *dump)
{
	for (size_t i = 0; i < dump->count; i++) {
		uint16_t port = dump->sessions[i]->seen.kernel->port;
		bool done = false;

		for (size_t j = 0; j < i && !done; j++)
			done = dump->sessions[j]->seen.kernel->port == port;
		if (!done)
			isif_sock_diag_dump(dump->monitor->sock_diag, port, visit_socket, dump);
	}
}

/*
 * With a sysfs tree of one's own there are no sockets. The owner of the local address is the best
 * that can be known; the labels that iscsid gave the host prove nothing.
 */
static void take_owner(const struct isif_monitor *monitor, struct tracked_session *session)
{
	struct isif_address address;
	const struct isif_link *link;

	isif_address_parse(session->seen.kernel->local_address, &address);
	link = isif_network_owner(monitor->network, &address);
	session->seen.path_known = link;
	session->seen.path_link = link ? link->index : 0;
}

void monitor_read_sockets(struct isif_monitor *monitor)
{
	struct dump dump = { .monitor = monitor };

	monitor->sockets_due = false;
	monitor->counters_read = monitor_now();
	if (!monitor->session_count)
		return;
	dump.sessions = calloc(monitor->session_count, sizeof(struct tracked_session *));
	dump.found = calloc(monitor->session_count, sizeof(bool));
	for (size_t i = 0; dump.sessions && dump.found && i < monitor->session_count; i++) {
		struct tracked_session *session = monitor->sessions[i];

		if (session->seen.gone || session->seen.kernel->state != ISIF_SESSION_LOGGED_IN)
			continue;
		if (monitor->own_sysfs)
			take_owner(monitor, session);
		else if (session->seen.kernel->local_port)
			dump.sessions[dump.count++] = session;
	}
	if (dump.count && monitor->sock_diag) {
		qsort(dump.sessions, dump.count, sizeof(*dump.sessions), compare_ports);
		dump_ports(&dump);
	}
	/* A session whose socket cannot be seen runs over nobody knows what. */
	for (size_t i = 0; i < dump.count; i++)
		if (!dump.found[i])
			dump.sessions[i]->seen.path_known = false;
	free(dump.sessions);
	free(dump.found);
	monitor->dirty = true;
}
