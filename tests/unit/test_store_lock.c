/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who may write: open-iscsi's lock, other agents, and what is missing. */
#include "suites.h"

#include <isif/privileged.h>

#include "helpers.h"
#include "stock.h"
#include "store.h"
#include "tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE 200000 /* ms: longer than this program may run */

/* The linker gives these names. */
time_t __real_time(time_t *now);
time_t __wrap_time(time_t *now);

static time_t ahead; /* seconds, of the clock that the library sees */

time_t __wrap_time(time_t *now)
{
	time_t result = __real_time(NULL) + ahead;

	if (now)
		*now = result;
	return result;
}

static struct isif_privileged *gate;
static struct lines lines;
static struct isif_log log_here;
static const char *why;

static void open_store(void)
{
	CU_ASSERT_EQUAL_FATAL(stock_open(scratch("store"), &log_here, &gate), ISIF_OK);
}

static void close_store(void)
{
	isif_privileged_close(gate);
	gate = NULL;
}

static void set_up(void)
{
	lines = (struct lines){ 0 };
	log_here = log_into(&lines);
	ahead = 0;
	why = "";
	scratch_make();
	stock_make(scratch("store"));
	open_store();
}

static void tear_down(void)
{
	close_store();
	scratch_remove();
}

static enum isif_error begin(unsigned patience)
{
	return gate->operations->begin(gate, patience, &why);
}

static void end(void)
{
	gate->operations->end(gate);
}

static enum isif_error begin_and_end(void)
{
	enum isif_error error = begin(0);

	end();
	return error;
}

static bool is_locked(void)
{
	return file_exists("store/lock/lock.write");
}

/* As open-iscsi does it. */
static void lock_as_another(void)
{
	put_file("store/lock/lock", "");
	CU_ASSERT_EQUAL(link(scratch("store/lock/lock"), scratch("store/lock/lock.write")), 0);
}

static void test_lock(void)
{
	CU_ASSERT_EQUAL(begin(0), ISIF_OK);
	/* Another one cannot make its link now. */
	put_file("store/lock/lock", "");
	CU_ASSERT_NOT_EQUAL(link(scratch("store/lock/lock"), scratch("store/lock/lock.write")), 0);
	end();
	CU_ASSERT_FALSE(is_locked());
	lock_as_another();
	CU_ASSERT_EQUAL(begin(0), ISIF_LOCKED);
	CU_ASSERT_EQUAL(begin(1), ISIF_LOCKED);
	end();
	CU_ASSERT_TRUE(is_locked());
	CU_ASSERT_EQUAL(lines.count, 0);
	remove_file("store/lock/lock.write");
	CU_ASSERT_EQUAL(begin_and_end(), ISIF_OK);
}

/* True if this process watches something with inotify. */
static bool is_watching(void)
{
	DIR *directory = opendir("/proc/self/fdinfo");
	const struct dirent *entry;
	bool found = false;

	while (directory && !found && (entry = readdir(directory))) {
		char path[PATH_MAX], text[1024];
		FILE *file;

		snprintf(path, sizeof(path), "/proc/self/fdinfo/%s", entry->d_name);
		file = fopen(path, "re");
		while (file && fgets(text, sizeof(text), file))
			found |= !strncmp(text, "inotify wd:", 11);
		if (file)
			fclose(file);
	}
	if (directory)
		closedir(directory);
	return found;
}

static void *release_when_waited_for(void *unused)
{
	(void)unused;
	while (!is_watching())
		sched_yield();
	unlink(scratch("store/lock/lock.write"));
	return NULL;
}

static void test_waiting(void)
{
	pthread_t another;

	lock_as_another();
	CU_ASSERT_EQUAL_FATAL(pthread_create(&another, NULL, release_when_waited_for, NULL), 0);
	CU_ASSERT_EQUAL(begin(PATIENCE), ISIF_OK);
	pthread_join(another, NULL);
	end();
	CU_ASSERT_FALSE(is_locked());
}

