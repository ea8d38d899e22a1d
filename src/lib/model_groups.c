/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tables that sum up: transports, targets, and the host's scalars. */
#include "model.h"

#include "hash.h"

#include <stdlib.h>
#include <string.h>

#define TRANSPORT_LIMIT 15

static struct isif_transport *find_transport(struct isif_snapshot *snapshot,
					     const struct isif_name *name)
{
	for (uint32_t i = 0; i < snapshot->transport_count; i++)
		if (snapshot->transports[i]->name == name)
			return snapshot->transports[i];
	return NULL;
}

static struct isif_transport *see_transport(struct build *build, const char *text)
{
	struct isif_snapshot *snapshot = build->snapshot;
	size_t length = strnlen(text, TRANSPORT_LIMIT + 1);
	struct isif_transport *row, **rows;
	struct isif_name *name;

	if (!length || length > TRANSPORT_LIMIT)
		return NULL;
	name = isif_name_get(build->world->names, text, length);
	row = name ? find_transport(snapshot, name) : NULL;
	if (row || !name) {
		isif_name_release(name);
		return row;
	}
	rows = reallocarray(snapshot->transports, snapshot->transport_count + 1, sizeof(*rows));
	row = calloc(1, sizeof(*row));
	if (rows)
		snapshot->transports = rows;
	if (!rows || !row) {
		isif_name_release(name);
		free(row);
		return NULL;
	}
	*row = (struct isif_transport){ .references = 1,
					.name = name,
					.software = isif_transport_is_software(text) };
	rows[snapshot->transport_count++] = row;
	return row;
}

static int compare_transports(const void *a, const void *b)
{
	const struct isif_name *one = (*(struct isif_transport *const *)a)->name;
	const struct isif_name *other = (*(struct isif_transport *const *)b)->name;

	return isif_index_compare(one->text, one->length, other->text, other->length);
}

enum isif_error model_transports(struct build *build)
{
	struct isif_snapshot *snapshot = build->snapshot;
	const struct world *world = build->world;
	struct isif_transport *row;

	if (!see_transport(build, "tcp") || !see_transport(build, "iser"))
		return ISIF_NO_MEMORY;
	for (size_t i = 0; i < world->transport_count; i++)
		if ((row = see_transport(build, world->transports[i].name)))
			row->loaded = true;
	for (size_t i = 0; i < build->iface_count; i++)
		if ((row = see_transport(build, build->ifaces[i].transport)))
			row->ifaces++;
	for (uint32_t i = 0; i < snapshot->session_count; i++)
		if ((row = see_transport(build, snapshot->sessions[i]->kernel->transport)))
			row->sessions++;
	qsort(snapshot->transports, snapshot->transport_count, sizeof(*snapshot->transports),
	      compare_transports);
	return ISIF_OK;
}

static bool target_matches(const void *item, const void *key)
{
	return ((const struct isif_target *)item)->name == key;
}

static struct isif_target *see_target(struct build *build, struct hash *targets,
				      struct isif_name *name)
{
	struct isif_snapshot *snapshot = build->snapshot;
	struct isif_target *row = hash_find(targets, name->hash, target_matches, name);
	struct target_memory *memory;

	if (row)
		return row;
	memory = state_target(build->state, name);
	row = memory ? calloc(1, sizeof(*row)) : NULL;
	if (!row)
		return NULL;
	memory->generation = build->state->generation;
	*row = (struct isif_target){ .references = 1,
				     .index = memory->index,
				     .name = isif_name_hold(name) };
	if (!hash_add(targets, name->hash, row)) {
		isif_name_release(row->name);
		free(row);
		return NULL;
	}
	snapshot->targets[snapshot->target_count++] = row;
	return row;
}

static bool is_lost(const struct isif_binding *binding)
{
	return binding->admin_status == ISIF_ADMIN_LOGGED_IN &&
	       (binding->oper_status == ISIF_OPER_RECOVERING ||
		binding->oper_status == ISIF_OPER_LOST ||
		binding->oper_status == ISIF_OPER_MISROUTED ||
		binding->oper_status == ISIF_OPER_FAILED);
}

static bool wwid_matches(const void *item, const void *key)
{
	return !strcmp(((const struct isif_disk *)item)->wwid, key);
}

/* Counts the disks of one session that no session of the target before it has shown. */
static bool count_disks(struct isif_target *target, const struct isif_kernel_session *session,
			struct hash *wwids)
{
	for (uint32_t i = 0; i < session->disk_count; i++) {
		struct isif_disk *disk = &session->disks[i];
		uint32_t hash = hash_octets(target->index, disk->wwid, strlen(disk->wwid));

		/* A disk that tells no identity cannot be known to be another one's twin. */
		if (*disk->wwid && hash_find(wwids, hash, wwid_matches, disk->wwid))
			continue;
		target->disks++;
		if (*disk->wwid && !hash_add(wwids, hash, disk))
			return false;
	}
	return true;
}

