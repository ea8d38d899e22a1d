/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What became of a binding (mib.md, binding table): the wanted state, the operational one, and
 * the losses. A judgement needs what was judged before, because the kernel tells that a session
 * is gone but not whether anybody had asked for it.
 */
#include "model.h"

#include <stdio.h>
#include <string.h>

/* What open-iscsi and the kernel mean by a connection error (enum iscsi_err, iscsi_if.h). */
static const char *error_text(uint32_t code)
{
	switch (code) {
	case 1011:
		return "the connection failed";
	case 1013:
		return "the session failed";
	case 1014:
	case 1015:
		return "a digest was wrong: data was damaged on the way";
	case 1018:
		return "the host adapter is gone";
	case 1019:
		return "sending failed";
	case 1020:
		return "the target closed the connection";
	case 1021:
		return "the SCSI error handler gave the session up";
	case 1022:
		return "the target did not answer a ping (NOP-Out) in time";
	default:
		return code >= 1001 && code <= 1010 ? "the target broke the iSCSI protocol"
						    : "the connection was lost";
	}
}

/* Why a target refused a login: status class and detail (RFC 7143, 11.13.5). */
static const char *refusal_text(uint32_t status)
{
	switch (status) {
	case 0x0201:
		return "authentication failed";
	case 0x0202:
		return "this initiator is not authorized";
	case 0x0203:
		return "the target does not exist there";
	case 0x0204:
		return "the target was removed";
	case 0x0206:
		return "too many connections";
	case 0x0301:
		return "the target's service is not available";
	case 0x0302:
		return "the target is out of resources";
	default:
		return status >> 8 == 3 ? "an error of the target" : "an error of the initiator";
	}
}

static bool is_up(enum isif_oper_status status)
{
	return status == ISIF_OPER_LOGGED_IN || status == ISIF_OPER_MISROUTED;
}

/* True once a session of this binding was logged in and nobody has asked for its end. */
static bool was_up(const struct binding_memory *memory)
{
	return is_up(memory->oper) || memory->oper == ISIF_OPER_RECOVERING ||
	       memory->oper == ISIF_OPER_LOST;
}

static enum isif_oper_status with_session(const struct binding_memory *memory,
					  const struct observed_session *session,
					  enum isif_path path)
{
	bool same = memory->sid == session->kernel->sid;

	if (session->unbinding || session->kernel->unbinding ||
	    memory->doing == ISIF_OPER_LOGGING_OUT)
		return ISIF_OPER_LOGGING_OUT;
	switch (session->kernel->state) {
	case ISIF_SESSION_LOGGED_IN:
		return path == ISIF_PATH_WRONG ? ISIF_OPER_MISROUTED : ISIF_OPER_LOGGED_IN;
	case ISIF_SESSION_FAILED:
		return ISIF_OPER_RECOVERING;
	case ISIF_SESSION_FREE:
		/* Also the state before the first login, which lasts for a moment. */
		if ((!session->fresh && memory->doing != ISIF_OPER_LOGGING_IN) ||
		    (same && was_up(memory)))
			return memory->admin == ISIF_ADMIN_LOGGED_IN ? ISIF_OPER_LOST
								     : ISIF_OPER_LOGGED_OUT;
		return ISIF_OPER_LOGGING_IN;
	case ISIF_SESSION_UNKNOWN:
		break;
	}
	return same && memory->oper ? memory->oper : ISIF_OPER_LOGGING_IN;
}

static enum isif_oper_status without_session(const struct binding_memory *memory)
{
	if (memory->doing == ISIF_OPER_LOGGING_IN)
		return ISIF_OPER_LOGGING_IN;
	if (memory->admin == ISIF_ADMIN_LOGGED_OUT || memory->doing == ISIF_OPER_LOGGING_OUT)
		return ISIF_OPER_LOGGED_OUT;
	if (was_up(memory) || memory->oper == ISIF_OPER_LOGGING_OUT)
		return ISIF_OPER_LOST;
	if (memory->oper == ISIF_OPER_LOGGING_IN || memory->oper == ISIF_OPER_FAILED)
		return ISIF_OPER_FAILED;
	return ISIF_OPER_LOGGED_OUT;
}

