/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The records of a database, kept as a tree of its directories. What is to be read again stands
 * in a queue of directories; a single changed record is read at once. Nothing here trusts that an
 * event arrived: isif_database_resync() puts the root into the queue and the whole tree follows.
 */
#include <isif/database.h>

#include "array.h"
#include "cleanup.h"
#include "node.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* A half-written record is tried again after 20 ms, then ever later, for about a second. */
#define RETRY_FIRST 20000000u
#define RETRY_LIMIT 7
#define NEVER	    UINT64_MAX

enum place { PLACE_ROOT, PLACE_IFACES, PLACE_NODES, PLACE_TARGET, PLACE_PORTAL };

struct entry {
	char *name;
	struct isif_iface_record *iface; /* in ifaces/; of the last good reading */
	struct isif_node *node;		 /* below nodes/ */
	enum isif_error error;		 /* of the last reading */
	enum isif_error reported;	 /* what the log was told */
	uint8_t retries;
};

struct directory {
	char *path; /* "." for the root */
	struct directory *parent;
	enum place place;
	int watch; /* -1: none */
	bool queued;
	bool seen; /* while its parent is being read */
	size_t entry_count, child_count;
	struct entry *entries; /* sorted by name */
	struct directory **children;
};

struct isif_database {
	struct isif_privileged *privileged;
	struct isif_names *names;
	const struct isif_log *log;
	struct isif_record_pool copies;
	struct directory *root;
	struct hash watches; /* directories by watch */
	struct hash paths;   /* directories by path */
	struct directory **queue;
	size_t queue_count, queue_size;
	uint64_t due; /* when a half-written record is to be read again */
	uint32_t bad, overflows;
	bool changed, unwatched;
};

/* One reading of a directory. */
struct reading {
	struct isif_database *database;
	struct directory *directory;
	struct entry *entries;
	size_t count, size;
	enum isif_error error;
};

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void clear_entry(struct entry *entry)
{
	free(entry->name);
	isif_iface_record_release(entry->iface);
	isif_node_release(entry->node);
}

static bool watch_matches(const void *item, const void *key)
{
	return ((const struct directory *)item)->watch == *(const int *)key;
}

static void set_watch(struct isif_database *database, struct directory *directory, int watch)
{
	if (directory->watch == watch)
		return;
	if (directory->watch >= 0)
		hash_remove(&database->watches, (uint32_t)directory->watch, directory);
	directory->watch = watch;
	if (watch >= 0 && !hash_add(&database->watches, (uint32_t)watch, directory))
		directory->watch = -1;
}

static bool is_bad(const struct entry *entry)
{
	return entry->error && (entry->error != ISIF_INCOMPLETE || entry->retries >= RETRY_LIMIT);
}

static uint32_t hash_of_path(const char *path)
{
	return hash_octets(0, path, strlen(path));
}

static bool path_matches(const void *item, const void *key)
{
	return !strcmp(((const struct directory *)item)->path, key);
}

static void free_directory(struct isif_database *database, struct directory *directory)
{
	for (size_t i = 0; i < directory->child_count; i++)
		free_directory(database, directory->children[i]);
	for (size_t i = 0; i < directory->entry_count; i++) {
		database->bad -= is_bad(&directory->entries[i]);
		clear_entry(&directory->entries[i]);
	}
	if (directory->entry_count)
		database->changed = true;
	for (size_t i = 0; directory->queued && i < database->queue_count; i++)
		if (database->queue[i] == directory)
			database->queue[i] = NULL;
	set_watch(database, directory, -1);
	hash_remove(&database->paths, hash_of_path(directory->path), directory);
	free(directory->entries);
	free(directory->children);
	free(directory->path);
	free(directory);
}

static bool enqueue(struct isif_database *database, struct directory *directory)
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

