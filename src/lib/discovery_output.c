/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "discovery_output.h"

#include "setting_check.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define MESSAGE "iscsiadm: "

/* A part of the line. */
struct part {
	const char *text;
	size_t length;
};

/* What stands behind the last such character, which goes with it. */
static bool cut_last(struct part *left, char separator, struct part *last)
{
	const char *at = left->length ? memrchr(left->text, separator, left->length) : NULL;

	if (!at)
		return false;
	*last = (struct part){ at + 1, left->length - (size_t)(at + 1 - left->text) };
	left->length = (size_t)(at - left->text);
	return true;
}

/* Decimal digits and nothing else, up to a maximum. */
static bool read_number(const struct part *part, int64_t maximum, int64_t *number)
{
	*number = 0;
	for (size_t i = 0; i < part->length; i++) {
		if (part->text[i] < '0' || part->text[i] > '9')
			return false;
		*number = *number * 10 + (part->text[i] - '0');
		if (*number > maximum)
			return false;
	}
	return part->length;
}

/* A portal group that is not known is written as -1, or unsigned. */
static bool read_tpgt(const struct part *part, int32_t *tpgt)
{
	int64_t number = -1;

	if (part->length == 2 && !memcmp(part->text, "-1", 2)) {
		*tpgt = -1;
		return true;
	}
	if (!read_number(part, UINT32_MAX, &number) ||
	    (number > UINT16_MAX && number != UINT32_MAX))
		return false;
	*tpgt = number == UINT32_MAX ? -1 : (int32_t)number;
	return true;
}

/* Whatever has no '.' stands in brackets, so that names of hosts do, too. */
static bool read_address(struct part part, char *text, size_t size)
{
	struct isif_address address;

	if (part.length > 2 && part.text[0] == '[' && part.text[part.length - 1] == ']')
		part = (struct part){ part.text + 1, part.length - 2 };
	if (part.length >= size || memchr(part.text, '\0', part.length))
		return false;
	memcpy(text, part.text, part.length);
	text[part.length] = '\0';
	if (strpbrk(text, "[]"))
		return false;
	isif_address_parse(text, &address);
	return address.type == ISIF_ADDRESS_DNS ? !setting_check_host(text, part.length)
						: address.type != ISIF_ADDRESS_UNKNOWN;
}

/* "ADDRESS:PORT,TPGT TARGET" */
static bool read_portal(struct discovery_line *line)
{
	const char *blank = memchr(line->text, ' ', line->length);
	struct part left, target, port, tpgt;
	int64_t number;

	if (!blank)
		return false;
	left = (struct part){ line->text, (size_t)(blank - line->text) };
	target = (struct part){ blank + 1, line->length - left.length - 1 };
	if (!cut_last(&left, ',', &tpgt) || !cut_last(&left, ':', &port) ||
	    !read_number(&port, UINT16_MAX, &number) || !number || !read_tpgt(&tpgt, &line->tpgt))
		return false;
	line->port = (uint16_t)number;
	if (target.length >= sizeof(line->target) ||
	    setting_check_target(target.text, target.length))
		return false;
	memcpy(line->target, target.text, target.length);
	line->target[target.length] = '\0';
	return read_address(left, line->address, sizeof(line->address));
}

bool discovery_line_next(const char **at, const char *end, struct discovery_line *line)
{
	const char *newline;

	if (*at >= end)
		return false;
	newline = memchr(*at, '\n', (size_t)(end - *at));
	line->text = *at;
	line->length = (size_t)((newline ? newline : end) - *at);
	*at = newline ? newline + 1 : end;
	if (!line->length ||
	    (line->length >= strlen(MESSAGE) && !memcmp(line->text, MESSAGE, strlen(MESSAGE))))
		line->kind = DISCOVERY_LINE_MESSAGE;
	else
		line->kind = read_portal(line) ? DISCOVERY_LINE_PORTAL : DISCOVERY_LINE_ODD;
	return true;
}

void discovery_line_show(const struct discovery_line *line, char *buffer, size_t size)
{
	size_t length = line->length < size ? line->length : size - 1;

	for (size_t i = 0; i < length; i++) {
		bool plain = line->text[i] >= ' ' && line->text[i] <= '~';

		buffer[i] = (char)(plain ? line->text[i] : '?');
	}
	buffer[length] = '\0';
}