/* A login or a logout by hand sets the wanted state, too. */
static void follow_hand(struct state *state, struct binding_memory *memory,
			const struct isif_node *node, const struct observed_session *session)
{
	enum isif_admin_status before = memory->admin;

	if (!memory->admin)
		memory->admin = session || node->startup != ISIF_STARTUP_MANUAL
					? ISIF_ADMIN_LOGGED_IN
					: ISIF_ADMIN_LOGGED_OUT;
	/* What a job does is no hand's work: it says itself what is wanted. */
	if (memory->doing)
		;
	else if (session && session->logout_answered)
		memory->admin = ISIF_ADMIN_LOGGED_OUT;
	else if (session && !session->gone && memory->sid != session->kernel->sid)
		memory->admin = ISIF_ADMIN_LOGGED_IN;
	if (memory->admin != before)
		state_touch(state, memory);
}

static void set_last_error(const struct build *build, struct binding_memory *memory,
			   const struct observed_session *session, enum isif_oper_status status)
{
	const bool connection = (session && session->error_code) || status == ISIF_OPER_RECOVERING;
	char text[128];

	memory->reason = status == ISIF_OPER_FAILED ? ISIF_REASON_LOGIN_FAILED
			 : connection		    ? ISIF_REASON_CONNECTION_ERROR
						    : ISIF_REASON_SESSION_GONE;
	if (status == ISIF_OPER_FAILED && session && session->login_status >> 8 == 2 &&
	    (session->login_status & 0xff) <= 2)
		memory->reason = ISIF_REASON_AUTHENTICATION_FAILED;
	if (status == ISIF_OPER_FAILED && session && session->login_status >> 8 > 1)
		snprintf(text, sizeof(text), "the target refused the login: %s (iSCSI status %04x)",
			 refusal_text(session->login_status), session->login_status);
	else if (session && session->error_code)
		snprintf(text, sizeof(text), "%s (iSCSI error %u)", error_text(session->error_code),
			 session->error_code);
	else if (status == ISIF_OPER_FAILED)
		snprintf(text, sizeof(text), "the last login did not succeed");
	else if (connection)
		snprintf(text, sizeof(text), "the connection is down");
	else
		snprintf(text, sizeof(text), "the session is gone and nobody had asked for it");
	state_set_error(build->state, memory, text);
}

/*
 * The session that was up is up, over another connection: it was lost, and was back before anybody
 * looked.
 */
static bool came_back(struct binding_memory *memory, const struct observed_session *session,
		      enum isif_oper_status status)
{
	uint16_t before = memory->local_port;

	if (!is_up(status))
		return false;
	memory->local_port = session->kernel->local_port;
	return is_up(memory->oper) && memory->sid == session->kernel->sid && before &&
	       memory->local_port && memory->local_port != before;
}

void model_judge(const struct build *build, struct binding_memory *memory,
		 const struct isif_node *node, const struct observed_session *session,
		 enum isif_path path)
{
	const struct world *world = build->world;
	enum isif_oper_status before = memory->oper, status;
	bool up = is_up(before) || (before == ISIF_OPER_LOGGING_OUT && memory->up_since);
	bool other = session && !session->gone && memory->sid != session->kernel->sid;
	bool again = false;

	follow_hand(build->state, memory, node, session);
	if (session && !session->gone) {
		status = with_session(memory, session, path);
		again = came_back(memory, session, status);
		if (memory->sid != session->kernel->sid)
			state_touch(build->state, memory);
		memory->sid = session->kernel->sid;
	} else {
		status = without_session(memory);
		memory->sid = 0;
	}
	if (status == before && !again && !(other && is_up(status)))
		return;
	if (is_up(status) && (!up || other || again || !memory->up_since)) {
		memory->up_since = world->wall;
		memory->up_since_mono = world->mono;
	}
	if (!is_up(status) && status != ISIF_OPER_LOGGING_OUT)
		memory->up_since = 0, memory->up_since_mono = 0;
	if (again || (up && (status == ISIF_OPER_RECOVERING || status == ISIF_OPER_LOST))) {
		memory->losses++;
		memory->last_loss = world->wall;
		set_last_error(build, memory, session, again ? ISIF_OPER_RECOVERING : status);
	} else if (status == ISIF_OPER_FAILED) {
		set_last_error(build, memory, session, status);
	}
	memory->oper = status;
	state_touch(build->state, memory);
}
