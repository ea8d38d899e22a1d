/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "look_tree.h"
#include "suites.h"

#include <stdio.h>
#include <string.h>

static void test_unused(void)
{
	struct found found;

	look_finds_nobody();
	found = look_tree_all(ISIF_LOOK_TO_LOG_OUT, (const uint32_t[]){ 2, 1 }, 2);
	CU_ASSERT_EQUAL(found.count, 3);
	CU_ASSERT_EQUAL(found.disks[0].sid, 2);
	CU_ASSERT_STRING_EQUAL(found.disks[0].device, "sdc");
	/* A session that is gone has no disks, and no session has none either. */
	CU_ASSERT_EQUAL(look_tree_all(ISIF_LOOK_TO_LOG_OUT, (const uint32_t[]){ 9 }, 1).count, 0);
	CU_ASSERT_EQUAL(look_tree_all(ISIF_LOOK_TO_LOG_OUT, NULL, 0).count, 0);
	/* Neither the map by itself, nor kpartx's partitions of it, are a use. */
	put_files(map_files);
	look_finds_nobody();
}

static void test_mounted(void)
{
	put_mount("self", "30 23 8:0 / /mnt/a\\040b rw shared:7 - ext4 /dev/sda rw");
	look_finds_user("mounted on /mnt/a b");
	put_mount("self", "30 23 8:1 /sub /srv rw - ext4 /dev/sda1 rw");
	look_finds_user("mounted on /srv");
	put_mount("self", "30 23 0:45 / /data rw - btrfs /dev/sda1 rw");
	look_finds_user("mounted on /data");
	put_mount("self", "30 23 0:46 / /data rw - tmpfs sda rw");
	look_finds_nobody();
	put_entry("proc/self/mountinfo", "not a mount\n\n1 2\n1 2 x:y / /\n1 2 8:0\n" ROOT_LINE);
	look_finds_nobody();
}

static void test_other_namespace(void)
{
	put_files(process_files);
	put_mount("77", "30 23 8:1 / /data rw - ext4 /dev/sda1 rw");
	/* It is in the host's namespace, and that was read: what it shows now is not read again. */
	look_finds_nobody();
	put_entry("proc/77/ns/mnt", "->mnt:[4026532999]");
	look_finds_user("mounted on /data");
	/* The same namespace, seen from another root directory. */
	put_entry("proc/77/ns/mnt", "->mnt:[4026531841]");
	put_entry("proc/77/root", "->../../sys");
	look_finds_user("mounted on /data");
	/* What is "/" elsewhere is not the root file system. */
	put_mount("77", "30 23 8:1 / / rw - ext4 /dev/sda1 rw");
	look_finds_user("mounted on /");
	/* Two other namespaces. */
	put_entry("proc/77/ns/mnt", "->mnt:[4026532999]");
	put_entry("proc/77/mountinfo", ROOT_LINE);
	put_entry("proc/78/ns/mnt", "->mnt:[4026533000]");
	put_entry("proc/78/root", "->../../dev");
	put_mount("78", "30 23 8:0 / /third rw - ext4 /dev/sda rw");
	put_entry("proc/78/fd/0", "->../../../dev/null");
	look_finds_user("mounted on /third");
	/* A process that ends while it is looked at: nothing of it can be read any more. */
	put_directory("proc/79");
	look_finds_user("mounted on /third");
}

/* Mounted, but by no process that can be seen: sysfs knows. */
static void test_hidden_mount(void)
{
	put_directory("sys/fs/ext4/features");
	look_finds_nobody();
	put_entry("sys/fs/xfs/sda1/stats/stats", "");
	look_finds_user("mounted (xfs) where no process can be seen");
	put_mount("self", "30 23 8:1 / /srv rw - xfs /dev/sda1 rw");
	look_finds_user("mounted on /srv");
	put_mount("self", "");
	remove_file("sys/fs/xfs/sda1/stats/stats");
	remove_file("sys/fs/xfs/sda1/stats");
	remove_file("sys/fs/xfs/sda1");
	put_directory("sys/fs/btrfs/features");
	put_directory("sys/fs/btrfs/1f3e/devices/sda1");
	look_finds_user("part of a mounted btrfs");
	/* The root's own btrfs has it as its second device. */
	put_directory("sys/fs/btrfs/1f3e/devices/vda1");
	put_directory("sys/devices/virtual/block/vda1");
	put_entry("sys/dev/block/253:1", "->../../devices/virtual/block/vda1");
	put_entry("proc/self/mountinfo", "23 20 0:33 /@ / rw - btrfs /dev/vda1 rw,subvol=/@\n");
	look_finds(ISIF_DISK_IN_USE, ISIF_VITAL_YES, "part of the btrfs of the root");
}

