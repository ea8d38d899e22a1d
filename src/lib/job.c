/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The runner: which job's turn it is, how it begins and ends, and what is told of that. */
#include "job.h"

#include "clock.h"
#include "job_list.h"
#include "words.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BUSY_MS 500 /* until a lane that must wait for another is looked at again */

static const struct job_kind *const kinds[] = {
	[ISIF_JOB_LOGIN] = &job_login,	       [ISIF_JOB_LOGOUT] = &job_logout,
	[ISIF_JOB_REBIND] = &job_rebind,       [ISIF_JOB_DISCOVER] = &job_discover,
	[ISIF_JOB_PROBE] = &job_probe,	       [ISIF_JOB_UNBIND] = &job_unbind,
	[ISIF_JOB_PROPAGATE] = &job_propagate, [ISIF_JOB_APPLY] = &job_apply,
};

const struct job_kind *job_kind_of(enum isif_job_kind kind)
{
	return kinds[kind];
}

/* A rebind of a single binding to another iface has its own way of doing it. */
static const struct job_kind *kind_of(const struct isif_job *job)
{
	return job->kind == ISIF_JOB_REBIND && job->from ? &job_move : job_kind_of(job->kind);
}

bool isif_job_concerns(const struct isif_job *job, const struct isif_node *node)
{
	if (job->iface->length && job->iface != node->iface && job->from != node->iface)
		return false;
	if (job->target->length && job->target != node->target)
		return false;
	if (job->port && job->port != node->port)
		return false;
	return !job->address->length || job->address == node->address ||
	       isif_address_equal(job->address->text, node->address->text);
}

/* --- what is said of a job --- */

static void say(char *text, const char *format, va_list arguments)
	__attribute__((format(printf, 2, 0)));
static void say(char *text, const char *format, va_list arguments)
{
	if (vsnprintf(text, ISIF_JOB_TEXT_SIZE, format, arguments) >= ISIF_JOB_TEXT_SIZE)
		drop_cut_character(text);
}

void job_step(struct isif_job *job, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	say(job->step, format, arguments);
	va_end(arguments);
}

void job_fail(struct isif_job *job, enum isif_job_error error, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	say(job->error_text, format, arguments);
	va_end(arguments);
	job->state = ISIF_JOB_FAILED;
	job->error = (int32_t)error;
}

/* --- its life --- */

static struct job_context context_of(struct job_runner *runner, struct isif_snapshot *snapshot,
				     uint64_t now)
{
	return (struct job_context){
		.runner = runner,
		.gate = runner->gate,
		.snapshot = snapshot,
		.log = runner->log,
		.now = now,
		.iscsiadm_timeout = runner->iscsiadm_timeout,
		.session_timeout = runner->session_timeout,
		.protect_in_use = runner->protect_in_use,
		.state = runner->state,
		.rtnetlink = runner->rtnetlink,
		.effects = &runner->effects,
	};
}

/* What it had done stays done; who begins it again finds in its step that there was a before. */
static void begin_anew(struct job_entry *entry)
{
	struct isif_job *job = &entry->job;

	if (job->state == ISIF_JOB_RUNNING)
		job_step(job, "interrupted; it begins anew");
	job->state = ISIF_JOB_PENDING;
	job->progress = job->results = 0;
	job->started = 0;
	entry->due = 0;
}

static void tell(const struct job_runner *runner, const struct isif_job *job, const char *what)
{
	const struct job_kind *kind = kind_of(job);

	isif_log_line(runner->log, ISIF_LOG_NOTICE, "job %u (%s, iface %s) %s", job->index,
		      kind->name, job->iface->length ? job->iface->text : "any", what);
}

/* The job has its last state; why stands in its step and its error. */
static void ended(struct job_runner *runner, struct isif_job *job)
{
	char what[2 * ISIF_JOB_TEXT_SIZE + 64];

	job->finished = time(NULL);
	free(job->plan);
	job->plan = NULL;
	if (job->state == ISIF_JOB_FAILED || job->state == ISIF_JOB_ROLLED_BACK)
		snprintf(what, sizeof(what), "%s, error %d: %s; %s",
			 job->state == ISIF_JOB_FAILED ? "failed" : "was rolled back", job->error,
			 job->error_text, *job->step ? job->step : "nothing was done");
	else
		snprintf(what, sizeof(what), "%s: %s",
			 job->state == ISIF_JOB_SUCCEEDED ? "succeeded" : "was cancelled",
			 job->step);
	tell(runner, job, what);
	if (runner->listen)
		runner->listen(runner->listener, job);
	runner->news = true;
}

