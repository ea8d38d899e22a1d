/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory that runs out at each allocation in turn, once and for good: nothing crashes, nothing
 * leaks (AddressSanitizer, valgrind), the error is told, and what was there stays.
 */
#include "suites.h"

#include <isif/monitor.h>

#include "allocation.h"
#include "event_log.h"
#include "node.h"
#include "stage.h"

#include <stdio.h>
#include <string.h>

#define LIMIT 5000 /* more allocations than any of these needs */

/* One try while an allocation may fail; then what must hold whether or not it did. */
struct trial {
	enum isif_error (*run)(void);
	void (*check)(bool failed);
	bool must_tell; /* every failure is returned as ISIF_NO_MEMORY */
	bool once_only; /* it takes long: memory runs out once, not for good */
};

static void run_trial(const struct trial *trial)
{
	for (int for_good = 0; for_good < 2 - trial->once_only; for_good++) {
		bool failed = true;

		for (unsigned long n = 1; failed && n < LIMIT; n++) {
			enum isif_error error;
			bool told;

			allocation_fail_at(n, for_good);
			error = trial->run();
			failed = allocation_end();
			told = error == ISIF_NO_MEMORY || (!error && !trial->must_tell);
			CU_ASSERT_TRUE(failed ? told : !error);
			if (failed ? !told : error)
				printf("# allocation %lu%s: %s\n", n,
				       for_good ? " and all after" : "", isif_error_text(error));
			if (trial->check)
				trial->check(failed);
		}
		CU_ASSERT_FALSE(failed);
	}
}

static const char iface_text[] = IFACE_RECORD("if0", "iface.net_ifacename = san0\n");
static const char node_text[] =
	NODE_RECORD("iqn.a", "192.0.2.1", "3260", "1", IFACE("if0", "iface.mtu = 1500\n"));

static enum isif_error parse_text(void)
{
	struct isif_record *record;
	enum isif_error error = isif_record_parse(iface_text, strlen(iface_text), "", &record);

	if (!error)
		isif_record_release(record);
	return error;
}

static void test_record(void)
{
	run_trial(&(struct trial){ .run = parse_text, .must_tell = true });
}

static struct isif_names *names;

static enum isif_error parse_node(void)
{
	struct isif_record_pool pool = { 0 };
	struct isif_node *node;
	enum isif_error error = isif_node_parse("nodes/iqn.a/192.0.2.1,3260,1/if0", node_text,
						strlen(node_text), names, &pool, &node);

	if (!error)
		isif_node_release(node);
	record_pool_clear(&pool);
	return error;
}

static enum isif_error parse_iface(void)
{
	struct isif_iface_record *iface;
	enum isif_error error =
		isif_iface_record_parse("if0", iface_text, strlen(iface_text), names, &iface);

	if (!error)
		isif_iface_record_release(iface);
	return error;
}

/* The table starts empty each time: growing it can fail, too. */
static void new_names(bool failed)
{
	(void)failed;
	isif_names_free(names);
	names = isif_names_new();
}

static void test_node(void)
{
	new_names(false);
	run_trial(&(struct trial){ .run = parse_node, .check = new_names, .must_tell = true });
	run_trial(&(struct trial){ .run = parse_iface, .check = new_names, .must_tell = true });
	isif_names_free(names);
	names = NULL;
}

static void put_database(void)
{
	put_file("ifaces/if0", iface_text);
	put_file("ifaces/if1", IFACE_RECORD("if1", ""));
	put_file("nodes/iqn.a/192.0.2.1,3260,1/if0", node_text);
	put_file("nodes/iqn.a/192.0.2.1,3260,1/if1", node_text);
	put_file("nodes/iqn.b/192.0.2.2,3260", node_text);
}

static struct isif_privileged *gate;
static struct isif_database *database;
static struct lines lines;
static struct isif_log log_here;

static void count_iface(void *context, struct isif_iface_record *iface, const char *file)
{
	(void)iface;
	(void)file;
	++*(unsigned *)context;
}

static void count_node(void *context, struct isif_node *node)
{
	(void)node;
	++*(unsigned *)context;
}

