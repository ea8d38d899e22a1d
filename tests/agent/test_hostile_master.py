# SPDX-License-Identifier: GPL-2.0-or-later
"""A master that sends whatever it likes: the agent lives and serves on, its memory stays, nothing
is written but by a transaction that was committed, and no lock is left behind."""

import collections
import itertools
import os
import signal
import time

import agentx
import mib
import records
import sets
from agentx import (ADD_CAPS, CLEANUPSET, CLOSE, COMMITSET, CONTEXT, GET, GETBULK, GETNEXT, LONGEST,
                    NETWORK_ORDER, OPEN, PHASES, PING, REGISTER, RESPONSE, TESTSET, UNDOSET, Gone)
from agentx_random import Generator
from harness import World, wait_until
from memory import Flat

SEED = 2741
NAME = "iqn.2026-01.org.example:%s"
TAKEN = 4  # seconds in which a transaction that nobody goes on with is taken back
BACK = 5  # in which the agent is there again
ASKED = (OPEN, "Open"), (REGISTER, "Register"), (ADD_CAPS, "AddAgentCaps")
NOT_OPEN, NO_CONTEXT, PARSE_ERROR, PROCESSING_ERROR, TOO_BIG, UNAVAILABLE = \
    257, 262, 266, 268, 1, 13


def start(world):
    """The agent with two records, and its master, which is ours."""
    for name in "ab":
        world.records.iface(name, initiatorname=NAME % "old")
    world.records.node("iqn.2026-01.org.example:t", "10.0.0.1", 3260, 1, "default")
    sets.configure(world, "full", "jobHistory 4", "eventHistory 16")
    master = agentx.Master(world.path("agentx"))
    world.start_agent("-c", world.path("conf"), wait=False)
    master.welcome(world.checks.patience(10))
    if not world.wait_log([world.path("state", "backup")], 30):
        raise RuntimeError("nothing can be written: " + world.agent.log()[-400:])
    return master


def read(world, order=NETWORK_ORDER):
    return agentx.encode_range(world.oid("AgentVersion"), order=order)


def write(world, value, names="ab", order=NETWORK_ORDER):
    """The payload of a TestSet that gives these records this initiator's name."""
    return b"".join(agentx.encode_varbind(world.oid("Initiator", *mib.text_index(name)), "STRING",
                                          (NAME % value).encode(), order) for name in names)


def on_disk(world):
    """What the two records say: the last word of their initiator's names."""
    settings = [records.read(world.records.iface_path(name)) for name in "ab"]
    return tuple(one.get("iface.initiatorname", "").split(":")[-1] for one in settings)


def serves(world, master):
    """It answers a proper request on the connection that there is."""
    answer = master.ask(GET, read(world), seconds=world.checks.patience(10))
    return agentx.error_of(answer) == 0 and b"." in answer.payload[8:]


def serves_again(world, master):
    """On a new one."""
    master.welcome(world.checks.patience(BACK))
    return serves(world, master)


def awake(world):
    """Its loop turns: it reads its configuration again when it is told to."""
    words = "read the configuration again"
    before = world.agent.log().count(words)
    world.agent.send(signal.SIGHUP)
    return wait_until(lambda: world.agent.log().count(words) > before, world.checks.patience(5))


def lives(checks, world, master, text):
    checks.check(world.agent.running() and awake(world), "%s: the agent goes on" % text,
                 lambda: world.agent.log()[-400:])
    checks.check(world.agent.running() and serves_again(world, master),
                 "%s: served on the next connection" % text)


# -- every order of the phases

def expected(sequence, old, mine):
    """By RFC 2741, 7.2.4: what the answers must be, and what the records say after each."""
    state, new = "idle", old
    for kind in sequence:
        good = True
        if kind == TESTSET:  # once more: it begins anew, and what was done is taken back
            state, new = "tested", old
        elif kind == COMMITSET:
            good = state == "tested"
            if good:
                state, new = "committed", mine
        elif kind == UNDOSET:
            good = state != "idle"
            state, new = "idle", old
        elif state != "idle":
            state, old = "idle", new
        yield kind, good, new


