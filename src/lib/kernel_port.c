/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel_port.h"

#include "kernel_sysfs.h"
#include "kernel_text.h"

#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

/*
 * What is copied of an iscsi_iface object (drivers/scsi/scsi_transport_iscsi.c,
 * iscsi_iface_attr_is_visible): all of it but chap_auth and bidi_chap. What is not here is not
 * read: later kernels may show secrets that this version does not know.
 */
static const char *const iface_attributes[] = {
	"enabled",
	"ipaddress",
	"vlan_id",
	"vlan_priority",
	"vlan_enabled",
	"mtu",
	"port",
	"ipaddress_state",
	"delayed_ack_en",
	"tcp_nagle_disable",
	"tcp_wsf_disable",
	"tcp_wsf",
	"tcp_timer_scale",
	"tcp_timestamp_en",
	"cache_id",
	"redirect_en",
	/* defaults for sessions */
	"def_taskmgmt_tmo",
	"header_digest",
	"data_digest",
	"immediate_data",
	"initial_r2t",
	"data_seq_in_order",
	"data_pdu_in_order",
	"erl",
	"max_recv_dlength",
	"first_burst_len",
	"max_outstanding_r2t",
	"max_burst_len",
	"discovery_auth_optional",
	"discovery_logout",
	"strict_login_comp_en",
	"initiator_name",
	/* IPv4 */
	"gateway",
	"subnet",
	"bootproto",
	"dhcp_dns_address_en",
	"dhcp_slp_da_info_en",
	"tos_en",
	"tos",
	"grat_arp_en",
	"dhcp_alt_client_id_en",
	"dhcp_alt_client_id",
	"dhcp_req_vendor_id_en",
	"dhcp_use_vendor_id_en",
	"dhcp_vendor_id",
	"dhcp_learn_iqn_en",
	"fragment_disable",
	"incoming_forwarding_en",
	"ttl",
	/* IPv6 */
	"link_local_addr",
	"router_addr",
	"ipaddr_autocfg",
	"link_local_autocfg",
	"link_local_state",
	"router_state",
	"grat_neighbor_adv_en",
	"mld_en",
	"flow_label",
	"traffic_class",
	"hop_limit",
	"nd_reachable_tmo",
	"nd_rexmit_time",
	"nd_stale_tmo",
	"dup_addr_detect_cnt",
	"router_adv_link_mtu",
	NULL,
};

static const char *const host_attributes[] = {
	"netdev", "hwaddress", "ipaddress", "initiatorname", "port_state", "port_speed", NULL,
};

/* The texts of a port that is being read, as offsets. */
enum port_text {
	NAME,
	TRANSPORT,
	HWADDRESS,
	PORT_STATE,
	PORT_SPEED,
	PORT_TEXTS,
};

static const size_t port_members[PORT_TEXTS] = {
	[NAME] = offsetof(struct isif_kernel_port, name),
	[TRANSPORT] = offsetof(struct isif_kernel_port, transport),
	[HWADDRESS] = offsetof(struct isif_kernel_port, hwaddress),
	[PORT_STATE] = offsetof(struct isif_kernel_port, port_state),
	[PORT_SPEED] = offsetof(struct isif_kernel_port, port_speed),
};

/* What an iscsi_iface object has not itself lies at its host. */
static const struct {
	enum port_text which;
	const char *attribute;
} host_texts[] = {
	{ HWADDRESS, "hwaddress" },
	{ PORT_STATE, "port_state" },
	{ PORT_SPEED, "port_speed" },
};

struct port_draft {
	struct isif_sysfs *sysfs;
	struct isif_kernel_port port;
	struct sysfs_directory object, host;
	size_t texts_read;	 /* of host_texts; they come first */
	const char *const *next; /* attribute of the object */
	struct text_pool text;
	struct text_pool attributes;
	size_t offsets[PORT_TEXTS];
	char value[SYSFS_VALUE_SIZE];
};

void port_draft_free(struct port_draft *draft)
{
	if (!draft)
		return;
	sysfs_directory_close(&draft->object);
	sysfs_directory_close(&draft->host);
	text_pool_clear(&draft->text);
	text_pool_clear(&draft->attributes);
	free(draft);
}
DEFINE_CLEANUP(struct port_draft, draft, port_draft_free);

