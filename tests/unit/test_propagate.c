/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An iface's settings into its node records: real files behind the real gate, and a snapshot that
 * knows of them what the test lets it know. Time is the test's own; with a deadline of 0 a batch
 * is one record, and a test can act between any two of them.
 */
#include "suites.h"

#include "allocation.h"
#include "job_stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STEPS 10000 /* more than any job here has */

#define OLD    "iface.net_ifacename = san0\niface.mtu = 1500\n"
#define NEW    "iface.net_ifacename = san1\niface.mtu = 9000\n"
#define NEWER  "iface.net_ifacename = san1\niface.mtu = 1400\n"
#define NODE_A "nodes/iqn.a/192.0.2.1,3260,1/if0"
#define NODE_B "nodes/iqn.b/192.0.2.1,3260,1/if0"
#define NODE_C "nodes/iqn.c/192.0.2.2,3260,1/if0"
#define TEXT_A(settings)                                                                           \
	NODE_RECORD("iqn.a", "192.0.2.1", "3260", "1", IFACE("if0", settings "node.odd = 1\n"))
#define TEXT_B(settings) NODE_RECORD("iqn.b", "192.0.2.1", "3260", "1", IFACE("if0", settings))
#define TEXT_C(settings) NODE_RECORD("iqn.c", "192.0.2.2", "3260", "1", IFACE("if0", settings))

/* --- what is on disk, and what the snapshot knows --- */

static void see_iface(const char *text)
{
	stage_remove_iface("if0");
	stage_iface("if0", text);
}

/* The iface was changed; three node records have old copies. */
static void put_three(void)
{
	see_iface(IFACE_RECORD("if0", NEW));
	put_and_see(NODE_A, TEXT_A(OLD));
	put_and_see(NODE_B, TEXT_B(OLD));
	put_and_see(NODE_C, TEXT_C(OLD));
	stage_build();
}

static bool holds(const char *path, const char *text)
{
	char found[4096];
	FILE *file = fopen(scratch("db/%s", path), "re");
	size_t length = file ? fread(found, 1, sizeof(found) - 1, file) : 0;

	found[length] = '\0';
	if (file)
		fclose(file);
	if (file && !strcmp(found, text))
		return true;
	printf("# %s: %s\n", path, file ? found : "no such file");
	return false;
}

static bool all_are_new(void)
{
	return holds(NODE_A, TEXT_A(NEW)) && holds(NODE_B, TEXT_B(NEW)) &&
	       holds(NODE_C, TEXT_C(NEW));
}

static bool all_are_old(void)
{
	return holds(NODE_A, TEXT_A(OLD)) && holds(NODE_B, TEXT_B(OLD)) &&
	       holds(NODE_C, TEXT_C(OLD));
}

/* --- the job --- */

static void propagate(void)
{
	ask(ISIF_JOB_PROPAGATE, "if0", "", "", 0);
}

/* Runs until so many records are rewritten, and no further. */
static void run_until(uint32_t results)
{
	for (unsigned steps = 0; job()->results < results && steps < STEPS; steps++)
		run_one_slice();
	CU_ASSERT_EQUAL_FATAL(job()->results, results);
	CU_ASSERT_EQUAL_FATAL(job()->state, ISIF_JOB_RUNNING);
}

static bool succeeded(uint32_t results)
{
	return ended(ISIF_JOB_SUCCEEDED, 0, "") && job()->results == results &&
	       job()->progress == 100 && nothing_is_left();
}

/* --- tests --- */

static void test_all(void)
{
	put_three();
	propagate();
	run();
	CU_ASSERT_TRUE(succeeded(3));
	CU_ASSERT_STRING_EQUAL(job()->step, "node records rewritten: 3 of 3");
	CU_ASSERT_TRUE(all_are_new());
	CU_ASSERT_STRING_EQUAL(stage.lines.all,
			       "job 1 (propagate, iface if0) began\n"
			       "job 1 (propagate, iface if0) succeeded: node records rewritten: 3 "
			       "of 3\n");
}

