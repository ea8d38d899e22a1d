/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The list of jobs, its file and its runner, with the real gate. Jobs of an iface that has no
 * record end at once: that is enough for all that has nothing to do with what they do. Time is
 * the test's own.
 */
#include "suites.h"

#include "allocation.h"
#include "job.h"
#include "stage.h"

#include <stdio.h>
#include <string.h>

static struct isif_privileged *gate;
static struct job_runner *runner;
static uint64_t now;

static void open_runner(void)
{
	CU_ASSERT_EQUAL_FATAL(job_runner_open(gate, stage.names, &stage.log, &runner), ISIF_OK);
}

static void set_up(void)
{
	scratch_make();
	put_directory("db/ifaces");
	put_directory("db/nodes");
	stage_open();
	stage_build();
	now = 1000;
	CU_ASSERT_EQUAL_FATAL(open_writing_gate(scratch("db"), &stage.log, &gate), ISIF_OK);
	open_runner();
}

static void tear_down(void)
{
	job_runner_close(runner);
	isif_privileged_close(gate);
	stage_close();
	scratch_remove();
}

static void reopen(void)
{
	job_runner_close(runner);
	open_runner();
}

static enum isif_error add(uint32_t index, const char *iface)
{
	struct isif_job job = {
		.index = index,
		.kind = ISIF_JOB_PROPAGATE,
		.iface = isif_name_get(stage.names, iface, strlen(iface)),
		.target = isif_name_get(stage.names, "", 0),
		.address = isif_name_get(stage.names, "", 0),
	};
	enum isif_error error = job_add(runner, &job);

	isif_name_release(job.iface);
	isif_name_release(job.target);
	isif_name_release(job.address);
	return error;
}

static void add_and_keep(uint32_t index)
{
	CU_ASSERT_EQUAL(add(index, "gone"), ISIF_OK);
	job_keep(runner);
}

static bool run(void)
{
	return job_run(runner, stage.snapshot, now, UINT64_MAX);
}

static const struct isif_job *job(uint32_t index)
{
	const struct isif_job *found = job_find(runner, index);

	CU_ASSERT_PTR_NOT_NULL_FATAL(found);
	return found;
}

/* The list as "index:state", in its order. */
static bool lists(const char *expected)
{
	struct isif_job_list list = job_list(runner);
	char text[512] = "";

	for (uint32_t i = 0; i < list.count; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%u:%d", i ? " " : "",
			 list.jobs[i]->index, (int)list.jobs[i]->state);
	if (!strcmp(text, expected))
		return true;
	printf("# the jobs are '%s', not '%s'\n", text, expected);
	return false;
}

/* --- the list --- */

static void test_empty(void)
{
	CU_ASSERT_TRUE(lists(""));
	CU_ASSERT_EQUAL(job_list(runner).next_index, 1);
	CU_ASSERT_PTR_NULL(job_find(runner, 1));
	CU_ASSERT_FALSE(run());
	CU_ASSERT_EQUAL(job_due(runner), UINT64_MAX);
	CU_ASSERT_EQUAL(job_descriptor(runner, stage.snapshot, JOB_LANE_RECORDS), -1);
	CU_ASSERT_FALSE(file_exists("state/jobs"));
}

static void test_sorted(void)
{
	add_and_keep(7);
	add_and_keep(1u << 30);
	add_and_keep(3);
	add_and_keep(9);
	CU_ASSERT_TRUE(lists("3:1 7:1 9:1 1073741824:1"));
	CU_ASSERT_TRUE(job(7)->order < job(1u << 30)->order);
	CU_ASSERT_TRUE(job(1u << 30)->order < job(3)->order);
	CU_ASSERT_TRUE(job(3)->order < job(9)->order);
	CU_ASSERT_EQUAL(job(3)->control, ISIF_JOB_RUN);
	CU_ASSERT_EQUAL(add(7, "gone"), ISIF_EXISTS);
}

static void test_next_index(void)
{
	add_and_keep(1u << 30);
	CU_ASSERT_EQUAL(job_list(runner).next_index, 1);
	add_and_keep(4);
	CU_ASSERT_EQUAL(job_list(runner).next_index, 5);
	add_and_keep((1u << 30) - 1);
	CU_ASSERT_EQUAL(job_list(runner).next_index, 1);
	add_and_keep(1);
	add_and_keep(2);
	CU_ASSERT_EQUAL(job_list(runner).next_index, 3);
}

