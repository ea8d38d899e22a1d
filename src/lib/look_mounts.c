/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is mounted, swapped on or made a loop device of, and where the root file system lies. */
#include "look_parts.h"

#include "array.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>

#define MOUNT_LIMIT (1 << 20) /* of all namespaces */
#define FILE_LIMIT  4096
#define TABLE_TRIES 4

bool look_node(const struct look *look, const char *path, dev_t *number)
{
	const char *below = text_after(path, "/dev/");
	bool character = false;
	char host[PATH_MAX];

	if (!below)
		return false;
	if (look->roots.node(look->dev, below, number, &character))
		return !character;
	/* A service manager may hide it from us (PrivateDevices=), but not from process 1. */
	snprintf(host, sizeof(host), "1/root/dev/%s", below);
	return look->roots.node(look->proc, host, number, &character) && !character;
}

static enum isif_error add_use(struct look *look, dev_t number, const char *user, bool vital)
{
	if (look->mounts.count >= MOUNT_LIMIT)
		return ISIF_TOO_LONG;
	if (!LOOK_RESERVE(look->mounts))
		return ISIF_NO_MEMORY;
	look->mounts.items[look->mounts.count++] = (struct look_mount){
		.number = number,
		.user = user,
		.vital = vital,
	};
	return ISIF_OK;
}

static enum isif_error add_file(struct look *look, const char *path, size_t length,
				const char *user, size_t loop)
{
	struct look_file file = { .user = user, .loop = loop };
	enum isif_error error;

	if (look->files.count >= FILE_LIMIT)
		return ISIF_TOO_LONG;
	if (!LOOK_RESERVE(look->files))
		return ISIF_NO_MEMORY;
	error = text_pool_add(&look->text, path, length, &file.path);
	if (!error)
		look->files.items[look->files.count++] = file;
	return error;
}

/* --- swap --- */

static enum isif_error add_swap(void *context, char *line)
{
	struct look *look = context;
	struct swap_line swap;
	dev_t number;

	if (!swap_line_parse(line, &swap))
		return ISIF_OK;
	if (swap.is_file)
		return add_file(look, swap.path, SIZE_MAX, "swap", 0);
	if (look_node(look, swap.path, &number))
		return add_use(look, number, "swap", true);
	look_note_unknown(look, "the swap device %s has no node in /dev", swap.path);
	look_note_vital_unknown(look, "the swap device %s has no node in /dev", swap.path);
	return ISIF_OK;
}

enum isif_error look_swaps_step(struct look *look)
{
	enum isif_error error;

	if (look->reader.descriptor < 0)
		look->reader.descriptor = openat(look->proc, "swaps", O_RDONLY | O_CLOEXEC);
	/* A kernel without swapping has no such file. */
	if (look->reader.descriptor < 0 && errno == ENOENT)
		return ISIF_OK;
	error = line_reader_step(&look->reader, add_swap, look);
	if (error == ISIF_INCOMPLETE)
		return error;
	line_reader_clear(&look->reader);
	if (!error || error == ISIF_NO_MEMORY)
		return error;
	look_note_unknown(look, "swap devices cannot be read: %s", isif_error_text(error));
	look_note_vital_unknown(look, "swap devices cannot be read");
	return ISIF_OK;
}

/* --- loop devices --- */

/* On a device, or on a file: which device that lies on is found out when all mounts are known. */
static enum isif_error add_loop(struct look *look, const char *name, const char *backing)
{
	struct look_loop loop = { .number = 0 };

	if (look->loops.count >= FILE_LIMIT)
		return ISIF_TOO_LONG;
	if (!LOOK_RESERVE(look->loops))
		return ISIF_NO_MEMORY;
	text_copy(loop.name, sizeof(loop.name), name);
	if (text_after(backing, "/dev/") && !look_node(look, backing, &loop.number) &&
	    !text_after(backing, "/dev/shm/"))
		look_note_unknown(look, "%s stands on %s, which has no node in /dev", name,
				  backing);
	look->loops.items[look->loops.count++] = loop;
	if (loop.number)
		return ISIF_OK;
	return add_file(look, backing, SIZE_MAX, NULL, look->loops.count - 1);
}

