/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ISIF_RECORD_H
#define ISIF_RECORD_H

#include <isif/error.h>
#include <isif/log.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** open-iscsi's bounds (usr/idbm.c): longer keys and values overflow its parser. */
#define ISIF_KEY_SIZE	 128   /**< octets of a key, with the NUL */
#define ISIF_VALUE_SIZE	 256   /**< octets of a value, with the NUL */
#define ISIF_LINE_SIZE	 2048  /**< octets that open-iscsi reads at once, with the NUL */
#define ISIF_RECORD_SIZE 65535 /**< octets of a record that we are willing to read */

/** One setting of a record, in the order of its text. */
struct isif_record_line {
	const char *key;   /**< NUL-terminated, e.g. "iface.mtu" */
	const char *value; /**< NUL-terminated, never empty */
};

/**
 * A parsed record: immutable, reference-counted. It holds every setting that open-iscsi would
 * take from the text, unknown ones included, and no secret (isif_record_is_secret).
 */
struct isif_record {
	uint32_t references;
	uint32_t hash;	  /**< of the settings' text: equal records have equal hashes */
	uint32_t ignored; /**< lines that open-iscsi would refuse */
	uint32_t count;
	struct isif_record_line lines[];
};

/**
 * Finds whether a text ends with its "# END RECORD" line. Without it, somebody is writing the
 * record (iscsiadm truncates in place), and it must be read again, never believed.
 */
bool isif_record_is_complete(const char *text, size_t length);

/** True for settings that may be shown to nobody: CHAP names and passwords. */
bool isif_record_is_secret(const char *key, size_t length);

/**
 * Overwrites the line of each secret setting with '#', in place, before anybody parses or copies
 * the text.
 */
void isif_record_drop_secrets(char *text, size_t length);

/**
 * Parses a text by open-iscsi's rules (usr/idbm.c, idbm_recinfo_config): "key = value" lines, a
 * blank before the '='; CRLF accepted; a last line without newline is lost; a line over 2,047
 * octets is cut there and goes on as the next line. Only keys that begin with prefix are kept
 * ("" for all). ISIF_NO_MEMORY, or ISIF_TOO_LONG for a text over ISIF_RECORD_SIZE.
 */
enum isif_error isif_record_parse(const char *text, size_t length, const char *prefix,
				  struct isif_record **record);

/** The value of a key (the last line wins, as in open-iscsi), NULL if the record has none. */
const char *isif_record_value(const struct isif_record *record, const char *key);

/** True if both give every setting the same value, whatever the order of their lines. */
bool isif_record_same_settings(const struct isif_record *a, const struct isif_record *b);

struct isif_record *isif_record_hold(struct isif_record *record);
void isif_record_release(struct isif_record *record);

#endif
