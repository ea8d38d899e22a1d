/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The job that removes bindings: all or none, whatever happens on the way. */
#include "suites.h"

#include "allocation.h"
#include "job_stage.h"
#include "tree.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MANY  12 /* records: more than go at once */
#define LOT   8	 /* that go at once */
#define OTHER "nodes/iqn.a/192.0.2.10,3260,1/if1"

#define PATH(target, address, iface) "nodes/" target "/" address ",3260,1/" iface
#define TEXT(target, address, iface) NODE_RECORD(target, address, "3260", "1", IFACE(iface, ""))
#define PUT(target, address, iface)                                                                \
	put_and_see(PATH(target, address, iface), TEXT(target, address, iface))

#define LOGOUT(sid)   "-m session -r " sid " -u\n"
#define LOGIN(target) "-m node -T " target " -p 192.0.2.10:3260,1 -I if0 --login\n"

static void set_up(void)
{
	job_stage_open();
	wait_for_backup();
	stage_iface("if0", IFACE_RECORD("if0", ""));
	stage_iface("if1", IFACE_RECORD("if1", ""));
	stage_build();
	put_iscsiadm("");
}

/* Three bindings of one iface at two portals, and one of another. */
static void put_four(void)
{
	PUT("iqn.a", "192.0.2.10", "if0");
	PUT("iqn.b", "192.0.2.10", "if0");
	PUT("iqn.c", "192.0.2.11", "if0");
	PUT("iqn.a", "192.0.2.10", "if1");
	stage_build();
}

/* Those of them that are there: a letter each, in their order. */
static bool are_left(const char *expected)
{
	static const char *const paths[] = {
		PATH("iqn.a", "192.0.2.10", "if0"),
		PATH("iqn.b", "192.0.2.10", "if0"),
		PATH("iqn.c", "192.0.2.11", "if0"),
		OTHER,
	};
	char found[8] = "", path[128];

	for (size_t i = 0; i < COUNT(paths); i++) {
		snprintf(path, sizeof(path), "db/%s", paths[i]);
		if (file_exists(path))
			strcat(found, (const char[]){ "abcd"[i], '\0' });
	}
	if (!strcmp(found, expected))
		return true;
	printf("# left: %s\n", found);
	return false;
}

static void unbind(const char *iface, const char *target, const char *address, uint16_t port)
{
	ask(ISIF_JOB_UNBIND, iface, target, address, port);
	run();
}

/* The snapshot learns of what is gone, too. */
static void see_removal(void)
{
	CU_ASSERT_EQUAL(job()->state, ISIF_JOB_RUNNING);
	forget_nodes();
	stage_build();
	run();
}

static bool succeeded(uint32_t results)
{
	char step[128];

	snprintf(step, sizeof(step), "node records removed: %u of %u", results, results);
	return ended(ISIF_JOB_SUCCEEDED, 0, "") && steps(step) && job()->results == results &&
	       job()->progress == 100 && nothing_is_left();
}

/* --- which ones --- */

static void test_iface(void)
{
	put_four();
	unbind("if0", "", "", 0);
	CU_ASSERT_TRUE(are_left("d"));
	see_removal();
	CU_ASSERT_TRUE(succeeded(3));
	CU_ASSERT_FALSE(file_exists("db/nodes/iqn.b"));
	CU_ASSERT_TRUE(was_asked(""));
	CU_ASSERT_FALSE(file_exists("state/unbind"));
}

static void test_target(void)
{
	put_four();
	unbind("", "iqn.a", "", 0);
	see_removal();
	CU_ASSERT_TRUE(succeeded(2));
	CU_ASSERT_TRUE(are_left("bc"));
}

static void test_portal(void)
{
	put_four();
	unbind("", "", "192.0.2.10", 3260);
	see_removal();
	CU_ASSERT_TRUE(succeeded(3));
	CU_ASSERT_TRUE(are_left("c"));
}

static void test_all_three(void)
{
	put_four();
	unbind("if0", "iqn.a", "192.0.2.10", 0);
	see_removal();
	CU_ASSERT_TRUE(succeeded(1));
	CU_ASSERT_TRUE(are_left("bcd"));
}

