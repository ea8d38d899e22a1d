/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Logging in and out by jobs: a small script as iscsiadm behind the real gate, and a snapshot that
 * shows what the test lets the kernel do. Time is the test's own.
 */
#include "suites.h"

#include "job.h"
#include "stage.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define WAIT_MS	      60000 /* that a script may take */
#define A	      "iqn.a"
#define B	      "iqn.b"
#define SAN0_IFACE    "iface.net_ifacename = san0\n"
#define LOGIN(target) "-m node -T " target " -p 192.0.2.10:3260,1 -I if0 --login\n"

static struct isif_privileged *gate;
static const struct isif_privileged_operations *real; /* its own */
static struct job_runner *runner;
static uint64_t now;
static struct isif_disk disks[2];
static struct isif_look_disk seen[2]; /* the same, as a look finds them */
static uint32_t looked_at;	      /* the session that a look is under way for, 0: none */
static bool looked;		      /* one turn of it is over */

/* --- who uses the disks: what the test says, beside the gate's own look, which finds none --- */

static enum isif_error look_begin_here(struct isif_privileged *self, enum isif_look_purpose purpose,
				       const uint32_t *sids, size_t count)
{
	CU_ASSERT_PTR_EQUAL(self, gate);
	CU_ASSERT_EQUAL(purpose, ISIF_LOOK_TO_LOG_OUT);
	CU_ASSERT_EQUAL(count, 1);
	CU_ASSERT_EQUAL(looked_at, 0);
	looked_at = sids[0];
	looked = false;
	return real->look_begin(self, purpose, sids, count);
}

static enum isif_error look_work_here(struct isif_privileged *self, enum isif_look_purpose purpose,
				      uint64_t deadline, unsigned *pause)
{
	(void)deadline;
	*pause = 0;
	if (looked)
		return real->look_work(self, purpose, UINT64_MAX, pause);
	looked = true;
	return ISIF_INCOMPLETE;
}

static void look_result_here(const struct isif_privileged *self, enum isif_look_purpose purpose,
			     const struct isif_look_disk **found, size_t *count)
{
	(void)self;
	(void)purpose;
	*found = seen;
	*count = COUNT(seen);
}

static void look_end_here(struct isif_privileged *self, enum isif_look_purpose purpose)
{
	looked_at = 0;
	real->look_end(self, purpose);
}

static void look_here(void)
{
	static struct isif_privileged_operations operations;

	real = gate->operations;
	operations = *real;
	operations.look_begin = look_begin_here;
	operations.look_work = look_work_here;
	operations.look_result = look_result_here;
	operations.look_end = look_end_here;
	gate->operations = &operations;
	memset(seen, 0, sizeof(seen));
	looked_at = 0;
}

static void open_runner(void)
{
	CU_ASSERT_EQUAL_FATAL(job_runner_open(gate, stage.names, &stage.log, &runner), ISIF_OK);
	job_runner_set_state(runner, stage.state);
}

/* It writes down what it is asked, and ends with the code that the test wishes. */
static void put_iscsiadm(const char *more)
{
	char text[1024];

	snprintf(text, sizeof(text),
		 "#!/bin/sh\necho \"$*\" >>%s\nread -r code <%s\n%sexit $code\n", scratch("calls"),
		 scratch("code"), more);
	put_file("iscsiadm", text);
	CU_ASSERT_EQUAL_FATAL(chmod(scratch("iscsiadm"), 0755), 0);
}

static void set_up(void)
{
	scratch_make();
	put_directory("db/ifaces");
	put_directory("db/nodes");
	put_file("calls", "");
	put_file("code", "0\n");
	put_iscsiadm("");
	stage_open();
	now = 1000;
	CU_ASSERT_EQUAL_FATAL(open_writing_gate(scratch("db"), &stage.log, &gate), ISIF_OK);
	look_here();
	open_runner();
	stage_iface("if0", IFACE_RECORD("if0", SAN0_IFACE));
	stage_node(A, "if0", SAN0_IFACE);
	stage_node(B, "if0", SAN0_IFACE);
	memset(disks, 0, sizeof(disks));
}

