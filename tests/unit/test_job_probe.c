/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Jobs that probe: the real gate with a script in the place of iscsiadm, sockets of the test's own
 * on lo, and a snapshot of the stage. Time is the test's own.
 */
#include "suites.h"

#include "allocation.h"
#include "job_stage.h"
#include "loopback.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATIENCE 60000 /* ms for what must come */
#define STEPS	 10000 /* more than any job here has */

static struct isif_rtnetlink *rtnetlink;
static int listeners[2];
static uint16_t ports[2]; /* of theirs */

static void set_up(void)
{
	job_stage_open();
	loopback_stage();
	CU_ASSERT_EQUAL_FATAL(isif_rtnetlink_open(&rtnetlink), ISIF_OK);
	job_runner_set_rtnetlink(job_stage.runner, rtnetlink);
	for (size_t i = 0; i < COUNT(listeners); i++) {
		listeners[i] = loopback_listen(AF_INET, &ports[i]);
		CU_ASSERT_TRUE_FATAL(listeners[i] >= 0);
	}
	stage_iface("if0", IFACE_RECORD("if0", ""));
}

static void tear_down(void)
{
	for (size_t i = 0; i < COUNT(listeners); i++)
		close(listeners[i]);
	job_stage_close();
	isif_rtnetlink_close(rtnetlink);
}

/* --- iscsiadm --- */

/* It notes what it was given, and then does this. */
static void put_script(const char *does)
{
	char text[1024];

	snprintf(text, sizeof(text), "#!/bin/sh\necho \"$@\" >>'%s'\n%s\n", scratch("given"), does);
	put_file("iscsiadm", text);
	CU_ASSERT_EQUAL_FATAL(chmod(scratch("iscsiadm"), 0755), 0);
}

/* It finds these; a line each. */
static void put_answer(const char *lines)
{
	char does[512];

	put_file("found", lines);
	snprintf(does, sizeof(does), "cat '%s'", scratch("found"));
	put_script(does);
}

/* What it was given, in all its runs. */
static const char *given(void)
{
	static char text[2048];
	FILE *file = fopen(scratch("given"), "re");
	size_t length = file ? fread(text, 1, sizeof(text) - 1, file) : 0;

	text[length] = '\0';
	if (file)
		fclose(file);
	return text;
}

/* What it must be given for a portal of 127.0.0.1: iscsiadm(8), and nothing is stored. */
static const char *asked(uint16_t port)
{
	static char text[256];

	snprintf(text, sizeof(text), "-m discovery -t st -p 127.0.0.1:%u -I if0 -o nonpersistent\n",
		 port);
	return text;
}

/* --- bindings and jobs --- */

static void bind_at(const char *target, const char *address, uint16_t port)
{
	char path[256], text[512];

	snprintf(path, sizeof(path), "nodes/%s/%s,%u,1/if0", target, address, port);
	snprintf(text, sizeof(text),
		 "node.name = %s\nnode.tpgt = 1\nnode.conn[0].address = %s\n"
		 "node.conn[0].port = %u\niface.iscsi_ifacename = if0\n"
		 "iface.transport_name = tcp\n# END RECORD\n",
		 target, address, port);
	stage_node_text(path, text);
}

static void ask_about(const char *target, const char *address, uint16_t port)
{
	stage_build();
	ask(ISIF_JOB_PROBE, "if0", target, address, port);
}

/* One slice, and the wait after it. */
static void slice(void)
{
	struct pollfd one = { .events = POLLIN };

	job_run(job_stage.runner, stage.snapshot, job_stage.now, UINT64_MAX);
	one.fd = job_descriptor(job_stage.runner, stage.snapshot, JOB_LANE_PROBES);
	if (one.fd >= 0) {
		CU_ASSERT_EQUAL_FATAL(poll(&one, 1, PATIENCE), 1);
	} else if (job_due(job_stage.runner) != UINT64_MAX &&
		   job_due(job_stage.runner) > job_stage.now) {
		job_stage.now = job_due(job_stage.runner);
	}
}

static void run_through(void)
{
	for (unsigned steps = 0; isif_job_is_open(job()) && steps < STEPS; steps++)
		slice();
	CU_ASSERT_FALSE_FATAL(isif_job_is_open(job()));
	CU_ASSERT_EQUAL(job_descriptor(job_stage.runner, stage.snapshot, JOB_LANE_PROBES), -1);
}

