/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rows; what a walk of them shows stands in fixture_cells.c. */
#include "fixture.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define NAME(variable, content)                                                                    \
	static struct isif_name variable = { .length = sizeof(content) - 1, .text = { content } }

NAME(name_b, "b");
NAME(name_aa, "aa");
NAME(name_tcp, "tcp");
NAME(name_qedi, "qedi");
NAME(name_target_a, "iqn.a");
NAME(name_target_b, "iqn.b");
NAME(name_portal_a, "192.0.2.10");
NAME(name_portal_b, "fd00::1");
NAME(name_host, "iqn.host");
NAME(name_directory, "/etc/iscsi");
NAME(name_error, "gone");
NAME(name_none, "");

static struct isif_transport transports[] = {
	{ .name = &name_tcp, .software = true, .loaded = true, .ifaces = 2, .sessions = 1 },
	{ .name = &name_qedi, .sessions = 1 },
};
static struct isif_transport *transport_rows[] = { &transports[0], &transports[1] };

static struct isif_iface iface_b = {
	.name = &name_b,
	.transport = "tcp",
	.hwaddress = "",
	.ipaddress = "",
	.netdev = "san0",
	.initiator = "",
	.kind = ISIF_KIND_SOFTWARE,
	.bound_by = ISIF_BOUND_NET_IFACE,
	.device_status = ISIF_DEVICE_UP,
	.oper_status = ISIF_GROUP_UP,
	.rebind_mode = ISIF_REBIND_RECORD_ONLY,
	.in_sync = ISIF_IFACE_IN_SYNC,
	.link = 2,
	.bindings = 1,
	.bindings_wanted = 1,
	.bindings_up = 1,
	.last_change = 2000,
	.setting_count = 2,
	.settings = {
		{ .iface = &iface_b, .name = "mtu", .value = "1500" },
		{ .iface = &iface_b, .name = "ttl", .value = "" },
	},
};
static struct isif_iface iface_aa = {
	.name = &name_aa,
	.transport = "iser",
	.hwaddress = "02:00:00:00:00:02",
	.ipaddress = "fd00::2",
	.netdev = "",
	.initiator = "iqn.own",
	.kind = ISIF_KIND_BUILT_IN,
	.bound_by = ISIF_BOUND_NONE,
	.device_status = ISIF_DEVICE_NOT_APPLICABLE,
	.oper_status = ISIF_GROUP_IDLE,
	.rebind_mode = ISIF_REBIND_RELOGIN,
	.in_sync = ISIF_IFACE_SESSIONS_DIFFER,
	.bindings = 1,
	.setting_count = 1,
	.settings = { { .iface = &iface_aa, .name = "port", .value = "3261" } },
};
static struct isif_iface *iface_rows[] = { &iface_b, &iface_aa };
static const struct isif_iface_setting *setting_rows[] = { &iface_b.settings[0],
							   &iface_b.settings[1],
							   &iface_aa.settings[0] };

static struct isif_node nodes[] = {
	{ .target = &name_target_a,
	  .address = &name_portal_a,
	  .iface = &name_b,
	  .port = 3260,
	  .tpgt = 1,
	  .startup = ISIF_STARTUP_AUTOMATIC },
	{ .target = &name_target_b,
	  .address = &name_portal_b,
	  .iface = &name_aa,
	  .port = 860,
	  .tpgt = -1,
	  .startup = ISIF_STARTUP_MANUAL },
};
static struct isif_binding bindings[] = {
	{
		.index = 5,
		.node = &nodes[0],
		.admin_status = ISIF_ADMIN_LOGGED_IN,
		.oper_status = ISIF_OPER_LOGGED_IN,
		.path = ISIF_PATH_OK,
		.in_sync = ISIF_BINDING_IN_SYNC,
		.sid = 1,
		.path_link = 2,
		.losses = 7,
		.up_since = FIXTURE_WALL,
		.up_since_mono = 10000,
	},
	{
		.index = 1073741824,
		.node = &nodes[1],
		.admin_status = ISIF_ADMIN_LOGGED_OUT,
		.oper_status = ISIF_OPER_LOGGED_OUT,
		.path = ISIF_PATH_NOT_APPLICABLE,
		.in_sync = ISIF_BINDING_RECORD_DIFFERS,
		.last_loss = FIXTURE_WALL,
		.last_error = &name_error,
	},
};
static struct isif_binding *binding_rows[] = { &bindings[0], &bindings[1] };

