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
 *   @        a descriptor goes with it
 *   |        another message begins
 */

/* By its name or its number; without a check, so that there may be none. */
uint64_t question_operation(struct fuzz_input *line);
/* A text, which the caller frees; NULL if the next word is none. */
char *question_text(struct fuzz_input *line);
/* Adds what the words up to a '|' or the end say; true if a descriptor goes with it. */
bool question_read(struct fuzz_input *line, struct message *message);

#endif
