/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How sessions find their bindings, and whether the three layers say the same. */
#include "suites.h"

#include "stage.h"

#include <stdio.h>
#include <string.h>

static const char san0[] = "iface.net_ifacename = san0\n";

/* Iface if0 on san0, target iqn.a bound to it, session 1 logged in over it. */
static struct observed_session *usual(void)
{
	stage_iface("if0", IFACE_RECORD("if0", "iface.net_ifacename = san0\n"));
	stage_node("iqn.a", "if0", san0);
	stage_session(1, "iqn.a", "if0");
	stage.kernels[0].netdev = "san0";
	return &stage.sessions[0];
}

static void test_join(void)
{
	const struct isif_snapshot *snapshot;

	usual();
	snapshot = stage_build();
	CU_ASSERT_EQUAL(snapshot->binding_count, 1);
	CU_ASSERT_EQUAL(snapshot->session_count, 1);
	CU_ASSERT_EQUAL(snapshot->sessions[0]->binding, snapshot->bindings[0]->index);
	CU_ASSERT_EQUAL(snapshot->bindings[0]->sid, 1);
	CU_ASSERT_EQUAL(snapshot->bindings[0]->in_sync, ISIF_BINDING_IN_SYNC);
	CU_ASSERT_EQUAL(iface_row("if0")->in_sync, ISIF_IFACE_IN_SYNC);
	CU_ASSERT_EQUAL(iface_row("if0")->bindings, 1);
	CU_ASSERT_EQUAL(iface_row("if0")->bindings_up, 1);
	CU_ASSERT_EQUAL(iface_row("if0")->oper_status, ISIF_GROUP_UP);
}

/* Each part of the key keeps a session from a binding that is not its own. */
static void test_no_match(void)
{
	static const struct {
		const char *target, *iface, *address;
		uint16_t port;
	} cases[] = {
		{ "iqn.b", "if0", "192.0.2.10", 3260 },
		{ "iqn.a", "if1", "192.0.2.10", 3260 },
		{ "iqn.a", "if0", "192.0.2.11", 3260 },
		{ "iqn.a", "if0", "192.0.2.10", 3261 },
	};

	stage_node("iqn.a", "if0", san0);
	for (size_t i = 0; i < COUNT(cases); i++) {
		stage.world.session_count = 0;
		stage_session((uint32_t)i + 1, cases[i].target, cases[i].iface);
		stage.kernels[0].persistent_address = cases[i].address;
		stage.kernels[0].persistent_port = cases[i].port;
		stage_build();
		CU_ASSERT_EQUAL(stage.snapshot->session_count, 1);
		CU_ASSERT_EQUAL(stage.snapshot->sessions[0]->binding, 0);
		CU_ASSERT_EQUAL(binding_row("iqn.a", "if0")->sid, 0);
		isif_snapshot_release(stage.snapshot);
		stage.snapshot = NULL;
	}
}

/* The portal of the record, not the one that a redirect led to, in whatever spelling. */
static void test_persistent_portal(void)
{
	stage_node_text("nodes/iqn.a/2001:db8::1,3260,1/if0", RECORD("node.tpgt = 1\n"));
	stage_session(1, "iqn.a", "if0");
	stage.kernels[0].persistent_address = "2001:0db8:0000:0000:0000:0000:0000:0001";
	stage.kernels[0].address = "2001:db8::99";
	stage.kernels[0].port = 9999;
	stage_build();
	CU_ASSERT_EQUAL(binding_row("iqn.a", "if0")->sid, 1);
}

static void test_tpgt(void)
{
	const struct isif_node *two;

	stage_node_text("nodes/iqn.a/192.0.2.10,3260,1/if0", RECORD("node.tpgt = 1\n"));
	two = stage_node_text("nodes/iqn.a/192.0.2.10,3260,2/if0", RECORD("node.tpgt = 2\n"));
	stage_session(1, "iqn.a", "if0");
	stage.kernels[0].tpgt = 2;
	stage_build();
	for (uint32_t i = 0; i < stage.snapshot->binding_count; i++) {
		const struct isif_binding *row = stage.snapshot->bindings[i];

		CU_ASSERT_EQUAL(row->sid, row->node == two ? 1 : 0);
	}
}

