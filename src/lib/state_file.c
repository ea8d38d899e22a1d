/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The state file: lines of fields with one blank between them, names last and escaped. The "end"
 * line proves that it is whole. Behind it come changes, each with an "end" of its own: a line about
 * what is known already replaces it, and "wishes" voids all earlier ones. Every save is synced
 * before what it says is relied on, so that a tail that is torn was never relied on.
 */
#include "state_file.h"

#include "cleanup.h"
#include "escape.h"
#include "words.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define HEADER	   "iscsi-ifaced state 1\n"
#define END	   "end"
#define WISHES	   "wishes"
#define FIELD_SIZE 1024 /* of an escaped name: 255 octets, each as %XX, and the NUL */
#define ASIDE_NAME STATE_FILE "bad"
#define WHERE	   "(" STATE_FILE " in the state directory)"

static void write_name(FILE *file, const struct isif_name *name)
{
	escape_write(file, name ? name->text : "", name ? name->length : 0);
}

static void write_next(FILE *file, const struct state *state)
{
	fprintf(file, "next %" PRIu32 " %" PRIu32 "\n", state->next_binding, state->next_target);
}

/* What managers set; a version that does not know these lines skips them. */
static void write_wishes(FILE *file, const struct state *state)
{
	for (size_t i = 0; i < state->ifaces.size; i++) {
		const struct iface_memory *memory = state->ifaces.slots[i].item;

		if (!memory)
			continue;
		fprintf(file, "iface %d %d", (int)memory->mode, (int)memory->configured);
		write_name(file, memory->name);
		fputc('\n', file);
	}
	for (size_t i = 0; i < state->devices.size; i++) {
		const struct device_memory *memory = state->devices.slots[i].item;

		if (!memory)
			continue;
		fprintf(file, "device %d", (int)memory->alert);
		write_name(file, memory->iface);
		fputc('\n', file);
	}
	for (unsigned i = 0; i < ISIF_KEPT_NUMBERS; i++)
		if (state->kept[i].set)
			fprintf(file, "kept %u %" PRIu32 " %" PRIu32 "\n", i, state->kept[i].value,
				state->kept[i].configured);
}

static void write_binding(FILE *file, const struct binding_memory *memory)
{
	fprintf(file,
		"binding %" PRIu32 " %d %d %" PRIu32 " %" PRIu32 " %" PRId64 " %" PRId64 " %" PRIu64
		" %" PRId64 " %u %" PRId32,
		memory->index, (int)memory->admin, (int)memory->oper, memory->sid, memory->losses,
		memory->up_since, memory->last_loss, memory->up_since_mono, memory->gone_since,
		memory->port, memory->tpgt);
	write_name(file, memory->address);
	write_name(file, memory->iface);
	write_name(file, memory->target);
	write_name(file, memory->last_error);
	fprintf(file, " %d\n", (int)memory->alert);
}

static void write_target(FILE *file, const struct target_memory *memory)
{
	fprintf(file, "target %" PRIu32 " %" PRId64, memory->index, memory->gone_since);
	write_name(file, memory->name);
	fputc('\n', file);
}

static void write_all(FILE *file, const struct state *state)
{
	fprintf(file, HEADER "boot %s\n", state->boot);
	write_next(file, state);
	for (size_t i = 0; i < state->bindings.size; i++)
		if (state->bindings.slots[i].item)
			write_binding(file, state->bindings.slots[i].item);
	for (size_t i = 0; i < state->targets.size; i++)
		if (state->targets.slots[i].item)
			write_target(file, state->targets.slots[i].item);
	write_wishes(file, state);
	fputs(END "\n", file);
}

static void write_changes(FILE *file, const struct state *state)
{
	write_next(file, state);
	for (const struct binding_memory *memory = state->unsaved_bindings; memory;
	     memory = memory->next_unsaved)
		write_binding(file, memory);
	for (const struct target_memory *memory = state->unsaved_targets; memory;
	     memory = memory->next_unsaved)
		write_target(file, memory);
	if (state->unsaved_wishes) {
		fputs(WISHES "\n", file);
		write_wishes(file, state);
	}
	fputs(END "\n", file);
}

