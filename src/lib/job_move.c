/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A binding moves to another iface, and its session with it. It makes before it breaks: the SET
 * has made the new record beside the old one; here the new path is probed, logged in over, and the
 * same disks are seen there. Only then, and only if the guard allows it, the old session goes, and
 * its record after it. What fails before that makes it go back: the old session is where it was,
 * the new record is removed, and the binding has its old name again.
 *
 * Nothing of where it stands is remembered. Begun again after an interruption it goes forth again,
 * over what is done already: whichever session is missing is logged in first.
 */
#include "job.h"

#include "cleanup.h"
#include "disk_wait.h"
#include "move_plan.h"
#include "node.h"
#include "path_probe.h"
#include "removal.h"
#include "session_change.h"
#include "snapshot_find.h"
#include "state.h"
#include "way.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define AGAIN_MS    500	  /* until something that was in the way is tried again */
#define PATIENCE_MS 30000 /* for somebody else's lock, or a gate that cannot write yet */
#define SEEING_MS   10000 /* until the snapshot has lost what was removed */
#define LABEL_SIZE  600	  /* of the longest target, portal and iface */

enum stage {
	BEGINNING,
	PROBING,
	LOGGING_IN,	 /* over the new iface */
	SEEING_DISKS,	 /* there */
	LOGGING_OUT_OLD, /* after this, there is no way back */
	REMOVING_OLD,
	SEEING_OLD_GONE,
	/* The way back. */
	LOGGING_IN_OLD,
	LOGGING_OUT,
	REMOVING,
};

struct move {
	enum stage stage;
	struct move_plan plan;
	struct path_probe probe;
	struct session_change change;
	bool changing;
	struct disk_wait wait;
	uint64_t until; /* for what is awaited now (monotonic ms); 0: for nothing */
	struct way way;
};

/* --- the two rows --- */

static struct isif_node key_on(const struct isif_job *job, const struct move *work,
			       struct isif_name *iface)
{
	return (struct isif_node){
		.target = job->target,
		.address = job->address,
		.iface = iface,
		.port = job->port,
		.tpgt = work->plan.tpgt,
	};
}

static const struct isif_binding *row_on(const struct isif_job *job,
					 const struct job_context *context, const struct move *work,
					 struct isif_name *iface)
{
	const struct isif_snapshot *snapshot = context->snapshot;
	const struct isif_node key = key_on(job, work, iface);

	for (uint32_t i = 0; i < snapshot->binding_count; i++)
		if (node_same_key(snapshot->bindings[i]->node, &key))
			return snapshot->bindings[i];
	return NULL;
}

static const struct isif_binding *
new_row(const struct isif_job *job, const struct job_context *context, const struct move *work)
{
	return row_on(job, context, work, job->iface);
}

static const struct isif_binding *
old_row(const struct isif_job *job, const struct job_context *context, const struct move *work)
{
	return row_on(job, context, work, job->from);
}

static enum outcome go_to(struct move *work, enum stage stage)
{
	work->stage = stage;
	work->until = 0;
	return GO_ON;
}

/* --- its ends --- */

static enum outcome succeeded(struct isif_job *job)
{
	job->results = 1;
	job->progress = 100;
	job->state = ISIF_JOB_SUCCEEDED;
	job_step(job, "moved from iface %s to %s: target %s", job->from->text, job->iface->text,
		 job->target->text);
	return ENDED;
}

/* The session has moved: that cannot, and need not, be taken back. */
static enum outcome keeps_old_record(struct isif_job *job, const struct isif_node *node,
				     const struct way_failure *why)
{
	CLEANUP_FREE char *path = node_path(node);

	job->results = 1;
	job_step(job, "the session has moved from iface %s to %s", job->from->text,
		 job->iface->text);
	job_fail(job, (enum isif_job_error)why->error,
		 "the old record is there still, remove it by hand: %s: %s", path ? path : "",
		 why->text);
	return ENDED;
}

static enum outcome go_back(struct move *work)
{
	work->way.back = true;
	return go_to(work, LOGGING_IN_OLD);
}

static enum outcome is_back(struct isif_job *job, const struct job_context *context,
			    const struct move *work, uint32_t binding)
{
	struct binding_memory *memory = state_find_index(context->state, binding);

	if (memory && work->way.forth_failure.error)
		state_set_error(context->state, memory, work->way.forth_failure.text);
	context->effects->judge = true;
	return way_is_back(&work->way, job, true);
}

