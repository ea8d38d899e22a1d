/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tables of ISCSI-IFACE-MIB, a line a column. */
#include "mib.h"

#include <isif/address.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define COUNT(list) (sizeof(list) / sizeof(*(list)))

/* RFC 2579 */
enum { ROW_ACTIVE = 1 };
enum { STORAGE_NON_VOLATILE = 3, STORAGE_READ_ONLY = 5 };

static bool row_active(struct mib_view *view, const void *row, struct mib_value *value)
{
	(void)view;
	(void)row;
	mib_set_number(value, MIB_INTEGER, ROW_ACTIVE);
	return true;
}

/* The one of two jobs that was asked for later. */
static const struct isif_job *later(const struct isif_job *one, const struct isif_job *other)
{
	return one && one->order > other->order ? one : other;
}

/* --- transports --- */

static bool transport_kind(struct mib_view *view, const void *row, struct mib_value *value)
{
	(void)view;
	mib_set_number(value, MIB_INTEGER, ((const struct isif_transport *)row)->software ? 1 : 2);
	return true;
}

#define TRANSPORT(arc, syntax, access, member)                                                     \
	COLUMN(arc, syntax, access, struct isif_transport, member)
static const struct mib_column transport_columns[] = {
	TRANSPORT(1, TEXT, NONE, name),		COLUMN_COMPUTED(2, INTEGER, READ, transport_kind),
	TRANSPORT(3, TRUTH, READ, loaded),	TRANSPORT(4, UNSIGNED, READ, ifaces),
	TRANSPORT(5, UNSIGNED, READ, sessions), TRANSPORT(6, TEXT, READ, name),
};

static struct mib_rows transport_rows(const struct mib_view *view)
{
	return (struct mib_rows){ view->snapshot->transports, view->snapshot->transport_count, 0 };
}

/* --- ifaces --- */

/* A text column that is shorter than the record allows: open-iscsi cuts there, too. */
static bool cut(const char *text, size_t limit, struct mib_value *value)
{
	mib_set_text(value, text, strnlen(text, limit));
	return true;
}

static bool iface_transport(struct mib_view *view, const void *row, struct mib_value *value)
{
	(void)view;
	return cut(((const struct isif_iface *)row)->transport, 15, value);
}

static bool iface_hwaddress(struct mib_view *view, const void *row, struct mib_value *value)
{
	(void)view;
	return cut(((const struct isif_iface *)row)->hwaddress, 17, value);
}

static bool iface_netdev(struct mib_view *view, const void *row, struct mib_value *value)
{
	(void)view;
	return cut(((const struct isif_iface *)row)->netdev, 15, value);
}

static bool iface_storage(struct mib_view *view, const void *row, struct mib_value *value)
{
	const struct isif_iface *iface = row;

	(void)view;
	mib_set_number(value, MIB_INTEGER,
		       iface->kind == ISIF_KIND_BUILT_IN ? STORAGE_READ_ONLY
							 : STORAGE_NON_VOLATILE);
	return true;
}

static bool iface_last_job(struct mib_view *view, const void *row, struct mib_value *value)
{
	const struct isif_iface *iface = row;
	const struct isif_job *last = NULL;

	for (uint32_t i = 0; i < view->jobs.count; i++)
		if (view->jobs.jobs[i]->iface == iface->name)
			last = later(last, view->jobs.jobs[i]);
	mib_set_number(value, MIB_UNSIGNED, last ? last->index : 0);
	return true;
}

#define IFACE(arc, syntax, access, member) COLUMN(arc, syntax, access, struct isif_iface, member)
static const struct mib_column iface_columns[] = {
	IFACE(1, TEXT, NONE, name),
	COLUMN_COMPUTED(2, TEXT, CREATE, iface_transport),
	COLUMN_COMPUTED(3, TEXT, CREATE, iface_hwaddress),
	IFACE(4, ADDRESS_TYPE, CREATE, ipaddress),
	IFACE(5, ADDRESS, CREATE, ipaddress),
	COLUMN_COMPUTED(6, TEXT, CREATE, iface_netdev),
	IFACE(7, TEXT, CREATE, initiator),
	IFACE(8, INTEGER, READ, kind),
	IFACE(9, INTEGER, READ, bound_by),
	IFACE(10, INTEGER, READ, link),
	IFACE(11, INTEGER, READ, device_status),
	IFACE(12, INTEGER, READ, oper_status),
	IFACE(13, UNSIGNED, READ, bindings),
	IFACE(14, UNSIGNED, READ, bindings_up),
	IFACE(15, INTEGER, CREATE, rebind_mode),
	COLUMN_COMPUTED(16, UNSIGNED, READ, iface_last_job),
	IFACE(17, TIMESTAMP, READ, last_change),
	COLUMN_COMPUTED(18, INTEGER, READ, iface_storage),
	COLUMN_COMPUTED(19, INTEGER, CREATE, row_active),
	IFACE(20, TEXT, READ, name),
	IFACE(21, INTEGER, READ, in_sync),
};

