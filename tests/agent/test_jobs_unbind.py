# SPDX-License-Identifier: GPL-2.0-or-later
"""Jobs that remove bindings: exactly theirs, all or none. iscsiadm is one of the test's own."""

import os
import signal

import fake_iscsiadm as iscsiadm
import sets
from expect import Text
from harness import World
from records import Records
from sets import (CANCELLED, CREATE, FAILED, ROLLED_BACK, RUNNING, SUCCEEDED, ended, job, refused)

ONE, TWO = "iqn.2026-01.org.example:one", "iqn.2026-01.org.example:two"
LOGIN, UNBIND = 1, 7
STATE = ("inconsistentValue",)
BINDINGS = ((ONE, "10.1.0.1", "a"), (ONE, "10.1.0.2", "a"), (TWO, "10.1.0.1", "a"),
            (ONE, "10.1.0.1", "b"), (TWO, "10.2.0.1", "b"))
PORTAL = {"PortalAddressType": 1, "PortalAddress": b"\x0a\x01\0\x01"}


def prepare(world, *lines, mode="full"):
    for name in "ab":
        world.records.iface(name)
    for target, host, name in BINDINGS:
        sets.bind(world.records, target, host, 1, name)
    iscsiadm.install(world)
    sets.start(world, *lines, mode=mode)


def start_job(checks, world, index, kind=UNBIND, **columns):
    sets.done(checks, world, "job %d is asked for" % index,
              *job(index, Kind=kind, RowStatus=CREATE, **columns))


def without(world, gone):
    """The tree that is left when those bindings are taken away, made by hand."""
    copy = Records(world.path("expected"))
    for name in "ab":
        copy.iface(name)
    for target, host, name in BINDINGS:
        sets.bind(copy, target, host, 1, name)
    for target, host, name in gone:
        sets.unbind(copy, target, host, 1, name)
    return sets.plain(sets.tree(copy.root))


def now(world):
    return sets.plain(sets.tree(world.records.root))


FORMS = (
    ("iface", {"IfaceName": "a"}, [one for one in BINDINGS if one[2] == "a"]),
    ("target", {"IfaceName": "", "TargetName": ONE}, [one for one in BINDINGS if one[0] == ONE]),
    ("portal", dict(PORTAL, IfaceName="", PortalPort=3260),
     [one for one in BINDINGS if one[1] == "10.1.0.1"]),
    ("all three", dict(PORTAL, IfaceName="b", TargetName=ONE), [BINDINGS[3]]),
)


def test_forms(checks):
    """By iface, by target, by portal."""
    for text, columns, gone in FORMS:
        with World(checks, "unbind by " + text) as world:
            prepare(world)
            start_job(checks, world, 1, **columns)
            ended(checks, world, "by %s it removes %d" % (text, len(gone)), 1, State=SUCCEEDED,
                  Results=len(gone), Progress=100, ErrorCode=0, ErrorText=b"",
                  Step=b"node records removed: %d of %d" % (len(gone), len(gone)))
            checks.equal(sets.compare(now(world), without(world, gone)), "",
                         "exactly theirs, with their links")
            checks.equal(world.value("BindingCount"), len(BINDINGS) - len(gone),
                         "and no row of them is left")
            checks.equal((iscsiadm.calls(world), sets.strays(world)), ([], []),
                         "without iscsiadm, and no file of the agent's stays")
            start_job(checks, world, 2, **columns)
            ended(checks, world, "again, there is nothing to remove", 2, State=SUCCEEDED,
                  Results=0, Step=b"there is no such binding")


def test_sessions(checks):
    """Who is logged in is logged out first; a disk in use keeps all."""
    with World(checks, "unbind with sessions") as world:
        prepare(world)
        start_job(checks, world, 1, LOGIN, IfaceName="a")
        ended(checks, world, "three are logged in", 1, State=SUCCEEDED, Results=3)
        iscsiadm.calls(world)
        before = sets.tree(world.records.root)
        session, = world.view().find("SessionTable", SessionTargetName=TWO.encode())
        world.sysfs.disk(session[0], session[0], 1, "sdq", 2 ** 30, (65, 0), "naa.1",
                         holders=("dm-7",))
        world.agent.send(signal.SIGUSR1)
        checks.equal(world.wait_value(3, 30, "DiskInUse", session[0], 1), 3, "a disk is in use")
        start_job(checks, world, 2, IfaceName="a", Force=1)
        row = ended(checks, world, "an unbind is refused", 2, State=FAILED, ErrorCode=1004,
                    Results=0, Step=b"nothing was done")
        checks.check(b"sdq" in row["ErrorText"] and TWO.encode() in row["ErrorText"],
                     "the disk and the binding are named", row["ErrorText"])
        checks.equal((iscsiadm.calls(world), world.value("SessionCount")), ([], 3),
                     "and nobody is logged out")
        checks.equal(sets.compare(sets.tree(world.records.root), before), "",
                     "and everything is as it was")
        start_job(checks, world, 3, IfaceName="a", TargetName=ONE)
        ended(checks, world, "one of the other target is not", 3, State=SUCCEEDED, Results=2)
        checks.equal((len(iscsiadm.calls(world)), world.value("SessionCount")), (2, 1),
                     "both of its sessions are logged out")
        checks.equal(world.value("BindingCount"), 3, "and its bindings are gone")


