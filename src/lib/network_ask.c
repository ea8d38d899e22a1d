/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "network.h"

#include <errno.h>
#include <netlink/errno.h>
#include <netlink/netlink.h>
#include <string.h>
#include <sys/time.h>

#define OLD_ANSWERS 65536 /* more than fit into a socket */

/* What the callbacks of one question share. */
struct question {
	network_visit *visit;
	void *context;
	uint32_t sequence;
	int number; /* the first errno value that anybody reported */
	bool done;
	bool interrupted;
};

/* libnl folds many errno values into one; these are the ones that the kernel did not answer. */
static int number_of(int libnl_error)
{
	switch (-libnl_error) {
	case NLE_NOMEM: /* also ENOBUFS, see nl_syserr2nlerr() */
		return ENOMEM;
	case NLE_AGAIN:
		return ETIMEDOUT;
	case NLE_PERM:
	case NLE_NOACCESS:
		return EACCES;
	case NLE_AF_NOSUPPORT:
	case NLE_PROTO_MISMATCH: /* EPROTONOSUPPORT: the kernel has no such netlink */
		return EPROTONOSUPPORT;
	default:
		return EIO;
	}
}

enum isif_error network_socket_open(int protocol, struct nl_sock **socket)
{
	CLEANUP(cleanup_nl_sock) struct nl_sock *opened = nl_socket_alloc();
	struct timeval second = { .tv_sec = 1 };
	int error;

	if (!opened)
		return ISIF_NO_MEMORY;
	nl_socket_disable_auto_ack(opened);
	error = nl_connect(opened, protocol);
	if (error < 0)
		return isif_error_from_errno(number_of(error));
	if (setsockopt(nl_socket_get_fd(opened), SOL_SOCKET, SO_RCVTIMEO, &second, sizeof(second)))
		return isif_error_from_errno(errno);
	*socket = TAKE(opened);
	return ISIF_OK;
}

struct nl_msg *network_question(int type, int flags, const void *header, size_t size)
{
	CLEANUP(cleanup_nl_msg) struct nl_msg *message = nlmsg_alloc_simple(type, flags);
	void *copy = message ? nlmsg_reserve(message, size, NLMSG_ALIGNTO) : NULL;

	if (!copy)
		return NULL;
	memcpy(copy, header, size);
	return TAKE(message);
}

/* Answers to a question that was given up are not ours. */
static int check_sequence(struct nl_msg *message, void *context)
{
	const struct question *question = context;

	return nlmsg_hdr(message)->nlmsg_seq == question->sequence ? NL_OK : NL_SKIP;
}

static int take_answer(struct nl_msg *message, void *context)
{
	struct question *question = context;
	struct nlmsghdr *header = nlmsg_hdr(message);

	/* A dump is read to its end in any case: the kernel runs only one at a time per socket. */
	if (!question->number)
		question->number = question->visit(question->context, header);
	if (!(header->nlmsg_flags & NLM_F_MULTI))
		question->done = true;
	return NL_OK;
}

/* The end of a dump carries its errno (netlink_dump_done), which libnl does not look at. */
static int take_end(struct nl_msg *message, void *context)
{
	struct question *question = context;
	const struct nlmsghdr *header = nlmsg_hdr(message);
	int result = 0;

	if (nlmsg_datalen(header) >= (int)sizeof(result))
		memcpy(&result, nlmsg_data(header), sizeof(result));
	if (result < 0 && !question->number)
		question->number = -result;
	question->done = true;
	return NL_OK;
}

static int take_error(struct sockaddr_nl *peer, struct nlmsgerr *error, void *context)
{
	struct question *question = context;

	(void)peer;
	if (!question->number)
		question->number = -error->error;
	question->done = true;
	return NL_SKIP;
}

static int take_interruption(struct nl_msg *message, void *context)
{
	struct question *question = context;

	(void)message;
	question->interrupted = true;
	return NL_OK;
}

/*
 * Drops what a question that was given up has left behind. The kernel makes its answers while we
 * send, and the rest of a dump while we receive, so nothing of it can arrive later.
 */
static void drop_old_answers(int descriptor)
{
	for (int i = 0; i < OLD_ANSWERS; i++) {
		char octet;
		ssize_t received =
			recv(descriptor, &octet, sizeof(octet), MSG_DONTWAIT | MSG_TRUNC);

		if (received < 0 && errno != EINTR && errno != ENOBUFS)
			return;
	}
}

static struct nl_cb *callbacks_for(struct question *question)
{
	struct nl_cb *callbacks = nl_cb_alloc(NL_CB_DEFAULT);

	if (!callbacks)
		return NULL;
	nl_cb_set(callbacks, NL_CB_SEQ_CHECK, NL_CB_CUSTOM, check_sequence, question);
	nl_cb_set(callbacks, NL_CB_VALID, NL_CB_CUSTOM, take_answer, question);
	nl_cb_set(callbacks, NL_CB_FINISH, NL_CB_CUSTOM, take_end, question);
	nl_cb_set(callbacks, NL_CB_DUMP_INTR, NL_CB_CUSTOM, take_interruption, question);
	nl_cb_err(callbacks, NL_CB_CUSTOM, take_error, question);
	return callbacks;
}

int network_ask(struct nl_sock *socket, struct nl_msg *message, network_visit *visit, void *context)
{
	struct question question = { .visit = visit, .context = context };
	CLEANUP(cleanup_nl_cb) struct nl_cb *callbacks = callbacks_for(&question);
	int error;

	if (!callbacks)
		return ENOMEM;
	drop_old_answers(nl_socket_get_fd(socket));
	error = nl_send_auto(socket, message);
	if (error < 0)
		return number_of(error);
	question.sequence = nlmsg_hdr(message)->nlmsg_seq;
	while (!question.done) {
		error = nl_recvmsgs_report(socket, callbacks);
		if (error <= 0)
			return error ? number_of(error) : EIO;
	}
	return question.number ? question.number : question.interrupted ? EINTR : 0;
}
