/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The copy of the database that is kept before anything is written. What happens while the child
 * waits for a half-written record happens in its own sleep (the program is linked with
 * --wrap=nanosleep), so no test depends on who is faster.
 */
#include "suites.h"

#include "allocation.h"
#include "helpers.h"

#include <isif/privileged.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE 60000 /* ms that a child may need */

#define RECORD_TEXT NODE_RECORD("iqn.a", "192.0.2.1", "3260", "1", IFACE("if0", ""))
#define NODE	    "nodes/iqn.a/192.0.2.1,3260,1/if0"
#define OTHER_NODE  "nodes/iqn.a/192.0.2.1,3260,1/if1"

static struct isif_privileged *gate;
static struct lines lines;
static struct isif_log log_here;

/* Called in the child's process, instead of its sleep. */
static void (*asleep)(void);

/* The linker gives these names. */
int __real_nanosleep(const struct timespec *time, struct timespec *left);
int __wrap_nanosleep(const struct timespec *time, struct timespec *left);

int __wrap_nanosleep(const struct timespec *time, struct timespec *left)
{
	if (!asleep)
		return __real_nanosleep(time, left);
	asleep();
	return 0;
}

static enum isif_error ask(void)
{
	const char *where = NULL;
	enum isif_error error = gate->operations->backup(gate, &where);

	if (!error)
		CU_ASSERT_STRING_EQUAL(where, scratch("state/backup"));
	return error;
}

/* Begins to make the copy, and waits for its end. */
static enum isif_error make(void)
{
	enum isif_error error = ask();

	for (int tries = 0; error == ISIF_INCOMPLETE && tries < PATIENCE; tries++) {
		struct pollfd end = { .fd = gate->operations->backup_descriptor(gate),
				      .events = POLLIN };

		CU_ASSERT_TRUE_FATAL(end.fd >= 0);
		CU_ASSERT_EQUAL_FATAL(poll(&end, 1, PATIENCE), 1);
		error = ask();
		/* Between its last word and its end there is a moment. */
		if (error == ISIF_INCOMPLETE)
			poll(NULL, 0, 1);
	}
	CU_ASSERT_EQUAL(gate->operations->backup_descriptor(gate), -1);
	return error;
}

static bool read_file(const char *name, char *text, size_t size)
{
	FILE *file = fopen(scratch("%s", name), "re");
	size_t length;

	if (!file)
		return false;
	length = fread(text, 1, size - 1, file);
	text[length] = '\0';
	fclose(file);
	return true;
}

static bool has_text(const char *name, const char *text)
{
	char found[8192];

	return read_file(name, found, sizeof(found)) && !strcmp(found, text);
}

static void age(const char *name, time_t when)
{
	const struct timespec times[] = { { .tv_sec = when }, { .tv_sec = when, .tv_nsec = 5 } };

	CU_ASSERT_EQUAL(utimensat(AT_FDCWD, scratch("%s", name), times, AT_SYMLINK_NOFOLLOW), 0);
}

/* True if it is of this mode (with its type) and time. */
static bool is_like(const char *name, mode_t mode, time_t when)
{
	struct stat status;

	return !lstat(scratch("%s", name), &status) && status.st_mode == mode &&
	       status.st_mtim.tv_sec == when && status.st_mtim.tv_nsec == 5;
}

/* A database as open-iscsi has it, with a file of each kind. */
static void put_database(void)
{
	put_file("db/initiatorname.iscsi", "InitiatorName=iqn.a\n");
	put_file("db/ifaces/if0", IFACE_RECORD("if0", ""));
	put_file("db/" NODE, RECORD_TEXT);
	put_directory("db/send_targets/192.0.2.1,3260");
	put_link("db/send_targets/192.0.2.1,3260/iqn.a,192.0.2.1,3260,1,if0", "../../" NODE);
	put_link("db/static", "nowhere");
	put_file("db/.iscsi-ifaced-new-1", "ours");
	put_file("db/.iscsi-ifaced-old-2", "ours");
}

/* --- tests --- */

