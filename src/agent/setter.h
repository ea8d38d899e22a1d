/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IFACED_SETTER_H
#define IFACED_SETTER_H

#include "mib_write.h"

#include <isif/log.h>
#include <isif/monitor.h>

/*
 * The SET that is under way: one at a time, by the phases that AgentX has (RFC 2741, 7.2.4). No
 * Net-SNMP in it. Each refusal is one line in the log, and so is each change that has happened.
 */

#define SETTER_PATIENCE_MS 2000 /* for the master's next phase, which follows at once */

struct setter {
	struct isif_monitor *monitor;
	struct mib_agent *agent; /* set_lock and control_mode */
	struct isif_policy policy;
	const struct isif_log *log;
	struct setter_request *request; /* the setter's own: what is under way, NULL for nothing */
};

struct setter_error {
	enum mib_error error;
	size_t varbind; /* at fault, from 0 */
};

/*
 * TestSet: everything that can be checked, and the lock. The varbinds are copied. After an error
 * nothing is under way. The same transaction id once more begins anew.
 */
struct setter_error setter_test(struct setter *setter, uint32_t transaction_id,
				const struct mib_varbind *varbinds, size_t count,
				struct mib_view *view);
struct setter_error setter_commit(struct setter *setter, uint32_t transaction_id);
/* UndoSet; of what was never committed, too: no CleanupSet follows it. */
struct setter_error setter_undo(struct setter *setter, uint32_t transaction_id);
/* CleanupSet, after a commit or after a test. */
void setter_cleanup(struct setter *setter, uint32_t transaction_id);

/* The master is gone: what it can still say is waited for a moment, then undone. */
void setter_disconnected(struct setter *setter, uint64_t now);

/* Ends what nobody has ended in time; milliseconds until then, -1 for never. */
void setter_run(struct setter *setter, uint64_t now);
int setter_timeout(const struct setter *setter, uint64_t now);

/* Ends what is under way, at once. */
void setter_clear(struct setter *setter);

#endif
