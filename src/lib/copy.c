/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "copy.h"

#include <isif/setting.h>

#include <string.h>

static bool is_unset(const char *key, const char *value)
{
	return !value || isif_setting_is_unset(key + strlen("iface."), value);
}

static bool is_same(const char *key, const char *one, const char *other)
{
	if (one && other && !strcmp(one, other))
		return true;
	return is_unset(key, one) && is_unset(key, other);
}

/* The line in this place of both records together; NULL if another line speaks for its key. */
static const char *key_at(const struct copy_difference *difference)
{
	const struct isif_record *iface = difference->iface, *copy = difference->copy;
	bool own = difference->at < iface->count;
	const struct isif_record *record = own ? iface : copy;
	const struct isif_record_line *line =
		&record->lines[own ? difference->at : difference->at - iface->count];

	/* The last of several lines counts. */
	if (!strcmp(line->key, "iface.iscsi_ifacename") ||
	    isif_record_value(record, line->key) != line->value)
		return NULL;
	return own || !isif_record_value(iface, line->key) ? line->key : NULL;
}

bool copy_difference_next(struct copy_difference *difference, struct isif_edit_line *line)
{
	uint32_t end = difference->iface->count + difference->copy->count;

	for (; difference->at < end; difference->at++) {
		const char *key = key_at(difference), *fresh, *old;

		if (!key)
			continue;
		fresh = isif_record_value(difference->iface, key);
		old = isif_record_value(difference->copy, key);
		if (is_same(key, fresh, old))
			continue;
		*line = (struct isif_edit_line){ key, old ? old : "", fresh ? fresh : "" };
		difference->at++;
		return true;
	}
	return false;
}

bool copy_agrees(const struct isif_record *iface, const struct isif_record *copy)
{
	struct isif_edit_line line;

	return !copy_difference_next(&(struct copy_difference){ iface, copy, 0 }, &line);
}
