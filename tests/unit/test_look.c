/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "look.h"

#include "cleanup.h"
#include "helpers.h"
#include "suites.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>

/* A file of the tree: text, or after "->" where a link leads. */
struct file {
	const char *path;
	const char *content;
};

#define SESSION1 "devices/platform/host0/session1"
#define SESSION2 "devices/platform/host1/session2"
#define CLASS(n) "class/iscsi_session/session" #n
#define SCSI1	 SESSION1 "/target0:0:0/0:0:0:1/"
#define SCSI2	 SESSION1 "/target0:0:0/0:0:0:2/"
#define SCSI3	 SESSION2 "/target1:0:0/1:0:0:1/"
#define LUN1	 "sys/" SCSI1
#define LUN2	 "sys/" SCSI2
#define OTHER	 "sys/" SCSI3
#define VIRTUAL	 "sys/devices/virtual/block/"
#define DOWN	 "->../../../../../../../../virtual/block/" /* from holders/ of a disk */

#define ROOT_LINE "23 20 253:1 / / rw,relatime - ext4 /dev/vda1 rw\n"
#define SWAPS	  "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"

/* Sessions 1 (sda with a partition, sdb) and 2 (sdc); nobody uses them. */
static const struct file host[] = {
	{ "sys/" CLASS(1) "/device", "->../../../" SESSION1 },
	{ "sys/" CLASS(1) "/state", "LOGGED_IN" },
	{ "sys/" CLASS(2) "/device", "->../../../" SESSION2 },
	{ "sys/" CLASS(2) "/state", "LOGGED_IN" },
	{ "sys/" SESSION1 "/target0:0:0/0:0:0:0/state", "running" },
	{ LUN1 "state", "running" },
	{ LUN1 "block/sda/dev", "8:0" },
	{ LUN1 "block/sda/device", "->../../../0:0:0:1" },
	{ LUN1 "block/sda/sda1/dev", "8:1" },
	{ LUN1 "scsi_generic/sg0/dev", "21:0" },
	{ LUN2 "state", "running" },
	{ LUN2 "block/sdb/dev", "8:16" },
	{ LUN2 "block/sdb/device", "->../../../0:0:0:2" },
	{ OTHER "state", "running" },
	{ OTHER "block/sdc/dev", "8:32" },
	{ OTHER "block/sdc/device", "->../../../1:0:0:1" },
	{ "sys/block/sda", "->../" SESSION1 "/target0:0:0/0:0:0:1/block/sda" },
	{ "dev/sda", "b 8:0" },
	{ "dev/sda1", "b 8:1" },
	{ "dev/sdb", "b 8:16" },
	{ "dev/sdc", "b 8:32" },
	{ "dev/sg0", "c 21:0" },
	{ "dev/null", "c 1:3" },
	{ "dev/vda1", "b 253:1" },
	{ "proc/swaps", SWAPS },
	{ "proc/self/ns/pid", "->pid:[4026531836]" },
	{ "proc/self/ns/mnt", "->mnt:[4026531841]" },
	{ "proc/self/root", "->../../dev" },
	{ "proc/self/comm", "iscsi-ifaced" },
	{ "proc/self/mountinfo", ROOT_LINE },
	{ "proc/self/fd/0", "->../../../dev/null" },
	{ "proc/1/ns/mnt", "->mnt:[4026531841]" },
	{ "proc/1/root", "->../../dev" },
	{ "proc/1/comm", "systemd" },
	{ "proc/1/exe", "->/usr/lib/systemd/systemd" },
	{ "proc/1/mountinfo", ROOT_LINE },
	{ "proc/1/fd/0", "->../../../dev/null" },
	{ "proc/uptime", "1.00 1.00" },
	{ NULL, NULL },
};

