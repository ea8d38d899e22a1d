# SPDX-License-Identifier: GPL-2.0-or-later
"""One PDU is one transaction: all of it happens, or none, whatever the order of its varbinds.

Each request below is tried with a fault at each of its places, and then without one, in three
orders. What it must leave on disk is made in a copy of the database, file by file.
"""

import os
import random
import shutil

import sets
from harness import World
from records import Records
from sets import (CREATE, DESTROY, DONE, PROPAGATE, ask, binding, iface, job, new_binding, scalar,
                  setting)

SEED = 20260101


class Request:
    """A name of its own for everything, so that all of them live in one database."""

    def __init__(self, world, tag, number):
        self.tag = tag
        self.target = "iqn.2026-01.org.example:" + tag
        self.records = world.records  # of the copy, when it makes what must be there
        self.number = number  # the first index for what it makes
        self.places = {}

    def name(self, letter):
        return "%s.%s" % (self.tag, letter)

    def initiator(self, letter):
        return "iqn.2026-01.org.example:%s" % self.name(letter)

    def iface(self, letter, **settings):
        self.records.iface(self.name(letter), **settings)

    def bind(self, host, letter, startup="manual"):
        sets.bind(self.records, self.target, host, 1, self.name(letter), startup=startup)

    def unbind(self, host, letter):
        sets.unbind(self.records, self.target, host, 1, self.name(letter))

    def drop(self, letter):
        os.unlink(self.records.iface_path(self.name(letter)))

    def at(self, host, letter):
        """The index that the agent gave a binding that was there before."""
        return self.places[self.name(letter), self.target, host + ":3260,1"]

    # What a kind of request says: the records before it, its varbinds, the records after it.
    def before(self):
        pass

    def wishes(self):
        raise NotImplementedError

    def after(self):
        raise NotImplementedError


class MakeAndBind(Request):
    """An iface with settings from two tables, and a binding of it."""

    def wishes(self):
        return (iface(self.name("a"), RowStatus=CREATE, HwAddress="02:00:00:00:00:01")
                + setting(self.name("a"), "initiatorname", self.initiator("a"))
                + new_binding(self.number, self.name("a"), self.target, "10.1.0.1", Startup=2))

    def after(self):
        self.iface("a", hwaddress="02:00:00:00:00:01", initiatorname=self.initiator("a"))
        self.bind("10.1.0.1", "a", "automatic")


class MoveTwo(Request):
    """Two bindings move to another iface, which changes with it."""

    def before(self):
        for letter in "ab":
            self.iface(letter)
        self.bind("10.1.0.1", "a")
        self.bind("10.1.0.2", "a", "automatic")
        self.bind("10.1.0.3", "b")

    def wishes(self):
        return (binding(self.at("10.1.0.1", "a"), IfaceName=self.name("b"))
                + iface(self.name("b"), Initiator=self.initiator("b"))
                + binding(self.at("10.1.0.2", "a"), TargetName=self.target,
                          IfaceName=self.name("b")))

    def after(self):
        self.iface("b", initiatorname=self.initiator("b"))
        for host, startup in (("10.1.0.1", "manual"), ("10.1.0.2", "automatic")):
            self.unbind(host, "a")
            self.bind(host, "b", startup)
        self.unbind("10.1.0.3", "b")
        self.bind("10.1.0.3", "b")


class DestroyAll(Request):
    """An iface and all that is bound to it."""

    def before(self):
        self.iface("a")
        self.iface("b")
        for host in ("10.1.0.1", "10.1.0.2", "fd00::1"):
            self.bind(host, "a")
        self.bind("10.1.0.1", "b")

    def wishes(self):
        found = [("10.1.0.1", "a"), ("10.1.0.2", "a")]
        wishes = [w for place in found for w in binding(self.at(*place), RowStatus=DESTROY)]
        v6 = self.places[self.name("a"), self.target, "[fd00::1]:3260,1"]
        return (wishes[:1] + iface(self.name("a"), RowStatus=DESTROY) + wishes[1:]
                + binding(v6, RowStatus=DESTROY))

    def after(self):
        for host in ("10.1.0.1", "10.1.0.2", "fd00::1"):
            self.unbind(host, "a")
        self.drop("a")


class Swap(Request):
    """Two bindings of one portal change their ifaces: each takes the other's file."""

    def before(self):
        for letter in "ab":
            self.iface(letter, initiatorname=self.initiator(letter))
        self.bind("10.1.0.1", "a", "automatic")
        self.bind("10.1.0.1", "b", "onboot")

    def wishes(self):
        return (binding(self.at("10.1.0.1", "a"), IfaceName=self.name("b"))
                + binding(self.at("10.1.0.1", "b"), IfaceName=self.name("a")))

    def after(self):
        for letter in "ab":
            self.unbind("10.1.0.1", letter)
        self.bind("10.1.0.1", "b", "automatic")
        self.bind("10.1.0.1", "a", "onboot")