static enum isif_error load(void)
{
	bool more = false;
	enum isif_error error = isif_database_open(gate, names, &log_here, &database);

	if (!error)
		isif_database_work(database, UINT64_MAX, &more);
	return error;
}

static enum isif_error make_gate(void)
{
	return open_gate(scratch("."), &gate);
}

static void close_gate(bool failed)
{
	(void)failed;
	isif_privileged_close(gate);
	gate = NULL;
}

static void test_gate(void)
{
	run_trial(&(struct trial){ .run = make_gate, .check = close_gate, .must_tell = true });
}

/* With memory again, a resync makes everything good. */
static void check_loaded(bool failed)
{
	struct isif_database_counts counts;
	unsigned ifaces = 0, nodes = 0;
	bool more;

	if (database) {
		if (failed)
			isif_database_resync(database);
		isif_database_work(database, UINT64_MAX, &more);
		isif_database_each_iface(database, count_iface, &ifaces);
		isif_database_each_node(database, count_node, &nodes);
		isif_database_counts(database, &counts);
		CU_ASSERT_EQUAL(ifaces, 2);
		CU_ASSERT_EQUAL(nodes, 3);
		CU_ASSERT_EQUAL(counts.bad_records, 0);
	}
	isif_database_close(database);
	database = NULL;
	new_names(failed);
}

static void test_database(void)
{
	put_database();
	log_here = log_into(&lines);
	new_names(false);
	CU_ASSERT_EQUAL_FATAL(make_gate(), ISIF_OK);
	run_trial(&(struct trial){ .run = load, .check = check_loaded });
	close_gate(false);
	isif_names_free(names);
	names = NULL;
}

static enum isif_error resync(void)
{
	bool more;

	isif_database_resync(database);
	isif_database_work(database, UINT64_MAX, &more);
	return ISIF_OK;
}

/* A record that was read stays what it was while there is no memory to read it again. */
static void check_still_there(bool failed)
{
	unsigned ifaces = 0, nodes = 0;

	(void)failed;
	isif_database_each_iface(database, count_iface, &ifaces);
	isif_database_each_node(database, count_node, &nodes);
	CU_ASSERT_TRUE(ifaces == 2 && nodes == 3);
	resync();
}

static void test_reading_again(void)
{
	put_database();
	log_here = log_into(&lines);
	names = isif_names_new();
	CU_ASSERT_EQUAL_FATAL(make_gate(), ISIF_OK);
	CU_ASSERT_EQUAL_FATAL(load(), ISIF_OK);
	run_trial(&(struct trial){ .run = resync, .check = check_still_there });
	isif_database_close(database);
	database = NULL;
	close_gate(false);
	isif_names_free(names);
	names = NULL;
}

static struct isif_snapshot *fresh;

static enum isif_error build(void)
{
	fresh = NULL;
	return model_build(&stage.world, stage.state, stage.snapshot, &fresh);
}

/* Whatever failed, the next build has it all; every second one has no previous snapshot. */
static void check_build(bool failed)
{
	isif_snapshot_release(fresh);
	CU_ASSERT_EQUAL(stage_build()->iface_count, 4);
	CU_ASSERT_EQUAL(stage.snapshot->binding_count, 2);
	CU_ASSERT_EQUAL(stage.snapshot->session_count, 1);
	CU_ASSERT_EQUAL(stage.snapshot->target_count, 2);
	CU_ASSERT_EQUAL(stage.snapshot->transport_count, 3);
	CU_ASSERT_EQUAL(stage.snapshot->disk_count, 1);
	if (failed && !stage.sessions[0].errors++)
		return;
	isif_snapshot_release(stage.snapshot);
	stage.snapshot = NULL;
	state_close(stage.state);
	stage.state = NULL;
	CU_ASSERT_EQUAL_FATAL(state_open(NULL, stage.names, &stage.log, &stage.state), ISIF_OK);
	stage.sessions[0].errors = 0;
}

