/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Steps are done and undone, as often as need be. */
#include "store_plan.h"

#include "cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

void store_temporary_name(uint32_t number, char name[STORE_NAME_SIZE])
{
	snprintf(name, STORE_NAME_SIZE, STORE_TEMPORARY "%u", (unsigned)number);
}

void store_aside_name(uint32_t number, char name[STORE_NAME_SIZE])
{
	snprintf(name, STORE_NAME_SIZE, STORE_ASIDE "%u", (unsigned)number);
}

static enum isif_error outcome(int failed)
{
	if (!failed)
		return ISIF_OK;
	return errno == EEXIST ? ISIF_EXISTS : store_write_error(errno);
}

/* Moves a file to a place that must be empty. */
static int move(int root, const char *from, const char *to)
{
	if (!renameat2(root, from, root, to, RENAME_NOREPLACE))
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -1;
	/* This file system cannot: the same in two steps, neither of which loses the file. */
	return linkat(root, from, root, to, 0) ? -1 : unlinkat(root, from, 0);
}

static enum isif_error make_directory(struct store *store, const char *path, unsigned mode)
{
	if (mkdirat(store->root, path, 0700))
		return errno == EEXIST ? ISIF_OK : store_write_error(errno);
	/* Not what the umask leaves of it. */
	if (mode != 0700 && fchmodat(store->root, path, mode, 0))
		return store_write_error(errno);
	return ISIF_OK;
}

static enum isif_error remove_directory(struct store *store, const char *path)
{
	if (unlinkat(store->root, path, AT_REMOVEDIR) && errno != ENOTEMPTY && errno != EEXIST &&
	    errno != ENOENT && errno != ENOTDIR)
		return store_write_error(errno);
	return ISIF_OK;
}

static enum isif_error file_forward(struct store *store, const struct store_step *step)
{
	char temporary[STORE_NAME_SIZE];
	uint64_t now;
	enum isif_error error = store_print(store, step->path, NULL, &now);

	if (error || now == step->after)
		return error;
	if (now != step->before)
		return step->before ? ISIF_CHANGED : ISIF_EXISTS;
	if (!step->after)
		return outcome(unlinkat(store->root, step->path, 0));
	store_temporary_name(step->temporary, temporary);
	return outcome(step->before ? renameat(store->root, temporary, store->root, step->path)
				    : move(store->root, temporary, step->path));
}

static enum isif_error file_back(struct store *store, const struct store_step *step)
{
	char aside[STORE_NAME_SIZE];
	uint64_t now;
	enum isif_error error = store_print(store, step->path, NULL, &now);

	if (error || now == step->before)
		return error;
	if (now != step->after)
		return ISIF_CHANGED;
	if (!step->before)
		return outcome(unlinkat(store->root, step->path, 0));
	store_aside_name(step->aside, aside);
	return outcome(step->after ? renameat(store->root, aside, store->root, step->path)
				   : move(store->root, aside, step->path));
}

static enum isif_error step_forward(struct store *store, struct store_step *step)
{
	enum isif_error error = ISIF_INVALID;

	switch (step->kind) {
	case STORE_MAKE_DIRECTORY:
		error = make_directory(store, step->path, 0700);
		break;
	case STORE_FILE:
		error = file_forward(store, step);
		break;
	case STORE_REMOVE_DIRECTORY:
		error = remove_directory(store, step->path);
		break;
	}
	/* What somebody else put there is nothing to be undone; any other failure may be half one.
	 */
	step->touched = error != ISIF_CHANGED && error != ISIF_EXISTS;
	return error;
}

static enum isif_error step_back(struct store *store, const struct store_step *step)
{
	switch (step->kind) {
	case STORE_MAKE_DIRECTORY:
		return remove_directory(store, step->path);
	case STORE_FILE:
		return file_back(store, step);
	case STORE_REMOVE_DIRECTORY:
		return make_directory(store, step->path, step->mode);
	}
	return ISIF_INVALID;
}

enum isif_error store_plan_forward(struct store *store, struct store_plan *plan, size_t *failed)
{
	for (size_t i = 0; i < plan->count; i++) {
		enum isif_error error = step_forward(store, &plan->steps[i]);

		*failed = plan->steps[i].edit;
		if (error)
			return error;
	}
	return ISIF_OK;
}

/* Tells of what stays because somebody else changed it; any other error remains one. */
static enum isif_error leave_changed(struct store *store, const struct store_step *step,
				     enum isif_error error, const char *what)
{
	if (error != ISIF_CHANGED && error != ISIF_EXISTS)
		return error;
	isif_log_line(store->log, ISIF_LOG_WARNING,
		      "%s/%s was changed by somebody else meanwhile and stays as it is, while a "
		      "change of ours is %s: look whether it is what is wanted",
		      store->root_path, step->path, what);
	return ISIF_OK;
}

