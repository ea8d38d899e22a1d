/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "suites.h"

#include "cleanup.h"
#include "helpers.h"
#include "node.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

DEFINE_CLEANUP(struct isif_node, node, isif_node_release);
DEFINE_CLEANUP(struct isif_iface_record, iface, isif_iface_record_release);

static struct isif_names *names;

static void set_up(void)
{
	names = isif_names_new();
	CU_ASSERT_PTR_NOT_NULL_FATAL(names);
}

static void tear_down(void)
{
	isif_names_free(names);
	names = NULL;
}

static enum isif_error parse(const char *path, const char *text, struct isif_record_pool *pool,
			     struct isif_node **node)
{
	*node = NULL;
	return isif_node_parse(path, text, strlen(text), names, pool, node);
}

static struct isif_node *must_parse(const char *path, const char *text)
{
	struct isif_node *node;

	CU_ASSERT_EQUAL_FATAL(parse(path, text, NULL, &node), ISIF_OK);
	return node;
}

#define PATH "nodes/iqn.a/192.0.2.1,3260,1/if0"
#define FULL                                                                                       \
	NODE_RECORD("iqn.a", "192.0.2.1", "3260", "1", IFACE("if0", "iface.net_ifacename = san0\n"))

static void check_key(const struct isif_node *node, const char *target, const char *address,
		      unsigned port, int tpgt, const char *iface)
{
	CU_ASSERT_STRING_EQUAL(node->target->text, target);
	CU_ASSERT_STRING_EQUAL(node->address->text, address);
	CU_ASSERT_EQUAL(node->port, port);
	CU_ASSERT_EQUAL(node->tpgt, tpgt);
	CU_ASSERT_STRING_EQUAL(node->iface->text, iface);
}

static void test_record(void)
{
	struct isif_node *CLEANUP(cleanup_node) node = must_parse(PATH, FULL);

	check_key(node, "iqn.a", "192.0.2.1", 3260, 1, "if0");
	CU_ASSERT_EQUAL(node->references, 1);
	CU_ASSERT_EQUAL(node->startup, ISIF_STARTUP_AUTOMATIC);
	CU_ASSERT_FALSE(node->single_file);
	CU_ASSERT_EQUAL(node->copy->count, 3);
	CU_ASSERT_TRUE(has_value(node->copy, "iface.net_ifacename", "san0"));
	CU_ASSERT_TRUE(has_value(node->copy, "node.name", NULL));
}

/* What the text does not say, the path does, in both layouts. */
static void test_paths(void)
{
	static const struct {
		const char *path, *target, *address;
		unsigned port;
		int tpgt;
		const char *iface;
		bool single;
	} cases[] = {
		{ "nodes/iqn.a/192.0.2.1,3260,1/if0", "iqn.a", "192.0.2.1", 3260, 1, "if0", false },
		{ "nodes/iqn.a/fd00::1,860,65535/if0", "iqn.a", "fd00::1", 860, 65535, "if0",
		  false },
		{ "nodes/iqn.a/fe80::1%eth0,3260,0/if0", "iqn.a", "fe80::1%eth0", 3260, 0, "if0",
		  false },
		{ "nodes/iqn.a/san.example.org,3260,2/172.18.0.44:3260:iscsi-pv1", "iqn.a",
		  "san.example.org", 3260, 2, "172.18.0.44:3260:iscsi-pv1", false },
		{ "nodes/iqn.a/a,b,3260,4294967295/if0", "iqn.a", "a,b", 3260, -1, "if0", false },
		{ "nodes/iqn.a/192.0.2.1,3260,-1/if0", "iqn.a", "192.0.2.1", 3260, -1, "if0",
		  false },
		{ "nodes/iqn.a/192.0.2.1,3260", "iqn.a", "192.0.2.1", 3260, -1, "default", true },
		{ "nodes/iqn.a/fd00::1,3260", "iqn.a", "fd00::1", 3260, -1, "default", true },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct isif_node *CLEANUP(cleanup_node) node =
			must_parse(cases[i].path, RECORD("node.startup = manual\n"));

		check_key(node, cases[i].target, cases[i].address, cases[i].port, cases[i].tpgt,
			  cases[i].iface);
		CU_ASSERT_EQUAL(node->single_file, cases[i].single);
		CU_ASSERT_EQUAL(node->copy->count, 0);
	}
}

