/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine.h"

#include "config.h"

#include <string.h>

const mib_arc mib_root[] = { MIB_ROOT_ARCS };
const size_t mib_root_length = sizeof(mib_root) / sizeof(*mib_root);

static const void *row_at(const struct mib_rows *rows, size_t i)
{
	if (!rows->size)
		return ((const void *const *)rows->first)[i];
	return (const char *)rows->first + i * rows->size;
}

static int compare_arcs(mib_arc a, mib_arc b)
{
	return (a > b) - (a < b);
}

/* Compares one text of a row, as it stands in an OID, with a tail; steps over what is equal. */
static int compare_text(const char *text, size_t length, struct mib_tail *tail)
{
	int order;

	if (!tail->count)
		return 1;
	order = compare_arcs(length, tail->arcs[0]);
	*tail = mib_skip(*tail, 1);
	for (size_t i = 0; !order && i < length; i++) {
		if (!tail->count)
			return 1;
		order = compare_arcs((unsigned char)text[i], tail->arcs[0]);
		*tail = mib_skip(*tail, 1);
	}
	return order;
}

/* Order of a row's index and a tail: less, equal, greater. A tail that ends early is less. */
static int compare_index(const struct mib_table *table, const void *row, struct mib_tail tail)
{
	int order = 0;

	for (size_t i = 0; !order && i < table->index_count; i++) {
		const struct mib_field *field = &table->index[i];

		if (field->storage >= STORED_TEXT) {
			size_t length;
			const char *text = mib_field_text(field, row, &length);

			order = compare_text(text, length, &tail);
			continue;
		}
		if (!tail.count)
			return 1;
		order = compare_arcs(mib_field_number(field, row), tail.arcs[0]);
		tail = mib_skip(tail, 1);
	}
	return order ? order : tail.count ? -1 : 0;
}

/* The first row whose index is at least the tail (after: greater than it). */
static size_t find_row(const struct mib_table *table, const struct mib_rows *rows,
		       struct mib_tail tail, bool after)
{
	size_t low = 0, high = rows->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = compare_index(table, row_at(rows, middle), tail);

		if (order < 0 || (after && order == 0))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static size_t write_index(const struct mib_table *table, const void *row, mib_arc *out)
{
	mib_arc *at = out;

	for (size_t i = 0; i < table->index_count; i++) {
		const struct mib_field *field = &table->index[i];
		size_t length;
		const char *text;

		if (field->storage < STORED_TEXT) {
			*at++ = mib_field_number(field, row);
			continue;
		}
		text = mib_field_text(field, row, &length);
		*at++ = length;
		for (size_t j = 0; j < length; j++)
			*at++ = (unsigned char)text[j];
	}
	return (size_t)(at - out);
}

bool mib_below_objects(const mib_arc *name, size_t length, struct mib_tail *tail)
{
	if (length <= mib_root_length ||
	    memcmp(name, mib_root, mib_root_length * sizeof(*mib_root)) ||
	    name[mib_root_length] != MIB_OBJECTS)
		return false;
	*tail = mib_skip((struct mib_tail){ name, length }, mib_root_length + 1);
	return true;
}

static const struct mib_column *find_column(const struct mib_group *group, mib_arc arc)
{
	for (size_t i = 0; i < group->column_count; i++)
		if (group->columns[i].arc == arc && group->columns[i].access != ACCESS_NONE)
			return &group->columns[i];
	return NULL;
}

static enum engine_answer get_scalar(const struct mib_group *group, struct mib_view *view,
				     struct mib_tail tail, struct mib_value *value)
{
	const struct mib_column *column = tail.count ? find_column(group, tail.arcs[0]) : NULL;

	if (!column)
		return ENGINE_NO_OBJECT;
	if (tail.count != 2 || tail.arcs[1] != 0)
		return ENGINE_NO_INSTANCE;
	return mib_column_value(column, view, view, value) ? ENGINE_VALUE : ENGINE_NO_INSTANCE;
}

static enum engine_answer get_cell(const struct mib_group *group, struct mib_view *view,
				   struct mib_tail tail, struct mib_value *value)
{
	const struct mib_column *column = tail.count > 1 && tail.arcs[0] == MIB_ENTRY
						  ? find_column(group, tail.arcs[1])
						  : NULL;
	struct mib_rows rows;
	size_t i;

	if (!column)
		return ENGINE_NO_OBJECT;
	rows = group->table.rows(view);
	tail = mib_skip(tail, 2);
	i = find_row(&group->table, &rows, tail, false);
	if (i == rows.count || compare_index(&group->table, row_at(&rows, i), tail) ||
	    !mib_column_value(column, view, row_at(&rows, i), value))
		return ENGINE_NO_INSTANCE;
	return ENGINE_VALUE;
}

enum engine_answer engine_get(struct mib_view *view, const mib_arc *name, size_t length,
			      struct mib_value *value)
{
	struct mib_tail tail;

