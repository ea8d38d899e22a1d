/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "configuration.h"

#include "config.h"
#include "logging.h"

#include <net-snmp/net-snmp-config.h>

#include <net-snmp/net-snmp-includes.h>

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define APPLICATION "iscsi-ifaced"

/*
 * Net-SNMP hands a token's parser nothing but the line: the one place where the parsers must find
 * their configuration by themselves.
 */
static struct configuration *current;

static const struct configuration defaults = {
	.control_mode = CONTROL_READ_ONLY,
	.rebind_mode = ISIF_REBIND_RECORD_ONLY,
	.job_history = 128,
	.event_history = 512,
	.hold_down = 0,
	.session_timeout = 180,
	.resync_interval = 300,
	.iscsiadm_timeout = 120,
	.protect_in_use = true,
};

#define CONTROL_MODES "readOnly, records or full"
#define REBIND_MODES  "recordOnly or relogin"
#define YES_OR_NO     "yes or no"
#define IFACE_PATTERN "one pattern for names of ifaces, such as san*"

static void refuse(const char *token, const char *line, const char *expected)
{
	current->errors++;
	netsnmp_config_error("%s: expected %s, found \"%s\"", token, expected, line);
}

static void parse_control_mode(const char *token, char *line)
{
	if (!strcmp(line, "readOnly"))
		current->control_mode = CONTROL_READ_ONLY;
	else if (!strcmp(line, "records"))
		current->control_mode = CONTROL_RECORDS;
	else if (!strcmp(line, "full"))
		current->control_mode = CONTROL_FULL;
	else
		refuse(token, line, CONTROL_MODES);
}

static void parse_rebind_mode(const char *token, char *line)
{
	if (!strcmp(line, "recordOnly"))
		current->rebind_mode = ISIF_REBIND_RECORD_ONLY;
	else if (!strcmp(line, "relogin"))
		current->rebind_mode = ISIF_REBIND_RELOGIN;
	else
		refuse(token, line, REBIND_MODES);
}

static void parse_yes_or_no(const char *token, char *line)
{
	bool *value = strcasecmp(token, "agentxNetwork") != 0 ? &current->protect_in_use
							      : &current->agentx_network;

	if (!strcmp(line, "yes"))
		*value = true;
	else if (!strcmp(line, "no"))
		*value = false;
	else
		refuse(token, line, YES_OR_NO);
}

static void parse_pattern(const char *token, char *line)
{
	char **list =
		!strcasecmp(token, "allowIface") ? &current->bounds.allow : &current->bounds.deny;
	char *longer;

	if (!*line || strpbrk(line, " \t/") || strlen(line) >= BOUNDS_PATTERN ||
	    asprintf(&longer, "%s%s ", *list ? *list : "", line) < 0) {
		refuse(token, line, IFACE_PATTERN);
		return;
	}
	free(*list);
	*list = longer;
}

/* The tokens that are numbers, with their bounds. */
static const struct number {
	const char *token;
	size_t offset;
	uint32_t minimum, maximum;
	const char *unit;
} numbers[] = {
	{ "jobHistory", offsetof(struct configuration, job_history), 1, 65536, "jobs" },
	{ "eventHistory", offsetof(struct configuration, event_history), 1, 65536, "events" },
	{ "holdDown", offsetof(struct configuration, hold_down), 0, 86400, "seconds" },
	{ "sessionTimeout", offsetof(struct configuration, session_timeout), 1, 86400, "seconds" },
	{ "resyncInterval", offsetof(struct configuration, resync_interval), 0, 86400, "seconds" },
	{ "iscsiadmTimeout", offsetof(struct configuration, iscsiadm_timeout), 1, 86400,
	  "seconds" },
};

/* Net-SNMP matches tokens whatever their case. */
static const struct number *find_number(const char *token)
{
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		if (!strcasecmp(numbers[i].token, token))
			return &numbers[i];
	return NULL;
}

static void number_expected(const struct number *number, char *text, size_t size)
{
	snprintf(text, size, "a number of %s from %u to %u", number->unit, number->minimum,
		 number->maximum);
}

static void parse_number(const char *token, char *line)
{
	const struct number *number = find_number(token);
	unsigned long value;
	char *end, expected[80];

	if (!number)
		return;
	errno = 0;
	value = strtoul(line, &end, 10);
	if (*line >= '0' && *line <= '9' && !*end && !errno && value >= number->minimum &&
	    value <= number->maximum) {
		*(uint32_t *)(void *)((char *)current + number->offset) = (uint32_t)value;
		return;
	}
	number_expected(number, expected, sizeof(expected));
	refuse(token, line, expected);
}

