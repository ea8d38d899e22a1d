/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rules of the contract for what managers write: open-iscsi checks none of it. */
#include "suites.h"

#include "helpers.h"
#include "setting_check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LONG_80	 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define LONG_240 LONG_80 LONG_80 LONG_80

/* Values of a setting: good ones and bad ones, each list ends with NULL. */
struct values {
	const char *setting;
	const char *good[8], *bad[12];
};

#define SWITCH(name)                                                                               \
	{                                                                                          \
		name, { "enable", "disable" },                                                     \
		{                                                                                  \
			"enabled", "Enable", "on", "1", "0", "enable disable"                      \
		}                                                                                  \
	}
#define NUMBER(name, low, high, below, above)                                                      \
	{                                                                                          \
		name, { "0", low, high },                                                          \
		{                                                                                  \
			below, above, "01", "+1", "-1", "1 ", "1x", "0x1", "18446744073709551617", \
				"00"                                                               \
		}                                                                                  \
	}
/* 0 and 1 are both in the range: there is nothing below it. */
#define FROM_0(name, high, above) NUMBER(name, "1", high, "x", above)

/* clang-format off */
static const struct values all[] = {
	{ "net_ifacename",
	  { "eth0", "eth0.100", "san-0_x", "eth0:1", "abcdefghijklmno" },
	  { "abcdefghijklmnop", "a/b", "a b", ".", "..", "default", "/", "eth0\n" } },
	{ "ipaddress",
	  { "192.0.2.1", "fd00::1", "::", "::ffff:192.0.2.1", "255.255.255.255" },
	  { "192.0.2", "192.0.2.256", "192.0.2.1/24", "[fd00::1]", "fe80::1%eth0", "host", "1", "default",
	    "192.0.2.1 ", "192.0.2.01", "fd00:::1" } },
	FROM_0("prefix_len", "128", "129"),
	{ "hwaddress",
	  { "00:11:22:33:44:55", "aa:bb:cc:dd:ee:ff", "AA:BB:CC:DD:EE:0f" },
	  { "00:11:22:33:44", "00:11:22:33:44:5", "00:11:22:33:44:55:", "00-11-22-33-44-55", "001122334455",
	    "00:11:22:33:44:5g", "default", "0:11:22:33:44:55", "00:11:22:33:44:555" } },
	{ "transport_name",
	  { "tcp", "iser", "cxgb3i", "bnx2i", "be2iscsi", "qla4xxx", "ocs", "qedi" },
	  { "nonsense", "TCP", "udp", "default", "tcp iser", "tc", "tcpp" } },
	{ "initiatorname",
	  { "iqn.2026-01.org.example:host", "eui.0123456789abcdef", "x", "default", LONG_240 "aaaaaaaaaaaaaaa" },
	  { LONG_240 "aaaaaaaaaaaaaaaa", "a\tb", "a\nb", "a\rb", "a\177", " a", "a ", "<empty>" } },
	SWITCH("state"),
	NUMBER("vlan_id", "1", "4094", "x", "4095"),
	FROM_0("vlan_priority", "7", "8"),
	SWITCH("vlan_state"),
	FROM_0("iface_num", "255", "256"),
	NUMBER("mtu", "576", "9000", "575", "9001"),
	NUMBER("port", "1", "65535", "x", "65536"),
	{ "bootproto", { "static", "dhcp" }, { "bootp", "DHCP", "none", "static dhcp" } },
	{ "subnet_mask", { "255.255.255.0" }, { "24", "/24", "ffff::", "255.255.255" } },
	{ "gateway", { "192.0.2.254" }, { "fd00::1", "gateway", "192.0.2.254:1" } },
	SWITCH("dhcp_alt_client_id_state"),
	{ "dhcp_alt_client_id", { "abcdefghijk", "a b" }, { "abcdefghijkl", " a" } },
	SWITCH("dhcp_dns"),
	SWITCH("dhcp_learn_iqn"),
	SWITCH("dhcp_req_vendor_id_state"),
	SWITCH("dhcp_vendor_id_state"),
	{ "dhcp_vendor_id", { "abcdefghijk" }, { "abcdefghijkl", "\001" } },
	SWITCH("dhcp_slp_da"),
	SWITCH("fragmentation"),
	SWITCH("gratuitous_arp"),
	SWITCH("incoming_forwarding"),
	SWITCH("tos_state"),
	FROM_0("tos", "255", "256"),
	FROM_0("ttl", "255", "256"),
	{ "ipv6_autocfg", { "nd", "dhcpv6", "disable" }, { "enable", "auto" } },
	{ "linklocal_autocfg", { "auto", "disable" }, { "enable", "nd" } },
	{ "router_autocfg", { "auto", "disable" }, { "enable", "nd" } },
	{ "ipv6_linklocal", { "fe80::1" }, { "192.0.2.1", "fe80::1%2", "fe80" } },
	{ "ipv6_router", { "fe80::1", "fd00::1" }, { "192.0.2.1", "[fe80::1]" } },
	FROM_0("dup_addr_detect_cnt", "255", "256"),
	FROM_0("flow_label", "1048575", "1048576"),
	SWITCH("gratuitous_neighbor_adv"),
	FROM_0("hop_limit", "255", "256"),
	SWITCH("mld"),
	FROM_0("nd_reachable_tmo", "4294967295", "4294967296"),
	FROM_0("nd_rexmit_time", "4294967295", "4294967296"),
	FROM_0("nd_stale_tmo", "4294967295", "4294967296"),
	NUMBER("router_adv_link_mtu", "1280", "1500", "1279", "1501"),
	FROM_0("traffic_class", "255", "256"),
	SWITCH("delayed_ack"),
	SWITCH("tcp_nagle"),
	SWITCH("tcp_wsf_state"),
	FROM_0("tcp_wsf", "255", "256"),
	FROM_0("tcp_timer_scale", "7", "8"),
	SWITCH("tcp_timestamp"),
	SWITCH("redirect"),
	FROM_0("def_task_mgmt_timeout", "65535", "65536"),
	SWITCH("header_digest"),
	SWITCH("data_digest"),
	SWITCH("immediate_data"),
	SWITCH("initial_r2t"),
	SWITCH("data_seq_inorder"),
	SWITCH("data_pdu_inorder"),
	FROM_0("erl", "2", "3"),
	NUMBER("max_receive_data_len", "512", "16777215", "511", "16777216"),
	NUMBER("first_burst_len", "512", "16777215", "511", "16777216"),
	NUMBER("max_outstanding_r2t", "1", "65535", "x", "65536"),
	NUMBER("max_burst_len", "512", "16777215", "511", "16777216"),
	SWITCH("chap_auth"),
	SWITCH("bidi_chap"),
	SWITCH("strict_login_compliance"),
	SWITCH("discovery_auth"),
	SWITCH("discovery_logout"),
};
/* clang-format on */

