/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "suites.h"

#include "hash.h"
#include "helpers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ITEMS 400
#define STEPS 20000

struct item {
	unsigned number;
	uint32_t hash;
	bool in;
};

static bool is_item(const void *item, const void *key)
{
	return ((const struct item *)item)->number == *(const unsigned *)key;
}

static void check_all(const struct hash *hash, const struct item *items)
{
	size_t used = 0, occupied = 0;

	for (unsigned i = 0; i < ITEMS; i++) {
		const struct item *found =
			hash_find(hash, items[i].hash, is_item, &items[i].number);

		CU_ASSERT_PTR_EQUAL(found, items[i].in ? &items[i] : NULL);
		used += items[i].in;
	}
	for (size_t i = 0; i < hash->size; i++)
		occupied += hash->slots[i].item != NULL;
	CU_ASSERT_EQUAL(hash->used, used);
	CU_ASSERT_EQUAL(occupied, used);
}

/* Few different hashes make long chains; many make few. Both must lose nothing. */
static void run_random(unsigned seed, uint32_t hashes)
{
	static struct item items[ITEMS];
	struct hash hash = { 0 };

	printf("# hash: seed %u, %u hashes\n", seed, hashes);
	srandom(seed);
	for (unsigned i = 0; i < ITEMS; i++)
		items[i] = (struct item){ i, (uint32_t)random() % hashes * 0x01010101u, false };
	for (unsigned step = 0; step < STEPS; step++) {
		struct item *item = &items[random() % ITEMS];

		if (item->in) {
			hash_remove(&hash, item->hash, item);
		} else {
			CU_ASSERT_TRUE(hash_add(&hash, item->hash, item));
		}
		item->in = !item->in;
		if (step % 500 == 0)
			check_all(&hash, items);
	}
	check_all(&hash, items);
	for (unsigned i = 0; i < ITEMS; i++)
		hash_remove(&hash, items[i].hash, &items[i]);
	CU_ASSERT_EQUAL(hash.used, 0);
	hash_clear(&hash);
}

static void test_random(void)
{
	unsigned seed = (unsigned)time(NULL);

	run_random(seed, UINT32_MAX);
	run_random(seed, 1);
	run_random(seed, 7);
	run_random(seed, ITEMS);
}

static void test_empty(void)
{
	struct hash hash = { 0 };
	unsigned number = 1;

	CU_ASSERT_PTR_NULL(hash_find(&hash, 0, is_item, &number));
	hash_remove(&hash, 0, &number);
	CU_ASSERT_EQUAL(hash.used, 0);
	hash_clear(&hash);
}

static void test_remove_unknown(void)
{
	struct item one = { 1, 5, true }, other = { 2, 5, false };
	struct hash hash = { 0 };

	CU_ASSERT_TRUE_FATAL(hash_add(&hash, 5, &one));
	hash_remove(&hash, 5, &other);
	CU_ASSERT_PTR_EQUAL(hash_find(&hash, 5, is_item, &one.number), &one);
	CU_ASSERT_EQUAL(hash.used, 1);
	hash_clear(&hash);
	CU_ASSERT_EQUAL(hash.size, 0);
}

/* At least one slot must stay free, or a search would not end. */
static void test_never_full(void)
{
	static struct item items[ITEMS];
	struct hash hash = { 0 };

	for (unsigned i = 0; i < ITEMS; i++) {
		items[i] = (struct item){ i, i * 16, true };
		CU_ASSERT_TRUE(hash_add(&hash, items[i].hash, &items[i]));
		CU_ASSERT_TRUE(hash.used * 4 <= hash.size * 3);
	}
	hash_clear(&hash);
}

static void test_octets(void)
{
	char text[40] = "abcdefghijklmnopqrstuvwxyz0123456789";
	uint32_t before = hash_octets(0, text, 36);

	CU_ASSERT_EQUAL(hash_octets(0, text, 36), before);
	CU_ASSERT_NOT_EQUAL(hash_octets(1, text, 36), before);
	for (size_t i = 0; i < 36; i++) {
		text[i] ^= 1;
		CU_ASSERT_NOT_EQUAL(hash_octets(0, text, 36), before);
		text[i] ^= 1;
		CU_ASSERT_NOT_EQUAL(hash_octets(0, text, i), before);
	}
	/* Where it lies and what follows it must not matter. */
	memmove(text + 1, text, 36);
	CU_ASSERT_EQUAL(hash_octets(0, text + 1, 36), before);
}

void add_hash_tests(void)
{
	CU_pSuite suite = CU_add_suite("hash", NULL, NULL);

	CU_add_test(suite, "adding and removing at random loses nothing", test_random);
	CU_add_test(suite, "an empty set has nothing", test_empty);
	CU_add_test(suite, "removing what is not there changes nothing", test_remove_unknown);
	CU_add_test(suite, "at most three quarters are full", test_never_full);
	CU_add_test(suite, "every octet counts", test_octets);
}
