/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel_event.h"
#include "kernel_sysfs.h"
#include "kernel_text.h"

#include <errno.h>
#include <libudev.h>
#include <string.h>

#define RECEIVE_BUFFER (8 << 20)

/* udevd's presence, as libudev itself tests it (udev_ctrl_new_from_fd). */
#define UDEVD_CONTROL "/run/udev/control"

struct isif_uevents {
	struct udev *udev;
	struct udev_monitor *monitor;
};

/* What is asked of the kernel or udevd, and what it means. */
static const struct subsystem {
	const char *name;
	const char *device_type;
	enum isif_kernel_event_kind kind;
} subsystems[] = {
	{ "iscsi_session", NULL, ISIF_EVENT_SESSION },
	{ "iscsi_connection", NULL, ISIF_EVENT_SESSION },
	{ "iscsi_transport", NULL, ISIF_EVENT_TRANSPORT },
	{ "iscsi_host", NULL, ISIF_EVENT_PORT },
	{ "iscsi_iface", NULL, ISIF_EVENT_PORT },
	{ "scsi", "scsi_device", ISIF_EVENT_DISK },
	{ "block", NULL, ISIF_EVENT_DISK },
};

#define SUBSYSTEMS (sizeof(subsystems) / sizeof(subsystems[0]))

/*
 * Through udevd if it runs: its events come when the device is set up, while the kernel's come
 * before the attributes of an object are there. Without it (containers, initramfs) the kernel's.
 */
static enum isif_error open_monitor(struct isif_uevents *uevents, const struct isif_log *log)
{
	bool has_udevd = !access(UDEVD_CONTROL, F_OK);
	int result = 0;

	uevents->udev = udev_new();
	if (!uevents->udev)
		return ISIF_NO_MEMORY;
	errno = 0;
	uevents->monitor =
		udev_monitor_new_from_netlink(uevents->udev, has_udevd ? "udev" : "kernel");
	if (!uevents->monitor)
		return errno ? isif_error_from_errno(errno) : ISIF_UNAVAILABLE;
	for (size_t i = 0; i < SUBSYSTEMS && result >= 0; i++)
		result = udev_monitor_filter_add_match_subsystem_devtype(
			uevents->monitor, subsystems[i].name, subsystems[i].device_type);
	/* It may be refused: then the default size must do, and an overflow is told as one. */
	udev_monitor_set_receive_buffer_size(uevents->monitor, RECEIVE_BUFFER);
	if (result >= 0)
		result = udev_monitor_enable_receiving(uevents->monitor);
	if (result < 0)
		return isif_error_from_errno(-result);
	if (!has_udevd)
		isif_log_line(log, ISIF_LOG_NOTICE,
			      "systemd-udevd does not run: device events come from the kernel");
	return ISIF_OK;
}

enum isif_error isif_uevents_open(const struct isif_log *log, struct isif_uevents **uevents)
{
	struct isif_uevents *opened = calloc(1, sizeof(*opened));
	enum isif_error error = opened ? open_monitor(opened, log) : ISIF_NO_MEMORY;

	*uevents = NULL;
	if (error)
		isif_uevents_close(opened);
	else
		*uevents = opened;
	return error;
}

void isif_uevents_close(struct isif_uevents *uevents)
{
	if (!uevents)
		return;
	udev_monitor_unref(uevents->monitor);
	udev_unref(uevents->udev);
	free(uevents);
}

int isif_uevents_descriptor(const struct isif_uevents *uevents)
{
	return udev_monitor_get_fd(uevents->monitor);
}

/* dm and md devices are behind no session, but stand on disks that are. */
static bool is_stacked(const char *name)
{
	return text_after(name, "dm-") || text_after(name, "md");
}

static bool parse_disk(const struct uevent *uevent, struct isif_kernel_event *event)
{
	if (sysfs_path_number(uevent->device_path, "session", &event->sid))
		return true;
	/* Such a device is of use only after the "change" that follows its "add". */
	return !strcmp(uevent->subsystem, "block") && is_stacked(sysfs_name(uevent->device_path)) &&
	       strcmp(uevent->action, "add") != 0;
}

bool uevent_parse(const struct uevent *uevent, struct isif_kernel_event *event)
{
	bool gone = !strcmp(uevent->action, "remove");
	size_t i = 0;

	*event = (struct isif_kernel_event){ 0 };
	while (i < SUBSYSTEMS && strcmp(subsystems[i].name, uevent->subsystem) != 0)
		i++;
	if (i == SUBSYSTEMS)
		return false;
	event->kind = subsystems[i].kind;
	sysfs_path_number(uevent->device_path, "host", &event->host);
	if (event->kind == ISIF_EVENT_DISK)
		return parse_disk(uevent, event);
	if (event->kind != ISIF_EVENT_SESSION)
		return true;
	if (gone && !strcmp(uevent->subsystem, "iscsi_session"))
		event->kind = ISIF_EVENT_SESSION_GONE;
	return sysfs_path_number(uevent->device_path, "session", &event->sid);
}

static void visit_device(struct udev_device *device, isif_kernel_event_visit *visit, void *context)
{
	const struct uevent uevent = {
		.action = udev_device_get_action(device),
		.subsystem = udev_device_get_subsystem(device),
		.device_path = udev_device_get_devpath(device),
	};
	struct isif_kernel_event event;

	if (uevent.action && uevent.subsystem && uevent.device_path &&
	    uevent_parse(&uevent, &event))
		visit(context, &event);
}

void isif_uevents_read(struct isif_uevents *uevents, isif_kernel_event_visit *visit, void *context)
{
	const struct isif_kernel_event overflow = { .kind = ISIF_EVENT_OVERFLOW };

	for (int i = 0; i < EVENTS_AT_ONCE; i++) {
		struct udev_device *device;

		errno = 0;
		device = udev_monitor_receive_device(uevents->monitor);
		if (device) {
			visit_device(device, visit, context);
			udev_device_unref(device);
		} else if (errno == ENOBUFS || errno == ENOMEM) {
			visit(context, &overflow);
		} else if (errno != EINTR) {
			break;
		}
	}
}
