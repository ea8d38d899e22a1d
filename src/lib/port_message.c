/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "port_message.h"

#include "kernel_message.h"

#include <isif/address.h>

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#define HOST_PARAM_IPADDRESS 3 /* ISCSI_HOST_PARAM_IPADDRESS */
#define HIGHEST_NUMBER	     255
#define ATTRIBUTE_HEADER     4 /* struct nlattr: length and type, of 16 bits each */
#define ALIGNED(length)	     (((length) + 3u) & ~(size_t)3)
#define TEXT_ROOM	     12 /* octets of a text that drivers read, however long it is */

/* Octets of a value; 0: it is a text, and may have several. */
static uint8_t octets_of(const struct isif_setting *setting)
{
	switch (setting->type) {
	case ISIF_SETTING_NUMBER:
		return setting->octets;
	case ISIF_SETTING_SWITCH:
	case ISIF_SETTING_CHOICE:
		return 1;
	case ISIF_SETTING_ADDRESS:
	case ISIF_SETTING_IPV4:
		return 4;
	case ISIF_SETTING_IPV6:
		return 16;
	default:
		return 0;
	}
}

static const struct isif_setting *setting_of(const struct isif_port_parameter *parameter)
{
	size_t count;
	const struct isif_setting *settings = isif_settings(&count);

	for (size_t i = 0; i < count; i++)
		if (settings[i].parameter_type == parameter->type &&
		    settings[i].parameter == parameter->number)
			return &settings[i];
	return NULL;
}

/* The kernel checks neither values nor lengths, and drivers copy what they expect to be there. */
static bool is_known(const struct isif_port_parameter *parameter)
{
	const struct isif_setting *setting = setting_of(parameter);

	if (parameter->type == ISIF_PARAMETER_NET && parameter->number == PORT_IPV6_ADDRESS)
		return parameter->length == 16;
	if (setting && setting->type == ISIF_SETTING_TEXT)
		return parameter->length && parameter->length <= PORT_TEXT_LIMIT;
	return setting && parameter->length == octets_of(setting);
}

static bool is_address(const char *text, enum isif_setting_family family)
{
	struct isif_address address;

	isif_address_parse(text, &address);
	return address.type == (family == ISIF_FAMILY_IPV6 ? ISIF_ADDRESS_IPV6 : ISIF_ADDRESS_IPV4);
}

bool port_request_is_valid(const struct isif_port_request *request)
{
	if (port_plan_refusal(request->transport) ||
	    port_plan_is_by_host(request->transport) != (request->verb == ISIF_PORT_SET_ADDRESS))
		return false;
	if (!request->timeout || request->number > HIGHEST_NUMBER ||
	    (request->family != ISIF_FAMILY_IPV4 && request->family != ISIF_FAMILY_IPV6))
		return false;
	if (request->verb != ISIF_PORT_SET)
		return is_address(request->address, request->family);
	for (size_t i = 0; i < request->count; i++)
		if (!is_known(&request->parameters[i]))
			return false;
	return request->count && request->count <= PORT_PLAN_SIZE;
}

static_assert(PORT_MESSAGE_SIZE ==
		      MESSAGE_EVENT_SIZE + PORT_PLAN_SIZE * (ATTRIBUTE_HEADER +
							     sizeof(struct iscsi_parameter) + 16),
	      "room for every parameter");

static void append(struct port_message *message, const void *octets, size_t length)
{
	memcpy(message->octets + message->length, octets, length);
	message->length += length;
}

