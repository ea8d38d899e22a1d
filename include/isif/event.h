/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ISIF_EVENT_H
#define ISIF_EVENT_H

#include <isif/name.h>

#include <stdbool.h>
#include <stdint.h>

/** What happened, for those who were not told or did not listen. Values of ISCSI-IFACE-MIB. */
enum isif_event_kind {
	ISIF_HAPPENED_BINDING_LOST = 1,
	ISIF_HAPPENED_BINDING_RESTORED = 2,
	ISIF_HAPPENED_BINDING_MISROUTED = 3,
	ISIF_HAPPENED_DEVICE_LOST = 4,
	ISIF_HAPPENED_DEVICE_RESTORED = 5,
	ISIF_HAPPENED_RECORD_CHANGED = 6,
	ISIF_HAPPENED_JOB_ENDED = 7,
	ISIF_HAPPENED_AGENT_STARTED = 8,
	ISIF_HAPPENED_RECORD_UNREADABLE = 9,
	ISIF_HAPPENED_LOGGED_IN = 10,
	ISIF_HAPPENED_LOGGED_OUT = 11,
	ISIF_HAPPENED_EVENTS_MISSED = 12,
	ISIF_HAPPENED_MASTER_LOST = 13,
};

enum isif_event_reason {
	ISIF_REASON_UNKNOWN = 1,
	ISIF_REASON_CONNECTION_ERROR = 2,
	ISIF_REASON_LINK_DOWN = 3,
	ISIF_REASON_DEVICE_REMOVED = 4,
	ISIF_REASON_ADDRESS_GONE = 5,
	ISIF_REASON_SESSION_GONE = 6,
	ISIF_REASON_WRONG_PATH = 7,
	ISIF_REASON_LOGIN_FAILED = 8,
	ISIF_REASON_AUTHENTICATION_FAILED = 9,
	ISIF_REASON_RECOVERED = 10,
};

#define ISIF_EVENT_TEXT_SIZE 256

struct isif_event {
	uint32_t index; /**< one more than that of the event before, across restarts */
	int64_t time;	/**< seconds since 1970 */
	enum isif_event_kind kind;
	struct isif_name *iface; /**< never NULL; "" if it concerns none or several */
	uint32_t binding;	 /**< index; 0 if it concerns none or several */
	bool notified;		 /**< a notification of it was handed to the master */
	char text[ISIF_EVENT_TEXT_SIZE];

	/* For notifications; not kept on disk. */
	enum isif_event_reason reason; /**< of the first five kinds */
	char path[16];		       /**< device in use, of the same; "" if none is known */
	uint32_t flaps;		       /**< of the same: losses that it stands for beside itself */
	uint32_t job;		       /**< index, of ISIF_HAPPENED_JOB_ENDED */
};

/** The newest events, sorted by index. Borrowed until the monitor runs or changes again. */
struct isif_event_list {
	const struct isif_event *const *events;
	uint32_t count;
};

#endif
