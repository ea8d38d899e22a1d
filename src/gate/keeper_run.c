/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What takes a while and is begun, worked on and ended: iscsiadm, adapters, looks at disks. */
#include "keeper.h"

#include "../lib/cleanup.h"

#include <limits.h>
#include <stdlib.h>

/* --- iscsiadm, and adapters --- */

static enum isif_error put_run(struct keeper *keeper, enum isif_error error, unsigned number)
{
	if (error)
		return error;
	message_put_number(&keeper->answer, number);
	keeper->descriptor = keeper->gate->operations->command_descriptor(keeper->gate, number);
	return ISIF_OK;
}

/* By their names: what is new must be thought about here. */
static bool verb_is_allowed(const struct keeper *keeper, enum isif_verb verb)
{
	return keeper->allowed >= KEEPER_ALLOWS_SESSIONS || verb == ISIF_VERB_DISCOVER ||
	       verb == ISIF_VERB_DISCOVER_DRY;
}

enum isif_error keeper_command_begin(struct keeper *keeper)
{
	struct isif_command command;
	unsigned number = 0;
	enum isif_error error;

	protocol_command(&keeper->request, &command);
	if (!message_is_read(&keeper->request))
		return ISIF_INVALID;
	keeper->object = command.target ? command.target : command.address;
	if (!verb_is_allowed(keeper, command.verb) || !keeper_command_is_within(keeper, &command))
		return ISIF_INVALID;
	command.force &= !keeper->protect_in_use;
	error = keeper->gate->operations->command_begin(keeper->gate, &command, &number);
	return put_run(keeper, error, number);
}

enum isif_error keeper_port_begin(struct keeper *keeper)
{
	struct isif_port_request request = { 0 };
	struct isif_port_parameter *CLEANUP_FREE parameters =
		protocol_port(&keeper->request, &request);
	unsigned number = 0;
	enum isif_error error;

	if (!parameters)
		return ISIF_INVALID;
	keeper->object = request.transport;
	if ((keeper->allowed < KEEPER_ALLOWS_SESSIONS && request.verb != ISIF_PORT_PING) ||
	    !keeper_port_is_within(keeper, &request))
		return ISIF_INVALID;
	request.force &= !keeper->protect_in_use;
	error = keeper->gate->operations->port_begin(keeper->gate, &request, &number);
	if (error == ISIF_LOCKED)
		keeper->descriptor = keeper->gate->operations->port_descriptor(keeper->gate);
	return put_run(keeper, error, number);
}

enum isif_error keeper_command_work(struct keeper *keeper)
{
	unsigned number = (unsigned)message_number_to(&keeper->request, UINT_MAX);
	struct isif_command_outcome outcome;
	enum isif_error error;

	if (!message_is_read(&keeper->request))
		return ISIF_INVALID;
	error = keeper->gate->operations->command_work(keeper->gate, number, &outcome);
	if (!error)
		protocol_put_outcome(&keeper->answer, &outcome);
	return error;
}

enum isif_error keeper_command_end(struct keeper *keeper)
{
	unsigned number = (unsigned)message_number_to(&keeper->request, UINT_MAX);

	if (!message_is_read(&keeper->request))
		return ISIF_INVALID;
	keeper->gate->operations->command_end(keeper->gate, number);
	return ISIF_OK;
}

/* --- looks --- */

static enum isif_look_purpose purpose_of(struct keeper *keeper)
{
	return (enum isif_look_purpose)message_number_to(&keeper->request, ISIF_LOOK_PURPOSES - 1);
}

enum isif_error keeper_look_begin(struct keeper *keeper)
{
	enum isif_look_purpose purpose = purpose_of(keeper);
	size_t count = message_number_to(&keeper->request, KEEPER_SIDS);
	uint32_t *CLEANUP_FREE sids = calloc(count + 1, sizeof(*sids));

	if (!sids)
		return ISIF_NO_MEMORY;
	for (size_t i = 0; i < count && !keeper->request.failed; i++)
		sids[i] = (uint32_t)message_number_to(&keeper->request, UINT32_MAX);
	if (!message_is_read(&keeper->request))
		return ISIF_INVALID;
	return keeper->gate->operations->look_begin(keeper->gate, purpose, sids, count);
}

enum isif_error keeper_look_work(struct keeper *keeper)
{
	const struct isif_privileged_operations *operations = keeper->gate->operations;
	enum isif_look_purpose purpose = purpose_of(keeper);
	uint64_t deadline = keeper_deadline(keeper);
	const struct isif_look_disk *disks;
	unsigned pause = 0;
	size_t count;
	enum isif_error error;

	if (!message_is_read(&keeper->request))
		return ISIF_INVALID;
	error = operations->look_work(keeper->gate, purpose, deadline, &pause);
	message_put_number(&keeper->answer, pause);
	if (error)
		return error;
	operations->look_result(keeper->gate, purpose, &disks, &count);
	protocol_put_disks(&keeper->answer, disks, count);
	return ISIF_OK;
}

enum isif_error keeper_look_end(struct keeper *keeper)
{
	enum isif_look_purpose purpose = purpose_of(keeper);

	if (!message_is_read(&keeper->request))
		return ISIF_INVALID;
	keeper->gate->operations->look_end(keeper->gate, purpose);
	return ISIF_OK;
}
