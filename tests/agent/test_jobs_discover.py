# SPDX-License-Identifier: GPL-2.0-or-later
"""Jobs that discover. iscsiadm is one of the test's own: it adds records as the real one does, can
end with any code, and say what is not true. What the real one does, the lab shows."""

import fake_iscsiadm as iscsiadm
import sets
from expect import Date, Text
from harness import World
from sets import (CANCELLED, CREATE, FAILED, RUNNING, SUCCEEDED, ended, job, refused)

ONE, TWO = "iqn.2026-01.org.example:one", "iqn.2026-01.org.example:two"
DISCOVER = 4
STATE = ("inconsistentValue",)
FINDS = [[ONE, "10.1.0.1", 3260, 1], [ONE, "10.1.0.2", 3260, 2], [TWO, "10.1.0.1", 3260, 1]]
PORTAL = {"PortalAddressType": 1, "PortalAddress": b"\x0a\x01\0\x01"}
CALL = "-m discoverydb -t st -p 10.1.0.1:%d %s-o new --discover"
FOUND = "targets found: %d, portals of them: %d, bound now: %d, new: %d"


def prepare(world, *lines, mode="records", ifaces="a"):
    for name in ifaces:
        world.records.iface(name, net_ifacename="lo")
    iscsiadm.install(world)
    iscsiadm.behave(world, finds=FINDS)
    sets.start(world, *lines, mode=mode)


def start_job(checks, world, index, name="a", **columns):
    sets.done(checks, world, "job %d is asked for" % index,
              *job(index, Kind=DISCOVER, IfaceName=name, RowStatus=CREATE,
                   **dict(PORTAL, **columns)))


def found(targets, portals, bound, new):
    return (FOUND % (targets, portals, bound, new)).encode()


def bound(world):
    """{(iface, target, host)} of the table."""
    return {(row["BindingIfaceName"].decode(), row["BindingTargetName"].decode(),
             row["BindingPortal"].decode().split(":")[0])
            for row in world.table("BindingTable").values()}


def over(*names):
    return {(name, target, host) for name in names for target, host, _, _ in FINDS}


def test_found(checks):
    """What is found is bound to the iface that is named, and shows when the job has succeeded."""
    with World(checks, "discover") as world:
        prepare(world)
        start_job(checks, world, 1)
        ended(checks, world, "a discovery succeeds in controlMode records", 1, Kind=DISCOVER,
              State=SUCCEEDED, Results=3, Progress=100, Step=found(2, 3, 3, 3), ErrorCode=0,
              ErrorText=b"", Started=Date(), Finished=Date())
        checks.equal(bound(world), over("a"), "and its bindings are there")
        checks.equal(iscsiadm.calls(world), [CALL % (3260, "-I a ")], "iscsiadm was asked once")
        checks.equal({index[0] >= sets.IMPLIED for index in world.table("BindingTable")}, {True},
                     "with indexes of the agent's")
        before = sets.tree(world.records.root)
        start_job(checks, world, 2, PortalPort=860)
        ended(checks, world, "again, over another port", 2, State=SUCCEEDED, Results=3,
              Step=found(2, 3, 3, 0))
        checks.equal(iscsiadm.calls(world), [CALL % (860, "-I a ")], "which iscsiadm is told")
        after = {path: entry for path, entry in sets.tree(world.records.root).items()
                 if "10.1.0.1,860" not in path}
        checks.equal(sets.compare(after, before), "", "no record has changed")


def test_ifaces(checks):
    """No iface: all tcp ifaces, else the built-in one, which can be named, too."""
    with World(checks, "discover without an iface") as world:
        prepare(world, ifaces="")
        start_job(checks, world, 1, "")
        ended(checks, world, "where there is no record, default is bound", 1, State=SUCCEEDED,
              Results=3, Step=found(2, 3, 3, 3))
        checks.equal(bound(world), over("default"), "to what was found")
        for name in "ab":
            world.records.iface(name)
        world.records.iface("r", transport_name="iser")
        world.wait_value(5, 30, "Count")
        start_job(checks, world, 2, "")
        ended(checks, world, "else all tcp ifaces are", 2, State=SUCCEEDED, Results=6,
              Step=found(2, 3, 6, 6))
        checks.equal(bound(world), over("default", "a", "b"), "and no other")
        start_job(checks, world, 3, "r")
        ended(checks, world, "a named one is, whatever its transport", 3, State=SUCCEEDED,
              Results=3, Step=found(2, 3, 3, 3))
        checks.equal(bound(world), over("default", "a", "b", "r"), "as well")


def test_many(checks):
    """A hundred targets, over two ifaces."""
    with World(checks, "discover a hundred targets") as world:
        prepare(world, ifaces="ab")
        iscsiadm.behave(world, finds=[["%s.%d" % (ONE, number), "10.1.0.1", 3260, 1]
                                      for number in range(100)])
        start_job(checks, world, 1, "")
        ended(checks, world, "each is bound to each", 1, State=SUCCEEDED, Results=200,
              Step=found(100, 100, 200, 200))
        checks.equal(world.value("BindingCount"), 200, "and shows when the job has succeeded")
        start_job(checks, world, 2, "b")
        ended(checks, world, "again over one, nothing is new", 2, State=SUCCEEDED, Results=100,
              Step=found(100, 100, 100, 0))


