/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The order of a look's work, and what became of it. */
#include "look_parts.h"

#include "array.h"
#include "clock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#define SID_LIMIT    65536
#define USES_A_STEP  256
#define ANSWER_PAUSE 10	  /* ms between two looks for multipathd's answer */
#define PATIENCE     5000 /* ms for multipathd; its own clients have 4 s (uxsock_timeout) */

/* --- what is found --- */

static void note_once(char *text, const char *format, va_list arguments)
	__attribute__((format(printf, 2, 0)));
static void note_once(char *text, const char *format, va_list arguments)
{
	if (!*text)
		vsnprintf(text, LOOK_TEXT_SIZE, format, arguments);
}

void look_note_unknown(struct look *look, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	note_once(look->unknown, format, arguments);
	va_end(arguments);
}

void look_note_vital_unknown(struct look *look, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	note_once(look->vital_unknown, format, arguments);
	va_end(arguments);
}

void look_note(struct look *look, const struct look_device *device, enum look_strength strength,
	       const char *format, ...)
{
	struct look_disk *disk = &look->disks.items[device->disk];
	struct look_finding *finding = device->mapped ? &disk->mapped : &disk->direct;
	va_list arguments;

	if (strength <= finding->strength)
		return;
	finding->strength = strength;
	va_start(arguments, format);
	vsnprintf(finding->user, sizeof(finding->user), format, arguments);
	va_end(arguments);
}

/* --- the stages that compare --- */

static int compare_devices(const void *a, const void *b)
{
	const struct look_device *left = a, *right = b;

	if (left->number != right->number)
		return left->number < right->number ? -1 : 1;
	return left->disk < right->disk ? -1 : left->disk > right->disk;
}

static enum isif_error sort_devices(struct look *look)
{
	if (look->devices.count)
		qsort(look->devices.items, look->devices.count, sizeof(*look->devices.items),
		      compare_devices);
	return ISIF_OK;
}

