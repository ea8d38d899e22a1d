/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Texts of records, octet by octet: what changes, and that nothing else does. */
#include "suites.h"

#include "allocation.h"
#include "helpers.h"
#include "record_edit.h"
#include "record_texts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE(name, value)                                                                          \
	{                                                                                          \
		.key = (name), .fresh = (value)                                                    \
	}

/* Edits a text with one line; what must come out is expected, or an error. */
struct edit {
	const char *about, *text;
	struct isif_edit_line line;
	enum isif_error error;
	const char *expected;
};

static void check_text(const char *about, const struct record_text *text, const char *expected)
{
	bool same = text->octets && text->length == strlen(expected) &&
		    !memcmp(text->octets, expected, text->length);

	CU_ASSERT_TRUE(same);
	if (!same)
		printf("# %s: \"%s\"\n", about, text->octets ? text->octets : "(none)");
}

static void run_edits(const struct edit *edits, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct edit *edit = &edits[i];
		struct record_text edited;
		enum isif_error error =
			record_edit(edit->text, strlen(edit->text), &edit->line, 1, &edited);

		CU_ASSERT_EQUAL(error, edit->error);
		if (error != edit->error)
			printf("# %s: %s\n", edit->about, isif_error_text(error));
		CU_ASSERT_EQUAL(edited.octets == NULL, error != ISIF_OK);
		if (!error && edit->expected)
			check_text(edit->about, &edited, edit->expected);
		record_text_clear(&edited);
	}
}

#define MTU(value) LINE("iface.mtu", value)

static void test_change(void)
{
	static const struct edit edits[] = {
		{ "a value", RECORD("iface.mtu = 0\niface.port = 0\n"), MTU("1500"), ISIF_OK,
		  RECORD("iface.mtu = 1500\niface.port = 0\n") },
		{ "blanks around it stay", RECORD(" \tiface.mtu \t =  0 \t\n"), MTU("9000"),
		  ISIF_OK, RECORD(" \tiface.mtu \t =  9000 \t\n") },
		{ "comments, empty and unknown lines stay",
		  "# hand made\n\n" RECORD("# iface.mtu = 1\niface.new = x\niface.mtu = 2\n\n#\n"),
		  MTU("3"), ISIF_OK,
		  "# hand made\n\n" RECORD(
			  "# iface.mtu = 1\niface.new = x\niface.mtu = 3\n\n#\n") },
		{ "an unknown setting", RECORD("iface.new = x\n"), LINE("iface.new", "y"), ISIF_OK,
		  RECORD("iface.new = y\n") },
		{ "a longer key is another one", RECORD("iface.mtus = 1\niface.mtu = 2\n"),
		  MTU("3"), ISIF_OK, RECORD("iface.mtus = 1\niface.mtu = 3\n") },
		{ "a value with blanks and '='", RECORD("iface.initiatorname = a b = c\n"),
		  LINE("iface.initiatorname", "d = e  f"), ISIF_OK,
		  RECORD("iface.initiatorname = d = e  f\n") },
		{ "of more than one, the last is the one that is read",
		  RECORD("iface.mtu = 1\niface.port = 2\niface.mtu = 3\niface.ttl = 4\n"), MTU("5"),
		  ISIF_OK, RECORD("iface.port = 2\niface.mtu = 5\niface.ttl = 4\n") },
		{ "the same value", RECORD("iface.mtu = 1\n"), MTU("1"), ISIF_OK,
		  RECORD("iface.mtu = 1\n") },
		{ "a line without a value is none",
		  RECORD("iface.mtu = 1\niface.mtu =\niface.port = 0\n"), MTU("2"), ISIF_OK,
		  RECORD("iface.mtu = 2\niface.mtu =\niface.port = 0\n") },
		{ "no blank before '=': open-iscsi refuses the line",
		  RECORD("iface.mtu = 1\niface.mtu=9\n"), MTU("2"), ISIF_OK,
		  RECORD("iface.mtu = 2\niface.mtu=9\n") },
		{ "no newline at the end", "# BEGIN RECORD\niface.mtu = 1\n# END RECORD", MTU("2"),
		  ISIF_OK, "# BEGIN RECORD\niface.mtu = 2\n# END RECORD" },
		{ "a secret beside it",
		  RECORD("iface.mtu = 1\nnode.session.auth.password = wonderland\n"), MTU("2"),
		  ISIF_OK, RECORD("iface.mtu = 2\nnode.session.auth.password = wonderland\n") },
		{ "CRLF", "# BEGIN RECORD\r\niface.mtu = 1\r\n# END RECORD\r\n", MTU("2"), ISIF_OK,
		  "# BEGIN RECORD\r\niface.mtu = 2\r\n# END RECORD\r\n" },
	};

	run_edits(edits, COUNT(edits));
}

