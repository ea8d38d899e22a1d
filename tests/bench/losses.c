/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How long after the kernel's word that something is lost a notification is here:
 *
 *     losses link|connection COUNT PORT
 *
 * listens to rtnetlink or to NETLINK_ISCSI, and barely, and to the UDP port that snmpd sends to. A
 * line for each loss, its milliseconds; the median and the 99th percentile at the end. It runs
 * before all others that have one processor with it, so that the word counts from when it came.
 */
#include <arpa/inet.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static double now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* What tells of losses; is_loss: whether a message of it does. */
struct teller {
	const char *name;
	int protocol;
	uint32_t groups;
	bool (*is_loss)(const struct nlmsghdr *header);
};

/* A link was set down; one that is up need not run at once. */
static bool is_link_down(const struct nlmsghdr *header)
{
	const struct ifinfomsg *link = (const void *)((const char *)header + NLMSG_HDRLEN);

	return header->nlmsg_len >= NLMSG_LENGTH(sizeof(*link)) &&
	       header->nlmsg_type == RTM_NEWLINK && !(link->ifi_flags & IFF_UP);
}

/* ISCSI_KEVENT_CONN_ERROR, the first number of a struct iscsi_uevent; they have no other type. */
static bool is_connection_error(const struct nlmsghdr *header)
{
	const uint32_t *type = (const void *)((const char *)header + NLMSG_HDRLEN);

	return header->nlmsg_len >= NLMSG_LENGTH(sizeof(*type)) && header->nlmsg_type == 0 &&
	       *type == 102;
}

static const struct teller tellers[] = {
	{ "link", NETLINK_ROUTE, RTMGRP_LINK, is_link_down },
	{ "connection", NETLINK_ISCSI, 1, is_connection_error },
};

static const struct teller *find_teller(const char *name)
{
	for (size_t i = 0; i < sizeof(tellers) / sizeof(*tellers); i++)
		if (!strcmp(name, tellers[i].name))
			return &tellers[i];
	return NULL;
}

static int open_netlink(const struct teller *teller)
{
	const struct sockaddr_nl address = { .nl_family = AF_NETLINK, .nl_groups = teller->groups };
	int descriptor = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, teller->protocol);

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

/* True if the kernel says that something is lost. */
static bool tells_loss(const struct teller *teller, int netlink)
{
	_Alignas(struct nlmsghdr) char buffer[16384];
	ssize_t got = recv(netlink, buffer, sizeof(buffer), 0);
	size_t length = got > 0 ? (size_t)got : 0;
	bool lost = false;

	for (size_t at = 0; length > at && length - at >= NLMSG_HDRLEN;) {
		const struct nlmsghdr *header = (const void *)(buffer + at);

		if (header->nlmsg_len < NLMSG_HDRLEN || header->nlmsg_len > length - at)
			break;
		lost |= teller->is_loss(header);
		at += NLMSG_ALIGN(header->nlmsg_len);
	}
	return lost;
}

static int compare(const void *a, const void *b)
{
	double one = *(const double *)a, other = *(const double *)b;

	return (one > other) - (one < other);
}

/* Measures that many; false if one does not come within a minute. */
static bool measure(const struct teller *teller, struct pollfd *sources, double *took, long count)
{
	bool waiting = false;
	double since = 0;
	char datagram[65536];

	for (long i = 0; i < count;) {
		if (poll(sources, 2, 60000) <= 0)
			return false;
		if (sources[0].revents && tells_loss(teller, sources[0].fd) && !waiting) {
			since = now_ms();
			waiting = true;
		}
		if (!sources[1].revents ||
		    recv(sources[1].fd, datagram, sizeof(datagram), 0) <= 0 || !waiting)
			continue;
		took[i] = now_ms() - since;
		waiting = false;
		printf("%.2f\n", took[i++]);
		fflush(stdout);
	}
	return true;
}

int main(int argc, char **argv)
{
	const struct sched_param first = { .sched_priority = 1 };
	const struct teller *teller = argc == 4 ? find_teller(argv[1]) : NULL;
	long count = teller ? strtol(argv[2], NULL, 10) : 0;
	double *took = count > 0 ? calloc((size_t)count, sizeof(*took)) : NULL;
	struct pollfd sources[2] = { { .fd = -1, .events = POLLIN },
				     { .fd = -1, .events = POLLIN } };
	bool good;

	if (!took) {
		fprintf(stderr, "usage: losses link|connection COUNT PORT\n");
		return 2;
	}
	sources[0].fd = open_netlink(teller);
	sources[1].fd = open_port((uint16_t)strtol(argv[3], NULL, 10));
	if (sources[0].fd < 0 || sources[1].fd < 0 || sched_setscheduler(0, SCHED_FIFO, &first)) {
		perror("losses");
		free(took);
		return 1;
	}
	puts("ready");
	fflush(stdout);
	good = measure(teller, sources, took, count);
	if (good) {
		qsort(took, (size_t)count, sizeof(*took), compare);
		printf("median %.2f p99 %.2f\n", took[count / 2], took[count * 99 / 100]);
	}
	free(took);
	return !good;
}
