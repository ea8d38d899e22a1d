/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Login and logout: every binding that the job is about, one after the other. One that fails does
 * not keep the others from their turn. What is as asked already counts, so that a job that was
 * interrupted goes on where it was; a job that is cancelled takes back what it did itself.
 */
#include "job.h"

#include "array.h"
#include "session_change.h"
#include "snapshot_find.h"

#include <stdio.h>
#include <string.h>

#define NOTHING_FOUND 21  /* open-iscsi's ISCSI_ERR_NO_OBJS_FOUND */
#define LABEL_SIZE    600 /* of the longest target, portal and iface */

/* A binding and what the job did to it. */
struct item {
	uint32_t binding;
	bool changed;
};

struct session_job {
	bool login;
	bool anew; /* it was interrupted before */
	bool taking_back;
	struct item *items;
	size_t count, size;
	size_t at;	 /* whose turn it is; taking back: those below are still to be looked at */
	size_t as_asked; /* bindings that are now as the job wants them */
	struct session_change change;
	bool changing;
	int32_t failed; /* of the first binding that failed, and why */
	char failure[ISIF_JOB_TEXT_SIZE + LABEL_SIZE + 2];
};

/* --- what is said --- */

static const char *past(const struct session_job *work)
{
	return work->login ? "logged in" : "logged out";
}

static void label_of(const struct job_context *context, uint32_t binding, char *text, size_t size)
{
	const struct isif_binding *row = snapshot_binding(context->snapshot, binding);

	if (row)
		session_change_label(row, text, size);
	else
		snprintf(text, size, "binding %u", binding);
}

static void tell_change(struct isif_job *job, const struct job_context *context,
			const struct session_job *work)
{
	char label[LABEL_SIZE];

	label_of(context, work->change.binding, label, sizeof(label));
	if (work->taking_back)
		job_step(job, "cancelled: logging %s again: %s", work->login ? "out" : "in", label);
	else
		job_step(job, "logging %s, %zu of %zu: %s", work->login ? "in" : "out",
			 work->at + 1, work->count, label);
}

/* The reason first: a long name is cut, if anything is. */
static void note_failure(const struct job_context *context, struct session_job *work)
{
	char label[LABEL_SIZE];

	if (!work->change.error || work->failed)
		return;
	label_of(context, work->change.binding, label, sizeof(label));
	work->failed = work->change.error;
	snprintf(work->failure, sizeof(work->failure), "%s: %s", work->change.reason, label);
}

/* --- its ends --- */

static enum outcome done(struct isif_job *job, const struct session_job *work)
{
	job_step(job, "%zu of %zu %s%s", work->as_asked, work->count, past(work),
		 work->anew ? "; it was interrupted before" : "");
	job->progress = 100;
	if (work->failed)
		job_fail(job, (enum isif_job_error)work->failed, "%s", work->failure);
	else
		job->state = ISIF_JOB_SUCCEEDED;
	return ENDED;
}

static enum outcome cancelled(struct isif_job *job, const struct session_job *work)
{
	if (job->results)
		job_step(job, "cancelled, but %u stay %s: %s", job->results, past(work),
			 work->failure);
	else
		job_step(job, work->anew ? "cancelled; it was interrupted before, and what it did "
					   "then stays done"
					 : "cancelled; everything is as it was");
	job->state = ISIF_JOB_CANCELLED;
	return ENDED;
}

/* --- the steps --- */

static enum outcome begin_change(struct isif_job *job, const struct job_context *context,
				 struct session_job *work, uint32_t binding)
{
	work->change = (struct session_change){
		.binding = binding,
		.login = work->login != work->taking_back,
		.force = job->force,
	};
	work->changing = true;
	tell_change(job, context, work);
	return GO_ON;
}

static enum outcome take_back_next(struct isif_job *job, const struct job_context *context,
				   struct session_job *work)
{
	while (work->at > 0)
		if (work->items[--work->at].changed)
			return begin_change(job, context, work, work->items[work->at].binding);
	return cancelled(job, work);
}

static enum outcome begin_next(struct isif_job *job, const struct job_context *context,
			       struct session_job *work)
{
	if (job->control == ISIF_JOB_CANCEL && !work->taking_back) {
		work->taking_back = true;
		/* Why one could not be taken back is what counts from now on. */
		work->failed = 0;
	}
	if (work->taking_back)
		return take_back_next(job, context, work);
	if (work->at == work->count)
		return done(job, work);
	return begin_change(job, context, work, work->items[work->at].binding);
}

static enum outcome go_on_with_change(struct isif_job *job, const struct job_context *context,
				      struct session_job *work, unsigned *pause)
{
	struct session_change *change = &work->change;

	if (!session_change_run(change, context, pause))
		return WAIT;
	session_change_end(change, context);
	work->changing = false;
	note_failure(context, work);
	if (work->taking_back) {
		job->results -= !change->error;
		return GO_ON;
	}
	work->items[work->at++].changed = change->changed;
	work->as_asked += !change->error;
	job->results += change->changed;
	job->progress = (uint32_t)(work->at * 100 / work->count);
	return GO_ON;
}

/* --- the kinds --- */

static bool collect(const struct isif_job *job, const struct isif_snapshot *snapshot,
		    struct session_job *work)
{
	for (uint32_t i = 0; i < snapshot->binding_count; i++) {
		const struct isif_binding *binding = snapshot->bindings[i];

		if (!isif_job_concerns(job, binding->node))
			continue;
		if (!array_reserve(&work->items, &work->size, work->count, sizeof(*work->items)))
			return false;
		work->items[work->count++] = (struct item){ .binding = binding->index };
	}
	return true;
}

static bool start(struct isif_job *job, const struct job_context *context, void **result)
{
	struct session_job *work = calloc(1, sizeof(*work));

	if (!work || !collect(job, context->snapshot, work)) {
		job_fail(job, ISIF_JOB_ERROR_GENERIC, "%s", isif_error_text(ISIF_NO_MEMORY));
	} else if (!work->count) {
		job_fail(job, (enum isif_job_error)NOTHING_FOUND,
			 "no binding has this iface, target and portal");
	} else {
		work->login = job->kind == ISIF_JOB_LOGIN;
		work->anew = *job->step;
		*result = work;
		return true;
	}
	if (work)
		free(work->items);
	free(work);
	return false;
}

static enum outcome step(struct isif_job *job, const struct job_context *context, void *own,
			 uint64_t deadline, unsigned *pause)
{
	struct session_job *work = own;

	(void)deadline;
	return work->changing ? go_on_with_change(job, context, work, pause)
			      : begin_next(job, context, work);
}

static int descriptor(const struct job_context *context, void *own)
{
	const struct session_job *work = own;

	return work->changing ? session_change_descriptor(&work->change, context) : -1;
}

static void end(const struct job_context *context, void *own)
{
	struct session_job *work = own;

	if (work->changing)
		session_change_end(&work->change, context);
	free(work->items);
	free(work);
}

const struct job_kind job_login = {
	.name = "login",
	.lane = JOB_LANE_SESSIONS,
	.start = start,
	.step = step,
	.descriptor = descriptor,
	.end = end,
};

const struct job_kind job_logout = {
	.name = "logout",
	.lane = JOB_LANE_SESSIONS,
	.start = start,
	.step = step,
	.descriptor = descriptor,
	.end = end,
};