static void check(const char *name, const char *value, bool good)
{
	const struct isif_setting *setting = isif_setting_find(name);
	const char *reason;

	CU_ASSERT_PTR_NOT_NULL_FATAL(setting);
	reason = setting_check_value(setting, value, strlen(value));
	CU_ASSERT_EQUAL(reason == NULL, good);
	if ((reason == NULL) != good)
		printf("# %s = \"%s\": %s\n", name, value, reason ? reason : "good");
}

static void test_values(void)
{
	size_t count;

	isif_settings(&count);
	CU_ASSERT_EQUAL(COUNT(all) + 1, count); /* all but the name */
	for (size_t i = 0; i < COUNT(all); i++) {
		for (size_t j = 0; j < COUNT(all[i].good) && all[i].good[j]; j++)
			check(all[i].setting, all[i].good[j], true);
		for (size_t j = 0; j < COUNT(all[i].bad) && all[i].bad[j]; j++)
			check(all[i].setting, all[i].bad[j], false);
	}
}

/* What holds for every setting, whatever its type. */
static void test_everywhere(void)
{
	static const char *const bad[] = {
		"<empty>", "\n",   "a\n",
		"\t",	   " ",	   "1.2.3.4\niface.transport_name = iser",
		"enable ", " tcp", LONG_240 LONG_80
	};

	for (size_t i = 0; i < COUNT(all); i++) {
		check(all[i].setting, "", true);
		for (size_t j = 0; j < COUNT(bad); j++)
			check(all[i].setting, bad[j], false);
	}
	CU_ASSERT_PTR_NOT_NULL(
		setting_check_value(isif_setting_find("initiatorname"), "iqn\0x", 5));
	CU_ASSERT_PTR_NOT_NULL(setting_check_value(isif_setting_find("mtu"), "1500\0", 5));
}

