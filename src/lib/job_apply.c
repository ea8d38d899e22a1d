/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writes the network settings of an offload iface's record into its port, all in one message,
 * because an adapter may restart for each; then reads back what the port has, and believes only
 * that: drivers say yes to what they ignore. The adapter's sessions may drop meanwhile, so that the
 * guard decides whether it may be asked.
 */
#include "job.h"

#include "cleanup.h"
#include "guard_group.h"
#include "port_message.h"
#include "session_change.h"
#include "snapshot_find.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#define ANSWER_MS 40000 /* an adapter that restarts: qla4xxx waits 30 s for it */
#define BUSY_MS	  500	/* until a job that changes sessions is looked for again */
#define AGAIN_MS  250	/* until the port is read again */
#define SHOWN_MS  5000	/* by then it shows what it has taken */
#define WHY_SIZE  (2 * ISIF_JOB_TEXT_SIZE)

enum stage { BEGINNING, QUEUEING, GUARDING, SENDING, ASKING, READING };

struct applying {
	enum stage stage;
	struct isif_record *record; /* held: the plan and these point into it */
	const char *transport, *hwaddress;
	struct port_plan plan;
	uint32_t host;
	bool by_host; /* the host itself has the address, and no object */
	bool guarded; /* the adapter has sessions */
	struct guard_group group;
	unsigned number; /* of the request */
	bool reading;	 /* the port is being read anew */
	uint32_t before; /* readings before that one */
	uint64_t give_up;
	int32_t error; /* of the answer */
	char why[ISIF_JOB_TEXT_SIZE];
};

/* --- the port --- */

/* The object of the plan; if there is none, any of the adapter, or the adapter itself. */
static const struct isif_kernel_port *find_port(const struct isif_snapshot *snapshot,
						const struct applying *work, bool *exact)
{
	const int family = work->by_host			   ? AF_UNSPEC
			   : work->plan.family == ISIF_FAMILY_IPV6 ? AF_INET6
								   : AF_INET;
	const struct isif_kernel_port *other = NULL;

	*exact = false;
	for (uint32_t i = 0; i < snapshot->port_count; i++) {
		const struct isif_kernel_port *port = snapshot->ports[i]->kernel;

		if (strcmp(port->transport, work->transport) != 0 ||
		    strcasecmp(port->hwaddress, work->hwaddress) != 0)
			continue;
		*exact = port->family == family &&
			 (work->by_host || port->number == work->plan.number);
		if (*exact)
			return port;
		other = port;
	}
	return other;
}

/* What the port has otherwise than it shall, as far as that fits; *unseen counts what it hides. */
static size_t compare(const struct applying *work, const struct isif_kernel_port *port, char *text,
		      size_t size, size_t *unseen)
{
	size_t differing = 0, used = 0;

	*unseen = 0;
	*text = '\0';
	for (size_t i = 0; i < work->plan.count; i++) {
		const struct port_setting *wanted = &work->plan.settings[i];
		const char *shown;
		enum port_match match = port_plan_match(wanted, port, &shown);
		int length;

		*unseen += match == PORT_NOT_SHOWN;
		if (match != PORT_DIFFERS)
			continue;
		length = snprintf(text + used, size - used, "%s%s is %s, not %s",
				  differing++ ? "; " : "", wanted->setting->name, shown,
				  wanted->value);
		used += length > 0 && (size_t)length < size - used ? (size_t)length : 0;
	}
	return differing;
}

/* --- its ends --- */

static enum outcome succeed(struct isif_job *job, const struct applying *work,
			    const struct isif_kernel_port *port, size_t unseen)
{
	const char *name = *port->name ? port->name : "the adapter";

	job->progress = 100;
	job->results = (uint32_t)(work->plan.count - unseen);
	job->state = ISIF_JOB_SUCCEEDED;
	job_step(job, "%s of host %u: %zu settings verified", name, work->host,
		 work->plan.count - unseen);
	if (unseen)
		job_step(job, "%s of host %u: %zu settings verified, %zu sent, not verified", name,
			 work->host, work->plan.count - unseen, unseen);
	return ENDED;
}

