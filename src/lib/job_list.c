/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The list of jobs. What a transaction changes shows at once, but its entries remember how to
 * take it back, and nothing starts or runs until it is kept.
 */
#include "job_list.h"

#include "array.h"

#include <string.h>

/* Where an index is in the list, or would be. */
static size_t place_of(const struct job_runner *runner, uint32_t index)
{
	size_t low = 0, high = runner->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (runner->entries[middle]->job.index < index)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct job_entry *job_entry_find(const struct job_runner *runner, uint32_t index)
{
	size_t place = place_of(runner, index);

	if (place == runner->count || runner->entries[place]->job.index != index)
		return NULL;
	return runner->entries[place];
}

/* Brings up to date what is shown; there is room for every entry. */
static void show(struct job_runner *runner)
{
	runner->shown_count = 0;
	for (size_t i = 0; i < runner->count; i++)
		if (!runner->entries[i]->removed)
			runner->shown[runner->shown_count++] = &runner->entries[i]->job;
}

enum isif_error job_entry_put(struct job_runner *runner, const struct isif_job *job,
			      struct job_entry **result)
{
	size_t place = place_of(runner, job->index);
	struct job_entry *entry;

	if (job_entry_find(runner, job->index))
		return ISIF_EXISTS;
	if (!array_reserve(&runner->entries, &runner->size, runner->count,
			   sizeof(*runner->entries)) ||
	    !array_reserve(&runner->shown, &runner->shown_size, runner->count,
			   sizeof(*runner->shown)))
		return ISIF_NO_MEMORY;
	entry = calloc(1, sizeof(*entry));
	if (!entry)
		return ISIF_NO_MEMORY;
	entry->job = *job;
	entry->job.plan = job->plan ? strdup(job->plan) : NULL;
	if (job->plan && !entry->job.plan) {
		free(entry);
		return ISIF_NO_MEMORY;
	}
	isif_name_hold(entry->job.iface);
	isif_name_hold(entry->job.target);
	isif_name_hold(entry->job.address);
	isif_name_hold(entry->job.from);
	memmove(&runner->entries[place + 1], &runner->entries[place],
		(runner->count - place) * sizeof(*runner->entries));
	runner->entries[place] = entry;
	runner->count++;
	show(runner);
	*result = entry;
	return ISIF_OK;
}

static void free_entry(struct job_entry *entry)
{
	isif_name_release(entry->job.iface);
	isif_name_release(entry->job.target);
	isif_name_release(entry->job.address);
	isif_name_release(entry->job.from);
	free(entry->job.plan);
	free(entry);
}

/* Forgets the entries of which it says so. */
static void forget(struct job_runner *runner,
		   bool (*says_so)(const struct job_entry *entry, uint32_t number), uint32_t number)
{
	size_t kept = 0;

	for (size_t i = 0; i < runner->count; i++) {
		struct job_entry *entry = runner->entries[i];

		if (says_so(entry, number))
			free_entry(entry);
		else
			runner->entries[kept++] = entry;
	}
	runner->count = kept;
	show(runner);
}

static bool every_one(const struct job_entry *entry, uint32_t number)
{
	(void)entry;
	(void)number;
	return true;
}

void job_list_clear(struct job_runner *runner)
{
	forget(runner, every_one, 0);
	free(runner->entries);
	free(runner->shown);
	runner->entries = NULL;
	runner->shown = NULL;
	runner->size = runner->shown_size = 0;
}

static uint32_t ended_since(const struct job_runner *runner, uint32_t order)
{
	uint32_t count = 0;

	for (size_t i = 0; i < runner->count; i++)
		count += !isif_job_is_open(&runner->entries[i]->job) &&
			 runner->entries[i]->job.order >= order;
	return count;
}

static bool ended_before(const struct job_entry *entry, uint32_t order)
{
	return !isif_job_is_open(&entry->job) && entry->job.order < order;
}

void job_list_trim(struct job_runner *runner)
{
	uint32_t low = 0, high = UINT32_MAX;

	if (runner->in_change || ended_since(runner, 0) <= runner->history)
		return;
	/* The lowest order from which on there are not too many. */
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (ended_since(runner, middle) > runner->history)
			low = middle + 1;
		else
			high = middle;
	}
	forget(runner, ended_before, low);
}

