/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bounds.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool any_matches(const char *patterns, const char *iface)
{
	while (patterns && *patterns) {
		size_t length = strcspn(patterns, " ");
		char pattern[BOUNDS_PATTERN];

		snprintf(pattern, sizeof(pattern), "%.*s", (int)length, patterns);
		if (!fnmatch(pattern, iface, 0))
			return true;
		patterns += length + 1;
	}
	return false;
}

bool bounds_hold(const struct bounds *bounds, const char *iface)
{
	if (any_matches(bounds->deny, iface))
		return false;
	return !bounds->allow || any_matches(bounds->allow, iface);
}

void bounds_clear(struct bounds *bounds)
{
	free(bounds->allow);
	free(bounds->deny);
	*bounds = (struct bounds){ 0 };
}
