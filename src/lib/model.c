/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model.h"

#include "hash.h"

#include <stdlib.h>
#include <string.h>

int isif_index_compare(const char *a, size_t a_length, const char *b, size_t b_length)
{
	if (a_length != b_length)
		return a_length < b_length ? -1 : 1;
	return memcmp(a, b, a_length);
}

static void release_transport(struct isif_transport *row)
{
	if (--row->references)
		return;
	isif_name_release(row->name);
	free(row);
}

static void release_iface(struct isif_iface *row)
{
	if (--row->references)
		return;
	isif_name_release(row->name);
	isif_record_release(row->record);
	free(row);
}

static void release_binding(struct isif_binding *row)
{
	if (--row->references)
		return;
	isif_node_release(row->node);
	isif_name_release(row->last_error);
	free(row);
}

static void release_session(struct isif_session *row)
{
	if (--row->references)
		return;
	isif_kernel_session_release(row->kernel);
	free(row);
}

static void release_port(struct isif_port *row)
{
	if (--row->references)
		return;
	isif_kernel_port_release(row->kernel);
	isif_name_release(row->iface);
	free(row);
}

static void release_target(struct isif_target *row)
{
	if (--row->references)
		return;
	isif_name_release(row->name);
	free(row);
}

struct isif_snapshot *isif_snapshot_hold(struct isif_snapshot *snapshot)
{
	if (snapshot)
		snapshot->references++;
	return snapshot;
}

#define RELEASE_ROWS(snapshot, rows, count, release)                                               \
	do {                                                                                       \
		for (uint32_t i_ = 0; i_ < (snapshot)->count; i_++)                                \
			release((snapshot)->rows[i_]);                                             \
		free((snapshot)->rows);                                                            \
	} while (0)

void isif_snapshot_release(struct isif_snapshot *snapshot)
{
	if (!snapshot || --snapshot->references)
		return;
	RELEASE_ROWS(snapshot, transports, transport_count, release_transport);
	free(snapshot->settings);
	RELEASE_ROWS(snapshot, ifaces, iface_count, release_iface);
	RELEASE_ROWS(snapshot, bindings, binding_count, release_binding);
	free(snapshot->disks);
	RELEASE_ROWS(snapshot, sessions, session_count, release_session);
	RELEASE_ROWS(snapshot, ports, port_count, release_port);
	RELEASE_ROWS(snapshot, targets, target_count, release_target);
	isif_name_release(snapshot->summary.initiator_name);
	isif_name_release(snapshot->summary.record_directory);
	isif_network_release(snapshot->network);
	free(snapshot);
}

/* The steps, each of which needs what those before it found. */
static enum isif_error join(struct build *build)
{
	enum isif_error (*const steps[])(struct build *) = {
		model_ifaces_collect, model_bindings_collect, model_sessions, model_bindings,
		model_ifaces,	      model_transports,	      model_ports,    model_targets,
	};

	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
		enum isif_error error = steps[i](build);

		if (error)
			return error;
	}
	model_summary(build);
	return ISIF_OK;
}

static void clear_build(struct build *build)
{
	for (size_t i = 0; i < build->iface_count; i++)
		isif_name_release(build->ifaces[i].name);
	free(build->ifaces);
	free(build->bindings);
	hash_clear(&build->ifaces_by_name);
	hash_clear(&build->nodes_by_key);
}

enum isif_error model_build(const struct world *world, struct state *state,
			    const struct isif_snapshot *previous, struct isif_snapshot **result)
{
	struct build build = { .world = world, .state = state, .previous = previous };
	enum isif_error error;

	build.snapshot = calloc(1, sizeof(*build.snapshot));
	if (!build.snapshot)
		return ISIF_NO_MEMORY;
	build.snapshot->references = 1;
	build.snapshot->network = isif_network_hold(world->network);
	state_begin(state);
	error = join(&build);
	if (!error)
		state_end(state, world->wall);
	clear_build(&build);
	if (error)
		isif_snapshot_release(build.snapshot);
	else
		*result = build.snapshot;
	return error;
}
