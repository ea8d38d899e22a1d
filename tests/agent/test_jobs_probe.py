# SPDX-License-Identifier: GPL-2.0-or-later
"""Jobs that probe a portal: over real devices to a host at the other end of a cable, which takes
connections. It speaks no iSCSI, so a script stands in for iscsiadm's discovery."""

import os

import mib
import sets
from expect import Date, address, faults
from harness import World, wait_until
from network import Far, private
from sets import (CANCELLED, CREATE, DESTROY, FAILED, PENDING, PROBE, PROPAGATE, RUNNING, SUCCEEDED,
                  job, new_binding, refused)

MISSING = 4  # iscsiIfaceDeviceStatus
TARGET = "iqn.2026-01.org.example:probed"
OTHER = "iqn.2026-01.org.example:other"
STATE = ("inconsistentValue",)
UNREACHABLE, REFUSED, INCONCLUSIVE, TIMEOUT, NO_DEVICE, LINK_DOWN, NO_ADDRESS = (
    1001, 1002, 1003, 1005, 1006, 1007, 1008)


class Script:
    """What the agent runs as iscsiadm: it notes its arguments, then does what a test says."""

    def __init__(self, world):
        self.path = world.path("iscsiadm")
        self.asked_path = world.path("asked")
        self.does_path = world.path("does")
        self.pid_path = world.path("pid")
        with open(self.path, "w", encoding="ascii") as file:
            file.write('#!/bin/sh\necho "$@" >>%s\n. %s\n' % (self.asked_path, self.does_path))
        os.chmod(self.path, 0o755)
        self.options = ("-A", self.path)
        self.finds(TARGET)

    def does(self, text):
        with open(self.does_path, "w", encoding="ascii") as file:
            file.write(text + "\n")

    def finds(self, *targets):
        self.does("\n".join("echo '%s:3260,1 %s'" % (Far.ADDRESS, t) for t in targets))

    def hangs(self):
        self.does("echo $$ >%s.new && mv %s.new %s\nexec sleep 1000" % ((self.pid_path,) * 3))

    def pid(self):
        """Of the run that hangs; None before it does."""
        try:
            with open(self.pid_path, encoding="ascii") as file:
                return int(file.read())
        except FileNotFoundError:
            return None

    def asked(self):
        """The arguments of each run since the last question."""
        try:
            with open(self.asked_path, encoding="ascii") as file:
                lines = file.read().splitlines()
        except FileNotFoundError:
            return []
        os.unlink(self.asked_path)
        return lines


def runs(pid):
    """False once a process has ended, be its end taken notice of or not."""
    try:
        with open("/proc/%d/stat" % pid, encoding="ascii") as file:
            return file.read().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


def discovery(portal, name):
    """iscsiadm(8): a discovery over an iface, of which nothing is stored."""
    return "-m discovery -t st -p %s -I %s -o nonpersistent" % (portal, name)


def at(host, port=0):
    """The columns of a portal."""
    kind, octets = address(host)
    return dict(PortalAddressType=kind, PortalAddress=octets, PortalPort=port)


def probe(checks, world, text, index, name, **columns):
    """Asks for a probe and waits for its end; the row."""
    sets.done(checks, world, text, *job(index, Kind=PROBE, IfaceName=name, RowStatus=CREATE,
                                        **columns))
    return sets.settle(world)[index]


def failed(checks, row, code, words, text):
    said = row.get("ErrorText", b"").decode()
    checks.check((row.get("State"), row.get("ErrorCode")) == (FAILED, code)
                 and all(word in said for word in words), "%s: failed, %d" % (text, code), row)