static void tear_down(void)
{
	job_runner_close(runner);
	isif_privileged_close(gate);
	stage_close();
	scratch_remove();
}

/* --- what the kernel does --- */

static struct observed_session *find_session(uint32_t sid)
{
	size_t i = 0;

	while (i + 1 < stage.world.session_count && stage.sessions[i].kernel->sid != sid)
		i++;
	CU_ASSERT_EQUAL_FATAL(stage.sessions[i].kernel->sid, sid);
	return &stage.sessions[i];
}

static void session_comes(uint32_t sid, const char *target)
{
	stage_session(sid, target, "if0")->fresh = true;
	stage.kernels[stage.world.session_count - 1].netdev = "san0";
	stage_build();
}

/* As after a logout: its target answers, and then it is gone. */
static void session_goes(uint32_t sid)
{
	find_session(sid)->logout_answered = find_session(sid)->gone = true;
	stage_build();
}

static void two_sessions(void)
{
	session_comes(5, A);
	session_comes(6, B);
}

static void put_disk(uint32_t sid, size_t which, enum isif_disk_use use, const char *user)
{
	struct isif_kernel_session *kernel = &stage.kernels[find_session(sid) - stage.sessions];

	snprintf(disks[which].device, sizeof(disks[which].device), "sd%c", (int)('a' + which));
	snprintf(disks[which].user, sizeof(disks[which].user), "%s", user);
	disks[which].use = use;
	kernel->disks = &disks[which];
	kernel->disk_count = 1;
	seen[which] = (struct isif_look_disk){ .sid = sid, .use = use };
	if (!strcmp(user, "/") || !strcmp(user, "swap"))
		seen[which].vital = ISIF_VITAL_YES;
	memcpy(seen[which].device, disks[which].device, sizeof(seen[which].device));
	memcpy(seen[which].user, disks[which].user, sizeof(seen[which].user));
	stage_build();
}

/* --- the job --- */

static void ask(enum isif_job_kind kind, const char *target, bool force)
{
	struct isif_job job = {
		.index = 1,
		.kind = kind,
		.iface = isif_name_get(stage.names, "if0", 3),
		.target = isif_name_get(stage.names, target, strlen(target)),
		.address = isif_name_get(stage.names, "", 0),
		.force = force,
	};

	stage_build();
	CU_ASSERT_EQUAL(job_add(runner, &job), ISIF_OK);
	job_keep(runner);
	isif_name_release(job.iface);
	isif_name_release(job.target);
	isif_name_release(job.address);
}

static const struct isif_job *job(void)
{
	const struct isif_job *found = job_find(runner, 1);

	CU_ASSERT_PTR_NOT_NULL_FATAL(found);
	return found;
}

static int waits_on(void)
{
	return job_descriptor(runner, stage.snapshot, JOB_LANE_SESSIONS);
}

static void turn(void)
{
	do {
		job_run(runner, stage.snapshot, now, UINT64_MAX);
		CU_ASSERT(!looked_at || job_due(runner) <= now);
	} while (looked_at);
	if (job_take_effects(runner).judge)
		stage_build();
}

/* Lets iscsiadm come to its end, and no further: the kernel's part is the test's. */
static void let_it_run(void)
{
	turn();
	while (waits_on() >= 0) {
		struct pollfd one = { .fd = waits_on(), .events = POLLIN };

		CU_ASSERT_EQUAL_FATAL(poll(&one, 1, WAIT_MS), 1);
		turn();
	}
}

static void time_passes(uint64_t milliseconds)
{
	now += milliseconds;
	let_it_run();
}

static bool called(const char *expected)
{
	char text[1024] = "";
	FILE *file = fopen(scratch("calls"), "re");

	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	fclose(file);
	if (!strcmp(text, expected))
		return true;
	printf("# iscsiadm was asked: %s", text);
	return false;
}

