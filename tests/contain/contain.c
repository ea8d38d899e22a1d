/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A process that was contained as the agent is, and then tries what it must not: whoever takes the
 * agent over could try the same. Needs root, and a user "nobody". Each attempt has a process of its
 * own, because some of them are the last thing that it does.
 *
 *     contain [SID]      SID: a session whose disk is in use; only what could cost it is tried
 */
#include "../gate/contain.h"
#include "../gate/keeper.h"
#include "../gate/remote.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define RECORD                                                                                     \
	"# BEGIN RECORD 2.1.8\niface.iscsi_ifacename = if0\niface.transport_name = tcp\n# END "    \
	"RECORD\n"
#define TARGET_PATH "db/nodes/iqn.2026-01.org.example:a"
#define PORTAL_PATH "db/" PORTAL
#define PORTAL	    "nodes/iqn.2026-01.org.example:a/192.0.2.1,3260,1"
#define NODE                                                                                       \
	"# BEGIN RECORD 2.1.8\nnode.name = iqn.2026-01.org.example:a\nnode.tpgt = 1\n"             \
	"node.startup = manual\niface.iscsi_ifacename = if0\niface.transport_name = tcp\n"         \
	"node.session.auth.password = wonderland\nnode.conn[0].address = 192.0.2.1\n"              \
	"node.conn[0].port = 3260\n# END RECORD\n"

/* What an attempt is expected to come to. */
enum end {
	REFUSED, /* the call fails */
	KILLED,	 /* by SIGSYS */
	WORKS,	 /* what the agent does all day */
};

struct attempt {
	const char *name;
	bool (*works)(struct isif_privileged *gate);
	enum end end;
};

static char directory[] = "/tmp/ifaced-contain-XXXXXX";

static const char *path_of(const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	return path;
}

static void put(const char *name, const char *text)
{
	FILE *file = fopen(path_of(name), "we");

	if (!file || fputs(text, file) < 0 || fclose(file))
		abort();
}

/* --- attempts: true if it worked --- */

static bool opens(const char *path, int flags)
{
	return open(path, flags, 0600) >= 0;
}

static bool read_record(struct isif_privileged *gate)
{
	(void)gate;
	return opens(path_of("db/ifaces/if0"), O_RDONLY);
}

static bool write_record(struct isif_privileged *gate)
{
	(void)gate;
	return opens(path_of("db/ifaces/if0"), O_WRONLY);
}

static bool write_anything(struct isif_privileged *gate)
{
	(void)gate;
	return opens("/tmp/ifaced-contain-new", O_WRONLY | O_CREAT) || opens("/dev/null", O_RDWR) ||
	       opens("/tmp", O_TMPFILE | O_RDWR);
}

static bool write_by_openat2(struct isif_privileged *gate)
{
	struct {
		uint64_t flags, mode, resolve;
	} how = { .flags = O_WRONLY | O_CREAT, .mode = 0600 };

	(void)gate;
	return syscall(SYS_openat2, AT_FDCWD, "/tmp/ifaced-contain-new", &how, sizeof(how)) >= 0;
}

static bool change_names(struct isif_privileged *gate)
{
	(void)gate;
	return !unlink(path_of("open")) || !rename(path_of("open"), "/tmp/ifaced-contain-new") ||
	       !mkdir("/tmp/ifaced-contain-new", 0700) || !chmod(path_of("open"), 0777) ||
	       !symlink("/etc/passwd", "/tmp/ifaced-contain-new") || !truncate(path_of("open"), 0);
}

static bool read_what_all_may(struct isif_privileged *gate)
{
	(void)gate;
	return opens(path_of("open"), O_RDONLY);
}

static bool ask_netlink_iscsi(struct isif_privileged *gate)
{
	(void)gate;
	return socket(AF_NETLINK, SOCK_RAW, NETLINK_ISCSI) >= 0;
}

static bool use_raw_sockets(struct isif_privileged *gate)
{
	(void)gate;
	return socket(AF_PACKET, SOCK_RAW, 0) >= 0 || socket(AF_INET, SOCK_RAW, 1) >= 0 ||
	       socket(AF_NETLINK, SOCK_RAW, NETLINK_AUDIT) >= 0 ||
	       socket(AF_VSOCK, SOCK_STREAM, 0) >= 0;
}

static bool use_sockets(struct isif_privileged *gate)
{
	(void)gate;
	return socket(AF_INET, SOCK_STREAM, 0) >= 0 && socket(AF_UNIX, SOCK_DGRAM, 0) >= 0 &&
	       socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE) >= 0;
}

