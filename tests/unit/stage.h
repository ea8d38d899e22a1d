/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef UNIT_STAGE_H
#define UNIT_STAGE_H

#include "helpers.h"
#include "model.h"
#include "world.h"

/* A world made by hand, and what becomes of it: one for each test. */

enum { STAGE_SIZE = 16 };

/* Devices of the stage's host, by index. */
enum { LO = 1, SAN0, SAN1, NO_CARRIER, NO_ADDRESS, TWIN0, TWIN1, STAGE_LINKS = TWIN1 };
#define SAN0_HWADDRESS "02:00:00:00:00:02"
#define SAN1_HWADDRESS "02:00:00:00:00:03"
#define TWIN_HWADDRESS "02:00:00:00:00:06"

struct stage {
	struct isif_names *names;
	struct state *state;
	struct lines lines;
	struct isif_log log;
	struct world world;
	struct isif_network network;
	struct isif_link links[STAGE_LINKS];
	struct isif_link_address addresses[2];
	struct isif_iface_record *ifaces[STAGE_SIZE];
	const char *files[STAGE_SIZE];
	struct isif_node *nodes[STAGE_SIZE];
	struct isif_kernel_session kernels[STAGE_SIZE];
	struct observed_session sessions[STAGE_SIZE];
	struct observed_session *pointers[STAGE_SIZE];
	struct isif_snapshot *snapshot; /* of the last build */
};
extern struct stage stage;

/* A suite's set-up and tear-down. */
void stage_open(void);
void stage_close(void);

/* Puts the text of an iface record on the stage. */
void stage_iface(const char *file, const char *text);
void stage_remove_iface(const char *file);

/* Puts a node record of portal 192.0.2.10:3260 with a copy of those iface lines on the stage. */
struct isif_node *stage_node(const char *target, const char *iface, const char *settings);

/* The same from a path and a text. */
struct isif_node *stage_node_text(const char *path, const char *text);

/* A logged-in session of such a portal over SAN0, named by iscsid as bound to nothing. */
struct observed_session *stage_session(uint32_t sid, const char *target, const char *iface);
void stage_remove_session(uint32_t sid);

/* Joins it all; the snapshot stays the stage's. */
const struct isif_snapshot *stage_build(void);

/* Rows of the last build, NULL if there is none. */
const struct isif_iface *iface_row(const char *name);
const struct isif_binding *binding_row(const char *target, const char *iface);
const struct isif_session *session_row(uint32_t sid);
const struct isif_target *target_row(const char *name);
const struct isif_transport *transport_row(const char *name);
const char *setting_value(const char *iface, const char *name);

#endif
