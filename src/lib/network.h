/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ISIF_LIB_NETWORK_H
#define ISIF_LIB_NETWORK_H

#include <isif/error.h>
#include <isif/network.h>

#include "cleanup.h"

#include <netlink/msg.h>
#include <netlink/socket.h>

DEFINE_CLEANUP(struct nl_sock, nl_sock, nl_socket_free);
DEFINE_CLEANUP(struct nl_msg, nl_msg, nlmsg_free);
DEFINE_CLEANUP(struct nl_cb, nl_cb, nl_cb_put);

struct isif_rtnetlink {
	struct nl_sock *requests; /* never joins a group: an answer and an event cannot mix */
	struct nl_sock *events;
	unsigned changes; /* collected by the event callback */
};

/*
 * Opens a socket for questions. A receive on it fails after a second, so that no question can
 * hang, and no acknowledgement is asked for: the answer alone ends a question.
 */
enum isif_error network_socket_open(int protocol, struct nl_sock **socket);

/* A question that begins with the given fixed header, NULL without memory. */
struct nl_msg *network_question(int type, int flags, const void *header, size_t size);

/* Takes one answer; 0 or an errno value, after which the remaining answers are dropped. */
typedef int network_visit(void *context, struct nlmsghdr *answer);

/*
 * Whether a packet to a (literal) address could leave by this device, as one of a socket that is
 * bound to it: by a route of its own, not by the kernel's guess that everybody is on the link.
 * ISIF_NOT_FOUND: there is no such route.
 */
enum isif_error network_route_over(struct isif_rtnetlink *rtnetlink,
				   const struct isif_address *destination, uint32_t link);

/*
 * Asks and hands each answer to visit. Returns 0 or an errno value: the kernel's own, the
 * visitor's, ENOMEM, ETIMEDOUT, or EINTR if the things that were dumped changed meanwhile, so
 * that the answers do not fit together and the question should be asked again.
 */
int network_ask(struct nl_sock *socket, struct nl_msg *message, network_visit *visit,
		void *context);

#endif
