/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Has iscsiadm discover (SendTargets) and add what it finds. It ends with 0 also where it could not
 * add a record (usr/iscsiadm.c:exec_disc_op_on_recs), so what counts is what the snapshot has
 * afterwards: each portal that it names, bound to each iface that it should be bound to.
 *
 * A cancel does not kill it: a process that dies while it writes a record leaves half a record and
 * open-iscsi's lock, which nobody would ever release. It has a time limit; when it has ended, what
 * it added is removed again.
 *
 * After a restart the job begins anew: discovering twice adds nothing twice. But what the first try
 * added counts as old then.
 */
#include "job.h"

#include "cleanup.h"
#include "command.h"
#include "discovery.h"
#include "node.h"
#include "removal.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#define PORT	    3260
#define AGAIN_MS    500	  /* until something that was in the way is tried again */
#define SEEING_MS   10000 /* without any more of its records showing in the snapshot */
#define PATIENCE_MS 30000 /* for somebody else's lock, or a gate that cannot write yet */

struct work {
	enum { BEGINNING, ASKING, SEEING, TAKING_BACK } stage;
	struct discovery discovery;
	unsigned command;	/* 0: it does not run */
	bool killed;		/* before it came to its end */
	uint64_t waiting_since; /* for what is awaited now (monotonic ms); 0: for nothing */
	struct removal removal;
};

/* --- what is said --- */

static void fail_missing(struct isif_job *job, const struct discovery *discovery)
{
	const struct isif_name *iface;
	const struct found *found = discovery_missing(discovery, &iface);
	char portal[ISIF_ADDRESS_SIZE + 32];

	isif_portal_format(portal, sizeof(portal), found->address->text, found->port, found->tpgt);
	job_fail(job, ISIF_JOB_ERROR_NOT_VERIFIED,
		 "iscsiadm says that it found %s at %s, but no node record binds it to iface %s",
		 found->target->text, portal, iface->text);
}

static void fail_changed(struct isif_job *job, const struct isif_node *node)
{
	CLEANUP_FREE char *path = node_path(node);

	job_fail(job, ISIF_JOB_ERROR_CHANGED,
		 "node record %s does not say any more what it said before the discovery",
		 path ? path : node->target->text);
}

/* Everything that it named was looked for. */
static enum outcome verified(struct isif_job *job, const struct discovery *discovery)
{
	const struct isif_node *changed = discovery_changed(discovery);

	job_step(job, "targets found: %u, portals of them: %zu, bound now: %u, new: %u",
		 discovery_count_targets(discovery), discovery->found_count, job->results,
		 discovery_count_fresh(discovery));
	if (discovery->missing)
		fail_missing(job, discovery);
	else if (discovery->odd)
		job_fail(job, ISIF_JOB_ERROR_NOT_VERIFIED,
			 "lines of iscsiadm that name no target and portal that can be: %u, the "
			 "first \"%s\"; the target may be hostile",
			 discovery->odd, discovery->odd_line);
	else if (discovery->cut)
		job_fail(job, ISIF_JOB_ERROR_NOT_VERIFIED,
			 "iscsiadm found more than can be looked at");
	else if (changed)
		fail_changed(job, changed);
	if (job->state == ISIF_JOB_FAILED)
		return ENDED;
	job->state = ISIF_JOB_SUCCEEDED;
	job->progress = 100;
	return ENDED;
}

static enum outcome no_memory(struct isif_job *job)
{
	job_fail(job, ISIF_JOB_ERROR_GENERIC, "%s", isif_error_text(ISIF_NO_MEMORY));
	return ENDED;
}

/* --- the steps --- */

static bool waited_too_long(struct work *work, uint64_t now, uint64_t limit)
{
	if (!work->waiting_since)
		work->waiting_since = now;
	return now - work->waiting_since >= limit;
}

/* As a SET does: before anything writes there is a copy of the database. */
static enum isif_error has_backup(const struct job_context *context)
{
	const char *where;

	return context->gate->operations->backup(context->gate, &where);
}

static uint16_t port_of(const struct isif_job *job)
{
	return job->port ? job->port : PORT;
}

