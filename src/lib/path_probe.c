/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "path_probe.h"

#include <stdio.h>

static void take_failure(struct path_probe *probe)
{
	probe->error = probe->job.error;
	snprintf(probe->reason, sizeof(probe->reason), "probing the new path: %s",
		 probe->job.error_text);
}

bool path_probe_begin(struct path_probe *probe, const struct job_context *context,
		      struct isif_name *iface, const struct isif_node *node)
{
	*probe = (struct path_probe){
		.job = {
			.kind = ISIF_JOB_PROBE,
			.iface = isif_name_hold(iface),
			.target = isif_name_hold(node->target),
			.address = isif_name_hold(node->address),
			.port = node->port,
		},
	};
	if (job_probe.start(&probe->job, context, &probe->work))
		return true;
	take_failure(probe);
	path_probe_end(probe, context);
	return false;
}

enum outcome path_probe_step(struct path_probe *probe, const struct isif_job *outer,
			     const struct job_context *context, uint64_t deadline, unsigned *pause)
{
	enum outcome outcome;

	probe->job.control = outer->control;
	outcome = job_probe.step(&probe->job, context, probe->work, deadline, pause);
	if (outcome != ENDED)
		return outcome;
	if (probe->job.state == ISIF_JOB_FAILED)
		take_failure(probe);
	path_probe_end(probe, context);
	return ENDED;
}

int path_probe_descriptor(const struct path_probe *probe, const struct job_context *context)
{
	return probe->work ? job_probe.descriptor(context, probe->work) : -1;
}

void path_probe_end(struct path_probe *probe, const struct job_context *context)
{
	if (probe->work)
		job_probe.end(context, probe->work);
	isif_name_release(probe->job.iface);
	isif_name_release(probe->job.target);
	isif_name_release(probe->job.address);
	probe->work = NULL;
	probe->job = (struct isif_job){ 0 };
}
