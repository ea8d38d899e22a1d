/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "port_plan.h"

#include "record.h"

#include <isif/address.h>

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* The kernel has no call for those that iscsid tells through iscsiuio, at each login. */
static const struct {
	const char *name;
	bool by_host, by_iscsiuio;
} transports[] = {
	{ .name = "qla4xxx" },
	{ .name = "be2iscsi" },
	{ .name = "cxgb3i", .by_host = true },
	{ .name = "cxgb4i", .by_host = true },
	{ .name = "bnx2i", .by_iscsiuio = true },
	{ .name = "qedi", .by_iscsiuio = true },
};
#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* COUNT(transports): it is not among them. */
static size_t place_of(const char *transport)
{
	size_t place = 0;

	while (place < COUNT(transports) && strcmp(transports[place].name, transport) != 0)
		place++;
	return place;
}

const char *port_plan_refusal(const char *transport)
{
	const size_t place = place_of(transport);

	if (isif_transport_is_software(transport))
		return "it is no offload iface: its address is that of the host's network device";
	if (place == COUNT(transports))
		return "the kernel has no way to set an adapter of its transport";
	return transports[place].by_iscsiuio
		       ? "its adapter takes its settings at each login, from iscsiuio: there is "
			 "nothing to apply"
		       : NULL;
}

bool port_plan_is_by_host(const char *transport)
{
	const size_t place = place_of(transport);

	return place < COUNT(transports) && transports[place].by_host;
}

static const char *value_of(const struct isif_record *record, const char *setting)
{
	const char *value = record_setting(record, setting);

	return isif_setting_is_unset(setting, value) ? "" : value;
}

static bool says(const struct isif_record *record, const char *setting, const char *word)
{
	return !strcmp(value_of(record, setting), word);
}

/* Something else than the record decides what this is. */
static bool is_found_out(const struct isif_record *record, enum isif_setting_family family,
			 const char *setting)
{
	if (!strcmp(setting, "vlan_id") || !strcmp(setting, "vlan_priority"))
		return !says(record, "vlan_state", "enable") || !*value_of(record, "vlan_id");
	if (family == ISIF_FAMILY_IPV4)
		return says(record, "bootproto", "dhcp") &&
		       (!strcmp(setting, "ipaddress") || !strcmp(setting, "subnet_mask") ||
			!strcmp(setting, "gateway"));
	if (!strcmp(setting, "ipaddress"))
		return says(record, "ipv6_autocfg", "nd") || says(record, "ipv6_autocfg", "dhcpv6");
	if (!strcmp(setting, "ipv6_linklocal"))
		return says(record, "linklocal_autocfg", "auto");
	return !strcmp(setting, "ipv6_router") && says(record, "router_autocfg", "auto");
}

static bool is_of_family(const struct isif_setting *setting, enum isif_setting_family family,
			 const char *value)
{
	struct isif_address address;

	if (setting->family && setting->family != family)
		return false;
	if (setting->type != ISIF_SETTING_ADDRESS)
		return true;
	isif_address_parse(value, &address);
	return address.type == (family == ISIF_FAMILY_IPV4 ? ISIF_ADDRESS_IPV4 : ISIF_ADDRESS_IPV6);
}

static void add(struct port_plan *plan, const struct isif_record *record,
		const struct isif_setting *setting)
{
	const char *value = value_of(record, setting->name);

	/* Drivers show the initiator's name as a parameter, and take it from a session's login. */
	if (!setting->parameter_type || !strcmp(setting->name, "initiatorname") || !*value ||
	    !is_of_family(setting, plan->family, value) ||
	    is_found_out(record, plan->family, setting->name) || plan->count == PORT_PLAN_SIZE)
		return;
	plan->settings[plan->count++] = (struct port_setting){ setting, value };
}

/* How an address is come by is said before it, and the switches of the port come last. */
static const char *const first[] = { "bootproto",      "ipv6_autocfg", "linklocal_autocfg",
				     "router_autocfg", "ipaddress",    "subnet_mask",
				     "gateway" };
static const char *const last[] = {
	"state", "vlan_state", "vlan_id", "vlan_priority", "mtu", "port"
};

static bool is_in(const char *name, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(names[i], name))
			return true;
	return false;
}

static void add_all(struct port_plan *plan, const struct isif_record *record,
		    const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		add(plan, record, isif_setting_find(names[i]));
}

void port_plan_begin(const char *iface, const struct isif_record *record, struct port_plan *plan)
{
	plan->family = isif_setting_family_of(iface, value_of(record, "ipaddress"),
					      value_of(record, "bootproto"));
	plan->number = (uint32_t)strtoul(value_of(record, "iface_num"), NULL, 10);
	plan->count = 0;
}

void port_plan_make(const char *iface, const struct isif_record *record, struct port_plan *plan)
{
	size_t count;
	const struct isif_setting *settings = isif_settings(&count);

	port_plan_begin(iface, record, plan);
	add_all(plan, record, first, COUNT(first));
	for (size_t i = 0; i < count; i++)
		if (!is_in(settings[i].name, first, COUNT(first)) &&
		    !is_in(settings[i].name, last, COUNT(last)))
			add(plan, record, &settings[i]);
	add_all(plan, record, last, COUNT(last));
}

const char *port_plan_value(const struct port_plan *plan, const char *setting)
{
	for (size_t i = 0; i < plan->count; i++)
		if (!strcmp(plan->settings[i].setting->name, setting))
			return plan->settings[i].value;
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

enum port_match port_plan_match(const struct port_setting *wanted,
				const struct isif_kernel_port *port, const char **shown)
{
	*shown = wanted->setting->attribute
			 ? isif_kernel_port_attribute(port, wanted->setting->attribute)
			 : NULL;
	if (!*shown)
		return PORT_NOT_SHOWN;
	return same_value(wanted->setting, wanted->value, *shown) ? PORT_SAME : PORT_DIFFERS;
}

bool port_plan_holds(const struct port_plan *plan, const struct isif_kernel_port *port)
{
	const char *shown;

	for (size_t i = 0; i < plan->count; i++)
		if (port_plan_match(&plan->settings[i], port, &shown) == PORT_DIFFERS)
			return false;
	return true;
}
