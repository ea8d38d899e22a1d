/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "complaint.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct complaint {
	struct isif_name *text;
	uint32_t generation;
};

static bool complaint_matches(const void *item, const void *key)
{
	return ((const struct complaint *)item)->text == key;
}

static void free_complaint(struct complaint *complaint)
{
	isif_name_release(complaint->text);
	free(complaint);
}

void complaints_begin(struct complaints *complaints)
{
	complaints->generation++;
}

void complain(struct complaints *complaints, struct isif_names *names, const struct isif_log *log,
	      const char *format, ...)
{
	char line[1024];
	va_list arguments;
	struct isif_name *text;
	struct complaint *complaint;

	va_start(arguments, format);
	vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	text = isif_name_get(names, line, strlen(line));
	if (!text)
		return;
	complaint = hash_find(&complaints->hash, text->hash, complaint_matches, text);
	if (complaint) {
		complaint->generation = complaints->generation;
		isif_name_release(text);
		return;
	}
	isif_log_line(log, ISIF_LOG_WARNING, "%s", line);
	complaint = malloc(sizeof(*complaint));
	if (complaint)
		*complaint = (struct complaint){ text, complaints->generation };
	if (!complaint || !hash_add(&complaints->hash, text->hash, complaint)) {
		free(complaint);
		isif_name_release(text);
	}
}

void complaints_end(struct complaints *complaints)
{
	for (size_t i = 0; i < complaints->hash.size;) {
		struct complaint *complaint = complaints->hash.slots[i].item;

		if (!complaint || complaint->generation == complaints->generation) {
			i++;
			continue;
		}
		hash_remove(&complaints->hash, complaint->text->hash, complaint);
		free_complaint(complaint);
	}
}

void complaints_clear(struct complaints *complaints)
{
	for (size_t i = 0; i < complaints->hash.size; i++)
		if (complaints->hash.slots[i].item)
			free_complaint(complaints->hash.slots[i].item);
	hash_clear(&complaints->hash);
}
