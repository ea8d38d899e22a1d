/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The job that sets an offload port: what it asks of the kernel is written down, and answered. */
#include "suites.h"

#include "job_stage.h"
#include "port_message.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAC "02:00:00:00:00:0a"
#define OFFLOAD(transport, settings)                                                               \
	RECORD("iface.iscsi_ifacename = hba\niface.transport_name = " transport                    \
	       "\niface.hwaddress = " MAC "\n" settings)
#define TARGET "iqn.a"

static struct isif_kernel_port port;
static struct isif_kernel_port *pointer = &port;
static char attributes[128];

/* --- the kernel --- */

static struct {
	char asked[256]; /* of each request: verb, host, family, number; then its parameters */
	bool answered;
	struct isif_command_outcome outcome;
	char takes[128]; /* attributes that the port has then; "": it has what it had */
	size_t takes_length;
	bool ended;
	int others[2]; /* a pipe: while there is nothing in it, another request is under way */
} kernel;

static int turn_here(const struct isif_privileged *self)
{
	(void)self;
	return kernel.others[0];
}

static bool is_busy(void)
{
	struct pollfd one = { .fd = kernel.others[0], .events = POLLIN };

	return !poll(&one, 1, 0);
}

/* Another request begins, and ends. */
static void ask_another(void)
{
	char octet;

	CU_ASSERT_EQUAL(read(kernel.others[0], &octet, 1), 1);
}

static void answer_another(void)
{
	CU_ASSERT_EQUAL(write(kernel.others[1], "", 1), 1);
}

static enum isif_error begin_here(struct isif_privileged *self,
				  const struct isif_port_request *request, unsigned *number)
{
	size_t used = strlen(kernel.asked);

	(void)self;
	if (!port_request_is_valid(request))
		return ISIF_INVALID;
	if (is_busy())
		return ISIF_LOCKED;
	used += (size_t)snprintf(kernel.asked + used, sizeof(kernel.asked) - used,
				 "%d %u %d %u:", (int)request->verb, request->host,
				 (int)request->family, request->number);
	for (size_t i = 0; request->verb == ISIF_PORT_SET && i < request->count; i++)
		used += (size_t)snprintf(kernel.asked + used, sizeof(kernel.asked) - used, " %u",
					 request->parameters[i].number);
	*number = 7;
	return ISIF_OK;
}

static enum isif_error work_here(struct isif_privileged *self, unsigned number,
				 struct isif_command_outcome *outcome)
{
	(void)self;
	CU_ASSERT_EQUAL(number, 7);
	if (!kernel.answered)
		return ISIF_INCOMPLETE;
	*outcome = kernel.outcome;
	if (kernel.takes_length)
		memcpy(attributes, kernel.takes, kernel.takes_length);
	return ISIF_OK;
}

static int descriptor_here(const struct isif_privileged *self, unsigned number)
{
	(void)self, (void)number;
	return -1;
}

static void end_here(struct isif_privileged *self, unsigned number)
{
	(void)self, (void)number;
	kernel.ended = true;
}

#define TAKES(text)                                                                                \
	(memcpy(kernel.takes, text "\0", sizeof(text) + 1), kernel.takes_length = sizeof(text) + 1)
#define HAS(text) memcpy(attributes, text "\0", sizeof(text) + 1)

static void set_up(void)
{
	static struct isif_privileged_operations operations;

	job_stage_open();
	operations = *job_stage.gate->operations;
	operations.port_begin = begin_here;
	operations.port_descriptor = turn_here;
	operations.command_work = work_here;
	operations.command_descriptor = descriptor_here;
	operations.command_end = end_here;
	job_stage.gate->operations = &operations;
	memset(&kernel, 0, sizeof(kernel));
	kernel.answered = true;
	CU_ASSERT_EQUAL_FATAL(pipe(kernel.others), 0);
	answer_another();
	HAS("mtu\0"
	    "1500\0");
	port = (struct isif_kernel_port){ .references = 1,
					  .host = 3,
					  .family = AF_INET,
					  .name = "ipv4-iface-3-0",
					  .transport = "qla4xxx",
					  .hwaddress = MAC,
					  .port_state = "",
					  .port_speed = "",
					  .attributes = attributes };
	stage.world.ports = &pointer;
	stage.world.port_count = 1;
	stage_iface("hba", OFFLOAD("qla4xxx", "iface.mtu = 9000\n"));
	stage_build();
}

