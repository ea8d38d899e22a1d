/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <isif/kernel.h>

#include "cleanup.h"
#include "helpers.h"
#include "kernel_daemon.h"
#include "kernel_event.h"
#include "kernel_message.h"

#include <CUnit/CUnit.h>
#include <errno.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

void add_events_tests(void);

DEFINE_CLEANUP(struct isif_daemon, daemon, isif_daemon_close);

/* A message as the kernel sends it: what it does not fill is stale memory, here 0xa5. */
static struct iscsi_message make_message(uint32_t type, uint32_t r0, uint32_t r1, uint32_t r2)
{
	struct iscsi_message message;

	memset(&message, 0xa5, sizeof(message));
	message.length = MESSAGE_EVENT_SIZE;
	message.message_type = 0;
	message.sequence = 0;
	message.port = 0;
	message.type = type;
	message.reply[0] = r0;
	message.reply[1] = r1;
	message.reply[2] = r2;
	return message;
}

static void check_event(const struct iscsi_message *message, enum isif_kernel_event_kind kind,
			uint32_t sid, uint32_t host, uint32_t code)
{
	struct isif_kernel_event event;

	CU_ASSERT_TRUE(iscsi_message_parse(message, MESSAGE_EVENT_SIZE, &event));
	CU_ASSERT_EQUAL(event.kind, kind);
	CU_ASSERT_EQUAL(event.sid, sid);
	CU_ASSERT_EQUAL(event.host, host);
	CU_ASSERT_EQUAL(event.code, code);
	CU_ASSERT_FALSE(event.accepted);
}

static void test_messages(void)
{
	struct iscsi_message message = make_message(102, 7, 0, 1022);

	check_event(&message, ISIF_EVENT_CONNECTION, 7, 0, 1022);
	message = make_message(104, 3, 7, 0xa5a5a5a5); /* host first, then the session */
	check_event(&message, ISIF_EVENT_SESSION_GONE, 7, 3, 0);
	message = make_message(105, 7, 3, 0xa5a5a5a5);
	check_event(&message, ISIF_EVENT_UNBIND, 7, 3, 0);
	message = make_message(106, 7, 3, 0xa5a5a5a5);
	check_event(&message, ISIF_EVENT_SESSION, 7, 3, 0);
	message = make_message(109, 7, 0, 3);
	check_event(&message, ISIF_EVENT_SESSION, 7, 0, 0);
	message = make_message(110, 3, 0, 2);
	check_event(&message, ISIF_EVENT_HOST, 0, 3, 2);
}

/* A message of the wire: DESTROY_SESSION of session 258 on host 2, little-endian. */
static void test_wire(void)
{
	static const uint8_t octets[72] = {
		[0] = 72, [16] = 104, [20] = 0xf0, 0xff, 0xff, 0xff, [56] = 2, [60] = 2, 1,
	};
	struct isif_kernel_event event;

	if (__BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__)
		return;
	CU_ASSERT_TRUE(iscsi_message_parse(octets, sizeof(octets), &event));
	CU_ASSERT_EQUAL(event.kind, ISIF_EVENT_SESSION_GONE);
	CU_ASSERT_EQUAL(event.sid, 258);
	CU_ASSERT_EQUAL(event.host, 2);
}

static bool parse_pdu(uint8_t opcode, uint8_t flags, uint8_t class, uint8_t detail,
		      struct isif_kernel_event *event)
{
	struct iscsi_message message = make_message(101, 7, 0, 0xa5a5a5a5);

	message.length = sizeof(message) + 200; /* the data segment is not read */
	message.pdu[0] = opcode;
	message.pdu[1] = flags;
	message.pdu[36] = class;
	message.pdu[37] = detail;
	return iscsi_message_parse(&message, sizeof(message), event);
}

