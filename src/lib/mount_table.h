/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ISIF_LIB_MOUNT_TABLE_H
#define ISIF_LIB_MOUNT_TABLE_H

#include <isif/error.h>

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* The lines of /proc/PID/mountinfo and /proc/swaps (proc(5)). */

/* Borrowed from the line, which is cut into pieces; "" for what it lacks. */
struct mount_line {
	dev_t number; /* of the file system; its major is 0 where it is on no block device, or on
			 several */
	const char *where;
	const char *type;
	const char *source;
	const char *options; /* of the file system itself */
};

struct swap_line {
	const char *path;
	bool is_file; /* else it is a block device */
};

/* False: it tells of no mount, or of no swap. */
bool mount_line_parse(char *line, struct mount_line *mount);
bool swap_line_parse(char *line, struct swap_line *swap);

/* Reads a file piece by piece, so that nobody has to wait for a long one. */
struct line_reader {
	int descriptor;
	char *bytes; /* what was read and is no whole line yet */
	size_t used;
	size_t size;
	size_t total;
};

void line_reader_clear(struct line_reader *reader); /* closes the descriptor, too */
void line_reader_rewind(struct line_reader *reader);

/*
 * One read(2), and add for each line that is whole then. ISIF_OK: that was the end of the file;
 * ISIF_INCOMPLETE: there is more; else it cannot be read, or add said so.
 */
enum isif_error line_reader_step(struct line_reader *reader,
				 enum isif_error (*add)(void *context, char *line), void *context);

#endif
