/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "state.h"

#include "cleanup.h"
#include "state_file.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#define ROOM 65536 /* octets that even a small file may grow before it is replaced */

static uint32_t mix(uint32_t seed, uint32_t value)
{
	return (seed ^ value) * 0x9e3779b1u;
}

static uint32_t hash_of_key(const struct isif_name *target, const struct isif_name *address,
			    const struct isif_name *iface, uint16_t port, int32_t tpgt)
{
	return mix(mix(mix(mix(target->hash, address->hash), iface->hash), port), (uint32_t)tpgt);
}

static uint32_t hash_of_binding(const struct binding_memory *memory)
{
	return hash_of_key(memory->target, memory->address, memory->iface, memory->port,
			   memory->tpgt);
}

static bool binding_matches(const void *item, const void *key)
{
	const struct binding_memory *memory = item;
	const struct isif_node *node = key;

	return memory->target == node->target && memory->address == node->address &&
	       memory->iface == node->iface && memory->port == node->port &&
	       memory->tpgt == node->tpgt;
}

void state_touch(struct state *state, struct binding_memory *memory)
{
	state->changed = true;
	if (memory->unsaved || state->rewrite)
		return;
	memory->unsaved = true;
	memory->next_unsaved = state->unsaved_bindings;
	state->unsaved_bindings = memory;
}

static void touch_target(struct state *state, struct target_memory *memory)
{
	state->changed = true;
	if (memory->unsaved || state->rewrite)
		return;
	memory->unsaved = true;
	memory->next_unsaved = state->unsaved_targets;
	state->unsaved_targets = memory;
}

void state_touch_wishes(struct state *state)
{
	state->changed = state->unsaved_wishes = true;
}

void state_rewrite(struct state *state)
{
	state->changed = state->rewrite = true;
	state->unsaved_bindings = NULL;
	state->unsaved_targets = NULL;
}

static bool target_matches(const void *item, const void *key)
{
	return ((const struct target_memory *)item)->name == key;
}

/*
 * Where indexes begin when little is known of those that were given before: at a random place, but
 * behind those that are known, so that a manager who remembers old ones does not take a new record
 * for an old one.
 */
static uint32_t new_base(uint32_t first, uint32_t behind)
{
	uint32_t random = 0;

	if (behind > first && behind <= STATE_LAST_INDEX)
		first = behind;
	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) != (ssize_t)sizeof(random))
		random = 0;
	return first + random % ((STATE_LAST_INDEX - first) / 2 + 1) / 1000 * 1000;
}

static void read_boot_id(char *boot, size_t size)
{
	FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");

	if (!file || !fgets(boot, (int)size, file))
		snprintf(boot, size, "unknown");
	boot[strcspn(boot, "\n")] = '\0';
	if (file)
		fclose(file);
}

bool state_add_binding(struct state *state, struct binding_memory *memory)
{
	if (!hash_add(&state->bindings, hash_of_binding(memory), memory))
		return false;
	if (memory->index < STATE_FIRST_INDEX && memory->index > state->manager_index)
		state->manager_index = memory->index;
	return true;
}

bool state_add_target(struct state *state, struct target_memory *memory)
{
	return hash_add(&state->targets, memory->name->hash, memory);
}

bool state_add_iface(struct state *state, struct iface_memory *memory)
{
	return hash_add(&state->ifaces, memory->name->hash, memory);
}

bool state_add_device(struct state *state, struct device_memory *memory)
{
	return hash_add(&state->devices, memory->iface->hash, memory);
}

void state_free_binding(struct binding_memory *memory)
{
	isif_name_release(memory->target);
	isif_name_release(memory->address);
	isif_name_release(memory->iface);
	isif_name_release(memory->last_error);
	free(memory);
}

void state_free_target(struct target_memory *memory)
{
	isif_name_release(memory->name);
	free(memory);
}

void state_free_iface(struct iface_memory *memory)
{
	isif_name_release(memory->name);
	free(memory);
}

void state_free_device(struct device_memory *memory)
{
	isif_name_release(memory->iface);
	free(memory);
}