static bool become_root(struct isif_privileged *gate)
{
	(void)gate;
	return !setuid(0) || !setresuid(0, 0, 0) || !setgid(0);
}

static bool signal_others(struct isif_privileged *gate)
{
	(void)gate;
	return !kill(getppid(), 0) || !kill(1, 0) || !kill(getpid(), 0);
}

static bool start_processes(struct isif_privileged *gate)
{
	(void)gate;
	return fork() >= 0;
}

static bool mount_something(struct isif_privileged *gate)
{
	(void)gate;
	return !mount("none", "/mnt", "tmpfs", 0, NULL) || !syscall(SYS_unshare, 0x10000000);
}

static bool run_a_program(struct isif_privileged *gate)
{
	char *arguments[] = { NULL };

	(void)gate;
	return !execve("/bin/true", arguments, arguments);
}

static bool trace_a_process(struct isif_privileged *gate)
{
	(void)gate;
	return !ptrace(PTRACE_SEIZE, getppid(), 0, 0);
}

/* --- and through the other process --- */

static enum isif_error edit(struct isif_privileged *gate, const char *path, const char *key,
			    const char *value)
{
	const struct isif_edit_line line = { key, NULL, value };
	const struct isif_edit edit = {
		.kind = ISIF_EDIT_LINES, .path = path, .lines = &line, .line_count = 1
	};
	const char *why = NULL;
	size_t failed;
	enum isif_error error = gate->operations->begin(gate, 1000, &why);

	if (error)
		return error;
	error = gate->operations->commit(gate, &edit, 1, &failed);
	gate->operations->end(gate);
	return error;
}

static bool edit_a_record(struct isif_privileged *gate)
{
	return !edit(gate, "ifaces/if0", "iface.mtu", "1500");
}

static bool edit_another_iface(struct isif_privileged *gate)
{
	return !edit(gate, "ifaces/kept0", "iface.mtu", "1500");
}

static bool edit_a_secret(struct isif_privileged *gate)
{
	return !edit(gate, PORTAL "/if0", "node.session.auth.password", "mine");
}

static bool edit_elsewhere(struct isif_privileged *gate)
{
	return !edit(gate, "ifaces/../../open", "iface.mtu", "1500") ||
	       !edit(gate, "/etc/passwd", "iface.mtu", "1500");
}

static bool edit_two_lines(struct isif_privileged *gate)
{
	return !edit(gate, "ifaces/if0", "iface.net_ifacename", "x\niface.mtu = 1");
}

static bool read_elsewhere(struct isif_privileged *gate)
{
	const char *text;
	size_t length;

	return !gate->operations->read_record(gate, "../open", &text, &length) ||
	       !gate->operations->read_record(gate, "iscsid.conf", &text, &length);
}

static bool read_a_secret(struct isif_privileged *gate)
{
	const char *text = "";
	size_t length = 0;

	if (gate->operations->read_record(gate, PORTAL "/if0", &text, &length))
		return true; /* it can be read, without its secret */
	return memmem(text, length, "wonderland", 10);
}

static bool write_the_journal(struct isif_privileged *gate)
{
	return !gate->operations->state_write(gate, "journal", "x", 1) ||
	       !gate->operations->state_write(gate, "../db/ifaces/if0", "x", 1);
}

static bool run_another_command(struct isif_privileged *gate)
{
	const struct isif_command commands[] = {
		{ .verb = (enum isif_verb)77, .timeout = 1000 },
		{ .verb = ISIF_VERB_LOGIN,
		  .target = "-o",
		  .address = "192.0.2.1",
		  .port = 3260,
		  .iface = "if0",
		  .tpgt = 1,
		  .timeout = 1000 },
		{ .verb = ISIF_VERB_LOGIN,
		  .target = "iqn.a",
		  .address = "$(reboot)",
		  .port = 3260,
		  .iface = "if0",
		  .tpgt = 1,
		  .timeout = 1000 },
		{ .verb = ISIF_VERB_DISCOVER,
		  .address = "192.0.2.1",
		  .port = 3260,
		  .iface = "--help",
		  .tpgt = -1,
		  .timeout = 1000 },
	};
	unsigned number;

	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
		if (!gate->operations->command_begin(gate, &commands[i], &number))
			return true;
	return false;
}

static bool connect_elsewhere(struct isif_privileged *gate)
{
	int descriptor = -1;

	return !gate->operations->open_source(gate, ISIF_SOURCE_MASTER, "/run/other", &descriptor);
}