static void test_no_record_paths(void)
{
	static const char *const paths[] = {
		"nodes/iqn.a/192.0.2.1/if0",
		"nodes/iqn.a/192.0.2.1,1/if0",
		"nodes/iqn.a/portal",
		"nodes/iqn.a",
		"if0",
		"",
	};

	for (size_t i = 0; i < COUNT(paths); i++) {
		struct isif_node *node;

		CU_ASSERT_EQUAL(parse(paths[i], FULL, NULL, &node), ISIF_INVALID);
	}
}

static void test_content_wins(void)
{
	struct isif_node *CLEANUP(cleanup_node) node =
		must_parse("nodes/iqn.path/198.51.100.1,1,2/ifpath", FULL);

	check_key(node, "iqn.a", "192.0.2.1", 3260, 1, "if0");
}

/* usr/idbm.c steps over the octet that ends a key, be it an '=', before it wants one. */
static void test_two_equals(void)
{
	struct isif_node *CLEANUP(cleanup_node) node =
		must_parse(PATH, RECORD("node.name== iqn.b\nnode.conn[0].address=\t= 192.0.2.9\n"
					"node.conn[0].port=3261\niface.iscsi_ifacename== if9\n"));

	check_key(node, "iqn.b", "192.0.2.9", 3260, 1, "if9");
}

static void test_tpgt(void)
{
	static const struct {
		const char *text;
		int tpgt;
	} cases[] = {
		{ RECORD("node.tpgt = 0\n"), 0 },
		{ RECORD("node.tpgt = 65535\n"), 65535 },
		{ RECORD("node.tpgt = -1\n"), -1 },
		{ RECORD("node.tpgt = 65536\n"), -1 },
		{ RECORD("node.tpgt = 4294967295\n"), -1 },
		{ RECORD("node.tpgt = 7\n"), 7 },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct isif_node *CLEANUP(cleanup_node) node = must_parse(PATH, cases[i].text);

		CU_ASSERT_EQUAL(node->tpgt, cases[i].tpgt);
	}
}

static void test_startup(void)
{
	static const struct {
		const char *text;
		enum isif_startup startup;
	} cases[] = {
		{ RECORD(""), ISIF_STARTUP_MANUAL },
		{ RECORD("node.startup = manual\n"), ISIF_STARTUP_MANUAL },
		{ RECORD("node.startup = automatic\n"), ISIF_STARTUP_AUTOMATIC },
		{ RECORD("node.startup = onboot\n"), ISIF_STARTUP_ONBOOT },
		{ RECORD("node.startup = onboot\nnode.startup = manual\n"), ISIF_STARTUP_MANUAL },
		{ RECORD("node.startup=onboot\n"), ISIF_STARTUP_MANUAL },
		{ RECORD("node.conn[0].startup = onboot\n"), ISIF_STARTUP_MANUAL },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct isif_node *CLEANUP(cleanup_node) node = must_parse(PATH, cases[i].text);

		CU_ASSERT_EQUAL(node->startup, cases[i].startup);
	}
}

static void test_half_written(void)
{
	size_t length = strlen(FULL);
	struct isif_node *node;

	CU_ASSERT_EQUAL(isif_node_parse(PATH, "", 0, names, NULL, &node), ISIF_INCOMPLETE);
	for (size_t i = 0; i < length - 1; i++)
		CU_ASSERT_EQUAL(isif_node_parse(PATH, FULL, i, names, NULL, &node),
				ISIF_INCOMPLETE);
}

static void test_bounds(void)
{
	CLEANUP_FREE char *text = malloc(ISIF_RECORD_SIZE + 2);
	struct isif_node *node;

	CU_ASSERT_PTR_NOT_NULL_FATAL(text);
	memset(text, '\n', ISIF_RECORD_SIZE + 1);
	CU_ASSERT_EQUAL(isif_node_parse(PATH, text, ISIF_RECORD_SIZE + 1, names, NULL, &node),
			ISIF_TOO_LONG);
	CU_ASSERT_EQUAL(parse(PATH, RECORD("node.conn[0].port = 65536\n"), NULL, &node),
			ISIF_INVALID);
	CU_ASSERT_EQUAL_FATAL(parse(PATH, RECORD("node.conn[0].port = 65535\n"), NULL, &node),
			      ISIF_OK);
	CU_ASSERT_EQUAL(node->port, 65535);
	isif_node_release(node);
}