static void test_implied_index(void)
{
	CU_ASSERT_EQUAL(job_implied_index(runner), 1u << 30);
	CU_ASSERT_EQUAL(job_implied_index(runner), (1u << 30) + 1);
	CU_ASSERT_EQUAL(job_save(runner), ISIF_OK);
	reopen();
	CU_ASSERT_EQUAL(job_implied_index(runner), (1u << 30) + 2);
}

/* At the end of the range it goes on at its begin, with what is free there. */
static void test_implied_index_wraps(void)
{
	put_file("state/jobs", "iscsi-ifaced jobs 1\nnext 2147483647\n"
			       "job 1073741824 1 8 3 1 0 0 100 0 0 1 2 a % % % % %\nend\n");
	reopen();
	CU_ASSERT_EQUAL(job_implied_index(runner), 0x7fffffff);
	CU_ASSERT_EQUAL(job_implied_index(runner), (1u << 30) + 1);
}

static void test_too_many(void)
{
	for (uint32_t i = 1; i <= JOB_OPEN_LIMIT; i++)
		CU_ASSERT_EQUAL(add(i, "gone"), ISIF_OK);
	CU_ASSERT_EQUAL(add(JOB_OPEN_LIMIT + 1, "gone"), ISIF_LIMIT);
	/* What a change implies comes after the change was made. */
	CU_ASSERT_EQUAL(add(job_implied_index(runner), "gone"), ISIF_OK);
	job_keep(runner);
	CU_ASSERT_TRUE(run());
	CU_ASSERT_EQUAL(add(JOB_OPEN_LIMIT + 1, "gone"), ISIF_OK);
	job_keep(runner);
}

/* --- changes that are kept, and changes that are not --- */

static void test_revert(void)
{
	add_and_keep(1);
	run();
	add_and_keep(2);
	CU_ASSERT_TRUE(lists("1:4 2:1"));
	job_remove(runner, 1);
	job_cancel(runner, 2);
	CU_ASSERT_EQUAL(add(3, "gone"), ISIF_OK);
	CU_ASSERT_TRUE(lists("2:1 3:1"));
	CU_ASSERT_PTR_NULL(job_find(runner, 1));
	CU_ASSERT_EQUAL(job(2)->control, ISIF_JOB_CANCEL);
	CU_ASSERT_EQUAL(add(1, "gone"), ISIF_EXISTS);
	job_revert(runner);
	CU_ASSERT_TRUE(lists("1:4 2:1"));
	CU_ASSERT_EQUAL(job(2)->control, ISIF_JOB_RUN);
	CU_ASSERT_EQUAL(add(3, "gone"), ISIF_OK);
	job_revert(runner);
}

static void test_keep(void)
{
	add_and_keep(1);
	run();
	job_remove(runner, 1);
	CU_ASSERT_EQUAL(add(2, "gone"), ISIF_OK);
	job_keep(runner);
	job_revert(runner);
	CU_ASSERT_TRUE(lists("2:1"));
	CU_ASSERT_EQUAL(add(1, "gone"), ISIF_OK);
	job_keep(runner);
	CU_ASSERT_TRUE(lists("1:1 2:1"));
}

/* What may yet be taken back does not begin, and nothing else does meanwhile. */
static void test_nothing_runs_in_a_change(void)
{
	add_and_keep(1);
	CU_ASSERT_EQUAL(job_due(runner), 0);
	CU_ASSERT_EQUAL(add(2, "gone"), ISIF_OK);
	CU_ASSERT_EQUAL(job_due(runner), UINT64_MAX);
	CU_ASSERT_FALSE(run());
	CU_ASSERT_TRUE(lists("1:1 2:1"));
	job_revert(runner);
	CU_ASSERT_EQUAL(job_due(runner), 0);
	CU_ASSERT_TRUE(run());
	CU_ASSERT_TRUE(lists("1:4"));
	CU_ASSERT_EQUAL(job_due(runner), UINT64_MAX);
}

