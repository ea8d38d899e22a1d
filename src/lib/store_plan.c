/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Edits become steps. Each path has one step, whatever edits concern it: two bindings that change
 * places are two files that are replaced.
 */
#include "store_plan.h"

#include <isif/record.h>

#include "array.h"
#include "cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define TRIES 1000 /* names that are taken, by files that nobody has swept yet */

struct planner {
	struct store *store;
	struct store_plan *plan;
	size_t edit;
};

#define CLEANUP_TEXT CLEANUP(record_text_clear)

struct store_step *store_plan_step(struct store_plan *plan, enum store_step_kind kind,
				   const char *path)
{
	char *copy;

	for (size_t i = 0; i < plan->count; i++)
		if (plan->steps[i].kind == kind && !strcmp(plan->steps[i].path, path))
			return &plan->steps[i];
	if (!array_reserve(&plan->steps, &plan->size, plan->count, sizeof(*plan->steps)))
		return NULL;
	copy = strdup(path);
	if (!copy)
		return NULL;
	plan->steps[plan->count] =
		(struct store_step){ .kind = kind, .path = copy, .descriptor = -1 };
	return &plan->steps[plan->count++];
}

static void clear_step(struct store_step *step)
{
	cleanup_close_descriptor(&step->descriptor);
	free(step->path);
}

void store_plan_clear(struct store_plan *plan)
{
	for (size_t i = 0; i < plan->count; i++)
		clear_step(&plan->steps[i]);
	free(plan->steps);
	*plan = (struct store_plan){ 0 };
}

/*
 * The file that goes. First a link to it, then its text is read through that link: what an undo
 * puts back is what was read, and it costs no space that a full disk would not have.
 */
static enum isif_error take_old(struct planner *planner, const char *path, struct record_text *text)
{
	struct store *store = planner->store;
	struct store_step *step = store_plan_step(planner->plan, STORE_FILE, path);
	char name[STORE_NAME_SIZE];
	int failed = -1;

	if (!step)
		return ISIF_NO_MEMORY;
	if (step->aside)
		return ISIF_INVALID; /* two edits of one record */
	for (int tries = 0; failed && tries < TRIES; tries++) {
		store_aside_name(++store->number, name);
		failed = linkat(store->root, path, store->root, name, 0);
		if (failed && errno != EEXIST)
			return store_write_error(errno);
	}
	if (failed)
		return ISIF_LIMIT;
	step->aside = store->number;
	step->edit = planner->edit;
	return store_print(store, name, text, &step->before);
}

/* The step of a file that comes: no other edit may have made one. */
static enum isif_error new_step(struct planner *planner, const char *path, struct store_step **step)
{
	*step = store_plan_step(planner->plan, STORE_FILE, path);
	if (!*step)
		return ISIF_NO_MEMORY;
	if ((*step)->temporary)
		return ISIF_INVALID;
	(*step)->edit = planner->edit;
	return ISIF_OK;
}

/* old: the record whose mode it keeps, NULL for a new one. */
static enum isif_error put_text(struct planner *planner, const char *path, const char *old,
				const struct record_text *text)
{
	char name[STORE_NAME_SIZE];
	struct store_step *step;
	enum isif_error error = new_step(planner, path, &step);

	if (!error)
		error = store_write_temporary(planner->store, text, name, sizeof(name),
					      &step->descriptor);
	if (error)
		return error;
	step->temporary = planner->store->number;
	if (old)
		error = store_keep_mode(planner->store, old, step->descriptor);
	return error ? error : store_text_print(step->descriptor, text, &step->after);
}

static enum isif_error put_link(struct planner *planner, const char *path, const char *to)
{
	struct store *store = planner->store;
	char name[STORE_NAME_SIZE];
	struct store_step *step;
	enum isif_error error = new_step(planner, path, &step);
	int failed = -1;

	if (error)
		return error;
	for (int tries = 0; failed && tries < TRIES; tries++) {
		store_temporary_name(++store->number, name);
		failed = symlinkat(to, store->root, name);
		if (failed && errno != EEXIST)
			return store_write_error(errno);
	}
	if (failed)
		return ISIF_LIMIT;
	step->temporary = store->number;
	return store_print(store, name, NULL, &step->after);
}

/* "nodes/TARGET/PORTAL/IFACE" has the link "FOLDER/TARGET,PORTAL,IFACE" to its directory. */
static enum isif_error link_path(const char *folder, const char *node, char path[PATH_MAX])
{
	int start = snprintf(path, PATH_MAX, "%s/", folder);
	int length = snprintf(path, PATH_MAX, "%s/%s", folder, node + strlen("nodes/"));

	if (length >= PATH_MAX)
		return ISIF_TOO_LONG;
	for (char *slash = path + start; (slash = strchr(slash, '/'));)
		*slash = ',';
	return store_path_is_good(path) ? ISIF_OK : ISIF_TOO_LONG;
}

/*
 * The link of a record that is there; path is empty if it has none: only the discovery that made a
 * record made one, and none for an old record without a tpgt (usr/idbm.c:idbm_add_node).
 */
