/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "mib_write.h"

#include "engine.h"

#include <string.h>

/* The groups that have something to write: arcs of iscsiIfaceObjects. */
enum { AGENT = 1, IFACES = 3, SETTINGS = 4, BINDINGS = 5, JOBS = 9, ALERTING = 11 };

/* What a value can be. */
enum shape {
	INTEGER,
	LOCK, /* TestAndIncr */
	ADDRESS_TYPE,
	ROW_STATUS,
	TRUTH,
	UNSIGNED,
	TEXT,
	ADDRESS,
	BITS,
};

/* The numbers of these two have gaps: a bit for each that is allowed. */
#define ADDRESS_TYPES                                                                              \
	(1u << ISIF_ADDRESS_UNKNOWN | 1u << ISIF_ADDRESS_IPV4 | 1u << ISIF_ADDRESS_IPV6 |          \
	 1u << ISIF_ADDRESS_IPV6Z | 1u << ISIF_ADDRESS_DNS)
#define ROW_ACTIONS (1u << ISIF_ROW_ACTIVE | 1u << ISIF_ROW_CREATE | 1u << ISIF_ROW_DESTROY)

struct writable {
	uint16_t group, column;
	enum shape shape;
	int64_t minimum, maximum; /* of a number, or of a length */
	enum isif_wish_kind kind;
	const char *setting;	    /* of ISIF_WISH_IFACE_SETTING; NULL: the index names it */
	enum isif_kept_number kept; /* of ISIF_WISH_KEPT */
};

#define WISH(group, column, shape, minimum, maximum, kind)                                         \
	{                                                                                          \
		group, column, shape, minimum, maximum, ISIF_WISH_##kind, NULL, 0                  \
	}
#define SETTING(column, maximum, name)                                                             \
	{                                                                                          \
		IFACES, column, TEXT, 0, maximum, ISIF_WISH_IFACE_SETTING, name, 0                 \
	}
#define KEPT(column, shape, minimum, maximum, number)                                              \
	{                                                                                          \
		ALERTING, column, shape, minimum, maximum, ISIF_WISH_KEPT, NULL,                   \
			ISIF_KEPT_##number                                                         \
	}

/* Every object with MAX-ACCESS read-write or read-create, a line each. */
static const struct writable writables[] = {
	{ AGENT, 5, LOCK, 0, INT32_MAX, 0, NULL, 0 },

	SETTING(2, 15, "transport_name"),
	SETTING(3, 17, "hwaddress"),
	WISH(IFACES, 4, ADDRESS_TYPE, 0, 16, IFACE_ADDRESS_TYPE),
	WISH(IFACES, 5, ADDRESS, 0, 255, IFACE_ADDRESS),
	SETTING(6, 15, "net_ifacename"),
	SETTING(7, 255, "initiatorname"),
	WISH(IFACES, 15, INTEGER, 1, 2, IFACE_REBIND_MODE),
	WISH(IFACES, 19, ROW_STATUS, 1, 6, IFACE_ROW),

	WISH(SETTINGS, 2, TEXT, 0, 255, IFACE_SETTING),

	WISH(BINDINGS, 2, TEXT, 1, 64, BINDING_IFACE),
	WISH(BINDINGS, 3, TEXT, 1, 255, BINDING_TARGET),
	WISH(BINDINGS, 4, ADDRESS_TYPE, 0, 16, BINDING_ADDRESS_TYPE),
	WISH(BINDINGS, 5, ADDRESS, 0, 255, BINDING_ADDRESS),
	WISH(BINDINGS, 6, UNSIGNED, 0, 65535, BINDING_PORT),
	WISH(BINDINGS, 7, INTEGER, -1, 65535, BINDING_TPGT),
	WISH(BINDINGS, 8, INTEGER, 1, 3, BINDING_STARTUP),
	WISH(BINDINGS, 9, INTEGER, 1, 2, BINDING_ADMIN),
	WISH(BINDINGS, 20, ROW_STATUS, 1, 6, BINDING_ROW),

	WISH(JOBS, 2, INTEGER, 1, 8, JOB_KIND),
	WISH(JOBS, 3, TEXT, 0, 64, JOB_IFACE),
	WISH(JOBS, 4, TEXT, 0, 255, JOB_TARGET),
	WISH(JOBS, 5, ADDRESS_TYPE, 0, 16, JOB_ADDRESS_TYPE),
	WISH(JOBS, 6, ADDRESS, 0, 255, JOB_ADDRESS),
	WISH(JOBS, 7, UNSIGNED, 0, 65535, JOB_PORT),
	WISH(JOBS, 8, TRUTH, 1, 2, JOB_FORCE),
	WISH(JOBS, 17, TEXT, 0, 32, JOB_OWNER),
	WISH(JOBS, 18, ROW_STATUS, 1, 6, JOB_ROW),
	WISH(JOBS, 19, INTEGER, 1, 2, JOB_CONTROL),

	KEPT(1, BITS, 0, 255, NOTIFY_ENABLE),
	KEPT(2, UNSIGNED, 0, UINT32_MAX, HOLD_DOWN),
	KEPT(9, UNSIGNED, 0, UINT32_MAX, NOTIFY_RATE),
};

