/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The one handler for the whole subtree: it carries varbinds between Net-SNMP and the engine.
 * No table helper of Net-SNMP's: they lose phases of a SET and accept truncated indexes.
 */
#include "handler.h"

#include "../lib/clock.h"
#include "agentx.h"
#include "config.h"
#include "engine.h"
#include "logging.h"
#include "setter.h"
#include "varbind.h"

#include <net-snmp/net-snmp-config.h>

#include <net-snmp/net-snmp-includes.h>

#include <net-snmp/agent/net-snmp-agent-includes.h>

#include <net-snmp/agent/agent_sysORTable.h>

#include <stdlib.h>
#include <string.h>

static void answer_get(struct mib_view *view, netsnmp_request_info *request,
		       netsnmp_agent_request_info *information)
{
	netsnmp_variable_list *variable = request->requestvb;
	struct mib_value value;

	switch (engine_get(view, variable->name, variable->name_length, &value)) {
	case ENGINE_VALUE:
		varbind_set(variable, &value);
		break;
	case ENGINE_NO_OBJECT:
		netsnmp_set_request_error(information, request, SNMP_NOSUCHOBJECT);
		break;
	case ENGINE_NO_INSTANCE:
	case ENGINE_END:
		netsnmp_set_request_error(information, request, SNMP_NOSUCHINSTANCE);
		break;
	}
}

static void answer_next(struct mib_view *view, netsnmp_request_info *request)
{
	netsnmp_variable_list *variable = request->requestvb;
	struct mib_value value;
	mib_arc next[MIB_OID_LIMIT * 2];
	size_t length;

	/* AgentX can ask for a range that begins with an instance and includes it. */
	if (request->inclusive &&
	    engine_get(view, variable->name, variable->name_length, &value) == ENGINE_VALUE) {
		varbind_set(variable, &value);
		return;
	}
	/* What stays ASN_NULL makes the master go on with the next subtree. */
	if (engine_next(view, variable->name, variable->name_length, next, &length, &value) !=
	    ENGINE_VALUE)
		return;
	snmp_set_var_objid(variable, next, length);
	varbind_set(variable, &value);
}

static void answer_reads(struct handler *handler, struct mib_view *view,
			 netsnmp_agent_request_info *information, netsnmp_request_info *requests)
{
	size_t arcs = 0;

	for (netsnmp_request_info *request = requests; request; request = request->next) {
		if (request->processed)
			continue;
		if (information->mode == MODE_GET)
			answer_get(view, request, information);
		else
			answer_next(view, request);
		arcs += request->requestvb->name_length;
	}
	/*
	 * An answer of so long names is too long for AgentX, and the library would lose the rest of
	 * them (snmp_agent.c:handle_getnext_loop).
	 */
	if (arcs > AGENTX_LONGEST / sizeof(uint32_t))
		netsnmp_set_request_error(information, requests, SNMP_ERR_TOOBIG);
	if (view->counters_asked)
		isif_monitor_counters_wanted(handler->monitor);
	if (view->ports_asked)
		isif_monitor_ports_wanted(handler->monitor);
	if (view->uses_asked)
		isif_monitor_uses_wanted(handler->monitor);
}

/* A value as the decoder wants it. What has not the length of its type gets no type. */
static struct mib_varbind to_varbind(const netsnmp_variable_list *variable)
{
	struct mib_varbind varbind = {
		.name = variable->name,
		.length = variable->name_length,
		.tag = variable->type,
	};

	switch (variable->type) {
	case ASN_INTEGER:
	case ASN_COUNTER:
	case ASN_UNSIGNED:
	case ASN_TIMETICKS:
		if (!variable->val.integer || variable->val_len != sizeof(*variable->val.integer))
			varbind.tag = 0;
		else if (variable->type == ASN_INTEGER)
			varbind.integer = (int32_t)*variable->val.integer;
		else
			varbind.integer = (uint32_t)*variable->val.integer;
		break;
	case ASN_OCTET_STR:
		varbind.octets = variable->val.string;
		varbind.octet_count = variable->val.string ? variable->val_len : 0;
		break;
	default:
		break;
	}
	return varbind;
}

