# SPDX-License-Identifier: GPL-2.0-or-later
"""Jobs that move sessions to another path. iscsiadm is one of the test's own: it can fail where
the real one cannot be brought to, and be held where the agent shall die. What the real one does,
the lab shows. The portal has a name: nobody looks it up, and nothing is sent anywhere."""

import os
import signal

import fake_iscsiadm as iscsiadm
import mib
import moves
import sets
from expect import Text
from harness import World, wait_until
from moves import (LOGGED_IN, LOGIN, ONE, PORTAL, REBIND, STATE, TWO, changes, needs, rescanned,
                   waits)
from records import read
from sets import (CANCELLED, CREATE, DONE, FAILED, IMPLIED, PENDING, PROPAGATE, ROLLED_BACK,
                  RUNNING, SUCCEEDED, ask, binding, iface, ended, job, refused)

IN_SYNC, SESSIONS_DIFFER = 1, 3  # iscsiIfaceInSync
BACK = "putting everything back: logging in: "


def prepare(checks, world, *lines):
    """iface a over san0 with sessions 1 and 2 to two targets, which are returned in the order of
    their bindings, and iface b with none."""
    world.records.iface("a", net_ifacename="san0")
    world.records.iface("b", net_ifacename="san1")
    for target, name in ((ONE, "a"), (TWO, "a"), (ONE, "b")):
        sets.bind(world.records, target, PORTAL, 1, name)
    iscsiadm.install(world)
    sets.start(world, *(lines or ("rebindMode relogin",)), mode="full")
    sets.done(checks, world, "both are to be logged in",
              *job(1, Kind=LOGIN, IfaceName="a", RowStatus=CREATE))
    checks.equal(sets.settle(world, 60)[1]["State"], SUCCEEDED, "and are")
    checks.equal(devices(world), {ONE: "san0", TWO: "san0"}, "over san0")
    iscsiadm.calls(world)
    rows = sorted(world.view().find("BindingTable", BindingIfaceName=b"a"))
    return [world.value("BindingTargetName", *index).decode() for index in rows]


def devices(world):
    """{target: device} of the sessions, each target having one at most."""
    return {target: device for (target, _), device in moves.devices(world).items()}


def recorded(world):
    """What the iface's record and its copies say, the record first."""
    paths = [world.records.iface_path("a")]
    paths += [world.records.node_path(target, PORTAL, 3260, 1, "a") for target in (ONE, TWO)]
    return [read(path).get("iface.net_ifacename") for path in paths]


def all_over(checks, world, device, text):
    checks.equal((devices(world), recorded(world)),
                 ({ONE: device, TWO: device}, [device] * 3), text)
    rows = world.view().find("BindingTable", BindingIfaceName=b"a")
    checks.equal({(world.value("BindingOperStatus", *index),
                   world.value("BindingAdminStatus", *index),
                   world.value("BindingLosses", *index)) for index in rows},
                 {(LOGGED_IN, 1, 0)}, "they are logged in and wanted, and nothing was lost")
    checks.equal(world.wait_value(IN_SYNC, 10, "InSync", *mib.text_index("a")), IN_SYNC,
                 "and all is in sync")


def change(checks, world, device="san1"):
    """The SET that starts a rebind; the job's index."""
    sets.done(checks, world, "the iface gets device " + device, *iface("a", NetIfaceName=device))
    index = max(sets.jobs(world))
    checks.equal((index >= IMPLIED, world.value("JobKind", index)), (True, REBIND),
                 "that starts one job, a rebind")
    return index


def test_by_set(checks):
    """One SET moves both sessions, one after the other; meanwhile the rows stay as they are."""
    if not needs(checks, "a rebind by a SET"):
        return
    with World(checks, "a rebind by a SET") as world:
        first, second = prepare(checks, world)
        iscsiadm.hold(world, "-r 2 -u")
        index = change(checks, world)
        waits(checks, world, index, "logging out: " + second)
        checks.equal(devices(world), {first: "san1", second: "san0"}, "one was moved before")
        checks.equal((world.value("JobProgress", index), world.value("JobState", index)),
                     (50, RUNNING), "half of it is done")
        there = world.view().find("BindingTable", BindingIfaceName=b"a")[0][0]
        refused(checks, world, "the iface cannot be changed meanwhile",
                iface("a", NetIfaceName="san0"), STATE, 1)
        refused(checks, world, "nor its bindings", binding(there, Startup=2), STATE, 1)
        sets.done(checks, world, "another iface can", *iface("b", Initiator="iqn.2026-01.org:x"))
        iscsiadm.let_go(world)
        ended(checks, world, "it ends well", index, State=SUCCEEDED, Results=2, Progress=100,
              ErrorCode=0, ErrorText=b"",
              Step=b"moved 2 of 2 sessions to the path of iface a")
        checks.equal(changes(world), ["1", first, "2", second], "each was logged out, and in again")
        all_over(checks, world, "san1", "both sessions and all records say san1")
        index = change(checks, world, "san0")
        ended(checks, world, "and back again", index, State=SUCCEEDED, Results=2)
        all_over(checks, world, "san0", "all say san0 again")


