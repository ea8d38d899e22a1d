/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an edit may name: the other side of the gate is not trusted. */
#include "store.h"
#include "words.h"

#include <isif/record.h>

#include <limits.h>
#include <string.h>

bool store_path_is_good(const char *path)
{
	for (const char *name = path;; name++) {
		size_t length = strcspn(name, "/");

		if (!length || length > NAME_MAX || !strncmp(name, "..", length))
			return false;
		name += length;
		if (!*name)
			return strlen(path) < PATH_MAX;
	}
}

static size_t count_char(const char *text, char c)
{
	size_t count = 0;

	for (; *text; text++)
		count += *text == c;
	return count;
}

static bool is_iface(const char *path)
{
	return !strncmp(path, "ifaces/", 7) && count_char(path, '/') == 1;
}

/* "nodes/TARGET/ADDRESS,PORT,TPGT/IFACE" */
static bool is_node(const char *path)
{
	return !strncmp(path, "nodes/", 6) && count_char(path, '/') == 3;
}

/* "nodes/TARGET/ADDRESS,PORT" */
static bool is_old_node(const char *path)
{
	return !strncmp(path, "nodes/", 6) && count_char(path, '/') == 2;
}

/* What is made anew is named more strictly than what is there already. */
static bool is_printable(const char *path)
{
	for (; *path; path++)
		if (is_control(*path))
			return false;
	return true;
}

static bool are_of_one_portal(const char *path, const char *other)
{
	return is_node(path) && is_node(other) && is_printable(other) &&
	       !strncmp(path, other, (size_t)(strrchr(path, '/') - path) + 1);
}

static bool paths_are_good(const struct isif_edit *edit)
{
	const char *path = edit->path, *other = edit->other;

	if (!path || !store_path_is_good(path) || (other && !store_path_is_good(other)))
		return false;
	switch (edit->kind) {
	case ISIF_EDIT_LINES:
	case ISIF_EDIT_REMOVE:
		return is_iface(path) || is_node(path) || is_old_node(path);
	case ISIF_EDIT_NEW_IFACE:
		return is_iface(path) && is_printable(path);
	case ISIF_EDIT_NEW_NODE:
		return is_node(path) && is_printable(path) &&
		       (!other || is_node(other) || is_old_node(other));
	case ISIF_EDIT_MOVE_NODE:
		/* An old record has no iface in its path: it moves by its lines alone. */
		return other &&
		       (is_old_node(path) ? !strcmp(path, other) : are_of_one_portal(path, other));
	case ISIF_EDIT_COPY_NODE:
		return other && are_of_one_portal(path, other);
	}
	return false;
}

static bool key_is_good(const char *key)
{
	static const char *const keys[] = { "node.name", "node.tpgt", "node.conn[0].address",
					    "node.conn[0].port", "node.startup" };

	if (isif_record_is_secret(key, strlen(key)))
		return false;
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		if (!strcmp(key, keys[i]))
			return true;
	return !strncmp(key, "iface.", 6);
}

enum isif_error store_check_edit(const struct isif_edit *edit)
{
	if (!paths_are_good(edit))
		return ISIF_INVALID;
	for (size_t i = 0; i < edit->line_count; i++)
		if (!edit->lines[i].key || !edit->lines[i].fresh ||
		    !key_is_good(edit->lines[i].key))
			return ISIF_INVALID;
	return ISIF_OK;
}
