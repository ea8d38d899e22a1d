/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "remote_parts.h"

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

void remote_read_directories(struct isif_privileged *gate, struct isif_directory_reading *readings,
			     size_t count, const struct isif_directory_visitor *visitor)
{
	struct remote *remote = remote_of(gate);
	struct message *message = remote_question(gate, KEEPER_READ_DIRECTORIES);

	protocol_put_readings(message, readings, count);
	remote_settle(remote);
	if (!remote->gone && message_send(remote->socket, message, -1) &&
	    take_entries(remote, readings, count, visitor))
		return;
	remote->gone = true;
	end_all(readings, count, visitor);
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