def test_probe_fails(checks):
    """Who cannot be reached is not logged out, and the record says again what it said."""
    if not needs(checks, "a rebind whose probe fails"):
        return
    with World(checks, "a rebind whose probe fails") as world:
        first, _ = prepare(checks, world)
        before = sets.plain(sets.tree(world.records.root))
        for text, behaviour, error in (
                ("nobody listens", {"code": 4, "acts": False}, 4),
                ("one target is not listed",
                 {"acts": False, "says": "192.0.2.1:3260,1 %s\n" % first}, 1001)):
            iscsiadm.behave(world, match="discovery", **behaviour)
            index = change(checks, world)
            ended(checks, world, text, index, State=ROLLED_BACK, ErrorCode=error, Results=0,
                  ErrorText=Text("probing the new path: portal .*"),
                  Step=b"everything is as it was")
            checks.equal(changes(world), [], "nobody was logged out")
            all_over(checks, world, "san0", "everything is over san0")
            checks.equal(sets.compare(sets.plain(sets.tree(world.records.root)), before), "",
                         "and the records are as they were")
        index = change(checks, world, "bare0")
        ended(checks, world, "no address", index, State=ROLLED_BACK, ErrorCode=1008)
        index = change(checks, world, "pulled0")
        ended(checks, world, "no carrier", index, State=ROLLED_BACK, ErrorCode=1007)
        all_over(checks, world, "san0", "everything is over san0")


def test_login_fails(checks):
    """A login that fails brings back the session that moved before, too."""
    if not needs(checks, "a rebind whose login fails"):
        return
    with World(checks, "a rebind whose login fails") as world:
        first, second = prepare(checks, world)
        before = sets.plain(sets.tree(world.records.root))
        iscsiadm.behave(world, match=second + ".*--login", code=24, acts=False)
        index = change(checks, world)
        waits(checks, world, index, BACK + second)
        iscsiadm.behave(world)
        ended(checks, world, "it is rolled back", index, State=ROLLED_BACK, ErrorCode=24, Results=0,
              ErrorText=Text("logging in: the target does not let this initiator in.*" + second
                             + ".* on a"))
        all_over(checks, world, "san0", "everything is over san0")
        checks.equal(sets.compare(sets.plain(sets.tree(world.records.root)), before), "",
                     "and the records are as they were")
        asked = changes(world)
        checks.check(asked[:4] == ["1", first, "2", second] and asked[-2:] == ["3", first]
                     and set(asked[4:-2]) == {second},
                     "what was logged out came first, then what was moved", asked)


def test_changed_meanwhile(checks):
    """What somebody else changed is not overwritten, and the job says which record it is."""
    if not needs(checks, "a record changed meanwhile"):
        return
    with World(checks, "a record changed meanwhile") as world:
        first, second = prepare(checks, world)
        iscsiadm.behave(world, match=second + ".*--login", code=24, acts=False)
        iscsiadm.hold(world, second + ".*--login")
        index = change(checks, world)
        waits(checks, world, index, "logging in: " + second)
        world.records.iface("a", net_ifacename="twin0")
        checks.equal(world.wait_value(b"twin0", 10, "NetIfaceName", *mib.text_index("a")),
                     b"twin0", "somebody changes the record")
        iscsiadm.let_go(world)
        waits(checks, world, index, BACK + second)
        iscsiadm.behave(world)
        ended(checks, world, "the job cannot put it back", index, State=FAILED, ErrorCode=1010,
              ErrorText=Text("putting back: record ifaces/a was changed by somebody else.*"))
        checks.equal((devices(world), recorded(world)[0]),
                     ({first: "san0", second: "san0"}, "twin0"),
                     "the sessions are where they were, and the record is his")


