/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Removes bindings, logging out first: all or none. What can be in the way is looked for before
 * anything happens: files that are not where they should be, and disks in use. Then
 *
 *   the sessions go, one by one. Whatever fails now, and a cancel, ends with those that went logged
 *   in again and no record removed. So does a crash: the plan on disk says which they were.
 *
 *   the records go, a lot at a time. From the first lot on it only goes on: a record that is gone
 *   has its secrets with it, which nobody else may hold, and so cannot be put back. What can be
 *   waited for is waited for, however long; after a crash the restart goes on with it. It can end
 *   with some of them only where a disk fails, or where somebody logs in meanwhile, and then says
 *   so. A lot itself goes as a whole or not at all.
 */
#include "job.h"

#include "cleanup.h"
#include "guard_group.h"
#include "node.h"
#include "removal.h"
#include "session_change.h"
#include "unbind_plan.h"
#include "snapshot_find.h"

#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define AGAIN_MS    500	  /* until something that was in the way is tried again */
#define PATIENCE_MS 30000 /* for somebody else's lock, or a gate that cannot write yet */
#define SEEING_MS   10000 /* until the snapshot has lost what was removed */
#define LABEL_SIZE  160	  /* of a binding's label: room must be left for what is said of it */
#define WHY_SIZE    (LABEL_SIZE + ISIF_JOB_TEXT_SIZE + 64)

enum stage { PLANNING, CHECKING, GUARDING, LOGGING_OUT, LOGGING_IN, REMOVING, SEEING };

struct unbinding {
	enum stage stage;
	struct unbind_plan plan;
	size_t at;		      /* in the plan: the item that it is at */
	struct session_change change; /* of that item's sessions, while changing */
	bool changing;
	struct guard_group group;
	uint64_t waiting_since; /* for what is awaited now (monotonic ms); 0: for nothing */
	struct removal removal;
	bool removal_begun;
	bool plan_kept; /* on disk, or an attempt at it */
	size_t total;	/* bindings that it is about, with those that went in an earlier life */
	/* Why it turned back. Cancelled, if there is no error. */
	int32_t error;
	char reason[ISIF_JOB_TEXT_SIZE];
	uint32_t returned; /* sessions that were logged in again */
	uint32_t stranded; /* sessions that could not be logged in again; the first: */
	char stranded_reason[WHY_SIZE];
};

static bool waited_too_long(struct unbinding *work, uint64_t now, uint64_t limit)
{
	if (!work->waiting_since)
		work->waiting_since = now;
	return now - work->waiting_since >= limit;
}

static void go_to(struct unbinding *work, enum stage stage)
{
	work->stage = stage;
	work->at = 0;
	work->waiting_since = 0;
}

static const struct isif_binding *row_at(const struct unbinding *work,
					 const struct job_context *context)
{
	return snapshot_binding(context->snapshot, work->plan.items[work->at].binding);
}

/* --- how it ends --- */

/* The plan is over; that this cannot be written harms nobody: no other job takes it for its own. */
static enum outcome over(const struct job_context *context, const struct unbinding *work)
{
	if (work->plan_kept)
		unbind_plan_forget(context->gate);
	return ENDED;
}

static enum outcome fail(struct isif_job *job, const struct job_context *context,
			 const struct unbinding *work, int32_t error, const char *text)
{
	job_fail(job, (enum isif_job_error)error, "%s", text);
	return over(context, work);
}

static enum outcome fail_memory(struct isif_job *job, const struct job_context *context,
				const struct unbinding *work)
{
	return fail(job, context, work, ISIF_JOB_ERROR_GENERIC, isif_error_text(ISIF_NO_MEMORY));
}

