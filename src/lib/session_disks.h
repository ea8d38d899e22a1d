/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ISIF_LIB_SESSION_DISKS_H
#define ISIF_LIB_SESSION_DISKS_H

#include <isif/model.h>

#include <stdio.h>

/* The disks of a session, as a job must find them again over another path. */
struct session_disk {
	char *wwid;
	char *map; /* multipath map that must hold it there, too; "" for none */
};

struct session_disks {
	struct session_disk *disks;
	size_t count, size;
};

/* Notes those that a session has now; one without a name of its own could not be found again. */
bool session_disks_note(struct session_disks *disks, const struct isif_kernel_session *session);

/* The first that the session (NULL: there is none) does not have yet; NULL: it has all. */
const struct session_disk *session_disks_missing(const struct session_disks *disks,
						 const struct isif_kernel_session *session);

/* As lines "disk WWID MAP" of a plan, each with the newline before it, and back. */
void session_disks_write(const struct session_disks *disks, FILE *file);
bool session_disks_read(struct session_disks *disks, const char *line);

void session_disks_clear(struct session_disks *disks);

#endif
