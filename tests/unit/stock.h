/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef UNIT_STOCK_H
#define UNIT_STOCK_H

#include <isif/privileged.h>

/*
 * A database with something of every kind in it, and transactions of every kind on it. "case" is
 * what is tried; its outcome is told by the tests.
 */

/* Below directory: db/, state/, lock/ and iscsid.conf, of an earlier try nothing. */
void stock_make(const char *directory);

/* The gate to it. */
enum isif_error stock_open(const char *directory, const struct isif_log *log,
			   struct isif_privileged **gate);

struct stock_case {
	const char *name;
	const struct isif_edit *edits;
	size_t count;
};
extern const struct stock_case stock_cases[];
extern const size_t stock_case_count;

/* The records of it, by the iface that they name. */
#define STOCK_IFACE(name, device)                                                                  \
	"# BEGIN RECORD 2.1.8\niface.iscsi_ifacename = " name "\niface.net_ifacename = " device    \
	"\niface.transport_name = tcp\n# END RECORD\n"
#define STOCK_NODE(target, tpgt, iface, discovery, address)                                        \
	"# BEGIN RECORD 2.1.8\nnode.name = " target "\nnode.tpgt = " tpgt                          \
	"\nnode.startup = manual\niface.iscsi_ifacename = " iface                                  \
	"\niface.transport_name = tcp\n" discovery                                                 \
	"node.session.auth.password = wonderland\nnode.conn[0].address = " address                 \
	"\nnode.conn[0].port = 3260\n# END RECORD\n"
#define STOCK_STATIC "node.discovery_port = 0\nnode.discovery_type = static\n"
#define STOCK_SENT                                                                                 \
	"node.discovery_address = 192.0.2.100\nnode.discovery_port = 3260\n"                       \
	"node.discovery_type = send_targets\n"

#endif
