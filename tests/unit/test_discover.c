/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What iscsiadm says of a discovery, and the job that has it discover. */
#include "suites.h"

#include "allocation.h"
#include "discovery_output.h"
#include "job_stage.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* --- its output --- */

/* The lines of a text as "KIND target@address:port,tpgt". */
static bool reads(const char *text, size_t length, const char *expected)
{
	const char *at = text;
	struct discovery_line line;
	char found[1024] = "";

	while (discovery_line_next(&at, text + length, &line)) {
		size_t used = strlen(found);

		if (line.kind == DISCOVERY_LINE_PORTAL)
			snprintf(found + used, sizeof(found) - used, "%s@%s:%u,%d\n", line.target,
				 line.address, line.port, line.tpgt);
		else
			snprintf(found + used, sizeof(found) - used, "%s\n",
				 line.kind == DISCOVERY_LINE_ODD ? "odd" : "message");
	}
	if (!strcmp(found, expected))
		return true;
	printf("# read: %s\n", found);
	return false;
}

static bool reads_text(const char *text, const char *expected)
{
	return reads(text, strlen(text), expected);
}

/* As open-iscsi 2.1.8 writes them (usr/idbm.c:idbm_print_node_flat). */
static void test_portals(void)
{
	CU_ASSERT_TRUE(reads_text("192.168.10.10:3260,1 iqn.2026-11.org.example:disk1\n"
				  "[fd00::1]:3260,1 iqn.a\n"
				  "san.example.org:860,65535 eui.02004567A425678D\n"
				  "[storage]:3260,2 naa.52004567BA64678D\n"
				  "192.0.2.1:65535,-1 iqn.b\n"
				  "192.0.2.1:1,4294967295 iqn.c\n",
				  "iqn.2026-11.org.example:disk1@192.168.10.10:3260,1\n"
				  "iqn.a@fd00::1:3260,1\n"
				  "eui.02004567A425678D@san.example.org:860,65535\n"
				  "naa.52004567BA64678D@storage:3260,2\n"
				  "iqn.b@192.0.2.1:65535,-1\n"
				  "iqn.c@192.0.2.1:1,-1\n"));
}

static void test_messages(void)
{
	CU_ASSERT_TRUE(reads_text("", ""));
	CU_ASSERT_TRUE(reads_text("\niscsiadm: cannot make connection to 192.0.2.1: Connection "
				  "refused\n192.0.2.1:3260,1 iqn.a",
				  "message\nmessage\niqn.a@192.0.2.1:3260,1\n"));
}

/* What a target may have put there (CVE-2026-44943 of open-iscsi), or a pipe cut. */
static void test_odd_lines(void)
{
	static const char *const odd[] = {
		"192.0.2.1:3260,1 ../../../etc/passwd",
		"192.0.2.1:3260,1 iqn.a/b",
		"192.0.2.1:3260,1 .hidden",
		"192.0.2.1:3260,1 iqn.a,b",
		"192.0.2.1:3260,1 iqn.a b",
		"192.0.2.1:3260,1 iqn.\x1b[2J",
		"192.0.2.1:3260,1 iqn.\xc3\xa4",
		"192.0.2.1:3260,1 ",
		"192.0.2.1:3260,1",
		"192.0.2.1:3260 iqn.a",
		"192.0.2.1,1 iqn.a",
		"192.0.2.1:0,1 iqn.a",
		"192.0.2.1:65536,1 iqn.a",
		"192.0.2.1:99999999999999999999,1 iqn.a",
		"192.0.2.1:3260,65536 iqn.a",
		"192.0.2.1:3260,-2 iqn.a",
		"192.0.2.1: 3260,1 iqn.a",
		"192.0.2.1:+3260,1 iqn.a",
		":3260,1 iqn.a",
		"[]:3260,1 iqn.a",
		"[fd00::1:3260,1 iqn.a",
		"fd00::1]:3260,1 iqn.a",
		"../x:3260,1 iqn.a",
		"a/b:3260,1 iqn.a",
		"-oProxy:3260,1 iqn.a",
		" iqn.a",
		"iscsiadm",
		"q.2026-11.org.example:disk1",
	};

	for (size_t i = 0; i < COUNT(odd); i++)
		if (!reads_text(odd[i], "odd\n"))
			CU_FAIL("an odd line was taken");
	CU_ASSERT_TRUE(reads("192.0.2.1\0:3260,1 iqn.a\n", 24, "odd\n"));
	CU_ASSERT_TRUE(reads("192.0.2.1:3260,1 iqn.a\0b\n", 25, "odd\n"));
}

