/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef UNIT_ALLOCATION_H
#define UNIT_ALLOCATION_H

#include "fault.h"

#include <errno.h>

/* Memory that runs out when a test wants it to: the library's own allocations. */

/* Has the n-th allocation from now fail (1: the next one), and, for_good, all after it. */
static inline void allocation_fail_at(unsigned long n, bool for_good)
{
	fault_at(FAULT_SELF, FAULT_MALLOC, n, ENOMEM, for_good);
}

/* Ends that; returns true if any allocation has failed. */
static inline bool allocation_end(void)
{
	return fault_end();
}

#endif
