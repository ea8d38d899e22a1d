# SPDX-License-Identifier: GPL-2.0-or-later
"""SETs as the README shows them, with net-snmp's snmpset and names of the MIB."""

import os
import re
import subprocess

import mib
import sets
from checks import find_tool
from harness import SOURCE, World

# What the README's reader has, and its examples leave out: who asks, and where the module is.
SETTING = """
I=ISCSI-IFACE-MIB::iscsiIface
snmpset() { "$PROGRAM" -v2c -c private -t 20 -r 0 -M "$FOLDER" "$@"; }
"""


def examples():
    """Each snmpset command of the README, in its order."""
    with open(os.path.join(SOURCE, "README.md"), encoding="utf-8") as file:
        text = file.read()
    commands = re.findall(r"^    \$ (snmpset (?:.*\\\n)*.*)$", text, re.M)
    return [re.sub(r"\\\n\s*", "", command) for command in commands]


def test_readme(checks):
    with World(checks, "README") as world:
        world.records.iface("san0")
        sets.start(world, mode="full")  # there is no iscsiadm in this world: a login fails
        folder = mib.loadable(world.mib.path, world.path("mibs"))
        env = dict(world.env, PROGRAM=find_tool("snmpset"), FOLDER=folder, MIBS="")
        commands = examples()
        checks.check(len(commands) > 4, "the README has examples of snmpset", commands)
        seen = set()
        for command in commands:
            done = subprocess.run(
                ["sh", "-c", SETTING + command.replace("HOST", "127.0.0.1:%d" % world.port)],
                env=env, stdin=subprocess.DEVNULL, capture_output=True, timeout=120)
            said = done.stderr.decode("utf-8", "replace")
            checks.check(done.returncode == 0, "README: %s" % " ".join(command.split()[:5]), said)
            sets.settle(world)
            seen |= set(world.records.ifaces()) | set(world.records.nodes())
        portal = ("iqn.2026-11.org.example:disk1", "192.168.10.10", 3260, 1)
        checks.equal(seen, {"san0", "san1", ("san1",) + portal, ("san0",) + portal},
                     "they make an iface, bind it and move the binding")
        checks.equal((set(world.records.ifaces()), world.records.nodes()), ({"san0"}, {}),
                     "and remove it all again")
