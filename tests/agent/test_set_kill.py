# SPDX-License-Identifier: GPL-2.0-or-later
"""The agent is killed while SETs come in: each is there as a whole or not at all, and what was
answered stays."""

import os
import random
import signal
import threading
import time

import openiscsi
import sets
from harness import World, wait_until
from records import read
from sets import binding, iface
from snmp import Manager, NoAnswer, NotServed, Refused

SEED = 20260102
TARGET = "iqn.2026-01.org.example:kill"
IFACES = ["k%d" % number for number in range(6)]  # the first two have bindings
STARTUPS = ("manual", "automatic", "onboot")


def generation(world, places, number):
    """A PDU over six ifaces and two bindings; all that it writes follows from its number."""
    wishes = []
    for name in IFACES:
        wishes += iface(name, Initiator="iqn.2026-01.org.example:%d" % number)
    wishes += binding(places["started"], Startup=number % 3 + 1)
    wishes += binding(places["moved"], IfaceName="m%d" % (number % 2))
    return [(world.oid(w.name, *w.index), w.kind, w.value) for w in wishes]


def on_disk(records):
    """The numbers that the records say, one for each thing; None where it says nothing."""
    said = []
    for name in IFACES:
        text = records.iface_settings(name).get("initiatorname", "")
        said.append(int(text.rpartition(":")[2]) if text else 0)
    whole = said[0]
    node = records.nodes()
    started = node.get(("k0", TARGET, "10.3.0.1", 3260, 1), {}).get("node.startup")
    moved = [key[0] for key in node if key[2] == "10.3.0.2"]
    if whole and (started != STARTUPS[whole % 3] or moved != ["m%d" % (whole % 2)]):
        said.append("startup %s, moved to %s" % (started, moved))
    return said


class Writer(threading.Thread):
    """Sends one generation after the other until the agent is gone."""

    def __init__(self, world, places, sent, answered):
        super().__init__(daemon=True)
        self.world = world
        self.places = places
        self.sent = sent
        self.answered = answered
        self.ended = False
        self.odd = None
        self.manager = Manager(world.port, "private", world.checks.patience(1))

    def run(self):
        try:
            while not self.ended:
                self.sent += 1
                self.send()
        except NotServed as error:
            self.odd = str(error)

    def stop(self):
        self.ended = True
        self.join(self.world.checks.patience(30))
        self.manager.close()

    def send(self):
        """The next one; again where somebody else, the propagate job, was at the records. One
        that nobody answers may have happened or not."""
        while not self.ended:
            try:
                self.manager.set(*generation(self.world, self.places, self.sent))
                self.answered = self.sent
                return
            except NoAnswer:
                return
            except Refused as error:
                if error.status != "resourceUnavailable":
                    raise


def lay(world):
    """What the generations are about, served; the indexes of the two bindings."""
    records = world.records
    for name in IFACES + ["m0", "m1"]:
        records.iface(name)
    sets.bind(records, TARGET, "10.3.0.1", 1, "k0")
    sets.bind(records, TARGET, "10.3.0.3", 1, "k1")
    sets.bind(records, TARGET, "10.3.0.2", 1, "m0")
    sets.start(world)
    found = {row["BindingPortal"]: index[0]
             for index, row in world.table("BindingTable").items()}
    return {"started": found[b"10.3.0.1:3260,1"], "moved": found[b"10.3.0.2:3260,1"]}


def test_kill(checks):
    rounds = 50 if checks.full and not checks.valgrind else 5
    chance = random.Random(SEED)
    with World(checks, "kill") as world:
        places = lay(world)
        records = world.records
        faults, first, there = [], 0, 0
        for number in range(rounds):
            writer = Writer(world, places, first, there)
            writer.start()
            if not wait_until(lambda: writer.answered > first + 1 or not writer.is_alive(),
                              checks.patience(30)) or not writer.is_alive():
                faults.append("round %d: no SET succeeds (%s)" % (number, writer.odd))
            time.sleep(chance.random() / 50)  # any point of a SET may be the last
            world.agent.end(signal.SIGKILL)
            writer.stop()
            sets.start(world)
            said = on_disk(records)
            if len(set(said)) != 1 or not writer.answered <= said[0] <= writer.sent:
                faults.append("round %d: %s after %d of %d (%s)" % (
                    number, said, writer.answered, writer.sent, writer.odd))
            sets.settle(world)  # a job that goes on has files of its own in the database's root
            stray = sets.strays(world)
            faults += ["round %d: %s" % (number, stray)] if stray else []
            first, there = writer.sent, said[0]
        checks.empty(faults, "%d times killed between SETs (seed %d): whole, durable, tidy"
                     % (rounds, SEED))
        sets.settle(world)
        for name in ("k0", "k1"):
            want = records.iface_settings(name)
            checks.check(all(copy == want for copy in sets.copies(records, name).values()),
                         "the copies of %s follow in the end" % name)
        links = [os.path.join(records.root, "static", name)
                 for name in os.listdir(os.path.join(records.root, "static"))]
        checks.equal((len(links), [path for path in links if not os.path.isdir(path)]), (3, []),
                     "each binding has its link")
        listed(checks, world)


def listed(checks, world):
    """iscsiadm reads all of it."""
    if not openiscsi.possible(checks, "iscsiadm after SIGKILLs"):
        return
    with openiscsi.OpenIscsi(world, world.sysfs.root) as host:
        names = set(host.ifaces())
        checks.check(host.code == 0 and names == set(IFACES) | {"m0", "m1", "default", "iser"},
                     "iscsiadm lists every iface after that", host.errors)
        nodes = host.nodes()
        checks.check(host.code == 0 and len(nodes) == 3, "and every node", host.errors)


def test_kill_of_first(checks):
    """Killed while the copy of the database is made: it is made anew."""
    with World(checks, "kill during backup") as world:
        for number in range(300):
            world.records.iface("i%d" % number)
        sets.configure(world, "records")
        world.agentx_timeout = 15
        world.start_master()
        world.start_agent("-c", world.path("conf"))
        world.agent.end(signal.SIGKILL)
        before = sets.tree(world.records.root)
        sets.start(world)
        checks.equal(sets.compare(sets.tree(world.path("state", "backup")), before), "",
                     "a copy that a SIGKILL cut off is made anew, and whole")
        sets.done(checks, world, "and SETs go on", *iface("i7", HwAddress="02:00:00:00:00:01"))
        checks.equal(read(world.records.iface_path("i7")).get("iface.hwaddress"),
                     "02:00:00:00:00:01", "and write")
        checks.equal(world.value("Count"), 302, "nothing else changed")
        checks.check(not [name for name in os.listdir(world.path("state"))
                          if name.startswith("backup.")], "no other copy is left over")
