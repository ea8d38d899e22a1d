/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ISIF_LIB_TRANSACTION_H
#define ISIF_LIB_TRANSACTION_H

#include <isif/transaction.h>

#include "job.h"
#include "record_edit.h"
#include "state.h"

/*
 * Transactions:
 *   transaction.c          the phases: lock, read again, write, publish
 *   transaction_plan.c     wishes -> changes of rows; what the resolving shares
 *   transaction_iface.c    changes of ifaces -> edits
 *   transaction_binding.c  changes of bindings -> edits
 *   transaction_admin.c    the wanted state of bindings, and the jobs that make it true
 *   transaction_job.c      changes of jobs, and the jobs that an iface's change implies
 *   transaction_state.c    what changes in the state file: done, and taken back
 * Resolving is pure: it reads a snapshot and the state, and changes neither. It goes on after a
 * fault, so that the first wish at fault is told, whatever the order of the checks.
 */

#define TRANSACTION_FILES 64 /* of mib.md: a SET writes at most so many */

/* A setting that shall have another value. */
struct setting_change {
	const struct isif_setting *setting;
	const char *value; /* as it is to be written; "": no line */
	const struct isif_wish *wish;
};

/* What is wished of one iface. */
struct iface_change {
	char name[65];
	struct isif_iface *row; /* as it is; NULL: there is none */
	enum isif_row_action action;
	const struct isif_wish *first; /* of them all */
	const struct isif_wish *row_wish, *type_wish, *address_wish, *mode_wish;
	struct setting_change *settings;
	size_t setting_count, setting_size;
	bool edits;			    /* its record is written */
	const struct isif_edit_line *lines; /* and these lines of it change */
	size_t line_count;
	bool applies;		  /* a job writes it into its offload port */
	char *rebind_plan;	  /* of the job that moves its sessions; NULL: none does */
	struct isif_record *made; /* the record as it will be; NULL: as it is, or gone */
};

/* What is wished of one binding: a wish for each field, NULL for none. */
struct binding_change {
	uint32_t index;
	struct isif_binding *row;
	enum isif_row_action action;
	const struct isif_wish *first;
	const struct isif_wish *row_wish, *iface, *target, *type, *address, *port, *tpgt, *startup,
		*admin;
	/* How it will be, where it is made or moved. */
	const char *target_name, *address_text, *iface_name;
	uint16_t port_number;
	int32_t group;
	bool makes, moves, removes;
	bool moves_live; /* its session has to move first: until a job has done that, the old record
			    stays */
	enum isif_job_kind session_job; /* that its wanted state implies; 0: none */
};

struct job_change {
	uint32_t index;
	const struct isif_job *row;
	enum isif_row_action action;
	const struct isif_wish *first;
	const struct isif_wish *row_wish, *kind, *iface, *target, *type, *address, *port, *force,
		*owner, *control;
};

/* A record that must still be what the snapshot says of it. */
struct expectation {
	const char *path;
	const struct isif_record *iface; /* one of these, or neither: it must not exist */
	const struct isif_node *node;
	const struct isif_wish *wish;
};

/* One change of the state, and how it was before. */
struct state_step {
	enum {
		STATE_STEP_CLAIM,
		STATE_STEP_REKEY,
		STATE_STEP_ADMIN,
		STATE_STEP_MODE,
		STATE_STEP_KEPT
	} kind;
	uint32_t index; /* of the binding, or which number is kept */
	const struct binding_change *binding;
	struct isif_name *name; /* of an iface: the one whose mode it is, or the one before */
	struct binding_memory *memory, *parked;
	uint32_t left; /* index of what its session was left with; 0: nothing */
	uint32_t number, before;
	struct kept_number kept; /* before */
	bool done;
};

struct isif_transaction {
	struct isif_monitor *monitor;
	struct isif_policy policy;
	struct isif_snapshot *snapshot;
	const struct state *state;
	struct isif_names *names;
	const struct job_runner *runner;
	const struct isif_wish *wishes;
	size_t count;
	struct iface_change *ifaces;
	struct binding_change *bindings;
	struct job_change *jobs;
	size_t iface_count, binding_count, job_count;
	size_t implied_jobs; /* that wanted states, rebind modes and changed ifaces imply */
	const struct isif_wish *kept[ISIF_KEPT_NUMBERS];

