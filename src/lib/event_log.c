/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "event_log.h"

#include "array.h"
#include "cleanup.h"
#include "escape.h"
#include "words.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define FILE_NAME  "events"
#define ASIDE_NAME "eventsbad"
#define HEADER	   "iscsi-ifaced events 1"
#define END	   "end"
#define LIMIT	   512	/* until somebody says otherwise */
#define LEAP	   1000 /* more than can happen before the disk has it */
#define NAME_SIZE  256

struct event_log {
	struct isif_privileged *gate;
	struct isif_names *names;
	const struct isif_log *log;
	char boot[64];
	struct isif_event **events;
	uint32_t count, limit;
	size_t size;
	uint32_t next;	/* index */
	size_t in_file; /* events that the file has, forgotten ones, too */
	bool news;	/* something happened since it was tried to write that */
	bool rewrite;	/* the file has to be written as a whole */
	bool unsynced, write_failed;
	bool again;  /* it may be written later */
	char *fresh; /* lines that are not in the file yet */
	size_t fresh_length, fresh_size;
};

/* --- the list --- */

static void free_event(struct isif_event *event)
{
	isif_name_release(event->iface);
	free(event);
}

static void forget_oldest(struct event_log *events)
{
	uint32_t over = events->count > events->limit ? events->count - events->limit : 0;

	for (uint32_t i = 0; i < over; i++)
		free_event(events->events[i]);
	if (over)
		memmove(events->events, events->events + over,
			(events->count - over) * sizeof(struct isif_event *));
	events->count -= over;
}

static void clear(struct event_log *events)
{
	for (uint32_t i = 0; i < events->count; i++)
		free_event(events->events[i]);
	events->count = 0;
	events->in_file = 0;
}

static void set_next(struct event_log *events, uint32_t index, uint32_t further)
{
	events->next = index > UINT32_MAX - further ? 1 : index + further;
}

/* The highest number that is in the list; 0: none. */
static uint32_t newest(const struct event_log *events)
{
	return events->count ? events->events[events->count - 1]->index : 0;
}

/* Takes the event over, if it returns true. */
static bool put(struct event_log *events, struct isif_event *event)
{
	if (!array_reserve(&events->events, &events->size, events->count, sizeof(event)))
		return false;
	events->events[events->count++] = event;
	set_next(events, event->index, 1);
	forget_oldest(events);
	return true;
}

static struct isif_event *find(const struct event_log *events, uint32_t index)
{
	/* They have no gaps but those of a leap: look from the end. */
	for (uint32_t i = events->count; i-- > 0;)
		if (events->events[i]->index == index)
			return events->events[i];
	return NULL;
}

/* --- lines --- */

static void write_event(FILE *file, const struct isif_event *event)
{
	fprintf(file, "event %" PRIu32 " %" PRId64 " %d %" PRIu32 " %d", event->index, event->time,
		(int)event->kind, event->binding, event->notified);
	escape_write(file, event->iface->text, event->iface->length);
	escape_write(file, event->text, strlen(event->text));
	fputc('\n', file);
}

/* What does not fit into memory makes the file be written anew, as a whole, next time. */
static void append(struct event_log *events, const char *text, size_t length)
{
	events->news = true;
	if (events->rewrite)
		return;
	while (events->fresh_length + length > events->fresh_size) {
		size_t size = events->fresh_size;

		if (!array_reserve(&events->fresh, &size, size, sizeof(char))) {
			events->rewrite = true;
			return;
		}
		events->fresh_size = size;
	}
	memcpy(events->fresh + events->fresh_length, text, length);
	events->fresh_length += length;
}

static void append_event(struct event_log *events, const struct isif_event *event)
{
	CLEANUP_FREE char *text = NULL;
	size_t length;
	FILE *file = open_memstream(&text, &length);

	if (!file) {
		events->rewrite = true;
		return;
	}
	write_event(file, event);
	if (escape_close(file))
		append(events, text, length);
	else
		events->rewrite = true;
}

