/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CRASH_TRACER_H
#define CRASH_TRACER_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Runs a function in a child of its own, stops it at each of its system calls, and does to it what
 * a rule says. Calls are counted from 1.
 */
enum { TRACE_CALLS = 8192 };

struct trace_rule {
	size_t kill_at;		   /* it is killed before this call is done; 0: never */
	size_t fail_from, fail_to; /* these calls do not happen and end with error; 0: none */
	int error;
	bool only_space; /* of those only the ones that need room on the disk */
};

struct trace {
	size_t count;		    /* of its calls */
	bool can_fail[TRACE_CALLS]; /* by its number: calls on files, which a disk can fail */
	bool needs_space[TRACE_CALLS];
	bool is_rename[TRACE_CALLS];
	bool killed;
	int status; /* its exit status */
};

/* False if this machine does not let us. */
bool trace_run(void (*run)(void *context), void *context, const struct trace_rule *rule,
	       struct trace *trace);

#endif
