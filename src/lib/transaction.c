/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The phases of a transaction. The gate holds open-iscsi's lock from begin to end, so that what
 * was read again stays true for everybody who keeps the lock; iscsiadm writes iface records outside
 * of it (usr/iface.c:iface_conf_write), therefore the gate compares each line once more.
 */
#include "transaction.h"

#include "cleanup.h"
#include "database.h"
#include "monitor.h"
#include "node.h"
#include "state_file.h"

#include <stdio.h>
#include <string.h>

#define LOCK_PATIENCE 200 /* ms, of mib.md */

DEFINE_CLEANUP(struct isif_transaction, transaction, isif_transaction_end);

/* --- reading again --- */

/* True for the place of a record that goes away in the same transaction. */
static bool is_vacated(const struct isif_transaction *transaction, const char *path)
{
	for (size_t i = 0; i < transaction->edit_count; i++)
		if ((transaction->edits[i].kind == ISIF_EDIT_REMOVE ||
		     transaction->edits[i].kind == ISIF_EDIT_MOVE_NODE) &&
		    !strcmp(transaction->edits[i].path, path))
			return true;
	return false;
}

static bool read_again(struct isif_transaction *transaction, const struct expectation *expected)
{
	struct isif_privileged *gate = transaction->monitor->privileged;
	const char *text;
	size_t length;
	enum isif_error error = gate->operations->read_record(gate, expected->path, &text, &length);

	if (!expected->iface && !expected->node) {
		if (error == ISIF_NOT_FOUND || is_vacated(transaction, expected->path))
			return true;
		return transaction_refuse(transaction, ISIF_REFUSED_STATE, expected->wish,
					  "a file %s is there already", expected->path);
	}
	if (error == ISIF_NOT_FOUND)
		return transaction_refuse(transaction, ISIF_REFUSED_STATE, expected->wish,
					  "there is no file %s: its record gives itself another "
					  "name, or is gone",
					  expected->path);
	if (!error)
		error = expected->iface
				? iface_is_still(expected->iface, text, length)
				: node_is_still(expected->node, expected->path, text, length);
	if (!error)
		return true;
	return transaction_refuse(transaction, ISIF_REFUSED_BUSY, expected->wish, "record %s: %s",
				  expected->path, isif_error_text(error));
}

/* --- the phases --- */

static bool has_backup(struct isif_transaction *transaction)
{
	struct isif_privileged *gate = transaction->monitor->privileged;
	const char *where;
	enum isif_error error = gate->operations->backup(gate, &where);

	if (!error)
		return true;
	if (error == ISIF_INCOMPLETE)
		return transaction_refuse(transaction, ISIF_REFUSED_BUSY, NULL,
					  "the copy of the database that is kept before the first "
					  "change is being made: try again in a moment");
	return transaction_refuse(transaction, ISIF_REFUSED_BUSY, NULL,
				  "no copy of the database can be kept, and nothing is written "
				  "before there is one: %s",
				  isif_error_text(error));
}

static bool lock(struct isif_transaction *transaction)
{
	struct isif_privileged *gate = transaction->monitor->privileged;
	const char *why = NULL;
	enum isif_error error = gate->operations->begin(gate, LOCK_PATIENCE, &why);

	if (error)
		return transaction_refuse(transaction, ISIF_REFUSED_BUSY, NULL,
					  "the database cannot be changed now: %s",
					  why && *why ? why : isif_error_text(error));
	transaction->begun = true;
	for (size_t i = 0; i < transaction->expected_count; i++)
		read_again(transaction, &transaction->expected[i]);
	return !transaction->refused;
}

bool isif_transaction_begin(struct isif_monitor *monitor, const struct isif_policy *policy,
			    const struct isif_wish *wishes, size_t count,
			    struct isif_transaction **result, struct isif_refusal *refusal)
{
	CLEANUP(cleanup_transaction)
	struct isif_transaction *transaction = calloc(1, sizeof(*transaction));

