/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ISIF_LIB_GUARD_GROUP_H
#define ISIF_LIB_GUARD_GROUP_H

#include "job.h"

/*
 * The guard for several sessions that are all to go: in one look, because two paths of one map that
 * both go are not redundant.
 */
struct guard_group {
	bool (*goes)(const void *which, const struct isif_session *session);
	const void *which;
	bool force;   /* of the job */
	bool looking; /* its own */
};

/*
 * Works without waiting. ISIF_INCOMPLETE: go on after *pause milliseconds. ISIF_OK: all may go; the
 * gate lets them until guard_group_end(). ISIF_IN_USE: why says what is in the way, and which
 * session it is. Another error: nothing is known.
 */
enum isif_error guard_group_work(struct guard_group *group, const struct job_context *context,
				 unsigned *pause, char *why, size_t size);
/* Ends it as it stands. */
void guard_group_end(struct guard_group *group, const struct job_context *context);

#endif
