/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Records of open-iscsi. An input has up to four parts: an iface record, lines "KEY=VALUE" or
 * "KEY?OLD=VALUE" that are to be set, the path of a node record, and its text.
 */
#include "fuzz.h"

#include "copy.h"
#include "node.h"
#include "record.h"
#include "record_edit.h"
#include "record_pieces.h"
#include "setting_check.h"

#include <isif/setting.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINES = 16, DIFFERENCES = 128, IFACE_LENGTH = 64 };

/* What is to be set; the texts are in the part that they were read from. */
struct wishes {
	struct isif_edit_line lines[LINES];
	size_t count;
};

static struct isif_record *parse(const char *text, size_t length, const char *prefix)
{
	struct isif_record *record;

	MUST(isif_record_parse(text, length, prefix, &record) == ISIF_OK);
	return record;
}

static bool same(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

/* --- parsed, and written again --- */

/* A key of no letters ends where it begins, at an '='. */
static struct fuzz_text write_again(const struct isif_record *record)
{
	struct fuzz_text text = { 0 };
	FILE *file = open_memstream(&text.octets, &text.length);

	MUST(file);
	for (uint32_t i = 0; i < record->count; i++)
		fprintf(file, "%s%s = %s\n", record->lines[i].key, *record->lines[i].key ? "" : "=",
			record->lines[i].value);
	MUST(!fclose(file));
	return text;
}

static void check_same_lines(const struct isif_record *a, const struct isif_record *b)
{
	MUST(a->count == b->count && a->hash == b->hash);
	for (uint32_t i = 0; i < a->count; i++)
		MUST(same(a->lines[i].key, b->lines[i].key) &&
		     same(a->lines[i].value, b->lines[i].value));
	MUST(isif_record_same_settings(a, b));
}

static void check_lines(const struct isif_record *record)
{
	for (uint32_t i = 0; i < record->count; i++) {
		const struct isif_record_line *line = &record->lines[i];
		size_t length = strlen(line->key);

		MUST(length < ISIF_KEY_SIZE && strlen(line->value) < ISIF_VALUE_SIZE);
		MUST(*line->value && !isif_record_is_secret(line->key, length));
		MUST(isif_record_value(record, line->key));
	}
}

static void check_parse(const struct fuzz_text *text, const char *prefix)
{
	char *exact = fuzz_exact(text->octets, text->length);
	struct isif_record *record = parse(exact, text->length, prefix), *again;
	struct fuzz_text written = write_again(record);

	check_lines(record);
	if (written.length <= ISIF_RECORD_SIZE) {
		again = parse(written.octets, written.length, prefix);
		check_same_lines(record, again);
		MUST(!again->ignored);
		isif_record_release(again);
	}
	isif_record_release(record);
	fuzz_free(&written);
	free(exact);
}

/* Of a line that has a secret key, to whoever reads it, no octet is left: half may be too much. */
static void check_dropped(const char *text, size_t length, const char *dropped)
{
	const char *end = text + length, *next, *line_end;

	for (const char *line = text; line < end; line = next) {
		struct record_span span = { 0 };

		next = record_next_line(line, end, &line_end);
		if (record_read_line(line, line_end ? line_end : next, &span) ==
			    RECORD_LINE_NOTHING ||
		    !isif_record_is_secret(span.key, span.key_length))
			continue;
		for (const char *at = span.key; at < (line_end ? line_end : next); at++)
			MUST(dropped[at - text] == '#');
	}
}

/* Without its secrets a record says less, but nothing else. */
static void check_secrets(const struct fuzz_text *text)
{
	char *dropped = fuzz_exact(text->octets, text->length);
	struct isif_record *before = parse(dropped, text->length, ""), *after;

	isif_record_drop_secrets(dropped, text->length);
	check_dropped(text->octets, text->length, dropped);
	MUST(isif_record_is_complete(dropped, text->length) ==
	     isif_record_is_complete(text->octets, text->length));
	after = parse(dropped, text->length, "");
	for (uint32_t i = 0, j = 0; i < after->count; i++, j++) {
		while (j < before->count && (!same(before->lines[j].key, after->lines[i].key) ||
					     !same(before->lines[j].value, after->lines[i].value)))
			j++;
		MUST(j < before->count);
	}
	isif_record_release(before);
	isif_record_release(after);
	free(dropped);
}

/* --- changed --- */

static void read_wishes(struct fuzz_text *text, struct wishes *wishes)
{
	char *rest = text->octets, *line;

	while (wishes->count < LINES && (line = strsep(&rest, "\n"))) {
		char *equals = strchr(line, '='), *old;

		if (!equals)
			continue;
		*equals = '\0';
		old = strchr(line, '?');
		if (old)
			*old++ = '\0';
		wishes->lines[wishes->count++] =
			(struct isif_edit_line){ .key = line, .old = old, .fresh = equals + 1 };
	}
}

/* What is wished for a key, NULL if nothing is. */
static const char *wish_for(const struct isif_edit_line *lines, size_t count, const char *key)
{
	for (size_t i = count; i-- > 0;)
		if (!strcmp(lines[i].key, key))
			return lines[i].fresh;
	return NULL;
}

/* The first line for a key that has an old value is right about it. */
static void check_old(const struct isif_record *before, const struct isif_edit_line *lines,
		      size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const char *old = lines[i].old;

		if (!old || wish_for(lines, i, lines[i].key))
			continue;
		MUST(same(isif_record_value(before, lines[i].key), *old ? old : NULL));
	}
}

