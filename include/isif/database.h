/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ISIF_DATABASE_H
#define ISIF_DATABASE_H

#include <isif/error.h>
#include <isif/log.h>
#include <isif/name.h>
#include <isif/privileged.h>
#include <isif/record.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * Finds the database that this host's open-iscsi uses: the one of /etc/iscsi and /var/lib/iscsi
 * that has records; where both have, or none, the one that the installed iscsiadm names in its
 * own program file. ISIF_AMBIGUOUS if that does not decide, ISIF_NOT_FOUND if there is none.
 * prefix goes before each path ("" on a real host).
 */
enum isif_error isif_database_find(const char *prefix, const char *iscsiadm, char *root,
				   size_t size);

enum isif_startup {
	ISIF_STARTUP_MANUAL = 1,
	ISIF_STARTUP_AUTOMATIC = 2,
	ISIF_STARTUP_ONBOOT = 3,
};

/** A node record: one portal of a target, bound to an iface. Immutable, reference-counted. */
struct isif_node {
	uint32_t references;
	int32_t tpgt; /**< -1 if the record does not know it (old single-file layout) */
	uint16_t port;
	uint8_t startup;  /**< enum isif_startup */
	bool single_file; /**< nodes/TARGET/ADDRESS,PORT is the record itself */
	struct isif_name *target;
	struct isif_name *address; /**< as written: literal or a DNS name */
	struct isif_name *iface;
	struct isif_record *copy; /**< its copy of the iface's settings, the one a login uses */
};

/**
 * Makes a node record out of its text. path ("nodes/TARGET/ADDRESS,PORT,TPGT/IFACE") gives what
 * the text does not say. copies holds the iface copies that were seen already, so that equal
 * ones are stored once; may be NULL. ISIF_INCOMPLETE, ISIF_INVALID, ISIF_NO_MEMORY.
 */
struct isif_record_pool;
enum isif_error isif_node_parse(const char *path, const char *text, size_t length,
				struct isif_names *names, struct isif_record_pool *copies,
				struct isif_node **node);
struct isif_node *isif_node_hold(struct isif_node *node);
void isif_node_release(struct isif_node *node);

/** An iface record. Immutable, reference-counted. */
struct isif_iface_record {
	uint32_t references;
	struct isif_name *name; /**< iface.iscsi_ifacename, or the file's name without one */
	struct isif_record *record;
};

/** Makes an iface record out of its text; file is its name in ifaces/. */
enum isif_error isif_iface_record_parse(const char *file, const char *text, size_t length,
					struct isif_names *names, struct isif_iface_record **iface);
struct isif_iface_record *isif_iface_record_hold(struct isif_iface_record *iface);
void isif_iface_record_release(struct isif_iface_record *iface);

/**
 * All records of a database, kept up to date. Reading happens in isif_database_work(), a slice at
 * a time; what is served meanwhile is what was there before.
 */
struct isif_database;

enum isif_error isif_database_open(struct isif_privileged *privileged, struct isif_names *names,
				   const struct isif_log *log, struct isif_database **database);
void isif_database_close(struct isif_database *database);

/** Asks for everything to be read again. */
void isif_database_resync(struct isif_database *database);

/** Takes the waiting changes of the file system. Never blocks. */
void isif_database_changes(struct isif_database *database, uint64_t now);

/**
 * Reads what is to be read until the monotonic clock (nanoseconds) passes deadline. Returns true
 * if a record came, went or changed; *more tells if there is work left now.
 */
bool isif_database_work(struct isif_database *database, uint64_t deadline, bool *more);

/**
 * True once every record was read. What isif_database_work() still has to do then is to watch the
 * directories, and to read what changed before they were watched: nobody needs to wait for it.
 */
bool isif_database_is_loaded(const struct isif_database *database);

/** When a half-written record is due to be read again (monotonic, ns), UINT64_MAX if none is. */
uint64_t isif_database_due(const struct isif_database *database);

/** What the counters of the MIB tell. */
struct isif_database_counts {
	uint32_t bad_records; /**< files that could not be read as records */
	uint32_t overflows;   /**< times that changes were lost */
	bool unwatched;	      /**< the system refused watches: only the resync sees changes there */
};
void isif_database_counts(const struct isif_database *database,
			  struct isif_database_counts *counts);

/** Hands every readable record to visit, in the order of the directories. */
void isif_database_each_iface(const struct isif_database *database,
			      void (*visit)(void *context, struct isif_iface_record *iface,
					    const char *file),
			      void *context);
void isif_database_each_node(const struct isif_database *database,
			     void (*visit)(void *context, struct isif_node *node), void *context);

#endif
