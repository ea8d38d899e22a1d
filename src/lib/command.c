/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Processes that run iscsiadm, or that wait for the kernel. Each has a process group of its own, a
 * time limit, and one pipe for all that it says. What the caller waits for - an end, more output,
 * the time - is behind one descriptor. Nothing here waits.
 */
#include "command.h"

#include "cleanup.h"
#include "clock.h"
#include "port_message.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>

#define DYING_MS     2000  /* what was killed is dead by then, or hangs in the kernel */
#define TICK_MS	     20	   /* where the kernel has no pidfd, so often an end is looked for */
#define CLOSING_MS   500   /* likewise, when we end ourselves */
#define SPARE_MS     10	   /* for which one goes on that may hold the lock */
#define SPARED	     200   /* so often, at the most: who holds it longer hangs */
#define SPARED_NOW   20	   /* where it must be now */
#define PIECE	     16384 /* octets of output that are read at a time */
#define PIECES	     16	   /* and this many in a row: a child that never stops is one of many */
#define FIRST_OUTPUT 4096  /* octets */

struct run {
	unsigned number; /* 0: this place is free */
	pid_t pid;
	int process, output, timer, all; /* pidfd, pipe, timerfd; the epoll descriptor over them */
	uint64_t deadline;		 /* monotonic ns */
	bool killed;			 /* its time was up, or nobody wants it any more */
	bool forgotten;			 /* nobody wants it: its place is free when it is dead */
	bool over;
	unsigned spared;
	int code;
	bool cut;
	char *text;
	size_t length, size;
};

struct commands {
	char *program; /* NULL: to be looked for */
	char *lock;    /* open-iscsi's, while somebody holds it */
	char *sysfs;
	/* What the last request to an adapter has to say: ended when its process has, whatever its
	   run has become by then; -1: there was none. */
	int asking;
	unsigned last_number;
	struct run runs[COMMAND_LIMIT];
};

/* --- its life --- */

static void close_one(int *descriptor)
{
	if (*descriptor >= 0)
		close(TAKE_DESCRIPTOR(*descriptor));
}

static void free_run(struct run *run)
{
	close_one(&run->process);
	close_one(&run->output);
	close_one(&run->timer);
	close_one(&run->all);
	free(run->text);
	*run = (struct run){ 0 };
}

/* A signal is on its way for a moment, but for one that hangs in the kernel. */
static void stop_run(const struct run *run)
{
	kill(-run->pid, SIGSTOP);
	for (int i = 0; i < SPARE_MS; i++) {
		siginfo_t state = { 0 };

		if (waitid(P_PID, (id_t)run->pid, &state, WSTOPPED | WEXITED | WNOHANG | WNOWAIT) ||
		    state.si_pid)
			return;
		poll(NULL, 0, 1);
	}
}

/*
 * open-iscsi's lock has no owner (usr/idbm.c:idbm_lock): who is killed while it holds it leaves it
 * behind, and newer versions then wait for ever. So it is stopped, and goes on for a moment where
 * there is a lock, be it its own or not.
 */
static bool may_die(const struct commands *commands, struct run *run)
{
	stop_run(run);
	if (run->spared >= SPARED || access(commands->lock, F_OK))
		return true;
	run->spared++;
	kill(-run->pid, SIGCONT);
	return false;
}

/* The whole group: iscsiadm starts iscsid, modprobe and resolvers of names. */
static void kill_run(struct run *run)
{
	kill(-run->pid, SIGKILL);
	run->killed = true;
}

/* Waits for the lock, a little. */
static void kill_now(const struct commands *commands, struct run *run)
{
	for (int i = 0; i < SPARED_NOW && !may_die(commands, run); i++)
		poll(NULL, 0, SPARE_MS);
	kill_run(run);
}

/* True once it is dead; then, and not before, its number may be another process's. */
static bool reap(struct run *run)
{
	siginfo_t end = { 0 };

	if (run->over)
		return true;
	if (!waitid(P_PID, (id_t)run->pid, &end, WEXITED | WNOHANG)) {
		if (!end.si_pid)
			return false;
		run->code = end.si_code == CLD_EXITED ? end.si_status : -1;
	}
	/* Where SIGCHLD is ignored nothing can be waited for, and nothing is known. */
	run->over = true;
	return true;
}

static void sweep(struct commands *commands)
{
	for (size_t i = 0; i < COMMAND_LIMIT; i++)
		if (commands->runs[i].forgotten && reap(&commands->runs[i]))
			free_run(&commands->runs[i]);
}

