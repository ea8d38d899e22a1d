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

/* What kind of calls can be made to fail. */
enum trace_kind {
	TRACE_FILE = 1,	   /* all that a disk can fail */
	TRACE_SPACE = 2,   /* of those the ones that need room on it */
	TRACE_RENAME = 4,  /* all renames */
	TRACE_RENAME2 = 8, /* renameat2, which some file systems do not have */
};

struct trace_rule {
	size_t kill_at;		   /* it is killed before this call is done; 0: never */
	size_t fail_from, fail_to; /* these calls do not happen and end with error; 0: none */
	int error;
	enum trace_kind which;
};

struct trace {
	size_t count;			  /* of its calls */
	unsigned char kinds[TRACE_CALLS]; /* of each, as enum trace_kind has them */
	bool killed;
	int status; /* its exit status */
};

/* False if this machine does not let us. */
bool trace_run(void (*run)(void *context), void *context, const struct trace_rule *rule,
	       struct trace *trace);

#endif