/* Only what has ended can be removed, and only what is open cancelled. */
static void test_wrong_state(void)
{
	add_and_keep(1);
	job_remove(runner, 1);
	job_remove(runner, 2);
	job_cancel(runner, 2);
	CU_ASSERT_TRUE(lists("1:1"));
	run();
	job_cancel(runner, 1);
	CU_ASSERT_EQUAL(job(1)->control, ISIF_JOB_RUN);
}

/* --- the runner --- */

static void test_no_record(void)
{
	add_and_keep(1);
	CU_ASSERT_TRUE(run());
	CU_ASSERT_EQUAL(job(1)->state, ISIF_JOB_FAILED);
	CU_ASSERT_EQUAL(job(1)->error, ISIF_JOB_ERROR_CHANGED);
	CU_ASSERT_STRING_EQUAL(job(1)->error_text, "iface gone has no record any more");
	CU_ASSERT_TRUE(job(1)->started > 0 && job(1)->finished > 0);
	CU_ASSERT_STRING_EQUAL(stage.lines.all,
			       "job 1 (propagate, iface gone) began\n"
			       "job 1 (propagate, iface gone) failed, error 1010: iface gone has "
			       "no record any more; nothing was done\n");
	CU_ASSERT_FALSE(run());
	CU_ASSERT_EQUAL(stage.lines.count, 2);
}

static void test_built_in(void)
{
	CU_ASSERT_EQUAL(add(1, "default"), ISIF_OK);
	job_keep(runner);
	run();
	CU_ASSERT_EQUAL(job(1)->state, ISIF_JOB_FAILED);
	CU_ASSERT_STRING_EQUAL(job(1)->error_text, "iface default has no record: it is built in");
}

static void test_order(void)
{
	add_and_keep(5);
	add_and_keep(2);
	add_and_keep(9);
	CU_ASSERT_TRUE(run());
	CU_ASSERT_TRUE(lists("2:4 5:4 9:4"));
	CU_ASSERT_PTR_NOT_NULL_FATAL(strstr(stage.lines.all, "job 5 (propagate, iface gone) fail"));
	CU_ASSERT_TRUE(strstr(stage.lines.all, "job 5 (propagate, iface gone) fail") <
		       strstr(stage.lines.all, "job 2 (propagate, iface gone) began"));
	CU_ASSERT_TRUE(strstr(stage.lines.all, "job 2 (propagate, iface gone) fail") <
		       strstr(stage.lines.all, "job 9 (propagate, iface gone) began"));
}

/* A slice that is over ends with the job that ends in it. */
static void test_slices(void)
{
	add_and_keep(1);
	add_and_keep(2);
	CU_ASSERT_TRUE(job_run(runner, stage.snapshot, now, 0));
	CU_ASSERT_TRUE(lists("1:4 2:1"));
	CU_ASSERT_EQUAL(job_due(runner), 0);
	CU_ASSERT_TRUE(job_run(runner, stage.snapshot, now, 0));
	CU_ASSERT_TRUE(lists("1:4 2:4"));
}

static void test_cancel_pending(void)
{
	add_and_keep(1);
	add_and_keep(2);
	job_cancel(runner, 2);
	job_keep(runner);
	CU_ASSERT_EQUAL(job_due(runner), 0);
	CU_ASSERT_TRUE(job_run(runner, stage.snapshot, now, 0));
	CU_ASSERT_EQUAL(job(2)->state, ISIF_JOB_CANCELLED);
	CU_ASSERT_EQUAL(job(2)->error, 0);
	CU_ASSERT_EQUAL(job(2)->started, 0);
	CU_ASSERT_TRUE(job(2)->finished > 0);
	CU_ASSERT_STRING_EQUAL(job(2)->step, "cancelled before it began");
	CU_ASSERT_PTR_NOT_NULL(strstr(stage.lines.all,
				      "job 2 (propagate, iface gone) was cancelled: cancelled "
				      "before it began\n"));
}

static void test_history(void)
{
	job_runner_set_history(runner, 2);
	for (uint32_t i = 5; i > 0; i--)
		add_and_keep(i);
	run();
	CU_ASSERT_TRUE(lists("1:4 2:4"));
	add_and_keep(7);
	job_runner_set_history(runner, 1);
	CU_ASSERT_TRUE(lists("1:4 7:1"));
	job_runner_set_history(runner, 0);
	CU_ASSERT_TRUE(lists("7:1"));
}

