/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "disk_wait.h"

#include "command.h"

#include <stdio.h>

#define FIRST_MS 3000 /* the kernel has long found by then what the target has */
#define AGAIN_MS 5000

void disk_wait_begin(struct disk_wait *wait, const struct job_context *context)
{
	*wait = (struct disk_wait){
		.until = context->now + context->session_timeout,
		.rescan = context->now + FIRST_MS,
	};
}

/* True if it has ended, or there is none. What it says proves nothing. */
static bool is_idle(struct disk_wait *wait, const struct job_context *context)
{
	const struct isif_privileged_operations *gate = context->gate->operations;
	struct isif_command_outcome outcome = { .code = -1 };

	if (!wait->command)
		return true;
	if (gate->command_work(context->gate, wait->command, &outcome) == ISIF_INCOMPLETE)
		return false;
	wait->code = outcome.code;
	disk_wait_end(wait, context);
	wait->rescan = context->now + AGAIN_MS;
	return true;
}

static bool begin_rescan(struct disk_wait *wait, const struct job_context *context, uint32_t sid)
{
	const struct isif_command command = {
		.verb = ISIF_VERB_RESCAN,
		.sid = sid,
		.timeout = context->session_timeout, /* it is ended when the time is up */
	};
	struct isif_privileged *gate = context->gate;

	wait->rescan = context->now + AGAIN_MS;
	if (gate->operations->command_begin(gate, &command, &wait->command))
		return false;
	wait->rescanned = true;
	return true;
}

enum outcome disk_wait_step(struct disk_wait *wait, const struct job_context *context,
			    const struct session_disks *disks, const struct isif_session *session,
			    const struct session_disk **missing, unsigned *pause)
{
	/* One that is being recovered would keep the rescan waiting. */
	const bool up = session && session->kernel->state == ISIF_SESSION_LOGGED_IN;
	uint64_t due = wait->until;

	*missing = session_disks_missing(disks, session ? session->kernel : NULL);
	if (!*missing || context->now >= wait->until)
		return ENDED;
	if (is_idle(wait, context) && up) {
		if (context->now >= wait->rescan &&
		    begin_rescan(wait, context, session->kernel->sid))
			return GO_ON;
		if (wait->rescan < due)
			due = wait->rescan;
	}
	*pause = (unsigned)(due - context->now);
	return WAIT;
}

int disk_wait_descriptor(const struct disk_wait *wait, const struct job_context *context)
{
	struct isif_privileged *gate = context->gate;

	return wait->command ? gate->operations->command_descriptor(gate, wait->command) : -1;
}

void disk_wait_end(struct disk_wait *wait, const struct job_context *context)
{
	if (wait->command)
		context->gate->operations->command_end(context->gate, wait->command);
	wait->command = 0;
}

void disk_wait_say(const struct disk_wait *wait, char text[DISK_WAIT_TEXT_SIZE])
{
	*text = '\0';
	if (wait->code)
		snprintf(text, DISK_WAIT_TEXT_SIZE,
			 ", and a rescan failed: %s (open-iscsi error %d)",
			 command_code_text(wait->code), wait->code);
	else if (wait->rescanned)
		snprintf(text, DISK_WAIT_TEXT_SIZE, ", although the session was rescanned");
}
