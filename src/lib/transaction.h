/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ISIF_LIB_TRANSACTION_H
#define ISIF_LIB_TRANSACTION_H

#include <isif/transaction.h>

#endif
