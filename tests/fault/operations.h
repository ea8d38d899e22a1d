/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef FAULT_OPERATIONS_H
#define FAULT_OPERATIONS_H

#include <isif/error.h>
#include <isif/log.h>

#include <stdbool.h>
#include <stddef.h>

/*
 * What the library does, on a database of its own (tests/unit/stock.c). Each is begun, then run as
 * often as there are calls that can fail, and must hold after each.
 */
struct stock_case;

struct operation {
	const char *name;
	bool is_transaction; /* of each stock_case; else what is NULL */
	void (*open)(const struct stock_case *what);
	/* While a call may fail. */
	enum isif_error (*run)(void);
	/*
	 * Afterwards, when none does: what was done is whole or did not happen, as run() said or
	 * the log does, nothing of ours is left over, and the same succeeds now.
	 */
	bool (*holds)(enum isif_error error);
	void (*close)(void);
};
extern const struct operation tried[];
extern const size_t tried_count;

/* Before the first and after the last one; directory is the caller's, and empty. */
void operations_begin(const char *directory);
void operations_end(void);

/* The lines of the log in the last run(), and how many of them were errors or warnings. */
extern struct told {
	unsigned complaints;
	size_t length;
	char text[16384];
} told;

/* Says what is wrong, for a person; false. */
bool wrong(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
