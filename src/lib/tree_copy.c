/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tree_copy.h"

#include <isif/record.h>

#include "cleanup.h"
#include "store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define DEPTH	  16	     /* of directories; nodes/TARGET/PORTAL are three */
#define FILE_SIZE (16 << 20) /* octets of a file; records have some 3,000 */
#define NAP	  10	     /* ms, until a record without its end is read again */

DEFINE_CLEANUP(DIR, directory, closedir);

static DIR *open_directory(int parent, const char *name)
{
	int descriptor =
		openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	DIR *directory = descriptor < 0 ? NULL : fdopendir(descriptor);

	if (descriptor >= 0 && !directory)
		close(descriptor);
	return directory;
}

/* The next entry's name; NULL at the end, or with errno set. */
static const char *next_name(DIR *directory)
{
	const struct dirent *entry;

	errno = 0;
	do {
		entry = readdir(directory);
	} while (entry && (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..")));
	return entry ? entry->d_name : NULL;
}

/* Only root may give files away; who is not owns them all anyway. */
static enum isif_error keep_attributes(int descriptor, const struct stat *status)
{
	const struct timespec times[] = { status->st_atim, status->st_mtim };

	if (fchown(descriptor, status->st_uid, status->st_gid) && errno != EPERM)
		return store_write_error(errno);
	if (fchmod(descriptor, status->st_mode & 07777) || futimens(descriptor, times))
		return store_write_error(errno);
	return ISIF_OK;
}

/* Reads on from an offset, until the buffer is full or the file ends. */
static enum isif_error read_from(int descriptor, off_t at, char *buffer, size_t size,
				 size_t *length)
{
	ssize_t got;

	*length = 0;
	do {
		got = pread(descriptor, buffer + *length, size - *length, at + (off_t)*length);
		if (got < 0 && errno != EINTR)
			return isif_error_from_errno(errno);
		if (got > 0)
			*length += (size_t)got;
	} while (got && *length < size);
	return ISIF_OK;
}

/* iscsiadm truncates a record and writes it anew: without its end it is read again. */
static enum isif_error read_record(struct tree_copy *copy, int descriptor, char *buffer,
				   size_t size, size_t *length)
{
	const struct timespec nap = { .tv_nsec = NAP * 1000000L };

	for (;;) {
		enum isif_error error = read_from(descriptor, 0, buffer, size, length);

		if (error || *length == size || isif_record_is_complete(buffer, *length) ||
		    copy->patience < NAP)
			return error;
		nanosleep(&nap, NULL);
		copy->patience -= NAP;
	}
}

static enum isif_error copy_text(struct tree_copy *copy, int from, int to)
{
	char buffer[ISIF_RECORD_SIZE + 1];
	bool is_record = copy->depth > 1; /* beside these directories are iscsid.conf and such */
	enum isif_error error;
	size_t length;

	for (off_t at = 0; at <= FILE_SIZE; at += (off_t)length) {
		error = is_record && !at ? read_record(copy, from, buffer, sizeof(buffer), &length)
					 : read_from(from, at, buffer, sizeof(buffer), &length);
		if (!error)
			error = store_write_all(to, buffer, length);
		if (error || length < sizeof(buffer))
			return error;
	}
	return ISIF_TOO_LONG;
}

static enum isif_error copy_file(struct tree_copy *copy, int from, int to, const char *name)
{
	CLEANUP_CLOSE int old = openat(from, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	CLEANUP_CLOSE int fresh = -1;
	enum isif_error error;
	struct stat status;

	if (old < 0 || fstat(old, &status))
		return isif_error_from_errno(errno);
	if (!S_ISREG(status.st_mode))
		return ISIF_CHANGED;
	fresh = openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fresh < 0)
		return store_write_error(errno);
	error = copy_text(copy, old, fresh);
	if (!error && fstat(old, &status))
		error = isif_error_from_errno(errno);
	return error ? error : keep_attributes(fresh, &status);
}

static enum isif_error copy_link(int from, int to, const char *name, const struct stat *status)
{
	const struct timespec times[] = { status->st_atim, status->st_mtim };
	char target[PATH_MAX];
	ssize_t length = readlinkat(from, name, target, sizeof(target));

	if (length < 0)
		return isif_error_from_errno(errno);
	if ((size_t)length == sizeof(target))
		return ISIF_TOO_LONG;
	target[length] = '\0';
	if (symlinkat(target, to, name) || utimensat(to, name, times, AT_SYMLINK_NOFOLLOW))
		return store_write_error(errno);
	if (fchownat(to, name, status->st_uid, status->st_gid, AT_SYMLINK_NOFOLLOW) &&
	    errno != EPERM)
		return store_write_error(errno);
	return ISIF_OK;
}

static enum isif_error copy_entry(struct tree_copy *copy, int from, int to, const char *name);

static enum isif_error copy_entries(struct tree_copy *copy, DIR *from, int to)
{
	enum isif_error error = ISIF_OK;
	const char *name;

	if (copy->depth == DEPTH)
		return ISIF_TOO_LONG;
	copy->depth++;
	while (!error && (name = next_name(from)))
		if (!copy->skips(name))
			error = copy_entry(copy, dirfd(from), to, name);
	if (!error)
		error = isif_error_from_errno(errno);
	copy->depth--;
	return error;
}

static enum isif_error make_directory(int parent, const char *name, int *descriptor)
{
	if (mkdirat(parent, name, 0700))
		return store_write_error(errno);
	*descriptor = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return *descriptor < 0 ? store_write_error(errno) : ISIF_OK;
}

static enum isif_error copy_directory(struct tree_copy *copy, int from, int to, const char *name)
{
	CLEANUP(cleanup_directory) DIR *old = open_directory(from, name);
	CLEANUP_CLOSE int fresh = -1;
	enum isif_error error;
	struct stat status;

	if (!old || fstat(dirfd(old), &status))
		return isif_error_from_errno(errno);
	/* A state directory below the database does not go into itself. */
	if (status.st_dev == copy->destination.st_dev && status.st_ino == copy->destination.st_ino)
		return ISIF_OK;
	error = make_directory(to, name, &fresh);
	if (!error)
		error = copy_entries(copy, old, fresh);
	return error ? error : keep_attributes(fresh, &status);
}

static enum isif_error copy_entry(struct tree_copy *copy, int from, int to, const char *name)
{
	size_t before = copy->path_length;
	size_t room = sizeof(copy->path) - before;
	enum isif_error error = ISIF_OK;
	struct stat status;
	int length = snprintf(copy->path + before, room, before ? "/%s" : "%s", name);

	if ((size_t)length >= room)
		return ISIF_TOO_LONG;
	copy->path_length += (size_t)length;
	if (fstatat(from, name, &status, AT_SYMLINK_NOFOLLOW))
		error = isif_error_from_errno(errno);
	else if (S_ISREG(status.st_mode))
		error = copy_file(copy, from, to, name);
	else if (S_ISLNK(status.st_mode))
		error = copy_link(from, to, name, &status);
	else if (S_ISDIR(status.st_mode))
		error = copy_directory(copy, from, to, name);
	/* What is gone meanwhile is no error. */
	if (error &&
	    (error != ISIF_NOT_FOUND || !fstatat(from, name, &status, AT_SYMLINK_NOFOLLOW)))
		return error;
	copy->path_length = before;
	copy->path[before] = '\0';
	return ISIF_OK;
}

enum isif_error tree_copy(struct tree_copy *copy, int from, int to, const char *name)
{
	CLEANUP(cleanup_directory) DIR *old = open_directory(from, ".");
	CLEANUP_CLOSE int fresh = -1;
	enum isif_error error;

	copy->path_length = 0;
	copy->path[0] = '\0';
	copy->depth = 0;
	if (!old || fstat(to, &copy->destination))
		return isif_error_from_errno(errno);
	error = make_directory(to, name, &fresh);
	return error ? error : copy_entries(copy, old, fresh);
}

static enum isif_error remove_directory(int parent, const char *name, unsigned depth)
{
	CLEANUP(cleanup_directory) DIR *directory = open_directory(parent, name);
	enum isif_error error = ISIF_OK;
	const char *entry;

	if (!directory)
		return store_write_error(errno);
	if (depth > DEPTH)
		return ISIF_TOO_LONG;
	while (!error && (entry = next_name(directory))) {
		if (!unlinkat(dirfd(directory), entry, 0))
			continue;
		error = errno == EISDIR ? remove_directory(dirfd(directory), entry, depth + 1)
					: store_write_error(errno);
	}
	if (!error)
		error = isif_error_from_errno(errno);
	if (!error && unlinkat(parent, name, AT_REMOVEDIR))
		error = store_write_error(errno);
	return error;
}

enum isif_error tree_remove(int parent, const char *name)
{
	enum isif_error error = remove_directory(parent, name, 0);

	return error == ISIF_NOT_FOUND ? ISIF_OK : error;
}
