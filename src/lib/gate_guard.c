/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "gate_guard.h"

#include <isif/kernel.h>
#include <isif/record.h>

#include "array.h"
#include "cleanup.h"
#include "clock.h"
#include "guard.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FRESH_MS   5000	 /* who asks, looks just before */
#define LEAVING_MS 60000 /* for which iscsid may go on with what nobody waits for any more */

DEFINE_CLEANUP(struct isif_sysfs, sysfs, isif_sysfs_close);
DEFINE_CLEANUP(struct isif_kernel_session, session, isif_kernel_session_release);
DEFINE_CLEANUP(struct isif_record, record, isif_record_release);

/* A session that a run takes away. */
struct leaving {
	uint32_t sid;
	unsigned number; /* of the run; 0: it is about to begin */
	uint64_t until;	 /* monotonic ms; 0: as long as it runs */
};

/* --- those that go --- */

static bool is_there(struct isif_sysfs *sysfs, uint32_t sid)
{
	CLEANUP(cleanup_session) struct isif_kernel_session *session = NULL;

	return isif_kernel_session_read(sysfs, sid, &session) != ISIF_NOT_FOUND;
}

static enum isif_error forget_those_gone(struct gate_guard *guard)
{
	CLEANUP(cleanup_sysfs) struct isif_sysfs *sysfs = NULL;
	uint64_t now = clock_ms();
	enum isif_error error = ISIF_OK;
	size_t kept = 0;

	if (guard->leaving_count)
		error = isif_sysfs_open(guard->sysfs, guard->log, &sysfs);
	if (error)
		return error;
	for (size_t i = 0; i < guard->leaving_count; i++) {
		const struct leaving *one = &guard->leaving[i];

		if ((!one->until || now < one->until) && is_there(sysfs, one->sid))
			guard->leaving[kept++] = *one;
	}
	guard->leaving_count = kept;
	return ISIF_OK;
}

static enum isif_error leave(struct gate_guard *guard, uint32_t sid)
{
	if (!array_reserve(&guard->leaving, &guard->leaving_size, guard->leaving_count,
			   sizeof(*guard->leaving)))
		return ISIF_NO_MEMORY;
	guard->leaving[guard->leaving_count++] = (struct leaving){ .sid = sid };
	return ISIF_OK;
}

void gate_guard_began(struct gate_guard *guard, unsigned number)
{
	size_t kept = 0;

	for (size_t i = 0; i < guard->leaving_count; i++) {
		struct leaving *one = &guard->leaving[i];

		if (!one->number && !number)
			continue;
		if (!one->number)
			one->number = number;
		guard->leaving[kept++] = *one;
	}
	guard->leaving_count = kept;
}

void gate_guard_ended(struct gate_guard *guard, unsigned number, bool sure)
{
	size_t kept = 0;

	for (size_t i = 0; i < guard->leaving_count; i++) {
		struct leaving *one = &guard->leaving[i];

		if (one->number == number && !one->until) {
			if (sure)
				continue;
			one->until = clock_ms() + LEAVING_MS;
		}
		guard->leaving[kept++] = *one;
	}
	guard->leaving_count = kept;
}

/* --- the look at hand --- */

static bool has(const uint32_t *sids, size_t count, uint32_t sid)
{
	for (size_t i = 0; i < count; i++)
		if (sids[i] == sid)
			return true;
	return false;
}

enum isif_error gate_guard_begin(struct gate_guard *guard, const uint32_t *sids, size_t count,
				 const uint32_t **all, size_t *all_count)
{
	enum isif_error error = forget_those_gone(guard);

	if (error)
		return error;
	gate_guard_forget(guard);
	guard->sids = calloc(count + guard->leaving_count + 1, sizeof(*guard->sids));
	if (!guard->sids)
		return ISIF_NO_MEMORY;
	if (count)
		memcpy(guard->sids, sids, count * sizeof(*sids));
	guard->count = count;
	for (size_t i = 0; i < guard->leaving_count; i++)
		if (!has(guard->sids, guard->count, guard->leaving[i].sid))
			guard->sids[guard->count++] = guard->leaving[i].sid;
	*all = guard->sids;
	*all_count = guard->count;
	return ISIF_OK;
}

void gate_guard_done(struct gate_guard *guard)
{
	guard->done = clock_ms();
}