	if (!mib_below_objects(name, length, &tail) || !tail.count)
		return ENGINE_NO_OBJECT;
	for (size_t i = 0; i < mib_group_count; i++)
		if (mib_groups[i].arc == tail.arcs[0])
			return mib_groups[i].table.rows
				       ? get_cell(&mib_groups[i], view, mib_skip(tail, 1), value)
				       : get_scalar(&mib_groups[i], view, mib_skip(tail, 1), value);
	return ENGINE_NO_OBJECT;
}

/* The first scalar after the tail; out gets what follows the group's arc. */
static size_t next_scalar(const struct mib_group *group, struct mib_view *view,
			  struct mib_tail tail, mib_arc *out, struct mib_value *value)
{
	for (size_t i = 0; i < group->column_count; i++) {
		const struct mib_column *column = &group->columns[i];

		/* The instance is ".0": only the bare object comes before it. */
		if (column->access == ACCESS_NONE ||
		    (tail.count && (column->arc < tail.arcs[0] ||
				    (column->arc == tail.arcs[0] && tail.count > 1))))
			continue;
		if (!mib_column_value(column, view, view, value))
			continue;
		out[0] = column->arc;
		out[1] = 0;
		return 2;
	}
	return 0;
}

static size_t next_in_column(const struct mib_group *group, const struct mib_column *column,
			     const struct mib_rows *rows, size_t row, struct mib_view *view,
			     mib_arc *out, struct mib_value *value)
{
	for (; row < rows->count; row++) {
		if (!mib_column_value(column, view, row_at(rows, row), value))
			continue;
		out[0] = MIB_ENTRY;
		out[1] = column->arc;
		return 2 + write_index(&group->table, row_at(rows, row), out + 2);
	}
	return 0;
}

/* The first cell after the tail: the rest of its column, then the columns after it. */
static size_t next_cell(const struct mib_group *group, struct mib_view *view, struct mib_tail tail,
			mib_arc *out, struct mib_value *value)
{
	struct mib_rows rows = group->table.rows(view);
	mib_arc first = 0;

	if (tail.count && tail.arcs[0] > MIB_ENTRY)
		return 0;
	/* A name before the entry is before all of its cells. */
	tail = tail.count && tail.arcs[0] == MIB_ENTRY ? mib_skip(tail, 1) : (struct mib_tail){ 0 };
	if (tail.count) {
		first = tail.arcs[0];
		tail = mib_skip(tail, 1);
	}
	for (size_t i = 0; rows.count && i < group->column_count; i++) {
		const struct mib_column *column = &group->columns[i];
		size_t row = 0, length;

		if (column->access == ACCESS_NONE || column->arc < first)
			continue;
		if (column->arc == first && tail.count)
			row = find_row(&group->table, &rows, tail, true);
		length = next_in_column(group, column, &rows, row, view, out, value);
		if (length)
			return length;
	}
	return 0;
}

static int compare_names(const mib_arc *a, size_t a_length, const mib_arc *b, size_t b_length)
{
	for (size_t i = 0; i < a_length && i < b_length; i++)
		if (a[i] != b[i])
			return a[i] < b[i] ? -1 : 1;
	return (a_length > b_length) - (a_length < b_length);
}

enum engine_answer engine_next(struct mib_view *view, const mib_arc *name, size_t length,
			       mib_arc *next, size_t *next_length, struct mib_value *value)
{
	mib_arc *out = next + mib_root_length + 2;
	struct mib_tail tail = { 0 };

	memcpy(next, mib_root, mib_root_length * sizeof(*next));
	next[mib_root_length] = MIB_OBJECTS;
	if (!mib_below_objects(name, length, &tail) &&
	    compare_names(name, length, next, mib_root_length + 1) > 0)
		return ENGINE_END;
	for (size_t i = 0; i < mib_group_count; i++) {
		const struct mib_group *group = &mib_groups[i];
		struct mib_tail rest = { 0 };
		size_t found;

		if (tail.count && group->arc < tail.arcs[0])
			continue;
		if (tail.count && group->arc == tail.arcs[0])
			rest = mib_skip(tail, 1);
		found = group->table.rows ? next_cell(group, view, rest, out, value)
					  : next_scalar(group, view, rest, out, value);
		if (!found)
			continue;
		next[mib_root_length + 1] = group->arc;
		*next_length = mib_root_length + 2 + found;
		return ENGINE_VALUE;
	}
	return ENGINE_END;
}
