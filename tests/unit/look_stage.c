/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "look_stage.h"

#include "helpers.h"

#include <string.h>

struct look_stage look_stage;

static bool looked; /* one turn of it is over */

static enum isif_error begin(struct isif_privileged *self, const uint32_t *sids, size_t count)
{
	(void)self;
	CU_ASSERT_EQUAL(look_stage.count, 0);
	CU_ASSERT_FATAL(count > 0 && count <= COUNT(look_stage.sids));
	memcpy(look_stage.sids, sids, count * sizeof(*sids));
	look_stage.count = count;
	looked = false;
	return ISIF_OK;
}

static enum isif_error work(struct isif_privileged *self, uint64_t deadline, unsigned *pause)
{
	(void)self, (void)deadline;
	*pause = 0;
	if (looked)
		return ISIF_OK;
	looked = true;
	return ISIF_INCOMPLETE;
}

static void result(const struct isif_privileged *self, const struct isif_look_disk **found,
		   size_t *count)
{
	(void)self;
	*found = look_stage.seen;
	*count = COUNT(look_stage.seen);
}

static void end(struct isif_privileged *self)
{
	(void)self;
	look_stage.count = 0;
}

void look_stage_open(struct isif_privileged *gate)
{
	static struct isif_privileged_operations operations;

	operations = *gate->operations;
	operations.look_begin = begin;
	operations.look_work = work;
	operations.look_result = result;
	operations.look_end = end;
	gate->operations = &operations;
	memset(&look_stage, 0, sizeof(look_stage));
}
