# SPDX-License-Identifier: GPL-2.0-or-later
"""Records that change while the agent runs are seen within a second, without a signal."""

import os
import shutil
import threading
import time

import mib
from harness import World, wait_until
from records import BEGIN, iface_text, node_text

TARGET = "iqn.2026-01.org.example:live"
SECOND = 1.0


def start(world):
    world.records.iface("first", net_ifacename="eth0")
    world.records.iface("second", net_ifacename="eth0")
    world.records.node(TARGET, "10.0.0.1", 3260, 1, "first")
    world.start_master()
    world.start_agent()


def seen(checks, world, text, want, name, *index):
    got = world.wait_value(want, SECOND, name, *index)
    return checks.check(want(got) if callable(want) else got == want, text,
                        "got %r within a second" % (got,))


def bindings(world):
    return set(world.view(world.mib.oid("iscsiIfaceBindingTable")).bindings())


def binding_seen(checks, world, text, key, there=True):
    checks.check(wait_until(lambda: (key in bindings(world)) == there, checks.patience(SECOND)),
                 text, lambda: sorted(bindings(world)))


def test_ifaces(checks):
    with World(checks, "live ifaces") as world:
        start(world)
        records = world.records
        first, second = mib.text_index("first"), mib.text_index("second")
        changed, still = world.value("ConfigLastChange"), world.value("LastChange", *second)
        world.pass_by(changed)
        records.iface("first", net_ifacename="eth1")
        seen(checks, world, "a record that was renamed into place", b"eth1", "NetIfaceName", *first)
        seen(checks, world, "and ConfigLastChange moves on", lambda now: now > changed,
             "ConfigLastChange")
        seen(checks, world, "as does the LastChange of that iface", lambda now: now > changed,
             "LastChange", *first)
        checks.equal(world.value("LastChange", *second), still, "but of no other")

        changed = world.value("ConfigLastChange")
        world.pass_by(changed)
        records.rewrite(records.iface_path("first"), iface_text("first", net_ifacename="eth2"))
        seen(checks, world, "a record that was truncated and written", b"eth2",
             "NetIfaceName", *first)
        seen(checks, world, "and ConfigLastChange moves on again", lambda now: now > changed,
             "ConfigLastChange")

        records.iface("third")
        seen(checks, world, "a new iface record", b"third", "DisplayName", *mib.text_index("third"))
        seen(checks, world, "and it is counted", 5, "Count")
        os.rename(records.iface_path("third"), records.iface_path("3rd"))
        # The name inside is what counts: it is the same iface still.
        time_passes(world)
        seen(checks, world, "a record whose file got another name", b"third", "DisplayName",
             *mib.text_index("third"))
        os.unlink(records.iface_path("3rd"))
        seen(checks, world, "an iface record that was deleted", None, "DisplayName",
             *mib.text_index("third"))
        shutil.rmtree(os.path.join(records.root, "ifaces"))
        seen(checks, world, "ifaces/ that was deleted", 2, "Count")
        os.mkdir(os.path.join(records.root, "ifaces"))
        records.iface("again")
        seen(checks, world, "and made anew, with a record", b"again", "DisplayName",
             *mib.text_index("again"))


def time_passes(world):
    """Until the agent has seen what was done so far: a marker record, then its end."""
    index = mib.text_index("marker")
    path = world.records.iface("marker")
    world.wait_value(b"marker", SECOND, "DisplayName", *index)
    os.unlink(path)
    world.wait_value(None, SECOND, "DisplayName", *index)


