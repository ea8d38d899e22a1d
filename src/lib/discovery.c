/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "discovery.h"

#include "array.h"
#include "discovery_output.h"
#include "node.h"

#include <stdlib.h>
#include <string.h>

/* --- what it found --- */

static int compare_found(const void *a, const void *b)
{
	const struct found *one = a, *other = b;
	int difference = strcmp(one->target->text, other->target->text);

	if (!difference)
		difference = strcmp(one->address->text, other->address->text);
	if (!difference)
		difference = (int)one->port - (int)other->port;
	if (!difference)
		difference = one->tpgt - other->tpgt;
	return difference;
}

static void release_found(const struct found *found)
{
	isif_name_release(found->target);
	isif_name_release(found->address);
}

static bool add_found(struct discovery *discovery, const struct discovery_line *line)
{
	struct isif_names *names = discovery->ifaces[0]->table;
	struct found *found;

	if (!array_reserve(&discovery->found, &discovery->found_size, discovery->found_count,
			   sizeof(*found)))
		return false;
	found = &discovery->found[discovery->found_count];
	*found = (struct found){
		.target = isif_name_get(names, line->target, strlen(line->target)),
		.address = isif_name_get(names, line->address, strlen(line->address)),
		.port = line->port,
		.tpgt = line->tpgt,
	};
	if (found->target && found->address) {
		discovery->found_count++;
		return true;
	}
	release_found(found);
	return false;
}

/* A portal has a line for each iface that it was bound to. */
static void sort_found(struct discovery *discovery)
{
	size_t kept = 0;

	if (discovery->found_count)
		qsort(discovery->found, discovery->found_count, sizeof(*discovery->found),
		      compare_found);
	for (size_t i = 0; i < discovery->found_count; i++)
		if (kept && !compare_found(&discovery->found[kept - 1], &discovery->found[i]))
			release_found(&discovery->found[i]);
		else
			discovery->found[kept++] = discovery->found[i];
	discovery->found_count = kept;
}

bool discovery_read(struct discovery *discovery, const struct isif_command_outcome *outcome)
{
	const char *at = outcome->output, *end = at + outcome->length;
	struct discovery_line line;
	bool good = true;

	discovery->cut = outcome->cut;
	while (good && discovery_line_next(&at, end, &line)) {
		if (line.kind == DISCOVERY_LINE_PORTAL)
			good = add_found(discovery, &line);
		else if (line.kind == DISCOVERY_LINE_ODD && !discovery->odd++)
			discovery_line_show(&line, discovery->odd_line,
					    sizeof(discovery->odd_line));
	}
	sort_found(discovery);
	return good;
}

static struct found *found_of(const struct discovery *discovery, const struct isif_node *node)
{
	const struct found key = {
		.target = node->target,
		.address = node->address,
		.port = node->port,
		.tpgt = node->tpgt,
	};

	return discovery->found_count ? bsearch(&key, discovery->found, discovery->found_count,
						sizeof(*discovery->found), compare_found)
				      : NULL;
}

/* --- which ifaces --- */

static bool add_iface(struct discovery *discovery, struct isif_name *iface)
{
	if (!array_reserve(&discovery->ifaces, &discovery->iface_size, discovery->iface_count,
			   sizeof(iface)))
		return false;
	discovery->ifaces[discovery->iface_count++] = isif_name_hold(iface);
	return true;
}

/*
 * Those that are bound where none is named: every record of a tcp iface, else the built-in one
 * (usr/idbm.c:idbm_bind_ifaces_to_nodes).
 */
static bool add_all_ifaces(struct discovery *discovery)
{
	const struct isif_snapshot *snapshot = discovery->before;
	struct isif_name *built_in = NULL;

	for (uint32_t i = 0; i < snapshot->iface_count; i++) {
		const struct isif_iface *iface = snapshot->ifaces[i];

		if (iface->kind == ISIF_KIND_BUILT_IN && !strcmp(iface->name->text, "default"))
			built_in = iface->name;
		if (iface->record && !strcmp(iface->transport, "tcp") &&
		    !add_iface(discovery, iface->name))
			return false;
	}
	return discovery->iface_count || (built_in && add_iface(discovery, built_in));
}

static bool has_iface(const struct discovery *discovery, const struct isif_name *iface)
{
	for (size_t i = 0; i < discovery->iface_count; i++)
		if (discovery->ifaces[i] == iface)
			return true;
	return false;
}

/* --- what the snapshots say --- */

