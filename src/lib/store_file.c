/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files and directories of the database: read, written beside their places, synced, swept. */
#include "store.h"

#include <isif/record.h>

#include "cleanup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define TRIES 1000 /* names that are taken, by files that nobody has swept yet */

enum isif_error store_write_error(int number)
{
	return number == ENOSPC || number == EDQUOT ? ISIF_FULL : isif_error_from_errno(number);
}

enum isif_error store_write_all(int descriptor, const void *octets, size_t length)
{
	const char *at = octets;

	while (length) {
		ssize_t written = write(descriptor, at, length);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return store_write_error(errno);
		at += written;
		length -= (size_t)written;
	}
	return ISIF_OK;
}

uint64_t store_digest(uint64_t seed, const void *octets, size_t length)
{
	const unsigned char *at = octets;

	for (size_t i = 0; i < length; i++)
		seed = (seed ^ at[i]) * UINT64_C(0x100000001b3);
	return seed;
}

static uint64_t begin_print(const struct stat *status)
{
	uint64_t inode = status->st_ino;

	return store_digest(STORE_DIGEST, &inode, sizeof(inode));
}

/* 0 is the print of what is not there. */
static uint64_t end_print(uint64_t print)
{
	return print ? print : 1;
}

static enum isif_error print_link(struct store *store, const char *path, uint64_t *print)
{
	char text[PATH_MAX];
	struct stat status;
	ssize_t length = readlinkat(store->root, path, text, sizeof(text));

	if (length < 0 || fstatat(store->root, path, &status, AT_SYMLINK_NOFOLLOW))
		return isif_error_from_errno(errno);
	*print = end_print(store_digest(begin_print(&status), text, (size_t)length));
	return ISIF_OK;
}

static ssize_t read_some(int descriptor, void *buffer, size_t size)
{
	ssize_t got;

	do {
		got = read(descriptor, buffer, size);
	} while (got < 0 && errno == EINTR);
	return got;
}

/* Reads until the end of the file; one that grows or shrinks meanwhile is being written. */
static enum isif_error read_all(int descriptor, size_t size, struct record_text *text)
{
	ssize_t got = 1;

	text->octets = malloc(size + 1);
	if (!text->octets)
		return ISIF_NO_MEMORY;
	while (got > 0 && text->length <= size) {
		got = read_some(descriptor, text->octets + text->length, size + 1 - text->length);
		if (got < 0)
			return isif_error_from_errno(errno);
		text->length += (size_t)got;
	}
	return text->length == size ? ISIF_OK : ISIF_INCOMPLETE;
}

/* Needs no memory, so that an undo cannot be short of it. */
static enum isif_error print_all(int descriptor, uint64_t *print)
{
	char buffer[4096];
	ssize_t got;

	while ((got = read_some(descriptor, buffer, sizeof(buffer))) > 0)
		*print = store_digest(*print, buffer, (size_t)got);
	explicit_bzero(buffer, sizeof(buffer)); /* there may have been a secret in it */
	return got < 0 ? isif_error_from_errno(errno) : ISIF_OK;
}

static enum isif_error read_file(int descriptor, struct record_text *text, uint64_t *print)
{
	enum isif_error error = ISIF_OK;
	struct stat status;
	bool is_file, is_record;

	if (fstat(descriptor, &status))
		return isif_error_from_errno(errno);
	is_file = S_ISREG(status.st_mode);
	is_record = is_file && status.st_size <= ISIF_RECORD_SIZE;
	if (text && !is_record)
		return is_file ? ISIF_TOO_LONG : ISIF_INVALID;
	*print = begin_print(&status);
	if (text) {
		error = read_all(descriptor, (size_t)status.st_size, text);
		if (!error)
			*print = store_digest(*print, text->octets, text->length);
	} else if (is_record) {
		error = print_all(descriptor, print);
	}
	/* What is no record was not written by us: that it has a print is enough. */
	*print = end_print(*print);
	return error;
}

