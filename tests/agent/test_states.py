# SPDX-License-Identifier: GPL-2.0-or-later
"""The life of a binding and of a network device, and what every level above them says."""

import signal
import subprocess

import mib
import network
from expect import NEVER, Date
from harness import World

TARGET = "iqn.2026-01.org.example:state"
LOGGED_OUT, LOGGED_IN, RECOVERING, LOST = 1, 3, 4, 5
OK, DEGRADED, CRITICAL, IDLE = 1, 2, 3, 4


class Host:
    """Two paths to one target, each over an iface of its own."""

    def __init__(self, world):
        self.world = world
        for number in range(2):
            world.records.iface("path%d" % number, net_ifacename="san%d" % number)
            world.records.node(TARGET, "10.9.%d.1" % number, 3260, 1, "path%d" % number)

    def session(self, number, state):
        """Sets, makes or removes (None) the session of a path, and has it read."""
        world, sid, host = self.world, number + 1, number + 11
        if state is None:
            world.sysfs.remove_session(sid, host)
        else:
            world.sysfs.session(sid, host, TARGET, ("10.9.%d.1" % number, 3260),
                                "path%d" % number, state=state, netdev="san%d" % number)
        world.agent.send(signal.SIGUSR1)

    def index(self, number):
        return self.world.view().find("BindingTable", BindingIfaceName="path%d" % number)[0]


def step(checks, world, host, text, wanted):
    """Waits for the first path's state; then everything else must go with it."""
    index = host.index(0)
    oper = world.wait_value(wanted["BindingOperStatus"], 1.5, "BindingOperStatus", *index)
    view = world.view()
    row = view.tables["BindingTable"][index]
    iface = view.ifaces()["path0"]
    target, = view.tables["TargetTable"].values()
    got = {}
    for name in wanted:
        for place in (view.scalars, row, iface, target):
            if name in place:
                got[name] = place[name]
                break
    got["BindingOperStatus"] = oper
    checks.equal(got, wanted, text)
    return row


def test_life_of_a_binding(checks):
    with World(checks, "states") as world:
        host = Host(world)
        world.start_master()
        world.start_agent()
        step(checks, world, host, "never up, not wanted: everything is idle", {
            "BindingOperStatus": LOGGED_OUT, "BindingAdminStatus": 2, "OperStatus": 1,
            "TargetOperStatus": 1, "HostStatus": IDLE, "BindingLosses": 0, "BindingUpSince": NEVER,
            "BindingSessionId": 0, "BindingPath": 1, "SinglePathCount": 0})
        host.session(0, "LOGGED_IN")
        row = step(checks, world, host, "logged in by hand: it is wanted, and up", {
            "BindingOperStatus": LOGGED_IN, "BindingAdminStatus": 1, "OperStatus": 2,
            "TargetOperStatus": 2, "HostStatus": OK, "BindingLosses": 0, "BindingUpCount": 1,
            "BindingSessionId": 1, "BindingsUp": 1, "TargetBindingsUp": 1, "SinglePathCount": 1})
        checks.check(Date()(row["BindingUpSince"]), "UpSince is a date", row["BindingUpSince"])
        host.session(1, "LOGGED_IN")
        checks.equal(world.wait_value(2, 1.5, "BindingUpCount"), 2, "the second path is up")
        changed = world.value("StateLastChange")
        world.pass_by(changed)
        host.session(0, "FAILED")
        row = step(checks, world, host, "FAILED: recovering, one loss, the host degraded", {
            "BindingOperStatus": RECOVERING, "BindingAdminStatus": 1, "OperStatus": 4,
            "TargetOperStatus": 3, "HostStatus": DEGRADED, "BindingLosses": 1,
            "BindingLostCount": 1, "TargetBindingsLost": 1, "SinglePathCount": 1,
            "BindingUpSince": NEVER, "BindingUpSeconds": 0, "BindingSessionId": 1})
        checks.check(Date()(row["BindingLastLoss"]), "LastLoss is a date", row["BindingLastLoss"])
        checks.check(world.value("StateLastChange") > changed, "StateLastChange moves on")
        host.session(0, "FREE")
        step(checks, world, host, "FREE: lost, and still the same loss", {
            "BindingOperStatus": LOST, "HostStatus": DEGRADED, "BindingLosses": 1,
            "BindingLostCount": 1})
        host.session(1, "FAILED")
        checks.equal(world.wait_value(CRITICAL, 1.5, "HostStatus"), CRITICAL,
                     "no path is up: critical")
        host.session(1, "LOGGED_IN")
        host.session(0, "LOGGED_IN")
        step(checks, world, host, "logged in again: all is well", {
            "BindingOperStatus": LOGGED_IN, "HostStatus": OK, "BindingLosses": 1,
            "BindingLostCount": 0, "TargetOperStatus": 2, "SinglePathCount": 0})
        host.session(0, None)
        step(checks, world, host, "gone without anyone having asked: lost, the second loss", {
            "BindingOperStatus": LOST, "BindingAdminStatus": 1, "BindingLosses": 2,
            "BindingSessionId": 0, "HostStatus": DEGRADED, "SessionCount": 1})
        world.stop_agent()
        world.start_agent()
        step(checks, world, host, "a restart of the agent forgets nothing of that", {
            "BindingOperStatus": LOST, "BindingAdminStatus": 1, "BindingLosses": 2})
        host.session(0, "LOGGED_IN")
        step(checks, world, host, "and it is logged in again", {
            "BindingOperStatus": LOGGED_IN, "BindingLosses": 2, "HostStatus": OK})
        world.stop_agent()
        world.sysfs.remove_session(1, 11)
        world.start_agent()
        step(checks, world, host, "a session that went while the agent was not running is lost", {
            "BindingOperStatus": LOST, "BindingAdminStatus": 1})


