/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The gate to what only root may read, in a directory of the test's own. */
#include "suites.h"

#include "directory_reader.h"
#include "fault.h"
#include "helpers.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define RECORD_TEXT NODE_RECORD("iqn.a", "192.0.2.1", "3260", "1", IFACE("a", ""))

static struct isif_privileged *gate;

static void set_up(void)
{
	scratch_make();
	CU_ASSERT_EQUAL_FATAL(open_gate(scratch("."), &gate), ISIF_OK);
}

static void tear_down(void)
{
	isif_privileged_close(gate);
	scratch_remove();
}

/* Changes are seen late, then, and it is said why. */
static void test_no_inotify(void)
{
	struct lines lines = { 0 };
	const struct isif_log log = log_into(&lines);

	isif_privileged_close(gate);
	gate = NULL;
	/* After the database's directory. */
	fault_at(FAULT_SELF, FAULT_OPEN, 2, EMFILE, false);
	CU_ASSERT_EQUAL_FATAL(open_writing_gate(scratch("."), &log, &gate), ISIF_OK);
	CU_ASSERT_TRUE(fault_end());
	CU_ASSERT_EQUAL(gate->operations->change_descriptor(gate), -1);
	CU_ASSERT_TRUE(lines.count == 1 && strstr(lines.all, "inotify") &&
		       strstr(lines.all, scratch(".")));
}

static void test_paths(void)
{
	static const char *const paths[] = { "..",	    "../x",	    "ifaces/../../x",
					     "/etc/passwd", "ifaces/..",    "",
					     "iscsid.conf", "ifaces",	    "nodes/a",
					     "other/x",	    "nodes/a/b/c/d" };
	const char *text;
	size_t length;

	for (size_t i = 0; i < COUNT(paths); i++)
		CU_ASSERT_EQUAL(gate->operations->read_record(gate, paths[i], &text, &length),
				ISIF_INVALID);
}

static void test_secrets(void)
{
	const char *text;
	size_t length;

	put_file("nodes/iqn.a/192.0.2.1,3260,1/a", RECORD_TEXT);
	CU_ASSERT_EQUAL_FATAL(gate->operations->read_record(gate, "nodes/iqn.a/192.0.2.1,3260,1/a",
							    &text, &length),
			      ISIF_OK);
	CU_ASSERT_EQUAL(length, strlen(RECORD_TEXT));
	CU_ASSERT_PTR_NULL(memmem(text, length, "wonderland", 10));
	CU_ASSERT_PTR_NOT_NULL(memmem(text, length, "iqn.a", 5));
}

static void test_initiatorname(void)
{
	static const struct {
		const char *text, *name;
	} cases[] = {
		{ "InitiatorName=iqn.a\n", "iqn.a" },
		{ "## x\n#InitiatorName=iqn.b\nInitiatorName=iqn.c", "iqn.c" },
		{ "InitiatorName=iqn.d\r\n", "iqn.d" },
		{ "InitiatorAlias=x\n", NULL },
		{ "InitiatorName=\n", NULL },
		{ "", NULL },
	};
	char name[256];

	CU_ASSERT_EQUAL(gate->operations->read_initiatorname(gate, name, sizeof(name)),
			ISIF_NOT_FOUND);
	for (size_t i = 0; i < COUNT(cases); i++) {
		enum isif_error error;

		put_file("initiatorname", cases[i].text);
		error = gate->operations->read_initiatorname(gate, name, sizeof(name));
		CU_ASSERT_EQUAL(error, cases[i].name ? ISIF_OK : ISIF_NOT_FOUND);
		if (!error && cases[i].name)
			CU_ASSERT_STRING_EQUAL(name, cases[i].name);
	}
}

static void test_no_root(void)
{
	struct isif_privileged *none = NULL;

	CU_ASSERT_EQUAL(open_gate(scratch("nowhere"), &none), ISIF_NOT_FOUND);
}

/* What a visitor was told of each directory, in the order of telling. */
static char told[4][256];

static void tell(const struct isif_directory_reading *reading, const char *what, const char *name)
{
	char *text = reading->context;
	size_t used = strlen(text);

	snprintf(text + used, sizeof(told[0]) - used, "%s%s ", what, name);
}

static void tell_record(struct isif_directory_reading *reading, const char *name, const char *text,
			size_t length, enum isif_error error)
{
	tell(reading, error ? "bad:" : "record:", name);
	CU_ASSERT_EQUAL(text != NULL, error == ISIF_OK);
	if (text)
		CU_ASSERT_TRUE(length == strlen(RECORD_TEXT) &&
			       memmem(text, length, "# END RECORD", 12) &&
			       !memmem(text, length, "wonderland", 10));
}

static void tell_directory(struct isif_directory_reading *reading, const char *name)
{
	tell(reading, "directory:", name);
}

static void tell_end(struct isif_directory_reading *reading)
{
	tell(reading, "end:", isif_error_text(reading->error));
}

static void tell_unchanged(struct isif_directory_reading *reading, const char *name)
{
	tell(reading, "unchanged:", name);
}

/* The second thread alone reads it all, and it is told as if the caller had read it. */
static void test_read_ahead(void)
{
	static const struct isif_directory_visitor visitor = { tell_record, tell_directory,
							       tell_end, tell_unchanged };
	static struct directory_reader reader;
	struct isif_directory_reading readings[] = {
		{ .path = "nodes/t", .flags = ISIF_READ_RECORDS, .context = told[0] },
		{ .path = "nodes/nowhere", .flags = ISIF_READ_RECORDS, .context = told[1] },
		{ .path = "ifaces",
		  .flags = ISIF_READ_RECORDS | ISIF_READ_NEWER,
		  .since = INT64_MAX,
		  .context = told[2] },
		{ .path = "nodes/t",
		  .flags = ISIF_READ_RECORDS | ISIF_READ_NEWER,
		  .since = 0,
		  .context = told[3] },
	};
	atomic_size_t next = 0;
	struct read_ahead *ahead;

	put_file("nodes/t/a", RECORD_TEXT);
	put_file("ifaces/b", RECORD_TEXT);
	memset(told, 0, sizeof(told));
	directory_reader_init(&reader, scratch("."),
			      open(scratch("."), O_RDONLY | O_DIRECTORY | O_CLOEXEC), -1);
	ahead = read_ahead_start(&reader, readings, COUNT(readings), &next);
	if (ahead) { /* NULL with one processor */
		read_ahead_finish(ahead, &visitor);
		CU_ASSERT_STRING_EQUAL(told[0], "record:a end:no error ");
		CU_ASSERT_STRING_EQUAL(told[1], "end:not found ");
		CU_ASSERT_EQUAL(readings[1].error, ISIF_NOT_FOUND);
		CU_ASSERT_STRING_EQUAL(told[2], "unchanged:b end:no error ");
		CU_ASSERT_STRING_EQUAL(told[3], "record:a end:no error ");
	}
	close(reader.root);
}

void add_gate_tests(void)
{
	CU_pSuite suite =
		CU_add_suite_with_setup_and_teardown("gate", NULL, NULL, set_up, tear_down);

	CU_add_test(suite, "nothing outside its root is read", test_paths);
	CU_add_test(suite, "no inotify can be had", test_no_inotify);
	CU_add_test(suite, "no secret is handed over", test_secrets);
	CU_add_test(suite, "the initiator name", test_initiatorname);
	CU_add_test(suite, "a root that is not there", test_no_root);
	CU_add_test(suite, "a second thread's reading is told like the first's", test_read_ahead);
}
