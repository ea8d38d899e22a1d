/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ISIF_LIB_KERNEL_PORT_H
#define ISIF_LIB_KERNEL_PORT_H

#include <isif/kernel.h>

/*
 * A port that is being read, an attribute at a time: an adapter may need some milliseconds for each
 * (drivers/scsi/be2iscsi asks its firmware).
 */
struct port_draft;

/*
 * Begins with an iscsi_iface object, or with a host, by its name. Errors are those of
 * isif_kernel_port_read(), and of isif_kernel_port_of_host(); but whether a host has objects is not
 * looked at.
 */
enum isif_error port_draft_begin(struct isif_sysfs *sysfs, const char *name,
				 struct port_draft **draft);
/* Reads one more attribute. ISIF_INCOMPLETE: there are others; ISIF_OK: *port has all of them. */
enum isif_error port_draft_step(struct port_draft *draft, struct isif_kernel_port **port);
void port_draft_free(struct port_draft *draft);

#endif