def test_unchanging_times(checks):
    """The same event always shows the same TimeStamp, and UpSeconds goes with the clock."""
    with World(checks, "times") as world:
        Host(world)
        world.start_master()
        world.start_agent()
        names = ("ConfigLastChange", "StateLastChange")
        first = [world.value(name) for name in names]
        differing = set()
        for _ in range(200):
            now = [world.value(name) for name in names]
            if now != first:
                differing.add(tuple(now))
        checks.check(not differing, "a TimeStamp does not change between two reads",
                     "%s, then %s" % (first, differing))


def test_devices(checks):
    """What happens to a network device is seen at once, without a signal."""
    if not checks.need(network.private(), "network devices change", "a network namespace"):
        return
    with World(checks, "devices") as world:
        world.records.iface("a", net_ifacename="san0")
        world.records.iface("by-mac", hwaddress=network.HARDWARE["san0"])
        world.start_master()
        world.start_agent()
        index = mib.text_index("a")

        def status(text, want, seconds=1.0):
            got = world.wait_value(want, seconds, "DeviceStatus", *index)
            checks.equal(got, want, text)

        def ip(*words):
            subprocess.run(("ip",) + words, check=True)
        number = network.devices()["san0"][0]
        status("a device with link and address is up", 2)
        checks.equal(world.value("IfIndex", *index), number, "its index is that of the device")
        try:
            ip("link", "set", "c-san0", "down")
            status("the cable is pulled: linkDown", 3)
            ip("link", "set", "c-san0", "up")
            status("it is plugged in again: up", 2)
            ip("link", "set", "san0", "down")
            status("switched off: linkDown", 3)
            ip("link", "set", "san0", "up")
            status("switched on: not what it was, its addresses went or it is up",
                   2 if network.devices()["san0"][3] else 5)
            ip("addr", "flush", "dev", "san0")
            status("without an address: noAddress", 5)
            ip("addr", "add", "10.77.0.1/24", "dev", "san0")
            status("with one: up", 2)
            ip("link", "set", "san0", "down")
            ip("link", "set", "san0", "name", "other0")
            status("renamed: missing", 4)
            checks.equal(world.value("IfIndex", *index), 0, "and its index is 0")
            got = world.wait_value(number, 1, "IfIndex", *mib.text_index("by-mac"))
            checks.equal(got, number, "an iface by hardware address follows it")
        finally:
            if "other0" in network.devices():
                ip("link", "set", "other0", "down")
                ip("link", "set", "other0", "name", "san0")
            ip("link", "set", "c-san0", "up")
            ip("link", "set", "san0", "up")
            for address in network.ADDRESSES["san0"]:
                nodad = ("nodad",) if ":" in address else ()
                subprocess.run(("ip", "addr", "replace", address, "dev", "san0") + nodad)
        status("named as before: up", 2)
