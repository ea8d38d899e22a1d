/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IFACED_BOUNDS_H
#define IFACED_BOUNDS_H

#include <stdbool.h>

#define BOUNDS_PATTERN 256 /* octets of a pattern, with the NUL; names have 64 */

/* Which ifaces may be touched: the patterns of allowIface and denyIface, a blank after each. */
struct bounds {
	char *allow, *deny; /* NULL: none given */
};

/* True if an iface of this name is within them. */
bool bounds_hold(const struct bounds *bounds, const char *iface);
void bounds_clear(struct bounds *bounds);

#endif