static void test_tree(void)
{
	char target[64] = "";
	struct stat status;

	put_database();
	chmod(scratch("db/" NODE), 0640);
	chmod(scratch("db/ifaces"), 0750);
	age("db/" NODE, 1000);
	age("db/static", 2000);
	age("db/ifaces", 3000);
	CU_ASSERT_EQUAL(make(), ISIF_OK);
	CU_ASSERT_TRUE(has_text("state/backup/initiatorname.iscsi", "InitiatorName=iqn.a\n"));
	CU_ASSERT_TRUE(has_text("state/backup/ifaces/if0", IFACE_RECORD("if0", "")));
	CU_ASSERT_TRUE(has_text("state/backup/" NODE, RECORD_TEXT));
	CU_ASSERT_TRUE(is_like("state/backup/" NODE, S_IFREG | 0640, 1000));
	CU_ASSERT_TRUE(is_like("state/backup/static", S_IFLNK | 0777, 2000));
	CU_ASSERT_TRUE(is_like("state/backup/ifaces", S_IFDIR | 0750, 3000));
	CU_ASSERT_TRUE(readlink(scratch("state/backup/send_targets/192.0.2.1,3260/"
					"iqn.a,192.0.2.1,3260,1,if0"),
				target, sizeof(target) - 1) > 0);
	CU_ASSERT_STRING_EQUAL(target, "../../" NODE);
	CU_ASSERT_EQUAL_FATAL(stat(scratch("state/backup"), &status), 0);
	CU_ASSERT_EQUAL(status.st_mode, S_IFDIR | 0700);
	CU_ASSERT_FALSE(file_exists("state/backup/.iscsi-ifaced-new-1"));
	CU_ASSERT_FALSE(file_exists("state/backup/.iscsi-ifaced-old-2"));
	CU_ASSERT_FALSE(file_exists("state/backup.new"));
	CU_ASSERT_TRUE(lines.count == 1 && strstr(lines.all, scratch("state/backup")));
}

/* What is no file, link or directory is left alone: a FIFO would stop the child for ever. */
static void test_other_kinds(void)
{
	put_database();
	CU_ASSERT_EQUAL(mkfifo(scratch("db/ifaces/fifo"), 0600), 0);
	CU_ASSERT_EQUAL(make(), ISIF_OK);
	CU_ASSERT_TRUE(file_exists("state/backup/ifaces/if0"));
	CU_ASSERT_FALSE(file_exists("state/backup/ifaces/fifo"));
}

static void test_long_file(void)
{
	const size_t length = 3 * 65536 + 77;
	char *text = malloc(length + 1), *copy = malloc(length + 2);

	CU_ASSERT_TRUE_FATAL(text && copy);
	for (size_t i = 0; i < length; i++)
		text[i] = (char)('a' + i * i % 23);
	text[length] = '\0';
	put_file("db/ifaces/notes", text);
	CU_ASSERT_EQUAL(make(), ISIF_OK);
	CU_ASSERT_TRUE(read_file("state/backup/ifaces/notes", copy, length + 2));
	CU_ASSERT_TRUE(!strcmp(text, copy));
	free(text);
	free(copy);
}

/* There is one, and what is in it stays. */
static void test_second_call(void)
{
	put_database();
	CU_ASSERT_EQUAL(make(), ISIF_OK);
	put_file("db/" NODE, "# another one\n");
	CU_ASSERT_EQUAL(ask(), ISIF_OK);
	CU_ASSERT_EQUAL(gate->operations->backup_descriptor(gate), -1);
	CU_ASSERT_TRUE(has_text("state/backup/" NODE, RECORD_TEXT));
	/* Nor does the next life make one. */
	isif_privileged_close(gate);
	CU_ASSERT_EQUAL_FATAL(open_writing_gate(scratch("db"), &log_here, &gate), ISIF_OK);
	CU_ASSERT_EQUAL(ask(), ISIF_OK);
	CU_ASSERT_TRUE(has_text("state/backup/" NODE, RECORD_TEXT));
}

static void test_crash(void)
{
	put_database();
	put_file("state/backup.new/nodes/iqn.a/left", "half");
	put_link("state/backup.new/link", "../../db");
	CU_ASSERT_EQUAL(make(), ISIF_OK);
	CU_ASSERT_FALSE(file_exists("state/backup/nodes/iqn.a/left"));
	CU_ASSERT_FALSE(file_exists("state/backup.new"));
	CU_ASSERT_TRUE(has_text("state/backup/" NODE, RECORD_TEXT));
	/* The links in it were not followed. */
	CU_ASSERT_TRUE(has_text("db/" NODE, RECORD_TEXT));
}

