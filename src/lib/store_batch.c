/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Many edits, each for itself. What costs time is the disk, so nobody waits for it: all new texts
 * are written, then they are all synced at once by the kernel, then, with the lock, all are renamed
 * into their places, then their directories are synced. The disk sees a few large commits of its
 * file system's journal instead of one for each record.
 */
#include "store.h"

#include "cleanup.h"
#include "clock.h"
#include "sync_queue.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#define BARRED_PAUSE 20 /* ms until the lock is tried again */

enum phase {
	START,	 /* until the syncs of a batch that was dropped are done */
	PREPARE, /* reads, edits and writes each into a temporary file */
	FLUSH,	 /* begins to sync these */
	SYNC,	 /* until they are on disk */
	INSTALL, /* renames them, with the lock */
	PERSIST, /* begins to sync the directories */
	SETTLE,	 /* until these are on disk */
	OVER,
};

/* What a step of a phase came to. */
enum progress {
	GO_ON,
	BLOCKED, /* it had to wait for the disk: that is enough for one slice */
	WAITING, /* for the disk */
	BARRED,	 /* by somebody else's lock, or our own transaction */
};

struct item {
	uint64_t print;	    /* of the record, as it was read: store_print() */
	char temporary[64]; /* its new text's file, "" if there is none */
	bool installed;	    /* the new text is in its place */
};

struct store_batch {
	struct sync_queue queue;
	enum phase phase;
	struct isif_edit *edits;
	size_t count;
	size_t next; /* which of them the phase does next */
	bool locked; /* we hold the lock, not a transaction */
	struct item items[ISIF_BATCH_SIZE];
};

static void drop_temporary(struct store *store, struct item *item)
{
	if (*item->temporary)
		unlinkat(store->root, item->temporary, 0);
	*item->temporary = '\0';
}

/* What is gone is our own file: a recovery swept it. The record itself may still be there. */
static enum isif_error temporary_error(int number)
{
	return number == ENOENT ? ISIF_CHANGED : store_write_error(number);
}

static void enter(struct store_batch *batch, enum phase phase)
{
	batch->phase = phase;
	batch->next = 0;
}

/* Reads, edits, and writes the new text. */
static enum isif_error prepare_edit(struct store *store, const struct isif_edit *edit,
				    struct item *item)
{
	CLEANUP(record_text_clear) struct record_text old = { 0 }, fresh = { 0 };
	CLEANUP_CLOSE int descriptor = -1;
	enum isif_error error;

	if (edit->kind != ISIF_EDIT_LINES || store_check_edit(edit))
		return ISIF_INVALID;
	error = store_print(store, edit->path, &old, &item->print);
	if (!error)
		error = record_edit(old.octets, old.length, edit->lines, edit->line_count, &fresh);
	if (error)
		return error;
	/* What says so already is not written again: a job that begins anew comes by here. */
	if (fresh.length == old.length && !memcmp(fresh.octets, old.octets, old.length))
		return ISIF_OK;
	error = store_write_temporary(store, &fresh, item->temporary, sizeof(item->temporary),
				      &descriptor);
	if (error)
		*item->temporary = '\0';
	return error ? error : store_keep_mode(store, edit->path, descriptor);
}

static enum progress prepare(struct store *store, struct store_batch *batch)
{
	struct item *item = &batch->items[batch->next];
	struct isif_edit *edit = &batch->edits[batch->next];
	enum isif_error error = prepare_edit(store, edit, item);

	if (error)
		drop_temporary(store, item);
	if (!*item->temporary)
		edit->error = error;
	batch->next++;
	return GO_ON;
}

static void tell_text(struct store *store, struct store_batch *batch, size_t i, int number)
{
	if (!number)
		return;
	batch->edits[i].error = temporary_error(number);
	drop_temporary(store, &batch->items[i]);
}

/*
 * Begins the syncs when all is written: a commit of the journal that runs keeps the directory's
 * blocks from being changed, so that what is written beside it would wait for the disk.
 */
