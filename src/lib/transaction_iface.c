/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "transaction.h"

#include "array.h"
#include "port_plan.h"
#include "rebind_plan.h"
#include "record.h"
#include "setting_check.h"
#include "snapshot_find.h"

#include <stdio.h>
#include <string.h>

#define PREFIX "iface."

struct iface_change *transaction_iface(const struct isif_transaction *transaction, const char *name)
{
	for (size_t i = 0; i < transaction->iface_count; i++)
		if (!strcmp(transaction->ifaces[i].name, name))
			return &transaction->ifaces[i];
	return NULL;
}

struct isif_iface *transaction_iface_row(const struct isif_transaction *transaction,
					 const char *name)
{
	return snapshot_iface(transaction->snapshot, name);
}

/* The value of a setting as the record writes it, "" for no line. */
static const char *written(const struct isif_iface *row, const char *setting)
{
	return row && row->record ? record_setting(row->record, setting) : "";
}

static struct setting_change *wished_setting(const struct iface_change *change, const char *name)
{
	for (size_t i = 0; i < change->setting_count; i++)
		if (change->settings[i].setting && !strcmp(change->settings[i].setting->name, name))
			return &change->settings[i];
	return NULL;
}

/* The value that a setting will have, as it is written. */
static const char *value_then(const struct iface_change *change, const char *name)
{
	const struct setting_change *wished = wished_setting(change, name);
	const char *value = wished ? wished->value : written(change->row, name);

	if (!*value && !change->row && !strcmp(name, "transport_name"))
		return "tcp";
	return value;
}

/* What the rules look at: before and after the change. */
struct sight {
	const struct isif_transaction *transaction;
	const struct iface_change *change;
	bool after;
};

static const char *look(void *context, const char *setting)
{
	const struct sight *sight = context;
	const char *value = sight->after ? value_then(sight->change, setting)
					 : written(sight->change->row, setting);

	return isif_setting_is_unset(setting, value) ? "" : value;
}

static bool device_exists(void *context, const char *device)
{
	const struct sight *sight = context;

	return isif_network_named(sight->transaction->snapshot->network, device);
}

static bool has_session(const struct isif_transaction *transaction, const char *iface)
{
	for (uint32_t i = 0; i < transaction->snapshot->session_count; i++)
		if (!strcmp(transaction->snapshot->sessions[i]->kernel->iface, iface))
			return true;
	return false;
}

/* --- one setting --- */

/* True if the iface will have the setting: it applies to its kind, or its record holds it. */
static bool is_there(const struct iface_change *change, const struct isif_setting *setting)
{
	if (setting->software)
		return true;
	return !isif_transport_is_software(value_then(change, "transport_name")) ||
	       *written(change->row, setting->name);
}

static void resolve_setting(struct isif_transaction *transaction, struct iface_change *change,
			    struct setting_change *one)
{
	const struct isif_wish *wish = one->wish;
	const struct isif_setting *setting = isif_setting_find(wish->setting);
	struct setting_change *twin;
	const char *why, *now;

	if (!setting && *written(change->row, wish->setting)) {
		transaction_refuse(transaction, ISIF_REFUSED_READ_ONLY, wish,
				   "this version does not know the setting %s", wish->setting);
		return;
	}
	if (!setting || !is_there(change, setting)) {
		transaction_refuse(transaction, ISIF_REFUSED_CREATION, wish,
				   "iface %s has no setting %s", change->name, wish->setting);
		return;
	}
	if (setting->type == ISIF_SETTING_NAME) {
		transaction_refuse(transaction, ISIF_REFUSED_READ_ONLY, wish,
				   "the name of an iface cannot be changed");
		return;
	}
	/* Whoever writes back what he has read changes nothing, whoever wrote that. */
	now = written(change->row, setting->name);
	why = strlen(now) == wish->length && !memcmp(now, wish->text, wish->length)
		      ? NULL
		      : setting_check_value(setting, wish->text, wish->length);
	if (why) {
		transaction_refuse(transaction, ISIF_REFUSED_VALUE, wish, "%s of iface %s: %s",
				   setting->name, change->name, why);
		return;
	}
	twin = wished_setting(change, setting->name);
	one->value = !wish->length && setting->type == ISIF_SETTING_NUMBER
			     ? "0"
			     : transaction_octets(transaction, wish->text, wish->length);
	if (!one->value)
		return;
	if (twin && strcmp(twin->value, one->value)) {
		transaction_refuse(transaction, ISIF_REFUSED_STATE, wish,
				   "%s of iface %s is given two values", setting->name,
				   change->name);
		return;
	}
	one->setting = twin ? NULL : setting;
}