static struct mib_rows iface_rows(const struct mib_view *view)
{
	return (struct mib_rows){ view->snapshot->ifaces, view->snapshot->iface_count, 0 };
}

/* --- settings --- */

#define SETTING(arc, syntax, access, member)                                                       \
	COLUMN(arc, syntax, access, struct isif_iface_setting, member)
static const struct mib_column setting_columns[] = {
	SETTING(1, TEXT, NONE, name),
	SETTING(2, TEXT, WRITE, value),
	SETTING(3, TEXT, READ, name),
};

static struct mib_rows setting_rows(const struct mib_view *view)
{
	return (struct mib_rows){ view->snapshot->settings, view->snapshot->setting_count, 0 };
}

/* --- bindings --- */

static bool binding_storage(struct mib_view *view, const void *row, struct mib_value *value)
{
	(void)view;
	(void)row;
	mib_set_number(value, MIB_INTEGER, STORAGE_NON_VOLATILE);
	return true;
}

static bool binding_portal(struct mib_view *view, const void *row, struct mib_value *value)
{
	const struct isif_node *node = ((const struct isif_binding *)row)->node;
	char *text = (char *)value->buffer;
	size_t length = isif_portal_format(text, sizeof(value->buffer), node->address->text,
					   node->port, node->tpgt);

	(void)view;
	mib_set_text(value, text, length);
	return true;
}

static bool binding_label(struct mib_view *view, const void *row, struct mib_value *value)
{
	const struct isif_node *node = ((const struct isif_binding *)row)->node;
	char portal[300], *text = (char *)value->buffer;
	int length;

	(void)view;
	isif_portal_format(portal, sizeof(portal), node->address->text, node->port, node->tpgt);
	length = snprintf(text, sizeof(value->buffer), "%s via %s on %s", node->target->text,
			  portal, node->iface->text);
	mib_set_text(value, text, length < 0 ? 0 : (size_t)length);
	return true;
}

static bool binding_up_seconds(struct mib_view *view, const void *row, struct mib_value *value)
{
	const struct isif_binding *binding = row;
	uint64_t since = binding->up_since_mono, seconds = 0;

	if (since && view->mono > since)
		seconds = (view->mono - since) / 1000;
	mib_set_number(value, MIB_UNSIGNED, seconds > UINT32_MAX ? UINT32_MAX : seconds);
	return true;
}

static bool binding_last_job(struct mib_view *view, const void *row, struct mib_value *value)
{
	const struct isif_binding *binding = row;
	const struct isif_job *last = NULL;

	for (uint32_t i = 0; i < view->jobs.count; i++)
		if (isif_job_concerns(view->jobs.jobs[i], binding->node))
			last = later(last, view->jobs.jobs[i]);
	mib_set_number(value, MIB_UNSIGNED, last ? last->index : 0);
	return true;
}

#define BINDING(arc, syntax, access, member)                                                       \
	COLUMN(arc, syntax, access, struct isif_binding, member)
#define NODE(arc, syntax, access, member)                                                          \
	COLUMN_VIA(arc, syntax, access, struct isif_binding, node, struct isif_node, member)
