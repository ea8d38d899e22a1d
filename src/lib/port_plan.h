/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ISIF_LIB_PORT_PLAN_H
#define ISIF_LIB_PORT_PLAN_H

#include <isif/kernel.h>
#include <isif/record.h>
#include <isif/setting.h>

/*
 * What a record has to say to an offload port: the settings that are sent to it as parameters, and
 * whether the port has them. What a record leaves open is not sent, so that nothing can be set
 * back; and what something else decides, as a DHCP server does, is not either (usr/iface.c:
 * iface_build_net_config).
 */
#define PORT_PLAN_SIZE 80 /* more than the catalogue has settings */

struct port_setting {
	const struct isif_setting *setting;
	const char *value; /* in the record, borrowed */
};

struct port_plan {
	enum isif_setting_family family;
	uint32_t number; /* iface_num */
	size_t count;
	struct port_setting settings[PORT_PLAN_SIZE]; /* in the order in which they are sent */
};

/* Why adapters of a transport cannot be told anything, for people; NULL: they can. */
const char *port_plan_refusal(const char *transport);

/* True if an adapter of this transport has its address itself, and no iscsi_iface object. */
bool port_plan_is_by_host(const char *transport);

/* The record is held by the caller for as long as the plan is used. */
/* Only for which port it is: nothing is in it yet. */
void port_plan_begin(const char *iface, const struct isif_record *record, struct port_plan *plan);
void port_plan_make(const char *iface, const struct isif_record *record, struct port_plan *plan);

/* The value of a setting in the plan, NULL if it is not sent. */
const char *port_plan_value(const struct port_plan *plan, const char *setting);

/* Whether a port has a setting of the plan; *shown gets what it has. */
enum port_match { PORT_SAME, PORT_DIFFERS, PORT_NOT_SHOWN };
enum port_match port_plan_match(const struct port_setting *wanted,
				const struct isif_kernel_port *port, const char **shown);

/* True if the port has all of it, as far as it shows that. */
bool port_plan_holds(const struct port_plan *plan, const struct isif_kernel_port *port);

#endif
