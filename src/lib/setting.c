/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <isif/setting.h>

#include <string.h>

/* Sizes of open-iscsi's fields (usr/config.h, struct iface_rec), with the NUL. */
enum {
	SIZE_NAME = 65,
	SIZE_DEVICE = 16,
	SIZE_HWADDRESS = 18,
	SIZE_TRANSPORT = 16,
	SIZE_INITIATOR = 256,
	SIZE_WORD = 80,
	SIZE_ADDRESS = 256, /* 1,025 there, but no value may be longer than its parser's 255 */
};

#define ANY  ISIF_FAMILY_ANY
#define IPV4 ISIF_FAMILY_IPV4
#define IPV6 ISIF_FAMILY_IPV6

#define NET(number)	.parameter_type = ISIF_PARAMETER_NET, .parameter = (number)
#define SESSION(number) .parameter_type = ISIF_PARAMETER_IFACE, .parameter = (number)
#define SHOWN(name)	.attribute = (name)
#define SOFTWARE	.software = true
#define SWITCH		.type = ISIF_SETTING_SWITCH, .size = SIZE_WORD
#define TEXT(octets)	.type = ISIF_SETTING_TEXT, .size = (octets)
#define CHOICE(words)	.type = ISIF_SETTING_CHOICE, .size = SIZE_WORD, .choices = (words)
#define NUMBER(low, high)                                                                          \
	.type = ISIF_SETTING_NUMBER, .minimum = (low), .maximum = (high),                          \
	.octets = (high) <= UINT8_MAX	 ? 1                                                       \
		  : (high) <= UINT16_MAX ? 2                                                       \
					 : 4
#define WIDE(low, high)                                                                            \
	.type = ISIF_SETTING_NUMBER, .minimum = (low), .maximum = (high), .octets = 4
#define ADDRESS(kind) .type = ISIF_SETTING_##kind, .size = SIZE_ADDRESS

/*
 * Every setting of an iface record, in the order of usr/idbm.c:idbm_recinfo_iface. The numbers of
 * the kernel's parameters are those of enum iscsi_net_param and enum iscsi_iface_param, the names
 * in sysfs those of drivers/scsi/scsi_transport_iscsi.c.
 */
