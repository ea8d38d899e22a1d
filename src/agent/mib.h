/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IFACED_MIB_H
#define IFACED_MIB_H

#include <isif/event.h>
#include <isif/job.h>
#include <isif/model.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * ISCSI-IFACE-MIB as static descriptors, and an engine over them (engine.c): (snapshot, OID) ->
 * value or next OID. Pure: no Net-SNMP type, no file, no clock of its own. A column is one line
 * in mib_tables.c or mib_scalars.c.
 */

typedef unsigned long mib_arc; /* one sub-identifier, as Net-SNMP's oid */

#define MIB_OID_LIMIT 128 /* sub-identifiers of an OID (RFC 2578, 3.5) */

/* Tags of the values, as in the PDU (RFC 2578, 7.1). */
enum mib_tag {
	MIB_INTEGER = 0x02,
	MIB_OCTETS = 0x04,
	MIB_COUNTER32 = 0x41,
	MIB_UNSIGNED = 0x42,
	MIB_TIMETICKS = 0x43,
	MIB_COUNTER64 = 0x46,
};

struct mib_value {
	enum mib_tag tag;
	int32_t integer;
	uint64_t number;
	const void *octets; /* in a row, or in buffer */
	size_t length;
	uint8_t buffer[256];
};

/* How a column is shown. */
enum mib_syntax {
	SYNTAX_INTEGER,
	SYNTAX_UNSIGNED,
	SYNTAX_COUNTER32,
	SYNTAX_COUNTER64,
	SYNTAX_TEXT,
	SYNTAX_TRUTH,
	SYNTAX_TIMESTAMP,    /* of monotonic milliseconds */
	SYNTAX_DATE,	     /* DateAndTime, of seconds since 1970 */
	SYNTAX_ADDRESS_TYPE, /* both of an address as text */
	SYNTAX_ADDRESS,
};

enum mib_access { ACCESS_NONE, ACCESS_READ, ACCESS_WRITE, ACCESS_CREATE };

/* How a row stores it. */
enum mib_storage {
	STORED_COMPUTED, /* by the column's function */
	STORED_BOOL,
	STORED_U8,
	STORED_U16,
	STORED_U32,
	STORED_I32,
	STORED_U64,
	STORED_I64,
	STORED_TEXT,  /* const char * */
	STORED_CHARS, /* char [] */
	STORED_NAME,  /* struct isif_name * */
};

/* The facts that are the agent's own. */
struct mib_agent {
	const char *version;
	int32_t control_mode;
	int32_t set_lock;
	uint8_t notify_enable; /* BITS, the first notification is the highest bit */
	uint32_t notify_hold_down, notify_suppressed, notify_queued, notify_rate;
};

/* What a request is answered from. */
struct mib_view {
	const struct isif_snapshot *snapshot;
	struct isif_job_list jobs;
	struct isif_event_list events;
	const struct mib_agent *agent;
	uint64_t mono;	     /* now, monotonic ms */
	uint64_t origin;     /* when sysUpTime was 0, monotonic ms; may lie before the boot */
	bool counters_asked; /* set when a counter of a session was looked at */
	bool ports_asked;    /* set when somebody looked at what an offload port has */
	bool uses_asked;     /* set when somebody looked at who uses a disk */
};

struct mib_field {
	enum mib_storage storage;
	int16_t via; /* offset of a pointer to what holds it; -1: the row does */
	uint16_t offset;
};

struct mib_column {
	uint16_t arc;
	enum mib_syntax syntax;
	enum mib_access access;
	struct mib_field field;
	/* Of STORED_COMPUTED; false: no instance in this row. */
	bool (*compute)(struct mib_view *view, const void *row, struct mib_value *value);
};

/* The rows of a table, sorted in the order of its index. */
struct mib_rows {
	const void *first;
	size_t count;
	size_t size; /* of one row; 0: first is an array of pointers to rows */
};

#define MIB_INDEX_PARTS 2

struct mib_table {
	struct mib_rows (*rows)(const struct mib_view *view);
	struct mib_field index[MIB_INDEX_PARTS]; /* texts are length-prefixed, numbers one arc */
	size_t index_count;
};

/* What lies below one arc of iscsiIfaceObjects: a table, or scalars (table.rows NULL). */
struct mib_group {
	uint16_t arc;
	const struct mib_column *columns; /* sorted by arc */
	size_t column_count;
	struct mib_table table;
};

/* All groups, sorted by arc. */
extern const struct mib_group mib_groups[];
extern const size_t mib_group_count;

#define MIB_AGENT_SCALARS    21
#define MIB_ALERTING_SCALARS 5
extern const struct mib_column mib_agent_scalars[MIB_AGENT_SCALARS];
extern const struct mib_column mib_alerting_scalars[MIB_ALERTING_SCALARS];

/* OID of iscsiIfaceMIB. */
extern const mib_arc mib_root[];
extern const size_t mib_root_length;

/* Puts what a column shows of a row into value; false: no instance (mib_value.c). */
bool mib_column_value(const struct mib_column *column, struct mib_view *view, const void *row,
		      struct mib_value *value);

/* Reads a field as a number or as a text (NULL only for a NULL name). */
uint64_t mib_field_number(const struct mib_field *field, const void *row);
const char *mib_field_text(const struct mib_field *field, const void *row, size_t *length);

void mib_set_text(struct mib_value *value, const char *text, size_t length);
void mib_set_number(struct mib_value *value, enum mib_tag tag, uint64_t number);

/* The shape of a line in a descriptor table: storage is found from the member's own type. */
#define STORAGE_OF(type, member)                                                                   \
	_Generic(((const type *)0)->member,                                                        \
		bool: STORED_BOOL,                                                                 \
		uint8_t: STORED_U8,                                                                \
		uint16_t: STORED_U16,                                                              \
		uint32_t: STORED_U32,                                                              \
		int32_t: STORED_I32,                                                               \
		uint64_t: STORED_U64,                                                              \
		int64_t: STORED_I64,                                                               \
		char *: STORED_CHARS,                                                              \
		const char *: _Generic(&((const type *)0)->member,                                 \
			const char *const *: STORED_TEXT, default: STORED_CHARS),                  \
		struct isif_name *: STORED_NAME)
#define FIELD(type, member)                                                                        \
	{                                                                                          \
		STORAGE_OF(type, member), -1, offsetof(type, member)                               \
	}
#define FIELD_VIA(type, pointer, target, member)                                                   \
	{                                                                                          \
		STORAGE_OF(target, member), offsetof(type, pointer), offsetof(target, member)      \
	}
#define COLUMN(arc, syntax, access, type, member)                                                  \
	{                                                                                          \
		arc, SYNTAX_##syntax, ACCESS_##access, FIELD(type, member), NULL                   \
	}
#define COLUMN_VIA(arc, syntax, access, type, pointer, target, member)                             \
	{                                                                                          \
		arc, SYNTAX_##syntax, ACCESS_##access, FIELD_VIA(type, pointer, target, member),   \
			NULL                                                                       \
	}
#define COLUMN_COMPUTED(arc, syntax, access, function)                                             \
	{                                                                                          \
		arc, SYNTAX_##syntax, ACCESS_##access, { STORED_COMPUTED, -1, 0 }, function        \
	}

#endif
