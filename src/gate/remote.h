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

/*
 * While an answer is waited for, serve() may do something else, until something is to be read from
 * socket; it must not ask this gate. NULL: nothing is done.
 */
void remote_meanwhile(struct isif_privileged *gate, void (*serve)(void *context, int socket),
		      void *context);

/* Tells that the MIB is served. An error: it must not be, the log was told why. */
enum isif_error remote_ready(struct isif_privileged *gate);
/* True when the other process is gone. */
bool remote_is_gone(const struct isif_privileged *gate);
/* Hangs up when it goes; nothing else is to be waited for. */
int remote_descriptor(const struct isif_privileged *gate);

#endif
