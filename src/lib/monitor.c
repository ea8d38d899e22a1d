/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All sources together. Events only mark what is to be read again; reading is done in slices, and
 * a new snapshot is built when something changed. Events that are lost lead to a resync.
 */
#include "monitor.h"

#include "cleanup.h"
#include "clock.h"
#include "model.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SLICE_NS	50000000u
#define JOB_SLICE_NS	3000000u
#define COUNTERS_AGE_MS 1000  /* of mib.md: at most 1 s old while polled */
#define PORTS_AGE_MS	10000 /* each attribute of a port may be a command to its firmware */
#define PORTS_SETTLE_MS 100
#define UNWATCHED_MS	60000

uint64_t monitor_now(void)
{
	return clock_ms();
}

static void visit_transport(void *context, const char *name)
{
	struct isif_monitor *monitor = context;
	struct isif_kernel_transport *transports = reallocarray(
		monitor->transports, monitor->transport_count + 1, sizeof(*transports));

	if (!transports)
		return;
	monitor->transports = transports;
	snprintf(transports[monitor->transport_count].name, sizeof(transports->name), "%s", name);
	monitor->transport_count++;
}

/* The netlink of the transport class can be opened once the class is there, not before. */
static void look_at_kernel(struct isif_monitor *monitor)
{
	bool loaded = isif_sysfs_has_class(monitor->sysfs);
	enum isif_error error = ISIF_OK;

	if (!monitor->own_sysfs && loaded && monitor->iscsi_events < 0) {
		error = monitor->privileged->operations->open_source(monitor->privileged,
								     ISIF_SOURCE_ISCSI_EVENTS, NULL,
								     &monitor->iscsi_events);
		if (error && !monitor->netlink_refused)
			isif_log_line(&monitor->log, ISIF_LOG_WARNING,
				      "cannot listen to the kernel's iSCSI events: %s; lost "
				      "connections are seen only by reading again (run as root in "
				      "the host's network namespace)",
				      isif_error_text(error));
		monitor->netlink_refused = error;
	}
	if (!loaded && monitor->iscsi_events >= 0)
		close(TAKE_DESCRIPTOR(monitor->iscsi_events));
	monitor->kernel_up = loaded && !error;
	monitor->transport_count = 0;
	isif_sysfs_list(monitor->sysfs, "iscsi_transport", visit_transport, monitor);
	monitor->dirty = true;
}

static void look_at_daemon(struct isif_monitor *monitor)
{
	enum isif_daemon_status status = isif_daemon_look(monitor->daemon);

	monitor->dirty |= status != monitor->daemon_status;
	monitor->daemon_status = status;
}

static void look_at_network(struct isif_monitor *monitor)
{
	struct isif_network *network;

	if (isif_network_read(monitor->rtnetlink, &network))
		return;
	if (isif_network_equal(monitor->network, network)) {
		isif_network_release(network);
		return;
	}
	isif_network_release(monitor->network);
	monitor->network = network;
	monitor->dirty = monitor->sockets_due = true;
}

static void look_at_initiator(struct isif_monitor *monitor)
{
	char text[256];
	struct isif_name *name = NULL;
	struct isif_privileged *gate = monitor->privileged;

	if (!gate->operations->read_initiatorname(gate, text, sizeof(text)))
		name = isif_name_get(monitor->names, text, strlen(text));
	monitor->dirty |= name != monitor->initiator_name;
	isif_name_release(monitor->initiator_name);
	monitor->initiator_name = name;
}

/* Records that cannot be watched are looked at once a minute, whatever the interval. */
static void schedule_resync(struct isif_monitor *monitor)
{
	struct isif_database_counts counts;
	uint64_t interval = monitor->resync_interval;

	isif_database_counts(monitor->database, &counts);
	if (counts.unwatched && (!interval || interval > UNWATCHED_MS))
		interval = UNWATCHED_MS;
	monitor->resync_due = interval ? monitor_now() + interval : 0;
}

void isif_monitor_resync(struct isif_monitor *monitor)
{
	monitor->resyncs++;
	monitor->dirty = true;
	isif_database_resync(monitor->database);
	monitor->records_wait = true;
	look_at_kernel(monitor);
	look_at_daemon(monitor);
	look_at_initiator(monitor);
	look_at_network(monitor);
	monitor_list_sessions(monitor);
	monitor->ports_due = monitor->sockets_due = true;
	schedule_resync(monitor);
}