/* Everything is as it was, as far as it could be had. */
static enum outcome turned_back(struct isif_job *job, const struct job_context *context,
				const struct unbinding *work)
{
	if (work->stranded) {
		job_step(job,
			 "turned back: nothing removed, but sessions that could not be logged "
			 "in again: %u",
			 work->stranded);
		job_fail(job, (enum isif_job_error)work->error, "%s; and %s",
			 *work->reason ? work->reason : "cancelled", work->stranded_reason);
	} else if (work->error) {
		job_fail(job, (enum isif_job_error)work->error, "%s", work->reason);
		if (work->returned)
			job->state = ISIF_JOB_ROLLED_BACK;
		job_step(job, work->returned ? "turned back: nothing removed, all logged in again"
					     : "nothing was done");
	} else {
		job_step(job, "cancelled: nothing removed");
		job->state = ISIF_JOB_CANCELLED;
	}
	return over(context, work);
}

static enum isif_error write_plan(const struct isif_job *job, const struct job_context *context,
				  struct unbinding *work)
{
	work->plan_kept = true;
	return unbind_plan_write(context->gate, job, &work->plan);
}

/* Logs in again what it logged out, then ends. A crash must not go on with the removal either. */
static enum outcome turn_back(struct isif_job *job, const struct job_context *context,
			      struct unbinding *work, int32_t error, const char *format, ...)
	__attribute__((format(printf, 5, 6)));
static enum outcome turn_back(struct isif_job *job, const struct job_context *context,
			      struct unbinding *work, int32_t error, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(work->reason, sizeof(work->reason), format, arguments);
	va_end(arguments);
	work->error = error;
	if (work->plan.removing) {
		work->plan.removing = false;
		write_plan(job, context, work);
	}
	go_to(work, LOGGING_IN);
	return GO_ON;
}

/* --- what it is about --- */

static enum outcome plan_anew(struct isif_job *job, const struct job_context *context,
			      struct unbinding *work)
{
	const struct isif_snapshot *snapshot = context->snapshot;

	for (uint32_t i = 0; i < snapshot->binding_count; i++) {
		const struct isif_binding *row = snapshot->bindings[i];

		if (isif_job_concerns(job, row->node) &&
		    !unbind_plan_add(&work->plan, row->index, row->sid))
			return fail_memory(job, context, work);
	}
	work->total = work->plan.count;
	go_to(work, CHECKING);
	return GO_ON;
}

/* What a crash left. An index that says something else by now is no business of this job. */
static enum outcome take_plan_up(struct isif_job *job, const struct job_context *context,
				 struct unbinding *work)
{
	size_t kept = 0;

	for (work->at = 0; work->at < work->plan.count; work->at++) {
		const struct isif_binding *row = row_at(work, context);

		if (row && isif_job_concerns(job, row->node))
			work->plan.items[kept++] = work->plan.items[work->at];
	}
	work->plan_kept = true;
	/* One lot needs no word of its removal: it went, or it did not. */
	work->total = work->plan.removing || !kept ? work->plan.count : kept;
	work->removal.removed = job->results = (uint32_t)(work->total - kept);
	work->plan.count = kept;
	go_to(work, work->plan.removing ? REMOVING : CHECKING);
	return GO_ON;
}

static enum outcome make_plan(struct isif_job *job, const struct job_context *context,
			      struct unbinding *work, unsigned *pause)
{
	struct isif_privileged *gate = context->gate;
	const char *where;
	enum isif_error error = gate->operations->backup(gate, &where);

	if (error == ISIF_INCOMPLETE) {
		job_step(job, "waiting for the copy of the database that is kept before the first "
			      "change");
		*pause = AGAIN_MS;
		return WAIT;
	}
	if (!error)
		error = unbind_plan_read(gate, job, &work->plan);
	if (error) {
		char text[128];

		snprintf(text, sizeof(text), "the state directory cannot be used: %s",
			 isif_error_text(error));
		return fail(job, context, work, ISIF_JOB_ERROR_DATABASE, text);
	}
	return work->plan.count ? take_plan_up(job, context, work) : plan_anew(job, context, work);
}

/* --- what could be in the way --- */

