/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The store's promise: whatever ends a transaction, at whichever of its system calls, all of it
 * happened or nothing. A child does one; it is killed before its n-th system call, or that call
 * and others fail as on a disk that is broken, full or read-only. Then the database is opened
 * anew, and must be the old or the new one with nothing left over.
 *
 *     crash [all]      all: at every system call; else at some, evenly spread
 */
#include "stock.h"
#include "tracer.h"
#include "tree.h"

#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define TIME_LIMIT 1200 /* seconds; what hangs must fail */
#define SOME	   24	/* of the system calls of a transaction, where not all are tried */

/* What the child tells of itself, in memory that it shares with us. */
struct told {
	enum isif_error begin, commit, undo;
	bool has_begun, has_committed, has_undone;
};

static struct {
	char directory[64], store[128], database[160];
	const struct stock_case *what;
	bool undo;    /* commit, then undo */
	bool another; /* somebody else writes a record after a crash */
	bool staged;  /* a file of the state directory changes with the records */
	struct told *told;
	char *old_tree, *new_tree;
	bool all, failed;
} crash;

static bool fault(const char *what, size_t at)
{
	printf("# %s, at system call %zu\n", what, at);
	return false;
}

static void end_test(bool good, const char *text, const struct stock_case *what, size_t count)
{
	printf("%s - crash: %s: %s (%zu tries)\n", good ? "ok" : "not ok", what->name, text, count);
	fflush(stdout);
	crash.failed |= !good;
}

static void change(struct isif_privileged *gate)
{
	const struct isif_privileged_operations *operations = gate->operations;
	const char *why;
	size_t at;

	crash.told->begin = operations->begin(gate, 0, &why);
	crash.told->has_begun = true;
	if (crash.told->begin)
		return;
	if (crash.staged)
		crash.told->commit = operations->stage(gate, "state", "new\n", 4);
	if (!crash.told->commit)
		crash.told->commit =
			operations->commit(gate, crash.what->edits, crash.what->count, &at);
	crash.told->has_committed = true;
	if (crash.undo) {
		crash.told->undo = operations->undo(gate);
		crash.told->has_undone = true;
	}
	operations->end(gate);
}

static void run_change(void *context)
{
	change(context);
}

static void open_and_close(void *context)
{
	struct isif_privileged *gate;

	(void)context;
	if (!stock_open(crash.store, NULL, &gate))
		isif_privileged_close(gate);
}

/* The database, and what the state file says. */
static char *everything(void)
{
	char path[PATH_MAX], line[16] = "none\n";
	char *tree = tree_text(crash.database), *all;
	FILE *file;

	snprintf(path, sizeof(path), "%s/state/state", crash.store);
	file = fopen(path, "re");
	if (file && !fgets(line, sizeof(line), file))
		abort();
	if (file)
		fclose(file);
	if (asprintf(&all, "%sstate: %s", tree, line) < 0)
		abort();
	free(tree);
	return all;
}

/* What is there before a try. */
static void make_stock(void)
{
	char path[PATH_MAX];
	FILE *file;

	stock_make(crash.store);
	if (!crash.staged)
		return;
	snprintf(path, sizeof(path), "%s/state/state", crash.store);
	file = fopen(path, "we");
	if (!file || fputs("old\n", file) < 0 || fclose(file))
		abort();
}

/* One try, from a new database; false if this machine cannot do it. */
static bool try_change(const struct trace_rule *rule, struct trace *trace)
{
	struct isif_privileged *gate;
	bool can;

	make_stock();
	*crash.told = (struct told){ 0 };
	if (stock_open(crash.store, NULL, &gate))
		return false;
	can = trace_run(run_change, gate, rule, trace);
	isif_privileged_close(gate);
	return can;
}

/* Whether the database is the old one or the new one, of those that it may be. */
static bool is_one_of(bool may_be_old, bool may_be_new)
{
	char *now = everything();
	bool good = (may_be_old && !strcmp(now, crash.old_tree)) ||
		    (may_be_new && !strcmp(now, crash.new_tree));

	if (!good)
		printf("# the database is:\n%s\n", now);
	free(now);
	return good;
}

/* Opens it anew: nothing is left over, and it can be written. */
static bool is_clean(size_t at)
{
	struct isif_privileged *gate;
	char lock[PATH_MAX];
	const char *why = "it cannot be opened";
	bool good = true;

	snprintf(lock, sizeof(lock), "%s/lock/lock.write", crash.store);
	if (stock_open(crash.store, NULL, &gate))
		return fault(why, at);
	if (!access(lock, F_OK))
		good = fault("its lock stays", at);
	if (gate->operations->begin(gate, 0, &why))
		good = fault(why, at);
	gate->operations->end(gate);
	isif_privileged_close(gate);
	if (tree_is_littered(crash.database))
		good = fault("files of ours stay", at);
	return good;
}

