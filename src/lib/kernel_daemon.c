/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel_daemon.h"

#include "cleanup.h"
#include "kernel_text.h"

#include <isif/privileged.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/syscall.h>

#define PID_FILE      "iscsid.pid"
#define COMMAND	      "iscsid"
#define SOCKET_NAME   "@ISCSIADM_ABSTRACT_NAMESPACE"
#define ACCEPTS	      0x10000 /* __SO_ACCEPTCON: a listening socket in /proc/net/unix */
#define LINE_LIMIT    262144
#define PROCESS_LIMIT 65536
#define PORT_LIMIT    32

struct isif_daemon {
	struct isif_privileged *gate; /* NULL: in a tree of its own */
	const struct daemon_paths *paths;
	int process; /* pidfd of iscsid, -1 if it does not run */
	int watch;   /* inotify, -1 while it runs */
	enum isif_daemon_status status;
};

/* Ports of NETLINK_ISCSI that are bound: iscsid's is its own pid (usr/netlink.c, ctldev_open). */
struct ports {
	bool known;
	unsigned count;
	uint32_t ports[PORT_LIMIT];
};

static const struct daemon_paths host_paths = {
	.run = { "/run", "/var/run" },
	.config = "/etc/iscsi/initiatorname.iscsi",
	.proc = "/proc",
};

DEFINE_CLEANUP(DIR, stream, closedir);

/* Reads the begin of a small file; "" if there is none. */
static void __attribute__((format(printf, 3, 4)))
read_file(char *buffer, size_t size, const char *format, ...)
{
	char path[512];
	va_list arguments;
	ssize_t length = -1;
	int descriptor;

	va_start(arguments, format);
	vsnprintf(path, sizeof(path), format, arguments);
	va_end(arguments);
	descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (descriptor >= 0) {
		length = read(descriptor, buffer, size - 1);
		close(descriptor);
	}
	buffer[length > 0 ? length : 0] = '\0';
	buffer[strcspn(buffer, "\n")] = '\0';
}

/* Hands each line of a file of /proc to visit until that says true. False if it cannot be read. */
static bool visit_lines(const char *directory, const char *name,
			bool (*visit)(void *context, const char *line), void *context)
{
	CLEANUP_FILE FILE *file = NULL;
	char *CLEANUP_FREE line = NULL;
	char path[512];
	size_t size = 0;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	file = fopen(path, "re");
	if (!file)
		return false;
	for (int i = 0; i < LINE_LIMIT && getline(&line, &size, file) >= 0; i++)
		if (visit(context, line))
			break;
	return true;
}

static bool has_ended(int process)
{
	struct pollfd file = { .fd = process, .events = POLLIN };

	return poll(&file, 1, 0) != 0;
}

/* Takes a process as iscsid if it is called so. First the pidfd: a number may be used again. */
static bool adopt(struct isif_daemon *daemon, uint32_t pid)
{
	char command[32];
	int process = (int)syscall(SYS_pidfd_open, (pid_t)pid, 0);

	/* Before Linux 5.3 there are no pidfds: then its end is seen at the next look. */
	if (process < 0 && kill((pid_t)pid, 0) && errno == ESRCH)
		return false;
	read_file(command, sizeof(command), "%s/%u/comm", daemon->paths->proc, pid);
	if (strcmp(command, COMMAND) != 0 || (process >= 0 && has_ended(process))) {
		cleanup_close_descriptor(&process);
		return false;
	}
	daemon->process = process;
	return true;
}

static bool find_by_pid_file(struct isif_daemon *daemon)
{
	for (size_t i = 0; i < sizeof(daemon->paths->run) / sizeof(daemon->paths->run[0]); i++) {
		char text[32];
		uint64_t pid;

		read_file(text, sizeof(text), "%s/" PID_FILE, daemon->paths->run[i]);
		if (text_number(text, INT32_MAX, &pid) && pid && adopt(daemon, (uint32_t)pid))
			return true;
	}
	return false;
}

/* "sk Eth Pid Groups ..." (net/netlink/af_netlink.c, netlink_native_seq_show) */
static bool note_port(void *context, const char *line)
{
	struct ports *ports = context;
	unsigned protocol, port;

	if (sscanf(line, "%*s %u %u", &protocol, &port) == 2 && protocol == NETLINK_ISCSI && port)
		ports->ports[ports->count++] = port;
	return ports->count == PORT_LIMIT;
}

static bool has_port(const struct ports *ports, uint32_t port)
{
	for (unsigned i = 0; i < ports->count; i++)
		if (ports->ports[i] == port)
			return true;
	return false;
}

/* The pid that a process has in its own pid namespace: the last one of "NSpid:\t812\t7". */
static bool note_inner_pid(void *context, const char *line)
{
	const char *numbers = text_after(line, "NSpid:");
	uint32_t *pid = context;
	unsigned value;

	if (!numbers)
		return false;
	for (int used; sscanf(numbers, "%u%n", &value, &used) == 1; numbers += used)
		*pid = value;
	return true;
}

/*
 * iscsid has a second process of that name, which only writes its log, and which stays when the
 * first one ends. The first is the one whose pid is a port of NETLINK_ISCSI.
 */
static bool is_main(const struct isif_daemon *daemon, const struct ports *ports, const char *name)
{
	char command[32];
	char status[64];
	uint32_t pid = 0;

	read_file(command, sizeof(command), "%s/%s/comm", daemon->paths->proc, name);
	if (strcmp(command, COMMAND) != 0)
		return false;
	if (!ports->known)
		return true;
	snprintf(status, sizeof(status), "%.16s/status", name);
	visit_lines(daemon->paths->proc, status, note_inner_pid, &pid);
	return has_port(ports, pid);
}

