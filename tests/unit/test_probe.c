/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Probes of one portal. Devices and addresses are the stage's; the way is the real one over lo, to
 * sockets of the test's own. Time is the test's own, too.
 */
#include "suites.h"

#include "loopback.h"
#include "probe.h"
#include "stage.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PATIENCE 60000 /* ms for what must come */
#define NOW	 1000

static struct isif_rtnetlink *rtnetlink;
static struct probe probe;

static void set_up(void)
{
	stage_open();
	loopback_stage();
	CU_ASSERT_EQUAL_FATAL(isif_rtnetlink_open(&rtnetlink), ISIF_OK);
}

static void tear_down(void)
{
	isif_rtnetlink_close(rtnetlink);
	stage_close();
}

/* Begins one over the iface "if0", which has these lines. */
static void begin(const char *settings, const char *address, uint16_t port)
{
	char text[512];

	snprintf(text, sizeof(text), "iface.iscsi_ifacename = if0\n%s# END RECORD\n", settings);
	stage_remove_iface("if0");
	stage_iface("if0", text);
	stage_build();
	probe_begin(&probe,
		    &(struct probe_question){ .iface = iface_row("if0"),
					      .network = &stage.network,
					      .rtnetlink = rtnetlink,
					      .address = address,
					      .port = port,
					      .patience = PROBE_PATIENCE },
		    NOW);
}

/* Waits as the loop does. */
static void wait_for_end(void)
{
	while (!probe_work(&probe, NOW)) {
		struct pollfd one = { .fd = probe_descriptor(&probe), .events = POLLIN };

		CU_ASSERT_TRUE_FATAL(one.fd >= 0);
		CU_ASSERT_EQUAL_FATAL(poll(&one, 1, PATIENCE), 1);
	}
	CU_ASSERT_EQUAL(probe_descriptor(&probe), -1);
}

static bool says(enum isif_job_error error, const char *text)
{
	if (probe.error == error && !strcmp(probe.text, text))
		return true;
	printf("# %d: %s\n", (int)probe.error, probe.text);
	return false;
}

/* It ends at once, so that nothing of the host can matter; portal 192.0.2.9:3260. */
static bool fails_at_once(const char *settings, const char *address, enum isif_job_error error,
			  const char *text)
{
	begin(settings, address, 3260);
	CU_ASSERT_TRUE(probe_work(&probe, NOW));
	CU_ASSERT_EQUAL(probe_descriptor(&probe), -1);
	probe_end(&probe);
	return says(error, text);
}

#define TCP	      "iface.transport_name = tcp\n"
#define DEVICE(name_) TCP "iface.net_ifacename = " name_ "\n"
#define OVER_LO	      DEVICE("lo")

/* --- before a connection --- */

static void test_no_device(void)
{
	CU_ASSERT_TRUE(fails_at_once(DEVICE("gone0"), "192.0.2.9", ISIF_JOB_ERROR_NO_DEVICE,
				     "portal 192.0.2.9:3260: there is no device gone0, which "
				     "iface if0 asks for"));
	CU_ASSERT_TRUE(fails_at_once(TCP "iface.hwaddress = 02:00:00:00:00:99\n", "192.0.2.9",
				     ISIF_JOB_ERROR_NO_DEVICE,
				     "portal 192.0.2.9:3260: there is no device with hardware "
				     "address 02:00:00:00:00:99, which iface if0 asks for"));
	CU_ASSERT_TRUE(fails_at_once(TCP "iface.ipaddress = 192.0.2.1\n", "192.0.2.9",
				     ISIF_JOB_ERROR_NO_DEVICE,
				     "portal 192.0.2.9:3260: iface if0 has only an address, by "
				     "which open-iscsi binds no software iface: give it a device "
				     "(net_ifacename)"));
}

