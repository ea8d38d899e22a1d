/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What becomes of a binding, as a sequence of observations and the judgement after each: the
 * notes below mib.md's binding table.
 */
#include "suites.h"

#include <isif/privileged.h>

#include "stage.h"

#include <stdio.h>
#include <string.h>

enum flags {
	FRESH = 1,	/* made while we looked on */
	GONE = 2,	/* it is no more */
	ANSWERED = 4,	/* its target answered a logout */
	UNBINDING = 8,	/* a logout has begun */
	ELSEWHERE = 16, /* its path is another device than the iface's */
	RESTART = 32,	/* the agent starts again before this */
	REBOOT = 64,	/* the host does */
	JOB_IN = 128,	/* a job of ours logs in */
	JOB_OUT = 256,	/* or out */
};

struct step {
	uint32_t sid; /* 0: there is no session */
	enum isif_session_state state;
	unsigned flags;
	uint32_t code; /* of the last connection error */
	enum isif_admin_status admin;
	enum isif_oper_status oper;
	uint32_t losses;
	const char *error; /* a part of the last error, NULL: there is none */
};

#define UP     ISIF_SESSION_LOGGED_IN
#define FAILED ISIF_SESSION_FAILED
#define FREE   ISIF_SESSION_FREE
#define IN     ISIF_ADMIN_LOGGED_IN
#define OUT    ISIF_ADMIN_LOGGED_OUT

static void set_session(const struct step *step)
{
	struct observed_session *session;

	stage.world.session_count = 0;
	if (!step->sid)
		return;
	session = stage_session(step->sid, "iqn.a", "if0");
	stage.kernels[0].state = step->state;
	session->fresh = step->flags & FRESH;
	session->gone = step->flags & GONE;
	session->logout_answered = step->flags & ANSWERED;
	session->unbinding = step->flags & UNBINDING;
	session->error_code = step->code;
	session->path_known = step->state == UP;
	session->path_link = step->flags & ELSEWHERE ? SAN1 : SAN0;
}

static void set_job(unsigned flags)
{
	struct binding_memory *memory = state_find_binding(stage.state, stage.nodes[0]);

	if (memory)
		memory->doing = flags & JOB_IN	  ? ISIF_OPER_LOGGING_IN
				: flags & JOB_OUT ? ISIF_OPER_LOGGING_OUT
						  : 0;
}

static struct isif_privileged *gate;

/* What a restart leaves: no snapshot, and the state as its file keeps it. */
static void restart(bool reboot)
{
	isif_snapshot_release(stage.snapshot);
	stage.snapshot = NULL;
	if (reboot)
		strcpy(stage.state->boot, "another");
	CU_ASSERT_EQUAL(state_save(stage.state), ISIF_OK);
	state_close(stage.state);
	CU_ASSERT_EQUAL_FATAL(state_open(gate, stage.names, &stage.log, &stage.state), ISIF_OK);
}

static void run(const struct step *steps, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct step *step = &steps[i];
		const struct isif_binding *row;
		const char *error;

		if (step->flags & (RESTART | REBOOT))
			restart(step->flags & REBOOT);
		set_session(step);
		set_job(step->flags);
		stage.world.mono += 1000;
		stage.world.wall++;
		stage_build();
		row = binding_row("iqn.a", "if0");
		CU_ASSERT_PTR_NOT_NULL_FATAL(row);
		error = row->last_error ? row->last_error->text : NULL;
		CU_ASSERT_EQUAL(row->admin_status, step->admin);
		CU_ASSERT_EQUAL(row->oper_status, step->oper);
		CU_ASSERT_EQUAL(row->losses, step->losses);
		CU_ASSERT_TRUE(step->error ? error && strstr(error, step->error) : !error);
		CU_ASSERT_EQUAL(row->sid, step->flags & GONE ? 0 : step->sid);
		if (row->admin_status != step->admin || row->oper_status != step->oper ||
		    row->losses != step->losses)
			printf("# step %zu: admin %d, oper %d, losses %u, error %s\n", i,
			       (int)row->admin_status, (int)row->oper_status, row->losses,
			       error ? error : "none");
	}
}

#define RUN(...)                                                                                   \
	run((const struct step[]){ __VA_ARGS__ }, COUNT(((const struct step[]){ __VA_ARGS__ })))

static void set_up(void)
{
	scratch_make();
	stage_open();
	state_close(stage.state);
	CU_ASSERT_EQUAL_FATAL(open_writing_gate(scratch("."), &stage.log, &gate), ISIF_OK);
	CU_ASSERT_EQUAL_FATAL(state_open(gate, stage.names, &stage.log, &stage.state), ISIF_OK);
	stage_iface("if0", IFACE_RECORD("if0", "iface.net_ifacename = san0\n"));
}