/* The pair of address columns is one more way to say ipaddress. */
static void resolve_address(struct isif_transaction *transaction, struct iface_change *change)
{
	const struct isif_wish *wish =
		change->address_wish ? change->address_wish : change->type_wish;
	struct setting_change *twin = wished_setting(change, "ipaddress");
	const char *present = written(change->row, "ipaddress"), *text;

	if (!wish)
		return;
	if (isif_setting_is_unset("ipaddress", present))
		present = "";
	/* One half alone says something of the other half's new value, if there is one. */
	if (!transaction_address(transaction, change->type_wish, change->address_wish,
				 twin ? twin->value : present, false, &text))
		return;
	if (twin && !isif_address_equal(twin->value, text)) {
		transaction_refuse(transaction, ISIF_REFUSED_STATE, wish,
				   "ipaddress of iface %s is given two values", change->name);
		return;
	}
	if (twin || isif_address_equal(present, text))
		return;
	if (!array_reserve(&change->settings, &change->setting_size, change->setting_count,
			   sizeof(*change->settings))) {
		transaction->no_memory = true;
		return;
	}
	change->settings[change->setting_count++] = (struct setting_change){
		.setting = isif_setting_find("ipaddress"), .value = text, .wish = wish
	};
}

/* --- one iface --- */

static void refuse_all(struct isif_transaction *transaction, const struct iface_change *change,
		       enum isif_refusal_kind kind, const char *why)
{
	const struct isif_wish *others[] = { change->type_wish, change->address_wish,
					     change->mode_wish };

	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		if (others[i])
			transaction_refuse(transaction, kind, others[i], "iface %s %s",
					   change->name, why);
	for (size_t i = 0; i < change->setting_count; i++)
		transaction_refuse(transaction, kind, change->settings[i].wish, "iface %s %s",
				   change->name, why);
}

/* Settings that could not even be looked at count as wished, too. */
static bool has_companions(const struct iface_change *change)
{
	return change->type_wish || change->address_wish || change->mode_wish ||
	       change->setting_count;
}

static void check_together(struct isif_transaction *transaction, struct iface_change *change)
{
	struct sight after = { transaction, change, true }, before = { transaction, change, false };
	struct setting_lookup lookup = { .value = look, .context = &after };
	const char *fault = NULL, *fault_before = NULL, *why, *why_before = NULL;
	const struct setting_change *wished;

	if (transaction_users(transaction, change->name))
		lookup.device_exists = device_exists;
	why = setting_check_iface(change->name, &lookup, &fault);
	if (!why)
		return;
	/* What was wrong before, by whoever's hand, does not forbid to change something else. */
	wished = fault ? wished_setting(change, fault) : NULL;
	if (change->row && !wished) {
		lookup.context = &before;
		why_before = setting_check_iface(change->name, &lookup, &fault_before);
	}
	if (why == why_before && fault == fault_before)
		return;
	for (size_t i = 0; !wished && i < change->setting_count; i++)
		if (change->settings[i].setting)
			wished = &change->settings[i];
	transaction_refuse(transaction, ISIF_REFUSED_STATE, wished ? wished->wish : change->first,
			   "iface %s: %s", change->name, why);
}

/* Lines for what really differs; returns how many. */
static size_t lines_of(const struct iface_change *change, struct isif_transaction *transaction,
		       struct isif_edit_line *lines)
{
	size_t count = 0;

	for (size_t i = 0; i < change->setting_count; i++) {
		const struct setting_change *one = &change->settings[i];
		const char *now = one->setting ? written(change->row, one->setting->name) : "";

		if (!one->setting || !one->value || !strcmp(now, one->value))
			continue;
		/* Not set is not set, however it is written. */
		if (isif_setting_is_unset(one->setting->name, now) &&
		    isif_setting_is_unset(one->setting->name, one->value) &&
		    one->setting->type != ISIF_SETTING_NUMBER)
			continue;
		lines[count++] = (struct isif_edit_line){
			.key = transaction_text(transaction, PREFIX "%s", one->setting->name),
			.old = change->row ? now : NULL,
			.fresh = one->value,
		};
	}
	return count;
}

