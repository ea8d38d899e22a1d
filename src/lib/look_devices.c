/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The disks of the sessions, and what stands on each: partitions, holders (sysfs "holders":
 * device-mapper, md, drbd), loop devices, each with its own in turn.
 */
#include "look_parts.h"

#include "array.h"

#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>

#define DISK_LIMIT   65536
#define DEVICE_LIMIT 256 /* that stand on one disk */
#define DM_SIZE	     160 /* names and UUIDs have 128 octets (linux/dm-ioctl.h) */

/* --- the disks --- */

static enum isif_error add_disk(struct look *look, const char *name, char *path)
{
	struct look_disk *disk;

	if (look->disks.count >= DISK_LIMIT || !LOOK_RESERVE(look->disks)) {
		free(path);
		return look->disks.count >= DISK_LIMIT ? ISIF_TOO_LONG : ISIF_NO_MEMORY;
	}
	disk = &look->disks.items[look->disks.count++];
	*disk = (struct look_disk){ .sid = look->sids[look->at], .path = path };
	text_copy(disk->name, sizeof(disk->name), name);
	return ISIF_OK;
}

/* A disk's own directory, block/NAME below its SCSI device's. Others (a tape) have none. */
static enum isif_error read_lun(struct look *look, const char *name)
{
	struct sysfs_directory CLEANUP_DIRECTORY scsi = SYSFS_NO_DIRECTORY;
	struct sysfs_directory CLEANUP_DIRECTORY block = SYSFS_NO_DIRECTORY;
	struct sysfs_listing CLEANUP_LISTING listing = { 0 };
	enum isif_error error = sysfs_open_in(look->sysfs, &look->target, name, &scsi);
	char *path;

	if (!error)
		error = sysfs_open_in(look->sysfs, &scsi, "block", &block);
	if (!error)
		error = sysfs_list(&block, &listing);
	while (!error && (name = sysfs_listing_next(&listing))) {
		if (asprintf(&path, "%s/%s", block.path, name) < 0)
			return ISIF_NO_MEMORY;
		error = add_disk(look, name, path);
	}
	if (!error)
		error = listing.error;
	return error == ISIF_NOT_FOUND ? ISIF_OK : error;
}

static void end_listing(struct sysfs_listing *listing, struct sysfs_directory *directory)
{
	sysfs_listing_close(listing);
	*listing = (struct sysfs_listing){ 0 };
	sysfs_directory_close(directory);
}

static enum isif_error begin_session(struct look *look)
{
	struct sysfs_directory CLEANUP_DIRECTORY class = SYSFS_NO_DIRECTORY;
	enum isif_error error = sysfs_open(look->sysfs, &class, "class/iscsi_session/session%u",
					   look->sids[look->at]);

	if (!error)
		error = sysfs_open_device(look->sysfs, &class, &look->session);
	return error ? error : sysfs_list(&look->session, &look->targets);
}

/* One entry of a session's directory, or of one of its targets'. */
static enum isif_error read_entry(struct look *look)
{
	const char *name;
	enum isif_error error;

	if (look->luns.stream) {
		name = sysfs_listing_next(&look->luns);
		if (name)
			return strchr(name, ':') ? read_lun(look, name) : ISIF_OK;
		error = look->luns.error;
		end_listing(&look->luns, &look->target);
		return error;
	}
	name = sysfs_listing_next(&look->targets);
	if (!name) {
		error = look->targets.error;
		end_listing(&look->targets, &look->session);
		look->at++;
		return error;
	}
	if (!text_after(name, "target"))
		return ISIF_OK;
	error = sysfs_open_in(look->sysfs, &look->session, name, &look->target);
	if (!error)
		error = sysfs_list(&look->target, &look->luns);
	return error == ISIF_NOT_FOUND ? ISIF_OK : error;
}

/* What cannot be read may be a disk: it is told as one without a name. */
enum isif_error look_disks_step(struct look *look)
{
	enum isif_error error;

	if (look->at == look->sid_count)
		return ISIF_OK;
	error = look->targets.stream ? read_entry(look) : begin_session(look);
	if (error && !look->targets.stream && look->at < look->sid_count) {
		if (error == ISIF_NO_ACCESS || error == ISIF_IO)
			error = add_disk(look, "", NULL);
		/* A session that is gone has no disks. */
		if (error == ISIF_NOT_FOUND)
			error = ISIF_OK;
		end_listing(&look->targets, &look->session);
		look->at++;
	}
	return error ? error : ISIF_INCOMPLETE;
}

