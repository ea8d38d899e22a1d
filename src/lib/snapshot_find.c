/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "snapshot_find.h"

#include <string.h>

struct isif_binding *snapshot_binding(const struct isif_snapshot *snapshot, uint32_t index)
{
	size_t low = 0, high = snapshot->binding_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		struct isif_binding *row = snapshot->bindings[middle];

		if (row->index == index)
			return row;
		if (row->index < index)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

struct isif_iface *snapshot_iface(const struct isif_snapshot *snapshot, const char *name)
{
	size_t low = 0, high = snapshot->iface_count, length = strlen(name);

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		struct isif_iface *row = snapshot->ifaces[middle];
		int order = isif_index_compare(row->name->text, row->name->length, name, length);

		if (!order)
			return row;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

const struct isif_session *snapshot_session_of(const struct isif_snapshot *snapshot,
					       uint32_t binding)
{
	for (uint32_t i = 0; i < snapshot->session_count; i++)
		if (snapshot->sessions[i]->binding == binding)
			return snapshot->sessions[i];
	return NULL;
}