enum isif_error store_plan_back(struct store *store, struct store_plan *plan)
{
	enum isif_error first = ISIF_OK;

	for (size_t i = plan->count; i-- > 0;) {
		const struct store_step *step = &plan->steps[i];
		enum isif_error error = ISIF_OK;

		if (step->touched)
			error = leave_changed(store, step, step_back(store, step), "undone");
		if (!first)
			first = error;
	}
	return first;
}

static bool is_there(struct store *store, const char *name)
{
	struct stat status;

	return !fstatat(store->root, name, &status, AT_SYMLINK_NOFOLLOW) || errno != ENOENT;
}

/* A file that has come left its temporary name; one that is to go still has its aside link. */
static bool is_open(struct store *store, const struct store_step *step)
{
	char name[STORE_NAME_SIZE];

	if (step->kind != STORE_FILE)
		return true;
	if (step->after)
		store_temporary_name(step->temporary, name);
	else
		store_aside_name(step->aside, name);
	return is_there(store, name);
}

/* What was made for a file that is not there any more is of no use. */
static void remove_empty(struct store *store, const struct store_plan *plan)
{
	for (size_t i = plan->count; i-- > 0;)
		if (plan->steps[i].kind == STORE_MAKE_DIRECTORY)
			remove_directory(store, plan->steps[i].path);
	for (size_t i = 0; i < plan->count; i++)
		if (plan->steps[i].kind == STORE_REMOVE_DIRECTORY)
			remove_directory(store, plan->steps[i].path);
}

/* What was done before the crash may not be on disk. */
static void touch_all(struct store_plan *plan)
{
	for (size_t i = 0; i < plan->count; i++)
		plan->steps[i].touched = true;
}

enum isif_error store_plan_finish(struct store *store, struct store_plan *plan)
{
	enum isif_error error = ISIF_OK;

	for (size_t i = 0; i < plan->count && !error; i++) {
		struct store_step *step = &plan->steps[i];

		if (is_open(store, step))
			error = leave_changed(store, step, step_forward(store, step), "finished");
	}
	if (!error)
		remove_empty(store, plan);
	touch_all(plan);
	return error;
}

enum isif_error store_plan_revert(struct store *store, struct store_plan *plan)
{
	enum isif_error error = ISIF_OK;

	for (size_t i = plan->count; i-- > 0 && !error;) {
		const struct store_step *step = &plan->steps[i];

		error = leave_changed(store, step, step_back(store, step), "undone");
		/* It was put back before, and somebody removed it since. */
		if (error == ISIF_NOT_FOUND)
			error = ISIF_OK;
	}
	if (!error)
		remove_empty(store, plan);
	touch_all(plan);
	return error;
}

/* The directory that a path is in; false if an earlier step's is the same. */
static bool directory_of(const struct store_plan *plan, size_t i, char directory[PATH_MAX])
{
	const char *path = plan->steps[i].path, *slash = strrchr(path, '/');
	size_t length = slash ? (size_t)(slash - path) : 0;

	snprintf(directory, PATH_MAX, "%.*s", length ? (int)length : 1, length ? path : ".");
	while (i-- > 0) {
		const char *other = plan->steps[i].path, *other_slash = strrchr(other, '/');
		size_t other_length = other_slash ? (size_t)(other_slash - other) : 0;

		if (plan->steps[i].touched && other_length == length &&
		    !strncmp(other, path, length))
			return false;
	}
	return true;
}

enum isif_error store_plan_sync(struct store *store, struct store_plan *plan)
{
	char directory[PATH_MAX];

	for (size_t i = 0; i < plan->count; i++) {
		enum isif_error error = ISIF_OK;

		if (plan->steps[i].touched && directory_of(plan, i, directory))
			error = store_sync_directory(store, directory);
		/* A directory that is gone was synced with the one that it was in. */
		if (error && error != ISIF_NOT_FOUND)
			return error;
	}
	return ISIF_OK;
}

void store_plan_drop(struct store *store, const struct store_plan *plan)
{
	char name[STORE_NAME_SIZE];

	for (size_t i = 0; i < plan->count; i++) {
		if (plan->steps[i].temporary) {
			store_temporary_name(plan->steps[i].temporary, name);
			unlinkat(store->root, name, 0);
		}
		if (plan->steps[i].aside) {
			store_aside_name(plan->steps[i].aside, name);
			unlinkat(store->root, name, 0);
		}
	}
}
