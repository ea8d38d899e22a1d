/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ISIF_LIB_EVENT_LOG_H
#define ISIF_LIB_EVENT_LOG_H

#include <isif/event.h>
#include <isif/log.h>
#include <isif/privileged.h>

/*
 * What has happened: the newest events, numbered for ever. On disk they are lines of a file that
 * grows ("events" in the state directory, through the gate) and is written anew when half of it is
 * forgotten. Who wants to tell somebody does so before event_log_write(): the disk may be slow, or
 * be the very one that was lost.
 */
struct event_log;

/*
 * Reads what is there. boot: an id of this boot. After another one an index may have been given
 * that never came to the disk: then it goes on so much higher that none is given twice, as it does
 * after a file that is damaged, of which nothing else is taken.
 */
enum isif_error event_log_open(struct isif_privileged *gate, struct isif_names *names,
			       const struct isif_log *log, const char *boot,
			       struct event_log **events);
/* Writes what is not written yet, and that this is its end. */
void event_log_close(struct event_log *events);

void event_log_set_limit(struct event_log *events, uint32_t limit);

/* One more; iface may be NULL. NULL without memory, and then nobody gets its index. */
struct isif_event *event_log_add(struct event_log *events, enum isif_event_kind kind,
				 struct isif_name *iface, uint32_t binding, const char *format, ...)
	__attribute__((format(printf, 5, 6)));
/* A notification of it was handed to the master. */
void event_log_notified(struct event_log *events, uint32_t index);

struct isif_event_list event_log_list(const struct event_log *events);

/* True if something happened since it was tried to write that. */
bool event_log_has_news(const struct event_log *events);
/* Appends what is new, without waiting for the disk; true if event_log_sync() has to follow. */
bool event_log_write(struct event_log *events);
/* Tries again what could not be written, and syncs; true if it has to be tried once more, later. */
bool event_log_sync(struct event_log *events);

#endif
