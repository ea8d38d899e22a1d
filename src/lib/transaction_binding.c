/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "transaction.h"

#include "node.h"
#include "setting_check.h"
#include "snapshot_find.h"

#include <string.h>

#define LINK_LIMIT 255 /* octets of a file name: the link of a record has all of its key in it */

static const struct binding_change *change_of(const struct isif_transaction *transaction,
					      uint32_t index)
{
	for (size_t i = 0; i < transaction->binding_count; i++)
		if (transaction->bindings[i].index == index)
			return &transaction->bindings[i];
	return NULL;
}

/* The iface that a row will have; NULL: the row will be gone. */
static const char *iface_then(const struct isif_transaction *transaction,
			      const struct isif_binding *row)
{
	const struct binding_change *change = change_of(transaction, row->index);

	if (change && change->removes)
		return NULL;
	return change && change->moves ? change->iface_name : row->node->iface->text;
}

/* True if that portal will have a record for the iface: a live session keeps its old one, too. */
static bool will_use(const struct isif_transaction *transaction, const struct isif_binding *row,
		     const char *iface)
{
	const struct binding_change *change = change_of(transaction, row->index);
	const char *then = iface_then(transaction, row);

	return (then && !strcmp(then, iface)) ||
	       (change && change->moves_live && !strcmp(row->node->iface->text, iface));
}

size_t transaction_users(const struct isif_transaction *transaction, const char *iface)
{
	const struct isif_snapshot *snapshot = transaction->snapshot;
	size_t users = 0;

	for (uint32_t i = 0; i < snapshot->binding_count; i++) {
		const struct isif_binding *row = snapshot->bindings[i];

		/* Most rows are of other ifaces and not in the transaction at all. */
		if (strcmp(row->node->iface->text, iface) && !transaction->binding_count)
			continue;
		users += will_use(transaction, row, iface);
	}
	for (size_t i = 0; i < transaction->binding_count; i++)
		users += transaction->bindings[i].makes &&
			 !strcmp(transaction->bindings[i].iface_name, iface);
	return users;
}

/* --- paths, as usr/idbm.c:idbm_rec_write makes them --- */

static const char *path_of(struct isif_transaction *transaction, const struct isif_node *node,
			   const char *iface)
{
	if (node->single_file)
		return transaction_text(transaction, "nodes/%s/%s,%u", node->target->text,
					node->address->text, node->port);
	return transaction_text(transaction, "nodes/%s/%s,%u,%d/%s", node->target->text,
				node->address->text, node->port, node->tpgt, iface);
}

static void expect_node(struct isif_transaction *transaction, const char *path,
			const struct isif_node *node, const struct isif_wish *wish)
{
	transaction_expect(transaction,
			   &(struct expectation){ .path = path, .node = node, .wish = wish });
}

/* What is copied out of an iface's record must still be there. */
static void expect_iface(struct isif_transaction *transaction, const char *name,
			 const struct isif_wish *wish)
{
	const struct isif_iface *row = transaction_iface_row(transaction, name);

	if (row && row->record)
		transaction_expect(transaction,
				   &(struct expectation){
					   .path = transaction_text(transaction, "ifaces/%s", name),
					   .iface = row->record,
					   .wish = wish });
}

/* --- the iface that a binding gets --- */

static bool check_iface(struct isif_transaction *transaction, const char *name,
			const struct isif_wish *wish)
{
	const struct iface_change *change = transaction_iface(transaction, name);
	bool there = transaction_iface_row(transaction, name) ||
		     (change && change->action == ISIF_ROW_CREATE);

	if (!transaction_allows(transaction, name))
		return transaction_refuse(transaction, ISIF_REFUSED_ACCESS, wish,
					  "iface %s is out of bounds (allowIface, denyIface)",
					  name);
	if (!there || (change && change->action == ISIF_ROW_DESTROY))
		return transaction_refuse(transaction, ISIF_REFUSED_STATE, wish,
					  "there is no iface %s", name);
	return true;
}

/* True if a binding of this key will be there, other than the one with this index. */
static bool is_taken(const struct isif_transaction *transaction, uint32_t index, const char *target,
		     const char *address, uint16_t port, int32_t tpgt, const char *iface)
{
	const struct isif_snapshot *snapshot = transaction->snapshot;

	for (uint32_t i = 0; i < snapshot->binding_count; i++) {
		const struct isif_binding *row = snapshot->bindings[i];
		const struct isif_node *node = row->node;

		if (row->index == index || node->port != port || node->tpgt != tpgt ||
		    strcmp(node->target->text, target) ||
		    !isif_address_equal(node->address->text, address))
			continue;
		if (will_use(transaction, row, iface))
			return true;
	}
	for (size_t i = 0; i < transaction->binding_count; i++) {
		const struct binding_change *change = &transaction->bindings[i];

		if (change->index != index && change->makes && change->port_number == port &&
		    change->group == tpgt && !strcmp(change->target_name, target) &&
		    isif_address_equal(change->address_text, address) &&
		    !strcmp(change->iface_name, iface))
			return true;
	}
	return false;
}

