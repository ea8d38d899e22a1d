/* SPDX-License-Identifier: GPL-2.0-or-later */
/* clang-format off */
/*
 * The unprivileged process, whose other one is up to no good. Each line of an input is one of:
 *   QUESTION WORDS   this is asked, and answered in the words of question.h
 *   ~ OCTETS         so many octets are taken at once, and calls are interrupted
 *   ! OCTETS         the other process ends when it was told so many
 * The first line answers the greeting; without an error, or there is nothing more.
 */
/* clang-format on */
#include "question.h"
#include "wire.h"

#include "../gate/remote.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { READINGS = 3, EDITS = 2 };

/* What is borrowed from the gate: it stays until the same is asked again. */
struct borrowed {
	const char *octets;
	size_t length;
};

static struct isif_privileged *gate;
static unsigned run;		      /* the last one that began */
static struct isif_edit edits[EDITS]; /* of the batch */
static struct borrowed record, output;

static const struct isif_privileged_operations *does(void)
{
	return gate->operations;
}

/* --- what must be true of what is told --- */

/* It can be read to its end. */
static void check_text(const char *text)
{
	MUST(text);
	free(fuzz_exact(text, strlen(text)));
}

static void check_octets(const char *octets, size_t length)
{
	MUST(octets);
	free(fuzz_exact(octets, length));
	MUST(!octets[length]);
}

static bool is_error(enum isif_error error)
{
	return error <= ISIF_UNDO_FAILED;
}

static void check_descriptor(int descriptor)
{
	MUST(descriptor == -1 || fcntl(descriptor, F_GETFD) == FD_CLOEXEC);
}

/* --- directories --- */

/* Whoever asked takes what was told so far for all there is, at its end, and lets go of it. */
static bool *end_of(struct isif_directory_reading *reading)
{
	bool *ended = reading->context;

	MUST(!*ended);
	return ended;
}

static void visit_record(struct isif_directory_reading *reading, const char *name, const char *text,
			 size_t length, enum isif_error error)
{
	end_of(reading);
	check_text(name);
	if (text)
		check_octets(text, length);
	MUST(is_error(error));
}

static void visit_name(struct isif_directory_reading *reading, const char *name)
{
	end_of(reading);
	check_text(name);
}

static void visit_end(struct isif_directory_reading *reading)
{
	*end_of(reading) = true;
	MUST(reading->watch >= -1 && is_error(reading->error));
}

static void read_directories(void)
{
	static const struct isif_directory_visitor visitor = { visit_record, visit_name, visit_end,
							       visit_name };
	struct isif_directory_reading readings[READINGS];
	bool ended[READINGS] = { 0 };

	for (size_t i = 0; i < READINGS; i++)
		readings[i] = (struct isif_directory_reading){ .path = "nodes",
							       .watch = -1,
							       .context = &ended[i] };
	does()->read_directories(gate, readings, READINGS, &visitor);
	for (size_t i = 0; i < READINGS; i++)
		MUST(ended[i]);
}

/* --- a function for each question --- */

static void ask_hello(void)
{
	struct isif_change change;

	check_text(gate->root);
	check_descriptor(does()->change_descriptor(gate));
	MUST(!does()->next_change(gate, &change));
}

static void ask_ready(void)
{
	MUST(is_error(remote_ready(gate)));
}

static void ask_record(void)
{
	struct borrowed it = { 0 };

	record = it;
	if (!does()->read_record(gate, "ifaces/if0", &it.octets, &it.length))
		record = it;
}

static void ask_initiatorname(void)
{
	char *name = malloc(64);

	MUST(name);
	if (!does()->read_initiatorname(gate, name, 64))
		MUST(strlen(name) < 64);
	free(name);
}

static void ask_source(void)
{
	int descriptor = -1;

	if (does()->open_source(gate, ISIF_SOURCE_MASTER, NULL, &descriptor))
		MUST(descriptor == -1);
	else
		MUST(descriptor >= 0);
	check_descriptor(descriptor);
	if (descriptor >= 0)
		close(descriptor);
}

static void ask_begin(void)
{
	const char *why = NULL;

	does()->begin(gate, 5, &why);
	check_text(why);
}

