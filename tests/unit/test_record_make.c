/* SPDX-License-Identifier: GPL-2.0-or-later */
/* New records: octet by octet those of iscsiadm, but for their first line. */
#include "suites.h"

#include "allocation.h"
#include "helpers.h"
#include "record_edit.h"
#include "record_texts.h"

#include <stdio.h>
#include <string.h>

#define LINE(name, value)                                                                          \
	{                                                                                          \
		.key = (name), .fresh = (value)                                                    \
	}

/* A record is what is expected if all but its first line is. */
static void check_made(const char *about, enum isif_error error, struct record_text *made,
		       const char *expected)
{
	static const char first[] = "# BEGIN RECORD iscsi-ifaced ";
	bool same = !error && !strncmp(made->octets, first, strlen(first)) &&
		    made->length == strlen(made->octets) &&
		    !strcmp(strchr(made->octets, '\n'), strchr(expected, '\n'));

	CU_ASSERT_TRUE(same);
	if (!same)
		printf("# %s: %s: \"%s\"\n", about, isif_error_text(error),
		       made->octets ? made->octets : "(none)");
	record_text_clear(made);
}

/* A text in which one other is replaced. */
static const char *with(const char *text, const char *part, const char *by)
{
	static char buffers[4][8192];
	static unsigned next;
	char *buffer = buffers[next++ % 4];
	const char *at = strstr(text, part);

	CU_ASSERT_PTR_NOT_NULL_FATAL(at);
	snprintf(buffer, sizeof(*buffers), "%.*s%s%s", (int)(at - text), text, by,
		 at + strlen(part));
	return buffer;
}

static void check_iface(const char *name, const struct isif_edit_line *lines, size_t count,
			const char *expected)
{
	struct record_text made;
	enum isif_error error = record_new_iface(name, lines, count, &made);

	check_made(name, error, &made, expected);
}

static void test_iface(void)
{
	static const struct isif_edit_line bound[] = {
		LINE("iface.net_ifacename", "san0"),
		LINE("iface.initiatorname", "iqn.2026-01.b:c"),
		LINE("iface.hwaddress", ""),
	};
	static const struct isif_edit_line address[] = { LINE("iface.ipaddress", "192.0.2.1") };

	check_iface("eth1", NULL, 0, RECORD("iface.iscsi_ifacename = eth1\n" NEW_IPV4));
	check_iface("my.ipv6.0", NULL, 0, RECORD("iface.iscsi_ifacename = my.ipv6.0\n" NEW_IPV6));
	check_iface(
		"eth1", bound, COUNT(bound),
		with(RECORD("iface.iscsi_ifacename = eth1\niface.net_ifacename = san0\n" NEW_IPV4),
		     "iface.vlan_id", "iface.initiatorname = iqn.2026-01.b:c\niface.vlan_id"));
	/* usr/iface.c:iface_get_iptype: an address says more than a name. */
	check_iface("my.ipv6.0", address, 1,
		    RECORD("iface.iscsi_ifacename = my.ipv6.0\niface.ipaddress = "
			   "192.0.2.1\n" NEW_IPV4));
}

/* All settings of iscsiadm's own record, given in any order: its record again. */
static void check_all(const char *name, const char *all)
{
	static struct isif_edit_line lines[100];
	struct isif_record *record = parse_record(all);
	size_t count = 0;

	CU_ASSERT_TRUE_FATAL(record->count <= COUNT(lines));
	for (size_t i = record->count; i-- > 1;)
		lines[count++] = (struct isif_edit_line){ .key = record->lines[i].key,
							  .fresh = record->lines[i].value };
	check_iface(name, lines, count, all);
	isif_record_release(record);
}

static void test_all(void)
{
	check_all("four", RECORD(ALL_IPV4));
	check_all("my.ipv6.0", RECORD(ALL_IPV6));
}

static void test_iface_refused(void)
{
	static const struct isif_edit_line lines[] = {
		LINE("iface.iscsi_ifacename", "other"),
		LINE("node.startup", "manual"),
		LINE("iface.mtu", "1\n2"),
		LINE("iface.password", "x"),
	};
	struct record_text made;

	for (size_t i = 0; i < COUNT(lines); i++) {
		CU_ASSERT_EQUAL(record_new_iface("if0", &lines[i], 1, &made), ISIF_INVALID);
		CU_ASSERT_PTR_NULL(made.octets);
	}
	CU_ASSERT_EQUAL(record_new_iface("", NULL, 0, &made), ISIF_INVALID);
	CU_ASSERT_EQUAL(record_new_iface("a\nb", NULL, 0, &made), ISIF_INVALID);
}