	struct isif_edit edits[TRANSACTION_FILES];
	const struct isif_wish *edit_wishes[TRANSACTION_FILES];
	size_t edit_count;
	struct expectation expected[TRANSACTION_FILES * 3];
	size_t expected_count;
	struct state_step *steps;
	size_t step_count, step_size;
	struct isif_name **implied; /* ifaces whose copies are to be rewritten */
	size_t implied_count, implied_size;
	char **texts; /* made on the way */
	size_t text_count, text_size;
	struct isif_edit_line **lines;
	size_t lines_count, lines_size;
	struct isif_log notes; /* where remarks go: the monitor's log */

	struct isif_refusal *refusal;
	bool refused, no_memory;
	bool begun, committed, undone;
};

/* --- transaction_plan.c --- */

/* Notes a fault; the one with the lowest wish is kept. Always returns false. */
bool transaction_refuse(struct isif_transaction *transaction, enum isif_refusal_kind kind,
			const struct isif_wish *wish, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* Resolves all wishes; false if one was refused. */
bool transaction_resolve(struct isif_transaction *transaction);
void transaction_free_plan(struct isif_transaction *transaction);

/* A text that lives as long as the transaction; NULL without memory (and that is noted). */
const char *transaction_text(struct isif_transaction *transaction, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
const char *transaction_octets(struct isif_transaction *transaction, const char *octets,
			       size_t length);
/* Room for so many lines of an edit. */
struct isif_edit_line *transaction_lines(struct isif_transaction *transaction, size_t count);
/* One more edit, and what its record must be before; false if there are too many. */
bool transaction_add_edit(struct isif_transaction *transaction, const struct isif_edit *edit,
			  const struct isif_wish *wish);
void transaction_expect(struct isif_transaction *transaction, const struct expectation *expected);
struct state_step *transaction_add_step(struct isif_transaction *transaction);

/*
 * An address of two wishes, either of which may be NULL, over the present one; text gets it as
 * records write it. False: refused.
 */
bool transaction_address(struct isif_transaction *transaction, const struct isif_wish *type,
			 const struct isif_wish *octets, const char *present, bool names_allowed,
			 const char **text);

bool transaction_allows(const struct isif_transaction *transaction, const char *iface);

/* --- transaction_iface.c --- */

void transaction_resolve_ifaces(struct isif_transaction *transaction);
/* After the bindings: whether a destroyed iface is still used, and what is to be propagated. */
void transaction_finish_ifaces(struct isif_transaction *transaction);
/* The change of an iface, NULL if nothing is wished of it. */
struct iface_change *transaction_iface(const struct isif_transaction *transaction,
				       const char *name);
struct isif_iface *transaction_iface_row(const struct isif_transaction *transaction,
					 const char *name);
/* The rebind mode that it will have. */
enum isif_rebind_mode transaction_rebind_mode(const struct isif_transaction *transaction,
					      const char *iface);
/*
 * The settings that the iface will have, as a record (also of a built-in one); held for the
 * caller. NULL: there will be no such iface, or no memory (noted).
 */
struct isif_record *transaction_iface_record(struct isif_transaction *transaction,
					     const char *name);

/* --- transaction_binding.c --- */

void transaction_resolve_bindings(struct isif_transaction *transaction);
/* How many bindings will use the iface. */
size_t transaction_users(const struct isif_transaction *transaction, const char *iface);

/* --- transaction_admin.c --- */

/* What the wanted state of a binding implies, if one is wished. */
void transaction_resolve_admin(struct isif_transaction *transaction, struct binding_change *change);
/* Puts the jobs that follow into the runner; false without memory, or if too many are open. */
bool transaction_add_session_jobs(struct isif_transaction *transaction, struct job_runner *runner);

/* --- transaction_job.c --- */

/* Puts a job that follows from another change into the runner, and takes its names. */
bool transaction_add_job(struct job_runner *runner, const struct isif_job *job);
void transaction_resolve_jobs(struct isif_transaction *transaction);
/* Puts the wished and the implied jobs into the runner, or takes some out; false without memory. */
bool transaction_change_jobs(struct isif_transaction *transaction, struct job_runner *runner);

/* --- transaction_state.c --- */

bool transaction_change_state(struct isif_transaction *transaction, struct state *state);
void transaction_revert_state(struct isif_transaction *transaction, struct state *state);
void transaction_free_state(struct isif_transaction *transaction);

#endif
