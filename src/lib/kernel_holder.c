/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel_disk.h"

#include "kernel_text.h"
#include "kernel_use.h"

#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>

/*
 * Who uses a disk: what is mounted or swapped on, over the tree that stands on the disk -- its
 * partitions, and the devices that hold it (sysfs "holders": device-mapper, md, drbd), with their
 * partitions and holders in turn.
 */
#define DEPTH_LIMIT 16 /* LVM thin volumes on LUKS on md on multipath have 9 */

/* A volume group may have more volumes, but they hold the disk, and so it is in use anyway. */
#define DEVICE_LIMIT 256

#define DM_SIZE 160 /* names and UUIDs have 128 octets (linux/dm-ioctl.h) */

enum strength {
	NOBODY,
	HELD,	/* by a device; nobody is known to use that */
	IN_USE, /* mounted, or swap */
};

struct finding {
	enum strength strength;
	char user[sizeof(((struct isif_disk *)NULL)->user)];
};

struct search {
	struct isif_sysfs *sysfs;
	unsigned devices;
	const char *incomplete; /* why there may be more than was found; NULL if all was seen */
	bool in_map;		/* the device at hand stands on the multipath map */
	struct finding direct;
	struct finding mapped;
	char map[sizeof(((struct isif_disk *)NULL)->map)];
	char map_path[SYSFS_PATH_SIZE]; /* empty if no map holds the disk */
};

static enum isif_error visit_device(struct search *search, const struct sysfs_directory *device,
				    unsigned depth);

static struct finding *finding_at_hand(struct search *search)
{
	return search->in_map ? &search->mapped : &search->direct;
}

static void note(struct search *search, enum strength strength, const char *user)
{
	struct finding *finding = finding_at_hand(search);

	if (strength <= finding->strength)
		return;
	finding->strength = strength;
	text_copy(finding->user, sizeof(finding->user), user);
}

/* What has gone away uses nothing; what we may not see may use anything. */
static enum isif_error forgive(struct search *search, enum isif_error error)
{
	if (error == ISIF_NO_ACCESS || error == ISIF_TOO_LONG)
		search->incomplete = "a device that stands on it cannot be read";
	else if (error != ISIF_NOT_FOUND)
		return error;
	return ISIF_OK;
}

/*
 * btrfs on several devices shows one of them in mountinfo; of a mounted file system sysfs has all
 * (fs/btrfs/UUID/devices/NAME; fs/btrfs/sysfs.c).
 */
static enum isif_error look_at_btrfs(struct search *search, const char *device)
{
	struct sysfs_directory CLEANUP_DIRECTORY all = SYSFS_NO_DIRECTORY;
	struct sysfs_directory CLEANUP_DIRECTORY member = SYSFS_NO_DIRECTORY;
	struct sysfs_listing CLEANUP_LISTING listing = { 0 };
	enum isif_error error = sysfs_open(search->sysfs, &all, "fs/btrfs");
	const char *name;

	if (!error)
		error = sysfs_list(&all, &listing);
	while (!error && (name = sysfs_listing_next(&listing))) {
		error = sysfs_open(search->sysfs, &member, "fs/btrfs/%s/devices/%s", name, device);
		if (!error)
			note(search, IN_USE, "btrfs");
		if (error == ISIF_NOT_FOUND)
			error = ISIF_OK;
	}
	return forgive(search, error ? error : listing.error);
}

static enum isif_error look_at_uses(struct search *search, const struct sysfs_directory *device)
{
	char value[SYSFS_VALUE_SIZE] = "";
	enum isif_error error = sysfs_read(device, "dev", value, sizeof(value));
	unsigned numbers[2];
	const char *where;

	if (error)
		return error;
	if (search->sysfs->uses && sscanf(value, "%u:%u", &numbers[0], &numbers[1]) == 2) {
		where = device_uses_find(search->sysfs->uses, makedev(numbers[0], numbers[1]));
		if (where)
			note(search, IN_USE, where);
	}
	return look_at_btrfs(search, sysfs_name(device->path));
}

/* Partitions are directories below the disk's that begin with its name: sda/sda1. */
static enum isif_error visit_partitions(struct search *search, const struct sysfs_directory *device,
					unsigned depth)
{
	struct sysfs_directory CLEANUP_DIRECTORY partition = SYSFS_NO_DIRECTORY;
	struct sysfs_listing CLEANUP_LISTING listing = { 0 };
	enum isif_error error = sysfs_list(device, &listing);
	const char *own = sysfs_name(device->path);
	const char *name, *rest;

	while (!error && (name = sysfs_listing_next(&listing))) {
		rest = text_after(name, own);
		if (!rest || !*rest)
			continue;
		error = sysfs_open_in(search->sysfs, device, name, &partition);
		if (!error)
			error = visit_device(search, &partition, depth + 1);
		error = forgive(search, error);
	}
	return error ? error : listing.error;
}

/*
 * A multipath map (multipathd, "mpath-WWID") is no use by itself, nor are kpartx's partitions of
 * it ("part1-mpath-WWID"): udev makes both of any disk. Whatever else holds a device uses it.
 */
