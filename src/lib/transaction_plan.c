/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "transaction.h"

#include "array.h"
#include "setting_check.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool transaction_refuse(struct isif_transaction *transaction, enum isif_refusal_kind kind,
			const struct isif_wish *wish, const char *format, ...)
{
	struct isif_refusal *refusal = transaction->refusal;
	size_t position = wish ? (size_t)(wish - transaction->wishes) : 0;
	va_list arguments;

	if (transaction->refused && refusal->wish <= position)
		return false;
	transaction->refused = true;
	refusal->kind = kind;
	refusal->wish = position;
	va_start(arguments, format);
	vsnprintf(refusal->text, sizeof(refusal->text), format, arguments);
	va_end(arguments);
	return false;
}

static char *keep(struct isif_transaction *transaction, char *text)
{
	if (text && array_reserve(&transaction->texts, &transaction->text_size,
				  transaction->text_count, sizeof(char *))) {
		transaction->texts[transaction->text_count++] = text;
		return text;
	}
	free(text);
	transaction->no_memory = true;
	return NULL;
}

const char *transaction_text(struct isif_transaction *transaction, const char *format, ...)
{
	va_list arguments;
	char *text;

	va_start(arguments, format);
	if (vasprintf(&text, format, arguments) < 0)
		text = NULL;
	va_end(arguments);
	return keep(transaction, text);
}

const char *transaction_octets(struct isif_transaction *transaction, const char *octets,
			       size_t length)
{
	return keep(transaction, strndup(length ? octets : "", length));
}

struct isif_edit_line *transaction_lines(struct isif_transaction *transaction, size_t count)
{
	struct isif_edit_line *lines = calloc(count + 1, sizeof(*lines));

	if (lines && array_reserve(&transaction->lines, &transaction->lines_size,
				   transaction->lines_count, sizeof(*transaction->lines))) {
		transaction->lines[transaction->lines_count++] = lines;
		return lines;
	}
	free(lines);
	transaction->no_memory = true;
	return NULL;
}

bool transaction_add_edit(struct isif_transaction *transaction, const struct isif_edit *edit,
			  const struct isif_wish *wish)
{
	if (transaction->edit_count == TRANSACTION_FILES)
		return transaction_refuse(transaction, ISIF_REFUSED_BUSY, wish,
					  "one SET writes at most %d records: ask in smaller parts",
					  TRANSACTION_FILES);
	if (!edit->path)
		return false;
	transaction->edit_wishes[transaction->edit_count] = wish;
	transaction->edits[transaction->edit_count++] = *edit;
	return true;
}

void transaction_expect(struct isif_transaction *transaction, const struct expectation *expected)
{
	if (!expected->path)
		return;
	for (size_t i = 0; i < transaction->expected_count; i++)
		if (!strcmp(transaction->expected[i].path, expected->path) &&
		    transaction->expected[i].iface == expected->iface &&
		    transaction->expected[i].node == expected->node)
			return;
	/* More expectations than this need more edits than there may be: that is refused. */
	if (transaction->expected_count <
	    sizeof(transaction->expected) / sizeof(*transaction->expected))
		transaction->expected[transaction->expected_count++] = *expected;
}

struct state_step *transaction_add_step(struct isif_transaction *transaction)
{
	struct state_step *step;

	if (!array_reserve(&transaction->steps, &transaction->step_size, transaction->step_count,
			   sizeof(*transaction->steps))) {
		transaction->no_memory = true;
		return NULL;
	}
	step = &transaction->steps[transaction->step_count++];
	*step = (struct state_step){ 0 };
	return step;
}

bool transaction_allows(const struct isif_transaction *transaction, const char *iface)
{
	return !transaction->policy.allows ||
	       transaction->policy.allows(transaction->policy.context, iface);
}

/* Octets of an InetAddress -> what stands in a record; NULL: they do not fit their type. */
static const char *address_text(struct isif_transaction *transaction,
				const struct isif_address *address)
{
	const struct isif_link *zone;
	char text[INET6_ADDRSTRLEN];
	uint32_t scope;

	switch (address->type) {
	case ISIF_ADDRESS_UNKNOWN:
		return address->length ? NULL : "";
	case ISIF_ADDRESS_IPV4:
		if (address->length != 4)
			return NULL;
		inet_ntop(AF_INET, address->octets, text, sizeof(text));
		return transaction_text(transaction, "%s", text);
	case ISIF_ADDRESS_IPV6:
		if (address->length != 16)
			return NULL;
		inet_ntop(AF_INET6, address->octets, text, sizeof(text));
		return transaction_text(transaction, "%s", text);
	case ISIF_ADDRESS_IPV6Z:
		if (address->length != 20)
			return NULL;
		inet_ntop(AF_INET6, address->octets, text, sizeof(text));
		memcpy(&scope, address->octets + 16, sizeof(scope));
		zone = isif_network_link(transaction->snapshot->network, ntohl(scope));
		return zone ? transaction_text(transaction, "%s%%%s", text, zone->name) : NULL;
	case ISIF_ADDRESS_DNS:
		return transaction_octets(transaction, (const char *)address->octets,
					  address->length);
	}
	return NULL;
}