static void tear_down(void)
{
	close(kernel.others[0]);
	close(kernel.others[1]);
	job_stage_close();
}

static void apply(void)
{
	ask(ISIF_JOB_APPLY, "hba", "", "", 0);
	run();
}

/* The settings of the record are other ones. */
static void says(const char *text)
{
	stage_remove_iface("hba");
	stage_iface("hba", text);
	stage_build();
}

static void test_taken(void)
{
	TAKES("mtu\0"
	      "9000\0");
	apply();
	CU_ASSERT_TRUE(ended(ISIF_JOB_SUCCEEDED, 0, ""));
	CU_ASSERT_TRUE(steps("ipv4-iface-3-0 of host 3: 1 settings verified"));
	CU_ASSERT_STRING_EQUAL(kernel.asked, "0 3 1 0: 19");
	CU_ASSERT_EQUAL(job()->results, 1);
	CU_ASSERT_TRUE(kernel.ended);
}

static void test_not_shown(void)
{
	says(OFFLOAD("qla4xxx", "iface.mtu = 9000\niface.chap_auth = enable\n"));
	TAKES("mtu\0"
	      "9000\0");
	apply();
	CU_ASSERT_TRUE(ended(ISIF_JOB_SUCCEEDED, 0, ""));
	CU_ASSERT_TRUE(
		steps("ipv4-iface-3-0 of host 3: 1 settings verified, 1 sent, not verified"));
}

/* It may show what it has taken a moment later; what it ignores it never shows. */
static void test_ignored(void)
{
	apply();
	CU_ASSERT_EQUAL(job()->state, ISIF_JOB_RUNNING);
	job_stage.now += 4000;
	run();
	CU_ASSERT_EQUAL(job()->state, ISIF_JOB_RUNNING);
	job_stage.now += 2000;
	run();
	CU_ASSERT_TRUE(ended(ISIF_JOB_FAILED, ISIF_JOB_ERROR_NOT_VERIFIED,
			     "the adapter said yes, but mtu is 1500, not 9000"));
}

static void test_late(void)
{
	apply();
	job_stage.now += 3000;
	HAS("mtu\0"
	    "9000\0");
	run();
	CU_ASSERT_TRUE(ended(ISIF_JOB_SUCCEEDED, 0, ""));
}

/* However long it takes: a snapshot of another time, or of a reading that is older, says nothing.
 */
static void test_read_anew(void)
{
	says(OFFLOAD("qla4xxx", "iface.mtu = 1500\n")); /* as it is before */
	ask(ISIF_JOB_APPLY, "hba", "", "", 0);
	job_run(job_stage.runner, stage.snapshot, job_stage.now, UINT64_MAX);
	CU_ASSERT_TRUE(job_take_effects(job_stage.runner).ports);
	for (int i = 0; i < 2; i++) {
		job_stage.now += 10000;
		stage_build();
		job_run(job_stage.runner, stage.snapshot, job_stage.now, UINT64_MAX);
		CU_ASSERT_EQUAL(job()->state, ISIF_JOB_RUNNING);
		CU_ASSERT_EQUAL(job_due(job_stage.runner), UINT64_MAX);
		CU_ASSERT_FALSE(job_take_effects(job_stage.runner).ports);
	}
	stage.world.port_readings++;
	stage_build();
	job_run(job_stage.runner, stage.snapshot, job_stage.now, UINT64_MAX);
	CU_ASSERT_TRUE(ended(ISIF_JOB_SUCCEEDED, 0, ""));
}