def test_turned_back(checks):
    """A logout that does not happen: who was logged out is logged in again, and nothing goes."""
    with World(checks, "unbind is turned back") as world:
        prepare(world)
        start_job(checks, world, 1, LOGIN, IfaceName="a")
        ended(checks, world, "three are logged in", 1, State=SUCCEEDED, Results=3)
        iscsiadm.calls(world)
        before = sets.tree(world.records.root)
        table = world.table("BindingTable")
        last = table[max(index for index, row in table.items()
                         if row["BindingIfaceName"] == b"a")]
        iscsiadm.behave(world, spares=last["BindingSessionId"], code=10)
        start_job(checks, world, 2, IfaceName="a")
        ended(checks, world, "the job is rolled back", 2, State=ROLLED_BACK, ErrorCode=10,
              Results=0, Step=b"turned back: nothing removed, all logged in again",
              ErrorText=Text("%s: the logout failed.*" % last["BindingLabel"].decode()))
        checks.equal(world.value("SessionCount"), 3, "all are logged in")
        checks.equal(sets.compare(sets.tree(world.records.root), before), "",
                     "and everything is as it was")
        iscsiadm.behave(world)
        iscsiadm.hold(world)
        start_job(checks, world, 3, IfaceName="a")
        checks.equal(world.wait_value(RUNNING, 30, "JobState", 3), RUNNING, "the next one runs")
        sets.done(checks, world, "it is cancelled", *job(3, Control=2))
        iscsiadm.let_go(world)
        ended(checks, world, "and ends cancelled", 3, State=CANCELLED, ErrorCode=0, Results=0,
              Step=b"cancelled: nothing removed")
        checks.equal(world.value("SessionCount"), 3, "all are logged in again")
        checks.equal(sets.compare(sets.tree(world.records.root), before), "",
                     "and everything is as it was")


def test_killed(checks):
    """SIGKILL in the middle of many: the next start goes on to the end."""
    count = 400 if checks.full and not checks.valgrind else 60
    with World(checks, "killed unbind") as world:
        records = world.records
        prepare(world)
        others = now(world)
        for number in range(count):
            sets.bind(records, "%s.%d" % (TWO, number), "10.3.0.1", 1, "a")
        world.wait_value(count + len(BINDINGS), 30, "BindingCount")
        start_job(checks, world, 1, IfaceName="a", PortalAddressType=1,
                  PortalAddress=b"\x0a\x03\0\x01")

        def left():
            return sum(name.startswith(TWO + ".")
                       for name in os.listdir(os.path.join(records.root, "nodes")))
        sets.wait_until(lambda: left() < count, checks.patience(30))
        world.agent.end(signal.SIGKILL)
        checks.check(True, "killed when %d of %d were left" % (left(), count))
        checks.equal(sets.torn(records.root), [], "no record is half gone")
        sets.start(world, mode="full")
        row = ended(checks, world, "the next start goes on", 1, State=SUCCEEDED)
        checks.check(row["Results"] in (0, count), "and tells how many went", row)
        checks.equal(sets.compare(now(world), others), "", "all of them are gone, and no other")
        checks.equal(sets.strays(world), [], "no file of the agent's stays")


def test_refused(checks):
    """What cannot be asked for."""
    with World(checks, "unbinds that are refused") as world:
        prepare(world, "denyIface b")
        for text, columns, errors in (
                ("of everything", {"IfaceName": ""}, STATE),
                ("of every portal with a port", {"IfaceName": "", "PortalPort": 3260}, STATE),
                ("of an iface that is out of bounds", {"IfaceName": "b"}, ("noAccess",)),
                ("that concerns one, by target", {"IfaceName": "", "TargetName": ONE},
                 ("noAccess",)),
                ("that concerns one, by portal", dict(PORTAL, IfaceName=""), ("noAccess",)),
                ("of an iface that is not there", {"IfaceName": "c"}, STATE)):
            refused(checks, world, "an unbind " + text,
                    job(1, Kind=UNBIND, RowStatus=CREATE, **columns), errors)
        checks.equal(sets.jobs(world), {}, "nothing is started")
        start_job(checks, world, 1, IfaceName="", PortalAddressType=1,
                  PortalAddress=b"\x0a\x01\0\x02")
        ended(checks, world, "by a portal that only others are bound to it succeeds", 1,
              State=SUCCEEDED, Results=1)
    with World(checks, "unbind in controlMode records") as world:
        prepare(world, mode="records")
        refused(checks, world, "where sessions may not change, it is refused",
                job(1, Kind=UNBIND, IfaceName="a", RowStatus=CREATE), STATE, (1, 2, 3))