/* A record can stand in a file of another name; then it is not ours to find. */
static bool has_file(const struct job_context *context, const struct isif_node *node, char *why,
		     size_t size)
{
	CLEANUP_FREE char *path = node_path(node);
	struct isif_privileged *gate = context->gate;
	const char *text;
	size_t length;
	enum isif_error error =
		path ? gate->operations->read_record(gate, path, &text, &length) : ISIF_NO_MEMORY;

	if (error == ISIF_NOT_FOUND)
		snprintf(why, size,
			 "there is no file %s: its record gives itself other names, or is gone",
			 path);
	else if (error)
		snprintf(why, size, "node record %s: %s", path ? path : "", isif_error_text(error));
	return !error;
}

static enum outcome keep_plan(struct isif_job *job, const struct job_context *context,
			      struct unbinding *work)
{
	enum isif_error error = write_plan(job, context, work);

	return error ? turn_back(job, context, work, ISIF_JOB_ERROR_DATABASE,
				 "the plan cannot be kept in the state directory: %s",
				 isif_error_text(error))
		     : GO_ON;
}

/* One binding at a time: there may be thousands. */
static enum outcome check(struct isif_job *job, const struct job_context *context,
			  struct unbinding *work)
{
	const struct isif_binding *row;
	char why[WHY_SIZE];

	if (work->at == work->plan.count) {
		go_to(work, GUARDING);
		return GO_ON;
	}
	row = row_at(work, context);
	if (row && !has_file(context, row->node, why, sizeof(why)))
		return turn_back(job, context, work, ISIF_JOB_ERROR_DATABASE, "%s", why);
	work->plan.items[work->at].session |= row && row->sid;
	work->at++;
	return GO_ON;
}

static bool has_sessions(const struct unbinding *work)
{
	for (size_t i = 0; i < work->plan.count; i++)
		if (work->plan.items[i].session)
			return true;
	return false;
}

static bool goes(const void *which, const struct isif_session *session)
{
	const struct unbind_plan *plan = which;

	for (size_t i = 0; i < plan->count; i++)
		if (plan->items[i].binding == session->binding)
			return true;
	return false;
}

/* Each is looked at once more before its logout; but that may be too late for all or none. */
static enum outcome guard(struct isif_job *job, const struct job_context *context,
			  struct unbinding *work, unsigned *pause)
{
	char why[ISIF_JOB_TEXT_SIZE];
	enum isif_error error;

	if (!work->group.looking)
		work->group = (struct guard_group){ .goes = goes,
						    .which = &work->plan,
						    .force = job->force };
	error = guard_group_work(&work->group, context, pause, why, sizeof(why));
	if (error == ISIF_INCOMPLETE)
		return WAIT;
	guard_group_end(&work->group, context);
	if (error == ISIF_IN_USE)
		return turn_back(job, context, work, ISIF_JOB_ERROR_IN_USE, "%s", why);
	if (error)
		return turn_back(job, context, work, ISIF_JOB_ERROR_IN_USE,
				 "who uses the disks cannot be found out: %s",
				 isif_error_text(error));
	go_to(work, LOGGING_OUT);
	return has_sessions(work) ? keep_plan(job, context, work) : GO_ON;
}

/* --- sessions --- */

/* True when the item's sessions are as wished, or cannot be. */
static bool change_sessions(const struct isif_job *job, const struct job_context *context,
			    struct unbinding *work, bool login, unsigned *pause)
{
	if (!work->changing)
		work->change = (struct session_change){
			.binding = work->plan.items[work->at].binding,
			.login = login,
			.force = job->force,
		};
	work->changing = !session_change_run(&work->change, context, pause);
	return !work->changing;
}

static enum outcome log_out(struct isif_job *job, const struct job_context *context,
			    struct unbinding *work, unsigned *pause)
{
	const struct isif_binding *row;
	char label[LABEL_SIZE];

