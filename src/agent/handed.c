/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "handed.h"

#include <net-snmp/net-snmp-config.h>

#include <net-snmp/net-snmp-includes.h>

#include <net-snmp/library/snmpSocketBaseDomain.h>
#include <net-snmp/library/snmpUnixDomain.h>
#include <net-snmp/library/snmp_transport.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* Longer than any AgentX packet that the library makes or takes. */
#define LONGEST_MESSAGE 0x7fffffff

static const oid domain_name[] = { TRANSPORT_DOMAIN_LOCAL };

static int receive(netsnmp_transport *transport, void *octets, int size, void **opaque,
		   int *opaque_length)
{
	ssize_t received;

	*opaque = NULL;
	*opaque_length = 0;
	do
		received = recv(transport->sock, octets, (size_t)size, 0);
	while (received < 0 && errno == EINTR);
	return (int)received;
}

static int transmit(netsnmp_transport *transport, const void *octets, int length, void **opaque,
		    int *opaque_length)
{
	ssize_t sent;

	(void)opaque;
	(void)opaque_length;
	do
		sent = send(transport->sock, octets, (size_t)length, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return (int)sent;
}

static char *format(netsnmp_transport *transport, const void *address, int length)
{
	(void)transport;
	(void)address;
	(void)length;
	return strdup("the AgentX master");
}

static netsnmp_transport *create(const char *text, int local, const char *default_target)
{
	int descriptor = fcntl((int)strtol(text, NULL, 10), F_DUPFD_CLOEXEC, 0);
	netsnmp_transport *transport;

	(void)default_target;
	if (local || descriptor < 0)
		return NULL;
	/* The library frees it, with free(). */
	transport = calloc(1, sizeof(*transport));
	if (!transport) {
		close(descriptor);
		return NULL;
	}
	transport->domain = domain_name;
	transport->domain_length = sizeof(domain_name) / sizeof(*domain_name);
	transport->sock = descriptor;
	transport->flags = NETSNMP_TRANSPORT_FLAG_STREAM;
	transport->msgMaxSize = LONGEST_MESSAGE;
	transport->f_recv = receive;
	transport->f_send = transmit;
	transport->f_close = netsnmp_socketbase_close;
	transport->f_fmtaddr = format;
	return transport;
}

/* The list of prefixes is the library's, which frees it at its end. */
static netsnmp_tdomain domain = {
	.name = domain_name,
	.name_length = sizeof(domain_name) / sizeof(*domain_name),
	.f_create_from_tstring_new = create,
};

bool handed_register(void)
{
	domain.prefix = calloc(2, sizeof(*domain.prefix));
	if (!domain.prefix)
		return false;
	domain.prefix[0] = "handed";
	return netsnmp_tdomain_register(&domain);
}
