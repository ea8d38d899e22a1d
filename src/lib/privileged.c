/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The gate to what only root may do, in the process that calls it. */
#include <isif/privileged.h>

#include "cleanup.h"
#include "command.h"
#include "directory_reader.h"
#include "gate_guard.h"
#include "kernel_daemon.h"
#include "kernel_event.h"
#include "look.h"
#include "store.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/un.h>

/* So many directories at once are worth a second thread. */
#define MANY 16

struct local {
	struct isif_privileged gate;
	char root[PATH_MAX];
	char initiatorname_file[PATH_MAX];
	struct directory_reader reader;
	struct store *store;
	char *sysfs; /* NULL: this host's */
	struct look *looks[ISIF_LOOK_PURPOSES];
	struct gate_guard guard;
	struct commands *commands;
	struct isif_changes changes;
};

static struct local *local_of(struct isif_privileged *gate)
{
	return (struct local *)(void *)gate;
}

static void read_directories(struct isif_privileged *gate, struct isif_directory_reading *readings,
			     size_t count, const struct isif_directory_visitor *visitor)
{
	struct local *local = local_of(gate);
	struct read_ahead *ahead = NULL;
	atomic_size_t next = 0;
	size_t i;

	if (count >= MANY)
		ahead = read_ahead_start(&local->reader, readings, count, &next);
	while ((i = atomic_fetch_add(&next, 1)) < count) {
		directory_reader_read(&local->reader, &readings[i], visitor);
		if (ahead)
			read_ahead_deliver(ahead, visitor);
	}
	if (ahead)
		read_ahead_finish(ahead, visitor);
}

static enum isif_error read_record(struct isif_privileged *gate, const char *path,
				   const char **text, size_t *length)
{
	struct local *local = local_of(gate);

	if (!directory_path_is_record(path))
		return ISIF_INVALID;
	*text = local->reader.text;
	return directory_reader_text(&local->reader, local->reader.root, path, false, length);
}

/* Not waiting: a master whose queue is full is tried again like one that is not there. */
static enum isif_error connect_master(const char *path, int *descriptor)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	CLEANUP_CLOSE int connected = -1;

	if (!path || path[0] != '/' || strlen(path) >= sizeof(name.sun_path))
		return ISIF_INVALID;
	memcpy(name.sun_path, path, strlen(path) + 1);
	connected = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (connected < 0 ||
	    connect(connected, (const struct sockaddr *)(const void *)&name, sizeof(name)) ||
	    fcntl(connected, F_SETFL, 0))
		return isif_error_from_errno(errno);
	*descriptor = TAKE_DESCRIPTOR(connected);
	return ISIF_OK;
}

static enum isif_error open_source(struct isif_privileged *gate, enum isif_source source,
				   const char *path, int *descriptor)
{
	(void)gate;
	switch (source) {
	case ISIF_SOURCE_ISCSI_EVENTS:
		return iscsi_events_open(descriptor);
	case ISIF_SOURCE_DAEMON_STARTS:
		*descriptor = daemon_watch_starts();
		return *descriptor < 0 ? isif_error_from_errno(errno) : ISIF_OK;
	case ISIF_SOURCE_MASTER:
		return connect_master(path, descriptor);
	}
	return ISIF_INVALID;
}

static enum isif_error read_initiatorname(struct isif_privileged *gate, char *buffer, size_t size)
{
	struct local *local = local_of(gate);
	static const char key[] = "InitiatorName=";
	char line[512];
	FILE *file = fopen(local->initiatorname_file, "re");
	enum isif_error error = ISIF_NOT_FOUND;

	if (!file)
		return isif_error_from_errno(errno);
	while (error && fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\r\n")] = '\0';
		/* usr/util.c:cfg_get_string_param takes the rest of the line. */
		if (strncmp(line, key, sizeof(key) - 1))
			continue;
		snprintf(buffer, size, "%s", line + sizeof(key) - 1);
		buffer[strcspn(buffer, " \t")] = '\0';
		error = *buffer ? ISIF_OK : ISIF_NOT_FOUND;
	}
	fclose(file);
	return error;
}