static bool ended(enum isif_job_state state, int32_t error, uint32_t results, const char *step)
{
	const struct isif_job *one = job();

	if (one->state == state && one->error == error && one->results == results &&
	    !strcmp(one->step, step))
		return true;
	printf("# state %d, error %d, %u results: %s; %s\n", (int)one->state, one->error,
	       one->results, one->step, one->error_text);
	return false;
}

static bool shows(const char *target, enum isif_oper_status oper, enum isif_admin_status admin)
{
	const struct isif_binding *row = binding_row(target, "if0");

	if (row && row->oper_status == oper && row->admin_status == admin)
		return true;
	printf("# %s: %d, wanted %d\n", target, row ? (int)row->oper_status : 0,
	       row ? (int)row->admin_status : 0);
	return false;
}

#define IN  ISIF_ADMIN_LOGGED_IN
#define OUT ISIF_ADMIN_LOGGED_OUT

/* --- logging in --- */

static void test_login(void)
{
	ask(ISIF_JOB_LOGIN, "", false);
	let_it_run();
	CU_ASSERT_TRUE(called(LOGIN(A)));
	CU_ASSERT_TRUE(shows(A, ISIF_OPER_LOGGING_IN, IN));
	CU_ASSERT_TRUE(shows(B, ISIF_OPER_LOGGED_OUT, OUT));
	CU_ASSERT_STRING_EQUAL(job()->step,
			       "logging in, 1 of 2: iqn.a via 192.0.2.10:3260,1 on if0");
	session_comes(5, A);
	let_it_run();
	CU_ASSERT_EQUAL(job()->progress, 50);
	CU_ASSERT_TRUE(called(LOGIN(A) LOGIN(B)));
	CU_ASSERT_TRUE(shows(A, ISIF_OPER_LOGGED_IN, IN));
	session_comes(6, B);
	let_it_run();
	CU_ASSERT_TRUE(ended(ISIF_JOB_SUCCEEDED, 0, 2, "2 of 2 logged in"));
	CU_ASSERT_EQUAL(job()->progress, 100);
	CU_ASSERT_TRUE(shows(B, ISIF_OPER_LOGGED_IN, IN));
}

/* The kernel is asked again, whether or not it told anything. */
static bool wants_a_look(void)
{
	job_run(runner, stage.snapshot, now, UINT64_MAX);
	return job_take_effects(runner).look;
}

static void test_kernel_is_asked(void)
{
	bool look;

	ask(ISIF_JOB_LOGIN, A, false);
	look = wants_a_look();
	while (waits_on() >= 0) {
		struct pollfd one = { .fd = waits_on(), .events = POLLIN };

		CU_ASSERT_FALSE(look);
		CU_ASSERT_EQUAL_FATAL(poll(&one, 1, WAIT_MS), 1);
		look = wants_a_look();
	}
	CU_ASSERT_TRUE(look);
	CU_ASSERT_TRUE(job_due(runner) > now);
}

static void test_already_logged_in(void)
{
	two_sessions();
	ask(ISIF_JOB_LOGIN, "", false);
	let_it_run();
	CU_ASSERT_TRUE(ended(ISIF_JOB_SUCCEEDED, 0, 0, "2 of 2 logged in"));
	CU_ASSERT_TRUE(called(""));
}

static void test_login_is_a_lie(void)
{
	ask(ISIF_JOB_LOGIN, "", false);
	let_it_run();
	time_passes(9999);
	CU_ASSERT_TRUE(called(LOGIN(A)));
	time_passes(1);
	/* It failed; the other one has its turn. */
	CU_ASSERT_TRUE(called(LOGIN(A) LOGIN(B)));
	CU_ASSERT_TRUE(shows(A, ISIF_OPER_FAILED, IN));
	CU_ASSERT_STRING_EQUAL(binding_row(A, "if0")->last_error->text,
			       "iscsiadm reported no failure, but the kernel shows no session that "
			       "is logged in");
	session_comes(6, B);
	let_it_run();
	CU_ASSERT_TRUE(ended(ISIF_JOB_FAILED, 1009, 1, "1 of 2 logged in"));
	CU_ASSERT_STRING_EQUAL(job()->error_text,
			       "iscsiadm reported no failure, but the kernel shows no session that "
			       "is logged in: iqn.a via 192.0.2.10:3260,1 on if0");
}

