/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The text of records: open-iscsi's own parser is the contract (usr/idbm.c). */
#include "suites.h"

#include "cleanup.h"
#include "helpers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

DEFINE_CLEANUP(struct isif_record, record, isif_record_release);

/* The value that one text gives a key; "-" for none. Static storage. */
static const char *value_in(const char *text, const char *key)
{
	static char value[ISIF_VALUE_SIZE];
	struct isif_record *CLEANUP(cleanup_record) record = parse_record(text);
	const char *found = isif_record_value(record, key);

	snprintf(value, sizeof(value), "%s", found ? found : "-");
	return value;
}

static void test_lines(void)
{
	static const struct {
		const char *text, *mtu;
	} cases[] = {
		{ "iface.mtu = 1500\n", "1500" },
		{ "iface.mtu =1500\n", "1500" },
		{ "iface.mtu    =    1500\n", "1500" },
		{ "iface.mtu\t=\t1500\n", "1500" },
		{ "  \t iface.mtu = 1500\n", "1500" },
		{ "iface.mtu = 1500   \n", "1500" },
		{ "iface.mtu = 1500\r\n", "1500" },
		{ "iface.mtu = one two = three\n", "one two = three" },
		{ "iface.mtu = # no comment\n", "# no comment" },
		{ "iface.mtu=1500\n", "-" },
		{ "iface.mtu= 1500\n", "-" },
		{ "iface.mtu 1500\n", "-" },
		{ "iface.mtu x = 1500\n", "-" },
		{ "iface.mtu\n", "-" },
		{ "iface.mtu =\n", "-" },
		{ "iface.mtu = \n", "-" },
		{ "iface.mtu =\r\n", "-" },
		{ "# iface.mtu = 1500\n", "-" },
		{ "   #iface.mtu = 1500\n", "-" },
		{ "iface.mtu = 1500", "-" },
		{ "\n\n  \niface.mtu = 1500\n\n", "1500" },
		{ "iface.mtu = 1\niface.mtu = 2\n", "2" },
		{ "iface.mtu = 1\niface.mtu =\n", "1" },
		{ "iface.mtu = 1\niface.mtu=2\n", "1" },
		{ "iface.mtu = 1\niface.mtu = 2", "1" },
		{ "", "-" },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		CU_ASSERT_STRING_EQUAL(value_in(cases[i].text, "iface.mtu"), cases[i].mtu);
		if (strcmp(value_in(cases[i].text, "iface.mtu"), cases[i].mtu))
			printf("# %s", cases[i].text);
	}
}

/* What open-iscsi takes no setting from although it is neither empty nor a comment is counted. */
static void test_ignored(void)
{
	struct isif_record *CLEANUP(cleanup_record) record =
		parse_record("iface.mtu=1\nfoo\niface.port = 1\n\n# x\niface.tos =\nlast = lost");

	CU_ASSERT_EQUAL(record->ignored, 3);
	CU_ASSERT_EQUAL(record->count, 1);
}

/* A line of "key = value" with that many octets of key and value. */
static char *make_line(size_t key, size_t value)
{
	char *line = malloc(key + value + 5);

	CU_ASSERT_PTR_NOT_NULL_FATAL(line);
	memset(line, 'k', key);
	memcpy(line + key, " = ", 3);
	memset(line + key + 3, 'v', value);
	strcpy(line + key + 3 + value, "\n");
	return line;
}

static void test_bounds(void)
{
	static const struct {
		size_t key, value;
		uint32_t count;
	} cases[] = {
		{ 127, 255, 1 }, { 128, 1, 0 }, { 1, 256, 0 }, { 1000, 1000, 0 }, { 1, 1, 1 },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		CLEANUP_FREE char *line = make_line(cases[i].key, cases[i].value);
		struct isif_record *CLEANUP(cleanup_record) record = parse_record(line);

		CU_ASSERT_EQUAL(record->count, cases[i].count);
		CU_ASSERT_EQUAL(record->ignored, 1 - cases[i].count);
	}
}

/* Its parser reads 2,047 octets at once: what follows them is a line of its own. */
static void test_split_comment(void)
{
	char text[2200];

	memset(text, '#', sizeof(text));
	strcpy(text + 2047, "iface.mtu = 9000\n");
	CU_ASSERT_STRING_EQUAL(value_in(text, "iface.mtu"), "9000");
	/* One octet less, and the first of the key is still in the comment. */
	memset(text, '#', sizeof(text));
	strcpy(text + 2046, "iface.mtu = 9000\n");
	CU_ASSERT_STRING_EQUAL(value_in(text, "iface.mtu"), "-");
	CU_ASSERT_STRING_EQUAL(value_in(text, "face.mtu"), "9000");
	/* With its newline within the 2,047 octets, a comment is one comment. */
	memset(text, '#', sizeof(text));
	strcpy(text + 2046, "\niface.mtu = 9000\n");
	CU_ASSERT_STRING_EQUAL(value_in(text, "iface.mtu"), "9000");
}