/* clang-format off */
static const struct isif_setting settings[] = {
	{ "iscsi_ifacename", .family = ANY, SOFTWARE, .type = ISIF_SETTING_NAME, .size = SIZE_NAME },
	{ "net_ifacename", .family = ANY, SOFTWARE, .type = ISIF_SETTING_DEVICE, .size = SIZE_DEVICE },
	{ "ipaddress", .family = ANY, SOFTWARE, ADDRESS(ADDRESS), NET(1), SHOWN("ipaddress") },
	{ "prefix_len", .family = ANY, NUMBER(0, 128) },
	{ "hwaddress", .family = ANY, SOFTWARE, .type = ISIF_SETTING_HWADDRESS, .size = SIZE_HWADDRESS },
	{ "transport_name", .family = ANY, SOFTWARE, .type = ISIF_SETTING_TRANSPORT, .size = SIZE_TRANSPORT },
	{ "initiatorname", .family = ANY, SOFTWARE, TEXT(SIZE_INITIATOR), SESSION(17) },
	{ "state", .family = ANY, SWITCH, NET(12), SHOWN("enabled") },
	{ "vlan_id", .family = ANY, NUMBER(1, 4094), NET(16), SHOWN("vlan_id") },
	{ "vlan_priority", .family = ANY, NUMBER(0, 7), NET(16), SHOWN("vlan_priority") },
	{ "vlan_state", .family = ANY, SWITCH, NET(15), SHOWN("vlan_enabled") },
	{ "iface_num", .family = ANY, NUMBER(0, 255) },
	{ "mtu", .family = ANY, NUMBER(576, 9000), NET(19), SHOWN("mtu") },
	{ "port", .family = ANY, NUMBER(1, 65535), NET(20), SHOWN("port") },
	{ "bootproto", .family = IPV4, CHOICE("static dhcp"), NET(4), SHOWN("bootproto") },
	{ "subnet_mask", .family = IPV4, ADDRESS(IPV4), NET(2), SHOWN("subnet") },
	{ "gateway", .family = IPV4, ADDRESS(IPV4), NET(3), SHOWN("gateway") },
	{ "dhcp_alt_client_id_state", .family = IPV4, SWITCH, NET(36), SHOWN("dhcp_alt_client_id_en") },
	{ "dhcp_alt_client_id", .family = IPV4, TEXT(12), NET(37), SHOWN("dhcp_alt_client_id") },
	{ "dhcp_dns", .family = IPV4, SWITCH, NET(31), SHOWN("dhcp_dns_address_en") },
	{ "dhcp_learn_iqn", .family = IPV4, SWITCH, NET(41), SHOWN("dhcp_learn_iqn_en") },
	{ "dhcp_req_vendor_id_state", .family = IPV4, SWITCH, NET(38), SHOWN("dhcp_req_vendor_id_en") },
	{ "dhcp_vendor_id_state", .family = IPV4, SWITCH, NET(39), SHOWN("dhcp_use_vendor_id_en") },
	{ "dhcp_vendor_id", .family = IPV4, TEXT(12), NET(40), SHOWN("dhcp_vendor_id") },
	{ "dhcp_slp_da", .family = IPV4, SWITCH, NET(32), SHOWN("dhcp_slp_da_info_en") },
	{ "fragmentation", .family = IPV4, SWITCH, NET(42), SHOWN("fragment_disable") },
	{ "gratuitous_arp", .family = IPV4, SWITCH, NET(35), SHOWN("grat_arp_en") },
	{ "incoming_forwarding", .family = IPV4, SWITCH, NET(43), SHOWN("incoming_forwarding_en") },
	{ "tos_state", .family = IPV4, SWITCH, NET(33), SHOWN("tos_en") },
	{ "tos", .family = IPV4, NUMBER(0, 255), NET(34), SHOWN("tos") },
	{ "ttl", .family = IPV4, NUMBER(0, 255), NET(44), SHOWN("ttl") },
	{ "ipv6_autocfg", .family = IPV6, CHOICE("disable nd dhcpv6"), NET(9), SHOWN("ipaddr_autocfg") },
	{ "linklocal_autocfg", .family = IPV6, CHOICE("auto disable"), NET(10), SHOWN("link_local_autocfg") },
	{ "router_autocfg", .family = IPV6, CHOICE("auto disable"), NET(11) },
	{ "ipv6_linklocal", .family = IPV6, ADDRESS(IPV6), NET(6), SHOWN("link_local_addr") },
	{ "ipv6_router", .family = IPV6, ADDRESS(IPV6), NET(8), SHOWN("router_addr") },
	{ "dup_addr_detect_cnt", .family = IPV6, NUMBER(0, 255), NET(53), SHOWN("dup_addr_detect_cnt") },
	{ "flow_label", .family = IPV6, NUMBER(0, 0xfffff), NET(47), SHOWN("flow_label") },
	{ "gratuitous_neighbor_adv", .family = IPV6, SWITCH, NET(45), SHOWN("grat_neighbor_adv_en") },
	{ "hop_limit", .family = IPV6, NUMBER(0, 255), NET(49), SHOWN("hop_limit") },
	{ "mld", .family = IPV6, SWITCH, NET(46), SHOWN("mld_en") },
	{ "nd_reachable_tmo", .family = IPV6, NUMBER(0, UINT32_MAX), NET(50), SHOWN("nd_reachable_tmo") },
	{ "nd_rexmit_time", .family = IPV6, NUMBER(0, UINT32_MAX), NET(51), SHOWN("nd_rexmit_time") },
	{ "nd_stale_tmo", .family = IPV6, NUMBER(0, UINT32_MAX), NET(52), SHOWN("nd_stale_tmo") },
	{ "router_adv_link_mtu", .family = IPV6, WIDE(1280, 1500), NET(54), SHOWN("router_adv_link_mtu") },
	{ "traffic_class", .family = IPV6, NUMBER(0, 255), NET(48), SHOWN("traffic_class") },
	{ "delayed_ack", .family = ANY, SWITCH, NET(24), SHOWN("delayed_ack_en") },
	{ "tcp_nagle", .family = ANY, SWITCH, NET(25), SHOWN("tcp_nagle_disable") },
	{ "tcp_wsf_state", .family = ANY, SWITCH, NET(26), SHOWN("tcp_wsf_disable") },
	{ "tcp_wsf", .family = ANY, NUMBER(0, 255), NET(27), SHOWN("tcp_wsf") },
	{ "tcp_timer_scale", .family = ANY, NUMBER(0, 7), NET(28), SHOWN("tcp_timer_scale") },
	{ "tcp_timestamp", .family = ANY, SWITCH, NET(29), SHOWN("tcp_timestamp_en") },
	{ "redirect", .family = ANY, SWITCH, NET(55), SHOWN("redirect_en") },
	{ "def_task_mgmt_timeout", .family = ANY, NUMBER(0, 65535), SESSION(0), SHOWN("def_taskmgmt_tmo") },
	{ "header_digest", .family = ANY, SWITCH, SESSION(1), SHOWN("header_digest") },
	{ "data_digest", .family = ANY, SWITCH, SESSION(2), SHOWN("data_digest") },
	{ "immediate_data", .family = ANY, SWITCH, SESSION(3), SHOWN("immediate_data") },
	{ "initial_r2t", .family = ANY, SWITCH, SESSION(4), SHOWN("initial_r2t") },
	{ "data_seq_inorder", .family = ANY, SWITCH, SESSION(5), SHOWN("data_seq_in_order") },
	{ "data_pdu_inorder", .family = ANY, SWITCH, SESSION(6), SHOWN("data_pdu_in_order") },
	{ "erl", .family = ANY, NUMBER(0, 2), SESSION(7), SHOWN("erl") },
	{ "max_receive_data_len", .family = ANY, NUMBER(512, 16777215), SESSION(8), SHOWN("max_recv_dlength") },
	{ "first_burst_len", .family = ANY, NUMBER(512, 16777215), SESSION(9), SHOWN("first_burst_len") },
	{ "max_outstanding_r2t", .family = ANY, NUMBER(1, 65535), SESSION(10), SHOWN("max_outstanding_r2t") },
	{ "max_burst_len", .family = ANY, NUMBER(512, 16777215), SESSION(11), SHOWN("max_burst_len") },
	{ "chap_auth", .family = ANY, SWITCH, SESSION(12) },
	{ "bidi_chap", .family = ANY, SWITCH, SESSION(13) },
	{ "strict_login_compliance", .family = ANY, SWITCH, SESSION(16), SHOWN("strict_login_comp_en") },
	{ "discovery_auth", .family = ANY, SWITCH, SESSION(14), SHOWN("discovery_auth_optional") },
	{ "discovery_logout", .family = ANY, SWITCH, SESSION(15), SHOWN("discovery_logout") },
};
/* clang-format on */

