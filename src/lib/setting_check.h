/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ISIF_LIB_SETTING_CHECK_H
#define ISIF_LIB_SETTING_CHECK_H

#include <isif/setting.h>

#include <stdbool.h>
#include <stddef.h>

/*
 * The rules that open-iscsi does not check. Each returns NULL if the value is good, else why it
 * is not, for people.
 */

/* A value of a setting; the empty text is always good, it means "not set". */
const char *setting_check_value(const struct isif_setting *setting, const char *value,
				size_t length);

/* The name of an iface that is to be made. */
const char *setting_check_iface_name(const char *name, size_t length);

/*
 * The name of a target, or of a portal's host that is no literal address: it becomes a directory
 * and part of a link.
 */
const char *setting_check_target(const char *name, size_t length);
const char *setting_check_host(const char *name, size_t length);

/*
 * All settings of an iface together: a value by name, "" for not set. device_exists: NULL if no
 * binding uses the iface.
 */
struct setting_lookup {
	const char *(*value)(void *context, const char *setting);
	bool (*device_exists)(void *context, const char *device);
	void *context;
};
const char *setting_check_iface(const char *name, const struct setting_lookup *lookup,
				const char **setting_at_fault);

#endif
