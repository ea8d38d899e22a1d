/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "connection.h"

#include "config.h"
#include "logging.h"

#include <net-snmp/net-snmp-config.h>

#include <net-snmp/net-snmp-includes.h>

#include <net-snmp/agent/net-snmp-agent-includes.h>

#include <net-snmp/agent/agent_callbacks.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define DEFAULT_SOCKET	"/var/agentx/master"
#define FIRST_WAIT_MS	250
#define LONGEST_WAIT_MS 1000 /* so that a master that comes back is served within 2 s */
#define AGENTX_VERSION	193  /* of a Net-SNMP session that speaks AgentX */

static uint64_t monotonic_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

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
	if (session && session->version == AGENTX_VERSION) {
		session->timeout = 1000000;
		session->retries = 0;
	}
	return 0;
}

static int on_open(int major, int minor, void *server_argument, void *client_argument)
{
	(void)major;
	(void)minor;
	(void)server_argument;
	((struct connection *)client_argument)->opened = true;
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
		    connection->address);
	connection->waiting_logged = true;
	connection->up = connection->opened = false;
	connection->closed = true;
	connection->wait = FIRST_WAIT_MS;
	connection->retry = monotonic_ms() + connection->wait;
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

void connection_prepare(struct connection *connection, const char *master)
{
	netsnmp_enable_subagent();
	if (master)
		netsnmp_ds_set_string(NETSNMP_DS_APPLICATION_ID, NETSNMP_DS_AGENT_X_SOCKET, master);
	netsnmp_ds_set_boolean(NETSNMP_DS_APPLICATION_ID, NETSNMP_DS_AGENT_NO_CONNECTION_WARNINGS,
			       1);
	connection->address = master ? master : DEFAULT_SOCKET;
	connection->wait = FIRST_WAIT_MS;
	snmp_register_callback(SNMP_CALLBACK_LIBRARY, SNMP_CALLBACK_SESSION_INIT, on_session_init,
			       NULL);
	snmp_register_callback(SNMP_CALLBACK_LIBRARY, SNMP_CALLBACK_LOGGING, on_log, connection);
	snmp_enable_calllog();
}

void connection_supervise(struct connection *connection)
{
	/* No pings, and with them no reopening by the library. */
	netsnmp_ds_set_int(NETSNMP_DS_APPLICATION_ID, NETSNMP_DS_AGENT_AGENTX_PING_INTERVAL, 0);
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
	snmp_unregister_callback(SNMP_CALLBACK_LIBRARY, SNMP_CALLBACK_LOGGING, on_log, connection,
				 1);
	snmp_unregister_callback(SNMP_CALLBACK_APPLICATION, SNMPD_CALLBACK_INDEX_START, on_open,
				 connection, 1);
	snmp_unregister_callback(SNMP_CALLBACK_APPLICATION, SNMPD_CALLBACK_INDEX_STOP, on_close,
				 connection, 1);
}

/*
 * A try of the library's blocks while a master accepts but does not answer, and logs; so look
 * first whether anybody listens at all. Only for a socket in the file system.
 */
static bool somebody_listens(const char *address)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int descriptor;
	bool listens;

	if (!strncmp(address, "unix:", 5))
		address += 5;
	if (address[0] != '/' || strlen(address) >= sizeof(name.sun_path))
		return true;
	memcpy(name.sun_path, address, strlen(address) + 1);
	descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (descriptor < 0)
		return true;
	listens = !connect(descriptor, (const struct sockaddr *)(const void *)&name, sizeof(name));
	close(descriptor);
	return listens;
}

/*
 * Net-SNMP registered what it has while it opened the session, but not with ping interval 0, and
 * a registration that was refused or timed out is lost: so do it all again, here.
 */
static void finish(struct connection *connection, uint64_t now)
{
	connection->opened = connection->closed = connection->refused = false;
	register_mib_detach();
	register_mib_reattach();
	connection->connected(connection->context);
	if (connection->closed)
		return;
	if (connection->refused) {
		LOG(ERROR,
		    "the AgentX master at %s refused our registration: is another iscsi-ifaced "
		    "connected to it?",
		    connection->address);
		connection->retry = now + LONGEST_WAIT_MS * 10;
		return;
	}
	connection->up = true;
	connection->waiting_logged = false;
	connection->origin = now - (uint64_t)netsnmp_get_agent_uptime() * 10;
	LOG(NOTICE, "connected to the AgentX master at %s", connection->address);
}

static void wait_longer(struct connection *connection, uint64_t now)
{
	if (!connection->waiting_logged)
		LOG(WARNING, "no AgentX master answers at %s; it is tried again every second",
		    connection->address);
	connection->waiting_logged = true;
	connection->wait =
		connection->wait * 2 < LONGEST_WAIT_MS ? connection->wait * 2 : LONGEST_WAIT_MS;
	connection->retry = now + connection->wait;
}

void connection_run(struct connection *connection, uint64_t now)
{
	if (connection->up)
		return;
	if (!connection->opened && now >= connection->retry) {
		if (somebody_listens(connection->address))
			snmp_call_callbacks(SNMP_CALLBACK_LIBRARY, SNMP_CALLBACK_POST_READ_CONFIG,
					    NULL);
		now = monotonic_ms();
		if (!connection->opened)
			wait_longer(connection, now);
	}
	if (connection->opened)
		finish(connection, monotonic_ms());
}

int connection_timeout(const struct connection *connection, uint64_t now)
{
	if (connection->up)
		return -1;
	if (connection->opened || connection->retry <= now)
		return 0;
	return (int)(connection->retry - now);
}
