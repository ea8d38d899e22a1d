/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Transactions against a real database, through the monitor: what is refused, what is written. */
#include "suites.h"

#include <isif/transaction.h>

#include "allocation.h"
#include "helpers.h"
#include "tree.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct isif_monitor *monitor;
static struct lines lines;
static const char *denied; /* an iface that the configuration forbids */
static bool sessions;	   /* it allows jobs that change sessions */

#define TARGET "iqn.2026-01.org.example:a"
#define NODES  "records/nodes/" TARGET "/192.0.2.10,3260,1/"
#define NUMBERS                                                                                    \
	"iface.vlan_id = 0\niface.vlan_priority = 0\niface.iface_num = 0\niface.mtu = 0\n"         \
	"iface.port = 0\niface.tos = 0\niface.ttl = 0\niface.tcp_wsf = 0\n"                        \
	"iface.tcp_timer_scale = 0\niface.def_task_mgmt_timeout = 0\niface.erl = 0\n"              \
	"iface.max_receive_data_len = 0\niface.first_burst_len = 0\n"                              \
	"iface.max_outstanding_r2t = 0\niface.max_burst_len = 0\n"
#define COPY(name, settings)                                                                       \
	"iface.iscsi_ifacename = " name "\n" settings                                              \
	"iface.prefix_len = 0\niface.transport_name = tcp\n" NUMBERS

static void open_monitor(void)
{
	/* The gate keeps where it is. */
	static struct isif_log log;

	log = log_into(&lines);
	CU_ASSERT_EQUAL_FATAL(start_monitor("records", &log, &monitor), ISIF_OK);
	isif_monitor_configure(monitor, &(struct isif_monitor_configuration){
						.rebind_mode = ISIF_REBIND_RECORD_ONLY,
						.job_history = 128,
						.writes = true,
					});
}

/* Runs the loop until it has nothing more to do by itself. */
static void run(void)
{
	struct pollfd fds[ISIF_MONITOR_DESCRIPTORS];
	size_t count;

	do {
		isif_monitor_run(monitor);
		count = isif_monitor_descriptors(monitor, fds, COUNT(fds));
	} while (isif_monitor_timeout(monitor) == 0 || poll(fds, count, 0) > 0);
}

static void wait_for_file(const char *name)
{
	struct pollfd fds[ISIF_MONITOR_DESCRIPTORS];

	for (int i = 0; i < 1000 && !file_exists(name); i++) {
		poll(fds, isif_monitor_descriptors(monitor, fds, COUNT(fds)), 100);
		isif_monitor_run(monitor);
	}
	run();
}

static void set_up(void)
{
	scratch_make();
	lines = (struct lines){ 0 };
	denied = NULL;
	sessions = false;
	put_file("sys/class/iscsi_transport/tcp/caps", "0x39\n");
	put_file("initiatorname", "InitiatorName=iqn.host\n");
	put_file("records/ifaces/if0", RECORD(COPY("if0", "")));
	put_file("records/ifaces/if1", RECORD(COPY("if1", "iface.net_ifacename = lo\n")));
	put_file(NODES "if0", NODE_RECORD(TARGET, "192.0.2.10", "3260", "1", COPY("if0", "")));
	put_link("records/static/" TARGET ",192.0.2.10,3260,1,if0",
		 "../nodes/" TARGET "/192.0.2.10,3260,1");
	put_directory("state");
	put_directory("lock");
	open_monitor();
	wait_for_file("state/backup");
}

static void tear_down(void)
{
	isif_monitor_close(monitor);
	scratch_remove();
}

/* --- wishes --- */

static struct isif_wish wishes[32];
static size_t wish_count;

static void begin_wishes(void)
{
	wish_count = 0;
}

static struct isif_wish *add(enum isif_wish_kind kind)
{
	wishes[wish_count] = (struct isif_wish){ .kind = kind };
	return &wishes[wish_count++];
}

static void wish_iface(enum isif_wish_kind kind, const char *iface, int64_t number)
{
	struct isif_wish *wish = add(kind);

	wish->iface = iface;
	wish->iface_length = strlen(iface);
	wish->number = number;
}

static void wish_setting(const char *iface, const char *setting, const char *value)
{
	wish_iface(ISIF_WISH_IFACE_SETTING, iface, 0);
	wishes[wish_count - 1].setting = setting;
	wishes[wish_count - 1].text = value;
	wishes[wish_count - 1].length = strlen(value);
}

static void wish_number(enum isif_wish_kind kind, uint32_t index, int64_t number)
{
	struct isif_wish *wish = add(kind);

	wish->index = index;
	wish->number = number;
}

static void wish_text(enum isif_wish_kind kind, uint32_t index, const char *text)
{
	struct isif_wish *wish = add(kind);

	wish->index = index;
	wish->text = text;
	wish->length = strlen(text);
}

static void wish_address(enum isif_wish_kind kind, uint32_t index, const void *octets,
			 size_t length)
{
	struct isif_wish *wish = add(kind);

	wish->index = index;
	wish->text = octets;
	wish->length = length;
}

/* A whole new binding of the portal 192.0.2.LAST:3260,1. */
static void wish_binding(uint32_t index, const char *iface, uint8_t last)
{
	static uint8_t octets[4][4];
	static int turn;
	uint8_t *address = octets[turn++ % 4];

	memcpy(address, (uint8_t[]){ 192, 0, 2, last }, 4);
	wish_number(ISIF_WISH_BINDING_ROW, index, ISIF_ROW_CREATE);
	wish_text(ISIF_WISH_BINDING_IFACE, index, iface);
	wish_text(ISIF_WISH_BINDING_TARGET, index, TARGET);
	wish_number(ISIF_WISH_BINDING_ADDRESS_TYPE, index, ISIF_ADDRESS_IPV4);
	wish_address(ISIF_WISH_BINDING_ADDRESS, index, address, 4);
	wish_number(ISIF_WISH_BINDING_TPGT, index, 1);
}

static bool is_allowed(void *context, const char *iface)
{
	(void)context;
	return !denied || strcmp(denied, iface);
}

static struct isif_refusal refusal;

