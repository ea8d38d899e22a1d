/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tries whether portals can be reached over an iface, one after the other: first a connection of
 * our own (probe.h), then a discovery by iscsiadm that stores nothing, which must list the targets
 * that are bound there. Over an offload iface the adapter itself pings. Changes nothing, so that it
 * can be cancelled at any time.
 */
#include "job.h"

#include "array.h"
#include "cleanup.h"
#include "command.h"
#include "discovery_output.h"
#include "probe.h"
#include "snapshot_find.h"

#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define DEFAULT_PORT 3260  /* RFC 7143, section 14 */
#define AGAIN_MS     1000  /* this long after the gate could run no more commands */
#define PING_MS	     35000 /* an adapter gives a ping up itself, iscsiadm waits 30 s for that */

struct portal {
	struct isif_name *address; /* held */
	uint16_t port;
};

struct probing {
	struct portal *portals; /* sorted, each once */
	size_t count, size;
	size_t at; /* the one that is tried */
	enum { AT_PORTAL, AT_CONNECTION, AT_DISCOVERY, AT_QUEUE, AT_PING } step;
	struct probe probe;
	unsigned command;
	size_t reachable;	    /* portals */
	enum isif_job_error failed; /* of the first one that failed, and why it did */
	char failure[PROBE_TEXT_SIZE];
};

/* --- which portals --- */

static int compare_portals(const void *a, const void *b)
{
	const struct portal *one = a, *other = b;
	int order = strcmp(one->address->text, other->address->text);

	return order ? order : one->port - other->port;
}

static bool add_portal(struct probing *work, struct isif_name *address, uint16_t port)
{
	if (!array_reserve(&work->portals, &work->size, work->count, sizeof(*work->portals)))
		return false;
	work->portals[work->count++] = (struct portal){ isif_name_hold(address), port };
	return true;
}

static void drop_doubles(struct probing *work)
{
	size_t kept = 0;

	if (work->count)
		qsort(work->portals, work->count, sizeof(*work->portals), compare_portals);
	for (size_t i = 0; i < work->count; i++) {
		if (kept && !compare_portals(&work->portals[kept - 1], &work->portals[i]))
			isif_name_release(work->portals[i].address);
		else
			work->portals[kept++] = work->portals[i];
	}
	work->count = kept;
}

/* Those of the bindings that the job is about; if there are none, the one that it names. */
static enum isif_error collect_portals(const struct isif_job *job,
				       const struct isif_snapshot *snapshot, struct probing *work)
{
	for (uint32_t i = 0; i < snapshot->binding_count; i++) {
		const struct isif_node *node = snapshot->bindings[i]->node;

		if (isif_job_concerns(job, node) && !add_portal(work, node->address, node->port))
			return ISIF_NO_MEMORY;
	}
	if (!work->count && job->address->length &&
	    !add_portal(work, job->address, job->port ? job->port : DEFAULT_PORT))
		return ISIF_NO_MEMORY;
	drop_doubles(work);
	return ISIF_OK;
}

/* --- what is said --- */

static void report(struct isif_job *job, const struct probing *work, const char *doing)
{
	job->progress = (uint32_t)(work->at * 100 / work->count);
	job_step(job, "portal %zu of %zu, %s: %s", work->at + 1, work->count, work->probe.portal,
		 doing);
}