static void test_nul(void)
{
	static const char key[] = "iface.mtu\0x = 1500\niface.port = 3\n";
	static const char value[] = "iface.mtu = 15\0"
				    "00\niface.port = 3\n";
	struct isif_record *record;

	CU_ASSERT_EQUAL_FATAL(isif_record_parse(key, sizeof(key) - 1, "", &record), ISIF_OK);
	CU_ASSERT_EQUAL(record->count, 1);
	CU_ASSERT_TRUE(has_value(record, "iface.port", "3"));
	isif_record_release(record);
	CU_ASSERT_EQUAL_FATAL(isif_record_parse(value, sizeof(value) - 1, "", &record), ISIF_OK);
	CU_ASSERT_EQUAL(record->count, 1);
	CU_ASSERT_TRUE(has_value(record, "iface.mtu", NULL));
	isif_record_release(record);
}

static void test_prefix(void)
{
	static const char text[] = "iface.mtu = 1\nnode.tpgt = 1\niface = 2\nifacex.mtu = 3\n";
	struct isif_record *record;

	CU_ASSERT_EQUAL_FATAL(isif_record_parse(text, strlen(text), "iface.", &record), ISIF_OK);
	CU_ASSERT_EQUAL(record->count, 1);
	CU_ASSERT_TRUE(has_value(record, "iface.mtu", "1"));
	isif_record_release(record);
}

static void test_too_long(void)
{
	CLEANUP_FREE char *text = malloc(ISIF_RECORD_SIZE + 1);
	struct isif_record *record;

	CU_ASSERT_PTR_NOT_NULL_FATAL(text);
	memset(text, '\n', ISIF_RECORD_SIZE + 1);
	CU_ASSERT_EQUAL(isif_record_parse(text, ISIF_RECORD_SIZE + 1, "", &record), ISIF_TOO_LONG);
	CU_ASSERT_EQUAL_FATAL(isif_record_parse(text, ISIF_RECORD_SIZE, "", &record), ISIF_OK);
	isif_record_release(record);
}

static void test_complete(void)
{
	static const struct {
		const char *text;
		bool complete;
	} cases[] = {
		{ RECORD(""), true },
		{ "# END RECORD\n", true },
		{ "# END RECORD", true },
		{ "iface.mtu = 1\n# END RECORD\n\n", true },
		{ "iface.mtu = 1\r\n# END RECORD\r\n", true },
		{ "", false },
		{ "\n", false },
		{ "# BEGIN RECORD 2.1.8\n", false },
		{ "iface.mtu = 1\n", false },
		{ "iface.mtu = 1 # END RECORD\n", false },
		{ "# END RECOR", false },
		{ "# END RECORD\niface.mtu = 1\n", false },
		{ "# END RECORDS\n", false },
	};

	for (size_t i = 0; i < COUNT(cases); i++)
		CU_ASSERT_EQUAL(isif_record_is_complete(cases[i].text, strlen(cases[i].text)),
				cases[i].complete);
}

static void test_secret_keys(void)
{
	static const char *const secrets[] = {
		"node.session.auth.username",
		"node.session.auth.password",
		"node.session.auth.password_in",
		"node.session.auth.username_in",
		"discovery.sendtargets.auth.username",
		"discovery.sendtargets.auth.password_in",
		"iface.password",
	};
	static const char *const others[] = {
		"node.session.timeo.replacement_timeout", "iface.chap_auth", "iface.discovery_auth",
		"discovery.sendtargets.address",	  "node.name",
	};

	for (size_t i = 0; i < COUNT(secrets); i++)
		CU_ASSERT_TRUE(isif_record_is_secret(secrets[i], strlen(secrets[i])));
	for (size_t i = 0; i < COUNT(others); i++)
		CU_ASSERT_FALSE(isif_record_is_secret(others[i], strlen(others[i])));
}

