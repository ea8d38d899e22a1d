/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ISIF_LIB_RECORD_H
#define ISIF_LIB_RECORD_H

#include <isif/record.h>

/* The C locale's isspace(3), which open-iscsi's parser uses. */
static inline bool record_is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/*
 * Steps through a text as fgets(3) with open-iscsi's buffer would: a piece without a newline at
 * its end (then *line_end is NULL), be it too long or the last one, is no line. Returns where the
 * next piece begins.
 */
const char *record_next_line(const char *at, const char *end, const char **line_end);

/* The value of "iface." and a setting, "" if the record has no such line. */
const char *record_setting(const struct isif_record *record, const char *setting);

/* One setting as it lies in a text. */
struct record_span {
	const char *key, *value;
	size_t key_length, value_length;
};

enum record_line_kind { RECORD_LINE_NOTHING, RECORD_LINE_SETTING, RECORD_LINE_REFUSED };

/*
 * Reads one line (without its newline) as usr/idbm.c:idbm_recinfo_config does: a key ends at a
 * blank or '='; what follows it must, after blanks, be '=' -- so "key=value" is refused. A line
 * that is refused has its key in the span, too.
 */
enum record_line_kind record_read_line(const char *line, const char *end, struct record_span *span);

#endif
