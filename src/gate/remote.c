/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "remote.h"

#include "../lib/cleanup.h"
#include "protocol.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is begun, worked on and ended under a number of the other process's. */
struct run {
	struct run *next;
	unsigned number;
	int descriptor;
	char *output; /* of its outcome */
};

struct look {
	struct isif_look_disk *disks;
	size_t count;
};

struct remote {
	struct isif_privileged gate;
	int socket;
	bool gone;
	char *root;
	int change_descriptor;
	struct isif_changes changes;
	struct message message; /* what is asked, then what was answered */
	struct message record;	/* the answer with the record that was read last */
	char why[512];
	char *where;		 /* of the copy */
	int backup;		 /* descriptor, while it is being made */
	struct isif_edit *batch; /* the caller's */
	size_t batch_count;
	int batch_descriptor;
	struct run *runs;
	struct look looks[ISIF_LOOK_PURPOSES];
};

static struct remote *remote_of(struct isif_privileged *gate)
{
	return (struct remote *)(void *)gate;
}

static const struct remote *const_remote_of(const struct isif_privileged *gate)
{
	return (const struct remote *)(const void *)gate;
}

static struct message *question(struct isif_privileged *gate, enum keeper_operation operation)
{
	struct message *message = &remote_of(gate)->message;

	message_clear(message);
	message_put_number(message, operation);
	return message;
}

static void let_go(struct remote *remote)
{
	remote->gone = true;
}

/* Its answer replaces the question; a descriptor that comes along is the caller's, if it wants one.
 */
static enum isif_error ask_for(struct isif_privileged *gate, int *descriptor)
{
	struct remote *remote = remote_of(gate);
	int handed = -1;

	if (remote->message.failed)
		return ISIF_NO_MEMORY;
	if (!remote->gone && (!message_send(remote->socket, &remote->message, -1) ||
			      !message_receive(remote->socket, &remote->message, &handed)))
		let_go(remote);
	if (remote->gone) {
		message_clear(&remote->message);
		return ISIF_UNAVAILABLE;
	}
	if (descriptor)
		*descriptor = handed;
	else
		cleanup_close_descriptor(&handed);
	return (enum isif_error)message_number_to(&remote->message, ISIF_UNDO_FAILED);
}

static enum isif_error ask(struct isif_privileged *gate)
{
	return ask_for(gate, NULL);
}

/* Why something is not available; a text of ours, because the next answer replaces it. */
static void keep_why(struct remote *remote, const char **why)
{
	const char *text = message_text(&remote->message);

	snprintf(remote->why, sizeof(remote->why), "%s",
		 text		? text
		 : remote->gone ? "the privileged process is gone"
				: "");
	*why = remote->why;
}

/* --- reading --- */

static struct isif_directory_reading *
reading_of(struct message *message, struct isif_directory_reading *readings, size_t count)
{
	uint64_t number = message_number(message);

	if (number < count)
		return &readings[number];
	message->failed = true;
	return NULL;
}

static void take_record(struct message *message, struct isif_directory_reading *reading,
			const struct isif_directory_visitor *visitor)
{
	const char *name = message_some_text(message), *text = NULL;
	enum isif_error error = (enum isif_error)message_number_to(message, ISIF_UNDO_FAILED);
	size_t length = 0;

	if (message_number_to(message, true))
		text = message_octets(message, &length);
	if (!message->failed)
		visitor->record(reading, name, text, length, error);
}

static void take_end(struct message *message, struct isif_directory_reading *reading,
		     const struct isif_directory_visitor *visitor)
{
	reading->watch = (int)((int64_t)message_number_to(message, INT32_MAX) - 1);
	reading->error = (enum isif_error)message_number_to(message, ISIF_UNDO_FAILED);
	if (!message->failed)
		visitor->end(reading);
}

static void take_name(struct message *message, struct isif_directory_reading *reading,
		      void (*visit)(struct isif_directory_reading *reading, const char *name))
{
	const char *name = message_some_text(message);

	if (!message->failed)
		visit(reading, name);
}

