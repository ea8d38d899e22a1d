/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a rebind and a move plan: which sessions move, what each record says at each time, and that
 * the plan on disk is the plan.
 */
#include "suites.h"

#include "allocation.h"
#include "move_plan.h"
#include "rebind_plan.h"
#include "stage.h"

#include <stdlib.h>
#include <string.h>

#define A	   "iqn.a"
#define SAN0_IFACE "iface.net_ifacename = san0\n"
#define SAN1_IFACE "iface.net_ifacename = san1\n"
#define NETDEV	   "iface.net_ifacename"

static struct rebind_plan plan;

static void set_up(void)
{
	stage_open();
	plan = (struct rebind_plan){ 0 };
}

static void tear_down(void)
{
	rebind_plan_clear(&plan);
	stage_close();
}

/* An iface, a binding with its copy, and a session that iscsid bound to a device; NULL: none. */
static void put(const char *iface, const char *copy, const char *device)
{
	stage_iface("if0", iface);
	stage_node(A, "if0", copy);
	if (device) {
		stage_session(5, A, "if0");
		stage.kernels[stage.world.session_count - 1].netdev = device;
	}
	stage_build();
}

static const struct rebind_record *made(void)
{
	CU_ASSERT_TRUE_FATAL(
		rebind_plan_add(&plan, stage.snapshot, iface_row("if0"), binding_row(A, "if0")));
	return &plan.records[plan.count - 1];
}

static bool is_line(const struct rebind_record *record, const char *key, const char *before,
		    const char *during, const char *home)
{
	for (size_t i = 0; i < record->line_count; i++) {
		char *const *values = record->lines[i].values;

		if (strcmp(record->lines[i].key, key) != 0)
			continue;
		return !strcmp(values[REBIND_BEFORE], before) &&
		       !strcmp(values[REBIND_DURING], during) && !strcmp(values[REBIND_HOME], home);
	}
	return false;
}

/* --- what moves --- */

static void test_record_changed(void)
{
	const struct rebind_record *record;

	put(IFACE_RECORD("if0", SAN1_IFACE), SAN0_IFACE, "san0");
	record = made();
	CU_ASSERT_TRUE(record->moves);
	CU_ASSERT_EQUAL(record->binding, binding_row(A, "if0")->index);
	CU_ASSERT_STRING_EQUAL(record->path, "nodes/iqn.a/192.0.2.10,3260,1/if0");
	CU_ASSERT_TRUE(is_line(record, NETDEV, "san0", "san1", "san0"));
	CU_ASSERT_TRUE(
		rebind_session_is(stage.snapshot, session_row(5)->kernel, record, REBIND_HOME));
	CU_ASSERT_FALSE(
		rebind_session_is(stage.snapshot, session_row(5)->kernel, record, REBIND_DURING));
}

/* The copies were rewritten long ago: where the session came from, only itself can tell. */
static void test_copy_changed_before(void)
{
	const struct rebind_record *record;

	put(IFACE_RECORD("if0", SAN1_IFACE), SAN1_IFACE, "san0");
	record = made();
	CU_ASSERT_TRUE(record->moves);
	CU_ASSERT_TRUE(is_line(record, NETDEV, "san1", "san1", "san0"));
}

static void test_nothing_differs(void)
{
	put(IFACE_RECORD("if0", SAN0_IFACE), SAN0_IFACE, "san0");
	CU_ASSERT_FALSE(made()->moves);
	CU_ASSERT_EQUAL(plan.records[0].line_count, 0);
}

static void test_no_session(void)
{
	put(IFACE_RECORD("if0", SAN1_IFACE), SAN0_IFACE, NULL);
	CU_ASSERT_FALSE(made()->moves);
	CU_ASSERT_TRUE(is_line(&plan.records[0], NETDEV, "san0", "san1", "san0"));
}

/* What makes no path is written, and moves nobody. */
static void test_other_setting(void)
{
	put(IFACE_RECORD("if0", SAN0_IFACE "iface.mtu = 9000\n"), SAN0_IFACE "iface.mtu = 1500\n",
	    "san0");
	CU_ASSERT_FALSE(made()->moves);
	CU_ASSERT_TRUE(is_line(&plan.records[0], "iface.mtu", "1500", "9000", "1500"));
}

static void test_initiator(void)
{
	const struct rebind_record *record;

	stage_iface("if0", IFACE_RECORD("if0", SAN0_IFACE "iface.initiatorname = iqn.new\n"));
	stage_node(A, "if0", SAN0_IFACE "iface.initiatorname = iqn.old\n");
	stage_session(5, A, "if0");
	stage.kernels[0].netdev = "san0";
	stage.kernels[0].initiator = "iqn.old";
	stage_build();
	record = made();
	CU_ASSERT_TRUE(record->moves);
	CU_ASSERT_TRUE(is_line(record, "iface.initiatorname", "iqn.old", "iqn.new", "iqn.old"));
}

