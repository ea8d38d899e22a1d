/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "monitor.h"

#include "clock.h"

#include <stdlib.h>
#include <string.h>

/* The kernel tells of a connection error before it changes the state (iscsi_conn_error_event). */
#define SOON_MS 5
/* The kernel announces objects before their attributes exist (device_add comes first). */
#define SETTLE_MS 100
/* FAILED -> FREE and a new login have no event: look once a second while a session is not up. */
#define UNSETTLED_MS 1000

static size_t place_of(const struct isif_monitor *monitor, uint32_t sid)
{
	size_t low = 0, high = monitor->session_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (monitor->sessions[middle]->seen.kernel->sid < sid)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct tracked_session *find(const struct isif_monitor *monitor, uint32_t sid)
{
	size_t place = place_of(monitor, sid);

	if (place < monitor->session_count && monitor->sessions[place]->seen.kernel->sid == sid)
		return monitor->sessions[place];
	return NULL;
}

static struct tracked_session *insert(struct isif_monitor *monitor,
				      struct isif_kernel_session *kernel)
{
	size_t place = place_of(monitor, kernel->sid);
	struct tracked_session **sessions =
		reallocarray(monitor->sessions, monitor->session_count + 1, sizeof(*sessions));
	struct tracked_session *session = sessions ? calloc(1, sizeof(*session)) : NULL;

	if (sessions)
		monitor->sessions = sessions;
	if (!session)
		return NULL;
	session->seen.kernel = kernel;
	session->seen.discontinuity = monitor_now();
	memmove(&sessions[place + 1], &sessions[place],
		(monitor->session_count - place) * sizeof(*sessions));
	sessions[place] = session;
	monitor->session_count++;
	return session;
}

static void soon(struct tracked_session *session, uint64_t due)
{
	if (!session->due || due < session->due)
		session->due = due;
}

/* Puts a new reading in place and decides when the next one is due. */
static void take(struct isif_monitor *monitor, struct tracked_session *session,
		 struct isif_kernel_session *kernel)
{
	struct isif_kernel_session *old = session->seen.kernel;

	if (old != kernel && isif_kernel_session_equal(old, kernel)) {
		isif_kernel_session_release(kernel);
		kernel = old;
	} else {
		monitor->dirty = true;
		if (kernel->state == ISIF_SESSION_LOGGED_IN &&
		    (old == kernel || old->state != kernel->state ||
		     old->local_port != kernel->local_port || monitor->own_sysfs))
			monitor->sockets_due = true;
		session->seen.kernel = kernel;
		if (old != kernel)
			isif_kernel_session_release(old);
	}
	if (kernel->state != ISIF_SESSION_LOGGED_IN) {
		session->seen.path_known = false;
		session->routed = false;
		session->seen.counters.rtt = session->seen.counters.path_mtu = 0;
		if (!monitor->own_sysfs)
			soon(session, monitor_now() + UNSETTLED_MS);
	}
}

static void lose(struct isif_monitor *monitor, struct tracked_session *session)
{
	session->seen.gone = true;
	session->due = 0;
	monitor->dirty = true;
}

static void read_session(struct isif_monitor *monitor, uint32_t sid)
{
	struct tracked_session *session = find(monitor, sid);
	struct isif_kernel_session *kernel;
	enum isif_error error = isif_kernel_session_read(monitor->sysfs, sid, &kernel);

	if (session) {
		session->due = session->settles;
		session->settles = 0;
	}
	if (error == ISIF_NOT_FOUND && session) {
		lose(monitor, session);
		return;
	}
	if (error)
		return;
	if (session && session->seen.gone) {
		/* Session numbers are not used twice within a boot. */
		isif_kernel_session_release(kernel);
		return;
	}
	if (!session) {
		session = insert(monitor, kernel);
		if (!session) {
			isif_kernel_session_release(kernel);
			return;
		}
	}
	take(monitor, session, kernel);
}

void monitor_session_event(struct isif_monitor *monitor, const struct isif_kernel_event *event)
{
	struct tracked_session *session = event->sid ? find(monitor, event->sid) : NULL;
	uint64_t now = monitor_now();

	if (event->kind == ISIF_EVENT_DISK && !event->sid) {
		/* A map changed: any disk may have a new user. */
		for (size_t i = 0; i < monitor->session_count; i++)
			soon(monitor->sessions[i], now);
		return;
	}
	if (!session) {
		if (event->sid && event->kind != ISIF_EVENT_SESSION_GONE)
			read_session(monitor, event->sid);
		session = event->sid ? find(monitor, event->sid) : NULL;
		if (session) {
			session->seen.fresh = true;
			soon(session, now + SETTLE_MS);
		}
		return;
	}
	switch (event->kind) {
	case ISIF_EVENT_CONNECTION:
		session->seen.errors++;
		session->seen.error_code = event->code;
		monitor->dirty = true;
		read_session(monitor, event->sid);
		soon(session, now + SOON_MS);
		session->settles = now + SETTLE_MS;
		return;
	case ISIF_EVENT_LOGIN_RESPONSE:
		session->seen.login_status = event->code;
		/* iscsid saw it when we did; the state follows. */
		read_session(monitor, event->sid);
		soon(session, now + SETTLE_MS);
		return;
	case ISIF_EVENT_LOGOUT_RESPONSE:
		session->seen.logout_answered = true;
		break;
	case ISIF_EVENT_UNBIND:
		session->seen.unbinding = true;
		monitor->dirty = true;
		break;
	default:
		soon(session, now + SETTLE_MS);
		break;
	}
	read_session(monitor, event->sid);
}

struct listing {
	uint32_t *sids;
	size_t count;
	bool failed;
};

static void visit_session(void *context, const char *name)
{
	struct listing *listing = context;
	uint32_t *sids;
	char *end;
	unsigned long sid;

	if (strncmp(name, "session", strlen("session")))
		return;
	sid = strtoul(name + strlen("session"), &end, 10);
	if (*end || !name[strlen("session")] || !sid || sid > UINT32_MAX)
		return;
	sids = reallocarray(listing->sids, listing->count + 1, sizeof(*sids));
	if (!sids) {
		listing->failed = true;
		return;
	}
	sids[listing->count++] = (uint32_t)sid;
	listing->sids = sids;
}

static bool is_listed(const struct listing *listing, uint32_t sid)
{
	for (size_t i = 0; i < listing->count; i++)
		if (listing->sids[i] == sid)
			return true;
	return false;
}

/* Reads those that are new, and has others read again: all, or those that may have changed. */
static void list_sessions(struct isif_monitor *monitor, bool all)
{
	struct listing listing = { 0 };
	uint64_t now = monitor_now();

	isif_sysfs_list(monitor->sysfs, "iscsi_session", visit_session, &listing);
	for (size_t i = 0; i < monitor->session_count; i++) {
		const struct isif_kernel_session *kernel = monitor->sessions[i]->seen.kernel;

		if (all || kernel->state != ISIF_SESSION_LOGGED_IN ||
		    !is_listed(&listing, kernel->sid))
			monitor->sessions[i]->due = now;
	}
	for (size_t i = 0; i < listing.count; i++)
		if (!find(monitor, listing.sids[i]))
			read_session(monitor, listing.sids[i]);
	free(listing.sids);
}

void monitor_list_sessions(struct isif_monitor *monitor)
{
	list_sessions(monitor, true);
}

void monitor_notice_sessions(struct isif_monitor *monitor)
{
	list_sessions(monitor, false);
}

/* Reads what is due; true if there was no time for all of it. */
bool monitor_read_sessions(struct isif_monitor *monitor, uint64_t deadline_ns)
{
	uint64_t now = monitor_now();

	for (size_t i = 0; i < monitor->session_count; i++) {
		struct tracked_session *session = monitor->sessions[i];

		if (!session->due || session->due > now)
			continue;
		if (clock_ns() >= deadline_ns)
			return true;
		read_session(monitor, session->seen.kernel->sid);
	}
	return false;
}

uint64_t monitor_sessions_due(const struct isif_monitor *monitor)
{
	uint64_t due = 0;

	for (size_t i = 0; i < monitor->session_count; i++)
		if (monitor->sessions[i]->due && (!due || monitor->sessions[i]->due < due))
			due = monitor->sessions[i]->due;
	return due;
}

static void free_session(struct tracked_session *session)
{
	isif_kernel_session_release(session->seen.kernel);
	free(session);
}

/* Once their end was judged, they are over. */
void monitor_forget_gone_sessions(struct isif_monitor *monitor)
{
	size_t kept = 0;

	for (size_t i = 0; i < monitor->session_count; i++) {
		if (monitor->sessions[i]->seen.gone)
			free_session(monitor->sessions[i]);
		else
			monitor->sessions[kept++] = monitor->sessions[i];
	}
	monitor->session_count = kept;
}

void monitor_free_sessions(struct isif_monitor *monitor)
{
	for (size_t i = 0; i < monitor->session_count; i++)
		free_session(monitor->sessions[i]);
	free(monitor->sessions);
}