static void test_pdus(void)
{
	struct isif_kernel_event event;

	CU_ASSERT_TRUE(parse_pdu(0x23, 0x87, 0, 0, &event));
	CU_ASSERT_EQUAL(event.kind, ISIF_EVENT_LOGIN_RESPONSE);
	CU_ASSERT_EQUAL(event.sid, 7);
	CU_ASSERT_TRUE(event.accepted);
	/* One of several of a login with CHAP; a refusal; both at once. */
	CU_ASSERT_TRUE(parse_pdu(0x23, 0x81, 0, 0, &event));
	CU_ASSERT_FALSE(event.accepted);
	CU_ASSERT_EQUAL(event.code, 0);
	CU_ASSERT_TRUE(parse_pdu(0x23, 0x00, 2, 1, &event));
	CU_ASSERT_FALSE(event.accepted);
	CU_ASSERT_EQUAL(event.code, 0x0201);
	CU_ASSERT_TRUE(parse_pdu(0x23, 0x87, 3, 1, &event));
	CU_ASSERT_FALSE(event.accepted);
	CU_ASSERT_TRUE(parse_pdu(0x26, 0x80, 0, 0, &event));
	CU_ASSERT_EQUAL(event.kind, ISIF_EVENT_LOGOUT_RESPONSE);
	CU_ASSERT_EQUAL(event.sid, 7);
	/* Text, Asynchronous Message, Reject, NOP-In */
	CU_ASSERT_FALSE(parse_pdu(0x24, 0x80, 0, 0, &event));
	CU_ASSERT_FALSE(parse_pdu(0x32, 0x80, 0, 0, &event));
	CU_ASSERT_FALSE(parse_pdu(0x3f, 0x80, 0, 0, &event));
	CU_ASSERT_FALSE(parse_pdu(0x20, 0x80, 0, 0, &event));
}

/* True if a message comes through the filter: as a whole, or there would be none for others. */
static bool passes(int ends[2], const struct iscsi_message *message)
{
	uint8_t sent[sizeof(*message) + 200], got[512];
	ssize_t length;

	memset(sent, 's', sizeof(sent));
	memcpy(sent, message, sizeof(*message));
	CU_ASSERT_EQUAL(send(ends[0], sent, sizeof(sent), MSG_DONTWAIT), sizeof(sent));
	length = recv(ends[1], got, sizeof(got), MSG_DONTWAIT);
	CU_ASSERT_TRUE(length < 0 || length == sizeof(sent));
	return length > 0;
}

static bool pdu_passes(int ends[2], uint8_t opcode, uint8_t flags, uint8_t class)
{
	struct iscsi_message message = make_message(101, 7, 0, 0);

	message.pdu[0] = opcode;
	message.pdu[1] = flags;
	message.pdu[36] = class;
	return passes(ends, &message);
}

static void test_filter(void)
{
	static const uint32_t events[] = { 102, 104, 105, 106, 109, 110 };
	struct iscsi_message answer = make_message(102, 7, 0, 0);
	int ends[2], no = 0;

	CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends), 0);
	CU_ASSERT_TRUE(iscsi_events_filter(ends[1]));
	for (size_t i = 0; i < COUNT(events); i++) {
		struct iscsi_message message = make_message(events[i], 7, 0, 0);

		CU_ASSERT_TRUE(passes(ends, &message));
	}
	CU_ASSERT_TRUE(pdu_passes(ends, 0x26, 0x80, 0)); /* a logout's answer */
	CU_ASSERT_TRUE(pdu_passes(ends, 0x23, 0x00, 2)); /* a login refused */
	CU_ASSERT_TRUE(pdu_passes(ends, 0x23, 0x87, 0)); /* its end */
	/* The steps of CHAP, and what is nothing to us; an answer to somebody's GET_CHAP. */
	CU_ASSERT_FALSE(pdu_passes(ends, 0x23, 0x00, 0));
	CU_ASSERT_FALSE(pdu_passes(ends, 0x23, 0x81, 0));
	CU_ASSERT_FALSE(pdu_passes(ends, 0x24, 0x80, 0));
	CU_ASSERT_FALSE(pdu_passes(ends, 0x20, 0x80, 0));
	answer.message_type = 35;
	CU_ASSERT_FALSE(passes(ends, &answer));
	CU_ASSERT_EQUAL(setsockopt(ends[1], SOL_SOCKET, SO_DETACH_FILTER, &no, sizeof(no)), -1);
	CU_ASSERT_EQUAL(errno, EPERM);
	close(ends[0]);
	close(ends[1]);
}

static void test_wrong_messages(void)
{
	static const uint32_t ignored[] = { 0, 11, 20, 33, 42, 103, 107, 108, 111, 112, ~0U };
	struct iscsi_message message = make_message(101, 7, 0, 0);
	struct isif_kernel_event event;

	/* Too short for what it is, by its own length or by what came. */
	message.pdu[0] = 0x26;
	message.length = sizeof(message);
	for (size_t length = 0; length < sizeof(message); length++)
		CU_ASSERT_FALSE(iscsi_message_parse(&message, length, &event));
	CU_ASSERT_TRUE(iscsi_message_parse(&message, sizeof(message), &event));
	message.length = sizeof(message) - 1;
	CU_ASSERT_FALSE(iscsi_message_parse(&message, sizeof(message), &event));
	message = make_message(102, 7, 0, 1011);
	message.length = 0;
	CU_ASSERT_FALSE(iscsi_message_parse(&message, sizeof(message), &event));
	/* The answer to somebody's request has the request's number as its type. */
	message = make_message(102, 7, 0, 1011);
	message.message_type = 20;
	CU_ASSERT_FALSE(iscsi_message_parse(&message, sizeof(message), &event));
	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++) {
		message = make_message(ignored[i], 7, 0, 1011);
		CU_ASSERT_FALSE(iscsi_message_parse(&message, sizeof(message), &event));
	}
}

