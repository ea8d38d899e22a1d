/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ISIF_LIB_STORE_PLAN_H
#define ISIF_LIB_STORE_PLAN_H

#include "store.h"

/*
 * What a transaction does to the database, as steps. A step knows what must be in its place before
 * it and after it, so it can be done, undone and repeated at any time, and by whoever finds it in
 * the journal: what is neither of the two is somebody else's, and stays.
 */
enum store_step_kind {
	STORE_MAKE_DIRECTORY,
	STORE_FILE, /* a record or a link comes, goes or takes the place of another one */
	STORE_REMOVE_DIRECTORY, /* if it is empty */
};

struct store_step {
	enum store_step_kind kind;
	char *path;		/* relative to the root */
	size_t edit;		/* which it comes from */
	unsigned mode;		/* of a directory that is removed */
	uint32_t temporary;	/* number of the file that comes; 0: none */
	uint32_t aside;		/* number of the link to the file that goes; 0: none */
	uint64_t before, after; /* store_print() of the path */
	int descriptor;		/* of the temporary file, until it is synced */
	bool touched;		/* its directory is to be synced */
};

struct store_plan {
	struct store_step *steps; /* in the order in which they are done */
	size_t count, size;
};

#define STORE_NAME_SIZE 40 /* of STORE_TEMPORARY or STORE_ASIDE and a number */
void store_temporary_name(uint32_t number, char name[STORE_NAME_SIZE]);
void store_aside_name(uint32_t number, char name[STORE_NAME_SIZE]);

/* --- store_plan.c --- */

/*
 * Checks the edits and makes the steps, with every new text on disk beside its place and a link to
 * every old file. Nothing has changed then. *failed gets the edit at fault.
 */
enum isif_error store_plan_make(struct store *store, const struct isif_edit *edits, size_t count,
				struct store_plan *plan, size_t *failed);
/* A step of this kind for this path, the one that is there or a new one; NULL without memory. */
struct store_step *store_plan_step(struct store_plan *plan, enum store_step_kind kind,
				   const char *path);
/* Forgets the steps; what they left on disk stays. */
void store_plan_clear(struct store_plan *plan);

/* --- store_step.c: none of these needs memory --- */

/* Does all steps, up to the first that fails; *failed gets its edit. */
enum isif_error store_plan_forward(struct store *store, struct store_plan *plan, size_t *failed);
/*
 * Undoes all steps that were done, the last one first, whatever fails among them; the first
 * failure is returned. What somebody else changed since stays, and the log is told.
 */
enum isif_error store_plan_back(struct store *store, struct store_plan *plan);
/* The same after a crash, where any number of steps may have been done, or undone, already. */
enum isif_error store_plan_finish(struct store *store, struct store_plan *plan);
enum isif_error store_plan_revert(struct store *store, struct store_plan *plan);
/* Syncs each directory in which something changed, once. */
enum isif_error store_plan_sync(struct store *store, struct store_plan *plan);
/* Removes the temporary files and the links to old ones: there is no way back from here. */
void store_plan_drop(struct store *store, const struct store_plan *plan);

/* --- store_journal.c --- */

/*
 * Opens the journal and keeps it for this store alone. ISIF_NOT_FOUND if there is none and none is
 * to be made; ISIF_LOCKED: another iscsi-ifaced has it.
 */
enum isif_error store_journal_open(struct store *store, bool make);
/* Puts a plan into it: from now on, a crash ends with all of it done. On disk on return. */
enum isif_error store_journal_write(struct store *store, const struct store_plan *plan);
/* From now on, a crash ends with all of it undone. */
enum isif_error store_journal_turn(struct store *store);
enum isif_error store_journal_clear(struct store *store);
/* True if it says that there is something to finish or to undo. */
bool store_journal_is_open(struct store *store);
/* Finishes or undoes what it says, sweeps and clears it. The lock is held. */
enum isif_error store_recover(struct store *store);

#endif
