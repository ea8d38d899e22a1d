/* SPDX-License-Identifier: GPL-2.0-or-later */
/* clang-format off */
/*
 * The privileged process with a real gate and a real database, asked by one that is up to no good.
 * An input that begins with "raw" and a newline is what comes through the socket; each line of
 * another one is a question in the words of question.h, or
 *   + MILLISECONDS             time goes by
 * No secret may be told, none may change, and nothing that is not in the directories of the
 * database, the state and the lock.
 */
/* clang-format on */
#include "hourglass.h"
#include "question.h"
#include "scratch.h"
#include "wire.h"

#include "../gate/keeper.h"
#include "store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SECRET	     "wonderland"
#define PASSWORD     "node.session.auth.password = "
#define DB_NODE	     "db/nodes/iqn.t/192.0.2.1,3260,1"
#define IFACE(name)  "iface.iscsi_ifacename = " name "\niface.transport_name = tcp\n"
#define RECORD(body) "# BEGIN RECORD 2.1.8\n" body "# END RECORD\n"
#define NODE_RECORD                                                                                \
	RECORD("node.name = iqn.t\nnode.tpgt = 1\nnode.startup = manual\n" IFACE(                  \
		"if0") "node.discovery_type = static\n" PASSWORD SECRET                            \
		       "\nnode.conn[0].address = 192.0.2.1\nnode.conn[0].port = 3260\n")

enum { OUTSIDE = 6 };

/* The linker gives these names. */
long __wrap_syscall(long number, long a, long b, long c, long d);
long __real_syscall(long number, long a, long b, long c, long d);
pid_t __wrap_fork(void);

static struct keeper keeper;
static bool knows; /* the input has the secret in it */

/* A kernel without AIO: to end it takes milliseconds. */
long __wrap_syscall(long number, long a, long b, long c, long d)
{
	if (number != SYS_io_setup)
		return __real_syscall(number, a, b, c, d);
	errno = ENOSYS;
	return -1;
}

/* The child would copy the database, whatever was asked. */
pid_t __wrap_fork(void)
{
	errno = EAGAIN;
	return -1;
}

/* --- the database, and what is beside it --- */

static const char *const outside[OUTSIDE] = { "iscsid.conf",  "initiatorname", "outside",
					      "outside/file", "outside/if0",   "." };
static struct stat before[OUTSIDE];

static void look_outside(struct stat status[OUTSIDE])
{
	for (size_t i = 0; i < OUTSIDE; i++)
		MUST(!fstatat(scratch_directory(), outside[i], &status[i], AT_SYMLINK_NOFOLLOW));
}

static void make_database(void)
{
	static const char *const directories[] = {
		"db",
		"db/ifaces",
		"db/nodes",
		"db/nodes/iqn.t",
		DB_NODE,
		"db/static",
		"db/static/iqn.t,192.0.2.1,3260,1,if0",
		"db/send_targets",
		"state",
		"lock",
		"outside",
		"sys",
		"sys/class",
		"sys/class/iscsi_host",
		"sys/class/iscsi_host/host5",
		"sys/class/scsi_host",
		"sys/class/scsi_host/host5",
	};

	scratch_empty();
	for (size_t i = 0; i < sizeof(directories) / sizeof(*directories); i++)
		scratch_make_directory(directories[i]);
	scratch_put("db/ifaces/if0", RECORD(IFACE("if0") "iface.mtu = 1500\n"));
	scratch_put("db/ifaces/if1", RECORD(IFACE("if1")));
	scratch_put(DB_NODE "/if0", NODE_RECORD);
	scratch_put("db/nodes/iqn.t/192.0.2.2,3260", NODE_RECORD);
	scratch_put("db/send_targets/st_config", RECORD(PASSWORD SECRET "\n"));
	scratch_put("db/ifaces/hba", RECORD(IFACE("hba") "iface.transport_name = qla4xxx\n"
							 "iface.hwaddress = 02:00:00:00:00:05\n"));
	scratch_put("sys/class/iscsi_host/host5/hwaddress", "02:00:00:00:00:05\n");
	scratch_put("sys/class/scsi_host/host5/proc_name", "qla4xxx\n");
	scratch_put("state/state", "iscsi-ifaced state 1\nend\n");
	scratch_put("initiatorname", "InitiatorName=iqn.host\n");
	scratch_put("iscsid.conf", "node.startup = manual\n" PASSWORD SECRET "\n");
	scratch_put("outside/file", RECORD(IFACE("file") PASSWORD SECRET "\n"));
	scratch_put("outside/if0", NODE_RECORD);
	scratch_lead("../../outside/file", "db/ifaces/link");
	scratch_lead("../../../../outside/file", DB_NODE "/link");
	scratch_lead("../outside/file", "state/link");
	look_outside(before);
}

