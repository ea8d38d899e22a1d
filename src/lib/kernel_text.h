/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ISIF_LIB_KERNEL_TEXT_H
#define ISIF_LIB_KERNEL_TEXT_H

#include <isif/error.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Texts one after the other, each with its NUL. They are found by their offset, because the pool
 * moves while it grows. Offset 0 is always an empty text.
 */
struct text_pool {
	char *bytes;
	size_t used;
	size_t size;
};

/* Adds a text that ends at its NUL, or after length octets. */
enum isif_error text_pool_add(struct text_pool *pool, const char *text, size_t length,
			      size_t *offset);
void text_pool_clear(struct text_pool *pool);

/* A whole decimal number from 0 to maximum; false, and no change, for anything else. */
bool text_number(const char *text, uint64_t maximum, uint64_t *number);

/* The text after a prefix, NULL if it does not begin with it. */
const char *text_after(const char *text, const char *prefix);

/* Copies a text; what does not fit is cut. */
void text_copy(char *buffer, size_t size, const char *text);

#endif
