/* SPDX-License-Identifier: GPL-2.0-or-later */
/* All sources together: records and a sysfs tree of the test's own, the host's own network. */
#include "suites.h"

#include "helpers.h"
#include "monitor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

static struct isif_monitor *monitor;
static struct lines lines;

#define SESSION "sys/devices/platform/host0/session1/iscsi_session/session1/"
#define CONNECTION                                                                                 \
	"sys/devices/platform/host0/session1/connection1:0/iscsi_connection/connection1:0/"
#define HOST "sys/devices/platform/host0/"

static const struct {
	const char *path, *text;
} tree[] = {
	{ "sys/class/iscsi_transport/tcp/caps", "0x39\n" },
	{ SESSION "targetname", "iqn.a\n" },
	{ SESSION "tpgt", "1\n" },
	{ SESSION "ifacename", "if0\n" },
	{ SESSION "initiatorname", "iqn.host\n" },
	{ SESSION "state", "LOGGED_IN\n" },
	{ SESSION "recovery_tmo", "120\n" },
	{ CONNECTION "persistent_address", "192.0.2.10\n" },
	{ CONNECTION "persistent_port", "3260\n" },
	{ CONNECTION "address", "192.0.2.10\n" },
	{ CONNECTION "port", "3260\n" },
	{ HOST "iscsi_host/host0/ipaddress", "127.0.0.1\n" },
	{ HOST "iscsi_host/host0/netdev", "(null)\n" },
	{ HOST "iscsi_host/host0/hwaddress", "(null)\n" },
	{ HOST "scsi_host/host0/proc_name", "iscsi_tcp\n" },
	{ "records/ifaces/if0", IFACE_RECORD("if0", "") },
	{ "records/nodes/iqn.a/192.0.2.10,3260,1/if0",
	  NODE_RECORD("iqn.a", "192.0.2.10", "3260", "1", IFACE("if0", "")) },
	{ "initiatorname", "InitiatorName=iqn.host\n" },
};

static const struct {
	const char *path, *to;
} links[] = {
	{ "sys/class/iscsi_session/session1",
	  "../../devices/platform/host0/session1/iscsi_session/session1" },
	{ "sys/class/iscsi_connection/connection1:0",
	  "../../devices/platform/host0/session1/connection1:0/iscsi_connection/connection1:0" },
	{ "sys/class/iscsi_host/host0", "../../devices/platform/host0/iscsi_host/host0" },
	{ "sys/class/scsi_host/host0", "../../devices/platform/host0/scsi_host/host0" },
	{ SESSION "device", "../../../session1" },
};

static enum isif_error open_monitor(const char *records, struct isif_monitor **result)
{
	/* The gate keeps where it is. */
	static struct isif_log log;

	log = log_into(&lines);
	return start_monitor(records, &log, result);
}

static void set_up(void)
{
	scratch_make();
	lines = (struct lines){ 0 };
	for (size_t i = 0; i < COUNT(tree); i++)
		put_file(tree[i].path, tree[i].text);
	for (size_t i = 0; i < COUNT(links); i++)
		put_link(links[i].path, links[i].to);
	put_directory("state");
	put_directory("lock");
	CU_ASSERT_EQUAL_FATAL(open_monitor("records", &monitor), ISIF_OK);
}

static void tear_down(void)
{
	isif_monitor_close(monitor);
	monitor = NULL;
	scratch_remove();
}

/* What a program does: wait for what the monitor asks for, but not for long, and run. */
static bool turn(void)
{
	struct pollfd descriptors[ISIF_MONITOR_DESCRIPTORS];
	size_t count = isif_monitor_descriptors(monitor, descriptors, COUNT(descriptors));
	int timeout = isif_monitor_timeout(monitor);

	CU_ASSERT_TRUE(count >= 1 && count <= COUNT(descriptors));
	poll(descriptors, count, timeout < 0 || timeout > 100 ? 100 : timeout);
	return isif_monitor_run(monitor);
}

static const struct isif_binding *binding(void)
{
	const struct isif_snapshot *snapshot = isif_monitor_snapshot(monitor);

	CU_ASSERT_EQUAL_FATAL(snapshot->binding_count, 1);
	return snapshot->bindings[0];
}

