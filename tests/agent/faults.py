# SPDX-License-Identifier: GPL-2.0-or-later
"""Calls of the agent that fail when a test wants them to: tests/fault/fault.h, from outside."""

import collections
import errno
import mmap
import os
import random
import struct

import harness
import sets
from harness import wait_until
from snmp import NoAnswer, NotServed

MALLOC, OPEN, READ, WRITE, FSYNC, RENAME, LINK, FORK, RECV, KINDS = range(10)
NAMES = "malloc open read write fsync rename link fork recv".split()
SHORT, NOTHING = -1, 0
PARENT, CHILD = range(2)
EVERYONE, FOR_EVER = 2 ** 32 - 1, 2 ** 64 - 1

# How a call of each kind fails.
ERRORS = {
    MALLOC: (errno.ENOMEM,),
    OPEN: (errno.EMFILE, errno.EIO),
    READ: (errno.EIO, NOTHING, SHORT),
    WRITE: (errno.ENOSPC, errno.EIO, SHORT),
    FSYNC: (errno.EIO,),
    RENAME: (errno.EIO,),
    LINK: (errno.ENOSPC,),
    FORK: (errno.EAGAIN,),
    RECV: (errno.ECONNRESET, NOTHING, SHORT),
}

# struct fault_board, piece by piece.
HEAD = struct.Struct("=IiQQII")
PIDS = struct.Struct("=64I")
COUNTS = struct.Struct("=%dQ" % KINDS)
TAIL = struct.Struct("=Q24s")
COUNTS_AT = HEAD.size + PIDS.size
TAIL_AT = COUNTS_AT + COUNTS.size

# The call with a number, of a kind, in one of the agent's two processes; and all after it.
Fault = collections.namedtuple("Fault", "process kind number error for_good")


def text(fault):
    error = {SHORT: "in part", NOTHING: "nothing"}.get(fault.error) or errno.errorcode[fault.error]
    return "%s %d in the %s%s: %s" % (
        NAMES[fault.kind], fault.number, ("parent", "child")[fault.process],
        " and all after it" if fault.for_good else "", error)


def chance():
    """What chooses: another one each time, but for a seed in the environment."""
    seed = int(os.environ.get("FAULT_SEED", random.randrange(10 ** 6)))
    print("# agent: the seed of the faults is %d (FAULT_SEED)" % seed, flush=True)
    return random.Random(seed)


def every(counts, choice):
    """A fault at each call of what made so many of each kind in each process."""
    tries = []
    for process, made in enumerate(counts):
        for kind in range(KINDS):
            for number in range(1, made[kind] + 1):
                error = choice.choice(ERRORS[kind])
                # A file does not stay shorter, and a signal is read from a descriptor.
                for_good = error > 0 and kind != READ and choice.random() < 0.3
                tries.append(Fault(process, kind, number, error, for_good))
    return tries


def library():
    """The library that is preloaded; None if it is not built."""
    path = os.path.join(harness.BUILD, "tests", "fault", ".libs", "libfault.so")
    return path if os.path.exists(path) else None


class Board:
    """What fails and what was counted, in a file that the agent's processes map, too."""

    def __init__(self, path):
        self.path = path
        with open(path, "wb") as file:
            file.truncate(TAIL_AT + TAIL.size)
        with open(path, "r+b") as file:
            self.memory = mmap.mmap(file.fileno(), 0)
        self.reset()

    def reset(self):
        """Before a start: its processes are numbered from 0 again."""
        HEAD.pack_into(self.memory, 0, KINDS, 0, 0, 0, EVERYONE, 0)

    def within(self):
        """A command that becomes the command after it, with the library in it."""
        return ["env", "LD_PRELOAD=" + library(), "ISIF_FAULT=" + self.path]

    def number(self, pid):
        """The number of a process; a program that became another one has one more."""
        pids = PIDS.unpack_from(self.memory, HEAD.size)
        return max(number for number, there in enumerate(pids) if there == pid)

    def arm(self, process, kind, first, error, for_good):
        """Has the call with this number fail, counted from now, or all from it on."""
        self.disarm()
        COUNTS.pack_into(self.memory, COUNTS_AT, *[0] * KINDS)
        TAIL.pack_into(self.memory, TAIL_AT, 0, b"")
        struct.pack_into("=iQQI", self.memory, 4, error, first, FOR_EVER if for_good else first,
                         process)
        struct.pack_into("=I", self.memory, 0, kind)

    def disarm(self):
        """Nothing fails any more; the function that failed last, None if none has failed."""
        struct.pack_into("=I", self.memory, 0, KINDS)
        failed, name = TAIL.unpack_from(self.memory, TAIL_AT)
        return name.split(b"\0")[0].decode() if failed else None

    def counts(self):
        """So many calls of each kind since it was armed."""
        return COUNTS.unpack_from(self.memory, COUNTS_AT)


