/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The last question, about a disk that nobody seems to use: does the kernel? It mounts, swaps on
 * and maps a device only after it has claimed it for itself, and who opens it with O_EXCL gets
 * EBUSY then (block/bdev.c, bd_prepare_to_claim). This finds what shows nowhere else: a file system
 * that was unmounted lazily, or in a namespace without processes, a ZFS pool, an exported disk.
 *
 * EBUSY comes before the device is touched; everything after that may wait for its error recovery
 * (drivers/scsi/sd.c, sd_open). So a child asks, and nobody waits for one that hangs.
 */
#include "look_parts.h"

#include "array.h"
#include "clock.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#define PATIENCE 3000 /* ms */
#define PAUSE	 2    /* ms between two looks for an answer */

static bool is_wanted(const struct look *look, const struct look_device *device)
{
	const struct look_disk *disk = &look->disks.items[device->disk];

	/* A claim of a partition is one of its disk; what is held is claimed by its holder. */
	return !device->character && !device->partition && !device->held &&
	       disk->direct.strength == LOOK_NOBODY && disk->mapped.strength == LOOK_NOBODY;
}

static void note_unknown(struct look_disk *disk, const char *why)
{
	if (!disk->unknown)
		disk->unknown = why;
}

static enum isif_error add_claim(struct look *look, const struct look_device *device)
{
	struct look_disk *disk = &look->disks.items[device->disk];
	struct look_claim *claim;
	bool character;
	dev_t number;

	if (!LOOK_RESERVE(look->claims))
		return ISIF_NO_MEMORY;
	claim = &look->claims.items[look->claims.count];
	*claim = (struct look_claim){ .disk = device->disk, .number = -1 };
	text_copy(claim->name, sizeof(claim->name), sysfs_name(device->path));
	/* cciss!c0d0 is /dev/cciss/c0d0 */
	for (char *mark = claim->name; (mark = strchr(mark, '!'));)
		*mark = '/';
	if (look->roots.node(look->dev, claim->name, &number, &character) &&
	    number == device->number && !character)
		look->claims.count++;
	else
		note_unknown(disk, "it has no node in /dev");
	return ISIF_OK;
}

/* --- the child --- */

static int claim_device(int directory, const char *name)
{
	int descriptor = openat(directory, name, O_RDONLY | O_EXCL | O_CLOEXEC | O_NONBLOCK);

	if (descriptor < 0)
		return errno;
	close(descriptor);
	return 0;
}

static unsigned patience_of(const struct look *look)
{
	return look->roots.patience ? look->roots.patience : PATIENCE;
}

/*
 * Only what is safe after fork(2) beside threads. It keeps nothing open but these two: it may hang,
 * and locks and sockets must not hang with it. Its answers are numbers, one for each claim.
 */
_Noreturn static void ask_all(const struct look *look, int answers)
{
	int (*ask)(int directory, const char *name) =
		look->roots.claim ? look->roots.claim : claim_device;
	const int directory = STDIN_FILENO, out = STDOUT_FILENO;
	sigset_t none;

	signal(SIGALRM, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	/* One that hangs ends as soon as the kernel lets it. */
	alarm(patience_of(look) / 1000 + 1);
	if (dup2(look->dev, directory) < 0 || dup2(answers, out) < 0)
		_exit(1);
	closefrom(STDERR_FILENO + 1);
	for (size_t i = 0; i < look->claims.count; i++) {
		int number = ask(directory, look->claims.items[i].name);

		if (write(out, &number, sizeof(number)) != (ssize_t)sizeof(number))
			break;
	}
	_exit(0);
}

/* The grandchild asks: nobody has to wait for its end, not even as a zombie. */
static enum isif_error start_child(struct look *look)
{
	siginfo_t end;
	pid_t child;
	int ends[2];

	if (pipe2(ends, O_CLOEXEC))
		return isif_error_from_errno(errno);
	look->answers = ends[0];
	child = fork();
	if (!child) {
		child = fork();
		if (!child)
			ask_all(look, ends[1]);
		_exit(child < 0 ? 1 : 0);
	}
	close(ends[1]);
	if (child < 0)
		return ISIF_NO_MEMORY;
	while (waitid(P_PID, (id_t)child, &end, WEXITED) && errno == EINTR)
		;
	fcntl(look->answers, F_SETFL, O_NONBLOCK);
	look->claim_limit = clock_ns() + patience_of(look) * 1000000ull;
	return ISIF_OK;
}

/* --- its answers --- */

/* True: there is one more. */
static bool take_answer(struct look *look)
{
	ssize_t got;

	do
		got = read(look->answers, &look->claims.items[look->at].number, sizeof(int));
	while (got < 0 && errno == EINTR);
	if (got == (ssize_t)sizeof(int))
		return true;
	look->waiting = got < 0 && errno == EAGAIN && clock_ns() < look->claim_limit;
	return false;
}

/* What the device itself says (none, offline, an I/O error) it says to who has claimed it. */
static bool is_free(int number)
{
	return !number || number == ENXIO || number == ENODEV || number == EIO ||
	       number == ENOMEDIUM || number == ETIMEDOUT;
}

static void judge_claim(struct look *look, const struct look_claim *claim)
{
	struct look_disk *disk = &look->disks.items[claim->disk];

	if (claim->number == EBUSY) {
		disk->direct.strength = LOOK_FILE_SYSTEM;
		text_copy(disk->direct.user, sizeof(disk->direct.user),
			  "the kernel uses it, for whom cannot be seen");
	} else if (claim->number < 0) {
		note_unknown(disk, "it does not answer: whether the kernel uses it is not known");
	} else if (!is_free(claim->number)) {
		note_unknown(disk, "whether the kernel uses it cannot be found out");
	}
}

static enum isif_error list_claims(struct look *look)
{
	enum isif_error error = ISIF_OK;

	for (size_t i = 0; !error && i < look->devices.count; i++)
		if (is_wanted(look, &look->devices.items[i]))
			error = add_claim(look, &look->devices.items[i]);
	if (!error && look->claims.count)
		error = start_child(look);
	return error ? error : ISIF_INCOMPLETE;
}

enum isif_error look_claims_step(struct look *look)
{
	look->waiting = false;
	if (!look->claims_listed) {
		look->claims_listed = true;
		return look->purpose == ISIF_LOOK_TO_SHOW ? ISIF_OK : list_claims(look);
	}
	if (look->at == look->claims.count)
		return ISIF_OK;
	if (!take_answer(look) && look->waiting) {
		look->pause = PAUSE;
		return ISIF_INCOMPLETE;
	}
	/* Without an answer the others get none either. */
	judge_claim(look, &look->claims.items[look->at++]);
	return ISIF_INCOMPLETE;
}