static bool start(struct job_runner *runner, struct job_entry *entry,
		  const struct job_context *context)
{
	struct isif_job *job = &entry->job;

	job->started = time(NULL);
	tell(runner, job, "began");
	runner->news = true;
	if (!kind_of(job)->start(job, context, &entry->work)) {
		ended(runner, job);
		return false;
	}
	job->state = ISIF_JOB_RUNNING;
	return true;
}

static void end_work(struct job_runner *runner, struct job_entry *entry)
{
	const struct job_context context = context_of(runner, NULL, 0);

	kind_of(&entry->job)->end(&context, entry->work);
	entry->work = NULL;
}

/* --- whose turn it is --- */

/* The job of a lane that runs, else the one that was asked for first; NULL: there is none. */
static struct job_entry *next_in(const struct job_runner *runner, enum job_lane lane)
{
	struct job_entry *next = NULL;

	for (size_t i = 0; i < runner->count; i++) {
		struct job_entry *entry = runner->entries[i];

		if (!isif_job_is_open(&entry->job) || job_kind_of(entry->job.kind)->lane != lane)
			continue;
		if (entry->job.state == ISIF_JOB_RUNNING)
			return entry;
		if (!next || entry->job.order < next->job.order)
			next = entry;
	}
	return next;
}

static bool is_disruptive(const struct job_entry *entry)
{
	const struct job_kind *kind = kind_of(&entry->job);

	return entry->work &&
	       (kind->lane == JOB_LANE_SESSIONS || (kind->disrupts && kind->disrupts(entry->work)));
}

bool job_changes_sessions(const struct job_runner *runner, const struct isif_job *except)
{
	for (size_t i = 0; i < runner->count; i++)
		if (&runner->entries[i]->job != except && is_disruptive(runner->entries[i]))
			return true;
	return false;
}

/* Takes steps until the deadline; true if the work has ended. Else *pause says when to go on. */
static bool run(struct job_entry *entry, const struct job_context *context, uint64_t deadline,
		unsigned *pause)
{
	const struct job_kind *kind = kind_of(&entry->job);
	enum outcome outcome;

	do {
		*pause = 0;
		outcome = kind->step(&entry->job, context, entry->work, deadline, pause);
	} while (outcome == GO_ON && clock_ns() < deadline);
	return outcome == ENDED;
}

static void run_lane(struct job_runner *runner, enum job_lane lane,
		     const struct job_context *context, uint64_t deadline)
{
	struct job_entry *entry;

	while ((entry = next_in(runner, lane))) {
		unsigned pause;

		if (lane == JOB_LANE_SESSIONS && entry->job.state == ISIF_JOB_PENDING &&
		    job_changes_sessions(runner, &entry->job)) {
			entry->due = context->now + BUSY_MS;
			return;
		}
		if (entry->job.state == ISIF_JOB_PENDING && !start(runner, entry, context))
			continue;
		if (!run(entry, context, deadline, &pause)) {
			entry->due = pause == UINT_MAX ? UINT64_MAX : context->now + pause;
			return;
		}
		end_work(runner, entry);
		ended(runner, &entry->job);
		if (clock_ns() >= deadline)
			return;
	}
}

/*
 * Those that wait need not wait for their turn to be cancelled; but what one that was interrupted
 * left, and what one that has a plan must take back, only its kind knows.
 */
static bool can_go(const struct isif_job *job)
{
	return job->state == ISIF_JOB_PENDING && job->control == ISIF_JOB_CANCEL && !*job->step &&
	       !job->plan;
}

static void cancel_pending(struct job_runner *runner)
{
	for (size_t i = 0; i < runner->count; i++) {
		struct isif_job *job = &runner->entries[i]->job;

		if (!can_go(job))
			continue;
		job->state = ISIF_JOB_CANCELLED;
		job_step(job, "cancelled before it began");
		ended(runner, job);
	}
}

static void save(struct job_runner *runner)
{
	enum isif_error error = job_save(runner);

	if (error && !runner->save_failed)
		isif_log_line(runner->log, ISIF_LOG_ERROR,
			      "cannot write the list of jobs into the state directory: %s; after a "
			      "restart jobs may be run again or be forgotten",
			      isif_error_text(error));
	runner->save_failed = error;
}

bool job_run(struct job_runner *runner, struct isif_snapshot *snapshot, uint64_t now,
	     uint64_t deadline)
{
	const struct job_context context = context_of(runner, snapshot, now);

	if (runner->in_change)
		return false;
	runner->news = false;
	cancel_pending(runner);
	for (enum job_lane lane = 0; lane < JOB_LANES; lane++)
		run_lane(runner, lane, &context, deadline);
	if (!runner->news)
		return false;
	job_list_trim(runner);
	save(runner);
	return true;
}