static void test_words(void)
{
	static const char *const names[] = { "net_ifacename", "hwaddress", "ipaddress" };
	const char *reason;

	for (size_t i = 0; i < COUNT(names); i++) {
		reason = setting_check_value(isif_setting_find(names[i]), "default", 7);
		CU_ASSERT_TRUE(reason && strstr(reason, "empty text"));
	}
	reason = setting_check_value(isif_setting_find("net_ifacename"), "<empty>", 7);
	CU_ASSERT_TRUE(reason && strstr(reason, "empty text"));
}

static void test_name_setting(void)
{
	const struct isif_setting *name = isif_setting_find("iscsi_ifacename");

	CU_ASSERT_PTR_NOT_NULL(setting_check_value(name, "if0", 3));
	CU_ASSERT_PTR_NOT_NULL(setting_check_value(name, "", 0));
}

struct name_case {
	const char *name;
	bool good;
};

static void check_names(const char *(*function)(const char *, size_t),
			const struct name_case *cases, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const char *reason = function(cases[i].name, strlen(cases[i].name));

		CU_ASSERT_EQUAL(reason == NULL, cases[i].good);
		if ((reason == NULL) != cases[i].good)
			printf("# \"%s\": %s\n", cases[i].name, reason ? reason : "good");
	}
	CU_ASSERT_PTR_NOT_NULL(function("a\0b", 3));
}

#define NAME_64 "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"

static void test_iface_names(void)
{
	static const struct name_case cases[] = {
		{ "if0", true },	{ "0", true },	     { "172.18.0.44:3260:iscsi-pv1", true },
		{ "my.ipv6.0", true },	{ "a.", true },	     { NAME_64, true },
		{ NAME_64 "x", false }, { "", false },	     { "default", false },
		{ "iser", false },	{ "Default", true }, { "iser0", true },
		{ ".if0", false },	{ "-if0", false },   { "_if0", false },
		{ ":if0", false },	{ "..", false },     { "../x", false },
		{ "a/b", false },	{ "a b", false },    { "a,b", false },
		{ "a\nb", false },	{ "a[b]", false },   { "caf\303\251", false },
	};

	check_names(setting_check_iface_name, cases, COUNT(cases));
}

static void test_targets(void)
{
	static const struct name_case cases[] = {
		{ "iqn.2026-01.org.example:disk1", true },
		{ "eui.02004567A425678D", true },
		{ "naa.52004567BA64678D", true },
		{ "x", true },
		{ "a..b", true },
		{ "a[b]~!", true },
		{ "", false },
		{ ".", false },
		{ "..", false },
		{ ".a", false },
		{ "../../evil", false },
		{ "a/b", false },
		{ "a,b", false },
		{ "a b", false },
		{ "a\tb", false },
		{ "a\n", false },
		{ "a\177", false },
		{ "caf\303\251", false },
	};
	char longest[225];

	check_names(setting_check_target, cases, COUNT(cases));
	memset(longest, 'a', sizeof(longest));
	CU_ASSERT_PTR_NULL(setting_check_target(longest, 223));
	CU_ASSERT_PTR_NOT_NULL(setting_check_target(longest, 224));
}

