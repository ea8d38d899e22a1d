/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files of the state directory that change together with the records: which binding has which
 * index must be true for the old records or for the new ones, whatever a crash makes of them.
 * Beside each stands its new text (NAME.forward), and a link to the old one (NAME.back; an empty
 * file if there is none): the journal's direction says which of them counts.
 */
#include "store.h"

#include "cleanup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define FORWARD	  ".forward"
#define BACK	  ".back"
#define NAME_SIZE 64

static void beside(const char *name, const char *suffix, char path[NAME_SIZE])
{
	snprintf(path, NAME_SIZE, "%s%s", name, suffix);
}

static enum isif_error keep_old(struct store *store, const char *name)
{
	CLEANUP_CLOSE int descriptor = -1;
	char back[NAME_SIZE];

	beside(name, BACK, back);
	unlinkat(store->state, back, 0);
	if (!linkat(store->state, name, store->state, back, 0))
		return ISIF_OK;
	if (errno != ENOENT)
		return store_write_error(errno);
	descriptor = openat(store->state, back,
			    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	return descriptor < 0 ? store_write_error(errno) : ISIF_OK;
}

enum isif_error store_staged_write(struct store *store, const char *name, const char *text,
				   size_t length)
{
	char forward[NAME_SIZE];
	enum isif_error error;

	if (!store_state_is_word(name))
		return ISIF_INVALID;
	beside(name, FORWARD, forward);
	error = store_state_put(store, forward, text, length);
	return error ? error : keep_old(store, name);
}

/* What has no text is put back by taking away what came. */
static enum isif_error put_in_place(struct store *store, const char *staged, const char *name)
{
	struct stat status;
	int failed;

	if (fstatat(store->state, staged, &status, AT_SYMLINK_NOFOLLOW))
		return errno == ENOENT ? ISIF_OK : isif_error_from_errno(errno);
	if (status.st_size)
		failed = renameat(store->state, staged, store->state, name);
	else
		failed = unlinkat(store->state, name, 0) && errno != ENOENT;
	return failed ? store_write_error(errno) : ISIF_OK;
}

/* Does something with every file of this suffix; the first failure is returned. */
static enum isif_error each(struct store *store, const char *suffix,
			    enum isif_error (*act)(struct store *, const char *, const char *))
{
	int descriptor = openat(store->state, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *directory = descriptor < 0 ? NULL : fdopendir(descriptor);
	enum isif_error first = ISIF_OK;
	const struct dirent *entry;
	int number = errno;

	if (!directory) {
		cleanup_close_descriptor(&descriptor);
		return isif_error_from_errno(number);
	}
	/* Its end and an error look the same, but for errno. */
	for (errno = 0; (entry = readdir(directory)); errno = 0) {
		const char *end = strrchr(entry->d_name, '.');
		char name[NAME_SIZE];
		enum isif_error error;

		if (!end || strcmp(end, suffix) != 0 || end - entry->d_name >= NAME_SIZE)
			continue;
		snprintf(name, sizeof(name), "%.*s", (int)(end - entry->d_name), entry->d_name);
		if (!store_state_is_word(name))
			continue;
		error = act(store, entry->d_name, name);
		if (!first)
			first = error;
	}
	if (errno && !first)
		first = isif_error_from_errno(errno);
	closedir(directory);
	return first;
}

static enum isif_error settle(struct store *store, const char *suffix)
{
	enum isif_error error = each(store, suffix, put_in_place);

	if (!error && fsync(store->state))
		error = store_write_error(errno);
	return error;
}

enum isif_error store_staged_forward(struct store *store)
{
	return settle(store, FORWARD);
}

enum isif_error store_staged_back(struct store *store)
{
	return settle(store, BACK);
}

static enum isif_error forget(struct store *store, const char *staged, const char *name)
{
	(void)name;
	unlinkat(store->state, staged, 0);
	return ISIF_OK;
}

void store_staged_drop(struct store *store)
{
	each(store, FORWARD, forget);
	each(store, BACK, forget);
}