class Chain(Request):
    """a to b, b to c, at one portal: each place is free only when the next has gone."""

    def before(self):
        for letter in "abc":
            self.iface(letter)
        self.bind("10.1.0.1", "a", "automatic")
        self.bind("10.1.0.1", "b", "onboot")

    def wishes(self):
        return (binding(self.at("10.1.0.1", "a"), IfaceName=self.name("b"))
                + binding(self.at("10.1.0.1", "b"), IfaceName=self.name("c"))
                + iface(self.name("c"), HwAddress="02:00:00:00:00:03"))

    def after(self):
        self.iface("c", hwaddress="02:00:00:00:00:03")
        for letter in "ab":
            self.unbind("10.1.0.1", letter)
        self.bind("10.1.0.1", "b", "automatic")
        self.bind("10.1.0.1", "c", "onboot")


class Replace(Request):
    """An iface goes, another comes, and the binding goes from one to the other."""

    def before(self):
        self.iface("a")
        self.bind("10.1.0.1", "a", "automatic")

    def wishes(self):
        return (iface(self.name("a"), RowStatus=DESTROY)
                + binding(self.at("10.1.0.1", "a"), IfaceName=self.name("b"))
                + iface(self.name("b"), Initiator=self.initiator("b"), RowStatus=CREATE))

    def after(self):
        self.iface("b", initiatorname=self.initiator("b"))
        self.unbind("10.1.0.1", "a")
        self.bind("10.1.0.1", "b", "automatic")
        self.drop("a")


class ManyEdits(Request):
    """Several ifaces and bindings, a mode and a scalar."""

    def before(self):
        for letter in "abc":
            self.iface(letter)
        for host in ("10.1.0.1", "10.1.0.2"):
            self.bind(host, "a")

    def wishes(self):
        return (iface(self.name("a"), Initiator=self.initiator("a"), RebindMode=2)
                + iface(self.name("b"), NetIfaceName="eth77") + scalar("NotifyHoldDown", 60)
                + binding(self.at("10.1.0.1", "a"), Startup=2)
                + setting(self.name("c"), "hwaddress", "02:00:00:00:00:01")
                + binding(self.at("10.1.0.2", "a"), Startup=3))

    def after(self):
        self.iface("a", initiatorname=self.initiator("a"))
        self.iface("b", net_ifacename="eth77")
        self.iface("c", hwaddress="02:00:00:00:00:01")
        for host, startup in (("10.1.0.1", "automatic"), ("10.1.0.2", "onboot")):
            self.unbind(host, "a")
            self.bind(host, "a", startup)


class LastAndFirst(Request):
    """The last binding of a target goes, and its directories; of another one the first comes."""

    def before(self):
        self.iface("a")
        self.bind("10.1.0.1", "a")

    def wishes(self):
        return (binding(self.at("10.1.0.1", "a"), RowStatus=DESTROY)
                + new_binding(self.number, self.name("a"), self.target + "-new", "fd00::2",
                              tpgt=65535, PortalPort=860))

    def after(self):
        self.unbind("10.1.0.1", "a")
        sets.bind(self.records, self.target + "-new", "fd00::2", 65535, self.name("a"), port=860)


class Offload(Request):
    """Settings of an offload iface, its address, and an iface with a job of its own."""

    OLD = {"transport_name": "qla4xxx", "hwaddress": "00:0e:1e:00:00:01"}

    def before(self):
        self.iface("a", ipaddress="10.8.0.5", mtu="1500", **self.OLD)

    def wishes(self):
        return (setting(self.name("a"), "mtu", "9000")
                + iface(self.name("a"), IpAddressType=1, IpAddress=b"\x0a\x08\x00\x06")
                + setting(self.name("a"), "vlan_id", "7")
                + job(self.number, Kind=PROPAGATE, IfaceName=self.name("a"), RowStatus=CREATE)
                + setting(self.name("a"), "vlan_state", "enable")
                + iface(self.name("b"), RowStatus=CREATE, Transport="iser"))

    def after(self):
        self.iface("a", ipaddress="10.8.0.6", mtu="9000", vlan_id="7", vlan_state="enable",
                   **self.OLD)
        self.iface("b", transport_name="iser")


class Twenty(Request):
    """Twenty ifaces, each with a binding at one and the same portal."""

    def wishes(self):
        wishes = []
        for number in range(20):
            letter = "n%d" % number
            wishes += iface(self.name(letter), RowStatus=CREATE)
            wishes += new_binding(self.number + number, self.name(letter), self.target,
                                  "10.1.0.1")
        return wishes

    def after(self):
        for number in range(20):
            self.iface("n%d" % number)
            self.bind("10.1.0.1", "n%d" % number)


