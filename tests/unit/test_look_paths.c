/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Looks at disks under multipath, and what multipathd says of its paths. */
#include "cleanup.h"
#include "look_tree.h"
#include "suites.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

static void check_map(enum isif_disk_use use, const char *user)
{
	look_finds(use, ISIF_VITAL_NO, user);
}

static void test_multipath(void)
{
	struct found found;

	put_files(map_files);
	put_mount("self", "30 23 254:1 / /srv rw - xfs /dev/mapper/mpatha-part1 rw");
	check_map(ISIF_DISK_REDUNDANT, "mounted on /srv");
	/* Both sessions are to go: each has the other's path, and none will be left. */
	found = look_tree_all(ISIF_LOOK_TO_LOG_OUT, (const uint32_t[]){ 1, 2 }, 2);
	CU_ASSERT_EQUAL_FATAL(found.count, 3);
	for (size_t i = 0; i < found.count; i++)
		CU_ASSERT_EQUAL(found.disks[i].use, strcmp(found.disks[i].device, "sdb")
							    ? ISIF_DISK_IN_USE
							    : ISIF_DISK_UNUSED);
	/* To be shown, each is looked at for itself, and its user has a column of his own. */
	found = look_tree_all(ISIF_LOOK_TO_SHOW, (const uint32_t[]){ 1, 2 }, 2);
	CU_ASSERT_EQUAL_FATAL(found.count, 3);
	for (size_t i = 0; i < found.count; i++) {
		bool in_map = strcmp(found.disks[i].device, "sdb");

		CU_ASSERT_EQUAL(found.disks[i].use,
				in_map ? ISIF_DISK_REDUNDANT : ISIF_DISK_UNUSED);
		CU_ASSERT_STRING_EQUAL(found.disks[i].user, in_map ? "/srv" : "");
	}
	/* The other session is down, though the kernel has not given up its disk. */
	put_entry("sys/" CLASS(2) "/state", "FAILED");
	check_map(ISIF_DISK_IN_USE, "mounted on /srv");
	put_entry("sys/" CLASS(2) "/state", "LOGGED_IN");
	put_entry(OTHER "state", "transport-offline");
	check_map(ISIF_DISK_IN_USE, "mounted on /srv");
	put_entry(OTHER "state", "running");
	check_map(ISIF_DISK_REDUNDANT, "mounted on /srv");
	/* Root and swap, too, have another path; but not whoever uses the disk itself. */
	put_mount("self", "30 23 254:1 / /boot rw - xfs /dev/mapper/mpatha-part1 rw");
	look_finds(ISIF_DISK_REDUNDANT, ISIF_VITAL_YES, "mounted on /boot");
	put_files(process_files);
	put_entry("proc/77/fd/3", "->../../../dev/sda");
	look_finds(ISIF_DISK_IN_USE, ISIF_VITAL_YES, "mounted on /boot");
	remove_file("proc/77/fd/3");
	/* The other path is one of the same session. */
	remove_file(VIRTUAL "dm-0/slaves/sdc");
	put_entry(VIRTUAL "dm-0/slaves/sdb", "->../../../../../" SCSI2 "block/sdb");
	look_finds(ISIF_DISK_IN_USE, ISIF_VITAL_YES, "mounted on /boot");
}

static void test_volume_on_map(void)
{
	put_files(map_files);
	put_entry(VIRTUAL "dm-0/holders/dm-2", "->../../dm-2");
	put_entry(VIRTUAL "dm-2/dev", "254:2");
	put_entry(VIRTUAL "dm-2/dm/name", "vg-lv");
	put_entry(VIRTUAL "dm-2/dm/uuid", "LVM-abc");
	check_map(ISIF_DISK_REDUNDANT, "held by vg-lv");
	put_mount("self", "30 23 254:2 / /srv rw - xfs /dev/mapper/vg-lv rw");
	check_map(ISIF_DISK_REDUNDANT, "mounted on /srv");
	put_entry(OTHER "state", "offline");
	check_map(ISIF_DISK_IN_USE, "mounted on /srv");
}

/* --- multipathd --- */

static int listen_as_multipathd(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t length = strlen(multipathd_name);
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memcpy(address.sun_path + 1, multipathd_name, length);
	CU_ASSERT_EQUAL_FATAL(
		bind(listener, (struct sockaddr *)&address,
		     (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + length)),
		0);
	CU_ASSERT_EQUAL_FATAL(listen(listener, 4), 0);
	return listener;
}