void job_runner_set_history(struct job_runner *runner, uint32_t ended_jobs_kept)
{
	runner->history = ended_jobs_kept;
	job_list_trim(runner);
}

const struct isif_job *job_find(const struct job_runner *runner, uint32_t index)
{
	const struct job_entry *entry = job_entry_find(runner, index);

	return entry && !entry->removed ? &entry->job : NULL;
}

/* The one after the highest that a manager chose; if that was the last one, the first gap. */
static uint32_t next_index(const struct job_runner *runner)
{
	size_t chosen = place_of(runner, ISIF_JOB_FIRST_IMPLIED);
	uint32_t index = chosen ? runner->entries[chosen - 1]->job.index + 1 : 1;

	if (index < ISIF_JOB_FIRST_IMPLIED)
		return index;
	for (index = 1; runner->entries[index - 1]->job.index == index; index++)
		;
	return index;
}

struct isif_job_list job_list(const struct job_runner *runner)
{
	return (struct isif_job_list){
		.jobs = runner->shown,
		.count = (uint32_t)runner->shown_count,
		.next_index = next_index(runner),
	};
}

uint32_t job_implied_index(struct job_runner *runner)
{
	uint32_t index;

	do {
		index = runner->next_implied;
		runner->next_implied = index == JOB_LAST_INDEX ? ISIF_JOB_FIRST_IMPLIED : index + 1;
	} while (job_entry_find(runner, index));
	return index;
}

/* What a change implies is not refused: the change would be, with it. */
static bool too_many(const struct job_runner *runner, uint32_t index)
{
	size_t open = 0;

	for (size_t i = 0; i < runner->count; i++)
		open += isif_job_is_open(&runner->entries[i]->job);
	return open >= JOB_OPEN_LIMIT && index < ISIF_JOB_FIRST_IMPLIED;
}

enum isif_error job_add(struct job_runner *runner, const struct isif_job *asked)
{
	struct isif_job job = *asked;
	struct job_entry *entry;
	enum isif_error error;

	if (too_many(runner, job.index))
		return ISIF_LIMIT;
	job.state = ISIF_JOB_PENDING;
	if (job.control != ISIF_JOB_CANCEL)
		job.control = ISIF_JOB_RUN;
	job.order = runner->next_order;
	job.progress = job.results = 0;
	job.error = ISIF_JOB_ERROR_NONE;
	job.started = job.finished = 0;
	*job.step = *job.error_text = '\0';
	error = job_entry_put(runner, &job, &entry);
	if (error)
		return error;
	runner->next_order++;
	entry->added = runner->in_change = true;
	return ISIF_OK;
}

void job_remove(struct job_runner *runner, uint32_t index)
{
	struct job_entry *entry = job_entry_find(runner, index);

	if (!entry || isif_job_is_open(&entry->job))
		return;
	entry->removed = runner->in_change = true;
	show(runner);
}

void job_cancel(struct job_runner *runner, uint32_t index)
{
	struct job_entry *entry = job_entry_find(runner, index);

	if (!entry || !isif_job_is_open(&entry->job) || entry->job.control == ISIF_JOB_CANCEL)
		return;
	entry->job.control = ISIF_JOB_CANCEL;
	entry->cancelled = runner->in_change = true;
}

static bool was_added(const struct job_entry *entry, uint32_t number)
{
	(void)number;
	return entry->added;
}

static bool was_removed(const struct job_entry *entry, uint32_t number)
{
	(void)number;
	return entry->removed;
}

void job_revert(struct job_runner *runner)
{
	for (size_t i = 0; i < runner->count; i++) {
		struct job_entry *entry = runner->entries[i];

		entry->removed = false;
		if (entry->cancelled)
			entry->job.control = ISIF_JOB_RUN;
		entry->cancelled = false;
	}
	runner->in_change = false;
	forget(runner, was_added, 0);
}

void job_keep(struct job_runner *runner)
{
	forget(runner, was_removed, 0);
	for (size_t i = 0; i < runner->count; i++)
		runner->entries[i]->added = runner->entries[i]->cancelled = false;
	runner->in_change = false;
	job_list_trim(runner);
}
