# SPDX-License-Identifier: GPL-2.0-or-later
"""The move of a binding that is logged in: it makes before it breaks. iscsiadm is one of the test's
own: it can fail where the real one cannot be brought to, and be held where the agent shall die.
What the real one does, the lab shows."""

import os
import signal

import fake_iscsiadm as iscsiadm
import sets
from expect import Text
from harness import World, wait_until
from moves import (LOGGED_IN, LOGIN, ONE, PORTAL, REBIND, STATE, TWO, changes, devices, needs,
                   rescanned, waits)
from sets import (CANCELLED, CREATE, DESTROY, FAILED, IMPLIED, PENDING, ROLLED_BACK, RUNNING,
                  SUCCEEDED, binding, ended, iface, job, refused)

OLD, NEW = {(ONE, "a"): "san0"}, {(ONE, "b"): "san1"}


def prepare(checks, world, *lines, mode="full"):
    """A session to ONE over iface a; its binding's index is returned."""
    world.records.iface("a", net_ifacename="san0")
    world.records.iface("b", net_ifacename="san1")
    sets.bind(world.records, ONE, PORTAL, 1, "a")
    iscsiadm.install(world)
    sets.start(world, "rebindMode relogin", mode="full")
    sets.done(checks, world, "it is to be logged in",
              *job(1, Kind=LOGIN, IfaceName="a", RowStatus=CREATE))
    checks.equal(sets.settle(world, 60)[1]["State"], SUCCEEDED, "and is")
    if lines or mode != "full":
        sets.restart(world, *lines, mode=mode)
    iscsiadm.calls(world)
    (index,), = world.view().find("BindingTable", BindingIfaceName=b"a")
    return index


def move(checks, world, index, to="b"):
    """The SET that moves it; the index of its job."""
    sets.done(checks, world, "it is to move to iface " + to, *binding(index, IfaceName=to))
    number = max(sets.jobs(world))
    checks.equal((number >= IMPLIED, world.value("JobKind", number),
                  world.value("JobIfaceName", number), world.value("JobTargetName", number)),
                 (True, REBIND, to.encode(), ONE.encode()), "that starts one job, a rebind")
    return number


def is_at(checks, world, index, name, sessions, text):
    """One binding, with this index, over this iface; logged in, and nothing was lost."""
    checks.equal(devices(world), sessions, text)
    row = {"BindingIfaceName": name.encode(), "BindingOperStatus": LOGGED_IN,
           "BindingAdminStatus": 1, "BindingLosses": 0, "BindingInSync": 1}
    checks.check(wait_until(lambda: list(world.table("BindingTable")) == [(index,)],
                            checks.patience(10)), "it is the only binding, with its index",
                 list(world.table("BindingTable")))
    checks.equal({column: world.wait_value(value, 10, column, index)
                  for column, value in row.items()}, row, "it is logged in over iface " + name)


def untouched(world):
    return sets.plain(sets.tree(world.records.root))


def test_moves(checks):
    """The new session is there before the old one goes; meanwhile both records show."""
    if not needs(checks, "a binding moves with its session"):
        return
    with World(checks, "a binding moves with its session") as world:
        index = prepare(checks, world)
        path = world.records.node_path(ONE, PORTAL, 3260, 1, "a")
        with open(path, encoding="ascii") as file:
            text = file.read()
        since = world.value("BindingUpSince", index)
        iscsiadm.hold(world, "-u")
        number = move(checks, world, index)
        waits(checks, world, number, "logging out: ")
        checks.equal(devices(world), {**OLD, **NEW}, "both sessions are there")
        old, = (i for (i,) in world.table("BindingTable") if i != index)
        checks.equal((world.value("BindingIfaceName", index), world.value("BindingIfaceName", old)),
                     (b"b", b"a"), "the row has the new name, and the old record one of its own")
        checks.equal((old >= IMPLIED, world.value("BindingUpSince", old)), (True, since),
                     "with the session that it has had")
        checks.equal((world.value("BindingLastJob", index), world.value("BindingLastJob", old)),
                     (number, number), "both name the job")
        for row in (index, old):
            refused(checks, world, "neither can be changed meanwhile", binding(row, Startup=2),
                    STATE, 1)
        for name in "ab":
            refused(checks, world, "nor the ifaces", iface(name, NetIfaceName="twin0"), STATE, 1)
        iscsiadm.let_go(world)
        ended(checks, world, "it ends well", number, State=SUCCEEDED, Results=1, Progress=100,
              ErrorCode=0, ErrorText=b"", Step=Text("moved from iface a to b: target " + ONE))
        is_at(checks, world, index, "b", NEW, "the session is over the new iface")
        checks.equal(changes(world), [ONE, "1"], "it was logged in, then the old one out")
        with open(world.records.node_path(ONE, PORTAL, 3260, 1, "b"), encoding="ascii") as file:
            moved = file.read()
        checks.equal(moved, text.replace("iscsi_ifacename = a", "iscsi_ifacename = b")
                     .replace("net_ifacename = san0", "net_ifacename = san1"),
                     "the record is the old one with the other iface's lines")
        checks.equal(os.listdir(os.path.join(world.records.root, "static")),
                     ["%s,%s,3260,1,b" % (ONE, PORTAL)], "and so is its link")
        checks.check(not os.path.exists(path), "the old record is gone")
        number = move(checks, world, index, "a")
        ended(checks, world, "and back again", number, State=SUCCEEDED)
        is_at(checks, world, index, "a", OLD, "the session is over the old iface")


