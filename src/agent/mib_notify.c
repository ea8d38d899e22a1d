/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "mib_notify.h"

#include "engine.h"

#include <string.h>

/* Groups below iscsiIfaceObjects. */
enum { IFACE = 3, BINDING = 5, JOB = 9, EVENT = 10, ALERTING = 11 };

/* Of iscsiIfaceAlerting, what only notifications carry. */
enum { SUPPRESSED = 3, EVENT_ID = 5, PATH_NAME = 6, REASON = 7, JOB_INDEX = 8, FLAPS = 10 };

struct object {
	uint16_t group, arc;
};

static const struct object binding_objects[] = {
	{ BINDING, 2 },	     { BINDING, 3 },	     { BINDING, 21 },	   { BINDING, 10 },
	{ BINDING, 15 },     { BINDING, 17 },	     { ALERTING, REASON }, { ALERTING, PATH_NAME },
	{ ALERTING, FLAPS }, { ALERTING, EVENT_ID },
};
static const struct object device_objects[] = {
	{ IFACE, 20 },	     { IFACE, 6 },	     { IFACE, 11 },
	{ IFACE, 13 },	     { ALERTING, REASON },   { ALERTING, PATH_NAME },
	{ ALERTING, FLAPS }, { ALERTING, EVENT_ID },
};
static const struct object record_objects[] = {
	{ EVENT, 4 },
	{ EVENT, 6 },
	{ ALERTING, EVENT_ID },
};
static const struct object job_objects[] = {
	{ ALERTING, JOB_INDEX },
	{ JOB, 2 },
	{ JOB, 3 },
	{ JOB, 4 },
	{ JOB, 9 },
	{ JOB, 12 },
	{ JOB, 13 },
	{ ALERTING, EVENT_ID },
};
static const struct object suppressed_objects[] = {
	{ ALERTING, SUPPRESSED },
	{ ALERTING, EVENT_ID },
};

#define OBJECTS(list)                                                                              \
	{                                                                                          \
		list, sizeof(list) / sizeof(*(list))                                               \
	}
static const struct {
	const struct object *objects;
	size_t count;
} notifications[MIB_NOTIFICATIONS + 1] = {
	{ NULL, 0 },
	OBJECTS(binding_objects),
	OBJECTS(binding_objects),
	OBJECTS(binding_objects),
	OBJECTS(device_objects),
	OBJECTS(device_objects),
	OBJECTS(record_objects),
	OBJECTS(job_objects),
	OBJECTS(suppressed_objects),
};

unsigned mib_notification_of(enum isif_event_kind kind)
{
	return kind <= ISIF_HAPPENED_JOB_ENDED ? kind : 0;
}

/* The index of the row that an event is about; returns how many arcs. */
static size_t write_row(const struct isif_event *event, uint16_t group, mib_arc *arcs)
{
	const struct isif_name *iface = event->iface;

	switch (group) {
	case BINDING:
		arcs[0] = event->binding;
		return 1;
	case JOB:
		arcs[0] = event->job;
		return 1;
	case EVENT:
		arcs[0] = event->index;
		return 1;
	default:
		arcs[0] = iface->length;
		for (uint32_t i = 0; i < iface->length; i++)
			arcs[i + 1] = (unsigned char)iface->text[i];
		return iface->length + 1;
	}
}

/* What has no value but in a notification. */
static bool carried(const struct isif_event *event, uint16_t arc, struct mib_value *value)
{
	switch (arc) {
	case EVENT_ID:
		mib_set_number(value, MIB_UNSIGNED, event->index);
		return true;
	case PATH_NAME:
		mib_set_text(value, event->path, strlen(event->path));
		return true;
	case REASON:
		mib_set_number(value, MIB_INTEGER, event->reason);
		return true;
	case JOB_INDEX:
		mib_set_number(value, MIB_UNSIGNED, event->job);
		return true;
	case FLAPS:
		mib_set_number(value, MIB_UNSIGNED, event->flaps);
		return true;
	default:
		return false;
	}
}

static bool take_object(struct mib_view *view, const struct isif_event *event,
			const struct object *object, mib_varbind_taker *take, void *context)
{
	mib_arc name[MIB_OID_LIMIT * 2];
	size_t length = mib_root_length;
	struct mib_value value;

	memcpy(name, mib_root, length * sizeof(*name));
	name[length++] = MIB_OBJECTS;
	name[length++] = object->group;
	if (object->group == ALERTING) {
		name[length++] = object->arc;
		name[length++] = 0;
	} else {
		name[length++] = MIB_ENTRY;
		name[length++] = object->arc;
		length += write_row(event, object->group, name + length);
	}
	if (!(object->group == ALERTING && carried(event, object->arc, &value)) &&
	    engine_get(view, name, length, &value) != ENGINE_VALUE)
		return true;
	return take(context, name, length, &value);
}

bool mib_notify(struct mib_view *view, unsigned notification, const struct isif_event *event,
		mib_varbind_taker *take, void *context)
{
	for (size_t i = 0; i < notifications[notification].count; i++)
		if (!take_object(view, event, &notifications[notification].objects[i], take,
				 context))
			return false;
	return true;
}
