/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct stage stage;

static const char *const no_names[] = { NULL };

static const struct isif_link links[STAGE_LINKS] = {
	{ .index = LO, .name = "lo", .up = true, .running = true },
	{ .index = SAN0,
	  .name = "san0",
	  .hwaddress = SAN0_HWADDRESS,
	  .up = true,
	  .running = true,
	  .addresses = 1 },
	{ .index = SAN1,
	  .name = "san1",
	  .hwaddress = SAN1_HWADDRESS,
	  .up = true,
	  .running = true,
	  .addresses = 1 },
	{ .index = NO_CARRIER,
	  .name = "pulled",
	  .hwaddress = "02:00:00:00:00:04",
	  .up = true,
	  .addresses = 1 },
	{ .index = NO_ADDRESS,
	  .name = "bare",
	  .hwaddress = "02:00:00:00:00:05",
	  .up = true,
	  .running = true },
	{ .index = TWIN0,
	  .name = "twin0",
	  .hwaddress = TWIN_HWADDRESS,
	  .up = true,
	  .running = true,
	  .addresses = 1 },
	{ .index = TWIN1,
	  .name = "twin1",
	  .hwaddress = TWIN_HWADDRESS,
	  .up = true,
	  .running = true,
	  .addresses = 1 },
};

void stage_open(void)
{
	stage = (struct stage){
		.names = isif_names_new(),
		.addresses = {
			{ .link = SAN0, .family = AF_INET, .octets = { 192, 0, 2, 1 } },
			{ .link = SAN1, .family = AF_INET, .octets = { 192, 0, 2, 2 } },
		},
		.network = {
			.references = 1,
			.link_count = STAGE_LINKS,
			.address_count = 2,
			.links = stage.links,
			.addresses = stage.addresses,
		},
	};
	stage.log = log_into(&stage.lines);
	for (size_t i = 0; i < STAGE_LINKS; i++) {
		stage.links[i] = links[i];
		stage.links[i].other_names = no_names;
		stage.links[i].order = (uint32_t)i;
	}
	for (size_t i = 0; i < STAGE_SIZE; i++)
		stage.pointers[i] = &stage.sessions[i];
	stage.world = (struct world){
		.names = stage.names,
		.ifaces = stage.ifaces,
		.iface_files = stage.files,
		.nodes = stage.nodes,
		.sessions = stage.pointers,
		.network = &stage.network,
		.record_directory = isif_name_get(stage.names, "/etc/iscsi", 10),
		.initiator_name = isif_name_get(stage.names, "iqn.host", 8),
		.daemon_status = ISIF_DAEMON_UP,
		.rebind_mode = ISIF_REBIND_RECORD_ONLY,
		.kernel_up = true,
		.mono = 100000,
		.wall = 1800000000,
		.log = &stage.log,
	};
	CU_ASSERT_EQUAL_FATAL(state_open(NULL, stage.names, &stage.log, &stage.state), ISIF_OK);
}

void stage_close(void)
{
	isif_snapshot_release(stage.snapshot);
	state_close(stage.state);
	for (size_t i = 0; i < stage.world.iface_count; i++) {
		CU_ASSERT_EQUAL(stage.ifaces[i]->references, 1);
		isif_iface_record_release(stage.ifaces[i]);
	}
	for (size_t i = 0; i < stage.world.node_count; i++) {
		CU_ASSERT_EQUAL(stage.nodes[i]->references, 1);
		isif_node_release(stage.nodes[i]);
	}
	for (size_t i = 0; i < stage.world.session_count; i++)
		CU_ASSERT_EQUAL(stage.kernels[i].references, 1);
	CU_ASSERT_EQUAL(stage.network.references, 1);
	isif_name_release(stage.world.record_directory);
	isif_name_release(stage.world.initiator_name);
	isif_names_free(stage.names);
}

void stage_iface(const char *file, const char *text)
{
	size_t i = stage.world.iface_count++;

	CU_ASSERT_TRUE_FATAL(i < STAGE_SIZE);
	stage.files[i] = file;
	CU_ASSERT_EQUAL_FATAL(
		isif_iface_record_parse(file, text, strlen(text), stage.names, &stage.ifaces[i]),
		ISIF_OK);
	stage.world.config_changed = true;
}

void stage_remove_iface(const char *file)
{
	for (size_t i = 0; i < stage.world.iface_count; i++) {
		if (strcmp(stage.files[i], file))
			continue;
		isif_iface_record_release(stage.ifaces[i]);
		stage.ifaces[i] = stage.ifaces[--stage.world.iface_count];
		stage.files[i] = stage.files[stage.world.iface_count];
	}
	stage.world.config_changed = true;
}