/* True if that was the last one of all. */
static bool take_entry(struct message *message, struct isif_directory_reading *readings,
		       size_t count, const struct isif_directory_visitor *visitor)
{
	enum keeper_entry entry = (enum keeper_entry)message_number_to(message, KEEPER_ENTRY_LAST);
	struct isif_directory_reading *reading;

	if (message->failed || entry == KEEPER_ENTRY_LAST)
		return true;
	reading = reading_of(message, readings, count);
	if (!reading)
		return true;
	switch (entry) {
	case KEEPER_ENTRY_RECORD:
		take_record(message, reading, visitor);
		break;
	case KEEPER_ENTRY_DIRECTORY:
		take_name(message, reading, visitor->directory);
		break;
	case KEEPER_ENTRY_UNCHANGED:
		take_name(message, reading, visitor->unchanged);
		break;
	case KEEPER_ENTRY_END:
		take_end(message, reading, visitor);
		break;
	case KEEPER_ENTRY_LAST:
		break;
	}
	return message->failed;
}

/* All messages of the answer, to the last entry. */
static bool take_entries(struct remote *remote, struct isif_directory_reading *readings,
			 size_t count, const struct isif_directory_visitor *visitor)
{
	struct message *message = &remote->message;

	for (;;) {
		if (!message_receive(remote->socket, message, NULL))
			return false;
		while (message->at < message->length)
			if (take_entry(message, readings, count, visitor))
				return !message->failed;
	}
}

/* Each reading has its end, whatever comes: those that wait for it would wait for ever. */
static void end_all(struct isif_directory_reading *readings, size_t count,
		    const struct isif_directory_visitor *visitor)
{
	for (size_t i = 0; i < count; i++) {
		readings[i].error = ISIF_UNAVAILABLE;
		visitor->end(&readings[i]);
	}
}

static void read_directories(struct isif_privileged *gate, struct isif_directory_reading *readings,
			     size_t count, const struct isif_directory_visitor *visitor)
{
	struct remote *remote = remote_of(gate);
	struct message *message = question(gate, KEEPER_READ_DIRECTORIES);

	protocol_put_readings(message, readings, count);
	if (!remote->gone && message_send(remote->socket, message, -1) &&
	    take_entries(remote, readings, count, visitor))
		return;
	let_go(remote);
	end_all(readings, count, visitor);
}

static enum isif_error read_record(struct isif_privileged *gate, const char *path,
				   const char **text, size_t *length)
{
	struct remote *remote = remote_of(gate);
	struct message answer;
	enum isif_error error;

	message_put_text(question(gate, KEEPER_READ_RECORD), path);
	error = ask(gate);
	if (error)
		return error;
	/* It is valid until the next one is read: the answer stays, and the other one is used. */
	answer = remote->message;
	remote->message = remote->record;
	remote->record = answer;
	*text = message_octets(&remote->record, length);
	return *text ? ISIF_OK : ISIF_IO;
}

static enum isif_error read_initiatorname(struct isif_privileged *gate, char *buffer, size_t size)
{
	const char *text;
	enum isif_error error;

	question(gate, KEEPER_READ_INITIATORNAME);
	error = ask(gate);
	if (error)
		return error;
	text = message_some_text(&remote_of(gate)->message);
	if (!text || (size_t)snprintf(buffer, size, "%s", text) >= size)
		return ISIF_TOO_LONG;
	return ISIF_OK;
}

static int change_descriptor(const struct isif_privileged *gate)
{
	return const_remote_of(gate)->change_descriptor;
}

static bool next_change(struct isif_privileged *gate, struct isif_change *change)
{
	struct remote *remote = remote_of(gate);

	return isif_changes_next(&remote->changes, remote->change_descriptor, change);
}

static enum isif_error open_source(struct isif_privileged *gate, enum isif_source source,
				   const char *path, int *descriptor)
{
	enum isif_error error;

	(void)path; /* the other process knows the only one */
	message_put_number(question(gate, KEEPER_OPEN_SOURCE), source);
	error = ask_for(gate, descriptor);
	return error || *descriptor >= 0 ? error : ISIF_IO;
}

/* --- a transaction --- */

static enum isif_error begin(struct isif_privileged *gate, unsigned patience, const char **why)
{
	enum isif_error error;

	message_put_number(question(gate, KEEPER_BEGIN), patience);
	error = ask(gate);
	keep_why(remote_of(gate), why);
	return error;
}

