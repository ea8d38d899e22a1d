/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel_disk.h"

#include "kernel_text.h"
#include "kernel_use.h"

#include <string.h>

#define SECTORS_PER_MEBIBYTE 2048 /* sysfs counts in 512 octets, whatever the disk's blocks are */

void disk_list_clear(struct disk_list *list)
{
	free(list->disks);
	*list = (struct disk_list){ 0 };
}

/* Makes room for one more disk behind the last. */
static enum isif_error reserve(struct disk_list *list)
{
	uint32_t size = list->size ? list->size * 2 : 4;
	struct isif_disk *grown;

	if (list->count >= DISK_LIMIT)
		return ISIF_TOO_LONG;
	if (list->count < list->size)
		return ISIF_OK;
	grown = reallocarray(list->disks, size, sizeof(*grown));
	if (!grown)
		return ISIF_NO_MEMORY;
	list->disks = grown;
	list->size = size;
	return ISIF_OK;
}

/*
 * The L of "H:C:I:L". The kernel has 64 bits for it (drivers/scsi/scsi_sysfs.c, "%d:%d:%d:%llu");
 * one over 32 bits is shown as the highest: wrong, but not left out.
 */
static bool parse_lun(const char *name, uint32_t *lun)
{
	uint64_t number;

	for (int i = 0; i < 3; i++) {
		size_t digits = strspn(name, "0123456789");

		if (!digits || name[digits] != ':')
			return false;
		name += digits + 1;
	}
	if (!text_number(name, UINT64_MAX, &number))
		return false;
	*lun = number < UINT32_MAX ? (uint32_t)number : UINT32_MAX;
	return true;
}

static uint32_t mebibytes(const char *sectors)
{
	uint64_t number = 0;

	text_number(sectors, UINT64_MAX, &number);
	number /= SECTORS_PER_MEBIBYTE;
	return number < UINT32_MAX ? (uint32_t)number : UINT32_MAX;
}

/* Opens H:C:I:L/block/NAME. ISIF_NOT_FOUND if it is no block device (any more, or yet). */
static enum isif_error open_block(struct isif_sysfs *sysfs, const struct sysfs_directory *scsi,
				  struct sysfs_directory *block)
{
	struct sysfs_directory CLEANUP_DIRECTORY parent = SYSFS_NO_DIRECTORY;
	struct sysfs_listing CLEANUP_LISTING listing = { 0 };
	enum isif_error error = sysfs_open_in(sysfs, scsi, "block", &parent);
	const char *name;

	if (!error)
		error = sysfs_list(&parent, &listing);
	if (error)
		return error;
	name = sysfs_listing_next(&listing);
	if (!name)
		return listing.error ? listing.error : ISIF_NOT_FOUND;
	return sysfs_open_in(sysfs, &parent, name, block);
}

static enum isif_error read_disk(struct isif_sysfs *sysfs, const struct sysfs_directory *target,
				 const char *name, uint32_t sid, struct isif_disk *disk)
{
	struct sysfs_directory CLEANUP_DIRECTORY scsi = SYSFS_NO_DIRECTORY;
	struct sysfs_directory CLEANUP_DIRECTORY block = SYSFS_NO_DIRECTORY;
	enum isif_error error = sysfs_open_in(sysfs, target, name, &scsi);
	char value[SYSFS_VALUE_SIZE] = "";

	if (!error)
		error = open_block(sysfs, &scsi, &block);
	if (error)
		return error;
	text_copy(disk->device, sizeof(disk->device), sysfs_name(block.path));
	error = sysfs_read(&block, "size", value, sizeof(value));
	disk->size = mebibytes(value);
	if (!error)
		error = sysfs_read(&scsi, "state", disk->state, sizeof(disk->state));
	if (!error)
		error = sysfs_read(&scsi, "wwid", disk->wwid, sizeof(disk->wwid));
	return error ? error : disk_find_use(sysfs, &block, sid, disk);
}

static enum isif_error read_target(struct isif_sysfs *sysfs, const struct sysfs_directory *session,
				   const char *name, uint32_t sid, struct disk_list *list)
{
	struct sysfs_directory CLEANUP_DIRECTORY target = SYSFS_NO_DIRECTORY;
	struct sysfs_listing CLEANUP_LISTING listing = { 0 };
	enum isif_error error = sysfs_open_in(sysfs, session, name, &target);

	if (!error)
		error = sysfs_list(&target, &listing);
	while (!error && (name = sysfs_listing_next(&listing))) {
		struct isif_disk disk = { .use = ISIF_DISK_UNKNOWN };

		if (!parse_lun(name, &disk.lun))
			continue;
		error = read_disk(sysfs, &target, name, sid, &disk);
		if (!error)
			error = reserve(list);
		if (!error)
			list->disks[list->count++] = disk;
		/* A tape, an enclosure, or a disk on its way in or out. */
		if (error == ISIF_NOT_FOUND)
			error = ISIF_OK;
	}
	/* The target went away with the session. */
	if (error == ISIF_NOT_FOUND)
		return ISIF_OK;
	return error ? error : listing.error;
}

static int compare_disks(const void *a, const void *b)
{
	const struct isif_disk *left = a, *right = b;

	if (left->lun != right->lun)
		return left->lun < right->lun ? -1 : 1;
	return strcmp(left->device, right->device);
}

static bool is_target(const char *name)
{
	const char *number = text_after(name, "target");

	return number && *number && !number[strspn(number, "0123456789:")];
}

/* Mounts and swap are read once a session, not once a disk. */
static enum isif_error refresh_uses(struct isif_sysfs *sysfs)
{
	enum isif_error error = sysfs->uses ? device_uses_refresh(sysfs->uses) : ISIF_OK;
	const char *reason = sysfs->uses && !error ? device_uses_unknown(sysfs->uses) : NULL;

	if (reason && !sysfs->unknown_logged)
		isif_log_line(sysfs->log, ISIF_LOG_WARNING,
			      "which disks are in use is not known, so all count as in use: %s",
			      reason);
	sysfs->unknown_logged = reason != NULL;
	return error;
}

enum isif_error disks_read(struct isif_sysfs *sysfs, const struct sysfs_directory *session,
			   uint32_t sid, struct disk_list *list)
{
	struct sysfs_listing CLEANUP_LISTING listing = { 0 };
	enum isif_error error = refresh_uses(sysfs);
	const char *name;

	if (!error)
		error = sysfs_list(session, &listing);
	while (!error && (name = sysfs_listing_next(&listing)))
		if (is_target(name))
			error = read_target(sysfs, session, name, sid, list);
	if (!error)
		error = listing.error;
	if (!error && list->count)
		qsort(list->disks, list->count, sizeof(*list->disks), compare_disks);
	return error;
}