static void resync(void)
{
	isif_monitor_resync(monitor);
	CU_ASSERT_EQUAL(isif_monitor_timeout(monitor), 0);
	CU_ASSERT_TRUE(turn());
}

static void test_content(void)
{
	const struct isif_snapshot *snapshot = isif_monitor_snapshot(monitor);

	CU_ASSERT_EQUAL(snapshot->iface_count, 3);
	CU_ASSERT_EQUAL(snapshot->session_count, 1);
	CU_ASSERT_EQUAL(binding()->oper_status, ISIF_OPER_LOGGED_IN);
	CU_ASSERT_EQUAL(binding()->admin_status, ISIF_ADMIN_LOGGED_IN);
	CU_ASSERT_EQUAL(binding()->in_sync, ISIF_BINDING_IN_SYNC);
	CU_ASSERT_EQUAL(snapshot->sessions[0]->binding, binding()->index);
	CU_ASSERT_STRING_EQUAL(snapshot->summary.initiator_name->text, "iqn.host");
	CU_ASSERT_STRING_EQUAL(snapshot->summary.record_directory->text, scratch("records"));
	CU_ASSERT_TRUE(snapshot->summary.kernel_up);
	CU_ASSERT_EQUAL(snapshot->summary.resyncs, 0);
	CU_ASSERT_EQUAL(snapshot->ifaces[0]->rebind_mode, ISIF_REBIND_RELOGIN);
	CU_ASSERT_EQUAL(lines.errors, 0);
}

/* Its path is the device that has the local address: lo, which always has index 1. */
static void test_path(void)
{
	CU_ASSERT_EQUAL(binding()->path, ISIF_PATH_OK);
	CU_ASSERT_EQUAL(binding()->path_link, 1);
	CU_ASSERT_FALSE(isif_monitor_snapshot(monitor)->sessions[0]->counters.known);
}

static void test_record_changes(void)
{
	put_file("records/ifaces/if1", IFACE_RECORD("if1", ""));
	CU_ASSERT_TRUE(turn());
	CU_ASSERT_EQUAL(isif_monitor_snapshot(monitor)->iface_count, 4);
	CU_ASSERT_NOT_EQUAL(isif_monitor_snapshot(monitor)->summary.config_last_change, 0);
	remove_file("records/ifaces/if1");
	CU_ASSERT_TRUE(turn());
	CU_ASSERT_EQUAL(isif_monitor_snapshot(monitor)->iface_count, 3);
}

static void test_old_snapshot(void)
{
	struct isif_snapshot *old = isif_snapshot_hold(isif_monitor_snapshot(monitor));

	put_file("records/ifaces/if1", IFACE_RECORD("if1", ""));
	CU_ASSERT_TRUE(turn());
	CU_ASSERT_EQUAL(old->iface_count, 3);
	isif_snapshot_release(old);
}

static void test_resync(void)
{
	put_file(SESSION "state", "FAILED\n");
	resync();
	CU_ASSERT_EQUAL(binding()->oper_status, ISIF_OPER_RECOVERING);
	CU_ASSERT_EQUAL(binding()->losses, 1);
	CU_ASSERT_EQUAL(isif_monitor_snapshot(monitor)->summary.resyncs, 1);
	put_file(SESSION "state", "LOGGED_IN\n");
	resync();
	CU_ASSERT_EQUAL(binding()->oper_status, ISIF_OPER_LOGGED_IN);
	CU_ASSERT_EQUAL(isif_monitor_snapshot(monitor)->summary.resyncs, 2);
}

static void test_session_goes(void)
{
	remove_file("sys/class/iscsi_session/session1");
	resync();
	if (binding()->oper_status == ISIF_OPER_LOGGED_IN)
		turn();
	CU_ASSERT_EQUAL(binding()->oper_status, ISIF_OPER_LOST);
	CU_ASSERT_EQUAL(binding()->losses, 1);
	CU_ASSERT_EQUAL(isif_monitor_snapshot(monitor)->session_count, 0);
}

