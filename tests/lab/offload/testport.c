/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Offload adapters that are not there, for the lab: an iscsi transport with hosts and iscsi_iface
 * objects, as open-iscsi and iscsi-ifaced meet them. It is called, shows and takes what one of the
 * kernel's own drivers does; a port keeps what it is told, and no session comes about through it.
 *
 * What it is told to do wrong is in /sys/module/testport/parameters, and can be changed there.
 */
#include <linux/inet.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/delay.h>
#include <linux/workqueue.h>
#include <asm/unaligned.h>
#include <net/netlink.h>
#include <scsi/scsi.h>
#include <scsi/scsi_cmnd.h>
#include <scsi/scsi_host.h>
#include <scsi/scsi_transport_iscsi.h>
#include <scsi/iscsi_if.h>
#include "parameters.h"

#define MOST_HOSTS   8u
#define MOST_NUMBERS 2u /* iscsi_iface objects of a family */
#define MAC_SIZE     6u
#define DELAY_LIMIT  35000u /* ms */

static char *name = "qla4xxx";
module_param(name, charp, 0444);
MODULE_PARM_DESC(name, "the driver it plays: qla4xxx, be2iscsi, cxgb4i or bnx2i");
static unsigned int hosts = 2;
module_param(hosts, uint, 0444);
MODULE_PARM_DESC(hosts, "hosts (iscsiadm 2.1.8 cannot apply to host 0)");
static int v4 = -1;
module_param(v4, int, 0444);
MODULE_PARM_DESC(v4, "IPv4 objects of a host, -1: as many as the driver makes");
static int v6 = -1;
module_param(v6, int, 0444);
MODULE_PARM_DESC(v6, "IPv6 objects of a host, -1: as many as the driver makes");
static char *netdev[MOST_HOSTS];
module_param_array(netdev, charp, NULL, 0444);
MODULE_PARM_DESC(netdev, "the hosts' network devices, of a driver that has some");

/* Here a parameter's number is that of enum iscsi_net_param; of iscsi_iface_param, 100 more. */
static unsigned int refuse;
module_param(refuse, uint, 0644);
MODULE_PARM_DESC(refuse, "this errno answers SET_IFACE_PARAMS and SET_HOST_PARAM, 0: none");
static unsigned int refuse_param;
module_param(refuse_param, uint, 0644);
MODULE_PARM_DESC(refuse_param, "only a message with this parameter is refused, 0: every one");
static int lie_param;
module_param(lie_param, int, 0644);
MODULE_PARM_DESC(lie_param, "this parameter is accepted and ignored, 0: none, -1: each one");
static unsigned int delay;
module_param(delay, uint, 0644);
MODULE_PARM_DESC(delay, "ms that the adapter restarts for before SET_IFACE_PARAMS is answered");
static unsigned int show_delay;
module_param(show_delay, uint, 0644);
MODULE_PARM_DESC(show_delay, "ms that the adapter needs to show an attribute of an object");
static int ping_status;
module_param(ping_status, int, 0644);
MODULE_PARM_DESC(ping_status, "what a ping comes to (enum iscsi_ping_status_code), -1: nothing");
static bool connected;
module_param(connected, bool, 0644);
MODULE_PARM_DESC(connected, "cxgb4i, bnx2i: show an address, as while a connection is up");
static unsigned int messages;
module_param(messages, uint, 0444);
MODULE_PARM_DESC(messages, "SET_IFACE_PARAMS that have come");

/* What the drivers differ in. */
struct driver {
	const char *name;
	unsigned int caps;
	unsigned int host_params; /* those that a host shows, a bit each */
	unsigned int objects[2];  /* IPv4, IPv6 */
	bool set_host;
	bool ping;
};

#define SHOWS(param) (1u << ISCSI_HOST_PARAM_##param)

