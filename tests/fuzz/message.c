/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages of NETLINK_ISCSI. An input has up to four parts: the record of an offload iface, which
 * is made into requests; an address that is pinged; a request of an unprivileged process that is up
 * to no good, in the words of question.h; and the octets of a message that came.
 */
#include "fuzz.h"
#include "question.h"

#include "kernel_event.h"
#include "kernel_message.h"
#include "port_message.h"

#include <isif/address.h>

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { HANDLE = 4711, COOKIE = 42, HOST = 3, HIGHEST_PORT = 255 };
enum { ATTRIBUTE_HEADER = 4, PARAMETER_SIZE = 16, TEXT_ROOM = 12 };

/* What may be sent, with its message; it is as large as the largest can be, and no larger. */
static struct port_message *make(const struct isif_port_request *request)
{
	struct port_message *message = malloc(sizeof(*message));

	MUST(message);
	port_message_make(request, HANDLE, COOKIE, message);
	MUST(message->length >= MESSAGE_EVENT_SIZE && message->length <= PORT_MESSAGE_SIZE);
	return message;
}

/* The kernel's answer to a request is the request, and an error says so in its type. */
static void check_answer(const struct isif_port_request *request,
			 const struct port_message *message)
{
	char *exact = fuzz_exact(message->octets, message->length);
	struct iscsi_message header = { 0 };
	uint32_t value = 1;

	memcpy(&header, exact, MESSAGE_EVENT_SIZE);
	MUST(header.length == message->length && header.message_type == header.type);
	MUST(header.request[0] == request->host);
	MUST(port_answer_parse(exact, message->length, request, COOKIE, &value) ==
	     PORT_ANSWER_DONE);
	MUST(!value);
	header.type = MESSAGE_IF_ERROR;
	header.error = (uint32_t)-22;
	memcpy(exact, &header, MESSAGE_EVENT_SIZE);
	MUST(port_answer_parse(exact, message->length, request, COOKIE, &value) ==
	     PORT_ANSWER_DONE);
	MUST(value == 22);
	free(exact);
}

/* Drivers copy eleven octets of it and a NUL, however long it is. */
static bool is_text(const struct isif_port_parameter *parameter)
{
	return parameter->type == ISIF_PARAMETER_NET &&
	       (parameter->number == 37 || parameter->number == 40);
}

/* As the kernel walks them (iscsi_if_set_iface_params): each is whole, and all are there. */
static void check_attributes(const struct isif_port_request *request,
			     const struct port_message *message)
{
	size_t at = MESSAGE_EVENT_SIZE;

	for (size_t i = 0; i < request->count; i++) {
		const struct isif_port_parameter *sent = &request->parameters[i];
		uint16_t header[2];
		struct iscsi_parameter parameter;

		MUST(at % 4 == 0 && at + ATTRIBUTE_HEADER + sizeof(parameter) <= message->length);
		memcpy(header, message->octets + at, sizeof(header));
		memcpy(&parameter, message->octets + at + ATTRIBUTE_HEADER, sizeof(parameter));
		MUST(header[0] >= ATTRIBUTE_HEADER + sizeof(parameter) + sent->length);
		MUST(at + header[0] <= message->length);
		MUST(header[1] == sent->number && parameter.number == sent->number);
		MUST(parameter.length == sent->length && parameter.type == sent->type);
		MUST(parameter.iface_number == request->number);
		MUST(!memcmp(message->octets + at + ATTRIBUTE_HEADER + sizeof(parameter),
			     sent->octets, sent->length));
		if (is_text(sent))
			MUST(header[0] >= ATTRIBUTE_HEADER + sizeof(parameter) + TEXT_ROOM);
		at += (header[0] + 3u) & ~3u;
	}
	MUST(at == message->length);
}

static void check_request(const struct isif_port_request *request)
{
	struct port_message *message = make(request);

	if (request->verb == ISIF_PORT_SET)
		check_attributes(request, message);
	check_answer(request, message);
	free(message);
}

/* --- a record --- */