/* The record as it will be: text made by the same functions that write it. */
static struct isif_record *record_after(struct isif_transaction *transaction, const char *name,
					const struct isif_edit_line *lines, size_t count)
{
	struct record_text text = { 0 };
	struct isif_record *record = NULL;
	enum isif_error error = record_new_iface(name, lines, count, &text);

	if (!error)
		error = isif_record_parse(text.octets, text.length, PREFIX, &record);
	record_text_clear(&text);
	transaction->no_memory |= error == ISIF_NO_MEMORY;
	return error ? NULL : record;
}

/* The record of an iface that is there, with its changed lines. */
static struct isif_record *record_edited(struct isif_transaction *transaction,
					 const struct isif_record *record,
					 const struct isif_edit_line *lines, size_t count)
{
	struct record_text now = { 0 }, then = { 0 };
	struct isif_record *edited = NULL;
	size_t size = 64;
	enum isif_error error = ISIF_NO_MEMORY;

	for (uint32_t i = 0; i < record->count; i++)
		size += strlen(record->lines[i].key) + strlen(record->lines[i].value) + 4;
	now.octets = malloc(size);
	if (now.octets) {
		char *at = stpcpy(now.octets, "# BEGIN RECORD\n");

		for (uint32_t i = 0; i < record->count; i++)
			at += sprintf(at, "%s = %s\n", record->lines[i].key,
				      record->lines[i].value);
		now.length = (size_t)(stpcpy(at, "# END RECORD\n") - now.octets);
		error = record_edit(now.octets, now.length, lines, count, &then);
	}
	if (!error)
		error = isif_record_parse(then.octets, then.length, PREFIX, &edited);
	record_text_clear(&now);
	record_text_clear(&then);
	transaction->no_memory |= error == ISIF_NO_MEMORY;
	return error ? NULL : edited;
}

static const char *path_of(struct isif_transaction *transaction, const char *name)
{
	return transaction_text(transaction, "ifaces/%s", name);
}

static void write_record(struct isif_transaction *transaction, struct iface_change *change)
{
	struct isif_edit_line *lines = transaction_lines(transaction, change->setting_count);
	const struct isif_wish *wish = change->row_wish ? change->row_wish : change->first;
	struct isif_edit edit = { .path = path_of(transaction, change->name), .lines = lines };

	if (!lines)
		return;
	edit.kind = change->row ? ISIF_EDIT_LINES : ISIF_EDIT_NEW_IFACE;
	edit.line_count = lines_of(change, transaction, lines);
	if (transaction->no_memory || (change->row && !edit.line_count))
		return;
	change->edits = true;
	change->lines = lines;
	change->line_count = edit.line_count;
	change->made =
		change->row
			? record_edited(transaction, change->row->record, lines, edit.line_count)
			: record_after(transaction, change->name, lines, edit.line_count);
	if (!change->made && !transaction->no_memory)
		transaction_refuse(transaction, ISIF_REFUSED_STATE, wish,
				   "the record of iface %s would not be readable", change->name);
	transaction_expect(transaction, &(struct expectation){
						.path = edit.path,
						.iface = change->row ? change->row->record : NULL,
						.wish = wish,
					});
	transaction_add_edit(transaction, &edit, wish);
}

/* mode 0: the one of the configuration. */
static void set_mode(struct isif_transaction *transaction, const struct iface_change *change,
		     uint32_t mode)
{
	struct state_step *step = transaction_add_step(transaction);

	if (!step)
		return;
	*step = (struct state_step){
		.kind = STATE_STEP_MODE,
		.name = isif_name_get(transaction->names, change->name, strlen(change->name)),
		.number = mode,
	};
	transaction->no_memory |= !step->name;
}

static void edit_iface(struct isif_transaction *transaction, struct iface_change *change)
{
	/* The transport first: it decides which settings there are. */
	for (int pass = 0; pass < 2; pass++)
		for (size_t i = 0; i < change->setting_count; i++) {
			struct setting_change *one = &change->settings[i];

			if ((pass == 0) == !strcmp(one->wish->setting, "transport_name"))
				resolve_setting(transaction, change, one);
		}
	resolve_address(transaction, change);
	if (transaction->refused || transaction->no_memory)
		return;
	write_record(transaction, change);
	if (change->mode_wish)
		set_mode(transaction, change, (uint32_t)change->mode_wish->number);
}

