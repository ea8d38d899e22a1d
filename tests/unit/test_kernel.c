/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <isif/kernel.h>

#include "cleanup.h"
#include "kernel_port.h"
#include "kernel_sysfs.h"
#include "kernel_use.h"

#include <CUnit/CUnit.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/stat.h>

void add_kernel_tests(void);

DEFINE_CLEANUP(struct isif_sysfs, sysfs, isif_sysfs_close);
DEFINE_CLEANUP(struct isif_kernel_session, session, isif_kernel_session_release);
DEFINE_CLEANUP(struct isif_kernel_port, port, isif_kernel_port_release);

/* A file of a tree: text and a newline, or after "->" the target of a symlink. */
struct file {
	const char *path;
	const char *content;
};

#define SESSION1    "devices/platform/host0/session1"
#define SESSION2    "devices/platform/host1/session2"
#define CLASS1	    SESSION1 "/iscsi_session/session1/"
#define CLASS2	    SESSION2 "/iscsi_session/session2/"
#define CONNECTION1 SESSION1 "/connection1:0/iscsi_connection/connection1:0/"
#define HOST0	    "devices/platform/host0/"
#define HOST1	    "devices/platform/host1/"
#define LUN1	    SESSION1 "/target0:0:0/0:0:0:1/"
#define LUN2	    SESSION1 "/target0:0:0/0:0:0:2/"
#define OTHER_LUN1  SESSION2 "/target1:0:0/1:0:0:1/"

/* As captured from Linux 6.1 with iscsi_tcp, open-iscsi 2.1.8 and two sessions. */
static const struct file host_tree[] = {
	{ "class/iscsi_transport/tcp/caps", "0x39" },
	{ "class/iscsi_session/session1", "->../../" SESSION1 "/iscsi_session/session1" },
	{ "class/iscsi_session/session2", "->../../" SESSION2 "/iscsi_session/session2" },
	{ "class/iscsi_connection/connection1:0",
	  "->../../" SESSION1 "/connection1:0/iscsi_connection/connection1:0" },
	{ "class/iscsi_host/host0", "->../../" HOST0 "iscsi_host/host0" },
	{ "class/iscsi_host/host1", "->../../" HOST1 "iscsi_host/host1" },
	{ "class/scsi_host/host0", "->../../" HOST0 "scsi_host/host0" },
	{ "class/scsi_host/host1", "->../../" HOST1 "scsi_host/host1" },
	{ CLASS1 "device", "->../../../session1" },
	{ CLASS1 "targetname", "iqn.2026-11.org.example:disk1" },
	{ CLASS1 "tpgt", "1" },
	{ CLASS1 "ifacename", "if0" },
	{ CLASS1 "initiatorname", "iqn.2026-11.org.example:lab" },
	{ CLASS1 "state", "LOGGED_IN" },
	{ CLASS1 "target_state", "SCANNED" },
	{ CLASS1 "recovery_tmo", "120" },
	{ CLASS1 "username", "alice" },
	{ CLASS1 "password", "wonderland" },
	{ CLASS1 "password_in", "wonderland" },
	{ CONNECTION1 "address", "192.168.10.10" },
	{ CONNECTION1 "port", "3260" },
	{ CONNECTION1 "persistent_address", "san.example.org" },
	{ CONNECTION1 "persistent_port", "3261" },
	{ CONNECTION1 "local_port", "55390" },
	{ CONNECTION1 "state", "up" },
	{ CONNECTION1 "header_digest", "1" },
	{ CONNECTION1 "data_digest", "0" },
	{ HOST0 "iscsi_host/host0/netdev", "san0" },
	{ HOST0 "iscsi_host/host0/hwaddress", "(null)" },
	{ HOST0 "iscsi_host/host0/ipaddress", "192.168.10.1" },
	{ HOST0 "iscsi_host/host0/initiatorname", "(null)" },
	{ HOST0 "scsi_host/host0/proc_name", "iscsi_tcp" },
	{ SESSION1 "/target0:0:0/0:0:0:0/state", "running" }, /* a controller: no disk */
	{ LUN2 "state", "transport-offline" },
	{ LUN2 "wwid", "t10.IET     00010002" },
	{ LUN2 "block/sdb/size", "18446744073709551615" },
	{ LUN2 "block/sdb/dev", "8:16" },
	{ LUN1 "state", "running" },
	{ LUN1 "wwid", "naa.60000000000000000e00000000010001" },
	{ LUN1 "block/sda/size", "4294967296" },
	{ LUN1 "block/sda/dev", "8:0" },
	{ LUN1 "block/sda/device", "->../../../0:0:0:1" },
	{ LUN1 "block/sda/sda1/partition", "1" },
	{ LUN1 "block/sda/sda1/dev", "8:1" },
	/* lost: what the kernel answers ENOTCONN for is missing; no connection object at all */
	{ CLASS2 "device", "->../../../session2" },
	{ CLASS2 "targetname", "iqn.2026-11.org.example:disk1" },
	{ CLASS2 "ifacename", "(null)" },
	{ CLASS2 "state", "FAILED" },
	{ CLASS2 "target_state", "UNBINDING" },
	{ CLASS2 "recovery_tmo", "off" },
	{ HOST1 "iscsi_host/host1/netdev", "san1" },
	{ HOST1 "scsi_host/host1/proc_name", "iscsi_tcp" },
	{ OTHER_LUN1 "state", "running" },
	{ OTHER_LUN1 "block/sdc/dev", "8:32" },
	{ OTHER_LUN1 "block/sdc/device", "->../../../1:0:0:1" },
	{ NULL, NULL },
};

