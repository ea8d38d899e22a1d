/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IFACED_MIB_WRITE_H
#define IFACED_MIB_WRITE_H

#include "mib.h"

#include <isif/transaction.h>

/*
 * What a SET asks for: varbinds -> wishes, over descriptors. Pure, as the engine. A column that
 * can be written is one line in mib_write.c.
 */

/* The errors that a SET can be answered with (RFC 3416, 4.2.5). */
enum mib_error {
	MIB_NO_ERROR = 0,
	MIB_NO_ACCESS = 6,
	MIB_WRONG_TYPE = 7,
	MIB_WRONG_LENGTH = 8,
	MIB_WRONG_VALUE = 10,
	MIB_NO_CREATION = 11,
	MIB_INCONSISTENT_VALUE = 12,
	MIB_RESOURCE_UNAVAILABLE = 13,
	MIB_COMMIT_FAILED = 14,
	MIB_UNDO_FAILED = 15,
	MIB_NOT_WRITABLE = 17,
	MIB_INCONSISTENT_NAME = 18,
};

/* One varbind of a SET; the pointers are borrowed for as long as the transaction lasts. */
struct mib_varbind {
	const mib_arc *name;
	size_t length;
	uint8_t tag;	 /* of the value, as in the PDU */
	int64_t integer; /* of an INTEGER, Unsigned32 or Counter32 */
	const void *octets;
	size_t octet_count;
};

/* A varbind as it was understood. */
struct mib_wish {
	enum { MIB_WISH_LIBRARY, MIB_WISH_SET_LOCK } kind;
	struct isif_wish wish; /* of MIB_WISH_LIBRARY */
	int32_t set_lock;
	char iface[65]; /* the name in the index, which wish.iface points at */
	char setting[41];
};

/*
 * Understands one varbind: what can be written, its type, length, range, and its index. On an
 * error, why gets the reason for the log.
 */
enum mib_error mib_write_decode(const struct mib_varbind *varbind, struct mib_wish *wish,
				const char **why);

/* What iscsiIfaceSetLock becomes when it was set (TestAndIncr of RFC 2579). */
static inline int32_t mib_next_lock(int32_t lock)
{
	return lock == INT32_MAX ? 0 : lock + 1;
}

/* The error that a refusal is answered with. */
enum mib_error mib_write_error(enum isif_refusal_kind kind);
const char *mib_error_name(enum mib_error error);

#endif
