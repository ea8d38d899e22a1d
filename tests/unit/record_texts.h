/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef UNIT_RECORD_TEXTS_H
#define UNIT_RECORD_TEXTS_H

/*
 * What iscsiadm 2.1.8 wrote, line by line, in mount and network namespaces of its own: "-m iface
 * -o new", "-m node -o new" (no iscsid, so with its compiled-in values), and the same for ifaces
 * whose settings are all set. Only the first and the last line are left out.
 */

/* clang-format off */

/* The settings of a new iface: its name, and what follows. */
#define NEW_IPV4 \
	"iface.prefix_len = 0\n" \
	"iface.transport_name = tcp\n" \
	"iface.vlan_id = 0\n" \
	"iface.vlan_priority = 0\n" \
	"iface.iface_num = 0\n" \
	"iface.mtu = 0\n" \
	"iface.port = 0\n" \
	"iface.tos = 0\n" \
	"iface.ttl = 0\n" \
	"iface.tcp_wsf = 0\n" \
	"iface.tcp_timer_scale = 0\n" \
	"iface.def_task_mgmt_timeout = 0\n" \
	"iface.erl = 0\n" \
	"iface.max_receive_data_len = 0\n" \
	"iface.first_burst_len = 0\n" \
	"iface.max_outstanding_r2t = 0\n" \
	"iface.max_burst_len = 0\n"

#define NEW_IPV6 \
	"iface.prefix_len = 0\n" \
	"iface.transport_name = tcp\n" \
	"iface.vlan_id = 0\n" \
	"iface.vlan_priority = 0\n" \
	"iface.iface_num = 0\n" \
	"iface.mtu = 0\n" \
	"iface.port = 0\n" \
	"iface.dup_addr_detect_cnt = 0\n" \
	"iface.flow_label = 0\n" \
	"iface.hop_limit = 0\n" \
	"iface.nd_reachable_tmo = 0\n" \
	"iface.nd_rexmit_time = 0\n" \
	"iface.nd_stale_tmo = 0\n" \
	"iface.router_adv_link_mtu = 0\n" \
	"iface.traffic_class = 0\n" \
	"iface.tcp_wsf = 0\n" \
	"iface.tcp_timer_scale = 0\n" \
	"iface.def_task_mgmt_timeout = 0\n" \
	"iface.erl = 0\n" \
	"iface.max_receive_data_len = 0\n" \
	"iface.first_burst_len = 0\n" \
	"iface.max_outstanding_r2t = 0\n" \
	"iface.max_burst_len = 0\n"

/* A new node record: what stands before and after its iface, its discovery, its portal. */
#define NODE_TOP \
	"node.name = iqn.2026-01.a:t1\n" \
	"node.tpgt = 1\n" \
	"node.startup = manual\n" \
	"node.leading_login = No\n"

#define NODE_DISCOVERY "node.discovery_port = 0\nnode.discovery_type = static\n"

#define NODE_SESSION \
	"node.session.initial_cmdsn = 0\n" \
	"node.session.initial_login_retry_max = 4\n" \
	"node.session.xmit_thread_priority = -20\n" \
	"node.session.cmds_max = 128\n" \
	"node.session.queue_depth = 32\n" \
	"node.session.nr_sessions = 1\n" \
	"node.session.auth.authmethod = None\n" \
	"node.session.auth.chap_algs = MD5\n" \
	"node.session.timeo.replacement_timeout = 120\n" \
	"node.session.err_timeo.abort_timeout = 15\n" \
	"node.session.err_timeo.lu_reset_timeout = 30\n" \
	"node.session.err_timeo.tgt_reset_timeout = 30\n" \
	"node.session.err_timeo.host_reset_timeout = 60\n" \
	"node.session.iscsi.FastAbort = Yes\n" \
	"node.session.iscsi.InitialR2T = No\n" \
	"node.session.iscsi.ImmediateData = Yes\n" \
	"node.session.iscsi.FirstBurstLength = 262144\n" \
	"node.session.iscsi.MaxBurstLength = 16776192\n" \
	"node.session.iscsi.DefaultTime2Retain = 0\n" \
	"node.session.iscsi.DefaultTime2Wait = 2\n" \
	"node.session.iscsi.MaxConnections = 1\n" \
	"node.session.iscsi.MaxOutstandingR2T = 1\n" \
	"node.session.iscsi.ERL = 0\n" \
	"node.session.scan = auto\n" \
	"node.session.reopen_max = 0\n"

#define NODE_PORTAL \
	"node.conn[0].address = 10.0.0.1\n" \
	"node.conn[0].port = 3260\n"