static void test_long_lines(void)
{
	char text[1024], expected[1024], name[512];

	memset(name, 'x', sizeof(name));
	snprintf(text, sizeof(text), "192.0.2.1:3260,1 %.223s\n", name);
	snprintf(expected, sizeof(expected), "%.223s@192.0.2.1:3260,1\n", name);
	CU_ASSERT_TRUE(reads_text(text, expected));
	snprintf(text, sizeof(text), "192.0.2.1:3260,1 %.224s\n", name);
	CU_ASSERT_TRUE(reads_text(text, "odd\n"));
	snprintf(text, sizeof(text), "%.256s:3260,1 iqn.a\n", name);
	CU_ASSERT_TRUE(reads_text(text, "odd\n"));
}

static void test_show(void)
{
	const char text[] = "192.0.2.1 \x1b[2J\xc3\xa4 and more";
	const char *at = text;
	struct discovery_line line;
	char shown[18];

	CU_ASSERT_TRUE(discovery_line_next(&at, text + strlen(text), &line));
	discovery_line_show(&line, shown, sizeof(shown));
	CU_ASSERT_STRING_EQUAL(shown, "192.0.2.1 ?[2J?? ");
}

/* --- the job --- */

#define NODE_A	     "nodes/iqn.a/192.0.2.10,3260,1/if0"
#define NODE_B	     "nodes/iqn.b/192.0.2.10,3260,1/if0"
#define TEXT_A	     NODE_RECORD("iqn.a", "192.0.2.10", "3260", "1", IFACE("if0", ""))
#define TEXT_B	     NODE_RECORD("iqn.b", "192.0.2.10", "3260", "1", IFACE("if0", ""))
#define FINDS_BOTH   "echo 192.0.2.10:3260,1 iqn.a\necho 192.0.2.10:3260,1 iqn.b\n"
#define ASKED(iface) "-m discoverydb -t st -p 192.0.2.10:3260 " iface "-o new --discover\n"
#define STEP	     "targets found: %d, portals of them: %d, bound now: %d, new: %d"

static void set_up(void)
{
	job_stage_open();
	wait_for_backup();
	stage_iface("if0", IFACE_RECORD("if0", ""));
	stage_build();
}

static void discover(const char *iface)
{
	ask(ISIF_JOB_DISCOVER, iface, "", "192.0.2.10", 0);
	run();
}

static bool succeeded(int targets, int portals, int bound, int fresh)
{
	char step[256];

	snprintf(step, sizeof(step), STEP, targets, portals, bound, fresh);
	return ended(ISIF_JOB_SUCCEEDED, 0, "") && steps(step) &&
	       job()->results == (uint32_t)bound && job()->progress == 100;
}

static void see_both(void)
{
	see_node(NODE_A, TEXT_A);
	see_node(NODE_B, TEXT_B);
	stage_build();
}

static void test_new(void)
{
	put_iscsiadm(FINDS_BOTH);
	discover("if0");
	CU_ASSERT_TRUE(was_asked(ASKED("-I if0 ")));
	CU_ASSERT_EQUAL(job()->state, ISIF_JOB_RUNNING);
	CU_ASSERT_TRUE(steps("looking for the records"));
	CU_ASSERT_EQUAL(job_due(job_stage.runner), job_stage.now + 10000);
	see_node(NODE_A, TEXT_A);
	stage_build();
	run();
	CU_ASSERT_EQUAL(job()->state, ISIF_JOB_RUNNING);
	see_node(NODE_B, TEXT_B);
	stage_build();
	run();
	CU_ASSERT_TRUE(succeeded(2, 2, 2, 2));
	CU_ASSERT_PTR_NOT_NULL(strstr(stage.lines.all,
				      "job 1 (discover, iface if0) began\n"
				      "job 1 (discover, iface if0) succeeded: targets found: 2, "
				      "portals of them: 2, bound now: 2, new: 2\n"));
}

static void test_again(void)
{
	see_both();
	put_iscsiadm(FINDS_BOTH);
	discover("if0");
	CU_ASSERT_TRUE(succeeded(2, 2, 2, 0));
}

static void test_nothing(void)
{
	put_iscsiadm("");
	discover("if0");
	CU_ASSERT_TRUE(succeeded(0, 0, 0, 0));
}