/* The log is told of each old lock once; nobody's lock is removed. */
static void test_old_lock(void)
{
	lock_as_another();
	ahead = 59;
	CU_ASSERT_EQUAL(begin(0), ISIF_LOCKED);
	CU_ASSERT_EQUAL(lines.count, 0);
	ahead = 3600;
	CU_ASSERT_EQUAL(begin(0), ISIF_LOCKED);
	CU_ASSERT_EQUAL(begin(0), ISIF_LOCKED);
	CU_ASSERT_EQUAL(lines.count, 1);
	CU_ASSERT_PTR_NOT_NULL(strstr(lines.all, "lock/lock.write is held since 36"));
	CU_ASSERT_TRUE(is_locked());
}

/* As a crash leaves it: whoever holds the file that lock.write leads to is not there any more. */
static void test_own_lock(void)
{
	CU_ASSERT_EQUAL(begin_and_end(), ISIF_OK);
	close_store();
	CU_ASSERT_EQUAL(
		link(scratch("store/lock/lock.iscsi-ifaced"), scratch("store/lock/lock.write")), 0);
	open_store();
	CU_ASSERT_FALSE(is_locked());
	/* Or the release itself failed. */
	CU_ASSERT_EQUAL(
		link(scratch("store/lock/lock.iscsi-ifaced"), scratch("store/lock/lock.write")), 0);
	CU_ASSERT_EQUAL(begin_and_end(), ISIF_OK);
	CU_ASSERT_FALSE(is_locked());
}

/* open-iscsi up to 2.1.8 takes a lock that is older than 30 s for its own. */
static void test_stolen_lock(void)
{
	CU_ASSERT_EQUAL(begin(0), ISIF_OK);
	remove_file("store/lock/lock.write");
	lock_as_another();
	end();
	CU_ASSERT_TRUE(is_locked());
	CU_ASSERT_EQUAL(begin(0), ISIF_LOCKED);
}

static void test_lock_directory(void)
{
	struct stat status;
	mode_t mask = umask(0);

	CU_ASSERT_EQUAL(begin_and_end(), ISIF_OK);
	/* It is removed while we run. */
	remove_file("store/lock/lock.iscsi-ifaced");
	CU_ASSERT_EQUAL(begin_and_end(), ISIF_OK);
	remove_file("store/lock/lock.iscsi-ifaced");
	remove_file("store/lock");
	CU_ASSERT_EQUAL(begin_and_end(), ISIF_OK);
	CU_ASSERT_EQUAL(stat(scratch("store/lock"), &status), 0);
	CU_ASSERT_EQUAL(status.st_mode, S_IFDIR | 0770);
	CU_ASSERT_EQUAL(stat(scratch("store/lock/lock.iscsi-ifaced"), &status), 0);
	CU_ASSERT_EQUAL(status.st_mode, S_IFREG | 0600);
	umask(mask);
	/* What a start does not find is no reason not to read. */
	close_store();
	remove_file("store/lock/lock.iscsi-ifaced");
	remove_file("store/lock");
	put_file("store/lock", "no directory");
	open_store();
	CU_ASSERT_EQUAL(begin(0), ISIF_UNAVAILABLE);
	CU_ASSERT_PTR_NOT_NULL(strstr(why, scratch("store/lock")));
}

static void test_state_directory(void)
{
	struct isif_privileged_options options = {
		.root = scratch("store/db"),
		.initiatorname_file = scratch("initiatorname"),
	};
	struct isif_privileged *other;
	char *text;
	const char *record;
	size_t length;

	CU_ASSERT_EQUAL_FATAL(isif_privileged_open(&options, &other), ISIF_OK);
	CU_ASSERT_EQUAL(other->operations->begin(other, 0, &why), ISIF_UNAVAILABLE);
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "state directory"));
	CU_ASSERT_EQUAL(other->operations->state_read(other, "jobs", &text, &length),
			ISIF_UNAVAILABLE);
	CU_ASSERT_EQUAL(other->operations->read_record(other, "ifaces/if0", &record, &length),
			ISIF_OK);
	isif_privileged_close(other);
	options.state_directory = scratch("store/not-yet");
	options.lock_directory = scratch("store/lock");
	CU_ASSERT_EQUAL_FATAL(isif_privileged_open(&options, &other), ISIF_OK);
	CU_ASSERT_EQUAL(other->operations->begin(other, 0, &why), ISIF_UNAVAILABLE);
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "store/not-yet: not found"));
	put_directory("store/not-yet");
	CU_ASSERT_EQUAL(other->operations->begin(other, 0, &why), ISIF_OK);
	isif_privileged_close(other);
}

