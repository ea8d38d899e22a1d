/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef UNIT_LOOK_STAGE_H
#define UNIT_LOOK_STAGE_H

#include <isif/privileged.h>

/* Who uses the disks: what a test says, not what this machine has. */
struct look_stage {
	struct isif_look_disk seen[2]; /* what a look finds; a sid of 0 is nobody's */
	uint32_t sids[8];	       /* that the look under way was begun for */
	size_t count;		       /* 0: none is under way */
};
extern struct look_stage look_stage;

/* Has all looks through this gate find what look_stage says. */
void look_stage_open(struct isif_privileged *gate);

#endif
