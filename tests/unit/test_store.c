/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Transactions on the files of a database of the test's own. */
#include "suites.h"

#include <isif/privileged.h>

#include "allocation.h"
#include "helpers.h"
#include "stock.h"
#include "tree.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FIRST "nodes/iqn.a/192.0.2.1,3260,1/"
#define LAST  "nodes/iqn.b/192.0.2.3,3260,1/if0"

static struct isif_privileged *gate;
static struct lines lines;
static struct isif_log log_here;
static char *before; /* the database, as it was */
static size_t failed;

static void open_store(void)
{
	CU_ASSERT_EQUAL_FATAL(stock_open(scratch("store"), &log_here, &gate), ISIF_OK);
}

static void close_store(void)
{
	isif_privileged_close(gate);
	gate = NULL;
}

/* The database anew, as stock.c has it. */
static void renew(void)
{
	close_store();
	free(before);
	stock_make(scratch("store"));
	before = tree_text(scratch("store/db"));
	lines = (struct lines){ 0 };
	open_store();
}

static void set_up(void)
{
	log_here = log_into(&lines);
	scratch_make();
	renew();
}

static void tear_down(void)
{
	close_store();
	free(before);
	before = NULL;
	scratch_remove();
}

static bool is_unchanged(void)
{
	char *now = tree_text(scratch("store/db"));
	bool same = !strcmp(now, before);

	if (!same)
		printf("# it was:\n%s\n# it is:\n%s\n", before, now);
	free(now);
	return same;
}

static bool has_text(const char *path, const char *text)
{
	char found[8192] = "", name[PATH_MAX];
	FILE *file;

	snprintf(name, sizeof(name), "%s", scratch("store/db/%s", path));
	file = fopen(name, "re");
	if (file) {
		found[fread(found, 1, sizeof(found) - 1, file)] = '\0';
		fclose(file);
	}
	if (!strcmp(found, text))
		return true;
	printf("# %s is:\n%s\n# not:\n%s\n", path, found, text);
	return false;
}

static bool leads_to(const char *link, const char *path)
{
	char to[PATH_MAX] = "", name[PATH_MAX], expected[PATH_MAX];

	snprintf(name, sizeof(name), "%s", scratch("store/db/%s", link));
	snprintf(expected, sizeof(expected), "%s", scratch("store/db/%s", path));
	return readlink(name, to, sizeof(to) - 1) > 0 && !strcmp(to, expected);
}

static bool exists(const char *path)
{
	struct stat status;

	return !lstat(scratch("store/db/%s", path), &status);
}

static bool is_locked(void)
{
	return file_exists("store/lock/lock.write");
}

static void begin(void)
{
	const char *why;

	CU_ASSERT_EQUAL_FATAL(gate->operations->begin(gate, 0, &why), ISIF_OK);
	CU_ASSERT_TRUE(is_locked());
}

static enum isif_error commit(const struct isif_edit *edits, size_t count)
{
	return gate->operations->commit(gate, edits, count, &failed);
}

/* Ends it: nothing of ours is left. */
static void end(void)
{
	gate->operations->end(gate);
	CU_ASSERT_FALSE(is_locked());
	CU_ASSERT_FALSE(tree_is_littered(scratch("store/db")));
}

static enum isif_error change(const struct isif_edit *edits, size_t count)
{
	enum isif_error error;

	begin();
	error = commit(edits, count);
	end();
	return error;
}

static enum isif_error change_by_case(const char *name)
{
	for (size_t i = 0; i < stock_case_count; i++)
		if (!strcmp(stock_cases[i].name, name))
			return change(stock_cases[i].edits, stock_cases[i].count);
	CU_FAIL_FATAL("no such case");
	return ISIF_INVALID;
}

static void test_setting(void)
{
	struct stat status;

	CU_ASSERT_EQUAL(change_by_case("one setting"), ISIF_OK);
	CU_ASSERT_TRUE(has_text("ifaces/if0", STOCK_IFACE("if0", "eth7")));
	CU_ASSERT_TRUE(has_text("ifaces/if1", STOCK_IFACE("if1", "eth1")));
	CU_ASSERT_EQUAL(stat(scratch("store/db/ifaces/if0"), &status), 0);
	CU_ASSERT_EQUAL(status.st_mode, S_IFREG | 0600);
	CU_ASSERT_EQUAL(lines.count, 0);
}

