/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Running iscsiadm: what it is given, and what becomes of it. Small scripts stand in for it. */
#include "suites.h"

#include "clock.h"
#include "command.h"
#include "helpers.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define LONG_MS 600000 /* a time limit that no test meets */
#define WAIT_MS 60000  /* for what must come */

static struct commands *commands;

static const struct isif_command login = {
	.verb = ISIF_VERB_LOGIN,
	.target = "iqn.2026-11.test:disk",
	.address = "192.0.2.10",
	.iface = "san0",
	.port = 3260,
	.tpgt = 1,
	.timeout = LONG_MS,
};

static void set_up(void)
{
	scratch_make();
	CU_ASSERT_EQUAL_FATAL(
		commands_open(scratch("iscsiadm"), scratch("."), scratch("sys"), &commands),
		ISIF_OK);
}

static void tear_down(void)
{
	commands_close(commands);
	scratch_remove();
}

static void put_script(const char *text)
{
	put_file("iscsiadm", text);
	CU_ASSERT_EQUAL_FATAL(chmod(scratch("iscsiadm"), 0755), 0);
}

static unsigned begin(const struct isif_command *command)
{
	unsigned number = 0;

	CU_ASSERT_EQUAL_FATAL(command_begin(commands, command, &number), ISIF_OK);
	return number;
}

/* Waits as the loop does: on its descriptor, and for nothing else. */
static void wait_for_end(unsigned number, struct isif_command_outcome *outcome)
{
	while (command_work(commands, number, outcome) == ISIF_INCOMPLETE) {
		struct pollfd one = { .fd = command_descriptor(commands, number),
				      .events = POLLIN };

		CU_ASSERT_TRUE_FATAL(one.fd >= 0);
		CU_ASSERT_EQUAL_FATAL(poll(&one, 1, WAIT_MS), 1);
	}
}

/* Runs it to its end. The outcome's text is borrowed until the next run. */
static struct isif_command_outcome run(const struct isif_command *command)
{
	static unsigned number;
	struct isif_command_outcome outcome = { 0 };

	command_end(commands, number);
	number = begin(command);
	wait_for_end(number, &outcome);
	return outcome;
}

/* --- arguments --- */

static struct isif_command with(enum isif_verb verb)
{
	struct isif_command command = login;

	command.verb = verb;
	return command;
}

/* What the manual of open-iscsi has for each purpose. */
static bool gives(const struct isif_command *command, const char *expected)
{
	struct command_arguments arguments;
	char line[1024] = "";

	if (command_arguments(command, &arguments))
		return !expected;
	CU_ASSERT_PTR_NULL(arguments.items[arguments.count]);
	for (size_t i = 0; i < arguments.count; i++) {
		strcat(line, i ? " " : "");
		strcat(line, arguments.items[i]);
	}
	if (expected && !strcmp(line, expected))
		return true;
	printf("# %s\n", line);
	return false;
}

static void test_verbs(void)
{
	struct isif_command command = with(ISIF_VERB_LOGIN);

	CU_ASSERT_TRUE(gives(&command, "iscsiadm -m node -T iqn.2026-11.test:disk "
				       "-p 192.0.2.10:3260,1 -I san0 --login"));
	command.address = "2001:db8::1";
	CU_ASSERT_TRUE(gives(&command, "iscsiadm -m node -T iqn.2026-11.test:disk "
				       "-p [2001:db8::1]:3260,1 -I san0 --login"));
	command.address = "target.example";
	command.tpgt = -1;
	CU_ASSERT_TRUE(gives(&command, "iscsiadm -m node -T iqn.2026-11.test:disk "
				       "-p target.example:3260 -I san0 --login"));
	CU_ASSERT_TRUE(gives(&(struct isif_command){ .verb = ISIF_VERB_LOGOUT, .sid = 17 },
			     "iscsiadm -m session -r 17 -u"));
	CU_ASSERT_TRUE(gives(&(struct isif_command){ .verb = ISIF_VERB_RESCAN, .sid = 17 },
			     "iscsiadm -m session -r 17 --rescan"));
	command = with(ISIF_VERB_DISCOVER);
	CU_ASSERT_TRUE(gives(&command, "iscsiadm -m discoverydb -t st -p 192.0.2.10:3260 -I san0 "
				       "-o new --discover"));
	command.iface = "";
	command.verb = ISIF_VERB_DISCOVER_DRY;
	CU_ASSERT_TRUE(gives(&command, "iscsiadm -m discovery -t st -p 192.0.2.10:3260 "
				       "-o nonpersistent"));
}

