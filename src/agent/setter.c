/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "setter.h"

#include "../lib/clock.h"
#include "audit.h"

#include <stdlib.h>
#include <string.h>

#define GRACE_MS 100 /* for phases that were on their way when the master went */

#define CONTROL_READ_ONLY 1 /* iscsiIfaceControlMode */

#define LOG(setter, level, ...) isif_log_line((setter)->log, ISIF_LOG_##level, __VA_ARGS__)

/* A SET under way. What it was asked for is a copy: Net-SNMP's varbinds do not last. */
struct setter_request {
	uint32_t id;
	bool committed;
	uint64_t deadline;		      /* monotonic ms */
	struct isif_transaction *transaction; /* NULL: nothing for the library */
	bool takes_lock;		      /* iscsiIfaceSetLock goes up by one */
	size_t count;
	struct mib_varbind *varbinds;
	mib_arc *arcs; /* of all names */
	char *octets;  /* of all values */
	struct mib_wish *wishes;
	size_t library_count;
	struct isif_wish *library; /* those of MIB_WISH_LIBRARY, in a row */
	size_t *positions;	   /* and which varbind each is */
	char *audit;		   /* a line for each change */
};

/* --- errors --- */

static const struct setter_error no_error = { MIB_NO_ERROR, 0 };

static struct setter_error refuse(const struct setter *setter, uint32_t id,
				  const struct mib_varbind *varbinds, size_t varbind,
				  enum mib_error error, const char *why)
{
	bool failed = error == MIB_COMMIT_FAILED || error == MIB_UNDO_FAILED;
	char name[AUDIT_NAME_SIZE];

	isif_log_line(setter->log, failed ? ISIF_LOG_ERROR : ISIF_LOG_NOTICE,
		      "SET %u %s, %s for %s: %s", id, failed ? "failed" : "refused",
		      mib_error_name(error), audit_name(&varbinds[varbind], name), why);
	return (struct setter_error){ error, varbind };
}

static struct setter_error refuse_request(const struct setter *setter, size_t varbind,
					  enum mib_error error, const char *why)
{
	const struct setter_request *request = setter->request;

	return refuse(setter, request->id, request->varbinds, varbind, error, why);
}

static struct setter_error refuse_wish(const struct setter *setter,
				       const struct isif_refusal *refusal)
{
	const struct setter_request *request = setter->request;
	size_t varbind =
		refusal->wish < request->library_count ? request->positions[refusal->wish] : 0;

	return refuse_request(setter, varbind, mib_write_error(refusal->kind), refusal->text);
}

/* --- a request --- */

static void free_request(struct setter_request *request)
{
	isif_transaction_end(request->transaction);
	free(request->varbinds);
	free(request->arcs);
	free(request->octets);
	free(request->wishes);
	free(request->library);
	free(request->positions);
	free(request->audit);
	free(request);
}

static void drop(struct setter *setter)
{
	struct setter_request *request = setter->request;

	setter->request = NULL;
	free_request(request);
}

/* One octet more of each: an allocation of nothing may be NULL. */
static bool make_room(struct setter_request *request, const struct mib_varbind *varbinds)
{
	size_t arcs = 1, octets = 1;

	for (size_t i = 0; i < request->count; i++) {
		arcs += varbinds[i].length;
		octets += varbinds[i].octet_count;
	}
	request->arcs = calloc(arcs, sizeof(*request->arcs));
	request->octets = calloc(octets, 1);
	request->varbinds = calloc(request->count, sizeof(*request->varbinds));
	request->wishes = calloc(request->count, sizeof(*request->wishes));
	request->library = calloc(request->count, sizeof(*request->library));
	request->positions = calloc(request->count, sizeof(*request->positions));
	return request->arcs && request->octets && request->varbinds && request->wishes &&
	       request->library && request->positions;
}

static void copy_varbinds(struct setter_request *request, const struct mib_varbind *varbinds)
{
	mib_arc *arcs = request->arcs;
	char *octets = request->octets;

	for (size_t i = 0; i < request->count; i++) {
		const struct mib_varbind *from = &varbinds[i];

		request->varbinds[i] = *from;
		request->varbinds[i].name = memcpy(arcs, from->name, from->length * sizeof(*arcs));
		request->varbinds[i].octets = octets;
		if (from->octet_count)
			memcpy(octets, from->octets, from->octet_count);
		arcs += from->length;
		octets += from->octet_count;
	}
}

