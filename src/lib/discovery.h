/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ISIF_LIB_DISCOVERY_H
#define ISIF_LIB_DISCOVERY_H

#include <isif/model.h>
#include <isif/privileged.h>

/*
 * What a discovery found, and what the snapshots say of that: each portal that it named should be
 * bound to each of its ifaces.
 */

/* A portal of a target that it found. */
struct found {
	struct isif_name *target, *address; /* held */
	uint16_t port;
	int32_t tpgt;
	uint32_t bound; /* to so many of the ifaces, in the snapshot that was looked at */
};

struct discovery {
	struct isif_snapshot *before; /* held */
	struct isif_snapshot *seen;   /* held: the one that was looked at last */
	struct isif_name **ifaces;    /* held */
	size_t iface_count, iface_size;
	struct found *found; /* sorted, each once */
	size_t found_count, found_size;
	uint64_t bound;	  /* records of all that, as seen last */
	uint64_t missing; /* likewise: those that are not there */
	uint32_t odd;	  /* lines that can be no portal; the first of them: */
	char odd_line[64];
	bool cut; /* it said more than was kept */
};

/* iface "": those that open-iscsi binds what it finds to. False without memory. */
bool discovery_start(struct discovery *discovery, struct isif_snapshot *before,
		     struct isif_name *iface);
void discovery_clear(struct discovery *discovery);

/* Takes what iscsiadm wrote. False without memory. */
bool discovery_read(struct discovery *discovery, const struct isif_command_outcome *outcome);

/* Looks what a snapshot has of it. */
void discovery_look(struct discovery *discovery, struct isif_snapshot *snapshot);

/* In the snapshot that was looked at last: */

/* One that the discovery is about, and that was not there before. */
bool discovery_is_fresh(const struct discovery *discovery, const struct isif_binding *binding);
uint32_t discovery_count_fresh(const struct discovery *discovery);
/* The first portal that is not bound to an iface, and that iface. There is one. */
const struct found *discovery_missing(const struct discovery *discovery,
				      const struct isif_name **iface);
/* The first record of what was found that says something else than before; NULL: none does. */
const struct isif_node *discovery_changed(const struct discovery *discovery);

uint32_t discovery_count_targets(const struct discovery *discovery);

#endif
