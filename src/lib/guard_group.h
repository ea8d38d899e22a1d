/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ISIF_LIB_GUARD_GROUP_H
#define ISIF_LIB_GUARD_GROUP_H

#include "job.h"

/*
 * The guard for the sessions of several bindings that are all to go: in one look, because two paths
 * of one map that both go are not redundant.
 */
struct guard_group {
	bool (*goes)(const void *which, uint32_t binding); /* is it one of them? */
	const void *which;
	bool force;   /* of the job */
	bool looking; /* its own */
};

/*
 * Works without waiting. ISIF_INCOMPLETE: go on after *pause milliseconds. ISIF_OK: *stays is the
 * first binding whose session must stay, and why says what is in the way; NULL: all may go.
 * Another error: nothing is known.
 */
enum isif_error guard_group_work(struct guard_group *group, const struct job_context *context,
				 unsigned *pause, const struct isif_binding **stays, char *why,
				 size_t size);
/* Ends it as it stands. */
void guard_group_end(struct guard_group *group, const struct job_context *context);

#endif
