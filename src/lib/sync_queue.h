/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ISIF_LIB_SYNC_QUEUE_H
#define ISIF_LIB_SYNC_QUEUE_H

#include <linux/aio_abi.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * Files and directories that go to the disk while we do something else: Linux native AIO, whose
 * IOCB_CMD_FSYNC and IOCB_CMD_FDSYNC let the kernel's own threads do the waiting (Linux 4.18,
 * fs/aio.c:aio_fsync). Where it is not to be had, the caller syncs by itself.
 */
struct sync_queue {
	aio_context_t context; /* 0: there is no AIO */
	int event;	       /* readable when something is done; -1 without AIO */
	unsigned under_way;
	struct iocb request; /* the latest; the kernel copies it, and valgrind looks at it later */
};

/* Without AIO it opens, too, and sync_queue_add() refuses. size: how many at once, at most. */
void sync_queue_open(struct sync_queue *queue, unsigned size);
/* Waits for what is under way. */
void sync_queue_close(struct sync_queue *queue);

/*
 * Begins to sync what a descriptor is of (data: without what is not needed to read the data
 * again); it may be closed at once. False: nothing has begun.
 */
bool sync_queue_add(struct sync_queue *queue, int descriptor, bool data, uint64_t tag);

/*
 * Makes the descriptor unreadable until something more is done: to be called before those that
 * are done are taken, as the kernel signals each one only after it can be taken.
 */
void sync_queue_hush(const struct sync_queue *queue);

/* The next one that is done, with its errno value; false if there is none now. Never waits. */
bool sync_queue_next(struct sync_queue *queue, uint64_t *tag, int *number);

#endif
