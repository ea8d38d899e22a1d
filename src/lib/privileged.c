/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The gate to what only root may do, in the process that calls it. Secrets are overwritten in the
 * buffer that read(2) filled, before a text leaves this file.
 */
#include <isif/database.h>

#include "cleanup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>

/* A write in place ends with CLOSE_WRITE; what happens before that must not be read. */
#define CHANGES                                                                                    \
	(IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ATTRIB |        \
	 IN_DELETE_SELF | IN_MOVE_SELF)

struct local {
	struct isif_privileged gate;
	char root[PATH_MAX];
	char initiatorname_file[PATH_MAX];
	int root_descriptor;
	int inotify; /* -1 where the system refuses one */
	size_t change_at, change_end;
	_Alignas(struct inotify_event) char changes[16384];
	_Alignas(struct dirent64) char entries[32768];
	char text[ISIF_RECORD_SIZE + 1];
};

static struct local *local_of(struct isif_privileged *gate)
{
	return (struct local *)(void *)gate;
}

static bool path_is_safe(const char *path)
{
	size_t length = strlen(path);

	return length && path[0] != '/' && strcmp(path, "..") && strncmp(path, "../", 3) &&
	       !strstr(path, "/../") && (length < 3 || strcmp(path + length - 3, "/.."));
}

/* Opens a record. What is no plain file for sure is opened so that a FIFO cannot stop us. */
static enum isif_error open_record(int directory, const char *name, bool plain, int *descriptor)
{
	struct stat status;

