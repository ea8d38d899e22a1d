/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ISIF_LIB_REBIND_RECORDS_H
#define ISIF_LIB_REBIND_RECORDS_H

#include "job.h"
#include "rebind_plan.h"

/*
 * The records of a plan, made to say what they said, or are to say, at one of its times. A record
 * of which a line says something that it said at none of them was changed by somebody else: it is
 * left as it is, and the others go on.
 */
struct rebind_writing {
	/* Of the first record that failed; 0: they say what they should, and the snapshot shows it.
	 */
	int32_t error;
	char failure[ISIF_JOB_TEXT_SIZE];

	/* Its own. */
	enum rebind_time time;
	struct isif_edit edits[ISIF_BATCH_SIZE];
	struct rebind_record *edited[ISIF_BATCH_SIZE];
	size_t edit_count;
	bool batch;	/* it is under way */
	uint64_t since; /* waiting for a lock, the gate or the snapshot (monotonic ms); 0: not */
};

#define REBIND_LABEL_SIZE 600 /* of the longest target, portal and iface */

/* The binding of a record as an operator knows it, else its file. */
void rebind_record_label(const struct isif_snapshot *snapshot, const struct rebind_record *record,
			 char label[REBIND_LABEL_SIZE]);

/* True if the snapshot's record says what it should at that time. */
bool rebind_record_says(const struct isif_job *job, const struct isif_snapshot *snapshot,
			const struct rebind_record *record, enum rebind_time time);

/* Which of them: those whose session does not move can be written together. */
enum rebind_which { REBIND_EVERY, REBIND_STAYING, REBIND_ONE };

/* at: the record that REBIND_ONE means. */
void rebind_writing_begin(struct rebind_writing *writing, struct rebind_plan *plan,
			  enum rebind_time time, enum rebind_which which, size_t at);
/* Works without waiting, as the run function of a kind does. True: it is over. */
bool rebind_writing_run(struct rebind_writing *writing, struct isif_job *job,
			struct rebind_plan *plan, const struct job_context *context,
			uint64_t deadline, unsigned *pause);
int rebind_writing_descriptor(const struct rebind_writing *writing,
			      const struct job_context *context);
/* Ends it as it stands: each record is written or it is not. */
void rebind_writing_end(struct rebind_writing *writing, const struct job_context *context);

#endif
