/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wire.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PIECE = 65536 };

/* The linker gives these names. */
ssize_t __real_send(int socket, const void *octets, size_t length, int flags);
ssize_t __real_sendmsg(int socket, const struct msghdr *header, int flags);
ssize_t __real_recv(int socket, void *octets, size_t length, int flags);
ssize_t __real_recvmsg(int socket, struct msghdr *header, int flags);
ssize_t __wrap_send(int socket, const void *octets, size_t length, int flags);
ssize_t __wrap_sendmsg(int socket, const struct msghdr *header, int flags);
ssize_t __wrap_recv(int socket, void *octets, size_t length, int flags);
ssize_t __wrap_recvmsg(int socket, struct msghdr *header, int flags);

static struct {
	int inner, outer;    /* the ends of the process that is real, and of the other one */
	int spare;	     /* a descriptor to hand over; 0: none yet */
	size_t limit;	     /* octets of one call */
	size_t left;	     /* octets until the other one ends */
	bool interrupts;     /* the next call */
	struct message said; /* what the other process was told, with lengths, to where it heard */
	int descriptor;
} wire;

/* --- its life --- */

int wire_open(void)
{
	int ends[2];

	MUST(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends));
	wire.inner = ends[0];
	wire.outer = ends[1];
	wire.limit = wire.left = SIZE_MAX;
	wire.interrupts = false;
	wire.descriptor = -1;
	return wire.inner;
}

void wire_close(void)
{
	int descriptor = wire_take_descriptor();

	if (descriptor >= 0)
		close(descriptor);
	close(wire.outer);
	message_free(&wire.said);
	wire.inner = -1;
}

void wire_hamper(size_t octets)
{
	wire.limit = octets ? octets : 1;
}

void wire_hang_up(size_t octets)
{
	wire.left = octets;
}

bool wire_is_up(void)
{
	return wire.left;
}

/* --- the process that is made up --- */

union control {
	struct cmsghdr header;
	char space[CMSG_SPACE(2 * sizeof(int))];
};

/* One of which there is nothing to read. */
static int spare_descriptor(void)
{
	if (!wire.spare)
		wire.spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
	MUST(wire.spare > 0);
	return wire.spare;
}

void wire_say(const void *octets, size_t length, int descriptor)
{
	union control control = { .space = { 0 } };
	struct iovec part = { (void *)(uintptr_t)octets, length };
	struct msghdr header = { .msg_iov = &part, .msg_iovlen = 1 };

	if (descriptor >= 0) {
		header.msg_control = control.space;
		header.msg_controllen = CMSG_SPACE(sizeof(int));
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.header), &descriptor, sizeof(int));
	}
	/* It fails where nobody listens any more. */
	__real_sendmsg(wire.outer, &header, MSG_NOSIGNAL | MSG_DONTWAIT);
}

void wire_say_message(const struct message *message, struct question_frame frame)
{
	uint32_t length = (uint32_t)message->length + frame.more;

	wire_say(&length, sizeof(length), frame.descriptor ? spare_descriptor() : -1);
	wire_say(message->octets, message->length, -1);
}

/* Never two at once, and none that is lost. */
static void keep_descriptor(const struct msghdr *header)
{
	const struct cmsghdr *control = CMSG_FIRSTHDR(header);

	MUST(!(header->msg_flags & MSG_CTRUNC));
	if (!control)
		return;
	MUST(control->cmsg_level == SOL_SOCKET && control->cmsg_type == SCM_RIGHTS);
	MUST(control->cmsg_len == CMSG_LEN(sizeof(int)) && wire.descriptor < 0);
	memcpy(&wire.descriptor, CMSG_DATA(control), sizeof(int));
}