enum isif_error state_open(struct isif_privileged *gate, struct isif_names *names,
			   const struct isif_log *log, struct state **result)
{
	struct state *state = calloc(1, sizeof(*state));
	enum isif_error error;

	if (!state)
		return ISIF_NO_MEMORY;
	state->gate = gate;
	state->names = names;
	state->log = log;
	state->rewrite = true; /* before anything is appended to it */
	state->default_mode = ISIF_REBIND_RECORD_ONLY;
	state->defaults[ISIF_KEPT_NOTIFY_ENABLE] = 0xff;
	state->defaults[ISIF_KEPT_NOTIFY_RATE] = 50;
	read_boot_id(state->boot, sizeof(state->boot));
	error = state_file_read(state);
	if (error == ISIF_NO_MEMORY) {
		state_close(state);
		return error;
	}
	if (error == ISIF_UNAVAILABLE)
		state->gate = NULL;
	if (error) {
		state->next_binding = new_base(STATE_FIRST_INDEX, state->next_binding);
		state->next_target = new_base(1, state->next_target);
	}
	*result = state;
	return ISIF_OK;
}

struct target_memory *state_find_target(const struct state *state, const struct isif_name *name)
{
	return hash_find(&state->targets, name->hash, target_matches, name);
}

void state_take_target(struct state *state, struct target_memory *memory)
{
	hash_remove(&state->targets, memory->name->hash, memory);
}

void state_forget_wishes(struct state *state)
{
	for (size_t i = 0; i < state->ifaces.size; i++)
		if (state->ifaces.slots[i].item)
			state_free_iface(state->ifaces.slots[i].item);
	for (size_t i = 0; i < state->devices.size; i++)
		if (state->devices.slots[i].item)
			state_free_device(state->devices.slots[i].item);
	hash_clear(&state->ifaces);
	hash_clear(&state->devices);
	memset(state->kept, 0, sizeof(state->kept));
}

void state_forget(struct state *state)
{
	for (size_t i = 0; i < state->bindings.size; i++)
		if (state->bindings.slots[i].item)
			state_free_binding(state->bindings.slots[i].item);
	for (size_t i = 0; i < state->targets.size; i++)
		if (state->targets.slots[i].item)
			state_free_target(state->targets.slots[i].item);
	hash_clear(&state->bindings);
	hash_clear(&state->targets);
	state_forget_wishes(state);
	state->next_binding = state->next_target = state->manager_index = 0;
}

void state_close(struct state *state)
{
	if (!state)
		return;
	state_forget(state);
	complaints_clear(&state->complaints);
	free(state);
}

/* The file has all that is in the lists. */
static void forget_unsaved(struct state *state)
{
	for (struct binding_memory *memory = state->unsaved_bindings; memory;
	     memory = memory->next_unsaved)
		memory->unsaved = false;
	for (struct target_memory *memory = state->unsaved_targets; memory;
	     memory = memory->next_unsaved)
		memory->unsaved = false;
	state->unsaved_bindings = NULL;
	state->unsaved_targets = NULL;
	state->changed = state->indexes_changed = state->unsaved_wishes = false;
}

void state_saved(struct state *state)
{
	for (size_t i = 0; i < state->bindings.size; i++)
		if (state->bindings.slots[i].item)
			((struct binding_memory *)state->bindings.slots[i].item)->unsaved = false;
	for (size_t i = 0; i < state->targets.size; i++)
		if (state->targets.slots[i].item)
			((struct target_memory *)state->targets.slots[i].item)->unsaved = false;
	state->rewrite = state->unsynced = false;
	forget_unsaved(state);
}

static enum isif_error save(struct state *state, bool sync)
{
	enum isif_error error;

	if (!state->gate ||
	    (!state->changed && !state->indexes_changed && !(sync && state->unsynced)))
		return ISIF_OK;
	if (!state->rewrite && state->grown <= state->whole + ROOM) {
		error = state_file_append(state, sync);
		if (!error) {
			forget_unsaved(state);
			state->unsynced = !sync;
			return ISIF_OK;
		}
	}
	state_rewrite(state);
	error = state_file_write(state);
	if (!error)
		state_saved(state);
	return error;
}

