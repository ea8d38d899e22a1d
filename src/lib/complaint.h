/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ISIF_LIB_COMPLAINT_H
#define ISIF_LIB_COMPLAINT_H

#include <isif/log.h>
#include <isif/name.h>

#include "hash.h"

/*
 * Log lines about what stays wrong from build to build: each is written when it is new, once.
 */
struct complaints {
	struct hash hash;
	uint32_t generation;
};

void complaints_begin(struct complaints *complaints);

/* Writes the line unless the last round had it, too. */
void complain(struct complaints *complaints, struct isif_names *names, const struct isif_log *log,
	      const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Forgets what nobody complained of in this round. */
void complaints_end(struct complaints *complaints);

void complaints_clear(struct complaints *complaints);

#endif