static enum isif_error add_text(struct port_draft *draft, enum port_text which, const char *text)
{
	return text_pool_add(&draft->text, text, SIZE_MAX, &draft->offsets[which]);
}

static enum isif_error read_host_text(struct port_draft *draft)
{
	const size_t which = draft->texts_read++;
	enum isif_error error = sysfs_read(&draft->host, host_texts[which].attribute, draft->value,
					   sizeof(draft->value));

	return error ? error : add_text(draft, host_texts[which].which, draft->value);
}

static enum isif_error read_attribute(struct port_draft *draft)
{
	const char *name = *draft->next++;
	size_t offset;
	enum isif_error error =
		sysfs_read(&draft->object, name, draft->value, sizeof(draft->value));

	if (error || !*draft->value)
		return error;
	error = text_pool_add(&draft->attributes, name, SIZE_MAX, &offset);
	if (!error)
		error = text_pool_add(&draft->attributes, draft->value, SIZE_MAX, &offset);
	return error;
}

static bool is_enabled(const struct isif_kernel_port *port)
{
	const char *enabled = isif_kernel_port_attribute(port, "enabled");

	return enabled && !strcmp(enabled, "enable");
}

/* One piece of memory: the port, its texts, its attributes and the empty name at their end. */
static enum isif_error finish(const struct port_draft *draft, struct isif_kernel_port **port)
{
	/* A pool begins with an empty text, which is not ours to show. */
	size_t attributes = draft->attributes.used ? draft->attributes.used - 1 : 0;
	struct isif_kernel_port *made = malloc(sizeof(*made) + draft->text.used + attributes + 1);
	char *text;

	if (!made)
		return ISIF_NO_MEMORY;
	*made = draft->port;
	made->references = 1;
	text = (char *)(made + 1);
	memcpy(text, draft->text.bytes, draft->text.used);
	for (size_t i = 0; i < PORT_TEXTS; i++) {
		const char *pointer = text + draft->offsets[i];

		memcpy((char *)made + port_members[i], &pointer, sizeof(pointer));
	}
	text += draft->text.used;
	if (attributes)
		memcpy(text, draft->attributes.bytes + 1, attributes);
	text[attributes] = '\0';
	made->attributes = text;
	made->enabled = !made->family || is_enabled(made);
	*port = made;
	return ISIF_OK;
}

enum isif_error port_draft_step(struct port_draft *draft, struct isif_kernel_port **port)
{
	enum isif_error error = draft->texts_read < sizeof(host_texts) / sizeof(*host_texts)
					? read_host_text(draft)
					: read_attribute(draft);

	if (error || *draft->next)
		return error ? error : ISIF_INCOMPLETE;
	/* What went meanwhile has shown less than it had. */
	if (faccessat(draft->sysfs->root, draft->object.path, F_OK, 0))
		return ISIF_NOT_FOUND;
	return finish(draft, port);
}

/* Family, host and number stand nowhere but in the name: "ipv4-iface-0-1". */
static bool parse_name(const char *name, struct isif_kernel_port *port)
{
	const char *rest = text_after(name, "ipv4-iface-");
	size_t digits;
	char host[16];
	uint64_t number;

	port->family = rest ? AF_INET : AF_INET6;
	if (!rest)
		rest = text_after(name, "ipv6-iface-");
	if (!rest)
		return false;
	digits = strspn(rest, "0123456789");
	if (!digits || digits >= sizeof(host) || rest[digits] != '-')
		return false;
	memcpy(host, rest, digits);
	host[digits] = '\0';
	if (!text_number(host, UINT32_MAX, &number))
		return false;
	port->host = (uint32_t)number;
	if (!text_number(rest + digits + 1, UINT32_MAX, &number))
		return false;
	port->number = (uint32_t)number;
	return true;
}

static bool parse_host(const char *name, uint32_t *host)
{
	return !strchr(name, '/') && sysfs_path_number(name, "host", host);
}

static bool is_software(const char *transport)
{
	return !strcmp(transport, "tcp") || !strcmp(transport, "iser");
}

/* An object by its name, else a host; its own texts are those that need no question. */
static enum isif_error open_object(struct isif_sysfs *sysfs, const char *name,
				   struct port_draft *draft)
{
	struct isif_kernel_port *port = &draft->port;
	const bool iface = parse_name(name, port);
	enum isif_error error;

