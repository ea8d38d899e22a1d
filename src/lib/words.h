/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ISIF_LIB_WORDS_H
#define ISIF_LIB_WORDS_H

#include <stdbool.h>
#include <string.h>

/* An octet that could end a line of a record, or hide in it. */
static inline bool is_control(char octet)
{
	return (unsigned char)octet < ' ' || octet == 0x7f;
}

/* Takes the begin of a character of UTF-8 from the end of a text that was cut to fit. */
void drop_cut_character(char *text);

/* True if a text is one of these words, which are separated by blanks. */
static inline bool words_have(const char *words, const char *text, size_t length)
{
	while (length && *words) {
		size_t word = strcspn(words, " ");

		if (word == length && !memcmp(words, text, length))
			return true;
		words += word + (words[word] == ' ');
	}
	return false;
}

#endif
