/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ISIF_LIB_REBIND_CHECK_H
#define ISIF_LIB_REBIND_CHECK_H

#include "path_probe.h"
#include "rebind_records.h"
#include "session_change.h"

/*
 * What must be so before a rebind logs out the first session: the portal of each that moves can be
 * reached over the new path, and the guard lets each of them go. Changes nothing.
 */
struct rebind_check {
	/* What speaks against it; 0: nothing, or it was cancelled. */
	int32_t error;
	char reason[ISIF_JOB_TEXT_SIZE + REBIND_LABEL_SIZE + 32];

	/* Its own; all 0 at the begin. */
	enum { CHECK_PROBE, CHECK_PROBING, CHECK_GUARD, CHECK_GUARDING } step;
	size_t at; /* how many records of the plan are done with in this step */
	struct path_probe probe;
	struct session_change guard;
};

/* As the step of a kind. */
enum outcome rebind_check_step(struct rebind_check *check, struct isif_job *job,
			       const struct rebind_plan *plan, const struct job_context *context,
			       uint64_t deadline, unsigned *pause);
int rebind_check_descriptor(const struct rebind_check *check, const struct job_context *context);
/* Ends it as it stands. */
void rebind_check_end(struct rebind_check *check, const struct job_context *context);

#endif