def run_sequence(world, master, sequence, number):
    """The first thing that goes another way than it must; None if nothing does."""
    mine = "n%d" % number
    for step, (kind, good, value) in enumerate(expected(sequence, on_disk(world)[0], mine)):
        payload = write(world, mine) if kind == TESTSET else b""
        asked = master.begin(kind, payload, transaction=number)
        if kind != CLEANUPSET:  # which has no answer (RFC 2741, 7.2.4.4)
            error = agentx.error_of(master.end(asked))
            if (error == 0) != good:
                return "%s: error %d at %d" % (sequence, error, step)
        if not serves(world, master):
            return "%s: not served after %d" % (sequence, step)
        if on_disk(world) != (value, value):
            return "%s: %s after %d, want %s" % (sequence, on_disk(world), step, value)
    master.begin(UNDOSET, transaction=number)  # nothing of it is left for the next one
    return None if serves(world, master) else "not served"


def test_phases(checks):
    """TestSet, CommitSet, UndoSet and CleanupSet in every order, with one transaction id."""
    with World(checks, "phases") as world, start(world) as master:
        longest = 3 if checks.valgrind else 5 if checks.full else 4
        every = [sequence for size in range(1, longest + 1)
                 for sequence in itertools.product(PHASES, repeat=size)]
        faults = []
        for number, sequence in enumerate(every):
            fault = run_sequence(world, master, sequence, number)
            faults += [fault] if fault else []
            if len(faults) > 3:
                break
        checks.empty(faults, "%d orders of a SET's phases: what is answered, and what is on disk"
                     % len(every))
        checks.equal(sets.strays(world), [], "no lock and nothing else is left")


def test_interleaved(checks):
    """Two transactions at once: the second one has to wait, or ends the first after its time."""
    with World(checks, "two transactions") as world, start(world) as master:
        def ask(kind, transaction, value=None):
            payload = write(world, value) if value else b""
            return agentx.error_of(master.ask(kind, payload, transaction=transaction))
        checks.equal(ask(TESTSET, 1, "one"), 0, "the first transaction begins")
        checks.equal(ask(TESTSET, 2, "two"), UNAVAILABLE, "the second one cannot")
        checks.check(ask(COMMITSET, 2) != 0, "nor be committed")
        checks.equal((ask(COMMITSET, 1), on_disk(world)), (0, ("one", "one")),
                     "the first one is committed")
        checks.check(ask(UNDOSET, 2) != 0 and on_disk(world) == ("one", "one"),
                     "and not undone by the second one's UndoSet")
        master.begin(CLEANUPSET, transaction=2)
        checks.equal(ask(TESTSET, 3, "three"), UNAVAILABLE, "it is under way still")
        master.begin(CLEANUPSET, transaction=1)
        checks.equal((ask(TESTSET, 4, "four"), ask(COMMITSET, 4)), (0, 0),
                     "after its CleanupSet another one can be")
        checks.check(wait_until(lambda: on_disk(world) == ("one", "one"),
                                checks.patience(TAKEN)),
                     "which is taken back when nobody goes on with it", on_disk(world))
        checks.equal((ask(TESTSET, 5, "five"), ask(COMMITSET, 5)), (0, 0), "and ends by itself")
        master.begin(CLEANUPSET, transaction=5)
        checks.check(serves(world, master) and on_disk(world) == ("five", "five"),
                     "so that the next one can be", on_disk(world))


# -- a master that goes in the middle

