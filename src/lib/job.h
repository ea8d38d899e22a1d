/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ISIF_LIB_JOB_H
#define ISIF_LIB_JOB_H

#include <isif/job.h>
#include <isif/privileged.h>
#include <isif/transaction.h>

/*
 * The job runner: what was asked for, what runs, what ended.
 *   job.c            the runner
 *   job_list.c       the list, and changes of it that can be taken back
 *   job_file.c       the list on disk: a restart knows every job, and goes on with the open ones
 *   job_propagate.c  the kind that rewrites the iface's copies in its node records
 *   job_discover.c   the kind that discovers and binds; discovery.c knows what it has found
 *   job_unbind.c     the kind that removes bindings; unbind_plan.c is what a crash leaves of it
 *   removal.c        node records removed, a lot at a time
 *   job_session.c    the kinds that log in and out; session_change.c does so with one binding
 *   job_rebind.c     the kind that moves sessions to another path; rebind_check.c looks first,
 *                    rebind_plan.c can take it back, rebind_records.c writes the records
 *   job_move.c       the kind that moves one binding and its session to another iface;
 *                    move_plan.c is what it must know
 *   job_apply.c      the kind that sets an offload port; port_message.h says the rest
 *   way.c            what failed on the way of a job, and on the way back
 *   path_probe.c     a probe within another job
 *   session_disks.c  the disks that must be seen over the new path; disk_wait.c waits for them
 *   job_probe.c      the kind that tries whether portals can be reached over an iface
 *   guard.c          whether a session may be logged out; guard_group.c: whether several may
 * A kind is one line in the table of job.c: its functions below.
 */

struct job_runner;
struct state;

/* What a kind wants done for it before it is asked again. */
struct job_effects {
	bool look;  /* find the sessions that came or went: what the kernel has now counts */
	bool judge; /* it changed the state: build a new snapshot */
	bool ports; /* read the offload ports anew: what they have makes no event */
};

/* What a kind works with; the snapshot changes from call to call. */
struct job_context {
	struct job_runner *runner; /* for job_save(): a plan on disk */
	struct isif_privileged *gate;
	struct isif_snapshot *snapshot;
	const struct isif_log *log;
	uint64_t now;		   /* monotonic ms */
	uint32_t iscsiadm_timeout; /* ms that iscsiadm has for a discovery */
	uint32_t session_timeout;  /* ms that it has for a login or a logout */
	bool protect_in_use;	   /* no job may log out a session whose disk is in use */
	struct state *state;
	struct job_effects *effects;
	struct isif_rtnetlink *rtnetlink; /* for questions about routes */
};

/* Of the jobs in one lane one runs at a time, in the order in which they were asked for. */
enum job_lane {
	JOB_LANE_SESSIONS, /* those that change sessions */
	JOB_LANE_RECORDS,  /* those that rewrite records: the gate has one batch at a time */
	JOB_LANE_PROBES,   /* those that ask over the network, and change no session */
	JOB_LANE_PORTS,	   /* those that set offload ports, and may wait long for an adapter */
	JOB_LANES,
};

/* What a step of some work came to: it can go on at once, must wait, or is over. */
enum outcome { GO_ON, WAIT, ENDED };

/* A kind of job. work is what start made for it, freed by end. */
struct job_kind {
	const char *name; /* as in messages */
	enum job_lane lane;
	/* False: it has failed already, and job says why. */
	bool (*start)(struct isif_job *job, const struct job_context *context, void **work);
	/*
	 * Takes one step without waiting; one of many parts stops when the monotonic clock (ns)
	 * passes deadline. Before ENDED its state, error, results and step are in job; with WAIT,
	 * *pause, which is 0, gets how many milliseconds it can wait without its descriptor
	 * (UINT_MAX: not at all). With job->control ISIF_JOB_CANCEL it ends at its next safe point.
	 */
	enum outcome (*step)(struct isif_job *job, const struct job_context *context, void *work,
			     uint64_t deadline, unsigned *pause);
	int (*descriptor)(const struct job_context *context, void *work); /* -1: none */
	/* Ends the work as it stands, be it done or not. */
	void (*end)(const struct job_context *context, void *work);
	/* NULL, or whether sessions may drop by it: then none that changes sessions begins. */
	bool (*disrupts)(const void *work);
};

extern const struct job_kind job_login;
extern const struct job_kind job_logout;
extern const struct job_kind job_rebind;
extern const struct job_kind job_move; /* a rebind of one binding, to another iface */
extern const struct job_kind job_discover;
extern const struct job_kind job_probe;
extern const struct job_kind job_apply;
extern const struct job_kind job_unbind;
extern const struct job_kind job_propagate;

