/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model.h"

#include "copy.h"
#include "hash.h"

#include <stdlib.h>
#include <string.h>

#define IFACE_LIMIT  64	 /* octets that iscsiIfaceBindingIfaceName can hold */
#define TARGET_LIMIT 255 /* and iscsiIfaceBindingTargetName */

static int compare_bindings(const void *a, const void *b)
{
	uint32_t one = ((const struct binding_join *)a)->memory->index;
	uint32_t other = ((const struct binding_join *)b)->memory->index;

	return (one > other) - (one < other);
}

/* What open-iscsi takes for one session (usr/iscsi_util.c:__iscsi_match_session), but the address.
 */
static uint32_t hash_of_session(const struct isif_name *target, const struct isif_name *iface,
				uint16_t port)
{
	return target->hash ^ iface->hash * 31 ^ port;
}

static void unusable(struct build *build, const struct isif_node *node, const char *why)
{
	build->unusable++;
	complain(&build->state->complaints, build->world->names, build->world->log,
		 "the node record of target %s, portal %s, iface %s %s; it is not shown",
		 node->target->text, node->address->text, node->iface->text, why);
}

static enum isif_error add_node(struct build *build, struct isif_node *node)
{
	struct binding_join *join = &build->bindings[build->binding_count];
	struct binding_memory *memory;

	if (node->iface->length > IFACE_LIMIT || node->target->length > TARGET_LIMIT) {
		unusable(build, node, "has a name that is too long");
		return ISIF_OK;
	}
	memory = state_binding(build->state, node);
	if (!memory)
		return ISIF_NO_MEMORY;
	/* Two files that say the same are one binding. */
	if (memory->generation == build->state->generation) {
		unusable(build, node, "stands in two files");
		return ISIF_OK;
	}
	memory->generation = build->state->generation;
	*join = (struct binding_join){ .node = node,
				       .memory = memory,
				       .iface = model_find_iface(build, node->iface) };
	build->binding_count++;
	return ISIF_OK;
}

enum isif_error model_bindings_collect(struct build *build)
{
	const struct world *world = build->world;

	build->bindings = calloc(world->node_count + 1, sizeof(*build->bindings));
	if (!build->bindings)
		return ISIF_NO_MEMORY;
	for (size_t i = 0; i < world->node_count; i++)
		if (add_node(build, world->nodes[i]))
			return ISIF_NO_MEMORY;
	qsort(build->bindings, build->binding_count, sizeof(*build->bindings), compare_bindings);
	if (!world->session_count)
		return ISIF_OK;
	for (size_t i = 0; i < build->binding_count; i++) {
		struct isif_node *node = build->bindings[i].node;

		if (!hash_add(&build->nodes_by_key,
			      hash_of_session(node->target, node->iface, node->port),
			      &build->bindings[i]))
			return ISIF_NO_MEMORY;
	}
	return ISIF_OK;
}

struct session_key {
	const struct isif_name *target, *iface;
	const struct isif_kernel_session *session;
	bool any_tpgt;
};

static bool session_matches(const void *item, const void *key)
{
	const struct isif_node *node = ((const struct binding_join *)item)->node;
	const struct session_key *wanted = key;

	return node->target == wanted->target && node->iface == wanted->iface &&
	       node->port == wanted->session->persistent_port &&
	       (wanted->any_tpgt || node->tpgt == wanted->session->tpgt) &&
	       isif_address_equal(node->address->text, wanted->session->persistent_address);
}

struct binding_join *model_find_binding(const struct build *build,
					const struct isif_kernel_session *session)
{
	struct isif_names *names = build->world->names;
	struct isif_name *target = isif_name_get(names, session->target, strlen(session->target));
	struct isif_name *iface = isif_name_get(names, session->iface, strlen(session->iface));
	struct session_key key = { target, iface, session, false };
	struct binding_join *join = NULL;

	if (target && iface) {
		uint32_t hash = hash_of_session(target, iface, session->persistent_port);

		join = hash_find(&build->nodes_by_key, hash, session_matches, &key);
		key.any_tpgt = true;
		if (!join)
			join = hash_find(&build->nodes_by_key, hash, session_matches, &key);
	}
	isif_name_release(target);
	isif_name_release(iface);
	return join;
}

static bool agrees(struct iface_join *iface, const struct isif_record *copy)
{
	struct iface_join plain = { 0 };

	if (iface->record) {
		/* Most node records of an iface share one copy: compare it once. */
		if (iface->compared != copy) {
			iface->compared = copy;
			iface->compared_same = copy_agrees(iface->record->record, copy);
		}
		return iface->compared_same;
	}
	model_iface_settings(copy, &plain);
	return !strcmp(plain.transport, iface->transport) && !*plain.hwaddress && !*plain.netdev &&
	       !*plain.ipaddress && !*plain.initiator;
}