static void test_nothing(void)
{
	see_iface(IFACE_RECORD("if0", NEW));
	put_and_see(NODE_A, TEXT_A(NEW));
	stage_build();
	propagate();
	run();
	CU_ASSERT_TRUE(succeeded(0));
	CU_ASSERT_STRING_EQUAL(job()->step, "no node record differs");
	CU_ASSERT_TRUE(holds(NODE_A, TEXT_A(NEW)));
}

/* Records of another iface, and those that agree already, are not touched. */
static void test_others(void)
{
	static const char other[] = "nodes/iqn.a/192.0.2.1,3260,1/if1";

	see_iface(IFACE_RECORD("if0", NEW));
	stage_iface("if1", IFACE_RECORD("if1", NEW));
	put_and_see(NODE_A, TEXT_A(OLD));
	put_and_see(NODE_B, TEXT_B(NEW));
	put_and_see(other, NODE_RECORD("iqn.a", "192.0.2.1", "3260", "1", IFACE("if1", OLD)));
	stage_build();
	propagate();
	run();
	CU_ASSERT_TRUE(succeeded(1));
	CU_ASSERT_TRUE(holds(NODE_A, TEXT_A(NEW)) && holds(NODE_B, TEXT_B(NEW)));
	CU_ASSERT_TRUE(
		holds(other, NODE_RECORD("iqn.a", "192.0.2.1", "3260", "1", IFACE("if1", OLD))));
}

static void test_one_target(void)
{
	put_three();
	ask(ISIF_JOB_PROPAGATE, "if0", "iqn.b", "", 0);
	run();
	CU_ASSERT_TRUE(succeeded(1));
	CU_ASSERT_TRUE(holds(NODE_A, TEXT_A(OLD)) && holds(NODE_B, TEXT_B(NEW)) &&
		       holds(NODE_C, TEXT_C(OLD)));
}

static void test_one_portal(void)
{
	put_three();
	ask(ISIF_JOB_PROPAGATE, "if0", "", "192.0.2.1", 3260);
	run();
	CU_ASSERT_TRUE(succeeded(2));
	CU_ASSERT_TRUE(holds(NODE_A, TEXT_A(NEW)) && holds(NODE_B, TEXT_B(NEW)) &&
		       holds(NODE_C, TEXT_C(OLD)));
}

/* The old layout: the record is where the others have a directory. */
static void test_single_file(void)
{
	static const char path[] = "nodes/iqn.a/192.0.2.1,3260";

	see_iface(IFACE_RECORD("if0", NEW));
	put_and_see(path, TEXT_A(OLD));
	stage_build();
	propagate();
	run();
	CU_ASSERT_TRUE(succeeded(1));
	CU_ASSERT_TRUE(holds(path, TEXT_A(NEW)));
}

/* Each way in which a copy can differ, and each in which it only seems to. */
static void test_differences(void)
{
	struct isif_record *record;
	char text[4096] = "";
	FILE *file;

	see_iface(IFACE_RECORD("if0",
			       "iface.net_ifacename = san1\niface.initiatorname = iqn.own\n"
			       "iface.hwaddress = default\niface.mtu = 0\n"
			       "iface.vlan_id = 5\niface.prefix_len = 0\niface.future = 1\n"));
	put_and_see(NODE_A,
		    TEXT_A("iface.net_ifacename = san0\niface.ipaddress = 192.0.2.9\n"
			   "iface.mtu = 1500\niface.port = 0\niface.tos = 4\niface.past = 1\n"));
	stage_build();
	propagate();
	run();
	CU_ASSERT_TRUE(succeeded(1));
	file = fopen(scratch("db/" NODE_A), "re");
	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	CU_ASSERT_TRUE(fread(text, 1, sizeof(text) - 1, file) > 0);
	fclose(file);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "\nnode.session.auth.password = wonderland\n"));
	record = parse_record(text);
	CU_ASSERT_TRUE(has_value(record, "iface.iscsi_ifacename", "if0"));
	CU_ASSERT_TRUE(has_value(record, "iface.net_ifacename", "san1"));
	CU_ASSERT_TRUE(has_value(record, "iface.initiatorname", "iqn.own"));
	CU_ASSERT_TRUE(has_value(record, "iface.transport_name", "tcp"));
	CU_ASSERT_TRUE(has_value(record, "iface.mtu", "0"));
	CU_ASSERT_TRUE(has_value(record, "iface.vlan_id", "5"));
	CU_ASSERT_TRUE(has_value(record, "iface.ipaddress", NULL));
	CU_ASSERT_TRUE(has_value(record, "iface.tos", NULL));
	/* Nor need this version know a setting. */
	CU_ASSERT_TRUE(has_value(record, "iface.future", "1"));
	CU_ASSERT_TRUE(has_value(record, "iface.past", NULL));
	/* Not set is not set. */
	CU_ASSERT_TRUE(has_value(record, "iface.port", "0"));
	CU_ASSERT_TRUE(has_value(record, "iface.prefix_len", NULL));
	CU_ASSERT_TRUE(has_value(record, "iface.hwaddress", NULL));
	CU_ASSERT_TRUE(has_value(record, "node.odd", "1"));
	isif_record_release(record);
	/* And what was written agrees. */
	forget_nodes();
	see_node(NODE_A, text);
	stage_build();
	CU_ASSERT_EQUAL(binding_row("iqn.a", "if0")->in_sync, ISIF_BINDING_IN_SYNC);
}

