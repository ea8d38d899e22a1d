/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "helpers.h"

#include <isif/monitor.h>

#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

static char directory[64];

struct isif_record *parse_record(const char *text)
{
	struct isif_record *record = NULL;

	CU_ASSERT_EQUAL_FATAL(isif_record_parse(text, strlen(text), "", &record), ISIF_OK);
	CU_ASSERT_PTR_NOT_NULL_FATAL(record);
	return record;
}

bool has_value(const struct isif_record *record, const char *key, const char *value)
{
	const char *found = isif_record_value(record, key);

	if (found && value ? !strcmp(found, value) : found == value)
		return true;
	printf("# %s is %s, not %s\n", key, found ? found : "not there",
	       value ? value : "not there");
	return false;
}

void scratch_make(void)
{
	const char *below = getenv("TMPDIR");
	struct statvfs memory;

	/*
	 * In memory where that is to be had: hundreds of files are made, and some are synced. But
	 * containers often mount it so that no script in it can be run.
	 */
	if (!below)
		below = access("/dev/shm", W_OK) || statvfs("/dev/shm", &memory) ||
					memory.f_flag & ST_NOEXEC
				? "/tmp"
				: "/dev/shm";
	snprintf(directory, sizeof(directory), "%s/isif-unit-XXXXXX", below);
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(directory));
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *ftw)
{
	(void)status;
	(void)type;
	(void)ftw;
	return remove(path);
}

void scratch_remove(void)
{
	nftw(directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

const char *scratch(const char *format, ...)
{
	static char paths[16][PATH_MAX];
	static unsigned turn;
	char *path = paths[turn++ % COUNT(paths)];
	int length = snprintf(path, PATH_MAX, "%s/", directory);
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(path + length, (size_t)(PATH_MAX - length), format, arguments);
	va_end(arguments);
	return path;
}

static void make_parents(const char *name)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s", scratch("%s", name));
	for (char *slash = path + strlen(directory) + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		if (mkdir(path, 0755) && errno != EEXIST)
			CU_FAIL("mkdir");
		*slash = '/';
	}
}

void put_directory(const char *name)
{
	make_parents(name);
	if (mkdir(scratch("%s", name), 0755) && errno != EEXIST)
		CU_FAIL("mkdir");
}

void put_octets(const char *name, const void *octets, size_t length)
{
	FILE *file;

	make_parents(name);
	file = fopen(scratch("%s", name), "we");
	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	CU_ASSERT_EQUAL(fwrite(octets, 1, length, file), length);
	CU_ASSERT_EQUAL(fclose(file), 0);
}

void put_file(const char *name, const char *text)
{
	put_octets(name, text, strlen(text));
}

void put_link(const char *name, const char *to)
{
	make_parents(name);
	CU_ASSERT_EQUAL(symlink(to, scratch("%s", name)), 0);
}

void remove_file(const char *name)
{
	CU_ASSERT_EQUAL(remove(scratch("%s", name)), 0);
}

bool file_exists(const char *name)
{
	return access(scratch("%s", name), F_OK) == 0;
}

bool file_is(const char *name, const char *text)
{
	char found[2048];
	FILE *file = fopen(scratch("%s", name), "re");
	size_t length = file ? fread(found, 1, sizeof(found) - 1, file) : 0;

	found[length] = '\0';
	if (file)
		fclose(file);
	return file && !strcmp(found, text);
}

static void write_line(void *context, enum isif_log_level level, const char *line)
{
	struct lines *lines = context;
	size_t used = strlen(lines->all);

	lines->count++;
	lines->errors += level == ISIF_LOG_ERROR;
	snprintf(lines->all + used, sizeof(lines->all) - used, "%s\n", line);
}

struct isif_log log_into(struct lines *lines)
{
	return (struct isif_log){ .write = write_line, .context = lines };
}

enum isif_error open_gate(const char *root, struct isif_privileged **gate)
{
	return isif_privileged_open(
		&(struct isif_privileged_options){
			.root = root,
			.initiatorname_file = scratch("initiatorname"),
		},
		gate);
}

enum isif_error open_writing_gate(const char *root, const struct isif_log *log,
				  struct isif_privileged **gate)
{
	put_directory("state");
	put_directory("lock");
	put_directory("sys");
	return isif_privileged_open(
		&(struct isif_privileged_options){
			.root = root,
			.initiatorname_file = scratch("initiatorname"),
			.state_directory = scratch("state"),
			.lock_directory = scratch("lock"),
			.iscsiadm = scratch("iscsiadm"),
			.sysfs = scratch("sys"),
			.log = log,
		},
		gate);
}

enum isif_error start_monitor(const char *records, const struct isif_log *log,
			      struct isif_monitor **monitor)
{
	struct isif_monitor_options options = {
		.sysfs = scratch("sys"),
		.rebind_mode = ISIF_REBIND_RELOGIN,
		.log = *log,
	};
	enum isif_error error = open_writing_gate(scratch("%s", records), log, &options.gate);

	if (!error)
		error = isif_monitor_open(&options, monitor);
	if (error)
		return error;
	error = isif_monitor_start(*monitor);
	if (error)
		isif_monitor_close(*monitor);
	return error;
}