static bool read_event(struct event_log *events, const char *line)
{
	struct isif_event *event = calloc(1, sizeof(*event));
	char iface[NAME_SIZE];
	int kind, notified, used = 0;
	size_t length;
	bool good;

	if (!event)
		return false;
	good = sscanf(line, "event %" SCNu32 " %" SCNd64 " %d %" SCNu32 " %d%n", &event->index,
		      &event->time, &kind, &event->binding, &notified, &used) == 5 &&
	       event->index > newest(events) && kind >= ISIF_HAPPENED_BINDING_LOST &&
	       kind <= ISIF_HAPPENED_MASTER_LOST;
	line += used;
	good = good && escape_read(&line, iface, sizeof(iface), &length);
	if (good)
		event->iface = isif_name_get(events->names, iface, length);
	good = good && event->iface &&
	       escape_read(&line, event->text, sizeof(event->text), &length) && !*line;
	event->kind = (enum isif_event_kind)kind;
	event->notified = notified;
	if (good && put(events, event))
		return true;
	free_event(event);
	return false;
}

static bool read_line(struct event_log *events, const char *line, bool *end)
{
	uint32_t index;

	*end = !strcmp(line, END);
	if (*end)
		return true;
	if (sscanf(line, "notified %" SCNu32, &index) == 1) {
		struct isif_event *event = find(events, index);

		if (event)
			event->notified = true;
		return true;
	}
	events->in_file++;
	return read_event(events, line);
}

/* The last line may be torn: it had not come to the disk. False with ENOMEM: no memory. */
static bool read_all(struct event_log *events, char *text)
{
	const char *title = text;
	char *newline = strchr(text, '\n');
	bool end = false, same_boot;

	if (!newline || strncmp(title, HEADER " ", strlen(HEADER " ")) != 0)
		return false;
	*newline = '\0';
	same_boot = !strcmp(title + strlen(HEADER " "), events->boot);
	for (text = newline + 1; (newline = strchr(text, '\n')); text = newline + 1) {
		*newline = '\0';
		if (!read_line(events, text, &end))
			return false;
	}
	if (!end && !same_boot)
		set_next(events, events->next, LEAP);
	events->rewrite = true; /* the end is not one any more */
	return true;
}

/* Of the numbers that were given only the highest that can be read is known. */
static void begin_anew(struct event_log *events, const char *why)
{
	set_next(events, events->next, LEAP);
	isif_log_line(events->log, ISIF_LOG_ERROR,
		      "the list of events (" FILE_NAME
		      " in the state directory) %s; it goes on with number %" PRIu32,
		      why, events->next);
}

static void put_aside(struct event_log *events, const char *text, size_t length)
{
	clear(events);
	set_next(events, words_highest(text, length, "event ", UINT32_MAX), 1);
	begin_anew(events,
		   events->gate->operations->state_write(events->gate, ASIDE_NAME, text, length)
			   ? "is damaged and could not be put aside as " ASIDE_NAME
			   : "is damaged and was put aside as " ASIDE_NAME);
}

static enum isif_error read_file(struct event_log *events)
{
	CLEANUP_FREE char *text = NULL;
	CLEANUP_FREE char *copy = NULL;
	size_t length;
	enum isif_error error =
		events->gate->operations->state_read(events->gate, FILE_NAME, &text, &length);

	if (error == ISIF_NO_MEMORY)
		return error;
	if (error == ISIF_NOT_FOUND || error == ISIF_UNAVAILABLE)
		return ISIF_OK;
	if (error) {
		begin_anew(events, "cannot be read");
		return ISIF_OK;
	}
	copy = strndup(text, length);
	if (!copy)
		return ISIF_NO_MEMORY;
	errno = 0;
	if (read_all(events, copy))
		return ISIF_OK;
	if (errno == ENOMEM)
		return ISIF_NO_MEMORY;
	put_aside(events, text, length);
	return ISIF_OK;
}

static void free_log(struct event_log *events)
{
	clear(events);
	free(events->events);
	free(events->fresh);
	free(events);
}

enum isif_error event_log_open(struct isif_privileged *gate, struct isif_names *names,
			       const struct isif_log *log, const char *boot,
			       struct event_log **result)
{
	struct event_log *events = calloc(1, sizeof(*events));
	enum isif_error error;

