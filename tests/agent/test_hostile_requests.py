# SPDX-License-Identifier: GPL-2.0-or-later
"""Requests at random through the real snmpd, valid, bent and broken: it and the agent live, the
agent's memory stays, and records change only by SETs that were answered noError.

Most of them begin as something valid of a walk, and one thing of it is damaged: a name, a value, a
length, an octet. They are octets on the wire: Net-SNMP's clients would not send them."""

import os
import random
import select
import socket
import stat

import mib
import sets
import test_walk
from harness import World
from memory import Flat
from sets import CREATE, DESTROY, binding, iface, job, new_binding, scalar, setting
from snmp import GET, GETBULK, GETNEXT, SET, TAGS, Refused, decode, encode
from test_oids import bend, whole_objects

SEED = 3416
TARGET = "iqn.2026-01.org.example:hostile"
IFACES = ["h%d" % number for number in range(4)]
NUMBERS = (0, 1, -1, 2, 127, 128, 255, 256, 65535, 65536, 2 ** 31 - 1, 2 ** 31, -2 ** 31,
           2 ** 32 - 1, 2 ** 32, 2 ** 63, -2 ** 63, 2 ** 64 - 1)
KINDS = tuple(TAGS)
OWN = 2 ** 30  # from here up are the numbers of what is no hostile request
BATCH = 64
LONGEST = 65507  # octets of a datagram
MOST_OCTETS = 100000  # of a batch: what snmpd's socket holds
OF_ONE_LIFE = test_walk.VOLATILE | {
    "SetLock", "ConfigLastChange", "StateLastChange", "LastChange", "SessionDiscontinuity",
    "NotifySuppressed", "Resyncs"}
MORE_RECORDS = 16  # than at first; then they are removed


def lengths(octets, at=0, end=None):
    """The (place, size of the header) of every TLV in a valid message."""
    end = len(octets) if end is None else end
    while at < end:
        size, header = octets[at + 1], 2
        if size & 128:
            header += size & 127
            size = int.from_bytes(octets[at + 2:at + header], "big")
        yield at, header
        if octets[at] in (0x30, GET, GETNEXT, SET, GETBULK):
            yield from lengths(octets, at + header, at + header + size)
        at += header + size


def kills_snmpd(octets):
    """True of a SET that has a value of a type that AgentX has not. net-snmp 5.9.3 does not answer
    it, nor anything after it: the request stays delegated when it cannot be sent to the subagent
    (agent/mibgroup/agentx/master.c: agentx_master_handler, where snmp_async_send fails)."""
    try:
        return any(octets[at] in (0x03, 0x45) for at, _ in lengths(octets))
    except IndexError:
        return False