/* Both paths of one disk, sda and sdc, in a map. */
static const struct file map[] = {
	{ LUN1 "block/sda/holders/dm-0", DOWN "dm-0" },
	{ OTHER "block/sdc/holders/dm-0", DOWN "dm-0" },
	{ VIRTUAL "dm-0/dev", "254:0" },
	{ VIRTUAL "dm-0/dm/name", "mpatha" },
	{ VIRTUAL "dm-0/dm/uuid", "mpath-360000000000000000e00000000010001" },
	{ VIRTUAL "dm-0/slaves/sda", "->../../../../../" SCSI1 "block/sda" },
	{ VIRTUAL "dm-0/slaves/sdc", "->../../../../../" SCSI3 "block/sdc" },
	{ VIRTUAL "dm-0/holders/dm-1", "->../../dm-1" },
	{ "dev/dm-0", "b 254:0" },
	{ "dev/dm-1", "b 254:1" },
	{ VIRTUAL "dm-1/dev", "254:1" },
	{ VIRTUAL "dm-1/dm/name", "mpatha-part1" },
	{ VIRTUAL "dm-1/dm/uuid", "part1-mpath-360000000000000000e00000000010001" },
	{ NULL, NULL },
};

/* A volume on the partition of sda. */
static const struct file volume[] = {
	{ LUN1 "block/sda/sda1/holders/md0", "->../../../../../../../../../virtual/block/md0" },
	{ VIRTUAL "md0/dev", "9:0" },
	{ VIRTUAL "md0/holders/dm-2", "->../../dm-2" },
	{ VIRTUAL "dm-2/dev", "254:2" },
	{ VIRTUAL "dm-2/dm/name", "vg-lv" },
	{ VIRTUAL "dm-2/dm/uuid", "LVM-abc" },
	/* a ring, as no kernel allows it */
	{ VIRTUAL "dm-2/holders/md0", "->../../md0" },
	{ NULL, NULL },
};

/* Another process, in the host's namespace. */
static const struct file process[] = {
	{ "proc/77/ns/mnt", "->mnt:[4026531841]" },
	{ "proc/77/root", "->../../dev" },
	{ "proc/77/comm", "qemu\x1b[7m\n" },
	{ "proc/77/exe", "->/usr/bin/qemu-system-x86_64" },
	{ "proc/77/stat", "77 (qemu) S 1 77 77" },
	{ "proc/77/mountinfo", ROOT_LINE },
	{ "proc/77/fd/0", "->../../../dev/null" },
	{ "proc/77/fd/1", "->pipe:[4711]" },
	{ NULL, NULL },
};

static char socket_name[64];
static unsigned patience; /* ms for those who are asked */

static void put(const char *path, const char *content)
{
	remove(scratch("%s", path));
	if (!strncmp(content, "->", 2))
		put_link(path, content + 2);
	else
		put_file(path, content);
}

static void put_all(const struct file *files)
{
	for (; files->path; files++)
		put(files->path, files->content);
}

/* Nodes that need no root: files that say "b 8:0". */
static bool node(int directory, const char *path, dev_t *number, bool *character)
{
	int CLEANUP_CLOSE file = openat(directory, path, O_RDONLY | O_CLOEXEC);
	char text[32] = "";
	unsigned numbers[2];
	char kind;

	if (file < 0 || read(file, text, sizeof(text) - 1) < 0 ||
	    sscanf(text, "%c %u:%u", &kind, &numbers[0], &numbers[1]) != 3)
		return false;
	*number = makedev(numbers[0], numbers[1]);
	*character = kind == 'c';
	return true;
}

/* In a child: a device that the kernel has claimed, that is offline, that never answers. */
static int claim(int directory, const char *path)
{
	int CLEANUP_CLOSE file = openat(directory, path, O_RDONLY | O_CLOEXEC);
	char text[32] = "";

	if (file < 0 || read(file, text, sizeof(text) - 1) < 0)
		return errno;
	while (strstr(text, "hangs"))
		pause();
	return strstr(text, "busy") ? EBUSY : strstr(text, "offline") ? ENXIO : 0;
}

static struct look *begin(const uint32_t *sids, size_t count)
{
	const struct look_roots roots = {
		.sysfs = scratch("sys"),
		.proc = scratch("proc"),
		.dev = scratch("dev"),
		.multipathd = socket_name,
		.node = node,
		.claim = claim,
		.patience = patience,
	};
	struct look *look = NULL;

	CU_ASSERT_EQUAL_FATAL(look_begin(&roots, sids, count, &look), ISIF_OK);
	return look;
}

struct found {
	size_t count;
	unsigned steps;
	struct isif_look_disk disks[8];
};

static struct found work(struct look *look, uint64_t deadline)
{
	const struct isif_look_disk *disks;
	struct found found = { 0 };
	enum isif_error error;
	unsigned wait = 0;

