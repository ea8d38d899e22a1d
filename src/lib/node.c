/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "node.h"

#include "cleanup.h"
#include "record.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A piece of text that is not NUL-terminated. */
struct slice {
	const char *text;
	size_t length;
};

/* What a node record's text says, found in one pass over it. */
struct fields {
	struct slice target, address, port, tpgt, startup, iface;
	struct slice block;   /* its lines that begin with "iface." */
	bool block_scattered; /* and others stand between them */
};

struct pooled {
	struct isif_record *record;
	uint32_t hash;
	uint32_t length;
	char text[]; /* as it stands in the node records */
};

/*
 * The value of "key = value" if the line (without leading blanks) has this key. An '=' that ends
 * the key is not yet the one before the value.
 */
static inline bool take(const char *line, const char *end, const char *key, struct slice *value)
{
	size_t length = strlen(key);

	if ((size_t)(end - line) <= length || memcmp(line, key, length) ||
	    (!record_is_space(line[length]) && line[length] != '='))
		return false;
	line += length + 1;
	while (line < end && record_is_space(*line))
		line++;
	if (line == end || *line != '=')
		return false;
	line++;
	while (line < end && record_is_space(*line))
		line++;
	while (end > line && record_is_space(end[-1]))
		end--;
	if (line < end && end - line < ISIF_VALUE_SIZE && !memchr(line, '\0', (size_t)(end - line)))
		*value = (struct slice){ line, (size_t)(end - line) };
	return true;
}

static void take_block_line(struct fields *fields, const char *line, const char *end)
{
	if (!fields->block.text)
		fields->block.text = line;
	else if (fields->block.text + fields->block.length != line)
		fields->block_scattered = true;
	fields->block.length = (size_t)(end + 1 - fields->block.text);
	take(line, end, "iface.iscsi_ifacename", &fields->iface);
}

/*
 * The rules of isif_record_parse(), for the few settings that we need: a node record is read ten
 * thousand times at a start, and most of its lines are not ours.
 */
static void find_fields(const char *text, size_t length, struct fields *fields)
{
	const char *limit = text + length, *end, *next;

	for (const char *line = text; line < limit; line = next) {
		next = record_next_line(line, limit, &end);
		while (end && line < end && record_is_space(*line))
			line++;
		if (!end || end - line < 10)
			continue;
		if (!memcmp(line, "iface.", 6))
			take_block_line(fields, line, end);
		else if (memcmp(line, "node.", 5))
			continue;
		else if (!memcmp(line + 5, "conn[0].", 8)) {
			if (!take(line, end, "node.conn[0].address", &fields->address))
				take(line, end, "node.conn[0].port", &fields->port);
		} else if (line[5] == 'n')
			take(line, end, "node.name", &fields->target);
		else if (line[5] == 't')
			take(line, end, "node.tpgt", &fields->tpgt);
		else if (line[5] == 's')
			take(line, end, "node.startup", &fields->startup);
	}
}

static bool pooled_matches(const void *item, const void *key)
{
	const struct pooled *pooled = item;
	const struct slice *text = key;

	return pooled->length == text->length && !memcmp(pooled->text, text->text, text->length);
}

static enum isif_error pool_copy(struct isif_record_pool *pool, const struct slice *text,
				 struct isif_record **copy)
{
	uint32_t hash = hash_octets(1, text->text, text->length);
	struct pooled *pooled = hash_find(&pool->hash, hash, pooled_matches, text);
	CLEANUP_FREE struct pooled *fresh = NULL;
	enum isif_error error;

	if (pooled) {
		*copy = isif_record_hold(pooled->record);
		return ISIF_OK;
	}
	fresh = malloc(sizeof(*fresh) + text->length);
	if (!fresh)
		return ISIF_NO_MEMORY;
	error = isif_record_parse(text->text, text->length, "iface.", copy);
	if (error)
		return error;
	*fresh = (struct pooled){ .hash = hash, .length = (uint32_t)text->length };
	memcpy(fresh->text, text->text, text->length);
	if (!hash_add(&pool->hash, hash, fresh)) {
		isif_record_release(TAKE(*copy));
		return ISIF_NO_MEMORY;
	}
	TAKE(fresh)->record = isif_record_hold(*copy);
	return ISIF_OK;
}

static void free_pooled(struct pooled *pooled)
{
	isif_record_release(pooled->record);
	free(pooled);
}

