/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the gate itself demands before a session goes. */
#include "suites.h"

#include "gate_guard.h"
#include "helpers.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PORTAL "db/nodes/iqn.a/192.0.2.10,3260,1/"

static const struct isif_look_disk disks[] = {
	{ 1, "sda", ISIF_DISK_UNUSED, ISIF_VITAL_NO, "" },
	{ 2, "sdb", ISIF_DISK_IN_USE, ISIF_VITAL_NO, "mounted on /srv" },
	{ 3, "sdc", ISIF_DISK_IN_USE, ISIF_VITAL_YES, "swap" },
	{ 4, "sdd", ISIF_DISK_REDUNDANT, ISIF_VITAL_NO, "mounted on /data" },
};

static struct gate_guard guard;
static struct directory_reader reader;
static struct lines lines;
static struct isif_log log_here;

/* Sessions 1 to 4, with san1 to san4; the last one is on another host. */
static void put_session(uint32_t sid)
{
	char device[64], name[128];

	snprintf(device, sizeof(device), "sys/devices/host%d/session%u", sid == 4 ? 8 : 7, sid);
	snprintf(name, sizeof(name), "%s/iscsi_session/session%u/targetname", device, sid);
	put_file(name, "iqn.a\n");
	snprintf(name, sizeof(name), "%s/iscsi_session/session%u/tpgt", device, sid);
	put_file(name, "1\n");
	snprintf(name, sizeof(name), "%s/iscsi_session/session%u/ifacename", device, sid);
	put_file(name, (char[]){ 's', 'a', 'n', (char)('0' + sid), '\n', '\0' });
	snprintf(name, sizeof(name), "../../devices/host%d/session%u/iscsi_session/session%u",
		 sid == 4 ? 8 : 7, sid, sid);
	snprintf(device, sizeof(device), "sys/class/iscsi_session/session%u", sid);
	put_link(device, name);
	snprintf(name, sizeof(name), "sys/class/iscsi_connection/connection%u:0/persistent_address",
		 sid);
	put_file(name, "192.0.2.10\n");
	snprintf(name, sizeof(name), "sys/class/iscsi_connection/connection%u:0/persistent_port",
		 sid);
	put_file(name, "3260\n");
}

static void set_up(void)
{
	static char sysfs[4096];

	scratch_make();
	lines = (struct lines){ 0 };
	log_here = log_into(&lines);
	for (uint32_t sid = 1; sid <= 4; sid++)
		put_session(sid);
	put_directory("db/nodes");
	snprintf(sysfs, sizeof(sysfs), "%s", scratch("sys"));
	directory_reader_init(&reader, "db", open(scratch("db"), O_RDONLY | O_DIRECTORY), -1);
	guard = (struct gate_guard){ .log = &log_here, .sysfs = sysfs, .reader = &reader };
}

static void tear_down(void)
{
	gate_guard_clear(&guard);
	close(reader.root);
	scratch_remove();
}

/* A look at these sessions, which is over; how many sessions it has. */
static size_t look(const uint32_t *sids, size_t count)
{
	const uint32_t *all;
	size_t all_count;

	CU_ASSERT_EQUAL_FATAL(gate_guard_begin(&guard, sids, count, &all, &all_count), ISIF_OK);
	for (size_t i = 0; i < count; i++)
		CU_ASSERT_EQUAL(all[i], sids[i]);
	gate_guard_done(&guard);
	return all_count;
}

#define LOOK(...)                                                                                  \
	look((const uint32_t[]){ __VA_ARGS__ }, COUNT(((const uint32_t[]){ __VA_ARGS__ })))

static enum isif_error ask(uint32_t sid, bool force)
{
	return gate_guard_session(&guard, sid, force, disks, COUNT(disks));
}

/* Since it was asked last. */
static bool said(const char *words)
{
	bool found = strstr(lines.all, words);

	lines = (struct lines){ 0 };
	return found;
}

static void test_look_first(void)
{
	const uint32_t *all;
	size_t count;

	CU_ASSERT_EQUAL(ask(1, false), ISIF_IN_USE);
	CU_ASSERT(said("session 1 must stay logged in: who uses its disks was not looked at"));
	CU_ASSERT_EQUAL(gate_guard_begin(&guard, (const uint32_t[]){ 1 }, 1, &all, &count),
			ISIF_OK);
	CU_ASSERT_EQUAL(ask(1, false), ISIF_IN_USE);
	gate_guard_done(&guard);
	CU_ASSERT_EQUAL(ask(1, false), ISIF_OK);
	CU_ASSERT_EQUAL(ask(4, false), ISIF_IN_USE); /* another one */
	guard.done = 1;				     /* long ago */
	CU_ASSERT_EQUAL(ask(1, false), ISIF_IN_USE);
	LOOK(1);
	gate_guard_forget(&guard);
	CU_ASSERT_EQUAL(ask(1, false), ISIF_IN_USE);
}