static enum isif_error stage(struct isif_privileged *gate, const char *name, const char *text,
			     size_t length)
{
	struct message *message = question(gate, KEEPER_STAGE);

	message_put_text(message, name);
	message_put_octets(message, text, length);
	return ask(gate);
}

static enum isif_error commit(struct isif_privileged *gate, const struct isif_edit *edits,
			      size_t count, size_t *failed)
{
	enum isif_error error;

	protocol_put_edits(question(gate, KEEPER_COMMIT), edits, count);
	error = ask(gate);
	*failed = message_number_to(&remote_of(gate)->message, count);
	return error;
}

static enum isif_error undo(struct isif_privileged *gate)
{
	question(gate, KEEPER_UNDO);
	return ask(gate);
}

static void end(struct isif_privileged *gate)
{
	question(gate, KEEPER_END);
	ask(gate);
}

/* --- a batch --- */

static void forget_batch(struct remote *remote)
{
	remote->batch = NULL;
	cleanup_close_descriptor(&remote->batch_descriptor);
	remote->batch_descriptor = -1;
}

/* Without an answer nothing is known but that each is made or is not. */
static void take_outcomes(struct remote *remote, enum isif_error error)
{
	struct message *message = &remote->message;
	bool good =
		!error && message_number_to(message, remote->batch_count) == remote->batch_count;

	for (size_t i = 0; i < remote->batch_count; i++) {
		enum isif_error outcome =
			(enum isif_error)message_number_to(message, ISIF_UNDO_FAILED);

		remote->batch[i].error = good && !message->failed ? outcome : ISIF_INCOMPLETE;
	}
}

static enum isif_error batch_begin(struct isif_privileged *gate, struct isif_edit *edits,
				   size_t count, const char **why)
{
	struct remote *remote = remote_of(gate);
	int descriptor = -1;
	enum isif_error error;

	protocol_put_edits(question(gate, KEEPER_BATCH_BEGIN), edits, count);
	error = ask_for(gate, &descriptor);
	keep_why(remote, why);
	if (error) {
		cleanup_close_descriptor(&descriptor);
		return error;
	}
	remote->batch = edits;
	remote->batch_count = count;
	remote->batch_descriptor = descriptor;
	return ISIF_OK;
}

static enum isif_error batch_work(struct isif_privileged *gate, uint64_t deadline, unsigned *pause)
{
	struct remote *remote = remote_of(gate);
	enum isif_error error;

	message_put_number(question(gate, KEEPER_BATCH_WORK), deadline);
	error = ask(gate);
	*pause = (unsigned)message_number_to(&remote->message, UINT_MAX);
	if (error == ISIF_INCOMPLETE || error == ISIF_LOCKED)
		return error;
	if (remote->batch)
		take_outcomes(remote, error);
	return error;
}

static int batch_descriptor(const struct isif_privileged *gate)
{
	return const_remote_of(gate)->batch_descriptor;
}

static void batch_end(struct isif_privileged *gate)
{
	struct remote *remote = remote_of(gate);
	enum isif_error error;

	if (!remote->batch)
		return;
	question(gate, KEEPER_BATCH_END);
	error = ask(gate);
	take_outcomes(remote, error);
	forget_batch(remote);
}

static enum isif_error backup(struct isif_privileged *gate, const char **where)
{
	struct remote *remote = remote_of(gate);
	const char *text;
	enum isif_error error;

	cleanup_close_descriptor(&remote->backup);
	remote->backup = -1;
	question(gate, KEEPER_BACKUP);
	error = ask_for(gate, &remote->backup);
	if (error)
		return error;
	text = message_text(&remote->message);
	free(remote->where);
	remote->where = strdup(text ? text : "");
	*where = remote->where;
	return remote->where ? ISIF_OK : ISIF_NO_MEMORY;
}

static int backup_descriptor(const struct isif_privileged *gate)
{
	return const_remote_of(gate)->backup;
}

/* --- runs --- */

static struct run **find_run(struct remote *remote, unsigned number)
{
	struct run **place = &remote->runs;

	while (*place && (*place)->number != number)
		place = &(*place)->next;
	return place;
}

static void free_run(struct run *run)
{
	cleanup_close_descriptor(&run->descriptor);
	free(run->output);
	free(run);
}

