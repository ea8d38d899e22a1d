/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is in the state directory, and the plans that jobs keep. An input is one such text; by its
 * first word it is known which, and what begins like none of them is tried as each. What is taken
 * is written again, and must then be taken again, and say the same.
 */
#include "fuzz.h"

#include "escape.h"
#include "event_log.h"
#include "fixture.h"
#include "gate.h"
#include "job_list.h"
#include "move_plan.h"
#include "rebind_plan.h"
#include "state_file.h"
#include "unbind_plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BOOT "this-boot"

static const struct isif_log *const nowhere = NULL;

static bool same_text(const struct fuzz_text *a, const struct fuzz_text *b)
{
	return a->length == b->length && !memcmp(a->octets, b->octets, a->length);
}

/* --- state --- */

static struct state *open_state(struct gate *gate, struct isif_names *names)
{
	struct state *state = NULL;

	MUST(state_open(&gate->gate, names, nowhere, &state) == ISIF_OK && state);
	MUST(state->next_binding && state->next_binding <= STATE_LAST_INDEX);
	MUST(state->next_target && state->next_target <= STATE_LAST_INDEX);
	return state;
}

static int compare_lines(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The lines in an order of their own: that of a hash table is none. */
static struct fuzz_text sorted_text(struct state *state)
{
	struct fuzz_text text, sorted = { 0 };
	FILE *file = open_memstream(&sorted.octets, &sorted.length);
	char **lines, *rest, *line;
	size_t count = 0;

	MUST(file && state_file_text(state, &text.octets, &text.length) == ISIF_OK);
	lines = calloc(text.length + 1, sizeof(*lines));
	MUST(lines);
	for (rest = text.octets; (line = strsep(&rest, "\n"));)
		lines[count++] = line;
	qsort(lines, count, sizeof(*lines), compare_lines);
	for (size_t i = 0; i < count; i++)
		fprintf(file, "%s\n", lines[i]);
	MUST(!fclose(file));
	free(lines);
	fuzz_free(&text);
	return sorted;
}

/* What was written into the file is read back. */
static void check_state_again(struct gate *gate, struct isif_names *names,
			      const struct fuzz_text *before)
{
	const struct fuzz_text file = *gate_file(gate, STATE_FILE);
	struct gate fresh = gate_new();
	struct fuzz_text after;
	struct state *state;

	gate_put(&fresh, STATE_FILE, file.octets, file.length);
	state = open_state(&fresh, names);
	after = sorted_text(state);
	MUST(!gate_file(&fresh, "statebad") && same_text(before, &after));
	fuzz_free(&after);
	state_close(state);
	gate_clear(&fresh);
}

/* Every line once more behind the others: each takes the place of the one before. */
static void check_appended(struct gate *gate, struct isif_names *names, struct state *state,
			   const struct fuzz_text *text)
{
	for (size_t i = 0; i < state->bindings.size; i++)
		if (state->bindings.slots[i].item)
			state_touch(state, state->bindings.slots[i].item);
	state_touch_wishes(state);
	MUST(state_save(state) == ISIF_OK);
	check_state_again(gate, names, text);
}

static void check_state(const char *octets, size_t length)
{
	struct gate gate = gate_new();
	struct isif_names *names = isif_names_new();
	struct fuzz_text text;
	struct state *state;

	gate_put(&gate, STATE_FILE, octets, length);
	state = open_state(&gate, names);
	if (gate_file(&gate, "statebad"))
		MUST(gate_file(&gate, "statebad")->length == length && !state->bindings.used &&
		     !state->targets.used && !state->ifaces.used);
	text = sorted_text(state);
	state_rewrite(state);
	MUST(state_save(state) == ISIF_OK);
	check_state_again(&gate, names, &text);
	check_appended(&gate, names, state, &text);
	fuzz_free(&text);
	state_close(state);
	gate_clear(&gate);
	isif_names_free(names);
}

/* --- events --- */

static struct event_log *open_events(struct gate *gate, struct isif_names *names)
{
	struct event_log *events;

	MUST(event_log_open(&gate->gate, names, nowhere, BOOT, &events) == ISIF_OK);
	return events;
}

static void check_events(const char *octets, size_t length)
{
	struct gate gate = gate_new();
	struct isif_names *names = isif_names_new();
	const struct isif_event *added;
	struct event_log *events;
	struct isif_event_list list;
	struct fuzz_text text;

	gate_put(&gate, "events", octets, length);
	events = open_events(&gate, names);
	added = event_log_add(events, ISIF_HAPPENED_AGENT_STARTED, NULL, 0, "one more");
	MUST(added && added->index);
	event_log_notified(events, added->index);
	event_log_write(events);
	event_log_close(events);
	if (gate_file(&gate, "eventsbad"))
		MUST(gate_file(&gate, "eventsbad")->length == length);
	text = fuzz_copy(gate_file(&gate, "events")->octets, gate_file(&gate, "events")->length);
	gate_clear(&gate);
	gate_put(&gate, "events", text.octets, text.length);
	events = open_events(&gate, names);
	list = event_log_list(events);
	MUST(!gate_file(&gate, "eventsbad") && list.count);
	MUST(!strcmp(list.events[list.count - 1]->text, "one more"));
	MUST(list.events[list.count - 1]->notified);
	for (uint32_t i = 1; i < list.count; i++)
		MUST(list.events[i - 1]->index < list.events[i]->index);
	event_log_close(events);
	MUST(same_text(gate_file(&gate, "events"), &text));
	fuzz_free(&text);
	gate_clear(&gate);
	isif_names_free(names);
}

/* --- jobs --- */

static struct job_runner *open_jobs(struct gate *gate, struct isif_names *names)
{
	struct job_runner *runner;

	MUST(job_runner_open(&gate->gate, names, nowhere, &runner) == ISIF_OK);
	return runner;
}

static struct fuzz_text text_of_jobs(const struct job_runner *runner)
{
	struct fuzz_text text;

	MUST(job_text(runner, &text.octets, &text.length) == ISIF_OK);
	return text;
}

static void check_list(struct job_runner *runner)
{
	struct isif_job_list list = job_list(runner);
	uint32_t index = job_implied_index(runner);

	MUST(index >= ISIF_JOB_FIRST_IMPLIED && index <= JOB_LAST_INDEX);
	MUST(!job_find(runner, index) && !job_find(runner, list.next_index));
	for (uint32_t i = 0; i < list.count; i++) {
		MUST(!i || list.jobs[i - 1]->index < list.jobs[i]->index);
		MUST(job_find(runner, list.jobs[i]->index) == list.jobs[i]);
		MUST(job_kind_of(list.jobs[i]->kind));
		MUST(list.jobs[i]->order < runner->next_order);
	}
}

static void check_jobs(const char *octets, size_t length)
{
	struct gate gate = gate_new();
	struct isif_names *names = isif_names_new();
	struct fuzz_text text, again;
	struct job_runner *runner;

	gate_put(&gate, JOB_FILE, octets, length);
	runner = open_jobs(&gate, names);
	if (gate_file(&gate, "jobsbad"))
		MUST(gate_file(&gate, "jobsbad")->length == length && !job_list(runner).count);
	text = text_of_jobs(runner);
	check_list(runner);
	job_runner_close(runner);
	gate_clear(&gate);
	gate_put(&gate, JOB_FILE, text.octets, text.length);
	runner = open_jobs(&gate, names);
	MUST(!gate_file(&gate, "jobsbad"));
	again = text_of_jobs(runner);
	MUST(same_text(&text, &again));
	job_runner_close(runner);
	fuzz_free(&text);
	fuzz_free(&again);
	gate_clear(&gate);
	isif_names_free(names);
}

/* --- plans --- */

static void check_unbind(const char *octets, size_t length)
{
	const struct isif_job job = { .index = 7, .order = 3 };
	struct unbind_plan plan = { 0 }, again = { 0 };
	struct gate gate = gate_new();

	gate_put(&gate, "unbind", octets, length);
	MUST(unbind_plan_read(&gate.gate, &job, &plan) == ISIF_OK);
	MUST(unbind_plan_write(&gate.gate, &job, &plan) == ISIF_OK);
	MUST(unbind_plan_read(&gate.gate, &job, &again) == ISIF_OK);
	MUST(plan.count == again.count && plan.removing == again.removing);
	for (size_t i = 0; i < plan.count; i++)
		MUST(plan.items[i].binding == again.items[i].binding &&
		     plan.items[i].session == again.items[i].session);
	unbind_plan_clear(&plan);
	unbind_plan_clear(&again);
	gate_clear(&gate);
}

static struct fuzz_text write_move(const struct move_plan *plan)
{
	struct fuzz_text text;
	FILE *file = open_memstream(&text.octets, &text.length);

	MUST(file);
	fprintf(file, "move %d", plan->tpgt);
	session_disks_write(&plan->disks, file);
	fputc('\n', file);
	MUST(escape_close(file));
	return text;
}

/* What is asked of a plan that was taken, here about a session of the unit tests' snapshot. */
static const struct isif_kernel_session *a_session(void)
{
	return fixture_snapshot.sessions[0]->kernel;
}

static void ask_disks(const struct session_disks *disks)
{
	const struct session_disk *missing = session_disks_missing(disks, a_session());

	MUST(!missing || (missing->wwid && missing->map));
	MUST(!disks->count == !session_disks_missing(disks, NULL));
}

static void ask_rebind(const struct rebind_plan *plan)
{
	for (size_t i = 0; i < plan->count; i++) {
		const struct rebind_record *record = &plan->records[i];

		for (size_t j = 0; j < record->line_count; j++) {
			const struct rebind_line *line = &record->lines[j];

			MUST(rebind_same_value(line->key, line->values[REBIND_HOME],
					       line->values[REBIND_HOME]));
			rebind_same_value(line->key, line->values[REBIND_BEFORE],
					  line->values[REBIND_DURING]);
		}
		for (enum rebind_time time = REBIND_BEFORE; time < REBIND_TIMES; time++)
			rebind_session_is(&fixture_snapshot, a_session(), record, time);
		ask_disks(&record->disks);
	}
}

static void check_move(const char *text)
{
	struct move_plan plan = { 0 }, again = { 0 };
	struct fuzz_text written, twice;

	if (move_plan_read(&plan, text)) {
		ask_disks(&plan.disks);
		written = write_move(&plan);
		MUST(move_plan_read(&again, written.octets));
		twice = write_move(&again);
		MUST(same_text(&written, &twice));
		fuzz_free(&written);
		fuzz_free(&twice);
	}
	move_plan_clear(&plan);
	move_plan_clear(&again);
}

static void check_rebind(const char *text)
{
	struct rebind_plan plan = { 0 }, again = { 0 };
	char *written, *twice;

	if (rebind_plan_read(&plan, text)) {
		ask_rebind(&plan);
		written = rebind_plan_write(&plan);
		MUST(written && rebind_plan_read(&again, written));
		twice = rebind_plan_write(&again);
		MUST(twice && !strcmp(written, twice));
		free(written);
		free(twice);
	}
	rebind_plan_clear(&plan);
	rebind_plan_clear(&again);
}

/* --- which --- */

enum { STATE, EVENTS, JOBS, UNBIND, MOVE, REBIND, KINDS };

static const char *const begins[KINDS] = {
	"iscsi-ifaced state ",
	"iscsi-ifaced events ",
	"iscsi-ifaced jobs ",
	"iscsi-ifaced unbind ",
	"move ",
	"record ",
};

static void check(int kind, const struct fuzz_text *text)
{
	if (kind == STATE)
		check_state(text->octets, text->length);
	else if (kind == EVENTS)
		check_events(text->octets, text->length);
	else if (kind == JOBS)
		check_jobs(text->octets, text->length);
	else if (kind == UNBIND)
		check_unbind(text->octets, text->length);
	else if (kind == MOVE)
		check_move(text->octets);
	else
		check_rebind(text->octets);
}

int LLVMFuzzerTestOneInput(const uint8_t *octets, size_t length)
{
	struct fuzz_text text = fuzz_copy(octets, length);
	int kind = 0;

	while (kind < KINDS && strncmp(text.octets, begins[kind], strlen(begins[kind])) != 0)
		kind++;
	if (kind < KINDS)
		check(kind, &text);
	else
		for (kind = 0; kind < KINDS; kind++)
			check(kind, &text);
	fuzz_free(&text);
	return 0;
}