static void test_login_is_refused(void)
{
	put_file("code", "24\n");
	ask(ISIF_JOB_LOGIN, A, false);
	let_it_run();
	time_passes(1000);
	CU_ASSERT_TRUE(ended(ISIF_JOB_FAILED, 24, 0, "0 of 1 logged in"));
	CU_ASSERT_TRUE(shows(A, ISIF_OPER_FAILED, IN));
	CU_ASSERT_PTR_NOT_NULL(strstr(job()->error_text, "(open-iscsi error 24): iqn.a via"));
	CU_ASSERT_PTR_NOT_NULL(strstr(stage.lines.all, "(exit code 24)"));
	/* And stays so, with its reason. */
	stage_build();
	CU_ASSERT_TRUE(shows(A, ISIF_OPER_FAILED, IN));
	CU_ASSERT_PTR_NOT_NULL(strstr(binding_row(A, "if0")->last_error->text, "error 24"));
}

/* A failure that was told is none if the kernel has the session. */
static void test_login_is_denied_but_happens(void)
{
	put_file("code", "8\n");
	ask(ISIF_JOB_LOGIN, A, false);
	let_it_run();
	session_comes(5, A);
	let_it_run();
	CU_ASSERT_TRUE(ended(ISIF_JOB_SUCCEEDED, 0, 1, "1 of 1 logged in"));
}

static void test_somebody_was_faster(void)
{
	put_file("code", "15\n");
	ask(ISIF_JOB_LOGIN, A, false);
	let_it_run();
	session_comes(5, A);
	let_it_run();
	CU_ASSERT_TRUE(ended(ISIF_JOB_SUCCEEDED, 0, 0, "1 of 1 logged in"));
}

static void test_wrong_device(void)
{
	ask(ISIF_JOB_LOGIN, A, false);
	let_it_run();
	stage_session(5, A, "if0")->path_link = SAN1;
	find_session(5)->bound = true;
	stage_build();
	let_it_run();
	CU_ASSERT_TRUE(ended(ISIF_JOB_FAILED, 1009, 0, "0 of 1 logged in"));
	CU_ASSERT_TRUE(shows(A, ISIF_OPER_MISROUTED, IN));
	CU_ASSERT_PTR_NOT_NULL(strstr(job()->error_text, "over another device"));
}

static void test_time_is_up(void)
{
	job_runner_set_session_terms(runner, 100, true);
	put_iscsiadm("exec sleep 1000\n");
	ask(ISIF_JOB_LOGIN, A, false);
	let_it_run();
	time_passes(1000);
	CU_ASSERT_TRUE(ended(ISIF_JOB_FAILED, 1005, 0, "0 of 1 logged in"));
	CU_ASSERT_PTR_NOT_NULL(strstr(job()->error_text, "was killed"));
}

static void test_no_iscsiadm(void)
{
	remove_file("iscsiadm");
	ask(ISIF_JOB_LOGIN, A, false);
	let_it_run();
	CU_ASSERT_TRUE(ended(ISIF_JOB_FAILED, 1, 0, "0 of 1 logged in"));
	CU_ASSERT_PTR_NOT_NULL(strstr(job()->error_text, "there is no iscsiadm"));
}

static void test_record_goes(void)
{
	ask(ISIF_JOB_LOGIN, "", false);
	let_it_run();
	session_comes(5, A);
	isif_node_release(stage.nodes[--stage.world.node_count]);
	stage_build();
	let_it_run();
	CU_ASSERT_TRUE(ended(ISIF_JOB_FAILED, 1010, 1, "1 of 2 logged in"));
	CU_ASSERT_TRUE(called(LOGIN(A)));
}

