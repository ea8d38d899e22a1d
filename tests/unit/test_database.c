/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A database of the test's own in a real directory, changed as iscsiadm and editors do. */
#include "suites.h"

#include "clock.h"
#include "fault.h"
#include "records.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define NEVER UINT64_MAX

#define IFACE_MTU(name, mtu)	     IFACE_RECORD(name, "iface.mtu = " mtu "\n")
#define NODE(target, address, iface) NODE_RECORD(target, address, "3260", "1", IFACE(iface, ""))

static void test_load(void)
{
	put_file("ifaces/b", IFACE_MTU("b", "2"));
	put_file("ifaces/a", IFACE_MTU("a", "1"));
	put_file("nodes/iqn.a/192.0.2.1,3260,1/a", NODE("iqn.a", "192.0.2.1", "a"));
	put_file("nodes/iqn.a/192.0.2.1,3260,1/b", NODE("iqn.a", "192.0.2.1", "b"));
	put_file("nodes/iqn.old/192.0.2.2,3260",
		 RECORD("node.name = iqn.old\niface.iscsi_ifacename = c\n"));
	put_file("send_targets/192.0.2.1,3260/st_config", "discovery.type = sendtargets\n");
	put_file("iscsid.conf", "node.startup = automatic\n");
	open_database();
	CU_ASSERT_TRUE(has_ifaces(""));
	CU_ASSERT_TRUE(work());
	CU_ASSERT_TRUE(has_ifaces("a:a=1 b:b=2"));
	CU_ASSERT_EQUAL(counts().bad_records, 0);
	CU_ASSERT_EQUAL(records.lines.count, 0);
	/* Targets come in no order of their own; take the one with the old layout away. */
	CU_ASSERT_EQUAL(remove(scratch("nodes/iqn.old/192.0.2.2,3260")), 0);
	CU_ASSERT_TRUE(take_changes());
	CU_ASSERT_TRUE(has_nodes("iqn.a/192.0.2.1,3260/a iqn.a/192.0.2.1,3260/b"));
}

/* A start serves what it has read before it watches anything. */
static void test_between(void)
{
	bool more;

	put_file("ifaces/a", IFACE_MTU("a", "1"));
	put_file("ifaces/b", IFACE_MTU("b", "1"));
	open_database();
	CU_ASSERT_FALSE(isif_database_is_loaded(records.database));
	CU_ASSERT_TRUE(isif_database_work(records.database, UINT64_MAX, &more));
	CU_ASSERT_TRUE(isif_database_is_loaded(records.database));
	CU_ASSERT_TRUE(more);
	CU_ASSERT_TRUE(has_ifaces("a:a=1 b:b=1"));
	put_file("ifaces/a", IFACE_MTU("a", "2"));
	put_file("ifaces/c", IFACE_MTU("c", "2"));
	remove_file("ifaces/b");
	CU_ASSERT_FALSE(take_changes());
	CU_ASSERT_TRUE(work());
	CU_ASSERT_TRUE(has_ifaces("a:a=2 c:c=2"));
	put_file("ifaces/a", IFACE_MTU("a", "3"));
	CU_ASSERT_TRUE(take_changes());
	CU_ASSERT_TRUE(has_ifaces("a:a=3 c:c=2"));
}

static void test_empty(void)
{
	remove_file("nodes");
	remove_file("ifaces");
	open_database();
	work();
	CU_ASSERT_TRUE(has_ifaces(""));
	put_file("ifaces/a", IFACE_MTU("a", "1"));
	put_file("nodes/iqn.a/192.0.2.1,3260,1/a", NODE("iqn.a", "192.0.2.1", "a"));
	CU_ASSERT_TRUE(take_changes());
	CU_ASSERT_TRUE(has_ifaces("a:a=1"));
	CU_ASSERT_TRUE(has_nodes("iqn.a/192.0.2.1,3260/a"));
}

