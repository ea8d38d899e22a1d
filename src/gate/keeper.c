/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A function for each operation: it takes the arguments out of the question, refuses what is not in
 * the form that it must have, and hands the rest to the gate, which checks what the arguments say.
 */
#include "keeper.h"

#include "../lib/cleanup.h"
#include "../lib/clock.h"

#include <stdlib.h>
#include <string.h>

#define SLICE_NS      200000000u
#define REFUSALS_TOLD 20

/* Both processes have the same clock; the other one says how long it can wait. */
uint64_t keeper_deadline(struct keeper *keeper)
{
	uint64_t deadline = message_number(&keeper->request), latest = clock_ns() + SLICE_NS;

	return deadline < latest ? deadline : latest;
}

/* --- the start --- */

static enum isif_error hello(struct keeper *keeper)
{
	message_put_text(&keeper->answer, keeper->gate->root);
	keeper->descriptor = keeper->gate->operations->change_descriptor(keeper->gate);
	return ISIF_OK;
}

static enum isif_error ready(struct keeper *keeper)
{
	bool (*tell)(void *context) = TAKE(keeper->ready);

	if (!tell)
		return ISIF_INVALID;
	return tell(keeper->context) ? ISIF_OK : ISIF_IO;
}

/* --- reading --- */

static enum isif_error read_record(struct keeper *keeper)
{
	const char *path = message_some_text(&keeper->request), *text;
	size_t length;
	enum isif_error error;

	if (!message_is_read(&keeper->request))
		return ISIF_INVALID;
	keeper->object = path;
	error = keeper->gate->operations->read_record(keeper->gate, path, &text, &length);
	if (!error)
		message_put_octets(&keeper->answer, text, length);
	return error;
}

static enum isif_error read_initiatorname(struct keeper *keeper)
{
	char text[256];
	enum isif_error error =
		keeper->gate->operations->read_initiatorname(keeper->gate, text, sizeof(text));

	if (!error)
		message_put_text(&keeper->answer, text);
	return error;
}

static enum isif_error open_source(struct keeper *keeper)
{
	enum isif_source source =
		(enum isif_source)message_number_to(&keeper->request, ISIF_SOURCE_MASTER);

	if (!message_is_read(&keeper->request) ||
	    (source == ISIF_SOURCE_MASTER && !*keeper->master))
		return ISIF_INVALID;
	keeper->hands_over = true;
	return keeper->gate->operations->open_source(
		keeper->gate, source, source == ISIF_SOURCE_MASTER ? keeper->master : NULL,
		&keeper->descriptor);
}

/* --- the state directory --- */

static enum isif_error state_read(struct keeper *keeper)
{
	const char *name = message_some_text(&keeper->request);
	char *CLEANUP_FREE text = NULL;
	size_t length;
	enum isif_error error;

	if (!message_is_read(&keeper->request))
		return ISIF_INVALID;
	keeper->object = name;
	error = keeper->gate->operations->state_read(keeper->gate, name, &text, &length);
	if (!error)
		message_put_octets(&keeper->answer, text, length);
	return error;
}

static enum isif_error change_state(struct keeper *keeper, bool append)
{
	const char *name = message_some_text(&keeper->request);
	size_t length;
	const char *text = message_octets(&keeper->request, &length);
	bool sync = append && message_number_to(&keeper->request, true);

	if (!message_is_read(&keeper->request))
		return ISIF_INVALID;
	keeper->object = name;
	if (append)
		return keeper->gate->operations->state_append(keeper->gate, name, text, length,
							      sync);
	return keeper->gate->operations->state_write(keeper->gate, name, text, length);
}

static enum isif_error state_write(struct keeper *keeper)
{
	return change_state(keeper, false);
}

static enum isif_error state_append(struct keeper *keeper)
{
	return change_state(keeper, true);
}

/* --- all of them --- */