static void test_remove(void)
{
	static const struct edit edits[] = {
		{ "a line", RECORD("iface.mtu = 0\niface.port = 0\n"), MTU(""), ISIF_OK,
		  RECORD("iface.port = 0\n") },
		{ "the last one", RECORD("iface.mtu = 0\n"), MTU(""), ISIF_OK, RECORD("") },
		{ "all lines of a key", RECORD("iface.mtu = 1\niface.port = 2\niface.mtu = 3\n"),
		  MTU(""), ISIF_OK, RECORD("iface.port = 2\n") },
		{ "what is not there", RECORD("iface.port = 2\n"), MTU(""), ISIF_OK,
		  RECORD("iface.port = 2\n") },
	};

	run_edits(edits, COUNT(edits));
}

#define DEVICE LINE("iface.net_ifacename", "san0")

static void test_add(void)
{
	static const struct edit edits[] = {
		{ "into an empty record", RECORD(""), DEVICE, ISIF_OK,
		  RECORD("iface.net_ifacename = san0\n") },
		{ "as iscsiadm does into an iface",
		  RECORD("iface.iscsi_ifacename = eth1\n" NEW_IPV4), DEVICE, ISIF_OK,
		  RECORD("iface.iscsi_ifacename = eth1\niface.net_ifacename = san0\n" NEW_IPV4) },
		{ "as iscsiadm does into a node",
		  RECORD(NODE_TOP "iface.iscsi_ifacename = eth1\n" NEW_IPV4 NODE_DISCOVERY),
		  LINE("iface.hwaddress", "00:11:22:33:44:55"), ISIF_OK,
		  RECORD(NODE_TOP "iface.hwaddress = 00:11:22:33:44:55\n"
				  "iface.iscsi_ifacename = eth1\n" NEW_IPV4 NODE_DISCOVERY) },
		{ "before what follows where nothing precedes", RECORD("\niface.mtu = 1\n"), DEVICE,
		  ISIF_OK, RECORD("\niface.net_ifacename = san0\niface.mtu = 1\n") },
		{ "a node without any iface", RECORD(NODE_TOP NODE_DISCOVERY), DEVICE, ISIF_OK,
		  RECORD(NODE_TOP "iface.net_ifacename = san0\n" NODE_DISCOVERY) },
		{ "an unknown setting after the known ones",
		  RECORD(NODE_TOP "iface.mtu = 1\niface.newer = 2\n" NODE_DISCOVERY),
		  LINE("iface.newest", "3"), ISIF_OK,
		  RECORD(NODE_TOP
			 "iface.mtu = 1\niface.newer = 2\niface.newest = 3\n" NODE_DISCOVERY) },
		{ "unknown ones stay where they are",
		  RECORD("iface.newer = 2\niface.mtu = 1\niface.port = 0\n"), DEVICE, ISIF_OK,
		  RECORD("iface.newer = 2\niface.net_ifacename = san0\niface.mtu = 1\n"
			 "iface.port = 0\n") },
		{ "a setting of the node", RECORD(NODE_TOP NODE_SESSION),
		  LINE("node.conn[0].port", "3261"), ISIF_OK,
		  RECORD(NODE_TOP NODE_SESSION "node.conn[0].port = 3261\n") },
		{ "CRLF", "# BEGIN RECORD\r\niface.mtu = 1\r\n# END RECORD\r\n", DEVICE, ISIF_OK,
		  "# BEGIN RECORD\r\niface.net_ifacename = san0\r\niface.mtu = 1\r\n"
		  "# END RECORD\r\n" },
		{ "no newline at the end", "# BEGIN RECORD\n# END RECORD", DEVICE, ISIF_OK,
		  "# BEGIN RECORD\niface.net_ifacename = san0\n# END RECORD" },
		{ "an end in the middle is none", RECORD("# END RECORD\n"), DEVICE, ISIF_OK,
		  RECORD("# END RECORD\niface.net_ifacename = san0\n") },
	};

	run_edits(edits, COUNT(edits));
}

