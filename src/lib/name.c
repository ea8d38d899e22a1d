/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <isif/name.h>

#include "hash.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct isif_names {
	struct hash hash;
	bool ended; /* its owner is gone; the last name takes it along */
};

struct text {
	const char *octets;
	size_t length;
};

static bool name_matches(const void *item, const void *key)
{
	const struct isif_name *name = item;
	const struct text *text = key;

	return name->length == text->length && !memcmp(name->text, text->octets, text->length);
}

struct isif_names *isif_names_new(void)
{
	return calloc(1, sizeof(struct isif_names));
}

static void free_if_unused(struct isif_names *table)
{
	if (!table->ended || table->hash.used)
		return;
	hash_clear(&table->hash);
	free(table);
}

void isif_names_free(struct isif_names *table)
{
	if (!table)
		return;
	table->ended = true;
	free_if_unused(table);
}

struct isif_name *isif_name_get(struct isif_names *table, const char *text, size_t length)
{
	struct text key = { text, length };
	uint32_t hash = hash_octets(0, text, length);
	struct isif_name *name = hash_find(&table->hash, hash, name_matches, &key);

	if (name)
		return isif_name_hold(name);
	if (length > UINT32_MAX - sizeof(*name) - 1)
		return NULL;
	name = malloc(sizeof(*name) + length + 1);
	if (!name)
		return NULL;
	*name = (struct isif_name){
		.table = table, .references = 1, .hash = hash, .length = (uint32_t)length
	};
	memcpy(name->text, text, length);
	name->text[length] = '\0';
	if (!hash_add(&table->hash, hash, name)) {
		free(name);
		return NULL;
	}
	return name;
}

struct isif_name *isif_name_hold(struct isif_name *name)
{
	if (name)
		name->references++;
	return name;
}

void isif_name_release(struct isif_name *name)
{
	struct isif_names *table;

	if (!name || --name->references)
		return;
	table = name->table;
	hash_remove(&table->hash, name->hash, name);
	free(name);
	free_if_unused(table);
}