	do {
		error = look_work(look, deadline, &wait);
		found.steps += !wait;
		if (wait)
			poll(NULL, 0, (int)wait);
	} while (error == ISIF_INCOMPLETE);
	CU_ASSERT_EQUAL(error, ISIF_OK);
	look_result(look, &disks, &found.count);
	CU_ASSERT_FATAL(found.count <= COUNT(found.disks));
	if (found.count)
		memcpy(found.disks, disks, found.count * sizeof(*disks));
	look_end(look);
	return found;
}

/* Looks in one go, and again in the smallest steps, which must find the same. */
static struct found look_at(const uint32_t *sids, size_t count)
{
	struct found found = work(begin(sids, count), UINT64_MAX);
	struct found again = work(begin(sids, count), 0);

	CU_ASSERT_EQUAL(found.steps, 1);
	CU_ASSERT(again.steps > 10);
	CU_ASSERT_EQUAL(again.count, found.count);
	CU_ASSERT_EQUAL(memcmp(again.disks, found.disks, sizeof(found.disks)), 0);
	return found;
}

/* What is found of the first disk, sda. */
static void check(enum isif_disk_use use, enum isif_vital vital, const char *user)
{
	struct found found = look_at((const uint32_t[]){ 1 }, 1);

	CU_ASSERT_EQUAL_FATAL(found.count, 2);
	for (size_t i = 0; i < found.count; i++) {
		const struct isif_look_disk *disk = &found.disks[i];

		if (strcmp(disk->device, "sda") != 0)
			continue;
		CU_ASSERT_EQUAL(disk->sid, 1);
		CU_ASSERT_EQUAL(disk->use, use);
		CU_ASSERT_EQUAL(disk->vital, vital);
		CU_ASSERT_STRING_EQUAL(disk->user, user);
		if (strcmp(disk->user, user) != 0)
			printf("# %s\n", disk->user);
		return;
	}
	CU_FAIL("no sda");
}

static void check_in_use(const char *user)
{
	check(ISIF_DISK_IN_USE, ISIF_VITAL_NO, user);
}

static void check_unused(void)
{
	check(ISIF_DISK_UNUSED, ISIF_VITAL_NO, "");
}

static void put_mount(const char *process_number, const char *line)
{
	char text[1024], path[64];

	snprintf(text, sizeof(text), "%s%s\n", ROOT_LINE, line);
	snprintf(path, sizeof(path), "proc/%s/mountinfo", process_number);
	put(path, text);
}

static void begin_test(void)
{
	static unsigned turn;

	scratch_make();
	patience = 120000;
	snprintf(socket_name, sizeof(socket_name), "isif-unit-%d-%u", (int)getpid(), turn++);
	put_all(host);
}

static void test_unused(void)
{
	struct found found;

	check_unused();
	found = look_at((const uint32_t[]){ 2, 1 }, 2);
	CU_ASSERT_EQUAL(found.count, 3);
	CU_ASSERT_EQUAL(found.disks[0].sid, 2);
	CU_ASSERT_STRING_EQUAL(found.disks[0].device, "sdc");
	/* A session that is gone has no disks, and no session has none either. */
	CU_ASSERT_EQUAL(look_at((const uint32_t[]){ 9 }, 1).count, 0);
	CU_ASSERT_EQUAL(look_at(NULL, 0).count, 0);
	/* Neither the map by itself, nor kpartx's partitions of it, are a use. */
	put_all(map);
	check_unused();
}

static void test_mounted(void)
{
	put_mount("self", "30 23 8:0 / /mnt/a\\040b rw shared:7 - ext4 /dev/sda rw");
	check_in_use("mounted on /mnt/a b");
	put_mount("self", "30 23 8:1 /sub /srv rw - ext4 /dev/sda1 rw");
	check_in_use("mounted on /srv");
	put_mount("self", "30 23 0:45 / /data rw - btrfs /dev/sda1 rw");
	check_in_use("mounted on /data");
	put_mount("self", "30 23 0:46 / /data rw - tmpfs sda rw");
	check_unused();
	put("proc/self/mountinfo", "not a mount\n\n1 2\n1 2 x:y / /\n1 2 8:0\n" ROOT_LINE);
	check_unused();
}