static struct setter_request *make_request(uint32_t id, const struct mib_varbind *varbinds,
					   size_t count)
{
	struct setter_request *request = calloc(1, sizeof(*request));

	if (!request)
		return NULL;
	request->id = id;
	request->count = count;
	if (!make_room(request, varbinds)) {
		free_request(request);
		return NULL;
	}
	copy_varbinds(request, varbinds);
	return request;
}

/* --- TestSet --- */

static int compare_names(const struct mib_varbind *a, const struct mib_varbind *b)
{
	size_t size = (a->length < b->length ? a->length : b->length) * sizeof(*a->name);
	int order = memcmp(a->name, b->name, size); /* any order will do, if it is one */

	return order ? order : (a->length > b->length) - (a->length < b->length);
}

static int compare_varbinds(const void *a, const void *b)
{
	const struct mib_varbind *left = *(const struct mib_varbind *const *)a;
	const struct mib_varbind *right = *(const struct mib_varbind *const *)b;
	int order = compare_names(left, right);

	/* The same: in the order of the request. */
	return order ? order : (left > right) - (left < right);
}

static struct setter_error decode(const struct setter *setter)
{
	struct setter_request *request = setter->request;

	for (size_t i = 0; i < request->count; i++) {
		struct mib_wish *wish = &request->wishes[i];
		const char *why;
		enum mib_error error = mib_write_decode(&request->varbinds[i], wish, &why);

		if (error)
			return refuse_request(setter, i, error, why);
		if (wish->kind == MIB_WISH_SET_LOCK) {
			request->takes_lock = true;
			continue;
		}
		request->positions[request->library_count] = i;
		request->library[request->library_count++] = wish->wish;
	}
	return no_error;
}

/* No instance stands in the PDU twice: its varbinds have no order. */
static struct setter_error check_names(const struct setter *setter)
{
	const struct setter_request *request = setter->request;
	const struct mib_varbind **sorted = calloc(request->count, sizeof(const void *));
	const struct mib_varbind *twice = NULL;

	if (!sorted)
		return refuse_request(setter, 0, MIB_RESOURCE_UNAVAILABLE, "out of memory");
	for (size_t i = 0; i < request->count; i++)
		sorted[i] = &request->varbinds[i];
	qsort(sorted, request->count, sizeof(const void *), compare_varbinds);
	for (size_t i = 1; i < request->count; i++)
		if (!compare_names(sorted[i - 1], sorted[i]) && (!twice || sorted[i] < twice))
			twice = sorted[i];
	free(sorted);
	return twice ? refuse_request(setter, (size_t)(twice - request->varbinds),
				      MIB_INCONSISTENT_VALUE, "the request has this instance twice")
		     : no_error;
}

/* TestAndIncr (RFC 2579): only who knows its value may set it. */
static struct setter_error check_lock(const struct setter *setter)
{
	const struct setter_request *request = setter->request;

	for (size_t i = 0; i < request->count; i++)
		if (request->wishes[i].kind == MIB_WISH_SET_LOCK &&
		    request->wishes[i].set_lock != setter->agent->set_lock)
			return refuse_request(setter, i, MIB_INCONSISTENT_VALUE,
					      "somebody else has set it since it was read");
	return no_error;
}

static struct setter_error begin(const struct setter *setter)
{
	struct setter_request *request = setter->request;
	struct isif_refusal refusal;

	if (!request->library_count ||
	    isif_transaction_begin(setter->monitor, &setter->policy, request->library,
				   request->library_count, &request->transaction, &refusal))
		return no_error;
	return refuse_wish(setter, &refusal);
}

static struct setter_error test(const struct setter *setter, struct mib_view *view)
{
	struct setter_request *request = setter->request;
	struct setter_error error = decode(setter);

	if (!error.error)
		error = check_names(setter);
	if (!error.error)
		error = check_lock(setter);
	if (error.error)
		return error;
	request->audit = audit_prepare(request->varbinds, request->wishes, request->count, view);
	if (!request->audit)
		return refuse_request(setter, 0, MIB_RESOURCE_UNAVAILABLE, "out of memory");
	return begin(setter);
}

