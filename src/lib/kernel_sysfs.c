/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel_sysfs.h"

#include "kernel_text.h"
#include "kernel_use.h"

#include <errno.h>
#include <fcntl.h>
#include <libudev.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>

#if defined SYS_openat2 && __has_include(<linux/openat2.h>)
#include <linux/openat2.h>
#define HAVE_OPENAT2 1
#else
#define HAVE_OPENAT2 0
#endif

#define OPENAT2_TRIES 16

#define DIRECTORY_FLAGS (O_RDONLY | O_DIRECTORY | O_CLOEXEC)

DEFINE_CLEANUP(struct udev_enumerate, enumerate, udev_enumerate_unref);

enum isif_error isif_sysfs_open(const char *root, const struct isif_log *log,
				struct isif_sysfs **sysfs)
{
	struct isif_sysfs *opened = calloc(1, sizeof(*opened));
	enum isif_error error = ISIF_NO_MEMORY;

	*sysfs = NULL;
	if (!opened)
		return error;
	opened->log = log;
	opened->root = open(root ? root : "/sys", DIRECTORY_FLAGS);
	if (opened->root < 0)
		error = isif_error_from_errno(errno);
	else
		opened->root_path = realpath(root ? root : "/sys", NULL);
	if (opened->root_path) {
		opened->root_length = strlen(opened->root_path);
		if (opened->root_length == 1) /* the root is "/" */
			opened->root_length = 0;
		error = ISIF_OK;
	}
	if (!error && !root) {
		opened->udev = udev_new();
		opened->uses = device_uses_new("/proc/self/mountinfo", "/proc/swaps");
		if (!opened->udev || !opened->uses)
			error = ISIF_NO_MEMORY;
	}
	if (error)
		isif_sysfs_close(opened);
	else
		*sysfs = opened;
	return error;
}

void isif_sysfs_close(struct isif_sysfs *sysfs)
{
	if (!sysfs)
		return;
	device_uses_free(sysfs->uses);
	udev_unref(sysfs->udev);
	free(sysfs->root_path);
	if (sysfs->root >= 0)
		close(sysfs->root);
	free(sysfs);
}

void isif_sysfs_descriptors(const struct isif_sysfs *sysfs, int descriptors[2])
{
	descriptors[0] = descriptors[1] = -1;
	if (sysfs->uses)
		device_uses_descriptors(sysfs->uses, descriptors);
}

uint32_t isif_sysfs_uses_generation(struct isif_sysfs *sysfs)
{
	if (!sysfs->uses)
		return 0;
	/* What cannot be read now is said, and counts as in use, where a disk is judged. */
	device_uses_refresh(sysfs->uses);
	return device_uses_generation(sysfs->uses);
}

bool isif_sysfs_has_class(struct isif_sysfs *sysfs)
{
	struct sysfs_directory CLEANUP_DIRECTORY class = SYSFS_NO_DIRECTORY;

	return sysfs_open(sysfs, &class, "class/iscsi_transport") == ISIF_OK;
}

void sysfs_directory_close(struct sysfs_directory *directory)
{
	if (directory->descriptor >= 0)
		close(directory->descriptor);
	directory->descriptor = -1;
}

/* What cannot be reached is not there: it goes away while we look, or its link leads outside. */
static enum isif_error open_error(int number)
{
	if (number == ELOOP || number == EXDEV || number == ENAMETOOLONG)
		return ISIF_NOT_FOUND;
	return isif_error_from_errno(number);
}

/* Cuts the root off a canonical path; false if the path does not lie below it. */
static bool path_below_root(const struct isif_sysfs *sysfs, const char *path,
			    struct sysfs_directory *directory)
{
	size_t length;

	if (strncmp(path, sysfs->root_path, sysfs->root_length) || path[sysfs->root_length] != '/')
		return false;
	path += sysfs->root_length + 1;
	length = strlen(path);
	if (length >= sizeof(directory->path))
		return false;
	memcpy(directory->path, path, length + 1);
	return true;
}

#if HAVE_OPENAT2
/* The canonical path of an open directory, as the kernel shows it. */
static bool path_of_descriptor(const struct isif_sysfs *sysfs, struct sysfs_directory *directory)
{
	char link[32], path[SYSFS_PATH_SIZE + 256];
	ssize_t length;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", directory->descriptor);
	length = readlink(link, path, sizeof(path));
	if (length < 0 || (size_t)length >= sizeof(path))
		return false;
	path[length] = '\0';
	return path_below_root(sysfs, path, directory);
}

