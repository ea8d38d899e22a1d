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

static const struct {
	unsigned long number;
	unsigned kinds;
} file_calls[] = {
	{ SYS_openat, TRACE_FILE }, /* needs space if it makes a file */
	{ SYS_write, TRACE_FILE | TRACE_SPACE },
	{ SYS_pwrite64, TRACE_FILE | TRACE_SPACE },
	{ SYS_mkdirat, TRACE_FILE | TRACE_SPACE },
	{ SYS_symlinkat, TRACE_FILE | TRACE_SPACE },
	{ SYS_linkat, TRACE_FILE | TRACE_SPACE },
	{ SYS_renameat, TRACE_FILE | TRACE_RENAME },
	{ SYS_renameat2, TRACE_FILE | TRACE_RENAME | TRACE_RENAME2 },
	{ SYS_fsync, TRACE_FILE },
	{ SYS_fdatasync, TRACE_FILE },
	{ SYS_unlinkat, TRACE_FILE },
	{ SYS_fchmodat, TRACE_FILE },
	{ SYS_read, TRACE_FILE },
	{ SYS_pread64, TRACE_FILE },
	{ SYS_newfstatat, TRACE_FILE },
	{ SYS_fstat, TRACE_FILE },
	{ SYS_readlinkat, TRACE_FILE },
	{ SYS_getdents64, TRACE_FILE },
	{ SYS_flock, TRACE_FILE },
};

static unsigned char kinds_of(const struct user_regs_struct *registers)
{
	unsigned kinds = 0;

	for (size_t i = 0; i < sizeof(file_calls) / sizeof(*file_calls); i++)
		if (file_calls[i].number == registers->orig_rax)
			kinds = file_calls[i].kinds;
	if (registers->orig_rax == SYS_openat && (registers->rdx & O_CREAT))
		kinds |= TRACE_SPACE;
	return (unsigned char)kinds;
}

static bool fails(const struct trace *trace, const struct trace_rule *rule)
{
	return rule->fail_from && trace->count >= rule->fail_from &&
	       trace->count <= rule->fail_to && (trace->kinds[trace->count] & rule->which);
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
	trace->kinds[trace->count] = kinds_of(&registers);
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
