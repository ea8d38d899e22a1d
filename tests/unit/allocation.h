/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef UNIT_ALLOCATION_H
#define UNIT_ALLOCATION_H

#include <stdbool.h>

/*
 * Memory that runs out when a test wants it to: the program is linked with --wrap of malloc,
 * calloc, realloc, reallocarray, strdup and asprintf, so this concerns the library's own
 * allocations, not those within other libraries.
 */

/* Has the n-th allocation from now fail (1: the next one), and, for_good, all after it. */
void allocation_fail_at(unsigned long n, bool for_good);

/* Ends that; returns true if any allocation has failed. */
bool allocation_end(void);

#endif
