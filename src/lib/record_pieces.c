/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "record_pieces.h"

#include "array.h"
#include "node_setting.h"
#include "record.h"
#include "words.h"

#include <isif/setting.h>

#include <limits.h>

static bool same(struct record_slice a, struct record_slice b)
{
	return a.length == b.length && !memcmp(a.text, b.text, a.length);
}

static bool begins(struct record_slice slice, const char *prefix)
{
	size_t length = strlen(prefix);

	return slice.length >= length && !memcmp(slice.text, prefix, length);
}

static struct record_slice between(const char *from, const char *to)
{
	return (struct record_slice){ from, (size_t)(to - from) };
}

static void cut_piece(const char *text, const char *end, const char *next,
		      struct record_piece *piece)
{
	struct record_span span;
	enum record_line_kind kind = record_read_line(text, end, &span);

	piece->setting = kind == RECORD_LINE_SETTING;
	piece->lead = between(text, next);
	/* The key of half a line is of interest even if the half is refused. */
	if (kind == RECORD_LINE_NOTHING || (kind == RECORD_LINE_REFUSED && piece->whole))
		return;
	piece->lead = between(text, span.key);
	piece->key = (struct record_slice){ span.key, span.key_length };
	piece->tail = between(span.key + span.key_length, next);
	if (!piece->setting)
		return;
	piece->separator = between(span.key + span.key_length, span.value);
	piece->value = (struct record_slice){ span.value, span.value_length };
	piece->tail = between(span.value + span.value_length, next);
}

enum isif_error record_pieces_read(struct record_pieces *pieces, const char *text, size_t length)
{
	const char *end = text + length, *next, *line_end;
	bool goes_on = false;

	*pieces = (struct record_pieces){ .newline = "\n" };
	if (length > ISIF_RECORD_SIZE)
		return ISIF_TOO_LONG;
	for (const char *at = text; at < end; at = next) {
		struct record_piece piece = { 0 };

		if (!array_reserve(&pieces->all, &pieces->size, pieces->count, sizeof(piece)))
			return ISIF_NO_MEMORY;
		next = record_next_line(at, end, &line_end);
		piece.whole = line_end && !goes_on;
		cut_piece(at, line_end ? line_end : next, next, &piece);
		if (!line_end)
			piece.setting = false;
		if (!pieces->count && line_end && line_end > at && line_end[-1] == '\r')
			pieces->newline = "\r\n";
		pieces->node = pieces->node || begins(piece.key, "node.");
		pieces->all[pieces->count++] = piece;
		goes_on = !line_end;
	}
	return ISIF_OK;
}

void record_pieces_remove(struct record_pieces *pieces, size_t at)
{
	pieces->count--;
	memmove(&pieces->all[at], &pieces->all[at + 1],
		(pieces->count - at) * sizeof(*pieces->all));
}

/* The last line of a key, NULL if it has none. */
static enum isif_error find(const struct record_pieces *pieces, struct record_slice key,
			    struct record_piece **found)
{
	*found = NULL;
	for (size_t i = 0; i < pieces->count; i++) {
		struct record_piece *piece = &pieces->all[i];

		if (!same(piece->key, key))
			continue;
		if (!piece->whole)
			return ISIF_INVALID;
		*found = piece;
	}
	return ISIF_OK;
}

enum isif_error record_pieces_value(const struct record_pieces *pieces, struct record_slice key,
				    struct record_slice *value)
{
	struct record_piece *piece;
	enum isif_error error = find(pieces, key, &piece);

	*value = piece ? piece->value : record_slice("");
	return error;
}

#define NO_RANK UINT_MAX

/*
 * The place of an iface.* setting among its like: of one that we do not know, after all others.
 * In a node record usr/idbm.c:idbm_recinfo_node has some before those of idbm_recinfo_iface.
 */
static unsigned iface_rank(struct record_slice name, bool node)
{
	static const char *const first[] = { "hwaddress",     "ipaddress", "iscsi_ifacename",
					     "net_ifacename", "gateway",   "subnet_mask" };
	unsigned place = 0;
	size_t count;
	const struct isif_setting *settings = isif_settings(&count);

	for (; node && place < sizeof(first) / sizeof(*first); place++)
		if (same(name, record_slice(first[place])))
			return place;
	for (size_t i = 0; i < count; i++, place++)
		if (same(name, record_slice(settings[i].name)))
			break;
	return place;
}

#define IFACE_RANKS 1000 /* more than there are settings */

/* Where open-iscsi writes a key, counted from the top. */
static unsigned rank(struct record_slice key, bool node)
{
	size_t count;
	const struct node_setting *first = node_settings(&count), *setting;
	unsigned place;

	if (begins(key, "iface."))
		return NODE_SETTINGS_BEFORE_IFACE +
		       iface_rank(between(key.text + strlen("iface."), key.text + key.length),
				  node);
	setting = node_setting_find(key.text, key.length);
	if (!setting)
		return NO_RANK;
	place = (unsigned)(setting - first);
	return place < NODE_SETTINGS_BEFORE_IFACE ? place : place + IFACE_RANKS;
}

