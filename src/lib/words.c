/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "words.h"

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
