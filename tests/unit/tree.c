/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_litter(const char *name)
{
	return !strncmp(name, ".iscsi-ifaced-", 14);
}

static void print_file(FILE *out, int directory, const char *name)
{
	int descriptor = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	char buffer[4096];
	ssize_t got;

	while ((got = read(descriptor, buffer, sizeof(buffer))) > 0)
		fwrite(buffer, 1, (size_t)got, out);
	close(descriptor);
}

static void print_directory(FILE *out, int directory, const char *path);

static void print_entry(FILE *out, int directory, const char *path, const char *name)
{
	char below[PATH_MAX * 2], to[PATH_MAX];
	struct stat status;
	ssize_t length;

	snprintf(below, sizeof(below), "%s/%s", path, name);
	if (fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW))
		return;
	fprintf(out, "%s %o", below + 1, (unsigned)status.st_mode);
	if (S_ISLNK(status.st_mode)) {
		length = readlinkat(directory, name, to, sizeof(to));
		fprintf(out, " -> %.*s", (int)length, to);
	}
	fputc('\n', out);
	if (S_ISREG(status.st_mode))
		print_file(out, directory, name);
	if (S_ISDIR(status.st_mode))
		print_directory(out, openat(directory, name, O_RDONLY | O_CLOEXEC), below);
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void print_directory(FILE *out, int directory, const char *path)
{
	DIR *stream = fdopendir(directory);
	char *names[256];
	const struct dirent *entry;
	size_t count = 0;

	while (stream && (entry = readdir(stream)) && count < 256)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
		    !is_litter(entry->d_name))
			names[count++] = strdup(entry->d_name);
	qsort(names, count, sizeof(names[0]), compare);
	for (size_t i = 0; i < count; i++) {
		print_entry(out, directory, path, names[i]);
		free(names[i]);
	}
	if (stream)
		closedir(stream);
}

char *tree_text(const char *directory)
{
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);

	if (!out)
		abort();
	print_directory(out, open(directory, O_RDONLY | O_CLOEXEC), "");
	if (fclose(out) || !text)
		abort();
	return text;
}

static int look(const char *path, const struct stat *status, int type, struct FTW *ftw)
{
	(void)status;
	(void)type;
	return is_litter(path + ftw->base);
}

bool tree_is_littered(const char *directory)
{
	return nftw(directory, look, 16, FTW_PHYS) != 0;
}

static size_t count_of(const char *text, const char *word)
{
	size_t count = 0;

	for (; (text = strstr(text, word)); text++)
		count++;
	return count;
}

bool tree_is_broken(const char *text)
{
	for (const char *arrow = text; (arrow = strstr(arrow, " -> ")); arrow++) {
		char to[PATH_MAX];

		snprintf(to, sizeof(to), "%.*s", (int)strcspn(arrow + 4, "\n"), arrow + 4);
		if (access(to, F_OK))
			return true;
	}
	return count_of(text, "# BEGIN RECORD ") != count_of(text, "# END RECORD\n");
}
