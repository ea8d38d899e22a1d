# SPDX-License-Identifier: GPL-2.0-or-later
"""SETs on a disk that is full, and on one that is read-only: refused as commitFailed, and nothing
has changed. The database is a small file system of its own, which only the agent sees."""

import os
import subprocess

import network
import sets
from harness import World
from records import Records

SIZE = 512 * 1024
PAGE = os.sysconf("SC_PAGE_SIZE")
TARGET = "iqn.2026-01.org.example:disk"
# The agent in a mount namespace in which its database is such a file system.
SCRIPT = """
set -e
mkdir "$1.copy"
cp -a "$1/." "$1.copy"
mount -t tmpfs -o size=%d none "$1"
cp -a "$1.copy/." "$1"
shift
exec "$@"
""" % SIZE


def seen(world):
    """The database as the agent sees it."""
    return "/proc/%d/root%s" % (world.agent.pid, world.records.root)


def fill(root, left=0):
    """Fills the disk up, but for some pages."""
    filler = os.path.join(root, "filler")
    if os.path.exists(filler):
        os.unlink(filler)
    space = os.statvfs(root)
    with open(filler, "wb") as file:
        for _ in range(space.f_bavail * space.f_bsize // PAGE - left):
            file.write(b"\0" * PAGE)


def remount(world, how):
    subprocess.run(["nsenter", "-t", str(world.agent.pid), "-m", "mount", "-o", "remount," + how,
                    world.records.root], check=True, stdin=subprocess.DEVNULL)


def requests(world):
    """SETs of one file and of many, by what they are."""
    index = sorted(world.table("BindingTable"))[0][0]
    return {
        "one setting": sets.iface("a", Initiator="iqn.2026-01.org.example:other"),
        "a new iface": sets.iface("new", NetIfaceName="lo", RowStatus=sets.CREATE),
        "a move and a setting": sets.binding(index, IfaceName="b")
        + sets.iface("b", Initiator="iqn.2026-01.org.example:other"),
        "a new binding": sets.new_binding(9, "b", TARGET, "10.9.0.9"),
        "a binding that goes": sets.binding(index, RowStatus=sets.DESTROY),
    }


def none_succeeds(checks, world, text, without=()):
    root = seen(world)
    faults = []
    for what, wishes in requests(world).items():
        if what in without:
            continue
        before = sets.tree(root)
        answer = sets.ask(world, *wishes)
        changed = sets.compare(sets.tree(root), before)
        if answer[0] != "commitFailed" or changed:
            faults.append("%s: %s, %s" % (what, answer, changed))
    checks.empty(faults, "%s: commitFailed, and everything is as it was" % text)


def possible(checks):
    needed = [checks.tool(tool, "SETs on a full disk") for tool in ("unshare", "nsenter", "mount")]
    return all(needed) and checks.need(network.private(), "SETs on a full disk",
                                       "a namespace of its own")


def start(world):
    for name in ("a", "b"):
        world.records.iface(name)
    sets.bind(world.records, TARGET, "10.9.0.1", 1, "a")
    sets.start(world, within=["unshare", "-m", "bash", "-c", SCRIPT, "disk", world.records.root])


def test_disk(checks):
    if not possible(checks):
        return
    with World(checks, "disk") as world:
        start(world)
        fill(seen(world))
        # What needs no room can be done: that is how to get some.
        none_succeeds(checks, world, "a disk that is full", ["a binding that goes"])
        os.unlink(os.path.join(seen(world), "filler"))
        remount(world, "ro")
        none_succeeds(checks, world, "a disk that is read-only")
        remount(world, "rw")
        sets.done(checks, world, "when the disk can be written again, so can the records",
                  *requests(world)["a move and a setting"])


def test_some_room(checks):
    """The disk is full at one point of a SET after the other, until there is room for all of it."""
    if not possible(checks):
        return
    with World(checks, "some room") as world:
        start(world)
        root = seen(world)
        asked = requests(world)
        wishes = asked["a move and a setting"] + asked["a new iface"] + asked["a new binding"]
        for number in range(6):
            wishes += sets.iface("new%d" % number, RowStatus=sets.CREATE)
        left, answer, faults = 0, None, []
        while answer != sets.DONE and left < 40:
            fill(root, left)
            before = sets.tree(root)
            answer = sets.ask(world, *wishes)
            changed = sets.compare(sets.tree(root), before)
            if answer != sets.DONE and (answer[0] != "commitFailed" or changed):
                faults.append("%d pages left: %s, %s" % (left, answer, changed))
            left += 1
        checks.empty(faults, "with room for up to %d pages: commitFailed, and everything is as it "
                     "was" % (left - 2))
        checks.check(left > 4 and answer == sets.DONE, "with room for one more the SET succeeds",
                     "%d: %s" % (left, answer))
        os.unlink(os.path.join(root, "filler"))
        sets.settle(world)
        checks.equal((len(Records.at(root).ifaces()), len(Records.at(root).nodes())), (9, 2),
                     "and all is there")
