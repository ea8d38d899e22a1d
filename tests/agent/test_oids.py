# SPDX-License-Identifier: GPL-2.0-or-later
"""OIDs that no manager should ask for: cut off, too long, out of range, at random."""

import bisect
import random

import contract
import test_walk
from harness import World
from snmp import NotServed, dotted

LONGEST = 128  # sub-identifiers of an SNMP object identifier
EDGES = (0, 1, 255, 256, 65536, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1)
BATCH = 20


class Oracle:
    """What GET and GETNEXT must answer, by the whole walk that came first."""

    def __init__(self, world, rows):
        self.root = world.mib.root
        self.oids = [v.oid for v in rows]
        self.known = set(self.oids)
        self.columns = {self.root + arcs: access for _, arcs, _, access in contract.objects()}

    def get(self, oid):
        """The exceptions that RFC 3416 allows for it, or None where there is a value."""
        if oid in self.known:
            return None
        # An object's own instances that do not exist are noSuchInstance, as long as there could
        # be one; what is no object of ours is noSuchObject.
        for size in (len(self.root) + 3, len(self.root) + 4):
            access = self.columns.get(oid[:size])
            if access in ("r", "w", "c") and len(oid) > size:
                return ("noSuchInstance",)
            if access:  # the object itself, or one that can never be read
                return ("noSuchInstance", "noSuchObject")
        return ("noSuchObject",) if oid[:len(self.root)] == self.root else None

    def next(self, oid):
        at = bisect.bisect_right(self.oids, oid)
        return self.oids[at] if at < len(self.oids) else None


def whole_objects(world):
    """Every table, entry, column and scalar of the MIB, hidden ones too."""
    for name, arcs, _, _ in contract.objects():
        yield world.mib.root + arcs
    for arc in range(0, 15):
        yield world.mib.root + (1, arc)
        yield world.mib.root + (1, arc, 1)
    yield from (world.mib.root, world.mib.root + (0,), world.mib.root + (1,),
                world.mib.root + (2,), world.mib.root + (0, 1), world.mib.root + (3,))


def odd_oids(world, rows):
    """Cut off, prolonged and bent forms of every object and of an instance of each."""
    samples = {}
    for varbind in rows:
        size = len(world.mib.root) + (4 if varbind.oid[len(world.mib.root) + 1] not in (1, 11)
                                      else 3)
        samples.setdefault(varbind.oid[:size], []).append(varbind.oid)
    chosen = [oid for group in samples.values() for oid in (group[0], group[-1])]
    for oid in set(whole_objects(world)) | set(chosen):
        yield oid
        yield oid + (0,) * (LONGEST - len(oid))
        yield oid + (2 ** 32 - 1,) * (LONGEST - len(oid))
        for edge in EDGES:
            yield oid + (edge,)
            yield oid[:-1] + (edge,)
    for oid in chosen:
        for size in range(len(world.mib.root), len(oid)):
            yield oid[:size]
            for edge in EDGES:
                yield oid[:size] + (edge,) + oid[size + 1:]
        yield (oid + oid[len(world.mib.root):])[:LONGEST]


def bend(random_one, oid, root):
    """One random change, or several, below the root."""
    oid = list(oid)
    for _ in range(random_one.randint(1, 3)):
        at = random_one.randint(len(root), len(oid))
        action = random_one.randrange(5)
        if action == 0:
            del oid[at:]
        elif action == 1 and at < len(oid):
            oid[at] = random_one.choice(EDGES + (random_one.getrandbits(32),))
        elif action == 2 and at < len(oid):
            oid[at] = max(0, min(2 ** 32 - 1, oid[at] + random_one.choice((-1, 1))))
        elif action == 3:
            oid[at:at] = [random_one.getrandbits(random_one.choice((1, 8, 16, 32)))]
        else:
            oid += [random_one.choice((0, 97, 255, 2 ** 32 - 1))] * random_one.randint(1, 100)
    return tuple(oid[:LONGEST])


def thinned(checks, oids, most, seed=1):
    """Some of them, always the same, unless the long counts are asked for."""
    oids = sorted(set(oids))
    if (checks.full and not checks.valgrind) or len(oids) <= most:
        return oids
    return random.Random(seed).sample(oids, most)


def ask(world, oids):
    """(faults, count) of GET and GETNEXT of these, against the walk that comes first."""
    rows = world.snmp.walk(world.mib.root)
    oracle = Oracle(world, rows)
    oids = sorted(set(oids(rows)))
    faults = []
    for at in range(0, len(oids), BATCH):
        some = oids[at:at + BATCH]
        try:
            for oid, answer in zip(some, world.snmp.get(*some)):
                want = oracle.get(oid)
                if answer.oid != oid or want and answer.type not in want or (
                        not want and oid in oracle.known and answer.type.startswith("noSuch")):
                    faults.append("GET %s: %s, want %s" % (dotted(oid), answer.type, want))
            for oid, answer in zip(some, world.snmp.getnext(*some)):
                want = oracle.next(oid)
                inside = answer.oid[:len(oracle.root)] == oracle.root \
                    and answer.type != "endOfMibView"
                if (answer.oid if inside else None) != want:
                    faults.append("GETNEXT %s: %s, want %s" % (
                        dotted(oid), dotted(answer.oid), want and dotted(want)))
        except NotServed as error:
            faults.append(str(error))
            if not world.serves(5):
                return faults + ["and the agent serves no more"], len(oids)
    return faults, len(oids)


def test_odd_oids(checks):
    with World(checks, "odd OIDs") as world:
        test_walk.fill(world)
        world.start_master()
        world.start_agent()
        faults, count = ask(world, lambda rows: thinned(checks, odd_oids(world, rows), 6000))
        checks.empty(faults, "%d cut-off, over-long and wild OIDs: noSuch..., or the right next"
                     % count)
        # The same through net-snmp's own client, for the ends of the MIB.
        root = world.mib.root
        rows = world.clients.walk(root)
        first = world.clients.getnext([root])[0].oid
        checks.equal(first, rows[0].oid, "GETNEXT of the root is the first instance")
        last = world.clients.getnext([root + (1, 2 ** 32 - 1)])[0].oid
        checks.check(last[:len(root)] != root, "GETNEXT behind the objects leaves the MIB",
                     dotted(last))


def test_random_oids(checks):
    seed = 3260
    random_one = random.Random(seed)
    wanted = 20000 if checks.full and not checks.valgrind else 1000

    def some(rows):
        bases = [v.oid for v in rows] + list(whole_objects(world))
        return (bend(random_one, random_one.choice(bases), world.mib.root)
                for _ in range(wanted))
    with World(checks, "random OIDs") as world:
        test_walk.fill(world)
        world.start_master()
        world.start_agent()
        faults, count = ask(world, some)
        checks.empty(faults, "%d random OIDs (seed %d): noSuch..., or the right next"
                     % (count, seed))