static void check_wishes(const struct isif_record *record, const struct isif_edit_line *lines,
			 size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const char *wish = wish_for(lines, count, lines[i].key);

		MUST(same(isif_record_value(record, lines[i].key), *wish ? wish : NULL));
	}
}

/* What nobody wished is as it was: of each key that is in a, b says the same. */
static void check_others(const struct isif_record *a, const struct isif_record *b,
			 const struct isif_edit_line *lines, size_t count)
{
	for (uint32_t i = 0; i < a->count; i++) {
		const char *key = a->lines[i].key;

		if (!wish_for(lines, count, key))
			MUST(same(isif_record_value(a, key), isif_record_value(b, key)));
	}
}

/* The same once more changes nothing. */
static void check_again(const struct record_text *edited, const struct isif_edit_line *lines,
			size_t count)
{
	struct isif_edit_line again[DIFFERENCES];
	struct record_text text;

	for (size_t i = 0; i < count; i++) {
		again[i] = lines[i];
		again[i].fresh = again[i].old = wish_for(lines, count, lines[i].key);
	}
	MUST(record_edit(edited->octets, edited->length, again, count, &text) == ISIF_OK);
	MUST(text.length == edited->length && !memcmp(text.octets, edited->octets, text.length));
	record_text_clear(&text);
}

static void check_edit(const struct fuzz_text *text, const struct isif_edit_line *lines,
		       size_t count)
{
	char *exact = fuzz_exact(text->octets, text->length);
	struct record_text edited;
	enum isif_error error = record_edit(exact, text->length, lines, count, &edited);

	if (!error) {
		struct isif_record *before = parse(exact, text->length, "");
		struct isif_record *after = parse(edited.octets, edited.length, "");

		MUST(isif_record_is_complete(edited.octets, edited.length));
		MUST(count || (edited.length == text->length &&
			       !memcmp(edited.octets, exact, edited.length)));
		check_old(before, lines, count);
		check_wishes(after, lines, count);
		check_others(before, after, lines, count);
		check_others(after, before, lines, count);
		check_again(&edited, lines, count);
		isif_record_release(before);
		isif_record_release(after);
	} else {
		MUST(!edited.octets);
	}
	record_text_clear(&edited);
	free(exact);
}

/* What a setting may be, a record can say. */
static void check_values(const struct wishes *wishes)
{
	static const char prefix[] = "iface.";

	for (size_t i = 0; i < wishes->count; i++) {
		const struct isif_edit_line *line = &wishes->lines[i];
		const struct isif_setting *setting =
			strncmp(line->key, prefix, strlen(prefix)) != 0
				? NULL
				: isif_setting_find(line->key + strlen(prefix));

		if (setting && !setting_check_value(setting, line->fresh, strlen(line->fresh)))
			MUST(record_check_line(line) == ISIF_OK);
	}
}