/* Without anybody to repair it: iscsiadm can read every record, and no link leads nowhere. */
static bool is_usable(size_t at)
{
	char *now = tree_text(crash.database);
	bool broken = tree_is_broken(now);

	free(now);
	return !broken || fault("a record is half there, or a link leads nowhere", at);
}

/* As iscsiadm does, in place. */
static void write_meanwhile(void)
{
	char path[PATH_MAX];
	FILE *file;

	if (!crash.another)
		return;
	snprintf(path, sizeof(path), "%s/ifaces/if0", crash.database);
	file = fopen(path, "we");
	if (!file || fputs(STOCK_IFACE("if0", "of-another"), file) < 0 || fclose(file))
		abort();
}

static bool survives_kill(const struct trace_rule *rule, struct trace *trace)
{
	const struct told *told = crash.told;
	size_t at = rule->kill_at;

	if (!try_change(rule, trace))
		return fault("it cannot be traced", at);
	if (!is_usable(at))
		return false;
	write_meanwhile();
	if (!is_clean(at))
		return false;
	/* What was answered holds. */
	if (!is_one_of(!told->has_committed || told->commit || crash.undo,
		       !told->has_undone && !told->commit))
		return fault("it is neither the old nor the new one", at);
	return true;
}

static size_t stride(size_t count)
{
	return crash.all || count <= SOME ? 1 : count / SOME;
}

/* Killed at any time from a call on; the rule may have some calls fail. */
static void test_kill(struct trace_rule rule, size_t from, const char *text)
{
	struct trace trace;
	size_t count, tries = 0;
	bool good = try_change(&rule, &trace);

	count = trace.count;
	for (size_t n = from; good && n <= count; n += stride(count), tries++) {
		rule.kill_at = n;
		good = survives_kill(&rule, &trace);
	}
	end_test(good, text, crash.what, tries);
}

/* The start that repairs is killed, too. */
static bool survives_second_kill(size_t first, size_t *tries)
{
	struct trace trace;
	size_t count = 1;

	for (size_t n = 1; n <= count; n += stride(count), ++*tries) {
		if (!try_change(&(struct trace_rule){ .kill_at = first }, &trace) ||
		    !trace_run(open_and_close, NULL, &(struct trace_rule){ 0 }, &trace))
			return fault("it cannot be traced", first);
		count = trace.count;
		if (!try_change(&(struct trace_rule){ .kill_at = first }, &trace) ||
		    !trace_run(open_and_close, NULL, &(struct trace_rule){ .kill_at = n }, &trace))
			return fault("it cannot be traced", first);
		if (!is_usable(n) || !is_clean(n) || !is_one_of(true, true))
			return fault("it is neither the old nor the new one", n);
	}
	return true;
}

static void test_second_kill(void)
{
	struct trace trace;
	size_t tries = 0, count;
	bool good = try_change(&(struct trace_rule){ 0 }, &trace);

	count = trace.count;
	for (size_t n = count / 4; good && n <= count; n += count / 4)
		good = survives_second_kill(n, &tries);
	end_test(good, "killed, and killed again while the next start repairs it", crash.what,
		 tries);
}

/* The answer is true, and names the error of the disk. */
static bool tells_truth(const struct trace_rule *rule)
{
	const struct told *told = crash.told;
	bool is_full = told->commit == ISIF_FULL || told->commit == ISIF_LIMIT;

	if (told->begin)
		return is_one_of(true, false);
	/* The next start tries again. */
	if (told->undo == ISIF_UNDO_FAILED || told->commit == ISIF_UNDO_FAILED)
		return rule->which != TRACE_SPACE;
	if (!told->commit)
		return is_one_of(crash.undo, !crash.undo);
	return is_one_of(true, false) &&
	       (rule->error == ENOSPC ? is_full : told->commit == ISIF_IO);
}

static bool survives_fault(const struct trace_rule *rule)
{
	struct trace trace;
	size_t at = rule->fail_from;

	if (!try_change(rule, &trace) || trace.status)
		return fault("it cannot be traced", at);
	if (!tells_truth(rule)) {
		printf("# begin: %s, commit: %s, undo: %s\n", isif_error_text(crash.told->begin),
		       isif_error_text(crash.told->commit), isif_error_text(crash.told->undo));
		return fault(strerror(rule->error), at);
	}
	if (!is_clean(at))
		return false;
	return is_one_of(true, !crash.undo) || fault("it is not the one that it must be", at);
}