static void test_unknown_tpgt(void)
{
	stage_node_text("nodes/iqn.a/192.0.2.10,3260", RECORD("iface.iscsi_ifacename = if0\n"));
	stage_session(1, "iqn.a", "if0");
	stage_build();
	CU_ASSERT_EQUAL(binding_row("iqn.a", "if0")->node->tpgt, -1);
	CU_ASSERT_EQUAL(binding_row("iqn.a", "if0")->sid, 1);
}

static void test_no_record(void)
{
	stage_session(1, "iqn.a", "if0");
	stage_build();
	CU_ASSERT_EQUAL(stage.snapshot->binding_count, 0);
	CU_ASSERT_EQUAL(session_row(1)->binding, 0);
	CU_ASSERT_EQUAL(session_row(1)->path, ISIF_PATH_OK);
	CU_ASSERT_PTR_NOT_NULL_FATAL(target_row("iqn.a"));
	CU_ASSERT_EQUAL(target_row("iqn.a")->bindings, 0);
	CU_ASSERT_EQUAL(target_row("iqn.a")->oper_status, ISIF_GROUP_IDLE);
}

/* Of two sessions of one binding (nr_sessions) the better one speaks for it. */
static void test_two_sessions(void)
{
	static const struct {
		enum isif_session_state first, second;
		uint32_t sid;
	} cases[] = {
		{ ISIF_SESSION_LOGGED_IN, ISIF_SESSION_FAILED, 1 },
		{ ISIF_SESSION_FAILED, ISIF_SESSION_LOGGED_IN, 2 },
		{ ISIF_SESSION_FREE, ISIF_SESSION_FAILED, 2 },
		{ ISIF_SESSION_LOGGED_IN, ISIF_SESSION_LOGGED_IN, 1 },
	};

	usual();
	stage_session(2, "iqn.a", "if0");
	stage.kernels[1].netdev = "san0";
	for (size_t i = 0; i < COUNT(cases); i++) {
		stage.kernels[0].state = cases[i].first;
		stage.kernels[1].state = cases[i].second;
		stage_build();
		CU_ASSERT_EQUAL(binding_row("iqn.a", "if0")->sid, cases[i].sid);
		CU_ASSERT_EQUAL(session_row(1)->binding, binding_row("iqn.a", "if0")->index);
		CU_ASSERT_EQUAL(session_row(2)->binding, binding_row("iqn.a", "if0")->index);
		CU_ASSERT_EQUAL(stage.snapshot->binding_count, 1);
	}
}

static void test_gone_session(void)
{
	usual()->gone = true;
	stage_build();
	CU_ASSERT_EQUAL(stage.snapshot->session_count, 0);
	CU_ASSERT_EQUAL(binding_row("iqn.a", "if0")->sid, 0);
	CU_ASSERT_EQUAL(binding_row("iqn.a", "if0")->path, ISIF_PATH_NOT_APPLICABLE);
}

static void test_unknown_iface(void)
{
	stage_node("iqn.a", "gone", san0);
	stage_session(1, "iqn.a", "gone");
	stage.kernels[0].netdev = "san0";
	stage_build();
	CU_ASSERT_PTR_NULL(iface_row("gone"));
	CU_ASSERT_PTR_NOT_NULL_FATAL(binding_row("iqn.a", "gone"));
	CU_ASSERT_EQUAL(binding_row("iqn.a", "gone")->in_sync, ISIF_BINDING_RECORD_DIFFERS);
	/* The copy in the node record is what the login used. */
	CU_ASSERT_EQUAL(binding_row("iqn.a", "gone")->path, ISIF_PATH_OK);
	stage.sessions[0].path_link = SAN1;
	stage_build();
	CU_ASSERT_EQUAL(binding_row("iqn.a", "gone")->path, ISIF_PATH_WRONG);
}

static void test_copy_differs(void)
{
	static const struct {
		const char *copy;
		bool same;
	} cases[] = {
		{ "iface.net_ifacename = san0\n", true },
		{ "iface.net_ifacename = san1\n", false },
		{ "", false },
		{ "iface.net_ifacename = san0\niface.mtu = 1500\n", false },
		/* Not set is not set, written or not. */
		{ "iface.net_ifacename = san0\niface.mtu = 0\n", true },
		{ "iface.net_ifacename = san0\niface.hwaddress = default\n", true },
		{ "iface.net_ifacename = san0\niface.initiatorname = iqn.x\n", false },
	};

	stage_iface("if0", IFACE_RECORD("if0", "iface.net_ifacename = san0\n"));
	for (size_t i = 0; i < COUNT(cases); i++) {
		stage_node("iqn.a", "if0", cases[i].copy);
		stage_build();
		CU_ASSERT_EQUAL(binding_row("iqn.a", "if0")->in_sync,
				cases[i].same ? ISIF_BINDING_IN_SYNC : ISIF_BINDING_RECORD_DIFFERS);
		CU_ASSERT_EQUAL(iface_row("if0")->in_sync,
				cases[i].same ? ISIF_IFACE_IN_SYNC : ISIF_IFACE_BINDINGS_DIFFER);
		isif_snapshot_release(stage.snapshot);
		stage.snapshot = NULL;
		isif_node_release(stage.nodes[--stage.world.node_count]);
	}
}

