/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Records and sessions, joined into a snapshot, and a walk of it. An input is a row of parts; the
 * first line of each says what it is:
 *   ifaces/FILE                         an iface record, its text follows
 *   nodes/...                           a node record, likewise
 *   session TARGET IFACE ADDRESS NETDEV one of the kernel's sessions
 */
#include "fuzz.h"

#include "engine.h"
#include "model.h"
#include "node.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { OBJECTS = 32, LINKS = 2 };

static const struct isif_log *const nowhere = NULL;
static const char *const no_names[] = { NULL };

/* A world, and what it borrows. */
static struct stage {
	struct world world;
	struct fuzz_text parts[OBJECTS];
	size_t part_count;
	struct isif_iface_record *ifaces[OBJECTS];
	const char *files[OBJECTS];
	struct isif_node *nodes[OBJECTS];
	struct isif_kernel_session kernels[OBJECTS];
	struct observed_session sessions[OBJECTS], *pointers[OBJECTS];
	struct isif_link links[LINKS];
	struct isif_link_address addresses[LINKS];
	struct isif_network network;
} stage;

/* --- the world --- */

static void set_up(void)
{
	stage = (struct stage){
		.links = {
			{ .index = 2, .name = "san0", .hwaddress = "02:00:00:00:00:02", .up = true,
			  .running = true, .addresses = 1, .other_names = no_names },
			{ .index = 3, .name = "san1", .hwaddress = "02:00:00:00:00:03",
			  .other_names = no_names, .order = 1 },
		},
		.addresses = { { .link = 2, .family = AF_INET, .octets = { 192, 0, 2, 1 } } },
		.network = { .references = 1, .link_count = LINKS, .address_count = 1,
			     .links = stage.links, .addresses = stage.addresses },
		.world = { .names = isif_names_new(), .ifaces = stage.ifaces,
			   .iface_files = stage.files, .nodes = stage.nodes,
			   .sessions = stage.pointers, .network = &stage.network,
			   .daemon_status = ISIF_DAEMON_UP,
			   .rebind_mode = ISIF_REBIND_RECORD_ONLY, .kernel_up = true,
			   .config_changed = true, .mono = 100000, .wall = 1800000000 },
	};
	MUST(stage.world.names);
}

static void tear_down(void)
{
	for (size_t i = 0; i < stage.world.iface_count; i++) {
		MUST(stage.ifaces[i]->references == 1);
		isif_iface_record_release(stage.ifaces[i]);
	}
	for (size_t i = 0; i < stage.world.node_count; i++) {
		MUST(stage.nodes[i]->references == 1);
		isif_node_release(stage.nodes[i]);
	}
	for (size_t i = 0; i < stage.world.session_count; i++)
		MUST(stage.kernels[i].references == 1);
	MUST(stage.network.references == 1);
	for (size_t i = 0; i < stage.part_count; i++)
		fuzz_free(&stage.parts[i]);
	isif_names_free(stage.world.names);
}

static void add_iface(const char *path, const char *text, size_t length)
{
	struct world *world = &stage.world;

	if (isif_iface_record_parse(path + strlen("ifaces/"), text, length, world->names,
				    &stage.ifaces[world->iface_count]) == ISIF_OK)
		stage.files[world->iface_count++] = path + strlen("ifaces/");
}

static void add_node(const char *path, const char *text, size_t length)
{
	struct world *world = &stage.world;

	if (isif_node_parse(path, text, length, world->names, NULL,
			    &stage.nodes[world->node_count]) == ISIF_OK)
		world->node_count++;
}

static const char *next_word(char **rest)
{
	const char *word = *rest ? strsep(rest, " ") : NULL;

	return word ? word : "";
}

static void add_session(char *words)
{
	size_t i = stage.world.session_count++;
	struct isif_kernel_session *kernel = &stage.kernels[i];

	*kernel = (struct isif_kernel_session){
		.references = 1,
		.sid = (uint32_t)i + 1,
		.host = (uint32_t)i,
		.tpgt = 1,
		.state = ISIF_SESSION_LOGGED_IN,
		.connection_up = true,
		.persistent_port = 3260,
		.port = 3260,
		.initiator = "iqn.host",
		.transport = "tcp",
		.local_address = "192.0.2.1",
		.hwaddress = "",
		.connection_state = "up",
	};
	kernel->target = next_word(&words);
	kernel->iface = next_word(&words);
	kernel->persistent_address = kernel->address = next_word(&words);
	kernel->netdev = next_word(&words);
	stage.sessions[i] = (struct observed_session){ .kernel = kernel, .path_link = 2 };
	stage.sessions[i].path_known = *kernel->netdev;
	stage.pointers[i] = &stage.sessions[i];
}

