/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is in the state directory. An input is one such text; by its first words it is known which,
 * and what begins like none of them is tried as each. What is taken is written again, and must then
 * be taken again, and say the same.
 */
#include "fuzz.h"
#include "gate.h"

#include "event_log.h"
#include "job_list.h"
#include "state_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BOOT "this-boot"

enum { KEPT = 6 }; /* events */

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

/* What cannot be read is not there. */
static void check_state_unread(struct gate *gate, struct isif_names *names)
{
	struct state *state;

	gate->error = ISIF_IO;
	state = open_state(gate, names);
	MUST(!state->bindings.used && !state->targets.used && !state->ifaces.used);
	state_close(state);
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
	check_state_unread(&gate, names);
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

/* More of them than are kept, with texts that may have to be cut. */
static void add_events(struct event_log *events, struct isif_names *names,
		       const struct fuzz_text *text)
{
	struct isif_name *iface = isif_name_get(names, "san0", 4);
	const struct isif_event *added;

	event_log_set_limit(events, KEPT);
	for (size_t i = 0; i < KEPT + 2; i++) {
		const char *from = text->octets + (i < text->length ? i : text->length);

		added = event_log_add(events, ISIF_HAPPENED_LOGGED_IN, i % 2 ? iface : NULL,
				      (uint32_t)i, "%s", from);
		MUST(added && strlen(added->text) <= strlen(from));
		if (i % 3)
			event_log_notified(events, added->index);
		MUST(event_log_has_news(events));
		if (i % 4)
			MUST(event_log_write(events) == (i > 1) && !event_log_has_news(events));
	}
	MUST(event_log_list(events).count <= KEPT);
	isif_name_release(iface);
}

static void check_same_events(const struct event_log *one, const struct event_log *other)
{
	struct isif_event_list a = event_log_list(one), b = event_log_list(other);

	MUST(a.count >= b.count && b.count);
	for (uint32_t i = 1; i <= b.count; i++) {
		const struct isif_event *left = a.events[a.count - i];
		const struct isif_event *right = b.events[b.count - i];

		MUST(left->index == right->index && left->time == right->time);
		MUST(left->kind == right->kind && left->binding == right->binding);
		MUST(left->iface == right->iface && left->notified == right->notified);
		MUST(!strcmp(left->text, right->text));
	}
}

static void check_no_events(struct gate *gate, struct isif_names *names)
{
	struct event_log *events = open_events(gate, names);

	MUST(!event_log_list(events).count);
	event_log_close(events);
}

/* A process that was killed leaves what it has written: nothing that was told is told again. */
static void check_killed(struct event_log *events, struct isif_names *names,
			 const struct fuzz_text *file)
{
	struct gate gate = gate_new();
	struct event_log *found;

	gate_put(&gate, "events", file->octets, file->length);
	found = open_events(&gate, names);
	MUST(!gate_file(&gate, "eventsbad"));
	check_same_events(found, events);
	MUST(!event_log_write(found));
	MUST(event_log_add(found, ISIF_HAPPENED_AGENT_STARTED, NULL, 0, "one more"));
	gate.error = ISIF_IO;
	MUST(event_log_write(found) && event_log_sync(found));
	event_log_close(found);
	check_no_events(&gate, names);
	gate_clear(&gate);
	gate.error = ISIF_OK;
	check_no_events(&gate, names);
	gate_clear(&gate);
}

static void check_read_again(struct isif_names *names, const struct fuzz_text *file)
{
	struct gate gate = gate_new();
	struct event_log *events;
	struct isif_event_list list;

	gate_put(&gate, "events", file->octets, file->length);
	events = open_events(&gate, names);
	list = event_log_list(events);
	MUST(!gate_file(&gate, "eventsbad") && list.count);
	for (uint32_t i = 1; i < list.count; i++)
		MUST(list.events[i - 1]->index < list.events[i]->index);
	event_log_close(events);
	MUST(same_text(gate_file(&gate, "events"), file));
	gate_clear(&gate);
}

static void check_events(const char *octets, size_t length)
{
	struct gate gate = gate_new();
	struct isif_names *names = isif_names_new();
	struct fuzz_text text = fuzz_copy(octets, length);
	struct event_log *events;

	gate_put(&gate, "events", octets, length);
	events = open_events(&gate, names);
	if (gate_file(&gate, "eventsbad"))
		MUST(same_text(gate_file(&gate, "eventsbad"), &text));
	add_events(events, names, &text);
	event_log_write(events);
	MUST(!event_log_sync(events));
	check_killed(events, names, gate_file(&gate, "events"));
	event_log_close(events);
	check_read_again(names, gate_file(&gate, "events"));
	gate_clear(&gate);
	fuzz_free(&text);
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
	/* The plan of a job that is half done may be in what cannot be read. */
	gate.error = ISIF_IO;
	MUST(job_runner_open(&gate.gate, names, nowhere, &runner) == ISIF_IO);
	fuzz_free(&text);
	fuzz_free(&again);
	gate_clear(&gate);
	isif_names_free(names);
}

/* --- which --- */

enum { STATE, EVENTS, JOBS, KINDS };

static const char *const begins[KINDS] = {
	"iscsi-ifaced state ",
	"iscsi-ifaced events ",
	"iscsi-ifaced jobs ",
};

static void check(int kind, const struct fuzz_text *text)
{
	if (kind == STATE)
		check_state(text->octets, text->length);
	else if (kind == EVENTS)
		check_events(text->octets, text->length);
	else
		check_jobs(text->octets, text->length);
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
