/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "suites.h"

#include <isif/name.h>

#include "helpers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static struct isif_name *get(struct isif_names *names, const char *text)
{
	struct isif_name *name = isif_name_get(names, text, strlen(text));

	CU_ASSERT_PTR_NOT_NULL_FATAL(name);
	return name;
}

static void test_interned(void)
{
	struct isif_names *names = isif_names_new();
	char text[] = "iqn.2026-11.org.example:disk1";
	struct isif_name *one = get(names, text), *again, *other;

	text[0] = 'x';
	other = get(names, text);
	text[0] = 'i';
	again = get(names, text);
	CU_ASSERT_PTR_EQUAL(one, again);
	CU_ASSERT_PTR_NOT_EQUAL(one, other);
	CU_ASSERT_STRING_EQUAL(one->text, "iqn.2026-11.org.example:disk1");
	CU_ASSERT_EQUAL(one->length, 29);
	CU_ASSERT_EQUAL(one->references, 2);
	isif_name_release(one);
	isif_name_release(again);
	isif_name_release(other);
	isif_names_free(names);
}

/* A prefix, an empty text and any octet are names of their own. */
static void test_odd(void)
{
	struct isif_names *names = isif_names_new();
	struct isif_name *name[] = {
		get(names, ""),	   get(names, "a"),	   isif_name_get(names, "abc", 2),
		get(names, "abc"), get(names, "a\n \x80"),
	};

	for (size_t i = 0; i < COUNT(name); i++)
		for (size_t j = 0; j < i; j++)
			CU_ASSERT_PTR_NOT_EQUAL(name[i], name[j]);
	CU_ASSERT_STRING_EQUAL(name[2]->text, "ab");
	CU_ASSERT_EQUAL(name[0]->length, 0);
	for (size_t i = 0; i < COUNT(name); i++)
		isif_name_release(name[i]);
	isif_names_free(names);
}

static void test_null(void)
{
	CU_ASSERT_PTR_NULL(isif_name_hold(NULL));
	isif_name_release(NULL);
	isif_names_free(NULL);
}

/* The table and its names may go in any order; ASan and valgrind see what is left. */
static void test_release_order(void)
{
	struct isif_names *names = isif_names_new();
	struct isif_name *one = get(names, "one"), *two = get(names, "two");

	isif_name_hold(one);
	isif_names_free(names);
	isif_name_release(one);
	CU_ASSERT_STRING_EQUAL(one->text, "one");
	isif_name_release(two);
	CU_ASSERT_STRING_EQUAL(one->text, "one");
	isif_name_release(one);
}

static void test_random(void)
{
	enum { TEXTS = 300, STEPS = 20000 };
	static struct isif_name *held[TEXTS];
	static unsigned references[TEXTS];
	struct isif_names *names = isif_names_new();
	unsigned seed = (unsigned)time(NULL);

	printf("# name: seed %u\n", seed);
	srandom(seed);
	for (unsigned step = 0; step < STEPS; step++) {
		unsigned i = (unsigned)random() % TEXTS;
		char text[16];

		if (references[i] && random() % 2) {
			isif_name_release(held[i]);
			references[i]--;
			continue;
		}
		snprintf(text, sizeof(text), "name-%u", i);
		if (references[i]) {
			CU_ASSERT_PTR_EQUAL(get(names, text), held[i]);
		} else {
			held[i] = get(names, text);
		}
		references[i]++;
		CU_ASSERT_EQUAL(held[i]->references, references[i]);
		CU_ASSERT_STRING_EQUAL(held[i]->text, text);
	}
	for (unsigned i = 0; i < TEXTS; i++)
		while (references[i]--)
			isif_name_release(held[i]);
	isif_names_free(names);
}

void add_name_tests(void)
{
	CU_pSuite suite = CU_add_suite("name", NULL, NULL);

	CU_add_test(suite, "equal texts are one name", test_interned);
	CU_add_test(suite, "different octets are different names", test_odd);
	CU_add_test(suite, "NULL is no name", test_null);
	CU_add_test(suite, "names outlive their table", test_release_order);
	CU_add_test(suite, "getting and releasing at random", test_random);
}