static void test_new_iface(void)
{
	const struct isif_edit edit = { .kind = ISIF_EDIT_NEW_IFACE, .path = "ifaces/first" };
	struct stat status;

	CU_ASSERT_EQUAL(change_by_case("a new iface"), ISIF_OK);
	CU_ASSERT_TRUE(exists("ifaces/if3"));
	/* A database without any. */
	CU_ASSERT_EQUAL(rename(scratch("store/db/ifaces"), scratch("store/away")), 0);
	CU_ASSERT_EQUAL(change(&edit, 1), ISIF_OK);
	CU_ASSERT_EQUAL(stat(scratch("store/db/ifaces"), &status), 0);
	CU_ASSERT_EQUAL(status.st_mode, S_IFDIR | 0700);
	CU_ASSERT_EQUAL(stat(scratch("store/db/ifaces/first"), &status), 0);
	CU_ASSERT_EQUAL(status.st_mode, S_IFREG | 0600);
}

/* The link is what "iscsiadm -m node -o new" makes. */
static void test_new_binding(void)
{
	CU_ASSERT_EQUAL(change_by_case("a new binding like another"), ISIF_OK);
	CU_ASSERT_TRUE(exists("nodes/iqn.new/192.0.2.9,3260,1/if0"));
	CU_ASSERT_TRUE(
		leads_to("static/iqn.new,192.0.2.9,3260,1,if0", "nodes/iqn.new/192.0.2.9,3260,1"));
	renew();
	CU_ASSERT_EQUAL(rename(scratch("store/db/static"), scratch("store/away")), 0);
	CU_ASSERT_EQUAL(change_by_case("a new binding from iscsid.conf"), ISIF_OK);
	CU_ASSERT_TRUE(exists("nodes/iqn.new/192.0.2.9,3260,1/if0"));
	CU_ASSERT_TRUE(
		leads_to("static/iqn.new,192.0.2.9,3260,1,if0", "nodes/iqn.new/192.0.2.9,3260,1"));
}

/* A link that is there already, of a record that is gone, is as good as a new one. */
static void test_old_link(void)
{
	put_link("store/db/static/iqn.new,192.0.2.9,3260,1,if0",
		 scratch("store/db/nodes/iqn.new/192.0.2.9,3260,1"));
	CU_ASSERT_EQUAL(change_by_case("a new binding like another"), ISIF_OK);
	CU_ASSERT_TRUE(
		leads_to("static/iqn.new,192.0.2.9,3260,1,if0", "nodes/iqn.new/192.0.2.9,3260,1"));
}

static void test_move(void)
{
	CU_ASSERT_EQUAL(change_by_case("a binding moves"), ISIF_OK);
	CU_ASSERT_FALSE(exists(FIRST "if0"));
	CU_ASSERT_FALSE(exists("static/iqn.a,192.0.2.1,3260,1,if0"));
	CU_ASSERT_TRUE(
		has_text(FIRST "if2", STOCK_NODE("iqn.a", "1", "if2", STOCK_STATIC, "192.0.2.1")));
	CU_ASSERT_TRUE(
		leads_to("static/iqn.a,192.0.2.1,3260,1,if2", "nodes/iqn.a/192.0.2.1,3260,1"));
	CU_ASSERT_TRUE(leads_to("send_targets/192.0.2.100,3260/iqn.a,192.0.2.1,3260,1,if1",
				"nodes/iqn.a/192.0.2.1,3260,1"));
}

