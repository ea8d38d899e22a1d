/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "guard.h"

#include <stdio.h>

/* What there is to be done about a disk that is in use; NULL: nothing, force takes it. */
static const char *advice_on(const struct guard_request *request, const struct isif_look_disk *disk)
{
	bool forcible =
		!request->protect_in_use && !request->onboot && disk->vital == ISIF_VITAL_NO;

	if (disk->vital == ISIF_VITAL_YES)
		return "the system itself needs it, nothing overrides that";
	if (!request->force)
		return forcible ? "end its use first, or use force" : "end its use first";
	if (request->onboot)
		return "its binding has startup onboot, nothing overrides that";
	if (disk->vital == ISIF_VITAL_UNKNOWN)
		return "the root file system or swap may be on it, nothing overrides that";
	return forcible ? NULL : "the configuration protects disks in use (protectInUse yes)";
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
		advice = advice_on(request, disk);
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
