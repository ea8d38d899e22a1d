/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "varbind.h"

#include <net-snmp/net-snmp-config.h>

#include <net-snmp/net-snmp-includes.h>

_Static_assert(sizeof(oid) == sizeof(mib_arc), "the engine's OIDs are Net-SNMP's");

void varbind_set(netsnmp_variable_list *variable, const struct mib_value *value)
{
	struct counter64 counter;

	switch (value->tag) {
	case MIB_INTEGER:
		snmp_set_var_typed_integer(variable, ASN_INTEGER, value->integer);
		break;
	case MIB_OCTETS:
		snmp_set_var_typed_value(variable, ASN_OCTET_STR, value->octets, value->length);
		break;
	case MIB_COUNTER64:
		counter.high = (u_long)(value->number >> 32);
		counter.low = (u_long)(value->number & 0xffffffffu);
		snmp_set_var_typed_value(variable, ASN_COUNTER64, &counter, sizeof(counter));
		break;
	case MIB_COUNTER32:
	case MIB_UNSIGNED:
	case MIB_TIMETICKS:
		snmp_set_var_typed_integer(variable, (u_char)value->tag,
					   (long)(value->number & 0xffffffffu));
		break;
	}
}
