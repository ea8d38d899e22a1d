/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon.h"

#include "config.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef HAVE_SYSTEMD
#include <systemd/sd-daemon.h>
#endif

/* Standard input stands for the pipe to the process that waits, until we are ready. */
bool daemon_begin(void)
{
	int ends[2];
	char word;
	pid_t child;

	if (pipe2(ends, O_CLOEXEC))
		return false;
	child = fork();
	if (child < 0)
		return false;
	if (child > 0) {
		close(ends[1]);
		/* One octet: it serves. None: it ended, and said why on standard error. */
		_exit(read(ends[0], &word, 1) == 1 ? EXIT_SUCCESS : EXIT_FAILURE);
	}
	close(ends[0]);
	if (setsid() < 0 || dup2(ends[1], STDIN_FILENO) < 0)
		return false;
	close(ends[1]);
	return true;
}

void daemon_leave_terminal(int null)
{
	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	dup2(null, STDERR_FILENO);
}

void daemon_ready(bool foreground)
{
	int null;

#ifdef HAVE_SYSTEMD
	sd_notify(0, "READY=1\nSTATUS=Serving ISCSI-IFACE-MIB");
#endif
	if (foreground)
		return;
	if (write(STDIN_FILENO, "", 1) < 0)
		return;
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null < 0)
		return;
	daemon_leave_terminal(null);
	close(null);
}

bool daemon_write_pid(const char *file)
{
	FILE *out = fopen(file, "we");
	bool written;

	if (!out)
		return false;
	written = fprintf(out, "%ld\n", (long)getpid()) > 0;
	return !fclose(out) && written;
}