/* Where the run with this number is; COMMAND_LIMIT: there is none. */
static size_t place_of(const struct commands *commands, unsigned number)
{
	size_t place = 0;

	while (place < COMMAND_LIMIT && (!number || commands->runs[place].number != number ||
					 commands->runs[place].forgotten))
		place++;
	return place;
}

/* --- starting --- */

static bool set_timer(struct run *run, uint32_t milliseconds)
{
	bool ticks = run->process < 0;
	uint32_t first = ticks && milliseconds > TICK_MS ? TICK_MS : milliseconds;
	const struct itimerspec time = {
		.it_value = { .tv_sec = first / 1000, .tv_nsec = (long)(first % 1000) * 1000000 },
		.it_interval = { .tv_nsec = ticks ? TICK_MS * 1000000 : 0 },
	};

	run->deadline = clock_ns() + (uint64_t)milliseconds * 1000000;
	return !timerfd_settime(run->timer, 0, &time, NULL);
}

static bool watch(const struct run *run, int descriptor)
{
	struct epoll_event event = { .events = EPOLLIN };

	return !epoll_ctl(run->all, EPOLL_CTL_ADD, descriptor, &event);
}

/* What the child gets: no input, one output, and none of our descriptors. */
static int set_actions(posix_spawn_file_actions_t *actions, int output)
{
	int number =
		posix_spawn_file_actions_addopen(actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);

	if (!number)
		number = posix_spawn_file_actions_adddup2(actions, output, STDOUT_FILENO);
	if (!number)
		number = posix_spawn_file_actions_adddup2(actions, output, STDERR_FILENO);
	if (!number)
		number = posix_spawn_file_actions_addclosefrom_np(actions, STDERR_FILENO + 1);
	return number;
}

/* And signals as they are when nobody changed them: we block some and ignore others. */
static void set_attributes(posix_spawnattr_t *attributes)
{
	sigset_t none, all;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF |
						     POSIX_SPAWN_SETSIGMASK);
	posix_spawnattr_setpgroup(attributes, 0);
	posix_spawnattr_setsigdefault(attributes, &all);
	posix_spawnattr_setsigmask(attributes, &none);
}

static int spawn(const char *program, const struct command_arguments *arguments, int output,
		 pid_t *pid)
{
	char language[] = "LC_ALL=C", path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
	char *const environment[] = { language, path, NULL };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	int number = posix_spawn_file_actions_init(&actions);

	if (number)
		return number;
	number = posix_spawnattr_init(&attributes);
	if (!number) {
		set_attributes(&attributes);
		number = set_actions(&actions, output);
		if (!number)
			number = posix_spawn(pid, program, &actions, &attributes, arguments->items,
					     environment);
		posix_spawnattr_destroy(&attributes);
	}
	posix_spawn_file_actions_destroy(&actions);
	return number;
}

/*
 * None of our descriptors: another process must not find our locks held, nor the master our
 * connection open, when we have gone and this waits for an adapter.
 */
static void close_others(void)
{
	struct rlimit limit = { .rlim_cur = 1024 };

	if (!syscall(SYS_close_range, STDERR_FILENO + 1, ~0u, 0))
		return;
	/* Linux before 5.9. */
	getrlimit(RLIMIT_NOFILE, &limit);
	for (int number = STDERR_FILENO + 1; (rlim_t)number < limit.rlim_cur; number++)
		close(number);
}

