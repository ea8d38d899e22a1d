/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A transaction: begin, commit, undo, end. */
#include "store.h"

#include "cleanup.h"
#include "store_plan.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define OPEN_PATIENCE 1000 /* ms that a start waits for the lock, if a crash left something */

struct store_transaction {
	struct store_plan plan;
	bool committed;
	bool journaled;
	bool staged; /* files of the state directory change, too */
	bool stuck;  /* what was done could not be undone */
};

DEFINE_CLEANUP(struct store, store, store_close);

/* Links lead to absolute paths, as those of iscsiadm do. */
static char *absolute(const char *path)
{
	char *copy = *path == '/' ? strdup(path) : realpath(path, NULL);
	size_t length = copy ? strlen(copy) : 0;

	while (length > 1 && copy[length - 1] == '/')
		copy[--length] = '\0';
	return copy;
}

static bool copy_paths(struct store *store, const struct isif_privileged_options *options)
{
	const char *locks = options->lock_directory ? options->lock_directory : ISIF_LOCK_DIRECTORY;
	const char *slash =
		options->initiatorname_file ? strrchr(options->initiatorname_file, '/') : NULL;

	store->root_path = absolute(options->root);
	store->lock_path = strdup(locks);
	if (!store->root_path || !store->lock_path)
		return false;
	if (slash &&
	    asprintf(&store->iscsid_conf, "%.*s/iscsid.conf",
		     (int)(slash - options->initiatorname_file), options->initiatorname_file) < 0)
		store->iscsid_conf = NULL;
	if (slash && !store->iscsid_conf)
		return false;
	if (options->state_directory)
		store->state_path = strdup(options->state_directory);
	return !options->state_directory || store->state_path;
}

enum isif_error store_open_state(struct store *store)
{
	if (!store->state_path)
		return ISIF_UNAVAILABLE;
	if (store->state < 0)
		store->state = open(store->state_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return store->state < 0 ? isif_error_from_errno(errno) : ISIF_OK;
}

/* Finishes what a crash left. Whatever is in its way now, the next transaction tries again. */
static void recover_at_start(struct store *store)
{
	if (store_open_state(store) || store_journal_open(store, false))
		return;
	store_lock_open(store, false);
	if (!store_journal_is_open(store) && !store_is_littered(store)) {
		store_staged_drop(store);
		store->recovered = true;
		return;
	}
	if (store_lock(store, OPEN_PATIENCE))
		return;
	store_recover(store);
	store_unlock(store);
}

enum isif_error store_open(const struct isif_privileged_options *options, int root,
			   struct store **result)
{
	CLEANUP(cleanup_store) struct store *store = calloc(1, sizeof(*store));

	if (!store)
		return ISIF_NO_MEMORY;
	*store = (struct store){ .log = options->log,
				 .root = root,
				 .state = -1,
				 .journal = -1,
				 .locks = -1,
				 .lock_file = -1 };
	if (!copy_paths(store, options))
		return ISIF_NO_MEMORY;
	recover_at_start(store);
	*result = TAKE(store);
	return ISIF_OK;
}

void store_close(struct store *store)
{
	if (!store)
		return;
	store_batch_close(store);
	store_backup_close(store);
	store_end(store);
	cleanup_close_descriptor(&store->journal);
	cleanup_close_descriptor(&store->state);
	cleanup_close_descriptor(&store->lock_file);
	cleanup_close_descriptor(&store->locks);
	free(store->root_path);
	free(store->state_path);
	free(store->lock_path);
	free(store->iscsid_conf);
	free(store);
}

/* Says what is missing; a lock that is held here is the one on a file of ours. */
static enum isif_error unavailable(struct store *store, const char **why, const char *what,
				   const char *path, enum isif_error error)
{
	snprintf(store->why, sizeof(store->why), "%s %s: %s", what, path,
		 error == ISIF_LOCKED ? "another iscsi-ifaced uses it" : isif_error_text(error));
	*why = store->why;
	return error == ISIF_NO_MEMORY ? error : ISIF_UNAVAILABLE;
}

static enum isif_error open_journal(struct store *store, const char **why)
{
	enum isif_error error;

	if (!store->state_path) {
		*why = "no state directory is set, and without one a crash could leave half a "
		       "change";
		return ISIF_UNAVAILABLE;
	}
	error = store_open_state(store);
	if (!error)
		error = store_journal_open(store, true);
	return error ? unavailable(store, why, "the state directory", store->state_path, error)
		     : ISIF_OK;
}

enum isif_error store_enter(struct store *store, unsigned patience, const char **why)
{
	enum isif_error error = open_journal(store, why);

