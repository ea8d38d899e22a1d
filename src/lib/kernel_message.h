/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ISIF_LIB_KERNEL_MESSAGE_H
#define ISIF_LIB_KERNEL_MESSAGE_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A message of NETLINK_ISCSI (include/scsi/iscsi_if.h, struct iscsi_uevent; that header is no
 * part of the kernel's UAPI). Only numbers of 32 bits, so that the layout is that of a 64-bit
 * kernel whatever this program was compiled for: in i386 the kernel's own differs.
 */
struct iscsi_message {
	uint32_t length; /* struct nlmsghdr */
	uint16_t message_type;
	uint16_t flags;
	uint32_t sequence;
	uint32_t port;
	uint32_t type;	/* struct iscsi_uevent: enum iscsi_message_type */
	uint32_t error; /* stale memory in events */
	uint32_t transport_handle[2];
	uint32_t request[6]; /* stale memory in events */
	union {
		uint32_t reply[4];
		struct {
			uint32_t sid, cid, code;
		} connection; /* CONNECTION_ERROR */
		struct {
			uint32_t sid, host;
		} session; /* CREATE_SESSION, UNBIND_SESSION */
		struct {
			uint32_t host, sid; /* the other way round */
		} destroyed;		    /* DESTROY_SESSION */
		struct {
			uint32_t host, data_size, code;
		} host; /* HOST_EVENT */
		struct {
			uint32_t host, status, cookie;
		} ping; /* PING_COMPLETED */
	};
	uint8_t pdu[48]; /* RECV_PDU: the header of an iSCSI PDU; its data would follow */
};

/* enum iscsi_uevent_e */
enum iscsi_message_type {
	MESSAGE_SET_HOST_PARAM = 26,   /* request: host, parameter, length; then the text */
	MESSAGE_SET_IFACE_PARAMS = 31, /* request: host, count; then attributes, see below */
	MESSAGE_PING = 32, /* request: host, number, family, 0, cookie; then the address */
	MESSAGE_RECV_PDU = 101,
	MESSAGE_CONNECTION_ERROR = 102,
	MESSAGE_DESTROY_SESSION = 104,
	MESSAGE_UNBIND_SESSION = 105,
	MESSAGE_CREATE_SESSION = 106,
	MESSAGE_LOGIN_STATE = 109, /* laid out as CONNECTION_ERROR */
	MESSAGE_IF_ERROR = 103,	   /* of a request that failed: error counts */
	MESSAGE_HOST_EVENT = 110,
	MESSAGE_PING_COMPLETED = 111,
};

/* In an attribute whose type is the parameter's number (struct iscsi_iface_param_info, packed). */
struct iscsi_parameter {
	uint32_t iface_number;
	uint32_t length;
	uint16_t number;
	uint8_t family; /* 1 IPv4, 2 IPv6 */
	uint8_t type;	/* 2 net, 5 iface */
};

#define MESSAGE_EVENT_SIZE offsetof(struct iscsi_message, pdu)

static_assert(offsetof(struct iscsi_message, type) == 16, "struct nlmsghdr has 16 octets");
static_assert(offsetof(struct iscsi_message, request) - 16 == 16, "iscsi_uevent.u");
static_assert(offsetof(struct iscsi_message, reply) - 16 == 40, "iscsi_uevent.r");
static_assert(offsetof(struct iscsi_message, connection.code) - 16 == 48, "connerror.error");
static_assert(offsetof(struct iscsi_message, destroyed.sid) - 16 == 44, "d_session.sid");
static_assert(MESSAGE_EVENT_SIZE - 16 == 56, "struct iscsi_uevent has 56 octets");
static_assert(offsetof(struct iscsi_message, ping.cookie) - 16 == 48, "ping_comp.pid");
static_assert(sizeof(struct iscsi_message) == 120, "no padding");
static_assert(sizeof(struct iscsi_parameter) == 12, "struct iscsi_iface_param_info has 12 octets");

/* A basic header segment (RFC 7143, 11.13 and 11.15). */
enum iscsi_pdu {
	PDU_OPCODE_MASK = 0x3f,
	PDU_LOGIN_RESPONSE = 0x23,
	PDU_LOGOUT_RESPONSE = 0x26,
	PDU_FLAGS = 1,	       /* octet of the flags */
	PDU_LOGIN_DONE = 0x83, /* transit bit, and the next stage is the full feature phase */
	PDU_STATUS_CLASS = 36,
	PDU_STATUS_DETAIL = 37,
};

#endif