static void test_link_down(void)
{
	CU_ASSERT_TRUE(fails_at_once(DEVICE("pulled"), "192.0.2.9", ISIF_JOB_ERROR_LINK_DOWN,
				     "portal 192.0.2.9:3260: device pulled has no carrier: look "
				     "at its cable and at the port of its switch"));
	stage.links[SAN0 - 1].up = false;
	CU_ASSERT_TRUE(fails_at_once(DEVICE("san0"), "192.0.2.9", ISIF_JOB_ERROR_LINK_DOWN,
				     "portal 192.0.2.9:3260: device san0 is set down (ip link set "
				     "san0 up)"));
}

/* An address of the portal's own family, and scope. */
static void test_no_address(void)
{
	CU_ASSERT_TRUE(fails_at_once(DEVICE("bare"), "192.0.2.9", ISIF_JOB_ERROR_NO_ADDRESS,
				     "portal 192.0.2.9:3260: device bare has no IPv4 address"));
	CU_ASSERT_TRUE(fails_at_once(DEVICE("bare"), "target.example", ISIF_JOB_ERROR_NO_ADDRESS,
				     "portal target.example:3260: device bare has no address"));
	CU_ASSERT_TRUE(fails_at_once(DEVICE("san1"), "192.0.2.9", ISIF_JOB_ERROR_NO_ADDRESS,
				     "portal 192.0.2.9:3260: device san1 has no IPv4 address"));
	CU_ASSERT_TRUE(fails_at_once(DEVICE("san0"), "2001:db8::9", ISIF_JOB_ERROR_NO_ADDRESS,
				     "portal [2001:db8::9]:3260: device san0 has no IPv6 address"));
	CU_ASSERT_TRUE(fails_at_once(DEVICE("san1"), "fe80::9", ISIF_JOB_ERROR_NO_ADDRESS,
				     "portal [fe80::9]:3260: device san1 has no link-local IPv6 "
				     "address"));
}

/* The default route of this host, if it has one, is none over lo. */
static void test_no_route(void)
{
	CU_ASSERT_TRUE(fails_at_once(OVER_LO, "192.0.2.9", ISIF_JOB_ERROR_UNREACHABLE,
				     "portal 192.0.2.9:3260: there is no route to it over device "
				     "lo"));
	CU_ASSERT_TRUE(fails_at_once(TCP, "fe80::9", ISIF_JOB_ERROR_UNREACHABLE,
				     "portal [fe80::9]:3260: a link-local address means nothing "
				     "without a device, and iface if0 names none"));
	CU_ASSERT_TRUE(fails_at_once(OVER_LO, "fe80::9%77", ISIF_JOB_ERROR_UNREACHABLE,
				     "portal [fe80::9%77]:3260: the zone of the address is "
				     "another device than lo"));
}

static void test_inconclusive(void)
{
	CU_ASSERT_TRUE(fails_at_once("iface.transport_name = qla4xxx\n"
				     "iface.hwaddress = 02:00:00:00:00:02\n",
				     "192.0.2.9", ISIF_JOB_ERROR_INCONCLUSIVE,
				     "portal 192.0.2.9:3260: iface if0 is an offload port "
				     "(qla4xxx): the network is in its card, and nothing that the "
				     "host sends goes over it"));
	CU_ASSERT_TRUE(fails_at_once("iface.transport_name = iser\n", "192.0.2.9",
				     ISIF_JOB_ERROR_INCONCLUSIVE,
				     "portal 192.0.2.9:3260: iface if0 has transport iser, which "
				     "is not TCP"));
	CU_ASSERT_FALSE(probe.is_name);
}

/* A name: what can be said without looking it up is said. */
static void test_name(void)
{
	CU_ASSERT_TRUE(fails_at_once(OVER_LO, "target.example", ISIF_JOB_ERROR_NO_ADDRESS,
				     "portal target.example:3260: device lo has no address"));
	CU_ASSERT_FALSE(probe.is_name);
	CU_ASSERT_TRUE(fails_at_once(DEVICE("san0"), "target.example", ISIF_JOB_ERROR_INCONCLUSIVE,
				     "portal target.example:3260: its address is a name, which "
				     "only iscsiadm looks up"));
	CU_ASSERT_TRUE(probe.is_name);
	CU_ASSERT_TRUE(fails_at_once(DEVICE("pulled"), "target.example", ISIF_JOB_ERROR_LINK_DOWN,
				     "portal target.example:3260: device pulled has no carrier: "
				     "look at its cable and at the port of its switch"));
	CU_ASSERT_FALSE(probe.is_name);
}

