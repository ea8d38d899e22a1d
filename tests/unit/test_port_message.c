/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a record has to say to an offload port, and the message that says it. */
#include "suites.h"

#include "helpers.h"
#include "port_message.h"

#include <errno.h>
#include <string.h>

#define OFFLOAD(settings)                                                                          \
	RECORD("iface.iscsi_ifacename = qla\niface.transport_name = qla4xxx\n"                     \
	       "iface.hwaddress = 02:00:00:00:00:0a\n" settings)

static struct isif_record *record;
static struct port_plan plan;
static struct isif_port_parameter parameters[PORT_PLAN_SIZE];
static size_t count;

static void plan_of(const char *iface, const char *text)
{
	isif_record_release(record);
	record = parse_record(text);
	port_plan_make(iface, record, &plan);
	count = port_encode(&plan, parameters);
}

static void tear_down(void)
{
	isif_record_release(record);
	record = NULL;
}

static struct isif_port_request request_of(enum isif_port_verb verb)
{
	return (struct isif_port_request){
		.verb = verb,
		.transport = verb == ISIF_PORT_SET_ADDRESS ? "cxgb4i" : "qla4xxx",
		.host = 258,
		.family = plan.family,
		.number = plan.number,
		.parameters = parameters,
		.count = count,
		.address = "192.0.2.1",
		.timeout = 1000,
	};
}

/* The numbers of the parameters that are sent, in their order. */
static bool sends(const char *numbers)
{
	char text[512] = "";

	for (size_t i = 0, used = 0; i < count; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s%u", i ? " " : "",
					 parameters[i].type == ISIF_PARAMETER_IFACE ? "i" : "",
					 parameters[i].number);
	if (!strcmp(text, numbers))
		return true;
	printf("# sends %s, not %s\n", text, numbers);
	return false;
}

static void test_order(void)
{
	plan_of("qla", OFFLOAD("iface.ipaddress = 192.0.2.20\niface.vlan_id = 7\n"
			       "iface.vlan_priority = 5\niface.vlan_state = enable\n"
			       "iface.state = enable\niface.mtu = 9000\niface.port = 3261\n"
			       "iface.bootproto = static\niface.subnet_mask = 255.255.255.0\n"
			       "iface.gateway = 192.0.2.254\niface.ttl = 64\niface.erl = 2\n"
			       "iface.initiatorname = iqn.a\n"));
	CU_ASSERT_TRUE(sends("4 1 2 3 44 i7 12 15 16 19 20"));
	plan_of("qla", OFFLOAD("iface.ipaddress = 2001:db8::1\niface.ipv6_autocfg = disable\n"
			       "iface.linklocal_autocfg = disable\niface.router_autocfg = disable\n"
			       "iface.ipv6_linklocal = fe80::1\niface.ipv6_router = fe80::2\n"));
	CU_ASSERT_EQUAL(plan.family, ISIF_FAMILY_IPV6);
	CU_ASSERT_TRUE(sends("9 10 11 7 6 8"));
}

/* Not set, of the other family, or decided by something else. */
static void test_not_sent(void)
{
	static const struct {
		const char *text, *numbers;
	} cases[] = {
		{ OFFLOAD(""), "" },
		{ OFFLOAD("iface.mtu = 0\niface.port = 0\niface.gateway = \n"), "" },
		{ OFFLOAD("iface.bootproto = dhcp\niface.ipaddress = 192.0.2.20\n"
			  "iface.subnet_mask = 255.0.0.0\niface.gateway = 192.0.2.254\n"),
		  "4" },
		{ OFFLOAD("iface.vlan_id = 7\niface.vlan_priority = 5\n"), "" },
		{ OFFLOAD("iface.vlan_id = 7\niface.vlan_state = disable\n"), "15" },
		{ OFFLOAD("iface.vlan_priority = 5\niface.vlan_state = enable\n"), "15" },
		{ OFFLOAD("iface.hop_limit = 3\niface.mtu = 1500\n"), "19" },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		plan_of("qla", cases[i].text);
		CU_ASSERT_TRUE(sends(cases[i].numbers));
	}
	plan_of("qla.ipv6.0", OFFLOAD("iface.ipv6_autocfg = nd\niface.linklocal_autocfg = auto\n"
				      "iface.router_autocfg = auto\niface.ipv6_router = fe80::2\n"
				      "iface.ipv6_linklocal = fe80::1\niface.ttl = 3\n"));
	CU_ASSERT_TRUE(sends("9 10 11"));
}

