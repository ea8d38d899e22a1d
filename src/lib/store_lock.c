/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * open-iscsi's lock (usr/idbm.c:idbm_lock): who can make the link lock.write holds it, and who
 * finds it there tries again. It has no owner. To open-iscsi only its existence counts, so ours
 * leads to a file of our own: a lock that a crash left is told by its inode, and nobody else's is
 * ever removed.
 */
#include "store.h"

#include "cleanup.h"
#include "clock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#define LOCK_LINK "lock.write"
#define OLD	  60 /* seconds: iscsiadm gives up its own waiting after 30 */

static bool is_ours(const struct store *store)
{
	struct stat lock, ours;

	return !fstatat(store->locks, LOCK_LINK, &lock, AT_SYMLINK_NOFOLLOW) &&
	       !fstat(store->lock_file, &ours) && lock.st_ino == ours.st_ino &&
	       lock.st_dev == ours.st_dev;
}

/* False, and errno as it was, if there is none of ours. */
static bool remove_ours(const struct store *store)
{
	int number = errno;
	bool removed = is_ours(store) && !unlinkat(store->locks, LOCK_LINK, 0);

	errno = number;
	return removed;
}

static void close_both(struct store *store)
{
	if (store->lock_file >= 0)
		close(TAKE_DESCRIPTOR(store->lock_file));
	if (store->locks >= 0)
		close(TAKE_DESCRIPTOR(store->locks));
}

static int open_directory(const char *path, bool make)
{
	int descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (descriptor >= 0 || errno != ENOENT || !make)
		return descriptor;
	/* One level, as usr/idbm.c:idbm_lock does. */
	if (mkdir(path, 0770) && errno != EEXIST)
		return -1;
	return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static enum isif_error open_both(struct store *store, bool make)
{
	store->locks = open_directory(store->lock_path, make);
	if (store->locks < 0)
		return store_write_error(errno);
	store->lock_file = openat(store->locks, STORE_LOCK_FILE,
				  O_RDWR | O_NOFOLLOW | O_CLOEXEC | (make ? O_CREAT : 0), 0600);
	if (store->lock_file < 0)
		return store_write_error(errno);
	/* Without this, the lock of another one that lives would look like our own stale one. */
	if (flock(store->lock_file, LOCK_EX | LOCK_NB))
		return errno == EWOULDBLOCK ? ISIF_LOCKED : ISIF_IO;
	return ISIF_OK;
}

enum isif_error store_lock_open(struct store *store, bool make)
{
	enum isif_error error;

	if (store->locks >= 0)
		return ISIF_OK;
	error = open_both(store, make);
	if (error)
		close_both(store);
	else
		remove_ours(store);
	return error;
}

static enum isif_error try_lock(struct store *store)
{
	store->locked = !linkat(store->locks, STORE_LOCK_FILE, store->locks, LOCK_LINK, 0);
	/* A release that failed is made good; nobody else's lock is ours. */
	if (!store->locked && errno == EEXIST && remove_ours(store))
		store->locked = !linkat(store->locks, STORE_LOCK_FILE, store->locks, LOCK_LINK, 0);
	if (store->locked)
		return ISIF_OK;
	return errno == EEXIST ? ISIF_LOCKED : store_write_error(errno);
}

static void tell_if_old(struct store *store)
{
	struct stat status;
	long long age;

	if (fstatat(store->locks, LOCK_LINK, &status, AT_SYMLINK_NOFOLLOW))
		return;
	/* link(2) sets the time of its inode's last change. */
	age = (long long)time(NULL) - status.st_ctim.tv_sec;
	if (age <= OLD || (store->told_lock.tv_sec == status.st_ctim.tv_sec &&
			   store->told_lock.tv_nsec == status.st_ctim.tv_nsec))
		return;
	store->told_lock = status.st_ctim;
	isif_log_line(
		store->log, ISIF_LOG_WARNING,
		"open-iscsi's lock %s/" LOCK_LINK " is held since %lld s, and nothing can be "
		"written until it is gone: iscsiadm holds it for a moment only. If no iscsiadm "
		"and no program with libopeniscsiusr runs, a crash left it: remove that file",
		store->lock_path, age);
}

static void drain(int watch)
{
	char events[4096];

	while (read(watch, events, sizeof(events)) > 0)
		;
}

static enum isif_error wait_for_lock(struct store *store, unsigned patience)
{
	CLEANUP_CLOSE int watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	struct pollfd change = { .fd = watch, .events = POLLIN };
	const uint64_t end = clock_ns() + patience * UINT64_C(1000000);

	/* Without a watch, there is one more try, when the time is up. */
	if (watch >= 0 &&
	    inotify_add_watch(watch, store->lock_path, IN_DELETE | IN_MOVED_FROM | IN_ONLYDIR) < 0)
		change.fd = -1;
	for (;;) {
		enum isif_error error = try_lock(store);
		uint64_t now = clock_ns();

		if (error != ISIF_LOCKED || now >= end)
			return error;
		poll(&change, 1, (int)((end - now + 999999) / 1000000));
		if (change.fd >= 0)
			drain(change.fd);
	}
}

enum isif_error store_lock(struct store *store, unsigned patience)
{
	enum isif_error error = ISIF_LOCKED;

	if (store->locked)
		return ISIF_LOCKED;
	/* A second time if the directory or our file in it was removed behind us. */
	for (int attempt = 0; attempt < 2; attempt++) {
		error = store_lock_open(store, true);
		if (error)
			return error == ISIF_LOCKED ? ISIF_UNAVAILABLE : error;
		error = try_lock(store);
		if (error != ISIF_NOT_FOUND)
			break;
		close_both(store);
	}
	if (error != ISIF_LOCKED)
		return error;
	tell_if_old(store);
	return patience ? wait_for_lock(store, patience) : ISIF_LOCKED;
}

void store_unlock(struct store *store)
{
	if (store->locked)
		remove_ours(store);
	store->locked = false;
}
