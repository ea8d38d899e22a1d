/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rebind_records.h"

#include "session_change.h"
#include "snapshot_find.h"
#include "words.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDS	    10	  /* so often a record is tried */
#define ROUND_MS    300	  /* this long after it was found half-written, or changed meanwhile */
#define AGAIN_MS    200	  /* this long after the gate could not write, or until one looks again */
#define PATIENCE_MS 60000 /* for somebody else's lock, the gate, or the snapshot */

/* --- what is said --- */

static void fail(struct rebind_writing *writing, int32_t error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
static void fail(struct rebind_writing *writing, int32_t error, const char *format, ...)
{
	va_list arguments;

	if (writing->error)
		return;
	writing->error = error;
	va_start(arguments, format);
	vsnprintf(writing->failure, sizeof(writing->failure), format, arguments);
	va_end(arguments);
	drop_cut_character(writing->failure);
}

static void give_up(struct rebind_writing *writing, struct rebind_record *record, int32_t error,
		    const char *why)
{
	record->stage = RECORD_OVER;
	fail(writing, error, "record %s %s", record->path, why);
}

/* --- one record --- */

void rebind_record_label(const struct isif_snapshot *snapshot, const struct rebind_record *record,
			 char label[REBIND_LABEL_SIZE])
{
	const struct isif_binding *row = snapshot_binding(snapshot, record->binding);

	if (row)
		session_change_label(row, label, REBIND_LABEL_SIZE);
	else
		snprintf(label, REBIND_LABEL_SIZE, "%s", record->path);
}

/* What the snapshot has of it; NULL: it is gone. */
static const struct isif_record *record_now(const struct isif_job *job,
					    const struct isif_snapshot *snapshot,
					    const struct rebind_record *record)
{
	const struct isif_binding *row;

	if (record->binding) {
		row = snapshot_binding(snapshot, record->binding);
		return row ? row->node->copy : NULL;
	}
	for (uint32_t i = 0; i < snapshot->iface_count; i++)
		if (snapshot->ifaces[i]->name == job->iface)
			return snapshot->ifaces[i]->record;
	return NULL;
}

static const char *value_now(const struct isif_record *now, const char *key)
{
	const char *value = isif_record_value(now, key);

	return value ? value : "";
}

bool rebind_record_says(const struct isif_job *job, const struct isif_snapshot *snapshot,
			const struct rebind_record *record, enum rebind_time time)
{
	const struct isif_record *now = record_now(job, snapshot, record);

	for (size_t i = 0; now && i < record->line_count; i++)
		if (!rebind_same_value(record->lines[i].key, value_now(now, record->lines[i].key),
				       record->lines[i].values[time]))
			return false;
	return now;
}

static bool is_known(const struct rebind_line *line, const char *value)
{
	for (int i = 0; i < REBIND_TIMES; i++)
		if (rebind_same_value(line->key, line->values[i], value))
			return true;
	return false;
}

/* The lines that are not yet as they should be; *count gets how many. NULL: no memory. */
static struct isif_edit_line *lines_of(const struct rebind_record *record, enum rebind_time time,
				       const struct isif_record *now, size_t *count, bool *known)
{
	struct isif_edit_line *lines = calloc(record->line_count + 1, sizeof(*lines));

	*count = 0;
	*known = true;
	for (size_t i = 0; lines && i < record->line_count; i++) {
		const struct rebind_line *line = &record->lines[i];
		const char *value = value_now(now, line->key);

		if (rebind_same_value(line->key, value, line->values[time]))
			continue;
		*known &= is_known(line, value);
		lines[(*count)++] = (struct isif_edit_line){ line->key, value, line->values[time] };
	}
	return lines;
}

static bool waited_too_long(struct rebind_writing *writing, uint64_t now)
{
	if (!writing->since)
		writing->since = now;
	return now - writing->since >= PATIENCE_MS;
}

/* Puts a record into the batch, if it differs; false without memory. */
static bool take_up(struct rebind_writing *writing, struct rebind_record *record,
		    const struct isif_record *now, uint64_t time)
{
	size_t count;
	bool known;
	struct isif_edit_line *lines = lines_of(record, writing->time, now, &count, &known);

	if (!lines)
		return false;
	if (count && known && record->stage == RECORD_OPEN && record->again <= time &&
	    writing->edit_count < ISIF_BATCH_SIZE) {
		writing->edited[writing->edit_count] = record;
		writing->edits[writing->edit_count++] = (struct isif_edit){
			.kind = ISIF_EDIT_LINES,
			.path = record->path,
			.lines = lines,
			.line_count = count,
		};
		return true;
	}
	free(lines);
	if (!count)
		record->stage = RECORD_OVER;
	else if (!known)
		give_up(writing, record, ISIF_JOB_ERROR_CHANGED,
			"was changed by somebody else meanwhile");
	return true;
}

/* --- the batch --- */

static void drop_batch(struct rebind_writing *writing)
{
	for (size_t i = 0; i < writing->edit_count; i++)
		free((void *)(uintptr_t)writing->edits[i].lines);
	writing->edit_count = 0;
	writing->batch = false;
}

static enum outcome over(struct rebind_writing *writing, int32_t error, const char *why)
{
	fail(writing, error, "the records cannot be written: %s", why);
	return ENDED;
}

static enum outcome begin_batch(struct rebind_writing *writing, const struct job_context *context,
				unsigned *pause)
{
	struct isif_privileged *gate = context->gate;
	const char *why = "";
	enum isif_error error =
		gate->operations->batch_begin(gate, writing->edits, writing->edit_count, &why);

	if (!error) {
		writing->batch = true;
		writing->since = 0;
		return GO_ON;
	}
	drop_batch(writing);
	*pause = AGAIN_MS;
	if ((error == ISIF_UNAVAILABLE || error == ISIF_NO_MEMORY) &&
	    !waited_too_long(writing, context->now))
		return WAIT;
	return over(writing, ISIF_JOB_ERROR_DATABASE, *why ? why : isif_error_text(error));
}

static void take_outcome(struct rebind_writing *writing, struct rebind_record *record,
			 enum isif_error error, uint64_t now)
{
	if (!error) {
		record->stage = RECORD_WRITTEN;
		return;
	}
	record->again = now + ROUND_MS;
	if (error != ISIF_CHANGED && error != ISIF_INCOMPLETE && error != ISIF_NO_MEMORY)
		give_up(writing, record, ISIF_JOB_ERROR_DATABASE, isif_error_text(error));
	else if (++record->rounds == ROUNDS)
		give_up(writing, record, ISIF_JOB_ERROR_CHANGED,
			"is changed by somebody else all the time");
}

static enum outcome go_on_with_batch(struct rebind_writing *writing, struct isif_job *job,
				     const struct job_context *context, uint64_t deadline,
				     unsigned *pause)
{
	struct isif_privileged *gate = context->gate;
	enum isif_error error = gate->operations->batch_work(gate, deadline, pause);

	if (error == ISIF_INCOMPLETE) {
		writing->since = 0;
		return WAIT;
	}
	if (error == ISIF_LOCKED && !waited_too_long(writing, context->now)) {
		job_step(job, "waiting for open-iscsi's lock, to write the records of iface %s",
			 job->iface->text);
		return WAIT;
	}
	for (size_t i = 0; i < writing->edit_count; i++)
		take_outcome(writing, writing->edited[i], writing->edits[i].error, context->now);
	rebind_writing_end(writing, context);
	if (!error)
		return GO_ON;
	return error == ISIF_LOCKED
		       ? over(writing, ISIF_JOB_ERROR_LOCKED,
			      "somebody else holds open-iscsi's lock")
		       : over(writing, ISIF_JOB_ERROR_DATABASE, isif_error_text(error));
}

/* What was written must show: the judgement of a session begins with its iface's record. */
static enum outcome next_batch(struct rebind_writing *writing, const struct isif_job *job,
			       struct rebind_plan *plan, const struct job_context *context,
			       unsigned *pause)
{
	size_t open = 0;

	*pause = AGAIN_MS;
	for (size_t i = 0; i < plan->count; i++) {
		struct rebind_record *record = &plan->records[i];
		const struct isif_record *now = record_now(job, context->snapshot, record);

		if (record->stage == RECORD_OVER)
			continue;
		if (!now)
			give_up(writing, record, ISIF_JOB_ERROR_CHANGED,
				"was removed by somebody else meanwhile");
		else if (!take_up(writing, record, now, context->now))
			return over(writing, ISIF_JOB_ERROR_GENERIC,
				    isif_error_text(ISIF_NO_MEMORY));
		open += record->stage != RECORD_OVER;
	}
	if (writing->edit_count)
		return begin_batch(writing, context, pause);
	if (!open)
		return ENDED;
	return waited_too_long(writing, context->now) ? over(writing, ISIF_JOB_ERROR_NOT_VERIFIED,
							     "what was written does not show")
						      : WAIT;
}

void rebind_writing_begin(struct rebind_writing *writing, struct rebind_plan *plan,
			  enum rebind_time time, enum rebind_which which, size_t at)
{
	*writing = (struct rebind_writing){ .time = time };
	for (size_t i = 0; i < plan->count; i++) {
		struct rebind_record *record = &plan->records[i];
		bool taken = which == REBIND_EVERY || (which == REBIND_ONE && i == at) ||
			     (which == REBIND_STAYING && !record->moves);

		record->stage = taken ? RECORD_OPEN : RECORD_OVER;
		record->rounds = 0;
		record->again = 0;
	}
}

bool rebind_writing_run(struct rebind_writing *writing, struct isif_job *job,
			struct rebind_plan *plan, const struct job_context *context,
			uint64_t deadline, unsigned *pause)
{
	enum outcome outcome;

	do
		outcome = writing->batch ? go_on_with_batch(writing, job, context, deadline, pause)
					 : next_batch(writing, job, plan, context, pause);
	while (outcome == GO_ON);
	return outcome == ENDED;
}

int rebind_writing_descriptor(const struct rebind_writing *writing,
			      const struct job_context *context)
{
	return writing->batch ? context->gate->operations->batch_descriptor(context->gate) : -1;
}

void rebind_writing_end(struct rebind_writing *writing, const struct job_context *context)
{
	if (writing->batch)
		context->gate->operations->batch_end(context->gate);
	drop_batch(writing);
}