static int compare_index(const void *key, const void *element)
{
	uint32_t index = *(const uint32_t *)key;
	const struct isif_binding *binding = *(struct isif_binding *const *)element;

	return (index > binding->index) - (index < binding->index);
}

static const struct isif_binding *binding_with(const struct isif_snapshot *snapshot, uint32_t index)
{
	struct isif_binding **binding =
		snapshot->binding_count
			? bsearch(&index, snapshot->bindings, snapshot->binding_count,
				  sizeof(*snapshot->bindings), compare_index)
			: NULL;

	return binding ? *binding : NULL;
}

bool discovery_is_fresh(const struct discovery *discovery, const struct isif_binding *binding)
{
	return has_iface(discovery, binding->node->iface) && found_of(discovery, binding->node) &&
	       !binding_with(discovery->before, binding->index);
}

uint32_t discovery_count_fresh(const struct discovery *discovery)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < discovery->seen->binding_count; i++)
		count += discovery_is_fresh(discovery, discovery->seen->bindings[i]);
	return count;
}

static uint64_t count_bound(struct discovery *discovery)
{
	uint64_t count = 0;

	for (size_t i = 0; i < discovery->found_count; i++)
		discovery->found[i].bound = 0;
	for (uint32_t i = 0; i < discovery->seen->binding_count; i++) {
		const struct isif_node *node = discovery->seen->bindings[i]->node;
		struct found *found =
			has_iface(discovery, node->iface) ? found_of(discovery, node) : NULL;

		if (found) {
			found->bound++;
			count++;
		}
	}
	return count;
}

/*
 * "-o new" changes no record (usr/idbm.c:idbm_add_node). The copy of an iface that agrees with it
 * by now was rewritten by a job of ours.
 */
static bool is_changed(const struct isif_binding *before, const struct isif_binding *now)
{
	if (!now)
		return true;
	return !node_equal(before->node, now->node) &&
	       (before->node->startup != now->node->startup ||
		now->in_sync == ISIF_BINDING_RECORD_DIFFERS);
}

const struct isif_node *discovery_changed(const struct discovery *discovery)
{
	for (uint32_t i = 0; i < discovery->before->binding_count; i++) {
		const struct isif_binding *binding = discovery->before->bindings[i];

		if (found_of(discovery, binding->node) &&
		    is_changed(binding, binding_with(discovery->seen, binding->index)))
			return binding->node;
	}
	return NULL;
}

static const struct isif_name *missing_iface(const struct discovery *discovery,
					     const struct found *found)
{
	for (size_t i = 0; i < discovery->iface_count; i++) {
		bool there = false;

		for (uint32_t j = 0; j < discovery->seen->binding_count && !there; j++) {
			const struct isif_node *node = discovery->seen->bindings[j]->node;

			there = node->iface == discovery->ifaces[i] &&
				found_of(discovery, node) == found;
		}
		if (!there)
			return discovery->ifaces[i];
	}
	return NULL;
}

const struct found *discovery_missing(const struct discovery *discovery,
				      const struct isif_name **iface)
{
	const struct found *found = discovery->found;

	while (found->bound >= discovery->iface_count)
		found++;
	*iface = missing_iface(discovery, found);
	return found;
}

uint32_t discovery_count_targets(const struct discovery *discovery)
{
	uint32_t count = 0;

	for (size_t i = 0; i < discovery->found_count; i++)
		count += !i || discovery->found[i].target != discovery->found[i - 1].target;
	return count;
}

void discovery_look(struct discovery *discovery, struct isif_snapshot *snapshot)
{
	isif_snapshot_release(discovery->seen);
	discovery->seen = isif_snapshot_hold(snapshot);
	discovery->bound = count_bound(discovery);
	discovery->missing = discovery->found_count * discovery->iface_count - discovery->bound;
}

/* --- begin and end --- */

bool discovery_start(struct discovery *discovery, struct isif_snapshot *before,
		     struct isif_name *iface)
{
	discovery->before = isif_snapshot_hold(before);
	return iface->length ? add_iface(discovery, iface) : add_all_ifaces(discovery);
}

void discovery_clear(struct discovery *discovery)
{
	for (size_t i = 0; i < discovery->found_count; i++)
		release_found(&discovery->found[i]);
	free(discovery->found);
	for (size_t i = 0; i < discovery->iface_count; i++)
		isif_name_release(discovery->ifaces[i]);
	free(discovery->ifaces);
	isif_snapshot_release(discovery->seen);
	isif_snapshot_release(discovery->before);
}