/* --- columns that cannot change any more --- */

static void check_fixed(struct isif_transaction *transaction, const struct binding_change *change)
{
	const struct isif_node *node = change->row->node;
	struct isif_address now;
	const struct isif_wish *wish;

	isif_address_parse(node->address->text, &now);
	wish = change->target;
	if (wish && (wish->length != node->target->length ||
		     memcmp(wish->text, node->target->text, wish->length)))
		transaction_refuse(transaction, ISIF_REFUSED_STATE, wish,
				   "binding %u is of target %s", change->index, node->target->text);
	wish = change->type;
	if (wish && wish->number != (int64_t)now.type)
		transaction_refuse(transaction, ISIF_REFUSED_STATE, wish,
				   "binding %u has another portal address", change->index);
	wish = change->address;
	if (wish && (wish->length != now.length || memcmp(wish->text, now.octets, now.length)))
		transaction_refuse(transaction, ISIF_REFUSED_STATE, wish,
				   "binding %u has another portal address", change->index);
	wish = change->port;
	if (wish && wish->number != node->port)
		transaction_refuse(transaction, ISIF_REFUSED_STATE, wish,
				   "binding %u has portal port %u", change->index, node->port);
	wish = change->tpgt;
	if (wish && wish->number != node->tpgt)
		transaction_refuse(transaction, ISIF_REFUSED_STATE, wish,
				   "binding %u has portal group %d", change->index, node->tpgt);
}

static const char *startup_word(int64_t startup)
{
	return startup == ISIF_STARTUP_AUTOMATIC ? "automatic"
	       : startup == ISIF_STARTUP_ONBOOT	 ? "onboot"
						 : "manual";
}

/* --- a record that moves, or gets another line --- */

/* Lines that make a copy of an iface into that of another one; returns how many. */
static size_t copy_lines(const struct isif_record *now, const struct isif_record *then,
			 struct isif_edit_line *lines)
{
	size_t count = 0;

	for (uint32_t i = 0; i < then->count; i++) {
		const char *key = then->lines[i].key;
		const char *old = isif_record_value(now, key);
		const char *fresh = isif_record_value(then, key);

		if (fresh != then->lines[i].value || (old && !strcmp(old, fresh)))
			continue;
		lines[count++] = (struct isif_edit_line){ .key = key,
							  .old = old ? old : "",
							  .fresh = fresh };
	}
	for (uint32_t i = 0; i < now->count; i++) {
		const char *key = now->lines[i].key;
		const char *old = isif_record_value(now, key);

		if (old != now->lines[i].value || isif_record_value(then, key))
			continue;
		lines[count++] = (struct isif_edit_line){ .key = key, .old = old, .fresh = "" };
	}
	return count;
}

/* Texts of a record that lives shorter than the transaction. */
static void own_lines(struct isif_transaction *transaction, struct isif_edit_line *lines,
		      size_t count)
{
	for (size_t i = 0; i < count; i++) {
		lines[i].key = transaction_text(transaction, "%s", lines[i].key);
		lines[i].fresh = transaction_text(transaction, "%s", lines[i].fresh);
	}
}

static void edit_row(struct isif_transaction *transaction, struct binding_change *change)
{
	const struct isif_node *node = change->row->node;
	const char *iface = change->moves ? change->iface_name : node->iface->text;
	struct isif_record *then =
		change->moves ? transaction_iface_record(transaction, iface) : NULL;
	struct isif_edit_line *lines =
		transaction_lines(transaction, node->copy->count + (then ? then->count : 0) + 1);
	const struct isif_wish *wish = change->moves ? change->iface : change->startup;
	struct isif_edit edit = { .path = path_of(transaction, node, node->iface->text),
				  .lines = lines };

	if (lines && then) {
		edit.line_count = copy_lines(node->copy, then, lines);
		own_lines(transaction, lines, edit.line_count);
	}
	if (lines && change->startup && change->startup->number != node->startup)
		lines[edit.line_count++] =
			(struct isif_edit_line){ .key = "node.startup",
						 .fresh = startup_word(change->startup->number) };
	isif_record_release(then);
	if (transaction->no_memory || !edit.line_count)
		return;
	if (change->moves && !node->single_file) {
		edit.kind = change->moves_live ? ISIF_EDIT_COPY_NODE : ISIF_EDIT_MOVE_NODE;
		edit.other = path_of(transaction, node, iface);
		expect_node(transaction, edit.other, NULL, wish);
	}
	expect_node(transaction, edit.path, node, wish);
	if (change->moves)
		expect_iface(transaction, iface, wish);
	transaction_add_edit(transaction, &edit, wish);
}

