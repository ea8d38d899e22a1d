/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rebind: every live session of an iface is made anew over the path that its record names now, one
 * after the other. Before the first logout every portal is probed over that path, the guard has
 * looked at every session, and what is needed to take all of it back is on disk. What fails brings
 * everything back as it was: the records, and the sessions that were moved already.
 *
 * Where the work stands is never remembered, but read from the kernel: a session is moved, or at
 * home, or there is none. So an interrupted job needs nothing but its plan.
 */
#include "job.h"

#include "disk_wait.h"
#include "rebind_check.h"
#include "rebind_plan.h"
#include "rebind_records.h"
#include "session_change.h"
#include "snapshot_find.h"
#include "state.h"
#include "way.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct rebind {
	struct rebind_plan plan;
	size_t moving;	/* sessions that are to be moved */
	bool by_change; /* of the iface's record, which is put back with all the rest */
	bool begun;	/* its plan is on disk: records were written, sessions logged out */

	/* Interrupted: what is logged out is logged in first. Forth: see above. */
	enum { INTERRUPTED, FORTH, BACK_MISSING, BACK_MOVED } direction;
	enum { AT_CHECK, AT_RECORDS, AT_SESSION, AT_LOGOUT, AT_LOGIN, AT_DISKS } step;
	size_t at; /* how many records of the plan are done with in this direction */

	struct rebind_check check;
	struct rebind_writing writing;
	struct session_change change;
	struct disk_wait wait;

	struct way way;
};

/* --- what is said --- */

static void tell(struct isif_job *job, const struct job_context *context, const struct rebind *work,
		 const struct rebind_record *record, const char *what)
{
	char label[REBIND_LABEL_SIZE];

	rebind_record_label(context->snapshot, record, label);
	job_step(job, "%s%s: %s",
		 work->way.back			  ? "putting everything back: "
		 : work->direction == INTERRUPTED ? "after an interruption: "
						  : "",
		 what, label);
}

/* --- its ends --- */

static enum outcome succeeded(struct isif_job *job, const struct rebind *work)
{
	job->results = (uint32_t)work->moving;
	job->progress = 100;
	job->state = ISIF_JOB_SUCCEEDED;
	if (work->moving)
		job_step(job, "moved %zu of %zu sessions to the path of iface %s", work->moving,
			 work->moving, job->iface->text);
	else
		job_step(job, "no session of iface %s has to be moved", job->iface->text);
	return ENDED;
}

/* Why is told at each binding that was to move. */
static enum outcome is_back(struct isif_job *job, const struct job_context *context,
			    const struct rebind *work)
{
	for (size_t i = 0; i < work->plan.count && work->way.forth_failure.error; i++) {
		const struct rebind_record *record = &work->plan.records[i];
		struct binding_memory *memory =
			record->moves ? state_find_index(context->state, record->binding) : NULL;

		if (memory)
			state_set_error(context->state, memory, work->way.forth_failure.text);
		context->effects->judge |= memory != NULL;
	}
	return way_is_back(&work->way, job, work->begun || work->by_change);
}

/* --- the way back --- */

static enum outcome write_records(struct isif_job *job, struct rebind *work, enum rebind_time time,
				  enum rebind_which which)
{
	rebind_writing_begin(&work->writing, &work->plan, time, which, work->at);
	work->step = AT_RECORDS;
	job_step(job,
		 work->way.back ? "putting back the records of iface %s"
				: "writing the node records of iface %s",
		 job->iface->text);
	return GO_ON;
}

/* Why it goes back is noted; else it was cancelled. */
static enum outcome go_back(struct isif_job *job, const struct job_context *context,
			    struct rebind *work)
{
	work->direction = BACK_MISSING;
	work->way.back = true;
	work->at = 0;
	if (!work->begun && !work->by_change)
		return is_back(job, context, work);
	return write_records(job, work, work->begun ? REBIND_HOME : REBIND_BEFORE, REBIND_EVERY);
}

/* --- before the first logout --- */

static enum outcome keep_plan(struct isif_job *job, const struct job_context *context,
			      struct rebind *work)
{
	char *text = rebind_plan_write(&work->plan);
	enum isif_error error = ISIF_NO_MEMORY;

	if (text) {
		free(job->plan);
		job->plan = text;
		error = job_save(context->runner);
	}
	if (error) {
		way_note(
			&work->way, ISIF_JOB_ERROR_DATABASE,
			"the plan cannot be kept in the state directory, and without it nothing is "
			"logged out: %s",
			isif_error_text(error));
		return go_back(job, context, work);
	}
	work->begun = true;
	return write_records(job, work, REBIND_DURING, REBIND_STAYING);
}

