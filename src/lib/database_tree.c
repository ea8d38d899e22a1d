/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "database.h"

#include "array.h"
#include "clock.h"

#include <stdio.h>
#include <string.h>

void tree_clear_entry(struct entry *entry)
{
	isif_name_release(entry->name);
	isif_iface_record_release(entry->iface);
	isif_node_release(entry->node);
}

/* Watches are numbered one after the other: spread them. */
static uint32_t hash_of_watch(int watch)
{
	return (uint32_t)watch * 0x9e3779b1u;
}

static bool watch_matches(const void *item, const void *key)
{
	return ((const struct directory *)item)->watch == *(const int *)key;
}

void tree_set_watch(struct isif_database *database, struct directory *directory, int watch)
{
	if (directory->watch == watch)
		return;
	if (directory->watch >= 0)
		hash_remove(&database->watches, hash_of_watch(directory->watch), directory);
	directory->watch = watch;
	if (watch < 0 || hash_add(&database->watches, hash_of_watch(watch), directory))
		return;
	directory->watch = -1;
	tree_read_again(database, directory);
}

void tree_set_unreadable(struct isif_database *database, struct directory *directory,
			 bool unreadable)
{
	if (directory->unreadable == unreadable)
		return;
	directory->unreadable = unreadable;
	database->bad = unreadable ? database->bad + 1 : database->bad - 1;
	database->changed = true;
}

bool tree_is_passing(enum isif_error error)
{
	return error == ISIF_INCOMPLETE || error == ISIF_NO_MEMORY || error == ISIF_LIMIT ||
	       error == ISIF_IO;
}

bool tree_may_retry(enum isif_error error, uint8_t retries)
{
	return tree_is_passing(error) && (error != ISIF_INCOMPLETE || retries < RETRY_LIMIT);
}

void tree_retry(struct isif_database *database, uint8_t retries)
{
	uint64_t due = clock_ns() + ((uint64_t)RETRY_FIRST << (retries / 2));

	if (due < database->due)
		database->due = due;
}

void tree_read_again(struct isif_database *database, struct directory *directory)
{
	tree_retry(database, directory->retries);
	directory->again = true;
	directory->retries = (uint8_t)(directory->retries + (directory->retries < RETRY_LAST));
}

bool tree_is_bad(const struct entry *entry)
{
	return entry->error && (!tree_is_passing(entry->error) || entry->retries >= RETRY_LIMIT);
}

static uint32_t hash_of_path(const char *path)
{
	return hash_octets(0, path, strlen(path));
}

static bool path_matches(const void *item, const void *key)
{
	return !strcmp(((const struct directory *)item)->path, key);
}

void tree_free_directory(struct isif_database *database, struct directory *directory)
{
	for (size_t i = 0; i < directory->child_count; i++)
		tree_free_directory(database, directory->children[i]);
	for (size_t i = 0; i < directory->entry_count; i++) {
		database->bad -= tree_is_bad(&directory->entries[i]);
		tree_clear_entry(&directory->entries[i]);
	}
	if (directory->entry_count)
		database->changed = true;
	tree_set_unreadable(database, directory, false);
	for (size_t i = 0; directory->queued && i < database->queue_count; i++)
		if (database->queue[i] == directory)
			database->queue[i] = NULL;
	tree_set_watch(database, directory, -1);
	hash_remove(&database->paths, hash_of_path(directory->path), directory);
	free(directory->entries);
	free(directory->children);
	free(directory->path);
	free(directory);
}

bool tree_enqueue(struct isif_database *database, struct directory *directory)
{
	if (directory->queued)
		return true;
	if (!array_reserve(&database->queue, &database->queue_size, database->queue_count,
			   sizeof(struct directory *)))
		return false;
	database->queue[database->queue_count++] = directory;
	directory->queued = true;
	return true;
}

void tree_path(const struct directory *directory, const char *name, char *path, size_t size)
{
	if (directory->place == PLACE_ROOT)
		snprintf(path, size, "%s", name);
	else
		snprintf(path, size, "%s/%s", directory->path, name);
}

bool tree_holds_records(const struct directory *directory)
{
	return directory->place != PLACE_ROOT && directory->place != PLACE_NODES;
}