bool transaction_address(struct isif_transaction *transaction, const struct isif_wish *type,
			 const struct isif_wish *octets, const char *present, bool names_allowed,
			 const char **text)
{
	const struct isif_wish *wish = octets ? octets : type;
	struct isif_address address;
	const char *why;

	isif_address_parse(present, &address);
	if (type)
		address.type = (enum isif_address_type)type->number;
	if (octets) {
		address.length = (uint8_t)octets->length;
		memcpy(address.octets, octets->text, octets->length);
	}
	if (address.type == ISIF_ADDRESS_DNS) {
		why = names_allowed
			      ? setting_check_host((const char *)address.octets, address.length)
			      : "it must be a literal address";
		if (why)
			return transaction_refuse(transaction, ISIF_REFUSED_VALUE,
						  names_allowed ? wish
						  : type	? type
								: wish,
						  "%s", why);
	}
	*text = address_text(transaction, &address);
	if (!*text && !transaction->no_memory)
		return transaction_refuse(
			transaction, ISIF_REFUSED_STATE, wish,
			"%u octets are no address of type %d (both belong into one SET)",
			address.length, (int)address.type);
	return *text;
}

/* --- wishes -> rows --- */

static struct iface_change *change_of_iface(struct isif_transaction *transaction,
					    const struct isif_wish *wish)
{
	struct iface_change *change;

	if (wish->iface_length >= sizeof(change->name)) {
		transaction_refuse(transaction, ISIF_REFUSED_CREATION, wish,
				   "no iface has a name of over 64 octets");
		return NULL;
	}
	for (size_t i = 0; i < transaction->iface_count; i++) {
		change = &transaction->ifaces[i];
		if (strlen(change->name) == wish->iface_length &&
		    !memcmp(change->name, wish->iface, wish->iface_length))
			return change;
	}
	change = &transaction->ifaces[transaction->iface_count++];
	memcpy(change->name, wish->iface, wish->iface_length);
	change->first = wish;
	return change;
}

static struct binding_change *change_of_binding(struct isif_transaction *transaction,
						const struct isif_wish *wish)
{
	struct binding_change *change;

	for (size_t i = 0; i < transaction->binding_count; i++)
		if (transaction->bindings[i].index == wish->index)
			return &transaction->bindings[i];
	change = &transaction->bindings[transaction->binding_count++];
	change->index = wish->index;
	change->first = wish;
	return change;
}

static struct job_change *change_of_job(struct isif_transaction *transaction,
					const struct isif_wish *wish)
{
	struct job_change *change;

	for (size_t i = 0; i < transaction->job_count; i++)
		if (transaction->jobs[i].index == wish->index)
			return &transaction->jobs[i];
	change = &transaction->jobs[transaction->job_count++];
	change->index = wish->index;
	change->first = wish;
	return change;
}

/* Puts a wish into its place; a place has room for one. */
static void place(struct isif_transaction *transaction, const struct isif_wish **slot,
		  const struct isif_wish *wish)
{
	if (*slot)
		transaction_refuse(transaction, ISIF_REFUSED_STATE, wish,
				   "the same instance is named twice");
	else
		*slot = wish;
}

static void place_setting(struct isif_transaction *transaction, struct iface_change *change,
			  const struct isif_wish *wish)
{
	if (!array_reserve(&change->settings, &change->setting_size, change->setting_count,
			   sizeof(*change->settings))) {
		transaction->no_memory = true;
		return;
	}
	change->settings[change->setting_count++] = (struct setting_change){ .wish = wish };
}

static void place_iface_wish(struct isif_transaction *transaction, const struct isif_wish *wish)
{
	struct iface_change *change = change_of_iface(transaction, wish);

	if (!change)
		return;
	switch (wish->kind) {
	case ISIF_WISH_IFACE_ROW:
		change->action = (enum isif_row_action)wish->number;
		place(transaction, &change->row_wish, wish);
		break;
	case ISIF_WISH_IFACE_ADDRESS_TYPE:
		place(transaction, &change->type_wish, wish);
		break;
	case ISIF_WISH_IFACE_ADDRESS:
		place(transaction, &change->address_wish, wish);
		break;
	case ISIF_WISH_IFACE_REBIND_MODE:
		place(transaction, &change->mode_wish, wish);
		break;
	default:
		place_setting(transaction, change, wish);
		break;
	}
}

static void place_binding_wish(struct isif_transaction *transaction, const struct isif_wish *wish)
{
	struct binding_change *change = change_of_binding(transaction, wish);
	const struct isif_wish **const slots[] = {
		[ISIF_WISH_BINDING_ROW] = &change->row_wish,
		[ISIF_WISH_BINDING_IFACE] = &change->iface,
		[ISIF_WISH_BINDING_TARGET] = &change->target,
		[ISIF_WISH_BINDING_ADDRESS_TYPE] = &change->type,
		[ISIF_WISH_BINDING_ADDRESS] = &change->address,
		[ISIF_WISH_BINDING_PORT] = &change->port,
		[ISIF_WISH_BINDING_TPGT] = &change->tpgt,
		[ISIF_WISH_BINDING_STARTUP] = &change->startup,
		[ISIF_WISH_BINDING_ADMIN] = &change->admin,
	};

	if (wish->kind == ISIF_WISH_BINDING_ROW)
		change->action = (enum isif_row_action)wish->number;
	place(transaction, slots[wish->kind], wish);
}

