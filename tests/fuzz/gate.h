/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef FUZZ_GATE_H
#define FUZZ_GATE_H

#include "fuzz.h"

#include <isif/privileged.h>

/* A gate that has nothing but a state directory, in memory. */

enum { GATE_FILES = 8 };

struct gate {
	struct isif_privileged gate; /* first: what others get */
	struct {
		char name[32];
		struct fuzz_text text;
	} files[GATE_FILES];
	size_t count;
	enum isif_error error; /* of all that it is asked for from now on */
};

struct gate gate_new(void);
void gate_clear(struct gate *gate);

/* NULL if there is no such file. */
const struct fuzz_text *gate_file(const struct gate *gate, const char *name);
void gate_put(struct gate *gate, const char *name, const void *octets, size_t length);

#endif