/* Two agents never touch each other's files: neither with one state directory nor with two. */
static void test_second_store(void)
{
	struct isif_privileged *first = gate;

	CU_ASSERT_EQUAL(begin(0), ISIF_OK);
	put_file("store/db/.iscsi-ifaced-new-1", "of the first one");
	open_store();
	CU_ASSERT_EQUAL(begin(0), ISIF_UNAVAILABLE);
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "store/state: another iscsi-ifaced uses it"));
	close_store();
	CU_ASSERT_EQUAL(rename(scratch("store/state"), scratch("store/other-state")), 0);
	put_directory("store/state");
	open_store();
	CU_ASSERT_EQUAL(begin(0), ISIF_UNAVAILABLE);
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "store/lock: another iscsi-ifaced uses it"));
	CU_ASSERT_TRUE(is_locked());
	CU_ASSERT_TRUE(file_exists("store/db/.iscsi-ifaced-new-1"));
	isif_privileged_close(first);
	CU_ASSERT_FALSE(is_locked());
	CU_ASSERT_EQUAL(begin_and_end(), ISIF_OK);
	CU_ASSERT_FALSE(file_exists("store/db/.iscsi-ifaced-new-1"));
}

/* Commits the last case, and keeps the journal that it has meanwhile. */
static void commit_and_copy_journal(const char *to)
{
	const struct stock_case *all = &stock_cases[stock_case_count - 1];
	static char octets[65536];
	size_t failed, length;
	FILE *journal;

	CU_ASSERT_EQUAL(begin(0), ISIF_OK);
	CU_ASSERT_EQUAL(gate->operations->commit(gate, all->edits, all->count, &failed), ISIF_OK);
	journal = fopen(scratch("store/state/journal"), "re");
	CU_ASSERT_PTR_NOT_NULL_FATAL(journal);
	length = fread(octets, 1, sizeof(octets), journal);
	fclose(journal);
	end();
	put_octets(to, octets, length);
	close_store();
}

/* A journal that is not whole, or that nothing of its files is left of, changes nothing. */
static void test_torn_journal(void)
{
	/* The whole; without its last octet; its first line alone; half of that. */
	static const off_t lengths[] = { 0, -1, 60, 20 };

	for (size_t i = 0; i < COUNT(lengths); i++) {
		const char *journal = scratch("store/state/journal");
		char *before, *now;
		struct stat status;

		commit_and_copy_journal("journal");
		stock_make(scratch("store"));
		before = tree_text(scratch("store/db"));
		CU_ASSERT_EQUAL(stat(scratch("journal"), &status), 0);
		CU_ASSERT_EQUAL(rename(scratch("journal"), journal), 0);
		CU_ASSERT_EQUAL(truncate(journal,
					 lengths[i] > 0 ? lengths[i] : status.st_size + lengths[i]),
				0);
		put_file("store/db/.iscsi-ifaced-new-99", "left over");
		open_store();
		now = tree_text(scratch("store/db"));
		CU_ASSERT_STRING_EQUAL(now, before);
		CU_ASSERT_FALSE(tree_is_littered(scratch("store/db")));
		free(now);
		free(before);
	}
	CU_ASSERT_EQUAL(lines.errors, 0);
}

static void test_foreign_journal(void)
{
	char *before, *now;

	commit_and_copy_journal("journal");
	stock_make(scratch("here"));
	before = tree_text(scratch("here/db"));
	CU_ASSERT_EQUAL(rename(scratch("journal"), scratch("here/state/journal")), 0);
	CU_ASSERT_EQUAL_FATAL(stock_open(scratch("here"), &log_here, &gate), ISIF_OK);
	CU_ASSERT_EQUAL(begin(0), ISIF_OK);
	end();
	CU_ASSERT_PTR_NOT_NULL(strstr(lines.all, "is about a change of another database"));
	now = tree_text(scratch("here/db"));
	CU_ASSERT_STRING_EQUAL(now, before);
	free(now);
	free(before);
}

