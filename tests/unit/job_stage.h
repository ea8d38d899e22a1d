/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef UNIT_JOB_STAGE_H
#define UNIT_JOB_STAGE_H

#include "job.h"
#include "stage.h"

/*
 * A job on the stage: real files behind the real gate, a script as iscsiadm, and a snapshot that
 * knows of all that what the test lets it know. Time is the test's own.
 */
struct job_stage {
	struct isif_privileged *gate;
	struct job_runner *runner;
	uint64_t now;
	/* What a look at who uses the disks finds, whatever this machine has. */
	struct isif_look_disk disks[2];
	size_t disk_count;
	size_t looked_at; /* so many sessions in the first look; 0: there was none */
};
extern struct job_stage job_stage;

/* A suite's set-up and tear-down: db/, state/ and lock/ in the scratch directory. */
void job_stage_open(void);
void job_stage_close(void);
/* Nothing is written before there is a copy of the database: for tests that are not about it. */
void wait_for_backup(void);
/* After a test has closed the runner, and perhaps the gate. */
void job_stage_open_runner(void);
/* What a restart of the agent does to the jobs. */
void job_stage_restart(void);

/* The lines of a shell script; in it, $here is the scratch directory. */
void put_iscsiadm(const char *lines);
/* What iscsiadm was given since this was asked last, a line each time. */
bool was_asked(const char *lines);

/* A node record in db/, in the snapshot, or in both. */
void put_node(const char *path, const char *text);
void see_node(const char *path, const char *text);
void put_and_see(const char *path, const char *text);
/* The snapshot is to know of no node record. */
void forget_nodes(void);

/* Asks for a job; for job 1. */
void ask_as(uint32_t index, enum isif_job_kind kind, const char *iface, const char *target,
	    const char *address, uint16_t port);
void ask(enum isif_job_kind kind, const char *iface, const char *target, const char *address,
	 uint16_t port);
void cancel(void);
const struct isif_job *job(void);

/* Runs the jobs until they wait for a time, or for something that only the test can change. */
void run(void);
/* The same, with one step at most in each slice. */
void run_one_slice(void);

/* Both print how it ended if it did not end so. */
bool ended(enum isif_job_state state, int32_t error, const char *text);
bool steps(const char *step);

/* The lock is free, and no file of ours is in the database. */
bool nothing_is_left(void);

#endif
