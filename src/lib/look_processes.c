/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The processes: the mount namespaces that they live in, and the devices that they have open. */
#include "look_parts.h"

#include "array.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/major.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#define VIEW_LIMIT 65536
#define OPEN_LIMIT 65536
#define FDS_A_STEP 64

/* include/linux/proc_ns.h, PROC_PID_INIT_INO */
#define FIRST_PID_SPACE "pid:[4026531836]"

/* What proc(5) answers of a process that has ended, or is about to. */
static bool is_gone(int number)
{
	return number == ENOENT || number == ESRCH || number == ENOTDIR;
}

static bool read_link(int directory, const char *name, char *text, size_t size)
{
	ssize_t length = readlinkat(directory, name, text, size - 1);

	text[length < 0 ? 0 : length] = '\0';
	return length >= 0;
}

/* What a file of a process says, "" if nothing. */
static void read_word(int process, const char *name, char *text, size_t size)
{
	int CLEANUP_CLOSE file = openat(process, name, O_RDONLY | O_CLOEXEC);
	ssize_t length = file < 0 ? 0 : read(file, text, size - 1);

	text[length < 0 ? 0 : length] = '\0';
}

/* The name that a process gave itself, in letters that a terminal can show. */
static void read_command(const struct look *look, char *command, size_t size)
{
	read_word(look->process, "comm", command, size);
	command[strcspn(command, "\n")] = '\0';
	for (char *letter = command; *letter; letter++)
		if (*letter < ' ' || *letter > '~')
			*letter = '?';
}

static void cannot_see(struct look *look, const char *what, int number)
{
	char command[16];

	read_command(look, command, sizeof(command));
	look_note_unknown(look, "%s of process %u (%s) cannot be seen: %s", what, look->pid,
			  command, isif_error_text(isif_error_from_errno(number)));
}

/* --- mounts --- */

static int compare_views(const struct look_view *a, const struct look_view *b)
{
	if (a->space != b->space)
		return a->space < b->space ? -1 : 1;
	if (a->root != b->root)
		return a->root < b->root ? -1 : 1;
	return a->mount < b->mount ? -1 : a->mount > b->mount;
}

/* ISIF_EXISTS: it was seen before. */
static enum isif_error add_view(struct look *look, struct look_view view)
{
	size_t low = 0, high = look->views.count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = compare_views(&look->views.items[middle], &view);

		if (!order)
			return ISIF_EXISTS;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (look->views.count >= VIEW_LIMIT)
		return ISIF_TOO_LONG;
	if (!LOOK_RESERVE(look->views))
		return ISIF_NO_MEMORY;
	memmove(look->views.items + low + 1, look->views.items + low,
		(look->views.count - low) * sizeof(view));
	look->views.items[low] = view;
	look->views.count++;
	return ISIF_OK;
}

/*
 * The namespace, and the root directory: mountinfo leaves out what lies outside of that
 * (fs/proc_namespace.c, show_mountinfo). False: the process has none, or it cannot be seen.
 */
static bool read_view(struct look *look, struct look_view *view)
{
	char link[64];
	struct statx status;

	/* The root's without a word to a server that may not answer. */
	if (!read_link(look->process, "ns/mnt", link, sizeof(link)) ||
	    statx(look->process, "root", AT_STATX_DONT_SYNC, STATX_INO | STATX_MNT_ID, &status)) {
		if (!is_gone(errno))
			cannot_see(look, "mounts", errno);
		return false;
	}
	view->root = status.stx_ino;
	view->mount = status.stx_mnt_id;
	if (sscanf(link, "mnt:[%" SCNu64 "]", &view->space) == 1)
		return true;
	cannot_see(look, "mounts", EINVAL);
	return false;
}

/* ISIF_INCOMPLETE: there is a table to be read. */
static enum isif_error begin_mounts(struct look *look, bool ours)
{
	struct look_view view = { 0 };
	enum isif_error error;
	int descriptor;

	if (!read_view(look, &view))
		return ISIF_OK;
	descriptor = openat(look->process, "mountinfo", O_RDONLY | O_CLOEXEC);
	if (descriptor < 0) {
		/* EINVAL: it has no namespace any more (fs/proc_namespace.c, mounts_open_common) */
		if (!is_gone(errno) && errno != EINVAL)
			cannot_see(look, "mounts", errno);
		return ISIF_OK;
	}
	error = add_view(look, view);
	if (error) {
		close(descriptor);
		return error == ISIF_EXISTS ? ISIF_OK : error;
	}
	look_mounts_begin(look, descriptor, ours);
	return ISIF_INCOMPLETE;
}

/* --- open devices --- */

/* multipathd keeps each path open, udev looks into each new disk: neither is a user. */
static bool is_prober(int process)
{
	static const char *const names[] = { "multipathd", "udevadm", "systemd-udevd" };
	char program[PATH_MAX];
	const char *name;

	if (!read_link(process, "exe", program, sizeof(program)))
		return false;
	name = sysfs_name(program);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		const char *rest = text_after(name, names[i]);

		/* After an upgrade the link says that the file is gone. */
		if (rest && (!*rest || !strcmp(rest, " (deleted)")))
			return true;
	}
	return false;
}

