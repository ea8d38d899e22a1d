/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writing an iface's settings into all its node records: a bare loop that puts one record after
 * the other on disk, against the gate's batches with 3 ms at a time, in turn, over the same
 * records. Prints the milliseconds of each pair, the longest time that one slice took, and the
 * ratio of the medians.
 */
#include <isif/privileged.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define PAIRS 5
#define SLICE 3000000 /* ns */

static size_t count = 5000;
static char (*paths)[80];
static uint64_t longest_slice;

static uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static void fail(const char *what)
{
	fprintf(stderr, "propagate: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* About as long as what iscsiadm writes. */
static size_t make_text(char *text, size_t size, size_t i, unsigned mtu)
{
	size_t length = (size_t)snprintf(
		text, size,
		"# BEGIN RECORD 2.1.8\nnode.name = iqn.2024-01.org.example:%zu\nnode.tpgt = 1\n"
		"node.startup = automatic\niface.iscsi_ifacename = if0\n"
		"iface.net_ifacename = san0\niface.transport_name = tcp\niface.mtu = %u\n"
		"node.discovery_type = static\nnode.conn[0].address = 192.0.2.1\n"
		"node.conn[0].port = 3260\n",
		i, mtu);

	for (unsigned line = 0; line < 40; line++)
		length +=
			(size_t)snprintf(text + length, size - length,
					 "node.session.setting_of_some_length_%u = value\n", line);
	return length + (size_t)snprintf(text + length, size - length, "# END RECORD\n");
}

static void make_directories(char *path)
{
	for (char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(path, 0700) && errno != EEXIST)
			fail(path);
		*slash = '/';
	}
}

static void write_record(const char *path, size_t i, unsigned mtu, bool sync)
{
	char text[4096];
	size_t length = make_text(text, sizeof(text), i, mtu);
	int descriptor = open("temporary", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (descriptor < 0 || write(descriptor, text, length) != (ssize_t)length ||
	    (sync && fsync(descriptor)) || close(descriptor) || rename("temporary", path))
		fail(path);
}

static uint64_t run_bare(unsigned mtu)
{
	uint64_t start = now();

	for (size_t i = 0; i < count; i++)
		write_record(paths[i], i, mtu, true);
	return now() - start;
}

static void run_batch(struct isif_privileged *gate, struct isif_edit *edits, size_t edit_count)
{
	const struct isif_privileged_operations *operations = gate->operations;
	const char *why = "";
	unsigned pause;

	if (operations->batch_begin(gate, edits, edit_count, &why))
		fail(why);
	for (;;) {
		struct pollfd wait = { .fd = operations->batch_descriptor(gate), .events = POLLIN };
		uint64_t start = now(), took;
		enum isif_error error = operations->batch_work(gate, start + SLICE, &pause);

		took = now() - start;
		if (took > longest_slice)
			longest_slice = took;
		if (!error)
			break;
		poll(&wait, 1, pause == UINT_MAX ? -1 : (int)pause);
	}
	operations->batch_end(gate);
	for (size_t i = 0; i < edit_count; i++)
		if (edits[i].error)
			fail(isif_error_text(edits[i].error));
}

static uint64_t run_gate(struct isif_privileged *gate, unsigned mtu)
{
	char value[16];
	const struct isif_edit_line line = { "iface.mtu", NULL, value };
	struct isif_edit edits[ISIF_BATCH_SIZE];
	uint64_t start = now();
	size_t filled = 0;

	snprintf(value, sizeof(value), "%u", mtu);
	for (size_t i = 0; i < count; i++) {
		edits[filled++] = (struct isif_edit){
			.kind = ISIF_EDIT_LINES, .path = paths[i], .lines = &line, .line_count = 1
		};
		if (filled < ISIF_BATCH_SIZE && i + 1 < count)
			continue;
		run_batch(gate, edits, filled);
		filled = 0;
	}
	return now() - start;
}

static int compare(const void *a, const void *b)
{
	const uint64_t *left = a, *right = b;

	return (*left > *right) - (*left < *right);
}

static uint64_t median(uint64_t *times)
{
	qsort(times, PAIRS, sizeof(*times), compare);
	return times[PAIRS / 2];
}

static struct isif_privileged *prepare(const char *directory)
{
	struct isif_privileged *gate;

	paths = calloc(count, sizeof(*paths));
	if (!paths || chdir(directory) || mkdir("db", 0700) || mkdir("state", 0700) ||
	    mkdir("lock", 0700) || chdir("db"))
		fail(directory);
	for (size_t i = 0; i < count; i++) {
		snprintf(paths[i], sizeof(*paths),
			 "nodes/iqn.2024-01.org.example:%zu/192.0.2.1,3260,1/if0", i);
		make_directories(paths[i]);
		write_record(paths[i], i, 1500, false);
	}
	sync();
	if (isif_privileged_open(&(struct isif_privileged_options){ .root = ".",
								    .initiatorname_file = "none",
								    .state_directory = "../state",
								    .lock_directory = "../lock" },
				 &gate))
		fail(directory);
	return gate;
}

int main(int arguments, char **argument)
{
	uint64_t bare[PAIRS], batches[PAIRS];
	struct isif_privileged *gate;

	if (arguments < 2) {
		fprintf(stderr, "usage: propagate EMPTY-DIRECTORY [RECORDS]\n");
		return 2;
	}
	if (arguments > 2)
		count = strtoul(argument[2], NULL, 10);
	gate = prepare(argument[1]);
	for (unsigned i = 0; i < PAIRS; i++) {
		bare[i] = run_bare(1500 + 2 * i);
		batches[i] = run_gate(gate, 1501 + 2 * i);
		printf("%zu records: bare %.1f ms, batches %.1f ms\n", count, (double)bare[i] / 1e6,
		       (double)batches[i] / 1e6);
	}
	printf("longest slice %.1f ms, ratio %.3f\n", (double)longest_slice / 1e6,
	       (double)median(batches) / (double)median(bare));
	isif_privileged_close(gate);
	free(paths);
	return 0;
}
