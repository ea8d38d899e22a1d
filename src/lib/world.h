/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ISIF_LIB_WORLD_H
#define ISIF_LIB_WORLD_H

#include <isif/model.h>
#include <isif/privileged.h>

#include "state.h"

/*
 * What the sources say at one moment, before it is joined. The monitor fills it in; a test can
 * do so by hand. All pointers are borrowed for the time of one build.
 */

/* What is known of a session beside sysfs: from its events and its socket. */
struct observed_session {
	struct isif_kernel_session *kernel; /* as last read */
	bool gone;			    /* it is no more: in this build for the last time */
	bool logout_answered;		    /* its target answered a logout: somebody asked */
	bool unbinding;			    /* a logout has begun */
	bool fresh;			    /* it was made while we looked on */
	bool bound;			    /* its socket is bound to a device */
	bool path_known;		    /* path_link tells */
	uint32_t path_link;		    /* device of its socket, or of the route to its peer */
	uint32_t error_code;		    /* of the last connection error, 0 if none */
	uint32_t login_status; /* of the last refused login (RFC 7143, 11.13.5), 0 if none */
	uint32_t errors;
	uint64_t discontinuity; /* mono */
	struct isif_session_counters counters;
};

struct world {
	struct isif_names *names;
	struct isif_iface_record **ifaces; /* in the order of the database */
	const char **iface_files;	   /* name of the file of each */
	size_t iface_count;
	struct isif_node **nodes;
	size_t node_count;
	struct observed_session **sessions; /* sorted by sid */
	size_t session_count;
	struct isif_kernel_transport *transports;
	size_t transport_count;
	struct isif_kernel_port **ports;
	size_t port_count;
	uint32_t port_readings;		    /* so many, until they were so */
	const struct isif_look_disk *looks; /* who uses their disks, if known, in their order */
	size_t look_count;
	struct isif_network *network;
	struct isif_name *initiator_name;
	struct isif_name *record_directory;
	enum isif_daemon_status daemon_status;
	enum isif_rebind_mode rebind_mode;
	bool kernel_up;
	bool config_changed; /* a record came, went or changed since the last build */
	uint32_t bad_records, resyncs, overflows;
	uint64_t mono; /* now, milliseconds */
	int64_t wall;  /* now, seconds */
	const struct isif_log *log;
};

#endif
