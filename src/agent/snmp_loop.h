/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IFACED_SNMP_LOOP_H
#define IFACED_SNMP_LOOP_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>

/* Net-SNMP's descriptors in a loop that is not its own. */

#define SNMP_DESCRIPTORS 64

/* All of them as pollfds; *timeout is lowered to what it waits for. */
size_t snmp_descriptors(struct pollfd *descriptors, size_t size, int *timeout);

/* Hands the ready ones over; false if none is ready. */
bool snmp_serve(const struct pollfd *descriptors, size_t count);

/*
 * A request crosses three descriptors of Net-SNMP's, one after the other (socket, pipe in, pipe
 * out): stay with it until nothing is ready any more.
 */
void snmp_drain(void);

/* True while the library passes a PDU of the master's socket on to itself, through pipes. */
bool snmp_is_busy(int master);

#endif
