/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <isif/address.h>

#include <CUnit/CUnit.h>
#include <arpa/inet.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

void add_address_tests(void);

static bool reads_as(const char *text, enum isif_address_type type, const void *octets,
		     size_t length)
{
	struct isif_address address;

	memset(&address, 0xa5, sizeof(address));
	isif_address_parse(text, &address);
	if (address.type == type && address.length == length &&
	    !memcmp(address.octets, octets, length))
		return true;
	printf("\n\"%s\": type %d, %u octets\n", text, (int)address.type, address.length);
	return false;
}

static bool is_name(const char *text)
{
	return reads_as(text, ISIF_ADDRESS_DNS, text, strlen(text));
}

static void test_literals(void)
{
	static const uint8_t ipv4[] = { 192, 0, 2, 1 };
	static const uint8_t ipv6[16] = { 0x20, 1, 0xd, 0xb8, [15] = 1 };
	static const uint8_t any[16] = { 0 };

	CU_ASSERT(reads_as("192.0.2.1", ISIF_ADDRESS_IPV4, ipv4, 4));
	CU_ASSERT(reads_as("2001:db8::1", ISIF_ADDRESS_IPV6, ipv6, 16));
	CU_ASSERT(reads_as("[2001:DB8::1]", ISIF_ADDRESS_IPV6, ipv6, 16));
	CU_ASSERT(reads_as("2001:0db8:0000:0000:0000:0000:0000:0001", ISIF_ADDRESS_IPV6, ipv6, 16));
	CU_ASSERT(reads_as("::", ISIF_ADDRESS_IPV6, any, 16));
	CU_ASSERT(reads_as("0.0.0.0", ISIF_ADDRESS_IPV4, any, 4));
	CU_ASSERT(reads_as("::ffff:192.0.2.1", ISIF_ADDRESS_IPV4, ipv4, 4));
	CU_ASSERT(reads_as("0000:0000:0000:0000:0000:ffff:c000:0201", ISIF_ADDRESS_IPV4, ipv4, 4));
	CU_ASSERT(reads_as("", ISIF_ADDRESS_UNKNOWN, "", 0));
	CU_ASSERT(reads_as(NULL, ISIF_ADDRESS_UNKNOWN, "", 0));
}

static void test_zones(void)
{
	uint8_t octets[20] = { 0xfe, 0x80, [15] = 7 };
	uint32_t zone = htonl(if_nametoindex("lo"));
	char text[64];

	CU_ASSERT(zone != 0);
	memcpy(&octets[16], &zone, sizeof(zone));
	CU_ASSERT(reads_as("fe80::7%lo", ISIF_ADDRESS_IPV6Z, octets, 20));
	CU_ASSERT(reads_as("[fe80::7%lo]", ISIF_ADDRESS_IPV6Z, octets, 20));
	snprintf(text, sizeof(text), "fe80::7%%%u", if_nametoindex("lo"));
	CU_ASSERT(reads_as(text, ISIF_ADDRESS_IPV6Z, octets, 20));
	memset(&octets[16], 0xff, 4);
	CU_ASSERT(reads_as("fe80::7%4294967295", ISIF_ADDRESS_IPV6Z, octets, 20));
	CU_ASSERT(is_name("fe80::7%4294967296"));
	CU_ASSERT(is_name("fe80::7%99999999999999999999999"));
	CU_ASSERT(is_name("fe80::7%0"));
	CU_ASSERT(is_name("fe80::7%-1"));
	CU_ASSERT(is_name("fe80::7%"));
	CU_ASSERT(is_name("fe80::7%no-such-device"));
	CU_ASSERT(is_name("fe80::7%lo%lo"));
	CU_ASSERT(is_name("fe80::7%lo:"));
	CU_ASSERT(is_name("fe80::7%lo:,"));
	CU_ASSERT(is_name("192.0.2.1%lo"));
	CU_ASSERT(is_name("::ffff:192.0.2.1%lo"));
}