def test_cancel(checks):
    """A cancelled rebind leaves everything as it was, also one that has not begun."""
    if not needs(checks, "a rebind that is cancelled"):
        return
    with World(checks, "a rebind that is cancelled") as world:
        first, _ = prepare(checks, world)
        iscsiadm.hold(world, "-r 1 -u")
        index = change(checks, world)
        waits(checks, world, index, "logging out: " + first)
        sets.done(checks, world, "it is cancelled", *job(index, Control=2))
        iscsiadm.let_go(world)
        ended(checks, world, "and ends so", index, State=CANCELLED, ErrorCode=0, Results=0,
              Step=b"everything is as it was")
        checks.equal(changes(world), ["1", first], "who was logged out is logged in again")
        all_over(checks, world, "san0", "everything is over san0")
        iscsiadm.hold(world, "-I b --login")
        sets.done(checks, world, "another job is at work",
                  *job(7, Kind=LOGIN, IfaceName="b", RowStatus=CREATE))
        checks.equal(world.wait_value(RUNNING, 30, "JobState", 7), RUNNING, "it runs")
        index = change(checks, world)
        checks.equal(world.value("JobState", index), PENDING, "the rebind waits for its turn")
        refused(checks, world, "and nobody changes the iface until then",
                iface("a", NetIfaceName="twin0"), STATE, 1)
        sets.done(checks, world, "it is cancelled", *job(index, Control=2))
        iscsiadm.let_go(world)
        ended(checks, world, "it puts the record back", index, State=CANCELLED, ErrorCode=0)
        all_over(checks, world, "san0", "everything is over san0")


def test_killed(checks):
    """The agent dies between a logout and its login: the session is logged in, first of all."""
    if not needs(checks, "killed in a rebind"):
        return
    with World(checks, "killed in a rebind") as world:
        first, second = prepare(checks, world)
        iscsiadm.behave(world, match="--login", acts=False)
        iscsiadm.hold(world, first + ".*--login")
        index = change(checks, world)
        waits(checks, world, index, "logging in: " + first)
        world.agent.end(signal.SIGKILL)
        iscsiadm.let_go(world)
        checks.check(wait_until(lambda: any(first in line and line.endswith("--login")
                                            for line in iscsiadm.ended(world)[-1:]),
                                checks.patience(60)), "and the login with it")
        checks.equal(devices(world), {second: "san0"}, "the session is not there")
        iscsiadm.behave(world)
        iscsiadm.calls(world)
        sets.start(world, "rebindMode relogin", mode="full")
        ended(checks, world, "the job comes to its end", index, State=ROLLED_BACK, ErrorCode=1,
              ErrorText=Text("it was interrupted before .*"))
        checks.equal(changes(world)[:1], [first], "first the session was logged in")
        all_over(checks, world, "san0", "everything is over san0")


def test_killed_late(checks):
    """The agent dies in the last login: all sessions are moved, and that is a success."""
    if not needs(checks, "killed at the end of a rebind"):
        return
    with World(checks, "killed at the end of a rebind") as world:
        _, second = prepare(checks, world)
        iscsiadm.hold(world, second + ".*--login")
        index = change(checks, world)
        waits(checks, world, index, "logging in: " + second)
        world.agent.end(signal.SIGKILL)
        iscsiadm.let_go(world)
        checks.check(wait_until(lambda: second in devices(world), checks.patience(60)),
                     "iscsiadm does not die with it")
        sets.start(world, "rebindMode relogin", mode="full")
        ended(checks, world, "the job finds that all is done", index, State=SUCCEEDED, Results=2)
        all_over(checks, world, "san1", "everything is over san1")


