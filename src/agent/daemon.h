/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IFACED_DAEMON_H
#define IFACED_DAEMON_H

#include <stdbool.h>

/*
 * Goes into the background. The process that was started waits until the other one is ready and
 * ends with its outcome: 0, or 1 with the reason on standard error.
 */
bool daemon_begin(void);

/* Tells whoever started us -- that process, and systemd -- that we serve. */
void daemon_ready(bool foreground);
/* Nobody listens to standard error any more; null is /dev/null. */
void daemon_leave_terminal(int null);

bool daemon_write_pid(const char *file);

#endif