/* A change that was never committed, or was changed again by hand before its job's turn. */
static bool is_as_asked(const struct isif_job *job, const struct job_context *context,
			struct rebind *work)
{
	for (size_t i = 0; i < work->plan.count; i++) {
		const struct rebind_record *record = &work->plan.records[i];

		if (record->binding ||
		    rebind_record_says(job, context->snapshot, record, REBIND_DURING))
			continue;
		way_note(&work->way, ISIF_JOB_ERROR_CHANGED,
			 "record %s does not say what the change that started this job wrote",
			 record->path);
		return false;
	}
	return true;
}

static enum outcome check(struct isif_job *job, const struct job_context *context,
			  struct rebind *work, uint64_t deadline, unsigned *pause)
{
	enum outcome outcome;

	if (!is_as_asked(job, context, work))
		return go_back(job, context, work);
	outcome = rebind_check_step(&work->check, job, &work->plan, context, deadline, pause);
	if (outcome != ENDED)
		return outcome;
	if (work->check.error)
		way_note(&work->way, work->check.error, "%s", work->check.reason);
	if (work->check.error || job->control == ISIF_JOB_CANCEL)
		return go_back(job, context, work);
	return work->moving ? keep_plan(job, context, work)
			    : write_records(job, work, REBIND_DURING, REBIND_STAYING);
}

/* --- sessions --- */

/* The last one that was moved is the first to go back. */
static const struct rebind_record *record_at(const struct rebind *work)
{
	size_t at = work->direction == BACK_MOVED ? work->plan.count - 1 - work->at : work->at;

	return &work->plan.records[at];
}

/* Whether the session is where this direction wants it. */
static bool is_there(const struct job_context *context, const struct rebind *work,
		     const struct rebind_record *record)
{
	const struct isif_binding *row = snapshot_binding(context->snapshot, record->binding);
	const struct isif_session *session =
		snapshot_session_of(context->snapshot, record->binding);

	switch (work->direction) {
	case INTERRUPTED:
	case BACK_MISSING:
		return session;
	case BACK_MOVED:
		return session &&
		       rebind_session_is(context->snapshot, session->kernel, record, REBIND_HOME);
	default:
		return session && row && row->oper_status == ISIF_OPER_LOGGED_IN &&
		       session->path != ISIF_PATH_WRONG &&
		       rebind_session_is(context->snapshot, session->kernel, record, REBIND_DURING);
	}
}

static enum outcome begin_change(struct isif_job *job, const struct job_context *context,
				 struct rebind *work, bool login)
{
	const struct rebind_record *record = record_at(work);

	work->change = (struct session_change){
		.binding = record->binding,
		.login = login,
		.anywhere = work->direction != FORTH,
		/* Over the old path it is what matters most: iscsid may be on its way back. */
		.patience = login && work->way.back ? context->session_timeout : 0,
		.force = job->force,
	};
	work->step = login ? AT_LOGIN : AT_LOGOUT;
	tell(job, context, work, record, login ? "logging in" : "logging out");
	return GO_ON;
}

/* A disk of the session that is not back yet; NULL: all are. */
static const struct session_disk *missing_disk(const struct job_context *context,
					       const struct rebind_record *record)
{
	const struct isif_session *session =
		snapshot_session_of(context->snapshot, record->binding);

	return session_disks_missing(&record->disks, session ? session->kernel : NULL);
}

static bool is_moved_everywhere(const struct job_context *context, struct rebind *work)
{
	work->direction = FORTH;
	for (size_t i = 0; i < work->plan.count; i++) {
		const struct rebind_record *record = &work->plan.records[i];

		if (record->moves &&
		    (!is_there(context, work, record) || missing_disk(context, record)))
			return false;
	}
	return true;
}

/* All records of the plan are done with in this direction. */
static enum outcome end_of_direction(struct isif_job *job, const struct job_context *context,
				     struct rebind *work)
{
	work->at = 0;
	switch (work->direction) {
	case INTERRUPTED:
		if (is_moved_everywhere(context, work))
			return succeeded(job, work);
		if (job->control == ISIF_JOB_CANCEL)
			return go_back(job, context, work);
		way_note(&work->way, ISIF_JOB_ERROR_GENERIC,
			 "it was interrupted before all sessions of iface %s were moved",
			 job->iface->text);
		return go_back(job, context, work);
	case BACK_MISSING:
		work->direction = BACK_MOVED;
		return GO_ON;
	case BACK_MOVED:
		return write_records(job, work, REBIND_BEFORE, REBIND_EVERY);
	default:
		return succeeded(job, work);
	}
}

