/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rebind_plan.h"

#include "array.h"
#include "cleanup.h"
#include "copy.h"
#include "escape.h"
#include "node.h"
#include "snapshot_find.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define PREFIX "iface."

/* The lines of a copy that make a software session what it is, and that sysfs shows of it. */
static const char *const path_keys[] = { PREFIX "net_ifacename", PREFIX "hwaddress",
					 PREFIX "initiatorname" };

bool rebind_same_value(const char *key, const char *one, const char *other)
{
	const char *setting = key + strlen(PREFIX);

	return !strcmp(one, other) ||
	       (isif_setting_is_unset(setting, one) && isif_setting_is_unset(setting, other));
}

/* --- what a session was made from --- */

static const char *initiator_of(const struct isif_snapshot *snapshot, const char *value)
{
	const struct isif_name *host = snapshot->summary.initiator_name;

	if (!isif_setting_is_unset("initiatorname", value))
		return value;
	return host ? host->text : "";
}

/* What the session says of a key, NULL if it does not tell. */
static const char *label_of(const struct isif_kernel_session *session, const char *key)
{
	/* The labels of an offload host are its own, not the record's. */
	if (!strcmp(key, path_keys[0]))
		return isif_transport_is_software(session->transport) ? session->netdev : NULL;
	if (!strcmp(key, path_keys[1]))
		return isif_transport_is_software(session->transport) ? session->hwaddress : NULL;
	if (!strcmp(key, path_keys[2]))
		return *session->initiator ? session->initiator : NULL;
	return strcmp(key, PREFIX "transport_name") ? NULL : session->transport;
}

/* True if a login with this value makes a session with that label. */
static bool makes(const struct isif_snapshot *snapshot, const char *key, const char *value,
		  const char *label)
{
	if (!strcmp(key, path_keys[1]) && !strcasecmp(value, label))
		return true;
	if (!strcmp(key, path_keys[2]))
		return !strcmp(initiator_of(snapshot, value), label);
	return rebind_same_value(key, value, label);
}

bool rebind_session_is(const struct isif_snapshot *snapshot,
		       const struct isif_kernel_session *session,
		       const struct rebind_record *record, enum rebind_time time)
{
	for (size_t i = 0; i < record->line_count; i++) {
		const struct rebind_line *line = &record->lines[i];
		const char *label = label_of(session, line->key);

		if (label && !makes(snapshot, line->key, line->values[time], label))
			return false;
	}
	return true;
}

/* --- making a plan --- */

static struct rebind_record *add_record(struct rebind_plan *plan, uint32_t binding, char *path)
{
	struct rebind_record *record;

	if (!path || !array_reserve(&plan->records, &plan->size, plan->count, sizeof(*record))) {
		free(path);
		return NULL;
	}
	record = &plan->records[plan->count++];
	*record = (struct rebind_record){ .binding = binding, .path = path };
	return record;
}

static bool add_line(struct rebind_record *record, const char *key, const char *before,
		     const char *during, const char *home)
{
	struct rebind_line *line;

	if (!array_reserve(&record->lines, &record->line_size, record->line_count, sizeof(*line)))
		return false;
	line = &record->lines[record->line_count++];
	*line = (struct rebind_line){ strdup(key),
				      { strdup(before), strdup(during), strdup(home) } };
	return line->key && line->values[0] && line->values[1] && line->values[2];
}

static struct rebind_line *line_of(const struct rebind_record *record, const char *key)
{
	for (size_t i = 0; i < record->line_count; i++)
		if (!strcmp(record->lines[i].key, key))
			return &record->lines[i];
	return NULL;
}

static bool add_copy(struct rebind_record *record, const struct isif_record *settings,
		     const struct isif_record *copy)
{
	struct copy_difference difference = { settings, copy, 0 };
	struct isif_edit_line line;

	while (copy_difference_next(&difference, &line))
		if (!add_line(record, line.key, line.old, line.fresh, line.old))
			return false;
	return true;
}

/* The lines of which the live session says something else than the copy. */
static bool add_home(struct rebind_record *record, const struct isif_snapshot *snapshot,
		     const struct isif_record *copy, const struct isif_kernel_session *session)
{
	for (size_t i = 0; i < sizeof(path_keys) / sizeof(*path_keys); i++) {
		const char *label = label_of(session, path_keys[i]);
		const char *now = isif_record_value(copy, path_keys[i]);
		struct rebind_line *line = line_of(record, path_keys[i]);

		if (!now)
			now = "";
		if (!label || makes(snapshot, path_keys[i], now, label))
			continue;
		if (!line) {
			if (!add_line(record, path_keys[i], now, now, label))
				return false;
			continue;
		}
		free(line->values[REBIND_HOME]);
		line->values[REBIND_HOME] = strdup(label);
		if (!line->values[REBIND_HOME])
			return false;
	}
	return true;
}

