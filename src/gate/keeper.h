/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IFACED_KEEPER_H
#define IFACED_KEEPER_H

#include "bounds.h"
#include "protocol.h"

/*
 * The privileged process: it has the gate, and answers the other process, which it does not trust.
 * It reads nothing that comes from the network, and does nothing by itself.
 */
enum keeper_allowed {
	KEEPER_ALLOWS_READING,
	KEEPER_ALLOWS_RECORDS,	/* to be changed; probes and discoveries */
	KEEPER_ALLOWS_SESSIONS, /* to be changed; offload ports */
};

struct keeper {
	int socket;		      /* to the other process */
	struct isif_privileged *gate; /* this process's own */
	const char *sysfs;	      /* NULL: this host's */
	const struct isif_log *log;
	bool (*ready)(void *context); /* the other one serves; false: it shall end */
	void *context;

	/* What the configuration says, which the other process has no say in. */
	enum keeper_allowed allowed;
	bool protect_in_use;   /* no force takes a disk that is in use from its users */
	struct bounds *bounds; /* an iface within any of these may be touched */
	size_t bounds_count, bounds_size;
	char master[108]; /* the path that ISIF_SOURCE_MASTER leads to; "": none */

	uint64_t transaction_until, batch_until; /* monotonic ms; 0: none is under way */
	unsigned refusals;			 /* that the log was told of */
	struct message request, answer;
	const char *object;	 /* what the question is about, for the log */
	int descriptor;		 /* that goes with the answer; -1: none */
	bool hands_over;	 /* and is not kept here */
	struct isif_edit *batch; /* with its lines and texts, until it is over */
	size_t batch_count;
	struct isif_edit_line *batch_lines;
	struct message batch_texts;
};

/* Takes one question and answers it; false: the other process is gone, or must go. */
bool keeper_serve(struct keeper *keeper);
/* Milliseconds until keeper_check() has something to do; -1: nothing. */
int keeper_timeout(const struct keeper *keeper);
/* Ends a change that the other process does not go on with. */
void keeper_check(struct keeper *keeper);
/* Ends what the other process has left behind, and closes the gate. */
void keeper_close(struct keeper *keeper);

/*
 * --- its operations: each takes its arguments out of request and puts what it has to say into
 * answer, behind its error. ISIF_INVALID is what the other process must not do.
 */

/* keeper_reading.c: this one alone answers for itself; false: the other process is gone. */
bool keeper_read_directories(struct keeper *keeper);

/* keeper_change.c */
enum isif_error keeper_begin(struct keeper *keeper);
enum isif_error keeper_stage(struct keeper *keeper);
enum isif_error keeper_commit(struct keeper *keeper);
enum isif_error keeper_undo(struct keeper *keeper);
enum isif_error keeper_end(struct keeper *keeper);
enum isif_error keeper_batch_begin(struct keeper *keeper);
enum isif_error keeper_batch_work(struct keeper *keeper);
enum isif_error keeper_batch_end(struct keeper *keeper);
enum isif_error keeper_backup(struct keeper *keeper);
void keeper_forget_batch(struct keeper *keeper);

/* keeper_run.c */
enum isif_error keeper_command_begin(struct keeper *keeper);
enum isif_error keeper_port_begin(struct keeper *keeper);
enum isif_error keeper_command_work(struct keeper *keeper);
enum isif_error keeper_command_end(struct keeper *keeper);
enum isif_error keeper_look_begin(struct keeper *keeper);
enum isif_error keeper_look_work(struct keeper *keeper);
enum isif_error keeper_look_end(struct keeper *keeper);

/*
 * keeper_bounds.c: whether what the other process wants to touch is within the bounds; it is
 * ISIF_INVALID if not. Bounds are the keeper's from now on; false without memory, then they are
 * gone. They add up: what may be touched once may have to be put back.
 */
bool keeper_add_bounds(struct keeper *keeper, struct bounds *bounds);
void keeper_free_bounds(struct keeper *keeper);
bool keeper_edits_are_within(struct keeper *keeper, const struct isif_edit *edits, size_t count);
bool keeper_command_is_within(struct keeper *keeper, const struct isif_command *command);
bool keeper_port_is_within(struct keeper *keeper, const struct isif_port_request *request);

/* keeper.c: how long a slice of work may take, monotonic ns. */
uint64_t keeper_deadline(struct keeper *keeper);

#endif
