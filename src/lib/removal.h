/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ISIF_LIB_REMOVAL_H
#define ISIF_LIB_REMOVAL_H

#include "job.h"

/*
 * Node records that a job removes, a lot at a time: each lot is one transaction, so all of it goes
 * or none, also in a crash. A record that has a session stays, as it does with iscsiadm.
 */
#define REMOVAL_LOT 8 /* records; more would hold up the loop for too long */

struct removal {
	bool careful;		  /* leave a record that says something else by now */
	struct isif_node **nodes; /* held */
	size_t count, size;
	size_t next; /* the first that is not settled */
	uint32_t removed;
	uint32_t stayed;		/* they have a session, or changed */
	const struct isif_node *stayer; /* the first of those */
};

/* False without memory. */
bool removal_add(struct removal *removal, struct isif_node *node);

/*
 * Removes the next lot. With an error nothing of it is removed, and *why, borrowed until the next
 * call of the gate, says what was in the way; if removal_can_wait() it may be tried again.
 */
enum isif_error removal_work(struct removal *removal, const struct job_context *context,
			     const char **why);
bool removal_can_wait(enum isif_error error);

static inline bool removal_is_done(const struct removal *removal)
{
	return removal->next == removal->count;
}

void removal_clear(struct removal *removal);

#endif