static bool begin(struct isif_transaction **transaction)
{
	const struct isif_policy policy = { .sessions = sessions, .allows = is_allowed };

	*transaction = NULL;
	return isif_transaction_begin(monitor, &policy, wishes, wish_count, transaction, &refusal);
}

/* All phases; true if it happened. */
static bool happens(void)
{
	struct isif_transaction *transaction;
	bool done = begin(&transaction) && isif_transaction_commit(transaction, &refusal);

	isif_transaction_end(transaction);
	if (!done)
		printf("# refused: kind %d, wish %zu: %s\n", (int)refusal.kind, refusal.wish,
		       refusal.text);
	return done;
}

/* True if it is refused so, because of this wish. */
static bool refused(enum isif_refusal_kind kind, size_t wish)
{
	struct isif_transaction *transaction;
	bool begun = begin(&transaction);

	isif_transaction_end(transaction);
	if (!begun && refusal.kind == kind && refusal.wish == wish && *refusal.text)
		return true;
	printf("# %s: kind %d, wish %zu: %s\n", begun ? "not refused" : "refused",
	       (int)refusal.kind, refusal.wish, refusal.text);
	return false;
}

/* --- what is there --- */

static char *text_of(const char *name)
{
	static char text[16384];
	FILE *file = fopen(scratch("%s", name), "re");
	size_t length = file ? fread(text, 1, sizeof(text) - 1, file) : 0;

	text[length] = '\0';
	if (file)
		fclose(file);
	return text;
}

static bool holds(const char *name, const char *line)
{
	return strstr(text_of(name), line);
}

/* What a test finds where there is no such row. */
static const struct isif_iface no_iface;
static const struct isif_binding no_binding;

static const struct isif_iface *iface_row(const char *name)
{
	const struct isif_snapshot *snapshot = isif_monitor_snapshot(monitor);

	for (uint32_t i = 0; i < snapshot->iface_count; i++)
		if (!strcmp(snapshot->ifaces[i]->name->text, name))
			return snapshot->ifaces[i];
	return &no_iface;
}

static const struct isif_binding *binding_row(uint32_t index)
{
	const struct isif_snapshot *snapshot = isif_monitor_snapshot(monitor);

	for (uint32_t i = 0; i < snapshot->binding_count; i++)
		if (snapshot->bindings[i]->index == index)
			return snapshot->bindings[i];
	return &no_binding;
}

/* Index of the one binding that the set-up made. */
static uint32_t first_binding(void)
{
	const struct isif_snapshot *snapshot = isif_monitor_snapshot(monitor);

	CU_ASSERT_EQUAL_FATAL(snapshot->binding_count, 1);
	return snapshot->bindings[0]->index;
}

/* --- ifaces --- */

static void test_setting(void)
{
	begin_wishes();
	wish_setting("if1", "initiatorname", "iqn.other");
	CU_ASSERT(happens());
	CU_ASSERT(holds("records/ifaces/if1", "\niface.initiatorname = iqn.other\n"));
	CU_ASSERT(holds("records/ifaces/if1", "\niface.net_ifacename = lo\n"));
	CU_ASSERT_STRING_EQUAL(iface_row("if1")->initiator, "iqn.other");
	begin_wishes();
	wish_setting("if1", "initiatorname", "");
	wish_setting("if1", "net_ifacename", "");
	wish_setting("if1", "hwaddress", "02:00:00:00:00:01");
	CU_ASSERT(happens());
	CU_ASSERT_STRING_EQUAL(text_of("records/ifaces/if1"),
			       RECORD("iface.iscsi_ifacename = if1\niface.prefix_len = 0\n"
				      "iface.hwaddress = 02:00:00:00:00:01\n"
				      "iface.transport_name = tcp\n" NUMBERS));
	CU_ASSERT_EQUAL(iface_row("if1")->bound_by, ISIF_BOUND_HWADDRESS);
}

static void test_create_iface(void)
{
	begin_wishes();
	wish_setting("san0", "net_ifacename", "eth7");
	wish_iface(ISIF_WISH_IFACE_ROW, "san0", ISIF_ROW_CREATE);
	wish_iface(ISIF_WISH_IFACE_REBIND_MODE, "san0", ISIF_REBIND_RELOGIN);
	CU_ASSERT(happens());
	CU_ASSERT(holds("records/ifaces/san0",
			"\n" COPY("san0", "iface.net_ifacename = eth7\n") "# END RECORD\n"));
	CU_ASSERT_PTR_NOT_EQUAL_FATAL(iface_row("san0"), &no_iface);
	CU_ASSERT_EQUAL(iface_row("san0")->rebind_mode, ISIF_REBIND_RELOGIN);
	begin_wishes();
	wish_iface(ISIF_WISH_IFACE_ROW, "san0", ISIF_ROW_CREATE);
	CU_ASSERT(refused(ISIF_REFUSED_STATE, 0));
	begin_wishes();
	wish_iface(ISIF_WISH_IFACE_ROW, "san0", ISIF_ROW_DESTROY);
	CU_ASSERT(happens());
	CU_ASSERT_FALSE(file_exists("records/ifaces/san0"));
	CU_ASSERT_PTR_EQUAL(iface_row("san0"), &no_iface);
	CU_ASSERT(happens()); /* destroying what is not there */
}

