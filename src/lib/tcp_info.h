/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ISIF_LIB_TCP_INFO_H
#define ISIF_LIB_TCP_INFO_H

#include <isif/network.h>

/*
 * Reads the kernel's struct tcp_info into the counters of a socket. The struct has grown with the
 * kernel: a counter that a shorter one does not have becomes 0.
 */
void tcp_info_read(struct isif_socket *socket, const void *info, size_t length);

#endif
