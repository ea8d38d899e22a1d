/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The plans that jobs keep. An input is one such text; by its first word it is known which, and
 * what begins like none of them is tried as each. What is taken is written again, and must then be
 * taken again, and say the same; and so must what is made from the same values, about the bindings
 * of the unit tests' snapshot.
 */
#include "fuzz.h"
#include "gate.h"

#include "escape.h"
#include "fixture.h"
#include "move_plan.h"
#include "node.h"
#include "rebind_plan.h"
#include "snapshot_find.h"
#include "unbind_plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINES = 64 };

static bool same_text(const struct fuzz_text *a, const struct fuzz_text *b)
{
	return a->length == b->length && !memcmp(a->octets, b->octets, a->length);
}

/* --- of an unbind --- */

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
	unbind_plan_clear(&again);
	MUST(unbind_plan_forget(&gate.gate) == ISIF_OK);
	MUST(unbind_plan_read(&gate.gate, &job, &again) == ISIF_OK && !again.count);
	gate.error = ISIF_IO;
	MUST(unbind_plan_read(&gate.gate, &job, &again) == ISIF_IO);
	MUST(unbind_plan_write(&gate.gate, &job, &plan) == ISIF_IO);
	unbind_plan_clear(&plan);
	gate_clear(&gate);
}

/* --- of a move --- */

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

/* The plan of a binding that is live, with its disks. */
static void check_move_of(int32_t tpgt)
{
	struct isif_binding binding = *fixture_snapshot.bindings[0];
	struct isif_node node = *binding.node;
	struct move_plan plan = { 0 };
	struct fuzz_text text, written;

	binding.node = &node;
	node.tpgt = tpgt;
	text.octets = move_plan_of(&fixture_snapshot, &binding);
	MUST(text.octets && move_plan_read(&plan, text.octets) && plan.tpgt == tpgt);
	text.length = strlen(text.octets);
	ask_disks(&plan.disks);
	written = write_move(&plan);
	MUST(same_text(&written, &text));
	fuzz_free(&written);
	fuzz_free(&text);
	move_plan_clear(&plan);
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
		check_move_of(plan.tpgt);
	}
	move_plan_clear(&plan);
	move_plan_clear(&again);
}

/* --- of a rebind --- */

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

/* Written, read and written again it says the same. */
static void check_again(char *written)
{
	struct rebind_plan again = { 0 };
	char *twice;

	MUST(written && rebind_plan_read(&again, written));
	twice = rebind_plan_write(&again);
	MUST(twice && !strcmp(written, twice));
	rebind_plan_clear(&again);
	free(written);
	free(twice);
}

/* The same lines as a change of an iface's record. */
static void check_change(const struct rebind_record *record)
{
	struct isif_edit_line lines[LINES];
	struct rebind_plan plan = { 0 };
	size_t count = record->line_count < LINES ? record->line_count : LINES;
	char *text;

	for (size_t i = 0; i < count; i++)
		lines[i] = (struct isif_edit_line){ record->lines[i].key,
						    record->lines[i].values[REBIND_BEFORE],
						    record->lines[i].values[REBIND_DURING] };
	text = rebind_plan_of_change("san0", lines, count);
	MUST(text && rebind_plan_read(&plan, text));
	MUST(plan.count == 1 && plan.records[0].line_count == count && !plan.records[0].moves);
	for (size_t i = 0; i < count; i++)
		for (enum rebind_time time = REBIND_BEFORE; time < REBIND_TIMES; time++)
			MUST(!strcmp(plan.records[0].lines[i].values[time],
				     record->lines[i].values[time == REBIND_DURING]));
	rebind_plan_clear(&plan);
	check_again(text);
}

static struct isif_record *record_of(const struct rebind_record *record, enum rebind_time time)
{
	struct fuzz_text text;
	FILE *file = open_memstream(&text.octets, &text.length);
	struct isif_record *parsed;

	MUST(file);
	for (size_t i = 0; i < record->line_count; i++)
		fprintf(file, "%s = %s\n", record->lines[i].key, record->lines[i].values[time]);
	MUST(!fclose(file));
	MUST(isif_record_parse(text.octets, text.length, "iface.", &parsed) == ISIF_OK);
	fuzz_free(&text);
	return parsed;
}

static bool has_line(const struct rebind_record *record, const char *key)
{
	for (size_t i = 0; i < record->line_count; i++)
		if (!strcmp(record->lines[i].key, key))
			return true;
	return false;
}

/* What brings the live session back is what it was made from. */
static void check_home(const struct rebind_record *record)
{
	const struct isif_session *live = snapshot_session_of(&fixture_snapshot, record->binding);

	if (live && !has_line(record, "iface.transport_name"))
		MUST(rebind_session_is(&fixture_snapshot, live->kernel, record, REBIND_HOME));
}

/* The same lines as what an iface and the copy of a binding say. */
static void check_bindings(const struct rebind_record *record)
{
	struct isif_record *copy = record_of(record, REBIND_BEFORE);
	struct isif_iface iface = { .record = record_of(record, REBIND_DURING) };
	struct rebind_plan plan = { 0 };

	for (uint32_t i = 0; i < fixture_snapshot.binding_count; i++) {
		struct isif_binding binding = *fixture_snapshot.bindings[i];
		struct isif_node node = *binding.node;

		binding.node = &node;
		node.copy = copy;
		MUST(rebind_plan_add(&plan, &fixture_snapshot, &iface, &binding));
		check_home(&plan.records[i]);
	}
	ask_rebind(&plan);
	check_again(rebind_plan_write(&plan));
	rebind_plan_clear(&plan);
	isif_record_release(iface.record);
	isif_record_release(copy);
}

static void check_rebind(const char *text)
{
	struct rebind_plan plan = { 0 };

	if (rebind_plan_read(&plan, text)) {
		ask_rebind(&plan);
		check_again(rebind_plan_write(&plan));
		for (size_t i = 0; i < plan.count; i++) {
			check_change(&plan.records[i]);
			check_bindings(&plan.records[i]);
		}
	}
	rebind_plan_clear(&plan);
}

/* --- which --- */

enum { UNBIND, MOVE, REBIND, KINDS };

static const char *const begins[KINDS] = { "iscsi-ifaced unbind ", "move ", "record " };

static void check(int kind, const struct fuzz_text *text)
{
	if (kind == UNBIND)
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
