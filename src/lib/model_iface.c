/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model.h"

#include "cleanup.h"
#include "hash.h"
#include "record.h"
#include "snapshot_find.h"

#include <string.h>

/* MIB: iscsiIfaceName is 1..64 octets, iscsiIfaceSettingName 1..40. */
#define NAME_LIMIT    64
#define SETTING_LIMIT 40

static const char *value_of(const struct isif_record *record, const char *key)
{
	const char *value = isif_record_value(record, key);

	return value && !isif_setting_is_unset(key + strlen("iface."), value) ? value : "";
}

void model_iface_settings(const struct isif_record *record, struct iface_join *join)
{
	join->transport = value_of(record, "iface.transport_name");
	join->hwaddress = value_of(record, "iface.hwaddress");
	join->ipaddress = value_of(record, "iface.ipaddress");
	join->netdev = value_of(record, "iface.net_ifacename");
	join->initiator = value_of(record, "iface.initiatorname");
	join->kind = isif_transport_is_software(join->transport) || !*join->transport
			     ? ISIF_KIND_SOFTWARE
			     : ISIF_KIND_OFFLOAD;
}

static enum isif_device_status status_of(const struct isif_link *link)
{
	if (!link->up || !link->running)
		return ISIF_DEVICE_LINK_DOWN;
	return link->addresses ? ISIF_DEVICE_UP : ISIF_DEVICE_NO_ADDRESS;
}

/* The order is that of usr/io.c:bind_conn_to_iface; it binds for tcp alone. */
void model_wanted_path(const struct isif_network *network, struct iface_join *join)
{
	struct wanted_path *wanted = &join->wanted;
	const struct isif_link *link = NULL;
	uint32_t matches = 0;

	*wanted = (struct wanted_path){ .bound_by = ISIF_BOUND_NONE,
					.status = ISIF_DEVICE_NOT_APPLICABLE };
	if (!strcmp(join->transport, "iser"))
		return;
	if (*join->hwaddress) {
		wanted->bound_by = ISIF_BOUND_HWADDRESS;
		wanted->hwaddress = join->hwaddress;
		link = isif_network_with_hwaddress(network, join->hwaddress, &matches);
	} else if (*join->netdev) {
		wanted->bound_by = ISIF_BOUND_NET_IFACE;
		link = isif_network_named(network, join->netdev);
	} else if (*join->ipaddress) {
		struct isif_address address;

		wanted->bound_by = ISIF_BOUND_IPADDRESS;
		isif_address_parse(join->ipaddress, &address);
		link = isif_network_owner(network, &address);
	} else {
		return;
	}
	/* The address of an offload port is in the card: no device of the host has it. */
	if (join->kind == ISIF_KIND_OFFLOAD)
		return;
	wanted->link = link ? link->index : 0;
	wanted->carrier_losses = link ? link->carrier_losses : 0;
	if (!link)
		wanted->status = ISIF_DEVICE_MISSING;
	else
		wanted->status = matches > 1 ? ISIF_DEVICE_AMBIGUOUS : status_of(link);
}

enum isif_path model_path(const struct isif_network *network, const struct wanted_path *wanted,
			  const struct observed_session *session)
{
	const struct isif_link *link;

	if (session->gone || session->kernel->state != ISIF_SESSION_LOGGED_IN)
		return ISIF_PATH_NOT_APPLICABLE;
	if (!isif_transport_is_software(session->kernel->transport))
		return ISIF_PATH_NOT_APPLICABLE;
	link = session->path_known ? isif_network_link(network, session->path_link) : NULL;
	/* A device that is gone carries nothing, be it the right one or not. */
	if (!link)
		return ISIF_PATH_UNKNOWN;
	switch (wanted->bound_by) {
	case ISIF_BOUND_HWADDRESS:
		return strcasecmp(link->hwaddress, wanted->hwaddress) ? ISIF_PATH_WRONG
								      : ISIF_PATH_OK;
	case ISIF_BOUND_NET_IFACE:
	case ISIF_BOUND_IPADDRESS:
		return link->index == wanted->link ? ISIF_PATH_OK : ISIF_PATH_WRONG;
	case ISIF_BOUND_NONE:
		break;
	}
	return ISIF_PATH_OK;
}

enum isif_group_status model_group_status(uint32_t wanted, uint32_t up)
{
	if (!wanted)
		return ISIF_GROUP_IDLE;
	if (up >= wanted)
		return ISIF_GROUP_UP;
	return up ? ISIF_GROUP_DEGRADED : ISIF_GROUP_DOWN;
}

static int compare_joins(const void *a, const void *b)
{
	const struct iface_join *one = a, *other = b;

	return isif_index_compare(one->name->text, one->name->length, other->name->text,
				  other->name->length);
}

static bool join_matches(const void *item, const void *key)
{
	return ((const struct iface_join *)item)->name == key;
}