/* What a kind says of its job; texts are cut to fit, never inside a character of UTF-8. */
void job_step(struct isif_job *job, const char *format, ...) __attribute__((format(printf, 2, 3)));
void job_fail(struct isif_job *job, enum isif_job_error error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#define JOB_HISTORY    128    /* ended jobs that are kept, until somebody says otherwise */
#define JOB_OPEN_LIMIT 1024   /* with so many open jobs managers can add none */
#define JOB_TIMEOUT    120000 /* ms for iscsiadm, until somebody says otherwise */
#define JOB_SESSION                                                                                \
	180000 /* ms for a login or a logout, likewise: open-iscsi's own retries                   \
		  take up to 120 s (node.session.initial_login_retry_max) */

/* Reads the list ("jobs" in the state directory, through the gate). Open jobs begin anew. */
enum isif_error job_runner_open(struct isif_privileged *gate, struct isif_names *names,
				const struct isif_log *log, struct job_runner **runner);
void job_runner_close(struct job_runner *runner);
void job_runner_set_history(struct job_runner *runner, uint32_t ended_jobs_kept);
void job_runner_set_iscsiadm_timeout(struct job_runner *runner, uint32_t milliseconds);
/* Whom the kinds may ask about routes; borrowed. */
void job_runner_set_rtnetlink(struct job_runner *runner, struct isif_rtnetlink *rtnetlink);
/* 0 ms: as it is. */
void job_runner_set_session_terms(struct job_runner *runner, uint32_t milliseconds,
				  bool protect_in_use);
/* Who is told of each job that ends, from within job_run(). */
void job_runner_set_listener(struct job_runner *runner,
			     void (*listen)(void *context, const struct isif_job *job),
			     void *context);
/* Where the wanted states are; before anything runs. */
void job_runner_set_state(struct job_runner *runner, struct state *state);

const struct isif_job *job_find(const struct job_runner *runner, uint32_t index);
struct isif_job_list job_list(const struct job_runner *runner);

/*
 * Changes of the list by a transaction: each shows at once in memory; job_save() puts the list on
 * disk, and job_revert() takes back what was changed since the last job_keep(). Between a change
 * and one of these two no job starts, goes on or ends. ISIF_EXISTS: the index is in use (also by
 * a job that was removed in the same change); ISIF_LIMIT: JOB_OPEN_LIMIT.
 */
enum isif_error job_add(struct job_runner *runner, const struct isif_job *asked);
/* The index of the job that a change implies, from ISIF_JOB_FIRST_IMPLIED up. */
uint32_t job_implied_index(struct job_runner *runner);
void job_remove(struct job_runner *runner, uint32_t index); /* an ended one */
void job_cancel(struct job_runner *runner, uint32_t index); /* an open one */
enum isif_error job_save(struct job_runner *runner);
/* What job_save() writes into JOB_FILE, for who writes it together with something else. */
#define JOB_FILE "jobs" /* in the state directory */
enum isif_error job_text(const struct job_runner *runner, char **text, size_t *length);
void job_revert(struct job_runner *runner);
void job_keep(struct job_runner *runner);

/* Starts and runs jobs until the monotonic clock (ns) passes deadline. True if one began or ended.
 */
bool job_run(struct job_runner *runner, struct isif_snapshot *snapshot, uint64_t now,
	     uint64_t deadline);
/* What the jobs want done since this was asked last. */
struct job_effects job_take_effects(struct job_runner *runner);
/* When there is something to do without a descriptor (monotonic ms); UINT64_MAX: never. */
uint64_t job_due(const struct job_runner *runner);
/* What the job that runs in a lane waits on; -1: nothing. */
int job_descriptor(const struct job_runner *runner, struct isif_snapshot *snapshot,
		   enum job_lane lane);

/*
 * True if a job that changes sessions runs, or waits with a plan, and works on this iface, or with
 * node not NULL on this binding; iface may be NULL.
 */
bool job_works_on(const struct job_runner *runner, const struct isif_name *iface,
		  const struct isif_node *node);

/* True while another job that changes sessions runs. */
bool job_changes_sessions(const struct job_runner *runner, const struct isif_job *except);

/* Ends the work of the jobs that run, as it stands: they wait and begin anew, as after a restart.
 */
void job_suspend(struct job_runner *runner);

#endif
