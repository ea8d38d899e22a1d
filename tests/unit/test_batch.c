/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Many edits at once. A deadline of 0 makes each call one step, so that a test can act between any
 * two of them; what the kernel answers to the calls of native AIO comes from here where a test
 * wants it to (the program is linked with --wrap=syscall).
 */
#include "suites.h"

#include "allocation.h"
#include "helpers.h"

#include <isif/privileged.h>

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <linux/aio_abi.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATIENCE 60000 /* ms that a disk may need */
#define MANY	 40    /* records, in as many directories */
#define STEPS	 10000 /* more than any batch here has */

/* --- native AIO --- */

static struct {
	int set_up_error;  /* of io_setup */
	int submit_error;  /* of io_submit */
	int sync_error;	   /* of each sync that ends */
	unsigned syncs[2]; /* submitted: of data, of directories */
} aio;

/* The linker gives these names. */
long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);

static long refuse(int error)
{
	errno = error;
	return -1;
}

static void count_sync(struct iocb **list)
{
	aio.syncs[list[0]->aio_lio_opcode == IOCB_CMD_FSYNC]++;
}

static void fail_sync(long got, struct io_event *done)
{
	if (got == 1 && aio.sync_error)
		done->res = -aio.sync_error;
}

/* It takes six arguments, however many there are, as syscall(2) itself does. */
__attribute__((no_sanitize_address)) long __wrap_syscall(long number, ...)
{
	long arguments[6], answer;
	va_list list;

	va_start(list, number);
	for (size_t i = 0; i < COUNT(arguments); i++)
		arguments[i] = va_arg(list, long);
	va_end(list);
	if (number == SYS_io_setup && aio.set_up_error)
		return refuse(aio.set_up_error);
	if (number == SYS_io_submit && aio.submit_error)
		return refuse(aio.submit_error);
	answer = __real_syscall(number, arguments[0], arguments[1], arguments[2], arguments[3],
				arguments[4], arguments[5]);
	if (number == SYS_io_submit && answer == 1)
		count_sync((struct iocb **)arguments[2]);
	if (number == SYS_io_getevents)
		fail_sync(answer, (struct io_event *)arguments[3]);
	return answer;
}

/* --- records and edits --- */

static struct isif_privileged *gate;
static struct isif_edit edits[ISIF_BATCH_SIZE];
static char paths[ISIF_BATCH_SIZE][64]; /* below the scratch directory: "db/" and the record's */
static const struct isif_edit_line line = { "iface.mtu", NULL, "9000" };

#define TEXT(mtu)                                                                                  \
	NODE_RECORD("iqn.a", "192.0.2.1", "3260", "1",                                             \
		    IFACE("if0", "iface.net_ifacename = san0\niface.mtu = " mtu "\n"))

static void put_record(size_t i, const char *text)
{
	snprintf(paths[i], sizeof(paths[i]), "db/nodes/iqn.%zu/192.0.2.1,3260,1/if0", i);
	put_file(paths[i], text);
	edits[i] = (struct isif_edit){
		.kind = ISIF_EDIT_LINES, .path = paths[i] + 3, .lines = &line, .line_count = 1
	};
}

static void put_records(size_t count)
{
	for (size_t i = 0; i < count; i++)
		put_record(i, TEXT("1500"));
}

/* True if the record has this text and nothing else. */
static bool holds(size_t i, const char *text)
{
	static char found[8192];
	FILE *file = fopen(scratch("%s", paths[i]), "re");
	size_t length;

	if (!file)
		return false;
	length = fread(found, 1, sizeof(found), file);
	fclose(file);
	return length == strlen(text) && !memcmp(found, text, length);
}

static bool all_hold(size_t count, const char *text)
{
	for (size_t i = 0; i < count; i++)
		if (!holds(i, text))
			return false;
	return true;
}

/* How many of our files are in the root. */
static unsigned count_temporaries(void)
{
	DIR *directory = opendir(scratch("db"));
	const struct dirent *entry;
	unsigned count = 0;

	CU_ASSERT_PTR_NOT_NULL_FATAL(directory);
	while ((entry = readdir(directory)))
		count += !strncmp(entry->d_name, ".iscsi-ifaced", 13);
	closedir(directory);
	return count;
}

