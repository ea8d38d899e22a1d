/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "operations.h"

#include <isif/database.h>
#include <isif/monitor.h>
#include <isif/privileged.h>

#include "command.h"
#include "fault.h"
#include "stock.h"
#include "tree.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATIENCE 20000 /* ms that a disk or a process may need */
#define STEPS	 10000 /* more than any of these needs */

struct told told;

static struct {
	char directory[64], store[80], database[96];
	struct isif_log log;
	struct isif_privileged *gate;
	struct isif_names *names;
} here;

static void take_line(void *context, enum isif_log_level level, const char *line)
{
	size_t left = sizeof(told.text) - told.length;
	int length = snprintf(told.text + told.length, left, "    %s\n", line);

	(void)context;
	told.complaints += level <= ISIF_LOG_WARNING;
	told.length += (size_t)length < left ? (size_t)length : left - 1;
}

void operations_begin(const char *directory)
{
	here.log = (struct isif_log){ .write = take_line };
	snprintf(here.directory, sizeof(here.directory), "%s", directory);
	snprintf(here.store, sizeof(here.store), "%s/store", directory);
	snprintf(here.database, sizeof(here.database), "%s/db", here.store);
}

void operations_end(void)
{
}

static const char *path_of(const char *name)
{
	static char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", here.store, name);
	return path;
}

static void put_file(const char *name, const char *text)
{
	FILE *file = fopen(path_of(name), "we");

	if (!file || fputs(text, file) < 0 || fclose(file) || chmod(path_of(name), 0755))
		abort();
}

static void make_directories(char *path)
{
	for (char *slash = path; (slash = strchr(slash + 1, '/'));) {
		*slash = '\0';
		if (mkdir(path, 0755) && errno != EEXIST)
			abort();
		*slash = '/';
	}
}

static bool is_there(const char *name)
{
	return !access(path_of(name), F_OK);
}

/* Nothing of ours is where it would be in somebody's way. */
static bool is_clean(void)
{
	if (tree_is_littered(here.database))
		return wrong("files of ours stay in the database");
	return !is_there("lock/lock.write") || wrong("the lock stays");
}

static void open_gate(const struct stock_case *what)
{
	(void)what;
	stock_make(here.store);
	if (stock_open(here.store, &here.log, &here.gate))
		abort();
}

static void close_gate(void)
{
	isif_privileged_close(here.gate);
	here.gate = NULL;
}

/* --- the gate is opened --- */

static void make_stock(const struct stock_case *what)
{
	(void)what;
	stock_make(here.store);
}

static enum isif_error run_gate(void)
{
	return stock_open(here.store, &here.log, &here.gate);
}

static bool gate_holds(enum isif_error error)
{
	const char *why = NULL;

	if (!error)
		close_gate();
	if (stock_open(here.store, &here.log, &here.gate))
		return wrong("it cannot be opened now");
	error = here.gate->operations->begin(here.gate, 0, &why);
	here.gate->operations->end(here.gate);
	close_gate();
	return error ? wrong("it cannot write now: %s", why) : is_clean();
}

static void nothing(void)
{
}

/* --- a database is read --- */

static struct isif_database *database;

static void open_database(const struct stock_case *what)
{
	open_gate(what);
	here.names = isif_names_new();
	if (!here.names)
		abort();
}

static void close_database(void)
{
	isif_names_free(here.names);
	close_gate();
}

static enum isif_error run_database(void)
{
	bool more;
	enum isif_error error = isif_database_open(here.gate, here.names, &here.log, &database);

	for (int i = 0; !error && i < 3; i++)
		isif_database_work(database, UINT64_MAX, &more);
	return error;
}

static void count_iface(void *count, struct isif_iface_record *iface, const char *file)
{
	(void)iface;
	(void)file;
	++*(unsigned *)count;
}

static void count_node(void *count, struct isif_node *node)
{
	(void)node;
	++*(unsigned *)count;
}

/* All that the stock has, and nothing that cannot be read. */
static bool is_whole(void)
{
	struct isif_database_counts counts;
	unsigned ifaces = 0, nodes = 0;

	isif_database_each_iface(database, count_iface, &ifaces);
	isif_database_each_node(database, count_node, &nodes);
	isif_database_counts(database, &counts);
	return ifaces == 3 && nodes == 5 && !counts.bad_records;
}

static bool database_holds(enum isif_error error)
{
	bool more, good = true;

	if (error)
		return run_database() ? wrong("it cannot be opened now") : database_holds(ISIF_OK);
	/* What is half-written, or seems so, is read again in a moment. */
	if (!is_whole() && !told.complaints && isif_database_due(database) == UINT64_MAX)
		good = wrong("something is missing, and the log does not say so");
	isif_database_resync(database);
	isif_database_work(database, UINT64_MAX, &more);
	isif_database_changes(database, UINT64_MAX);
	if (!is_whole())
		good = wrong("read again, it is not whole");
	isif_database_close(database);
	return good;
}