/* --- what stands on them --- */

static struct look_disk *disk_of(struct look *look, const struct look_device *device)
{
	return &look->disks.items[device->disk];
}

/* What has gone away uses nothing; what we may not see may use anything. */
static enum isif_error forgive(struct look_disk *disk, enum isif_error error)
{
	if (error == ISIF_NO_ACCESS || error == ISIF_TOO_LONG || error == ISIF_IO)
		disk->unknown = "a device that stands on it cannot be read";
	else if (error != ISIF_NOT_FOUND)
		return error;
	return ISIF_OK;
}

static enum isif_error add_device(struct look *look, size_t disk_index, const char *path,
				  bool mapped)
{
	struct look_disk *disk = &look->disks.items[disk_index];
	char *copy;

	/* Two ways may lead to it, and a tree of one's own may have a ring. */
	for (size_t i = disk->first_device; i < look->devices.count; i++)
		if (look->devices.items[i].mapped == mapped &&
		    !strcmp(look->devices.items[i].path, path))
			return ISIF_OK;
	if (look->devices.count - disk->first_device >= DEVICE_LIMIT) {
		disk->unknown = "too many devices stand on it";
		return ISIF_OK;
	}
	copy = strdup(path);
	if (!copy || !LOOK_RESERVE(look->devices)) {
		free(copy);
		return ISIF_NO_MEMORY;
	}
	look->devices.items[look->devices.count++] =
		(struct look_device){ .disk = disk_index, .path = copy, .mapped = mapped };
	return ISIF_OK;
}

static dev_t read_number(const struct sysfs_directory *directory, enum isif_error *error)
{
	char value[SYSFS_VALUE_SIZE] = "";
	unsigned numbers[2];

	*error = sysfs_read(directory, "dev", value, sizeof(value));
	if (*error || sscanf(value, "%u:%u", &numbers[0], &numbers[1]) != 2)
		return 0;
	return makedev(numbers[0], numbers[1]);
}

/* Partitions are directories below the disk's that begin with its name: sda/sda1. */
static enum isif_error visit_partitions(struct look *look, const struct look_device *device,
					const struct sysfs_directory *directory)
{
	struct sysfs_listing CLEANUP_LISTING listing = { 0 };
	enum isif_error error = sysfs_list(directory, &listing);
	const char *own = sysfs_name(directory->path);
	char path[SYSFS_PATH_SIZE];
	const char *name, *rest;
	size_t added;

	while (!error && (name = sysfs_listing_next(&listing))) {
		rest = text_after(name, own);
		if (!rest || !*rest)
			continue;
		if (snprintf(path, sizeof(path), "%s/%s", directory->path, name) >=
		    (int)sizeof(path))
			return ISIF_TOO_LONG;
		added = look->devices.count;
		error = add_device(look, device->disk, path, device->mapped);
		if (added < look->devices.count)
			look->devices.items[added].partition = true;
	}
	return error ? error : listing.error;
}

/*
 * A multipath map (multipathd, "mpath-WWID") is no use by itself, nor are kpartx's partitions of
 * it ("part1-mpath-WWID"): udev makes both of any disk. Whatever else holds a device uses it.
 */
static enum isif_error visit_holder(struct look *look, const struct look_device *device,
				    const struct sysfs_directory *holders, const char *name)
{
	struct sysfs_directory CLEANUP_DIRECTORY holder = SYSFS_NO_DIRECTORY;
	struct sysfs_directory CLEANUP_DIRECTORY mapper = SYSFS_NO_DIRECTORY;
	struct look_disk *disk = disk_of(look, device);
	char uuid[DM_SIZE] = "", label[DM_SIZE] = "";
	enum isif_error error = sysfs_open_in(look->sysfs, holders, name, &holder);

	if (error)
		return error;
	error = sysfs_open_in(look->sysfs, &holder, "dm", &mapper);
	if (!error)
		error = sysfs_read(&mapper, "uuid", uuid, sizeof(uuid));
	if (!error)
		error = sysfs_read(&mapper, "name", label, sizeof(label));
	if (error && error != ISIF_NOT_FOUND)
		return error;
	if (!device->mapped && text_after(uuid, "mpath-") &&
	    (!disk->map_path || !strcmp(disk->map_path, holder.path))) {
		if (!disk->map_path)
			disk->map_path = strdup(holder.path);
		return disk->map_path ? add_device(look, device->disk, holder.path, true)
				      : ISIF_NO_MEMORY;
	}
	if (!(text_after(uuid, "part") && strstr(uuid, "-mpath-")))
		look_note(look, device, LOOK_HELD, "%s%s", look_words(look, "held by "),
			  *label ? label : name);
	return add_device(look, device->disk, holder.path, device->mapped);
}