/* The old record and its link stay, until somebody removes them. */
static void test_copy(void)
{
	CU_ASSERT_EQUAL(change_by_case("a binding gets a second record"), ISIF_OK);
	CU_ASSERT_TRUE(
		has_text(FIRST "if0", STOCK_NODE("iqn.a", "1", "if0", STOCK_STATIC, "192.0.2.1")));
	CU_ASSERT_TRUE(
		has_text(FIRST "if2", STOCK_NODE("iqn.a", "1", "if2", STOCK_STATIC, "192.0.2.1")));
	CU_ASSERT_TRUE(
		leads_to("static/iqn.a,192.0.2.1,3260,1,if0", "nodes/iqn.a/192.0.2.1,3260,1"));
	CU_ASSERT_TRUE(
		leads_to("static/iqn.a,192.0.2.1,3260,1,if2", "nodes/iqn.a/192.0.2.1,3260,1"));
}

static void test_swap(void)
{
	CU_ASSERT_EQUAL(change_by_case("two bindings change places"), ISIF_OK);
	CU_ASSERT_TRUE(
		has_text(FIRST "if0", STOCK_NODE("iqn.a", "1", "if0", STOCK_SENT, "192.0.2.1")));
	CU_ASSERT_TRUE(
		has_text(FIRST "if1", STOCK_NODE("iqn.a", "1", "if1", STOCK_STATIC, "192.0.2.1")));
	CU_ASSERT_TRUE(exists("static/iqn.a,192.0.2.1,3260,1,if1"));
	CU_ASSERT_TRUE(exists("send_targets/192.0.2.100,3260/iqn.a,192.0.2.1,3260,1,if0"));
	CU_ASSERT_FALSE(exists("static/iqn.a,192.0.2.1,3260,1,if0"));
	CU_ASSERT_FALSE(exists("send_targets/192.0.2.100,3260/iqn.a,192.0.2.1,3260,1,if1"));
}

static void test_remove(void)
{
	const struct isif_edit one_of_two = { .kind = ISIF_EDIT_REMOVE, .path = FIRST "if0" };

	CU_ASSERT_EQUAL(change_by_case("an iface is removed"), ISIF_OK);
	CU_ASSERT_FALSE(exists("ifaces/if1"));
	CU_ASSERT_EQUAL(change_by_case("the last binding of a target is removed"), ISIF_OK);
	CU_ASSERT_FALSE(exists("nodes/iqn.b") || exists("static/iqn.b,192.0.2.3,3260,1,if0"));
	CU_ASSERT_EQUAL(change(&one_of_two, 1), ISIF_OK);
	CU_ASSERT_FALSE(exists(FIRST "if0") || exists("static/iqn.a,192.0.2.1,3260,1,if0"));
	CU_ASSERT_TRUE(exists(FIRST "if1"));
	/* Both records of a portal, and the other portal stays. */
	renew();
	CU_ASSERT_EQUAL(change((const struct isif_edit[]){ one_of_two,
							   { .kind = ISIF_EDIT_REMOVE,
							     .path = FIRST "if1" } },
			       2),
			ISIF_OK);
	CU_ASSERT_FALSE(exists("nodes/iqn.a/192.0.2.1,3260,1"));
	CU_ASSERT_TRUE(exists("nodes/iqn.a/192.0.2.2,3260,1/if0"));
}

static void test_old_record(void)
{
	static const char path[] = "nodes/iqn.old/192.0.2.4,3260";
	const struct isif_edit_line line = { "iface.iscsi_ifacename", "if0", "if2" };
	const struct isif_edit edit = { .kind = ISIF_EDIT_MOVE_NODE,
					.path = path,
					.other = path,
					.lines = &line,
					.line_count = 1 };

	CU_ASSERT_EQUAL(change(&edit, 1), ISIF_OK);
	CU_ASSERT_TRUE(
		has_text(path, STOCK_NODE("iqn.old", "-1", "if2", STOCK_STATIC, "192.0.2.4")));
	CU_ASSERT_EQUAL(change_by_case("an old record is removed"), ISIF_OK);
	CU_ASSERT_FALSE(exists("nodes/iqn.old"));
}

