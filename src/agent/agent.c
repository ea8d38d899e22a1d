/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The process that serves the MIB: one loop over the sources, the master's requests and signals.
 * Nothing in it blocks; the set of descriptors is made anew every turn, because Net-SNMP closes and
 * opens its own behind our back.
 */
#include "agent.h"

#include "../gate/remote.h"
#include "../lib/clock.h"
#include "config.h"
#include "configuration.h"
#include "connection.h"
#include "daemon.h"
#include "handler.h"
#include "logging.h"
#include "notifier.h"
#include "options.h"
#include "rules.h"
#include "snmp_loop.h"

#include <net-snmp/net-snmp-config.h>

#include <net-snmp/net-snmp-includes.h>

#include <net-snmp/agent/net-snmp-agent-includes.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

struct agent {
	const struct options *options;
	struct isif_privileged *gate;
	bool gate_is_given; /* to the monitor, which closes it */
	struct configuration configuration;
	struct connection connection;
	struct handler handler;
	struct notifier notifier;
	int signals;
	bool served; /* since the connection was made */
	int null;    /* /dev/null, for when nobody listens any more */
	bool stop;
};

static bool iface_is_allowed(void *context, const char *iface)
{
	const struct configuration *configuration = context;

	return bounds_hold(&configuration->bounds, iface);
}

/* A line that was refused may be the one that keeps SETs off an iface: then nothing is written. */
static enum control_mode control_mode(const struct configuration *configuration)
{
	return configuration->errors ? CONTROL_READ_ONLY : configuration->control_mode;
}

/* What may change while it runs: from the configuration into those who use it. */
static void apply_configuration(struct agent *agent)
{
	struct configuration *configuration = &agent->configuration;
	enum control_mode mode = control_mode(configuration);

	agent->handler.agent.control_mode = (int32_t)mode;
	agent->handler.setter.policy = (struct isif_policy){
		.sessions = mode == CONTROL_FULL,
		.allows = iface_is_allowed,
		.context = configuration,
	};
	isif_monitor_configure(agent->handler.monitor,
			       &(struct isif_monitor_configuration){
				       .resync_interval = configuration->resync_interval,
				       .rebind_mode = configuration->rebind_mode,
				       .job_history = configuration->job_history,
				       .event_history = configuration->event_history,
				       .hold_down = configuration->hold_down,
				       .iscsiadm_timeout = configuration->iscsiadm_timeout,
				       .session_timeout = configuration->session_timeout,
				       .force_counts = !configuration->protect_in_use,
				       .writes = mode != CONTROL_READ_ONLY,
			       });
	if (mode != CONTROL_READ_ONLY)
		LOG(NOTICE, "controlMode %s: SETs may change records",
		    mode == CONTROL_FULL ? "full" : "records");
}

static void reread_configuration(struct agent *agent)
{
	if (!configuration_reread(&agent->configuration))
		LOG(ERROR, "the configuration has errors, see above; the refused lines have no "
			   "effect, and SETs are refused until it is right");
	apply_configuration(agent);
	LOG(NOTICE, "read the configuration again");
}

static void take_signals(struct agent *agent)
{
	struct signalfd_siginfo information;

	while (read(agent->signals, &information, sizeof(information)) ==
	       (ssize_t)sizeof(information)) {
		switch (information.ssi_signo) {
		case SIGHUP:
			reread_configuration(agent);
			break;
		case SIGUSR1:
			isif_monitor_resync(agent->handler.monitor);
			break;
		default:
			agent->stop = true;
			break;
		}
	}
}

static bool is_busy(void *context, int master)
{
	(void)context;
	return snmp_is_busy(master);
}

static bool any_ready(const struct pollfd *descriptors, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (descriptors[i].revents)
			return true;
	return false;
}

static void lower(int *timeout, int candidate)
{
	if (candidate >= 0 && (*timeout < 0 || candidate < *timeout))
		*timeout = candidate;
}