/* A login now would make another session than the one that lives. */
static bool session_differs(const struct build *build, const struct iface_join *iface,
			    const struct isif_kernel_session *session, enum isif_path path)
{
	const struct isif_name *host = build->world->initiator_name;
	const char *initiator = *iface->initiator ? iface->initiator : host ? host->text : "";

	if (path == ISIF_PATH_WRONG)
		return true;
	if (*session->initiator && *initiator && strcmp(session->initiator, initiator))
		return true;
	/* The labels of an offload host are its own, not the record's. */
	return isif_transport_is_software(session->transport) &&
	       (strcmp(session->netdev, iface->netdev) ||
		strcasecmp(session->hwaddress, iface->hwaddress));
}

static enum isif_binding_sync sync_of(const struct build *build, const struct binding_join *join)
{
	if (!join->iface || !agrees(join->iface, join->node->copy))
		return ISIF_BINDING_RECORD_DIFFERS;
	if (join->session && !join->session->gone &&
	    session_differs(build, join->iface, join->session->kernel, join->path))
		return ISIF_BINDING_SESSION_DIFFERS;
	return ISIF_BINDING_IN_SYNC;
}

static struct isif_binding *previous_row(const struct build *build, uint32_t index, uint32_t *at)
{
	const struct isif_snapshot *previous = build->previous;

	/* Both are sorted by index: go on where the last search ended. */
	while (previous && *at < previous->binding_count && previous->bindings[*at]->index < index)
		++*at;
	if (!previous || *at == previous->binding_count || previous->bindings[*at]->index != index)
		return NULL;
	return previous->bindings[*at];
}

static void fill_row(const struct build *build, const struct binding_join *join,
		     struct isif_binding *row)
{
	const struct binding_memory *memory = join->memory;

	row->index = memory->index;
	row->node = join->node;
	row->admin_status = memory->admin;
	row->oper_status = memory->oper;
	row->path = join->path;
	row->in_sync = sync_of(build, join);
	row->sid = memory->sid;
	row->path_link =
		join->session && !join->session->gone && join->session->path_known &&
				join->session->kernel->state == ISIF_SESSION_LOGGED_IN &&
				isif_network_link(build->world->network, join->session->path_link)
			? join->session->path_link
			: 0;
	row->losses = memory->losses;
	row->up_since = memory->up_since;
	row->up_since_mono = memory->up_since_mono;
	row->last_loss = memory->last_loss;
	row->alert = (uint32_t)memory->alert;
	row->held = memory->hold.until;
	row->last_error = memory->last_error;
}

static bool same_row(const struct isif_binding *a, const struct isif_binding *b)
{
	return a->node == b->node && a->admin_status == b->admin_status &&
	       a->oper_status == b->oper_status && a->path == b->path && a->in_sync == b->in_sync &&
	       a->sid == b->sid && a->path_link == b->path_link && a->losses == b->losses &&
	       a->up_since == b->up_since && a->up_since_mono == b->up_since_mono &&
	       a->last_loss == b->last_loss && a->alert == b->alert && a->held == b->held &&
	       a->last_error == b->last_error;
}

static bool same_state(const struct isif_binding *a, const struct isif_binding *b)
{
	return a->admin_status == b->admin_status && a->oper_status == b->oper_status &&
	       a->path == b->path && a->in_sync == b->in_sync && a->sid == b->sid &&
	       a->path_link == b->path_link;
}

static void count_in(struct iface_join *iface, const struct isif_binding *row)
{
	bool wanted = row->admin_status == ISIF_ADMIN_LOGGED_IN;
	bool up = row->oper_status == ISIF_OPER_LOGGED_IN;

	iface->bindings++;
	iface->bindings_wanted += wanted;
	iface->bindings_up += up;
	iface->wanted_up += wanted && up;
	iface->bindings_differ |= row->in_sync == ISIF_BINDING_RECORD_DIFFERS;
	iface->sessions_differ |= row->in_sync == ISIF_BINDING_SESSION_DIFFERS;
}

static struct isif_binding *make_row(struct build *build, struct binding_join *join,
				     struct isif_binding *old)
{
	struct isif_binding fresh = { .references = 1 }, *row;

	model_judge(build, join->memory, join->node, join->session, join->path);
	fill_row(build, join, &fresh);
	if (old && same_row(old, &fresh)) {
		old->references++;
		return old;
	}
	build->state_changed |= !old || !same_state(old, &fresh);
	row = malloc(sizeof(*row));
	if (!row)
		return NULL;
	*row = fresh;
	isif_node_hold(row->node);
	isif_name_hold(row->last_error);
	return row;
}

enum isif_error model_bindings(struct build *build)
{
	struct isif_snapshot *snapshot = build->snapshot;
	uint32_t at = 0;

	snapshot->bindings = calloc(build->binding_count + 1, sizeof(*snapshot->bindings));
	if (!snapshot->bindings)
		return ISIF_NO_MEMORY;
	for (size_t i = 0; i < build->binding_count; i++) {
		struct binding_join *join = &build->bindings[i];
		struct isif_binding *row =
			make_row(build, join, previous_row(build, join->memory->index, &at));

		if (!row)
			return ISIF_NO_MEMORY;
		snapshot->bindings[snapshot->binding_count++] = row;
		if (join->iface)
			count_in(join->iface, row);
	}
	return ISIF_OK;
}