/* The sizes that drivers copy, whatever the message says (kernel-side: no check of any length). */
static void test_sizes(void)
{
	static const struct {
		const char *setting, *value;
		uint8_t length, octets[16];
	} cases[] = {
		{ "mtu", "9000", 2, { 0x28, 0x23 } },
		{ "port", "3261", 2, { 0xbd, 0x0c } },
		{ "tos", "200", 1, { 200 } },
		{ "def_task_mgmt_timeout", "300", 2, { 0x2c, 1 } },
		{ "max_receive_data_len", "65536", 4, { 0, 0, 1, 0 } },
		{ "max_outstanding_r2t", "1", 2, { 1, 0 } },
		{ "erl", "2", 1, { 2 } },
		{ "state", "enable", 1, { 2 } },
		{ "state", "disable", 1, { 1 } },
		{ "tcp_nagle", "enable", 1, { 2 } },
		{ "bootproto", "static", 1, { 1 } },
		{ "bootproto", "dhcp", 1, { 2 } },
		{ "gateway", "192.0.2.254", 4, { 192, 0, 2, 254 } },
		{ "dhcp_vendor_id", "lab", 3, { 'l', 'a', 'b' } },
		{ "dhcp_vendor_id",
		  "elevenoctets",
		  11,
		  { 'e', 'l', 'e', 'v', 'e', 'n', 'o', 'c', 't', 'e', 't' } },
	};
	static const struct {
		const char *setting, *value;
		uint8_t length, octets[16];
	} ipv6[] = {
		{ "ipv6_autocfg", "disable", 1, { 1 } },
		{ "ipv6_autocfg", "nd", 1, { 2 } },
		{ "ipv6_autocfg", "dhcpv6", 1, { 3 } },
		{ "ipv6_autocfg", "static", 1, { 1 } }, /* as the kernel calls it, and iscsiadm */
		{ "linklocal_autocfg", "auto", 1, { 1 } },
		{ "linklocal_autocfg", "disable", 1, { 2 } },
		{ "router_autocfg", "Manual", 1, { 2 } },
		{ "flow_label", "65537", 4, { 1, 0, 1, 0 } },
		{ "router_adv_link_mtu", "1500", 4, { 0xdc, 5, 0, 0 } },
		{ "nd_stale_tmo", "1", 4, { 1, 0, 0, 0 } },
		{ "traffic_class", "3", 1, { 3 } },
		{ "ipv6_router", "fe80::2", 16, { 0xfe, 0x80, [15] = 2 } },
	};
	char text[512];

	for (size_t i = 0; i < COUNT(cases) + COUNT(ipv6); i++) {
		const bool four = i < COUNT(cases);
		const size_t at = four ? i : i - COUNT(cases);
		const char *setting = four ? cases[at].setting : ipv6[at].setting;
		const uint8_t length = four ? cases[at].length : ipv6[at].length;

		snprintf(text, sizeof(text), OFFLOAD("iface.%s = %s\n"), setting,
			 four ? cases[at].value : ipv6[at].value);
		plan_of(four ? "qla" : "qla.ipv6.0", text);
		CU_ASSERT_EQUAL(count, 1);
		CU_ASSERT_EQUAL(parameters[0].length, length);
		CU_ASSERT_EQUAL(memcmp(parameters[0].octets,
				       four ? cases[at].octets : ipv6[at].octets, length),
				0);
		if (parameters[0].length != length)
			printf("# %s\n", setting);
	}
	plan_of("qla", OFFLOAD("iface.vlan_id = 7\niface.vlan_state = enable\n"
			       "iface.vlan_priority = 5\n"));
	CU_ASSERT_TRUE(sends("15 16"));
	CU_ASSERT_EQUAL(memcmp(parameters[1].octets, (const uint8_t[]){ 7, 0xa0 }, 2), 0);
}

/* What is no address of the setting's own family would have another size than drivers copy. */
static void test_other_family(void)
{
	plan_of("qla", OFFLOAD("iface.subnet_mask = fe80::2\niface.mtu = 9000\n"));
	CU_ASSERT_TRUE(sends("19"));
	plan_of("qla.ipv6.0", OFFLOAD("iface.ipv6_router = 192.0.2.1\n"
				      "iface.ipv6_linklocal = ::ffff:192.0.2.1\n"
				      "iface.mtu = 9000\n"));
	CU_ASSERT_TRUE(sends("19"));
}

