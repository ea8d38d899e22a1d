/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "stock.h"

#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct {
	const char *path, *text; /* no text: a directory */
} files[] = {
	{ "db", NULL },
	{ "state", NULL },
	{ "lock", NULL },
	{ "iscsid.conf", "node.startup = manual\nnode.session.timeo.replacement_timeout = 7\n" },
	{ "db/ifaces", NULL },
	{ "db/ifaces/if0", STOCK_IFACE("if0", "eth0") },
	{ "db/ifaces/if1", STOCK_IFACE("if1", "eth1") },
	{ "db/ifaces/if2", STOCK_IFACE("if2", "eth2") },
	{ "db/static", NULL },
	{ "db/send_targets", NULL },
	{ "db/send_targets/192.0.2.100,3260", NULL },
	{ "db/send_targets/192.0.2.100,3260/st_config",
	  "# BEGIN RECORD 2.1.8\ndiscovery.sendtargets.address = 192.0.2.100\n# END RECORD\n" },
	{ "db/nodes", NULL },
	{ "db/nodes/iqn.a", NULL },
	{ "db/nodes/iqn.a/192.0.2.1,3260,1", NULL },
	{ "db/nodes/iqn.a/192.0.2.1,3260,1/if0",
	  STOCK_NODE("iqn.a", "1", "if0", STOCK_STATIC, "192.0.2.1") },
	{ "db/nodes/iqn.a/192.0.2.1,3260,1/if1",
	  STOCK_NODE("iqn.a", "1", "if1", STOCK_SENT, "192.0.2.1") },
	{ "db/nodes/iqn.a/192.0.2.2,3260,1", NULL },
	{ "db/nodes/iqn.a/192.0.2.2,3260,1/if0",
	  STOCK_NODE("iqn.a", "1", "if0", STOCK_SENT, "192.0.2.2") },
	{ "db/nodes/iqn.b", NULL },
	{ "db/nodes/iqn.b/192.0.2.3,3260,1", NULL },
	{ "db/nodes/iqn.b/192.0.2.3,3260,1/if0",
	  STOCK_NODE("iqn.b", "1", "if0", STOCK_STATIC, "192.0.2.3") },
	{ "db/nodes/iqn.old", NULL },
	{ "db/nodes/iqn.old/192.0.2.4,3260",
	  STOCK_NODE("iqn.old", "-1", "if0", STOCK_STATIC, "192.0.2.4") },
};

static const struct {
	const char *folder, *target, *portal, *iface;
} links[] = {
	{ "static", "iqn.a", "192.0.2.1,3260,1", "if0" },
	{ "send_targets/192.0.2.100,3260", "iqn.a", "192.0.2.1,3260,1", "if1" },
	{ "send_targets/192.0.2.100,3260", "iqn.a", "192.0.2.2,3260,1", "if0" },
	{ "static", "iqn.b", "192.0.2.3,3260,1", "if0" },
};

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *ftw)
{
	(void)status;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void make_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "wxe");

	if (!file || fputs(text, file) < 0 || fclose(file) || chmod(path, 0600))
		abort();
}

void stock_make(const char *directory)
{
	char path[PATH_MAX], to[PATH_MAX];

	nftw(directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	if (mkdir(directory, 0700))
		abort();
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		snprintf(path, sizeof(path), "%s/%s", directory, files[i].path);
		if (files[i].text)
			make_file(path, files[i].text);
		else if (mkdir(path, 0700))
			abort();
	}
	for (size_t i = 0; i < sizeof(links) / sizeof(*links); i++) {
		snprintf(path, sizeof(path), "%s/db/%s/%s,%s,%s", directory, links[i].folder,
			 links[i].target, links[i].portal, links[i].iface);
		snprintf(to, sizeof(to), "%s/db/nodes/%s/%s", directory, links[i].target,
			 links[i].portal);
		if (symlink(to, path))
			abort();
	}
}

enum isif_error stock_open(const char *directory, const struct isif_log *log,
			   struct isif_privileged **gate)
{
	char root[PATH_MAX], initiatorname[PATH_MAX], state[PATH_MAX], lock[PATH_MAX];

	snprintf(root, sizeof(root), "%s/db", directory);
	snprintf(initiatorname, sizeof(initiatorname), "%s/initiatorname.iscsi", directory);
	snprintf(state, sizeof(state), "%s/state", directory);
	snprintf(lock, sizeof(lock), "%s/lock", directory);
	return isif_privileged_open(
		&(struct isif_privileged_options){
			.root = root,
			.initiatorname_file = initiatorname,
			.state_directory = state,
			.lock_directory = lock,
			.log = log,
		},
		gate);
}

