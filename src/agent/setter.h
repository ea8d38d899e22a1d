/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IFACED_SETTER_H
#define IFACED_SETTER_H

#include "mib_write.h"

#include <isif/monitor.h>

/*
 * The SET that is under way: one at a time, by the phases that AgentX has (RFC 2741, 7.2.4). No
 * Net-SNMP in it. It knows nothing of retransmissions: a test of the same transaction id begins
 * anew.
 */

struct setter {
	struct isif_monitor *monitor;
	struct mib_agent *agent; /* set_lock and control_mode */
	struct isif_policy policy;
	/* The rest is the setter's own. */
	uint32_t transaction_id;
	int phase;
	uint64_t deadline; /* monotonic ms; 0: none */
	struct isif_transaction *transaction;
	struct mib_wish *wishes;
	struct isif_wish *library; /* those of MIB_WISH_LIBRARY, in a row */
	size_t *positions;	   /* and which varbind each is */
	size_t count, library_count;
	char *audit; /* lines that are written when it has happened */
};

struct setter_error {
	enum mib_error error;
	size_t varbind; /* at fault, from 0 */
};

/* TestSet: everything that can be checked, and the lock. */
struct setter_error setter_test(struct setter *setter, uint32_t transaction_id,
				const struct mib_varbind *varbinds, size_t count,
				struct mib_view *view);
struct setter_error setter_commit(struct setter *setter, uint32_t transaction_id);
struct setter_error setter_undo(struct setter *setter, uint32_t transaction_id);
/* CleanupSet, after a commit or after a failed test. */
void setter_cleanup(struct setter *setter, uint32_t transaction_id);

/* The master is gone: what it can still say is waited for a moment, then undone. */
void setter_disconnected(struct setter *setter, uint64_t now);

/* Ends a transaction that nobody has ended in time; milliseconds until then, -1 for never. */
void setter_run(struct setter *setter, uint64_t now);
int setter_timeout(const struct setter *setter, uint64_t now);
void setter_clear(struct setter *setter);

#endif