static void test_refused_names(void)
{
	static const char *const targets[] = { "",     "-T",  "iqn.a b", "iqn.a\n",
					       "../x", "a/b", "iqn.a,b" };
	static const char *const ifaces[] = {
		"",	"-I",	 "a\nb",
		"../x", "a/b",	 ".x",
		"a,b",	"a\x7f", "a2345678901234567890123456789012345678901234567890123456789012345"
	};
	static const char *const addresses[] = {
		"", "-p", "192.0.2.1,1", "192.0.2.1 x", "[2001:db8::1]", "a/b", "2001:db8::1]:1,1"
	};
	struct isif_command command;

	for (size_t i = 0; i < COUNT(targets); i++) {
		command = login;
		command.target = targets[i];
		CU_ASSERT_TRUE(gives(&command, NULL));
	}
	for (size_t i = 0; i < COUNT(ifaces); i++) {
		command = login;
		command.iface = ifaces[i];
		CU_ASSERT_TRUE(gives(&command, NULL));
	}
	for (size_t i = 0; i < COUNT(addresses); i++) {
		command = login;
		command.address = addresses[i];
		CU_ASSERT_TRUE(gives(&command, NULL));
		command.verb = ISIF_VERB_DISCOVER;
		CU_ASSERT_TRUE(gives(&command, NULL));
	}
}

static void test_refused_numbers(void)
{
	struct isif_command command = login;
	unsigned number;

	command.port = 0;
	CU_ASSERT_TRUE(gives(&command, NULL));
	command = login;
	command.tpgt = 65536;
	CU_ASSERT_TRUE(gives(&command, NULL));
	command.tpgt = -2;
	CU_ASSERT_TRUE(gives(&command, NULL));
	command = with(ISIF_VERB_LOGOUT);
	CU_ASSERT_TRUE(gives(&command, NULL));
	command.verb = ISIF_VERB_RESCAN;
	CU_ASSERT_TRUE(gives(&command, NULL));
	command = with((enum isif_verb)77);
	CU_ASSERT_TRUE(gives(&command, NULL));
	command = login;
	command.target = NULL;
	CU_ASSERT_TRUE(gives(&command, NULL));
	put_script("#!/bin/sh\n");
	command = login;
	command.timeout = 0;
	CU_ASSERT_EQUAL(command_begin(commands, &command, &number), ISIF_INVALID);
	command.timeout = LONG_MS;
	command.iface = "-x";
	CU_ASSERT_EQUAL(command_begin(commands, &command, &number), ISIF_INVALID);
}

/* --- processes --- */

static void test_process(void)
{
	struct isif_command_outcome outcome;
	struct sigaction ignore = { .sa_handler = SIG_IGN }, before;
	sigset_t block, mask;

	put_script("#!/bin/sh\n"
		   "for argument; do echo \"<$argument>\"; done\n"
		   "echo \"$LC_ALL\" >&2\n"
		   "cat\n"
		   "read -r pid name state parent group rest </proc/$$/stat\n"
		   "[ $pid = $group ] && echo group\n"
		   /* Without the two that are the C library's own. */
		   "sed -n 's/^\\(SigBlk\\|SigIgn\\).*\\(.......\\)$/\\1 \\2/p' /proc/self/status\n"
		   "[ -e /proc/$$/fd/77 ] && echo descriptor\n"
		   "exit 24\n");
	sigemptyset(&block);
	sigaddset(&block, SIGTERM);
	sigprocmask(SIG_BLOCK, &block, &mask);
	sigaction(SIGPIPE, &ignore, &before);
	/* One that a library left open for children. */
	CU_ASSERT_EQUAL(dup2(STDERR_FILENO, 77), 77);
	outcome = run(&login);
	close(77);
	sigaction(SIGPIPE, &before, NULL);
	sigprocmask(SIG_SETMASK, &mask, NULL);
	CU_ASSERT_EQUAL(outcome.code, 24);
	CU_ASSERT_FALSE(outcome.timed_out || outcome.cut);
	CU_ASSERT_EQUAL(outcome.length, strlen(outcome.output));
	CU_ASSERT_STRING_EQUAL(outcome.output,
			       "<-m>\n<node>\n<-T>\n<iqn.2026-11.test:disk>\n<-p>\n"
			       "<192.0.2.10:3260,1>\n<-I>\n<san0>\n<--login>\nC\ngroup\n"
			       "SigBlk 0000000\nSigIgn 0000000\n");
}