static void test_rename(void)
{
	put_file("ifaces/a", IFACE_MTU("a", "1"));
	load();
	put_file("temporary", IFACE_MTU("a", "2"));
	CU_ASSERT_FALSE(take_changes());
	CU_ASSERT_EQUAL(rename(scratch("temporary"), scratch("ifaces/a")), 0);
	CU_ASSERT_TRUE(take_changes());
	CU_ASSERT_TRUE(has_ifaces("a:a=2"));
	CU_ASSERT_EQUAL(rename(scratch("ifaces/a"), scratch("ifaces/b")), 0);
	CU_ASSERT_TRUE(take_changes());
	CU_ASSERT_TRUE(has_ifaces("b:a=2"));
}

static void test_truncating_write(void)
{
	put_file("ifaces/a", IFACE_MTU("a", "1"));
	load();
	put_file("ifaces/a", IFACE_MTU("a", "2"));
	CU_ASSERT_TRUE(take_changes());
	CU_ASSERT_TRUE(has_ifaces("a:a=2"));
}

/* Written again with what it said before, it is no change: no new snapshot may come of it. */
static void test_same_again(void)
{
	put_file("ifaces/a", IFACE_MTU("a", "1"));
	put_file("nodes/iqn.a/192.0.2.1,3260,1/a", NODE("iqn.a", "192.0.2.1", "a"));
	load();
	put_file("ifaces/a", IFACE_MTU("a", "1"));
	put_file("nodes/iqn.a/192.0.2.1,3260,1/a", NODE("iqn.a", "192.0.2.1", "a"));
	CU_ASSERT_FALSE(take_changes());
	isif_database_resync(records.database);
	CU_ASSERT_FALSE(work());
}

static void test_delete(void)
{
	put_file("ifaces/a", IFACE_MTU("a", "1"));
	put_file("nodes/iqn.a/192.0.2.1,3260,1/a", NODE("iqn.a", "192.0.2.1", "a"));
	load();
	remove_file("ifaces/a");
	CU_ASSERT_TRUE(take_changes());
	CU_ASSERT_TRUE(has_ifaces(""));
	remove_file("nodes/iqn.a/192.0.2.1,3260,1/a");
	remove_file("nodes/iqn.a/192.0.2.1,3260,1");
	remove_file("nodes/iqn.a");
	CU_ASSERT_TRUE(take_changes());
	CU_ASSERT_TRUE(has_nodes(""));
	/* And it may come back under the same name. */
	put_file("nodes/iqn.a/192.0.2.1,3260,1/a", NODE("iqn.a", "192.0.2.1", "a"));
	CU_ASSERT_TRUE(take_changes());
	CU_ASSERT_TRUE(has_nodes("iqn.a/192.0.2.1,3260/a"));
}

static void test_new_directory(void)
{
	load();
	put_file("nodes/iqn.a/192.0.2.1,3260,1/a", NODE("iqn.a", "192.0.2.1", "a"));
	CU_ASSERT_TRUE(take_changes());
	CU_ASSERT_TRUE(has_nodes("iqn.a/192.0.2.1,3260/a"));
	put_file("nodes/iqn.a/192.0.2.1,3260,1/b", NODE("iqn.a", "192.0.2.1", "b"));
	CU_ASSERT_TRUE(take_changes());
	CU_ASSERT_TRUE(has_nodes("iqn.a/192.0.2.1,3260/a iqn.a/192.0.2.1,3260/b"));
}

