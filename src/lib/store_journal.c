/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The journal: the steps of a transaction, on disk before the first of them is done. It is one
 * file that is overwritten in place:
 *
 *     iscsi-ifaced journal 1 DIRECTION LENGTH DIGEST\n     fixed in size, within one sector
 *     ROOT\0                                               LENGTH octets with this DIGEST
 *     KIND MODE TEMPORARY ASIDE BEFORE AFTER PATH\0        one for each step
 *
 * DIRECTION is one word of a fixed size, which can be changed alone: forward, back or empty. What
 * is torn has another digest, and then nothing was begun. Texts of records are not in it: they
 * wait in the temporary files, without which it does nothing.
 */
#include "store_plan.h"

#include "cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#define TITLE	     "iscsi-ifaced journal 1 "
#define FORWARD	     "forward"
#define BACK	     "back   "
#define EMPTY	     "empty  "
#define WORD_LENGTH  (sizeof(FORWARD) - 1)
#define WORD_AT	     (sizeof(TITLE) - 1)
#define HEADER_SIZE  (WORD_AT + WORD_LENGTH + 1 + 8 + 1 + 16 + 1)
#define JOURNAL_SIZE (16 << 20) /* more than STORE_EDITS can make */

enum isif_error store_journal_open(struct store *store, bool make)
{
	CLEANUP_CLOSE int journal = -1;

