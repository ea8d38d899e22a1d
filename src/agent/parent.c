/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "parent.h"

#include "../lib/cleanup.h"
#include "agent.h"
#include "daemon.h"
#include "logging.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define STALLED_S 60   /* an answer that is not taken, or half a question */
#define ENDING_MS 5000 /* the other process has nothing more to do than to end */
#define BUFFER	  (1 << 20)

struct parent {
	const struct options *options;
	struct keeper keeper;
	pid_t child;
	int signals;
	bool pid_written;
};

static int fail(const char *what, const char *object, const char *why)
{
	LOG(ERROR, "%s %s: %s", what, object, why);
	return EXIT_FAILURE;
}

/* The MIB is served: whoever started us may know. */
static bool on_ready(void *context)
{
	struct parent *parent = context;
	const char *file = parent->options->pid_file;

	if (file) {
		parent->pid_written = daemon_write_pid(file);
		if (!parent->pid_written) {
			fail("cannot write the pid file", file, strerror(errno));
			return false;
		}
	}
	if (!parent->options->foreground)
		logging_leave_terminal();
	daemon_ready(parent->options->foreground);
	return true;
}

/* A hostile process could stop in the middle of a message, with open-iscsi's lock held. */
static bool prepare_socket(int socket)
{
	const struct timeval stalled = { .tv_sec = STALLED_S };
	const int buffer = BUFFER;

	/* Larger than the system's bound if we may, so that both processes work at once. */
	if (setsockopt(socket, SOL_SOCKET, SO_SNDBUFFORCE, &buffer, sizeof(buffer)))
		setsockopt(socket, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof(buffer));
	return !setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &stalled, sizeof(stalled)) &&
	       !setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &stalled, sizeof(stalled));
}

static bool open_gate(struct parent *parent)
{
	const struct options *options = parent->options;
	const struct isif_privileged_options gate = {
		.root = options->record_directory,
		.initiatorname_file = options->initiatorname_file,
		.state_directory = options->state_directory,
		.lock_directory = options->lock_directory,
		.iscsiadm = options->iscsiadm,
		.sysfs = options->sysfs,
		.log = &agent_log,
	};
	enum isif_error error;

	if (mkdir(options->state_directory, 0700) && errno != EEXIST) {
		fail("cannot make the state directory (option -s names another)",
		     options->state_directory, strerror(errno));
		return false;
	}
	error = isif_privileged_open(&gate, &parent->keeper.gate);
	/* What else is in its way it tells itself. */
	if (error == ISIF_NO_MEMORY)
		fail("cannot open", "the database", isif_error_text(error));
	return !error;
}

/*
 * What was allowed once may be needed by a job that is not over: only a restart takes it back. The
 * other process goes by the configuration at once.
 */
static bool read_rules(struct parent *parent)
{
	struct keeper *keeper = &parent->keeper;
	struct rules rules;
	bool known = agent_read_rules(parent->options, &rules);

	/* A configuration with faults says less than it was to say, and allows nothing. */
	if (known && rules.allowed == KEEPER_ALLOWS_READING)
		bounds_clear(&rules.bounds);
	else if (known)
		known = keeper_add_bounds(keeper, &rules.bounds);
	if (!known) {
		LOG(ERROR, "the privileged process cannot read the configuration: no memory, "
			   "process or descriptor is free");
		return false;
	}
	if (rules.allowed > keeper->allowed)
		keeper->allowed = rules.allowed;
	keeper->protect_in_use = rules.protect_in_use;
	if (!*keeper->master)
		memcpy(keeper->master, rules.master, sizeof(keeper->master));
	return true;
}

/*
 * What SIGCHLD tells is seen by the end of the socket, when all that was asked is answered. False:
 * there is no child to pass them on to, and one says that this process shall end.
 */
static bool pass_signals(struct parent *parent)
{
	struct signalfd_siginfo information;
	bool end = false;

	while (read(parent->signals, &information, sizeof(information)) ==
	       (ssize_t)sizeof(information)) {
		if (information.ssi_signo == SIGHUP)
			read_rules(parent);
		if (!parent->child)
			end |= information.ssi_signo == SIGTERM || information.ssi_signo == SIGINT;
		else if (information.ssi_signo != SIGCHLD)
			kill(parent->child, (int)information.ssi_signo);
	}
	return !end;
}

static void serve(struct parent *parent)
{
	struct pollfd descriptors[] = {
		{ .fd = parent->keeper.socket, .events = POLLIN },
		{ .fd = parent->signals, .events = POLLIN },
	};

	for (;;) {
		if (poll(descriptors, 2, keeper_timeout(&parent->keeper)) < 0 && errno != EINTR)
			return;
		if (descriptors[1].revents && !pass_signals(parent))
			return;
		if (descriptors[0].revents && !keeper_serve(&parent->keeper))
			return;
		keeper_check(&parent->keeper);
	}
}

/* Its socket is closed: it ends by itself, or it is ended. */
static int wait_for_child(const struct parent *parent)
{
	struct pollfd signals = { .fd = parent->signals, .events = POLLIN };
	struct signalfd_siginfo information;
	int status = 0, left = ENDING_MS;
	pid_t ended;

	while (!(ended = waitpid(parent->child, &status, WNOHANG)) && left) {
		if (!poll(&signals, 1, left))
			left = 0;
		while (read(parent->signals, &information, sizeof(information)) > 0)
			;
	}
	if (!ended) {
		LOG(ERROR, "the unprivileged process does not end by itself: it is killed");
		kill(parent->child, SIGKILL);
		ended = waitpid(parent->child, &status, 0);
	}
	if (ended < 0 || WIFEXITED(status))
		return ended < 0 ? EXIT_FAILURE : WEXITSTATUS(status);
	if (WTERMSIG(status) == SIGSYS)
		LOG(ERROR,
		    "the unprivileged process was ended by the kernel, because it called what "
		    "it never does: restart iscsi-ifaced, and find out why");
	else
		LOG(ERROR, "the unprivileged process was ended by signal %d (%s)", WTERMSIG(status),
		    strsignal(WTERMSIG(status)));
	return EXIT_FAILURE;
}

static bool open_signals(struct parent *parent)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGCHLD);
	if (sigprocmask(SIG_BLOCK, &set, NULL))
		return false;
	parent->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	return parent->signals >= 0;
}

int parent_main(const struct options *options, int socket, pid_t child)
{
	struct parent parent = {
		.options = options,
		.child = child,
		.signals = -1,
		.keeper = { .socket = socket,
			    .sysfs = options->sysfs,
			    .log = &agent_log,
			    .ready = on_ready,
			    .protect_in_use = true },
	};
	int status = EXIT_SUCCESS, ended = EXIT_SUCCESS;
	bool served = false;

	parent.keeper.context = &parent;
	if (!open_signals(&parent) || !prepare_socket(socket))
		status = fail("cannot prepare", "the privileged process", strerror(errno));
	else if (!open_gate(&parent))
		status = EXIT_FAILURE;
	else if (!read_rules(&parent))
		status = EXIT_FAILURE;
	else {
		served = true;
		serve(&parent);
	}
	keeper_close(&parent.keeper);
	close(socket);
	if (child && parent.signals < 0)
		kill(child, SIGKILL);
	else if (child)
		ended = wait_for_child(&parent);
	if (ended)
		status = EXIT_FAILURE;
	if (ended == AGENT_HUNG_UP && served)
		LOG(ERROR, "the two processes have lost each other: restart iscsi-ifaced");
	if (parent.pid_written)
		unlink(options->pid_file);
	cleanup_close_descriptor(&parent.signals);
	return status;
}