class Generator:
    """The same requests for a seed and a walk."""

    def __init__(self, world, seed, rows):
        self.world = world
        self.chance = random.Random(seed)
        self.root = world.mib.root
        self.rows = rows
        self.objects = sorted(set(whole_objects(world)))
        self.number = 0

    # -- names and values

    def name(self):
        roll = self.chance.random()
        if roll < 0.6:
            oid = self.chance.choice(self.rows).oid
        elif roll < 0.9:
            oid = self.chance.choice(self.objects)
        else:  # what is before it, beside it and behind it
            oid = self.root[:self.chance.randrange(2, len(self.root) + 1)]
            oid = oid[:-1] + (max(0, oid[-1] + self.chance.choice((-1, 0, 1))),)
            return oid if oid[:1] == (1,) and oid[1] < 40 else (1, 3)
        return bend(self.chance, oid, self.root) if self.chance.random() < 0.5 else oid

    def value(self, kind):
        if kind == "NULL":
            return None
        if kind == "OID":
            return self.name()
        if kind in ("STRING", "IpAddress", "Opaque"):
            return self.chance.choice((b"", b"a", b"default", b"\0", b"a\nb = c", b"x" * 255,
                                       b"../../x", self.chance.randbytes(
                                           self.chance.choice((4, 16, 300, 2000)))))
        return self.chance.choice(NUMBERS)

    def anything(self):
        kind = self.chance.choice(KINDS)
        return self.name(), kind, self.value(kind)

    # -- requests

    def read(self):
        kind = self.chance.choices((GET, GETNEXT, GETBULK), (5, 5, 2))[0]
        roll = self.chance.random()
        many = 1 if roll < 0.7 else self.chance.randrange(10) if roll < 0.999 else \
            self.chance.choice((100, 500, 1000, 1500))
        first, second = self.edge(0), self.edge(0)
        if kind == GETBULK:
            first, second = self.edge(self.chance.choice((0, 0, 1))), self.edge(
                self.chance.choice((1, 2, 5, 20)))
        return self.message(kind, [(self.name(), *self.nothing()) for _ in range(many)],
                            b"public", first, second)

    def nothing(self):
        """What stands for a value in a request that reads."""
        return ("NULL", None) if self.chance.random() < 0.97 else self.anything()[1:]

    def edge(self, number):
        return number if self.chance.random() < 0.97 else self.chance.choice(NUMBERS)

    def write(self):
        varbinds = [(self.world.oid(w.name, *w.index), w.kind, w.value) for w in self.wishes()]
        if self.chance.random() < 0.2:
            varbinds += [(self.world.oid(w.name, *w.index), w.kind, w.value)
                         for w in self.wishes()]
        while self.chance.random() < 0.5:
            self.spoil(varbinds)
        return self.message(SET, varbinds, b"private")

    def wishes(self):
        """Something that may well be done."""
        chance, name, number = self.chance, self.chance.choice(IFACES), self.chance.randrange(4)
        return chance.choice((
            lambda: iface(name, RowStatus=chance.choice((CREATE, CREATE, DESTROY))),
            lambda: iface(name, NetIfaceName=chance.choice(("", "san0", "san1", "none0"))),
            lambda: iface(name, Initiator="iqn.2026-01.org.example:%d" % number, RowStatus=CREATE),
            lambda: iface(name, Initiator="iqn.2026-01.org.example:%d" % number),
            lambda: iface("san-a", Initiator="iqn.2026-01.org.example:%d" % number),
            lambda: iface("twin", RebindMode=chance.choice((1, 2))),
            lambda: setting(name, chance.choice(("mtu", "hwaddress", "port", "nothing")),
                            str(chance.choice(NUMBERS))),
            lambda: new_binding(900 + number, chance.choice(IFACES + ["free"]), TARGET,
                                "10.8.0.%d" % (number + 1)),
            lambda: binding(900 + number, IfaceName=name),
            lambda: binding(900 + number, Startup=chance.choice((1, 2, 3, 4))),
            lambda: binding(900 + number, AdminStatus=chance.choice((1, 2))),
            lambda: binding(900 + number, RowStatus=DESTROY),
            lambda: job(chance.randrange(1, 50), Kind=chance.choice((1, 2, 3, 5, 6, 7, 8)),
                        IfaceName=name, TargetName=chance.choice((TARGET, "")), RowStatus=CREATE),
            lambda: job(chance.randrange(1, 50), RowStatus=DESTROY),
            lambda: scalar("NotifyRate", number), lambda: scalar("NotifyHoldDown", number),
            lambda: scalar("SetLock", number)))()

    def spoil(self, varbinds):
        """One thing of a SET becomes another."""
        chance, at = self.chance, self.chance.randrange(len(varbinds) + 1)
        roll = chance.randrange(7)
        if at == len(varbinds) or roll == 0:
            writable = chance.choice(self.rows)
            varbinds.insert(at, (writable.oid, writable.type, writable.value))
            return
        name, kind, value = varbinds[at]
        if roll == 1:
            varbinds[at] = (bend(chance, name, self.root), kind, value)
        elif roll == 2:
            varbinds[at] = (name, kind, self.value(kind))
        elif roll == 3:
            other = chance.choice(KINDS)
            varbinds[at] = (name, other, self.value(other))
        elif roll == 4:
            varbinds[at] = (chance.choice(self.rows).oid, kind, value)
        elif roll == 5:
            varbinds.insert(at, varbinds[at])
        elif len(varbinds) > 1:
            del varbinds[at]

    def message(self, kind, varbinds, community, first=0, second=0):
        self.number += 1
        octets = encode(kind, self.number, varbinds, community, 1, first, second)
        if self.chance.random() < 0.3:
            damaged = self.damage(octets)
            octets = octets if kind == SET and kills_snmpd(damaged) else damaged
        return octets[:LONGEST]

    # -- octets

    def damage(self, octets):
        """One thing, or two, that no encoder would write."""
        octets = bytearray(octets)
        places = list(lengths(octets))
        for _ in range(self.chance.choice((1, 1, 2))):
            at, header = self.chance.choice(places)
            if at + header <= len(octets):
                self.break_one(octets, at, header)
        return bytes(octets)

    def break_one(self, octets, at, header):
        chance, action = self.chance, self.chance.randrange(9)
        if action == 0:
            octets[at] = chance.choice(tuple(TAGS.values()) + (
                0, 0x30, 0x80, 0x81, 0x82, 0x1F, 0xFF, GET, GETNEXT, SET, GETBULK, 0xA4, 0xA7))
        elif action == 1:
            octets[at + 1] = chance.choice((0, 1, 4, 5, 9, 127, 128, 129, 132, 136, 255))
        elif action == 2:  # the same length in another form, or another one
            octets[at + 1:at + header] = chance.choice((
                b"\x80", b"\x81\xff", b"\x82\xff\xff", b"\x84\xff\xff\xff\xff", b"\x84\0\0\0\1",
                b"\x88" + bytes(7) + b"\1", b"\xfe", b"\x84\x7f\xff\xff\xff"))
        elif action == 3:
            del octets[at + header + chance.randrange(3):]
        elif action == 4:  # sub-identifiers or integers that go on and on
            octets[at + header:at + header] = chance.choice((b"\x80", b"\xff")) * chance.choice(
                (1, 4, 5, 9, 40))
        elif action == 5:
            octets[at + header:at + header + 1] = chance.choice((b"", b"\x80", b"\xff", b"\0\0"))
        elif action == 6:
            octets += chance.randbytes(chance.choice((1, 7, 300)))
        elif action == 7:
            octets[chance.randrange(len(octets))] ^= 1 << chance.randrange(8)
        else:
            octets[:] = octets[chance.randrange(len(octets)):] or b"\x30"


