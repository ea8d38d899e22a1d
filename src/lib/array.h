/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ISIF_LIB_ARRAY_H
#define ISIF_LIB_ARRAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

/*
 * Makes room for one more element in an array that doubles when it is full; array points at the
 * pointer to its first element. False without memory: the array stays as it is.
 */
static inline bool array_reserve(void *array, size_t *size, size_t count, size_t element)
{
	size_t larger = *size ? *size * 2 : 2;
	void *grown;

	if (count < *size)
		return true;
	grown = reallocarray(*(void **)array, larger, element);
	if (!grown)
		return false;
	*(void **)array = grown;
	*size = larger;
	return true;
}

#endif