static const struct driver drivers[] = {
	{
		.name = "qla4xxx",
		.caps = CAP_TEXT_NEGO | CAP_DATA_PATH_OFFLOAD | CAP_HDRDGST | CAP_DATADGST |
			CAP_LOGIN_OFFLOAD | CAP_MULTI_R2T,
		.host_params = SHOWS(HWADDRESS) | SHOWS(IPADDRESS) | SHOWS(INITIATOR_NAME) |
			       SHOWS(PORT_STATE) | SHOWS(PORT_SPEED),
		.objects = { 1, 2 },
		.ping = true,
	},
	{
		.name = "be2iscsi",
		.caps = CAP_RECOVERY_L0 | CAP_HDRDGST | CAP_TEXT_NEGO | CAP_MULTI_R2T |
			CAP_DATADGST | CAP_DATA_PATH_OFFLOAD,
		.host_params = SHOWS(HWADDRESS) | SHOWS(INITIATOR_NAME) | SHOWS(PORT_STATE) |
			       SHOWS(PORT_SPEED),
		.objects = { 1, 1 },
	},
	{
		.name = "cxgb4i",
		.caps = CAP_RECOVERY_L0 | CAP_MULTI_R2T | CAP_HDRDGST | CAP_DATADGST |
			CAP_DIGEST_OFFLOAD | CAP_PADDING_OFFLOAD | CAP_TEXT_NEGO,
		.host_params = SHOWS(HWADDRESS) | SHOWS(IPADDRESS) | SHOWS(INITIATOR_NAME) |
			       SHOWS(NETDEV_NAME),
		.set_host = true,
	},
	{
		.name = "bnx2i",
		.caps = CAP_RECOVERY_L0 | CAP_HDRDGST | CAP_MULTI_R2T | CAP_DATADGST |
			CAP_DATA_PATH_OFFLOAD | CAP_TEXT_NEGO,
		.host_params = SHOWS(HWADDRESS) | SHOWS(IPADDRESS) | SHOWS(NETDEV_NAME),
	},
};

struct port {
	struct Scsi_Host *shost;
	unsigned int ordinal;
	u8 hwaddress[MAC_SIZE];
	char initiator_name[64];
	__be32 address; /* that SET_HOST_PARAM gave it */
	bool link_down;
	struct iscsi_iface *objects[2][MOST_NUMBERS];
	union value values[2][MOST_NUMBERS][ARRAY_SIZE(parameters)];
};

struct ping {
	struct work_struct work;
	u32 host;
	u32 cookie;
	u32 status;
};

static const struct driver *plays;
static struct iscsi_transport transport;
static struct scsi_transport_template *template;
static struct workqueue_struct *pings;
static struct port *ports[MOST_HOSTS];
static DEFINE_SPINLOCK(values_lock); /* sysfs reads while netlink, one message at a time, writes */

static bool plays_be2iscsi(void)
{
	return !strcmp(plays->name, "be2iscsi");
}

static union value *value_of(struct port *port, bool ipv6, unsigned int number, unsigned int index)
{
	enum scope scope = parameters[index].scope;

	/* be2iscsi tags all that leaves the adapter, or nothing. */
	if (plays_be2iscsi() && (index == NET(VLAN_TAG) || index == NET(VLAN_ENABLED)))
		scope = OF_HOST;
	if (scope == OF_HOST)
		ipv6 = false;
	if (scope != OF_OBJECT)
		number = 0;
	return &port->values[ipv6][number][index];
}

/* --- what is shown --- */

static bool is_set(const union value *value)
{
	return memchr_inv(value->bytes, 0, sizeof(value->bytes));
}

static const char *address_state(bool valid)
{
	return iscsi_get_ipaddress_state_name(valid ? ISCSI_IPDDRESS_STATE_VALID
						    : ISCSI_IPDDRESS_STATE_UNCONFIGURED);
}

static const char *router_state(bool known)
{
	return iscsi_get_router_state_name(known ? ISCSI_ROUTER_STATE_MANUAL
						 : ISCSI_ROUTER_STATE_UNKNOWN);
}

