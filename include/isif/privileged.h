/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ISIF_PRIVILEGED_H
#define ISIF_PRIVILEGED_H

#include <isif/error.h>
#include <isif/kernel.h>
#include <isif/log.h>
#include <isif/setting.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** How a directory is read. A set of these bits. */
enum isif_read_flags {
	ISIF_READ_WATCH = 1, /**< have changes in it reported by next_change() */
	/** Read its records; else only its directories are told. Of "ifaces", "nodes/TARGET" and
	    "nodes/TARGET/PORTAL" alone. */
	ISIF_READ_RECORDS = 2,
	ISIF_READ_NEWER = 4, /**< not those that did not change since the time that is given */
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

/** A line of a record that shall be another one. */
struct isif_edit_line {
	const char *key; /**< "iface." and a setting, or one of the node.* keys below */
	const char *old; /**< what it must say now, else ISIF_CHANGED; "" for no line; NULL: any */
	const char *fresh; /**< what it shall say; "": no line */
};

enum isif_edit_kind {
	/** Changes lines of an iface or a node record. */
	ISIF_EDIT_LINES,
	/** Makes an iface record that does not exist, as iscsiadm does, with these lines. */
	ISIF_EDIT_NEW_IFACE,
	/**
	 * Makes a node record that does not exist, and its link in static/. Its lines are
	 * node.name, node.tpgt, node.conn[0].address, node.conn[0].port, node.startup and all of
	 * the iface; everything else comes from the record other, or with NULL from iscsid.conf.
	 */
	ISIF_EDIT_NEW_NODE,
	/**
	 * Makes a node record the one of another iface: to the path other, its link, too. other is
	 * in the same portal's directory; of an old record, which has none, it is the path itself.
	 */
	ISIF_EDIT_MOVE_NODE,
	/** The same, but the old record and its link stay; an old one has no room for two ifaces.
	 */
	ISIF_EDIT_COPY_NODE,
	/** Removes an iface or node record; with a node record its links and empty directories. */
	ISIF_EDIT_REMOVE,
};

/**
 * A change of one record file. The paths are "ifaces/NAME", "nodes/TARGET/ADDRESS,PORT,TPGT/IFACE"
 * or, where such an old record exists, "nodes/TARGET/ADDRESS,PORT". Lines may name iface.* keys
 * and those that ISIF_EDIT_NEW_NODE lists, never a secret.
 */
struct isif_edit {
	enum isif_edit_kind kind;
	const char *path;
	const char *other; /**< of ISIF_EDIT_NEW_NODE, _MOVE_NODE and _COPY_NODE */
	const struct isif_edit_line *lines;
	size_t line_count;
	enum isif_error error; /**< in a batch: its outcome */
};

#define ISIF_BATCH_SIZE 256 /**< edits in one batch */

/** Changes that were read from an inotify and not yet looked at; all zero to begin with. */
struct isif_changes {
	size_t at, end;
	_Alignas(8) char octets[16384];
};

/** The next one that is waiting, from the descriptor of a gate's changes; never blocks. */
bool isif_changes_next(struct isif_changes *changes, int descriptor, struct isif_change *change);

/** What iscsiadm can be asked to do: the gate makes its arguments itself, and uses no shell. */
enum isif_verb {
	ISIF_VERB_LOGIN,	/**< of the one node record that target, portal and iface name */
	ISIF_VERB_LOGOUT,	/**< of the kernel session sid */
	ISIF_VERB_RESCAN,	/**< likewise: looks for disks that came after the login */
	ISIF_VERB_DISCOVER,	/**< SendTargets at address:port over iface ("": open-iscsi's own
				   choice); adds records (-o new), changes none */
	ISIF_VERB_DISCOVER_DRY, /**< the same, and nothing is stored */
};

struct isif_command {
	enum isif_verb verb;
	const char *target, *address, *iface;
	uint16_t port;
	int32_t tpgt; /**< -1: not named */
	uint32_t sid;
	uint32_t timeout; /**< milliseconds; then it is killed */
	bool force;	  /**< of ISIF_VERB_LOGOUT: take a disk that is in use from its users */
};

/** What became of it. */
struct isif_command_outcome {
	int code;	    /**< exit code, which proves nothing; -1 if it was killed */
	bool timed_out;	    /**< killed by us */
	bool cut;	    /**< it said more than is kept */
	const char *output; /**< what it wrote to both its outputs, NUL-terminated; borrowed */
	size_t length;
};

/** One parameter on its way to an offload port (enum iscsi_net_param, enum iscsi_iface_param). */
struct isif_port_parameter {
	enum isif_setting_parameter_type type;
	uint16_t number;
	uint8_t length;
	uint8_t octets[16]; /**< a number in this host's byte order, an address in the network's */
};

/** What the kernel can be asked about an offload adapter, over NETLINK_ISCSI. */
enum isif_port_verb {
	ISIF_PORT_SET,	       /**< SET_IFACE_PARAMS: all parameters in one message */
	ISIF_PORT_SET_ADDRESS, /**< SET_HOST_PARAM: the IPv4 address of the host */
	ISIF_PORT_PING,	       /**< whether the port reaches an address */
};

struct isif_port_request {
	enum isif_port_verb verb;
	const char *iface; /**< whose record says so; NULL with ISIF_PORT_PING */
	const char *transport;
	uint32_t host;
	enum isif_setting_family family; /**< of the port's iscsi_iface object */
	uint32_t number;		 /**< of that object */
	const struct isif_port_parameter *parameters;
	size_t count;
	const char *address; /**< of ISIF_PORT_SET_ADDRESS and ISIF_PORT_PING */
	uint32_t timeout;    /**< milliseconds; then nobody waits for its answer any more */
	bool force;	     /**< but for ISIF_PORT_PING: sessions may lose disks that are in use */
};

/** What is opened with rights that the asker need not have. */
enum isif_source {
	/** NETLINK_ISCSI's multicast group, cut behind a PDU's header: what follows may be CHAP. */
	ISIF_SOURCE_ISCSI_EVENTS,
	/** An inotify that wakes up when an iscsid may have started. */
	ISIF_SOURCE_DAEMON_STARTS,
	/** A connection to the AgentX master at a UNIX socket's path. */
	ISIF_SOURCE_MASTER,
};

/** Whether the root file system, /boot or swap is on a disk. */
enum isif_vital {
	ISIF_VITAL_NO = 0,
	ISIF_VITAL_YES,
	ISIF_VITAL_UNKNOWN, /**< could not be determined; counts as yes */
};

/** What a look is for. */
enum isif_look_purpose {
	/** The sessions are to be logged out, all together: one path of two that go is not
	    redundant. */
	ISIF_LOOK_TO_LOG_OUT,
	/** To be shown: each session for itself, and without a claim, which could be in the way of
	    somebody who is just about to use the disk. */
	ISIF_LOOK_TO_SHOW,
	ISIF_LOOK_PURPOSES,
};

/** Who uses a disk, found out with everything that root can see. */
struct isif_look_disk {
	uint32_t sid;
	char device[32]; /**< e.g. sdb; empty: the session's disks cannot be read */
	enum isif_disk_use use;
	enum isif_vital vital;
	char user[128]; /**< e.g. "mounted on /srv", or what could not be determined; empty: unused
			 */
};

/**
 * The narrow gate to what only root may do. The process that parses what comes from outside works
 * through this table alone; the other side, which checks every argument again, is this process or
 * another one. Paths are relative to the database's root and never hold "..".
 */
struct isif_privileged {
	const struct isif_privileged_operations *operations;
	const char *root; /**< the database's directory */
};

struct isif_privileged_operations {
	/**
	 * Lists directories and reads their records: many in one call, because this is what a
	 * start spends its time with. The visitor is called from within, in the caller's thread.
	 */
	void (*read_directories)(struct isif_privileged *self,
				 struct isif_directory_reading *readings, size_t count,
				 const struct isif_directory_visitor *visitor);
	/** Reads one record, without its secrets, and no other file; the text is valid until the
	    next call. */
	enum isif_error (*read_record)(struct isif_privileged *self, const char *path,
				       const char **text, size_t *length);
	/** The descriptor is the caller's; path is that of ISIF_SOURCE_MASTER, else NULL. */
	enum isif_error (*open_source)(struct isif_privileged *self, enum isif_source source,
				       const char *path, int *descriptor);
	/** Reads the "InitiatorName=" line of the initiatorname file; ISIF_NOT_FOUND if none. */
	enum isif_error (*read_initiatorname)(struct isif_privileged *self, char *buffer,
					      size_t size);
	/** The descriptor to wait on for changes, -1 if there can be none. */
	int (*change_descriptor)(const struct isif_privileged *self);
	/** The next change that is waiting; false if there is none. Never blocks. */
	bool (*next_change)(struct isif_privileged *self, struct isif_change *change);
	/**
	 * Begins a transaction: takes open-iscsi's lock, tried for at most patience milliseconds,
	 * and finishes what a crash left half done. ISIF_LOCKED: somebody else holds it (the log
	 * tells how old it is, if it looks stale); ISIF_UNAVAILABLE: this gate cannot write (yet),
	 * *why says what is missing; then nothing has begun.
	 */
	enum isif_error (*begin)(struct isif_privileged *self, unsigned patience, const char **why);
	/**
	 * Makes all edits or none, on disk when it returns; once in a transaction. What fails
	 * leaves everything as it was, but for ISIF_UNDO_FAILED. *failed gets the edit at fault.
	 */
	enum isif_error (*commit)(struct isif_privileged *self, const struct isif_edit *edits,
				  size_t count, size_t *failed);
	/**
	 * Between begin() and commit(): a file of the state directory (one plain word) that gets
	 * this text together with the records, and with undo() its old one again; so does a start
	 * after a crash.
	 */
	enum isif_error (*stage)(struct isif_privileged *self, const char *name, const char *text,
				 size_t length);
	/** Puts back what commit() changed and nobody else since; ISIF_UNDO_FAILED if it cannot. */
	enum isif_error (*undo)(struct isif_privileged *self);
	/** Ends the transaction: forgets what undo() needs, and releases the lock. */
	void (*end)(struct isif_privileged *self);
	/**
	 * Begins to make many edits, each for itself and all-or-nothing only in itself: at most
	 * ISIF_BATCH_SIZE, all of kind ISIF_EDIT_LINES. They are borrowed until the batch is over,
	 * and each gets its outcome in its member error: ISIF_INCOMPLETE if it was dropped before
	 * its turn, or the record is half-written; ISIF_CHANGED if somebody wrote it meanwhile.
	 * ISIF_UNAVAILABLE as with begin(), and while there is another batch.
	 */
	enum isif_error (*batch_begin)(struct isif_privileged *self, struct isif_edit *edits,
				       size_t count, const char **why);
	/**
	 * Goes on with it until the monotonic clock (ns) passes deadline; never waits for the disk.
	 * ISIF_OK: it is over. ISIF_INCOMPLETE: go on when batch_descriptor() is readable, or after
	 * *pause milliseconds (0: at once, UINT_MAX: not before); a transaction that has begun
	 * keeps it waiting. ISIF_LOCKED: the same, but it is somebody else's lock that keeps it
	 * waiting.
	 */
	enum isif_error (*batch_work)(struct isif_privileged *self, uint64_t deadline,
				      unsigned *pause);
	/** The descriptor to wait on while a batch is under way, else -1 (*pause then says all). */
	int (*batch_descriptor)(const struct isif_privileged *self);
	/** Drops what is left of a batch, also a running one: each edit is made or it is not. */
	void (*batch_end)(struct isif_privileged *self);
	/**
	 * Where the copy of the database is that was kept before anything was written; makes it in
	 * the background if there is none. ISIF_INCOMPLETE while it is being made (wait on
	 * backup_descriptor(), then ask again), ISIF_UNAVAILABLE without a state directory. Another
	 * error: it could not be made, the log says why, and the next call tries again.
	 */
	enum isif_error (*backup)(struct isif_privileged *self, const char **where);
	int (*backup_descriptor)(const struct isif_privileged *self);
	/**
	 * Starts iscsiadm; *number names the run. Several may be under way, ISIF_LIMIT if too many
	 * are; ISIF_NOT_FOUND: there is no iscsiadm; ISIF_INVALID: an argument that it must not
	 * get. ISIF_IN_USE, of ISIF_VERB_LOGOUT: there is no look for ISIF_LOOK_TO_LOG_OUT that is
	 * over, not ended, some seconds old at most, and lets this session go (disks unused or
	 * redundant; or force, and neither the system nor what boots it needs them).
	 */
	enum isif_error (*command_begin)(struct isif_privileged *self,
					 const struct isif_command *command, unsigned *number);
	/**
	 * Asks the kernel, in a process of its own, because the kernel answers from within the
	 * call, and an adapter may take half a minute; *number is a run like that of a command.
	 * The outcome's code is 0, or the errno that the driver answered with, which proves little;
	 * of a ping that was sent, the output is "ping STATUS". ISIF_UNAVAILABLE: the sysfs in use
	 * is not this host's; ISIF_INVALID: something that no port must get. There is one request
	 * at a time. ISIF_LOCKED: there is another, be it that nobody waits for it any more; its
	 * turn may come when port_descriptor() is readable. ISIF_IN_USE, but for ISIF_PORT_PING:
	 * as with command_begin(), of any session of the adapter.
	 */
	enum isif_error (*port_begin)(struct isif_privileged *self,
				      const struct isif_port_request *request, unsigned *number);
	/** Readable while there is no request, once there was one; -1 before. */
	int (*port_descriptor)(const struct isif_privileged *self);
	/** ISIF_OK when it has ended; ISIF_INCOMPLETE: wait on its descriptor. */
	enum isif_error (*command_work)(struct isif_privileged *self, unsigned number,
					struct isif_command_outcome *outcome);
	/** Readable when there is something to do, also when its time is up. */
	int (*command_descriptor)(const struct isif_privileged *self, unsigned number);
	/** Forgets it; one that still runs is killed. */
	void (*command_end)(struct isif_privileged *self, unsigned number);
	/**
	 * Begins a look at everybody who uses the disks of these sessions: mounts of all
	 * namespaces, swap, holders, loop devices, processes that have a disk open, multipath.
	 * Of each purpose there can be one at a time: ISIF_INVALID while there is another.
	 */
	enum isif_error (*look_begin)(struct isif_privileged *self, enum isif_look_purpose purpose,
				      const uint32_t *sids, size_t count);
	/**
	 * Goes on with it until the monotonic clock (ns) passes deadline. ISIF_OK: it is done;
	 * ISIF_INCOMPLETE: go on after *pause milliseconds; another error: nothing is known.
	 */
	enum isif_error (*look_work)(struct isif_privileged *self, enum isif_look_purpose purpose,
				     uint64_t deadline, unsigned *pause);
	/**
	 * What was found, a disk each, also of sessions whose logout is under way; none: they have
	 * no disks. Valid until look_end().
	 */
	void (*look_result)(const struct isif_privileged *self, enum isif_look_purpose purpose,
			    const struct isif_look_disk **disks, size_t *count);
	/** Forgets it, be it done or not. */
	void (*look_end)(struct isif_privileged *self, enum isif_look_purpose purpose);
	/**
	 * Reads and replaces a file of the state directory as a whole: name is one plain word. The
	 * text that is read has a NUL behind it and is the caller's to free.
	 */
	enum isif_error (*state_read)(struct isif_privileged *self, const char *name, char **text,
				      size_t *length);
	enum isif_error (*state_write)(struct isif_privileged *self, const char *name,
				       const char *text, size_t length);
	/** Adds to the end of such a file; sync: it is on disk when this returns. */
	enum isif_error (*state_append)(struct isif_privileged *self, const char *name,
					const char *text, size_t length, bool sync);
	void (*close)(struct isif_privileged *self);
};

#define ISIF_LOCK_DIRECTORY "/run/lock/iscsi" /**< of open-iscsi since 2.1.0 */
#define ISIF_INITIATORNAME  "/etc/iscsi/initiatorname.iscsi"

/** Where the gate works. A NULL text: see there. The texts are copied. */
struct isif_privileged_options {
	const char
		*root; /**< the database's directory; NULL or "auto": what open-iscsi uses here */
	const char *initiatorname_file; /**< NULL: ISIF_INITIATORNAME; iscsid.conf is beside it */
	const char *state_directory;	/**< NULL: nothing can be written */
	const char *lock_directory;	/**< open-iscsi's; NULL: /run/lock/iscsi */
	const char *iscsiadm;		/**< NULL: the one of the system's directories */
	const char *sysfs; /**< NULL: this host's; else all its disks' uses are unknown */
	const struct isif_log *log;
};

/** The gate that works in this very process. What cannot be opened is told to the log, too. */
enum isif_error isif_privileged_open(const struct isif_privileged_options *options,
				     struct isif_privileged **privileged);
void isif_privileged_close(struct isif_privileged *privileged);

#endif
