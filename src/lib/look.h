/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ISIF_LIB_LOOK_H
#define ISIF_LIB_LOOK_H

#include <isif/privileged.h>

#include <sys/types.h>

/*
 * A look at everybody who uses the disks of some sessions, taken before they are logged out. It
 * goes over all processes and so works in slices; the disk table has a quicker, weaker one.
 *   look.c            its order of work, and what became of it
 *   look_mounts.c     mounts of all namespaces, swap, the root file system, loop devices
 *   look_processes.c  the processes: their mount namespaces and open devices
 *   look_devices.c    the disks, and the tree of devices that stands on each
 *   look_claim.c      whether the kernel itself uses a disk
 *   look_paths.c      multipath: whether another path is alive
 *   multipathd.c      what multipathd says of its paths
 */
struct look;

/* Where it looks. NULL: at this host, where its user must be able to see all. */
struct look_roots {
	const char *sysfs;	/* /sys */
	const char *proc;	/* /proc; of another tree of sysfs only this host's may be NULL */
	const char *dev;	/* /dev */
	const char *multipathd; /* the abstract name of its socket */
	/* The number of a device node, a block device's or (character) another's; else false. */
	bool (*node)(int directory, const char *path, dev_t *number, bool *character);
	/* Claims a node for a moment, in a child: errno. */
	int (*claim)(int directory, const char *name);
	unsigned patience; /* ms that claims, and multipathd, may take; 0: some seconds */
};

enum isif_error look_begin(const struct look_roots *roots, enum isif_look_purpose purpose,
			   const uint32_t *sids, size_t count, struct look **look);

/*
 * Goes on until the monotonic clock (ns) passes deadline, at least one step of some 50 us. ISIF_OK:
 * it is done; ISIF_INCOMPLETE: go on after *pause milliseconds; another error: nothing is known.
 */
enum isif_error look_work(struct look *look, uint64_t deadline, unsigned *pause);

/* All disks of the sessions, in the order of sids; borrowed. */
void look_result(const struct look *look, const struct isif_look_disk **disks, size_t *count);
void look_end(struct look *look);

#endif
