/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef UNIT_TREE_H
#define UNIT_TREE_H

#include <stdbool.h>

/*
 * All that is in a directory, as one text for comparisons: a line for each directory, link (and
 * where it leads) and file (and its octets), sorted. The caller frees it; never NULL.
 */
char *tree_text(const char *directory);

/* True if something that iscsi-ifaced made for itself is in it, or a link leads nowhere. */
bool tree_is_littered(const char *directory);

#endif
