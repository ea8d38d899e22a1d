# SPDX-License-Identifier: GPL-2.0-or-later
"""SETs whose end does not come: the master dies or gives up in the middle. AgentX can lose an
answer, but the database is whole, and open-iscsi's lock is free soon after."""

import random
import signal
import threading
import time

import mib
import sets
from harness import World, wait_until
from sets import DONE, ask, iface
from test_set_kill import SEED, Writer, lay, on_disk


def tidy(world):
    """Waits until nothing of a SET is left on disk; what is there at the end."""
    wait_until(lambda: not sets.strays(world), world.checks.patience(30))
    return sets.strays(world)


def test_master_killed(checks):
    """SIGKILL for the master while SETs come in: the agent ends what it has begun by itself."""
    rounds = 20 if checks.full and not checks.valgrind else 3
    chance = random.Random(SEED)
    with World(checks, "master killed") as world:
        places = lay(world)
        faults, first, there = [], 0, 0
        for number in range(rounds):
            writer = Writer(world, places, first, there)
            writer.start()
            if not wait_until(lambda: writer.answered > first + 1 or not writer.is_alive(),
                              checks.patience(30)) or not writer.is_alive():
                faults.append("round %d: no SET succeeds (%s)" % (number, writer.odd))
            time.sleep(chance.random() / 50)  # any point of a SET may be the last
            world.stop_master(signal.SIGKILL)
            writer.stop()
            stray = tidy(world)
            faults += ["round %d: %s" % (number, stray)] if stray else []
            said = on_disk(world.records)
            if len(set(said)) != 1 or not writer.answered <= said[0] <= writer.sent:
                faults.append("round %d: %s after %d of %d (%s)" % (
                    number, said, writer.answered, writer.sent, writer.odd))
            world.start_master()
            if not world.wait_served(30):
                faults.append("round %d: not served any more" % number)
            first, there = writer.sent, said[0]
        checks.empty(faults, "the master %d times killed between SETs (seed %d): whole, tidy, and "
                     "what was answered stays" % (rounds, SEED))
        sets.settle(world)
        sets.done(checks, world, "SETs go on after that",
                  *iface("k5", Initiator="iqn.2026-01.org.example:5"))


def test_slow(checks):
    """The agent answers too late: the master says genErr, and nobody knows who wins."""
    with World(checks, "late answer") as world:
        world.records.iface("a")
        world.agentx_timeout = 1
        world.start_master()
        sets.start(world)
        before = sets.tree(world.records.root)
        world.agent.send_all(signal.SIGSTOP)
        said = []
        asking = threading.Thread(target=lambda: said.append(asked(world)), daemon=True)
        asking.start()
        asking.join(checks.patience(30))
        world.agent.send_all(signal.SIGCONT)
        checks.check(said and said[0] != DONE, "a SET of an agent that does not answer fails", said)
        checks.check(world.wait_served(30), "the agent serves again")
        checks.equal(tidy(world), [], "its lock is free again, and nothing is left on disk")
        value = world.value("HwAddress", *mib.text_index("a"))
        changed = sets.compare(sets.tree(world.records.root), before)
        checks.equal((value, changed), (b"", ""), "what was not committed did not happen")
        checks.check(wait_until(lambda: ask(world, *iface("a", HwAddress="02:00:00:00:00:02"))
                                == DONE, checks.patience(30)), "and the next SET succeeds")


def asked(world):
    try:
        world.writer.set(*[(world.oid(w.name, *w.index), w.kind, w.value)
                           for w in iface("a", HwAddress="02:00:00:00:00:01")])
        return DONE
    except sets.NotServed as error:
        return str(error)
