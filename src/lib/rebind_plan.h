/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ISIF_LIB_REBIND_PLAN_H
#define ISIF_LIB_REBIND_PLAN_H

#include <isif/privileged.h>

#include "session_disks.h"

/*
 * What a rebind will do, and what it needs to take it back: kept on disk with the job before the
 * first record is written or session logged out. What became of it is not kept: after a crash the
 * kernel and the records tell that better.
 */

/* What a line of a record says at three times; "" where there is none. */
enum rebind_time {
	REBIND_BEFORE, /* when the job began */
	REBIND_DURING, /* with the path that sessions are moved to */
	REBIND_HOME,   /* what the live session was made from, whatever the records said since */
	REBIND_TIMES,
};

struct rebind_line {
	char *key;
	char *values[REBIND_TIMES];
};

/* The iface's record (binding 0), or a node record with its copy and its session. */
struct rebind_record {
	uint32_t binding;
	bool moves; /* it has a session, and that must be made anew */
	char *path;
	struct rebind_line *lines;
	size_t line_count, line_size;
	struct session_disks disks; /* they must be back before the next session is touched */

	/* Its own, while it is written: see rebind_records.h. */
	enum { RECORD_OPEN, RECORD_WRITTEN, RECORD_OVER } stage;
	unsigned rounds;
	uint64_t again; /* not before this (monotonic ms) */
};

struct rebind_plan {
	struct rebind_record *records;
	size_t count, size;
};

/* The text of the iface's record in a plan, for a job that a change of it starts. NULL: no memory.
 */
char *rebind_plan_of_change(const char *iface, const struct isif_edit_line *lines, size_t count);

/*
 * Adds to a plan what is to be done for a binding: lines of its copy that differ, and whether its
 * session moves. A binding that needs nothing is not added. False without memory.
 */
bool rebind_plan_add(struct rebind_plan *plan, const struct isif_snapshot *snapshot,
		     const struct isif_iface *iface, const struct isif_binding *binding);

/* A plan as text and back. read: false if it is damaged, or without memory. */
char *rebind_plan_write(const struct rebind_plan *plan);
bool rebind_plan_read(struct rebind_plan *plan, const char *text);
void rebind_plan_clear(struct rebind_plan *plan);

/* True if both values of a key mean the same. */
bool rebind_same_value(const char *key, const char *one, const char *other);

/* True if a session is one that a login with the record's lines of that time makes. */
bool rebind_session_is(const struct isif_snapshot *snapshot,
		       const struct isif_kernel_session *session,
		       const struct rebind_record *record, enum rebind_time time);

#endif