static void test_moved_directory(void)
{
	put_file("nodes/iqn.a/192.0.2.1,3260,1/a", RECORD("node.tpgt = 1\n"));
	load();
	CU_ASSERT_EQUAL(rename(scratch("nodes/iqn.a"), scratch("nodes/iqn.b")), 0);
	CU_ASSERT_TRUE(take_changes());
	CU_ASSERT_TRUE(has_nodes("iqn.b/192.0.2.1,3260/a"));
	put_file("nodes/iqn.b/192.0.2.1,3260,1/c", RECORD("node.tpgt = 1\n"));
	CU_ASSERT_TRUE(take_changes());
	CU_ASSERT_TRUE(has_nodes("iqn.b/192.0.2.1,3260/a iqn.b/192.0.2.1,3260/c"));
	CU_ASSERT_EQUAL(rename(scratch("nodes/iqn.b"), scratch("elsewhere")), 0);
	CU_ASSERT_TRUE(take_changes());
	CU_ASSERT_TRUE(has_nodes(""));
}

/* The retries of a half-written record, at the times that it asks for; returns their number. */
static int retry_until_quiet(void)
{
	int retries = 0;
	uint64_t due;

	while ((due = isif_database_due(records.database)) != NEVER && retries < 100) {
		isif_database_changes(records.database, due);
		retries++;
	}
	return retries;
}

static void test_half_written(void)
{
	put_file("ifaces/a", IFACE_MTU("a", "1"));
	load();
	CU_ASSERT_EQUAL(isif_database_due(records.database), NEVER);
	put_file("ifaces/a", "# BEGIN RECORD 2.1.8\niface.iscsi_ifacename = a\n");
	CU_ASSERT_FALSE(take_changes());
	CU_ASSERT_TRUE(has_ifaces("a:a=1"));
	CU_ASSERT_EQUAL(counts().bad_records, 0);
	CU_ASSERT_NOT_EQUAL(isif_database_due(records.database), NEVER);
	/* Somebody finishes it. */
	put_file("ifaces/a", IFACE_MTU("a", "2"));
	CU_ASSERT_TRUE(take_changes());
	CU_ASSERT_TRUE(has_ifaces("a:a=2"));
	retry_until_quiet();
	CU_ASSERT_FALSE(work());
	CU_ASSERT_EQUAL(records.lines.count, 0);
}

static void test_half_written_for_ever(void)
{
	put_file("ifaces/a", IFACE_MTU("a", "1"));
	load();
	put_file("ifaces/a", "# BEGIN RECORD 2.1.8\niface.iscsi_ifacename = a\n");
	take_changes();
	CU_ASSERT_TRUE(retry_until_quiet() >= 2);
	CU_ASSERT_TRUE(work());
	CU_ASSERT_EQUAL(counts().bad_records, 1);
	CU_ASSERT_TRUE(has_ifaces(""));
	CU_ASSERT_EQUAL(records.lines.count, 1);
	CU_ASSERT_PTR_NOT_NULL(strstr(records.lines.all, "ifaces/a"));
	/* Told once, however often it is read again. */
	isif_database_resync(records.database);
	CU_ASSERT_FALSE(work());
	CU_ASSERT_EQUAL(records.lines.count, 1);
	put_file("ifaces/a", IFACE_MTU("a", "2"));
	CU_ASSERT_TRUE(take_changes());
	CU_ASSERT_TRUE(has_ifaces("a:a=2"));
	CU_ASSERT_EQUAL(counts().bad_records, 0);
	CU_ASSERT_EQUAL(records.lines.count, 2);
}

static void test_half_written_at_load(void)
{
	put_file("ifaces/a", "");
	load();
	CU_ASSERT_TRUE(has_ifaces(""));
	CU_ASSERT_EQUAL(counts().bad_records, 0);
	CU_ASSERT_TRUE(retry_until_quiet() >= 2);
	CU_ASSERT_EQUAL(counts().bad_records, 1);
	remove_file("ifaces/a");
	CU_ASSERT_TRUE(take_changes());
	CU_ASSERT_EQUAL(counts().bad_records, 0);
}

/* The next so many calls of a kind fail, while what changed is read. */
static void fail_changes(enum fault_kind kind, int error)
{
	fault_at(FAULT_SELF, kind, 1, error, true);
	isif_database_changes(records.database, 0);
	CU_ASSERT_TRUE(fault_end());
}

