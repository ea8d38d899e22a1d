/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Each call of the C library that an operation of libisif makes fails once, in each way in which
 * such a call can, and then that one and all after it: nothing crashes, no descriptor is left, the
 * outcome is told and true, and afterwards everything works. With sanitizers, nothing leaks, too.
 *
 *     calls [all | SEED]      all: every call; else some of each kind, as the seed says
 */
#include "fault.h"
#include "operations.h"
#include "stock.h"

#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define TIME_LIMIT 1200 /* seconds; what hangs must fail */
#define SOME	   4	/* of the calls of a kind, where not all are tried */
#define ENOUGH	   3	/* faults that are shown of one kind */

static const struct fault {
	enum fault_kind kind;
	int error;
	bool for_good; /* also: that call and all after it */
	const char *text;
} faults[] = {
	{ FAULT_MALLOC, ENOMEM, true, "no memory" },
	{ FAULT_OPEN, EMFILE, true, "no descriptor is free" },
	{ FAULT_OPEN, EIO, false, "what cannot be opened" },
	{ FAULT_READ, EIO, true, "what cannot be read" },
	{ FAULT_READ, FAULT_NOTHING, false, "what is shorter than it was" },
	{ FAULT_READ, FAULT_SHORT, false, "what is read in parts" },
	{ FAULT_WRITE, ENOSPC, true, "a full disk" },
	{ FAULT_WRITE, EIO, false, "what cannot be written" },
	{ FAULT_WRITE, FAULT_SHORT, true, "what is written in parts" },
	{ FAULT_FSYNC, EIO, true, "what does not come to the disk" },
	{ FAULT_RENAME, EIO, true, "no rename" },
	{ FAULT_LINK, ENOSPC, true, "no room for a name" },
	{ FAULT_FORK, EAGAIN, true, "no process more" },
	{ FAULT_RECV, ENOBUFS, true, "what was lost on a socket" },
	{ FAULT_RECV, FAULT_SHORT, false, "what is received in parts" },
};

static bool all, failed;
static char name[128]; /* of what is tried */

bool wrong(const char *format, ...)
{
	va_list arguments;

	printf("# ");
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	printf("\n");
	return false;
}

/* Those of this process that are open. */
static size_t descriptors(void)
{
	DIR *directory = opendir("/proc/self/fd");
	size_t count = 0;

	if (!directory)
		abort();
	while (readdir(directory))
		count++;
	closedir(directory);
	return count;
}

static bool try_once(const struct operation *operation, const struct fault *fault, uint64_t n,
		     bool for_good)
{
	size_t before = descriptors();
	enum isif_error error;
	bool good;

	told = (struct told){ 0 };
	fault_at(FAULT_EVERYONE, fault->kind, n, fault->error, for_good);
	error = operation->run();
	fault_end();
	good = operation->holds(error);
	if (descriptors() > before)
		good = wrong("a descriptor is left");
	if (!good)
		wrong("%s() failed, call %llu of its kind%s; it ended with: %s; the log:\n%s",
		      fault_seen()->name, (unsigned long long)n,
		      for_good ? " and all after it" : "", isif_error_text(error), told.text);
	return good;
}

static uint64_t stride(uint64_t count)
{
	return all || count <= SOME ? 1 : count / SOME;
}

static void try_fault(const struct operation *operation, const struct fault *fault, uint64_t count)
{
	unsigned tries = 0, bad = 0;
	uint64_t first = 1 + (uint64_t)rand() % stride(count);

	for (uint64_t n = first; bad < ENOUGH && n <= count; n += stride(count)) {
		bad += !try_once(operation, fault, n, false);
		if (fault->for_good)
			bad += !try_once(operation, fault, n, true);
		tries += 1 + fault->for_good;
	}
	failed |= bad > 0;
	printf("%s - fault: %s: %s (%u tries)\n", bad ? "not ok" : "ok", name, fault->text, tries);
	fflush(stdout);
}

static void try_operation(const struct operation *operation, const struct stock_case *what)
{
	uint64_t counts[FAULT_KINDS];

	snprintf(name, sizeof(name), "%s%s%s", operation->name, what ? ": " : "",
		 what ? what->name : "");
	operation->open(what);
	/* The first time some things are made that stay. */
	for (int i = 0; i < 2; i++) {
		told = (struct told){ 0 };
		fault_at(FAULT_EVERYONE, FAULT_KINDS, 0, 0, false);
		if (operation->run() || !operation->holds(ISIF_OK)) {
			wrong("without any fault; the log:\n%s", told.text);
			failed = true;
		}
		memcpy(counts, fault_seen()->counts, sizeof(counts));
	}
	for (size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++)
		if (counts[faults[i].kind])
			try_fault(operation, &faults[i], counts[faults[i].kind]);
	operation->close();
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *ftw)
{
	(void)status;
	(void)type;
	(void)ftw;
	return remove(path);
}

int main(int count, char **arguments)
{
	const char *below = getenv("TMPDIR");
	char directory[64];
	unsigned seed;

	if (!below)
		below = access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm";
	alarm(TIME_LIMIT);
	all = count > 1 && !strcmp(arguments[1], "all");
	seed = count > 1 && !all ? (unsigned)strtoul(arguments[1], NULL, 10) : (unsigned)time(NULL);
	srand(seed);
	if (!all)
		printf("# fault: seed %u\n", seed);
	snprintf(directory, sizeof(directory), "%s/isif-fault-XXXXXX", below);
	if (!mkdtemp(directory))
		return 1;
	operations_begin(directory);
	for (size_t i = 0; i < tried_count; i++) {
		if (!tried[i].is_transaction)
			try_operation(&tried[i], NULL);
		for (size_t j = 0; tried[i].is_transaction && j < stock_case_count; j++)
			try_operation(&tried[i], &stock_cases[j]);
	}
	operations_end();
	nftw(directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	return failed;
}
