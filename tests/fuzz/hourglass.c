/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hourglass.h"

#include <time.h>

enum { BEGIN_MS = 1000000 };

/* The linker gives these names. */
int __real_clock_gettime(clockid_t clock, struct timespec *now);
int __wrap_clock_gettime(clockid_t clock, struct timespec *now);

static uint64_t time_ms = BEGIN_MS;

void hourglass_turn(void)
{
	time_ms = BEGIN_MS;
}

void hourglass_pass(uint64_t milliseconds)
{
	time_ms += milliseconds;
}

int __wrap_clock_gettime(clockid_t clock, struct timespec *now)
{
	if (clock != CLOCK_MONOTONIC)
		return __real_clock_gettime(clock, now);
	*now = (struct timespec){ (time_t)(time_ms / 1000), (long)(time_ms % 1000 * 1000000) };
	return 0;
}