/* --- the index --- */

/* A length and so many octets; false for what no such text can be. */
static bool take_text(struct mib_tail *tail, size_t limit, char *text, size_t *length)
{
	size_t count = tail->count ? tail->arcs[0] : 0;

	if (!count || count > limit || count > tail->count - 1)
		return false;
	for (size_t i = 0; i < count; i++) {
		mib_arc arc = tail->arcs[1 + i];

		if (!arc || arc > 255)
			return false;
		text[i] = (char)arc;
	}
	text[count] = '\0';
	*length = count;
	*tail = mib_skip(*tail, 1 + count);
	return true;
}

static bool scalar_index(struct mib_tail tail, struct mib_wish *wish)
{
	(void)wish;
	return tail.count == 1 && tail.arcs[0] == 0;
}

static bool take_iface(struct mib_tail *tail, struct mib_wish *wish)
{
	wish->wish.iface = wish->iface;
	return take_text(tail, sizeof(wish->iface) - 1, wish->iface, &wish->wish.iface_length);
}

static bool iface_index(struct mib_tail tail, struct mib_wish *wish)
{
	return take_iface(&tail, wish) && !tail.count;
}

static bool setting_index(struct mib_tail tail, struct mib_wish *wish)
{
	size_t length;

	wish->wish.setting = wish->setting;
	return take_iface(&tail, wish) &&
	       take_text(&tail, sizeof(wish->setting) - 1, wish->setting, &length) && !tail.count;
}

static bool number_index(struct mib_tail tail, struct mib_wish *wish)
{
	if (tail.count != 1 || tail.arcs[0] < 1 || tail.arcs[0] > INT32_MAX)
		return false;
	wish->wish.index = (uint32_t)tail.arcs[0];
	return true;
}

static bool (*const indexes[])(struct mib_tail tail, struct mib_wish *wish) = {
	[AGENT] = scalar_index,	   [IFACES] = iface_index, [SETTINGS] = setting_index,
	[BINDINGS] = number_index, [JOBS] = number_index,  [ALERTING] = scalar_index,
};

/* --- the value --- */

static enum mib_tag tag_of(enum shape shape)
{
	switch (shape) {
	case UNSIGNED:
		return MIB_UNSIGNED;
	case TEXT:
	case ADDRESS:
	case BITS:
		return MIB_OCTETS;
	default:
		return MIB_INTEGER;
	}
}

static bool is_allowed(const struct writable *line, int64_t number)
{
	if (number < line->minimum || number > line->maximum)
		return false;
	if (line->shape == ADDRESS_TYPE)
		return ADDRESS_TYPES >> number & 1;
	return line->shape != ROW_STATUS || ROW_ACTIONS >> number & 1;
}

static enum mib_error take_number(const struct writable *line, int64_t number,
				  struct mib_wish *wish, const char **why)
{
	if (!is_allowed(line, number)) {
		*why = line->shape == ROW_STATUS
			       ? "a RowStatus can be set to active, createAndGo or destroy"
			       : "the number is none that this object can have";
		return MIB_WRONG_VALUE;
	}
	wish->set_lock = (int32_t)number;
	wish->wish.number = line->shape == TRUTH ? number == 1 : number;
	return MIB_NO_ERROR;
}

/*
 * The first octet has all the bits that there are. Managers may leave it out if it is zero, and
 * send octets of later versions after it, if they are.
 */
static enum mib_error take_bits(const uint8_t *octets, size_t count, struct mib_wish *wish,
				const char **why)
{
	for (size_t i = 1; i < count; i++)
		if (octets[i]) {
			*why = "a bit is set that this object does not have";
			return MIB_WRONG_VALUE;
		}
	wish->wish.number = count ? octets[0] : 0;
	return MIB_NO_ERROR;
}

