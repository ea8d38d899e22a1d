# SPDX-License-Identifier: GPL-2.0-or-later
"""Notifications through a real snmpd: each once, in order, not more than asked for, and none lost
where the master was away. Which ones there are, and why, the lab shows."""

import contextlib
import os
import re
import signal
import subprocess
import time

import network
import sets
from checks import find_tool
from harness import SOURCE, World, wait_until
from snmp import Sink
from test_set_disk import fill

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


def portals(world, taker):
    """[(notification, portal)] of those that are about a binding."""
    column = world.mib.oid("iscsiIfaceBindingPortal")
    return [(kind, value.decode()) for kind, _, one in taker.take()
            for oid, value in one.items() if oid[:len(column)] == column]


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
        told = len(taker.kinds()) - 1
        # A busy machine does not read them all at once: ten of each look are told.
        checks.check(10 <= told < COUNT, "ten are told", told)
        checks.equal(taker.kinds(), [LOST] * told + [SUPPRESSED], "and then the summary")
        checks.equal(world.value("NotifySuppressed"), COUNT - told, "the others are counted")


def lose_slowly(world, seconds):
    """One after the other, over so many seconds; True if each was an event before the next."""
    began = time.monotonic()
    for number in range(COUNT):
        due = began + seconds * (number + 1) / COUNT
        world.sysfs.set_session(number + 1, state="FAILED")
        os.kill(world.agent.pid, signal.SIGUSR1)
        if not wait_until(lambda: time.monotonic() >= due
                          and written(world, "being recovered") == number + 1,
                          seconds + world.checks.patience(10)):
            return False
    return True


def test_master_away(checks):
    """What happens without a master comes when it is back: in order, each once, at the rate."""
    with World(checks, "losses without a master") as world:
        prepare(world)
        taker = Taker(world)
        first = max(index for (index,) in world.table("EventTable"))
        seconds = 30 if checks.full and not checks.valgrind else 2
        world.stop_master(signal.SIGKILL)
        checks.check(lose_slowly(world, seconds),
                     "%d losses in %d s without a master are on disk" % (COUNT, seconds),
                     written(world, "being recovered"))
        turn(world, "LOGGED_IN")
        world.start_master()
        checks.check(wait_until(lambda: len(taker.kinds()) >= 2 * COUNT, checks.patience(30)),
                     "all of them come", [(k, n) for k, n, _ in taker.take()])
        time.sleep(1)
        checks.equal(taker.kinds(), [LOST] * COUNT + [RESTORED] * COUNT, "each once, in order")
        numbers = [number for kind, number, _ in taker.all if kind in (LOST, RESTORED)]
        checks.equal(numbers, sorted(set(numbers)), "with numbers that go up")
        checks.check(numbers[0] > first, "which are new", numbers[:1])
        checks.equal([portal for kind, portal in portals(world, taker) if kind == LOST],
                     ["%s:3260,1" % host for host in HOSTS], "the losses as they happened")
        checks.equal((world.value("NotifyQueued"), world.value("NotifySuppressed")), (0, 0),
                     "nothing waits, and nothing was left out")
        checks.equal({row["EventNotified"] for row in events(world, LOST).values()}, {1},
                     "the events say that they were told")


@contextlib.contextmanager
def small_state(world):
    """The state directory is a small file system of its own."""
    where = world.path("state")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m,mode=0700", "none", where], check=True)
    try:
        yield where
    finally:
        subprocess.run(["umount", "-l", where], check=True)


def rows(world):
    """What the event table says, apart from when it was read."""
    return {index: (row["EventKind"], row["EventTime"], row["EventIfaceName"],
                    row["EventBindingIndex"], row["EventText"], row["EventNotified"])
            for (index,), row in world.table("EventTable").items()}


def remembered(world):
    """Of how many bindings the state directory says that their loss was the last thing told."""
    with open(world.path("state", "state"), encoding="utf-8") as file:
        return len(re.findall("^binding .* %d$" % LOST, file.read(), re.M))


def kept(checks, world, taker, text):
    """Whoever starts after a kill has all events, and tells the ends of the losses only."""
    checks.check(wait_until(lambda: remembered(world) == COUNT, checks.patience(10)),
                 "%s: what was told is on disk" % text, remembered(world))
    before, told = rows(world), len(taker.kinds())
    world.agent.end(signal.SIGKILL)
    sets.start(world, mode="full")
    started = max(before) + 1
    checks.check(wait_until(lambda: world.value("EventKind", started) == 8, checks.patience(20)),
                 "%s: the numbers go on" % text, sorted(rows(world))[-3:])
    after = rows(world)
    checks.equal({index: after.get(index) for index in before}, before,
                 "%s: all events are there after a kill" % text)
    turn(world, "LOGGED_IN")
    wait_until(lambda: len(taker.kinds()) >= told + COUNT, checks.patience(20))
    checks.equal(taker.kinds()[told:], [RESTORED] * COUNT,
                 "%s: their ends are told, and no loss again" % text)


