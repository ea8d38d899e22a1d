/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef FUZZ_HOURGLASS_H
#define FUZZ_HOURGLASS_H

#include <stdint.h>

/*
 * The monotonic clock of what is looked at: it stands still until an input says that time goes by.
 * (The linker puts us in the place of clock_gettime(2); libFuzzer has another clock.)
 */
void hourglass_turn(void);
void hourglass_pass(uint64_t milliseconds);

#endif
