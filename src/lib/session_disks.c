/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "session_disks.h"

#include "array.h"
#include "escape.h"

#include <stdlib.h>
#include <string.h>

#define TITLE	  "disk"
#define TEXT_SIZE 1024 /* more than a name of a disk or a map */

static bool add(struct session_disks *disks, const char *wwid, const char *map)
{
	struct session_disk *disk;

	if (!array_reserve(&disks->disks, &disks->size, disks->count, sizeof(*disk)))
		return false;
	disk = &disks->disks[disks->count++];
	*disk = (struct session_disk){ strdup(wwid), strdup(map) };
	return disk->wwid && disk->map;
}

bool session_disks_note(struct session_disks *disks, const struct isif_kernel_session *session)
{
	for (uint32_t i = 0; i < session->disk_count; i++)
		if (*session->disks[i].wwid &&
		    !add(disks, session->disks[i].wwid, session->disks[i].map))
			return false;
	return true;
}

static bool has(const struct isif_kernel_session *session, const struct session_disk *disk)
{
	for (uint32_t i = 0; i < session->disk_count; i++)
		if (!strcmp(session->disks[i].wwid, disk->wwid) &&
		    (!*disk->map || !strcmp(session->disks[i].map, disk->map)))
			return true;
	return false;
}

const struct session_disk *session_disks_missing(const struct session_disks *disks,
						 const struct isif_kernel_session *session)
{
	for (size_t i = 0; i < disks->count; i++)
		if (!session || !has(session, &disks->disks[i]))
			return &disks->disks[i];
	return NULL;
}

void session_disks_write(const struct session_disks *disks, FILE *file)
{
	for (size_t i = 0; i < disks->count; i++) {
		fputs("\n" TITLE, file);
		escape_write(file, disks->disks[i].wwid, strlen(disks->disks[i].wwid));
		escape_write(file, disks->disks[i].map, strlen(disks->disks[i].map));
	}
}

bool session_disks_read(struct session_disks *disks, const char *line)
{
	char wwid[TEXT_SIZE], map[TEXT_SIZE];
	size_t length;

	if (strncmp(line, TITLE, strlen(TITLE)) != 0)
		return false;
	line += strlen(TITLE);
	return escape_read(&line, wwid, sizeof(wwid), &length) &&
	       escape_read(&line, map, sizeof(map), &length) && (!*line || *line == '\n') &&
	       add(disks, wwid, map);
}

void session_disks_clear(struct session_disks *disks)
{
	for (size_t i = 0; i < disks->count; i++) {
		free(disks->disks[i].wwid);
		free(disks->disks[i].map);
	}
	free(disks->disks);
	*disks = (struct session_disks){ 0 };
}