const struct isif_setting *isif_settings(size_t *count)
{
	*count = sizeof(settings) / sizeof(*settings);
	return settings;
}

const struct isif_setting *isif_setting_find(const char *name)
{
	for (size_t i = 0; i < sizeof(settings) / sizeof(*settings); i++)
		if (!strcmp(settings[i].name, name))
			return &settings[i];
	return NULL;
}

bool isif_transport_is_software(const char *transport)
{
	return !strcmp(transport, "tcp") || !strcmp(transport, "iser");
}

bool isif_setting_is_unset(const char *name, const char *value)
{
	const struct isif_setting *setting;

	if (!*value)
		return true;
	/* usr/iface.c:iface_is_bound_by_hwaddr and _by_netdev take the word for "not set". */
	if (!strcmp(value, "default"))
		return !strcmp(name, "net_ifacename") || !strcmp(name, "hwaddress") ||
		       !strcmp(name, "ipaddress");
	setting = isif_setting_find(name);
	return setting && setting->type == ISIF_SETTING_NUMBER && !strcmp(value, "0");
}

enum isif_setting_family isif_setting_family_of(const char *iface, const char *address,
						const char *bootproto)
{
	if (!*address || !strcmp(address, "default"))
		return strstr(iface, "ipv6") ? ISIF_FAMILY_IPV6 : ISIF_FAMILY_IPV4;
	if (strchr(address, '.') || !strcmp(bootproto, "dhcp"))
		return ISIF_FAMILY_IPV4;
	return ISIF_FAMILY_IPV6;
}