/* Whatever source lost events: what is built on them cannot be trusted any more. */
static void lost_events(struct isif_monitor *monitor)
{
	monitor->overflows++;
	isif_monitor_tell(monitor, ISIF_HAPPENED_EVENTS_MISSED,
			  "the kernel dropped events: everything is read again");
	isif_monitor_resync(monitor);
}

static void take_record_changes(struct isif_monitor *monitor)
{
	struct isif_database_counts before, after;

	isif_database_counts(monitor->database, &before);
	isif_database_changes(monitor->database, clock_ns());
	isif_database_counts(monitor->database, &after);
	if (after.overflows != before.overflows)
		lost_events(monitor);
}

static void visit_event(void *context, const struct isif_kernel_event *event)
{
	struct isif_monitor *monitor = context;

	switch (event->kind) {
	case ISIF_EVENT_OVERFLOW:
		lost_events(monitor);
		break;
	case ISIF_EVENT_TRANSPORT:
		look_at_kernel(monitor);
		break;
	case ISIF_EVENT_PORT:
	case ISIF_EVENT_HOST:
		/* The kernel announces an object before its attributes exist (device_add). */
		monitor->ports_due = true;
		monitor->ports_settle = monitor_now() + PORTS_SETTLE_MS;
		break;
	default:
		monitor_session_event(monitor, event);
		break;
	}
}

static void take_network_events(struct isif_monitor *monitor)
{
	unsigned changes = isif_rtnetlink_events(monitor->rtnetlink);

	if (changes & ISIF_CHANGED_OVERFLOW)
		lost_events(monitor);
	else if (changes & ISIF_CHANGED_LINKS)
		look_at_network(monitor);
	if (changes & (ISIF_CHANGED_ROUTES | ISIF_CHANGED_OVERFLOW)) {
		for (size_t i = 0; i < monitor->session_count; i++) {
			struct tracked_session *session = monitor->sessions[i];

			/* A route that changes moves an unbound socket, and no other. */
			if (session->routed && !session->seen.bound)
				monitor->sockets_due = true;
			session->routed = false;
		}
	}
}

static bool is_readable(int descriptor)
{
	struct pollfd one = { .fd = descriptor, .events = POLLIN };

	return descriptor >= 0 && poll(&one, 1, 0) > 0;
}

/* A disk that is mounted or given up now has another user; no uevent tells. */
static void look_at_uses(struct isif_monitor *monitor)
{
	const struct isif_kernel_event event = { .kind = ISIF_EVENT_DISK };
	uint32_t generation = isif_sysfs_uses_generation(monitor->sysfs);

	if (generation != monitor->uses_seen) {
		monitor_session_event(monitor, &event);
		monitor_forget_looks(monitor);
	}
	monitor->uses_seen = generation;
}

/* Before the first change the database is copied; said once, where to. */
static void look_at_backup(struct isif_monitor *monitor)
{
	struct isif_privileged *gate = monitor->privileged;
	const char *where;
	enum isif_error error = gate->operations->backup(gate, &where);

	if (error == ISIF_INCOMPLETE) {
		monitor->backup_waits = true;
		return;
	}
	if (!error && monitor->backup_waits)
		isif_log_line(&monitor->log, ISIF_LOG_NOTICE,
			      "the records as they were before the first change are kept in %s "
			      "(iscsi-ifaced(8) says how to put them back)",
			      where);
	if (error)
		isif_log_line(&monitor->log, ISIF_LOG_ERROR,
			      "cannot keep a copy of the records in the state directory: %s; no "
			      "record is changed before there is one",
			      isif_error_text(error));
	monitor->backup_waits = false;
}

static void take_iscsi_events(struct isif_monitor *monitor)
{
	if (monitor->iscsi_events >= 0)
		isif_iscsi_events_read(monitor->iscsi_events, visit_event, monitor);
}

static void take_events(struct isif_monitor *monitor)
{
	take_network_events(monitor);
	if (monitor->uevents)
		isif_uevents_read(monitor->uevents, visit_event, monitor);
	take_iscsi_events(monitor);
	look_at_uses(monitor);
	if (is_readable(isif_daemon_descriptor(monitor->daemon)))
		look_at_daemon(monitor);
	take_record_changes(monitor);
	if (monitor->backup_waits)
		look_at_backup(monitor);
}

