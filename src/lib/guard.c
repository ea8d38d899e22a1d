/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "guard.h"

#include <stdio.h>

/* Why force does not help with a disk that is in use; NULL: it does. */
static const char *against_force(const struct guard_request *request,
				 const struct isif_look_disk *disk)
{
	if (disk->vital == ISIF_VITAL_YES)
		return "the system itself needs it: nothing overrides that";
	if (request->onboot)
		return "its binding has startup onboot: nothing overrides that";
	if (disk->vital == ISIF_VITAL_UNKNOWN)
		return "the root file system or swap may be on it: nothing overrides that";
	if (request->protect_in_use)
		return request->force ? "the configuration protects disks in use (protectInUse yes)"
				      : "end its use first";
	return request->force ? NULL : "end its use first, or use force";
}

bool guard_allows(const struct guard_request *request, const struct isif_look_disk *disks,
		  size_t count, char *why, size_t size)
{
	for (size_t i = 0; i < count; i++) {
		const struct isif_look_disk *disk = &disks[i];
		const char *advice;

		if (disk->sid != request->sid || disk->use == ISIF_DISK_UNUSED ||
		    disk->use == ISIF_DISK_REDUNDANT)
			continue;
		advice = against_force(request, disk);
		if (!advice)
			continue;
		snprintf(why, size, "disk %s %s: %s; %s", *disk->device ? disk->device : "?",
			 disk->use == ISIF_DISK_UNKNOWN ? "may be in use" : "is in use", disk->user,
			 advice);
		return false;
	}
	if (size)
		*why = '\0';
	return true;
}
