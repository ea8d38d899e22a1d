/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IFACED_NOTIFIER_H
#define IFACED_NOTIFIER_H

#include "mib_notify.h"

#include <isif/monitor.h>

/*
 * Tells the AgentX master what has happened. What happens while there is none waits for it, in
 * order and bounded; what is over iscsiIfaceNotifyRate is not told, but counted, and that once.
 * Each is handed over once: whether it arrives is the master's affair, and the event table has it.
 */
#define NOTIFIER_QUEUE 1024

struct notifier {
	struct isif_monitor *monitor;
	struct mib_agent *agent; /* enabled notifications and their rate; what is queued */
	uint32_t last;		 /* index of the last event that was looked at */
	struct waiting_notification *queue[NOTIFIER_QUEUE];
	size_t first, count;
	bool backlog;	   /* some of them have waited for a master: what comes now waits, too */
	uint32_t tokens;   /* that may be told until the next second */
	uint64_t refilled; /* monotonic ms */
	uint64_t burst;	   /* when the last one was suppressed (monotonic ms); 0: told since */
};

/* Looks at what has happened since; view is what the varbinds are made from. */
void notifier_look(struct notifier *notifier, struct mib_view *view, bool connected, uint64_t now);

/* Hands over what waits, as much as can be without waiting. socket: of the master. */
void notifier_send(struct notifier *notifier, int socket, uint64_t now);

/* Milliseconds until notifier_send() can do more, -1 for never. */
int notifier_timeout(const struct notifier *notifier, bool connected, uint64_t now);

void notifier_clear(struct notifier *notifier);

#endif
