/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Settings as the kernel takes them (include/scsi/iscsi_if.h). */
#include "port_message.h"

#include "words.h"

#include <isif/address.h>

#include <stdlib.h>
#include <string.h>

#define SWITCH_OFF     1 /* ISCSI_*_DISABLE */
#define SWITCH_ON      2 /* ISCSI_*_ENABLE */
#define PRIORITY_SHIFT 13

static void put_number(struct isif_port_parameter *parameter, uint32_t number, uint8_t octets)
{
	const uint8_t small = (uint8_t)number;
	const uint16_t middle = (uint16_t)number;
	const void *const from = octets == 1   ? (const void *)&small
				 : octets == 2 ? (const void *)&middle
					       : (const void *)&number;

	memcpy(parameter->octets, from, octets);
	parameter->length = octets;
}

/* Of the parameter's own family: drivers copy as many octets as that has. */
static bool put_address(struct isif_port_parameter *parameter, const char *text,
			enum isif_address_type type)
{
	struct isif_address address;

	isif_address_parse(text, &address);
	if (address.type != type || address.length > sizeof(parameter->octets))
		return false;
	memcpy(parameter->octets, address.octets, address.length);
	parameter->length = address.length;
	return true;
}

/* The kernel numbers a choice as the catalogue lists it; to open-iscsi a strange word is "off". */
static void put_choice(struct isif_port_parameter *parameter, const char *words, const char *word)
{
	unsigned place = words_place(words, word, strlen(word));

	if (!place)
		place = words_place(words, "disable", strlen("disable"));
	put_number(parameter, place ? place : 1, 1);
}

static void put_text(struct isif_port_parameter *parameter, const char *text)
{
	parameter->length = (uint8_t)strnlen(text, PORT_TEXT_LIMIT);
	memcpy(parameter->octets, text, parameter->length);
}

static uint32_t number_of(const char *text)
{
	return text ? (uint32_t)strtoul(text, NULL, 10) : 0;
}

static bool encode(const struct port_plan *plan, const struct port_setting *wanted,
		   struct isif_port_parameter *parameter)
{
	const struct isif_setting *setting = wanted->setting;

	*parameter = (struct isif_port_parameter){ .type = setting->parameter_type,
						   .number = setting->parameter };
	switch (setting->type) {
	case ISIF_SETTING_NUMBER:
		put_number(parameter, number_of(wanted->value), setting->octets);
		break;
	case ISIF_SETTING_SWITCH:
		put_number(parameter, strcmp(wanted->value, "enable") ? SWITCH_OFF : SWITCH_ON, 1);
		break;
	case ISIF_SETTING_CHOICE:
		put_choice(parameter, setting->choices, wanted->value);
		break;
	case ISIF_SETTING_ADDRESS:
		if (plan->family == ISIF_FAMILY_IPV4)
			return put_address(parameter, wanted->value, ISIF_ADDRESS_IPV4);
		parameter->number = PORT_IPV6_ADDRESS;
		return put_address(parameter, wanted->value, ISIF_ADDRESS_IPV6);
	case ISIF_SETTING_IPV4:
		return put_address(parameter, wanted->value, ISIF_ADDRESS_IPV4);
	case ISIF_SETTING_IPV6:
		return put_address(parameter, wanted->value, ISIF_ADDRESS_IPV6);
	default:
		put_text(parameter, wanted->value);
		break;
	}
	return true;
}

size_t port_encode(const struct port_plan *plan, struct isif_port_parameter *parameters)
{
	size_t count = 0;

	for (size_t i = 0; i < plan->count; i++) {
		const struct port_setting *wanted = &plan->settings[i];

		/* It travels in the tag, with the number of the VLAN. */
		if (!strcmp(wanted->setting->name, "vlan_priority") ||
		    !encode(plan, wanted, &parameters[count]))
			continue;
		if (!strcmp(wanted->setting->name, "vlan_id")) {
			uint32_t priority = number_of(port_plan_value(plan, "vlan_priority"));

			put_number(&parameters[count],
				   number_of(wanted->value) | (priority & 7) << PRIORITY_SHIFT, 2);
		}
		count++;
	}
	return count;
}