static void test_nothing_matches(void)
{
	ask(ISIF_JOB_LOGIN, "iqn.c", false);
	let_it_run();
	CU_ASSERT_TRUE(ended(ISIF_JOB_FAILED, 21, 0, ""));
}

/* --- logging out --- */

static void test_logout(void)
{
	two_sessions();
	ask(ISIF_JOB_LOGOUT, "", false);
	let_it_run();
	CU_ASSERT_TRUE(called("-m session -r 5 -u\n"));
	CU_ASSERT_TRUE(shows(A, ISIF_OPER_LOGGING_OUT, OUT));
	CU_ASSERT_TRUE(shows(B, ISIF_OPER_LOGGED_IN, IN));
	session_goes(5);
	let_it_run();
	CU_ASSERT_TRUE(called("-m session -r 5 -u\n-m session -r 6 -u\n"));
	/* Without an answer of the target, too: a job has asked for it. */
	find_session(6)->gone = true;
	stage_build();
	let_it_run();
	CU_ASSERT_TRUE(ended(ISIF_JOB_SUCCEEDED, 0, 2, "2 of 2 logged out"));
	CU_ASSERT_TRUE(shows(A, ISIF_OPER_LOGGED_OUT, OUT));
	CU_ASSERT_TRUE(shows(B, ISIF_OPER_LOGGED_OUT, OUT));
	CU_ASSERT_EQUAL(binding_row(A, "if0")->losses + binding_row(B, "if0")->losses, 0);
}

static void test_two_sessions_of_one(void)
{
	session_comes(5, A);
	session_comes(6, A);
	ask(ISIF_JOB_LOGOUT, A, false);
	let_it_run();
	session_goes(5);
	let_it_run();
	CU_ASSERT_TRUE(called("-m session -r 5 -u\n-m session -r 6 -u\n"));
	session_goes(6);
	let_it_run();
	CU_ASSERT_TRUE(ended(ISIF_JOB_SUCCEEDED, 0, 1, "1 of 1 logged out"));
}

static void test_logout_is_a_lie(void)
{
	session_comes(5, A);
	ask(ISIF_JOB_LOGOUT, A, false);
	let_it_run();
	time_passes(10000);
	CU_ASSERT_TRUE(ended(ISIF_JOB_FAILED, 1009, 0, "0 of 1 logged out"));
	CU_ASSERT_TRUE(shows(A, ISIF_OPER_LOGGED_IN, IN));
	CU_ASSERT_PTR_NOT_NULL(strstr(job()->error_text, "still has session 5"));
}

static void test_logout_fails(void)
{
	put_file("code", "9\n");
	session_comes(5, A);
	ask(ISIF_JOB_LOGOUT, A, false);
	let_it_run();
	time_passes(1000);
	CU_ASSERT_TRUE(ended(ISIF_JOB_FAILED, 9, 0, "0 of 1 logged out"));
	CU_ASSERT_TRUE(shows(A, ISIF_OPER_LOGGED_IN, IN));
	/* What goes from now on goes unasked. */
	find_session(5)->gone = true;
	stage_build();
	CU_ASSERT_TRUE(shows(A, ISIF_OPER_LOST, IN));
}

/* An iscsid that was restarted takes its sessions over one after the other, 2 s each. */
static void test_logout_too_early(void)
{
	put_file("code", "32\n");
	session_comes(5, A);
	ask(ISIF_JOB_LOGOUT, A, false);
	let_it_run();
	for (int i = 0; i < 3; i++) {
		CU_ASSERT_TRUE(called("-m session -r 5 -u\n"));
		put_file("calls", "");
		time_passes(1000);
		CU_ASSERT_EQUAL(job()->state, ISIF_JOB_RUNNING);
		CU_ASSERT_TRUE(called(""));
		time_passes(2000);
	}
	put_file("code", "0\n");
	time_passes(1000);
	time_passes(2000);
	session_goes(5);
	let_it_run();
	CU_ASSERT_TRUE(ended(ISIF_JOB_SUCCEEDED, 0, 1, "1 of 1 logged out"));
}