/* A journal with a digest that is right: its body has as many octets as the header says. */
static void put_journal(const char *step)
{
	char body[PATH_MAX + 64], text[PATH_MAX + 160];
	int root = snprintf(body, sizeof(body) - 1, "%s", scratch("store/db")) + 1;
	int length = root + snprintf(body + root, sizeof(body) - (size_t)root, "%s", step) + 1;
	int header =
		snprintf(text, sizeof(text), "iscsi-ifaced journal 1 forward %08x %016" PRIx64 "\n",
			 (unsigned)length, store_digest(STORE_DIGEST, body, (size_t)length));

	memcpy(text + header, body, (size_t)length);
	put_octets("store/state/journal", text, (size_t)header + (size_t)length);
}

/*
 * One that is whole, but says what no step is: nothing of it is done, nothing can be written, and
 * it is told once, with what helps.
 */
static void test_odd_journal(void)
{
	static const char *const steps[] = {
		"1 0 1 0 0 1 ../etc/passwd",
		"3 0 1 0 0 1 ifaces/new",
		"-1 0 1 0 0 1 ifaces/new",
		"1 0 1 0 0 ifaces/new",
		"1 0 1 0 0 1",
	};

	for (size_t i = 0; i < COUNT(steps); i++) {
		char *before = tree_text(scratch("store/db")), *now;

		close_store();
		put_journal(steps[i]);
		lines = (struct lines){ 0 };
		open_store();
		CU_ASSERT_EQUAL(lines.errors, 1);
		CU_ASSERT_PTR_NOT_NULL(strstr(lines.all, scratch("store/state/journal")));
		CU_ASSERT_PTR_NOT_NULL(strstr(lines.all, scratch("store/db")));
		CU_ASSERT_PTR_NOT_NULL(strstr(lines.all, "step 1"));
		CU_ASSERT_PTR_NOT_NULL(strstr(lines.all, "remove"));
		CU_ASSERT_EQUAL(begin(0), ISIF_UNAVAILABLE);
		CU_ASSERT_EQUAL(begin(0), ISIF_UNAVAILABLE);
		CU_ASSERT_EQUAL(lines.count, 1);
		now = tree_text(scratch("store/db"));
		CU_ASSERT_STRING_EQUAL(now, before);
		free(now);
		free(before);
		/* What the line says to do helps. */
		close_store();
		remove_file("store/state/journal");
		open_store();
		CU_ASSERT_EQUAL(begin_and_end(), ISIF_OK);
	}
}

/* What a start cannot repair, the next transaction does. */
static void test_late_recovery(void)
{
	close_store();
	put_file("store/state/journal", "");
	put_file("store/db/.iscsi-ifaced-old-1", "left over");
	remove_file("store/lock");
	put_file("store/lock", "no directory");
	open_store();
	CU_ASSERT_TRUE(file_exists("store/db/.iscsi-ifaced-old-1"));
	remove_file("store/lock");
	CU_ASSERT_EQUAL(begin_and_end(), ISIF_OK);
	CU_ASSERT_FALSE(file_exists("store/db/.iscsi-ifaced-old-1"));
}

void add_store_lock_tests(void)
{
	CU_pSuite suite =
		CU_add_suite_with_setup_and_teardown("store_lock", NULL, NULL, set_up, tear_down);

	CU_add_test(suite, "open-iscsi's lock", test_lock);
	CU_add_test(suite, "a lock that is released while we wait", test_waiting);
	CU_add_test(suite, "a lock that looks stale", test_old_lock);
	CU_add_test(suite, "our own lock, of an earlier life", test_own_lock);
	CU_add_test(suite, "a lock that somebody took from us", test_stolen_lock);
	CU_add_test(suite, "the lock directory", test_lock_directory);
	CU_add_test(suite, "the state directory", test_state_directory);
	CU_add_test(suite, "a second agent", test_second_store);
	CU_add_test(suite, "a torn journal", test_torn_journal);
	CU_add_test(suite, "another database's journal", test_foreign_journal);
	CU_add_test(suite, "a journal with a step that is none", test_odd_journal);
	CU_add_test(suite, "a start that cannot repair", test_late_recovery);
}
