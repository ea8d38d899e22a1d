/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "contain.h"

#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/netlink.h>
#include <pwd.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PACKAGE_USER "_iscsi-ifaced"

bool contain_find_user(const char *name, struct contain_user *user, char *why, size_t size)
{
	const char *wanted = name ? name : PACKAGE_USER;
	const struct passwd *entry;

	*user = (struct contain_user){ .uid = geteuid(), .gid = getegid() };
	if (geteuid() != 0 && !name)
		return true;
	errno = 0;
	entry = getpwnam(wanted);
	if (!entry) {
		snprintf(why, size,
			 "cannot run as user %s: %s; make it (useradd --system %s), or "
			 "name another one with -u",
			 wanted, errno ? strerror(errno) : "there is no such user", wanted);
		return false;
	}
	if (geteuid() != 0 && entry->pw_uid != geteuid()) {
		snprintf(why, size, "cannot run as user %s: only root can become another user",
			 wanted);
		return false;
	}
	user->uid = entry->pw_uid;
	user->gid = entry->pw_gid;
	user->changes = user->uid != geteuid();
	return true;
}

static bool become(const struct contain_user *user)
{
	if (!user->changes)
		return true;
	return !setgroups(0, NULL) && !setresgid(user->gid, user->gid, user->gid) &&
	       !setresuid(user->uid, user->uid, user->uid);
}

/* Another user has none left; root, and who was started with some, must let them go. */
static bool drop_capabilities(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	const struct __user_cap_data_struct none[2] = { { 0 } };

	return !prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) &&
	       !syscall(SYS_capset, &header, none);
}

/* A sanitizer's own work at the end of a process needs what the filter refuses. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#endif

#ifdef SANITIZED

static bool filter_calls(void)
{
	return true;
}

#else

#define DENIED SCMP_ACT_ERRNO(EPERM)

/* What the loop, its sources and the libraries below it call. */
static const int allowed[] = {
	/* memory */
	SCMP_SYS(brk),
	SCMP_SYS(mmap),
	SCMP_SYS(mmap2),
	SCMP_SYS(mprotect),
	SCMP_SYS(mremap),
	SCMP_SYS(munmap),
	SCMP_SYS(madvise),
	/* descriptors that are there */
	SCMP_SYS(close),
	SCMP_SYS(close_range),
	SCMP_SYS(dup),
	SCMP_SYS(dup2),
	SCMP_SYS(dup3),
	SCMP_SYS(fcntl),
	SCMP_SYS(fcntl64),
	SCMP_SYS(ioctl),
	SCMP_SYS(pipe2),
	SCMP_SYS(lseek),
	SCMP_SYS(_llseek),
	SCMP_SYS(read),
	SCMP_SYS(readv),
	SCMP_SYS(pread64),
	SCMP_SYS(write),
	SCMP_SYS(writev),
	/* looking at files */
	SCMP_SYS(access),
	SCMP_SYS(faccessat),
	SCMP_SYS(faccessat2),
	SCMP_SYS(fstat),
	SCMP_SYS(fstat64),
	SCMP_SYS(fstatat64),
	SCMP_SYS(fstatfs),
	SCMP_SYS(fstatfs64),
	SCMP_SYS(getdents64),
	SCMP_SYS(lstat),
	SCMP_SYS(lstat64),
	SCMP_SYS(newfstatat),
	SCMP_SYS(readlink),
	SCMP_SYS(readlinkat),
	SCMP_SYS(stat),
	SCMP_SYS(stat64),
	SCMP_SYS(statfs),
	SCMP_SYS(statfs64),
	SCMP_SYS(statx),
	SCMP_SYS(inotify_add_watch),
	SCMP_SYS(inotify_init1),
	SCMP_SYS(inotify_rm_watch),
	SCMP_SYS(getcwd),
	/* waiting */
	SCMP_SYS(poll),
	SCMP_SYS(ppoll),
	SCMP_SYS(select),
	SCMP_SYS(_newselect),
	SCMP_SYS(pselect6),
	SCMP_SYS(epoll_create1),
	SCMP_SYS(epoll_ctl),
	SCMP_SYS(epoll_wait),
	SCMP_SYS(epoll_pwait),
	SCMP_SYS(eventfd2),
	SCMP_SYS(signalfd4),
	SCMP_SYS(timerfd_create),
	SCMP_SYS(timerfd_settime),
	SCMP_SYS(restart_syscall),
	/* sockets: which kinds is said below */
	SCMP_SYS(accept4),
	SCMP_SYS(bind),
	SCMP_SYS(connect),
	SCMP_SYS(getpeername),
	SCMP_SYS(getsockname),
	SCMP_SYS(getsockopt),
	SCMP_SYS(recv),
	SCMP_SYS(recvfrom),
	SCMP_SYS(recvmmsg),
	SCMP_SYS(recvmsg),
	SCMP_SYS(send),
	SCMP_SYS(sendmmsg),
	SCMP_SYS(sendmsg),
	SCMP_SYS(sendto),
	SCMP_SYS(setsockopt),
	SCMP_SYS(shutdown),
	/* time, and who we are */
	SCMP_SYS(clock_getres),
	SCMP_SYS(clock_gettime),
	SCMP_SYS(clock_gettime64),
	SCMP_SYS(clock_nanosleep),
	SCMP_SYS(gettimeofday),
	SCMP_SYS(nanosleep),
	SCMP_SYS(time),
	SCMP_SYS(getegid),
	SCMP_SYS(geteuid),
	SCMP_SYS(getgid),
	SCMP_SYS(getpid),
	SCMP_SYS(getppid),
	SCMP_SYS(getrandom),
	SCMP_SYS(getrlimit),
	SCMP_SYS(getrusage),
	SCMP_SYS(gettid),
	SCMP_SYS(getuid),
	SCMP_SYS(prlimit64),
	SCMP_SYS(sysinfo),
	SCMP_SYS(times),
	SCMP_SYS(uname),
	SCMP_SYS(sched_getaffinity),
	SCMP_SYS(sched_yield),
	/* other processes: iscsid is watched, not touched */
	SCMP_SYS(pidfd_open),
	/* signals, and the end */
	SCMP_SYS(rt_sigaction),
	SCMP_SYS(rt_sigpending),
	SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigreturn),
	SCMP_SYS(sigaltstack),
	SCMP_SYS(sigreturn),
	SCMP_SYS(tgkill),
	SCMP_SYS(exit),
	SCMP_SYS(exit_group),
	SCMP_SYS(futex),
	SCMP_SYS(futex_time64),
	SCMP_SYS(rseq),
	SCMP_SYS(set_robust_list),
};