static void test_no_program(void)
{
	struct isif_command_outcome outcome;
	enum isif_error error;
	unsigned number;

	CU_ASSERT_EQUAL(command_begin(commands, &login, &number), ISIF_NOT_FOUND);
	put_file("iscsiadm", "#!/bin/sh\n");
	CU_ASSERT_EQUAL(command_begin(commands, &login, &number), ISIF_NOT_FOUND);
	remove_file("iscsiadm");
	put_directory("iscsiadm");
	/* Under valgrind the child shares no memory with us: it can only exit, as execve failed. */
	error = command_begin(commands, &login, &number);
	if (!error) {
		wait_for_end(number, &outcome);
		command_end(commands, number);
	}
	CU_ASSERT_TRUE(error == ISIF_NO_ACCESS || (!error && outcome.code == 127));
	remove_file("iscsiadm");
	put_script("#!/bin/sh\nexit 3\n");
	CU_ASSERT_EQUAL(run(&login).code, 3);
}

static void test_unknown_number(void)
{
	struct isif_command_outcome outcome;
	unsigned number;

	CU_ASSERT_EQUAL(command_work(commands, 0, &outcome), ISIF_NOT_FOUND);
	CU_ASSERT_EQUAL(command_descriptor(commands, 5), -1);
	command_end(commands, 5);
	put_script("#!/bin/sh\n");
	number = begin(&login);
	wait_for_end(number, &outcome);
	/* As often as one likes. */
	CU_ASSERT_EQUAL(command_work(commands, number, &outcome), ISIF_OK);
	CU_ASSERT_EQUAL(outcome.code, 0);
	command_end(commands, number);
	CU_ASSERT_EQUAL(command_work(commands, number, &outcome), ISIF_NOT_FOUND);
}

static void test_killed_by_others(void)
{
	struct isif_command_outcome outcome;

	put_script("#!/bin/sh\nkill -9 $$\n");
	outcome = run(&login);
	CU_ASSERT_EQUAL(outcome.code, -1);
	CU_ASSERT_FALSE(outcome.timed_out);
}

/* Who is killed while it holds open-iscsi's lock leaves it behind for ever. */
static void test_lock_is_spared(void)
{
	struct isif_command command = login;
	struct isif_command_outcome outcome;
	uint64_t deadline;
	unsigned number;

	put_script("#!/bin/sh\nexec sleep 1000\n");
	put_file("lock.write", "");
	command.timeout = 20;
	number = begin(&command);
	deadline = clock_ns() + 30 * UINT64_C(1000000);
	do {
		struct pollfd one = { .fd = command_descriptor(commands, number),
				      .events = POLLIN };

		CU_ASSERT_EQUAL_FATAL(poll(&one, 1, WAIT_MS), 1);
		CU_ASSERT_EQUAL_FATAL(command_work(commands, number, &outcome), ISIF_INCOMPLETE);
	} while (clock_ns() < deadline);
	remove_file("lock.write");
	wait_for_end(number, &outcome);
	CU_ASSERT_TRUE(outcome.timed_out);
	command_end(commands, number);
}

static void test_time_limit(void)
{
	struct isif_command command = login;
	struct isif_command_outcome outcome;

	put_script("#!/bin/sh\ntrap '' TERM INT HUP\nexec sleep 1000\n");
	command.timeout = 100;
	outcome = run(&command);
	CU_ASSERT_TRUE(outcome.timed_out);
	CU_ASSERT_EQUAL(outcome.code, -1);
}