/* --- running a batch --- */

static enum isif_error begin(size_t count)
{
	const char *why = NULL;

	return gate->operations->batch_begin(gate, edits, count, &why);
}

/* One step; waits for the disk as it says. */
static enum isif_error step(unsigned *pause)
{
	enum isif_error error = gate->operations->batch_work(gate, 0, pause);
	struct pollfd wait = { .fd = gate->operations->batch_descriptor(gate), .events = POLLIN };

	if (error == ISIF_INCOMPLETE && *pause == UINT_MAX)
		CU_ASSERT_EQUAL_FATAL(poll(&wait, 1, PATIENCE), 1);
	return error;
}

static void finish(void)
{
	enum isif_error error = ISIF_INCOMPLETE;
	unsigned pause;

	for (unsigned steps = 0; error == ISIF_INCOMPLETE && steps < STEPS; steps++)
		error = step(&pause);
	CU_ASSERT_EQUAL(error, ISIF_OK);
	CU_ASSERT_EQUAL(gate->operations->batch_descriptor(gate), -1);
	CU_ASSERT_EQUAL(count_temporaries(), 0);
}

static void run(size_t count)
{
	CU_ASSERT_EQUAL_FATAL(begin(count), ISIF_OK);
	finish();
}

/* Steps until there are this many of our files in the root; then no record is changed yet. */
static void work_until_written(unsigned count)
{
	unsigned pause;

	for (unsigned steps = 0; count_temporaries() < count && steps < STEPS; steps++)
		CU_ASSERT_EQUAL_FATAL(step(&pause), ISIF_INCOMPLETE);
	CU_ASSERT_EQUAL_FATAL(count_temporaries(), count);
}

/* Steps until so many texts are being synced. */
static void work_until_flushed(unsigned count)
{
	unsigned pause;

	for (unsigned steps = 0; aio.syncs[0] < count && steps < STEPS; steps++)
		CU_ASSERT_EQUAL_FATAL(step(&pause), ISIF_INCOMPLETE);
	CU_ASSERT_EQUAL_FATAL(aio.syncs[0], count);
}

/*
 * Steps until a lock stops it, somebody else's (ISIF_LOCKED) or that of our own transaction, and
 * its descriptor calls nobody any more: the kernel's last signal may come late.
 */
static void work_until_barred(enum isif_error expected)
{
	enum isif_error error = ISIF_INCOMPLETE;
	unsigned pause = 0;
	bool calls = true;

	for (unsigned steps = 0; (pause != 20 || calls) && steps < STEPS; steps++) {
		struct pollfd wait = { .fd = gate->operations->batch_descriptor(gate),
				       .events = POLLIN };

		error = step(&pause);
		calls = poll(&wait, 1, 0) > 0;
	}
	CU_ASSERT_EQUAL_FATAL(error, expected);
	CU_ASSERT_TRUE_FATAL(pause == 20 && !calls);
}

/* --- tests --- */

static void test_many(void)
{
	put_records(MANY);
	run(MANY);
	CU_ASSERT_TRUE(all_hold(MANY, TEXT("9000")));
	for (size_t i = 0; i < MANY; i++)
		CU_ASSERT_EQUAL(edits[i].error, ISIF_OK);
	CU_ASSERT_FALSE(file_exists("lock/lock.write"));
	/* Each record and each directory is synced once. */
	CU_ASSERT_TRUE(aio.syncs[0] == MANY && aio.syncs[1] == MANY);
}

static void test_one_directory(void)
{
	put_records(3);
	for (size_t i = 0; i < 3; i++) {
		snprintf(paths[i], sizeof(paths[i]), "db/nodes/iqn.0/192.0.2.1,3260,1/if%zu", i);
		put_file(paths[i], TEXT("1500"));
	}
	run(3);
	CU_ASSERT_TRUE(all_hold(3, TEXT("9000")));
	CU_ASSERT_TRUE(aio.syncs[0] == 3 && aio.syncs[1] == 1);
}

