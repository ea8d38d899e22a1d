/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "escape.h"

#include <ctype.h>

static bool is_plain(unsigned char octet)
{
	return octet > ' ' && octet != '%' && octet < 0x7f;
}

void escape_write(FILE *file, const char *text, size_t length)
{
	fputc(' ', file);
	if (!length)
		fputc('%', file);
	for (size_t i = 0; i < length; i++) {
		size_t from = i;

		while (i < length && is_plain((unsigned char)text[i]))
			i++;
		fwrite(text + from, 1, i - from, file);
		if (i < length)
			fprintf(file, "%%%02X", (unsigned char)text[i]);
	}
}

static bool ends_field(char octet)
{
	return !octet || octet == ' ' || octet == '\n';
}

/* One octet, escaped or not; 0 if it is damaged. */
static unsigned read_octet(const char **at)
{
	unsigned octet = (unsigned char)*(*at)++;

	if (octet != '%')
		return octet;
	if (!isxdigit((unsigned char)(*at)[0]) || !isxdigit((unsigned char)(*at)[1]) ||
	    sscanf(*at, "%2x", &octet) != 1)
		return 0;
	*at += 2;
	return octet;
}

bool escape_read(const char **at, char *text, size_t size, size_t *length)
{
	const char *from = *at;

	if (*from++ != ' ' || ends_field(*from))
		return false;
	*length = 0;
	if (*from == '%' && ends_field(from[1]))
		from++;
	while (!ends_field(*from)) {
		unsigned octet = read_octet(&from);

		if (!octet || *length + 1 >= size)
			return false;
		text[(*length)++] = (char)octet;
	}
	text[*length] = '\0';
	*at = from;
	return true;
}

bool escape_close(FILE *file)
{
	bool whole = !ferror(file);

	return !fclose(file) && whole;
}