#define SESSION "/devices/platform/host3/session7"

static void test_uevents(void)
{
	static const struct {
		struct uevent uevent;
		bool means;
		struct isif_kernel_event event;
	} cases[] = {
		{ { "add", "iscsi_session", SESSION "/iscsi_session/session7" },
		  true,
		  { .kind = ISIF_EVENT_SESSION, .sid = 7, .host = 3 } },
		{ { "remove", "iscsi_session", SESSION "/iscsi_session/session7" },
		  true,
		  { .kind = ISIF_EVENT_SESSION_GONE, .sid = 7, .host = 3 } },
		{ { "remove", "iscsi_connection",
		    SESSION "/connection7:0/iscsi_connection/connection7:0" },
		  true,
		  { .kind = ISIF_EVENT_SESSION, .sid = 7, .host = 3 } },
		{ { "add", "iscsi_transport", "/devices/virtual/iscsi_transport/tcp" },
		  true,
		  { .kind = ISIF_EVENT_TRANSPORT } },
		{ { "add", "iscsi_host", "/devices/platform/host3/iscsi_host/host3" },
		  true,
		  { .kind = ISIF_EVENT_PORT, .host = 3 } },
		{ { "remove", "iscsi_iface",
		    "/devices/pci0000:00/0000:00:05.0/host3/iscsi_iface/ipv4-iface-3-0" },
		  true,
		  { .kind = ISIF_EVENT_PORT, .host = 3 } },
		{ { "add", "scsi", SESSION "/target3:0:0/3:0:0:1" },
		  true,
		  { .kind = ISIF_EVENT_DISK, .sid = 7, .host = 3 } },
		{ { "change", "block", SESSION "/target3:0:0/3:0:0:1/block/sdb/sdb1" },
		  true,
		  { .kind = ISIF_EVENT_DISK, .sid = 7, .host = 3 } },
		{ { "change", "block", "/devices/virtual/block/dm-0" },
		  true,
		  { .kind = ISIF_EVENT_DISK } },
		{ { "remove", "block", "/devices/virtual/block/md127" },
		  true,
		  { .kind = ISIF_EVENT_DISK } },
		{ { "add", "block", "/devices/virtual/block/dm-0" }, false, { 0 } },
		{ { "change", "block", "/devices/pci0000:00/ata1/host0/target0:0:0/block/sda" },
		  false,
		  { 0 } },
		{ { "add", "scsi", "/devices/pci0000:00/ata1/host0/target0:0:0/0:0:0:0" },
		  false,
		  { 0 } },
		{ { "add", "iscsi_session", "/devices/iscsi_session/session" }, false, { 0 } },
		{ { "add", "net", "/devices/virtual/net/dm-0" }, false, { 0 } },
	};
	struct isif_kernel_event event;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		CU_ASSERT_EQUAL(uevent_parse(&cases[i].uevent, &event), cases[i].means);
		if (!cases[i].means)
			continue;
		CU_ASSERT_EQUAL(event.kind, cases[i].event.kind);
		CU_ASSERT_EQUAL(event.sid, cases[i].event.sid);
		CU_ASSERT_EQUAL(event.host, cases[i].event.host);
	}
}

/* A host of our own: directories for /run and /proc, and a process to be its iscsid. */
static char directory[64];
static char run[96], proc[96], config[96];
static pid_t child;

