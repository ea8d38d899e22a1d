/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rewrites the copies of an iface's settings in its node records. What differs is looked for in
 * the snapshot, which lags behind what was written a moment ago: so each record that was tried is
 * remembered with the copy that it had then, and the iface's own is read again at the end.
 */
#include "job.h"

#include "array.h"
#include "cleanup.h"
#include "clock.h"
#include "copy.h"
#include "hash.h"
#include "node.h"
#include "snapshot_find.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#define ROUNDS	    10	  /* so often a record is tried */
#define ROUND_MS    500	  /* this long after it was found changed or half-written */
#define AGAIN_MS    1000  /* this long after there was no memory, or the gate could not write */
#define PATIENCE_MS 30000 /* for somebody else's lock, or for a gate that cannot write yet */

/* A record that differed, and what became of that. */
struct attempt {
	uint32_t binding;
	uint32_t rounds;
	enum isif_error error; /* of the last round */
	bool over;	       /* it failed for good */
	bool rewritten;	       /* in any round */
	uint64_t again;	       /* not before this (monotonic ms) */
	/* Held: what the last round began with and what it was to make of it. */
	struct isif_record *copy, *settings;
};

/* The lines that make one copy agree: most node records of an iface have the same copy. */
struct rewriting {
	struct isif_edit_line *lines;
	size_t count, size;
};

struct propagation {
	struct hash attempts; /* struct attempt, by binding */
	struct isif_edit edits[ISIF_BATCH_SIZE];
	struct attempt *edited[ISIF_BATCH_SIZE];
	char *paths[ISIF_BATCH_SIZE];
	struct rewriting rewritings[ISIF_BATCH_SIZE];
	size_t edit_count, rewriting_count;
	bool batch;		    /* it is under way */
	uint64_t waiting_since;	    /* for the lock or the gate (monotonic ms); 0: for neither */
	enum isif_job_error failed; /* of the first record that failed, and why it did */
	char failure[1024];
};

/* --- what was tried --- */

static uint32_t hash_of(uint32_t binding)
{
	return binding * 0x9e3779b1u;
}

static bool attempt_matches(const void *item, const void *key)
{
	return ((const struct attempt *)item)->binding == *(const uint32_t *)key;
}

static struct attempt *attempt_of(struct propagation *work, uint32_t binding)
{
	struct attempt *attempt =
		hash_find(&work->attempts, hash_of(binding), attempt_matches, &binding);

	if (attempt)
		return attempt;
	attempt = calloc(1, sizeof(*attempt));
	if (!attempt)
		return NULL;
	attempt->binding = binding;
	if (hash_add(&work->attempts, hash_of(binding), attempt))
		return attempt;
	free(attempt);
	return NULL;
}

static void remember(struct attempt *attempt, struct isif_record *copy,
		     struct isif_record *settings)
{
	isif_record_hold(copy);
	isif_record_hold(settings);
	isif_record_release(attempt->copy);
	isif_record_release(attempt->settings);
	attempt->copy = copy;
	attempt->settings = settings;
}

/* A record that differs only because the snapshot is older than what was written. */
static bool is_rewritten(const struct attempt *attempt, const struct isif_record *copy,
			 const struct isif_record *settings)
{
	return attempt->rounds && !attempt->error && attempt->copy == copy &&
	       attempt->settings == settings;
}

/* It will be different the next time. */
static bool is_passing(enum isif_error error)
{
	return error == ISIF_CHANGED || error == ISIF_INCOMPLETE || error == ISIF_NOT_FOUND ||
	       error == ISIF_NO_MEMORY;
}

/* --- the batch --- */

static void drop_batch(struct propagation *work)
{
	for (size_t i = 0; i < work->edit_count; i++)
		free(work->paths[i]);
	for (size_t i = 0; i < work->rewriting_count; i++)
		free(work->rewritings[i].lines);
	work->edit_count = work->rewriting_count = 0;
	work->batch = false;
}