static void test_modes(void)
{
	struct stat status;

	put_records(2);
	CU_ASSERT_EQUAL(chmod(scratch("%s", paths[0]), 0600), 0);
	CU_ASSERT_EQUAL(chmod(scratch("%s", paths[1]), 0640), 0);
	run(2);
	CU_ASSERT_EQUAL_FATAL(stat(scratch("%s", paths[0]), &status), 0);
	CU_ASSERT_EQUAL(status.st_mode & 07777, 0600);
	CU_ASSERT_EQUAL_FATAL(stat(scratch("%s", paths[1]), &status), 0);
	CU_ASSERT_EQUAL(status.st_mode & 07777, 0640);
}

/* What fails concerns one record alone. */
static void test_outcomes(void)
{
	static const struct isif_edit_line other = { "iface.mtu", "1400", "9000" };
	static const struct isif_edit_line secret = { "node.session.auth.password", NULL, "x" };
	static char huge[ISIF_RECORD_SIZE + 2];

	put_records(10);
	remove_file("db/nodes/iqn.1/192.0.2.1,3260,1/if0");
	put_record(2, "# BEGIN RECORD 2.1.8\niface.mtu = 1500\n");
	edits[3].lines = &other;
	edits[4].lines = &secret;
	edits[5].path = "nodes/../nodes/iqn.5/192.0.2.1,3260,1/if0";
	edits[6].kind = ISIF_EDIT_REMOVE;
	memset(huge, '#', sizeof(huge) - 1);
	put_record(7, huge);
	remove_file("db/nodes/iqn.8/192.0.2.1,3260,1/if0");
	put_link("db/nodes/iqn.8/192.0.2.1,3260,1/if0", "../../iqn.0/192.0.2.1,3260,1/if0");
	put_record(9, TEXT("9000"));
	run(10);
	CU_ASSERT_TRUE(holds(0, TEXT("9000")));
	CU_ASSERT_EQUAL(edits[0].error, ISIF_OK);
	CU_ASSERT_EQUAL(edits[1].error, ISIF_NOT_FOUND);
	CU_ASSERT_EQUAL(edits[2].error, ISIF_INCOMPLETE);
	CU_ASSERT_TRUE(holds(2, "# BEGIN RECORD 2.1.8\niface.mtu = 1500\n"));
	CU_ASSERT_EQUAL(edits[3].error, ISIF_CHANGED);
	CU_ASSERT_EQUAL(edits[4].error, ISIF_INVALID);
	CU_ASSERT_EQUAL(edits[5].error, ISIF_INVALID);
	CU_ASSERT_EQUAL(edits[6].error, ISIF_INVALID);
	for (size_t i = 3; i < 7; i++)
		CU_ASSERT_TRUE(holds(i, TEXT("1500")));
	CU_ASSERT_EQUAL(edits[7].error, ISIF_TOO_LONG);
	CU_ASSERT_EQUAL(edits[8].error, ISIF_INVALID);
	CU_ASSERT_EQUAL(edits[9].error, ISIF_OK);
	/* What says so already is not written again. */
	CU_ASSERT_EQUAL(aio.syncs[0], 1);
}

static void test_bounds(void)
{
	unsigned pause;

	CU_ASSERT_EQUAL(begin(ISIF_BATCH_SIZE + 1), ISIF_INVALID);
	run(0);
	CU_ASSERT_EQUAL(gate->operations->batch_work(gate, 0, &pause), ISIF_OK);
	put_record(0, TEXT("1500"));
	CU_ASSERT_EQUAL(begin(1), ISIF_OK);
	CU_ASSERT_EQUAL(begin(1), ISIF_UNAVAILABLE);
	finish();
	CU_ASSERT_TRUE(holds(0, TEXT("9000")));
}

static void test_full(void)
{
	put_records(ISIF_BATCH_SIZE);
	run(ISIF_BATCH_SIZE);
	CU_ASSERT_TRUE(all_hold(ISIF_BATCH_SIZE, TEXT("9000")));
}