	if (!iface) {
		*port = (struct isif_kernel_port){ 0 };
		if (!parse_host(name, &port->host))
			return ISIF_INVALID;
	}
	draft->next = iface ? iface_attributes : host_attributes;
	error = sysfs_open(sysfs, &draft->object, "class/%s/%s",
			   iface ? "iscsi_iface" : "iscsi_host", name);
	if (!error)
		error = sysfs_transport(sysfs, port->host, draft->value, sizeof(draft->value));
	/* Every session of a software transport has a host of its own: those are no ports. */
	if (!error && !iface && (!*draft->value || is_software(draft->value)))
		return ISIF_NOT_FOUND;
	if (!error)
		error = add_text(draft, TRANSPORT, draft->value);
	return error || !iface ? error : add_text(draft, NAME, name);
}

enum isif_error port_draft_begin(struct isif_sysfs *sysfs, const char *name,
				 struct port_draft **result)
{
	struct port_draft *CLEANUP(cleanup_draft) draft = calloc(1, sizeof(*draft));
	enum isif_error error;

	if (!draft)
		return ISIF_NO_MEMORY;
	draft->sysfs = sysfs;
	draft->object.descriptor = draft->host.descriptor = -1;
	error = open_object(sysfs, name, draft);
	if (error)
		return error;
	error = sysfs_open(sysfs, &draft->host, "class/iscsi_host/host%u", draft->port.host);
	if (error && error != ISIF_NOT_FOUND)
		return error;
	*result = TAKE(draft);
	return ISIF_OK;
}

static enum isif_error read_whole(struct isif_sysfs *sysfs, const char *name,
				  struct isif_kernel_port **port)
{
	struct port_draft *CLEANUP(cleanup_draft) draft = NULL;
	enum isif_error error = port_draft_begin(sysfs, name, &draft);

	if (error)
		return error;
	do
		error = port_draft_step(draft, port);
	while (error == ISIF_INCOMPLETE);
	return error;
}

enum isif_error isif_kernel_port_read(struct isif_sysfs *sysfs, const char *name,
				      struct isif_kernel_port **port)
{
	struct isif_kernel_port parsed;

	*port = NULL;
	return parse_name(name, &parsed) ? read_whole(sysfs, name, port) : ISIF_INVALID;
}

struct host_search {
	uint32_t host;
	bool found;
};

static void look_for_host(void *context, const char *name)
{
	struct host_search *search = context;
	struct isif_kernel_port port;

	if (parse_name(name, &port) && port.host == search->host)
		search->found = true;
}

enum isif_error isif_kernel_port_of_host(struct isif_sysfs *sysfs, const char *name,
					 struct isif_kernel_port **port)
{
	struct host_search search = { 0 };
	enum isif_error error;

	*port = NULL;
	if (!parse_host(name, &search.host))
		return ISIF_INVALID;
	error = isif_sysfs_list(sysfs, "iscsi_iface", look_for_host, &search);
	if (!error && search.found)
		error = ISIF_NOT_FOUND;
	return error ? error : read_whole(sysfs, name, port);
}

struct isif_kernel_port *isif_kernel_port_hold(struct isif_kernel_port *port)
{
	port->references++;
	return port;
}

void isif_kernel_port_release(struct isif_kernel_port *port)
{
	if (port && !--port->references)
		free(port);
}

const char *isif_kernel_port_attribute(const struct isif_kernel_port *port, const char *name)
{
	for (const char *text = port->attributes; *text; text += strlen(text) + 1) {
		const char *value = text + strlen(text) + 1;

		if (!strcmp(text, name))
			return value;
		text = value;
	}
	return NULL;
}

bool isif_kernel_port_equal(const struct isif_kernel_port *a, const struct isif_kernel_port *b)
{
	const char *left = a->attributes, *right = b->attributes;

	if (a->host != b->host || a->family != b->family || a->number != b->number ||
	    a->enabled != b->enabled || strcmp(a->name, b->name) ||
	    strcmp(a->transport, b->transport) || strcmp(a->hwaddress, b->hwaddress) ||
	    strcmp(a->port_state, b->port_state) || strcmp(a->port_speed, b->port_speed))
		return false;
	/* No value is empty, so that the first empty text is the end of both. */
	while (*left && !strcmp(left, right)) {
		left += strlen(left) + 1;
		right += strlen(right) + 1;
	}
	return !*left && !*right;
}