def can_fill(checks):
    """Whether a state directory can be a file system of its own."""
    needed = [checks.tool(tool, "events on a full disk") for tool in ("mount", "umount")]
    return all(needed) and checks.need(network.private(), "events on a full disk",
                                       "a namespace of its own")


def lose_without_room(checks, taker, world, state):
    """The disk is full, and then all is lost."""
    fill(state)
    turn(world, "FAILED")
    checks.check(wait_until(lambda: len(taker.kinds()) >= COUNT, checks.patience(20)),
                 "losses are told on a full disk", taker.kinds())


def test_full_disk(checks):
    """A state directory without room: all is told, the log says so once, and what could not be
    written is, when there is room."""
    if not can_fill(checks):
        return
    with World(checks, "events on a full disk") as world, small_state(world) as state:
        prepare(world)
        sets.done(checks, world, "as many a second as there are", *sets.scalar("NotifyRate", 1000))
        time.sleep(1.1)  # the second in which fewer were allowed is over
        world.agent.settle()
        taker = Taker(world)
        lose_without_room(checks, taker, world, state)
        turn(world, "LOGGED_IN")
        checks.check(wait_until(lambda: len(taker.kinds()) >= 2 * COUNT, checks.patience(20)),
                     "and their ends", taker.kinds())
        checks.equal(taker.kinds(), [LOST] * COUNT + [RESTORED] * COUNT, "each once, in order")
        checks.check(written(world, "being recovered") < COUNT, "they are not on disk",
                     written(world, "being recovered"))
        said = [line for line in world.agent.log().splitlines()
                if "cannot write the list of events" in line]
        checks.equal(len(said), 1, "the log says it once")
        os.unlink(os.path.join(state, "filler"))
        turn(world, "FAILED")
        checks.check(wait_until(lambda: len(taker.kinds()) >= 3 * COUNT, checks.patience(20)),
                     "losses are told with room again", taker.kinds()[2 * COUNT:])
        checks.check(wait_until(lambda: written(world, "being recovered") == 2 * COUNT,
                                checks.patience(20)), "and all are on disk",
                     written(world, "being recovered"))
        kept(checks, world, taker, "with room again")


def test_room_again(checks):
    """The list of events is whole on disk again when there is room, if nothing more happens, too."""
    if not can_fill(checks):
        return
    with World(checks, "room again") as world, small_state(world) as state:
        prepare(world)
        world.agent.settle()
        taker = Taker(world)
        lose_without_room(checks, taker, world, state)
        checks.check(world.wait_log(["cannot write the state file"], 10), "nothing is kept")
        os.unlink(os.path.join(state, "filler"))
        checks.check(wait_until(lambda: written(world, "being recovered") == COUNT,
                                checks.patience(60)),
                     "the events are on disk within a minute of room",
                     written(world, "being recovered"))
        checks.check(wait_until(lambda: remembered(world) == COUNT, checks.patience(10)),
                     "and so is what was told", remembered(world))


def test_killed_soon(checks):
    """Who is killed at once after he told of losses has them on disk: none is told again."""
    with World(checks, "killed soon") as world:
        prepare(world)
        world.agent.settle()
        taker = Taker(world)
        turn(world, "FAILED")
        checks.check(wait_until(lambda: len(taker.kinds()) >= COUNT, checks.patience(20)),
                     "losses are told", taker.kinds())
        world.agent.end(signal.SIGKILL)
        checks.equal(written(world, "notified"), COUNT, "the events on disk say that they were told")
        sets.start(world, mode="full")
        time.sleep(1.1)  # more may be told than in the second before
        turn(world, "LOGGED_IN")
        wait_until(lambda: len(taker.kinds()) >= 2 * COUNT, checks.patience(20))
        checks.equal(taker.kinds(), [LOST] * COUNT + [RESTORED] * COUNT, "no loss is told again")


def test_rate_zero(checks):
    """Where nothing is to be told, what happens is counted: once."""
    with World(checks, "no notification at all") as world:
        prepare(world, count=3)
        sets.done(checks, world, "none a second", *sets.scalar("NotifyRate", 0))
        time.sleep(1.1)  # the second in which more was allowed is over
        turn_files(world, "FAILED", 3)
        os.kill(world.agent.pid, signal.SIGUSR1)
        world.wait_value(lambda count: count >= 3, 10, "NotifySuppressed")
        # A counter of what did not happen goes up once a second.
        checks.check(not wait_until(lambda: world.value("NotifySuppressed") > 3, 4),
                     "three losses are three that were left out", world.value("NotifySuppressed"))


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
