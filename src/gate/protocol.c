/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "protocol.h"

#include <stdlib.h>
#include <string.h>

/* --- edits --- */

void protocol_put_edits(struct message *message, const struct isif_edit *edits, size_t count)
{
	size_t lines = 0;

	for (size_t i = 0; i < count; i++)
		lines += edits[i].line_count;
	message_put_number(message, count);
	message_put_number(message, lines);
	for (const struct isif_edit *edit = edits; edit < edits + count; edit++) {
		message_put_number(message, edit->kind);
		message_put_text(message, edit->path);
		message_put_text(message, edit->other);
		message_put_number(message, edit->line_count);
		for (size_t i = 0; i < edit->line_count; i++) {
			message_put_text(message, edit->lines[i].key);
			message_put_text(message, edit->lines[i].old);
			message_put_text(message, edit->lines[i].fresh);
		}
	}
}

static void read_edit(struct message *message, struct isif_edit *edit, struct isif_edit_line *lines,
		      size_t left)
{
	edit->kind = (enum isif_edit_kind)message_number_to(message, ISIF_EDIT_REMOVE);
	edit->path = message_some_text(message);
	edit->other = message_text(message);
	edit->line_count = message_number_to(message, left < KEEPER_LINES ? left : KEEPER_LINES);
	edit->lines = lines;
	for (size_t i = 0; i < edit->line_count; i++) {
		lines[i].key = message_some_text(message);
		lines[i].old = message_text(message);
		lines[i].fresh = message_some_text(message);
	}
}

struct isif_edit *protocol_edits(struct message *message, size_t *count,
				 struct isif_edit_line **lines)
{
	size_t line_count, used = 0;
	struct isif_edit *edits;

	*count = message_number_to(message, KEEPER_EDITS);
	line_count = message_number_to(message, (uint64_t)KEEPER_EDITS * KEEPER_LINES);
	*lines = NULL;
	if (message->failed)
		return NULL;
	edits = calloc(*count + 1, sizeof(*edits));
	*lines = calloc(line_count + 1, sizeof(**lines));
	if (!edits || !*lines)
		message->failed = true;
	for (size_t i = 0; !message->failed && i < *count; i++) {
		read_edit(message, &edits[i], *lines + used, line_count - used);
		used += edits[i].line_count;
	}
	if (message_is_read(message))
		return edits;
	free(edits);
	free(*lines);
	*lines = NULL;
	return NULL;
}

/* --- readings --- */

void protocol_put_readings(struct message *message, const struct isif_directory_reading *readings,
			   size_t count)
{
	message_put_number(message, count);
	for (size_t i = 0; i < count; i++) {
		message_put_text(message, readings[i].path);
		message_put_number(message, readings[i].flags);
		message_put_number(message, (uint64_t)readings[i].since);
	}
}

struct isif_directory_reading *protocol_readings(struct message *message, size_t *count)
{
	const unsigned all = ISIF_READ_WATCH | ISIF_READ_RECORDS | ISIF_READ_NEWER;
	struct isif_directory_reading *readings;

	*count = message_number_to(message, KEEPER_READINGS);
	readings = message->failed ? NULL : calloc(*count + 1, sizeof(*readings));
	if (!readings)
		return NULL;
	for (size_t i = 0; i < *count; i++) {
		readings[i].path = message_some_text(message);
		readings[i].flags = (unsigned)message_number_to(message, all);
		readings[i].since = (int64_t)message_number(message);
		readings[i].watch = -1;
	}
	if (message_is_read(message))
		return readings;
	free(readings);
	return NULL;
}

/* --- commands and what becomes of them --- */

void protocol_put_command(struct message *message, const struct isif_command *command)
{
	message_put_number(message, command->verb);
	message_put_text(message, command->target);
	message_put_text(message, command->address);
	message_put_text(message, command->iface);
	message_put_number(message, command->port);
	message_put_number(message, (uint64_t)((int64_t)command->tpgt + 1));
	message_put_number(message, command->sid);
	message_put_number(message, command->timeout);
	message_put_number(message, command->force);
}

void protocol_command(struct message *message, struct isif_command *command)
{
	command->verb = (enum isif_verb)message_number_to(message, INT32_MAX);
	command->target = message_text(message);
	command->address = message_text(message);
	command->iface = message_text(message);
	command->port = (uint16_t)message_number_to(message, UINT16_MAX);
	command->tpgt = (int32_t)((int64_t)message_number_to(message, INT32_MAX) - 1);
	command->sid = (uint32_t)message_number_to(message, UINT32_MAX);
	command->timeout = (uint32_t)message_number_to(message, UINT32_MAX);
	command->force = message_number_to(message, true);
}