static enum isif_error list_block(struct look *look)
{
	struct sysfs_directory CLEANUP_DIRECTORY block = SYSFS_NO_DIRECTORY;
	enum isif_error error = sysfs_open(look->sysfs, &block, "block");

	return error ? error : sysfs_list(&block, &look->listing);
}

/* One of /sys/block a step. */
enum isif_error look_loops_step(struct look *look)
{
	struct sysfs_directory CLEANUP_DIRECTORY loop = SYSFS_NO_DIRECTORY;
	enum isif_error error = look->listing.stream ? ISIF_OK : list_block(look);
	char backing[SYSFS_VALUE_SIZE] = "";
	const char *name;

	if (error)
		return error == ISIF_NOT_FOUND ? ISIF_OK : error;
	name = sysfs_listing_next(&look->listing);
	if (!name) {
		error = look->listing.error;
		sysfs_listing_close(&look->listing);
		look->listing = (struct sysfs_listing){ 0 };
		return error;
	}
	if (!text_after(name, "loop"))
		return ISIF_INCOMPLETE;
	/* drivers/block/loop.c, loop_attr_backing_file_show; no such directory: it is not set up */
	error = sysfs_open(look->sysfs, &loop, "block/%s/loop", name);
	if (!error)
		error = sysfs_read(&loop, "backing_file", backing, sizeof(backing));
	if (!error && *backing)
		error = add_loop(look, name, backing);
	return error && error != ISIF_NOT_FOUND ? error : ISIF_INCOMPLETE;
}

/* --- mounts --- */

static bool is_vital(const char *where)
{
	const char *below = text_after(where, "/boot");

	return !strcmp(where, "/") || (below && (!*below || *below == '/'));
}

/* "lowerdir=/a:/b,upperdir=/c,workdir=/d" (fs/overlayfs/params.c) */
static enum isif_error add_layers(struct look *look, const char *options)
{
	static const char *const keys[] = { "lowerdir=", "lowerdir+=", "upperdir=" };
	enum isif_error error = ISIF_OK;

	for (const char *option = options; !error && *option; option += *option == ',') {
		size_t length = strcspn(option, ",");
		const char *layers = NULL, *end = option + length;

		for (size_t i = 0; !layers && i < sizeof(keys) / sizeof(*keys); i++)
			layers = text_after(option, keys[i]);
		while (!error && layers && layers < end) {
			length = strcspn(layers, ":,");
			error = add_file(look, layers, length, "the root file system", 0);
			layers += length + (layers[length] == ':');
		}
		option = end;
	}
	return error;
}

/* A file system that lies on no block device at all. */
static bool is_elsewhere(const char *type)
{
	static const char *const types[] = { "rootfs",	 "ramfs",  "tmpfs", "nfs",
					     "nfs4",	 "cifs",   "smb3",  "9p",
					     "virtiofs", "hostfs", "autofs" };

	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
		if (!strcmp(type, types[i]))
			return true;
	return false;
}

static enum isif_error trace_root(struct look *look, const struct mount_line *mount, dev_t number)
{
	if (!strcmp(mount->type, "overlay"))
		return add_layers(look, mount->options);
	if (!number && !is_elsewhere(mount->type))
		look_note_vital_unknown(look, "%s is of type %s, whose disks are not told",
					mount->where, mount->type);
	return ISIF_OK;
}

/* btrfs shows a device number of its own (0:45): there the source tells one of its devices. */
static enum isif_error add_mount(void *context, char *line)
{
	struct look *look = context;
	struct mount_line mount;
	struct look_mount *added;
	enum isif_error error;
	size_t where;

	if (!mount_line_parse(line, &mount))
		return ISIF_OK;
	if (!major(mount.number) && !look_node(look, mount.source, &mount.number))
		mount.number = 0;
	if (!mount.number && !look->table)
		return ISIF_OK;
	error = text_pool_add(&look->text, mount.where, SIZE_MAX, &where);
	if (!error)
		error = add_use(look, mount.number, NULL, look->table && is_vital(mount.where));
	if (error)
		return error;
	added = &look->mounts.items[look->mounts.count - 1];
	added->where = where;
	added->table = look->table;
	added->overlay = !strcmp(mount.type, "overlay");
	return added->vital ? trace_root(look, &mount, mount.number) : ISIF_OK;
}