static void test_other_namespace(void)
{
	put_all(process);
	put_mount("77", "30 23 8:1 / /data rw - ext4 /dev/sda1 rw");
	/* It is in the host's namespace, and that was read: what it shows now is not read again. */
	check_unused();
	put("proc/77/ns/mnt", "->mnt:[4026532999]");
	check_in_use("mounted on /data");
	/* The same namespace, seen from another root directory. */
	put("proc/77/ns/mnt", "->mnt:[4026531841]");
	put("proc/77/root", "->../../sys");
	check_in_use("mounted on /data");
	/* What is "/" elsewhere is not the root file system. */
	put_mount("77", "30 23 8:1 / / rw - ext4 /dev/sda1 rw");
	check_in_use("mounted on /");
	/* Two other namespaces. */
	put("proc/77/ns/mnt", "->mnt:[4026532999]");
	put("proc/77/mountinfo", ROOT_LINE);
	put("proc/78/ns/mnt", "->mnt:[4026533000]");
	put("proc/78/root", "->../../dev");
	put_mount("78", "30 23 8:0 / /third rw - ext4 /dev/sda rw");
	put("proc/78/fd/0", "->../../../dev/null");
	check_in_use("mounted on /third");
	/* A process that ends while it is looked at: nothing of it can be read any more. */
	put_directory("proc/79");
	check_in_use("mounted on /third");
}

/* Mounted, but by no process that can be seen: sysfs knows. */
static void test_hidden_mount(void)
{
	put_directory("sys/fs/ext4/features");
	check_unused();
	put("sys/fs/xfs/sda1/stats/stats", "");
	check_in_use("mounted (xfs) where no process can be seen");
	put_mount("self", "30 23 8:1 / /srv rw - xfs /dev/sda1 rw");
	check_in_use("mounted on /srv");
	put_mount("self", "");
	remove_file("sys/fs/xfs/sda1/stats/stats");
	remove_file("sys/fs/xfs/sda1/stats");
	remove_file("sys/fs/xfs/sda1");
	put_directory("sys/fs/btrfs/features");
	put_directory("sys/fs/btrfs/1f3e/devices/sda1");
	check_in_use("part of a mounted btrfs");
	/* The root's own btrfs has it as its second device. */
	put_directory("sys/fs/btrfs/1f3e/devices/vda1");
	put_directory("sys/devices/virtual/block/vda1");
	put("sys/dev/block/253:1", "->../../devices/virtual/block/vda1");
	put("proc/self/mountinfo", "23 20 0:33 /@ / rw - btrfs /dev/vda1 rw,subvol=/@\n");
	check(ISIF_DISK_IN_USE, ISIF_VITAL_YES, "part of the btrfs of the root");
}

static void test_swap(void)
{
	put("proc/swaps", SWAPS "/dev/sda1 partition 1048572 0 -2\n");
	check(ISIF_DISK_IN_USE, ISIF_VITAL_YES, "swap");
	/* A file, on a file system that is elsewhere, and on one that is on the disk. */
	put("proc/swaps", SWAPS "/swap.img file 1048572 0 -2\n");
	check_unused();
	put("proc/swaps", SWAPS "/srv/a\\040b/swap.img file 1048572 0 -2\n");
	put_mount("self", "30 23 8:1 / /srv/a\\040b rw - ext4 /dev/sda1 rw");
	check(ISIF_DISK_IN_USE, ISIF_VITAL_YES, "swap");
	put_mount("self", "30 23 8:1 / /srv/a rw - ext4 /dev/sda1 rw");
	check_in_use("mounted on /srv/a");
	/* A device without a node may be any; a kernel without swapping has no such file. */
	put("proc/swaps", SWAPS "/dev/none partition 1048572 0 -2\n");
	put_mount("self", "");
	check(ISIF_DISK_UNKNOWN, ISIF_VITAL_UNKNOWN,
	      "the swap device /dev/none has no node in /dev");
	remove_file("proc/swaps");
	check_unused();
	put_directory("proc/swaps");
	check(ISIF_DISK_UNKNOWN, ISIF_VITAL_UNKNOWN,
	      "swap devices cannot be read: not in the form that it must have");
}

static void test_holders(void)
{
	put_all(volume);
	check_in_use("held by md0");
	put_mount("self", "30 23 254:2 / /srv rw - xfs /dev/mapper/vg-lv rw");
	check_in_use("mounted on /srv");
	put_mount("self", "");
	put_all(process);
	put("dev/dm-2", "b 254:2");
	put("proc/77/fd/9", "->../../../dev/dm-2");
	check_in_use("held by md0");
}