static void create_iface(struct isif_transaction *transaction, struct iface_change *change)
{
	const char *why = setting_check_iface_name(change->name, strlen(change->name));

	if (why)
		transaction_refuse(transaction, ISIF_REFUSED_NAME, change->row_wish,
				   "there can be no iface of this name: %s", why);
	else
		edit_iface(transaction, change);
}

static void without_row(struct isif_transaction *transaction, struct iface_change *change)
{
	switch (change->action) {
	case ISIF_ROW_CREATE:
		create_iface(transaction, change);
		break;
	case ISIF_ROW_ACTIVE:
		transaction_refuse(transaction, ISIF_REFUSED_STATE, change->row_wish,
				   "there is no iface %s: create it with createAndGo",
				   change->name);
		break;
	default:
		refuse_all(transaction, change, ISIF_REFUSED_NAME, "does not exist");
		break;
	}
}

static void with_row(struct isif_transaction *transaction, struct iface_change *change)
{
	bool built_in = change->row->kind == ISIF_KIND_BUILT_IN;

	if (job_works_on(transaction->runner, change->row->name, NULL)) {
		transaction_refuse(transaction, ISIF_REFUSED_STATE, change->first,
				   "a job is working on iface %s: try again when it has ended",
				   change->name);
		return;
	}
	if (built_in)
		refuse_all(transaction, change, ISIF_REFUSED_READ_ONLY,
			   "is built into open-iscsi and cannot be changed");
	if (change->action == ISIF_ROW_CREATE)
		transaction_refuse(transaction, ISIF_REFUSED_STATE, change->row_wish,
				   "iface %s exists already", change->name);
	else if (change->action == ISIF_ROW_DESTROY && built_in)
		transaction_refuse(transaction, ISIF_REFUSED_STATE, change->row_wish,
				   "iface %s is built into open-iscsi and cannot be removed",
				   change->name);
	else if (change->action == ISIF_ROW_DESTROY && has_companions(change))
		refuse_all(transaction, change, ISIF_REFUSED_STATE, "is destroyed in the same SET");
	else if (change->action != ISIF_ROW_DESTROY && !built_in)
		edit_iface(transaction, change);
}

void transaction_resolve_ifaces(struct isif_transaction *transaction)
{
	for (size_t i = 0; i < transaction->iface_count; i++) {
		struct iface_change *change = &transaction->ifaces[i];

		change->row = transaction_iface_row(transaction, change->name);
		if (!transaction_allows(transaction, change->name))
			transaction_refuse(transaction, ISIF_REFUSED_ACCESS, change->first,
					   "iface %s is out of bounds (allowIface, denyIface)",
					   change->name);
		else if (change->row)
			with_row(transaction, change);
		else
			without_row(transaction, change);
	}
}

/* --- what needs to know the bindings --- */

static void destroy_iface(struct isif_transaction *transaction, const struct iface_change *change)
{
	size_t users = transaction_users(transaction, change->name);
	const char *path = path_of(transaction, change->name);

	if (users)
		transaction_refuse(transaction, ISIF_REFUSED_STATE, change->row_wish,
				   "iface %s is used by %zu bindings: destroy or move them first",
				   change->name, users);
	else if (has_session(transaction, change->name))
		transaction_refuse(transaction, ISIF_REFUSED_STATE, change->row_wish,
				   "iface %s is used by a session: log it out first", change->name);
	if (transaction->refused)
		return;
	transaction_expect(transaction, &(struct expectation){ .path = path,
							       .iface = change->row->record,
							       .wish = change->row_wish });
	transaction_add_edit(transaction,
			     &(struct isif_edit){ .kind = ISIF_EDIT_REMOVE, .path = path },
			     change->row_wish);
	set_mode(transaction, change, 0);
}

