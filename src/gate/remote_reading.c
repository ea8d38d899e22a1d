/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "remote_parts.h"

#include "../lib/cleanup.h"

#include <stdlib.h>

/* What is asked for, and which of it was told to its end: that comes once, and nothing after it. */
struct incoming {
	struct message *message;
	struct isif_directory_reading *readings;
	size_t count, left;
	bool *ended;
	const struct isif_directory_visitor *visitor;
};

static void end(struct incoming *incoming, struct isif_directory_reading *reading)
{
	incoming->ended[reading - incoming->readings] = true;
	incoming->left--;
	incoming->visitor->end(reading);
}

static struct isif_directory_reading *reading_of(const struct incoming *incoming)
{
	uint64_t number = message_number(incoming->message);

	if (number < incoming->count && !incoming->ended[number])
		return &incoming->readings[number];
	incoming->message->failed = true;
	return NULL;
}

static void take_record(const struct incoming *incoming, struct isif_directory_reading *reading)
{
	struct message *message = incoming->message;
	const char *name = message_some_text(message), *text = NULL;
	enum isif_error error = (enum isif_error)message_number_to(message, ISIF_UNDO_FAILED);
	size_t length = 0;

	if (message_number_to(message, true))
		text = message_octets(message, &length);
	if (!message->failed)
		incoming->visitor->record(reading, name, text, length, error);
}

static void take_end(struct incoming *incoming, struct isif_directory_reading *reading)
{
	struct message *message = incoming->message;

	reading->watch = (int)((int64_t)message_number_to(message, INT32_MAX) - 1);
	reading->error = (enum isif_error)message_number_to(message, ISIF_UNDO_FAILED);
	if (!message->failed)
		end(incoming, reading);
}

static void take_name(struct message *message, struct isif_directory_reading *reading,
		      void (*visit)(struct isif_directory_reading *reading, const char *name))
{
	const char *name = message_some_text(message);

	if (!message->failed)
		visit(reading, name);
}

/* True if that was the last one of all. */
static bool take_entry(struct incoming *incoming)
{
	struct message *message = incoming->message;
	enum keeper_entry entry = (enum keeper_entry)message_number_to(message, KEEPER_ENTRY_LAST);
	struct isif_directory_reading *reading;

	if (message->failed || entry == KEEPER_ENTRY_LAST)
		return true;
	reading = reading_of(incoming);
	if (!reading)
		return true;
	switch (entry) {
	case KEEPER_ENTRY_RECORD:
		take_record(incoming, reading);
		break;
	case KEEPER_ENTRY_DIRECTORY:
		take_name(message, reading, incoming->visitor->directory);
		break;
	case KEEPER_ENTRY_UNCHANGED:
		take_name(message, reading, incoming->visitor->unchanged);
		break;
	case KEEPER_ENTRY_END:
		take_end(incoming, reading);
		break;
	case KEEPER_ENTRY_LAST:
		break;
	}
	return message->failed;
}

/* All messages of the answer, to the last entry; false: not all of it came. */
static bool take_entries(struct remote *remote, struct incoming *incoming)
{
	struct message *message = incoming->message;

	for (;;) {
		if (!message_receive(remote->socket, message, NULL))
			return false;
		while (message->at < message->length)
			if (take_entry(incoming))
				return !message->failed && !incoming->left;
	}
}

/* Each reading has its end, whatever comes: those that wait for it would wait for ever. */
static void end_all(struct incoming *incoming)
{
	for (size_t i = 0; i < incoming->count; i++) {
		if (incoming->ended[i])
			continue;
		incoming->readings[i].error = ISIF_UNAVAILABLE;
		end(incoming, &incoming->readings[i]);
	}
}

void remote_read_directories(struct isif_privileged *gate, struct isif_directory_reading *readings,
			     size_t count, const struct isif_directory_visitor *visitor)
{
	struct remote *remote = remote_of(gate);
	struct message *message = remote_question(gate, KEEPER_READ_DIRECTORIES);
	bool *CLEANUP_FREE ended = calloc(count + 1, sizeof(*ended));
	struct incoming incoming = { message, readings, count, count, ended, visitor };

	for (size_t i = 0; !ended && i < count; i++) {
		readings[i].error = ISIF_NO_MEMORY;
		visitor->end(&readings[i]);
	}
	if (!ended)
		return;
	protocol_put_readings(message, readings, count);
	remote_settle(remote);
	if (!remote->gone && message_send(remote->socket, message, -1) &&
	    take_entries(remote, &incoming))
		return;
	remote->gone = true;
	end_all(&incoming);
}

enum isif_error remote_read_record(struct isif_privileged *gate, const char *path,
				   const char **text, size_t *length)
{
	struct remote *remote = remote_of(gate);
	struct message answer;
	enum isif_error error;

	message_put_text(remote_question(gate, KEEPER_READ_RECORD), path);
	error = remote_ask(gate);
	if (error)
		return error;
	/* It is valid until the next one is read: the answer stays, and the other one is used. */
	answer = remote->message;
	remote->message = remote->record;
	remote->record = answer;
	*text = message_octets(&remote->record, length);
	return *text ? ISIF_OK : ISIF_IO;
}