static struct isif_disk disks[] = {
	{ .lun = 0,
	  .size = 1024,
	  .device = "sda",
	  .state = "running",
	  .wwid = "naa.6",
	  .map = "mpatha",
	  .use = ISIF_DISK_UNUSED },
	{ .lun = UINT32_MAX, .size = UINT32_MAX, .device = "sdb", .state = "offline" },
};
static struct isif_disk_row disk_rows[] = {
	{ .sid = 1, .disk = &disks[0], .use = ISIF_DISK_REDUNDANT },
	{ .sid = 1, .disk = &disks[1], .use = ISIF_DISK_UNKNOWN, .user = "who knows" },
};

static struct isif_kernel_session kernels[] = {
	{
		.sid = 1,
		.host = 3,
		.tpgt = 1,
		.state = ISIF_SESSION_LOGGED_IN,
		.header_digest = true,
		.persistent_port = 3260,
		.port = 3260,
		.local_port = 40000,
		.recovery_timeout = 120,
		.disk_count = 2,
		.target = "iqn.a",
		.iface = "b",
		.initiator = "iqn.host",
		.transport = "tcp",
		.persistent_address = "192.0.2.10",
		.address = "192.0.2.10",
		.local_address = "192.0.2.1",
		.connection_state = "up",
		.disks = disks,
	},
	{
		.sid = UINT32_MAX,
		.tpgt = -1,
		.state = ISIF_SESSION_FAILED,
		.data_digest = true,
		.recovery_timeout = ISIF_RECOVERY_NEVER,
		.target = "iqn.c",
		.iface = "",
		.initiator = "",
		.transport = "qedi",
		.persistent_address = "",
		.address = "",
		.local_address = "",
		.connection_state = "",
	},
};
static struct isif_session sessions[] = {
	{
		.kernel = &kernels[0],
		.binding = 5,
		.path = ISIF_PATH_OK,
		.path_link = 2,
		.errors = 3,
		.discontinuity = 1500,
		.counters = {
			.known = true,
			.sent = 1ull << 40,
			.received = UINT64_MAX,
			.rtt = 250,
			.retransmits = 4,
			.path_mtu = 1500,
		},
	},
	{ .kernel = &kernels[1], .path = ISIF_PATH_NOT_APPLICABLE },
};
static struct isif_session *session_rows[] = { &sessions[0], &sessions[1] };

static struct isif_kernel_port kernel_ports[] = {
	{ .host = 0,
	  .name = "",
	  .transport = "bnx2i",
	  .hwaddress = "02:00:00:00:00:09",
	  .port_state = "",
	  .port_speed = "",
	  .attributes = "" },
	{ .host = 3,
	  .family = AF_INET,
	  .enabled = true,
	  .name = "ipv4-iface-3-0",
	  .transport = "qla4xxx",
	  .hwaddress = "02:00:00:00:00:0a",
	  .port_state = "LINK UP",
	  .port_speed = "10 Gbps",
	  .attributes = "ipaddress\0"
			"192.0.2.20\0"
			"subnet\0"
			"255.255.254.0\0"
			"gateway\0"
			"192.0.2.254\0"
			"bootproto\0"
			"static\0"
			"vlan_id\0"
			"4094\0"
			"mtu\0"
			"9000\0" },
};
static struct isif_port ports[] = {
	{ .kernel = &kernel_ports[0] },
	{ .kernel = &kernel_ports[1], .iface = &name_b, .in_sync = true },
};
static struct isif_port *port_rows[] = { &ports[0], &ports[1] };

