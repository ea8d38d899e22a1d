/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ISIF_LIB_STORE_H
#define ISIF_LIB_STORE_H

#include <isif/privileged.h>

#include "record_edit.h"

#include <sys/types.h>
#include <time.h>

/*
 * Writing to the database, on the privileged side of the gate.
 *   store.c          a transaction: begin, commit, undo, end
 *   store_check.c    what an edit may name: this side trusts nobody
 *   store_lock.c     open-iscsi's lock, taken with a file of our own
 *   store_file.c     files and directories: temporary ones, synced, swept
 *   store_plan.c     edits -> the steps that make them (files, links, directories)
 *   store_step.c     steps are done and undone, as often as need be
 *   store_journal.c  the steps on disk, and what a start does with them
 *   store_batch.c    many edits, each for itself, without waiting for the disk
 *   store_backup.c   the copy that is kept before anything is written
 *   store_state.c    whole files of the state directory
 *   store_staged.c   those of them that change together with records
 *
 * Files of ours in the database's root, nowhere else (any file in ifaces/ is a record to
 * iscsiadm): STORE_TEMPORARY and a number are new texts that are not in their place yet,
 * STORE_ASIDE and a number are hard links to old ones, which an undo puts back.
 */
#define STORE_TEMPORARY ".iscsi-ifaced-new-"
#define STORE_ASIDE	".iscsi-ifaced-old-"

/* The file in the lock directory that lock.write is made a link to: ours is told by its inode. */
#define STORE_LOCK_FILE "lock.iscsi-ifaced"

/* The steps of the transaction that is under way, in the state directory. */
#define STORE_JOURNAL "journal"

#define STORE_EDITS 64 /* in one transaction */

struct store_transaction;
struct store_batch;
struct store_backup;

struct store {
	const struct isif_log *log;
	int root;      /* descriptor of the database's directory; borrowed */
	int state;     /* of the state directory, -1: nothing can be written */
	int journal;   /* ours alone (flock) while we live; -1 until it is needed */
	int locks;     /* of the lock directory, -1 until it is needed */
	int lock_file; /* STORE_LOCK_FILE, ours alone (flock), as long as locks is open */
	char *root_path, *state_path, *lock_path, *iscsid_conf; /* the last one may be NULL */
	bool locked;						/* we hold open-iscsi's lock */
	bool recovered;		       /* nothing is left of an earlier life */
	uint32_t number;	       /* of the last temporary or aside file */
	struct timespec told_lock;     /* the old lock of which the log was told: its ctime */
	enum isif_error told_recovery; /* why there was none, as the log was told */
	char why[512];
	struct store_transaction *transaction;
	struct store_batch *batch;
	struct store_backup *backup;
};

enum isif_error store_open(const struct isif_privileged_options *options, int root,
			   struct store **store);
void store_close(struct store *store);

/* The gate's operations, see isif/privileged.h. */
enum isif_error store_begin(struct store *store, unsigned patience, const char **why);
enum isif_error store_commit(struct store *store, const struct isif_edit *edits, size_t count,
			     size_t *failed);
enum isif_error store_undo(struct store *store);
void store_end(struct store *store);
enum isif_error store_stage(struct store *store, const char *name, const char *text, size_t length);
enum isif_error store_batch_begin(struct store *store, struct isif_edit *edits, size_t count,
				  const char **why);
enum isif_error store_batch_work(struct store *store, uint64_t deadline, unsigned *pause);
int store_batch_descriptor(const struct store *store);
void store_batch_end(struct store *store);
void store_batch_close(struct store *store); /* once, at the store's end */
enum isif_error store_backup(struct store *store, const char **where);
int store_backup_descriptor(const struct store *store);
void store_backup_close(struct store *store); /* once, at the store's end; kills the child */
enum isif_error store_state_read(struct store *store, const char *name, char **text,
				 size_t *length);
enum isif_error store_state_write(struct store *store, const char *name, const char *text,
				  size_t length);
enum isif_error store_state_append(struct store *store, const char *name, const char *text,
				   size_t length, bool sync);

