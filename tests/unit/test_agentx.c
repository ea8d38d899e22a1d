/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is an AgentX PDU and what is none, by RFC 2741. */
#include "suites.h"

#include "agentx.h"
#include "helpers.h"

#include <stdlib.h>
#include <string.h>

#define NETWORK_ORDER "10"
#define LITTLE	      "00"
#define CONTEXT	      "18"

/* h.type and h.flags, and then the payload, in hexadecimal digits. */
#define GET	    "05"
#define GET_NEXT    "06"
#define GET_BULK    "07"
#define TEST_SET    "08"
#define COMMIT_SET  "09"
#define UNDO_SET    "0a"
#define CLEANUP_SET "0b"
#define CLOSE	    "02"
#define PING	    "0d"
#define RESPONSE    "12"

#define NULL_OID "00000000"
#define OID	 "02040000 00000001 00000002" /* 1.3.6.1.4.1.2 */
#define RANGE	 OID NULL_OID

/* A payload on the heap, and no octet longer than it is: what is read behind it is seen. */
struct pdu {
	struct agentx_header header;
	uint8_t *payload;
};

static unsigned digit(char letter)
{
	return letter >= 'a' ? (unsigned)(letter - 'a') + 10 : (unsigned)(letter - '0');
}

static size_t octets(const char *text, uint8_t *out)
{
	size_t count = 0;

	for (; *text; text += text[0] == ' ' ? 1 : 2)
		if (*text != ' ')
			out[count++] = (uint8_t)(digit(text[0]) << 4 | digit(text[1]));
	return count;
}

static struct pdu make(const char *text)
{
	uint8_t *all = malloc(strlen(text));
	struct pdu pdu = { .header = { .version = 1 } };
	size_t count = octets(text, all);

	pdu.header.type = all[0];
	pdu.header.flags = all[1];
	pdu.header.length = (uint32_t)(count - 2);
	pdu.payload = malloc(count - 2);
	memcpy(pdu.payload, all + 2, count - 2);
	free(all);
	return pdu;
}

static bool is_valid(const char *text)
{
	struct pdu pdu = make(text);
	bool valid = agentx_is_valid(&pdu.header, pdu.payload);

	free(pdu.payload);
	return valid;
}

#define VALID(text)   CU_ASSERT_TRUE(is_valid(text))
#define INVALID(text) CU_ASSERT_FALSE(is_valid(text))

static void test_types(void)
{
	VALID(GET NETWORK_ORDER RANGE);
	VALID(GET_NEXT NETWORK_ORDER RANGE RANGE);
	VALID(GET_BULK NETWORK_ORDER "00010005" RANGE);
	VALID(GET LITTLE "02040000 01000000 02000000" NULL_OID);
	VALID(COMMIT_SET NETWORK_ORDER);
	VALID(UNDO_SET NETWORK_ORDER);
	VALID(CLEANUP_SET NETWORK_ORDER);
	VALID(CLOSE NETWORK_ORDER "01000000");
	VALID(RESPONSE NETWORK_ORDER "00000000 00000000");
	VALID(RESPONSE NETWORK_ORDER "00000000 00000000 00050000" OID);
	INVALID(COMMIT_SET NETWORK_ORDER "00000000");
	INVALID(UNDO_SET NETWORK_ORDER "00000000");
	INVALID(CLEANUP_SET NETWORK_ORDER "00000000");
	INVALID(CLOSE NETWORK_ORDER);
	INVALID(RESPONSE NETWORK_ORDER "00000000");
	INVALID(GET_BULK NETWORK_ORDER);
	/* A master never sends these, nor these. */
	INVALID(PING NETWORK_ORDER);
	INVALID("01" NETWORK_ORDER "00000000" OID "00000000");
	INVALID("03" NETWORK_ORDER "00000000" OID);
	INVALID("0c" NETWORK_ORDER "00050000" OID);
	INVALID("00" NETWORK_ORDER);
	INVALID("13" NETWORK_ORDER);
	INVALID("ff" NETWORK_ORDER);
}

static void test_context(void)
{
	struct pdu pdu = make(GET CONTEXT "00000004 61626364" RANGE);

	CU_ASSERT_TRUE(agentx_has_context(&pdu.header));
	CU_ASSERT_FALSE(agentx_is_valid(&pdu.header, pdu.payload));
	free(pdu.payload);
	pdu = make(GET NETWORK_ORDER RANGE);
	CU_ASSERT_FALSE(agentx_has_context(&pdu.header));
	free(pdu.payload);
}