static void test_default_history(void)
{
	for (uint32_t i = 1; i <= 130; i++)
		add_and_keep(i);
	run();
	CU_ASSERT_EQUAL(job_list(runner).count, 128);
	CU_ASSERT_PTR_NULL(job_find(runner, 2));
	CU_ASSERT_PTR_NOT_NULL(job_find(runner, 3));
}

/* What a change may put back is not forgotten meanwhile. */
static void test_history_in_a_change(void)
{
	add_and_keep(1);
	add_and_keep(2);
	run();
	job_remove(runner, 2);
	job_runner_set_history(runner, 1);
	job_revert(runner);
	CU_ASSERT_TRUE(lists("1:4 2:4"));
	add_and_keep(3);
	CU_ASSERT_TRUE(lists("2:4 3:1"));
}

/* Texts end before a character of UTF-8 that they have no room for. */
static void test_texts(void)
{
	static const struct {
		const char *character;
		size_t before, length;
	} cases[] = {
		{ "a", 255, 255 },
		{ "a", 254, 255 },
		{ "\xc3\xa4", 254, 254 },
		{ "\xc3\xa4", 253, 255 },
		{ "\xe2\x82\xac", 253, 253 },
		{ "\xe2\x82\xac", 254, 254 },
		{ "\xe2\x82\xac", 252, 255 },
		{ "\xf0\x9f\x98\x80", 252, 252 },
		{ "\xf0\x9f\x98\x80", 254, 254 },
		{ "\xf0\x9f\x98\x80", 251, 255 },
		{ "\x80\x80\x80\x80\x80", 253, 255 },
	};
	char text[512];

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct isif_job one = { 0 };

		memset(text, 'x', cases[i].before);
		snprintf(text + cases[i].before, sizeof(text) - cases[i].before, "%sEND",
			 cases[i].character);
		job_step(&one, "%s", text);
		CU_ASSERT_EQUAL(strlen(one.step), cases[i].length);
		CU_ASSERT_EQUAL(memcmp(one.step, text, cases[i].length), 0);
		if (strlen(one.step) != cases[i].length)
			printf("# case %zu: %zu\n", i, strlen(one.step));
	}
}

static void test_concerns(void)
{
	const struct isif_node *node =
		stage_node_text("nodes/iqn.a/fd00::1,860,2/if0",
				NODE_RECORD("iqn.a", "fd00:0:0::1", "860", "2", IFACE("if0", "")));
	static const struct {
		const char *iface, *target, *address;
		uint16_t port;
		bool concerns;
	} cases[] = {
		{ "", "", "", 0, true },
		{ "if0", "", "", 0, true },
		{ "if1", "", "", 0, false },
		{ "if0", "iqn.a", "fd00::1", 860, true },
		{ "if0", "iqn.b", "fd00::1", 860, false },
		{ "if0", "iqn.a", "fd00::2", 860, false },
		{ "if0", "iqn.a", "fd00::1", 3260, false },
		{ "if0", "", "", 3260, false },
	};
	struct isif_job move = {
		.iface = isif_name_get(stage.names, "if7", 3),
		.from = isif_name_get(stage.names, "if0", 3),
		.target = isif_name_get(stage.names, "", 0),
		.address = isif_name_get(stage.names, "", 0),
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct isif_job one = {
			.iface = isif_name_get(stage.names, cases[i].iface, strlen(cases[i].iface)),
			.target = isif_name_get(stage.names, cases[i].target,
						strlen(cases[i].target)),
			.address = isif_name_get(stage.names, cases[i].address,
						 strlen(cases[i].address)),
			.port = cases[i].port,
		};

		CU_ASSERT_EQUAL(isif_job_concerns(&one, node), cases[i].concerns);
		isif_name_release(one.iface);
		isif_name_release(one.target);
		isif_name_release(one.address);
	}
	CU_ASSERT_TRUE(isif_job_concerns(&move, node));
	isif_name_release(move.iface);
	isif_name_release(move.from);
	isif_name_release(move.target);
	isif_name_release(move.address);
}

/* --- the file --- */

