/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The journal of transactions, and what a start does with it. An input that begins with "raw" and a
 * newline is one. The first line of another one is the direction, forward or back, and the database
 * if it is not ours; each other line is a step as the journal has it:
 *   KIND MODE TEMPORARY ASIDE BEFORE AFTER PATH
 * but that BEFORE and AFTER can be "=", what is in the path's place, and "+N" or "-N", what is in
 * the temporary or the aside file N. The digest is made right, or nothing would be looked at.
 */
#include "fuzz.h"
#include "scratch.h"

#include "store_plan.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- the database --- */

static void make_database(void)
{
	static const char *const directories[] = { "db",	 "db/ifaces",	 "db/nodes",
						   "db/nodes/t", "db/nodes/t/p", "state",
						   "lock" };

	scratch_empty();
	for (size_t i = 0; i < sizeof(directories) / sizeof(*directories); i++)
		scratch_make_directory(directories[i]);
	scratch_put("db/ifaces/a", "a\n");
	scratch_put("db/ifaces/b", "b\n");
	scratch_put("db/ifaces/untouched", "untouched\n");
	scratch_put("db/nodes/t/p/i", "node\n");
	scratch_put("db/" STORE_TEMPORARY "1", "new a\n");
	scratch_put("db/" STORE_TEMPORARY "2", "new c\n");
	scratch_link("db/ifaces/a", "db/" STORE_ASIDE "3");
	scratch_link("db/ifaces/b", "db/" STORE_ASIDE "4");
}

/* --- the journal --- */

static const struct isif_log *const nowhere = NULL;

static struct store *open_store(int *root)
{
	const struct isif_privileged_options options = {
		.root = scratch_path("db"),
		.state_directory = scratch_path("state"),
		.lock_directory = scratch_path("lock"),
		.log = nowhere,
	};
	struct store *store;

	*root = open(scratch_path("db"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	MUST(*root >= 0 && store_open(&options, *root, &store) == ISIF_OK);
	return store;
}

static void close_store(struct store *store, int root)
{
	store_close(store);
	close(root);
}

static uint64_t print_of(struct store *store, const char *word, const char *path)
{
	char name[STORE_NAME_SIZE];
	uint32_t number = (uint32_t)strtoul(word + 1, NULL, 10);
	uint64_t print = 0;

	if (*word == '=')
		store_print(store, path, NULL, &print);
	else if (*word == '+')
		store_temporary_name(number, name);
	else if (*word == '-')
		store_aside_name(number, name);
	else
		return strtoull(word, NULL, 16);
	if (*word != '=')
		store_print(store, name, NULL, &print);
	return print;
}

static void write_step(struct store *store, FILE *file, const char *line)
{
	char head[64], before[24], after[24];
	int path = 0;

	if (sscanf(line, "%63[^=+-] %n", head, &path) == 1 && !line[path])
		fputs(line, file);
	else if (sscanf(line, "%63[0-9 ]%23[=+0-9a-f-] %23[=+0-9a-f-] %n", head, before, after,
			&path) == 3 &&
		 path && store_path_is_good(line + path))
		fprintf(file, "%s%" PRIx64 " %" PRIx64 " %s", head,
			print_of(store, before, line + path), print_of(store, after, line + path),
			line + path);
	else
		fputs(line, file);
	fputc('\0', file);
}

static struct fuzz_text make_journal(struct store *store, char *rest)
{
	struct fuzz_text body = { 0 }, text = { 0 };
	FILE *file = open_memstream(&body.octets, &body.length);
	const char *direction = strsep(&rest, "\n"), *other = strchr(direction, '/'), *line;

	MUST(file);
	fprintf(file, "%s%c", other ? other : store->root_path, '\0');
	while ((line = strsep(&rest, "\n")))
		if (*line)
			write_step(store, file, line);
	MUST(!fclose(file));
	file = open_memstream(&text.octets, &text.length);
	MUST(file);
	fprintf(file, "iscsi-ifaced journal 1 %-7.*s %08zx %016" PRIx64 "\n",
		(int)strcspn(direction, " "), direction, body.length,
		store_digest(STORE_DIGEST, body.octets, body.length));
	fwrite(body.octets, 1, body.length, file);
	MUST(!fclose(file));
	fuzz_free(&body);
	return text;
}

static struct fuzz_text take_journal(const struct fuzz_text *input)
{
	static const char raw[] = "raw\n";
	struct fuzz_text journal, copy;
	struct store *store;
	int root;

	if (!strncmp(input->octets, raw, strlen(raw)))
		return fuzz_copy(input->octets + strlen(raw), input->length - strlen(raw));
	copy = fuzz_copy(input->octets, input->length);
	store = open_store(&root);
	journal = make_journal(store, copy.octets);
	close_store(store, root);
	fuzz_free(&copy);
	return journal;
}

static void write_journal(const struct fuzz_text *text)
{
	int file = openat(scratch_directory(), "state/" STORE_JOURNAL,
			  O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	MUST(file >= 0 && write(file, text->octets, text->length) == (ssize_t)text->length);
	close(file);
}

/*
 * After it nothing of ours is left, if it could be done: what is torn, or another database's, is
 * not done, and is written over by the next one. What no step names is as it was.
 */
static void check_recovery(bool ours, bool named)
{
	int root;
	struct store *store = open_store(&root);

	if (store->recovered)
		MUST(!store_is_littered(store) && (!ours || !store_journal_is_open(store)));
	if (!named)
		MUST(scratch_says("db/ifaces/untouched", "untouched\n"));
	close_store(store, root);
}

int LLVMFuzzerTestOneInput(const uint8_t *octets, size_t length)
{
	struct fuzz_text input = fuzz_copy(octets, length), journal;
	bool named = memmem(octets, length, "untouched", strlen("untouched"));
	bool ours = strncmp(input.octets, "raw\n", 4) != 0 &&
		    !memchr(input.octets, '/', strcspn(input.octets, "\n"));

	make_database();
	journal = take_journal(&input);
	write_journal(&journal);
	check_recovery(ours, named);
	check_recovery(ours, named);
	fuzz_free(&journal);
	fuzz_free(&input);
	return 0;
}
