/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ISIF_LIB_ADDRESS_H
#define ISIF_LIB_ADDRESS_H

#include <isif/address.h>

/*
 * Sets an address from the octets of a family (AF_INET: 4, AF_INET6: 16). An IPv4-mapped one
 * (RFC 4291, section 2.5.5.2) becomes the IPv4 address that it stands for: a socket of family
 * AF_INET6 that talks IPv4 shows its addresses in that form.
 */
void address_set(struct isif_address *address, int family, const void *octets);

/* True for fe80::/10 (RFC 4291, section 2.4): such an address means nothing without a device. */
static inline bool address_is_link_local(const uint8_t *ipv6)
{
	return ipv6[0] == 0xfe && (ipv6[1] & 0xc0) == 0x80;
}

/* The zone of an IPv6Z address, 0 for any other. */
uint32_t address_zone(const struct isif_address *address);

#endif
