/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "audit.h"

#include "engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define VALUE_LIMIT 255 /* characters of a value */

const char *audit_name(const struct mib_varbind *varbind, char text[AUDIT_NAME_SIZE])
{
	size_t used = 0;

	text[0] = '\0';
	for (size_t i = 0; i < varbind->length && used < AUDIT_NAME_SIZE; i++)
		used += (size_t)snprintf(text + used, AUDIT_NAME_SIZE - used, ".%lu",
					 varbind->name[i]);
	return text;
}

static bool is_printable(const uint8_t *octets, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (octets[i] < ' ' || octets[i] > '~')
			return false;
	return true;
}

static void octets_text(const uint8_t *octets, size_t count, char text[VALUE_LIMIT + 1])
{
	size_t used = 2;

	if (is_printable(octets, count)) {
		snprintf(text, VALUE_LIMIT + 1, "\"%.*s\"", (int)count, (const char *)octets);
		return;
	}
	memcpy(text, "0x", sizeof("0x"));
	for (size_t i = 0; i < count && used + 2 <= VALUE_LIMIT; i++)
		used += (size_t)snprintf(text + used, 3, "%02x", octets[i]);
}

static void old_text(struct mib_view *view, const struct mib_varbind *varbind,
		     char text[VALUE_LIMIT + 1])
{
	struct mib_value value;

	if (engine_get(view, varbind->name, varbind->length, &value) != ENGINE_VALUE)
		snprintf(text, VALUE_LIMIT + 1, "(none)");
	else if (value.tag == MIB_OCTETS)
		octets_text(value.octets, value.length, text);
	else if (value.tag == MIB_INTEGER)
		snprintf(text, VALUE_LIMIT + 1, "%d", value.integer);
	else
		snprintf(text, VALUE_LIMIT + 1, "%llu", (unsigned long long)value.number);
}

static void new_text(const struct mib_varbind *varbind, const struct mib_wish *wish,
		     char text[VALUE_LIMIT + 1])
{
	if (wish->kind == MIB_WISH_SET_LOCK)
		snprintf(text, VALUE_LIMIT + 1, "%d", mib_next_lock(wish->set_lock));
	else if (varbind->tag == MIB_OCTETS)
		octets_text(varbind->octets, varbind->octet_count, text);
	else
		snprintf(text, VALUE_LIMIT + 1, "%lld", (long long)varbind->integer);
}

char *audit_prepare(const struct mib_varbind *varbinds, const struct mib_wish *wishes, size_t count,
		    struct mib_view *view)
{
	char name[AUDIT_NAME_SIZE], before[VALUE_LIMIT + 1], after[VALUE_LIMIT + 1];
	char *text = NULL;
	size_t size;
	FILE *lines = open_memstream(&text, &size);

	if (!lines)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		old_text(view, &varbinds[i], before);
		new_text(&varbinds[i], &wishes[i], after);
		if (strcmp(before, after) != 0)
			fprintf(lines, "%s: %s -> %s\n", audit_name(&varbinds[i], name), before,
				after);
	}
	if (fclose(lines)) {
		free(text);
		return NULL;
	}
	return text;
}

/* ISO 8601, with the zone. */
static void time_text(char *text, size_t size)
{
	time_t now = time(NULL);
	struct tm tm;
	char zone[8] = "";

	text[0] = '\0';
	if (!localtime_r(&now, &tm) || !strftime(text, size, "%FT%T", &tm) ||
	    strftime(zone, sizeof(zone), "%z", &tm) != 5)
		return;
	snprintf(text + strlen(text), size - strlen(text), "%.3s:%s", zone, zone + 3);
}

void audit_write(const struct isif_log *log, uint32_t transaction_id, const char *lines)
{
	char when[40];

	time_text(when, sizeof(when));
	for (const char *line = lines, *end; *line; line = *end ? end + 1 : end) {
		end = strchrnul(line, '\n');
		isif_log_line(log, ISIF_LOG_NOTICE, "%s SET %u changed %.*s", when, transaction_id,
			      (int)(end - line), line);
	}
}