#define TARGET	 LINE("node.name", "iqn.2026-01.a:t1")
#define TPGT	 LINE("node.tpgt", "1")
#define ADDRESS	 LINE("node.conn[0].address", "10.0.0.1")
#define PORT	 LINE("node.conn[0].port", "3260")
#define IDENTITY TARGET, TPGT, ADDRESS, PORT

static const struct isif_edit_line plain[] = { IDENTITY, LINE("iface.iscsi_ifacename", "default"),
					       LINE("iface.transport_name", "tcp") };

static void check_node(const char *base, bool sibling, const struct isif_edit_line *lines,
		       size_t count, const char *expected)
{
	struct record_text made;
	enum isif_error error =
		record_new_node(base, base ? strlen(base) : 0, sibling, lines, count, &made);

	check_made(base, error, &made, expected);
}

#define DEFAULT_IFACE "iface.iscsi_ifacename = default\n" NEW_IPV4
#define NEW_NODE(iface)                                                                            \
	RECORD(NODE_TOP iface NODE_DISCOVERY NODE_SESSION NODE_PORTAL NODE_CONNECTION)

static void test_node(void)
{
	static const struct isif_edit_line six[] = { IDENTITY,
						     LINE("iface.iscsi_ifacename", "my.ipv6.0") };

	check_node(NULL, false, plain, COUNT(plain), NEW_NODE(DEFAULT_IFACE));
	check_node("", false, plain, COUNT(plain), NEW_NODE(DEFAULT_IFACE));
	check_node(NULL, false, six, COUNT(six),
		   NEW_NODE("iface.iscsi_ifacename = my.ipv6.0\n" NEW_IPV6));
}

/* What iscsid.conf says, and what becomes of a new record. */
static void test_configured(void)
{
	static const struct {
		const char *configuration, *initial, *outcome;
	} cases[] = {
		{ "node.startup = automatic\n", "node.startup = manual",
		  "node.startup = automatic" },
		{ "\t node.session.cmds_max   =   256  \r\n", "cmds_max = 128", "cmds_max = 256" },
		{ "node.session.timeo.replacement_timeout = 5\n"
		  "node.session.timeo.replacement_timeout = 15\n",
		  "replacement_timeout = 120", "replacement_timeout = 15" },
		{ "node.session.auth.authmethod = CHAP\nnode.session.auth.username = joe\n"
		  "node.session.auth.password = a secret = of 2\n"
		  "node.session.auth.username_in = ian\nnode.session.auth.password_in = other\n"
		  "node.session.auth.chap_algs = SHA3-256,SHA256,SHA1,MD5\n",
		  "authmethod = None\nnode.session.auth.chap_algs = MD5\n",
		  "authmethod = CHAP\nnode.session.auth.username = joe\n"
		  "node.session.auth.password = a secret = of 2\n"
		  "node.session.auth.username_in = ian\nnode.session.auth.password_in = other\n"
		  "node.session.auth.chap_algs = SHA3-256,SHA256,SHA1,MD5\n" },
		{ "node.conn[0].iscsi.HeaderDigest = CRC32C,None\n", "HeaderDigest = None",
		  "HeaderDigest = CRC32C,None" },
		{ "node.session.xmit_thread_priority = -10\n", "priority = -20", "priority = -10" },
		/* What open-iscsi does not take. */
		{ "#node.startup = automatic\n", "", "" },
		{ "node.startup=automatic\n", "", "" },
		{ "node.startup =\n", "", "" },
		{ "node.startup = automatic", "", "" },
		{ "node.startup = sometimes\n", "", "" },
		{ "node.session.iscsi.InitialR2T = yes\n", "", "" },
		{ "node.session.scan = 0\n", "", "" },
		{ "node.session.auth.chap_algs = SHA256,ROT13\n", "", "" },
		{ "node.session.cmds_max = many\n", "", "" },
		{ "node.session.cmds_max = 12x\n", "", "" },
		{ "node.session.cmds_max = 4294967296\n", "", "" },
		{ "node.session.cmds_max = -\n", "", "" },
		/* What is no default of a node record, or unknown to an older library. */
		{ "iscsid.startup = /bin/systemctl start iscsid.socket\n", "", "" },
		{ "discovery.sendtargets.auth.password = x\n", "", "" },
		{ "node.session.sess_reopen_log_freq = 1\n", "", "" },
		{ "node.conn[0].tcp.congestion_control = cubic\n", "", "" },
		{ "node.name = iqn.x\nnode.tpgt = 9\nnode.conn[0].address = 192.0.2.9\n", "", "" },
		{ "node.discovery_type = fw\nnode.discovery_address = 192.0.2.9\n", "", "" },
		{ "iface.net_ifacename = san0\niface.mtu = 9000\n", "", "" },
	};

	for (size_t i = 0; i < COUNT(cases); i++)
		check_node(cases[i].configuration, false, plain, COUNT(plain),
			   with(NEW_NODE(DEFAULT_IFACE), cases[i].initial, cases[i].outcome));
}

