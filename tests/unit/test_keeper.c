/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The gate through a socket: a real keeper in a process of its own, with a real database, asked by
 * the remote gate as the agent asks it, and by messages that no agent would send.
 */
#include "suites.h"

#include "../gate/keeper.h"
#include "../gate/remote.h"
#include "allocation.h"
#include "cleanup.h"
#include "clock.h"
#include "helpers.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define TARGETS 40 /* enough for a second thread of the reader */
#define PORTAL	"192.0.2.1,3260,1"
#define RECORD_TEXT                                                                                \
	NODE_RECORD("iqn.t0", "192.0.2.1", "3260", "1",                                            \
		    IFACE("if0", "iface.net_ifacename = eth0\n"))

static struct isif_privileged *gate; /* the remote one */
static int raw;			     /* another descriptor of its socket */
static pid_t keeper_process;
static enum keeper_allowed allowed;
static bool protect;
static const char *allow, *deny; /* patterns of ifaces */

static char *copy_of(const char *text)
{
	return text ? strdup(text) : NULL;
}

static void write_log(void *context, enum isif_log_level level, const char *line)
{
	int CLEANUP_CLOSE file =
		open(scratch("log"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	(void)context;
	(void)level;
	dprintf(file, "%s\n", line);
}

static bool log_has(const char *words)
{
	char text[16384] = "";
	int CLEANUP_CLOSE file = open(scratch("log"), O_RDONLY | O_CLOEXEC);
	ssize_t length = file < 0 ? 0 : read(file, text, sizeof(text) - 1);

	text[length > 0 ? length : 0] = '\0';
	return strstr(text, words);
}

static void __attribute__((noreturn)) keep(int socket)
{
	const struct isif_log log = { .write = write_log };
	char sysfs[PATH_MAX];
	struct keeper keeper = {
		.socket = socket, .log = &log, .allowed = allowed, .sysfs = sysfs
	};

	keeper.protect_in_use = protect;
	snprintf(sysfs, sizeof(sysfs), "%s", scratch("sys"));
	if (!keeper_add_bounds(&keeper, &(struct bounds){ copy_of(allow), copy_of(deny) }))
		_exit(1);

	snprintf(keeper.master, sizeof(keeper.master), "%.100s", scratch("no master"));

	if (open_writing_gate(scratch("."), &log, &keeper.gate))
		_exit(1);
	while (keeper_serve(&keeper))
		keeper_check(&keeper);
	keeper_close(&keeper);
	_exit(0);
}

static void put_records(void)
{
	for (int i = 0; i < TARGETS; i++) {
		char path[128];

		snprintf(path, sizeof(path), "nodes/iqn.t%d/" PORTAL "/if0", i);
		put_file(path, RECORD_TEXT);
	}
	put_file("ifaces/if0", IFACE_RECORD("if0", "iface.net_ifacename = eth0\n"));
	put_file("initiatorname", "InitiatorName=iqn.me\n");
}

static void begin(enum keeper_allowed is_allowed)
{
	int ends[2];

	allowed = is_allowed;

	scratch_make();
	put_records();
	CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	keeper_process = fork();
	if (!keeper_process) {
		close(ends[0]);
		keep(ends[1]);
	}
	close(ends[1]);
	raw = dup(ends[0]);
	CU_ASSERT_EQUAL_FATAL(remote_open(ends[0], &gate), ISIF_OK);
}

static void set_up(void)
{
	protect = true;
	allow = deny = NULL;
	begin(KEEPER_ALLOWS_SESSIONS);
}

/* The socket is closed; the keeper cleans up and ends by itself, with 0. */
static void wait_for_keeper(void)
{
	int status = -1;

	isif_privileged_close(TAKE(gate));
	cleanup_close_descriptor(&raw);
	raw = -1;
	if (keeper_process && waitpid(keeper_process, &status, 0) == keeper_process)
		CU_ASSERT_EQUAL(status, 0);
	keeper_process = 0;
}

static void tear_down(void)
{
	wait_for_keeper();
	scratch_remove();
}

/* --- as the agent asks --- */

static void test_hello(void)
{
	char name[64];

	CU_ASSERT_STRING_EQUAL(gate->root, scratch("."));
	CU_ASSERT_EQUAL(gate->operations->read_initiatorname(gate, name, sizeof(name)), ISIF_OK);
	CU_ASSERT_STRING_EQUAL(name, "iqn.me");
	CU_ASSERT_TRUE(gate->operations->change_descriptor(gate) >= 0);
}

/* What a visitor was told, in lines that can be sorted. */
struct visits {
	char lines[256][512];
	size_t count, ends;
};

static void note(struct isif_directory_reading *reading, const char *kind, const char *name,
		 const char *text, size_t length, enum isif_error error)
{
	struct visits *visits = reading->context;

	if (visits->count < COUNT(visits->lines))
		snprintf(visits->lines[visits->count++], sizeof(visits->lines[0]),
			 "%s %s %s %d %zu %.*s", reading->path, kind, name, error, length,
			 length < 300 ? (int)length : 300, text);
}

static void visit_record(struct isif_directory_reading *reading, const char *name, const char *text,
			 size_t length, enum isif_error error)
{
	note(reading, "record", name, text ? text : "", text ? length : 0, error);
}

static void visit_directory(struct isif_directory_reading *reading, const char *name)
{
	note(reading, "directory", name, "", 0, ISIF_OK);
}

static void visit_unchanged(struct isif_directory_reading *reading, const char *name)
{
	note(reading, "unchanged", name, "", 0, ISIF_OK);
}

static void visit_end(struct isif_directory_reading *reading)
{
	note(reading, reading->watch >= 0 ? "watched" : "end", "", "", 0, reading->error);
}

static int compare_lines(const void *a, const void *b)
{
	return strcmp(a, b);
}

static void read_all(struct isif_privileged *from, int64_t since, struct visits *visits)
{
	static const struct isif_directory_visitor visitor = { visit_record, visit_directory,
							       visit_end, visit_unchanged };
	struct isif_directory_reading readings[TARGETS + 3];
	char paths[TARGETS][64];

	*visits = (struct visits){ 0 };
	for (size_t i = 0; i < COUNT(readings); i++)
		readings[i] = (struct isif_directory_reading){ .path = "nowhere",
							       .context = visits,
							       .watch = -1 };
	for (size_t i = 0; i < TARGETS; i++) {
		snprintf(paths[i], sizeof(paths[i]), "nodes/iqn.t%zu/" PORTAL, i);
		readings[i].path = paths[i];
		readings[i].flags = ISIF_READ_RECORDS | (i % 2 ? ISIF_READ_WATCH : 0u) |
				    (since ? ISIF_READ_NEWER : 0u);
		readings[i].since = since;
	}
	readings[TARGETS].path = "nodes";
	readings[TARGETS + 1].path = "../..";
	from->operations->read_directories(from, readings, COUNT(readings), &visitor);
	qsort(visits->lines, visits->count, sizeof(visits->lines[0]), compare_lines);
}

/* Both gates tell the same of the same directories; neither tells a secret. */
static void test_reading(void)
{
	struct isif_privileged *local = NULL;
	struct visits *CLEANUP_FREE one = malloc(sizeof(*one));
	struct visits *CLEANUP_FREE other = malloc(sizeof(*other));

	CU_ASSERT_EQUAL_FATAL(open_gate(scratch("."), &local), ISIF_OK);
	for (int64_t since = 0; since <= INT64_MAX / 2; since += INT64_MAX / 2) {
		read_all(local, since, one);
		read_all(gate, since, other);
		CU_ASSERT_EQUAL(one->count, 3u * TARGETS + 3);
		CU_ASSERT_EQUAL(memcmp(one, other, sizeof(*one)), 0);
		for (size_t i = 0; i < other->count; i++)
			CU_ASSERT_PTR_NULL(strstr(other->lines[i], "wonderland"));
	}
	isif_privileged_close(local);
}

static const struct isif_edit_line to_eth5[] = { { "iface.net_ifacename", "eth0", "eth5" } };

static struct isif_edit edit_of(const char *path)
{
	return (struct isif_edit){
		.kind = ISIF_EDIT_LINES, .path = path, .lines = to_eth5, .line_count = 1
	};
}

static bool record_says(const char *path, const char *words)
{
	const char *text;
	size_t length;

	return !gate->operations->read_record(gate, path, &text, &length) && strstr(text, words);
}

static void test_transaction(void)
{
	const struct isif_edit edits[] = { edit_of("ifaces/if0"),
					   edit_of("nodes/iqn.t1/" PORTAL "/if0"),
					   edit_of("ifaces/none") };
	const char *why = "";
	size_t failed = 99;

	CU_ASSERT_EQUAL_FATAL(gate->operations->begin(gate, 0, &why), ISIF_OK);
	CU_ASSERT_TRUE(file_exists("lock/lock.write"));
	CU_ASSERT_EQUAL(gate->operations->stage(gate, "word", "x\0y", 3), ISIF_OK);
	CU_ASSERT_EQUAL(gate->operations->commit(gate, edits, 2, &failed), ISIF_OK);
	CU_ASSERT_TRUE(record_says("ifaces/if0", "eth5"));
	CU_ASSERT_TRUE(record_says("nodes/iqn.t1/" PORTAL "/if0", "eth5"));
	CU_ASSERT_EQUAL(gate->operations->undo(gate), ISIF_OK);
	CU_ASSERT_TRUE(record_says("ifaces/if0", "eth0"));
	gate->operations->end(gate);
	CU_ASSERT_FALSE(file_exists("lock/lock.write"));
	CU_ASSERT_EQUAL_FATAL(gate->operations->begin(gate, 0, &why), ISIF_OK);
	CU_ASSERT_EQUAL(gate->operations->commit(gate, edits, 3, &failed), ISIF_NOT_FOUND);
	CU_ASSERT_EQUAL(failed, 2);
	CU_ASSERT_TRUE(record_says("ifaces/if0", "eth0"));
	gate->operations->end(gate);
	put_file("lock/lock.write", "");
	CU_ASSERT_EQUAL(gate->operations->begin(gate, 0, &why), ISIF_LOCKED);
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "lock"));
}