static void test_cut_off(void)
{
	INVALID(GET NETWORK_ORDER OID);
	INVALID(GET NETWORK_ORDER RANGE OID);
	INVALID(GET NETWORK_ORDER "02040000 00000001");
	INVALID(GET NETWORK_ORDER "02040000 00000001 0000");
	INVALID(GET NETWORK_ORDER "0204");
	INVALID(GET NETWORK_ORDER RANGE "00");
	INVALID(TEST_SET NETWORK_ORDER "0002");
	INVALID(TEST_SET NETWORK_ORDER "00020000");
	INVALID(TEST_SET NETWORK_ORDER "00020000" OID);
	INVALID(TEST_SET NETWORK_ORDER "00020000" OID "0000");
	INVALID(TEST_SET NETWORK_ORDER "00460000" OID "00000000");
	INVALID(TEST_SET NETWORK_ORDER "00060000" OID "01000000");
}

static void test_values(void)
{
	static const char *const numbers[] = { "0002", "0041", "0042", "0043", "0047" };
	static const char *const octet_strings[] = { "0004", "0040", "0044" };
	static const char *const nothings[] = { "0005", "0080", "0081", "0082" };
	static const char *const strange[] = { "0000", "0001", "0003", "0007", "0030", "0045",
					       "0048", "0083", "00a3", "00c0", "0102", "0200" };
	char text[128];

	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
		snprintf(text, sizeof(text), TEST_SET NETWORK_ORDER "%s0000" OID "00000007",
			 numbers[i]);
		VALID(text);
	}
	for (size_t i = 0; i < sizeof(octet_strings) / sizeof(*octet_strings); i++) {
		snprintf(text, sizeof(text),
			 TEST_SET NETWORK_ORDER "%s0000" OID "0000000561626364 65000000",
			 octet_strings[i]);
		VALID(text);
	}
	for (size_t i = 0; i < sizeof(nothings) / sizeof(*nothings); i++) {
		snprintf(text, sizeof(text), TEST_SET NETWORK_ORDER "%s0000" OID, nothings[i]);
		VALID(text);
	}
	for (size_t i = 0; i < sizeof(strange) / sizeof(*strange); i++) {
		snprintf(text, sizeof(text), TEST_SET NETWORK_ORDER "%s0000" OID, strange[i]);
		INVALID(text);
		snprintf(text, sizeof(text), TEST_SET NETWORK_ORDER "%s0000" OID "00000000",
			 strange[i]);
		INVALID(text);
	}
	VALID(TEST_SET NETWORK_ORDER "00460000" OID "00000000 00000001");
	VALID(TEST_SET NETWORK_ORDER "00060000" OID OID);
	VALID(TEST_SET LITTLE "02000000 02040000 01000000 02000000 07000000");
	INVALID(TEST_SET LITTLE "00020000 02040000 01000000 02000000 07000000");
	INVALID(TEST_SET NETWORK_ORDER); /* of nothing */
}

static void test_octet_strings(void)
{
	VALID(TEST_SET NETWORK_ORDER "00040000" OID "00000000");
	VALID(TEST_SET NETWORK_ORDER "00040000" OID "00000001 61000000");
	VALID(TEST_SET NETWORK_ORDER "00040000" OID "00000004 61626364");
	VALID(TEST_SET LITTLE "04000000" NULL_OID "04000000 61626364");
	INVALID(TEST_SET NETWORK_ORDER "00040000" OID "00000001");
	INVALID(TEST_SET NETWORK_ORDER "00040000" OID "00000001 61");
	INVALID(TEST_SET NETWORK_ORDER "00040000" OID "00000005 61626364");
	INVALID(TEST_SET NETWORK_ORDER "00040000" OID "00000005 6162636465");
	INVALID(TEST_SET NETWORK_ORDER "00040000" OID "ffffffff 61626364");
	INVALID(TEST_SET NETWORK_ORDER "00040000" OID "fffffffc 61626364");
	INVALID(TEST_SET NETWORK_ORDER "00040000" OID "fffffffb 61626364");
	INVALID(TEST_SET NETWORK_ORDER "00040000" OID "00000000 61626364");
}

/* With so many sub-identifiers that are counted, and a prefix. */
static bool oid_is_valid(unsigned count, unsigned prefix)
{
	struct agentx_header header = { .version = 1, .type = AGENTX_GET };
	size_t length = 4 + count * 4 + 4;
	uint8_t *payload = calloc(length, 1);
	bool valid;

	payload[0] = (uint8_t)count;
	payload[1] = (uint8_t)prefix;
	header.length = (uint32_t)length;
	valid = agentx_is_valid(&header, payload);
	free(payload);
	return valid;
}

static void test_long_names(void)
{
	CU_ASSERT_TRUE(oid_is_valid(0, 0));
	CU_ASSERT_TRUE(oid_is_valid(0, 4));
	CU_ASSERT_TRUE(oid_is_valid(128, 0));
	CU_ASSERT_TRUE(oid_is_valid(123, 4));
	CU_ASSERT_FALSE(oid_is_valid(129, 0));
	CU_ASSERT_FALSE(oid_is_valid(124, 4));
	CU_ASSERT_FALSE(oid_is_valid(255, 0));
	CU_ASSERT_FALSE(oid_is_valid(255, 255));
}

