/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unbind_plan.h"

#include "array.h"
#include "cleanup.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define FILE_NAME "unbind"
#define HEADER	  "iscsi-ifaced unbind 1"

bool unbind_plan_add(struct unbind_plan *plan, uint32_t binding, bool session)
{
	if (!array_reserve(&plan->items, &plan->size, plan->count, sizeof(*plan->items)))
		return false;
	plan->items[plan->count++] = (struct unbind_item){ binding, session };
	return true;
}

void unbind_plan_clear(struct unbind_plan *plan)
{
	free(plan->items);
	*plan = (struct unbind_plan){ 0 };
}

enum isif_error unbind_plan_write(struct isif_privileged *gate, const struct isif_job *job,
				  const struct unbind_plan *plan)
{
	CLEANUP_FREE char *text = NULL;
	CLEANUP_FILE FILE *file = NULL;
	size_t length;

	file = open_memstream(&text, &length);
	if (!file)
		return ISIF_NO_MEMORY;
	fprintf(file, HEADER "\njob %" PRIu32 " %" PRIu32 " %d\n", job->index, job->order,
		plan->removing);
	for (size_t i = 0; i < plan->count; i++)
		fprintf(file, "binding %" PRIu32 " %d\n", plan->items[i].binding,
			plan->items[i].session);
	fputs("end\n", file);
	if (fflush(file) || ferror(file))
		return ISIF_NO_MEMORY;
	return gate->operations->state_write(gate, FILE_NAME, text, length);
}

enum isif_error unbind_plan_forget(struct isif_privileged *gate)
{
	return gate->operations->state_write(gate, FILE_NAME, "", 0);
}

/* --- reading --- */

static bool read_head(const char *line, const struct isif_job *job, struct unbind_plan *plan)
{
	uint32_t index, order;
	int removing, used = 0;

	if (sscanf(line, "job %" SCNu32 " %" SCNu32 " %d%n", &index, &order, &removing, &used) !=
		    3 ||
	    line[used])
		return false;
	plan->removing = removing;
	return index == job->index && order == job->order;
}

static bool read_item(const char *line, struct unbind_plan *plan, enum isif_error *error)
{
	uint32_t binding;
	int session, used = 0;

	if (sscanf(line, "binding %" SCNu32 " %d%n", &binding, &session, &used) != 2 || line[used])
		return false;
	if (unbind_plan_add(plan, binding, session))
		return true;
	*error = ISIF_NO_MEMORY;
	return false;
}

/* True if it is whole, and this job's. */
static bool read_lines(char *text, const struct isif_job *job, struct unbind_plan *plan,
		       enum isif_error *error)
{
	char *rest = NULL, *line = strtok_r(text, "\n", &rest);

	if (!line || strcmp(line, HEADER) != 0)
		return false;
	line = strtok_r(NULL, "\n", &rest);
	if (!line || !read_head(line, job, plan))
		return false;
	while ((line = strtok_r(NULL, "\n", &rest))) {
		if (!strcmp(line, "end"))
			return true;
		if (!read_item(line, plan, error))
			return false;
	}
	return false;
}

enum isif_error unbind_plan_read(struct isif_privileged *gate, const struct isif_job *job,
				 struct unbind_plan *plan)
{
	CLEANUP_FREE char *text = NULL;
	size_t length;
	enum isif_error error = gate->operations->state_read(gate, FILE_NAME, &text, &length);

	if (error)
		return error == ISIF_NOT_FOUND ? ISIF_OK : error;
	if (!read_lines(text, job, plan, &error))
		unbind_plan_clear(plan);
	return error;
}