static enum isif_error work_on_batch(void)
{
	enum isif_error error;
	unsigned pause;

	do {
		struct pollfd file = { .fd = gate->operations->batch_descriptor(gate),
				       .events = POLLIN };

		error = gate->operations->batch_work(gate, clock_ns() + 1000000, &pause);
		if (error == ISIF_INCOMPLETE)
			poll(&file, 1, pause > 1000 ? 1000 : (int)pause);
	} while (error == ISIF_INCOMPLETE);
	return error;
}

static void test_batch(void)
{
	struct isif_edit edits[] = { edit_of("nodes/iqn.t1/" PORTAL "/if0"),
				     edit_of("nodes/iqn.none/" PORTAL "/if0"),
				     edit_of("nodes/iqn.t2/" PORTAL "/if0") };
	struct isif_edit others[] = { edit_of("nodes/iqn.t3/" PORTAL "/if0") };
	const char *why = NULL;

	CU_ASSERT_EQUAL_FATAL(gate->operations->batch_begin(gate, edits, 3, &why), ISIF_OK);
	CU_ASSERT_EQUAL(gate->operations->batch_begin(gate, others, 1, &why), ISIF_UNAVAILABLE);
	CU_ASSERT_EQUAL(work_on_batch(), ISIF_OK);
	CU_ASSERT_EQUAL(edits[0].error, ISIF_OK);
	CU_ASSERT_EQUAL(edits[1].error, ISIF_NOT_FOUND);
	CU_ASSERT_EQUAL(edits[2].error, ISIF_OK);
	gate->operations->batch_end(gate);
	CU_ASSERT_TRUE(record_says("nodes/iqn.t2/" PORTAL "/if0", "eth5"));
	CU_ASSERT_EQUAL_FATAL(gate->operations->batch_begin(gate, others, 1, &why), ISIF_OK);
	gate->operations->batch_end(gate);
	CU_ASSERT_EQUAL(others[0].error, ISIF_INCOMPLETE);
}