static void test_refused(void)
{
	kernel.outcome.code = EIO;
	apply();
	CU_ASSERT_TRUE(ended(ISIF_JOB_FAILED, ISIF_JOB_ERROR_REFUSED,
			     "the adapter refused: Input/output error (errno 5); mtu is 1500, not "
			     "9000"));
}

static void test_no_answer(void)
{
	kernel.outcome = (struct isif_command_outcome){ .code = -1, .timed_out = true };
	apply();
	CU_ASSERT_TRUE(ended(ISIF_JOB_FAILED, ISIF_JOB_ERROR_TIMEOUT,
			     "the adapter did not answer within 40 s; mtu is 1500, not 9000"));
}

static void test_switched_off(void)
{
	says(OFFLOAD("qla4xxx", "iface.state = disable\n"));
	kernel.answered = false;
	apply();
	port.family = AF_INET6; /* the other object of the adapter */
	stage_build();
	kernel.answered = true;
	run();
	CU_ASSERT_TRUE(ended(ISIF_JOB_SUCCEEDED, 0, ""));
	CU_ASSERT_TRUE(steps("the port of host 3 is off"));
}

/* An adapter of which all is off is a host, and no port, until one is on. */
static void test_switched_on(void)
{
	says(OFFLOAD("qla4xxx", "iface.state = enable\n"));
	port.family = 0;
	port.name = "";
	HAS("hwaddress\0" MAC "\0");
	stage_build();
	kernel.answered = false;
	apply();
	CU_ASSERT_STRING_EQUAL(kernel.asked, "0 3 1 0: 12");
	port.family = AF_INET;
	port.name = "ipv4-iface-3-0";
	HAS("enabled\0enable\0");
	stage_build();
	kernel.answered = true;
	run();
	CU_ASSERT_TRUE(ended(ISIF_JOB_SUCCEEDED, 0, ""));
	CU_ASSERT_TRUE(steps("ipv4-iface-3-0 of host 3: 1 settings verified"));
}

/* A card that is gone is not switched off. */
static void test_card_gone(void)
{
	says(OFFLOAD("qla4xxx", "iface.state = disable\n"));
	kernel.answered = false;
	apply();
	stage.world.port_count = 0;
	stage_build();
	kernel.answered = true;
	run();
	job_stage.now += 6000;
	run();
	CU_ASSERT_TRUE(ended(ISIF_JOB_FAILED, ISIF_JOB_ERROR_NOT_VERIFIED,
			     "the adapter said yes, but the port is not there"));
}

static void test_cannot(void)
{
	static const struct {
		const char *text;
		int32_t error;
		const char *why;
	} cases[] = {
		{ OFFLOAD("bnx2i", "iface.mtu = 9000\n"), ISIF_JOB_ERROR_REFUSED,
		  "iface hba: its adapter takes its settings at each login, from iscsiuio: there "
		  "is nothing to apply" },
		{ OFFLOAD("be2iscsi", "iface.mtu = 9000\n"), ISIF_JOB_ERROR_NO_DEVICE,
		  "iface hba: no adapter has its transport and hardware address" },
		{ OFFLOAD("qla4xxx", ""), ISIF_JOB_ERROR_NO_ADDRESS,
		  "iface hba: its record sets nothing that its port could be told" },
		{ OFFLOAD("qla4xxx", "iface.mtu = 9000\niface.iface_num = 1\n"),
		  ISIF_JOB_ERROR_NO_DEVICE,
		  "iface hba: its port is off, and the record does not say state = enable" },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		says(cases[i].text);
		apply();
		CU_ASSERT_TRUE(ended(ISIF_JOB_FAILED, cases[i].error, cases[i].why));
		CU_ASSERT_STRING_EQUAL(kernel.asked, "");
		job_remove(job_stage.runner, 1);
		job_keep(job_stage.runner);
	}
}