static void check_outside(void)
{
	struct stat now[OUTSIDE];

	look_outside(now);
	for (size_t i = 0; i < OUTSIDE; i++) {
		MUST(now[i].st_ino == before[i].st_ino && now[i].st_mode == before[i].st_mode);
		MUST(now[i].st_size == before[i].st_size && now[i].st_nlink == before[i].st_nlink);
		MUST(now[i].st_ctim.tv_sec == before[i].st_ctim.tv_sec &&
		     now[i].st_ctim.tv_nsec == before[i].st_ctim.tv_nsec);
	}
}

/* What it says of secrets is what it said. */
static void check_file(int directory, const char *name)
{
	static char text[65536];
	int file = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	ssize_t length = file < 0 ? -1 : read(file, text, sizeof(text) - 1);

	close(file);
	MUST(length >= 0);
	text[length] = '\0';
	for (const char *at = text; (at = strstr(at, "\n" PASSWORD));) {
		at += strlen("\n" PASSWORD);
		MUST(!strncmp(at, SECRET "\n", strlen(SECRET "\n")));
	}
}

static void check_files(int directory)
{
	DIR *listing = fdopendir(directory);
	const struct dirent *entry;

	MUST(listing);
	while ((entry = readdir(listing))) {
		MUST(strncmp(entry->d_name, STORE_TEMPORARY, strlen(STORE_TEMPORARY)) != 0);
		MUST(strncmp(entry->d_name, STORE_ASIDE, strlen(STORE_ASIDE)) != 0);
		if (entry->d_type == DT_DIR && *entry->d_name != '.')
			check_files(openat(dirfd(listing), entry->d_name, O_RDONLY | O_CLOEXEC));
		else if (entry->d_type == DT_REG)
			check_file(dirfd(listing), entry->d_name);
	}
	closedir(listing);
}

/* --- questions --- */

static void hear(void)
{
	struct message answer = { 0 };
	int descriptor;

	while (wire_hear(&answer))
		MUST(knows || !memmem(answer.octets, answer.length, SECRET, strlen(SECRET)));
	descriptor = wire_take_descriptor();
	if (descriptor >= 0)
		close(descriptor);
	message_free(&answer);
}

static bool serve(void)
{
	bool served = keeper_serve(&keeper);

	hear();
	return served;
}

static bool ask(struct fuzz_input *line)
{
	bool served = true;

	while (served && line->at < line->end) {
		struct message question = { 0 };

		message_put_number(&question, question_operation(line));
		wire_say_message(&question, question_read(line, &question));
		message_free(&question);
		served = serve();
	}
	return served;
}

static bool take_step(struct fuzz_input line)
{
	if (line.at == line.end || *line.at != '+')
		return ask(&line);
	line.at++;
	hourglass_pass(fuzz_take_number(&line) % INT32_MAX);
	keeper_check(&keeper);
	return true;
}

static void ask_lines(struct fuzz_input input)
{
	const char *line;
	size_t length;

	while (fuzz_take_line(&input, &line, &length))
		if (!take_step((struct fuzz_input){ line, line + length }))
			break;
}

static void ask_raw(const char *octets, size_t length)
{
	wire_say(octets, length, -1);
	while (serve())
		continue;
}

/* --- an input --- */

static void open_gate(void)
{
	const struct isif_privileged_options options = {
		.root = scratch_path("db"),
		.initiatorname_file = scratch_path("initiatorname"),
		.state_directory = scratch_path("state"),
		.lock_directory = scratch_path("lock"),
		.iscsiadm = scratch_path("no-iscsiadm"),
		.sysfs = scratch_path("no-sysfs"),
	};

	MUST(isif_privileged_open(&options, &keeper.gate) == ISIF_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *octets, size_t length)
{
	static const char raw[] = "raw\n";
	size_t open;

	scratch_empty();
	make_database();
	open = wire_open_descriptors();
	hourglass_turn();
	knows = memmem(octets, length, SECRET, strlen(SECRET));
	/* Before anything comes from outside, as in the daemon. */
	keeper = (struct keeper){ .socket = wire_open(),
				  .master = "/nowhere",
				  .sysfs = scratch_path("sys"), /* one adapter is there */
				  .allowed = KEEPER_ALLOWS_SESSIONS };
	open_gate();
	/* As at the start, and at a SIGHUP. */
	for (int i = 0; i < 2; i++)
		MUST(keeper_add_bounds(&keeper, &(struct bounds){ .deny = strdup("kept* ") }));
	if (length >= strlen(raw) && !memcmp(octets, raw, strlen(raw)))
		ask_raw((const char *)octets + strlen(raw), length - strlen(raw));
	else
		ask_lines(
			(struct fuzz_input){ (const char *)octets, (const char *)octets + length });
	keeper_close(&keeper);
	close(keeper.socket);
	wire_close();
	MUST(wire_open_descriptors() == open);
	MUST(faccessat(scratch_directory(), "lock/lock.write", F_OK, 0));
	check_outside();
	check_files(openat(scratch_directory(), "db", O_RDONLY | O_CLOEXEC));
	return 0;
}
