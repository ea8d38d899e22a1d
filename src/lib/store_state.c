/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whole files of the state directory: a reader finds the old one or the new one. */
#include "store.h"

#include "cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define NAME_SIZE  32
#define STATE_SIZE (16 << 20)

/* The journal has its name beside them. */
bool store_state_is_word(const char *name)
{
	size_t length = strspn(name, "abcdefghijklmnopqrstuvwxyz");

	return length && length < NAME_SIZE && !name[length] && strcmp(name, STORE_JOURNAL) != 0;
}

static enum isif_error read_text(int descriptor, size_t size, char *text, size_t *length)
{
	for (*length = 0; *length < size;) {
		ssize_t got = read(descriptor, text + *length, size - *length);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return isif_error_from_errno(errno);
		if (got == 0)
			break;
		*length += (size_t)got;
	}
	text[*length] = '\0';
	return ISIF_OK;
}

/* A file that is there, and a plain one. */
static enum isif_error open_file(struct store *store, const char *name, int flags, int *descriptor,
				 off_t *size)
{
	CLEANUP_CLOSE int file = -1;
	struct stat status;
	enum isif_error error;

	if (!store_state_is_word(name))
		return ISIF_INVALID;
	error = store_open_state(store);
	if (error)
		return error;
	file = openat(store->state, name, flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (file < 0 || fstat(file, &status))
		return isif_error_from_errno(errno);
	if (!S_ISREG(status.st_mode))
		return ISIF_INVALID;
	*size = status.st_size;
	*descriptor = TAKE_DESCRIPTOR(file);
	return ISIF_OK;
}

enum isif_error store_state_read(struct store *store, const char *name, char **text, size_t *length)
{
	CLEANUP_CLOSE int descriptor = -1;
	CLEANUP_FREE char *octets = NULL;
	off_t size;
	enum isif_error error = open_file(store, name, O_RDONLY, &descriptor, &size);

	if (error)
		return error;
	if (size > STATE_SIZE)
		return ISIF_TOO_LONG;
	octets = malloc((size_t)size + 1);
	if (!octets)
		return ISIF_NO_MEMORY;
	error = read_text(descriptor, (size_t)size, octets, length);
	if (!error)
		*text = TAKE(octets);
	return error;
}

enum isif_error store_state_put(struct store *store, const char *file, const char *text,
				size_t length)
{
	CLEANUP_CLOSE int descriptor = openat(
		store->state, file, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	enum isif_error error;

	if (descriptor < 0)
		return store_write_error(errno);
	error = store_write_all(descriptor, text, length);
	if (!error && fdatasync(descriptor))
		error = store_write_error(errno);
	return error;
}

enum isif_error store_state_write(struct store *store, const char *name, const char *text,
				  size_t length)
{
	char beside[NAME_SIZE + 8];
	enum isif_error error;

	if (!store_state_is_word(name))
		return ISIF_INVALID;
	if (length > STATE_SIZE)
		return ISIF_TOO_LONG;
	error = store_open_state(store);
	if (error)
		return error;
	snprintf(beside, sizeof(beside), "%s.new", name);
	error = store_state_put(store, beside, text, length);
	if (!error && renameat(store->state, beside, store->state, name))
		error = store_write_error(errno);
	if (error)
		unlinkat(store->state, beside, 0);
	else if (fsync(store->state))
		error = store_write_error(errno);
	return error;
}

enum isif_error store_state_append(struct store *store, const char *name, const char *text,
				   size_t length, bool sync)
{
	CLEANUP_CLOSE int descriptor = -1;
	off_t size;
	enum isif_error error = open_file(store, name, O_WRONLY | O_APPEND, &descriptor, &size);

	if (error)
		return error;
	if (length > STATE_SIZE || size > (off_t)(STATE_SIZE - length))
		return ISIF_TOO_LONG;
	error = store_write_all(descriptor, text, length);
	if (!error && sync && fdatasync(descriptor))
		error = store_write_error(errno);
	return error;
}