/* After each turn: before the disk hears of it, which may be slow. */
static void notify(struct agent *agent)
{
	struct mib_view view;

	handler_refresh(&agent->handler);
	view = handler_view(&agent->handler);
	notifier_look(&agent->notifier, &view, agent->connection.up, clock_ms());
	if (agent->connection.up)
		notifier_send(&agent->notifier, agent->connection.socket, clock_ms());
}

static void turn(struct agent *agent)
{
	struct pollfd descriptors[SNMP_DESCRIPTORS + ISIF_MONITOR_DESCRIPTORS + 2];
	struct isif_monitor *monitor = agent->handler.monitor;
	struct setter *setter = &agent->handler.setter;
	int timeout = isif_monitor_timeout(monitor);
	size_t snmp_count, sources;

	lower(&timeout, setter_timeout(setter, clock_ms()));
	lower(&timeout, notifier_timeout(&agent->notifier, agent->connection.up, clock_ms()));
	lower(&timeout, connection_timeout(&agent->connection, clock_ms()));
	snmp_count = snmp_descriptors(descriptors, SNMP_DESCRIPTORS, &timeout);
	sources = isif_monitor_descriptors(monitor, descriptors + snmp_count,
					   ISIF_MONITOR_DESCRIPTORS);
	descriptors[snmp_count + sources] =
		(struct pollfd){ .fd = agent->signals, .events = POLLIN };
	descriptors[snmp_count + sources + 1] =
		(struct pollfd){ .fd = remote_descriptor(agent->gate) };
	if (poll(descriptors, snmp_count + sources + 2, timeout) < 0 && errno != EINTR)
		return;
	if (snmp_serve(descriptors, snmp_count))
		snmp_drain();
	snmp_timeout();
	run_alarms();
	netsnmp_check_outstanding_agent_requests();
	setter_run(setter, clock_ms());
	if (descriptors[snmp_count + sources].revents)
		take_signals(agent);
	if (any_ready(descriptors + snmp_count, sources) || isif_monitor_timeout(monitor) == 0)
		isif_monitor_run(monitor);
	connection_run(&agent->connection, clock_ms());
	notify(agent);
}

static void on_connected(void *context)
{
	struct agent *agent = context;

	agent->served = true;
	handler_announce();
}

static void on_disconnected(void *context)
{
	struct agent *agent = context;

	setter_disconnected(&agent->handler.setter, clock_ms());
	if (agent->served)
		isif_monitor_tell(agent->handler.monitor, ISIF_HAPPENED_MASTER_LOST,
				  "the connection to the AgentX master broke");
	agent->served = false;
}

/* The same ones are blocked already. */
static bool open_signals(struct agent *agent)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGUSR1);
	agent->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	agent->null = open("/dev/null", O_RDWR | O_CLOEXEC);
	return agent->signals >= 0 && agent->null >= 0;
}

static int fail(const char *what, const char *object, const char *why)
{
	LOG(ERROR, "%s %s: %s", what, object, why);
	return EXIT_FAILURE;
}

static void prepare_library(struct agent *agent)
{
	const struct options *options = agent->options;

	/* Not one MIB file is needed, and nothing of Net-SNMP's is to be kept on disk. */
	setenv("MIBS", "", 1);
	setenv("MIBDIRS", "/dev/null", 1);
	setenv("SNMP_PERSISTENT_DIR", options->state_directory, 1);
	netsnmp_ds_set_boolean(NETSNMP_DS_LIBRARY_ID, NETSNMP_DS_LIB_DISABLE_PERSISTENT_LOAD, 1);
	netsnmp_ds_set_boolean(NETSNMP_DS_LIBRARY_ID, NETSNMP_DS_LIB_DISABLE_PERSISTENT_SAVE, 1);
	if (options->no_default_configuration)
		netsnmp_ds_set_boolean(NETSNMP_DS_LIBRARY_ID, NETSNMP_DS_LIB_DONT_READ_CONFIGS, 1);
	if (options->configuration)
		netsnmp_ds_set_string(NETSNMP_DS_LIBRARY_ID, NETSNMP_DS_LIB_OPTIONALCONFIG,
				      options->configuration);
}

