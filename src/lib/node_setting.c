/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "node_setting.h"

#include "words.h"

#include <limits.h>
#include <string.h>

#define OWN(text)	    .type = NODE_SETTING_OWN, .initial = (text)
#define TEXT		    .type = NODE_SETTING_TEXT, .initial = ""
#define NUMBER(text)	    .type = NODE_SETTING_NUMBER, .initial = (text)
#define CHOICE(text, words) .type = NODE_SETTING_CHOICE, .initial = (text), .choices = (words)
#define SWITCH(text)	    CHOICE(text, "No Yes")
#define STARTUP		    CHOICE("manual", "manual automatic onboot")
#define DIGEST		    CHOICE("None", "None CRC32C CRC32C,None None,CRC32C")
#define LIST(text, words)   .type = NODE_SETTING_LIST, .initial = (text), .choices = (words)

/*
 * usr/idbm.c:idbm_recinfo_node without the iface's block, and idbm_node_setup_defaults. Keys of
 * newer versions are left out: an older libopeniscsiusr refuses the whole database for one.
 */
/* clang-format off */
static const struct node_setting settings[] = {
	{ "node.name", OWN("") },
	{ "node.tpgt", OWN("") },
	{ "node.startup", STARTUP },
	{ "node.leading_login", SWITCH("No") },
	{ "node.discovery_address", OWN("") },
	{ "node.discovery_port", OWN("0") },
	{ "node.discovery_type", OWN("static") },
	{ "node.session.initial_cmdsn", NUMBER("0") },
	{ "node.session.initial_login_retry_max", NUMBER("4") },
	{ "node.session.xmit_thread_priority", NUMBER("-20") },
	{ "node.session.cmds_max", NUMBER("128") },
	{ "node.session.queue_depth", NUMBER("32") },
	{ "node.session.nr_sessions", NUMBER("1") },
	{ "node.session.auth.authmethod", CHOICE("None", "None CHAP") },
	{ "node.session.auth.username", TEXT },
	{ "node.session.auth.password", TEXT },
	{ "node.session.auth.username_in", TEXT },
	{ "node.session.auth.password_in", TEXT },
	{ "node.session.auth.chap_algs", LIST("MD5", "MD5 SHA1 SHA256 SHA3-256") },
	{ "node.session.timeo.replacement_timeout", NUMBER("120") },
	{ "node.session.err_timeo.abort_timeout", NUMBER("15") },
	{ "node.session.err_timeo.lu_reset_timeout", NUMBER("30") },
	{ "node.session.err_timeo.tgt_reset_timeout", NUMBER("30") },
	{ "node.session.err_timeo.host_reset_timeout", NUMBER("60") },
	{ "node.session.iscsi.FastAbort", SWITCH("Yes") },
	{ "node.session.iscsi.InitialR2T", SWITCH("No") },
	{ "node.session.iscsi.ImmediateData", SWITCH("Yes") },
	{ "node.session.iscsi.FirstBurstLength", NUMBER("262144") },
	{ "node.session.iscsi.MaxBurstLength", NUMBER("16776192") },
	{ "node.session.iscsi.DefaultTime2Retain", NUMBER("0") },
	{ "node.session.iscsi.DefaultTime2Wait", NUMBER("2") },
	{ "node.session.iscsi.MaxConnections", NUMBER("1") },
	{ "node.session.iscsi.MaxOutstandingR2T", NUMBER("1") },
	{ "node.session.iscsi.ERL", NUMBER("0") },
	{ "node.session.scan", CHOICE("auto", "manual auto") },
	{ "node.session.reopen_max", NUMBER("0") },
	{ "node.conn[0].address", OWN("") },
	{ "node.conn[0].port", OWN("") },
	{ "node.conn[0].startup", STARTUP },
	{ "node.conn[0].tcp.window_size", NUMBER("524288") },
	{ "node.conn[0].tcp.type_of_service", NUMBER("0") },
	{ "node.conn[0].timeo.logout_timeout", NUMBER("15") },
	{ "node.conn[0].timeo.login_timeout", NUMBER("30") },
	{ "node.conn[0].timeo.auth_timeout", NUMBER("45") },
	{ "node.conn[0].timeo.noop_out_interval", NUMBER("5") },
	{ "node.conn[0].timeo.noop_out_timeout", NUMBER("5") },
	{ "node.conn[0].iscsi.MaxXmitDataSegmentLength", NUMBER("0") },
	{ "node.conn[0].iscsi.MaxRecvDataSegmentLength", NUMBER("262144") },
	{ "node.conn[0].iscsi.HeaderDigest", DIGEST },
	{ "node.conn[0].iscsi.DataDigest", DIGEST },
	{ "node.conn[0].iscsi.IFMarker", SWITCH("No") },
	{ "node.conn[0].iscsi.OFMarker", SWITCH("No") },
};
/* clang-format on */

const struct node_setting *node_settings(size_t *count)
{
	*count = sizeof(settings) / sizeof(*settings);
	return settings;
}

const struct node_setting *node_setting_find(const char *key, size_t length)
{
	for (size_t i = 0; i < sizeof(settings) / sizeof(*settings); i++)
		if (!strncmp(settings[i].key, key, length) && !settings[i].key[length])
			return &settings[i];
	return NULL;
}

/* strtoul(3) would make something of every text: only what is a number is taken here. */
static bool is_number(const char *value, size_t length)
{
	bool negative = length && *value == '-';
	long long number = 0;

	if (length == negative || length > 10)
		return false;
	for (size_t i = negative; i < length; i++) {
		if (value[i] < '0' || value[i] > '9')
			return false;
		number = number * 10 + (value[i] - '0');
	}
	return number <= INT_MAX;
}

static bool is_list(const char *choices, const char *value, size_t length)
{
	const char *end = value + length, *comma;

	for (; (comma = memchr(value, ',', (size_t)(end - value))); value = comma + 1)
		if (!words_have(choices, value, (size_t)(comma - value)))
			return false;
	return words_have(choices, value, (size_t)(end - value));
}

bool node_setting_accepts(const struct node_setting *setting, const char *value, size_t length)
{
	switch (setting->type) {
	case NODE_SETTING_TEXT:
		return true;
	case NODE_SETTING_NUMBER:
		return is_number(value, length);
	case NODE_SETTING_CHOICE:
		return words_have(setting->choices, value, length);
	case NODE_SETTING_LIST:
		return is_list(setting->choices, value, length);
	case NODE_SETTING_OWN:
	default:
		return false;
	}
}