static void test_lock(void)
{
	unsigned pause;

	put_records(2);
	CU_ASSERT_EQUAL_FATAL(begin(2), ISIF_OK);
	put_file("lock/lock.write", "");
	work_until_barred(ISIF_LOCKED);
	CU_ASSERT_EQUAL(count_temporaries(), 2);
	for (int i = 0; i < 3; i++) {
		CU_ASSERT_EQUAL(step(&pause), ISIF_LOCKED);
		CU_ASSERT_EQUAL(pause, 20);
	}
	CU_ASSERT_TRUE(all_hold(2, TEXT("1500")));
	CU_ASSERT_TRUE(file_exists("lock/lock.write"));
	remove_file("lock/lock.write");
	finish();
	CU_ASSERT_TRUE(all_hold(2, TEXT("9000")));
	CU_ASSERT_FALSE(file_exists("lock/lock.write"));
}

/* The lock is there before anything of ours is. */
static void test_lock_at_start(void)
{
	put_record(0, TEXT("1500"));
	put_file("lock/lock.write", "");
	CU_ASSERT_EQUAL_FATAL(begin(1), ISIF_OK);
	work_until_barred(ISIF_LOCKED);
	CU_ASSERT_TRUE(holds(0, TEXT("1500")));
	remove_file("lock/lock.write");
	finish();
	CU_ASSERT_TRUE(holds(0, TEXT("9000")));
}

/* The lock is not held between two calls. */
static void test_lock_is_released(void)
{
	enum isif_error error = ISIF_INCOMPLETE;
	unsigned pause;

	put_records(MANY);
	CU_ASSERT_EQUAL_FATAL(begin(MANY), ISIF_OK);
	for (unsigned steps = 0; error == ISIF_INCOMPLETE && steps < STEPS; steps++) {
		error = step(&pause);
		CU_ASSERT_FALSE(file_exists("lock/lock.write"));
	}
	CU_ASSERT_TRUE(!error && all_hold(MANY, TEXT("9000")));
}

/* In place, as iscsiadm does; by another file; and one that is gone. */
static void test_changed_meanwhile(void)
{
	put_records(4);
	CU_ASSERT_EQUAL_FATAL(begin(4), ISIF_OK);
	work_until_written(4);
	put_record(0, TEXT("1400"));
	put_file("db/other", TEXT("1500"));
	CU_ASSERT_EQUAL(rename(scratch("db/other"), scratch("%s", paths[1])), 0);
	remove_file("db/nodes/iqn.2/192.0.2.1,3260,1/if0");
	finish();
	CU_ASSERT_EQUAL(edits[0].error, ISIF_CHANGED);
	CU_ASSERT_TRUE(holds(0, TEXT("1400")));
	CU_ASSERT_EQUAL(edits[1].error, ISIF_CHANGED);
	CU_ASSERT_TRUE(holds(1, TEXT("1500")));
	CU_ASSERT_EQUAL(edits[2].error, ISIF_NOT_FOUND);
	CU_ASSERT_FALSE(file_exists("db/nodes/iqn.2/192.0.2.1,3260,1/if0"));
	CU_ASSERT_EQUAL(edits[3].error, ISIF_OK);
	CU_ASSERT_TRUE(holds(3, TEXT("9000")));
}

/* Wherever it is dropped, each record is old or new, nothing is left, and another one can begin. */
static void test_end(void)
{
	enum isif_error error = ISIF_INCOMPLETE;

	for (unsigned steps = 0; error == ISIF_INCOMPLETE && steps < STEPS; steps++) {
		unsigned pause;

		put_records(3);
		CU_ASSERT_EQUAL_FATAL(begin(3), ISIF_OK);
		error = ISIF_INCOMPLETE;
		for (unsigned i = 0; error && i < steps; i++)
			error = step(&pause);
		gate->operations->batch_end(gate);
		CU_ASSERT_EQUAL(count_temporaries(), 0);
		CU_ASSERT_EQUAL(gate->operations->batch_descriptor(gate), -1);
		CU_ASSERT_FALSE(file_exists("lock/lock.write"));
		for (size_t i = 0; i < 3; i++)
			CU_ASSERT_TRUE(holds(i, TEXT("9000")) || holds(i, TEXT("1500")));
	}
	CU_ASSERT_EQUAL(error, ISIF_OK);
}

