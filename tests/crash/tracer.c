/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tracer.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef __x86_64__

/* What a disk that fails, or one that is full, answers with an error. */
static const struct {
	unsigned long number;
	bool space;
} file_calls[] = {
	{ SYS_openat, false }, /* needs space if it makes a file */
	{ SYS_write, true },	  { SYS_pwrite64, true },    { SYS_mkdirat, true },
	{ SYS_mkdir, true },	  { SYS_symlinkat, true },   { SYS_linkat, true },
	{ SYS_fsync, false },	  { SYS_fdatasync, false },  { SYS_renameat, false },
	{ SYS_renameat2, false }, { SYS_unlinkat, false },   { SYS_fchmodat, false },
	{ SYS_read, false },	  { SYS_pread64, false },    { SYS_newfstatat, false },
	{ SYS_fstat, false },	  { SYS_readlinkat, false }, { SYS_getdents64, false },
	{ SYS_flock, false },
};

static void note_call(struct trace *trace, const struct user_regs_struct *registers)
{
	size_t at = trace->count;

	for (size_t i = 0; i < sizeof(file_calls) / sizeof(*file_calls); i++) {
		if (file_calls[i].number != registers->orig_rax)
			continue;
		trace->can_fail[at] = true;
		trace->needs_space[at] =
			file_calls[i].space ||
			(registers->orig_rax == SYS_openat && (registers->rdx & O_CREAT));
	}
	trace->is_rename[at] =
		registers->orig_rax == SYS_renameat || registers->orig_rax == SYS_renameat2;
}

static bool fails(const struct trace *trace, const struct trace_rule *rule)
{
	size_t at = trace->count;

	return at >= rule->fail_from && at <= rule->fail_to && rule->fail_from &&
	       (rule->only_space ? trace->needs_space[at] : trace->can_fail[at]);
}

/* Lets it go on to its next stop: at a system call, or at its end. */
static bool next_stop(pid_t child, int *status)
{
	return !ptrace(PTRACE_SYSCALL, child, NULL, NULL) && waitpid(child, status, 0) == child;
}

/* Before a call; false: it is not to go on. */
static bool enter_call(pid_t child, const struct trace_rule *rule, struct trace *trace,
		       bool *failing)
{
	struct user_regs_struct registers;

	if (++trace->count >= TRACE_CALLS || ptrace(PTRACE_GETREGS, child, NULL, &registers))
		return false;
	note_call(trace, &registers);
	if (trace->count == rule->kill_at)
		return false;
	*failing = fails(trace, rule);
	if (!*failing)
		return true;
	registers.orig_rax = UINT64_MAX; /* no such call */
	return !ptrace(PTRACE_SETREGS, child, NULL, &registers);
}

static bool leave_call(pid_t child, const struct trace_rule *rule)
{
	struct user_regs_struct registers;

	if (ptrace(PTRACE_GETREGS, child, NULL, &registers))
		return false;
	registers.rax = (unsigned long)-(long)rule->error;
	return !ptrace(PTRACE_SETREGS, child, NULL, &registers);
}

static void follow(pid_t child, const struct trace_rule *rule, struct trace *trace)
{
	bool inside = false, failing = false;
	int status = 0;

	while (next_stop(child, &status) && WIFSTOPPED(status)) {
		if (WSTOPSIG(status) != (SIGTRAP | 0x80))
			continue;
		inside = !inside;
		if (inside ? enter_call(child, rule, trace, &failing)
			   : !failing || leave_call(child, rule))
			continue;
		trace->killed = true;
		kill(child, SIGKILL);
		waitpid(child, &status, 0);
		return;
	}
	trace->status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

bool trace_run(void (*run)(void *context), void *context, const struct trace_rule *rule,
	       struct trace *trace)
{
	pid_t child;
	int status;

	*trace = (struct trace){ 0 };
	child = fork();
	if (child < 0)
		return false;
	if (child == 0) {
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL))
			_exit(1);
		raise(SIGSTOP);
		run(context);
		_exit(0);
	}
	if (waitpid(child, &status, 0) != child || !WIFSTOPPED(status) ||
	    ptrace(PTRACE_SETOPTIONS, child, NULL, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL))
		return false;
	follow(child, rule, trace);
	return true;
}

#else

bool trace_run(void (*run)(void *context), void *context, const struct trace_rule *rule,
	       struct trace *trace)
{
	(void)run;
	(void)context;
	(void)rule;
	(void)trace;
	return false; /* registers have other names here */
}

#endif