/* A pipe that a script's child keeps open: its end tells that the child is dead. */
static int open_fifo(void)
{
	int fifo;

	CU_ASSERT_EQUAL_FATAL(mkfifo(scratch("fifo"), 0600), 0);
	fifo = open(scratch("fifo"), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	CU_ASSERT_TRUE_FATAL(fifo >= 0);
	return fifo;
}

static void test_group_is_killed(void)
{
	struct pollfd one = { .events = POLLIN };
	char script[512], octet;
	unsigned number;

	one.fd = open_fifo();
	snprintf(script, sizeof(script),
		 "#!/bin/sh\ntrap '' TERM\n(trap '' TERM; echo; sleep 1000) >%s &\nwait\n",
		 scratch("fifo"));
	put_script(script);
	number = begin(&login);
	CU_ASSERT_EQUAL_FATAL(poll(&one, 1, WAIT_MS), 1);
	CU_ASSERT_EQUAL(read(one.fd, &octet, 1), 1);
	command_end(commands, number);
	CU_ASSERT_EQUAL(command_descriptor(commands, number), -1);
	CU_ASSERT_EQUAL_FATAL(poll(&one, 1, WAIT_MS), 1);
	CU_ASSERT_EQUAL(read(one.fd, &octet, 1), 0);
	close(one.fd);
}

/* What it leaves behind, such as an iscsid, is neither waited for nor killed. */
static void test_child_lives_on(void)
{
	struct isif_command_outcome outcome;
	struct pollfd one = { .events = POLLIN };
	char script[512], octet;

	one.fd = open_fifo();
	snprintf(script, sizeof(script),
		 "#!/bin/sh\n(read -r line <%s; echo \"$line\" >%s) &\necho done\n",
		 scratch("answer"), scratch("fifo"));
	CU_ASSERT_EQUAL_FATAL(mkfifo(scratch("answer"), 0600), 0);
	put_script(script);
	outcome = run(&login);
	CU_ASSERT_EQUAL(outcome.code, 0);
	CU_ASSERT_STRING_EQUAL(outcome.output, "done\n");
	put_octets("answer", "x\n", 2);
	CU_ASSERT_EQUAL_FATAL(poll(&one, 1, WAIT_MS), 1);
	CU_ASSERT_EQUAL(read(one.fd, &octet, 1), 1);
	CU_ASSERT_EQUAL(octet, 'x');
	close(one.fd);
}

static void test_several(void)
{
	struct isif_command quick = login;
	unsigned numbers[COMMAND_LIMIT], more;
	struct isif_command_outcome outcome;
	enum isif_error error;

	/* One script: a shell may read it only when the next one is there already. */
	put_script("#!/bin/sh\n[ $8 = quick ] && exit 5\nexec sleep 1000\n");
	quick.iface = "quick";
	for (size_t i = 1; i < COMMAND_LIMIT; i++)
		numbers[i] = begin(&login);
	numbers[0] = begin(&quick);
	CU_ASSERT_EQUAL(command_begin(commands, &login, &more), ISIF_LIMIT);
	wait_for_end(numbers[0], &outcome);
	CU_ASSERT_EQUAL(outcome.code, 5);
	for (size_t i = 1; i < COMMAND_LIMIT; i++)
		CU_ASSERT_EQUAL(command_work(commands, numbers[i], &outcome), ISIF_INCOMPLETE);
	for (size_t i = 0; i < COMMAND_LIMIT; i++)
		command_end(commands, numbers[i]);
	/* The places of those that were killed are free as soon as they are dead. */
	for (size_t i = 0; i < COMMAND_LIMIT; i++) {
		while ((error = command_begin(commands, &quick, &numbers[i])) == ISIF_LIMIT)
			poll(NULL, 0, 1);
		CU_ASSERT_EQUAL(error, ISIF_OK);
	}
	for (size_t i = 0; i < COMMAND_LIMIT; i++) {
		wait_for_end(numbers[i], &outcome);
		CU_ASSERT_EQUAL(outcome.code, 5);
		command_end(commands, numbers[i]);
	}
}

/* --- requests to an adapter --- */

#define HANDLE "sys/class/iscsi_transport/qla4xxx/handle"

static const struct isif_port_request ping = {
	.verb = ISIF_PORT_PING,
	.transport = "qla4xxx",
	.host = 3,
	.family = ISIF_FAMILY_IPV4,
	.address = "192.0.2.1",
	.timeout = LONG_MS,
};

static unsigned begin_request(void)
{
	unsigned number = 0;

	CU_ASSERT_EQUAL_FATAL(command_begin_port(commands, &ping, &number), ISIF_OK);
	return number;
}

static bool is_refused(void)
{
	unsigned number;

	return command_begin_port(commands, &ping, &number) == ISIF_LOCKED;
}

static bool has_turn(int wait)
{
	struct pollfd one = { .fd = command_port_descriptor(commands), .events = POLLIN };

	return poll(&one, 1, wait) == 1;
}

/* It looks the transport up first, and waits there: the kernel is left out of this. */
static void put_handle(void)
{
	put_file(HANDLE, "");
	remove_file(HANDLE);
	CU_ASSERT_EQUAL_FATAL(mkfifo(scratch(HANDLE), 0600), 0);
}

/* Once its process is there; closed, it gets no handle. */
static int meet(void)
{
	int handle = -1;

	for (int i = 0; handle < 0 && i < WAIT_MS; i++) {
		handle = open(scratch(HANDLE), O_WRONLY | O_NONBLOCK | O_CLOEXEC);
		if (handle < 0)
			poll(NULL, 0, 1);
	}
	CU_ASSERT_TRUE_FATAL(handle >= 0);
	return handle;
}

static void test_one_request(void)
{
	struct isif_command_outcome outcome;
	unsigned first, second;
	int handle;

	put_handle();
	CU_ASSERT_EQUAL(command_port_descriptor(commands), -1);
	first = begin_request();
	handle = meet();
	CU_ASSERT_TRUE(is_refused());
	CU_ASSERT_FALSE(has_turn(0));
	close(handle);
	CU_ASSERT_TRUE(has_turn(WAIT_MS));
	/* Its outcome may be fetched later. */
	second = begin_request();
	CU_ASSERT_FALSE(has_turn(0));
	wait_for_end(first, &outcome);
	CU_ASSERT_EQUAL(outcome.code, EIO);
	CU_ASSERT_FALSE(outcome.timed_out);
	command_end(commands, first);
	CU_ASSERT_TRUE(is_refused());
	command_end(commands, second);
	CU_ASSERT_TRUE(has_turn(WAIT_MS));
	command_end(commands, begin_request());
}

/* The child that there is but one of. */
static pid_t find_child(void)
{
	DIR *directory = opendir("/proc");
	const struct dirent *entry;
	pid_t child = 0;

	CU_ASSERT_PTR_NOT_NULL_FATAL(directory);
	while (!child && (entry = readdir(directory))) {
		char path[300], line[256] = "";
		FILE *file;
		int parent = 0;

		snprintf(path, sizeof(path), "/proc/%s/stat", entry->d_name);
		file = atoi(entry->d_name) > 0 ? fopen(path, "re") : NULL;
		if (!file)
			continue;
		if (fgets(line, sizeof(line), file) && strrchr(line, ')'))
			sscanf(strrchr(line, ')'), ") %*c %d", &parent);
		fclose(file);
		if (parent == getpid())
			child = atoi(entry->d_name);
	}
	closedir(directory);
	return child;
}

/*
 * One that was killed while the kernel is at it dies when the adapter has answered. Here it dies at
 * once; but as long as somebody has its output, so it is when its process is not gone.
 */
static void test_abandoned_request(void)
{
	char path[64];
	unsigned number;
	int handle, output;
	pid_t child;

	put_handle();
	number = begin_request();
	handle = meet();
	child = find_child();
	snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)child, STDOUT_FILENO);
	output = open(path, O_WRONLY | O_CLOEXEC);
	CU_ASSERT_TRUE_FATAL(child && output >= 0);
	command_end(commands, number);
	CU_ASSERT_EQUAL(waitid(P_PID, (id_t)child, &(siginfo_t){ 0 }, WEXITED | WNOWAIT), 0);
	CU_ASSERT_TRUE(is_refused());
	CU_ASSERT_FALSE(has_turn(0));
	close(output);
	CU_ASSERT_TRUE(has_turn(0));
	command_end(commands, begin_request());
	close(handle);
}

