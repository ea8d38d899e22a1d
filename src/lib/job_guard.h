/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ISIF_LIB_JOB_GUARD_H
#define ISIF_LIB_JOB_GUARD_H

#include <isif/model.h>

/* What may be asked of the guard (mib.md, "The guard"). */
struct guard_terms {
	bool force;	     /* the job's wish: although a disk is in use */
	bool protect_in_use; /* the configuration's: then that wish counts for nothing */
};

/*
 * Whether a job may log out the sessions of a binding: only if each of their disks is unused or
 * redundant. False: text says which disk is not, and who uses it.
 */
bool guard_allows(const struct guard_terms *terms, const struct isif_snapshot *snapshot,
		  const struct isif_binding *binding, char *text, size_t size);

#endif