/* What every kind of change does, an undo takes back. */
static void test_undo(void)
{
	for (size_t i = 0; i < stock_case_count; i++) {
		renew();
		begin();
		CU_ASSERT_EQUAL(commit(stock_cases[i].edits, stock_cases[i].count), ISIF_OK);
		CU_ASSERT_TRUE(is_locked());
		CU_ASSERT_EQUAL(gate->operations->undo(gate), ISIF_OK);
		end();
		CU_ASSERT_TRUE(is_unchanged());
		CU_ASSERT_EQUAL(lines.count, 0);
	}
}

/* Somebody else wrote a record since: it stays, and the others are put back. */
static void test_undo_changed(void)
{
	const struct stock_case *all = &stock_cases[stock_case_count - 1];

	begin();
	CU_ASSERT_EQUAL(commit(all->edits, all->count), ISIF_OK);
	put_file("store/db/ifaces/if0", STOCK_IFACE("if0", "of-another"));
	put_file("store/db/ifaces/if1", STOCK_IFACE("if1", "made-again"));
	CU_ASSERT_EQUAL(gate->operations->undo(gate), ISIF_OK);
	end();
	CU_ASSERT_EQUAL(lines.count, 2);
	CU_ASSERT_PTR_NOT_NULL(strstr(lines.all, "/ifaces/if0 was changed by somebody else"));
	CU_ASSERT_TRUE(has_text("ifaces/if0", STOCK_IFACE("if0", "of-another")));
	CU_ASSERT_TRUE(has_text("ifaces/if1", STOCK_IFACE("if1", "made-again")));
	put_file("store/db/ifaces/if0", STOCK_IFACE("if0", "eth0"));
	put_file("store/db/ifaces/if1", STOCK_IFACE("if1", "eth1"));
	chmod(scratch("store/db/ifaces/if1"), 0600);
	CU_ASSERT_TRUE(is_unchanged());
}

/* Even where it is no record any more. */
static void test_undo_replaced(void)
{
	const struct stock_case *setting = &stock_cases[0];

	begin();
	CU_ASSERT_EQUAL(commit(setting->edits, setting->count), ISIF_OK);
	remove_file("store/db/ifaces/if0");
	put_directory("store/db/ifaces/if0");
	CU_ASSERT_EQUAL(gate->operations->undo(gate), ISIF_OK);
	end();
	CU_ASSERT_EQUAL(lines.count, 1);
	CU_ASSERT_TRUE(exists("ifaces/if0"));
}

