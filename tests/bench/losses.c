/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How long after the kernel's word that a link is down a notification is here:
 *
 *     losses COUNT PORT
 *
 * listens to rtnetlink, and barely, and to the UDP port that snmpd sends to. A line for each loss,
 * its milliseconds; the median and the 99th percentile at the end.
 */
#include <arpa/inet.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static double now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static int open_netlink(void)
{
	const struct sockaddr_nl address = { .nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK };
	int descriptor = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	if (descriptor < 0 || bind(descriptor, (const struct sockaddr *)&address, sizeof(address)))
		return -1;
	return descriptor;
}

static int open_port(uint16_t port)
{
	const struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr = { htonl(INADDR_LOOPBACK) },
	};
	int descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (descriptor < 0 || bind(descriptor, (const struct sockaddr *)&address, sizeof(address)))
		return -1;
	return descriptor;
}

/* True if the kernel says that a link was set down; one that is up need not run at once. */
static bool is_down(int netlink)
{
	_Alignas(struct nlmsghdr) char buffer[16384];
	ssize_t got = recv(netlink, buffer, sizeof(buffer), 0);
	size_t length = got > 0 ? (size_t)got : 0;
	bool down = false;

	for (size_t at = 0; length - at >= NLMSG_HDRLEN && length > at;) {
		const struct nlmsghdr *header = (const void *)(buffer + at);
		const struct ifinfomsg *link = (const void *)(buffer + at + NLMSG_HDRLEN);

		if (header->nlmsg_len < NLMSG_LENGTH(sizeof(*link)) ||
		    header->nlmsg_len > length - at)
			break;
		down |= header->nlmsg_type == RTM_NEWLINK && !(link->ifi_flags & IFF_UP);
		at += NLMSG_ALIGN(header->nlmsg_len);
	}
	return down;
}

static int compare(const void *a, const void *b)
{
	double one = *(const double *)a, other = *(const double *)b;

	return (one > other) - (one < other);
}

int main(int argc, char **argv)
{
	long count = argc == 3 ? strtol(argv[1], NULL, 10) : 0;
	double *took = calloc((size_t)(count > 0 ? count : 1), sizeof(*took)), since = 0;
	bool waiting = false;
	struct pollfd sources[2] = {
		{ .fd = open_netlink(), .events = POLLIN },
		{ .fd = argc == 3 ? open_port((uint16_t)strtol(argv[2], NULL, 10)) : -1,
		  .events = POLLIN },
	};
	char datagram[65536];

	if (count <= 0 || !took || sources[0].fd < 0 || sources[1].fd < 0) {
		fprintf(stderr, "usage: losses COUNT PORT\n");
		return 2;
	}
	puts("ready");
	fflush(stdout);
	for (long i = 0; i < count && poll(sources, 2, 60000) > 0;) {
		if (sources[0].revents && is_down(sources[0].fd) && !waiting) {
			since = now_ms();
			waiting = true;
		}
		if (!sources[1].revents ||
		    recv(sources[1].fd, datagram, sizeof(datagram), 0) <= 0 || !waiting)
			continue;
		took[i++] = now_ms() - since;
		waiting = false;
		printf("%.2f\n", took[i - 1]);
		fflush(stdout);
		if (i == count) {
			qsort(took, (size_t)count, sizeof(*took), compare);
			printf("median %.2f p99 %.2f\n", took[count / 2], took[count * 99 / 100]);
		}
	}
	free(took);
	return 0;
}
