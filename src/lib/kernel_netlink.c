/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel_event.h"
#include "kernel_message.h"

#include "cleanup.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <string.h>
#include <sys/socket.h>

#define GROUP_ISCSID   1 /* enum iscsi_nl_group: the number, not the mask */
#define RECEIVE_BUFFER (4 << 20)

DEFINE_CLEANUP(struct nl_sock, socket, nl_socket_free);

static enum isif_error error_from_nl(int result)
{
	switch (-result) {
	case 0:
		return ISIF_OK;
	case NLE_NOMEM:
		return ISIF_NO_MEMORY;
	case NLE_PERM:
	case NLE_NOACCESS:
		return ISIF_NO_ACCESS;
	case NLE_PROTO_MISMATCH: /* EPROTONOSUPPORT: no scsi_transport_iscsi */
	case NLE_AF_NOSUPPORT:
	case NLE_OBJ_NOTFOUND:
		return ISIF_UNAVAILABLE;
	default:
		return ISIF_IO;
	}
}

/* Over net.core.rmem_max if we may (CAP_NET_ADMIN, which joining the group needs anyway). */
static void enlarge_buffer(int descriptor)
{
	int size = RECEIVE_BUFFER;

	if (setsockopt(descriptor, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)))
		setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
}

/*
 * A login PDU's data holds CHAP, and so does the answer to GET_CHAP, which goes to the whole group:
 * whoever gets this socket can read neither, nor take the filter off again. It keeps the kernel's
 * events, which have type 0, and of the PDUs the answer to a logout, a login that was refused, and
 * the end of one: open-iscsi leaves the security stage before (usr/login.c:iscsi_login_rsp).
 *
 * All or nothing, never a part: in a multicast the first listener's filter is run on the very
 * buffer that the next ones get (net/netlink/af_netlink.c:do_one_broadcast), and iscsid would have
 * its PDUs cut.
 */
bool iscsi_events_filter(int descriptor)
{
	/* A load is in the network's order; jumps count from the next line. */
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, offsetof(struct iscsi_message, message_type)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 12),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct iscsi_message, type)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htonl(MESSAGE_RECV_PDU), 0, 9),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, offsetof(struct iscsi_message, pdu)),
		BPF_STMT(BPF_ALU | BPF_AND | BPF_K, PDU_OPCODE_MASK),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PDU_LOGOUT_RESPONSE, 6, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PDU_LOGIN_RESPONSE, 0, 6),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS,
			 offsetof(struct iscsi_message, pdu) + PDU_STATUS_CLASS),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 3),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, offsetof(struct iscsi_message, pdu) + PDU_FLAGS),
		BPF_STMT(BPF_ALU | BPF_AND | BPF_K, PDU_LOGIN_DONE),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PDU_LOGIN_DONE, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	const struct sock_fprog filter = { .len = sizeof(code) / sizeof(*code), .filter = code };
	int yes = 1;

	return !setsockopt(descriptor, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof(filter)) &&
	       !setsockopt(descriptor, SOL_SOCKET, SO_LOCK_FILTER, &yes, sizeof(yes));
}

enum isif_error iscsi_events_open(int *descriptor)
{
	struct nl_sock *CLEANUP(cleanup_socket) socket = nl_socket_alloc();
	int result = socket ? nl_connect(socket, NETLINK_ISCSI) : -NLE_NOMEM;

	if (!result)
		result = nl_socket_set_nonblocking(socket);
	if (result)
		return error_from_nl(result);
	enlarge_buffer(nl_socket_get_fd(socket));
	if (!iscsi_events_filter(nl_socket_get_fd(socket)))
		return isif_error_from_errno(errno);
	result = nl_socket_add_membership(socket, GROUP_ISCSID);
	if (result)
		return error_from_nl(result);
	*descriptor = fcntl(nl_socket_get_fd(socket), F_DUPFD_CLOEXEC, 0);
	return *descriptor < 0 ? isif_error_from_errno(errno) : ISIF_OK;
}