	*refusal = (struct isif_refusal){ .kind = ISIF_REFUSED_BUSY, .text = "out of memory" };
	if (!transaction)
		return false;
	transaction->monitor = monitor;
	transaction->policy = *policy;
	transaction->snapshot = isif_snapshot_hold(monitor->snapshot);
	transaction->state = monitor->state;
	transaction->names = monitor->names;
	transaction->runner = monitor->jobs;
	transaction->notes = monitor->log;
	transaction->wishes = wishes;
	transaction->count = count;
	transaction->refusal = refusal;
	if (monitor->repair_due)
		return transaction_refuse(transaction, ISIF_REFUSED_BUSY, NULL,
					  "an earlier change could not be undone, and is tried to "
					  "be: try again in a moment");
	if (!transaction_resolve(transaction))
		return false;
	if (transaction->edit_count && (!has_backup(transaction) || !lock(transaction)))
		return false;
	*result = TAKE(transaction);
	return true;
}

static enum isif_refusal_kind refusal_of(enum isif_error error)
{
	switch (error) {
	case ISIF_UNDO_FAILED:
	case ISIF_UNAVAILABLE: /* the other side of the gate is gone: it may have happened */
		return ISIF_REFUSED_UNDO;
	case ISIF_CHANGED:
	case ISIF_INCOMPLETE:
	case ISIF_LOCKED:
	case ISIF_EXISTS:
	case ISIF_NOT_FOUND:
	case ISIF_NO_MEMORY:
		return ISIF_REFUSED_BUSY;
	default:
		return ISIF_REFUSED_FAILED;
	}
}

static bool refuse_error(struct isif_transaction *transaction, enum isif_error error,
			 const char *what)
{
	return transaction_refuse(transaction,
				  error == ISIF_NO_MEMORY ? ISIF_REFUSED_BUSY : ISIF_REFUSED_FAILED,
				  NULL, "writing %s: %s", what, isif_error_text(error));
}

static bool changes_jobs(const struct isif_transaction *transaction)
{
	return transaction->job_count || transaction->implied_jobs;
}

/* Indexes, what managers set, and jobs: in memory. */
static bool change_memory(struct isif_transaction *transaction)
{
	struct isif_monitor *monitor = transaction->monitor;

	if (transaction->step_count && !transaction_change_state(transaction, monitor->state))
		return refuse_error(transaction, ISIF_NO_MEMORY, "the state");
	if (changes_jobs(transaction) && !transaction_change_jobs(transaction, monitor->jobs))
		return refuse_error(transaction, ISIF_NO_MEMORY, "the list of jobs");
	return true;
}

/* Without records, each file is replaced by itself. */
static bool save_files(struct isif_transaction *transaction)
{
	struct isif_monitor *monitor = transaction->monitor;
	enum isif_error error = ISIF_OK;

	if (transaction->step_count)
		error = state_save(monitor->state);
	if (error)
		return refuse_error(transaction, error, "the state file");
	if (changes_jobs(transaction))
		error = job_save(monitor->jobs);
	return !error || refuse_error(transaction, error, "the list of jobs");
}

/* With records, they become true with them, or not at all. */
static bool stage_files(struct isif_transaction *transaction)
{
	struct isif_monitor *monitor = transaction->monitor;
	struct isif_privileged *gate = monitor->privileged;
	CLEANUP_FREE char *state = NULL;
	CLEANUP_FREE char *jobs = NULL;
	size_t length;
	enum isif_error error = ISIF_OK;

	if (transaction->step_count) {
		error = state_file_text(monitor->state, &state, &length);
		if (!error)
			error = gate->operations->stage(gate, STATE_FILE, state, length);
	}
	if (!error && changes_jobs(transaction)) {
		error = job_text(monitor->jobs, &jobs, &length);
		if (!error)
			error = gate->operations->stage(gate, JOB_FILE, jobs, length);
	}
	return !error || refuse_error(transaction, error, "the state directory");
}

static bool write_records(struct isif_transaction *transaction)
{
	struct isif_monitor *monitor = transaction->monitor;
	struct isif_privileged *gate = monitor->privileged;
	size_t failed = 0;
	enum isif_error error;

	if (!stage_files(transaction))
		return false;
	error = gate->operations->commit(gate, transaction->edits, transaction->edit_count,
					 &failed);
	if (!error) {
		if (transaction->step_count)
			state_saved(monitor->state);
		return true;
	}
	if (error == ISIF_UNDO_FAILED)
		monitor->repair_due = monitor_now() + MONITOR_REPAIR_MS;
	if (failed >= transaction->edit_count)
		failed = 0;
	return transaction_refuse(transaction, refusal_of(error), transaction->edit_wishes[failed],
				  "writing record %s: %s", transaction->edits[failed].path,
				  error == ISIF_UNAVAILABLE
					  ? "the privileged process is gone, and whether it was "
					    "written is not known"
					  : isif_error_text(error));
}

