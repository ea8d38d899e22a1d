# SPDX-License-Identifier: GPL-2.0-or-later
"""What SETs are refused for, whatever their syntax: open-iscsi's traps, the local configuration,
open-iscsi's lock and half-written records; and what of them outlives a restart."""

import os
import time

import mib
import sets
from expect import address
from harness import World, wait_until
from records import iface_text, node_text
from sets import (CREATE, DESTROY, DONE, NO_ROW, PROPAGATE, ask, binding, iface, job, new_binding,
                  refusal, refused, scalar, setting, wish)
from test_set_values import ANY, OFFLOAD, STATE, TARGET, every, fill


def test_traps(checks):
    """Refused although open-iscsi takes it."""
    with World(checks, "traps") as world:
        fill(world)
        records = world.records
        records.iface("be2iscsi.00:0e:1e:00:00:02", transport_name="be2iscsi",
                      hwaddress="00:0e:1e:00:00:02")
        sets.start(world)
        v4, v6 = address("10.8.0.6"), address("fd00::6")

        def ip(pair):
            return {"IpAddressType": pair[0], "IpAddress": pair[1]}
        wrong = STATE + ("wrongValue",)
        refused(checks, world, "a software iface with only an address", iface("free", **ip(v4)),
                wrong)
        refused(checks, world, "or a new one",
                iface("new", RowStatus=CREATE, **ip(v4)), wrong)
        refused(checks, world, "hwaddress and net_ifacename both",
                iface("new", RowStatus=CREATE, HwAddress="02:00:00:00:00:01",
                      NetIfaceName="eth1"), wrong, (2, 3))
        refused(checks, world, "hwaddress beside a net_ifacename that is there",
                iface("soft", NetIfaceName="lo"), wrong)
        answer = ask(world, *iface("soft", NetIfaceName="lo", HwAddress=""))
        checks.equal(answer, DONE, "from hwaddress to net_ifacename in one PDU")
        answer = ask(world, *iface("soft", HwAddress="02:00:77:00:00:09", NetIfaceName=""))
        checks.equal(answer, DONE, "and back")
        sets.settle(world)
        refused(checks, world, "an IPv6 address whose iface's name lacks ipv6",
                iface("new", RowStatus=CREATE, NetIfaceName="eth1", **ip(v6)), wrong)
        refused(checks, world, "an IPv4 address whose iface's name says ipv6",
                iface("my.ipv6.0", RowStatus=CREATE, NetIfaceName="eth1", **ip(v4)), wrong)
        refused(checks, world, "a device that does not exist, for an iface with bindings",
                iface("soft", NetIfaceName="no-such0", HwAddress=""), wrong)
        answer = ask(world, *iface("free", NetIfaceName="no-such0"))
        checks.equal(answer, DONE, "for an iface without bindings it may come later")
        refused(checks, world, "an address of a be2iscsi port",
                iface("be2iscsi.00:0e:1e:00:00:02", **ip(v4)), wrong)
        refused(checks, world, "a new address of one",
                iface("be2iscsi.00:0e:1e:00:00:03", RowStatus=CREATE, Transport="be2iscsi",
                      HwAddress="00:0e:1e:00:00:03", **ip(v4)), wrong)
        refused(checks, world, "an address without its type",
                iface(OFFLOAD, IpAddress=v6[1]), ("wrongLength",) + wrong)
        refused(checks, world, "a type without its address", iface(OFFLOAD, IpAddressType=0),
                wrong)


