/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <isif/network.h>

#include "../../src/lib/tcp_info.h"

#include <CUnit/CUnit.h>
#include <arpa/inet.h>
#include <errno.h>
#include <linux/tcp.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

void add_network_tests(void);

/* A host made by hand: a NIC with an alias and other names, a VLAN on it, a NIC without address. */

static const char *const no_names[] = { NULL };
static const char *const nic_names[] = { "enp0s3", "storage-network-port-1", NULL };

static struct isif_link links[] = {
	{ .index = 1,
	  .name = "lo",
	  .up = true,
	  .running = true,
	  .addresses = 2,
	  .other_names = no_names,
	  .order = 0 },
	{ .index = 2,
	  .name = "eth0",
	  .hwaddress = "02:00:00:00:00:01",
	  .up = true,
	  .running = true,
	  .addresses = 2,
	  .other_names = nic_names,
	  .order = 2 },
	{ .index = 3,
	  .name = "eth1",
	  .hwaddress = "02:00:00:00:00:02",
	  .other_names = no_names,
	  .order = 3 },
	{ .index = 258,
	  .name = "eth0.7",
	  .hwaddress = "02:00:00:00:00:01",
	  .up = true,
	  .addresses = 1,
	  .other_names = no_names,
	  .order = 1 },
};

static struct isif_link_address addresses[] = {
	{ 1, AF_INET, { 127, 0, 0, 1 }, "lo" },
	{ 1, AF_INET6, { [15] = 1 }, "" },
	{ 2, AF_INET, { 192, 0, 2, 1 }, "eth0" },
	{ 2, AF_INET, { 192, 0, 2, 2 }, "eth0:1" },
	{ 2, AF_INET6, { 0xfe, 0x80, [15] = 9 }, "" },
	{ 258, AF_INET, { 198, 51, 100, 1 }, "eth0.7" },
	{ 258, AF_INET6, { 0xfe, 0x80, [15] = 9 }, "" },
	{ 999, AF_INET, { 203, 0, 113, 1 }, "gone" },
};

static struct isif_network host = {
	.references = 1,
	.link_count = sizeof(links) / sizeof(links[0]),
	.address_count = sizeof(addresses) / sizeof(addresses[0]),
	.links = links,
	.addresses = addresses,
};

static struct isif_network empty = { .references = 1 };

static void test_by_index(void)
{
	for (uint32_t i = 0; i < host.link_count; i++)
		CU_ASSERT(isif_network_link(&host, links[i].index) == &links[i]);
	CU_ASSERT(!isif_network_link(&host, 0));
	CU_ASSERT(!isif_network_link(&host, 4));
	CU_ASSERT(!isif_network_link(&host, UINT32_MAX));
	CU_ASSERT(!isif_network_link(&empty, 1));
}

static void test_by_name(void)
{
	CU_ASSERT(isif_network_named(&host, "eth0") == &links[1]);
	CU_ASSERT(isif_network_named(&host, "enp0s3") == &links[1]);
	CU_ASSERT(isif_network_named(&host, "eth0:1") == &links[1]);
	CU_ASSERT(isif_network_named(&host, "eth0.7") == &links[3]);
	CU_ASSERT(!isif_network_named(&host, "ETH0"));
	CU_ASSERT(!isif_network_named(&host, "eth"));
	CU_ASSERT(!isif_network_named(&host, "gone"));
	CU_ASSERT(!isif_network_named(&host, ""));
	CU_ASSERT(!isif_network_named(&host, NULL));
	CU_ASSERT(!isif_network_named(&empty, "lo"));
	/* SO_BINDTODEVICE looks for "storage-network", the first 15 octets, which nobody has. */
	CU_ASSERT(!isif_network_named(&host, "storage-network-port-1"));
}