static void tear_down(void)
{
	stage_close();
	isif_privileged_close(gate);
	scratch_remove();
}

static void manual(void)
{
	stage_node("iqn.a", "if0", "iface.net_ifacename = san0\nnode.startup = manual\n");
}

static void automatic(void)
{
	stage_node("iqn.a", "if0", "iface.net_ifacename = san0\nnode.startup = automatic\n");
}

static void test_wanted_at_first(void)
{
	manual();
	RUN({ .admin = OUT, .oper = ISIF_OPER_LOGGED_OUT });
}

static void test_wanted_by_startup(void)
{
	automatic();
	RUN({ .admin = IN, .oper = ISIF_OPER_LOGGED_OUT });
}

static void test_wanted_by_onboot(void)
{
	stage_node("iqn.a", "if0", "node.startup = onboot\n");
	RUN({ .admin = IN, .oper = ISIF_OPER_LOGGED_OUT });
}

static void test_wanted_by_session(void)
{
	manual();
	RUN({ .sid = 1, .state = UP, .admin = IN, .oper = ISIF_OPER_LOGGED_IN });
}

static void test_login_by_hand(void)
{
	manual();
	RUN({ .admin = OUT, .oper = ISIF_OPER_LOGGED_OUT },
	    { .sid = 1, .state = FREE, .flags = FRESH, .admin = IN, .oper = ISIF_OPER_LOGGING_IN },
	    { .sid = 1, .state = UP, .flags = FRESH, .admin = IN, .oper = ISIF_OPER_LOGGED_IN });
}

static void test_logout_by_hand(void)
{
	automatic();
	RUN({ .sid = 1, .state = UP, .admin = IN, .oper = ISIF_OPER_LOGGED_IN },
	    { .sid = 1,
	      .state = UP,
	      .flags = UNBINDING,
	      .admin = IN,
	      .oper = ISIF_OPER_LOGGING_OUT },
	    { .sid = 1,
	      .state = FREE,
	      .flags = UNBINDING | ANSWERED,
	      .admin = OUT,
	      .oper = ISIF_OPER_LOGGING_OUT },
	    { .sid = 1,
	      .state = FREE,
	      .flags = GONE | ANSWERED,
	      .admin = OUT,
	      .oper = ISIF_OPER_LOGGED_OUT },
	    { .admin = OUT, .oper = ISIF_OPER_LOGGED_OUT },
	    { .sid = 2, .state = UP, .admin = IN, .oper = ISIF_OPER_LOGGED_IN });
}

static void test_gone_unasked(void)
{
	automatic();
	RUN({ .sid = 1, .state = UP, .admin = IN, .oper = ISIF_OPER_LOGGED_IN },
	    { .sid = 1,
	      .state = UP,
	      .flags = GONE,
	      .admin = IN,
	      .oper = ISIF_OPER_LOST,
	      .losses = 1,
	      .error = "" },
	    { .admin = IN, .oper = ISIF_OPER_LOST, .losses = 1, .error = "" });
}

/* A logout that nobody answered: the target was not reachable. It was not asked for. */
static void test_logout_unanswered(void)
{
	automatic();
	RUN({ .sid = 1, .state = UP, .admin = IN, .oper = ISIF_OPER_LOGGED_IN },
	    { .sid = 1,
	      .state = FAILED,
	      .admin = IN,
	      .oper = ISIF_OPER_RECOVERING,
	      .losses = 1,
	      .error = "" },
	    { .sid = 1,
	      .state = FAILED,
	      .flags = UNBINDING,
	      .admin = IN,
	      .oper = ISIF_OPER_LOGGING_OUT,
	      .losses = 1,
	      .error = "" },
	    { .sid = 1,
	      .state = FAILED,
	      .flags = GONE | UNBINDING,
	      .admin = IN,
	      .oper = ISIF_OPER_LOST,
	      .losses = 1,
	      .error = "" });
}

static void test_unbound_unasked(void)
{
	automatic();
	RUN({ .sid = 1, .state = UP, .admin = IN, .oper = ISIF_OPER_LOGGED_IN },
	    { .sid = 1,
	      .state = UP,
	      .flags = UNBINDING,
	      .admin = IN,
	      .oper = ISIF_OPER_LOGGING_OUT },
	    { .sid = 1,
	      .state = UP,
	      .flags = GONE | UNBINDING,
	      .admin = IN,
	      .oper = ISIF_OPER_LOST,
	      .losses = 1,
	      .error = "" });
}

