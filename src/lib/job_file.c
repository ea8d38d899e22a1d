/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The list on disk: a line a job, numbers first, texts last and escaped; a plan, and after it the
 * iface that a binding leaves, only if it has one. The "end" line proves that it is whole.
 */
#include "cleanup.h"
#include "escape.h"
#include "job_list.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ASIDE_NAME "jobsbad"
#define HEADER	   "iscsi-ifaced jobs 1"
#define NAME_SIZE  1024 /* more than any name of a record */

static void write_name(FILE *file, const struct isif_name *name)
{
	escape_write(file, name->text, name->length);
}

static void write_job(FILE *file, const struct isif_job *job)
{
	fprintf(file,
		"job %" PRIu32 " %" PRIu32 " %d %d %d %u %d %" PRIu32 " %" PRId32 " %" PRIu32
		" %" PRId64 " %" PRId64,
		job->index, job->order, (int)job->kind, (int)job->state, (int)job->control,
		job->port, job->force, job->progress, job->error, job->results, job->started,
		job->finished);
	write_name(file, job->iface);
	write_name(file, job->target);
	write_name(file, job->address);
	escape_write(file, job->owner, strlen(job->owner));
	escape_write(file, job->step, strlen(job->step));
	escape_write(file, job->error_text, strlen(job->error_text));
	if (job->plan || job->from)
		escape_write(file, job->plan ? job->plan : "", job->plan ? strlen(job->plan) : 0);
	if (job->from)
		write_name(file, job->from);
	fputc('\n', file);
}

enum isif_error job_text(const struct job_runner *runner, char **text, size_t *length)
{
	FILE *file = open_memstream(text, length);

	if (!file)
		return ISIF_NO_MEMORY;
	fprintf(file, HEADER "\nnext %" PRIu32 "\n", runner->next_implied);
	for (size_t i = 0; i < runner->shown_count; i++)
		write_job(file, runner->shown[i]);
	fputs("end\n", file);
	if (escape_close(file))
		return ISIF_OK;
	free(TAKE(*text));
	return ISIF_NO_MEMORY;
}

enum isif_error job_file_write(struct job_runner *runner)
{
	CLEANUP_FREE char *text = NULL;
	size_t length;
	enum isif_error error = job_text(runner, &text, &length);

	if (error)
		return error;
	return runner->gate->operations->state_write(runner->gate, JOB_FILE, text, length);
}

/* --- reading --- */

/* The numbers of a line, before they are believed. */
struct numbers {
	int kind, state, control, force, used;
	unsigned port;
};

static bool read_numbers(const char *line, struct isif_job *job, struct numbers *numbers)
{
	if (sscanf(line,
		   "job %" SCNu32 " %" SCNu32 " %d %d %d %u %d %" SCNu32 " %" SCNd32 " %" SCNu32
		   " %" SCNd64 " %" SCNd64 "%n",
		   &job->index, &job->order, &numbers->kind, &numbers->state, &numbers->control,
		   &numbers->port, &numbers->force, &job->progress, &job->error, &job->results,
		   &job->started, &job->finished, &numbers->used) != 12)
		return false;
	job->kind = (enum isif_job_kind)numbers->kind;
	job->state = (enum isif_job_state)numbers->state;
	job->control = (enum isif_job_control)numbers->control;
	job->port = (uint16_t)numbers->port;
	job->force = numbers->force;
	return job->index && job->index <= JOB_LAST_INDEX && job->order &&
	       job->order < UINT32_MAX && numbers->kind >= ISIF_JOB_LOGIN &&
	       numbers->kind <= ISIF_JOB_PROPAGATE && numbers->state >= ISIF_JOB_PENDING &&
	       numbers->state <= ISIF_JOB_CANCELLED && numbers->control >= ISIF_JOB_RUN &&
	       numbers->control <= ISIF_JOB_CANCEL && numbers->port <= UINT16_MAX &&
	       job->progress <= 100;
}

static enum isif_error read_name(struct isif_names *names, const char **at, struct isif_name **name)
{
	char text[NAME_SIZE];
	size_t length;

	if (!escape_read(at, text, sizeof(text), &length))
		return ISIF_INVALID;
	*name = isif_name_get(names, text, length);
	return *name ? ISIF_OK : ISIF_NO_MEMORY;
}

static enum isif_error read_plan(struct isif_names *names, const char *at, struct isif_job *job)
{
	size_t size = strlen(at) + 1, length;
	enum isif_error error = ISIF_OK;

