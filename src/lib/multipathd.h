/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ISIF_LIB_MULTIPATHD_H
#define ISIF_LIB_MULTIPATHD_H

#include <isif/error.h>

#include <stdbool.h>

/*
 * Asks multipathd for the states of its paths, without waiting: libmpathcmd's protocol, a length
 * of the size of size_t and a text with its NUL, both ways (multipath-tools, libmpathcmd).
 */
struct multipathd;

#define MULTIPATHD_SOCKET "/org/kernel/linux/storage/multipathd" /* abstract */

/* ISIF_NOT_FOUND: it does not run. */
enum isif_error multipathd_ask(const char *socket_name, struct multipathd **multipathd);
void multipathd_close(struct multipathd *multipathd);

/* ISIF_INCOMPLETE while there is no answer yet; ISIF_OK again and again when there is. */
enum isif_error multipathd_work(struct multipathd *multipathd);

/* After ISIF_OK: its checker and the kernel's device-mapper both use this path (e.g. sdb). */
bool multipathd_path_is_alive(const struct multipathd *multipathd, const char *device);

#endif
