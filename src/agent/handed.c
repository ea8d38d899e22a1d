/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "handed.h"

#include <net-snmp/net-snmp-config.h>

#include <net-snmp/net-snmp-includes.h>

#include <net-snmp/library/snmpSocketBaseDomain.h>
#include <net-snmp/library/snmpUnixDomain.h>
#include <net-snmp/library/snmp_transport.h>

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/* Longer than any AgentX packet that the library makes or takes. */
#define LONGEST_MESSAGE 0x7fffffff

static const oid domain_name[] = { TRANSPORT_DOMAIN_LOCAL };

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
	domain.prefix[0] = HANDED_DOMAIN;
	return netsnmp_tdomain_register(&domain);
}
