/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "notifier.h"

#include "varbind.h"

#include <net-snmp/net-snmp-config.h>

#include <net-snmp/net-snmp-includes.h>

#include <net-snmp/agent/net-snmp-agent-includes.h>

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#define SECOND_MS 1000
/*
 * So many in one turn of the loop: the master answers each, and who does not read the answers
 * while he writes can block it, and it him.
 */
#define AT_ONCE	     8
#define NEXT_TURN_MS 2

#define NOTIFICATIONS 0 /* arc of iscsiIfaceNotifications */

struct waiting_notification {
	netsnmp_variable_list *varbinds;
	uint32_t event; /* index; 0: of none */
};

static void free_notification(struct waiting_notification *waiting)
{
	snmp_free_varbind(waiting->varbinds);
	free(waiting);
}

/* --- varbinds --- */

static bool take_varbind(void *context, const mib_arc *name, size_t length,
			 const struct mib_value *value)
{
	struct waiting_notification *waiting = context;
	netsnmp_variable_list *variable =
		snmp_varlist_add_variable(&waiting->varbinds, name, length, ASN_NULL, NULL, 0);

	if (!variable)
		return false;
	/* The library returns the first of the list, which grows at its end. */
	while (variable->next_variable)
		variable = variable->next_variable;
	varbind_set(variable, value);
	return true;
}

static struct waiting_notification *make(struct mib_view *view, unsigned notification,
					 const struct isif_event *event)
{
	const oid trap[] = { SNMP_OID_SNMPMODULES, 1, 1, 4, 1, 0 };
	struct waiting_notification *waiting = calloc(1, sizeof(*waiting));
	oid name[MIB_OID_LIMIT];
	size_t length = mib_root_length;

	if (!waiting)
		return NULL;
	memcpy(name, mib_root, length * sizeof(*name));
	name[length++] = NOTIFICATIONS;
	name[length++] = notification;
	waiting->event = notification == MIB_NOTIFY_EVENTS_SUPPRESSED ? 0 : event->index;
	if (snmp_varlist_add_variable(&waiting->varbinds, trap, OID_LENGTH(trap), ASN_OBJECT_ID,
				      name, length * sizeof(*name)) &&
	    mib_notify(view, notification, event, take_varbind, waiting))
		return waiting;
	free_notification(waiting);
	return NULL;
}

/* --- the queue --- */

static void suppress(struct notifier *notifier, uint64_t now)
{
	notifier->agent->notify_suppressed++;
	notifier->burst = now;
}

static struct waiting_notification *take_first(struct notifier *notifier)
{
	struct waiting_notification *first = notifier->queue[notifier->first];

	notifier->first = (notifier->first + 1) % NOTIFIER_QUEUE;
	notifier->agent->notify_queued = (uint32_t)--notifier->count;
	return first;
}

/* What is older is worth less, and the event table has it. */
static void put(struct notifier *notifier, struct waiting_notification *waiting, uint64_t now)
{
	if (notifier->count == NOTIFIER_QUEUE) {
		free_notification(take_first(notifier));
		suppress(notifier, now);
	}
	notifier->queue[(notifier->first + notifier->count++) % NOTIFIER_QUEUE] = waiting;
	notifier->agent->notify_queued = (uint32_t)notifier->count;
}

static void refill(struct notifier *notifier, uint64_t now)
{
	if (notifier->refilled && now - notifier->refilled < SECOND_MS)
		return;
	notifier->refilled = now;
	notifier->tokens = notifier->agent->notify_rate;
}

static bool is_enabled(const struct notifier *notifier, unsigned notification)
{
	return notifier->agent->notify_enable & (0x80u >> (notification - 1));
}

static bool has_room(const struct notifier *notifier)
{
	return notifier->backlog || notifier->count < notifier->tokens;
}

/* With a master, more than the rate is not told; without one, it is told later at that rate. */
static void tell(struct notifier *notifier, struct mib_view *view, unsigned notification,
		 const struct isif_event *event, bool connected, uint64_t now)
{
	struct waiting_notification *waiting;

	if (!is_enabled(notifier, notification))
		return;
	notifier->backlog |= !connected;
	if (!has_room(notifier)) {
		suppress(notifier, now);
		return;
	}
	waiting = make(view, notification, event);
	if (waiting)
		put(notifier, waiting, now);
	else
		suppress(notifier, now);
}

void notifier_look(struct notifier *notifier, struct mib_view *view, bool connected, uint64_t now)
{
	const struct isif_event_list list = view->events;
	uint32_t at = list.count;

	refill(notifier, now);
	/* So much at once that the first of it is forgotten already. */
	if (at && list.events[0]->index > notifier->last + 1) {
		notifier->agent->notify_suppressed += list.events[0]->index - notifier->last - 1;
		notifier->burst = now;
	}
	while (at && list.events[at - 1]->index > notifier->last)
		at--;
	for (; at < list.count; at++) {
		const struct isif_event *event = list.events[at];
		unsigned notification = mib_notification_of(event->kind);

		notifier->last = event->index;
		if (notification)
			tell(notifier, view, notification, event, connected, now);
	}
	/* A burst is over when a second has passed without one more. Its summary is no event. */
	if (!notifier->burst || now - notifier->burst < SECOND_MS || !list.count)
		return;
	if (connected && !has_room(notifier)) {
		notifier->burst = notifier->agent->notify_rate ? now : 0;
		return;
	}
	notifier->burst = 0;
	tell(notifier, view, MIB_NOTIFY_EVENTS_SUPPRESSED, list.events[list.count - 1], connected,
	     now);
}

/* --- to the master --- */

static bool is_writable(int socket)
{
	struct pollfd one = { .fd = socket, .events = POLLOUT };

	return poll(&one, 1, 0) > 0 && one.revents == POLLOUT;
}

void notifier_send(struct notifier *notifier, int socket, uint64_t now)
{
	refill(notifier, now);
	for (int i = 0; i < AT_ONCE && notifier->count && notifier->tokens; i++) {
		struct waiting_notification *waiting;

		/* A master that does not read is none, for a while. */
		if (!is_writable(socket)) {
			notifier->backlog = true;
			return;
		}
		waiting = take_first(notifier);
		notifier->tokens--;
		send_v2trap(waiting->varbinds);
		if (waiting->event)
			isif_monitor_notified(notifier->monitor, waiting->event);
		free_notification(waiting);
	}
	notifier->backlog &= notifier->count > 0;
}

int notifier_timeout(const struct notifier *notifier, bool connected, uint64_t now)
{
	uint64_t due = UINT64_MAX;

	if (connected && notifier->count)
		due = notifier->tokens ? now + NEXT_TURN_MS : notifier->refilled + SECOND_MS;
	if (notifier->burst && notifier->burst + SECOND_MS < due)
		due = notifier->burst + SECOND_MS;
	if (due == UINT64_MAX)
		return -1;
	return due <= now ? 0 : (int)(due - now);
}

void notifier_clear(struct notifier *notifier)
{
	while (notifier->count)
		free_notification(take_first(notifier));
}