/* A value of 256 octets is refused by open-iscsi: the one before it counts. */
static void test_long_value(void)
{
	char text[600];
	int length = snprintf(text, sizeof(text), "node.name = iqn.b\nnode.name = %0256d\n", 0);
	struct isif_node *node;

	strcpy(text + length, "# END RECORD\n");
	node = must_parse(PATH, text);
	CU_ASSERT_STRING_EQUAL(node->target->text, "iqn.b");
	isif_node_release(node);
}

/* A line with a NUL is no setting (isif_record_parse); a name can hold none. */
static void test_nul(void)
{
	static const char text[] = "node.name = iqn\0.b\n# END RECORD\n";
	struct isif_node *node;

	CU_ASSERT_EQUAL_FATAL(isif_node_parse(PATH, text, sizeof(text) - 1, names, NULL, &node),
			      ISIF_OK);
	CU_ASSERT_STRING_EQUAL(node->target->text, "iqn.a");
	CU_ASSERT_EQUAL(strlen(node->target->text), node->target->length);
	isif_node_release(node);
}

static void test_pool(void)
{
	struct isif_record_pool pool = { 0 };
	struct isif_node *one, *two, *other;

	CU_ASSERT_EQUAL_FATAL(parse(PATH, FULL, &pool, &one), ISIF_OK);
	CU_ASSERT_EQUAL_FATAL(parse("nodes/iqn.b/192.0.2.2,3260,1/if0",
				    NODE_RECORD("iqn.b", "192.0.2.2", "3260", "1",
						IFACE("if0", "iface.net_ifacename = san0\n")),
				    &pool, &two),
			      ISIF_OK);
	CU_ASSERT_EQUAL_FATAL(parse(PATH,
				    NODE_RECORD("iqn.a", "192.0.2.1", "3260", "1",
						IFACE("if0", "iface.net_ifacename = san1\n")),
				    &pool, &other),
			      ISIF_OK);
	CU_ASSERT_PTR_EQUAL(one->copy, two->copy);
	CU_ASSERT_PTR_NOT_EQUAL(one->copy, other->copy);
	CU_ASSERT_EQUAL(pool.hash.used, 2);
	isif_node_release(other);
	record_pool_trim(&pool);
	CU_ASSERT_EQUAL(pool.hash.used, 1);
	record_pool_clear(&pool);
	CU_ASSERT_TRUE(has_value(one->copy, "iface.net_ifacename", "san0"));
	isif_node_release(one);
	isif_node_release(two);
}

/* With a pool or without, a text says the same: block scattered, indented, behind long comments. */
static void test_pool_same(void)
{
	static char behind_comment[4600];
	const char *texts[] = {
		FULL,
		RECORD("iface.mtu = 1\nnode.tpgt = 1\niface.port = 2\n"),
		RECORD("  iface.mtu = 1\n  iface.port = 2\n"),
		RECORD("iface.mtu = 1\n# x\niface.mtu = 2\n"),
		RECORD("iface.mtu = 1\r\niface.port = 2\r\n"),
		RECORD("iface.mtu=1\niface.port = 2\n"),
		behind_comment,
	};
	struct isif_record_pool pool = { 0 };

	memset(behind_comment, '#', sizeof(behind_comment));
	memcpy(behind_comment, "iface.port = 2\n", 15);
	strcpy(behind_comment + 15 + 2047, "iface.mtu = 9000\n# END RECORD\n");
	for (size_t i = 0; i < COUNT(texts); i++) {
		struct isif_node *pooled, *plain = must_parse(PATH, texts[i]);

		CU_ASSERT_EQUAL_FATAL(parse(PATH, texts[i], &pool, &pooled), ISIF_OK);
		CU_ASSERT_TRUE(isif_record_same_settings(pooled->copy, plain->copy));
		CU_ASSERT_TRUE(node_equal(pooled, plain));
		isif_node_release(pooled);
		isif_node_release(plain);
	}
	record_pool_clear(&pool);
}