static bool expected_after(const char *token, char *text, size_t size)
{
	static const struct {
		const char *token, *expected;
	} words[] = {
		{ "controlMode", CONTROL_MODES }, { "rebindMode", REBIND_MODES },
		{ "protectInUse", YES_OR_NO },	  { "allowIface", IFACE_PATTERN },
		{ "denyIface", IFACE_PATTERN },	  { "agentxNetwork", YES_OR_NO },
	};
	const struct number *number = find_number(token);

	if (number) {
		number_expected(number, text, size);
		return true;
	}
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (strcasecmp(words[i].token, token))
			continue;
		snprintf(text, size, "%s", words[i].expected);
		return true;
	}
	return false;
}

bool configuration_explain(const char *line, char *better, size_t size)
{
	static const char blank[] = "Blank line following ";
	const char *at = strstr(line, blank);
	char token[64], expected[80];

	if (!at || !current || sscanf(at + strlen(blank), "%63s", token) != 1 ||
	    !expected_after(token, expected, sizeof(expected)))
		return false;
	current->errors++;
	snprintf(better, size, "%.*s%s: expected %s, found nothing\n", (int)(at - line), line,
		 token, expected);
	if (!strcmp(better, current->explained))
		*better = '\0';
	else
		snprintf(current->explained, sizeof(current->explained), "%s", better);
	return true;
}

static void back_to_defaults(void)
{
	configuration_clear(current);
	*current = defaults;
}

void configuration_register(struct configuration *configuration)
{
	current = configuration;
	*current = defaults;
	register_config_handler(APPLICATION, "controlMode", parse_control_mode, back_to_defaults,
				"readOnly|records|full");
	register_config_handler(APPLICATION, "rebindMode", parse_rebind_mode, NULL,
				"recordOnly|relogin");
	register_config_handler(APPLICATION, "allowIface", parse_pattern, NULL, "PATTERN");
	register_config_handler(APPLICATION, "denyIface", parse_pattern, NULL, "PATTERN");
	register_config_handler(APPLICATION, "protectInUse", parse_yes_or_no, NULL, "yes|no");
	register_config_handler(APPLICATION, "agentxNetwork", parse_yes_or_no, NULL, "yes|no");
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		register_config_handler(APPLICATION, numbers[i].token, parse_number, NULL,
					numbers[i].unit);
}

/* Net-SNMP passes over a file that it cannot read, and with it over what that forbids. */
static void check_readable(struct configuration *configuration, const char *path)
{
	if (!access(path, R_OK) || errno == ENOENT || errno == ENOTDIR)
		return;
	configuration->errors++;
	LOG(ERROR,
	    "cannot read the configuration %s again: %s; have the user of the unprivileged "
	    "process read it, or restart",
	    path, strerror(errno));
}

/* Where read_config_files() looks: "DIR:DIR". */
static void check_directories(struct configuration *configuration, const char *directories)
{
	static const char *const names[] = { APPLICATION ".conf", APPLICATION ".local.conf" };

	while (*directories) {
		int length = (int)strcspn(directories, ":");
		char path[PATH_MAX];

		for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
			snprintf(path, sizeof(path), "%.*s/%s", length, directories, names[i]);
			check_readable(configuration, path);
		}
		directories += length + (directories[length] == ':');
	}
}

bool configuration_reread(struct configuration *configuration)
{
	const char *file =
		netsnmp_ds_get_string(NETSNMP_DS_LIBRARY_ID, NETSNMP_DS_LIB_OPTIONALCONFIG);
	bool defaults_count =
		!netsnmp_ds_get_boolean(NETSNMP_DS_LIBRARY_ID, NETSNMP_DS_LIB_DONT_READ_CONFIGS);

	/*
	 * Not read_configs(): its POST_READ_CONFIG callback would open another AgentX session
	 * (agentx/subagent.c:subagent_startup).
	 */
	free_config();
	if (defaults_count) {
		read_config_files(NORMAL_CONFIG);
		check_directories(configuration, get_configuration_directory());
	}
	if (file) {
		read_config_with_type(file, APPLICATION);
		check_readable(configuration, file);
	}
	return !configuration->errors;
}

void configuration_clear(struct configuration *configuration)
{
	bounds_clear(&configuration->bounds);
}
