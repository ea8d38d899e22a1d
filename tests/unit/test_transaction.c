/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "suites.h"

#include "helpers.h"

void add_transaction_tests(void)
{
}
