/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "session_change.h"

#include "clock.h"
#include "command.h"
#include "guard.h"
#include "state.h"
#include "snapshot_find.h"
#include "words.h"

#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define VERIFY_MS 10000	  /* that the kernel has for what iscsiadm says is done: more than enough */
#define SETTLE_MS 1000	  /* after a failure: nothing is expected to come any more */
#define AGAIN_MS  1000	  /* when too many iscsiadm run */
#define RETRY_MS  2000	  /* after a login failed that is to be tried again */
#define LOOK_NS	  1000000 /* of a look at who uses the disks, before the loop goes on */

/* Codes of iscsiadm that say no more than how things are (include/iscsi_err.h). */
enum {
	NO_SESSION = 2,
	INVALID = 7,
	SESSION_EXISTS = 15,
	NOTHING_FOUND = 21,
	NOT_IN_SYSFS = 22,
	LOGIN_AUTH_FAILED = 24,
};

/* Of a logout: iscsid was restarted, and has not taken the session over yet. */
#define NOT_CONNECTED 32

/* --- what the snapshot shows --- */

void session_change_label(const struct isif_binding *binding, char *text, size_t size)
{
	const struct isif_node *node = binding->node;
	char portal[300];

	isif_portal_format(portal, sizeof(portal), node->address->text, node->port, node->tpgt);
	snprintf(text, size, "%s via %s on %s", node->target->text, portal, node->iface->text);
}

/* 0: it has none. */
static uint32_t session_of(const struct isif_snapshot *snapshot, uint32_t binding)
{
	const struct isif_session *session = snapshot_session_of(snapshot, binding);

	return session ? session->kernel->sid : 0;
}

static bool is_logged_in(const struct session_change *change, const struct isif_binding *row)
{
	return row->oper_status == ISIF_OPER_LOGGED_IN ||
	       (change->anywhere && row->oper_status == ISIF_OPER_MISROUTED);
}

static bool has_session(const struct isif_snapshot *snapshot, uint32_t sid)
{
	for (uint32_t i = 0; i < snapshot->session_count; i++)
		if (snapshot->sessions[i]->kernel->sid == sid)
			return true;
	return false;
}

static const char *status_words(enum isif_oper_status status)
{
	switch (status) {
	case ISIF_OPER_MISROUTED:
		return "the session runs over another device than the iface asks for";
	case ISIF_OPER_RECOVERING:
		return "there is a session, but its connection is down and is being recovered";
	case ISIF_OPER_LOST:
		return "there is a session, but the kernel has given it up";
	case ISIF_OPER_LOGGING_OUT:
		return "there is a session, but somebody is logging it out";
	default:
		return "the kernel shows no session that is logged in";
	}
}

/* --- the wanted state, and what is remembered of the binding --- */

static void set_wanted(struct state *state, struct binding_memory *memory,
		       enum isif_admin_status wanted)
{
	if (memory->admin != wanted)
		state_touch(state, memory);
	memory->admin = wanted;
}

/* On disk before a session goes; a disk that cannot be written is no reason to keep it. */
static void mark(const struct session_change *change, const struct job_context *context)
{
	struct binding_memory *memory = state_find_index(context->state, change->binding);

	if (!memory)
		return;
	memory->doing = change->login ? ISIF_OPER_LOGGING_IN : ISIF_OPER_LOGGING_OUT;
	set_wanted(context->state, memory,
		   change->login ? ISIF_ADMIN_LOGGED_IN : ISIF_ADMIN_LOGGED_OUT);
	context->effects->judge = true;
	if (!change->login)
		state_save(context->state);
}

static void unmark(const struct session_change *change, const struct job_context *context)
{
	struct binding_memory *memory = state_find_index(context->state, change->binding);

	if (!memory || !memory->doing)
		return;
	memory->doing = 0;
	context->effects->judge = true;
}

