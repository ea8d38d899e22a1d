/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "move_plan.h"

#include "cleanup.h"
#include "escape.h"
#include "snapshot_find.h"

#include <inttypes.h>
#include <string.h>

#define TITLE "move"

static char *as_text(const struct move_plan *plan)
{
	CLEANUP_FREE char *text = NULL;
	size_t length;
	FILE *file = open_memstream(&text, &length);

	if (!file)
		return NULL;
	fprintf(file, TITLE " %" PRId32, plan->tpgt);
	session_disks_write(&plan->disks, file);
	fputc('\n', file);
	return escape_close(file) ? TAKE(text) : NULL;
}

char *move_plan_of(const struct isif_snapshot *snapshot, const struct isif_binding *binding)
{
	const struct isif_session *session = snapshot_session_of(snapshot, binding->index);
	struct move_plan plan = { .tpgt = binding->node->tpgt };
	char *text = NULL;

	if (!session || session_disks_note(&plan.disks, session->kernel))
		text = as_text(&plan);
	move_plan_clear(&plan);
	return text;
}

bool move_plan_read(struct move_plan *plan, const char *text)
{
	const char *newline = strchr(text, '\n');

	if (!newline || sscanf(text, TITLE " %" SCNd32, &plan->tpgt) != 1)
		return false;
	for (text = newline + 1; *text; text = newline + 1) {
		newline = strchr(text, '\n');
		if (!newline || !session_disks_read(&plan->disks, text))
			return false;
	}
	return true;
}

void move_plan_clear(struct move_plan *plan)
{
	session_disks_clear(&plan->disks);
}