static void test_session_differs(void)
{
	static const struct {
		const char *netdev, *hwaddress, *initiator;
		bool same;
	} cases[] = {
		{ "san0", "", "iqn.host", true },   { "san1", "", "iqn.host", false },
		{ "", "", "iqn.host", false },	    { "san0", SAN0_HWADDRESS, "iqn.host", false },
		{ "san0", "", "iqn.other", false }, { "san0", "", "", true },
	};

	usual();
	for (size_t i = 0; i < COUNT(cases); i++) {
		stage.kernels[0].netdev = cases[i].netdev;
		stage.kernels[0].hwaddress = cases[i].hwaddress;
		stage.kernels[0].initiator = cases[i].initiator;
		stage_build();
		CU_ASSERT_EQUAL(binding_row("iqn.a", "if0")->in_sync,
				cases[i].same ? ISIF_BINDING_IN_SYNC
					      : ISIF_BINDING_SESSION_DIFFERS);
		CU_ASSERT_EQUAL(iface_row("if0")->in_sync,
				cases[i].same ? ISIF_IFACE_IN_SYNC : ISIF_IFACE_SESSIONS_DIFFER);
	}
}

static void test_own_initiator(void)
{
	stage_iface("if0", IFACE_RECORD("if0", "iface.initiatorname = iqn.own\n"));
	stage_node("iqn.a", "if0", "iface.initiatorname = iqn.own\n");
	stage_session(1, "iqn.a", "if0");
	stage_build();
	CU_ASSERT_EQUAL(binding_row("iqn.a", "if0")->in_sync, ISIF_BINDING_SESSION_DIFFERS);
	stage.kernels[0].initiator = "iqn.own";
	stage_build();
	CU_ASSERT_EQUAL(binding_row("iqn.a", "if0")->in_sync, ISIF_BINDING_IN_SYNC);
}

static void test_misrouted_differs(void)
{
	usual()->path_link = SAN1;
	stage_build();
	CU_ASSERT_EQUAL(binding_row("iqn.a", "if0")->in_sync, ISIF_BINDING_SESSION_DIFFERS);
}

/* Both differ: the record comes first, as it is what the next login uses. */
static void test_both_differ(void)
{
	stage_iface("if0", IFACE_RECORD("if0", "iface.net_ifacename = san1\n"));
	stage_node("iqn.a", "if0", san0);
	stage_session(1, "iqn.a", "if0");
	stage.kernels[0].netdev = "san0";
	stage_build();
	CU_ASSERT_EQUAL(binding_row("iqn.a", "if0")->in_sync, ISIF_BINDING_RECORD_DIFFERS);
	CU_ASSERT_EQUAL(iface_row("if0")->in_sync, ISIF_IFACE_BINDINGS_DIFFER);
}

static void test_built_in_copy(void)
{
	stage_node("iqn.a", "default", "");
	stage_node("iqn.b", "default", "iface.net_ifacename = san0\n");
	stage_build();
	CU_ASSERT_EQUAL(binding_row("iqn.a", "default")->in_sync, ISIF_BINDING_IN_SYNC);
	CU_ASSERT_EQUAL(binding_row("iqn.b", "default")->in_sync, ISIF_BINDING_RECORD_DIFFERS);
	CU_ASSERT_EQUAL(iface_row("default")->bindings, 2);
}

