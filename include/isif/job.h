/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ISIF_JOB_H
#define ISIF_JOB_H

#include <isif/address.h>
#include <isif/database.h>
#include <isif/name.h>

#include <stdbool.h>
#include <stdint.h>

/**
 * Jobs: work that takes longer than a transaction may. Enumerations have the values of
 * ISCSI-IFACE-MIB; times are seconds since 1970, 0 for never.
 */

enum isif_job_kind {
	ISIF_JOB_LOGIN = 1,
	ISIF_JOB_LOGOUT = 2,
	ISIF_JOB_REBIND = 3,
	ISIF_JOB_DISCOVER = 4,
	ISIF_JOB_PROBE = 5,
	ISIF_JOB_APPLY = 6,
	ISIF_JOB_UNBIND = 7,
	ISIF_JOB_PROPAGATE = 8,
};

enum isif_job_state {
	ISIF_JOB_PENDING = 1,
	ISIF_JOB_RUNNING = 2,
	ISIF_JOB_SUCCEEDED = 3,
	ISIF_JOB_FAILED = 4,
	ISIF_JOB_ROLLED_BACK = 5,
	ISIF_JOB_CANCELLED = 6,
};

enum isif_job_control { ISIF_JOB_RUN = 1, ISIF_JOB_CANCEL = 2 };

/** Why a job failed: open-iscsi's own code, or one of these. */
enum isif_job_error {
	ISIF_JOB_ERROR_NONE = 0,
	ISIF_JOB_ERROR_GENERIC = 1,  /**< open-iscsi's ISCSI_ERR */
	ISIF_JOB_ERROR_DATABASE = 6, /**< open-iscsi's ISCSI_ERR_IDBM */
	ISIF_JOB_ERROR_UNREACHABLE = 1001,
	ISIF_JOB_ERROR_REFUSED = 1002,
	ISIF_JOB_ERROR_INCONCLUSIVE = 1003,
	ISIF_JOB_ERROR_IN_USE = 1004, /**< a disk of the session */
	ISIF_JOB_ERROR_TIMEOUT = 1005,
	ISIF_JOB_ERROR_NO_DEVICE = 1006,
	ISIF_JOB_ERROR_LINK_DOWN = 1007,
	ISIF_JOB_ERROR_NO_ADDRESS = 1008,
	ISIF_JOB_ERROR_NOT_VERIFIED = 1009, /**< no failure was told, and it did not happen */
	ISIF_JOB_ERROR_CHANGED = 1010,	    /**< somebody changed it meanwhile */
	ISIF_JOB_ERROR_LOCKED = 1011,
};

#define ISIF_JOB_FIRST_IMPLIED (1u << 30) /**< below are the managers' indexes, from here ours */
#define ISIF_JOB_TEXT_SIZE     256
#define ISIF_JOB_OWNER_SIZE    33

/** One job, asked for, running or ended. */
struct isif_job {
	uint32_t index;
	uint32_t order; /**< ever increasing: the later a job was asked for, the higher */
	enum isif_job_kind kind;
	enum isif_job_state state;
	enum isif_job_control control;
	struct isif_name *iface;   /**< never NULL; "" where none is named */
	struct isif_name *target;  /**< "": all */
	struct isif_name *from;	   /**< of a rebind that moves one binding to iface: the one that
				      it leaves; else NULL */
	struct isif_name *address; /**< as a record writes it; "": all */
	uint16_t port;		   /**< 0: all */
	bool force;
	uint32_t progress; /**< percent */
	int32_t error;	   /**< enum isif_job_error or open-iscsi's code; 0: none */
	uint32_t results;  /**< bindings logged in or out by it, or reachable; records rewritten */
	int64_t started, finished;
	char owner[ISIF_JOB_OWNER_SIZE];
	char step[ISIF_JOB_TEXT_SIZE];
	char error_text[ISIF_JOB_TEXT_SIZE];
	char *plan; /**< its kind's own: what it must take back, kept on disk; NULL: nothing */
};

/** True for pending and running. */
static inline bool isif_job_is_open(const struct isif_job *job)
{
	return job->state == ISIF_JOB_PENDING || job->state == ISIF_JOB_RUNNING;
}

/** True if a job is about this binding: by its iface (or the one left), target, address, port. */
bool isif_job_concerns(const struct isif_job *job, const struct isif_node *node);

/** All jobs that are kept, sorted by index. Borrowed until the monitor runs or changes again. */
struct isif_job_list {
	const struct isif_job *const *jobs;
	uint32_t count;
	uint32_t next_index; /**< a free one for a manager */
};

#endif
