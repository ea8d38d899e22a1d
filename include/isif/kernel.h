/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ISIF_KERNEL_H
#define ISIF_KERNEL_H

#include <isif/error.h>
#include <isif/log.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * What the kernel's iSCSI transport class shows in sysfs. The objects are immutable and
 * reference-counted: a change makes a new one. Text is "" where the kernel has none (it prints
 * "(null)") or where it is not available now (ENOTCONN while a session is down).
 */

enum isif_session_state {
	ISIF_SESSION_UNKNOWN = 1,
	ISIF_SESSION_LOGGED_IN = 2,
	ISIF_SESSION_FAILED = 3, /**< the kernel holds it and waits for a new login */
	ISIF_SESSION_FREE = 4,	 /**< not logged in yet, or given up after the recovery time */
};

/** Who uses a disk. */
enum isif_disk_use {
	ISIF_DISK_UNUSED = 1,
	ISIF_DISK_REDUNDANT = 2, /**< in a multipath map that keeps another active path over
				    another session */
	ISIF_DISK_IN_USE = 3,
	ISIF_DISK_UNKNOWN = 4, /**< could not be determined; counts as in use */
};

/** A block device behind a session. */
struct isif_disk {
	uint32_t lun;
	uint32_t size;	 /**< mebibytes, rounded down; 2^32-1 if it is more */
	char device[32]; /**< e.g. sdb */
	char state[24];	 /**< SCSI state, e.g. running, transport-offline */
	char wwid[128];	 /**< e.g. naa.6001405..., empty if the device tells none */
	char map[128];	 /**< name of the multipath map that holds it, empty if none does */
	enum isif_disk_use use;
	char user[128]; /**< mount point, swap or holder, or what could not be determined */
};

/** Never given up: value of a recovery time that the kernel shows as "off". */
#define ISIF_RECOVERY_NEVER UINT32_MAX

struct isif_kernel_session {
	uint32_t references;
	uint32_t sid;
	uint32_t host; /**< SCSI host number; UINT32_MAX if the tree shows none */
	int32_t tpgt;
	enum isif_session_state state;
	bool connection_up; /**< the kernel says that its connection is up */
	bool unbinding;	    /**< its target is being removed: a logout has begun */
	bool header_digest;
	bool data_digest;
	uint16_t persistent_port;
	uint16_t port;		   /**< of the live peer, 0 if not connected */
	uint16_t local_port;	   /**< 0 if not connected */
	uint32_t recovery_timeout; /**< seconds; ISIF_RECOVERY_NEVER */
	uint32_t disk_count;
	const char *target;
	const char *iface; /**< name of the iface at login */
	const char *initiator;
	const char *transport;		/**< e.g. tcp */
	const char *persistent_address; /**< of the record that it was made from */
	const char *address;		/**< of the live peer */
	const char *local_address;	/**< this end (the host's ipaddress) */
	const char *netdev;		/**< device that iscsid named at login: a label, no proof */
	const char *hwaddress;		/**< the same for a hardware address */
	const char *connection_state;	/**< e.g. up, failed; "" on old kernels */
	struct isif_disk *disks;	/**< sorted by lun */
};

/** An iscsi_iface object of an offload port, or (name "") a host that has none. */
struct isif_kernel_port {
	uint32_t references;
	uint32_t host;
	int family;	 /**< AF_INET, AF_INET6 or 0 */
	uint32_t number; /**< the K of ipv4-iface-N-K */
	bool enabled;
	const char *name; /**< e.g. ipv4-iface-0-0 */
	const char *transport;
	const char *hwaddress;
	const char *port_state; /**< as the kernel writes it, e.g. "LINK UP" */
	const char *port_speed; /**< e.g. "10 Gbps" */
	/** Every readable attribute of the object, "name\0value\0...", ended by an empty name. */
	const char *attributes;
};

/** A transport that is registered with the kernel. */
struct isif_kernel_transport {
	char name[16];
};

/** Where sysfs is read: the host's through libudev, or a copy in a directory of one's own. */
struct isif_sysfs;

/** root NULL: /sys, found through libudev. Else a directory walk below root. log must outlive it.
 */
enum isif_error isif_sysfs_open(const char *root, const struct isif_log *log,
				struct isif_sysfs **sysfs);
void isif_sysfs_close(struct isif_sysfs *sysfs);

/**
 * Mounts and swap, which make no uevent: what poll(2) reports their changes on, as POLLPRI; -1 for
 * what there is not.
 */
void isif_sysfs_descriptors(const struct isif_sysfs *sysfs, int descriptors[2]);

/** Counts the times that the block devices in use changed: another count, other disks' uses. */
uint32_t isif_sysfs_uses_generation(struct isif_sysfs *sysfs);

/** True if the transport class is there: scsi_transport_iscsi is loaded. */
bool isif_sysfs_has_class(struct isif_sysfs *sysfs);

/** Hands the name of each object of a class (such as "iscsi_session") to visit, in no order. */
enum isif_error isif_sysfs_list(struct isif_sysfs *sysfs, const char *class_name,
				void (*visit)(void *context, const char *name), void *context);