static void remember_failure(const struct session_change *change, const struct job_context *context)
{
	struct state *state = context->state;
	struct binding_memory *memory = state_find_index(state, change->binding);
	bool session = session_of(context->snapshot, change->binding);

	if (!memory)
		return;
	state_set_error(state, memory, change->reason);
	memory->reason = change->code == LOGIN_AUTH_FAILED ? ISIF_REASON_AUTHENTICATION_FAILED
							   : ISIF_REASON_LOGIN_FAILED;
	/* A logout that failed leaves the wanted state as it was: who has a session wants it. */
	if (!change->login && session)
		set_wanted(state, memory, ISIF_ADMIN_LOGGED_IN);
	/* Judged here, because the reason is known here. */
	if (change->login && !session)
		memory->oper = ISIF_OPER_FAILED;
	state_touch(state, memory);
	context->effects->judge = true;
}

/* --- how it ends --- */

static enum outcome over(struct session_change *change, const struct job_context *context)
{
	unmark(change, context);
	change->phase = CHANGE_OVER;
	return ENDED;
}

/* How long what failed so is tried again (ms). */
static uint32_t patience_for(const struct session_change *change, const struct job_context *context,
			     int32_t error)
{
	return !change->login && error == NOT_CONNECTED ? context->session_timeout
							: change->patience;
}

