/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "record.h"

#include "cleanup.h"
#include "hash.h"

#include <string.h>

static const char end_line[] = "# END RECORD";

bool isif_record_is_complete(const char *text, size_t length)
{
	size_t end = sizeof(end_line) - 1;

	while (length && record_is_space(text[length - 1]))
		length--;
	return length >= end && !memcmp(text + length - end, end_line, end) &&
	       (length == end || text[length - end - 1] == '\n');
}

static inline bool begins(const char *text, size_t length, const char *prefix)
{
	size_t prefix_length = strlen(prefix);

	return length >= prefix_length && !memcmp(text, prefix, prefix_length);
}

bool isif_record_is_secret(const char *key, size_t length)
{
	return begins(key, length, "node.session.auth.") ||
	       memmem(key, length, "password", strlen("password")) ||
	       (begins(key, length, "discovery.") &&
		memmem(key, length, ".auth.", strlen(".auth.")));
}

const char *record_next_line(const char *at, const char *end, const char **line_end)
{
	size_t left = (size_t)(end - at);
	size_t piece = left < ISIF_LINE_SIZE - 1 ? left : ISIF_LINE_SIZE - 1;
	const char *newline = memchr(at, '\n', piece);

	*line_end = newline;
	return newline ? newline + 1 : at + piece;
}

/* The key of a line; without '=' all of it: half a line may be half a secret. */
static size_t key_length(const char *line, const char *end)
{
	const char *equals = memchr(line, '=', (size_t)(end - line));

	return (size_t)((equals && equals > line ? equals : end) - line);
}

static bool holds_secret(const char *line, const char *end, bool password)
{
	while (line < end && record_is_space(*line))
		line++;
	return (password || begins(line, (size_t)(end - line), "node.session.auth.") ||
		begins(line, (size_t)(end - line), "discovery.")) &&
	       isif_record_is_secret(line, key_length(line, end));
}

void isif_record_drop_secrets(char *text, size_t length)
{
	const char *end = text + length, *next, *newline;
	bool secret = false, goes_on = false;
	/* Ten thousand records are read at a start: look for the rare word once, not per line. */
	bool password = memmem(text, length, "password", strlen("password"));

	for (const char *line = text; line < end; line = next) {
		const char *line_end;

		next = record_next_line(line, end, &newline);
		line_end = newline ? newline : next;
		/* What follows a piece of a secret's line belongs to it. */
		secret = (goes_on && secret) || holds_secret(line, line_end, password);
		goes_on = !newline;
		if (secret)
			memset(text + (line - text), '#', (size_t)(line_end - line));
	}
}

enum record_line_kind record_read_line(const char *line, const char *end, struct record_span *span)
{
	while (line < end && record_is_space(*line))
		line++;
	if (line == end || *line == '#')
		return RECORD_LINE_NOTHING;
	span->key = line;
	while (line < end && !record_is_space(*line) && *line != '=')
		line++;
	span->key_length = (size_t)(line - span->key);
	if (line == end)
		return RECORD_LINE_REFUSED;
	line++;
	while (line < end && record_is_space(*line))
		line++;
	if (line < end && *line != '=')
		return RECORD_LINE_REFUSED;
	if (line < end)
		line++;
	while (line < end && record_is_space(*line))
		line++;
	while (end > line && record_is_space(end[-1]))
		end--;
	if (line == end)
		return RECORD_LINE_NOTHING;
	span->value = line;
	span->value_length = (size_t)(end - line);
	if (span->key_length >= ISIF_KEY_SIZE || span->value_length >= ISIF_VALUE_SIZE ||
	    memchr(span->key, '\0', (size_t)(line - span->key) + span->value_length))
		return RECORD_LINE_REFUSED;
	return RECORD_LINE_SETTING;
}

/* What a parse has found so far: counted in a first pass, stored in a second. */
struct sink {
	struct isif_record *record; /* NULL in the first pass */
	char *text;
	uint32_t count, ignored;
	size_t octets;
};

static void store(struct sink *sink, const struct record_span *span)
{
	struct isif_record_line *line;

	sink->octets += span->key_length + span->value_length + 2;
	if (!sink->record) {
		sink->count++;
		return;
	}
	line = &sink->record->lines[sink->count++];
	line->key = memcpy(sink->text, span->key, span->key_length);
	sink->text[span->key_length] = '\0';
	sink->text += span->key_length + 1;
	line->value = memcpy(sink->text, span->value, span->value_length);
	sink->text[span->value_length] = '\0';
	sink->text += span->value_length + 1;
}

static void scan(const char *text, size_t length, const char *prefix, struct sink *sink)
{
	const char *end = text + length, *line_end, *next;

	for (const char *line = text; line < end; line = next) {
		struct record_span span;
		enum record_line_kind kind;

		next = record_next_line(line, end, &line_end);
		if (!line_end) {
			sink->ignored++;
			continue;
		}
		kind = record_read_line(line, line_end, &span);
		if (kind == RECORD_LINE_REFUSED)
			sink->ignored++;
		else if (kind == RECORD_LINE_SETTING && begins(span.key, span.key_length, prefix) &&
			 !isif_record_is_secret(span.key, span.key_length))
			store(sink, &span);
	}
}

enum isif_error isif_record_parse(const char *text, size_t length, const char *prefix,
				  struct isif_record **record)
{
	struct sink sizes = { 0 }, sink = { 0 };
	char *strings;

	if (length > ISIF_RECORD_SIZE)
		return ISIF_TOO_LONG;
	scan(text, length, prefix, &sizes);
	*record = malloc(sizeof(**record) + sizes.count * sizeof(*(*record)->lines) + sizes.octets);
	if (!*record)
		return ISIF_NO_MEMORY;
	strings = (char *)&(*record)->lines[sizes.count];
	sink.record = *record;
	sink.text = strings;
	scan(text, length, prefix, &sink);
	(*record)->references = 1;
	(*record)->count = sink.count;
	(*record)->ignored = sink.ignored;
	(*record)->hash = hash_octets(0, strings, sink.octets);
	return ISIF_OK;
}

const char *isif_record_value(const struct isif_record *record, const char *key)
{
	for (uint32_t i = record->count; i-- > 0;)
		if (!strcmp(record->lines[i].key, key))
			return record->lines[i].value;
	return NULL;
}

const char *record_setting(const struct isif_record *record, const char *setting)
{
	static const char prefix[] = "iface.";
	const size_t length = sizeof(prefix) - 1;

	for (uint32_t i = record->count; i-- > 0;) {
		const char *key = record->lines[i].key;

		if (!strncmp(key, prefix, length) && !strcmp(key + length, setting))
			return record->lines[i].value;
	}
	return "";
}

static bool contains_settings_of(const struct isif_record *a, const struct isif_record *b)
{
	for (uint32_t i = 0; i < b->count; i++) {
		const char *key = b->lines[i].key;
		const char *one = isif_record_value(a, key), *other = isif_record_value(b, key);

		if (!one || strcmp(one, other))
			return false;
	}
	return true;
}

bool isif_record_same_settings(const struct isif_record *a, const struct isif_record *b)
{
	return a == b || (contains_settings_of(a, b) && contains_settings_of(b, a));
}

struct isif_record *isif_record_hold(struct isif_record *record)
{
	if (record)
		record->references++;
	return record;
}

void isif_record_release(struct isif_record *record)
{
	if (record && --record->references == 0)
		free(record);
}