/* Each of these is at fault wherever it stands among good ones, and then nothing happens. */
static void test_errors(void)
{
	static const struct isif_edit_line wrong_old[] = { { "iface.mtu", "9000", "1500" } };
	static const struct isif_edit_line secret[] = { { "node.session.auth.password", NULL,
							  "x" } };
	static const struct isif_edit_line foreign[] = { { "node.session.cmds_max", NULL, "1" } };
	static const struct isif_edit_line newline[] = { { "iface.net_ifacename", NULL, "a\nb" } };
	static const struct {
		struct isif_edit edit;
		enum isif_error error;
	} bad[] = {
		{ { ISIF_EDIT_LINES, FIRST "if0", NULL, wrong_old, 1, 0 }, ISIF_CHANGED },
		{ { ISIF_EDIT_LINES, FIRST "if0", NULL, secret, 1, 0 }, ISIF_INVALID },
		{ { ISIF_EDIT_LINES, FIRST "if0", NULL, foreign, 1, 0 }, ISIF_INVALID },
		{ { ISIF_EDIT_LINES, FIRST "if0", NULL, newline, 1, 0 }, ISIF_INVALID },
		{ { ISIF_EDIT_LINES, FIRST "if9", NULL, NULL, 0, 0 }, ISIF_NOT_FOUND },
		{ { ISIF_EDIT_LINES, "ifaces/half", NULL, NULL, 0, 0 }, ISIF_INCOMPLETE },
		{ { ISIF_EDIT_LINES, "ifaces/link", NULL, NULL, 0, 0 }, ISIF_INVALID },
		{ { ISIF_EDIT_REMOVE, FIRST "if9", NULL, NULL, 0, 0 }, ISIF_NOT_FOUND },
		{ { ISIF_EDIT_NEW_IFACE, "ifaces/if1", NULL, NULL, 0, 0 }, ISIF_EXISTS },
		{ { ISIF_EDIT_MOVE_NODE, FIRST "if0", FIRST "if1", NULL, 0, 0 }, ISIF_EXISTS },
		{ { ISIF_EDIT_COPY_NODE, FIRST "if0", FIRST "if1", NULL, 0, 0 }, ISIF_EXISTS },
		{ { ISIF_EDIT_COPY_NODE, FIRST "if0", FIRST "if2", wrong_old, 1, 0 },
		  ISIF_CHANGED },
		{ { ISIF_EDIT_COPY_NODE, FIRST "if9", FIRST "if2", NULL, 0, 0 }, ISIF_NOT_FOUND },
		/* Two edits of one record. */
		{ { ISIF_EDIT_REMOVE, LAST, NULL, NULL, 0, 0 }, ISIF_INVALID },
	};
	static const struct isif_edit good[] = {
		{ ISIF_EDIT_REMOVE, LAST, NULL, NULL, 0, 0 },
		{ ISIF_EDIT_NEW_IFACE, "ifaces/new", NULL, NULL, 0, 0 },
		{ ISIF_EDIT_MOVE_NODE, "nodes/iqn.a/192.0.2.2,3260,1/if0",
		  "nodes/iqn.a/192.0.2.2,3260,1/if2", NULL, 0, 0 },
	};
	struct isif_edit edits[COUNT(good) + 1];

	put_file("store/db/ifaces/half", "# BEGIN RECORD 2.1.8\niface.mtu = 1\n");
	put_link("store/db/ifaces/link", scratch("store/db/ifaces/if0"));
	free(before);
	before = tree_text(scratch("store/db"));
	for (size_t i = 0; i < COUNT(bad); i++)
		for (size_t at = 0; at <= COUNT(good); at++) {
			bool is_double = i == COUNT(bad) - 1;

			memcpy(edits, good, at * sizeof(*good));
			edits[at] = bad[i].edit;
			memcpy(edits + at + 1, good + at, (COUNT(good) - at) * sizeof(*good));
			CU_ASSERT_EQUAL(change(edits, COUNT(edits)), bad[i].error);
			CU_ASSERT_EQUAL(failed, is_double && at == 0 ? 1 : at);
			CU_ASSERT_TRUE(is_unchanged());
		}
	CU_ASSERT_EQUAL(lines.count, 0);
}

static void test_paths(void)
{
	static const struct {
		enum isif_edit_kind kind;
		const char *path, *other;
	} cases[] = {
		{ ISIF_EDIT_LINES, "", NULL },
		{ ISIF_EDIT_LINES, "ifaces", NULL },
		{ ISIF_EDIT_LINES, "ifaces/", NULL },
		{ ISIF_EDIT_LINES, "/ifaces/if0", NULL },
		{ ISIF_EDIT_LINES, "ifaces/../ifaces/if0", NULL },
		{ ISIF_EDIT_LINES, "ifaces/..", NULL },
		{ ISIF_EDIT_LINES, "nodes/../ifaces/if0", NULL },
		{ ISIF_EDIT_LINES, "nodes/iqn.a/./if0", NULL },
		{ ISIF_EDIT_LINES, "nodes//192.0.2.1,3260,1/if0", NULL },
		{ ISIF_EDIT_LINES, "nodes/iqn.a", NULL },
		{ ISIF_EDIT_LINES, "send_targets/192.0.2.100,3260/st_config", NULL },
		{ ISIF_EDIT_NEW_IFACE, "ifaces/a\nb", NULL },
		{ ISIF_EDIT_NEW_IFACE, LAST, NULL },
		{ ISIF_EDIT_NEW_NODE, "nodes/iqn.a/192.0.2.7,3260", NULL },
		{ ISIF_EDIT_NEW_NODE, "nodes/iqn.a/192.0.2.7,3260,1/if0", "ifaces/if0" },
		{ ISIF_EDIT_NEW_NODE, "nodes/iqn.a/192.0.2.7,3260,1/if0", "../secret" },
		{ ISIF_EDIT_MOVE_NODE, FIRST "if0", NULL },
		{ ISIF_EDIT_MOVE_NODE, FIRST "if0", LAST },
		{ ISIF_EDIT_MOVE_NODE, "ifaces/if0", "ifaces/if5" },
		{ ISIF_EDIT_COPY_NODE, FIRST "if0", NULL },
		{ ISIF_EDIT_COPY_NODE, FIRST "if0", LAST },
		{ ISIF_EDIT_COPY_NODE, "nodes/iqn.old/192.0.2.4,3260",
		  "nodes/iqn.old/192.0.2.4,3260" },
	};
	char name[300] = "ifaces/";

	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct isif_edit edit = { .kind = cases[i].kind,
						.path = cases[i].path,
						.other = cases[i].other };

		CU_ASSERT_EQUAL(change(&edit, 1), ISIF_INVALID);
	}
	memset(name + 7, 'x', 256);
	CU_ASSERT_EQUAL(change(&(struct isif_edit){ .kind = ISIF_EDIT_NEW_IFACE, .path = name }, 1),
			ISIF_INVALID);
	CU_ASSERT_TRUE(is_unchanged());
}

