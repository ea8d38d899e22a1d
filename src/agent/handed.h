/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IFACED_HANDED_H
#define IFACED_HANDED_H

#include <stdbool.h>

#define HANDED_DOMAIN "handed"

/*
 * A transport of Net-SNMP's whose sockets are connected already: the address "handed:7" is the
 * stream of descriptor 7, of which it takes a copy. The library's own would connect itself, which
 * a process without rights cannot. It is read and written by the channel that lies above it.
 */
bool handed_register(void);

#endif
