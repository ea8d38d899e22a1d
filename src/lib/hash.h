/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ISIF_LIB_HASH_H
#define ISIF_LIB_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A set of pointers, found by a hash and an equality of the caller's: open addressing, linear
 * probing, at most three quarters full. glibc's tsearch(3) would do, at eight times the cost for
 * the ten thousands of records that a start has to look up.
 */
struct hash_slot {
	void *item; /* NULL: free */
	uint32_t hash;
};

struct hash {
	struct hash_slot *slots;
	size_t size; /* a power of two, or 0 */
	size_t used;
};

typedef bool hash_matches(const void *item, const void *key);

void *hash_find(const struct hash *hash, uint32_t value, hash_matches *matches, const void *key);

/* Adds an item that is not in the set yet; false without memory. */
bool hash_add(struct hash *hash, uint32_t value, void *item);

/* Takes an item out, if it is there. */
void hash_remove(struct hash *hash, uint32_t value, const void *item);

/* Frees the table, not the items. */
void hash_clear(struct hash *hash);

/* A fast hash of octets; not for keys that an attacker can choose at will and in masses. */
uint32_t hash_octets(uint32_t seed, const void *octets, size_t length);

#endif