/* Nobody waits for a batch that waits for the disk, and it is in nobody's way. */
static void test_batch_between(void)
{
	struct isif_edit edits[TARGETS];
	char paths[TARGETS][64];
	const char *why = NULL;
	unsigned pause;

	for (size_t i = 0; i < TARGETS; i++) {
		snprintf(paths[i], sizeof(paths[i]), "nodes/iqn.t%zu/" PORTAL "/if0", i);
		edits[i] = edit_of(paths[i]);
	}
	CU_ASSERT_EQUAL_FATAL(gate->operations->batch_begin(gate, edits, TARGETS, &why), ISIF_OK);
	CU_ASSERT_EQUAL(kill(keeper_process, SIGSTOP), 0);
	CU_ASSERT_EQUAL(gate->operations->batch_work(gate, 0, &pause), ISIF_INCOMPLETE);
	CU_ASSERT_EQUAL(gate->operations->batch_work(gate, 0, &pause), ISIF_INCOMPLETE);
	CU_ASSERT_EQUAL(edits[0].error, ISIF_INCOMPLETE);
	CU_ASSERT_EQUAL(pause, UINT_MAX);
	CU_ASSERT_EQUAL(kill(keeper_process, SIGCONT), 0);
	/* Another question, and its own answer; then that of the batch is there at once. */
	CU_ASSERT_TRUE(record_says("ifaces/if0", "eth0"));
	CU_ASSERT_EQUAL(poll(&(struct pollfd){ .fd = gate->operations->batch_descriptor(gate),
					       .events = POLLIN },
			     1, 0),
			1);
	CU_ASSERT_EQUAL(work_on_batch(), ISIF_OK);
	for (size_t i = 0; i < TARGETS; i++)
		CU_ASSERT_EQUAL(edits[i].error, ISIF_OK);
	gate->operations->batch_end(gate);
	CU_ASSERT_TRUE(record_says(paths[TARGETS - 1], "eth5"));
}

static void test_state(void)
{
	char *CLEANUP_FREE text = NULL;
	size_t length = 0;

	CU_ASSERT_EQUAL(gate->operations->state_read(gate, "word", &text, &length), ISIF_NOT_FOUND);
	CU_ASSERT_EQUAL(gate->operations->state_write(gate, "word", "one\n", 4), ISIF_OK);
	CU_ASSERT_EQUAL(gate->operations->state_append(gate, "word", "two\n", 4, true), ISIF_OK);
	CU_ASSERT_EQUAL_FATAL(gate->operations->state_read(gate, "word", &text, &length), ISIF_OK);
	CU_ASSERT_EQUAL(length, 8);
	CU_ASSERT_STRING_EQUAL(text, "one\ntwo\n");
	CU_ASSERT_EQUAL(gate->operations->state_write(gate, "journal", "", 0), ISIF_INVALID);
	CU_ASSERT_EQUAL(gate->operations->state_write(gate, "../x", "", 0), ISIF_INVALID);
	CU_ASSERT_TRUE(log_has("refused the unprivileged process: writing the state file ../x"));
}

static void put_program(const char *text)
{
	put_file("iscsiadm", text);
	CU_ASSERT_EQUAL(chmod(scratch("iscsiadm"), 0700), 0);
}

/* At session 7, of which there is nothing to be lost. */
static void look(void)
{
	unsigned pause;
	enum isif_error error = gate->operations->look_begin(gate, ISIF_LOOK_TO_LOG_OUT,
							     (const uint32_t[]){ 7 }, 1);

	CU_ASSERT_EQUAL_FATAL(error, ISIF_OK);
	do
		error = gate->operations->look_work(gate, ISIF_LOOK_TO_LOG_OUT, UINT64_MAX, &pause);
	while (error == ISIF_INCOMPLETE);
	CU_ASSERT_EQUAL(error, ISIF_OK);
}

static enum isif_error begin_logout(bool force, unsigned *number)
{
	const struct isif_command command = {
		.verb = ISIF_VERB_LOGOUT, .sid = 7, .tpgt = -1, .timeout = 10000, .force = force
	};

	return gate->operations->command_begin(gate, &command, number);
}

static enum isif_error run(struct isif_command_outcome *outcome, unsigned *number)
{
	const struct isif_command command = {
		.verb = ISIF_VERB_RESCAN, .sid = 7, .tpgt = -1, .timeout = 10000
	};
	enum isif_error error = gate->operations->command_begin(gate, &command, number);

	while (!error) {
		struct pollfd file = { .fd = gate->operations->command_descriptor(gate, *number),
				       .events = POLLIN };

		CU_ASSERT_EQUAL_FATAL(poll(&file, 1, 10000), 1);
		error = gate->operations->command_work(gate, *number, outcome);
		if (error != ISIF_INCOMPLETE)
			break;
		error = ISIF_OK;
	}
	return error;
}

static void test_command(void)
{
	struct isif_command_outcome outcome = { 0 };
	unsigned number = 0;

	CU_ASSERT_EQUAL(run(&outcome, &number), ISIF_NOT_FOUND);
	put_program("#!/bin/sh\necho \"$@\"\nexit 3\n");
	CU_ASSERT_EQUAL_FATAL(run(&outcome, &number), ISIF_OK);
	CU_ASSERT_EQUAL(outcome.code, 3);
	CU_ASSERT_FALSE(outcome.timed_out || outcome.cut);
	CU_ASSERT_STRING_EQUAL(outcome.output, "-m session -r 7 --rescan\n");
	gate->operations->command_end(gate, number);
	CU_ASSERT_EQUAL(gate->operations->command_work(gate, number, &outcome), ISIF_NOT_FOUND);
}