/* Whatever the address and the port: iscsiadm gets them as one argument. */
static void test_portal(void)
{
	put_iscsiadm("");
	ask(ISIF_JOB_DISCOVER, "default", "", "fd00::1", 860);
	run();
	CU_ASSERT_TRUE(succeeded(0, 0, 0, 0));
	CU_ASSERT_TRUE(was_asked("-m discoverydb -t st -p [fd00::1]:860 -I default -o new "
				 "--discover\n"));
}

/* A portal has a line for each iface; each must be bound to each. */
static void test_all_ifaces(void)
{
	stage_iface("if1", IFACE_RECORD("if1", ""));
	stage_iface("rdma", RECORD("iface.iscsi_ifacename = rdma\niface.transport_name = iser\n"));
	stage_build();
	put_iscsiadm(FINDS_BOTH FINDS_BOTH);
	discover("");
	CU_ASSERT_TRUE(was_asked(ASKED("")));
	see_both();
	see_node("nodes/iqn.a/192.0.2.10,3260,1/if1",
		 NODE_RECORD("iqn.a", "192.0.2.10", "3260", "1", IFACE("if1", "")));
	stage_build();
	run();
	CU_ASSERT_EQUAL(job()->state, ISIF_JOB_RUNNING);
	job_stage.now += 10000;
	run();
	CU_ASSERT_TRUE(ended(ISIF_JOB_FAILED, ISIF_JOB_ERROR_NOT_VERIFIED,
			     "iscsiadm says that it found iqn.b at 192.0.2.10:3260,1, but no node "
			     "record binds it to iface if1"));
	CU_ASSERT_TRUE(steps("targets found: 2, portals of them: 2, bound now: 3, new: 3"));
	CU_ASSERT_EQUAL(job()->results, 3);
}

static void test_no_iface(void)
{
	stage_remove_iface("if0");
	stage_build();
	put_iscsiadm("echo 192.0.2.10:3260,1 iqn.a\n");
	discover("");
	see_node("nodes/iqn.a/192.0.2.10,3260,1/default",
		 NODE_RECORD("iqn.a", "192.0.2.10", "3260", "1", IFACE("default", "")));
	stage_build();
	run();
	CU_ASSERT_TRUE(succeeded(1, 1, 1, 1));
}

/* It ends with 0 also where it could not write a record. */
static void test_lie(void)
{
	put_iscsiadm(FINDS_BOTH "echo iscsiadm: Could not add/update [tcp:[hw=,ip=] >&2\n");
	see_node(NODE_B, TEXT_B);
	stage_build();
	discover("if0");
	job_stage.now += 9999;
	run();
	CU_ASSERT_EQUAL(job()->state, ISIF_JOB_RUNNING);
	job_stage.now++;
	run();
	CU_ASSERT_TRUE(ended(ISIF_JOB_FAILED, ISIF_JOB_ERROR_NOT_VERIFIED,
			     "iscsiadm says that it found iqn.a at 192.0.2.10:3260,1, but no node "
			     "record binds it to iface if0"));
	CU_ASSERT_EQUAL(job()->results, 1);
}

/* As long as more and more show, it goes on looking. */
static void test_slow(void)
{
	put_iscsiadm(FINDS_BOTH);
	discover("if0");
	job_stage.now += 9000;
	see_node(NODE_A, TEXT_A);
	stage_build();
	run();
	job_stage.now += 9000;
	run();
	CU_ASSERT_EQUAL(job()->state, ISIF_JOB_RUNNING);
	see_node(NODE_B, TEXT_B);
	stage_build();
	run();
	CU_ASSERT_TRUE(succeeded(2, 2, 2, 2));
}

static void test_hostile(void)
{
	put_iscsiadm("echo 192.0.2.10:3260,1 iqn.a\n"
		     "echo 192.0.2.10:3260,1 ../../../../etc/cron.d/x\n"
		     "printf '192.0.2.10:3260,1 iqn.\\033[2J\\n'\n");
	see_node(NODE_A, TEXT_A);
	stage_build();
	discover("if0");
	CU_ASSERT_TRUE(ended(ISIF_JOB_FAILED, ISIF_JOB_ERROR_NOT_VERIFIED,
			     "lines of iscsiadm that name no target and portal that can be: 2, the "
			     "first \"192.0.2.10:3260,1 ../../../../etc/cron.d/x\"; the target may "
			     "be hostile"));
	CU_ASSERT_EQUAL(job()->results, 1);
}

