/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "transaction.h"

#include "cleanup.h"
#include "move_plan.h"
#include "port_plan.h"

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
	if (!transaction->policy.sessions && kind != ISIF_JOB_PROPAGATE && kind != ISIF_JOB_PROBE &&
	    kind != ISIF_JOB_DISCOVER)
		return transaction_refuse(transaction, ISIF_REFUSED_STATE, change->kind,
					  "control mode records starts no such job");
	return true;
}

static bool is_given(const struct isif_wish *wish)
{
	return wish && wish->length;
}

/* True if a job by target and portal is about that binding; iface "": whatever its iface. */
static bool is_about(const struct job_change *change, const char *address, const char *iface,
		     const struct isif_node *node)
{
	return (!*iface || !strcmp(iface, node->iface->text)) &&
	       (!is_given(change->target) || is_text(change->target, node->target->text)) &&
	       (!*address || isif_address_equal(address, node->address->text)) &&
	       (!change->port || !change->port->number || change->port->number == node->port);
}

/* The first binding that it is about, and that may be changed or not; NULL: there is none. */
static const struct isif_node *bound(struct isif_transaction *transaction,
				     const struct job_change *change, const char *address,
				     const char *iface, bool allowed)
{
	const struct isif_snapshot *snapshot = transaction->snapshot;

	for (uint32_t i = 0; i < snapshot->binding_count; i++) {
		const struct isif_node *node = snapshot->bindings[i]->node;

		if (is_about(change, address, iface, node) &&
		    transaction_allows(transaction, node->iface->text) == allowed)
			return node;
	}
	return NULL;
}

/* A discovery that names no iface binds to every tcp iface, else to the built-in one. */
static bool would_bind(const struct isif_transaction *transaction, const struct isif_iface *iface)
{
	const struct isif_snapshot *snapshot = transaction->snapshot;

	if (iface->record)
		return !strcmp(iface->transport, "tcp");
	for (uint32_t i = 0; i < snapshot->iface_count; i++)
		if (snapshot->ifaces[i]->record && !strcmp(snapshot->ifaces[i]->transport, "tcp"))
			return false;
	return !strcmp(iface->name->text, "default");
}

/* The first iface that it would bind to, and that may not be changed; NULL: there is none. */
static const struct isif_iface *forbidden(struct isif_transaction *transaction)
{
	const struct isif_snapshot *snapshot = transaction->snapshot;

	for (uint32_t i = 0; i < snapshot->iface_count; i++)
		if (would_bind(transaction, snapshot->ifaces[i]) &&
		    !transaction_allows(transaction, snapshot->ifaces[i]->name->text))
			return snapshot->ifaces[i];
	return NULL;
}

/* A job that names no iface is about several, and none of them may be out of bounds. */
static bool check_all_ifaces(struct isif_transaction *transaction, const struct job_change *change,
			     const char *address)
{
	const struct isif_wish *wish = change->iface ? change->iface : change->row_wish;
	const struct isif_name *out_of_bounds = NULL;

	if (change->kind->number == ISIF_JOB_UNBIND && (is_given(change->target) || *address)) {
		const struct isif_node *node = bound(transaction, change, address, "", false);

		out_of_bounds = node ? node->iface : NULL;
	} else if (change->kind->number == ISIF_JOB_DISCOVER) {
		const struct isif_iface *iface = forbidden(transaction);

		out_of_bounds = iface ? iface->name : NULL;
	} else {
		return transaction_refuse(transaction, ISIF_REFUSED_STATE, wish,
					  change->kind->number == ISIF_JOB_UNBIND
						  ? "an unbind needs an iface, a target or a portal"
						  : "such a job needs an iface");
	}
	if (out_of_bounds)
		return transaction_refuse(transaction, ISIF_REFUSED_ACCESS, wish,
					  "iface %s, one of those that it is about, is out of "
					  "bounds (allowIface, denyIface)",
					  out_of_bounds->text);
	return true;
}

