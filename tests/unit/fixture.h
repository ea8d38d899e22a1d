/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef UNIT_FIXTURE_H
#define UNIT_FIXTURE_H

#include "mib.h"

/* A snapshot made by hand, with two rows in nearly every table, and what a walk of it shows. */

#define FIXTURE_WALL   1800000000 /* 2027-01-15 08:00:00 UTC */
#define FIXTURE_ORIGIN 1000	  /* mono, when sysUpTime was 0 */
#define FIXTURE_MONO   75999	  /* mono, now */

/* One instance; oid is what follows iscsiIfaceObjects. */
struct cell {
	const char *oid;
	enum mib_tag tag;
	uint64_t number;    /* of what is no text; a negative one as two's complement */
	const char *octets; /* of a text */
	size_t length;
};
extern const struct cell fixture_cells[];
extern const size_t fixture_cell_count;

extern struct isif_snapshot fixture_snapshot;
extern struct isif_snapshot fixture_empty_snapshot; /* scalars alone */
extern const struct mib_agent fixture_agent;

struct mib_view fixture_view(void);

struct oid {
	size_t length;
	mib_arc arcs[MIB_OID_LIMIT + 8];
};

/* iscsiIfaceObjects and what the text says below it. */
struct oid below(const char *text);

#endif