def test_reachable(checks):
    """A portal that can be reached, bound and not bound, over IPv4 and IPv6."""
    if not checks.need(private(), "probes over a cable", "a namespace of its own"):
        return
    with World(checks, "probe") as world, Far() as far:
        records, script = world.records, Script(world)
        records.iface("far", net_ifacename="far0")
        sets.bind(records, TARGET, far.ADDRESS, 1, "far")
        sets.bind(records, OTHER, far.ADDRESS, 1, "far")
        before = sets.tree(records.root)
        sets.start(world, options=script.options)
        row = probe(checks, world, "a probe of one target", 1, "far", TargetName=TARGET)
        want = {"Kind": PROBE, "IfaceName": b"far", "TargetName": TARGET.encode(),
                "State": SUCCEEDED, "Progress": 100, "ErrorCode": 0, "ErrorText": b"",
                "Results": 1, "Started": Date(), "Finished": Date()}
        checks.empty(faults({name: row[name] for name in want}, want, "job"), "succeeds")
        checks.equal(script.asked(), [discovery(far.ADDRESS + ":3260", "far")],
                     "iscsiadm was asked once, over the iface, to store nothing")
        checks.equal(far.said(), "10.77.9.1 said 0 octets",
                     "the connection came from the device, and said nothing")
        script.finds(TARGET, OTHER)
        row = probe(checks, world, "a probe of all that is bound", 2, "far")
        checks.equal((row["State"], row["Results"]), (SUCCEEDED, 2), "reaches both bindings")
        checks.equal((len(script.asked()), far.said()), (1, "10.77.9.1 said 0 octets"),
                     "over the portal that they share")
        row = probe(checks, world, "a probe of a portal that is not bound", 3, "far",
                    TargetName=TARGET, **at(far.ADDRESS6))
        checks.equal((row["State"], row["Results"]), (SUCCEEDED, 1), "succeeds over IPv6")
        checks.equal((script.asked(), far.said()),
                     ([discovery("[%s]:3260" % far.ADDRESS6, "far")], "fd77:9::1 said 0 octets"),
                     "at port 3260")
        row = probe(checks, world, "a probe over the iface default", 4, "default",
                    **at(far.ADDRESS))
        checks.equal((row["State"], row["Results"]), (SUCCEEDED, 1), "goes where the routes lead")
        checks.equal(far.said(), "10.77.9.1 said 0 octets", "which is that device")
        checks.equal(sets.compare(sets.tree(records.root), before), "", "no record has changed")
        sets.restart(world)
        checks.equal(sorted(sets.jobs(world)), [1, 2, 3, 4], "a restart keeps the jobs")


def test_unreachable(checks):
    """Each thing that can be wrong, with its code and the name of what is wrong."""
    if not checks.need(private(), "probes that fail", "a namespace of its own"):
        return
    with World(checks, "probe fails") as world, Far() as far:
        records, script = world.records, Script(world)
        for name, device in (("far", "far0"), ("pulled", "pulled0"), ("bare", "bare0"),
                             ("missing", "none0"), ("card", "")):
            records.iface(name, **({"net_ifacename": device} if device else {
                "transport_name": "qla4xxx", "hwaddress": "02:00:77:00:00:99"}))
            sets.bind(records, TARGET, far.ADDRESS, 1, name)
        before = sets.tree(records.root)
        sets.start(world, options=script.options)
        for index, (name, code, word) in enumerate((
                ("missing", NO_DEVICE, "none0"), ("pulled", LINK_DOWN, "pulled0"),
                ("bare", NO_ADDRESS, "bare0"), ("card", INCONCLUSIVE, "card")), 10):
            row = probe(checks, world, "iface " + name, index, name)
            failed(checks, row, code, (word, far.ADDRESS + ":3260"), name)
        row = probe(checks, world, "a portal without a route", 20, "far", **at("10.99.0.1"))
        failed(checks, row, UNREACHABLE, ("10.99.0.1:3260", "no route", "far0"), "no route")
        checks.equal(script.asked(), [], "iscsiadm was never asked")
        row = probe(checks, world, "a port where nobody listens", 21, "far",
                    **at(far.ADDRESS, 3261))
        failed(checks, row, REFUSED, (far.ADDRESS + ":3261", "refused", "far0"), "refused")
        checks.equal(script.asked(), [], "nor then")
        script.finds(OTHER)
        row = probe(checks, world, "a portal that lists another target", 22, "far")
        failed(checks, row, UNREACHABLE, (far.ADDRESS + ":3260", "not list", TARGET), "not listed")
        script.does("echo 'iscsiadm: connection login retries (reopen_max) 5 exceeded' >&2\n"
                    "exit 8")
        row = probe(checks, world, "a discovery that fails", 23, "far")
        failed(checks, row, 8, (far.ADDRESS + ":3260", "discovery", "reopen_max"),
               "open-iscsi's code")
        checks.equal(len(script.asked()), 2, "iscsiadm was asked each time")
        checks.equal(sets.compare(sets.tree(records.root), before), "", "no record has changed")
        far.unplug()
        world.wait_value(MISSING, 10, "DeviceStatus", *mib.text_index("far"))
        row = probe(checks, world, "the device has gone", 24, "far")
        failed(checks, row, NO_DEVICE, ("far0",), "gone")


