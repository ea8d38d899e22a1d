/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ISIF_NETWORK_H
#define ISIF_NETWORK_H

#include <isif/address.h>
#include <isif/error.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

/** One network device, from RTM_GETLINK. */
struct isif_link {
	uint32_t index;
	char name[16];
	char hwaddress[64]; /**< aa:bb:cc:dd:ee:ff in lower case; empty if not Ethernet */
	bool up;	    /**< the administrator wants it up (IFF_UP) */
	bool running;	    /**< it has a carrier (IFF_LOWER_UP, operstate up or unknown) */
	uint32_t addresses; /**< IPv4 ones and IPv6 ones that are not link-local */
	const char *const *other_names; /**< IFLA_ALT_IFNAME, NULL-terminated, never NULL */
	uint32_t order; /**< its place in the kernel's list; before Linux 6.9 not that of the index
			 */
	uint32_t carrier_losses; /**< IFLA_CARRIER_DOWN_COUNT: since it exists; 0 before Linux 4.16
				  */
};

/** One address of a device, from RTM_GETADDR. */
struct isif_link_address {
	uint32_t link; /**< index of the device */
	int family;    /**< AF_INET or AF_INET6 */
	uint8_t octets[16];
	char label[16]; /**< IFA_LABEL, such as eth0:1; else empty */
};

/** The host's devices and addresses at one moment: immutable, reference-counted. */
struct isif_network {
	uint32_t references;
	uint32_t link_count;
	uint32_t address_count;
	struct isif_link *links;	     /**< sorted by index */
	struct isif_link_address *addresses; /**< sorted by device, family and octets */
};

/** A connection to rtnetlink, for reading and for its events (links, addresses, routes). */
struct isif_rtnetlink;

/** Opens it and joins the groups; the events are waited for with poll(2) on its descriptor. */
enum isif_error isif_rtnetlink_open(struct isif_rtnetlink **rtnetlink);
void isif_rtnetlink_close(struct isif_rtnetlink *rtnetlink);
int isif_rtnetlink_descriptor(const struct isif_rtnetlink *rtnetlink);

/** What the events since the last call were about: a set of these bits. */
enum isif_rtnetlink_change {
	ISIF_CHANGED_LINKS = 1,	   /**< a device or an address came, went or changed */
	ISIF_CHANGED_ROUTES = 2,   /**< a route or rule did, or may have: IPv4 routes vanish with
				      their device or source without an event of their own */
	ISIF_CHANGED_OVERFLOW = 4, /**< events were lost (ENOBUFS): read everything again */
};

/** Takes all waiting events, without blocking, and returns what they were about. */
unsigned isif_rtnetlink_events(struct isif_rtnetlink *rtnetlink);

/** Dumps links and addresses into a new object with one reference. */
enum isif_error isif_network_read(struct isif_rtnetlink *rtnetlink, struct isif_network **network);

/**
 * The index of the device that a packet from source (may be NULL) to destination leaves by.
 * ISIF_NOT_FOUND if there is no route or the source is not this host's, ISIF_AMBIGUOUS for a
 * link-local destination without a zone, ISIF_INVALID if these are no literal addresses of one
 * family.
 */
enum isif_error isif_route_device(struct isif_rtnetlink *rtnetlink,
				  const struct isif_address *destination,
				  const struct isif_address *source, uint32_t *link);

struct isif_network *isif_network_hold(struct isif_network *network);
void isif_network_release(struct isif_network *network);

/** True if both say the same of every link and address. */
bool isif_network_equal(const struct isif_network *a, const struct isif_network *b);

/** The device with this index, NULL if there is none. */
const struct isif_link *isif_network_link(const struct isif_network *network, uint32_t index);

/**
 * The device that SO_BINDTODEVICE would take for a name: its name or one of its other names (of a
 * longer name it takes the first 15 octets); failing that, the device of an address with that
 * label (an alias such as eth0:1), which SO_BINDTODEVICE would refuse.
 */
const struct isif_link *isif_network_named(const struct isif_network *network, const char *name);

/**
 * The first device with this hardware address, as open-iscsi chooses it
 * (net_get_netdev_from_hwaddress); *matches gets how many have it.
 */
const struct isif_link *isif_network_with_hwaddress(const struct isif_network *network,
						    const char *hwaddress, uint32_t *matches);

/** The device that has this (literal) address, NULL if none has; a zone must fit too. */
const struct isif_link *isif_network_owner(const struct isif_network *network,
					   const struct isif_address *address);

/** What the kernel tells of one established TCP socket (SOCK_DIAG, tcp_info). */
struct isif_socket {
	struct isif_address local;
	struct isif_address peer;
	uint16_t local_port;
	uint16_t peer_port;
	uint32_t bound_link;  /**< device that it is bound to, 0 if to none */
	uint64_t cookie;      /**< the kernel's identity of the socket */
	uint64_t sent;	      /**< octets that the peer has acknowledged, and 1 for our SYN */
	uint64_t received;    /**< octets */
	uint32_t rtt;	      /**< smoothed, microseconds */
	uint32_t retransmits; /**< segments, in all its life */
	uint32_t path_mtu;    /**< octets */
};

/** A connection to SOCK_DIAG. */
struct isif_sock_diag;

enum isif_error isif_sock_diag_open(struct isif_sock_diag **diag);
void isif_sock_diag_close(struct isif_sock_diag *diag);

/**
 * Dumps the host's established TCP sockets whose peer has this port, of both families, and hands
 * each to visit. A dump is used because an exact lookup does not find a socket that is bound to a
 * device. IPv4-mapped addresses are given as IPv4 ones. After an error, some sockets may have been
 * visited; ISIF_UNAVAILABLE: the kernel has no tcp_diag.
 */
enum isif_error isif_sock_diag_dump(struct isif_sock_diag *diag, uint16_t peer_port,
				    void (*visit)(void *context, const struct isif_socket *socket),
				    void *context);

#endif
