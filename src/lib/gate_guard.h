/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ISIF_LIB_GATE_GUARD_H
#define ISIF_LIB_GATE_GUARD_H

#include <isif/privileged.h>

#include "directory_reader.h"

/*
 * The guard on the privileged side of the gate, which does not believe that it was asked: a session
 * goes only if the look at hand, which is over, has it, is fresh, and allows it. A session whose
 * logout is under way goes, too, for whatever is looked at meanwhile.
 */
struct gate_guard {
	const struct isif_log *log;
	const char *sysfs;		 /* NULL: this host's */
	struct directory_reader *reader; /* of the records */

	uint32_t *sids; /* of the look at hand; NULL: there is none */
	size_t count;
	uint64_t done; /* when it was over (monotonic ms); 0: it is not */

	struct leaving *leaving;
	size_t leaving_count, leaving_size;
};

/* A look begins: what it has to look at, borrowed, which are these sessions and those that go. */
enum isif_error gate_guard_begin(struct gate_guard *guard, const uint32_t *sids, size_t count,
				 const uint32_t **all, size_t *all_count);
void gate_guard_done(struct gate_guard *guard);
void gate_guard_forget(struct gate_guard *guard);

/*
 * May it go, as the look found its disks? ISIF_IN_USE: no, and the log says why. If so, it counts
 * as leaving: by the run of this number, which comes to be, or to nothing (0), after.
 */
enum isif_error gate_guard_session(struct gate_guard *guard, uint32_t sid, bool force,
				   const struct isif_look_disk *disks, size_t count);
/* The same for all sessions of an adapter. */
enum isif_error gate_guard_host(struct gate_guard *guard, uint32_t host, bool force,
				const struct isif_look_disk *disks, size_t count);
void gate_guard_began(struct gate_guard *guard, unsigned number);
/* The run of this number is over; sure: nothing comes after it. */
void gate_guard_ended(struct gate_guard *guard, unsigned number, bool sure);

void gate_guard_clear(struct gate_guard *guard);

#endif