static enum progress flush(struct store *store, struct store_batch *batch)
{
	size_t i = batch->next++;
	CLEANUP_CLOSE int descriptor = -1;

	if (!*batch->items[i].temporary)
		return GO_ON;
	descriptor =
		openat(store->root, batch->items[i].temporary, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (descriptor < 0) {
		tell_text(store, batch, i, errno);
		return GO_ON;
	}
	if (sync_queue_add(&batch->queue, descriptor, true, i))
		return GO_ON;
	tell_text(store, batch, i, fdatasync(descriptor) ? errno : 0);
	return BLOCKED;
}

static enum isif_error install_edit(struct store *store, const char *path, struct item *item)
{
	uint64_t print;
	enum isif_error error = store_print(store, path, NULL, &print);

	if (error)
		return error;
	if (print != item->print)
		return print ? ISIF_CHANGED : ISIF_NOT_FOUND;
	if (renameat(store->root, item->temporary, store->root, path))
		return temporary_error(errno);
	*item->temporary = '\0';
	item->installed = true;
	return ISIF_OK;
}

/* With the lock, a transaction that was left half done is finished first, as at the start. */
static enum isif_error take_lock(struct store *store, struct store_batch *batch)
{
	const char *why;
	enum isif_error error;

	if (batch->locked)
		return ISIF_OK;
	error = store_enter(store, 0, &why);
	batch->locked = !error;
	return error;
}

static enum progress install(struct store *store, struct store_batch *batch)
{
	struct item *item = &batch->items[batch->next];
	struct isif_edit *edit = &batch->edits[batch->next];
	enum isif_error error;

	if (*item->temporary) {
		error = take_lock(store, batch);
		if (error == ISIF_LOCKED)
			return BARRED;
		if (!error)
			error = install_edit(store, edit->path, item);
		if (error)
			drop_temporary(store, item);
		edit->error = error;
	}
	batch->next++;
	return GO_ON;
}

static size_t directory_length(const char *path)
{
	return (size_t)(strrchr(path, '/') - path);
}

/* True if both were installed in one directory. */
static bool shares_directory(const struct store_batch *batch, size_t a, size_t b)
{
	const char *path = batch->edits[a].path;
	size_t length = directory_length(path);

	return batch->items[a].installed && batch->items[b].installed &&
	       directory_length(batch->edits[b].path) == length &&
	       !memcmp(path, batch->edits[b].path, length);
}

/* What became of the directory of an edit concerns all that were installed in it. */
static void tell_directory(struct store_batch *batch, size_t i, int number)
{
	if (!number)
		return;
	for (size_t other = 0; other < batch->count; other++)
		if (shares_directory(batch, i, other))
			batch->edits[other].error = store_write_error(number);
}

static enum progress persist(struct store *store, struct store_batch *batch)
{
	size_t i = batch->next++;
	CLEANUP_CLOSE int descriptor = -1;
	char path[PATH_MAX];

	if (!batch->items[i].installed)
		return GO_ON;
	for (size_t other = 0; other < i; other++)
		if (shares_directory(batch, i, other))
			return GO_ON;
	snprintf(path, sizeof(path), "%.*s", (int)directory_length(batch->edits[i].path),
		 batch->edits[i].path);
	descriptor = openat(store->root, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (descriptor < 0) {
		tell_directory(batch, i, errno);
		return GO_ON;
	}
	if (sync_queue_add(&batch->queue, descriptor, false, i))
		return GO_ON;
	tell_directory(batch, i, fsync(descriptor) ? errno : 0);
	return BLOCKED;
}

/* Takes what the disk has done, until there is nothing under way any more. */
static enum progress reap(struct store *store, struct store_batch *batch)
{
	uint64_t i;
	int number;

