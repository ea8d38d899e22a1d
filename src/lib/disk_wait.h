/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ISIF_LIB_DISK_WAIT_H
#define ISIF_LIB_DISK_WAIT_H

#include "job.h"
#include "session_disks.h"

/*
 * Waits until a new session has the disks that an old one had. The kernel tells of disks as they
 * come, but it looks for them once, at the login: what the target has only after that is found by a
 * rescan, which is asked for when they do not come by themselves.
 */
struct disk_wait {
	uint64_t until; /* monotonic ms; 0: it has not begun */

	/* Its own. */
	uint64_t rescan;  /* when one is asked for (monotonic ms) */
	unsigned command; /* number of the one that runs; 0: none */
	bool rescanned;	  /* one has begun */
	int code;	  /* exit code of the last */
};

/* For as long as a login may take (sessionTimeout). */
void disk_wait_begin(struct disk_wait *wait, const struct job_context *context);
/*
 * As the step of a kind; session is NULL where there is none. GO_ON: a rescan has begun, which can
 * be told. ENDED: *missing is NULL, or a disk that has not come in time.
 */
enum outcome disk_wait_step(struct disk_wait *wait, const struct job_context *context,
			    const struct session_disks *disks, const struct isif_session *session,
			    const struct session_disk **missing, unsigned *pause);
int disk_wait_descriptor(const struct disk_wait *wait, const struct job_context *context);
/* Ends it as it stands, be it over or not, or not begun. */
void disk_wait_end(struct disk_wait *wait, const struct job_context *context);

/* What is said of one whose time is up, after its reason: what came of the rescans. */
#define DISK_WAIT_TEXT_SIZE 160
void disk_wait_say(const struct disk_wait *wait, char text[DISK_WAIT_TEXT_SIZE]);

#endif
