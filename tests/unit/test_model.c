/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Snapshots as a whole: their rows, orders and sums, and what two of them share. */
#include "suites.h"

#include "stage.h"

#include <stdio.h>
#include <string.h>

static void test_empty(void)
{
	const struct isif_snapshot *snapshot = stage_build();

	CU_ASSERT_EQUAL(snapshot->iface_count, 2);
	CU_ASSERT_EQUAL(snapshot->transport_count, 2);
	CU_ASSERT_EQUAL(snapshot->binding_count, 0);
	CU_ASSERT_EQUAL(snapshot->session_count, 0);
	CU_ASSERT_EQUAL(snapshot->target_count, 0);
	CU_ASSERT_EQUAL(snapshot->summary.host_status, ISIF_HOST_IDLE);
	CU_ASSERT_STRING_EQUAL(snapshot->summary.record_directory->text, "/etc/iscsi");
	CU_ASSERT_STRING_EQUAL(snapshot->summary.initiator_name->text, "iqn.host");
	CU_ASSERT_EQUAL(snapshot->summary.bad_records, 0);
	CU_ASSERT_TRUE(snapshot->summary.next_binding_index >= 1 &&
		       snapshot->summary.next_binding_index < 1u << 30);
}

static void test_no_initiator(void)
{
	isif_name_release(stage.world.initiator_name);
	stage.world.initiator_name = NULL;
	CU_ASSERT_PTR_NULL(stage_build()->summary.initiator_name);
}

/* Names are in the order of their index: shorter ones first. */
static void test_iface_order(void)
{
	static const char *const order[] = {
		"Z", "z", "aa", "iser", "default", "iface-with-a-name"
	};

	stage_iface("iface-with-a-name", IFACE_RECORD("iface-with-a-name", ""));
	stage_iface("aa", IFACE_RECORD("aa", ""));
	stage_iface("z", IFACE_RECORD("z", ""));
	stage_iface("Z", IFACE_RECORD("Z", ""));
	stage_build();
	CU_ASSERT_EQUAL_FATAL(stage.snapshot->iface_count, COUNT(order));
	for (uint32_t i = 0; i < COUNT(order); i++)
		CU_ASSERT_STRING_EQUAL(stage.snapshot->ifaces[i]->name->text, order[i]);
}

static void test_setting_order(void)
{
	const struct isif_snapshot *snapshot;

	stage_iface("a", IFACE_RECORD("a", "iface.unknown_b = 1\niface.unknown_a = 2\n"));
	stage_iface("b", RECORD("iface.transport_name = qedi\n"));
	snapshot = stage_build();
	for (uint32_t i = 1; i < snapshot->setting_count; i++) {
		const struct isif_iface_setting *one = snapshot->settings[i - 1];
		const struct isif_iface_setting *other = snapshot->settings[i];
		int order =
			isif_index_compare(one->iface->name->text, one->iface->name->length,
					   other->iface->name->text, other->iface->name->length);

		CU_ASSERT_TRUE(
			order < 0 ||
			(order == 0 && isif_index_compare(one->name, strlen(one->name), other->name,
							  strlen(other->name)) < 0));
	}
}

static void test_index_compare(void)
{
	CU_ASSERT_TRUE(isif_index_compare("b", 1, "aa", 2) < 0);
	CU_ASSERT_TRUE(isif_index_compare("ab", 2, "aa", 2) > 0);
	CU_ASSERT_TRUE(isif_index_compare("", 0, "a", 1) < 0);
	CU_ASSERT_TRUE(isif_index_compare("\x80", 1, "a", 1) > 0);
	CU_ASSERT_EQUAL(isif_index_compare("aa", 2, "aa", 2), 0);
}

static void test_binding_order(void)
{
	const struct isif_snapshot *snapshot;

	for (unsigned i = 0; i < 10; i++) {
		char target[16];

		snprintf(target, sizeof(target), "iqn.%u", (i * 7) % 10);
		stage_node(target, "default", "");
	}
	snapshot = stage_build();
	CU_ASSERT_EQUAL_FATAL(snapshot->binding_count, 10);
	CU_ASSERT_EQUAL_FATAL(snapshot->target_count, 10);
	for (uint32_t i = 1; i < 10; i++) {
		CU_ASSERT_TRUE(snapshot->bindings[i - 1]->index < snapshot->bindings[i]->index);
		CU_ASSERT_TRUE(snapshot->targets[i - 1]->index < snapshot->targets[i]->index);
	}
}

