/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ISIF_LIB_WORDS_H
#define ISIF_LIB_WORDS_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* An octet that could end a line of a record, or hide in it. */
static inline bool is_control(char octet)
{
	return (unsigned char)octet < ' ' || octet == 0x7f;
}

/* Takes the begin of a character of UTF-8 from the end of a text that was cut to fit. */
void drop_cut_character(char *text);

/* Which of these words, which are separated by blanks, a text is, from 1; 0: none. */
static inline unsigned words_place(const char *words, const char *text, size_t length)
{
	for (unsigned place = 1; length && *words; place++) {
		size_t word = strcspn(words, " ");

		if (word == length && !memcmp(words, text, length))
			return place;
		words += word + (words[word] == ' ');
	}
	return 0;
}

/*
 * The highest number, up to a limit, that stands behind a word at the begin of a line; 0: none.
 * The text, whatever is in it, has a NUL behind it. What a damaged file tells of numbers that must
 * not be given again.
 */
uint32_t words_highest(const char *text, size_t length, const char *word, uint32_t limit);

static inline bool words_have(const char *words, const char *text, size_t length)
{
	return words_place(words, text, length);
}

#endif
