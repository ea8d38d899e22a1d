/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "removal.h"

#include "array.h"
#include "cleanup.h"
#include "node.h"

/* One lot on its way. */
struct lot {
	struct isif_edit edits[REMOVAL_LOT];
	char *paths[REMOVAL_LOT];
	size_t count;
};

static inline void clear_lot(struct lot *lot)
{
	for (size_t i = 0; i < lot->count; i++)
		free(lot->paths[i]);
}

bool removal_add(struct removal *removal, struct isif_node *node)
{
	if (!array_reserve(&removal->nodes, &removal->size, removal->count, sizeof(node)))
		return false;
	removal->nodes[removal->count++] = isif_node_hold(node);
	return true;
}

static bool has_session(const struct isif_snapshot *snapshot, const struct isif_node *node)
{
	for (uint32_t i = 0; i < snapshot->binding_count; i++)
		if (node_same_key(snapshot->bindings[i]->node, node))
			return snapshot->bindings[i]->sid;
	return false;
}

/* Under the lock: is it there, and as it was? */
static enum isif_error read_again(const struct job_context *context, const struct isif_node *node,
				  const char *path)
{
	struct isif_privileged *gate = context->gate;
	const char *text;
	size_t length;
	enum isif_error error = gate->operations->read_record(gate, path, &text, &length);

	return error ? error : node_is_still(node, path, text, length);
}

/* Puts a record into the lot, unless it has gone or is to stay. */
static enum isif_error take_up(struct removal *removal, const struct job_context *context,
			       const struct isif_node *node, struct lot *lot)
{
	CLEANUP_FREE char *path = node_path(node);
	enum isif_error error;

	if (!path)
		return ISIF_NO_MEMORY;
	error = read_again(context, node, path);
	if (error == ISIF_NOT_FOUND)
		return ISIF_OK;
	if (has_session(context->snapshot, node) || (removal->careful && error == ISIF_CHANGED)) {
		if (!removal->stayed++)
			removal->stayer = node;
		return ISIF_OK;
	}
	if (error && error != ISIF_CHANGED)
		return error;
	lot->edits[lot->count] = (struct isif_edit){ .kind = ISIF_EDIT_REMOVE, .path = path };
	lot->paths[lot->count++] = TAKE(path);
	return ISIF_OK;
}

/* In the transaction. */
static enum isif_error remove_lot(struct removal *removal, const struct job_context *context,
				  size_t end)
{
	CLEANUP(clear_lot) struct lot lot = { .count = 0 };
	const struct removal before = *removal;
	struct isif_privileged *gate = context->gate;
	enum isif_error error = ISIF_OK;
	size_t failed;

	for (size_t i = removal->next; i < end && !error; i++)
		error = take_up(removal, context, removal->nodes[i], &lot);
	if (!error && lot.count)
		error = gate->operations->commit(gate, lot.edits, lot.count, &failed);
	if (error) {
		*removal = before;
		return error;
	}
	removal->removed += (uint32_t)lot.count;
	removal->next = end;
	return ISIF_OK;
}

enum isif_error removal_work(struct removal *removal, const struct job_context *context,
			     const char **why)
{
	struct isif_privileged *gate = context->gate;
	size_t end = removal->next + REMOVAL_LOT;
	enum isif_error error;

	*why = NULL;
	error = gate->operations->begin(gate, 0, why);
	if (!error) {
		error = remove_lot(removal, context, end < removal->count ? end : removal->count);
		gate->operations->end(gate);
	}
	if (!*why)
		*why = error == ISIF_INCOMPLETE ? "a record of it is half-written"
						: isif_error_text(error);
	return error;
}

bool removal_can_wait(enum isif_error error)
{
	return error == ISIF_LOCKED || error == ISIF_UNAVAILABLE || error == ISIF_NO_MEMORY ||
	       error == ISIF_INCOMPLETE || error == ISIF_CHANGED;
}

void removal_clear(struct removal *removal)
{
	for (size_t i = 0; i < removal->count; i++)
		isif_node_release(removal->nodes[i]);
	free(removal->nodes);
}