static void add_part(struct fuzz_text *part)
{
	char *newline = strchr(part->octets, '\n'), *text;
	size_t length;

	if (!newline)
		return;
	*newline = '\0';
	text = newline + 1;
	length = part->length - (size_t)(text - part->octets);
	if (!strncmp(part->octets, "ifaces/", strlen("ifaces/")))
		add_iface(part->octets, text, length);
	else if (!strncmp(part->octets, "nodes/", strlen("nodes/")))
		add_node(part->octets, text, length);
	else if (!strncmp(part->octets, "session ", strlen("session ")))
		add_session(part->octets + strlen("session "));
}

/* --- a walk --- */

/* Instances of a group: what a walk must show, whatever the order of its rows. */
static size_t count_instances(const struct mib_group *group, struct mib_view *view)
{
	struct mib_rows rows = { .first = view, .count = 1, .size = 1 };
	struct mib_value value;
	size_t count = 0;

	if (group->table.rows)
		rows = group->table.rows(view);
	for (size_t i = 0; i < group->column_count; i++)
		for (size_t j = 0; group->columns[i].access != ACCESS_NONE && j < rows.count; j++) {
			const void *row = rows.size ? (const char *)rows.first + j * rows.size
						    : ((const void *const *)rows.first)[j];

			count += mib_column_value(&group->columns[i], view, row, &value);
		}
	return count;
}

static bool is_greater(const mib_arc *a, size_t a_length, const mib_arc *b, size_t b_length)
{
	for (size_t i = 0; i < a_length && i < b_length; i++)
		if (a[i] != b[i])
			return a[i] > b[i];
	return a_length > b_length;
}

/* Every instance once, in order, and each can be asked for. */
static void check_walk(const struct isif_snapshot *snapshot)
{
	static const struct mib_agent agent = { .version = "1", .control_mode = 1 };
	struct mib_view view = { .snapshot = snapshot, .agent = &agent, .mono = 100000 };
	mib_arc *names = calloc(2, MIB_OID_LIMIT * sizeof(*names)), *next = names;
	mib_arc *name = names + MIB_OID_LIMIT, *swap;
	size_t expected = 0, seen = 0, length = 0, next_length;
	struct mib_value value, again;

	MUST(names);
	for (size_t i = 0; i < mib_group_count; i++)
		expected += count_instances(&mib_groups[i], &view);
	while (engine_next(&view, name, length, next, &next_length, &value) == ENGINE_VALUE) {
		MUST(next_length <= MIB_OID_LIMIT && is_greater(next, next_length, name, length));
		MUST(engine_get(&view, next, next_length, &again) == ENGINE_VALUE);
		MUST(again.tag == value.tag && ++seen <= expected);
		MUST(value.tag != MIB_OCTETS || value.length <= 255);
		swap = name;
		name = next;
		next = swap;
		length = next_length;
	}
	MUST(seen == expected);
	free(names);
}

/* --- two builds --- */

static struct isif_snapshot *build(struct state *state, const struct isif_snapshot *previous)
{
	struct isif_snapshot *snapshot = NULL;

	MUST(model_build(&stage.world, state, previous, &snapshot) == ISIF_OK && snapshot);
	MUST(snapshot->session_count == stage.world.session_count);
	MUST(snapshot->binding_count <= stage.world.node_count);
	return snapshot;
}

/* Nothing has changed: each row is the one that was there. */
static void check_shared(const struct isif_snapshot *a, const struct isif_snapshot *b)
{
	MUST(a->iface_count == b->iface_count && a->binding_count == b->binding_count);
	MUST(a->target_count == b->target_count && a->setting_count == b->setting_count);
	for (uint32_t i = 0; i < a->iface_count; i++)
		MUST(a->ifaces[i] == b->ifaces[i]);
	for (uint32_t i = 0; i < a->binding_count; i++)
		MUST(a->bindings[i] == b->bindings[i]);
	for (uint32_t i = 0; i < a->session_count; i++)
		MUST(a->sessions[i] == b->sessions[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *octets, size_t length)
{
	struct fuzz_input input = { (const char *)octets, (const char *)octets + length };
	struct isif_snapshot *first, *second, *third;
	struct state *state;

	set_up();
	while (input.at < input.end && stage.part_count < OBJECTS) {
		stage.parts[stage.part_count] = fuzz_take_part(&input);
		add_part(&stage.parts[stage.part_count++]);
	}
	MUST(state_open(NULL, stage.world.names, nowhere, &state) == ISIF_OK);
	first = build(state, NULL);
	stage.world.config_changed = false;
	second = build(state, first);
	third = build(state, second);
	check_shared(second, third);
	check_walk(third);
	isif_snapshot_release(first);
	isif_snapshot_release(second);
	isif_snapshot_release(third);
	state_close(state);
	tear_down();
	return 0;
}
