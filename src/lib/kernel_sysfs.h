/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ISIF_LIB_KERNEL_SYSFS_H
#define ISIF_LIB_KERNEL_SYSFS_H

#include <isif/kernel.h>

#include "cleanup.h"

#include <dirent.h>

/* No sysfs attribute is longer than a page (fs/sysfs/file.c, sysfs_kf_seq_show); with the NUL. */
#define SYSFS_VALUE_SIZE 4097
#define SYSFS_PATH_SIZE	 1024
#define SYSFS_LIST_LIMIT 65536 /* entries of one directory */

#define SYSFS_NO_HOST UINT32_MAX

struct udev;
struct device_uses;

struct isif_sysfs {
	int root;
	char *root_path; /* canonical */
	size_t root_length;
	struct udev *udev;	  /* NULL if the tree is not this host's */
	struct device_uses *uses; /* mounts and swap, NULL if the tree is not this host's */
	const struct isif_log *log;
	bool no_openat2;     /* the kernel has none, or a seccomp filter forbids it */
	bool unknown_logged; /* it was said once that the uses cannot be read */
};

/* An open directory and its canonical path below the root, without a '/' at its begin. */
struct sysfs_directory {
	int descriptor;
	char path[SYSFS_PATH_SIZE];
};

#define SYSFS_NO_DIRECTORY                                                                         \
	{                                                                                          \
		.descriptor = -1                                                                   \
	}

void sysfs_directory_close(struct sysfs_directory *directory);

#define CLEANUP_DIRECTORY CLEANUP(sysfs_directory_close)

/*
 * Opens a directory by its path below the root. Symlinks are followed, but never out of the root.
 * ISIF_NOT_FOUND if there is no such directory below it (any more).
 */
enum isif_error sysfs_open(struct isif_sysfs *sysfs, struct sysfs_directory *directory,
			   const char *format, ...) __attribute__((format(printf, 3, 4)));

/* The same for a directory inside one that is open, which costs half as much. */
enum isif_error sysfs_open_in(struct isif_sysfs *sysfs, const struct sysfs_directory *parent,
			      const char *name, struct sysfs_directory *directory);

/*
 * Reads an attribute, without its newline. It is "" where the kernel has no value, or none now:
 * ENOENT, ENOTCONN, ENODEV, EBUSY, EACCES, a driver's own errors, "(null)". An error means that
 * this process could not read (no memory, no descriptors), and so that nothing is known.
 */
enum isif_error sysfs_read(const struct sysfs_directory *directory, const char *name, char *value,
			   size_t size);

/* The names in a directory, without those that begin with a dot. */
struct sysfs_listing {
	DIR *stream;
	unsigned count;
	enum isif_error error; /* why the last sysfs_listing_next() returned NULL */
};

void sysfs_listing_close(struct sysfs_listing *listing);

#define CLEANUP_LISTING CLEANUP(sysfs_listing_close)

enum isif_error sysfs_list(const struct sysfs_directory *directory, struct sysfs_listing *listing);
const char *sysfs_listing_next(struct sysfs_listing *listing);

/*
 * The N of a path's last component that is prefix and a decimal number: 3 for "host" in
 * devices/platform/host3/session1. False if it has none.
 */
bool sysfs_path_number(const char *path, const char *prefix, uint32_t *number);

/* The last component of a path. */
const char *sysfs_name(const char *path);

/* The directory of the device that a class object belongs to (its "device" link). */
enum isif_error sysfs_open_device(struct isif_sysfs *sysfs, const struct sysfs_directory *object,
				  struct sysfs_directory *device);

/* The name of a host's transport, "" if it cannot be told. */
enum isif_error sysfs_transport(struct isif_sysfs *sysfs, uint32_t host, char *name, size_t size);

#endif
