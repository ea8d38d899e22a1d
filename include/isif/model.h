/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ISIF_MODEL_H
#define ISIF_MODEL_H

#include <isif/database.h>
#include <isif/kernel.h>
#include <isif/name.h>
#include <isif/network.h>
#include <isif/record.h>
#include <isif/setting.h>

#include <stdbool.h>
#include <stdint.h>

/**
 * The model: what an operator may see of this host, joined from records, kernel and network.
 * A snapshot is immutable and reference-counted, and so is each of its rows; a new snapshot
 * shares the rows that did not change. Enumerations have the values of ISCSI-IFACE-MIB.
 *
 * Times: "mono" is milliseconds of CLOCK_MONOTONIC, 0 for never; "wall" is seconds since 1970
 * (CLOCK_REALTIME), 0 for never.
 */

enum isif_bound_by {
	ISIF_BOUND_NONE = 1, /**< the network subsystem decides the path */
	ISIF_BOUND_NET_IFACE = 2,
	ISIF_BOUND_HWADDRESS = 3,
	ISIF_BOUND_IPADDRESS = 4,
};

enum isif_device_status {
	ISIF_DEVICE_NOT_APPLICABLE = 1,
	ISIF_DEVICE_UP = 2,
	ISIF_DEVICE_LINK_DOWN = 3,
	ISIF_DEVICE_MISSING = 4,
	ISIF_DEVICE_NO_ADDRESS = 5,
	ISIF_DEVICE_AMBIGUOUS = 6, /**< several devices have the hardware address */
};

/** Over the wanted bindings of an iface or a target. */
enum isif_group_status {
	ISIF_GROUP_IDLE = 1,	 /**< none is wanted */
	ISIF_GROUP_UP = 2,	 /**< all are up */
	ISIF_GROUP_DEGRADED = 3, /**< some are */
	ISIF_GROUP_DOWN = 4,	 /**< none is */
};

enum isif_rebind_mode { ISIF_REBIND_RECORD_ONLY = 1, ISIF_REBIND_RELOGIN = 2 };

enum isif_iface_sync {
	ISIF_IFACE_IN_SYNC = 1,
	ISIF_IFACE_BINDINGS_DIFFER = 2, /**< a node record's copy says something else */
	ISIF_IFACE_SESSIONS_DIFFER = 3, /**< a live session does */
};

enum isif_binding_sync {
	ISIF_BINDING_IN_SYNC = 1,
	ISIF_BINDING_RECORD_DIFFERS = 2,
	ISIF_BINDING_SESSION_DIFFERS = 3,
};

enum isif_admin_status { ISIF_ADMIN_LOGGED_IN = 1, ISIF_ADMIN_LOGGED_OUT = 2 };

enum isif_oper_status {
	ISIF_OPER_LOGGED_OUT = 1,
	ISIF_OPER_LOGGING_IN = 2,
	ISIF_OPER_LOGGED_IN = 3,
	ISIF_OPER_RECOVERING = 4,
	ISIF_OPER_LOST = 5,
	ISIF_OPER_MISROUTED = 6,
	ISIF_OPER_FAILED = 7,
	ISIF_OPER_LOGGING_OUT = 8,
};

enum isif_path {
	ISIF_PATH_NOT_APPLICABLE = 1, /**< not logged in, or not a socket of this host */
	ISIF_PATH_OK = 2,
	ISIF_PATH_WRONG = 3,
	ISIF_PATH_UNKNOWN = 4,
};

/** A transport: of a record, of the kernel, or tcp and iser. */
struct isif_transport {
	uint32_t references;
	struct isif_name *name;
	bool software;
	bool loaded;
	uint32_t ifaces;
	uint32_t sessions;
};

struct isif_iface;

/** One setting of an iface, set or not. */
struct isif_iface_setting {
	const struct isif_iface *iface;
	const struct isif_setting *setting; /**< NULL if this version does not know it */
	const char *name;		    /**< without "iface." */
	const char *value;		    /**< as written, "" if not set */
};

/** An iface record or a built-in iface. */
struct isif_iface {
	uint32_t references;
	struct isif_name *name;
	struct isif_record *record; /**< NULL for a built-in iface */
	const char *transport;	    /**< these five point into the record, "" if not set */
	const char *hwaddress;
	const char *ipaddress;
	const char *netdev; /**< "default" reads as "" */
	const char *initiator;
	enum isif_iface_kind kind;
	enum isif_bound_by bound_by;
	enum isif_device_status device_status;
	enum isif_group_status oper_status;
	enum isif_rebind_mode rebind_mode;
	enum isif_iface_sync in_sync;
	uint32_t link;		 /**< index of the device that it resolves to now, 0 if to none */
	uint32_t carrier_losses; /**< of that device, see isif_link */
	uint32_t bindings;
	uint32_t bindings_wanted;
	uint32_t bindings_up;
	uint64_t last_change; /**< mono */
	uint32_t setting_count;
	struct isif_iface_setting settings[]; /**< sorted as the MIB's index */
};

