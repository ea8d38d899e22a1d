/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel_use.h"

#include "array.h"
#include "cleanup.h"
#include "hash.h"
#include "kernel_text.h"
#include "mount_table.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#define READ_TRIES 4

struct use {
	dev_t device;
	size_t where; /* of its text in the pool */
};

struct device_uses {
	const char *mounts_path;
	const char *swaps_path;
	int mounts;
	int swaps;
	int waiting[2]; /* the same files, for device_uses_descriptors() */
	bool current;
	const char *unknown;
	struct use *uses; /* sorted by device, then in the file's order */
	size_t count;
	size_t size;
	struct text_pool text;
	uint32_t generation;
	uint32_t hash; /* of all uses */
};

struct device_uses *device_uses_new(const char *mounts_path, const char *swaps_path)
{
	struct device_uses *uses = calloc(1, sizeof(*uses));

	if (!uses)
		return NULL;
	uses->mounts_path = mounts_path;
	uses->swaps_path = swaps_path;
	uses->mounts = -1;
	uses->swaps = -1;
	uses->waiting[0] = open(mounts_path, O_RDONLY | O_CLOEXEC);
	uses->waiting[1] = open(swaps_path, O_RDONLY | O_CLOEXEC);
	return uses;
}

void device_uses_free(struct device_uses *uses)
{
	if (!uses)
		return;
	cleanup_close_descriptor(&uses->mounts);
	cleanup_close_descriptor(&uses->swaps);
	cleanup_close_descriptor(&uses->waiting[0]);
	cleanup_close_descriptor(&uses->waiting[1]);
	text_pool_clear(&uses->text);
	free(uses->uses);
	free(uses);
}

static enum isif_error add_use(struct device_uses *uses, dev_t device, const char *where)
{
	enum isif_error error;
	size_t offset;

	if (!array_reserve(&uses->uses, &uses->size, uses->count, sizeof(*uses->uses)))
		return ISIF_NO_MEMORY;
	error = text_pool_add(&uses->text, where, SIZE_MAX, &offset);
	if (!error)
		uses->uses[uses->count++] = (struct use){ device, offset };
	return error;
}

/* The device behind a path such as /dev/sdb1. stat(2) asks devtmpfs only, never the disk. */
static bool device_of_path(const char *path, dev_t *device)
{
	struct stat status;

	if (!text_after(path, "/dev/") || stat(path, &status) || !S_ISBLK(status.st_mode))
		return false;
	*device = status.st_rdev;
	return true;
}

/* btrfs shows a device number of its own (0:45): there the source tells one of its devices. */
static enum isif_error add_mount(void *context, char *line)
{
	struct mount_line mount;

	if (!mount_line_parse(line, &mount))
		return ISIF_OK;
	if (!major(mount.number) && !device_of_path(mount.source, &mount.number))
		return ISIF_OK;
	return add_use(context, mount.number, mount.where);
}

/* A swap file lies on a file system, and that is mounted. */
static enum isif_error add_swap(void *context, char *line)
{
	struct device_uses *uses = context;
	struct swap_line swap;
	dev_t device;

	if (!swap_line_parse(line, &swap) || swap.is_file)
		return ISIF_OK;
	if (device_of_path(swap.path, &device))
		return add_use(uses, device, "swap");
	uses->unknown = "a swap device that has no name in /dev";
	return ISIF_OK;
}

static enum isif_error read_lines(struct device_uses *uses, int descriptor,
				  enum isif_error (*add)(void *context, char *line),
				  const char *unknown)
{
	struct line_reader reader = { .descriptor = descriptor };
	enum isif_error error;

	line_reader_rewind(&reader);
	do
		error = line_reader_step(&reader, add, uses);
	while (error == ISIF_INCOMPLETE);
	reader.descriptor = -1; /* it stays open, for poll(2) */
	line_reader_clear(&reader);
	if (error && error != ISIF_NO_MEMORY) {
		uses->unknown = unknown;
		return ISIF_OK;
	}
	return error;
}

static int compare_uses(const void *a, const void *b)
{
	const struct use *left = a, *right = b;

	if (left->device != right->device)
		return left->device < right->device ? -1 : 1;
	return left->where < right->where ? -1 : left->where > right->where;
}

static int open_file(int descriptor, const char *path)
{
	return descriptor >= 0 ? descriptor : open(path, O_RDONLY | O_CLOEXEC);
}

/* fs/proc_namespace.c, mounts_poll; mm/swapfile.c, swaps_poll: POLLPRI once per change. */
static bool files_changed(const struct device_uses *uses)
{
	struct pollfd files[] = {
		{ .fd = uses->mounts, .events = POLLPRI },
		{ .fd = uses->swaps, .events = POLLPRI },
	};

	poll(files, 2, 0);
	return files[0].revents || files[1].revents;
}

static enum isif_error read_files(struct device_uses *uses)
{
	enum isif_error error;

	uses->count = 0;
	uses->unknown = NULL;
	uses->text.used = 0;
	error = read_lines(uses, uses->mounts, add_mount, "mounts cannot be read");
	/* A kernel without swapping has no such file. */
	if (!error && (uses->swaps >= 0 || !access(uses->swaps_path, F_OK) || errno != ENOENT))
		error = read_lines(uses, uses->swaps, add_swap, "swap devices cannot be read");
	if (!error && uses->count)
		qsort(uses->uses, uses->count, sizeof(*uses->uses), compare_uses);
	return error;
}

/* Most mounts of a busy host are of no block device: they must cost nobody another look. */
static void note_generation(struct device_uses *uses)
{
	uint32_t hash = hash_octets(0, uses->text.bytes, uses->text.used);

	for (size_t i = 0; i < uses->count; i++)
		hash = hash_octets(hash, &uses->uses[i].device, sizeof(uses->uses[i].device));
	if (hash != uses->hash)
		uses->generation++;
	uses->hash = hash;
}

uint32_t device_uses_generation(const struct device_uses *uses)
{
	return uses->generation;
}

void device_uses_descriptors(const struct device_uses *uses, int descriptors[2])
{
	descriptors[0] = uses->waiting[0];
	descriptors[1] = uses->waiting[1];
}

enum isif_error device_uses_refresh(struct device_uses *uses)
{
	enum isif_error error = ISIF_OK;
	bool changed;

	uses->mounts = open_file(uses->mounts, uses->mounts_path);
	uses->swaps = open_file(uses->swaps, uses->swaps_path);
	changed = files_changed(uses);
	if (uses->current && !changed)
		return ISIF_OK;
	/* A table that changes between two read(2)s can lack a line: read until it stays. */
	for (int try = 0; !error && try < READ_TRIES; try++) {
		error = read_files(uses);
		changed = files_changed(uses);
		if (!changed)
			break;
	}
	uses->current = !error && !changed && !uses->unknown;
	if (!error)
		note_generation(uses);
	return error;
}

const char *device_uses_unknown(const struct device_uses *uses)
{
	return uses->unknown;
}

const char *device_uses_find(const struct device_uses *uses, dev_t device)
{
	size_t low = 0, high = uses->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (uses->uses[middle].device < device)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == uses->count || uses->uses[low].device != device)
		return NULL;
	return uses->text.bytes + uses->uses[low].where;
}