/* Reads the question, which was sent when the look began, and answers in pieces; NULL: hangs up. */
static void answer(int listener, const char *text)
{
	int CLEANUP_CLOSE client = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	char question[128] = "";
	size_t length;

	CU_ASSERT_FATAL(client >= 0);
	CU_ASSERT_EQUAL(recv(client, &length, sizeof(length), MSG_WAITALL), sizeof(length));
	CU_ASSERT_FATAL(length < sizeof(question));
	CU_ASSERT_EQUAL(recv(client, question, length, MSG_WAITALL), (ssize_t)length);
	CU_ASSERT_STRING_EQUAL(question, "show paths format \"%d %t %T\"");
	CU_ASSERT_EQUAL(length, strlen(question) + 1);
	if (!text)
		return;
	length = strlen(text) + 1;
	CU_ASSERT_EQUAL(send(client, &length, sizeof(length), 0), sizeof(length));
	CU_ASSERT_EQUAL(send(client, text, length, 0), (ssize_t)length);
}

static void check_answer(const char *text, enum isif_disk_use use, const char *user)
{
	int CLEANUP_CLOSE listener = listen_as_multipathd();
	struct look *look = look_tree_begin(ISIF_LOOK_TO_LOG_OUT, (const uint32_t[]){ 2 }, 1);
	struct found found;

	answer(listener, text);
	found = look_tree_work(look, UINT64_MAX);
	CU_ASSERT_EQUAL_FATAL(found.count, 1);
	CU_ASSERT_EQUAL(found.disks[0].use, use);
	CU_ASSERT_STRING_EQUAL(found.disks[0].user, user);
}

/* As multipath-tools 0.9.4 answers. */
#define STATES(state) "dev dm_st  chk_st\nsda " state "\nsdc active ready \n"

static void test_multipathd(void)
{
	put_files(map_files);
	put_mount("self", "30 23 254:0 / /srv rw - xfs /dev/mapper/mpatha rw");
	check_answer(STATES("active ready "), ISIF_DISK_REDUNDANT, "mounted on /srv");
	check_answer(STATES("failed faulty"), ISIF_DISK_IN_USE, "mounted on /srv");
	check_answer(STATES("active ghost "), ISIF_DISK_IN_USE, "mounted on /srv");
	check_answer(STATES("undef  ready "), ISIF_DISK_IN_USE, "mounted on /srv");
	check_answer("dev dm_st  chk_st\nsdaa active ready \nsdc active ready", ISIF_DISK_IN_USE,
		     "mounted on /srv");
	check_answer("ok", ISIF_DISK_IN_USE, "mounted on /srv");
	check_answer("", ISIF_DISK_IN_USE, "mounted on /srv");
	/* It runs, and says nothing. */
	check_answer(NULL, ISIF_DISK_UNKNOWN, "multipathd does not say which paths are alive");
}

/* It waits for the answer, and says that it need not be asked again at once. */
static void test_multipathd_late(void)
{
	int CLEANUP_CLOSE listener = -1;
	struct look *look;
	struct found found;
	unsigned pause = 0;

	put_files(map_files);
	put_mount("self", "30 23 254:0 / /srv rw - xfs /dev/mapper/mpatha rw");
	listener = listen_as_multipathd();
	look = look_tree_begin(ISIF_LOOK_TO_LOG_OUT, (const uint32_t[]){ 2 }, 1);
	while (!pause)
		CU_ASSERT_EQUAL_FATAL(look_work(look, 0, &pause), ISIF_INCOMPLETE);
	CU_ASSERT_EQUAL(look_work(look, UINT64_MAX, &pause), ISIF_INCOMPLETE);
	CU_ASSERT(pause > 0);
	answer(listener, STATES("active ready "));
	found = look_tree_work(look, UINT64_MAX);
	CU_ASSERT_EQUAL_FATAL(found.count, 1);
	CU_ASSERT_EQUAL(found.disks[0].use, ISIF_DISK_REDUNDANT);
}

void add_look_paths_tests(void)
{
	CU_pSuite suite = CU_add_suite_with_setup_and_teardown("look_paths", NULL, NULL,
							       look_tree_make, scratch_remove);

	CU_add_test(suite, "multipath", test_multipath);
	CU_add_test(suite, "a volume on a multipath map", test_volume_on_map);
	CU_add_test(suite, "multipathd's word on the paths", test_multipathd);
	CU_add_test(suite, "multipathd takes its time", test_multipathd_late);
}