static void test_recovers(void)
{
	automatic();
	RUN({ .sid = 1, .state = UP, .admin = IN, .oper = ISIF_OPER_LOGGED_IN },
	    { .sid = 1,
	      .state = FAILED,
	      .code = 1022,
	      .admin = IN,
	      .oper = ISIF_OPER_RECOVERING,
	      .losses = 1,
	      .error = "ping" },
	    { .sid = 1,
	      .state = FAILED,
	      .code = 1011,
	      .admin = IN,
	      .oper = ISIF_OPER_RECOVERING,
	      .losses = 1,
	      .error = "ping" },
	    { .sid = 1,
	      .state = UP,
	      .code = 1022,
	      .admin = IN,
	      .oper = ISIF_OPER_LOGGED_IN,
	      .losses = 1,
	      .error = "ping" },
	    { .sid = 1,
	      .state = FAILED,
	      .code = 1020,
	      .admin = IN,
	      .oper = ISIF_OPER_RECOVERING,
	      .losses = 2,
	      .error = "closed" });
}

/* One outage is one loss, be it recovering first and lost then. */
static void test_given_up(void)
{
	automatic();
	RUN({ .sid = 1, .state = UP, .admin = IN, .oper = ISIF_OPER_LOGGED_IN },
	    { .sid = 1,
	      .state = FAILED,
	      .code = 1011,
	      .admin = IN,
	      .oper = ISIF_OPER_RECOVERING,
	      .losses = 1,
	      .error = "1011" },
	    { .sid = 1,
	      .state = FREE,
	      .code = 1011,
	      .admin = IN,
	      .oper = ISIF_OPER_LOST,
	      .losses = 1,
	      .error = "1011" },
	    { .sid = 1,
	      .state = FREE,
	      .flags = GONE,
	      .admin = IN,
	      .oper = ISIF_OPER_LOST,
	      .losses = 1,
	      .error = "1011" },
	    { .admin = IN, .oper = ISIF_OPER_LOST, .losses = 1, .error = "1011" },
	    { .sid = 2,
	      .state = UP,
	      .admin = IN,
	      .oper = ISIF_OPER_LOGGED_IN,
	      .losses = 1,
	      .error = "1011" });
}

static void test_free_at_start(void)
{
	automatic();
	RUN({ .sid = 1, .state = FREE, .admin = IN, .oper = ISIF_OPER_LOST });
}

static void test_recovering_at_start(void)
{
	automatic();
	RUN({ .sid = 1, .state = FAILED, .admin = IN, .oper = ISIF_OPER_RECOVERING });
}

static void test_login_fails(void)
{
	automatic();
	RUN({ .admin = IN, .oper = ISIF_OPER_LOGGED_OUT },
	    { .sid = 1, .state = FREE, .flags = FRESH, .admin = IN, .oper = ISIF_OPER_LOGGING_IN },
	    { .sid = 1,
	      .state = FREE,
	      .flags = FRESH | GONE,
	      .admin = IN,
	      .oper = ISIF_OPER_FAILED,
	      .error = "login" },
	    { .admin = IN, .oper = ISIF_OPER_FAILED, .error = "login" },
	    { .sid = 2,
	      .state = FREE,
	      .flags = FRESH,
	      .admin = IN,
	      .oper = ISIF_OPER_LOGGING_IN,
	      .error = "login" },
	    { .sid = 2,
	      .state = UP,
	      .flags = FRESH,
	      .admin = IN,
	      .oper = ISIF_OPER_LOGGED_IN,
	      .error = "login" });
}

static void test_fresh_lost(void)
{
	automatic();
	RUN({ .sid = 1, .state = FREE, .flags = FRESH, .admin = IN, .oper = ISIF_OPER_LOGGING_IN },
	    { .sid = 1, .state = UP, .flags = FRESH, .admin = IN, .oper = ISIF_OPER_LOGGED_IN },
	    { .sid = 1,
	      .state = FREE,
	      .flags = FRESH,
	      .admin = IN,
	      .oper = ISIF_OPER_LOST,
	      .losses = 1,
	      .error = "" });
}

