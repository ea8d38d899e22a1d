/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "strict_gate.h"

#include "clock.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

enum { SLICE_NS = 200000000, PATIENCE_MS = 10000, ROUNDS = 63 };

static struct strict_gate *strict(const struct isif_privileged *gate)
{
	return (struct strict_gate *)(void *)(uintptr_t)gate;
}

/* --- its descriptors --- */

static int descriptors[DESCRIPTORS];

/* Each is a file of its own, for ever: that is how it is known again. */
static void make_descriptors(void)
{
	for (int kind = 0; kind < DESCRIPTORS; kind++) {
		descriptors[kind] = memfd_create("fuzz", MFD_CLOEXEC);
		MUST(descriptors[kind] > 0);
	}
}

enum strict_descriptor strict_gate_descriptor(int descriptor)
{
	struct stat it, other;
	enum strict_descriptor kind = CHANGES;

	MUST(!fstat(descriptor, &it));
	for (; kind < DESCRIPTORS; kind++) {
		MUST(!fstat(descriptors[kind], &other));
		if (it.st_ino == other.st_ino && it.st_dev == other.st_dev)
			break;
	}
	return kind;
}

/* --- what it is given --- */

static bool is_in(const struct message *message, const char *text)
{
	return message->octets && text >= (const char *)message->octets &&
	       text < (const char *)message->octets + message->length;
}

/* It is one that was sent, as long as its sender says, with a NUL behind it. */
static void check_octets(const struct strict_gate *gate, const char *octets, size_t length)
{
	const struct keeper *keeper = gate->keeper;
	const struct message *message =
		is_in(&keeper->request, octets) ? &keeper->request : &keeper->batch_texts;
	uint64_t said;

	MUST(is_in(message, octets));
	MUST((size_t)(octets - (const char *)message->octets) >= sizeof(said));
	memcpy(&said, octets - sizeof(said), sizeof(said));
	MUST(said == length);
	MUST(is_in(message, octets + length) && !octets[length]);
}

/* Without a NUL in it. */
static void check_text(const struct strict_gate *gate, const char *text)
{
	check_octets(gate, text, strlen(text));
}

static void check_maybe(const struct strict_gate *gate, const char *text)
{
	if (text)
		check_text(gate, text);
}

static void check_deadline(uint64_t deadline)
{
	MUST(deadline <= clock_ns() + SLICE_NS);
}

static void check_edit(const struct strict_gate *gate, const struct isif_edit *edit)
{
	MUST(edit->kind <= ISIF_EDIT_REMOVE && edit->line_count <= KEEPER_LINES);
	check_text(gate, edit->path);
	check_maybe(gate, edit->other);
	for (size_t i = 0; i < edit->line_count; i++) {
		check_text(gate, edit->lines[i].key);
		check_maybe(gate, edit->lines[i].old);
		check_text(gate, edit->lines[i].fresh);
	}
}

/* By its path; of an old record, "nodes/TARGET/PORTAL", by what it says. */
static bool is_out_of_bounds(const char *path)
{
	const char *slash = strrchr(path, '/');
	size_t parts = 1;

	for (const char *at = path; *at; at++)
		parts += *at == '/';
	return parts != 3 && !strncmp(slash ? slash + 1 : path, "kept", 4);
}

/* Each has lines of its own, one after the other's, and no iface that is out of bounds. */
static void check_edits(const struct strict_gate *gate, const struct isif_edit *edits, size_t count)
{
	const struct isif_edit_line *lines = count ? edits[0].lines : NULL;

	MUST(edits && count <= KEEPER_EDITS);
	for (size_t i = 0; i < count; i++) {
		MUST(edits[i].lines == lines && !edits[i].error);
		MUST(!is_out_of_bounds(edits[i].path));
		lines += edits[i].line_count;
		check_edit(gate, &edits[i]);
	}
}

/* It goes on as it was begun: its edits are where they were, and say the same. */
static void check_batch(const struct strict_gate *gate)
{
	struct message now = { 0 };

	if (!gate->edits)
		return;
	protocol_put_edits(&now, gate->edits, gate->edit_count);
	MUST(now.length == gate->batch.length &&
	     !memcmp(now.octets, gate->batch.octets, now.length));
	message_free(&now);
}

