/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ISIF_LIB_PATH_PROBE_H
#define ISIF_LIB_PATH_PROBE_H

#include "job.h"

/* A job of kind probe within another one: can a binding's portal be reached over an iface? */
struct path_probe {
	/* What speaks against it, as of a job; 0: nothing, or it was cancelled. */
	int32_t error;
	char reason[ISIF_JOB_TEXT_SIZE + 32];

	/* Its own; all 0 at the begin. */
	struct isif_job job;
	void *work;
};

/* False: it has failed already. */
bool path_probe_begin(struct path_probe *probe, const struct job_context *context,
		      struct isif_name *iface, const struct isif_node *node);
/* As the step of a kind; outer is the job that it is within, which can be cancelled. */
enum outcome path_probe_step(struct path_probe *probe, const struct isif_job *outer,
			     const struct job_context *context, uint64_t deadline, unsigned *pause);
int path_probe_descriptor(const struct path_probe *probe, const struct job_context *context);
/* Ends it as it stands, be it over or not. */
void path_probe_end(struct path_probe *probe, const struct job_context *context);

#endif