static void test_iface_refusals(void)
{
	static const struct {
		const char *iface, *setting, *value;
		enum isif_refusal_kind kind;
	} cases[] = {
		{ "if0", "mtu", "99999", ISIF_REFUSED_VALUE },
		{ "if0", "net_ifacename", "a/b", ISIF_REFUSED_VALUE },
		{ "if0", "net_ifacename", "<empty>", ISIF_REFUSED_VALUE },
		{ "if0", "initiatorname", "a\nb", ISIF_REFUSED_VALUE },
		{ "if0", "iscsi_ifacename", "x", ISIF_REFUSED_READ_ONLY },
		{ "if0", "nonsense", "x", ISIF_REFUSED_CREATION },
		{ "if0", "subnet_mask", "255.0.0.0", ISIF_REFUSED_CREATION },
		{ "if0", "mtu", "1500", ISIF_REFUSED_STATE }, /* software has no MTU of its own */
		{ "if0", "ipaddress", "192.0.2.1", ISIF_REFUSED_STATE },
		{ "if0", "net_ifacename", "nodevice", ISIF_REFUSED_STATE }, /* it has a binding */
		{ "if1", "hwaddress", "02:00:00:00:00:01", ISIF_REFUSED_STATE },
		{ "default", "net_ifacename", "lo", ISIF_REFUSED_READ_ONLY },
		{ "nowhere", "net_ifacename", "lo", ISIF_REFUSED_NAME },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		begin_wishes();
		wish_number(ISIF_WISH_KEPT, ISIF_KEPT_NOTIFY_RATE, 7);
		wish_setting(cases[i].iface, cases[i].setting, cases[i].value);
		if (!refused(cases[i].kind, 1))
			CU_FAIL("the case above");
	}
	CU_ASSERT_EQUAL(isif_monitor_kept(monitor, ISIF_KEPT_NOTIFY_RATE), 50);
	begin_wishes();
	wish_setting("if1", "initiatorname", "iqn.a");
	wish_setting("if1", "initiatorname", "iqn.b");
	CU_ASSERT(refused(ISIF_REFUSED_STATE, 1));
	begin_wishes();
	wish_iface(ISIF_WISH_IFACE_ROW, "if0", ISIF_ROW_DESTROY);
	CU_ASSERT(refused(ISIF_REFUSED_STATE, 0)); /* it has a binding */
	begin_wishes();
	wish_iface(ISIF_WISH_IFACE_ROW, "default", ISIF_ROW_DESTROY);
	CU_ASSERT(refused(ISIF_REFUSED_STATE, 0));
	begin_wishes();
	wish_iface(ISIF_WISH_IFACE_ROW, "../x", ISIF_ROW_CREATE);
	CU_ASSERT(refused(ISIF_REFUSED_NAME, 0));
	begin_wishes();
	wish_iface(ISIF_WISH_IFACE_ROW, "nowhere", ISIF_ROW_ACTIVE);
	CU_ASSERT(refused(ISIF_REFUSED_STATE, 0));
	denied = "if1";
	begin_wishes();
	wish_setting("if1", "initiatorname", "iqn.a");
	CU_ASSERT(refused(ISIF_REFUSED_ACCESS, 0));
}

/* The job that rewrites the copies is on disk with the record, whenever a crash comes. */
static void test_implied_job(void)
{
	struct isif_transaction *transaction;

	begin_wishes();
	wish_setting("if0", "initiatorname", "iqn.other");
	CU_ASSERT_FATAL(begin(&transaction));
	CU_ASSERT(isif_transaction_commit(transaction, &refusal));
	CU_ASSERT(holds("records/ifaces/if0", "\niface.initiatorname = iqn.other\n"));
	CU_ASSERT(holds("state/jobs", "\njob 1073741824 "));
	CU_ASSERT(isif_transaction_undo(transaction, &refusal));
	CU_ASSERT_FALSE(holds("records/ifaces/if0", "iqn.other"));
	CU_ASSERT_FALSE(holds("state/jobs", "\njob 1073741824 "));
	isif_transaction_end(transaction);
	CU_ASSERT_EQUAL(isif_monitor_jobs(monitor).count, 0);
}

/* Runs the loop for some seconds at most, until it is done. */
static void run_until_no_stray(void)
{
	struct pollfd fds[ISIF_MONITOR_DESCRIPTORS];

	for (int i = 0; i < 100 && tree_is_littered(scratch("records")); i++) {
		poll(fds, isif_monitor_descriptors(monitor, fds, COUNT(fds)), 100);
		isif_monitor_run(monitor);
	}
	run();
}

/* A disk that fails for a while: what could not be undone is undone, before anything else. */
static void test_undone_later(void)
{
	struct isif_transaction *transaction;
	char *before = tree_text(scratch("records")), *after;

	begin_wishes();
	wish_setting("if1", "initiatorname", "iqn.other");
	wish_setting("if0", "initiatorname", "iqn.other");
	CU_ASSERT_FATAL(begin(&transaction));
	fault_at(FAULT_SELF, FAULT_RENAME, 2, EIO, true);
	CU_ASSERT_FALSE(isif_transaction_commit(transaction, &refusal));
	isif_transaction_end(transaction);
	CU_ASSERT_EQUAL(refusal.kind, ISIF_REFUSED_UNDO);
	CU_ASSERT(fault_end());
	begin_wishes();
	wish_setting("if1", "initiatorname", "iqn.third");
	CU_ASSERT_FALSE(begin(&transaction));
	CU_ASSERT_EQUAL(refusal.kind, ISIF_REFUSED_BUSY);
	run_until_no_stray();
	after = tree_text(scratch("records"));
	CU_ASSERT_STRING_EQUAL(after, before);
	CU_ASSERT(happens());
	CU_ASSERT(holds("records/ifaces/if1", "\niface.initiatorname = iqn.third\n"));
	free(before);
	free(after);
}

/* --- bindings --- */

static void test_create_binding(void)
{
	begin_wishes();
	wish_binding(5, "if1", 10);
	CU_ASSERT(happens());
	CU_ASSERT_STRING_EQUAL(
		text_of(NODES "if1"),
		RECORD("node.name = " TARGET "\nnode.tpgt = 1\nnode.startup = automatic\n" COPY(
			"if1", "iface.net_ifacename = lo\n") "node.discovery_port = 0\n"
							     "node.discovery_type = static\n"
							     "node.session.auth.authmethod = CHAP\n"
							     "node.session.auth.password = "
							     "wonderland\n"
							     "node.conn[0].address = 192.0.2.10\n"
							     "node.conn[0].port = 3260\n"));
	CU_ASSERT(file_exists("records/static/" TARGET ",192.0.2.10,3260,1,if1"));
	CU_ASSERT_PTR_NOT_EQUAL_FATAL(binding_row(5), &no_binding);
	CU_ASSERT_EQUAL(binding_row(5)->in_sync, ISIF_BINDING_IN_SYNC);
	begin_wishes();
	wish_binding(6, "if1", 10);
	CU_ASSERT(refused(ISIF_REFUSED_STATE, 0)); /* that key is taken */
	begin_wishes();
	wish_number(ISIF_WISH_BINDING_ROW, 5, ISIF_ROW_DESTROY);
	CU_ASSERT(happens());
	CU_ASSERT_FALSE(file_exists(NODES "if1"));
	CU_ASSERT_FALSE(file_exists("records/static/" TARGET ",192.0.2.10,3260,1,if1"));
	CU_ASSERT_PTR_EQUAL(binding_row(5), &no_binding);
	begin_wishes();
	wish_binding(5, "if1", 11);
	CU_ASSERT(refused(ISIF_REFUSED_NAME, 0)); /* the index was another record's */
	begin_wishes();
	wish_binding(5, "if1", 10);
	CU_ASSERT(happens()); /* but not of this one */
}

