# SPDX-License-Identifier: GPL-2.0-or-later
"""Many records: all of them are shown, loading them is quick, and watching them costs nothing."""

import os
import signal
import subprocess
import time

import contract
import openiscsi
import sets
from harness import TICKS, World, library_environment, program
from records import node_text

PORTALS, IFACES = 4, 2
IDLE = 5.0  # seconds


def fill(records, targets):
    """targets x 4 portals x 2 ifaces; the keys of all of them."""
    keys = set()
    for name in ("left", "right"):
        records.iface(name, net_ifacename="san0" if name == "left" else "san1")
    settings = {name: records.iface_settings(name) for name in ("left", "right")}
    for number in range(targets):
        target = "iqn.2026-01.org.example:storage.%04d" % number
        for portal in range(PORTALS):
            address = "10.%d.%d.%d" % (portal, number // 250, number % 250 + 1)
            folder = os.path.join(records.root, "nodes", target, "%s,3260,%d" % (address, portal))
            os.makedirs(folder)
            for iface in settings:
                with open(os.path.join(folder, iface), "w", encoding="ascii") as file:
                    file.write(node_text(target, address, 3260, portal, iface,
                                         copy=settings[iface]))
                keys.add((iface, target, "%s:3260,%d" % (address, portal)))
    return keys


def column(world, name):
    """{index: value} of one column of the binding table."""
    oid = world.mib.oid(contract.PREFIX + name)
    return {v.oid[len(oid):]: v.value for v in world.snmp.walk(oid, repetitions=40)}


def test_scale(checks):
    targets = 1250 if checks.full and not checks.valgrind else 125
    count = targets * PORTALS * IFACES
    with World(checks, "scale") as world:
        keys = fill(world.records, targets)
        world.start_master()
        world.start_agent()
        got = world.wait_value(count, 30, "BindingCount")
        checks.equal(got, count, "%d node records are counted" % count)
        columns = [column(world, name) for name in (
            "BindingIfaceName", "BindingTargetName", "BindingPortal")]
        shown = {tuple(c[index].decode() for c in columns) for index in columns[0]
                 if all(index in c for c in columns)}
        checks.check(shown == keys and len(columns[0]) == count, "%d bindings are shown" % count,
                     lambda: "%d, missing %s" % (len(shown), sorted(keys - shown)[:2]))
        checks.equal(len(world.table("TargetTable")), targets, "%d targets are shown" % targets)
        if not checks.valgrind:
            idle(checks, world, count)
            slices(checks, world, count)


def idle(checks, world, count):
    """Five seconds in which nothing happens and nobody asks."""
    world.agent.settle()
    ticks, wakeups = world.agent.cpu_ticks(), world.agent.wakeups()
    time.sleep(IDLE)
    ticks, wakeups = world.agent.cpu_ticks() - ticks, world.agent.wakeups() - wakeups
    checks.check(ticks <= 1, "idle over %d records for %.0f s takes at most one tick of %d ms"
                 % (count, IDLE, 1000 // TICKS), "%d ticks" % ticks)
    checks.check(wakeups <= 2 * IDLE, "and wakes up at most twice a second", "%d times" % wakeups)


def test_idle_sessions(checks):
    """500 sessions that are well: no timer runs for them."""
    if checks.valgrind:
        return
    with World(checks, "500 sessions at rest") as world:
        world.records.iface("a")
        for number in range(500):
            target = "iqn.2026-01.org.example:%d" % number
            host = "10.9.%d.%d" % (number // 250, number % 250 + 1)
            sets.bind(world.records, target, host, 1, "a")
            world.sysfs.session(number + 1, number + 1, target, (host, 3260), "a")
        world.start_master()
        world.start_agent()
        checks.equal(world.wait_value(500, 30, "BindingUpCount"), 500, "all are up")
        idle(checks, world, 500)


def slices(checks, world, count):
    """While everything is read again, requests are answered: no slice is longer than 50 ms."""
    before = world.value("Resyncs")
    world.agent.send(signal.SIGUSR1)
    slowest, end = 0.0, time.monotonic() + 10
    while time.monotonic() < end:
        start = time.monotonic()
        now = world.value("Resyncs")
        slowest = max(slowest, time.monotonic() - start)
        if now > before:
            break
    for _ in range(100):
        start = time.monotonic()
        world.value("BindingCount")
        slowest = max(slowest, time.monotonic() - start)
    checks.check(slowest < 0.25, "a resync over %d records holds up no request for 250 ms" % count,
                 "%.0f ms" % (slowest * 1000))
    checks.equal(world.wait_value(count, 5, "BindingCount"), count, "and loses no binding")


def fastest(runs, times=9):
    """The shortest of each run's times in seconds. They take turns, so that whatever else the
    machine does hits all of them alike."""
    best = [1e9] * len(runs)
    for _ in range(times):
        best = [min(seconds, run()) for seconds, run in zip(best, runs)]
    return best


def printed(argv, environment):
    """Runs a program that prints the microseconds that its work took."""
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True,
                          env=environment)
    return int(done.stdout) / 1e6


def whole(argv):
    """Runs a program; the seconds from its start to its end."""
    start = time.monotonic()
    subprocess.run(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    return time.monotonic() - start


def test_load_time(checks):
    """10,000 records: at most 1.5 of a bare open/read/close loop, and 0.35 of iscsiadm."""
    if not checks.full or checks.valgrind:
        return
    bare, isif = program("tests/bench/bare-load"), program("tests/bench/isif-load")
    if not checks.need(bare and isif, "load time of 10,000 records", "$BUILD/tests/bench/*-load"):
        return
    with World(checks, "load time") as world:
        count = len(fill(world.records, 1250))
        environment = library_environment(world.env)
        root = world.records.root
        ours, floor = fastest([lambda: printed([isif, root], environment),
                               lambda: printed([bare, root], environment)])
        checks.check(ours <= 1.5 * floor, "%d records load in at most 1.5 of a bare loop" % count,
                     "%.2f (%.3f s, bare %.3f s)" % (ours / floor, ours, floor))
        if not openiscsi.possible(checks, "load time against iscsiadm"):
            return
        with openiscsi.OpenIscsi(world) as host:
            # -V: what setting up the namespace takes, which is none of iscsiadm's work.
            ours, theirs, setting_up = fastest([lambda: printed([isif, root], environment),
                                                lambda: whole(host.argv("-m", "node")),
                                                lambda: whole(host.argv("-V"))])
        theirs -= setting_up
        checks.check(ours <= 0.35 * theirs, "and in at most 0.35 of iscsiadm -m node",
                     "%.2f (%.3f s, iscsiadm %.3f s)" % (ours / theirs, ours, theirs))
