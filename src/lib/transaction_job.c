/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "transaction.h"

#include <stdio.h>
#include <string.h>

/* --- a new job --- */

static bool is_text(const struct isif_wish *wish, const char *text)
{
	return wish->length == strlen(text) && !memcmp(wish->text, text, wish->length);
}

static bool check_kind(struct isif_transaction *transaction, const struct job_change *change)
{
	enum isif_job_kind kind;

	if (!change->kind)
		return transaction_refuse(transaction, ISIF_REFUSED_STATE, change->row_wish,
					  "a new job needs a kind");
	kind = (enum isif_job_kind)change->kind->number;
	if (!job_kind_is_known(kind))
		return transaction_refuse(transaction, ISIF_REFUSED_STATE, change->kind,
					  "this version has no job of kind %d", (int)kind);
	if (!transaction->policy.sessions && kind != ISIF_JOB_PROPAGATE && kind != ISIF_JOB_PROBE &&
	    kind != ISIF_JOB_DISCOVER)
		return transaction_refuse(transaction, ISIF_REFUSED_STATE, change->kind,
					  "control mode records starts no such job");
	return true;
}

static bool check_job_iface(struct isif_transaction *transaction, const struct job_change *change)
{
	const char *name;
	const struct iface_change *iface;

	if (!change->iface || !change->iface->length)
		return transaction_refuse(transaction, ISIF_REFUSED_STATE,
					  change->iface ? change->iface : change->row_wish,
					  "such a job needs an iface");
	name = transaction_octets(transaction, change->iface->text, change->iface->length);
	if (!name)
		return false;
	iface = transaction_iface(transaction, name);
	if (!transaction_allows(transaction, name))
		return transaction_refuse(transaction, ISIF_REFUSED_ACCESS, change->iface,
					  "iface %s is out of bounds (allowIface, denyIface)",
					  name);
	if ((!transaction_iface_row(transaction, name) &&
	     !(iface && iface->action == ISIF_ROW_CREATE)) ||
	    (iface && iface->action == ISIF_ROW_DESTROY))
		return transaction_refuse(transaction, ISIF_REFUSED_STATE, change->iface,
					  "there is no iface %s", name);
	return true;
}

static struct isif_name *name_of(struct isif_transaction *transaction, const struct isif_wish *wish)
{
	return isif_name_get(transaction->names, wish ? wish->text : "", wish ? wish->length : 0);
}

/* True for a binding that the same transaction makes, or moves to the job's iface. */
static bool will_concern(const struct isif_job *job, const struct binding_change *change)
{
	const struct isif_node *node = change->moves ? change->row->node : NULL;
	const char *target = node ? node->target->text : change->target_name;
	uint16_t port = node ? node->port : change->port_number;

	return (change->makes || change->moves) && !strcmp(change->iface_name, job->iface->text) &&
	       (!job->target->length || !strcmp(target, job->target->text)) &&
	       (!job->port || port == job->port);
}

static bool has_binding(const struct isif_transaction *transaction, const struct isif_job *job)
{
	const struct isif_snapshot *snapshot = transaction->snapshot;

	for (uint32_t i = 0; i < snapshot->binding_count; i++)
		if (isif_job_concerns(job, snapshot->bindings[i]->node))
			return true;
	for (size_t i = 0; i < transaction->binding_count; i++)
		if (will_concern(job, &transaction->bindings[i]))
			return true;
	return false;
}

/* Whoever names no portal asks about those that are bound: there must be one. */
static void check_portal(struct isif_transaction *transaction, const struct job_change *change)
{
	struct isif_job job = {
		.iface = name_of(transaction, change->iface),
		.target = name_of(transaction, change->target),
		.address = name_of(transaction, NULL),
		.port = change->port ? (uint16_t)change->port->number : 0,
	};

	if (!job.iface || !job.target || !job.address)
		transaction->no_memory = true;
	else if (!has_binding(transaction, &job))
		transaction_refuse(transaction, ISIF_REFUSED_STATE, change->row_wish,
				   "iface %s has no such binding: a probe of a portal that is not "
				   "bound needs its address",
				   job.iface->text);
	isif_name_release(job.iface);
	isif_name_release(job.target);
	isif_name_release(job.address);
}