static void test_binding_refusals(void)
{
	uint32_t index = first_binding();

	begin_wishes();
	wish_binding(1u << 30, "if1", 12);
	CU_ASSERT(refused(ISIF_REFUSED_NAME, 0));
	begin_wishes();
	wish_binding(7, "nowhere", 12);
	CU_ASSERT(refused(ISIF_REFUSED_STATE, 1));
	begin_wishes();
	wish_binding(7, "if1", 12);
	wish_count -= 1; /* no portal group */
	CU_ASSERT(refused(ISIF_REFUSED_STATE, 0));
	begin_wishes();
	wish_binding(7, "if1", 12);
	wishes[2].text = "a/b", wishes[2].length = 3;
	CU_ASSERT(refused(ISIF_REFUSED_VALUE, 2));
	begin_wishes();
	wish_binding(7, "if1", 12);
	wishes[4].length = 3;
	CU_ASSERT(refused(ISIF_REFUSED_STATE, 4));
	begin_wishes();
	wish_text(ISIF_WISH_BINDING_TARGET, index, TARGET);
	wish_number(ISIF_WISH_BINDING_PORT, index, 3260);
	CU_ASSERT(happens()); /* present values of fixed columns */
	wishes[1].number = 3261;
	CU_ASSERT(refused(ISIF_REFUSED_STATE, 1));
	begin_wishes();
	wish_number(ISIF_WISH_BINDING_ADMIN, index, ISIF_ADMIN_LOGGED_OUT);
	CU_ASSERT(refused(ISIF_REFUSED_STATE, 0));
	begin_wishes();
	wish_number(ISIF_WISH_BINDING_STARTUP, 77, ISIF_STARTUP_MANUAL);
	CU_ASSERT(refused(ISIF_REFUSED_NAME, 0));
}

static void test_move(void)
{
	uint32_t index = first_binding();

	begin_wishes();
	wish_text(ISIF_WISH_BINDING_IFACE, index, "if1");
	wish_number(ISIF_WISH_BINDING_STARTUP, index, ISIF_STARTUP_MANUAL);
	CU_ASSERT(happens());
	CU_ASSERT_FALSE(file_exists(NODES "if0"));
	CU_ASSERT_STRING_EQUAL(
		text_of(NODES "if1"),
		RECORD("node.name = " TARGET "\nnode.tpgt = 1\nnode.startup = manual\n" COPY(
			"if1", "iface.net_ifacename = lo\n") "node.discovery_type = static\n"
							     "node.session.auth.authmethod = CHAP\n"
							     "node.session.auth.password = "
							     "wonderland\n"
							     "node.conn[0].address = 192.0.2.10\n"
							     "node.conn[0].port = 3260\n"));
	CU_ASSERT(file_exists("records/static/" TARGET ",192.0.2.10,3260,1,if1"));
	CU_ASSERT_FALSE(file_exists("records/static/" TARGET ",192.0.2.10,3260,1,if0"));
	CU_ASSERT_PTR_NOT_EQUAL_FATAL(binding_row(index), &no_binding);
	CU_ASSERT_STRING_EQUAL(binding_row(index)->node->iface->text, "if1");
	CU_ASSERT_EQUAL(binding_row(index)->in_sync, ISIF_BINDING_IN_SYNC);
	CU_ASSERT_EQUAL(isif_monitor_snapshot(monitor)->binding_count, 1);
}

#define SESSION "sys/class/iscsi_session/session7/"

/* The first binding is logged in, and its iface's sessions may be moved. */
static uint32_t log_in(void)
{
	put_file(SESSION "targetname", TARGET "\n");
	put_file(SESSION "tpgt", "1\n");
	put_file(SESSION "ifacename", "if0\n");
	put_file(SESSION "state", "LOGGED_IN\n");
	put_file("sys/class/iscsi_connection/connection7:0/persistent_address", "192.0.2.10\n");
	put_file("sys/class/iscsi_connection/connection7:0/persistent_port", "3260\n");
	isif_monitor_resync(monitor);
	run();
	begin_wishes();
	wish_iface(ISIF_WISH_IFACE_REBIND_MODE, "if0", ISIF_REBIND_RELOGIN);
	sessions = true;
	CU_ASSERT(happens());
	CU_ASSERT_EQUAL_FATAL(binding_row(first_binding())->sid, 7);
	return first_binding();
}