/* The other process may say that it has looked, and that force is allowed. */
static void test_guard(void)
{
	unsigned number;

	put_program("#!/bin/sh\n");
	put_file("sys/class/iscsi_session/session7/targetname", "iqn.t0\n");
	put_file("sys/class/iscsi_session/session7/tpgt", "1\n");
	put_file("sys/class/iscsi_session/session7/ifacename", "if0\n");
	put_file("sys/class/iscsi_connection/connection7:0/persistent_address", "192.0.2.1\n");
	put_file("sys/class/iscsi_connection/connection7:0/persistent_port", "3260\n");
	CU_ASSERT_EQUAL(begin_logout(false, &number), ISIF_IN_USE);
	CU_ASSERT_EQUAL(begin_logout(true, &number), ISIF_IN_USE);
	CU_ASSERT_TRUE(log_has("session 7 must stay logged in: who uses its disks was not looked"));
	look();
	CU_ASSERT_EQUAL(begin_logout(false, &number), ISIF_OK);
}

/* A disk of a tree that is not this host's: nobody knows who uses it. */
static void test_protected(void)
{
	unsigned number;

	for (int protected = 1; protected >= 0; protected --) {
		tear_down();
		protect = protected;
		begin(KEEPER_ALLOWS_SESSIONS);
		put_program("#!/bin/sh\n");
		put_file("sys/devices/host3/session7/iscsi_session/session7/targetname",
			 "iqn.t0\n");
		put_file("sys/devices/host3/session7/iscsi_session/session7/tpgt", "1\n");
		put_file("sys/devices/host3/session7/iscsi_session/session7/ifacename", "if0\n");
		put_link("sys/class/iscsi_session/session7",
			 "../../devices/host3/session7/iscsi_session/session7");
		put_file("sys/class/iscsi_connection/connection7:0/persistent_address",
			 "192.0.2.1\n");
		put_file("sys/class/iscsi_connection/connection7:0/persistent_port", "3260\n");
		put_file("sys/devices/host3/session7/target3:0:0/3:0:0:1/block/sdb/dev", "8:16\n");
		look();
		CU_ASSERT_EQUAL(begin_logout(false, &number), ISIF_IN_USE);
		CU_ASSERT_EQUAL(begin_logout(true, &number), protected ? ISIF_IN_USE : ISIF_OK);
	}
	CU_ASSERT_TRUE(log_has("session 7 must stay logged in: disk sdb may be in use"));
}

/* Without it open-iscsi's lock would be held until somebody notices. */
static void test_end_without_memory(void)
{
	const char *why = NULL, *text;
	size_t length;

	/* Both buffers have been used, and one was handed out. */
	CU_ASSERT_EQUAL(gate->operations->read_record(gate, "ifaces/if0", &text, &length), ISIF_OK);
	CU_ASSERT_EQUAL_FATAL(gate->operations->begin(gate, 0, &why), ISIF_OK);
	CU_ASSERT_TRUE(file_exists("lock/lock.write"));
	allocation_fail_at(1, true);
	gate->operations->end(gate);
	allocation_end();
	CU_ASSERT_FALSE(file_exists("lock/lock.write"));
}

/* Nobody has to ask to see that. */
static void test_hangs_up(void)
{
	struct pollfd end = { .fd = remote_descriptor(gate) };

	CU_ASSERT_FALSE(remote_is_gone(gate));
	CU_ASSERT_EQUAL(kill(keeper_process, SIGKILL), 0);
	CU_ASSERT_EQUAL(poll(&end, 1, 60000), 1);
	CU_ASSERT_TRUE(remote_is_gone(gate));
	CU_ASSERT_EQUAL(waitpid(keeper_process, NULL, 0), keeper_process);
	keeper_process = 0;
}

/* Nothing is known of it: it did not come to an answer. */
static void test_gone(void)
{
	struct isif_edit edits[] = { edit_of("nodes/iqn.t1/" PORTAL "/if0") };
	struct isif_directory_reading reading = { .path = "nodes" };
	struct visits *CLEANUP_FREE visits = calloc(1, sizeof(*visits));
	static const struct isif_directory_visitor visitor = { visit_record, visit_directory,
							       visit_end, visit_unchanged };
	const char *why = NULL;
	unsigned pause;

	CU_ASSERT_EQUAL_FATAL(gate->operations->batch_begin(gate, edits, 1, &why), ISIF_OK);
	CU_ASSERT_FALSE(remote_is_gone(gate));
	CU_ASSERT_EQUAL(kill(keeper_process, SIGKILL), 0);
	CU_ASSERT_EQUAL(waitpid(keeper_process, NULL, 0), keeper_process);
	keeper_process = 0;
	CU_ASSERT_EQUAL(gate->operations->batch_work(gate, 0, &pause), ISIF_UNAVAILABLE);
	CU_ASSERT_EQUAL(edits[0].error, ISIF_INCOMPLETE);
	CU_ASSERT_TRUE(remote_is_gone(gate));
	CU_ASSERT_EQUAL(gate->operations->begin(gate, 0, &why), ISIF_UNAVAILABLE);
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "gone"));
	reading.context = visits;
	gate->operations->read_directories(gate, &reading, 1, &visitor);
	CU_ASSERT_EQUAL(visits->count, 1);
	CU_ASSERT_EQUAL(reading.error, ISIF_UNAVAILABLE);
}

/*
 * A keeper that has answered before it is asked: the greeting, and this, with a descriptor or -1.
 * Its end of the socket.
 */
static int answer(const uint64_t *numbers, size_t count, int descriptor,
		  struct isif_privileged **opened)
{
	struct message message = { 0 };
	int ends[2];

	CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	message_put_number(&message, ISIF_OK);
	message_put_text(&message, "/");
	CU_ASSERT_TRUE(message_send(ends[1], &message, -1));
	message_clear(&message);
	for (size_t i = 0; i < count; i++)
		message_put_number(&message, numbers[i]);
	CU_ASSERT_TRUE(message_send(ends[1], &message, descriptor));
	message_free(&message);
	CU_ASSERT_EQUAL(shutdown(ends[1], SHUT_WR), 0);
	CU_ASSERT_EQUAL_FATAL(remote_open(ends[0], opened), ISIF_OK);
	return ends[1];
}

/* What was read belongs to whoever was told its end: each has one, whatever comes between. */
static void check_ends(const uint64_t *numbers, size_t count, bool gone)
{
	static const struct isif_directory_visitor visitor = { visit_record, visit_directory,
							       visit_end, visit_unchanged };
	struct visits *CLEANUP_FREE visits = calloc(1, sizeof(*visits));
	struct isif_directory_reading readings[] = {
		{ .path = "ifaces", .watch = -1, .context = visits },
		{ .path = "nodes", .watch = -1, .context = visits },
	};
	struct isif_privileged *other = NULL;
	int CLEANUP_CLOSE its_end = -1;

	its_end = answer(numbers, count, -1, &other);
	other->operations->read_directories(other, readings, 2, &visitor);
	CU_ASSERT_EQUAL(visits->count, 2);
	CU_ASSERT_EQUAL(readings[0].error, ISIF_OK);
	CU_ASSERT_EQUAL(readings[1].error, gone ? ISIF_UNAVAILABLE : ISIF_OK);
	CU_ASSERT_EQUAL(remote_is_gone(other), gone);
	isif_privileged_close(other);
}

static void test_gone_between(void)
{
	static const uint64_t both[] = { KEEPER_ENTRY_END, 0, 0, ISIF_OK,
					 KEEPER_ENTRY_END, 1, 0, ISIF_OK,
					 KEEPER_ENTRY_LAST };
	static const uint64_t early[] = { KEEPER_ENTRY_END, 0, 0, ISIF_OK, KEEPER_ENTRY_LAST };
	static const uint64_t twice[] = { KEEPER_ENTRY_END, 0, 0, ISIF_OK,
					  KEEPER_ENTRY_END, 0, 0, ISIF_OK,
					  KEEPER_ENTRY_LAST };

	check_ends(both, COUNT(both), false);
	check_ends(both, 4, true);
	check_ends(early, COUNT(early), true);
	check_ends(twice, COUNT(twice), true);
}

/* With an error there is no descriptor: nobody would close it. */
static void test_descriptor_of_nothing(void)
{
	static const uint64_t numbers[] = { ISIF_NO_ACCESS };
	struct isif_privileged *other = NULL;
	struct pollfd end;
	int pipe_ends[2], descriptor = -1, CLEANUP_CLOSE its_end = -1;

	CU_ASSERT_EQUAL_FATAL(pipe2(pipe_ends, O_CLOEXEC), 0);
	its_end = answer(numbers, COUNT(numbers), pipe_ends[1], &other);
	close(pipe_ends[1]);
	CU_ASSERT_EQUAL(
		other->operations->open_source(other, ISIF_SOURCE_ISCSI_EVENTS, NULL, &descriptor),
		ISIF_NO_ACCESS);
	CU_ASSERT_EQUAL(descriptor, -1);
	end = (struct pollfd){ .fd = pipe_ends[0] };
	CU_ASSERT_EQUAL(poll(&end, 1, 0), 1);
	CU_ASSERT_EQUAL(end.revents, POLLHUP);
	close(pipe_ends[0]);
	isif_privileged_close(other);
}

/* Whatever the other process says: the edits of the first one are still in its hands. */
static void test_second_batch(void)
{
	static const uint64_t numbers[] = { ISIF_OK, UINT64_MAX };
	struct isif_edit edits[] = { edit_of("ifaces/if0"), edit_of("ifaces/if1") };
	struct isif_privileged *other = NULL;
	int CLEANUP_CLOSE its_end = -1;
	const char *why = NULL;

	its_end = answer(numbers, COUNT(numbers), -1, &other);
	CU_ASSERT_EQUAL(other->operations->batch_begin(other, &edits[0], 1, &why), ISIF_OK);
	CU_ASSERT_EQUAL(other->operations->batch_begin(other, &edits[1], 1, &why),
			ISIF_UNAVAILABLE);
	CU_ASSERT_FALSE(remote_is_gone(other));
	isif_privileged_close(other);
}

/* --- as no agent asks --- */

static enum isif_error ask_raw(struct message *message)
{
	enum isif_error error;

	CU_ASSERT_TRUE_FATAL(message_send(raw, message, -1));
	CU_ASSERT_TRUE_FATAL(message_receive(raw, message, NULL));
	error = (enum isif_error)message_number(message);
	message_free(message);
	return error;
}

static void test_edits_that_are_none(void)
{
	static const struct isif_edit_line secret[] = { { "node.session.auth.password", NULL,
							  "mine" } };
	static const struct isif_edit_line two[] = { { "iface.net_ifacename", "eth0",
						       "x\nnode.startup = automatic" } };
	struct isif_edit edits[] = {
		{ .path = "nodes/iqn.t0/" PORTAL "/if0", .lines = secret, .line_count = 1 },
		{ .path = "ifaces/../../etc/passwd", .lines = to_eth5, .line_count = 1 },
		{ .path = "/etc/passwd", .lines = to_eth5, .line_count = 1 },
		{ .path = "ifaces/if0", .lines = two, .line_count = 1 },
		{ .kind = ISIF_EDIT_NEW_IFACE, .path = "ifaces/a/b" },
		{ .kind = (enum isif_edit_kind)17, .path = "ifaces/if0" },
	};
	const char *why;
	size_t failed;

	for (size_t i = 0; i < COUNT(edits); i++) {
		CU_ASSERT_EQUAL_FATAL(gate->operations->begin(gate, 0, &why), ISIF_OK);
		CU_ASSERT_EQUAL(gate->operations->commit(gate, &edits[i], 1, &failed),
				ISIF_INVALID);
		gate->operations->end(gate);
	}
	CU_ASSERT_TRUE(log_has("refused the unprivileged process: changing nodes/iqn.t0"));
	CU_ASSERT_TRUE(record_says("ifaces/if0", "eth0"));
}