static void test_by_hwaddress(void)
{
	uint32_t matches = 99;

	CU_ASSERT(isif_network_with_hwaddress(&host, "02:00:00:00:00:02", &matches) == &links[2]);
	CU_ASSERT_EQUAL(matches, 1);
	/* The VLAN comes first in the kernel's list, and so open-iscsi takes it. */
	CU_ASSERT(isif_network_with_hwaddress(&host, "02:00:00:00:00:01", &matches) == &links[3]);
	CU_ASSERT_EQUAL(matches, 2);
	CU_ASSERT(!isif_network_with_hwaddress(&host, "02:00:00:00:00:03", &matches));
	CU_ASSERT_EQUAL(matches, 0);
	CU_ASSERT(!isif_network_with_hwaddress(&host, "", &matches));
	CU_ASSERT(!isif_network_with_hwaddress(&host, NULL, &matches));
	CU_ASSERT_EQUAL(matches, 0);
	links[2].hwaddress[0] = 'A';
	CU_ASSERT(isif_network_with_hwaddress(&host, "a2:00:00:00:00:02", &matches) == &links[2]);
	links[2].hwaddress[0] = '0';
}

static const struct isif_link *owner(const char *text)
{
	struct isif_address address;

	isif_address_parse(text, &address);
	return isif_network_owner(&host, &address);
}

static void test_owner(void)
{
	CU_ASSERT(owner("127.0.0.1") == &links[0]);
	CU_ASSERT(owner("::1") == &links[0]);
	CU_ASSERT(owner("192.0.2.2") == &links[1]);
	CU_ASSERT(owner("::ffff:192.0.2.2") == &links[1]);
	CU_ASSERT(owner("198.51.100.1") == &links[3]);
	CU_ASSERT(owner("fe80::9") == &links[1]);
	CU_ASSERT(owner("fe80::9%2") == &links[1]);
	CU_ASSERT(owner("fe80::9%258") == &links[3]);
	CU_ASSERT(!owner("fe80::9%3"));
	CU_ASSERT(!owner("127.0.0.2"));
	CU_ASSERT(!owner("203.0.113.1"));
	CU_ASSERT(!owner("eth0"));
	CU_ASSERT(!owner(""));
}

static void test_equal(void)
{
	struct isif_link other_links[sizeof(links) / sizeof(links[0])];
	struct isif_link_address other_addresses[sizeof(addresses) / sizeof(addresses[0])];
	static const char *const copied_names[] = { "enp0s3", "storage-network-port-1", NULL };
	static const char *const fewer_names[] = { "enp0s3", NULL };
	struct isif_network other = host;

	memcpy(other_links, links, sizeof(links));
	memcpy(other_addresses, addresses, sizeof(addresses));
	other.links = other_links;
	other.addresses = other_addresses;
	other.references = 7;
	other_links[1].other_names = copied_names;
	CU_ASSERT(isif_network_equal(&host, &other));
	other_links[1].other_names = fewer_names;
	CU_ASSERT(!isif_network_equal(&host, &other));
	CU_ASSERT(!isif_network_equal(&other, &host));
	other_links[1].other_names = nic_names;
	other_links[2].up = true;
	CU_ASSERT(!isif_network_equal(&host, &other));
	other_links[2].up = false;
	other_addresses[3].octets[3] = 3;
	CU_ASSERT(!isif_network_equal(&host, &other));
	other_addresses[3].octets[3] = 2;
	other_addresses[3].label[5] = '2';
	CU_ASSERT(!isif_network_equal(&host, &other));
	other_addresses[3].label[5] = '1';
	CU_ASSERT(isif_network_equal(&host, &other));
	other.address_count--;
	CU_ASSERT(!isif_network_equal(&host, &other));
	CU_ASSERT(!isif_network_equal(&host, NULL));
	CU_ASSERT(isif_network_equal(NULL, NULL));
	CU_ASSERT(isif_network_equal(&empty, &empty));
}

