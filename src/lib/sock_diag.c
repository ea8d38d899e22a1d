/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "address.h"
#include "network.h"
#include "tcp_info.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netlink/attr.h>

struct isif_sock_diag {
	struct nl_sock *socket;
};

/* Who is to see the sockets of one dump. */
struct viewer {
	void (*visit)(void *context, const struct isif_socket *socket);
	void *context;
	uint16_t peer_port;
};

DEFINE_CLEANUP(struct isif_sock_diag, sock_diag, isif_sock_diag_close);

enum isif_error isif_sock_diag_open(struct isif_sock_diag **diag)
{
	CLEANUP(cleanup_sock_diag) struct isif_sock_diag *opened = calloc(1, sizeof(*opened));
	enum isif_error error;

	if (!opened)
		return ISIF_NO_MEMORY;
	error = network_socket_open(NETLINK_SOCK_DIAG, &opened->socket);
	if (error)
		return error;
	*diag = TAKE(opened);
	return ISIF_OK;
}

void isif_sock_diag_close(struct isif_sock_diag *diag)
{
	if (!diag)
		return;
	nl_socket_free(diag->socket);
	free(diag);
}

static int take_socket(void *context, struct nlmsghdr *answer)
{
	const struct viewer *viewer = context;
	const struct inet_diag_msg *header = nlmsg_data(answer);
	struct isif_socket socket = { 0 };
	struct nlattr *info;

	if (answer->nlmsg_type != SOCK_DIAG_BY_FAMILY)
		return 0;
	if (!nlmsg_valid_hdr(answer, sizeof(*header)))
		return EBADMSG;
	if ((header->idiag_family != AF_INET && header->idiag_family != AF_INET6) ||
	    header->idiag_state != TCP_ESTABLISHED ||
	    ntohs(header->id.idiag_dport) != viewer->peer_port)
		return 0;
	address_set(&socket.local, header->idiag_family, header->id.idiag_src);
	address_set(&socket.peer, header->idiag_family, header->id.idiag_dst);
	socket.local_port = ntohs(header->id.idiag_sport);
	socket.peer_port = viewer->peer_port;
	socket.bound_link = header->id.idiag_if;
	/* sock_diag_save_cookie() */
	socket.cookie = (uint64_t)header->id.idiag_cookie[1] << 32 | header->id.idiag_cookie[0];
	info = nlmsg_find_attr(answer, sizeof(*header), INET_DIAG_INFO);
	if (info)
		tcp_info_read(&socket, nla_data(info), (size_t)nla_len(info));
	viewer->visit(viewer->context, &socket);
	return 0;
}

static int ask_sockets(struct isif_sock_diag *diag, int family, struct viewer *viewer)
{
	const struct inet_diag_req_v2 header = {
		.sdiag_family = (__u8)family,
		.sdiag_protocol = IPPROTO_TCP,
		.idiag_ext = 1 << (INET_DIAG_INFO - 1),
		.idiag_states = 1 << TCP_ESTABLISHED,
		.id = { .idiag_dport = htons(viewer->peer_port),
			.idiag_cookie = { INET_DIAG_NOCOOKIE, INET_DIAG_NOCOOKIE } },
	};
	CLEANUP(cleanup_nl_msg)
	struct nl_msg *question =
		network_question(SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, &header, sizeof(header));

	if (!question)
		return ENOMEM;
	return network_ask(diag->socket, question, take_socket, viewer);
}

static enum isif_error diag_error(int number)
{
	switch (number) {
	case ENOENT: /* inet_diag or tcp_diag is not there and cannot be loaded */
	case EINTR:
		return ISIF_UNAVAILABLE;
	default:
		return isif_error_from_errno(number);
	}
}

enum isif_error isif_sock_diag_dump(struct isif_sock_diag *diag, uint16_t peer_port,
				    void (*visit)(void *context, const struct isif_socket *socket),
				    void *context)
{
	struct viewer viewer = { .visit = visit, .context = context, .peer_port = peer_port };
	int number = ask_sockets(diag, AF_INET, &viewer);

	if (!number)
		number = ask_sockets(diag, AF_INET6, &viewer);
	return diag_error(number);
}