def test_scalars(checks):
    """The advisory lock, and what is kept over a restart."""
    with World(checks, "scalars") as world:
        fill(world)
        sets.start(world, "holdDown 77")
        lock = world.value("SetLock")
        checks.equal(ask(world, *scalar("SetLock", lock)), DONE, "SetLock with its value")
        checks.equal(world.value("SetLock"), lock + 1, "is one more then")
        refused(checks, world, "SetLock with another value", scalar("SetLock", lock), STATE)
        refused(checks, world, "SetLock guards the rest", iface("free", Transport="iser")
                + scalar("SetLock", lock), STATE, 2)
        checks.equal(ask(world, *scalar("SetLock", lock + 1), *iface("free", Transport="iser")),
                     DONE, "and lets it pass")
        checks.equal((world.value("SetLock"), world.value("Transport", *mib.text_index("free"))),
                     (lock + 2, b"iser"), "both happened")
        refused(checks, world, "SetLock twice", 2 * scalar("SetLock", lock + 2), STATE)
        refused(checks, world, "SetLock is one of all or nothing", scalar("SetLock", lock + 2)
                + iface("nobody", Transport="iser"), NO_ROW, 2)
        checks.equal(world.value("SetLock"), lock + 2, "and did not move")

        checks.equal((world.value("NotifyEnable"), world.value("NotifyHoldDown"),
                      world.value("NotifyRate")), (b"\xff", 77, 50),
                     "defaults: all notifications, the configured hold-down, 50 a second")
        for value in (b"\x80", b"\xa5", b"\0", b"\x24\0\0"):
            checks.equal(ask(world, *scalar("NotifyEnable", value)), DONE,
                         "NotifyEnable of %d octets" % len(value))
            checks.equal(world.value("NotifyEnable")[:1], value[:1], "is kept as it was given")
        changed = (scalar("NotifyEnable", b"\x24") + scalar("NotifyHoldDown", 5)
                   + scalar("NotifyRate", 7) + iface("soft", RebindMode=2))
        checks.equal(ask(world, *changed), DONE, "three scalars and a RebindMode in one PDU")

        def kept():
            return (world.value("NotifyEnable"), world.value("NotifyHoldDown"),
                    world.value("NotifyRate"), world.value("RebindMode", *mib.text_index("soft")),
                    world.value("RebindMode", *mib.text_index("free")))
        want = (b"\x24", 5, 7, 2, 1)
        checks.equal(kept(), want, "all of them count")
        sets.restart(world, "holdDown 77")
        checks.equal(kept(), want, "and after a restart, too")
        world.agent.end(9)
        sets.start(world, "holdDown 77")
        checks.equal(kept(), want, "and after a SIGKILL")
        sets.restart(world, "holdDown 78")
        checks.equal(world.value("NotifyHoldDown"), 78, "until the configuration is edited")
        sets.done(checks, world, "a RebindMode goes with its iface", *iface(
            "free", RebindMode=2), *iface("free2", RowStatus=CREATE, RebindMode=2))
        sets.done(checks, world, "that is destroyed", *iface("free", RowStatus=DESTROY))
        sets.done(checks, world, "and made anew", *iface("free", RowStatus=CREATE))
        checks.equal(world.value("RebindMode", *mib.text_index("free")), 1,
                     "a new iface has the default")


def test_read_only(checks):
    """controlMode readOnly: nothing is writable, and nothing is written."""
    with World(checks, "readOnly") as world:
        fill(world)
        before = sets.tree(world.dir + "/db")
        sets.start(world, mode="readOnly")
        there, = world.table("BindingTable")
        places = {1: (0,), 11: (0,), 3: mib.text_index("soft"), 5: there, 9: (7,),
                  4: mib.text_index(OFFLOAD, *mib.text_index("mtu"))}
        faults = []
        for name, index in every(world, places, "wc"):
            value = ANY[sets.TYPES[name]]
            fault = refusal(world, [wish(name, index, value)], "notWritable")
            faults += ["%s: %s" % (name, fault)] if fault else []
        for wishes in (iface("new", RowStatus=CREATE), iface("soft", RowStatus=DESTROY),
                       new_binding(5, "free", TARGET, "10.0.0.2"),
                       job(5, Kind=PROPAGATE, IfaceName="soft", RowStatus=CREATE)):
            fault = refusal(world, wishes, "notWritable", 1)
            faults += ["%s: %s" % (wishes, fault)] if fault else []
        checks.empty(faults, "in controlMode readOnly everything is notWritable")
        world.stop_agent()
        checks.equal(sets.compare(sets.tree(world.records.root), before), "",
                     "and the database is as it was")
        checks.check(not os.path.exists(world.path("state", "backup")), "no backup is made")


