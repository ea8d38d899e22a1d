# SPDX-License-Identifier: GPL-2.0-or-later
"""The two processes as two services: one has its rights from the service manager, and listens; the
other one never had any."""

import os
import signal
import sys

import sets
from harness import World, library_environment, wait_until
from test_contain import fill, has_ended, status

# As systemd starts a service with Accept=no and StandardInput=socket: when somebody connects.
ACTIVATE = """
import os, select, socket, sys
listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1])
os.chmod(sys.argv[1], 0o666)
listener.listen()
print("listening", flush=True)
select.select([listener], [], [])
os.dup2(listener.fileno(), 0)
os.execvp(sys.argv[2], sys.argv[2:])
"""


class Services:
    """Both in one world; `gate` is the process that has the rights."""

    def __init__(self, world):
        self.world = world
        self.path = world.path("gate")
        self.gate = None

    def start(self):
        world = self.world
        if os.path.exists(self.path):
            os.unlink(self.path)
        self.gate = world._start(
            [sys.executable, "-c", ACTIVATE, self.path,
             *world.command(*world.arguments(), "-c", world.path("conf"), "-G")],
            "gate", library_environment(world.env))
        wait_until(lambda: os.path.exists(self.path) and "listening" in self.gate.log(), 10)
        sets.start(world, options=("-g", self.path),
                   within=("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"))


def test_services(checks):
    if not checks.need(os.geteuid() == 0, "two services", "root"):
        return
    with World(checks, "two services") as world:
        fill(world)
        sets.configure(world, "records")
        services = Services(world)
        services.start()
        gate, agent = services.gate, world.agent
        checks.equal([gate.family(), agent.family()], [[gate.pid], [agent.pid]],
                     "neither has a child")
        checks.equal(status(gate.pid)["Uid"].split()[0], "0", "one is root")
        checks.equal(status(agent.pid)["Uid"].split()[0], "65534", "the other one is nobody")
        checks.equal(int(status(agent.pid)["CapPrm"], 16), 0, "and has no capability")
        sets.done(checks, world, "a SET changes a record",
                  *sets.iface("a", HwAddress="02:00:00:00:00:01"))
        world.stop_agent()
        checks.equal(gate.wait(checks.patience(10)), 0, "the one with rights ends with the other")
        services.start()
        sets.done(checks, world, "and the next ones take SETs",
                  *sets.iface("a", HwAddress="02:00:00:00:00:02"))
        services.gate.send(signal.SIGTERM)
        checks.equal(services.gate.wait(checks.patience(10)), 0, "told to end, it does")
        checks.equal(world.agent.wait(checks.patience(10)), 1, "and the other one with an error")
        services.start()
        world.agent.send(signal.SIGKILL)
        world.agent.wait(10)
        checks.check(wait_until(lambda: has_ended(services.gate.pid), checks.patience(10)),
                     "without the one that serves the other one ends")
        checks.equal(os.listdir(world.path("lock")).count("lock.write"), 0, "no lock is held")


def test_missing(checks):
    with World(checks, "no other service") as world:
        sets.configure(world, "records")
        code, said = world.run_agent(*world.arguments(), "-g", world.path("gate"))
        checks.equal(code, 1, "nobody listens: exit 1")
        checks.check(len(said.splitlines()) == 1 and world.path("gate") in said,
                     "with a line that names the place", said)
        code, said = world.run_agent(*world.arguments(), "-G")
        checks.equal(code, 1, "standard input is no socket: exit 1")
        checks.check("standard input" in said, "with a line that says so", said)
