/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef UNIT_LOOPBACK_H
#define UNIT_LOOPBACK_H

#include <stdbool.h>
#include <stdint.h>

/* Portals of all kinds on this host's own lo, and what stands for it on the stage. */

/* One that takes connections, at 127.0.0.1 or ::1; its descriptor, -1 if there is no such family.
 */
int loopback_listen(int family, uint16_t *port);

/* One that refuses them: nobody else can listen at that port while the descriptor is open. */
int loopback_refuse(uint16_t *port);

/* One that answers to nobody: its queue of connections is full, and stays so. */
struct loopback_deaf {
	int listener, waiting;
	uint16_t port;
};
void loopback_deafen(struct loopback_deaf *deaf);
void loopback_hear(struct loopback_deaf *deaf);

/* Gives the stage the addresses of lo: 127.0.0.1, ::1, and fe80::1 that the host has not. */
void loopback_stage(void);

/* False where only root may bind a socket to a device (before Linux 5.7); says so once. */
bool loopback_may_bind(void);

#endif