/* Drivers copy 11 octets of a text and a NUL, whatever its length: they are all in its attribute.
 */
static void test_room(void)
{
	static const char *const texts[] = { "1", "lab", "four", "fives", "elevenoctet" };
	char text[512];

	for (size_t i = 0; i < COUNT(texts); i++) {
		const uint8_t length = (uint8_t)strlen(texts[i]);
		struct port_message message;
		struct isif_port_request request;

		snprintf(text, sizeof(text), OFFLOAD("iface.dhcp_vendor_id = %s\n"), texts[i]);
		plan_of("qla", text);
		request = request_of(ISIF_PORT_SET);
		CU_ASSERT_TRUE_FATAL(port_request_is_valid(&request));
		port_message_make(&request, 0, 0, &message);
		CU_ASSERT_EQUAL(message.length, 72 + 4 + 12 + 12);
		CU_ASSERT_EQUAL(message.octets[72], 4 + 12 + 12);
		CU_ASSERT_EQUAL(message.octets[72 + 4 + 4], length);
		CU_ASSERT_EQUAL(memcmp(message.octets + 72 + 16, texts[i], length + 1u), 0);
	}
}

/* Octet by octet, as include/scsi/iscsi_if.h has it on a little-endian machine. */
static void test_wire(void)
{
	static const uint8_t expected[] = {
		/* struct nlmsghdr */
		112, 0, 0, 0, 31, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
		/* struct iscsi_uevent: type, error, handle */
		31, 0, 0, 0, 0, 0, 0, 0, 8, 7, 6, 5, 4, 3, 2, 1,
		/* host, count */
		2, 1, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
		/* reply */
		0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
		/* an address, in an attribute of its number */
		20, 0, 1, 0, 3, 0, 0, 0, 4, 0, 0, 0, 1, 0, 1, 2, 192, 0, 2, 20,
		/* an MTU, filled up to 4 octets */
		18, 0, 19, 0, 3, 0, 0, 0, 2, 0, 0, 0, 19, 0, 1, 2, 0x28, 0x23, 0, 0
	};
	struct port_message message;
	struct isif_port_request request;

	if (__BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__)
		return;
	plan_of("qla", OFFLOAD("iface.ipaddress = 192.0.2.20\niface.mtu = 9000\n"
			       "iface.iface_num = 3\n"));
	request = request_of(ISIF_PORT_SET);
	CU_ASSERT_TRUE(port_request_is_valid(&request));
	port_message_make(&request, 0x0102030405060708, 0, &message);
	CU_ASSERT_EQUAL(message.length, sizeof(expected));
	CU_ASSERT_EQUAL(memcmp(message.octets, expected, sizeof(expected)), 0);
}

static void test_other_requests(void)
{
	struct port_message message;
	struct isif_port_request request = request_of(ISIF_PORT_SET_ADDRESS);

	request.family = ISIF_FAMILY_IPV4;
	CU_ASSERT_TRUE(port_request_is_valid(&request));
	port_message_make(&request, 0, 0, &message);
	CU_ASSERT_EQUAL(message.length, 72 + sizeof("192.0.2.1"));
	CU_ASSERT_EQUAL(message.octets[16], 26);
	CU_ASSERT_EQUAL(message.octets[36], 3); /* ISCSI_HOST_PARAM_IPADDRESS */
	CU_ASSERT_EQUAL(message.octets[40], sizeof("192.0.2.1"));
	CU_ASSERT_STRING_EQUAL((const char *)message.octets + 72, "192.0.2.1");
	request = request_of(ISIF_PORT_PING);
	request.family = ISIF_FAMILY_IPV6;
	request.number = 1;
	CU_ASSERT_FALSE(port_request_is_valid(&request));
	request.address = "2001:db8::9";
	CU_ASSERT_TRUE(port_request_is_valid(&request));
	port_message_make(&request, 0, 0x55, &message);
	CU_ASSERT_EQUAL(message.length, 72 + 28); /* struct sockaddr_in6 */
	CU_ASSERT_EQUAL(message.octets[16], 32);
	CU_ASSERT_EQUAL(message.octets[36], 1);
	CU_ASSERT_EQUAL(message.octets[40], 2);
	CU_ASSERT_EQUAL(message.octets[48], 0x55);
	CU_ASSERT_EQUAL(message.octets[72], 10); /* AF_INET6 */
	CU_ASSERT_EQUAL(message.octets[72 + 8 + 15], 9);
}