	if (error)
		return error;
	error = store_lock_open(store, true);
	if (error)
		return unavailable(store, why, "the lock directory", store->lock_path, error);
	error = store_lock(store, patience);
	*why = "somebody else holds open-iscsi's lock";
	if (error)
		return error == ISIF_LOCKED ? error
					    : unavailable(store, why, "the lock directory",
							  store->lock_path, error);
	error = store_recover(store);
	if (!error)
		return ISIF_OK;
	store_unlock(store);
	return unavailable(store, why, "what a crash left in", store->root_path, error);
}

enum isif_error store_begin(struct store *store, unsigned patience, const char **why)
{
	struct store_transaction *transaction;
	enum isif_error error;

	if (store->transaction)
		return ISIF_INVALID;
	transaction = calloc(1, sizeof(*transaction));
	if (!transaction)
		return ISIF_NO_MEMORY;
	error = store_enter(store, patience, why);
	if (error)
		free(transaction);
	else
		store->transaction = transaction;
	return error;
}

/* The steps are on disk before the first one is done, if a crash could come between two. */
static enum isif_error write_journal(struct store *store, struct store_transaction *transaction)
{
	enum isif_error error;

	if (transaction->plan.count < 2 && !transaction->staged)
		return ISIF_OK;
	error = store_sync_directory(store, ".");
	if (!error && transaction->staged && fsync(store->state))
		error = store_write_error(errno);
	if (!error)
		error = store_journal_write(store, &transaction->plan);
	transaction->journaled = !error;
	/* It may be there in part or as a whole, and nothing of it will be done. */
	if (error)
		store_journal_clear(store);
	return error;
}

static enum isif_error undo(struct store *store, struct store_transaction *transaction)
{
	enum isif_error error, sync_error;

	/* If that fails, all is put back none the less: only a crash meanwhile would do harm. */
	if (transaction->journaled)
		store_journal_turn(store);
	error = store_plan_back(store, &transaction->plan);
	sync_error = store_plan_sync(store, &transaction->plan);
	if (!sync_error && transaction->staged)
		sync_error = store_staged_back(store);
	if (!error)
		error = sync_error;
	transaction->stuck = error != ISIF_OK;
	if (!error)
		return ISIF_OK;
	isif_log_line(store->log, ISIF_LOG_ERROR,
		      "a change of %s could not be undone: %s; compare its records with what is "
		      "wanted",
		      store->root_path, isif_error_text(error));
	return ISIF_UNDO_FAILED;
}

enum isif_error store_commit(struct store *store, const struct isif_edit *edits, size_t count,
			     size_t *failed)
{
	struct store_transaction *transaction = store->transaction;
	enum isif_error error;

	*failed = 0;
	if (!transaction || transaction->committed || count > STORE_EDITS)
		return ISIF_INVALID;
	transaction->committed = true;
	error = store_plan_make(store, edits, count, &transaction->plan, failed);
	if (!error)
		error = write_journal(store, transaction);
	if (!error)
		error = store_plan_forward(store, &transaction->plan, failed);
	if (!error)
		error = store_plan_sync(store, &transaction->plan);
	if (!error && transaction->staged)
		error = store_staged_forward(store);
	if (error && undo(store, transaction))
		error = ISIF_UNDO_FAILED;
	return error;
}

enum isif_error store_stage(struct store *store, const char *name, const char *text, size_t length)
{
	struct store_transaction *transaction = store->transaction;

	if (!transaction || transaction->committed)
		return ISIF_INVALID;
	transaction->staged = true;
	return store_staged_write(store, name, text, length);
}

enum isif_error store_undo(struct store *store)
{
	if (!store->transaction || !store->transaction->committed)
		return ISIF_OK;
	return undo(store, store->transaction);
}

/*
 * A transaction that is stuck keeps its journal: the next one begins by trying again. Without its
 * temporary files and links to old ones, a journal that cannot be cleared does no harm.
 */
void store_end(struct store *store)
{
	struct store_transaction *transaction = store->transaction;

	if (!transaction)
		return;
	if (transaction->stuck || (transaction->journaled && store_journal_clear(store)))
		store->recovered = false;
	if (!transaction->stuck) {
		store_plan_drop(store, &transaction->plan);
		if (transaction->staged)
			store_staged_drop(store);
	}
	store_plan_clear(&transaction->plan);
	free(transaction);
	store->transaction = NULL;
	store_unlock(store);
}
