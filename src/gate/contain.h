/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IFACED_CONTAIN_H
#define IFACED_CONTAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Who the unprivileged process is. */
struct contain_user {
	uid_t uid;
	gid_t gid;
	bool changes; /* this process is root, and becomes that user, who is another one */
};

/*
 * Finds it: by name, or with NULL the one of this package. Who is not root stays who he is. False:
 * why says what is wrong, and what to do.
 */
bool contain_find_user(const char *name, struct contain_user *user, char *why, size_t size);

/*
 * From now on this process is that user, without a capability and without a way to get one; a
 * filter of the kernel's refuses it to open a file for writing, to run a program and to send a
 * request to NETLINK_ISCSI; and it is killed with its parent, unless that is 0. False: errno, and
 * what says which step failed. That this kernel has no filters is no failure: *filtered tells.
 */
bool contain(const struct contain_user *user, pid_t parent, const char **what, bool *filtered);

#endif