/* --- the rules for an iface as a whole --- */

static const char *look_up(void *context, const char *setting)
{
	return record_setting(context, setting);
}

static bool has_device(void *context, const char *device)
{
	(void)context;
	return *device == 'e';
}

static bool is_set(const struct isif_record *record, const char *setting)
{
	return !isif_setting_is_unset(setting, record_setting(record, setting));
}

/* With both open-iscsi takes the hardware address alone. */
static bool binds_twice(const struct isif_record *record)
{
	const char *transport = record_setting(record, "transport_name");

	return isif_transport_is_software(transport) && is_set(record, "transport_name") &&
	       is_set(record, "hwaddress") && is_set(record, "net_ifacename");
}

static void check_rules(const struct fuzz_text *text)
{
	struct isif_record *record = parse(text->octets, text->length, "iface.");
	const char *name = record_setting(record, "iscsi_ifacename"), *fault = "", *reason;
	const struct setting_lookup lookup = { look_up, has_device, record };

	reason = setting_check_iface(name, &lookup, &fault);
	MUST(!reason == !fault && (!fault || isif_setting_find(fault)));
	MUST(reason || !binds_twice(record));
	if (!setting_check_iface_name(name, strlen(name)))
		MUST(*name != '.' && !strpbrk(name, "/ \t*?[]") && strlen(name) <= IFACE_LENGTH);
	isif_record_release(record);
}

/* --- made --- */

static void check_made(enum isif_error error, struct record_text *made, const struct wishes *wishes)
{
	struct isif_record *record;

	if (!error) {
		record = parse(made->octets, made->length, "");
		MUST(isif_record_is_complete(made->octets, made->length));
		check_wishes(record, wishes->lines, wishes->count);
		isif_record_release(record);
	} else {
		MUST(!made->octets);
	}
	record_text_clear(made);
}

static void check_new(const struct wishes *wishes, const struct fuzz_text *base)
{
	const char *name = wish_for(wishes->lines, wishes->count, "iface.iscsi_ifacename");
	struct wishes others = { 0 };
	struct record_text made;
	enum isif_error error;

	error = record_new_node(base->octets, base->length, true, wishes->lines, wishes->count,
				&made);
	check_made(error, &made, wishes);
	error = record_new_node(base->octets, base->length, false, wishes->lines, wishes->count,
				&made);
	check_made(error, &made, wishes);
	for (size_t i = 0; i < wishes->count; i++)
		if (strcmp(wishes->lines[i].key, "iface.iscsi_ifacename") != 0)
			others.lines[others.count++] = wishes->lines[i];
	error = record_new_iface(name ? name : "san0", others.lines, others.count, &made);
	check_made(error, &made, wishes);
}

/* --- nodes and ifaces --- */

/* What is read in one pass is what the parser reads. */
static void check_node(const struct isif_node *node, const struct fuzz_text *text)
{
	struct isif_record *record = parse(text->octets, text->length, "");
	const char *target = isif_record_value(record, "node.name");
	const char *address = isif_record_value(record, "node.conn[0].address");
	const char *iface = isif_record_value(record, "iface.iscsi_ifacename");

	MUST(!target || same(target, node->target->text));
	MUST(!address || same(address, node->address->text));
	MUST(!iface || same(iface, node->iface->text));
	isif_record_release(record);
}

/* A copy that gets the lines in which it differs is the same. */
static void check_difference(const struct isif_record *iface, const struct isif_record *copy,
			     const struct fuzz_text *text)
{
	struct copy_difference difference = { iface, copy, 0 };
	struct isif_edit_line lines[DIFFERENCES];
	struct record_text edited;
	size_t count = 0;

	MUST(copy_agrees(copy, copy));
	while (count < DIFFERENCES && copy_difference_next(&difference, &lines[count]))
		count++;
	MUST(copy_agrees(iface, copy) == !count);
	if (count < DIFFERENCES &&
	    record_edit(text->octets, text->length, lines, count, &edited) == ISIF_OK) {
		struct isif_record *now = parse(edited.octets, edited.length, "iface.");

		MUST(copy_agrees(iface, now));
		isif_record_release(now);
		record_text_clear(&edited);
	}
}