static void test_misrouted(void)
{
	automatic();
	RUN({ .sid = 1, .state = UP, .admin = IN, .oper = ISIF_OPER_LOGGED_IN },
	    { .sid = 1, .state = UP, .flags = ELSEWHERE, .admin = IN, .oper = ISIF_OPER_MISROUTED },
	    { .sid = 1, .state = UP, .admin = IN, .oper = ISIF_OPER_LOGGED_IN },
	    { .sid = 1, .state = UP, .flags = ELSEWHERE, .admin = IN, .oper = ISIF_OPER_MISROUTED },
	    { .sid = 1,
	      .state = UP,
	      .flags = GONE,
	      .admin = IN,
	      .oper = ISIF_OPER_LOST,
	      .losses = 1,
	      .error = "" });
}

static void test_restart(void)
{
	automatic();
	RUN({ .sid = 1, .state = UP, .admin = IN, .oper = ISIF_OPER_LOGGED_IN },
	    { .sid = 1, .state = UP, .flags = RESTART, .admin = IN, .oper = ISIF_OPER_LOGGED_IN },
	    { .flags = RESTART, .admin = IN, .oper = ISIF_OPER_LOST, .losses = 1, .error = "" },
	    { .flags = RESTART, .admin = IN, .oper = ISIF_OPER_LOST, .losses = 1, .error = "" });
}

static void test_wanted_is_kept(void)
{
	automatic();
	RUN({ .sid = 1, .state = UP, .admin = IN, .oper = ISIF_OPER_LOGGED_IN },
	    { .sid = 1,
	      .state = FREE,
	      .flags = GONE | ANSWERED,
	      .admin = OUT,
	      .oper = ISIF_OPER_LOGGED_OUT },
	    { .flags = RESTART, .admin = OUT, .oper = ISIF_OPER_LOGGED_OUT },
	    { .flags = REBOOT, .admin = OUT, .oper = ISIF_OPER_LOGGED_OUT });
}

/* Never up since boot and nobody tried: logged out, not lost; a new session 1 is another one. */
static void test_reboot(void)
{
	automatic();
	RUN({ .sid = 1, .state = UP, .admin = IN, .oper = ISIF_OPER_LOGGED_IN },
	    { .flags = REBOOT, .admin = IN, .oper = ISIF_OPER_LOGGED_OUT },
	    { .sid = 1, .state = UP, .admin = IN, .oper = ISIF_OPER_LOGGED_IN });
}

static void test_up_since(void)
{
	const struct isif_binding *row;
	int64_t wall;
	uint64_t mono;

	automatic();
	RUN({ .sid = 1, .state = UP, .admin = IN, .oper = ISIF_OPER_LOGGED_IN });
	wall = stage.world.wall;
	mono = stage.world.mono;
	CU_ASSERT_EQUAL(binding_row("iqn.a", "if0")->up_since, wall);
	CU_ASSERT_EQUAL(binding_row("iqn.a", "if0")->up_since_mono, mono);
	/* Over another device it is up all the same. */
	RUN({ .sid = 1, .state = UP, .flags = ELSEWHERE, .admin = IN, .oper = ISIF_OPER_MISROUTED },
	    { .sid = 1, .state = UP, .admin = IN, .oper = ISIF_OPER_LOGGED_IN });
	CU_ASSERT_EQUAL(binding_row("iqn.a", "if0")->up_since, wall);
	RUN({ .sid = 1,
	      .state = FAILED,
	      .admin = IN,
	      .oper = ISIF_OPER_RECOVERING,
	      .losses = 1,
	      .error = "" });
	row = binding_row("iqn.a", "if0");
	CU_ASSERT_EQUAL(row->up_since, 0);
	CU_ASSERT_EQUAL(row->up_since_mono, 0);
	CU_ASSERT_EQUAL(row->last_loss, stage.world.wall);
	RUN({ .sid = 1,
	      .state = UP,
	      .admin = IN,
	      .oper = ISIF_OPER_LOGGED_IN,
	      .losses = 1,
	      .error = "" });
	CU_ASSERT_EQUAL(binding_row("iqn.a", "if0")->up_since, stage.world.wall);
	CU_ASSERT_EQUAL(binding_row("iqn.a", "if0")->last_loss, stage.world.wall - 1);
}

/* Another session took its place between two looks: since then it is up. */
static void test_new_session(void)
{
	automatic();
	RUN({ .sid = 1, .state = UP, .admin = IN, .oper = ISIF_OPER_LOGGED_IN },
	    { .sid = 2, .state = UP, .admin = IN, .oper = ISIF_OPER_LOGGED_IN });
	CU_ASSERT_EQUAL(binding_row("iqn.a", "if0")->up_since, stage.world.wall);
}