static enum isif_error visit_holders(struct look *look, struct look_device *device,
				     const struct sysfs_directory *directory)
{
	struct sysfs_directory CLEANUP_DIRECTORY holders = SYSFS_NO_DIRECTORY;
	struct sysfs_listing CLEANUP_LISTING listing = { 0 };
	enum isif_error error = sysfs_open_in(look->sysfs, directory, "holders", &holders);
	const char *name;

	if (!error)
		error = sysfs_list(&holders, &listing);
	while (!error && (name = sysfs_listing_next(&listing))) {
		device->held = true;
		error = forgive(disk_of(look, device), visit_holder(look, device, &holders, name));
	}
	return error ? error : listing.error;
}

static enum isif_error visit_loops(struct look *look, const struct look_device *device)
{
	struct sysfs_directory CLEANUP_DIRECTORY loop = SYSFS_NO_DIRECTORY;
	enum isif_error error = ISIF_OK;

	for (size_t i = 0; !error && i < look->loops.count; i++) {
		if (!device->number || look->loops.items[i].number != device->number)
			continue;
		look_note(look, device, LOOK_HELD, "%s%s", look_words(look, "held by "),
			  look->loops.items[i].name);
		error = sysfs_open(look->sysfs, &loop, "block/%s", look->loops.items[i].name);
		if (!error)
			error = add_device(look, device->disk, loop.path, device->mapped);
		error = forgive(disk_of(look, device), error);
	}
	return error;
}

/* True if one of the devices of a btrfs is what is mounted as root. */
static bool is_vital_btrfs(struct look *look, const char *uuid)
{
	struct sysfs_directory CLEANUP_DIRECTORY device = SYSFS_NO_DIRECTORY;
	struct sysfs_directory CLEANUP_DIRECTORY member = SYSFS_NO_DIRECTORY;

	for (size_t i = 0; i < look->mounts.count; i++) {
		const struct look_mount *mount = &look->mounts.items[i];

		if (mount->vital && mount->number &&
		    !sysfs_open(look->sysfs, &device, "dev/block/%u:%u", major(mount->number),
				minor(mount->number)) &&
		    !sysfs_open(look->sysfs, &member, "fs/btrfs/%s/devices/%s", uuid,
				sysfs_name(device.path)))
			return true;
	}
	return false;
}

/*
 * Mounted file systems have a directory in sysfs, also where no process that can be seen has them
 * mounted: fs/TYPE/DEVICE (ext4, xfs, f2fs and others), fs/btrfs/UUID/devices/DEVICE.
 */
static enum isif_error look_at_file_system(struct look *look, const struct look_device *device,
					   const char *type)
{
	struct sysfs_directory CLEANUP_DIRECTORY all = SYSFS_NO_DIRECTORY;
	struct sysfs_directory CLEANUP_DIRECTORY member = SYSFS_NO_DIRECTORY;
	struct sysfs_listing CLEANUP_LISTING listing = { 0 };
	const char *own = sysfs_name(device->path), *uuid;
	enum isif_error error;

	if (strcmp(type, "btrfs") != 0) {
		error = sysfs_open(look->sysfs, &member, "fs/%s/%s", type, own);
		if (!error)
			look_note(look, device, LOOK_FILE_SYSTEM,
				  "mounted (%s) where no process can be seen", type);
		return error;
	}
	error = sysfs_open(look->sysfs, &all, "fs/btrfs");
	if (!error)
		error = sysfs_list(&all, &listing);
	while (!error && (uuid = sysfs_listing_next(&listing))) {
		error = sysfs_open(look->sysfs, &member, "fs/btrfs/%s/devices/%s", uuid, own);
		if (!error && is_vital_btrfs(look, uuid))
			look_note(look, device, LOOK_VITAL, "part of the btrfs of the root");
		else if (!error)
			look_note(look, device, LOOK_FILE_SYSTEM, "part of a mounted btrfs");
		error = error == ISIF_NOT_FOUND ? ISIF_OK : error;
	}
	return error ? error : listing.error;
}

