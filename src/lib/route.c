/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "address.h"
#include "network.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>

/* The device of the first next hop: a multipath route has no device of its own. */
static uint32_t first_hop(const struct nlattr *hops)
{
	const struct rtnexthop *hop = nla_data(hops);

	if (nla_len(hops) < (int)sizeof(*hop) || hop->rtnh_ifindex <= 0)
		return 0;
	return (uint32_t)hop->rtnh_ifindex;
}

/* A route that refuses packets is an answer too, for IPv6 with the device lo. */
static bool is_usable(const struct rtmsg *route)
{
	switch (route->rtm_type) {
	case RTN_BLACKHOLE:
	case RTN_UNREACHABLE:
	case RTN_PROHIBIT:
	case RTN_THROW:
		return false;
	default:
		return true;
	}
}

static int take_route(void *context, struct nlmsghdr *answer)
{
	static const struct nla_policy policy[RTA_MAX + 1] = {
		[RTA_OIF] = { .type = NLA_U32 },
	};
	struct nlattr *attributes[RTA_MAX + 1];
	const struct rtmsg *route = nlmsg_data(answer);
	uint32_t *link = context;

	if (answer->nlmsg_type != RTM_NEWROUTE)
		return 0;
	if (nlmsg_parse(answer, sizeof(*route), attributes, RTA_MAX, policy) < 0)
		return EBADMSG;
	if (!is_usable(route))
		return EHOSTUNREACH;
	if (attributes[RTA_OIF])
		*link = nla_get_u32(attributes[RTA_OIF]);
	else if (attributes[RTA_MULTIPATH])
		*link = first_hop(attributes[RTA_MULTIPATH]);
	return 0;
}

static int ask_route(struct isif_rtnetlink *rtnetlink, const struct isif_address *destination,
		     const struct isif_address *source, uint32_t *link)
{
	bool ipv4 = destination->type == ISIF_ADDRESS_IPV4;
	int size = ipv4 ? 4 : 16;
	const struct rtmsg header = {
		.rtm_family = ipv4 ? AF_INET : AF_INET6,
		.rtm_dst_len = (unsigned char)(8 * size),
		.rtm_src_len = (unsigned char)(source ? 8 * size : 0),
	};
	CLEANUP(cleanup_nl_msg)
	struct nl_msg *question = network_question(RTM_GETROUTE, 0, &header, sizeof(header));

	if (!question || nla_put(question, RTA_DST, size, destination->octets) < 0 ||
	    (source && nla_put(question, RTA_SRC, size, source->octets) < 0))
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
	number = ask_route(rtnetlink, destination, source, &found);
	if (number)
		return route_error(number);
	if (!found)
		return ISIF_NOT_FOUND;
	*link = found;
	return ISIF_OK;
}