	if (!work->changing && job->control == ISIF_JOB_CANCEL)
		return turn_back(job, context, work, ISIF_JOB_ERROR_NONE, "%s", "");
	if (work->at == work->plan.count) {
		go_to(work, REMOVING);
		return GO_ON;
	}
	row = row_at(work, context);
	if (!work->changing && !(row && row->sid)) {
		work->at++;
		return GO_ON;
	}
	/* Somebody has logged in since the plan was made: it is to know. */
	if (!work->plan.items[work->at].session) {
		work->plan.items[work->at].session = true;
		return keep_plan(job, context, work);
	}
	job_step(job, "logging out before anything is removed: %zu of %zu bindings done", work->at,
		 work->plan.count);
	if (!change_sessions(job, context, work, false, pause))
		return WAIT;
	if (work->change.error) {
		if (row)
			session_change_label(row, label, sizeof(label));
		return turn_back(job, context, work, work->change.error, "%s: %s",
				 row ? label : "a binding", work->change.reason);
	}
	work->at++;
	return GO_ON;
}

static void strand(struct unbinding *work, const struct isif_binding *row)
{
	char label[LABEL_SIZE];

	if (work->stranded++)
		return;
	if (row)
		session_change_label(row, label, sizeof(label));
	snprintf(work->stranded_reason, sizeof(work->stranded_reason),
		 "%s cannot be logged in again: %s", row ? label : "a binding",
		 work->change.reason);
}

static enum outcome log_in(struct isif_job *job, const struct job_context *context,
			   struct unbinding *work, unsigned *pause)
{
	const struct isif_binding *row;

	if (work->at == work->plan.count)
		return turned_back(job, context, work);
	row = row_at(work, context);
	if (!work->changing && (!work->plan.items[work->at].session || (row && row->sid))) {
		work->at++;
		return GO_ON;
	}
	job_step(job, "turning back: logging in again");
	if (!change_sessions(job, context, work, true, pause))
		return WAIT;
	if (work->change.error)
		strand(work, row);
	else
		work->returned++;
	work->at++;
	return GO_ON;
}

/* --- records --- */

static enum outcome commit_to_removal(struct isif_job *job, const struct job_context *context,
				      struct unbinding *work)
{
	/* One lot is all or none by itself. */
	if (work->plan.removing || work->plan.count <= REMOVAL_LOT)
		return GO_ON;
	work->plan.removing = true;
	return keep_plan(job, context, work);
}

/* In the slice of the first lot: what is checked here is what that lot meets. */
static enum outcome begin_removal(struct isif_job *job, const struct job_context *context,
				  struct unbinding *work)
{
	for (work->at = 0; work->at < work->plan.count; work->at++) {
		const struct isif_binding *row = row_at(work, context);
		char label[LABEL_SIZE];

		if (row && row->sid && !work->plan.removing) {
			session_change_label(row, label, sizeof(label));
			return turn_back(job, context, work, ISIF_JOB_ERROR_CHANGED,
					 "somebody logged in again: %s", label);
		}
		if (row && !removal_add(&work->removal, row->node))
			return turn_back(job, context, work, ISIF_JOB_ERROR_GENERIC, "%s",
					 isif_error_text(ISIF_NO_MEMORY));
	}
	work->removal_begun = true;
	return commit_to_removal(job, context, work);
}

static void report(struct isif_job *job, const struct unbinding *work)
{
	job->results = work->removal.removed;
	job->progress = (uint32_t)((uint64_t)job->results * 100 / work->total);
	job_step(job, "node records removed: %u of %zu", job->results, work->total);
}

static enum outcome removed(struct isif_job *job, const struct job_context *context,
			    struct unbinding *work)
{
	CLEANUP_FREE char *path = NULL;

	if (work->total)
		report(job, work);
	if (!work->removal.stayed) {
		go_to(work, SEEING);
		return GO_ON;
	}
	path = node_path(work->removal.stayer);
	job_fail(job, ISIF_JOB_ERROR_CHANGED,
		 "somebody logged in while the records were removed: those with a session stay, "
		 "first %s",
		 path ? path : "");
	return over(context, work);
}

static enum outcome remove_lot(struct isif_job *job, const struct job_context *context,
			       struct unbinding *work, unsigned *pause)
{
	const char *why;
	enum isif_error error = removal_work(&work->removal, context, &why);
	int32_t code = error == ISIF_LOCKED ? ISIF_JOB_ERROR_LOCKED : ISIF_JOB_ERROR_DATABASE;

