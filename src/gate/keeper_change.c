/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Changes of records: a transaction, a batch, and the copy that is kept before either. */
#include "keeper.h"

#include "../lib/cleanup.h"
#include "../lib/clock.h"

#include <stdlib.h>

#define PATIENCE_MS  10000
#define UNDER_WAY_MS 60000 /* longer than any master waits for the answer to a SET */

/* --- a transaction --- */

enum isif_error keeper_begin(struct keeper *keeper)
{
	const char *why = NULL;
	unsigned patience = (unsigned)message_number_to(&keeper->request, PATIENCE_MS);
	enum isif_error error;

	if (!message_is_read(&keeper->request))
		return ISIF_INVALID;
	error = keeper->gate->operations->begin(keeper->gate, patience, &why);
	message_put_text(&keeper->answer, why);
	if (!error)
		keeper->transaction_until = clock_ms() + UNDER_WAY_MS;
	return error;
}

enum isif_error keeper_stage(struct keeper *keeper)
{
	const char *name = message_some_text(&keeper->request);
	size_t length;
	const char *text = message_octets(&keeper->request, &length);

	if (!message_is_read(&keeper->request))
		return ISIF_INVALID;
	keeper->object = name;
	return keeper->gate->operations->stage(keeper->gate, name, text, length);
}

enum isif_error keeper_commit(struct keeper *keeper)
{
	struct isif_edit_line *CLEANUP_FREE lines = NULL;
	size_t count, failed = 0;
	struct isif_edit *CLEANUP_FREE edits = protocol_edits(&keeper->request, &count, &lines);
	enum isif_error error;

	if (!edits || !keeper_edits_are_within(keeper, edits, count))
		return ISIF_INVALID;
	error = keeper->gate->operations->commit(keeper->gate, edits, count, &failed);
	if (failed < count)
		keeper->object = edits[failed].path;
	message_put_number(&keeper->answer, failed);
	return error;
}

enum isif_error keeper_undo(struct keeper *keeper)
{
	return keeper->gate->operations->undo(keeper->gate);
}

enum isif_error keeper_end(struct keeper *keeper)
{
	keeper->gate->operations->end(keeper->gate);
	keeper->transaction_until = 0;
	return ISIF_OK;
}

/* --- a batch --- */

void keeper_forget_batch(struct keeper *keeper)
{
	free(TAKE(keeper->batch));
	free(TAKE(keeper->batch_lines));
	message_free(&keeper->batch_texts);
	keeper->batch_count = 0;
	keeper->batch_until = 0;
}

static void put_outcomes(struct keeper *keeper)
{
	message_put_number(&keeper->answer, keeper->batch_count);
	for (size_t i = 0; i < keeper->batch_count; i++)
		message_put_number(&keeper->answer, keeper->batch[i].error);
}

/* Its texts stay where they are, in the question: the next one gets another buffer. */
enum isif_error keeper_batch_begin(struct keeper *keeper)
{
	const struct isif_privileged_operations *operations = keeper->gate->operations;
	const char *why = NULL;
	enum isif_error error;

	if (keeper->batch) {
		message_put_text(&keeper->answer, "other records are being written");
		return ISIF_UNAVAILABLE;
	}
	keeper->batch =
		protocol_edits(&keeper->request, &keeper->batch_count, &keeper->batch_lines);
	if (!keeper->batch ||
	    !keeper_edits_are_within(keeper, keeper->batch, keeper->batch_count)) {
		keeper_forget_batch(keeper);
		return ISIF_INVALID;
	}
	keeper->batch_texts = keeper->request;
	keeper->request = (struct message){ 0 };
	error = operations->batch_begin(keeper->gate, keeper->batch, keeper->batch_count, &why);
	message_put_text(&keeper->answer, why);
	if (error) {
		keeper_forget_batch(keeper);
		return error;
	}
	keeper->batch_until = clock_ms() + UNDER_WAY_MS;
	keeper->descriptor = operations->batch_descriptor(keeper->gate);
	return ISIF_OK;
}

enum isif_error keeper_batch_work(struct keeper *keeper)
{
	uint64_t deadline = keeper_deadline(keeper);
	unsigned pause = 0;
	enum isif_error error;

	if (!message_is_read(&keeper->request) || !keeper->batch)
		return ISIF_INVALID;
	keeper->batch_until = clock_ms() + UNDER_WAY_MS;
	error = keeper->gate->operations->batch_work(keeper->gate, deadline, &pause);
	message_put_number(&keeper->answer, pause);
	if (error != ISIF_INCOMPLETE && error != ISIF_LOCKED)
		keeper->batch_until = 0;
	if (!error)
		put_outcomes(keeper);
	return error;
}

enum isif_error keeper_batch_end(struct keeper *keeper)
{
	keeper->gate->operations->batch_end(keeper->gate);
	put_outcomes(keeper);
	keeper_forget_batch(keeper);
	return ISIF_OK;
}

enum isif_error keeper_backup(struct keeper *keeper)
{
	const struct isif_privileged_operations *operations = keeper->gate->operations;
	const char *where = NULL;
	enum isif_error error = operations->backup(keeper->gate, &where);

	message_put_text(&keeper->answer, error ? NULL : where);
	if (error == ISIF_INCOMPLETE)
		keeper->descriptor = operations->backup_descriptor(keeper->gate);
	return error;
}

/* --- what the other process does not go on with --- */

static void lower(int *timeout, uint64_t until)
{
	uint64_t now = clock_ms();
	int left = until <= now ? 0 : (int)(until - now);

	if (until && (*timeout < 0 || left < *timeout))
		*timeout = left;
}

int keeper_timeout(const struct keeper *keeper)
{
	int timeout = -1;

	lower(&timeout, keeper->transaction_until);
	lower(&timeout, keeper->batch_until);
	return timeout;
}

static bool is_over(uint64_t until)
{
	return until && clock_ms() >= until;
}

/* Both may hold open-iscsi's lock, without which nobody can log in. */
void keeper_check(struct keeper *keeper)
{
	if (!is_over(keeper->transaction_until) && !is_over(keeper->batch_until))
		return;
	isif_log_line(keeper->log, ISIF_LOG_ERROR,
		      "the unprivileged process has not gone on with a change of %s for %d s: it "
		      "is ended for it, so that open-iscsi's lock is free again",
		      keeper->gate->root, UNDER_WAY_MS / 1000);
	if (is_over(keeper->transaction_until))
		keeper_end(keeper);
	if (!is_over(keeper->batch_until))
		return;
	keeper->gate->operations->batch_end(keeper->gate);
	keeper_forget_batch(keeper);
}
