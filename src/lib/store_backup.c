/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The copy of the database that is kept before anything is written. It is made once, by a child
 * process: there may be ten thousand records, and to put them on disk takes its time.
 */
#include "store.h"

#include "cleanup.h"
#include "tree_copy.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#define BACKUP	   "backup"
#define UNFINISHED "backup.new"
#define PATIENCE   500 /* ms, for records that are being written */

/* What the child tells at its end, through a pipe: at once, as it is shorter than PIPE_BUF. */
struct outcome {
	enum isif_error error;
	char object[512]; /* below the database: what is at fault, "" for the copy as a whole */
};

struct store_backup {
	pid_t child; /* 0: none */
	int outcome; /* the pipe; readable when the child has ended */
	bool told;   /* the log knows that it failed */
	char *path;
};

DEFINE_CLEANUP(DIR, listing, closedir);

/* --- in the child --- */

/*
 * Without this a connection that the parent closes would stay open here: its other end would not
 * see it.
 */
static void close_others(const struct store *store, int outcome)
{
	CLEANUP(cleanup_listing) DIR *listing = opendir("/proc/self/fd");
	const struct dirent *entry;

	while (listing && (entry = readdir(listing))) {
		int descriptor = atoi(entry->d_name);

		if (descriptor > STDERR_FILENO && descriptor != dirfd(listing) &&
		    descriptor != store->root && descriptor != store->state &&
		    descriptor != outcome)
			close(descriptor);
	}
}

static void become_child(const struct store *store, pid_t parent, int outcome)
{
	sigset_t none;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	for (int number = 1; number < NSIG; number++)
		signal(number, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	close_others(store, outcome);
}

static bool is_ours(const char *name)
{
	return !strncmp(name, STORE_TEMPORARY, strlen(STORE_TEMPORARY)) ||
	       !strncmp(name, STORE_ASIDE, strlen(STORE_ASIDE));
}

/* Its name tells that it is whole, and it is on disk before it has that name. */
static enum isif_error put_in_place(const struct store *store)
{
	int number;

	if (syncfs(store->state) || renameat(store->state, UNFINISHED, store->state, BACKUP))
		return store_write_error(errno);
	if (!fsync(store->state))
		return ISIF_OK;
	/* A crash would take it away when records have changed already: it must not seem there. */
	number = errno;
	renameat(store->state, BACKUP, store->state, UNFINISHED);
	return store_write_error(number);
}

static enum isif_error make_copy(const struct store *store, struct tree_copy *copy)
{
	enum isif_error error = tree_remove(store->state, UNFINISHED);

	if (!error)
		error = tree_copy(copy, store->root, store->state, UNFINISHED);
	if (!error)
		error = put_in_place(store);
	if (error)
		tree_remove(store->state, UNFINISHED);
	return error;
}

static _Noreturn void run_child(const struct store *store, pid_t parent, int pipe)
{
	struct tree_copy copy = { .skips = is_ours, .patience = PATIENCE };
	struct outcome outcome = { 0 };

	become_child(store, parent, pipe);
	outcome.error = make_copy(store, &copy);
	snprintf(outcome.object, sizeof(outcome.object), "%.*s", (int)sizeof(outcome.object) - 1,
		 copy.path);
	_exit(write(pipe, &outcome, sizeof(outcome)) == sizeof(outcome) ? 0 : 1);
}

/* --- in the agent --- */

static enum isif_error start_child(const struct store *store, struct store_backup *backup)
{
	pid_t parent = getpid(), child;
	int ends[2];

	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK))
		return isif_error_from_errno(errno);
	child = fork();
	if (!child)
		run_child(store, parent, ends[1]);
	close(ends[1]);
	if (child < 0) {
		close(ends[0]);
		return ISIF_NO_MEMORY;
	}
	backup->child = child;
	backup->outcome = ends[0];
	return ISIF_OK;
}

static void forget_child(struct store_backup *backup)
{
	close(TAKE_DESCRIPTOR(backup->outcome));
	backup->child = 0;
}

static void tell(const struct store *store, struct store_backup *backup,
		 const struct outcome *outcome)
{
	if (!outcome->error)
		isif_log_line(store->log, ISIF_LOG_NOTICE,
			      "%s, as it was before anything is written there, is kept in %s",
			      store->root_path, backup->path);
	else if (!backup->told)
		isif_log_line(store->log, ISIF_LOG_ERROR,
			      "%s cannot be copied to %s (%s%s%s): nothing is written there until "
			      "it can be",
			      store->root_path, backup->path, outcome->object,
			      *outcome->object ? ": " : "", isif_error_text(outcome->error));
	backup->told = outcome->error;
}

/* ISIF_INCOMPLETE while it runs. */
static enum isif_error ask_child(const struct store *store, struct store_backup *backup)
{
	struct outcome outcome;
	siginfo_t end = { 0 };
	bool running = !waitid(P_PID, (id_t)backup->child, &end, WEXITED | WNOHANG) && !end.si_pid;
	ssize_t got = running ? -1 : read(backup->outcome, &outcome, sizeof(outcome));

	/* Where SIGCHLD is ignored there is nothing to wait for, and the pipe alone tells. */
	if (running || (got < 0 && (errno == EAGAIN || errno == EINTR)))
		return ISIF_INCOMPLETE;
	if (got != sizeof(outcome))
		outcome = (struct outcome){ .error = ISIF_IO };
	forget_child(backup);
	tell(store, backup, &outcome);
	return outcome.error;
}

static bool is_there(const struct store *store)
{
	struct stat status;

	return !fstatat(store->state, BACKUP, &status, AT_SYMLINK_NOFOLLOW) &&
	       S_ISDIR(status.st_mode);
}

static enum isif_error prepare(struct store *store)
{
	enum isif_error error = store_open_state(store);
	struct store_backup *backup;

	if (error || store->backup)
		return error;
	backup = calloc(1, sizeof(*backup));
	if (!backup || asprintf(&backup->path, "%s/" BACKUP, store->state_path) < 0) {
		free(backup);
		return ISIF_NO_MEMORY;
	}
	backup->outcome = -1;
	store->backup = backup;
	return ISIF_OK;
}

enum isif_error store_backup(struct store *store, const char **where)
{
	enum isif_error error = prepare(store);

	if (!error && store->backup->child)
		error = ask_child(store, store->backup);
	if (error)
		return error;
	*where = store->backup->path;
	if (is_there(store))
		return ISIF_OK;
	error = start_child(store, store->backup);
	return error ? error : ISIF_INCOMPLETE;
}

int store_backup_descriptor(const struct store *store)
{
	return store->backup ? store->backup->outcome : -1;
}

void store_backup_close(struct store *store)
{
	struct store_backup *backup = TAKE(store->backup);
	siginfo_t end;

	if (!backup)
		return;
	if (backup->child) {
		kill(backup->child, SIGKILL);
		waitid(P_PID, (id_t)backup->child, &end, WEXITED);
		forget_child(backup);
	}
	free(backup->path);
	free(backup);
}