uint64_t job_due(const struct job_runner *runner)
{
	uint64_t due = UINT64_MAX;

	for (size_t i = 0; i < runner->count && !runner->in_change; i++)
		if (can_go(&runner->entries[i]->job))
			return 0;
	for (enum job_lane lane = 0; lane < JOB_LANES && !runner->in_change; lane++) {
		const struct job_entry *entry = next_in(runner, lane);

		if (entry && entry->job.state == ISIF_JOB_PENDING && !entry->due)
			return 0;
		if (entry && entry->due < due)
			due = entry->due;
	}
	return due;
}

int job_descriptor(const struct job_runner *runner, struct isif_snapshot *snapshot,
		   enum job_lane lane)
{
	const struct job_context context = { .gate = runner->gate,
					     .snapshot = snapshot,
					     .log = runner->log };
	const struct job_entry *entry = runner->in_change ? NULL : next_in(runner, lane);

	if (!entry || entry->job.state != ISIF_JOB_RUNNING)
		return -1;
	return kind_of(&entry->job)->descriptor(&context, entry->work);
}

void job_runner_set_iscsiadm_timeout(struct job_runner *runner, uint32_t milliseconds)
{
	runner->iscsiadm_timeout = milliseconds;
}

void job_runner_set_rtnetlink(struct job_runner *runner, struct isif_rtnetlink *rtnetlink)
{
	runner->rtnetlink = rtnetlink;
}

void job_runner_set_listener(struct job_runner *runner,
			     void (*listen)(void *context, const struct isif_job *job),
			     void *context)
{
	runner->listen = listen;
	runner->listener = context;
}

void job_runner_set_session_terms(struct job_runner *runner, uint32_t milliseconds,
				  bool protect_in_use)
{
	if (milliseconds)
		runner->session_timeout = milliseconds;
	runner->protect_in_use = protect_in_use;
}

void job_runner_set_state(struct job_runner *runner, struct state *state)
{
	runner->state = state;
}

struct job_effects job_take_effects(struct job_runner *runner)
{
	struct job_effects effects = runner->effects;

	runner->effects = (struct job_effects){ 0 };
	return effects;
}

bool job_works_on(const struct job_runner *runner, const struct isif_name *iface,
		  const struct isif_node *node)
{
	for (size_t i = 0; i < runner->count; i++) {
		const struct isif_job *job = &runner->entries[i]->job;

		/* With a plan it need not run yet: records were changed for it already. */
		if ((job->state == ISIF_JOB_RUNNING || job->plan) &&
		    (job_kind_of(job->kind)->lane == JOB_LANE_SESSIONS ||
		     job_kind_of(job->kind)->lane == JOB_LANE_PORTS) &&
		    ((iface && (job->iface == iface || job->from == iface)) ||
		     (node && isif_job_concerns(job, node))))
			return true;
	}
	return false;
}

enum isif_error job_save(struct job_runner *runner)
{
	return job_file_write(runner);
}

/* --- opening and closing --- */

void job_suspend(struct job_runner *runner)
{
	for (size_t i = 0; i < runner->count; i++) {
		struct job_entry *entry = runner->entries[i];

		/* Of a list that was only half read, a running one has no work yet. */
		if (!entry->work)
			continue;
		end_work(runner, entry);
		begin_anew(entry);
	}
}

void job_runner_close(struct job_runner *runner)
{
	if (!runner)
		return;
	job_suspend(runner);
	job_list_clear(runner);
	free(runner);
}

enum isif_error job_runner_open(struct isif_privileged *gate, struct isif_names *names,
				const struct isif_log *log, struct job_runner **result)
{
	struct job_runner *runner = calloc(1, sizeof(*runner));
	enum isif_error error;

	if (!runner)
		return ISIF_NO_MEMORY;
	*runner = (struct job_runner){
		.gate = gate,
		.names = names,
		.log = log,
		.next_implied = ISIF_JOB_FIRST_IMPLIED,
		.next_order = 1,
		.history = JOB_HISTORY,
		.iscsiadm_timeout = JOB_TIMEOUT,
		.session_timeout = JOB_SESSION,
		.protect_in_use = true,
	};
	error = job_file_read(runner);
	if (error) {
		job_runner_close(runner);
		return error;
	}
	for (size_t i = 0; i < runner->count; i++) {
		struct job_entry *entry = runner->entries[i];

		if (!isif_job_is_open(&entry->job))
			continue;
		begin_anew(entry);
	}
	*result = runner;
	return ISIF_OK;
}
