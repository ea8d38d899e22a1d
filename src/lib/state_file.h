/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ISIF_LIB_STATE_FILE_H
#define ISIF_LIB_STATE_FILE_H

#include "state.h"

/*
 * Reads the file into an empty state. ISIF_INVALID: it cannot be understood, was put aside as
 * "statebad", named in the log, and the state stays empty, but that its next indexes are above all
 * that are in the file. ISIF_UNAVAILABLE: nothing can be kept.
 */
enum isif_error state_file_read(struct state *state);

/* Replaces the file; on disk on return. */
enum isif_error state_file_write(struct state *state);

/* Appends what is not saved, and syncs if it shall. After an error the file has to be replaced. */
enum isif_error state_file_append(struct state *state, bool sync);

/*
 * The text of the file, for who writes it together with something else, and then says so by
 * state_saved; the caller frees it.
 */
enum isif_error state_file_text(struct state *state, char **text, size_t *length);

uint32_t state_new_index(struct state *state); /* of a binding */

/* Where reading puts what it finds; each takes the object over only if it returns true. */
bool state_add_binding(struct state *state, struct binding_memory *memory);
bool state_add_target(struct state *state, struct target_memory *memory);
bool state_add_iface(struct state *state, struct iface_memory *memory);
bool state_add_device(struct state *state, struct device_memory *memory);
void state_free_binding(struct binding_memory *memory);
void state_free_target(struct target_memory *memory);
void state_free_iface(struct iface_memory *memory);
void state_free_device(struct device_memory *memory);
void state_forget(struct state *state); /* all of it */
void state_forget_wishes(struct state *state);

#endif
