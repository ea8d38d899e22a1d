/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ISIF_LIB_UNBIND_PLAN_H
#define ISIF_LIB_UNBIND_PLAN_H

#include "job.h"

/*
 * What an unbind is about to do, kept in the state directory (the file "unbind") from before its
 * first logout to its end, so that a crash in between ends as all or none, too. Bindings are named
 * by their indexes, which outlive a restart. There is one such job at a time.
 */
struct unbind_item {
	uint32_t binding;
	bool session; /* it had one when the job began */
};

struct unbind_plan {
	bool removing; /* all are logged out: from here it only goes on */
	struct unbind_item *items;
	size_t count, size;
};

bool unbind_plan_add(struct unbind_plan *plan, uint32_t binding, bool session);
void unbind_plan_clear(struct unbind_plan *plan);

/* On disk when it returns. */
enum isif_error unbind_plan_write(struct isif_privileged *gate, const struct isif_job *job,
				  const struct unbind_plan *plan);
/*
 * The plan that this very job has left; an empty one if there is none, or only the one of another
 * job or a damaged one. ISIF_NO_MEMORY, or why the file cannot be read.
 */
enum isif_error unbind_plan_read(struct isif_privileged *gate, const struct isif_job *job,
				 struct unbind_plan *plan);
/* Nothing is under way any more. */
enum isif_error unbind_plan_forget(struct isif_privileged *gate);

#endif
