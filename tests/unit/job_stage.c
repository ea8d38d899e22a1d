/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "job_stage.h"

#include "tree.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define PATIENCE 60000 /* ms that a process or a disk may need */
#define STEPS	 10000 /* more than any job here has */

struct job_stage job_stage;

/* --- who uses the disks: what the test says, beside the gate's own look, which finds none --- */

static const struct isif_privileged_operations *real;

static enum isif_error look_begin_here(struct isif_privileged *self, enum isif_look_purpose purpose,
				       const uint32_t *sids, size_t count)
{
	if (!job_stage.looked_at)
		job_stage.looked_at = count;
	return real->look_begin(self, purpose, sids, count);
}

static enum isif_error look_work_here(struct isif_privileged *self, enum isif_look_purpose purpose,
				      uint64_t deadline, unsigned *pause)
{
	(void)deadline;
	return real->look_work(self, purpose, UINT64_MAX, pause);
}

static void look_result_here(const struct isif_privileged *self, enum isif_look_purpose purpose,
			     const struct isif_look_disk **disks, size_t *count)
{
	(void)self;
	(void)purpose;
	*disks = job_stage.disks;
	*count = job_stage.disk_count;
}

static void look_end_here(struct isif_privileged *self, enum isif_look_purpose purpose)
{
	real->look_end(self, purpose);
}

static void open_writing(void)
{
	static struct isif_privileged_operations operations;

	CU_ASSERT_EQUAL_FATAL(open_writing_gate(scratch("db"), &stage.log, &job_stage.gate),
			      ISIF_OK);
	real = job_stage.gate->operations;
	operations = *real;
	operations.look_begin = look_begin_here;
	operations.look_work = look_work_here;
	operations.look_result = look_result_here;
	operations.look_end = look_end_here;
	job_stage.gate->operations = &operations;
}

void job_stage_open_runner(void)
{
	CU_ASSERT_EQUAL_FATAL(
		job_runner_open(job_stage.gate, stage.names, &stage.log, &job_stage.runner),
		ISIF_OK);
	job_runner_set_state(job_stage.runner, stage.state);
}

void wait_for_backup(void)
{
	struct isif_privileged *gate = job_stage.gate;
	const char *where;

	while (gate->operations->backup(gate, &where) == ISIF_INCOMPLETE) {
		struct pollfd copied = { .fd = gate->operations->backup_descriptor(gate),
					 .events = POLLIN };

		CU_ASSERT_EQUAL_FATAL(poll(&copied, 1, PATIENCE), 1);
	}
}

void job_stage_open(void)
{
	scratch_make();
	put_directory("db/ifaces");
	put_directory("db/nodes");
	stage_open();
	job_stage = (struct job_stage){ .now = 1000 };
	open_writing();
	job_stage_open_runner();
	stage_build();
}

void job_stage_close(void)
{
	job_runner_close(job_stage.runner);
	isif_privileged_close(job_stage.gate);
	stage_close();
	scratch_remove();
}

void job_stage_restart(void)
{
	job_runner_close(job_stage.runner);
	isif_privileged_close(job_stage.gate);
	open_writing();
	job_stage_open_runner();
}

/* --- iscsiadm --- */

void put_iscsiadm(const char *lines)
{
	char text[8192];
	int length =
		snprintf(text, sizeof(text), "#!/bin/sh\nhere=%s\necho \"$@\" >>$here/asked\n%s",
			 scratch("."), lines);

	CU_ASSERT_TRUE_FATAL((size_t)length < sizeof(text));
	put_file("iscsiadm", text);
	CU_ASSERT_EQUAL_FATAL(chmod(scratch("iscsiadm"), 0755), 0);
}

bool was_asked(const char *lines)
{
	char text[4096];
	FILE *file = fopen(scratch("asked"), "re");
	size_t length = file ? fread(text, 1, sizeof(text) - 1, file) : 0;

	text[length] = '\0';
	if (file)
		fclose(file);
	remove(scratch("asked"));
	if (!strcmp(text, lines))
		return true;
	printf("# iscsiadm was asked: %s\n", text);
	return false;
}