enum isif_error state_save(struct state *state)
{
	return save(state, true);
}

enum isif_error state_write(struct state *state)
{
	return save(state, false);
}

static uint32_t take_index(uint32_t *next, uint32_t first, uint32_t last)
{
	uint32_t index = *next;

	*next = index >= last ? first : index + 1;
	return index;
}

uint32_t state_new_index(struct state *state)
{
	return take_index(&state->next_binding, STATE_FIRST_INDEX, STATE_LAST_INDEX);
}

struct binding_memory *state_find_binding(const struct state *state, const struct isif_node *key)
{
	uint32_t hash = hash_of_key(key->target, key->address, key->iface, key->port, key->tpgt);

	return hash_find(&state->bindings, hash, binding_matches, key);
}

void state_take_binding(struct state *state, struct binding_memory *memory)
{
	hash_remove(&state->bindings, hash_of_binding(memory), memory);
}

struct binding_memory *state_binding(struct state *state, const struct isif_node *node)
{
	struct binding_memory *memory = state_find_binding(state, node);

	if (memory)
		return memory;
	memory = calloc(1, sizeof(*memory));
	if (!memory)
		return NULL;
	memory->target = isif_name_hold(node->target);
	memory->address = isif_name_hold(node->address);
	memory->iface = isif_name_hold(node->iface);
	memory->port = node->port;
	memory->tpgt = node->tpgt;
	memory->index = state_new_index(state);
	if (!state_add_binding(state, memory)) {
		state_free_binding(memory);
		return NULL;
	}
	state->indexes_changed = true;
	state_touch(state, memory);
	return memory;
}

struct target_memory *state_target(struct state *state, struct isif_name *name)
{
	struct target_memory *memory = state_find_target(state, name);

	if (memory)
		return memory;
	memory = calloc(1, sizeof(*memory));
	if (!memory)
		return NULL;
	memory->name = isif_name_hold(name);
	memory->index = take_index(&state->next_target, 1, STATE_LAST_INDEX);
	if (!state_add_target(state, memory)) {
		state_free_target(memory);
		return NULL;
	}
	state->indexes_changed = true;
	touch_target(state, memory);
	return memory;
}

void state_begin(struct state *state)
{
	state->generation++;
	complaints_begin(&state->complaints);
}

/* Keeps the time up to date since when something is gone; true if it changed. */
static bool is_gone_anew(bool seen, int64_t *gone_since, int64_t wall)
{
	if (seen == !*gone_since)
		return false;
	*gone_since = seen ? 0 : wall;
	return true;
}

/* A clock that was set back must not keep it for ever, nor forget it at once. */
static bool is_over(int64_t gone_since, int64_t wall)
{
	return gone_since &&
	       (wall - gone_since > STATE_KEEP_SECONDS || gone_since - wall > STATE_KEEP_SECONDS);
}

void state_end(struct state *state, int64_t wall)
{
	complaints_end(&state->complaints);
	for (size_t i = 0; i < state->bindings.size;) {
		struct binding_memory *memory = state->bindings.slots[i].item;

		if (memory && is_gone_anew(memory->generation == state->generation,
					   &memory->gone_since, wall))
			state_touch(state, memory);
		if (!memory || !is_over(memory->gone_since, wall)) {
			i++;
			continue;
		}
		state_rewrite(state);
		state_take_binding(state, memory);
		state_free_binding(memory);
	}
	for (size_t i = 0; i < state->targets.size;) {
		struct target_memory *memory = state->targets.slots[i].item;

		if (memory && is_gone_anew(memory->generation == state->generation,
					   &memory->gone_since, wall))
			touch_target(state, memory);
		if (!memory || !is_over(memory->gone_since, wall)) {
			i++;
			continue;
		}
		state_rewrite(state);
		state_take_target(state, memory);
		state_free_target(memory);
	}
}