/* The gate is closed while syncs are under way. */
static void test_close(void)
{
	put_records(MANY);
	CU_ASSERT_EQUAL_FATAL(begin(MANY), ISIF_OK);
	work_until_flushed(MANY / 2);
	isif_privileged_close(gate);
	gate = NULL;
	CU_ASSERT_EQUAL(count_temporaries(), 0);
	CU_ASSERT_TRUE(all_hold(MANY, TEXT("1500")));
}

/* What a crash left of a batch goes when the next life writes for the first time. */
static void test_crash(void)
{
	put_record(0, TEXT("1500"));
	put_file("db/.iscsi-ifaced-new-1", TEXT("9000"));
	put_file("db/.iscsi-ifaced-new-77", "");
	run(1);
	CU_ASSERT_TRUE(holds(0, TEXT("9000")));
}

/* In a process of its own: works so many steps, and is gone. */
static _Noreturn void work_and_die(unsigned steps)
{
	enum isif_error error = ISIF_INCOMPLETE;
	unsigned pause;

	if (open_writing_gate(scratch("db"), NULL, &gate) || begin(3))
		_exit(2);
	for (unsigned i = 0; error && i < steps; i++)
		error = step(&pause);
	_exit(error ? 1 : 0);
}

/* Wherever it ends, each record is old or new, and the next life sweeps what is left. */
static void test_killed(void)
{
	int status = 1;

	isif_privileged_close(gate);
	gate = NULL;
	for (unsigned steps = 0; status && steps < STEPS; steps++) {
		pid_t child;

		put_records(3);
		child = fork();
		if (!child)
			work_and_die(steps);
		CU_ASSERT_TRUE_FATAL(child > 0);
		CU_ASSERT_EQUAL_FATAL(waitpid(child, &status, 0), child);
		CU_ASSERT_TRUE_FATAL(WIFEXITED(status) && WEXITSTATUS(status) < 2);
		for (size_t i = 0; i < 3; i++)
			CU_ASSERT_TRUE(holds(i, TEXT("9000")) || holds(i, TEXT("1500")));
		CU_ASSERT_EQUAL_FATAL(open_writing_gate(scratch("db"), NULL, &gate), ISIF_OK);
		CU_ASSERT_EQUAL(count_temporaries(), 0);
		isif_privileged_close(gate);
		gate = NULL;
	}
	CU_ASSERT_EQUAL(status, 0);
	CU_ASSERT_TRUE(all_hold(3, TEXT("9000")));
}

static void test_transaction(void)
{
	static const struct isif_edit_line startup = { "node.startup", NULL, "manual" };
	struct isif_edit edit = { .kind = ISIF_EDIT_LINES, .lines = &startup, .line_count = 1 };
	const char *why = NULL;
	size_t failed;

	put_records(2);
	edit.path = edits[1].path;
	CU_ASSERT_EQUAL_FATAL(begin(2), ISIF_OK);
	work_until_written(2);
	CU_ASSERT_EQUAL_FATAL(gate->operations->begin(gate, 0, &why), ISIF_OK);
	work_until_barred(ISIF_INCOMPLETE);
	CU_ASSERT_EQUAL(gate->operations->commit(gate, &edit, 1, &failed), ISIF_OK);
	work_until_barred(ISIF_INCOMPLETE);
	CU_ASSERT_TRUE(holds(0, TEXT("1500")));
	/* Its lock is not the batch's to release. */
	CU_ASSERT_TRUE(file_exists("lock/lock.write"));
	gate->operations->end(gate);
	finish();
	CU_ASSERT_EQUAL(edits[0].error, ISIF_OK);
	CU_ASSERT_TRUE(holds(0, TEXT("9000")));
	CU_ASSERT_EQUAL(edits[1].error, ISIF_CHANGED);
}

/* A batch that was dropped leaves syncs under way: the next one does not take them for its own. */
static void test_failed_sync_of_another(void)
{
	put_records(2);
	CU_ASSERT_EQUAL_FATAL(begin(2), ISIF_OK);
	work_until_flushed(2);
	gate->operations->batch_end(gate);
	put_records(2);
	CU_ASSERT_EQUAL_FATAL(begin(2), ISIF_OK);
	aio.sync_error = EIO;
	work_until_written(1);
	aio.sync_error = 0;
	finish();
	CU_ASSERT_EQUAL(edits[0].error, ISIF_OK);
	CU_ASSERT_TRUE(all_hold(2, TEXT("9000")));
}