/* Both paths in a multipath map, as multipathd makes it. */
static const struct file map_tree[] = {
	{ LUN1 "block/sda/holders/dm-0", "->../../../../../../../../virtual/block/dm-0" },
	{ OTHER_LUN1 "block/sdc/holders/dm-0", "->../../../../../../../../virtual/block/dm-0" },
	{ "devices/virtual/block/dm-0/dev", "254:0" },
	{ "devices/virtual/block/dm-0/dm/name", "mpatha" },
	{ "devices/virtual/block/dm-0/dm/uuid", "mpath-360000000000000000e00000000010001" },
	{ "devices/virtual/block/dm-0/slaves/sda", "->../../../../../" LUN1 "block/sda" },
	{ "devices/virtual/block/dm-0/slaves/sdc", "->../../../../../" OTHER_LUN1 "block/sdc" },
	{ "devices/virtual/block/dm-0/holders/dm-1", "->../../dm-1" },
	{ "devices/virtual/block/dm-1/dev", "254:1" },
	{ "devices/virtual/block/dm-1/dm/name", "mpatha-part1" },
	{ "devices/virtual/block/dm-1/dm/uuid", "part1-mpath-360000000000000000e000000000100" },
	{ NULL, NULL },
};

static char directory[64];

static void make_parents(char *path)
{
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(path, 0755) && errno != EEXIST)
			CU_FAIL("mkdir");
		*slash = '/';
	}
}

static void add_file(const char *path, const char *content)
{
	char whole[512];
	FILE *file;

	snprintf(whole, sizeof(whole), "%s/%s", directory, path);
	make_parents(whole);
	unlink(whole);
	if (!strncmp(content, "->", 2)) {
		if (symlink(content + 2, whole))
			CU_FAIL("symlink");
		return;
	}
	file = fopen(whole, "we");
	if (!file) {
		CU_FAIL("fopen");
		return;
	}
	fprintf(file, "%s\n", content);
	fclose(file);
}

static void add_files(const struct file *files)
{
	for (; files->path; files++)
		add_file(files->path, files->content);
}

static void remove_file(const char *path)
{
	char whole[512];

	snprintf(whole, sizeof(whole), "%s/%s", directory, path);
	CU_ASSERT_EQUAL(remove(whole), 0);
}

static void make_directory(void)
{
	strcpy(directory, "/tmp/isif-kernel-XXXXXX");
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(directory));
}

static void set_up(void)
{
	make_directory();
	add_files(host_tree);
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *ftw)
{
	(void)status, (void)type, (void)ftw;
	return remove(path);
}

