/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "address.h"
#include "network.h"

#include <errno.h>
#include <net/if.h> /* before linux/if.h, which then leaves out what is the same */
#include <net/if_arp.h>
#include <linux/if.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <stdio.h>
#include <string.h>

#define DUMP_ATTEMPTS	8   /* of a dump that changes under our hands */
#define OTHER_NAME_SIZE 128 /* ALTIFNAMSIZ */

struct other_name {
	uint32_t link;
	char text[OTHER_NAME_SIZE];
};

/* An array that grows. */
struct list {
	char *items;
	uint32_t count;
	uint32_t capacity;
};

/* What the dumps have told so far, in their order. */
struct collection {
	struct list links;
	struct list addresses;
	struct list names; /* those of one device follow each other */
};

static void cleanup_collection(const struct collection *collection)
{
	free(collection->links.items);
	free(collection->addresses.items);
	free(collection->names.items);
}

/* One more item, all zero; NULL without memory. */
static void *list_add(struct list *list, size_t size)
{
	void *item;

	if (list->count == list->capacity) {
		uint32_t capacity = list->capacity ? list->capacity * 2 : 16;
		char *items;

		if (capacity < list->capacity || capacity > SIZE_MAX / size)
			return NULL;
		items = realloc(list->items, capacity * size);
		if (!items)
			return NULL;
		list->items = items;
		list->capacity = capacity;
	}
	item = list->items + list->count++ * size;
	return memset(item, 0, size);
}

static int take_other_names(struct collection *collection, uint32_t link, struct nlattr *names)
{
	struct nlattr *name;
	int remaining;

	nla_for_each_nested(name, names, remaining)
	{
		struct other_name *other;

		if (nla_type(name) != IFLA_ALT_IFNAME)
			continue;
		other = list_add(&collection->names, sizeof(*other));
		if (!other)
			return ENOMEM;
		other->link = link;
		nla_strlcpy(other->text, name, sizeof(other->text));
	}
	return 0;
}

/* open-iscsi looks for a hardware address among Ethernet devices only, so no other has one. */
static void take_hwaddress(struct isif_link *link, unsigned type, const struct nlattr *address)
{
	const uint8_t *octets;

	if (type != ARPHRD_ETHER || !address || nla_len(address) != 6)
		return;
	octets = nla_data(address);
	(void)snprintf(link->hwaddress, sizeof(link->hwaddress), "%02x:%02x:%02x:%02x:%02x:%02x",
		       octets[0], octets[1], octets[2], octets[3], octets[4], octets[5]);
}

static bool is_running(unsigned flags, const struct nlattr *operstate)
{
	uint8_t state = operstate ? nla_get_u8(operstate) : IF_OPER_UNKNOWN;

	return (flags & IFF_UP) && (flags & IFF_LOWER_UP) &&
	       (state == IF_OPER_UP || state == IF_OPER_UNKNOWN);
}

static int take_link(void *context, struct nlmsghdr *answer)
{
	static const struct nla_policy policy[IFLA_MAX + 1] = {
		[IFLA_IFNAME] = { .type = NLA_STRING, .maxlen = IF_NAMESIZE },
		[IFLA_OPERSTATE] = { .type = NLA_U8 },
		[IFLA_CARRIER_DOWN_COUNT] = { .type = NLA_U32 },
	};
	struct collection *collection = context;
	struct nlattr *attributes[IFLA_MAX + 1];
	const struct ifinfomsg *header = nlmsg_data(answer);
	struct isif_link *link;

	if (answer->nlmsg_type != RTM_NEWLINK)
		return 0;
	if (nlmsg_parse(answer, sizeof(*header), attributes, IFLA_MAX, policy) < 0 ||
	    !attributes[IFLA_IFNAME] || header->ifi_index <= 0)
		return EBADMSG;
	link = list_add(&collection->links, sizeof(*link));
	if (!link)
		return ENOMEM;
	link->index = (uint32_t)header->ifi_index;
	link->order = collection->links.count - 1;
	nla_strlcpy(link->name, attributes[IFLA_IFNAME], sizeof(link->name));
	take_hwaddress(link, header->ifi_type, attributes[IFLA_ADDRESS]);
	link->up = header->ifi_flags & IFF_UP;
	link->running = is_running(header->ifi_flags, attributes[IFLA_OPERSTATE]);
	if (attributes[IFLA_CARRIER_DOWN_COUNT])
		link->carrier_losses = nla_get_u32(attributes[IFLA_CARRIER_DOWN_COUNT]);
	if (!attributes[IFLA_PROP_LIST])
		return 0;
	return take_other_names(collection, link->index, attributes[IFLA_PROP_LIST]);
}

static int take_address(void *context, struct nlmsghdr *answer)
{
	static const struct nla_policy policy[IFA_MAX + 1] = {
		[IFA_LABEL] = { .type = NLA_STRING, .maxlen = IF_NAMESIZE },
	};
	struct collection *collection = context;
	struct nlattr *attributes[IFA_MAX + 1];
	const struct ifaddrmsg *header = nlmsg_data(answer);
	struct isif_link_address *address;
	const struct nlattr *own;

	if (answer->nlmsg_type != RTM_NEWADDR)
		return 0;
	if (nlmsg_parse(answer, sizeof(*header), attributes, IFA_MAX, policy) < 0)
		return EBADMSG;
	if (header->ifa_family != AF_INET && header->ifa_family != AF_INET6)
		return 0;
	/* Where there is a peer, IFA_ADDRESS is the peer's. */
	own = attributes[IFA_LOCAL] ? attributes[IFA_LOCAL] : attributes[IFA_ADDRESS];
	if (!own || nla_len(own) != (header->ifa_family == AF_INET ? 4 : 16))
		return EBADMSG;
	address = list_add(&collection->addresses, sizeof(*address));
	if (!address)
		return ENOMEM;
	address->link = header->ifa_index;
	address->family = header->ifa_family;
	memcpy(address->octets, nla_data(own), (size_t)nla_len(own));
	if (attributes[IFA_LABEL])
		nla_strlcpy(address->label, attributes[IFA_LABEL], sizeof(address->label));
	return 0;
}