static void test_failed_sync(void)
{
	static const struct {
		int number;
		enum isif_error error;
	} cases[] = { { EIO, ISIF_IO }, { ENOSPC, ISIF_FULL }, { EDQUOT, ISIF_FULL } };

	for (size_t i = 0; i < COUNT(cases); i++) {
		put_records(2);
		aio.sync_error = cases[i].number;
		run(2);
		CU_ASSERT_EQUAL(edits[0].error, cases[i].error);
		CU_ASSERT_EQUAL(edits[1].error, cases[i].error);
		CU_ASSERT_TRUE(all_hold(2, TEXT("1500")));
	}
}

/* Then the new text is in its place, but a crash might bring the old one back. */
static void test_failed_directory(void)
{
	put_records(2);
	CU_ASSERT_EQUAL_FATAL(begin(2), ISIF_OK);
	work_until_written(2);
	put_file("lock/lock.write", "");
	work_until_barred(ISIF_LOCKED);
	remove_file("lock/lock.write");
	aio.sync_error = EIO;
	finish();
	CU_ASSERT_TRUE(edits[0].error == ISIF_IO && edits[1].error == ISIF_IO);
	CU_ASSERT_TRUE(all_hold(2, TEXT("9000")));
}

static void test_directory_that_goes(void)
{
	enum isif_error error = ISIF_INCOMPLETE;
	unsigned pause;

	put_records(2);
	CU_ASSERT_EQUAL_FATAL(begin(2), ISIF_OK);
	for (unsigned steps = 0; !all_hold(2, TEXT("9000")) && steps < STEPS; steps++)
		error = step(&pause);
	CU_ASSERT_EQUAL_FATAL(error, ISIF_INCOMPLETE);
	CU_ASSERT_EQUAL(rename(scratch("db/nodes/iqn.0"), scratch("db/gone")), 0);
	finish();
	CU_ASSERT_EQUAL(edits[0].error, ISIF_NOT_FOUND);
	CU_ASSERT_EQUAL(edits[1].error, ISIF_OK);
}

static void sweep(void)
{
	char name[64];

	for (unsigned i = 0; i < 16; i++) {
		snprintf(name, sizeof(name), "db/.iscsi-ifaced-new-%u", i);
		if (file_exists(name))
			remove_file(name);
	}
	CU_ASSERT_EQUAL(count_temporaries(), 0);
}

/* The recovery of a transaction sweeps all files of ours: then the record is to be tried again. */
static void test_swept(void)
{
	for (int barred = 0; barred < 2; barred++) {
		put_records(2);
		CU_ASSERT_EQUAL_FATAL(begin(2), ISIF_OK);
		work_until_written(2);
		if (barred) {
			put_file("lock/lock.write", "");
			work_until_barred(ISIF_LOCKED);
			remove_file("lock/lock.write");
		}
		sweep();
		finish();
		CU_ASSERT_TRUE(edits[0].error == ISIF_CHANGED && edits[1].error == ISIF_CHANGED);
		CU_ASSERT_TRUE(all_hold(2, TEXT("1500")));
	}
}

/* Runs a batch to its end with no more of a resource than this. */
static void run_limited(__rlimit_resource_t resource, rlim_t limit)
{
	enum isif_error error = ISIF_INCOMPLETE;
	struct rlimit old, less;
	unsigned pause;

	CU_ASSERT_EQUAL_FATAL(getrlimit(resource, &old), 0);
	less = (struct rlimit){ limit, old.rlim_max };
	CU_ASSERT_EQUAL_FATAL(setrlimit(resource, &less), 0);
	for (unsigned steps = 0; error == ISIF_INCOMPLETE && steps < STEPS; steps++)
		error = step(&pause);
	CU_ASSERT_EQUAL_FATAL(setrlimit(resource, &old), 0);
	CU_ASSERT_EQUAL(error, ISIF_OK);
	CU_ASSERT_EQUAL(count_temporaries(), 0);
}