/* The lines for a copy; those of the record before, if it has the same one. */
static const struct rewriting *rewriting_of(struct propagation *work,
					    const struct isif_record *settings,
					    const struct isif_record *copy)
{
	struct copy_difference difference = { settings, copy, 0 };
	struct rewriting *rewriting = &work->rewritings[work->rewriting_count];
	struct isif_edit_line line;

	if (work->edit_count && work->edited[work->edit_count - 1]->copy == copy)
		return rewriting - 1;
	*rewriting = (struct rewriting){ 0 };
	while (copy_difference_next(&difference, &line)) {
		if (!array_reserve(&rewriting->lines, &rewriting->size, rewriting->count,
				   sizeof(line))) {
			free(rewriting->lines);
			return NULL;
		}
		rewriting->lines[rewriting->count++] = line;
	}
	work->rewriting_count++;
	return rewriting;
}

/* Takes the path over. */
static enum isif_error add_edit(struct propagation *work, struct attempt *attempt,
				const struct isif_binding *binding, struct isif_record *settings,
				char *path)
{
	const struct rewriting *rewriting = rewriting_of(work, settings, binding->node->copy);

	if (!rewriting) {
		free(path);
		return ISIF_NO_MEMORY;
	}
	remember(attempt, binding->node->copy, settings);
	attempt->error = ISIF_INCOMPLETE; /* until the batch says otherwise */
	work->edits[work->edit_count] = (struct isif_edit){
		.kind = ISIF_EDIT_LINES,
		.path = path,
		.lines = rewriting->lines,
		.line_count = rewriting->count,
	};
	work->edited[work->edit_count] = attempt;
	work->paths[work->edit_count++] = path;
	return ISIF_OK;
}

/* --- what is said --- */

static void report(struct isif_job *job, const struct propagation *work)
{
	size_t total = work->attempts.used;

	job->progress = total ? (uint32_t)((uint64_t)job->results * 100 / total) : 0;
	job_step(job, "rewriting node records: %" PRIu32 " of %zu", job->results, total);
}

static const char *reason(enum isif_error error)
{
	switch (error) {
	case ISIF_OK:
		return "somebody else changes it each time it was rewritten";
	case ISIF_CHANGED:
		return "somebody else changes it all the time";
	case ISIF_INCOMPLETE:
		return "it stays half-written";
	case ISIF_NOT_FOUND:
		return "there is no such file; the file of a record must have the names that "
		       "stand in it";
	default:
		return isif_error_text(error);
	}
}

/* The record failed for good. The others go on. */
static void give_up(struct propagation *work, struct attempt *attempt, const char *path)
{
	bool changed = !attempt->error || attempt->error == ISIF_CHANGED ||
		       attempt->error == ISIF_INCOMPLETE;

	attempt->over = true;
	if (work->failed)
		return;
	work->failed = changed ? ISIF_JOB_ERROR_CHANGED : ISIF_JOB_ERROR_DATABASE;
	snprintf(work->failure, sizeof(work->failure), "node record %s: %s", path,
		 reason(attempt->error));
}

static enum outcome done(struct isif_job *job, const struct propagation *work)
{
	if (work->attempts.used)
		job_step(job, "node records rewritten: %" PRIu32 " of %zu", job->results,
			 work->attempts.used);
	else
		job_step(job, "no node record differs");
	if (work->failed) {
		job_fail(job, work->failed, "%s", work->failure);
	} else {
		job->state = ISIF_JOB_SUCCEEDED;
		job->progress = 100;
	}
	return ENDED;
}

static enum outcome cancelled(struct isif_job *job, const struct propagation *work)
{
	job_step(job, "cancelled; node records rewritten: %" PRIu32 " of %zu", job->results,
		 work->attempts.used);
	job->state = ISIF_JOB_CANCELLED;
	return ENDED;
}

/* --- the steps --- */

static bool waited_too_long(struct propagation *work, uint64_t now)
{
	if (!work->waiting_since)
		work->waiting_since = now;
	return now - work->waiting_since >= PATIENCE_MS;
}

