/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "database.h"

#include "array.h"
#include "cleanup.h"
#include "clock.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

/* One reading of a directory. */
struct reading {
	struct isif_database *database;
	struct directory *directory;
	struct entry *entries;
	size_t count, size;
	enum isif_error error;
};

/* ctimes come from a clock that ticks up to 10 ms late; be generous. */
#define CLOCK_MARGIN 1000000000

static void parse_entry(struct isif_database *database, const struct directory *directory,
			struct entry *entry, const char *text, size_t length)
{
	char path[PATH_MAX] SCRATCH;

	if (directory->place == PLACE_IFACES) {
		entry->error = isif_iface_record_parse(entry->name->text, text, length,
						       database->names, &entry->iface);
		return;
	}
	tree_path(directory, entry->name->text, path, sizeof(path));
	entry->error = isif_node_parse(path, text, length, database->names, &database->copies,
				       &entry->node);
}

/* usr/iface.c:iface_get_next skips these; iscsiadm takes any other file for a record. */
bool read_skips(const struct directory *directory, const char *name)
{
	return directory->place == PLACE_IFACES && !strncmp(name, "iface.example", 13);
}

/* One more entry in a reading, NULL without memory. */
static struct entry *add_entry(struct reading *reading, const char *name)
{
	struct isif_name *shared = isif_name_get(reading->database->names, name, strlen(name));
	struct entry *entry;

	if (!shared ||
	    !array_reserve(&reading->entries, &reading->size, reading->count, sizeof(*entry))) {
		isif_name_release(shared);
		reading->error = ISIF_NO_MEMORY;
		return NULL;
	}
	entry = &reading->entries[reading->count++];
	*entry = (struct entry){ .name = shared };
	return entry;
}

static void visit_record(struct isif_directory_reading *request, const char *name, const char *text,
			 size_t length, enum isif_error error)
{
	struct reading *reading = request->context;
	struct entry *entry;

	if (read_skips(reading->directory, name))
		return;
	entry = add_entry(reading, name);
	if (!entry)
		return;
	entry->error = error;
	if (text)
		parse_entry(reading->database, reading->directory, entry, text, length);
}

static void visit_unchanged(struct isif_directory_reading *request, const char *name)
{
	struct reading *reading = request->context;
	struct entry *entry;

	if (read_skips(reading->directory, name))
		return;
	entry = add_entry(reading, name);
	if (!entry)
		return;
	/* A file that we have not read yet was moved here: have it read soon. */
	entry->unchanged = true;
	entry->error = ISIF_INCOMPLETE;
}

static void visit_directory(struct isif_directory_reading *request, const char *name)
{
	struct reading *reading = request->context;

	/* A directory where a record should be: open-iscsi warns, we count it. */
	if (reading->directory->place == PLACE_IFACES || reading->directory->place == PLACE_PORTAL)
		visit_record(request, name, NULL, 0, ISIF_INVALID);
	else if (!tree_see_directory(reading->database, reading->directory, name))
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
	if (tree_is_bad(entry) && entry->reported != entry->error) {
		isif_log_line(database->log, ISIF_LOG_WARNING,
			      "cannot read record %s/%s: %s; it is skipped, the others are not",
			      directory->path, entry->name->text, isif_error_text(entry->error));
		entry->reported = entry->error;
	} else if (!entry->error && entry->reported) {
		isif_log_line(database->log, ISIF_LOG_NOTICE, "record %s/%s is readable again",
			      directory->path, entry->name->text);
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
		database->bad -= tree_is_bad(old);
		fresh->reported = old->reported;
		if (tree_is_passing(fresh->error) && tree_is_passing(old->error))
			fresh->retries = (uint8_t)(old->retries + (old->retries < RETRY_LAST));
	}
	if (old &&
	    (fresh->error == ISIF_NO_MEMORY  ? true
	     : tree_is_passing(fresh->error) ? fresh->retries < RETRY_LIMIT
					     : !fresh->error && !entry_changed(old, fresh))) {
		isif_node_release(fresh->node);
		isif_iface_record_release(fresh->iface);
		fresh->node = isif_node_hold(old->node);
		fresh->iface = isif_iface_record_hold(old->iface);
	} else {
		database->changed |=
			(fresh->node || fresh->iface || (old && (old->node || old->iface)));
	}
	if (tree_is_bad(fresh) != (old && tree_is_bad(old)))
		database->changed = true;
	if (tree_may_retry(fresh->error, fresh->retries))
		tree_retry(database, fresh->retries);
	database->bad += tree_is_bad(fresh);
	report(database, directory, fresh);
}

/* What did not change since it was read stays as it is. */
static void keep(struct entry *old, struct entry *fresh)
{
	struct entry kept = *old;

	old->name = fresh->name;
	old->node = NULL;
	old->iface = NULL;
	*fresh = kept;
}

static int compare_entries(const void *a, const void *b)
{
	return strcmp(((const struct entry *)a)->name->text, ((const struct entry *)b)->name->text);
}

/* Both lists are sorted: walk them side by side. */
static void settle_all(struct reading *reading)
{
	struct directory *directory = reading->directory;
	struct entry *old = directory->entries;
	const struct entry *end = directory->entry_count ? old + directory->entry_count : old;

	if (reading->count)
		qsort(reading->entries, reading->count, sizeof(struct entry), compare_entries);
	for (size_t i = 0; i < reading->count; i++) {
		struct entry *fresh = &reading->entries[i];

		while (old < end && compare_entries(old, fresh) < 0)
			tree_drop_entry(reading->database, old++);
		if (old < end && compare_entries(old, fresh) == 0 && fresh->unchanged) {
			keep(old, fresh);
			tree_clear_entry(old++);
		} else if (old < end && compare_entries(old, fresh) == 0) {
			settle(reading->database, directory, old, fresh);
			tree_clear_entry(old++);
		} else {
			settle(reading->database, directory, NULL, fresh);
		}
	}
	while (old < end)
		tree_drop_entry(reading->database, old++);
	free(directory->entries);
	directory->entries = reading->entries;
	directory->entry_count = reading->count;
}