static enum isif_error find_link(const struct planner *planner, const char *node,
				 const struct record_text *text, char folder[PATH_MAX],
				 char path[PATH_MAX])
{
	bool is_old = !strchr(strchr(node + strlen("nodes/"), '/') + 1, '/');
	struct stat status;

	if (!is_old && record_link_folder(text->octets, text->length, folder, PATH_MAX) &&
	    !link_path(folder, node, path)) {
		if (!fstatat(planner->store->root, path, &status, AT_SYMLINK_NOFOLLOW)) {
			if (S_ISLNK(status.st_mode))
				return ISIF_OK;
		} else if (errno != ENOENT && errno != ENOTDIR) {
			return isif_error_from_errno(errno);
		}
	}
	*path = '\0';
	return ISIF_OK;
}

/* An old text becomes a new one, in its place or in another. */
static enum isif_error put_edited(struct planner *planner, const struct isif_edit *edit,
				  const char *to, const struct record_text *old)
{
	CLEANUP_TEXT struct record_text fresh = { 0 };
	enum isif_error error =
		record_edit(old->octets, old->length, edit->lines, edit->line_count, &fresh);

	return error ? error : put_text(planner, to, edit->path, &fresh);
}

static enum isif_error plan_lines(struct planner *planner, const struct isif_edit *edit)
{
	CLEANUP_TEXT struct record_text old = { 0 };
	enum isif_error error = take_old(planner, edit->path, &old);

	return error ? error : put_edited(planner, edit, edit->path, &old);
}

static enum isif_error plan_new_iface(struct planner *planner, const struct isif_edit *edit)
{
	CLEANUP_TEXT struct record_text text = { 0 };
	enum isif_error error = record_new_iface(edit->path + strlen("ifaces/"), edit->lines,
						 edit->line_count, &text);

	return error ? error : put_text(planner, edit->path, NULL, &text);
}

/* iscsid.conf may be a link, and need not be there. */
static enum isif_error read_iscsid_conf(struct store *store, struct record_text *text)
{
	CLEANUP_FREE char *path = NULL;
	enum isif_error error;

	if (!store->iscsid_conf)
		return ISIF_OK;
	path = realpath(store->iscsid_conf, NULL);
	error = path ? store_read(store, path, text) : isif_error_from_errno(errno);
	return error == ISIF_NOT_FOUND ? ISIF_OK : error;
}

static enum isif_error plan_new_node(struct planner *planner, const struct isif_edit *edit)
{
	CLEANUP_TEXT struct record_text base = { 0 };
	CLEANUP_TEXT struct record_text text = { 0 };
	struct store *store = planner->store;
	char path[PATH_MAX], to[PATH_MAX];
	enum isif_error error = edit->other ? store_read(store, edit->other, &base)
					    : read_iscsid_conf(store, &base);

	if (!error)
		error = record_new_node(base.octets, base.length, edit->other != NULL, edit->lines,
					edit->line_count, &text);
	if (!error)
		error = put_text(planner, edit->path, NULL, &text);
	if (!error)
		error = link_path("static", edit->path, path);
	if (error)
		return error;
	if (snprintf(to, sizeof(to), "%s/%.*s", store->root_path,
		     (int)(strrchr(edit->path, '/') - edit->path), edit->path) >= (int)sizeof(to))
		return ISIF_TOO_LONG;
	return put_link(planner, path, to);
}

/* The link of another record in the same folder; the old one stays, or goes. */
static enum isif_error copy_link(struct planner *planner, const char *folder, const char *from,
				 const char *node, bool stays)
{
	char path[PATH_MAX], to[PATH_MAX];
	enum isif_error error = link_path(folder, node, path);
	ssize_t length;

	if (error)
		return error;
	length = readlinkat(planner->store->root, from, to, sizeof(to) - 1);
	if (length < 0)
		return isif_error_from_errno(errno);
	to[length] = '\0';
	if (!stays)
		error = take_old(planner, from, NULL);
	return error ? error : put_link(planner, path, to);
}

static enum isif_error plan_move(struct planner *planner, const struct isif_edit *edit)
{
	CLEANUP_TEXT struct record_text old = { 0 };
	char folder[PATH_MAX], path[PATH_MAX];
	bool stays = edit->kind == ISIF_EDIT_COPY_NODE;
	enum isif_error error = stays ? store_read(planner->store, edit->path, &old)
				      : take_old(planner, edit->path, &old);

	if (!error)
		error = put_edited(planner, edit, edit->other, &old);
	if (!error)
		error = find_link(planner, edit->path, &old, folder, path);
	return error || !*path ? error : copy_link(planner, folder, path, edit->other, stays);
}

/* Its portal's directory goes with its last record, and the target's with its last portal. */
static enum isif_error plan_remove_directories(struct planner *planner, const char *node)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s", node);
	for (char *slash; (slash = strrchr(path, '/')) != strchr(path, '/');) {
		struct store_step *step;
		struct stat status;

		*slash = '\0';
		if (fstatat(planner->store->root, path, &status, AT_SYMLINK_NOFOLLOW))
			return isif_error_from_errno(errno);
		step = store_plan_step(planner->plan, STORE_REMOVE_DIRECTORY, path);
		if (!step)
			return ISIF_NO_MEMORY;
		step->mode = status.st_mode & 07777;
	}
	return ISIF_OK;
}