/*
 * Takes the lock and sees to it that nothing is left of an earlier life: how everything that
 * writes begins. ISIF_LOCKED as store_lock(); ISIF_UNAVAILABLE: *why says what is missing.
 */
enum isif_error store_enter(struct store *store, unsigned patience, const char **why);

/* Opens the state directory, if it is not yet; ISIF_UNAVAILABLE: none is set. */
enum isif_error store_open_state(struct store *store);

/* --- store_state.c --- */

/* True for what may be the name of such a file. */
bool store_state_is_word(const char *name);
/* Writes a file of the state directory, and has its octets on disk. */
enum isif_error store_state_put(struct store *store, const char *file, const char *text,
				size_t length);

/* --- store_staged.c --- */

enum isif_error store_staged_write(struct store *store, const char *name, const char *text,
				   size_t length);
/* Puts all new texts in their places, or all old ones back; on disk on return. */
enum isif_error store_staged_forward(struct store *store);
enum isif_error store_staged_back(struct store *store);
/* Forgets both. */
void store_staged_drop(struct store *store);

/* --- store_check.c --- */

/* Whether an edit has one of the shapes that isif/privileged.h lists; else ISIF_INVALID. */
enum isif_error store_check_edit(const struct isif_edit *edit);
/* A path of names that are not empty, ".", ".." or longer than a file's name can be. */
bool store_path_is_good(const char *path);

/* --- store_lock.c --- */

/*
 * Takes the lock, tried for at most patience milliseconds (0: once): waits for the other's unlink
 * with inotify. ISIF_LOCKED (also if it is ours already), or why the lock directory cannot be
 * used. The log is told of a lock that is older than a minute, once for each.
 */
enum isif_error store_lock(struct store *store, unsigned patience);
/* Releases it, if it is still ours: others may have removed it as stale. */
void store_unlock(struct store *store);
/*
 * Opens the lock directory and our file in it (ISIF_NOT_FOUND if they are missing and are not to
 * be made), and removes a lock that an earlier life of ours left: it is a link to that file.
 * ISIF_LOCKED: another iscsi-ifaced lives that uses them.
 */
enum isif_error store_lock_open(struct store *store, bool make);

/* --- store_file.c --- */

/* Reads a whole record, secrets included. */
enum isif_error store_read(struct store *store, const char *path, struct record_text *text);
/*
 * What tells one state of a file from any other: a digest of its inode's number and its octets, 0
 * if it is not there. A link has its own, not that of the file that it leads to. The text is
 * wanted or NULL.
 */
enum isif_error store_print(struct store *store, const char *path, struct record_text *text,
			    uint64_t *print);
/* The print of a file with this text. */
enum isif_error store_text_print(int descriptor, const struct record_text *text, uint64_t *print);
/* FNV-1a in 64 bits. */
#define STORE_DIGEST UINT64_C(0xcbf29ce484222325)
uint64_t store_digest(uint64_t seed, const void *octets, size_t length);
/* Writes a text into a new temporary file (0600); name gets its name in the root. Not synced. */
enum isif_error store_write_temporary(struct store *store, const struct record_text *text,
				      char *name, size_t size, int *descriptor);
/*
 * Gives a new text the mode and the owner of the record that it replaces: iscsiadm writes in place,
 * and does not change them. An owner that we may not give is not worth a failure.
 */
enum isif_error store_keep_mode(struct store *store, const char *old, int descriptor);
/* The error of a failed write: ISIF_FULL, not ISIF_LIMIT, for ENOSPC and EDQUOT. */
enum isif_error store_write_error(int number);
enum isif_error store_sync_directory(struct store *store, const char *path);
/* Removes every STORE_TEMPORARY and STORE_ASIDE file of the root. */
void store_sweep(struct store *store);
/* True if there is one. */
bool store_is_littered(struct store *store);
/* Writes all of it, whatever the kernel takes at once. */
enum isif_error store_write_all(int descriptor, const void *octets, size_t length);

#endif
