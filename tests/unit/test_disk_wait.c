/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Disks that come after a login, or not: a small script as iscsiadm. Time is the test's own. */
#include "suites.h"

#include "disk_wait.h"
#include "job_stage.h"

#include <poll.h>
#include <string.h>

#define WAIT_MS 60000 /* that a script may take */
#define RESCAN	"-m session -r 5 --rescan\n"

static struct isif_disk wanted[] = { { .lun = 1, .device = "sda", .wwid = "naa.1" } };

static struct job_context context;
static struct session_disks disks;
static struct disk_wait waiting;
static const struct session_disk *missing;
static unsigned pause_ms;

static void see_disk(bool there)
{
	stage.kernels[0].disks = wanted;
	stage.kernels[0].disk_count = there;
	stage_build();
}

static void set_up(void)
{
	job_stage_open();
	put_iscsiadm("");
	stage_session(5, "iqn.a", "if0");
	see_disk(true);
	CU_ASSERT_TRUE_FATAL(session_disks_note(&disks, session_row(5)->kernel));
	see_disk(false);
	context = (struct job_context){ .gate = job_stage.gate,
					.now = 1000,
					.session_timeout = 30000 };
	disk_wait_begin(&waiting, &context);
}

static void tear_down(void)
{
	disk_wait_end(&waiting, &context);
	session_disks_clear(&disks);
	job_stage_close();
}

static enum outcome step(void)
{
	return disk_wait_step(&waiting, &context, &disks, session_row(5), &missing, &pause_ms);
}

/* It waits, and will not look again before that time (monotonic ms). */
static bool waits_until(uint64_t time)
{
	return step() == WAIT && missing && context.now + pause_ms == time;
}

static void let_rescan_end(void)
{
	while (disk_wait_descriptor(&waiting, &context) >= 0) {
		struct pollfd one = { .fd = disk_wait_descriptor(&waiting, &context),
				      .events = POLLIN };

		CU_ASSERT_EQUAL_FATAL(poll(&one, 1, WAIT_MS), 1);
		CU_ASSERT_EQUAL_FATAL(step(), WAIT);
	}
}

static bool says(const char *expected)
{
	char text[DISK_WAIT_TEXT_SIZE];

	disk_wait_say(&waiting, text);
	if (!strcmp(text, expected))
		return true;
	printf("# says: %s\n", text);
	return false;
}

static void test_comes_by_itself(void)
{
	CU_ASSERT_TRUE(waits_until(4000));
	CU_ASSERT_EQUAL(disk_wait_descriptor(&waiting, &context), -1);
	context.now = 3999;
	CU_ASSERT_TRUE(waits_until(4000));
	see_disk(true);
	CU_ASSERT_EQUAL(step(), ENDED);
	CU_ASSERT_PTR_NULL(missing);
	CU_ASSERT_TRUE(was_asked(""));
}

static void test_comes_by_rescan(void)
{
	context.now = 4000;
	CU_ASSERT_EQUAL(step(), GO_ON);
	/* One at a time, however long it takes. */
	CU_ASSERT_TRUE(disk_wait_descriptor(&waiting, &context) >= 0);
	let_rescan_end();
	CU_ASSERT_TRUE(was_asked(RESCAN));
	CU_ASSERT_TRUE(waits_until(9000));
	context.now = 9000;
	CU_ASSERT_EQUAL(step(), GO_ON);
	let_rescan_end();
	see_disk(true);
	CU_ASSERT_EQUAL(step(), ENDED);
	CU_ASSERT_PTR_NULL(missing);
	CU_ASSERT_TRUE(was_asked(RESCAN));
}

static void test_never_comes(void)
{
	context.now = 4000;
	CU_ASSERT_EQUAL(step(), GO_ON);
	let_rescan_end();
	context.now = 30999;
	CU_ASSERT_EQUAL(step(), GO_ON);
	let_rescan_end();
	CU_ASSERT_TRUE(waits_until(31000));
	context.now = 31000;
	CU_ASSERT_EQUAL(step(), ENDED);
	CU_ASSERT_STRING_EQUAL(missing->wwid, "naa.1");
	CU_ASSERT_TRUE(says(", although the session was rescanned"));
}

static void test_rescan_fails(void)
{
	CU_ASSERT_TRUE(says(""));
	put_iscsiadm("exit 9\n");
	context.now = 4000;
	CU_ASSERT_EQUAL(step(), GO_ON);
	let_rescan_end();
	CU_ASSERT_TRUE(says(", and a rescan failed: an internal error, or the session is in no "
			    "state for that (open-iscsi error 9)"));
}

static void test_rescan_hangs(void)
{
	put_iscsiadm("exec sleep 1000\n");
	context.now = 4000;
	CU_ASSERT_EQUAL(step(), GO_ON);
	CU_ASSERT_TRUE(waits_until(31000));
	context.now = 20000;
	CU_ASSERT_TRUE(waits_until(31000));
	context.now = 31000;
	CU_ASSERT_EQUAL(step(), ENDED);
	CU_ASSERT_PTR_NOT_NULL(missing);
	disk_wait_end(&waiting, &context);
	CU_ASSERT_EQUAL(disk_wait_descriptor(&waiting, &context), -1);
}

/* One that is being recovered answers no rescan; and there may be none. */
static void test_no_session(void)
{
	stage.kernels[0].state = ISIF_SESSION_FAILED;
	stage_build();
	context.now = 4000;
	CU_ASSERT_TRUE(waits_until(31000));
	CU_ASSERT_EQUAL(disk_wait_step(&waiting, &context, &disks, NULL, &missing, &pause_ms),
			WAIT);
	CU_ASSERT_EQUAL(pause_ms, 27000);
	stage.kernels[0].state = ISIF_SESSION_LOGGED_IN;
	stage_build();
	CU_ASSERT_EQUAL(step(), GO_ON);
	let_rescan_end();
	CU_ASSERT_TRUE(was_asked(RESCAN));
}

static void test_no_program(void)
{
	remove_file("iscsiadm");
	context.now = 4000;
	CU_ASSERT_TRUE(waits_until(9000));
	CU_ASSERT_TRUE(says(""));
}

void add_disk_wait_tests(void)
{
	CU_pSuite suite =
		CU_add_suite_with_setup_and_teardown("disk wait", NULL, NULL, set_up, tear_down);

	CU_add_test(suite, "a disk that comes by itself", test_comes_by_itself);
	CU_add_test(suite, "one that a rescan finds", test_comes_by_rescan);
	CU_add_test(suite, "one that does not come in time", test_never_comes);
	CU_add_test(suite, "a rescan that fails", test_rescan_fails);
	CU_add_test(suite, "a rescan that hangs", test_rescan_hangs);
	CU_add_test(suite, "no session that could be rescanned", test_no_session);
	CU_add_test(suite, "no iscsiadm", test_no_program);
}
