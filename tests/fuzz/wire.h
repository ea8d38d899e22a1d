/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef FUZZ_WIRE_H
#define FUZZ_WIRE_H

#include "fuzz.h"
#include "question.h"

/*
 * The socket between the two processes, with both ends in this one, of which one process is real,
 * and the other one made up. Nothing waits on it: what has no room is taken from the other end
 * first, and where nothing more comes, it ends. (The linker puts us in the place of send(2) and
 * recv(2).)
 */

/* The end of the process that is real; the caller closes it. */
int wire_open(void);
/* Forgets what was not heard, too. */
void wire_close(void);
/* From now on each call takes at most so many octets, and every other one is interrupted. */
void wire_hamper(size_t octets);
/* The process that is made up ends when it was told so many octets more. */
void wire_hang_up(size_t octets);
bool wire_is_up(void);

/* The octets come from the process that is made up, with a descriptor or -1. */
void wire_say(const void *octets, size_t length, int descriptor);
/* The same for a message, with its length before it. */
void wire_say_message(const struct message *message, struct question_frame frame);
/* The next message that it is told; false: no more of them. Each is whole, while it listens. */
bool wire_hear(struct message *message);
/* The descriptor that came with what was said since the last call; -1: none. The caller's. */
int wire_take_descriptor(void);

/* How many descriptors are open. */
size_t wire_open_descriptors(void);

#endif