static int path_of(const struct directory *directory, const char *name, char *path, size_t size)
{
	if (directory->place == PLACE_ROOT)
		return snprintf(path, size, "%s", name);
	return snprintf(path, size, "%s/%s", directory->path, name);
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

static struct directory *new_directory(struct isif_database *database, struct directory *parent,
				       const char *name)
{
	char path[PATH_MAX];
	struct directory *directory = calloc(1, sizeof(*directory));

	if (!directory)
		return NULL;
	directory->watch = -1;
	directory->parent = parent;
	directory->seen = true;
	if (parent)
		path_of(parent, name, path, sizeof(path));
	directory->path = strdup(parent ? path : ".");
	if (!directory->path ||
	    !hash_add(&database->paths, hash_of_path(directory->path), directory)) {
		free(directory->path);
		free(directory);
		return NULL;
	}
	return directory;
}

static struct directory *find_child(const struct isif_database *database,
				    const struct directory *directory, const char *name)
{
	char path[PATH_MAX];

	path_of(directory, name, path, sizeof(path));
	return hash_find(&database->paths, hash_of_path(path), path_matches, path);
}

/* Adds a directory, or has the one that is there read again. */
static bool see_directory(struct isif_database *database, struct directory *parent,
			  const char *name)
{
	struct directory *child, **children;
	enum place place;

	if (!place_below(parent, name, &place))
		return true;
	child = find_child(database, parent, name);
	if (!child) {
		if ((parent->child_count & (parent->child_count - 1)) == 0) {
			size_t size = parent->child_count ? parent->child_count * 2 : 1;

			children = reallocarray(parent->children, size, sizeof(*children));
			if (!children)
				return false;
			parent->children = children;
		}
		child = new_directory(database, parent, name);
		if (!child)
			return false;
		child->place = place;
		parent->children[parent->child_count++] = child;
	}
	child->seen = true;
	return enqueue(database, child);
}

static void remove_child(struct isif_database *database, struct directory *parent,
			 struct directory *child)
{
	for (size_t i = 0; i < parent->child_count; i++) {
		if (parent->children[i] != child)
			continue;
		parent->children[i] = parent->children[--parent->child_count];
		free_directory(database, child);
		return;
	}
}

static void parse_entry(struct isif_database *database, const struct directory *directory,
			struct entry *entry, const char *text, size_t length)
{
	char path[PATH_MAX];

	if (directory->place == PLACE_IFACES) {
		entry->error = isif_iface_record_parse(entry->name, text, length, database->names,
						       &entry->iface);
		return;
	}
	path_of(directory, entry->name, path, sizeof(path));
	entry->error = isif_node_parse(path, text, length, database->names, &database->copies,
				       &entry->node);
}

/* usr/iface.c:iface_get_next skips these; iscsiadm takes any other file for a record. */
static bool is_no_record(const struct directory *directory, const char *name)
{
	return directory->place == PLACE_IFACES && !strncmp(name, "iface.example", 13);
}

static void visit_record(void *context, const char *name, const char *text, size_t length,
			 enum isif_error error)
{
	struct reading *reading = context;
	struct entry *entry;

	if (is_no_record(reading->directory, name))
		return;
	if (!array_reserve(&reading->entries, &reading->size, reading->count, sizeof(*entry))) {
		reading->error = ISIF_NO_MEMORY;
		return;
	}
	entry = &reading->entries[reading->count];
	*entry = (struct entry){ .name = strdup(name), .error = error };
	if (!entry->name) {
		reading->error = ISIF_NO_MEMORY;
		return;
	}
	reading->count++;
	if (text)
		parse_entry(reading->database, reading->directory, entry, text, length);
}

static void visit_directory(void *context, const char *name)
{
	struct reading *reading = context;

	/* A directory where a record should be: open-iscsi warns, we count it. */
	if (reading->directory->place == PLACE_IFACES || reading->directory->place == PLACE_PORTAL)
		visit_record(context, name, NULL, 0, ISIF_INVALID);
	else if (!see_directory(reading->database, reading->directory, name))
		reading->error = ISIF_NO_MEMORY;
}

static bool entry_changed(const struct entry *old, const struct entry *fresh)
{
	if (old->node && fresh->node)
		return !node_equal(old->node, fresh->node);
	if (old->iface && fresh->iface)
		return old->iface->name != fresh->iface->name ||
		       !isif_record_same_settings(old->iface->record, fresh->iface->record) ||
		       old->iface->record->hash != fresh->iface->record->hash;
	return old->node != fresh->node || old->iface != fresh->iface;
}

static void report(struct isif_database *database, const struct directory *directory,
		   struct entry *entry)
{
	if (is_bad(entry) && entry->reported != entry->error) {
		isif_log_line(database->log, ISIF_LOG_WARNING,
			      "cannot read record %s/%s: %s; it is skipped, the others are not",
			      directory->path, entry->name, isif_error_text(entry->error));
		entry->reported = entry->error;
	} else if (!entry->error && entry->reported) {
		isif_log_line(database->log, ISIF_LOG_NOTICE, "record %s/%s is readable again",
			      directory->path, entry->name);
		entry->reported = ISIF_OK;
	}
}

/*
 * Puts a new reading of a record in the place of the old one (NULL: there was none). An equal
 * record keeps its object, so that everything built on it is kept as well; a half-written one
 * keeps what it said before until somebody has finished it or the retries are used up.
 */
static void settle(struct isif_database *database, const struct directory *directory,
		   struct entry *old, struct entry *fresh)
{
	if (old) {
		database->bad -= is_bad(old);
		fresh->reported = old->reported;
		if (fresh->error == ISIF_INCOMPLETE && old->error == ISIF_INCOMPLETE)
			fresh->retries = (uint8_t)(old->retries + (old->retries < RETRY_LIMIT));
	}
	if (old &&
	    (fresh->error == ISIF_INCOMPLETE ? fresh->retries < RETRY_LIMIT
					     : !fresh->error && !entry_changed(old, fresh))) {
		isif_node_release(fresh->node);
		isif_iface_record_release(fresh->iface);
		fresh->node = isif_node_hold(old->node);
		fresh->iface = isif_iface_record_hold(old->iface);
	} else {
		database->changed |=
			(fresh->node || fresh->iface || (old && (old->node || old->iface)));
	}
	if (is_bad(fresh) != (old && is_bad(old)))
		database->changed = true;
	if (fresh->error == ISIF_INCOMPLETE && fresh->retries < RETRY_LIMIT) {
		uint64_t due = now_ns() + ((uint64_t)RETRY_FIRST << (fresh->retries / 2));

		if (due < database->due)
			database->due = due;
	}
	database->bad += is_bad(fresh);
	report(database, directory, fresh);
}

static int compare_entries(const void *a, const void *b)
{
	return strcmp(((const struct entry *)a)->name, ((const struct entry *)b)->name);
}

static void drop_entry(struct isif_database *database, struct entry *entry)
{
	database->bad -= is_bad(entry);
	database->changed = true;
	clear_entry(entry);
}

/* Both lists are sorted: walk them side by side. */
static void settle_all(struct reading *reading)
{
	struct directory *directory = reading->directory;
	struct entry *old = directory->entries, *end = old + directory->entry_count;

	if (reading->count)
		qsort(reading->entries, reading->count, sizeof(struct entry), compare_entries);
	for (size_t i = 0; i < reading->count; i++) {
		struct entry *fresh = &reading->entries[i];

		while (old < end && compare_entries(old, fresh) < 0)
			drop_entry(reading->database, old++);
		if (old < end && compare_entries(old, fresh) == 0) {
			settle(reading->database, directory, old, fresh);
			clear_entry(old++);
		} else {
			settle(reading->database, directory, NULL, fresh);
		}
	}
	while (old < end)
		drop_entry(reading->database, old++);
	free(directory->entries);
	directory->entries = reading->entries;
	directory->entry_count = reading->count;
}

static void forget_reading(struct reading *reading)
{
	for (size_t i = 0; i < reading->count; i++)
		clear_entry(&reading->entries[i]);
	free(reading->entries);
}

static void lost_watch(struct isif_database *database)
{
	if (database->unwatched)
		return;
	database->unwatched = true;
	isif_log_line(database->log, ISIF_LOG_WARNING,
		      "the system refuses more inotify watches: changes of records are seen only "
		      "at the next full read (resyncInterval); raise fs.inotify.max_user_watches");
}

/* Reads one directory; one that is gone is taken out of the tree. */
static enum isif_error read_directory(struct isif_database *database, struct directory *directory)
{
	struct isif_privileged *gate = database->privileged;
	struct reading reading = { .database = database, .directory = directory };
	const struct isif_directory_visitor visitor = { visit_record, visit_directory, &reading };
	bool records = directory->place != PLACE_ROOT && directory->place != PLACE_NODES;
	bool watching = gate->operations->change_descriptor(gate) >= 0;
	enum isif_error error;
	int watch;

	for (size_t i = 0; i < directory->child_count; i++)
		directory->children[i]->seen = false;
	error = gate->operations->read_directory(
		gate, directory->path, ISIF_READ_WATCH | (records ? ISIF_READ_RECORDS : 0), &watch,
		&visitor);
	if (!error)
		error = reading.error;
	if (error && error != ISIF_NOT_FOUND && error != ISIF_INVALID) {
		forget_reading(&reading);
		isif_log_line(database->log, ISIF_LOG_ERROR, "cannot read directory %s: %s",
			      directory->path, isif_error_text(error));
		return error;
	}
	set_watch(database, directory, watch);
	if (watch < 0 && watching && !error)
		lost_watch(database);
	settle_all(&reading);
	for (size_t i = directory->child_count; i-- > 0;)
		if (!directory->children[i]->seen)
			remove_child(database, directory, directory->children[i]);
	if (error && directory->parent)
		remove_child(database, directory->parent, directory);
	return ISIF_OK;
}

static struct entry *find_entry(struct directory *directory, const char *name, size_t *place)
{
	size_t low = 0, high = directory->entry_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(directory->entries[middle].name, name);

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

static void remove_entry(struct isif_database *database, struct directory *directory,
			 const char *name)
{
	size_t place;
	struct entry *entry = find_entry(directory, name, &place);

	if (!entry)
		return;
	drop_entry(database, entry);
	directory->entry_count--;
	memmove(entry, entry + 1, (directory->entry_count - place) * sizeof(*entry));
}

static bool insert_entry(struct directory *directory, size_t place, const struct entry *fresh)
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

/* Reads one record again, because it is said to be new or changed. */
static void read_entry(struct isif_database *database, struct directory *directory,
		       const char *name)
{
	struct isif_privileged *gate = database->privileged;
	struct entry fresh = { .name = strdup(name) }, *old;
	char path[PATH_MAX];
	const char *text;
	size_t length, place;

	if (!fresh.name)
		return;
	path_of(directory, name, path, sizeof(path));
	fresh.error = gate->operations->read_record(gate, path, &text, &length);
	if (fresh.error == ISIF_NOT_FOUND) {
		clear_entry(&fresh);
		remove_entry(database, directory, name);
		return;
	}
	if (!fresh.error)
		parse_entry(database, directory, &fresh, text, length);
	old = find_entry(directory, name, &place);
	settle(database, directory, old, &fresh);
	if (old) {
		clear_entry(old);
		*old = fresh;
	} else if (!insert_entry(directory, place, &fresh)) {
		database->bad -= is_bad(&fresh);
		clear_entry(&fresh);
	}
}

/* Reads again what was half-written. */
static void retry_directory(struct isif_database *database, struct directory *directory)
{
	for (size_t i = 0; i < directory->child_count; i++)
		retry_directory(database, directory->children[i]);
	for (size_t i = 0; i < directory->entry_count; i++) {
		struct entry *entry = &directory->entries[i];
		CLEANUP_FREE char *name = NULL;

		if (entry->error != ISIF_INCOMPLETE || entry->retries >= RETRY_LIMIT)
			continue;
		name = strdup(entry->name);
		if (name)
			read_entry(database, directory, name);
	}
}

static void change_in(struct isif_database *database, struct directory *directory,
		      const struct isif_change *change)
{
	bool holds_records = directory->place != PLACE_ROOT && directory->place != PLACE_NODES;
	size_t place;
	struct entry *entry;

	if (!*change->name) /* of the directory itself, such as its mode */
		return;
	if (change->directory && directory->place != PLACE_IFACES &&
	    directory->place != PLACE_PORTAL) {
		struct directory *child = find_child(database, directory, change->name);

		if (change->gone && child)
			remove_child(database, directory, child);
		else if (!change->gone)
			see_directory(database, directory, change->name);
		return;
	}
	if (!holds_records || is_no_record(directory, change->name))
		return;
	if (change->gone) {
		remove_entry(database, directory, change->name);
		return;
	}
	/* Somebody finished writing: whatever was tried before does not count. */
	entry = find_entry(directory, change->name, &place);
	if (entry && entry->error == ISIF_INCOMPLETE) {
		database->bad -= is_bad(entry);
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
		directory = hash_find(&database->watches, (uint32_t)change.watch, watch_matches,
				      &change.watch);
		if (!directory)
			continue;
		if (change.watch_ended)
			set_watch(database, directory, -1);
		else
			change_in(database, directory, &change);
	}
	if (now < database->due)
		return;
	database->due = NEVER;
	retry_directory(database, database->root);
}

/* Reads what is queued; the queue grows at its end while directories are found. */
static bool read_queue(struct isif_database *database, uint64_t deadline)
{
	for (size_t i = 0; i < database->queue_count; i++) {
		struct directory *directory = database->queue[i];

		if (!directory)
			continue;
		if (now_ns() >= deadline) {
			database->queue_count -= i;
			memmove(database->queue, database->queue + i,
				database->queue_count * sizeof(struct directory *));
			return false;
		}
		directory->queued = false;
		database->queue[i] = NULL;
		read_directory(database, directory);
	}
	database->queue_count = 0;
	return true;
}

bool isif_database_work(struct isif_database *database, uint64_t deadline, bool *more)
{
	bool changed;

	*more = !read_queue(database, deadline);
	changed = database->changed;
	database->changed = false;
	if (changed && !*more)
		record_pool_trim(&database->copies);
	return changed;
}

uint64_t isif_database_due(const struct isif_database *database)
{
	return database->due;
}

void isif_database_resync(struct isif_database *database)
{
	enqueue(database, database->root);
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
			visit(context, directory->entries[i].iface, directory->entries[i].name);
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
	database->root = new_directory(database, NULL, NULL);
	if (!database->root || !enqueue(database, database->root)) {
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
		free_directory(database, database->root);
	record_pool_clear(&database->copies);
	hash_clear(&database->watches);
	hash_clear(&database->paths);
	free(database->queue);
	free(database);
}
