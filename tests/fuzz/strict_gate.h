/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef FUZZ_STRICT_GATE_H
#define FUZZ_STRICT_GATE_H

#include "fuzz.h"

#include "../gate/keeper.h"

/*
 * A gate that has nothing behind it, and insists on everything that the keeper promises of what it
 * hands on. It answers what it is told to.
 */

enum strict_descriptor { CHANGES, SOURCE, BATCH, BACKUP, RUN, QUEUE, DESCRIPTORS };

struct strict_gate {
	struct isif_privileged gate;
	const struct keeper *keeper; /* whose gate it is */
	struct {
		enum isif_error error;
		uint64_t number; /* a run, a pause, a code, how many entries or disks */
		const char *text;
	} answer;
	unsigned calls;		 /* that ask for something */
	bool in_change;		 /* begun, and not ended */
	bool in_batch;		 /* likewise; it is not over */
	struct isif_edit *edits; /* of a batch, until it is ended */
	size_t edit_count;
	struct message batch; /* what they were at first */
	struct isif_look_disk disks[4];
};

void strict_gate_open(struct strict_gate *gate, const struct keeper *keeper);

/* Which of its descriptors this is a copy of; DESCRIPTORS: none. */
enum strict_descriptor strict_gate_descriptor(int descriptor);

#endif
