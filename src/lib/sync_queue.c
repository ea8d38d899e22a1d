/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sync_queue.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* glibc's <aio.h> is another thing (threads that write); these calls have no wrapper in it. */

void sync_queue_open(struct sync_queue *queue, unsigned size)
{
	*queue = (struct sync_queue){ .event = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC) };
	if (queue->event < 0)
		return;
	/* ENOSYS, or EAGAIN over fs.aio-max-nr, or what a seccomp filter answers. */
	if (!syscall(SYS_io_setup, size, &queue->context))
		return;
	close(queue->event);
	queue->event = -1;
	queue->context = 0;
}

void sync_queue_close(struct sync_queue *queue)
{
	if (queue->context)
		syscall(SYS_io_destroy, queue->context);
	if (queue->event >= 0)
		close(queue->event);
	*queue = (struct sync_queue){ .event = -1 };
}

bool sync_queue_add(struct sync_queue *queue, int descriptor, bool data, uint64_t tag)
{
	struct iocb *list[] = { &queue->request };

	queue->request = (struct iocb){
		.aio_data = tag,
		.aio_lio_opcode = data ? IOCB_CMD_FDSYNC : IOCB_CMD_FSYNC,
		.aio_fildes = (uint32_t)descriptor,
		.aio_flags = IOCB_FLAG_RESFD,
		.aio_resfd = (uint32_t)queue->event,
	};
	/* EINVAL of a kernel or file system without it, EAGAIN when there is no room. */
	if (!queue->context || syscall(SYS_io_submit, queue->context, 1L, list) != 1)
		return false;
	queue->under_way++;
	return true;
}

void sync_queue_hush(const struct sync_queue *queue)
{
	uint64_t count;
	ssize_t got = read(queue->event, &count, sizeof(count));

	(void)got; /* EAGAIN: it is quiet already; EBADF without AIO */
}

bool sync_queue_next(struct sync_queue *queue, uint64_t *tag, int *number)
{
	struct io_event done;
	struct timespec at_once = { 0 };

	if (!queue->under_way ||
	    syscall(SYS_io_getevents, queue->context, 0L, 1L, &done, &at_once) != 1)
		return false;
	queue->under_way--;
	*tag = done.data;
	*number = (int)-done.res;
	return true;
}