/* What a job does is no hand's work: what is wanted it says by itself, and that is not here. */
static void test_logout_by_job(void)
{
	automatic();
	RUN({ .sid = 1, .state = UP, .admin = IN, .oper = ISIF_OPER_LOGGED_IN },
	    { .sid = 1, .state = UP, .flags = JOB_OUT, .admin = IN, .oper = ISIF_OPER_LOGGING_OUT },
	    { .sid = 1,
	      .state = FAILED,
	      .flags = JOB_OUT,
	      .admin = IN,
	      .oper = ISIF_OPER_LOGGING_OUT },
	    { .sid = 1,
	      .state = UP,
	      .flags = JOB_OUT | GONE | ANSWERED,
	      .admin = IN,
	      .oper = ISIF_OPER_LOGGED_OUT },
	    { .flags = JOB_IN, .admin = IN, .oper = ISIF_OPER_LOGGING_IN },
	    { .sid = 2, .state = FREE, .flags = JOB_IN, .admin = IN, .oper = ISIF_OPER_LOGGING_IN },
	    { .sid = 2, .state = UP, .flags = JOB_IN, .admin = IN, .oper = ISIF_OPER_LOGGED_IN },
	    { .sid = 2, .state = UP, .admin = IN, .oper = ISIF_OPER_LOGGED_IN });
}

/* A session that was to go and stayed was up all the while. */
static void test_logout_fails(void)
{
	int64_t since;

	automatic();
	RUN({ .sid = 1, .state = UP, .admin = IN, .oper = ISIF_OPER_LOGGED_IN });
	since = binding_row("iqn.a", "if0")->up_since;
	CU_ASSERT_EQUAL(since, stage.world.wall);
	RUN({ .sid = 1, .state = UP, .flags = JOB_OUT, .admin = IN, .oper = ISIF_OPER_LOGGING_OUT },
	    { .sid = 1, .state = UP, .admin = IN, .oper = ISIF_OPER_LOGGED_IN });
	CU_ASSERT_EQUAL(binding_row("iqn.a", "if0")->up_since, since);
}

/* Without its job, what was logging in has failed. */
static void test_job_gives_up(void)
{
	automatic();
	RUN({ .admin = IN, .oper = ISIF_OPER_LOGGED_OUT },
	    { .flags = JOB_IN, .admin = IN, .oper = ISIF_OPER_LOGGING_IN },
	    { .admin = IN, .oper = ISIF_OPER_FAILED, .error = "did not succeed" });
}

void add_judge_tests(void)
{
	CU_pSuite suite =
		CU_add_suite_with_setup_and_teardown("judge", NULL, NULL, set_up, tear_down);

	CU_add_test(suite, "manual startup: not wanted at first", test_wanted_at_first);
	CU_add_test(suite, "automatic startup: wanted, logged out", test_wanted_by_startup);
	CU_add_test(suite, "onboot startup: wanted", test_wanted_by_onboot);
	CU_add_test(suite, "a session at first: wanted", test_wanted_by_session);
	CU_add_test(suite, "a login by hand sets the wanted state", test_login_by_hand);
	CU_add_test(suite, "an answered logout sets the wanted state", test_logout_by_hand);
	CU_add_test(suite, "gone without a logout: lost", test_gone_unasked);
	CU_add_test(suite, "a logout without an answer: lost", test_logout_unanswered);
	CU_add_test(suite, "taken down without a logout: lost", test_unbound_unasked);
	CU_add_test(suite, "recovering and up again: one loss each", test_recovers);
	CU_add_test(suite, "given up: the same loss", test_given_up);
	CU_add_test(suite, "FREE at the start: lost", test_free_at_start);
	CU_add_test(suite, "FAILED at the start: recovering", test_recovering_at_start);
	CU_add_test(suite, "FREE when fresh: logging in, and failed", test_login_fails);
	CU_add_test(suite, "FREE after it was up: lost", test_fresh_lost);
	CU_add_test(suite, "over another device: misrouted, no loss", test_misrouted);
	CU_add_test(suite, "gone while the agent was down: lost once", test_restart);
	CU_add_test(suite, "the wanted state outlives restart and boot", test_wanted_is_kept);
	CU_add_test(suite, "after a boot nothing is lost", test_reboot);
	CU_add_test(suite, "up since, and last loss", test_up_since);
	CU_add_test(suite, "another session is up since it is there", test_new_session);
	CU_add_test(suite, "logged out and in by jobs: no loss", test_logout_by_job);
	CU_add_test(suite, "a logout that fails: up all the while", test_logout_fails);
	CU_add_test(suite, "a login whose job gives up: failed", test_job_gives_up);
}