/* Every call that asks for something begins with it. */
static struct strict_gate *called(const struct isif_privileged *self)
{
	struct strict_gate *gate = strict(self);

	check_batch(gate);
	gate->calls++;
	return gate;
}

static const char *said(const struct strict_gate *gate)
{
	return gate->answer.text ? gate->answer.text : "";
}

/* --- reading --- */

/* The keeper itself reads ifaces, whether they are within the bounds. */
static void check_path(const struct strict_gate *gate, const char *path)
{
	if (is_in(&gate->keeper->request, path))
		check_text(gate, path);
	else
		MUST(!strncmp(path, "ifaces", strlen("ifaces")));
}

static void tell_entries(const struct strict_gate *gate, struct isif_directory_reading *reading,
			 const struct isif_directory_visitor *visitor)
{
	uint64_t what = gate->answer.number;
	const char *text = said(gate);

	if (what & 1)
		visitor->record(reading, "one", text, strlen(text), ISIF_OK);
	if (what & 2)
		visitor->record(reading, text, NULL, 0, gate->answer.error);
	if (what & 4)
		visitor->directory(reading, text);
	if (what & 8)
		visitor->unchanged(reading, text);
}

static void read_directories(struct isif_privileged *self, struct isif_directory_reading *readings,
			     size_t count, const struct isif_directory_visitor *visitor)
{
	const struct strict_gate *gate = called(self);

	MUST(count <= KEEPER_READINGS);
	for (size_t i = 0; i < count; i++) {
		check_path(gate, readings[i].path);
		MUST(readings[i].flags <= 7 && readings[i].watch == -1 && !readings[i].error);
		for (uint64_t round = i ? 0 : gate->answer.number >> 4 & ROUNDS; round; round--)
			tell_entries(gate, &readings[i], visitor);
		readings[i].watch = (int)i;
		readings[i].error = gate->answer.error;
		visitor->end(&readings[i]);
	}
}

static enum isif_error read_record(struct isif_privileged *self, const char *path,
				   const char **text, size_t *length)
{
	const struct strict_gate *gate = called(self);

	check_path(gate, path);
	if (gate->answer.error)
		return gate->answer.error;
	*text = said(gate);
	*length = strlen(*text);
	return ISIF_OK;
}

static enum isif_error open_source(struct isif_privileged *self, enum isif_source source,
				   const char *path, int *descriptor)
{
	const struct strict_gate *gate = called(self);

	MUST(source <= ISIF_SOURCE_MASTER);
	MUST(source == ISIF_SOURCE_MASTER ? path == gate->keeper->master && *path : !path);
	if (!gate->answer.error)
		*descriptor = fcntl(descriptors[SOURCE], F_DUPFD_CLOEXEC, 0);
	return gate->answer.error;
}

static enum isif_error read_initiatorname(struct isif_privileged *self, char *buffer, size_t size)
{
	const struct strict_gate *gate = called(self);

	if (!gate->answer.error)
		snprintf(buffer, size, "%s", said(gate));
	return gate->answer.error;
}

static int change_descriptor(const struct isif_privileged *self)
{
	(void)self;
	return descriptors[CHANGES];
}

/* --- changes --- */

static enum isif_error begin(struct isif_privileged *self, unsigned patience, const char **why)
{
	struct strict_gate *gate = called(self);

	MUST(gate->keeper->allowed >= KEEPER_ALLOWS_RECORDS);
	MUST(patience <= PATIENCE_MS);
	*why = gate->answer.text;
	gate->in_change |= !gate->answer.error;
	return gate->answer.error;
}

static enum isif_error stage(struct isif_privileged *self, const char *name, const char *text,
			     size_t length)
{
	const struct strict_gate *gate = called(self);

	check_text(gate, name);
	check_octets(gate, text, length);
	return gate->answer.error;
}

static enum isif_error commit(struct isif_privileged *self, const struct isif_edit *edits,
			      size_t count, size_t *failed)
{
	const struct strict_gate *gate = called(self);

	check_edits(gate, edits, count);
	if (gate->answer.error)
		*failed = gate->answer.number % (count + 1);
	return gate->answer.error;
}

static enum isif_error undo(struct isif_privileged *self)
{
	return called(self)->answer.error;
}

