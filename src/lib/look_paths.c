/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Multipath: whether the map of a disk has a path that is alive over a session that stays. */
#include "look_parts.h"

#include <string.h>

static bool stays(const struct look *look, uint32_t own, uint32_t sid)
{
	if (look->purpose == ISIF_LOOK_TO_SHOW)
		return sid != own;
	for (size_t i = 0; i < look->sid_count; i++)
		if (look->sids[i] == sid)
			return false;
	return true;
}

static enum isif_error session_is_logged_in(struct look *look, uint32_t sid, bool *logged_in)
{
	struct sysfs_directory CLEANUP_DIRECTORY session = SYSFS_NO_DIRECTORY;
	char state[SYSFS_VALUE_SIZE] = "";
	enum isif_error error =
		sysfs_open(look->sysfs, &session, "class/iscsi_session/session%u", sid);

	if (!error)
		error = sysfs_read(&session, "state", state, sizeof(state));
	*logged_in = !strcmp(state, "LOGGED_IN");
	return error;
}

/* The SCSI disk runs, its session is logged in, and multipathd uses it, where that runs. */
static enum isif_error is_alive(struct look *look, uint32_t own,
				const struct sysfs_directory *slaves, const char *name, bool *alive)
{
	struct sysfs_directory CLEANUP_DIRECTORY scsi = SYSFS_NO_DIRECTORY;
	enum isif_error error = sysfs_open(look->sysfs, &scsi, "%s/%s/device", slaves->path, name);
	char state[SYSFS_VALUE_SIZE] = "";
	bool logged_in = false;
	uint32_t sid;

	if (!error)
		error = sysfs_read(&scsi, "state", state, sizeof(state));
	if (error || strcmp(state, "running") != 0 ||
	    !sysfs_path_number(scsi.path, "session", &sid) || !stays(look, own, sid))
		return error;
	error = session_is_logged_in(look, sid, &logged_in);
	*alive = logged_in &&
		 (!look->multipathd || multipathd_path_is_alive(look->multipathd, name));
	return error;
}

static enum isif_error find_other_path(struct look *look, struct look_disk *disk)
{
	struct sysfs_directory CLEANUP_DIRECTORY slaves = SYSFS_NO_DIRECTORY;
	struct sysfs_listing CLEANUP_LISTING listing = { 0 };
	enum isif_error error = sysfs_open(look->sysfs, &slaves, "%s/slaves", disk->map_path);
	const char *name;

	if (!error)
		error = sysfs_list(&slaves, &listing);
	while (!error && !disk->other_path && (name = sysfs_listing_next(&listing))) {
		error = is_alive(look, disk->sid, &slaves, name, &disk->other_path);
		/* A path that has gone away, or that cannot be seen, is none. */
		if (error != ISIF_NO_MEMORY && error != ISIF_LIMIT)
			error = ISIF_OK;
	}
	return error == ISIF_NO_MEMORY || error == ISIF_LIMIT ? error : ISIF_OK;
}

enum isif_error look_paths_step(struct look *look)
{
	struct look_disk *disk;
	enum isif_error error = ISIF_OK;

	if (look->at == look->disks.count)
		return ISIF_OK;
	disk = &look->disks.items[look->at++];
	if (disk->map_path && disk->mapped.strength != LOOK_NOBODY)
		error = find_other_path(look, disk);
	return error ? error : ISIF_INCOMPLETE;
}
