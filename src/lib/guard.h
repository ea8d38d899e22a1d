/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ISIF_LIB_GUARD_H
#define ISIF_LIB_GUARD_H

#include <isif/privileged.h>

/*
 * The guard: may a session be logged out? Only if each of its disks is unused or redundant;
 * unknown counts as in use. Force may log out one whose disk is in use, but only where the local
 * configuration does not protect those, and never what the root file system or swap is on, nor
 * what the host logs in to when it boots.
 */
struct guard_request {
	uint32_t sid;
	bool force;
	bool protect_in_use; /* as configured */
	bool onboot;	     /* the startup of its binding */
};

/* What a look found, of the session and of others. False: refused, and why says it to people. */
bool guard_allows(const struct guard_request *request, const struct isif_look_disk *disks,
		  size_t count, char *why, size_t size);

#endif