#define NODE_CONNECTION \
	"node.conn[0].startup = manual\n" \
	"node.conn[0].tcp.window_size = 524288\n" \
	"node.conn[0].tcp.type_of_service = 0\n" \
	"node.conn[0].timeo.logout_timeout = 15\n" \
	"node.conn[0].timeo.login_timeout = 30\n" \
	"node.conn[0].timeo.auth_timeout = 45\n" \
	"node.conn[0].timeo.noop_out_interval = 5\n" \
	"node.conn[0].timeo.noop_out_timeout = 5\n" \
	"node.conn[0].iscsi.MaxXmitDataSegmentLength = 0\n" \
	"node.conn[0].iscsi.MaxRecvDataSegmentLength = 262144\n" \
	"node.conn[0].iscsi.HeaderDigest = None\n" \
	"node.conn[0].iscsi.DataDigest = None\n" \
	"node.conn[0].iscsi.IFMarker = No\n" \
	"node.conn[0].iscsi.OFMarker = No\n"

/* Everything set: the order of the settings, in an iface record of each family and in a node. */
#define ALL_IPV4 \
	"iface.iscsi_ifacename = four\n" \
	"iface.net_ifacename = 1\n" \
	"iface.ipaddress = 10.0.0.9\n" \
	"iface.prefix_len = 1\n" \
	"iface.hwaddress = 00:11:22:33:44:55\n" \
	"iface.transport_name = qla4xxx\n" \
	"iface.initiatorname = 1\n" \
	"iface.state = 1\n" \
	"iface.vlan_id = 1\n" \
	"iface.vlan_priority = 1\n" \
	"iface.vlan_state = 1\n" \
	"iface.iface_num = 1\n" \
	"iface.mtu = 1500\n" \
	"iface.port = 1\n" \
	"iface.bootproto = 1\n" \
	"iface.subnet_mask = 1\n" \
	"iface.gateway = 1\n" \
	"iface.dhcp_alt_client_id_state = 1\n" \
	"iface.dhcp_alt_client_id = 1\n" \
	"iface.dhcp_dns = 1\n" \
	"iface.dhcp_learn_iqn = 1\n" \
	"iface.dhcp_req_vendor_id_state = 1\n" \
	"iface.dhcp_vendor_id_state = 1\n" \
	"iface.dhcp_vendor_id = 1\n" \
	"iface.dhcp_slp_da = 1\n" \
	"iface.fragmentation = 1\n" \
	"iface.gratuitous_arp = 1\n" \
	"iface.incoming_forwarding = 1\n" \
	"iface.tos_state = 1\n" \
	"iface.tos = 1\n" \
	"iface.ttl = 1\n" \
	"iface.delayed_ack = 1\n" \
	"iface.tcp_nagle = 1\n" \
	"iface.tcp_wsf_state = 1\n" \
	"iface.tcp_wsf = 1\n" \
	"iface.tcp_timer_scale = 1\n" \
	"iface.tcp_timestamp = 1\n" \
	"iface.redirect = 1\n" \
	"iface.def_task_mgmt_timeout = 1\n" \
	"iface.header_digest = 1\n" \
	"iface.data_digest = 1\n" \
	"iface.immediate_data = 1\n" \
	"iface.initial_r2t = 1\n" \
	"iface.data_seq_inorder = 1\n" \
	"iface.data_pdu_inorder = 1\n" \
	"iface.erl = 1\n" \
	"iface.max_receive_data_len = 1\n" \
	"iface.first_burst_len = 1\n" \
	"iface.max_outstanding_r2t = 1\n" \
	"iface.max_burst_len = 1\n" \
	"iface.chap_auth = 1\n" \
	"iface.bidi_chap = 1\n" \
	"iface.strict_login_compliance = 1\n" \
	"iface.discovery_auth = 1\n" \
	"iface.discovery_logout = 1\n"