/* Whoever shows the text cuts it, between characters. */
static void test_long_name(void)
{
	char name[256], text[512];

	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	snprintf(text, sizeof(text),
		 "portal %s:3260: its address is a name, which only iscsiadm looks up", name);
	CU_ASSERT_TRUE(fails_at_once(TCP, name, ISIF_JOB_ERROR_INCONCLUSIVE, text));
	CU_ASSERT_TRUE(probe.is_name);
}

/* SO_BINDTODEVICE knows devices, and no labels of addresses. */
static void test_label(void)
{
	if (!loopback_may_bind())
		return;
	CU_ASSERT_TRUE(fails_at_once(DEVICE("lo:1"), "127.0.0.1", ISIF_JOB_ERROR_NO_DEVICE,
				     "portal 127.0.0.1:3260: no connection can be bound to lo:1, "
				     "as it is only a label of an address: name its device"));
}

/* --- a connection --- */

static bool opens(const char *settings, const char *address, uint16_t port)
{
	begin(settings, address, port);
	wait_for_end();
	probe_end(&probe);
	return says(ISIF_JOB_ERROR_NONE, "");
}

/* The other end of the connection: it was closed, and nothing was said before. */
static bool was_silent(int listener)
{
	char octet;
	int connection = accept(listener, NULL, NULL);
	ssize_t got = recv(connection, &octet, 1, 0);

	close(connection);
	return connection >= 0 && got == 0;
}

static void test_opens(void)
{
	uint16_t port;
	int listener = loopback_listen(AF_INET, &port);

	CU_ASSERT_TRUE_FATAL(listener >= 0);
	CU_ASSERT_TRUE(opens(TCP, "127.0.0.1", port));
	CU_ASSERT_TRUE(was_silent(listener));
	if (loopback_may_bind()) {
		CU_ASSERT_TRUE(opens(OVER_LO, "127.0.0.1", port));
		CU_ASSERT_TRUE(was_silent(listener));
		CU_ASSERT_TRUE(opens(OVER_LO, "::ffff:127.0.0.1", port));
		CU_ASSERT_TRUE(was_silent(listener));
	}
	close(listener);
}

/* Two devices have the hardware address; open-iscsi takes the first one of the kernel's list. */
static void test_hwaddress(void)
{
	uint16_t port;
	int listener = loopback_listen(AF_INET, &port);

	CU_ASSERT_TRUE_FATAL(listener >= 0);
	strcpy(stage.links[LO - 1].hwaddress, SAN0_HWADDRESS);
	if (loopback_may_bind()) {
		CU_ASSERT_TRUE(
			opens(TCP "iface.hwaddress = " SAN0_HWADDRESS "\n", "127.0.0.1", port));
		CU_ASSERT_EQUAL(iface_row("if0")->device_status, ISIF_DEVICE_AMBIGUOUS);
		CU_ASSERT_TRUE(was_silent(listener));
	}
	close(listener);
}

static void test_ipv6(void)
{
	uint16_t port;
	int listener = loopback_listen(AF_INET6, &port);

	if (listener < 0) {
		fprintf(stderr, "\nNOT TESTED: a probe of ::1: this host has no IPv6\n");
		return;
	}
	CU_ASSERT_TRUE(opens(TCP, "::1", port));
	CU_ASSERT_TRUE(was_silent(listener));
	CU_ASSERT_TRUE(fails_at_once(OVER_LO, "2001:db8::9", ISIF_JOB_ERROR_UNREACHABLE,
				     "portal [2001:db8::9]:3260: there is no route to it over "
				     "device lo"));
	if (loopback_may_bind()) {
		CU_ASSERT_TRUE(opens(OVER_LO, "::1", port));
		CU_ASSERT_TRUE(was_silent(listener));
	}
	close(listener);
}

