/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "question.h"

#include <stdlib.h>
#include <string.h>

static const char *const names[KEEPER_OPERATIONS] = {
	[KEEPER_HELLO] = "hello",
	[KEEPER_READY] = "ready",
	[KEEPER_READ_DIRECTORIES] = "directories",
	[KEEPER_READ_RECORD] = "record",
	[KEEPER_READ_INITIATORNAME] = "initiatorname",
	[KEEPER_OPEN_SOURCE] = "source",
	[KEEPER_BEGIN] = "begin",
	[KEEPER_STAGE] = "stage",
	[KEEPER_COMMIT] = "commit",
	[KEEPER_UNDO] = "undo",
	[KEEPER_END] = "end",
	[KEEPER_BATCH_BEGIN] = "batch-begin",
	[KEEPER_BATCH_WORK] = "batch-work",
	[KEEPER_BATCH_END] = "batch-end",
	[KEEPER_BACKUP] = "backup",
	[KEEPER_COMMAND_BEGIN] = "command",
	[KEEPER_PORT_BEGIN] = "port",
	[KEEPER_COMMAND_WORK] = "work",
	[KEEPER_COMMAND_END] = "forget",
	[KEEPER_LOOK_BEGIN] = "look",
	[KEEPER_LOOK_WORK] = "look-work",
	[KEEPER_LOOK_END] = "look-end",
	[KEEPER_STATE_READ] = "read",
	[KEEPER_STATE_WRITE] = "write",
	[KEEPER_STATE_APPEND] = "append",
};

static size_t word_length(const struct fuzz_input *line)
{
	const char *blank = memchr(line->at, ' ', (size_t)(line->end - line->at));

	return (size_t)((blank ? blank : line->end) - line->at);
}

uint64_t question_operation(struct fuzz_input *line)
{
	size_t length = word_length(line);

	for (int i = 0; i < KEEPER_OPERATIONS; i++) {
		if (strlen(names[i]) != length || memcmp(names[i], line->at, length) != 0)
			continue;
		line->at += length;
		return (uint64_t)i;
	}
	return fuzz_take_number(line);
}

static int digit(char octet)
{
	static const char digits[] = "0123456789abcdef";
	const char *place = octet ? strchr(digits, octet) : NULL;

	return place ? (int)(place - digits) : -1;
}

/* Two digits, stepped over; false if there are none. */
static bool take_octet(struct fuzz_input *line, char *octet)
{
	int high = line->end - line->at < 2 ? -1 : digit(line->at[0]);
	int low = high < 0 ? -1 : digit(line->at[1]);

	if (low < 0)
		return false;
	*octet = (char)(high << 4 | low);
	line->at += 2;
	return true;
}

/* The octets of a text, up to a blank. */
static struct fuzz_text take_text(struct fuzz_input *line)
{
	struct fuzz_text text = fuzz_copy(line->at, word_length(line));

	for (text.length = 0; line->at < line->end && *line->at != ' '; text.length++) {
		char octet = *line->at++;

		if (octet == '%')
			take_octet(line, &octet);
		text.octets[text.length] = octet;
	}
	text.octets[text.length] = '\0';
	return text;
}

char *question_text(struct fuzz_input *line)
{
	fuzz_skip_blanks(line);
	if (!(line->at < line->end && *line->at == '\''))
		return NULL;
	line->at++;
	return take_text(line).octets;
}

static void take_octets(struct fuzz_input *line, struct message *message)
{
	char octet;

	while (take_octet(line, &octet)) {
		uint8_t *room = message_room(message, 1);

		MUST(room);
		*room = (uint8_t)octet;
	}
}

static void cut(struct message *message, uint64_t length)
{
	message->length -= length < message->length ? (size_t)length : message->length;
}

struct question_frame question_read(struct fuzz_input *line, struct message *message)
{
	struct question_frame frame = { 0 };
	struct fuzz_text text;

	for (fuzz_skip_blanks(line); line->at < line->end; fuzz_skip_blanks(line)) {
		char word = *line->at;

		if (word == '-' || (word >= '0' && word <= '9')) {
			message_put_number(message, fuzz_take_number(line));
			continue;
		}
		line->at++;
		if (word == '|')
			break;
		if (word == '\'') {
			text = take_text(line);
			message_put_octets(message, text.octets, text.length);
			fuzz_free(&text);
		} else if (word == 'x') {
			take_octets(line, message);
		} else if (word == '<') {
			cut(message, fuzz_take_number(line));
		} else if (word == '>') {
			frame.more = (uint32_t)fuzz_take_number(line);
		} else if (word == '@') {
			frame.descriptor = true;
		}
	}
	return frame;
}