/* As long as the snapshot shows it the job has not ended; but not for ever. */
static void test_still_seen(void)
{
	put_four();
	unbind("if1", "", "", 0);
	CU_ASSERT_EQUAL(job()->state, ISIF_JOB_RUNNING);
	job_stage.now += 10000;
	run();
	CU_ASSERT_TRUE(succeeded(1));
}

static void test_none(void)
{
	put_four();
	unbind("if0", "", "", 3261);
	CU_ASSERT_TRUE(ended(ISIF_JOB_SUCCEEDED, 0, ""));
	CU_ASSERT_TRUE(steps("there is no such binding"));
	CU_ASSERT_TRUE(are_left("abcd"));
}

static void test_everything(void)
{
	put_four();
	unbind("", "", "", 3260);
	CU_ASSERT_TRUE(ended(ISIF_JOB_FAILED, ISIF_JOB_ERROR_GENERIC,
			     "no iface, target or portal is named"));
	CU_ASSERT_TRUE(are_left("abcd"));
}

/* --- sessions --- */

static void test_session(void)
{
	put_four();
	stage_session(5, "iqn.a", "if0");
	stage_build();
	unbind("if0", "", "", 0);
	CU_ASSERT_TRUE(was_asked(LOGOUT("5")));
	CU_ASSERT_TRUE(are_left("abcd"));
	stage_remove_session(5);
	stage_build();
	run();
	CU_ASSERT_TRUE(are_left("d"));
	see_removal();
	CU_ASSERT_TRUE(succeeded(3));
	CU_ASSERT_TRUE(was_asked(""));
}

static void find_disk(uint32_t sid, enum isif_disk_use use)
{
	job_stage.disks[0] = (struct isif_look_disk){
		.sid = sid,
		.device = "sdx",
		.use = use,
		.vital = ISIF_VITAL_NO,
		.user = "mounted on /srv",
	};
	job_stage.disk_count = 1;
}

/* All of them are looked at together, before the first one goes. */
static void test_disk_in_use(void)
{
	put_four();
	stage_session(5, "iqn.a", "if0");
	stage_session(6, "iqn.b", "if0");
	find_disk(6, ISIF_DISK_IN_USE);
	stage_build();
	unbind("if0", "", "", 0);
	CU_ASSERT_TRUE(ended(ISIF_JOB_FAILED, ISIF_JOB_ERROR_IN_USE,
			     "disk sdx is in use: mounted on /srv; end its use first: iqn.b via "
			     "192.0.2.10:3260,1 on if0"));
	CU_ASSERT_EQUAL(job_stage.looked_at, 2);
	CU_ASSERT_TRUE(steps("nothing was done"));
	CU_ASSERT_TRUE(was_asked(""));
	CU_ASSERT_TRUE(are_left("abcd"));
}

static void test_logout_fails(void)
{
	put_four();
	stage_session(5, "iqn.a", "if0");
	stage_build();
	put_iscsiadm("exit 10\n");
	unbind("if0", "", "", 0);
	job_stage.now += 10000;
	run();
	CU_ASSERT_EQUAL(job()->state, ISIF_JOB_FAILED);
	CU_ASSERT_EQUAL(job()->error, 10);
	CU_ASSERT_PTR_NOT_NULL(strstr(job()->error_text, "the logout failed"));
	CU_ASSERT_PTR_NOT_NULL(strstr(job()->error_text, "iqn.a via 192.0.2.10:3260,1 on if0"));
	CU_ASSERT_TRUE(are_left("abcd"));
}

/* The first one is out, the second one cannot be logged out. */
static void fail_at_second(void)
{
	put_four();
	stage_session(6, "iqn.b", "if0");
	stage_session(5, "iqn.a", "if0");
	stage_build();
	put_iscsiadm("[ \"$4\" != 6 ] || exit 10\n");
	unbind("if0", "", "", 0);
	CU_ASSERT_TRUE(was_asked(LOGOUT("5")));
	stage_remove_session(5);
	stage_build();
	run();
	CU_ASSERT_TRUE(was_asked(LOGOUT("6")));
	job_stage.now += 10000;
	run();
	CU_ASSERT_TRUE(was_asked(LOGIN("iqn.a")));
	CU_ASSERT_EQUAL(job()->state, ISIF_JOB_RUNNING);
}