static int show(struct port *port, bool ipv6, unsigned int number, unsigned int index, char *text)
{
	const struct parameter *parameter = &parameters[index];
	const union value *value = value_of(port, ipv6, number, index);
	u32 tag = value_of(port, ipv6, number, NET(VLAN_TAG))->number;

	switch (parameter->form) {
	case WORD:
		return sysfs_emit(text, "%s\n", parameter->words[value->number == 2]);
	case NUMBER:
		return sysfs_emit(text, "%u\n", value->number);
	case TEXT:
		return sysfs_emit(text, "%s\n", value->text);
	case IPV4:
		return sysfs_emit(text, "%pI4\n", value->bytes);
	case IPV6:
		return sysfs_emit(text, "%pI6\n", value->bytes);
	case VLAN_ID:
	case VLAN_PRIORITY:
		if (plays_be2iscsi() && value_of(port, ipv6, 0, NET(VLAN_ENABLED))->number != ON)
			return -EINVAL;
		return sysfs_emit(text, "%u\n",
				  parameter->form == VLAN_ID ? tag & ISCSI_MAX_VLAN_ID : tag >> 13);
	case ADDRESS_STATE:
		value = value_of(port, ipv6, number, ipv6 ? NET(IPV6_ADDR) : NET(IPV4_ADDR));
		return sysfs_emit(text, "%s\n", address_state(is_set(value)));
	case LINK_LOCAL_STATE:
		value = value_of(port, ipv6, number, NET(IPV6_LINKLOCAL));
		return sysfs_emit(text, "%s\n", address_state(is_set(value)));
	case ROUTER_STATE:
		value = value_of(port, ipv6, number, NET(IPV6_ROUTER));
		return sysfs_emit(text, "%s\n", router_state(is_set(value)));
	case INITIATOR_NAME:
		return sysfs_emit(text, "%s\n", port->initiator_name);
	default:
		return -ENOSYS;
	}
}

static int testport_get_iface_param(struct iscsi_iface *object, enum iscsi_param_type param_type,
				    int param, char *text)
{
	struct port *port = shost_priv(iscsi_iface_to_shost(object));
	bool ipv6 = object->iface_type == ISCSI_IFACE_TYPE_IPV6;
	int length;

	if (show_delay)
		msleep(min(show_delay, DELAY_LIMIT));
	spin_lock(&values_lock);
	length = show(port, ipv6, object->iface_num, parameter_index(param_type, param), text);
	spin_unlock(&values_lock);
	return length;
}

static int testport_get_host_param(struct Scsi_Host *shost, enum iscsi_host_param param, char *text)
{
	struct port *port = shost_priv(shost);
	struct iscsi_cls_host *state = shost->shost_data;
	const char *device = netdev[port->ordinal];

	switch (param) {
	case ISCSI_HOST_PARAM_HWADDRESS:
		return sysfs_emit(text, "%pM\n", port->hwaddress);
	case ISCSI_HOST_PARAM_INITIATOR_NAME:
		return sysfs_emit(text, "%s\n", port->initiator_name);
	case ISCSI_HOST_PARAM_NETDEV_NAME:
		return sysfs_emit(text, "%s\n", device ? device : "");
	case ISCSI_HOST_PARAM_IPADDRESS:
		if (plays->objects[0])
			return sysfs_emit(text, "%pI4\n",
					  value_of(port, false, 0, NET(IPV4_ADDR))->bytes);
		/* cxgb4i and bnx2i ask a connection. */
		return connected ? sysfs_emit(text, "%pI4\n", &port->address) : 0;
	case ISCSI_HOST_PARAM_PORT_STATE:
		state->port_state = port->link_down ? ISCSI_PORT_STATE_DOWN : ISCSI_PORT_STATE_UP;
		return sysfs_emit(text, "%s\n", iscsi_get_port_state_name(shost));
	case ISCSI_HOST_PARAM_PORT_SPEED:
		state->port_speed =
			port->link_down ? ISCSI_PORT_SPEED_UNKNOWN : ISCSI_PORT_SPEED_10GBPS;
		return sysfs_emit(text, "%s\n", iscsi_get_port_speed_name(shost));
	default:
		return -ENOSYS;
	}
}

static umode_t testport_attr_is_visible(int param_type, int param)
{
	const struct parameter *parameter = &parameters[parameter_index(param_type, param)];
	bool visible = parameter->form != NOT_SHOWN;

	if (param_type == ISCSI_HOST_PARAM)
		visible = plays->host_params & (1u << param);
	else if (plays_be2iscsi())
		visible = visible && parameter->be2iscsi;
	return visible ? 0444 : 0;
}

/* --- what is set --- */

/* The objects of a family come and go together. */
static void enable(struct port *port, bool ipv6, bool on)
{
	struct iscsi_iface **object = port->objects[ipv6];
	unsigned int count = ipv6 ? v6 : v4;

	for (unsigned int number = 0; number < count; number++) {
		if (on && !object[number])
			object[number] = iscsi_create_iface(
				port->shost, &transport,
				ipv6 ? ISCSI_IFACE_TYPE_IPV6 : ISCSI_IFACE_TYPE_IPV4, number, 0);
		if (!on && object[number]) {
			iscsi_destroy_iface(object[number]);
			object[number] = NULL;
		}
	}
}

