/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "remote_parts.h"

#include "../lib/cleanup.h"

#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>

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

/* --- a transaction --- */

enum isif_error remote_begin(struct isif_privileged *gate, unsigned patience, const char **why)
{
	enum isif_error error;

	message_put_number(remote_question(gate, KEEPER_BEGIN), patience);
	error = remote_ask(gate);
	keep_why(remote_of(gate), why);
	return error;
}

enum isif_error remote_stage(struct isif_privileged *gate, const char *name, const char *text,
			     size_t length)
{
	struct message *message = remote_question(gate, KEEPER_STAGE);

	message_put_text(message, name);
	message_put_octets(message, text, length);
	return remote_ask(gate);
}

enum isif_error remote_commit(struct isif_privileged *gate, const struct isif_edit *edits,
			      size_t count, size_t *failed)
{
	enum isif_error error;

	protocol_put_edits(remote_question(gate, KEEPER_COMMIT), edits, count);
	error = remote_ask(gate);
	*failed = message_number_to(&remote_of(gate)->message, count);
	return error;
}

enum isif_error remote_undo(struct isif_privileged *gate)
{
	remote_question(gate, KEEPER_UNDO);
	return remote_ask(gate);
}

void remote_end(struct isif_privileged *gate)
{
	remote_question(gate, KEEPER_END);
	remote_ask(gate);
}

/* --- a batch --- */

void remote_settle(struct remote *remote)
{
	if (remote->batch_state != BATCH_WORKS)
		return;
	if (remote->gone || !message_receive(remote->socket, &remote->batch_answer, NULL)) {
		message_clear(&remote->batch_answer);
		remote->gone = true;
	}
	remote->batch_state = BATCH_ANSWERED;
}

static void forget_batch(struct remote *remote)
{
	remote->batch = NULL;
	remote->batch_state = BATCH_RESTS;
	cleanup_close_descriptor(&remote->batch_descriptor);
	cleanup_close_descriptor(&remote->readable);
	remote->batch_descriptor = remote->readable = -1;
}

/* Without an answer nothing is known but that each is made or is not. */
static void take_outcomes(struct remote *remote, struct message *message, enum isif_error error)
{
	bool good =
		!error && message_number_to(message, remote->batch_count) == remote->batch_count;

	for (size_t i = 0; i < remote->batch_count; i++) {
		enum isif_error outcome =
			(enum isif_error)message_number_to(message, ISIF_UNDO_FAILED);

		remote->batch[i].error = good && !message->failed ? outcome : ISIF_INCOMPLETE;
	}
}

enum isif_error remote_batch_begin(struct isif_privileged *gate, struct isif_edit *edits,
				   size_t count, const char **why)
{
	struct remote *remote = remote_of(gate);
	int descriptor = -1;
	enum isif_error error;

	if (remote->batch) {
		*why = "other records are being written";
		return ISIF_UNAVAILABLE;
	}
	protocol_put_edits(remote_question(gate, KEEPER_BATCH_BEGIN), edits, count);
	error = remote_ask_for(gate, &descriptor);
	keep_why(remote, why);
	if (error) {
		cleanup_close_descriptor(&descriptor);
		return error;
	}
	for (size_t i = 0; i < count; i++)
		edits[i].error = ISIF_INCOMPLETE; /* until its outcome is known */
	remote->batch = edits;
	remote->batch_count = count;
	remote->batch_descriptor = descriptor;
	remote->readable = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
	return ISIF_OK;
}

/* It is asked, and the caller comes back when there is an answer: a rename can wait for the disk.
 */
static bool is_answered(struct isif_privileged *gate, uint64_t deadline)
{
	struct remote *remote = remote_of(gate);
	struct pollfd answer = { .fd = remote->socket, .events = POLLIN };

	if (remote->gone)
		return true;
	if (remote->batch_state == BATCH_RESTS) {
		struct message *message = remote_question(gate, KEEPER_BATCH_WORK);

		message_put_number(message, deadline);
		remote->gone |= !message_send(remote->socket, message, -1);
		remote->batch_state = BATCH_WORKS;
	}
	if (remote->batch_state == BATCH_WORKS && poll(&answer, 1, 0) == 0)
		return false;
	remote_settle(remote);
	remote->batch_state = BATCH_RESTS;
	return true;
}

enum isif_error remote_batch_work(struct isif_privileged *gate, uint64_t deadline, unsigned *pause)
{
	struct remote *remote = remote_of(gate);
	struct message *answer = &remote->batch_answer;
	enum isif_error error;

	*pause = UINT_MAX;
	if (!remote->batch)
		return ISIF_INVALID;
	if (!is_answered(gate, deadline))
		return ISIF_INCOMPLETE;
	error = remote->gone ? ISIF_UNAVAILABLE
			     : (enum isif_error)message_number_to(answer, ISIF_UNDO_FAILED);
	*pause = (unsigned)message_number_to(answer, UINT_MAX);
	if (error != ISIF_INCOMPLETE && error != ISIF_LOCKED)
		take_outcomes(remote, answer, error);
	return error;
}

int remote_batch_descriptor(const struct isif_privileged *gate)
{
	const struct remote *remote = remote_of(gate);

	switch (remote->batch_state) {
	case BATCH_WORKS:
		return remote->socket;
	case BATCH_ANSWERED:
		return remote->readable;
	case BATCH_RESTS:
		break;
	}
	return remote->batch_descriptor;
}

void remote_batch_end(struct isif_privileged *gate)
{
	struct remote *remote = remote_of(gate);
	enum isif_error error;

	if (!remote->batch)
		return;
	remote_question(gate, KEEPER_BATCH_END);
	error = remote_ask(gate);
	take_outcomes(remote, &remote->message, error);
	forget_batch(remote);
}

enum isif_error remote_backup(struct isif_privileged *gate, const char **where)
{
	struct remote *remote = remote_of(gate);
	const char *text;
	enum isif_error error;

	cleanup_close_descriptor(&remote->backup);
	remote->backup = -1;
	remote_question(gate, KEEPER_BACKUP);
	error = remote_ask_for(gate, &remote->backup);
	if (error)
		return error;
	text = message_text(&remote->message);
	free(remote->where);
	remote->where = strdup(text ? text : "");
	*where = remote->where;
	return remote->where ? ISIF_OK : ISIF_NO_MEMORY;
}

int remote_backup_descriptor(const struct isif_privileged *gate)
{
	return remote_of(gate)->backup;
}