/* The first device of a number; one may stand on several disks. */
static size_t first_device(const struct look *look, dev_t number)
{
	size_t low = 0, high = look->devices.count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (look->devices.items[middle].number < number)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void compare_mount(struct look *look, const struct look_mount *mount)
{
	const char *where = mount->user ? "" : look->text.bytes + mount->where;

	for (size_t i = first_device(look, mount->number); i < look->devices.count; i++) {
		const struct look_device *device = &look->devices.items[i];

		if (device->number != mount->number)
			return;
		if (device->character)
			continue;
		look_note(look, device, mount->vital ? LOOK_VITAL : LOOK_MOUNTED, "%s%s",
			  mount->user ? mount->user : look_words(look, "mounted on "), where);
	}
}

static void compare_open(struct look *look, const struct look_open *opened)
{
	for (size_t i = first_device(look, opened->number); i < look->devices.count; i++) {
		const struct look_device *device = &look->devices.items[i];

		if (device->number != opened->number)
			return;
		if (device->character == opened->character)
			look_note(look, device, LOOK_OPEN, "open in process %u (%s)", opened->pid,
				  opened->command);
	}
}

static enum isif_error compare_step(struct look *look)
{
	for (int i = 0; i < USES_A_STEP; i++) {
		size_t at = look->at++;

		if (at < look->mounts.count) {
			if (look->mounts.items[at].number)
				compare_mount(look, &look->mounts.items[at]);
		} else if (at - look->mounts.count < look->opens.count) {
			compare_open(look, &look->opens.items[at - look->mounts.count]);
		} else {
			return ISIF_OK;
		}
	}
	return ISIF_INCOMPLETE;
}

/* --- multipathd --- */

static bool needs_multipathd(const struct look *look)
{
	for (size_t i = 0; i < look->disks.count; i++)
		if (look->disks.items[i].map_path &&
		    look->disks.items[i].mapped.strength != LOOK_NOBODY)
			return true;
	return false;
}

static enum isif_error answer_step(struct look *look)
{
	enum isif_error error;

	look->waiting = false;
	if (!look->multipathd || !needs_multipathd(look))
		return ISIF_OK;
	error = multipathd_work(look->multipathd);
	look->waiting = error == ISIF_INCOMPLETE && clock_ns() < look->multipathd_limit;
	look->pause = ANSWER_PAUSE;
	if (look->waiting || !error)
		return error;
	look->multipathd_silent = true;
	multipathd_close(TAKE(look->multipathd));
	return ISIF_OK;
}

/* --- the result --- */

static void judge(const struct look *look, const struct look_disk *disk,
		  struct isif_look_disk *result)
{
	const struct look_finding *finding =
		disk->mapped.strength > disk->direct.strength ? &disk->mapped : &disk->direct;
	const char *unknown = disk->unknown ? disk->unknown : look->unknown;

	result->use = ISIF_DISK_UNUSED;
	if (disk->mapped.strength != LOOK_NOBODY)
		result->use = disk->other_path ? ISIF_DISK_REDUNDANT : ISIF_DISK_IN_USE;
	if (disk->direct.strength != LOOK_NOBODY)
		result->use = ISIF_DISK_IN_USE;
	text_copy(result->user, sizeof(result->user), finding->user);
	if (finding->strength == LOOK_VITAL)
		result->vital = ISIF_VITAL_YES;
	else if (*look->vital_unknown || disk->unknown)
		result->vital = ISIF_VITAL_UNKNOWN;
	if (result->use == ISIF_DISK_IN_USE)
		return;
	if (result->use == ISIF_DISK_REDUNDANT && look->multipathd_silent)
		unknown = "multipathd does not say which paths are alive";
	if (!unknown || !*unknown)
		return;
	result->use = ISIF_DISK_UNKNOWN;
	text_copy(result->user, sizeof(result->user), unknown);
}

static enum isif_error judge_step(struct look *look)
{
	struct isif_look_disk *result;
	const struct look_disk *disk;

	if (look->at == look->disks.count)
		return ISIF_OK;
	if (!LOOK_RESERVE(look->result))
		return ISIF_NO_MEMORY;
	disk = &look->disks.items[look->at++];
	result = &look->result.items[look->result.count++];
	*result = (struct isif_look_disk){ .sid = disk->sid };
	text_copy(result->device, sizeof(result->device), disk->name);
	judge(look, disk, result);
	return ISIF_INCOMPLETE;
}

/* --- one after the other --- */

/* Users first, disks then: who comes meanwhile is one more user, and not a disk that is missed. */
static const struct {
	enum isif_error (*step)(struct look *look);
	bool of_host; /* it says nothing about a tree of sysfs that is not this host's */
} stages[] = {
	{ look_loops_step, true },     { look_swaps_step, true }, { look_processes_begin, true },
	{ look_processes_step, true }, { look_files_step, true }, { look_disks_step, false },
	{ look_devices_step, false },  { sort_devices, false },	  { compare_step, true },
	{ look_claims_step, true },    { answer_step, true },	  { look_paths_step, false },
	{ judge_step, false },
};

#define STAGES (sizeof(stages) / sizeof(*stages))

static enum isif_error step(struct look *look)
{
	enum isif_error error = ISIF_OK;

	if (!look->foreign || !stages[look->stage].of_host)
		error = stages[look->stage].step(look);
	/* What is too much to be looked through leaves something unknown. */
	if (error == ISIF_TOO_LONG) {
		look_note_unknown(look, "there is too much to look through");
		look_note_vital_unknown(look, "there is too much to look through");
		error = ISIF_OK;
	}
	if (error)
		return error;
	look->stage++;
	look->at = 0;
	return ISIF_INCOMPLETE;
}

enum isif_error look_work(struct look *look, uint64_t deadline, unsigned *pause)
{
	*pause = 0;
	while (look->stage < STAGES) {
		enum isif_error error = step(look);

		if (error != ISIF_INCOMPLETE)
			return error;
		if (look->waiting)
			*pause = look->pause;
		if (look->stage < STAGES && (look->waiting || clock_ns() >= deadline))
			return ISIF_INCOMPLETE;
	}
	return ISIF_OK;
}

void look_result(const struct look *look, const struct isif_look_disk **disks, size_t *count)
{
	*disks = look->result.items;
	*count = look->result.count;
}

/* --- beginning and end --- */

/* Without a word to a server that may not answer, or to the device. */
static bool real_node(int directory, const char *path, dev_t *number, bool *character)
{
	struct statx status;

	if (statx(directory, path, AT_STATX_DONT_SYNC, STATX_TYPE, &status))
		return false;
	*character = S_ISCHR(status.stx_mode);
	*number = makedev(status.stx_rdev_major, status.stx_rdev_minor);
	return *character || S_ISBLK(status.stx_mode);
}

static void ask_multipathd(struct look *look)
{
	const char *name = look->roots.multipathd ? look->roots.multipathd : MULTIPATHD_SOCKET;
	enum isif_error error = multipathd_ask(name, &look->multipathd);

	look->multipathd_silent = error && error != ISIF_NOT_FOUND;
	look->multipathd_limit =
		clock_ns() + (look->roots.patience ? look->roots.patience : PATIENCE) * 1000000ull;
}

static enum isif_error open_roots(struct look *look)
{
	const struct look_roots *roots = &look->roots;
	const int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;

	look->proc = open(roots->proc ? roots->proc : "/proc", flags);
	if (look->proc < 0)
		return isif_error_from_errno(errno);
	look->dev = open(roots->dev ? roots->dev : "/dev", flags);
	if (look->dev < 0)
		return isif_error_from_errno(errno);
	return isif_sysfs_open(roots->sysfs ? roots->sysfs : "/sys", NULL, &look->sysfs);
}

enum isif_error look_begin(const struct look_roots *roots, enum isif_look_purpose purpose,
			   const uint32_t *sids, size_t count, struct look **result)
{
	struct look *look = calloc(1, sizeof(*look));
	enum isif_error error;

	if (!look)
		return ISIF_NO_MEMORY;
	*look = (struct look){
		.roots = *roots,
		.purpose = purpose,
		.proc = -1,
		.dev = -1,
		.process = -1,
		.answers = -1,
		.reader.descriptor = -1,
		.session = SYSFS_NO_DIRECTORY,
		.target = SYSFS_NO_DIRECTORY,
		.foreign = roots->sysfs && !roots->proc,
		.sids = calloc(count ? count : 1, sizeof(*sids)),
		.sid_count = count,
	};
	if (!look->roots.node)
		look->roots.node = real_node;
	error = !look->sids ? ISIF_NO_MEMORY : count > SID_LIMIT ? ISIF_TOO_LONG : open_roots(look);
	if (error) {
		look_end(look);
		return error;
	}
	if (count)
		memcpy(look->sids, sids, count * sizeof(*sids));
	/* Whoever uses it: this host's root file system is not on it. */
	if (look->foreign)
		look_note_unknown(look, "not this host's disk");
	else
		ask_multipathd(look);
	*result = look;
	return ISIF_OK;
}

void look_end(struct look *look)
{
	if (!look)
		return;
	look_processes_end(look);
	line_reader_clear(&look->reader);
	sysfs_listing_close(&look->targets);
	sysfs_listing_close(&look->luns);
	sysfs_listing_close(&look->listing);
	sysfs_directory_close(&look->session);
	sysfs_directory_close(&look->target);
	multipathd_close(look->multipathd);
	isif_sysfs_close(look->sysfs);
	for (size_t i = 0; i < look->disks.count; i++) {
		free(look->disks.items[i].path);
		free(look->disks.items[i].map_path);
	}
	for (size_t i = 0; i < look->devices.count; i++)
		free(look->devices.items[i].path);
	free(look->mounts.items);
	free(look->files.items);
	free(look->loops.items);
	free(look->views.items);
	free(look->opens.items);
	free(look->disks.items);
	free(look->devices.items);
	free(look->result.items);
	free(look->claims.items);
	text_pool_clear(&look->text);
	cleanup_close_descriptor(&look->answers);
	cleanup_close_descriptor(&look->proc);
	cleanup_close_descriptor(&look->dev);
	free(look->sids);
	free(look);
}