/* For an iscsid in a pid namespace of its own (a container), or without /proc/net/netlink. */
static bool find_by_name(struct isif_daemon *daemon, const struct ports *ports)
{
	DIR *CLEANUP(cleanup_stream) stream = opendir(daemon->paths->proc);
	const struct dirent *entry;
	uint64_t pid;

	for (int i = 0; stream && i < PROCESS_LIMIT && (entry = readdir(stream)); i++)
		if (text_number(entry->d_name, INT32_MAX, &pid) &&
		    is_main(daemon, ports, entry->d_name) && adopt(daemon, (uint32_t)pid))
			return true;
	return false;
}

static bool find(struct isif_daemon *daemon)
{
	struct ports ports = { 0 };

	if (find_by_pid_file(daemon))
		return true;
	ports.known = visit_lines(daemon->paths->proc, "net/netlink", note_port, &ports);
	for (unsigned i = 0; i < ports.count; i++)
		if (ports.ports[i] <= INT32_MAX && adopt(daemon, ports.ports[i]))
			return true;
	return (!ports.known || ports.count) && find_by_name(daemon, &ports);
}

/* "Num RefCount Protocol Flags Type St Inode Path" (net/unix/af_unix.c, unix_seq_show) */
static bool is_socket(void *context, const char *line)
{
	const char *name = strstr(line, " " SOCKET_NAME "\n");
	unsigned flags;

	if (!name || sscanf(line, "%*s %*x %*x %x", &flags) != 1 || !(flags & ACCEPTS))
		return false;
	*(bool *)context = true;
	return true;
}

static int watch_starts(const struct daemon_paths *paths)
{
	int watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);

	if (watch < 0)
		return -1;
	for (size_t i = 0; i < sizeof(paths->run) / sizeof(paths->run[0]); i++)
		inotify_add_watch(watch, paths->run[i],
				  IN_CREATE | IN_MODIFY | IN_CLOSE_WRITE | IN_MOVED_TO);
	inotify_add_watch(watch, paths->config, IN_CLOSE_NOWRITE);
	return watch;
}

int daemon_watch_starts(void)
{
	return watch_starts(&host_paths);
}

static int open_watch(struct isif_daemon *daemon)
{
	int watch = -1;

	if (!daemon->gate)
		return watch_starts(daemon->paths);
	daemon->gate->operations->open_source(daemon->gate, ISIF_SOURCE_DAEMON_STARTS, NULL,
					      &watch);
	return watch;
}

/* Takes what has come. True if it concerns iscsid, or if nothing has come. */
static bool take_events(const struct isif_daemon *daemon)
{
	_Alignas(struct inotify_event) char buffer[4096];
	bool concerns = false, other = false;
	ssize_t length;

	while ((length = read(daemon->watch, buffer, sizeof(buffer))) > 0) {
		const struct inotify_event *event;

		for (size_t at = 0; at < (size_t)length; at += sizeof(*event) + event->len) {
			event = (const void *)(buffer + at);
			/* Without a name it is an overflow, or the file that is watched itself. */
			if (!event->len || !strcmp(event->name, PID_FILE))
				concerns = true;
			else
				other = true;
		}
	}
	return concerns || !other;
}

enum isif_daemon_status isif_daemon_look(struct isif_daemon *daemon)
{
	bool on_demand = false;

	if (daemon->process >= 0 && !has_ended(daemon->process))
		return daemon->status;
	cleanup_close_descriptor(&daemon->process);
	daemon->process = -1;
	/* Others write their files into /run too. */
	if (daemon->watch >= 0 && !take_events(daemon))
		return daemon->status;
	/* First watch, then look: what happens between the two wakes us up again. */
	if (daemon->watch < 0)
		daemon->watch = open_watch(daemon);
	if (find(daemon)) {
		daemon->status = ISIF_DAEMON_UP;
		if (daemon->process >= 0) {
			cleanup_close_descriptor(&daemon->watch);
			daemon->watch = -1;
		}
		return daemon->status;
	}
	visit_lines(daemon->paths->proc, "net/unix", is_socket, &on_demand);
	daemon->status = on_demand ? ISIF_DAEMON_ON_DEMAND : ISIF_DAEMON_DOWN;
	return daemon->status;
}

static enum isif_error open_daemon(struct isif_privileged *gate, const struct daemon_paths *paths,
				   struct isif_daemon **daemon)
{
	*daemon = calloc(1, sizeof(**daemon));
	if (!*daemon)
		return ISIF_NO_MEMORY;
	**daemon = (struct isif_daemon){ .gate = gate, .paths = paths, .process = -1, .watch = -1 };
	isif_daemon_look(*daemon);
	return ISIF_OK;
}

enum isif_error daemon_open_paths(const struct daemon_paths *paths, struct isif_daemon **daemon)
{
	return open_daemon(NULL, paths, daemon);
}

enum isif_error isif_daemon_open(struct isif_privileged *gate, struct isif_daemon **daemon)
{
	return open_daemon(gate, &host_paths, daemon);
}

void isif_daemon_close(struct isif_daemon *daemon)
{
	if (!daemon)
		return;
	cleanup_close_descriptor(&daemon->process);
	cleanup_close_descriptor(&daemon->watch);
	free(daemon);
}

int isif_daemon_descriptor(const struct isif_daemon *daemon)
{
	return daemon->process >= 0 ? daemon->process : daemon->watch;
}
