/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is to be read again stands in a queue of directories; a single changed record is read at
 * once. Nothing here trusts that an event arrived: isif_database_resync() puts the root into the
 * queue and the whole tree follows.
 */
#include "database.h"

#include "clock.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SET_CLOCK 100000000 /* ns: more is no adjustment */

static void change_in(struct isif_database *database, struct directory *directory,
		      const struct isif_change *change)
{
	size_t place;
	struct entry *entry;

	if (!*change->name) /* of the directory itself, such as its mode */
		return;
	if (change->directory && directory->place != PLACE_IFACES &&
	    directory->place != PLACE_PORTAL) {
		struct directory *child = tree_find_child(database, directory, change->name);

		if (change->gone && child)
			tree_remove_child(database, directory, child);
		else if (!change->gone && !tree_see_directory(database, directory, change->name))
			tree_read_again(database, directory);
		return;
	}
	if (!tree_holds_records(directory) || read_skips(directory, change->name))
		return;
	if (change->gone) {
		tree_remove_entry(database, directory, change->name);
		return;
	}
	/* Somebody finished writing: whatever was tried before does not count. */
	entry = tree_find_entry(directory, change->name, &place);
	if (entry && tree_is_passing(entry->error)) {
		database->bad -= tree_is_bad(entry);
		entry->retries = 0;
	}
	read_entry(database, directory, change->name);
}

void isif_database_changes(struct isif_database *database, uint64_t now)
{
	struct isif_privileged *gate = database->privileged;
	struct isif_change change;

	while (gate->operations->next_change(gate, &change)) {
		struct directory *directory;

		if (change.overflow) {
			database->overflows++;
			isif_database_resync(database);
			continue;
		}
		directory = tree_find_watched(database, change.watch);
		if (!directory)
			continue;
		if (change.watch_ended)
			tree_set_watch(database, directory, -1);
		else
			change_in(database, directory, &change);
	}
	if (now < database->due)
		return;
	database->due = NEVER;
	read_retries(database, database->root);
}

/* Takes directories of one depth out of the queue, from the front; returns how many. */
static size_t take_batch(struct isif_database *database, size_t *at, struct directory **batch)
{
	size_t count = 0;

	for (; *at < database->queue_count && count < READ_BATCH; ++*at) {
		struct directory *directory = database->queue[*at];

		if (!directory)
			continue;
		if (count && directory->place != batch[0]->place)
			break;
		directory->queued = false;
		database->queue[*at] = NULL;
		batch[count++] = directory;
	}
	return count;
}

/* Reads what is queued; the queue grows at its end while directories are found. */
static bool read_queue(struct isif_database *database, uint64_t deadline)
{
	struct directory *batch[READ_BATCH];
	size_t at = 0, count;

	while (at < database->queue_count) {
		if (clock_ns() >= deadline) {
			database->queue_count -= at;
			memmove(database->queue, database->queue + at,
				database->queue_count * sizeof(struct directory *));
			return false;
		}
		count = take_batch(database, &at, batch);
		if (count)
			read_batch(database, batch, count);
	}
	database->queue_count = 0;
	return true;
}

/* How far the wall clock is ahead of the monotonic one: it changes when somebody sets it. */
static int64_t clocks(int64_t *wall)
{
	struct timespec real;

	clock_gettime(CLOCK_REALTIME, &real);
	*wall = (int64_t)real.tv_sec * 1000000000 + real.tv_nsec;
	return *wall - (int64_t)clock_ns();
}

/* True if that begins at once. */
static bool read_all_again(struct isif_database *database)
{
	if (tree_enqueue(database, database->root))
		return true;
	tree_read_again(database, database->root);
	return false;
}

/* Everything was read once: now watch it, and read again what changed meanwhile. */
static bool begin_watching(struct isif_database *database)
{
	int64_t wall, difference = clocks(&wall) - database->load_clocks;

	/* By a clock that was set no change can be told: then everything is read again. */
	database->phase =
		difference > -SET_CLOCK && difference < SET_CLOCK ? PHASE_WATCHING : PHASE_WATCHED;
	return read_all_again(database);
}

