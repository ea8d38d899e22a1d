# SPDX-License-Identifier: GPL-2.0-or-later
"""What went wrong once around start, end and connection, and must not again."""

import os

from harness import World, library_environment, wait_until


def configure(world, text):
    """Writes the default configuration file; a directory for SNMPCONFPATH."""
    folder = world.path("conf")
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "iscsi-ifaced.conf"), "w", encoding="ascii") as file:
        file.write(text)
    return folder


def without(arguments, *options):
    """Arguments without these options; those with a value lose it, too."""
    kept, skip = [], False
    for word in arguments:
        if skip:
            skip = False
        elif word in options:
            skip = word != "-C"
        else:
            kept.append(word)
    return kept


def start(world, arguments, folder):
    env = dict(library_environment(world.env), SNMPCONFPATH=folder)
    world.agent = world._start(world.command(*arguments), "agent", env)
    return world.wait_served(15)


def test_default_configuration(checks):
    """The file that net-snmp finds by the program's name is read, and read again."""
    with World(checks, "default configuration") as world:
        folder = configure(world, "holdDown 77\n")
        world.start_master()
        start(world, without(world.arguments(), "-C"), folder)
        checks.equal(world.value("NotifyHoldDown"), 77, "the default configuration is read")
        world.stop_agent()
        strange = set(os.listdir(world.path("state"))) - {"state", "events"}
        checks.equal(strange, set(), "only our own files are in the state directory")


def test_socket_token(checks):
    """agentXSocket of the configuration is where the master is looked for, again and again."""
    with World(checks, "agentXSocket") as world:
        folder = configure(world, "agentXSocket %s\nagentXPingInterval 1\n"
                           % world.path("agentx"))
        world.start_master()
        served = start(world, without(world.arguments(), "-C", "-x"), folder)
        checks.check(served, "the agentXSocket token names the master", world.agent.log())
        world.stop_master()
        world.wait_log(["lost the AgentX master at", world.path("agentx")], 5)
        world.start_master()
        checks.check(world.wait_served(5), "and names it after the master's restart, too",
                     world.agent.log)
        lines = [line for line in world.agent.log().splitlines() if "re-opened" in line]
        checks.equal(lines, [], "agentXPingInterval does not bring the library's pings back")


def test_second_agent(checks):
    """Only one can serve; the other one waits for its turn, and says why, once."""
    with World(checks, "second agent") as world:
        world.start_master()
        first = world.start_agent()
        os.mkdir(world.path("state2"))
        arguments = without(world.arguments(), "-s") + ["-s", world.path("state2")]
        second = world._start(world.command(*arguments), "agent", library_environment(world.env))
        told = wait_until(lambda: "refused our registration" in second.log(),
                          checks.patience(10))
        checks.check(told, "a second agent says that it was refused", second.log)
        checks.equal(first.end(), 0, "the first one ends")
        world.agent = second
        checks.check(world.wait_served(8), "the second one takes over", second.log)
        for words in ("re-opened", "no AgentX master answers"):
            checks.check(words not in second.log(), "it does not log \"%s\"" % words, second.log)
        checks.equal(second.log().count("refused our registration"), 1, "it said why once")


def test_pid_file(checks):
    """A start that fails leaves the pid file of the one that runs alone."""
    with World(checks, "pid file") as world:
        world.start_master()
        world.start_agent("-p", world.path("pid"))
        bad = world.path("bad.conf")
        with open(bad, "w", encoding="ascii") as file:
            file.write("controlMode perhaps\n")
        code, _ = world.run_agent(*world.arguments(), "-c", bad, "-p", world.path("pid"))
        checks.equal(code, 1, "a start with a bad configuration fails")
        with open(world.path("pid"), encoding="ascii") as file:
            checks.equal(int(file.read()), world.agent.pid, "the other one's pid file stays")


def test_reasons(checks):
    """A start that fails says why."""
    with World(checks, "reasons") as world:
        arguments = without(world.arguments(), "-r") + ["-r", "/nowhere"]
        code, said = world.run_agent(*arguments)
        checks.equal(code, 1, "a record directory that is not there ends the start")
        checks.check("/nowhere" in said and "not found" in said, "and that is said", said)
        code, said = world.run_agent(*world.arguments(), "-c", "/nowhere.conf")
        checks.check(code == 1 and "/nowhere.conf" in said, "so with the configuration", said)