/* Somebody was faster than the snapshot: it is tried again from a newer one. */
static void test_changed(void)
{
	put_three();
	put_node(NODE_B, TEXT_B("iface.mtu = 1300\n"));
	propagate();
	run();
	CU_ASSERT_EQUAL(job()->state, ISIF_JOB_RUNNING);
	CU_ASSERT_EQUAL(job()->results, 2);
	CU_ASSERT_EQUAL(job()->progress, 66);
	CU_ASSERT_STRING_EQUAL(job()->step, "rewriting node records: 2 of 3");
	CU_ASSERT_EQUAL(job_due(job_stage.runner), job_stage.now + 500);
	CU_ASSERT_EQUAL(job_descriptor(job_stage.runner, stage.snapshot, JOB_LANE_RECORDS), -1);
	CU_ASSERT_TRUE(holds(NODE_B, TEXT_B("iface.mtu = 1300\n")));
	forget_nodes();
	see_node(NODE_A, TEXT_A(NEW));
	see_node(NODE_B, TEXT_B("iface.mtu = 1300\n"));
	see_node(NODE_C, TEXT_C(NEW));
	stage_build();
	/* Not before its time, even if there is a newer snapshot. */
	run();
	CU_ASSERT_EQUAL(job()->results, 2);
	job_stage.now += 500;
	run();
	CU_ASSERT_TRUE(succeeded(3));
	CU_ASSERT_STRING_EQUAL(job()->step, "node records rewritten: 3 of 3");
}

/* Runs it through its rounds. */
static void run_rounds(int rounds)
{
	for (int i = 0; i < rounds; i++) {
		CU_ASSERT_EQUAL(job()->state, ISIF_JOB_RUNNING);
		job_stage.now += 500;
		run();
	}
}

static void test_always_changed(void)
{
	put_three();
	put_node(NODE_B, TEXT_B(NEWER));
	propagate();
	run();
	run_rounds(10);
	CU_ASSERT_TRUE(ended(ISIF_JOB_FAILED, ISIF_JOB_ERROR_CHANGED,
			     "node record " NODE_B ": somebody else changes it all the time"));
	CU_ASSERT_EQUAL(job()->results, 2);
	CU_ASSERT_STRING_EQUAL(job()->step, "node records rewritten: 2 of 3");
	CU_ASSERT_TRUE(holds(NODE_A, TEXT_A(NEW)) && holds(NODE_B, TEXT_B(NEWER)) &&
		       holds(NODE_C, TEXT_C(NEW)));
	CU_ASSERT_PTR_NOT_NULL(
		strstr(stage.lines.all,
		       "job 1 (propagate, iface if0) failed, error 1010: node record " NODE_B
		       ": somebody else changes it all the time; node records rewritten: 2 of "
		       "3\n"));
}