static void test_short_tcp_info(void)
{
	struct tcp_info info = { .tcpi_rtt = 5,
				 .tcpi_total_retrans = 6,
				 .tcpi_pmtu = 1500,
				 .tcpi_bytes_acked = 7ULL << 32,
				 .tcpi_bytes_received = 8 };
	struct isif_socket socket = { .received = 1, .path_mtu = 1 };

	tcp_info_read(&socket, &info, sizeof(info));
	CU_ASSERT_EQUAL(socket.sent, 7ULL << 32);
	CU_ASSERT_EQUAL(socket.received, 8);
	CU_ASSERT_EQUAL(socket.rtt, 5);
	CU_ASSERT_EQUAL(socket.retransmits, 6);
	CU_ASSERT_EQUAL(socket.path_mtu, 1500);
	tcp_info_read(&socket, &info, offsetof(struct tcp_info, tcpi_bytes_received) + 7);
	CU_ASSERT_EQUAL(socket.sent, 7ULL << 32);
	CU_ASSERT_EQUAL(socket.received, 0);
	tcp_info_read(&socket, &info, offsetof(struct tcp_info, tcpi_total_retrans));
	CU_ASSERT_EQUAL(socket.sent, 0);
	CU_ASSERT_EQUAL(socket.retransmits, 0);
	CU_ASSERT_EQUAL(socket.rtt, 5);
	tcp_info_read(&socket, &info, 0);
	CU_ASSERT_EQUAL(socket.rtt, 0);
	CU_ASSERT_EQUAL(socket.path_mtu, 0);
}

/* The rest asks this host's kernel, about lo and connections over it only. */

static bool is_sorted(const struct isif_network *network)
{
	for (uint32_t i = 1; i < network->link_count; i++)
		if (network->links[i - 1].index >= network->links[i].index)
			return false;
	for (uint32_t i = 1; i < network->address_count; i++)
		if (network->addresses[i - 1].link > network->addresses[i].link)
			return false;
	return true;
}

static void test_read_lo(void)
{
	struct isif_rtnetlink *rtnetlink = NULL;
	struct isif_network *network = NULL;
	const struct isif_link *lo;
	struct isif_address address;

	CU_ASSERT_FATAL(isif_rtnetlink_open(&rtnetlink) == ISIF_OK);
	CU_ASSERT_FATAL(isif_network_read(rtnetlink, &network) == ISIF_OK);
	CU_ASSERT_EQUAL(network->references, 1);
	CU_ASSERT(is_sorted(network));
	lo = isif_network_named(network, "lo");
	CU_ASSERT_FATAL(lo != NULL);
	CU_ASSERT_EQUAL(lo->index, if_nametoindex("lo"));
	CU_ASSERT(lo->up && lo->running && lo->addresses > 0 && lo->other_names);
	CU_ASSERT_STRING_EQUAL(lo->hwaddress, "");
	isif_address_parse("127.0.0.1", &address);
	CU_ASSERT(isif_network_owner(network, &address) == lo);
	CU_ASSERT(isif_network_equal(network, network));
	CU_ASSERT(isif_network_hold(network) == network);
	isif_network_release(network);
	CU_ASSERT_EQUAL(network->references, 1);
	isif_network_release(network);
	isif_network_release(NULL);
	isif_rtnetlink_close(rtnetlink);
	isif_rtnetlink_close(NULL);
}

static void test_events_quiet(void)
{
	struct isif_rtnetlink *rtnetlink = NULL;
	struct pollfd waiting = { .events = POLLIN };

	CU_ASSERT_FATAL(isif_rtnetlink_open(&rtnetlink) == ISIF_OK);
	waiting.fd = isif_rtnetlink_descriptor(rtnetlink);
	CU_ASSERT(waiting.fd >= 0);
	CU_ASSERT(!(isif_rtnetlink_events(rtnetlink) & ISIF_CHANGED_OVERFLOW)); /* does not block */
	CU_ASSERT(poll(&waiting, 1, 0) >= 0);
	CU_ASSERT(!(waiting.revents & (POLLERR | POLLNVAL)));
	isif_rtnetlink_close(rtnetlink);
}

static enum isif_error route(struct isif_rtnetlink *rtnetlink, const char *to, const char *from,
			     uint32_t *link)
{
	struct isif_address destination, source;

	*link = 0;
	isif_address_parse(to, &destination);
	isif_address_parse(from, &source);
	return isif_route_device(rtnetlink, &destination, from ? &source : NULL, link);
}

