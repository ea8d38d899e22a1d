/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "look_tree.h"

#include "cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>

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
const struct file map_files[] = {
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
const struct file volume_files[] = {
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
const struct file process_files[] = {
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

char multipathd_name[64];
unsigned claim_patience; /* ms for those who are asked */

void put_entry(const char *path, const char *content)
{
	remove(scratch("%s", path));
	if (!strncmp(content, "->", 2))
		put_link(path, content + 2);
	else
		put_file(path, content);
}

void put_files(const struct file *files)
{
	for (; files->path; files++)
		put_entry(files->path, files->content);
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

struct look *look_tree_begin(enum isif_look_purpose purpose, const uint32_t *sids, size_t count)
{
	const struct look_roots roots = {
		.sysfs = scratch("sys"),
		.proc = scratch("proc"),
		.dev = scratch("dev"),
		.multipathd = multipathd_name,
		.node = node,
		.claim = claim,
		.patience = claim_patience,
	};
	struct look *look = NULL;

	CU_ASSERT_EQUAL_FATAL(look_begin(&roots, purpose, sids, count, &look), ISIF_OK);
	return look;
}

struct found look_tree_work(struct look *look, uint64_t deadline)
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
struct found look_tree_all(enum isif_look_purpose purpose, const uint32_t *sids, size_t count)
{
	struct found found = look_tree_work(look_tree_begin(purpose, sids, count), UINT64_MAX);
	struct found again = look_tree_work(look_tree_begin(purpose, sids, count), 0);

	CU_ASSERT_EQUAL(found.steps, 1);
	CU_ASSERT(again.steps > 10);
	CU_ASSERT_EQUAL(again.count, found.count);
	CU_ASSERT_EQUAL(memcmp(again.disks, found.disks, sizeof(found.disks)), 0);
	return found;
}

/* What is found of the first disk, sda. */
void look_finds(enum isif_disk_use use, enum isif_vital vital, const char *user)
{
	struct found found = look_tree_all(ISIF_LOOK_TO_LOG_OUT, (const uint32_t[]){ 1 }, 1);

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

void look_finds_user(const char *user)
{
	look_finds(ISIF_DISK_IN_USE, ISIF_VITAL_NO, user);
}

void look_finds_nobody(void)
{
	look_finds(ISIF_DISK_UNUSED, ISIF_VITAL_NO, "");
}

void put_mount(const char *process_number, const char *line)
{
	char text[1024], path[64];

	snprintf(text, sizeof(text), "%s%s\n", ROOT_LINE, line);
	snprintf(path, sizeof(path), "proc/%s/mountinfo", process_number);
	put_entry(path, text);
}

void look_tree_make(void)
{
	static unsigned turn;

	scratch_make();
	claim_patience = 120000;
	snprintf(multipathd_name, sizeof(multipathd_name), "isif-unit-%d-%u", (int)getpid(),
		 turn++);
	put_files(host);
}