static void test_live_move(void)
{
	uint32_t index = log_in();
	const struct isif_snapshot *snapshot;
	struct isif_transaction *transaction;
	struct isif_job_list jobs;

	begin_wishes();
	wish_text(ISIF_WISH_BINDING_IFACE, index, "if1");
	for (int undo = 1; undo >= 0; undo--) {
		CU_ASSERT_FATAL(begin(&transaction));
		CU_ASSERT(isif_transaction_commit(transaction, &refusal));
		CU_ASSERT(!undo || isif_transaction_undo(transaction, &refusal));
		isif_transaction_end(transaction);
		CU_ASSERT(file_exists(NODES "if0"));
		CU_ASSERT_EQUAL(file_exists(NODES "if1"), !undo);
		CU_ASSERT_EQUAL(isif_monitor_jobs(monitor).count, undo ? 0 : 1);
		CU_ASSERT_STRING_EQUAL(binding_row(index)->node->iface->text, undo ? "if0" : "if1");
		CU_ASSERT_EQUAL(binding_row(index)->sid, undo ? 7 : 0);
		CU_ASSERT_EQUAL(binding_row(index)->losses, 0);
	}
	snapshot = isif_monitor_snapshot(monitor);
	CU_ASSERT_EQUAL_FATAL(snapshot->binding_count, 2);
	CU_ASSERT_EQUAL(snapshot->bindings[0]->sid + snapshot->bindings[1]->sid, 7);
	jobs = isif_monitor_jobs(monitor);
	CU_ASSERT_EQUAL(jobs.jobs[0]->kind, ISIF_JOB_REBIND);
	CU_ASSERT_STRING_EQUAL(jobs.jobs[0]->from->text, "if0");
	CU_ASSERT_STRING_EQUAL(jobs.jobs[0]->iface->text, "if1");
	/* While it waits and runs, neither record can be changed. */
	for (uint32_t i = 0; i < 2; i++) {
		begin_wishes();
		wish_number(ISIF_WISH_BINDING_STARTUP,
			    isif_monitor_snapshot(monitor)->bindings[i]->index,
			    ISIF_STARTUP_MANUAL);
		CU_ASSERT(refused(ISIF_REFUSED_STATE, 0));
	}
}

static void test_live_move_refused(void)
{
	uint32_t index = log_in();

	begin_wishes();
	wish_text(ISIF_WISH_BINDING_IFACE, index, "if1");
	wish_number(ISIF_WISH_BINDING_ADMIN, index, ISIF_ADMIN_LOGGED_OUT);
	CU_ASSERT(refused(ISIF_REFUSED_STATE, 1));
	begin_wishes();
	wish_text(ISIF_WISH_BINDING_IFACE, index, "if1");
	wish_iface(ISIF_WISH_IFACE_REBIND_MODE, "if0", ISIF_REBIND_RECORD_ONLY);
	CU_ASSERT(refused(ISIF_REFUSED_STATE, 0));
	begin_wishes();
	wish_iface(ISIF_WISH_IFACE_ROW, "if0", ISIF_ROW_DESTROY);
	wish_text(ISIF_WISH_BINDING_IFACE, index, "if1");
	CU_ASSERT(refused(ISIF_REFUSED_STATE, 0));
	sessions = false;
	begin_wishes();
	wish_text(ISIF_WISH_BINDING_IFACE, index, "if1");
	CU_ASSERT(refused(ISIF_REFUSED_STATE, 0));
	CU_ASSERT_FALSE(file_exists(NODES "if1"));
}

/* Rows that take each other's places, and one that takes that of a destroyed one. */
static void test_places(void)
{
	uint32_t index = first_binding();

	begin_wishes();
	wish_binding(5, "if1", 10);
	CU_ASSERT(happens());
	begin_wishes();
	wish_text(ISIF_WISH_BINDING_IFACE, index, "if1");
	wish_text(ISIF_WISH_BINDING_IFACE, 5, "if0");
	wish_number(ISIF_WISH_BINDING_STARTUP, 5, ISIF_STARTUP_MANUAL);
	CU_ASSERT(happens());
	CU_ASSERT_STRING_EQUAL(binding_row(index)->node->iface->text, "if1");
	CU_ASSERT_STRING_EQUAL(binding_row(5)->node->iface->text, "if0");
	CU_ASSERT_EQUAL(binding_row(5)->node->startup, ISIF_STARTUP_MANUAL);
	CU_ASSERT_EQUAL(binding_row(index)->node->startup, ISIF_STARTUP_AUTOMATIC);
	CU_ASSERT(holds(NODES "if0", "\niface.iscsi_ifacename = if0\n"));
	CU_ASSERT(holds(NODES "if1", "\niface.net_ifacename = lo\n"));
	begin_wishes();
	wish_number(ISIF_WISH_BINDING_ROW, index, ISIF_ROW_DESTROY);
	wish_text(ISIF_WISH_BINDING_IFACE, 5, "if1");
	CU_ASSERT(happens());
	CU_ASSERT_PTR_EQUAL(binding_row(index), &no_binding);
	CU_ASSERT_STRING_EQUAL(binding_row(5)->node->iface->text, "if1");
	CU_ASSERT_EQUAL(isif_monitor_snapshot(monitor)->binding_count, 1);
	begin_wishes();
	wish_binding(6, "if1", 10);
	wish_number(ISIF_WISH_BINDING_ROW, 5, ISIF_ROW_DESTROY);
	CU_ASSERT(happens()); /* the same key under another index */
	CU_ASSERT_PTR_EQUAL(binding_row(5), &no_binding);
	CU_ASSERT_PTR_NOT_EQUAL(binding_row(6), &no_binding);
}

/* What makes an iface, binds to it, and takes another one away. */
static void wish_all_at_once(void)
{
	uint32_t index = first_binding();

	begin_wishes();
	wish_iface(ISIF_WISH_IFACE_ROW, "if0", ISIF_ROW_DESTROY);
	wish_text(ISIF_WISH_BINDING_IFACE, index, "san1");
	wish_binding(9, "san1", 20);
	wish_setting("san1", "net_ifacename", "lo");
	wish_iface(ISIF_WISH_IFACE_ROW, "san1", ISIF_ROW_CREATE);
	wish_number(ISIF_WISH_KEPT, ISIF_KEPT_HOLD_DOWN, 11);
}

/* In one PDU. */
static void test_all_at_once(void)
{
	wish_all_at_once();
	CU_ASSERT(happens());
	CU_ASSERT_FALSE(file_exists("records/ifaces/if0"));
	CU_ASSERT(holds(NODES "san1", "\niface.net_ifacename = lo\n"));
	CU_ASSERT(holds("records/nodes/" TARGET "/192.0.2.20,3260,1/san1",
			"\nnode.session.auth.password = wonderland\n"));
	CU_ASSERT_EQUAL(isif_monitor_kept(monitor, ISIF_KEPT_HOLD_DOWN), 11);
	CU_ASSERT_EQUAL(iface_row("san1")->bindings, 2);
}