def test_refused(checks):
    """Where no job may move it, a SET does not, and nothing changes."""
    if not needs(checks, "moves that are refused"):
        return
    for lines, mode, text in ((("rebindMode recordOnly",), "full", "under recordOnly"),
                              (("rebindMode relogin",), "records", "in control mode records")):
        with World(checks, "moves that are refused") as world:
            index = prepare(checks, world, *lines, mode=mode)
            before = untouched(world)
            refused(checks, world, text, binding(index, IfaceName="b"), STATE, 1)
            checks.equal(sets.compare(untouched(world), before), "", "nothing has changed")
    with World(checks, "moves that are refused") as world:
        index = prepare(checks, world)
        before = untouched(world)
        refused(checks, world, "together with a logout",
                [*binding(index, IfaceName="b"), *binding(index, AdminStatus=2)], STATE, 2)
        refused(checks, world, "with the old iface destroyed",
                [*binding(index, IfaceName="b"), *iface("a", RowStatus=DESTROY)], STATE, 2)
        refused(checks, world, "to an iface that is not there", binding(index, IfaceName="c"),
                STATE, 1)
        sets.done(checks, world, "another binding of that portal",
                  *binding(7, IfaceName="b", TargetName=ONE, PortalAddressType=16,
                           PortalAddress=PORTAL, Tpgt=1, RowStatus=CREATE))
        refused(checks, world, "to its place", binding(index, IfaceName="b"), STATE, 1)
        refused(checks, world, "or that to the place that is still needed",
                [*binding(index, IfaceName="default"), *binding(7, IfaceName="a")], STATE, 2)
        sets.done(checks, world, "it goes", *binding(7, RowStatus=DESTROY))
        checks.equal(sets.compare(untouched(world), before), "", "nothing has changed")
        checks.equal((devices(world), list(sets.jobs(world))), (OLD, [1]), "and no job started")


def test_disks(checks):
    """The old session stays until the new one has its disk, even if only a rescan finds that."""
    if not needs(checks, "a move with a disk"):
        return
    with World(checks, "a move with a disk") as world:
        index = prepare(checks, world)
        world.sysfs.disk(1, 1, 1, "sdr", 2 ** 30, (65, 16), "naa.1")
        os.kill(world.agent.pid, signal.SIGUSR1)
        checks.equal(world.wait_value(b"sdr", 30, "DiskDevice", 1, 1), b"sdr", "a disk is there")
        iscsiadm.behave(world, match="--rescan",
                        hidden=[[1, "sds", 2 ** 30, [65, 32], "naa.1"]])
        number = move(checks, world, index)
        waits(checks, world, number, "waiting for the same disks over iface b, with a rescan")
        checks.equal(devices(world), {**OLD, **NEW}, "both sessions are there")
        rescanned(checks, world, 2)
        # Of a disk that is not this host's nobody can tell that it is unused: neither session goes.
        ended(checks, world, "it is seen, and the guard is asked", number, State=FAILED,
              ErrorCode=1004, ErrorText=Text(".*why it went back: logging out: disk sdr .*"))
        checks.equal(devices(world), {**OLD, **NEW}, "both sessions are there still")


def test_fails(checks):
    """Before the old session has gone, everything can be taken back."""
    if not needs(checks, "moves that fail"):
        return
    with World(checks, "moves that fail") as world:
        index = prepare(checks, world)
        before, since = untouched(world), world.value("BindingUpSince", index)
        for text, behaviour, error, why in (
                ("nobody listens", {"match": "discovery", "code": 4, "acts": False}, 4,
                 "probing the new path: .*"),
                ("the target is not listed",
                 {"match": "discovery", "acts": False, "says": "192.0.2.1:3260,1 %s\n" % TWO}, 1001,
                 "probing the new path: .*"),
                ("the login is refused", {"match": "--login", "code": 24, "acts": False}, 24,
                 "logging in: the target does not let this initiator in.*"),
                ("the login is said to be done and is not", {"match": "--login", "acts": False},
                 1009, "logging in: iscsiadm reported no failure, but .*"),
                ("the old session does not go",
                 {"match": "-r 1 -u", "code": 9, "acts": False}, 9, "logging out: .*")):
            iscsiadm.behave(world, **behaviour)
            number = move(checks, world, index)
            ended(checks, world, text, number, State=ROLLED_BACK, ErrorCode=error, Results=0,
                  ErrorText=Text(why), Step=b"everything is as it was")
            is_at(checks, world, index, "a", OLD, "the session is where it was")
            checks.equal((world.value("BindingLastJob", index),
                          world.value("BindingUpSince", index)), (number, since),
                         "the row names the job, and has its time")
            checks.check(why[:7] in world.value("BindingLastError", index).decode(),
                         "and why it failed", world.value("BindingLastError", index))
            checks.equal(sets.compare(untouched(world), before), "",
                         "and the records are as they were")
        iscsiadm.behave(world)
        ended(checks, world, "then it can", move(checks, world, index), State=SUCCEEDED)
        is_at(checks, world, index, "b", NEW, "the session is over the new iface")


