/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The scalars of iscsiIfaceAgent and iscsiIfaceAlerting. The "row" of a scalar is the view. */
#include "mib.h"

/* A scalar out of the summary, the snapshot, or what is the agent's own. */
#define SUMMARY(arc, syntax, member)                                                               \
	COLUMN_VIA(arc, syntax, READ, struct mib_view, snapshot, struct isif_snapshot,             \
		   summary.member)
#define SNAPSHOT(arc, syntax, member)                                                              \
	COLUMN_VIA(arc, syntax, READ, struct mib_view, snapshot, struct isif_snapshot, member)
#define AGENT(arc, syntax, access, member)                                                         \
	COLUMN_VIA(arc, syntax, access, struct mib_view, agent, struct mib_agent, member)

static bool kernel_status(struct mib_view *view, const void *row, struct mib_value *value)
{
	(void)row;
	mib_set_number(value, MIB_INTEGER, view->snapshot->summary.kernel_up ? 1 : 2);
	return true;
}

const struct mib_column mib_agent_scalars[MIB_AGENT_SCALARS] = {
	AGENT(1, TEXT, READ, version),
	SUMMARY(2, TEXT, initiator_name),
	SUMMARY(3, TEXT, record_directory),
	AGENT(4, INTEGER, READ, control_mode),
	AGENT(5, INTEGER, WRITE, set_lock),
	SUMMARY(6, TIMESTAMP, config_last_change),
	SUMMARY(7, TIMESTAMP, state_last_change),
	SUMMARY(8, INTEGER, daemon_status),
	COLUMN_COMPUTED(9, INTEGER, READ, kernel_status),
	SUMMARY(10, INTEGER, host_status),
	SNAPSHOT(11, UNSIGNED, iface_count),
	SNAPSHOT(12, UNSIGNED, binding_count),
	SUMMARY(13, UNSIGNED, bindings_up),
	SUMMARY(14, UNSIGNED, bindings_lost),
	SNAPSHOT(15, UNSIGNED, session_count),
	SUMMARY(16, UNSIGNED, next_binding_index),
	COLUMN(17, UNSIGNED, READ, struct mib_view, jobs.next_index),
	SUMMARY(18, UNSIGNED, bad_records),
	SUMMARY(19, UNSIGNED, single_path_targets),
	SUMMARY(20, COUNTER32, resyncs),
	SUMMARY(21, COUNTER32, overflows),
};

static bool notify_enable(struct mib_view *view, const void *row, struct mib_value *value)
{
	(void)row;
	value->tag = MIB_OCTETS;
	value->octets = &view->agent->notify_enable;
	value->length = 1;
	return true;
}

const struct mib_column mib_alerting_scalars[MIB_ALERTING_SCALARS] = {
	COLUMN_COMPUTED(1, TEXT, WRITE, notify_enable), AGENT(2, UNSIGNED, WRITE, notify_hold_down),
	AGENT(3, COUNTER32, READ, notify_suppressed),	AGENT(4, UNSIGNED, READ, notify_queued),
	AGENT(9, UNSIGNED, WRITE, notify_rate),
};