static void test_built_in_names(void)
{
	stage_iface("default", RECORD("iface.transport_name = tcp\niface.net_ifacename = san0\n"));
	stage_iface("x", IFACE_RECORD("iser", ""));
	stage_build();
	CU_ASSERT_EQUAL(stage.snapshot->iface_count, 2);
	CU_ASSERT_EQUAL(iface_row("default")->kind, ISIF_KIND_BUILT_IN);
	CU_ASSERT_STRING_EQUAL(iface_row("default")->netdev, "");
	CU_ASSERT_STRING_EQUAL(iface_row("iser")->transport, "iser");
	CU_ASSERT_EQUAL(stage.snapshot->summary.bad_records, 2);
	CU_ASSERT_EQUAL(stage.lines.count, 2);
	stage_build();
	CU_ASSERT_EQUAL(stage.lines.count, 2);
}

/* Of three files with one name that one is believed whose file has it, wherever it stands. */
static void test_duplicates(void)
{
	static const char *const files[] = { "aaa", "if0", "zzz" };

	for (size_t first = 0; first < COUNT(files); first++) {
		for (size_t i = 0; i < COUNT(files); i++) {
			const char *file = files[(first + i) % COUNT(files)];

			stage_iface(file, !strcmp(file, "if0")
						  ? IFACE_RECORD("if0", "iface.mtu = 1\n")
						  : IFACE_RECORD("if0", "iface.mtu = 2\n"));
		}
		stage_build();
		CU_ASSERT_EQUAL(stage.snapshot->iface_count, 3);
		CU_ASSERT_EQUAL(stage.snapshot->summary.bad_records, 2);
		CU_ASSERT_TRUE(has_value(iface_row("if0")->record, "iface.mtu", "1"));
		isif_snapshot_release(stage.snapshot);
		stage.snapshot = NULL;
		for (size_t i = 0; i < COUNT(files); i++)
			stage_remove_iface(files[i]);
	}
}

static void test_double_nodes(void)
{
	stage_node("iqn.a", "if0", "");
	stage_node("iqn.a", "if0", "");
	stage_build();
	CU_ASSERT_EQUAL(stage.snapshot->binding_count, 1);
	CU_ASSERT_EQUAL(stage.snapshot->summary.bad_records, 1);
}

static void test_long_names(void)
{
	char name[66], text[200], target[257];

	memset(name, 'n', sizeof(name));
	name[64] = '\0';
	snprintf(text, sizeof(text),
		 "iface.iscsi_ifacename = %s\niface.transport_name = tcp\n"
		 "# END RECORD\n",
		 name);
	stage_iface("file", text);
	stage_build();
	CU_ASSERT_PTR_NOT_NULL(iface_row(name));
	name[64] = 'n';
	name[65] = '\0';
	snprintf(text, sizeof(text),
		 "iface.iscsi_ifacename = %s\niface.transport_name = tcp\n"
		 "# END RECORD\n",
		 name);
	stage_iface("file", text);
	memset(target, 't', sizeof(target));
	target[256] = '\0';
	stage_node(target, "default", "");
	stage_node("iqn.a", name, "");
	stage_build();
	CU_ASSERT_PTR_NULL(iface_row(name));
	CU_ASSERT_EQUAL(stage.snapshot->binding_count, 0);
	CU_ASSERT_EQUAL(stage.snapshot->summary.bad_records, 3);
}

static void test_settings(void)
{
	stage_iface("if0", IFACE_RECORD("if0", "iface.net_ifacename = default\niface.mtu = 1500\n"
					       "iface.vlan_id = 7\niface.vlan_id = 8\n"
					       "iface.some_new_setting = x\n"));
	stage_build();
	/* What can apply, set or not, as written. */
	CU_ASSERT_STRING_EQUAL(setting_value("if0", "net_ifacename"), "default");
	CU_ASSERT_STRING_EQUAL(setting_value("if0", "hwaddress"), "");
	CU_ASSERT_STRING_EQUAL(setting_value("if0", "transport_name"), "tcp");
	CU_ASSERT_STRING_EQUAL(setting_value("if0", "iscsi_ifacename"), "if0");
	/* What cannot apply, and what nobody knows, if the record has it; the last one counts. */
	CU_ASSERT_STRING_EQUAL(setting_value("if0", "mtu"), "1500");
	CU_ASSERT_STRING_EQUAL(setting_value("if0", "vlan_id"), "8");
	CU_ASSERT_STRING_EQUAL(setting_value("if0", "some_new_setting"), "x");
	CU_ASSERT_PTR_NULL(setting_value("if0", "bootproto"));
	CU_ASSERT_STRING_EQUAL(iface_row("if0")->netdev, "");
	CU_ASSERT_STRING_EQUAL(setting_value("default", "transport_name"), "tcp");
	CU_ASSERT_STRING_EQUAL(setting_value("iser", "iscsi_ifacename"), "iser");
}

