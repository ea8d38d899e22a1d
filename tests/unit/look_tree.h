/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef UNIT_LOOK_TREE_H
#define UNIT_LOOK_TREE_H

#include "helpers.h"
#include "look.h"

/*
 * A host in the scratch directory for looks at who uses disks: sys, proc and dev. Session 1 has
 * sda, with a partition sda1, and sdb; session 2 has sdc; nobody uses them.
 */

/* A file of the tree: text, or after "->" where a link leads. */
struct file {
	const char *path;
	const char *content;
};

#define SESSION1 "devices/platform/host0/session1"
#define SESSION2 "devices/platform/host1/session2"
#define CLASS(n) "class/iscsi_session/session" #n
#define SCSI1	 SESSION1 "/target0:0:0/0:0:0:1/"
#define SCSI2	 SESSION1 "/target0:0:0/0:0:0:2/"
#define SCSI3	 SESSION2 "/target1:0:0/1:0:0:1/"
#define LUN1	 "sys/" SCSI1
#define LUN2	 "sys/" SCSI2
#define OTHER	 "sys/" SCSI3
#define VIRTUAL	 "sys/devices/virtual/block/"
#define DOWN	 "->../../../../../../../../virtual/block/" /* from holders/ of a disk */

#define ROOT_LINE "23 20 253:1 / / rw,relatime - ext4 /dev/vda1 rw\n"
#define SWAPS	  "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"

/* Both paths of one disk, sda and sdc, in a map. */
extern const struct file map_files[];
/* A volume on the partition of sda. */
extern const struct file volume_files[];
/* Another process, 77, in the host's namespace. */
extern const struct file process_files[];

extern char multipathd_name[64]; /* of its socket */
extern unsigned claim_patience;	 /* ms for those who are asked */

struct found {
	size_t count;
	unsigned steps;
	struct isif_look_disk disks[8];
};

void look_tree_make(void);

void put_entry(const char *path, const char *content);
void put_files(const struct file *files);
/* Beside the root file system, this line in the mountinfo of a process. */
void put_mount(const char *process_number, const char *line);

struct look *look_tree_begin(enum isif_look_purpose purpose, const uint32_t *sids, size_t count);
/* Works until it is done; each turn ends at the deadline. */
struct found look_tree_work(struct look *look, uint64_t deadline);
struct found look_tree_all(enum isif_look_purpose purpose, const uint32_t *sids, size_t count);

/* What is to be found of the first disk, sda. */
void look_finds(enum isif_disk_use use, enum isif_vital vital, const char *user);
void look_finds_user(const char *user);
void look_finds_nobody(void);

#endif