static void test_wishes(void)
{
	static const struct isif_edit_line lines[] = {
		IDENTITY,
		LINE("iface.iscsi_ifacename", "if0"),
		LINE("iface.net_ifacename", "san0"),
		LINE("iface.hwaddress", ""),
		LINE("iface.mtu", "9000"),
		LINE("node.startup", "onboot"),
	};
	const char *expected =
		NEW_NODE("iface.iscsi_ifacename = if0\niface.net_ifacename = san0\n" NEW_IPV4);

	expected = with(expected, "iface.mtu = 0", "iface.mtu = 9000");
	expected = with(expected, "node.startup = manual", "node.startup = onboot");
	check_node("node.startup = automatic\n", false, lines, COUNT(lines), expected);
	check_node(NEW_NODE(DEFAULT_IFACE), false, lines, COUNT(lines), expected);
}

#define AUTH                                                                                       \
	"node.session.auth.authmethod = CHAP\nnode.session.auth.username = joe\n"                  \
	"node.session.auth.password = wonderland\n"

/* A sibling's first line, values, unknown lines and comments; not what makes it itself. */
static void test_sibling(void)
{
	static const struct isif_edit_line lines[] = {
		LINE("node.name", "iqn.b"),
		LINE("node.tpgt", "2"),
		LINE("node.conn[0].address", "fd00::2"),
		LINE("node.conn[0].port", "3261"),
		LINE("iface.iscsi_ifacename", "if1"),
		LINE("iface.net_ifacename", "san1"),
	};
	static const char sibling[] =
		"# BEGIN RECORD 2.1.9\n"
		"node.name = iqn.a\nnode.tpgt = 1\nnode.startup = automatic\n"
		"node.leading_login = Yes\nnode.transport_name = tcp\n"
		"iface.hwaddress = 00:11:22:33:44:55\niface.iscsi_ifacename = if0\n"
		"iface.transport_name = iser\niface.mtu = 9000\n iface.newer = 1\niface.bad=2\n"
		"node.discovery_address = 192.0.2.1\nnode.discovery_port = 3260\n"
		"node.discovery_type = send_targets\n# my own\n"
		"node.session.sess_reopen_log_freq = 3\n" AUTH
		"node.conn[0].address = 192.0.2.1\nnode.conn[0].port = 3260\n"
		"node.conn[0].startup = automatic\nnode.conn[0].newer = 1\n# END RECORD\n";
	static const char expected[] =
		"# BEGIN RECORD 2.1.9\n"
		"node.name = iqn.b\nnode.tpgt = 2\nnode.startup = automatic\n"
		"node.leading_login = Yes\n"
		"iface.iscsi_ifacename = if1\niface.net_ifacename = san1\n" NEW_IPV4 NODE_DISCOVERY
		"# my own\nnode.session.sess_reopen_log_freq = 3\n" AUTH
		"node.conn[0].address = fd00::2\nnode.conn[0].port = 3261\n"
		"node.conn[0].startup = automatic\nnode.conn[0].newer = 1\n# END RECORD\n";
	struct record_text made;

	CU_ASSERT_EQUAL_FATAL(
		record_new_node(sibling, strlen(sibling), true, lines, COUNT(lines), &made),
		ISIF_OK);
	CU_ASSERT_STRING_EQUAL(made.octets, expected);
	if (strcmp(made.octets, expected) != 0)
		printf("# %s\n", made.octets);
	record_text_clear(&made);
}

