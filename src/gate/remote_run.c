/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "remote_parts.h"

#include "../lib/cleanup.h"

#include <limits.h>
#include <string.h>

/* --- runs --- */

static struct remote_run **find_run(struct remote *remote, unsigned number)
{
	struct remote_run **place = &remote->runs;

	while (*place && (*place)->number != number)
		place = &(*place)->next;
	return place;
}

void remote_free_run(struct remote_run *run)
{
	cleanup_close_descriptor(&run->descriptor);
	free(run->output);
	free(run);
}

/* The question that begins it is made; there is a place for it before there is a run. */
static enum isif_error begin_run(struct isif_privileged *gate, unsigned *number)
{
	struct remote *remote = remote_of(gate);
	struct remote_run *run = calloc(1, sizeof(*run));
	enum isif_error error;

	if (!run)
		return ISIF_NO_MEMORY;
	run->descriptor = -1;
	error = remote_ask_for(gate, &run->descriptor);
	if (error == ISIF_LOCKED) {
		cleanup_close_descriptor(&remote->queue);
		remote->queue = TAKE_DESCRIPTOR(run->descriptor);
	}
	if (error) {
		remote_free_run(run);
		return error;
	}
	*number = run->number = (unsigned)message_number_to(&remote->message, UINT_MAX);
	run->next = remote->runs;
	remote->runs = run;
	return ISIF_OK;
}

enum isif_error remote_command_begin(struct isif_privileged *gate,
				     const struct isif_command *command, unsigned *number)
{
	protocol_put_command(remote_question(gate, KEEPER_COMMAND_BEGIN), command);
	return begin_run(gate, number);
}

enum isif_error remote_port_begin(struct isif_privileged *gate,
				  const struct isif_port_request *request, unsigned *number)
{
	protocol_put_port(remote_question(gate, KEEPER_PORT_BEGIN), request);
	return begin_run(gate, number);
}

int remote_port_descriptor(const struct isif_privileged *gate)
{
	return remote_of(gate)->queue;
}

enum isif_error remote_command_work(struct isif_privileged *gate, unsigned number,
				    struct isif_command_outcome *outcome)
{
	struct remote *remote = remote_of(gate);
	struct remote_run *run = *find_run(remote, number);
	enum isif_error error;

	if (!run)
		return ISIF_NOT_FOUND;
	message_put_number(remote_question(gate, KEEPER_COMMAND_WORK), number);
	error = remote_ask(gate);
	if (error)
		return error;
	protocol_outcome(&remote->message, outcome);
	if (!message_is_read(&remote->message))
		return ISIF_IO;
	/* Borrowed until the run's end, by which there are other messages. */
	free(run->output);
	run->output = malloc(outcome->length + 1);
	if (!run->output)
		return ISIF_NO_MEMORY;
	memcpy(run->output, outcome->output, outcome->length + 1);
	outcome->output = run->output;
	return ISIF_OK;
}

int remote_command_descriptor(const struct isif_privileged *gate, unsigned number)
{
	for (const struct remote_run *run = remote_of(gate)->runs; run; run = run->next)
		if (run->number == number)
			return run->descriptor;
	return -1;
}

void remote_command_end(struct isif_privileged *gate, unsigned number)
{
	struct remote_run **place = find_run(remote_of(gate), number), *run = *place;

	if (!run)
		return;
	*place = run->next;
	remote_free_run(run);
	message_put_number(remote_question(gate, KEEPER_COMMAND_END), number);
	remote_ask(gate);
}

/* --- looks --- */

enum isif_error remote_look_begin(struct isif_privileged *gate, enum isif_look_purpose purpose,
				  const uint32_t *sids, size_t count)
{
	struct message *message = remote_question(gate, KEEPER_LOOK_BEGIN);

	message_put_number(message, purpose);
	message_put_number(message, count);
	for (size_t i = 0; i < count; i++)
		message_put_number(message, sids[i]);
	return remote_ask(gate);
}

enum isif_error remote_look_work(struct isif_privileged *gate, enum isif_look_purpose purpose,
				 uint64_t deadline, unsigned *pause)
{
	struct remote *remote = remote_of(gate);
	struct message *message = remote_question(gate, KEEPER_LOOK_WORK);
	struct remote_look *look = &remote->looks[purpose];
	enum isif_error error;

	message_put_number(message, purpose);
	message_put_number(message, deadline);
	error = remote_ask(gate);
	*pause = (unsigned)message_number_to(message, UINT_MAX);
	if (error)
		return error;
	free(look->disks);
	look->disks = protocol_disks(message, &look->count);
	return look->disks ? ISIF_OK : ISIF_IO;
}

void remote_look_result(const struct isif_privileged *gate, enum isif_look_purpose purpose,
			const struct isif_look_disk **disks, size_t *count)
{
	const struct remote_look *look = &remote_of(gate)->looks[purpose];

	*disks = look->disks;
	*count = look->disks ? look->count : 0;
}

void remote_look_end(struct isif_privileged *gate, enum isif_look_purpose purpose)
{
	free(TAKE(remote_of(gate)->looks[purpose].disks));
	message_put_number(remote_question(gate, KEEPER_LOOK_END), purpose);
	remote_ask(gate);
}