static void test_setting_bounds(void)
{
	stage_iface("if0",
		    IFACE_RECORD("if0", "iface.a234567890123456789012345678901234567890 = 1\n"
					"iface.b2345678901234567890123456789012345678901 = 2\n"
					"iface. = 3\n"));
	stage_build();
	CU_ASSERT_STRING_EQUAL(setting_value("if0", "a234567890123456789012345678901234567890"),
			       "1");
	CU_ASSERT_PTR_NULL(setting_value("if0", "b2345678901234567890123456789012345678901"));
	CU_ASSERT_PTR_NULL(setting_value("if0", ""));
}

static void test_offload_settings(void)
{
	stage_iface("four",
		    RECORD("iface.transport_name = qla4xxx\niface.ipaddress = 192.0.2.9\n"));
	stage_iface("six", RECORD("iface.transport_name = qla4xxx\niface.ipaddress = fd00::9\n"));
	stage_build();
	CU_ASSERT_PTR_NOT_NULL(setting_value("four", "bootproto"));
	CU_ASSERT_PTR_NULL(setting_value("four", "ipv6_autocfg"));
	CU_ASSERT_PTR_NOT_NULL(setting_value("six", "ipv6_autocfg"));
	CU_ASSERT_PTR_NULL(setting_value("six", "bootproto"));
	CU_ASSERT_PTR_NOT_NULL(setting_value("six", "vlan_id"));
}

static void test_shared(void)
{
	struct isif_snapshot *before;
	const struct isif_snapshot *after;

	stage_iface("if0", IFACE_RECORD("if0", "iface.net_ifacename = san0\n"));
	stage_node("iqn.a", "if0", "iface.net_ifacename = san0\n");
	stage_node("iqn.b", "if0", "iface.net_ifacename = san0\n");
	stage_session(1, "iqn.a", "if0");
	stage_build();
	before = isif_snapshot_hold(stage.snapshot);
	stage.world.mono += 1000;
	after = stage_build();
	for (uint32_t i = 0; i < after->iface_count; i++)
		CU_ASSERT_PTR_EQUAL(after->ifaces[i], before->ifaces[i]);
	for (uint32_t i = 0; i < after->binding_count; i++)
		CU_ASSERT_PTR_EQUAL(after->bindings[i], before->bindings[i]);
	CU_ASSERT_PTR_EQUAL(after->sessions[0], before->sessions[0]);
	CU_ASSERT_EQUAL(after->summary.state_last_change, before->summary.state_last_change);
	CU_ASSERT_EQUAL(after->summary.config_last_change, before->summary.config_last_change);
	/* One session changes: its rows are new, the others are not. */
	isif_snapshot_release(before);
	before = isif_snapshot_hold(stage.snapshot);
	stage.sessions[0].path_link = SAN1;
	stage.world.mono += 1000;
	after = stage_build();
	CU_ASSERT_PTR_NOT_EQUAL(after->sessions[0], before->sessions[0]);
	for (uint32_t i = 0; i < after->binding_count; i++)
		CU_ASSERT_EQUAL(after->bindings[i] == before->bindings[i],
				!strcmp(after->bindings[i]->node->target->text, "iqn.b"));
	CU_ASSERT_EQUAL(after->summary.state_last_change, stage.world.mono);
	isif_snapshot_release(before);
}