static struct agentx_header header_of(const char *text)
{
	uint8_t all[AGENTX_HEADER];

	CU_ASSERT_EQUAL_FATAL(octets(text, all), sizeof(all));
	return agentx_read_header(all);
}

static bool is_framed(const char *text)
{
	struct agentx_header header = header_of(text);

	return agentx_is_framed(&header);
}

static void test_header(void)
{
	struct agentx_header header = header_of("01051000 01020304 11121314 21222324 00000abc");
	uint8_t again[AGENTX_HEADER], all[AGENTX_HEADER];

	CU_ASSERT_EQUAL(header.version, 1);
	CU_ASSERT_EQUAL(header.type, AGENTX_GET);
	CU_ASSERT_EQUAL(header.session, 0x01020304);
	CU_ASSERT_EQUAL(header.transaction, 0x11121314);
	CU_ASSERT_EQUAL(header.packet, 0x21222324);
	CU_ASSERT_EQUAL(header.length, 0xabc);
	header = header_of("01080000 01020304 11121314 21222324 bc0a0000");
	CU_ASSERT_EQUAL(header.type, AGENTX_TEST_SET);
	CU_ASSERT_EQUAL(header.session, 0x04030201);
	CU_ASSERT_EQUAL(header.transaction, 0x14131211);
	CU_ASSERT_EQUAL(header.packet, 0x24232221);
	CU_ASSERT_EQUAL(header.length, 0xabc);
	octets("01080000 01020304 11121314 21222324 bc0a0000", all);
	agentx_write_header(&header, again);
	CU_ASSERT_EQUAL(memcmp(again, all, sizeof(all)), 0);
}

static void test_framing(void)
{
	CU_ASSERT_TRUE(is_framed("01051000 00000000 00000000 00000000 00000000"));
	CU_ASSERT_TRUE(is_framed("01ff1000 00000000 00000000 00000000 00100000"));
	CU_ASSERT_TRUE(is_framed("01050000 00000000 00000000 00000000 00001000"));
	CU_ASSERT_FALSE(is_framed("00051000 00000000 00000000 00000000 00000000"));
	CU_ASSERT_FALSE(is_framed("02051000 00000000 00000000 00000000 00000000"));
	CU_ASSERT_FALSE(is_framed("01051000 00000000 00000000 00000000 00000003"));
	CU_ASSERT_FALSE(is_framed("01051000 00000000 00000000 00000000 00100004"));
	/* With the header's 20 octets these are 0, and less than a header. */
	CU_ASSERT_FALSE(is_framed("01051000 00000000 00000000 00000000 ffffffec"));
	CU_ASSERT_FALSE(is_framed("01051000 00000000 00000000 00000000 ffffffff"));
	CU_ASSERT_FALSE(is_framed("01051000 00000000 00000000 00000000 80000000"));
}

static void check_refusal(const char *request, enum agentx_error error, const char *answer)
{
	struct agentx_header header = header_of(request);
	uint8_t got[AGENTX_ERROR], want[AGENTX_ERROR];

	CU_ASSERT_EQUAL_FATAL(octets(answer, want), sizeof(want));
	agentx_refuse(&header, error, got);
	CU_ASSERT_EQUAL(memcmp(got, want, sizeof(want)), 0);
}

static void test_refuse(void)
{
	check_refusal("0108ff00 01020304 11121314 21222324 00000abc", AGENTX_PARSE_ERROR,
		      "01121000 01020304 11121314 21222324 00000008 00000000 010a0000");
	check_refusal("01080000 01020304 11121314 21222324 bc0a0000", AGENTX_PARSE_ERROR,
		      "01120000 01020304 11121314 21222324 08000000 00000000 0a010000");
	/* An error that snmpd hands on has a place. */
	check_refusal("01051000 01020304 11121314 21222324 00000abc", AGENTX_TOO_BIG,
		      "01121000 01020304 11121314 21222324 00000008 00000000 00010001");
	check_refusal("01050000 01020304 11121314 21222324 bc0a0000", AGENTX_TOO_BIG,
		      "01120000 01020304 11121314 21222324 08000000 00000000 01000100");
}

void add_agentx_tests(void)
{
	CU_pSuite suite = CU_add_suite("agentx", NULL, NULL);

	CU_add_test(suite, "a header in both byte orders", test_header);
	CU_add_test(suite, "what a PDU can begin with", test_framing);
	CU_add_test(suite, "what a master may send, by its type", test_types);
	CU_add_test(suite, "there are no contexts", test_context);
	CU_add_test(suite, "what is cut off is none", test_cut_off);
	CU_add_test(suite, "values by their type", test_values);
	CU_add_test(suite, "octet strings, and how they are filled up", test_octet_strings);
	CU_add_test(suite, "names of 128 sub-identifiers and no more", test_long_names);
	CU_add_test(suite, "a refusal, octet by octet", test_refuse);
}