static void check_plan(const struct port_plan *plan, const struct isif_record *record)
{
	MUST(plan->count <= PORT_PLAN_SIZE);
	MUST(plan->family == ISIF_FAMILY_IPV4 || plan->family == ISIF_FAMILY_IPV6);
	for (size_t i = 0; i < plan->count; i++) {
		const struct isif_setting *setting = plan->settings[i].setting;
		char key[ISIF_KEY_SIZE] = "iface.";

		MUST(setting->parameter_type);
		MUST(!setting->family || setting->family == plan->family);
		strcat(key, setting->name);
		MUST(plan->settings[i].value == isif_record_value(record, key));
		MUST(port_plan_value(plan, setting->name) == plan->settings[i].value);
	}
}

static void check_parameters(const struct isif_port_parameter *parameters, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		MUST(parameters[i].length && parameters[i].length <= PARAMETER_SIZE);
		for (size_t j = parameters[i].length; j < PARAMETER_SIZE; j++)
			MUST(!parameters[i].octets[j]);
	}
}

/* What a port shows, from the record itself: it has it all, or what it shows is no such text. */
static void check_port(const struct port_plan *plan, const struct fuzz_text *attributes)
{
	const struct isif_kernel_port port = { .references = 1,
					       .host = HOST,
					       .name = "",
					       .transport = "qla4xxx",
					       .hwaddress = "",
					       .port_state = "",
					       .port_speed = "",
					       .attributes = attributes->octets };
	bool differs = false;

	for (size_t i = 0; i < plan->count; i++) {
		const char *shown;

		differs |= port_plan_match(&plan->settings[i], &port, &shown) == PORT_DIFFERS;
	}
	MUST(port_plan_holds(plan, &port) == !differs);
}

/* Names and values, each with a NUL, and one more at their end: what sysfs would show. */
static struct fuzz_text attributes_of(const struct port_plan *plan)
{
	struct fuzz_text text = fuzz_copy("", 0);

	for (size_t i = 0; i < plan->count; i++) {
		const char *name = plan->settings[i].setting->attribute;
		const char *value = plan->settings[i].value;

		if (!name)
			continue;
		text.octets = realloc(text.octets, text.length + strlen(name) + strlen(value) + 3);
		MUST(text.octets);
		strcpy(text.octets + text.length, name);
		text.length += strlen(name) + 1;
		strcpy(text.octets + text.length, value);
		text.length += strlen(value) + 1;
		text.octets[text.length] = '\0';
	}
	return text;
}

static void check_record(const struct isif_record *record, const char *address)
{
	const char *name = isif_record_value(record, "iface.iscsi_ifacename");
	struct port_plan *plan = malloc(sizeof(*plan));
	struct isif_port_parameter *parameters = calloc(PORT_PLAN_SIZE, sizeof(*parameters));
	struct isif_port_request request = { .transport = "qla4xxx", .host = HOST, .timeout = 1 };
	struct fuzz_text attributes;

	MUST(plan && parameters);
	port_plan_make(name ? name : "san0", record, plan);
	check_plan(plan, record);
	request.family = plan->family;
	request.number = plan->number;
	request.parameters = parameters;
	request.count = port_encode(plan, parameters);
	MUST(request.count <= plan->count);
	check_parameters(parameters, request.count);
	MUST(port_request_is_valid(&request) == (request.count && request.number <= HIGHEST_PORT));
	if (port_request_is_valid(&request))
		check_request(&request);
	request.verb = ISIF_PORT_PING;
	request.address = address;
	if (port_request_is_valid(&request))
		check_request(&request);
	request.verb = ISIF_PORT_SET_ADDRESS;
	request.transport = "cxgb4i";
	request.address = port_plan_value(plan, "ipaddress");
	if (request.address && request.number <= HIGHEST_PORT)
		MUST(port_request_is_valid(&request));
	if (request.address && port_request_is_valid(&request))
		check_request(&request);
	attributes = attributes_of(plan);
	check_port(plan, &attributes);
	fuzz_free(&attributes);
	free(parameters);
	free(plan);
}

/* --- a request that is not ours --- */

/* What is taken for valid can be sent: the kernel would believe it. */
static void check_foreign(const struct fuzz_text *text)
{
	struct fuzz_input line = { text->octets, text->octets + strcspn(text->octets, "\n") };
	struct isif_port_request request = { 0 };
	struct isif_port_parameter *parameters;
	struct message message = { 0 };

	question_read(&line, &message);
	parameters = protocol_port(&message, &request);
	if (parameters && port_request_is_valid(&request)) {
		MUST(request.number <= HIGHEST_PORT && request.count <= PORT_PLAN_SIZE);
		check_request(&request);
	}
	free(parameters);
	message_free(&message);
}

