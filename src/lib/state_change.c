/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What transactions and the configuration change of the state. */
#include "state.h"

#include "state_file.h"

#include <stdlib.h>

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

	state->changed = true;
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

void state_configure(struct state *state, uint32_t hold_down, enum isif_rebind_mode mode)
{
	struct kept_number *kept = &state->kept[ISIF_KEPT_HOLD_DOWN];

	state->defaults[ISIF_KEPT_HOLD_DOWN] = hold_down;
	state->default_mode = mode;
	if (kept->set && kept->configured != hold_down) {
		kept->set = false;
		state->changed = true;
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
		state->changed = true;
	}
}

void state_keep(struct state *state, enum isif_kept_number which, uint32_t value)
{
	state->kept[which] = (struct kept_number){ .set = true,
						   .value = value,
						   .configured = state->defaults[which] };
	state->changed = true;
}

uint32_t state_kept(const struct state *state, enum isif_kept_number which)
{
	return state->kept[which].set ? state->kept[which].value : state->defaults[which];
}