static void forget_reading(struct reading *reading)
{
	for (size_t i = 0; i < reading->count; i++)
		tree_clear_entry(&reading->entries[i]);
	free(reading->entries);
}

static void lost_watch(struct isif_database *database)
{
	if (database->unwatched)
		return;
	database->unwatched = true;
	isif_log_line(database->log, ISIF_LOG_WARNING,
		      "the system refuses more inotify watches: some records are looked at once a "
		      "minute only; raise fs.inotify.max_user_watches");
}

/* A directory was read: what it holds now takes the place of what it held. */
static void end_directory(struct isif_directory_reading *request)
{
	struct reading *reading = request->context;
	struct isif_database *database = reading->database;
	struct directory *directory = reading->directory;
	struct isif_privileged *gate = database->privileged;
	enum isif_error error = request->error ? request->error : reading->error;

	if (error && error != ISIF_NOT_FOUND && error != ISIF_INVALID) {
		forget_reading(reading);
		if (!directory->unreadable)
			isif_log_line(database->log, ISIF_LOG_ERROR,
				      "cannot read directory %s: %s; what it holds is not shown",
				      directory->path, isif_error_text(error));
		tree_set_unreadable(database, directory, true);
		if (tree_is_passing(error))
			tree_read_again(database, directory);
		return;
	}
	if (directory->unreadable)
		isif_log_line(database->log, ISIF_LOG_NOTICE, "directory %s is readable again",
			      directory->path);
	tree_set_unreadable(database, directory, false);
	directory->retries = 0;
	tree_set_watch(database, directory, request->watch);
	if (request->watch < 0 && database->phase != PHASE_LOADING &&
	    gate->operations->change_descriptor(gate) >= 0 && !error)
		lost_watch(database);
	settle_all(reading);
	for (size_t i = directory->child_count; i-- > 0;)
		if (!directory->children[i]->seen)
			tree_remove_child(database, directory, directory->children[i]);
	if (error && directory->parent)
		tree_remove_child(database, directory->parent, directory);
}

static unsigned flags_of(const struct isif_database *database, const struct directory *directory)
{
	unsigned flags = tree_holds_records(directory) ? ISIF_READ_RECORDS : 0;

	if (database->phase == PHASE_LOADING)
		return flags;
	return flags | ISIF_READ_WATCH |
	       (database->phase == PHASE_WATCHING ? (unsigned)ISIF_READ_NEWER : 0);
}

void read_batch(struct isif_database *database, struct directory **directories, size_t count)
{
	static const struct isif_directory_visitor visitor = { visit_record, visit_directory,
							       end_directory, visit_unchanged };
	struct isif_directory_reading requests[READ_BATCH];
	struct reading readings[READ_BATCH];

	for (size_t i = 0; i < count; i++) {
		struct directory *directory = directories[i];

		for (size_t j = 0; j < directory->child_count; j++)
			directory->children[j]->seen = false;
		readings[i] = (struct reading){ .database = database, .directory = directory };
		requests[i] = (struct isif_directory_reading){
			.path = directory->path,
			.flags = flags_of(database, directory),
			.since = database->load_began - CLOCK_MARGIN,
			.watch = -1,
			.context = &readings[i],
		};
	}
	database->privileged->operations->read_directories(database->privileged, requests, count,
							   &visitor);
}

void read_entry(struct isif_database *database, struct directory *directory, const char *name)
{
	struct isif_privileged *gate = database->privileged;
	struct entry fresh = { .name = isif_name_get(database->names, name, strlen(name)) }, *old;
	char path[PATH_MAX] SCRATCH;
	const char *text;
	size_t length, place;

	if (!fresh.name) {
		tree_read_again(database, directory);
		return;
	}
	tree_path(directory, name, path, sizeof(path));
	fresh.error = gate->operations->read_record(gate, path, &text, &length);
	if (fresh.error == ISIF_NOT_FOUND) {
		tree_clear_entry(&fresh);
		tree_remove_entry(database, directory, name);
		return;
	}
	if (!fresh.error)
		parse_entry(database, directory, &fresh, text, length);
	old = tree_find_entry(directory, name, &place);
	settle(database, directory, old, &fresh);
	if (old) {
		tree_clear_entry(old);
		*old = fresh;
	} else if (!tree_insert_entry(directory, place, &fresh)) {
		database->bad -= tree_is_bad(&fresh);
		tree_clear_entry(&fresh);
		tree_read_again(database, directory);
	}
}

void read_retries(struct isif_database *database, struct directory *directory)
{
	for (size_t i = 0; i < directory->child_count; i++)
		read_retries(database, directory->children[i]);
	if (directory->again) {
		directory->again = false;
		if (!tree_enqueue(database, directory))
			tree_read_again(database, directory);
	}
	for (size_t i = 0; i < directory->entry_count; i++) {
		struct entry *entry = &directory->entries[i];
		struct isif_name *name;

		if (!tree_may_retry(entry->error, entry->retries))
			continue;
		/* Reading it can take its entry away. */
		name = isif_name_hold(entry->name);
		read_entry(database, directory, name->text);
		isif_name_release(name);
	}
}
