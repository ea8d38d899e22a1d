/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ISIF_LIB_KERNEL_EVENT_H
#define ISIF_LIB_KERNEL_EVENT_H

#include <isif/kernel.h>

/* One call hands over no more events than this; poll(2) then says at once that more wait. */
#define EVENTS_AT_ONCE 4096

/* A uevent, as libudev hands it over. */
struct uevent {
	const char *action;	 /* add, remove, change, ... */
	const char *subsystem;	 /* e.g. block */
	const char *device_path; /* e.g. /devices/platform/host0/session1/..., without /sys */
};

/* What a uevent means; false if nothing. */
bool uevent_parse(const struct uevent *uevent, struct isif_kernel_event *event);

/*
 * Opens ISIF_SOURCE_ISCSI_EVENTS. ISIF_NO_ACCESS without CAP_NET_ADMIN. It has the kernel load the
 * transport class: ask isif_sysfs_has_class() first.
 */
enum isif_error iscsi_events_open(int *descriptor);
/* Has a socket take only messages of that group in which there is no secret; for good. */
bool iscsi_events_filter(int descriptor);

/* What a message of NETLINK_ISCSI's multicast group means; false if nothing. */
bool iscsi_message_parse(const void *octets, size_t length, struct isif_kernel_event *event);

#endif