/* Nobody tells that the disk, or memory, is there again. */
static void test_unreadable_for_a_moment(void)
{
	static const struct {
		enum fault_kind kind;
		int error;
	} cases[] = {
		{ FAULT_OPEN, EMFILE },
		{ FAULT_OPEN, EIO },
		{ FAULT_MALLOC, ENOMEM },
	};

	put_file("ifaces/a", IFACE_MTU("a", "0"));
	load();
	for (size_t i = 0; i < COUNT(cases); i++) {
		const char *const now = i % 2 ? "a:a=2" : "a:a=1";
		const char *const before = i % 2 ? "a:a=1" : i ? "a:a=2" : "a:a=0";

		put_file("ifaces/a", i % 2 ? IFACE_MTU("a", "2") : IFACE_MTU("a", "1"));
		fail_changes(cases[i].kind, cases[i].error);
		CU_ASSERT_TRUE(has_ifaces(before));
		CU_ASSERT_NOT_EQUAL_FATAL(isif_database_due(records.database), NEVER);
		retry_until_quiet();
		work();
		CU_ASSERT_TRUE(has_ifaces(now));
	}
	CU_ASSERT_EQUAL(counts().bad_records, 0);
	CU_ASSERT_EQUAL(records.lines.count, 0);
}

/* It lasts: the record is bad after half a second, and is tried on none the less. */
static void test_unreadable_for_long(void)
{
	put_file("ifaces/a", IFACE_MTU("a", "1"));
	load();
	put_file("ifaces/a", IFACE_MTU("a", "2"));
	fault_at(FAULT_SELF, FAULT_OPEN, 1, EIO, true);
	isif_database_changes(records.database, 0);
	CU_ASSERT_EQUAL(retry_until_quiet(), 100);
	CU_ASSERT_TRUE(fault_end());
	CU_ASSERT_TRUE(isif_database_due(records.database) - clock_ns() > 5000000000);
	work();
	CU_ASSERT_TRUE(has_ifaces(""));
	CU_ASSERT_EQUAL(counts().bad_records, 1);
	CU_ASSERT_EQUAL(records.lines.count, 1);
	CU_ASSERT_EQUAL(retry_until_quiet(), 1);
	work();
	CU_ASSERT_TRUE(has_ifaces("a:a=2"));
	CU_ASSERT_EQUAL(counts().bad_records, 0);
}

static void test_unreadable_directory(void)
{
	put_file("ifaces/a", IFACE_MTU("a", "1"));
	load();
	put_file("nodes/iqn.a/192.0.2.1,3260,1/a", NODE("iqn.a", "192.0.2.1", "a"));
	isif_database_changes(records.database, 0);
	fault_at(FAULT_SELF, FAULT_OPEN, 1, EMFILE, true);
	work();
	CU_ASSERT_TRUE(fault_end());
	CU_ASSERT_TRUE(has_nodes(""));
	CU_ASSERT_EQUAL(counts().bad_records, 1);
	for (int i = 0; i < 5; i++) {
		retry_until_quiet();
		work();
	}
	CU_ASSERT_TRUE(has_nodes("iqn.a/192.0.2.1,3260/a"));
	CU_ASSERT_EQUAL(counts().bad_records, 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(records.lines.all, "nodes/iqn.a is readable again"));
}

static void test_one_bad(void)
{
	put_file("ifaces/a", RECORD("iface.iscsi_ifacename = a\n"));
	put_file("ifaces/b", IFACE_MTU("b", "2"));
	put_file("nodes/iqn.a/no-portal/a", NODE("iqn.a", "192.0.2.1", "a"));
	put_file("nodes/iqn.a/192.0.2.1,3260,1/a", NODE("iqn.a", "192.0.2.1", "a"));
	load();
	CU_ASSERT_TRUE(has_ifaces("b:b=2"));
	CU_ASSERT_TRUE(has_nodes("iqn.a/192.0.2.1,3260/a"));
	CU_ASSERT_EQUAL(counts().bad_records, 2);
	CU_ASSERT_EQUAL(records.lines.count, 2);
}