static bool is_switch(u32 number)
{
	return number == OFF || number == ON;
}

static void store(union value *value, const struct parameter *parameter,
		  const struct iscsi_iface_param_info *info, u32 number)
{
	switch (parameter->form) {
	case WORD:
		if (is_switch(number))
			value->number = number;
		break;
	case TEXT:
		memset(value, 0, sizeof(*value));
		memcpy(value->text, info->value, min(info->len, LONGEST_TEXT));
		break;
	case IPV4:
	case IPV6:
		memcpy(value->bytes, info->value, parameter->size);
		break;
	default:
		value->number = parameter->mask ? number & parameter->mask : number;
		break;
	}
}

static u32 number_in(const struct iscsi_iface_param_info *info)
{
	switch (info->len) {
	case 1:
		return info->value[0];
	case 2:
		return get_unaligned((const u16 *)info->value);
	case 4:
		return get_unaligned((const u32 *)info->value);
	default:
		return 0;
	}
}

static bool can_be_set(unsigned int index)
{
	if (plays_be2iscsi() && !parameters[index].be2iscsi)
		return false;
	return parameters[index].size || parameters[index].form == TEXT;
}

static void apply(struct port *port, const struct iscsi_iface_param_info *info)
{
	unsigned int index = parameter_index(info->param_type, info->param);
	const struct parameter *parameter = &parameters[index];
	bool ipv6 = info->iface_type == ISCSI_IFACE_TYPE_IPV6;
	u32 number = number_in(info);
	union value *value;

	if (!can_be_set(index) || lie_param == -1 || lie_param == index)
		return;
	if (info->iface_num >= (ipv6 ? v6 : v4))
		return;
	if ((info->iface_num & 1) && !parameter->odd)
		return;
	value = value_of(port, ipv6, info->iface_num, index);
	spin_lock(&values_lock);
	switch (index) {
	case NET(IPV6_LINKLOCAL): /* the firmware has only the second half */
		memcpy(value->bytes + 8, info->value + 8, 8);
		break;
	case NET(IPV6_ROUTER_AUTOCFG):
		if (number == ISCSI_IPV6_ROUTER_AUTOCFG_ENABLE)
			memset(value_of(port, ipv6, 0, NET(IPV6_ROUTER)), 0, sizeof(*value));
		break;
	case NET(VLAN_ENABLED): /* be2iscsi waits for the tag */
		if (!plays_be2iscsi() || number != ON)
			store(value, parameter, info, number);
		break;
	case NET(VLAN_TAG):
		value->number = number;
		if (plays_be2iscsi())
			value_of(port, ipv6, 0, NET(VLAN_ENABLED))->number = ON;
		break;
	default:
		store(value, parameter, info, number);
		break;
	}
	spin_unlock(&values_lock);
	if (index == NET(IFACE_ENABLE) && is_switch(number))
		enable(port, ipv6, number == ON);
}

/*
 * What a driver would read past the end of, or not find, is refused. A parameter that the adapter
 * does not know is passed over: no driver makes an error of it.
 */
static int check(const struct nlattr *attribute)
{
	const struct iscsi_iface_param_info *info = nla_data(attribute);
	unsigned int index;

	if (nla_len(attribute) < sizeof(*info) || info->len > nla_len(attribute) - sizeof(*info) ||
	    nla_type(attribute) != info->param)
		return -EINVAL;
	index = parameter_index(info->param_type, info->param);
	if (refuse && refuse_param && refuse_param == index)
		return -refuse;
	if (plays_be2iscsi() && info->param_type == ISCSI_NET_PARAM && info->iface_num)
		return -EINVAL;
	if (!can_be_set(index))
		return 0;
	if (parameters[index].form == TEXT)
		return info->len ? 0 : -EINVAL;
	return info->len == parameters[index].size ? 0 : -EINVAL;
}