static void append_parameter(struct port_message *message, const struct isif_port_request *request,
			     const struct isif_port_parameter *parameter)
{
	const struct isif_setting *setting = setting_of(parameter);
	const bool text = setting && setting->type == ISIF_SETTING_TEXT;
	const size_t room = text ? TEXT_ROOM : parameter->length;
	const struct iscsi_parameter header = {
		.iface_number = request->number,
		.length = parameter->length,
		.number = parameter->number,
		.family = (uint8_t)request->family,
		.type = (uint8_t)parameter->type,
	};
	const uint16_t attribute[] = { (uint16_t)(ATTRIBUTE_HEADER + sizeof(header) + room),
				       parameter->number };

	append(message, attribute, sizeof(attribute));
	append(message, &header, sizeof(header));
	append(message, parameter->octets, room);
	/* What fills up to the next attribute is 0 already. */
	message->length = ALIGNED(message->length);
}

static void append_address(struct port_message *message, const struct isif_port_request *request)
{
	struct isif_address address;

	isif_address_parse(request->address, &address);
	if (request->family == ISIF_FAMILY_IPV6) {
		struct sockaddr_in6 socket = { .sin6_family = AF_INET6 };

		memcpy(&socket.sin6_addr, address.octets, sizeof(socket.sin6_addr));
		append(message, &socket, sizeof(socket));
	} else {
		struct sockaddr_in socket = { .sin_family = AF_INET };

		memcpy(&socket.sin_addr, address.octets, sizeof(socket.sin_addr));
		append(message, &socket, sizeof(socket));
	}
}

static void fill(struct iscsi_message *header, const struct isif_port_request *request,
		 uint32_t cookie)
{
	header->request[0] = request->host;
	switch (request->verb) {
	case ISIF_PORT_SET:
		header->type = MESSAGE_SET_IFACE_PARAMS;
		header->request[1] = (uint32_t)request->count;
		break;
	case ISIF_PORT_SET_ADDRESS:
		header->type = MESSAGE_SET_HOST_PARAM;
		header->request[1] = HOST_PARAM_IPADDRESS;
		header->request[2] = (uint32_t)strlen(request->address) + 1;
		break;
	case ISIF_PORT_PING:
		header->type = MESSAGE_PING;
		header->request[1] = request->number;
		header->request[2] = (uint32_t)request->family;
		header->request[4] = cookie;
		break;
	}
	header->message_type = (uint16_t)header->type;
}

void port_message_make(const struct isif_port_request *request, uint64_t handle, uint32_t cookie,
		       struct port_message *message)
{
	struct iscsi_message header = { 0 };

	*message = (struct port_message){ .length = MESSAGE_EVENT_SIZE };
	fill(&header, request, cookie);
	memcpy(header.transport_handle, &handle, sizeof(handle));
	if (request->verb == ISIF_PORT_SET)
		for (size_t i = 0; i < request->count; i++)
			append_parameter(message, request, &request->parameters[i]);
	else if (request->verb == ISIF_PORT_SET_ADDRESS)
		append(message, request->address, strlen(request->address) + 1);
	else
		append_address(message, request);
	header.length = (uint32_t)message->length;
	memcpy(message->octets, &header, MESSAGE_EVENT_SIZE);
}

enum port_answer port_answer_parse(const void *octets, size_t length,
				   const struct isif_port_request *request, uint32_t cookie,
				   uint32_t *value)
{
	struct iscsi_message answer = { 0 }, asked = { 0 };

	if (length < MESSAGE_EVENT_SIZE)
		return PORT_ANSWER_OTHER;
	memcpy(&answer, octets, MESSAGE_EVENT_SIZE);
	fill(&asked, request, cookie);
	/* The answer to a request is its own message; an event has type 0. */
	if (answer.message_type == asked.message_type && answer.request[0] == asked.request[0]) {
		*value = answer.type == MESSAGE_IF_ERROR ? 0u - answer.error : 0;
		return PORT_ANSWER_DONE;
	}
	if (request->verb != ISIF_PORT_PING || answer.message_type ||
	    answer.type != MESSAGE_PING_COMPLETED || answer.ping.host != request->host ||
	    answer.ping.cookie != cookie)
		return PORT_ANSWER_OTHER;
	*value = answer.ping.status;
	return PORT_ANSWER_PINGED;
}