static enum isif_error plan_remove(struct planner *planner, const struct isif_edit *edit)
{
	CLEANUP_TEXT struct record_text old = { 0 };
	char folder[PATH_MAX], path[PATH_MAX];
	enum isif_error error = take_old(planner, edit->path, &old);

	if (error || strncmp(edit->path, "nodes/", 6) != 0)
		return error;
	error = find_link(planner, edit->path, &old, folder, path);
	if (!error && *path)
		error = take_old(planner, path, NULL);
	return error ? error : plan_remove_directories(planner, edit->path);
}

static enum isif_error plan_edit(struct planner *planner, const struct isif_edit *edit)
{
	enum isif_error error = store_check_edit(edit);

	if (error)
		return error;
	switch (edit->kind) {
	case ISIF_EDIT_LINES:
		return plan_lines(planner, edit);
	case ISIF_EDIT_NEW_IFACE:
		return plan_new_iface(planner, edit);
	case ISIF_EDIT_NEW_NODE:
		return plan_new_node(planner, edit);
	case ISIF_EDIT_MOVE_NODE:
	case ISIF_EDIT_COPY_NODE:
		return plan_move(planner, edit);
	case ISIF_EDIT_REMOVE:
		return plan_remove(planner, edit);
	}
	return ISIF_INVALID;
}

static bool is_link(const struct store_step *step)
{
	return strncmp(step->path, "ifaces/", 7) != 0 && strncmp(step->path, "nodes/", 6) != 0;
}

static enum isif_error plan_parents(struct planner *planner, const char *path)
{
	char parent[PATH_MAX];
	struct stat status;

	for (const char *slash = path; (slash = strchr(slash, '/')); slash++) {
		snprintf(parent, sizeof(parent), "%.*s", (int)(slash - path), path);
		if (!fstatat(planner->store->root, parent, &status, 0))
			continue;
		if (errno != ENOENT)
			return isif_error_from_errno(errno);
		if (!store_plan_step(planner->plan, STORE_MAKE_DIRECTORY, parent))
			return ISIF_NO_MEMORY;
	}
	return ISIF_OK;
}

/* What comes to a place that no edit empties must find it empty, but for a link that is as good. */
static enum isif_error settle(struct planner *planner)
{
	struct store_plan *plan = planner->plan;
	enum isif_error error = ISIF_OK;
	struct stat status;

	for (size_t i = 0; i < plan->count && !error; i++) {
		struct store_step *step = &plan->steps[i];

		if (step->kind != STORE_FILE || step->aside)
			continue;
		planner->edit = step->edit;
		if (fstatat(planner->store->root, step->path, &status, AT_SYMLINK_NOFOLLOW)) {
			error = plan_parents(planner, step->path);
			continue;
		}
		if (!is_link(step))
			return ISIF_EXISTS;
		store_plan_drop(planner->store, &(struct store_plan){ .steps = step, .count = 1 });
		clear_step(step);
		plan->steps[i--] = plan->steps[--plan->count];
	}
	return error;
}

/* No link ever leads nowhere, and no iface's place in its portal is empty that need not be. */
static int rank(const struct store_step *step)
{
	if (step->kind != STORE_FILE)
		return step->kind == STORE_MAKE_DIRECTORY ? 0 : 5;
	if (step->after)
		return is_link(step) ? 2 : 1;
	return is_link(step) ? 3 : 4;
}

/* Directories are made after those that they are in, and removed before them. */
static int compare(const void *a, const void *b)
{
	const struct store_step *one = a, *other = b;
	int difference = rank(one) - rank(other);

	if (difference)
		return difference;
	return one->kind == STORE_REMOVE_DIRECTORY ? strcmp(other->path, one->path)
						   : strcmp(one->path, other->path);
}

/* All are written before the first is synced: the others then find most of it done. */
static enum isif_error sync_files(struct planner *planner)
{
	struct store_plan *plan = planner->plan;

	for (size_t i = 0; i < plan->count; i++) {
		struct store_step *step = &plan->steps[i];

		if (step->descriptor < 0)
			continue;
		planner->edit = step->edit;
		if (fsync(step->descriptor))
			return store_write_error(errno);
		close(TAKE_DESCRIPTOR(step->descriptor));
	}
	return ISIF_OK;
}

enum isif_error store_plan_make(struct store *store, const struct isif_edit *edits, size_t count,
				struct store_plan *plan, size_t *failed)
{
	struct planner planner = { .store = store, .plan = plan };
	enum isif_error error = ISIF_OK;

	for (size_t i = 0; i < count && !error; i++) {
		planner.edit = i;
		error = plan_edit(&planner, &edits[i]);
	}
	if (!error)
		error = settle(&planner);
	if (!error)
		error = sync_files(&planner);
	if (!error && plan->count)
		qsort(plan->steps, plan->count, sizeof(*plan->steps), compare);
	*failed = planner.edit;
	return error;
}