static void test_swap(void)
{
	put_entry("proc/swaps", SWAPS "/dev/sda1 partition 1048572 0 -2\n");
	look_finds(ISIF_DISK_IN_USE, ISIF_VITAL_YES, "swap");
	/* A file, on a file system that is elsewhere, and on one that is on the disk. */
	put_entry("proc/swaps", SWAPS "/swap.img file 1048572 0 -2\n");
	look_finds_nobody();
	put_entry("proc/swaps", SWAPS "/srv/a\\040b/swap.img file 1048572 0 -2\n");
	put_mount("self", "30 23 8:1 / /srv/a\\040b rw - ext4 /dev/sda1 rw");
	look_finds(ISIF_DISK_IN_USE, ISIF_VITAL_YES, "swap");
	put_mount("self", "30 23 8:1 / /srv/a rw - ext4 /dev/sda1 rw");
	look_finds_user("mounted on /srv/a");
	/* A device without a node may be any; a kernel without swapping has no such file. */
	put_entry("proc/swaps", SWAPS "/dev/none partition 1048572 0 -2\n");
	put_mount("self", "");
	look_finds(ISIF_DISK_UNKNOWN, ISIF_VITAL_UNKNOWN,
		   "the swap device /dev/none has no node in /dev");
	/* The node is kept from us, but not from process 1. */
	put_entry("proc/1/root/dev/none", "b 8:1");
	look_finds(ISIF_DISK_IN_USE, ISIF_VITAL_YES, "swap");
	remove_file("proc/1/root/dev/none");
	remove_file("proc/swaps");
	look_finds_nobody();
	put_directory("proc/swaps");
	look_finds(ISIF_DISK_UNKNOWN, ISIF_VITAL_UNKNOWN,
		   "swap devices cannot be read: not in the form that it must have");
}

static void test_holders(void)
{
	put_files(volume_files);
	look_finds_user("held by md0");
	put_mount("self", "30 23 254:2 / /srv rw - xfs /dev/mapper/vg-lv rw");
	look_finds_user("mounted on /srv");
	put_mount("self", "");
	put_files(process_files);
	put_entry("dev/dm-2", "b 254:2");
	put_entry("proc/77/fd/9", "->../../../dev/dm-2");
	look_finds_user("held by md0");
}

static void test_bcache(void)
{
	put_directory(LUN1 "block/sda/bcache");
	look_finds_user("held by bcache");
	put_entry(LUN1 "block/sda/bcache/dev", "->../../../../../../../../virtual/block/bcache0");
	put_entry(VIRTUAL "bcache0/dev", "252:0");
	put_entry(VIRTUAL "bcache0/bcache", "->../../../../../" SCSI1 "block/sda/bcache");
	put_entry("proc/self/mountinfo", "23 20 252:0 / / rw - ext4 /dev/bcache0 rw\n");
	look_finds(ISIF_DISK_IN_USE, ISIF_VITAL_YES, "mounted on /");
}