static void test_endless(void)
{
	put_iscsiadm("yes '192.0.2.10:3260,1 iqn.a' | head -c 1100000\n");
	see_node(NODE_A, TEXT_A);
	stage_build();
	discover("if0");
	CU_ASSERT_EQUAL(job()->state, ISIF_JOB_FAILED);
	CU_ASSERT_EQUAL(job()->error, ISIF_JOB_ERROR_NOT_VERIFIED);
}

static void test_refused(void)
{
	put_iscsiadm("echo iscsiadm: cannot make connection to 192.0.2.10: Connection refused >&2\n"
		     "echo iscsiadm: Could not perform SendTargets discovery >&2\nexit 11\n");
	discover("if0");
	CU_ASSERT_TRUE(ended(ISIF_JOB_FAILED, 11,
			     "discovery: the target did not answer in time (cannot make connection "
			     "to 192.0.2.10: Connection refused; Could not perform SendTargets "
			     "discovery)"));
	CU_ASSERT_TRUE(steps("the discovery did not come to its end"));
	CU_ASSERT_EQUAL(job()->results, 0);
}

static void test_time_limit(void)
{
	job_runner_set_iscsiadm_timeout(job_stage.runner, 100);
	put_iscsiadm("exec sleep 1000\n");
	discover("if0");
	CU_ASSERT_EQUAL(job()->state, ISIF_JOB_FAILED);
	CU_ASSERT_EQUAL(job()->error, ISIF_JOB_ERROR_TIMEOUT);
}

static void test_killed(void)
{
	put_iscsiadm("kill -9 $$\n");
	discover("if0");
	CU_ASSERT_TRUE(ended(ISIF_JOB_FAILED, ISIF_JOB_ERROR_GENERIC, "somebody killed iscsiadm"));
}

static void test_no_iscsiadm(void)
{
	discover("if0");
	CU_ASSERT_TRUE(ended(ISIF_JOB_FAILED, ISIF_JOB_ERROR_GENERIC,
			     "cannot run iscsiadm: it is not installed (option -A names it)"));
}

static void test_iface_gone(void)
{
	put_iscsiadm("");
	discover("if7");
	CU_ASSERT_TRUE(
		ended(ISIF_JOB_FAILED, ISIF_JOB_ERROR_CHANGED, "there is no iface if7 any more"));
	CU_ASSERT_TRUE(was_asked(""));
}

/* --- what was there before --- */

/* It runs, and its end is the test's: a line into the FIFO. */
#define WAITS "read line <$here/go\n"

static void make_fifo(void)
{
	CU_ASSERT_EQUAL_FATAL(mkfifo(scratch("go"), 0600), 0);
}

static void let_go(void)
{
	FILE *fifo = fopen(scratch("go"), "we");

	CU_ASSERT_PTR_NOT_NULL_FATAL(fifo);
	fputs("go\n", fifo);
	fclose(fifo);
}

static bool changes(const char *before, const char *after)
{
	see_node(NODE_A, before);
	stage_build();
	make_fifo();
	put_iscsiadm(WAITS "echo 192.0.2.10:3260,1 iqn.a\n");
	ask(ISIF_JOB_DISCOVER, "if0", "", "192.0.2.10", 0);
	job_run(job_stage.runner, stage.snapshot, job_stage.now, UINT64_MAX);
	forget_nodes();
	if (after)
		see_node(NODE_A, after);
	stage_build();
	let_go();
	run();
	if (job()->state == ISIF_JOB_RUNNING) {
		job_stage.now += 10000;
		run();
	}
	return job()->error == ISIF_JOB_ERROR_CHANGED &&
	       ended(ISIF_JOB_FAILED, ISIF_JOB_ERROR_CHANGED,
		     "node record " NODE_A " does not say any more what it said before the "
		     "discovery");
}

static void test_startup_changed(void)
{
	CU_ASSERT_TRUE(changes(TEXT_A, RECORD("node.name = iqn.a\nnode.tpgt = 1\nnode.startup = "
					      "manual\n" IFACE("if0", ""))));
}

static void test_copy_changed(void)
{
	CU_ASSERT_TRUE(changes(TEXT_A, NODE_RECORD("iqn.a", "192.0.2.10", "3260", "1",
						   IFACE("if0", "iface.net_ifacename = san1\n"))));
}

/* As a propagate job of ours does meanwhile. */
static void test_copy_agrees(void)
{
	CU_ASSERT_FALSE(changes(NODE_RECORD("iqn.a", "192.0.2.10", "3260", "1",
					    IFACE("if0", "iface.net_ifacename = san1\n")),
				TEXT_A));
	CU_ASSERT_TRUE(succeeded(1, 1, 1, 0));
}

