/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rebind_check.h"

#include "snapshot_find.h"

#include <stdio.h>

/* The next record, from this one on, whose session moves; NULL: there is none. */
static const struct rebind_record *next_moving(struct rebind_check *check,
					       const struct rebind_plan *plan)
{
	while (check->at < plan->count && !plan->records[check->at].moves)
		check->at++;
	return check->at < plan->count ? &plan->records[check->at++] : NULL;
}

/* --- probes --- */

static enum outcome probe_failed(struct rebind_check *check)
{
	check->step = CHECK_PROBE;
	check->error = check->probe.error;
	snprintf(check->reason, sizeof(check->reason), "%s", check->probe.reason);
	return ENDED;
}

/* A session's portal and target, over the path that the iface's record names now. */
static enum outcome begin_probe(struct rebind_check *check, struct isif_job *job,
				const struct rebind_plan *plan, const struct job_context *context)
{
	const struct rebind_record *record = next_moving(check, plan);
	const struct isif_binding *row;
	char label[REBIND_LABEL_SIZE];

	if (!record) {
		check->step = CHECK_GUARD;
		check->at = 0;
		return GO_ON;
	}
	row = snapshot_binding(context->snapshot, record->binding);
	if (!row)
		return GO_ON;
	rebind_record_label(context->snapshot, record, label);
	job_step(job, "probing the new path: %s", label);
	check->step = CHECK_PROBING;
	return path_probe_begin(&check->probe, context, job->iface, row->node)
		       ? GO_ON
		       : probe_failed(check);
}

static enum outcome go_on_probing(struct rebind_check *check, const struct isif_job *job,
				  const struct job_context *context, uint64_t deadline,
				  unsigned *pause)
{
	enum outcome outcome = path_probe_step(&check->probe, job, context, deadline, pause);

	if (outcome != ENDED)
		return outcome;
	check->step = CHECK_PROBE;
	return check->probe.error ? probe_failed(check) : GO_ON;
}

/* --- the guard --- */

static enum outcome begin_guard(struct rebind_check *check, struct isif_job *job,
				const struct rebind_plan *plan, const struct job_context *context)
{
	const struct rebind_record *record = next_moving(check, plan);
	char label[REBIND_LABEL_SIZE];

	if (!record)
		return ENDED;
	check->guard = (struct session_change){
		.binding = record->binding,
		.guard_only = true,
		.force = job->force,
	};
	check->step = CHECK_GUARDING;
	rebind_record_label(context->snapshot, record, label);
	job_step(job, "looking who uses the disks: %s", label);
	return GO_ON;
}

static enum outcome go_on_guarding(struct rebind_check *check, const struct rebind_plan *plan,
				   const struct job_context *context, unsigned *pause)
{
	char label[REBIND_LABEL_SIZE];

	if (!session_change_run(&check->guard, context, pause))
		return WAIT;
	session_change_end(&check->guard, context);
	check->step = CHECK_GUARD;
	if (!check->guard.error)
		return GO_ON;
	rebind_record_label(context->snapshot, &plan->records[check->at - 1], label);
	check->error = check->guard.error;
	snprintf(check->reason, sizeof(check->reason), "before the first logout: %s: %s",
		 check->guard.reason, label);
	return ENDED;
}

/* --- both --- */

enum outcome rebind_check_step(struct rebind_check *check, struct isif_job *job,
			       const struct rebind_plan *plan, const struct job_context *context,
			       uint64_t deadline, unsigned *pause)
{
	switch (check->step) {
	case CHECK_PROBING:
		return go_on_probing(check, job, context, deadline, pause);
	case CHECK_GUARDING:
		return go_on_guarding(check, plan, context, pause);
	default:
		break;
	}
	if (job->control == ISIF_JOB_CANCEL)
		return ENDED;
	return check->step == CHECK_PROBE ? begin_probe(check, job, plan, context)
					  : begin_guard(check, job, plan, context);
}

int rebind_check_descriptor(const struct rebind_check *check, const struct job_context *context)
{
	if (check->step == CHECK_PROBING)
		return path_probe_descriptor(&check->probe, context);
	return check->step == CHECK_GUARDING ? session_change_descriptor(&check->guard, context)
					     : -1;
}

void rebind_check_end(struct rebind_check *check, const struct job_context *context)
{
	if (check->step == CHECK_PROBING)
		path_probe_end(&check->probe, context);
	if (check->step == CHECK_GUARDING)
		session_change_end(&check->guard, context);
}