static void test_no_records(void)
{
	put_file("ifaces/iface.example", "# an example\n");
	put_directory("ifaces/directory");
	put_link("ifaces/dangling", "nowhere");
	CU_ASSERT_EQUAL(mkfifo(scratch("ifaces/fifo"), 0600), 0);
	put_file("ifaces/a", IFACE_MTU("a", "1"));
	load();
	CU_ASSERT_TRUE(has_ifaces("a:a=1"));
	CU_ASSERT_EQUAL(counts().bad_records, 3);
	CU_ASSERT_PTR_NULL(strstr(records.lines.all, "iface.example"));
}

/* The same objects, made while we look on. */
static void test_no_records_later(void)
{
	static const char *const things[] = { "ifaces/fifo", "ifaces/directory",
					      "ifaces/dangling" };

	load();
	put_file("ifaces/iface.example", "# an example\n");
	take_changes();
	CU_ASSERT_EQUAL(counts().bad_records, 0);
	CU_ASSERT_EQUAL(mkfifo(scratch("ifaces/fifo"), 0600), 0);
	take_changes();
	CU_ASSERT_EQUAL(counts().bad_records, 1);
	put_directory("ifaces/directory");
	take_changes();
	CU_ASSERT_EQUAL(counts().bad_records, 2);
	put_link("ifaces/dangling", "nowhere");
	take_changes();
	CU_ASSERT_EQUAL(counts().bad_records, 3);
	for (size_t i = 0; i < COUNT(things); i++)
		remove_file(things[i]);
	take_changes();
	CU_ASSERT_EQUAL(counts().bad_records, 0);
}

static void test_link(void)
{
	put_file("real", IFACE_MTU("a", "1"));
	put_link("ifaces/a", "../real");
	load();
	CU_ASSERT_TRUE(has_ifaces("a:a=1"));
}

/* open-iscsi follows links wherever it looks: nodes may well lie on another file system. */
static void test_linked_directory(void)
{
	put_file("elsewhere/iqn.a/192.0.2.1,3260,1/a", NODE("iqn.a", "192.0.2.1", "a"));
	remove_file("nodes");
	put_link("nodes", "elsewhere");
	load();
	CU_ASSERT_TRUE(has_nodes("iqn.a/192.0.2.1,3260/a"));
	CU_ASSERT_EQUAL(counts().bad_records, 0);
}

static void count_node(void *context, struct isif_node *node)
{
	unsigned *seen = context;

	CU_ASSERT_TRUE(node->port > 0 && node->port <= 60);
	seen[node->port]++;
}

/* So many directories are read by more than one thread. */
static void test_many(void)
{
	unsigned seen[61] = { 0 };
	char name[64];

	for (unsigned i = 1; i <= 60; i++) {
		snprintf(name, sizeof(name), "nodes/iqn.%u/192.0.2.1,%u,1/a", i % 30, i);
		put_file(name, RECORD(IFACE("a", "") "node.session.auth.password = alice\n"));
	}
	load();
	isif_database_each_node(records.database, count_node, seen);
	for (unsigned i = 1; i <= 60; i++)
		CU_ASSERT_EQUAL(seen[i], 1);
	put_file("nodes/iqn.7/192.0.2.1,7,1/a", "");
	take_changes();
	CU_ASSERT_NOT_EQUAL(isif_database_due(records.database), NEVER);
}

