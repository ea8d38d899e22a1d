# SPDX-License-Identifier: GPL-2.0-or-later
"""Jobs that log in and out, and the wanted state of bindings. iscsiadm is one of the test's own:
it can end with any code, and say what is not true. What the real one does, the lab shows."""

import os
import signal

import fake_iscsiadm as iscsiadm
import sets
from expect import Date, Text
from harness import World, wait_until
from sets import (CANCELLED, CREATE, DESTROY, FAILED, IMPLIED, RUNNING, SUCCEEDED, ask, binding,
                  ended, iface, job, refused)

ONE, TWO = "iqn.2026-01.org.example:one", "iqn.2026-01.org.example:two"
LOGIN, LOGOUT = 1, 2
IN, OUT = 1, 2
LOGGED_OUT, LOGGING_IN, LOGGED_IN, OPER_FAILED, LOGGING_OUT = 1, 2, 3, 7, 8
STATE = ("inconsistentValue",)


def login_call(target, host, name):
    return "-m node -T %s -p %s:3260,1 -I %s --login" % (target, host, name)


def prepare(world, *lines, mode="full"):
    """Two ifaces; a has two targets, one of them over two portals, and b has one."""
    world.records.iface("a")
    world.records.iface("b")
    for target, host, name in ((ONE, "10.1.0.1", "a"), (ONE, "10.1.0.2", "a"),
                               (TWO, "10.2.0.1", "a"), (ONE, "10.1.0.1", "b")):
        sets.bind(world.records, target, host, 1, name)
    iscsiadm.install(world)
    sets.start(world, *lines, mode=mode)


def reconfigure(checks, world, *lines):
    sets.configure(world, "full", *lines)
    world.agent.send(signal.SIGHUP)
    checks.check(world.wait_log(["read the configuration again"], 10),
                 "now with %s" % ", ".join(lines))


def places(world):
    """{(iface, portal): index}, with the portal's host alone."""
    return {(row["BindingIfaceName"].decode(), row["BindingPortal"].decode().split(":")[0]):
            index[0] for index, row in world.table("BindingTable").items()}


def shown(world):
    """{(iface, host): (oper, admin)}"""
    table = world.table("BindingTable")
    return {place: (table[(index,)]["BindingOperStatus"], table[(index,)]["BindingAdminStatus"])
            for place, index in places(world).items()}


def start_job(checks, world, index, kind, name="a", **columns):
    sets.done(checks, world, "job %d is asked for" % index,
              *job(index, Kind=kind, IfaceName=name, RowStatus=CREATE, **columns))


def test_by_row(checks):
    """All, one target, one portal; what is so already is left alone."""
    with World(checks, "jobs that log in and out") as world:
        prepare(world)
        start_job(checks, world, 1, LOGIN)
        ended(checks, world, "all bindings of an iface are logged in", 1, Kind=LOGIN,
              State=SUCCEEDED, Results=3, Progress=100, Step=b"3 of 3 logged in", ErrorCode=0,
              ErrorText=b"", Started=Date(), Finished=Date())
        checks.equal(sorted(iscsiadm.calls(world)),
                     sorted(login_call(*what, "a") for what in
                            ((ONE, "10.1.0.1"), (ONE, "10.1.0.2"), (TWO, "10.2.0.1"))),
                     "iscsiadm was asked for each, and for nothing else")
        up, down = (LOGGED_IN, IN), (LOGGED_OUT, OUT)
        checks.equal(shown(world), {("a", "10.1.0.1"): up, ("a", "10.1.0.2"): up,
                                    ("a", "10.2.0.1"): up, ("b", "10.1.0.1"): down},
                     "and they are, and wanted")
        start_job(checks, world, 2, LOGIN)
        ended(checks, world, "a second login finds them logged in", 2, State=SUCCEEDED, Results=0,
              Step=b"3 of 3 logged in")
        checks.equal(iscsiadm.calls(world), [], "and asks nobody")
        start_job(checks, world, 3, LOGOUT, TargetName=ONE, PortalAddressType=1,
                  PortalAddress=b"\x0a\x01\0\x02", PortalPort=3260)
        ended(checks, world, "one portal is logged out", 3, State=SUCCEEDED, Results=1)
        start_job(checks, world, 4, LOGOUT, TargetName=TWO)
        ended(checks, world, "and one target", 4, State=SUCCEEDED, Results=1,
              Step=b"1 of 1 logged out")
        checks.equal(len(iscsiadm.calls(world)), 2, "by one run of iscsiadm each")
        checks.equal(shown(world), {("a", "10.1.0.1"): up, ("a", "10.1.0.2"): down,
                                    ("a", "10.2.0.1"): down, ("b", "10.1.0.1"): down},
                     "the others stay")
        table = world.table("BindingTable").values()
        checks.equal({row["BindingLosses"] for row in table}, {0}, "what a job logs out is no loss")
        checks.equal(world.value("BindingLostCount"), 0, "nor lost")
        start_job(checks, world, 5, LOGIN, TargetName="iqn.2026-01.org.example:none")
        ended(checks, world, "a job that no binding matches fails", 5, State=FAILED, ErrorCode=21,
              Results=0)


