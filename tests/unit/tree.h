/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef UNIT_TREE_H
#define UNIT_TREE_H

#include <stdbool.h>

/*
 * All that is in a directory, as one text for comparisons: a line for each directory, link (and
 * where it leads) and file (and its octets), sorted; without what iscsi-ifaced made for itself. The
 * caller frees it; never NULL.
 */
char *tree_text(const char *directory);

/* True if something that iscsi-ifaced made for itself is anywhere in it. */
bool tree_is_littered(const char *directory);

/* True if a link in this text leads nowhere, or a record has no end. */
bool tree_is_broken(const char *text);

#endif
