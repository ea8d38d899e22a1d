/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IFACED_RULES_H
#define IFACED_RULES_H

#include "../gate/keeper.h"

/* What the privileged process holds to, whatever the other one says: its part of the configuration.
 */
struct rules {
	enum keeper_allowed allowed;
	bool protect_in_use;
	char master[108]; /* the path of the AgentX master; "": it is no UNIX socket */
	struct bounds bounds;
};

bool rules_send(const struct rules *rules, int socket);
/* False: nothing is known. The bounds are the caller's. */
bool rules_receive(int socket, struct rules *rules);

#endif