static void ask_stage(void)
{
	MUST(is_error(does()->stage(gate, "word", "a\0b", 3)));
}

static void ask_commit(void)
{
	static const struct isif_edit_line line = { "iface.mtu", NULL, "9000" };
	const struct isif_edit one[] = {
		{ .path = "ifaces/if0", .lines = &line, .line_count = 1 }
	};
	size_t failed = 7;

	does()->commit(gate, one, 1, &failed);
	MUST(failed <= 1);
}

static void ask_undo(void)
{
	MUST(is_error(does()->undo(gate)));
}

static void ask_end(void)
{
	does()->end(gate);
}

static void ask_batch_begin(void)
{
	const char *why = NULL;

	edits[0] = (struct isif_edit){ .path = "ifaces/if0", .error = ISIF_INCOMPLETE };
	edits[1] = (struct isif_edit){ .path = "ifaces/if1", .error = ISIF_INCOMPLETE };
	does()->batch_begin(gate, edits, EDITS, &why);
	check_text(why);
	check_descriptor(does()->batch_descriptor(gate));
}

static void check_outcomes(void)
{
	for (size_t i = 0; i < EDITS; i++)
		MUST(is_error(edits[i].error));
}

static void ask_batch_work(void)
{
	unsigned pause = 0;

	MUST(is_error(does()->batch_work(gate, 0, &pause)));
	check_outcomes();
}

static void ask_batch_end(void)
{
	does()->batch_end(gate);
	check_outcomes();
	MUST(does()->batch_descriptor(gate) == -1);
}

static void ask_backup(void)
{
	const char *where = NULL;

	if (!does()->backup(gate, &where))
		check_text(where);
	check_descriptor(does()->backup_descriptor(gate));
}

static void ask_command(void)
{
	const struct isif_command command = { .verb = ISIF_VERB_LOGOUT, .tpgt = -1 };

	if (!does()->command_begin(gate, &command, &run))
		check_descriptor(does()->command_descriptor(gate, run));
}

static void ask_port(void)
{
	const struct isif_port_parameter parameter = { .length = 1 };
	const struct isif_port_request request = { .transport = "qla4xxx",
						   .parameters = &parameter,
						   .count = 1 };

	if (!does()->port_begin(gate, &request, &run))
		check_descriptor(does()->command_descriptor(gate, run));
	check_descriptor(does()->port_descriptor(gate));
}

static void ask_work(void)
{
	struct isif_command_outcome outcome = { 0 };

	output = (struct borrowed){ 0 };
	if (does()->command_work(gate, run, &outcome))
		return;
	MUST(outcome.code >= -1);
	output = (struct borrowed){ outcome.output, outcome.length };
}

static void ask_forget(void)
{
	output = (struct borrowed){ 0 };
	does()->command_end(gate, run);
}

static void ask_look(void)
{
	const uint32_t sids[] = { 1, 2 };

	MUST(is_error(does()->look_begin(gate, ISIF_LOOK_TO_SHOW, sids, 2)));
}

static void check_disks(void)
{
	const struct isif_look_disk *disks = NULL;
	size_t count = 0;

	does()->look_result(gate, ISIF_LOOK_TO_SHOW, &disks, &count);
	MUST(disks || !count);
	for (size_t i = 0; i < count; i++) {
		MUST(memchr(disks[i].device, '\0', sizeof(disks[i].device)));
		MUST(memchr(disks[i].user, '\0', sizeof(disks[i].user)));
		MUST(disks[i].vital <= ISIF_VITAL_UNKNOWN);
	}
}

static void ask_look_work(void)
{
	unsigned pause = 0;

	MUST(is_error(does()->look_work(gate, ISIF_LOOK_TO_SHOW, 0, &pause)));
}

static void ask_look_end(void)
{
	does()->look_end(gate, ISIF_LOOK_TO_SHOW);
}

static void ask_state_read(void)
{
	char *text = NULL;
	size_t length = 0;

	if (!does()->state_read(gate, "state", &text, &length))
		check_octets(text, length);
	free(text);
}