static void test_second_logout_fails(void)
{
	fail_at_second();
	stage_session(7, "iqn.a", "if0");
	stage_build();
	run();
	CU_ASSERT_EQUAL(job()->state, ISIF_JOB_ROLLED_BACK);
	CU_ASSERT_EQUAL(job()->error, 10);
	CU_ASSERT_TRUE(steps("turned back: nothing removed, all logged in again"));
	CU_ASSERT_TRUE(are_left("abcd"));
	CU_ASSERT_EQUAL(job()->results, 0);
}

static void test_login_again_fails(void)
{
	fail_at_second();
	job_stage.now += 10000;
	run();
	CU_ASSERT_EQUAL(job()->state, ISIF_JOB_FAILED);
	CU_ASSERT_EQUAL(job()->error, 10);
	CU_ASSERT_TRUE(steps("turned back: nothing removed, but sessions that could not be logged "
			     "in again: 1"));
	CU_ASSERT_TRUE(are_left("abcd"));
}

static void test_cancel(void)
{
	put_four();
	stage_session(5, "iqn.a", "if0");
	stage_build();
	unbind("if0", "", "", 0);
	CU_ASSERT_TRUE(was_asked(LOGOUT("5")));
	cancel();
	stage_remove_session(5);
	stage_build();
	run();
	CU_ASSERT_TRUE(was_asked(LOGIN("iqn.a")));
	stage_session(7, "iqn.a", "if0");
	stage_build();
	run();
	CU_ASSERT_TRUE(ended(ISIF_JOB_CANCELLED, 0, ""));
	CU_ASSERT_TRUE(steps("cancelled: nothing removed"));
	CU_ASSERT_TRUE(are_left("abcd"));
}

/* --- what is in the way --- */

static void test_misnamed(void)
{
	put_four();
	stage_session(5, "iqn.a", "if0");
	stage_build();
	CU_ASSERT_EQUAL(rename(scratch("db/" PATH("iqn.c", "192.0.2.11", "if0")),
			       scratch("db/" PATH("iqn.c", "192.0.2.11", "if9"))),
			0);
	unbind("if0", "", "", 0);
	CU_ASSERT_TRUE(
		ended(ISIF_JOB_FAILED, ISIF_JOB_ERROR_DATABASE,
		      "there is no file " PATH("iqn.c", "192.0.2.11",
					       "if0") ": its record "
						      "gives itself other names, or is gone"));
	CU_ASSERT_TRUE(was_asked(""));
	CU_ASSERT_TRUE(are_left("abd"));
}

/* Whatever it says by now: it is that binding. */
static void test_changed(void)
{
	put_four();
	put_node(OTHER, NODE_RECORD("iqn.a", "192.0.2.10", "3260", "1",
				    IFACE("if1", "iface.mtu = 9000\n")));
	unbind("if1", "", "", 0);
	see_removal();
	CU_ASSERT_TRUE(succeeded(1));
	CU_ASSERT_TRUE(are_left("abc"));
}

static void test_locked(void)
{
	put_four();
	put_file("lock/lock.write", "");
	unbind("if1", "", "", 0);
	CU_ASSERT_TRUE(steps("node records removed: 0 of 1; waiting: somebody else holds "
			     "open-iscsi's lock"));
	remove_file("lock/lock.write");
	job_stage.now += 500;
	run();
	see_removal();
	CU_ASSERT_TRUE(succeeded(1));
}

static void test_locked_too_long(void)
{
	put_four();
	put_file("lock/lock.write", "");
	unbind("if1", "", "", 0);
	job_stage.now += 30000;
	run();
	CU_ASSERT_TRUE(ended(ISIF_JOB_FAILED, ISIF_JOB_ERROR_LOCKED,
			     "cannot remove: somebody else holds open-iscsi's lock"));
	CU_ASSERT_TRUE(are_left("abcd"));
	remove_file("lock/lock.write");
}

static void test_cancel_while_locked(void)
{
	put_four();
	put_file("lock/lock.write", "");
	unbind("if1", "", "", 0);
	cancel();
	run();
	CU_ASSERT_TRUE(ended(ISIF_JOB_CANCELLED, 0, ""));
	CU_ASSERT_TRUE(are_left("abcd"));
	remove_file("lock/lock.write");
}