struct isif_node *stage_node_text(const char *path, const char *text)
{
	size_t i = stage.world.node_count++;

	CU_ASSERT_TRUE_FATAL(i < STAGE_SIZE);
	CU_ASSERT_EQUAL_FATAL(
		isif_node_parse(path, text, strlen(text), stage.names, NULL, &stage.nodes[i]),
		ISIF_OK);
	stage.world.config_changed = true;
	return stage.nodes[i];
}

struct isif_node *stage_node(const char *target, const char *iface, const char *settings)
{
	char path[512], text[1024];

	snprintf(path, sizeof(path), "nodes/%s/192.0.2.10,3260,1/%s", target, iface);
	snprintf(text, sizeof(text),
		 "iface.iscsi_ifacename = %s\niface.transport_name = tcp\n%s# END RECORD\n", iface,
		 settings);
	return stage_node_text(path, text);
}

struct observed_session *stage_session(uint32_t sid, const char *target, const char *iface)
{
	size_t i = stage.world.session_count++;

	CU_ASSERT_TRUE_FATAL(i < STAGE_SIZE);
	/* A row of the last build may still hold what stood here before. */
	stage.kernels[i] = (struct isif_kernel_session){
		.references = stage.kernels[i].references ? stage.kernels[i].references : 1,
		.sid = sid,
		.host = sid,
		.tpgt = 1,
		.state = ISIF_SESSION_LOGGED_IN,
		.connection_up = true,
		.persistent_port = 3260,
		.port = 3260,
		.local_port = 40000,
		.target = target,
		.iface = iface,
		.initiator = "iqn.host",
		.transport = "tcp",
		.persistent_address = "192.0.2.10",
		.address = "192.0.2.10",
		.local_address = "192.0.2.1",
		.netdev = "",
		.hwaddress = "",
		.connection_state = "up",
	};
	stage.sessions[i] = (struct observed_session){ .kernel = &stage.kernels[i],
						       .path_known = true,
						       .path_link = SAN0 };
	return &stage.sessions[i];
}

/* Only the last one can go: the world's sessions lie side by side, sorted. */
void stage_remove_session(uint32_t sid)
{
	size_t last = stage.world.session_count - 1;

	CU_ASSERT_EQUAL_FATAL(stage.kernels[last].sid, sid);
	stage.world.session_count = last;
}

const struct isif_snapshot *stage_build(void)
{
	struct isif_snapshot *fresh = NULL;

	CU_ASSERT_EQUAL_FATAL(model_build(&stage.world, stage.state, stage.snapshot, &fresh),
			      ISIF_OK);
	isif_snapshot_release(stage.snapshot);
	stage.snapshot = fresh;
	stage.world.config_changed = false;
	return fresh;
}

const struct isif_iface *iface_row(const char *name)
{
	for (uint32_t i = 0; i < stage.snapshot->iface_count; i++)
		if (!strcmp(stage.snapshot->ifaces[i]->name->text, name))
			return stage.snapshot->ifaces[i];
	return NULL;
}

const struct isif_binding *binding_row(const char *target, const char *iface)
{
	for (uint32_t i = 0; i < stage.snapshot->binding_count; i++) {
		const struct isif_node *node = stage.snapshot->bindings[i]->node;

		if (!strcmp(node->target->text, target) && !strcmp(node->iface->text, iface))
			return stage.snapshot->bindings[i];
	}
	return NULL;
}

const struct isif_session *session_row(uint32_t sid)
{
	for (uint32_t i = 0; i < stage.snapshot->session_count; i++)
		if (stage.snapshot->sessions[i]->kernel->sid == sid)
			return stage.snapshot->sessions[i];
	return NULL;
}

const struct isif_target *target_row(const char *name)
{
	for (uint32_t i = 0; i < stage.snapshot->target_count; i++)
		if (!strcmp(stage.snapshot->targets[i]->name->text, name))
			return stage.snapshot->targets[i];
	return NULL;
}

const struct isif_transport *transport_row(const char *name)
{
	for (uint32_t i = 0; i < stage.snapshot->transport_count; i++)
		if (!strcmp(stage.snapshot->transports[i]->name->text, name))
			return stage.snapshot->transports[i];
	return NULL;
}

const char *setting_value(const char *iface, const char *name)
{
	const struct isif_iface *row = iface_row(iface);

	for (uint32_t i = 0; row && i < row->setting_count; i++)
		if (!strcmp(row->settings[i].name, name))
			return row->settings[i].value;
	return NULL;
}
