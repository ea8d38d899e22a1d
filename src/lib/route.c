/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "address.h"
#include "cleanup.h"
#include "network.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/route/nexthop.h>
#include <netlink/route/route.h>

DEFINE_CLEANUP(struct rtnl_route, route, rtnl_route_put);

/* A route that refuses packets is an answer too, for IPv6 with the device lo. */
static bool is_usable(struct rtnl_route *route)
{
	switch (rtnl_route_get_type(route)) {
	case RTN_BLACKHOLE:
	case RTN_UNREACHABLE:
	case RTN_PROHIBIT:
	case RTN_THROW:
		return false;
	default:
		return true;
	}
}

/* Of a multipath route the first next hop is taken. */
static int take_route(void *context, struct nlmsghdr *answer)
{
	CLEANUP(cleanup_route) struct rtnl_route *route = NULL;
	struct rtnl_nexthop *hop;
	uint32_t *link = context;
	int error;

	if (answer->nlmsg_type != RTM_NEWROUTE)
		return 0;
	error = rtnl_route_parse(answer, &route);
	if (error < 0)
		return error == -NLE_NOMEM ? ENOMEM : EBADMSG;
	if (!is_usable(route))
		return EHOSTUNREACH;
	hop = rtnl_route_get_nnexthops(route) > 0 ? rtnl_route_nexthop_n(route, 0) : NULL;
	if (hop && rtnl_route_nh_get_ifindex(hop) > 0)
		*link = (uint32_t)rtnl_route_nh_get_ifindex(hop);
	return 0;
}

/* over: the index of the device that it has to be; 0: any. */
static int ask_route(struct isif_rtnetlink *rtnetlink, const struct isif_address *destination,
		     const struct isif_address *source, uint32_t over, uint32_t *link)
{
	bool ipv4 = destination->type == ISIF_ADDRESS_IPV4;
	int size = ipv4 ? 4 : 16;
	const struct rtmsg header = {
		.rtm_family = ipv4 ? AF_INET : AF_INET6,
		.rtm_dst_len = (unsigned char)(8 * size),
		.rtm_src_len = (unsigned char)(source ? 8 * size : 0),
		/*
		 * With a device, IPv4 answers even if it has no route: "assume, that destination
		 * is on link" (ip_route_output_key_hash_rcu). The entry itself it cannot make up.
		 */
		.rtm_flags = over ? RTM_F_FIB_MATCH : 0,
	};
	CLEANUP(cleanup_nl_msg)
	struct nl_msg *question = network_question(RTM_GETROUTE, 0, &header, sizeof(header));

	if (!question || nla_put(question, RTA_DST, size, destination->octets) < 0 ||
	    (source && nla_put(question, RTA_SRC, size, source->octets) < 0) ||
	    (over && nla_put_u32(question, RTA_OIF, over) < 0))
		return ENOMEM;
	return network_ask(rtnetlink->requests, question, take_route, link);
}

static enum isif_error route_error(int number)
{
	switch (number) {
	case ENETUNREACH:
	case EHOSTUNREACH:
	case ENETDOWN:
	case EACCES: /* a "prohibit" route */
	case EINVAL: /* a "blackhole" route, or a source that is not this host's */
	case ESRCH:
	case EADDRNOTAVAIL:
		return ISIF_NOT_FOUND;
	default:
		return isif_error_from_errno(number);
	}
}

static bool is_literal(const struct isif_address *address)
{
	return address->type == ISIF_ADDRESS_IPV4 || address->type == ISIF_ADDRESS_IPV6 ||
	       address->type == ISIF_ADDRESS_IPV6Z;
}

/* The zone says the device, and the routing table cannot: it has fe80::/64 once per device. */
static enum isif_error link_local_device(const struct isif_address *destination,
					 const struct isif_address *source, uint32_t *link)
{
	uint32_t zone = address_zone(destination);

	if (!zone && source)
		zone = address_zone(source);
	if (!zone)
		return ISIF_AMBIGUOUS;
	*link = zone;
	return ISIF_OK;
}

enum isif_error isif_route_device(struct isif_rtnetlink *rtnetlink,
				  const struct isif_address *destination,
				  const struct isif_address *source, uint32_t *link)
{
	uint32_t found = 0;
	int number;

	if (source && source->type == ISIF_ADDRESS_UNKNOWN)
		source = NULL;
	if (!is_literal(destination) ||
	    (source && (!is_literal(source) || (source->type == ISIF_ADDRESS_IPV4) !=
						       (destination->type == ISIF_ADDRESS_IPV4))))
		return ISIF_INVALID;
	if (destination->type != ISIF_ADDRESS_IPV4 && address_is_link_local(destination->octets))
		return link_local_device(destination, source, link);
	number = ask_route(rtnetlink, destination, source, 0, &found);
	if (number)
		return route_error(number);
	if (!found)
		return ISIF_NOT_FOUND;
	*link = found;
	return ISIF_OK;
}

enum isif_error network_route_over(struct isif_rtnetlink *rtnetlink,
				   const struct isif_address *destination, uint32_t link)
{
	uint32_t found = 0;
	int number;

	if (!is_literal(destination))
		return ISIF_INVALID;
	number = ask_route(rtnetlink, destination, NULL, link, &found);
	return number ? route_error(number) : ISIF_OK;
}