static void test_gone(void)
{
	CU_ASSERT_FALSE(changes(TEXT_A, NULL));
	CU_ASSERT_EQUAL(job()->error, ISIF_JOB_ERROR_NOT_VERIFIED);
}

/* --- cancelled --- */

/* Cancelled while iscsiadm runs, which then adds iqn.b beside an older iqn.a. */
static void cancel_meanwhile(const char *lines)
{
	put_and_see(NODE_A, TEXT_A);
	stage_build();
	make_fifo();
	put_iscsiadm(lines);
	ask(ISIF_JOB_DISCOVER, "if0", "", "192.0.2.10", 0);
	job_run(job_stage.runner, stage.snapshot, job_stage.now, UINT64_MAX);
	cancel();
	job_run(job_stage.runner, stage.snapshot, job_stage.now, UINT64_MAX);
	CU_ASSERT_EQUAL(job()->state, ISIF_JOB_RUNNING);
	CU_ASSERT_TRUE(steps("cancelled: waiting for iscsiadm to end"));
	let_go();
	run();
}

static void test_cancel(void)
{
	cancel_meanwhile(WAITS FINDS_BOTH);
	CU_ASSERT_EQUAL(job()->state, ISIF_JOB_RUNNING);
	put_and_see(NODE_B, TEXT_B);
	stage_build();
	run();
	CU_ASSERT_TRUE(ended(ISIF_JOB_CANCELLED, 0, ""));
	CU_ASSERT_TRUE(steps("cancelled; records that it had added and removed again: 1"));
	CU_ASSERT_EQUAL(job()->results, 0);
	CU_ASSERT_TRUE(file_exists("db/" NODE_A) && !file_exists("db/nodes/iqn.b"));
	CU_ASSERT_TRUE(nothing_is_left());
}

static void test_cancel_failed(void)
{
	cancel_meanwhile(WAITS "exit 11\n");
	CU_ASSERT_TRUE(ended(ISIF_JOB_CANCELLED, 0, ""));
	CU_ASSERT_TRUE(steps("cancelled; nothing had been added"));
	CU_ASSERT_TRUE(file_exists("db/" NODE_A));
}

static void test_cancel_killed(void)
{
	cancel_meanwhile(WAITS "kill -9 $$\n");
	CU_ASSERT_TRUE(ended(ISIF_JOB_CANCELLED, 0, ""));
	CU_ASSERT_TRUE(steps("cancelled; iscsiadm was killed, and what it may have added stays"));
}

/* Somebody has changed what it added: that stays. */
static void test_cancel_changed(void)
{
	cancel_meanwhile(WAITS FINDS_BOTH);
	see_node(NODE_B, TEXT_B);
	put_node(NODE_B, NODE_RECORD("iqn.b", "192.0.2.10", "3260", "1",
				     IFACE("if0", "iface.mtu = 9000\n")));
	stage_build();
	run();
	CU_ASSERT_TRUE(ended(ISIF_JOB_CANCELLED, 0, ""));
	CU_ASSERT_TRUE(
		steps("cancelled; records that it had added and removed again: 0; those that "
		      "changed or have a session since stay: 1"));
	CU_ASSERT_TRUE(file_exists("db/" NODE_B));
}

static void test_cancel_logged_in(void)
{
	cancel_meanwhile(WAITS FINDS_BOTH);
	put_and_see(NODE_B, TEXT_B);
	stage_session(5, "iqn.b", "if0");
	stage_build();
	run();
	CU_ASSERT_TRUE(ended(ISIF_JOB_CANCELLED, 0, ""));
	CU_ASSERT_TRUE(file_exists("db/" NODE_B));
}

static void test_cancel_locked(void)
{
	cancel_meanwhile(WAITS FINDS_BOTH);
	put_and_see(NODE_B, TEXT_B);
	stage_build();
	put_file("lock/lock.write", "");
	run();
	CU_ASSERT_TRUE(steps("cancelled: what it added is to be removed again, but somebody else "
			     "holds open-iscsi's lock"));
	job_stage.now += 29000;
	run();
	CU_ASSERT_EQUAL(job()->state, ISIF_JOB_RUNNING);
	remove_file("lock/lock.write");
	job_stage.now += 500;
	run();
	CU_ASSERT_TRUE(ended(ISIF_JOB_CANCELLED, 0, ""));
	CU_ASSERT_FALSE(file_exists("db/" NODE_B));
}