def test_vanish(checks):
    """The connection ends at every point of a SET, whether its answer was read or not."""
    with World(checks, "master vanishes") as world, start(world) as master:
        faults, number = [], 0
        for last, wait, cut in itertools.product((TESTSET, COMMITSET), (True, False),
                                                 (0, 1, agentx.HEADER)):
            number += 1
            words = "after %d, %s, %d octets more" % (
                last, "answered" if wait else "unanswered", cut)
            asked = [master.begin(TESTSET, write(world, "v%d" % number), number)]
            if last == COMMITSET:
                asked.append(master.begin(COMMITSET, transaction=number))
            if wait:
                faults += [words for one in asked if agentx.error_of(master.end(one)) != 0]
            master.link.send(agentx.encode(TESTSET, write(world, "w"), 9, number + 1)[:cut])
            master.link.close()
            if not wait_until(lambda: not sets.strays(world), checks.patience(TAKEN)):
                faults.append("%s: %s is left" % (words, sets.strays(world)))
            if not serves_again(world, master) or on_disk(world) != ("old", "old"):
                faults.append("%s: %s" % (words, on_disk(world)))
        checks.empty(faults, "%d connections that end in the middle of a SET: taken back, and the "
                     "lock is free" % number)
        checks.equal([agentx.error_of(master.ask(kind, payload, transaction=99)) for kind, payload
                      in ((TESTSET, write(world, "new")), (COMMITSET, b""))], [0, 0],
                     "and then a SET succeeds")


def test_close(checks):
    """The master's own Close, in the middle of a SET and outside."""
    with World(checks, "Close") as world, start(world) as master:
        for text, committed in (("outside of a SET", False), ("after a CommitSet", True)):
            if committed:
                master.ask(TESTSET, write(world, "c"), transaction=1)
                master.ask(COMMITSET, transaction=1)
            master.link.send(agentx.encode(CLOSE, bytes((5, 0, 0, 0))))
            checks.check(master.link.closed(checks.patience(2)),
                         "a Close %s ends the connection" % text)
            checks.check(serves_again(world, master) and on_disk(world) == ("old", "old"),
                         "and the agent comes back", on_disk(world))


# -- time

def test_slow(checks):
    """Octet by octet: the agent waits for the rest, and does its other work meanwhile."""
    with World(checks, "slow master") as world, start(world) as master:
        octets = agentx.encode(GET, read(world), 5) + agentx.encode(GET, read(world, 0), 6, flags=0)
        for at in range(len(octets)):
            master.link.send(octets[at:at + 1])
            if at % 40 == 7:
                checks.check(awake(world), "after %d octets of two requests it is awake" % (at + 1))
        checks.equal([agentx.error_of(master.end(number)) for number in (5, 6)], [0, 0],
                     "both are answered when they are whole")
        master.link.send(agentx.encode(TESTSET, bytes(LONGEST))[:agentx.HEADER + 1000])
        lives(checks, world, master, "a long PDU that does not go on")


def test_unread(checks):
    """A master that asks and does not read the answers."""
    with World(checks, "answers unread") as world, start(world) as master:
        request = agentx.encode(GET, read(world) * 1000)
        end = time.monotonic() + checks.patience(10)
        try:
            while time.monotonic() < end:
                master.link.socket.setblocking(True)
                master.link.socket.settimeout(checks.patience(5))
                master.link.socket.sendall(request)
        except OSError:
            pass
        checks.check(time.monotonic() < end, "the connection ends, if nobody reads the answers")
        lives(checks, world, master, "a master that does not read")


def test_flood(checks):
    """Where the agent waits for an answer, everything comes but that: PDUs without an end."""
    with World(checks, "flood") as world, start(world) as master:
        for kind, text in ASKED if checks.full else ASKED[1:2]:
            master.meet(checks.patience(BACK), kind)
            flood = (agentx.encode(RESPONSE, bytes(8), 1) + agentx.encode(GET, read(world), 2)) * 99
            end = time.monotonic() + checks.patience(10)
            try:
                while time.monotonic() < end:
                    master.link.send(flood)
                    master.link.pdus.clear()
            except Gone:
                pass
            checks.check(time.monotonic() < end, "no answer to %s, but much else: it gives up"
                         % text)
        lives(checks, world, master, "a flood instead of answers")