/* It comes back different as often as it is rewritten. */
static void test_changed_back(void)
{
	put_three();
	forget_nodes();
	for (int i = 0; i < 10; i++) {
		char text[1024];

		snprintf(text, sizeof(text), TEXT_B("iface.mtu = %d\n"), 2000 + i);
		put_node(NODE_B, text);
		forget_nodes();
		see_node(NODE_B, text);
		/* One more that is never there keeps the job running. */
		see_node(NODE_C, TEXT_C(OLD));
		stage_build();
		if (!i) {
			remove(scratch("db/" NODE_C));
			propagate();
		}
		run();
	}
	forget_nodes();
	see_node(NODE_B, TEXT_B("iface.mtu = 3000\n"));
	stage_build();
	run();
	CU_ASSERT_TRUE(ended(ISIF_JOB_FAILED, ISIF_JOB_ERROR_CHANGED,
			     "node record " NODE_B ": somebody else changes it each time it was "
			     "rewritten"));
	CU_ASSERT_EQUAL(job()->results, 1);
}

static void test_half_written(void)
{
	put_three();
	put_node(NODE_B, "# BEGIN RECORD 2.1.8\niface.mtu = 1500\n");
	propagate();
	run();
	CU_ASSERT_EQUAL(job()->results, 2);
	run_rounds(1);
	CU_ASSERT_EQUAL(job()->results, 2);
	put_node(NODE_B, TEXT_B(OLD));
	run_rounds(1);
	CU_ASSERT_TRUE(succeeded(3));
	CU_ASSERT_TRUE(all_are_new());
}

static void test_stays_half_written(void)
{
	put_three();
	put_node(NODE_B, "# BEGIN RECORD 2.1.8\niface.mtu = 1500\n");
	propagate();
	run();
	run_rounds(10);
	CU_ASSERT_TRUE(ended(ISIF_JOB_FAILED, ISIF_JOB_ERROR_CHANGED,
			     "node record " NODE_B ": it stays half-written"));
}

static void test_gone(void)
{
	put_three();
	remove_file("db/" NODE_C);
	propagate();
	run();
	CU_ASSERT_EQUAL(job()->state, ISIF_JOB_RUNNING);
	isif_node_release(stage.nodes[--stage.world.node_count]);
	stage_build();
	run();
	CU_ASSERT_TRUE(succeeded(2));
	CU_ASSERT_FALSE(file_exists("db/" NODE_C));
}

/* The file that holds a record can have another name than stands in it. */
static void test_misnamed(void)
{
	put_three();
	CU_ASSERT_EQUAL(rename(scratch("db/" NODE_B), scratch("db/" NODE_B ".old")), 0);
	propagate();
	run();
	run_rounds(10);
	CU_ASSERT_TRUE(ended(ISIF_JOB_FAILED, ISIF_JOB_ERROR_DATABASE,
			     "node record " NODE_B ": there is no such file; the file of a record "
			     "must have the names that stand in it"));
	CU_ASSERT_TRUE(holds(NODE_B ".old", TEXT_B(OLD)));
}

/* What fails for good is not tried again, and the others are done. */
static void test_bad_records(void)
{
	put_three();
	remove_file("db/" NODE_A);
	put_link("db/" NODE_A, "../../iqn.b/192.0.2.1,3260,1/if0");
	see_node("nodes/../../etc/192.0.2.1,3260,1/if0",
		 NODE_RECORD("../../etc", "192.0.2.1", "3260", "1", IFACE("if0", OLD)));
	stage_build();
	propagate();
	run();
	CU_ASSERT_TRUE(ended(ISIF_JOB_FAILED, ISIF_JOB_ERROR_DATABASE,
			     "node record " NODE_A ": not in the form that it must have"));
	CU_ASSERT_EQUAL(job()->results, 2);
	CU_ASSERT_EQUAL(job()->progress, 50);
	CU_ASSERT_STRING_EQUAL(job()->step, "node records rewritten: 2 of 4");
	CU_ASSERT_TRUE(holds(NODE_B, TEXT_B(NEW)) && holds(NODE_C, TEXT_C(NEW)));
}