static void test_verdict(void)
{
	LOOK(1, 2, 3, 4);
	CU_ASSERT_EQUAL(ask(4, false), ISIF_OK);
	CU_ASSERT_EQUAL(ask(2, false), ISIF_IN_USE);
	CU_ASSERT(said("session 2 must stay logged in: disk sdb is in use: mounted on /srv"));
	CU_ASSERT_EQUAL(ask(3, false), ISIF_IN_USE);
	CU_ASSERT(said("session 3"));
	CU_ASSERT_EQUAL(ask(3, true), ISIF_IN_USE);
	CU_ASSERT(said("nothing overrides that"));
}

/* Force needs a record that does not boot the host. */
static void test_force(void)
{
	LOOK(2);
	CU_ASSERT_EQUAL(ask(2, true), ISIF_IN_USE);
	CU_ASSERT(said("onboot"));
	put_file(PORTAL "san2", RECORD("node.startup = onboot\n"));
	CU_ASSERT_EQUAL(ask(2, true), ISIF_IN_USE);
	put_file(PORTAL "san2", RECORD("node.startup = manual\n"));
	CU_ASSERT_EQUAL(ask(2, true), ISIF_OK);
	CU_ASSERT_EQUAL(ask(2, false), ISIF_IN_USE);
	CU_ASSERT_EQUAL(ask(1, true), ISIF_IN_USE); /* not looked at */
	remove_file(PORTAL "san2");
	remove(scratch(PORTAL));
	put_file("db/nodes/iqn.a/192.0.2.10,3260", RECORD("node.startup = automatic\n"));
	CU_ASSERT_EQUAL(ask(2, true), ISIF_OK);
}

/* Two paths, each redundant while the other one is there. */
static void test_leaving(void)
{
	LOOK(1);
	CU_ASSERT_EQUAL(ask(1, false), ISIF_OK);
	gate_guard_began(&guard, 5);
	CU_ASSERT_EQUAL(LOOK(4), 2);
	CU_ASSERT_EQUAL(guard.sids[1], 1);
	CU_ASSERT_EQUAL(LOOK(1, 4), 2);
	gate_guard_ended(&guard, 6, true); /* another run */
	CU_ASSERT_EQUAL(LOOK(4), 2);
	gate_guard_ended(&guard, 5, true);
	CU_ASSERT_EQUAL(LOOK(4), 1);

	LOOK(1);
	CU_ASSERT_EQUAL(ask(1, false), ISIF_OK);
	gate_guard_began(&guard, 7);
	gate_guard_ended(&guard, 7, false); /* killed: iscsid may go on */
	CU_ASSERT_EQUAL(LOOK(4), 2);
	remove_file("sys/class/iscsi_session/session1");
	CU_ASSERT_EQUAL(LOOK(4), 1);
	CU_ASSERT_EQUAL(ask(4, false), ISIF_OK);
	gate_guard_began(&guard, 0); /* it could not be begun */
	CU_ASSERT_EQUAL(LOOK(2), 1);
}

static void test_host(void)
{
	const struct isif_look_disk free_disks[] = {
		{ 1, "sda", ISIF_DISK_UNUSED, ISIF_VITAL_NO, "" },
		{ 2, "sdb", ISIF_DISK_UNUSED, ISIF_VITAL_NO, "" },
	};

	CU_ASSERT_EQUAL(gate_guard_host(&guard, 6, false, NULL, 0), ISIF_OK); /* no session */
	CU_ASSERT_EQUAL(gate_guard_host(&guard, 8, false, NULL, 0), ISIF_IN_USE);
	LOOK(1, 2);
	CU_ASSERT_EQUAL(gate_guard_host(&guard, 7, false, free_disks, 2), ISIF_IN_USE);
	gate_guard_began(&guard, 0);
	LOOK(1, 2, 3);
	CU_ASSERT_EQUAL(gate_guard_host(&guard, 7, false, free_disks, 2), ISIF_OK);
	gate_guard_began(&guard, 1);
	CU_ASSERT_EQUAL(LOOK(4), 4);
	gate_guard_ended(&guard, 1, true);
	LOOK(1, 2, 3);
	CU_ASSERT_EQUAL(gate_guard_host(&guard, 7, false, disks, COUNT(disks)), ISIF_IN_USE);
}

void add_gate_guard_tests(void)
{
	CU_pSuite suite =
		CU_add_suite_with_setup_and_teardown("gate guard", NULL, NULL, set_up, tear_down);

	CU_add_test(suite, "nothing goes without a look", test_look_first);
	CU_add_test(suite, "what a look allows", test_verdict);
	CU_add_test(suite, "force", test_force);
	CU_add_test(suite, "what goes is counted as gone", test_leaving);
	CU_add_test(suite, "an adapter", test_host);
}