static int testport_set_iface_param(struct Scsi_Host *shost, void *data, uint32_t length)
{
	struct nlattr *attribute;
	int rest, error = 0;

	messages++;
	msleep(min(delay, DELAY_LIMIT));
	if (refuse && !refuse_param)
		return -refuse;
	/* qla4xxx writes its flash when it has seen all of a message, be2iscsi sets one by one. */
	nla_for_each_attr(attribute, data, length, rest) if (!error && !plays_be2iscsi()) error =
		check(attribute);
	if (error)
		return error;
	nla_for_each_attr(attribute, data, length, rest)
	{
		error = check(attribute);
		if (error)
			return error;
		apply(shost_priv(shost), nla_data(attribute));
	}
	return 0;
}

/* As cxgbi: an address is taken, the rest of what iscsid tells it at login is ignored. */
static int testport_set_host_param(struct Scsi_Host *shost, enum iscsi_host_param param, char *text,
				   int length)
{
	struct port *port = shost_priv(shost);

	if (refuse && !refuse_param)
		return -refuse;
	if (param == ISCSI_HOST_PARAM_IPADDRESS && lie_param != -1)
		port->address = in_aton(text);
	return 0;
}

/* --- pings, and the link --- */

static void ping_answered(struct work_struct *work)
{
	struct ping *ping = container_of(work, struct ping, work);

	iscsi_ping_comp_event(ping->host, &transport, ping->status, ping->cookie, 0, NULL);
	kfree(ping);
}

static int testport_send_ping(struct Scsi_Host *shost, uint32_t number, uint32_t type,
			      uint32_t size, uint32_t cookie, struct sockaddr *to)
{
	sa_family_t family = type == ISCSI_IFACE_TYPE_IPV6 ? AF_INET6 : AF_INET;
	struct ping *ping;

	if (to->sa_family != family)
		return -ENOSYS;
	if (ping_status < 0)
		return 0;
	ping = kzalloc(sizeof(*ping), GFP_KERNEL);
	if (!ping)
		return -ENOMEM;
	INIT_WORK(&ping->work, ping_answered);
	ping->host = shost->host_no;
	ping->cookie = cookie;
	ping->status = ping_status;
	queue_work(pings, &ping->work);
	return 0;
}

static int set_link(const char *text, const struct kernel_param *parameter)
{
	unsigned int host;
	char word[5];

	if (sscanf(text, "%u %4s", &host, word) != 2 ||
	    (strcmp(word, "up") && strcmp(word, "down")))
		return -EINVAL;
	for (unsigned int i = 0; i < MOST_HOSTS; i++) {
		if (!ports[i] || ports[i]->shost->host_no != host)
			continue;
		ports[i]->link_down = !strcmp(word, "down");
		iscsi_post_host_event(
			host, &transport,
			ports[i]->link_down ? ISCSI_EVENT_LINKDOWN : ISCSI_EVENT_LINKUP, 0, NULL);
		return 0;
	}
	return -ENODEV;
}

static const struct kernel_param_ops link_ops = { .set = set_link };
module_param_cb(link, &link_ops, NULL, 0200);
MODULE_PARM_DESC(link, "HOST up|down: what happens to the link of that host");

/* --- the transport --- */

/* Of the calls for sessions the only one that can come where there is no session. */
static struct iscsi_cls_session *testport_create_session(struct iscsi_endpoint *endpoint,
							 uint16_t commands, uint16_t depth,
							 uint32_t serial)
{
	return NULL;
}

static int testport_queuecommand(struct Scsi_Host *shost, struct scsi_cmnd *command)
{
	command->result = DID_NO_CONNECT << 16;
	scsi_done(command);
	return 0;
}

static struct iscsi_transport transport = {
	.owner = THIS_MODULE,
	.create_session = testport_create_session,
	.attr_is_visible = testport_attr_is_visible,
	.get_host_param = testport_get_host_param,
	.get_iface_param = testport_get_iface_param,
};

static struct scsi_host_template host_template = {
	.module = THIS_MODULE,
	.name = "iSCSI test port",
	.queuecommand = testport_queuecommand,
	.can_queue = 1,
	.this_id = -1,
};

