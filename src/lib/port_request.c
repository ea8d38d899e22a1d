/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One request, in a process of its own: the kernel carries it out within sendmsg(2), for as long as
 * the adapter takes, and no signal ends that. Another thread of the process that this one was
 * forked from may have held any lock: nothing here takes one, or memory.
 */
#include "port_message.h"

#include "cleanup.h"
#include "clock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/netlink.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define EVENT_GROUP 1 /* ISCSI_NL_GRP_ISCSID: a ping's end is told to all */

/* What is asked, and over which socket. */
struct question {
	const struct isif_port_request *request;
	uint32_t cookie; /* another one in each process: a ping's end that comes late is not ours */
	int socket;
};

/* A kernel pointer, and another one each time that the module is loaded. */
static int read_handle(const char *sysfs, const char *transport, uint64_t *handle)
{
	char path[PATH_MAX], text[32], *end;
	CLEANUP_CLOSE int descriptor = -1;
	ssize_t length;

	snprintf(path, sizeof(path), "%s/class/iscsi_transport/%s/handle", sysfs, transport);
	descriptor = open(path, O_RDONLY | O_CLOEXEC);
	if (descriptor < 0)
		return errno;
	length = read(descriptor, text, sizeof(text) - 1);
	if (length < 0)
		return errno;
	text[length] = '\0';
	*handle = strtoull(text, &end, 10);
	return end == text ? EIO : 0;
}

static int open_socket(struct question *question)
{
	const struct sockaddr_nl self = { .nl_family = AF_NETLINK }; /* port: as the kernel likes */
	const int group = EVENT_GROUP;

	question->socket = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ISCSI);
	if (question->socket < 0 ||
	    bind(question->socket, (const struct sockaddr *)&self, sizeof(self)))
		return errno;
	if (question->request->verb == ISIF_PORT_PING &&
	    setsockopt(question->socket, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group,
		       sizeof(group)))
		return errno;
	return 0;
}

/* Only what the kernel itself sent, which is port 0. */
static enum port_answer receive(const struct question *question, uint32_t *value)
{
	uint8_t octets[PORT_MESSAGE_SIZE];
	struct sockaddr_nl sender = { 0 };
	socklen_t size = sizeof(sender);
	ssize_t length = recvfrom(question->socket, octets, sizeof(octets), MSG_DONTWAIT,
				  (struct sockaddr *)&sender, &size);
	enum port_answer answer = PORT_ANSWER_OTHER;

	if (length > 0 && !sender.nl_pid)
		answer = port_answer_parse(octets, (size_t)length, question->request,
					   question->cookie, value);
	/* What the group gets may hold others' secrets. */
	explicit_bzero(octets, sizeof(octets));
	return answer;
}

static void tell_ping(uint32_t status, int output)
{
	char text[] = "ping ?\n";

	if (status <= 9)
		text[5] = (char)('0' + status);
	(void)!write(output, text, strlen(text));
}

/* Until the kernel has answered and, if it is a ping that was sent, until that is over. */
static int await(const struct question *question, int output)
{
	const struct isif_port_request *request = question->request;
	const uint64_t end = clock_ns() + (uint64_t)request->timeout * 1000000;
	struct pollfd one = { .fd = question->socket, .events = POLLIN };

	for (;;) {
		const uint64_t now = clock_ns();
		uint32_t value = 0;
		enum port_answer answer;

		if (now >= end || poll(&one, 1, (int)((end - now) / 1000000) + 1) < 0)
			return ETIMEDOUT;
		answer = receive(question, &value);
		if (answer == PORT_ANSWER_PINGED) {
			tell_ping(value, output);
			return 0;
		}
		if (answer == PORT_ANSWER_DONE && (value || request->verb != ISIF_PORT_PING))
			return (int)value;
	}
}

int port_request_ask(const struct isif_port_request *request, const char *sysfs, int output)
{
	const struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	struct question question = { .request = request, .cookie = (uint32_t)getpid() };
	struct port_message message;
	uint64_t handle = 0;
	int error = read_handle(sysfs, request->transport, &handle);

	if (!error)
		error = open_socket(&question);
	if (error)
		return error;
	port_message_make(request, handle, question.cookie, &message);
	if (sendto(question.socket, message.octets, message.length, 0,
		   (const struct sockaddr *)&kernel, sizeof(kernel)) < 0)
		return errno;
	return await(&question, output);
}
