/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which device an iface asks for, how it is, and whether a session runs over it. */
#include "suites.h"

#include "stage.h"

#include <stdio.h>
#include <string.h>

#define TCP "iface.transport_name = tcp\n"

static void test_bound_by(void)
{
	static const struct {
		const char *text;
		enum isif_bound_by bound_by;
		enum isif_device_status status;
		uint32_t link;
	} cases[] = {
		{ RECORD(TCP), ISIF_BOUND_NONE, ISIF_DEVICE_NOT_APPLICABLE, 0 },
		{ RECORD(TCP "iface.net_ifacename = san0\n"), ISIF_BOUND_NET_IFACE, ISIF_DEVICE_UP,
		  SAN0 },
		{ RECORD(TCP "iface.net_ifacename = default\n"), ISIF_BOUND_NONE,
		  ISIF_DEVICE_NOT_APPLICABLE, 0 },
		{ RECORD(TCP "iface.net_ifacename = pulled\n"), ISIF_BOUND_NET_IFACE,
		  ISIF_DEVICE_LINK_DOWN, NO_CARRIER },
		{ RECORD(TCP "iface.net_ifacename = bare\n"), ISIF_BOUND_NET_IFACE,
		  ISIF_DEVICE_NO_ADDRESS, NO_ADDRESS },
		{ RECORD(TCP "iface.net_ifacename = gone0\n"), ISIF_BOUND_NET_IFACE,
		  ISIF_DEVICE_MISSING, 0 },
		{ RECORD(TCP "iface.hwaddress = 02:00:00:00:00:03\n"), ISIF_BOUND_HWADDRESS,
		  ISIF_DEVICE_UP, SAN1 },
		{ RECORD(TCP "iface.hwaddress = 02:00:00:00:00:06\n"), ISIF_BOUND_HWADDRESS,
		  ISIF_DEVICE_AMBIGUOUS, TWIN0 },
		{ RECORD(TCP "iface.hwaddress = 02:00:00:00:00:99\n"), ISIF_BOUND_HWADDRESS,
		  ISIF_DEVICE_MISSING, 0 },
		{ RECORD(TCP "iface.hwaddress = default\n"), ISIF_BOUND_NONE,
		  ISIF_DEVICE_NOT_APPLICABLE, 0 },
		/* The hardware address wins over the name (usr/io.c:bind_conn_to_iface). */
		{ RECORD(TCP "iface.net_ifacename = san0\niface.hwaddress = 02:00:00:00:00:03\n"),
		  ISIF_BOUND_HWADDRESS, ISIF_DEVICE_UP, SAN1 },
		{ RECORD(TCP "iface.ipaddress = 192.0.2.2\n"), ISIF_BOUND_IPADDRESS, ISIF_DEVICE_UP,
		  SAN1 },
		{ RECORD(TCP "iface.ipaddress = 198.51.100.1\n"), ISIF_BOUND_IPADDRESS,
		  ISIF_DEVICE_MISSING, 0 },
		{ RECORD(TCP "iface.net_ifacename = san0\niface.ipaddress = 192.0.2.2\n"),
		  ISIF_BOUND_NET_IFACE, ISIF_DEVICE_UP, SAN0 },
		/* iser ignores every binding. */
		{ RECORD("iface.transport_name = iser\niface.net_ifacename = san0\n"),
		  ISIF_BOUND_NONE, ISIF_DEVICE_NOT_APPLICABLE, 0 },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct isif_iface *row;

		stage_iface("if0", cases[i].text);
		stage_build();
		row = iface_row("if0");
		CU_ASSERT_PTR_NOT_NULL_FATAL(row);
		CU_ASSERT_EQUAL(row->bound_by, cases[i].bound_by);
		CU_ASSERT_EQUAL(row->device_status, cases[i].status);
		CU_ASSERT_EQUAL(row->link, cases[i].link);
		if (row->device_status != cases[i].status || row->bound_by != cases[i].bound_by)
			printf("# %s", cases[i].text);
		isif_snapshot_release(stage.snapshot);
		stage.snapshot = NULL;
		stage_remove_iface("if0");
	}
}