/* As it would be for ever with a state directory below the database. */
static void test_state_inside(void)
{
	put_database();
	isif_privileged_close(gate);
	CU_ASSERT_EQUAL_FATAL(open_writing_gate(scratch("."), &log_here, &gate), ISIF_OK);
	CU_ASSERT_EQUAL(make(), ISIF_OK);
	CU_ASSERT_TRUE(has_text("state/backup/db/" NODE, RECORD_TEXT));
	CU_ASSERT_FALSE(file_exists("state/backup/state"));
}

static void finish_record(void)
{
	put_file("db/" NODE, RECORD_TEXT);
}

static void test_half_written(void)
{
	put_database();
	put_file("db/" NODE, "# BEGIN RECORD 2.1.8\nnode.name = iqn.a\n");
	asleep = finish_record;
	CU_ASSERT_EQUAL(make(), ISIF_OK);
	CU_ASSERT_TRUE(has_text("state/backup/" NODE, RECORD_TEXT));
}

static void note_sleep(void)
{
	int descriptor = open(scratch("sleeps"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	if (descriptor < 0 || write(descriptor, ".", 1) != 1)
		_exit(1);
	close(descriptor);
}

/* Half a second for all of them; then each is copied as it is. */
static void test_never_finished(void)
{
	struct stat status;

	put_database();
	put_file("db/" NODE, "node.name = iqn.a\n");
	put_file("db/ifaces/if0", "");
	asleep = note_sleep;
	CU_ASSERT_EQUAL(make(), ISIF_OK);
	CU_ASSERT_TRUE(has_text("state/backup/" NODE, "node.name = iqn.a\n"));
	CU_ASSERT_TRUE(has_text("state/backup/ifaces/if0", ""));
	CU_ASSERT_EQUAL_FATAL(stat(scratch("sleeps"), &status), 0);
	CU_ASSERT_EQUAL(status.st_size, 50); /* of 10 ms each */
}

/* Both were listed; one of them is open now. */
static void remove_records(void)
{
	finish_record();
	put_file("db/" OTHER_NODE, RECORD_TEXT);
	remove_file("db/" NODE);
	remove_file("db/" OTHER_NODE);
}

/* A record that is gone meanwhile is no error. */
static void test_gone_meanwhile(void)
{
	put_database();
	put_file("db/" NODE, "half");
	put_file("db/" OTHER_NODE, "half");
	asleep = remove_records;
	CU_ASSERT_EQUAL(make(), ISIF_OK);
	CU_ASSERT_TRUE(file_exists("state/backup/" NODE) !=
		       file_exists("state/backup/" OTHER_NODE));
}

/* A full disk, nearly: the child dies of SIGXFSZ, which it does not inherit as ignored. */
static void test_no_room(void)
{
	struct rlimit old, none = { 0 };

	put_database();
	CU_ASSERT_EQUAL_FATAL(getrlimit(RLIMIT_FSIZE, &old), 0);
	none.rlim_max = old.rlim_max;
	CU_ASSERT_EQUAL_FATAL(setrlimit(RLIMIT_FSIZE, &none), 0);
	CU_ASSERT_EQUAL(make(), ISIF_IO);
	CU_ASSERT_EQUAL(make(), ISIF_IO);
	CU_ASSERT_EQUAL_FATAL(setrlimit(RLIMIT_FSIZE, &old), 0);
	CU_ASSERT_FALSE(file_exists("state/backup"));
	CU_ASSERT_EQUAL(lines.count, 1);
	CU_ASSERT_EQUAL(lines.errors, 1);
	CU_ASSERT_EQUAL(make(), ISIF_OK);
	CU_ASSERT_TRUE(has_text("state/backup/" NODE, RECORD_TEXT));
}

/* Too deep: an error that the child tells, with the place. */
static void test_error_is_told(void)
{
	put_database();
	put_file("db/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17", "");
	CU_ASSERT_EQUAL(make(), ISIF_TOO_LONG);
	CU_ASSERT_EQUAL(make(), ISIF_TOO_LONG);
	CU_ASSERT_FALSE(file_exists("state/backup"));
	CU_ASSERT_FALSE(file_exists("state/backup.new"));
	CU_ASSERT_TRUE(lines.count == 1 && lines.errors == 1 && strstr(lines.all, scratch("db")) &&
		       strstr(lines.all, "1/2/3/4/5"));
	CU_ASSERT_EQUAL(rename(scratch("db/1"), scratch("1")), 0);
	CU_ASSERT_EQUAL(make(), ISIF_OK);
	CU_ASSERT_FALSE(file_exists("state/backup/1"));
}

/* Nobody can write there, root neither. */
static void test_no_directory(void)
{
	put_database();
	remove_file("state");
	CU_ASSERT_EQUAL(make(), ISIF_NOT_FOUND);
}

static void test_unavailable(void)
{
	isif_privileged_close(gate);
	CU_ASSERT_EQUAL_FATAL(open_gate(scratch("db"), &gate), ISIF_OK);
	CU_ASSERT_EQUAL(ask(), ISIF_UNAVAILABLE);
	CU_ASSERT_EQUAL(gate->operations->backup_descriptor(gate), -1);
}

static void stay_asleep(void)
{
	for (;;)
		pause();
}

/* The child is killed, and nobody is left to be waited for. */
static void test_close(void)
{
	put_database();
	put_file("db/" NODE, "half");
	asleep = stay_asleep;
	CU_ASSERT_EQUAL(ask(), ISIF_INCOMPLETE);
	CU_ASSERT_EQUAL(ask(), ISIF_INCOMPLETE);
	isif_privileged_close(gate);
	gate = NULL;
	CU_ASSERT_EQUAL(waitpid(-1, NULL, WNOHANG), -1);
	CU_ASSERT_EQUAL(errno, ECHILD);
	CU_ASSERT_FALSE(file_exists("state/backup"));
}

/* Nobody tells of a child's end then, but its pipe does. */
static void test_ignored_children(void)
{
	void (*old)(int) = signal(SIGCHLD, SIG_IGN);

	put_database();
	CU_ASSERT_EQUAL(make(), ISIF_OK);
	signal(SIGCHLD, old);
}

/* What the parent has open is closed in the child, so that others see when the parent closes it. */
static void test_descriptors(void)
{
	int ends[2];
	struct pollfd end = { .events = POLLIN };

	put_database();
	put_file("db/" NODE, "half");
	asleep = stay_asleep;
	CU_ASSERT_EQUAL_FATAL(pipe2(ends, O_CLOEXEC), 0);
	CU_ASSERT_EQUAL(ask(), ISIF_INCOMPLETE);
	close(ends[1]);
	end.fd = ends[0];
	CU_ASSERT_EQUAL(poll(&end, 1, PATIENCE), 1);
	close(ends[0]);
}

static void test_memory(void)
{
	put_database();
	for (unsigned long n = 1; n <= 2; n++) {
		allocation_fail_at(n, true);
		CU_ASSERT_EQUAL(ask(), ISIF_NO_MEMORY);
		CU_ASSERT_TRUE(allocation_end());
	}
	CU_ASSERT_EQUAL(make(), ISIF_OK);
}

static void set_up(void)
{
	lines = (struct lines){ 0 };
	log_here = log_into(&lines);
	asleep = NULL;
	scratch_make();
	put_directory("db");
	CU_ASSERT_EQUAL_FATAL(open_writing_gate(scratch("db"), &log_here, &gate), ISIF_OK);
}

static void tear_down(void)
{
	isif_privileged_close(gate);
	gate = NULL;
	scratch_remove();
}

void add_backup_tests(void)
{
	CU_pSuite suite =
		CU_add_suite_with_setup_and_teardown("backup", NULL, NULL, set_up, tear_down);

	CU_add_test(suite, "the same tree", test_tree);
	CU_add_test(suite, "files of other kinds", test_other_kinds);
	CU_add_test(suite, "a long file", test_long_file);
	CU_add_test(suite, "once for ever", test_second_call);
	CU_add_test(suite, "what a crash left", test_crash);
	CU_add_test(suite, "a state directory below the database", test_state_inside);
	CU_add_test(suite, "a record that is being written", test_half_written);
	CU_add_test(suite, "records that are never finished", test_never_finished);
	CU_add_test(suite, "a record that goes away", test_gone_meanwhile);
	CU_add_test(suite, "no room for it", test_no_room);
	CU_add_test(suite, "an error is told once, with its place", test_error_is_told);
	CU_add_test(suite, "a state directory that is gone", test_no_directory);
	CU_add_test(suite, "no state directory", test_unavailable);
	CU_add_test(suite, "the gate is closed meanwhile", test_close);
	CU_add_test(suite, "nobody waits for children", test_ignored_children);
	CU_add_test(suite, "the parent's connections are not held", test_descriptors);
	CU_add_test(suite, "memory that runs out", test_memory);
}