/* Whether a job may move a session along: it makes the new one before it breaks the old one. */
static bool check_live_move(struct isif_transaction *transaction,
			    const struct binding_change *change)
{
	const struct isif_node *node = change->row->node;
	const char *why = NULL;

	if (transaction_rebind_mode(transaction, node->iface->text) == ISIF_REBIND_RECORD_ONLY)
		why = "and the rebind mode of its iface is recordOnly";
	else if (!transaction->policy.sessions)
		why = "and control mode records moves no session";
	else if (node->single_file)
		why = "and its old record can hold one iface only";
	return !why || transaction_refuse(transaction, ISIF_REFUSED_STATE, change->iface,
					  "binding %u is logged in, %s: log it out first",
					  change->index, why);
}

static void move_row(struct isif_transaction *transaction, struct binding_change *change)
{
	const struct isif_node *node = change->row->node;
	struct state_step *step;

	if (!check_iface(transaction, change->iface_name, change->iface))
		return;
	if (change->moves_live && !check_live_move(transaction, change))
		return;
	transaction->implied_jobs += change->moves_live;
	if (is_taken(transaction, change->index, node->target->text, node->address->text,
		     node->port, node->tpgt, change->iface_name)) {
		transaction_refuse(transaction, ISIF_REFUSED_STATE, change->iface,
				   "iface %s is bound to that portal already", change->iface_name);
		return;
	}
	step = transaction_add_step(transaction);
	if (step)
		*step = (struct state_step){ .kind = STATE_STEP_REKEY,
					     .index = change->index,
					     .binding = change };
}

static void destroy_row(struct isif_transaction *transaction, const struct binding_change *change)
{
	const char *path = path_of(transaction, change->row->node, change->row->node->iface->text);

	if (change->row->sid) {
		transaction_refuse(transaction, ISIF_REFUSED_STATE, change->row_wish,
				   "binding %u has a session: log it out first", change->index);
		return;
	}
	expect_node(transaction, path, change->row->node, change->row_wish);
	transaction_add_edit(transaction,
			     &(struct isif_edit){ .kind = ISIF_EDIT_REMOVE, .path = path },
			     change->row_wish);
}

/* --- a new record --- */

/* The record that a new one takes its settings from: of the same portal, else of the target. */
static const struct isif_node *sibling_of(const struct isif_transaction *transaction,
					  const struct binding_change *change, bool *same_portal)
{
	const struct isif_snapshot *snapshot = transaction->snapshot;
	const struct isif_node *found = NULL;

	*same_portal = false;
	for (uint32_t i = 0; i < snapshot->binding_count; i++) {
		const struct isif_node *node = snapshot->bindings[i]->node;

		if (strcmp(node->target->text, change->target_name))
			continue;
		if (node->port == change->port_number && node->tpgt == change->group &&
		    isif_address_equal(node->address->text, change->address_text)) {
			*same_portal = true;
			return node;
		}
		if (!found)
			found = node;
	}
	return found;
}

static size_t new_lines(struct isif_transaction *transaction, const struct binding_change *change,
			const struct isif_record *iface, struct isif_edit_line *lines)
{
	size_t count = 0;

	lines[count++] = (struct isif_edit_line){ "node.name", NULL, change->target_name };
	lines[count++] =
		(struct isif_edit_line){ "node.tpgt", NULL,
					 transaction_text(transaction, "%d", change->group) };
	lines[count++] =
		(struct isif_edit_line){ "node.conn[0].address", NULL, change->address_text };
	lines[count++] =
		(struct isif_edit_line){ "node.conn[0].port", NULL,
					 transaction_text(transaction, "%u", change->port_number) };
	if (change->startup)
		lines[count++] = (struct isif_edit_line){ "node.startup", NULL,
							  startup_word(change->startup->number) };
	for (uint32_t i = 0; i < iface->count; i++)
		if (isif_record_value(iface, iface->lines[i].key) == iface->lines[i].value)
			lines[count++] = (struct isif_edit_line){ iface->lines[i].key, NULL,
								  iface->lines[i].value };
	own_lines(transaction, lines, count);
	return count;
}