/* --- its sessions --- */

static void put_session(bool bound)
{
	struct observed_session *session;

	if (bound)
		stage_node(TARGET, "hba", "iface.transport_name = qla4xxx\n");
	session = stage_session(5, TARGET, "hba");
	stage.kernels[0].host = 3;
	stage.kernels[0].transport = "qla4xxx";
	(void)session;
	stage_build();
}

static void test_in_use(void)
{
	put_session(true);
	job_stage.disks[0] = (struct isif_look_disk){
		.sid = 5, .device = "sda", .use = ISIF_DISK_IN_USE, .user = "mounted on /srv"
	};
	job_stage.disk_count = 1;
	apply();
	CU_ASSERT_EQUAL(job()->state, ISIF_JOB_FAILED);
	CU_ASSERT_EQUAL(job()->error, ISIF_JOB_ERROR_IN_USE);
	CU_ASSERT_PTR_NOT_NULL(strstr(job()->error_text, "disk sda is in use: mounted on /srv"));
	CU_ASSERT_STRING_EQUAL(kernel.asked, "");
}

static void test_unused(void)
{
	put_session(true);
	job_stage.disks[0] =
		(struct isif_look_disk){ .sid = 5, .device = "sda", .use = ISIF_DISK_UNUSED };
	job_stage.disk_count = 1;
	TAKES("mtu\0"
	      "9000\0");
	apply();
	CU_ASSERT_TRUE(ended(ISIF_JOB_SUCCEEDED, 0, ""));
	CU_ASSERT_EQUAL(job_stage.looked_at, 1);
}

/* Its disks are looked at like those of others. */
static void test_unknown_session(void)
{
	put_session(false);
	job_stage.disks[0] = (struct isif_look_disk){
		.sid = 5, .device = "sda", .use = ISIF_DISK_IN_USE, .user = "mounted on /srv"
	};
	job_stage.disk_count = 1;
	apply();
	CU_ASSERT_EQUAL(job()->error, ISIF_JOB_ERROR_IN_USE);
	CU_ASSERT_PTR_NOT_NULL(strstr(job()->error_text, "disk sda is in use: mounted on /srv"));
	CU_ASSERT_PTR_NOT_NULL(strstr(job()->error_text, "session 5 to " TARGET ", which has no"));
	CU_ASSERT_STRING_EQUAL(kernel.asked, "");
}

/* Two jobs that each leave one path of a disk would leave none together. */
static void test_one_at_a_time(void)
{
	put_session(true);
	job_stage.disks[0] =
		(struct isif_look_disk){ .sid = 5, .device = "sda", .use = ISIF_DISK_UNUSED };
	job_stage.disk_count = 1;
	kernel.answered = false;
	apply();
	CU_ASSERT_STRING_EQUAL(kernel.asked, "0 3 1 0: 19");
	stage_iface("other", RECORD("iface.transport_name = tcp\n"));
	stage_node("iqn.b", "other", "");
	stage_build();
	ask_as(2, ISIF_JOB_LOGIN, "other", "", "", 0);
	run();
	CU_ASSERT_EQUAL(job_find(job_stage.runner, 2)->state, ISIF_JOB_PENDING);
	kernel.answered = true;
	HAS("mtu\0"
	    "9000\0");
	run();
	CU_ASSERT_TRUE(ended(ISIF_JOB_SUCCEEDED, 0, ""));
	job_stage.now += 1000;
	kernel.answered = false;
	run();
	CU_ASSERT_NOT_EQUAL(job_find(job_stage.runner, 2)->state, ISIF_JOB_PENDING);
}

/* --- others that ask an adapter --- */

#define QUEUED "waiting until another request to an adapter is answered"

