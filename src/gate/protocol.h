/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IFACED_PROTOCOL_H
#define IFACED_PROTOCOL_H

#include "message.h"

#include <isif/privileged.h>

/*
 * What the unprivileged process (remote.c) asks the privileged one (keeper.c): the operations of
 * isif/privileged.h over a stream. One question at a time, each with one answer, whose first number
 * is an enum isif_error; KEEPER_READ_DIRECTORIES alone has many.
 */
enum keeper_operation {
	KEEPER_HELLO, /* -> root; with the descriptor of changes */
	/* Of the daemon: it serves, and whoever started it may know. */
	KEEPER_READY,
	/* Of the gate: */
	KEEPER_READ_DIRECTORIES, /* readings -> entries, until KEEPER_ENTRY_LAST */
	KEEPER_READ_RECORD,	 /* path -> text */
	KEEPER_READ_INITIATORNAME,
	KEEPER_OPEN_SOURCE, /* source; with its descriptor */
	KEEPER_BEGIN,	    /* patience -> why */
	KEEPER_STAGE,	    /* name, text */
	KEEPER_COMMIT,	    /* edits -> failed */
	KEEPER_UNDO,
	KEEPER_END,
	KEEPER_BATCH_BEGIN,   /* edits -> why; with its descriptor */
	KEEPER_BATCH_WORK,    /* deadline -> pause, outcomes if it is over */
	KEEPER_BATCH_END,     /* -> outcomes */
	KEEPER_BACKUP,	      /* -> where; with its descriptor while it is being made */
	KEEPER_COMMAND_BEGIN, /* command -> number; with its descriptor */
	KEEPER_PORT_BEGIN,    /* request -> number; with its descriptor, or that of the queue */
	KEEPER_COMMAND_WORK,  /* number -> outcome */
	KEEPER_COMMAND_END,   /* number */
	KEEPER_LOOK_BEGIN,    /* purpose, sids */
	KEEPER_LOOK_WORK,     /* purpose, deadline -> pause, disks if it is done */
	KEEPER_LOOK_END,      /* purpose */
	KEEPER_STATE_READ,    /* name -> text */
	KEEPER_STATE_WRITE,   /* name, text */
	KEEPER_STATE_APPEND,  /* name, text, sync */
	KEEPER_OPERATIONS,
};

/* What the answers of KEEPER_READ_DIRECTORIES consist of; which reading each is of comes next. */
enum keeper_entry {
	KEEPER_ENTRY_RECORD,	/* name, error, text or NULL */
	KEEPER_ENTRY_DIRECTORY, /* name */
	KEEPER_ENTRY_UNCHANGED, /* name */
	KEEPER_ENTRY_END,	/* watch, error */
	KEEPER_ENTRY_LAST,	/* no reading: nothing follows, nor does another message */
};

/* At most this much is asked for at once; the privileged side insists on it. */
#define KEEPER_READINGS	  65536
#define KEEPER_EDITS	  ISIF_BATCH_SIZE
#define KEEPER_LINES	  256 /* of one edit */
#define KEEPER_PARAMETERS 256 /* of one port's request */
#define KEEPER_SIDS	  65536

/* --- protocol.c: shapes that have more than one number --- */

/*
 * Texts of what is read are the message's: it must not change while they are used. What the reading
 * functions allocate is the caller's to free, and NULL if the message is not good.
 */
void protocol_put_edits(struct message *message, const struct isif_edit *edits, size_t count);
struct isif_edit *protocol_edits(struct message *message, size_t *count,
				 struct isif_edit_line **lines);

void protocol_put_readings(struct message *message, const struct isif_directory_reading *readings,
			   size_t count);
struct isif_directory_reading *protocol_readings(struct message *message, size_t *count);

void protocol_put_command(struct message *message, const struct isif_command *command);
void protocol_command(struct message *message, struct isif_command *command);

void protocol_put_port(struct message *message, const struct isif_port_request *request);
struct isif_port_parameter *protocol_port(struct message *message,
					  struct isif_port_request *request);

void protocol_put_outcome(struct message *message, const struct isif_command_outcome *outcome);
void protocol_outcome(struct message *message, struct isif_command_outcome *outcome);

void protocol_put_disks(struct message *message, const struct isif_look_disk *disks, size_t count);
struct isif_look_disk *protocol_disks(struct message *message, size_t *count);

#endif
