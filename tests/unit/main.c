/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs every suite, or those whose names are given, and prints a line for each test. */
#include "suites.h"

#include <CUnit/CUnit.h>
#include <CUnit/TestRun.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#define TIME_LIMIT 300 /* seconds; a test that hangs must fail */
#define MORE	   4   /* further failures of a test that are shown */

static bool failed;

static void test_ended(const CU_pTest test, const CU_pSuite suite, const CU_pFailureRecord failures)
{
	int shown = 0;

	if (!failures) {
		printf("ok - unit: %s: %s\n", suite->pName, test->pName);
		fflush(stdout);
		return;
	}
	failed = true;
	printf("not ok - unit: %s: %s (%s:%u: %s)\n", suite->pName, test->pName,
	       failures->strFileName, failures->uiLineNumber, failures->strCondition);
	for (CU_pFailureRecord more = failures->pNext; more && shown++ < MORE; more = more->pNext)
		printf("# %s:%u: %s\n", more->strFileName, more->uiLineNumber, more->strCondition);
	fflush(stdout);
}

static void suite_failed(const CU_pSuite suite)
{
	failed = true;
	printf("not ok - unit: %s: the suite cannot be set up or taken down\n", suite->pName);
	fflush(stdout);
}

static void run_one(const char *name)
{
	CU_pSuite suite = CU_get_suite(name);

	if (suite && CU_run_suite(suite) == CUE_SUCCESS)
		return;
	failed = true;
	printf("not ok - unit: there is no suite %s, or it cannot run\n", name);
}

int main(int count, char **arguments)
{
	/* A line each, so that two who add one do not meet. */
	/* clang-format off */
	static void (*const suites[])(void) = {
		add_address_tests,
		add_error_tests,
		add_port_tests,
		add_port_message_tests,
		add_apply_tests,
		add_record_tests,
		add_setting_tests,
		add_node_tests,
		add_hash_tests,
		add_keeper_tests,
		add_name_tests,
		add_find_tests,
		add_gate_tests,
		add_database_tests,
		add_event_log_tests,
		add_network_tests,
		add_kernel_tests,
		add_events_tests,
		add_state_tests,
		add_model_tests,
		add_device_tests,
		add_join_tests,
		add_judge_tests,
		add_engine_tests,
		add_monitor_tests,
		add_memory_tests,
		add_record_edit_tests,
		add_setting_check_tests,
		add_store_tests,
		add_batch_tests,
		add_backup_tests,
		add_job_tests,
		add_propagate_tests,
		add_discover_tests,
		add_unbind_tests,
		add_transaction_tests,
		add_record_make_tests,
		add_mib_write_tests,
		add_setter_tests,
		add_store_lock_tests,
		add_command_tests,
		add_job_session_tests,
		add_probe_tests,
		add_job_probe_tests,
		add_look_tests,
		add_gate_guard_tests,
		add_guard_tests,
		add_look_paths_tests,
		add_rebind_tests,
		add_disk_wait_tests,
		add_agentx_tests,
	};
	/* clang-format on */

	alarm(TIME_LIMIT);
	if (CU_initialize_registry() != CUE_SUCCESS) {
		printf("not ok - unit: %s\n", CU_get_error_msg());
		return 1;
	}
	for (size_t i = 0; i < sizeof(suites) / sizeof(*suites); i++)
		suites[i]();
	CU_set_test_complete_handler(test_ended);
	CU_set_suite_init_failure_handler(suite_failed);
	CU_set_suite_cleanup_failure_handler(suite_failed);
	if (count > 1) {
		for (int i = 1; i < count; i++)
			run_one(arguments[i]);
	} else if (CU_run_all_tests() != CUE_SUCCESS) {
		failed = true;
		printf("not ok - unit: %s\n", CU_get_error_msg());
	}
	CU_cleanup_registry();
	return failed;
}
