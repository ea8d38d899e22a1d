/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * iscsi-ifaced is two processes: parent.c keeps the rights and does little, agent.c serves the MIB
 * and has none. This is where they part.
 */
#include "agent.h"
#include "daemon.h"
#include "logging.h"
#include "options.h"
#include "parent.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* Before they part, so that none is lost; each takes them from a descriptor of its own. */
static void block_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
}

static int part(const struct options *options, struct agent_start *start)
{
	int ends[2];
	pid_t child;

	start->parent = getpid();
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) || (child = fork()) < 0) {
		LOG(ERROR, "cannot start the unprivileged process: %s", strerror(errno));
		return EXIT_FAILURE;
	}
	if (!child) {
		close(ends[0]);
		start->socket = ends[1];
		return agent_main(start);
	}
	close(ends[1]);
	return parent_main(options, ends[0], child);
}

/* Two services of systemd's: it makes them who they are, and neither has the rights for that. */
static int be_gate(const struct options *options)
{
	int socket = accept4(STDIN_FILENO, NULL, NULL, SOCK_CLOEXEC);

	if (socket >= 0)
		return parent_main(options, socket, 0);
	LOG(ERROR, "standard input is no socket that listens: %s", strerror(errno));
	return EXIT_FAILURE;
}

static int use_gate(const struct options *options, struct agent_start *start)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	start->socket = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", options->gate);
	if (start->socket >= 0 &&
	    !connect(start->socket, (struct sockaddr *)&address, sizeof(address)))
		return agent_main(start);
	LOG(ERROR, "cannot reach the privileged process at %s: %s", options->gate, strerror(errno));
	return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	struct options options = { 0 };
	struct agent_start start = { .options = &options, .socket = -1 };
	char why[256];

	switch (options_parse(&options, argc, argv)) {
	case OPTIONS_DONE:
		return EXIT_SUCCESS;
	case OPTIONS_WRONG:
		return 2;
	case OPTIONS_RUN:
		break;
	}
	if (options.show_tokens)
		return agent_show_tokens();
	umask(077);
	if (!options.foreground && !daemon_begin())
		return EXIT_FAILURE;
	logging_start(options.foreground, options.logging_given);
	block_signals();
	if (options.is_gate)
		return be_gate(&options);
	if (!contain_find_user(options.user, &start.user, why, sizeof(why))) {
		LOG(ERROR, "%s", why);
		return EXIT_FAILURE;
	}
	if (start.user.uid == 0)
		LOG(WARNING,
		    "the process that talks to the network is to run as root (-u): whoever "
		    "takes it over can read what only root may read");
	if (options.gate)
		return use_gate(&options, &start);
	return part(&options, &start);
}