static enum isif_error text_by(const struct state *state,
			       void (*write)(FILE *file, const struct state *state), char **text,
			       size_t *length)
{
	FILE *file = open_memstream(text, length);

	if (!file)
		return ISIF_NO_MEMORY;
	write(file, state);
	if (escape_close(file))
		return ISIF_OK;
	free(TAKE(*text));
	return ISIF_NO_MEMORY;
}

enum isif_error state_file_text(struct state *state, char **text, size_t *length)
{
	enum isif_error error = text_by(state, write_all, text, length);

	if (error)
		return error;
	state->whole = *length;
	state->grown = 0;
	return ISIF_OK;
}

enum isif_error state_file_append(struct state *state, bool sync)
{
	CLEANUP_FREE char *text = NULL;
	size_t length;
	enum isif_error error = text_by(state, write_changes, &text, &length);

	if (!error)
		error = state->gate->operations->state_append(state->gate, STATE_FILE, text, length,
							      sync);
	if (!error)
		state->grown += length;
	return error;
}

enum isif_error state_file_write(struct state *state)
{
	CLEANUP_FREE char *text = NULL;
	size_t length;
	enum isif_error error = state_file_text(state, &text, &length);

	return error ? error
		     : state->gate->operations->state_write(state->gate, STATE_FILE, text, length);
}

static bool read_name(struct isif_names *names, const char **at, struct isif_name **name)
{
	char text[FIELD_SIZE];
	size_t length;

	if (!escape_read(at, text, sizeof(text), &length))
		return false;
	*name = isif_name_get(names, text, length);
	return *name;
}

/* What the lines say together. */
struct reading {
	bool same_boot;
	bool contradictory;
};

/* What was known of the binding by an earlier line is void, but for its index. */
static bool replace_binding(struct state *state, struct reading *reading,
			    struct binding_memory *memory)
{
	struct binding_memory *old = state_find_binding(state, &(struct isif_node){
								       .target = memory->target,
								       .address = memory->address,
								       .iface = memory->iface,
								       .port = memory->port,
								       .tpgt = memory->tpgt,
							       });

	if (old) {
		reading->contradictory |= old->index != memory->index;
		state_take_binding(state, old);
		state_free_binding(old);
	}
	return state_add_binding(state, memory);
}

static bool read_binding(struct state *state, struct reading *reading, const char *line)
{
	struct binding_memory *memory = calloc(1, sizeof(*memory));
	int admin, oper, alert = ALERT_NONE, used = 0;
	unsigned port;
	bool good;

	if (!memory)
		return false;
	good = sscanf(line,
		      "binding %" SCNu32 " %d %d %" SCNu32 " %" SCNu32 " %" SCNd64 " %" SCNd64
		      " %" SCNu64 " %" SCNd64 " %u %" SCNd32 "%n",
		      &memory->index, &admin, &oper, &memory->sid, &memory->losses,
		      &memory->up_since, &memory->last_loss, &memory->up_since_mono,
		      &memory->gone_since, &port, &memory->tpgt, &used) == 11 &&
	       port <= UINT16_MAX && memory->index && memory->index <= STATE_LAST_INDEX &&
	       admin >= 0 && admin <= ISIF_ADMIN_LOGGED_OUT && oper >= 0 &&
	       oper <= ISIF_OPER_LOGGING_OUT;
	line += used;
	good = good && read_name(state->names, &line, &memory->address) &&
	       read_name(state->names, &line, &memory->iface) &&
	       read_name(state->names, &line, &memory->target) &&
	       read_name(state->names, &line, &memory->last_error) &&
	       (!*line || sscanf(line, " %d", &alert) == 1) && alert >= ALERT_NONE &&
	       alert <= ALERT_MISROUTED;
	if (good) {
		memory->port = (uint16_t)port;
		memory->admin = (enum isif_admin_status)admin;
		memory->oper = (enum isif_oper_status)oper;
		memory->alert = (enum alert)alert;
		if (!memory->last_error->length) {
			isif_name_release(memory->last_error);
			memory->last_error = NULL;
		}
		/* Sessions do not survive a boot, nor does what was judged by them. */
		if (!reading->same_boot) {
			memory->oper = 0;
			memory->sid = 0;
			memory->up_since = 0;
			memory->up_since_mono = 0;
		}
	}
	if (good && replace_binding(state, reading, memory))
		return true;
	state_free_binding(memory);
	return false;
}