static void test_sibling_crlf(void)
{
	static const char sibling[] = "# BEGIN RECORD\r\nnode.name = iqn.a\r\nnode.tpgt = 1\r\n"
				      "node.conn[0].address = a\r\n# END RECORD\r\n";
	struct record_text made;

	CU_ASSERT_EQUAL_FATAL(
		record_new_node(sibling, strlen(sibling), true, plain, COUNT(plain), &made),
		ISIF_OK);
	CU_ASSERT_PTR_NOT_NULL(strstr(made.octets, "\r\nnode.name = iqn.2026-01.a:t1\r\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(made.octets, "\r\nnode.conn[0].port = 3260\r\n"));
	for (const char *at = made.octets; (at = strchr(at, '\n')); at++)
		CU_ASSERT_EQUAL(at[-1], '\r');
	record_text_clear(&made);
}

static void test_node_refused(void)
{
	static const char half[] = "# BEGIN RECORD 2.1.8\nnode.name = iqn.a\n";
	static const struct isif_edit_line extra[] = {
		LINE("node.session.cmds_max", "1"),
		LINE("node.session.auth.password", "x"),
		LINE("node.discovery_type", "fw"),
		LINE("node.startup", "a\nb"),
	};
	struct isif_edit_line lines[COUNT(plain) + 1];
	struct record_text made;

	CU_ASSERT_EQUAL(record_new_node(half, strlen(half), true, plain, COUNT(plain), &made),
			ISIF_INCOMPLETE);
	/* Without one of the five it is nobody's record. */
	for (size_t i = 0; i < 5; i++) {
		memcpy(lines, plain, sizeof(plain));
		lines[i].fresh = "";
		CU_ASSERT_EQUAL(record_new_node(NULL, 0, false, lines, COUNT(plain), &made),
				ISIF_INVALID);
	}
	memcpy(lines, plain, sizeof(plain));
	for (size_t i = 0; i < COUNT(extra); i++) {
		lines[COUNT(plain)] = extra[i];
		CU_ASSERT_EQUAL(record_new_node(NULL, 0, false, lines, COUNT(lines), &made),
				ISIF_INVALID);
		CU_ASSERT_PTR_NULL(made.octets);
	}
}

/* A part of an overlong line that looks like a sibling's own: what it belongs to is unclear. */
static void test_sibling_overlong(void)
{
	static char sibling[4096];
	char comment[2048];
	struct record_text made;

	memset(comment, '#', 2047);
	comment[2047] = '\0';
	snprintf(sibling, sizeof(sibling), RECORD("%siface.mtu = 9\nnode.name = iqn.a\n"), comment);
	CU_ASSERT_EQUAL(record_new_node(sibling, strlen(sibling), true, plain, COUNT(plain), &made),
			ISIF_INVALID);
	snprintf(sibling, sizeof(sibling), RECORD("%snode.x = 9\nnode.name = iqn.a\n"), comment);
	CU_ASSERT_EQUAL(record_new_node(sibling, strlen(sibling), true, plain, COUNT(plain), &made),
			ISIF_OK);
	CU_ASSERT_PTR_NOT_NULL(strstr(made.octets, "#node.x = 9\n"));
	record_text_clear(&made);
}

static enum isif_error make_iface(struct record_text *made)
{
	return record_new_iface("if0", NULL, 0, made);
}

static enum isif_error make_node(struct record_text *made)
{
	return record_new_node(AUTH, strlen(AUTH), false, plain, COUNT(plain), made);
}

static enum isif_error make_sibling(struct record_text *made)
{
	static const char sibling[] = NEW_NODE(DEFAULT_IFACE);

	return record_new_node(sibling, strlen(sibling), true, plain, COUNT(plain), made);
}

/* Memory runs out at each allocation in turn. */
static void test_memory(void)
{
	static enum isif_error (*const makers[])(struct record_text *) = { make_iface, make_node,
									   make_sibling };

	for (size_t i = 0; i < COUNT(makers); i++) {
		bool failed = true;

		for (unsigned long n = 1; failed && n < 100; n++) {
			struct record_text made;
			enum isif_error error;

			allocation_fail_at(n, false);
			error = makers[i](&made);
			failed = allocation_end();
			CU_ASSERT_EQUAL(error, failed ? ISIF_NO_MEMORY : ISIF_OK);
			CU_ASSERT_EQUAL(made.octets == NULL, failed);
			record_text_clear(&made);
		}
		CU_ASSERT_FALSE(failed);
	}
}

void add_record_make_tests(void)
{
	CU_pSuite suite = CU_add_suite("record_make", NULL, NULL);

	CU_add_test(suite, "a new iface record is iscsiadm's", test_iface);
	CU_add_test(suite, "with every setting, too", test_all);
	CU_add_test(suite, "lines that no iface record may begin with", test_iface_refused);
	CU_add_test(suite, "a new node record is iscsiadm's", test_node);
	CU_add_test(suite, "iscsid.conf: what open-iscsi takes, and no more", test_configured);
	CU_add_test(suite, "what is wished for wins", test_wishes);
	CU_add_test(suite, "a sibling hands down all but what is its own", test_sibling);
	CU_add_test(suite, "a sibling's ends of lines", test_sibling_crlf);
	CU_add_test(suite, "a sibling with an overlong line", test_sibling_overlong);
	CU_add_test(suite, "lines that no node record may begin with", test_node_refused);
	CU_add_test(suite, "out of memory at each allocation", test_memory);
}