def test_wanted_state(checks):
    """AdminStatus starts a job, is kept, and is no job where it is so."""
    with World(checks, "AdminStatus") as world:
        prepare(world)
        here = places(world)["a", "10.1.0.1"]
        sets.done(checks, world, "AdminStatus as it is", *binding(here, AdminStatus=OUT))
        checks.equal(sets.jobs(world), {}, "starts no job")
        sets.done(checks, world, "a binding is wanted", *binding(here, AdminStatus=IN))
        index, = sets.jobs(world)
        checks.check(index >= IMPLIED, "that is a job of the agent's", index)
        ended(checks, world, "it logs that binding in", index, Kind=LOGIN, IfaceName=b"a",
              TargetName=ONE.encode(), PortalAddress=b"\x0a\x01\0\x01", PortalPort=3260,
              State=SUCCEEDED, Results=1)
        checks.equal(world.value("BindingLastJob", here), index, "and is its last job")
        checks.equal(iscsiadm.calls(world), [login_call(ONE, "10.1.0.1", "a")],
                     "only that binding's session was asked for")
        sets.done(checks, world, "wanted again", *binding(here, AdminStatus=IN))
        checks.equal(list(sets.jobs(world)), [index], "it is so: no job")
        sets.restart(world, mode="full")
        checks.equal(world.value("BindingAdminStatus", here), IN, "a restart forgets it not")
        sets.done(checks, world, "not wanted any more", *binding(here, AdminStatus=OUT))
        last = max(sets.jobs(world))
        ended(checks, world, "it is logged out", last, Kind=LOGOUT, State=SUCCEEDED, Results=1)
        checks.equal(shown(world)["a", "10.1.0.1"], (LOGGED_OUT, OUT), "and shows it")
        sets.done(checks, world, "a new binding that is wanted", *sets.new_binding(
            9, "b", TWO, "10.2.0.9", AdminStatus=IN))
        ended(checks, world, "is logged in", max(sets.jobs(world)), Kind=LOGIN, State=SUCCEEDED,
              Results=1, IfaceName=b"b", TargetName=TWO.encode())
        checks.equal(world.value("BindingOperStatus", 9), LOGGED_IN, "and shows it, too")
        refused(checks, world, "while it has a session it cannot be destroyed",
                binding(9, RowStatus=DESTROY), STATE, 1)


def test_failures(checks):
    """Codes and lies; one that fails does not keep the others from their turn."""
    with World(checks, "jobs that fail") as world:
        prepare(world)
        iscsiadm.behave(world, code=24, acts=False, says="iscsiadm: no: node.session.auth.password"
                        " = wonderland\niscsiadm: authorization failure\n")
        start_job(checks, world, 1, LOGIN, "b")
        ended(checks, world, "a refused login has open-iscsi's code", 1, State=FAILED,
              ErrorCode=24, Results=0, Step=b"0 of 1 logged in",
              ErrorText=Text(r"the target does not let this initiator in.*\(open-iscsi error 24\)"
                             r": %s via 10\.1\.0\.1:3260,1 on b" % ONE))
        checks.equal(shown(world)["b", "10.1.0.1"], (OPER_FAILED, IN), "the binding failed")
        here = places(world)["b", "10.1.0.1"]
        checks.check(b"error 24" in world.value("BindingLastError", here), "and says why",
                     lambda: world.value("BindingLastError", here))
        checks.check(world.wait_log(["it said: authorization failure"], 5)
                     and "wonderland" not in world.agent.log(),
                     "the log has what iscsiadm said, but no secret", world.agent.log()[-500:])
        iscsiadm.behave(world, code=8)
        start_job(checks, world, 2, LOGIN, "b")
        ended(checks, world, "a login that came true is none that failed", 2, State=SUCCEEDED,
              Results=1)
        iscsiadm.behave(world, acts=False)
        start_job(checks, world, 3, LOGOUT, "b")
        row = ended(checks, world, "a logout that did not happen is not verified", 3, State=FAILED,
                    ErrorCode=1009, Results=0)
        checks.check(b"still has session" in row["ErrorText"], "as it says", row["ErrorText"])
        checks.equal(shown(world)["b", "10.1.0.1"], (LOGGED_IN, IN), "what is wanted is as before")
        iscsiadm.behave(world)
        iscsiadm.hold(world)
        reconfigure(checks, world, "sessionTimeout 1")
        start_job(checks, world, 4, LOGIN, TargetName=TWO)
        ended(checks, world, "one that takes too long is killed", 4, State=FAILED, ErrorCode=1005,
              Results=0, ErrorText=Text("iscsiadm had not ended after 1 s and was killed: .*"))
        iscsiadm.let_go(world)