def test_lies(checks):
    """Exit codes prove nothing; what the target says is not believed either."""
    with World(checks, "discoveries that lie or fail") as world:
        prepare(world)
        iscsiadm.behave(world, code=11, acts=False,
                        says="iscsiadm: cannot make connection to 10.1.0.1: Connection refused\n"
                        "iscsiadm: discovery.sendtargets.auth.password = wonderland\n")
        start_job(checks, world, 1)
        ended(checks, world, "one that fails has open-iscsi's code and words", 1, State=FAILED,
              ErrorCode=11, Results=0, ErrorText=Text(".*answer in time.*Connection refused.*"))
        iscsiadm.behave(world, finds=FINDS, skips=1)
        start_job(checks, world, 2)
        ended(checks, world, "a record that was not added, exit code 0", 2, State=FAILED,
              ErrorCode=1009, Results=2, Step=found(2, 3, 2, 2),
              ErrorText=Text(r".*%s at 10\.1\.0\.1:3260,1, but no node record binds it to iface a"
                             % ONE))
        iscsiadm.behave(world, acts=False, says="10.1.0.1:3260,1 ../../../../etc/passwd\n"
                        "10.1.0.1:3260,1 iqn.with blanks\n10.1.0.2:3260,2 %s\n" % ONE)
        start_job(checks, world, 3)
        ended(checks, world, "names that no target can have", 3, State=FAILED, ErrorCode=1009,
              Results=1, ErrorText=Text(r".*: 2, the first .*passwd.*hostile"))
        iscsiadm.behave(world, acts=False, says="10.1.0.1:3260,1 iqn.half")
        start_job(checks, world, 4)
        ended(checks, world, "half a line names another target, which is not bound", 4,
              State=FAILED, ErrorCode=1009, Results=0)
        checks.check("wonderland" not in world.agent.log(), "no secret is in the log")


def test_time_limit(checks):
    """iscsiadmTimeout."""
    with World(checks, "a discovery that does not end") as world:
        prepare(world, "iscsiadmTimeout 1")
        iscsiadm.hold(world)
        start_job(checks, world, 1)
        ended(checks, world, "one that takes too long is killed", 1, State=FAILED, ErrorCode=1005,
              ErrorText=Text(r"iscsiadm did not end within 1 seconds \(iscsiadmTimeout\)"))
        iscsiadm.let_go(world)


def test_cancel(checks):
    """What a cancelled discovery has added goes again, what was there stays."""
    with World(checks, "a discovery is cancelled") as world:
        prepare(world)
        iscsiadm.behave(world, finds=FINDS[:1])
        start_job(checks, world, 1)
        ended(checks, world, "one portal is found", 1, State=SUCCEEDED, Results=1)
        before = sets.tree(world.records.root)
        iscsiadm.behave(world, finds=FINDS)
        iscsiadm.hold(world)
        start_job(checks, world, 2)
        checks.equal(world.wait_value(RUNNING, 30, "JobState", 2), RUNNING, "the next one runs")
        sets.done(checks, world, "it is cancelled", *job(2, Control=2))
        iscsiadm.let_go(world)
        ended(checks, world, "it ends cancelled", 2, State=CANCELLED, Results=0, ErrorCode=0,
              Step=b"cancelled; records that it had added and removed again: 2")
        checks.equal(sets.compare(sets.tree(world.records.root), before), "",
                     "and everything is as it was")
        checks.equal(sets.strays(world), [], "no file of the agent's stays")


def test_beside(checks):
    """It keeps no job that changes sessions from its turn, and no SET."""
    with World(checks, "a discovery beside others") as world:
        prepare(world, mode="full")
        iscsiadm.hold(world)
        start_job(checks, world, 1)
        checks.equal(world.wait_value(RUNNING, 30, "JobState", 1), RUNNING, "a discovery runs")
        sets.done(checks, world, "an unbind of nothing", *job(
            2, Kind=7, IfaceName="a", TargetName="iqn.none", RowStatus=CREATE))
        checks.equal(world.wait_value(SUCCEEDED, 30, "JobState", 2), SUCCEEDED, "ends meanwhile")
        sets.done(checks, world, "an iface can be changed", *sets.iface("a", Initiator="iqn.x"))
        checks.equal(world.value("JobState", 1), RUNNING, "and the discovery still runs")
        iscsiadm.let_go(world)
        ended(checks, world, "until it ends, too", 1, State=SUCCEEDED, Results=3)


def test_refused(checks):
    """What cannot be asked for."""
    with World(checks, "discoveries that are refused") as world:
        prepare(world, "denyIface b", ifaces="ab")
        for text, columns, errors in (
                ("without an address", {"IfaceName": "a"}, STATE),
                ("over an iface that is not there", dict(PORTAL, IfaceName="c"), STATE),
                ("over one that is out of bounds", dict(PORTAL, IfaceName="b"), ("noAccess",)),
                ("over all, with one of them out of bounds", dict(PORTAL, IfaceName=""),
                 ("noAccess",)),
                ("of one target", dict(PORTAL, IfaceName="a", TargetName=ONE), STATE),
                ("at an address that is none", dict(PORTAL, PortalAddress=b"\x0a"), STATE),
                ("at a name that is none", {"IfaceName": "a", "PortalAddressType": 16,
                                            "PortalAddress": b"-x"}, ("wrongValue",))):
            refused(checks, world, "a discovery " + text,
                    job(1, Kind=DISCOVER, RowStatus=CREATE, **columns), errors)
        checks.equal((sets.jobs(world), iscsiadm.calls(world)), ({}, []), "nothing is started")
        start_job(checks, world, 1)
        ended(checks, world, "over the one that is allowed it succeeds", 1, State=SUCCEEDED,
              Results=3)
