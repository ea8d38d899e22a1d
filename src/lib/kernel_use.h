/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ISIF_LIB_KERNEL_USE_H
#define ISIF_LIB_KERNEL_USE_H

#include <isif/error.h>

#include <stdint.h>
#include <sys/types.h>

/*
 * Which block devices this host has mounted or swaps on: /proc/self/mountinfo and /proc/swaps.
 * Both are read once and again only when they have changed, which poll(2) on them tells.
 */
struct device_uses;

/* The files are read with the first refresh. NULL without memory. */
struct device_uses *device_uses_new(const char *mounts_path, const char *swaps_path);
void device_uses_free(struct device_uses *uses);

/* Reads the files again if they changed. What cannot be read is no error: see below. */
enum isif_error device_uses_refresh(struct device_uses *uses);

/* What could not be determined, for people; NULL if all is known. */
const char *device_uses_unknown(const struct device_uses *uses);

/* The mount point of a device, or "swap"; NULL if it is neither. */
const char *device_uses_find(const struct device_uses *uses, dev_t device);

/* Counts the times that another device was in use than before, or for something else. */
uint32_t device_uses_generation(const struct device_uses *uses);

/*
 * What poll(2) reports changes on, as POLLPRI; -1 for what could not be opened. They are for
 * waiting only: a change is told once for each open file, to whoever polls it first.
 */
void device_uses_descriptors(const struct device_uses *uses, int descriptors[2]);

#endif