static struct isif_target targets[] = {
	{ .index = 7,
	  .name = &name_target_a,
	  .bindings = 2,
	  .bindings_wanted = 2,
	  .bindings_up = 1,
	  .bindings_lost = 1,
	  .disks = 4,
	  .oper_status = ISIF_GROUP_DEGRADED },
};
static struct isif_target *target_rows[] = { &targets[0] };

static const struct isif_job jobs[] = {
	{
		.index = 9,
		.order = 2,
		.kind = ISIF_JOB_PROPAGATE,
		.state = ISIF_JOB_RUNNING,
		.control = ISIF_JOB_RUN,
		.iface = &name_b,
		.target = &name_target_a,
		.address = &name_portal_a,
		.port = 3260,
		.force = true,
		.progress = 10,
		.results = 512,
		.started = FIXTURE_WALL,
		.owner = "the night shift",
		.step = "rewriting node records: 512 of 5000",
	},
	{
		.index = 1073741824,
		.order = 1,
		.kind = ISIF_JOB_PROPAGATE,
		.state = ISIF_JOB_FAILED,
		.control = ISIF_JOB_CANCEL,
		.iface = &name_aa,
		.target = &name_none,
		.address = &name_none,
		.progress = 100,
		.error = ISIF_JOB_ERROR_CHANGED,
		.results = UINT32_MAX,
		.started = FIXTURE_WALL,
		.finished = FIXTURE_WALL,
		.error_text = "iface aa has no record any more",
	},
};
static const struct isif_job *job_rows[] = { &jobs[0], &jobs[1] };

#define SUMMARY                                                                                    \
	.summary = {                                                                               \
		.initiator_name = &name_host,                                                      \
		.record_directory = &name_directory,                                               \
		.daemon_status = ISIF_DAEMON_ON_DEMAND,                                            \
		.kernel_up = true,                                                                 \
		.host_status = ISIF_HOST_DEGRADED,                                                 \
		.bindings_up = 1,                                                                  \
		.bindings_lost = 8,                                                                \
		.bad_records = 4,                                                                  \
		.single_path_targets = 9,                                                          \
		.resyncs = 5,                                                                      \
		.overflows = UINT32_MAX,                                                           \
		.next_binding_index = 12,                                                          \
		.config_last_change = 5000,                                                        \
		.state_last_change = 500,                                                          \
	}

struct isif_snapshot fixture_empty_snapshot = { .references = 1, SUMMARY };
struct isif_snapshot fixture_snapshot = {
	.references = 1,
	SUMMARY,
	.transports = transport_rows,
	.ifaces = iface_rows,
	.settings = setting_rows,
	.bindings = binding_rows,
	.sessions = session_rows,
	.disks = disk_rows,
	.ports = port_rows,
	.targets = target_rows,
	.transport_count = 2,
	.iface_count = 2,
	.setting_count = 3,
	.binding_count = 2,
	.session_count = 2,
	.disk_count = 2,
	.port_count = 2,
	.target_count = 1,
};

const struct mib_agent fixture_agent = {
	.version = "0.1.0",
	.control_mode = 1,
	.set_lock = 2147483647,
	.notify_enable = 0xff,
	.notify_hold_down = 60,
	.notify_suppressed = 3,
	.notify_queued = 2,
	.notify_rate = 50,
};

struct mib_view fixture_view(void)
{
	return (struct mib_view){
		.snapshot = &fixture_snapshot,
		.jobs = { job_rows, 2, 10 },
		.agent = &fixture_agent,
		.mono = FIXTURE_MONO,
		.origin = FIXTURE_ORIGIN,
	};
}

struct oid below(const char *text)
{
	struct oid oid = { mib_root_length, { 0 } };

	memcpy(oid.arcs, mib_root, mib_root_length * sizeof(*mib_root));
	oid.arcs[oid.length++] = 1;
	while (*text) {
		char *end;

		oid.arcs[oid.length++] = strtoul(text, &end, 10);
		text = *end ? end + 1 : end;
	}
	return oid;
}
