# SPDX-License-Identifier: GPL-2.0-or-later
"""Calls of the C library fail in the agent, one after the other: it lives on or ends with a word,
each answer is true, nothing is half written or left over, and afterwards everything works. With
--full it is every call; else some, as a seed that is printed says."""

import os

import sets
from faults import CHILD, FORK, KINDS, PARENT, Fault, Faulty, chance, every, library, text
from harness import World, wait_until
from records import read
from sets import CREATE, DESTROY, DONE, binding, iface
from snmp import NotServed

TARGET = "iqn.2026-01.org.example:fault"
COPIES = 4  # bindings of the iface whose change becomes a job
# AgentX can lose an answer; of an agent that has no connection, the master says notWritable.
LOST = ("noAnswer", "genErr", "notWritable")
TAKEN_BACK = "is taken back"
NEW_INDEXES = "bindings get new indexes"


# -- SETs

class Change:
    """One sort of SET, with a number of its own each time."""

    def __init__(self, faulty):
        self.faulty = faulty
        self.records = faulty.world.records
        self.number = 0

    def prepare(self):
        """Without faults: everything is as it must be before it."""
        self.number += 1

    def wishes(self):
        raise NotImplementedError

    def paths(self):
        """What it writes, below the database."""
        raise NotImplementedError

    def happened(self):
        """True if it is on disk as a whole, False if not at all; else what is there."""
        raise NotImplementedError

    def exists(self, *path):
        return os.path.lexists(os.path.join(self.records.root, *path))


class Setting(Change):
    """One line of an iface without bindings."""
    text = "a setting"
    name = "c"

    def prepare(self):
        super().prepare()
        self.value = "iqn.2026-01.org.example:%d" % self.number

    def wishes(self):
        return iface(self.name, Initiator=self.value)

    def paths(self):
        return ["ifaces/" + self.name] + [os.path.relpath(path, self.records.root)
                                          for path in sets.copies(self.records, self.name)]

    def happened(self):
        return self.records.iface_settings(self.name).get("initiatorname") == self.value


class Copied(Setting):
    """The same, and in its bindings, which a job rewrites."""
    text = "a setting and its copies"
    name = "a"

    def stale(self):
        """How many copies do not say what the iface says."""
        want = self.records.iface_settings(self.name)
        return sum(copy != want for copy in sets.copies(self.records, self.name).values())


class NewIface(Change):
    text = "an iface that is made"

    def prepare(self):
        super().prepare()
        self.name = "new%d" % self.number

    def wishes(self):
        return iface(self.name, NetIfaceName="lo", RowStatus=CREATE)

    def paths(self):
        return ["ifaces/" + self.name]

    def happened(self):
        path = self.records.iface_path(self.name)
        return self.exists(path) and read(path).get("iface.net_ifacename") == "lo"


class GoneIface(NewIface):
    text = "an iface that goes"

    def prepare(self):
        super().prepare()
        self.name = "gone%d" % self.number
        self.faulty.succeed(super().wishes())

    def wishes(self):
        return iface(self.name, RowStatus=DESTROY)

    def happened(self):
        return not self.exists("ifaces", self.name)