static void check_pool(const struct isif_node *node, const char *path, const char *exact,
		       size_t length)
{
	struct isif_names *names = node->target->table;
	struct isif_record_pool pool = { 0 };
	struct isif_node *pooled;

	/* The second comes out of the pool. */
	for (int i = 0; i < 2; i++) {
		MUST(isif_node_parse(path, exact, length, names, &pool, &pooled) == ISIF_OK);
		MUST(node_equal(node, pooled));
		isif_node_release(pooled);
	}
	record_pool_trim(&pool);
	MUST(isif_node_parse(path, exact, length, names, &pool, &pooled) == ISIF_OK);
	isif_node_release(pooled);
	record_pool_clear(&pool);
}

static void check_path(const struct isif_node *node)
{
	char *path = node_path(node);

	MUST(path && !strncmp(path, "nodes/", 6));
	free(path);
}

static void check_records(const struct fuzz_text *text, const struct fuzz_text *path,
			  const struct fuzz_text *node_text)
{
	struct isif_names *names = isif_names_new();
	struct isif_iface_record *iface = NULL;
	struct isif_node *node = NULL;
	char *exact = fuzz_exact(node_text->octets, node_text->length);
	enum isif_error error =
		isif_iface_record_parse("san0", text->octets, text->length, names, &iface);

	MUST(!error || error == ISIF_INCOMPLETE || error == ISIF_INVALID);
	error = isif_node_parse(path->octets, exact, node_text->length, names, NULL, &node);
	MUST(!error || error == ISIF_INCOMPLETE || error == ISIF_INVALID);
	if (node) {
		MUST(node_is_still(node, path->octets, exact, node_text->length) == ISIF_OK);
		check_pool(node, path->octets, exact, node_text->length);
		check_node(node, node_text);
		check_path(node);
	}
	if (iface) {
		enum isif_error still = iface_is_still(iface->record, exact, node_text->length);

		MUST(iface_is_still(iface->record, text->octets, text->length) == ISIF_OK);
		MUST(!still || still == ISIF_CHANGED || still == ISIF_INCOMPLETE);
		MUST(still || !node || copy_agrees(iface->record, node->copy));
	}
	if (node && iface)
		check_difference(iface->record, node->copy, node_text);
	isif_node_release(node);
	isif_iface_record_release(isif_iface_record_hold(iface));
	isif_iface_record_release(iface);
	isif_names_free(names);
	free(exact);
}

/* It becomes a path: one folder, or one in another. */
static void check_link(const struct fuzz_text *text)
{
	char folder[64];
	const char *slash;

	if (!record_link_folder(text->octets, text->length, folder, sizeof(folder)))
		return;
	slash = strchr(folder, '/');
	MUST(strlen(folder) < sizeof(folder) && (!slash || !strchr(slash + 1, '/')));
}

int LLVMFuzzerTestOneInput(const uint8_t *octets, size_t length)
{
	struct fuzz_input input = { (const char *)octets, (const char *)octets + length };
	struct fuzz_text iface = fuzz_take_part(&input), setting = fuzz_take_part(&input);
	struct fuzz_text path = fuzz_take_part(&input), node = fuzz_take_part(&input);
	struct wishes wishes = { 0 };

	path.octets[strcspn(path.octets, "\n")] = '\0';
	read_wishes(&setting, &wishes);
	for (int i = 0; i < 2; i++) {
		const struct fuzz_text *text = i ? &node : &iface;

		check_parse(text, "");
		check_parse(text, "iface.");
		check_secrets(text);
		check_edit(text, NULL, 0);
		check_edit(text, wishes.lines, wishes.count);
		check_link(text);
		check_rules(text);
	}
	check_values(&wishes);
	check_new(&wishes, &node);
	check_records(&iface, &path, &node);
	fuzz_free(&iface);
	fuzz_free(&setting);
	fuzz_free(&path);
	fuzz_free(&node);
	return 0;
}
