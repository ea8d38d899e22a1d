/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model.h"

#include <stdlib.h>
#include <string.h>

/* How good a session is as the one of its binding. */
static int rank(const struct observed_session *session)
{
	if (session->gone)
		return 0;
	switch (session->kernel->state) {
	case ISIF_SESSION_LOGGED_IN:
		return 4;
	case ISIF_SESSION_FAILED:
		return 3;
	case ISIF_SESSION_FREE:
		return 2;
	case ISIF_SESSION_UNKNOWN:
		break;
	}
	return 1;
}

/*
 * What a session should run over: its iface's record, or, where that is gone, the copy in its
 * node record. Without either nothing is asked for.
 */
static struct wanted_path wanted_by(const struct build *build,
				    const struct isif_kernel_session *session,
				    const struct binding_join *binding)
{
	struct iface_join plain = { .transport = "" }, *iface = binding ? binding->iface : NULL;
	struct isif_name *name;

	if (!iface) {
		name = isif_name_get(build->world->names, session->iface, strlen(session->iface));
		iface = name ? model_find_iface(build, name) : NULL;
		isif_name_release(name);
	}
	if (iface)
		return iface->wanted;
	if (!binding)
		return (struct wanted_path){ .bound_by = ISIF_BOUND_NONE };
	model_iface_settings(binding->node->copy, &plain);
	model_wanted_path(build->world->network, &plain);
	return plain.wanted;
}

static bool same_counters(const struct isif_session_counters *a,
			  const struct isif_session_counters *b)
{
	return a->known == b->known && a->sent == b->sent && a->received == b->received &&
	       a->rtt == b->rtt && a->retransmits == b->retransmits && a->path_mtu == b->path_mtu;
}

static bool same_row(const struct isif_session *a, const struct isif_session *b)
{
	return a->kernel == b->kernel && a->binding == b->binding && a->path == b->path &&
	       a->path_link == b->path_link && a->errors == b->errors &&
	       a->discontinuity == b->discontinuity && same_counters(&a->counters, &b->counters);
}

static struct isif_session *previous_row(const struct build *build, uint32_t sid)
{
	const struct isif_snapshot *previous = build->previous;
	uint32_t low = 0, high = previous ? previous->session_count : 0;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (previous->sessions[middle]->kernel->sid == sid)
			return previous->sessions[middle];
		if (previous->sessions[middle]->kernel->sid < sid)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

static struct isif_session *make_row(struct build *build, const struct observed_session *session,
				     const struct binding_join *binding, enum isif_path path)
{
	struct isif_session fresh = {
		.references = 1,
		.kernel = session->kernel,
		.binding = binding ? binding->memory->index : 0,
		.path = path,
		.path_link = session->path_known && isif_network_link(build->world->network,
								      session->path_link)
				     ? session->path_link
				     : 0,
		.errors = session->errors,
		.discontinuity = session->discontinuity,
		.counters = session->counters,
	};
	struct isif_session *old = previous_row(build, session->kernel->sid), *row;

	if (old && same_row(old, &fresh)) {
		old->references++;
		return old;
	}
	build->state_changed |= !old || old->kernel != fresh.kernel || old->path != path ||
				old->path_link != fresh.path_link;
	row = malloc(sizeof(*row));
	if (!row)
		return NULL;
	*row = fresh;
	isif_kernel_session_hold(row->kernel);
	return row;
}

/* Who uses a disk: what a look found is more than what the disk says by itself. */
static void take_use(const struct world *world, struct isif_disk_row *row, size_t *at)
{
	row->use = row->disk->use;
	memcpy(row->user, row->disk->user, sizeof(row->user));
	while (*at < world->look_count && world->looks[*at].sid < row->sid)
		++*at;
	for (size_t i = *at; i < world->look_count && world->looks[i].sid == row->sid; i++) {
		if (strcmp(world->looks[i].device, row->disk->device) != 0)
			continue;
		row->use = world->looks[i].use;
		memcpy(row->user, world->looks[i].user, sizeof(row->user));
		return;
	}
}

static enum isif_error add_disks(const struct world *world, struct isif_snapshot *snapshot)
{
	size_t count = 0, at = 0;

	for (uint32_t i = 0; i < snapshot->session_count; i++)
		count += snapshot->sessions[i]->kernel->disk_count;
	snapshot->disks = calloc(count + 1, sizeof(*snapshot->disks));
	if (!snapshot->disks)
		return ISIF_NO_MEMORY;
	for (uint32_t i = 0; i < snapshot->session_count; i++) {
		const struct isif_session *session = snapshot->sessions[i];
		const struct isif_disk *disks = session->kernel->disks;

		for (uint32_t j = 0; j < session->kernel->disk_count; j++)
			if (!j || disks[j].lun != disks[j - 1].lun) {
				struct isif_disk_row *row =
					&snapshot->disks[snapshot->disk_count++];

				*row = (struct isif_disk_row){ .sid = session->kernel->sid,
							       .disk = &disks[j] };
				take_use(world, row, &at);
			}
	}
	return ISIF_OK;
}

enum isif_error model_sessions(struct build *build)
{
	const struct world *world = build->world;
	struct isif_snapshot *snapshot = build->snapshot;

	snapshot->sessions = calloc(world->session_count + 1, sizeof(*snapshot->sessions));
	if (!snapshot->sessions)
		return ISIF_NO_MEMORY;
	for (size_t i = 0; i < world->session_count; i++) {
		const struct observed_session *session = world->sessions[i];
		struct binding_join *binding = model_find_binding(build, session->kernel);
		struct wanted_path wanted = wanted_by(build, session->kernel, binding);
		enum isif_path path = model_path(world->network, &wanted, session);
		struct isif_session *row;

		if (binding && (!binding->session || rank(session) > rank(binding->session))) {
			binding->session = session;
			binding->path = path;
		}
		if (session->gone) {
			build->state_changed = true;
			continue;
		}
		row = make_row(build, session, binding, path);
		if (!row)
			return ISIF_NO_MEMORY;
		snapshot->sessions[snapshot->session_count++] = row;
	}
	for (size_t i = 0; i < build->binding_count; i++)
		if (!build->bindings[i].session)
			build->bindings[i].path = ISIF_PATH_NOT_APPLICABLE;
	return add_disks(world, snapshot);
}
