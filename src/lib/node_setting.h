/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ISIF_LIB_NODE_SETTING_H
#define ISIF_LIB_NODE_SETTING_H

#include <stdbool.h>
#include <stddef.h>

/* How a value in iscsid.conf is read; usr/idbm.c:idbm_rec_update_param ignores what does not fit.
 */
enum node_setting_type {
	NODE_SETTING_OWN, /* of the record itself: never taken from iscsid.conf */
	NODE_SETTING_TEXT,
	NODE_SETTING_NUMBER,
	NODE_SETTING_CHOICE, /* one of the words in choices */
	NODE_SETTING_LIST,   /* some of them, with commas between them */
};

/* One node.* setting of a node record. */
struct node_setting {
	const char *key;
	enum node_setting_type type;
	const char *initial; /* what open-iscsi was compiled with; "": no line */
	const char *choices; /* words separated by blanks */
};

/* Those of open-iscsi 2.1.8, in the order of its records; *count gets their number. */
const struct node_setting *node_settings(size_t *count);

/* So many of them stand before the block of the iface. */
#define NODE_SETTINGS_BEFORE_IFACE 4

/* NULL if there is none with this key. */
const struct node_setting *node_setting_find(const char *key, size_t length);

/* True if open-iscsi would take this value for the setting out of iscsid.conf. */
bool node_setting_accepts(const struct node_setting *setting, const char *value, size_t length);

#endif