static enum outcome ask(struct isif_job *job, const struct job_context *context, struct work *work,
			unsigned *pause)
{
	const struct isif_command command = {
		.verb = ISIF_VERB_DISCOVER,
		.address = job->address->text,
		.iface = job->iface->text,
		.port = port_of(job),
		.tpgt = -1,
		.timeout = context->iscsiadm_timeout,
	};
	struct isif_privileged *gate = context->gate;
	enum isif_error error = has_backup(context);

	if (!error)
		error = gate->operations->command_begin(gate, &command, &work->command);
	if (!error) {
		char portal[ISIF_ADDRESS_SIZE + 16];

		isif_portal_format(portal, sizeof(portal), command.address, command.port, -1);
		*strrchr(portal, ',') = '\0';
		job_step(job, "asking %s for its targets", portal);
		work->stage = ASKING;
		work->waiting_since = 0;
		return GO_ON;
	}
	if ((error == ISIF_INCOMPLETE || error == ISIF_LIMIT) &&
	    !waited_too_long(work, context->now, PATIENCE_MS)) {
		*pause = AGAIN_MS;
		return WAIT;
	}
	job_fail(job, ISIF_JOB_ERROR_GENERIC, "cannot run iscsiadm: %s",
		 error == ISIF_NOT_FOUND ? "it is not installed (option -A names it)"
					 : isif_error_text(error));
	return ENDED;
}

/* It ended badly: nothing that it says is believed, and nobody knows what it added. */
static enum outcome refused(struct isif_job *job, const struct job_context *context,
			    const struct isif_command_outcome *outcome)
{
	char said[192];

	command_said(outcome, said, sizeof(said));
	if (outcome->timed_out)
		job_fail(job, ISIF_JOB_ERROR_TIMEOUT,
			 "iscsiadm did not end within %u seconds (iscsiadmTimeout)",
			 context->iscsiadm_timeout / 1000);
	else if (outcome->code < 0)
		job_fail(job, ISIF_JOB_ERROR_GENERIC, "somebody killed iscsiadm");
	else
		job_fail(job, (enum isif_job_error)outcome->code, "discovery: %s%s%s%s",
			 command_code_text(outcome->code), *said ? " (" : "", said,
			 *said ? ")" : "");
	job_step(job, "the discovery did not come to its end");
	return ENDED;
}

static enum outcome hear(struct isif_job *job, const struct job_context *context, struct work *work,
			 unsigned *pause)
{
	struct isif_privileged *gate = context->gate;
	struct isif_command_outcome outcome = { 0 };
	enum isif_error error = gate->operations->command_work(gate, work->command, &outcome);
	enum outcome next = GO_ON;

	if (error == ISIF_INCOMPLETE) {
		if (job->control == ISIF_JOB_CANCEL)
			job_step(job, "cancelled: waiting for iscsiadm to end");
		*pause = UINT_MAX;
		return WAIT;
	}
	work->stage = SEEING;
	if (error) {
		job_fail(job, ISIF_JOB_ERROR_GENERIC, "iscsiadm: %s", isif_error_text(error));
		next = ENDED;
	} else if (!discovery_read(&work->discovery, &outcome)) {
		next = no_memory(job);
	} else if (outcome.code && job->control != ISIF_JOB_CANCEL) {
		next = refused(job, context, &outcome);
	}
	gate->operations->command_end(gate, work->command);
	work->command = 0;
	work->killed = outcome.code < 0;
	if (next == GO_ON)
		job_step(job, "looking for the records");
	return next;
}

/* What it added goes again. */
static enum outcome turn_back(struct isif_job *job, struct work *work)
{
	const struct isif_snapshot *seen = work->discovery.seen;

	for (uint32_t i = 0; i < seen->binding_count; i++)
		if (discovery_is_fresh(&work->discovery, seen->bindings[i]) &&
		    !removal_add(&work->removal, seen->bindings[i]->node))
			return no_memory(job);
	work->removal.careful = true;
	work->stage = TAKING_BACK;
	work->waiting_since = 0;
	return GO_ON;
}

