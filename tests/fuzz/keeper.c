/* SPDX-License-Identifier: GPL-2.0-or-later */
/* clang-format off */
/*
 * The privileged process, asked by one that is up to no good. An input that begins with "raw" and a
 * newline is what comes through the socket, to its end. Each line of another one is:
 *   QUESTION WORDS             a question, in the words of question.h
 *   > ERROR NUMBER 'TEXT       what the gate answers from now on
 *   = ALLOWED PROTECTED        what the configuration allows (enum keeper_allowed), whether it
 *                              protects disks in use
 *   + MILLISECONDS             time goes by
 *   ~ OCTETS                   so many octets are taken at once, and calls are interrupted
 *   ! OCTETS                   the other process ends when it was told so many
 */
/* clang-format on */
#include "hourglass.h"
#include "question.h"
#include "strict_gate.h"
#include "wire.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { UNDER_WAY_MS = 60000, REFUSALS_TOLD = 20, ALLOWED = KEEPER_ALLOWS_SESSIONS + 1 };

static struct strict_gate gate;
static struct keeper keeper;
static unsigned refusals;

/* It is not to fill the disk. */
static void count_refusals(void *context, enum isif_log_level level, const char *line)
{
	(void)context;
	MUST(level == ISIF_LOG_ERROR && *line);
	refusals += !strncmp(line, "refused", strlen("refused"));
	MUST(refusals <= REFUSALS_TOLD);
}

static const struct isif_log fuzz_log = { .write = count_refusals };

static bool be_ready(void *context)
{
	(void)context;
	gate.calls++;
	return !gate.answer.error;
}

/* --- what is answered --- */

/* Something comes with this, or nothing. */
static enum strict_descriptor expected_descriptor(enum keeper_operation operation,
						  enum isif_error error)
{
	switch (operation) {
	case KEEPER_HELLO:
		return CHANGES;
	case KEEPER_OPEN_SOURCE:
		return error ? DESCRIPTORS : SOURCE;
	case KEEPER_BATCH_BEGIN:
		return error || gate.answer.number % 2 ? DESCRIPTORS : BATCH;
	case KEEPER_BACKUP:
		return error == ISIF_INCOMPLETE ? BACKUP : DESCRIPTORS;
	case KEEPER_COMMAND_BEGIN:
		return error ? DESCRIPTORS : RUN;
	case KEEPER_PORT_BEGIN:
		return error == ISIF_LOCKED ? QUEUE : error ? DESCRIPTORS : RUN;
	default:
		return DESCRIPTORS;
	}
}

static void check_descriptor(enum keeper_operation operation, enum isif_error error)
{
	enum strict_descriptor expected = expected_descriptor(operation, error);
	int descriptor = wire_take_descriptor();

	if (expected == DESCRIPTORS) {
		MUST(descriptor < 0);
		return;
	}
	MUST(descriptor >= 0 && strict_gate_descriptor(descriptor) == expected);
	close(descriptor);
}

static void read_outcomes(struct message *answer)
{
	for (uint64_t count = message_number_to(answer, KEEPER_EDITS); count; count--)
		message_number_to(answer, ISIF_UNDO_FAILED);
}

/* Nothing else than what the other process reads is in it. */
static void check_answer(enum keeper_operation operation, enum isif_error error,
			 struct message *answer)
{
	struct isif_command_outcome outcome;
	size_t length;

	switch (operation) {
	case KEEPER_HELLO:
	case KEEPER_BEGIN:
	case KEEPER_BATCH_BEGIN:
	case KEEPER_BACKUP:
	case KEEPER_READ_INITIATORNAME:
		message_text(answer);
		break;
	case KEEPER_READ_RECORD:
	case KEEPER_STATE_READ:
		message_octets(answer, &length);
		break;
	case KEEPER_COMMIT:
	case KEEPER_COMMAND_BEGIN:
	case KEEPER_PORT_BEGIN:
		message_number(answer);
		break;
	case KEEPER_BATCH_WORK:
		message_number(answer);
		if (!error)
			read_outcomes(answer);
		break;
	case KEEPER_BATCH_END:
		read_outcomes(answer);
		break;
	case KEEPER_COMMAND_WORK:
		protocol_outcome(answer, &outcome);
		break;
	case KEEPER_LOOK_WORK:
		message_number(answer);
		if (!error)
			free(protocol_disks(answer, &length));
		break;
	default:
		break;
	}
	MUST(message_is_read(answer));
}

static void hear_answer(enum keeper_operation operation, bool called)
{
	struct message answer = { 0 };
	enum isif_error error;

	MUST(wire_hear(&answer));
	error = (enum isif_error)message_number_to(&answer, ISIF_UNDO_FAILED);
	MUST(!answer.failed &&
	     (!error || error == ISIF_INVALID || error == ISIF_UNAVAILABLE || called));
	if (!called)
		MUST(error || operation == KEEPER_HELLO);
	check_descriptor(operation, error);
	if (answer.at < answer.length)
		check_answer(operation, error, &answer);
	MUST(!wire_hear(&answer));
	message_free(&answer);
}

/* True if that was the last one. */
static bool check_entry(struct message *answer, size_t *ends)
{
	enum keeper_entry entry = (enum keeper_entry)message_number_to(answer, KEEPER_ENTRY_LAST);
	size_t length;

	if (entry == KEEPER_ENTRY_LAST)
		return true;
	message_number_to(answer, KEEPER_READINGS);
	if (entry == KEEPER_ENTRY_END) {
		(*ends)++;
		message_number(answer);
		message_number_to(answer, ISIF_UNDO_FAILED);
		return false;
	}
	message_some_text(answer);
	if (entry != KEEPER_ENTRY_RECORD)
		return false;
	message_number_to(answer, ISIF_UNDO_FAILED);
	if (message_number_to(answer, true))
		message_octets(answer, &length);
	return false;
}