static bool replace_target(struct state *state, struct reading *reading,
			   struct target_memory *memory)
{
	struct target_memory *old = state_find_target(state, memory->name);

	if (old) {
		reading->contradictory |= old->index != memory->index;
		state_take_target(state, old);
		state_free_target(old);
	}
	return state_add_target(state, memory);
}

static bool read_target(struct state *state, struct reading *reading, const char *line)
{
	struct target_memory *memory = calloc(1, sizeof(*memory));
	int used = 0;

	if (!memory)
		return false;
	if (sscanf(line, "target %" SCNu32 " %" SCNd64 "%n", &memory->index, &memory->gone_since,
		   &used) == 2 &&
	    memory->index && memory->index <= STATE_LAST_INDEX) {
		line += used;
		if (read_name(state->names, &line, &memory->name) &&
		    replace_target(state, reading, memory))
			return true;
	}
	state_free_target(memory);
	return false;
}

static bool read_iface(struct state *state, const char *line)
{
	struct iface_memory *memory = calloc(1, sizeof(*memory));
	int mode, configured, used = 0;

	if (!memory)
		return false;
	if (sscanf(line, "iface %d %d%n", &mode, &configured, &used) == 2 &&
	    mode >= ISIF_REBIND_RECORD_ONLY && mode <= ISIF_REBIND_RELOGIN &&
	    configured >= ISIF_REBIND_RECORD_ONLY && configured <= ISIF_REBIND_RELOGIN) {
		memory->mode = (enum isif_rebind_mode)mode;
		memory->configured = (enum isif_rebind_mode)configured;
		line += used;
		if (read_name(state->names, &line, &memory->name) && state_add_iface(state, memory))
			return true;
	}
	state_free_iface(memory);
	return false;
}

static bool read_device(struct state *state, const char *line)
{
	struct device_memory *memory = calloc(1, sizeof(*memory));
	int alert, used = 0;

	if (!memory)
		return false;
	if (sscanf(line, "device %d%n", &alert, &used) == 1 && alert > DEVICE_UNKNOWN &&
	    alert <= DEVICE_LOST) {
		memory->alert = (enum device_alert)alert;
		line += used;
		if (read_name(state->names, &line, &memory->iface) &&
		    state_add_device(state, memory))
			return true;
	}
	state_free_device(memory);
	return false;
}

static bool read_kept(struct state *state, const char *line)
{
	struct kept_number kept = { .set = true };
	unsigned which;

	if (sscanf(line, "kept %u %" SCNu32 " %" SCNu32, &which, &kept.value, &kept.configured) !=
	    3)
		return false;
	/* A later version may keep more. */
	if (which < ISIF_KEPT_NUMBERS)
		state->kept[which] = kept;
	return true;
}

static bool read_next(struct state *state, const char *line)
{
	uint32_t binding, target;

	if (sscanf(line, "next %" SCNu32 " %" SCNu32, &binding, &target) != 2 ||
	    binding < STATE_FIRST_INDEX || binding > STATE_LAST_INDEX || !target ||
	    target > STATE_LAST_INDEX)
		return false;
	state->next_binding = binding;
	state->next_target = target;
	return true;
}

static bool begins(const char *line, const char *word)
{
	return !strncmp(line, word, strlen(word));
}

static bool read_line(struct state *state, struct reading *reading, const char *line)
{
	char boot[40];

	if (sscanf(line, "boot %39s", boot) == 1)
		reading->same_boot = !strcmp(boot, state->boot);
	else if (!strcmp(line, WISHES))
		state_forget_wishes(state);
	else if (begins(line, "next "))
		return read_next(state, line);
	else if (begins(line, "binding "))
		return read_binding(state, reading, line);
	else if (begins(line, "target "))
		return read_target(state, reading, line);
	else if (begins(line, "iface "))
		return read_iface(state, line);
	else if (begins(line, "device "))
		return read_device(state, line);
	else if (begins(line, "kept "))
		return read_kept(state, line);
	return true;
}

static int compare_indexes(const void *a, const void *b)
{
	uint32_t one = *(const uint32_t *)a, other = *(const uint32_t *)b;

	return (one > other) - (one < other);
}

static bool have_double(uint32_t *indexes, size_t count)
{
	qsort(indexes, count, sizeof(*indexes), compare_indexes);
	for (size_t i = 1; i < count; i++)
		if (indexes[i - 1] == indexes[i])
			return true;
	return false;
}