bool rebind_plan_add(struct rebind_plan *plan, const struct isif_snapshot *snapshot,
		     const struct isif_iface *iface, const struct isif_binding *binding)
{
	const struct isif_session *live = snapshot_session_of(snapshot, binding->index);
	const struct isif_kernel_session *session = live ? live->kernel : NULL;
	struct rebind_record *record = add_record(plan, binding->index, node_path(binding->node));

	if (!record || (iface->record && !add_copy(record, iface->record, binding->node->copy)))
		return false;
	if (session && (!add_home(record, snapshot, binding->node->copy, session) ||
			!session_disks_note(&record->disks, session)))
		return false;
	record->moves = session && (binding->path == ISIF_PATH_WRONG ||
				    !rebind_session_is(snapshot, session, record, REBIND_DURING));
	return true;
}

/* --- as text --- */

static void write_record(FILE *file, const struct rebind_record *record)
{
	fprintf(file, "record %" PRIu32 " %d", record->binding, record->moves);
	escape_write(file, record->path, strlen(record->path));
	for (size_t i = 0; i < record->line_count; i++) {
		const struct rebind_line *line = &record->lines[i];

		fputs("\nline", file);
		escape_write(file, line->key, strlen(line->key));
		for (int j = 0; j < REBIND_TIMES; j++)
			escape_write(file, line->values[j], strlen(line->values[j]));
	}
	session_disks_write(&record->disks, file);
	fputc('\n', file);
}

char *rebind_plan_write(const struct rebind_plan *plan)
{
	CLEANUP_FREE char *text = NULL;
	size_t length;
	FILE *file = open_memstream(&text, &length);

	if (!file)
		return NULL;
	for (size_t i = 0; i < plan->count; i++)
		write_record(file, &plan->records[i]);
	return escape_close(file) ? TAKE(text) : NULL;
}

char *rebind_plan_of_change(const char *iface, const struct isif_edit_line *lines, size_t count)
{
	struct rebind_plan plan = { 0 };
	char *path, *text = NULL;
	struct rebind_record *record;
	bool good;

	if (asprintf(&path, "ifaces/%s", iface) < 0)
		return NULL;
	record = add_record(&plan, 0, path);
	good = record;
	for (size_t i = 0; i < count && good; i++)
		good = add_line(record, lines[i].key, lines[i].old, lines[i].fresh, lines[i].old);
	if (good)
		text = rebind_plan_write(&plan);
	rebind_plan_clear(&plan);
	return text;
}

#define TEXT_SIZE 1024 /* more than a value, and than the longest path of a record */

static bool read_fields(const char *at, char fields[][TEXT_SIZE], size_t count)
{
	size_t length;

	for (size_t i = 0; i < count; i++)
		if (!escape_read(&at, fields[i], TEXT_SIZE, &length))
			return false;
	return !*at || *at == '\n';
}

static bool read_line(struct rebind_plan *plan, const char *text)
{
	struct rebind_record *record = plan->count ? &plan->records[plan->count - 1] : NULL;
	char fields[4][TEXT_SIZE];
	uint32_t binding;
	int moves, used = 0;

	if (sscanf(text, "record %" SCNu32 " %d%n", &binding, &moves, &used) == 2 && used) {
		if (!read_fields(text + used, fields, 1))
			return false;
		record = add_record(plan, binding, strdup(fields[0]));
		if (record)
			record->moves = moves;
		return record;
	}
	if (record && !strncmp(text, "line ", 5))
		return read_fields(text + 4, fields, 4) &&
		       !strncmp(fields[0], PREFIX, strlen(PREFIX)) &&
		       add_line(record, fields[0], fields[1], fields[2], fields[3]);
	return record && session_disks_read(&record->disks, text);
}

bool rebind_plan_read(struct rebind_plan *plan, const char *text)
{
	for (const char *newline; *text; text = newline + 1) {
		newline = strchr(text, '\n');
		if (!newline || !read_line(plan, text))
			return false;
	}
	return true;
}

static void clear_record(struct rebind_record *record)
{
	for (size_t i = 0; i < record->line_count; i++) {
		free(record->lines[i].key);
		for (int j = 0; j < REBIND_TIMES; j++)
			free(record->lines[i].values[j]);
	}
	free(record->lines);
	session_disks_clear(&record->disks);
	free(record->path);
}

void rebind_plan_clear(struct rebind_plan *plan)
{
	for (size_t i = 0; i < plan->count; i++)
		clear_record(&plan->records[i]);
	free(plan->records);
	*plan = (struct rebind_plan){ 0 };
}
