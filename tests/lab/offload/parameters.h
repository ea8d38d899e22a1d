/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the adapters of testport.c keep: a line a parameter, as qla4xxx has it, and which of them
 * be2iscsi has.
 */
#ifndef PARAMETERS_H
#define PARAMETERS_H

#include <linux/kernel.h>
#include <linux/types.h>
#include <scsi/iscsi_if.h>

#define LONGEST_TEXT 10u /* of the DHCP identifiers, as qla4xxx cuts them */

/* A parameter's number: of enum iscsi_net_param, or, from 100 up, of enum iscsi_iface_param. */
#define IFACE_PARAMS 100
#define NET(param)   ISCSI_NET_PARAM_##param
#define IFACE(param) (IFACE_PARAMS + ISCSI_IFACE_PARAM_##param)

enum form {
	NOT_SHOWN,
	WORD, /* 1: the first of two words, 2: the second */
	NUMBER,
	TEXT,
	IPV4,
	IPV6,
	/* made of another parameter, never set */
	VLAN_ID,
	VLAN_PRIORITY,
	ADDRESS_STATE,
	LINK_LOCAL_STATE,
	ROUTER_STATE,
	INITIATOR_NAME,
};

/* Whose a value is: a firmware has but one of most for both IPv6 objects, or for all. */
enum scope {
	OF_FAMILY,
	OF_HOST,
	OF_OBJECT,
};

struct parameter {
	enum form form;
	enum scope scope;
	u8 size;  /* in a message; 0: cannot be set, or a text */
	u32 mask; /* what is kept of a number; 0: all */
	u32 initial;
	bool odd; /* an object of an odd number takes it, too (qla4xxx) */
	bool be2iscsi;
	const char *words[2];
};

#define OFF	      1
#define ON	      2
#define CHOICE(...)   .form = WORD, .size = 1, .words = { __VA_ARGS__ }
#define SWITCH(at)    CHOICE("disable", "enable"), .initial = at
#define NUMBER_8(at)  .form = NUMBER, .size = 1, .initial = at
#define NUMBER_16(at) .form = NUMBER, .size = 2, .initial = at
#define NUMBER_32(at) .form = NUMBER, .size = 4, .initial = at
/* The firmware counts blocks of 512 bytes, in 16 bits. */
#define BYTES(at) NUMBER_32(at), .mask = 0x1fffe00