static void test_logout_too_early_for_long(void)
{
	put_file("code", "32\n");
	session_comes(5, A);
	ask(ISIF_JOB_LOGOUT, A, false);
	let_it_run();
	time_passes(1000);
	CU_ASSERT_EQUAL(job()->state, ISIF_JOB_RUNNING);
	time_passes(JOB_SESSION);
	time_passes(1000);
	CU_ASSERT_TRUE(ended(ISIF_JOB_FAILED, 32, 0, "0 of 1 logged out"));
}

static void test_wanted_state_is_on_disk(void)
{
	CU_ASSERT_PTR_NULL(stage.state->gate);
	stage.state->gate = gate;
	session_comes(5, A);
	ask(ISIF_JOB_LOGOUT, A, false);
	job_run(runner, stage.snapshot, now, UINT64_MAX);
	CU_ASSERT_EQUAL(looked_at, 5);
	job_run(runner, stage.snapshot, now, UINT64_MAX);
	/* Before iscsiadm has done anything. */
	CU_ASSERT_TRUE(file_exists("state/state"));
	CU_ASSERT_FALSE(stage.state->changed);
	let_it_run();
}

/* --- the guard --- */

static void test_guard(void)
{
	two_sessions();
	put_disk(5, 0, ISIF_DISK_IN_USE, "/srv");
	put_disk(6, 1, ISIF_DISK_REDUNDANT, "mpatha");
	ask(ISIF_JOB_LOGOUT, "", false);
	let_it_run();
	CU_ASSERT_TRUE(called("-m session -r 6 -u\n"));
	CU_ASSERT_TRUE(shows(A, ISIF_OPER_LOGGED_IN, IN));
	session_goes(6);
	let_it_run();
	CU_ASSERT_TRUE(ended(ISIF_JOB_FAILED, 1004, 1, "1 of 2 logged out"));
	CU_ASSERT_STRING_EQUAL(job()->error_text,
			       "disk sda is in use: /srv; end its use first: iqn.a via "
			       "192.0.2.10:3260,1 on if0");
	CU_ASSERT_STRING_EQUAL(binding_row(A, "if0")->last_error->text,
			       "disk sda is in use: /srv; end its use first");
}

static void test_guard_terms(void)
{
	static const struct {
		enum isif_disk_use use;
		const char *user;
		bool force, protect, onboot, allowed;
	} cases[] = {
		{ ISIF_DISK_UNUSED, "", false, true, false, true },
		{ ISIF_DISK_REDUNDANT, "m", false, true, false, true },
		{ ISIF_DISK_UNKNOWN, "why", false, true, false, false },
		{ ISIF_DISK_IN_USE, "/srv", true, true, false, false },
		{ ISIF_DISK_IN_USE, "/srv", false, false, false, false },
		{ ISIF_DISK_IN_USE, "/srv", true, false, false, true },
		{ ISIF_DISK_UNKNOWN, "why", true, false, false, true },
		{ ISIF_DISK_IN_USE, "/srv", true, false, true, false },
		{ ISIF_DISK_UNUSED, "", false, true, true, true },
		{ ISIF_DISK_IN_USE, "/", true, false, false, false },
		{ ISIF_DISK_IN_USE, "swap", true, false, false, false },
	};

	session_comes(5, A);
	for (size_t i = 0; i < COUNT(cases); i++) {
		put_disk(5, 0, cases[i].use, cases[i].user);
		stage.nodes[0]->startup =
			cases[i].onboot ? ISIF_STARTUP_ONBOOT : ISIF_STARTUP_MANUAL;
		put_file("calls", "");
		job_runner_set_session_terms(runner, 60000, cases[i].protect);
		ask(ISIF_JOB_LOGOUT, A, cases[i].force);
		let_it_run();
		CU_ASSERT_TRUE(called(cases[i].allowed ? "-m session -r 5 -u\n" : ""));
		time_passes(10000);
		CU_ASSERT_EQUAL(job()->error, cases[i].allowed ? 1009 : 1004);
		job_remove(runner, 1);
		job_keep(runner);
	}
}

