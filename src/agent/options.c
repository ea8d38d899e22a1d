/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "options.h"

#include "config.h"

#include <net-snmp/net-snmp-config.h>

#include <net-snmp/net-snmp-includes.h>

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage_text[] =
	"usage: iscsi-ifaced [OPTIONS]\n"
	"Shows and steers this host's iSCSI ifaces, portal bindings and sessions over SNMP,\n"
	"as an AgentX subagent of snmpd.\n"
	"\n"
	"  -f            stay in the foreground and log to standard error\n"
	"  -x ADDRESS    AgentX master, a UNIX socket (default " NETSNMP_AGENTX_SOCKET ")\n"
	"  -c FILE       read this configuration, too\n"
	"  -C            do not read the default configuration files\n"
	"  -r DIR        open-iscsi's record directory; auto: what this host uses (default)\n"
	"  -S DIR        read sysfs below DIR, not /sys (for tests; SIGUSR1 reads it again)\n"
	"  -I FILE       initiatorname file (default /etc/iscsi/initiatorname.iscsi)\n"
	"  -s DIR        state directory (default " STATE_DIRECTORY ")\n"
	"  -l DIR        open-iscsi's lock directory (default /run/lock/iscsi)\n"
	"  -A PATH       iscsiadm\n"
	"  -p FILE       write the process id to FILE\n"
	"  -u USER       user of the unprivileged process\n"
	"  -g SOCKET     the privileged process is a service of its own, and listens there\n"
	"  -G            be that process; standard input is the socket (for systemd)\n"
	"  -D TOKENS     Net-SNMP debugging output, e.g. agentx\n"
	"  -L...         where to log, as snmpd(8): -Lf FILE, -Lsd, -Le, -Lo ...\n"
	"  -H            show the configuration tokens\n"
	"  -V            show the version\n"
	"  -h            show this text\n";

static void debug(const char *tokens)
{
	char *copy = strdup(tokens);

	if (!copy)
		return;
	debug_register_tokens(copy);
	snmp_set_do_debugging(1);
	free(copy);
}

static enum options_outcome take(struct options *options, int option, int argc, char **argv)
{
	switch (option) {
	case 'f':
		options->foreground = true;
		break;
	case 'x':
		options->master = optarg;
		break;
	case 'c':
		options->configuration = optarg;
		break;
	case 'C':
		options->no_default_configuration = true;
		break;
	case 'r':
		options->record_directory = optarg;
		break;
	case 'S':
		options->sysfs = optarg;
		break;
	case 'I':
		options->initiatorname_file = optarg;
		break;
	case 's':
		options->state_directory = optarg;
		break;
	case 'l':
		options->lock_directory = optarg;
		break;
	case 'A':
		options->iscsiadm = optarg;
		break;
	case 'p':
		options->pid_file = optarg;
		break;
	case 'u':
		options->user = optarg;
		break;
	case 'g':
		options->gate = optarg;
		break;
	case 'G':
		options->is_gate = true;
		break;
	case 'D':
		debug(optarg);
		break;
	case 'L':
		options->logging_given = true;
		if (snmp_log_options(optarg, argc, argv) >= 0)
			break;
		fprintf(stderr, "iscsi-ifaced: -L%s: no such logging option\n", optarg);
		return OPTIONS_WRONG;
	case 'H':
		options->show_tokens = true;
		break;
	case 'V':
		printf("iscsi-ifaced %s\n", PACKAGE_VERSION);
		return OPTIONS_DONE;
	case 'h':
		fputs(usage_text, stdout);
		return OPTIONS_DONE;
	default:
		fputs("iscsi-ifaced: try iscsi-ifaced -h\n", stderr);
		return OPTIONS_WRONG;
	}
	return OPTIONS_RUN;
}

enum options_outcome options_parse(struct options *options, int argc, char **argv)
{
	int option;

	options->state_directory = STATE_DIRECTORY;
	snmp_log_syslogname("iscsi-ifaced"); /* for -Ls */
	while ((option = getopt(argc, argv, "fx:c:Cr:S:I:s:l:A:p:u:g:GD:L:HVh")) != -1) {
		enum options_outcome outcome = take(options, option, argc, argv);

		if (outcome != OPTIONS_RUN)
			return outcome;
	}
	if (optind == argc)
		return OPTIONS_RUN;
	fprintf(stderr, "iscsi-ifaced: %s: there are only options, no arguments\n", argv[optind]);
	return OPTIONS_WRONG;
}