static void create_job(struct isif_transaction *transaction, const struct job_change *change)
{
	const char *address;

	if (change->index >= ISIF_JOB_FIRST_IMPLIED) {
		transaction_refuse(transaction, ISIF_REFUSED_NAME, change->row_wish,
				   "managers choose indexes below %u", ISIF_JOB_FIRST_IMPLIED);
		return;
	}
	if (!check_kind(transaction, change) || !check_job_iface(transaction, change))
		return;
	if ((change->type || change->address) &&
	    !transaction_address(transaction, change->type, change->address, "", true, &address))
		return;
	if (change->kind->number == ISIF_JOB_PROBE && !(change->address && change->address->length))
		check_portal(transaction, change);
	if (change->control && change->control->number == ISIF_JOB_CANCEL)
		transaction_refuse(transaction, ISIF_REFUSED_STATE, change->control,
				   "a job cannot be cancelled before it is there");
}

/* --- a job that is there --- */

static void check_same(struct isif_transaction *transaction, const struct isif_wish *wish,
		       bool same)
{
	if (wish && !same)
		transaction_refuse(transaction, ISIF_REFUSED_STATE, wish,
				   "what job %u is for cannot be changed any more", wish->index);
}

static void check_job(struct isif_transaction *transaction, const struct job_change *change)
{
	const struct isif_job *job = change->row;
	const struct isif_wish *control = change->control;
	struct isif_address address;

	isif_address_parse(job->address->text, &address);
	check_same(transaction, change->kind,
		   change->kind && change->kind->number == (int64_t)job->kind);
	check_same(transaction, change->iface,
		   change->iface && is_text(change->iface, job->iface->text));
	check_same(transaction, change->target,
		   change->target && is_text(change->target, job->target->text));
	check_same(transaction, change->type,
		   change->type && change->type->number == (int64_t)address.type);
	check_same(transaction, change->address,
		   change->address && change->address->length == address.length &&
			   !memcmp(change->address->text, address.octets, address.length));
	check_same(transaction, change->port, change->port && change->port->number == job->port);
	check_same(transaction, change->force,
		   change->force && change->force->number == job->force);
	check_same(transaction, change->owner, change->owner && is_text(change->owner, job->owner));
	if (control && control->number == ISIF_JOB_CANCEL && !isif_job_is_open(job))
		transaction_refuse(transaction, ISIF_REFUSED_STATE, control,
				   "job %u has ended already", change->index);
	if (control && control->number == ISIF_JOB_RUN && job->control == ISIF_JOB_CANCEL &&
	    isif_job_is_open(job))
		transaction_refuse(transaction, ISIF_REFUSED_STATE, control,
				   "job %u is being cancelled", change->index);
}

static void refuse_companions(struct isif_transaction *transaction, const struct job_change *change,
			      enum isif_refusal_kind kind, const char *why)
{
	const struct isif_wish *wishes[] = { change->kind,  change->iface,   change->target,
					     change->type,  change->address, change->port,
					     change->force, change->owner,   change->control };

	for (size_t i = 0; i < sizeof(wishes) / sizeof(*wishes); i++)
		if (wishes[i])
			transaction_refuse(transaction, kind, wishes[i], "job %u %s", change->index,
					   why);
}