static void test_wrong_path(void)
{
	put(IFACE_RECORD("if0", SAN0_IFACE), SAN0_IFACE, "san0");
	stage.sessions[0].path_link = SAN1;
	stage.sessions[0].bound = stage.sessions[0].path_known = true;
	stage_build();
	CU_ASSERT_EQUAL(binding_row(A, "if0")->path, ISIF_PATH_WRONG);
	CU_ASSERT_TRUE(made()->moves);
}

static void test_same_value(void)
{
	CU_ASSERT_TRUE(rebind_same_value(NETDEV, "san0", "san0"));
	CU_ASSERT_TRUE(rebind_same_value(NETDEV, "", "default"));
	CU_ASSERT_FALSE(rebind_same_value(NETDEV, "", "san0"));
	CU_ASSERT_FALSE(rebind_same_value("iface.initiatorname", "", "default"));
}

/* --- as text --- */

static bool survives(void)
{
	char *text = rebind_plan_write(&plan), *again;
	bool same;

	CU_ASSERT_PTR_NOT_NULL_FATAL(text);
	rebind_plan_clear(&plan);
	CU_ASSERT_TRUE_FATAL(rebind_plan_read(&plan, text));
	again = rebind_plan_write(&plan);
	same = again && !strcmp(text, again);
	free(again);
	free(text);
	return same;
}

static void test_text(void)
{
	static struct isif_disk disks[] = {
		{ .lun = 1, .device = "sda", .wwid = "naa.1 2", .map = "mpath a%" },
		{ .lun = 2, .device = "sdb" },
	};

	put(IFACE_RECORD("if0", SAN1_IFACE "iface.mtu = 9000\n"), SAN0_IFACE, "san0");
	stage.kernels[0].disks = disks;
	stage.kernels[0].disk_count = COUNT(disks);
	made();
	/* One without a name cannot be told from others, and is not waited for. */
	CU_ASSERT_EQUAL(plan.records[0].disks.count, 1);
	CU_ASSERT_TRUE(survives());
	CU_ASSERT_EQUAL_FATAL(plan.count, 1);
	CU_ASSERT_TRUE(plan.records[0].moves);
	CU_ASSERT_STRING_EQUAL(plan.records[0].path, "nodes/iqn.a/192.0.2.10,3260,1/if0");
	CU_ASSERT_TRUE(is_line(&plan.records[0], NETDEV, "san0", "san1", "san0"));
	CU_ASSERT_TRUE(is_line(&plan.records[0], "iface.mtu", "", "9000", ""));
	CU_ASSERT_STRING_EQUAL(plan.records[0].disks.disks[0].wwid, "naa.1 2");
	CU_ASSERT_STRING_EQUAL(plan.records[0].disks.disks[0].map, "mpath a%");
}

static void test_change(void)
{
	const struct isif_edit_line lines[] = { { NETDEV, "san0", "san1" },
						{ "iface.hwaddress", "", "02:00:00:00:00:03" } };
	char *text = rebind_plan_of_change("if0", lines, COUNT(lines));

	CU_ASSERT_PTR_NOT_NULL_FATAL(text);
	CU_ASSERT_TRUE_FATAL(rebind_plan_read(&plan, text));
	free(text);
	CU_ASSERT_EQUAL_FATAL(plan.count, 1);
	CU_ASSERT_EQUAL(plan.records[0].binding, 0);
	CU_ASSERT_STRING_EQUAL(plan.records[0].path, "ifaces/if0");
	CU_ASSERT_TRUE(is_line(&plan.records[0], NETDEV, "san0", "san1", "san0"));
	CU_ASSERT_TRUE(is_line(&plan.records[0], "iface.hwaddress", "", "02:00:00:00:00:03", ""));
}

static void test_damaged_text(void)
{
	static const char *const texts[] = {
		"line iface.a b c d\n",
		"record 1 1\n",
		"record 1 1 path",
		"record 1 1 path more\n",
		"record x 1 path\n",
		"record 1 1 path\nline iface.a b c\n",
		"record 1 1 path\nline iface.a b c d e\n",
		"record 1 1 path\nline a b c d\n", /* what is compared stands behind "iface." */
		"record 1 1 path\nline node.name b c d\n",
		"record 1 1 path\ndisk a\n",
		"record 1 1 path\nother\n",
		"record 1 1 path\n\n",
		"record 1 1 %ZZ\n",
	};

	for (size_t i = 0; i < COUNT(texts); i++) {
		CU_ASSERT_FALSE(rebind_plan_read(&plan, texts[i]));
		rebind_plan_clear(&plan);
	}
	CU_ASSERT_TRUE(rebind_plan_read(&plan, "record 1 1 path\nline iface.a % c d\ndisk a %\n"));
}

/* --- the plan of a move --- */

static struct isif_disk two_disks[] = {
	{ .lun = 1, .device = "sda", .wwid = "naa.1 2", .map = "mpath a%" },
	{ .lun = 2, .device = "sdb", .wwid = "naa.3" },
};