def test_cancel(checks):
    """A discovery that does not end: its time limit, and cancelling it; and what goes on beside."""
    if not checks.need(private(), "probes that do not end", "a namespace of its own"):
        return
    with World(checks, "probe hangs") as world, Far() as far:
        records, script = world.records, Script(world)
        records.iface("far", net_ifacename="far0")
        sets.bind(records, TARGET, far.ADDRESS, 1, "far")
        script.hangs()
        sets.start(world, options=script.options)
        sets.done(checks, world, "a probe", *job(1, Kind=PROBE, IfaceName="far",
                                                 RowStatus=CREATE))
        pid = wait_until(lambda: script.pid(), checks.patience(30))
        checks.check(pid, "comes to its discovery")
        sets.done(checks, world, "another probe", *job(2, Kind=PROBE, IfaceName="far",
                                                       RowStatus=CREATE))
        sets.done(checks, world, "a propagate", *job(3, Kind=PROPAGATE, IfaceName="far",
                                                     RowStatus=CREATE))
        checks.equal(world.wait_value(SUCCEEDED, 30, "JobState", 3), SUCCEEDED, "goes on beside")
        checks.equal([world.value("JobState", index) for index in (1, 2)], [RUNNING, PENDING],
                     "while one probe runs, and the other waits")
        refused(checks, world, "destroy of a running probe", job(1, RowStatus=DESTROY), STATE)
        sets.done(checks, world, "cancel of both", *job(1, Control=2), *job(2, Control=2))
        checks.equal([world.wait_value(CANCELLED, 30, "JobState", index) for index in (1, 2)],
                     [CANCELLED, CANCELLED], "ends them")
        checks.check(wait_until(lambda: not runs(pid), checks.patience(30)), "and iscsiadm, too")
        world.stop_agent()
        sets.start(world, "iscsiadmTimeout 1", options=script.options)
        row = probe(checks, world, "a probe with a time limit of a second", 4, "far")
        failed(checks, row, TIMEOUT, (far.ADDRESS + ":3260", "iscsiadmTimeout"), "time-out")


def test_asked(checks):
    """What a probe must be given."""
    with World(checks, "probe asked") as world:
        records, script = world.records, Script(world)
        records.iface("bound", net_ifacename="none0")
        records.iface("free", net_ifacename="none0")
        sets.bind(records, TARGET, "10.99.0.1", 1, "bound")
        sets.start(world, "denyIface sec*", options=script.options)

        def ask(name, **columns):
            return job(1, Kind=PROBE, IfaceName=name, RowStatus=CREATE, **columns)
        for text, wishes in (
                ("no iface", job(1, Kind=PROBE, RowStatus=CREATE, **at("10.99.0.1"))),
                ("an iface that does not exist", ask("nobody", **at("10.99.0.1"))),
                ("no address, and nothing is bound", ask("free")),
                ("no address, and another target is bound", ask("bound", TargetName=OTHER)),
                ("no address, and another port is bound", ask("bound", PortalPort=3261))):
            refused(checks, world, text, wishes, STATE)
        row = probe(checks, world, "an address of a portal that is not bound", 2, "free",
                    **at("10.99.0.1"))
        failed(checks, row, NO_DEVICE, ("10.99.0.1:3260",), "it is tried")
        sets.done(checks, world, "a binding and its probe in one SET",
                  *new_binding(5, "default", TARGET, "127.0.0.1"),
                  *job(3, Kind=PROBE, IfaceName="default", RowStatus=CREATE))
        checks.check(sets.settle(world)[3]["State"] in (SUCCEEDED, FAILED), "are both taken")
        sets.restart(world, mode="readOnly")
        refused(checks, world, "in controlMode readOnly", ask("bound"), sets.FIXED_ROW)
