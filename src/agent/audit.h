/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IFACED_AUDIT_H
#define IFACED_AUDIT_H

#include "mib_write.h"

#include <isif/log.h>

/*
 * What the log says of SETs: which object, its old and its new value. Who it was AgentX does not
 * tell; nothing in the MIB is secret.
 */

#define AUDIT_NAME_SIZE 640 /* of an OID as text: a root of 18 arcs and the longest index fit */

/* An OID as ".1.3.6"; a longer one, which nothing has, is cut. Returns text. */
const char *audit_name(const struct mib_varbind *varbind, char text[AUDIT_NAME_SIZE]);

/*
 * What there will be to say if all of it happens, a line for each value that becomes another one;
 * the caller frees it. NULL without memory.
 */
char *audit_prepare(const struct mib_varbind *varbinds, const struct mib_wish *wishes, size_t count,
		    struct mib_view *view);

/* Says it: it has happened. */
void audit_write(const struct isif_log *log, uint32_t transaction_id, const char *lines);

#endif