static enum isif_error visit_holder(struct search *search, const struct sysfs_directory *holders,
				    const char *name, unsigned depth)
{
	struct sysfs_directory CLEANUP_DIRECTORY holder = SYSFS_NO_DIRECTORY;
	struct sysfs_directory CLEANUP_DIRECTORY mapper = SYSFS_NO_DIRECTORY;
	char uuid[DM_SIZE] = "", label[DM_SIZE] = "";
	enum isif_error error = sysfs_open_in(search->sysfs, holders, name, &holder);
	bool is_map;

	if (error)
		return error;
	error = sysfs_open_in(search->sysfs, &holder, "dm", &mapper);
	if (error && error != ISIF_NOT_FOUND)
		return error;
	error = sysfs_read(&mapper, "uuid", uuid, sizeof(uuid));
	if (!error)
		error = sysfs_read(&mapper, "name", label, sizeof(label));
	if (error)
		return error;
	is_map = !search->in_map && !*search->map_path && text_after(uuid, "mpath-");
	if (is_map) {
		text_copy(search->map, sizeof(search->map), label);
		text_copy(search->map_path, sizeof(search->map_path), holder.path);
		search->in_map = true;
	} else if (!(text_after(uuid, "part") && strstr(uuid, "-mpath-"))) {
		note(search, HELD, *label ? label : sysfs_name(holder.path));
	}
	error = visit_device(search, &holder, depth + 1);
	if (is_map)
		search->in_map = false;
	return error;
}

static enum isif_error visit_holders(struct search *search, const struct sysfs_directory *device,
				     unsigned depth)
{
	struct sysfs_directory CLEANUP_DIRECTORY holders = SYSFS_NO_DIRECTORY;
	struct sysfs_listing CLEANUP_LISTING listing = { 0 };
	enum isif_error error = sysfs_open_in(search->sysfs, device, "holders", &holders);
	const char *name;

	if (!error)
		error = sysfs_list(&holders, &listing);
	while (!error && (name = sysfs_listing_next(&listing)))
		error = forgive(search, visit_holder(search, &holders, name, depth));
	return error ? error : listing.error;
}

static enum isif_error visit_device(struct search *search, const struct sysfs_directory *device,
				    unsigned depth)
{
	enum isif_error error;

	if (finding_at_hand(search)->strength == IN_USE)
		return ISIF_OK;
	if (depth > DEPTH_LIMIT || ++search->devices > DEVICE_LIMIT) {
		search->incomplete = "too many devices stand on it";
		return ISIF_OK;
	}
	error = look_at_uses(search, device);
	if (!error)
		error = visit_partitions(search, device, depth);
	if (!error)
		error = visit_holders(search, device, depth);
	return forgive(search, error);
}

/* True if the map has another path that runs, over another session than this one. */
static enum isif_error find_other_path(struct search *search, uint32_t sid, bool *found)
{
	struct sysfs_directory CLEANUP_DIRECTORY slaves = SYSFS_NO_DIRECTORY;
	struct sysfs_directory CLEANUP_DIRECTORY scsi = SYSFS_NO_DIRECTORY;
	struct sysfs_listing CLEANUP_LISTING listing = { 0 };
	enum isif_error error = sysfs_open(search->sysfs, &slaves, "%s/slaves", search->map_path);
	char state[SYSFS_VALUE_SIZE];
	const char *name;

	if (!error)
		error = sysfs_list(&slaves, &listing);
	while (!error && !*found && (name = sysfs_listing_next(&listing))) {
		uint32_t other;

		error = sysfs_open(search->sysfs, &scsi, "%s/%s/device", slaves.path, name);
		if (!error)
			error = sysfs_read(&scsi, "state", state, sizeof(state));
		if (!error)
			*found = !strcmp(state, "running") &&
				 sysfs_path_number(scsi.path, "session", &other) && other != sid;
		error = forgive(search, error);
	}
	return forgive(search, error ? error : listing.error);
}

/* What cannot be determined, NULL if nothing. */
static const char *unknown(const struct search *search)
{
	if (!search->sysfs->uses)
		return "not this host's disk";
	return search->incomplete ? search->incomplete : device_uses_unknown(search->sysfs->uses);
}

static void judge(const struct search *search, bool other_path, struct isif_disk *disk)
{
	const char *reason = unknown(search);

	if (search->direct.strength != NOBODY) {
		disk->use = ISIF_DISK_IN_USE;
		text_copy(disk->user, sizeof(disk->user), search->direct.user);
	} else if (search->mapped.strength != NOBODY) {
		disk->use = other_path ? ISIF_DISK_REDUNDANT : ISIF_DISK_IN_USE;
		text_copy(disk->user, sizeof(disk->user), search->mapped.user);
	} else if (reason) {
		disk->use = ISIF_DISK_UNKNOWN;
		text_copy(disk->user, sizeof(disk->user), reason);
	} else {
		disk->use = ISIF_DISK_UNUSED;
	}
}

enum isif_error disk_find_use(struct isif_sysfs *sysfs, const struct sysfs_directory *block,
			      uint32_t sid, struct isif_disk *disk)
{
	struct search search = { .sysfs = sysfs };
	enum isif_error error = visit_device(&search, block, 0);
	bool other_path = false;

	text_copy(disk->map, sizeof(disk->map), search.map);
	if (!error && search.mapped.strength != NOBODY)
		error = find_other_path(&search, sid, &other_path);
	if (!error)
		judge(&search, other_path, disk);
	return error;
}