static void test_refused_request(void)
{
	struct isif_port_request request = ping;
	unsigned number;

	request.transport = "tcp";
	CU_ASSERT_EQUAL(command_begin_port(commands, &request, &number), ISIF_INVALID);
	request = ping;
	request.timeout = 0;
	CU_ASSERT_EQUAL(command_begin_port(commands, &request, &number), ISIF_INVALID);
	CU_ASSERT_EQUAL(command_port_descriptor(commands), -1);
}

static void test_no_transport(void)
{
	struct isif_command_outcome outcome;
	unsigned number = begin_request();

	wait_for_end(number, &outcome);
	CU_ASSERT_EQUAL(outcome.code, ENOENT);
	command_end(commands, number);
}

/* --- output --- */

static bool is_filled(const struct isif_command_outcome *outcome, char octet)
{
	for (size_t i = 0; i < outcome->length; i++)
		if (outcome->output[i] != octet)
			return false;
	return outcome->output[outcome->length] == '\0';
}

static void test_output_is_bounded(void)
{
	static const struct {
		const char *script;
		size_t kept;
		bool cut;
	} cases[] = {
		{ "#!/bin/sh\nhead -c 3000000 /dev/zero | tr '\\0' x\nexit 7\n", COMMAND_OUTPUT,
		  true },
		{ "#!/bin/sh\nhead -c 1048577 /dev/zero | tr '\\0' x\nexit 7\n", COMMAND_OUTPUT,
		  true },
		{ "#!/bin/sh\nhead -c 1048576 /dev/zero | tr '\\0' x\nexit 7\n", COMMAND_OUTPUT,
		  false },
		{ "#!/bin/sh\nhead -c 70000 /dev/zero | tr '\\0' x\nexit 7\n", 70000, false },
		{ "#!/bin/sh\nexit 7\n", 0, false },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct isif_command_outcome outcome;

		put_script(cases[i].script);
		outcome = run(&login);
		CU_ASSERT_EQUAL(outcome.code, 7);
		CU_ASSERT_EQUAL(outcome.length, cases[i].kept);
		CU_ASSERT_EQUAL(outcome.cut, cases[i].cut);
		CU_ASSERT_TRUE(is_filled(&outcome, 'x'));
	}
}

