/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IFACED_REMOTE_H
#define IFACED_REMOTE_H

#include <isif/privileged.h>

/*
 * The gate whose other side is another process (keeper.h). Each operation waits for the answer, as
 * it would wait for the disk. When the other process is gone, everything is ISIF_UNAVAILABLE; at
 * the opening it has said why then. The socket belongs to the gate from now on, whatever comes.
 */
enum isif_error remote_open(int socket, struct isif_privileged **gate);

/* Tells that the MIB is served. An error: it must not be, the log was told why. */
enum isif_error remote_ready(struct isif_privileged *gate);
/* True when the other process is gone. */
bool remote_is_gone(const struct isif_privileged *gate);
/* Hangs up when it goes; nothing else is to be waited for. */
int remote_descriptor(const struct isif_privileged *gate);

#endif