static const struct parameter parameters[] = {
	[NET(IPV4_ADDR)] = { IPV4, OF_OBJECT, 4, .odd = true, .be2iscsi = true },
	[NET(IPV4_SUBNET)] = { IPV4, OF_OBJECT, 4, .odd = true, .be2iscsi = true },
	[NET(IPV4_GW)] = { IPV4, OF_OBJECT, 4, .odd = true, .be2iscsi = true },
	[NET(IPV4_BOOTPROTO)] = { CHOICE("static", "dhcp"), .be2iscsi = true },
	[NET(IPV6_LINKLOCAL)] = { IPV6, .size = 16 },
	[NET(IPV6_ADDR)] = { IPV6, OF_OBJECT, 16, .odd = true, .be2iscsi = true },
	[NET(IPV6_ROUTER)] = { IPV6, .size = 16 },
	[NET(IPV6_ADDR_AUTOCFG)] = { CHOICE("static", "nd") },
	[NET(IPV6_LINKLOCAL_AUTOCFG)] = { CHOICE("auto", "static") },
	[NET(IPV6_ROUTER_AUTOCFG)] = { .size = 1 },
	[NET(IFACE_ENABLE)] = { SWITCH(ON), .odd = true, .be2iscsi = true },
	[NET(VLAN_ID)] = { VLAN_ID, .be2iscsi = true },
	[NET(VLAN_PRIORITY)] = { VLAN_PRIORITY, .be2iscsi = true },
	[NET(VLAN_ENABLED)] = { SWITCH(OFF), .odd = true, .be2iscsi = true },
	[NET(VLAN_TAG)] = { .size = 2, .odd = true, .be2iscsi = true },
	[NET(MTU)] = { NUMBER_16(1500), .scope = OF_HOST, .odd = true },
	[NET(PORT)] = { NUMBER_16(3260) },
	[NET(IPADDR_STATE)] = { ADDRESS_STATE },
	[NET(IPV6_LINKLOCAL_STATE)] = { LINK_LOCAL_STATE },
	[NET(IPV6_ROUTER_STATE)] = { ROUTER_STATE },
	[NET(DELAYED_ACK_EN)] = { SWITCH(ON) },
	[NET(TCP_NAGLE_DISABLE)] = { SWITCH(ON) },
	[NET(TCP_WSF_DISABLE)] = { SWITCH(ON) },
	[NET(TCP_WSF)] = { NUMBER_8(2) },
	[NET(TCP_TIMER_SCALE)] = { NUMBER_8(3), .mask = 7 },
	[NET(TCP_TIMESTAMP_EN)] = { SWITCH(ON) },
	[NET(CACHE_ID)] = { NUMBER },
	[NET(IPV4_DHCP_DNS_ADDR_EN)] = { SWITCH(OFF) },
	[NET(IPV4_DHCP_SLP_DA_EN)] = { SWITCH(OFF) },
	[NET(IPV4_TOS_EN)] = { SWITCH(OFF) },
	[NET(IPV4_TOS)] = { NUMBER_8(0) },
	[NET(IPV4_GRAT_ARP_EN)] = { SWITCH(ON) },
	[NET(IPV4_DHCP_ALT_CLIENT_ID_EN)] = { SWITCH(OFF) },
	[NET(IPV4_DHCP_ALT_CLIENT_ID)] = { TEXT },
	[NET(IPV4_DHCP_REQ_VENDOR_ID_EN)] = { SWITCH(OFF) },
	[NET(IPV4_DHCP_USE_VENDOR_ID_EN)] = { SWITCH(OFF) },
	[NET(IPV4_DHCP_VENDOR_ID)] = { TEXT },
	[NET(IPV4_DHCP_LEARN_IQN_EN)] = { SWITCH(OFF) },
	[NET(IPV4_FRAGMENT_DISABLE)] = { SWITCH(OFF) },
	[NET(IPV4_IN_FORWARD_EN)] = { SWITCH(OFF) },
	[NET(IPV4_TTL)] = { NUMBER_8(64) },
	[NET(IPV6_GRAT_NEIGHBOR_ADV_EN)] = { SWITCH(OFF) },
	[NET(IPV6_MLD_EN)] = { SWITCH(OFF) },
	[NET(IPV6_FLOW_LABEL)] = { NUMBER_32(0), .mask = 0xffff },
	[NET(IPV6_TRAFFIC_CLASS)] = { NUMBER_8(0) },
	[NET(IPV6_HOP_LIMIT)] = { NUMBER_8(64) },
	[NET(IPV6_ND_REACHABLE_TMO)] = { NUMBER_32(30000) },
	[NET(IPV6_ND_REXMIT_TIME)] = { NUMBER_32(1000) },
	[NET(IPV6_ND_STALE_TMO)] = { NUMBER_32(60000) },
	[NET(IPV6_DUP_ADDR_DETECT_CNT)] = { NUMBER_8(1) },
	[NET(IPV6_RTR_ADV_LINK_MTU)] = { NUMBER_32(1500) },
	[NET(REDIRECT_EN)] = { SWITCH(ON) },
	[IFACE(DEF_TASKMGMT_TMO)] = { NUMBER_16(10), .scope = OF_HOST },
	[IFACE(HDRDGST_EN)] = { SWITCH(OFF), .scope = OF_HOST },
	[IFACE(DATADGST_EN)] = { SWITCH(OFF), .scope = OF_HOST },
	[IFACE(IMM_DATA_EN)] = { SWITCH(ON), .scope = OF_HOST },
	[IFACE(INITIAL_R2T_EN)] = { SWITCH(OFF), .scope = OF_HOST },
	[IFACE(DATASEQ_INORDER_EN)] = { SWITCH(ON), .scope = OF_HOST },
	[IFACE(PDU_INORDER_EN)] = { SWITCH(ON), .scope = OF_HOST },
	[IFACE(ERL)] = { NUMBER_8(0), .scope = OF_HOST, .mask = 3 },
	[IFACE(MAX_RECV_DLENGTH)] = { BYTES(262144), .scope = OF_HOST },
	[IFACE(FIRST_BURST)] = { BYTES(262144), .scope = OF_HOST },
	[IFACE(MAX_R2T)] = { NUMBER_16(1), .scope = OF_HOST },
	[IFACE(MAX_BURST)] = { BYTES(1048576), .scope = OF_HOST },
	[IFACE(CHAP_AUTH_EN)] = { SWITCH(OFF), .scope = OF_HOST },
	[IFACE(BIDI_CHAP_EN)] = { SWITCH(OFF), .scope = OF_HOST },
	[IFACE(DISCOVERY_AUTH_OPTIONAL)] = { SWITCH(OFF), .scope = OF_HOST },
	[IFACE(DISCOVERY_LOGOUT_EN)] = { SWITCH(OFF), .scope = OF_HOST },
	[IFACE(STRICT_LOGIN_COMP_EN)] = { SWITCH(OFF), .scope = OF_HOST },
	[IFACE(INITIATOR_NAME)] = { INITIATOR_NAME },
};

union value {
	u32 number;
	u8 bytes[16];
	char text[LONGEST_TEXT + 1];
};

/* The number of a parameter; 0, which is none, for what is not known. */
static unsigned int parameter_index(int param_type, unsigned int param)
{
	if (param_type == ISCSI_NET_PARAM && param < IFACE_PARAMS)
		return param;
	if (param_type == ISCSI_IFACE_PARAM && param < ARRAY_SIZE(parameters) - IFACE_PARAMS)
		return IFACE_PARAMS + param;
	return 0;
}

#endif
