/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "mib.h"

#include <isif/address.h>

#include <string.h>
#include <time.h>

#define TEXT_LIMIT 255 /* octets of an SnmpAdminString */

static const void *holder_of(const struct mib_field *field, const void *row)
{
	if (field->via >= 0)
		row = *(const void *const *)(const void *)((const char *)row + field->via);
	return (const char *)row + field->offset;
}

uint64_t mib_field_number(const struct mib_field *field, const void *row)
{
	const void *at = holder_of(field, row);

	switch (field->storage) {
	case STORED_BOOL:
		return *(const bool *)at;
	case STORED_U8:
		return *(const uint8_t *)at;
	case STORED_U16:
		return *(const uint16_t *)at;
	case STORED_U32:
		return *(const uint32_t *)at;
	case STORED_I32:
		return (uint64_t)(int64_t) * (const int32_t *)at;
	case STORED_U64:
		return *(const uint64_t *)at;
	case STORED_I64:
		return (uint64_t) * (const int64_t *)at;
	default:
		return 0;
	}
}

const char *mib_field_text(const struct mib_field *field, const void *row, size_t *length)
{
	const void *at = holder_of(field, row);
	const struct isif_name *name;
	const char *text;

	if (field->storage == STORED_NAME) {
		name = *(const struct isif_name *const *)at;
		*length = name ? name->length : 0;
		return name ? name->text : "";
	}
	text = field->storage == STORED_TEXT ? *(const char *const *)at : at;
	*length = strlen(text);
	return text;
}

void mib_set_text(struct mib_value *value, const char *text, size_t length)
{
	value->tag = MIB_OCTETS;
	value->octets = text;
	value->length = length < TEXT_LIMIT ? length : TEXT_LIMIT;
}

void mib_set_number(struct mib_value *value, enum mib_tag tag, uint64_t number)
{
	value->tag = tag;
	value->number = number;
	value->integer = (int32_t)number;
}

/*
 * A TimeStamp is sysUpTime at an event. Both ends come from clocks that do not jump, so the same
 * event shows the same value until sysUpTime itself starts anew.
 */
static void set_timestamp(const struct mib_view *view, uint64_t mono, struct mib_value *value)
{
	int64_t age = (int64_t)(mono - view->origin);

	mib_set_number(value, MIB_TIMETICKS, mono && age > 0 ? (uint32_t)(age / 10) : 0);
}

/* DateAndTime with the zone (RFC 2579); eight zero octets for "never". */
static void set_date(int64_t wall, struct mib_value *value)
{
	time_t seconds = (time_t)wall;
	struct tm tm;
	long west, minutes;

	memset(value->buffer, 0, 11);
	value->tag = MIB_OCTETS;
	value->octets = value->buffer;
	value->length = 8;
	if (!wall || !localtime_r(&seconds, &tm))
		return;
	value->length = 11;
	value->buffer[0] = (uint8_t)((tm.tm_year + 1900) >> 8);
	value->buffer[1] = (uint8_t)(tm.tm_year + 1900);
	value->buffer[2] = (uint8_t)(tm.tm_mon + 1);
	value->buffer[3] = (uint8_t)tm.tm_mday;
	value->buffer[4] = (uint8_t)tm.tm_hour;
	value->buffer[5] = (uint8_t)tm.tm_min;
	value->buffer[6] = (uint8_t)(tm.tm_sec > 59 ? 59 : tm.tm_sec);
	west = -tm.tm_gmtoff;
	value->buffer[8] = west > 0 ? '-' : '+';
	minutes = (west > 0 ? west : -west) / 60;
	value->buffer[9] = (uint8_t)(minutes / 60);
	value->buffer[10] = (uint8_t)(minutes % 60);
}

static void set_address(const char *text, bool type_only, struct mib_value *value)
{
	struct isif_address address;

	isif_address_parse(text, &address);
	if (type_only) {
		mib_set_number(value, MIB_INTEGER, address.type);
		return;
	}
	memcpy(value->buffer, address.octets, address.length);
	value->tag = MIB_OCTETS;
	value->octets = value->buffer;
	value->length = address.length;
}

bool mib_column_value(const struct mib_column *column, struct mib_view *view, const void *row,
		      struct mib_value *value)
{
	const struct mib_field *field = &column->field;
	const char *text;
	size_t length;

	if (column->compute)
		return column->compute(view, row, value);
	switch (column->syntax) {
	case SYNTAX_INTEGER:
		mib_set_number(value, MIB_INTEGER, mib_field_number(field, row));
		break;
	case SYNTAX_UNSIGNED:
		mib_set_number(value, MIB_UNSIGNED, mib_field_number(field, row));
		break;
	case SYNTAX_COUNTER32:
		mib_set_number(value, MIB_COUNTER32, mib_field_number(field, row));
		break;
	case SYNTAX_COUNTER64:
		mib_set_number(value, MIB_COUNTER64, mib_field_number(field, row));
		break;
	case SYNTAX_TRUTH:
		mib_set_number(value, MIB_INTEGER, mib_field_number(field, row) ? 1 : 2);
		break;
	case SYNTAX_TIMESTAMP:
		set_timestamp(view, mib_field_number(field, row), value);
		break;
	case SYNTAX_DATE:
		set_date((int64_t)mib_field_number(field, row), value);
		break;
	case SYNTAX_TEXT:
		text = mib_field_text(field, row, &length);
		mib_set_text(value, text, length);
		break;
	case SYNTAX_ADDRESS_TYPE:
	case SYNTAX_ADDRESS:
		set_address(mib_field_text(field, row, &length),
			    column->syntax == SYNTAX_ADDRESS_TYPE, value);
		break;
	}
	return true;
}