static void make_record(struct isif_transaction *transaction, struct binding_change *change)
{
	bool same_portal;
	const struct isif_node *sibling = sibling_of(transaction, change, &same_portal);
	struct isif_record *iface = transaction_iface_record(transaction, change->iface_name);
	struct isif_edit_line *lines =
		iface ? transaction_lines(transaction, iface->count + 5) : NULL;
	struct isif_edit edit = { .kind = ISIF_EDIT_NEW_NODE, .lines = lines };

	/* One directory for one portal, however its address is written. */
	if (same_portal)
		change->address_text = transaction_text(transaction, "%s", sibling->address->text);
	if (lines && change->address_text)
		edit.line_count = new_lines(transaction, change, iface, lines);
	isif_record_release(iface);
	if (transaction->no_memory || !edit.line_count)
		return;
	edit.path = transaction_text(transaction, "nodes/%s/%s,%u,%d/%s", change->target_name,
				     change->address_text, change->port_number, change->group,
				     change->iface_name);
	if (sibling) {
		edit.other = path_of(transaction, sibling, sibling->iface->text);
		expect_node(transaction, edit.other, sibling, change->row_wish);
	}
	expect_node(transaction, edit.path, NULL, change->row_wish);
	expect_iface(transaction, change->iface_name, change->row_wish);
	transaction_add_edit(transaction, &edit, change->row_wish);
}

static bool has_all(struct isif_transaction *transaction, const struct binding_change *change)
{
	const struct {
		const struct isif_wish *wish;
		const char *what;
	} needed[] = {
		{ change->iface, "an iface" },
		{ change->target, "a target" },
		{ change->type, "the type of the portal's address" },
		{ change->address, "the portal's address" },
		{ change->tpgt, "the portal group" },
	};

	for (size_t i = 0; i < sizeof(needed) / sizeof(*needed); i++)
		if (!needed[i].wish)
			return transaction_refuse(transaction, ISIF_REFUSED_STATE, change->row_wish,
						  "a new binding needs %s", needed[i].what);
	return true;
}

/* The index that a manager chose: below ours, and never used for another record. */
static bool check_index(struct isif_transaction *transaction, const struct binding_change *change)
{
	const struct binding_memory *memory;

	if (change->index >= STATE_FIRST_INDEX)
		return transaction_refuse(transaction, ISIF_REFUSED_NAME, change->row_wish,
					  "managers choose indexes below %u", STATE_FIRST_INDEX);
	memory = state_find_index(transaction->state, change->index);
	if (memory && (strcmp(memory->target->text, change->target_name) ||
		       !isif_address_equal(memory->address->text, change->address_text) ||
		       strcmp(memory->iface->text, change->iface_name) ||
		       memory->port != change->port_number || memory->tpgt != change->group))
		return transaction_refuse(transaction, ISIF_REFUSED_NAME, change->row_wish,
					  "index %u was used for another binding: choose another",
					  change->index);
	return true;
}

static bool take_key(struct isif_transaction *transaction, struct binding_change *change)
{
	const char *why = setting_check_target(change->target->text, change->target->length);
	size_t link;

	if (why)
		return transaction_refuse(transaction, ISIF_REFUSED_VALUE, change->target,
					  "the target's name: %s", why);
	if (change->tpgt->number < 0)
		return transaction_refuse(transaction, ISIF_REFUSED_VALUE, change->tpgt,
					  "a portal group is a number from 0 to 65535");
	if (change->port && !change->port->number)
		return transaction_refuse(transaction, ISIF_REFUSED_VALUE, change->port,
					  "a portal has a port from 1 to 65535");
	if (!transaction_address(transaction, change->type, change->address, "", true,
				 &change->address_text))
		return false;
	if (!*change->address_text)
		return transaction_refuse(transaction, ISIF_REFUSED_STATE, change->address,
					  "a portal needs an address");
	change->target_name =
		transaction_octets(transaction, change->target->text, change->target->length);
	change->port_number = change->port ? (uint16_t)change->port->number : 3260;
	change->group = (int32_t)change->tpgt->number;
	if (!change->target_name || !change->iface_name)
		return false;
	link = strlen(change->target_name) + strlen(change->address_text) +
	       strlen(change->iface_name) + strlen(",,65535,65535,");
	if (link > LINK_LIMIT)
		return transaction_refuse(transaction, ISIF_REFUSED_STATE, change->row_wish,
					  "the names together are too long for the link that "
					  "open-iscsi makes of them");
	return true;
}