/* --- a transaction --- */

static struct {
	const struct stock_case *what;
	char *old_tree, *new_tree;
} change;

static enum isif_error do_change(void)
{
	const struct isif_privileged_operations *operations = here.gate->operations;
	const char *why = NULL;
	size_t at;
	enum isif_error error = operations->begin(here.gate, 0, &why);

	if (error)
		return error;
	error = operations->stage(here.gate, "state", "new\n", 4);
	if (!error)
		error = operations->commit(here.gate, change.what->edits, change.what->count, &at);
	return error;
}

static enum isif_error run_change(void)
{
	enum isif_error error = do_change();

	here.gate->operations->end(here.gate);
	return error;
}

/* The database, and what the state file says. */
static char *everything(void)
{
	char line[16] = "none\n";
	char *tree = tree_text(here.database), *all;
	FILE *file = fopen(path_of("state/state"), "re");

	if (file && !fgets(line, sizeof(line), file))
		line[0] = '\0';
	if (file)
		fclose(file);
	if (asprintf(&all, "%sstate: %s", tree, line) < 0)
		abort();
	free(tree);
	return all;
}

static bool is_now(const char *tree)
{
	char *now = everything();
	bool same = !strcmp(now, tree);

	free(now);
	return same;
}

static void open_change(const struct stock_case *what)
{
	change.what = what;
	open_gate(NULL);
	put_file("state/state", "old\n");
	change.old_tree = everything();
	if (run_change())
		abort();
	change.new_tree = everything();
	close_gate();
	open_gate(NULL);
	put_file("state/state", "old\n");
}

static void close_change(void)
{
	close_gate();
	free(change.old_tree);
	free(change.new_tree);
}

/* Done, and undone: as it was. */
static bool can_change(void)
{
	enum isif_error error = do_change();
	bool good = !error && is_now(change.new_tree);

	if (!good)
		wrong("the same does not succeed now: %s", isif_error_text(error));
	if (here.gate->operations->undo(here.gate))
		good = wrong("it cannot be undone now");
	here.gate->operations->end(here.gate);
	return good && (is_now(change.old_tree) || wrong("what is undone is not the old one"));
}

static bool change_holds(enum isif_error error)
{
	bool happened = is_now(change.new_tree), good = happened || is_now(change.old_tree);
	char *now = everything();

	if (tree_is_broken(now))
		good = wrong("half a record, or a link that leads nowhere:\n%s", now);
	else if (error == ISIF_UNDO_FAILED)
		good = told.complaints || wrong("the log does not say so");
	else if (!good)
		wrong("neither the old nor the new one:\n%s", now);
	else if (happened == (error != ISIF_OK))
		good = wrong("that is not what was answered");
	free(now);
	if (error != ISIF_UNDO_FAILED && !is_clean())
		good = false;
	if (error != ISIF_UNDO_FAILED && !is_now(change.old_tree)) {
		close_gate();
		open_gate(NULL);
		put_file("state/state", "old\n");
	}
	return can_change() && is_clean() && good;
}

/* --- a batch --- */

static const char *const nodes[] = {
	"nodes/iqn.a/192.0.2.1,3260,1/if0",
	"nodes/iqn.a/192.0.2.1,3260,1/if1",
	"nodes/iqn.a/192.0.2.2,3260,1/if0",
	"nodes/iqn.b/192.0.2.3,3260,1/if0",
};
#define NODES (sizeof(nodes) / sizeof(*nodes))

static struct {
	unsigned turn;
	char fresh[16];
	struct isif_edit_line line;
	struct isif_edit edits[NODES];
} batch;

/* Each turn has a number of its own, so that what a record says is of this turn or not. */
static enum isif_error run_batch(void)
{
	const struct isif_privileged_operations *operations = here.gate->operations;
	const char *why = NULL;
	unsigned pause;
	enum isif_error error;

	snprintf(batch.fresh, sizeof(batch.fresh), "%u", 1000 + ++batch.turn);
	batch.line = (struct isif_edit_line){ "iface.mtu", NULL, batch.fresh };
	for (size_t i = 0; i < NODES; i++)
		batch.edits[i] = (struct isif_edit){ .kind = ISIF_EDIT_LINES,
						     .path = nodes[i],
						     .lines = &batch.line,
						     .line_count = 1,
						     .error = ISIF_INCOMPLETE };
	error = operations->batch_begin(here.gate, batch.edits, NODES, &why);
	if (error)
		return error;
	for (int i = 0; i < STEPS; i++) {
		struct pollfd wait = { .events = POLLIN };

		error = operations->batch_work(here.gate, UINT64_MAX, &pause);
		if (error != ISIF_INCOMPLETE)
			break;
		wait.fd = operations->batch_descriptor(here.gate);
		poll(&wait, 1, pause == UINT32_MAX ? PATIENCE : (int)pause);
	}
	operations->batch_end(here.gate);
	for (size_t i = 0; i < NODES && !error; i++)
		error = batch.edits[i].error;
	return error;
}

