/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef UNIT_HELPERS_H
#define UNIT_HELPERS_H

#include <isif/log.h>
#include <isif/record.h>

#include <CUnit/CUnit.h>
#include <stdbool.h>
#include <stddef.h>

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* A record as iscsiadm writes it; body is a string literal of lines. */
#define RECORD(body) "# BEGIN RECORD 2.1.8\n" body "# END RECORD\n"

/* An iface record, and the same settings in a node record. */
#define IFACE(name, settings)                                                                      \
	"iface.iscsi_ifacename = " name "\niface.transport_name = tcp\n" settings
#define IFACE_RECORD(name, settings) RECORD(IFACE(name, settings))
#define NODE_RECORD(target, address, port, tpgt, iface)                                            \
	RECORD("node.name = " target "\nnode.tpgt = " tpgt "\nnode.startup = automatic\n" iface    \
	       "node.discovery_type = static\nnode.session.auth.authmethod = CHAP\n"               \
	       "node.session.auth.password = wonderland\nnode.conn[0].address = " address          \
	       "\nnode.conn[0].port = " port "\n")

/* Parses a text that must be a record; the caller releases it. */
struct isif_record *parse_record(const char *text);

/* True if the record says so; NULL: it has no such key. Prints what it says if not. */
bool has_value(const struct isif_record *record, const char *key, const char *value);

/* A directory of the test's own: the functions are a suite's set-up and tear-down, too. */
void scratch_make(void);
void scratch_remove(void);

/* The path of something in it, formatted; sixteen of them are valid at a time. */
const char *scratch(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Each makes the directories that it needs. Names are relative to the scratch directory. */
void put_directory(const char *name);
void put_file(const char *name, const char *text);
void put_octets(const char *name, const void *octets, size_t length);
void put_link(const char *name, const char *to);
void remove_file(const char *name);
bool file_exists(const char *name);
bool file_is(const char *name, const char *text); /* of up to 2047 octets */

/*
 * The gate to a database in root; what it keeps is below it: "initiatorname", and with a state
 * directory and a lock directory in the scratch directory ("state", "lock") it can write. Its
 * iscsiadm is there, too, if a test puts one there.
 */
struct isif_privileged;
enum isif_error open_gate(const char *root, struct isif_privileged **gate);
enum isif_error open_writing_gate(const char *root, const struct isif_log *log,
				  struct isif_privileged **gate);

/* A monitor that has read everything there, with its sysfs in "sys". */
struct isif_monitor;
enum isif_error start_monitor(const char *records, const struct isif_log *log,
			      struct isif_monitor **monitor);

/* The log lines of a test. */
struct lines {
	int count;
	int errors; /* of level ISIF_LOG_ERROR */
	char all[8192];
};
struct isif_log log_into(struct lines *lines);

#endif