static enum isif_error look_at_file_systems(struct look *look, const struct look_device *device)
{
	struct sysfs_directory CLEANUP_DIRECTORY all = SYSFS_NO_DIRECTORY;
	struct sysfs_listing CLEANUP_LISTING listing = { 0 };
	enum isif_error error = sysfs_open(look->sysfs, &all, "fs");
	const char *type;

	if (!error)
		error = sysfs_list(&all, &listing);
	while (!error && (type = sysfs_listing_next(&listing)))
		error = forgive(disk_of(look, device), look_at_file_system(look, device, type));
	return error ? error : listing.error;
}

/*
 * A device of a bcache has a directory of that name, with a link "dev" to what stands on it; on the
 * bcache device itself "bcache" is a link back (drivers/md/bcache/super.c, bcache_device_link).
 */
static enum isif_error look_at_bcache(struct look *look, const struct look_device *device,
				      const struct sysfs_directory *directory)
{
	struct sysfs_directory CLEANUP_DIRECTORY bcache = SYSFS_NO_DIRECTORY;
	struct sysfs_directory CLEANUP_DIRECTORY upper = SYSFS_NO_DIRECTORY;
	enum isif_error error = sysfs_open_in(look->sysfs, directory, "bcache", &bcache);

	if (error || !text_after(bcache.path, directory->path))
		return error;
	look_note(look, device, LOOK_HELD, "%sbcache", look_words(look, "held by "));
	error = sysfs_open_in(look->sysfs, &bcache, "dev", &upper);
	return error ? error : add_device(look, device->disk, upper.path, device->mapped);
}

/* The generic SCSI device of a disk, /dev/sgN, reads and writes it, too. */
static enum isif_error add_generic(struct look *look, const struct look_device *device,
				   const struct sysfs_directory *directory)
{
	struct sysfs_directory CLEANUP_DIRECTORY parent = SYSFS_NO_DIRECTORY;
	struct sysfs_directory CLEANUP_DIRECTORY generic = SYSFS_NO_DIRECTORY;
	struct sysfs_listing CLEANUP_LISTING listing = { 0 };
	enum isif_error error =
		sysfs_open(look->sysfs, &parent, "%s/device/scsi_generic", directory->path);
	const char *name;

	if (!error)
		error = sysfs_list(&parent, &listing);
	while (!error && (name = sysfs_listing_next(&listing))) {
		error = sysfs_open_in(look->sysfs, &parent, name, &generic);
		if (!error)
			error = add_device(look, device->disk, generic.path, false);
		if (!error)
			look->devices.items[look->devices.count - 1].character = true;
	}
	return error ? error : listing.error;
}

static enum isif_error visit(struct look *look, size_t index)
{
	struct sysfs_directory CLEANUP_DIRECTORY directory = SYSFS_NO_DIRECTORY;
	/* A copy: the array grows meanwhile. */
	struct look_device device = look->devices.items[index];
	struct look_disk *disk = disk_of(look, &device);
	enum isif_error error = sysfs_open(look->sysfs, &directory, "%s", device.path);

	if (!error)
		device.number = read_number(&directory, &error);
	look->devices.items[index].number = device.number;
	if (error || device.character)
		return forgive(disk, error);
	if (!device.number)
		disk->unknown = "the number of a device that stands on it cannot be read";
	/* The first to be added: then the last device is the one that was added. */
	if (index == disk->first_device)
		error = forgive(disk, add_generic(look, &device, &directory));
	if (!error)
		error = forgive(disk, look_at_file_systems(look, &device));
	if (!error)
		error = visit_partitions(look, &device, &directory);
	if (!error)
		error = forgive(disk, look_at_bcache(look, &device, &directory));
	if (!error)
		error = visit_loops(look, &device);
	if (!error)
		error = visit_holders(look, &device, &directory);
	look->devices.items[index] = device;
	return forgive(disk, error);
}

static enum isif_error begin_disk(struct look *look)
{
	struct look_disk *disk = &look->disks.items[look->disk_at++];

	disk->first_device = look->devices.count;
	if (disk->path)
		return add_device(look, look->disk_at - 1, disk->path, false);
	disk->unknown = "its disks cannot be read";
	return ISIF_OK;
}

/* Visits one device a step; those that are found on it come behind the last. */
enum isif_error look_devices_step(struct look *look)
{
	enum isif_error error;

	if (look->at < look->devices.count)
		error = visit(look, look->at++);
	else if (look->disk_at < look->disks.count)
		error = begin_disk(look);
	else
		return ISIF_OK;
	return error ? error : ISIF_INCOMPLETE;
}
