/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "record_edit.h"

#include "record.h"
#include "record_pieces.h"

#include <stdio.h>

void record_text_clear(struct record_text *text)
{
	if (text->octets)
		explicit_bzero(text->octets, text->length);
	free(text->octets);
	*text = (struct record_text){ 0 };
}

static enum isif_error change(struct record_pieces *pieces, const struct isif_edit_line *line)
{
	struct record_slice key = record_slice(line->key), present;
	enum isif_error error = record_check_line(line);

	if (!error)
		error = record_pieces_value(pieces, key, &present);
	if (error)
		return error;
	if (line->old && (strlen(line->old) != present.length ||
			  memcmp(line->old, present.text, present.length)))
		return ISIF_CHANGED;
	return record_pieces_set(pieces, key, record_slice(line->fresh));
}

enum isif_error record_edit(const char *text, size_t length, const struct isif_edit_line *lines,
			    size_t count, struct record_text *edited)
{
	CLEANUP_PIECES struct record_pieces pieces = { 0 };
	enum isif_error error;

	*edited = (struct record_text){ 0 };
	if (!isif_record_is_complete(text, length))
		return ISIF_INCOMPLETE;
	error = record_pieces_read(&pieces, text, length);
	for (size_t i = 0; i < count && !error; i++)
		error = change(&pieces, &lines[i]);
	return error ? error : record_pieces_join(&pieces, edited);
}

/* The value that open-iscsi reads for a key, as a string; false if there is none. */
static bool value_of(const char *text, size_t length, const char *key, char value[ISIF_VALUE_SIZE])
{
	const char *end = text + length, *next, *line_end;
	size_t key_length = strlen(key);

	*value = '\0';
	for (const char *line = text; line < end; line = next) {
		struct record_span span;

		next = record_next_line(line, end, &line_end);
		if (!line_end || record_read_line(line, line_end, &span) != RECORD_LINE_SETTING ||
		    span.key_length != key_length || memcmp(span.key, key, key_length))
			continue;
		memcpy(value, span.value, span.value_length);
		value[span.value_length] = '\0';
	}
	return *value;
}

bool record_link_folder(const char *text, size_t length, char *folder, size_t size)
{
	char type[ISIF_VALUE_SIZE], address[ISIF_VALUE_SIZE], port[ISIF_VALUE_SIZE];
	const char *parent;
	int written;

	if (!value_of(text, length, "node.discovery_type", type))
		return false;
	if (!strcmp(type, "static") || !strcmp(type, "fw"))
		return snprintf(folder, size, "%s", type) < (int)size;
	if (!strcmp(type, "send_targets"))
		parent = "send_targets";
	else if (!strcmp(type, "isns"))
		parent = "isns";
	else
		return false;
	/* It becomes a path: what could lead elsewhere is no address and no port. */
	if (!value_of(text, length, "node.discovery_address", address) || strchr(address, '/') ||
	    !value_of(text, length, "node.discovery_port", port) ||
	    port[strspn(port, "0123456789")])
		return false;
	written = snprintf(folder, size, "%s/%s,%s", parent, address, port);
	return written > 0 && written < (int)size;
}