#define ALL_IPV6 \
	"iface.iscsi_ifacename = my.ipv6.0\n" \
	"iface.net_ifacename = 1\n" \
	"iface.ipaddress = fe80::1\n" \
	"iface.prefix_len = 1\n" \
	"iface.hwaddress = 00:11:22:33:44:55\n" \
	"iface.transport_name = qla4xxx\n" \
	"iface.initiatorname = 1\n" \
	"iface.state = 1\n" \
	"iface.vlan_id = 1\n" \
	"iface.vlan_priority = 1\n" \
	"iface.vlan_state = 1\n" \
	"iface.iface_num = 1\n" \
	"iface.mtu = 1500\n" \
	"iface.port = 1\n" \
	"iface.ipv6_autocfg = 1\n" \
	"iface.linklocal_autocfg = 1\n" \
	"iface.router_autocfg = 1\n" \
	"iface.ipv6_linklocal = 1\n" \
	"iface.ipv6_router = 1\n" \
	"iface.dup_addr_detect_cnt = 1\n" \
	"iface.flow_label = 1\n" \
	"iface.gratuitous_neighbor_adv = 1\n" \
	"iface.hop_limit = 1\n" \
	"iface.mld = 1\n" \
	"iface.nd_reachable_tmo = 1\n" \
	"iface.nd_rexmit_time = 1\n" \
	"iface.nd_stale_tmo = 1\n" \
	"iface.router_adv_link_mtu = 1\n" \
	"iface.traffic_class = 1\n" \
	"iface.delayed_ack = 1\n" \
	"iface.tcp_nagle = 1\n" \
	"iface.tcp_wsf_state = 1\n" \
	"iface.tcp_wsf = 1\n" \
	"iface.tcp_timer_scale = 1\n" \
	"iface.tcp_timestamp = 1\n" \
	"iface.redirect = 1\n" \
	"iface.def_task_mgmt_timeout = 1\n" \
	"iface.header_digest = 1\n" \
	"iface.data_digest = 1\n" \
	"iface.immediate_data = 1\n" \
	"iface.initial_r2t = 1\n" \
	"iface.data_seq_inorder = 1\n" \
	"iface.data_pdu_inorder = 1\n" \
	"iface.erl = 1\n" \
	"iface.max_receive_data_len = 1\n" \
	"iface.first_burst_len = 1\n" \
	"iface.max_outstanding_r2t = 1\n" \
	"iface.max_burst_len = 1\n" \
	"iface.chap_auth = 1\n" \
	"iface.bidi_chap = 1\n" \
	"iface.strict_login_compliance = 1\n" \
	"iface.discovery_auth = 1\n" \
	"iface.discovery_logout = 1\n"

#define ALL_IN_NODE \
	"iface.hwaddress = 00:11:22:33:44:55\n" \
	"iface.ipaddress = 10.0.0.9\n" \
	"iface.iscsi_ifacename = four\n" \
	"iface.net_ifacename = 1\n" \
	"iface.gateway = 1\n" \
	"iface.subnet_mask = 1\n" \
	"iface.prefix_len = 0\n" \
	"iface.transport_name = qla4xxx\n" \
	"iface.initiatorname = 1\n" \
	"iface.state = 1\n" \
	"iface.vlan_id = 1\n" \
	"iface.vlan_priority = 1\n" \
	"iface.vlan_state = 1\n" \
	"iface.iface_num = 1\n" \
	"iface.mtu = 1500\n" \
	"iface.port = 1\n" \
	"iface.bootproto = 1\n" \
	"iface.dhcp_alt_client_id_state = 1\n" \
	"iface.dhcp_alt_client_id = 1\n" \
	"iface.dhcp_dns = 1\n" \
	"iface.dhcp_learn_iqn = 1\n" \
	"iface.dhcp_req_vendor_id_state = 1\n" \
	"iface.dhcp_vendor_id_state = 1\n" \
	"iface.dhcp_vendor_id = 1\n" \
	"iface.dhcp_slp_da = 1\n" \
	"iface.fragmentation = 1\n" \
	"iface.gratuitous_arp = 1\n" \
	"iface.incoming_forwarding = 1\n" \
	"iface.tos_state = 1\n" \
	"iface.tos = 1\n" \
	"iface.ttl = 1\n" \
	"iface.delayed_ack = 1\n" \
	"iface.tcp_nagle = 1\n" \
	"iface.tcp_wsf_state = 1\n" \
	"iface.tcp_wsf = 1\n" \
	"iface.tcp_timer_scale = 1\n" \
	"iface.tcp_timestamp = 1\n" \
	"iface.redirect = 1\n" \
	"iface.def_task_mgmt_timeout = 1\n" \
	"iface.header_digest = 1\n" \
	"iface.data_digest = 1\n" \
	"iface.immediate_data = 1\n" \
	"iface.initial_r2t = 1\n" \
	"iface.data_seq_inorder = 1\n" \
	"iface.data_pdu_inorder = 1\n" \
	"iface.erl = 1\n" \
	"iface.max_receive_data_len = 1\n" \
	"iface.first_burst_len = 1\n" \
	"iface.max_outstanding_r2t = 1\n" \
	"iface.max_burst_len = 1\n" \
	"iface.chap_auth = 1\n" \
	"iface.bidi_chap = 1\n" \
	"iface.strict_login_compliance = 1\n" \
	"iface.discovery_auth = 1\n" \
	"iface.discovery_logout = 1\n"
/* clang-format on */

#endif
