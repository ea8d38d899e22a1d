/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "guard_group.h"

#include "cleanup.h"
#include "clock.h"
#include "guard.h"
#include "session_change.h"
#include "snapshot_find.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define LOOK_NS 2000000 /* of one slice */

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
		if (group->goes(group->which, snapshot->sessions[i]))
			sids[count++] = snapshot->sessions[i]->kernel->sid;
	if (count)
		error = gate->operations->look_begin(gate, ISIF_LOOK_TO_LOG_OUT, sids, count);
	group->looking = count && !error;
	return error;
}

static void label_of(const struct isif_session *session, const struct isif_binding *row, char *text,
		     size_t size)
{
	if (row)
		session_change_label(row, text, size);
	else
		snprintf(text, size, "session %" PRIu32 " to %s, which has no record",
			 session->kernel->sid, session->kernel->target);
}

static enum isif_error judge(const struct guard_group *group, const struct job_context *context,
			     const struct isif_session *session, char *why, size_t size)
{
	const struct isif_binding *row = snapshot_binding(context->snapshot, session->binding);
	/* What has no record may be what boots the host. */
	const struct guard_request request = {
		.sid = session->kernel->sid,
		.force = group->force,
		.protect_in_use = context->protect_in_use,
		.onboot = !row || row->node->startup == ISIF_STARTUP_ONBOOT,
	};
	char verdict[ISIF_JOB_TEXT_SIZE], label[160];
	const struct isif_look_disk *disks;
	size_t count;

	context->gate->operations->look_result(context->gate, ISIF_LOOK_TO_LOG_OUT, &disks, &count);
	if (guard_allows(&request, disks, count, verdict, sizeof(verdict)))
		return ISIF_OK;
	label_of(session, row, label, sizeof(label));
	snprintf(why, size, "%s: %s", verdict, label);
	return ISIF_IN_USE;
}

enum isif_error guard_group_work(struct guard_group *group, const struct job_context *context,
				 unsigned *pause, char *why, size_t size)
{
	const struct isif_snapshot *snapshot = context->snapshot;
	struct isif_privileged *gate = context->gate;
	enum isif_error error = group->looking ? ISIF_OK : begin(group, context);

	if (error || !group->looking)
		return error;
	error = gate->operations->look_work(gate, ISIF_LOOK_TO_LOG_OUT, clock_ns() + LOOK_NS,
					    pause);
	if (error == ISIF_INCOMPLETE)
		return error;
	for (uint32_t i = 0; !error && i < snapshot->session_count; i++)
		if (group->goes(group->which, snapshot->sessions[i]))
			error = judge(group, context, snapshot->sessions[i], why, size);
	if (error)
		guard_group_end(group, context);
	return error;
}

void guard_group_end(struct guard_group *group, const struct job_context *context)
{
	if (group->looking)
		context->gate->operations->look_end(context->gate, ISIF_LOOK_TO_LOG_OUT);
	group->looking = false;
}
