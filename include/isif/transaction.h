/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ISIF_TRANSACTION_H
#define ISIF_TRANSACTION_H

#include <isif/monitor.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * Transactions: everything that is wished happens, or nothing does. What is wished is a list
 * without an order. Errors name the wish that is at fault.
 *
 *     isif_transaction_begin()    resolves, locks, reads again, checks everything
 *     isif_transaction_commit()   writes; on disk when it returns
 *     isif_transaction_undo()     puts back what nobody changed since
 *     isif_transaction_end()      publishes what happened, starts the jobs that it implies
 */

enum isif_wish_kind {
	/* Of the iface that is named by iface. */
	ISIF_WISH_IFACE_ROW,	      /**< number: enum isif_row_action */
	ISIF_WISH_IFACE_SETTING,      /**< setting, text: its value, "" for not set */
	ISIF_WISH_IFACE_ADDRESS_TYPE, /**< number: enum isif_address_type, of ipaddress */
	ISIF_WISH_IFACE_ADDRESS,      /**< text: octets of ipaddress, as InetAddress has them */
	ISIF_WISH_IFACE_REBIND_MODE,  /**< number: enum isif_rebind_mode */
	/* Of the binding with this index. */
	ISIF_WISH_BINDING_ROW, /**< number: enum isif_row_action */
	ISIF_WISH_BINDING_IFACE,
	ISIF_WISH_BINDING_TARGET,
	ISIF_WISH_BINDING_ADDRESS_TYPE,
	ISIF_WISH_BINDING_ADDRESS,
	ISIF_WISH_BINDING_PORT,
	ISIF_WISH_BINDING_TPGT,
	ISIF_WISH_BINDING_STARTUP, /**< number: enum isif_startup */
	ISIF_WISH_BINDING_ADMIN,   /**< number: enum isif_admin_status */
	/* Of the job with this index. */
	ISIF_WISH_JOB_ROW,  /**< number: enum isif_row_action */
	ISIF_WISH_JOB_KIND, /**< number: enum isif_job_kind */
	ISIF_WISH_JOB_IFACE,
	ISIF_WISH_JOB_TARGET,
	ISIF_WISH_JOB_ADDRESS_TYPE,
	ISIF_WISH_JOB_ADDRESS,
	ISIF_WISH_JOB_PORT,
	ISIF_WISH_JOB_FORCE,   /**< number: 0 or 1 */
	ISIF_WISH_JOB_OWNER,   /**< text */
	ISIF_WISH_JOB_CONTROL, /**< number: enum isif_job_control */
	/* Of the monitor: enum isif_kept_number. */
	ISIF_WISH_KEPT, /**< index: which one; number */
};

enum isif_row_action {
	ISIF_ROW_ACTIVE = 1, /**< as RowStatus has them (RFC 2579) */
	ISIF_ROW_CREATE = 4,
	ISIF_ROW_DESTROY = 6,
};

/** One wish. Its texts are octets of any kind, borrowed until the transaction ends. */
struct isif_wish {
	enum isif_wish_kind kind;
	uint32_t index;
	const char *iface;
	size_t iface_length;
	const char *setting; /**< without "iface.", NUL-terminated */
	const char *text;
	size_t length;
	int64_t number;
};

/** Why a transaction was refused. */
enum isif_refusal_kind {
	ISIF_REFUSED_VALUE = 1, /**< no such value can be: its syntax, range or characters */
	ISIF_REFUSED_STATE,	/**< not in the state that things are in */
	ISIF_REFUSED_NAME,	/**< no such row is there, or none can be made now */
	ISIF_REFUSED_CREATION,	/**< no such instance can ever be */
	ISIF_REFUSED_READ_ONLY, /**< it cannot be changed, whatever the value */
	ISIF_REFUSED_ACCESS,	/**< the local configuration forbids it */
	ISIF_REFUSED_BUSY,	/**< locked, being written, or no memory: try again */
	ISIF_REFUSED_FAILED,	/**< writing failed; everything is as it was */
	ISIF_REFUSED_UNDO,	/**< and putting back failed, too */
};

struct isif_refusal {
	enum isif_refusal_kind kind;
	size_t wish;	/**< which of the wishes is at fault */
	char text[256]; /**< the reason, for the log */
};

/** What the local configuration allows. */
struct isif_policy {
	bool sessions; /**< jobs that change sessions may be started */
	/** True if the iface with this name may be changed, or what is bound to it. */
	bool (*allows)(void *context, const char *iface);
	void *context;
};

struct isif_transaction;

/** Any of these three returns false with the reason in refusal. */
bool isif_transaction_begin(struct isif_monitor *monitor, const struct isif_policy *policy,
			    const struct isif_wish *wishes, size_t count,
			    struct isif_transaction **transaction, struct isif_refusal *refusal);
bool isif_transaction_commit(struct isif_transaction *transaction, struct isif_refusal *refusal);
bool isif_transaction_undo(struct isif_transaction *transaction, struct isif_refusal *refusal);

/**
 * Ends a transaction and frees it: what was committed (and not undone) shows in the next snapshot,
 * which is there when this returns. The lock is released. NULL is allowed.
 */
void isif_transaction_end(struct isif_transaction *transaction);

#endif