/** A portal binding: a node record and what became of it. */
struct isif_binding {
	uint32_t references;
	uint32_t index; /**< survives restarts */
	struct isif_node *node;
	enum isif_admin_status admin_status;
	enum isif_oper_status oper_status;
	enum isif_path path;
	enum isif_binding_sync in_sync;
	uint32_t sid;	    /**< kernel session, 0 if none */
	uint32_t path_link; /**< device that its traffic leaves by, 0 if none */
	uint32_t losses;
	int64_t up_since;	      /**< wall */
	uint64_t up_since_mono;	      /**< mono */
	int64_t last_loss;	      /**< wall */
	uint32_t alert;		      /**< what was told of it last, as the monitor knows it */
	bool held;		      /**< it was told a moment ago: what follows is held down */
	struct isif_name *last_error; /**< plain words, NULL if none */
};

/** Counters of a session's socket, summed over its reconnects. */
struct isif_session_counters {
	bool known; /**< a socket of this host was seen; else there is nothing to show */
	uint64_t sent;
	uint64_t received;
	uint32_t rtt; /**< microseconds */
	uint32_t retransmits;
	uint32_t path_mtu;
};

/** A kernel session. */
struct isif_session {
	uint32_t references;
	struct isif_kernel_session *kernel;
	uint32_t binding; /**< index of the binding that it belongs to, 0 if none matches */
	enum isif_path path;
	uint32_t path_link;
	uint32_t errors;	/**< connection errors that the kernel reported */
	uint64_t discontinuity; /**< mono: since when the counters count */
	struct isif_session_counters counters;
};

/** A disk behind a session. */
struct isif_disk_row {
	uint32_t sid;
	const struct isif_disk *disk;
	enum isif_disk_use use; /**< as the newest look found it, else as the disk says */
	char user[128];
};

/** A port of an offload adapter. */
struct isif_port {
	uint32_t references;
	struct isif_kernel_port *kernel;
	struct isif_name *iface; /**< the record that governs it, NULL if none does */
	bool in_sync;
};

/** A target: all its bindings together. */
struct isif_target {
	uint32_t references;
	uint32_t index; /**< survives restarts */
	struct isif_name *name;
	uint32_t bindings;
	uint32_t bindings_wanted;
	uint32_t bindings_wanted_up; /**< of the wanted ones */
	uint32_t bindings_up;
	uint32_t bindings_lost;
	uint32_t disks; /**< different WWIDs */
	enum isif_group_status oper_status;
};

enum isif_host_status {
	ISIF_HOST_OK = 1,
	ISIF_HOST_DEGRADED = 2,
	ISIF_HOST_CRITICAL = 3,
	ISIF_HOST_IDLE = 4,
};

/** The host in a few numbers. */
struct isif_summary {
	struct isif_name *initiator_name; /**< NULL if the host has none */
	struct isif_name *record_directory;
	enum isif_daemon_status daemon_status;
	bool kernel_up; /**< the transport class is loaded and its netlink is open */
	enum isif_host_status host_status;
	uint32_t bindings_up;
	uint32_t bindings_lost;
	uint32_t bad_records;
	uint32_t single_path_targets;
	uint32_t port_readings; /**< times that the offload ports were read */
	uint32_t resyncs;
	uint32_t overflows;
	uint32_t next_binding_index;
	uint64_t config_last_change; /**< mono */
	uint64_t state_last_change;  /**< mono */
};

/** Everything, at one moment. Each array is sorted in the order of its table's index. */
struct isif_snapshot {
	uint32_t references;
	struct isif_summary summary;
	struct isif_network *network;
	struct isif_transport **transports;
	struct isif_iface **ifaces;
	const struct isif_iface_setting **settings;
	struct isif_binding **bindings;
	struct isif_session **sessions;
	struct isif_disk_row *disks;
	struct isif_port **ports;
	struct isif_target **targets;
	uint32_t transport_count;
	uint32_t iface_count;
	uint32_t setting_count;
	uint32_t binding_count;
	uint32_t session_count;
	uint32_t disk_count;
	uint32_t port_count;
	uint32_t target_count;
};

struct isif_snapshot *isif_snapshot_hold(struct isif_snapshot *snapshot);
void isif_snapshot_release(struct isif_snapshot *snapshot);

/** The order of text indexes in SNMP: by length first, then by octets (RFC 2578, 7.7). */
int isif_index_compare(const char *a, size_t a_length, const char *b, size_t b_length);

#endif
