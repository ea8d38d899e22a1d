/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which database a host uses: found below a prefix of the test's own. */
#include "suites.h"

#include <isif/database.h>

#include "helpers.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#define NAMES_VAR                                                                                  \
	"\x7f"                                                                                     \
	"ELF\0/etc/iscsi/iscsid.conf\0/var/lib/iscsi/nodes\0"
#define NAMES_ETC                                                                                  \
	"\x7f"                                                                                     \
	"ELF\0/etc/iscsi/nodes\0"
#define NAMES_NONE                                                                                 \
	"\x7f"                                                                                     \
	"ELF\0/srv/iscsi/nodes\0"

static void put_program(const char *name, const char *octets, size_t length)
{
	put_octets(name, octets, length);
}

static enum isif_error find(const char *iscsiadm, char *root)
{
	strcpy(root, "untouched");
	return isif_database_find(scratch("%s", "."), iscsiadm, root, PATH_MAX);
}

static bool finds(const char *iscsiadm, const char *expected)
{
	char root[PATH_MAX];

	if (find(iscsiadm, root) != ISIF_OK)
		return false;
	if (!strcmp(root, scratch(".%s", expected)))
		return true;
	printf("# found %s, not %s\n", root, expected);
	return false;
}

static void test_none(void)
{
	char root[PATH_MAX];

	CU_ASSERT_EQUAL(find(NULL, root), ISIF_NOT_FOUND);
}

static void test_one_has_records(void)
{
	put_directory("etc/iscsi");
	put_directory("var/lib/iscsi/nodes");
	CU_ASSERT_TRUE(finds(NULL, "/var/lib/iscsi"));
	/* Records decide, whatever the program says. */
	put_program("iscsiadm", NAMES_ETC, sizeof(NAMES_ETC));
	CU_ASSERT_TRUE(finds(scratch("iscsiadm"), "/var/lib/iscsi"));
}

static void test_ifaces_are_records(void)
{
	put_directory("etc/iscsi/ifaces");
	put_directory("var/lib/iscsi");
	CU_ASSERT_TRUE(finds(NULL, "/etc/iscsi"));
}

static void test_both_have_records(void)
{
	char root[PATH_MAX];

	put_directory("etc/iscsi/nodes");
	put_directory("var/lib/iscsi/ifaces");
	CU_ASSERT_EQUAL(find(NULL, root), ISIF_AMBIGUOUS);
	put_program("iscsiadm", NAMES_NONE, sizeof(NAMES_NONE));
	CU_ASSERT_EQUAL(find(scratch("iscsiadm"), root), ISIF_AMBIGUOUS);
	put_program("iscsiadm", NAMES_ETC, sizeof(NAMES_ETC));
	CU_ASSERT_TRUE(finds(scratch("iscsiadm"), "/etc/iscsi"));
	/* A build for /var/lib/iscsi still names /etc/iscsi, where its configuration is. */
	put_program("iscsiadm", NAMES_VAR, sizeof(NAMES_VAR));
	CU_ASSERT_TRUE(finds(scratch("iscsiadm"), "/var/lib/iscsi"));
	CU_ASSERT_EQUAL(find(scratch("no-such-program"), root), ISIF_AMBIGUOUS);
}

static void test_no_records(void)
{
	put_directory("etc/iscsi");
	CU_ASSERT_TRUE(finds(NULL, "/etc/iscsi"));
	put_directory("var/lib/iscsi");
	put_program("iscsiadm", NAMES_VAR, sizeof(NAMES_VAR));
	CU_ASSERT_TRUE(finds(scratch("iscsiadm"), "/var/lib/iscsi"));
	put_program("iscsiadm", NAMES_ETC, sizeof(NAMES_ETC));
	CU_ASSERT_TRUE(finds(scratch("iscsiadm"), "/etc/iscsi"));
}

/* Both places, no records, and nothing says which: it must not be guessed. */
static void test_nothing_decides(void)
{
	char root[PATH_MAX];

	put_directory("etc/iscsi");
	put_directory("var/lib/iscsi");
	CU_ASSERT_EQUAL(find(NULL, root), ISIF_AMBIGUOUS);
}

static void test_installed_program(void)
{
	put_directory("etc/iscsi/nodes");
	put_directory("var/lib/iscsi/nodes");
	put_program("usr/sbin/iscsiadm", NAMES_VAR, sizeof(NAMES_VAR));
	CU_ASSERT_TRUE(finds(NULL, "/var/lib/iscsi"));
}

static void test_too_long(void)
{
	char root[16];

	put_directory("etc/iscsi/nodes");
	CU_ASSERT_EQUAL(isif_database_find(scratch("."), NULL, root, sizeof(root)), ISIF_TOO_LONG);
}

void add_find_tests(void)
{
	CU_pSuite suite = CU_add_suite_with_setup_and_teardown("database_find", NULL, NULL,
							       scratch_make, scratch_remove);

	CU_add_test(suite, "no place is there", test_none);
	CU_add_test(suite, "the place that has records is taken", test_one_has_records);
	CU_add_test(suite, "ifaces alone are records, too", test_ifaces_are_records);
	CU_add_test(suite, "of two with records iscsiadm names one", test_both_have_records);
	CU_add_test(suite, "without records iscsiadm names one", test_no_records);
	CU_add_test(suite, "without records and iscsiadm nothing is guessed", test_nothing_decides);
	CU_add_test(suite, "the installed iscsiadm is found", test_installed_program);
	CU_add_test(suite, "a path that does not fit", test_too_long);
}