static bool is_end(const struct record_piece *piece)
{
	return begins(piece->lead, "# END RECORD");
}

/*
 * The place of a new line: after the nearest one that open-iscsi writes before it, else before the
 * nearest that it writes after it, else at the end. A part of a line is no neighbour.
 */
static size_t place_of(const struct record_pieces *pieces, struct record_slice key)
{
	unsigned own = rank(key, pieces->node), before = 0, after = NO_RANK;
	size_t place_before = pieces->count, place_after = pieces->count;

	for (size_t i = 0; i < pieces->count; i++) {
		const struct record_piece *piece = &pieces->all[i];
		unsigned other =
			piece->whole && piece->setting ? rank(piece->key, pieces->node) : NO_RANK;

		if (is_end(piece) && after == NO_RANK)
			place_after = i;
		if (other == NO_RANK || own == NO_RANK)
			continue;
		if (other <= own && other >= before) {
			before = other;
			place_before = i + 1;
		} else if (other > own && other < after) {
			after = other;
			place_after = i;
		}
	}
	return place_before < pieces->count ? place_before : place_after;
}

static enum isif_error insert(struct record_pieces *pieces, struct record_slice key,
			      struct record_slice value)
{
	size_t at = place_of(pieces, key);

	if (!array_reserve(&pieces->all, &pieces->size, pieces->count, sizeof(*pieces->all)))
		return ISIF_NO_MEMORY;
	memmove(&pieces->all[at + 1], &pieces->all[at],
		(pieces->count++ - at) * sizeof(*pieces->all));
	pieces->node = pieces->node || begins(key, "node.");
	pieces->all[at] = (struct record_piece){
		.lead = record_slice(""),
		.key = key,
		.separator = record_slice(" = "),
		.value = value,
		.tail = record_slice(pieces->newline),
		.setting = true,
		.whole = true,
	};
	return ISIF_OK;
}

static size_t length_of(const struct record_piece *piece)
{
	return piece->lead.length + piece->key.length + piece->separator.length +
	       piece->value.length + piece->tail.length;
}

enum isif_error record_pieces_set(struct record_pieces *pieces, struct record_slice key,
				  struct record_slice value)
{
	struct record_piece *piece;
	enum isif_error error = find(pieces, key, &piece);

	if (error)
		return error;
	if (!piece)
		return value.length ? insert(pieces, key, value) : ISIF_OK;
	piece->value = value;
	if (length_of(piece) >= ISIF_LINE_SIZE)
		return ISIF_INVALID;
	for (size_t i = pieces->count; i-- > 0;) {
		bool other = &pieces->all[i] < piece || !value.length;

		if (other && same(pieces->all[i].key, key))
			record_pieces_remove(pieces, i);
	}
	return ISIF_OK;
}

static char *append(char *at, struct record_slice slice)
{
	return slice.length ? (char *)mempcpy(at, slice.text, slice.length) : at;
}

enum isif_error record_pieces_join(const struct record_pieces *pieces, struct record_text *text)
{
	size_t length = 0;
	char *at;

	for (size_t i = 0; i < pieces->count; i++)
		length += length_of(&pieces->all[i]);
	if (length > ISIF_RECORD_SIZE)
		return ISIF_TOO_LONG;
	at = malloc(length + 1);
	if (!at)
		return ISIF_NO_MEMORY;
	*text = (struct record_text){ at, length };
	for (size_t i = 0; i < pieces->count; i++) {
		const struct record_piece *piece = &pieces->all[i];

		at = append(at, piece->lead);
		at = append(at, piece->key);
		at = append(at, piece->separator);
		at = append(at, piece->value);
		at = append(at, piece->tail);
	}
	*at = '\0';
	return ISIF_OK;
}

/* A key is one word; a secret is nobody's to write. */
static bool is_key(const char *key)
{
	size_t length = strlen(key);

	if (!length || length >= ISIF_KEY_SIZE || *key == '#' || isif_record_is_secret(key, length))
		return false;
	for (; *key; key++)
		if (is_control(*key) || *key == ' ' || *key == '=')
			return false;
	return true;
}

static bool is_value(const char *value)
{
	size_t length = strlen(value);

	if (length >= ISIF_VALUE_SIZE || (length && (*value == ' ' || value[length - 1] == ' ')))
		return false;
	for (; *value; value++)
		if (is_control(*value))
			return false;
	return true;
}

enum isif_error record_check_line(const struct isif_edit_line *line)
{
	return is_key(line->key) && is_value(line->fresh) ? ISIF_OK : ISIF_INVALID;
}
