/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "connection.h"

#include "../gate/remote.h"
#include "../lib/clock.h"
#include "config.h"
#include "handed.h"
#include "logging.h"

#include <net-snmp/net-snmp-config.h>

#include <net-snmp/net-snmp-includes.h>

#include <net-snmp/agent/net-snmp-agent-includes.h>

#include <net-snmp/agent/agent_callbacks.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FIRST_WAIT_MS	250
#define LONGEST_WAIT_MS 1000 /* so that a master that comes back is served within 2 s */
#define REFUSED_WAIT_MS 5000
#define AGENTX_SESSION	193 /* of a Net-SNMP session that speaks AgentX */

/*
 * The session to the master must never keep us waiting: one second, and no second try, which
 * would deliver a notification twice.
 */
static int on_session_init(int major, int minor, void *server_argument, void *client_argument)
{
	netsnmp_session *session = server_argument;

	(void)major;
	(void)minor;
	(void)client_argument;
	if (session && session->version == AGENTX_SESSION) {
		session->timeout = 1000000;
		session->retries = 0;
	}
	return 0;
}

/* Where a socket in the file system is, NULL for any other transport. */
static const char *socket_path(const char *address)
{
	if (!strncmp(address, "unix:", 5))
		address += 5;
	return address[0] == '/' ? address : NULL;
}

/* As configured at the start: by -x, the agentXSocket token, or Net-SNMP's own default. */
static const char *master(struct connection *connection)
{
	const char *address =
		netsnmp_ds_get_string(NETSNMP_DS_APPLICATION_ID, NETSNMP_DS_AGENT_X_SOCKET);

	if (!connection->master)
		connection->master = strdup(address ? address : NETSNMP_AGENTX_SOCKET);
	return connection->master ? connection->master : NETSNMP_AGENTX_SOCKET;
}

/*
 * AgentX has no authentication (RFC 2741, 9): who listens in the master's place can send any SET.
 * The permissions of a UNIX socket say who that may be, a port says nothing. The library takes
 * these for a UNIX socket and for nothing else; without a prefix it would go on to TCP where no
 * socket has that name (snmplib/snmp_transport.c:netsnmp_tdomain_transport_full).
 */
static bool is_allowed(struct connection *connection)
{
	const char *address = master(connection);

	return *connection->network || address[0] == '/' || !strncmp(address, "unix:", 5);
}

/*
 * Before the library acts on what it has read: agentXPingInterval would bring its pings back. What
 * it opens now is to be a channel; and it may not connect to a socket in the file system by itself,
 * or where it must not: it gets one that is connected, or none.
 */
static int on_configured(int major, int minor, void *server_argument, void *client_argument)
{
	struct connection *connection = client_argument;
	const char *address = master(connection);
	char opened[1024];

	(void)major;
	(void)minor;
	(void)server_argument;
	netsnmp_ds_set_int(NETSNMP_DS_APPLICATION_ID, NETSNMP_DS_AGENT_AGENTX_PING_INTERVAL, 0);
	if (socket_path(address) || !is_allowed(connection))
		snprintf(opened, sizeof(opened), CHANNEL_DOMAIN ":" HANDED_DOMAIN ":%d",
			 connection->handed);
	else
		snprintf(opened, sizeof(opened), CHANNEL_DOMAIN ":%s", address);
	netsnmp_ds_set_string(NETSNMP_DS_APPLICATION_ID, NETSNMP_DS_AGENT_X_SOCKET, opened);
	return 0;
}

static int on_open(int major, int minor, void *server_argument, void *client_argument)
{
	struct connection *connection = client_argument;
	netsnmp_session *session = server_argument;

	netsnmp_transport *transport =
		session ? snmp_sess_transport(snmp_sess_pointer(session)) : NULL;

	(void)major;
	(void)minor;
	connection->open = true;
	connection->socket = transport ? transport->sock : -1;
	connection->retry = 0;
	return 0;
}

static int on_close(int major, int minor, void *server_argument, void *client_argument)
{
	struct connection *connection = client_argument;

	(void)major;
	(void)minor;
	(void)server_argument;
	if (connection->up)
		LOG(WARNING, "lost the AgentX master at %s; it is tried again every second",
		    master(connection));
	connection->waiting |= connection->up;
	connection->up = connection->open = false;
	connection->disconnected(connection->context);
	connection->wait = FIRST_WAIT_MS;
	connection->retry = clock_ms() + connection->wait;
	return 0;
}

/* The only word of the library on a registration that the master refused is a log line. */
static int on_log(int major, int minor, void *server_argument, void *client_argument)
{
	const struct snmp_log_message *message = server_argument;

	(void)major;
	(void)minor;
	if (message && message->msg && strstr(message->msg, "registering pdu failed"))
		((struct connection *)client_argument)->refused = true;
	return 0;
}