static void test_bcache(void)
{
	put_directory(LUN1 "block/sda/bcache");
	check_in_use("held by bcache");
	put(LUN1 "block/sda/bcache/dev", "->../../../../../../../../virtual/block/bcache0");
	put(VIRTUAL "bcache0/dev", "252:0");
	put(VIRTUAL "bcache0/bcache", "->../../../../../" SCSI1 "block/sda/bcache");
	put("proc/self/mountinfo", "23 20 252:0 / / rw - ext4 /dev/bcache0 rw\n");
	check(ISIF_DISK_IN_USE, ISIF_VITAL_YES, "mounted on /");
}

static void test_loop(void)
{
	put("sys/block/loop0", "->../devices/virtual/block/loop0");
	put(VIRTUAL "loop0/dev", "7:0");
	check_unused();
	/* On the disk itself; on a file on it; on one that lies elsewhere. */
	put(VIRTUAL "loop0/loop/backing_file", "/dev/sda1\n");
	check_in_use("held by loop0");
	put_mount("self", "30 23 8:1 / /srv rw - ext4 /dev/sda1 rw\n"
			  "31 23 7:0 / /image rw - squashfs /dev/loop0 rw");
	check_in_use("mounted on /srv");
	put(VIRTUAL "loop0/loop/backing_file", "/srv/image (deleted)\n");
	check_in_use("mounted on /srv");
	put("proc/self/mountinfo", "23 20 7:0 / / rw - squashfs /dev/loop0 rw\n"
				   "30 23 8:1 / /run/medium rw - ext4 /dev/sda1 rw\n");
	put(VIRTUAL "loop0/loop/backing_file", "/run/medium/image\n");
	check(ISIF_DISK_IN_USE, ISIF_VITAL_YES, "mounted on /");
	put("proc/self/mountinfo", ROOT_LINE);
	check_unused();
	/* A loop device on a partition of another loop device. */
	put(VIRTUAL "loop0/loop/backing_file", "/dev/sda\n");
	put(VIRTUAL "loop0/loop0p1/dev", "259:0");
	put("dev/loop0p1", "b 259:0");
	put("sys/block/loop1", "->../devices/virtual/block/loop1");
	put(VIRTUAL "loop1/dev", "7:1");
	put(VIRTUAL "loop1/loop/backing_file", "/dev/loop0p1\n");
	put_mount("self", "30 23 7:1 / /inner rw - ext4 /dev/loop1 rw");
	check_in_use("mounted on /inner");
	put(VIRTUAL "loop1/loop/backing_file", "/dev/none\n");
	put(VIRTUAL "loop0/loop/backing_file", "/file\n");
	put_mount("self", "");
	check(ISIF_DISK_UNKNOWN, ISIF_VITAL_NO,
	      "loop1 stands on /dev/none, which has no node in /dev");
}

static void test_open(void)
{
	char path[64];

	put_all(process);
	check_unused();
	/* The last of more descriptors than are read in a step. */
	for (int i = 2; i < 200; i++) {
		snprintf(path, sizeof(path), "proc/77/fd/%d", i);
		put(path, "->../../../dev/null");
	}
	put("proc/77/fd/200", "->../../../dev/sda1");
	check_in_use("open in process 77 (qemu?[7m)");
	put("proc/77/fd/200", "->../../../dev/sg0");
	check_in_use("open in process 77 (qemu?[7m)");
	put("proc/77/fd/200", "->../../../dev/sda");
	check_in_use("open in process 77 (qemu?[7m)");
	/* Those who look into every disk are no users, nor are udev's programs. */
	put("proc/77/exe", "->/sbin/multipathd (deleted)");
	check_unused();
	put("proc/77/exe", "->/usr/bin/udevadm");
	check_unused();
	put("proc/77/exe", "->/sbin/multipathd-not");
	check_in_use("open in process 77 (qemu?[7m)");
	put("proc/77/stat", "77 (q) (x) S 76 77 77");
	put("proc/76/exe", "->/usr/lib/systemd/systemd-udevd");
	check_unused();
}

