/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "logging.h"

#include "config.h"
#include "configuration.h"

#include <net-snmp/net-snmp-config.h>

#include <net-snmp/net-snmp-includes.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

/* Said by Net-SNMP's subagent of a connection that is ours to keep; we say what is true. */
static const char *const misleading[] = {
	"AgentX master disconnected us",
	"NET-SNMP version ",
	"Created directory: ",
	"registering pdu failed",
};

static int write_filtered(netsnmp_log_handler *handler, int priority, const char *text)
{
	char better[512], line[1200];

	for (size_t i = 0; i < sizeof(misleading) / sizeof(*misleading); i++)
		if (!strncmp(text, misleading[i], strlen(misleading[i])))
			return 1;
	if (configuration_explain(text, better, sizeof(better)))
		text = better;
	if (!*text)
		return 1;
	switch (handler->type) {
	case NETSNMP_LOGHANDLER_SYSLOG:
		return log_handler_syslog(handler, priority, text);
	case NETSNMP_LOGHANDLER_FILE:
		return log_handler_file(handler, priority, text);
	default:
		/* sd-daemon(3): the journal reads the priority from the line. */
		if (getenv("JOURNAL_STREAM")) {
			snprintf(line, sizeof(line), "<%d>%s", priority, text);
			text = line;
		}
		return log_handler_stdouterr(handler, priority, text);
	}
}

void logging_start(bool foreground, bool given)
{
	/* In the background standard error is heard until logging_leave_terminal(). */
	if (!given || !foreground)
		snmp_enable_stderrlog();
	if (!given && !foreground)
		snmp_enable_syslog_ident("iscsi-ifaced", LOG_DAEMON);
	for (netsnmp_log_handler *handler = get_logh_head(); handler; handler = handler->next)
		if (handler->type == NETSNMP_LOGHANDLER_SYSLOG ||
		    handler->type == NETSNMP_LOGHANDLER_FILE ||
		    handler->type == NETSNMP_LOGHANDLER_STDOUT ||
		    handler->type == NETSNMP_LOGHANDLER_STDERR)
			handler->handler = write_filtered;
}

void logging_leave_terminal(void)
{
	snmp_disable_stderrlog();
}

void logging_silence(void)
{
	for (netsnmp_log_handler *handler = get_logh_head(); handler; handler = handler->next)
		handler->handler = log_handler_null;
}

static void write_line(void *context, enum isif_log_level level, const char *line)
{
	(void)context;
	snmp_log((int)level, "%s\n", line);
}

const struct isif_log agent_log = { .write = write_line };