static int ask_links(struct isif_rtnetlink *rtnetlink, struct collection *collection)
{
	const struct ifinfomsg header = { .ifi_family = AF_UNSPEC };
	CLEANUP(cleanup_nl_msg)
	struct nl_msg *question =
		network_question(RTM_GETLINK, NLM_F_DUMP, &header, sizeof(header));

	collection->links.count = 0;
	collection->names.count = 0;
	/* The counters are most of such a message, and we do not want them. */
	if (!question || nla_put_u32(question, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS) < 0)
		return ENOMEM;
	return network_ask(rtnetlink->requests, question, take_link, collection);
}

static int ask_addresses(struct isif_rtnetlink *rtnetlink, struct collection *collection)
{
	const struct ifaddrmsg header = { .ifa_family = AF_UNSPEC };
	CLEANUP(cleanup_nl_msg)
	struct nl_msg *question =
		network_question(RTM_GETADDR, NLM_F_DUMP, &header, sizeof(header));

	collection->addresses.count = 0;
	if (!question)
		return ENOMEM;
	return network_ask(rtnetlink->requests, question, take_address, collection);
}

static int ask_until_whole(int (*ask)(struct isif_rtnetlink *, struct collection *),
			   struct isif_rtnetlink *rtnetlink, struct collection *collection)
{
	int number = EINTR;

	for (int i = 0; i < DUMP_ATTEMPTS && number == EINTR; i++)
		number = ask(rtnetlink, collection);
	return number;
}

static int compare_links(const void *a, const void *b)
{
	const struct isif_link *first = a, *second = b;

	return (first->index > second->index) - (first->index < second->index);
}

static int compare_addresses(const void *a, const void *b)
{
	const struct isif_link_address *first = a, *second = b;
	int difference;

	if (first->link != second->link)
		return first->link < second->link ? -1 : 1;
	if (first->family != second->family)
		return first->family < second->family ? -1 : 1;
	difference = memcmp(first->octets, second->octets, sizeof(first->octets));
	return difference ? difference : strcmp(first->label, second->label);
}

/* Both lists are sorted by device here. */
static void count_addresses(struct isif_network *network)
{
	struct isif_link *link = network->links;
	const struct isif_link *end = link + network->link_count;

	for (uint32_t i = 0; i < network->address_count; i++) {
		const struct isif_link_address *address = &network->addresses[i];

		while (link < end && link->index < address->link)
			link++;
		if (link == end)
			break;
		if (link->index == address->link &&
		    (address->family == AF_INET || !address_is_link_local(address->octets)))
			link->addresses++;
	}
}

/* Gives each device, still in the order of the dump, its part of the list of names. */
static void set_other_names(struct isif_network *network, const char **pointers,
			    const struct other_name *names, uint32_t count)
{
	uint32_t next = 0;

	for (uint32_t i = 0; i < network->link_count; i++) {
		network->links[i].other_names = pointers;
		for (; next < count && names[next].link == network->links[i].index; next++)
			*pointers++ = names[next].text;
		*pointers++ = NULL;
	}
}

/* The next part of a block, filled from the list if there is one. */
static void *carve(char **rest, size_t size, const struct list *list)
{
	void *part = *rest;

	*rest += size;
	if (list && size)
		memcpy(part, list->items, size);
	return part;
}

/* Moves all into one block, so that one free(3) ends it: the parts by falling alignment. */
static struct isif_network *network_seal(const struct collection *collection)
{
	size_t links = collection->links.count * sizeof(struct isif_link);
	size_t pointers =
		((size_t)collection->links.count + collection->names.count) * sizeof(const char *);
	size_t addresses = collection->addresses.count * sizeof(struct isif_link_address);
	size_t names = collection->names.count * sizeof(struct other_name);
	struct isif_network *network =
		malloc(sizeof(*network) + links + pointers + addresses + names);
	const char **pointer;
	char *rest;

	if (!network)
		return NULL;
	rest = (char *)(network + 1);
	network->references = 1;
	network->link_count = collection->links.count;
	network->address_count = collection->addresses.count;
	network->links = carve(&rest, links, &collection->links);
	pointer = carve(&rest, pointers, NULL);
	network->addresses = carve(&rest, addresses, &collection->addresses);
	set_other_names(network, pointer, carve(&rest, names, &collection->names),
			collection->names.count);
	qsort(network->links, network->link_count, sizeof(*network->links), compare_links);
	qsort(network->addresses, network->address_count, sizeof(*network->addresses),
	      compare_addresses);
	count_addresses(network);
	return network;
}

enum isif_error isif_network_read(struct isif_rtnetlink *rtnetlink, struct isif_network **network)
{
	CLEANUP(cleanup_collection) struct collection collection = { 0 };
	struct isif_network *made;
	int number = ask_until_whole(ask_links, rtnetlink, &collection);

	if (!number)
		number = ask_until_whole(ask_addresses, rtnetlink, &collection);
	if (number == EINTR) /* changes without end: not now */
		return ISIF_UNAVAILABLE;
	if (number)
		return isif_error_from_errno(number);
	made = network_seal(&collection);
	if (!made)
		return ISIF_NO_MEMORY;
	*network = made;
	return ISIF_OK;
}