static int change_descriptor(const struct isif_privileged *gate)
{
	return ((const struct local *)(const void *)gate)->reader.inotify;
}

bool isif_changes_next(struct isif_changes *changes, int descriptor, struct isif_change *change)
{
	const struct inotify_event *event;

	if (descriptor < 0)
		return false;
	if (changes->at == changes->end) {
		ssize_t got = read(descriptor, changes->octets, sizeof(changes->octets));

		if (got <= 0)
			return false;
		changes->at = 0;
		changes->end = (size_t)got;
	}
	event = (const void *)(changes->octets + changes->at);
	changes->at += sizeof(*event) + event->len;
	*change = (struct isif_change){
		.watch = event->wd,
		.directory = event->mask & IN_ISDIR,
		.gone = event->mask & (IN_DELETE | IN_MOVED_FROM),
		.watch_ended =
			event->mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED | IN_UNMOUNT),
		.overflow = event->mask & IN_Q_OVERFLOW,
	};
	if (event->len)
		snprintf(change->name, sizeof(change->name), "%s", event->name);
	return true;
}

static bool next_change(struct isif_privileged *gate, struct isif_change *change)
{
	struct local *local = local_of(gate);

	return isif_changes_next(&local->changes, local->reader.inotify, change);
}

static struct store *store_of(struct isif_privileged *gate)
{
	return local_of(gate)->store;
}

static enum isif_error begin(struct isif_privileged *gate, unsigned patience, const char **why)
{
	return store_begin(store_of(gate), patience, why);
}

static enum isif_error stage(struct isif_privileged *gate, const char *name, const char *text,
			     size_t length)
{
	return store_stage(store_of(gate), name, text, length);
}

static enum isif_error commit(struct isif_privileged *gate, const struct isif_edit *edits,
			      size_t count, size_t *failed)
{
	return store_commit(store_of(gate), edits, count, failed);
}

static enum isif_error undo(struct isif_privileged *gate)
{
	return store_undo(store_of(gate));
}

static void end(struct isif_privileged *gate)
{
	store_end(store_of(gate));
}

static enum isif_error batch_begin(struct isif_privileged *gate, struct isif_edit *edits,
				   size_t count, const char **why)
{
	return store_batch_begin(store_of(gate), edits, count, why);
}

static enum isif_error batch_work(struct isif_privileged *gate, uint64_t deadline, unsigned *pause)
{
	return store_batch_work(store_of(gate), deadline, pause);
}

static int batch_descriptor(const struct isif_privileged *gate)
{
	return store_batch_descriptor(((const struct local *)(const void *)gate)->store);
}

static void batch_end(struct isif_privileged *gate)
{
	store_batch_end(store_of(gate));
}

static enum isif_error backup(struct isif_privileged *gate, const char **where)
{
	return store_backup(store_of(gate), where);
}

static int backup_descriptor(const struct isif_privileged *gate)
{
	return store_backup_descriptor(((const struct local *)(const void *)gate)->store);
}

static enum isif_error begin_look(struct isif_privileged *gate, enum isif_look_purpose purpose,
				  const uint32_t *sids, size_t count)
{
	struct local *local = local_of(gate);
	const struct look_roots roots = { .sysfs = local->sysfs };
	enum isif_error error = ISIF_OK;

	if (local->looks[purpose])
		return ISIF_INVALID;
	if (purpose == ISIF_LOOK_TO_LOG_OUT)
		error = gate_guard_begin(&local->guard, sids, count, &sids, &count);
	return error ? error : look_begin(&roots, purpose, sids, count, &local->looks[purpose]);
}

static enum isif_error work_look(struct isif_privileged *gate, enum isif_look_purpose purpose,
				 uint64_t deadline, unsigned *pause)
{
	struct local *local = local_of(gate);
	struct look *look = local->looks[purpose];
	enum isif_error error = look ? look_work(look, deadline, pause) : ISIF_INVALID;

	if (!error && purpose == ISIF_LOOK_TO_LOG_OUT)
		gate_guard_done(&local->guard);
	return error;
}