/* --- records --- */

void put_node(const char *path, const char *text)
{
	char name[512];

	snprintf(name, sizeof(name), "db/%s", path);
	put_file(name, text);
}

void see_node(const char *path, const char *text)
{
	stage_node_text(path, text);
}

void put_and_see(const char *path, const char *text)
{
	put_node(path, text);
	see_node(path, text);
}

void forget_nodes(void)
{
	while (stage.world.node_count)
		isif_node_release(stage.nodes[--stage.world.node_count]);
}

bool nothing_is_left(void)
{
	return !tree_is_littered(scratch("db")) && !file_exists("lock/lock.write");
}

/* --- the job --- */

void ask_as(uint32_t index, enum isif_job_kind kind, const char *iface, const char *target,
	    const char *address, uint16_t port)
{
	struct isif_job asked = {
		.index = index,
		.kind = kind,
		.iface = isif_name_get(stage.names, iface, strlen(iface)),
		.target = isif_name_get(stage.names, target, strlen(target)),
		.address = isif_name_get(stage.names, address, strlen(address)),
		.port = port,
	};

	CU_ASSERT_EQUAL_FATAL(job_add(job_stage.runner, &asked), ISIF_OK);
	job_keep(job_stage.runner);
	isif_name_release(asked.iface);
	isif_name_release(asked.target);
	isif_name_release(asked.address);
}

void ask(enum isif_job_kind kind, const char *iface, const char *target, const char *address,
	 uint16_t port)
{
	ask_as(1, kind, iface, target, address, port);
}

void cancel(void)
{
	job_cancel(job_stage.runner, 1);
	job_keep(job_stage.runner);
}

const struct isif_job *job(void)
{
	const struct isif_job *found = job_find(job_stage.runner, 1);

	CU_ASSERT_PTR_NOT_NULL_FATAL(found);
	return found;
}

/* Waits for a process, if a job does. False: nothing happens any more by itself. */
static bool slice(uint64_t deadline)
{
	struct pollfd waits[JOB_LANES];
	struct job_effects effects;
	nfds_t count = 0;

	job_run(job_stage.runner, stage.snapshot, job_stage.now, deadline);
	effects = job_take_effects(job_stage.runner);
	stage.world.port_readings += effects.ports;
	if (effects.judge || effects.ports)
		stage_build();
	if (effects.ports || job_due(job_stage.runner) <= job_stage.now)
		return true;
	for (enum job_lane lane = 0; lane < JOB_LANES; lane++) {
		int descriptor = job_descriptor(job_stage.runner, stage.snapshot, lane);

		/* With a time beside it, records wait for a lock: the test is who lets it go. */
		if (lane == JOB_LANE_RECORDS && job_due(job_stage.runner) != UINT64_MAX)
			continue;
		if (descriptor >= 0)
			waits[count++] = (struct pollfd){ .fd = descriptor, .events = POLLIN };
	}
	if (!count)
		return false;
	CU_ASSERT_TRUE_FATAL(poll(waits, count, PATIENCE) > 0);
	return true;
}

void run(void)
{
	bool more = true;

	for (unsigned i = 0; more && i < STEPS; i++)
		more = slice(UINT64_MAX);
	CU_ASSERT_FALSE_FATAL(more);
}

void run_one_slice(void)
{
	slice(0);
}

bool ended(enum isif_job_state state, int32_t error, const char *text)
{
	const struct isif_job *one = job();

	if (one->state == state && one->error == error && !strcmp(one->error_text, text))
		return true;
	printf("# state %d, error %d: %s; %s\n", (int)one->state, one->error, one->error_text,
	       one->step);
	return false;
}

bool steps(const char *step)
{
	if (!strcmp(job()->step, step))
		return true;
	printf("# step: %s\n", job()->step);
	return false;
}