static void test_state_is_kept(void)
{
	uint32_t index = binding()->index;

	put_file(SESSION "state", "FAILED\n");
	resync();
	isif_monitor_close(monitor);
	monitor = NULL;
	CU_ASSERT_EQUAL_FATAL(open_monitor("records", &monitor), ISIF_OK);
	CU_ASSERT_EQUAL(binding()->index, index);
	CU_ASSERT_EQUAL(binding()->losses, 1);
	CU_ASSERT_EQUAL(binding()->oper_status, ISIF_OPER_RECOVERING);
}

/* New indexes are on disk before anybody sees them; other changes soon. */
static void test_state_is_saved(void)
{
	CU_ASSERT_TRUE(file_exists("state/state"));
}

/* Nothing to do, and nothing comes: no timeout, but the save of the state, and no new snapshot. */
static void test_idle(void)
{
	while (isif_monitor_timeout(monitor) == 0)
		turn();
	CU_ASSERT_FALSE(turn());
	isif_monitor_counters_wanted(monitor);
	CU_ASSERT_NOT_EQUAL(isif_monitor_timeout(monitor), 0);
}

static void test_configure(void)
{
	isif_monitor_configure(
		monitor, &(struct isif_monitor_configuration){
				 .resync_interval = 3600, .rebind_mode = ISIF_REBIND_RECORD_ONLY });
	CU_ASSERT_TRUE(turn());
	CU_ASSERT_EQUAL(isif_monitor_snapshot(monitor)->ifaces[0]->rebind_mode,
			ISIF_REBIND_RECORD_ONLY);
	while (isif_monitor_timeout(monitor) == 0)
		turn();
	CU_ASSERT_TRUE(isif_monitor_timeout(monitor) > 0);
}

/* --- ports --- */

#define IPV4_PORT "sys/class/iscsi_iface/ipv4-iface-3-0/"
#define IPV6_PORT "sys/class/iscsi_iface/ipv6-iface-3-0/"

static const struct {
	const char *path, *text;
} ports[] = {
	{ "sys/class/scsi_host/host3/proc_name", "be2iscsi\n" },
	{ "sys/class/iscsi_host/host3/hwaddress", "02:00:00:00:00:0a\n" },
	{ IPV4_PORT "enabled", "enable\n" },
	{ IPV4_PORT "ipaddress", "198.51.100.7\n" },
	{ IPV4_PORT "subnet", "255.255.255.0\n" },
	{ IPV4_PORT "mtu", "1500\n" },
	{ IPV6_PORT "enabled", "enable\n" },
	{ IPV6_PORT "mtu", "1500\n" },
};
enum { IPV4_ATTRIBUTES = 4, IPV6_ATTRIBUTES = 2 };

static void put_ports(void)
{
	for (size_t i = 0; i < COUNT(ports); i++)
		put_file(ports[i].path, ports[i].text);
	resync();
	while (isif_monitor_timeout(monitor) == 0)
		turn();
}

static bool has_mtu(size_t place, const char *mtu)
{
	const struct isif_snapshot *snapshot = isif_monitor_snapshot(monitor);

	return place < snapshot->port_count &&
	       !strcmp(isif_kernel_port_attribute(snapshot->ports[place]->kernel, "mtu"), mtu);
}

static int watch_ports(void)
{
	int watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);

	CU_ASSERT_TRUE_FATAL(inotify_add_watch(watch, scratch(IPV4_PORT), IN_OPEN) >= 0);
	CU_ASSERT_TRUE_FATAL(inotify_add_watch(watch, scratch(IPV6_PORT), IN_OPEN) >= 0);
	return watch;
}

/* How many attributes were read since this was asked last. */
static unsigned count_read(int watch)
{
	_Alignas(struct inotify_event) char octets[4096];
	ssize_t length = read(watch, octets, sizeof(octets));
	unsigned count = 0;

	for (ssize_t at = 0; at < length;) {
		const struct inotify_event *event = (const void *)(octets + at);

		count += !(event->mask & IN_ISDIR);
		at += (ssize_t)(sizeof(*event) + event->len);
	}
	return count;
}