static void end(struct isif_privileged *self)
{
	called(self)->in_change = false;
}

static enum isif_error batch_begin(struct isif_privileged *self, struct isif_edit *edits,
				   size_t count, const char **why)
{
	struct strict_gate *gate = called(self);

	MUST(gate->keeper->allowed >= KEEPER_ALLOWS_RECORDS);
	MUST(!gate->edits);
	check_edits(gate, edits, count);
	*why = gate->answer.text;
	if (gate->answer.error)
		return gate->answer.error;
	for (size_t i = 0; i < count; i++)
		edits[i].error = ISIF_INCOMPLETE;
	protocol_put_edits(&gate->batch, edits, count);
	gate->edits = edits;
	gate->edit_count = count;
	gate->in_batch = true;
	return ISIF_OK;
}

static enum isif_error batch_work(struct isif_privileged *self, uint64_t deadline, unsigned *pause)
{
	struct strict_gate *gate = called(self);
	enum isif_error error = gate->answer.error;

	check_deadline(deadline);
	MUST(gate->edits);
	*pause = (unsigned)gate->answer.number;
	for (size_t i = 0; !error && i < gate->edit_count; i++)
		gate->edits[i].error = (enum isif_error)(i % ISIF_UNDO_FAILED);
	gate->in_batch = error == ISIF_INCOMPLETE || error == ISIF_LOCKED;
	return error;
}

static int batch_descriptor(const struct isif_privileged *self)
{
	return strict(self)->answer.number % 2 ? -1 : descriptors[BATCH];
}

static void batch_end(struct isif_privileged *self)
{
	struct strict_gate *gate = called(self);

	gate->edits = NULL;
	gate->in_batch = false;
	message_free(&gate->batch);
}

static enum isif_error backup(struct isif_privileged *self, const char **where)
{
	const struct strict_gate *gate = called(self);

	*where = said(gate);
	return gate->answer.error;
}

static int backup_descriptor(const struct isif_privileged *self)
{
	(void)self;
	return descriptors[BACKUP];
}

static enum isif_error state_read(struct isif_privileged *self, const char *name, char **text,
				  size_t *length)
{
	const struct strict_gate *gate = called(self);

	check_text(gate, name);
	if (gate->answer.error)
		return gate->answer.error;
	*length = strlen(said(gate));
	*text = fuzz_copy(said(gate), *length).octets;
	return ISIF_OK;
}

static enum isif_error state_write(struct isif_privileged *self, const char *name, const char *text,
				   size_t length)
{
	return stage(self, name, text, length);
}

static enum isif_error state_append(struct isif_privileged *self, const char *name,
				    const char *text, size_t length, bool sync)
{
	(void)sync;
	return stage(self, name, text, length);
}

/* --- what takes a while --- */

static enum isif_error command_begin(struct isif_privileged *self,
				     const struct isif_command *command, unsigned *number)
{
	const struct strict_gate *gate = called(self);

	MUST(gate->keeper->allowed == KEEPER_ALLOWS_SESSIONS ||
	     (gate->keeper->allowed == KEEPER_ALLOWS_RECORDS &&
	      (command->verb == ISIF_VERB_DISCOVER || command->verb == ISIF_VERB_DISCOVER_DRY)));
	MUST(command->verb <= (unsigned)INT32_MAX && command->tpgt >= -1);
	MUST(!command->force || !gate->keeper->protect_in_use);
	check_maybe(gate, command->target);
	check_maybe(gate, command->address);
	check_maybe(gate, command->iface);
	*number = (unsigned)gate->answer.number;
	return gate->answer.error;
}

static enum isif_error port_begin(struct isif_privileged *self,
				  const struct isif_port_request *request, unsigned *number)
{
	const struct strict_gate *gate = called(self);

	MUST(gate->keeper->allowed == KEEPER_ALLOWS_SESSIONS ||
	     (gate->keeper->allowed == KEEPER_ALLOWS_RECORDS && request->verb == ISIF_PORT_PING));
	MUST(request->verb <= ISIF_PORT_PING && request->family <= UINT8_MAX);
	MUST(request->count <= KEEPER_PARAMETERS);
	MUST(!request->force || !gate->keeper->protect_in_use);
	check_text(gate, request->transport);
	check_maybe(gate, request->address);
	for (size_t i = 0; i < request->count; i++) {
		MUST(request->parameters[i].type <= UINT8_MAX);
		MUST(request->parameters[i].length <= sizeof(request->parameters[i].octets));
	}
	*number = (unsigned)gate->answer.number;
	return gate->answer.error;
}

