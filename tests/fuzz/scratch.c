/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "scratch.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TOP_SIZE = 128, NAMES = 8 };

static char top[TOP_SIZE];
static char paths[NAMES][TOP_SIZE + 32];
static size_t path_count;
static int directory = -1; /* top */

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *walk)
{
	(void)status;
	(void)type;
	return walk->level ? remove(path) : 0;
}

static void remove_all(void)
{
	nftw(top, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void remove_top(void)
{
	remove_all();
	rmdir(top);
}

void scratch_empty(void)
{
	const char *where = getenv("TMPDIR");

	if (directory >= 0) {
		remove_all();
		return;
	}
	snprintf(top, sizeof(top), "%s/isif-fuzz-XXXXXX", where ? where : "/dev/shm");
	MUST(mkdtemp(top));
	atexit(remove_top);
	directory = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	MUST(directory >= 0);
}

int scratch_directory(void)
{
	return directory;
}

const char *scratch_path(const char *name)
{
	size_t i = 0;

	while (i < path_count && strcmp(paths[i] + strlen(top) + 1, name) != 0)
		i++;
	if (i == path_count) {
		MUST(path_count++ < NAMES);
		snprintf(paths[i], sizeof(paths[i]), "%s/%s", top, name);
	}
	return paths[i];
}

void scratch_make_directory(const char *name)
{
	MUST(!mkdirat(directory, name, 0700));
}

void scratch_put(const char *name, const char *text)
{
	int file = openat(directory, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	MUST(file >= 0 && write(file, text, strlen(text)) == (ssize_t)strlen(text) && !close(file));
}

void scratch_link(const char *from, const char *name)
{
	MUST(!linkat(directory, from, directory, name, 0));
}

void scratch_lead(const char *to, const char *name)
{
	MUST(!symlinkat(to, directory, name));
}

bool scratch_says(const char *name, const char *text)
{
	char octets[64] = "";
	int file = openat(directory, name, O_RDONLY | O_CLOEXEC);
	ssize_t length = file < 0 ? -1 : read(file, octets, sizeof(octets));

	close(file);
	return length == (ssize_t)strlen(text) && !memcmp(octets, text, strlen(text));
}