/* An object that was switched off is gone, and that is all that can be seen of it. */
static enum outcome is_off(struct isif_job *job, const struct applying *work)
{
	job->progress = 100;
	job->results = 1;
	job->state = ISIF_JOB_SUCCEEDED;
	job_step(job, "the port of host %u is off", work->host);
	return ENDED;
}

/* The reason first, and then what the port has now. */
static enum outcome fail(struct isif_job *job, const struct applying *work, const char *differences)
{
	if (work->error)
		job_fail(job, (enum isif_job_error)work->error, "%s; %s", work->why,
			 *differences ? differences : "the port has all of it");
	else
		job_fail(job, ISIF_JOB_ERROR_NOT_VERIFIED, "the adapter said yes, but %s",
			 differences);
	return ENDED;
}

/* --- the steps --- */

static bool goes(const void *which, const struct isif_session *session)
{
	const struct applying *work = which;

	return session->kernel->host == work->host;
}

static bool has_sessions(const struct isif_snapshot *snapshot, const struct applying *work)
{
	for (uint32_t i = 0; i < snapshot->session_count; i++)
		if (goes(work, snapshot->sessions[i]))
			return true;
	return false;
}

static enum outcome begin(struct isif_job *job, const struct job_context *context,
			  struct applying *work, unsigned *pause)
{
	work->guarded = has_sessions(context->snapshot, work);
	if (!work->guarded) {
		work->stage = SENDING;
		return GO_ON;
	}
	/* Two jobs that each leave one path of a disk would leave none together. */
	if (job_changes_sessions(context->runner, job)) {
		job_step(job, "waiting for a job that changes sessions");
		*pause = BUSY_MS;
		return WAIT;
	}
	work->group = (struct guard_group){ .goes = goes, .which = work, .force = job->force };
	work->stage = GUARDING;
	return GO_ON;
}

static enum outcome guard(struct isif_job *job, const struct job_context *context,
			  struct applying *work, unsigned *pause)
{
	char why[ISIF_JOB_TEXT_SIZE];
	enum isif_error error = guard_group_work(&work->group, context, pause, why, sizeof(why));

	if (error == ISIF_INCOMPLETE)
		return WAIT;
	if (!error) {
		work->stage = SENDING;
		return GO_ON;
	}
	if (error == ISIF_IN_USE)
		job_fail(job, ISIF_JOB_ERROR_IN_USE, "the adapter may drop its sessions, and %s",
			 why);
	else
		job_fail(job, ISIF_JOB_ERROR_IN_USE, "who uses the disks cannot be found out: %s",
			 isif_error_text(error));
	return ENDED;
}

/* Who uses the disks may be another by then: the guard is asked anew. */
static enum outcome queue(const struct job_context *context, struct applying *work, unsigned *pause)
{
	struct pollfd turn = { .fd = context->gate->operations->port_descriptor(context->gate),
			       .events = POLLIN };

	if (poll(&turn, 1, 0) > 0) {
		work->stage = BEGINNING;
		return GO_ON;
	}
	*pause = UINT_MAX;
	return WAIT;
}

static enum outcome write_port(struct isif_job *job, const struct job_context *context,
			       struct applying *work, unsigned *pause)
{
	struct isif_port_parameter parameters[PORT_PLAN_SIZE];
	const struct isif_port_request request = {
		.verb = work->by_host ? ISIF_PORT_SET_ADDRESS : ISIF_PORT_SET,
		.iface = job->iface->text,
		.transport = work->transport,
		.host = work->host,
		.family = work->plan.family,
		.number = work->plan.number,
		.parameters = parameters,
		.count = port_encode(&work->plan, parameters),
		.address = port_plan_value(&work->plan, "ipaddress"),
		.timeout = ANSWER_MS,
		.force = job->force,
	};
	struct isif_privileged *gate = context->gate;
	enum isif_error error = gate->operations->port_begin(gate, &request, &work->number);