/* --- cancelling, and beginning anew --- */

static void cancel(void)
{
	job_cancel(runner, 1);
	CU_ASSERT_EQUAL(job_save(runner), ISIF_OK);
	job_keep(runner);
}

static void test_cancelled_login(void)
{
	ask(ISIF_JOB_LOGIN, "", false);
	let_it_run();
	cancel();
	session_comes(5, A);
	let_it_run();
	CU_ASSERT_TRUE(called(LOGIN(A) "-m session -r 5 -u\n"));
	CU_ASSERT_STRING_EQUAL(job()->step, "cancelled: logging out again: iqn.a via "
					    "192.0.2.10:3260,1 on if0");
	session_goes(5);
	let_it_run();
	CU_ASSERT_TRUE(ended(ISIF_JOB_CANCELLED, 0, 0, "cancelled; everything is as it was"));
	CU_ASSERT_TRUE(shows(A, ISIF_OPER_LOGGED_OUT, OUT));
}

/* What was logged in before the job is none of its business. */
static void test_cancelled_login_of_one(void)
{
	session_comes(5, A);
	ask(ISIF_JOB_LOGIN, "", false);
	let_it_run();
	cancel();
	session_comes(6, B);
	let_it_run();
	CU_ASSERT_TRUE(called(LOGIN(B) "-m session -r 6 -u\n"));
	session_goes(6);
	let_it_run();
	CU_ASSERT_TRUE(ended(ISIF_JOB_CANCELLED, 0, 0, "cancelled; everything is as it was"));
	CU_ASSERT_TRUE(shows(A, ISIF_OPER_LOGGED_IN, IN));
}

static void test_cancelled_logout(void)
{
	two_sessions();
	ask(ISIF_JOB_LOGOUT, "", false);
	let_it_run();
	cancel();
	session_goes(5);
	let_it_run();
	CU_ASSERT_TRUE(called("-m session -r 5 -u\n" LOGIN(A)));
	session_comes(7, A);
	let_it_run();
	CU_ASSERT_TRUE(ended(ISIF_JOB_CANCELLED, 0, 0, "cancelled; everything is as it was"));
	CU_ASSERT_TRUE(shows(A, ISIF_OPER_LOGGED_IN, IN));
	CU_ASSERT_TRUE(shows(B, ISIF_OPER_LOGGED_IN, IN));
}

static void test_cancel_cannot_take_back(void)
{
	ask(ISIF_JOB_LOGIN, A, false);
	let_it_run();
	cancel();
	session_comes(5, A);
	put_disk(5, 0, ISIF_DISK_IN_USE, "/srv");
	let_it_run();
	CU_ASSERT_TRUE(ended(ISIF_JOB_CANCELLED, 0, 1,
			     "cancelled, but 1 stay logged in: disk sda is in use: /srv; end its "
			     "use first: iqn.a via "
			     "192.0.2.10:3260,1 on if0"));
	CU_ASSERT_TRUE(shows(A, ISIF_OPER_LOGGED_IN, IN));
}

static void reopen(void)
{
	job_runner_close(runner);
	open_runner();
	stage_build();
}

static void test_interrupted(void)
{
	two_sessions();
	ask(ISIF_JOB_LOGOUT, "", false);
	let_it_run();
	session_goes(5);
	let_it_run();
	reopen();
	CU_ASSERT_TRUE(shows(A, ISIF_OPER_LOGGED_OUT, OUT));
	CU_ASSERT_TRUE(shows(B, ISIF_OPER_LOGGED_IN, OUT));
	put_file("calls", "");
	let_it_run();
	CU_ASSERT_TRUE(called("-m session -r 6 -u\n"));
	session_goes(6);
	let_it_run();
	CU_ASSERT_TRUE(
		ended(ISIF_JOB_SUCCEEDED, 0, 1, "2 of 2 logged out; it was interrupted before"));
	CU_ASSERT_EQUAL(binding_row(B, "if0")->losses, 0);
}

