/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef FUZZ_QUESTION_H
#define FUZZ_QUESTION_H

#include "fuzz.h"

#include "../gate/protocol.h"

/*
 * What the two processes say to each other, in lines that can be read:
 *   NUMBER   a number; with a '-' it wraps around
 *   'TEXT    a text, in which "%xx" is an octet
 *   xHEX     octets, as they are
 *   <NUMBER  so many octets less than there were
 *   >NUMBER  so many octets are announced, but do not come
 *   @        a descriptor goes with it
 *   |        another message begins
 */

/* By its name or its number; without a check, so that there may be none. */
uint64_t question_operation(struct fuzz_input *line);
/* A text, which the caller frees; NULL if the next word is none. */
char *question_text(struct fuzz_input *line);
/* How a message goes on its way. */
struct question_frame {
	uint32_t more; /* octets that are announced */
	bool descriptor;
};

/* Adds what the words say, and steps over a '|' at their end. */
struct question_frame question_read(struct fuzz_input *line, struct message *message);

#endif