static void test_names(void)
{
	char text[301];

	CU_ASSERT(is_name("storage.example.org"));
	CU_ASSERT(is_name("10.1"));
	CU_ASSERT(is_name("192.0.2.1 "));
	CU_ASSERT(is_name("192.0.2.256"));
	CU_ASSERT(is_name("[192.0.2.1]"));
	CU_ASSERT(is_name("[]"));
	CU_ASSERT(is_name("["));
	CU_ASSERT(is_name("[::1"));
	CU_ASSERT(is_name("::1]"));
	CU_ASSERT(is_name("[[::1]]"));
	CU_ASSERT(is_name("1:2:3:4:5:6:7:8:9"));
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	CU_ASSERT(reads_as(text, ISIF_ADDRESS_DNS, text, 255));
	memset(text, ':', sizeof(text) - 1);
	CU_ASSERT(reads_as(text, ISIF_ADDRESS_DNS, text, 255));
}

static void test_equal(void)
{
	char a[301], b[301];

	CU_ASSERT(isif_address_equal("192.0.2.1", "192.0.2.1"));
	CU_ASSERT(!isif_address_equal("192.0.2.1", "192.0.2.2"));
	CU_ASSERT(isif_address_equal("2001:db8::1", "[2001:0DB8:0:0::1]"));
	CU_ASSERT(isif_address_equal("::ffff:192.0.2.1", "192.0.2.1"));
	CU_ASSERT(!isif_address_equal("fe80::1", "fe80::1%lo"));
	CU_ASSERT(!isif_address_equal("fe80::1%1", "fe80::1%2"));
	CU_ASSERT(isif_address_equal("a.example", "a.example"));
	CU_ASSERT(!isif_address_equal("a.example", "A.example"));
	CU_ASSERT(!isif_address_equal("::1", "localhost"));
	CU_ASSERT(!isif_address_equal("localhost", "::1"));
	CU_ASSERT(!isif_address_equal("", "0.0.0.0"));
	CU_ASSERT(!isif_address_equal("0.0.0.0", NULL));
	CU_ASSERT(isif_address_equal("", NULL));
	memset(a, 'x', sizeof(a) - 1);
	a[sizeof(a) - 1] = '\0';
	memcpy(b, a, sizeof(b));
	CU_ASSERT(isif_address_equal(a, b));
	b[299] = 'y'; /* beyond what an isif_address holds */
	CU_ASSERT(!isif_address_equal(a, b));
}

static bool prints(const char *expected, const char *address, uint16_t port, int32_t tpgt)
{
	char buffer[300];
	size_t length = isif_portal_format(buffer, sizeof(buffer), address, port, tpgt);

	return length == strlen(expected) && !strcmp(buffer, expected);
}

static void test_portal(void)
{
	char small[8] = "zzzzzzz";

	CU_ASSERT(prints("192.0.2.1:3260,1", "192.0.2.1", 3260, 1));
	CU_ASSERT(prints("[2001:db8::1]:3260,0", "2001:db8::1", 3260, 0));
	CU_ASSERT(prints("[2001:db8::1]:3260,0", "[2001:db8::1]", 3260, 0));
	CU_ASSERT(prints("[fe80::1%eth0]:3260,65535", "fe80::1%eth0", 3260, 65535));
	CU_ASSERT(prints("storage:65535,-1", "storage", 65535, -1));
	CU_ASSERT(prints("storage:0,-1", "storage", 0, INT32_MIN));
	CU_ASSERT(prints(":3260,2147483647", NULL, 3260, INT32_MAX));
	CU_ASSERT(isif_portal_format(small, sizeof(small), "192.0.2.1", 3260, 1) == 7);
	CU_ASSERT_STRING_EQUAL(small, "192.0.2");
	CU_ASSERT(isif_portal_format(small, 1, "192.0.2.1", 3260, 1) == 0);
	CU_ASSERT_STRING_EQUAL(small, "");
	CU_ASSERT(isif_portal_format(NULL, 0, "192.0.2.1", 3260, 1) == 0);
}

void add_address_tests(void)
{
	CU_pSuite suite = CU_add_suite("address", NULL, NULL);

	CU_add_test(suite, "literal addresses", test_literals);
	CU_add_test(suite, "addresses with a zone", test_zones);
	CU_add_test(suite, "names", test_names);
	CU_add_test(suite, "equality", test_equal);
	CU_add_test(suite, "portals", test_portal);
}