/* A record can be made whose link has a longer name than a file can have. */
static void test_long_link(void)
{
	char path[PATH_MAX], target[224];
	const struct isif_edit_line name[] = {
		{ "node.name", NULL, target },
		{ "node.tpgt", NULL, "1" },
		{ "node.startup", NULL, "manual" },
		{ "node.conn[0].address", NULL, "192.0.2.9" },
		{ "node.conn[0].port", NULL, "3260" },
		{ "iface.iscsi_ifacename", NULL, "a-name-of-20-octets." },
	};

	memset(target, 't', sizeof(target) - 1);
	target[sizeof(target) - 1] = '\0';
	snprintf(path, sizeof(path), "nodes/%s/192.0.2.9,3260,1/a-name-of-20-octets.", target);
	CU_ASSERT_EQUAL(change(&(struct isif_edit){ .kind = ISIF_EDIT_NEW_NODE,
						    .path = path,
						    .lines = name,
						    .line_count = COUNT(name) },
			       1),
			ISIF_TOO_LONG);
	CU_ASSERT_TRUE(is_unchanged());
}

static void test_order(void)
{
	const struct isif_edit edit = { .kind = ISIF_EDIT_REMOVE, .path = "ifaces/if1" };
	static struct isif_edit many[65];
	const char *why;

	CU_ASSERT_EQUAL(commit(&edit, 1), ISIF_INVALID);
	CU_ASSERT_EQUAL(gate->operations->undo(gate), ISIF_OK);
	gate->operations->end(gate);
	begin();
	CU_ASSERT_EQUAL(gate->operations->begin(gate, 0, &why), ISIF_INVALID);
	CU_ASSERT_EQUAL(commit(many, COUNT(many)), ISIF_INVALID);
	CU_ASSERT_EQUAL(gate->operations->undo(gate), ISIF_OK);
	CU_ASSERT_EQUAL(commit(NULL, 0), ISIF_OK);
	CU_ASSERT_EQUAL(commit(&edit, 1), ISIF_INVALID);
	end();
	CU_ASSERT_TRUE(is_unchanged());
	/* A gate that is closed ends what is committed. */
	begin();
	CU_ASSERT_EQUAL(commit(&edit, 1), ISIF_OK);
	close_store();
	CU_ASSERT_FALSE(is_locked());
	CU_ASSERT_FALSE(exists("ifaces/if1"));
	open_store();
}

/* Memory that runs out anywhere: all of it happened, or nothing. */
static void test_memory(void)
{
	for (size_t i = 0; i < stock_case_count; i++) {
		bool ran_out = true;

		for (unsigned long n = 1; ran_out && n < 1000; n++) {
			enum isif_error error;
			const char *why;

			renew();
			allocation_fail_at(n, true);
			error = gate->operations->begin(gate, 0, &why);
			if (!error)
				error = commit(stock_cases[i].edits, stock_cases[i].count);
			ran_out = allocation_end();
			CU_ASSERT_EQUAL(error, ran_out ? ISIF_NO_MEMORY : ISIF_OK);
			end();
			CU_ASSERT_TRUE(!ran_out || is_unchanged());
			CU_ASSERT_EQUAL(lines.count, 0);
		}
		CU_ASSERT_FALSE(ran_out);
	}
}