/* True if the record is whole; *fresh: and of this turn. */
static bool read_node(const char *node, bool *fresh)
{
	char path[64], text[4096], line[40];
	FILE *file;
	size_t length;

	snprintf(path, sizeof(path), "db/%s", node);
	file = fopen(path_of(path), "re");
	length = file ? fread(text, 1, sizeof(text) - 1, file) : 0;
	text[length] = '\0';
	if (file)
		fclose(file);
	snprintf(line, sizeof(line), "\niface.mtu = %s\n", batch.fresh);
	*fresh = strstr(text, line);
	return strstr(text, "# BEGIN RECORD ") == text && strstr(text, "# END RECORD\n") &&
	       strstr(text, "node.session.auth.password = wonderland\n");
}

static bool batch_holds(enum isif_error error)
{
	bool good = true, fresh;

	(void)error;
	for (size_t i = 0; i < NODES; i++) {
		if (!read_node(nodes[i], &fresh))
			good = wrong("%s is half written", nodes[i]);
		if (!batch.edits[i].error && !fresh)
			good = wrong("%s was not written, and that is not told", nodes[i]);
	}
	if (!is_clean())
		good = false;
	error = run_batch();
	for (size_t i = 0; i < NODES && !error; i++)
		if (!read_node(nodes[i], &fresh) || !fresh)
			return wrong("%s is not written now", nodes[i]);
	return !error ? good : wrong("it does not succeed now: %s", isif_error_text(error));
}

/* --- the copy of the database --- */

static enum isif_error run_backup(void)
{
	const struct isif_privileged_operations *operations = here.gate->operations;
	const char *where;
	enum isif_error error;

	for (int i = 0; i < STEPS; i++) {
		struct pollfd end = { .events = POLLIN };

		error = operations->backup(here.gate, &where);
		if (error != ISIF_INCOMPLETE)
			break;
		end.fd = operations->backup_descriptor(here.gate);
		poll(&end, 1, PATIENCE);
		/* Between its last word and its end there is a moment. */
		poll(NULL, 0, 1);
	}
	return error;
}

static bool is_copied(void)
{
	char *copy = tree_text(path_of("state/backup")), *original = tree_text(here.database);
	bool same = !strcmp(copy, original);

	free(copy);
	free(original);
	return same;
}

static bool backup_holds(enum isif_error error)
{
	char command[PATH_MAX + 16];
	bool good = true;

	if (is_there("state/backup") ? !is_copied() : !error)
		good = wrong("it is not a whole copy");
	if (error && is_there("state/backup") && !strcmp(fault_seen()->name, "fsync"))
		good = wrong("it is there, although a crash may take it away");
	error = run_backup();
	if (error || !is_copied())
		good = wrong("it cannot be made now: %s", isif_error_text(error));
	if (is_there("state/backup.new"))
		good = wrong("half a copy stays");
	snprintf(command, sizeof(command), "rm -rf %s", path_of("state/backup"));
	return !system(command) && good;
}

/* --- iscsiadm --- */

#define SAYS "what it says\n"

static struct {
	struct commands *commands;
	int code;
	bool cut, said;
} command;

static void open_command(const struct stock_case *what)
{
	make_stock(what);
	put_file("iscsiadm", "#!/bin/sh\necho " SAYS "exit 6\n");
	if (commands_open(path_of("iscsiadm"), here.store, NULL, &command.commands))
		abort();
}

static void close_command(void)
{
	commands_close(command.commands);
}

static enum isif_error run_command(void)
{
	struct isif_command_outcome outcome = { 0 };
	unsigned number;
	enum isif_error error =
		command_begin(command.commands,
			      &(const struct isif_command){
				      .verb = ISIF_VERB_LOGOUT, .sid = 1, .timeout = PATIENCE },
			      &number);

	if (error)
		return error;
	for (int i = 0; i < STEPS; i++) {
		struct pollfd one = { .events = POLLIN };

		error = command_work(command.commands, number, &outcome);
		if (error != ISIF_INCOMPLETE)
			break;
		one.fd = command_descriptor(command.commands, number);
		poll(&one, 1, PATIENCE);
	}
	command.code = outcome.code;
	command.cut = outcome.cut;
	command.said = outcome.output && !strcmp(outcome.output, SAYS);
	command_end(command.commands, number);
	return error;
}

