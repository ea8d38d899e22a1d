/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef UNIT_RECORDS_H
#define UNIT_RECORDS_H

#include <isif/database.h>

#include "helpers.h"

/* A database of the test's own in the scratch directory, behind a gate that can be made worse. */
struct records {
	struct isif_privileged gate;
	struct isif_privileged *real;
	bool refuse_watches; /* as at the limit of inotify watches */
	bool overflow;	     /* the next change is that changes were lost */
	struct isif_names *names;
	struct lines lines;
	struct isif_log log;
	struct isif_database *database;
};
extern struct records records;

/* A suite's set-up and tear-down: a scratch directory with empty ifaces/ and nodes/. */
void records_open(void);
void records_close(void);

/* Opens it without reading; reads all that waits (true: something changed); does both. */
void open_database(void);
bool work(void);
void load(void);

/* Takes what inotify has queued; nothing may be waiting that its descriptor did not tell. */
bool take_changes(void);

/* The ifaces as "file:name=mtu", and the nodes as "target/address,port/iface". */
bool has_ifaces(const char *expected);
bool has_nodes(const char *expected);
struct isif_database_counts counts(void);

#endif