static void result_of_look(const struct isif_privileged *gate, enum isif_look_purpose purpose,
			   const struct isif_look_disk **disks, size_t *count)
{
	const struct local *local = (const struct local *)(const void *)gate;

	look_result(local->looks[purpose], disks, count);
}

static void end_look(struct isif_privileged *gate, enum isif_look_purpose purpose)
{
	struct local *local = local_of(gate);

	look_end(TAKE(local->looks[purpose]));
	if (purpose == ISIF_LOOK_TO_LOG_OUT)
		gate_guard_forget(&local->guard);
}

/* What the look at hand has found; nothing without one. */
static void findings(const struct local *local, const struct isif_look_disk **disks, size_t *count)
{
	const struct look *look = local->looks[ISIF_LOOK_TO_LOG_OUT];

	*disks = NULL;
	*count = 0;
	if (look)
		look_result(look, disks, count);
}

static enum isif_error begin_command(struct isif_privileged *gate,
				     const struct isif_command *command, unsigned *number)
{
	struct local *local = local_of(gate);
	const struct isif_look_disk *disks;
	enum isif_error error = ISIF_OK;
	size_t count;

	findings(local, &disks, &count);
	if (command->verb == ISIF_VERB_LOGOUT)
		error = gate_guard_session(&local->guard, command->sid, command->force, disks,
					   count);
	if (!error)
		error = command_begin(local->commands, command, number);
	gate_guard_began(&local->guard, error ? 0 : *number);
	return error;
}

static enum isif_error begin_port(struct isif_privileged *gate,
				  const struct isif_port_request *request, unsigned *number)
{
	struct local *local = local_of(gate);
	const struct isif_look_disk *disks;
	enum isif_error error = local->sysfs ? ISIF_UNAVAILABLE : ISIF_OK;
	size_t count;

	findings(local, &disks, &count);
	if (!error && request->verb != ISIF_PORT_PING)
		error = gate_guard_host(&local->guard, request->host, request->force, disks, count);
	if (!error)
		error = command_begin_port(local->commands, request, number);
	gate_guard_began(&local->guard, error ? 0 : *number);
	return error;
}

static int descriptor_of_port(const struct isif_privileged *gate)
{
	return command_port_descriptor(((const struct local *)(const void *)gate)->commands);
}

static enum isif_error work_command(struct isif_privileged *gate, unsigned number,
				    struct isif_command_outcome *outcome)
{
	struct local *local = local_of(gate);
	enum isif_error error = command_work(local->commands, number, outcome);

	if (!error)
		gate_guard_ended(&local->guard, number, !outcome->timed_out);
	return error;
}

static int descriptor_of_command(const struct isif_privileged *gate, unsigned number)
{
	return command_descriptor(((const struct local *)(const void *)gate)->commands, number);
}

static void end_command(struct isif_privileged *gate, unsigned number)
{
	command_end(local_of(gate)->commands, number);
	gate_guard_ended(&local_of(gate)->guard, number, false);
}

static enum isif_error state_read(struct isif_privileged *gate, const char *name, char **text,
				  size_t *length)
{
	return store_state_read(store_of(gate), name, text, length);
}

static enum isif_error state_append(struct isif_privileged *gate, const char *name,
				    const char *text, size_t length, bool sync)
{
	return store_state_append(store_of(gate), name, text, length, sync);
}

static enum isif_error state_write(struct isif_privileged *gate, const char *name, const char *text,
				   size_t length)
{
	return store_state_write(store_of(gate), name, text, length);
}

static void close_local(struct isif_privileged *gate)
{
	struct local *local = local_of(gate);

	for (int purpose = 0; purpose < ISIF_LOOK_PURPOSES; purpose++)
		look_end(local->looks[purpose]);
	gate_guard_clear(&local->guard);
	free(local->sysfs);
	commands_close(local->commands);
	store_close(local->store);
	if (local->reader.root >= 0)
		close(local->reader.root);
	if (local->reader.inotify >= 0)
		close(local->reader.inotify);
	free(local);
}