static enum outcome next_session(struct isif_job *job, const struct job_context *context,
				 struct rebind *work)
{
	const struct rebind_record *record;

	if (work->direction == FORTH && job->control == ISIF_JOB_CANCEL)
		return go_back(job, context, work);
	work->step = AT_SESSION;
	if (work->at == work->plan.count)
		return end_of_direction(job, context, work);
	record = record_at(work);
	/*
	 * No sooner: an iscsid that restarts meanwhile connects the other sessions anew by what
	 * their records say (usr/iscsid.c:sync_session), and they are not to be moved by that.
	 */
	if (work->direction == FORTH &&
	    !rebind_record_says(job, context->snapshot, record, REBIND_DURING))
		return write_records(job, work, REBIND_DURING, REBIND_ONE);
	if (record->moves && !is_there(context, work, record))
		return begin_change(job, context, work,
				    !snapshot_session_of(context->snapshot, record->binding));
	work->at++;
	return GO_ON;
}

static enum outcome session_is_done(struct isif_job *job, struct rebind *work)
{
	work->step = AT_SESSION;
	work->at++;
	if (work->direction == FORTH && work->moving) {
		job->results++;
		job->progress = job->results * 100 / (uint32_t)work->moving;
	}
	return GO_ON;
}

static enum outcome wait_for_disks(struct isif_job *job, const struct job_context *context,
				   struct rebind *work)
{
	work->step = AT_DISKS;
	disk_wait_begin(&work->wait, context);
	tell(job, context, work, record_at(work), "waiting for its disks");
	return GO_ON;
}

/* Forth, a failure turns the job round; back, it goes on with what else can be put back. */
static enum outcome change_failed(struct isif_job *job, const struct job_context *context,
				  struct rebind *work)
{
	const struct session_change *change = &work->change;
	char label[REBIND_LABEL_SIZE];

	rebind_record_label(context->snapshot, record_at(work), label);
	if (work->direction != INTERRUPTED)
		way_note(&work->way, change->error, "logging %s: %s: %s",
			 change->login ? "in" : "out", change->reason, label);
	return work->direction == FORTH ? go_back(job, context, work) : session_is_done(job, work);
}

static enum outcome go_on_with_change(struct isif_job *job, const struct job_context *context,
				      struct rebind *work, unsigned *pause)
{
	if (!session_change_run(&work->change, context, pause))
		return WAIT;
	session_change_end(&work->change, context);
	if (work->change.error)
		return change_failed(job, context, work);
	if (work->change.login)
		return wait_for_disks(job, context, work);
	if (work->direction == FORTH && job->control == ISIF_JOB_CANCEL)
		return go_back(job, context, work);
	return begin_change(job, context, work, true);
}

static void disk_missed(const struct job_context *context, struct rebind *work,
			const struct rebind_record *record, const struct session_disk *disk)
{
	char label[REBIND_LABEL_SIZE], rescans[DISK_WAIT_TEXT_SIZE];

	rebind_record_label(context->snapshot, record, label);
	disk_wait_say(&work->wait, rescans);
	way_note(&work->way, ISIF_JOB_ERROR_NOT_VERIFIED,
		 "waiting for disks: disk %s has not come back%s%s within %" PRIu32 " s%s: %s",
		 disk->wwid, *disk->map ? " in map " : "", disk->map,
		 context->session_timeout / 1000, rescans, label);
}

static enum outcome look_for_disks(struct isif_job *job, const struct job_context *context,
				   struct rebind *work, unsigned *pause)
{
	const struct rebind_record *record = record_at(work);
	const struct isif_session *session =
		snapshot_session_of(context->snapshot, record->binding);
	const bool cancelled = work->direction == FORTH && job->control == ISIF_JOB_CANCEL;
	const struct session_disk *disk;
	enum outcome outcome =
		disk_wait_step(&work->wait, context, &record->disks, session, &disk, pause);

	if (outcome == GO_ON)
		tell(job, context, work, record, "waiting for its disks, with a rescan");
	if (outcome != ENDED && !cancelled)
		return outcome;
	disk_wait_end(&work->wait, context);
	if (!disk)
		return session_is_done(job, work);
	if (!cancelled)
		disk_missed(context, work, record, disk);
	return work->direction == FORTH ? go_back(job, context, work) : session_is_done(job, work);
}

/* --- records --- */

