/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Each function here counts its call, and lets it fail or go on to the one that it hides: the C
 * library's, or a sanitizer's. The program's own definitions, and those of a preloaded library,
 * come before all others, so calls of other libraries come here, too.
 */
#include "fault.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <linux/aio_abi.h>
#include <pthread.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

/* Names of the C library. */
int __open_2(const char *path, int flags);
int __openat_2(int directory, const char *path, int flags);
int __asprintf_chk(char **text, int flag, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
int __vasprintf_chk(char **text, int flag, const char *format, va_list arguments)
	__attribute__((format(printf, 3, 0)));

#define REAL(name)                                                                                 \
	({                                                                                         \
		static __typeof__(&(name)) real;                                                   \
		if (!real)                                                                         \
			real = (__typeof__(&(name)))dlsym(RTLD_NEXT, #name);                       \
		real;                                                                              \
	})

static struct fault_board *board; /* NULL until the program has begun */
static uint32_t number;		  /* of this process */

/* --- whose calls --- */

static struct {
	uintptr_t from, to;
} own[16];
static size_t own_count;

static int note_object(struct dl_phdr_info *object, size_t size, void *context)
{
	(void)size;
	(void)context;
	/* The program has no name. */
	if (*object->dlpi_name && !strstr(object->dlpi_name, "/libisif."))
		return 0;
	for (size_t i = 0; i < object->dlpi_phnum; i++) {
		const ElfW(Phdr) *part = &object->dlpi_phdr[i];

		if (part->p_type != PT_LOAD || !(part->p_flags & PF_X) ||
		    own_count == sizeof(own) / sizeof(*own))
			continue;
		own[own_count].from = object->dlpi_addr + part->p_vaddr;
		own[own_count].to = own[own_count].from + part->p_memsz;
		own_count++;
	}
	return 0;
}

static bool is_own(const void *caller)
{
	uintptr_t address = (uintptr_t)caller;

	for (size_t i = 0; i < own_count; i++)
		if (address >= own[i].from && address < own[i].to)
			return true;
	return false;
}

/* --- the board --- */

static void begin_process(void)
{
	number = __atomic_fetch_add(&board->processes, 1, __ATOMIC_SEQ_CST);
	if (number < FAULT_PROCESSES)
		board->pids[number] = (uint32_t)getpid();
}

static void *map(const char *path)
{
	int descriptor = path ? REAL(open)(path, O_RDWR | O_CLOEXEC) : -1;
	void *memory;

	if (path && descriptor < 0)
		abort();
	memory = mmap(NULL, sizeof(*board), PROT_READ | PROT_WRITE,
		      MAP_SHARED | (path ? 0 : MAP_ANONYMOUS), descriptor, 0);
	if (descriptor >= 0)
		close(descriptor);
	return memory == MAP_FAILED ? NULL : memory;
}

__attribute__((constructor)) static void begin(void)
{
	const char *path = getenv("ISIF_FAULT");
	struct fault_board *mapped = map(path);

	if (!mapped)
		abort();
	if (!path)
		*mapped = (struct fault_board){ .kind = FAULT_KINDS, .process = FAULT_EVERYONE };
	dl_iterate_phdr(note_object, NULL);
	board = mapped;
	begin_process();
	pthread_atfork(NULL, NULL, begin_process);
}

/* Counts a call; true, with errno, if it is one that fails. */
static bool fails(enum fault_kind kind, const char *name)
{
	uint64_t n;

	if (!board || (board->process != FAULT_EVERYONE && board->process != number))
		return false;
	n = __atomic_add_fetch(&board->counts[kind], 1, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&board->kind, __ATOMIC_SEQ_CST) != kind || n < board->first ||
	    n > board->last)
		return false;
	snprintf(board->name, sizeof(board->name), "%s", name);
	__atomic_add_fetch(&board->failed, 1, __ATOMIC_SEQ_CST);
	errno = board->error;
	return true;
}

/* Of calls that other libraries make for themselves, too. */
#define OWN_FAILS(kind, name) (is_own(__builtin_return_address(0)) && fails(kind, name))

#define FUNCTION(kind, failure, type, name, parameters, arguments)                                 \
	type name parameters                                                                       \
	{                                                                                          \
		if (fails(kind, #name))                                                            \
			return failure;                                                            \
		return REAL(name) arguments;                                                       \
	}

#define OWN_FUNCTION(kind, failure, type, name, parameters, arguments)                             \
	type name parameters                                                                       \
	{                                                                                          \
		if (OWN_FAILS(kind, #name))                                                        \
			return failure;                                                            \
		return REAL(name) arguments;                                                       \
	}

/* --- memory --- */

OWN_FUNCTION(FAULT_MALLOC, NULL, void *, malloc, (size_t size), (size))
OWN_FUNCTION(FAULT_MALLOC, NULL, void *, calloc, (size_t count, size_t size), (count, size))
OWN_FUNCTION(FAULT_MALLOC, NULL, void *, realloc, (void *old, size_t size), (old, size))
OWN_FUNCTION(FAULT_MALLOC, NULL, void *, reallocarray, (void *old, size_t count, size_t size),
	     (old, count, size))
OWN_FUNCTION(FAULT_MALLOC, NULL, char *, strdup, (const char *text), (text))
OWN_FUNCTION(FAULT_MALLOC, NULL, char *, strndup, (const char *text, size_t length), (text, length))
OWN_FUNCTION(FAULT_MALLOC, NULL, FILE *, open_memstream, (char **text, size_t *length),
	     (text, length))
OWN_FUNCTION(FAULT_MALLOC, NULL, char *, realpath, (const char *path, char *buffer), (path, buffer))
OWN_FUNCTION(FAULT_MALLOC, -1, ssize_t, __getdelim,
	     (char **line, size_t *size, int end, FILE *file), (line, size, end, file))
OWN_FUNCTION(FAULT_MALLOC, -1, int, vasprintf, (char **text, const char *format, va_list arguments),
	     (text, format, arguments))
OWN_FUNCTION(FAULT_MALLOC, -1, int, __vasprintf_chk,
	     (char **text, int flag, const char *format, va_list arguments),
	     (text, flag, format, arguments))

int asprintf(char **text, const char *format, ...)
{
	va_list arguments;
	int length;

	if (OWN_FAILS(FAULT_MALLOC, "asprintf"))
		return -1;
	va_start(arguments, format);
	length = REAL(vasprintf)(text, format, arguments);
	va_end(arguments);
	return length;
}

/* What asprintf is with _FORTIFY_SOURCE. */
int __asprintf_chk(char **text, int flag, const char *format, ...)
{
	va_list arguments;
	int length;

	if (OWN_FAILS(FAULT_MALLOC, "asprintf"))
		return -1;
	va_start(arguments, format);
	length = REAL(__vasprintf_chk)(text, flag, format, arguments);
	va_end(arguments);
	return length;
}

/* --- descriptors --- */

static mode_t take_mode(int flags, va_list *arguments)
{
	return flags & (O_CREAT | __O_TMPFILE) ? va_arg(*arguments, mode_t) : 0;
}

int open(const char *path, int flags, ...)
{
	va_list arguments;
	mode_t mode;

	va_start(arguments, flags);
	mode = take_mode(flags, &arguments);
	va_end(arguments);
	return fails(FAULT_OPEN, "open") ? -1 : REAL(open)(path, flags, mode);
}

int openat(int directory, const char *path, int flags, ...)
{
	va_list arguments;
	mode_t mode;

	va_start(arguments, flags);
	mode = take_mode(flags, &arguments);
	va_end(arguments);
	return fails(FAULT_OPEN, "openat") ? -1 : REAL(openat)(directory, path, flags, mode);
}

/* What these are with _FORTIFY_SOURCE, where nobody knows the flags before. */
FUNCTION(FAULT_OPEN, -1, int, __open_2, (const char *path, int flags), (path, flags))
FUNCTION(FAULT_OPEN, -1, int, __openat_2, (int directory, const char *path, int flags),
	 (directory, path, flags))
FUNCTION(FAULT_OPEN, NULL, FILE *, fopen, (const char *path, const char *mode), (path, mode))
FUNCTION(FAULT_OPEN, NULL, DIR *, opendir, (const char *path), (path))
FUNCTION(FAULT_OPEN, NULL, DIR *, fdopendir, (int descriptor), (descriptor))
FUNCTION(FAULT_OPEN, -1, int, pipe2, (int ends[2], int flags), (ends, flags))
FUNCTION(FAULT_OPEN, -1, int, socket, (int family, int type, int protocol),
	 (family, type, protocol))
FUNCTION(FAULT_OPEN, -1, int, socketpair, (int family, int type, int protocol, int ends[2]),
	 (family, type, protocol, ends))
FUNCTION(FAULT_OPEN, -1, int, eventfd, (unsigned count, int flags), (count, flags))
FUNCTION(FAULT_OPEN, -1, int, timerfd_create, (clockid_t id, int flags), (id, flags))
FUNCTION(FAULT_OPEN, -1, int, signalfd, (int old, const sigset_t *set, int flags),
	 (old, set, flags))
FUNCTION(FAULT_OPEN, -1, int, epoll_create1, (int flags), (flags))
FUNCTION(FAULT_OPEN, -1, int, inotify_init1, (int flags), (flags))

/* --- octets --- */

static size_t half(size_t size)
{
	return size > 1 ? size / 2 : size;
}

static bool is_short(void)
{
	return board->error == FAULT_SHORT;
}

static ssize_t nothing(void)
{
	return board->error == FAULT_NOTHING ? 0 : -1;
}

/* Only a file ends before its end, or is full; what fits into a pipe it takes as a whole. */
static bool is_pipe(int descriptor)
{
	return lseek(descriptor, 0, SEEK_CUR) < 0 && errno == ESPIPE;
}

ssize_t read(int descriptor, void *buffer, size_t size)
{
	if (!OWN_FAILS(FAULT_READ, "read") || (board->error <= 0 && is_pipe(descriptor)))
		return REAL(read)(descriptor, buffer, size);
	return is_short() ? REAL(read)(descriptor, buffer, half(size)) : nothing();
}

ssize_t pread(int descriptor, void *buffer, size_t size, off_t offset)
{
	if (!OWN_FAILS(FAULT_READ, "pread"))
		return REAL(pread)(descriptor, buffer, size, offset);
	return is_short() ? REAL(pread)(descriptor, buffer, half(size), offset) : nothing();
}

/* A directory does not end before its end. */
ssize_t getdents64(int descriptor, void *buffer, size_t size)
{
	if (!OWN_FAILS(FAULT_READ, "getdents64") || board->error <= 0)
		return REAL(getdents64)(descriptor, buffer, size);
	return -1;
}

ssize_t write(int descriptor, const void *buffer, size_t size)
{
	if (!OWN_FAILS(FAULT_WRITE, "write") || is_pipe(descriptor))
		return REAL(write)(descriptor, buffer, size);
	return is_short() ? REAL(write)(descriptor, buffer, half(size)) : -1;
}

ssize_t pwrite(int descriptor, const void *buffer, size_t size, off_t offset)
{
	if (!OWN_FAILS(FAULT_WRITE, "pwrite"))
		return REAL(pwrite)(descriptor, buffer, size, offset);
	return is_short() ? REAL(pwrite)(descriptor, buffer, half(size), offset) : -1;
}

/* It is closed whatever it says. */
int fclose(FILE *file)
{
	bool failing = OWN_FAILS(FAULT_WRITE, "fclose") && !is_short();
	int failed = REAL(fclose)(file);

	if (!failing)
		return failed;
	errno = board->error;
	return EOF;
}

/* --- sockets --- */

ssize_t recv(int descriptor, void *buffer, size_t size, int flags)
{
	if (!fails(FAULT_RECV, "recv"))
		return REAL(recv)(descriptor, buffer, size, flags);
	return is_short() ? REAL(recv)(descriptor, buffer, half(size), flags) : nothing();
}

ssize_t recvfrom(int descriptor, void *buffer, size_t size, int flags, struct sockaddr *from,
		 socklen_t *from_size)
{
	if (fails(FAULT_RECV, "recvfrom")) {
		if (!is_short())
			return nothing();
		size = half(size);
	}
	return REAL(recvfrom)(descriptor, buffer, size, flags, from, from_size);
}

ssize_t recvmsg(int descriptor, struct msghdr *message, int flags)
{
	struct iovec *first = message->msg_iov;
	size_t size;
	ssize_t got;

	if (!fails(FAULT_RECV, "recvmsg"))
		return REAL(recvmsg)(descriptor, message, flags);
	if (!is_short())
		return nothing();
	size = first->iov_len;
	first->iov_len = half(size);
	got = REAL(recvmsg)(descriptor, message, flags);
	first->iov_len = size;
	return got;
}

/* --- the disk --- */

FUNCTION(FAULT_FSYNC, -1, int, fsync, (int descriptor), (descriptor))
FUNCTION(FAULT_FSYNC, -1, int, fdatasync, (int descriptor), (descriptor))
FUNCTION(FAULT_FSYNC, -1, int, syncfs, (int descriptor), (descriptor))

/* Native AIO has no functions: an fsync that it did is heard of here. */
long syscall(long which, ...)
{
	long arguments[6], answer;
	struct io_event *ended;
	va_list list;

	va_start(list, which);
	for (size_t i = 0; i < sizeof(arguments) / sizeof(*arguments); i++)
		arguments[i] = va_arg(list, long);
	va_end(list);
	answer = REAL(syscall)(which, arguments[0], arguments[1], arguments[2], arguments[3],
			       arguments[4], arguments[5]);
	ended = (struct io_event *)arguments[3];
	if (which == SYS_io_getevents && answer == 1 && fails(FAULT_FSYNC, "io_getevents"))
		ended->res = -board->error;
	return answer;
}

FUNCTION(FAULT_RENAME, -1, int, rename, (const char *old, const char *fresh), (old, fresh))
FUNCTION(FAULT_RENAME, -1, int, renameat, (int from, const char *old, int to, const char *fresh),
	 (from, old, to, fresh))
FUNCTION(FAULT_RENAME, -1, int, renameat2,
	 (int from, const char *old, int to, const char *fresh, unsigned flags),
	 (from, old, to, fresh, flags))
FUNCTION(FAULT_LINK, -1, int, linkat,
	 (int from, const char *old, int to, const char *fresh, int flags),
	 (from, old, to, fresh, flags))
FUNCTION(FAULT_LINK, -1, int, symlinkat, (const char *text, int directory, const char *path),
	 (text, directory, path))
FUNCTION(FAULT_LINK, -1, int, mkdir, (const char *path, mode_t mode), (path, mode))
FUNCTION(FAULT_LINK, -1, int, mkdirat, (int directory, const char *path, mode_t mode),
	 (directory, path, mode))

/* --- processes --- */

FUNCTION(FAULT_FORK, -1, pid_t, fork, (void), ())
FUNCTION(FAULT_FORK, board->error, int, posix_spawn,
	 (pid_t * pid, const char *path, const posix_spawn_file_actions_t *actions,
	  const posix_spawnattr_t *attributes, char *const arguments[], char *const environment[]),
	 (pid, path, actions, attributes, arguments, environment))
FUNCTION(FAULT_FORK, board->error, int, pthread_create,
	 (pthread_t * thread, const pthread_attr_t *attributes, void *(*run)(void *),
	  void *argument),
	 (thread, attributes, run, argument))

/* --- for tests in this process --- */

void fault_at(uint32_t process, enum fault_kind kind, uint64_t n, int error, bool for_good)
{
	board->process = process == FAULT_SELF ? number : process;
	board->failed = 0;
	board->error = error;
	board->first = n;
	board->last = for_good ? FAULT_FOR_EVER : n;
	memset(board->counts, 0, sizeof(board->counts));
	__atomic_store_n(&board->kind, kind, __ATOMIC_SEQ_CST);
}

bool fault_end(void)
{
	__atomic_store_n(&board->kind, FAULT_KINDS, __ATOMIC_SEQ_CST);
	return __atomic_load_n(&board->failed, __ATOMIC_SEQ_CST);
}

const struct fault_board *fault_seen(void)
{
	return board;
}