/* Puts a record that differs into the batch, if it is its turn; *again gets when it is, else. */
static enum isif_error take_up(struct propagation *work, const struct isif_binding *binding,
			       struct isif_record *settings, const struct job_context *context,
			       uint64_t deadline, uint64_t *again)
{
	struct attempt *attempt = attempt_of(work, binding->index);
	CLEANUP_FREE char *path = NULL;

	if (!attempt)
		return ISIF_NO_MEMORY;
	if (attempt->over || is_rewritten(attempt, binding->node->copy, settings))
		return ISIF_OK;
	if (attempt->again > context->now) {
		*again = attempt->again < *again ? attempt->again : *again;
		return ISIF_OK;
	}
	if (work->edit_count == ISIF_BATCH_SIZE || (work->edit_count && clock_ns() >= deadline))
		return ISIF_OK;
	path = node_path(binding->node);
	if (!path)
		return ISIF_NO_MEMORY;
	if (attempt->rounds < ROUNDS)
		return add_edit(work, attempt, binding, settings, TAKE(path));
	give_up(work, attempt, path);
	return ISIF_OK;
}

static enum outcome begin_batch(struct isif_job *job, const struct job_context *context,
				struct propagation *work, unsigned *pause)
{
	struct isif_privileged *gate = context->gate;
	const char *why = "";
	enum isif_error error =
		gate->operations->batch_begin(gate, work->edits, work->edit_count, &why);

	if (!error) {
		work->batch = true;
		work->waiting_since = 0;
		report(job, work);
		return GO_ON;
	}
	drop_batch(work);
	*pause = AGAIN_MS;
	if (error == ISIF_NO_MEMORY)
		return WAIT;
	if (error != ISIF_UNAVAILABLE) {
		job_fail(job, ISIF_JOB_ERROR_DATABASE, "cannot write: %s", isif_error_text(error));
		return ENDED;
	}
	if (waited_too_long(work, context->now)) {
		job_fail(job, ISIF_JOB_ERROR_DATABASE, "cannot write: %s", why);
		return ENDED;
	}
	job_step(job, "waiting: %s", why);
	return WAIT;
}

/* A file that is not named as the iface cannot be looked at: then the snapshot is believed. */
static enum isif_error read_again(const struct job_context *context, const struct isif_iface *iface)
{
	struct isif_privileged *gate = context->gate;
	char path[sizeof("ifaces/") + NAME_MAX];
	const char *text;
	size_t length;
	enum isif_error error;

	snprintf(path, sizeof(path), "ifaces/%s", iface->name->text);
	error = gate->operations->read_record(gate, path, &text, &length);
	if (error)
		return error == ISIF_NOT_FOUND || error == ISIF_INVALID ? ISIF_OK : error;
	return iface_is_still(iface->record, text, length);
}

static enum outcome next_batch(struct isif_job *job, const struct job_context *context,
			       struct propagation *work, uint64_t deadline, unsigned *pause)
{
	const struct isif_snapshot *snapshot = context->snapshot;
	const struct isif_iface *iface = snapshot_iface(snapshot, job->iface->text);
	enum isif_error error = ISIF_OK;
	uint64_t again = UINT64_MAX;

	if (!iface || !iface->record) {
		job_fail(job, ISIF_JOB_ERROR_CHANGED, "iface %s has no record%s", job->iface->text,
			 iface ? ": it is built in" : " any more");
		return ENDED;
	}
	for (uint32_t i = 0; i < snapshot->binding_count && !error; i++) {
		const struct isif_binding *binding = snapshot->bindings[i];

		if (binding->in_sync == ISIF_BINDING_RECORD_DIFFERS &&
		    binding->node->iface == iface->name && isif_job_concerns(job, binding->node))
			error = take_up(work, binding, iface->record, context, deadline, &again);
	}
	if (work->edit_count)
		return begin_batch(job, context, work, pause);
	if (!error && again != UINT64_MAX) {
		*pause = (unsigned)(again - context->now);
		return WAIT;
	}
	if (!error)
		error = read_again(context, iface);
	if (!error)
		return done(job, work);
	*pause = AGAIN_MS;
	if (error == ISIF_NO_MEMORY || !waited_too_long(work, context->now))
		return WAIT;
	job_fail(job, ISIF_JOB_ERROR_DATABASE, "the record of iface %s: %s", iface->name->text,
		 isif_error_text(error));
	return ENDED;
}

