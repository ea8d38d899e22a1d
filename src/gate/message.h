/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IFACED_MESSAGE_H
#define IFACED_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What one process says to the other: numbers and texts, one after the other, which are read in the
 * order in which they were written. The reader believes nothing: what is not there, or does not
 * fit, reads as 0 or NULL, and message_is_read() then says no.
 */
struct message {
	uint8_t *octets;
	size_t length, size;
	size_t at;   /* of what is read next */
	bool failed; /* there was no memory to write it, or it was not what was read */
};

/*
 * Forgets what was written, to write another one. Once that succeeded, there is always room for a
 * short one, whatever the memory: what has begun can be ended.
 */
bool message_clear(struct message *message);
void message_free(struct message *message);
/* Room for so many octets, to be filled in by the caller; NULL without memory. */
uint8_t *message_room(struct message *message, size_t length);

void message_put_number(struct message *message, uint64_t number);
void message_put_octets(struct message *message, const void *octets, size_t length);
/* May be NULL, which is not the empty text. */
void message_put_text(struct message *message, const char *text);

uint64_t message_number(struct message *message);
/* A number over the limit is none. */
uint64_t message_number_to(struct message *message, uint64_t limit);
/* Borrowed from the message, with a NUL behind them. */
const void *message_octets(struct message *message, size_t *length);
/* The same; NULL if NULL was written. A NUL within it is an error. */
const char *message_text(struct message *message);
/* A text that must not be NULL. */
const char *message_some_text(struct message *message);

/* True if everything was there that was read, and nothing else is. */
bool message_is_read(const struct message *message);

#define MESSAGE_LIMIT (32u << 20) /* octets of one message: a file of the state directory fits */

/*
 * Sends one over a stream of AF_UNIX, with a descriptor or -1; receives one, with its descriptor or
 * -1 where one is expected (else NULL: then none gets in). False: the other side is gone, or does
 * not speak as it must.
 */
bool message_send(int socket, const struct message *message, int descriptor);
bool message_receive(int socket, struct message *message, int *descriptor);

#endif