/* --- sessions --- */

static enum outcome begin_change(struct isif_job *job, const struct job_context *context,
				 struct move *work, const struct isif_binding *row, bool login)
{
	char label[LABEL_SIZE];

	work->change = (struct session_change){
		.binding = row->index,
		.login = login,
		.anywhere = work->way.back,
		.force = job->force,
		.patience = login && work->way.back ? context->session_timeout : 0,
	};
	work->changing = true;
	session_change_label(row, label, sizeof(label));
	job_step(job, "%slogging %s: %s", work->way.back ? "putting everything back: " : "",
		 login ? "in" : "out", label);
	return GO_ON;
}

/* Goes on with it; what fails is noted. */
static enum outcome change(const struct job_context *context, struct move *work, unsigned *pause)
{
	if (!session_change_run(&work->change, context, pause))
		return WAIT;
	session_change_end(&work->change, context);
	work->changing = false;
	if (work->change.error)
		way_note(&work->way, work->change.error, "logging %s: %s",
			 work->change.login ? "in" : "out", work->change.reason);
	return ENDED;
}

/* --- forth --- */

static enum outcome begin(struct isif_job *job, const struct job_context *context,
			  struct move *work)
{
	const struct isif_binding *from = old_row(job, context, work);
	const struct isif_binding *to = new_row(job, context, work);

	if (!to) {
		way_note(&work->way, ISIF_JOB_ERROR_CHANGED,
			 "the record of iface %s is gone: somebody removed it, or this job was "
			 "interrupted on its way back",
			 job->iface->text);
		return go_back(work);
	}
	/* What an interruption left logged out matters more than a probe. */
	if (to->sid || !from || !from->sid)
		return go_to(work, LOGGING_IN);
	job_step(job, "probing the new path: iface %s", job->iface->text);
	if (!path_probe_begin(&work->probe, context, job->iface, to->node)) {
		way_note(&work->way, work->probe.error, "%s", work->probe.reason);
		return go_back(work);
	}
	return go_to(work, PROBING);
}

static enum outcome probe(const struct isif_job *job, const struct job_context *context,
			  struct move *work, uint64_t deadline, unsigned *pause)
{
	enum outcome outcome = path_probe_step(&work->probe, job, context, deadline, pause);

	if (outcome != ENDED)
		return outcome;
	if (work->probe.error)
		way_note(&work->way, work->probe.error, "%s", work->probe.reason);
	return work->probe.error ? go_back(work) : go_to(work, LOGGING_IN);
}

static enum outcome log_in(struct isif_job *job, const struct job_context *context,
			   struct move *work, unsigned *pause)
{
	const struct isif_binding *to = new_row(job, context, work);

	if (!work->changing && !to)
		return go_to(work, BEGINNING);
	if (!work->changing)
		return begin_change(job, context, work, to, true);
	if (change(context, work, pause) == WAIT)
		return WAIT;
	job->progress = 50;
	return work->change.error ? go_back(work) : go_to(work, SEEING_DISKS);
}

static void disk_missed(const struct isif_job *job, const struct job_context *context,
			struct move *work, const struct session_disk *disk)
{
	char rescans[DISK_WAIT_TEXT_SIZE];

	disk_wait_say(&work->wait, rescans);
	way_note(&work->way, ISIF_JOB_ERROR_NOT_VERIFIED,
		 "disk %s is not seen over iface %s%s%s within %" PRIu32 " s%s", disk->wwid,
		 job->iface->text, *disk->map ? ", in map " : "", disk->map,
		 context->session_timeout / 1000, rescans);
}

static enum outcome see_disks(struct isif_job *job, const struct job_context *context,
			      struct move *work, unsigned *pause)
{
	const struct isif_binding *to = new_row(job, context, work);
	const struct isif_session *session =
		to ? snapshot_session_of(context->snapshot, to->index) : NULL;
	const struct session_disk *missing = NULL;
	enum outcome outcome = ENDED;

	if (!work->wait.until) {
		disk_wait_begin(&work->wait, context);
		job_step(job, "waiting for the same disks over iface %s", job->iface->text);
	}
	if (session)
		outcome = disk_wait_step(&work->wait, context, &work->plan.disks, session, &missing,
					 pause);
	if (outcome == GO_ON)
		job_step(job, "waiting for the same disks over iface %s, with a rescan",
			 job->iface->text);
	if (outcome != ENDED)
		return outcome;
	disk_wait_end(&work->wait, context);
	if (session && !missing)
		return go_to(work, LOGGING_OUT_OLD);
	if (session)
		disk_missed(job, context, work, missing);
	else
		way_note(&work->way, ISIF_JOB_ERROR_NOT_VERIFIED,
			 "the new session over iface %s is gone again", job->iface->text);
	return go_back(work);
}