	if (store->journal >= 0)
		return ISIF_OK;
	journal = openat(store->state, STORE_JOURNAL, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	if (journal < 0 && errno == ENOENT && make) {
		journal = openat(store->state, STORE_JOURNAL,
				 O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
		if (journal >= 0 && fsync(store->state))
			return store_write_error(errno);
	}
	if (journal < 0)
		return store_write_error(errno);
	if (flock(journal, LOCK_EX | LOCK_NB))
		return errno == EWOULDBLOCK ? ISIF_LOCKED : ISIF_IO;
	store->journal = TAKE_DESCRIPTOR(journal);
	return ISIF_OK;
}

static enum isif_error write_at(int journal, const char *octets, size_t length, size_t offset)
{
	while (length) {
		ssize_t written = pwrite(journal, octets, length, (off_t)offset);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return store_write_error(errno);
		octets += written;
		length -= (size_t)written;
		offset += (size_t)written;
	}
	return fdatasync(journal) ? store_write_error(errno) : ISIF_OK;
}

/* The whole journal as a text, with room for its first line before the rest. */
static enum isif_error format(const struct store *store, const struct store_plan *plan, char **text,
			      size_t *length)
{
	FILE *file = open_memstream(text, length);
	bool failed;

	if (!file)
		return ISIF_NO_MEMORY;
	fprintf(file, "%*s%s%c", (int)HEADER_SIZE, "", store->root_path, '\0');
	for (size_t i = 0; i < plan->count; i++) {
		const struct store_step *step = &plan->steps[i];

		fprintf(file, "%d %o %" PRIu32 " %" PRIu32 " %" PRIx64 " %" PRIx64 " %s%c",
			(int)step->kind, step->mode, step->temporary, step->aside, step->before,
			step->after, step->path, '\0');
	}
	failed = ferror(file);
	return fclose(file) || failed ? ISIF_NO_MEMORY : ISIF_OK;
}

enum isif_error store_journal_write(struct store *store, const struct store_plan *plan)
{
	CLEANUP_FREE char *text = NULL;
	char header[HEADER_SIZE + 1];
	size_t length = 0;
	enum isif_error error = format(store, plan, &text, &length);

	if (error)
		return error;
	snprintf(header, sizeof(header), TITLE FORWARD " %08zx %016" PRIx64 "\n",
		 length - HEADER_SIZE,
		 store_digest(STORE_DIGEST, text + HEADER_SIZE, length - HEADER_SIZE));
	memcpy(text, header, HEADER_SIZE);
	return write_at(store->journal, text, length, 0);
}

enum isif_error store_journal_turn(struct store *store)
{
	return write_at(store->journal, BACK, WORD_LENGTH, WORD_AT);
}

enum isif_error store_journal_clear(struct store *store)
{
	return write_at(store->journal, EMPTY, WORD_LENGTH, WORD_AT);
}

/* ISIF_INCOMPLETE if there is less than that. */
static enum isif_error read_at(int journal, char *buffer, size_t length, size_t offset)
{
	while (length) {
		ssize_t got = pread(journal, buffer, length, (off_t)offset);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return isif_error_from_errno(errno);
		if (got == 0)
			return ISIF_INCOMPLETE;
		buffer += got;
		length -= (size_t)got;
		offset += (size_t)got;
	}
	return ISIF_OK;
}

struct header {
	bool back;
	size_t length;
	uint64_t digest;
};

/* ISIF_INCOMPLETE if there is nothing to do. */
static enum isif_error read_header(struct store *store, struct header *header)
{
	char line[HEADER_SIZE + 1] = "", *word = line + WORD_AT, *end;
	enum isif_error error = read_at(store->journal, line, HEADER_SIZE, 0);

	if (error)
		return error;
	header->back = !strncmp(word, BACK, WORD_LENGTH);
	header->length = strtoul(word + WORD_LENGTH, &end, 16);
	header->digest = strtoull(end, &end, 16);
	if (strncmp(line, TITLE, WORD_AT) != 0 || *end != '\n' || header->length > JOURNAL_SIZE ||
	    (!header->back && strncmp(word, FORWARD, WORD_LENGTH) != 0))
		return ISIF_INCOMPLETE;
	return ISIF_OK;
}

bool store_journal_is_open(struct store *store)
{
	struct header header;

	return read_header(store, &header) != ISIF_INCOMPLETE;
}

static enum isif_error parse_step(const char *line, struct store_plan *plan)
{
	struct store_step read = { 0 }, *step;
	int kind, path = 0;

	if (sscanf(line, "%d %o %" SCNu32 " %" SCNu32 " %" SCNx64 " %" SCNx64 " %n", &kind,
		   &read.mode, &read.temporary, &read.aside, &read.before, &read.after,
		   &path) != 6 ||
	    !path || kind < STORE_MAKE_DIRECTORY || kind > STORE_REMOVE_DIRECTORY ||
	    !store_path_is_good(line + path))
		return ISIF_INVALID;
	step = store_plan_step(plan, (enum store_step_kind)kind, line + path);
	if (!step)
		return ISIF_NO_MEMORY;
	read.kind = step->kind;
	read.path = step->path;
	read.descriptor = -1;
	*step = read;
	return ISIF_OK;
}

/* It does not heal by itself. */
static void tell_odd_step(struct store *store, size_t number)
{
	if (store->told_recovery == ISIF_INVALID)
		return;
	store->told_recovery = ISIF_INVALID;
	isif_log_line(store->log, ISIF_LOG_ERROR,
		      "a change of %s was interrupted, and step %zu in %s/" STORE_JOURNAL
		      " is none that can be finished or undone: nothing is written until you have "
		      "stopped iscsi-ifaced, compared the records with what is wanted, and removed "
		      "that file",
		      store->root_path, number, store->state_path);
}

/* text ends with a NUL. */
static enum isif_error parse(struct store *store, const char *text, size_t length,
			     struct store_plan *plan)
{
	const char *line = text, *end = text + length;
	size_t number = 0;
	enum isif_error error = ISIF_OK;

	if (strcmp(line, store->root_path) != 0) {
		isif_log_line(store->log, ISIF_LOG_WARNING,
			      "%s/" STORE_JOURNAL " is about a change of another database, %s, and "
			      "is not looked at",
			      store->state_path, line);
		return ISIF_INCOMPLETE;
	}
	while ((line += strlen(line) + 1) < end && !error) {
		error = parse_step(line, plan);
		number++;
	}
	if (error == ISIF_INVALID)
		tell_odd_step(store, number);
	return error;
}

/* ISIF_INCOMPLETE if there is nothing to do: the journal is empty, torn or another database's. */
static enum isif_error read_journal(struct store *store, struct store_plan *plan, bool *back)
{
	CLEANUP_FREE char *text = NULL;
	struct header header;
	enum isif_error error = read_header(store, &header);

	if (error)
		return error;
	*back = header.back;
	text = calloc(1, header.length + 1);
	if (!text)
		return ISIF_NO_MEMORY;
	error = read_at(store->journal, text, header.length, HEADER_SIZE);
	if (!error && store_digest(STORE_DIGEST, text, header.length) != header.digest)
		error = ISIF_INCOMPLETE;
	return error ? error : parse(store, text, header.length, plan);
}

static enum isif_error replay(struct store *store, struct store_plan *plan, bool back)
{
	enum isif_error error;

	error = back ? store_plan_revert(store, plan) : store_plan_finish(store, plan);
	if (!error)
		error = store_plan_sync(store, plan);
	if (!error)
		error = back ? store_staged_back(store) : store_staged_forward(store);
	if (!error)
		isif_log_line(store->log, ISIF_LOG_NOTICE,
			      "a change of %s was interrupted and is now %s", store->root_path,
			      back ? "undone" : "finished");
	else if (error != store->told_recovery)
		isif_log_line(store->log, ISIF_LOG_ERROR,
			      "a change of %s that was interrupted cannot be %s: %s; nothing is "
			      "written until it can be",
			      store->root_path, back ? "undone" : "finished",
			      isif_error_text(error));
	store->told_recovery = error;
	return error;
}

enum isif_error store_recover(struct store *store)
{
	CLEANUP(store_plan_clear) struct store_plan plan = { 0 };
	bool back = false;
	enum isif_error error;

	if (store->recovered)
		return ISIF_OK;
	error = read_journal(store, &plan, &back);
	if (!error)
		error = replay(store, &plan, back);
	if (!error)
		error = store_journal_clear(store);
	if (error && error != ISIF_INCOMPLETE)
		return error;
	store_sweep(store);
	store_staged_drop(store);
	store->recovered = true;
	return ISIF_OK;
}