static bool set_an_adapter(struct isif_privileged *gate)
{
	const struct isif_port_request request = { .verb = ISIF_PORT_SET,
						   .transport = "../../tmp",
						   .timeout = 1000 };
	unsigned number;

	return !gate->operations->port_begin(gate, &request, &number);
}

static uint32_t session = 7; /* that shall not be logged out */

static bool log_out(struct isif_privileged *gate)
{
	const struct isif_command command = {
		.verb = ISIF_VERB_LOGOUT, .sid = session, .tpgt = -1, .timeout = 1000, .force = true
	};
	unsigned number;

	return !gate->operations->command_begin(gate, &command, &number);
}

/* As the agent looks, but whatever is found. */
static bool look_and_log_out(struct isif_privileged *gate)
{
	const struct isif_privileged_operations *operations = gate->operations;
	enum isif_error error = operations->look_begin(gate, ISIF_LOOK_TO_LOG_OUT, &session, 1);
	unsigned pause = 0;

	if (error)
		return true;
	do {
		poll(NULL, 0, (int)pause);
		error = operations->look_work(gate, ISIF_LOOK_TO_LOG_OUT, UINT64_MAX, &pause);
	} while (error == ISIF_INCOMPLETE);
	return error || log_out(gate);
}

static const struct attempt attempts[] = {
	{ "reading a record", read_record, REFUSED },
	{ "opening a record for writing", write_record, REFUSED },
	{ "opening anything for writing", write_anything, REFUSED },
	{ "the same with openat2", write_by_openat2, REFUSED },
	{ "making, moving and removing names", change_names, REFUSED },
	{ "reading what all may read", read_what_all_may, WORKS },
	{ "a socket of NETLINK_ISCSI", ask_netlink_iscsi, REFUSED },
	{ "raw sockets", use_raw_sockets, REFUSED },
	{ "the sockets of the agent's own sources", use_sockets, WORKS },
	{ "becoming root again", become_root, REFUSED },
	{ "signals to others", signal_others, REFUSED },
	{ "another process", start_processes, REFUSED },
	{ "mounts and namespaces", mount_something, REFUSED },
	{ "running a program", run_a_program, KILLED },
	{ "tracing a process", trace_a_process, KILLED },
	{ "editing a record, through the other process", edit_a_record, WORKS },
	{ "editing an iface that the configuration forbids", edit_another_iface, REFUSED },
	{ "editing a secret", edit_a_secret, REFUSED },
	{ "editing a file elsewhere", edit_elsewhere, REFUSED },
	{ "two lines in one value", edit_two_lines, REFUSED },
	{ "reading a file elsewhere", read_elsewhere, REFUSED },
	{ "reading a secret", read_a_secret, REFUSED },
	{ "writing the journal", write_the_journal, REFUSED },
	{ "other commands", run_another_command, REFUSED },
	{ "connecting to another socket", connect_elsewhere, REFUSED },
	{ "a request to what is no adapter", set_an_adapter, REFUSED },
	{ "a logout of what was not looked at", log_out, REFUSED },
};

/* With a session whose disk is in use. */
static const struct attempt attempts_on_session[] = {
	{ "a logout without a look", log_out, REFUSED },
	{ "a logout by force", look_and_log_out, REFUSED },
};

/* --- the two processes --- */

static void write_log(void *context, enum isif_log_level level, const char *line)
{
	(void)context;
	(void)level;
	dprintf(*(int *)context, "%s\n", line);
}

static pid_t start_contained(const struct attempt *attempt, int socket)
{
	pid_t parent = getpid(), child = fork();
	struct isif_privileged *gate;
	struct contain_user user;
	const char *what;
	char why[256];
	bool filtered;

	if (child)
		return child;
	if (!contain_find_user("nobody", &user, why, sizeof(why)) || remote_open(socket, &gate) ||
	    !contain(&user, parent, &what, &filtered) || !filtered)
		_exit(99);
	_exit(attempt->works(gate) ? 1 : 0);
}

