/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "directory_reader.h"

#include "cleanup.h"

#include <pthread.h>
#include <sched.h>
#include <string.h>

/* One entry of a directory, as it lies in the buffer; its name, NUL and text follow. */
struct stored_entry {
	size_t name_length, text_length;
	enum isif_error error;
	bool is_directory, is_unchanged, has_text;
};

/* One directory that the thread has read. */
struct stored_reading {
	struct isif_directory_reading *reading; /* the caller's */
	int watch;
	enum isif_error error;
	char *octets;
	size_t used, size;
};

struct read_ahead {
	pthread_t thread;
	struct directory_reader reader;
	struct isif_directory_reading *readings;
	size_t count;
	atomic_size_t *next;
	atomic_size_t finished; /* of stored, written by the thread */
	size_t delivered;	/* read by the caller */
	struct stored_reading stored[];
};

static bool append(struct stored_reading *stored, const void *octets, size_t length)
{
	if (stored->size - stored->used < length) {
		size_t size = (stored->used + length) * 2;
		char *larger = realloc(stored->octets, size);

		if (!larger)
			return false;
		stored->octets = larger;
		stored->size = size;
	}
	if (length)
		memcpy(stored->octets + stored->used, octets, length);
	stored->used += length;
	return true;
}

static void store(struct stored_reading *stored, const struct stored_entry *entry, const char *name,
		  const char *text)
{
	/* Entries lie where they are aligned. */
	size_t gap = -stored->used % _Alignof(struct stored_entry);
	static const char zeros[_Alignof(struct stored_entry)];

	if (stored->error)
		return;
	if (!append(stored, zeros, gap) || !append(stored, entry, sizeof(*entry)) ||
	    !append(stored, name, entry->name_length + 1) ||
	    !append(stored, text, entry->text_length))
		stored->error = ISIF_NO_MEMORY;
}

static void store_record(struct isif_directory_reading *reading, const char *name, const char *text,
			 size_t length, enum isif_error error)
{
	store(reading->context,
	      &(struct stored_entry){ .name_length = strlen(name),
				      .text_length = text ? length : 0,
				      .error = error,
				      .has_text = text },
	      name, text);
}

static void store_directory(struct isif_directory_reading *reading, const char *name)
{
	store(reading->context,
	      &(struct stored_entry){ .name_length = strlen(name), .is_directory = true }, name,
	      NULL);
}

static void store_unchanged(struct isif_directory_reading *reading, const char *name)
{
	store(reading->context,
	      &(struct stored_entry){ .name_length = strlen(name), .is_unchanged = true }, name,
	      NULL);
}

static void store_end(struct isif_directory_reading *reading)
{
	struct stored_reading *stored = reading->context;

	stored->watch = reading->watch;
	if (!stored->error)
		stored->error = reading->error;
}

static void *read_on(void *argument)
{
	static const struct isif_directory_visitor visitor = { store_record, store_directory,
							       store_end, store_unchanged };
	struct read_ahead *ahead = argument;
	size_t i;

	/* Two threads that share one table of descriptors wait for each other at every open(2). */
	unshare(CLONE_FILES);
	while ((i = atomic_fetch_add(ahead->next, 1)) < ahead->count) {
		size_t place = atomic_load_explicit(&ahead->finished, memory_order_relaxed);
		struct stored_reading *stored = &ahead->stored[place];
		struct isif_directory_reading reading = ahead->readings[i];

		stored->reading = &ahead->readings[i];
		reading.context = stored;
		directory_reader_read(&ahead->reader, &reading, &visitor);
		atomic_store_explicit(&ahead->finished, place + 1, memory_order_release);
	}
	return NULL;
}

struct read_ahead *read_ahead_start(const struct directory_reader *like,
				    struct isif_directory_reading *readings, size_t count,
				    atomic_size_t *next)
{
	struct read_ahead *ahead;

	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		return NULL;
	ahead = calloc(1, sizeof(*ahead) + count * sizeof(*ahead->stored));
	if (!ahead)
		return NULL;
	ahead->readings = readings;
	ahead->count = count;
	ahead->next = next;
	ahead->reader.root_path = like->root_path;
	ahead->reader.root = like->root;
	ahead->reader.inotify = like->inotify;
	ahead->reader.full_listings = like->full_listings;
	if (pthread_create(&ahead->thread, NULL, read_on, ahead)) {
		free(ahead);
		return NULL;
	}
	return ahead;
}

static void deliver(struct stored_reading *stored, const struct isif_directory_visitor *visitor)
{
	struct isif_directory_reading *reading = stored->reading;

	reading->watch = stored->watch;
	reading->error = stored->error;
	for (size_t at = 0; stored->error != ISIF_NO_MEMORY && at < stored->used;) {
		const struct stored_entry *entry = (const void *)(stored->octets + at);
		const char *name = (const char *)(entry + 1);
		const char *text = name + entry->name_length + 1;

		if (entry->is_directory)
			visitor->directory(reading, name);
		else if (entry->is_unchanged)
			visitor->unchanged(reading, name);
		else
			visitor->record(reading, name, entry->has_text ? text : NULL,
					entry->text_length, entry->error);
		at += sizeof(*entry) + entry->name_length + 1 + entry->text_length;
		at += -at % _Alignof(struct stored_entry);
	}
	free(stored->octets);
	stored->octets = NULL;
	visitor->end(reading);
}

bool read_ahead_deliver(struct read_ahead *ahead, const struct isif_directory_visitor *visitor)
{
	size_t finished = atomic_load_explicit(&ahead->finished, memory_order_acquire);
	bool any = ahead->delivered < finished;

	while (ahead->delivered < finished)
		deliver(&ahead->stored[ahead->delivered++], visitor);
	return any;
}

void read_ahead_finish(struct read_ahead *ahead, const struct isif_directory_visitor *visitor)
{
	pthread_join(ahead->thread, NULL);
	read_ahead_deliver(ahead, visitor);
	free(ahead);
}