/* Undone, everything is as it was: records, indexes, numbers. */
static void test_undo(void)
{
	uint32_t index = first_binding();
	struct isif_transaction *transaction;

	begin_wishes();
	wish_text(ISIF_WISH_BINDING_IFACE, index, "if1");
	wish_binding(9, "if0", 20);
	wish_iface(ISIF_WISH_IFACE_REBIND_MODE, "if1", ISIF_REBIND_RELOGIN);
	wish_number(ISIF_WISH_KEPT, ISIF_KEPT_NOTIFY_ENABLE, 0x80);
	CU_ASSERT_FATAL(begin(&transaction));
	CU_ASSERT(isif_transaction_commit(transaction, &refusal));
	CU_ASSERT(file_exists(NODES "if1"));
	CU_ASSERT(isif_transaction_undo(transaction, &refusal));
	isif_transaction_end(transaction);
	run();
	CU_ASSERT_STRING_EQUAL(text_of(NODES "if0"),
			       NODE_RECORD(TARGET, "192.0.2.10", "3260", "1", COPY("if0", "")));
	CU_ASSERT_FALSE(file_exists(NODES "if1"));
	CU_ASSERT_FALSE(file_exists("records/nodes/" TARGET "/192.0.2.20,3260,1"));
	CU_ASSERT_EQUAL(first_binding(), index);
	CU_ASSERT_EQUAL(iface_row("if1")->rebind_mode, ISIF_REBIND_RECORD_ONLY);
	CU_ASSERT_EQUAL(isif_monitor_kept(monitor, ISIF_KEPT_NOTIFY_ENABLE), 0xff);
	isif_monitor_close(monitor);
	open_monitor();
	CU_ASSERT_EQUAL(first_binding(), index);
}

/* What is set outlives a restart, until the configuration says something new. */
static void test_kept(void)
{
	const struct isif_monitor_configuration edited = { .rebind_mode = ISIF_REBIND_RELOGIN,
							   .hold_down = 3 };

	begin_wishes();
	wish_number(ISIF_WISH_KEPT, ISIF_KEPT_HOLD_DOWN, 30);
	wish_iface(ISIF_WISH_IFACE_REBIND_MODE, "if0", ISIF_REBIND_RELOGIN);
	wish_binding(8, "if1", 30);
	wish_number(ISIF_WISH_BINDING_ADMIN, 8, ISIF_ADMIN_LOGGED_OUT);
	CU_ASSERT(happens());
	isif_monitor_close(monitor);
	open_monitor();
	run();
	CU_ASSERT_EQUAL(isif_monitor_kept(monitor, ISIF_KEPT_HOLD_DOWN), 30);
	CU_ASSERT_EQUAL(iface_row("if0")->rebind_mode, ISIF_REBIND_RELOGIN);
	CU_ASSERT_EQUAL(iface_row("if1")->rebind_mode, ISIF_REBIND_RECORD_ONLY);
	CU_ASSERT_PTR_NOT_EQUAL_FATAL(binding_row(8), &no_binding);
	CU_ASSERT_EQUAL(binding_row(8)->admin_status, ISIF_ADMIN_LOGGED_OUT);
	isif_monitor_configure(monitor, &edited);
	run();
	CU_ASSERT_EQUAL(isif_monitor_kept(monitor, ISIF_KEPT_HOLD_DOWN), 3);
	CU_ASSERT_EQUAL(iface_row("if1")->rebind_mode, ISIF_REBIND_RELOGIN);
}

/* Memory that runs out at each allocation in turn: it happens as a whole, or nothing does. */
static void try_without_memory(void)
{
	char *before = tree_text(scratch("records"));

	for (int for_good = 0; for_good < 2; for_good++) {
		bool failed = true, good = true;

		for (unsigned long n = 1; failed && good; n++) {
			struct isif_transaction *transaction;
			bool done;
			char *after;

			allocation_fail_at(n, for_good);
			done = begin(&transaction) &&
			       isif_transaction_commit(transaction, &refusal);
			failed = allocation_end();
			good = done ? isif_transaction_undo(transaction, &refusal)
				    : failed && refusal.kind == ISIF_REFUSED_BUSY && *refusal.text;
			isif_transaction_end(transaction);
			after = tree_text(scratch("records"));
			good &= !strcmp(after, before);
			free(after);
			if (!good)
				printf("# allocation %lu%s: %s: kind %d: %s\n", n,
				       for_good ? " and all after" : "", done ? "done" : "refused",
				       (int)refusal.kind, refusal.text);
		}
		CU_ASSERT(good);
	}
	free(before);
}

static void test_no_memory(void)
{
	uint32_t index = first_binding();

	begin_wishes();
	wish_setting("if1", "initiatorname", "iqn.other");
	wish_setting("if1", "net_ifacename", "");
	wish_iface(ISIF_WISH_IFACE_REBIND_MODE, "if1", ISIF_REBIND_RELOGIN);
	try_without_memory();
	begin_wishes();
	wish_text(ISIF_WISH_BINDING_IFACE, index, "if1");
	wish_binding(9, "if0", 20);
	try_without_memory();
	wish_all_at_once();
	wish_binding(10, "if1", 30);
	wish_number(ISIF_WISH_BINDING_ADMIN, 10, ISIF_ADMIN_LOGGED_OUT);
	try_without_memory();
	begin_wishes();
	wish_number(ISIF_WISH_JOB_ROW, 3, ISIF_ROW_CREATE);
	wish_number(ISIF_WISH_JOB_KIND, 3, ISIF_JOB_PROPAGATE);
	wish_text(ISIF_WISH_JOB_IFACE, 3, "if0");
	try_without_memory();
}