void record_pool_trim(struct isif_record_pool *pool)
{
	/* Taking one out can move another into its slot: look at the slot again. */
	for (size_t i = 0; i < pool->hash.size;) {
		struct pooled *pooled = pool->hash.slots[i].item;

		if (!pooled || pooled->record->references > 1) {
			i++;
			continue;
		}
		hash_remove(&pool->hash, pooled->hash, pooled);
		free_pooled(pooled);
	}
}

void record_pool_clear(struct isif_record_pool *pool)
{
	for (size_t i = 0; i < pool->hash.size; i++)
		if (pool->hash.slots[i].item)
			free_pooled(pool->hash.slots[i].item);
	hash_clear(&pool->hash);
}

static long number(const struct slice *slice, long otherwise)
{
	long value = 0;

	if (!slice->length || slice->length > 10)
		return otherwise;
	for (size_t i = 0; i < slice->length; i++) {
		if (slice->text[i] < '0' || slice->text[i] > '9')
			return otherwise;
		value = value * 10 + (slice->text[i] - '0');
	}
	return value;
}

static bool slice_is(const struct slice *slice, const char *text)
{
	return slice->length == strlen(text) && !memcmp(slice->text, text, slice->length);
}

/* Cuts the part after the last separator off a slice; false if there is none. */
static bool cut_last(struct slice *slice, char separator, struct slice *part)
{
	const char *at = slice->length ? memrchr(slice->text, separator, slice->length) : NULL;

	if (!at)
		return false;
	*part = (struct slice){ at + 1, (size_t)(slice->text + slice->length - at) - 1 };
	slice->length = (size_t)(at - slice->text);
	return true;
}

/*
 * What the path says of a record: nodes/TARGET/ADDRESS,PORT,TPGT/IFACE, or the old layout
 * nodes/TARGET/ADDRESS,PORT. The last commas separate: an address may hold anything but ','.
 */
static bool fields_of_path(const char *path, struct fields *fields, bool *single_file)
{
	struct slice left = { path, strlen(path) }, portal, last;

	if (!cut_last(&left, '/', &last) || !cut_last(&left, '/', &portal))
		return false;
	*single_file = slice_is(&left, "nodes");
	if (*single_file) {
		fields->target = portal;
		portal = last;
	} else {
		fields->iface = last;
		if (!cut_last(&left, '/', &fields->target) ||
		    !cut_last(&portal, ',', &fields->tpgt))
			return false;
	}
	if (!cut_last(&portal, ',', &fields->port))
		return false;
	fields->address = portal;
	return fields->target.length && fields->address.length;
}

static enum isif_startup startup_of(const struct slice *slice)
{
	if (slice_is(slice, "automatic"))
		return ISIF_STARTUP_AUTOMATIC;
	if (slice_is(slice, "onboot"))
		return ISIF_STARTUP_ONBOOT;
	return ISIF_STARTUP_MANUAL;
}

static enum isif_error copy_of_iface(const char *text, size_t length, const struct fields *fields,
				     struct isif_record_pool *copies, struct isif_record **copy)
{
	if (copies && fields->block.text && !fields->block_scattered)
		return pool_copy(copies, &fields->block, copy);
	return isif_record_parse(text, length, "iface.", copy);
}

/* tpgt -1 is PORTAL_GROUP_TAG_UNKNOWN; some versions write it unsigned. */
static int32_t tpgt_of(const struct slice *slice)
{
	long tpgt = number(slice, -1);

	return tpgt > 65535 ? -1 : (int32_t)tpgt;
}

enum isif_error isif_node_parse(const char *path, const char *text, size_t length,
				struct isif_names *names, struct isif_record_pool *copies,
				struct isif_node **result)
{
	struct fields fields = { 0 };
	CLEANUP(cleanup_free_pointer) struct isif_node *node = NULL;
	bool single_file;
	long port;
	enum isif_error error;

