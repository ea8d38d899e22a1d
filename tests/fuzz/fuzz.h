/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef FUZZ_FUZZ_H
#define FUZZ_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What the fuzzers share; each is a program of its own that libFuzzer hands one input after the
 * other. What an input shows to be wrong ends it: that is how libFuzzer learns of it.
 */

#define MUST(condition) ((condition) ? (void)0 : fuzz_failed(__FILE__, __LINE__, #condition))

_Noreturn void fuzz_failed(const char *file, int line, const char *condition);

/* libFuzzer's name for what it calls. */
int LLVMFuzzerTestOneInput(const uint8_t *octets, size_t length);

/* What is left of an input. */
struct fuzz_input {
	const char *at, *end;
};

/* A part of it: a copy with a NUL behind it, so that one octet more is seen to be too much. */
struct fuzz_text {
	char *octets;
	size_t length;
};

struct fuzz_text fuzz_copy(const void *octets, size_t length);
/* The lines up to one that is "%%", which is stepped over; or all that is left. */
struct fuzz_text fuzz_take_part(struct fuzz_input *input);
/* The octets of the next line, borrowed and without its newline; false at the end. */
bool fuzz_take_line(struct fuzz_input *input, const char **line, size_t *length);
/* Of a line: blanks, and digits, of which too many wrap around; 0 if there are none. */
void fuzz_skip_blanks(struct fuzz_input *line);
uint64_t fuzz_take_number(struct fuzz_input *line);
void fuzz_free(struct fuzz_text *text);

/* The same octets without the NUL. The caller frees them. */
char *fuzz_exact(const void *octets, size_t length);

#endif
