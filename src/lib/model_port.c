/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ports of offload adapters, and the records that govern them. */
#include "model.h"

#include <stdlib.h>
#include <string.h>

/* open-iscsi names an offload iface TRANSPORT.HWADDRESS[.FAMILY.NUMBER] (libopeniscsiusr). */
static const struct iface_join *governing_record(const struct build *build,
						 const struct isif_kernel_port *port)
{
	for (size_t i = 0; i < build->iface_count; i++) {
		const struct iface_join *iface = &build->ifaces[i];
		const char *number;
		bool ipv6;

		if (iface->kind != ISIF_KIND_OFFLOAD || strcmp(iface->transport, port->transport) ||
		    !*iface->hwaddress || strcasecmp(iface->hwaddress, port->hwaddress))
			continue;
		ipv6 = strstr(iface->name->text, "ipv6");
		if (port->family && ipv6 != (port->family == AF_INET6))
			continue;
		number = isif_record_value(iface->record->record, "iface.iface_num");
		if (port->family && (number ? strtoul(number, NULL, 10) : 0ul) != port->number)
			continue;
		return iface;
	}
	return NULL;
}

/* The kernel's words differ from the record's where it shows a choice that is off. */
static bool same_value(const struct isif_setting *setting, const char *record, const char *kernel)
{
	switch (setting->type) {
	case ISIF_SETTING_NUMBER:
		return strtoul(record, NULL, 10) == strtoul(kernel, NULL, 10);
	case ISIF_SETTING_ADDRESS:
	case ISIF_SETTING_IPV4:
	case ISIF_SETTING_IPV6:
		return isif_address_equal(record, kernel);
	case ISIF_SETTING_CHOICE:
		if (!strcmp(record, "disable"))
			return !strcmp(kernel, "static") || !strcmp(kernel, "disable");
		break;
	default:
		break;
	}
	return !strcasecmp(record, kernel);
}

/* What the record sets and the kernel shows must agree; what either leaves open cannot differ. */
static bool in_sync(const struct isif_record *record, const struct isif_kernel_port *port)
{
	size_t count;
	const struct isif_setting *settings = isif_settings(&count);

	for (size_t i = 0; i < count; i++) {
		const char *value, *shown;
		char key[ISIF_KEY_SIZE];

		if (!settings[i].attribute)
			continue;
		strcpy(stpcpy(key, "iface."), settings[i].name);
		value = isif_record_value(record, key);
		shown = isif_kernel_port_attribute(port, settings[i].attribute);
		if (value && shown && !isif_setting_is_unset(settings[i].name, value) &&
		    !same_value(&settings[i], value, shown))
			return false;
	}
	return true;
}

enum isif_error model_ports(struct build *build)
{
	struct isif_snapshot *snapshot = build->snapshot;
	const struct world *world = build->world;

	snapshot->ports = calloc(world->port_count + 1, sizeof(*snapshot->ports));
	if (!snapshot->ports)
		return ISIF_NO_MEMORY;
	for (size_t i = 0; i < world->port_count; i++) {
		struct isif_kernel_port *kernel = world->ports[i];
		const struct iface_join *iface = governing_record(build, kernel);
		struct isif_port *row = malloc(sizeof(*row));

		if (!row)
			return ISIF_NO_MEMORY;
		*row = (struct isif_port){
			.references = 1,
			.kernel = isif_kernel_port_hold(kernel),
			.iface = iface ? isif_name_hold(iface->name) : NULL,
			.in_sync = !iface || in_sync(iface->record->record, kernel),
		};
		snapshot->ports[snapshot->port_count++] = row;
	}
	return ISIF_OK;
}