/* Between its logout and the removal; and what was logged out for that is logged in again. */
static void test_logged_in_meanwhile(void)
{
	put_four();
	stage_session(5, "iqn.a", "if0");
	stage_build();
	unbind("if0", "", "", 0);
	stage_remove_session(5);
	stage_session(6, "iqn.b", "if0");
	stage_build();
	run();
	/* That one has to go as well. */
	CU_ASSERT_TRUE(was_asked(LOGOUT("5") LOGOUT("6")));
	stage_remove_session(6);
	stage_session(7, "iqn.a", "if0");
	stage_build();
	run();
	CU_ASSERT_TRUE(was_asked(LOGIN("iqn.b")));
	stage_session(8, "iqn.b", "if0");
	stage_build();
	run();
	CU_ASSERT_TRUE(ended(ISIF_JOB_ROLLED_BACK, ISIF_JOB_ERROR_CHANGED,
			     "somebody logged in again: iqn.a via 192.0.2.10:3260,1 on if0"));
	CU_ASSERT_TRUE(are_left("abcd"));
}

/* --- many of them --- */

static void put_many(void)
{
	for (int i = 0; i < MANY; i++) {
		char path[128], text[1024], target[16];

		snprintf(target, sizeof(target), "iqn.%02d", i);
		snprintf(path, sizeof(path), "nodes/%s/192.0.2.10,3260,1/if0", target);
		snprintf(text, sizeof(text), TEXT("%s", "192.0.2.10", "if0"), target);
		put_and_see(path, text);
	}
	stage_build();
}

static unsigned count_left(void)
{
	unsigned count = 0;

	for (int i = 0; i < MANY; i++) {
		char path[64];

		snprintf(path, sizeof(path), "db/nodes/iqn.%02d", i);
		count += file_exists(path);
	}
	return count;
}

/* Up to where the first lot is gone. */
static void remove_one_lot(void)
{
	put_many();
	ask(ISIF_JOB_UNBIND, "if0", "", "", 0);
	for (int i = 0; job()->results < LOT && i < 100; i++)
		run_one_slice();
	CU_ASSERT_EQUAL_FATAL(job()->results, LOT);
	CU_ASSERT_EQUAL(count_left(), MANY - LOT);
	CU_ASSERT_EQUAL(job()->progress, LOT * 100 / MANY);
}

static void test_many(void)
{
	remove_one_lot();
	run();
	CU_ASSERT_EQUAL(count_left(), 0);
	see_removal();
	CU_ASSERT_TRUE(succeeded(MANY));
}

/* From the first lot on it only goes on. */
static void test_too_late(void)
{
	remove_one_lot();
	cancel();
	run();
	see_removal();
	CU_ASSERT_TRUE(ended(ISIF_JOB_SUCCEEDED, 0, ""));
	CU_ASSERT_TRUE(steps("node records removed: 12 of 12; it was too late to cancel"));
	CU_ASSERT_EQUAL(count_left(), 0);
}

static void test_locked_later(void)
{
	remove_one_lot();
	put_file("lock/lock.write", "");
	for (int i = 0; i < 100; i++) {
		run();
		job_stage.now += 30000;
	}
	CU_ASSERT_EQUAL(job()->state, ISIF_JOB_RUNNING);
	CU_ASSERT_TRUE(steps("node records removed: 8 of 12; waiting: somebody else holds "
			     "open-iscsi's lock"));
	remove_file("lock/lock.write");
	run();
	see_removal();
	CU_ASSERT_TRUE(succeeded(MANY));
}

static void test_logged_in_later(void)
{
	remove_one_lot();
	stage_session(9, "iqn.10", "if0");
	stage_build();
	run();
	CU_ASSERT_TRUE(ended(ISIF_JOB_FAILED, ISIF_JOB_ERROR_CHANGED,
			     "somebody logged in while the records were removed: those with a "
			     "session stay, first nodes/iqn.10/192.0.2.10,3260,1/if0"));
	CU_ASSERT_EQUAL(job()->results, MANY - 1);
	CU_ASSERT_EQUAL(count_left(), 1);
}

