/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "record_edit.h"

#include "config.h"
#include "node_setting.h"
#include "record.h"
#include "record_pieces.h"

#include <isif/setting.h>

#include <stdio.h>

/* The first line is a comment to open-iscsi, which names its own version in it. */
static const char empty_record[] =
	"# BEGIN RECORD iscsi-ifaced " PACKAGE_VERSION "\n# END RECORD\n";

/* A record that is being made, and room for the keys that it needs. */
struct making {
	struct record_pieces pieces;
	char keys[4096];
	size_t used;
};

static void making_clear(struct making *making)
{
	record_pieces_clear(&making->pieces);
}
#define CLEANUP_MAKING CLEANUP(making_clear)

static const char *line_value(const struct isif_edit_line *lines, size_t count, const char *key)
{
	const char *value = "";

	for (size_t i = 0; i < count; i++)
		if (!strcmp(lines[i].key, key))
			value = lines[i].fresh;
	return value;
}

static enum isif_error set(struct making *making, const char *key, const char *value)
{
	return record_pieces_set(&making->pieces, record_slice(key), record_slice(value));
}

/* A number of the iface: usr/idbm.c:idbm_print writes it even if it is 0, a text only if it is set.
 */
static enum isif_error set_zero(struct making *making, const char *setting)
{
	size_t left = sizeof(making->keys) - making->used;
	char *key = making->keys + making->used;
	int written = snprintf(key, left, "iface.%s", setting);

	if (written < 0 || (size_t)written >= left)
		return ISIF_TOO_LONG;
	making->used += (size_t)written + 1;
	return set(making, key, "0");
}

/* What usr/iface.c:iface_setup_defaults makes of an iface that has nothing but its name. */
static enum isif_error set_iface(struct making *making, const char *name,
				 const struct isif_edit_line *lines, size_t count)
{
	size_t settings;
	const struct isif_setting *setting = isif_settings(&settings), *end = setting + settings;
	enum isif_setting_family family =
		isif_setting_family_of(name, line_value(lines, count, "iface.ipaddress"),
				       line_value(lines, count, "iface.bootproto"));
	enum isif_error error = set(making, "iface.iscsi_ifacename", name);

	for (; setting < end && !error; setting++)
		if (setting->type == ISIF_SETTING_NUMBER &&
		    (setting->family == ISIF_FAMILY_ANY || setting->family == family))
			error = set_zero(making, setting->name);
	return error ? error : set(making, "iface.transport_name", "tcp");
}

/* The wishes come last: they win over whatever was taken from elsewhere. */
static enum isif_error finish(struct making *making, const struct isif_edit_line *lines,
			      size_t count, struct record_text *made)
{
	enum isif_error error = ISIF_OK;

	for (size_t i = 0; i < count && !error; i++)
		error = set(making, lines[i].key, lines[i].fresh);
	return error ? error : record_pieces_join(&making->pieces, made);
}

static bool is_iface_key(const char *key)
{
	return !strncmp(key, "iface.", strlen("iface."));
}

enum isif_error record_new_iface(const char *name, const struct isif_edit_line *lines, size_t count,
				 struct record_text *made)
{
	const struct isif_edit_line own = { .key = "iface.iscsi_ifacename", .fresh = name };
	CLEANUP_MAKING struct making making = { 0 };
	enum isif_error error = *name ? record_check_line(&own) : ISIF_INVALID;

	*made = (struct record_text){ 0 };
	for (size_t i = 0; i < count && !error; i++)
		error = is_iface_key(lines[i].key) && strcmp(lines[i].key, own.key) != 0
				? record_check_line(&lines[i])
				: ISIF_INVALID;
	if (!error)
		error = record_pieces_read(&making.pieces, empty_record, strlen(empty_record));
	if (!error)
		error = set_iface(&making, name, lines, count);
	return error ? error : finish(&making, lines, count, made);
}

/* What a node record must be given: it says whose it is. */
static const char *const identity[] = {
	"node.name",
	"node.tpgt",
	"node.conn[0].address",
	"node.conn[0].port",
	"iface.iscsi_ifacename",
};