static bool ended_with(enum isif_job_state state, int32_t error, uint32_t results, const char *step,
		       const char *text)
{
	const struct isif_job *one = job();

	if (one->state == state && one->error == error && one->results == results &&
	    !strcmp(one->step, step) && !strcmp(one->error_text, text))
		return true;
	printf("# state %d, error %d, results %u: %s; %s\n", (int)one->state, one->error,
	       one->results, one->step, one->error_text);
	return false;
}

static bool succeeded(uint32_t results, const char *step)
{
	return ended_with(ISIF_JOB_SUCCEEDED, 0, results, step, "") && job()->progress == 100;
}

/* The text begins with the portal at this port of 127.0.0.1. */
static bool failed(int32_t error, uint32_t results, const char *step, uint16_t port,
		   const char *text)
{
	char whole[ISIF_JOB_TEXT_SIZE];

	snprintf(whole, sizeof(whole), "portal 127.0.0.1:%u: %s", port, text);
	return ended_with(ISIF_JOB_FAILED, error, results, step, whole);
}

#define ONE  "1 of 1 portals can be reached over iface if0"
#define NONE "0 of 1 portals can be reached over iface if0"

/* --- tests --- */

static void test_reachable(void)
{
	put_answer("127.0.0.1:3260,1 iqn.b\n127.0.0.1:3260,1 iqn.a\n");
	bind_at("iqn.a", "127.0.0.1", ports[0]);
	ask_about("", "", 0);
	run_through();
	CU_ASSERT_TRUE(succeeded(1, ONE));
	CU_ASSERT_STRING_EQUAL(given(), asked(ports[0]));
	CU_ASSERT_STRING_EQUAL(stage.lines.all, "job 1 (probe, iface if0) began\n"
						"job 1 (probe, iface if0) succeeded: " ONE "\n");
}

/* Three bindings at one portal: it is asked once. */
static void test_once(void)
{
	put_answer("127.0.0.1:3260,1 iqn.a\n127.0.0.1:3260,1 iqn.c\n127.0.0.1:3260,1 iqn.b\n");
	bind_at("iqn.a", "127.0.0.1", ports[0]);
	bind_at("iqn.b", "127.0.0.1", ports[0]);
	bind_at("iqn.c", "127.0.0.1", ports[0]);
	ask_about("", "", 0);
	run_through();
	CU_ASSERT_TRUE(succeeded(3, ONE));
	CU_ASSERT_STRING_EQUAL(given(), asked(ports[0]));
}

/* Only what is asked about: by target, and by port. */
static void test_matches(void)
{
	put_answer("127.0.0.1:3260,1 iqn.b\n");
	bind_at("iqn.a", "127.0.0.1", ports[0]);
	bind_at("iqn.b", "127.0.0.1", ports[1]);
	ask_about("iqn.b", "", 0);
	run_through();
	CU_ASSERT_TRUE(succeeded(1, ONE));
	CU_ASSERT_STRING_EQUAL(given(), asked(ports[1]));
}

static void test_by_port(void)
{
	put_answer("127.0.0.1:3260,1 iqn.b\n");
	bind_at("iqn.a", "127.0.0.1", ports[0]);
	bind_at("iqn.b", "127.0.0.1", ports[1]);
	ask_about("", "127.0.0.1", ports[1]);
	run_through();
	CU_ASSERT_TRUE(succeeded(1, ONE));
	CU_ASSERT_STRING_EQUAL(given(), asked(ports[1]));
}

static void test_not_listed(void)
{
	/* Nor is a line that only looks like one. */
	put_answer("127.0.0.1:3260,1 iqn.a\niqn.b\n127.0.0.1:3260,1 iqn.b iqn.b\n"
		   "iscsiadm: 127.0.0.1:3260,1 iqn.b\n127.0.0.1:3260,1 iqn.bb\n");
	bind_at("iqn.a", "127.0.0.1", ports[0]);
	bind_at("iqn.b", "127.0.0.1", ports[0]);
	ask_about("", "", 0);
	run_through();
	CU_ASSERT_TRUE(failed(ISIF_JOB_ERROR_UNREACHABLE, 1, NONE, ports[0],
			      "it answers, but its discovery does not list target iqn.b"));
}

