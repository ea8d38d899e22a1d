/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ISIF_LIB_SESSION_CHANGE_H
#define ISIF_LIB_SESSION_CHANGE_H

#include "job.h"

/*
 * One binding logged in or out: what every job that changes sessions is made of. iscsiadm asks
 * iscsid; whether it happened is what the kernel shows afterwards, whatever the exit code says.
 * Before a logout stands the guard. The wanted state follows, and is on disk before the first
 * logout: what goes then was asked for, even if we should not live to see it.
 */
struct session_change {
	/* Set by whoever begins it. */
	uint32_t binding;  /* index */
	bool login;	   /* else a logout of all its sessions */
	bool guard_only;   /* of a logout: ask the guard, and log nobody out */
	bool anywhere;	   /* a session over another device than the iface names is as good */
	bool force;	   /* of the job, for the guard */
	uint32_t patience; /* a login that fails is tried again for so long (ms) */

	/* What became of it: */
	bool changed;			 /* a session came, or went */
	int32_t error;			 /* as of a job; 0: it is as it was to be */
	char reason[ISIF_JOB_TEXT_SIZE]; /* in plain words, without the name of the binding */

	/* Its own. */
	enum {
		CHANGE_ASK,
		CHANGE_GUARD,
		CHANGE_COMMAND,
		CHANGE_VERIFY,
		CHANGE_AGAIN,
		CHANGE_OVER
	} phase;
	unsigned look_pause;
	unsigned command; /* number of the run; 0: none */
	uint32_t sid;	  /* that is being logged out */
	uint64_t until;	  /* when the kernel must show it, or it is tried again (monotonic ms) */
	uint64_t give_up; /* when a failure is final; 0: none came yet */
	int code;	  /* exit code */
	bool timed_out;
};

/* Works without waiting, as the run function of a kind does. True: it is over. */
bool session_change_run(struct session_change *change, const struct job_context *context,
			unsigned *pause);
/* What to wait on meanwhile, -1: nothing but the time and the next snapshot. */
int session_change_descriptor(const struct session_change *change,
			      const struct job_context *context);
/* Ends it as it stands, be it over or not. */
void session_change_end(struct session_change *change, const struct job_context *context);

/* "target via portal on iface", as an operator knows the binding. */
void session_change_label(const struct isif_binding *binding, char *text, size_t size);

#endif
