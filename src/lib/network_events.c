/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "network.h"

#include <linux/rtnetlink.h>
#include <netlink/errno.h>
#include <netlink/netlink.h>

#define EVENT_BUFFER_SIZE (1 << 20) /* octets: some thousand events between two turns of a loop */
#define EVENTS_PER_CALL	  4096	    /* a storm of events must not keep us; poll(2) calls again */

/* Bridges report the state of their ports in messages of the same type (br_ifinfo_notify). */
static bool is_bridge_port(struct nlmsghdr *header)
{
	const struct ifinfomsg *link = nlmsg_data(header);

	return nlmsg_valid_hdr(header, sizeof(*link)) && link->ifi_family != AF_UNSPEC;
}

static int take_event(struct nl_msg *message, void *context)
{
	struct isif_rtnetlink *rtnetlink = context;
	struct nlmsghdr *header = nlmsg_hdr(message);

	switch (header->nlmsg_type) {
	case RTM_NEWLINK:
	case RTM_DELLINK:
		if (is_bridge_port(header))
			break;
		__attribute__((fallthrough));
	case RTM_DELADDR:
		/* IPv4 routes vanish with their device or source unannounced (fib_table_flush). */
		rtnetlink->changes |= ISIF_CHANGED_LINKS | ISIF_CHANGED_ROUTES;
		break;
	case RTM_NEWADDR:
		rtnetlink->changes |= ISIF_CHANGED_LINKS;
		break;
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
	case RTM_NEWRULE:
	case RTM_DELRULE:
		rtnetlink->changes |= ISIF_CHANGED_ROUTES;
		break;
	default:
		break;
	}
	return NL_OK;
}

static enum isif_error open_events(struct isif_rtnetlink *rtnetlink)
{
	int size = EVENT_BUFFER_SIZE;
	enum isif_error error = network_socket_open(NETLINK_ROUTE, &rtnetlink->events);
	int descriptor;

	if (error)
		return error;
	descriptor = nl_socket_get_fd(rtnetlink->events);
	/* Without CAP_NET_ADMIN the buffer is as large as net.core.rmem_max lets it be. */
	if (setsockopt(descriptor, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)))
		(void)setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	nl_socket_disable_seq_check(rtnetlink->events);
	if (nl_socket_modify_cb(rtnetlink->events, NL_CB_VALID, NL_CB_CUSTOM, take_event,
				rtnetlink) < 0 ||
	    nl_socket_set_nonblocking(rtnetlink->events) < 0 ||
	    nl_socket_add_memberships(rtnetlink->events, RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR,
				      RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE,
				      RTNLGRP_IPV4_RULE, RTNLGRP_IPV6_RULE, RTNLGRP_NONE) < 0)
		return ISIF_IO;
	return ISIF_OK;
}

DEFINE_CLEANUP(struct isif_rtnetlink, rtnetlink, isif_rtnetlink_close);

enum isif_error isif_rtnetlink_open(struct isif_rtnetlink **rtnetlink)
{
	CLEANUP(cleanup_rtnetlink) struct isif_rtnetlink *opened = calloc(1, sizeof(*opened));
	enum isif_error error;

	if (!opened)
		return ISIF_NO_MEMORY;
	error = network_socket_open(NETLINK_ROUTE, &opened->requests);
	if (!error)
		error = open_events(opened);
	if (error)
		return error;
	*rtnetlink = TAKE(opened);
	return ISIF_OK;
}

void isif_rtnetlink_close(struct isif_rtnetlink *rtnetlink)
{
	if (!rtnetlink)
		return;
	nl_socket_free(rtnetlink->requests);
	nl_socket_free(rtnetlink->events);
	free(rtnetlink);
}

int isif_rtnetlink_descriptor(const struct isif_rtnetlink *rtnetlink)
{
	return nl_socket_get_fd(rtnetlink->events);
}

unsigned isif_rtnetlink_events(struct isif_rtnetlink *rtnetlink)
{
	rtnetlink->changes = 0;
	for (int i = 0; i < EVENTS_PER_CALL; i++) {
		int error = nl_recvmsgs_default(rtnetlink->events);

		if (error == -NLE_AGAIN)
			break;
		/* ENOBUFS, which libnl calls NLE_NOMEM; whatever it is, events may be lost. */
		if (error < 0)
			rtnetlink->changes |= ISIF_CHANGED_OVERFLOW;
		if (error < 0 && error != -NLE_NOMEM)
			break;
	}
	return rtnetlink->changes;
}