static void test_hosts(void)
{
	static const struct name_case cases[] = {
		{ "storage1.example.org", true },
		{ "my_host", true },
		{ "192.0.2.1", true },
		{ "a.", true },
		{ "", false },
		{ ".", false },
		{ ".a", false },
		{ "-a", false },
		{ "a,b", false },
		{ "a/b", false },
		{ "a:b", false },
		{ "a b", false },
		{ "a\n", false },
		{ "caf\303\251", false },
	};
	char longest[254];

	check_names(setting_check_host, cases, COUNT(cases));
	memset(longest, 'a', sizeof(longest));
	CU_ASSERT_PTR_NULL(setting_check_host(longest, 253));
	CU_ASSERT_PTR_NOT_NULL(setting_check_host(longest, 254));
}

/* An iface by its settings, "name", "value", ..., NULL; and the one at fault, NULL for none. */
struct together {
	const char *iface;
	const char *settings[9];
	const char *at_fault;
};

static const char *value_of(void *context, const char *setting)
{
	const struct together *iface = context;

	for (size_t i = 0; iface->settings[i]; i += 2)
		if (!strcmp(iface->settings[i], setting))
			return iface->settings[i + 1];
	return "";
}

static bool only_san0(void *context, const char *device)
{
	(void)context;
	return !strcmp(device, "san0");
}

static void check_together(const struct together *cases, size_t count,
			   bool (*exists)(void *, const char *))
{
	for (size_t i = 0; i < count; i++) {
		struct together iface = cases[i];
		const struct setting_lookup lookup = { value_of, exists, &iface };
		const char *at_fault = "(unset)";
		const char *reason = setting_check_iface(iface.iface, &lookup, &at_fault);
		bool good = !reason == !iface.at_fault &&
			    (!reason || (at_fault && !strcmp(at_fault, iface.at_fault)));

		CU_ASSERT_TRUE(good);
		if (!good)
			printf("# case %zu: %s: %s\n", i, reason ? at_fault : "-",
			       reason ? reason : "good");
	}
}

#define TCP	 "transport_name", "tcp"
#define ISER	 "transport_name", "iser"
#define QLA	 "transport_name", "qla4xxx"
#define BE2	 "transport_name", "be2iscsi"
#define HARDWARE "hwaddress", "00:11:22:33:44:55"

static void test_software(void)
{
	static const struct together cases[] = {
		{ "if0", { TCP }, NULL },
		{ "if0", { NULL }, NULL },
		{ "if0", { ISER }, NULL },
		{ "if0", { TCP, "net_ifacename", "eth0" }, NULL },
		{ "if0", { ISER, "net_ifacename", "eth0" }, NULL },
		{ "if0", { TCP, HARDWARE }, NULL },
		{ "if0", { TCP, "initiatorname", "iqn.a" }, NULL },
		{ "if0", { TCP, "net_ifacename", "eth0", "ipaddress", "192.0.2.1" }, NULL },
		{ "if0", { TCP, HARDWARE, "ipaddress", "192.0.2.1" }, NULL },
		{ "if0", { TCP, "ipaddress", "192.0.2.1" }, "ipaddress" },
		{ "if0", { "ipaddress", "192.0.2.1" }, "ipaddress" },
		{ "if0",
		  { TCP, "ipaddress", "192.0.2.1", "net_ifacename", "default" },
		  "ipaddress" },
		{ "if0", { TCP, HARDWARE, "net_ifacename", "eth0" }, "hwaddress" },
		{ "if0", { TCP, HARDWARE, "net_ifacename", "default" }, NULL },
		{ "if0", { TCP, "hwaddress", "default", "net_ifacename", "eth0" }, NULL },
		{ "if0", { TCP, "mtu", "0", "vlan_id", "0" }, NULL },
		{ "if0", { TCP, "mtu", "1500" }, "mtu" },
		{ "if0", { TCP, "vlan_state", "disable" }, "vlan_state" },
		{ "if0", { TCP, "gateway", "192.0.2.1" }, "gateway" },
		{ "if0", { ISER, "ipv6_autocfg", "nd" }, "ipv6_autocfg" },
	};

	check_together(cases, COUNT(cases), NULL);
}