class Wire:
    """Sends octets to snmpd, and knows when all of them are done with."""

    def __init__(self, world):
        self.world = world
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            self.socket.setsockopt(socket.SOL_SOCKET, 33, 1 << 23)  # SO_RCVBUFFORCE
        except PermissionError:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self.socket.connect(("127.0.0.1", world.port))
        self.number = OWN

    def close(self):
        self.socket.close()

    def exchange(self, requests):
        """The error statuses of all that was answered; None if there is no answer any more.

        snmpd answers in any order, or not at all; but the agent's answers are in its order, and
        what it is asked last is answered when everything before is done with."""
        for octets in requests:
            self.socket.send(octets)
        errors = []
        for _ in range(5):
            self.number += 1
            self.socket.send(encode(GET, self.number, [(self.world.oid("AgentVersion"), "NULL",
                                                        None)]))
            while select.select([self.socket], [], [], self.world.checks.patience(10))[0]:
                number, error, _, _ = decode(self.socket.recv(65536))
                if number == self.number:
                    return errors
                if number < OWN:
                    errors.append(error)
        return None


def signature(root):
    """Changes with every record that is written: each is a new file."""
    found = []
    for folder, _, names in os.walk(root):
        for name in names:
            if folder == root:
                continue  # what a SET keeps for its undoing
            try:
                status = os.lstat(os.path.join(folder, name))
            except FileNotFoundError:
                continue
            if not stat.S_ISDIR(status.st_mode):
                found.append((folder, name, status.st_ino, status.st_size, status.st_mtime_ns))
    return sorted(found)


class Attack:
    def __init__(self, world, seed):
        self.world = world
        self.wire = Wire(world)
        self.generator = Generator(world, seed, world.snmp.walk(world.mib.root))
        self.records = signature(world.records.root)
        self.most = len(self.records) + MORE_RECORDS
        self.pids = world.agent.pid, world.master.pid
        self.sets = self.done = 0

    def alive(self):
        return self.world.agent.running() and self.world.master.running()

    def reads(self, count):
        """Some requests at once that must change nothing; what is wrong, or None."""
        requests, octets = [], 0
        while len(requests) < count and octets < MOST_OCTETS:
            requests.append(self.generator.read())
            octets += len(requests[-1]) + 500
        if self.wire.exchange(requests) is None:
            return self.silent(requests)
        if signature(self.world.records.root) != self.records:
            return "records changed, and nobody sent a SET"
        return None

    def one_set(self):
        request = self.generator.write()
        errors = self.wire.exchange([request])
        self.sets += 1
        if errors is None:
            return self.silent([request])
        if 0 in errors:
            self.done += 1
            sets.settle(self.world)  # what it has started
            self.records = signature(self.world.records.root)
            if len(self.records) > self.most:
                self.remove()
        elif signature(self.world.records.root) != self.records:
            return "a SET was answered with %s, and records changed: %s" % (errors, request.hex())
        return None

    def silent(self, requests):
        return "no answer any more (agent %s, snmpd %s) after one of %s" % (
            self.world.agent.running(), self.world.master.running(),
            " ".join(request.hex() for request in requests)[:20000])

    def remove(self):
        """What has come to be is removed, so that it does not become more and more."""
        for index, row in self.world.table("BindingTable").items():
            if row.get("BindingTargetName", b"").startswith(TARGET.encode()):
                self.ask(binding(index[0], RowStatus=DESTROY))
        for name in self.world.view().ifaces():
            if len(name) < 3 or name in IFACES:
                self.ask(iface(name, RowStatus=DESTROY))
        sets.settle(self.world)
        self.records = signature(self.world.records.root)

    def ask(self, wishes):
        try:
            self.world.writer.set(*[(self.world.oid(w.name, *w.index), w.kind, w.value)
                                    for w in wishes])
        except Refused:
            pass