	while (sync_queue_next(&batch->queue, &i, &number)) {
		if (batch->phase == SETTLE)
			tell_directory(batch, i, number);
		else if (batch->phase == SYNC)
			tell_text(store, batch, i, number);
	}
	if (batch->queue.under_way)
		return WAITING;
	enter(batch, batch->phase + 1);
	return GO_ON;
}

/* What a crash left is finished first: that ends with a sweep of our temporary files. */
static enum isif_error recover(struct store *store, const char **why)
{
	enum isif_error error;

	if (store->recovered)
		return ISIF_OK;
	error = store_enter(store, 0, why);
	if (!error)
		store_unlock(store);
	return error;
}

static enum progress start(struct store *store, struct store_batch *batch)
{
	const char *why;
	enum isif_error error = recover(store, &why);

	if (!error)
		return reap(store, batch);
	if (error == ISIF_LOCKED)
		return BARRED;
	for (size_t i = 0; i < batch->count; i++)
		batch->edits[i].error = error;
	enter(batch, OVER);
	return GO_ON;
}

static enum progress step(struct store *store, struct store_batch *batch)
{
	static enum progress (*const each[])(struct store *, struct store_batch *) = {
		[PREPARE] = prepare,
		[FLUSH] = flush,
		[INSTALL] = install,
		[PERSIST] = persist,
	};

	switch (batch->phase) {
	case START:
		return start(store, batch);
	case SYNC:
	case SETTLE:
		return reap(store, batch);
	default:
		if (batch->next < batch->count)
			return each[batch->phase](store, batch);
		enter(batch, batch->phase + 1);
		return GO_ON;
	}
}

enum isif_error store_batch_begin(struct store *store, struct isif_edit *edits, size_t count,
				  const char **why)
{
	enum isif_error error = recover(store, why);

	/* A lock is waited for later. */
	if (error && error != ISIF_LOCKED)
		return error;
	if (count > ISIF_BATCH_SIZE)
		return ISIF_INVALID;
	if (store->batch && store->batch->edits) {
		*why = "other records are being written";
		return ISIF_UNAVAILABLE;
	}
	if (!store->batch) {
		store->batch = calloc(1, sizeof(*store->batch));
		if (!store->batch)
			return ISIF_NO_MEMORY;
		sync_queue_open(&store->batch->queue, ISIF_BATCH_SIZE);
	}
	store->batch->edits = edits;
	store->batch->count = count;
	memset(store->batch->items, 0, sizeof(store->batch->items));
	for (size_t i = 0; i < count; i++)
		edits[i].error = ISIF_INCOMPLETE;
	enter(store->batch, START);
	return ISIF_OK;
}

enum isif_error store_batch_work(struct store *store, uint64_t deadline, unsigned *pause)
{
	static const unsigned pauses[] = { [WAITING] = UINT_MAX, [BARRED] = BARRED_PAUSE };
	struct store_batch *batch = store->batch;
	enum progress progress = GO_ON;

	*pause = 0;
	if (!batch || !batch->edits)
		return ISIF_OK;
	sync_queue_hush(&batch->queue);
	do {
		progress = step(store, batch);
	} while (progress == GO_ON && batch->phase != OVER && clock_ns() < deadline);
	if (batch->locked)
		store_unlock(store);
	batch->locked = false;
	if (batch->phase == OVER) {
		batch->edits = NULL;
		return ISIF_OK;
	}
	*pause = pauses[progress];
	return progress == BARRED && !store->locked ? ISIF_LOCKED : ISIF_INCOMPLETE;
}

int store_batch_descriptor(const struct store *store)
{
	return store->batch && store->batch->edits ? store->batch->queue.event : -1;
}

void store_batch_end(struct store *store)
{
	struct store_batch *batch = store->batch;

	if (!batch || !batch->edits)
		return;
	for (size_t i = 0; i < batch->count; i++)
		drop_temporary(store, &batch->items[i]);
	batch->edits = NULL;
}

void store_batch_close(struct store *store)
{
	store_batch_end(store);
	if (store->batch)
		sync_queue_close(&store->batch->queue);
	free(TAKE(store->batch));
}
