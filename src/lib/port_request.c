/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One request, in a process of its own: the kernel carries it out within sendmsg(2), for as long as
 * the adapter takes, and no signal ends that.
 */
#include "port_message.h"

#include "cleanup.h"
#include "clock.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/netlink.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EVENT_GROUP 1 /* ISCSI_NL_GRP_ISCSID: a ping's end is told to all */

DEFINE_CLEANUP(struct nl_sock, socket, nl_socket_free);

struct port_question {
	const struct isif_port_request *request; /* borrowed */
	struct nl_sock *socket;
	struct port_message message;
	uint32_t cookie;
	int error; /* errno: it cannot be asked */
};

/* A kernel pointer, and another one each time that the module is loaded. */
static int read_handle(const char *transport, uint64_t *handle)
{
	char path[64];
	CLEANUP_FILE FILE *file = NULL;

	snprintf(path, sizeof(path), "/sys/class/iscsi_transport/%s/handle", transport);
	file = fopen(path, "re");
	if (!file)
		return errno;
	return fscanf(file, "%" SCNu64, handle) == 1 ? 0 : EIO;
}

static int open_socket(const struct isif_port_request *request, struct nl_sock **result)
{
	CLEANUP(cleanup_socket) struct nl_sock *socket = nl_socket_alloc();

	if (!socket)
		return ENOMEM;
	/* It knows neither sequence numbers nor acknowledgements. */
	nl_socket_disable_seq_check(socket);
	nl_socket_disable_auto_ack(socket);
	if (nl_connect(socket, NETLINK_ISCSI) < 0)
		return errno ? errno : EIO;
	if (request->verb == ISIF_PORT_PING && nl_socket_add_membership(socket, EVENT_GROUP) < 0)
		return errno ? errno : EIO;
	*result = TAKE(socket);
	return 0;
}

enum isif_error port_request_prepare(const struct isif_port_request *request,
				     struct port_question **result)
{
	struct port_question *question = calloc(1, sizeof(*question));
	uint64_t handle = 0;

	if (!question)
		return ISIF_NO_MEMORY;
	question->request = request;
	question->cookie = (uint32_t)getpid();
	question->error = read_handle(request->transport, &handle);
	if (!question->error)
		question->error = open_socket(request, &question->socket);
	port_message_make(request, handle, question->cookie, &question->message);
	*result = question;
	return ISIF_OK;
}

int port_request_descriptor(const struct port_question *question)
{
	return question->socket ? nl_socket_get_fd(question->socket) : STDERR_FILENO;
}

void port_request_free(struct port_question *question)
{
	if (question)
		nl_socket_free(question->socket);
	free(question);
}

/* --- the process: nothing but system calls, because another thread may have held any lock --- */

/* Only what the kernel itself sent, which is port 0. */
static enum port_answer receive(const struct port_question *question, uint32_t *value)
{
	uint8_t octets[PORT_MESSAGE_SIZE];
	struct sockaddr_nl sender = { 0 };
	socklen_t size = sizeof(sender);
	ssize_t length = recvfrom(nl_socket_get_fd(question->socket), octets, sizeof(octets),
				  MSG_DONTWAIT, (struct sockaddr *)&sender, &size);
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
static int await(const struct port_question *question, int output)
{
	const struct isif_port_request *request = question->request;
	const uint64_t end = clock_ns() + (uint64_t)request->timeout * 1000000;
	struct pollfd one = { .fd = nl_socket_get_fd(question->socket), .events = POLLIN };

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

int port_request_ask(const struct port_question *question, int output)
{
	const struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	const struct port_message *message = &question->message;

	if (question->error)
		return question->error;
	if (sendto(nl_socket_get_fd(question->socket), message->octets, message->length, 0,
		   (const struct sockaddr *)&kernel, sizeof(kernel)) < 0)
		return errno;
	return await(question, output);
}