static const struct mib_column binding_columns[] = {
	BINDING(1, UNSIGNED, NONE, index),
	NODE(2, TEXT, CREATE, iface),
	NODE(3, TEXT, CREATE, target),
	NODE(4, ADDRESS_TYPE, CREATE, address),
	NODE(5, ADDRESS, CREATE, address),
	NODE(6, UNSIGNED, CREATE, port),
	NODE(7, INTEGER, CREATE, tpgt),
	NODE(8, INTEGER, CREATE, startup),
	BINDING(9, INTEGER, CREATE, admin_status),
	BINDING(10, INTEGER, READ, oper_status),
	BINDING(11, UNSIGNED, READ, sid),
	BINDING(12, INTEGER, READ, path_link),
	BINDING(13, INTEGER, READ, path),
	BINDING(14, DATE, READ, up_since),
	BINDING(15, COUNTER32, READ, losses),
	BINDING(16, DATE, READ, last_loss),
	BINDING(17, TEXT, READ, last_error),
	COLUMN_COMPUTED(18, UNSIGNED, READ, binding_last_job),
	COLUMN_COMPUTED(19, INTEGER, READ, binding_storage),
	COLUMN_COMPUTED(20, INTEGER, CREATE, row_active),
	COLUMN_COMPUTED(21, TEXT, READ, binding_portal),
	BINDING(22, INTEGER, READ, in_sync),
	COLUMN_COMPUTED(23, TEXT, READ, binding_label),
	COLUMN_COMPUTED(24, UNSIGNED, READ, binding_up_seconds),
};

static struct mib_rows binding_rows(const struct mib_view *view)
{
	return (struct mib_rows){ view->snapshot->bindings, view->snapshot->binding_count, 0 };
}

/* --- sessions --- */

/* Counters of the socket: no instance where the host has no socket of the session. */
static bool counter(struct mib_view *view, const void *row, enum mib_tag tag, uint64_t number,
		    struct mib_value *value)
{
	view->counters_asked = true;
	if (!((const struct isif_session *)row)->counters.known)
		return false;
	mib_set_number(value, tag, number);
	return true;
}

#define COUNTER(name, tag, member)                                                                 \
	static bool session_##name(struct mib_view *view, const void *row,                         \
				   struct mib_value *value)                                        \
	{                                                                                          \
		return counter(view, row, tag,                                                     \
			       ((const struct isif_session *)row)->counters.member, value);        \
	}
COUNTER(sent, MIB_COUNTER64, sent)
COUNTER(received, MIB_COUNTER64, received)
COUNTER(rtt, MIB_UNSIGNED, rtt)
COUNTER(retransmits, MIB_COUNTER32, retransmits)
COUNTER(path_mtu, MIB_UNSIGNED, path_mtu)

static bool session_portal(struct mib_view *view, const void *row, struct mib_value *value)
{
	const struct isif_kernel_session *kernel = ((const struct isif_session *)row)->kernel;
	char *text = (char *)value->buffer;
	size_t length = isif_portal_format(text, sizeof(value->buffer), kernel->persistent_address,
					   kernel->persistent_port, kernel->tpgt);

	(void)view;
	mib_set_text(value, text, length);
	return true;
}

#define SESSION(arc, syntax, member) COLUMN(arc, syntax, READ, struct isif_session, member)
#define KERNEL(arc, syntax, member)                                                                \
	COLUMN_VIA(arc, syntax, READ, struct isif_session, kernel, struct isif_kernel_session,     \
		   member)
static const struct mib_column session_columns[] = {
	COLUMN_VIA(1, UNSIGNED, NONE, struct isif_session, kernel, struct isif_kernel_session, sid),
	KERNEL(2, TEXT, iface),
	SESSION(3, UNSIGNED, binding),
	KERNEL(4, TEXT, target),
	KERNEL(5, INTEGER, tpgt),
	KERNEL(6, ADDRESS_TYPE, persistent_address),
	KERNEL(7, ADDRESS, persistent_address),
	KERNEL(8, UNSIGNED, persistent_port),
	KERNEL(9, ADDRESS_TYPE, local_address),
	KERNEL(10, ADDRESS, local_address),
	KERNEL(11, UNSIGNED, local_port),
	SESSION(12, INTEGER, path_link),
	KERNEL(13, INTEGER, state),
	KERNEL(14, TEXT, connection_state),
	KERNEL(15, UNSIGNED, recovery_timeout),
	KERNEL(16, UNSIGNED, host),
	COLUMN_COMPUTED(17, COUNTER64, READ, session_sent),
	COLUMN_COMPUTED(18, COUNTER64, READ, session_received),
	COLUMN_COMPUTED(19, UNSIGNED, READ, session_rtt),
	COLUMN_COMPUTED(20, COUNTER32, READ, session_retransmits),
	SESSION(21, TIMESTAMP, discontinuity),
	KERNEL(22, UNSIGNED, disk_count),
	KERNEL(23, TEXT, transport),
	COLUMN_COMPUTED(24, TEXT, READ, session_portal),
	KERNEL(25, TRUTH, header_digest),
	KERNEL(26, TRUTH, data_digest),
	COLUMN_COMPUTED(27, UNSIGNED, READ, session_path_mtu),
	SESSION(28, COUNTER32, errors),
};