static void test_last_change(void)
{
	uint64_t changed;

	stage_iface("if0", IFACE_RECORD("if0", "iface.mtu = 1\n"));
	stage_iface("if1", IFACE_RECORD("if1", "iface.mtu = 1\n"));
	stage_build();
	/* From before the first look nobody knows when. */
	CU_ASSERT_EQUAL(iface_row("if0")->last_change, 0);
	stage.world.mono = changed = 200000;
	stage_remove_iface("if0");
	stage_iface("if0", IFACE_RECORD("if0", "iface.mtu = 2\n"));
	stage_build();
	CU_ASSERT_EQUAL(iface_row("if0")->last_change, changed);
	CU_ASSERT_EQUAL(iface_row("if1")->last_change, 0);
	CU_ASSERT_EQUAL(stage.snapshot->summary.config_last_change, changed);
	stage.world.mono = 300000;
	stage.links[SAN0 - 1].up = false;
	stage_build();
	CU_ASSERT_EQUAL(iface_row("if0")->last_change, changed);
	CU_ASSERT_EQUAL(stage.snapshot->summary.config_last_change, changed);
}

/* Bindings of iqn.a over if0, if1, if2 with sessions in these states; 0: none. */
static void set_paths(const enum isif_session_state states[3])
{
	static const char *const ifaces[] = { "if0", "if1", "if2" };

	stage.world.session_count = 0;
	for (uint32_t i = 0; i < 3; i++) {
		if (!states[i])
			continue;
		stage_session(i + 1, "iqn.a", ifaces[i]);
		stage.kernels[stage.world.session_count - 1].state = states[i];
	}
}

static void test_sums(void)
{
	static const struct {
		enum isif_session_state states[3];
		uint32_t up, lost, single;
		enum isif_group_status target;
		enum isif_host_status host;
	} cases[] = {
		{ { 2, 2, 2 }, 3, 0, 0, ISIF_GROUP_UP, ISIF_HOST_OK },
		{ { 2, 2, 3 }, 2, 1, 0, ISIF_GROUP_DEGRADED, ISIF_HOST_DEGRADED },
		{ { 2, 3, 4 }, 1, 2, 1, ISIF_GROUP_DEGRADED, ISIF_HOST_DEGRADED },
		{ { 3, 3, 4 }, 0, 3, 0, ISIF_GROUP_DOWN, ISIF_HOST_CRITICAL },
		{ { 2, 2, 2 }, 3, 0, 0, ISIF_GROUP_UP, ISIF_HOST_OK },
	};
	static const char *const ifaces[] = { "if0", "if1", "if2" };

	stage_iface("if0", IFACE_RECORD("if0", ""));
	stage_iface("if1", IFACE_RECORD("if1", ""));
	stage_iface("if2", IFACE_RECORD("if2", ""));
	for (size_t i = 0; i < 3; i++)
		stage_node("iqn.a", ifaces[i], "");
	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct isif_target *target;

		set_paths(cases[i].states);
		stage_build();
		target = target_row("iqn.a");
		CU_ASSERT_EQUAL(target->bindings, 3);
		CU_ASSERT_EQUAL(target->bindings_wanted, 3);
		CU_ASSERT_EQUAL(target->bindings_up, cases[i].up);
		CU_ASSERT_EQUAL(target->bindings_lost, cases[i].lost);
		CU_ASSERT_EQUAL(target->oper_status, cases[i].target);
		CU_ASSERT_EQUAL(stage.snapshot->summary.host_status, cases[i].host);
		CU_ASSERT_EQUAL(stage.snapshot->summary.bindings_up, cases[i].up);
		CU_ASSERT_EQUAL(stage.snapshot->summary.bindings_lost, cases[i].lost);
		CU_ASSERT_EQUAL(stage.snapshot->summary.single_path_targets, cases[i].single);
		CU_ASSERT_EQUAL(iface_row("if0")->oper_status,
				cases[i].states[0] == 2 ? ISIF_GROUP_UP : ISIF_GROUP_DOWN);
	}
}

static void test_not_wanted(void)
{
	stage_node("iqn.a", "default", "node.startup = manual\n");
	stage_build();
	CU_ASSERT_EQUAL(target_row("iqn.a")->bindings_wanted, 0);
	CU_ASSERT_EQUAL(target_row("iqn.a")->oper_status, ISIF_GROUP_IDLE);
	CU_ASSERT_EQUAL(iface_row("default")->oper_status, ISIF_GROUP_IDLE);
	CU_ASSERT_EQUAL(stage.snapshot->summary.host_status, ISIF_HOST_IDLE);
}