	if (!error) {
		work->waiting_since = 0;
		report(job, work);
		return GO_ON;
	}
	if (removal_can_wait(error) &&
	    (work->removal.removed || !waited_too_long(work, context->now, PATIENCE_MS))) {
		job_step(job, "node records removed: %u of %zu; waiting: %s", work->removal.removed,
			 work->total, why);
		*pause = AGAIN_MS;
		return WAIT;
	}
	if (!work->removal.removed)
		return turn_back(job, context, work, code, "cannot remove: %s", why);
	job_fail(job, (enum isif_job_error)code,
		 "only some records are removed, and the others cannot be: %s", why);
	return over(context, work);
}

static enum outcome remove_records(struct isif_job *job, const struct job_context *context,
				   struct unbinding *work, unsigned *pause)
{
	if (job->control == ISIF_JOB_CANCEL && !work->removal.removed)
		return turn_back(job, context, work, ISIF_JOB_ERROR_NONE, "%s", "");
	if (!work->removal_begun)
		return begin_removal(job, context, work);
	if (removal_is_done(&work->removal))
		return removed(job, context, work);
	return remove_lot(job, context, work, pause);
}

/* Who sees that the job has succeeded sees no row of it any more. */
static enum outcome see(struct isif_job *job, const struct job_context *context,
			struct unbinding *work, unsigned *pause)
{
	while (work->at < work->plan.count && !row_at(work, context))
		work->at++;
	if (work->at < work->plan.count && !waited_too_long(work, context->now, SEEING_MS)) {
		*pause = (unsigned)(work->waiting_since + SEEING_MS - context->now);
		return WAIT;
	}
	if (!work->total)
		job_step(job, "there is no such binding");
	else if (job->control == ISIF_JOB_CANCEL)
		job_step(job, "node records removed: %u of %zu; it was too late to cancel",
			 job->results, work->total);
	job->state = ISIF_JOB_SUCCEEDED;
	job->progress = 100;
	return over(context, work);
}

/* --- the kind --- */

static bool start(struct isif_job *job, const struct job_context *context, void **own)
{
	(void)context;
	/* Which would be all bindings of this host. */
	if (!job->iface->length && !job->target->length && !job->address->length) {
		job_fail(job, ISIF_JOB_ERROR_GENERIC, "no iface, target or portal is named");
		return false;
	}
	*own = calloc(1, sizeof(struct unbinding));
	if (!*own)
		job_fail(job, ISIF_JOB_ERROR_GENERIC, "%s", isif_error_text(ISIF_NO_MEMORY));
	return *own;
}

static enum outcome step(struct isif_job *job, const struct job_context *context, void *own,
			 uint64_t deadline, unsigned *pause)
{
	struct unbinding *work = own;

	(void)deadline;
	switch (work->stage) {
	case PLANNING:
		return make_plan(job, context, work, pause);
	case CHECKING:
		return check(job, context, work);
	case GUARDING:
		return guard(job, context, work, pause);
	case LOGGING_OUT:
		return log_out(job, context, work, pause);
	case LOGGING_IN:
		return log_in(job, context, work, pause);
	case REMOVING:
		return remove_records(job, context, work, pause);
	case SEEING:
		return see(job, context, work, pause);
	}
	return ENDED;
}

static int descriptor(const struct job_context *context, void *own)
{
	const struct unbinding *work = own;

	return work->changing ? session_change_descriptor(&work->change, context) : -1;
}

static void end(const struct job_context *context, void *own)
{
	struct unbinding *work = own;

	if (work->changing)
		session_change_end(&work->change, context);
	guard_group_end(&work->group, context);
	removal_clear(&work->removal);
	unbind_plan_clear(&work->plan);
	free(work);
}

const struct job_kind job_unbind = {
	.name = "unbind",
	.lane = JOB_LANE_SESSIONS,
	.start = start,
	.step = step,
	.descriptor = descriptor,
	.end = end,
};