static void tear_down(void)
{
	nftw(directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static struct isif_sysfs *open_tree(void)
{
	struct isif_sysfs *sysfs = NULL;

	CU_ASSERT_EQUAL_FATAL(isif_sysfs_open(directory, NULL, &sysfs), ISIF_OK);
	return sysfs;
}

/* As if the tree were this host's: with a mountinfo and swaps of the test's own. */
static struct isif_sysfs *open_host_tree(void)
{
	static char mounts[96], swaps[96];
	struct isif_sysfs *sysfs = open_tree();

	snprintf(mounts, sizeof(mounts), "%s/mountinfo", directory);
	snprintf(swaps, sizeof(swaps), "%s/swaps", directory);
	sysfs->uses = device_uses_new(mounts, swaps);
	CU_ASSERT_PTR_NOT_NULL_FATAL(sysfs->uses);
	return sysfs;
}

static struct isif_kernel_session *read_session(struct isif_sysfs *sysfs, uint32_t sid)
{
	struct isif_kernel_session *session = NULL;

	CU_ASSERT_EQUAL_FATAL(isif_kernel_session_read(sysfs, sid, &session), ISIF_OK);
	CU_ASSERT_PTR_NOT_NULL_FATAL(session);
	return session;
}

static void test_session(void)
{
	struct isif_sysfs *CLEANUP(cleanup_sysfs) sysfs = open_tree();
	struct isif_kernel_session *CLEANUP(cleanup_session) session = read_session(sysfs, 1);

	CU_ASSERT_EQUAL(session->references, 1);
	CU_ASSERT_EQUAL(session->sid, 1);
	CU_ASSERT_EQUAL(session->host, 0);
	CU_ASSERT_EQUAL(session->tpgt, 1);
	CU_ASSERT_EQUAL(session->state, ISIF_SESSION_LOGGED_IN);
	CU_ASSERT_TRUE(session->connection_up);
	CU_ASSERT_FALSE(session->unbinding);
	CU_ASSERT_TRUE(session->header_digest);
	CU_ASSERT_FALSE(session->data_digest);
	CU_ASSERT_EQUAL(session->persistent_port, 3261);
	CU_ASSERT_EQUAL(session->port, 3260);
	CU_ASSERT_EQUAL(session->local_port, 55390);
	CU_ASSERT_EQUAL(session->recovery_timeout, 120);
	CU_ASSERT_STRING_EQUAL(session->target, "iqn.2026-11.org.example:disk1");
	CU_ASSERT_STRING_EQUAL(session->iface, "if0");
	CU_ASSERT_STRING_EQUAL(session->initiator, "iqn.2026-11.org.example:lab");
	CU_ASSERT_STRING_EQUAL(session->transport, "tcp");
	CU_ASSERT_STRING_EQUAL(session->persistent_address, "san.example.org");
	CU_ASSERT_STRING_EQUAL(session->address, "192.168.10.10");
	CU_ASSERT_STRING_EQUAL(session->local_address, "192.168.10.1");
	CU_ASSERT_STRING_EQUAL(session->netdev, "san0");
	CU_ASSERT_STRING_EQUAL(session->hwaddress, "");
	CU_ASSERT_STRING_EQUAL(session->connection_state, "up");
}

static void test_disks(void)
{
	struct isif_sysfs *CLEANUP(cleanup_sysfs) sysfs = open_tree();
	struct isif_kernel_session *CLEANUP(cleanup_session) session = read_session(sysfs, 1);

	CU_ASSERT_EQUAL_FATAL(session->disk_count, 2);
	CU_ASSERT_EQUAL(session->disks[0].lun, 1);
	CU_ASSERT_STRING_EQUAL(session->disks[0].device, "sda");
	CU_ASSERT_STRING_EQUAL(session->disks[0].state, "running");
	CU_ASSERT_STRING_EQUAL(session->disks[0].wwid, "naa.60000000000000000e00000000010001");
	CU_ASSERT_EQUAL(session->disks[0].size, 2097152); /* 2 TiB */
	CU_ASSERT_STRING_EQUAL(session->disks[0].map, "");
	CU_ASSERT_EQUAL(session->disks[0].use, ISIF_DISK_UNKNOWN);
	CU_ASSERT_STRING_EQUAL(session->disks[0].user, "not this host's disk");
	CU_ASSERT_EQUAL(session->disks[1].lun, 2);
	CU_ASSERT_EQUAL(session->disks[1].size, UINT32_MAX);
	CU_ASSERT_STRING_EQUAL(session->disks[1].wwid, "t10.IET     00010002");
	CU_ASSERT_STRING_EQUAL(session->disks[1].state, "transport-offline");
}

static void test_lost_session(void)
{
	struct isif_sysfs *CLEANUP(cleanup_sysfs) sysfs = open_tree();
	struct isif_kernel_session *CLEANUP(cleanup_session) session = read_session(sysfs, 2);

	CU_ASSERT_EQUAL(session->state, ISIF_SESSION_FAILED);
	CU_ASSERT_TRUE(session->unbinding);
	CU_ASSERT_FALSE(session->connection_up);
	CU_ASSERT_EQUAL(session->tpgt, -1);
	CU_ASSERT_EQUAL(session->host, 1);
	CU_ASSERT_EQUAL(session->recovery_timeout, ISIF_RECOVERY_NEVER);
	CU_ASSERT_STRING_EQUAL(session->iface, "");
	CU_ASSERT_STRING_EQUAL(session->initiator, "");
	CU_ASSERT_STRING_EQUAL(session->address, "");
	CU_ASSERT_STRING_EQUAL(session->local_address, "");
	CU_ASSERT_STRING_EQUAL(session->connection_state, "");
	CU_ASSERT_STRING_EQUAL(session->netdev, "san1");
	CU_ASSERT_EQUAL(session->port, 0);
	CU_ASSERT_EQUAL(session->disk_count, 1);
}

static void test_missing_session(void)
{
	struct isif_sysfs *CLEANUP(cleanup_sysfs) sysfs = open_tree();
	struct isif_kernel_session *session;
	struct isif_sysfs *none;

	CU_ASSERT_EQUAL(isif_kernel_session_read(sysfs, 3, &session), ISIF_NOT_FOUND);
	CU_ASSERT_PTR_NULL(session);
	CU_ASSERT_TRUE(isif_sysfs_has_class(sysfs));
	CU_ASSERT_EQUAL(isif_sysfs_open("/nowhere/at/all", NULL, &none), ISIF_NOT_FOUND);
	CU_ASSERT_PTR_NULL(none);
}

static void count_name(void *context, const char *name)
{
	unsigned *count = context;

	*count += !strcmp(name, "session1") ? 1 : !strcmp(name, "session2") ? 10 : 100;
}

static void test_list(void)
{
	struct isif_sysfs *CLEANUP(cleanup_sysfs) sysfs = open_tree();
	unsigned count = 0;

	CU_ASSERT_EQUAL(isif_sysfs_list(sysfs, "iscsi_session", count_name, &count), ISIF_OK);
	CU_ASSERT_EQUAL(count, 11);
	CU_ASSERT_EQUAL(isif_sysfs_list(sysfs, "iscsi_endpoint", count_name, &count), ISIF_OK);
	CU_ASSERT_EQUAL(isif_sysfs_list(sysfs, "..", count_name, &count), ISIF_INVALID);
	CU_ASSERT_EQUAL(isif_sysfs_list(sysfs, "../class", count_name, &count), ISIF_INVALID);
	CU_ASSERT_EQUAL(count, 11);
}

/* Values as no kernel should write them. */
static void test_odd_values(void)
{
	static const struct file odd[] = {
		{ CLASS1 "tpgt", "65536" },
		{ CLASS1 "state", "DREAMING" },
		{ CLASS1 "recovery_tmo", "-1" },
		{ CLASS1 "ifacename", "<NULL>" },
		{ CONNECTION1 "port", "70000" },
		{ CONNECTION1 "persistent_port", " 3260" },
		{ CONNECTION1 "local_port", "" },
		{ CONNECTION1 "state", "failed" },
		{ CONNECTION1 "header_digest", "CRC32C" },
		{ CONNECTION1 "data_digest", "None" },
		{ HOST0 "scsi_host/host0/proc_name", "qla4xxx" },
		{ LUN1 "block/sda/size", "many" },
		{ SESSION1 "/target0:0:0/0:0:0/block/sdx/dev", "8:99" },
		{ SESSION1 "/target0:0:0/0:0:0:x/block/sdy/dev", "8:99" },
		{ SESSION1 "/targets/0:0:0:9/block/sdz/dev", "8:99" },
		{ NULL, NULL },
	};
	struct isif_sysfs *CLEANUP(cleanup_sysfs) sysfs = open_tree();
	struct isif_kernel_session *CLEANUP(cleanup_session) session = NULL;
	char huge[6000];

	memset(huge, 'x', sizeof(huge) - 1);
	huge[sizeof(huge) - 1] = '\0';
	add_files(odd);
	add_file(CLASS1 "targetname", huge);
	session = read_session(sysfs, 1);
	CU_ASSERT_EQUAL(session->tpgt, -1);
	CU_ASSERT_EQUAL(session->state, ISIF_SESSION_UNKNOWN);
	CU_ASSERT_EQUAL(session->recovery_timeout, ISIF_RECOVERY_NEVER);
	CU_ASSERT_EQUAL(session->port, 0);
	CU_ASSERT_EQUAL(session->persistent_port, 0);
	CU_ASSERT_EQUAL(session->local_port, 0);
	CU_ASSERT_FALSE(session->connection_up);
	CU_ASSERT_TRUE(session->header_digest);
	CU_ASSERT_FALSE(session->data_digest);
	CU_ASSERT_STRING_EQUAL(session->iface, "");
	CU_ASSERT_STRING_EQUAL(session->transport, "qla4xxx");
	CU_ASSERT_EQUAL(strlen(session->target), 4096);
	CU_ASSERT_EQUAL(session->disk_count, 2);
	CU_ASSERT_EQUAL(session->disks[0].size, 0);
}

/* Plain directories, with a "device" link or nothing. */
static void test_plain_tree(void)
{
	static const struct file plain[] = {
		{ "class/iscsi_transport/tcp/caps", "0x39" },
		{ "class/iscsi_session/session7/targetname", "iqn.1" },
		{ "class/iscsi_session/session7/state", "LOGGED_IN" },
		{ "class/iscsi_session/session7/device", "->../../../devices/host4/session7" },
		{ "class/iscsi_connection/connection7:1/port", "3260" },
		{ "class/iscsi_connection/connection7:2/port", "1" },
		{ "class/iscsi_connection/connection70:0/port", "2" },
		{ "class/iscsi_host/host4/netdev", "eth4" },
		{ "devices/host4/session7/target4:0:0/4:0:0:0/block/sdq/size", "2048" },
		{ "class/iscsi_session/session8/targetname", "iqn.2" },
		{ "class/iscsi_session/session8/target5:0:0/5:0:0:3/block/sdr/size", "4096" },
		{ "class/iscsi_session/session9",
		  "->../../devices/host6/session9/iscsi_session/session9" },
		{ "devices/host6/session9/iscsi_session/session9/state", "FREE" },
		{ "devices/host6/session9/target6:0:0/6:0:0:5/block/sds/size", "0" },
		{ NULL, NULL },
	};
	struct isif_sysfs *CLEANUP(cleanup_sysfs) sysfs = open_tree();
	struct isif_kernel_session *CLEANUP(cleanup_session) linked = NULL;
	struct isif_kernel_session *CLEANUP(cleanup_session) bare = NULL;
	struct isif_kernel_session *CLEANUP(cleanup_session) unlinked = NULL;

	add_files(plain);
	linked = read_session(sysfs, 7);
	CU_ASSERT_EQUAL(linked->host, 4);
	CU_ASSERT_EQUAL(linked->port, 3260);
	CU_ASSERT_TRUE(linked->connection_up); /* no state, as in older kernels */
	CU_ASSERT_STRING_EQUAL(linked->netdev, "eth4");
	CU_ASSERT_STRING_EQUAL(linked->transport, "tcp");
	CU_ASSERT_EQUAL_FATAL(linked->disk_count, 1);
	CU_ASSERT_EQUAL(linked->disks[0].size, 1);
	bare = read_session(sysfs, 8);
	CU_ASSERT_EQUAL(bare->host, UINT32_MAX);
	CU_ASSERT_STRING_EQUAL(bare->netdev, "");
	CU_ASSERT_EQUAL_FATAL(bare->disk_count, 1);
	CU_ASSERT_EQUAL(bare->disks[0].lun, 3);
	unlinked = read_session(sysfs, 9);
	CU_ASSERT_EQUAL(unlinked->host, 6);
	CU_ASSERT_EQUAL(unlinked->state, ISIF_SESSION_FREE);
	CU_ASSERT_EQUAL(unlinked->disk_count, 1);
}

/* Nothing outside the root is read, whatever its links say; both ways of resolving agree. */
static void test_escape(void)
{
	static const struct file outside[] = {
		{ "outside/session3/targetname", "iqn.outside" },
		{ "tree/class/iscsi_session/session3", "->../../../outside/session3" },
		{ "tree/class/iscsi_session/session4", "->/etc" },
		{ "tree/class/iscsi_session/session5/targetname", "->../../../../outside/secret" },
		{ "tree/class/iscsi_session/session5/state", "->./other" },
		{ "tree/class/iscsi_session/session5/other", "FREE" },
		{ "tree/class/iscsi_session/session6", "->session6" },
		{ "outside/secret", "iqn.outside" },
		{ NULL, NULL },
	};
	struct isif_sysfs *CLEANUP(cleanup_sysfs) sysfs = NULL;
	struct isif_kernel_session *session = NULL;
	char root[96];

	add_files(outside);
	snprintf(root, sizeof(root), "%s/tree", directory);
	CU_ASSERT_EQUAL_FATAL(isif_sysfs_open(root, NULL, &sysfs), ISIF_OK);
	for (int i = 0; i < 2; i++) {
		sysfs->no_openat2 = i == 1;
		for (uint32_t sid = 3; sid <= 6; sid++) {
			enum isif_error expected = sid == 5 ? ISIF_OK : ISIF_NOT_FOUND;

			CU_ASSERT_EQUAL(isif_kernel_session_read(sysfs, sid, &session), expected);
			if (session)
				CU_ASSERT_STRING_EQUAL(session->target, "");
			if (session)
				CU_ASSERT_EQUAL(session->state, ISIF_SESSION_UNKNOWN);
			isif_kernel_session_release(session);
		}
	}
}

static void test_without_openat2(void)
{
	struct isif_sysfs *CLEANUP(cleanup_sysfs) sysfs = open_tree();
	struct isif_kernel_session *CLEANUP(cleanup_session) session = read_session(sysfs, 1);
	struct isif_kernel_session *CLEANUP(cleanup_session) same = NULL;

	sysfs->no_openat2 = true;
	same = read_session(sysfs, 1);
	CU_ASSERT_TRUE(isif_kernel_session_equal(session, same));
}

/* Not even opened: a secret that is not read cannot leak. */
static void test_secrets(void)
{
	static const char *const secrets[] = { "username", "password", "password_in" };
	struct isif_sysfs *CLEANUP(cleanup_sysfs) sysfs = open_tree();
	struct isif_kernel_session *CLEANUP(cleanup_session) session = NULL;
	int CLEANUP_CLOSE watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	char path[256], buffer[4096];

	for (size_t i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "%s/" CLASS1 "%s", directory, secrets[i]);
		CU_ASSERT_TRUE(inotify_add_watch(watch, path, IN_OPEN | IN_ACCESS) >= 0);
	}
	session = read_session(sysfs, 1);
	CU_ASSERT_EQUAL(read(watch, buffer, sizeof(buffer)), -1);
	CU_ASSERT_EQUAL(errno, EAGAIN);
}

static void check_use(const char *mounts, const char *swaps, enum isif_disk_use use,
		      const char *user, const char *map)
{
	struct isif_sysfs *CLEANUP(cleanup_sysfs) sysfs = open_host_tree();
	struct isif_kernel_session *CLEANUP(cleanup_session) session = NULL;

	if (mounts)
		add_file("mountinfo", mounts);
	if (swaps)
		add_file("swaps", swaps);
	session = read_session(sysfs, 1);
	CU_ASSERT_EQUAL_FATAL(session->disk_count, 2);
	CU_ASSERT_EQUAL(session->disks[0].use, use);
	CU_ASSERT_STRING_EQUAL(session->disks[0].user, user);
	CU_ASSERT_STRING_EQUAL(session->disks[0].map, map);
}

#define ROOT_MOUNT   "23 20 0:19 / / rw,relatime - overlay overlay rw,lowerdir=/"
#define DISK_MOUNT   ROOT_MOUNT "\n30 23 8:0 / /mnt/a\\040b rw shared:7 - ext4 /dev/sda rw\n"
#define PART_MOUNT   ROOT_MOUNT "\n30 23 8:1 /sub /srv rw - ext4 /dev/sda1 rw"
#define MAP_MOUNT    ROOT_MOUNT "\n30 23 254:0 / /srv rw - xfs /dev/mapper/mpatha rw"
#define KPARTX_MOUNT ROOT_MOUNT "\n30 23 254:1 / /srv rw - xfs /dev/mapper/mpatha-part1 rw"
#define VOLUME_MOUNT ROOT_MOUNT "\n30 23 254:2 / /srv rw - xfs /dev/mapper/vg-lv rw"
#define NO_SWAPS     "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority"

static void test_use(void)
{
	/* The disk is mounted, a partition of it is, nothing is. */
	check_use(DISK_MOUNT, NO_SWAPS, ISIF_DISK_IN_USE, "/mnt/a b", "");
	check_use(PART_MOUNT, NO_SWAPS, ISIF_DISK_IN_USE, "/srv", "");
	check_use(ROOT_MOUNT, NO_SWAPS, ISIF_DISK_UNUSED, "", "");
	check_use("not a mount\n\n1 2\n1 2 x:y / /\n1 2 8:0", NO_SWAPS, ISIF_DISK_UNUSED, "", "");
	/* A swap device whose node is gone may be any disk; a swap file is none. */
	check_use(ROOT_MOUNT, NO_SWAPS "\n/dev/no-such-node partition 1 0 -2", ISIF_DISK_UNKNOWN,
		  "a swap device that has no name in /dev", "");
	check_use(ROOT_MOUNT, NO_SWAPS "\n/swap.img file 1 0 -2", ISIF_DISK_UNUSED, "", "");
	/* A kernel without swapping has no /proc/swaps. */
	remove_file("swaps");
	check_use(ROOT_MOUNT, NULL, ISIF_DISK_UNUSED, "", "");
	remove_file("mountinfo");
	check_use(NULL, NULL, ISIF_DISK_UNKNOWN, "mounts cannot be read", "");
	add_file("fs/btrfs/1f3e/devices/sda", "->../../../../" LUN1 "block/sda");
	check_use(ROOT_MOUNT, NO_SWAPS, ISIF_DISK_IN_USE, "btrfs", "");
}

static void test_use_of_holder(void)
{
	static const struct file raid[] = {
		{ LUN1 "block/sda/sda1/holders/md0",
		  "->../../../../../../../../../virtual/block/md0" },
		{ "devices/virtual/block/md0/dev", "9:0" },
		{ "devices/virtual/block/md0/holders/dm-2", "->../../dm-2" },
		{ "devices/virtual/block/dm-2/dev", "254:2" },
		{ "devices/virtual/block/dm-2/dm/name", "vg-lv" },
		{ "devices/virtual/block/dm-2/dm/uuid", "LVM-abc" },
		/* a ring, as no kernel allows it */
		{ "devices/virtual/block/dm-2/holders/md0", "->../../md0" },
		{ NULL, NULL },
	};
	struct isif_sysfs *CLEANUP(cleanup_sysfs) sysfs = open_tree();
	struct isif_kernel_session *CLEANUP(cleanup_session) session = NULL;

	add_files(raid);
	check_use(ROOT_MOUNT, NO_SWAPS, ISIF_DISK_IN_USE, "md0", "");
	check_use(VOLUME_MOUNT, NO_SWAPS, ISIF_DISK_IN_USE, "/srv", "");
	/* In a tree that is not this host's, too. */
	session = read_session(sysfs, 1);
	CU_ASSERT_EQUAL(session->disks[0].use, ISIF_DISK_IN_USE);
	CU_ASSERT_EQUAL(session->disks[1].use, ISIF_DISK_UNKNOWN);
}

static void test_use_of_map(void)
{
	static const struct file volume[] = {
		{ "devices/virtual/block/dm-1/holders/dm-2", "->../../dm-2" },
		{ "devices/virtual/block/dm-2/dev", "254:2" },
		{ "devices/virtual/block/dm-2/dm/name", "vg-lv" },
		{ "devices/virtual/block/dm-2/dm/uuid", "LVM-abc" },
		{ NULL, NULL },
	};

	add_files(map_tree);
	check_use(ROOT_MOUNT, NO_SWAPS, ISIF_DISK_UNUSED, "", "mpatha");
	check_use(MAP_MOUNT, NO_SWAPS, ISIF_DISK_REDUNDANT, "/srv", "mpatha");
	check_use(KPARTX_MOUNT, NO_SWAPS, ISIF_DISK_REDUNDANT, "/srv", "mpatha");
	add_files(volume);
	check_use(ROOT_MOUNT, NO_SWAPS, ISIF_DISK_REDUNDANT, "vg-lv", "mpatha");
	check_use(VOLUME_MOUNT, NO_SWAPS, ISIF_DISK_REDUNDANT, "/srv", "mpatha");
	/* The disk itself is mounted: then no map helps. */
	check_use(DISK_MOUNT, NO_SWAPS, ISIF_DISK_IN_USE, "/mnt/a b", "mpatha");
	/* The other path is down; it is one of the same session; there is none. */
	add_file(OTHER_LUN1 "state", "offline");
	check_use(MAP_MOUNT, NO_SWAPS, ISIF_DISK_IN_USE, "/srv", "mpatha");
	add_file(OTHER_LUN1 "state", "running");
	add_file(LUN2 "state", "running");
	add_file(LUN2 "block/sdb/device", "->../../../0:0:0:2");
	remove_file("devices/virtual/block/dm-0/slaves/sdc");
	add_file("devices/virtual/block/dm-0/slaves/sdb", "->../../../../../" LUN2 "block/sdb");
	check_use(MAP_MOUNT, NO_SWAPS, ISIF_DISK_IN_USE, "/srv", "mpatha");
}

static void test_too_many_holders(void)
{
	char path[160], link[160];

	add_files(map_tree);
	for (int i = 100; i < 400; i++) {
		snprintf(path, sizeof(path), "devices/virtual/block/dm-0/holders/dm-%d", i);
		snprintf(link, sizeof(link), "->../../dm-%d", i);
		add_file(path, link);
		snprintf(path, sizeof(path), "devices/virtual/block/dm-%d/dm/uuid", i);
		add_file(path, "part2-mpath-1");
	}
	check_use(ROOT_MOUNT, NO_SWAPS, ISIF_DISK_UNKNOWN, "too many devices stand on it",
		  "mpatha");
}

static void test_session_equal(void)
{
	struct isif_sysfs *CLEANUP(cleanup_sysfs) sysfs = open_tree();
	struct isif_kernel_session *CLEANUP(cleanup_session) a = read_session(sysfs, 1);
	struct isif_kernel_session *CLEANUP(cleanup_session) b = read_session(sysfs, 1);

	CU_ASSERT_TRUE(isif_kernel_session_equal(a, b));
	CU_ASSERT_PTR_EQUAL(isif_kernel_session_hold(b), b);
	CU_ASSERT_TRUE(isif_kernel_session_equal(a, b));
	isif_kernel_session_release(b);
#define DIFFERS(member, other)                                                                     \
	do {                                                                                       \
		__typeof__(b->member) kept_ = b->member;                                           \
		b->member = other;                                                                 \
		CU_ASSERT_FALSE(isif_kernel_session_equal(a, b));                                  \
		b->member = kept_;                                                                 \
	} while (0)
	DIFFERS(sid, 9);
	DIFFERS(host, 9);
	DIFFERS(tpgt, 9);
	DIFFERS(state, ISIF_SESSION_FREE);
	DIFFERS(connection_up, false);
	DIFFERS(unbinding, true);
	DIFFERS(header_digest, false);
	DIFFERS(data_digest, true);
	DIFFERS(persistent_port, 9);
	DIFFERS(port, 9);
	DIFFERS(local_port, 9);
	DIFFERS(recovery_timeout, 9);
	DIFFERS(disk_count, 1);
	DIFFERS(target, "x");
	DIFFERS(iface, "x");
	DIFFERS(initiator, "x");
	DIFFERS(transport, "x");
	DIFFERS(persistent_address, "x");
	DIFFERS(address, "x");
	DIFFERS(local_address, "x");
	DIFFERS(netdev, "x");
	DIFFERS(hwaddress, "x");
	DIFFERS(connection_state, "x");
	DIFFERS(disks[1].lun, 9);
	DIFFERS(disks[1].size, 9);
	DIFFERS(disks[1].device[0], 'x');
	DIFFERS(disks[1].state[0], 'x');
	DIFFERS(disks[1].wwid[0], 'x');
	DIFFERS(disks[1].map[0], 'x');
	DIFFERS(disks[1].use, ISIF_DISK_UNUSED);
	DIFFERS(disks[1].user[0], 'x');
#undef DIFFERS
	CU_ASSERT_TRUE(isif_kernel_session_equal(a, b));
	isif_kernel_session_release(NULL);
}

static const struct file offload_tree[] = {
	{ "class/iscsi_host/host3", "->../../devices/pci0000:00/host3/iscsi_host/host3" },
	{ "devices/pci0000:00/host3/iscsi_host/host3/hwaddress", "00:0e:1e:00:00:01" },
	{ "devices/pci0000:00/host3/iscsi_host/host3/port_state", "LINK UP" },
	{ "devices/pci0000:00/host3/iscsi_host/host3/port_speed", "10 Gbps" },
	{ "devices/pci0000:00/host3/iscsi_host/host3/netdev", "(null)" },
	{ "devices/pci0000:00/host3/iscsi_host/host3/ipaddress", "10.0.0.3" },
	{ "class/scsi_host/host3/proc_name", "qla4xxx" },
	{ "class/iscsi_host/host4/hwaddress", "00:07:43:00:00:01" },
	{ "class/scsi_host/host4/proc_name", "cxgb4i" },
	{ "class/iscsi_iface/ipv4-iface-3-0",
	  "->../../devices/pci0000:00/host3/iscsi_iface/ipv4-iface-3-0" },
	{ "devices/pci0000:00/host3/iscsi_iface/ipv4-iface-3-0/enabled", "enable" },
	{ "devices/pci0000:00/host3/iscsi_iface/ipv4-iface-3-0/ipaddress", "10.0.0.3" },
	{ "devices/pci0000:00/host3/iscsi_iface/ipv4-iface-3-0/mtu", "1500" },
	{ "devices/pci0000:00/host3/iscsi_iface/ipv4-iface-3-0/bootproto", "static" },
	{ "devices/pci0000:00/host3/iscsi_iface/ipv4-iface-3-0/initiator_name", "(null)" },
	{ "devices/pci0000:00/host3/iscsi_iface/ipv4-iface-3-0/chap_auth", "enable" },
	{ "devices/pci0000:00/host3/iscsi_iface/ipv4-iface-3-0/password", "wonderland" },
	{ "class/iscsi_iface/ipv6-iface-3-1/enabled", "disable" },
	{ NULL, NULL },
};

static struct isif_kernel_port *read_port(struct isif_sysfs *sysfs, const char *name)
{
	struct isif_kernel_port *port = NULL;

	CU_ASSERT_EQUAL_FATAL(isif_kernel_port_read(sysfs, name, &port), ISIF_OK);
	CU_ASSERT_PTR_NOT_NULL_FATAL(port);
	return port;
}

static void test_port(void)
{
	struct isif_sysfs *CLEANUP(cleanup_sysfs) sysfs = open_tree();
	struct isif_kernel_port *CLEANUP(cleanup_port) port = NULL;
	struct isif_kernel_port *CLEANUP(cleanup_port) second = NULL;
	const char *end;

	add_files(offload_tree);
	port = read_port(sysfs, "ipv4-iface-3-0");
	CU_ASSERT_EQUAL(port->host, 3);
	CU_ASSERT_EQUAL(port->number, 0);
	CU_ASSERT_EQUAL(port->family, AF_INET);
	CU_ASSERT_TRUE(port->enabled);
	CU_ASSERT_STRING_EQUAL(port->name, "ipv4-iface-3-0");
	CU_ASSERT_STRING_EQUAL(port->transport, "qla4xxx");
	CU_ASSERT_STRING_EQUAL(port->hwaddress, "00:0e:1e:00:00:01");
	CU_ASSERT_STRING_EQUAL(port->port_state, "LINK UP");
	CU_ASSERT_STRING_EQUAL(port->port_speed, "10 Gbps");
	CU_ASSERT_STRING_EQUAL(isif_kernel_port_attribute(port, "mtu"), "1500");
	CU_ASSERT_STRING_EQUAL(isif_kernel_port_attribute(port, "bootproto"), "static");
	CU_ASSERT_PTR_NULL(isif_kernel_port_attribute(port, "1500"));
	CU_ASSERT_PTR_NULL(isif_kernel_port_attribute(port, "initiator_name"));
	CU_ASSERT_PTR_NULL(isif_kernel_port_attribute(port, "chap_auth"));
	CU_ASSERT_PTR_NULL(isif_kernel_port_attribute(port, "password"));
	for (end = port->attributes; *end; end += strlen(end) + 1)
		CU_ASSERT_STRING_NOT_EQUAL(end, "wonderland");
	second = read_port(sysfs, "ipv6-iface-3-1");
	CU_ASSERT_EQUAL(second->family, AF_INET6);
	CU_ASSERT_EQUAL(second->number, 1);
	CU_ASSERT_FALSE(second->enabled);
	CU_ASSERT_FALSE(isif_kernel_port_equal(port, second));
}

static void test_port_names(void)
{
	static const char *const names[] = {
		"ipv4-iface-3",		"ipv4-iface-3-",
		"ipv4-iface--0",	"ipv5-iface-3-0",
		"../iscsi_host/host3",	"",
		"ipv4-iface-3-0/power", "ipv4-iface-99999999999-0",
	};
	struct isif_sysfs *CLEANUP(cleanup_sysfs) sysfs = open_tree();
	struct isif_kernel_port *port;

	add_files(offload_tree);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		CU_ASSERT_EQUAL(isif_kernel_port_read(sysfs, names[i], &port), ISIF_INVALID);
	CU_ASSERT_EQUAL(isif_kernel_port_read(sysfs, "ipv4-iface-3-1", &port), ISIF_NOT_FOUND);
	CU_ASSERT_EQUAL(isif_kernel_port_of_host(sysfs, "hosts", &port), ISIF_INVALID);
	CU_ASSERT_EQUAL(isif_kernel_port_of_host(sysfs, "../host3", &port), ISIF_INVALID);
	CU_ASSERT_PTR_NULL(port);
}

static void test_port_of_host(void)
{
	struct isif_sysfs *CLEANUP(cleanup_sysfs) sysfs = open_tree();
	struct isif_kernel_port *CLEANUP(cleanup_port) port = NULL;
	struct isif_kernel_port *none;

	add_files(offload_tree);
	/* One of a software transport, one that has objects of its own, one that is not there. */
	CU_ASSERT_EQUAL(isif_kernel_port_of_host(sysfs, "host0", &none), ISIF_NOT_FOUND);
	CU_ASSERT_EQUAL(isif_kernel_port_of_host(sysfs, "host3", &none), ISIF_NOT_FOUND);
	CU_ASSERT_EQUAL(isif_kernel_port_of_host(sysfs, "host5", &none), ISIF_NOT_FOUND);
	CU_ASSERT_EQUAL_FATAL(isif_kernel_port_of_host(sysfs, "host4", &port), ISIF_OK);
	CU_ASSERT_EQUAL(port->host, 4);
	CU_ASSERT_EQUAL(port->family, 0);
	CU_ASSERT_STRING_EQUAL(port->name, "");
	CU_ASSERT_STRING_EQUAL(port->transport, "cxgb4i");
	CU_ASSERT_STRING_EQUAL(port->hwaddress, "00:07:43:00:00:01");
	CU_ASSERT_STRING_EQUAL(port->port_state, "");
	CU_ASSERT_STRING_EQUAL(isif_kernel_port_attribute(port, "hwaddress"), "00:07:43:00:00:01");
}

/* Its attributes go one after the other while they are read. */
static void test_port_goes(void)
{
	struct isif_sysfs *CLEANUP(cleanup_sysfs) sysfs = open_tree();
	struct isif_kernel_port *port = NULL;
	struct port_draft *draft;
	enum isif_error error;

	add_files(offload_tree);
	CU_ASSERT_EQUAL_FATAL(port_draft_begin(sysfs, "ipv6-iface-3-1", &draft), ISIF_OK);
	CU_ASSERT_EQUAL(port_draft_step(draft, &port), ISIF_INCOMPLETE);
	remove_file("class/iscsi_iface/ipv6-iface-3-1/enabled");
	remove_file("class/iscsi_iface/ipv6-iface-3-1");
	do
		error = port_draft_step(draft, &port);
	while (error == ISIF_INCOMPLETE);
	CU_ASSERT_EQUAL(error, ISIF_NOT_FOUND);
	CU_ASSERT_PTR_NULL(port);
	port_draft_free(draft);
}

static void test_port_equal(void)
{
	struct isif_sysfs *CLEANUP(cleanup_sysfs) sysfs = open_tree();
	struct isif_kernel_port *CLEANUP(cleanup_port) a = NULL;
	struct isif_kernel_port *CLEANUP(cleanup_port) b = NULL;
	struct isif_kernel_port *CLEANUP(cleanup_port) c = NULL;

	add_files(offload_tree);
	a = read_port(sysfs, "ipv4-iface-3-0");
	b = read_port(sysfs, "ipv4-iface-3-0");
	CU_ASSERT_TRUE(isif_kernel_port_equal(a, b));
	CU_ASSERT_PTR_EQUAL(isif_kernel_port_hold(b), b);
	CU_ASSERT_EQUAL(b->references, 2);
	isif_kernel_port_release(b);
	b->enabled = false;
	CU_ASSERT_FALSE(isif_kernel_port_equal(a, b));
	add_file("devices/pci0000:00/host3/iscsi_iface/ipv4-iface-3-0/vlan_id", "7");
	c = read_port(sysfs, "ipv4-iface-3-0");
	CU_ASSERT_FALSE(isif_kernel_port_equal(a, c));
	CU_ASSERT_FALSE(isif_kernel_port_equal(c, a));
	isif_kernel_port_release(NULL);
}

/* An own root that is empty, and one that is this very host's. */
static void test_no_iscsi(void)
{
	struct isif_sysfs *CLEANUP(cleanup_sysfs) empty = open_tree();
	struct isif_sysfs *CLEANUP(cleanup_sysfs) live = NULL;
	struct isif_kernel_session *session;
	unsigned count = 0;

	CU_ASSERT_FALSE(isif_sysfs_has_class(empty));
	CU_ASSERT_EQUAL(isif_sysfs_list(empty, "iscsi_session", count_name, &count), ISIF_OK);
	CU_ASSERT_EQUAL(isif_kernel_session_read(empty, 1, &session), ISIF_NOT_FOUND);
	CU_ASSERT_EQUAL(count, 0);
	if (isif_sysfs_open(NULL, NULL, &live) == ISIF_OK)
		CU_ASSERT_EQUAL(isif_sysfs_list(live, "no_such_class", count_name, &count),
				ISIF_OK);
}

void add_kernel_tests(void)
{
	CU_pSuite suite =
		CU_add_suite_with_setup_and_teardown("kernel", NULL, NULL, set_up, tear_down);
	CU_pSuite bare = CU_add_suite_with_setup_and_teardown("kernel, other trees", NULL, NULL,
							      make_directory, tear_down);

	CU_ADD_TEST(suite, test_session);
	CU_ADD_TEST(suite, test_disks);
	CU_ADD_TEST(suite, test_lost_session);
	CU_ADD_TEST(suite, test_missing_session);
	CU_ADD_TEST(suite, test_list);
	CU_ADD_TEST(suite, test_odd_values);
	CU_ADD_TEST(suite, test_without_openat2);
	CU_ADD_TEST(suite, test_secrets);
	CU_ADD_TEST(suite, test_use);
	CU_ADD_TEST(suite, test_use_of_holder);
	CU_ADD_TEST(suite, test_use_of_map);
	CU_ADD_TEST(suite, test_too_many_holders);
	CU_ADD_TEST(suite, test_session_equal);
	CU_ADD_TEST(suite, test_port);
	CU_ADD_TEST(suite, test_port_names);
	CU_ADD_TEST(suite, test_port_of_host);
	CU_ADD_TEST(suite, test_port_goes);
	CU_ADD_TEST(suite, test_port_equal);
	CU_ADD_TEST(bare, test_plain_tree);
	CU_ADD_TEST(bare, test_escape);
	CU_ADD_TEST(bare, test_no_iscsi);
}