static void test_faults(int error, bool for_good, const char *text)
{
	static struct trace all;
	struct trace_rule rule = { .error = error,
				   .which = error == ENOSPC ? TRACE_SPACE : TRACE_FILE };
	size_t tries = 0;
	bool good = try_change(&rule, &all);

	for (size_t n = 1; good && n <= all.count; n += stride(all.count)) {
		size_t at = n;

		/* The next one that can fail. */
		while (at < all.count && !(all.kinds[at] & rule.which))
			at++;
		rule.fail_from = at;
		rule.fail_to = for_good ? TRACE_CALLS : at;
		good = survives_fault(&rule);
		tries++;
	}
	end_test(good, text, crash.what, tries);
}

/* The last rename of the commit fails, and what was done before is undone: killed meanwhile. */
static void test_kill_while_undoing(void)
{
	static struct trace trace;
	struct trace_rule rule = { .error = EIO, .which = TRACE_RENAME };

	if (!try_change(&rule, &trace))
		return;
	for (size_t n = 1; n <= trace.count; n++)
		if (trace.kinds[n] & TRACE_RENAME)
			rule.fail_from = rule.fail_to = n;
	test_kill(rule, rule.fail_to + 1, "killed while a commit that failed is undone");
}

/* A file system that cannot rename to a free place only. */
static void test_plain_rename(void)
{
	static struct trace trace;
	const struct trace_rule rule = {
		.error = EINVAL, .which = TRACE_RENAME2, .fail_from = 1, .fail_to = TRACE_CALLS
	};
	bool good = try_change(&rule, &trace) && !crash.told->commit && is_one_of(false, true);

	end_test(good, "without RENAME_NOREPLACE", crash.what, 1);
	test_kill(rule, 1, "without RENAME_NOREPLACE, killed");
}

static void prepare(const struct stock_case *what, bool undo)
{
	struct isif_privileged *gate;

	crash.what = what;
	crash.undo = false;
	make_stock();
	free(crash.old_tree);
	free(crash.new_tree);
	write_meanwhile();
	crash.old_tree = everything();
	make_stock();
	if (stock_open(crash.store, NULL, &gate))
		abort();
	change(gate);
	isif_privileged_close(gate);
	write_meanwhile();
	crash.new_tree = everything();
	crash.undo = undo;
}

static void test_case(const struct stock_case *what)
{
	prepare(what, false);
	test_kill((struct trace_rule){ 0 }, 1, "killed");
	test_faults(EIO, false, "one error of the disk");
	test_faults(EIO, true, "a disk that fails for good");
	test_faults(EROFS, true, "a disk that becomes read-only");
	test_faults(ENOSPC, true, "a disk that is full");
}

static bool can_trace(void)
{
	struct trace trace;

	stock_make(crash.store);
	return trace_run(open_and_close, NULL, &(struct trace_rule){ 0 }, &trace);
}

static void test_all(void)
{
	for (size_t i = 0; i < stock_case_count; i++)
		test_case(&stock_cases[i]);
	prepare(&stock_cases[stock_case_count - 1], true);
	test_kill((struct trace_rule){ 0 }, 1, "killed in a commit or its undo");
	test_faults(EIO, false, "one error of the disk in a commit or its undo");
	prepare(&stock_cases[stock_case_count - 1], false);
	test_kill_while_undoing();
	test_plain_rename();
	test_second_kill();
	crash.another = true;
	prepare(&stock_cases[stock_case_count - 1], false);
	test_kill((struct trace_rule){ 0 }, 1, "killed, and another one writes a record meanwhile");
	crash.another = false;
	crash.staged = true;
	for (size_t i = 0; i < stock_case_count; i += stock_case_count - 1) {
		prepare(&stock_cases[i], true);
		test_kill((struct trace_rule){ 0 }, 1, "killed, with a file of the state");
		test_faults(EIO, false, "one error of the disk, with a file of the state");
		prepare(&stock_cases[i], false);
		test_kill((struct trace_rule){ 0 }, 1, "killed, with a file of the state, no undo");
		test_faults(ENOSPC, true, "a full disk, with a file of the state");
		test_second_kill();
	}
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *ftw)
{
	(void)status;
	(void)type;
	(void)ftw;
	return remove(path);
}

int main(int count, char **arguments)
{
	const char *below = getenv("TMPDIR");

	if (!below)
		below = access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm";
	alarm(TIME_LIMIT);
	crash.all = count > 1 && !strcmp(arguments[1], "all");
	crash.told = mmap(NULL, sizeof(*crash.told), PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	snprintf(crash.directory, sizeof(crash.directory), "%s/isif-crash-XXXXXX", below);
	if (crash.told == MAP_FAILED || !mkdtemp(crash.directory))
		return 1;
	snprintf(crash.store, sizeof(crash.store), "%s/store", crash.directory);
	snprintf(crash.database, sizeof(crash.database), "%s/db", crash.store);
	if (can_trace())
		test_all();
	else
		printf("skip - crash: this machine does not let a program trace its child\n");
	free(crash.old_tree);
	free(crash.new_tree);
	nftw(crash.directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	return crash.failed;
}