def test_cancel(checks):
    """A cancelled move leaves everything as it was, also one that has not begun."""
    if not needs(checks, "a move that is cancelled"):
        return
    with World(checks, "a move that is cancelled") as world:
        index = prepare(checks, world)
        before = untouched(world)
        iscsiadm.hold(world, "--login")
        number = move(checks, world, index)
        waits(checks, world, number, "logging in: ")
        sets.done(checks, world, "it is cancelled", *job(number, Control=2))
        iscsiadm.let_go(world)
        ended(checks, world, "and ends so", number, State=CANCELLED, ErrorCode=0,
              Step=b"everything is as it was")
        is_at(checks, world, index, "a", OLD, "the session is where it was")
        iscsiadm.hold(world, "discovery")
        sets.done(checks, world, "a probe keeps a rebind busy",
                  *job(7, Kind=REBIND, IfaceName="a", RowStatus=CREATE))
        ended(checks, world, "but there is nothing to move", 7, State=SUCCEEDED)
        number = move(checks, world, index)
        waits(checks, world, number, "probing the new path")
        sets.done(checks, world, "it is cancelled", *job(number, Control=2))
        iscsiadm.let_go(world)
        ended(checks, world, "and ends so", number, State=CANCELLED, ErrorCode=0)
        is_at(checks, world, index, "a", OLD, "the session is where it was")
        checks.equal(sets.compare(untouched(world), before), "", "the records are as they were")


def test_waits(checks):
    """One that waits for its turn can be cancelled, too: its record was made by the SET."""
    if not needs(checks, "a move that waits"):
        return
    with World(checks, "a move that waits") as world:
        index = prepare(checks, world)
        before = untouched(world)
        sets.done(checks, world, "another binding",
                  *binding(7, IfaceName="b", TargetName=TWO, PortalAddressType=16,
                           PortalAddress=PORTAL, Tpgt=1, RowStatus=CREATE))
        iscsiadm.hold(world, "-I b --login")
        sets.done(checks, world, "is logged in",
                  *job(7, Kind=LOGIN, IfaceName="b", RowStatus=CREATE))
        checks.equal(world.wait_value(RUNNING, 30, "JobState", 7), RUNNING, "it runs")
        number = move(checks, world, index)
        checks.equal(world.value("JobState", number), PENDING, "the move waits for its turn")
        refused(checks, world, "and nobody changes the row until then",
                binding(index, Startup=2), STATE, 1)
        sets.done(checks, world, "it is cancelled", *job(number, Control=2))
        iscsiadm.behave(world, acts=False, code=24)
        iscsiadm.let_go(world)
        ended(checks, world, "it takes its record back", number, State=CANCELLED, ErrorCode=0)
        iscsiadm.behave(world)
        sets.done(checks, world, "the other binding goes", *binding(7, RowStatus=DESTROY))
        is_at(checks, world, index, "a", OLD, "the session is where it was")
        checks.equal(sets.compare(untouched(world), before), "", "the records are as they were")


def test_killed(checks):
    """The agent dies while iscsiadm is at it: the job goes on from what it finds."""
    if not needs(checks, "killed in a move"):
        return
    for held, behaviour, text in (
            ("--login", {}, "in a login that comes about"),
            ("--login", {"match": "--login", "acts": False}, "in a login that does not"),
            ("-r 1 -u", {}, "in a logout that comes about"),
            ("-r 1 -u", {"match": "-u", "acts": False}, "in a logout that does not")):
        with World(checks, "killed " + text) as world:
            index = prepare(checks, world)
            iscsiadm.behave(world, **behaviour)
            iscsiadm.hold(world, held)
            number = move(checks, world, index)
            waits(checks, world, number, "logging " + ("in" if "login" in held else "out"))
            world.agent.end(signal.SIGKILL)
            iscsiadm.let_go(world)
            checks.check(wait_until(lambda: any(held in line for line in iscsiadm.ended(world)
                                                if "-T" not in line or "-I b" in line),
                                    checks.patience(60)), "iscsiadm does not die with it")
            iscsiadm.behave(world)
            sets.start(world, "rebindMode relogin", mode="full")
            ended(checks, world, "the job comes to its end", number, State=SUCCEEDED, Results=1)
            is_at(checks, world, index, "b", NEW, "the session is over the new iface")
