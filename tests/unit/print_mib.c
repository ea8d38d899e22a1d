/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Prints the agent's descriptors, a line each, for tests/mib/columns to compare with the module:
 * the OID below iscsiIfaceObjects, its access, and what a GET answers with.
 */
#include "mib.h"

#include <stdio.h>

static const char *const accesses[] = {
	[ACCESS_NONE] = "not-accessible",
	[ACCESS_READ] = "read-only",
	[ACCESS_WRITE] = "read-write",
	[ACCESS_CREATE] = "read-create",
};

static const char *const syntaxes[] = {
	[SYNTAX_INTEGER] = "integer",	   [SYNTAX_UNSIGNED] = "unsigned",
	[SYNTAX_COUNTER32] = "counter32",  [SYNTAX_COUNTER64] = "counter64",
	[SYNTAX_TEXT] = "octets",	   [SYNTAX_TRUTH] = "integer",
	[SYNTAX_TIMESTAMP] = "timeticks",  [SYNTAX_DATE] = "octets",
	[SYNTAX_ADDRESS_TYPE] = "integer", [SYNTAX_ADDRESS] = "octets",
};

int main(void)
{
	for (size_t i = 0; i < mib_group_count; i++) {
		const struct mib_group *group = &mib_groups[i];

		for (size_t j = 0; j < group->column_count; j++) {
			const struct mib_column *column = &group->columns[j];

			printf(group->table.rows ? "%u.1.%u" : "%u.%u", group->arc, column->arc);
			printf(" %s %s\n", accesses[column->access], syntaxes[column->syntax]);
		}
		if (group->table.rows)
			printf("%u.1 indexes %zu\n", group->arc, group->table.index_count);
	}
	return 0;
}