	if (length > ISIF_RECORD_SIZE)
		return ISIF_TOO_LONG;
	if (!isif_record_is_complete(text, length))
		return ISIF_INCOMPLETE;
	if (!fields_of_path(path, &fields, &single_file))
		return ISIF_INVALID;
	find_fields(text, length, &fields);
	port = number(&fields.port, 3260);
	if (port > UINT16_MAX)
		return ISIF_INVALID;
	if (!fields.iface.length)
		fields.iface = (struct slice){ "default", strlen("default") };
	node = calloc(1, sizeof(*node));
	if (!node)
		return ISIF_NO_MEMORY;
	node->references = 1;
	node->single_file = single_file;
	node->startup = (uint8_t)startup_of(&fields.startup);
	node->port = (uint16_t)port;
	node->tpgt = tpgt_of(&fields.tpgt);
	error = copy_of_iface(text, length, &fields, copies, &node->copy);
	if (error)
		return error;
	node->target = isif_name_get(names, fields.target.text, fields.target.length);
	node->address = isif_name_get(names, fields.address.text, fields.address.length);
	node->iface = isif_name_get(names, fields.iface.text, fields.iface.length);
	*result = TAKE(node);
	if ((*result)->target && (*result)->address && (*result)->iface)
		return ISIF_OK;
	isif_node_release(TAKE(*result));
	return ISIF_NO_MEMORY;
}

struct isif_node *isif_node_hold(struct isif_node *node)
{
	if (node)
		node->references++;
	return node;
}

void isif_node_release(struct isif_node *node)
{
	if (!node || --node->references)
		return;
	isif_name_release(node->target);
	isif_name_release(node->address);
	isif_name_release(node->iface);
	isif_record_release(node->copy);
	free(node);
}

bool node_same_key(const struct isif_node *a, const struct isif_node *b)
{
	return a->target == b->target && a->address == b->address && a->iface == b->iface &&
	       a->port == b->port && a->tpgt == b->tpgt;
}

bool node_equal(const struct isif_node *a, const struct isif_node *b)
{
	return node_same_key(a, b) && a->startup == b->startup &&
	       a->single_file == b->single_file && isif_record_same_settings(a->copy, b->copy);
}

enum isif_error node_is_still(const struct isif_node *node, const char *path, const char *text,
			      size_t length)
{
	struct isif_node *now;
	enum isif_error error =
		isif_node_parse(path, text, length, node->target->table, NULL, &now);

	if (error)
		return error;
	error = node_equal(node, now) ? ISIF_OK : ISIF_CHANGED;
	isif_node_release(now);
	return error;
}

enum isif_error iface_is_still(const struct isif_record *record, const char *text, size_t length)
{
	struct isif_record *now;
	enum isif_error error;

	if (!isif_record_is_complete(text, length))
		return ISIF_INCOMPLETE;
	error = isif_record_parse(text, length, "iface.", &now);
	if (error)
		return error;
	error = isif_record_same_settings(record, now) ? ISIF_OK : ISIF_CHANGED;
	isif_record_release(now);
	return error;
}

char *node_path(const struct isif_node *node)
{
	char *path;
	int length;

	if (node->single_file)
		length = asprintf(&path, "nodes/%s/%s,%u", node->target->text, node->address->text,
				  node->port);
	else
		length = asprintf(&path, "nodes/%s/%s,%u,%" PRId32 "/%s", node->target->text,
				  node->address->text, node->port, node->tpgt, node->iface->text);
	return length < 0 ? NULL : path;
}

enum isif_error isif_iface_record_parse(const char *file, const char *text, size_t length,
					struct isif_names *names, struct isif_iface_record **result)
{
	struct isif_iface_record *iface;
	struct isif_record *record;
	const char *name;
	enum isif_error error;

	if (!isif_record_is_complete(text, length))
		return ISIF_INCOMPLETE;
	error = isif_record_parse(text, length, "iface.", &record);
	if (error)
		return error;
	/* usr/iface.c:iface_conf_is_valid: without a transport, or a name, it is no iface. */
	name = isif_record_value(record, "iface.iscsi_ifacename");
	if (!name)
		name = file;
	if (!isif_record_value(record, "iface.transport_name")) {
		isif_record_release(record);
		return ISIF_INVALID;
	}
	iface = malloc(sizeof(*iface));
	if (iface)
		*iface = (struct isif_iface_record){
			.references = 1,
			.name = isif_name_get(names, name, strlen(name)),
			.record = record,
		};
	if (iface && iface->name) {
		*result = iface;
		return ISIF_OK;
	}
	free(iface);
	isif_record_release(record);
	return ISIF_NO_MEMORY;
}

struct isif_iface_record *isif_iface_record_hold(struct isif_iface_record *iface)
{
	if (iface)
		iface->references++;
	return iface;
}

void isif_iface_record_release(struct isif_iface_record *iface)
{
	if (!iface || --iface->references)
		return;
	isif_name_release(iface->name);
	isif_record_release(iface->record);
	free(iface);
}