static bool says(const char *output, const char *expected)
{
	struct isif_command_outcome outcome = { .output = output, .length = strlen(output) };
	char line[40];

	command_said(&outcome, line, sizeof(line));
	if (!strcmp(line, expected))
		return true;
	printf("# %s\n", line);
	return false;
}

static void test_words(void)
{
	CU_ASSERT_TRUE(says("", ""));
	CU_ASSERT_TRUE(says("\n\n", ""));
	CU_ASSERT_TRUE(says("iscsiadm: one\nLogging in\niscsiadm: two\n\n", "one; two"));
	CU_ASSERT_TRUE(says("iscsiadm: one\niscsiadm: two", "one; two"));
	CU_ASSERT_TRUE(says("iscsiadm: one\niscsiadm: node.session.auth.password = x\n", "one"));
	CU_ASSERT_TRUE(says("iscsiadm: UserName alice\niscsiadm: PASSWORD wonderland", ""));
	CU_ASSERT_TRUE(says("iscsiadm: a\tb\033[1m\xc3\xa9", "a?b?[1m??"));
	CU_ASSERT_TRUE(says("iscsiadm: 1234567890123456789012345678901234567890\niscsiadm: more",
			    "123456789012345678901234567890123456789"));
	CU_ASSERT_STRING_EQUAL(command_code_text(-1), "it was killed");
	CU_ASSERT_STRING_EQUAL(command_code_text(34), "an unknown error");
	for (int code = 0; code <= 33; code++)
		CU_ASSERT_PTR_NOT_NULL(command_code_text(code));
}

/* The line that is too long to be looked through is not shown. */
static void test_long_line(void)
{
	char output[700];

	memset(output, 'x', sizeof(output));
	memcpy(output, "iscsiadm: one\niscsiadm: ", 24);
	output[sizeof(output) - 1] = '\0';
	CU_ASSERT_TRUE(says(output, "one"));
}

void add_command_tests(void)
{
	CU_pSuite suite =
		CU_add_suite_with_setup_and_teardown("command", NULL, NULL, set_up, tear_down);

	CU_add_test(suite, "what each verb gives iscsiadm", test_verbs);
	CU_add_test(suite, "names that it must not get", test_refused_names);
	CU_add_test(suite, "numbers that it must not get", test_refused_numbers);
	CU_add_test(suite, "a process with nothing of ours", test_process);
	CU_add_test(suite, "no program, or none that can be run", test_no_program);
	CU_add_test(suite, "a run that nobody knows", test_unknown_number);
	CU_add_test(suite, "killed by somebody else", test_killed_by_others);
	CU_add_test(suite, "the time limit", test_time_limit);
	CU_add_test(suite, "the time limit while somebody holds the lock", test_lock_is_spared);
	CU_add_test(suite, "its children are killed with it", test_group_is_killed);
	CU_add_test(suite, "what it leaves behind lives on", test_child_lives_on);
	CU_add_test(suite, "several at once", test_several);
	CU_add_test(suite, "one request to an adapter at a time", test_one_request);
	CU_add_test(suite, "one that was killed is in the way until it is dead",
		    test_abandoned_request);
	CU_add_test(suite, "a request that no port must get", test_refused_request);
	CU_add_test(suite, "a request over a transport that is not there", test_no_transport);
	CU_add_test(suite, "its output is bounded", test_output_is_bounded);
	CU_add_test(suite, "exit codes and outputs in words", test_words);
	CU_add_test(suite, "a line that is too long to be shown", test_long_line);
}
