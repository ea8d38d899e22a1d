/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ISIF_LIB_COMMAND_H
#define ISIF_LIB_COMMAND_H

#include <isif/privileged.h>

/*
 * Running iscsiadm, and what the kernel may take long for, on the privileged side of the gate.
 *   command.c            processes: started, watched, killed, reaped
 *   command_arguments.c  a verb -> its arguments, each of which is checked
 *   command_text.c       exit codes and outputs -> plain words
 */

#define COMMAND_LIMIT  8	 /* under way at a time */
#define COMMAND_OUTPUT (1 << 20) /* octets of its output that are kept */

struct commands;

/* NULL: the iscsiadm in the system's directories, open-iscsi's own lock directory, and /sys. */
enum isif_error commands_open(const char *program, const char *lock_directory, const char *sysfs,
			      struct commands **commands);
/* Kills those that run. */
void commands_close(struct commands *commands);

/* The gate's operations, see isif/privileged.h. A port's request is a run, too. */
enum isif_error command_begin_port(struct commands *commands,
				   const struct isif_port_request *request, unsigned *number);
int command_port_descriptor(const struct commands *commands);
enum isif_error command_begin(struct commands *commands, const struct isif_command *command,
			      unsigned *number);
enum isif_error command_work(struct commands *commands, unsigned number,
			     struct isif_command_outcome *outcome);
int command_descriptor(const struct commands *commands, unsigned number);
void command_end(struct commands *commands, unsigned number);

/* --- command_arguments.c --- */

/* An argument vector, as posix_spawn takes it. */
struct command_arguments {
	char *items[20]; /* into texts; ended by NULL, "iscsiadm" first */
	size_t count;
	char texts[1024]; /* the longest target, portal and iface leave more than a third of it */
	size_t used;
};

/* ISIF_INVALID: it holds something that iscsiadm must not get. */
enum isif_error command_arguments(const struct isif_command *command,
				  struct command_arguments *arguments);

/* --- command_text.c: pure, for whoever reads an outcome --- */

/* What an exit code of iscsiadm means (include/iscsi_err.h), in plain words; never NULL. */
const char *command_code_text(int code);

/*
 * Its messages in one line for people, as far as they fit. Those that may have a secret in them are
 * left out, and what is no printable ASCII becomes '?'. "" if there are none.
 */
void command_said(const struct isif_command_outcome *outcome, char *text, size_t size);

#endif
