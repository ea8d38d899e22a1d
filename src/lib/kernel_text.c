/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel_text.h"

#include <stdlib.h>
#include <string.h>

#define POOL_FIRST_SIZE 1024

static enum isif_error pool_reserve(struct text_pool *pool, size_t octets)
{
	size_t size = pool->size ? pool->size : POOL_FIRST_SIZE;
	char *bytes;

	if (octets > SIZE_MAX / 4 - pool->used)
		return ISIF_NO_MEMORY;
	while (size < pool->used + octets)
		size *= 2;
	if (size == pool->size)
		return ISIF_OK;
	bytes = realloc(pool->bytes, size);
	if (!bytes)
		return ISIF_NO_MEMORY;
	pool->bytes = bytes;
	pool->size = size;
	return ISIF_OK;
}

enum isif_error text_pool_add(struct text_pool *pool, const char *text, size_t length,
			      size_t *offset)
{
	size_t octets = strnlen(text, length);
	enum isif_error error = pool_reserve(pool, octets + 2);

	if (error)
		return error;
	if (!pool->used)
		pool->bytes[pool->used++] = '\0';
	*offset = 0;
	if (!octets)
		return ISIF_OK;
	*offset = pool->used;
	memcpy(pool->bytes + pool->used, text, octets);
	pool->used += octets;
	pool->bytes[pool->used++] = '\0';
	return ISIF_OK;
}

void text_pool_clear(struct text_pool *pool)
{
	free(pool->bytes);
	*pool = (struct text_pool){ 0 };
}

bool text_number(const char *text, uint64_t maximum, uint64_t *number)
{
	uint64_t value = 0;

	if (!*text)
		return false;
	for (; *text; text++) {
		uint64_t digit = (uint64_t)(*text - '0');

		if (*text < '0' || *text > '9' || digit > maximum || value > (maximum - digit) / 10)
			return false;
		value = value * 10 + digit;
	}
	*number = value;
	return true;
}

const char *text_after(const char *text, const char *prefix)
{
	size_t length = strlen(prefix);

	return strncmp(text, prefix, length) ? NULL : text + length;
}

void text_copy(char *buffer, size_t size, const char *text)
{
	size_t length = strnlen(text, size - 1);

	memcpy(buffer, text, length);
	buffer[length] = '\0';
}