static bool check_job_iface(struct isif_transaction *transaction, const struct job_change *change,
			    const char *address)
{
	const char *name;
	const struct iface_change *iface;

	if (!is_given(change->iface))
		return check_all_ifaces(transaction, change, address);
	name = transaction_octets(transaction, change->iface->text, change->iface->length);
	if (!name)
		return false;
	iface = transaction_iface(transaction, name);
	if (!transaction_allows(transaction, name))
		return transaction_refuse(transaction, ISIF_REFUSED_ACCESS, change->iface,
					  "iface %s is out of bounds (allowIface, denyIface)",
					  name);
	/* Bindings can outlive their iface's record. */
	if (change->kind->number == ISIF_JOB_UNBIND &&
	    bound(transaction, change, address, name, true))
		return true;
	if ((!transaction_iface_row(transaction, name) &&
	     !(iface && iface->action == ISIF_ROW_CREATE)) ||
	    (iface && iface->action == ISIF_ROW_DESTROY))
		return transaction_refuse(transaction, ISIF_REFUSED_STATE, change->iface,
					  "there is no iface %s", name);
	return true;
}

/* SendTargets could ask for one target (RFC 7143, appendix C); iscsiadm always asks for all. */
static bool check_discovery(struct isif_transaction *transaction, const struct job_change *change,
			    const char *address)
{
	if (!*address)
		return transaction_refuse(transaction, ISIF_REFUSED_STATE, change->row_wish,
					  "a discovery needs the address of a portal");
	if (is_given(change->target))
		return transaction_refuse(transaction, ISIF_REFUSED_STATE, change->target,
					  "a discovery binds every target that the portal names: "
					  "it takes no target");
	return true;
}

/* True if it is about a binding that the same transaction makes, or moves to its iface. */
static bool will_be_bound(const struct isif_transaction *transaction,
			  const struct job_change *change, const char *iface)
{
	for (size_t i = 0; i < transaction->binding_count; i++) {
		const struct binding_change *made = &transaction->bindings[i];
		const struct isif_node *node = made->moves ? made->row->node : NULL;
		const char *target = node ? node->target->text : made->target_name;
		uint16_t port = node ? node->port : made->port_number;

		if ((made->makes || made->moves) && !strcmp(made->iface_name, iface) &&
		    (!is_given(change->target) || is_text(change->target, target)) &&
		    (!change->port || !change->port->number || change->port->number == port))
			return true;
	}
	return false;
}

/* Whoever names no portal asks about those that are bound: there must be one. */
static bool check_probe(struct isif_transaction *transaction, const struct job_change *change,
			const char *address)
{
	const char *iface =
		transaction_octets(transaction, change->iface->text, change->iface->length);

	if (!iface || *address || bound(transaction, change, address, iface, true) ||
	    will_be_bound(transaction, change, iface))
		return iface;
	return transaction_refuse(transaction, ISIF_REFUSED_STATE, change->row_wish,
				  "iface %s has no such binding: a probe of a portal that is not "
				  "bound needs its address",
				  iface);
}

/* Of an iface that the same transaction makes, the job itself says so. */
static bool check_apply(struct isif_transaction *transaction, const struct job_change *change)
{
	const char *name =
		transaction_octets(transaction, change->iface->text, change->iface->length);
	const struct isif_iface *row = name ? transaction_iface_row(transaction, name) : NULL;
	const char *why = NULL;

	if (row)
		why = row->record ? port_plan_refusal(row->transport)
				  : "it is built in, and has no record";
	return !why || transaction_refuse(transaction, ISIF_REFUSED_STATE, change->iface,
					  "iface %s: %s", name, why);
}

