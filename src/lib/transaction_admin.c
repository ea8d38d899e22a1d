/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The wanted state of bindings: it is kept with the other state, and a job makes it true. Both are
 * on disk when the transaction is committed.
 */
#include "transaction.h"

#include <string.h>

/* True if nothing is to be done: it is wanted already, and it is so. */
static bool is_so(const struct isif_binding *row, enum isif_admin_status wanted)
{
	if (row->admin_status != wanted)
		return false;
	return wanted == ISIF_ADMIN_LOGGED_IN ? row->oper_status == ISIF_OPER_LOGGED_IN : !row->sid;
}

void transaction_resolve_admin(struct isif_transaction *transaction, struct binding_change *change)
{
	enum isif_admin_status wanted;
	struct state_step *step;

	if (!change->admin)
		return;
	wanted = (enum isif_admin_status)change->admin->number;
	/* A new record has no session. */
	if (change->row ? is_so(change->row, wanted) : wanted == ISIF_ADMIN_LOGGED_OUT)
		return;
	if (!transaction->policy.sessions) {
		transaction_refuse(transaction, ISIF_REFUSED_STATE, change->admin,
				   "control mode records logs nobody in or out");
		return;
	}
	change->session_job = wanted == ISIF_ADMIN_LOGGED_IN ? ISIF_JOB_LOGIN : ISIF_JOB_LOGOUT;
	transaction->implied_jobs++;
	if (!change->row)
		return; /* its claim has the wanted state in it */
	step = transaction_add_step(transaction);
	if (step)
		*step = (struct state_step){ .kind = STATE_STEP_ADMIN,
					     .index = change->index,
					     .number = (uint32_t)wanted };
}

static bool add_job(struct isif_transaction *transaction, const struct binding_change *change,
		    struct job_runner *runner)
{
	const struct isif_node *node = change->row ? change->row->node : NULL;
	const char *iface = change->iface_name, *target = change->target_name;
	const char *address = change->address_text;
	struct isif_job job = { .index = job_implied_index(runner),
				.kind = change->session_job,
				.port = change->port_number };

	if (node) {
		iface = change->moves ? change->iface_name : node->iface->text;
		target = node->target->text;
		address = node->address->text;
		job.port = node->port;
	}
	job.iface = isif_name_get(transaction->names, iface, strlen(iface));
	job.target = isif_name_get(transaction->names, target, strlen(target));
	job.address = isif_name_get(transaction->names, address, strlen(address));
	return transaction_add_job(runner, &job);
}

bool transaction_add_session_jobs(struct isif_transaction *transaction, struct job_runner *runner)
{
	for (size_t i = 0; i < transaction->binding_count; i++)
		if (transaction->bindings[i].session_job &&
		    !add_job(transaction, &transaction->bindings[i], runner))
			return false;
	return true;
}