static void take_outcomes(struct isif_job *job, struct propagation *work, uint64_t now)
{
	for (size_t i = 0; i < work->edit_count; i++) {
		struct attempt *attempt = work->edited[i];

		attempt->error = work->edits[i].error;
		attempt->rounds++;
		if (!attempt->error) {
			job->results += !attempt->rewritten;
			attempt->rewritten = true;
		} else if (is_passing(attempt->error)) {
			attempt->again = now + ROUND_MS;
		} else {
			give_up(work, attempt, work->paths[i]);
		}
	}
}

static void end_batch(const struct job_context *context, struct propagation *work)
{
	context->gate->operations->batch_end(context->gate);
	drop_batch(work);
}

static enum outcome go_on_with_batch(struct isif_job *job, const struct job_context *context,
				     struct propagation *work, uint64_t deadline, unsigned *pause)
{
	struct isif_privileged *gate = context->gate;
	enum isif_error error = gate->operations->batch_work(gate, deadline, pause);

	if (error == ISIF_INCOMPLETE) {
		if (work->waiting_since)
			report(job, work);
		work->waiting_since = 0;
		return WAIT;
	}
	if (error == ISIF_LOCKED && job->control != ISIF_JOB_CANCEL &&
	    !waited_too_long(work, context->now)) {
		job_step(job, "waiting for open-iscsi's lock");
		return WAIT;
	}
	take_outcomes(job, work, context->now);
	end_batch(context, work);
	report(job, work);
	if (!error || job->control == ISIF_JOB_CANCEL)
		return GO_ON;
	if (error == ISIF_LOCKED)
		job_fail(job, ISIF_JOB_ERROR_LOCKED,
			 "somebody else has held open-iscsi's lock for %d seconds",
			 PATIENCE_MS / 1000);
	else
		job_fail(job, ISIF_JOB_ERROR_DATABASE, "cannot write: %s", isif_error_text(error));
	return ENDED;
}

/* --- the kind --- */

static bool start(struct isif_job *job, const struct job_context *context, void **work)
{
	(void)context;
	*work = calloc(1, sizeof(struct propagation));
	if (!*work)
		job_fail(job, ISIF_JOB_ERROR_GENERIC, "%s", isif_error_text(ISIF_NO_MEMORY));
	return *work;
}

static enum outcome step(struct isif_job *job, const struct job_context *context, void *own,
			 uint64_t deadline, unsigned *pause)
{
	struct propagation *work = own;

	if (work->batch)
		return go_on_with_batch(job, context, work, deadline, pause);
	if (job->control == ISIF_JOB_CANCEL)
		return cancelled(job, work);
	return next_batch(job, context, work, deadline, pause);
}

static int descriptor(const struct job_context *context, void *own)
{
	const struct propagation *work = own;

	return work->batch ? context->gate->operations->batch_descriptor(context->gate) : -1;
}

static void end(const struct job_context *context, void *own)
{
	struct propagation *work = own;

	if (work->batch)
		end_batch(context, work);
	for (size_t i = 0; i < work->attempts.size; i++) {
		struct attempt *attempt = work->attempts.slots[i].item;

		if (!attempt)
			continue;
		isif_record_release(attempt->copy);
		isif_record_release(attempt->settings);
		free(attempt);
	}
	hash_clear(&work->attempts);
	free(work);
}

const struct job_kind job_propagate = {
	.name = "propagate",
	.lane = JOB_LANE_RECORDS,
	.start = start,
	.step = step,
	.descriptor = descriptor,
	.end = end,
};