static enum outcome log_out_old(struct isif_job *job, const struct job_context *context,
				struct move *work, unsigned *pause)
{
	const struct isif_binding *from = old_row(job, context, work);

	if (!work->changing && (!from || !from->sid))
		return go_to(work, REMOVING_OLD);
	if (!work->changing)
		return begin_change(job, context, work, from, false);
	if (change(context, work, pause) == WAIT)
		return WAIT;
	return work->change.error ? go_back(work) : go_to(work, REMOVING_OLD);
}

static enum outcome wait_again(struct move *work, uint64_t now, uint64_t patience, unsigned *pause)
{
	if (!work->until)
		work->until = now + patience;
	if (now >= work->until)
		return ENDED;
	*pause = AGAIN_MS;
	return WAIT;
}

/* Waits for what can be waited for; why the record is there still is in failure. */
static enum outcome remove_record(const struct job_context *context, struct move *work,
				  struct isif_node *node, unsigned *pause,
				  struct way_failure *failure)
{
	struct removal removal = { 0 };
	const char *why = isif_error_text(ISIF_NO_MEMORY);
	enum isif_error error = ISIF_NO_MEMORY;

	if (removal_add(&removal, node))
		error = removal_work(&removal, context, &why);
	if (!error && removal.stayed) {
		error = ISIF_CHANGED;
		why = "somebody has logged in with it meanwhile";
	} else if (removal_can_wait(error) &&
		   wait_again(work, context->now, PATIENCE_MS, pause) == WAIT) {
		removal_clear(&removal);
		return WAIT;
	}
	*failure = (struct way_failure){ 0 };
	if (error) {
		failure->error = error == ISIF_LOCKED	 ? ISIF_JOB_ERROR_LOCKED
				 : error == ISIF_CHANGED ? ISIF_JOB_ERROR_CHANGED
							 : ISIF_JOB_ERROR_DATABASE;
		snprintf(failure->text, sizeof(failure->text), "%s", why);
	}
	removal_clear(&removal);
	return ENDED;
}

static enum outcome remove_old(struct isif_job *job, const struct job_context *context,
			       struct move *work, unsigned *pause)
{
	const struct isif_binding *from = old_row(job, context, work);
	struct way_failure failure;

	if (!from)
		return go_to(work, SEEING_OLD_GONE);
	job_step(job, "removing the record of iface %s", job->from->text);
	if (remove_record(context, work, from->node, pause, &failure) == WAIT)
		return WAIT;
	return failure.error ? keeps_old_record(job, from->node, &failure)
			     : go_to(work, SEEING_OLD_GONE);
}

static enum outcome see_old_gone(struct isif_job *job, const struct job_context *context,
				 struct move *work, unsigned *pause)
{
	if (old_row(job, context, work) && wait_again(work, context->now, SEEING_MS, pause) == WAIT)
		return WAIT;
	return succeeded(job);
}

/* --- back --- */

static enum outcome log_in_old(struct isif_job *job, const struct job_context *context,
			       struct move *work, unsigned *pause)
{
	const struct isif_binding *from = old_row(job, context, work);

	if (!work->changing && !from) {
		way_note(&work->way, ISIF_JOB_ERROR_CHANGED,
			 "the record of iface %s was removed by somebody else, and that of iface "
			 "%s stays",
			 job->from->text, job->iface->text);
		return is_back(job, context, work, 0);
	}
	if (!work->changing && from->sid)
		return go_to(work, LOGGING_OUT);
	if (!work->changing)
		return begin_change(job, context, work, from, true);
	if (change(context, work, pause) == WAIT)
		return WAIT;
	return go_to(work, LOGGING_OUT);
}

static enum outcome log_out(struct isif_job *job, const struct job_context *context,
			    struct move *work, unsigned *pause)
{
	const struct isif_binding *to = new_row(job, context, work);

