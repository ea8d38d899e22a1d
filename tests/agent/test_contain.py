# SPDX-License-Identifier: GPL-2.0-or-later
"""The two processes: who they are, what the one that talks to the network may not, and that neither
lives without the other."""

import os
import pwd
import signal

import sets
from harness import World, wait_until

TARGET = "iqn.2026-01.org.example:contained"


def status(pid):
    with open("/proc/%d/status" % pid, encoding="ascii") as file:
        return dict(line.rstrip("\n").split(":\t", 1) for line in file)


def has_ended(pid):
    try:
        return status(pid)["State"].startswith("Z")
    except OSError:
        return True


def fill(world):
    world.records.iface("a")
    world.records.node(TARGET, "192.0.2.1", 3260, 1, "a")


def test_who_they_are(checks):
    """As ps shows them."""
    if not checks.need(os.geteuid() == 0, "another user", "root"):
        return
    nobody = pwd.getpwnam("nobody")
    with World(checks, "the split") as world:
        fill(world)
        world.start_master()
        world.start_agent()
        keeper, worker = world.agent.family()
        checks.equal(status(keeper)["Uid"].split(), ["0"] * 4, "one process is root")
        child = status(worker)
        checks.equal(child["Uid"].split(), [str(nobody.pw_uid)] * 4, "the other one is nobody")
        checks.equal(child["Gid"].split(), [str(nobody.pw_gid)] * 4, "with nobody's group")
        checks.equal(child.get("Groups", "").split(), [], "and no other")
        for name in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
            checks.equal(int(child[name], 16), 0, "it has no capability: " + name)
        checks.equal(child["NoNewPrivs"], "1", "and gets none")
        # A sanitizer has terabytes, and work of its own that the filter refuses: that has none.
        sanitized = int(child["VmSize"].split()[0]) > 1 << 32
        checks.check(child["Seccomp"] == "2" or sanitized or checks.valgrind,
                     "a filter is over its system calls", child["Seccomp"])
        held = [os.readlink("/proc/%d/fd/%s" % (worker, number))
                for number in os.listdir("/proc/%d/fd" % worker)]
        inside = [path for path in held if path.startswith(tuple(
            world.path(folder) for folder in ("db", "state", "lock")))]
        checks.equal(inside, [], "it holds no file of the records, of the state, of the lock")


def test_deaths(checks):
    """Whichever dies, the other one does not go on; nothing is left half done."""
    with World(checks, "deaths") as world:
        fill(world)
        world.start_master()
        sets.start(world)
        worker = world.agent.family()[1]
        world.agent.send(signal.SIGKILL)
        world.agent.wait(10)
        checks.check(wait_until(lambda: has_ended(worker), 10),
                     "without the one that has the rights the other one ends")
        sets.start(world)
        worker = world.agent.family()[1]
        os.kill(worker, signal.SIGKILL)
        checks.equal(world.agent.wait(checks.patience(10)), 1, "and the first one with the other")
        checks.check("ended by signal 9" in world.agent.log(), "with a line that says how",
                     world.agent.log())
        checks.equal(os.listdir(world.path("lock")).count("lock.write"), 0, "no lock is held")
        sets.start(world)
        sets.done(checks, world, "and the next one takes SETs",
                  *sets.iface("a", HwAddress="02:00:00:00:00:02"))


def test_unreadable_configuration(checks):
    """What that user cannot read when it is to be read again is no permission for anything."""
    if not checks.need(os.geteuid() == 0, "another user", "root"):
        return
    with World(checks, "unreadable") as world:
        fill(world)
        world.start_master()
        sets.start(world, "denyIface a")
        os.chmod(world.path("conf"), 0o600)
        world.agent.send(signal.SIGHUP)
        checks.check(world.wait_log(["cannot read", world.path("conf")], 5),
                     "a configuration that cannot be read again is told", world.agent.log())
        checks.equal(world.value("ControlMode"), 1, "and SETs are refused")
        os.chmod(world.path("conf"), 0o644)
        world.agent.send(signal.SIGHUP)
        checks.equal(world.wait_value(2, 5, "ControlMode"), 2, "until it can be read")