/* Nothing here ever runs another program, or touches another process: who tries is not us. */
static const int deadly[] = {
	SCMP_SYS(execve),	SCMP_SYS(execveat),
	SCMP_SYS(ptrace),	SCMP_SYS(process_vm_writev),
	SCMP_SYS(bpf),		SCMP_SYS(init_module),
	SCMP_SYS(finit_module),
};

static int allow_sockets(scmp_filter_ctx filter)
{
	static const int families[] = { AF_UNIX, AF_INET, AF_INET6 };
	static const int netlink[] = { NETLINK_ROUTE, NETLINK_SOCK_DIAG, NETLINK_KOBJECT_UEVENT };
	int failed = 0;

	for (size_t i = 0; i < sizeof(families) / sizeof(*families); i++)
		failed |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1,
					   SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)families[i], 0));
	for (size_t i = 0; i < sizeof(netlink) / sizeof(*netlink); i++)
		failed |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 2,
					   SCMP_A0(SCMP_CMP_EQ, AF_NETLINK, 0),
					   SCMP_A2(SCMP_CMP_EQ, (scmp_datum_t)netlink[i], 0));
	return failed;
}

/* Not openat2(2): a filter cannot see its flags. */
static int allow_reading(scmp_filter_ctx filter)
{
	const scmp_datum_t writing = O_ACCMODE | O_CREAT | O_TRUNC | (O_TMPFILE & ~O_DIRECTORY);

	return seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(openat), 1,
				SCMP_A2(SCMP_CMP_MASKED_EQ, writing, O_RDONLY)) |
	       seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(open), 1,
				SCMP_A1(SCMP_CMP_MASKED_EQ, writing, O_RDONLY));
}

static bool filter_calls(void)
{
	scmp_filter_ctx filter = seccomp_init(DENIED);
	int failed = 0;

	if (!filter) {
		errno = ENOMEM;
		return false;
	}
	for (size_t i = 0; !failed && i < sizeof(allowed) / sizeof(*allowed); i++)
		failed = seccomp_rule_add(filter, SCMP_ACT_ALLOW, allowed[i], 0);
	for (size_t i = 0; !failed && i < sizeof(deadly) / sizeof(*deadly); i++)
		failed = seccomp_rule_add(filter, SCMP_ACT_KILL_PROCESS, deadly[i], 0);
	if (!failed)
		failed = allow_sockets(filter);
	if (!failed)
		failed = allow_reading(filter);
	if (!failed)
		failed = seccomp_load(filter);
	seccomp_release(filter);
	errno = failed < 0 ? -failed : ECANCELED;
	return !failed;
}

#endif

bool contain(const struct contain_user *user, pid_t parent, const char **what, bool *filtered)
{
	*what = "change the user";
	if (!become(user))
		return false;
	*what = "drop capabilities";
	if (!drop_capabilities())
		return false;
	*what = "forbid new privileges";
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return false;
	/* A change of the user clears it. The parent may be dead by now. */
	*what = "follow the privileged process";
	if (parent && (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) || getppid() != parent))
		return false;
	*what = "install the filter of system calls";
	*filtered = filter_calls();
	/* prctl(2): so answers a kernel that was built without. */
	return *filtered || errno == EINVAL || errno == ENOSYS;
}