/* A portal that nobody has bound yet: the job's own target must be there, or any. */
static void test_unbound(void)
{
	put_answer("127.0.0.1:3260,1 iqn.a\n");
	ask_about("iqn.a", "127.0.0.1", ports[0]);
	run_through();
	CU_ASSERT_TRUE(succeeded(1, ONE));
}

static void test_unbound_any(void)
{
	put_answer("127.0.0.1:3260,1 iqn.a\n");
	ask_about("", "127.0.0.1", ports[0]);
	run_through();
	CU_ASSERT_TRUE(succeeded(1, ONE));
}

static void test_unbound_other(void)
{
	put_answer("127.0.0.1:3260,1 iqn.a\n");
	bind_at("iqn.a", "127.0.0.1", ports[0]);
	ask_about("iqn.b", "127.0.0.1", ports[0]);
	run_through();
	CU_ASSERT_TRUE(failed(ISIF_JOB_ERROR_UNREACHABLE, 0, NONE, ports[0],
			      "it answers, but its discovery does not list target iqn.b"));
}

static void test_unbound_empty(void)
{
	put_answer("");
	ask_about("", "127.0.0.1", ports[0]);
	run_through();
	CU_ASSERT_TRUE(failed(ISIF_JOB_ERROR_INCONCLUSIVE, 0, NONE, ports[0],
			      "it answers, but its discovery lists no target"));
}

/* Port 0 of such a portal is iSCSI's own. There is no route, so that nobody is asked. */
static void test_default_port(void)
{
	stage_remove_iface("if0");
	stage_iface("if0", IFACE_RECORD("if0", "iface.net_ifacename = lo\n"));
	ask_about("", "192.0.2.9", 0);
	run_through();
	CU_ASSERT_TRUE(ended_with(ISIF_JOB_FAILED, ISIF_JOB_ERROR_UNREACHABLE, 0, NONE,
				  "portal 192.0.2.9:3260: there is no route to it over device lo"));
	CU_ASSERT_STRING_EQUAL(given(), "");
}

/* One is refused; the others are tried all the same. */
static void test_others_go_on(void)
{
	uint16_t port;
	int descriptor = loopback_refuse(&port);

	put_answer("127.0.0.1:3260,1 iqn.a\n");
	bind_at("iqn.a", "127.0.0.1", port);
	bind_at("iqn.a", "127.0.0.1", ports[0]);
	bind_at("iqn.a", "127.0.0.1", ports[1]);
	ask_about("", "", 0);
	run_through();
	CU_ASSERT_TRUE(failed(ISIF_JOB_ERROR_REFUSED, 2,
			      "2 of 3 portals can be reached over iface if0", port,
			      "a TCP connection over device lo (by the routes) is refused: does "
			      "an iSCSI target listen there?"));
	CU_ASSERT_PTR_NOT_NULL(strstr(given(), asked(ports[0])));
	CU_ASSERT_PTR_NOT_NULL(strstr(given(), asked(ports[1])));
	CU_ASSERT_PTR_NULL(strstr(given(), asked(port)));
	close(descriptor);
}

static void test_discovery_fails(void)
{
	put_script("echo 'iscsiadm: cannot make connection to 127.0.0.1' >&2; exit 4");
	bind_at("iqn.a", "127.0.0.1", ports[0]);
	ask_about("", "", 0);
	run_through();
	CU_ASSERT_TRUE(failed(4, 0, NONE, ports[0],
			      "its discovery failed: no connection to the portal (open-iscsi error "
			      "4): cannot make connection to 127.0.0.1"));
}

/* Of a discovery this code does not mean a record. */
static void test_no_portals(void)
{
	put_script("echo 'iscsiadm: No portals found' >&2; exit 21");
	bind_at("iqn.a", "127.0.0.1", ports[0]);
	ask_about("", "", 0);
	run_through();
	CU_ASSERT_TRUE(failed(21, 0, NONE, ports[0],
			      "its discovery failed: it lists no target (open-iscsi error 21): "
			      "No portals found"));
}

static void test_discovery_hangs(void)
{
	put_script("exec sleep 1000");
	job_runner_set_iscsiadm_timeout(job_stage.runner, 1000);
	bind_at("iqn.a", "127.0.0.1", ports[0]);
	ask_about("", "", 0);
	run_through();
	CU_ASSERT_TRUE(failed(ISIF_JOB_ERROR_TIMEOUT, 0, NONE, ports[0],
			      "its discovery did not end within 1 seconds (iscsiadmTimeout)"));
}

