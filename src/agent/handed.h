/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IFACED_HANDED_H
#define IFACED_HANDED_H

#include <stdbool.h>

/*
 * A transport of Net-SNMP's whose sockets are connected already: the address "handed:7" is the
 * stream of descriptor 7, of which it takes a copy. The library's own would connect itself, which
 * a process without rights cannot.
 */
bool handed_register(void);

#endif