/* Each may take an adapter some milliseconds; a slice that is over reads no other one. */
static void test_ports_in_slices(void)
{
	unsigned all = 0, most = 0;
	int watch;

	put_ports();
	CU_ASSERT_TRUE_FATAL(has_mtu(0, "1500") && has_mtu(1, "1500"));
	put_file(IPV4_PORT "mtu", "9000\n");
	put_file(IPV6_PORT "mtu", "9000\n");
	watch = watch_ports();
	monitor->ports_due = true;
	while (monitor_read_ports(monitor, 0)) {
		unsigned now = count_read(watch);

		all += now;
		most = now > most ? now : most;
		CU_ASSERT_FALSE(monitor->dirty);
		CU_ASSERT_EQUAL(isif_monitor_timeout(monitor), 0);
		/* A snapshot for another reason has them as they were. */
		CU_ASSERT_EQUAL(monitor_build(monitor), ISIF_OK);
		CU_ASSERT_TRUE(has_mtu(0, "1500") && has_mtu(1, "1500"));
	}
	CU_ASSERT_EQUAL(most, 1);
	CU_ASSERT_EQUAL(all, IPV4_ATTRIBUTES + IPV6_ATTRIBUTES);
	CU_ASSERT_TRUE(turn());
	CU_ASSERT_TRUE(has_mtu(0, "9000") && has_mtu(1, "9000"));
	close(watch);
}

/* What comes meanwhile is read in one go after that; what a job asks for begins anew. */
static void test_ports_change_meanwhile(void)
{
	uint32_t readings;

	put_ports();
	readings = monitor->port_readings;
	monitor->ports_due = true;
	CU_ASSERT_TRUE(monitor_read_ports(monitor, 0));
	put_file("sys/class/iscsi_iface/ipv6-iface-3-1/mtu", "1500\n");
	monitor->ports_due = true;
	CU_ASSERT_TRUE(turn());
	CU_ASSERT_EQUAL(monitor->port_readings, readings + 1);
	CU_ASSERT_EQUAL(isif_monitor_snapshot(monitor)->port_count, 2);
	CU_ASSERT_TRUE(turn());
	CU_ASSERT_EQUAL(monitor->port_readings, readings + 2);
	CU_ASSERT_EQUAL(isif_monitor_snapshot(monitor)->port_count, 3);
	CU_ASSERT_EQUAL(isif_monitor_snapshot(monitor)->summary.port_readings, readings + 2);
}

/* --- jobs --- */

#define MANY  300 /* node records: more than one batch */
#define TURNS 1000

static void configure(bool writes)
{
	isif_monitor_configure(monitor, &(struct isif_monitor_configuration){
						.rebind_mode = ISIF_REBIND_RECORD_ONLY,
						.job_history = 16,
						.writes = writes,
					});
}

static void put_many(void)
{
	char name[128], text[1024];

	put_file("records/ifaces/if1", IFACE_RECORD("if1", "iface.mtu = 9000\n"));
	for (int i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "records/nodes/iqn.%d/192.0.2.10,3260,1/if1", i);
		snprintf(text, sizeof(text),
			 NODE_RECORD("iqn.%d", "192.0.2.10", "3260", "1",
				     IFACE("if1", "iface.mtu = 1500\n")),
			 i);
		put_file(name, text);
	}
}

static void ask_to_propagate(void)
{
	struct isif_job job = {
		.index = 1,
		.kind = ISIF_JOB_PROPAGATE,
		.iface = isif_name_get(monitor->names, "if1", 3),
		.target = isif_name_get(monitor->names, "", 0),
		.address = isif_name_get(monitor->names, "", 0),
	};

	CU_ASSERT_EQUAL(job_add(monitor->jobs, &job), ISIF_OK);
	job_keep(monitor->jobs);
	isif_name_release(job.iface);
	isif_name_release(job.target);
	isif_name_release(job.address);
}

static const struct isif_job *the_job(void)
{
	struct isif_job_list list = isif_monitor_jobs(monitor);

	CU_ASSERT_EQUAL_FATAL(list.count, 1);
	return list.jobs[0];
}