static int port_descriptor(const struct isif_privileged *self)
{
	(void)self;
	return descriptors[QUEUE];
}

static enum isif_error command_work(struct isif_privileged *self, unsigned number,
				    struct isif_command_outcome *outcome)
{
	const struct strict_gate *gate = called(self);

	(void)number;
	if (gate->answer.error)
		return gate->answer.error;
	*outcome = (struct isif_command_outcome){ .code = (int)(gate->answer.number % 256) - 1,
						  .output = said(gate),
						  .length = strlen(said(gate)) };
	return ISIF_OK;
}

static int command_descriptor(const struct isif_privileged *self, unsigned number)
{
	MUST(number == (unsigned)strict(self)->answer.number);
	return descriptors[RUN];
}

static void command_end(struct isif_privileged *self, unsigned number)
{
	(void)number;
	called(self);
}

static enum isif_error look_begin(struct isif_privileged *self, enum isif_look_purpose purpose,
				  const uint32_t *sids, size_t count)
{
	MUST(purpose < ISIF_LOOK_PURPOSES && count <= KEEPER_SIDS);
	free(fuzz_exact(sids, count * sizeof(*sids)));
	return called(self)->answer.error;
}

static enum isif_error look_work(struct isif_privileged *self, enum isif_look_purpose purpose,
				 uint64_t deadline, unsigned *pause)
{
	MUST(purpose < ISIF_LOOK_PURPOSES);
	check_deadline(deadline);
	*pause = 1;
	return called(self)->answer.error;
}

static void look_result(const struct isif_privileged *self, enum isif_look_purpose purpose,
			const struct isif_look_disk **disks, size_t *count)
{
	struct strict_gate *gate = strict(self);

	MUST(purpose < ISIF_LOOK_PURPOSES && !gate->answer.error);
	*count = gate->answer.number % 5;
	for (size_t i = 0; i < *count; i++) {
		struct isif_look_disk *disk = &gate->disks[i];

		*disk = (struct isif_look_disk){ .sid = (uint32_t)i, .use = ISIF_DISK_IN_USE };
		snprintf(disk->device, sizeof(disk->device), "sd%zu", i);
		snprintf(disk->user, sizeof(disk->user), "%s", said(gate));
	}
	*disks = gate->disks;
}

static void look_end(struct isif_privileged *self, enum isif_look_purpose purpose)
{
	MUST(purpose < ISIF_LOOK_PURPOSES);
	called(self);
}

/* --- its life --- */

static void close_gate(struct isif_privileged *self)
{
	struct strict_gate *gate = called(self);

	MUST(!gate->edits && !gate->in_change && !gate->in_batch);
	gate->gate.operations = NULL;
}

static const struct isif_privileged_operations operations = {
	.read_directories = read_directories,
	.read_record = read_record,
	.open_source = open_source,
	.read_initiatorname = read_initiatorname,
	.change_descriptor = change_descriptor,
	.begin = begin,
	.commit = commit,
	.stage = stage,
	.undo = undo,
	.end = end,
	.batch_begin = batch_begin,
	.batch_work = batch_work,
	.batch_descriptor = batch_descriptor,
	.batch_end = batch_end,
	.backup = backup,
	.backup_descriptor = backup_descriptor,
	.command_begin = command_begin,
	.port_begin = port_begin,
	.port_descriptor = port_descriptor,
	.command_work = command_work,
	.command_descriptor = command_descriptor,
	.command_end = command_end,
	.look_begin = look_begin,
	.look_work = look_work,
	.look_result = look_result,
	.look_end = look_end,
	.state_read = state_read,
	.state_write = state_write,
	.state_append = state_append,
	.close = close_gate,
};

void strict_gate_open(struct strict_gate *gate, const struct keeper *keeper)
{
	*gate = (struct strict_gate){ .gate = { &operations, "/a/database" }, .keeper = keeper };
	if (!descriptors[CHANGES])
		make_descriptors();
}