static void become_child(int output)
{
	const struct sigaction normal = { .sa_handler = SIG_DFL };
	sigset_t none;

	setpgid(0, 0);
	for (int number = 1; number < NSIG; number++)
		sigaction(number, &normal, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	dup2(output, STDOUT_FILENO);
	close_others();
}

/* The same for a request to an adapter, which needs no program. */
static int fork_request(const struct isif_port_request *request, const char *sysfs, int output,
			pid_t *pid)
{
	*pid = fork();
	if (*pid < 0)
		return errno;
	if (!*pid) {
		int code;

		become_child(output);
		code = port_request_ask(request, sysfs, STDOUT_FILENO);
		_exit(code >= 0 && code <= UINT8_MAX ? code : EIO);
	}
	/* Whoever of both is first: it may be killed with its group at once. */
	setpgid(*pid, *pid);
	return 0;
}

/* What a run is: a program with its arguments, or a request. */
struct work {
	const char *program;
	const struct command_arguments *arguments;
	const struct isif_port_request *request;
	uint32_t timeout;
};

/* Linux before 5.3 has no pidfd: then the timer ticks. */
static bool watch_process(struct run *run, uint32_t timeout)
{
	run->process = (int)syscall(SYS_pidfd_open, run->pid, 0);
	if (run->process < 0 ? errno != ENOSYS : !watch(run, run->process))
		return false;
	return set_timer(run, timeout);
}

/*
 * The kernel is asked one thing at a time, and nobody can take it back: one that is not wanted any
 * more, and whose process was killed, is in the way until that dies.
 */
static bool is_asking(const struct commands *commands)
{
	struct pollfd one = { .fd = commands->asking, .events = POLLIN };

	return commands->asking >= 0 && poll(&one, 1, 0) <= 0;
}

static bool watch_request(struct commands *commands, const struct run *run)
{
	close_one(&commands->asking);
	commands->asking = fcntl(run->output, F_DUPFD_CLOEXEC, 0);
	return commands->asking >= 0;
}

static enum isif_error start(struct commands *commands, struct run *run, const struct work *work)
{
	CLEANUP_CLOSE int writing = -1;
	int ends[2], number;

	run->all = epoll_create1(EPOLL_CLOEXEC);
	run->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (run->all < 0 || run->timer < 0 || pipe2(ends, O_CLOEXEC))
		return isif_error_from_errno(errno);
	run->output = ends[0];
	writing = ends[1];
	/* Our end alone: a child does not expect that writing does not wait. */
	if (fcntl(run->output, F_SETFL, O_NONBLOCK) || !watch(run, run->output) ||
	    !watch(run, run->timer) || (work->request && !watch_request(commands, run)))
		return isif_error_from_errno(errno);
	number = work->request ? fork_request(work->request, commands->sysfs, writing, &run->pid)
			       : spawn(work->program, work->arguments, writing, &run->pid);
	if (number)
		return isif_error_from_errno(number);
	if (watch_process(run, work->timeout))
		return ISIF_OK;
	number = errno;
	kill_run(run);
	waitid(P_PID, (id_t)run->pid, &(siginfo_t){ 0 }, WEXITED);
	return isif_error_from_errno(number);
}

static const char *find_program(const struct commands *commands)
{
	static const char *const places[] = { "/usr/sbin/iscsiadm", "/sbin/iscsiadm",
					      "/usr/bin/iscsiadm", "/usr/local/sbin/iscsiadm" };

	if (commands->program)
		return access(commands->program, X_OK) ? NULL : commands->program;
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++)
		if (!access(places[i], X_OK))
			return places[i];
	return NULL;
}

static enum isif_error begin(struct commands *commands, const struct work *work, unsigned *number)
{
	struct run *run = NULL;
	enum isif_error error;

	sweep(commands);
	for (size_t i = 0; i < COMMAND_LIMIT && !run; i++)
		if (!commands->runs[i].number)
			run = &commands->runs[i];
	if (!run)
		return ISIF_LIMIT;
	*run = (struct run){ .process = -1, .output = -1, .timer = -1, .all = -1, .code = -1 };
	error = start(commands, run, work);
	if (error) {
		free_run(run);
		return error;
	}
	if (!++commands->last_number)
		commands->last_number = 1;
	*number = run->number = commands->last_number;
	return ISIF_OK;
}

enum isif_error command_begin(struct commands *commands, const struct isif_command *command,
			      unsigned *number)
{
	struct command_arguments arguments;
	const struct work work = {
		.program = find_program(commands),
		.arguments = &arguments,
		.timeout = command->timeout,
	};
	enum isif_error error;

	if (!work.program)
		return ISIF_NOT_FOUND;
	error = command->timeout ? command_arguments(command, &arguments) : ISIF_INVALID;
	return error ? error : begin(commands, &work, number);
}

enum isif_error command_begin_port(struct commands *commands,
				   const struct isif_port_request *request, unsigned *number)
{
	/* It is given up only when it has not given up itself. */
	const struct work work = { .request = request, .timeout = request->timeout + SPARE_MS };

	if (!port_request_is_valid(request))
		return ISIF_INVALID;
	return is_asking(commands) ? ISIF_LOCKED : begin(commands, &work, number);
}

int command_port_descriptor(const struct commands *commands)
{
	return commands->asking;
}

/* --- while it runs --- */

/* Room for one octet more than a piece, else all that there is up to the bound. */
static bool make_room(struct run *run)
{
	size_t larger = run->size ? run->size * 2 : FIRST_OUTPUT;
	char *grown;

	if (run->length + 1 < run->size)
		return true;
	if (run->size > COMMAND_OUTPUT)
		return false;
	if (larger > COMMAND_OUTPUT)
		larger = COMMAND_OUTPUT + 1; /* a NUL is no octet of its output */
	grown = realloc(run->text, larger);
	if (!grown)
		return false;
	run->text = grown;
	run->size = larger;
	return true;
}

