/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ISIF_ADDRESS_H
#define ISIF_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Kinds of address, numbered as InetAddressType (RFC 4001). */
enum isif_address_type {
	ISIF_ADDRESS_UNKNOWN = 0, /**< no address; its length is 0 */
	ISIF_ADDRESS_IPV4 = 1,	  /**< 4 octets */
	ISIF_ADDRESS_IPV6 = 2,	  /**< 16 octets */
	ISIF_ADDRESS_IPV6Z = 4,	  /**< 16 octets and the 4 of the zone (an interface index) */
	ISIF_ADDRESS_DNS = 16,	  /**< a name, as written */
};

#define ISIF_ADDRESS_SIZE 255 /**< octets of the longest address (InetAddress) */

/** An address in network byte order. */
struct isif_address {
	enum isif_address_type type;
	uint8_t length;
	uint8_t octets[ISIF_ADDRESS_SIZE];
};

/**
 * Reads an address as the records and sysfs write it: a literal IPv4 or IPv6 address (also
 * uncompressed, in brackets, or with a "%zone" that names a device of this host), else a name,
 * as it is, cut at 255 octets. An empty text or NULL is unknown. An IPv4-mapped IPv6 address
 * (::ffff:192.0.2.1) is the IPv4 address, as in isif_sock_diag_dump().
 */
void isif_address_parse(const char *text, struct isif_address *address);

/**
 * True if both are the same address: literal ones by their octets, names as written. No address
 * ("" or NULL) is the same as no address.
 */
bool isif_address_equal(const char *a, const char *b);

/**
 * Writes "address:port,tpgt" with brackets around IPv6, the way iscsiadm prints a portal; a
 * negative tpgt is written as -1. Always NUL-terminated; returns the length written.
 */
size_t isif_portal_format(char *buffer, size_t size, const char *address, uint16_t port,
			  int32_t tpgt);

#endif
