/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ISIF_LIB_KERNEL_DISK_H
#define ISIF_LIB_KERNEL_DISK_H

#include "kernel_sysfs.h"

#define DISK_LIMIT 16384 /* of one session: what the transport allows (scsi_host, max_lun) */

struct disk_list {
	struct isif_disk *disks; /* sorted by lun */
	uint32_t count;
	uint32_t size;
};

void disk_list_clear(struct disk_list *list);

/*
 * Finds the block devices behind a session: targetH:C:I/H:C:I:L/block/NAME below its device's
 * directory. Over DISK_LIMIT it fails: a disk that is left out would count as unused.
 */
enum isif_error disks_read(struct isif_sysfs *sysfs, const struct sysfs_directory *session,
			   uint32_t sid, struct disk_list *list);

/* Finds out who uses a disk (by its block device's directory): its map, use and user. */
enum isif_error disk_find_use(struct isif_sysfs *sysfs, const struct sysfs_directory *block,
			      uint32_t sid, struct isif_disk *disk);

#endif
