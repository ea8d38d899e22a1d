/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ISIF_LIB_MONITOR_H
#define ISIF_LIB_MONITOR_H

#include <isif/monitor.h>

#include "event_log.h"
#include "job.h"
#include "world.h"

/* A kernel session and what is due for it. */
struct tracked_session {
	struct observed_session seen; /* first: the world points at it */
	uint64_t due;		      /* when to read it again, monotonic ms; 0: not at all */
	uint64_t settles;	      /* and when once more after that; 0: not */
	uint64_t cookie;	      /* of the socket that the counters were read from last */
	bool routed;		      /* path_link of an unbound socket is up to date */
	struct isif_session_counters before; /* sums of its sockets before this one */
	struct isif_session_counters last;   /* of this one */
};

/* What the last look for the disk table found, and the one that is being taken. */
struct looks {
	bool due, looking;
	uint64_t again; /* when to go on (monotonic ms) */
	uint64_t taking_ns;
	uint64_t read;	  /* when it was done (monotonic ms); 0: nothing is known */
	uint64_t took_ns; /* of our time */
	struct isif_look_disk *disks;
	size_t count;
};

/* All ports, while they are read; what was read last counts until they are. */
struct ports_reading {
	bool under_way;
	char (*names)[40]; /* of the iscsi_iface objects, then of the hosts */
	size_t name_count, name_size;
	size_t at;		  /* whose turn is next */
	struct port_draft *draft; /* of the one before; NULL: that is done */
	struct isif_kernel_port **ports;
	size_t port_count, port_size;
};

/* Records that are other ones than in the snapshot before, until that is told. */
struct record_changes {
	uint32_t count;
	uint64_t due;		 /* monotonic ms */
	struct isif_name *iface; /* of all of them; NULL: they are of several */
	char text[ISIF_EVENT_TEXT_SIZE];
};

struct isif_monitor {
	struct isif_log log;
	struct isif_names *names;
	struct isif_privileged *privileged;
	struct isif_database *database;
	struct state *state;
	struct job_runner *jobs;
	struct isif_rtnetlink *rtnetlink;
	struct isif_network *network;
	struct isif_sock_diag *sock_diag; /* NULL with a sysfs root of one's own */
	struct isif_sysfs *sysfs;
	struct isif_uevents *uevents; /* NULL likewise */
	int iscsi_events;	      /* ISIF_SOURCE_ISCSI_EVENTS, -1 until the class is there */
	struct isif_daemon *daemon;
	enum isif_daemon_status daemon_status;
	enum isif_rebind_mode rebind_mode;
	bool own_sysfs;
	bool kernel_up;

	struct tracked_session **sessions; /* sorted by sid */
	size_t session_count;
	struct isif_kernel_transport *transports;
	size_t transport_count;
	struct isif_kernel_port **ports; /* sorted as the MIB's index */
	size_t port_count;
	struct ports_reading ports_reading;
	struct isif_name *initiator_name;
	struct isif_name *record_directory;

	struct isif_snapshot *snapshot;
	bool dirty;	     /* the snapshot is not what the sources say */
	bool config_changed; /* nor what the records say */
	bool records_wait;   /* the database has more to read */
	bool sockets_due;
	bool ports_due;
	bool save_failed; /* and the log was told */
	bool netlink_refused;
	bool writes;		  /* transactions and jobs may come */
	bool backup_waits;	  /* for the copy that is kept before anything is written */
	uint64_t counters_read;	  /* monotonic ms */
	uint64_t ports_read;	  /* likewise */
	uint32_t port_readings;	  /* so many */
	uint64_t ports_settle;	  /* when they are read once more; 0: not */
	uint64_t save_due;	  /* 0: nothing to save */
	uint64_t repair_due;	  /* a change is half done: when to put it back; 0: none is */
	uint64_t resync_due;	  /* 0: never */
	uint64_t resync_interval; /* ms */
	uint32_t resyncs, overflows;
	uint32_t uses_seen; /* generation of mounts and swap that the disks were judged by */
	struct looks looks;
	struct event_log *events;
	struct record_changes changes;
	uint32_t bad_told; /* records that cannot be read */
	uint64_t
		alerts_due; /* when what is held down is looked at again (monotonic ms); 0: never */
};

/* A change of state is saved within this time, many at once; new indexes are saved at once. */
#define MONITOR_SAVE_MS	 1000
#define MONITOR_AGAIN_MS 10000 /* after it could not be written */

/* So long after a change could neither be made nor undone it is tried to undo it once more. */
#define MONITOR_REPAIR_MS 1000

/* Monotonic milliseconds. */
uint64_t monitor_now(void);

/* monitor_sessions.c: the sessions, from events, sysfs and their sockets. */
void monitor_session_event(struct isif_monitor *monitor, const struct isif_kernel_event *event);
/* Has every session read again, finds new ones, and loses those that are not there any more. */
void monitor_list_sessions(struct isif_monitor *monitor);
/* Finds those that came, went or were not up; there may be hundreds that just go on. */
void monitor_notice_sessions(struct isif_monitor *monitor);
bool monitor_read_sessions(struct isif_monitor *monitor, uint64_t deadline_ns);
uint64_t monitor_sessions_due(const struct isif_monitor *monitor);
void monitor_forget_gone_sessions(struct isif_monitor *monitor);
void monitor_free_sessions(struct isif_monitor *monitor);

/* monitor_ports.c: the ports of offload adapters. Reads an attribute, and more until the deadline;
   true if that was not all. */
bool monitor_read_ports(struct isif_monitor *monitor, uint64_t deadline_ns);
/* Of a reading that is under way. */
void monitor_forget_ports(struct isif_monitor *monitor);
void monitor_free_ports(struct isif_monitor *monitor);

/* monitor_sockets.c: path and counters of each session's socket. */
void monitor_read_sockets(struct isif_monitor *monitor);

/* monitor_looks.c: who uses the disks, while somebody asks. */
void monitor_look(struct isif_monitor *monitor);
uint64_t monitor_looks_due(const struct isif_monitor *monitor); /* monotonic ms; 0: never */
void monitor_forget_looks(struct isif_monitor *monitor);

/* monitor_events.c: what happened between two snapshots; before: NULL for the first one. */
void monitor_tell_differences(struct isif_monitor *monitor, const struct isif_snapshot *before);
void monitor_tell_job(void *context, const struct isif_job *job);
/* Writes what was told, and tells what is due. */
void monitor_write_events(struct isif_monitor *monitor);
void monitor_close_events(struct isif_monitor *monitor);

/* monitor_world.c: joins what the sources say into a new snapshot. */
enum isif_error monitor_build(struct isif_monitor *monitor);

/* Writes what must outlive a restart; the log is told once if that fails. */
void monitor_save(struct isif_monitor *monitor);

#endif
