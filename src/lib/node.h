/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ISIF_LIB_NODE_H
#define ISIF_LIB_NODE_H

#include <isif/database.h>

#include "hash.h"

/*
 * Iface copies that were parsed already, found by their raw text: ten thousand node records hold
 * a handful of different ones. The pool holds a reference to each; copies that no node holds any
 * more are dropped by record_pool_trim().
 */
struct isif_record_pool {
	struct hash hash;
};

void record_pool_trim(struct isif_record_pool *pool);
void record_pool_clear(struct isif_record_pool *pool);

bool node_equal(const struct isif_node *a, const struct isif_node *b);

/* True if both are the same portal of the same target over the same iface. */
bool node_same_key(const struct isif_node *a, const struct isif_node *b);

/* ISIF_CHANGED if the text of its file says something else by now. */
enum isif_error node_is_still(const struct isif_node *node, const char *path, const char *text,
			      size_t length);

/* The same of an iface's record. */
enum isif_error iface_is_still(const struct isif_record *record, const char *text, size_t length);

/* The file that a record should be in, by the names that stand in it; the caller frees it. */
char *node_path(const struct isif_node *node);

#endif