/* An administrator's "down" is a link that is down, whatever the carrier says. */
static void test_set_down(void)
{
	stage.links[SAN0 - 1].up = false;
	stage_iface("if0", IFACE_RECORD("if0", "iface.net_ifacename = san0\n"));
	stage_build();
	CU_ASSERT_EQUAL(iface_row("if0")->device_status, ISIF_DEVICE_LINK_DOWN);
	CU_ASSERT_EQUAL(iface_row("if0")->link, SAN0);
}

static void test_device_goes(void)
{
	const struct isif_iface *before;

	stage_iface("if0", IFACE_RECORD("if0", "iface.net_ifacename = twin1\n"));
	stage_build();
	before = iface_row("if0");
	CU_ASSERT_EQUAL(before->device_status, ISIF_DEVICE_UP);
	stage.network.link_count--;
	stage_build();
	CU_ASSERT_PTR_NOT_EQUAL(iface_row("if0"), before);
	CU_ASSERT_EQUAL(iface_row("if0")->device_status, ISIF_DEVICE_MISSING);
	CU_ASSERT_EQUAL(iface_row("if0")->link, 0);
}

static void test_built_in(void)
{
	stage_build();
	CU_ASSERT_PTR_NOT_NULL_FATAL(iface_row("default"));
	CU_ASSERT_PTR_NOT_NULL_FATAL(iface_row("iser"));
	CU_ASSERT_EQUAL(iface_row("default")->kind, ISIF_KIND_BUILT_IN);
	CU_ASSERT_EQUAL(iface_row("default")->bound_by, ISIF_BOUND_NONE);
	CU_ASSERT_EQUAL(iface_row("default")->device_status, ISIF_DEVICE_NOT_APPLICABLE);
	CU_ASSERT_STRING_EQUAL(iface_row("default")->transport, "tcp");
	CU_ASSERT_STRING_EQUAL(iface_row("iser")->transport, "iser");
}

static void test_offload(void)
{
	stage_iface("qla4xxx.02:00:00:00:00:02",
		    RECORD("iface.transport_name = qla4xxx\niface.hwaddress = 02:00:00:00:00:02\n"
			   "iface.ipaddress = 192.0.2.1\n"));
	stage_build();
	CU_ASSERT_EQUAL(iface_row("qla4xxx.02:00:00:00:00:02")->kind, ISIF_KIND_OFFLOAD);
	/* Its address is in the card: no device of the host is the one it means. */
	CU_ASSERT_EQUAL(iface_row("qla4xxx.02:00:00:00:00:02")->link, 0);
	CU_ASSERT_EQUAL(iface_row("qla4xxx.02:00:00:00:00:02")->device_status,
			ISIF_DEVICE_NOT_APPLICABLE);
}

/* One session over SAN0 of an iface with these lines; what its binding says of the path. */
static void check_path(const char *settings, bool known, uint32_t link, enum isif_path path,
		       uint32_t shown)
{
	char text[512];
	struct observed_session *session;
	const struct isif_binding *row;

	snprintf(text, sizeof(text), "iface.transport_name = tcp\n%s# END RECORD\n", settings);
	stage_iface("if0", text);
	stage_node("iqn.a", "if0", settings);
	session = stage_session(1, "iqn.a", "if0");
	session->path_known = known;
	session->path_link = link;
	stage_build();
	row = binding_row("iqn.a", "if0");
	CU_ASSERT_PTR_NOT_NULL_FATAL(row);
	CU_ASSERT_EQUAL(row->path, path);
	CU_ASSERT_EQUAL(row->path_link, shown);
	CU_ASSERT_EQUAL(session_row(1)->path, path);
	CU_ASSERT_EQUAL(session_row(1)->path_link, shown);
	CU_ASSERT_EQUAL(row->oper_status,
			path == ISIF_PATH_WRONG ? ISIF_OPER_MISROUTED : ISIF_OPER_LOGGED_IN);
}

static void test_path_named(void)
{
	check_path("iface.net_ifacename = san0\n", true, SAN0, ISIF_PATH_OK, SAN0);
}

static void test_path_wrong(void)
{
	check_path("iface.net_ifacename = san0\n", true, SAN1, ISIF_PATH_WRONG, SAN1);
}

static void test_path_unbound(void)
{
	check_path("", true, SAN1, ISIF_PATH_OK, SAN1);
}

static void test_path_missing(void)
{
	check_path("iface.net_ifacename = gone0\n", true, SAN0, ISIF_PATH_WRONG, SAN0);
}

