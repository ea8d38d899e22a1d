/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ISIF_LIB_COPY_H
#define ISIF_LIB_COPY_H

#include <isif/privileged.h>
#include <isif/record.h>

#include <stdbool.h>
#include <stdint.h>

/*
 * A node record holds a copy of its iface's settings, and a login uses that copy, not the iface's
 * record. "Not set" is the same in both, however it is written; the name is no setting.
 */

/* True if a login with the copy is one with the iface's record. */
bool copy_agrees(const struct isif_record *iface, const struct isif_record *copy);

/* Where they differ: begin with at 0, then ask for one line after the other. */
struct copy_difference {
	const struct isif_record *iface, *copy;
	uint32_t at;
};

/* The next change that makes the copy agree; its texts are those of the records. False: no more. */
bool copy_difference_next(struct copy_difference *difference, struct isif_edit_line *line);

#endif
