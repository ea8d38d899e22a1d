# SPDX-License-Identifier: GPL-2.0-or-later
"""What a program and its children have in memory."""

import glob


def _children(pid):
    for path in glob.glob("/proc/%d/task/*/children" % pid):
        with open(path, encoding="ascii") as file:
            for child in file.read().split():
                yield int(child)
                yield from _children(int(child))


def pss(pid):
    """Kilobytes of the program and its children: their proportional set size. What lies in files
    is left out: who else maps these decides on its share of them, and it cannot grow."""
    total = 0
    for one in [pid, *_children(pid)]:
        try:
            with open("/proc/%d/smaps_rollup" % one, encoding="ascii") as file:
                sizes = {line.split()[0]: int(line.split()[1]) for line in file
                         if line.startswith("Pss")}
        except (FileNotFoundError, ProcessLookupError):
            continue  # a child that has just ended
        total += sizes["Pss:"] - sizes.get("Pss_File:", 0)
    return total


def measurable(world):
    """A sanitizer and valgrind keep what was freed."""
    if world.checks.valgrind:
        return False
    with open("/proc/%d/maps" % world.agent.pid, encoding="ascii", errors="replace") as file:
        return "libasan" not in file.read()


class Flat:
    """Checks that a program's memory stays what it is once it has met everything that comes."""

    LIMIT = 1024  # kilobytes

    def __init__(self, world, steps):
        self.world = world
        self.warm = steps // 10
        self.step = 0
        self.sizes = []
        self.on = measurable(world)

    def look(self, steps):
        """After so many more steps, with nothing under way."""
        self.step += steps
        if self.on and self.step >= self.warm:
            self.sizes.append(pss(self.world.agent.pid))

    def check(self, checks, text):
        if self.sizes:
            least, most = min(self.sizes), max(self.sizes)
            checks.check(most - least <= self.LIMIT, "%s: memory stays within 1 MB, at %d to %d kB"
                         % (text, least, most), lambda: "at first %d kB, at last %d kB" % (
                             self.sizes[0], self.sizes[-1]))