class Faulty:
    """The agent of a world, with the library in it. It may end by a fault, if it says why."""

    def __init__(self, world):
        self.world = world
        self.patience = world.checks.patience
        self.board = Board(world.path("faults"))
        self.agent = None
        self.heard = None  # the agent that had the present fault
        self.said = 0  # and the length of its log then
        self.wrong = []  # with the present fault
        world.start_master()
        self.start()
        self.first = self.board.number(self.agent.pid)

    def start(self, fault=None):
        """Starts it; back when it serves, or has ended, or when that takes too long."""
        self.board.reset()
        if not self.agent:
            sets.start(self.world, "jobHistory 4", within=self.board.within())
        else:
            self.arm(fault)
            self.world.start_agent("-c", self.world.path("conf"), within=self.board.within(),
                                   wait=False)
            wait_until(lambda: self.world.serves() or not self.world.agent.running(),
                       self.patience(2 if fault else 15))
            self.board.disarm()
        self.agent = self.heard = self.world.agent
        self.said = 0

    def arm(self, fault):
        self.heard, self.said, self.wrong = self.agent, len(self.agent.log()), []
        if fault:
            self.board.arm(self.first + fault.process, *fault[1:])

    def count(self, process):
        """Begins to count the calls of a process."""
        self.arm(Fault(process, KINDS, 0, 0, False))

    def lines(self):
        """What the log says since the fault began."""
        return self.heard.log()[self.said:].splitlines()

    def complaints(self):
        """What a sanitizer has against it, and what it was found guilty of."""
        return self.wrong + [line for line in self.lines()
                             if "runtime error:" in line or "Sanitizer" in line]

    def revive(self):
        """Starts it again, if it has ended. True if it had not."""
        if len(self.agent.family()) == 2:
            return True
        code = self.agent.wait(self.patience(10))
        if code != 1 or not self.lines():
            self.wrong.append("it ended with %s: %s" % (code, self.lines()[-2:]))
        self.agent.end()
        heard, said = self.heard, self.said
        self.start()
        self.heard, self.said = heard, said
        return False

    def wait(self, predicate, seconds):
        """The first true thing that it says of an agent that lives."""
        def asked():
            try:
                return self.revive() and predicate()
            except (NotServed, KeyError):  # or half of it, in a start
                return None
        return wait_until(asked, self.patience(seconds))

    def ask(self, wishes):
        """One SET; what it is answered, also where nobody does."""
        try:
            return sets.ask(self.world, *wishes)
        except NoAnswer:
            return "noAnswer", 0
        except NotServed:
            return "genErr", 0

    def succeed(self, wishes):
        """Without a fault it can be done; a master that was lost may be away for a moment."""
        answers = []

        def done():
            answers.append(self.ask(wishes))
            return answers[-1] == sets.DONE
        if not self.wait(done, 15):
            raise RuntimeError("without a fault %s: %s" % (answers[-1:], self.lines()[-2:]))

    def jobs_have_ended(self):
        return all(row["State"] > sets.RUNNING for row in sets.jobs(self.world).values())

    def settle(self):
        """Until it serves, no job is open, and nothing of it is in the database."""
        if not self.wait(lambda: self.world.serves() and self.jobs_have_ended(), 40):
            raise RuntimeError("it does not settle: %s" % self.lines()[-2:])
        self.strays()

    def strays(self):
        """Files of the agent that stay; while something is repaired there are some."""
        self.wait(lambda: not sets.strays(self.world), 5)
        return sets.strays(self.world)