	/* The gate judged by the same look; another try needs another one. */
	guard_group_end(&work->group, context);
	if (error == ISIF_LIMIT || error == ISIF_NO_MEMORY) {
		work->stage = BEGINNING;
		*pause = BUSY_MS;
		return WAIT;
	}
	if (error == ISIF_LOCKED) {
		job_step(job, "waiting until another request to an adapter is answered");
		work->stage = QUEUEING;
		return GO_ON;
	}
	if (error == ISIF_IN_USE) {
		job_fail(job, ISIF_JOB_ERROR_IN_USE,
			 "the adapter may drop a session: its disks are in use, or it came while "
			 "others were looked at");
		return ENDED;
	}
	if (error) {
		job_fail(job, ISIF_JOB_ERROR_REFUSED, "host %u cannot be asked: %s", work->host,
			 error == ISIF_UNAVAILABLE ? "the sysfs that is read is not this host's"
						   : isif_error_text(error));
		return ENDED;
	}
	work->stage = ASKING;
	job->progress = 10;
	job_step(job, "writing %zu settings into the port of host %u", work->plan.count,
		 work->host);
	return GO_ON;
}

static void note_answer(struct applying *work, const struct isif_command_outcome *outcome)
{
	if (outcome->timed_out || outcome->code == ETIMEDOUT) {
		work->error = ISIF_JOB_ERROR_TIMEOUT;
		snprintf(work->why, sizeof(work->why), "the adapter did not answer within %d s",
			 ANSWER_MS / 1000);
	} else if (outcome->code) {
		work->error = ISIF_JOB_ERROR_REFUSED;
		snprintf(work->why, sizeof(work->why), "the adapter refused: %s (errno %d)",
			 strerror(outcome->code), outcome->code);
	}
}

static enum outcome await(struct isif_job *job, const struct job_context *context,
			  struct applying *work, unsigned *pause)
{
	struct isif_privileged *gate = context->gate;
	struct isif_command_outcome outcome = { .code = EIO };

	if (gate->operations->command_work(gate, work->number, &outcome) == ISIF_INCOMPLETE) {
		*pause = UINT_MAX;
		return WAIT;
	}
	note_answer(work, &outcome);
	gate->operations->command_end(gate, work->number);
	work->stage = READING;
	work->give_up = context->now + (work->error ? 0 : SHOWN_MS);
	job->progress = 80;
	job_step(job, "reading back what the port of host %u has", work->host);
	return GO_ON;
}

static bool is_switched_off(const struct applying *work)
{
	const char *state = port_plan_value(&work->plan, "state");

	return state && strcmp(state, "enable") != 0;
}

/* What was read before the adapter was asked proves nothing: each look is a new reading. */
static enum outcome read_back(struct isif_job *job, const struct job_context *context,
			      struct applying *work, unsigned *pause)
{
	const struct isif_kernel_port *port;
	char differences[WHY_SIZE] = "the port is not there";
	size_t unseen, differing = 1;
	bool exact;

	if (!work->reading) {
		work->reading = context->effects->ports = true;
		work->before = context->snapshot->summary.port_readings;
	}
	if (work->before == context->snapshot->summary.port_readings) {
		*pause = UINT_MAX;
		return WAIT;
	}
	work->reading = false;
	port = find_port(context->snapshot, work, &exact);
	if (port && !exact && is_switched_off(work) && !work->error)
		return is_off(job, work);
	if (exact)
		differing = compare(work, port, differences, sizeof(differences), &unseen);
	if (exact && !differing && !work->error)
		return succeed(job, work, port, unseen);
	if (context->now >= work->give_up)
		return fail(job, work, differences);
	*pause = AGAIN_MS;
	return WAIT;
}