static void test_old(void)
{
	static const char text[] = RECORD("iface.mtu = 1\niface.mtu = 1500\n");
#define FROM(before, name, after)                                                                  \
	{                                                                                          \
		.key = (name), .old = (before), .fresh = (after)                                   \
	}
	static const struct edit edits[] = {
		{ "as it is", text, FROM("1500", "iface.mtu", "2"), ISIF_OK,
		  RECORD("iface.mtu = 2\n") },
		{ "something else", text, FROM("9000", "iface.mtu", "2"), ISIF_CHANGED, NULL },
		{ "a part of it", text, FROM("150", "iface.mtu", "2"), ISIF_CHANGED, NULL },
		{ "the line that is not read", text, FROM("1", "iface.mtu", "2"), ISIF_CHANGED,
		  NULL },
		{ "none, but there is one", text, FROM("", "iface.mtu", "2"), ISIF_CHANGED, NULL },
		{ "none", RECORD(""), FROM("", "iface.mtu", "2"), ISIF_OK,
		  RECORD("iface.mtu = 2\n") },
		{ "one, but there is none", RECORD(""), FROM("1", "iface.mtu", "2"), ISIF_CHANGED,
		  NULL },
	};

	run_edits(edits, COUNT(edits));
}

static void test_refused(void)
{
	static const char text[] = RECORD("iface.mtu = 1\n");
	static const struct edit edits[] = {
		{ "no end", "# BEGIN RECORD\niface.mtu = 1\n", MTU("2"), ISIF_INCOMPLETE, NULL },
		{ "half an end", "iface.mtu = 1\n# END RECOR", MTU("2"), ISIF_INCOMPLETE, NULL },
		{ "empty", "", MTU("2"), ISIF_INCOMPLETE, NULL },
		{ "a second line", text, MTU("2\niface.transport_name = iser"), ISIF_INVALID,
		  NULL },
		{ "a carriage return", text, MTU("2\r"), ISIF_INVALID, NULL },
		{ "a tab", text, MTU("2\t3"), ISIF_INVALID, NULL },
		{ "DEL", text, MTU("2\177"), ISIF_INVALID, NULL },
		{ "a blank before it", text, MTU(" 2"), ISIF_INVALID, NULL },
		{ "a blank after it", text, MTU("2 "), ISIF_INVALID, NULL },
		{ "no key", text, LINE("", "2"), ISIF_INVALID, NULL },
		{ "a blank in a key", text, LINE("iface.m tu", "2"), ISIF_INVALID, NULL },
		{ "a newline in a key", text, LINE("iface.mtu\niface", "2"), ISIF_INVALID, NULL },
		{ "'=' in a key", text, LINE("iface.mtu=", "2"), ISIF_INVALID, NULL },
		{ "a comment as a key", text, LINE("#iface.mtu", "2"), ISIF_INVALID, NULL },
		{ "a password", text, LINE("node.session.auth.password", "x"), ISIF_INVALID, NULL },
		{ "the end of one", text, LINE("node.session.auth.password", ""), ISIF_INVALID,
		  NULL },
		{ "a CHAP name", text, LINE("node.session.auth.username", "x"), ISIF_INVALID,
		  NULL },
	};

	run_edits(edits, COUNT(edits));
}

/* A text of one octet, so many times. */
static char *repeat(char octet, size_t count)
{
	char *text = malloc(count + 1);

	memset(text, octet, count);
	text[count] = '\0';
	return text;
}

/* usr/idbm.c:idbm_recinfo_config: a key has 127 octets at most, a value 255, a line 2,047. */
static void test_bounds(void)
{
	static const char text[] = RECORD("");
	char *key = repeat('k', 128), *value = repeat('v', 256), *blanks = repeat(' ', 2033);
	char *line, *expected;
	struct edit edits[] = {
		{ "a key of 128", text, LINE(key, "1"), ISIF_INVALID, NULL },
		{ "a key of 127", text, LINE(key + 1, "1"), ISIF_OK, NULL },
		{ "a value of 256", text, LINE("iface.initiatorname", value), ISIF_INVALID, NULL },
		{ "a value of 255", text, LINE("iface.initiatorname", value + 1), ISIF_OK, NULL },
		{ "a line of 2,047", NULL, MTU("1"), ISIF_OK, NULL },
		{ "a line of 2,048", NULL, MTU("12"), ISIF_INVALID, NULL },
	};

	/* 2,033 blanks, "iface.mtu = ", the value and the newline. */
	CU_ASSERT_TRUE_FATAL(asprintf(&line, RECORD("%siface.mtu = 5\n"), blanks) > 0);
	CU_ASSERT_TRUE_FATAL(asprintf(&expected, RECORD("%siface.mtu = 1\n"), blanks) > 0);
	edits[4].text = edits[5].text = line;
	edits[4].expected = expected;
	run_edits(edits, COUNT(edits));
	free(key);
	free(value);
	free(blanks);
	free(line);
	free(expected);
}

