# SPDX-License-Identifier: GPL-2.0-or-later
"""The master agent goes, hangs, comes back or is not there yet: the agent serves again within two
seconds of its return, and waits for it quietly."""

import os
import signal
import subprocess
import time

from checks import find_tool
from harness import TICKS, World, wait_until
from view import View

AWAY = 4.0  # seconds that the master stays away
BACK = 2.0  # seconds until the agent serves again
OR_ID = (1, 3, 6, 1, 2, 1, 1, 9, 1, 2)


class Quiet:
    """What the agent costs while it waits."""

    def __init__(self, world):
        self.world = world
        self.start = time.monotonic()
        self.ticks = world.agent.cpu_ticks()
        self.wakeups = world.agent.wakeups()
        self.lines = len(world.agent.log().splitlines())

    def check(self, checks, text):
        agent = self.world.agent
        seconds = time.monotonic() - self.start
        cpu = (agent.cpu_ticks() - self.ticks) / TICKS / seconds
        wakeups = (agent.wakeups() - self.wakeups) / seconds
        lines = agent.log().splitlines()[self.lines:]
        if not checks.valgrind:
            checks.check(cpu < 0.05, "%s: it takes less than 5 %% of a processor" % text,
                         "%.1f %%" % (cpu * 100))
            checks.check(wakeups < 100, "%s: it wakes up less than 100 times a second" % text,
                         "%.0f times" % wakeups)
        checks.check(len(lines) <= 3, "%s: it says so, and not again and again" % text,
                     "%d lines, such as %s" % (len(lines), lines[-1:]))


def served_again(checks, world, text):
    """Within two seconds of the master's return, everything."""
    there = wait_until(lambda: world.serves(0.2), checks.patience(BACK))
    checks.check(there, "%s: served again within %.0f s of its return" % (text, BACK),
                 lambda: world.agent.log()[-300:])
    whole(checks, world, text)


def whole(checks, world, text):
    """Nothing that was registered is lost."""
    root = world.mib.root
    view = View(root, world.clients.walk(root))
    shown = set(view.ifaces()), len(view.bindings()), "NotifyRate" in view.scalars
    want = {"default", "iser"} | set(world.records.ifaces()), len(world.records.nodes()), True
    checks.equal(shown, want, "%s: the walk shows the whole MIB" % text)
    entries = wait_until(lambda: [v.value for v in world.snmp.walk(OR_ID)
                                  if v.value[:len(root)] == root], checks.patience(BACK))
    checks.check(entries and len(entries) == 1, "%s: sysORTable has our entry, once" % text,
                 entries)


def start(world):
    for number in range(3):
        world.records.iface("i%d" % number)
        world.records.node("iqn.2026-01.org.example:m", "10.0.0.1", 3260, 1, "i%d" % number)
    world.start_master()
    world.start_agent()


def away(checks, world, text):
    """The master is not there for a while; nothing but the clock tells when that is over."""
    world.agent.settle(checks.patience(2))
    quiet = Quiet(world)
    time.sleep(AWAY)
    checks.check(world.agent.running(), "%s: the agent goes on" % text,
                 lambda: world.agent.log()[-300:])
    if world.agent.running():
        quiet.check(checks, text)


def gone_and_back(checks, world, number, text):
    world.stop_master(number)
    away(checks, world, text)
    world.start_master()
    served_again(checks, world, text)


def test_stopped_and_killed(checks):
    with World(checks, "master gone") as world:
        start(world)
        whole(checks, world, "at first")
        gone_and_back(checks, world, signal.SIGTERM, "snmpd stopped")
        gone_and_back(checks, world, signal.SIGKILL, "snmpd killed")


def test_restarted(checks):
    with World(checks, "master restarted") as world:
        start(world)
        for number in range(10 if checks.full else 3):
            world.stop_master()
            world.start_master()
            served_again(checks, world, "snmpd restarted, time %d" % (number + 1))


def test_frozen(checks):
    with World(checks, "master frozen") as world:
        start(world)
        world.master.send(signal.SIGSTOP)
        # Something to tell, while nobody listens: that must not block it either.
        world.records.iface("meanwhile")
        away(checks, world, "snmpd frozen")
        world.master.send(signal.SIGCONT)
        served_again(checks, world, "snmpd frozen")
        world.master.send(signal.SIGSTOP)
        time.sleep(0.5)
        world.master.end(signal.SIGKILL)
        world.start_master()
        served_again(checks, world, "snmpd frozen, then killed")


def test_absent_at_start(checks):
    with World(checks, "master absent") as world:
        world.records.iface("i0")
        world.start_agent(wait=False)
        away(checks, world, "no snmpd at the agent's start")
        world.start_master()
        served_again(checks, world, "no snmpd at the agent's start")


def test_frozen_at_start(checks):
    """Its socket is there, and takes the connection, but nobody answers."""
    with World(checks, "master frozen at the start") as world:
        world.records.iface("i0")
        world.start_master()
        world.master.send(signal.SIGSTOP)
        world.start_agent(wait=False)
        away(checks, world, "snmpd frozen at the agent's start")
        world.master.send(signal.SIGCONT)
        served_again(checks, world, "snmpd frozen at the agent's start")


def test_socket_of_nobody(checks):
    """What lies in the socket's place is no socket: no busy loop, and it ends when told to."""
    with World(checks, "no master's socket") as world:
        with open(world.path("agentx"), "w", encoding="ascii"):
            pass
        world.start_agent(wait=False)
        away(checks, world, "a file in the socket's place")
        os.unlink(world.path("agentx"))
        world.start_master()
        served_again(checks, world, "a file in the socket's place")


def test_system_calls(checks):
    """The same as above, seen by strace: waiting takes a handful of system calls."""
    if checks.valgrind or not checks.tool("strace", "system calls while the master is away"):
        return
    with World(checks, "system calls") as world:
        start(world)
        world.stop_master(signal.SIGKILL)
        wait_until(lambda: not os.path.exists("/proc/%d" % world.master.pid), 2)
        trace = world.path("strace")
        tracer = subprocess.Popen([find_tool("strace"), "-f", "-c", "-o", trace, "-p",
                                   ",".join(map(str, world.agent.family()))],
                                  stderr=subprocess.PIPE)
        try:
            tracer.stderr.readline()  # it has attached
            time.sleep(AWAY)
        finally:
            tracer.send_signal(signal.SIGINT)
            tracer.wait(10)
            tracer.stderr.close()
        total = None
        with open(trace, encoding="ascii", errors="replace") as file:
            for line in file:
                if line.split()[-1:] == ["total"]:
                    total = int(line.split()[-2 if len(line.split()) < 6 else -3])
        checks.check(total is not None and total / AWAY < 300,
                     "less than 300 system calls a second without a master",
                     lambda: "%s in %.0f s" % (total, AWAY))
        world.start_master()
        served_again(checks, world, "after strace")