static enum outcome go_on_writing(struct isif_job *job, const struct job_context *context,
				  struct rebind *work, uint64_t deadline, unsigned *pause)
{
	if (!rebind_writing_run(&work->writing, job, &work->plan, context, deadline, pause))
		return WAIT;
	if (work->writing.error)
		way_note(&work->way, work->writing.error, "%s", work->writing.failure);
	rebind_writing_end(&work->writing, context);
	if (work->way.back && work->writing.time == REBIND_BEFORE)
		return is_back(job, context, work);
	if (work->direction == FORTH && work->way.forth_failure.error)
		return go_back(job, context, work);
	work->step = AT_SESSION;
	return GO_ON;
}

static enum outcome step(struct isif_job *job, const struct job_context *context, void *own,
			 uint64_t deadline, unsigned *pause)
{
	struct rebind *work = own;

	switch (work->step) {
	case AT_CHECK:
		return check(job, context, work, deadline, pause);
	case AT_RECORDS:
		return go_on_writing(job, context, work, deadline, pause);
	case AT_SESSION:
		return next_session(job, context, work);
	case AT_DISKS:
		return look_for_disks(job, context, work, pause);
	default:
		return go_on_with_change(job, context, work, pause);
	}
}

/* --- the kind --- */

static bool make_plan(const struct isif_job *job, const struct isif_snapshot *snapshot,
		      const struct isif_iface *iface, struct rebind_plan *plan)
{
	for (uint32_t i = 0; i < snapshot->binding_count; i++)
		if (isif_job_concerns(job, snapshot->bindings[i]->node) &&
		    !rebind_plan_add(plan, snapshot, iface, snapshot->bindings[i]))
			return false;
	return true;
}

/* A plan that names node records was at work before. */
static void take_up_plan(struct rebind *work)
{
	for (size_t i = 0; i < work->plan.count; i++) {
		work->by_change |= !work->plan.records[i].binding;
		work->begun |= work->plan.records[i].binding != 0;
	}
	if (!work->begun)
		return;
	work->direction = INTERRUPTED;
	work->step = AT_SESSION;
}

static bool prepare(struct isif_job *job, const struct job_context *context, struct rebind *work)
{
	const struct isif_iface *iface = snapshot_iface(context->snapshot, job->iface->text);

	if (job->plan && !rebind_plan_read(&work->plan, job->plan)) {
		job_fail(job, ISIF_JOB_ERROR_DATABASE,
			 "its plan in the state directory is damaged: see to the sessions of iface "
			 "%s by hand",
			 job->iface->text);
		return false;
	}
	work->direction = FORTH;
	take_up_plan(work);
	if (!iface && !work->begun) {
		job_fail(job, ISIF_JOB_ERROR_CHANGED, "there is no iface %s any more",
			 job->iface->text);
		return false;
	}
	if (!work->begun && !make_plan(job, context->snapshot, iface, &work->plan)) {
		job_fail(job, ISIF_JOB_ERROR_GENERIC, "%s", isif_error_text(ISIF_NO_MEMORY));
		return false;
	}
	for (size_t i = 0; i < work->plan.count; i++)
		work->moving += work->plan.records[i].moves;
	return true;
}

static bool start(struct isif_job *job, const struct job_context *context, void **result)
{
	struct rebind *work = calloc(1, sizeof(*work));

	if (!work) {
		job_fail(job, ISIF_JOB_ERROR_GENERIC, "%s", isif_error_text(ISIF_NO_MEMORY));
		return false;
	}
	if (prepare(job, context, work)) {
		*result = work;
		return true;
	}
	rebind_plan_clear(&work->plan);
	free(work);
	return false;
}

static int descriptor(const struct job_context *context, void *own)
{
	const struct rebind *work = own;

	switch (work->step) {
	case AT_CHECK:
		return rebind_check_descriptor(&work->check, context);
	case AT_RECORDS:
		return rebind_writing_descriptor(&work->writing, context);
	case AT_LOGOUT:
	case AT_LOGIN:
		return session_change_descriptor(&work->change, context);
	case AT_DISKS:
		return disk_wait_descriptor(&work->wait, context);
	default:
		return -1;
	}
}

static void end(const struct job_context *context, void *own)
{
	struct rebind *work = own;

	if (work->step == AT_CHECK)
		rebind_check_end(&work->check, context);
	if (work->step == AT_RECORDS)
		rebind_writing_end(&work->writing, context);
	if (work->step == AT_LOGOUT || work->step == AT_LOGIN)
		session_change_end(&work->change, context);
	disk_wait_end(&work->wait, context);
	rebind_plan_clear(&work->plan);
	free(work);
}

const struct job_kind job_rebind = {
	.name = "rebind",
	.lane = JOB_LANE_SESSIONS,
	.start = start,
	.step = step,
	.descriptor = descriptor,
	.end = end,
};