static void write_file(const char *text, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void write_file(const char *text, const char *format, ...)
{
	char path[256];
	va_list arguments;
	FILE *file;

	va_start(arguments, format);
	vsnprintf(path, sizeof(path), format, arguments);
	va_end(arguments);
	file = fopen(path, "we");
	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	fputs(text, file);
	fclose(file);
}

static void start_child(void)
{
	child = fork();
	if (!child) {
		for (;;)
			pause();
	}
	CU_ASSERT_TRUE_FATAL(child > 0);
}

static void end_child(void)
{
	if (child > 0) {
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
	}
	child = 0;
}

static void make_process(pid_t pid, const char *command, const char *inner_pids)
{
	char path[128], status[64];

	snprintf(path, sizeof(path), "%s/%d", proc, pid);
	if (mkdir(path, 0755) && errno != EEXIST)
		CU_FAIL("mkdir");
	write_file(command, "%s/comm", path);
	snprintf(status, sizeof(status), "Name:\tx\nNSpid:\t%s\n", inner_pids);
	write_file(status, "%s/status", path);
}

static void make_ports(unsigned port)
{
	char line[256];

	snprintf(line, sizeof(line),
		 "sk               Eth Pid        Groups   Rmem\n"
		 "00000000597be7ca 8   0          00000000 0\n"
		 "00000000aaaaaaaa 16  4711       00000001 0\n"
		 "000000002f8f8f0d 8   %-10u 00000001 0\n",
		 port);
	write_file(line, "%s/net/netlink", proc);
}

static void write_pid_file(pid_t pid)
{
	char text[16];

	snprintf(text, sizeof(text), "%d\n", pid);
	write_file(text, "%s/iscsid.pid", run);
}

static void set_up(void)
{
	char path[128];

	strcpy(directory, "/tmp/isif-daemon-XXXXXX");
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(directory));
	snprintf(run, sizeof(run), "%s/run", directory);
	snprintf(proc, sizeof(proc), "%s/proc", directory);
	snprintf(config, sizeof(config), "%s/initiatorname.iscsi", directory);
	snprintf(path, sizeof(path), "%s/net", proc);
	if (mkdir(run, 0755) || mkdir(proc, 0755) || mkdir(path, 0755))
		CU_FAIL("mkdir");
	write_file("InitiatorName=iqn.x\n", "%s", config);
	write_file("Num RefCount Protocol Flags Type St Inode Path\n", "%s/net/unix", proc);
	make_ports(0);
	start_child();
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *ftw)
{
	(void)status, (void)type, (void)ftw;
	return remove(path);
}