/* Waits only for its turn, without looking for it again and again. */
static bool is_queued(uint32_t index)
{
	const struct isif_job *one = job_find(job_stage.runner, index);
	enum job_lane lane = one->kind == ISIF_JOB_PROBE ? JOB_LANE_PROBES : JOB_LANE_PORTS;

	job_run(job_stage.runner, stage.snapshot, job_stage.now, UINT64_MAX);
	if (job_due(job_stage.runner) == UINT64_MAX &&
	    job_descriptor(job_stage.runner, stage.snapshot, lane) == kernel.others[0] &&
	    strstr(one->step, QUEUED))
		return true;
	printf("# step: %s\n", one->step);
	return false;
}

static void test_queued(void)
{
	TAKES("mtu\0"
	      "9000\0");
	ask_another();
	ask(ISIF_JOB_APPLY, "hba", "", "", 0);
	CU_ASSERT_TRUE(is_queued(1));
	CU_ASSERT_TRUE(is_queued(1));
	CU_ASSERT_STRING_EQUAL(kernel.asked, "");
	answer_another();
	run();
	CU_ASSERT_TRUE(ended(ISIF_JOB_SUCCEEDED, 0, ""));
	CU_ASSERT_STRING_EQUAL(kernel.asked, "0 3 1 0: 19");
}

static void test_cancelled_in_queue(void)
{
	ask_another();
	ask(ISIF_JOB_APPLY, "hba", "", "", 0);
	CU_ASSERT_TRUE(is_queued(1));
	cancel();
	run();
	CU_ASSERT_TRUE(ended(ISIF_JOB_CANCELLED, 0, ""));
	answer_another();
	run();
	CU_ASSERT_STRING_EQUAL(kernel.asked, "");
	CU_ASSERT_FALSE(kernel.ended);
}

/* Somebody mounts the disk while it waits. */
static void test_used_meanwhile(void)
{
	put_session(true);
	job_stage.disks[0] =
		(struct isif_look_disk){ .sid = 5, .device = "sda", .use = ISIF_DISK_UNUSED };
	job_stage.disk_count = 1;
	ask_another();
	ask(ISIF_JOB_APPLY, "hba", "", "", 0);
	CU_ASSERT_TRUE(is_queued(1));
	CU_ASSERT_FALSE(job_changes_sessions(job_stage.runner, NULL));
	job_stage.disks[0].use = ISIF_DISK_IN_USE;
	answer_another();
	run();
	CU_ASSERT_EQUAL(job()->error, ISIF_JOB_ERROR_IN_USE);
	CU_ASSERT_STRING_EQUAL(kernel.asked, "");
}

static void probe(uint32_t index)
{
	ask_as(index, ISIF_JOB_PROBE, "hba", "", "192.0.2.1", 0);
}

static void test_probe_queued(void)
{
	kernel.outcome.output = "ping 0\n";
	ask_another();
	probe(1);
	CU_ASSERT_TRUE(is_queued(1));
	CU_ASSERT_STRING_EQUAL(kernel.asked, "");
	answer_another();
	run();
	CU_ASSERT_TRUE(ended(ISIF_JOB_SUCCEEDED, 0, ""));
	CU_ASSERT_STRING_EQUAL(kernel.asked, "2 3 1 0:");
}

static void test_probe_cancelled_in_queue(void)
{
	ask_another();
	probe(1);
	CU_ASSERT_TRUE(is_queued(1));
	cancel();
	run();
	CU_ASSERT_TRUE(ended(ISIF_JOB_CANCELLED, 0, ""));
	CU_ASSERT_FALSE(kernel.ended);
}

