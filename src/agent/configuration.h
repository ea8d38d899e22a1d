/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IFACED_CONFIGURATION_H
#define IFACED_CONFIGURATION_H

#include "../gate/bounds.h"

#include <isif/model.h>

#include <stdbool.h>
#include <stdint.h>

enum control_mode { CONTROL_READ_ONLY = 1, CONTROL_RECORDS = 2, CONTROL_FULL = 3 };

/* What iscsi-ifaced.conf(5) says; the rest of that file is Net-SNMP's own. */
struct configuration {
	enum control_mode control_mode;
	enum isif_rebind_mode rebind_mode;
	struct bounds bounds; /* the ifaces that SETs may touch */
	uint32_t job_history, event_history;
	uint32_t hold_down;	   /* seconds */
	uint32_t session_timeout;  /* seconds */
	uint32_t resync_interval;  /* seconds */
	uint32_t iscsiadm_timeout; /* seconds */
	bool protect_in_use;
	bool agentx_network; /* the master may be elsewhere than at a UNIX socket */
	unsigned errors;     /* lines that were refused */
	char explained[512]; /* the last of them that had no value: Net-SNMP reads files twice */
};

/*
 * Makes Net-SNMP's reader of configuration files fill in this one. There can be one at a time;
 * its values are the defaults until a file is read.
 */
void configuration_register(struct configuration *configuration);

/* Reads the files again, from the defaults on; false if a line was refused. */
bool configuration_reread(struct configuration *configuration);

/*
 * Net-SNMP refuses a token without a value by itself and does not say what was expected: given
 * its log line, counts the error and writes a better line, or "" if that was said before. False
 * for any other line.
 */
bool configuration_explain(const char *line, char *better, size_t size);

void configuration_clear(struct configuration *configuration);

#endif
