/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ISIF_LIB_MOVE_PLAN_H
#define ISIF_LIB_MOVE_PLAN_H

#include "session_disks.h"

/*
 * What the move of a live binding needs beside its job: kept on disk with it, from the SET on that
 * made the new record. Where it stands is told by the records and the kernel.
 */
struct move_plan {
	int32_t tpgt;
	struct session_disks
		disks; /* they must be seen over the new path before the old one goes */
};

/* The plan of a binding as it is now, as text; NULL: no memory. */
char *move_plan_of(const struct isif_snapshot *snapshot, const struct isif_binding *binding);

/* False if it is damaged, or without memory. */
bool move_plan_read(struct move_plan *plan, const char *text);
void move_plan_clear(struct move_plan *plan);

#endif
