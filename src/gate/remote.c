/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "remote_parts.h"

#include "../lib/cleanup.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- questions and answers --- */

struct message *remote_question(struct isif_privileged *gate, enum keeper_operation operation)
{
	struct message *message = &remote_of(gate)->message;

	message_clear(message);
	message_put_number(message, operation);
	return message;
}

/* Its answer replaces the question; a descriptor that comes along is the caller's, if it wants one.
 */
enum isif_error remote_ask_for(struct isif_privileged *gate, int *descriptor)
{
	struct remote *remote = remote_of(gate);
	int handed = -1;

	if (remote->message.failed)
		return ISIF_NO_MEMORY;
	remote_settle(remote);
	if (!remote->gone && (!message_send(remote->socket, &remote->message, -1) ||
			      !message_receive(remote->socket, &remote->message, &handed)))
		remote->gone = true;
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

enum isif_error remote_ask(struct isif_privileged *gate)
{
	return remote_ask_for(gate, NULL);
}

/* --- what is asked and answered at once --- */

static enum isif_error read_initiatorname(struct isif_privileged *gate, char *buffer, size_t size)
{
	const char *text;
	enum isif_error error;

	remote_question(gate, KEEPER_READ_INITIATORNAME);
	error = remote_ask(gate);
	if (error)
		return error;
	text = message_some_text(&remote_of(gate)->message);
	if (!text || (size_t)snprintf(buffer, size, "%s", text) >= size)
		return ISIF_TOO_LONG;
	return ISIF_OK;
}

static int change_descriptor(const struct isif_privileged *gate)
{
	return remote_of(gate)->change_descriptor;
}

static bool next_change(struct isif_privileged *gate, struct isif_change *change)
{
	struct remote *remote = remote_of(gate);

	return isif_changes_next(&remote->changes, remote->change_descriptor, change);
}

static enum isif_error open_source(struct isif_privileged *gate, enum isif_source source,
				   const char *path, int *descriptor)
{
	CLEANUP_CLOSE int handed = -1;
	enum isif_error error;

	(void)path; /* the other process knows the only one */
	message_put_number(remote_question(gate, KEEPER_OPEN_SOURCE), source);
	error = remote_ask_for(gate, &handed);
	if (error)
		return error;
	*descriptor = TAKE_DESCRIPTOR(handed);
	return *descriptor >= 0 ? ISIF_OK : ISIF_IO;
}

/* --- the state directory --- */

static enum isif_error state_read(struct isif_privileged *gate, const char *name, char **text,
				  size_t *length)
{
	const char *octets;
	enum isif_error error;

	message_put_text(remote_question(gate, KEEPER_STATE_READ), name);
	error = remote_ask(gate);
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
	struct message *message = remote_question(gate, KEEPER_STATE_WRITE);

	message_put_text(message, name);
	message_put_octets(message, text, length);
	return remote_ask(gate);
}

static enum isif_error state_append(struct isif_privileged *gate, const char *name,
				    const char *text, size_t length, bool sync)
{
	struct message *message = remote_question(gate, KEEPER_STATE_APPEND);

	message_put_text(message, name);
	message_put_octets(message, text, length);
	message_put_number(message, sync);
	return remote_ask(gate);
}

/* --- its life --- */

static void close_remote(struct isif_privileged *gate)
{
	struct remote *remote = remote_of(gate);

	while (remote->runs) {
		struct remote_run *run = remote->runs;

		remote->runs = run->next;
		remote_free_run(run);
	}
	for (int purpose = 0; purpose < ISIF_LOOK_PURPOSES; purpose++)
		free(remote->looks[purpose].disks);
	cleanup_close_descriptor(&remote->socket);
	cleanup_close_descriptor(&remote->change_descriptor);
	cleanup_close_descriptor(&remote->batch_descriptor);
	cleanup_close_descriptor(&remote->backup);
	cleanup_close_descriptor(&remote->queue);
	cleanup_close_descriptor(&remote->readable);
	message_free(&remote->message);
	message_free(&remote->record);
	message_free(&remote->batch_answer);
	free(remote->where);
	free(remote->root);
	free(remote);
}

static const struct isif_privileged_operations operations = {
	.read_directories = remote_read_directories,
	.read_record = remote_read_record,
	.open_source = open_source,
	.read_initiatorname = read_initiatorname,
	.change_descriptor = change_descriptor,
	.next_change = next_change,
	.begin = remote_begin,
	.commit = remote_commit,
	.stage = remote_stage,
	.undo = remote_undo,
	.end = remote_end,
	.batch_begin = remote_batch_begin,
	.batch_work = remote_batch_work,
	.batch_descriptor = remote_batch_descriptor,
	.batch_end = remote_batch_end,
	.backup = remote_backup,
	.backup_descriptor = remote_backup_descriptor,
	.command_begin = remote_command_begin,
	.port_begin = remote_port_begin,
	.port_descriptor = remote_port_descriptor,
	.command_work = remote_command_work,
	.command_descriptor = remote_command_descriptor,
	.command_end = remote_command_end,
	.look_begin = remote_look_begin,
	.look_work = remote_look_work,
	.look_result = remote_look_result,
	.look_end = remote_look_end,
	.state_read = state_read,
	.state_write = state_write,
	.state_append = state_append,
	.close = close_remote,
};

static bool has_hung_up(const struct remote *remote)
{
	struct pollfd end = { .fd = remote->socket };

	return poll(&end, 1, 0) > 0 && end.revents;
}

static enum isif_error greet(struct remote *remote)
{
	const char *root;
	enum isif_error error;

	remote_question(&remote->gate, KEEPER_HELLO);
	error = remote_ask_for(&remote->gate, &remote->change_descriptor);
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
	remote->change_descriptor = remote->batch_descriptor = remote->backup = remote->queue =
		remote->readable = -1;
	error = message_clear(&remote->message) && message_clear(&remote->record) ? greet(remote)
										  : ISIF_NO_MEMORY;
	/* Who hangs up says why; who does not is not heard. */
	if (error == ISIF_UNAVAILABLE && !has_hung_up(remote))
		error = ISIF_IO;
	if (error)
		close_remote(&remote->gate);
	else
		*gate = &remote->gate;
	return error;
}

enum isif_error remote_ready(struct isif_privileged *gate)
{
	remote_question(gate, KEEPER_READY);
	return remote_ask(gate);
}

bool remote_is_gone(const struct isif_privileged *gate)
{
	return remote_of(gate)->gone || has_hung_up(remote_of(gate));
}

int remote_descriptor(const struct isif_privileged *gate)
{
	return remote_of(gate)->socket;
}