static void test_root(void)
{
	put("proc/self/mountinfo", "23 20 8:1 / / rw - ext4 /dev/sda1 rw\n");
	check(ISIF_DISK_IN_USE, ISIF_VITAL_YES, "mounted on /");
	put_mount("self", "30 23 8:1 / /boot/efi rw - vfat /dev/sda1 rw");
	check(ISIF_DISK_IN_USE, ISIF_VITAL_YES, "mounted on /boot/efi");
	put_mount("self", "30 23 8:1 / /boots rw - vfat /dev/sda1 rw");
	check_in_use("mounted on /boots");
	/* In the namespace of process 1, too, if that is another one. */
	put("proc/1/ns/mnt", "->mnt:[4026531840]");
	put("proc/self/mountinfo", ROOT_LINE);
	put("proc/1/mountinfo", "23 20 8:1 / / rw - ext4 /dev/sda1 rw\n");
	check(ISIF_DISK_IN_USE, ISIF_VITAL_YES, "mounted on /");
	put("proc/1/mountinfo", ROOT_LINE);
	/* On a volume. */
	put_all(volume);
	put("proc/self/mountinfo", "23 20 254:2 / / rw - xfs /dev/mapper/vg-lv rw\n");
	check(ISIF_DISK_IN_USE, ISIF_VITAL_YES, "mounted on /");
}

#define OVERLAY                                                                                    \
	"23 20 0:40 / / rw - overlay overlay rw,lowerdir=/run/low:/run/disk/x,upperdir=/run/up\n"

static void test_root_behind_overlay(void)
{
	put("proc/1/mountinfo", OVERLAY);
	put("proc/self/mountinfo", OVERLAY "30 23 8:1 / /run/disk rw - ext4 /dev/sda1 rw\n"
					   "31 23 0:41 / /run rw - tmpfs run rw\n");
	check(ISIF_DISK_IN_USE, ISIF_VITAL_YES, "the root file system");
	/* What lies below cannot be seen. */
	put("proc/self/mountinfo", OVERLAY);
	check(ISIF_DISK_UNUSED, ISIF_VITAL_UNKNOWN, "");
	/* Process 1 sees it. */
	put("proc/1/root", "->../../sys");
	put("proc/1/mountinfo", "1 1 0:2 / / rw - rootfs none rw\n"
				"30 23 8:1 / /run/disk rw - ext4 /dev/sda1 rw\n");
	check(ISIF_DISK_IN_USE, ISIF_VITAL_YES, "the root file system");
	/* All of it is in memory. */
	put("proc/1/mountinfo", "1 1 0:2 / / rw - rootfs none rw\n");
	check_unused();
	/* A kind whose disks nobody tells. */
	put("proc/self/mountinfo", "23 20 0:33 / / rw - zfs rpool/ROOT rw\n");
	put_all(process);
	put("proc/77/fd/3", "->../../../dev/sda");
	check(ISIF_DISK_IN_USE, ISIF_VITAL_UNKNOWN, "open in process 77 (qemu?[7m)");
}

static void check_map(enum isif_disk_use use, const char *user)
{
	check(use, ISIF_VITAL_NO, user);
}

static void test_multipath(void)
{
	struct found found;

	put_all(map);
	put_mount("self", "30 23 254:1 / /srv rw - xfs /dev/mapper/mpatha-part1 rw");
	check_map(ISIF_DISK_REDUNDANT, "mounted on /srv");
	/* Both sessions are to go: each has the other's path, and none will be left. */
	found = look_at((const uint32_t[]){ 1, 2 }, 2);
	CU_ASSERT_EQUAL_FATAL(found.count, 3);
	for (size_t i = 0; i < found.count; i++)
		CU_ASSERT_EQUAL(found.disks[i].use, strcmp(found.disks[i].device, "sdb")
							    ? ISIF_DISK_IN_USE
							    : ISIF_DISK_UNUSED);
	/* The other session is down, though the kernel has not given up its disk. */
	put("sys/" CLASS(2) "/state", "FAILED");
	check_map(ISIF_DISK_IN_USE, "mounted on /srv");
	put("sys/" CLASS(2) "/state", "LOGGED_IN");
	put(OTHER "state", "transport-offline");
	check_map(ISIF_DISK_IN_USE, "mounted on /srv");
	put(OTHER "state", "running");
	check_map(ISIF_DISK_REDUNDANT, "mounted on /srv");
	/* Root and swap, too, have another path; but not whoever uses the disk itself. */
	put_mount("self", "30 23 254:1 / /boot rw - xfs /dev/mapper/mpatha-part1 rw");
	check(ISIF_DISK_REDUNDANT, ISIF_VITAL_YES, "mounted on /boot");
	put_all(process);
	put("proc/77/fd/3", "->../../../dev/sda");
	check(ISIF_DISK_IN_USE, ISIF_VITAL_YES, "mounted on /boot");
	remove_file("proc/77/fd/3");
	/* The other path is one of the same session. */
	remove_file(VIRTUAL "dm-0/slaves/sdc");
	put(VIRTUAL "dm-0/slaves/sdb", "->../../../../../" SCSI2 "block/sdb");
	check(ISIF_DISK_IN_USE, ISIF_VITAL_YES, "mounted on /boot");
}