/* Reads what is due until deadline; true if there was no time for all of it. */
static bool work(struct isif_monitor *monitor, uint64_t deadline)
{
	bool more;

	if (isif_database_work(monitor->database, deadline, &monitor->records_wait))
		monitor->dirty = monitor->config_changed = true;
	more = monitor_read_sessions(monitor, deadline) || monitor->records_wait;
	if (monitor->ports_settle && monitor_now() >= monitor->ports_settle) {
		monitor->ports_settle = 0;
		monitor->ports_due = true;
	}
	if (clock_ns() < deadline)
		more |= monitor_read_ports(monitor, deadline);
	if (monitor->sockets_due)
		monitor_read_sockets(monitor);
	monitor_look(monitor);
	return more;
}

/* How every change begins: what is half done is put back, and the log told. */
static void repair(struct isif_monitor *monitor, uint64_t now)
{
	struct isif_privileged *gate = monitor->privileged;
	const char *why;

	monitor->repair_due = now + MONITOR_AGAIN_MS;
	if (gate->operations->begin(gate, 0, &why))
		return;
	gate->operations->end(gate);
	monitor->repair_due = 0;
}

static void run_jobs(struct isif_monitor *monitor, uint64_t now)
{
	struct job_effects effects;

	if (job_run(monitor->jobs, monitor->snapshot, now, clock_ns() + JOB_SLICE_NS))
		monitor->dirty = true;
	effects = job_take_effects(monitor->jobs);
	/* What has been read already may be what the port had before. */
	if (effects.ports) {
		monitor_forget_ports(monitor);
		monitor->ports_due = true;
	}
	if (effects.look)
		monitor_notice_sessions(monitor);
	monitor->dirty |= effects.look || effects.judge;
}

bool isif_monitor_run(struct isif_monitor *monitor)
{
	uint64_t now = monitor_now();
	const struct isif_snapshot *before = monitor->snapshot;

	/* Those of the run before: whoever wanted to be told has been told by now. */
	monitor_write_events(monitor);
	if (monitor->resync_due && now >= monitor->resync_due)
		isif_monitor_resync(monitor);
	take_events(monitor);
	work(monitor, clock_ns() + SLICE_NS);
	if (monitor->dirty) {
		/*
		 * The kernel tells how a session ended (the answer to a login or a logout, an
		 * error) before it removes it: nobody who was found gone is judged without that.
		 */
		take_iscsi_events(monitor);
		monitor_build(monitor);
	}
	if (monitor->save_due && now >= monitor->save_due)
		monitor_save(monitor);
	if (monitor->repair_due && now >= monitor->repair_due)
		repair(monitor, now);
	if (monitor->writes)
		run_jobs(monitor, now);
	return monitor->snapshot != before;
}

static void earlier(uint64_t *due, uint64_t candidate)
{
	if (candidate && candidate < *due)
		*due = candidate;
}

int isif_monitor_timeout(const struct isif_monitor *monitor)
{
	uint64_t due = UINT64_MAX, now = monitor_now();
	uint64_t record_due = isif_database_due(monitor->database);
	uint64_t jobs_due = monitor->writes ? job_due(monitor->jobs) : UINT64_MAX;

	if (jobs_due <= now || monitor->records_wait || monitor->ports_due ||
	    monitor->ports_reading.under_way || monitor->sockets_due || monitor->dirty ||
	    event_log_has_news(monitor->events))
		return 0;
	earlier(&due, monitor->resync_due);
	earlier(&due, monitor->save_due);
	earlier(&due, monitor->repair_due);
	earlier(&due, monitor->ports_settle);
	earlier(&due, monitor->changes.due);
	earlier(&due, monitor->alerts_due);
	earlier(&due, monitor_sessions_due(monitor));
	earlier(&due, monitor_looks_due(monitor));
	earlier(&due, jobs_due);
	if (record_due != UINT64_MAX)
		earlier(&due, record_due / 1000000u + 1);
	if (due == UINT64_MAX)
		return -1;
	if (due <= now)
		return 0;
	return due - now > INT_MAX ? INT_MAX : (int)(due - now);
}