def test_patterns(checks):
    """denyIface and allowIface: noAccess, whatever is done to such an iface."""
    with World(checks, "denyIface") as world:
        for name in ("san-a", "san-b", "lan", "other"):
            world.records.iface(name)
        sets.bind(world.records, TARGET, "10.0.0.1", 1, "san-b")
        sets.bind(world.records, TARGET, "10.0.0.2", 1, "lan")
        sets.start(world, "denyIface san-b*", "denyIface secret", "allowIface san-*",
                   "allowIface lan")
        found = {row["BindingIfaceName"]: index[0]
                 for index, row in world.table("BindingTable").items()}
        faults = []
        for text, wishes in (
                ("a column of a denied iface", iface("san-b", HwAddress="02:00:00:00:00:01")),
                ("its RebindMode", iface("san-b", RebindMode=2)),
                ("a setting of it", setting("san-b", "hwaddress", "02:00:00:00:00:01")),
                ("its destruction", iface("san-b", RowStatus=DESTROY)),
                ("the creation of one", iface("secret", RowStatus=CREATE)),
                ("what is not allowed", iface("other", HwAddress="02:00:00:00:00:01")),
                ("the creation of that", iface("other2", RowStatus=CREATE)),
                ("a binding of one", binding(found[b"san-b"], Startup=2)),
                ("the destruction of it", binding(found[b"san-b"], RowStatus=DESTROY)),
                ("a move away", binding(found[b"san-b"], IfaceName="lan")),
                ("a move to it", binding(found[b"lan"], IfaceName="san-b")),
                ("a new binding", new_binding(5, "san-b", TARGET, "10.0.0.3")),
                ("a job", job(5, Kind=PROPAGATE, IfaceName="san-b", RowStatus=CREATE))):
            fault = refusal(world, wishes, "noAccess")
            faults += ["%s: %s" % (text, fault)] if fault else []
        fault = refusal(world, iface("lan", HwAddress="02:00:00:00:00:01")
                        + iface("san-b", HwAddress="02:00:00:00:00:02"), "noAccess", 2)
        faults += ["beside an allowed one: %s" % fault] if fault else []
        checks.empty(faults, "noAccess for each write that touches a denied iface")
        for text, wishes in (("an allowed iface", iface("san-a", HwAddress="02:00:00:00:00:03")),
                             ("a new one", iface("san-c", RowStatus=CREATE)),
                             ("a move between two", binding(found[b"lan"], IfaceName="san-a"))):
            checks.equal(ask(world, *wishes), DONE, "beside that: %s" % text)


def test_lock(checks):
    """open-iscsi's lock in somebody else's hand: resourceUnavailable soon, and nothing of his
    is touched."""
    with World(checks, "lock") as world:
        fill(world)
        sets.start(world)
        edit = iface("free", HwAddress="02:00:00:00:00:04")
        with sets.lock_held(world) as held:
            theirs = os.stat(held)
            began = time.monotonic()
            refused(checks, world, "a SET while open-iscsi's lock is held", edit,
                    "resourceUnavailable")
            took = time.monotonic() - began
            checks.equal(os.stat(held).st_ino, theirs.st_ino, "the other's lock is still there")
            checks.check(world.serves(2), "and GETs go on")
        if checks.full and not checks.valgrind:
            checks.check(0.15 < took < 0.4, "the answer came after some 200 ms", took)
        checks.equal(ask(world, *edit), DONE, "the SET succeeds when the lock is free")
        checks.equal(sets.strays(world), [], "and ours is gone")


def test_half_written(checks):
    """A record that iscsiadm is writing: never believed, never overwritten."""
    with World(checks, "half-written record") as world:
        fill(world)
        records = world.records
        sets.start(world)
        there, = world.table("BindingTable")
        text = iface_text("free", net_ifacename="eth5")
        node = node_text(TARGET, "10.0.0.1", 3260, 1, "soft", "automatic",
                         copy=records.iface_settings("soft"))
        for path, whole, edit, column in (
                (records.iface_path("free"), text, iface("free", Initiator="iqn.2026-01.org:x"),
                 "an iface"),
                (records.node_path(TARGET, "10.0.0.1", 3260, 1, "soft"), node,
                 binding(there[0], Startup=3), "a binding")):
            for part in ("", whole[:len(whole) // 2]):
                records.rewrite(path, part)
                refused(checks, world, "%s whose record has %d octets so far" % (column,
                                                                               len(part)),
                        edit, ("resourceUnavailable",))
            records.rewrite(path, whole)
            checks.check(wait_until(lambda: ask(world, *edit) == DONE, checks.patience(30)),
                         "%s can be edited when it is whole" % column)
        checks.equal(records.iface_settings("free").get("net_ifacename"), "eth5",
                     "and what the other one wrote is kept")
        disk = records.nodes()[("soft", TARGET, "10.0.0.1", 3260, 1)]
        checks.equal(disk["node.startup"], "onboot", "beside what the SET wrote")