static void test_lock(void)
{
	put_three();
	put_file("lock/lock.write", "");
	propagate();
	run();
	CU_ASSERT_STRING_EQUAL(job()->step, "waiting for open-iscsi's lock");
	CU_ASSERT_EQUAL(job()->state, ISIF_JOB_RUNNING);
	job_stage.now += 29999;
	run();
	CU_ASSERT_EQUAL(job()->state, ISIF_JOB_RUNNING);
	CU_ASSERT_TRUE(all_are_old());
	remove_file("lock/lock.write");
	job_stage.now += 20;
	run();
	CU_ASSERT_TRUE(succeeded(3));
	CU_ASSERT_TRUE(all_are_new());
}

static void test_locked_too_long(void)
{
	put_three();
	put_file("lock/lock.write", "");
	propagate();
	run();
	job_stage.now += 30000;
	run();
	CU_ASSERT_TRUE(ended(ISIF_JOB_FAILED, ISIF_JOB_ERROR_LOCKED,
			     "somebody else has held open-iscsi's lock for 30 seconds"));
	remove_file("lock/lock.write");
	CU_ASSERT_TRUE(all_are_old() && nothing_is_left());
}

/* The gate has no state directory: it is asked again for half a minute. */
static void test_no_writing(void)
{
	job_runner_close(job_stage.runner);
	isif_privileged_close(job_stage.gate);
	CU_ASSERT_EQUAL_FATAL(open_gate(scratch("db"), &job_stage.gate), ISIF_OK);
	job_stage_open_runner();
	put_three();
	propagate();
	run();
	CU_ASSERT_EQUAL(job()->state, ISIF_JOB_RUNNING);
	CU_ASSERT_PTR_NOT_NULL(strstr(job()->step, "waiting: no state directory"));
	job_stage.now += 29999;
	run();
	CU_ASSERT_EQUAL(job()->state, ISIF_JOB_RUNNING);
	job_stage.now += 1000;
	run();
	CU_ASSERT_EQUAL(job()->state, ISIF_JOB_FAILED);
	CU_ASSERT_EQUAL(job()->error, ISIF_JOB_ERROR_DATABASE);
	CU_ASSERT_PTR_NOT_NULL(strstr(job()->error_text, "cannot write: no state directory"));
	CU_ASSERT_TRUE(all_are_old());
}

/* What is rewritten stays rewritten, and each record is whole. */
static void test_cancel(void)
{
	put_three();
	propagate();
	run_until(1);
	cancel();
	run();
	CU_ASSERT_TRUE(ended(ISIF_JOB_CANCELLED, 0, ""));
	CU_ASSERT_EQUAL(job()->results, 1);
	CU_ASSERT_STRING_EQUAL(job()->step, "cancelled; node records rewritten: 1 of 3");
	CU_ASSERT_TRUE(holds(NODE_A, TEXT_A(NEW)) && holds(NODE_B, TEXT_B(OLD)) &&
		       holds(NODE_C, TEXT_C(OLD)) && nothing_is_left());
}

/* It does not wait for the lock that the job waits for. */
static void test_cancel_while_locked(void)
{
	put_three();
	put_file("lock/lock.write", "");
	propagate();
	run();
	cancel();
	run();
	CU_ASSERT_TRUE(ended(ISIF_JOB_CANCELLED, 0, ""));
	CU_ASSERT_EQUAL(job()->results, 0);
	remove_file("lock/lock.write");
	CU_ASSERT_TRUE(all_are_old() && nothing_is_left());
}

static void test_iface_goes(void)
{
	put_three();
	propagate();
	run_until(1);
	stage_remove_iface("if0");
	stage_build();
	run();
	CU_ASSERT_TRUE(
		ended(ISIF_JOB_FAILED, ISIF_JOB_ERROR_CHANGED, "iface if0 has no record any more"));
	CU_ASSERT_EQUAL(job()->results, 1);
	CU_ASSERT_TRUE(holds(NODE_A, TEXT_A(NEW)) && holds(NODE_B, TEXT_B(OLD)));
}