/* udev starts programs, such as scsi_id: "pid (comm) state ppid" in stat. */
static bool is_child_of_prober(const struct look *look)
{
	char stat[256], name[16];
	int CLEANUP_CLOSE parent = -1;
	const char *after;
	unsigned number;

	read_word(look->process, "stat", stat, sizeof(stat));
	after = strrchr(stat, ')');
	if (!after || sscanf(after, ") %*c %u", &number) != 1 || !number)
		return false;
	snprintf(name, sizeof(name), "%u", number);
	parent = openat(look->proc, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return parent >= 0 && is_prober(parent);
}

/* Of a process that has opened a device over and over, mostly one line is kept. */
static bool is_known(const struct look *look, dev_t number, bool character)
{
	const struct look_open *last = look->opens.items;

	if (!look->opens.count)
		return false;
	last += look->opens.count - 1;
	return last->number == number && last->character == character && last->pid == look->pid;
}

static enum isif_error add_open(struct look *look, dev_t number, bool character)
{
	struct look_open *opened;

	if (character && major(number) != SCSI_GENERIC_MAJOR)
		return ISIF_OK;
	if (is_known(look, number, character) || is_prober(look->process) ||
	    is_child_of_prober(look))
		return ISIF_OK;
	if (look->opens.count >= OPEN_LIMIT)
		return ISIF_TOO_LONG;
	if (!LOOK_RESERVE(look->opens))
		return ISIF_NO_MEMORY;
	opened = &look->opens.items[look->opens.count++];
	*opened = (struct look_open){ number, character, look->pid, "" };
	read_command(look, opened->command, sizeof(opened->command));
	return ISIF_OK;
}

static void begin_descriptors(struct look *look)
{
	int descriptor = openat(look->process, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (descriptor < 0) {
		if (!is_gone(errno))
			cannot_see(look, "open files", errno);
		return;
	}
	look->descriptors = fdopendir(descriptor);
	if (!look->descriptors) {
		cannot_see(look, "open files", errno);
		close(descriptor);
	}
}

/* ISIF_OK: that were all. */
static enum isif_error read_descriptors(struct look *look)
{
	const struct dirent *entry = NULL;
	enum isif_error error = ISIF_OK;
	dev_t number;
	bool character;

	for (int i = 0; !error && i < FDS_A_STEP; i++) {
		errno = 0;
		entry = readdir(look->descriptors);
		if (!entry)
			break;
		if (entry->d_name[0] != '.' &&
		    look->roots.node(dirfd(look->descriptors), entry->d_name, &number, &character))
			error = add_open(look, number, character);
	}
	if (!error && entry)
		return ISIF_INCOMPLETE;
	if (!error && errno && !is_gone(errno))
		cannot_see(look, "open files", errno);
	closedir(look->descriptors);
	look->descriptors = NULL;
	return error;
}

/* --- one after the other --- */

/* In a PID namespace of its own, a process cannot see those outside. */
static void check_sight(struct look *look)
{
	char link[64];

	if (!read_link(look->proc, "self/ns/pid", link, sizeof(link)) ||
	    strcmp(link, FIRST_PID_SPACE) != 0)
		look_note_unknown(look, "not all processes can be seen: this is a container");
}

enum isif_error look_processes_begin(struct look *look)
{
	int descriptor = openat(look->proc, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	check_sight(look);
	if (descriptor < 0)
		return isif_error_from_errno(errno);
	look->processes = fdopendir(descriptor);
	if (look->processes)
		return ISIF_OK;
	close(descriptor);
	return ISIF_NO_MEMORY;
}

void look_processes_end(struct look *look)
{
	if (look->processes)
		closedir(look->processes);
	if (look->descriptors)
		closedir(look->descriptors);
	if (look->process >= 0)
		close(look->process);
	look->processes = look->descriptors = NULL;
	look->process = -1;
}

/*
 * The next process, NULL: there is none. First those whose mounts are the host's own: this one, and
 * process 1.
 */
static const char *next_process(struct look *look, bool *ours)
{
	static const char *const first[] = { "self", "1" };
	const struct dirent *entry;

	*ours = look->at < sizeof(first) / sizeof(*first);
	if (*ours)
		return first[look->at++];
	do {
		errno = 0;
		entry = readdir(look->processes);
	} while (entry && (entry->d_name[0] < '0' || entry->d_name[0] > '9'));
	return entry ? entry->d_name : NULL;
}

static enum isif_error begin_process(struct look *look)
{
	enum isif_error error;
	bool ours;
	const char *name = next_process(look, &ours);

	if (!name)
		return errno ? isif_error_from_errno(errno) : ISIF_OK;
	look->pid = (uint32_t)strtoul(name, NULL, 10);
	look->process = openat(look->proc, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (look->process < 0)
		return is_gone(errno) ? ISIF_INCOMPLETE : isif_error_from_errno(errno);
	/* The first ones' turn comes again. */
	if (!ours)
		begin_descriptors(look);
	error = begin_mounts(look, ours);
	return error ? error : ISIF_INCOMPLETE;
}

enum isif_error look_processes_step(struct look *look)
{
	enum isif_error error;

	if (look->process < 0)
		return begin_process(look);
	error = look->reader.descriptor >= 0 ? look_mounts_step(look)
		: look->descriptors	     ? read_descriptors(look)
					     : ISIF_OK;
	if (error == ISIF_OK && look->reader.descriptor < 0 && !look->descriptors) {
		close(look->process);
		look->process = -1;
	}
	return error ? error : ISIF_INCOMPLETE;
}
