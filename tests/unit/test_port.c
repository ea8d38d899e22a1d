/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ports of offload adapters: which record governs one, and whether the kernel has what it says. */
#include "suites.h"

#include "stage.h"

#include <string.h>
#include <sys/socket.h>

#define MAC "02:00:00:00:00:0a"

static struct isif_kernel_port ports[3];
static struct isif_kernel_port *pointers[] = { &ports[0], &ports[1], &ports[2] };

static void set_up(void)
{
	static const struct isif_kernel_port port = {
		.references = 1,
		.host = 3,
		.family = AF_INET,
		.name = "ipv4-iface-3-0",
		.transport = "qla4xxx",
		.hwaddress = MAC,
		.port_state = "LINK UP",
		.port_speed = "",
		.attributes = "ipaddress\0"
			      "192.0.2.20\0"
			      "mtu\0"
			      "1500\0"
			      "bootproto\0"
			      "static\0"
			      "vlan_id\0"
			      "7\0",
	};

	stage_open();
	for (size_t i = 0; i < COUNT(ports); i++)
		ports[i] = port;
	ports[1].family = AF_INET6;
	ports[1].name = "ipv6-iface-3-0";
	ports[2].number = 1;
	ports[2].name = "ipv4-iface-3-1";
	stage.world.ports = pointers;
	stage.world.port_count = COUNT(ports);
}

static void tear_down(void)
{
	stage_close();
	for (size_t i = 0; i < COUNT(ports); i++)
		CU_ASSERT_EQUAL(ports[i].references, 1);
}

/* The name of the record that governs each port, "" for none. */
static const char *governs(uint32_t i)
{
	const struct isif_port *row = stage.snapshot->ports[i];

	return row->iface ? row->iface->text : "";
}

#define OFFLOAD(settings)                                                                          \
	RECORD("iface.transport_name = qla4xxx\niface.hwaddress = 02:00:00:00:00:0A\n" settings)

static void test_governed(void)
{
	stage_iface("qla4xxx." MAC ".ipv4.0", OFFLOAD("iface.iface_num = 0\n"));
	stage_iface("qla4xxx." MAC ".ipv6.0", OFFLOAD("iface.iface_num = 0\n"));
	stage_iface("qla4xxx." MAC ".ipv4.1", OFFLOAD("iface.iface_num = 1\n"));
	stage_build();
	CU_ASSERT_EQUAL_FATAL(stage.snapshot->port_count, 3);
	CU_ASSERT_STRING_EQUAL(governs(0), "qla4xxx." MAC ".ipv4.0");
	CU_ASSERT_STRING_EQUAL(governs(1), "qla4xxx." MAC ".ipv6.0");
	CU_ASSERT_STRING_EQUAL(governs(2), "qla4xxx." MAC ".ipv4.1");
}

static void test_not_governed(void)
{
	stage_iface("bnx2i." MAC,
		    RECORD("iface.transport_name = bnx2i\niface.hwaddress = " MAC "\n"));
	stage_iface("other", RECORD("iface.transport_name = qla4xxx\n"
				    "iface.hwaddress = 02:00:00:00:00:0b\n"));
	stage_iface("bare", RECORD("iface.transport_name = qla4xxx\n"));
	stage_iface("soft", RECORD("iface.transport_name = tcp\niface.hwaddress = " MAC "\n"));
	stage_build();
	for (uint32_t i = 0; i < 3; i++)
		CU_ASSERT_STRING_EQUAL(governs(i), "");
}

static void test_in_sync(void)
{
	static const struct {
		const char *text;
		bool in_sync;
	} cases[] = {
		{ OFFLOAD(""), true },
		{ OFFLOAD("iface.mtu = 1500\niface.ipaddress = 192.0.2.20\niface.vlan_id = 7\n"),
		  true },
		{ OFFLOAD("iface.mtu = 9000\n"), false },
		{ OFFLOAD("iface.ipaddress = 192.0.2.21\n"), false },
		{ OFFLOAD("iface.bootproto = dhcp\n"), false },
		/* Not set in the record, or not shown by the kernel: nothing to differ. */
		{ OFFLOAD("iface.mtu = 0\n"), true },
		{ OFFLOAD("iface.gateway = 192.0.2.254\n"), true },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		stage_iface("qla", cases[i].text);
		stage_build();
		CU_ASSERT_STRING_EQUAL(governs(0), "qla");
		CU_ASSERT_EQUAL(stage.snapshot->ports[0]->in_sync, cases[i].in_sync);
		isif_snapshot_release(stage.snapshot);
		stage.snapshot = NULL;
		stage_remove_iface("qla");
	}
}

void add_port_tests(void)
{
	CU_pSuite suite =
		CU_add_suite_with_setup_and_teardown("model ports", NULL, NULL, set_up, tear_down);

	CU_add_test(suite, "the record of its address, family and number governs", test_governed);
	CU_add_test(suite, "other records govern no port", test_not_governed);
	CU_add_test(suite, "in sync is what record and kernel both say", test_in_sync);
}
