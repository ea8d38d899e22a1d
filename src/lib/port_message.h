/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ISIF_LIB_PORT_MESSAGE_H
#define ISIF_LIB_PORT_MESSAGE_H

#include <isif/privileged.h>

#include "port_plan.h"

/*
 * What an offload adapter is asked, over NETLINK_ISCSI.
 *   port_plan.c     which settings of a record are for the port, and whether it has them
 *   port_encode.c   those, as the kernel takes them
 *   port_message.c  the message, checked, and its answer
 *   port_request.c  sends it and waits, in a process of its own
 */

#define PORT_TEXT_LIMIT	  11 /* octets that qla4xxx takes of a DHCP identifier */
#define PORT_IPV6_ADDRESS 7  /* ISCSI_NET_PARAM_IPV6_ADDR, where an IPv4 port has its own */

/* The parameters of a plan, PORT_PLAN_SIZE at the most; returns how many. */
size_t port_encode(const struct port_plan *plan, struct isif_port_parameter *parameters);

/* The largest: PORT_PLAN_SIZE parameters of 16 octets, each with its two headers. */
#define PORT_MESSAGE_SIZE (72 + PORT_PLAN_SIZE * (4 + 12 + 16))

struct port_message {
	size_t length;
	uint8_t octets[PORT_MESSAGE_SIZE];
};

/* Whether a request is one that a port may get. */
bool port_request_is_valid(const struct isif_port_request *request);

/* Makes the message of a valid request; cookie marks a ping. */
void port_message_make(const struct isif_port_request *request, uint64_t handle, uint32_t cookie,
		       struct port_message *message);

/* What a message that came is to a request. */
enum port_answer {
	PORT_ANSWER_OTHER,  /* somebody else's */
	PORT_ANSWER_DONE,   /* the kernel's answer; *value is an errno, or 0 */
	PORT_ANSWER_PINGED, /* a ping came to its end; *value is enum iscsi_ping_status_code */
};
enum port_answer port_answer_parse(const void *octets, size_t length,
				   const struct isif_port_request *request, uint32_t cookie,
				   uint32_t *value);

/*
 * Asks, in a process of its own, and waits for the answer, for at most the request's time; returns
 * the code, and tells of a ping on its output, as isif/privileged.h says. It takes no lock and no
 * memory, so that it may be forked from a process with threads.
 */
int port_request_ask(const struct isif_port_request *request, const char *sysfs, int output);

#endif
