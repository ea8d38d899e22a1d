/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ISIF_LIB_JOB_LIST_H
#define ISIF_LIB_JOB_LIST_H

#include "job.h"

/* The list itself, for the files of the runner alone. */

#define JOB_LAST_INDEX 0x7fffffffu /* of iscsiIfaceJobIndex */

struct job_entry {
	struct isif_job job;		/* first: what is shown points at it */
	bool added, removed, cancelled; /* since the last job_keep() */
	void *work;			/* what its kind made for it, while it runs */
	uint64_t due; /* when it goes on (monotonic ms), UINT64_MAX: on its descriptor */
};

struct job_runner {
	struct isif_privileged *gate;
	struct isif_names *names;
	const struct isif_log *log;
	struct job_entry **entries;    /* sorted by index */
	const struct isif_job **shown; /* those of them that are not removed */
	size_t count, size, shown_count, shown_size;
	uint32_t next_implied, next_order;
	uint32_t history;
	uint32_t iscsiadm_timeout, session_timeout; /* ms */
	bool protect_in_use;
	struct state *state;
	struct job_effects effects;
	void (*listen)(void *context, const struct isif_job *job); /* NULL: nobody */
	void *listener;
	struct isif_rtnetlink *rtnetlink;
	bool in_change;	  /* since the last job_keep(): nothing starts and nothing runs */
	bool news;	  /* a job began or ended in this run */
	bool save_failed; /* and the log was told */
};

/* The kind's functions, NULL if this version does not have it. */
const struct job_kind *job_kind_of(enum isif_job_kind kind);

/* A job's entry; one that is removed, but not yet for good, is there, too. */
struct job_entry *job_entry_find(const struct job_runner *runner, uint32_t index);

/* Puts a copy of a job into the list, as it is. ISIF_EXISTS, ISIF_NO_MEMORY. */
enum isif_error job_entry_put(struct job_runner *runner, const struct isif_job *job,
			      struct job_entry **entry);

/* Forgets the oldest ended jobs, if they are more than are kept. */
void job_list_trim(struct job_runner *runner);

/* Forgets all. */
void job_list_clear(struct job_runner *runner);

/* job_file.c: reads the list into an empty runner; ISIF_NO_MEMORY alone is an error. */
enum isif_error job_file_read(struct job_runner *runner);
enum isif_error job_file_write(struct job_runner *runner);

#endif
