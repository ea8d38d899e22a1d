/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "address.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define LITERAL_SIZE (INET6_ADDRSTRLEN + IF_NAMESIZE) /* the longest literal, '%', zone, NUL */

void address_set(struct isif_address *address, int family, const void *octets)
{
	struct in6_addr ipv6;

	memset(address, 0, sizeof(*address));
	if (family == AF_INET) {
		address->type = ISIF_ADDRESS_IPV4;
		address->length = sizeof(struct in_addr);
		memcpy(address->octets, octets, sizeof(struct in_addr));
		return;
	}
	memcpy(&ipv6, octets, sizeof(ipv6));
	if (IN6_IS_ADDR_V4MAPPED(&ipv6)) {
		address_set(address, AF_INET, &ipv6.s6_addr[12]);
		return;
	}
	address->type = ISIF_ADDRESS_IPV6;
	address->length = sizeof(ipv6);
	memcpy(address->octets, &ipv6, sizeof(ipv6));
}

uint32_t address_zone(const struct isif_address *address)
{
	uint32_t zone;

	if (address->type != ISIF_ADDRESS_IPV6Z)
		return 0;
	memcpy(&zone, &address->octets[sizeof(struct in6_addr)], sizeof(zone));
	return ntohl(zone);
}

/* A zone is the name of a device or, always (RFC 4007, section 11.2), an index; 0 if neither. */
static uint32_t zone_parse(const char *text)
{
	/* The kernel looks past a colon, which begins an alias (dev_ioctl: SIOCGIFINDEX). */
	uint32_t index = strchr(text, ':') ? 0 : if_nametoindex(text);
	unsigned long long number;

	if (index)
		return index;
	if (!*text || strspn(text, "0123456789") != strlen(text))
		return 0;
	number = strtoull(text, NULL, 10);
	return number > UINT32_MAX ? 0 : (uint32_t)number;
}

static bool zone_add(struct isif_address *address, const char *text)
{
	uint32_t zone = htonl(zone_parse(text));

	if (!zone || address->type != ISIF_ADDRESS_IPV6)
		return false;
	address->type = ISIF_ADDRESS_IPV6Z;
	memcpy(&address->octets[address->length], &zone, sizeof(zone));
	address->length = (uint8_t)(address->length + sizeof(zone));
	return true;
}

static bool ipv6_parse(const char *text, size_t length, struct isif_address *address)
{
	char literal[LITERAL_SIZE];
	struct in6_addr octets;
	char *zone;

	if (length > 2 && text[0] == '[' && text[length - 1] == ']') {
		text++;
		length -= 2;
	}
	if (length >= sizeof(literal))
		return false;
	memcpy(literal, text, length);
	literal[length] = '\0';
	zone = strchr(literal, '%');
	if (zone)
		*zone++ = '\0';
	if (inet_pton(AF_INET6, literal, &octets) != 1)
		return false;
	address_set(address, AF_INET6, &octets);
	return !zone || zone_add(address, zone);
}

void isif_address_parse(const char *text, struct isif_address *address)
{
	size_t length = text ? strlen(text) : 0;
	struct in_addr ipv4;

	memset(address, 0, sizeof(*address));
	if (!length)
		return;
	if (inet_pton(AF_INET, text, &ipv4) == 1) {
		address_set(address, AF_INET, &ipv4);
		return;
	}
	if (ipv6_parse(text, length, address))
		return;
	memset(address, 0, sizeof(*address));
	address->type = ISIF_ADDRESS_DNS;
	address->length = (uint8_t)(length < ISIF_ADDRESS_SIZE ? length : ISIF_ADDRESS_SIZE);
	memcpy(address->octets, text, address->length);
}

bool isif_address_equal(const char *a, const char *b)
{
	struct isif_address first, second;

	/* The usual case; also the only way for two names, which are compared beyond their cut. */
	if (!strcmp(a ? a : "", b ? b : ""))
		return true;
	isif_address_parse(a, &first);
	if (first.type == ISIF_ADDRESS_UNKNOWN || first.type == ISIF_ADDRESS_DNS)
		return false;
	isif_address_parse(b, &second);
	return first.type == second.type && !memcmp(first.octets, second.octets, first.length);
}

size_t isif_portal_format(char *buffer, size_t size, const char *address, uint16_t port,
			  int32_t tpgt)
{
	bool brackets;

	if (!size)
		return 0;
	if (!address)
		address = "";
	/* No name holds a colon, so what does is IPv6, with a zone or without. */
	brackets = strchr(address, ':') && address[0] != '[';
	if (snprintf(buffer, size, "%s%s%s:%u,%d", brackets ? "[" : "", address,
		     brackets ? "]" : "", (unsigned)port, tpgt < 0 ? -1 : (int)tpgt) < 0)
		buffer[0] = '\0';
	return strlen(buffer);
}
