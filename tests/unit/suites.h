/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef UNIT_SUITES_H
#define UNIT_SUITES_H

/* Each file test_X.c registers one suite. */
void add_address_tests(void);
void add_agentx_tests(void);
void add_backup_tests(void);
void add_batch_tests(void);
void add_command_tests(void);
void add_database_tests(void);
void add_event_log_tests(void);
void add_device_tests(void);
void add_discover_tests(void);
void add_disk_wait_tests(void);
void add_engine_tests(void);
void add_error_tests(void);
void add_events_tests(void);
void add_find_tests(void);
void add_gate_tests(void);
void add_gate_guard_tests(void);
void add_guard_tests(void);
void add_hash_tests(void);
void add_keeper_tests(void);
void add_job_tests(void);
void add_job_probe_tests(void);
void add_job_session_tests(void);
void add_join_tests(void);
void add_judge_tests(void);
void add_kernel_tests(void);
void add_look_paths_tests(void);
void add_look_tests(void);
void add_memory_tests(void);
void add_mib_write_tests(void);
void add_model_tests(void);
void add_monitor_tests(void);
void add_name_tests(void);
void add_network_tests(void);
void add_node_tests(void);
void add_port_tests(void);
void add_port_message_tests(void);
void add_apply_tests(void);
void add_probe_tests(void);
void add_propagate_tests(void);
void add_record_tests(void);
void add_rebind_tests(void);
void add_record_edit_tests(void);
void add_record_make_tests(void);
void add_setter_tests(void);
void add_setting_tests(void);
void add_setting_check_tests(void);
void add_state_tests(void);
void add_store_tests(void);
void add_store_lock_tests(void);
void add_transaction_tests(void);
void add_unbind_tests(void);

#endif
