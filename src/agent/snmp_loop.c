/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "snmp_loop.h"

#include <net-snmp/net-snmp-config.h>

#include <net-snmp/net-snmp-includes.h>

#include <net-snmp/library/large_fd_set.h>

#define REQUEST_TURNS 256 /* while requests are served before other work: up to four are one */

size_t snmp_descriptors(struct pollfd *descriptors, size_t size, int *timeout)
{
	netsnmp_large_fd_set set;
	struct timeval wait = { .tv_sec = 3600 };
	int limit = 0, block = 1, milliseconds;
	size_t count = 0;

	netsnmp_large_fd_set_init(&set, FD_SETSIZE);
	NETSNMP_LARGE_FD_ZERO(&set);
	snmp_select_info2(&limit, &set, &wait, &block);
	for (int i = 0; i < limit && count < size; i++)
		if (NETSNMP_LARGE_FD_ISSET(i, &set))
			descriptors[count++] = (struct pollfd){ .fd = i, .events = POLLIN };
	netsnmp_large_fd_set_cleanup(&set);
	if (block)
		return count;
	milliseconds = (int)(wait.tv_sec * 1000 + (wait.tv_usec + 999) / 1000);
	if (*timeout < 0 || milliseconds < *timeout)
		*timeout = milliseconds;
	return count;
}

bool snmp_serve(const struct pollfd *descriptors, size_t count)
{
	netsnmp_large_fd_set set;
	bool ready = false;

	netsnmp_large_fd_set_init(&set, FD_SETSIZE);
	NETSNMP_LARGE_FD_ZERO(&set);
	for (size_t i = 0; i < count; i++)
		if (descriptors[i].revents) {
			NETSNMP_LARGE_FD_SET(descriptors[i].fd, &set);
			ready = true;
		}
	if (ready)
		snmp_read2(&set);
	netsnmp_large_fd_set_cleanup(&set);
	return ready;
}

void snmp_drain(void)
{
	struct pollfd descriptors[SNMP_DESCRIPTORS];

	for (int i = 0; i < REQUEST_TURNS; i++) {
		int unused = 0;
		size_t count = snmp_descriptors(descriptors, SNMP_DESCRIPTORS, &unused);

		if (poll(descriptors, count, 0) <= 0 || !snmp_serve(descriptors, count))
			return;
	}
}

bool snmp_is_busy(int master)
{
	struct pollfd descriptors[SNMP_DESCRIPTORS];
	int unused = 0;
	size_t count = snmp_descriptors(descriptors, SNMP_DESCRIPTORS, &unused);

	for (size_t i = 0; i < count; i++)
		if (descriptors[i].fd == master)
			descriptors[i].fd = -1;
	return poll(descriptors, count, 0) > 0;
}