struct iface_join *model_find_iface(const struct build *build, const struct isif_name *name)
{
	return hash_find(&build->ifaces_by_name, name->hash, join_matches, name);
}

static enum isif_error add_built_in(struct build *build, const char *name, const char *transport)
{
	struct iface_join *join = &build->ifaces[build->iface_count];

	*join = (struct iface_join){
		.name = isif_name_get(build->world->names, name, strlen(name)),
		.kind = ISIF_KIND_BUILT_IN,
		.transport = transport,
		.hwaddress = "",
		.ipaddress = "",
		.netdev = "",
		.initiator = "",
		.wanted = { .bound_by = ISIF_BOUND_NONE, .status = ISIF_DEVICE_NOT_APPLICABLE },
	};
	if (!join->name)
		return ISIF_NO_MEMORY;
	build->iface_count++;
	return ISIF_OK;
}

static void unusable(struct build *build, const char *file, const char *why)
{
	build->unusable++;
	complain(&build->state->complaints, build->world->names, build->world->log,
		 "record ifaces/%s %s; it is not shown", file, why);
}

static bool is_built_in(const char *name)
{
	return !strcmp(name, "default") || !strcmp(name, "iser");
}

static bool has_its_name(const struct iface_join *join)
{
	return !join->record || !strcmp(join->file, join->name->text);
}

/* Of two records that claim one name, the one whose file has that name is believed. */
static void drop_doubles(struct build *build)
{
	size_t kept = 0;

	for (size_t i = 0; i < build->iface_count; i++) {
		struct iface_join *join = &build->ifaces[i];
		struct iface_join *before = kept ? &build->ifaces[kept - 1] : NULL;

		if (!before || before->name != join->name) {
			build->ifaces[kept++] = *join;
			continue;
		}
		if (has_its_name(join)) {
			struct iface_join other = *before;

			*before = *join;
			*join = other;
		}
		unusable(build, join->file, "gives itself a name that another record has");
		isif_name_release(join->name);
	}
	build->iface_count = kept;
}

enum isif_error model_ifaces_collect(struct build *build)
{
	const struct world *world = build->world;

	build->ifaces = calloc(world->iface_count + 2, sizeof(*build->ifaces));
	if (!build->ifaces)
		return ISIF_NO_MEMORY;
	if (add_built_in(build, "default", "tcp") || add_built_in(build, "iser", "iser"))
		return ISIF_NO_MEMORY;
	for (size_t i = 0; i < world->iface_count; i++) {
		struct isif_iface_record *record = world->ifaces[i];
		struct iface_join *join = &build->ifaces[build->iface_count];

		if (!record->name->length || record->name->length > NAME_LIMIT) {
			unusable(build, world->iface_files[i], "has a name of over 64 octets");
			continue;
		}
		if (is_built_in(record->name->text)) {
			unusable(build, world->iface_files[i],
				 "has the name of a built-in iface, which open-iscsi uses instead");
			continue;
		}
		*join = (struct iface_join){
			.name = isif_name_hold(record->name),
			.record = record,
			.file = world->iface_files[i],
		};
		model_iface_settings(record->record, join);
		model_wanted_path(world->network, join);
		build->iface_count++;
	}
	qsort(build->ifaces, build->iface_count, sizeof(*build->ifaces), compare_joins);
	drop_doubles(build);
	for (size_t i = 0; i < build->iface_count; i++)
		if (!hash_add(&build->ifaces_by_name, build->ifaces[i].name->hash,
			      &build->ifaces[i]))
			return ISIF_NO_MEMORY;
	return ISIF_OK;
}

static bool applies(const struct isif_setting *setting, enum isif_iface_kind kind,
		    enum isif_setting_family family)
{
	if (kind != ISIF_KIND_OFFLOAD)
		return setting->software;
	return setting->family == ISIF_FAMILY_ANY || setting->family == family;
}

static int compare_settings(const void *a, const void *b)
{
	const struct isif_iface_setting *one = a, *other = b;

	return isif_index_compare(one->name, strlen(one->name), other->name, strlen(other->name));
}

/* Value of a setting as its record writes it; a built-in iface has two. */
static const char *written_value(const struct isif_iface *row, const char *name)
{
	if (!strcmp(name, "iscsi_ifacename"))
		return row->name->text;
	if (row->record)
		return record_setting(row->record, name);
	return !strcmp(name, "transport_name") ? row->transport : "";
}

static void add_setting(struct isif_iface *row, const struct isif_setting *setting,
			const char *name)
{
	row->settings[row->setting_count++] = (struct isif_iface_setting){
		.iface = row, .setting = setting, .name = name, .value = written_value(row, name)
	};
}

