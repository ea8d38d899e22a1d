/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "guard_group.h"

#include "cleanup.h"
#include "clock.h"
#include "guard.h"
#include "session_change.h"
#include "snapshot_find.h"

#include <stdlib.h>

#define LOOK_NS 2000000 /* of one slice */

/* The binding of a session, if it is one of those that go; else NULL. */
static const struct isif_binding *binding_of(const struct guard_group *group,
					     const struct job_context *context,
					     const struct isif_session *session)
{
	if (!session->binding || !group->goes(group->which, session->binding))
		return NULL;
	return snapshot_binding(context->snapshot, session->binding);
}

/* No look is begun where there is no session. */
static enum isif_error begin(struct guard_group *group, const struct job_context *context)
{
	const struct isif_snapshot *snapshot = context->snapshot;
	CLEANUP_FREE uint32_t *sids = calloc(snapshot->session_count + 1, sizeof(*sids));
	struct isif_privileged *gate = context->gate;
	enum isif_error error = ISIF_OK;
	size_t count = 0;

	if (!sids)
		return ISIF_NO_MEMORY;
	for (uint32_t i = 0; i < snapshot->session_count; i++)
		if (binding_of(group, context, snapshot->sessions[i]))
			sids[count++] = snapshot->sessions[i]->kernel->sid;
	if (count)
		error = gate->operations->look_begin(gate, ISIF_LOOK_TO_LOG_OUT, sids, count);
	group->looking = count && !error;
	return error;
}

static const struct isif_binding *find_stayer(const struct guard_group *group,
					      const struct job_context *context, char *why,
					      size_t size)
{
	const struct isif_snapshot *snapshot = context->snapshot;
	const struct isif_look_disk *disks;
	size_t count;

	context->gate->operations->look_result(context->gate, ISIF_LOOK_TO_LOG_OUT, &disks, &count);
	for (uint32_t i = 0; i < snapshot->session_count; i++) {
		const struct isif_binding *row = binding_of(group, context, snapshot->sessions[i]);
		const struct guard_request request = {
			.sid = snapshot->sessions[i]->kernel->sid,
			.force = group->force,
			.protect_in_use = context->protect_in_use,
			.onboot = row && row->node->startup == ISIF_STARTUP_ONBOOT,
		};

		if (row && !guard_allows(&request, disks, count, why, size))
			return row;
	}
	return NULL;
}

enum isif_error guard_group_work(struct guard_group *group, const struct job_context *context,
				 unsigned *pause, const struct isif_binding **stays, char *why,
				 size_t size)
{
	struct isif_privileged *gate = context->gate;
	enum isif_error error = group->looking ? ISIF_OK : begin(group, context);

	*stays = NULL;
	if (error || !group->looking)
		return error;
	error = gate->operations->look_work(gate, ISIF_LOOK_TO_LOG_OUT, clock_ns() + LOOK_NS,
					    pause);
	if (error == ISIF_INCOMPLETE)
		return error;
	if (!error)
		*stays = find_stayer(group, context, why, size);
	guard_group_end(group, context);
	return error;
}

void guard_group_end(struct guard_group *group, const struct job_context *context)
{
	if (group->looking)
		context->gate->operations->look_end(context->gate, ISIF_LOOK_TO_LOG_OUT);
	group->looking = false;
}