/* One target without any path is critical, however well the others are. */
static void test_critical(void)
{
	stage_node("iqn.a", "default", "");
	stage_node("iqn.b", "default", "node.startup = automatic\n");
	stage_session(1, "iqn.a", "default");
	stage_build();
	CU_ASSERT_EQUAL(target_row("iqn.b")->oper_status, ISIF_GROUP_DOWN);
	CU_ASSERT_EQUAL(stage.snapshot->summary.host_status, ISIF_HOST_CRITICAL);
}

static void test_out_of_sync(void)
{
	stage_node("iqn.a", "default", "iface.net_ifacename = san0\n");
	stage_session(1, "iqn.a", "default");
	stage_build();
	CU_ASSERT_EQUAL(binding_row("iqn.a", "default")->oper_status, ISIF_OPER_LOGGED_IN);
	CU_ASSERT_EQUAL(stage.snapshot->summary.host_status, ISIF_HOST_DEGRADED);
}

static void test_transports(void)
{
	struct isif_kernel_transport kernel[] = { { "tcp" }, { "be2iscsi" } };
	const struct isif_snapshot *snapshot;

	stage.world.transports = kernel;
	stage.world.transport_count = 2;
	stage_iface("if0", IFACE_RECORD("if0", ""));
	stage_iface("q", RECORD("iface.transport_name = qedi\n"));
	stage_iface("l", RECORD("iface.transport_name = over-15-octets-long\n"));
	stage_session(1, "iqn.a", "if0");
	snapshot = stage_build();
	CU_ASSERT_EQUAL_FATAL(snapshot->transport_count, 4);
	CU_ASSERT_STRING_EQUAL(snapshot->transports[0]->name->text, "tcp");
	CU_ASSERT_STRING_EQUAL(snapshot->transports[1]->name->text, "iser");
	CU_ASSERT_STRING_EQUAL(snapshot->transports[2]->name->text, "qedi");
	CU_ASSERT_STRING_EQUAL(snapshot->transports[3]->name->text, "be2iscsi");
	CU_ASSERT_TRUE(transport_row("tcp")->loaded && transport_row("tcp")->software);
	CU_ASSERT_EQUAL(transport_row("tcp")->ifaces, 2); /* if0 and default */
	CU_ASSERT_EQUAL(transport_row("tcp")->sessions, 1);
	CU_ASSERT_FALSE(transport_row("iser")->loaded);
	CU_ASSERT_TRUE(transport_row("be2iscsi")->loaded);
	CU_ASSERT_FALSE(transport_row("qedi")->software);
	CU_ASSERT_EQUAL(transport_row("qedi")->ifaces, 1);
}

void add_model_tests(void)
{
	CU_pSuite suite =
		CU_add_suite_with_setup_and_teardown("model", NULL, NULL, stage_open, stage_close);

	CU_add_test(suite, "an empty host", test_empty);
	CU_add_test(suite, "a host without an initiator name", test_no_initiator);
	CU_add_test(suite, "ifaces stand in the order of their index", test_iface_order);
	CU_add_test(suite, "settings stand in the order of their index", test_setting_order);
	CU_add_test(suite, "indexes are ordered by length, then octets", test_index_compare);
	CU_add_test(suite, "bindings and targets stand in order", test_binding_order);
	CU_add_test(suite, "records with built-in names are bad, told once", test_built_in_names);
	CU_add_test(suite, "of one name the record of that file is taken", test_duplicates);
	CU_add_test(suite, "two node records that say the same", test_double_nodes);
	CU_add_test(suite, "names that the MIB cannot hold are bad", test_long_names);
	CU_add_test(suite, "settings that can apply, and all others set", test_settings);
	CU_add_test(suite, "setting names of 1 to 40 octets are shown", test_setting_bounds);
	CU_add_test(suite, "an offload iface has its family's settings", test_offload_settings);
	CU_add_test(suite, "what did not change is shared", test_shared);
	CU_add_test(suite, "the last change is the record's", test_last_change);
	CU_add_test(suite, "sums and statuses over the paths", test_sums);
	CU_add_test(suite, "nothing wanted is idle", test_not_wanted);
	CU_add_test(suite, "a target without a path is critical", test_critical);
	CU_add_test(suite, "up, but not in sync is degraded", test_out_of_sync);
	CU_add_test(suite, "transports of records, kernel, and tcp and iser", test_transports);
}
