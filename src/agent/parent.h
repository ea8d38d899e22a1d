/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IFACED_PARENT_H
#define IFACED_PARENT_H

#include "options.h"

#include <sys/types.h>

/*
 * The process that keeps its rights: it opens the gate, answers the other one through socket,
 * passes signals on to it, and ends with it. Returns the exit status of both. With child 0 the
 * other one is a service of its own, and so is this.
 */
int parent_main(const struct options *options, int socket, pid_t child);

#endif