static void test_loop(void)
{
	put_entry("sys/block/loop0", "->../devices/virtual/block/loop0");
	put_entry(VIRTUAL "loop0/dev", "7:0");
	look_finds_nobody();
	/* On the disk itself; on a file on it; on one that lies elsewhere. */
	put_entry(VIRTUAL "loop0/loop/backing_file", "/dev/sda1\n");
	look_finds_user("held by loop0");
	put_mount("self", "30 23 8:1 / /srv rw - ext4 /dev/sda1 rw\n"
			  "31 23 7:0 / /image rw - squashfs /dev/loop0 rw");
	look_finds_user("mounted on /srv");
	put_entry(VIRTUAL "loop0/loop/backing_file", "/srv/image (deleted)\n");
	look_finds_user("mounted on /srv");
	put_entry("proc/self/mountinfo", "23 20 7:0 / / rw - squashfs /dev/loop0 rw\n"
					 "30 23 8:1 / /run/medium rw - ext4 /dev/sda1 rw\n");
	put_entry(VIRTUAL "loop0/loop/backing_file", "/run/medium/image\n");
	look_finds(ISIF_DISK_IN_USE, ISIF_VITAL_YES, "mounted on /");
	put_entry("proc/self/mountinfo", ROOT_LINE);
	look_finds_nobody();
	/* A loop device on a partition of another loop device. */
	put_entry(VIRTUAL "loop0/loop/backing_file", "/dev/sda\n");
	put_entry(VIRTUAL "loop0/loop0p1/dev", "259:0");
	put_entry("dev/loop0p1", "b 259:0");
	put_entry("sys/block/loop1", "->../devices/virtual/block/loop1");
	put_entry(VIRTUAL "loop1/dev", "7:1");
	put_entry(VIRTUAL "loop1/loop/backing_file", "/dev/loop0p1\n");
	put_mount("self", "30 23 7:1 / /inner rw - ext4 /dev/loop1 rw");
	look_finds_user("mounted on /inner");
	put_entry(VIRTUAL "loop1/loop/backing_file", "/dev/none\n");
	put_entry(VIRTUAL "loop0/loop/backing_file", "/file\n");
	put_mount("self", "");
	look_finds(ISIF_DISK_UNKNOWN, ISIF_VITAL_NO,
		   "loop1 stands on /dev/none, which has no node in /dev");
}

static void test_open(void)
{
	char path[64];

	put_files(process_files);
	look_finds_nobody();
	/* The last of more descriptors than are read in a step. */
	for (int i = 2; i < 200; i++) {
		snprintf(path, sizeof(path), "proc/77/fd/%d", i);
		put_entry(path, "->../../../dev/null");
	}
	put_entry("proc/77/fd/200", "->../../../dev/sda1");
	look_finds_user("open in process 77 (qemu?[7m)");
	put_entry("proc/77/fd/200", "->../../../dev/sg0");
	look_finds_user("open in process 77 (qemu?[7m)");
	put_entry("proc/77/fd/200", "->../../../dev/sda");
	look_finds_user("open in process 77 (qemu?[7m)");
	/* Those who look into every disk are no users, nor are udev's programs. */
	put_entry("proc/77/exe", "->/sbin/multipathd (deleted)");
	look_finds_nobody();
	put_entry("proc/77/exe", "->/usr/bin/udevadm");
	look_finds_nobody();
	put_entry("proc/77/exe", "->/sbin/multipathd-not");
	look_finds_user("open in process 77 (qemu?[7m)");
	put_entry("proc/77/stat", "77 (q) (x) S 76 77 77");
	put_entry("proc/76/exe", "->/usr/lib/systemd/systemd-udevd");
	look_finds_nobody();
}

static void test_root(void)
{
	put_entry("proc/self/mountinfo", "23 20 8:1 / / rw - ext4 /dev/sda1 rw\n");
	look_finds(ISIF_DISK_IN_USE, ISIF_VITAL_YES, "mounted on /");
	put_mount("self", "30 23 8:1 / /boot/efi rw - vfat /dev/sda1 rw");
	look_finds(ISIF_DISK_IN_USE, ISIF_VITAL_YES, "mounted on /boot/efi");
	put_mount("self", "30 23 8:1 / /boots rw - vfat /dev/sda1 rw");
	look_finds_user("mounted on /boots");
	/* In the namespace of process 1, too, if that is another one. */
	put_entry("proc/1/ns/mnt", "->mnt:[4026531840]");
	put_entry("proc/self/mountinfo", ROOT_LINE);
	put_entry("proc/1/mountinfo", "23 20 8:1 / / rw - ext4 /dev/sda1 rw\n");
	look_finds(ISIF_DISK_IN_USE, ISIF_VITAL_YES, "mounted on /");
	put_entry("proc/1/mountinfo", ROOT_LINE);
	/* On a volume. */
	put_files(volume_files);
	put_entry("proc/self/mountinfo", "23 20 254:2 / / rw - xfs /dev/mapper/vg-lv rw\n");
	look_finds(ISIF_DISK_IN_USE, ISIF_VITAL_YES, "mounted on /");
}

#define OVERLAY                                                                                    \
	"23 20 0:40 / / rw - overlay overlay rw,lowerdir=/run/low:/run/disk/x,upperdir=/run/up\n"