/*
 * ISIF_UNAVAILABLE if the answer must be found another way: no openat2(2) (before Linux 5.6, or
 * under a seccomp filter), EAGAIN over and over (any rename or mount on the host while a ".." is
 * followed), or no /proc.
 */
static enum isif_error open_in_root(struct isif_sysfs *sysfs, const char *path,
				    struct sysfs_directory *directory)
{
	struct open_how how = {
		.flags = DIRECTORY_FLAGS,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};

	if (sysfs->no_openat2)
		return ISIF_UNAVAILABLE;
	for (int try = 0; try < OPENAT2_TRIES; try++) {
		directory->descriptor =
			(int)syscall(SYS_openat2, sysfs->root, path, &how, sizeof(how));
		if (directory->descriptor >= 0 || (errno != EAGAIN && errno != EINTR))
			break;
	}
	if (directory->descriptor < 0) {
		if (errno == ENOSYS || errno == EPERM)
			sysfs->no_openat2 = true;
		if (sysfs->no_openat2 || errno == EAGAIN)
			return ISIF_UNAVAILABLE;
		return open_error(errno);
	}
	if (path_of_descriptor(sysfs, directory))
		return ISIF_OK;
	sysfs_directory_close(directory);
	return ISIF_UNAVAILABLE;
}
#else
static enum isif_error open_in_root(struct isif_sysfs *sysfs, const char *path,
				    struct sysfs_directory *directory)
{
	(void)sysfs, (void)path, (void)directory;
	return ISIF_UNAVAILABLE;
}
#endif

/* The same with realpath(3): a link that leads out of the root is refused, not turned around. */
static enum isif_error open_resolved(const struct isif_sysfs *sysfs, const char *path,
				     struct sysfs_directory *directory)
{
	char *CLEANUP_FREE whole = NULL;
	char *CLEANUP_FREE real = NULL;

	if (asprintf(&whole, "%s/%s", sysfs->root_path, path) < 0) {
		whole = NULL;
		return ISIF_NO_MEMORY;
	}
	real = realpath(whole, NULL);
	if (!real)
		return open_error(errno);
	if (!path_below_root(sysfs, real, directory))
		return ISIF_NOT_FOUND;
	directory->descriptor = openat(sysfs->root, directory->path, DIRECTORY_FLAGS | O_NOFOLLOW);
	return directory->descriptor < 0 ? open_error(errno) : ISIF_OK;
}

enum isif_error sysfs_open(struct isif_sysfs *sysfs, struct sysfs_directory *directory,
			   const char *format, ...)
{
	char path[SYSFS_PATH_SIZE];
	enum isif_error error;
	va_list arguments;
	int length;

	sysfs_directory_close(directory);
	va_start(arguments, format);
	length = vsnprintf(path, sizeof(path), format, arguments);
	va_end(arguments);
	if (length < 0 || (size_t)length >= sizeof(path))
		return ISIF_NOT_FOUND;
	error = open_in_root(sysfs, path, directory);
	if (error == ISIF_UNAVAILABLE)
		error = open_resolved(sysfs, path, directory);
	return error;
}

enum isif_error sysfs_open_in(struct isif_sysfs *sysfs, const struct sysfs_directory *parent,
			      const char *name, struct sysfs_directory *directory)
{
	size_t above = strlen(parent->path), length = strlen(name);

	sysfs_directory_close(directory);
	if (above + 1 + length >= sizeof(directory->path))
		return ISIF_NOT_FOUND;
	directory->descriptor = openat(parent->descriptor, name, DIRECTORY_FLAGS | O_NOFOLLOW);
	/* Open in one step it is no symlink, and its path is canonical as its parent's is. */
	if (directory->descriptor < 0)
		return errno == ENOTDIR || errno == ELOOP
			       ? sysfs_open(sysfs, directory, "%s/%s", parent->path, name)
			       : open_error(errno);
	memcpy(directory->path, parent->path, above);
	directory->path[above] = '/';
	memcpy(directory->path + above + 1, name, length + 1);
	return ISIF_OK;
}