static void create_row(struct isif_transaction *transaction, struct binding_change *change)
{
	struct state_step *step;

	if (!has_all(transaction, change) || !take_key(transaction, change) ||
	    !check_index(transaction, change) ||
	    !check_iface(transaction, change->iface_name, change->iface))
		return;
	if (is_taken(transaction, change->index, change->target_name, change->address_text,
		     change->port_number, change->group, change->iface_name)) {
		transaction_refuse(transaction, ISIF_REFUSED_STATE, change->row_wish,
				   "that portal is bound to iface %s already", change->iface_name);
		return;
	}
	change->makes = true;
	step = transaction_add_step(transaction);
	if (step)
		*step = (struct state_step){
			.kind = STATE_STEP_CLAIM,
			.index = change->index,
			.binding = change,
			.number = change->admin ? (uint32_t)change->admin->number : 0,
		};
	transaction_resolve_admin(transaction, change);
}

/* --- one row --- */

static void refuse_companions(struct isif_transaction *transaction,
			      const struct binding_change *change, enum isif_refusal_kind kind,
			      const char *why)
{
	const struct isif_wish *wishes[] = { change->iface,   change->target, change->type,
					     change->address, change->port,   change->tpgt,
					     change->startup, change->admin };

	for (size_t i = 0; i < sizeof(wishes) / sizeof(*wishes); i++)
		if (wishes[i])
			transaction_refuse(transaction, kind, wishes[i], "binding %u %s",
					   change->index, why);
}

static void without_row(struct isif_transaction *transaction, struct binding_change *change)
{
	if (change->action == ISIF_ROW_CREATE)
		create_row(transaction, change);
	else if (change->action == ISIF_ROW_ACTIVE)
		transaction_refuse(transaction, ISIF_REFUSED_STATE, change->row_wish,
				   "there is no binding %u: create it with createAndGo",
				   change->index);
	else
		refuse_companions(transaction, change, ISIF_REFUSED_NAME, "does not exist");
}

static void with_row(struct isif_transaction *transaction, struct binding_change *change)
{
	const char *iface = change->row->node->iface->text;

	if (!transaction_allows(transaction, iface)) {
		transaction_refuse(transaction, ISIF_REFUSED_ACCESS, change->first,
				   "iface %s is out of bounds (allowIface, denyIface)", iface);
		return;
	}
	if (change->action == ISIF_ROW_CREATE) {
		transaction_refuse(transaction, ISIF_REFUSED_STATE, change->row_wish,
				   "binding %u exists already", change->index);
		return;
	}
	if (job_works_on(transaction->runner, NULL, change->row->node)) {
		transaction_refuse(transaction, ISIF_REFUSED_STATE, change->first,
				   "a job is working on binding %u: try again when it has ended",
				   change->index);
		return;
	}
	if (change->removes) {
		refuse_companions(transaction, change, ISIF_REFUSED_STATE,
				  "is destroyed in the same SET");
		return;
	}
	check_fixed(transaction, change);
	if (change->moves)
		move_row(transaction, change);
	transaction_resolve_admin(transaction, change);
	if (change->moves_live && change->session_job)
		transaction_refuse(
			transaction, ISIF_REFUSED_STATE, change->admin,
			"binding %u is logged in: it cannot move with its session and be "
			"logged out in one SET",
			change->index);
}

/* First of all: which rows will be where, whatever the order of the wishes. */
static void look_at(struct isif_transaction *transaction, struct binding_change *change)
{
	change->row = snapshot_binding(transaction->snapshot, change->index);
	if (change->iface)
		change->iface_name =
			transaction_octets(transaction, change->iface->text, change->iface->length);
	change->removes = change->row && change->action == ISIF_ROW_DESTROY;
	change->moves = change->row && !change->removes && change->iface_name &&
			strcmp(change->iface_name, change->row->node->iface->text);
	change->moves_live = change->moves && change->row->sid;
}

void transaction_resolve_bindings(struct isif_transaction *transaction)
{
	for (size_t i = 0; i < transaction->binding_count; i++)
		look_at(transaction, &transaction->bindings[i]);
	for (size_t i = 0; i < transaction->binding_count; i++) {
		struct binding_change *change = &transaction->bindings[i];

		if (change->row)
			with_row(transaction, change);
		else
			without_row(transaction, change);
	}
	for (size_t i = 0; i < transaction->binding_count && !transaction->refused; i++) {
		struct binding_change *change = &transaction->bindings[i];

		if (change->removes)
			destroy_row(transaction, change);
		else if (change->row)
			edit_row(transaction, change);
		else if (change->makes)
			make_record(transaction, change);
	}
}