static void test_root_behind_overlay(void)
{
	put_entry("proc/1/mountinfo", OVERLAY);
	put_entry("proc/self/mountinfo", OVERLAY "30 23 8:1 / /run/disk rw - ext4 /dev/sda1 rw\n"
						 "31 23 0:41 / /run rw - tmpfs run rw\n");
	look_finds(ISIF_DISK_IN_USE, ISIF_VITAL_YES, "the root file system");
	/* What lies below cannot be seen. */
	put_entry("proc/self/mountinfo", OVERLAY);
	look_finds(ISIF_DISK_UNUSED, ISIF_VITAL_UNKNOWN, "");
	/* Process 1 sees it. */
	put_entry("proc/1/root", "->../../sys");
	put_entry("proc/1/mountinfo", "1 1 0:2 / / rw - rootfs none rw\n"
				      "30 23 8:1 / /run/disk rw - ext4 /dev/sda1 rw\n");
	look_finds(ISIF_DISK_IN_USE, ISIF_VITAL_YES, "the root file system");
	/* All of it is in memory. */
	put_entry("proc/1/mountinfo", "1 1 0:2 / / rw - rootfs none rw\n");
	look_finds_nobody();
	/* A kind whose disks nobody tells. */
	put_entry("proc/self/mountinfo", "23 20 0:33 / / rw - zfs rpool/ROOT rw\n");
	put_files(process_files);
	put_entry("proc/77/fd/3", "->../../../dev/sda");
	look_finds(ISIF_DISK_IN_USE, ISIF_VITAL_UNKNOWN, "open in process 77 (qemu?[7m)");
}

static void test_unknown(void)
{
	put_files(process_files);
	/* As if the process's namespace could not be told: what root could not read either. */
	remove_file("proc/77/ns/mnt");
	put_file("proc/77/ns/mnt", "");
	look_finds(ISIF_DISK_UNKNOWN, ISIF_VITAL_NO,
		   "mounts of process 77 (qemu?[7m) cannot be seen: not in the form that it must "
		   "have");
	/* What is known to use it is told first. */
	put_mount("self", "30 23 8:0 / /mnt rw - ext4 /dev/sda rw");
	look_finds_user("mounted on /mnt");
	put_mount("self", "");
	/* Redundant is only what is known to have no other user. */
	put_files(map_files);
	put_mount("self", "30 23 254:0 / /srv rw - xfs /dev/mapper/mpatha rw");
	look_finds(ISIF_DISK_UNKNOWN, ISIF_VITAL_NO,
		   "mounts of process 77 (qemu?[7m) cannot be seen: not in the form that it must "
		   "have");
	put_entry("proc/77/ns/mnt", "->mnt:[4026531841]");
	look_finds(ISIF_DISK_REDUNDANT, ISIF_VITAL_NO, "mounted on /srv");
	/* In a container the others cannot be seen. */
	put_entry("proc/self/ns/pid", "->pid:[4026532200]");
	look_finds(ISIF_DISK_UNKNOWN, ISIF_VITAL_NO,
		   "not all processes can be seen: this is a container");
}

static void test_too_many_holders(void)
{
	char path[160], link[160];

	put_files(map_files);
	for (int i = 100; i < 400; i++) {
		snprintf(path, sizeof(path), VIRTUAL "dm-0/holders/dm-%d", i);
		snprintf(link, sizeof(link), "->../../dm-%d", i);
		put_entry(path, link);
		snprintf(path, sizeof(path), VIRTUAL "dm-%d/dm/uuid", i);
		put_entry(path, "part2-mpath-1");
		snprintf(path, sizeof(path), VIRTUAL "dm-%d/dev", i);
		put_entry(path, "254:99");
	}
	look_finds(ISIF_DISK_UNKNOWN, ISIF_VITAL_UNKNOWN, "too many devices stand on it");
}