static bool command_holds(enum isif_error error)
{
	/* Whose output nobody reads may end by SIGPIPE. */
	bool good =
		error || command.code == -1 || (command.code == 6 && (command.said || command.cut));

	if (!good)
		wrong("it ended with %d, or what it said is lost", command.code);
	error = run_command();
	if (error || command.code != 6 || !command.said)
		good = wrong("it cannot be run now: %s", isif_error_text(error));
	return good;
}

/* --- a monitor --- */

static struct {
	struct isif_monitor *monitor;
	uint32_t indexes[5]; /* of the bindings */
} watching;

static void open_watching(const struct stock_case *what)
{
	char directory[PATH_MAX];

	make_stock(what);
	snprintf(directory, sizeof(directory), "%s", path_of("sys/class/iscsi_transport/tcp/"));
	make_directories(directory);
	snprintf(directory, sizeof(directory), "%s", path_of("sys/class/iscsi_session/session1/"));
	make_directories(directory);
	put_file("initiatorname.iscsi", "InitiatorName=iqn.host\n");
	put_file("sys/class/iscsi_session/session1/targetname", "iqn.a\n");
	put_file("sys/class/iscsi_session/session1/ifacename", "if0\n");
	put_file("sys/class/iscsi_session/session1/state", "LOGGED_IN\n");
}

static enum isif_error start_watching(void)
{
	char sysfs[PATH_MAX];
	struct isif_monitor_options options = { .sysfs = sysfs, .log = here.log };
	enum isif_error error = stock_open(here.store, &here.log, &options.gate);

	snprintf(sysfs, sizeof(sysfs), "%s", path_of("sys"));
	if (!error)
		error = isif_monitor_open(&options, &watching.monitor);
	if (error)
		return error;
	error = isif_monitor_start(watching.monitor);
	if (error)
		isif_monitor_close(watching.monitor);
	return error;
}

/* A start, some turns of the loop, and the end. */
static enum isif_error run_watching(void)
{
	enum isif_error error = start_watching();

	if (error)
		return error;
	isif_monitor_configure(watching.monitor, &(const struct isif_monitor_configuration){
							 .rebind_mode = ISIF_REBIND_RECORD_ONLY,
							 .job_history = 128,
							 .writes = true });
	for (int i = 0; i < 4; i++) {
		isif_monitor_resync(watching.monitor);
		isif_monitor_run(watching.monitor);
	}
	isif_monitor_close(watching.monitor);
	return ISIF_OK;
}

/* All is there, and what has a number has it still. */
static bool watching_holds(enum isif_error error)
{
	const struct isif_snapshot *snapshot;
	bool good = !error || told.complaints || wrong("the log does not say so");

	error = start_watching();
	if (error)
		return wrong("it cannot start now: %s", isif_error_text(error));
	isif_monitor_run(watching.monitor);
	snapshot = isif_monitor_snapshot(watching.monitor);
	if (snapshot->iface_count != 5 || snapshot->binding_count != 5 ||
	    snapshot->session_count != 1 || snapshot->summary.bad_records)
		good = wrong("not all is there now: %u ifaces, %u bindings, %u sessions",
			     (unsigned)snapshot->iface_count, (unsigned)snapshot->binding_count,
			     (unsigned)snapshot->session_count);
	for (uint32_t i = 0; i < 5 && i < snapshot->binding_count; i++) {
		if (watching.indexes[i] && watching.indexes[i] != snapshot->bindings[i]->index &&
		    !told.complaints)
			good = wrong("binding %u is now %u, and the log does not say so",
				     (unsigned)watching.indexes[i],
				     (unsigned)snapshot->bindings[i]->index);
		watching.indexes[i] = snapshot->bindings[i]->index;
	}
	isif_monitor_close(watching.monitor);
	return good && is_clean();
}

/* --- all of them --- */

const struct operation tried[] = {
	{ "the gate is opened", false, make_stock, run_gate, gate_holds, nothing },
	{ "a database is read", false, open_database, run_database, database_holds,
	  close_database },
	{ "a transaction", true, open_change, run_change, change_holds, close_change },
	{ "a batch", false, open_gate, run_batch, batch_holds, close_gate },
	{ "the copy of the database", false, open_gate, run_backup, backup_holds, close_gate },
	{ "iscsiadm", false, open_command, run_command, command_holds, close_command },
	{ "a monitor", false, open_watching, run_watching, watching_holds, nothing },
};
const size_t tried_count = sizeof(tried) / sizeof(*tried);
