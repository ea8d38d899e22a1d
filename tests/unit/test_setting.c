/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The catalogue against the list of open-iscsi's settings, written down here independently. */
#include "suites.h"

#include <isif/setting.h>

#include "helpers.h"

#include <stdio.h>
#include <string.h>

/* Field types of usr/config.h, struct iface_rec: sizes of texts, and of numbers the largest. */
enum { WORD = 80, ADDRESS = 1025 };
enum { U8 = 255, U16 = 65535 };

struct expected {
	const char *name;
	enum isif_setting_family family;
	unsigned size;	     /* of a text, with the NUL; 0: a number */
	uint32_t largest;    /* that a number's field can hold */
	int kind, parameter; /* of the kernel parameter: 'n' net, 'i' iface; 0 none */
	bool software;
};

/* clang-format off */
#define ANY  ISIF_FAMILY_ANY
#define IPV4 ISIF_FAMILY_IPV4
#define IPV6 ISIF_FAMILY_IPV6
static const struct expected all[] = {
	{ "iscsi_ifacename", ANY, 65, 0, 0, 0, true },
	{ "net_ifacename", ANY, 16, 0, 0, 0, true },
	{ "ipaddress", ANY, ADDRESS, 0, 'n', 1, true },
	{ "prefix_len", ANY, 0, U8, 0, 0, false },
	{ "hwaddress", ANY, 18, 0, 0, 0, true },
	{ "transport_name", ANY, 16, 0, 0, 0, true },
	{ "initiatorname", ANY, 256, 0, 'i', 17, true },
	{ "state", ANY, WORD, 0, 'n', 12, false },
	{ "vlan_id", ANY, 0, U16, 'n', 16, false },
	{ "vlan_priority", ANY, 0, U8, 'n', 16, false },
	{ "vlan_state", ANY, WORD, 0, 'n', 15, false },
	{ "iface_num", ANY, 0, INT32_MAX, 0, 0, false },
	{ "mtu", ANY, 0, U16, 'n', 19, false },
	{ "port", ANY, 0, U16, 'n', 20, false },
	{ "bootproto", IPV4, WORD, 0, 'n', 4, false },
	{ "subnet_mask", IPV4, ADDRESS, 0, 'n', 2, false },
	{ "gateway", IPV4, ADDRESS, 0, 'n', 3, false },
	{ "dhcp_alt_client_id_state", IPV4, WORD, 0, 'n', 36, false },
	{ "dhcp_alt_client_id", IPV4, 12, 0, 'n', 37, false },
	{ "dhcp_dns", IPV4, WORD, 0, 'n', 31, false },
	{ "dhcp_learn_iqn", IPV4, WORD, 0, 'n', 41, false },
	{ "dhcp_req_vendor_id_state", IPV4, WORD, 0, 'n', 38, false },
	{ "dhcp_vendor_id_state", IPV4, WORD, 0, 'n', 39, false },
	{ "dhcp_vendor_id", IPV4, 12, 0, 'n', 40, false },
	{ "dhcp_slp_da", IPV4, WORD, 0, 'n', 32, false },
	{ "fragmentation", IPV4, WORD, 0, 'n', 42, false },
	{ "gratuitous_arp", IPV4, WORD, 0, 'n', 35, false },
	{ "incoming_forwarding", IPV4, WORD, 0, 'n', 43, false },
	{ "tos_state", IPV4, WORD, 0, 'n', 33, false },
	{ "tos", IPV4, 0, U8, 'n', 34, false },
	{ "ttl", IPV4, 0, U8, 'n', 44, false },
	{ "ipv6_autocfg", IPV6, ADDRESS, 0, 'n', 9, false },
	{ "linklocal_autocfg", IPV6, ADDRESS, 0, 'n', 10, false },
	{ "router_autocfg", IPV6, ADDRESS, 0, 'n', 11, false },
	{ "ipv6_linklocal", IPV6, ADDRESS, 0, 'n', 6, false },
	{ "ipv6_router", IPV6, ADDRESS, 0, 'n', 8, false },
	{ "dup_addr_detect_cnt", IPV6, 0, U8, 'n', 53, false },
	{ "flow_label", IPV6, 0, 0xfffff, 'n', 47, false },
	{ "gratuitous_neighbor_adv", IPV6, WORD, 0, 'n', 45, false },
	{ "mld", IPV6, WORD, 0, 'n', 46, false },
	{ "hop_limit", IPV6, 0, U8, 'n', 49, false },
	{ "nd_reachable_tmo", IPV6, 0, UINT32_MAX, 'n', 50, false },
	{ "nd_rexmit_time", IPV6, 0, UINT32_MAX, 'n', 51, false },
	{ "nd_stale_tmo", IPV6, 0, UINT32_MAX, 'n', 52, false },
	{ "router_adv_link_mtu", IPV6, 0, 1500, 'n', 54, false },
	{ "traffic_class", IPV6, 0, U8, 'n', 48, false },
	{ "delayed_ack", ANY, WORD, 0, 'n', 24, false },
	{ "tcp_nagle", ANY, WORD, 0, 'n', 25, false },
	{ "tcp_wsf_state", ANY, WORD, 0, 'n', 26, false },
	{ "tcp_wsf", ANY, 0, U8, 'n', 27, false },
	{ "tcp_timer_scale", ANY, 0, 7, 'n', 28, false },
	{ "tcp_timestamp", ANY, WORD, 0, 'n', 29, false },
	{ "redirect", ANY, WORD, 0, 'n', 55, false },
	{ "def_task_mgmt_timeout", ANY, 0, U16, 'i', 0, false },
	{ "header_digest", ANY, WORD, 0, 'i', 1, false },
	{ "data_digest", ANY, WORD, 0, 'i', 2, false },
	{ "immediate_data", ANY, WORD, 0, 'i', 3, false },
	{ "initial_r2t", ANY, WORD, 0, 'i', 4, false },
	{ "data_seq_inorder", ANY, WORD, 0, 'i', 5, false },
	{ "data_pdu_inorder", ANY, WORD, 0, 'i', 6, false },
	{ "erl", ANY, 0, 2, 'i', 7, false },
	{ "max_receive_data_len", ANY, 0, UINT32_MAX, 'i', 8, false },
	{ "first_burst_len", ANY, 0, UINT32_MAX, 'i', 9, false },
	{ "max_outstanding_r2t", ANY, 0, U16, 'i', 10, false },
	{ "max_burst_len", ANY, 0, UINT32_MAX, 'i', 11, false },
	{ "chap_auth", ANY, WORD, 0, 'i', 12, false },
	{ "bidi_chap", ANY, WORD, 0, 'i', 13, false },
	{ "strict_login_compliance", ANY, WORD, 0, 'i', 16, false },
	{ "discovery_auth", ANY, WORD, 0, 'i', 14, false },
	{ "discovery_logout", ANY, WORD, 0, 'i', 15, false },
};
/* clang-format on */