/* Somebody else was at it: nothing is written over what we have not seen. */
static void test_changed_meanwhile(void)
{
	begin_wishes();
	wish_setting("if1", "initiatorname", "iqn.a");
	put_file("records/ifaces/if1", RECORD(COPY("if1", "iface.net_ifacename = dummy0\n")));
	CU_ASSERT(refused(ISIF_REFUSED_BUSY, 0));
	put_file("records/ifaces/if1", "# BEGIN RECORD 2.1.8\niface.iscsi_ifacename = if1\n");
	CU_ASSERT(refused(ISIF_REFUSED_BUSY, 0));
	begin_wishes();
	wish_iface(ISIF_WISH_IFACE_ROW, "san0", ISIF_ROW_CREATE);
	put_file("records/ifaces/san0", RECORD(COPY("san0", "")));
	CU_ASSERT(refused(ISIF_REFUSED_STATE, 0));
	put_file("lock/lock", "");
	CU_ASSERT_EQUAL(link(scratch("lock/lock"), scratch("lock/lock.write")), 0);
	begin_wishes();
	wish_setting("if0", "initiatorname", "iqn.a");
	CU_ASSERT(refused(ISIF_REFUSED_BUSY, 0));
	CU_ASSERT(file_exists("lock/lock.write"));
	remove_file("lock/lock.write");
	CU_ASSERT(happens());
}

/* An iface that is bound takes its copies along. */
static void test_propagates(void)
{
	struct isif_job_list jobs;

	begin_wishes();
	wish_setting("if0", "initiatorname", "iqn.copied");
	CU_ASSERT(happens());
	jobs = isif_monitor_jobs(monitor);
	CU_ASSERT_EQUAL_FATAL(jobs.count, 1);
	CU_ASSERT_EQUAL(jobs.jobs[0]->kind, ISIF_JOB_PROPAGATE);
	CU_ASSERT(jobs.jobs[0]->index >= ISIF_JOB_FIRST_IMPLIED);
	for (int i = 0; i < 1000 && isif_job_is_open(isif_monitor_jobs(monitor).jobs[0]); i++) {
		struct pollfd fds[ISIF_MONITOR_DESCRIPTORS];
		size_t count = isif_monitor_descriptors(monitor, fds, COUNT(fds));

		poll(fds, count, isif_monitor_timeout(monitor));
		isif_monitor_run(monitor);
	}
	CU_ASSERT_EQUAL(isif_monitor_jobs(monitor).jobs[0]->state, ISIF_JOB_SUCCEEDED);
	CU_ASSERT_EQUAL(isif_monitor_jobs(monitor).jobs[0]->results, 1);
	CU_ASSERT(holds(NODES "if0", "\niface.initiatorname = iqn.copied\n"));
	run();
	CU_ASSERT_EQUAL(iface_row("if0")->in_sync, ISIF_IFACE_IN_SYNC);
}

static void test_jobs(void)
{
	begin_wishes();
	wish_number(ISIF_WISH_JOB_ROW, 3, ISIF_ROW_CREATE);
	wish_number(ISIF_WISH_JOB_KIND, 3, ISIF_JOB_REBIND);
	wish_text(ISIF_WISH_JOB_IFACE, 3, "if0");
	CU_ASSERT(refused(ISIF_REFUSED_STATE, 1));
	wishes[1].number = ISIF_JOB_PROPAGATE;
	wishes[2].text = "nowhere", wishes[2].length = 7;
	CU_ASSERT(refused(ISIF_REFUSED_STATE, 2));
	wishes[2].text = "if0", wishes[2].length = 3;
	wish_text(ISIF_WISH_JOB_OWNER, 3, "me");
	CU_ASSERT(happens());
	CU_ASSERT_EQUAL(isif_monitor_jobs(monitor).count, 1);
	CU_ASSERT_EQUAL(isif_monitor_jobs(monitor).next_index, 4);
	CU_ASSERT(refused(ISIF_REFUSED_STATE, 0));
	run();
	CU_ASSERT_EQUAL(isif_monitor_jobs(monitor).jobs[0]->state, ISIF_JOB_SUCCEEDED);
	CU_ASSERT_STRING_EQUAL(isif_monitor_jobs(monitor).jobs[0]->owner, "me");
	begin_wishes();
	wish_number(ISIF_WISH_JOB_CONTROL, 3, ISIF_JOB_CANCEL);
	CU_ASSERT(refused(ISIF_REFUSED_STATE, 0));
	begin_wishes();
	wish_number(ISIF_WISH_JOB_ROW, 3, ISIF_ROW_DESTROY);
	CU_ASSERT(happens());
	CU_ASSERT_EQUAL(isif_monitor_jobs(monitor).count, 0);
}

static const struct isif_job *only_job(void)
{
	struct isif_job_list list = isif_monitor_jobs(monitor);

	CU_ASSERT_EQUAL_FATAL(list.count, 1);
	return list.jobs[0];
}

/* The wanted state and its job are there at once, and after a restart. */
static void test_wanted_state(void)
{
	uint32_t index = first_binding();

	CU_ASSERT_EQUAL(binding_row(index)->admin_status, ISIF_ADMIN_LOGGED_IN);
	sessions = true;
	begin_wishes();
	wish_number(ISIF_WISH_BINDING_ADMIN, index, ISIF_ADMIN_LOGGED_OUT);
	CU_ASSERT(happens());
	CU_ASSERT_EQUAL(binding_row(index)->admin_status, ISIF_ADMIN_LOGGED_OUT);
	CU_ASSERT_EQUAL(only_job()->kind, ISIF_JOB_LOGOUT);
	CU_ASSERT_EQUAL(only_job()->state, ISIF_JOB_PENDING);
	CU_ASSERT_TRUE(only_job()->index >= ISIF_JOB_FIRST_IMPLIED);
	CU_ASSERT_STRING_EQUAL(only_job()->iface->text, "if0");
	CU_ASSERT_STRING_EQUAL(only_job()->target->text, TARGET);
	CU_ASSERT_STRING_EQUAL(only_job()->address->text, "192.0.2.10");
	CU_ASSERT_EQUAL(only_job()->port, 3260);
	isif_monitor_close(monitor);
	open_monitor();
	CU_ASSERT_EQUAL(binding_row(index)->admin_status, ISIF_ADMIN_LOGGED_OUT);
	CU_ASSERT_EQUAL(only_job()->kind, ISIF_JOB_LOGOUT);
	run();
	CU_ASSERT_EQUAL(only_job()->state, ISIF_JOB_SUCCEEDED);
	/* It is so: no other job. */
	begin_wishes();
	wish_number(ISIF_WISH_BINDING_ADMIN, index, ISIF_ADMIN_LOGGED_OUT);
	CU_ASSERT(happens());
	only_job();
}