/* The iface changes again while its job runs: the last word goes into all of them. */
static void test_iface_changes(void)
{
	put_three();
	propagate();
	run_until(1);
	see_iface(IFACE_RECORD("if0", NEWER));
	stage_build();
	run();
	CU_ASSERT_EQUAL(job()->results, 3);
	/* The snapshot does not know yet what the first one became. */
	CU_ASSERT_EQUAL(job()->state, ISIF_JOB_RUNNING);
	CU_ASSERT_TRUE(holds(NODE_A, TEXT_A(NEW)));
	forget_nodes();
	see_node(NODE_A, TEXT_A(NEW));
	see_node(NODE_B, TEXT_B(NEWER));
	see_node(NODE_C, TEXT_C(NEWER));
	stage_build();
	job_stage.now += 500;
	run();
	CU_ASSERT_TRUE(succeeded(3));
	CU_ASSERT_TRUE(holds(NODE_A, TEXT_A(NEWER)) && holds(NODE_B, TEXT_B(NEWER)) &&
		       holds(NODE_C, TEXT_C(NEWER)));
}

/* A restart in the middle: what is left is done. */
static void test_restart(void)
{
	put_three();
	propagate();
	run_until(1);
	job_runner_close(job_stage.runner);
	CU_ASSERT_TRUE(nothing_is_left());
	job_stage_open_runner();
	CU_ASSERT_EQUAL(job()->state, ISIF_JOB_PENDING);
	CU_ASSERT_EQUAL(job()->results, 0);
	forget_nodes();
	see_node(NODE_A, TEXT_A(NEW));
	see_node(NODE_B, TEXT_B(OLD));
	see_node(NODE_C, TEXT_C(OLD));
	stage_build();
	run();
	CU_ASSERT_TRUE(succeeded(2));
	CU_ASSERT_TRUE(all_are_new());
}

/* Writing is forbidden for a while: nothing is under way meanwhile, then all is done. */
static void test_suspend(void)
{
	put_three();
	put_file("lock/lock.write", "");
	propagate();
	run();
	job_suspend(job_stage.runner);
	CU_ASSERT_EQUAL(job()->state, ISIF_JOB_PENDING);
	CU_ASSERT_EQUAL(job()->started, 0);
	CU_ASSERT_EQUAL(job_descriptor(job_stage.runner, stage.snapshot, JOB_LANE_RECORDS), -1);
	remove_file("lock/lock.write");
	CU_ASSERT_TRUE(all_are_old() && nothing_is_left());
	run();
	CU_ASSERT_TRUE(succeeded(3));
	CU_ASSERT_TRUE(all_are_new());
}

/* One at a time: the second one begins when the first one has ended. */
static void test_two(void)
{
	put_three();
	propagate();
	ask_as(2, ISIF_JOB_PROPAGATE, "if0", "", "", 0);
	run_until(1);
	CU_ASSERT_EQUAL(job_find(job_stage.runner, 2)->state, ISIF_JOB_PENDING);
	forget_nodes();
	see_node(NODE_A, TEXT_A(NEW));
	see_node(NODE_B, TEXT_B(NEW));
	see_node(NODE_C, TEXT_C(NEW));
	stage_build();
	run();
	CU_ASSERT_EQUAL(job_find(job_stage.runner, 2)->state, ISIF_JOB_SUCCEEDED);
	CU_ASSERT_EQUAL(job_find(job_stage.runner, 2)->results, 0);
}

/* It does not succeed with what the iface's record said before. */
static void test_snapshot_lags(void)
{
	put_file("db/ifaces/if0", IFACE_RECORD("if0", NEW));
	see_iface(IFACE_RECORD("if0", OLD));
	put_and_see(NODE_A, TEXT_A(OLD));
	stage_build();
	propagate();
	run();
	CU_ASSERT_EQUAL(job()->state, ISIF_JOB_RUNNING);
	see_iface(IFACE_RECORD("if0", NEW));
	stage_build();
	job_stage.now += 1000;
	run();
	CU_ASSERT_TRUE(succeeded(1));
	CU_ASSERT_TRUE(holds(NODE_A, TEXT_A(NEW)));
}