static void put_with_disks(void)
{
	put(IFACE_RECORD("if0", SAN0_IFACE), SAN0_IFACE, "san0");
	stage.kernels[0].disks = two_disks;
	stage.kernels[0].disk_count = COUNT(two_disks);
}

static void test_move_plan(void)
{
	static struct isif_disk in_other_maps[] = {
		{ .wwid = "naa.1 2" },
		{ .wwid = "naa.3", .map = "mpathb" },
	};
	struct isif_kernel_session over_there = { .disks = two_disks, .disk_count = 1 };
	struct move_plan move = { 0 };
	char *text;

	put_with_disks();
	text = move_plan_of(stage.snapshot, binding_row(A, "if0"));
	CU_ASSERT_PTR_NOT_NULL_FATAL(text);
	CU_ASSERT_TRUE_FATAL(move_plan_read(&move, text));
	free(text);
	CU_ASSERT_EQUAL(move.tpgt, 1);
	CU_ASSERT_EQUAL(move.disks.count, 2);
	CU_ASSERT_STRING_EQUAL(session_disks_missing(&move.disks, NULL)->wwid, "naa.1 2");
	CU_ASSERT_STRING_EQUAL(session_disks_missing(&move.disks, &over_there)->wwid, "naa.3");
	over_there.disk_count = 2;
	CU_ASSERT_PTR_NULL(session_disks_missing(&move.disks, &over_there));
	/* What was in a map must be in it there, too; what was in none may be in any. */
	over_there.disks = in_other_maps;
	CU_ASSERT_STRING_EQUAL(session_disks_missing(&move.disks, &over_there)->map, "mpath a%");
	over_there.disks++;
	over_there.disk_count--;
	CU_ASSERT_STRING_EQUAL(session_disks_missing(&move.disks, &over_there)->wwid, "naa.1 2");
	move_plan_clear(&move);
}

static void test_damaged_move_plan(void)
{
	static const char *const texts[] = { "",
					     "move 1",
					     "move\n",
					     "record 1 1 path\n",
					     "move 1\ndisk a",
					     "move 1\ndisk a\n",
					     "move 1\ndisk a b c\n",
					     "move 1\ndisk %ZZ b\n",
					     "move 1\nother a b\n",
					     "move 1\n\n" };
	struct move_plan move = { 0 };

	for (size_t i = 0; i < COUNT(texts); i++) {
		CU_ASSERT_FALSE(move_plan_read(&move, texts[i]));
		move_plan_clear(&move);
	}
}

static void test_move_plan_memory(void)
{
	bool failed = true;

	put_with_disks();
	for (unsigned long n = 1; failed && n < 500; n++) {
		char *text;

		allocation_fail_at(n, false);
		text = move_plan_of(stage.snapshot, binding_row(A, "if0"));
		failed = allocation_end();
		CU_ASSERT_EQUAL(text != NULL, !failed);
		free(text);
	}
	CU_ASSERT_FALSE(failed);
}

/* --- memory that runs out --- */

static void test_memory(void)
{
	bool failed = true;

	put(IFACE_RECORD("if0", SAN1_IFACE), SAN0_IFACE, "san0");
	for (unsigned long n = 1; failed && n < 500; n++) {
		bool good;

		allocation_fail_at(n, false);
		good = rebind_plan_add(&plan, stage.snapshot, iface_row("if0"),
				       binding_row(A, "if0"));
		failed = allocation_end();
		CU_ASSERT_EQUAL(good, !failed);
		rebind_plan_clear(&plan);
	}
	CU_ASSERT_FALSE(failed);
}

void add_rebind_tests(void)
{
	CU_pSuite suite =
		CU_add_suite_with_setup_and_teardown("rebind", NULL, NULL, set_up, tear_down);

	CU_add_test(suite, "the iface's record was changed", test_record_changed);
	CU_add_test(suite, "so were its copies, long ago", test_copy_changed_before);
	CU_add_test(suite, "nothing differs", test_nothing_differs);
	CU_add_test(suite, "a binding without a session", test_no_session);
	CU_add_test(suite, "a setting that makes no path", test_other_setting);
	CU_add_test(suite, "another initiator name", test_initiator);
	CU_add_test(suite, "a session over the wrong path", test_wrong_path);
	CU_add_test(suite, "values that mean the same", test_same_value);
	CU_add_test(suite, "a plan as text", test_text);
	CU_add_test(suite, "the text of a change", test_change);
	CU_add_test(suite, "a damaged text", test_damaged_text);
	CU_add_test(suite, "the plan of a move", test_move_plan);
	CU_add_test(suite, "the damaged plan of a move", test_damaged_move_plan);
	CU_add_test(suite, "memory that runs out for it", test_move_plan_memory);
	CU_add_test(suite, "memory that runs out", test_memory);
}