static uint32_t count_in_sync(void)
{
	const struct isif_snapshot *snapshot = isif_monitor_snapshot(monitor);
	uint32_t count = 0;

	for (uint32_t i = 0; i < snapshot->binding_count; i++)
		count += snapshot->bindings[i]->in_sync == ISIF_BINDING_IN_SYNC;
	return count;
}

/* Everything together: the job writes, and the watches tell what became of the records. */
static void test_job(void)
{
	put_many();
	resync();
	while (isif_monitor_timeout(monitor) == 0)
		turn();
	CU_ASSERT_EQUAL_FATAL(isif_monitor_snapshot(monitor)->binding_count, MANY + 1);
	CU_ASSERT_EQUAL(count_in_sync(), 1);
	configure(true);
	ask_to_propagate();
	CU_ASSERT_EQUAL(isif_monitor_timeout(monitor), 0);
	for (int i = 0; isif_job_is_open(the_job()) && i < TURNS; i++)
		turn();
	CU_ASSERT_EQUAL(the_job()->state, ISIF_JOB_SUCCEEDED);
	CU_ASSERT_EQUAL(the_job()->results, MANY);
	for (int i = 0; count_in_sync() <= MANY && i < TURNS; i++)
		turn();
	CU_ASSERT_EQUAL(count_in_sync(), MANY + 1);
	isif_monitor_close(monitor);
	monitor = NULL;
	CU_ASSERT_EQUAL_FATAL(open_monitor("records", &monitor), ISIF_OK);
	CU_ASSERT_EQUAL(the_job()->state, ISIF_JOB_SUCCEEDED);
	CU_ASSERT_EQUAL(lines.errors, 0);
}

/* While nothing may be written, jobs wait. */
static void test_job_waits(void)
{
	put_file("records/ifaces/if1", IFACE_RECORD("if1", ""));
	ask_to_propagate();
	while (isif_monitor_timeout(monitor) == 0)
		turn();
	isif_monitor_run(monitor);
	CU_ASSERT_EQUAL(the_job()->state, ISIF_JOB_PENDING);
	configure(true);
	configure(false);
	isif_monitor_run(monitor);
	CU_ASSERT_EQUAL(the_job()->state, ISIF_JOB_PENDING);
	configure(true);
	for (int i = 0; isif_job_is_open(the_job()) && i < TURNS; i++)
		turn();
	CU_ASSERT_EQUAL(the_job()->state, ISIF_JOB_SUCCEEDED);
}

static void test_no_records(void)
{
	struct isif_monitor *none = NULL;

	CU_ASSERT_EQUAL(open_monitor("nowhere", &none), ISIF_NOT_FOUND);
	CU_ASSERT_EQUAL(lines.errors, 1);
	CU_ASSERT_PTR_NOT_NULL(strstr(lines.all, "nowhere"));
}

void add_monitor_tests(void)
{
	CU_pSuite suite =
		CU_add_suite_with_setup_and_teardown("monitor", NULL, NULL, set_up, tear_down);

	CU_add_test(suite, "opened, everything is there", test_content);
	CU_add_test(suite, "without sockets the local address tells the path", test_path);
	CU_add_test(suite, "changes of records make a new snapshot", test_record_changes);
	CU_add_test(suite, "a snapshot that is held stays as it was", test_old_snapshot);
	CU_add_test(suite, "a resync reads the sessions again", test_resync);
	CU_add_test(suite, "a session that goes is lost", test_session_goes);
	CU_add_test(suite, "indexes and losses outlive a restart", test_state_is_kept);
	CU_add_test(suite, "indexes are saved at once", test_state_is_saved);
	CU_add_test(suite, "idle, it waits", test_idle);
	CU_add_test(suite, "the configuration may change", test_configure);
	CU_add_test(suite, "ports are read in slices, an attribute at least", test_ports_in_slices);
	CU_add_test(suite, "a port that comes while they are read", test_ports_change_meanwhile);
	CU_add_test(suite, "a job rewrites what then is in sync", test_job);
	CU_add_test(suite, "jobs wait while nothing may be written", test_job_waits);
	CU_add_test(suite, "no record directory: told and refused", test_no_records);
}
