/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ISIF_LIB_MODEL_H
#define ISIF_LIB_MODEL_H

#include <isif/model.h>

#include "world.h"

/*
 * Joins a world into a snapshot. Rows that say the same as those of previous (may be NULL) are
 * shared with it; what has to be remembered from build to build is in state. ISIF_NO_MEMORY leaves
 * the previous snapshot as good as it was.
 */
enum isif_error model_build(const struct world *world, struct state *state,
			    const struct isif_snapshot *previous, struct isif_snapshot **result);

/* What the steps of one build share. */
struct build {
	const struct world *world;
	struct state *state;
	const struct isif_snapshot *previous;
	struct isif_snapshot *snapshot;
	struct iface_join *ifaces; /* sorted as the MIB's index */
	size_t iface_count;
	struct hash ifaces_by_name; /* struct iface_join */
	struct hash nodes_by_key;   /* struct binding_join, by target, iface and port */
	struct binding_join *bindings;
	size_t binding_count;
	uint32_t unusable;  /* records that cannot be a row */
	bool state_changed; /* an operational state differs from the previous snapshot */
};

/* Which device an iface asks for, and how it is. */
struct wanted_path {
	enum isif_bound_by bound_by;
	enum isif_device_status status;
	uint32_t link; /* 0 if it resolves to none */
	uint32_t carrier_losses;
	const char *hwaddress; /* of hwAddress: any device that has it will do */
};

/* An iface on its way to becoming a row: its settings and the sums over its bindings. */
struct iface_join {
	struct isif_name *name;
	struct isif_iface_record *record; /* NULL for a built-in iface */
	const char *file;		  /* its name in ifaces/ */
	const char *transport, *hwaddress, *ipaddress, *netdev, *initiator;
	enum isif_iface_kind kind;
	struct wanted_path wanted;
	uint32_t bindings, bindings_wanted, bindings_up, wanted_up;
	bool bindings_differ, sessions_differ;
	const struct isif_record *compared; /* copy that was compared last ... */
	bool compared_same;		    /* ... and the outcome */
};

/* A node record on its way to becoming a row. */
struct binding_join {
	struct isif_node *node;
	struct binding_memory *memory;
	const struct observed_session *session; /* the best of those that belong to it */
	struct iface_join *iface;		/* NULL if the record's iface is gone */
	enum isif_path path;
};

/* The iface with this name in the build, NULL if there is none. */
struct iface_join *model_find_iface(const struct build *build, const struct isif_name *name);

/* The binding that a session belongs to, NULL if no record matches. */
struct binding_join *model_find_binding(const struct build *build,
					const struct isif_kernel_session *session);

/* Each step, in its order. */
enum isif_error model_ifaces_collect(struct build *build);
enum isif_error model_bindings_collect(struct build *build);
enum isif_error model_sessions(struct build *build);
enum isif_error model_bindings(struct build *build);
enum isif_error model_ifaces(struct build *build);
enum isif_error model_transports(struct build *build);
enum isif_error model_ports(struct build *build);
enum isif_error model_targets(struct build *build);
void model_summary(struct build *build);

/* The settings of an iface out of its record or a node record's copy; all texts non-NULL. */
void model_iface_settings(const struct isif_record *record, struct iface_join *join);

/* Resolves what an iface asks for. */
void model_wanted_path(const struct isif_network *network, struct iface_join *join);

/* Whether a session's device is the one that is asked for. */
enum isif_path model_path(const struct isif_network *network, const struct wanted_path *wanted,
			  const struct observed_session *session);

/* The status of a group of bindings. */
enum isif_group_status model_group_status(uint32_t wanted, uint32_t up);

/* Judges what became of a binding; memory is brought up to date (model_judge.c). */
void model_judge(const struct build *build, struct binding_memory *memory,
		 const struct isif_node *node, const struct observed_session *session,
		 enum isif_path path);

#endif