void gate_guard_forget(struct gate_guard *guard)
{
	free(TAKE(guard->sids));
	guard->count = 0;
	guard->done = 0;
}

/* --- the verdict --- */

/* True only if that record is there and says so: one that is not found may be what boots the host.
 */
static bool record_is_not_onboot(struct directory_reader *reader, const char *path)
{
	CLEANUP(cleanup_record) struct isif_record *record = NULL;
	const char *startup;
	size_t length;

	if (!directory_path_is_record(path) ||
	    directory_reader_text(reader, reader->root, path, false, &length) ||
	    isif_record_parse(reader->text, length, "node.startup", &record))
		return false;
	startup = isif_record_value(record, "node.startup");
	return startup && strcmp(startup, "onboot") != 0;
}

static bool is_not_onboot(const struct gate_guard *guard, uint32_t sid)
{
	CLEANUP(cleanup_sysfs) struct isif_sysfs *sysfs = NULL;
	CLEANUP(cleanup_session) struct isif_kernel_session *session = NULL;
	char portal[600], path[700]; /* one that is cut names no record */

	if (isif_sysfs_open(guard->sysfs, guard->log, &sysfs) ||
	    isif_kernel_session_read(sysfs, sid, &session))
		return false;
	snprintf(portal, sizeof(portal), "nodes/%s/%s,%u", session->target,
		 session->persistent_address, session->persistent_port);
	snprintf(path, sizeof(path), "%s,%" PRId32 "/%s", portal, session->tpgt, session->iface);
	return record_is_not_onboot(guard->reader, path) ||
	       record_is_not_onboot(guard->reader, portal);
}

static enum isif_error refuse(const struct gate_guard *guard, uint32_t sid, const char *why)
{
	if (guard->log)
		isif_log_line(guard->log, ISIF_LOG_WARNING,
			      "session %" PRIu32 " must stay logged in: %s", sid, why);
	return ISIF_IN_USE;
}

enum isif_error gate_guard_session(struct gate_guard *guard, uint32_t sid, bool force,
				   const struct isif_look_disk *disks, size_t count)
{
	struct guard_request request = { .sid = sid, .force = force, .onboot = true };
	char why[256];

	if (!guard->done || clock_ms() - guard->done > FRESH_MS ||
	    !has(guard->sids, guard->count, sid))
		return refuse(guard, sid, "who uses its disks was not looked at just before");
	if (force)
		request.onboot = !is_not_onboot(guard, sid);
	if (!guard_allows(&request, disks, count, why, sizeof(why)))
		return refuse(guard, sid, why);
	return leave(guard, sid);
}

struct of_host {
	struct gate_guard *guard;
	struct isif_sysfs *sysfs;
	uint32_t host;
	bool force;
	const struct isif_look_disk *disks;
	size_t count;
	enum isif_error error;
};

static void judge_if_of_host(void *context, const char *name)
{
	CLEANUP(cleanup_session) struct isif_kernel_session *session = NULL;
	struct of_host *of = context;
	uint32_t sid;

	if (of->error || sscanf(name, "session%" SCNu32, &sid) != 1)
		return;
	of->error = isif_kernel_session_read(of->sysfs, sid, &session);
	if (of->error == ISIF_NOT_FOUND)
		of->error = ISIF_OK;
	else if (!of->error && session->host == of->host)
		of->error = gate_guard_session(of->guard, sid, of->force, of->disks, of->count);
}

enum isif_error gate_guard_host(struct gate_guard *guard, uint32_t host, bool force,
				const struct isif_look_disk *disks, size_t count)
{
	CLEANUP(cleanup_sysfs) struct isif_sysfs *sysfs = NULL;
	struct of_host of = { guard, NULL, host, force, disks, count, ISIF_OK };
	enum isif_error error = isif_sysfs_open(guard->sysfs, guard->log, &sysfs);

	of.sysfs = sysfs;
	if (!error)
		error = isif_sysfs_list(sysfs, "iscsi_session", judge_if_of_host, &of);
	return error ? error : of.error;
}

void gate_guard_clear(struct gate_guard *guard)
{
	gate_guard_forget(guard);
	free(TAKE(guard->leaving));
	guard->leaving_count = guard->leaving_size = 0;
}