/* What is beyond the bound of an output was not read: nobody can say what it lists. */
static void test_long_list(void)
{
	put_script("head -c 1100000 /dev/zero | tr '\\0' '\\n'; echo '127.0.0.1:3260,1 iqn.a'");
	bind_at("iqn.a", "127.0.0.1", ports[0]);
	ask_about("", "", 0);
	run_through();
	CU_ASSERT_TRUE(failed(ISIF_JOB_ERROR_INCONCLUSIVE, 0, NONE, ports[0],
			      "the list of its targets is too long to find iqn.a in it"));
}

static void test_no_iscsiadm(void)
{
	bind_at("iqn.a", "127.0.0.1", ports[0]);
	ask_about("", "", 0);
	run_through();
	CU_ASSERT_TRUE(failed(ISIF_JOB_ERROR_INCONCLUSIVE, 0, NONE, ports[0],
			      "no discovery can be made: there is no iscsiadm (option -A names "
			      "it)"));
}

/* A name is looked up by iscsiadm, whose answer counts. */
static void test_name(void)
{
	put_answer("[target]:3260,1 iqn.a\n");
	bind_at("iqn.a", "target", 3260);
	ask_about("", "", 0);
	run_through();
	CU_ASSERT_TRUE(succeeded(1, ONE));
	CU_ASSERT_STRING_EQUAL(given(),
			       "-m discovery -t st -p target:3260 -I if0 -o nonpersistent\n");
}

static void test_nobody_answers(void)
{
	struct loopback_deaf deaf;

	loopback_deafen(&deaf);
	bind_at("iqn.a", "127.0.0.1", deaf.port);
	ask_about("", "", 0);
	CU_ASSERT_TRUE(job_run(job_stage.runner, stage.snapshot, job_stage.now, UINT64_MAX));
	CU_ASSERT_EQUAL(job()->state, ISIF_JOB_RUNNING);
	CU_ASSERT_TRUE(job_descriptor(job_stage.runner, stage.snapshot, JOB_LANE_PROBES) >= 0);
	CU_ASSERT_EQUAL(job_due(job_stage.runner), job_stage.now + 5000);
	job_stage.now += 5000;
	run_through();
	CU_ASSERT_TRUE(failed(ISIF_JOB_ERROR_TIMEOUT, 0, NONE, deaf.port,
			      "nobody answers a TCP connection over device lo (by the routes) "
			      "within 5 seconds: look at switches, firewalls, the target"));
	loopback_hear(&deaf);
}

static bool was_cancelled(void)
{
	cancel();
	CU_ASSERT_TRUE(job_run(job_stage.runner, stage.snapshot, job_stage.now, UINT64_MAX));
	return ended_with(ISIF_JOB_CANCELLED, 0, 0, "cancelled; so far " NONE, "");
}

static void test_cancel_connection(void)
{
	struct loopback_deaf deaf;
	char step[128];

	loopback_deafen(&deaf);
	bind_at("iqn.a", "127.0.0.1", deaf.port);
	ask_about("", "", 0);
	job_run(job_stage.runner, stage.snapshot, job_stage.now, UINT64_MAX);
	snprintf(step, sizeof(step), "portal 1 of 1, 127.0.0.1:%u: a TCP connection", deaf.port);
	CU_ASSERT_STRING_EQUAL(job()->step, step);
	CU_ASSERT_TRUE(was_cancelled());
	loopback_hear(&deaf);
}

/* Runs it until iscsiadm does. */
static void run_to_discovery(void)
{
	for (unsigned steps = 0; !strstr(job()->step, "a discovery") && steps < STEPS; steps++) {
		struct pollfd one = { .events = POLLIN };

		job_run(job_stage.runner, stage.snapshot, job_stage.now, UINT64_MAX);
		one.fd = job_descriptor(job_stage.runner, stage.snapshot, JOB_LANE_PROBES);
		if (!strstr(job()->step, "a discovery"))
			CU_ASSERT_EQUAL_FATAL(poll(&one, 1, PATIENCE), 1);
	}
	CU_ASSERT_EQUAL_FATAL(job()->state, ISIF_JOB_RUNNING);
}