static void test_all(void)
{
	size_t count;
	const struct isif_setting *settings = isif_settings(&count);

	CU_ASSERT_EQUAL(count, COUNT(all));
	for (size_t i = 0; i < COUNT(all); i++) {
		const struct isif_setting *setting = isif_setting_find(all[i].name);

		CU_ASSERT_PTR_NOT_NULL(setting);
		if (!setting) {
			printf("# %s is missing\n", all[i].name);
			continue;
		}
		CU_ASSERT_STRING_EQUAL(setting->name, all[i].name);
		CU_ASSERT_TRUE(setting >= settings && setting < settings + count);
	}
}

/* Of no family's block (the middle of the table) may the catalogue leave the order of the files. */
static void test_order(void)
{
	size_t count;
	const struct isif_setting *settings = isif_settings(&count);
	static const enum isif_setting_family blocks[] = { ANY, IPV4, IPV6, ANY };
	size_t block = 0;

	for (size_t i = 0; i < count; i++) {
		while (block < COUNT(blocks) - 1 && settings[i].family != blocks[block])
			block++;
		CU_ASSERT_EQUAL(settings[i].family, blocks[block]);
	}
}

static void test_fields(void)
{
	for (size_t i = 0; i < COUNT(all); i++) {
		const struct isif_setting *setting = isif_setting_find(all[i].name);
		bool number;

		if (!setting)
			continue;
		number = setting->type == ISIF_SETTING_NUMBER;
		CU_ASSERT_EQUAL(number, !all[i].size);
		CU_ASSERT_EQUAL(setting->family, all[i].family);
		CU_ASSERT_EQUAL(setting->software, all[i].software);
		/* Larger than its field it would overflow there, or be cut without a word. */
		CU_ASSERT_TRUE(number ? setting->maximum <= all[i].largest &&
						setting->minimum < setting->maximum
				      : setting->size && setting->size <= all[i].size &&
						setting->size <= ISIF_VALUE_SIZE);
	}
}