static void test_build(void)
{
	static struct isif_disk disk = { .lun = 1, .wwid = "naa.1" };

	stage_open();
	stage_iface("if0", iface_text);
	stage_iface("if1", RECORD("iface.transport_name = qedi\niface.new = 1\n"));
	stage_iface("default", IFACE_RECORD("default", ""));
	stage_node("iqn.a", "if0", "iface.net_ifacename = san0\n");
	stage_node("iqn.b", "gone", "");
	stage_session(1, "iqn.a", "if0");
	stage.kernels[0].disks = &disk;
	stage.kernels[0].disk_count = 1;
	run_trial(&(struct trial){ .run = build, .check = check_build });
	stage_close();
}

static struct state *state;

static enum isif_error open_state(void)
{
	return state_open(gate, names, &log_here, &state);
}

/* A good file is no damaged one because memory was short. */
static void check_state(bool failed)
{
	CU_ASSERT_FALSE(file_exists("state/statebad"));
	state_close(state);
	state = NULL;
	new_names(failed);
}

static void test_state(void)
{
	log_here = log_into(&lines);
	put_file("state/state",
		 "iscsi-ifaced state 1\nboot x\nnext 1073741825 2\n"
		 "binding 1073741824 1 0 0 0 0 0 0 0 3260 1 192.0.2.1 if0 iqn.a gone\n"
		 "target 1 0 iqn.a\nend\n");
	names = isif_names_new();
	CU_ASSERT_EQUAL_FATAL(open_writing_gate(scratch("."), &log_here, &gate), ISIF_OK);
	run_trial(&(struct trial){ .run = open_state, .check = check_state });
	close_gate(false);
	isif_names_free(names);
	names = NULL;
}

static struct event_log *events;

static enum isif_error open_events(void)
{
	return event_log_open(gate, names, &log_here, "boot", &events);
}

static void check_events(bool failed)
{
	CU_ASSERT_FALSE(file_exists("state/eventsbad"));
	if (events)
		CU_ASSERT_EQUAL(event_log_list(events).count, 3);
	event_log_close(events);
	events = NULL;
	new_names(failed);
}

static void test_events(void)
{
	log_here = log_into(&lines);
	put_file("state/events", "iscsi-ifaced events 1 boot\nevent 7 1 1 7 0 if0 one\n"
				 "event 8 1 1 7 0 if1 two\nevent 9 1 1 7 0 if2 three\nend\n");
	names = isif_names_new();
	CU_ASSERT_EQUAL_FATAL(open_writing_gate(scratch("."), &log_here, &gate), ISIF_OK);
	run_trial(&(struct trial){ .run = open_events, .check = check_events, .must_tell = true });
	CU_ASSERT_EQUAL(lines.count, 0);
	close_gate(false);
	isif_names_free(names);
	names = NULL;
}

static enum isif_error open_monitor(void)
{
	struct isif_monitor *monitor = NULL;
	enum isif_error error = start_monitor(".", &log_here, &monitor);

	if (!error) {
		isif_monitor_run(monitor);
		isif_monitor_close(monitor);
	}
	return error;
}

static void test_monitor(void)
{
	log_here = log_into(&lines);
	put_database();
	put_directory("sys/class/iscsi_transport/tcp");
	put_file("sys/class/iscsi_session/session1/targetname", "iqn.a\n");
	put_file("sys/class/iscsi_session/session1/ifacename", "if0\n");
	put_file("sys/class/iscsi_session/session1/state", "LOGGED_IN\n");
	run_trial(&(struct trial){ .run = open_monitor, .once_only = true });
}

static void set_up(void)
{
	lines = (struct lines){ 0 };
	scratch_make();
}

void add_memory_tests(void)
{
	CU_pSuite suite =
		CU_add_suite_with_setup_and_teardown("memory", NULL, NULL, set_up, scratch_remove);

	CU_add_test(suite, "parsing a record", test_record);
	CU_add_test(suite, "parsing node and iface records", test_node);
	CU_add_test(suite, "opening the gate", test_gate);
	CU_add_test(suite, "loading a database", test_database);
	CU_add_test(suite, "reading a database again", test_reading_again);
	CU_add_test(suite, "building a model", test_build);
	CU_add_test(suite, "opening the state keeps its file", test_state);
	CU_add_test(suite, "opening the list of events keeps its file", test_events);
	CU_add_test(suite, "opening a monitor", test_monitor);
}
