/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel_sysfs.h"

#include "kernel_text.h"

#include <string.h>

bool sysfs_path_number(const char *path, const char *prefix, uint32_t *number)
{
	bool found = false;

	while (*path) {
		size_t length = strcspn(path, "/");
		char component[64];
		const char *digits;
		uint64_t value;

		if (length < sizeof(component)) {
			memcpy(component, path, length);
			component[length] = '\0';
			digits = text_after(component, prefix);
			if (digits && text_number(digits, UINT32_MAX, &value)) {
				*number = (uint32_t)value;
				found = true;
			}
		}
		path += length;
		path += strspn(path, "/");
	}
	return found;
}

enum isif_error sysfs_open_device(struct isif_sysfs *sysfs, const struct sysfs_directory *object,
				  struct sysfs_directory *device)
{
	enum isif_error error = sysfs_open(sysfs, device, "%s/device", object->path);

	if (error != ISIF_NOT_FOUND)
		return error;
	/* A copy may lack the link: then go by .../session1/iscsi_session/session1, ... */
	if (text_after(object->path, "devices/") && strstr(object->path, "/iscsi_session/"))
		return sysfs_open(sysfs, device, "%s/../..", object->path);
	/* ... and if it is no copy of the real layout, all lies in the object's own directory. */
	return sysfs_open(sysfs, device, "%s", object->path);
}

/* The only registered transport, if there is but one. */
static enum isif_error only_transport(struct isif_sysfs *sysfs, char *name, size_t size)
{
	struct sysfs_directory CLEANUP_DIRECTORY class = SYSFS_NO_DIRECTORY;
	struct sysfs_listing CLEANUP_LISTING listing = { 0 };
	enum isif_error error = sysfs_open(sysfs, &class, "class/iscsi_transport");
	const char *entry = NULL;

	if (!error)
		error = sysfs_list(&class, &listing);
	if (!error)
		entry = sysfs_listing_next(&listing);
	if (entry && strlen(entry) < size)
		text_copy(name, size, entry);
	if (entry && sysfs_listing_next(&listing))
		*name = '\0';
	return error == ISIF_NOT_FOUND ? ISIF_OK : error;
}

/*
 * No attribute of a host names its transport. The driver's name does, if "iscsi_" is cut off: so
 * open-iscsi does it (usr/iscsi_sysfs.c, iscsi_sysfs_get_transport_by_hba), and we must agree.
 */
enum isif_error sysfs_transport(struct isif_sysfs *sysfs, uint32_t host, char *name, size_t size)
{
	struct sysfs_directory CLEANUP_DIRECTORY directory = SYSFS_NO_DIRECTORY;
	char value[SYSFS_VALUE_SIZE] = "";
	enum isif_error error = ISIF_NOT_FOUND;
	const char *stripped;

	*name = '\0';
	if (host != SYSFS_NO_HOST)
		error = sysfs_open(sysfs, &directory, "class/scsi_host/host%u", host);
	if (error && error != ISIF_NOT_FOUND)
		return error;
	error = sysfs_read(&directory, "proc_name", value, sizeof(value));
	if (error)
		return error;
	if (!*value)
		return only_transport(sysfs, name, size);
	stripped = text_after(value, "iscsi_");
	text_copy(name, size, stripped ? stripped : value);
	return ISIF_OK;
}
