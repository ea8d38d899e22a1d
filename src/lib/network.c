/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "address.h"

#include <isif/network.h>

#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct isif_network *isif_network_hold(struct isif_network *network)
{
	if (network)
		network->references++;
	return network;
}

void isif_network_release(struct isif_network *network)
{
	if (network && --network->references == 0)
		free(network); /* with all that it points to: network_seal() makes one block */
}

static bool same_names(const char *const *a, const char *const *b)
{
	if (!a || !b)
		return (!a || !*a) && (!b || !*b);
	while (*a && *b && !strcmp(*a, *b)) {
		a++;
		b++;
	}
	return !*a && !*b;
}

static bool same_link(const struct isif_link *a, const struct isif_link *b)
{
	return a->index == b->index && a->order == b->order && a->up == b->up &&
	       a->running == b->running && a->addresses == b->addresses &&
	       a->carrier_losses == b->carrier_losses && !strcmp(a->name, b->name) &&
	       !strcmp(a->hwaddress, b->hwaddress) && same_names(a->other_names, b->other_names);
}

static size_t octets_of(int family)
{
	return family == AF_INET ? 4 : 16;
}

static bool same_address(const struct isif_link_address *a, const struct isif_link_address *b)
{
	return a->link == b->link && a->family == b->family &&
	       !memcmp(a->octets, b->octets, octets_of(a->family)) && !strcmp(a->label, b->label);
}

bool isif_network_equal(const struct isif_network *a, const struct isif_network *b)
{
	if (a == b)
		return true;
	if (!a || !b || a->link_count != b->link_count || a->address_count != b->address_count)
		return false;
	for (uint32_t i = 0; i < a->link_count; i++)
		if (!same_link(&a->links[i], &b->links[i]))
			return false;
	for (uint32_t i = 0; i < a->address_count; i++)
		if (!same_address(&a->addresses[i], &b->addresses[i]))
			return false;
	return true;
}

static int compare_index(const void *key, const void *item)
{
	const uint32_t *index = key;
	const struct isif_link *link = item;

	return (*index > link->index) - (*index < link->index);
}

const struct isif_link *isif_network_link(const struct isif_network *network, uint32_t index)
{
	if (!network->link_count)
		return NULL;
	return bsearch(&index, network->links, network->link_count, sizeof(*network->links),
		       compare_index);
}

static bool is_called(const struct isif_link *link, const char *name)
{
	if (!strcmp(link->name, name))
		return true;
	for (const char *const *other = link->other_names; other && *other; other++)
		if (!strcmp(*other, name))
			return true;
	return false;
}

const struct isif_link *isif_network_named(const struct isif_network *network, const char *name)
{
	char wanted[IF_NAMESIZE] = "";

	if (!name || !*name)
		return NULL;
	/* The kernel cuts the name too (sock_setbindtodevice): no longer one is ever found. */
	memcpy(wanted, name, strnlen(name, sizeof(wanted) - 1));
	for (uint32_t i = 0; i < network->link_count; i++)
		if (is_called(&network->links[i], wanted))
			return &network->links[i];
	for (uint32_t i = 0; i < network->address_count; i++)
		if (!strcmp(network->addresses[i].label, wanted))
			return isif_network_link(network, network->addresses[i].link);
	return NULL;
}

const struct isif_link *isif_network_with_hwaddress(const struct isif_network *network,
						    const char *hwaddress, uint32_t *matches)
{
	const struct isif_link *first = NULL;

	*matches = 0;
	if (!hwaddress || !*hwaddress)
		return NULL;
	for (uint32_t i = 0; i < network->link_count; i++) {
		const struct isif_link *link = &network->links[i];

		if (strcasecmp(link->hwaddress, hwaddress))
			continue;
		++*matches;
		if (!first || link->order < first->order)
			first = link;
	}
	return first;
}

const struct isif_link *isif_network_owner(const struct isif_network *network,
					   const struct isif_address *address)
{
	uint32_t zone = address_zone(address);
	int family = address->type == ISIF_ADDRESS_IPV4 ? AF_INET : AF_INET6;

	if (address->type == ISIF_ADDRESS_UNKNOWN || address->type == ISIF_ADDRESS_DNS)
		return NULL;
	for (uint32_t i = 0; i < network->address_count; i++) {
		const struct isif_link_address *own = &network->addresses[i];
		const struct isif_link *link;

		if (own->family != family || (zone && own->link != zone) ||
		    memcmp(own->octets, address->octets, octets_of(family)))
			continue;
		link = isif_network_link(network, own->link);
		if (link)
			return link;
	}
	return NULL;
}
