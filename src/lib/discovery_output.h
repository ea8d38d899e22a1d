/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ISIF_LIB_DISCOVERY_OUTPUT_H
#define ISIF_LIB_DISCOVERY_OUTPUT_H

#include <isif/address.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What iscsiadm writes about a discovery: a line "ADDRESS:PORT,TPGT TARGET" for each record that
 * it made or found (usr/idbm.c:idbm_print_node_flat), so that a portal over two ifaces has two;
 * and its messages. Names and addresses are the target's own, and a target may send anything.
 */
enum discovery_line_kind {
	DISCOVERY_LINE_PORTAL,
	DISCOVERY_LINE_MESSAGE, /* of iscsiadm, or nothing at all */
	DISCOVERY_LINE_ODD,	/* neither: no such portal, or no such name, can be */
};

struct discovery_line {
	enum discovery_line_kind kind;
	const char *text; /* as it stands in the output */
	size_t length;
	/* Of a portal: */
	char target[224]; /* RFC 7143, 4.2.7.2: at most 223 octets */
	char address[ISIF_ADDRESS_SIZE + 1];
	uint16_t port;
	int32_t tpgt; /* -1: it told none */
};

/* Reads the line at *at and steps over it; false at the end. */
bool discovery_line_next(const char **at, const char *end, struct discovery_line *line);

/* The begin of a line, for people: what is no printable ASCII is '?'. */
void discovery_line_show(const struct discovery_line *line, char *buffer, size_t size);

#endif
