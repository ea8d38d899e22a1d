/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ports of offload adapters, and the records that govern them. */
#include "model.h"

#include "port_plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool is_its_hardware(const struct iface_join *iface, const struct isif_kernel_port *port)
{
	return iface->kind == ISIF_KIND_OFFLOAD && !strcmp(iface->transport, port->transport) &&
	       *iface->hwaddress && !strcasecmp(iface->hwaddress, port->hwaddress);
}

/* open-iscsi's own name for it: TRANSPORT.HWADDRESS[.FAMILY.NUMBER] (libopeniscsiusr). */
static bool is_its_name(const char *name, const struct isif_kernel_port *port)
{
	char expected[128];

	snprintf(expected, sizeof(expected), "%s.%s.%s.%u", port->transport, port->hwaddress,
		 port->family == AF_INET6 ? "ipv6" : "ipv4", port->number);
	return !strcasecmp(name, expected);
}

/* The one that open-iscsi made for the port counts; else any that is about it. */
static const struct iface_join *governing_record(const struct build *build,
						 const struct isif_kernel_port *port)
{
	const struct iface_join *found = NULL;

	for (size_t i = 0; i < build->iface_count; i++) {
		const struct iface_join *iface = &build->ifaces[i];
		struct port_plan plan;

		if (!is_its_hardware(iface, port))
			continue;
		port_plan_begin(iface->name->text, iface->record->record, &plan);
		if (port->family &&
		    (plan.number != port->number ||
		     (plan.family == ISIF_FAMILY_IPV6) != (port->family == AF_INET6)))
			continue;
		if (is_its_name(iface->name->text, port))
			return iface;
		if (!found)
			found = iface;
	}
	return found;
}

static bool in_sync(const struct iface_join *iface, const struct isif_kernel_port *port)
{
	struct port_plan plan;

	port_plan_make(iface->name->text, iface->record->record, &plan);
	return port_plan_holds(&plan, port);
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
			.in_sync = !iface || in_sync(iface, kernel),
		};
		snapshot->ports[snapshot->port_count++] = row;
	}
	return ISIF_OK;
}