static void test_refused(void)
{
	uint16_t port;
	int descriptor = loopback_refuse(&port);
	char text[256];

	snprintf(text, sizeof(text),
		 "portal 127.0.0.1:%u: a TCP connection over device lo (by the routes) is "
		 "refused: does an iSCSI target listen there?",
		 port);
	begin(TCP, "127.0.0.1", port);
	wait_for_end();
	CU_ASSERT_TRUE(says(ISIF_JOB_ERROR_REFUSED, text));
	probe_end(&probe);
	close(descriptor);
}

static void test_timeout(void)
{
	struct loopback_deaf deaf;
	struct pollfd one = { .events = POLLIN };
	char text[256];

	loopback_deafen(&deaf);
	snprintf(text, sizeof(text),
		 "portal 127.0.0.1:%u: nobody answers a TCP connection over device lo (by the "
		 "routes) within 5 seconds: look at switches, firewalls, the target",
		 deaf.port);
	begin(TCP, "127.0.0.1", deaf.port);
	CU_ASSERT_FALSE(probe_work(&probe, NOW));
	CU_ASSERT_EQUAL(probe.deadline, NOW + PROBE_PATIENCE);
	one.fd = probe_descriptor(&probe);
	CU_ASSERT_TRUE_FATAL(one.fd >= 0);
	CU_ASSERT_EQUAL(poll(&one, 1, 0), 0);
	CU_ASSERT_FALSE(probe_work(&probe, NOW + PROBE_PATIENCE - 1));
	CU_ASSERT_TRUE(probe_work(&probe, NOW + PROBE_PATIENCE));
	CU_ASSERT_TRUE(says(ISIF_JOB_ERROR_TIMEOUT, text));
	CU_ASSERT_EQUAL(probe_descriptor(&probe), -1);
	probe_end(&probe);
	loopback_hear(&deaf);
}

/* Given up in the middle: nothing stays open. */
static void test_given_up(void)
{
	struct loopback_deaf deaf;
	int descriptor, connection;

	loopback_deafen(&deaf);
	begin(TCP, "127.0.0.1", deaf.port);
	CU_ASSERT_FALSE(probe_work(&probe, NOW));
	descriptor = probe_descriptor(&probe);
	connection = probe.socket;
	probe_end(&probe);
	CU_ASSERT_EQUAL(fcntl(descriptor, F_GETFD), -1);
	CU_ASSERT_EQUAL(fcntl(connection, F_GETFD), -1);
	CU_ASSERT_EQUAL(probe_descriptor(&probe), -1);
	loopback_hear(&deaf);
}

void add_probe_tests(void)
{
	CU_pSuite suite =
		CU_add_suite_with_setup_and_teardown("probe", NULL, NULL, set_up, tear_down);

	CU_add_test(suite, "no device", test_no_device);
	CU_add_test(suite, "link down", test_link_down);
	CU_add_test(suite, "no address of its family", test_no_address);
	CU_add_test(suite, "no route", test_no_route);
	CU_add_test(suite, "what no TCP connection can tell", test_inconclusive);
	CU_add_test(suite, "a portal with a name", test_name);
	CU_add_test(suite, "a portal with the longest name", test_long_name);
	CU_add_test(suite, "a label of an address is no device", test_label);
	CU_add_test(suite, "a connection opens, and nothing is said", test_opens);
	CU_add_test(suite, "a device by its hardware address", test_hwaddress);
	CU_add_test(suite, "IPv6", test_ipv6);
	CU_add_test(suite, "refused", test_refused);
	CU_add_test(suite, "nobody answers", test_timeout);
	CU_add_test(suite, "given up", test_given_up);
}