def test_numbers(checks):
    """Requests with the number of what the agent waits for, and much before that is answered."""
    with World(checks, "numbers") as world, start(world) as master:
        for kind, text in ASKED:
            for other in (GET, PING, GETNEXT, CLEANUPSET, COMMITSET)[:None if checks.full else 2]:
                asked = master.meet(checks.patience(BACK), kind)
                master.link.send(agentx.encode(other, read(world) if other <= GETNEXT else b"",
                                               asked.packet))
                master.link.send(agentx.encode(TESTSET, write(world, "x"), 7, 1)
                                 + agentx.encode(CLEANUPSET, b"", 8, 1)
                                 + agentx.encode(TESTSET, write(world, "x"), 9, 1)
                                 + agentx.encode(UNDOSET, b"", 10, 1))
                master.link.send(agentx.response(asked))
                if kind != ADD_CAPS:
                    try:
                        master.link.send(agentx.response(master.link.take(checks.patience(5))))
                    except (Gone, AttributeError):
                        pass
            checks.check(world.agent.running(), "requests with the number of its %s" % text,
                         lambda: world.agent.log()[-400:])
        lives(checks, world, master, "numbers that are taken")
        checks.equal(on_disk(world), ("old", "old"), "nothing was written meanwhile")


# -- what is refused