static enum mib_error take_octets(const struct writable *line, const void *octets, size_t count,
				  struct mib_wish *wish, const char **why)
{
	if ((int64_t)count < line->minimum || (int64_t)count > line->maximum) {
		*why = "the value is shorter or longer than this object can be";
		return MIB_WRONG_LENGTH;
	}
	if (line->shape == BITS)
		return take_bits(octets, count, wish, why);
	wish->wish.text = count ? octets : "";
	wish->wish.length = count;
	if (line->shape == TEXT && memchr(wish->wish.text, '\0', count)) {
		*why = "a text cannot hold an octet 0";
		return MIB_WRONG_VALUE;
	}
	return MIB_NO_ERROR;
}

/* --- both --- */

/* The line of a name; tail gets its index. NULL: no such object, or it cannot be written. */
static const struct writable *find_line(const struct mib_varbind *varbind, struct mib_tail *tail)
{
	mib_arc group;

	if (!mib_below_objects(varbind->name, varbind->length, tail) || tail->count < 2)
		return NULL;
	group = tail->arcs[0];
	*tail = mib_skip(*tail, 1);
	if (group != AGENT && group != ALERTING) {
		if (tail->count < 2 || tail->arcs[0] != MIB_ENTRY)
			return NULL;
		*tail = mib_skip(*tail, 1);
	}
	for (size_t i = 0; i < sizeof(writables) / sizeof(*writables); i++)
		if (writables[i].group == group && writables[i].column == tail->arcs[0]) {
			*tail = mib_skip(*tail, 1);
			return &writables[i];
		}
	return NULL;
}

enum mib_error mib_write_decode(const struct mib_varbind *varbind, struct mib_wish *wish,
				const char **why)
{
	struct mib_tail tail;
	const struct writable *line = find_line(varbind, &tail);
	enum mib_error error;

	*why = "";
	if (!line) {
		*why = "no object that can be written";
		return MIB_NOT_WRITABLE;
	}
	memset(wish, 0, sizeof(*wish));
	wish->kind = line->shape == LOCK ? MIB_WISH_SET_LOCK : MIB_WISH_LIBRARY;
	wish->wish.kind = line->kind;
	wish->wish.setting = line->setting;
	wish->wish.index = line->kept;
	if (varbind->tag != tag_of(line->shape)) {
		*why = "the value is of another type than this object";
		return MIB_WRONG_TYPE;
	}
	error = varbind->tag == MIB_OCTETS
			? take_octets(line, varbind->octets, varbind->octet_count, wish, why)
			: take_number(line, varbind->integer, wish, why);
	if (!error && !indexes[line->group](tail, wish)) {
		*why = "no instance can ever have this index";
		error = MIB_NO_CREATION;
	}
	return error;
}

enum mib_error mib_write_error(enum isif_refusal_kind kind)
{
	static const enum mib_error errors[] = {
		[ISIF_REFUSED_VALUE] = MIB_WRONG_VALUE,
		[ISIF_REFUSED_STATE] = MIB_INCONSISTENT_VALUE,
		[ISIF_REFUSED_NAME] = MIB_INCONSISTENT_NAME,
		[ISIF_REFUSED_CREATION] = MIB_NO_CREATION,
		[ISIF_REFUSED_READ_ONLY] = MIB_NOT_WRITABLE,
		[ISIF_REFUSED_ACCESS] = MIB_NO_ACCESS,
		[ISIF_REFUSED_BUSY] = MIB_RESOURCE_UNAVAILABLE,
		[ISIF_REFUSED_FAILED] = MIB_COMMIT_FAILED,
		[ISIF_REFUSED_UNDO] = MIB_UNDO_FAILED,
	};

	return errors[kind];
}

const char *mib_error_name(enum mib_error error)
{
	switch (error) {
	case MIB_NO_ERROR:
		return "noError";
	case MIB_NO_ACCESS:
		return "noAccess";
	case MIB_WRONG_TYPE:
		return "wrongType";
	case MIB_WRONG_LENGTH:
		return "wrongLength";
	case MIB_WRONG_VALUE:
		return "wrongValue";
	case MIB_NO_CREATION:
		return "noCreation";
	case MIB_INCONSISTENT_VALUE:
		return "inconsistentValue";
	case MIB_RESOURCE_UNAVAILABLE:
		return "resourceUnavailable";
	case MIB_COMMIT_FAILED:
		return "commitFailed";
	case MIB_UNDO_FAILED:
		return "undoFailed";
	case MIB_NOT_WRITABLE:
		return "notWritable";
	case MIB_INCONSISTENT_NAME:
		return "inconsistentName";
	}
	return "genErr";
}