/* A file with one job of each state; written by hand. */
#define JOBS                                                                                       \
	"iscsi-ifaced jobs 1\nnext 1073741830\n"                                                   \
	"job 1 4 8 1 1 3260 1 0 0 0 0 0 gone iqn.a 192.0.2.1 the%20night%20shift % %\n"            \
	"job 2 3 8 2 2 0 0 42 0 17 1800000000 0 gone % % % rewriting %\n"                          \
	"job 3 2 8 3 1 0 0 100 0 5000 1800000000 1800000001 if0 % % me done %\n"                   \
	"job 1073741824 1 8 4 1 0 0 50 1010 1 1800000000 1800000001 %41%20%25%0A%C3%A4 % % % % "   \
	"changed%20meanwhile\n"                                                                    \
	"end\n"

static void test_read(void)
{
	put_file("state/jobs", JOBS);
	reopen();
	CU_ASSERT_TRUE(lists("1:1 2:1 3:3 1073741824:4"));
	CU_ASSERT_STRING_EQUAL(job(1)->iface->text, "gone");
	CU_ASSERT_STRING_EQUAL(job(1)->target->text, "iqn.a");
	CU_ASSERT_STRING_EQUAL(job(1)->address->text, "192.0.2.1");
	CU_ASSERT_EQUAL(job(1)->port, 3260);
	CU_ASSERT_TRUE(job(1)->force);
	CU_ASSERT_STRING_EQUAL(job(1)->owner, "the night shift");
	CU_ASSERT_EQUAL(job(3)->results, 5000);
	CU_ASSERT_EQUAL(job(3)->progress, 100);
	CU_ASSERT_EQUAL(job(3)->started, 1800000000);
	CU_ASSERT_EQUAL(job(3)->finished, 1800000001);
	CU_ASSERT_STRING_EQUAL(job(3)->step, "done");
	CU_ASSERT_EQUAL(job(1u << 30)->error, 1010);
	CU_ASSERT_STRING_EQUAL(job(1u << 30)->iface->text, "A %\n\xc3\xa4");
	CU_ASSERT_STRING_EQUAL(job(1u << 30)->error_text, "changed meanwhile");
	CU_ASSERT_EQUAL(job_implied_index(runner), 1073741830);
	CU_ASSERT_EQUAL(stage.lines.count, 0);
	/* What is asked for from now on is later than all of them. */
	add_and_keep(9);
	CU_ASSERT_TRUE(job(9)->order > job(1)->order);
}

/* What ran begins anew; a cancel that was asked for stays asked for. */
static void test_open_jobs_begin_anew(void)
{
	put_file("state/jobs", JOBS);
	reopen();
	CU_ASSERT_EQUAL(job(2)->progress, 0);
	CU_ASSERT_EQUAL(job(2)->results, 0);
	CU_ASSERT_EQUAL(job(2)->started, 0);
	CU_ASSERT_STRING_EQUAL(job(2)->step, "interrupted; it begins anew");
	CU_ASSERT_EQUAL(job_due(runner), 0);
	run();
	CU_ASSERT_TRUE(lists("1:4 2:6 3:3 1073741824:4"));
}

static void test_round_trip(void)
{
	put_file("state/jobs", JOBS);
	reopen();
	remove_file("state/jobs");
	CU_ASSERT_EQUAL(job_save(runner), ISIF_OK);
	reopen();
	CU_ASSERT_TRUE(lists("1:1 2:1 3:3 1073741824:4"));
	CU_ASSERT_STRING_EQUAL(job(1)->owner, "the night shift");
	CU_ASSERT_STRING_EQUAL(job(1u << 30)->iface->text, "A %\n\xc3\xa4");
	CU_ASSERT_STRING_EQUAL(job(1u << 30)->error_text, "changed meanwhile");
	CU_ASSERT_TRUE(job(1u << 30)->order < job(3)->order && job(3)->order < job(2)->order);
	CU_ASSERT_EQUAL(job(2)->control, ISIF_JOB_CANCEL);
	CU_ASSERT_EQUAL(job_implied_index(runner), 1073741830);
}

