/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ISIF_MONITOR_H
#define ISIF_MONITOR_H

#include <isif/error.h>
#include <isif/event.h>
#include <isif/job.h>
#include <isif/log.h>
#include <isif/model.h>
#include <isif/privileged.h>

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Where a monitor looks. A NULL text takes the default. */
struct isif_monitor_options {
	struct isif_privileged *gate;	   /**< the monitor's own from now on, whatever comes */
	const char *sysfs;		   /**< NULL: /sys, with udev, netlink and SOCK_DIAG */
	uint32_t resync_interval;	   /**< seconds between full reads; 0: never */
	enum isif_rebind_mode rebind_mode; /**< of ifaces that nobody set it for; 0: recordOnly */
	struct isif_log log;
};

/**
 * Watches all sources and publishes snapshots. It owns its descriptors and timers, blocks
 * nowhere, and does its work in slices of at most 50 ms; the caller runs the loop:
 *
 *     count = isif_monitor_descriptors(monitor, fds, n);
 *     poll(fds, count, isif_monitor_timeout(monitor));
 *     isif_monitor_run(monitor);
 *     snapshot = isif_monitor_snapshot(monitor);
 */
struct isif_monitor;

/**
 * Opens the sources, some of which need rights that nobody needs later: what comes from outside is
 * not read before isif_monitor_start().
 */
enum isif_error isif_monitor_open(const struct isif_monitor_options *options,
				  struct isif_monitor **monitor);
/** Reads everything once: then there is a first snapshot. */
enum isif_error isif_monitor_start(struct isif_monitor *monitor);
void isif_monitor_close(struct isif_monitor *monitor);

/** At most this many descriptors are ever waited on. */
#define ISIF_MONITOR_DESCRIPTORS 12

/** Fills in the descriptors to wait on; returns how many. They can change with every run. */
size_t isif_monitor_descriptors(const struct isif_monitor *monitor, struct pollfd *descriptors,
				size_t size);

/** Milliseconds until there is work without an event: 0 now, -1 never. */
int isif_monitor_timeout(const struct isif_monitor *monitor);

/** Takes the waiting events and does a slice of work. True if a new snapshot was published. */
bool isif_monitor_run(struct isif_monitor *monitor);

/** The newest snapshot, borrowed: hold it to keep it. Never NULL once it is started. */
struct isif_snapshot *isif_monitor_snapshot(const struct isif_monitor *monitor);

/** Has everything read again, in slices. */
void isif_monitor_resync(struct isif_monitor *monitor);

/**
 * Tells that somebody looked at the counters of sessions. If those of the newest snapshot are
 * older than a second, the next run reads them.
 */
void isif_monitor_counters_wanted(struct isif_monitor *monitor);

/**
 * Tells that somebody looked at what offload ports have. A change of it makes no event: if it was
 * read more than ten seconds ago, the next run reads it.
 */
void isif_monitor_ports_wanted(struct isif_monitor *monitor);

/**
 * Tells that somebody looked at who uses the disks. If that was found out more than a second ago
 * (more, where there is much to look through), it is found out again in the next runs.
 */
void isif_monitor_uses_wanted(struct isif_monitor *monitor);

/** The newest events. */
struct isif_event_list isif_monitor_events(const struct isif_monitor *monitor);

/** A notification of an event was handed to the master. */
void isif_monitor_notified(struct isif_monitor *monitor, uint32_t index);

/** Tells of something that the monitor cannot know itself. */
void isif_monitor_tell(struct isif_monitor *monitor, enum isif_event_kind kind, const char *text);

/** What the configuration may change while it runs. */
struct isif_monitor_configuration {
	uint32_t resync_interval;	   /**< seconds; 0: never */
	enum isif_rebind_mode rebind_mode; /**< of ifaces that nobody set it for */
	uint32_t job_history;		   /**< ended jobs that are kept */
	uint32_t event_history;		   /**< events that are kept; 0: as it is */
	uint32_t hold_down;	   /**< what ISIF_KEPT_HOLD_DOWN is until somebody sets it */
	uint32_t iscsiadm_timeout; /**< seconds, to 86400, for a discovery; 0: as it is */
	uint32_t session_timeout;  /**< seconds, to 86400, for a login or logout; 0: as it is */
	bool force_counts; /**< a job that wishes it may log out a session whose disk is in use */
	bool writes;	   /**< transactions and jobs may come: prepare for them */
};
void isif_monitor_configure(struct isif_monitor *monitor,
			    const struct isif_monitor_configuration *configuration);

/** All jobs. */
struct isif_job_list isif_monitor_jobs(const struct isif_monitor *monitor);

/** Numbers that managers set and that outlive a restart. */
enum isif_kept_number {
	ISIF_KEPT_NOTIFY_ENABLE, /**< a bit a notification, the first one is the highest of 8 */
	ISIF_KEPT_HOLD_DOWN,	 /**< seconds */
	ISIF_KEPT_NOTIFY_RATE,	 /**< a second */
	ISIF_KEPT_NUMBERS,
};
uint32_t isif_monitor_kept(const struct isif_monitor *monitor, enum isif_kept_number which);

#endif