static void test_slices(void)
{
	bool more = false;

	put_file("ifaces/a", IFACE_MTU("a", "1"));
	open_database();
	isif_database_work(records.database, 0, &more);
	CU_ASSERT_TRUE(more);
	CU_ASSERT_TRUE(work());
	CU_ASSERT_TRUE(has_ifaces("a:a=1"));
	/* While a resync has had no time yet, what was there before is served. */
	remove_file("ifaces/a");
	isif_database_resync(records.database);
	CU_ASSERT_FALSE(isif_database_work(records.database, 0, &more));
	CU_ASSERT_TRUE(more);
	CU_ASSERT_TRUE(has_ifaces("a:a=1"));
	CU_ASSERT_TRUE(work());
	CU_ASSERT_TRUE(has_ifaces(""));
}

static void test_unwatched(void)
{
	records.refuse_watches = true;
	put_file("ifaces/a", IFACE_MTU("a", "1"));
	load();
	CU_ASSERT_TRUE(has_ifaces("a:a=1"));
	CU_ASSERT_TRUE(counts().unwatched);
	CU_ASSERT_EQUAL(records.lines.count, 1);
	put_file("ifaces/a", IFACE_MTU("a", "2"));
	CU_ASSERT_FALSE(take_changes());
	isif_database_resync(records.database);
	CU_ASSERT_TRUE(work());
	CU_ASSERT_TRUE(has_ifaces("a:a=2"));
	CU_ASSERT_EQUAL(records.lines.count, 1);
}

static void test_watched(void)
{
	load();
	CU_ASSERT_FALSE(counts().unwatched);
}

static void test_overflow(void)
{
	records.refuse_watches = true;
	load();
	put_file("ifaces/a", IFACE_MTU("a", "1"));
	records.overflow = true;
	isif_database_changes(records.database, 0);
	CU_ASSERT_EQUAL(counts().overflows, 1);
	CU_ASSERT_TRUE(work());
	CU_ASSERT_TRUE(has_ifaces("a:a=1"));
}

void add_database_tests(void)
{
	CU_pSuite suite = CU_add_suite_with_setup_and_teardown("database", NULL, NULL, records_open,
							       records_close);

	CU_add_test(suite, "records of both kinds and layouts are read", test_load);
	CU_add_test(suite, "what changes between reading and watching is seen", test_between);
	CU_add_test(suite, "directories may come later", test_empty);
	CU_add_test(suite, "a rename is seen", test_rename);
	CU_add_test(suite, "a truncating write is seen", test_truncating_write);
	CU_add_test(suite, "the same content again is no change", test_same_again);
	CU_add_test(suite, "deleted records and directories go", test_delete);
	CU_add_test(suite, "records in new directories are seen", test_new_directory);
	CU_add_test(suite, "a directory that is moved is followed", test_moved_directory);
	CU_add_test(suite, "a half-written record keeps its old value", test_half_written);
	CU_add_test(suite, "never finished it is bad, told once, and good again",
		    test_half_written_for_ever);
	CU_add_test(suite, "half-written at the start", test_half_written_at_load);
	CU_add_test(suite, "what cannot be read for a moment", test_unreadable_for_a_moment);
	CU_add_test(suite, "what cannot be read for long", test_unreadable_for_long);
	CU_add_test(suite, "a directory that cannot be read for a moment",
		    test_unreadable_directory);
	CU_add_test(suite, "one bad record hides no other", test_one_bad);
	CU_add_test(suite, "what is no record is bad, and does not block", test_no_records);
	CU_add_test(suite, "and so it is when it comes later", test_no_records_later);
	CU_add_test(suite, "a link to a record is a record", test_link);
	CU_add_test(suite, "a link to a directory is a directory", test_linked_directory);
	CU_add_test(suite, "many directories are read completely", test_many);
	CU_add_test(suite, "without time left the old records are served", test_slices);
	CU_add_test(suite, "refused watches are told; a resync reads", test_unwatched);
	CU_add_test(suite, "no refused watch is told without one", test_watched);
	CU_add_test(suite, "lost events lead to a resync", test_overflow);
}