/* But not for ever. */
static void test_snapshot_stays(void)
{
	put_file("db/ifaces/if0", IFACE_RECORD("if0", NEW));
	see_iface(IFACE_RECORD("if0", OLD));
	stage_build();
	propagate();
	for (int i = 0; i < 31; i++) {
		run();
		job_stage.now += 1000;
	}
	CU_ASSERT_TRUE(ended(ISIF_JOB_FAILED, ISIF_JOB_ERROR_DATABASE,
			     "the record of iface if0: somebody changed it meanwhile"));
}

/* Whatever allocation fails, each record is old or new, and in the end all are new. */
static void test_memory(void)
{
	bool failed = true;

	put_three();
	for (unsigned long n = 1; failed && n < 500; n++) {
		put_node(NODE_A, TEXT_A(OLD));
		put_node(NODE_B, TEXT_B(OLD));
		put_node(NODE_C, TEXT_C(OLD));
		propagate();
		allocation_fail_at(n, false);
		run();
		failed = allocation_end();
		for (int i = 0; job()->state == ISIF_JOB_RUNNING && i < 5; i++) {
			job_stage.now += 1000;
			run();
		}
		if (job()->state == ISIF_JOB_FAILED) {
			CU_ASSERT_TRUE(failed && all_are_old());
			CU_ASSERT_TRUE(
				ended(ISIF_JOB_FAILED, ISIF_JOB_ERROR_GENERIC, "out of memory"));
		} else {
			CU_ASSERT_TRUE(succeeded(3) && all_are_new());
		}
		job_remove(job_stage.runner, 1);
		job_keep(job_stage.runner);
	}
	CU_ASSERT_FALSE(failed);
}

void add_propagate_tests(void)
{
	CU_pSuite suite = CU_add_suite_with_setup_and_teardown("propagate", NULL, NULL,
							       job_stage_open, job_stage_close);

	CU_add_test(suite, "every copy that differs is rewritten, once", test_all);
	CU_add_test(suite, "nothing to rewrite succeeds at once", test_nothing);
	CU_add_test(suite, "other records are not touched", test_others);
	CU_add_test(suite, "the bindings of one target", test_one_target);
	CU_add_test(suite, "the bindings of one portal", test_one_portal);
	CU_add_test(suite, "a record of the old layout", test_single_file);
	CU_add_test(suite, "each way in which a copy differs", test_differences);
	CU_add_test(suite, "a record that was changed is tried again", test_changed);
	CU_add_test(suite, "but not for ever", test_always_changed);
	CU_add_test(suite, "one that comes back different neither", test_changed_back);
	CU_add_test(suite, "a half-written record is waited for", test_half_written);
	CU_add_test(suite, "but not for ever, either", test_stays_half_written);
	CU_add_test(suite, "a record that goes is no failure", test_gone);
	CU_add_test(suite, "a file with another name fails", test_misnamed);
	CU_add_test(suite, "bad records fail, and the others are done", test_bad_records);
	CU_add_test(suite, "somebody else's lock is waited for", test_lock);
	CU_add_test(suite, "for half a minute", test_locked_too_long);
	CU_add_test(suite, "so is a gate that cannot write", test_no_writing);
	CU_add_test(suite, "cancelled, it ends between two batches", test_cancel);
	CU_add_test(suite, "cancelled, it waits for no lock", test_cancel_while_locked);
	CU_add_test(suite, "the iface goes meanwhile", test_iface_goes);
	CU_add_test(suite, "the iface changes meanwhile", test_iface_changes);
	CU_add_test(suite, "a restart in the middle", test_restart);
	CU_add_test(suite, "suspended and begun anew", test_suspend);
	CU_add_test(suite, "one after the other", test_two);
	CU_add_test(suite, "a snapshot that lags behind the iface", test_snapshot_lags);
	CU_add_test(suite, "one that stays behind it", test_snapshot_stays);
	CU_add_test(suite, "memory that runs out", test_memory);
}