bool isif_database_work(struct isif_database *database, uint64_t deadline, bool *more)
{
	bool changed;

	*more = !read_queue(database, deadline);
	if (!*more && database->phase == PHASE_LOADING)
		*more = begin_watching(database);
	else if (!*more)
		database->phase = PHASE_WATCHED;
	changed = database->changed;
	database->changed = false;
	if (changed && !*more)
		record_pool_trim(&database->copies);
	return changed;
}

bool isif_database_is_loaded(const struct isif_database *database)
{
	return database->phase != PHASE_LOADING;
}

uint64_t isif_database_due(const struct isif_database *database)
{
	return database->due;
}

void isif_database_resync(struct isif_database *database)
{
	/* Not by ctimes: this is the net below everything that may have gone wrong. */
	if (database->phase == PHASE_WATCHING)
		database->phase = PHASE_WATCHED;
	read_all_again(database);
}

void database_reread(struct isif_database *database, const char *path)
{
	struct directory *directory = database->root;
	char name[NAME_MAX + 1];
	const char *slash;

	for (; (slash = strchr(path, '/')); path = slash + 1) {
		struct directory *child;

		if ((size_t)(slash - path) > NAME_MAX)
			return;
		memcpy(name, path, (size_t)(slash - path));
		name[slash - path] = '\0';
		child = tree_find_child(database, directory, name);
		/* A new directory is put into the queue, too, to be watched. */
		if (!child && tree_see_directory(database, directory, name))
			child = tree_find_child(database, directory, name);
		if (!child)
			return;
		directory = child;
	}
	if (tree_holds_records(directory) && !read_skips(directory, path))
		read_entry(database, directory, path);
}

void isif_database_counts(const struct isif_database *database, struct isif_database_counts *counts)
{
	*counts = (struct isif_database_counts){
		.bad_records = database->bad,
		.overflows = database->overflows,
		.unwatched = database->unwatched,
	};
}

static void each_iface_in(const struct directory *directory,
			  void (*visit)(void *, struct isif_iface_record *, const char *),
			  void *context)
{
	for (size_t i = 0; i < directory->entry_count; i++)
		if (directory->entries[i].iface)
			visit(context, directory->entries[i].iface,
			      directory->entries[i].name->text);
	for (size_t i = 0; i < directory->child_count; i++)
		if (directory->children[i]->place == PLACE_IFACES)
			each_iface_in(directory->children[i], visit, context);
}

void isif_database_each_iface(const struct isif_database *database,
			      void (*visit)(void *context, struct isif_iface_record *iface,
					    const char *file),
			      void *context)
{
	each_iface_in(database->root, visit, context);
}

static void each_node_in(const struct directory *directory,
			 void (*visit)(void *, struct isif_node *), void *context)
{
	for (size_t i = 0; i < directory->entry_count; i++)
		if (directory->entries[i].node)
			visit(context, directory->entries[i].node);
	for (size_t i = 0; i < directory->child_count; i++)
		each_node_in(directory->children[i], visit, context);
}

void isif_database_each_node(const struct isif_database *database,
			     void (*visit)(void *context, struct isif_node *node), void *context)
{
	each_node_in(database->root, visit, context);
}

enum isif_error isif_database_open(struct isif_privileged *privileged, struct isif_names *names,
				   const struct isif_log *log, struct isif_database **result)
{
	struct isif_database *database = calloc(1, sizeof(*database));

	if (!database)
		return ISIF_NO_MEMORY;
	database->privileged = privileged;
	database->names = names;
	database->log = log;
	database->due = NEVER;
	database->load_clocks = clocks(&database->load_began);
	database->root = tree_new_directory(database, NULL, NULL);
	if (!database->root || !tree_enqueue(database, database->root)) {
		isif_database_close(database);
		return ISIF_NO_MEMORY;
	}
	*result = database;
	return ISIF_OK;
}

void isif_database_close(struct isif_database *database)
{
	if (!database)
		return;
	if (database->root)
		tree_free_directory(database, database->root);
	record_pool_clear(&database->copies);
	hash_clear(&database->watches);
	hash_clear(&database->paths);
	free(database->queue);
	free(database);
}