static void imply_propagate(struct isif_transaction *transaction, const struct iface_change *change)
{
	struct isif_name *name;

	if (!array_reserve(&transaction->implied, &transaction->implied_size,
			   transaction->implied_count, sizeof(*transaction->implied))) {
		transaction->no_memory = true;
		return;
	}
	name = isif_name_get(transaction->names, change->name, strlen(change->name));
	transaction->no_memory |= !name;
	if (!name)
		return;
	transaction->implied[transaction->implied_count++] = name;
	transaction->implied_jobs++;
}

/* The settings of iscsiIfaceTable: what sessions are made of. The others wait for a login. */
static bool changes_path(const struct iface_change *change)
{
	static const char *const keys[] = { PREFIX "transport_name", PREFIX "hwaddress",
					    PREFIX "ipaddress", PREFIX "net_ifacename",
					    PREFIX "initiatorname" };

	for (size_t i = 0; i < change->line_count; i++)
		for (size_t j = 0; j < sizeof(keys) / sizeof(*keys); j++)
			if (!strcmp(change->lines[i].key, keys[j]))
				return true;
	return false;
}

enum isif_rebind_mode transaction_rebind_mode(const struct isif_transaction *transaction,
					      const char *iface)
{
	const struct iface_change *change = transaction_iface(transaction, iface);
	const struct isif_iface *row = transaction_iface_row(transaction, iface);

	if (change && change->mode_wish)
		return (enum isif_rebind_mode)change->mode_wish->number;
	return row ? row->rebind_mode : ISIF_REBIND_RECORD_ONLY;
}

static const struct isif_wish *first_setting(const struct iface_change *change)
{
	for (size_t i = 0; i < change->setting_count; i++)
		if (change->settings[i].setting)
			return change->settings[i].wish;
	return change->first;
}

/* Rewrites the copies, too. */
static void imply_rebind(struct isif_transaction *transaction, struct iface_change *change)
{
	if (!transaction->policy.sessions) {
		transaction_refuse(
			transaction, ISIF_REFUSED_STATE, first_setting(change),
			"iface %s has live sessions and rebind mode relogin, and control "
			"mode records moves no session",
			change->name);
		return;
	}
	change->rebind_plan =
		rebind_plan_of_change(change->name, change->lines, change->line_count);
	transaction->no_memory |= !change->rebind_plan;
	transaction->implied_jobs++;
}

/* Under relogin a port of an adapter is to be as its record says, at once. */
static bool changes_port(const struct isif_transaction *transaction,
			 const struct iface_change *change)
{
	if (!change->row || change->row->kind != ISIF_KIND_OFFLOAD ||
	    !transaction->policy.sessions || port_plan_refusal(change->row->transport) ||
	    transaction_rebind_mode(transaction, change->name) != ISIF_REBIND_RELOGIN)
		return false;
	for (size_t i = 0; i < change->setting_count; i++)
		if (change->settings[i].setting && change->settings[i].setting->parameter_type)
			return true;
	return false;
}

void transaction_finish_ifaces(struct isif_transaction *transaction)
{
	for (size_t i = 0; i < transaction->iface_count; i++) {
		struct iface_change *change = &transaction->ifaces[i];

		if (change->action == ISIF_ROW_DESTROY) {
			if (change->row && change->row->kind != ISIF_KIND_BUILT_IN)
				destroy_iface(transaction, change);
			continue;
		}
		if (!change->edits)
			continue;
		check_together(transaction, change);
		change->applies = changes_port(transaction, change);
		transaction->implied_jobs += change->applies;
		if (change->row && changes_path(change) &&
		    transaction_rebind_mode(transaction, change->name) == ISIF_REBIND_RELOGIN &&
		    has_session(transaction, change->name))
			imply_rebind(transaction, change);
		else if (transaction_users(transaction, change->name))
			imply_propagate(transaction, change);
	}
}

struct isif_record *transaction_iface_record(struct isif_transaction *transaction, const char *name)
{
	const struct iface_change *change = transaction_iface(transaction, name);
	const struct isif_iface *row = transaction_iface_row(transaction, name);
	struct isif_edit_line transport = { .key = PREFIX "transport_name" };

	if (change && change->action == ISIF_ROW_DESTROY)
		return NULL;
	if (change && change->made)
		return isif_record_hold(change->made);
	if (!row)
		return NULL;
	if (row->record)
		return isif_record_hold(row->record);
	transport.fresh = row->transport;
	return record_after(transaction, name, &transport, 1);
}