static void test_refused(void)
{
	struct isif_port_request request;

	plan_of("qla", OFFLOAD("iface.mtu = 9000\n"));
	for (unsigned i = 0; i < 8; i++) {
		struct isif_port_parameter changed = parameters[0];

		request = request_of(ISIF_PORT_SET);
		request.parameters = &changed;
		CU_ASSERT_TRUE(port_request_is_valid(&request));
		switch (i) {
		case 0:
			request.transport = "../tcp";
			break;
		case 1:
			request.transport = "cxgb4i"; /* it has no objects */
			break;
		case 2:
			request.count = 0;
			break;
		case 3:
			request.number = 256;
			break;
		case 4:
			request.family = ISIF_FAMILY_ANY;
			break;
		case 5:
			changed.number = 21; /* only shown */
			break;
		case 6:
			changed.length = 17;
			break;
		default:
			request.timeout = 0;
			break;
		}
		CU_ASSERT_FALSE(port_request_is_valid(&request));
	}
	request = request_of(ISIF_PORT_PING);
	request.address = "portal.example";
	CU_ASSERT_FALSE(port_request_is_valid(&request));
	CU_ASSERT_PTR_NULL(port_plan_refusal("be2iscsi"));
	CU_ASSERT_PTR_NOT_NULL(strstr(port_plan_refusal("qedi"), "iscsiuio"));
	CU_ASSERT_PTR_NOT_NULL(port_plan_refusal("tcp"));
	CU_ASSERT_PTR_NOT_NULL(port_plan_refusal("ocs"));
}

static void test_answers(void)
{
	struct isif_port_request request;
	struct port_message message;
	uint32_t value = 9;

	plan_of("qla", OFFLOAD("iface.mtu = 9000\n"));
	request = request_of(ISIF_PORT_SET);
	port_message_make(&request, 0, 0, &message);
	CU_ASSERT_EQUAL(port_answer_parse(message.octets, 72, &request, 0, &value),
			PORT_ANSWER_DONE);
	CU_ASSERT_EQUAL(value, 0);
	message.octets[16] = 103; /* ISCSI_KEVENT_IF_ERROR */
	memcpy(message.octets + 20, &(const int32_t){ -EIO }, 4);
	CU_ASSERT_EQUAL(port_answer_parse(message.octets, 72, &request, 0, &value),
			PORT_ANSWER_DONE);
	CU_ASSERT_EQUAL(value, EIO);
	CU_ASSERT_EQUAL(port_answer_parse(message.octets, 71, &request, 0, &value),
			PORT_ANSWER_OTHER);
	message.octets[4] = 32; /* of another request */
	CU_ASSERT_EQUAL(port_answer_parse(message.octets, 72, &request, 0, &value),
			PORT_ANSWER_OTHER);
	/* A ping is sent, and its end is an event for all. */
	request = request_of(ISIF_PORT_PING);
	memset(message.octets, 0, 72);
	message.octets[16] = 111;
	memcpy(message.octets + 56, &request.host, 4);
	message.octets[60] = 4; /* timed out */
	message.octets[64] = 0x55;
	CU_ASSERT_EQUAL(port_answer_parse(message.octets, 72, &request, 0x55, &value),
			PORT_ANSWER_PINGED);
	CU_ASSERT_EQUAL(value, 4);
	CU_ASSERT_EQUAL(port_answer_parse(message.octets, 72, &request, 0x56, &value),
			PORT_ANSWER_OTHER);
}

void add_port_message_tests(void)
{
	CU_pSuite suite =
		CU_add_suite_with_setup_and_teardown("port message", NULL, NULL, NULL, tear_down);

	CU_add_test(suite, "what is sent, in the kernel's numbers and in order", test_order);
	CU_add_test(suite, "what is not sent", test_not_sent);
	CU_add_test(suite, "each value in the size that drivers copy", test_sizes);
	CU_add_test(suite, "addresses of the other family", test_other_family);
	CU_add_test(suite, "a text, and the room that drivers read", test_room);
	CU_add_test(suite, "a message, octet by octet", test_wire);
	CU_add_test(suite, "an address for a host, and a ping", test_other_requests);
	CU_add_test(suite, "what no port must get", test_refused);
	CU_add_test(suite, "answers", test_answers);
}