def test_nodes(checks):
    with World(checks, "live nodes") as world:
        start(world)
        records = world.records
        portal = "10.0.0.1:3260,1"
        changed = world.value("ConfigLastChange")
        world.pass_by(changed)
        records.node(TARGET, "10.0.0.1", 3260, 1, "second")
        binding_seen(checks, world, "a record in a known portal directory",
                     ("second", TARGET, portal))
        seen(checks, world, "ConfigLastChange moves on for a node record",
             lambda now: now > changed, "ConfigLastChange")
        records.node(TARGET, "fd00::2", 3260, 7, "first")
        binding_seen(checks, world, "a record in a new portal directory",
                     ("first", TARGET, "[fd00::2]:3260,7"))
        records.node(TARGET + "2", "10.0.0.2", 3260, 1, "first")
        binding_seen(checks, world, "a record in a new target directory",
                     ("first", TARGET + "2", "10.0.0.2:3260,1"))
        path = records.node_path(TARGET, "10.0.0.1", 3260, 1, "first")
        index, = world.view().find("BindingTable", BindingIfaceName="first", BindingPortal=portal,
                                   BindingTargetName=TARGET)
        records.rewrite(path, node_text(TARGET, "10.0.0.1", 3260, 1, "first", "automatic",
                                        {"net_ifacename": "eth0"}))
        seen(checks, world, "a node record that was truncated and written", 2,
             "BindingStartup", *index)
        records.iface("first", net_ifacename="eth5")
        seen(checks, world, "an iface record that its copy does not follow", 2,
             "BindingInSync", *index)
        seen(checks, world, "shows in the iface too", 2, "InSync", *mib.text_index("first"))
        records.node(TARGET, "10.0.0.1", 3260, 1, "first", "automatic")
        seen(checks, world, "a copy that follows its iface record", 1, "BindingInSync", *index)
        os.unlink(path)
        binding_seen(checks, world, "a node record that was deleted",
                     ("first", TARGET, portal), False)
        seen(checks, world, "has no row any more", None, "BindingStartup", *index)
        shutil.rmtree(os.path.join(records.root, "nodes", TARGET + "2"))
        binding_seen(checks, world, "a target directory that was deleted",
                     ("first", TARGET + "2", "10.0.0.2:3260,1"), False)
        # Moved into place as a whole: its files make no event of their own.
        away = world.path("away")
        os.rename(os.path.join(records.root, "nodes", TARGET), away)
        seen(checks, world, "a target directory that was moved away", 0, "BindingCount")
        os.rename(away, os.path.join(records.root, "nodes", TARGET))
        seen(checks, world, "and that was moved back, with all in it", 2, "BindingCount")


def test_half_written(checks):
    """iscsiadm truncates, then writes. Whoever asks meanwhile sees the old record or the new."""
    rounds = 100 if checks.full else 25
    values = [("eth%d" % n).encode() for n in range(2)]
    with World(checks, "half-written records") as world:
        start(world)
        path = world.records.iface_path("first")
        index = mib.text_index("first")
        ended = threading.Event()

        def write():
            for number in range(rounds):
                text = iface_text("first", net_ifacename="eth%d" % (number % 2))
                with open(path, "w", encoding="ascii") as file:
                    time.sleep(0.004)  # as long as a busy disk may take between two calls
                    file.write(text[:len(BEGIN) + 50])
                    file.flush()
                    time.sleep(0.004)
                    file.write(text[len(BEGIN) + 50:])
                time.sleep(0.02)
            ended.set()
        writer = threading.Thread(target=write)
        writer.start()
        got = set()
        asked = 0
        while not ended.is_set():
            got.add(world.value("NetIfaceName", *index))
            asked += 1
        writer.join()
        checks.check(asked > rounds and got <= set(values) and got,
                     "%d torn writes: every answer is the old or the new value" % rounds,
                     "%d answers: %s" % (asked, got))
        last = values[(rounds - 1) % 2]
        seen(checks, world, "and the last one is what stays", last, "NetIfaceName", *index)

        # One that stays half-written is not believed, however long it lies there.
        world.records.rewrite(path, BEGIN + "iface.iscsi_ifacename = first\n"
                                            "iface.net_ifacename = half0\n")
        end = time.monotonic() + 1.0
        got = set()
        while time.monotonic() < end:
            got.add(world.value("NetIfaceName", *index))
        checks.check(b"half0" not in got, "a record without its end line is never shown", got)
        bad = world.wait_value(1, 2, "BadRecordCount")
        checks.equal(bad, 1, "it is counted as bad in the end")
        world.records.rewrite(path, iface_text("first", net_ifacename="eth7"))
        seen(checks, world, "when its end line is there, it is a record again", b"eth7",
             "NetIfaceName", *index)
        seen(checks, world, "and none is bad", 0, "BadRecordCount")


def test_many_at_once(checks):
    """A burst of changes, as a discovery makes it: in the end all of it is seen."""
    with World(checks, "a burst") as world:
        start(world)
        for number in range(400):
            world.records.node("%s-%d" % (TARGET, number % 40), "10.1.%d.1" % number
                               if number < 256 else "10.2.%d.1" % (number - 256), 3260, 1, "first")
        got = world.wait_value(401, 2, "BindingCount")
        checks.equal(got, 401, "400 new records are all seen")
        for number in range(40):
            shutil.rmtree(os.path.join(world.records.root, "nodes", "%s-%d" % (TARGET, number)))
        got = world.wait_value(1, 2, "BindingCount")
        checks.equal(got, 1, "and all are gone when they are deleted")
