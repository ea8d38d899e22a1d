/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ISIF_LIB_RECORD_PIECES_H
#define ISIF_LIB_RECORD_PIECES_H

#include "cleanup.h"
#include "record_edit.h"

#include <string.h>

/* A part of a text that somebody else holds. */
struct record_slice {
	const char *text;
	size_t length;
};

static inline struct record_slice record_slice(const char *text)
{
	return (struct record_slice){ text, strlen(text) };
}

/*
 * A line of a text, or a part of one: what open-iscsi reads at once. Its five slices, one after
 * the other, are its octets; one that is no setting has them all in the first.
 */
struct record_piece {
	struct record_slice lead, key, separator, value, tail;
	bool setting; /* open-iscsi takes the value */
	bool whole;   /* a line: it is neither cut nor follows a cut */
};

/* A text cut into its pieces. Nothing is copied: the texts must outlive it. */
struct record_pieces {
	struct record_piece *all;
	size_t count, size;
	bool node;	     /* of a node record: it has lines of one */
	const char *newline; /* how its lines end: "\n" or "\r\n" */
};

enum isif_error record_pieces_read(struct record_pieces *pieces, const char *text, size_t length);
void record_pieces_remove(struct record_pieces *pieces, size_t at);

/*
 * The value that open-iscsi takes for a key, its length 0 if it takes none. ISIF_INVALID if a
 * part of a line that is too long has this key: other readers see something else there.
 */
enum isif_error record_pieces_value(const struct record_pieces *pieces, struct record_slice key,
				    struct record_slice *value);

/* Has the text say this value for a key; an empty one: have no line of it. */
enum isif_error record_pieces_set(struct record_pieces *pieces, struct record_slice key,
				  struct record_slice value);

/* The text that they make, ISIF_TOO_LONG if it is over ISIF_RECORD_SIZE. */
enum isif_error record_pieces_join(const struct record_pieces *pieces, struct record_text *text);

/* ISIF_INVALID for what record_edit() does not take as a line. */
enum isif_error record_check_line(const struct isif_edit_line *line);

static inline void record_pieces_clear(struct record_pieces *pieces)
{
	free(pieces->all);
}
#define CLEANUP_PIECES CLEANUP(record_pieces_clear)

#endif