static void test_no_descriptors(void)
{
	put_records(2);
	CU_ASSERT_EQUAL_FATAL(begin(2), ISIF_OK);
	run_limited(RLIMIT_NOFILE, 3);
	CU_ASSERT_TRUE(edits[0].error == ISIF_LIMIT && edits[1].error == ISIF_LIMIT);
	CU_ASSERT_TRUE(all_hold(2, TEXT("1500")));
}

/* A text is written in part, as on a full disk. */
static void test_no_room(void)
{
	void (*old)(int) = signal(SIGXFSZ, SIG_IGN);

	put_records(2);
	CU_ASSERT_EQUAL_FATAL(begin(2), ISIF_OK);
	run_limited(RLIMIT_FSIZE, 100);
	signal(SIGXFSZ, old);
	CU_ASSERT_TRUE(edits[0].error == ISIF_TOO_LONG && edits[1].error == ISIF_TOO_LONG);
	CU_ASSERT_TRUE(all_hold(2, TEXT("1500")));
}

static void lose_lock_directory(void)
{
	remove_file("lock/lock.write");
	remove_file("lock/lock.iscsi-ifaced");
	remove_file("lock");
	put_file("lock", "no directory");
}

static void test_lock_directory_that_goes(void)
{
	put_records(2);
	put_file("lock/lock.write", "");
	CU_ASSERT_EQUAL_FATAL(begin(2), ISIF_OK);
	work_until_barred(ISIF_LOCKED);
	lose_lock_directory();
	finish();
	CU_ASSERT_TRUE(edits[0].error == ISIF_UNAVAILABLE && edits[1].error == ISIF_UNAVAILABLE);
	CU_ASSERT_TRUE(all_hold(2, TEXT("1500")));
}

static void test_lock_directory_that_goes_later(void)
{
	put_records(2);
	CU_ASSERT_EQUAL_FATAL(begin(2), ISIF_OK);
	work_until_written(2);
	put_file("lock/lock.write", "");
	work_until_barred(ISIF_LOCKED);
	lose_lock_directory();
	finish();
	CU_ASSERT_TRUE(edits[0].error == ISIF_UNAVAILABLE && edits[1].error == ISIF_UNAVAILABLE);
	CU_ASSERT_TRUE(all_hold(2, TEXT("1500")));
}

/* At a sync for each step, as nothing else can be had. */
static void check_without_aio(void)
{
	put_records(MANY);
	run(MANY);
	CU_ASSERT_TRUE(all_hold(MANY, TEXT("9000")));
	CU_ASSERT_TRUE(aio.syncs[0] == 0 && aio.syncs[1] == 0);
}

static void test_without_aio(void)
{
	aio.set_up_error = ENOSYS;
	check_without_aio();
}

static void test_sync_refused(void)
{
	aio.submit_error = EINVAL;
	check_without_aio();
}

/* A slice ends after it had to wait for the disk, however much time it has. */
static void test_blocking_slices(void)
{
	enum isif_error error = ISIF_INCOMPLETE;
	unsigned calls = 0, pause;

	aio.set_up_error = EAGAIN;
	put_records(3);
	CU_ASSERT_EQUAL_FATAL(begin(3), ISIF_OK);
	while (error == ISIF_INCOMPLETE && ++calls < STEPS) {
		error = gate->operations->batch_work(gate, UINT64_MAX, &pause);
		CU_ASSERT_EQUAL(pause, 0);
	}
	CU_ASSERT_EQUAL(error, ISIF_OK);
	CU_ASSERT_EQUAL(calls, 3 + 3 + 1); /* records, directories, the end */
	CU_ASSERT_TRUE(all_hold(3, TEXT("9000")));
}

static void test_unavailable(void)
{
	const char *why = NULL;
	unsigned pause;

	isif_privileged_close(gate);
	CU_ASSERT_EQUAL_FATAL(open_gate(scratch("db"), &gate), ISIF_OK);
	put_record(0, TEXT("1500"));
	CU_ASSERT_EQUAL(gate->operations->batch_begin(gate, edits, 1, &why), ISIF_UNAVAILABLE);
	CU_ASSERT_PTR_NOT_NULL(why);
	CU_ASSERT_EQUAL(gate->operations->batch_work(gate, UINT64_MAX, &pause), ISIF_OK);
	CU_ASSERT_TRUE(holds(0, TEXT("1500")));
}

