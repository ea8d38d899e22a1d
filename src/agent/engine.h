/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IFACED_ENGINE_H
#define IFACED_ENGINE_H

#include "mib.h"

enum engine_answer {
	ENGINE_VALUE,
	ENGINE_NO_OBJECT,   /* noSuchObject: no such column or scalar */
	ENGINE_NO_INSTANCE, /* noSuchInstance: the object has none by this index */
	ENGINE_END,	    /* nothing follows */
};

/* What is left of an OID after a part of it. */
struct mib_tail {
	const mib_arc *arcs;
	size_t count;
};

static inline struct mib_tail mib_skip(struct mib_tail tail, size_t count)
{
	return (struct mib_tail){ tail.arcs + count, tail.count - count };
}

#define MIB_OBJECTS 1 /* arc of iscsiIfaceObjects */
#define MIB_ENTRY   1 /* arc of every xxxEntry */

/* What follows iscsiIfaceObjects in a name; false if the name is not below it. */
bool mib_below_objects(const mib_arc *name, size_t length, struct mib_tail *tail);

/* The value of exactly this OID. */
enum engine_answer engine_get(struct mib_view *view, const mib_arc *name, size_t length,
			      struct mib_value *value);

/* The first instance after this OID: next must have room for MIB_OID_LIMIT arcs. */
enum engine_answer engine_next(struct mib_view *view, const mib_arc *name, size_t length,
			       mib_arc *next, size_t *next_length, struct mib_value *value);

#endif
