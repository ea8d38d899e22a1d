/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ISIF_LIB_STATE_H
#define ISIF_LIB_STATE_H

#include <isif/event.h>
#include <isif/log.h>
#include <isif/model.h>
#include <isif/monitor.h>
#include <isif/privileged.h>

#include "complaint.h"
#include "hash.h"

/*
 * What must outlive a restart and no source tells: the index of each binding and target, the
 * wanted state, and what a judgement about losses needs to remember. One text file in the state
 * directory, through the gate, which grows by what changed, and is replaced as a whole when it has
 * doubled. Losing it loses no iSCSI configuration.
 */

/* Indexes below are the managers', those from here up the agent's (mib.md, binding table). */
#define STATE_FILE	   "state" /* in the state directory */
#define STATE_FIRST_INDEX  (1u << 30)
#define STATE_LAST_INDEX   0x7fffffffu
#define STATE_KEEP_SECONDS 86400 /* a record that comes back within it has its index again */

/* What was told last of a binding, or of an iface's device. */
enum alert { ALERT_NONE, ALERT_LOST, ALERT_MISROUTED };
enum device_alert { DEVICE_UNKNOWN, DEVICE_UP, DEVICE_LOST };

/* Under iscsiIfaceNotifyHoldDown: what flaps is told of at its begin, and of its end; not kept. */
struct alert_hold {
	uint64_t until;	    /* monotonic ms; 0: nothing is held */
	uint32_t losses;    /* since it was told of last */
	uint32_t uncounted; /* of those that the state has shown: still to be counted by its source
			     */
	unsigned seen;	    /* last state */
};

/* What is remembered of a binding. */
struct binding_memory {
	struct isif_name *target, *address, *iface;
	uint16_t port;
	int32_t tpgt;
	uint32_t index;
	uint32_t generation;	      /* of the last build that saw its record */
	int64_t gone_since;	      /* wall; 0 while its record exists */
	enum isif_admin_status admin; /* 0: not decided yet */
	enum isif_oper_status oper;   /* as last judged; 0: never */
	enum alert alert;
	struct alert_hold hold;
	enum isif_event_reason reason; /* of last_error, 0: not known; not kept */
	enum isif_oper_status doing;   /* ISIF_OPER_LOGGING_IN or _OUT while a job is at it, else 0;
					  not kept */
	uint32_t sid;		       /* session that it was judged by, 0 if none */
	uint16_t local_port;	       /* of its connection then, 0: not known; not kept */
	uint32_t losses;
	int64_t up_since, last_loss; /* wall */
	uint64_t up_since_mono;
	struct isif_name *last_error;
	struct binding_memory *next_unsaved;
	bool unsaved;
};

struct target_memory {
	struct isif_name *name;
	uint32_t index;
	uint32_t generation;
	int64_t gone_since;
	struct target_memory *next_unsaved;
	bool unsaved;
};

/* What managers set of an iface that its record cannot hold. */
struct iface_memory {
	struct isif_name *name;
	enum isif_rebind_mode mode;
	enum isif_rebind_mode configured; /* when it was set: who edits that wins */
};

struct device_memory {
	struct isif_name *iface;
	enum device_alert alert;
	struct alert_hold hold;
};

/* A number that a manager set; configured is what it would be without. */
struct kept_number {
	bool set;
	uint32_t value;
	uint32_t configured;
};