static void tear_down(void)
{
	end_child();
	nftw(directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static struct isif_daemon *open_daemon(void)
{
	static struct daemon_paths paths;
	struct isif_daemon *daemon = NULL;

	paths = (struct daemon_paths){ .run = { run, "/nowhere" }, .config = config, .proc = proc };
	CU_ASSERT_EQUAL_FATAL(daemon_open_paths(&paths, &daemon), ISIF_OK);
	return daemon;
}

static bool is_woken(const struct isif_daemon *daemon)
{
	struct pollfd file = { .fd = isif_daemon_descriptor(daemon), .events = POLLIN };

	CU_ASSERT_TRUE(file.fd >= 0);
	return poll(&file, 1, 1000) == 1;
}

static bool is_quiet(const struct isif_daemon *daemon)
{
	struct pollfd file = { .fd = isif_daemon_descriptor(daemon), .events = POLLIN };

	return poll(&file, 1, 0) == 0;
}

/* Not before Linux 5.3, nor under valgrind 3.19. */
static bool has_pidfds(void)
{
	int CLEANUP_CLOSE descriptor = (int)syscall(SYS_pidfd_open, getpid(), 0);

	return descriptor >= 0;
}

static void test_daemon_by_pid_file(void)
{
	struct isif_daemon *CLEANUP(cleanup_daemon) daemon = open_daemon();

	CU_ASSERT_EQUAL(isif_daemon_look(daemon), ISIF_DAEMON_DOWN);
	CU_ASSERT_TRUE(is_quiet(daemon));
	make_process(child, "iscsid\n", "1");
	write_pid_file(child);
	CU_ASSERT_TRUE(is_woken(daemon));
	CU_ASSERT_EQUAL(isif_daemon_look(daemon), ISIF_DAEMON_UP);
	CU_ASSERT_TRUE(is_quiet(daemon));
	end_child();
	if (has_pidfds())
		CU_ASSERT_TRUE(is_woken(daemon));
	CU_ASSERT_EQUAL(isif_daemon_look(daemon), ISIF_DAEMON_DOWN);
	CU_ASSERT_TRUE(is_quiet(daemon));
}

/* Another file of /run wakes us, but costs no search. */
static void test_daemon_others(void)
{
	struct isif_daemon *CLEANUP(cleanup_daemon) daemon = open_daemon();
	int descriptor = isif_daemon_descriptor(daemon);

	make_process(child, "iscsid\n", "1");
	make_ports((unsigned)child);
	write_file("1\n", "%s/other.pid", run);
	CU_ASSERT_TRUE(is_woken(daemon));
	CU_ASSERT_EQUAL(isif_daemon_look(daemon), ISIF_DAEMON_DOWN);
	CU_ASSERT_EQUAL(isif_daemon_descriptor(daemon), descriptor);
	/* What looks unasked, looks. */
	CU_ASSERT_EQUAL(isif_daemon_look(daemon), ISIF_DAEMON_UP);
}

/* iscsid -f writes no pid file, but its netlink port tells its pid. */
static void test_daemon_by_port(void)
{
	struct isif_daemon *CLEANUP(cleanup_daemon) daemon = open_daemon();
	char buffer[8];
	FILE *file;

	make_process(child, "iscsid\n", "1");
	make_ports((unsigned)child);
	CU_ASSERT_TRUE(is_quiet(daemon));
	file = fopen(config, "re");
	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	CU_ASSERT_PTR_NOT_NULL(fgets(buffer, sizeof(buffer), file));
	fclose(file);
	CU_ASSERT_TRUE(is_woken(daemon));
	CU_ASSERT_EQUAL(isif_daemon_look(daemon), ISIF_DAEMON_UP);
}

/* In a container its port is the pid that it has in there. */
static void test_daemon_by_name(void)
{
	struct isif_daemon *CLEANUP(cleanup_daemon) daemon = NULL;

	make_process(child, "iscsid\n", "1\t23\t7");
	make_ports(7);
	daemon = open_daemon();
	CU_ASSERT_EQUAL(isif_daemon_look(daemon), ISIF_DAEMON_UP);
}

/* A stale pid file, a process that took its number, and iscsid's logger, which outlives it. */
static void test_daemon_traces(void)
{
	struct isif_daemon *CLEANUP(cleanup_daemon) daemon = NULL;

	write_pid_file(child);
	make_process(child, "bash\n", "1");
	make_process(getpid(), "iscsid\n", "99");
	make_ports(4);
	daemon = open_daemon();
	CU_ASSERT_EQUAL(isif_daemon_look(daemon), ISIF_DAEMON_DOWN);
	write_file("not a number", "%s/iscsid.pid", run);
	CU_ASSERT_EQUAL(isif_daemon_look(daemon), ISIF_DAEMON_DOWN);
	/* A number that no process has, though /proc seems to say otherwise. */
	end_child();
	make_process(INT32_MAX, "iscsid\n", "1");
	write_pid_file(INT32_MAX);
	CU_ASSERT_EQUAL(isif_daemon_look(daemon), ISIF_DAEMON_DOWN);
}

static void test_daemon_on_demand(void)
{
	struct isif_daemon *CLEANUP(cleanup_daemon) daemon = NULL;

	write_file("Num: RefCount Protocol Flags Type St Inode Path\n"
		   "00000000def6ca76: 00000002 00000000 00000000 0001 03 7 "
		   "@ISCSIADM_ABSTRACT_NAMESPACE\n"
		   "00000000def6ca76: 00000002 00000000 00010000 0001 01 8 "
		   "@ISCSIADM_ABSTRACT_NAMESPACE_OF_OTHERS\n",
		   "%s/net/unix", proc);
	daemon = open_daemon();
	CU_ASSERT_EQUAL(isif_daemon_look(daemon), ISIF_DAEMON_DOWN);
	write_file("00000000def6ca76: 00000002 00000000 00010000 0001 01 141 "
		   "@ISCSIADM_ABSTRACT_NAMESPACE\n",
		   "%s/net/unix", proc);
	CU_ASSERT_EQUAL(isif_daemon_look(daemon), ISIF_DAEMON_ON_DEMAND);
	make_process(child, "iscsid\n", "1");
	write_pid_file(child);
	CU_ASSERT_TRUE(is_woken(daemon));
	CU_ASSERT_EQUAL(isif_daemon_look(daemon), ISIF_DAEMON_UP);
}

void add_events_tests(void)
{
	CU_pSuite suite = CU_add_suite("events", NULL, NULL);
	CU_pSuite daemon =
		CU_add_suite_with_setup_and_teardown("daemon", NULL, NULL, set_up, tear_down);

	CU_ADD_TEST(suite, test_messages);
	CU_ADD_TEST(suite, test_wire);
	CU_ADD_TEST(suite, test_pdus);
	CU_ADD_TEST(suite, test_filter);
	CU_ADD_TEST(suite, test_wrong_messages);
	CU_ADD_TEST(suite, test_uevents);
	CU_ADD_TEST(daemon, test_daemon_by_pid_file);
	CU_ADD_TEST(daemon, test_daemon_others);
	CU_ADD_TEST(daemon, test_daemon_by_port);
	CU_ADD_TEST(daemon, test_daemon_by_name);
	CU_ADD_TEST(daemon, test_daemon_traces);
	CU_ADD_TEST(daemon, test_daemon_on_demand);
}