/* Its records show in a snapshot when the monitor has read them. */
static enum outcome look(struct isif_job *job, const struct job_context *context, struct work *work,
			 unsigned *pause)
{
	struct discovery *discovery = &work->discovery;
	uint64_t missing = discovery->missing;

	if (discovery->seen != context->snapshot) {
		discovery_look(discovery, context->snapshot);
		job->results = (uint32_t)discovery->bound;
		if (discovery->missing != missing)
			work->waiting_since = 0;
	}
	if (discovery->missing && !waited_too_long(work, context->now, SEEING_MS)) {
		*pause = (unsigned)(work->waiting_since + SEEING_MS - context->now);
		return WAIT;
	}
	return job->control == ISIF_JOB_CANCEL ? turn_back(job, work) : verified(job, discovery);
}

static enum outcome cancelled(struct isif_job *job, const struct work *work)
{
	const struct removal *removal = &work->removal;

	if (removal->stayed)
		job_step(job,
			 "cancelled; records that it had added and removed again: %u; those that "
			 "changed or have a session since stay: %u",
			 removal->removed, removal->stayed);
	else if (removal->removed)
		job_step(job, "cancelled; records that it had added and removed again: %u",
			 removal->removed);
	else
		job_step(job, work->killed ? "cancelled; iscsiadm was killed, and what it may have "
					     "added stays"
					   : "cancelled; nothing had been added");
	job->results = 0;
	job->state = ISIF_JOB_CANCELLED;
	return ENDED;
}

static enum outcome take_back(struct isif_job *job, const struct job_context *context,
			      struct work *work, unsigned *pause)
{
	struct removal *removal = &work->removal;
	const char *why;
	enum isif_error error;

	if (removal_is_done(removal))
		return cancelled(job, work);
	error = removal_work(removal, context, &why);
	if (!error) {
		work->waiting_since = 0;
		return GO_ON;
	}
	if (removal_can_wait(error) && !waited_too_long(work, context->now, PATIENCE_MS)) {
		job_step(job, "cancelled: what it added is to be removed again, but %s", why);
		*pause = AGAIN_MS;
		return WAIT;
	}
	job_step(job, "cancelled; records that it had added: %zu, removed again: %u",
		 removal->count, removal->removed);
	job_fail(job, error == ISIF_LOCKED ? ISIF_JOB_ERROR_LOCKED : ISIF_JOB_ERROR_DATABASE,
		 "what it added cannot be removed again: %s", why);
	return ENDED;
}

/* --- the kind --- */

static void end(const struct job_context *context, void *own)
{
	struct work *work = own;

	if (work->command)
		context->gate->operations->command_end(context->gate, work->command);
	removal_clear(&work->removal);
	discovery_clear(&work->discovery);
	free(work);
}

static bool iface_is_there(const struct isif_snapshot *snapshot, const struct isif_name *name)
{
	for (uint32_t i = 0; i < snapshot->iface_count; i++)
		if (snapshot->ifaces[i]->name == name)
			return true;
	return false;
}

static bool start(struct isif_job *job, const struct job_context *context, void **own)
{
	struct work *work;

	if (job->iface->length && !iface_is_there(context->snapshot, job->iface)) {
		job_fail(job, ISIF_JOB_ERROR_CHANGED, "there is no iface %s any more",
			 job->iface->text);
		return false;
	}
	work = calloc(1, sizeof(*work));
	if (work) {
		if (discovery_start(&work->discovery, context->snapshot, job->iface)) {
			*own = work;
			return true;
		}
		end(context, work);
	}
	no_memory(job);
	return false;
}

static enum outcome step(struct isif_job *job, const struct job_context *context, void *own,
			 uint64_t deadline, unsigned *pause)
{
	struct work *work = own;

	(void)deadline;
	switch (work->stage) {
	case BEGINNING:
		return job->control == ISIF_JOB_CANCEL ? cancelled(job, work)
						       : ask(job, context, work, pause);
	case ASKING:
		return hear(job, context, work, pause);
	case SEEING:
		return look(job, context, work, pause);
	case TAKING_BACK:
		return take_back(job, context, work, pause);
	}
	return ENDED;
}

static int descriptor(const struct job_context *context, void *own)
{
	const struct work *work = own;

	return work->stage == ASKING
		       ? context->gate->operations->command_descriptor(context->gate, work->command)
		       : -1;
}

const struct job_kind job_discover = {
	.name = "discover",
	.lane = JOB_LANE_PROBES,
	.start = start,
	.step = step,
	.descriptor = descriptor,
	.end = end,
};