	if (!events)
		return ISIF_NO_MEMORY;
	*events = (struct event_log){ .gate = gate,
				      .names = names,
				      .log = log,
				      .limit = UINT32_MAX,
				      .next = 1,
				      .news = true,
				      .rewrite = true };
	snprintf(events->boot, sizeof(events->boot), "%s", boot);
	error = read_file(events);
	if (error) {
		free_log(events);
		return error;
	}
	event_log_set_limit(events, LIMIT);
	*result = events;
	return ISIF_OK;
}

/* --- on disk --- */

static bool succeeded(struct event_log *events, enum isif_error error)
{
	if (error && error != ISIF_UNAVAILABLE && !events->write_failed)
		isif_log_line(events->log, ISIF_LOG_ERROR,
			      "cannot write the list of events into the state directory: %s; after "
			      "a restart some may be forgotten",
			      isif_error_text(error));
	events->write_failed = error;
	events->again = error && error != ISIF_UNAVAILABLE;
	return !error;
}

static bool write_whole(struct event_log *events, bool ended)
{
	CLEANUP_FREE char *text = NULL;
	size_t length;
	FILE *file = open_memstream(&text, &length);

	if (!file)
		return false;
	fprintf(file, HEADER " %s\n", events->boot);
	for (uint32_t i = 0; i < events->count; i++)
		write_event(file, events->events[i]);
	if (ended)
		fputs(END "\n", file);
	if (!escape_close(file) ||
	    !succeeded(events, events->gate->operations->state_write(events->gate, FILE_NAME, text,
								     length)))
		return false;
	events->rewrite = events->unsynced = false;
	events->in_file = events->count;
	events->fresh_length = 0;
	return true;
}

bool event_log_has_news(const struct event_log *events)
{
	return events->news;
}

bool event_log_write(struct event_log *events)
{
	struct isif_privileged *gate = events->gate;

	if (!events->news)
		return events->unsynced || events->again;
	events->news = false;
	if (events->rewrite || events->in_file > 2 * (size_t)events->limit) {
		write_whole(events, false);
		return events->again;
	}
	if (succeeded(events, gate->operations->state_append(gate, FILE_NAME, events->fresh,
							     events->fresh_length, false)))
		events->fresh_length = 0;
	else
		events->rewrite = true;
	events->unsynced = !events->rewrite;
	return events->unsynced || events->again;
}

bool event_log_sync(struct event_log *events)
{
	if (events->again) {
		events->news = true;
		event_log_write(events);
	}
	if (events->unsynced)
		succeeded(events, events->gate->operations->state_append(events->gate, FILE_NAME,
									 "", 0, true));
	events->unsynced = false;
	return events->again;
}

void event_log_close(struct event_log *events)
{
	if (!events)
		return;
	write_whole(events, true);
	free_log(events);
}

/* --- what happens --- */

void event_log_set_limit(struct event_log *events, uint32_t limit)
{
	events->limit = limit ? limit : 1;
	forget_oldest(events);
}

struct isif_event *event_log_add(struct event_log *events, enum isif_event_kind kind,
				 struct isif_name *iface, uint32_t binding, const char *format, ...)
{
	struct isif_event *event = calloc(1, sizeof(*event));
	va_list arguments;

	if (!event)
		return NULL;
	*event = (struct isif_event){
		.index = events->next,
		.time = time(NULL),
		.kind = kind,
		.iface = iface ? isif_name_hold(iface) : isif_name_get(events->names, "", 0),
		.binding = binding,
	};
	va_start(arguments, format);
	vsnprintf(event->text, sizeof(event->text), format, arguments);
	va_end(arguments);
	drop_cut_character(event->text);
	/* Behind the last number there is the first one. */
	if (event->iface && event->index <= newest(events)) {
		clear(events);
		events->rewrite = true;
	}
	if (!event->iface || !put(events, event)) {
		free_event(event);
		return NULL;
	}
	events->in_file++;
	append_event(events, event);
	return event;
}

void event_log_notified(struct event_log *events, uint32_t index)
{
	struct isif_event *event = find(events, index);
	char line[32];
	int length;

	if (!event || event->notified)
		return;
	event->notified = true;
	length = snprintf(line, sizeof(line), "notified %" PRIu32 "\n", index);
	append(events, line, (size_t)length);
}

struct isif_event_list event_log_list(const struct event_log *events)
{
	return (struct isif_event_list){
		.events = (const struct isif_event *const *)events->events,
		.count = events->count,
	};
}
