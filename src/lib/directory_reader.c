/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "directory_reader.h"

#include "cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#define XFS_MAGIC 0x58465342 /* linux/xfs_fs.h is not everywhere */

/* A write in place ends with CLOSE_WRITE; what happens before that must not be read. */
#define CHANGES                                                                                    \
	(IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ATTRIB |        \
	 IN_DELETE_SELF | IN_MOVE_SELF)

bool directory_path_is_safe(const char *path)
{
	size_t length = strlen(path);

	return length && path[0] != '/' && strcmp(path, "..") && strncmp(path, "../", 3) &&
	       !strstr(path, "/../") && (length < 3 || strcmp(path + length - 3, "/.."));
}

/* "ifaces", "nodes/TARGET", whose files are records of an old form, "nodes/TARGET/PORTAL". */
static bool holds_records(const char *path, size_t length)
{
	size_t slashes = 0;

	if (length == strlen("ifaces") && !memcmp(path, "ifaces", length))
		return true;
	for (size_t i = 0; i < length; i++)
		slashes += path[i] == '/';
	return length > strlen("nodes/") && !memcmp(path, "nodes/", strlen("nodes/")) &&
	       slashes <= 2;
}

bool directory_path_is_record(const char *path)
{
	const char *slash = strrchr(path, '/');

	return directory_path_is_safe(path) && slash && slash[1] &&
	       holds_records(path, (size_t)(slash - path));
}

void directory_reader_init(struct directory_reader *reader, const char *root_path, int root,
			   int inotify)
{
	struct statfs status;

	reader->root_path = root_path;
	reader->root = root;
	reader->inotify = inotify;
	/* These fill the buffer as far as there is anything to tell; others may stop anywhere. */
	reader->full_listings =
		!fstatfs(root, &status) &&
		(status.f_type == EXT4_SUPER_MAGIC || status.f_type == XFS_MAGIC ||
		 status.f_type == BTRFS_SUPER_MAGIC || status.f_type == TMPFS_MAGIC);
}

/* Opens a record. What is no plain file for sure is opened so that a FIFO cannot stop us. */
static enum isif_error open_record(int directory, const char *name, bool plain, int *descriptor)
{
	struct stat status;

	*descriptor =
		openat(directory, name, O_RDONLY | O_CLOEXEC | (plain ? O_NOFOLLOW : O_NONBLOCK));
	/* A link that leads nowhere is there, and is no record. */
	if (*descriptor < 0 && errno == ENOENT &&
	    !fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW))
		return ISIF_INVALID;
	if (*descriptor < 0)
		return isif_error_from_errno(errno);
	if (plain)
		return ISIF_OK;
	if (fstat(*descriptor, &status) == 0 && S_ISREG(status.st_mode))
		return ISIF_OK;
	close(*descriptor);
	*descriptor = -1;
	return ISIF_INVALID;
}

enum isif_error directory_reader_text(struct directory_reader *reader, int directory,
				      const char *name, bool plain, size_t *length)
{
	CLEANUP_CLOSE int descriptor = -1;
	enum isif_error error = open_record(directory, name, plain, &descriptor);
	ssize_t got;

	*length = 0;
	if (error)
		return error;
	/* A regular file answers short only at its end. */
	do {
		got = read(descriptor, reader->text, sizeof(reader->text));
	} while (got < 0 && errno == EINTR);
	if (got < 0)
		return isif_error_from_errno(errno);
	if ((size_t)got > ISIF_RECORD_SIZE) {
		explicit_bzero(reader->text, sizeof(reader->text));
		return ISIF_TOO_LONG;
	}
	isif_record_drop_secrets(reader->text, (size_t)got);
	*length = (size_t)got;
	return ISIF_OK;
}

static int watch_directory(const struct directory_reader *reader, const char *path)
{
	char full[PATH_MAX * 2];

	if (reader->inotify < 0)
		return -1;
	snprintf(full, sizeof(full), "%s/%s", reader->root_path, path);
	return inotify_add_watch(reader->inotify, full, CHANGES | IN_ONLYDIR);
}

/* open-iscsi follows links; some file systems do not tell the type of an entry. */
static bool is_directory(int directory, const struct dirent64 *entry)
{
	struct stat status;

	if (entry->d_type != DT_LNK && entry->d_type != DT_UNKNOWN)
		return entry->d_type == DT_DIR;
	return !fstatat(directory, entry->d_name, &status, 0) && S_ISDIR(status.st_mode);
}

static bool is_unchanged(int directory, const struct dirent64 *entry, int64_t since)
{
	struct stat status;

	return entry->d_type == DT_REG &&
	       !fstatat(directory, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) &&
	       (int64_t)status.st_ctim.tv_sec * 1000000000 + status.st_ctim.tv_nsec < since;
}

static void visit_entry(struct directory_reader *reader, int directory,
			const struct dirent64 *entry, struct isif_directory_reading *reading,
			const struct isif_directory_visitor *visitor)
{
	enum isif_error error;
	size_t length;

	if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
		return;
	if (is_directory(directory, entry)) {
		visitor->directory(reading, entry->d_name);
		return;
	}
	if (!(reading->flags & ISIF_READ_RECORDS))
		return;
	if ((reading->flags & ISIF_READ_NEWER) && is_unchanged(directory, entry, reading->since)) {
		visitor->unchanged(reading, entry->d_name);
		return;
	}
	error = directory_reader_text(reader, directory, entry->d_name, entry->d_type == DT_REG,
				      &length);
	visitor->record(reading, entry->d_name, error ? NULL : reader->text, length, error);
}

static enum isif_error read_entries(struct directory_reader *reader,
				    struct isif_directory_reading *reading,
				    const struct isif_directory_visitor *visitor)
{
	CLEANUP_CLOSE int directory =
		openat(reader->root, reading->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ssize_t got;

	if (directory < 0)
		return isif_error_from_errno(errno);
	do {
		got = getdents64(directory, reader->entries, sizeof(reader->entries));
		for (ssize_t at = 0; at < got;) {
			const struct dirent64 *entry = (const void *)(reader->entries + at);

			visit_entry(reader, directory, entry, reading, visitor);
			at += entry->d_reclen;
		}
	} while (got > 0 && (!reader->full_listings ||
			     (size_t)got > sizeof(reader->entries) - 2 * sizeof(struct dirent64)));
	return got < 0 ? isif_error_from_errno(errno) : ISIF_OK;
}

void directory_reader_read(struct directory_reader *reader, struct isif_directory_reading *reading,
			   const struct isif_directory_visitor *visitor)
{
	reading->watch = -1;
	reading->error = ISIF_INVALID;
	if (directory_path_is_safe(reading->path) &&
	    (!(reading->flags & ISIF_READ_RECORDS) ||
	     holds_records(reading->path, strlen(reading->path)))) {
		/* First watch, then list: what changes in between is seen twice, never missed. */
		if (reading->flags & ISIF_READ_WATCH)
			reading->watch = watch_directory(reader, reading->path);
		reading->error = read_entries(reader, reading, visitor);
	}
	visitor->end(reading);
}