struct directory *tree_find_watched(const struct isif_database *database, int watch)
{
	return hash_find(&database->watches, hash_of_watch(watch), watch_matches, &watch);
}

/* The place of a directory below another; false for what open-iscsi does not look at. */
static bool place_below(const struct directory *parent, const char *name, enum place *place)
{
	switch (parent->place) {
	case PLACE_ROOT:
		*place = !strcmp(name, "ifaces") ? PLACE_IFACES : PLACE_NODES;
		return *place == PLACE_IFACES || !strcmp(name, "nodes");
	case PLACE_NODES:
		*place = PLACE_TARGET;
		return true;
	case PLACE_TARGET:
		*place = PLACE_PORTAL;
		return true;
	default:
		return false;
	}
}

struct directory *tree_new_directory(struct isif_database *database, struct directory *parent,
				     const char *name)
{
	char path[PATH_MAX] SCRATCH;
	struct directory *directory = calloc(1, sizeof(*directory));

	if (!directory)
		return NULL;
	directory->watch = -1;
	directory->parent = parent;
	directory->seen = true;
	if (parent)
		tree_path(parent, name, path, sizeof(path));
	directory->path = strdup(parent ? path : ".");
	if (!directory->path ||
	    !hash_add(&database->paths, hash_of_path(directory->path), directory)) {
		free(directory->path);
		free(directory);
		return NULL;
	}
	return directory;
}

struct directory *tree_find_child(const struct isif_database *database,
				  const struct directory *directory, const char *name)
{
	char path[PATH_MAX] SCRATCH;

	tree_path(directory, name, path, sizeof(path));
	return hash_find(&database->paths, hash_of_path(path), path_matches, path);
}

/* Adds a directory, or has the one that is there read again. */
bool tree_see_directory(struct isif_database *database, struct directory *parent, const char *name)
{
	struct directory *child, **children;
	enum place place;

	if (!place_below(parent, name, &place))
		return true;
	child = tree_find_child(database, parent, name);
	if (!child) {
		if ((parent->child_count & (parent->child_count - 1)) == 0) {
			size_t size = parent->child_count ? parent->child_count * 2 : 1;

			children = reallocarray(parent->children, size, sizeof(*children));
			if (!children)
				return false;
			parent->children = children;
		}
		child = tree_new_directory(database, parent, name);
		if (!child)
			return false;
		child->place = place;
		parent->children[parent->child_count++] = child;
	}
	child->seen = true;
	return tree_enqueue(database, child);
}

void tree_remove_child(struct isif_database *database, struct directory *parent,
		       struct directory *child)
{
	for (size_t i = 0; i < parent->child_count; i++) {
		if (parent->children[i] != child)
			continue;
		parent->children[i] = parent->children[--parent->child_count];
		tree_free_directory(database, child);
		return;
	}
}

void tree_drop_entry(struct isif_database *database, struct entry *entry)
{
	database->bad -= tree_is_bad(entry);
	database->changed = true;
	tree_clear_entry(entry);
}

struct entry *tree_find_entry(struct directory *directory, const char *name, size_t *place)
{
	size_t low = 0, high = directory->entry_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(directory->entries[middle].name->text, name);

		if (!order) {
			*place = middle;
			return &directory->entries[middle];
		}
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	*place = low;
	return NULL;
}

void tree_remove_entry(struct isif_database *database, struct directory *directory,
		       const char *name)
{
	size_t place;
	struct entry *entry = tree_find_entry(directory, name, &place);

	if (!entry)
		return;
	tree_drop_entry(database, entry);
	directory->entry_count--;
	memmove(entry, entry + 1, (directory->entry_count - place) * sizeof(*entry));
}

bool tree_insert_entry(struct directory *directory, size_t place, const struct entry *fresh)
{
	struct entry *entries =
		reallocarray(directory->entries, directory->entry_count + 1, sizeof(*entries));

	if (!entries)
		return false;
	directory->entries = entries;
	memmove(&entries[place + 1], &entries[place],
		(directory->entry_count - place) * sizeof(*entries));
	entries[place] = *fresh;
	directory->entry_count++;
	return true;
}