static void test_cancel_discovery(void)
{
	put_script("exec sleep 1000");
	bind_at("iqn.a", "127.0.0.1", ports[0]);
	ask_about("", "", 0);
	run_to_discovery();
	CU_ASSERT_TRUE(was_cancelled());
}

/* As after a restart: it begins anew. */
static void test_again(void)
{
	put_script("exec sleep 1000");
	bind_at("iqn.a", "127.0.0.1", ports[0]);
	ask_about("", "", 0);
	run_to_discovery();
	job_suspend(job_stage.runner);
	CU_ASSERT_EQUAL(job()->state, ISIF_JOB_PENDING);
	put_answer("127.0.0.1:3260,1 iqn.a\n");
	run_through();
	CU_ASSERT_TRUE(succeeded(1, ONE));
}

/* The transaction that asked had one; somebody was faster. */
static void test_no_binding(void)
{
	ask_about("", "", 0);
	run_through();
	CU_ASSERT_TRUE(ended_with(ISIF_JOB_FAILED, ISIF_JOB_ERROR_CHANGED, 0, "",
				  "iface if0 has no such binding any more: name the address of a "
				  "portal"));
}

static void test_no_iface(void)
{
	stage_remove_iface("if0");
	bind_at("iqn.a", "127.0.0.1", ports[0]);
	ask_about("", "", 0);
	run_through();
	CU_ASSERT_TRUE(ended_with(ISIF_JOB_FAILED, ISIF_JOB_ERROR_CHANGED, 0, "",
				  "there is no iface if0 any more"));
}

/* Whatever allocation fails, nothing is said to be reachable or not that was not found so. */
static void test_memory(void)
{
	bool failed_once = true;

	put_answer("127.0.0.1:3260,1 iqn.a\n");
	bind_at("iqn.a", "127.0.0.1", ports[0]);
	for (unsigned long n = 1; failed_once && n < 500; n++) {
		ask_about("", "", 0);
		allocation_fail_at(n, false);
		run_through();
		failed_once = allocation_end();
		if (job()->state == ISIF_JOB_FAILED) {
			CU_ASSERT_TRUE(failed_once);
			CU_ASSERT_TRUE(job()->error == ISIF_JOB_ERROR_GENERIC ||
				       job()->error == ISIF_JOB_ERROR_INCONCLUSIVE);
		} else {
			CU_ASSERT_TRUE(succeeded(1, ONE));
		}
		job_remove(job_stage.runner, 1);
		job_keep(job_stage.runner);
	}
	CU_ASSERT_FALSE(failed_once);
}

void add_job_probe_tests(void)
{
	CU_pSuite suite =
		CU_add_suite_with_setup_and_teardown("job probe", NULL, NULL, set_up, tear_down);

	CU_add_test(suite, "a portal that lists its target", test_reachable);
	CU_add_test(suite, "each portal once", test_once);
	CU_add_test(suite, "bindings of one target", test_matches);
	CU_add_test(suite, "bindings at one port", test_by_port);
	CU_add_test(suite, "a target that is not listed", test_not_listed);
	CU_add_test(suite, "a portal that is not bound", test_unbound);
	CU_add_test(suite, "the same, whatever its targets", test_unbound_any);
	CU_add_test(suite, "the same, without the target", test_unbound_other);
	CU_add_test(suite, "the same, without any", test_unbound_empty);
	CU_add_test(suite, "port 0 is 3260", test_default_port);
	CU_add_test(suite, "one fails, the others go on", test_others_go_on);
	CU_add_test(suite, "the discovery fails", test_discovery_fails);
	CU_add_test(suite, "the discovery finds nothing", test_no_portals);
	CU_add_test(suite, "the discovery does not end", test_discovery_hangs);
	CU_add_test(suite, "a list of targets that is too long", test_long_list);
	CU_add_test(suite, "no iscsiadm", test_no_iscsiadm);
	CU_add_test(suite, "a portal with a name", test_name);
	CU_add_test(suite, "nobody answers", test_nobody_answers);
	CU_add_test(suite, "cancelled in the connection", test_cancel_connection);
	CU_add_test(suite, "cancelled in the discovery", test_cancel_discovery);
	CU_add_test(suite, "interrupted, and begun anew", test_again);
	CU_add_test(suite, "no such binding any more", test_no_binding);
	CU_add_test(suite, "no such iface any more", test_no_iface);
	CU_add_test(suite, "memory that runs out", test_memory);
}