/* Net-SNMP makes a directory for certificates wherever it starts; a subagent has none. */
static void remove_certificates(const struct options *options)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/cert_indexes", options->state_directory);
	rmdir(path);
}

/* Opens all that needs rights, and gives them up. */
static int open_monitor(struct agent *agent, const struct agent_start *start)
{
	const struct isif_monitor_options monitor = {
		.gate = agent->gate,
		.sysfs = agent->options->sysfs,
		.log = agent_log,
	};
	const char *what;
	bool filtered;

	agent->connection.gate = agent->gate;
	agent->gate_is_given = true;
	if (isif_monitor_open(&monitor, &agent->handler.monitor))
		return EXIT_FAILURE;
	if (!contain(&start->user, start->parent, &what, &filtered))
		return fail("cannot", what, strerror(errno));
	if (!filtered)
		LOG(WARNING,
		    "this kernel has no filter of system calls (CONFIG_SECCOMP_FILTER): the "
		    "process that talks to the network is held back by its user alone");
	return isif_monitor_start(agent->handler.monitor) ? EXIT_FAILURE : EXIT_SUCCESS;
}

static void prepare_handler(struct handler *handler)
{
	struct mib_agent *facts = &handler->agent;

	facts->version = PACKAGE_VERSION;
	facts->control_mode = CONTROL_READ_ONLY;
	/* A lock that began at 0 each time would let two managers believe they hold it. */
	if (getrandom(&facts->set_lock, sizeof(facts->set_lock), GRND_NONBLOCK) < 0)
		facts->set_lock = (int32_t)clock_ms();
	facts->set_lock &= INT32_MAX;
	handler->setter = (struct setter){
		.monitor = handler->monitor,
		.agent = facts,
		.log = &agent_log,
	};
}

/* Events of an earlier life are in the table; this one began with the last start. */
static void prepare_notifier(struct agent *agent)
{
	const struct isif_event_list events = isif_monitor_events(agent->handler.monitor);
	uint32_t first = events.count;

	while (first && events.events[first - 1]->kind != ISIF_HAPPENED_AGENT_STARTED)
		first--;
	agent->notifier = (struct notifier){ .monitor = agent->handler.monitor,
					     .agent = &agent->handler.agent,
					     .last = first ? events.events[first - 1]->index : 0 };
}

static int start_library(struct agent *agent)
{
	const struct options *options = agent->options;

	if (options->configuration && access(options->configuration, R_OK))
		return fail("cannot read the configuration", options->configuration,
			    strerror(errno));
	prepare_library(agent);
	agent->connection.connected = on_connected;
	agent->connection.disconnected = on_disconnected;
	agent->connection.context = agent;
	agent->connection.network = &agent->configuration.agentx_network;
	agent->connection.channel.is_busy = is_busy;
	if (!connection_prepare(&agent->connection, options->master))
		return fail("cannot prepare", "the connection to the master", "out of memory");
	if (init_agent("iscsi-ifaced"))
		return fail("cannot start", "Net-SNMP's agent library", "init_agent failed");
	configuration_register(&agent->configuration);
	connection_supervise(&agent->connection);
	init_snmp("iscsi-ifaced");
	remove_certificates(options);
	if (agent->configuration.errors)
		return fail("cannot start with errors in", "the configuration", "see above");
	return connection_check(&agent->connection) ? EXIT_SUCCESS : EXIT_FAILURE;
}

static struct rules rules_of(struct agent *agent)
{
	static const enum keeper_allowed allowed[] = {
		[CONTROL_READ_ONLY] = KEEPER_ALLOWS_READING,
		[CONTROL_RECORDS] = KEEPER_ALLOWS_RECORDS,
		[CONTROL_FULL] = KEEPER_ALLOWS_SESSIONS,
	};
	const struct configuration *configuration = &agent->configuration;
	struct rules rules = {
		.allowed = allowed[control_mode(configuration)],
		.protect_in_use = configuration->protect_in_use,
		.bounds = configuration->bounds,
	};
	const char *path = connection_path(&agent->connection);

	snprintf(rules.master, sizeof(rules.master), "%s", path ? path : "");
	return rules;
}