static struct mib_rows session_rows(const struct mib_view *view)
{
	return (struct mib_rows){ view->snapshot->sessions, view->snapshot->session_count, 0 };
}

/* --- disks --- */

static bool disk_use(struct mib_view *view, const void *row, struct mib_value *value)
{
	view->uses_asked = true;
	mib_set_number(value, MIB_INTEGER, ((const struct isif_disk_row *)row)->use);
	return true;
}

static bool disk_user(struct mib_view *view, const void *row, struct mib_value *value)
{
	const char *user = ((const struct isif_disk_row *)row)->user;

	view->uses_asked = true;
	mib_set_text(value, user, strlen(user));
	return true;
}

#define DISK(arc, syntax, access, member)                                                          \
	COLUMN_VIA(arc, syntax, access, struct isif_disk_row, disk, struct isif_disk, member)
static const struct mib_column disk_columns[] = {
	DISK(1, UNSIGNED, NONE, lun),
	DISK(2, TEXT, READ, device),
	DISK(3, UNSIGNED, READ, size),
	DISK(4, TEXT, READ, state),
	COLUMN_COMPUTED(5, INTEGER, READ, disk_use),
	COLUMN_COMPUTED(6, TEXT, READ, disk_user),
	DISK(7, TEXT, READ, wwid),
	DISK(8, TEXT, READ, map),
};

static struct mib_rows disk_rows(const struct mib_view *view)
{
	return (struct mib_rows){ view->snapshot->disks, view->snapshot->disk_count,
				  sizeof(struct isif_disk_row) };
}

/* --- ports --- */

/* Attributes of the kernel's object; what it does not show reads as "not set". */
static const char *attribute(const void *row, const char *name)
{
	const char *text =
		isif_kernel_port_attribute(((const struct isif_port *)row)->kernel, name);

	return text ? text : "";
}

static bool port_number(const void *row, const char *name, enum mib_tag tag,
			struct mib_value *value)
{
	mib_set_number(value, tag, strtoul(attribute(row, name), NULL, 10));
	return true;
}

static bool port_family(struct mib_view *view, const void *row, struct mib_value *value)
{
	int family = ((const struct isif_port *)row)->kernel->family;

	(void)view;
	mib_set_number(value, MIB_INTEGER, family == AF_INET ? 2 : family == AF_INET6 ? 3 : 1);
	return true;
}

static bool port_address(const void *row, const char *name, bool type_only, struct mib_value *value)
{
	struct isif_address address;

	isif_address_parse(attribute(row, name), &address);
	mib_set_number(value, MIB_INTEGER, address.type);
	if (type_only)
		return true;
	memcpy(value->buffer, address.octets, address.length);
	mib_set_text(value, (const char *)value->buffer, address.length);
	return true;
}

static bool port_address_type(struct mib_view *view, const void *row, struct mib_value *value)
{
	(void)view;
	return port_address(row, "ipaddress", true, value);
}

static bool port_address_octets(struct mib_view *view, const void *row, struct mib_value *value)
{
	view->ports_asked = true;
	return port_address(row, "ipaddress", false, value);
}

static const char *gateway_attribute(const void *row)
{
	bool ipv6 = ((const struct isif_port *)row)->kernel->family == AF_INET6;

	return ipv6 ? "router_addr" : "gateway";
}

static bool port_gateway_type(struct mib_view *view, const void *row, struct mib_value *value)
{
	(void)view;
	return port_address(row, gateway_attribute(row), true, value);
}

static bool port_gateway(struct mib_view *view, const void *row, struct mib_value *value)
{
	view->ports_asked = true;
	return port_address(row, gateway_attribute(row), false, value);
}

/* The kernel shows a mask for IPv4, and for IPv6 nothing: 0 there. */
static bool port_prefix_length(struct mib_view *view, const void *row, struct mib_value *value)
{
	struct isif_address mask;
	unsigned bits = 0;

	view->ports_asked = true;
	isif_address_parse(attribute(row, "subnet"), &mask);
	for (uint8_t i = 0; mask.type == ISIF_ADDRESS_IPV4 && i < mask.length; i++)
		bits += (unsigned)__builtin_popcount(mask.octets[i]);
	mib_set_number(value, MIB_UNSIGNED, bits);
	return true;
}