def test_by_row(checks):
    """A job row moves what the record asks for since an earlier change, and changes no record."""
    if not needs(checks, "a rebind by a row"):
        return
    with World(checks, "a rebind by a row") as world:
        first, second = prepare(checks, world, "rebindMode recordOnly")
        checks.equal(ask(world, *iface("a", NetIfaceName="san1")), DONE, "the record is changed")
        index, = (i for i, row in sets.settle(world).items() if row["Kind"] == PROPAGATE)
        checks.equal(recorded(world), ["san1"] * 3, "and its copies")
        checks.equal(world.wait_value(SESSIONS_DIFFER, 10, "InSync", *mib.text_index("a")),
                     SESSIONS_DIFFER, "the sessions are as they were")
        iscsiadm.behave(world, match=second + ".*--login", code=24, acts=False)
        sets.done(checks, world, "a rebind is asked for",
                  *job(2, Kind=REBIND, IfaceName="a", RowStatus=CREATE))
        waits(checks, world, 2, BACK + second)
        iscsiadm.behave(world)
        ended(checks, world, "it is rolled back", 2, State=ROLLED_BACK, ErrorCode=24)
        checks.equal((devices(world), recorded(world)),
                     ({first: "san0", second: "san0"}, ["san1"] * 3),
                     "the sessions are as they were, and the records, too")
        iscsiadm.behave(world, match="discovery", code=4, acts=False)
        sets.done(checks, world, "again, and the probe fails",
                  *job(3, Kind=REBIND, IfaceName="a", RowStatus=CREATE))
        ended(checks, world, "nothing was changed", 3, State=FAILED, ErrorCode=4,
              Step=b"nothing was changed")
        iscsiadm.behave(world)
        sets.done(checks, world, "again", *job(4, Kind=REBIND, IfaceName="a", RowStatus=CREATE))
        ended(checks, world, "and it succeeds", 4, State=SUCCEEDED, Results=2)
        all_over(checks, world, "san1", "everything is over san1")
        iscsiadm.calls(world)
        sets.done(checks, world, "once more", *job(5, Kind=REBIND, IfaceName="a", RowStatus=CREATE))
        ended(checks, world, "there is nothing to do", 5, State=SUCCEEDED, Results=0,
              Step=b"no session of iface a has to be moved")
        checks.equal(iscsiadm.calls(world), [], "and nobody was asked")
        checks.check(index, "the first job was a propagate")


def test_disks(checks):
    """A disk in use keeps all sessions; one that is not must be back before the next is moved."""
    if not needs(checks, "disks in a rebind"):
        return
    with World(checks, "disks in a rebind") as world:
        _, second = prepare(checks, world)
        world.sysfs.disk(2, 2, 1, "sdq", 2 ** 30, (65, 0), "naa.2", holders=("dm-7",))
        os.kill(world.agent.pid, signal.SIGUSR1)
        checks.equal(world.wait_value(3, 30, "DiskInUse", 2, 1), 3, "a disk is in use")
        index = change(checks, world)
        ended(checks, world, "nobody is logged out", index, State=ROLLED_BACK, ErrorCode=1004,
              ErrorText=Text("before the first logout: .*sdq.*" + second + ".*"))
        checks.equal(changes(world), [], "also not the one whose disk is free")
        all_over(checks, world, "san0", "everything is over san0")
    # Of a disk that is not this host's nobody can tell that it is unused.
    with World(checks, "disks that come back") as world:
        first, second = prepare(checks, world, "rebindMode recordOnly", "protectInUse no")
        world.sysfs.disk(1, 1, 1, "sdr", 2 ** 30, (65, 16), "naa.1")
        world.sysfs.disk(2, 2, 1, "sdt", 2 ** 30, (65, 48), "naa.2")
        os.kill(world.agent.pid, signal.SIGUSR1)
        checks.equal(world.wait_value(b"sdr", 30, "DiskDevice", 1, 1), b"sdr", "a disk is there")
        checks.equal(world.wait_value(b"sdt", 30, "DiskDevice", 2, 1), b"sdt", "and another one")
        iscsiadm.behave(world, match="-r 4 --rescan",
                        hidden=[[1, "sdu", 2 ** 30, [65, 64], "naa.2"]])
        sets.done(checks, world, "the record is changed", *iface("a", NetIfaceName="san1"))
        sets.done(checks, world, "a rebind is asked for", *job(
            2, Kind=REBIND, IfaceName="a", Force=1, RowStatus=CREATE))
        waits(checks, world, 2, "waiting for its disks: " + first)
        checks.equal(devices(world), {first: "san1", second: "san0"}, "the other one waits")
        new, = (sid for (sid,), row in world.table("SessionTable").items()
                if row["SessionTargetName"] == first.encode())
        world.sysfs.disk(new, new, 1, "sds", 2 ** 30, (65, 32), "naa.1")
        os.kill(world.agent.pid, signal.SIGUSR1)
        waits(checks, world, 2, "waiting for its disks, with a rescan: " + second)
        rescanned(checks, world, 4)
        ended(checks, world, "it goes on when the disk is back", 2, State=SUCCEEDED, Results=2)
        all_over(checks, world, "san1", "everything is over san1")