/* Takes what is there. */
static void listen_to_it(void)
{
	static uint8_t octets[PIECE];
	ssize_t got;

	do {
		union control control;
		struct iovec part = { octets, sizeof(octets) };
		struct msghdr header = { .msg_iov = &part,
					 .msg_iovlen = 1,
					 .msg_control = control.space,
					 .msg_controllen = sizeof(control.space) };
		uint8_t *room;

		got = __real_recvmsg(wire.outer, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
		if (got <= 0)
			return;
		keep_descriptor(&header);
		room = message_room(&wire.said, (size_t)got);
		MUST(room);
		memcpy(room, octets, (size_t)got);
	} while (got);
}

bool wire_hear(struct message *message)
{
	size_t there;
	uint32_t length = 0;
	uint8_t *room;

	listen_to_it();
	there = wire.said.length - wire.said.at;
	if (there >= sizeof(length))
		memcpy(&length, wire.said.octets + wire.said.at, sizeof(length));
	if (there < sizeof(length) + length) {
		MUST(!there || !wire.left);
		message_clear(&wire.said);
		return false;
	}
	wire.said.at += sizeof(length);
	message_clear(message);
	room = message_room(message, length);
	MUST(room);
	memcpy(room, wire.said.octets + wire.said.at, length);
	wire.said.at += length;
	return true;
}

int wire_take_descriptor(void)
{
	int descriptor = wire.descriptor;

	wire.descriptor = -1;
	return descriptor;
}

/* --- in the place of the system's calls --- */

static bool interrupts(void)
{
	if (wire.limit == SIZE_MAX)
		return false;
	wire.interrupts = !wire.interrupts;
	errno = EINTR;
	return wire.interrupts;
}

/* But a good part of a long one, which would take too many calls. */
static size_t at_most(size_t length)
{
	size_t most = length / 16 > wire.limit ? length / 16 : wire.limit;

	return length < most ? length : most;
}

static size_t at_most_left(size_t length)
{
	if (!wire.left)
		shutdown(wire.outer, SHUT_RDWR);
	return length < wire.left ? length : wire.left;
}

/* There was no room: the other end makes some. True: try again. */
static bool is_full(ssize_t sent)
{
	if (sent < 0 && errno == EAGAIN) {
		listen_to_it();
		return true;
	}
	wire.left -= sent < 0 ? 0 : (size_t)sent < wire.left ? (size_t)sent : wire.left;
	return false;
}

ssize_t __wrap_sendmsg(int socket, const struct msghdr *header, int flags)
{
	struct iovec parts[2];
	struct msghdr some = *header;
	ssize_t sent;

	if (socket != wire.inner || header->msg_iovlen != 2)
		return __real_sendmsg(socket, header, flags);
	if (interrupts())
		return -1;
	memcpy(parts, header->msg_iov, sizeof(parts));
	parts[1].iov_len = at_most_left(at_most(parts[1].iov_len));
	some.msg_iov = parts;
	do
		sent = __real_sendmsg(socket, &some, flags | MSG_DONTWAIT);
	while (is_full(sent));
	return sent;
}

ssize_t __wrap_send(int socket, const void *octets, size_t length, int flags)
{
	ssize_t sent;

	if (socket != wire.inner)
		return __real_send(socket, octets, length, flags);
	if (interrupts())
		return -1;
	length = at_most_left(at_most(length));
	do
		sent = __real_send(socket, octets, length, flags | MSG_DONTWAIT);
	while (is_full(sent));
	return sent;
}

/* It would wait for ever. */
static ssize_t ended(ssize_t received)
{
	return received < 0 && errno == EAGAIN ? 0 : received;
}

ssize_t __wrap_recvmsg(int socket, struct msghdr *header, int flags)
{
	ssize_t received;

	if (socket != wire.inner)
		return __real_recvmsg(socket, header, flags);
	if (interrupts())
		return -1;
	received = ended(__real_recvmsg(socket, header, flags | MSG_DONTWAIT));
	if (!received)
		header->msg_controllen = 0;
	return received;
}

ssize_t __wrap_recv(int socket, void *octets, size_t length, int flags)
{
	if (socket != wire.inner)
		return __real_recv(socket, octets, length, flags);
	if (interrupts())
		return -1;
	return ended(__real_recv(socket, octets, at_most(length), flags | MSG_DONTWAIT));
}

size_t wire_open_descriptors(void)
{
	DIR *listing;
	size_t count = 0;

	spare_descriptor(); /* for ever, so it is there from the begin on */
	listing = opendir("/proc/self/fd");
	MUST(listing);
	while (readdir(listing))
		count++;
	closedir(listing);
	return count;
}
