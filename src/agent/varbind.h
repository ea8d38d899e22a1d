/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IFACED_VARBIND_H
#define IFACED_VARBIND_H

#include "mib.h"

struct variable_list;

/* Puts a value into a varbind of Net-SNMP's, which gets a copy. */
void varbind_set(struct variable_list *variable, const struct mib_value *value);

#endif