static void test_disks(void)
{
	static struct isif_disk disks[] = {
		{ .lun = 1, .device = "sda", .wwid = "naa.1" },
		{ .lun = 1, .device = "sdx", .wwid = "naa.1" },
		{ .lun = 7, .device = "sdb", .wwid = "naa.7" },
		{ .lun = 9, .device = "sdc", .wwid = "" },
	};

	usual();
	stage_session(2, "iqn.a", "if1");
	for (size_t i = 0; i < 2; i++) {
		stage.kernels[i].disks = disks;
		stage.kernels[i].disk_count = COUNT(disks);
	}
	stage_build();
	/* An index may stand once only, in the order of session and LUN. */
	CU_ASSERT_EQUAL_FATAL(stage.snapshot->disk_count, 6);
	for (uint32_t i = 0; i < 6; i++) {
		static const uint32_t luns[] = { 1, 7, 9 };

		CU_ASSERT_EQUAL(stage.snapshot->disks[i].sid, i / 3 + 1);
		CU_ASSERT_EQUAL(stage.snapshot->disks[i].disk->lun, luns[i % 3]);
	}
	/* Different WWIDs over both paths, and two disks that tell none. */
	CU_ASSERT_EQUAL(target_row("iqn.a")->disks, 4);
}

/* What a look found stands in the place of what a disk says, where there was one. */
static void test_looks(void)
{
	static struct isif_disk disks[] = {
		{ .lun = 1, .device = "sda", .use = ISIF_DISK_UNUSED },
		{ .lun = 2, .device = "sdb", .use = ISIF_DISK_IN_USE, .user = "/srv" },
		{ .lun = 3, .device = "sdc", .use = ISIF_DISK_UNUSED },
	};
	static const struct isif_look_disk looks[] = {
		{ .sid = 1, .device = "sdc", .use = ISIF_DISK_IN_USE, .user = "of one" },
		{ .sid = 2, .device = "sdc", .use = ISIF_DISK_UNKNOWN, .user = "of two" },
		{ .sid = 2, .device = "sdb", .use = ISIF_DISK_REDUNDANT, .user = "mpatha" },
		{ .sid = 3, .device = "sda", .use = ISIF_DISK_IN_USE, .user = "of another" },
	};
	static const struct {
		enum isif_disk_use use;
		const char *user;
	} expected[] = {
		{ ISIF_DISK_UNUSED, "" },	   { ISIF_DISK_IN_USE, "/srv" },
		{ ISIF_DISK_IN_USE, "of one" },	   { ISIF_DISK_UNUSED, "" },
		{ ISIF_DISK_REDUNDANT, "mpatha" }, { ISIF_DISK_UNKNOWN, "of two" },
	};

	usual();
	stage_session(2, "iqn.a", "if1");
	for (size_t i = 0; i < 2; i++) {
		stage.kernels[i].disks = disks;
		stage.kernels[i].disk_count = COUNT(disks);
	}
	stage.world.looks = looks;
	stage.world.look_count = COUNT(looks);
	stage_build();
	CU_ASSERT_EQUAL_FATAL(stage.snapshot->disk_count, COUNT(expected));
	for (size_t i = 0; i < COUNT(expected); i++) {
		CU_ASSERT_EQUAL(stage.snapshot->disks[i].use, expected[i].use);
		CU_ASSERT_STRING_EQUAL(stage.snapshot->disks[i].user, expected[i].user);
	}
}

void add_join_tests(void)
{
	CU_pSuite suite = CU_add_suite_with_setup_and_teardown("model joins", NULL, NULL,
							       stage_open, stage_close);

	CU_add_test(suite, "a session and its binding know each other", test_join);
	CU_add_test(suite, "another target, iface or portal is no match", test_no_match);
	CU_add_test(suite, "the portal of the record counts", test_persistent_portal);
	CU_add_test(suite, "of two groups the session's own is taken", test_tpgt);
	CU_add_test(suite, "a record without a group takes any", test_unknown_tpgt);
	CU_add_test(suite, "a session without a record", test_no_record);
	CU_add_test(suite, "two sessions of one binding", test_two_sessions);
	CU_add_test(suite, "a session that is gone", test_gone_session);
	CU_add_test(suite, "a node record whose iface is gone", test_unknown_iface);
	CU_add_test(suite, "the copy in the node record differs", test_copy_differs);
	CU_add_test(suite, "the live session differs", test_session_differs);
	CU_add_test(suite, "an initiator name of the iface's own", test_own_initiator);
	CU_add_test(suite, "a misrouted session differs", test_misrouted_differs);
	CU_add_test(suite, "record and session differ: the record's word", test_both_differ);
	CU_add_test(suite, "a copy of a built-in iface", test_built_in_copy);
	CU_add_test(suite, "who uses the disks", test_looks);
	CU_add_test(suite, "disks, once for each LUN, and WWIDs of a target", test_disks);
}