/** Reads one session with its connection, host and disks. ISIF_NOT_FOUND if it is gone. */
enum isif_error isif_kernel_session_read(struct isif_sysfs *sysfs, uint32_t sid,
					 struct isif_kernel_session **session);
struct isif_kernel_session *isif_kernel_session_hold(struct isif_kernel_session *session);
void isif_kernel_session_release(struct isif_kernel_session *session);
bool isif_kernel_session_equal(const struct isif_kernel_session *a,
			       const struct isif_kernel_session *b);

/** Reads one port by the name of its iscsi_iface object, e.g. "ipv4-iface-0-0". */
enum isif_error isif_kernel_port_read(struct isif_sysfs *sysfs, const char *name,
				      struct isif_kernel_port **port);

/**
 * Makes the row of a host that has no iscsi_iface object (name "host3"). ISIF_NOT_FOUND for a
 * host that has some, and for the host of a software transport: it has no port.
 */
enum isif_error isif_kernel_port_of_host(struct isif_sysfs *sysfs, const char *name,
					 struct isif_kernel_port **port);
struct isif_kernel_port *isif_kernel_port_hold(struct isif_kernel_port *port);
void isif_kernel_port_release(struct isif_kernel_port *port);
bool isif_kernel_port_equal(const struct isif_kernel_port *a, const struct isif_kernel_port *b);

/** The value of one attribute of a port, NULL if the kernel shows none. */
const char *isif_kernel_port_attribute(const struct isif_kernel_port *port, const char *name);

/** What a kernel event was about. */
enum isif_kernel_event_kind {
	ISIF_EVENT_SESSION,	    /**< a session came, went or changed: read it again */
	ISIF_EVENT_SESSION_GONE,    /**< it was destroyed */
	ISIF_EVENT_CONNECTION,	    /**< the kernel reports a connection error */
	ISIF_EVENT_LOGIN_RESPONSE,  /**< the target answered a login: the state changes soon */
	ISIF_EVENT_LOGOUT_RESPONSE, /**< the target answered a logout: somebody asked for it */
	ISIF_EVENT_UNBIND,	    /**< a logout has begun: the SCSI target is gone */
	ISIF_EVENT_HOST,	    /**< a host's link went up or down */
	ISIF_EVENT_TRANSPORT,	    /**< a transport came or went */
	ISIF_EVENT_PORT,	    /**< an iscsi_iface object or a host came or went */
	ISIF_EVENT_DISK,	    /**< a disk behind the session came, went or changed */
	ISIF_EVENT_OVERFLOW,	    /**< events were lost: read everything again */
};

struct isif_kernel_event {
	enum isif_kernel_event_kind kind;
	uint32_t sid;  /**< of the events of a session or a disk, 0 if not known */
	uint32_t host; /**< of the events of a host or a port */
	uint32_t code; /**< of a connection error: 1001..1022 (enum iscsi_err); of a login
			    response: status class * 256 + detail (RFC 7143, 11.13.5); of a host
			    event: 1 link up, 2 link down */
	bool accepted; /**< of a login response: it was the last one, and said yes */
};

typedef void isif_kernel_event_visit(void *context, const struct isif_kernel_event *event);

/** Uevents of the iSCSI classes, SCSI devices and block devices, through libudev. */
struct isif_uevents;

enum isif_error isif_uevents_open(const struct isif_log *log, struct isif_uevents **uevents);
void isif_uevents_close(struct isif_uevents *uevents);
int isif_uevents_descriptor(const struct isif_uevents *uevents);

/** Hands all waiting events to visit, without blocking. */
void isif_uevents_read(struct isif_uevents *uevents, isif_kernel_event_visit *visit, void *context);

/**
 * Events of NETLINK_ISCSI's multicast group, beside iscsid's own listener, from the descriptor of
 * ISIF_SOURCE_ISCSI_EVENTS (isif/privileged.h). Nothing is ever sent on it: a message in this
 * family is a command.
 */
void isif_iscsi_events_read(int descriptor, isif_kernel_event_visit *visit, void *context);

/** Whether iscsid runs. */
enum isif_daemon_status {
	ISIF_DAEMON_UP = 1,
	ISIF_DAEMON_DOWN = 2,
	ISIF_DAEMON_ON_DEMAND = 3, /**< not running, but systemd holds its socket */
};

/** A watch on iscsid: found by its pid file or its name, never by talking to it. */
struct isif_daemon;

struct isif_privileged;

/** The gate is borrowed: its starts are seen with ISIF_SOURCE_DAEMON_STARTS. */
enum isif_error isif_daemon_open(struct isif_privileged *gate, struct isif_daemon **daemon);
void isif_daemon_close(struct isif_daemon *daemon);

/**
 * Looks again. The descriptor to poll may change with each call: a pidfd that becomes readable
 * when iscsid ends, or an inotify descriptor that does when its pid file appears.
 */
enum isif_daemon_status isif_daemon_look(struct isif_daemon *daemon);
int isif_daemon_descriptor(const struct isif_daemon *daemon);

#endif
