/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "job_guard.h"

#include <stdio.h>
#include <string.h>

/* What no wish can give up: the host itself lives on it. */
static bool is_vital(const struct isif_disk *disk)
{
	return !strcmp(disk->user, "/") || !strncmp(disk->user, "swap", strlen("swap"));
}

static bool may_go(const struct guard_terms *terms, const struct isif_disk *disk)
{
	if (disk->use == ISIF_DISK_UNUSED || disk->use == ISIF_DISK_REDUNDANT)
		return true;
	return terms->force && !terms->protect_in_use && !is_vital(disk);
}

static void refuse(const struct isif_disk *disk, char *text, size_t size)
{
	if (disk->use == ISIF_DISK_IN_USE)
		snprintf(text, size, "disk %s is in use: %s", disk->device, disk->user);
	else
		snprintf(text, size, "whether disk %s is in use cannot be told: %s", disk->device,
			 disk->user);
}

bool guard_allows(const struct guard_terms *terms, const struct isif_snapshot *snapshot,
		  const struct isif_binding *binding, char *text, size_t size)
{
	struct guard_terms own = *terms;

	/* What the host was started from is never forced. */
	if (binding->node->startup == ISIF_STARTUP_ONBOOT)
		own.force = false;
	for (uint32_t i = 0; i < snapshot->session_count; i++) {
		const struct isif_session *session = snapshot->sessions[i];

		if (session->binding != binding->index)
			continue;
		for (uint32_t j = 0; j < session->kernel->disk_count; j++) {
			const struct isif_disk *disk = &session->kernel->disks[j];

			if (may_go(&own, disk))
				continue;
			refuse(disk, text, size);
			return false;
		}
	}
	return true;
}
