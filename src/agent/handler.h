/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IFACED_HANDLER_H
#define IFACED_HANDLER_H

#include "mib.h"
#include "setter.h"

#include <isif/monitor.h>

#include <stdbool.h>

/* What requests are answered from. */
struct handler {
	struct isif_monitor *monitor;
	struct mib_agent agent;
	struct setter setter;
	uint64_t origin; /* of the connection */
};

/* Brings up to date what is kept for managers. */
void handler_refresh(struct handler *handler);

/* What is served now. */
struct mib_view handler_view(const struct handler *handler);

/* Registers the whole objects subtree with Net-SNMP, once; false without memory. */
bool handler_register(struct handler *handler);

/* Says to the master which MIB is served (sysORTable); again after each connect. */
void handler_announce(void);

#endif