static void test_interrupted_and_cancelled(void)
{
	session_comes(5, A);
	ask(ISIF_JOB_LOGOUT, A, false);
	let_it_run();
	cancel();
	reopen();
	turn();
	CU_ASSERT_TRUE(ended(ISIF_JOB_CANCELLED, 0, 0,
			     "cancelled; it was interrupted before, and what it did then stays "
			     "done"));
}

static void test_works_on(void)
{
	const struct isif_name *iface = stage.nodes[0]->iface;

	ask(ISIF_JOB_LOGIN, A, false);
	CU_ASSERT_FALSE(job_works_on(runner, iface, NULL));
	let_it_run();
	CU_ASSERT_TRUE(job_works_on(runner, iface, NULL));
	CU_ASSERT_TRUE(job_works_on(runner, NULL, stage.nodes[0]));
	CU_ASSERT_FALSE(job_works_on(runner, NULL, stage.nodes[1]));
	CU_ASSERT_FALSE(job_works_on(runner, stage.nodes[0]->target, NULL));
	session_comes(5, A);
	let_it_run();
	CU_ASSERT_FALSE(job_works_on(runner, NULL, stage.nodes[0]));
}

void add_job_session_tests(void)
{
	CU_pSuite suite =
		CU_add_suite_with_setup_and_teardown("job_session", NULL, NULL, set_up, tear_down);

	CU_add_test(suite, "login, one after the other", test_login);
	CU_add_test(suite, "the kernel is asked when iscsiadm has ended", test_kernel_is_asked);
	CU_add_test(suite, "logged in already", test_already_logged_in);
	CU_add_test(suite, "a login that only iscsiadm saw", test_login_is_a_lie);
	CU_add_test(suite, "a login that is refused", test_login_is_refused);
	CU_add_test(suite, "a login that failed but is there", test_login_is_denied_but_happens);
	CU_add_test(suite, "somebody else was faster", test_somebody_was_faster);
	CU_add_test(suite, "a login over the wrong device", test_wrong_device);
	CU_add_test(suite, "a login takes too long", test_time_is_up);
	CU_add_test(suite, "no iscsiadm", test_no_iscsiadm);
	CU_add_test(suite, "a record that goes away meanwhile", test_record_goes);
	CU_add_test(suite, "no binding matches", test_nothing_matches);
	CU_add_test(suite, "logout, and nothing is lost", test_logout);
	CU_add_test(suite, "a binding with two sessions", test_two_sessions_of_one);
	CU_add_test(suite, "a logout that only iscsiadm saw", test_logout_is_a_lie);
	CU_add_test(suite, "a logout that fails leaves what is wanted", test_logout_fails);
	CU_add_test(suite, "a logout that comes too early", test_logout_too_early);
	CU_add_test(suite, "but not for ever", test_logout_too_early_for_long);
	CU_add_test(suite, "what is wanted is on disk first", test_wanted_state_is_on_disk);
	CU_add_test(suite, "the guard names disk and user", test_guard);
	CU_add_test(suite, "the guard's terms", test_guard_terms);
	CU_add_test(suite, "a cancelled login is taken back", test_cancelled_login);
	CU_add_test(suite, "and no more than the job did", test_cancelled_login_of_one);
	CU_add_test(suite, "a cancelled logout is taken back", test_cancelled_logout);
	CU_add_test(suite, "what cannot be taken back is told", test_cancel_cannot_take_back);
	CU_add_test(suite, "interrupted, it goes on", test_interrupted);
	CU_add_test(suite, "interrupted and cancelled", test_interrupted_and_cancelled);
	CU_add_test(suite, "what a job is working on", test_works_on);
}