static enum isif_error check_node_lines(const struct isif_edit_line *lines, size_t count)
{
	size_t identities = sizeof(identity) / sizeof(*identity);

	for (size_t i = 0; i < identities; i++)
		if (!*line_value(lines, count, identity[i]))
			return ISIF_INVALID;
	for (size_t i = 0; i < count; i++) {
		const char *key = lines[i].key;
		bool known = is_iface_key(key) || !strcmp(key, "node.startup");

		for (size_t j = 0; j < identities && !known; j++)
			known = !strcmp(key, identity[j]);
		if (!known || record_check_line(&lines[i]))
			return ISIF_INVALID;
	}
	return ISIF_OK;
}

/*
 * What a sibling does not hand down: its iface (node.transport_name is the old name of that
 * transport) and where it was discovered.
 */
static bool is_siblings_own(const struct record_piece *piece)
{
	static const char *const own[] = { "iface.", "node.transport_name", "node.discovery_" };
	/* A key stands apart from the blanks before it; a line that is refused is all lead. */
	const char *text = piece->key.length ? piece->key.text : piece->lead.text;
	size_t length = piece->key.length ? piece->key.length : piece->lead.length;

	while (length && record_is_space(*text)) {
		text++;
		length--;
	}
	for (size_t i = 0; i < sizeof(own) / sizeof(*own); i++)
		if (length >= strlen(own[i]) && !memcmp(text, own[i], strlen(own[i])))
			return true;
	return false;
}

static enum isif_error take_sibling(struct making *making, const char *text, size_t length)
{
	struct record_pieces *pieces = &making->pieces;
	enum isif_error error;

	if (!isif_record_is_complete(text, length))
		return ISIF_INCOMPLETE;
	error = record_pieces_read(pieces, text, length);
	for (size_t i = pieces->count; i-- > 0 && !error;) {
		if (!is_siblings_own(&pieces->all[i]))
			continue;
		if (!pieces->all[i].whole)
			return ISIF_INVALID;
		record_pieces_remove(pieces, i);
	}
	return error;
}

/* usr/idbm.c:idbm_sync_config: what a line of iscsid.conf says, if it may be said of a node. */
static enum isif_error take_configured(struct making *making, const char *line, const char *end)
{
	struct record_span span;
	const struct node_setting *setting;

	if (record_read_line(line, end, &span) != RECORD_LINE_SETTING)
		return ISIF_OK;
	setting = node_setting_find(span.key, span.key_length);
	if (!setting || !node_setting_accepts(setting, span.value, span.value_length))
		return ISIF_OK;
	return record_pieces_set(&making->pieces, record_slice(setting->key),
				 (struct record_slice){ span.value, span.value_length });
}

static enum isif_error take_defaults(struct making *making, const char *configuration,
				     size_t length)
{
	size_t settings;
	const struct node_setting *setting = node_settings(&settings), *last = setting + settings;
	const char *end = configuration + length, *next, *line_end;
	enum isif_error error =
		record_pieces_read(&making->pieces, empty_record, strlen(empty_record));

	for (; setting < last && !error; setting++)
		error = set(making, setting->key, setting->initial);
	for (const char *line = configuration; line < end && !error; line = next) {
		next = record_next_line(line, end, &line_end);
		if (line_end)
			error = take_configured(making, line, line_end);
	}
	return error;
}

enum isif_error record_new_node(const char *base, size_t length, bool sibling,
				const struct isif_edit_line *lines, size_t count,
				struct record_text *made)
{
	CLEANUP_MAKING struct making making = { 0 };
	enum isif_error error = check_node_lines(lines, count);

	*made = (struct record_text){ 0 };
	if (!error)
		error = sibling ? take_sibling(&making, base, length)
				: take_defaults(&making, base ? base : "", base ? length : 0);
	if (!error)
		error = set_iface(&making, line_value(lines, count, "iface.iscsi_ifacename"), lines,
				  count);
	/* usr/iscsiadm.c:add_static_rec: nobody discovered it. */
	if (!error)
		error = set(&making, "node.discovery_port", "0");
	if (!error)
		error = set(&making, "node.discovery_type", "static");
	return error ? error : finish(&making, lines, count, made);
}
