/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ISIF_LIB_DIRECTORY_READER_H
#define ISIF_LIB_DIRECTORY_READER_H

#include <isif/database.h>

#include <dirent.h>
#include <stdatomic.h>

/*
 * Reads directories of records into buffers of its own: each thread that reads has one. Secrets
 * are overwritten in the buffer that read(2) filled, before anybody else sees the text.
 */
struct directory_reader {
	const char *root_path;
	int root;	    /* descriptor of the database's directory */
	int inotify;	    /* -1 where the system refuses one */
	bool full_listings; /* one getdents64() with room to spare has told everything */
	_Alignas(struct dirent64) char entries[32768];
	char text[ISIF_RECORD_SIZE + 1];
};

void directory_reader_init(struct directory_reader *reader, const char *root_path, int root,
			   int inotify);

void directory_reader_read(struct directory_reader *reader, struct isif_directory_reading *reading,
			   const struct isif_directory_visitor *visitor);

/* Reads one record into reader->text; plain: it is known to be a regular file. */
enum isif_error directory_reader_text(struct directory_reader *reader, int directory,
				      const char *name, bool plain, size_t *length);

/* True if a path stays below the database's directory. */
bool directory_path_is_safe(const char *path);
/* True if it is that of a record: beside them is iscsid.conf, with secrets of another form. */
bool directory_path_is_record(const char *path);

/*
 * A second thread for the time of one call: reading ten thousand records is nearly all waiting
 * for the kernel, and a start should not take twice as long as it must. It takes directories from
 * the same counter as its caller and keeps what it read, until the caller asks for it.
 */
struct read_ahead;

/* NULL if there is no second processor, no memory or no thread: then it goes without. */
struct read_ahead *read_ahead_start(const struct directory_reader *like,
				    struct isif_directory_reading *readings, size_t count,
				    atomic_size_t *next);

/* Hands over what was read meanwhile; false if nothing was. */
bool read_ahead_deliver(struct read_ahead *ahead, const struct isif_directory_visitor *visitor);

/* Waits for its end and hands over the rest. */
void read_ahead_finish(struct read_ahead *ahead, const struct isif_directory_visitor *visitor);

#endif