/* The portal failed. The others are tried all the same; the first one's reason is told. */
static void give_up(struct probing *work, enum isif_job_error error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
static void give_up(struct probing *work, enum isif_job_error error, const char *format, ...)
{
	va_list arguments;

	if (work->failed)
		return;
	work->failed = error;
	va_start(arguments, format);
	vsnprintf(work->failure, sizeof(work->failure), format, arguments);
	va_end(arguments);
}

static void count_up(struct isif_job *job, const struct probing *work, const char *begin)
{
	job_step(job, "%s%zu of %zu portals can be reached over iface %s", begin, work->reachable,
		 work->count, job->iface->text);
}

static enum outcome done(struct isif_job *job, const struct probing *work)
{
	count_up(job, work, "");
	job->progress = 100;
	if (work->failed)
		job_fail(job, work->failed, "%s", work->failure);
	else
		job->state = ISIF_JOB_SUCCEEDED;
	return ENDED;
}

static enum outcome cancelled(struct isif_job *job, const struct probing *work)
{
	count_up(job, work, "cancelled; so far ");
	job->state = ISIF_JOB_CANCELLED;
	return ENDED;
}

/* --- what a discovery found --- */

/* A target's name in iscsiadm's output, which is borrowed. */
struct found {
	const char *name;
	size_t length;
};

struct finds {
	struct found *items; /* sorted */
	size_t count, size;
};

static int compare_finds(const void *a, const void *b)
{
	const struct found *one = a, *other = b;

	return isif_index_compare(one->name, one->length, other->name, other->length);
}

static bool read_finds(const struct isif_command_outcome *outcome, struct finds *finds)
{
	const char *at = outcome->output;
	struct discovery_line line;

	while (discovery_line_next(&at, outcome->output + outcome->length, &line)) {
		size_t length = strlen(line.target);

		if (line.kind != DISCOVERY_LINE_PORTAL)
			continue;
		if (!array_reserve(&finds->items, &finds->size, finds->count,
				   sizeof(*finds->items)))
			return false;
		finds->items[finds->count++] =
			(struct found){ line.text + line.length - length, length };
	}
	if (finds->count)
		qsort(finds->items, finds->count, sizeof(*finds->items), compare_finds);
	return true;
}

static bool is_found(const struct finds *finds, const struct isif_name *target)
{
	const struct found wanted = { target->text, target->length };

	return finds->count &&
	       bsearch(&wanted, finds->items, finds->count, sizeof(wanted), compare_finds);
}

static bool judge_target(struct probing *work, const struct isif_command_outcome *outcome,
			 const struct finds *finds, const struct isif_name *target)
{
	if (is_found(finds, target))
		return true;
	if (outcome->cut)
		give_up(work, ISIF_JOB_ERROR_INCONCLUSIVE,
			"portal %s: the list of its targets is too long to find %s in it",
			work->probe.portal, target->text);
	else
		give_up(work, ISIF_JOB_ERROR_UNREACHABLE,
			"portal %s: it answers, but its discovery does not list target %s",
			work->probe.portal, target->text);
	return false;
}

static bool judge_any(struct probing *work, const struct finds *finds)
{
	if (!finds->count)
		give_up(work, ISIF_JOB_ERROR_INCONCLUSIVE,
			"portal %s: it answers, but its discovery lists no target",
			work->probe.portal);
	return finds->count;
}

/* True if it is a binding at the portal that is tried, and the job is about it. */
static bool is_asked(const struct isif_job *job, const struct probing *work,
		     const struct isif_node *node)
{
	const struct portal *portal = &work->portals[work->at];

	return node->address == portal->address && node->port == portal->port &&
	       isif_job_concerns(job, node);
}

/* Each binding's target must be listed; of a portal without bindings the job's own, or any. */
static void judge_finds(struct isif_job *job, const struct isif_snapshot *snapshot,
			struct probing *work, const struct isif_command_outcome *outcome,
			const struct finds *finds)
{
	uint32_t wanted = 0, listed = 0;

	for (uint32_t i = 0; i < snapshot->binding_count; i++) {
		const struct isif_node *node = snapshot->bindings[i]->node;

		if (!is_asked(job, work, node))
			continue;
		wanted++;
		listed += judge_target(work, outcome, finds, node->target);
	}
	if (!wanted) {
		wanted = 1;
		listed = job->target->length ? judge_target(work, outcome, finds, job->target)
					     : judge_any(work, finds);
	}
	job->results += listed;
	work->reachable += listed == wanted;
}

static void judge_outcome(struct isif_job *job, const struct job_context *context,
			  struct probing *work, const struct isif_command_outcome *outcome)
{
	struct finds finds = { 0 };
	char said[160];

	if (outcome->timed_out) {
		give_up(work, ISIF_JOB_ERROR_TIMEOUT,
			"portal %s: its discovery did not end within %" PRIu32
			" seconds (iscsiadmTimeout)",
			work->probe.portal, context->iscsiadm_timeout / 1000);
		return;
	}
	if (outcome->code) {
		command_said(outcome, said, sizeof(said));
		give_up(work,
			outcome->code > 0 ? (enum isif_job_error)outcome->code
					  : ISIF_JOB_ERROR_GENERIC,
			"portal %s: its discovery failed: %s (open-iscsi error %d)%s%s",
			work->probe.portal,
			outcome->code == 21 ? "it lists no target"
					    : command_code_text(outcome->code),
			outcome->code, *said ? ": " : "", said);
		return;
	}
	if (read_finds(outcome, &finds))
		judge_finds(job, context->snapshot, work, outcome, &finds);
	else
		give_up(work, ISIF_JOB_ERROR_INCONCLUSIVE, "portal %s: %s", work->probe.portal,
			isif_error_text(ISIF_NO_MEMORY));
	free(finds.items);
}

/* --- a ping by the adapter --- */

/* The port of the iface, if it can reach addresses of this kind. */
static const struct isif_kernel_port *
port_of(const struct isif_job *job, const struct isif_snapshot *snapshot, const char *address)
{
	struct isif_address parsed;

	isif_address_parse(address, &parsed);
	for (uint32_t i = 0; i < snapshot->port_count; i++) {
		const struct isif_kernel_port *port = snapshot->ports[i]->kernel;

		if (snapshot->ports[i]->iface == job->iface &&
		    ((port->family == AF_INET && parsed.type == ISIF_ADDRESS_IPV4) ||
		     (port->family == AF_INET6 && parsed.type == ISIF_ADDRESS_IPV6)))
			return port;
	}
	return NULL;
}

/* enum iscsi_ping_status_code */
static const char *ping_text(unsigned status)
{
	static const char *const texts[] = {
		"",
		"its firmware has pings switched off",
		"its own address is not valid",
		"its link-local address is not valid",
		"no answer",
		"the address cannot be reached",
		"the ping is too large",
		"ICMP reported an error",
		"it has too many pings to do",
		"nobody has that address (ARP)",
	};

	return status < sizeof(texts) / sizeof(*texts) ? texts[status] : "it failed";
}

static bool is_answered(struct probing *work, const struct isif_command_outcome *outcome)
{
	unsigned status = 0;

	if (outcome->code)
		give_up(work, ISIF_JOB_ERROR_INCONCLUSIVE, "portal %s: the adapter cannot ping: %s",
			work->probe.portal, strerror(outcome->code));
	else if (sscanf(outcome->output, "ping %u", &status) != 1)
		give_up(work, ISIF_JOB_ERROR_INCONCLUSIVE,
			"portal %s: the adapter did not say how its ping ended",
			work->probe.portal);
	else if (status)
		give_up(work, ISIF_JOB_ERROR_UNREACHABLE,
			"portal %s: the adapter's ping failed: %s", work->probe.portal,
			ping_text(status));
	else
		return true;
	return false;
}

/* What the adapter reaches, each binding at that portal can. */
static void judge_ping(struct isif_job *job, const struct isif_snapshot *snapshot,
		       struct probing *work, const struct isif_command_outcome *outcome)
{
	uint32_t bound = 0;

	if (!is_answered(work, outcome))
		return;
	for (uint32_t i = 0; i < snapshot->binding_count; i++)
		bound += is_asked(job, work, snapshot->bindings[i]->node);
	work->reachable++;
	job->results += bound ? bound : 1;
}

/* --- the steps --- */

static void next_portal(struct probing *work)
{
	work->step = AT_PORTAL;
	work->at++;
}

static enum outcome begin_portal(struct isif_job *job, const struct job_context *context,
				 struct probing *work)
{
	const struct portal *portal = &work->portals[work->at];
	const struct probe_question question = {
		.iface = snapshot_iface(context->snapshot, job->iface->text),
		.network = context->snapshot->network,
		.rtnetlink = context->rtnetlink,
		.address = portal->address->text,
		.port = portal->port,
		.patience = PROBE_PATIENCE,
	};

	if (!question.iface) {
		job_fail(job, ISIF_JOB_ERROR_CHANGED, "there is no iface %s any more",
			 job->iface->text);
		return ENDED;
	}
	probe_begin(&work->probe, &question, context->now);
	work->step = AT_CONNECTION;
	report(job, work, "a TCP connection");
	return GO_ON;
}

static enum outcome begin_discovery(struct isif_job *job, const struct job_context *context,
				    struct probing *work, unsigned *pause)
{
	struct isif_privileged *gate = context->gate;
	const struct portal *portal = &work->portals[work->at];
	const struct isif_command command = {
		.verb = ISIF_VERB_DISCOVER_DRY,
		.address = portal->address->text,
		.port = portal->port,
		.iface = job->iface->text,
		.tpgt = -1,
		.timeout = context->iscsiadm_timeout,
	};
	enum isif_error error = gate->operations->command_begin(gate, &command, &work->command);

	if (!error) {
		work->step = AT_DISCOVERY;
		report(job, work, "a discovery");
		return GO_ON;
	}
	if (error == ISIF_LIMIT || error == ISIF_NO_MEMORY) {
		*pause = AGAIN_MS;
		return WAIT;
	}
	give_up(work, ISIF_JOB_ERROR_INCONCLUSIVE, "portal %s: no discovery can be made: %s",
		work->probe.portal,
		error == ISIF_NOT_FOUND ? "there is no iscsiadm (option -A names it)"
					: isif_error_text(error));
	next_portal(work);
	return GO_ON;
}

static enum outcome begin_ping(struct isif_job *job, const struct job_context *context,
			       struct probing *work, unsigned *pause)
{
	const struct portal *portal = &work->portals[work->at];
	const struct isif_kernel_port *port =
		port_of(job, context->snapshot, portal->address->text);
	const struct isif_port_request request = {
		.verb = ISIF_PORT_PING,
		.transport = port ? port->transport : "",
		.host = port ? port->host : 0,
		.family = port && port->family == AF_INET6 ? ISIF_FAMILY_IPV6 : ISIF_FAMILY_IPV4,
		.number = port ? port->number : 0,
		.address = portal->address->text,
		.timeout = PING_MS,
	};
	struct isif_privileged *gate = context->gate;
	enum isif_error error = gate->operations->port_begin(gate, &request, &work->command);

	if (!error) {
		work->step = AT_PING;
		report(job, work, "the adapter's ping");
		return GO_ON;
	}
	if (error == ISIF_LOCKED) {
		work->step = AT_QUEUE;
		report(job, work, "waiting until another request to an adapter is answered");
		*pause = UINT_MAX;
		return WAIT;
	}
	if (error == ISIF_LIMIT || error == ISIF_NO_MEMORY) {
		work->step = AT_CONNECTION;
		*pause = AGAIN_MS;
		return WAIT;
	}
	/* No port that could: what was found out without one is all. */
	give_up(work, work->probe.error, "%s", work->probe.text);
	next_portal(work);
	return GO_ON;
}

static bool is_offload(const struct isif_job *job, const struct job_context *context)
{
	const struct isif_iface *iface = snapshot_iface(context->snapshot, job->iface->text);

	return iface && iface->kind == ISIF_KIND_OFFLOAD;
}

static enum outcome go_on_connecting(struct isif_job *job, const struct job_context *context,
				     struct probing *work, unsigned *pause)
{
	const struct probe *probe = &work->probe;

	if (!probe_work(&work->probe, context->now)) {
		*pause = (unsigned)(probe->deadline - context->now);
		return WAIT;
	}
	/* iscsiadm looks names up, and binds its connection to the same device. */
	if (!probe->error || probe->is_name)
		return begin_discovery(job, context, work, pause);
	if (is_offload(job, context))
		return begin_ping(job, context, work, pause);
	give_up(work, probe->error, "%s", probe->text);
	next_portal(work);
	return GO_ON;
}

/* The discovery, or the ping. */
static void end_command(const struct job_context *context, const struct probing *work)
{
	context->gate->operations->command_end(context->gate, work->command);
}

static enum outcome go_on_waiting(struct isif_job *job, const struct job_context *context,
				  struct probing *work, unsigned *pause)
{
	const bool ping = work->step == AT_PING;
	struct isif_privileged *gate = context->gate;
	struct isif_command_outcome outcome;
	enum isif_error error = gate->operations->command_work(gate, work->command, &outcome);

	if (error == ISIF_INCOMPLETE) {
		*pause = UINT_MAX;
		return WAIT;
	}
	if (error)
		give_up(work, ISIF_JOB_ERROR_INCONCLUSIVE, "portal %s: asking it: %s",
			work->probe.portal, isif_error_text(error));
	else if (ping)
		judge_ping(job, context->snapshot, work, &outcome);
	else
		judge_outcome(job, context, work, &outcome);
	end_command(context, work);
	next_portal(work);
	/* Another job that waits to ask an adapter comes before our next ping. */
	return ping ? WAIT : GO_ON;
}

static enum outcome step(struct isif_job *job, const struct job_context *context, void *own,
			 uint64_t deadline, unsigned *pause)
{
	struct probing *work = own;

	(void)deadline;
	if (job->control == ISIF_JOB_CANCEL)
		return cancelled(job, work);
	switch (work->step) {
	case AT_CONNECTION:
		return go_on_connecting(job, context, work, pause);
	case AT_DISCOVERY:
	case AT_PING:
		return go_on_waiting(job, context, work, pause);
	case AT_QUEUE:
		return begin_ping(job, context, work, pause);
	case AT_PORTAL:
		break;
	}
	if (work->at < work->count)
		return begin_portal(job, context, work);
	return done(job, work);
}

/* --- the kind --- */

static void free_work(struct probing *work)
{
	for (size_t i = 0; i < work->count; i++)
		isif_name_release(work->portals[i].address);
	free(work->portals);
	free(work);
}
DEFINE_CLEANUP(struct probing, work, free_work);

static bool start(struct isif_job *job, const struct job_context *context, void **result)
{
	CLEANUP(cleanup_work) struct probing *work = calloc(1, sizeof(*work));

	if (!work || collect_portals(job, context->snapshot, work)) {
		job_fail(job, ISIF_JOB_ERROR_GENERIC, "%s", isif_error_text(ISIF_NO_MEMORY));
		return false;
	}
	if (!work->count) {
		job_fail(job, ISIF_JOB_ERROR_CHANGED,
			 "iface %s has no such binding any more: name the address of a portal",
			 job->iface->text);
		return false;
	}
	*result = TAKE(work);
	return true;
}

static int descriptor(const struct job_context *context, void *own)
{
	const struct probing *work = own;

	switch (work->step) {
	case AT_CONNECTION:
		return probe_descriptor(&work->probe);
	case AT_DISCOVERY:
	case AT_PING:
		return context->gate->operations->command_descriptor(context->gate, work->command);
	case AT_QUEUE:
		return context->gate->operations->port_descriptor(context->gate);
	case AT_PORTAL:
		break;
	}
	return -1;
}

static void end(const struct job_context *context, void *own)
{
	struct probing *work = own;

	if (work->step == AT_CONNECTION)
		probe_end(&work->probe);
	if (work->step == AT_DISCOVERY || work->step == AT_PING)
		end_command(context, work);
	free_work(work);
}

const struct job_kind job_probe = {
	.name = "probe",
	.lane = JOB_LANE_PROBES,
	.start = start,
	.step = step,
	.descriptor = descriptor,
	.end = end,
};