size_t isif_monitor_descriptors(const struct isif_monitor *monitor, struct pollfd *descriptors,
				size_t size)
{
	const struct isif_privileged *gate = monitor->privileged;
	const int candidates[] = {
		isif_rtnetlink_descriptor(monitor->rtnetlink),
		monitor->uevents ? isif_uevents_descriptor(monitor->uevents) : -1,
		monitor->iscsi_events,
		isif_daemon_descriptor(monitor->daemon),
		gate->operations->change_descriptor(gate),
		gate->operations->backup_descriptor(gate),
	};
	size_t count = 0;
	int uses[2];

	for (size_t i = 0; i < sizeof(candidates) / sizeof(*candidates); i++)
		if (candidates[i] >= 0 && count < size)
			descriptors[count++] =
				(struct pollfd){ .fd = candidates[i], .events = POLLIN };
	for (enum job_lane lane = 0; monitor->writes && lane < JOB_LANES; lane++) {
		int descriptor = job_descriptor(monitor->jobs, monitor->snapshot, lane);

		if (descriptor >= 0 && count < size)
			descriptors[count++] =
				(struct pollfd){ .fd = descriptor, .events = POLLIN };
	}
	isif_sysfs_descriptors(monitor->sysfs, uses);
	for (size_t i = 0; i < 2; i++)
		if (uses[i] >= 0 && count < size)
			descriptors[count++] = (struct pollfd){ .fd = uses[i], .events = POLLPRI };
	return count;
}

struct isif_snapshot *isif_monitor_snapshot(const struct isif_monitor *monitor)
{
	return monitor->snapshot;
}

void isif_monitor_counters_wanted(struct isif_monitor *monitor)
{
	if (!monitor->own_sysfs && monitor_now() - monitor->counters_read >= COUNTERS_AGE_MS)
		monitor->sockets_due = true;
}

void isif_monitor_ports_wanted(struct isif_monitor *monitor)
{
	if (monitor->port_count && !monitor->ports_reading.under_way &&
	    monitor_now() - monitor->ports_read >= PORTS_AGE_MS)
		monitor->ports_due = true;
}

void isif_monitor_configure(struct isif_monitor *monitor,
			    const struct isif_monitor_configuration *configuration)
{
	monitor->resync_interval = (uint64_t)configuration->resync_interval * 1000;
	schedule_resync(monitor);
	monitor->rebind_mode = configuration->rebind_mode;
	job_runner_set_history(monitor->jobs, configuration->job_history);
	if (configuration->event_history)
		event_log_set_limit(monitor->events, configuration->event_history);
	if (configuration->iscsiadm_timeout)
		job_runner_set_iscsiadm_timeout(monitor->jobs,
						configuration->iscsiadm_timeout * 1000);
	job_runner_set_session_terms(monitor->jobs, configuration->session_timeout * 1000,
				     !configuration->force_counts);
	state_configure(monitor->state, configuration->hold_down, configuration->rebind_mode);
	monitor->dirty = true;
	if (configuration->writes && !monitor->writes)
		look_at_backup(monitor);
	if (!configuration->writes)
		job_suspend(monitor->jobs);
	monitor->writes = configuration->writes;
}

struct isif_job_list isif_monitor_jobs(const struct isif_monitor *monitor)
{
	return job_list(monitor->jobs);
}

uint32_t isif_monitor_kept(const struct isif_monitor *monitor, enum isif_kept_number which)
{
	return state_kept(monitor->state, which);
}

/* Want of memory is told once, wherever it was: see told(). */
static enum isif_error failed(const struct isif_monitor *monitor, const char *what,
			      enum isif_error error)
{
	if (error != ISIF_NO_MEMORY)
		isif_log_line(&monitor->log, ISIF_LOG_ERROR, "%s: %s", what,
			      isif_error_text(error));
	return error;
}

static enum isif_error told(const struct isif_log *log, enum isif_error error)
{
	if (error == ISIF_NO_MEMORY)
		isif_log_line(log, ISIF_LOG_ERROR, "out of memory: the records cannot be read");
	return error;
}

static enum isif_error open_kernel(struct isif_monitor *monitor, const char *root)
{
	enum isif_error error = isif_rtnetlink_open(&monitor->rtnetlink);

	if (error)
		return failed(monitor, "cannot open rtnetlink", error);
	error = isif_network_read(monitor->rtnetlink, &monitor->network);
	if (error)
		return failed(monitor, "cannot read the network devices", error);
	error = isif_sysfs_open(root, &monitor->log, &monitor->sysfs);
	if (error)
		return failed(monitor, root ? root : "cannot open /sys", error);
	monitor->own_sysfs = root;
	if (!root) {
		error = isif_uevents_open(&monitor->log, &monitor->uevents);
		if (error)
			return failed(monitor, "cannot listen to udev", error);
		error = isif_sock_diag_open(&monitor->sock_diag);
		if (error)
			return failed(monitor, "cannot open SOCK_DIAG", error);
	}
	return isif_daemon_open(monitor->privileged, &monitor->daemon);
}