void look_mounts_begin(struct look *look, int descriptor, bool ours)
{
	look->reader.descriptor = descriptor;
	look->table = ours ? ++look->tables : 0;
	look->tries = 0;
	look->table_begin.mounts = look->mounts.count;
	look->table_begin.files = look->files.count;
	look->table_begin.text = look->text.used;
}

/* fs/proc_namespace.c, mounts_poll: POLLPRI once per change. */
static bool table_changed(const struct look *look)
{
	struct pollfd file = { .fd = look->reader.descriptor, .events = POLLPRI };

	poll(&file, 1, 0);
	return file.revents & (POLLPRI | POLLERR);
}

enum isif_error look_mounts_step(struct look *look)
{
	enum isif_error error = line_reader_step(&look->reader, add_mount, look);

	/* A table that changes between two read(2)s can lack a line: read until it stays. */
	if (!error && table_changed(look)) {
		if (++look->tries < TABLE_TRIES) {
			look->mounts.count = look->table_begin.mounts;
			look->files.count = look->table_begin.files;
			look->text.used = look->table_begin.text;
			line_reader_rewind(&look->reader);
			return ISIF_INCOMPLETE;
		}
		look_note_unknown(look, "the mounts of process %u change all the time", look->pid);
	}
	if (error == ISIF_INCOMPLETE)
		return error;
	line_reader_clear(&look->reader);
	if (!error || error == ISIF_NO_MEMORY)
		return error;
	look_note_unknown(look, "the mounts of process %u cannot be read: %s", look->pid,
			  isif_error_text(error));
	if (look->table)
		look_note_vital_unknown(look, "mounts cannot be read");
	return ISIF_OK;
}

/* --- where files lie --- */

/* True if a path is where something is mounted, or below that. */
static bool lies_below(const char *path, const char *where, size_t length)
{
	if (length == 1)
		return *path == '/';
	return !strncmp(path, where, length) && (!path[length] || path[length] == '/');
}

/* The mount of a table that a path leads to: the longest, of equal ones the last. */
static const struct look_mount *mount_of(const struct look *look, const char *path, unsigned table)
{
	const struct look_mount *best = NULL;
	size_t longest = 0;

	for (size_t i = 0; i < look->mounts.count; i++) {
		const struct look_mount *mount = &look->mounts.items[i];
		const char *where = look->text.bytes + mount->where;
		size_t length = mount->table == table ? strlen(where) : 0;

		if (!length || length < longest || !lies_below(path, where, length))
			continue;
		best = mount;
		longest = length;
	}
	return best;
}

/*
 * Each table is another root directory's view, and a path is told in only one of them. A file that
 * lies on an overlay is really on one of the file systems below that: then it is not found here.
 */
static bool find_file(const struct look *look, const char *path, dev_t *number)
{
	bool found = false;

	*number = 0;
	for (unsigned table = 1; table <= look->tables; table++) {
		const struct look_mount *mount = mount_of(look, path, table);

		if (!mount || (mount->overlay && !mount->number))
			continue;
		found = true;
		if (!*number)
			*number = mount->number;
	}
	return found;
}

enum isif_error look_files_step(struct look *look)
{
	const struct look_file *file;
	const char *path;
	dev_t number;

	if (look->at == look->files.count)
		return ISIF_OK;
	file = &look->files.items[look->at++];
	path = look->text.bytes + file->path;
	if (!find_file(look, path, &number))
		look_note_vital_unknown(look, "no disk is found that %s lies on", path);
	if (!file->user) {
		look->loops.items[file->loop].number = number;
	} else if (number) {
		enum isif_error error = add_use(look, number, file->user, true);

		if (error)
			return error;
	}
	return ISIF_INCOMPLETE;
}
