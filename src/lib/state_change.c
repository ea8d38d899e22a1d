/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What transactions and the configuration change of the state. */
#include "state.h"

#include "state_file.h"
#include "words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LAST_ERROR 128 /* of iscsiIfaceBindingLastError, with the NUL */

struct binding_memory *state_find_index(const struct state *state, uint32_t index)
{
	for (size_t i = 0; i < state->bindings.size; i++) {
		struct binding_memory *memory = state->bindings.slots[i].item;

		if (memory && memory->index == index)
			return memory;
	}
	return NULL;
}

static bool iface_matches(const void *item, const void *key)
{
	return ((const struct iface_memory *)item)->name == key;
}

static struct iface_memory *find_iface(const struct state *state, const struct isif_name *iface)
{
	return hash_find(&state->ifaces, iface->hash, iface_matches, iface);
}

enum isif_rebind_mode state_mode(const struct state *state, const struct isif_name *iface)
{
	const struct iface_memory *memory = find_iface(state, iface);

	return memory ? memory->mode : 0;
}

bool state_set_mode(struct state *state, struct isif_name *iface, enum isif_rebind_mode mode)
{
	struct iface_memory *memory = find_iface(state, iface);

	state_touch_wishes(state);
	if (memory && mode) {
		memory->mode = mode;
		memory->configured = state->default_mode;
		return true;
	}
	if (memory) {
		hash_remove(&state->ifaces, memory->name->hash, memory);
		state_free_iface(memory);
	}
	if (!mode)
		return true;
	memory = malloc(sizeof(*memory));
	if (!memory)
		return false;
	*memory = (struct iface_memory){ .name = isif_name_hold(iface),
					 .mode = mode,
					 .configured = state->default_mode };
	if (state_add_iface(state, memory))
		return true;
	state_free_iface(memory);
	return false;
}

static bool device_matches(const void *item, const void *key)
{
	return ((const struct device_memory *)item)->iface == key;
}

struct device_memory *state_find_device(const struct state *state, const struct isif_name *iface)
{
	return hash_find(&state->devices, iface->hash, device_matches, iface);
}

/* Without memory nothing is remembered of it, and nothing will be told. */
static void remember_device(struct state *state, struct isif_name *iface, enum device_alert alert)
{
	struct device_memory *memory = calloc(1, sizeof(*memory));

	if (!memory)
		return;
	memory->iface = isif_name_hold(iface);
	memory->alert = alert;
	if (!state_add_device(state, memory))
		state_free_device(memory);
}

void state_set_device(struct state *state, struct isif_name *iface, enum device_alert alert)
{
	struct device_memory *memory = state_find_device(state, iface);

	if (memory ? memory->alert == alert : alert == DEVICE_UNKNOWN)
		return;
	state_touch_wishes(state);
	if (memory && alert) {
		memory->alert = alert;
	} else if (memory) {
		hash_remove(&state->devices, iface->hash, memory);
		state_free_device(memory);
	} else {
		remember_device(state, iface, alert);
	}
}

void state_configure(struct state *state, uint32_t hold_down, enum isif_rebind_mode mode)
{
	struct kept_number *kept = &state->kept[ISIF_KEPT_HOLD_DOWN];

	state->defaults[ISIF_KEPT_HOLD_DOWN] = hold_down;
	state->default_mode = mode;
	if (kept->set && kept->configured != hold_down) {
		kept->set = false;
		state_touch_wishes(state);
	}
	/* Taking one out can move another into its slot: look at the slot again. */
	for (size_t i = 0; i < state->ifaces.size;) {
		struct iface_memory *memory = state->ifaces.slots[i].item;

		if (!memory || memory->configured == mode) {
			i++;
			continue;
		}
		hash_remove(&state->ifaces, memory->name->hash, memory);
		state_free_iface(memory);
		state_touch_wishes(state);
	}
}

void state_keep(struct state *state, enum isif_kept_number which, uint32_t value)
{
	state->kept[which] = (struct kept_number){ .set = true,
						   .value = value,
						   .configured = state->defaults[which] };
	state_touch_wishes(state);
}

uint32_t state_kept(const struct state *state, enum isif_kept_number which)
{
	return state->kept[which].set ? state->kept[which].value : state->defaults[which];
}

struct binding_memory *state_leave_session(struct state *state, struct binding_memory *memory)
{
	struct binding_memory *left = malloc(sizeof(*left));

	if (!left)
		return NULL;
	*left = *memory;
	isif_name_hold(left->target);
	isif_name_hold(left->address);
	isif_name_hold(left->iface);
	left->index = state_new_index(state);
	left->last_error = NULL;
	left->unsaved = false;
	left->losses = 0;
	left->last_loss = 0;
	if (!state_add_binding(state, left)) {
		state_free_binding(left);
		return NULL;
	}
	memory->oper = 0;
	memory->sid = 0;
	memory->local_port = 0;
	memory->up_since = 0;
	memory->up_since_mono = 0;
	memory->alert = ALERT_NONE;
	state->indexes_changed = true;
	state_rewrite(state);
	return left;
}

void state_regain_session(struct state *state, struct binding_memory *memory,
			  struct binding_memory *left)
{
	memory->admin = left->admin;
	memory->oper = left->oper;
	memory->sid = left->sid;
	memory->local_port = left->local_port;
	memory->up_since = left->up_since;
	memory->up_since_mono = left->up_since_mono;
	memory->alert = left->alert;
	memory->losses += left->losses;
	if (left->last_loss > memory->last_loss)
		memory->last_loss = left->last_loss;
	state_rewrite(state);
	state_take_binding(state, left);
	state_free_binding(left);
	state->indexes_changed = true;
}

void state_move_back(struct state *state, struct binding_memory *memory,
		     struct binding_memory *left)
{
	struct isif_name *iface = isif_name_hold(left->iface);

	state_take_binding(state, memory);
	state_regain_session(state, memory, left);
	isif_name_release(memory->iface);
	memory->iface = iface;
	memory->gone_since = 0;
	/* There is room: two were taken out. */
	state_add_binding(state, memory);
}

void state_set_error(struct state *state, struct binding_memory *memory, const char *text)
{
	char cut[LAST_ERROR];
	struct isif_name *name;

	snprintf(cut, sizeof(cut), "%s", text);
	drop_cut_character(cut);
	name = isif_name_get(state->names, cut, strlen(cut));
	if (!name)
		return;
	isif_name_release(memory->last_error);
	memory->last_error = name;
	state_touch(state, memory);
}