bool agent_read_rules(const struct options *options, struct rules *rules)
{
	struct agent agent = { .options = options };
	int ends[2];
	pid_t child;
	bool known;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
		return false;
	child = fork();
	if (!child) {
		struct rules told = { .protect_in_use = true }; /* of what cannot be used */

		logging_silence();
		if (!start_library(&agent))
			told = rules_of(&agent);
		rules_send(&told, ends[1]);
		_exit(EXIT_SUCCESS);
	}
	close(ends[1]);
	known = child > 0 && rules_receive(ends[0], rules);
	close(ends[0]);
	if (child > 0)
		waitpid(child, NULL, 0);
	return known;
}

/* Up to contain() it has its rights, and reads nothing but this host's configuration. */
static int start(struct agent *agent, const struct agent_start *start)
{
	enum isif_error error;

	if (!open_signals(agent))
		return fail("cannot open", "a signalfd and /dev/null", strerror(errno));
	error = remote_open(start->socket, &agent->gate);
	if (error && error != ISIF_UNAVAILABLE)
		fail("cannot ask", "the privileged process", isif_error_text(error));
	if (error)
		return error == ISIF_UNAVAILABLE ? AGENT_HUNG_UP : EXIT_FAILURE;
	if (start_library(agent) || open_monitor(agent, start))
		return EXIT_FAILURE;
	prepare_handler(&agent->handler);
	prepare_notifier(agent);
	if (!handler_register(&agent->handler))
		return fail("cannot register", "the MIB", "out of memory");
	apply_configuration(agent);
	return EXIT_SUCCESS;
}

static void stop(struct agent *agent)
{
	connection_end(&agent->connection);
	snmp_shutdown("iscsi-ifaced");
	shutdown_agent();
	setter_clear(&agent->handler.setter);
	notifier_clear(&agent->notifier);
	isif_monitor_close(agent->handler.monitor);
	if (!agent->gate_is_given)
		isif_privileged_close(agent->gate);
	configuration_clear(&agent->configuration);
	close(agent->signals);
	close(agent->null);
}

int agent_show_tokens(void)
{
	struct configuration configuration;

	setenv("MIBS", "", 1);
	netsnmp_enable_subagent();
	netsnmp_ds_set_boolean(NETSNMP_DS_LIBRARY_ID, NETSNMP_DS_LIB_DONT_READ_CONFIGS, 1);
	netsnmp_ds_set_boolean(NETSNMP_DS_LIBRARY_ID, NETSNMP_DS_LIB_DONT_PERSIST_STATE, 1);
	init_agent("iscsi-ifaced");
	configuration_register(&configuration);
	fputs("Configuration tokens, see iscsi-ifaced.conf(5):\n", stderr);
	read_config_print_usage("  ");
	return EXIT_SUCCESS;
}

static int tell_ready(struct agent *agent, const struct agent_start *start)
{
	enum isif_error error = remote_ready(agent->gate);

	if (error == ISIF_UNAVAILABLE)
		return fail("lost", "the privileged process", "nothing can be read without it");
	if (error)
		return EXIT_FAILURE;
	LOG(NOTICE, "iscsi-ifaced " PACKAGE_VERSION " serves the records in %s",
	    isif_monitor_snapshot(agent->handler.monitor)->summary.record_directory->text);
	if (!start->parent)
		daemon_ready(agent->options->foreground);
	if (!agent->options->foreground) {
		logging_leave_terminal();
		daemon_leave_terminal(agent->null);
	}
	return EXIT_SUCCESS;
}

int agent_main(const struct agent_start *given)
{
	struct agent agent = { .options = given->options, .signals = -1, .null = -1 };
	int status = start(&agent, given);

	if (!status)
		status = tell_ready(&agent, given);
	while (!status && !agent.stop) {
		turn(&agent);
		agent.handler.origin = agent.connection.origin;
		if (!remote_is_gone(agent.gate))
			continue;
		status = fail("lost", "the privileged process", "nothing can be read without it");
	}
	stop(&agent);
	return status;
}
