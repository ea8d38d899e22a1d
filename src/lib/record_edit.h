/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ISIF_LIB_RECORD_EDIT_H
#define ISIF_LIB_RECORD_EDIT_H

#include <isif/privileged.h>

#include <stdbool.h>
#include <stddef.h>

/*
 * Texts of records, secrets included: made and changed, never shown. Pure. What a text holds is
 * overwritten before it is freed. A text that could not be made is empty.
 *   record_edit.c     lines of a text changed
 *   record_make.c     new texts
 *   record_pieces.c   a text cut into what open-iscsi reads at once, and put together again
 *   node_setting.c    the node.* settings: their order, and what iscsid.conf may say of them
 */
struct record_text {
	char *octets;
	size_t length;
};
void record_text_clear(struct record_text *text);

/*
 * Changes lines of a record's text; everything else stays as it is, octet by octet: unknown lines,
 * comments, their order. A key that is there more than once is changed where open-iscsi reads it
 * (its last line), and its other lines go. A new line goes where open-iscsi would write it. With
 * an old value given that is not the present one: ISIF_CHANGED. ISIF_INCOMPLETE for a text without
 * its end, ISIF_INVALID for a key or a value that open-iscsi could not read back as it is, or for
 * a secret, ISIF_TOO_LONG if the outcome is over ISIF_RECORD_SIZE, ISIF_NO_MEMORY.
 */
enum isif_error record_edit(const char *text, size_t length, const struct isif_edit_line *lines,
			    size_t count, struct record_text *edited);

/*
 * The text of a new iface record, as "iscsiadm -m iface -o new" makes it, with these settings;
 * their old values do not matter.
 */
enum isif_error record_new_iface(const char *name, const struct isif_edit_line *lines, size_t count,
				 struct record_text *made);

/*
 * The text of a new node record, as "iscsiadm -m node -o new" makes it. base is another node
 * record of which everything is taken that lines do not name, but for what belongs to its own
 * portal, discovery and iface; or (sibling false) the text of iscsid.conf (NULL: there is none).
 * ISIF_INVALID for other lines than those of ISIF_EDIT_NEW_NODE, and without its name, portal
 * group, address, port or iface; settings of the iface that are not given are a new iface's.
 */
enum isif_error record_new_node(const char *base, size_t length, bool sibling,
				const struct isif_edit_line *lines, size_t count,
				struct record_text *made);

/*
 * The discovery record that a node record belongs to, as open-iscsi names its folder of links
 * (usr/idbm.c:setup_disc_to_node_link): "send_targets/ADDRESS,PORT", "isns/ADDRESS,PORT",
 * "static" or "fw". False: it has no link.
 */
bool record_link_folder(const char *text, size_t length, char *folder, size_t size);

#endif