class NewBinding(Change):
    text = "a binding that is made"
    octet = 1

    def prepare(self):
        super().prepare()
        self.index = 1000 * self.octet + self.number
        self.host = "10.9.%d.%d" % (self.octet + self.number // 200, self.number % 200 + 1)
        self.portal = "%s,3260,1" % self.host
        self.node = "nodes/%s/%s" % (TARGET, self.portal)

    def wishes(self):
        return sets.new_binding(self.index, "b", TARGET, self.host)

    def paths(self):
        return [self.node, self.node + "/b", "static/%s,%s,b" % (TARGET, self.portal)]

    def happened(self):
        there = [self.exists(path) for path in self.paths()]
        return there[0] if len(set(there)) == 1 else "%s: %s" % (self.paths(), there)


class GoneBinding(NewBinding):
    text = "a binding that goes"
    octet = 40

    def prepare(self):
        super().prepare()
        self.faulty.succeed(super().wishes())

    def wishes(self):
        return binding(self.index, RowStatus=DESTROY)

    def happened(self):
        there = super().happened()
        return not there if isinstance(there, bool) else there


class Move(Change):
    text = "a binding that moves"
    node = "nodes/%s/10.8.1.1,3260,1" % TARGET

    def __init__(self, faulty):
        super().__init__(faulty)
        (self.index,), = faulty.world.view().find("BindingTable", BindingPortal="10.8.1.1:3260,1")

    def prepare(self):
        super().prepare()
        self.old, self.fresh = "bc" if self.exists(self.node, "b") else "cb"

    def wishes(self):
        return binding(self.index, IfaceName=self.fresh)

    def paths(self):
        links = ["static/%s,10.8.1.1,3260,1,%s" % (TARGET, name) for name in "bc"]
        return [self.node + "/b", self.node + "/c"] + links

    def happened(self):
        path = os.path.join(self.records.root, self.node, self.fresh)
        there = [self.exists(path), not self.exists(self.node, self.old)]
        if len(set(there)) != 1:
            return "%s: new one %s, old one gone %s" % (self.node, *there)
        return there[0] and read(path)["iface.iscsi_ifacename"] == self.fresh


CHANGES = (Setting, NewIface, GoneIface, NewBinding, GoneBinding, Move, Copied)


def lay(world):
    records = world.records
    for name in "abc":
        records.iface(name)
    for number in range(COPIES):
        sets.bind(records, TARGET, "10.8.0.%d" % number, 1, "a")
    sets.bind(records, TARGET, "10.8.1.1", 1, "b")


def untrue(change, answer, before, lines):
    """What is wrong with an answer."""
    happened, after = change.happened(), sets.tree(change.records.root)
    if not isinstance(happened, bool):
        return "half of it happened: " + happened
    # A UNIX socket breaks with its master; by a fault, when the master has answered already.
    if answer == DONE and not happened and not [line for line in lines if TAKEN_BACK in line]:
        return "noError, and it is not on disk"
    # Of what could be neither made nor undone it is to be read what there is.
    if answer == DONE or answer[0] in LOST or answer[0] == "undoFailed":
        before, after = ({path: what for path, what in tree.items() if path not in change.paths()}
                         for tree in (before, after))
        return sets.compare(after, before)
    changed = sets.compare(after, before)
    return changed and "%s, but %s" % (answer[0], changed)


def untold(faulty, change):
    """Copies that do not follow, and no job says so; then they follow the next change."""
    wrong = []
    if not change.stale():
        return wrong
    row = max(sets.jobs(faulty.world).items())[1]
    if row["State"] != sets.FAILED or not row["ErrorText"]:
        wrong.append("%d copies do not follow, and no job says so" % change.stale())
    change.prepare()
    faulty.succeed(change.wishes())
    faulty.settle()
    if change.stale():
        wrong.append("%d copies do not follow now" % change.stale())
    return wrong


def unsaid(answer, lines):
    """A refusal of which the log does not say why."""
    told = [line for line in lines if "SET" in line and ("refused" in line or "failed" in line)]
    if answer == DONE or answer[0] in LOST or told:
        return ""
    return "%s, and the log does not say why" % answer[0]


def attempt(faulty, change, fault):
    """A SET with a fault in it, and then one without; what is wrong."""
    faulty.settle()
    change.prepare()
    faulty.settle()
    before = sets.tree(change.records.root)
    faulty.arm(fault)
    answer = faulty.ask(change.wishes())
    if isinstance(change, Copied):
        faulty.wait(faulty.jobs_have_ended, 1.5 if fault.for_good else 5)
    faulty.board.disarm()
    faulty.settle()
    # What could not be undone is undone as soon as it can be.
    if answer[0] == "undoFailed":
        faulty.wait(lambda: not sets.compare(sets.tree(change.records.root), before), 3)
    wrong = [untrue(change, answer, before, faulty.lines()), unsaid(answer, faulty.lines()),
             *faulty.strays()]
    if change.happened() is not True:
        faulty.succeed(change.wishes())
        faulty.settle()
        if change.happened() is not True:
            wrong.append("noError now, and it is not on disk")
    if isinstance(change, Copied):
        wrong += untold(faulty, change)
    return [what for what in wrong + faulty.complaints() if what]


def guarded(try_it, *arguments):
    try:
        return try_it(*arguments)
    except RuntimeError as error:  # the next one must be tried all the same
        return [str(error)]


def counts(faulty, change):
    """How many calls of each kind it makes, in each process."""
    made = []
    for process in (PARENT, CHILD):
        change.prepare()
        faulty.settle()
        faulty.count(process)
        faulty.succeed(change.wishes())
        faulty.settle()
        made.append(faulty.board.counts())
    return made


def possible(checks, what):
    return checks.need(library(), what, "tests/fault/libfault.la (make check)")


def test_sets(checks):
    if not possible(checks, "faults in SETs"):
        return
    choice = chance()
    with World(checks, "faults in SETs") as world:
        lay(world)
        faulty = Faulty(world)
        changes = [kind(faulty) for kind in CHANGES]
        tries = [(change, fault) for change in changes
                 for fault in every(counts(faulty, change), choice)]
        if not checks.full:
            tries = choice.sample(tries, 30)
        for change in changes:
            wrong, tried = [], [fault for which, fault in tries if which is change]
            for fault in tried:
                wrong += ["%s: %s" % (text(fault), what)
                          for what in guarded(attempt, faulty, change, fault)]
            checks.empty(wrong, "%s: with %d faults each answer is true, nothing is half written "
                         "or left over, and then it can be done" % (change.text, len(tried)))
        want = shown(faulty)
        world.stop_agent()
        faulty.start()
        checks.equal(shown(faulty), want, "after all that a restart shows the same")


# -- starts and ends

def shown(faulty):
    """What each start must show: the bindings with their numbers, and the ifaces."""
    def asked():
        view = faulty.world.view()
        return {index: (row["BindingPortal"], row["BindingIfaceName"], row["BindingAdminStatus"])
                for index, row in view.tables["BindingTable"].items()}, set(view.ifaces())
    return faulty.wait(lambda: faulty.world.serves() and asked(), 10)


def works(faulty, setting, want):
    """What is wrong with an agent that was started: the same must be there, and be writable."""
    wrong = []
    if not wait_until(lambda: shown(faulty) == want[-1], faulty.patience(3)):
        # The state may have been lost, if that was said.
        want.append(shown(faulty))
        if not [line for line in faulty.lines() if NEW_INDEXES in line]:
            wrong.append("it shows %s, want %s" % (want[-1], want[-2]))
    setting.prepare()
    faulty.succeed(setting.wishes())
    faulty.settle()
    return wrong if setting.happened() else wrong + ["a SET succeeds and does not happen"]


def end(faulty, fault):
    """Ends it while a call fails; what is wrong with its end."""
    faulty.arm(fault)
    code = faulty.agent.end(seconds=faulty.patience(10))
    failed = faulty.board.disarm()
    if code == 0 or (failed and code == 1 and faulty.lines()):
        return []
    return ["after SIGTERM it ended with %s: %s" % (code, faulty.lines()[-2:])]


def live(faulty, setting, want, start, stop):
    """A start, a SET and an end, with faults in it, and once more without; what is wrong."""
    wrong = []
    for first, last in ((start, stop), (None, None)):
        faulty.start(first)
        if first:
            wait_until(lambda: faulty.world.serves() or not faulty.agent.running(),
                       faulty.patience(10))
        if faulty.agent.running():
            wrong += works(faulty, setting, want) + end(faulty, last)
        elif not first or faulty.agent.wait(0) != 1 or not faulty.lines():
            wrong.append("it ended with %s: %s" % (faulty.agent.wait(0), faulty.lines()[-2:]))
        wrong += faulty.complaints()
    return wrong + sets.strays(faulty.world)


def lives(faulty, choice):
    """The faults of starts, and those of ends."""
    starts, ends = [], []
    for process in (PARENT, CHILD):
        end(faulty, None)
        faulty.start(Fault(process, KINDS, 0, 0, False))
        starts.append(faulty.board.counts())
        faulty.settle()
        faulty.count(process)
        faulty.agent.end()
        ends.append(faulty.board.counts())
        faulty.start()
    end(faulty, None)
    return every(starts, choice), every(ends, choice)


def test_lives(checks):
    if not possible(checks, "faults in starts and ends"):
        return
    choice = chance()
    with World(checks, "faults in starts and ends") as world:
        lay(world)
        faulty = Faulty(world)
        setting, want = Setting(faulty), [shown(faulty)]
        starts, ends = lives(faulty, choice)
        if not checks.full:
            # Without a process for its configuration it knows nothing of what it may do.
            forks = [fault for fault in starts if fault.process == PARENT and fault.kind == FORK]
            starts = choice.sample(starts, 8) + forks
        wrong = []
        for start in starts:
            stop = choice.choice(ends)
            wrong += ["%s; then %s: %s" % (text(start), text(stop), what)
                      for what in guarded(live, faulty, setting, want, start, stop)]
        checks.empty(wrong, "%d starts with a fault, and ends with one: it serves or says why not, "
                     "and the next start shows the same" % len(starts))


# -- walks

def walk(faulty):
    try:
        return faulty.world.table("BindingTable")
    except (NotServed, KeyError):
        return None


def test_walks(checks):
    if not possible(checks, "faults in walks"):
        return
    choice = chance()
    with World(checks, "faults in walks") as world:
        lay(world)
        faulty = Faulty(world)
        want, made = walk(faulty), []
        for process in (PARENT, CHILD):
            faulty.count(process)
            walk(faulty)
            made.append(faulty.board.counts())
        tries = every(made, choice)
        wrong = []
        for fault in choice.sample(tries, min(len(tries), 60 if checks.full else 3)):
            faulty.arm(fault)
            got = walk(faulty)
            faulty.board.disarm()
            # What has ended is not there; what is there must be right.
            if got and any(row != want.get(index) for index, row in got.items()):
                wrong.append("%s: it shows %s" % (text(fault), got))
            if not faulty.wait(lambda: walk(faulty) == want, 10):
                wrong.append("%s: afterwards it shows %s" % (text(fault), walk(faulty)))
            wrong += faulty.complaints()
        checks.empty(wrong, "walks with a fault show nothing wrong, and then all")