static void test_size(void)
{
	/* ISIF_RECORD_SIZE octets; the longest lines that are whole, so that nothing is cut. */
	char *text = repeat('#', ISIF_RECORD_SIZE);
	static const char end[] = "\niface.mtu = 10\n# END RECORD\n";
	size_t length = ISIF_RECORD_SIZE - strlen(end);
	struct edit edits[] = {
		{ "as long as before", text, MTU("20"), ISIF_OK, NULL },
		{ "shorter", text, MTU("9"), ISIF_OK, NULL },
		{ "one octet longer", text, MTU("100"), ISIF_TOO_LONG, NULL },
	};
	struct record_text edited;
	char *longer;

	for (size_t i = 1000; i < length; i += 1000)
		text[i] = '\n';
	memcpy(text + length, end, strlen(end));
	run_edits(edits, COUNT(edits));
	CU_ASSERT_TRUE_FATAL(asprintf(&longer, "#%s", text) > 0);
	CU_ASSERT_EQUAL(record_edit(longer, strlen(longer), &edits[1].line, 1, &edited),
			ISIF_TOO_LONG);
	free(text);
	free(longer);
}

/*
 * usr/idbm.c reads 2,047 octets at once: what follows is a line of its own to it, and a part of
 * this one to others. Whoever touches what is said there may change the wrong thing.
 */
static void test_overlong(void)
{
	char *comment = repeat('#', 2047), *word = repeat('x', 2047);
	char *hidden, *shown, *other, *expected;
	struct edit edits[] = {
		{ "a setting that a comment's tail hides", NULL, MTU("2"), ISIF_INVALID, NULL },
		{ "its removal", NULL, MTU(""), ISIF_INVALID, NULL },
		{ "a setting whose line is too long", NULL, MTU("2"), ISIF_INVALID, NULL },
		{ "another setting", NULL, LINE("iface.port", "1"), ISIF_OK, NULL },
	};

	CU_ASSERT_TRUE_FATAL(
		asprintf(&hidden, RECORD("iface.mtu = 1\n%siface.mtu = 9\n"), comment) > 0);
	CU_ASSERT_TRUE_FATAL(asprintf(&shown, RECORD("iface.mtu = %s\n"), word) > 0);
	CU_ASSERT_TRUE_FATAL(asprintf(&other, RECORD("%siface.mtu = 9\niface.ttl = 0\n"), comment) >
			     0);
	CU_ASSERT_TRUE_FATAL(asprintf(&expected,
				      RECORD("%siface.mtu = 9\niface.port = 1\niface.ttl = 0\n"),
				      comment) > 0);
	edits[0].text = edits[1].text = hidden;
	edits[2].text = shown;
	edits[3].text = other;
	edits[3].expected = expected;
	run_edits(edits, COUNT(edits));
	free(comment);
	free(word);
	free(hidden);
	free(shown);
	free(other);
	free(expected);
}

static void test_nul(void)
{
	static const char text[] = "# BEGIN RECORD\niface.mtu = 1\0002\n# END RECORD\n";
	static const char expected[] =
		"# BEGIN RECORD\niface.port = 1\niface.mtu = 1\0002\n# END RECORD\n";
	static const struct isif_edit_line line = LINE("iface.port", "1");
	struct record_text edited;

	/* open-iscsi's string functions end at a NUL: such a line says nothing to us. */
	CU_ASSERT_EQUAL_FATAL(record_edit(text, sizeof(text) - 1, &line, 1, &edited), ISIF_OK);
	CU_ASSERT_EQUAL(edited.length, sizeof(expected) - 1);
	record_text_clear(&edited);
	CU_ASSERT_PTR_NULL(edited.octets);
}