/* The iface that a binding leaves: with a plan, and without one when the job has ended. */
static void test_move(void)
{
	put_file("state/jobs", "iscsi-ifaced jobs 1\nnext 1073741830\n"
			       "job 1073741824 1 3 4 1 3260 0 0 4 0 1 2 if1 iqn.a % % % % % if0\n"
			       "job 1073741825 2 3 1 1 3260 0 0 0 0 0 0 if1 iqn.a % % % % "
			       "move%201%0A if0\n"
			       "end\n");
	for (int i = 0; i < 2; i++) {
		reopen();
		CU_ASSERT_PTR_NOT_NULL_FATAL(job(1u << 30));
		CU_ASSERT_STRING_EQUAL(job(1u << 30)->from->text, "if0");
		CU_ASSERT_PTR_NULL(job(1u << 30)->plan);
		CU_ASSERT_STRING_EQUAL(job((1u << 30) + 1)->from->text, "if0");
		CU_ASSERT_STRING_EQUAL(job((1u << 30) + 1)->plan, "move 1\n");
		CU_ASSERT_EQUAL(job_save(runner), ISIF_OK);
	}
	CU_ASSERT_EQUAL(stage.lines.count, 0);
}

/* The longest texts that a job can have, each octet of them written as three. */
static void test_long_texts(void)
{
	char text[3 * ISIF_JOB_TEXT_SIZE] = "", file[4096];

	for (size_t i = 0; i < ISIF_JOB_TEXT_SIZE - 1; i++)
		memcpy(text + 3 * i, "%80", 4);
	snprintf(file, sizeof(file),
		 "iscsi-ifaced jobs 1\nnext 1073741824\n"
		 "job 1 1 8 3 1 0 0 100 0 0 1 2 %.192s %s %s %.96s %s %s\nend\n",
		 text, text, text, text, text, text);
	put_file("state/jobs", file);
	reopen();
	CU_ASSERT_EQUAL(job_save(runner), ISIF_OK);
	reopen();
	CU_ASSERT_EQUAL(strlen(job(1)->iface->text), 64);
	CU_ASSERT_EQUAL(strlen(job(1)->target->text), 255);
	CU_ASSERT_EQUAL(strlen(job(1)->address->text), 255);
	CU_ASSERT_EQUAL(strlen(job(1)->owner), ISIF_JOB_OWNER_SIZE - 1);
	CU_ASSERT_EQUAL(strlen(job(1)->step), ISIF_JOB_TEXT_SIZE - 1);
	CU_ASSERT_EQUAL(strlen(job(1)->error_text), ISIF_JOB_TEXT_SIZE - 1);
	CU_ASSERT_EQUAL(stage.lines.errors, 0);
}

/* It is written when a job begins or ends, and not because of nothing. */
static void test_saved_by_the_runner(void)
{
	add_and_keep(1);
	CU_ASSERT_FALSE(file_exists("state/jobs"));
	run();
	CU_ASSERT_TRUE(file_exists("state/jobs"));
	reopen();
	CU_ASSERT_TRUE(lists("1:4"));
	remove_file("state/jobs");
	run();
	CU_ASSERT_FALSE(file_exists("state/jobs"));
}

/* What a change has removed is not in the file; taken back, it is again. */
static void test_saved_in_a_change(void)
{
	add_and_keep(1);
	run();
	job_remove(runner, 1);
	CU_ASSERT_EQUAL(add(2, "gone"), ISIF_OK);
	CU_ASSERT_EQUAL(job_save(runner), ISIF_OK);
	reopen();
	CU_ASSERT_TRUE(lists("2:1"));
	CU_ASSERT_EQUAL(add(3, "gone"), ISIF_OK);
	CU_ASSERT_EQUAL(job_save(runner), ISIF_OK);
	job_revert(runner);
	CU_ASSERT_EQUAL(job_save(runner), ISIF_OK);
	reopen();
	CU_ASSERT_TRUE(lists("2:1"));
}

#define HEAD "iscsi-ifaced jobs 1\nnext 1073741824\n"