static void test_memory_at_start(void)
{
	bool ran_out = true;

	for (unsigned long n = 1; ran_out && n < 100; n++) {
		enum isif_error error;

		close_store();
		allocation_fail_at(n, true);
		error = stock_open(scratch("store"), &log_here, &gate);
		ran_out = allocation_end();
		CU_ASSERT_EQUAL(error, ran_out ? ISIF_NO_MEMORY : ISIF_OK);
	}
}

static void test_state_files(void)
{
	static const char *const names[] = { "", "a/b", "..", "a.b", "A", "journal" };
	const struct isif_privileged_operations *operations = gate->operations;
	char *text = NULL;
	size_t length = 0;
	struct stat status;

	for (size_t i = 0; i < COUNT(names); i++) {
		CU_ASSERT_EQUAL(operations->state_write(gate, names[i], "x", 1), ISIF_INVALID);
		CU_ASSERT_EQUAL(operations->state_read(gate, names[i], &text, &length),
				ISIF_INVALID);
	}
	CU_ASSERT_EQUAL(operations->state_read(gate, "jobs", &text, &length), ISIF_NOT_FOUND);
	CU_ASSERT_EQUAL(operations->state_write(gate, "jobs", "one\n", 4), ISIF_OK);
	CU_ASSERT_EQUAL(operations->state_write(gate, "jobs", "two\0more\n", 9), ISIF_OK);
	CU_ASSERT_EQUAL_FATAL(operations->state_read(gate, "jobs", &text, &length), ISIF_OK);
	CU_ASSERT_EQUAL(length, 9);
	CU_ASSERT_EQUAL(memcmp(text, "two\0more\n", 10), 0);
	free(text);
	CU_ASSERT_EQUAL(stat(scratch("store/state/jobs"), &status), 0);
	CU_ASSERT_EQUAL(status.st_mode, S_IFREG | 0600);
	CU_ASSERT_FALSE(file_exists("store/state/jobs.new"));
	/* A link that somebody put there is not followed. */
	put_link("store/state/linked", scratch("store/iscsid.conf"));
	CU_ASSERT_EQUAL(operations->state_read(gate, "linked", &text, &length), ISIF_INVALID);
}

void add_store_tests(void)
{
	CU_pSuite suite =
		CU_add_suite_with_setup_and_teardown("store", NULL, NULL, set_up, tear_down);

	CU_add_test(suite, "one setting of an iface", test_setting);
	CU_add_test(suite, "a new iface", test_new_iface);
	CU_add_test(suite, "a new binding, with its link", test_new_binding);
	CU_add_test(suite, "a new binding whose link is there", test_old_link);
	CU_add_test(suite, "a binding moves, with its link", test_move);
	CU_add_test(suite, "a record is copied to another iface", test_copy);
	CU_add_test(suite, "two bindings change places", test_swap);
	CU_add_test(suite, "what is removed takes its links and empty directories", test_remove);
	CU_add_test(suite, "records of the old kind", test_old_record);
	CU_add_test(suite, "each kind of change is undone", test_undo);
	CU_add_test(suite, "an undo leaves what somebody else wrote", test_undo_changed);
	CU_add_test(suite, "an undo finds a directory where its record was", test_undo_replaced);
	CU_add_test(suite, "one bad edit among good ones", test_errors);
	CU_add_test(suite, "paths that are none of an edit's", test_paths);
	CU_add_test(suite, "a link whose name would be too long", test_long_link);
	CU_add_test(suite, "calls out of their order", test_order);
	CU_add_test(suite, "memory that runs out in a transaction", test_memory);
	CU_add_test(suite, "memory that runs out at the start", test_memory_at_start);
	CU_add_test(suite, "files of the state directory", test_state_files);
}
