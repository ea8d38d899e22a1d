/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ISIF_LIB_TREE_COPY_H
#define ISIF_LIB_TREE_COPY_H

#include <isif/error.h>

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

/*
 * Copies and removes directories of records with all that is in them: regular files, links (as
 * links) and directories, with their modes, owners and times; nothing else, and no link is
 * followed. This blocks: it is for a process of its own.
 */
struct tree_copy {
	bool (*skips)(const char *name); /* true for what is not to be copied */
	unsigned patience;   /* ms in all, to wait for the ends of records that are being written */
	char path[PATH_MAX]; /* what is being copied, after an error: what is at fault */
	size_t path_length;  /* these three are tree_copy()'s own */
	unsigned depth;
	struct stat destination;
};

/* Copies what is in one directory into a new one (0700) with this name in another. */
enum isif_error tree_copy(struct tree_copy *copy, int from, int to, const char *name);

/* Removes a directory; that it is not there is no error. */
enum isif_error tree_remove(int parent, const char *name);

#endif