enum isif_error store_print(struct store *store, const char *path, struct record_text *text,
			    uint64_t *print)
{
	/* A FIFO must not stop us. */
	CLEANUP_CLOSE int descriptor =
		openat(store->root, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	enum isif_error error;

	*print = 0;
	if (descriptor >= 0) {
		error = read_file(descriptor, text, print);
		if (error && text)
			record_text_clear(text);
		return error;
	}
	if (!text && errno == ELOOP)
		return print_link(store, path, print);
	error = isif_error_from_errno(errno);
	return error == ISIF_NOT_FOUND && !text ? ISIF_OK : error;
}

enum isif_error store_text_print(int descriptor, const struct record_text *text, uint64_t *print)
{
	struct stat status;

	if (fstat(descriptor, &status))
		return isif_error_from_errno(errno);
	*print = end_print(store_digest(begin_print(&status), text->octets, text->length));
	return ISIF_OK;
}

enum isif_error store_read(struct store *store, const char *path, struct record_text *text)
{
	uint64_t print;

	return store_print(store, path, text, &print);
}

static int make_temporary(struct store *store, char *name, size_t size)
{
	int descriptor = -1;

	for (int tries = 0; descriptor < 0 && tries < TRIES; tries++) {
		snprintf(name, size, STORE_TEMPORARY "%u", (unsigned)++store->number);
		descriptor = openat(store->root, name,
				    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
		if (descriptor < 0 && errno != EEXIST)
			break;
	}
	return descriptor;
}

enum isif_error store_write_temporary(struct store *store, const struct record_text *text,
				      char *name, size_t size, int *descriptor)
{
	enum isif_error error;

	*descriptor = make_temporary(store, name, size);
	if (*descriptor < 0)
		return store_write_error(errno);
	error = store_write_all(*descriptor, text->octets, text->length);
	if (!error)
		return ISIF_OK;
	close(TAKE_DESCRIPTOR(*descriptor));
	unlinkat(store->root, name, 0);
	return error;
}

enum isif_error store_keep_mode(struct store *store, const char *old, int descriptor)
{
	struct stat status;
	mode_t mode;

	if (fstatat(store->root, old, &status, AT_SYMLINK_NOFOLLOW))
		return isif_error_from_errno(errno);
	mode = status.st_mode & 07777;
	if ((status.st_uid != geteuid() || status.st_gid != getegid()) &&
	    fchown(descriptor, status.st_uid, status.st_gid))
		mode &= 0700;
	return mode != 0600 && fchmod(descriptor, mode) ? store_write_error(errno) : ISIF_OK;
}

enum isif_error store_sync_directory(struct store *store, const char *path)
{
	CLEANUP_CLOSE int descriptor =
		openat(store->root, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (descriptor < 0)
		return isif_error_from_errno(errno);
	return fsync(descriptor) ? store_write_error(errno) : ISIF_OK;
}

/* Visits our files in the root; true if there may be one. */
static bool visit_litter(struct store *store, bool remove)
{
	int descriptor = openat(store->root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *directory = descriptor < 0 ? NULL : fdopendir(descriptor);
	const struct dirent *entry;
	bool found = false;

	if (!directory) {
		cleanup_close_descriptor(&descriptor);
		return true;
	}
	while ((entry = readdir(directory))) {
		if (strncmp(entry->d_name, STORE_TEMPORARY, strlen(STORE_TEMPORARY)) != 0 &&
		    strncmp(entry->d_name, STORE_ASIDE, strlen(STORE_ASIDE)) != 0)
			continue;
		found = true;
		if (remove)
			unlinkat(store->root, entry->d_name, 0);
	}
	closedir(directory);
	return found;
}

void store_sweep(struct store *store)
{
	visit_litter(store, true);
}

bool store_is_littered(struct store *store)
{
	return visit_litter(store, false);
}