static const struct isif_privileged_operations operations = {
	.read_directories = read_directories,
	.read_record = read_record,
	.open_source = open_source,
	.read_initiatorname = read_initiatorname,
	.change_descriptor = change_descriptor,
	.next_change = next_change,
	.begin = begin,
	.stage = stage,
	.commit = commit,
	.undo = undo,
	.end = end,
	.batch_begin = batch_begin,
	.batch_work = batch_work,
	.batch_descriptor = batch_descriptor,
	.batch_end = batch_end,
	.backup = backup,
	.backup_descriptor = backup_descriptor,
	.look_begin = begin_look,
	.look_work = work_look,
	.look_result = result_of_look,
	.look_end = end_look,
	.command_begin = begin_command,
	.port_begin = begin_port,
	.port_descriptor = descriptor_of_port,
	.command_work = work_command,
	.command_descriptor = descriptor_of_command,
	.command_end = end_command,
	.state_read = state_read,
	.state_write = state_write,
	.state_append = state_append,
	.close = close_local,
};

static enum isif_error failed(const struct isif_log *log, const char *what, enum isif_error error)
{
	if (log)
		isif_log_line(log, ISIF_LOG_ERROR, "%s: %s", what, isif_error_text(error));
	return error;
}

static enum isif_error find_root(const struct isif_privileged_options *options, char *root,
				 size_t size)
{
	enum isif_error error;

	if (options->root && strcmp(options->root, "auto") != 0)
		return (size_t)snprintf(root, size, "%s", options->root) < size ? ISIF_OK
										: ISIF_TOO_LONG;
	error = isif_database_find("", options->iscsiadm, root, size);
	return error ? failed(options->log,
			      "cannot tell which record directory open-iscsi uses, /etc/iscsi or "
			      "/var/lib/iscsi (name it with -r)",
			      error)
		     : ISIF_OK;
}

static enum isif_error open_parts(struct local *local,
				  const struct isif_privileged_options *options)
{
	const struct isif_privileged_options found = {
		.root = local->root,
		.initiatorname_file = local->initiatorname_file,
		.state_directory = options->state_directory,
		.lock_directory = options->lock_directory,
		.log = options->log,
	};
	int descriptor = open(local->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	enum isif_error error = descriptor < 0 ? isif_error_from_errno(errno) : ISIF_OK;
	char what[PATH_MAX + 64];
	int inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC), number = errno;

	directory_reader_init(&local->reader, local->root, descriptor, inotify);
	snprintf(what, sizeof(what), "cannot open the record directory %s", local->root);
	if (error)
		return failed(options->log, what, error);
	if (inotify < 0 && options->log)
		isif_log_line(options->log, ISIF_LOG_WARNING,
			      "no inotify can be had (%s): changes of the records in %s are seen "
			      "only when they are read again (resyncInterval)",
			      strerror(number), local->root);
	local->sysfs = options->sysfs ? strdup(options->sysfs) : NULL;
	if (options->sysfs && !local->sysfs)
		return ISIF_NO_MEMORY;
	local->guard.log = options->log;
	local->guard.sysfs = local->sysfs;
	local->guard.reader = &local->reader;
	error = store_open(&found, descriptor, &local->store);
	return error ? error
		     : commands_open(options->iscsiadm, options->lock_directory, local->sysfs,
				     &local->commands);
}

enum isif_error isif_privileged_open(const struct isif_privileged_options *options,
				     struct isif_privileged **privileged)
{
	struct local *local = calloc(1, sizeof(*local));
	enum isif_error error;

	if (!local)
		return ISIF_NO_MEMORY;
	local->gate.operations = &operations;
	local->gate.root = local->root;
	local->reader.root = local->reader.inotify = -1;
	snprintf(local->initiatorname_file, sizeof(local->initiatorname_file), "%s",
		 options->initiatorname_file ? options->initiatorname_file : ISIF_INITIATORNAME);
	error = find_root(options, local->root, sizeof(local->root));
	if (!error)
		error = open_parts(local, options);
	if (error) {
		close_local(&local->gate);
		return error;
	}
	*privileged = &local->gate;
	return ISIF_OK;
}

void isif_privileged_close(struct isif_privileged *privileged)
{
	if (privileged)
		privileged->operations->close(privileged);
}