	if (!work->changing && (!to || !to->sid))
		return go_to(work, REMOVING);
	if (!work->changing)
		return begin_change(job, context, work, to, false);
	if (change(context, work, pause) == WAIT)
		return WAIT;
	/* With a session its record stays, and the binding its name. */
	return work->change.error ? is_back(job, context, work, to ? to->index : 0)
				  : go_to(work, REMOVING);
}

/* An interruption between the record and the state is made good by doing it once more. */
static enum outcome take_name_back(struct isif_job *job, const struct job_context *context,
				   struct move *work)
{
	const struct isif_node key = key_on(job, work, job->iface);
	const struct isif_node old_key = key_on(job, work, job->from);
	struct binding_memory *memory = state_find_binding(context->state, &key);
	struct binding_memory *left = state_find_binding(context->state, &old_key);

	if (!memory || !left)
		return is_back(job, context, work, 0);
	state_move_back(context->state, memory, left);
	state_save(context->state);
	return is_back(job, context, work, memory->index);
}

static enum outcome remove_new(struct isif_job *job, const struct job_context *context,
			       struct move *work, unsigned *pause)
{
	const struct isif_binding *to = new_row(job, context, work);
	struct way_failure failure;

	if (!to)
		return take_name_back(job, context, work);
	job_step(job, "putting everything back: removing the record of iface %s", job->iface->text);
	if (remove_record(context, work, to->node, pause, &failure) == WAIT)
		return WAIT;
	if (!failure.error)
		return take_name_back(job, context, work);
	way_note(&work->way, failure.error, "removing the record of iface %s: %s", job->iface->text,
		 failure.text);
	return is_back(job, context, work, to->index);
}

/* --- the kind --- */

static enum outcome take_step(struct isif_job *job, const struct job_context *context,
			      struct move *work, uint64_t deadline, unsigned *pause)
{
	switch (work->stage) {
	case BEGINNING:
		return begin(job, context, work);
	case PROBING:
		return probe(job, context, work, deadline, pause);
	case LOGGING_IN:
		return log_in(job, context, work, pause);
	case SEEING_DISKS:
		return see_disks(job, context, work, pause);
	case LOGGING_OUT_OLD:
		return log_out_old(job, context, work, pause);
	case REMOVING_OLD:
		return remove_old(job, context, work, pause);
	case SEEING_OLD_GONE:
		return see_old_gone(job, context, work, pause);
	case LOGGING_IN_OLD:
		return log_in_old(job, context, work, pause);
	case LOGGING_OUT:
		return log_out(job, context, work, pause);
	default:
		return remove_new(job, context, work, pause);
	}
}

/* Until the old session goes, a cancel can be obeyed whenever nothing is under way. */
static enum outcome step(struct isif_job *job, const struct job_context *context, void *own,
			 uint64_t deadline, unsigned *pause)
{
	struct move *work = own;

	if (job->control == ISIF_JOB_CANCEL && !work->way.back && !work->changing &&
	    work->stage != PROBING && work->stage <= LOGGING_OUT_OLD) {
		disk_wait_end(&work->wait, context);
		return go_back(work);
	}
	return take_step(job, context, work, deadline, pause);
}

static void end(const struct job_context *context, void *own)
{
	struct move *work = own;

	path_probe_end(&work->probe, context);
	disk_wait_end(&work->wait, context);
	if (work->changing)
		session_change_end(&work->change, context);
	move_plan_clear(&work->plan);
	free(work);
}

static bool start(struct isif_job *job, const struct job_context *context, void **own)
{
	struct move *work = calloc(1, sizeof(*work));

	if (work && job->plan && move_plan_read(&work->plan, job->plan)) {
		*own = work;
		return true;
	}
	if (work)
		end(context, work);
	job_fail(job, ISIF_JOB_ERROR_DATABASE,
		 "its plan in the state directory is damaged: see by hand to the sessions of "
		 "ifaces %s and %s, and to both records",
		 job->from->text, job->iface->text);
	return false;
}

static int descriptor(const struct job_context *context, void *own)
{
	const struct move *work = own;

	if (work->stage == PROBING)
		return path_probe_descriptor(&work->probe, context);
	if (work->stage == SEEING_DISKS)
		return disk_wait_descriptor(&work->wait, context);
	return work->changing ? session_change_descriptor(&work->change, context) : -1;
}

const struct job_kind job_move = {
	.name = "rebind",
	.lane = JOB_LANE_SESSIONS,
	.start = start,
	.step = step,
	.descriptor = descriptor,
	.end = end,
};