/* A question that ends early, has more than it must, or says how much and has less. */
static void test_broken_questions(void)
{
	static const struct {
		uint64_t numbers[6];
		size_t count;
	} cases[] = {
		{ { KEEPER_BEGIN }, 1 },
		{ { KEEPER_BEGIN, 0, 0 }, 3 },
		{ { KEEPER_BEGIN, UINT64_MAX }, 2 },
		{ { KEEPER_COMMIT, KEEPER_EDITS + 1, 0 }, 3 },
		{ { KEEPER_COMMIT, 1, UINT64_MAX }, 3 },
		{ { KEEPER_COMMIT, 200, 200, 0, 0 }, 5 },
		{ { KEEPER_READ_RECORD, 1u << 30 }, 2 },
		{ { KEEPER_READ_RECORD, UINT64_MAX }, 2 },
		{ { KEEPER_LOOK_BEGIN, 99, 0 }, 3 },
		{ { KEEPER_LOOK_BEGIN, 0, 60000 }, 3 },
		{ { KEEPER_LOOK_WORK, 0, 0 }, 3 },
		{ { KEEPER_BATCH_WORK, 0 }, 2 },
		{ { KEEPER_OPEN_SOURCE, 17 }, 2 },
		{ { KEEPER_PORT_BEGIN, 0, 0, 0 }, 4 },
		{ { KEEPER_COMMAND_BEGIN, 0 }, 2 },
		{ { KEEPER_STATE_APPEND, 0 }, 2 },
		{ { KEEPER_READY }, 1 },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct message message = { 0 };

		for (size_t j = 0; j < cases[i].count; j++)
			message_put_number(&message, cases[i].numbers[j]);
		CU_ASSERT_EQUAL(ask_raw(&message), ISIF_INVALID);
	}
	CU_ASSERT_TRUE(record_says("ifaces/if0", "eth0"));
}

static void test_text_with_nul(void)
{
	struct message message = { 0 };

	message_put_number(&message, KEEPER_READ_RECORD);
	message_put_octets(&message, "ifaces/if0\0x", 12);
	CU_ASSERT_EQUAL(ask_raw(&message), ISIF_INVALID);
}

/* It ends early, so there is none to end; what it said of itself counts for nothing. */
static void test_no_batch(void)
{
	static const uint64_t begin[] = { KEEPER_BATCH_BEGIN, 2, 2 };
	struct message message = { 0 };

	for (size_t i = 0; i < COUNT(begin); i++)
		message_put_number(&message, begin[i]);
	CU_ASSERT_EQUAL(ask_raw(&message), ISIF_INVALID);
	message_put_number(&message, KEEPER_BATCH_END);
	CU_ASSERT_TRUE_FATAL(message_send(raw, &message, -1));
	CU_ASSERT_TRUE_FATAL(message_receive(raw, &message, NULL));
	CU_ASSERT_EQUAL(message_number(&message), ISIF_OK);
	CU_ASSERT_EQUAL(message_number(&message), 0);
	CU_ASSERT_TRUE(message_is_read(&message));
	message_free(&message);
}

/* What stands in a question leads nowhere. */
static void test_master(void)
{
	int descriptor = -1;

	CU_ASSERT_EQUAL(
		gate->operations->open_source(gate, ISIF_SOURCE_MASTER, "/run/other", &descriptor),
		ISIF_NOT_FOUND);
	CU_ASSERT_EQUAL(descriptor, -1);
}

/* --- allowIface and denyIface --- */

static enum isif_error change(enum isif_edit_kind kind, const char *path, const char *other,
			      const char *key, const char *value)
{
	const struct isif_edit_line line = { key, NULL, value };
	struct isif_edit edit = {
		.kind = kind, .path = path, .other = other, .lines = &line, .line_count = 1
	};
	const char *why;
	size_t failed;
	enum isif_error error = gate->operations->begin(gate, 0, &why), batch;
	unsigned pause;

	CU_ASSERT_EQUAL_FATAL(error, ISIF_OK);
	error = gate->operations->commit(gate, &edit, 1, &failed);
	if (!error)
		CU_ASSERT_EQUAL(gate->operations->undo(gate), ISIF_OK);
	gate->operations->end(gate);
	if (kind != ISIF_EDIT_LINES)
		return error;
	/* The remote gate hears only later that its batch was refused. */
	batch = gate->operations->batch_begin(gate, &edit, 1, &why);
	while (!batch) {
		batch = gate->operations->batch_work(gate, UINT64_MAX, &pause);
		if (batch != ISIF_INCOMPLETE)
			break;
		batch = ISIF_OK;
	}
	CU_ASSERT_EQUAL(batch == ISIF_INVALID, error == ISIF_INVALID);
	gate->operations->batch_end(gate);
	return error;
}

static enum isif_error edit(const char *path)
{
	return change(ISIF_EDIT_LINES, path, NULL, "iface.mtu", "1500");
}

#define T0 "nodes/iqn.t0/" PORTAL

