/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Loads a database as iscsi-ifaced does before it serves: finds, reads and parses every record.
 * Prints the microseconds that it took.
 */
#include <isif/database.h>

#include <stdio.h>
#include <time.h>

static void count_node(void *context, struct isif_node *node)
{
	(void)node;
	++*(size_t *)context;
}

int main(int argc, char **argv)
{
	struct isif_privileged *gate;
	struct isif_database *database;
	struct isif_names *names = isif_names_new();
	struct timespec start, end;
	size_t nodes = 0;
	bool more;

	if (argc != 2 || !names ||
	    isif_privileged_open(
		    &(struct isif_privileged_options){ .root = argv[1],
						       .initiatorname_file = "/dev/null" },
		    &gate))
		return 2;
	clock_gettime(CLOCK_MONOTONIC, &start);
	if (isif_database_open(gate, names, NULL, &database))
		return 1;
	while (!isif_database_is_loaded(database))
		isif_database_work(database, UINT64_MAX, &more);
	clock_gettime(CLOCK_MONOTONIC, &end);
	isif_database_each_node(database, count_node, &nodes);
	fprintf(stderr, "%zu node records\n", nodes);
	printf("%lld\n", (long long)(end.tv_sec - start.tv_sec) * 1000000 +
				 (end.tv_nsec - start.tv_nsec) / 1000);
	isif_database_close(database);
	isif_privileged_close(gate);
	isif_names_free(names);
	return 0;
}
