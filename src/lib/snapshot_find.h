/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ISIF_LIB_SNAPSHOT_FIND_H
#define ISIF_LIB_SNAPSHOT_FIND_H

#include <isif/model.h>

/* A row of a snapshot by its index, NULL if there is none: they are sorted, so O(log n). */
struct isif_binding *snapshot_binding(const struct isif_snapshot *snapshot, uint32_t index);
struct isif_iface *snapshot_iface(const struct isif_snapshot *snapshot, const char *name);

/* Any session of a binding, as it may have several; NULL: it has none. */
const struct isif_session *snapshot_session_of(const struct isif_snapshot *snapshot,
					       uint32_t binding);

#endif