static void test_wanted_state_undone(void)
{
	uint32_t index = first_binding();
	struct isif_transaction *transaction;

	sessions = true;
	begin_wishes();
	wish_number(ISIF_WISH_BINDING_ADMIN, index, ISIF_ADMIN_LOGGED_OUT);
	wish_number(ISIF_WISH_BINDING_STARTUP, index, ISIF_STARTUP_MANUAL);
	CU_ASSERT_FATAL(begin(&transaction));
	CU_ASSERT(isif_transaction_commit(transaction, &refusal));
	CU_ASSERT_TRUE(holds("state/jobs", TARGET));
	CU_ASSERT(isif_transaction_undo(transaction, &refusal));
	isif_transaction_end(transaction);
	CU_ASSERT_EQUAL(binding_row(index)->admin_status, ISIF_ADMIN_LOGGED_IN);
	CU_ASSERT_EQUAL(isif_monitor_jobs(monitor).count, 0);
	CU_ASSERT_FALSE(holds("state/jobs", TARGET));
	isif_monitor_close(monitor);
	open_monitor();
	CU_ASSERT_EQUAL(binding_row(index)->admin_status, ISIF_ADMIN_LOGGED_IN);
}

/* Moved or made in the same transaction: the job is about what will be. */
static void test_wanted_state_of_others(void)
{
	uint32_t index = first_binding();

	sessions = true;
	begin_wishes();
	wish_text(ISIF_WISH_BINDING_IFACE, index, "if1");
	wish_number(ISIF_WISH_BINDING_ADMIN, index, ISIF_ADMIN_LOGGED_OUT);
	CU_ASSERT(happens());
	CU_ASSERT_STRING_EQUAL(only_job()->iface->text, "if1");
	CU_ASSERT_EQUAL(binding_row(index)->admin_status, ISIF_ADMIN_LOGGED_OUT);
	run();
	CU_ASSERT_EQUAL(only_job()->state, ISIF_JOB_SUCCEEDED);
	begin_wishes();
	wish_number(ISIF_WISH_JOB_ROW, only_job()->index, ISIF_ROW_DESTROY);
	CU_ASSERT(happens());
	begin_wishes();
	wish_binding(8, "if0", 20);
	wish_number(ISIF_WISH_BINDING_ADMIN, 8, ISIF_ADMIN_LOGGED_IN);
	CU_ASSERT(happens());
	CU_ASSERT_EQUAL(only_job()->kind, ISIF_JOB_LOGIN);
	CU_ASSERT_STRING_EQUAL(only_job()->address->text, "192.0.2.20");
	CU_ASSERT_EQUAL(binding_row(8)->admin_status, ISIF_ADMIN_LOGGED_IN);
	run();
	/* There is no iscsiadm; what is wanted stays. */
	CU_ASSERT_EQUAL(only_job()->state, ISIF_JOB_FAILED);
	CU_ASSERT_EQUAL(binding_row(8)->oper_status, ISIF_OPER_FAILED);
	CU_ASSERT_EQUAL(binding_row(8)->admin_status, ISIF_ADMIN_LOGGED_IN);
}

/* Neither by a wanted state nor by a row, where the configuration forbids it. */
static void test_no_sessions(void)
{
	begin_wishes();
	wish_binding(8, "if0", 20);
	wish_number(ISIF_WISH_BINDING_ADMIN, 8, ISIF_ADMIN_LOGGED_IN);
	CU_ASSERT(refused(ISIF_REFUSED_STATE, 6));
	for (int kind = ISIF_JOB_LOGIN; kind <= ISIF_JOB_LOGOUT; kind++) {
		begin_wishes();
		wish_number(ISIF_WISH_JOB_ROW, 3, ISIF_ROW_CREATE);
		wish_number(ISIF_WISH_JOB_KIND, 3, kind);
		wish_text(ISIF_WISH_JOB_IFACE, 3, "if0");
		CU_ASSERT(refused(ISIF_REFUSED_STATE, 1));
	}
}

void add_transaction_tests(void)
{
	CU_pSuite suite =
		CU_add_suite_with_setup_and_teardown("transaction", NULL, NULL, set_up, tear_down);

	CU_add_test(suite, "settings of an iface", test_setting);
	CU_add_test(suite, "a job that follows is on disk with it", test_implied_job);
	CU_add_test(suite, "what cannot be undone is undone later", test_undone_later);
	CU_add_test(suite, "an iface comes and goes", test_create_iface);
	CU_add_test(suite, "what an iface refuses", test_iface_refusals);
	CU_add_test(suite, "a binding comes and goes", test_create_binding);
	CU_add_test(suite, "what a binding refuses", test_binding_refusals);
	CU_add_test(suite, "a binding moves", test_move);
	CU_add_test(suite, "a binding moves with its session", test_live_move);
	CU_add_test(suite, "or does not", test_live_move_refused);
	CU_add_test(suite, "bindings take each other's places", test_places);
	CU_add_test(suite, "many tables at once", test_all_at_once);
	CU_add_test(suite, "undone", test_undo);
	CU_add_test(suite, "what managers set is kept", test_kept);
	CU_add_test(suite, "without memory", test_no_memory);
	CU_add_test(suite, "somebody else was at it", test_changed_meanwhile);
	CU_add_test(suite, "an iface's change reaches its copies", test_propagates);
	CU_add_test(suite, "job rows", test_jobs);
	CU_add_test(suite, "a wanted state and its job", test_wanted_state);
	CU_add_test(suite, "a wanted state is undone", test_wanted_state_undone);
	CU_add_test(suite, "wanted as it is made or moved", test_wanted_state_of_others);
	CU_add_test(suite, "no sessions are changed", test_no_sessions);
}