static void test_path_hwaddress(void)
{
	check_path("iface.hwaddress = 02:00:00:00:00:06\n", true, TWIN1, ISIF_PATH_OK, TWIN1);
}

static void test_path_wrong_hwaddress(void)
{
	check_path("iface.hwaddress = 02:00:00:00:00:06\n", true, SAN0, ISIF_PATH_WRONG, SAN0);
}

/* What was once known and is not known now must not be shown as the device in use. */
static void test_path_unknown(void)
{
	check_path("iface.net_ifacename = san0\n", false, SAN1, ISIF_PATH_UNKNOWN, 0);
}

static void test_path_device_gone(void)
{
	check_path("iface.net_ifacename = san0\n", true, 99, ISIF_PATH_UNKNOWN, 0);
}

/* Names swapped between two devices: the session stays where its socket is bound. */
static void test_path_swapped(void)
{
	check_path("iface.net_ifacename = san0\n", true, SAN0, ISIF_PATH_OK, SAN0);
	strcpy(stage.links[SAN0 - 1].name, "san1");
	strcpy(stage.links[SAN1 - 1].name, "san0");
	stage_build();
	CU_ASSERT_EQUAL(iface_row("if0")->link, SAN1);
	CU_ASSERT_EQUAL(binding_row("iqn.a", "if0")->path, ISIF_PATH_WRONG);
	CU_ASSERT_EQUAL(binding_row("iqn.a", "if0")->oper_status, ISIF_OPER_MISROUTED);
	CU_ASSERT_EQUAL(binding_row("iqn.a", "if0")->path_link, SAN0);
}

static void test_path_failed(void)
{
	struct observed_session *session;

	stage_iface("if0", IFACE_RECORD("if0", "iface.net_ifacename = san0\n"));
	stage_node("iqn.a", "if0", "iface.net_ifacename = san0\n");
	session = stage_session(1, "iqn.a", "if0");
	stage.kernels[0].state = ISIF_SESSION_FAILED;
	session->path_known = false;
	stage_build();
	CU_ASSERT_EQUAL(binding_row("iqn.a", "if0")->path, ISIF_PATH_NOT_APPLICABLE);
	CU_ASSERT_EQUAL(binding_row("iqn.a", "if0")->path_link, 0);
}

static void test_path_logged_out(void)
{
	stage_iface("if0", IFACE_RECORD("if0", "iface.net_ifacename = san0\n"));
	stage_node("iqn.a", "if0", "iface.net_ifacename = san0\n");
	stage_build();
	CU_ASSERT_EQUAL(binding_row("iqn.a", "if0")->path, ISIF_PATH_NOT_APPLICABLE);
	CU_ASSERT_EQUAL(binding_row("iqn.a", "if0")->path_link, 0);
	CU_ASSERT_EQUAL(binding_row("iqn.a", "if0")->sid, 0);
}

void add_device_tests(void)
{
	CU_pSuite suite = CU_add_suite_with_setup_and_teardown("model devices", NULL, NULL,
							       stage_open, stage_close);

	CU_add_test(suite, "what decides, which device, and how it is", test_bound_by);
	CU_add_test(suite, "a device set down is a link down", test_set_down);
	CU_add_test(suite, "a device that goes is missing", test_device_goes);
	CU_add_test(suite, "built-in ifaces ask for no device", test_built_in);
	CU_add_test(suite, "an offload iface has no device of the host", test_offload);
	CU_add_test(suite, "over the named device: ok", test_path_named);
	CU_add_test(suite, "over another: wrong, misrouted", test_path_wrong);
	CU_add_test(suite, "asked for none: ok over any", test_path_unbound);
	CU_add_test(suite, "named device is missing: wrong", test_path_missing);
	CU_add_test(suite, "any device with the hardware address: ok", test_path_hwaddress);
	CU_add_test(suite, "another hardware address: wrong", test_path_wrong_hwaddress);
	CU_add_test(suite, "not known: unknown, and no device", test_path_unknown);
	CU_add_test(suite, "its device is gone: unknown, and no device", test_path_device_gone);
	CU_add_test(suite, "devices that swap their names", test_path_swapped);
	CU_add_test(suite, "a failed session has no path", test_path_failed);
	CU_add_test(suite, "logged out there is no path", test_path_logged_out);
}
