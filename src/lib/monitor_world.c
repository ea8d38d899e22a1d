/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "monitor.h"

#include "array.h"
#include "model.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

/* The world with the arrays that it borrows. */
struct gathering {
	struct world world;
	size_t iface_size, node_size;
	bool failed;
};

static void gather_iface(void *context, struct isif_iface_record *iface, const char *file)
{
	struct gathering *gathering = context;
	struct world *world = &gathering->world;
	size_t size = gathering->iface_size;

	if (gathering->failed)
		return;
	if (!array_reserve(&world->ifaces, &gathering->iface_size, world->iface_count,
			   sizeof(*world->ifaces)) ||
	    !array_reserve(&world->iface_files, &size, world->iface_count,
			   sizeof(*world->iface_files))) {
		gathering->failed = true;
		return;
	}
	world->ifaces[world->iface_count] = iface;
	world->iface_files[world->iface_count++] = file;
}

static void gather_node(void *context, struct isif_node *node)
{
	struct gathering *gathering = context;
	struct world *world = &gathering->world;

	if (!array_reserve(&world->nodes, &gathering->node_size, world->node_count,
			   sizeof(*world->nodes))) {
		gathering->failed = true;
		return;
	}
	world->nodes[world->node_count++] = node;
}

static void gather_sessions(const struct isif_monitor *monitor, struct gathering *gathering)
{
	struct world *world = &gathering->world;

	world->sessions = calloc(monitor->session_count + 1, sizeof(*world->sessions));
	if (!world->sessions) {
		gathering->failed = true;
		return;
	}
	for (size_t i = 0; i < monitor->session_count; i++)
		world->sessions[world->session_count++] = &monitor->sessions[i]->seen;
}

static void gather(const struct isif_monitor *monitor, struct gathering *gathering)
{
	struct isif_database_counts counts;

	isif_database_counts(monitor->database, &counts);
	gathering->world = (struct world){
		.names = monitor->names,
		.transports = monitor->transports,
		.transport_count = monitor->transport_count,
		.ports = monitor->ports,
		.port_count = monitor->port_count,
		.looks = monitor->looks.disks,
		.look_count = monitor->looks.count,
		.network = monitor->network,
		.initiator_name = monitor->initiator_name,
		.record_directory = monitor->record_directory,
		.daemon_status = monitor->daemon_status,
		.rebind_mode = monitor->rebind_mode,
		.kernel_up = monitor->kernel_up,
		.config_changed = monitor->config_changed,
		.bad_records = counts.bad_records,
		.port_readings = monitor->port_readings,
		.resyncs = monitor->resyncs,
		.overflows = monitor->overflows,
		.mono = monitor_now(),
		.wall = time(NULL),
		.log = &monitor->log,
	};
	isif_database_each_iface(monitor->database, gather_iface, gathering);
	isif_database_each_node(monitor->database, gather_node, gathering);
	gather_sessions(monitor, gathering);
}

void monitor_save(struct isif_monitor *monitor)
{
	enum isif_error error = state_save(monitor->state);
	bool again = monitor->events && event_log_sync(monitor->events);

	monitor->save_due = error || again ? monitor_now() + MONITOR_AGAIN_MS : 0;
	if (error && !monitor->save_failed)
		isif_log_line(
			&monitor->log, ISIF_LOG_ERROR,
			"cannot write the state file (" STATE_FILE
			" in the state directory): %s; after a restart bindings may have other "
			"indexes (option -s names that directory)",
			isif_error_text(error));
	monitor->save_failed = error;
}

enum isif_error monitor_build(struct isif_monitor *monitor)
{
	struct gathering gathering = { 0 };
	struct isif_snapshot *snapshot = NULL, *before;
	enum isif_error error = ISIF_NO_MEMORY;

	gather(monitor, &gathering);
	if (!gathering.failed)
		error = model_build(&gathering.world, monitor->state, monitor->snapshot, &snapshot);
	free(gathering.world.ifaces);
	free(gathering.world.iface_files);
	free(gathering.world.nodes);
	free(gathering.world.sessions);
	if (error)
		return error;
	before = monitor->snapshot;
	monitor->snapshot = snapshot;
	monitor->dirty = monitor->config_changed = false;
	monitor_tell_differences(monitor, before);
	isif_snapshot_release(before);
	if (monitor->state->indexes_changed)
		monitor_save(monitor);
	else if (monitor->state->changed && !monitor->save_due)
		monitor->save_due = monitor_now() + MONITOR_SAVE_MS;
	monitor_forget_gone_sessions(monitor);
	return ISIF_OK;
}