static void test_volume_on_map(void)
{
	put_all(map);
	put(VIRTUAL "dm-0/holders/dm-2", "->../../dm-2");
	put(VIRTUAL "dm-2/dev", "254:2");
	put(VIRTUAL "dm-2/dm/name", "vg-lv");
	put(VIRTUAL "dm-2/dm/uuid", "LVM-abc");
	check_map(ISIF_DISK_REDUNDANT, "held by vg-lv");
	put_mount("self", "30 23 254:2 / /srv rw - xfs /dev/mapper/vg-lv rw");
	check_map(ISIF_DISK_REDUNDANT, "mounted on /srv");
	put(OTHER "state", "offline");
	check_map(ISIF_DISK_IN_USE, "mounted on /srv");
}

static void test_unknown(void)
{
	put_all(process);
	/* As if the process's namespace could not be told: what root could not read either. */
	remove_file("proc/77/ns/mnt");
	put_file("proc/77/ns/mnt", "");
	check(ISIF_DISK_UNKNOWN, ISIF_VITAL_NO,
	      "mounts of process 77 (qemu?[7m) cannot be seen: not in the form that it must have");
	/* What is known to use it is told first. */
	put_mount("self", "30 23 8:0 / /mnt rw - ext4 /dev/sda rw");
	check_in_use("mounted on /mnt");
	put_mount("self", "");
	/* Redundant is only what is known to have no other user. */
	put_all(map);
	put_mount("self", "30 23 254:0 / /srv rw - xfs /dev/mapper/mpatha rw");
	check(ISIF_DISK_UNKNOWN, ISIF_VITAL_NO,
	      "mounts of process 77 (qemu?[7m) cannot be seen: not in the form that it must have");
	put("proc/77/ns/mnt", "->mnt:[4026531841]");
	check_map(ISIF_DISK_REDUNDANT, "mounted on /srv");
	/* In a container the others cannot be seen. */
	put("proc/self/ns/pid", "->pid:[4026532200]");
	check(ISIF_DISK_UNKNOWN, ISIF_VITAL_NO,
	      "not all processes can be seen: this is a container");
}

static void test_too_many_holders(void)
{
	char path[160], link[160];

	put_all(map);
	for (int i = 100; i < 400; i++) {
		snprintf(path, sizeof(path), VIRTUAL "dm-0/holders/dm-%d", i);
		snprintf(link, sizeof(link), "->../../dm-%d", i);
		put(path, link);
		snprintf(path, sizeof(path), VIRTUAL "dm-%d/dm/uuid", i);
		put(path, "part2-mpath-1");
		snprintf(path, sizeof(path), VIRTUAL "dm-%d/dev", i);
		put(path, "254:99");
	}
	check(ISIF_DISK_UNKNOWN, ISIF_VITAL_UNKNOWN, "too many devices stand on it");
}

static void test_claimed(void)
{
	put("dev/sda", "b 8:0 busy");
	check_in_use("the kernel uses it, for whom cannot be seen");
	/* Who can be seen is told, and nobody asks the kernel then. */
	put_mount("self", "30 23 8:1 / /srv rw - ext4 /dev/sda1 rw");
	check_in_use("mounted on /srv");
	put_mount("self", "");
	put("dev/sda", "b 8:0 offline");
	check_unused();
	put("dev/sda", "b 8:7");
	check(ISIF_DISK_UNKNOWN, ISIF_VITAL_UNKNOWN, "it has no node in /dev");
	remove_file("dev/sda");
	check(ISIF_DISK_UNKNOWN, ISIF_VITAL_UNKNOWN, "it has no node in /dev");
	/* The map claims its paths, and kpartx's partitions the map. */
	put_all(map);
	put("dev/sda", "b 8:0 busy");
	put("dev/dm-0", "b 254:0 busy");
	put("dev/dm-1", "b 254:1");
	check_unused();
	put("dev/dm-1", "b 254:1 busy");
	check_in_use("the kernel uses it, for whom cannot be seen");
}

