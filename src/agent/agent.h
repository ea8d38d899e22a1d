/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IFACED_AGENT_H
#define IFACED_AGENT_H

#include "../gate/contain.h"
#include "options.h"

/* What the process that talks to the network gets from the one that started it. */
struct agent_start {
	const struct options *options;
	struct contain_user user;
	pid_t parent;
	int socket; /* to the privileged process; the agent's own */
};

/* Runs until SIGTERM or SIGINT; its exit status. Signals that it takes are blocked already. */
int agent_main(const struct agent_start *start);

/* -H */
int agent_show_tokens(void);

#endif
