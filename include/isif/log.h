/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ISIF_LOG_H
#define ISIF_LOG_H

/** How much a line matters; the numbers are those of syslog(3). */
enum isif_log_level {
	ISIF_LOG_ERROR = 3,
	ISIF_LOG_WARNING = 4,
	ISIF_LOG_NOTICE = 5,
	ISIF_LOG_INFO = 6,
	ISIF_LOG_DEBUG = 7,
};

/**
 * Where the library's log lines go. A line says what, which object, why, and what to do; it has
 * no newline at its end and never holds a secret. The library writes a line once per cause, not
 * once per occurrence.
 */
struct isif_log {
	void (*write)(void *context, enum isif_log_level level, const char *line);
	void *context;
};

/** Formats one line (cut at 1,023 octets) and hands it over. A NULL log drops it. */
void isif_log_line(const struct isif_log *log, enum isif_log_level level, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