struct state {
	struct isif_privileged *gate; /* NULL: nothing is kept */
	struct isif_names *names;
	const struct isif_log *log;
	char boot[40];
	struct hash bindings;
	struct hash targets;
	struct hash ifaces;
	struct hash devices;
	struct kept_number kept[ISIF_KEPT_NUMBERS];
	uint32_t defaults[ISIF_KEPT_NUMBERS]; /* of the configuration */
	enum isif_rebind_mode default_mode;   /* likewise */
	uint32_t next_binding, next_target;
	uint32_t manager_index; /* highest that a manager chose */
	uint32_t generation;
	struct complaints complaints; /* not kept across restarts */
	bool indexes_changed;	      /* to be written before they are served */
	bool changed;		      /* to be written soon */
	/* What the file lacks, unless it has to be replaced as a whole. */
	bool rewrite;
	struct binding_memory *unsaved_bindings;
	struct target_memory *unsaved_targets;
	bool unsaved_wishes; /* ifaces, devices, numbers: few */
	bool unsynced;	     /* written, but perhaps not on disk */
	size_t whole, grown; /* octets of the file when it was written, and since */
};

/* Reads what is there. Without a gate, or a state directory behind it, nothing is kept. */
enum isif_error state_open(struct isif_privileged *gate, struct isif_names *names,
			   const struct isif_log *log, struct state **state);
void state_close(struct state *state);

/*
 * What is to be written: this binding; what was set of ifaces, devices and numbers; or all of it,
 * which is also said where something was taken out or got another key.
 */
void state_touch(struct state *state, struct binding_memory *memory);
void state_touch_wishes(struct state *state);
void state_rewrite(struct state *state);

/* Writes what changed, if anything did, and syncs. */
enum isif_error state_save(struct state *state);
/* The same without waiting for the disk: state_save() has to follow. */
enum isif_error state_write(struct state *state);

/* The file was replaced by the text of state_file_text. */
void state_saved(struct state *state);

/* The memory of a record's binding, made with a free index if there is none; NULL without memory.
 */
struct binding_memory *state_binding(struct state *state, const struct isif_node *node);
struct target_memory *state_target(struct state *state, struct isif_name *name);

struct target_memory *state_find_target(const struct state *state, const struct isif_name *name);
void state_take_target(struct state *state, struct target_memory *memory);

/* The memory that has an index, NULL if none has. */
struct binding_memory *state_find_index(const struct state *state, uint32_t index);

/* The memory of this key, NULL if there is none. */
struct binding_memory *state_find_binding(const struct state *state, const struct isif_node *key);
/* Takes a memory out; it is the caller's then. */
void state_take_binding(struct state *state, struct binding_memory *memory);

/*
 * A binding moves to another iface, and its session lives on: what was judged of that goes to a
 * memory of its own for the old record, with a free index; memory itself, which is taken out, has
 * no session any more. NULL without memory. And the way back: the one for the old
 * record is freed.
 */
struct binding_memory *state_leave_session(struct state *state, struct binding_memory *memory);
void state_regain_session(struct state *state, struct binding_memory *memory,
			  struct binding_memory *left);

/* A binding has the name again of the iface that its session was left with. */
void state_move_back(struct state *state, struct binding_memory *memory,
		     struct binding_memory *left);

/* The last error of a binding, in plain words; a text that is too long is cut. */
void state_set_error(struct state *state, struct binding_memory *memory, const char *text);

/* The rebind mode that a manager set, 0 if none did; 0 forgets it. */
enum isif_rebind_mode state_mode(const struct state *state, const struct isif_name *iface);
bool state_set_mode(struct state *state, struct isif_name *iface, enum isif_rebind_mode mode);

/* What was told of the device of an iface, NULL if nothing was; DEVICE_UNKNOWN forgets it. */
struct device_memory *state_find_device(const struct state *state, const struct isif_name *iface);
void state_set_device(struct state *state, struct isif_name *iface, enum device_alert alert);

/* What the configuration says: a number or mode that was set under another one is forgotten. */
void state_configure(struct state *state, uint32_t hold_down, enum isif_rebind_mode mode);
void state_keep(struct state *state, enum isif_kept_number which, uint32_t value);
uint32_t state_kept(const struct state *state, enum isif_kept_number which);

/* Begins a build: what it does not ask for is gone when it ends. */
void state_begin(struct state *state);
void state_end(struct state *state, int64_t wall);

#endif