static void test_claim_hangs(void)
{
	patience = 1;
	put("dev/sda", "b 8:0 hangs");
	check(ISIF_DISK_UNKNOWN, ISIF_VITAL_UNKNOWN,
	      "it does not answer: whether the kernel uses it is not known");
}

static void test_foreign(void)
{
	const struct look_roots roots = { .sysfs = scratch("sys") };
	struct look *look = NULL;
	struct found found;

	CU_ASSERT_EQUAL_FATAL(look_begin(&roots, (const uint32_t[]){ 2 }, 1, &look), ISIF_OK);
	found = work(look, UINT64_MAX);
	CU_ASSERT_EQUAL(found.count, 1);
	CU_ASSERT_EQUAL(found.disks[0].use, ISIF_DISK_UNKNOWN);
	CU_ASSERT_EQUAL(found.disks[0].vital, ISIF_VITAL_NO);
	CU_ASSERT_STRING_EQUAL(found.disks[0].user, "not this host's disk");
}

/* --- multipathd --- */

static int listen_as_multipathd(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t length = strlen(socket_name);
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memcpy(address.sun_path + 1, socket_name, length);
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
	struct look *look = begin((const uint32_t[]){ 2 }, 1);
	struct found found;

	answer(listener, text);
	found = work(look, UINT64_MAX);
	CU_ASSERT_EQUAL_FATAL(found.count, 1);
	CU_ASSERT_EQUAL(found.disks[0].use, use);
	CU_ASSERT_STRING_EQUAL(found.disks[0].user, user);
}

/* As multipath-tools 0.9.4 answers. */
#define STATES(state) "dev dm_st  chk_st\nsda " state "\nsdc active ready \n"

static void test_multipathd(void)
{
	put_all(map);
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

	put_all(map);
	put_mount("self", "30 23 254:0 / /srv rw - xfs /dev/mapper/mpatha rw");
	listener = listen_as_multipathd();
	look = begin((const uint32_t[]){ 2 }, 1);
	while (!pause)
		CU_ASSERT_EQUAL_FATAL(look_work(look, 0, &pause), ISIF_INCOMPLETE);
	CU_ASSERT_EQUAL(look_work(look, UINT64_MAX, &pause), ISIF_INCOMPLETE);
	CU_ASSERT(pause > 0);
	answer(listener, STATES("active ready "));
	found = work(look, UINT64_MAX);
	CU_ASSERT_EQUAL_FATAL(found.count, 1);
	CU_ASSERT_EQUAL(found.disks[0].use, ISIF_DISK_REDUNDANT);
}

/* One that is ended half-way leaves nothing behind: the sanitizers and valgrind look. */
static void test_ended_early(void)
{
	struct look *look;
	unsigned pause, steps = work(begin((const uint32_t[]){ 1, 2 }, 2), 0).steps;

	for (unsigned end = 0; end < steps; end++) {
		look = begin((const uint32_t[]){ 1, 2 }, 2);
		for (unsigned i = 0; i < end; i++)
			CU_ASSERT_EQUAL(look_work(look, 0, &pause), ISIF_INCOMPLETE);
		look_end(look);
	}
	look_end(NULL);
}

void add_look_tests(void)
{
	CU_pSuite suite = CU_add_suite_with_setup_and_teardown("look", NULL, NULL, begin_test,
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
	CU_add_test(suite, "multipath", test_multipath);
	CU_add_test(suite, "a volume on a multipath map", test_volume_on_map);
	CU_add_test(suite, "what cannot be determined", test_unknown);
	CU_add_test(suite, "claimed by the kernel", test_claimed);
	CU_add_test(suite, "a claim that hangs", test_claim_hangs);
	CU_add_test(suite, "too many holders", test_too_many_holders);
	CU_add_test(suite, "a tree that is not this host's", test_foreign);
	CU_add_test(suite, "multipathd's word on the paths", test_multipathd);
	CU_add_test(suite, "multipathd takes its time", test_multipathd_late);
	CU_add_test(suite, "a look that is ended early", test_ended_early);
}