def test_refused(checks):
    """Each on a connection that stays: the answer names what is wrong, and the next is served."""
    with World(checks, "refused") as world, start(world) as master:
        get, oid = read(world), world.oid("AgentVersion")
        long_name = bytes((129, 0, 0, 0)) + bytes(129 * 4) + bytes(4)
        context = agentx.encode_octets(b"\0" + b"x" * 60000) + get
        for text, error, kind, payload, more in (
                ("another session", NOT_OPEN, GET, get, {"session": 5}),
                ("a context", NO_CONTEXT, GET, context, {"flags": NETWORK_ORDER | CONTEXT}),
                ("half a range", PARSE_ERROR, GET, agentx.encode_oid(oid), {}),
                ("a name of 129 sub-identifiers", PARSE_ERROR, GETNEXT, long_name, {}),
                ("a type that there is not", PARSE_ERROR, TESTSET, agentx.encode_varbind(
                    oid, 0x45, b""), {}),
                ("a SET of nothing", PARSE_ERROR, TESTSET, b"", {}),
                ("GetBulk without its numbers", PARSE_ERROR, GETBULK, b"", {}),
                ("CommitSet of what was not tested", PROCESSING_ERROR, COMMITSET, b"", {}),
                ("UndoSet of what was not tested", PROCESSING_ERROR, UNDOSET, b"", {}),
                ("a request of 64 KiB", TOO_BIG, GET, get * (LONGEST // len(get) + 1), {}),
                ("a request of a megabyte", TOO_BIG, GETNEXT, bytes(1 << 20), {}),
                ("an answer of over 64 KiB", TOO_BIG, GET, get * 1300, {}),
                ("an answer of very long names", TOO_BIG, GETNEXT, bytes(8) * 8000, {})):
            got = agentx.error_of(master.ask(kind, payload, transaction=3, **more))
            checks.equal((got, serves(world, master)), (error, True), "%s: refused, and served on"
                         % text)
        for kind in (PING, RESPONSE, REGISTER, 0, 19, 255, CLEANUPSET):
            master.link.send(agentx.encode(kind, bytes(3 * 4)))
        checks.check(serves(world, master), "what a master may not send has no answer")
        # One of them is behind the end, so that the library goes over all again.
        name = world.oid("SettingValue", *mib.text_index("x" * 60))
        names = agentx.encode_range(name[:-40]) * 250 + agentx.encode_range(
            world.mib.root + (1, 2 ** 32 - 1))
        world.records.iface("x" * 60)
        checks.check(wait_until(lambda: agentx.error_of(master.ask(GETNEXT, names)) == TOO_BIG, 5)
                     and serves(world, master), "many long names: refused, and served on")


def test_broken(checks):
    """What cannot be AgentX ends the connection."""
    with World(checks, "no AgentX") as world, start(world) as master:
        header = agentx.encode(GET)
        for text, octets in (
                ("version 2", b"\2" + header[1:]),
                ("version 0", bytes(20)),
                ("another protocol", b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"),
                ("a length of 3", header[:16] + bytes((0, 0, 0, 3))),
                ("a length of over a megabyte", header[:16] + bytes((0, 16, 0, 4))),
                ("a length that is none with the header", header[:16] + b"\xff\xff\xff\xec"),
                ("a length of less than the header", header[:16] + b"\xff\xff\xff\xff"),
                ("the longest length", header[:16] + b"\x7f\xff\xff\xfc")):
            master.link.send(octets)
            checks.check(master.link.closed(checks.patience(2)) and serves_again(world, master),
                         "%s: it connects anew" % text, lambda: world.agent.log()[-300:])


# -- at random

class Attack:
    """Batches of PDUs, and what must be true after each."""

    BATCH = 50

    def __init__(self, world, master, seed):
        self.world = world
        self.master = master
        self.generator = Generator(seed, self.walk(), lambda number, order: write(
            world, "r%d" % number, order=order))
        self.commit_sets = set()  # packets of those that were sent
        self.known = {self.records()}  # what the records said after some commit
        self.ends = 0
        self.commits = 0
        self.recent = collections.deque(maxlen=3)  # commits of the last batches

    def records(self):
        """A digest of every record. What a SET keeps for its undoing lies beside them."""
        every = sets.tree(self.world.records.root)
        return hash(tuple(sorted((path, one) for path, one in every.items()
                                 if os.path.dirname(path))))

    def walk(self):
        """Some names that there are."""
        return [self.world.oid(name, *index) for name, index in (
            ("AgentVersion", ()), ("Count", ()), ("Initiator", mib.text_index("a")),
            ("RowStatus", mib.text_index("b")), ("BindingPortal", (1,)), ("JobKind", (1,)),
            ("SettingValue", mib.text_index("a", *mib.text_index("hwaddress"))),
            ("TargetName", (1,)), ("NotifyRate", ()), ("SetLock", ()))] + [
                self.world.mib.root, self.world.mib.root + (1, 4), (1, 3, 6, 1), (2, 5)]

    def batch(self):
        """Sends some; what is wrong after that, or None."""
        self.commit_sets.clear()
        self.master.answers.clear()
        try:
            for _ in range(self.BATCH):
                octets = self.generator.pdu()
                if octets[1] == COMMITSET:
                    self.commit_sets.add(agentx.read_header(octets)[4])
                self.master.link.send(octets, self.world.checks.patience(10))
            if not serves(self.world, self.master):
                return "it does not serve"
            if self.generator.chance.random() < 0.15:
                self.end()
        except Gone as gone:
            return "%s: %s" % (gone, self.world.agent.log()[-300:])
        return self.judge()

    def end(self):
        """Ends the connection in a bad way."""
        self.ends += 1
        self.master.link.send(self.generator.last())
        if not serves_again(self.world, self.master):
            raise Gone("not served on a new connection")

    def judge(self):
        """Nothing new is written but after an answer that says that a CommitSet is done; a short
        while ago, if another one that came after it was taken back."""
        done = [packet for packet, error in self.master.answers
                if error == 0 and packet in self.commit_sets]
        self.commits += len(done)
        self.recent.append(len(done))
        records_now = self.records()
        if records_now not in self.known and not any(self.recent):
            return "written without a commit: %s" % (on_disk(self.world),)
        self.known.add(records_now)
        return None


def test_random(checks):
    """Memory is the agent's: the master here keeps nothing."""
    wanted = 1000 if checks.valgrind else 100000 if checks.full else 3000
    with World(checks, "random PDUs") as world, start(world) as master:
        attack = Attack(world, master, SEED)
        flat = Flat(world, wanted)
        fault = None
        pid = world.agent.pid
        for _ in range(0, wanted, Attack.BATCH):
            fault = attack.batch()
            if fault:
                break
            flat.look(Attack.BATCH)
        text = "%d PDUs (seed %d), %d times the end of a connection" % (
            attack.generator.number, SEED, attack.ends)
        checks.check(not fault, "%s: served, and nothing written but by %d commits" % (
            text, attack.commits), fault)
        checks.check(world.agent.running() and world.agent.pid == pid and attack.commits > 10,
                     "%s: the agent lives" % text, lambda: world.agent.log()[-400:])
        flat.check(checks, text)
        master.link.close()
        checks.check(wait_until(lambda: not sets.strays(world), checks.patience(TAKEN)),
                     "%s: no lock is left" % text, sets.strays(world))
        checks.check(serves_again(world, master), "%s: and served at the end" % text)