/* No index is that of two bindings, or of two targets; false with ENOMEM: there was no memory. */
static bool indexes_differ(const struct state *state)
{
	CLEANUP_FREE uint32_t *bindings = calloc(state->bindings.used + 1, sizeof(*bindings));
	CLEANUP_FREE uint32_t *targets = calloc(state->targets.used + 1, sizeof(*targets));
	size_t count = 0;

	if (!bindings || !targets)
		return false;
	for (size_t i = 0; i < state->bindings.size; i++)
		if (state->bindings.slots[i].item)
			bindings[count++] =
				((struct binding_memory *)state->bindings.slots[i].item)->index;
	if (have_double(bindings, count))
		return false;
	count = 0;
	for (size_t i = 0; i < state->targets.size; i++)
		if (state->targets.slots[i].item)
			targets[count++] =
				((struct target_memory *)state->targets.slots[i].item)->index;
	return !have_double(targets, count);
}

/*
 * Returns true if the file was whole when it was written, and every line of that was understood.
 * Of what was appended later all counts that can be understood. No crash makes lines that
 * contradict each other: then nothing of it can be believed.
 */
static bool read_all(struct state *state, char *text)
{
	struct reading reading = { 0 };
	bool whole = false, ended = false;

	if (!begins(text, HEADER))
		return false;
	for (char *line = text + strlen(HEADER), *newline; *line; line = newline + 1) {
		newline = strchr(line, '\n');
		if (newline)
			*newline = '\0';
		ended = newline && !strcmp(line, END);
		if (!newline || !read_line(state, &reading, line))
			break;
		whole |= ended;
	}
	if (errno == ENOMEM || !whole || !state->next_binding || reading.contradictory ||
	    !indexes_differ(state))
		return false;
	if (!ended)
		isif_log_line(state->log, ISIF_LOG_NOTICE,
			      "the end of the state file " WHERE " is torn, as after a crash: "
			      "what was being written then is forgotten");
	return true;
}

static uint32_t higher(uint32_t one, uint32_t other)
{
	return one > other ? one : other;
}

/* The damaged file itself stays until the next save replaces it. */
static void put_aside(struct state *state, const char *text, size_t length)
{
	const uint32_t binding = words_highest(text, length, "binding ", STATE_LAST_INDEX) + 1;
	const uint32_t target = words_highest(text, length, "target ", STATE_LAST_INDEX) + 1;
	const uint32_t next_binding = higher(binding, state->next_binding);
	const uint32_t next_target = higher(target, state->next_target);
	enum isif_error error;

	state_forget(state);
	state->next_binding = next_binding;
	state->next_target = next_target;
	state->manager_index = words_highest(text, length, "binding ", STATE_FIRST_INDEX - 1);
	state->changed = true;
	error = state->gate->operations->state_write(state->gate, ASIDE_NAME, text, length);
	isif_log_line(state->log, ISIF_LOG_ERROR,
		      "the state file " WHERE " is damaged and %s as " ASIDE_NAME
		      ": bindings get new indexes, wanted states are taken from node.startup",
		      error ? "could not be put aside" : "was put aside");
}

enum isif_error state_file_read(struct state *state)
{
	CLEANUP_FREE char *text = NULL;
	CLEANUP_FREE char *copy = NULL;
	size_t length;
	enum isif_error error = ISIF_UNAVAILABLE;

	if (state->gate)
		error = state->gate->operations->state_read(state->gate, STATE_FILE, &text,
							    &length);
	if (error && error != ISIF_NOT_FOUND && error != ISIF_UNAVAILABLE &&
	    error != ISIF_NO_MEMORY)
		isif_log_line(state->log, ISIF_LOG_ERROR,
			      "cannot read the state file " WHERE
			      ": %s; bindings get new indexes, wanted states are taken from "
			      "node.startup",
			      isif_error_text(error));
	if (error)
		return error;
	copy = strndup(text, length);
	if (!copy)
		return ISIF_NO_MEMORY;
	errno = 0;
	if (read_all(state, copy))
		return ISIF_OK;
	if (errno == ENOMEM)
		return ISIF_NO_MEMORY;
	put_aside(state, text, length);
	return ISIF_INVALID;
}