static void test_cancel_locked_for_ever(void)
{
	cancel_meanwhile(WAITS FINDS_BOTH);
	put_and_see(NODE_B, TEXT_B);
	stage_build();
	put_file("lock/lock.write", "");
	run();
	job_stage.now += 30000;
	run();
	CU_ASSERT_TRUE(ended(ISIF_JOB_FAILED, ISIF_JOB_ERROR_LOCKED,
			     "what it added cannot be removed again: somebody else holds "
			     "open-iscsi's lock"));
	CU_ASSERT_TRUE(steps("cancelled; records that it had added: 1, removed again: 0"));
	remove_file("lock/lock.write");
}

/* --- a restart, and memory --- */

static void test_restart(void)
{
	make_fifo();
	put_iscsiadm(WAITS);
	ask(ISIF_JOB_DISCOVER, "if0", "", "192.0.2.10", 0);
	job_run(job_stage.runner, stage.snapshot, job_stage.now, UINT64_MAX);
	job_stage_restart();
	CU_ASSERT_EQUAL(job()->state, ISIF_JOB_PENDING);
	put_iscsiadm(FINDS_BOTH);
	see_both();
	run();
	CU_ASSERT_TRUE(succeeded(2, 2, 2, 0));
}

static void test_memory(void)
{
	bool failed = true;

	see_both();
	put_iscsiadm(FINDS_BOTH);
	for (unsigned long n = 1; failed && n < 500; n++) {
		ask(ISIF_JOB_DISCOVER, "", "", "192.0.2.10", 0);
		allocation_fail_at(n, false);
		run();
		failed = allocation_end();
		for (int i = 0; job()->state == ISIF_JOB_RUNNING && i < 30; i++) {
			job_stage.now += 1000;
			run();
		}
		CU_ASSERT_TRUE(job()->state == ISIF_JOB_FAILED ? failed : succeeded(2, 2, 2, 0));
		job_remove(job_stage.runner, 1);
		job_keep(job_stage.runner);
	}
	CU_ASSERT_FALSE(failed);
}

void add_discover_tests(void)
{
	CU_pSuite suite = CU_add_suite("discovery output", NULL, NULL);

	CU_add_test(suite, "portals of targets", test_portals);
	CU_add_test(suite, "messages", test_messages);
	CU_add_test(suite, "what no target and no portal can be", test_odd_lines);
	CU_add_test(suite, "long names", test_long_lines);
	CU_add_test(suite, "a line for people", test_show);
	suite = CU_add_suite_with_setup_and_teardown("discover", NULL, NULL, set_up,
						     job_stage_close);
	CU_add_test(suite, "it has succeeded when the snapshot has what it found", test_new);
	CU_add_test(suite, "again, nothing is new", test_again);
	CU_add_test(suite, "a portal without targets", test_nothing);
	CU_add_test(suite, "address and port", test_portal);
	CU_add_test(suite, "no iface is every tcp iface", test_all_ifaces);
	CU_add_test(suite, "or the built-in one", test_no_iface);
	CU_add_test(suite, "exit code 0 is no proof", test_lie);
	CU_add_test(suite, "records that show slowly", test_slow);
	CU_add_test(suite, "names that no target can have", test_hostile);
	CU_add_test(suite, "output without end", test_endless);
	CU_add_test(suite, "open-iscsi's code and words", test_refused);
	CU_add_test(suite, "its time is limited", test_time_limit);
	CU_add_test(suite, "iscsiadm is killed", test_killed);
	CU_add_test(suite, "there is no iscsiadm", test_no_iscsiadm);
	CU_add_test(suite, "the iface is gone", test_iface_gone);
	CU_add_test(suite, "a startup that changed", test_startup_changed);
	CU_add_test(suite, "a copy that changed", test_copy_changed);
	CU_add_test(suite, "a copy that agrees by now", test_copy_agrees);
	CU_add_test(suite, "a record that went", test_gone);
	CU_add_test(suite, "cancelled, what it added goes again", test_cancel);
	CU_add_test(suite, "cancelled, and it failed", test_cancel_failed);
	CU_add_test(suite, "cancelled, and it was killed", test_cancel_killed);
	CU_add_test(suite, "cancelled, what changed stays", test_cancel_changed);
	CU_add_test(suite, "cancelled, what has a session stays", test_cancel_logged_in);
	CU_add_test(suite, "cancelled, the lock is waited for", test_cancel_locked);
	CU_add_test(suite, "but not for ever", test_cancel_locked_for_ever);
	CU_add_test(suite, "a restart in the middle", test_restart);
	CU_add_test(suite, "memory that runs out", test_memory);
}
