# SPDX-License-Identifier: GPL-2.0-or-later
"""Notifications through a real snmpd: each once, in order, not more than asked for, and none lost
where the master was away. Which ones there are, and why, the lab shows."""

import os
import signal
import time

import sets
from checks import find_tool
from harness import SOURCE, World, wait_until
from snmp import Sink

TARGET = "iqn.2026-01.org.example:many"
TRAP = (1, 3, 6, 1, 6, 3, 1, 1, 4, 1, 0)
LOST, RESTORED, SUPPRESSED = 1, 2, 8
COUNT = 50
HOSTS = ["192.0.2.%d" % (number + 1) for number in range(COUNT)]


def prepare(world, sink=None, count=COUNT, lines=()):
    """Bindings of one target over iface a, each with a session that is logged in."""
    world.sink = sink or Sink()
    world.records.iface("a")
    for number, host in enumerate(HOSTS[:count]):
        sets.bind(world.records, TARGET, host, 1, "a")
        world.sysfs.session(number + 1, number + 1, TARGET, (host, 3260), "a")
    sets.start(world, *lines, mode="full")
    world.wait_value(count, 20, "BindingUpCount")


def turn_files(world, state, count=COUNT):
    """Every session gets that state."""
    for number in range(count):
        with open(world.sysfs.path("class/iscsi_session/session%d/state" % (number + 1)), "w",
                  encoding="ascii") as file:
            file.write(state + "\n")


def turn(world, state):
    """All of them get that state before the agent looks."""
    turn_files(world, state)
    os.kill(world.agent.pid, signal.SIGUSR1)


class Taker:
    """[(notification, event number, all varbinds)] of ours among what the sink gets."""

    def __init__(self, world):
        self.world = world
        self.all = []

    def take(self):
        root = self.world.oid("Count", 0)[:-4]
        for one in self.world.sink.take():
            trap = one.get(TRAP, ())
            if trap[:len(root)] == root:
                self.all.append((trap[-1], one.get(root + (1, 11, 5, 0)), one))
        return self.all

    def kinds(self):
        return [kind for kind, _, _ in self.take() if kind in (LOST, RESTORED, SUPPRESSED)]


def events(world, kind):
    return {index: row for (index,), row in world.table("EventTable").items()
            if row["EventKind"] == kind}


def written(world, text):
    """How many events in the state directory say that: without a master nobody can be asked."""
    with open(world.path("state", "events"), encoding="utf-8") as file:
        return file.read().count(text.replace(" ", "%20"))


def test_rate(checks):
    """What is over the rate is an event, counted, and told of once when the burst is over."""
    with World(checks, "more losses than may be told") as world:
        prepare(world)
        sets.done(checks, world, "five a second", *sets.scalar("NotifyRate", 5))
        taker = Taker(world)
        time.sleep(1.1)  # the second in which more was allowed is over
        turn(world, "FAILED")
        checks.check(wait_until(lambda: SUPPRESSED in taker.kinds(), checks.patience(20)),
                     "a summary comes", taker.kinds())
        checks.equal(taker.kinds(), [LOST] * 5 + [SUPPRESSED], "five are told, then the summary")
        lost = events(world, LOST)
        checks.equal((len(lost), sum(row["EventNotified"] == 1 for row in lost.values())),
                     (COUNT, 5), "all are events, and five of them are notified")
        checks.equal(world.value("NotifySuppressed"), COUNT - 5, "the others are counted")
        summary = [one for kind, _, one in taker.all if kind == SUPPRESSED][0]
        checks.equal(summary.get(world.oid("NotifySuppressed", 0)), COUNT - 5,
                     "as the summary says")
        checks.equal([number for _, number, _ in taker.all][:5], sorted(lost)[:5],
                     "the numbers are those of the events")


def test_short_history(checks):
    """What is forgotten before it could be told is counted, too."""
    with World(checks, "more losses than are kept") as world:
        prepare(world, lines=("eventHistory 10",))
        taker = Taker(world)
        turn(world, "FAILED")
        checks.check(wait_until(lambda: SUPPRESSED in taker.kinds(), checks.patience(20)),
                     "a summary comes", taker.kinds())
        checks.equal(taker.kinds(), [LOST] * 10 + [SUPPRESSED], "ten are told, then the summary")
        checks.equal(world.value("NotifySuppressed"), COUNT - 10, "the others are counted")


def test_master_away(checks):
    """What happens without a master comes when it is back: in order, each once, at the rate."""
    with World(checks, "losses without a master") as world:
        prepare(world)
        taker = Taker(world)
        first = max(index for (index,) in world.table("EventTable"))
        world.stop_master(signal.SIGKILL)
        turn(world, "FAILED")
        checks.check(wait_until(lambda: written(world, "being recovered") == COUNT,
                                checks.patience(10)), "they are on disk")
        turn(world, "LOGGED_IN")
        world.start_master()
        checks.check(wait_until(lambda: len(taker.kinds()) >= 2 * COUNT, checks.patience(30)),
                     "all of them come", [(k, n) for k, n, _ in taker.take()])
        time.sleep(1)
        checks.equal(taker.kinds(), [LOST] * COUNT + [RESTORED] * COUNT, "each once, in order")
        numbers = [number for kind, number, _ in taker.all if kind in (LOST, RESTORED)]
        checks.equal(numbers, sorted(set(numbers)), "with numbers that go up")
        checks.check(numbers[0] > first, "which are new", numbers[:1])
        checks.equal((world.value("NotifyQueued"), world.value("NotifySuppressed")), (0, 0),
                     "nothing waits, and nothing was left out")
        checks.equal({row["EventNotified"] for row in events(world, LOST).values()}, {1},
                     "the events say that they were told")