static void test_bounds_of_edits(void)
{
	tear_down();
	deny = "san* ";
	begin(KEEPER_ALLOWS_SESSIONS);
	put_file("ifaces/san0", IFACE_RECORD("san0", ""));
	put_file(T0 "/san0", RECORD_TEXT);
	put_file("nodes/iqn.t1/192.0.2.9,3260", RECORD("iface.iscsi_ifacename = san1\n"));
	put_file("nodes/iqn.t2/192.0.2.9,3260", RECORD("iface.iscsi_ifacename = if0\n"));
	CU_ASSERT_EQUAL(edit("ifaces/if0"), ISIF_OK);
	CU_ASSERT_EQUAL(edit(T0 "/if0"), ISIF_OK);
	CU_ASSERT_EQUAL(edit("ifaces/san0"), ISIF_INVALID);
	CU_ASSERT_TRUE(log_has("refused the unprivileged process: changing ifaces/san0"));
	CU_ASSERT_EQUAL(edit(T0 "/san0"), ISIF_INVALID);
	CU_ASSERT_EQUAL(edit("nodes/iqn.t1/192.0.2.9,3260"), ISIF_INVALID);
	CU_ASSERT_EQUAL(edit("nodes/iqn.t2/192.0.2.9,3260"), ISIF_OK);
	CU_ASSERT_EQUAL(edit("nodes/iqn.t3/192.0.2.9,3260"), ISIF_INVALID); /* not there */
	CU_ASSERT_EQUAL(
		change(ISIF_EDIT_MOVE_NODE, T0 "/if0", T0 "/san1", "iface.iscsi_ifacename", "san1"),
		ISIF_INVALID);
	CU_ASSERT_EQUAL(change(ISIF_EDIT_COPY_NODE, T0 "/if0", T0 "/san1", "iface.mtu", "9"),
			ISIF_INVALID);
	CU_ASSERT_EQUAL(change(ISIF_EDIT_LINES, T0 "/if0", NULL, "iface.iscsi_ifacename", "san1"),
			ISIF_INVALID);
	CU_ASSERT_EQUAL(
		change(ISIF_EDIT_MOVE_NODE, T0 "/if0", T0 "/if1", "iface.iscsi_ifacename", "if1"),
		ISIF_OK);
}

static enum isif_error command(enum isif_verb verb, const char *iface)
{
	const struct isif_command asked = { .verb = verb,
					    .target = "iqn.t0",
					    .address = "192.0.2.1",
					    .iface = iface,
					    .port = 3260,
					    .tpgt = -1,
					    .sid = 7,
					    .timeout = 1000 };
	unsigned number;

	return gate->operations->command_begin(gate, &asked, &number);
}

static void test_bounds_of_commands(void)
{
	tear_down();
	allow = "if* ";
	begin(KEEPER_ALLOWS_SESSIONS); /* there is no iscsiadm: what is allowed is not found */
	CU_ASSERT_EQUAL(command(ISIF_VERB_DISCOVER, "if0"), ISIF_NOT_FOUND);
	CU_ASSERT_EQUAL(command(ISIF_VERB_DISCOVER, ""), ISIF_NOT_FOUND);
	CU_ASSERT_EQUAL(command(ISIF_VERB_DISCOVER, "san0"), ISIF_INVALID);
	CU_ASSERT_EQUAL(command(ISIF_VERB_DISCOVER_DRY, "san0"), ISIF_NOT_FOUND);
	CU_ASSERT_EQUAL(command(ISIF_VERB_LOGIN, "san0"), ISIF_NOT_FOUND);
	put_file("ifaces/hba", RECORD("iface.transport_name = qedi\n"));
	CU_ASSERT_EQUAL(command(ISIF_VERB_DISCOVER, ""), ISIF_NOT_FOUND);
	put_file("ifaces/san0", IFACE_RECORD("san0", ""));
	CU_ASSERT_EQUAL(command(ISIF_VERB_DISCOVER, ""), ISIF_INVALID);
	remove_file("ifaces/san0");
	remove_file("ifaces/if0");
	CU_ASSERT_EQUAL(command(ISIF_VERB_DISCOVER, ""), ISIF_INVALID); /* that is default */
	put_file("sys/class/iscsi_session/session7/targetname", "iqn.t0\n");
	put_file("sys/class/iscsi_session/session7/ifacename", "san0\n");
	look();
	CU_ASSERT_EQUAL(command(ISIF_VERB_LOGOUT, NULL), ISIF_INVALID);
	put_file("sys/class/iscsi_session/session7/ifacename", "if0\n");
	CU_ASSERT_EQUAL(command(ISIF_VERB_LOGOUT, NULL), ISIF_NOT_FOUND);
}

static enum isif_error set_port(const char *iface, uint32_t host)
{
	const struct isif_port_request asked = { .verb = ISIF_PORT_SET,
						 .iface = iface,
						 .transport = "qla4xxx",
						 .host = host,
						 .timeout = 1000 };
	unsigned number;

	return gate->operations->port_begin(gate, &asked, &number);
}

/* An iface within the bounds opens no adapter that it is not one of. */
static void test_bounds_of_ports(void)
{
#define HOST "sys/devices/pci0/host5/"
	tear_down();
	allow = "if* hba* ";
	deny = "hba9 ";
	begin(KEEPER_ALLOWS_SESSIONS);
	put_directory("sys/class/iscsi_transport/qla4xxx");
	put_file(HOST "iscsi_host/host5/hwaddress", "02:00:00:00:00:05\n");
	put_file(HOST "scsi_host/host5/proc_name", "qla4xxx\n");
	put_link("sys/class/iscsi_host/host5", "../../devices/pci0/host5/iscsi_host/host5");
	put_link("sys/class/scsi_host/host5", "../../devices/pci0/host5/scsi_host/host5");
	put_file("ifaces/hba", RECORD("iface.transport_name = qla4xxx\n"
				      "iface.hwaddress = 02:00:00:00:00:05\n"));
	put_file("ifaces/hba2", RECORD("iface.transport_name = qla4xxx\n"
				       "iface.hwaddress = 02:00:00:00:00:06\n"));
	put_file("ifaces/hba9", RECORD("iface.transport_name = qla4xxx\n"
				       "iface.hwaddress = 02:00:00:00:00:05\n"));
	/* This tree is not the host's: what is within the bounds cannot be done. */
	CU_ASSERT_EQUAL(set_port("hba", 5), ISIF_UNAVAILABLE);
	CU_ASSERT_EQUAL(set_port("hba", 6), ISIF_INVALID);
	CU_ASSERT_EQUAL(set_port("hba2", 5), ISIF_INVALID);
	CU_ASSERT_EQUAL(set_port("hba9", 5), ISIF_INVALID);
	CU_ASSERT_EQUAL(set_port("if0", 5), ISIF_INVALID);
	CU_ASSERT_EQUAL(set_port("../hba", 5), ISIF_INVALID);
	CU_ASSERT_EQUAL(set_port(NULL, 5), ISIF_INVALID);
}

