/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hash.h"

#include <stdlib.h>
#include <string.h>

void *hash_find(const struct hash *hash, uint32_t value, hash_matches *matches, const void *key)
{
	if (!hash->size)
		return NULL;
	for (size_t i = value & (hash->size - 1); hash->slots[i].item;
	     i = (i + 1) & (hash->size - 1))
		if (hash->slots[i].hash == value && matches(hash->slots[i].item, key))
			return hash->slots[i].item;
	return NULL;
}

static void insert(struct hash *hash, uint32_t value, void *item)
{
	size_t i = value & (hash->size - 1);

	while (hash->slots[i].item)
		i = (i + 1) & (hash->size - 1);
	hash->slots[i] = (struct hash_slot){ .item = item, .hash = value };
}

static bool grow(struct hash *hash)
{
	struct hash larger = { .size = hash->size ? hash->size * 2 : 16, .used = hash->used };

	larger.slots = calloc(larger.size, sizeof(*larger.slots));
	if (!larger.slots)
		return false;
	for (size_t i = 0; i < hash->size; i++)
		if (hash->slots[i].item)
			insert(&larger, hash->slots[i].hash, hash->slots[i].item);
	free(hash->slots);
	*hash = larger;
	return true;
}

bool hash_add(struct hash *hash, uint32_t value, void *item)
{
	if (hash->used + 1 > hash->size / 4 * 3 && !grow(hash))
		return false;
	insert(hash, value, item);
	hash->used++;
	return true;
}

void hash_remove(struct hash *hash, uint32_t value, const void *item)
{
	size_t mask = hash->size - 1, hole, i;

	if (!hash->size)
		return;
	for (hole = value & mask; hash->slots[hole].item != item; hole = (hole + 1) & mask)
		if (!hash->slots[hole].item)
			return;
	hash->used--;
	/* Move back whatever was displaced past the hole, so that no probe ends early. */
	for (i = (hole + 1) & mask; hash->slots[i].item; i = (i + 1) & mask) {
		size_t home = hash->slots[i].hash & mask;

		if (((i - home) & mask) < ((i - hole) & mask))
			continue;
		hash->slots[hole] = hash->slots[i];
		hole = i;
	}
	hash->slots[hole].item = NULL;
}

void hash_clear(struct hash *hash)
{
	free(hash->slots);
	*hash = (struct hash){ 0 };
}

uint32_t hash_octets(uint32_t seed, const void *octets, size_t length)
{
	const uint64_t multiplier = 0x9e3779b97f4a7c15u;
	const unsigned char *at = octets;
	uint64_t state = (seed + length) * multiplier;

	for (; length >= sizeof(uint64_t); at += sizeof(uint64_t), length -= sizeof(uint64_t)) {
		uint64_t word;

		memcpy(&word, at, sizeof(word));
		state = (state ^ word) * multiplier;
		state ^= state >> 29;
	}
	if (length) {
		uint64_t word = 0;

		memcpy(&word, at, length);
		state = (state ^ word) * multiplier;
		state ^= state >> 29;
	}
	return (uint32_t)(state ^ (state >> 32));
}
