/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Records on their way out. They are many, and a start waits for them: what was read goes out in
 * pieces, so that the other process takes in one while the next is read.
 */
#include "keeper.h"

#include <stdlib.h>

#define PIECE 65536 /* octets after which what was read goes out */

struct outgoing {
	struct keeper *keeper;
	const struct isif_directory_reading *readings;
	bool gone; /* nobody takes it any more */
};

static void put_entry(struct isif_directory_reading *reading, enum keeper_entry entry)
{
	const struct outgoing *outgoing = reading->context;
	struct message *answer = &outgoing->keeper->answer;

	message_put_number(answer, entry);
	message_put_number(answer, (uint64_t)(reading - outgoing->readings));
}

static void send_piece(struct outgoing *outgoing)
{
	struct message *answer = &outgoing->keeper->answer;

	outgoing->gone |= !message_send(outgoing->keeper->socket, answer, -1);
	message_clear(answer);
}

static void put_name(struct isif_directory_reading *reading, enum keeper_entry entry,
		     const char *name)
{
	const struct outgoing *outgoing = reading->context;

	put_entry(reading, entry);
	message_put_text(&outgoing->keeper->answer, name);
}

static void record(struct isif_directory_reading *reading, const char *name, const char *text,
		   size_t length, enum isif_error error)
{
	struct outgoing *outgoing = reading->context;
	struct message *answer = &outgoing->keeper->answer;

	put_name(reading, KEEPER_ENTRY_RECORD, name);
	message_put_number(answer, error);
	message_put_number(answer, text != NULL);
	if (text)
		message_put_octets(answer, text, length);
	if (answer->length >= PIECE)
		send_piece(outgoing);
}

static void directory(struct isif_directory_reading *reading, const char *name)
{
	put_name(reading, KEEPER_ENTRY_DIRECTORY, name);
}

static void unchanged(struct isif_directory_reading *reading, const char *name)
{
	put_name(reading, KEEPER_ENTRY_UNCHANGED, name);
}

static void end(struct isif_directory_reading *reading)
{
	struct outgoing *outgoing = reading->context;
	struct message *answer = &outgoing->keeper->answer;

	put_entry(reading, KEEPER_ENTRY_END);
	message_put_number(answer, (uint64_t)((int64_t)reading->watch + 1));
	message_put_number(answer, reading->error);
	if (answer->length >= PIECE)
		send_piece(outgoing);
}

bool keeper_read_directories(struct keeper *keeper)
{
	static const struct isif_directory_visitor visitor = {
		.record = record, .directory = directory, .end = end, .unchanged = unchanged
	};
	size_t count;
	struct isif_directory_reading *readings = protocol_readings(&keeper->request, &count);
	struct outgoing outgoing = { .keeper = keeper, .readings = readings };

	for (size_t i = 0; readings && i < count; i++)
		readings[i].context = &outgoing;
	message_clear(&keeper->answer);
	if (readings)
		keeper->gate->operations->read_directories(keeper->gate, readings, count, &visitor);
	message_put_number(&keeper->answer, KEEPER_ENTRY_LAST);
	send_piece(&outgoing);
	free(readings);
	return readings && !outgoing.gone;
}