/* The keeper holds to the controlMode itself. */
static void test_allowed(void)
{
	static const struct {
		enum keeper_allowed allowed;
		enum isif_error change, discovery, logout;
	} cases[] = {
		{ KEEPER_ALLOWS_READING, ISIF_INVALID, ISIF_INVALID, ISIF_INVALID },
		{ KEEPER_ALLOWS_RECORDS, ISIF_OK, ISIF_NOT_FOUND, ISIF_INVALID },
		{ KEEPER_ALLOWS_SESSIONS, ISIF_OK, ISIF_NOT_FOUND, ISIF_NOT_FOUND },
	};
	const struct isif_command discovery = { .verb = ISIF_VERB_DISCOVER,
						.address = "192.0.2.1",
						.iface = "if0",
						.port = 3260,
						.tpgt = -1,
						.timeout = 1000 };
	unsigned number;
	const char *why;

	for (size_t i = 0; i < COUNT(cases); i++) {
		tear_down();
		begin(cases[i].allowed);
		CU_ASSERT_EQUAL(gate->operations->begin(gate, 0, &why), cases[i].change);
		CU_ASSERT_EQUAL(gate->operations->command_begin(gate, &discovery, &number),
				cases[i].discovery);
		look();
		CU_ASSERT_EQUAL(begin_logout(false, &number), cases[i].logout);
		CU_ASSERT_TRUE(record_says("ifaces/if0", "eth0"));
	}
}

static bool is_closed(void)
{
	struct pollfd file = { .fd = raw, .events = POLLIN };
	char octet;

	return poll(&file, 1, 10000) == 1 && read(raw, &octet, 1) <= 0;
}

static void test_no_operation(void)
{
	struct message message = { 0 };

	message_put_number(&message, KEEPER_OPERATIONS);
	CU_ASSERT_TRUE(message_send(raw, &message, -1));
	message_free(&message);
	CU_ASSERT_TRUE(is_closed());
	CU_ASSERT_TRUE(log_has("something that there is not"));
}

static void test_too_long(void)
{
	const uint32_t length = MESSAGE_LIMIT + 1;

	CU_ASSERT_EQUAL(write(raw, &length, sizeof(length)), sizeof(length));
	CU_ASSERT_TRUE(is_closed());
}

/* What the other process had begun when it died is over with it; what was done stays. */
static void test_death(void)
{
	const struct isif_edit edits[] = { edit_of("ifaces/if0") };
	const char *why;
	size_t failed;

	CU_ASSERT_EQUAL_FATAL(gate->operations->begin(gate, 0, &why), ISIF_OK);
	CU_ASSERT_EQUAL(gate->operations->commit(gate, edits, 1, &failed), ISIF_OK);
	CU_ASSERT_TRUE(file_exists("lock/lock.write"));
	wait_for_keeper();
	CU_ASSERT_FALSE(file_exists("lock/lock.write"));
	CU_ASSERT_EQUAL_FATAL(open_gate(scratch("."), &gate), ISIF_OK);
	CU_ASSERT_TRUE(record_says("ifaces/if0", "eth5"));
}

void add_keeper_tests(void)
{
	CU_pSuite suite =
		CU_add_suite_with_setup_and_teardown("keeper", NULL, NULL, set_up, tear_down);

	CU_add_test(suite, "the start", test_hello);
	CU_add_test(suite, "reading directories", test_reading);
	CU_add_test(suite, "a transaction", test_transaction);
	CU_add_test(suite, "a batch", test_batch);
	CU_add_test(suite, "a batch, and what comes between", test_batch_between);
	CU_add_test(suite, "files of the state", test_state);
	CU_add_test(suite, "a command", test_command);
	CU_add_test(suite, "a logout without a look", test_guard);
	CU_add_test(suite, "a logout by force", test_protected);
	CU_add_test(suite, "a keeper that is gone", test_gone);
	CU_add_test(suite, "a keeper that goes between two directories", test_gone_between);
	CU_add_test(suite, "a descriptor of nothing", test_descriptor_of_nothing);
	CU_add_test(suite, "a second batch", test_second_batch);
	CU_add_test(suite, "and hangs up", test_hangs_up);
	CU_add_test(suite, "what has begun is ended, whatever the memory", test_end_without_memory);
	CU_add_test(suite, "edits that are none", test_edits_that_are_none);
	CU_add_test(suite, "broken questions", test_broken_questions);
	CU_add_test(suite, "a text with a NUL", test_text_with_nul);
	CU_add_test(suite, "a batch that is none", test_no_batch);
	CU_add_test(suite, "the master's address", test_master);
	CU_add_test(suite, "what the configuration allows", test_allowed);
	CU_add_test(suite, "edits of ifaces out of bounds", test_bounds_of_edits);
	CU_add_test(suite, "commands on ifaces out of bounds", test_bounds_of_commands);
	CU_add_test(suite, "adapters of ifaces out of bounds", test_bounds_of_ports);
	CU_add_test(suite, "an operation that is none", test_no_operation);
	CU_add_test(suite, "a message that is too long", test_too_long);
	CU_add_test(suite, "the death of the asker", test_death);
}