static const struct {
	enum isif_error (*serve)(struct keeper *keeper);
	const char *name;
	enum keeper_allowed needs;
} operations[KEEPER_OPERATIONS] = {
	[KEEPER_HELLO] = { hello, "beginning", KEEPER_ALLOWS_READING },
	[KEEPER_READY] = { ready, "being ready", KEEPER_ALLOWS_READING },
	[KEEPER_READ_DIRECTORIES] = { NULL, "reading directories", KEEPER_ALLOWS_READING },
	[KEEPER_READ_RECORD] = { read_record, "reading record", KEEPER_ALLOWS_READING },
	[KEEPER_READ_INITIATORNAME] = { read_initiatorname, "reading the initiator name",
					KEEPER_ALLOWS_READING },
	[KEEPER_OPEN_SOURCE] = { open_source, "opening a source", KEEPER_ALLOWS_READING },
	[KEEPER_BEGIN] = { keeper_begin, "beginning a change", KEEPER_ALLOWS_RECORDS },
	[KEEPER_STAGE] = { keeper_stage, "staging", KEEPER_ALLOWS_RECORDS },
	[KEEPER_COMMIT] = { keeper_commit, "changing", KEEPER_ALLOWS_RECORDS },
	[KEEPER_UNDO] = { keeper_undo, "undoing a change", KEEPER_ALLOWS_READING },
	[KEEPER_END] = { keeper_end, "ending a change", KEEPER_ALLOWS_READING },
	[KEEPER_BATCH_BEGIN] = { keeper_batch_begin, "beginning a batch", KEEPER_ALLOWS_RECORDS },
	[KEEPER_BATCH_WORK] = { keeper_batch_work, "working on a batch", KEEPER_ALLOWS_READING },
	[KEEPER_BATCH_END] = { keeper_batch_end, "ending a batch", KEEPER_ALLOWS_READING },
	[KEEPER_BACKUP] = { keeper_backup, "keeping a copy", KEEPER_ALLOWS_RECORDS },
	[KEEPER_COMMAND_BEGIN] = { keeper_command_begin, "running iscsiadm for",
				   KEEPER_ALLOWS_RECORDS },
	[KEEPER_PORT_BEGIN] = { keeper_port_begin, "asking an adapter of", KEEPER_ALLOWS_RECORDS },
	[KEEPER_COMMAND_WORK] = { keeper_command_work, "waiting for iscsiadm",
				  KEEPER_ALLOWS_READING },
	[KEEPER_COMMAND_END] = { keeper_command_end, "ending iscsiadm", KEEPER_ALLOWS_READING },
	[KEEPER_LOOK_BEGIN] = { keeper_look_begin, "looking at disks", KEEPER_ALLOWS_READING },
	[KEEPER_LOOK_WORK] = { keeper_look_work, "looking on", KEEPER_ALLOWS_READING },
	[KEEPER_LOOK_END] = { keeper_look_end, "ending a look", KEEPER_ALLOWS_READING },
	[KEEPER_STATE_READ] = { state_read, "reading the state file", KEEPER_ALLOWS_READING },
	[KEEPER_STATE_WRITE] = { state_write, "writing the state file", KEEPER_ALLOWS_READING },
	[KEEPER_STATE_APPEND] = { state_append, "adding to the state file", KEEPER_ALLOWS_READING },
};

/* The other process has this version's code: what is refused is a fault, or an attack. */
static void tell_refusal(struct keeper *keeper, enum keeper_operation operation)
{
	if (keeper->refusals > REFUSALS_TOLD)
		return;
	if (keeper->refusals++ == REFUSALS_TOLD)
		isif_log_line(keeper->log, ISIF_LOG_ERROR,
			      "the unprivileged process goes on asking for what it must not have; "
			      "restart iscsi-ifaced, and find out why");
	else
		isif_log_line(keeper->log, ISIF_LOG_ERROR,
			      "refused the unprivileged process: %s%s%s: not allowed, or not well "
			      "formed",
			      operations[operation].name, keeper->object ? " " : "",
			      keeper->object ? keeper->object : "");
}

/* The error comes first, but is known last. */
static bool send_answer(struct keeper *keeper, enum isif_error error)
{
	const uint64_t number = error;
	bool sent;

	if (keeper->answer.failed) {
		message_clear(&keeper->answer);
		message_put_number(&keeper->answer, ISIF_NO_MEMORY);
	} else {
		memcpy(keeper->answer.octets, &number, sizeof(number));
	}
	sent = message_send(keeper->socket, &keeper->answer, keeper->descriptor);
	if (keeper->hands_over)
		cleanup_close_descriptor(&keeper->descriptor);
	return sent;
}

bool keeper_serve(struct keeper *keeper)
{
	enum keeper_operation operation;
	enum isif_error error;

	if (!message_receive(keeper->socket, &keeper->request, NULL)) {
		if (keeper->request.failed)
			isif_log_line(
				keeper->log, ISIF_LOG_ERROR,
				"a question of the unprivileged process is too long, or there "
				"is no memory for it: both processes end");
		return false;
	}
	operation =
		(enum keeper_operation)message_number_to(&keeper->request, KEEPER_OPERATIONS - 1);
	if (keeper->request.failed) {
		isif_log_line(keeper->log, ISIF_LOG_ERROR,
			      "the unprivileged process asked for something that there is not: it "
			      "is ended; restart iscsi-ifaced, and find out why");
		return false;
	}
	if (!operations[operation].serve)
		return keeper_read_directories(keeper);
	keeper->object = NULL;
	keeper->descriptor = -1;
	keeper->hands_over = false;
	message_clear(&keeper->answer);
	message_put_number(&keeper->answer, ISIF_OK);
	if (keeper->answer.failed) /* what cannot be answered is not done */
		error = ISIF_NO_MEMORY;
	else if (keeper->allowed < operations[operation].needs)
		error = ISIF_INVALID;
	else
		error = operations[operation].serve(keeper);
	if (error == ISIF_INVALID)
		tell_refusal(keeper, operation);
	return send_answer(keeper, error);
}

/* A change that was made stays: it was complete, and its manager may have been told so. */
void keeper_close(struct keeper *keeper)
{
	if (keeper->gate) {
		keeper->gate->operations->batch_end(keeper->gate);
		keeper_end(keeper);
	}
	keeper_forget_batch(keeper);
	keeper_free_bounds(keeper);
	isif_privileged_close(TAKE(keeper->gate));
	message_free(&keeper->request);
	message_free(&keeper->answer);
}
