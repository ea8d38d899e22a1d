/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "loopback.h"

#include "stage.h"

#include <errno.h>
#include <linux/tcp.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PATIENCE 60000 /* ms for what must come */

static struct isif_link_address addresses[] = {
	{ LO, AF_INET, { 127, 0, 0, 1 }, "lo:1" },
	{ LO, AF_INET6, { [15] = 1 }, "" },
	{ LO, AF_INET6, { 0xfe, 0x80, [15] = 1 }, "" },
	{ SAN0, AF_INET, { 192, 0, 2, 1 }, "" },
	{ SAN1, AF_INET6, { 0x20, 0x01, 0x0d, 0xb8, [15] = 1 }, "" },
};

void loopback_stage(void)
{
	CU_ASSERT_EQUAL_FATAL(if_nametoindex("lo"), LO);
	stage.network.addresses = addresses;
	stage.network.address_count = COUNT(addresses);
}

bool loopback_may_bind(void)
{
	int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int result = setsockopt(descriptor, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3);

	if (result)
		fprintf(stderr, "\nNOT TESTED: a socket bound to lo: SO_BINDTODEVICE: %s\n",
			strerror(errno));
	close(descriptor);
	return !result;
}

/* A socket that is bound to a free port of the family's loopback address. */
static int bound_socket(int family, uint16_t *port)
{
	struct sockaddr_in ipv4 = { .sin_family = AF_INET };
	struct sockaddr_in6 ipv6 = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	struct sockaddr *name =
		family == AF_INET ? (struct sockaddr *)&ipv4 : (struct sockaddr *)&ipv6;
	socklen_t size = family == AF_INET ? sizeof(ipv4) : sizeof(ipv6);
	int descriptor = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ipv4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (descriptor < 0 || bind(descriptor, name, size) ||
	    getsockname(descriptor, name, &size)) {
		if (descriptor >= 0)
			close(descriptor);
		return -1;
	}
	*port = ntohs(family == AF_INET ? ipv4.sin_port : ipv6.sin6_port);
	return descriptor;
}

int loopback_listen(int family, uint16_t *port)
{
	int descriptor = bound_socket(family, port);

	if (descriptor >= 0)
		CU_ASSERT_EQUAL_FATAL(listen(descriptor, 16), 0);
	return descriptor;
}

int loopback_refuse(uint16_t *port)
{
	int descriptor = bound_socket(AF_INET, port);

	CU_ASSERT_TRUE_FATAL(descriptor >= 0);
	return descriptor;
}

/*
 * Of a full queue the kernel drops what asks to be let in (tcp_conn_request: sk_acceptq_is_full).
 * One that is to have no room has room for one.
 */
void loopback_deafen(struct loopback_deaf *deaf)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	struct pollfd queue = { .events = POLLIN };
	struct tcp_info info = { 0 };
	socklen_t size = sizeof(info);

	deaf->listener = bound_socket(AF_INET, &deaf->port);
	deaf->waiting = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CU_ASSERT_TRUE_FATAL(deaf->listener >= 0 && deaf->waiting >= 0);
	CU_ASSERT_EQUAL_FATAL(listen(deaf->listener, 0), 0);
	to.sin_port = htons(deaf->port);
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	CU_ASSERT_EQUAL_FATAL(connect(deaf->waiting, (struct sockaddr *)&to, sizeof(to)), 0);
	queue.fd = deaf->listener;
	CU_ASSERT_EQUAL_FATAL(poll(&queue, 1, PATIENCE), 1);
	/* Of one that listens these two are the length of its queue, and the bound of it. */
	CU_ASSERT_EQUAL_FATAL(getsockopt(deaf->listener, IPPROTO_TCP, TCP_INFO, &info, &size), 0);
	CU_ASSERT_TRUE_FATAL(info.tcpi_unacked > info.tcpi_sacked);
}

void loopback_hear(struct loopback_deaf *deaf)
{
	close(deaf->waiting);
	close(deaf->listener);
}
