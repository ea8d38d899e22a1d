/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef FUZZ_SCRATCH_H
#define FUZZ_SCRATCH_H

#include "fuzz.h"

/*
 * A directory of this fuzzer's own, in $TMPDIR, which is gone when it ends. Paths are relative to
 * it.
 */

/* Makes it if it is not there, and empties it if it is. */
void scratch_empty(void);
int scratch_directory(void);
/* The path of something in it, for ever: of a few. */
const char *scratch_path(const char *name);

void scratch_make_directory(const char *name);
void scratch_put(const char *name, const char *text);
/* Another name of a file, and a link that leads to a path. */
void scratch_link(const char *from, const char *name);
void scratch_lead(const char *to, const char *name);
/* Whether a file says this, and nothing else. */
bool scratch_says(const char *name, const char *text);

#endif