static bool port_bootproto(struct mib_view *view, const void *row, struct mib_value *value)
{
	const char *text = attribute(row, "bootproto");

	view->ports_asked = true;
	mib_set_number(value, MIB_INTEGER,
		       !strcmp(text, "static") ? 2
		       : !strcmp(text, "dhcp") ? 3
					       : 1);
	return true;
}

static bool port_vlan(struct mib_view *view, const void *row, struct mib_value *value)
{
	view->ports_asked = true;
	if (!strcmp(attribute(row, "vlan_enabled"), "disable")) {
		mib_set_number(value, MIB_INTEGER, 0);
		return true;
	}
	return port_number(row, "vlan_id", MIB_INTEGER, value);
}

static bool port_mtu(struct mib_view *view, const void *row, struct mib_value *value)
{
	view->ports_asked = true;
	return port_number(row, "mtu", MIB_UNSIGNED, value);
}

static bool port_in_sync(struct mib_view *view, const void *row, struct mib_value *value)
{
	view->ports_asked = true;
	mib_set_number(value, MIB_INTEGER, ((const struct isif_port *)row)->in_sync ? 1 : 2);
	return true;
}

static bool port_link(struct mib_view *view, const void *row, struct mib_value *value)
{
	const char *text = ((const struct isif_port *)row)->kernel->port_state;

	(void)view;
	mib_set_number(value, MIB_INTEGER,
		       !strcasecmp(text, "LINK UP")	? 2
		       : !strcasecmp(text, "LINK DOWN") ? 3
							: 1);
	return true;
}

static bool port_display_name(struct mib_view *view, const void *row, struct mib_value *value)
{
	const struct isif_kernel_port *kernel = ((const struct isif_port *)row)->kernel;
	int length;

	(void)view;
	if (*kernel->name) {
		mib_set_text(value, kernel->name, strlen(kernel->name));
		return true;
	}
	length = snprintf((char *)value->buffer, sizeof(value->buffer), "host%u", kernel->host);
	mib_set_text(value, (const char *)value->buffer, (size_t)length);
	return true;
}

#define PORT(arc, syntax, access, member)                                                          \
	COLUMN_VIA(arc, syntax, access, struct isif_port, kernel, struct isif_kernel_port, member)
static const struct mib_column port_columns[] = {
	PORT(1, UNSIGNED, NONE, host),
	PORT(2, TEXT, NONE, name),
	COLUMN_COMPUTED(3, INTEGER, READ, port_family),
	PORT(4, TRUTH, READ, enabled),
	COLUMN_COMPUTED(5, ADDRESS_TYPE, READ, port_address_type),
	COLUMN_COMPUTED(6, ADDRESS, READ, port_address_octets),
	COLUMN_COMPUTED(7, UNSIGNED, READ, port_prefix_length),
	COLUMN_COMPUTED(8, ADDRESS_TYPE, READ, port_gateway_type),
	COLUMN_COMPUTED(9, ADDRESS, READ, port_gateway),
	COLUMN_COMPUTED(10, INTEGER, READ, port_bootproto),
	COLUMN_COMPUTED(11, INTEGER, READ, port_vlan),
	COLUMN_COMPUTED(12, UNSIGNED, READ, port_mtu),
	COLUMN(13, TEXT, READ, struct isif_port, iface),
	COLUMN_COMPUTED(14, TRUTH, READ, port_in_sync),
	COLUMN_COMPUTED(15, TEXT, READ, port_display_name),
	PORT(16, TEXT, READ, hwaddress),
	PORT(17, TEXT, READ, transport),
	COLUMN_COMPUTED(18, INTEGER, READ, port_link),
	PORT(19, TEXT, READ, port_speed),
};

static struct mib_rows port_rows(const struct mib_view *view)
{
	return (struct mib_rows){ view->snapshot->ports, view->snapshot->port_count, 0 };
}

/* --- jobs --- */