bool connection_prepare(struct connection *connection, const char *address)
{
	connection->handed = -1;
	if (!handed_register())
		return false;
	netsnmp_enable_subagent();
	if (address)
		netsnmp_ds_set_string(NETSNMP_DS_APPLICATION_ID, NETSNMP_DS_AGENT_X_SOCKET,
				      address);
	netsnmp_ds_set_boolean(NETSNMP_DS_APPLICATION_ID, NETSNMP_DS_AGENT_NO_CONNECTION_WARNINGS,
			       1);
	connection->wait = FIRST_WAIT_MS;
	connection->channel.context = connection->context;
	channel_prepare(&connection->channel);
	snmp_register_callback(SNMP_CALLBACK_LIBRARY, SNMP_CALLBACK_SESSION_INIT, on_session_init,
			       NULL);
	netsnmp_register_callback(SNMP_CALLBACK_LIBRARY, SNMP_CALLBACK_POST_READ_CONFIG,
				  on_configured, connection, NETSNMP_CALLBACK_HIGHEST_PRIORITY);
	snmp_register_callback(SNMP_CALLBACK_LIBRARY, SNMP_CALLBACK_LOGGING, on_log, connection);
	snmp_enable_calllog();
	return true;
}

void connection_supervise(struct connection *connection)
{
	snmp_register_callback(SNMP_CALLBACK_APPLICATION, SNMPD_CALLBACK_INDEX_START, on_open,
			       connection);
	snmp_register_callback(SNMP_CALLBACK_APPLICATION, SNMPD_CALLBACK_INDEX_STOP, on_close,
			       connection);
}

void connection_end(struct connection *connection)
{
	/*
	 * snmp_shutdown() would free what the callbacks were registered with. Debugging output
	 * of the unregistering must not come back to the callback that is being unregistered.
	 */
	snmp_disable_calllog();
	snmp_unregister_callback(SNMP_CALLBACK_LIBRARY, SNMP_CALLBACK_SESSION_INIT, on_session_init,
				 NULL, 1);
	snmp_unregister_callback(SNMP_CALLBACK_LIBRARY, SNMP_CALLBACK_POST_READ_CONFIG,
				 on_configured, connection, 1);
	free(connection->master);
	connection->master = NULL;
	snmp_unregister_callback(SNMP_CALLBACK_LIBRARY, SNMP_CALLBACK_LOGGING, on_log, connection,
				 1);
	snmp_unregister_callback(SNMP_CALLBACK_APPLICATION, SNMPD_CALLBACK_INDEX_START, on_open,
				 connection, 1);
	snmp_unregister_callback(SNMP_CALLBACK_APPLICATION, SNMPD_CALLBACK_INDEX_STOP, on_close,
				 connection, 1);
}

bool connection_check(struct connection *connection)
{
	if (is_allowed(connection))
		return true;
	LOG(ERROR,
	    "the AgentX master %s is refused: only a UNIX socket (/PATH or unix:PATH, by -x or "
	    "agentXSocket) tells who may send SETs; \"agentxNetwork yes\" in the configuration "
	    "allows any",
	    master(connection));
	return false;
}

const char *connection_path(struct connection *connection)
{
	return socket_path(master(connection));
}

/*
 * Opening a session blocks while a master accepts but does not answer, and logs; so that is only
 * tried with a connection, where there can be one.
 */
static void open_session(struct connection *connection)
{
	struct isif_privileged *gate = connection->gate;

	if (socket_path(master(connection)) &&
	    gate->operations->open_source(gate, ISIF_SOURCE_MASTER, NULL, &connection->handed))
		return;
	snmp_call_callbacks(SNMP_CALLBACK_LIBRARY, SNMP_CALLBACK_POST_READ_CONFIG, NULL);
	if (connection->handed >= 0)
		close(connection->handed);
	connection->handed = -1;
}

/*
 * With ping interval 0 Net-SNMP registers nothing while it opens a session, and a registration
 * that was refused or timed out is lost in any case: so do it all again, here.
 */
static void register_all(struct connection *connection)
{
	connection->refused = false;
	register_mib_detach();
	register_mib_reattach();
	connection->connected(connection->context);
	if (!connection->open || connection->channel.broken)
		return;
	if (connection->refused) {
		if (!connection->waiting)
			LOG(ERROR,
			    "the AgentX master at %s refused our registration: is another "
			    "iscsi-ifaced connected to it? It is tried again every %d s",
			    master(connection), REFUSED_WAIT_MS / 1000);
		connection->waiting = true;
		connection->retry = clock_ms() + REFUSED_WAIT_MS;
		return;
	}
	connection->up = true;
	connection->waiting = false;
	connection->origin = clock_ms() - (uint64_t)netsnmp_get_agent_uptime() * 10;
	LOG(NOTICE, "connected to the AgentX master at %s", master(connection));
}

static void try_to_open(struct connection *connection)
{
	open_session(connection);
	if (connection->open)
		return;
	if (!connection->waiting)
		LOG(WARNING, "no AgentX master answers at %s; it is tried again every second",
		    master(connection));
	connection->waiting = true;
	connection->wait =
		connection->wait * 2 < LONGEST_WAIT_MS ? connection->wait * 2 : LONGEST_WAIT_MS;
	connection->retry = clock_ms() + connection->wait;
}

void connection_run(struct connection *connection, uint64_t now)
{
	if (!connection->up && !connection->open && now >= connection->retry)
		try_to_open(connection);
	if (!connection->up && connection->open && now >= connection->retry)
		register_all(connection);
}

int connection_timeout(const struct connection *connection, uint64_t now)
{
	if (connection->up)
		return -1;
	return connection->retry <= now ? 0 : (int)(connection->retry - now);
}