/* True for what says something about this process, and nothing about the attribute. */
static bool is_shortage(int number)
{
	return number == ENOMEM || number == EMFILE || number == ENFILE;
}

enum isif_error sysfs_read(const struct sysfs_directory *directory, const char *name, char *value,
			   size_t size)
{
	int CLEANUP_CLOSE descriptor = -1;
	ssize_t length = -1;

	*value = '\0';
	if (directory->descriptor < 0)
		return ISIF_OK;
	/* O_NONBLOCK: in a tree of one's own, an attribute may turn out to be a FIFO. */
	descriptor = openat(directory->descriptor, name,
			    O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	if (descriptor >= 0)
		do
			length = read(descriptor, value, size - 1);
		while (length < 0 && errno == EINTR);
	if (length < 0) {
		*value = '\0';
		return is_shortage(errno) ? isif_error_from_errno(errno) : ISIF_OK;
	}
	while (length > 0 && value[length - 1] == '\n')
		length--;
	value[length] = '\0';
	/* printf("%s", NULL) in the kernel; older ones write "<NULL>". */
	if (!strcmp(value, "(null)") || !strcmp(value, "<NULL>"))
		*value = '\0';
	return ISIF_OK;
}

void sysfs_listing_close(struct sysfs_listing *listing)
{
	if (listing->stream)
		closedir(listing->stream);
	listing->stream = NULL;
}

enum isif_error sysfs_list(const struct sysfs_directory *directory, struct sysfs_listing *listing)
{
	/* A descriptor of its own: the stream takes it, and with it its position. */
	int descriptor = openat(directory->descriptor, ".", DIRECTORY_FLAGS);

	if (descriptor < 0)
		return open_error(errno);
	listing->stream = fdopendir(descriptor);
	if (listing->stream)
		return ISIF_OK;
	close(descriptor);
	return ISIF_NO_MEMORY;
}

const char *sysfs_listing_next(struct sysfs_listing *listing)
{
	const struct dirent *entry;

	do {
		errno = 0;
		entry = readdir(listing->stream);
	} while (entry && entry->d_name[0] == '.');
	/* ENOENT: the directory was removed under us, and so is empty. */
	if (!entry)
		listing->error = errno == ENOENT ? ISIF_OK : isif_error_from_errno(errno);
	else if (++listing->count > SYSFS_LIST_LIMIT)
		listing->error = ISIF_TOO_LONG;
	return entry && !listing->error ? entry->d_name : NULL;
}

const char *sysfs_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* What udev knows of the class; its names are those of the class directory. */
static enum isif_error list_with_udev(const struct isif_sysfs *sysfs, const char *class_name,
				      void (*visit)(void *context, const char *name), void *context)
{
	struct udev_enumerate *CLEANUP(cleanup_enumerate) enumerate =
		udev_enumerate_new(sysfs->udev);
	struct udev_list_entry *entry;
	int result;

	if (!enumerate)
		return ISIF_NO_MEMORY;
	result = udev_enumerate_add_match_subsystem(enumerate, class_name);
	if (result >= 0)
		result = udev_enumerate_scan_devices(enumerate);
	if (result < 0)
		return isif_error_from_errno(-result);
	udev_list_entry_foreach(entry, udev_enumerate_get_list_entry(enumerate))
		visit(context, sysfs_name(udev_list_entry_get_name(entry)));
	return ISIF_OK;
}

enum isif_error isif_sysfs_list(struct isif_sysfs *sysfs, const char *class_name,
				void (*visit)(void *context, const char *name), void *context)
{
	struct sysfs_directory CLEANUP_DIRECTORY class = SYSFS_NO_DIRECTORY;
	struct sysfs_listing CLEANUP_LISTING listing = { 0 };
	enum isif_error error;
	const char *name;

	if (!*class_name || *class_name == '.' || strchr(class_name, '/'))
		return ISIF_INVALID;
	if (sysfs->udev)
		return list_with_udev(sysfs, class_name, visit, context);
	error = sysfs_open(sysfs, &class, "class/%s", class_name);
	if (!error)
		error = sysfs_list(&class, &listing);
	if (error)
		return error == ISIF_NOT_FOUND ? ISIF_OK : error;
	while ((name = sysfs_listing_next(&listing)))
		visit(context, name);
	return listing.error;
}
