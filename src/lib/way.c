/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "way.h"
#include "words.h"

#include <stdarg.h>
#include <stdio.h>

void way_note(struct way *way, int32_t error, const char *format, ...)
{
	struct way_failure *first = way->back ? &way->back_failure : &way->forth_failure;
	va_list arguments;

	if (first->error)
		return;
	first->error = error;
	va_start(arguments, format);
	vsnprintf(first->text, sizeof(first->text), format, arguments);
	va_end(arguments);
	drop_cut_character(first->text);
}

enum outcome way_is_back(const struct way *way, struct isif_job *job, bool changed)
{
	const struct way_failure *forth = &way->forth_failure, *back = &way->back_failure;

	job->results = 0;
	if (back->error) {
		job_step(job, "not everything could be put back as it was");
		job_fail(job, (enum isif_job_error)back->error,
			 "putting back: %s; why it went back: %s", back->text,
			 forth->error ? forth->text : "it was cancelled");
		return ENDED;
	}
	job_step(job, changed ? "everything is as it was" : "nothing was changed");
	if (!forth->error) {
		job->state = ISIF_JOB_CANCELLED;
		return ENDED;
	}
	job_fail(job, (enum isif_job_error)forth->error, "%s", forth->text);
	if (changed)
		job->state = ISIF_JOB_ROLLED_BACK;
	return ENDED;
}
