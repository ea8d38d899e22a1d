/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IFACED_LOGGING_H
#define IFACED_LOGGING_H

#include <isif/log.h>

#include <stdbool.h>

/*
 * Log lines go where Net-SNMP's -L options say: standard error with -f, else syslog's daemon
 * facility. Lines of the library that would mislead are dropped on their way.
 */
void logging_start(bool foreground, bool given);

/* In the background: whoever started us has heard enough. */
void logging_leave_terminal(void);

/* Nothing more is said by this process. */
void logging_silence(void);

/* The library's log. */
extern const struct isif_log agent_log;

/* Writes one line. */
#define LOG(level, ...) isif_log_line(&agent_log, ISIF_LOG_##level, __VA_ARGS__)

#endif
