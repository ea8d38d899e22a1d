/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ISIF_LIB_WAY_H
#define ISIF_LIB_WAY_H

#include "job.h"

/*
 * The way of a job that has two ends only: it goes forth, and what fails, or a cancel, makes it
 * go back. Of each direction the first failure is kept.
 */
struct way {
	bool back;
	struct way_failure {
		int32_t error; /* as of a job; 0: none */
		char text[ISIF_JOB_TEXT_SIZE];
	} forth_failure, back_failure;
};

void way_note(struct way *way, int32_t error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The job is where it began. changed: it, or what started it, had changed something. */
enum outcome way_is_back(const struct way *way, struct isif_job *job, bool changed);

#endif