static void with_job(struct isif_transaction *transaction, const struct job_change *change)
{
	const char *iface = change->row->iface->text;

	if (*iface && !transaction_allows(transaction, iface)) {
		transaction_refuse(transaction, ISIF_REFUSED_ACCESS, change->first,
				   "iface %s is out of bounds (allowIface, denyIface)", iface);
		return;
	}
	switch (change->action) {
	case ISIF_ROW_CREATE:
		transaction_refuse(transaction, ISIF_REFUSED_STATE, change->row_wish,
				   "job %u exists already", change->index);
		break;
	case ISIF_ROW_DESTROY:
		refuse_companions(transaction, change, ISIF_REFUSED_STATE,
				  "is destroyed in the same SET");
		if (isif_job_is_open(change->row))
			transaction_refuse(transaction, ISIF_REFUSED_STATE, change->row_wish,
					   "job %u has not ended: cancel it first", change->index);
		break;
	default:
		check_job(transaction, change);
		break;
	}
}

static void without_job(struct isif_transaction *transaction, const struct job_change *change)
{
	if (change->action == ISIF_ROW_CREATE)
		create_job(transaction, change);
	else if (change->action == ISIF_ROW_ACTIVE)
		transaction_refuse(transaction, ISIF_REFUSED_STATE, change->row_wish,
				   "there is no job %u: create it with createAndGo", change->index);
	else
		refuse_companions(transaction, change, ISIF_REFUSED_NAME, "does not exist");
}

void transaction_resolve_jobs(struct isif_transaction *transaction)
{
	for (size_t i = 0; i < transaction->job_count; i++) {
		struct job_change *change = &transaction->jobs[i];

		change->row = job_find(transaction->runner, change->index);
		if (change->row)
			with_job(transaction, change);
		else
			without_job(transaction, change);
	}
}

/* --- into the runner --- */

static bool add_job(struct isif_transaction *transaction, const struct job_change *change,
		    struct job_runner *runner)
{
	const char *address = "";
	struct isif_job job = {
		.index = change->index,
		.kind = (enum isif_job_kind)change->kind->number,
		.iface = name_of(transaction, change->iface),
		.target = name_of(transaction, change->target),
		.port = change->port ? (uint16_t)change->port->number : 0,
		.force = change->force && change->force->number,
	};
	bool added;

	if (change->type || change->address)
		transaction_address(transaction, change->type, change->address, "", true, &address);
	job.address = address ? isif_name_get(transaction->names, address, strlen(address)) : NULL;
	if (change->owner)
		snprintf(job.owner, sizeof(job.owner), "%.*s", (int)change->owner->length,
			 change->owner->text);
	added = job.iface && job.target && job.address && !job_add(runner, &job);
	isif_name_release(job.iface);
	isif_name_release(job.target);
	isif_name_release(job.address);
	return added;
}

bool transaction_change_jobs(struct isif_transaction *transaction, struct job_runner *runner)
{
	for (size_t i = 0; i < transaction->job_count; i++) {
		const struct job_change *change = &transaction->jobs[i];

		if (change->row && change->action == ISIF_ROW_DESTROY)
			job_remove(runner, change->index);
		else if (change->row && change->control &&
			 change->control->number == ISIF_JOB_CANCEL)
			job_cancel(runner, change->index);
		else if (!change->row && change->action == ISIF_ROW_CREATE &&
			 !add_job(transaction, change, runner))
			return false;
	}
	return transaction_add_session_jobs(transaction, runner);
}

void transaction_imply_jobs(struct isif_transaction *transaction, struct job_runner *runner)
{
	struct isif_name *none = isif_name_get(transaction->names, "", 0);

	for (size_t i = 0; none && i < transaction->implied_count; i++)
		if (job_add(runner, &(struct isif_job){
					    .index = job_implied_index(runner),
					    .kind = ISIF_JOB_PROPAGATE,
					    .iface = transaction->implied[i],
					    .target = none,
					    .address = none,
				    }))
			isif_log_line(
				&transaction->notes, ISIF_LOG_ERROR,
				"out of memory: no job rewrites the copies of iface %s in its "
				"node records; start a propagate job",
				transaction->implied[i]->text);
	isif_name_release(none);
}