/* Every setting that can apply, and whatever else the record holds, once. */
static void add_settings(struct isif_iface *row)
{
	const size_t prefix = strlen("iface.");
	size_t count;
	const struct isif_setting *catalogue = isif_settings(&count);
	const char *bootproto =
		row->record ? isif_record_value(row->record, "iface.bootproto") : NULL;
	enum isif_setting_family family =
		isif_setting_family_of(row->name->text, row->ipaddress, bootproto ? bootproto : "");

	for (size_t i = 0; i < count; i++)
		if (applies(&catalogue[i], row->kind, family))
			add_setting(row, &catalogue[i], catalogue[i].name);
	for (uint32_t i = 0; row->record && i < row->record->count; i++) {
		const char *name = row->record->lines[i].key + prefix;
		const struct isif_setting *setting = isif_setting_find(name);

		if (!*name || strlen(name) > SETTING_LIMIT ||
		    (setting && applies(setting, row->kind, family)) ||
		    isif_record_value(row->record, row->record->lines[i].key) !=
			    row->record->lines[i].value)
			continue;
		add_setting(row, setting, name);
	}
	qsort(row->settings, row->setting_count, sizeof(*row->settings), compare_settings);
}

static struct isif_iface *new_row(const struct iface_join *join)
{
	size_t catalogue, settings;
	struct isif_iface *row;

	isif_settings(&catalogue);
	settings = catalogue + (join->record ? join->record->record->count : 0);
	row = calloc(1, sizeof(*row) + settings * sizeof(*row->settings));
	if (!row)
		return NULL;
	row->references = 1;
	row->name = isif_name_hold(join->name);
	row->record = join->record ? isif_record_hold(join->record->record) : NULL;
	row->transport = join->transport;
	row->hwaddress = join->hwaddress;
	row->ipaddress = join->ipaddress;
	row->netdev = join->netdev;
	row->initiator = join->initiator;
	row->kind = join->kind;
	add_settings(row);
	return row;
}

/* Puts what was joined into a row; true if anything differs from what it says. */
static bool fill_row(struct isif_iface *row, const struct iface_join *join,
		     enum isif_rebind_mode rebind_mode)
{
	struct isif_iface before = *row;

	row->bound_by = join->wanted.bound_by;
	row->device_status = join->wanted.status;
	row->link = join->wanted.link;
	row->carrier_losses = join->wanted.carrier_losses;
	row->bindings = join->bindings;
	row->bindings_wanted = join->bindings_wanted;
	row->bindings_up = join->bindings_up;
	row->oper_status = model_group_status(join->bindings_wanted, join->wanted_up);
	row->rebind_mode = rebind_mode;
	row->in_sync = join->bindings_differ   ? ISIF_IFACE_BINDINGS_DIFFER
		       : join->sessions_differ ? ISIF_IFACE_SESSIONS_DIFFER
					       : ISIF_IFACE_IN_SYNC;
	return memcmp(&before, row, sizeof(before));
}

static struct isif_iface *make_row(struct build *build, const struct iface_join *join)
{
	struct isif_iface *row,
		*old = build->previous ? snapshot_iface(build->previous, join->name->text) : NULL;
	enum isif_rebind_mode mode = state_mode(build->state, join->name);
	bool same_record = old && old->record == (join->record ? join->record->record : NULL);

	if (!mode)
		mode = build->world->rebind_mode;
	if (same_record) {
		struct isif_iface probe = *old;

		if (!fill_row(&probe, join, mode)) {
			old->references++;
			return old;
		}
	}
	row = new_row(join);
	if (!row)
		return NULL;
	fill_row(row, join, mode);
	if (same_record)
		row->last_change = old->last_change;
	else if (build->previous)
		row->last_change = build->world->mono;
	build->state_changed |= !old || old->device_status != row->device_status ||
				old->oper_status != row->oper_status || old->link != row->link;
	return row;
}

enum isif_error model_ifaces(struct build *build)
{
	struct isif_snapshot *snapshot = build->snapshot;
	size_t settings = 0;

	snapshot->ifaces = calloc(build->iface_count, sizeof(*snapshot->ifaces));
	if (!snapshot->ifaces)
		return ISIF_NO_MEMORY;
	for (size_t i = 0; i < build->iface_count; i++) {
		struct isif_iface *row = make_row(build, &build->ifaces[i]);

		if (!row)
			return ISIF_NO_MEMORY;
		snapshot->ifaces[snapshot->iface_count++] = row;
		settings += row->setting_count;
	}
	snapshot->settings = calloc(settings + 1, sizeof(*snapshot->settings));
	if (!snapshot->settings)
		return ISIF_NO_MEMORY;
	for (uint32_t i = 0; i < snapshot->iface_count; i++)
		for (uint32_t j = 0; j < snapshot->ifaces[i]->setting_count; j++)
			snapshot->settings[snapshot->setting_count++] =
				&snapshot->ifaces[i]->settings[j];
	return ISIF_OK;
}