struct setter_error setter_test(struct setter *setter, uint32_t transaction_id,
				const struct mib_varbind *varbinds, size_t count,
				struct mib_view *view)
{
	struct setter_error error;

	if (!count)
		return no_error;
	if (setter->request && setter->request->id != transaction_id)
		return refuse(setter, transaction_id, varbinds, 0, MIB_RESOURCE_UNAVAILABLE,
			      "another SET is under way");
	setter_clear(setter);
	if (setter->agent->control_mode == CONTROL_READ_ONLY)
		return refuse(setter, transaction_id, varbinds, 0, MIB_NOT_WRITABLE,
			      "controlMode is readOnly, see iscsi-ifaced.conf(5)");
	setter->request = make_request(transaction_id, varbinds, count);
	if (!setter->request)
		return refuse(setter, transaction_id, varbinds, 0, MIB_RESOURCE_UNAVAILABLE,
			      "out of memory");
	error = test(setter, view);
	if (error.error)
		drop(setter);
	else
		setter->request->deadline = clock_ms() + SETTER_PATIENCE_MS;
	return error;
}

/* --- the other phases --- */

static bool is_under_way(const struct setter *setter, uint32_t transaction_id)
{
	return setter->request && setter->request->id == transaction_id;
}

struct setter_error setter_commit(struct setter *setter, uint32_t transaction_id)
{
	struct setter_request *request = setter->request;
	struct setter_error error = no_error;
	struct isif_refusal refusal;

	if (!is_under_way(setter, transaction_id) || request->committed) {
		LOG(setter, NOTICE, "SET %u failed: it is not under way any more, or is done",
		    transaction_id);
		return (struct setter_error){ MIB_COMMIT_FAILED, 0 };
	}
	if (request->transaction && !isif_transaction_commit(request->transaction, &refusal)) {
		error = refuse_wish(setter, &refusal);
		drop(setter);
		return error;
	}
	request->committed = true;
	request->deadline = clock_ms() + SETTER_PATIENCE_MS;
	return error;
}

/* Puts back what was committed, and ends the request. */
static struct setter_error take_back(struct setter *setter)
{
	struct setter_request *request = setter->request;
	struct setter_error error = no_error;
	struct isif_refusal refusal;

	if (request->committed && request->transaction &&
	    !isif_transaction_undo(request->transaction, &refusal))
		error = refuse_wish(setter, &refusal);
	drop(setter);
	return error;
}

struct setter_error setter_undo(struct setter *setter, uint32_t transaction_id)
{
	if (!is_under_way(setter, transaction_id))
		return no_error;
	LOG(setter, NOTICE,
	    "SET %u is taken back: another part of it failed, or the AgentX master did not finish "
	    "it",
	    transaction_id);
	return take_back(setter);
}

void setter_cleanup(struct setter *setter, uint32_t transaction_id)
{
	struct setter_request *request = setter->request;

	if (!is_under_way(setter, transaction_id))
		return;
	if (request->committed) {
		if (request->takes_lock)
			setter->agent->set_lock = mib_next_lock(setter->agent->set_lock);
		audit_write(setter->log, request->id, request->audit);
	}
	drop(setter);
}

/* --- a master that does not go on --- */

void setter_disconnected(struct setter *setter, uint64_t now)
{
	if (setter->request && setter->request->deadline > now + GRACE_MS)
		setter->request->deadline = now + GRACE_MS;
}

void setter_run(struct setter *setter, uint64_t now)
{
	const struct setter_request *request = setter->request;

	if (!request || now < request->deadline)
		return;
	LOG(setter, WARNING, "SET %u was not finished by the AgentX master: %s", request->id,
	    request->committed ? "it is taken back" : "nothing was changed");
	take_back(setter);
}

int setter_timeout(const struct setter *setter, uint64_t now)
{
	if (!setter->request)
		return -1;
	return setter->request->deadline <= now ? 0 : (int)(setter->request->deadline - now);
}

void setter_clear(struct setter *setter)
{
	if (setter->request)
		take_back(setter);
}