static enum outcome step(struct isif_job *job, const struct job_context *context, void *own,
			 uint64_t deadline, unsigned *pause)
{
	struct applying *work = own;

	(void)deadline;
	/* What is on its way to the adapter cannot be called back. */
	if (job->control == ISIF_JOB_CANCEL && work->stage < ASKING) {
		job->state = ISIF_JOB_CANCELLED;
		job_step(job, "cancelled; the port is as it was");
		return ENDED;
	}
	switch (work->stage) {
	case BEGINNING:
		return begin(job, context, work, pause);
	case QUEUEING:
		return queue(context, work, pause);
	case GUARDING:
		return guard(job, context, work, pause);
	case SENDING:
		return write_port(job, context, work, pause);
	case ASKING:
		return await(job, context, work, pause);
	case READING:
		break;
	}
	return read_back(job, context, work, pause);
}

/* --- the kind --- */

static void free_work(struct applying *work)
{
	isif_record_release(work->record);
	free(work);
}
DEFINE_CLEANUP(struct applying, work, free_work);

static bool cannot(struct isif_job *job, enum isif_job_error error, const char *why)
{
	job_fail(job, error, "iface %s: %s", job->iface->text, why);
	return false;
}

static bool start(struct isif_job *job, const struct job_context *context, void **result)
{
	CLEANUP(cleanup_work) struct applying *work = calloc(1, sizeof(*work));
	const struct isif_iface *iface = snapshot_iface(context->snapshot, job->iface->text);
	const struct isif_kernel_port *port;
	bool exact;

	if (!work)
		return cannot(job, ISIF_JOB_ERROR_GENERIC, isif_error_text(ISIF_NO_MEMORY));
	if (!iface || !iface->record)
		return cannot(job, ISIF_JOB_ERROR_CHANGED, "its record is gone");
	if (port_plan_refusal(iface->transport))
		return cannot(job, ISIF_JOB_ERROR_REFUSED, port_plan_refusal(iface->transport));
	work->record = isif_record_hold(iface->record);
	port_plan_make(job->iface->text, work->record, &work->plan);
	work->transport = iface->transport;
	work->hwaddress = iface->hwaddress;
	work->by_host = port_plan_is_by_host(work->transport);
	port = find_port(context->snapshot, work, &exact);
	if (!port)
		return cannot(job, ISIF_JOB_ERROR_NO_DEVICE,
			      "no adapter has its transport and hardware address");
	work->host = port->host;
	if (!exact && !port_plan_value(&work->plan, "state"))
		return cannot(job, ISIF_JOB_ERROR_NO_DEVICE,
			      "its port is off, and the record does not say state = enable");
	if (!work->plan.count || (work->by_host && !port_plan_value(&work->plan, "ipaddress")))
		return cannot(job, ISIF_JOB_ERROR_NO_ADDRESS,
			      "its record sets nothing that its port could be told");
	*result = TAKE(work);
	return true;
}

static int descriptor(const struct job_context *context, void *own)
{
	const struct applying *work = own;

	if (work->stage == QUEUEING)
		return context->gate->operations->port_descriptor(context->gate);
	return work->stage == ASKING
		       ? context->gate->operations->command_descriptor(context->gate, work->number)
		       : -1;
}

static void end(const struct job_context *context, void *own)
{
	struct applying *work = own;

	guard_group_end(&work->group, context);
	if (work->stage == ASKING)
		context->gate->operations->command_end(context->gate, work->number);
	free_work(work);
}

static bool disrupts(const void *own)
{
	const struct applying *work = own;

	return work->guarded && work->stage >= GUARDING;
}

const struct job_kind job_apply = {
	.name = "apply",
	.lane = JOB_LANE_PORTS,
	.start = start,
	.step = step,
	.descriptor = descriptor,
	.end = end,
	.disrupts = disrupts,
};
