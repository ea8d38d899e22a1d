/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "words.h"

#include <stdlib.h>

void drop_cut_character(char *text)
{
	size_t length = strlen(text), begin = length, octets;
	unsigned char first;

	while (begin && length - begin < 3 && ((unsigned char)text[begin - 1] & 0xc0) == 0x80)
		begin--;
	if (!begin)
		return;
	first = (unsigned char)text[begin - 1];
	octets = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc0 ? 2 : 1;
	if (length - begin + 1 < octets)
		text[begin - 1] = '\0';
}

uint32_t words_highest(const char *text, size_t length, const char *word, uint32_t limit)
{
	const char *end = text + length, *next;
	size_t size = strlen(word);
	uint32_t highest = 0;

	for (; text < end; text = next) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		unsigned long number = 0;

		next = newline ? newline + 1 : end;
		if ((size_t)(next - text) > size && !memcmp(text, word, size))
			number = strtoul(text + size, NULL, 10);
		if (number > highest && number <= limit)
			highest = (uint32_t)number;
	}
	return highest;
}
