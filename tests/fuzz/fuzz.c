/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEPARATOR "%%"

void fuzz_failed(const char *file, int line, const char *condition)
{
	fprintf(stderr, "%s:%d: this must be, and is not: %s\n", file, line, condition);
	abort();
}

static void *allocate(size_t size)
{
	void *memory = malloc(size ? size : 1);

	MUST(memory);
	return memory;
}

struct fuzz_text fuzz_copy(const void *octets, size_t length)
{
	struct fuzz_text text = { allocate(length + 1), length };

	if (length)
		memcpy(text.octets, octets, length);
	text.octets[length] = '\0';
	return text;
}

char *fuzz_exact(const void *octets, size_t length)
{
	char *copy = allocate(length);

	if (length)
		memcpy(copy, octets, length);
	return copy;
}

bool fuzz_take_line(struct fuzz_input *input, const char **line, size_t *length)
{
	const char *newline;

	if (input->at >= input->end)
		return false;
	newline = memchr(input->at, '\n', (size_t)(input->end - input->at));
	*line = input->at;
	*length = (size_t)((newline ? newline : input->end) - input->at);
	input->at = newline ? newline + 1 : input->end;
	return true;
}

struct fuzz_text fuzz_take_part(struct fuzz_input *input)
{
	const char *from = input->at, *to = from, *line;
	size_t length;

	while (fuzz_take_line(input, &line, &length)) {
		if (length == strlen(SEPARATOR) && !memcmp(line, SEPARATOR, length))
			break;
		to = input->at;
	}
	return fuzz_copy(from, (size_t)(to - from));
}

void fuzz_skip_blanks(struct fuzz_input *line)
{
	while (line->at < line->end && *line->at == ' ')
		line->at++;
}

uint64_t fuzz_take_number(struct fuzz_input *line)
{
	uint64_t number = 0;
	bool negative;

	fuzz_skip_blanks(line);
	negative = line->at < line->end && *line->at == '-';
	for (line->at += negative; line->at < line->end && *line->at >= '0' && *line->at <= '9';)
		number = number * 10 + (uint64_t)(*line->at++ - '0');
	return negative ? -number : number;
}

void fuzz_free(struct fuzz_text *text)
{
	free(text->octets);
	*text = (struct fuzz_text){ 0 };
}