/* The question that begins it is made; there is a place for it before there is a run. */
static enum isif_error begin_run(struct isif_privileged *gate, unsigned *number)
{
	struct remote *remote = remote_of(gate);
	struct run *run = calloc(1, sizeof(*run));
	enum isif_error error;

	if (!run)
		return ISIF_NO_MEMORY;
	run->descriptor = -1;
	error = ask_for(gate, &run->descriptor);
	if (error) {
		free_run(run);
		return error;
	}
	*number = run->number = (unsigned)message_number_to(&remote->message, UINT_MAX);
	run->next = remote->runs;
	remote->runs = run;
	return ISIF_OK;
}

static enum isif_error command_begin(struct isif_privileged *gate,
				     const struct isif_command *command, unsigned *number)
{
	protocol_put_command(question(gate, KEEPER_COMMAND_BEGIN), command);
	return begin_run(gate, number);
}

static enum isif_error port_begin(struct isif_privileged *gate,
				  const struct isif_port_request *request, unsigned *number)
{
	protocol_put_port(question(gate, KEEPER_PORT_BEGIN), request);
	return begin_run(gate, number);
}

static enum isif_error command_work(struct isif_privileged *gate, unsigned number,
				    struct isif_command_outcome *outcome)
{
	struct remote *remote = remote_of(gate);
	struct run *run = *find_run(remote, number);
	enum isif_error error;

	if (!run)
		return ISIF_NOT_FOUND;
	message_put_number(question(gate, KEEPER_COMMAND_WORK), number);
	error = ask(gate);
	if (error)
		return error;
	protocol_outcome(&remote->message, outcome);
	if (!message_is_read(&remote->message))
		return ISIF_IO;
	/* Borrowed until the run's end, by which there are other messages. */
	free(run->output);
	run->output = malloc(outcome->length + 1);
	if (!run->output)
		return ISIF_NO_MEMORY;
	memcpy(run->output, outcome->output, outcome->length + 1);
	outcome->output = run->output;
	return ISIF_OK;
}

static int command_descriptor(const struct isif_privileged *gate, unsigned number)
{
	for (const struct run *run = const_remote_of(gate)->runs; run; run = run->next)
		if (run->number == number)
			return run->descriptor;
	return -1;
}

static void command_end(struct isif_privileged *gate, unsigned number)
{
	struct run **place = find_run(remote_of(gate), number), *run = *place;

	if (!run)
		return;
	*place = run->next;
	free_run(run);
	message_put_number(question(gate, KEEPER_COMMAND_END), number);
	ask(gate);
}

/* --- looks --- */

static enum isif_error look_begin(struct isif_privileged *gate, enum isif_look_purpose purpose,
				  const uint32_t *sids, size_t count)
{
	struct message *message = question(gate, KEEPER_LOOK_BEGIN);

	message_put_number(message, purpose);
	message_put_number(message, count);
	for (size_t i = 0; i < count; i++)
		message_put_number(message, sids[i]);
	return ask(gate);
}

static enum isif_error look_work(struct isif_privileged *gate, enum isif_look_purpose purpose,
				 uint64_t deadline, unsigned *pause)
{
	struct remote *remote = remote_of(gate);
	struct message *message = question(gate, KEEPER_LOOK_WORK);
	struct look *look = &remote->looks[purpose];
	enum isif_error error;

	message_put_number(message, purpose);
	message_put_number(message, deadline);
	error = ask(gate);
	*pause = (unsigned)message_number_to(message, UINT_MAX);
	if (error)
		return error;
	free(look->disks);
	look->disks = protocol_disks(message, &look->count);
	return look->disks ? ISIF_OK : ISIF_IO;
}

static void look_result(const struct isif_privileged *gate, enum isif_look_purpose purpose,
			const struct isif_look_disk **disks, size_t *count)
{
	const struct look *look = &const_remote_of(gate)->looks[purpose];

	*disks = look->disks;
	*count = look->disks ? look->count : 0;
}

static void look_end(struct isif_privileged *gate, enum isif_look_purpose purpose)
{
	free(TAKE(remote_of(gate)->looks[purpose].disks));
	message_put_number(question(gate, KEEPER_LOOK_END), purpose);
	ask(gate);
}

/* --- the state directory --- */

