/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IFACED_MIB_NOTIFY_H
#define IFACED_MIB_NOTIFY_H

#include "mib.h"

/*
 * The notifications of ISCSI-IFACE-MIB. Their varbinds come from the columns that a GET reads, so
 * that both never disagree. No Net-SNMP in it.
 */

#define MIB_NOTIFICATIONS	     8
#define MIB_NOTIFY_EVENTS_SUPPRESSED 8

/* Arc of the notification that tells of such an event; 0: none does. */
unsigned mib_notification_of(enum isif_event_kind kind);

/* Takes one varbind of a notification; both are borrowed for the call. False: no memory. */
typedef bool mib_varbind_taker(void *context, const mib_arc *name, size_t length,
			       const struct mib_value *value);

/*
 * Hands over the varbinds of a notification of this event, snmpTrapOID and sysUpTime aside, in
 * their order. What has no instance any more is left out. False: the taker failed.
 */
bool mib_notify(struct mib_view *view, unsigned notification, const struct isif_event *event,
		mib_varbind_taker *take, void *context);

#endif
