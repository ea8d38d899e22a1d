/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe.h"

#include "address.h"
#include "cleanup.h"
#include "network.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

/* What is known of a portal on the way to its connection. */
struct trial {
	struct probe *probe;
	const struct probe_question *question;
	struct isif_address address;
	const struct isif_link *link; /* that it goes over; NULL: not known */
};

/* The portal is said first. Always returns false. */
static bool fail(struct probe *probe, enum isif_job_error error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
static bool fail(struct probe *probe, enum isif_job_error error, const char *format, ...)
{
	int length = snprintf(probe->text, sizeof(probe->text), "portal %s: ", probe->portal);
	va_list arguments;

	probe->error = error;
	if (length < 0 || (size_t)length >= sizeof(probe->text))
		return false;
	va_start(arguments, format);
	vsnprintf(probe->text + length, sizeof(probe->text) - (size_t)length, format, arguments);
	va_end(arguments);
	return false;
}

/* --- the device --- */

static bool can_be_tried(const struct trial *trial)
{
	const struct isif_iface *iface = trial->question->iface;

	if (iface->kind == ISIF_KIND_OFFLOAD)
		return fail(trial->probe, ISIF_JOB_ERROR_INCONCLUSIVE,
			    "iface %s is an offload port (%s): the network is in its card, and "
			    "nothing that the host sends goes over it",
			    iface->name->text, iface->transport);
	if (!strcmp(iface->transport, "iser"))
		return fail(trial->probe, ISIF_JOB_ERROR_INCONCLUSIVE,
			    "iface %s has transport iser, which is not TCP", iface->name->text);
	/* usr/io.c:bind_conn_to_iface */
	if (iface->bound_by == ISIF_BOUND_IPADDRESS)
		return fail(trial->probe, ISIF_JOB_ERROR_NO_DEVICE,
			    "iface %s has only an address, by which open-iscsi binds no software "
			    "iface: give it a device (net_ifacename)",
			    iface->name->text);
	return true;
}

/* Of several devices with the hardware address, the one that open-iscsi takes. */
static bool find_device(struct trial *trial)
{
	const struct isif_iface *iface = trial->question->iface;
	bool by_name = iface->bound_by == ISIF_BOUND_NET_IFACE;

	trial->probe->bound = iface->bound_by != ISIF_BOUND_NONE;
	if (!trial->probe->bound)
		return true;
	trial->link = isif_network_link(trial->question->network, iface->link);
	if (!trial->link)
		return fail(trial->probe, ISIF_JOB_ERROR_NO_DEVICE,
			    "there is no device %s%s, which iface %s asks for",
			    by_name ? "" : "with hardware address ",
			    by_name ? iface->netdev : iface->hwaddress, iface->name->text);
	snprintf(trial->probe->way, sizeof(trial->probe->way), "over device %s", trial->link->name);
	return true;
}

static bool check_link(const struct trial *trial)
{
	const struct isif_link *link = trial->link;

	if (!link || (link->up && link->running))
		return true;
	if (!link->up)
		return fail(trial->probe, ISIF_JOB_ERROR_LINK_DOWN,
			    "device %s is set down (ip link set %s up)", link->name, link->name);
	return fail(trial->probe, ISIF_JOB_ERROR_LINK_DOWN,
		    "device %s has no carrier: look at its cable and at the port of its switch",
		    link->name);
}

/* An address that a connection there can come from (RFC 6724, section 5, rule 2: scopes). */
static bool fits(const struct isif_link_address *own, const struct isif_address *address)
{
	if (address->type == ISIF_ADDRESS_IPV4)
		return own->family == AF_INET;
	return own->family == AF_INET6 &&
	       address_is_link_local(own->octets) == address_is_link_local(address->octets);
}

/* Without a device of its own, a connection may come from an address of any other. */
static bool check_address(const struct trial *trial)
{
	const struct isif_network *network = trial->question->network;
	const struct isif_address *address = &trial->address;
	const char *kind = address->type == ISIF_ADDRESS_IPV4	    ? "IPv4 "
			   : address->type == ISIF_ADDRESS_DNS	    ? ""
			   : address_is_link_local(address->octets) ? "link-local IPv6 "
								    : "IPv6 ";

	if (!trial->probe->bound)
		return true;
	if (address->type == ISIF_ADDRESS_DNS && trial->link->addresses)
		return true;
	for (uint32_t i = 0; i < network->address_count && address->type != ISIF_ADDRESS_DNS; i++)
		if (network->addresses[i].link == trial->link->index &&
		    fits(&network->addresses[i], address))
			return true;
	return fail(trial->probe, ISIF_JOB_ERROR_NO_ADDRESS, "device %s has no %saddress",
		    trial->link->name, kind);
}

/* --- the route --- */

static bool route_failed(const struct trial *trial, enum isif_error error)
{
	struct probe *probe = trial->probe;

	switch (error) {
	case ISIF_NOT_FOUND:
		return fail(probe, ISIF_JOB_ERROR_UNREACHABLE, "there is no route to it%s%s",
			    *probe->way ? " " : "", probe->way);
	case ISIF_AMBIGUOUS:
		return fail(probe, ISIF_JOB_ERROR_UNREACHABLE,
			    "a link-local address means nothing without a device, and iface %s "
			    "names none",
			    trial->question->iface->name->text);
	default:
		return fail(probe, ISIF_JOB_ERROR_INCONCLUSIVE,
			    "the kernel does not tell of a route: %s", isif_error_text(error));
	}
}

/* The way of a connection that is bound to no device. */
static bool find_route(struct trial *trial)
{
	uint32_t index;
	enum isif_error error =
		isif_route_device(trial->question->rtnetlink, &trial->address, NULL, &index);

	if (error)
		return route_failed(trial, error);
	trial->link = isif_network_link(trial->question->network, index);
	if (trial->link)
		snprintf(trial->probe->way, sizeof(trial->probe->way),
			 "over device %s (by the routes)", trial->link->name);
	return check_link(trial);
}

static bool check_route(struct trial *trial)
{
	uint32_t zone = address_zone(&trial->address);
	enum isif_error error;

	if (!trial->probe->bound)
		return find_route(trial);
	if (zone && zone != trial->link->index)
		return fail(trial->probe, ISIF_JOB_ERROR_UNREACHABLE,
			    "the zone of the address is another device than %s", trial->link->name);
	error = network_route_over(trial->question->rtnetlink, &trial->address, trial->link->index);
	return !error || route_failed(trial, error);
}

/* --- the connection --- */

static socklen_t socket_address(const struct trial *trial, struct sockaddr_storage *to)
{
	struct sockaddr_in ipv4 = { .sin_family = AF_INET };
	struct sockaddr_in6 ipv6 = { .sin6_family = AF_INET6 };

	if (trial->address.type == ISIF_ADDRESS_IPV4) {
		ipv4.sin_port = htons(trial->question->port);
		memcpy(&ipv4.sin_addr, trial->address.octets, sizeof(ipv4.sin_addr));
		memcpy(to, &ipv4, sizeof(ipv4));
		return sizeof(ipv4);
	}
	ipv6.sin6_port = htons(trial->question->port);
	memcpy(&ipv6.sin6_addr, trial->address.octets, sizeof(ipv6.sin6_addr));
	ipv6.sin6_scope_id = address_zone(&trial->address);
	memcpy(to, &ipv6, sizeof(ipv6));
	return sizeof(ipv6);
}

static bool connection_failed(struct probe *probe, int number)
{
	switch (number) {
	case ECONNREFUSED:
	case ECONNRESET:
		return fail(probe, ISIF_JOB_ERROR_REFUSED,
			    "a TCP connection %s is refused: does an iSCSI target listen there?",
			    probe->way);
	case ETIMEDOUT:
		return fail(probe, ISIF_JOB_ERROR_TIMEOUT,
			    "nobody answers a TCP connection %s within %u seconds: look at "
			    "switches, firewalls, the target%s",
			    probe->way, probe->patience / 1000,
			    probe->bound ? ", and rp_filter here" : "");
	case EADDRNOTAVAIL:
		return fail(probe, ISIF_JOB_ERROR_NO_ADDRESS,
			    "the kernel has no address for a TCP connection %s", probe->way);
	default:
		return fail(probe, ISIF_JOB_ERROR_UNREACHABLE, "no TCP connection %s: %s",
			    probe->way, strerror(number));
	}
}

/* Since Linux 5.7 everybody may bind a socket that is bound to nothing yet (sock_bindtoindex). */
static bool bind_socket(const struct trial *trial)
{
	const struct isif_iface *iface = trial->question->iface;
	/* What open-iscsi would say: an alias such as eth0:1 is no name of a device. */
	const char *name =
		iface->bound_by == ISIF_BOUND_NET_IFACE ? iface->netdev : trial->link->name;

	if (!setsockopt(trial->probe->socket, SOL_SOCKET, SO_BINDTODEVICE, name,
			(socklen_t)strlen(name) + 1))
		return true;
	if (errno == ENODEV)
		return fail(trial->probe, ISIF_JOB_ERROR_NO_DEVICE,
			    "no connection can be bound to %s%s", name,
			    strcmp(name, trial->link->name)
				    ? ", as it is only a label of an address: name its device"
				    : ": it is gone");
	return fail(trial->probe, ISIF_JOB_ERROR_INCONCLUSIVE,
		    "no connection can be bound to device %s: %s", name, strerror(errno));
}

static bool open_socket(const struct trial *trial, int family)
{
	struct probe *probe = trial->probe;

	probe->socket = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	probe->descriptor = epoll_create1(EPOLL_CLOEXEC);
	if (probe->socket >= 0 && probe->descriptor >= 0)
		return !trial->probe->bound || bind_socket(trial);
	return fail(probe, ISIF_JOB_ERROR_INCONCLUSIVE, "no socket can be opened: %s",
		    strerror(errno));
}

static bool connect_to(const struct trial *trial, uint64_t now)
{
	struct probe *probe = trial->probe;
	struct epoll_event event = { .events = EPOLLOUT };
	struct sockaddr_storage to = { 0 };
	socklen_t size = socket_address(trial, &to);

	if (!open_socket(trial, to.ss_family))
		return false;
	probe->deadline = now + probe->patience;
	if (connect(probe->socket, (const struct sockaddr *)&to, size) && errno != EINPROGRESS)
		return connection_failed(probe, errno);
	/* Only now: before, a socket counts as writable. */
	if (epoll_ctl(probe->descriptor, EPOLL_CTL_ADD, probe->socket, &event))
		return fail(probe, ISIF_JOB_ERROR_INCONCLUSIVE, "it cannot be waited for: %s",
			    strerror(errno));
	return true;
}

/* --- a probe's life --- */

static void forget_socket(struct probe *probe)
{
	if (probe->descriptor >= 0)
		close(TAKE_DESCRIPTOR(probe->descriptor));
	if (probe->socket >= 0)
		close(TAKE_DESCRIPTOR(probe->socket));
}

/* "address:port" */
static void name_portal(struct probe *probe, const struct probe_question *question)
{
	char *group;

	isif_portal_format(probe->portal, sizeof(probe->portal), question->address, question->port,
			   -1);
	group = strrchr(probe->portal, ',');
	if (group)
		*group = '\0';
}

static bool leave_name(const struct trial *trial)
{
	trial->probe->is_name = true;
	return fail(trial->probe, ISIF_JOB_ERROR_INCONCLUSIVE,
		    "its address is a name, which only iscsiadm looks up");
}

static bool begin(struct trial *trial, uint64_t now)
{
	if (!can_be_tried(trial) || !find_device(trial) || !check_link(trial) ||
	    !check_address(trial))
		return false;
	if (trial->address.type == ISIF_ADDRESS_DNS)
		return leave_name(trial);
	return check_route(trial) && connect_to(trial, now);
}

void probe_begin(struct probe *probe, const struct probe_question *question, uint64_t now)
{
	struct trial trial = { .probe = probe, .question = question };

	*probe = (struct probe){ .socket = -1, .descriptor = -1, .patience = question->patience };
	name_portal(probe, question);
	isif_address_parse(question->address, &trial.address);
	if (!begin(&trial, now))
		forget_socket(probe);
}

bool probe_work(struct probe *probe, uint64_t now)
{
	struct pollfd one = { .fd = probe->socket, .events = POLLOUT };
	socklen_t size = sizeof(int);
	int number = ETIMEDOUT;

	if (probe->socket < 0)
		return true;
	if (poll(&one, 1, 0) > 0) {
		if (getsockopt(probe->socket, SOL_SOCKET, SO_ERROR, &number, &size))
			number = errno;
	} else if (now < probe->deadline) {
		return false;
	}
	if (number)
		connection_failed(probe, number);
	forget_socket(probe);
	return true;
}

int probe_descriptor(const struct probe *probe)
{
	return probe->descriptor;
}

void probe_end(struct probe *probe)
{
	forget_socket(probe);
}