def test_master_frozen(checks):
    """A master that does not answer for a while gets each of them once, and nobody waits for it."""
    with World(checks, "losses with a frozen master") as world:
        prepare(world)
        taker = Taker(world)
        world.master.send(signal.SIGSTOP)
        turn(world, "FAILED")
        checks.check(wait_until(lambda: written(world, "being recovered") == COUNT,
                                checks.patience(10)), "they are on disk meanwhile")
        time.sleep(4)
        turn(world, "LOGGED_IN")
        checks.check(wait_until(lambda: written(world, "logged in again") == COUNT,
                                checks.patience(10)), "and so are their ends")
        world.master.send(signal.SIGCONT)
        checks.check(wait_until(lambda: len(taker.kinds()) >= 2 * COUNT, checks.patience(30)),
                     "all of them come", [(k, n) for k, n, _ in taker.take()])
        time.sleep(2)
        checks.equal(taker.kinds(), [LOST] * COUNT + [RESTORED] * COUNT, "each once, in order")


def test_restart(checks):
    """What was told is not told again by the next agent; what happened meanwhile is."""
    with World(checks, "a restart between loss and end") as world:
        prepare(world)
        taker = Taker(world)
        turn(world, "FAILED")
        checks.check(wait_until(lambda: len(taker.kinds()) == COUNT, checks.patience(20)),
                     "all losses are told", taker.kinds())
        last = max(index for (index,) in world.table("EventTable"))
        sets.restart(world, mode="full")
        checks.check(wait_until(lambda: world.value("EventKind", last + 1) == 8,
                                checks.patience(20)), "the events go on with the next number",
                     sorted(world.table("EventTable"))[-3:])
        turn(world, "LOGGED_IN")
        checks.check(wait_until(lambda: len(taker.kinds()) == 2 * COUNT, checks.patience(20)),
                     "all ends are told", taker.kinds())
        time.sleep(1)
        checks.equal(taker.kinds(), [LOST] * COUNT + [RESTORED] * COUNT,
                     "and no loss a second time")
        world.agent.end(signal.SIGKILL)
        turn_files(world, "FAILED")
        sets.start(world, mode="full")
        checks.check(wait_until(lambda: len(taker.kinds()) == 3 * COUNT, checks.patience(20)),
                     "what was lost while no agent ran is told", taker.kinds()[2 * COUNT:])


def test_handler(checks):
    """contrib's lines for snmptrapd: what an operator gets to read."""
    if not checks.tool("snmptrapd", "contrib's snmptrapd configuration"):
        return
    with World(checks, "contrib's alerts") as world:
        receiver = Sink()
        receiver.close()  # its port is snmptrapd's now
        world.sink = receiver
        with open(os.path.join(SOURCE, "contrib/snmptrapd/snmptrapd.conf.example"),
                  encoding="ascii") as file:
            lines = file.read()
        lines = lines.replace("authUser log,execute iscsitrap priv",
                              "authCommunity log,execute public")
        lines = lines.replace("/usr/local/bin/iscsi-alert", "%s tee -a %s" % (
            os.path.join(SOURCE, "contrib/snmptrapd/iscsi-alert"), world.path("alerts")))
        with open(world.path("snmptrapd.conf"), "w", encoding="ascii") as file:
            file.write(lines)
        world._start([find_tool("snmptrapd"), "-f", "-Ln", "-On", "-n", "-C", "-c",
                      world.path("snmptrapd.conf"), "-p", world.path("snmptrapd.pid"),
                      "udp:127.0.0.1:%d" % receiver.port], "snmptrapd", world.env)
        receiver.close = lambda: None
        prepare(world, receiver, 1)
        turn_files(world, "FAILED", 1)
        os.kill(world.agent.pid, signal.SIGUSR1)
        lost = "CRITICAL 127.0.0.1: iSCSI lost: %s via %s:3260,1 on a: " % (TARGET, HOSTS[0])
        back = "OK 127.0.0.1: iSCSI restored: %s via %s:3260,1 on a" % (TARGET, HOSTS[0])
        checks.check(wait_until(lambda: lost in alerts(world), checks.patience(20)),
                     "a loss is one line", alerts(world))
        turn_files(world, "LOGGED_IN", 1)
        os.kill(world.agent.pid, signal.SIGUSR1)
        checks.check(wait_until(lambda: back in alerts(world), checks.patience(20)),
                     "and so is its end", alerts(world))
        sets.done(checks, world, "an iface", *sets.iface("b", NetIfaceName="lo",
                                                         RowStatus=sets.CREATE))
        checks.check(wait_until(lambda: "INFO 127.0.0.1: iSCSI records: made: the record of iface b"
                                in alerts(world), checks.patience(20)), "so are records",
                     alerts(world))


def alerts(world):
    try:
        with open(world.path("alerts"), encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        return ""