/* Takes back what is not in the records; the files follow, as well as they can. */
static void revert(struct isif_transaction *transaction)
{
	struct isif_monitor *monitor = transaction->monitor;

	if (changes_jobs(transaction)) {
		job_revert(monitor->jobs);
		job_save(monitor->jobs);
	}
	if (transaction->step_count) {
		transaction_revert_state(transaction, monitor->state);
		monitor_save(monitor);
	}
}

bool isif_transaction_commit(struct isif_transaction *transaction, struct isif_refusal *refusal)
{
	*refusal = (struct isif_refusal){ .kind = ISIF_REFUSED_FAILED };
	transaction->refusal = refusal;
	transaction->refused = false;
	transaction->committed =
		change_memory(transaction) &&
		(transaction->edit_count ? write_records(transaction) : save_files(transaction));
	if (!transaction->committed)
		revert(transaction);
	return transaction->committed;
}

bool isif_transaction_undo(struct isif_transaction *transaction, struct isif_refusal *refusal)
{
	struct isif_privileged *gate = transaction->monitor->privileged;
	enum isif_error error = ISIF_OK;

	*refusal = (struct isif_refusal){ .kind = ISIF_REFUSED_UNDO };
	if (!transaction->committed || transaction->undone)
		return true;
	transaction->undone = true;
	if (transaction->edit_count)
		error = gate->operations->undo(gate);
	revert(transaction);
	if (!error)
		return true;
	transaction->monitor->repair_due = monitor_now() + MONITOR_REPAIR_MS;
	snprintf(refusal->text, sizeof(refusal->text), "putting back the records: %s",
		 isif_error_text(error));
	return false;
}

/* --- what follows --- */

static bool is_first_tcp_iface(const struct isif_transaction *transaction)
{
	const struct isif_snapshot *snapshot = transaction->snapshot;

	for (uint32_t i = 0; i < snapshot->iface_count; i++)
		if (snapshot->ifaces[i]->kind == ISIF_KIND_SOFTWARE &&
		    !strcmp(snapshot->ifaces[i]->transport, "tcp"))
			return false;
	return true;
}

/* What open-iscsi will make of a change, and nobody would expect. */
static void remark(struct isif_transaction *transaction)
{
	bool told = !is_first_tcp_iface(transaction);

	for (size_t i = 0; i < transaction->iface_count; i++) {
		const struct iface_change *change = &transaction->ifaces[i];
		const char *transport =
			change->made ? isif_record_value(change->made, "iface.transport_name")
				     : NULL;

		if (change->action == ISIF_ROW_CREATE && !told && transport &&
		    !strcmp(transport, "tcp")) {
			told = true;
			isif_log_line(&transaction->notes, ISIF_LOG_NOTICE,
				      "iface %s is the first one of transport tcp: from now on a "
				      "discovery without -I binds what it finds to it, and no more "
				      "to default",
				      change->name);
		}
		if (change->action == ISIF_ROW_DESTROY && change->row &&
		    change->row->kind == ISIF_KIND_OFFLOAD)
			isif_log_line(&transaction->notes, ISIF_LOG_NOTICE,
				      "iface %s belongs to an offload port: open-iscsi makes it "
				      "anew when it next looks at the port",
				      change->name);
	}
}

static void publish(struct isif_transaction *transaction)
{
	struct isif_monitor *monitor = transaction->monitor;

	for (size_t i = 0; i < transaction->edit_count; i++) {
		database_reread(monitor->database, transaction->edits[i].path);
		if (transaction->edits[i].other)
			database_reread(monitor->database, transaction->edits[i].other);
	}
	monitor->config_changed |= transaction->edit_count > 0;
	monitor->dirty = true;
	if (monitor_build(monitor))
		isif_log_line(&monitor->log, ISIF_LOG_ERROR,
			      "out of memory: what was changed shows later");
}

void isif_transaction_end(struct isif_transaction *transaction)
{
	struct isif_privileged *gate;

	if (!transaction)
		return;
	gate = transaction->monitor->privileged;
	if (transaction->begun)
		gate->operations->end(gate);
	if (transaction->committed) {
		publish(transaction);
		if (!transaction->undone) {
			remark(transaction);
			job_keep(transaction->monitor->jobs);
		}
	}
	transaction_free_plan(transaction);
	isif_snapshot_release(transaction->snapshot);
	free(transaction);
}
