/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <isif/log.h>

#include "words.h"

#include <stdarg.h>
#include <stdio.h>

void isif_log_line(const struct isif_log *log, enum isif_log_level level, const char *format, ...)
{
	char line[1024];
	va_list arguments;

	if (!log || !log->write)
		return;
	va_start(arguments, format);
	vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	/* A name from a record or a file may hold anything; one line stays one line. */
	for (char *c = line; *c; c++)
		if (is_control(*c))
			*c = '?';
	log->write(log->context, level, line);
}