static enum isif_error read_everything(struct isif_monitor *monitor)
{
	look_at_kernel(monitor);
	look_at_daemon(monitor);
	look_at_initiator(monitor);
	monitor->uses_seen = isif_sysfs_uses_generation(monitor->sysfs);
	monitor_list_sessions(monitor);
	monitor->ports_due = monitor->sockets_due = true;
	do
		work(monitor, UINT64_MAX);
	while (!isif_database_is_loaded(monitor->database));
	schedule_resync(monitor);
	return monitor_build(monitor);
}

enum isif_error isif_monitor_open(const struct isif_monitor_options *options,
				  struct isif_monitor **result)
{
	struct isif_monitor *monitor = calloc(1, sizeof(*monitor));
	enum isif_error error;

	if (!monitor) {
		isif_privileged_close(options->gate);
		return told(&options->log, ISIF_NO_MEMORY);
	}
	monitor->log = options->log;
	monitor->privileged = options->gate;
	monitor->iscsi_events = -1;
	monitor->rebind_mode =
		options->rebind_mode ? options->rebind_mode : ISIF_REBIND_RECORD_ONLY;
	monitor->resync_interval = (uint64_t)options->resync_interval * 1000;
	monitor->names = isif_names_new();
	if (monitor->names)
		monitor->record_directory = isif_name_get(monitor->names, monitor->privileged->root,
							  strlen(monitor->privileged->root));
	error = monitor->record_directory ? open_kernel(monitor, options->sysfs) : ISIF_NO_MEMORY;
	if (error) {
		isif_monitor_close(monitor);
		return told(&options->log, error);
	}
	*result = monitor;
	return ISIF_OK;
}

/* What was kept across the restart. */
static enum isif_error read_state(struct isif_monitor *monitor)
{
	enum isif_error error =
		state_open(monitor->privileged, monitor->names, &monitor->log, &monitor->state);

	if (!error)
		error = job_runner_open(monitor->privileged, monitor->names, &monitor->log,
					&monitor->jobs);
	if (error)
		return error;
	job_runner_set_rtnetlink(monitor->jobs, monitor->rtnetlink);
	job_runner_set_state(monitor->jobs, monitor->state);
	job_runner_set_listener(monitor->jobs, monitor_tell_job, monitor);
	return event_log_open(monitor->privileged, monitor->names, &monitor->log,
			      monitor->state->boot, &monitor->events);
}

enum isif_error isif_monitor_start(struct isif_monitor *monitor)
{
	enum isif_error error = isif_database_open(monitor->privileged, monitor->names,
						   &monitor->log, &monitor->database);

	if (!error)
		error = read_state(monitor);
	if (error)
		return told(&monitor->log, error);
	isif_monitor_tell(monitor, ISIF_HAPPENED_AGENT_STARTED, "the agent started");
	return told(&monitor->log, read_everything(monitor));
}

void isif_monitor_close(struct isif_monitor *monitor)
{
	if (!monitor)
		return;
	job_runner_close(monitor->jobs);
	monitor_close_events(monitor);
	if (monitor->state)
		monitor_save(monitor);
	isif_snapshot_release(monitor->snapshot);
	if (monitor->privileged)
		monitor_forget_looks(monitor);
	monitor_free_sessions(monitor);
	monitor_free_ports(monitor);
	free(monitor->transports);
	state_close(monitor->state);
	isif_daemon_close(monitor->daemon);
	cleanup_close_descriptor(&monitor->iscsi_events);
	isif_uevents_close(monitor->uevents);
	isif_sysfs_close(monitor->sysfs);
	isif_sock_diag_close(monitor->sock_diag);
	isif_network_release(monitor->network);
	isif_rtnetlink_close(monitor->rtnetlink);
	isif_database_close(monitor->database);
	isif_privileged_close(monitor->privileged);
	isif_name_release(monitor->initiator_name);
	isif_name_release(monitor->record_directory);
	isif_names_free(monitor->names);
	free(monitor);
}