/* Adds the lines of a record to a text, the last one first. */
static void check_order(const char *start, const char *all, const char *expected)
{
	static struct isif_edit_line lines[100];
	struct isif_record *record = parse_record(all);
	struct record_text edited;
	size_t count = 0;

	CU_ASSERT_TRUE_FATAL(record->count <= COUNT(lines));
	for (size_t i = record->count; i-- > 0;)
		lines[count++] = (struct isif_edit_line){ .key = record->lines[i].key,
							  .old = "",
							  .fresh = record->lines[i].value };
	CU_ASSERT_EQUAL_FATAL(record_edit(start, strlen(start), lines, count, &edited), ISIF_OK);
	check_text("order", &edited, expected);
	record_text_clear(&edited);
	isif_record_release(record);
}

static void test_order(void)
{
	check_order(RECORD(""), RECORD(ALL_IPV4), RECORD(ALL_IPV4));
	check_order(RECORD(""), RECORD(ALL_IPV6), RECORD(ALL_IPV6));
	check_order(RECORD(NODE_DISCOVERY), RECORD(ALL_IN_NODE),
		    RECORD(ALL_IN_NODE NODE_DISCOVERY));
}

/* The setting reads as it shall, and all others as before, in the same order. */
static bool only_changed(const struct isif_record *before, const struct isif_record *after,
			 const struct isif_edit_line *line)
{
	const char *value = isif_record_value(after, line->key);
	uint32_t i = 0, j = 0;

	if (strcmp(value ? value : "", line->fresh) != 0 || before->ignored != after->ignored)
		return false;
	for (;; i++, j++) {
		while (i < before->count && !strcmp(before->lines[i].key, line->key))
			i++;
		while (j < after->count && !strcmp(after->lines[j].key, line->key))
			j++;
		if (i == before->count || j == after->count)
			return i == before->count && j == after->count;
		if (strcmp(before->lines[i].key, after->lines[j].key) != 0 ||
		    strcmp(before->lines[i].value, after->lines[j].value) != 0)
			return false;
	}
}

static void check_damaged(const char *text, size_t length, const struct isif_edit_line *line)
{
	struct isif_record *before, *after;
	struct record_text edited;
	bool good;

	CU_ASSERT_EQUAL_FATAL(record_edit(text, length, line, 1, &edited), ISIF_OK);
	CU_ASSERT_EQUAL_FATAL(isif_record_parse(text, length, "", &before), ISIF_OK);
	CU_ASSERT_EQUAL_FATAL(isif_record_parse(edited.octets, edited.length, "", &after), ISIF_OK);
	good = only_changed(before, after, line);
	CU_ASSERT_TRUE(good);
	if (!good)
		printf("# %s = %s: \"%s\" from \"%s\"\n", line->key, line->fresh, edited.octets,
		       text);
	isif_record_release(before);
	isif_record_release(after);
	record_text_clear(&edited);
}

/* Each octet of a record in turn is lost, doubled by another, or another one. */
static void test_damaged(void)
{
	static const char body[] = "# BEGIN RECORD\nnode.name = iqn.a\niface.mtu = 1\n"
				   " iface.port = 2 \niface.mtu = 3\r\niface.new = x y\n";
	static const char others[] = { '\n', '\r', ' ', '=', '#', 'x', '\0' };
	static const struct isif_edit_line lines[] = { MTU("9"), MTU(""), DEVICE,
						       LINE("node.startup", "= #") };
	size_t length = strlen(body);

	for (size_t i = 0; i < length * COUNT(others) * COUNT(lines) * 3; i++) {
		size_t at = i % length, way = i / length % 3;
		const char other = others[i / length / 3 % COUNT(others)];
		char text[256];
		size_t used = at;

		memcpy(text, body, at);
		if (way > 0)
			text[used++] = other;
		memcpy(text + used, body + at + (way < 2), length - at - (way < 2));
		used += length - at - (way < 2);
		used += (size_t)sprintf(text + used, "\n# END RECORD\n");
		check_damaged(text, used, &lines[i / length / 3 / COUNT(others)]);
	}
}

static void test_many(void)
{
	static const char text[] = RECORD("iface.mtu = 1\niface.port = 0\n");
	static const struct isif_edit_line lines[] = {
		LINE("iface.ttl", "9"),
		{ .key = "iface.mtu", .old = "1", .fresh = "2" },
		LINE("iface.port", ""),
		DEVICE,
	};
	static const struct isif_edit_line late[] = {
		MTU("2"),
		{ .key = "iface.port", .old = "1", .fresh = "2" },
	};
	struct record_text edited;

	CU_ASSERT_EQUAL(record_edit(text, strlen(text), lines, COUNT(lines), &edited), ISIF_OK);
	check_text("many", &edited,
		   RECORD("iface.net_ifacename = san0\niface.mtu = 2\niface.ttl = 9\n"));
	record_text_clear(&edited);
	CU_ASSERT_EQUAL(record_edit(text, strlen(text), late, 2, &edited), ISIF_CHANGED);
	CU_ASSERT_EQUAL(record_edit(text, strlen(text), NULL, 0, &edited), ISIF_OK);
	check_text("none", &edited, text);
	record_text_clear(&edited);
}