static void test_claimed(void)
{
	struct found found;

	put_entry("dev/sda", "b 8:0 busy");
	look_finds_user("the kernel uses it, for whom cannot be seen");
	/* To show it, nobody claims it. */
	found = look_tree_all(ISIF_LOOK_TO_SHOW, (const uint32_t[]){ 1 }, 1);
	CU_ASSERT_EQUAL(found.disks[0].use, ISIF_DISK_UNUSED);
	/* Who can be seen is told, and nobody asks the kernel then. */
	put_mount("self", "30 23 8:1 / /srv rw - ext4 /dev/sda1 rw");
	look_finds_user("mounted on /srv");
	put_mount("self", "");
	put_entry("dev/sda", "b 8:0 offline");
	look_finds_nobody();
	put_entry("dev/sda", "b 8:7");
	look_finds(ISIF_DISK_UNKNOWN, ISIF_VITAL_UNKNOWN, "it has no node in /dev");
	remove_file("dev/sda");
	look_finds(ISIF_DISK_UNKNOWN, ISIF_VITAL_UNKNOWN, "it has no node in /dev");
	/* The map claims its paths, and kpartx's partitions the map. */
	put_files(map_files);
	put_entry("dev/sda", "b 8:0 busy");
	put_entry("dev/dm-0", "b 254:0 busy");
	put_entry("dev/dm-1", "b 254:1");
	look_finds_nobody();
	put_entry("dev/dm-1", "b 254:1 busy");
	look_finds_user("the kernel uses it, for whom cannot be seen");
}

static void test_claim_hangs(void)
{
	claim_patience = 1;
	put_entry("dev/sda", "b 8:0 hangs");
	look_finds(ISIF_DISK_UNKNOWN, ISIF_VITAL_UNKNOWN,
		   "it does not answer: whether the kernel uses it is not known");
}

static void test_foreign(void)
{
	const struct look_roots roots = { .sysfs = scratch("sys") };
	struct look *look = NULL;
	struct found found;

	CU_ASSERT_EQUAL_FATAL(
		look_begin(&roots, ISIF_LOOK_TO_LOG_OUT, (const uint32_t[]){ 2 }, 1, &look),
		ISIF_OK);
	found = look_tree_work(look, UINT64_MAX);
	CU_ASSERT_EQUAL(found.count, 1);
	CU_ASSERT_EQUAL(found.disks[0].use, ISIF_DISK_UNKNOWN);
	CU_ASSERT_EQUAL(found.disks[0].vital, ISIF_VITAL_NO);
	CU_ASSERT_STRING_EQUAL(found.disks[0].user, "not this host's disk");
}

/* One that is ended half-way leaves nothing behind: the sanitizers and valgrind look. */
static void test_ended_early(void)
{
	struct look *look;
	unsigned pause, steps = look_tree_work(look_tree_begin(ISIF_LOOK_TO_LOG_OUT,
							       (const uint32_t[]){ 1, 2 }, 2),
					       0)
					.steps;

	for (unsigned end = 0; end < steps; end++) {
		look = look_tree_begin(ISIF_LOOK_TO_LOG_OUT, (const uint32_t[]){ 1, 2 }, 2);
		for (unsigned i = 0; i < end; i++)
			CU_ASSERT_EQUAL(look_work(look, 0, &pause), ISIF_INCOMPLETE);
		look_end(look);
	}
	look_end(NULL);
}

void add_look_tests(void)
{
	CU_pSuite suite = CU_add_suite_with_setup_and_teardown("look", NULL, NULL, look_tree_make,
							       scratch_remove);

	CU_add_test(suite, "disks that nobody uses", test_unused);
	CU_add_test(suite, "mounted here", test_mounted);
	CU_add_test(suite, "mounted in another namespace", test_other_namespace);
	CU_add_test(suite, "mounted where nobody can be seen", test_hidden_mount);
	CU_add_test(suite, "swap", test_swap);
	CU_add_test(suite, "held by devices, one on another", test_holders);
	CU_add_test(suite, "held by bcache", test_bcache);
	CU_add_test(suite, "loop devices", test_loop);
	CU_add_test(suite, "open in a process", test_open);
	CU_add_test(suite, "the root file system", test_root);
	CU_add_test(suite, "the root file system behind an overlay", test_root_behind_overlay);
	CU_add_test(suite, "what cannot be determined", test_unknown);
	CU_add_test(suite, "claimed by the kernel", test_claimed);
	CU_add_test(suite, "a claim that hangs", test_claim_hangs);
	CU_add_test(suite, "too many holders", test_too_many_holders);
	CU_add_test(suite, "a tree that is not this host's", test_foreign);
	CU_add_test(suite, "a look that is ended early", test_ended_early);
}