def run(attack, wanted, flat):
    """Sends so many requests; what is wrong, or None."""
    generator = attack.generator
    while generator.number < wanted:
        before = generator.number
        fault = attack.reads(min(BATCH, wanted - before))
        for _ in range(3):
            fault = fault or attack.one_set()
        if fault or not attack.alive():
            return fault or "the agent runs: %s, snmpd: %s" % (
                attack.world.agent.running(), attack.world.master.running())
        flat.look(generator.number - before)
    return None


def steady(world):
    """What neither changes by itself, nor is of one life of the agent."""
    return {v.oid: (v.type, v.value) for v in world.snmp.walk(world.mib.root)
            if test_walk.placed(world, v)[0] != "EventTable"
            and test_walk.placed(world, v)[1] not in OF_ONE_LIFE}


def test_random_requests(checks):
    wanted = 3000 if checks.valgrind else 1000000 if checks.full else 6000
    with World(checks, "random requests") as world:
        test_walk.fill(world)
        sets.start(world, "jobHistory 4", "eventHistory 16", mode="full")
        attack = Attack(world, SEED)
        flat = Flat(world, wanted)
        fault = run(attack, wanted, flat)
        text = "%d requests (seed %d), %d of them SETs" % (attack.generator.number, SEED,
                                                           attack.sets)
        checks.check(not fault, "%s: answered on, and nothing written but by %d that were done" % (
            text, attack.done), fault)
        checks.check(attack.alive() and attack.pids == (world.agent.pid, world.master.pid)
                     and attack.done > attack.sets // 50, "%s: agent and snmpd live" % text)
        flat.check(checks, text)
        checks.equal(sets.strays(world), [], "%s: no lock and nothing else is left" % text)
        attack.wire.close()
        before = steady(world)
        world.stop_agent()
        sets.start(world, "jobHistory 4", "eventHistory 16", mode="full")
        checks.equal(steady(world), before, "%s: a new agent shows the same" % text)


def test_too_long(checks):
    """What does not fit into one AgentX PDU, asked or answered: refused at once. snmpd would wait
    in vain, and then drop the agent."""
    with World(checks, "too long") as world:
        world.records.iface("a", initiatorname="iqn.2026-01.org.example:" + "x" * 190)
        world.records.iface("y" * 60)
        sets.start(world, mode="full")
        initiator = world.oid("Initiator", *mib.text_index("a"))
        count = world.oid("Count")
        name = world.oid("SettingValue", *mib.text_index("y" * 60))
        behind = world.mib.root + (1, 2 ** 32 - 1)
        for text, ask, oids in (
                ("an answer of long values", world.snmp.get, [initiator] * 300),
                ("the same by GETNEXT", world.snmp.getnext, [initiator[:-1]] * 300),
                ("an answer of long names", world.snmp.getnext, [name[:-40]] * 400 + [behind]),
                ("a request of many names", world.snmp.get, [count] * 2000)):
            checks.equal(error(ask, *oids), "tooBig", "%s: tooBig" % text)
        checks.equal(len(world.snmp.get(*[count] * 1000)), 1000, "what just fits is answered")
        long_set = [(initiator, "STRING", b"x" * 200)] * 280
        checks.equal(error(world.writer.set, *long_set), "tooBig", "a SET of many values: tooBig")
        checks.check("lost" not in world.agent.log() and world.serves(), "and nothing is lost",
                     lambda: world.agent.log()[-300:])


def error(ask, *arguments):
    try:
        return "noError, %d varbinds" % len(ask(*arguments))
    except Refused as refused:
        return refused.status
