/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>

/* What the analyzers must find here is in explained: their silence elsewhere then means something.
 */

int planted_use_after_free(void);
int planted_difference(int number);

int planted_use_after_free(void)
{
	int *number = calloc(1, sizeof(*number));

	if (!number)
		return 0;
	free(number);
	return *number;
}

int planted_difference(int number)
{
	return number - number;
}