/* --- a message that came --- */

static void check_event(const struct isif_kernel_event *event)
{
	MUST(event->kind == ISIF_EVENT_SESSION || event->kind == ISIF_EVENT_SESSION_GONE ||
	     event->kind == ISIF_EVENT_CONNECTION || event->kind == ISIF_EVENT_LOGIN_RESPONSE ||
	     event->kind == ISIF_EVENT_LOGOUT_RESPONSE || event->kind == ISIF_EVENT_UNBIND ||
	     event->kind == ISIF_EVENT_HOST);
}

struct seen {
	struct isif_kernel_event event;
	unsigned count;
};

static void see(void *context, const struct isif_kernel_event *event)
{
	struct seen *seen = context;

	seen->event = *event;
	seen->count++;
}

static struct seen read_events(const char *octets, size_t length, bool filtered)
{
	struct seen seen = { .count = 0 };
	int ends[2];

	MUST(!socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends));
	MUST(!filtered || iscsi_events_filter(ends[1]));
	/* What the filter drops is refused here. */
	MUST(send(ends[0], octets, length, 0) == (ssize_t)length || filtered);
	isif_iscsi_events_read(ends[1], see, &seen);
	MUST(seen.count <= 1);
	close(ends[0]);
	close(ends[1]);
	return seen;
}

/* A step of a login may carry CHAP, and is of no interest. */
static bool is_step(const struct isif_kernel_event *event)
{
	return event->kind == ISIF_EVENT_LOGIN_RESPONSE && !event->accepted && event->code < 0x100;
}

/* Through a socket it is the same event, and all of them come through the filter. */
static void check_read(const char *octets, size_t length, const struct isif_kernel_event *event)
{
	struct seen seen = read_events(octets, length, false);

	MUST(seen.count == (event != NULL));
	MUST(!event || !memcmp(&seen.event, event, sizeof(*event)));
	seen = read_events(octets, length, true);
	MUST(seen.count == (event && !is_step(event)));
	MUST(!seen.count || !memcmp(&seen.event, event, sizeof(*event)));
}

static void check_events(const char *octets, size_t length)
{
	struct isif_kernel_event event;
	bool is_event = iscsi_message_parse(octets, length, &event);

	if (is_event) {
		MUST(length >= MESSAGE_EVENT_SIZE);
		check_event(&event);
	}
	check_read(octets, length, is_event ? &event : NULL);
}

static void check_message(const char *octets, size_t length)
{
	struct isif_port_request request = { .transport = "qla4xxx",
					     .host = HOST,
					     .family = ISIF_FAMILY_IPV4,
					     .address = "192.0.2.1",
					     .timeout = 1 };
	const enum isif_port_verb verbs[] = { ISIF_PORT_SET, ISIF_PORT_SET_ADDRESS,
					      ISIF_PORT_PING };

	check_events(octets, length);
	for (size_t i = 0; i < sizeof(verbs) / sizeof(*verbs); i++) {
		uint32_t value = 0;
		enum port_answer answer;

		request.verb = verbs[i];
		answer = port_answer_parse(octets, length, &request, COOKIE, &value);
		MUST(answer == PORT_ANSWER_OTHER || length >= MESSAGE_EVENT_SIZE);
		MUST(answer != PORT_ANSWER_PINGED || verbs[i] == ISIF_PORT_PING);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *octets, size_t length)
{
	struct fuzz_input input = { (const char *)octets, (const char *)octets + length };
	struct fuzz_text text = fuzz_take_part(&input), address = fuzz_take_part(&input);
	struct fuzz_text foreign = fuzz_take_part(&input);
	size_t left = (size_t)(input.end - input.at);
	char *message = fuzz_exact(input.at, left);
	struct isif_record *record;

	address.octets[strcspn(address.octets, "\n")] = '\0';
	MUST(isif_record_parse(text.octets, text.length, "iface.", &record) == ISIF_OK);
	check_record(record, address.octets);
	check_foreign(&foreign);
	check_message(message, left);
	isif_record_release(record);
	free(message);
	fuzz_free(&text);
	fuzz_free(&address);
	fuzz_free(&foreign);
	return 0;
}