static void test_parameters(void)
{
	for (size_t i = 0; i < COUNT(all); i++) {
		const struct isif_setting *setting = isif_setting_find(all[i].name);

		if (!setting)
			continue;
		CU_ASSERT_EQUAL(setting->parameter_type, all[i].kind == 'n' ? ISIF_PARAMETER_NET
							 : all[i].kind == 'i'
								 ? ISIF_PARAMETER_IFACE
								 : ISIF_PARAMETER_NONE);
		CU_ASSERT_EQUAL(setting->parameter, all[i].parameter);
	}
}

/* Sizes that a longer name or device would overflow. */
static void test_sizes(void)
{
	CU_ASSERT_EQUAL(isif_setting_find("iscsi_ifacename")->size, 65);
	CU_ASSERT_EQUAL(isif_setting_find("net_ifacename")->size, 16);
	CU_ASSERT_EQUAL(isif_setting_find("hwaddress")->size, 18);
	CU_ASSERT_EQUAL(isif_setting_find("transport_name")->size, 16);
	CU_ASSERT_EQUAL(isif_setting_find("initiatorname")->size, 256);
}

static void test_unknown(void)
{
	/* In open-iscsi's idbm_fields.h, but in no record. */
	static const char *const names[] = { "isid",	      "primary_dns",
					     "secondary_dns", "ignore_icmp_echo_request",
					     "alias",	      "",
					     "MTU",	      "iface.mtu" };

	for (size_t i = 0; i < COUNT(names); i++)
		CU_ASSERT_PTR_NULL(isif_setting_find(names[i]));
}

static void test_family(void)
{
	static const struct {
		const char *iface, *address, *bootproto;
		enum isif_setting_family family;
	} cases[] = {
		{ "foo", "", "", IPV4 },
		{ "my.ipv6.0", "", "", IPV6 },
		{ "my.ipv6.0", "default", "", IPV6 },
		{ "foo", "default", "", IPV4 },
		{ "foo", "192.0.2.1", "", IPV4 },
		{ "my.ipv6.0", "192.0.2.1", "", IPV4 },
		{ "foo", "fe80::1", "", IPV6 },
		{ "foo", "fe80::1", "static", IPV6 },
		{ "foo", "fe80::1", "dhcp", IPV4 },
		{ "foo", "::ffff:192.0.2.1", "", IPV4 },
		{ "IPV6", "", "", IPV4 },
	};

	for (size_t i = 0; i < COUNT(cases); i++)
		CU_ASSERT_EQUAL(isif_setting_family_of(cases[i].iface, cases[i].address,
						       cases[i].bootproto),
				cases[i].family);
}

static void test_unset(void)
{
	static const struct {
		const char *name, *value;
		bool unset;
	} cases[] = {
		{ "net_ifacename", "", true },
		{ "net_ifacename", "default", true },
		{ "hwaddress", "default", true },
		{ "ipaddress", "default", true },
		{ "initiatorname", "", true },
		{ "initiatorname", "default", false },
		{ "mtu", "0", true },
		{ "mtu", "1500", false },
		{ "net_ifacename", "0", false },
		{ "net_ifacename", "eth0", false },
		{ "unknown", "0", false },
		{ "unknown", "", true },
		/* iscsiadm's word for an empty value: in a record it is a value. */
		{ "net_ifacename", "<empty>", false },
	};

	for (size_t i = 0; i < COUNT(cases); i++)
		CU_ASSERT_EQUAL(isif_setting_is_unset(cases[i].name, cases[i].value),
				cases[i].unset);
}

static void test_transports(void)
{
	CU_ASSERT_TRUE(isif_transport_is_software("tcp"));
	CU_ASSERT_TRUE(isif_transport_is_software("iser"));
	CU_ASSERT_FALSE(isif_transport_is_software("qla4xxx"));
	CU_ASSERT_FALSE(isif_transport_is_software("cxgb3i"));
	CU_ASSERT_FALSE(isif_transport_is_software("be2iscsi"));
}

void add_setting_tests(void)
{
	CU_pSuite suite = CU_add_suite("setting", NULL, NULL);

	CU_add_test(suite, "the catalogue has open-iscsi's settings, no others", test_all);
	CU_add_test(suite, "the blocks stand in the order of the files", test_order);
	CU_add_test(suite, "families, types and bounds fit open-iscsi's fields", test_fields);
	CU_add_test(suite, "kernel parameters have the numbers of iscsi_if.h", test_parameters);
	CU_add_test(suite, "sizes of the fields", test_sizes);
	CU_add_test(suite, "what stands in no record is not known", test_unknown);
	CU_add_test(suite, "the family is that of the address, else of the name", test_family);
	CU_add_test(suite, "empty, default and 0 mean not set where they do", test_unset);
	CU_add_test(suite, "tcp and iser use the host's own stack", test_transports);
}