/* Each directory that was asked for has its end, and then comes the last of all. */
static void hear_entries(bool served)
{
	struct message *request = &keeper.request, answer = { 0 };
	size_t ends = 0, count;
	bool last = false;

	while (wire_hear(&answer)) {
		while (answer.at < answer.length) {
			MUST(!last);
			last = check_entry(&answer, &ends);
		}
		MUST(message_is_read(&answer));
	}
	request->at = sizeof(uint64_t);
	count = message_number(request);
	MUST(last && ends == (served ? count : 0));
	message_free(&answer);
}

/* --- what is asked --- */

/* Which question it was; a batch that began keeps it. KEEPER_OPERATIONS: none that there is. */
static enum keeper_operation last_operation(void)
{
	uint64_t operation = KEEPER_BATCH_BEGIN;

	if (keeper.request.length >= sizeof(operation))
		memcpy(&operation, keeper.request.octets, sizeof(operation));
	return operation < KEEPER_OPERATIONS ? (enum keeper_operation)operation : KEEPER_OPERATIONS;
}

/* Who hangs up hears what he hears. */
static void hear_nothing(void)
{
	struct message message = { 0 };
	int descriptor;

	while (wire_hear(&message))
		continue;
	message_free(&message);
	descriptor = wire_take_descriptor();
	if (descriptor >= 0)
		close(descriptor);
}

static bool serve(void)
{
	struct message nothing = { 0 };
	unsigned calls = gate.calls;
	bool served = keeper_serve(&keeper);
	enum keeper_operation operation = last_operation();

	if (!wire_is_up())
		hear_nothing();
	else if (operation == KEEPER_READ_DIRECTORIES && keeper.request.at)
		hear_entries(served);
	else if (served)
		hear_answer(operation, gate.calls != calls);
	MUST(served || !wire_hear(&nothing));
	MUST(keeper_timeout(&keeper) <= UNDER_WAY_MS);
	MUST((keeper_timeout(&keeper) < 0) == (!gate.in_change && !gate.in_batch));
	return served;
}

static bool ask(struct fuzz_input *line)
{
	bool served = true;

	while (served && line->at < line->end) {
		struct message question = { 0 };

		message_put_number(&question, question_operation(line));
		wire_say_message(&question, question_read(line, &question));
		message_free(&question);
		served = serve();
	}
	return served;
}

static void pass(uint64_t milliseconds)
{
	int timeout = keeper_timeout(&keeper);

	hourglass_pass(milliseconds % INT32_MAX);
	keeper_check(&keeper);
	MUST(keeper_timeout(&keeper));
	if (timeout >= 0 && milliseconds % INT32_MAX < (unsigned)timeout)
		MUST(keeper_timeout(&keeper) >= 0);
}

static bool take_step(struct fuzz_input line, char **text)
{
	switch (line.at < line.end ? *line.at : '\0') {
	case '>':
		line.at++;
		free(*text);
		gate.answer.error =
			(enum isif_error)(fuzz_take_number(&line) % (ISIF_UNDO_FAILED + 1));
		gate.answer.number = fuzz_take_number(&line);
		gate.answer.text = *text = question_text(&line);
		return true;
	case '=':
		line.at++;
		keeper.allowed = (enum keeper_allowed)(fuzz_take_number(&line) % ALLOWED);
		keeper.protect_in_use = fuzz_take_number(&line) % 2;
		return true;
	case '+':
		line.at++;
		pass(fuzz_take_number(&line));
		return true;
	case '~':
		line.at++;
		wire_hamper((size_t)fuzz_take_number(&line));
		return true;
	case '!':
		line.at++;
		wire_hang_up((size_t)fuzz_take_number(&line));
		return true;
	default:
		return ask(&line);
	}
}

/* --- an input --- */

static void ask_raw(const char *octets, size_t length)
{
	wire_say(octets, length, -1);
	while (serve())
		continue;
}

static void ask_lines(struct fuzz_input input)
{
	char *text = NULL;
	const char *line;
	size_t length;

	while (fuzz_take_line(&input, &line, &length))
		if (!take_step((struct fuzz_input){ line, line + length }, &text))
			break;
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *octets, size_t length)
{
	static const char raw[] = "raw\n";
	size_t open;

	strict_gate_open(&gate, &keeper);
	open = wire_open_descriptors();
	hourglass_turn();
	refusals = 0;
	keeper = (struct keeper){
		.socket = wire_open(),
		.gate = &gate.gate,
		.log = &fuzz_log,
		.ready = be_ready,
		.master = "/nowhere",
		.sysfs = "/", /* no session is there */
		.allowed = KEEPER_ALLOWS_SESSIONS,
	};
	MUST(keeper_add_bounds(&keeper, &(struct bounds){ .deny = strdup("kept* ") }));
	if (length >= strlen(raw) && !memcmp(octets, raw, strlen(raw)))
		ask_raw((const char *)octets + strlen(raw), length - strlen(raw));
	else
		ask_lines(
			(struct fuzz_input){ (const char *)octets, (const char *)octets + length });
	keeper_close(&keeper);
	MUST(!gate.gate.operations && keeper_timeout(&keeper) < 0);
	close(keeper.socket);
	wire_close();
	MUST(wire_open_descriptors() == open);
	return 0;
}