	if (!*at)
		return ISIF_OK;
	job->plan = malloc(size);
	if (!job->plan)
		return ISIF_NO_MEMORY;
	if (!escape_read(&at, job->plan, size, &length))
		return ISIF_INVALID;
	if (*at)
		error = read_name(names, &at, &job->from);
	if (!length)
		free(TAKE(job->plan));
	if (error)
		return error;
	return !*at && (job->plan || job->from) ? ISIF_OK : ISIF_INVALID;
}

static enum isif_error read_texts(struct isif_names *names, const char *at, struct isif_job *job)
{
	size_t length;
	enum isif_error error = read_name(names, &at, &job->iface);

	if (!error)
		error = read_name(names, &at, &job->target);
	if (!error)
		error = read_name(names, &at, &job->address);
	if (error)
		return error;
	if (!escape_read(&at, job->owner, sizeof(job->owner), &length) ||
	    !escape_read(&at, job->step, sizeof(job->step), &length) ||
	    !escape_read(&at, job->error_text, sizeof(job->error_text), &length))
		return ISIF_INVALID;
	return read_plan(names, at, job);
}

static enum isif_error read_job(struct job_runner *runner, const char *line)
{
	struct isif_job job = { 0 };
	struct numbers numbers;
	struct job_entry *entry;
	enum isif_error error = ISIF_INVALID;

	if (read_numbers(line, &job, &numbers))
		error = read_texts(runner->names, line + numbers.used, &job);
	if (!error)
		error = job_entry_put(runner, &job, &entry);
	if (!error && job.order >= runner->next_order)
		runner->next_order = job.order + 1;
	isif_name_release(job.iface);
	isif_name_release(job.target);
	isif_name_release(job.address);
	isif_name_release(job.from);
	free(job.plan);
	return error;
}

static enum isif_error read_line(struct job_runner *runner, const char *line, size_t number,
				 bool *end)
{
	if (number == 0)
		return strcmp(line, HEADER) ? ISIF_INVALID : ISIF_OK;
	if (number == 1)
		return sscanf(line, "next %" SCNu32, &runner->next_implied) == 1 &&
				       runner->next_implied >= ISIF_JOB_FIRST_IMPLIED &&
				       runner->next_implied <= JOB_LAST_INDEX
			       ? ISIF_OK
			       : ISIF_INVALID;
	*end = !strcmp(line, "end");
	return *end ? ISIF_OK : read_job(runner, line);
}

/* The text stays as it is: damaged, it is kept. */
static enum isif_error read_all(struct job_runner *runner, char *text, size_t length)
{
	bool end = false;
	size_t number = 0;

	while (!end) {
		char *newline = length ? memchr(text, '\n', length) : NULL;
		enum isif_error error;

		if (!newline)
			return ISIF_INVALID;
		*newline = '\0';
		error = read_line(runner, text, number++, &end);
		*newline = '\n';
		if (error)
			return error == ISIF_EXISTS ? ISIF_INVALID : error;
		length -= (size_t)(newline + 1 - text);
		text = newline + 1;
	}
	return length ? ISIF_INVALID : ISIF_OK;
}

static void put_aside(struct job_runner *runner, const char *text, size_t length)
{
	const struct isif_privileged_operations *operations = runner->gate->operations;

	job_list_clear(runner);
	runner->next_implied = ISIF_JOB_FIRST_IMPLIED;
	runner->next_order = 1;
	operations->state_write(runner->gate, ASIDE_NAME, text, length);
	job_file_write(runner);
	isif_log_line(runner->log, ISIF_LOG_ERROR,
		      "the list of jobs (" JOB_FILE " in the state directory) is damaged and was "
		      "put aside as " ASIDE_NAME
		      ": jobs that were not done are forgotten; look for "
		      "ifaces that are not in sync with their bindings");
}

enum isif_error job_file_read(struct job_runner *runner)
{
	CLEANUP_FREE char *text = NULL;
	size_t length;
	enum isif_error error;

	error = runner->gate->operations->state_read(runner->gate, JOB_FILE, &text, &length);
	if (error == ISIF_NOT_FOUND || error == ISIF_UNAVAILABLE)
		return ISIF_OK;
	if (error && error != ISIF_NO_MEMORY)
		isif_log_line(runner->log, ISIF_LOG_ERROR,
			      "cannot read the list of jobs (" JOB_FILE
			      " in the state directory): %s; %s",
			      isif_error_text(error),
			      error == ISIF_INVALID
				      ? "it begins anew"
				      : "the plan of a job that is half done may be in it: try "
					"again, or move it away");
	/* What is no file is not written over, either. */
	if (error)
		return error == ISIF_INVALID ? ISIF_OK : error;
	error = read_all(runner, text, length);
	if (error == ISIF_INVALID) {
		put_aside(runner, text, length);
		return ISIF_OK;
	}
	return error;
}