static struct setter_error test(struct handler *handler, struct mib_view *view,
				uint32_t transaction_id, netsnmp_request_info *requests)
{
	struct setter_error error;
	struct mib_varbind *varbinds;
	size_t count = 0;

	for (netsnmp_request_info *request = requests; request; request = request->next)
		count++;
	varbinds = calloc(count, sizeof(*varbinds));
	if (!varbinds) {
		LOG(NOTICE, "SET %u refused, resourceUnavailable: out of memory", transaction_id);
		return (struct setter_error){ MIB_RESOURCE_UNAVAILABLE, 0 };
	}
	count = 0;
	for (netsnmp_request_info *request = requests; request; request = request->next)
		varbinds[count++] = to_varbind(request->requestvb);
	error = setter_test(&handler->setter, transaction_id, varbinds, count, view);
	free(varbinds);
	return error;
}

/*
 * One phase of a SET. TestSet is RESERVE1 and RESERVE2 in one go; all is done in the second, when
 * Net-SNMP has nothing more to refuse by itself. CleanupSet is COMMIT, or FREE after a test.
 */
static void answer_set(struct handler *handler, struct mib_view *view,
		       const netsnmp_agent_request_info *information,
		       netsnmp_request_info *requests)
{
	uint32_t id = (uint32_t)information->asp->pdu->transid;
	struct setter_error error = { MIB_NO_ERROR, 0 };
	netsnmp_request_info *request = requests;

	switch (information->mode) {
	case MODE_SET_RESERVE2:
		error = test(handler, view, id, requests);
		break;
	case MODE_SET_ACTION:
		error = setter_commit(&handler->setter, id);
		break;
	case MODE_SET_UNDO:
		error = setter_undo(&handler->setter, id);
		break;
	case MODE_SET_COMMIT:
	case MODE_SET_FREE:
		setter_cleanup(&handler->setter, id);
		break;
	default:
		break;
	}
	if (!error.error)
		return;
	while (error.varbind-- && request->next)
		request = request->next;
	/* As the handler's own result it would lose its code and its place. */
	netsnmp_request_set_error(request, (int)error.error);
}

/* What is kept for managers, as it is now. */
void handler_refresh(struct handler *handler)
{
	const struct isif_monitor *monitor = handler->monitor;
	struct mib_agent *facts = &handler->agent;

	facts->notify_enable = (uint8_t)isif_monitor_kept(monitor, ISIF_KEPT_NOTIFY_ENABLE);
	facts->notify_hold_down = isif_monitor_kept(monitor, ISIF_KEPT_HOLD_DOWN);
	facts->notify_rate = isif_monitor_kept(monitor, ISIF_KEPT_NOTIFY_RATE);
}

struct mib_view handler_view(const struct handler *handler)
{
	return (struct mib_view){
		.snapshot = isif_monitor_snapshot(handler->monitor),
		.jobs = isif_monitor_jobs(handler->monitor),
		.events = isif_monitor_events(handler->monitor),
		.agent = &handler->agent,
		.mono = clock_ms(),
		.origin = handler->origin,
	};
}

static int handle(netsnmp_mib_handler *mib_handler, netsnmp_handler_registration *registration,
		  netsnmp_agent_request_info *information, netsnmp_request_info *requests)
{
	struct handler *handler = mib_handler->myvoid;
	struct mib_view view = handler_view(handler);

	(void)registration;
	handler_refresh(handler);
	if (information->mode == MODE_GET || information->mode == MODE_GETNEXT)
		answer_reads(handler, &view, information, requests);
	else
		answer_set(handler, &view, information, requests);
	return SNMP_ERR_NOERROR;
}

bool handler_register(struct handler *handler)
{
	oid objects[MIB_OID_LIMIT];
	netsnmp_handler_registration *registration;

	memcpy(objects, mib_root, mib_root_length * sizeof(*objects));
	objects[mib_root_length] = 1;
	registration = netsnmp_create_handler_registration("iscsiIfaceObjects", handle, objects,
							   mib_root_length + 1, HANDLER_CAN_RWRITE);
	if (!registration || !registration->handler)
		return false;
	registration->handler->myvoid = handler;
	return netsnmp_register_handler(registration) == MIB_REGISTERED_OK;
}

void handler_announce(void)
{
	oid module[MIB_OID_LIMIT];

	memcpy(module, mib_root, mib_root_length * sizeof(*module));
	unregister_sysORTable(module, mib_root_length);
	register_sysORTable(module, mib_root_length,
			    "ISCSI-IFACE-MIB: iSCSI ifaces, portal bindings and sessions");
}