def test_guard(checks):
    """A session with a disk in use stays, and the refusal names the disk and who uses it."""
    with World(checks, "the guard") as world:
        prepare(world)
        start_job(checks, world, 1, LOGIN)
        ended(checks, world, "three are logged in", 1, State=SUCCEEDED, Results=3)
        session, = world.view().find("SessionTable", SessionTargetName=TWO.encode())
        world.sysfs.disk(session[0], session[0], 1, "sdq", 2 ** 30, (65, 0), "naa.1",
                         holders=("dm-7",))
        os.kill(world.agent.pid, signal.SIGUSR1)
        checks.equal(world.wait_value(3, 10, "DiskInUse", session[0], 1), 3, "a disk is in use")
        start_job(checks, world, 2, LOGOUT, Force=1)
        row = ended(checks, world, "the logout is refused, although it was to be forced", 2,
                    State=FAILED, ErrorCode=1004, Results=2, Step=b"2 of 3 logged out")
        checks.check(b"sdq" in row["ErrorText"] and TWO.encode() in row["ErrorText"]
                     and world.value("DiskUser", session[0], 1) in row["ErrorText"],
                     "the disk, its user and the binding are named", row["ErrorText"])
        checks.equal(shown(world)["a", "10.2.0.1"], (LOGGED_IN, IN), "the session stays, wanted")
        reconfigure(checks, world, "protectInUse no")
        start_job(checks, world, 3, LOGOUT)
        ended(checks, world, "where protectInUse is no, a job must still wish it", 3, State=FAILED,
              ErrorCode=1004, Results=0)
        start_job(checks, world, 4, LOGOUT, Force=1)
        ended(checks, world, "and then it happens", 4, State=SUCCEEDED, Results=1)


def held(checks, world, index, kind, **columns):
    """Starts a job that comes to no end for now."""
    iscsiadm.hold(world)
    start_job(checks, world, index, kind, **columns)
    checks.equal(world.wait_value(RUNNING, 10, "JobState", index), RUNNING, "it runs")


def test_while_it_runs(checks):
    """What a job works on cannot be changed; the rest can, and everything can be read."""
    with World(checks, "SETs while a job runs") as world:
        prepare(world)
        mine, other = places(world)["a", "10.2.0.1"], places(world)["b", "10.1.0.1"]
        held(checks, world, 1, LOGIN, TargetName=TWO)
        checks.equal(world.wait_value(LOGGING_IN, 10, "BindingOperStatus", mine), LOGGING_IN,
                     "its binding is logging in")
        for text, wishes in (("startup", binding(mine, Startup=2)),
                             ("wanted state", binding(mine, AdminStatus=OUT)),
                             ("end", binding(mine, RowStatus=DESTROY)),
                             ("iface", iface("a", Initiator="iqn.2026-01.org.example:x")),
                             ("job's end", job(1, RowStatus=DESTROY))):
            refused(checks, world, "its %s cannot be set" % text, wishes, STATE, 1)
        sets.done(checks, world, "another binding can", *binding(other, Startup=2))
        sets.done(checks, world, "and another iface",
                  *iface("b", Initiator="iqn.2026-01.org.example:x"))
        iscsiadm.let_go(world)
        ended(checks, world, "it ends well", 1, State=SUCCEEDED, Results=1)
        sets.done(checks, world, "and then its binding can", *binding(mine, Startup=2))