static void test_damaged(void)
{
	static const char *const texts[] = {
		"",
		"something else\n",
		"iscsi-ifaced jobs 2\nnext 1073741824\nend\n",
		"iscsi-ifaced jobs 1\nend\n",
		"iscsi-ifaced jobs 1\nnext 1073741823\nend\n",
		"iscsi-ifaced jobs 1\nnext 2147483648\nend\n",
		HEAD,
		HEAD "end",
		HEAD "end\nmore\n",
		HEAD "job 1\nend\n",
		HEAD "job 0 1 8 3 1 0 0 100 0 0 1 2 a % % % % %\nend\n",
		HEAD "job 2147483648 1 8 3 1 0 0 100 0 0 1 2 a % % % % %\nend\n",
		HEAD "job 1 0 8 3 1 0 0 100 0 0 1 2 a % % % % %\nend\n",
		HEAD "job 1 1 9 3 1 0 0 100 0 0 1 2 a % % % % %\nend\n",
		HEAD "job 1 1 8 7 1 0 0 100 0 0 1 2 a % % % % %\nend\n",
		HEAD "job 1 1 8 3 3 0 0 100 0 0 1 2 a % % % % %\nend\n",
		HEAD "job 1 1 8 3 1 65536 0 100 0 0 1 2 a % % % % %\nend\n",
		HEAD "job 1 1 8 3 1 0 0 101 0 0 1 2 a % % % % %\nend\n",
		HEAD "job 1 1 8 3 1 0 0 100 0 0 1 2 a % % % %\nend\n",
		HEAD "job 1 1 8 3 1 0 0 100 0 0 1 2 a % % % % % %\nend\n",
		HEAD "job 1 1 3 3 1 0 0 100 0 0 1 2 a % % % % % plan if0 more\nend\n",
		HEAD "job 1 1 3 3 1 0 0 100 0 0 1 2 a % % % % % plan \nend\n",
		HEAD "job 1 1 8 3 1 0 0 100 0 0 1 2 %ZZ % % % % %\nend\n",
		HEAD "job 1 1 8 3 1 0 0 100 0 0 1 2 a%00 % % % % %\nend\n",
		HEAD "job 1 1 8 3 1 0 0 100 0 0 1 2 a % % "
		     "123456789012345678901234567890123 % %\nend\n",
		HEAD "job 1 1 8 3 1 0 0 100 0 0 1 2 a % % % % %\n"
		     "job 1 2 8 3 1 0 0 100 0 0 1 2 a % % % % %\nend\n",
	};

	for (size_t i = 0; i < COUNT(texts); i++) {
		stage.lines = (struct lines){ 0 };
		put_file("state/jobs", texts[i]);
		reopen();
		CU_ASSERT_EQUAL(stage.lines.errors, 1);
		CU_ASSERT_PTR_NOT_NULL(strstr(stage.lines.all, "jobsbad"));
		CU_ASSERT_TRUE(file_is("state/jobsbad", texts[i]));
		CU_ASSERT_TRUE(file_is("state/jobs", HEAD "end\n"));
		CU_ASSERT_TRUE(lists(""));
		if (stage.lines.errors != 1)
			printf("# case %zu\n", i);
	}
}

static void test_unreadable(void)
{
	put_directory("state/jobs");
	reopen();
	CU_ASSERT_TRUE(lists(""));
	CU_ASSERT_EQUAL(stage.lines.errors, 1);
	/* And it cannot be written, which is told once. */
	add_and_keep(1);
	run();
	add_and_keep(2);
	run();
	CU_ASSERT_EQUAL(stage.lines.errors, 2);
	remove(scratch("state/jobs"));
	add_and_keep(3);
	run();
	reopen();
	CU_ASSERT_TRUE(lists("1:4 2:4 3:4"));
}

/* --- memory that runs out --- */

/* What is half done may stand in it: it is not begun anew because it cannot be read now. */
static void test_unreadable_now(void)
{
	static const enum fault_kind kinds[] = { FAULT_OPEN, FAULT_READ };

	job_runner_close(runner);
	runner = NULL;
	put_file("state/jobs", JOBS);
	for (size_t i = 0; i < COUNT(kinds); i++) {
		stage.lines = (struct lines){ 0 };
		fault_at(FAULT_SELF, kinds[i], 1, EIO, true);
		CU_ASSERT_EQUAL(job_runner_open(gate, stage.names, &stage.log, &runner), ISIF_IO);
		CU_ASSERT_TRUE(fault_end());
		CU_ASSERT_TRUE(file_is("state/jobs", JOBS));
		CU_ASSERT_TRUE(stage.lines.errors == 1 && strstr(stage.lines.all, "list of jobs"));
	}
	CU_ASSERT_EQUAL(job_runner_open(gate, stage.names, &stage.log, &runner), ISIF_OK);
	CU_ASSERT_TRUE(lists("1:1 2:1 3:3 1073741824:4"));
}