/* Each allocation fails once: the batch is refused, or the edit that needed it. */
static void test_memory(void)
{
	bool failed = true;

	for (unsigned long n = 1; failed && n < STEPS; n++) {
		enum isif_error error;

		put_records(2);
		isif_privileged_close(gate);
		CU_ASSERT_EQUAL_FATAL(open_writing_gate(scratch("db"), NULL, &gate), ISIF_OK);
		allocation_fail_at(n, false);
		error = begin(2);
		if (!error)
			finish();
		failed = allocation_end();
		CU_ASSERT_TRUE(!error || (failed && error == ISIF_NO_MEMORY));
		CU_ASSERT_EQUAL(count_temporaries(), 0);
		for (size_t i = 0; !error && i < 2; i++) {
			CU_ASSERT_TRUE(!edits[i].error || edits[i].error == ISIF_NO_MEMORY);
			CU_ASSERT_TRUE(holds(i, edits[i].error ? TEXT("1500") : TEXT("9000")));
			CU_ASSERT_TRUE(failed || !edits[i].error);
		}
	}
	CU_ASSERT_FALSE(failed);
}

static void set_up(void)
{
	memset(&aio, 0, sizeof(aio));
	scratch_make();
	put_directory("db/ifaces");
	CU_ASSERT_EQUAL_FATAL(open_writing_gate(scratch("db"), NULL, &gate), ISIF_OK);
}

static void tear_down(void)
{
	isif_privileged_close(gate);
	gate = NULL;
	scratch_remove();
}

void add_batch_tests(void)
{
	CU_pSuite suite =
		CU_add_suite_with_setup_and_teardown("batch", NULL, NULL, set_up, tear_down);

	CU_add_test(suite, "records in many directories", test_many);
	CU_add_test(suite, "a directory is synced once", test_one_directory);
	CU_add_test(suite, "a record keeps its mode", test_modes);
	CU_add_test(suite, "each edit has its outcome", test_outcomes);
	CU_add_test(suite, "what a batch can be", test_bounds);
	CU_add_test(suite, "as many as there can be", test_full);
	CU_add_test(suite, "somebody else has the lock", test_lock);
	CU_add_test(suite, "somebody else has the lock when it begins", test_lock_at_start);
	CU_add_test(suite, "no lock between two slices", test_lock_is_released);
	CU_add_test(suite, "records that are changed meanwhile", test_changed_meanwhile);
	CU_add_test(suite, "dropped at each step", test_end);
	CU_add_test(suite, "the gate is closed meanwhile", test_close);
	CU_add_test(suite, "what a crash left is swept", test_crash);
	CU_add_test(suite, "killed at each step", test_killed);
	CU_add_test(suite, "a transaction in between", test_transaction);
	CU_add_test(suite, "syncs of a batch that was dropped", test_failed_sync_of_another);
	CU_add_test(suite, "a text that cannot be synced", test_failed_sync);
	CU_add_test(suite, "a directory that cannot be synced", test_failed_directory);
	CU_add_test(suite, "a directory that goes away", test_directory_that_goes);
	CU_add_test(suite, "texts that are swept meanwhile", test_swept);
	CU_add_test(suite, "no descriptor is left", test_no_descriptors);
	CU_add_test(suite, "no room for a text", test_no_room);
	CU_add_test(suite, "no lock can be had when it begins", test_lock_directory_that_goes);
	CU_add_test(suite, "no lock can be had later", test_lock_directory_that_goes_later);
	CU_add_test(suite, "no AIO", test_without_aio);
	CU_add_test(suite, "AIO that cannot sync", test_sync_refused);
	CU_add_test(suite, "without AIO a slice syncs once", test_blocking_slices);
	CU_add_test(suite, "a gate that cannot write", test_unavailable);
	CU_add_test(suite, "memory that runs out", test_memory);
}
