/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the database is was decided when open-iscsi was built (DBROOT), and no program tells: so
 * look which place has records, and else read the path out of the installed iscsiadm.
 */
#include <isif/database.h>

#include "cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

static const char *const roots[] = { "/etc/iscsi", "/var/lib/iscsi" };
enum { ETC, VAR };

static bool is_directory(const char *prefix, const char *root, const char *below)
{
	char path[PATH_MAX];
	struct stat status;

	snprintf(path, sizeof(path), "%s%s%s", prefix, root, below);
	return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

/* The root that iscsiadm's program file names, -1 if it cannot be read or names neither. */
static int root_in_program(const char *program)
{
	CLEANUP_CLOSE int descriptor = open(program, O_RDONLY | O_CLOEXEC);
	struct stat status;
	void *image;
	int root = -1;

	if (descriptor < 0 || fstat(descriptor, &status) || status.st_size <= 0)
		return -1;
	image = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, descriptor, 0);
	if (image == MAP_FAILED)
		return -1;
	/* A build for /var/lib/iscsi still names /etc/iscsi, where its configuration is. */
	if (memmem(image, (size_t)status.st_size, roots[VAR], strlen(roots[VAR])))
		root = VAR;
	else if (memmem(image, (size_t)status.st_size, roots[ETC], strlen(roots[ETC])))
		root = ETC;
	munmap(image, (size_t)status.st_size);
	return root;
}

static int root_of_iscsiadm(const char *prefix, const char *iscsiadm)
{
	static const char *const places[] = { "/usr/sbin/iscsiadm", "/sbin/iscsiadm",
					      "/usr/bin/iscsiadm", "/usr/local/sbin/iscsiadm" };
	int root = -1;

	if (iscsiadm)
		return root_in_program(iscsiadm);
	for (size_t i = 0; root < 0 && i < sizeof(places) / sizeof(*places); i++) {
		char path[PATH_MAX];

		snprintf(path, sizeof(path), "%s%s", prefix, places[i]);
		root = root_in_program(path);
	}
	return root;
}

enum isif_error isif_database_find(const char *prefix, const char *iscsiadm, char *root,
				   size_t size)
{
	bool has_records[2];
	int choice;

	for (int i = ETC; i <= VAR; i++)
		has_records[i] = is_directory(prefix, roots[i], "/nodes") ||
				 is_directory(prefix, roots[i], "/ifaces");
	if (has_records[ETC] != has_records[VAR]) {
		choice = has_records[ETC] ? ETC : VAR;
	} else {
		bool etc = is_directory(prefix, roots[ETC], "");
		bool var = is_directory(prefix, roots[VAR], "");

		if (!etc && !var)
			return ISIF_NOT_FOUND;
		choice = etc && var ? root_of_iscsiadm(prefix, iscsiadm) : etc ? ETC : VAR;
		if (choice < 0)
			return ISIF_AMBIGUOUS;
	}
	if ((size_t)snprintf(root, size, "%s%s", prefix, roots[choice]) >= size)
		return ISIF_TOO_LONG;
	return ISIF_OK;
}
