/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rules.h"

#include <stdio.h>
#include <string.h>

bool rules_send(const struct rules *rules, int socket)
{
	struct message message = { 0 };
	bool sent;

	message_put_number(&message, rules->allowed);
	message_put_number(&message, rules->protect_in_use);
	message_put_text(&message, rules->master);
	message_put_text(&message, rules->bounds.allow);
	message_put_text(&message, rules->bounds.deny);
	sent = message_send(socket, &message, -1);
	message_free(&message);
	return sent;
}

static char *take_text(struct message *message)
{
	const char *text = message_text(message);
	char *copy = text ? strdup(text) : NULL;

	if (text && !copy)
		message->failed = true;
	return copy;
}

bool rules_receive(int socket, struct rules *rules)
{
	struct message message = { 0 };
	const char *master;
	bool known;

	*rules = (struct rules){ 0 };
	known = message_receive(socket, &message, NULL);
	rules->allowed = (enum keeper_allowed)message_number_to(&message, KEEPER_ALLOWS_SESSIONS);
	rules->protect_in_use = message_number_to(&message, true);
	master = message_text(&message);
	snprintf(rules->master, sizeof(rules->master), "%s", master ? master : "");
	rules->bounds.allow = take_text(&message);
	rules->bounds.deny = take_text(&message);
	known &= message_is_read(&message);
	message_free(&message);
	if (!known)
		bounds_clear(&rules->bounds);
	return known;
}