/* A good file is no damaged one because memory was short. */
static void test_memory_of_open(void)
{
	bool failed = true;

	job_runner_close(runner);
	runner = NULL;
	for (unsigned long n = 1; failed && n < 200; n++) {
		enum isif_error error;

		put_file("state/jobs", JOBS);
		allocation_fail_at(n, false);
		error = job_runner_open(gate, stage.names, &stage.log, &runner);
		failed = allocation_end();
		CU_ASSERT_EQUAL(error, failed ? ISIF_NO_MEMORY : ISIF_OK);
		CU_ASSERT_TRUE(file_is("state/jobs", JOBS));
	}
	CU_ASSERT_FALSE(failed);
	CU_ASSERT_EQUAL(stage.lines.count, 0);
	CU_ASSERT_TRUE(lists("1:1 2:1 3:3 1073741824:4"));
}

static void test_memory_of_add(void)
{
	struct isif_name *iface = isif_name_get(stage.names, "gone", 4);
	struct isif_name *none = isif_name_get(stage.names, "", 0);
	bool failed = true;

	for (unsigned long n = 1; failed && n < 10; n++) {
		struct isif_job one = { .index = 1, .kind = ISIF_JOB_PROPAGATE };
		enum isif_error error;

		one.iface = iface;
		one.target = one.address = none;
		allocation_fail_at(n, false);
		error = job_add(runner, &one);
		failed = allocation_end();
		CU_ASSERT_EQUAL(error, failed ? ISIF_NO_MEMORY : ISIF_OK);
		CU_ASSERT_TRUE(lists(failed ? "" : "1:1"));
	}
	CU_ASSERT_FALSE(failed);
	isif_name_release(iface);
	isif_name_release(none);
}

void add_job_tests(void)
{
	CU_pSuite suite =
		CU_add_suite_with_setup_and_teardown("job", NULL, NULL, set_up, tear_down);

	CU_add_test(suite, "without jobs there is nothing to do", test_empty);
	CU_add_test(suite, "sorted by index, numbered in the order of asking", test_sorted);
	CU_add_test(suite, "a free index for a manager", test_next_index);
	CU_add_test(suite, "implied indexes go up, across restarts", test_implied_index);
	CU_add_test(suite, "at the end of their range, too", test_implied_index_wraps);
	CU_add_test(suite, "open jobs are bounded", test_too_many);
	CU_add_test(suite, "a change is taken back", test_revert);
	CU_add_test(suite, "a change is kept", test_keep);
	CU_add_test(suite, "within a change nothing runs", test_nothing_runs_in_a_change);
	CU_add_test(suite, "open jobs cannot be removed, ended ones cancelled", test_wrong_state);
	CU_add_test(suite, "an iface without a record fails its job", test_no_record);
	CU_add_test(suite, "so does a built-in one", test_built_in);
	CU_add_test(suite, "one after the other, in the order of asking", test_order);
	CU_add_test(suite, "a slice ends", test_slices);
	CU_add_test(suite, "a pending job is cancelled at once", test_cancel_pending);
	CU_add_test(suite, "the oldest ended jobs are forgotten", test_history);
	CU_add_test(suite, "128 are kept", test_default_history);
	CU_add_test(suite, "none is forgotten within a change", test_history_in_a_change);
	CU_add_test(suite, "texts are cut between characters", test_texts);
	CU_add_test(suite, "which bindings a job is about", test_concerns);
	CU_add_test(suite, "the file is read", test_read);
	CU_add_test(suite, "a file that cannot be read now is kept", test_unreadable_now);
	CU_add_test(suite, "open jobs begin anew after a restart", test_open_jobs_begin_anew);
	CU_add_test(suite, "what was written is read again", test_round_trip);
	CU_add_test(suite, "so is the iface that a binding leaves", test_move);
	CU_add_test(suite, "the longest texts survive a restart", test_long_texts);
	CU_add_test(suite, "the file is written when jobs begin and end", test_saved_by_the_runner);
	CU_add_test(suite, "the file follows a change", test_saved_in_a_change);
	CU_add_test(suite, "a damaged file is put aside and told", test_damaged);
	CU_add_test(suite, "a file that cannot be used is told once", test_unreadable);
	CU_add_test(suite, "no memory while opening loses nothing", test_memory_of_open);
	CU_add_test(suite, "no memory for one more job", test_memory_of_add);
}
