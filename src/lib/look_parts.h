/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ISIF_LIB_LOOK_PARTS_H
#define ISIF_LIB_LOOK_PARTS_H

#include "kernel_sysfs.h"
#include "kernel_text.h"
#include "look.h"
#include "mount_table.h"
#include "multipathd.h"

/*
 * What the files of a look share. First everything that may be in use anywhere is collected (the
 * mounts, the open devices), then the devices on the disks are found, then both are compared.
 * The functions that end in _step return ISIF_INCOMPLETE while there is more to do.
 */

#define LOOK_TEXT_SIZE sizeof(((struct isif_look_disk *)NULL)->user)

/* From the weakest: of two users of a disk, the stronger is told. */
enum look_strength {
	LOOK_NOBODY,
	LOOK_OPEN,	  /* in a process */
	LOOK_HELD,	  /* by a device; nobody is known to use that */
	LOOK_FILE_SYSTEM, /* mounted where it cannot be seen */
	LOOK_MOUNTED,
	LOOK_VITAL, /* the root file system, /boot or swap */
};

struct look_finding {
	enum look_strength strength;
	char user[LOOK_TEXT_SIZE];
};

struct look_disk {
	uint32_t sid;
	char name[32];	     /* e.g. sdb */
	char *path;	     /* of its block device, below the root of sysfs */
	char *map_path;	     /* of the multipath map that holds it, NULL if none does */
	size_t first_device; /* of those that stand on it; they lie side by side */
	bool other_path;     /* its map has one that is alive */
	const char *unknown; /* why there may be more users than were found */
	struct look_finding direct;
	struct look_finding mapped; /* of what stands on the map */
};

/* A device that stands on a disk, or the disk itself. */
struct look_device {
	dev_t number; /* 0: not known */
	bool character;
	bool mapped; /* it is the disk's map, or stands on that */
	bool partition;
	bool held; /* by another device */
	size_t disk;
	char *path;
};

struct look_mount {
	dev_t number;	  /* 0: on no block device; kept for its path only */
	size_t where;	  /* its text in the pool */
	const char *user; /* what it is; NULL: a mount */
	unsigned table;	  /* 0: none of those that files are found by */
	bool vital;
	bool overlay; /* its files are those of other file systems */
};

/* A file that is of interest only for the file system that it lies on. */
struct look_file {
	size_t path;
	const char *user; /* what it makes of that: "swap", ...; NULL: of a loop device */
	size_t loop;
};

struct look_loop {
	char name[32];
	dev_t number; /* of what it stands on */
};

struct look_open {
	dev_t number;
	bool character;
	uint32_t pid;
	char command[16];
};

/* A device that the kernel is asked about, whether it has claimed that. */
struct look_claim {
	size_t disk;
	int number; /* errno; -1: no answer */
	char name[40];
};

/* A view of a mount namespace: processes with another root see other parts of it. */
struct look_view {
	uint64_t space, root, mount;
};

#define LOOK_ARRAY(type)                                                                           \
	struct {                                                                                   \
		type *items;                                                                       \
		size_t count, size;                                                                \
	}

struct look {
	struct look_roots roots;
	enum isif_look_purpose purpose;
	int proc, dev;
	struct isif_sysfs *sysfs;
	uint32_t *sids;
	size_t sid_count;
	bool foreign; /* the tree of sysfs is not this host's: who uses its disks, nobody knows */
	unsigned stage;
	size_t at; /* cursor of the stage */

	char unknown[LOOK_TEXT_SIZE];	    /* the first thing that could not be determined */
	char vital_unknown[LOOK_TEXT_SIZE]; /* why the disks of root and swap are not all known */

	struct text_pool text;
	LOOK_ARRAY(struct look_mount) mounts;
	LOOK_ARRAY(struct look_file) files;
	LOOK_ARRAY(struct look_loop) loops;
	LOOK_ARRAY(struct look_view) views;
	LOOK_ARRAY(struct look_open) opens;
	LOOK_ARRAY(struct look_disk) disks;
	LOOK_ARRAY(struct look_device) devices;
	LOOK_ARRAY(struct isif_look_disk) result;

	/* The file that is being read: swaps, or a table of mounts. */
	struct line_reader reader;
	unsigned table, tables, tries;
	struct {
		size_t mounts, files, text;
	} table_begin;

	/* The processes */
	DIR *processes, *descriptors;
	int process;
	uint32_t pid;

	/* The disks */
	struct sysfs_directory session, target;
	struct sysfs_listing targets, luns;
	struct sysfs_listing listing; /* of /sys/block, for loop devices */
	size_t disk_at;

	struct multipathd *multipathd; /* NULL: it does not run */
	uint64_t multipathd_limit;     /* monotonic ns */
	bool multipathd_silent;

	LOOK_ARRAY(struct look_claim) claims;
	bool claims_listed;
	int answers;	      /* of the child that asks */
	uint64_t claim_limit; /* monotonic ns */

	bool waiting;	/* nothing can be done but wait for an answer */
	unsigned pause; /* ms; how long */
};

#define LOOK_RESERVE(array)                                                                        \
	array_reserve(&(array).items, &(array).size, (array).count, sizeof(*(array).items))

/* Words for a sentence; the disk table has a column for mount points and holders as such. */
static inline const char *look_words(const struct look *look, const char *words)
{
	return look->purpose == ISIF_LOOK_TO_SHOW ? "" : words;
}

void look_note_unknown(struct look *look, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void look_note_vital_unknown(struct look *look, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* Of several users that are equally strong the first is told. */
void look_note(struct look *look, const struct look_device *device, enum look_strength strength,
	       const char *format, ...) __attribute__((format(printf, 4, 5)));

/* The number of a node by its path in /dev; false if it has none. */
bool look_node(const struct look *look, const char *path, dev_t *number);

enum isif_error look_swaps_step(struct look *look);
enum isif_error look_loops_step(struct look *look);
/*
 * Takes the descriptor: a table of mounts, to be read by the steps. ours: it is the host's own, by
 * its paths files are found, and its root is the root file system.
 */
void look_mounts_begin(struct look *look, int descriptor, bool ours);
enum isif_error look_mounts_step(struct look *look);
/* Finds out, for one file a step, where it lies. */
enum isif_error look_files_step(struct look *look);

enum isif_error look_processes_begin(struct look *look);
enum isif_error look_processes_step(struct look *look);
void look_processes_end(struct look *look);

enum isif_error look_disks_step(struct look *look);
enum isif_error look_devices_step(struct look *look);

enum isif_error look_claims_step(struct look *look);

/* For one disk a step. */
enum isif_error look_paths_step(struct look *look);

#endif