/* Control PDUs that iscsid has to see: of interest are the answers to a login and a logout. */
static bool parse_pdu(const struct iscsi_message *message, struct isif_kernel_event *event)
{
	const uint8_t *pdu = message->pdu;

	event->sid = message->connection.sid;
	switch (pdu[0] & PDU_OPCODE_MASK) {
	case PDU_LOGIN_RESPONSE:
		event->kind = ISIF_EVENT_LOGIN_RESPONSE;
		event->code = (uint32_t)(pdu[PDU_STATUS_CLASS] << 8 | pdu[PDU_STATUS_DETAIL]);
		event->accepted = (pdu[PDU_FLAGS] & PDU_LOGIN_DONE) == PDU_LOGIN_DONE &&
				  pdu[PDU_STATUS_CLASS] == 0;
		return true;
	case PDU_LOGOUT_RESPONSE:
		event->kind = ISIF_EVENT_LOGOUT_RESPONSE;
		return true;
	default:
		return false;
	}
}

static bool parse_event(const struct iscsi_message *message, struct isif_kernel_event *event)
{
	switch (message->type) {
	case MESSAGE_CONNECTION_ERROR:
		event->kind = ISIF_EVENT_CONNECTION;
		event->sid = message->connection.sid;
		event->code = message->connection.code;
		return true;
	case MESSAGE_LOGIN_STATE:
		event->kind = ISIF_EVENT_SESSION;
		event->sid = message->connection.sid;
		return true;
	case MESSAGE_DESTROY_SESSION:
		event->kind = ISIF_EVENT_SESSION_GONE;
		event->sid = message->destroyed.sid;
		event->host = message->destroyed.host;
		return true;
	case MESSAGE_UNBIND_SESSION:
	case MESSAGE_CREATE_SESSION:
		event->kind = message->type == MESSAGE_UNBIND_SESSION ? ISIF_EVENT_UNBIND
								      : ISIF_EVENT_SESSION;
		event->sid = message->session.sid;
		event->host = message->session.host;
		return true;
	case MESSAGE_HOST_EVENT:
		event->kind = ISIF_EVENT_HOST;
		event->host = message->host.host;
		event->code = message->host.code;
		return true;
	default:
		return false; /* answers to others' requests, and what is iscsiuio's */
	}
}

bool iscsi_message_parse(const void *octets, size_t length, struct isif_kernel_event *event)
{
	struct iscsi_message message = { 0 };

	*event = (struct isif_kernel_event){ 0 };
	if (length < MESSAGE_EVENT_SIZE)
		return false;
	memcpy(&message, octets, length < sizeof(message) ? length : sizeof(message));
	/* The kernel's events have type 0; others are answers that were meant for another port. */
	if (message.length < MESSAGE_EVENT_SIZE || message.message_type != 0)
		return false;
	if (message.type != MESSAGE_RECV_PDU)
		return parse_event(&message, event);
	if (length < sizeof(message) || message.length < sizeof(message))
		return false;
	return parse_pdu(&message, event);
}

/*
 * Not nl_recvmsgs(): it would copy what is only looked at.
 */
void isif_iscsi_events_read(int descriptor, isif_kernel_event_visit *visit, void *context)
{
	uint8_t octets[sizeof(struct iscsi_message)];

	for (int i = 0; i < EVENTS_AT_ONCE; i++) {
		struct sockaddr_nl sender = { 0 };
		socklen_t size = sizeof(sender);
		struct isif_kernel_event event = { .kind = ISIF_EVENT_OVERFLOW };
		ssize_t length = recvfrom(descriptor, octets, sizeof(octets), MSG_DONTWAIT,
					  (struct sockaddr *)&sender, &size);

		if (length < 0 && errno == EINTR)
			continue;
		if (length < 0 && errno != ENOBUFS)
			break;
		/* Any process with CAP_NET_ADMIN could send here; only the kernel is port 0. */
		if (length < 0 ||
		    (sender.nl_pid == 0 && iscsi_message_parse(octets, (size_t)length, &event)))
			visit(context, &event);
	}
}