static enum outcome fail(struct session_change *change, const struct job_context *context,
			 int32_t error, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
static enum outcome fail(struct session_change *change, const struct job_context *context,
			 int32_t error, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(change->reason, sizeof(change->reason), format, arguments);
	va_end(arguments);
	drop_cut_character(change->reason);
	remember_failure(change, context);
	if (!change->give_up)
		change->give_up = context->now + patience_for(change, context, error);
	if (context->now < change->give_up) {
		change->phase = CHANGE_AGAIN;
		change->until = context->now + RETRY_MS;
		return WAIT;
	}
	change->error = error;
	return over(change, context);
}

/* What iscsiadm says is no failure by itself: the kernel decides. */
static bool is_harmless(const struct session_change *change)
{
	if (change->login)
		return change->code == 0 || change->code == SESSION_EXISTS;
	return change->code == 0 || change->code == NO_SESSION || change->code == NOTHING_FOUND ||
	       change->code == NOT_IN_SYSFS;
}

static enum outcome fail_unverified(struct session_change *change,
				    const struct job_context *context,
				    const struct isif_binding *row)
{
	if (change->timed_out)
		return fail(change, context, ISIF_JOB_ERROR_TIMEOUT,
			    "iscsiadm had not ended after %" PRIu32 " s and was killed",
			    context->session_timeout / 1000);
	if (!is_harmless(change))
		return fail(
			change, context, change->code > 0 ? change->code : ISIF_JOB_ERROR_GENERIC,
			"%s (open-iscsi error %d)", command_code_text(change->code), change->code);
	if (change->login)
		return fail(change, context, ISIF_JOB_ERROR_NOT_VERIFIED,
			    "iscsiadm reported no failure, but %s", status_words(row->oper_status));
	return fail(change, context, ISIF_JOB_ERROR_NOT_VERIFIED,
		    "iscsiadm reported no failure, but the kernel still has session %" PRIu32,
		    change->sid);
}

/* --- the steps --- */

static enum outcome start_command(struct session_change *change, const struct job_context *context,
				  const struct isif_binding *row)
{
	const struct isif_node *node = row->node;
	struct isif_privileged *gate = context->gate;
	/* A logout by number: what the guard looked at, and nothing else. */
	const struct isif_command command = {
		.verb = change->login ? ISIF_VERB_LOGIN : ISIF_VERB_LOGOUT,
		.target = node->target->text,
		.address = node->address->text,
		.iface = node->iface->text,
		.port = node->port,
		.tpgt = node->tpgt,
		.sid = change->sid,
		.timeout = context->session_timeout,
		.force = change->force,
	};
	enum isif_error error;

	mark(change, context);
	error = gate->operations->command_begin(gate, &command, &change->command);
	switch (error) {
	case ISIF_OK:
		change->phase = CHANGE_COMMAND;
		return GO_ON;
	case ISIF_LIMIT:
	case ISIF_NO_MEMORY:
		return WAIT;
	case ISIF_NOT_FOUND:
		return fail(change, context, ISIF_JOB_ERROR_GENERIC,
			    "there is no iscsiadm on this host (option -A names it)");
	case ISIF_INVALID:
		return fail(change, context, INVALID,
			    "its record has a name or an address that iscsiadm must not be given");
	case ISIF_IN_USE:
		return fail(change, context, ISIF_JOB_ERROR_IN_USE, "%s", isif_error_text(error));
	default:
		return fail(change, context, ISIF_JOB_ERROR_GENERIC, "cannot run iscsiadm: %s",
			    isif_error_text(error));
	}
}

/* What there is to be lost is looked for anew before each logout. */
static enum outcome begin_guard(struct session_change *change, const struct job_context *context)
{
	struct isif_privileged *gate = context->gate;
	enum isif_error error =
		gate->operations->look_begin(gate, ISIF_LOOK_TO_LOG_OUT, &change->sid, 1);

	if (error)
		return fail(change, context, ISIF_JOB_ERROR_IN_USE,
			    "who uses its disks cannot be found out: %s", isif_error_text(error));
	change->phase = CHANGE_GUARD;
	return GO_ON;
}

static enum outcome go_on_with_guard(struct session_change *change,
				     const struct job_context *context,
				     const struct isif_binding *row)
{
	const struct guard_request request = {
		.sid = change->sid,
		.force = change->force,
		.protect_in_use = context->protect_in_use,
		.onboot = row->node->startup == ISIF_STARTUP_ONBOOT,
	};
	struct isif_privileged *gate = context->gate;
	const struct isif_look_disk *disks;
	char text[ISIF_JOB_TEXT_SIZE];
	enum isif_error error;
	size_t count;

	error = gate->operations->look_work(gate, ISIF_LOOK_TO_LOG_OUT, clock_ns() + LOOK_NS,
					    &change->look_pause);
	if (error == ISIF_INCOMPLETE)
		return WAIT;
	change->phase = CHANGE_ASK;
	if (error)
		return fail(change, context, ISIF_JOB_ERROR_IN_USE,
			    "who uses its disks cannot be found out: %s", isif_error_text(error));
	gate->operations->look_result(gate, ISIF_LOOK_TO_LOG_OUT, &disks, &count);
	if (!guard_allows(&request, disks, count, text, sizeof(text)))
		return fail(change, context, ISIF_JOB_ERROR_IN_USE, "%s", text);
	return change->guard_only ? over(change, context) : start_command(change, context, row);
}

/* The gate judges by the same look, which therefore ends when the logout has begun. */
static enum outcome guard(struct session_change *change, const struct job_context *context,
			  const struct isif_binding *row)
{
	enum outcome outcome = go_on_with_guard(change, context, row);

	if (change->phase != CHANGE_GUARD)
		context->gate->operations->look_end(context->gate, ISIF_LOOK_TO_LOG_OUT);
	return outcome;
}

static enum outcome ask(struct session_change *change, const struct job_context *context,
			const struct isif_binding *row)
{
	struct binding_memory *memory = state_find_index(context->state, change->binding);

	change->sid = change->login ? 0 : session_of(context->snapshot, change->binding);
	if (change->guard_only && !change->sid)
		return over(change, context);
	if (change->login ? is_logged_in(change, row) : !change->sid) {
		if (memory)
			set_wanted(context->state, memory,
				   change->login ? ISIF_ADMIN_LOGGED_IN : ISIF_ADMIN_LOGGED_OUT);
		context->effects->judge = true;
		return over(change, context);
	}
	return change->login ? start_command(change, context, row) : begin_guard(change, context);
}

/* What it said is for the log: it may name things that the codes do not. */
static void tell(const struct session_change *change, const struct job_context *context,
		 const struct isif_binding *row, const struct isif_command_outcome *outcome)
{
	char label[600] = "a binding whose record is gone", said[300];

	if (!outcome->code && !outcome->timed_out)
		return;
	if (row)
		session_change_label(row, label, sizeof(label));
	command_said(outcome, said, sizeof(said));
	isif_log_line(context->log, ISIF_LOG_WARNING,
		      "iscsiadm could not log %s %s: %s (exit code %d)%s%s",
		      change->login ? "in" : "out", label,
		      outcome->timed_out ? "it took too long and was killed"
					 : command_code_text(outcome->code),
		      outcome->code, *said ? "; it said: " : "", said);
}

static enum outcome go_on_with_command(struct session_change *change,
				       const struct job_context *context,
				       const struct isif_binding *row)
{
	struct isif_privileged *gate = context->gate;
	struct isif_command_outcome outcome;
	enum isif_error error = gate->operations->command_work(gate, change->command, &outcome);

	if (error == ISIF_INCOMPLETE)
		return WAIT;
	if (error)
		outcome = (struct isif_command_outcome){ .code = -1, .output = "" };
	change->code = outcome.code;
	change->timed_out = outcome.timed_out;
	tell(change, context, row, &outcome);
	gate->operations->command_end(gate, change->command);
	change->command = 0;
	change->phase = CHANGE_VERIFY;
	change->until =
		context->now + (is_harmless(change) && !change->timed_out ? VERIFY_MS : SETTLE_MS);
	/* Its events may be lost, or not be there to be heard. */
	context->effects->look = true;
	return WAIT;
}

static enum outcome verify(struct session_change *change, const struct job_context *context,
			   const struct isif_binding *row)
{
	if (change->login && is_logged_in(change, row)) {
		change->changed = change->code != SESSION_EXISTS;
		return over(change, context);
	}
	if (!change->login && !has_session(context->snapshot, change->sid)) {
		change->changed = true;
		change->phase = CHANGE_ASK; /* it may have had another one */
		return GO_ON;
	}
	if ((change->login && row->oper_status == ISIF_OPER_MISROUTED) ||
	    context->now >= change->until)
		return fail_unverified(change, context, row);
	return WAIT;
}

static enum outcome take_step(struct session_change *change, const struct job_context *context)
{
	const struct isif_binding *row = snapshot_binding(context->snapshot, change->binding);

	if (change->phase == CHANGE_OVER)
		return ENDED;
	/* What runs is waited for: what it does is not undone by a record that is gone. */
	if (!row && change->phase == CHANGE_GUARD)
		context->gate->operations->look_end(context->gate, ISIF_LOOK_TO_LOG_OUT);
	if (!row && change->phase != CHANGE_COMMAND)
		return fail(change, context, ISIF_JOB_ERROR_CHANGED,
			    "its node record was removed meanwhile");
	switch (change->phase) {
	case CHANGE_ASK:
		return ask(change, context, row);
	case CHANGE_GUARD:
		return guard(change, context, row);
	case CHANGE_COMMAND:
		return go_on_with_command(change, context, row);
	case CHANGE_AGAIN:
		if (context->now < change->until)
			return WAIT;
		return ask(change, context, row);
	default:
		return verify(change, context, row);
	}
}

static unsigned pause_of(const struct session_change *change, const struct job_context *context)
{
	if (change->phase == CHANGE_GUARD)
		return change->look_pause;
	if (change->phase == CHANGE_COMMAND)
		return UINT_MAX;
	if (change->phase == CHANGE_VERIFY || change->phase == CHANGE_AGAIN)
		return (unsigned)(change->until - context->now);
	return AGAIN_MS;
}

bool session_change_run(struct session_change *change, const struct job_context *context,
			unsigned *pause)
{
	enum outcome outcome;

	do
		outcome = take_step(change, context);
	while (outcome == GO_ON);
	*pause = outcome == WAIT ? pause_of(change, context) : 0;
	return outcome == ENDED;
}

int session_change_descriptor(const struct session_change *change,
			      const struct job_context *context)
{
	struct isif_privileged *gate = context->gate;

	return change->command ? gate->operations->command_descriptor(gate, change->command) : -1;
}

void session_change_end(struct session_change *change, const struct job_context *context)
{
	if (change->phase == CHANGE_GUARD)
		context->gate->operations->look_end(context->gate, ISIF_LOOK_TO_LOG_OUT);
	if (change->command)
		context->gate->operations->command_end(context->gate, change->command);
	change->command = 0;
	unmark(change, context);
	change->phase = CHANGE_OVER;
}
