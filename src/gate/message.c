/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "message.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define FIRST_SIZE 4096
#define KEPT_SIZE  (1u << 20) /* what is larger is not kept for the next one */
#define NO_TEXT	   UINT64_MAX

/* --- writing --- */

void message_free(struct message *message)
{
	free(message->octets);
	*message = (struct message){ 0 };
}

bool message_clear(struct message *message)
{
	if (!message->size || message->size > KEPT_SIZE) {
		uint8_t *first = realloc(message->octets, FIRST_SIZE);

		if (first) {
			message->octets = first;
			message->size = FIRST_SIZE;
		}
	}
	message->length = message->at = 0;
	message->failed = false;
	return message->size;
}

uint8_t *message_room(struct message *message, size_t length)
{
	size_t wanted = message->length + length, size = message->size ? message->size : FIRST_SIZE;

	if (message->failed || length > MESSAGE_LIMIT || wanted > MESSAGE_LIMIT) {
		message->failed = true;
		return NULL;
	}
	while (size < wanted)
		size *= 2;
	if (size > message->size) {
		uint8_t *grown = realloc(message->octets, size);

		if (!grown) {
			message->failed = true;
			return NULL;
		}
		message->octets = grown;
		message->size = size;
	}
	message->length = wanted;
	return message->octets + wanted - length;
}

void message_put_number(struct message *message, uint64_t number)
{
	uint8_t *room = message_room(message, sizeof(number));

	if (room)
		memcpy(room, &number, sizeof(number));
}

void message_put_octets(struct message *message, const void *octets, size_t length)
{
	uint8_t *room;

	message_put_number(message, length);
	room = message_room(message, length + 1);
	if (!room)
		return;
	if (length)
		memcpy(room, octets, length);
	room[length] = '\0';
}

void message_put_text(struct message *message, const char *text)
{
	if (text)
		message_put_octets(message, text, strlen(text));
	else
		message_put_number(message, NO_TEXT);
}

/* --- reading --- */

/* The next so many octets; NULL, for ever, if there are not so many. */
static const uint8_t *take(struct message *message, size_t length)
{
	if (message->failed || length > message->length - message->at) {
		message->failed = true;
		return NULL;
	}
	message->at += length;
	return message->octets + message->at - length;
}

uint64_t message_number(struct message *message)
{
	const uint8_t *octets = take(message, sizeof(uint64_t));
	uint64_t number = 0;

	if (octets)
		memcpy(&number, octets, sizeof(number));
	return number;
}

uint64_t message_number_to(struct message *message, uint64_t limit)
{
	uint64_t number = message_number(message);

	if (number <= limit)
		return number;
	message->failed = true;
	return 0;
}

static const void *take_octets(struct message *message, uint64_t length)
{
	const uint8_t *octets = length < MESSAGE_LIMIT ? take(message, (size_t)length + 1) : NULL;

	if (octets && !octets[length])
		return octets;
	message->failed = true;
	return NULL;
}

const void *message_octets(struct message *message, size_t *length)
{
	uint64_t number = message_number(message);
	const void *octets = take_octets(message, number);

	*length = octets ? (size_t)number : 0;
	return octets;
}

const char *message_text(struct message *message)
{
	uint64_t length = message_number(message);
	const char *text =
		message->failed || length == NO_TEXT ? NULL : take_octets(message, length);

	if (!text || !memchr(text, '\0', (size_t)length))
		return text;
	message->failed = true;
	return NULL;
}

const char *message_some_text(struct message *message)
{
	const char *text = message_text(message);

	message->failed |= !text;
	return text;
}

bool message_is_read(const struct message *message)
{
	return !message->failed && message->at == message->length;
}

/* --- on its way --- */

union control {
	struct cmsghdr header;
	char space[CMSG_SPACE(sizeof(int))];
};

/* The first octets go with the descriptor; how many were taken, -1: none. */
static ssize_t send_first(int socket, struct iovec *parts, int descriptor)
{
	union control control = { .space = { 0 } };
	struct msghdr header = { .msg_iov = parts, .msg_iovlen = 2 };
	ssize_t sent;

	if (descriptor >= 0) {
		header.msg_control = control.space;
		header.msg_controllen = sizeof(control.space);
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.header), &descriptor, sizeof(int));
	}
	do
		sent = sendmsg(socket, &header, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return sent;
}

bool message_send(int socket, const struct message *message, int descriptor)
{
	uint32_t length = (uint32_t)message->length;
	struct iovec parts[] = { { &length, sizeof(length) }, { message->octets, length } };
	size_t sent;
	ssize_t first;

	if (message->failed)
		return false;
	first = send_first(socket, parts, descriptor);
	/* A stream's first octets are taken as a whole: there is room, or it waits for it. */
	if (first < (ssize_t)sizeof(length))
		return false;
	for (sent = (size_t)first - sizeof(length); sent < length;) {
		ssize_t taken = send(socket, message->octets + sent, length - sent, MSG_NOSIGNAL);

		if (taken < 0 && errno != EINTR)
			return false;
		sent += taken > 0 ? (size_t)taken : 0;
	}
	return true;
}

/* The descriptor that came along, -1: none. There is room for one alone: the kernel drops others.
 */
static int descriptor_of(struct msghdr *header)
{
	const struct cmsghdr *control = CMSG_FIRSTHDR(header);
	int descriptor = -1;

	if (control && control->cmsg_level == SOL_SOCKET && control->cmsg_type == SCM_RIGHTS &&
	    control->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(&descriptor, CMSG_DATA(control), sizeof(int));
	return descriptor;
}

static bool receive_rest(int socket, uint8_t *room, size_t length)
{
	for (size_t got = 0; got < length;) {
		ssize_t received = recv(socket, room + got, length - got, MSG_WAITALL);

		if (received < 0 && errno == EINTR)
			continue;
		if (received <= 0)
			return false;
		got += (size_t)received;
	}
	return true;
}

static bool receive_length(int socket, uint32_t *length, int *descriptor)
{
	union control control;
	struct iovec part = { length, sizeof(*length) };
	struct msghdr header = { .msg_iov = &part, .msg_iovlen = 1 };
	ssize_t received;

	if (descriptor) {
		header.msg_control = control.space;
		header.msg_controllen = CMSG_LEN(sizeof(int));
	}
	do
		received = recvmsg(socket, &header, MSG_CMSG_CLOEXEC | MSG_WAITALL);
	while (received < 0 && errno == EINTR);
	if (descriptor)
		*descriptor = received <= 0 ? -1 : descriptor_of(&header);
	return received > 0 && receive_rest(socket, (uint8_t *)length + received,
					    sizeof(*length) - (size_t)received);
}

bool message_receive(int socket, struct message *message, int *descriptor)
{
	uint32_t length = 0;
	uint8_t *room = NULL;

	message_clear(message);
	if (receive_length(socket, &length, descriptor))
		room = message_room(message, length);
	if (room && receive_rest(socket, room, length))
		return true;
	if (descriptor && *descriptor >= 0)
		close(*descriptor);
	return false;
}