static void create_job(struct isif_transaction *transaction, const struct job_change *change)
{
	const char *address = "";

	if (change->index >= ISIF_JOB_FIRST_IMPLIED) {
		transaction_refuse(transaction, ISIF_REFUSED_NAME, change->row_wish,
				   "managers choose indexes below %u", ISIF_JOB_FIRST_IMPLIED);
		return;
	}
	if (!check_kind(transaction, change))
		return;
	if ((change->type || change->address) &&
	    !transaction_address(transaction, change->type, change->address, "", true, &address))
		return;
	if (!check_job_iface(transaction, change, address))
		return;
	if (change->kind->number == ISIF_JOB_DISCOVER &&
	    !check_discovery(transaction, change, address))
		return;
	if (change->kind->number == ISIF_JOB_PROBE && !check_probe(transaction, change, address))
		return;
	if (change->kind->number == ISIF_JOB_APPLY && !check_apply(transaction, change))
		return;
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

static struct isif_name *name_of(struct isif_transaction *transaction, const struct isif_wish *wish)
{
	return isif_name_get(transaction->names, wish ? wish->text : "", wish ? wish->length : 0);
}

bool transaction_add_job(struct job_runner *runner, const struct isif_job *job)
{
	bool added = job->iface && job->target && job->address && !job_add(runner, job);

	isif_name_release(job->iface);
	isif_name_release(job->target);
	isif_name_release(job->address);
	isif_name_release(job->from);
	return added;
}

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

	if (change->type || change->address)
		transaction_address(transaction, change->type, change->address, "", true, &address);
	job.address = address ? isif_name_get(transaction->names, address, strlen(address)) : NULL;
	if (change->owner)
		snprintf(job.owner, sizeof(job.owner), "%.*s", (int)change->owner->length,
			 change->owner->text);
	return transaction_add_job(runner, &job);
}

static bool add_rebind(struct isif_transaction *transaction, const struct iface_change *change,
		       struct job_runner *runner)
{
	struct isif_job job = {
		.index = job_implied_index(runner),
		.kind = ISIF_JOB_REBIND,
		.iface = isif_name_get(transaction->names, change->name, strlen(change->name)),
		.target = name_of(transaction, NULL),
		.address = name_of(transaction, NULL),
		.plan = change->rebind_plan,
	};

	return transaction_add_job(runner, &job);
}

static bool add_move(struct isif_transaction *transaction, const struct binding_change *change,
		     struct job_runner *runner)
{
	const struct isif_node *node = change->row->node;
	CLEANUP_FREE char *plan = move_plan_of(transaction->snapshot, change->row);
	const struct isif_job job = {
		.index = job_implied_index(runner),
		.kind = ISIF_JOB_REBIND,
		.iface = isif_name_get(transaction->names, change->iface_name,
				       strlen(change->iface_name)),
		.from = isif_name_hold(node->iface),
		.target = isif_name_hold(node->target),
		.address = isif_name_hold(node->address),
		.port = node->port,
		.plan = plan,
	};

	return transaction_add_job(runner, &job) && plan;
}

static bool imply(struct isif_transaction *transaction, struct job_runner *runner,
		  enum isif_job_kind kind, const char *iface)
{
	const struct isif_job job = {
		.index = job_implied_index(runner),
		.kind = kind,
		.iface = isif_name_get(transaction->names, iface, strlen(iface)),
		.target = name_of(transaction, NULL),
		.address = name_of(transaction, NULL),
	};

	return transaction_add_job(runner, &job);
}

/* The copies in node records, and offload ports, follow the records. */
static bool imply_jobs(struct isif_transaction *transaction, struct job_runner *runner)
{
	for (size_t i = 0; i < transaction->implied_count; i++)
		if (!imply(transaction, runner, ISIF_JOB_PROPAGATE, transaction->implied[i]->text))
			return false;
	for (size_t i = 0; i < transaction->iface_count; i++)
		if (transaction->ifaces[i].applies &&
		    !imply(transaction, runner, ISIF_JOB_APPLY, transaction->ifaces[i].name))
			return false;
	return true;
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
	for (size_t i = 0; i < transaction->iface_count; i++)
		if (transaction->ifaces[i].rebind_plan &&
		    !add_rebind(transaction, &transaction->ifaces[i], runner))
			return false;
	for (size_t i = 0; i < transaction->binding_count; i++)
		if (transaction->bindings[i].moves_live &&
		    !add_move(transaction, &transaction->bindings[i], runner))
			return false;
	return transaction_add_session_jobs(transaction, runner) && imply_jobs(transaction, runner);
}