/* usr/ and libopeniscsiusr write and read the block of one family or the other. */
static void test_families(void)
{
	static const struct together cases[] = {
		{ "foo", { TCP, "net_ifacename", "eth0", "ipaddress", "fe80::1" }, "ipaddress" },
		{ "my.ipv6.0",
		  { TCP, "net_ifacename", "eth0", "ipaddress", "192.0.2.1" },
		  "ipaddress" },
		{ "my.ipv6.0", { TCP, "net_ifacename", "eth0", "ipaddress", "fe80::1" }, NULL },
		{ "my.ipv6.0", { TCP, "net_ifacename", "eth0" }, NULL },
		{ "my.ipv6.0", { TCP, "ipaddress", "default" }, NULL },
		{ "foo", { QLA, "ipaddress", "fe80::1" }, "ipaddress" },
		{ "foo", { QLA, "ipaddress", "192.0.2.1" }, NULL },
		{ "a.ipv6", { QLA, "ipaddress", "fd00::1" }, NULL },
		{ "a.ipv6", { QLA, "ipaddress", "192.0.2.1" }, "ipaddress" },
		{ "a.ipv6", { QLA, "ipaddress", "fd00::1", "bootproto", "dhcp" }, "ipaddress" },
		{ "foo", { QLA, "bootproto", "dhcp" }, NULL },
	};

	check_together(cases, COUNT(cases), NULL);
}

static void test_offload(void)
{
	static const struct together cases[] = {
		{ "q", { QLA, HARDWARE, "ipaddress", "192.0.2.1", "mtu", "9000" }, NULL },
		{ "q", { QLA, HARDWARE, "net_ifacename", "eth0" }, NULL },
		{ "q", { QLA, "gateway", "192.0.2.1", "subnet_mask", "255.255.255.0" }, NULL },
		{ "q", { QLA, "ipv6_router", "fe80::1" }, "ipv6_router" },
		{ "q", { QLA, "hop_limit", "0" }, NULL },
		{ "q", { QLA, "hop_limit", "9" }, "hop_limit" },
		{ "q.ipv6", { QLA, "ipv6_router", "fe80::1", "hop_limit", "9" }, NULL },
		{ "q.ipv6", { QLA, "gateway", "192.0.2.1" }, "gateway" },
		{ "b", { BE2, HARDWARE }, NULL },
		{ "b", { BE2, "mtu", "1500" }, NULL },
		{ "b", { BE2, "ipaddress", "192.0.2.1" }, "ipaddress" },
		{ "b", { BE2, "subnet_mask", "255.0.0.0" }, "subnet_mask" },
		{ "b", { BE2, "gateway", "192.0.2.1" }, "gateway" },
	};

	check_together(cases, COUNT(cases), NULL);
}

static void test_devices(void)
{
	static const struct together cases[] = {
		{ "if0", { TCP, "net_ifacename", "san0" }, NULL },
		{ "if0", { TCP, "net_ifacename", "san1" }, "net_ifacename" },
		{ "if0", { ISER, "net_ifacename", "san1" }, "net_ifacename" },
		{ "if0", { TCP, "net_ifacename", "default" }, NULL },
		{ "if0", { TCP, HARDWARE }, NULL },
		{ "q", { QLA, "net_ifacename", "san1" }, NULL },
	};

	check_together(cases, COUNT(cases), only_san0);
}

void add_setting_check_tests(void)
{
	CU_pSuite suite = CU_add_suite("setting_check", NULL, NULL);

	CU_add_test(suite, "values of every setting, good and bad", test_values);
	CU_add_test(suite, "what no setting may be", test_everywhere);
	CU_add_test(suite, "open-iscsi's words for not set, and what to write", test_words);
	CU_add_test(suite, "the name cannot be changed", test_name_setting);
	CU_add_test(suite, "names of ifaces", test_iface_names);
	CU_add_test(suite, "names of targets", test_targets);
	CU_add_test(suite, "names of hosts", test_hosts);
	CU_add_test(suite, "bindings of software ifaces", test_software);
	CU_add_test(suite, "the name and the address are of one family", test_families);
	CU_add_test(suite, "settings of offload ifaces", test_offload);
	CU_add_test(suite, "the device of an iface that is used exists", test_devices);
}
