/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What iscsiadm writes, and what it is given. An input has up to two parts: its output, and lines
 * that are the target, address, iface, port, portal group and session of a command.
 */
#include "fuzz.h"

#include "command.h"
#include "discovery_output.h"
#include "setting_check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SHOWN = 64, SAID = 1024, ITEMS = 20 };

static bool is_printable(const char *text)
{
	for (; *text; text++)
		if (*text < ' ' || *text > '~')
			return false;
	return true;
}

/* --- portals --- */

/* What it would have been, written by us, reads the same. */
static void check_again(const struct discovery_line *line)
{
	char text[sizeof(line->address) + sizeof(line->target) + 32];
	struct discovery_line again;
	const char *at = text;
	size_t length =
		isif_portal_format(text, sizeof(text), line->address, line->port, line->tpgt);

	length += (size_t)snprintf(text + length, sizeof(text) - length, " %s", line->target);
	MUST(discovery_line_next(&at, text + length, &again));
	MUST(again.kind == DISCOVERY_LINE_PORTAL && at == text + length);
	MUST(!strcmp(again.target, line->target) && !strcmp(again.address, line->address));
	MUST(again.port == line->port && again.tpgt == line->tpgt);
}

static void check_portal(const struct discovery_line *line)
{
	MUST(!setting_check_target(line->target, strlen(line->target)));
	MUST(*line->address && !strpbrk(line->address, "[]/, "));
	MUST(line->port && line->tpgt >= -1 && line->tpgt <= UINT16_MAX);
	check_again(line);
}

static void check_line(const struct discovery_line *line)
{
	for (size_t size = 1; size <= SHOWN; size = size * 2 + 1) {
		char *shown = malloc(size);

		MUST(shown);
		discovery_line_show(line, shown, size);
		MUST(strlen(shown) < size && is_printable(shown));
		free(shown);
	}
	if (line->kind == DISCOVERY_LINE_PORTAL)
		check_portal(line);
}

/* Its lines are all there, one after the other. */
static void check_discovery(const char *octets, size_t length)
{
	const char *at = octets, *end = octets + length, *from = at;
	struct discovery_line line;

	for (; discovery_line_next(&at, end, &line); from = at) {
		MUST(line.text == from && !memchr(line.text, '\n', line.length));
		MUST(at == from + line.length + (at < end || end[-1] == '\n'));
		check_line(&line);
	}
	MUST(from == end);
}

/* --- messages --- */

static void check_said(const char *octets, size_t length)
{
	const struct isif_command_outcome outcome = { .output = octets, .length = length };

	for (size_t size = 1; size <= SAID; size = size * 3 + 1) {
		char *text = malloc(size);

		MUST(text);
		command_said(&outcome, text, size);
		MUST(strlen(text) < size && is_printable(text));
		MUST(!strcasestr(text, "password") && !strcasestr(text, "username"));
		free(text);
	}
}

/* --- a command --- */

static bool is_option(const char *text)
{
	static const char *const options[] = { "-m", "-T", "-p",	 "-I",
					       "-r", "-u", "--login",	 "--logout",
					       "-t", "-o", "--discover", "--rescan" };

	for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++)
		if (!strcmp(options[i], text))
			return true;
	return false;
}

/* Each is one argument, and none of the texts that it was made of is an option. */
static void check_arguments(const struct isif_command *command)
{
	struct command_arguments *arguments = malloc(sizeof(*arguments));

	MUST(arguments);
	if (command_arguments(command, arguments) == ISIF_OK) {
		MUST(arguments->count < ITEMS && !arguments->items[arguments->count]);
		MUST(arguments->used <= sizeof(arguments->texts));
		for (size_t i = 0; i < arguments->count; i++) {
			const char *item = arguments->items[i];

			MUST(item >= arguments->texts && *item);
			MUST(item + strlen(item) < arguments->texts + sizeof(arguments->texts));
			MUST(*item != '-' || is_option(item));
			MUST(!strpbrk(item, "\n/"));
		}
	}
	free(arguments);
}

static const char *next(char **rest)
{
	const char *line = strsep(rest, "\n");

	return line ? line : "";
}

static void check_command(const struct fuzz_text *text)
{
	char *rest = text->octets;
	struct isif_command command = { .target = next(&rest),
					.address = next(&rest),
					.iface = next(&rest) };

	command.port = (uint16_t)strtoul(next(&rest), NULL, 10);
	command.tpgt = (int32_t)strtol(next(&rest), NULL, 10);
	command.sid = (uint32_t)strtoul(next(&rest), NULL, 10);
	for (command.verb = ISIF_VERB_LOGIN; command.verb <= ISIF_VERB_DISCOVER_DRY; command.verb++)
		check_arguments(&command);
	MUST(*command_code_text((int)command.sid));
}

int LLVMFuzzerTestOneInput(const uint8_t *octets, size_t length)
{
	struct fuzz_input input = { (const char *)octets, (const char *)octets + length };
	struct fuzz_text said = fuzz_take_part(&input), command = fuzz_take_part(&input);
	char *exact = fuzz_exact(said.octets, said.length);

	check_discovery(exact, said.length);
	check_said(exact, said.length);
	check_command(&command);
	free(exact);
	fuzz_free(&said);
	fuzz_free(&command);
	return 0;
}
