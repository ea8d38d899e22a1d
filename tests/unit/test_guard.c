/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "guard.h"

#include "helpers.h"
#include "suites.h"

#include <string.h>

static const struct isif_look_disk disks[] = {
	{ 1, "sda", ISIF_DISK_UNUSED, ISIF_VITAL_NO, "" },
	{ 1, "sdb", ISIF_DISK_REDUNDANT, ISIF_VITAL_YES, "mounted on /" },
	{ 2, "sdc", ISIF_DISK_UNUSED, ISIF_VITAL_NO, "" },
	{ 2, "sdd", ISIF_DISK_IN_USE, ISIF_VITAL_NO, "mounted on /srv" },
	{ 3, "sde", ISIF_DISK_UNKNOWN, ISIF_VITAL_NO, "mounts of process 7 cannot be seen" },
	{ 4, "sdf", ISIF_DISK_IN_USE, ISIF_VITAL_YES, "swap" },
	{ 5, "sdg", ISIF_DISK_IN_USE, ISIF_VITAL_UNKNOWN, "open in process 7 (dd)" },
	{ 6, "", ISIF_DISK_UNKNOWN, ISIF_VITAL_UNKNOWN, "its disks cannot be read" },
	/* A disk that is free to go, and one that is not, which force must find all the same. */
	{ 7, "sdh", ISIF_DISK_IN_USE, ISIF_VITAL_NO, "held by vg-lv" },
	{ 7, "sdi", ISIF_DISK_IN_USE, ISIF_VITAL_YES, "mounted on /boot" },
};

enum { FORCE = 1, PROTECTED = 2, ONBOOT = 4 };

/* What the guard says to it; "" if it allows it. */
static const char *answer(uint32_t sid, int how)
{
	static char why[256];
	const struct guard_request request = {
		.sid = sid,
		.force = how & FORCE,
		.protect_in_use = how & PROTECTED,
		.onboot = how & ONBOOT,
	};
	bool allowed;

	strcpy(why, "?");
	allowed = guard_allows(&request, disks, COUNT(disks), why, sizeof(why));
	CU_ASSERT_EQUAL(allowed, !*why);
	return why;
}

static void check(uint32_t sid, int how, const char *why)
{
	CU_ASSERT_STRING_EQUAL(answer(sid, how), why);
}

static void test_unused(void)
{
	for (int how = 0; how < 8; how++) {
		check(1, how, "");
		check(8, how, ""); /* a session that has no disks */
	}
}

static void test_in_use(void)
{
	check(2, PROTECTED, "disk sdd is in use: mounted on /srv; end its use first");
	check(2, 0, "disk sdd is in use: mounted on /srv; end its use first, or use force");
	check(2, FORCE | PROTECTED,
	      "disk sdd is in use: mounted on /srv; the configuration protects disks "
	      "in use (protectInUse yes)");
	check(2, FORCE, "");
	check(2, FORCE | ONBOOT,
	      "disk sdd is in use: mounted on /srv; its binding has startup onboot, "
	      "nothing overrides that");
}

static void test_unknown(void)
{
	check(3, 0,
	      "disk sde may be in use: mounts of process 7 cannot be seen; end its "
	      "use first, or use force");
	check(3, FORCE, "");
	check(6, FORCE,
	      "disk ? may be in use: its disks cannot be read; the root file system "
	      "or swap may be on it, nothing overrides that");
}

static void test_vital(void)
{
	for (int how = 0; how < 8; how++) {
		check(4, how,
		      "disk sdf is in use: swap; the system itself needs it, nothing "
		      "overrides that");
		CU_ASSERT_STRING_NOT_EQUAL(answer(5, how), "");
		CU_ASSERT_STRING_NOT_EQUAL(answer(7, how), "");
	}
	check(7, FORCE,
	      "disk sdi is in use: mounted on /boot; the system itself needs it, "
	      "nothing overrides that");
}

void add_guard_tests(void)
{
	CU_pSuite suite = CU_add_suite("guard", NULL, NULL);

	CU_add_test(suite, "unused and redundant disks may go", test_unused);
	CU_add_test(suite, "a disk in use goes by force only, where that is allowed", test_in_use);
	CU_add_test(suite, "unknown counts as in use", test_unknown);
	CU_add_test(suite, "root, swap and onboot never go", test_vital);
}