/* However many portals a probe has to ping: who waits for it to end one is next. */
static void test_turns(void)
{
	kernel.outcome.output = "ping 0\n";
	kernel.answered = false;
	stage_node(TARGET, "hba", "iface.transport_name = qla4xxx\n");
	stage_node_text("nodes/iqn.a/192.0.2.11,3260,1/hba",
			NODE_RECORD(TARGET, "192.0.2.11", "3260", "1",
				    "iface.iscsi_ifacename = hba\n"
				    "iface.transport_name = qla4xxx\n"));
	stage_build();
	ask_as(2, ISIF_JOB_PROBE, "hba", "", "", 0);
	run();
	CU_ASSERT_STRING_EQUAL(kernel.asked, "2 3 1 0:");
	ask_another();
	ask(ISIF_JOB_APPLY, "hba", "", "", 0);
	CU_ASSERT_TRUE(is_queued(1));
	answer_another();
	kernel.answered = true;
	job_run(job_stage.runner, stage.snapshot, job_stage.now, UINT64_MAX);
	CU_ASSERT_STRING_EQUAL(kernel.asked, "2 3 1 0:0 3 1 0: 19");
	run();
	CU_ASSERT_STRING_EQUAL(kernel.asked, "2 3 1 0:0 3 1 0: 192 3 1 0:");
	CU_ASSERT_EQUAL(job_find(job_stage.runner, 2)->state, ISIF_JOB_SUCCEEDED);
}

static void test_cancelled(void)
{
	kernel.answered = false;
	apply();
	cancel();
	run();
	CU_ASSERT_EQUAL(job()->state, ISIF_JOB_RUNNING); /* it is on its way */
	kernel.answered = true;
	HAS("mtu\0"
	    "9000\0");
	run();
	CU_ASSERT_TRUE(ended(ISIF_JOB_SUCCEEDED, 0, ""));
}

/* A job that was interrupted asks once more: it is the same to the port. */
static void test_restart(void)
{
	kernel.answered = false;
	apply();
	job_suspend(job_stage.runner);
	CU_ASSERT_TRUE(kernel.ended);
	kernel.answered = true;
	HAS("mtu\0"
	    "9000\0");
	run();
	CU_ASSERT_TRUE(ended(ISIF_JOB_SUCCEEDED, 0, ""));
	CU_ASSERT_STRING_EQUAL(kernel.asked, "0 3 1 0: 190 3 1 0: 19");
}

void add_apply_tests(void)
{
	CU_pSuite suite =
		CU_add_suite_with_setup_and_teardown("job apply", NULL, NULL, set_up, tear_down);

	CU_add_test(suite, "what the port takes", test_taken);
	CU_add_test(suite, "what it does not show", test_not_shown);
	CU_add_test(suite, "what it ignores is named", test_ignored);
	CU_add_test(suite, "what it shows a moment later", test_late);
	CU_add_test(suite, "what counts is what is read after that", test_read_anew);
	CU_add_test(suite, "what it refuses", test_refused);
	CU_add_test(suite, "no answer", test_no_answer);
	CU_add_test(suite, "a port that is switched off", test_switched_off);
	CU_add_test(suite, "a port that is switched on", test_switched_on);
	CU_add_test(suite, "a card that is gone", test_card_gone);
	CU_add_test(suite, "what cannot be applied", test_cannot);
	CU_add_test(suite, "a disk in use forbids it", test_in_use);
	CU_add_test(suite, "an unused one does not", test_unused);
	CU_add_test(suite, "a session without a record", test_unknown_session);
	CU_add_test(suite, "no other session job beside it", test_one_at_a_time);
	CU_add_test(suite, "another request is answered first", test_queued);
	CU_add_test(suite, "cancelled before its turn", test_cancelled_in_queue);
	CU_add_test(suite, "a disk that is used by then forbids it", test_used_meanwhile);
	CU_add_test(suite, "a probe waits for its turn, too", test_probe_queued);
	CU_add_test(suite, "a probe is cancelled before it", test_probe_cancelled_in_queue);
	CU_add_test(suite, "a probe's pings leave others their turn", test_turns);
	CU_add_test(suite, "it cannot be called back", test_cancelled);
	CU_add_test(suite, "a restart asks once more", test_restart);
}