#define JOB(arc, syntax, access, member) COLUMN(arc, syntax, access, struct isif_job, member)
static const struct mib_column job_columns[] = {
	JOB(1, UNSIGNED, NONE, index),
	JOB(2, INTEGER, CREATE, kind),
	JOB(3, TEXT, CREATE, iface),
	JOB(4, TEXT, CREATE, target),
	JOB(5, ADDRESS_TYPE, CREATE, address),
	JOB(6, ADDRESS, CREATE, address),
	JOB(7, UNSIGNED, CREATE, port),
	JOB(8, TRUTH, CREATE, force),
	JOB(9, INTEGER, READ, state),
	JOB(10, UNSIGNED, READ, progress),
	JOB(11, TEXT, READ, step),
	JOB(12, INTEGER, READ, error),
	JOB(13, TEXT, READ, error_text),
	JOB(14, DATE, READ, started),
	JOB(15, DATE, READ, finished),
	JOB(16, UNSIGNED, READ, results),
	JOB(17, TEXT, CREATE, owner),
	COLUMN_COMPUTED(18, INTEGER, CREATE, row_active),
	JOB(19, INTEGER, CREATE, control),
};

static struct mib_rows job_rows(const struct mib_view *view)
{
	return (struct mib_rows){ view->jobs.jobs, view->jobs.count, 0 };
}

/* --- events --- */

#define EVENT(arc, syntax, access, member) COLUMN(arc, syntax, access, struct isif_event, member)
static const struct mib_column event_columns[] = {
	EVENT(1, UNSIGNED, NONE, index),   EVENT(2, DATE, READ, time),
	EVENT(3, INTEGER, READ, kind),	   EVENT(4, TEXT, READ, iface),
	EVENT(5, UNSIGNED, READ, binding), EVENT(6, TEXT, READ, text),
	EVENT(7, TRUTH, READ, notified),
};

static struct mib_rows event_rows(const struct mib_view *view)
{
	return (struct mib_rows){ view->events.events, view->events.count, 0 };
}

/* --- targets --- */

#define TARGET(arc, syntax, access, member) COLUMN(arc, syntax, access, struct isif_target, member)
static const struct mib_column target_columns[] = {
	TARGET(1, UNSIGNED, NONE, index),	  TARGET(2, TEXT, READ, name),
	TARGET(3, UNSIGNED, READ, bindings),	  TARGET(4, UNSIGNED, READ, bindings_up),
	TARGET(5, UNSIGNED, READ, bindings_lost), TARGET(6, UNSIGNED, READ, disks),
	TARGET(7, INTEGER, READ, oper_status),
};

static struct mib_rows target_rows(const struct mib_view *view)
{
	return (struct mib_rows){ view->snapshot->targets, view->snapshot->target_count, 0 };
}

/* --- all of them --- */

#define SCALARS(number, list)                                                                      \
	{                                                                                          \
		.arc = (number), .columns = (list), .column_count = COUNT(list)                    \
	}
#define TABLE(number, list, row_function, ...)                                                     \
	{                                                                                          \
		.arc = (number), .columns = (list), .column_count = COUNT(list), .table = {        \
			.rows = (row_function),                                                    \
			.index = { __VA_ARGS__ },                                                  \
			.index_count = COUNT(((struct mib_field[]){ __VA_ARGS__ })),               \
		}                                                                                  \
	}

const struct mib_group mib_groups[] = {
	SCALARS(1, mib_agent_scalars),
	TABLE(2, transport_columns, transport_rows, FIELD(struct isif_transport, name)),
	TABLE(3, iface_columns, iface_rows, FIELD(struct isif_iface, name)),
	TABLE(4, setting_columns, setting_rows,
	      FIELD_VIA(struct isif_iface_setting, iface, struct isif_iface, name),
	      FIELD(struct isif_iface_setting, name)),
	TABLE(5, binding_columns, binding_rows, FIELD(struct isif_binding, index)),
	TABLE(6, session_columns, session_rows,
	      FIELD_VIA(struct isif_session, kernel, struct isif_kernel_session, sid)),
	TABLE(7, disk_columns, disk_rows, FIELD(struct isif_disk_row, sid),
	      FIELD_VIA(struct isif_disk_row, disk, struct isif_disk, lun)),
	TABLE(8, port_columns, port_rows,
	      FIELD_VIA(struct isif_port, kernel, struct isif_kernel_port, host),
	      FIELD_VIA(struct isif_port, kernel, struct isif_kernel_port, name)),
	TABLE(9, job_columns, job_rows, FIELD(struct isif_job, index)),
	TABLE(10, event_columns, event_rows, FIELD(struct isif_event, index)),
	SCALARS(11, mib_alerting_scalars),
	TABLE(12, target_columns, target_rows, FIELD(struct isif_target, index)),
};
const size_t mib_group_count = COUNT(mib_groups);