static void place_job_wish(struct isif_transaction *transaction, const struct isif_wish *wish)
{
	struct job_change *change = change_of_job(transaction, wish);
	const struct isif_wish **const slots[] = {
		[ISIF_WISH_JOB_ROW] = &change->row_wish,
		[ISIF_WISH_JOB_KIND] = &change->kind,
		[ISIF_WISH_JOB_IFACE] = &change->iface,
		[ISIF_WISH_JOB_TARGET] = &change->target,
		[ISIF_WISH_JOB_ADDRESS_TYPE] = &change->type,
		[ISIF_WISH_JOB_ADDRESS] = &change->address,
		[ISIF_WISH_JOB_PORT] = &change->port,
		[ISIF_WISH_JOB_FORCE] = &change->force,
		[ISIF_WISH_JOB_OWNER] = &change->owner,
		[ISIF_WISH_JOB_CONTROL] = &change->control,
	};

	if (wish->kind == ISIF_WISH_JOB_ROW)
		change->action = (enum isif_row_action)wish->number;
	place(transaction, slots[wish->kind], wish);
}

static void keep_number(struct isif_transaction *transaction, const struct isif_wish *wish)
{
	struct state_step *step;

	if (transaction->kept[wish->index]) {
		place(transaction, &transaction->kept[wish->index], wish);
		return;
	}
	transaction->kept[wish->index] = wish;
	step = transaction_add_step(transaction);
	if (step)
		*step = (struct state_step){ .kind = STATE_STEP_KEPT,
					     .index = wish->index,
					     .number = (uint32_t)wish->number };
}

static void place_wish(struct isif_transaction *transaction, const struct isif_wish *wish)
{
	if (wish->text && memchr(wish->text, '\0', wish->length) &&
	    wish->kind != ISIF_WISH_IFACE_ADDRESS && wish->kind != ISIF_WISH_BINDING_ADDRESS &&
	    wish->kind != ISIF_WISH_JOB_ADDRESS)
		transaction_refuse(transaction, ISIF_REFUSED_VALUE, wish, "it holds a NUL");
	else if (wish->text && wish->length > ISIF_ADDRESS_SIZE)
		transaction_refuse(transaction, ISIF_REFUSED_VALUE, wish, "it is too long");
	else if (wish->kind <= ISIF_WISH_IFACE_REBIND_MODE)
		place_iface_wish(transaction, wish);
	else if (wish->kind <= ISIF_WISH_BINDING_ADMIN)
		place_binding_wish(transaction, wish);
	else if (wish->kind <= ISIF_WISH_JOB_CONTROL)
		place_job_wish(transaction, wish);
	else
		keep_number(transaction, wish);
}

bool transaction_resolve(struct isif_transaction *transaction)
{
	size_t room = transaction->count + 1;

	transaction->ifaces = calloc(room, sizeof(*transaction->ifaces));
	transaction->bindings = calloc(room, sizeof(*transaction->bindings));
	transaction->jobs = calloc(room, sizeof(*transaction->jobs));
	if (!transaction->ifaces || !transaction->bindings || !transaction->jobs)
		return transaction_refuse(transaction, ISIF_REFUSED_BUSY, NULL, "out of memory");
	for (size_t i = 0; i < transaction->count; i++)
		place_wish(transaction, &transaction->wishes[i]);
	if (!transaction->refused) {
		transaction_resolve_ifaces(transaction);
		transaction_resolve_bindings(transaction);
		transaction_finish_ifaces(transaction);
		transaction_resolve_jobs(transaction);
	}
	if (transaction->no_memory) {
		/* What was found wrong after it may be right. */
		transaction->refused = false;
		transaction_refuse(transaction, ISIF_REFUSED_BUSY, NULL, "out of memory");
	}
	return !transaction->refused;
}

void transaction_free_plan(struct isif_transaction *transaction)
{
	for (size_t i = 0; i < transaction->iface_count; i++) {
		free(transaction->ifaces[i].settings);
		free(transaction->ifaces[i].rebind_plan);
		isif_record_release(transaction->ifaces[i].made);
	}
	transaction_free_state(transaction);
	for (size_t i = 0; i < transaction->implied_count; i++)
		isif_name_release(transaction->implied[i]);
	for (size_t i = 0; i < transaction->text_count; i++)
		free(transaction->texts[i]);
	for (size_t i = 0; i < transaction->lines_count; i++)
		free(transaction->lines[i]);
	free(transaction->ifaces);
	free(transaction->bindings);
	free(transaction->jobs);
	free(transaction->steps);
	free(transaction->implied);
	free(transaction->texts);
	free(transaction->lines);
}