	*descriptor = openat(directory, name, O_RDONLY | O_CLOEXEC | (plain ? 0 : O_NONBLOCK));
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

static enum isif_error read_text(struct local *local, int directory, const char *name, bool plain,
				 size_t *length)
{
	CLEANUP_CLOSE int descriptor = -1;
	enum isif_error error = open_record(directory, name, plain, &descriptor);
	ssize_t got;

	*length = 0;
	if (error)
		return error;
	/* A regular file answers short only at its end. */
	do {
		got = read(descriptor, local->text, sizeof(local->text));
	} while (got < 0 && errno == EINTR);
	if (got < 0)
		return isif_error_from_errno(errno);
	if ((size_t)got > ISIF_RECORD_SIZE) {
		explicit_bzero(local->text, sizeof(local->text));
		return ISIF_TOO_LONG;
	}
	isif_record_drop_secrets(local->text, (size_t)got);
	*length = (size_t)got;
	return ISIF_OK;
}

static int watch_directory(const struct local *local, const char *path)
{
	char full[PATH_MAX * 2];

	if (local->inotify < 0)
		return -1;
	snprintf(full, sizeof(full), "%s/%s", local->root, path);
	return inotify_add_watch(local->inotify, full, CHANGES | IN_ONLYDIR | IN_DONT_FOLLOW);
}

static void visit_entry(struct local *local, int directory, const struct dirent64 *entry,
			unsigned flags, const struct isif_directory_visitor *visitor)
{
	enum isif_error error;
	size_t length;

	if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
		return;
	if (entry->d_type == DT_DIR) {
		visitor->directory(visitor->context, entry->d_name);
		return;
	}
	if (!(flags & ISIF_READ_RECORDS))
		return;
	error = read_text(local, directory, entry->d_name, entry->d_type == DT_REG, &length);
	visitor->record(visitor->context, entry->d_name, error ? NULL : local->text, length, error);
}

static enum isif_error read_directory(struct isif_privileged *gate, const char *path,
				      unsigned flags, int *watch,
				      const struct isif_directory_visitor *visitor)
{
	struct local *local = local_of(gate);
	CLEANUP_CLOSE int directory = -1;
	ssize_t got;

	*watch = -1;
	if (!path_is_safe(path))
		return ISIF_INVALID;
	/* First watch, then list: what changes in between is seen twice, never missed. */
	if (flags & ISIF_READ_WATCH)
		*watch = watch_directory(local, path);
	directory = openat(local->root_descriptor, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (directory < 0)
		return isif_error_from_errno(errno);
	while ((got = getdents64(directory, local->entries, sizeof(local->entries))) > 0) {
		for (ssize_t at = 0; at < got;) {
			const struct dirent64 *entry = (const void *)(local->entries + at);

			visit_entry(local, directory, entry, flags, visitor);
			at += entry->d_reclen;
		}
	}
	return got < 0 ? isif_error_from_errno(errno) : ISIF_OK;
}

static enum isif_error read_record(struct isif_privileged *gate, const char *path,
				   const char **text, size_t *length)
{
	struct local *local = local_of(gate);

	if (!path_is_safe(path))
		return ISIF_INVALID;
	*text = local->text;
	return read_text(local, local->root_descriptor, path, false, length);
}

static enum isif_error read_initiatorname(struct isif_privileged *gate, char *buffer, size_t size)
{
	struct local *local = local_of(gate);
	static const char key[] = "InitiatorName=";
	char line[512];
	FILE *file = fopen(local->initiatorname_file, "re");
	enum isif_error error = ISIF_NOT_FOUND;

	if (!file)
		return isif_error_from_errno(errno);
	while (error && fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\r\n")] = '\0';
		/* usr/util.c:cfg_get_string_param takes the rest of the line. */
		if (strncmp(line, key, sizeof(key) - 1))
			continue;
		snprintf(buffer, size, "%s", line + sizeof(key) - 1);
		buffer[strcspn(buffer, " \t")] = '\0';
		error = *buffer ? ISIF_OK : ISIF_NOT_FOUND;
	}
	fclose(file);
	return error;
}

static int change_descriptor(const struct isif_privileged *gate)
{
	return ((const struct local *)(const void *)gate)->inotify;
}

static bool next_change(struct isif_privileged *gate, struct isif_change *change)
{
	struct local *local = local_of(gate);
	const struct inotify_event *event;

	if (local->inotify < 0)
		return false;
	if (local->change_at == local->change_end) {
		ssize_t got = read(local->inotify, local->changes, sizeof(local->changes));

		if (got <= 0)
			return false;
		local->change_at = 0;
		local->change_end = (size_t)got;
	}
	event = (const void *)(local->changes + local->change_at);
	local->change_at += sizeof(*event) + event->len;
	*change = (struct isif_change){
		.watch = event->wd,
		.directory = event->mask & IN_ISDIR,
		.gone = event->mask & (IN_DELETE | IN_MOVED_FROM),
		.watch_ended =
			event->mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED | IN_UNMOUNT),
		.overflow = event->mask & IN_Q_OVERFLOW,
	};
	if (event->len)
		snprintf(change->name, sizeof(change->name), "%s", event->name);
	return true;
}

static void close_local(struct isif_privileged *gate)
{
	struct local *local = local_of(gate);

	if (local->root_descriptor >= 0)
		close(local->root_descriptor);
	if (local->inotify >= 0)
		close(local->inotify);
	free(local);
}

static const struct isif_privileged_operations operations = {
	.read_directory = read_directory,
	.read_record = read_record,
	.read_initiatorname = read_initiatorname,
	.change_descriptor = change_descriptor,
	.next_change = next_change,
	.close = close_local,
};

enum isif_error isif_privileged_open(const char *root, const char *initiatorname_file,
				     struct isif_privileged **privileged)
{
	struct local *local = calloc(1, sizeof(*local));
	enum isif_error error;

	if (!local)
		return ISIF_NO_MEMORY;
	local->gate.operations = &operations;
	snprintf(local->root, sizeof(local->root), "%s", root);
	snprintf(local->initiatorname_file, sizeof(local->initiatorname_file), "%s",
		 initiatorname_file);
	local->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	local->root_descriptor = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (local->root_descriptor < 0) {
		error = isif_error_from_errno(errno);
		close_local(&local->gate);
		return error;
	}
	*privileged = &local->gate;
	return ISIF_OK;
}

void isif_privileged_close(struct isif_privileged *privileged)
{
	if (privileged)
		privileged->operations->close(privileged);
}
