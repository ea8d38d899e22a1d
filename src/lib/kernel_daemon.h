/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ISIF_LIB_KERNEL_DAEMON_H
#define ISIF_LIB_KERNEL_DAEMON_H

#include <isif/kernel.h>

/* Where traces of iscsid are looked for. */
struct daemon_paths {
	const char *run[2]; /* directories of its pid file */
	const char *config; /* directory of initiatorname.iscsi, which it reads when it starts */
	const char *proc;
};

/* The paths must outlive the object; with them its watch is opened without a gate. */
enum isif_error daemon_open_paths(const struct daemon_paths *paths, struct isif_daemon **daemon);

/*
 * An inotify, -1 if there can be none: a start is seen by its pid file. With -f it writes none, but
 * every iscsid reads its name once its netlink socket is open (and so does iscsiadm, which costs us
 * a look). That file is readable by root only, and so is what may be watched.
 */
int daemon_watch_starts(void);

#endif