/* 192.0.2.1, .2, .17, .18 and so on, in a network of 24 bits, with a router; likewise for IPv6. */
static void set_addresses(struct port *port, unsigned int number)
{
	static const u8 subnet[] = { 255, 255, 255, 0 };
	static const u8 gateway[] = { 192, 0, 2, 254 };
	union value *ipv4 = port->values[false][number], *ipv6 = port->values[true][number];
	u8 last = 1 + 16 * port->ordinal + number;

	memcpy(ipv4[NET(IPV4_ADDR)].bytes, gateway, sizeof(gateway));
	ipv4[NET(IPV4_ADDR)].bytes[3] = last;
	memcpy(ipv4[NET(IPV4_SUBNET)].bytes, subnet, sizeof(subnet));
	memcpy(ipv4[NET(IPV4_GW)].bytes, gateway, sizeof(gateway));
	put_unaligned_be32(0x20010db8, ipv6[NET(IPV6_ADDR)].bytes);
	ipv6[NET(IPV6_ADDR)].bytes[15] = last;
	put_unaligned_be16(0xfe80, ipv6[NET(IPV6_LINKLOCAL)].bytes);
	ipv6[NET(IPV6_LINKLOCAL)].bytes[15] = last;
	put_unaligned_be16(0xfe80, ipv6[NET(IPV6_ROUTER)].bytes);
	ipv6[NET(IPV6_ROUTER)].bytes[15] = 254;
}

static int add_port(unsigned int ordinal)
{
	static const u8 hwaddress[MAC_SIZE] = { 0x02, 0x69, 0x73, 0x69, 0x66 };
	struct Scsi_Host *shost = scsi_host_alloc(&host_template, sizeof(struct port));
	struct port *port;
	int error;

	if (!shost)
		return -ENOMEM;
	port = shost_priv(shost);
	port->shost = shost;
	port->ordinal = ordinal;
	memcpy(port->hwaddress, hwaddress, sizeof(hwaddress));
	port->hwaddress[5] = ordinal;
	snprintf(port->initiator_name, sizeof(port->initiator_name),
		 "iqn.2026-11.org.example:port%u", ordinal);
	for (unsigned int number = 0; number < MOST_NUMBERS; number++) {
		for (unsigned int index = 0; index < ARRAY_SIZE(parameters); index++) {
			port->values[false][number][index].number = parameters[index].initial;
			port->values[true][number][index].number = parameters[index].initial;
		}
		set_addresses(port, number);
	}
	shost->transportt = template;
	error = scsi_add_host(shost, NULL);
	if (error) {
		scsi_host_put(shost);
		return error;
	}
	ports[ordinal] = port;
	enable(port, false, true);
	enable(port, true, true);
	return 0;
}

static void remove_port(unsigned int ordinal)
{
	struct port *port = ports[ordinal];

	if (!port)
		return;
	ports[ordinal] = NULL;
	enable(port, false, false);
	enable(port, true, false);
	scsi_remove_host(port->shost);
	scsi_host_put(port->shost);
}

static void testport_exit(void)
{
	for (unsigned int i = 0; i < MOST_HOSTS; i++)
		remove_port(i);
	destroy_workqueue(pings);
	iscsi_unregister_transport(&transport);
}

static bool choose_driver(void)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(drivers); i++)
		if (!strcmp(drivers[i].name, name))
			plays = &drivers[i];
	if (!plays)
		return false;
	if (v4 < 0)
		v4 = plays->objects[0];
	if (v6 < 0)
		v6 = plays->objects[1];
	return hosts <= MOST_HOSTS && v4 <= MOST_NUMBERS && v6 <= MOST_NUMBERS;
}

static int __init testport_init(void)
{
	int error = 0;

	if (!choose_driver())
		return -EINVAL;
	transport.name = name;
	transport.caps = plays->caps;
	host_template.proc_name = name;
	if (plays->objects[0])
		transport.set_iface_param = testport_set_iface_param;
	if (plays->set_host)
		transport.set_host_param = testport_set_host_param;
	if (plays->ping)
		transport.send_ping = testport_send_ping;
	pings = alloc_ordered_workqueue("testport", 0);
	if (!pings)
		return -ENOMEM;
	template = iscsi_register_transport(&transport);
	if (!template) {
		destroy_workqueue(pings);
		return -ENODEV;
	}
	for (unsigned int i = 0; !error && i < hosts; i++)
		error = add_port(i);
	if (error)
		testport_exit();
	return error;
}

module_init(testport_init);
module_exit(testport_exit);
MODULE_DESCRIPTION("Offload adapters for the tests of iscsi-ifaced");
MODULE_LICENSE("GPL");