static void test_routes(void)
{
	struct isif_rtnetlink *rtnetlink = NULL;
	uint32_t lo = if_nametoindex("lo"), link;

	CU_ASSERT_FATAL(isif_rtnetlink_open(&rtnetlink) == ISIF_OK);
	CU_ASSERT(route(rtnetlink, "127.0.0.1", NULL, &link) == ISIF_OK && link == lo);
	CU_ASSERT(route(rtnetlink, "127.0.0.9", "127.0.0.1", &link) == ISIF_OK && link == lo);
	CU_ASSERT(route(rtnetlink, "127.0.0.1", "", &link) == ISIF_OK && link == lo);
	CU_ASSERT(route(rtnetlink, "127.0.0.1", "203.0.113.77", &link) == ISIF_NOT_FOUND);
	CU_ASSERT(route(rtnetlink, "fe80::1%77", NULL, &link) == ISIF_OK && link == 77);
	CU_ASSERT(route(rtnetlink, "fe80::1", "fe80::2%78", &link) == ISIF_OK && link == 78);
	CU_ASSERT(route(rtnetlink, "fe80::1", NULL, &link) == ISIF_AMBIGUOUS);
	CU_ASSERT(route(rtnetlink, "127.0.0.1", "::1", &link) == ISIF_INVALID);
	CU_ASSERT(route(rtnetlink, "localhost", NULL, &link) == ISIF_INVALID);
	CU_ASSERT(route(rtnetlink, "", NULL, &link) == ISIF_INVALID);
	isif_rtnetlink_close(rtnetlink);
}

/* A TCP connection to ourselves. */
struct connection {
	int listener;
	int client;
	int server;
	uint16_t port; /* of the server */
	uint16_t client_port;
	bool bound; /* wanted: the client is bound to lo; afterwards: it is */
};

static uint16_t local_port(int descriptor)
{
	struct sockaddr_storage name = { 0 };
	socklen_t size = sizeof(name);
	in_port_t port;

	if (getsockname(descriptor, (struct sockaddr *)&name, &size))
		return 0;
	/* sin_port and sin6_port are at the same place (RFC 3493). */
	memcpy(&port, (const char *)&name + offsetof(struct sockaddr_in, sin_port), sizeof(port));
	return ntohs(port);
}

static bool bind_to_lo(struct connection *connection)
{
	if (!connection->bound)
		return true;
	connection->bound = !setsockopt(connection->client, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3);
	if (connection->bound)
		return true;
	/* Linux before 5.7 wants CAP_NET_RAW. */
	fprintf(stderr, "\nNOT TESTED: a socket bound to lo: SO_BINDTODEVICE: %s\n",
		strerror(errno));
	return errno == EPERM;
}

static bool connect_loop(struct connection *connection, int family, const struct sockaddr *address,
			 socklen_t size)
{
	struct sockaddr_storage to = { 0 };
	in_port_t port;

	connection->listener = socket(family, SOCK_STREAM, 0);
	connection->client = socket(family, SOCK_STREAM, 0);
	if (connection->listener < 0 || connection->client < 0 ||
	    bind(connection->listener, address, size) || listen(connection->listener, 1) ||
	    !bind_to_lo(connection))
		return false;
	connection->port = local_port(connection->listener);
	port = htons(connection->port);
	memcpy(&to, address, size);
	memcpy((char *)&to + offsetof(struct sockaddr_in, sin_port), &port, sizeof(port));
	if (connect(connection->client, (struct sockaddr *)&to, size))
		return false;
	connection->server = accept(connection->listener, NULL, NULL);
	connection->client_port = local_port(connection->client);
	return connection->server >= 0;
}

static void disconnect(const struct connection *connection)
{
	close(connection->server);
	close(connection->client);
	close(connection->listener);
}

/* 1,000 octets to the server and then 500 back, which acknowledge them. */
static bool talk(const struct connection *connection)
{
	char octets[1000] = { 0 };

	return send(connection->client, octets, 1000, 0) == 1000 &&
	       recv(connection->server, octets, 1000, MSG_WAITALL) == 1000 &&
	       send(connection->server, octets, 500, 0) == 500 &&
	       recv(connection->client, octets, 500, MSG_WAITALL) == 500;
}

struct seen {
	const struct connection *connection;
	uint32_t count;
	struct isif_socket socket;
};