static void ask_state_write(void)
{
	MUST(is_error(does()->state_write(gate, "state", "", 0)));
}

static void ask_state_append(void)
{
	MUST(is_error(does()->state_append(gate, "state", "a", 1, true)));
}

static void (*const questions[KEEPER_OPERATIONS])(void) = {
	[KEEPER_HELLO] = ask_hello,
	[KEEPER_READY] = ask_ready,
	[KEEPER_READ_DIRECTORIES] = read_directories,
	[KEEPER_READ_RECORD] = ask_record,
	[KEEPER_READ_INITIATORNAME] = ask_initiatorname,
	[KEEPER_OPEN_SOURCE] = ask_source,
	[KEEPER_BEGIN] = ask_begin,
	[KEEPER_STAGE] = ask_stage,
	[KEEPER_COMMIT] = ask_commit,
	[KEEPER_UNDO] = ask_undo,
	[KEEPER_END] = ask_end,
	[KEEPER_BATCH_BEGIN] = ask_batch_begin,
	[KEEPER_BATCH_WORK] = ask_batch_work,
	[KEEPER_BATCH_END] = ask_batch_end,
	[KEEPER_BACKUP] = ask_backup,
	[KEEPER_COMMAND_BEGIN] = ask_command,
	[KEEPER_PORT_BEGIN] = ask_port,
	[KEEPER_COMMAND_WORK] = ask_work,
	[KEEPER_COMMAND_END] = ask_forget,
	[KEEPER_LOOK_BEGIN] = ask_look,
	[KEEPER_LOOK_WORK] = ask_look_work,
	[KEEPER_LOOK_END] = ask_look_end,
	[KEEPER_STATE_READ] = ask_state_read,
	[KEEPER_STATE_WRITE] = ask_state_write,
	[KEEPER_STATE_APPEND] = ask_state_append,
};

/* --- an input --- */

/* What is answered is there before it is asked. */
static void say(struct fuzz_input *line)
{
	while (line->at < line->end) {
		struct message message = { 0 };

		wire_say_message(&message, question_read(line, &message));
		message_free(&message);
	}
}

static void check_borrowed(void)
{
	if (record.octets)
		check_octets(record.octets, record.length);
	if (output.octets)
		check_octets(output.octets, output.length);
	check_disks();
}

/* Who is gone is not asked any more. */
static void ask(uint64_t question)
{
	struct message asked = { 0 };
	bool gone = remote_is_gone(gate);

	if (question < KEEPER_OPERATIONS)
		questions[question]();
	while (wire_hear(&asked))
		MUST(!gone);
	message_free(&asked);
	MUST(!gone || remote_is_gone(gate));
	check_descriptor(does()->batch_descriptor(gate));
	check_borrowed();
}

static void take_step(struct fuzz_input line)
{
	uint64_t question;

	if (line.at < line.end && (*line.at == '~' || *line.at == '!')) {
		bool hampers = *line.at++ == '~';
		size_t octets = (size_t)fuzz_take_number(&line);

		hampers ? wire_hamper(octets) : wire_hang_up(octets);
		return;
	}
	question = question_operation(&line);
	say(&line);
	ask(question);
}

/* The first line answers the greeting. */
static bool open_gate(struct fuzz_input *input)
{
	int socket = wire_open();
	const char *line;
	size_t length;

	gate = NULL;
	run = 0;
	memset(edits, 0, sizeof(edits));
	record = output = (struct borrowed){ 0 };
	if (fuzz_take_line(input, &line, &length))
		say(&(struct fuzz_input){ line, line + length });
	return remote_open(socket, &gate) == ISIF_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *octets, size_t length)
{
	struct fuzz_input input = { (const char *)octets, (const char *)octets + length };
	size_t open = wire_open_descriptors();
	const char *line;
	size_t line_length;

	if (open_gate(&input)) {
		while (fuzz_take_line(&input, &line, &line_length))
			take_step((struct fuzz_input){ line, line + line_length });
		isif_privileged_close(gate);
	}
	MUST(gate || wire_open_descriptors() == open + 1);
	wire_close();
	MUST(wire_open_descriptors() == open);
	return 0;
}
