/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "transaction.h"

#include "state_file.h"

#include <stdlib.h>
#include <string.h>

/* The key that a binding will have. */
static bool key_of(struct isif_transaction *transaction, const struct binding_change *change,
		   struct isif_node *key)
{
	const char *iface = change->iface_name;

	if (change->row) {
		*key = *change->row->node;
		isif_name_hold(key->target);
		isif_name_hold(key->address);
	} else {
		*key = (struct isif_node){
			.target = isif_name_get(transaction->names, change->target_name,
						strlen(change->target_name)),
			.address = isif_name_get(transaction->names, change->address_text,
						 strlen(change->address_text)),
			.port = change->port_number,
			.tpgt = change->group,
		};
	}
	key->iface = isif_name_get(transaction->names, iface, strlen(iface));
	return key->target && key->address && key->iface;
}

static void release_key(const struct isif_node *key)
{
	isif_name_release(key->target);
	isif_name_release(key->address);
	isif_name_release(key->iface);
}

/* A memory for the index that a manager chose: what is remembered of the record goes on. */
static struct binding_memory *claimed(const struct state_step *step, const struct isif_node *key)
{
	struct binding_memory *memory = calloc(1, sizeof(*memory));

	if (!memory)
		return NULL;
	if (step->parked)
		*memory = *step->parked;
	memory->target = isif_name_hold(key->target);
	memory->address = isif_name_hold(key->address);
	memory->iface = isif_name_hold(key->iface);
	isif_name_hold(memory->last_error);
	memory->port = key->port;
	memory->tpgt = key->tpgt;
	memory->index = step->index;
	memory->admin = (enum isif_admin_status)step->number;
	memory->gone_since = 0;
	return memory;
}

static bool rekey(struct state *state, struct state_step *step, struct isif_name *iface)
{
	if (step->binding->moves_live) {
		const struct binding_memory *left = state_leave_session(state, step->memory);

		if (!left)
			return false;
		step->left = left->index;
	}
	step->name = step->memory->iface;
	step->memory->iface = isif_name_hold(iface);
	return true;
}

/*
 * Puts the memory of a binding under its new key. Whatever has that key is gone, or goes in this
 * transaction; it is kept until the transaction has happened.
 */
static bool settle(struct isif_transaction *transaction, struct state *state,
		   struct state_step *step)
{
	struct isif_node key;
	bool good = key_of(transaction, step->binding, &key);

	if (good) {
		step->parked = state_find_binding(state, &key);
		if (step->parked)
			state_take_binding(state, step->parked);
		if (step->kind == STATE_STEP_CLAIM)
			step->memory = claimed(step, &key);
		good = step->memory;
	}
	if (good && step->kind == STATE_STEP_REKEY)
		good = rekey(state, step, key.iface);
	release_key(&key);
	step->done = good && state_add_binding(state, step->memory);
	state->indexes_changed = true;
	state_rewrite(state);
	return step->done;
}

static bool swap_admin(struct state *state, uint32_t index, uint32_t admin, uint32_t *before)
{
	struct binding_memory *memory = state_find_index(state, index);

	if (!memory)
		return false;
	*before = (uint32_t)memory->admin;
	memory->admin = (enum isif_admin_status)admin;
	state_touch(state, memory);
	return true;
}

static bool do_step(struct isif_transaction *transaction, struct state *state,
		    struct state_step *step)
{
	switch (step->kind) {
	case STATE_STEP_CLAIM:
	case STATE_STEP_REKEY:
		return settle(transaction, state, step);
	case STATE_STEP_ADMIN:
		step->done = swap_admin(state, step->index, step->number, &step->before);
		return step->done;
	case STATE_STEP_MODE:
		step->before = state_mode(state, step->name);
		step->done = state_set_mode(state, step->name, (enum isif_rebind_mode)step->number);
		return step->done;
	case STATE_STEP_KEPT:
		step->kept = state->kept[step->index];
		state_keep(state, (enum isif_kept_number)step->index, step->number);
		step->done = true;
		break;
	}
	return true;
}

bool transaction_change_state(struct isif_transaction *transaction, struct state *state)
{
	/* First all that move are taken out: they may move to each other's places. */
	for (size_t i = 0; i < transaction->step_count; i++) {
		struct state_step *step = &transaction->steps[i];

		if (step->kind != STATE_STEP_REKEY)
			continue;
		step->memory = state_find_index(state, step->index);
		if (step->memory)
			state_take_binding(state, step->memory);
	}
	for (size_t i = 0; i < transaction->step_count; i++)
		if (!do_step(transaction, state, &transaction->steps[i]))
			return false;
	return true;
}

/* Takes a memory out of its new place, if it came there; a claimed one ends with it. */
static void unsettle(struct state *state, struct state_step *step)
{
	if (step->done)
		state_take_binding(state, step->memory);
	if (step->kind == STATE_STEP_CLAIM && step->memory) {
		state_free_binding(step->memory);
		step->memory = NULL;
	}
	if (step->kind == STATE_STEP_REKEY && step->name) {
		isif_name_release(step->memory->iface);
		step->memory->iface = step->name;
		step->name = NULL;
		if (step->left)
			state_regain_session(state, step->memory,
					     state_find_index(state, step->left));
		step->left = 0;
	}
}

/* Puts a memory back where it was: there is room, because it was there. */
static void put_back(struct state *state, struct binding_memory **memory)
{
	if (*memory && !state_add_binding(state, *memory))
		state_free_binding(*memory);
	*memory = NULL;
}

void transaction_revert_state(struct isif_transaction *transaction, struct state *state)
{
	for (size_t i = transaction->step_count; i-- > 0;) {
		struct state_step *step = &transaction->steps[i];

		if (step->kind == STATE_STEP_MODE && step->done)
			state_set_mode(state, step->name, (enum isif_rebind_mode)step->before);
		else if (step->kind == STATE_STEP_KEPT && step->done)
			state->kept[step->index] = step->kept;
		else if (step->kind == STATE_STEP_ADMIN && step->done)
			swap_admin(state, step->index, step->before, &step->number);
		else if (step->kind == STATE_STEP_CLAIM || step->kind == STATE_STEP_REKEY)
			unsettle(state, step);
		step->done = false;
	}
	for (size_t i = 0; i < transaction->step_count; i++) {
		put_back(state, &transaction->steps[i].parked);
		put_back(state, &transaction->steps[i].memory);
	}
	state->indexes_changed = true;
	state_rewrite(state);
}

void transaction_free_state(struct isif_transaction *transaction)
{
	for (size_t i = 0; i < transaction->step_count; i++) {
		struct state_step *step = &transaction->steps[i];

		if (step->parked)
			state_free_binding(step->parked);
		isif_name_release(step->name);
	}
}