/* Every spelling of a secret that may stand in a file; wonderland must be nowhere afterwards. */
static void test_drop_secrets(void)
{
	static const char *const texts[] = {
		"node.session.auth.password = wonderland\n",
		"node.session.auth.password=wonderland\n",
		"node.session.auth.password\t=\twonderland\r\n",
		"  node.session.auth.username = wonderland\n",
		"\r\t\v\fnode.session.auth.username_in = wonderland\n",
		"node.session.auth.password wonderland\n",
		"node.session.auth.password = wonderland",
		"node.session.auth.wonderland",
		"a = b\nnode.session.auth.password_in = wonderland\nc = d\n",
		"discovery.sendtargets.auth.username = wonderland\n",
		"discovery.sendtargets.auth.password = wonderland\n",
		"#node.session.auth.password = wonderland\n",
		"node.session.auth.password = a\nnode.session.auth.password = wonderland = x\n",
		"iface.mtu = 1\r\nnode.session.auth.password = wonderland\r\niface.port = 1\r\n",
	};

	for (size_t i = 0; i < COUNT(texts); i++) {
		size_t length = strlen(texts[i]);
		char text[256];

		strcpy(text, texts[i]);
		isif_record_drop_secrets(text, length);
		CU_ASSERT_EQUAL(strlen(text), length);
		CU_ASSERT_PTR_NULL(strstr(text, "wonderland"));
		for (const char *c = texts[i]; (c = strchr(c, '\n')); c++)
			CU_ASSERT_EQUAL(text[c - texts[i]], '\n');
	}
}

static void test_keep_others(void)
{
	static const char before[] = "a = b\nnode.session.auth.password = alice\nc = d\n";
	char text[] = "a = b\nnode.session.auth.password = alice\nc = d\n";

	isif_record_drop_secrets(text, strlen(text));
	CU_ASSERT_NSTRING_EQUAL(text, before, 6);
	CU_ASSERT_STRING_EQUAL(text + strlen(text) - 6, "c = d\n");
	for (const char *c = text + 6; *c != '\n'; c++)
		CU_ASSERT_EQUAL(*c, '#');
}

/* The tail of a comment of over 2,047 octets is a setting, and so may be a secret. */
static void test_secret_in_tail(void)
{
	char text[2200];

	memset(text, '#', sizeof(text));
	strcpy(text + 2047, "node.session.auth.username = wonderland\n");
	isif_record_drop_secrets(text, strlen(text));
	CU_ASSERT_PTR_NULL(strstr(text, "wonderland"));
}

static void test_no_secret_parsed(void)
{
	struct isif_record *CLEANUP(cleanup_record) record =
		parse_record("node.session.auth.password = alice\nnode.tpgt = 1\n");

	CU_ASSERT_EQUAL(record->count, 1);
	CU_ASSERT_TRUE(has_value(record, "node.session.auth.password", NULL));
}

static bool same(const char *a, const char *b)
{
	struct isif_record *CLEANUP(cleanup_record) one = parse_record(a);
	struct isif_record *CLEANUP(cleanup_record) other = parse_record(b);
	bool result = isif_record_same_settings(one, other);

	CU_ASSERT_EQUAL(isif_record_same_settings(other, one), result);
	CU_ASSERT_TRUE(isif_record_same_settings(one, one));
	if (!strcmp(a, b))
		CU_ASSERT_EQUAL(one->hash, other->hash);
	return result;
}

static void test_same_settings(void)
{
	CU_ASSERT_TRUE(same("a = 1\nb = 2\n", "a = 1\nb = 2\n"));
	CU_ASSERT_TRUE(same("a = 1\nb = 2\n", "b = 2\n# x\na =  1\n"));
	CU_ASSERT_TRUE(same("a = 1\na = 2\n", "a = 2\n"));
	CU_ASSERT_TRUE(same("", "# nothing\n"));
	CU_ASSERT_FALSE(same("a = 1\na = 2\n", "a = 2\na = 1\n"));
	CU_ASSERT_FALSE(same("a = 1\n", "a = 1\nb = 2\n"));
	CU_ASSERT_FALSE(same("a = 1\n", "a = 2\n"));
	CU_ASSERT_FALSE(same("a = 1\n", "A = 1\n"));
}

void add_record_tests(void)
{
	CU_pSuite suite = CU_add_suite("record", NULL, NULL);

	CU_add_test(suite, "a line is 'key = value' with a blank before the '='", test_lines);
	CU_add_test(suite, "refused lines are counted", test_ignored);
	CU_add_test(suite, "keys of 128 and values of 256 octets are refused", test_bounds);
	CU_add_test(suite, "a comment is cut at 2047 octets", test_split_comment);
	CU_add_test(suite, "a line with a NUL is refused", test_nul);
	CU_add_test(suite, "only keys with the prefix are kept", test_prefix);
	CU_add_test(suite, "a text over the limit is refused", test_too_long);
	CU_add_test(suite, "a record is complete with its end line", test_complete);
	CU_add_test(suite, "credentials are secret, nothing else is", test_secret_keys);
	CU_add_test(suite, "no secret is left in the text", test_drop_secrets);
	CU_add_test(suite, "what is no secret stays, lengths too", test_keep_others);
	CU_add_test(suite, "a secret behind a long comment is dropped", test_secret_in_tail);
	CU_add_test(suite, "a parsed record holds no secret", test_no_secret_parsed);
	CU_add_test(suite, "same settings in any order, the last of a key", test_same_settings);
}
