/* SPDX-License-Identifier: GPL-2.0-or-later */
/* allowIface and denyIface: what the other process wants to touch, and whether it may. */
#include "keeper.h"

#include "../lib/array.h"
#include "../lib/cleanup.h"

#include <isif/kernel.h>
#include <isif/record.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define IFACE_KEY "iface.iscsi_ifacename"

DEFINE_CLEANUP(struct isif_record, record, isif_record_release);
DEFINE_CLEANUP(struct isif_sysfs, sysfs, isif_sysfs_close);
DEFINE_CLEANUP(struct isif_kernel_session, session, isif_kernel_session_release);
DEFINE_CLEANUP(struct isif_kernel_port, port, isif_kernel_port_release);

static bool same(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

bool keeper_add_bounds(struct keeper *keeper, struct bounds *bounds)
{
	for (size_t i = 0; i < keeper->bounds_count; i++)
		if (same(keeper->bounds[i].allow, bounds->allow) &&
		    same(keeper->bounds[i].deny, bounds->deny)) {
			bounds_clear(bounds);
			return true;
		}
	if (!array_reserve(&keeper->bounds, &keeper->bounds_size, keeper->bounds_count,
			   sizeof(*bounds))) {
		bounds_clear(bounds);
		return false;
	}
	keeper->bounds[keeper->bounds_count++] = *bounds;
	*bounds = (struct bounds){ 0 };
	return true;
}

void keeper_free_bounds(struct keeper *keeper)
{
	for (size_t i = 0; i < keeper->bounds_count; i++)
		bounds_clear(&keeper->bounds[i]);
	free(TAKE(keeper->bounds));
	keeper->bounds_count = keeper->bounds_size = 0;
}

static bool is_within(const struct keeper *keeper, const char *iface)
{
	for (size_t i = 0; i < keeper->bounds_count; i++)
		if (bounds_hold(&keeper->bounds[i], iface))
			return true;
	return false;
}

/* Nothing has to be found out then. */
static bool is_unbounded(const struct keeper *keeper)
{
	for (size_t i = 0; i < keeper->bounds_count; i++)
		if (!keeper->bounds[i].allow && !keeper->bounds[i].deny)
			return true;
	return false;
}

/* --- edits --- */

/* NULL: it cannot be read. */
static struct isif_record *read_record(struct keeper *keeper, const char *path)
{
	struct isif_record *record;
	const char *text;
	size_t length;

	if (keeper->gate->operations->read_record(keeper->gate, path, &text, &length) ||
	    isif_record_parse(text, length, "iface.", &record))
		return NULL;
	return record;
}

/* "nodes/TARGET/PORTAL", a record of old, says in itself which iface it is of. */
static bool old_record_is_within(struct keeper *keeper, const char *path)
{
	CLEANUP(cleanup_record) struct isif_record *record = read_record(keeper, path);
	const char *iface = record ? isif_record_value(record, IFACE_KEY) : NULL;

	return record && is_within(keeper, iface ? iface : "default");
}

/* By its last part; what is no path of a record is refused by the gate. */
static bool path_is_within(struct keeper *keeper, const char *path)
{
	size_t parts = 1;

	for (const char *at = path; *at; at++)
		parts += *at == '/';
	if (parts == 3)
		return old_record_is_within(keeper, path);
	return is_within(keeper, strrchr(path, '/') ? strrchr(path, '/') + 1 : path);
}

static bool edit_is_within(struct keeper *keeper, const struct isif_edit *edit)
{
	bool moves = edit->kind == ISIF_EDIT_MOVE_NODE || edit->kind == ISIF_EDIT_COPY_NODE;

	for (size_t i = 0; i < edit->line_count; i++)
		if (!strcmp(edit->lines[i].key, IFACE_KEY) &&
		    !is_within(keeper, edit->lines[i].fresh))
			return false;
	return path_is_within(keeper, edit->path) &&
	       (!moves || !edit->other || path_is_within(keeper, edit->other));
}

bool keeper_edits_are_within(struct keeper *keeper, const struct isif_edit *edits, size_t count)
{
	for (size_t i = 0; i < count && !is_unbounded(keeper); i++) {
		keeper->object = edits[i].path;
		if (!edit_is_within(keeper, &edits[i]))
			return false;
	}
	return true;
}

/* --- iscsiadm --- */

/* What a discovery without an iface binds to: all of transport tcp, default if there is none. */
struct tcp_ifaces {
	struct keeper *keeper;
	bool any, outside;
};

static void note_iface(struct isif_directory_reading *reading, const char *name, const char *text,
		       size_t length, enum isif_error error)
{
	CLEANUP(cleanup_record) struct isif_record *record = NULL;
	struct tcp_ifaces *ifaces = reading->context;
	const char *transport = NULL;

	(void)error;
	/* What cannot be read may be one. */
	if (text && !isif_record_parse(text, length, "iface.", &record))
		transport = isif_record_value(record, "iface.transport_name");
	if (transport && strcmp(transport, "tcp") != 0)
		return;
	ifaces->any = true;
	ifaces->outside |= !is_within(ifaces->keeper, name);
}

static void pass_directory(struct isif_directory_reading *reading, const char *name)
{
	(void)reading, (void)name;
}

static void pass_end(struct isif_directory_reading *reading)
{
	(void)reading;
}

static bool all_are_within(struct keeper *keeper)
{
	static const struct isif_directory_visitor visitor = { .record = note_iface,
							       .directory = pass_directory,
							       .unchanged = pass_directory,
							       .end = pass_end };
	struct tcp_ifaces ifaces = { .keeper = keeper };
	struct isif_directory_reading reading = {
		.path = "ifaces", .flags = ISIF_READ_RECORDS, .watch = -1, .context = &ifaces
	};

	keeper->gate->operations->read_directories(keeper->gate, &reading, 1, &visitor);
	if (reading.error && reading.error != ISIF_NOT_FOUND)
		return false;
	return !ifaces.outside && (ifaces.any || is_within(keeper, "default"));
}

static bool session_is_within(const struct keeper *keeper, uint32_t sid)
{
	CLEANUP(cleanup_sysfs) struct isif_sysfs *sysfs = NULL;
	CLEANUP(cleanup_session) struct isif_kernel_session *session = NULL;
	enum isif_error error = isif_sysfs_open(keeper->sysfs, keeper->log, &sysfs);

	if (!error)
		error = isif_kernel_session_read(sysfs, sid, &session);
	return error ? error == ISIF_NOT_FOUND : is_within(keeper, session->iface);
}

/* A login puts back what was there, and a rescan takes nothing away. */
bool keeper_command_is_within(struct keeper *keeper, const struct isif_command *command)
{
	if (is_unbounded(keeper))
		return true;
	if (command->verb == ISIF_VERB_LOGOUT)
		return session_is_within(keeper, command->sid);
	if (command->verb != ISIF_VERB_DISCOVER || !command->iface)
		return true;
	return *command->iface ? is_within(keeper, command->iface) : all_are_within(keeper);
}

/* --- adapters --- */

/* Any object of the host tells its address. */
static enum isif_error read_port(struct isif_sysfs *sysfs, const struct isif_port_request *request,
				 struct isif_kernel_port **port)
{
	static const char *const families[] = { "ipv4", "ipv6" };
	char name[64];

	for (size_t i = 0; i < sizeof(families) / sizeof(*families); i++) {
		enum isif_error error;

		snprintf(name, sizeof(name), "%s-iface-%" PRIu32 "-%" PRIu32, families[i],
			 request->host, request->number);
		error = isif_kernel_port_read(sysfs, name, port);
		if (error != ISIF_NOT_FOUND)
			return error;
	}
	snprintf(name, sizeof(name), "host%" PRIu32, request->host);
	return isif_kernel_port_of_host(sysfs, name, port);
}

/* The iface that it names must be one of this adapter. */
bool keeper_port_is_within(struct keeper *keeper, const struct isif_port_request *request)
{
	CLEANUP(cleanup_sysfs) struct isif_sysfs *sysfs = NULL;
	CLEANUP(cleanup_port) struct isif_kernel_port *port = NULL;
	CLEANUP(cleanup_record) struct isif_record *record = NULL;
	const char *transport, *hwaddress;
	char path[128];

	if (is_unbounded(keeper) || request->verb == ISIF_PORT_PING)
		return true;
	if (!request->iface || !is_within(keeper, request->iface) ||
	    snprintf(path, sizeof(path), "ifaces/%s", request->iface) >= (int)sizeof(path))
		return false;
	record = read_record(keeper, path);
	if (!record || isif_sysfs_open(keeper->sysfs, keeper->log, &sysfs) ||
	    read_port(sysfs, request, &port))
		return false;
	transport = isif_record_value(record, "iface.transport_name");
	hwaddress = isif_record_value(record, "iface.hwaddress");
	return transport && !strcmp(transport, request->transport) &&
	       !strcmp(transport, port->transport) && hwaddress &&
	       !strcasecmp(hwaddress, port->hwaddress);
}
