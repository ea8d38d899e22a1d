/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef FAULT_H
#define FAULT_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Calls of the C library that fail when a test wants them to: linked into a test program, or
 * preloaded into the agent (LD_PRELOAD). fault.c has the functions of each kind. Calls are counted
 * from 1; what the C library does within itself, as fopen(3) its open(2), counts as its caller's
 * one call.
 */
enum fault_kind {
	FAULT_MALLOC, /* memory: by the program and libisif, not by other libraries */
	FAULT_OPEN,   /* what makes a descriptor */
	FAULT_READ,   /* by the program and libisif, whatever they read from */
	FAULT_WRITE,  /* likewise; and the end of a stream, where what is left is written */
	FAULT_FSYNC,
	FAULT_RENAME,
	FAULT_LINK, /* what makes a name */
	FAULT_FORK, /* what makes a process or a thread */
	FAULT_RECV, /* of a socket */
	FAULT_KINDS,
};

/* Instead of an errno, where a call can end so. */
#define FAULT_SHORT   (-1) /* a part was read, written or received */
#define FAULT_NOTHING 0	   /* nothing was read or received: the end */

#define FAULT_FOR_EVER	UINT64_MAX
#define FAULT_EVERYONE	UINT32_MAX
#define FAULT_SELF	(UINT32_MAX - 1)
#define FAULT_PROCESSES 64

/*
 * What fails, and what was counted: in memory that all processes share, so that a test can read and
 * change it while they run. Preloaded, it is the file that the environment's ISIF_FAULT names.
 */
struct fault_board {
	uint32_t kind;	      /* enum fault_kind; FAULT_KINDS: nothing fails */
	int32_t error;	      /* errno, FAULT_SHORT or FAULT_NOTHING */
	uint64_t first, last; /* these calls fail */
	uint32_t process;     /* only calls of this one count; FAULT_EVERYONE */
	uint32_t processes;   /* numbered as they began, from 0: so many */
	uint32_t pids[FAULT_PROCESSES];
	uint64_t counts[FAULT_KINDS];
	uint64_t failed; /* so many calls */
	char name[24];	 /* the function that failed last */
};

/*
 * In this process, FAULT_SELF, or in its children, too, FAULT_EVERYONE: has the n-th call from now
 * fail (1: the next one), and, for_good, all after it; counts all kinds anew. With FAULT_KINDS
 * nothing fails.
 */
void fault_at(uint32_t process, enum fault_kind kind, uint64_t n, int error, bool for_good);

/* Ends that; returns true if any call has failed. What was counted and what failed stays. */
bool fault_end(void);
const struct fault_board *fault_seen(void);

#endif