void protocol_put_port(struct message *message, const struct isif_port_request *request)
{
	message_put_number(message, request->verb);
	message_put_text(message, request->iface);
	message_put_text(message, request->transport);
	message_put_number(message, request->host);
	message_put_number(message, request->family);
	message_put_number(message, request->number);
	message_put_text(message, request->address);
	message_put_number(message, request->timeout);
	message_put_number(message, request->force);
	message_put_number(message, request->count);
	for (size_t i = 0; i < request->count; i++) {
		const struct isif_port_parameter *parameter = &request->parameters[i];

		message_put_number(message, parameter->type);
		message_put_number(message, parameter->number);
		message_put_octets(message, parameter->octets, parameter->length);
	}
}

static void read_parameter(struct message *message, struct isif_port_parameter *parameter)
{
	const void *octets;
	size_t length;

	parameter->type = (enum isif_setting_parameter_type)message_number_to(message, UINT8_MAX);
	parameter->number = (uint16_t)message_number_to(message, UINT16_MAX);
	octets = message_octets(message, &length);
	message->failed |= length > sizeof(parameter->octets);
	if (message->failed)
		return;
	parameter->length = (uint8_t)length;
	memcpy(parameter->octets, octets, length);
}

struct isif_port_parameter *protocol_port(struct message *message,
					  struct isif_port_request *request)
{
	struct isif_port_parameter *parameters;

	request->verb = (enum isif_port_verb)message_number_to(message, ISIF_PORT_PING);
	request->iface = message_text(message);
	request->transport = message_some_text(message);
	request->host = (uint32_t)message_number_to(message, UINT32_MAX);
	request->family = (enum isif_setting_family)message_number_to(message, UINT8_MAX);
	request->number = (uint32_t)message_number_to(message, UINT32_MAX);
	request->address = message_text(message);
	request->timeout = (uint32_t)message_number_to(message, UINT32_MAX);
	request->force = message_number_to(message, true);
	request->count = message_number_to(message, KEEPER_PARAMETERS);
	parameters = message->failed ? NULL : calloc(request->count + 1, sizeof(*parameters));
	request->parameters = parameters;
	for (size_t i = 0; parameters && i < request->count; i++)
		read_parameter(message, &parameters[i]);
	if (parameters && message_is_read(message))
		return parameters;
	free(parameters);
	return NULL;
}

void protocol_put_outcome(struct message *message, const struct isif_command_outcome *outcome)
{
	message_put_number(message, (uint64_t)((int64_t)outcome->code + 1));
	message_put_number(message, outcome->timed_out);
	message_put_number(message, outcome->cut);
	message_put_octets(message, outcome->output, outcome->length);
}

void protocol_outcome(struct message *message, struct isif_command_outcome *outcome)
{
	outcome->code = (int)((int64_t)message_number_to(message, INT32_MAX) - 1);
	outcome->timed_out = message_number_to(message, 1);
	outcome->cut = message_number_to(message, 1);
	outcome->output = message_octets(message, &outcome->length);
}

/* --- disks --- */

void protocol_put_disks(struct message *message, const struct isif_look_disk *disks, size_t count)
{
	message_put_number(message, count);
	for (size_t i = 0; i < count; i++) {
		message_put_number(message, disks[i].sid);
		message_put_text(message, disks[i].device);
		message_put_number(message, disks[i].use);
		message_put_number(message, disks[i].vital);
		message_put_text(message, disks[i].user);
	}
}

static void read_text(struct message *message, char *text, size_t size)
{
	const char *read = message_some_text(message);

	if (!message->failed && strlen(read) < size)
		strcpy(text, read);
	else
		message->failed = true;
}

struct isif_look_disk *protocol_disks(struct message *message, size_t *count)
{
	struct isif_look_disk *disks;

	/* Each has at least as many octets as this says. */
	*count = message_number_to(message, message->length / sizeof(uint64_t));
	disks = message->failed ? NULL : calloc(*count + 1, sizeof(*disks));
	for (size_t i = 0; disks && i < *count; i++) {
		disks[i].sid = (uint32_t)message_number_to(message, UINT32_MAX);
		read_text(message, disks[i].device, sizeof(disks[i].device));
		disks[i].use = (enum isif_disk_use)message_number_to(message, UINT8_MAX);
		disks[i].vital = (enum isif_vital)message_number_to(message, ISIF_VITAL_UNKNOWN);
		read_text(message, disks[i].user, sizeof(disks[i].user));
	}
	if (disks && message_is_read(message))
		return disks;
	free(disks);
	return NULL;
}