static const struct isif_edit_line other_device[] = {
	{ "iface.net_ifacename", "eth0", "eth7" },
};
static const struct isif_edit_line a_device[] = { { "iface.net_ifacename", NULL, "eth3" } };
static const struct isif_edit_line automatic[] = { { "node.startup", "manual", "automatic" } };
static const struct isif_edit_line to_if0[] = { { "iface.iscsi_ifacename", NULL, "if0" } };
static const struct isif_edit_line to_if1[] = { { "iface.iscsi_ifacename", "if0", "if1" } };
static const struct isif_edit_line to_if2[] = { { "iface.iscsi_ifacename", "if0", "if2" } };
static const struct isif_edit_line new_node[] = {
	{ "node.name", NULL, "iqn.new" },	 { "node.tpgt", NULL, "1" },
	{ "node.startup", NULL, "manual" },	 { "node.conn[0].address", NULL, "192.0.2.9" },
	{ "node.conn[0].port", NULL, "3260" },	 { "iface.iscsi_ifacename", NULL, "if0" },
	{ "iface.transport_name", NULL, "tcp" },
};

#define LINES(lines_) .lines = (lines_), .line_count = sizeof(lines_) / sizeof(*(lines_))
#define NEW_PATH      "nodes/iqn.new/192.0.2.9,3260,1/if0"
#define FIRST	      "nodes/iqn.a/192.0.2.1,3260,1/"
#define SECOND	      "nodes/iqn.a/192.0.2.2,3260,1/"
#define LAST	      "nodes/iqn.b/192.0.2.3,3260,1/if0"
#define OLD	      "nodes/iqn.old/192.0.2.4,3260"

static const struct isif_edit setting[] = {
	{ .kind = ISIF_EDIT_LINES, .path = "ifaces/if0", LINES(other_device) },
};
static const struct isif_edit new_iface[] = {
	{ .kind = ISIF_EDIT_NEW_IFACE, .path = "ifaces/if3", LINES(a_device) },
};
static const struct isif_edit remove_iface[] = {
	{ .kind = ISIF_EDIT_REMOVE, .path = "ifaces/if1" },
};
static const struct isif_edit like_another[] = {
	{ .kind = ISIF_EDIT_NEW_NODE, .path = NEW_PATH, .other = LAST, LINES(new_node) },
};
static const struct isif_edit from_iscsid_conf[] = {
	{ .kind = ISIF_EDIT_NEW_NODE, .path = NEW_PATH, LINES(new_node) },
};
static const struct isif_edit move[] = {
	{ .kind = ISIF_EDIT_MOVE_NODE, .path = FIRST "if0", .other = FIRST "if2", LINES(to_if2) },
};
static const struct isif_edit copy[] = {
	{ .kind = ISIF_EDIT_COPY_NODE, .path = FIRST "if0", .other = FIRST "if2", LINES(to_if2) },
};
static const struct isif_edit swap[] = {
	{ .kind = ISIF_EDIT_MOVE_NODE, .path = FIRST "if0", .other = FIRST "if1", LINES(to_if1) },
	{ .kind = ISIF_EDIT_MOVE_NODE, .path = FIRST "if1", .other = FIRST "if0", LINES(to_if0) },
};
static const struct isif_edit remove_last[] = {
	{ .kind = ISIF_EDIT_REMOVE, .path = LAST },
};
static const struct isif_edit remove_old[] = {
	{ .kind = ISIF_EDIT_REMOVE, .path = OLD },
};
static const struct isif_edit all_kinds[] = {
	{ .kind = ISIF_EDIT_LINES, .path = "ifaces/if0", LINES(other_device) },
	{ .kind = ISIF_EDIT_NEW_IFACE, .path = "ifaces/if3", LINES(a_device) },
	{ .kind = ISIF_EDIT_REMOVE, .path = "ifaces/if1" },
	{ .kind = ISIF_EDIT_NEW_NODE, .path = NEW_PATH, .other = LAST, LINES(new_node) },
	{ .kind = ISIF_EDIT_MOVE_NODE, .path = OLD, .other = OLD, LINES(to_if2) },
	{ .kind = ISIF_EDIT_REMOVE, .path = LAST },
	{ .kind = ISIF_EDIT_MOVE_NODE, .path = SECOND "if0", .other = SECOND "if2", LINES(to_if2) },
	{ .kind = ISIF_EDIT_LINES, .path = FIRST "if0", LINES(automatic) },
	{ .kind = ISIF_EDIT_REMOVE, .path = FIRST "if1" },
	{ .kind = ISIF_EDIT_LINES, .path = "ifaces/if2", LINES(a_device) },
};

#define CASE(name_, edits_)                                                                        \
	{                                                                                          \
		.name = (name_), .edits = (edits_), .count = sizeof(edits_) / sizeof(*(edits_))    \
	}
const struct stock_case stock_cases[] = {
	CASE("one setting", setting),
	CASE("a new iface", new_iface),
	CASE("an iface is removed", remove_iface),
	CASE("a new binding like another", like_another),
	CASE("a new binding from iscsid.conf", from_iscsid_conf),
	CASE("a binding moves", move),
	CASE("a binding gets a second record", copy),
	CASE("two bindings change places", swap),
	CASE("the last binding of a target is removed", remove_last),
	CASE("an old record is removed", remove_old),
	CASE("ten edits of all kinds", all_kinds),
};
const size_t stock_case_count = sizeof(stock_cases) / sizeof(*stock_cases);