def test_cancel(checks):
    """A cancelled job takes back what it did, and no more."""
    with World(checks, "cancel") as world:
        prepare(world)
        before = shown(world)
        held(checks, world, 1, LOGIN)
        sets.done(checks, world, "a login is cancelled", *job(1, Control=2))
        iscsiadm.let_go(world)
        ended(checks, world, "it ends cancelled", 1, State=CANCELLED, Results=0, ErrorCode=0,
              Step=b"cancelled; everything is as it was")
        asked = iscsiadm.calls(world)
        checks.check(len(asked) == 2 and asked[0].endswith("--login") and asked[1].endswith("-u"),
                     "the one that was logged in is logged out again", asked)
        checks.equal(shown(world), before, "everything is as it was")
        start_job(checks, world, 2, LOGIN)
        ended(checks, world, "all are logged in", 2, State=SUCCEEDED, Results=3)
        before = shown(world)
        held(checks, world, 3, LOGOUT)
        sets.done(checks, world, "a logout is cancelled", *job(3, Control=2))
        iscsiadm.let_go(world)
        ended(checks, world, "it ends cancelled, too", 3, State=CANCELLED, Results=0)
        checks.equal(shown(world), before, "and everything is as it was")


def test_killed(checks):
    """The agent dies while it logs out: it goes on, and nothing counts as lost."""
    with World(checks, "killed while it logs out") as world:
        prepare(world)
        start_job(checks, world, 1, LOGIN, TargetName=ONE)
        ended(checks, world, "two are logged in", 1, State=SUCCEEDED, Results=2)
        iscsiadm.calls(world)
        held(checks, world, 2, LOGOUT, TargetName=ONE)
        checks.equal(world.wait_value(lambda v: v == LOGGING_OUT, 10, "BindingOperStatus",
                                      min(v for k, v in places(world).items()
                                          if k[0] == "a" and k[1].startswith("10.1."))),
                     LOGGING_OUT, "one is logging out")
        world.agent.end(signal.SIGKILL)
        iscsiadm.let_go(world)
        gone = wait_until(lambda: len(os.listdir(world.sysfs.path(
            "class/iscsi_session"))) == 1, checks.patience(30))
        checks.check(gone, "iscsiadm does not die with it")
        sets.start(world, mode="full")
        ended(checks, world, "the job goes on where it was", 2, State=SUCCEEDED, Results=1,
              Step=b"2 of 2 logged out; it was interrupted before")
        checks.equal(len(iscsiadm.calls(world)), 2, "each session was asked for once")
        checks.equal({r["BindingLosses"] for r in world.table("BindingTable").values()}, {0},
                     "and nothing was lost")


def test_control_modes(checks):
    """Where only records may change, no session does."""
    with World(checks, "sessions in controlMode records") as world:
        prepare(world, mode="records")
        here = places(world)["a", "10.1.0.1"]
        for kind in (LOGIN, LOGOUT):
            refused(checks, world, "no job of kind %d" % kind,
                    job(1, Kind=kind, IfaceName="a", RowStatus=CREATE), STATE, 1)
        refused(checks, world, "no wanted state", binding(here, AdminStatus=IN), STATE, 1)
        refused(checks, world, "none for a new binding", sets.new_binding(
            9, "b", TWO, "10.2.0.9", AdminStatus=IN), STATE)
        sets.done(checks, world, "but the present one", *binding(here, AdminStatus=OUT))
        sets.done(checks, world, "and a new binding that is not wanted", *sets.new_binding(
            9, "b", TWO, "10.2.0.9", AdminStatus=OUT))
        checks.equal((sets.jobs(world), iscsiadm.calls(world)), ({}, []), "nothing is started")


def test_denied(checks):
    """An iface that is out of bounds is so for jobs."""
    with World(checks, "sessions of a denied iface") as world:
        prepare(world, "denyIface b")
        here = places(world)["b", "10.1.0.1"]
        refused(checks, world, "no login of it by a row",
                job(1, Kind=LOGIN, IfaceName="b", RowStatus=CREATE), "noAccess")
        refused(checks, world, "nor by its wanted state", binding(here, AdminStatus=IN),
                "noAccess", 1)
        checks.equal(ask(world, *job(1, Kind=LOGIN, IfaceName="none", RowStatus=CREATE))[0],
                     "inconsistentValue", "an iface that is not there has no jobs")
