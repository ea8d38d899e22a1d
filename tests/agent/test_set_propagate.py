# SPDX-License-Identifier: GPL-2.0-or-later
"""Jobs: how a change of an iface reaches the copies in its node records."""

import os
import signal

import mib
import sets
from expect import Date, NEVER, faults
from harness import World, wait_until
from records import node_text, read
from sets import (CANCELLED, CREATE, DESTROY, IMPLIED, PENDING, PROPAGATE, RUNNING,
                  SUCCEEDED, ask, iface, job, refused)

TARGET = "iqn.2026-01.org.example:jobs"
STATE = ("inconsistentValue",)
IN_SYNC, BINDINGS_DIFFER, RECORD_DIFFERS = 1, 2, 2


def fill(records, count, name="a"):
    """Node records of one iface, four portals to a target, as fast as they can be written."""
    copy = records.iface_settings(name)
    for number in range(count):
        target = "%s.%d" % (TARGET, number // 4)
        portal = "10.4.%d.%d" % (number // 250, number % 250 + 1)
        path = records.node_path(target, portal, 3260, 1, name)
        os.makedirs(os.path.dirname(path), 0o700, exist_ok=True)
        with open(path, "w", encoding="ascii") as file:
            file.write(node_text(target, portal, 3260, 1, name, copy=copy))


def stale(records, name):
    """How many copies do not say what the iface's record says."""
    want = records.iface_settings(name)
    return sum(copy != want for copy in sets.copies(records, name).values())


def test_propagate(checks):
    """A change of an iface with 50 bindings."""
    with World(checks, "propagate") as world:
        records = world.records
        records.iface("a")
        records.iface("b")
        fill(records, 50)
        other = records.node(TARGET, "10.5.0.1", 3260, 1, "b")
        odd = records.node_path(TARGET + ".0", "10.4.0.1", 3260, 1, "a")
        with open(odd, encoding="ascii") as file:
            text = file.read().replace("node.session.scan", "# what a person wrote\n"
                                       "node.session.of_a_later_version = 1\nnode.session.scan")
        records.put(odd, text)
        with open(other, encoding="ascii") as file:
            others = file.read()
        sets.start(world)
        checks.equal((world.table("JobTable"), world.value("LastJob", *mib.text_index("a"))),
                     ({}, 0), "no job at first")
        sets.done(checks, world, "an iface with 50 bindings changes",
                  *iface("a", Initiator="iqn.2026-01.org.example:other"))
        started = sets.jobs(world)
        checks.check(len(started) == 1 and min(started) >= IMPLIED,
                     "a job is there at once, with an index of the agent's", started)
        index, = started
        row = sets.settle(world)[index]
        want = {"Kind": PROPAGATE, "IfaceName": b"a", "TargetName": b"", "PortalAddressType": 0,
                "PortalAddress": b"", "PortalPort": 0, "Force": 2, "State": SUCCEEDED,
                "Progress": 100, "ErrorCode": 0, "ErrorText": b"", "Results": 50, "Owner": b"",
                "RowStatus": 1, "Control": 1, "Started": Date(), "Finished": Date()}
        checks.empty(faults(row, want, "job"), "it succeeds, and says what it did")
        checks.equal(stale(records, "a"), 0, "all 50 copies say what the iface says")
        with open(odd, encoding="ascii") as file:
            checks.equal(file.read(), text.replace(
                "iface.transport_name = tcp\n", "iface.transport_name = tcp\n"
                "iface.initiatorname = iqn.2026-01.org.example:other\n"),
                "with all their other lines as they were")
        with open(other, encoding="ascii") as file:
            checks.equal(file.read(), others, "another iface's records are left alone")
        view = world.view()
        last = {(row["BindingIfaceName"], row["BindingLastJob"], row["BindingInSync"])
                for row in view.tables["BindingTable"].values()}
        checks.equal(last, {(b"a", index, IN_SYNC), (b"b", 0, IN_SYNC)},
                     "the bindings are in sync, and name their last job")
        checks.equal([(view.ifaces()[name]["LastJob"], view.ifaces()[name]["InSync"])
                      for name in "ab"], [(index, IN_SYNC), (0, IN_SYNC)], "so do the ifaces")
        sets.done(checks, world, "an iface without bindings changes",
                  *iface("c", RowStatus=CREATE), *iface("c", HwAddress="02:00:00:00:00:01"))
        sets.done(checks, world, "and again", *iface("c", HwAddress=""))
        sets.settle(world)
        checks.equal(sets.strays(world), [], "no file of the agent's stays")


def test_by_row(checks):
    """Copies that differ because somebody edited the iface's file; jobs that a manager makes."""
    with World(checks, "propagate by row") as world:
        records = world.records
        records.iface("a")
        fill(records, 12)
        records.iface("a", initiatorname="iqn.2026-01.org.example:by-hand", mtu="9000")
        sets.start(world)
        differ = world.view().find("BindingTable", BindingInSync=RECORD_DIFFERS)
        checks.equal((len(differ), world.value("InSync", *mib.text_index("a"))),
                     (12, BINDINGS_DIFFER), "copies that differ are told")
        for index, columns, results, left in (
                (3, {"TargetName": TARGET + ".1", "PortalAddressType": 1,
                     "PortalAddress": b"\x0a\x04\0\x06", "PortalPort": 3260}, 1, 11),
                (4, {"TargetName": TARGET + ".1"}, 3, 8),
                (5, {"PortalAddressType": 1, "PortalAddress": b"\x0a\x04\0\x01"}, 1, 7),
                (6, {"PortalPort": 3261}, 0, 7), (7, {"TargetName": TARGET + ".none"}, 0, 7),
                (8, {"Owner": "all of them"}, 7, 0)):
            sets.done(checks, world, "a propagate of %s" % (", ".join(columns)), *job(
                index, Kind=PROPAGATE, IfaceName="a", RowStatus=CREATE, **columns))
            row = sets.settle(world)[index]
            checks.equal((row["State"], row["Results"], stale(records, "a")),
                         (SUCCEEDED, results, left), "rewrites %d, and leaves %d" % (results, left))
        checks.equal(world.value("InSync", *mib.text_index("a")), IN_SYNC, "then all is in sync")
        checks.equal(sorted(sets.jobs(world)), [3, 4, 5, 6, 7, 8], "each job is kept")


def test_kinds(checks):
    """What this version cannot do, it does not begin."""
    missing = {"records": (1, 2, 3, 6, 7), "full": (6,)}
    for mode, kinds in missing.items():
        with World(checks, "job kinds, " + mode) as world:
            world.records.iface("a")
            world.records.node(TARGET, "10.4.0.1", 3260, 1, "a")
            sets.start(world, mode=mode)
            there, = world.table("BindingTable")
            wrong = []
            for kind in kinds:
                fault = sets.refusal(world, job(5, Kind=kind, IfaceName="a", TargetName=TARGET,
                                                PortalAddressType=1, PortalPort=3260,
                                                PortalAddress=b"\x0a\x04\0\x01",
                                                RowStatus=CREATE), STATE)
                wrong += ["kind %d: %s" % (kind, fault)] if fault else []
            checks.empty(wrong, "%s: kinds that it does not start are inconsistentValue" % mode)
            sets.done(checks, world, "%s: AdminStatus as it is" % mode,
                      *sets.binding(there[0], AdminStatus=2))
            checks.equal(sets.jobs(world), {}, "%s: and no job is there" % mode)


def states(world, *indexes):
    return [world.value("JobState", index) for index in indexes]


def test_open_jobs(checks):
    """While somebody holds open-iscsi's lock a propagate stays open: cancel, destroy, restart."""
    with World(checks, "open jobs") as world:
        records = world.records
        for name in "ab":
            records.iface(name)
            fill(records, 8, name)
            records.iface(name, initiatorname="iqn.2026-01.org.example:by-hand")
        sets.start(world)
        before = sets.tree(records.root)

        def changed():
            """What differs now; texts that wait for the lock in the root are no records yet."""
            return sets.compare({path: entry for path, entry in sets.tree(records.root).items()
                                 if not path.startswith(".iscsi-ifaced-")}, before)
        with sets.lock_held(world):
            for index in (1, 2, 3, 4):
                sets.done(checks, world, "job %d is asked for" % index, *job(
                    index, Kind=PROPAGATE, IfaceName="ab"[index % 2], RowStatus=CREATE))
            checks.check(set(states(world, 1, 2, 3, 4)) <= {PENDING, RUNNING},
                         "none of them ends while the lock is held", states(world, 1, 2, 3, 4))
            checks.check(states(world, 1, 2, 3, 4).count(RUNNING) <= 1,
                         "one at a time", states(world, 1, 2, 3, 4))
            for index in (1, 2, 4):
                refused(checks, world, "destroy of open job %d" % index,
                        job(index, RowStatus=DESTROY), STATE)
            refused(checks, world, "another iface of an open job", job(1, IfaceName="a"), STATE)
            sets.done(checks, world, "cancel of a pending job", *job(3, Control=2))
            checks.equal(world.wait_value(CANCELLED, 30, "JobState", 3), CANCELLED, "ends it")
            sets.done(checks, world, "cancel of the first job", *job(1, Control=2))
            checks.equal(world.wait_value(CANCELLED, 30, "JobState", 1), CANCELLED, "ends it")
            row = sets.jobs(world)[1]
            checks.empty(faults(row, {"Results": 0, "Control": 2, "Finished": Date()}, "job 1"),
                         "with nothing done")
            sets.done(checks, world, "destroy of a cancelled job", *job(1, RowStatus=DESTROY))
            checks.equal(sorted(sets.jobs(world)), [2, 3, 4], "and it is gone")
            checks.equal(changed(), "", "nothing was written so far")
            world.stop_agent()
            world.start_agent("-c", world.path("conf"))
            rows = sets.jobs(world)
            checks.equal(sorted(rows), [2, 3, 4], "a restart keeps all jobs")
            checks.check({rows[2]["State"], rows[4]["State"]} <= {PENDING, RUNNING}
                         and rows[3]["State"] == CANCELLED, "each as it was", rows)
            checks.equal(changed(), "", "and still nothing is written")
        rows = sets.settle(world)
        checks.equal([(rows[index]["State"], rows[index]["Results"]) for index in (2, 4)],
                     [(SUCCEEDED, 8), (SUCCEEDED, 0)], "when the lock is free they go on, in order")
        checks.equal((stale(records, "a"), stale(records, "b")), (0, 8),
                     "the copies of one iface are rewritten, not those of cancelled jobs")


def test_history(checks):
    """Ended jobs are kept over restarts, but not too many."""
    with World(checks, "job history") as world:
        world.records.iface("a")
        fill(world.records, 2)
        sets.start(world, "jobHistory 3")
        for index in (10, 9, 8, 7):
            ask(world, *job(index, Kind=PROPAGATE, IfaceName="a", RowStatus=CREATE,
                            Owner="owner %d\t\"\\" % index))
            sets.settle(world)
        kept = sets.jobs(world)
        checks.equal(sorted(kept), [7, 8, 9], "jobHistory 3: the oldest one goes")
        checks.check(all(row["Started"] != NEVER and row["Finished"] != NEVER
                         for row in kept.values()), "the others have their times")
        sets.restart(world, "jobHistory 3")
        checks.equal(sets.jobs(world), kept, "a restart changes nothing of them")
        world.agent.end(signal.SIGKILL)
        sets.start(world, "jobHistory 3")
        checks.equal(sets.jobs(world), kept, "neither does a SIGKILL")
        sets.done(checks, world, "an iface changes", *iface("a", HwAddress="02:00:00:00:00:01"))
        first = max(sets.settle(world))
        checks.equal(len(sets.jobs(world)), 3, "a new job takes an old one's place")
        sets.restart(world, "jobHistory 3")
        ask(world, *iface("a", HwAddress=""))
        checks.check(max(sets.settle(world)) > first >= IMPLIED,
                     "the agent's indexes go on after a restart", sorted(sets.jobs(world)))


def test_killed(checks):
    """SIGKILL in the middle of it: the next start goes on."""
    count = 5000 if checks.full and not checks.valgrind else 200 if checks.valgrind else 2000
    with World(checks, "killed propagate") as world:
        records = world.records
        records.iface("a")
        fill(records, count)
        sets.start(world)
        world.wait_value(count, 30, "BindingCount")
        paths = sorted(sets.copies(records, "a"))
        before = {path: os.stat(path).st_ino for path in paths}

        def rewritten():
            return sum(os.stat(path).st_ino != before[path] for path in paths)
        sets.done(checks, world, "an iface with %d bindings changes" % count,
                  *iface("a", Initiator="iqn.2026-01.org.example:other"))
        index, = sets.jobs(world)
        wait_until(lambda: any(os.stat(path).st_ino != before[path] for path in paths[:64]
                               + paths[-64:]) or states(world, index) != [RUNNING], 30)
        world.agent.end(signal.SIGKILL)
        some = rewritten()
        checks.equal(sets.torn(records.root), [], "killed after some of the records "
                     "(%d of %d): each is whole" % (some, count))
        whole = {path for path in paths if "iface.initiatorname" in read(path)}
        checks.equal(len(whole), some, "and says the old or the new")
        sets.start(world)
        row = sets.settle(world, 120).get(index, {})
        checks.equal((row.get("State"), row.get("Kind")), (SUCCEEDED, PROPAGATE),
                     "after the restart the same job goes on and succeeds")
        checks.equal(stale(records, "a"), 0, "and every copy says what the iface says")
        checks.equal(world.value("InSync", *mib.text_index("a")), IN_SYNC, "so does InSync")
        checks.equal(sets.strays(world), [], "no file of the agent's stays")
        mtimes = {path: os.stat(path).st_mtime_ns for path in paths}
        sets.restart(world)
        sets.settle(world)
        checks.equal({path: os.stat(path).st_mtime_ns for path in paths}, mtimes,
                     "another restart writes none of them")