/* --- restarts --- */

/* The snapshot knows what a lot has removed, and after a restart nothing else. */
static void see_what_is_left(void)
{
	forget_nodes();
	for (int i = LOT; i < MANY; i++) {
		char path[128], text[1024], target[16];

		snprintf(target, sizeof(target), "iqn.%02d", i);
		snprintf(path, sizeof(path), "nodes/%s/192.0.2.10,3260,1/if0", target);
		snprintf(text, sizeof(text), TEXT("%s", "192.0.2.10", "if0"), target);
		see_node(path, text);
	}
	stage_build();
}

static void test_restart_while_removing(void)
{
	remove_one_lot();
	job_stage_restart();
	see_what_is_left();
	/* What was bound meanwhile is no part of it. */
	PUT("iqn.late", "192.0.2.10", "if0");
	stage_build();
	run();
	CU_ASSERT_EQUAL(count_left(), 0);
	see_removal();
	CU_ASSERT_TRUE(succeeded(MANY));
	CU_ASSERT_TRUE(file_exists("db/nodes/iqn.late"));
}

/* Even if it is cancelled before it goes on. */
static void test_restart_and_cancel_while_removing(void)
{
	remove_one_lot();
	job_stage_restart();
	see_what_is_left();
	cancel();
	run();
	see_removal();
	CU_ASSERT_EQUAL(job()->state, ISIF_JOB_SUCCEEDED);
	CU_ASSERT_EQUAL(count_left(), 0);
}

/* Its session went before the restart. */
static void restart_while_logging_out(void)
{
	put_four();
	stage_session(5, "iqn.a", "if0");
	stage_build();
	unbind("if0", "", "", 0);
	CU_ASSERT_TRUE(was_asked(LOGOUT("5")));
	job_stage_restart();
	CU_ASSERT_EQUAL(job()->state, ISIF_JOB_PENDING);
	stage_remove_session(5);
	stage_build();
}

static void test_restart_while_logging_out(void)
{
	restart_while_logging_out();
	run();
	CU_ASSERT_TRUE(was_asked(""));
	see_removal();
	CU_ASSERT_TRUE(succeeded(3));
	CU_ASSERT_TRUE(are_left("d"));
}

static void test_restart_and_cancel(void)
{
	restart_while_logging_out();
	cancel();
	run();
	CU_ASSERT_TRUE(was_asked(LOGIN("iqn.a")));
	stage_session(7, "iqn.a", "if0");
	stage_build();
	run();
	CU_ASSERT_TRUE(ended(ISIF_JOB_CANCELLED, 0, ""));
	CU_ASSERT_TRUE(are_left("abcd"));
}

/* What cannot be gone on with is turned back, also what an earlier life logged out. */
static void test_restart_and_refusal(void)
{
	restart_while_logging_out();
	stage_session(6, "iqn.b", "if0");
	find_disk(6, ISIF_DISK_UNKNOWN);
	stage_build();
	run();
	CU_ASSERT_TRUE(was_asked(LOGIN("iqn.a")));
	stage_session(7, "iqn.a", "if0");
	stage_build();
	run();
	CU_ASSERT_EQUAL(job()->state, ISIF_JOB_ROLLED_BACK);
	CU_ASSERT_EQUAL(job()->error, ISIF_JOB_ERROR_IN_USE);
	CU_ASSERT_TRUE(are_left("abcd"));
}

/* It had gone before anybody could say so: the last lot, and then the restart. */
static void test_restart_after_removal(void)
{
	put_four();
	unbind("if1", "", "", 0);
	CU_ASSERT_TRUE(are_left("abc"));
	put_file("state/unbind", "iscsi-ifaced unbind 1\njob 1 1 0\nbinding 1073741999 0\nend\n");
	job_stage_restart();
	forget_nodes();
	stage_build();
	run();
	CU_ASSERT_TRUE(succeeded(1));
}