static enum isif_error state_read(struct isif_privileged *gate, const char *name, char **text,
				  size_t *length)
{
	const char *octets;
	enum isif_error error;

	message_put_text(question(gate, KEEPER_STATE_READ), name);
	error = ask(gate);
	if (error)
		return error;
	octets = message_octets(&remote_of(gate)->message, length);
	if (!octets)
		return ISIF_IO;
	*text = malloc(*length + 1);
	if (!*text)
		return ISIF_NO_MEMORY;
	memcpy(*text, octets, *length + 1);
	return ISIF_OK;
}

static enum isif_error state_write(struct isif_privileged *gate, const char *name, const char *text,
				   size_t length)
{
	struct message *message = question(gate, KEEPER_STATE_WRITE);

	message_put_text(message, name);
	message_put_octets(message, text, length);
	return ask(gate);
}

static enum isif_error state_append(struct isif_privileged *gate, const char *name,
				    const char *text, size_t length, bool sync)
{
	struct message *message = question(gate, KEEPER_STATE_APPEND);

	message_put_text(message, name);
	message_put_octets(message, text, length);
	message_put_number(message, sync);
	return ask(gate);
}

/* --- its life --- */

static void close_remote(struct isif_privileged *gate)
{
	struct remote *remote = remote_of(gate);

	while (remote->runs) {
		struct run *run = remote->runs;

		remote->runs = run->next;
		free_run(run);
	}
	for (int purpose = 0; purpose < ISIF_LOOK_PURPOSES; purpose++)
		free(remote->looks[purpose].disks);
	cleanup_close_descriptor(&remote->socket);
	cleanup_close_descriptor(&remote->change_descriptor);
	cleanup_close_descriptor(&remote->batch_descriptor);
	cleanup_close_descriptor(&remote->backup);
	message_free(&remote->message);
	message_free(&remote->record);
	free(remote->where);
	free(remote->root);
	free(remote);
}

static const struct isif_privileged_operations operations = {
	.read_directories = read_directories,
	.read_record = read_record,
	.open_source = open_source,
	.read_initiatorname = read_initiatorname,
	.change_descriptor = change_descriptor,
	.next_change = next_change,
	.begin = begin,
	.commit = commit,
	.stage = stage,
	.undo = undo,
	.end = end,
	.batch_begin = batch_begin,
	.batch_work = batch_work,
	.batch_descriptor = batch_descriptor,
	.batch_end = batch_end,
	.backup = backup,
	.backup_descriptor = backup_descriptor,
	.command_begin = command_begin,
	.port_begin = port_begin,
	.command_work = command_work,
	.command_descriptor = command_descriptor,
	.command_end = command_end,
	.look_begin = look_begin,
	.look_work = look_work,
	.look_result = look_result,
	.look_end = look_end,
	.state_read = state_read,
	.state_write = state_write,
	.state_append = state_append,
	.close = close_remote,
};

static enum isif_error greet(struct remote *remote)
{
	const char *root;
	enum isif_error error;

	question(&remote->gate, KEEPER_HELLO);
	error = ask_for(&remote->gate, &remote->change_descriptor);
	if (error)
		return error;
	root = message_some_text(&remote->message);
	remote->root = root ? strdup(root) : NULL;
	remote->gate.root = remote->root;
	return remote->root ? ISIF_OK : ISIF_NO_MEMORY;
}

enum isif_error remote_open(int socket, struct isif_privileged **gate)
{
	struct remote *remote = calloc(1, sizeof(*remote));
	enum isif_error error;

	if (!remote) {
		close(socket);
		return ISIF_NO_MEMORY;
	}
	remote->gate.operations = &operations;
	remote->socket = socket;
	remote->change_descriptor = remote->batch_descriptor = remote->backup = -1;
	error = greet(remote);
	if (error)
		close_remote(&remote->gate);
	else
		*gate = &remote->gate;
	return error;
}

enum isif_error remote_name_master(struct isif_privileged *gate, const char *path)
{
	message_put_text(question(gate, KEEPER_MASTER), path);
	return ask(gate);
}

enum isif_error remote_ready(struct isif_privileged *gate)
{
	question(gate, KEEPER_READY);
	return ask(gate);
}

bool remote_is_gone(const struct isif_privileged *gate)
{
	return const_remote_of(gate)->gone;
}