static int compare_targets(const void *a, const void *b)
{
	uint32_t one = (*(struct isif_target *const *)a)->index;
	uint32_t other = (*(struct isif_target *const *)b)->index;

	return (one > other) - (one < other);
}

static enum isif_error sum_targets(struct build *build, struct hash *targets, struct hash *wwids)
{
	struct isif_snapshot *snapshot = build->snapshot;

	snapshot->targets = calloc((size_t)snapshot->binding_count + snapshot->session_count + 1,
				   sizeof(*snapshot->targets));
	if (!snapshot->targets)
		return ISIF_NO_MEMORY;
	for (uint32_t i = 0; i < snapshot->binding_count; i++) {
		const struct isif_binding *binding = snapshot->bindings[i];
		struct isif_target *target = see_target(build, targets, binding->node->target);

		if (!target)
			return ISIF_NO_MEMORY;
		target->bindings++;
		target->bindings_wanted += binding->admin_status == ISIF_ADMIN_LOGGED_IN;
		target->bindings_up += binding->oper_status == ISIF_OPER_LOGGED_IN;
		target->bindings_wanted_up += binding->admin_status == ISIF_ADMIN_LOGGED_IN &&
					      binding->oper_status == ISIF_OPER_LOGGED_IN;
		target->bindings_lost += is_lost(binding);
	}
	for (uint32_t i = 0; i < snapshot->session_count; i++) {
		const struct isif_kernel_session *session = snapshot->sessions[i]->kernel;
		struct isif_name *name = isif_name_get(build->world->names, session->target,
						       strlen(session->target));
		struct isif_target *target =
			name && name->length ? see_target(build, targets, name) : NULL;

		isif_name_release(name);
		if (target && !count_disks(target, session, wwids))
			return ISIF_NO_MEMORY;
	}
	return ISIF_OK;
}

enum isif_error model_targets(struct build *build)
{
	struct isif_snapshot *snapshot = build->snapshot;
	struct hash targets = { 0 }, wwids = { 0 };
	enum isif_error error = sum_targets(build, &targets, &wwids);

	hash_clear(&targets);
	hash_clear(&wwids);
	if (error)
		return error;
	for (uint32_t i = 0; i < snapshot->target_count; i++) {
		struct isif_target *target = snapshot->targets[i];

		target->oper_status =
			model_group_status(target->bindings_wanted, target->bindings_wanted_up);
	}
	qsort(snapshot->targets, snapshot->target_count, sizeof(*snapshot->targets),
	      compare_targets);
	return ISIF_OK;
}

static enum isif_host_status host_status(const struct isif_snapshot *snapshot)
{
	bool wanted = false, degraded = false;

	for (uint32_t i = 0; i < snapshot->target_count; i++)
		if (snapshot->targets[i]->oper_status == ISIF_GROUP_DOWN)
			return ISIF_HOST_CRITICAL;
	for (uint32_t i = 0; i < snapshot->binding_count; i++) {
		const struct isif_binding *binding = snapshot->bindings[i];

		if (binding->admin_status != ISIF_ADMIN_LOGGED_IN)
			continue;
		wanted = true;
		degraded |= binding->oper_status != ISIF_OPER_LOGGED_IN ||
			    binding->in_sync != ISIF_BINDING_IN_SYNC;
	}
	if (!wanted)
		return ISIF_HOST_IDLE;
	return degraded ? ISIF_HOST_DEGRADED : ISIF_HOST_OK;
}

void model_summary(struct build *build)
{
	const struct world *world = build->world;
	struct isif_snapshot *snapshot = build->snapshot;
	struct isif_summary *summary = &snapshot->summary;
	const struct isif_summary *before = build->previous ? &build->previous->summary : NULL;

	*summary = (struct isif_summary){
		.initiator_name = isif_name_hold(world->initiator_name),
		.record_directory = isif_name_hold(world->record_directory),
		.daemon_status = world->daemon_status,
		.kernel_up = world->kernel_up,
		.host_status = host_status(snapshot),
		.bad_records = world->bad_records + build->unusable,
		.port_readings = world->port_readings,
		.resyncs = world->resyncs,
		.overflows = world->overflows,
		.next_binding_index = build->state->manager_index % (STATE_FIRST_INDEX - 1) + 1,
	};
	for (uint32_t i = 0; i < snapshot->binding_count; i++) {
		summary->bindings_up += snapshot->bindings[i]->oper_status == ISIF_OPER_LOGGED_IN;
		summary->bindings_lost += is_lost(snapshot->bindings[i]);
	}
	for (uint32_t i = 0; i < snapshot->target_count; i++)
		summary->single_path_targets += snapshot->targets[i]->bindings_up == 1;
	if (!before)
		return;
	build->state_changed |= before->daemon_status != summary->daemon_status ||
				before->kernel_up != summary->kernel_up ||
				before->host_status != summary->host_status;
	summary->config_last_change =
		world->config_changed ? world->mono : before->config_last_change;
	summary->state_last_change = build->state_changed ? world->mono : before->state_last_change;
}