KINDS = (MakeAndBind, MoveTwo, DestroyAll, Swap, Chain, Replace, ManyEdits, LastAndFirst, Offload,
         Twenty)


def spoilt(one):
    """The same varbind with what it can never have."""
    if one.kind == "STRING" and not one.name.endswith("PortalAddress"):
        return one._replace(value=b"not\x01this")
    return one._replace(kind="Opaque", value=b"\x9f\x78\x04\0\0\0\0")


def strangers(index):
    """Wishes that nothing is wrong with but the state that things are in."""
    return (iface("settled", RowStatus=CREATE)[0], iface("nobody", RebindMode=1)[0],
            binding(index, IfaceName="nobody")[0], iface("settled", RowStatus=DESTROY)[0])


def faults(world, wishes, index):
    """A fault at each place in turn: instead of what is there, and beside it."""
    step = max(1, len(wishes) // 12)
    for place in range(0, len(wishes), step):
        fault = sets.refusal(world, wishes[:place] + [spoilt(wishes[place])] + wishes[place + 1:],
                             ("wrongValue", "wrongType", "inconsistentValue"), place + 1)
        if fault:
            yield "%s at %d spoilt: %s" % (wishes[place].name, place + 1, fault)
    for place in range(0, len(wishes) + 1, step):
        odd = strangers(index)[place // step % 4]
        fault = sets.refusal(world, wishes[:place] + [odd] + wishes[place:],
                             ("inconsistentValue", "inconsistentName"), place + 1)
        if fault:
            yield "%s %s put at %d: %s" % (odd.name, odd.value, place + 1, fault)


def orders(wishes):
    mixed = list(wishes)
    random.Random(SEED).shuffle(mixed)
    return (("as written", wishes), ("backwards", list(reversed(wishes))),
            ("shuffled with seed %d" % SEED, mixed))


def test_transactions(checks):
    before = os.umask(0o077)  # iscsiadm's own
    try:
        transactions(checks)
    finally:
        os.umask(before)


def transactions(checks):
    with World(checks, "transactions") as world:
        requests = [[kind(world, "%s-%d" % (kind.__name__.lower(), n), 1000 * k + 100 * n)
                     for n in range(3)] for k, kind in enumerate(KINDS, 1)]
        world.records.iface("settled", initiatorname="iqn.2026-01.org.example:settled")
        sets.bind(world.records, "iqn.2026-01.org.example:settled", "10.2.0.1", 1, "settled")
        # What differs from open-iscsi's built-in values, as Debian ships it, and records.py has it.
        with open(world.path("iscsid.conf"), "w", encoding="ascii") as file:
            file.write("node.session.initial_login_retry_max = 8\n"
                       "node.conn[0].timeo.login_timeout = 15\n")
        for request in sum(requests, []):
            request.before()
        sets.start(world)
        places = {(row["BindingIfaceName"].decode(), row["BindingTargetName"].decode(),
                   row["BindingPortal"].decode()): index[0]
                  for index, row in world.table("BindingTable").items()}
        settled = places["settled", "iqn.2026-01.org.example:settled", "10.2.0.1:3260,1"]
        for trio in requests:
            what = " ".join(type(trio[0]).__doc__.split())
            for number, request in enumerate(trio):
                request.places = places
                if not number:
                    checks.empty(faults(world, request.wishes(), settled),
                                 "a fault at each place, and nothing happens: %s" % what)
                succeed(checks, world, request, *orders(request.wishes())[number], what)
        checks.equal(sets.strays(world), [], "nothing of the agent's stays anywhere")


def succeed(checks, world, request, order, wishes, what):
    """Without a fault: the answer, and every file."""
    copy = world.path("copy")
    shutil.copytree(world.records.root, copy, symlinks=True)
    request.records = Records.at(copy)
    request.after()
    answer = ask(world, *wishes)
    if checks.equal(answer, DONE, "%s %s" % (order, what)):
        sets.settle(world)
        checks.equal(sets.compare(sets.plain(sets.tree(world.records.root)),
                                  sets.plain(sets.tree(copy))), "",
                     "every file, link and directory is as it must be")
    shutil.rmtree(copy)


def test_most(checks):
    """A SET writes at most 64 files; one more, and it writes none."""
    with World(checks, "most files") as world:
        sets.start(world)

        def some(count, letter):
            return [w for number in range(count)
                    for w in iface("%s%d" % (letter, number), RowStatus=CREATE)]
        sets.refused(checks, world, "a SET of 65 files", some(65, "a"),
                     ("resourceUnavailable", "inconsistentValue", "tooBig"))
        checks.equal(ask(world, *some(64, "b")), DONE, "a SET of 64 files")
        checks.equal(len(world.records.ifaces()), 64, "makes them all")
