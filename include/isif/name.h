/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ISIF_NAME_H
#define ISIF_NAME_H

#include <stddef.h>
#include <stdint.h>

/**
 * Names that many rows share (targets, ifaces, portal addresses) are stored once. Two names from
 * the same table are equal exactly when their pointers are.
 */
struct isif_names;

struct isif_name {
	struct isif_names *table;
	uint32_t references;
	uint32_t hash;
	uint32_t length; /**< octets, without the NUL */
	char text[];	 /**< NUL-terminated; may be any octets but NUL */
};

/** An empty table, or NULL without memory. */
struct isif_names *isif_names_new(void);

/** Ends the table. Names that are still held live on until their last release. */
void isif_names_free(struct isif_names *table);

/** A reference to the name with this text, made if it is new; NULL without memory. */
struct isif_name *isif_name_get(struct isif_names *table, const char *text, size_t length);

/** One more reference to a name; returns it. NULL is allowed. */
struct isif_name *isif_name_hold(struct isif_name *name);

/** Gives a reference back. NULL is allowed. */
void isif_name_release(struct isif_name *name);

#endif
