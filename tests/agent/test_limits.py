# SPDX-License-Identifier: GPL-2.0-or-later
"""Where the system refuses to watch, or drops what it had to tell: nothing stays unseen."""

import os
import signal
import subprocess

import mib
from harness import World

TARGET = "iqn.2026-01.org.example:limit"
WATCHES = 12
# A user namespace has limits of its own, so that nobody else's is touched.
FEW_WATCHES = ["unshare", "--user", "--map-root-user", "sh", "-c",
               "echo %d > /proc/sys/user/max_inotify_watches && exec \"$@\"" % WATCHES, "sh"]


def test_few_watches(checks):
    """More directories than watches: all is read, it is said once, and a resync sees changes."""
    possible = subprocess.run(FEW_WATCHES + ["true"], stderr=subprocess.DEVNULL).returncode == 0
    if not checks.need(possible, "the limit of inotify watches", "a user namespace"):
        return
    with World(checks, "few watches") as world:
        records = world.records
        records.iface("a")
        for number in range(3 * WATCHES):
            records.node("%s-%d" % (TARGET, number), "10.0.0.1", 3260, 1, "a")
        world.start_master()
        world.start_agent("-u", "root", within=FEW_WATCHES)  # there is nobody else
        count = 3 * WATCHES
        got = world.wait_value(count, 2, "BindingCount")
        checks.equal(got, count, "without enough watches every record is read all the same")
        told = [line for line in world.agent.log().splitlines() if "watch" in line.lower()]
        checks.check(len(told) == 1, "and the log says so, once", told)
        for number in range(3 * WATCHES):
            os.unlink(records.node_path("%s-%d" % (TARGET, number), "10.0.0.1", 3260, 1, "a"))
        world.agent.send(signal.SIGUSR1)
        checks.equal(world.wait_value(0, 2, "BindingCount"), 0,
                     "SIGUSR1 shows what could not be watched")


def test_periodic_resync(checks):
    """The safety net: resyncInterval alone shows changes that no watch told."""
    possible = subprocess.run(FEW_WATCHES + ["true"], stderr=subprocess.DEVNULL).returncode == 0
    if not checks.need(possible, "the periodic resync", "a user namespace"):
        return
    with World(checks, "periodic resync") as world:
        records = world.records
        for number in range(3 * WATCHES):
            records.node("%s-%d" % (TARGET, number), "10.0.0.1", 3260, 1, "default")
        with open(world.path("conf"), "w", encoding="ascii") as file:
            file.write("resyncInterval 1\n")
        world.start_master()
        world.start_agent("-c", world.path("conf"), "-u", "root", within=FEW_WATCHES)
        for number in range(3 * WATCHES):
            os.unlink(records.node_path("%s-%d" % (TARGET, number), "10.0.0.1", 3260, 1,
                                        "default"))
        checks.equal(world.wait_value(0, 4, "BindingCount"), 0,
                     "with resyncInterval 1 everything is seen after a while")
        got = world.wait_value(lambda n: n >= 2, 4, "Resyncs")
        checks.check(got >= 2, "and the resyncs are counted", got)


def test_overflow(checks):
    """The queue of events runs over while the agent does not get to read it."""
    with open("/proc/sys/fs/inotify/max_queued_events", encoding="ascii") as file:
        queue = int(file.read())
    if not checks.need(queue <= 100000, "an overflow of inotify events", "a queue of usual size"):
        return
    with World(checks, "overflow") as world:
        records = world.records
        records.iface("a", net_ifacename="eth0")
        world.start_master()
        world.start_agent()
        overflows, resyncs = world.value("Overflows"), world.value("Resyncs")
        world.agent.send_all(signal.SIGSTOP)
        paths = [records.iface_path(name) for name in ("x", "y")]
        for _ in range(queue // 2):  # several events each; no two neighbours are alike
            for path in paths:
                os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))
                os.unlink(path)
        records.iface("a", net_ifacename="eth9")
        records.node(TARGET, "10.0.0.1", 3260, 1, "a")
        world.agent.send_all(signal.SIGCONT)
        got = world.wait_value(b"eth9", 3, "NetIfaceName", *mib.text_index("a"))
        checks.equal(got, b"eth9", "a change that was lost in an overflow is seen")
        checks.equal(world.wait_value(1, 2, "BindingCount"), 1, "and so is a new record")
        got = world.wait_value(lambda n: n > overflows, 2, "Overflows")
        checks.check(got > overflows, "iscsiIfaceOverflows counts it", got)
        got = world.wait_value(lambda n: n > resyncs, 2, "Resyncs")
        checks.check(got > resyncs, "the resync after it is counted, too", got)
        records.iface("a", net_ifacename="eth3")
        got = world.wait_value(b"eth3", 1, "NetIfaceName", *mib.text_index("a"))
        checks.equal(got, b"eth3", "and changes after it are seen at once")
