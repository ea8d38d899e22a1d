/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tokens of iscsi-ifaced.conf(5). Each line of an input is one of these:
 *   TOKEN VALUE    as Net-SNMP hands it to the token's parser
 *   ? NAME         whether an iface with this name may be changed
 *   ! TEXT         a line of Net-SNMP's log, which may be about a token without a value
 *   -[DIR:DIR]     the files are read again, from these directories: back to the defaults
 *   +FILE          likewise, that file alone
 * Net-SNMP's own reader has no part in it: the parsers are caught where they are registered.
 */
#include "configuration.h"
#include "fuzz.h"
#include "logging.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HANDLERS = 32, NAME_LENGTH = 12 };

struct config_line;
typedef void parser(const char *token, char *line);

/* The linker gives these names. */
struct config_line *__wrap_register_config_handler(const char *application, const char *token,
						   parser *parse, void (*release)(void),
						   const char *usage);
void __wrap_netsnmp_config_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void __wrap_free_config(void);
void __wrap_read_config_files(int when);
void __wrap_read_config_with_type(const char *file, const char *type);
const char *__wrap_get_configuration_directory(void);
char *__wrap_netsnmp_ds_get_string(int store, int which);
int __wrap_netsnmp_ds_get_boolean(int store, int which);

static struct {
	const char *token;
	parser *parse;
} handlers[HANDLERS];
static size_t handler_count;
static void (*release_all)(void);
static unsigned complaints;
static char *directories, *file; /* that are read again; one of them */
static unsigned files_read;

struct config_line *__wrap_register_config_handler(const char *application, const char *token,
						   parser *parse, void (*release)(void),
						   const char *usage)
{
	MUST(!strcmp(application, "iscsi-ifaced") && usage && handler_count < HANDLERS);
	handlers[handler_count].token = token;
	handlers[handler_count++].parse = parse;
	if (release)
		release_all = release;
	return NULL;
}

void __wrap_netsnmp_config_error(const char *format, ...)
{
	char text[1024];
	va_list arguments;

	va_start(arguments, format);
	MUST(vsnprintf(text, sizeof(text), format, arguments) > 0);
	va_end(arguments);
	complaints++;
}

void __wrap_free_config(void)
{
	release_all();
}

void __wrap_read_config_files(int when)
{
	(void)when;
	MUST(directories);
	files_read++;
}

void __wrap_read_config_with_type(const char *name, const char *type)
{
	MUST(file && !strcmp(name, file) && !strcmp(type, "iscsi-ifaced"));
	files_read++;
}

const char *__wrap_get_configuration_directory(void)
{
	return directories;
}

char *__wrap_netsnmp_ds_get_string(int store, int which)
{
	(void)store;
	(void)which;
	return file;
}

int __wrap_netsnmp_ds_get_boolean(int store, int which)
{
	(void)store;
	(void)which;
	return !directories;
}

static void log_line(void *context, enum isif_log_level level, const char *line)
{
	(void)context;
	MUST(level == ISIF_LOG_ERROR && *line);
	complaints++;
}

const struct isif_log agent_log = { .write = log_line };

/* --- what must be true of it --- */

static bool is_list(const char *list)
{
	return !list || (*list && *list != ' ' && list[strlen(list) - 1] == ' ');
}

static void check_bounds(const struct configuration *it)
{
	MUST(it->control_mode >= CONTROL_READ_ONLY && it->control_mode <= CONTROL_FULL);
	MUST(it->rebind_mode == ISIF_REBIND_RECORD_ONLY || it->rebind_mode == ISIF_REBIND_RELOGIN);
	MUST(it->job_history >= 1 && it->job_history <= 65536);
	MUST(it->event_history >= 1 && it->event_history <= 65536);
	MUST(it->session_timeout >= 1 && it->session_timeout <= 86400);
	MUST(it->iscsiadm_timeout >= 1 && it->iscsiadm_timeout <= 86400);
	MUST(it->hold_down <= 86400 && it->resync_interval <= 86400);
	MUST(is_list(it->bounds.allow) && is_list(it->bounds.deny));
}

/* A name that is denied as it stands is denied whatever else is said. */
static void check_denied(const struct configuration *it, const char *token, const char *name)
{
	if (!strcmp(token, "denyIface") && !strpbrk(name, "*?[\\"))
		MUST(!bounds_hold(&it->bounds, name));
}

static void take_token(struct configuration *it, char *line)
{
	const char *token = line, *value;
	unsigned errors = it->errors, complained = complaints;
	struct fuzz_text copy;

	strsep(&line, " ");
	value = line ? line : "";
	copy = fuzz_copy(value, strlen(value));
	for (size_t i = 0; i < handler_count; i++) {
		if (strcasecmp(handlers[i].token, token) != 0)
			continue;
		handlers[i].parse(handlers[i].token, copy.octets);
		MUST(it->errors - errors == complaints - complained);
		MUST(!strcmp(copy.octets, value));
		if (it->errors == errors)
			check_denied(it, handlers[i].token, value);
	}
	fuzz_free(&copy);
}

static void explain(struct configuration *it, const char *line)
{
	unsigned errors = it->errors;

	for (size_t size = 1; size < 1024; size = size * 3 + 1) {
		char *better = malloc(size);

		MUST(better);
		*better = '\0';
		if (configuration_explain(line, better, size))
			MUST(it->errors == ++errors && strlen(better) < size);
		free(better);
	}
	MUST(it->errors == errors && strlen(it->explained) < sizeof(it->explained));
}

/* Nothing of what was said before is left; what cannot be read is counted, and said. */
static void read_again(struct configuration *it, char **what, char *path)
{
	struct fuzz_text exact = fuzz_copy(path, strlen(path));
	unsigned complained = complaints;
	bool good;

	*what = exact.octets;
	files_read = 0;
	good = configuration_reread(it);
	MUST(files_read == 1 && good == !it->errors && it->errors == complaints - complained);
	MUST(it->control_mode == CONTROL_READ_ONLY && !it->bounds.allow && !it->bounds.deny);
	*what = NULL;
	fuzz_free(&exact);
}

static void take_line(struct configuration *it, char *line)
{
	if (*line == '?' && strlen(line) <= NAME_LENGTH)
		bounds_hold(&it->bounds, line + 1);
	else if (*line == '!')
		explain(it, line + 1);
	else if (*line == '-')
		read_again(it, &directories, line + 1);
	else if (*line == '+')
		read_again(it, &file, line + 1);
	else
		take_token(it, line);
	check_bounds(it);
}

int LLVMFuzzerTestOneInput(const uint8_t *octets, size_t length)
{
	struct fuzz_text text = fuzz_copy(octets, length);
	struct configuration *it = calloc(1, sizeof(*it));
	char *rest = text.octets, *line;

	MUST(it);
	handler_count = 0;
	configuration_register(it);
	while ((line = strsep(&rest, "\n")))
		take_line(it, line);
	release_all();
	MUST(!it->bounds.allow && !it->bounds.deny && !it->errors);
	free(it);
	fuzz_free(&text);
	return 0;
}