/* Serves the attempt to its end; what the log was told goes to the descriptor. */
static bool keep(int socket, int log_file)
{
	const struct isif_log log = { .write = write_log, .context = &log_file };
	struct keeper keeper = { .socket = socket,
				 .log = &log,
				 .allowed = KEEPER_ALLOWS_SESSIONS,
				 .protect_in_use = true };
	char root[256], state[256], lock[256], iscsiadm[256];
	const struct isif_privileged_options options = { .root = root,
							 .initiatorname_file = "/dev/null",
							 .state_directory = state,
							 .lock_directory = lock,
							 .iscsiadm = iscsiadm,
							 .log = &log };

	snprintf(root, sizeof(root), "%s/db", directory);
	snprintf(state, sizeof(state), "%s/state", directory);
	snprintf(lock, sizeof(lock), "%s/lock", directory);
	snprintf(iscsiadm, sizeof(iscsiadm), "/bin/true");
	if (isif_privileged_open(&options, &keeper.gate) ||
	    !keeper_add_bounds(&keeper, &(struct bounds){ .deny = strdup("kept* ") }))
		return false;
	while (keeper_serve(&keeper))
		;
	keeper_close(&keeper);
	return true;
}

static bool is_as_expected(const struct attempt *attempt, int status)
{
	switch (attempt->end) {
	case REFUSED:
		return WIFEXITED(status) && WEXITSTATUS(status) == 0;
	case WORKS:
		return WIFEXITED(status) && WEXITSTATUS(status) == 1;
	case KILLED:
		return WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS;
	}
	return false;
}

static bool try(const struct attempt *attempt, int log_file)
{
	int ends[2], status = 0;
	pid_t child;
	bool kept;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
		return false;
	fcntl(ends[0], F_SETFD, FD_CLOEXEC);
	child = start_contained(attempt, ends[1]);
	close(ends[1]);
	kept = keep(ends[0], log_file);
	close(ends[0]);
	waitpid(child, &status, 0);
	return kept && is_as_expected(attempt, status);
}

static void make_tree(void)
{
	static const char *const directories[] = { "db",	"db/ifaces", "db/nodes",
						   TARGET_PATH, PORTAL_PATH, "state",
						   "lock" };

	if (!mkdtemp(directory) || chmod(directory, 0755))
		abort();
	for (size_t i = 0; i < sizeof(directories) / sizeof(*directories); i++)
		mkdir(path_of(directories[i]), 0755);
	umask(077);
	put("db/ifaces/if0", RECORD);
	put("db/ifaces/kept0", RECORD);
	put("db/" PORTAL "/if0", NODE);
	umask(022);
	put("open", "all may read this\n");
	put("db/iscsid.conf", "node.session.auth.password = wonderland\n");
}

/* What must have been refused by the other process, and not by the kernel, in its own words. */
static unsigned check_log(int log_file)
{
	static const char *const lines[] = {
		"changing " PORTAL "/if0",	  "changing ifaces/../../open",
		"reading record ../open",	  "writing the state file journal",
		"running iscsiadm for -o",	  "opening a source",
		"asking an adapter of ../../tmp", "session 7 must stay logged in",
		"changing ifaces/kept0",
	};
	char text[65536];
	ssize_t length = pread(log_file, text, sizeof(text) - 1, 0);
	unsigned failed = 0;

	text[length > 0 ? length : 0] = '\0';
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		bool told = strstr(text, lines[i]);

		printf("%sok - contain: the log tells that it was refused: %s\n",
		       told ? "" : "not ", lines[i]);
		failed += !told;
	}
	return failed;
}

static unsigned try_all(const struct attempt *all, size_t count, int log_file)
{
	unsigned failed = 0;

	for (size_t i = 0; i < count; i++) {
		bool good = try(&all[i], log_file);

		printf("%sok - contain: %s: %s\n", good ? "" : "not ", all[i].name,
		       all[i].end == WORKS    ? "works"
		       : all[i].end == KILLED ? "ends the process"
					      : "is refused");
		fflush(stdout);
		failed += !good;
	}
	return failed;
}

int main(int count, char **arguments)
{
	unsigned failed;
	char command[300];
	int log_file;

	if (geteuid() != 0) {
		puts("skip - contain: becoming another user needs root");
		return 0;
	}
	if (count > 1)
		session = (uint32_t)strtoul(arguments[1], NULL, 10);
	make_tree();
	log_file = open(path_of("log"), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (count > 1)
		failed = try_all(attempts_on_session,
				 sizeof(attempts_on_session) / sizeof(*attempts_on_session),
				 log_file);
	else
		failed = try_all(attempts, sizeof(attempts) / sizeof(*attempts), log_file) +
			 check_log(log_file);
	snprintf(command, sizeof(command), "%s %s/log; rm -rf %s", count > 1 ? "cat" : ":",
		 directory, directory);
	return system(command) || failed ? 1 : 0;
}