/* Another job's plan, a damaged one and half of one are none. */
static void test_odd_plans(void)
{
	static const char *const plans[] = {
		"",
		"iscsi-ifaced unbind 1\n",
		"iscsi-ifaced unbind 2\njob 1 1 1\nend\n",
		"iscsi-ifaced unbind 1\njob 1 99 1\nbinding 1073741824 0\nend\n",
		"iscsi-ifaced unbind 1\njob 1 1 1\nbinding 1073741824 0\n",
		"iscsi-ifaced unbind 1\njob 1 1 1\nbinding x 0\nend\n",
		"iscsi-ifaced unbind 1\njob 1 1 1 1\nbinding 1 0\nend\n",
	};

	for (size_t i = 0; i < COUNT(plans); i++) {
		put_four();
		put_file("state/unbind", plans[i]);
		unbind("if0", "", "", 0);
		see_removal();
		CU_ASSERT_TRUE(succeeded(3));
		CU_ASSERT_TRUE(are_left("d"));
		job_remove(job_stage.runner, 1);
		job_keep(job_stage.runner);
	}
}

static void test_memory(void)
{
	bool failed = true;
	char *before;

	put_four();
	before = tree_text(scratch("db"));
	for (unsigned long n = 1; failed && n < 500; n++) {
		char *after;

		put_four();
		ask(ISIF_JOB_UNBIND, "if0", "", "", 0);
		allocation_fail_at(n, false);
		run();
		failed = allocation_end();
		for (int i = 0; job()->state == ISIF_JOB_RUNNING && i < 30; i++) {
			job_stage.now += 1000;
			run();
		}
		after = tree_text(scratch("db"));
		CU_ASSERT_TRUE(job()->state == ISIF_JOB_FAILED ? failed && !strcmp(before, after)
							       : succeeded(3) && are_left("d"));
		free(after);
		forget_nodes();
		stage_build();
		job_remove(job_stage.runner, 1);
		job_keep(job_stage.runner);
	}
	CU_ASSERT_FALSE(failed);
	free(before);
}

void add_unbind_tests(void)
{
	CU_pSuite suite =
		CU_add_suite_with_setup_and_teardown("unbind", NULL, NULL, set_up, job_stage_close);

	CU_add_test(suite, "by iface", test_iface);
	CU_add_test(suite, "by target", test_target);
	CU_add_test(suite, "by portal", test_portal);
	CU_add_test(suite, "by all three", test_all_three);
	CU_add_test(suite, "until the snapshot has lost them", test_still_seen);
	CU_add_test(suite, "none matches", test_none);
	CU_add_test(suite, "everything is no wish", test_everything);
	CU_add_test(suite, "a session is logged out first", test_session);
	CU_add_test(suite, "a disk in use keeps all", test_disk_in_use);
	CU_add_test(suite, "a logout fails", test_logout_fails);
	CU_add_test(suite, "the second logout fails", test_second_logout_fails);
	CU_add_test(suite, "and the first one cannot be logged in again", test_login_again_fails);
	CU_add_test(suite, "cancelled, it logs in again", test_cancel);
	CU_add_test(suite, "a file with another name", test_misnamed);
	CU_add_test(suite, "a record that says something else", test_changed);
	CU_add_test(suite, "the lock is waited for", test_locked);
	CU_add_test(suite, "for half a minute", test_locked_too_long);
	CU_add_test(suite, "cancelled, it waits for no lock", test_cancel_while_locked);
	CU_add_test(suite, "somebody logs in meanwhile", test_logged_in_meanwhile);
	CU_add_test(suite, "many go in lots", test_many);
	CU_add_test(suite, "after the first lot it cannot be cancelled", test_too_late);
	CU_add_test(suite, "and waits for the lock for ever", test_locked_later);
	CU_add_test(suite, "somebody logs in between two lots", test_logged_in_later);
	CU_add_test(suite, "a restart between two lots", test_restart_while_removing);
	CU_add_test(suite, "and a cancel", test_restart_and_cancel_while_removing);
	CU_add_test(suite, "a restart after a logout", test_restart_while_logging_out);
	CU_add_test(suite, "and a cancel then", test_restart_and_cancel);
	CU_add_test(suite, "and a refusal then", test_restart_and_refusal);
	CU_add_test(suite, "a restart after the last lot", test_restart_after_removal);
	CU_add_test(suite, "plans that are none", test_odd_plans);
	CU_add_test(suite, "memory that runs out", test_memory);
}
