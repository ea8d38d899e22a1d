/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ISIF_DATABASE_H
#define ISIF_DATABASE_H

#include <isif/error.h>
#include <isif/log.h>
#include <isif/name.h>
#include <isif/record.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** How a directory is read. A set of these bits. */
enum isif_read_flags {
	ISIF_READ_WATCH = 1,   /**< have changes in it reported by next_change() */
	ISIF_READ_RECORDS = 2, /**< read its records; else only its directories are told */
	ISIF_READ_NEWER = 4,   /**< not those that did not change since the time that is given */
};

/** One directory to be read, and what became of it. */
struct isif_directory_reading {
	const char *path; /**< relative to the database's root; "." is the root */
	unsigned flags;
	int watch; /**< gets its number, or -1 where the system refuses one more watch (then the
			answer is still complete) */
	enum isif_error error;
	int64_t since; /**< of ISIF_READ_NEWER: CLOCK_REALTIME, nanoseconds */
	void *context; /**< the caller's own */
};

/** What read_directories() hands over: of each directory its entries, in no order, then its end. */
struct isif_directory_visitor {
	/** A record, without its secrets; text is NULL and error says why if it has none. */
	void (*record)(struct isif_directory_reading *reading, const char *name, const char *text,
		       size_t length, enum isif_error error);
	/** A directory below this one. */
	void (*directory)(struct isif_directory_reading *reading, const char *name);
	/** Nothing more of this directory follows. */
	void (*end)(struct isif_directory_reading *reading);
	/** A record that did not change (its ctime); only with ISIF_READ_NEWER. */
	void (*unchanged)(struct isif_directory_reading *reading, const char *name);
};

/** A change that the file system reported. */
struct isif_change {
	int watch;	  /**< of the directory, as read_directories() gave it */
	bool directory;	  /**< the entry is a directory */
	bool gone;	  /**< it is no more (else: it is new or was written) */
	bool watch_ended; /**< the directory itself is gone; name is empty */
	bool overflow;	  /**< changes were lost: read everything again */
	char name[256];	  /**< of the entry in its directory */
};

/**
 * The narrow gate to what only root may do. The process that parses what comes from outside works
 * through this table alone; the other side, which checks every argument again, is this process or
 * another one. Paths are relative to the database's root and never hold "..".
 */
struct isif_privileged {
	const struct isif_privileged_operations *operations;
};

struct isif_privileged_operations {
	/**
	 * Lists directories and reads their records: many in one call, because this is what a
	 * start spends its time with. The visitor is called from within, in the caller's thread.
	 */
	void (*read_directories)(struct isif_privileged *self,
				 struct isif_directory_reading *readings, size_t count,
				 const struct isif_directory_visitor *visitor);
	/** Reads one record, without its secrets; the text is valid until the next call. */
	enum isif_error (*read_record)(struct isif_privileged *self, const char *path,
				       const char **text, size_t *length);
	/** Reads the "InitiatorName=" line of the initiatorname file; ISIF_NOT_FOUND if none. */
	enum isif_error (*read_initiatorname)(struct isif_privileged *self, char *buffer,
					      size_t size);
	/** The descriptor to wait on for changes, -1 if there can be none. */
	int (*change_descriptor)(const struct isif_privileged *self);
	/** The next change that is waiting; false if there is none. Never blocks. */
	bool (*next_change)(struct isif_privileged *self, struct isif_change *change);
	void (*close)(struct isif_privileged *self);
};

/** The gate that works in this very process. root is the database's directory. */
enum isif_error isif_privileged_open(const char *root, const char *initiatorname_file,
				     struct isif_privileged **privileged);
void isif_privileged_close(struct isif_privileged *privileged);

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
