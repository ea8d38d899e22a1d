/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ISIF_LIB_DATABASE_H
#define ISIF_LIB_DATABASE_H

#include <isif/database.h>

#include "hash.h"
#include "node.h"

#include <limits.h>

/*
 * The records of a database as a tree of its directories:
 *   database_tree.c  the tree: directories, watches, the queue of what is to be read
 *   database_read.c  reading: a directory's listing, or one record, takes the place of the old
 *   database.c       what the rest of the library sees
 */

/*
 * A half-written record is tried again after 20 ms, then ever later, for about half a second: then
 * it is bad. So is what cannot be read because something is short; but nobody tells when that has
 * passed, and so it is tried on, in the end every 10 s.
 */
#define RETRY_FIRST 20000000u /* ns */
#define RETRY_LIMIT 7
#define RETRY_LAST  18
#define NEVER	    UINT64_MAX

/* A buffer that is filled before it is read: not to be zeroed at every call (hardening flags). */
#if defined __has_attribute
#if __has_attribute(uninitialized)
#define SCRATCH __attribute__((uninitialized))
#endif
#endif
#ifndef SCRATCH
#define SCRATCH
#endif

enum place { PLACE_ROOT, PLACE_IFACES, PLACE_NODES, PLACE_TARGET, PLACE_PORTAL };

struct entry {
	struct isif_name *name; /* of its file: ten thousand files have a handful of names */
	struct isif_iface_record *iface; /* in ifaces/; of the last good reading */
	struct isif_node *node;		 /* below nodes/ */
	enum isif_error error;		 /* of the last reading */
	enum isif_error reported;	 /* what the log was told */
	uint8_t retries;
	bool unchanged; /* in a reading: what the old entry says is still true */
};

struct directory {
	char *path; /* "." for the root */
	struct directory *parent;
	enum place place;
	int watch;	 /* -1: none */
	bool unreadable; /* counted as a bad record: what it holds is not known */
	bool again;	 /* it is to be read again when that is due */
	uint8_t retries;
	bool queued;
	bool seen; /* while its parent is being read */
	size_t entry_count, child_count;
	struct entry *entries; /* sorted by name */
	struct directory **children;
};

/*
 * A start reads first and watches afterwards: it is over sooner. What changed in between is told
 * by its ctime, while the directories are being watched one after the other.
 */
enum phase { PHASE_LOADING, PHASE_WATCHING, PHASE_WATCHED };

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
	enum phase phase;
	int64_t load_began;  /* CLOCK_REALTIME, ns */
	int64_t load_clocks; /* and how far it was ahead of CLOCK_MONOTONIC */
	uint64_t due;	     /* when what could not be read is to be read again */
	uint32_t bad, overflows;
	bool changed, unwatched;
};

/*
 * Reads one record again at once, be it new, changed or gone; its directories are found, too.
 */
void database_reread(struct isif_database *database, const char *path);

/* --- database_tree.c --- */

struct directory *tree_new_directory(struct isif_database *database, struct directory *parent,
				     const char *name);
void tree_free_directory(struct isif_database *database, struct directory *directory);
void tree_remove_child(struct isif_database *database, struct directory *parent,
		       struct directory *child);
struct directory *tree_find_child(const struct isif_database *database,
				  const struct directory *directory, const char *name);
struct directory *tree_find_watched(const struct isif_database *database, int watch);

/* Adds a directory, or has the one that is there read again; false without memory. */
bool tree_see_directory(struct isif_database *database, struct directory *parent, const char *name);

/* Puts a directory into the queue; false without memory. */
bool tree_enqueue(struct isif_database *database, struct directory *directory);

void tree_set_watch(struct isif_database *database, struct directory *directory, int watch);

/* Path of an entry, relative to the database's root. */
void tree_path(const struct directory *directory, const char *name, char *path, size_t size);

bool tree_holds_records(const struct directory *directory);

/* The entry with this name, NULL if there is none; *place gets where it is or would be. */
struct entry *tree_find_entry(struct directory *directory, const char *name, size_t *place);
bool tree_insert_entry(struct directory *directory, size_t place, const struct entry *fresh);
void tree_remove_entry(struct isif_database *database, struct directory *directory,
		       const char *name);
void tree_drop_entry(struct isif_database *database, struct entry *entry);
void tree_clear_entry(struct entry *entry);

/* Counts a directory that cannot be read as one bad record. */
void tree_set_unreadable(struct isif_database *database, struct directory *directory,
			 bool unreadable);

/* True for what may be otherwise in a moment: somebody is writing, or something is short. */
bool tree_is_passing(enum isif_error error);
/* True if what could not be read, and was tried again so often, is to be tried once more. */
bool tree_may_retry(enum isif_error error, uint8_t retries);
/* Notes when that is to be. */
void tree_retry(struct isif_database *database, uint8_t retries);
/* Has a directory read again. */
void tree_read_again(struct isif_database *database, struct directory *directory);

/* True for a record that is given up as unreadable. */
bool tree_is_bad(const struct entry *entry);

/* --- database_read.c --- */

#define READ_BATCH 1024 /* so many directories are read at once, at the most */

/* Reads directories of one and the same depth: none of them may hold another one. */
void read_batch(struct isif_database *database, struct directory **directories, size_t count);

/* Reads one record again, because it is said to be new or changed. */
void read_entry(struct isif_database *database, struct directory *directory, const char *name);

/* Reads again what could not be read. */
void read_retries(struct isif_database *database, struct directory *directory);

/* True for what open-iscsi does not take for a record. */
bool read_skips(const struct directory *directory, const char *name);

#endif