static void keep_output(struct run *run, const char *octets, size_t length)
{
	while (length && make_room(run)) {
		size_t room = run->size - run->length - 1;
		size_t taken = length < room ? length : room;

		memcpy(run->text + run->length, octets, taken);
		run->length += taken;
		octets += taken;
		length -= taken;
	}
	run->cut |= length > 0;
}

static void read_output(struct run *run)
{
	char octets[PIECE];

	for (size_t i = 0; i < PIECES && run->output >= 0; i++) {
		ssize_t got = read(run->output, octets, sizeof(octets));

		if (got < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (got > 0) {
			keep_output(run, octets, (size_t)got);
			continue;
		}
		/* Its end would keep the descriptor readable. */
		close_one(&run->output);
		run->cut |= got < 0;
	}
}

static bool time_is_up(const struct run *run)
{
	uint64_t times;

	return read(run->timer, &times, sizeof(times)) == sizeof(times) &&
	       clock_ns() >= run->deadline;
}

/* True when nothing more is to be waited for. */
static bool is_over(const struct commands *commands, struct run *run)
{
	bool up = time_is_up(run);

	if (reap(run))
		return true;
	if (!up)
		return false;
	if (run->killed)
		return true;
	if (may_die(commands, run)) {
		kill_run(run);
		set_timer(run, DYING_MS);
	} else {
		set_timer(run, SPARE_MS);
	}
	return reap(run);
}

enum isif_error command_work(struct commands *commands, unsigned number,
			     struct isif_command_outcome *outcome)
{
	size_t place = place_of(commands, number);
	struct run *run = &commands->runs[place];
	bool over;

	if (place == COMMAND_LIMIT)
		return ISIF_NOT_FOUND;
	over = is_over(commands, run);
	read_output(run);
	if (!over)
		return ISIF_INCOMPLETE;
	if (run->text)
		run->text[run->length] = '\0';
	*outcome = (struct isif_command_outcome){
		.code = run->killed ? -1 : run->code,
		.timed_out = run->killed,
		.cut = run->cut,
		.output = run->text ? run->text : "",
		.length = run->length,
	};
	return ISIF_OK;
}

int command_descriptor(const struct commands *commands, unsigned number)
{
	size_t place = place_of(commands, number);

	return place == COMMAND_LIMIT ? -1 : commands->runs[place].all;
}

void command_end(struct commands *commands, unsigned number)
{
	size_t place = place_of(commands, number);
	struct run *run = &commands->runs[place];

	if (place == COMMAND_LIMIT)
		return;
	if (reap(run)) {
		free_run(run);
		return;
	}
	/* It is reaped by a later call: even a process that was killed may take its time. */
	kill_now(commands, run);
	run->forgotten = true;
}

/* --- all of them --- */

enum isif_error commands_open(const char *program, const char *lock_directory, const char *sysfs,
			      struct commands **result)
{
	struct commands *commands = calloc(1, sizeof(*commands));

	if (!commands)
		return ISIF_NO_MEMORY;
	commands->asking = -1;
	commands->sysfs = strdup(sysfs ? sysfs : "/sys");
	if (asprintf(&commands->lock, "%s/lock.write",
		     lock_directory ? lock_directory : ISIF_LOCK_DIRECTORY) < 0)
		commands->lock = NULL;
	if (program)
		commands->program = strdup(program);
	if (!commands->lock || !commands->sysfs || (program && !commands->program)) {
		commands_close(commands);
		return ISIF_NO_MEMORY;
	}
	*result = commands;
	return ISIF_OK;
}

/* The one place that waits, and not for long: a process that was killed is dead at once. */
static void wait_for_death(struct run *run)
{
	for (unsigned i = 0; i < CLOSING_MS / TICK_MS && !reap(run); i++)
		poll(&(struct pollfd){ .fd = run->process, .events = POLLIN }, 1, TICK_MS);
}

void commands_close(struct commands *commands)
{
	if (!commands)
		return;
	for (size_t i = 0; i < COMMAND_LIMIT; i++) {
		struct run *run = &commands->runs[i];

		if (!run->number)
			continue;
		if (!reap(run)) {
			kill_now(commands, run);
			wait_for_death(run);
		}
		free_run(run);
	}
	close_one(&commands->asking);
	free(commands->program);
	free(commands->lock);
	free(commands->sysfs);
	free(commands);
}
