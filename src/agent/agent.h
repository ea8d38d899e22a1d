/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IFACED_AGENT_H
#define IFACED_AGENT_H

#include "../gate/contain.h"
#include "options.h"
#include "rules.h"

/* What the process that talks to the network gets from the one that started it. */
struct agent_start {
	const struct options *options;
	struct contain_user user;
	pid_t parent; /* the privileged process; 0: it is a service of its own */
	int socket;   /* to the privileged process; the agent's own */
};

#define AGENT_HUNG_UP 3 /* exit status: the privileged process did, and has to say why */

/* Runs until SIGTERM or SIGINT; its exit status. Signals that it takes are blocked already. */
int agent_main(const struct agent_start *given);

/*
 * Reads the configuration, in a process of its own, so that the caller has nothing to do with
 * Net-SNMP. Its faults are for the other process to tell: one that cannot be used allows nothing.
 * False: there was no memory, descriptor or process for it, and nothing is known.
 */
bool agent_read_rules(const struct options *options, struct rules *rules);

/* -H */
int agent_show_tokens(void);

#endif