static void test_folder(void)
{
#define FOUND(type, address, port)                                                                 \
	RECORD("node.discovery_address = " address "\nnode.discovery_port = " port                 \
	       "\nnode.discovery_type = " type "\n")
	static const struct {
		const char *text, *folder;
	} cases[] = {
		{ FOUND("send_targets", "192.0.2.1", "3260"), "send_targets/192.0.2.1,3260" },
		{ FOUND("send_targets", "fd00::1", "3260"), "send_targets/fd00::1,3260" },
		{ FOUND("isns", "192.0.2.1", "3205"), "isns/192.0.2.1,3205" },
		{ RECORD(NODE_DISCOVERY), "static" },
		{ RECORD("node.discovery_type = fw\n"), "fw" },
		{ RECORD("node.discovery_type = fw\nnode.discovery_type = static\n"), "static" },
		{ FOUND("slp", "192.0.2.1", "3260"), NULL },
		{ FOUND("offload_send_targets", "192.0.2.1", "3260"), NULL },
		{ FOUND("send_targets", "../../etc", "3260"), NULL },
		{ FOUND("send_targets", "192.0.2.1", "1/../.."), NULL },
		{ FOUND("send_targets", "192.0.2.1", "-1"), NULL },
		{ RECORD("node.discovery_type = send_targets\nnode.discovery_port = 1\n"), NULL },
		{ RECORD("node.discovery_type = ../etc\n"), NULL },
		{ RECORD(""), NULL },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		char folder[300] = "";
		bool found = record_link_folder(cases[i].text, strlen(cases[i].text), folder,
						sizeof(folder));

		CU_ASSERT_EQUAL(found, cases[i].folder != NULL);
		if (found && cases[i].folder)
			CU_ASSERT_STRING_EQUAL(folder, cases[i].folder);
		CU_ASSERT_FALSE(
			record_link_folder(cases[i].text, strlen(cases[i].text), folder, 2));
	}
}

/* Memory runs out at each allocation in turn. */
static void test_memory(void)
{
	static const char text[] = RECORD(NODE_TOP NEW_IPV4 NODE_DISCOVERY);
	static const struct isif_edit_line line = DEVICE;
	bool failed = true;

	for (unsigned long n = 1; failed && n < 100; n++) {
		struct record_text edited;
		enum isif_error error;

		allocation_fail_at(n, false);
		error = record_edit(text, strlen(text), &line, 1, &edited);
		failed = allocation_end();
		CU_ASSERT_EQUAL(error, failed ? ISIF_NO_MEMORY : ISIF_OK);
		CU_ASSERT_EQUAL(edited.octets == NULL, failed);
		record_text_clear(&edited);
	}
	CU_ASSERT_FALSE(failed);
}

void add_record_edit_tests(void)
{
	CU_pSuite suite = CU_add_suite("record_edit", NULL, NULL);

	CU_add_test(suite, "a changed value is all that changes", test_change);
	CU_add_test(suite, "an empty value removes the line", test_remove);
	CU_add_test(suite, "a new line stands where open-iscsi writes it", test_add);
	CU_add_test(suite, "every setting has iscsiadm's place", test_order);
	CU_add_test(suite, "what somebody changed meanwhile is not overwritten", test_old);
	CU_add_test(suite, "whatever a record holds, only the setting changes", test_damaged);
	CU_add_test(suite, "many lines, all or none", test_many);
	CU_add_test(suite, "what open-iscsi could not read back is refused", test_refused);
	CU_add_test(suite, "keys, values and lines up to open-iscsi's bounds", test_bounds);
	CU_add_test(suite, "a record up to its size", test_size);
	CU_add_test(suite, "what an overlong line says is never changed", test_overlong);
	CU_add_test(suite, "a line with a NUL says nothing", test_nul);
	CU_add_test(suite, "the discovery record that a node belongs to", test_folder);
	CU_add_test(suite, "out of memory at each allocation", test_memory);
}
