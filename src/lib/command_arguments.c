/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The arguments of iscsiadm, made from a closed list of verbs. They come from records that anybody
 * may have written, and from targets: nothing here may read as an option, as a path, or as two
 * arguments. Always all of -T, -p and -I: what is left out matches more than one record.
 */
#include "command.h"

#include "setting_check.h"
#include "words.h"

#include <isif/address.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define IFACE_LENGTH 64 /* ISCSI_MAX_IFACE_LEN, include/iscsi_if.h, but for its NUL */

static void add(struct command_arguments *arguments, const char *text)
{
	char *copy = arguments->texts + arguments->used;

	arguments->used +=
		(size_t)snprintf(copy, sizeof(arguments->texts) - arguments->used, "%s", text) + 1;
	arguments->items[arguments->count++] = copy;
}

static bool is_target(const char *target)
{
	return target && *target != '-' && !setting_check_target(target, strlen(target));
}

/* More than what we would make: whatever name a record has, the words for it must be its own. */
static bool is_iface(const char *iface)
{
	if (!iface || !*iface || strlen(iface) > IFACE_LENGTH || *iface == '-' || *iface == '.')
		return false;
	for (const char *c = iface; *c; c++)
		if (is_control(*c) || *c == '/' || *c == ',')
			return false;
	return true;
}

static bool is_address(const char *text)
{
	struct isif_address address;

	if (!text || *text == '[')
		return false;
	isif_address_parse(text, &address);
	return address.type == ISIF_ADDRESS_DNS ? !setting_check_host(text, strlen(text))
						: address.type != ISIF_ADDRESS_UNKNOWN;
}

/* usr/iscsiadm.c:str_to_ipport takes "address:port,tpgt", IPv6 in brackets. */
static bool add_portal(const struct isif_command *command, int32_t tpgt,
		       struct command_arguments *arguments)
{
	char portal[300];
	bool brackets;
	int length;

	if (!is_address(command->address) || !command->port || tpgt < -1 || tpgt > UINT16_MAX)
		return false;
	brackets = strchr(command->address, ':');
	length = snprintf(portal, sizeof(portal), "%s%s%s:%u", brackets ? "[" : "",
			  command->address, brackets ? "]" : "", command->port);
	if (tpgt >= 0)
		snprintf(portal + length, sizeof(portal) - (size_t)length, ",%" PRId32, tpgt);
	add(arguments, "-p");
	add(arguments, portal);
	return true;
}

static bool add_login(const struct isif_command *command, struct command_arguments *arguments)
{
	if (!is_target(command->target) || !is_iface(command->iface))
		return false;
	add(arguments, "-m");
	add(arguments, "node");
	add(arguments, "-T");
	add(arguments, command->target);
	if (!add_portal(command, command->tpgt, arguments))
		return false;
	add(arguments, "-I");
	add(arguments, command->iface);
	add(arguments, "--login");
	return true;
}

static bool add_session(const struct isif_command *command, struct command_arguments *arguments,
			const char *action)
{
	char sid[16];

	/* "-r 0" is a generic error, and no session has that number. */
	if (!command->sid)
		return false;
	snprintf(sid, sizeof(sid), "%" PRIu32, command->sid);
	add(arguments, "-m");
	add(arguments, "session");
	add(arguments, "-r");
	add(arguments, sid);
	add(arguments, action);
	return true;
}

static bool add_discovery(const struct isif_command *command, struct command_arguments *arguments,
			  bool dry)
{
	if (!command->iface || (*command->iface && !is_iface(command->iface)))
		return false;
	add(arguments, "-m");
	/* discoverydb uses the CHAP settings that are stored for the portal, but stores it, too. */
	add(arguments, dry ? "discovery" : "discoverydb");
	add(arguments, "-t");
	add(arguments, "st");
	if (!add_portal(command, -1, arguments))
		return false;
	if (*command->iface) {
		add(arguments, "-I");
		add(arguments, command->iface);
	}
	add(arguments, "-o");
	add(arguments, dry ? "nonpersistent" : "new");
	if (!dry)
		add(arguments, "--discover");
	return true;
}

static bool add_verb(const struct isif_command *command, struct command_arguments *arguments)
{
	switch (command->verb) {
	case ISIF_VERB_LOGIN:
		return add_login(command, arguments);
	case ISIF_VERB_LOGOUT:
		return add_session(command, arguments, "-u");
	case ISIF_VERB_RESCAN:
		return add_session(command, arguments, "--rescan");
	case ISIF_VERB_DISCOVER:
	case ISIF_VERB_DISCOVER_DRY:
		return add_discovery(command, arguments, command->verb == ISIF_VERB_DISCOVER_DRY);
	}
	return false;
}

enum isif_error command_arguments(const struct isif_command *command,
				  struct command_arguments *arguments)
{
	*arguments = (struct command_arguments){ 0 };
	add(arguments, "iscsiadm");
	return add_verb(command, arguments) ? ISIF_OK : ISIF_INVALID;
}