static void see(void *context, const struct isif_socket *socket)
{
	struct seen *seen = context;

	CU_ASSERT_EQUAL(socket->peer_port, seen->connection->port);
	if (socket->local_port != seen->connection->client_port)
		return;
	seen->count++;
	seen->socket = *socket;
}

/* The client's socket as the kernel shows it; all of it is checked but the addresses. */
static struct isif_socket look_at(const struct connection *connection)
{
	struct seen seen = { .connection = connection };
	struct isif_sock_diag *diag = NULL;
	const struct isif_socket *socket = &seen.socket;

	CU_ASSERT_FATAL(isif_sock_diag_open(&diag) == ISIF_OK);
	CU_ASSERT(isif_sock_diag_dump(diag, connection->port, see, &seen) == ISIF_OK);
	CU_ASSERT_EQUAL(seen.count, 1);
	CU_ASSERT_EQUAL(socket->bound_link, connection->bound ? if_nametoindex("lo") : 0);
	CU_ASSERT(socket->cookie != 0);
	CU_ASSERT_EQUAL(socket->sent, 1000 + 1); /* the SYN counts */
	CU_ASSERT_EQUAL(socket->received, 500);
	CU_ASSERT(socket->rtt > 0 && socket->path_mtu >= 1280);
	isif_sock_diag_close(diag);
	isif_sock_diag_close(NULL);
	return seen.socket;
}

static bool is_address(const struct isif_address *address, const char *text)
{
	struct isif_address expected;

	isif_address_parse(text, &expected);
	return address->type == expected.type && address->length == expected.length &&
	       !memcmp(address->octets, expected.octets, expected.length);
}

static void test_socket_ipv4(void)
{
	struct connection connection = { -1, -1, -1, 0, 0, true };
	struct sockaddr_in address = { .sin_family = AF_INET };
	struct isif_socket socket;

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	CU_ASSERT_FATAL(connect_loop(&connection, AF_INET, (const struct sockaddr *)&address,
				     sizeof(address)));
	CU_ASSERT(talk(&connection));
	socket = look_at(&connection);
	CU_ASSERT(is_address(&socket.local, "127.0.0.1"));
	CU_ASSERT(is_address(&socket.peer, "127.0.0.1"));
	disconnect(&connection);
}

static void test_socket_ipv6(const char *text, const char *shown)
{
	struct connection connection = { -1, -1, -1, 0, 0, false };
	struct sockaddr_in6 address = { .sin6_family = AF_INET6 };
	struct isif_socket socket;

	CU_ASSERT(inet_pton(AF_INET6, text, &address.sin6_addr) == 1);
	if (!connect_loop(&connection, AF_INET6, (const struct sockaddr *)&address,
			  sizeof(address))) {
		fprintf(stderr, "\nNOT TESTED: a connection to %s: %s\n", text, strerror(errno));
		CU_ASSERT(errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL);
		disconnect(&connection);
		return;
	}
	CU_ASSERT(talk(&connection));
	socket = look_at(&connection);
	CU_ASSERT(is_address(&socket.local, shown));
	CU_ASSERT(is_address(&socket.peer, shown));
	disconnect(&connection);
}

static void test_sockets_ipv6(void)
{
	test_socket_ipv6("::1", "::1");
	test_socket_ipv6("::ffff:127.0.0.1", "127.0.0.1");
}

void add_network_tests(void)
{
	CU_pSuite suite = CU_add_suite("network", NULL, NULL);

	CU_add_test(suite, "device by index", test_by_index);
	CU_add_test(suite, "device by name", test_by_name);
	CU_add_test(suite, "device by hardware address", test_by_hwaddress);
	CU_add_test(suite, "owner of an address", test_owner);
	CU_add_test(suite, "equality", test_equal);
	CU_add_test(suite, "tcp_info of older kernels", test_short_tcp_info);
	CU_add_test(suite, "lo is read", test_read_lo);
	CU_add_test(suite, "events do not block", test_events_quiet);
	CU_add_test(suite, "routes", test_routes);
	CU_add_test(suite, "IPv4 socket", test_socket_ipv4);
	CU_add_test(suite, "IPv6 sockets", test_sockets_ipv6);
}
