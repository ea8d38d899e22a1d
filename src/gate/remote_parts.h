/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IFACED_REMOTE_PARTS_H
#define IFACED_REMOTE_PARTS_H

#include "protocol.h"
#include "remote.h"

/*
 * The parts of the gate whose other side is another process.
 *   remote.c          its life, questions and answers, and what is read in one
 *   remote_reading.c  records
 *   remote_change.c   transactions, batches, the copy that is kept
 *   remote_run.c      iscsiadm, adapters, looks at disks
 */

/* What is begun, worked on and ended under a number of the other process's. */
struct remote_run {
	struct remote_run *next;
	unsigned number;
	int descriptor;
	char *output; /* of its outcome */
};

struct remote_look {
	struct isif_look_disk *disks;
	size_t count;
};

struct remote {
	struct isif_privileged gate;
	int socket;
	bool gone;
	char *root;
	int change_descriptor;
	struct isif_changes changes;
	struct message message; /* what is asked, then what was answered */
	struct message record;	/* the answer with the record that was read last */
	char why[512];
	char *where;		 /* of the copy */
	int backup;		 /* descriptor, while it is being made */
	struct isif_edit *batch; /* the caller's */
	size_t batch_count;
	int batch_descriptor;
	/* The one question whose answer nobody waits for, because the disk may take its time. */
	enum { BATCH_RESTS, BATCH_WORKS, BATCH_ANSWERED } batch_state;
	struct message batch_answer;
	int readable; /* always is, -1 without a batch */
	struct remote_run *runs;
	int queue; /* of requests to adapters: its descriptor, -1 if nobody had to wait */
	struct remote_look looks[ISIF_LOOK_PURPOSES];
};

static inline struct remote *remote_of(const struct isif_privileged *gate)
{
	return (struct remote *)(void *)(uintptr_t)gate;
}

/* The message for what is asked next, with the operation's number in it. */
struct message *remote_question(struct isif_privileged *gate, enum keeper_operation operation);
/*
 * Asks; the answer replaces the question. A descriptor that comes with it is the caller's, who gets
 * -1 if there is none. ISIF_UNAVAILABLE: the other process is gone.
 */
enum isif_error remote_ask_for(struct isif_privileged *gate, int *descriptor);
enum isif_error remote_ask(struct isif_privileged *gate);
/* Takes an answer that is still to come, so that something else can be asked. */
void remote_settle(struct remote *remote);

/* --- operations of isif/privileged.h --- */

void remote_read_directories(struct isif_privileged *gate, struct isif_directory_reading *readings,
			     size_t count, const struct isif_directory_visitor *visitor);
enum isif_error remote_read_record(struct isif_privileged *gate, const char *path,
				   const char **text, size_t *length);
enum isif_error remote_begin(struct isif_privileged *gate, unsigned patience, const char **why);
enum isif_error remote_stage(struct isif_privileged *gate, const char *name, const char *text,
			     size_t length);
enum isif_error remote_commit(struct isif_privileged *gate, const struct isif_edit *edits,
			      size_t count, size_t *failed);
enum isif_error remote_undo(struct isif_privileged *gate);
void remote_end(struct isif_privileged *gate);
enum isif_error remote_batch_begin(struct isif_privileged *gate, struct isif_edit *edits,
				   size_t count, const char **why);
enum isif_error remote_batch_work(struct isif_privileged *gate, uint64_t deadline, unsigned *pause);
int remote_batch_descriptor(const struct isif_privileged *gate);
void remote_batch_end(struct isif_privileged *gate);
enum isif_error remote_backup(struct isif_privileged *gate, const char **where);
int remote_backup_descriptor(const struct isif_privileged *gate);
enum isif_error remote_command_begin(struct isif_privileged *gate,
				     const struct isif_command *command, unsigned *number);
enum isif_error remote_port_begin(struct isif_privileged *gate,
				  const struct isif_port_request *request, unsigned *number);
enum isif_error remote_command_work(struct isif_privileged *gate, unsigned number,
				    struct isif_command_outcome *outcome);
int remote_command_descriptor(const struct isif_privileged *gate, unsigned number);
int remote_port_descriptor(const struct isif_privileged *gate);
void remote_command_end(struct isif_privileged *gate, unsigned number);
enum isif_error remote_look_begin(struct isif_privileged *gate, enum isif_look_purpose purpose,
				  const uint32_t *sids, size_t count);
enum isif_error remote_look_work(struct isif_privileged *gate, enum isif_look_purpose purpose,
				 uint64_t deadline, unsigned *pause);
void remote_look_result(const struct isif_privileged *gate, enum isif_look_purpose purpose,
			const struct isif_look_disk **disks, size_t *count);
void remote_look_end(struct isif_privileged *gate, enum isif_look_purpose purpose);

/* --- remote_run.c: for its end --- */

void remote_free_run(struct remote_run *run);

#endif