static void test_equal(void)
{
	static const struct {
		const char *text;
		bool same_key, equal;
	} cases[] = {
		{ FULL, true, true },
		{ NODE_RECORD("iqn.b", "192.0.2.1", "3260", "1",
			      IFACE("if0", "iface.net_ifacename = san0\n")),
		  false, false },
		{ NODE_RECORD("iqn.a", "192.0.2.1", "3260", "2",
			      IFACE("if0", "iface.net_ifacename = san0\n")),
		  false, false },
		{ NODE_RECORD("iqn.a", "192.0.2.1", "3260", "1",
			      IFACE("if0", "iface.net_ifacename = san1\n")),
		  true, false },
	};
	struct isif_node *CLEANUP(cleanup_node) node = must_parse(PATH, FULL);

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct isif_node *CLEANUP(cleanup_node) other = must_parse(PATH, cases[i].text);

		CU_ASSERT_EQUAL(node_same_key(node, other), cases[i].same_key);
		CU_ASSERT_EQUAL(node_equal(node, other), cases[i].equal);
	}
}

static enum isif_error parse_iface(const char *file, const char *text,
				   struct isif_iface_record **iface)
{
	*iface = NULL;
	return isif_iface_record_parse(file, text, strlen(text), names, iface);
}

static void test_iface(void)
{
	struct isif_iface_record *CLEANUP(cleanup_iface) iface = NULL;

	CU_ASSERT_EQUAL_FATAL(parse_iface("if0", IFACE_RECORD("if0", "iface.mtu = 1500\n"), &iface),
			      ISIF_OK);
	CU_ASSERT_STRING_EQUAL(iface->name->text, "if0");
	CU_ASSERT_TRUE(has_value(iface->record, "iface.transport_name", "tcp"));
	CU_ASSERT_TRUE(has_value(iface->record, "iface.mtu", "1500"));
}

static void test_iface_name(void)
{
	struct isif_iface_record *iface;

	CU_ASSERT_EQUAL_FATAL(parse_iface("file", IFACE_RECORD("inside", ""), &iface), ISIF_OK);
	CU_ASSERT_STRING_EQUAL(iface->name->text, "inside");
	isif_iface_record_release(iface);
	CU_ASSERT_EQUAL_FATAL(parse_iface("file", RECORD("iface.transport_name = tcp\n"), &iface),
			      ISIF_OK);
	CU_ASSERT_STRING_EQUAL(iface->name->text, "file");
	isif_iface_record_release(iface);
}

static void test_bad_ifaces(void)
{
	struct isif_iface_record *iface;

	CU_ASSERT_EQUAL(parse_iface("a", "", &iface), ISIF_INCOMPLETE);
	CU_ASSERT_EQUAL(parse_iface("a", "# BEGIN RECORD 2.1.8\n" IFACE("a", ""), &iface),
			ISIF_INCOMPLETE);
	CU_ASSERT_EQUAL(parse_iface("a", RECORD("iface.iscsi_ifacename = a\n"), &iface),
			ISIF_INVALID);
}

void add_node_tests(void)
{
	CU_pSuite suite =
		CU_add_suite_with_setup_and_teardown("node", NULL, NULL, set_up, tear_down);

	CU_add_test(suite, "a node record", test_record);
	CU_add_test(suite, "both layouts, the last commas of a portal count", test_paths);
	CU_add_test(suite, "what is no record's path is refused", test_no_record_paths);
	CU_add_test(suite, "names of the content win over the path", test_content_wins);
	CU_add_test(suite, "a key that ends with an '='", test_two_equals);
	CU_add_test(suite, "a group out of range is not known", test_tpgt);
	CU_add_test(suite, "startup is manual unless it says else", test_startup);
	CU_add_test(suite, "a half-written record is incomplete", test_half_written);
	CU_add_test(suite, "texts and ports out of bounds are refused", test_bounds);
	CU_add_test(suite, "a value of 256 octets does not count", test_long_value);
	CU_add_test(suite, "a line with a NUL does not count", test_nul);
	CU_add_test(suite, "equal iface copies are stored once", test_pool);
	CU_add_test(suite, "the pool changes no copy", test_pool_same);
	CU_add_test(suite, "equality of nodes and of their keys", test_equal);
	CU_add_test(suite, "an iface record", test_iface);
	CU_add_test(suite, "an iface's name is the one inside, else the file's", test_iface_name);
	CU_add_test(suite, "an iface without end line or transport is none", test_bad_ifaces);
}
