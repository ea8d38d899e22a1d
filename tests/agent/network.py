# SPDX-License-Identifier: GPL-2.0-or-later
"""A network of the tests' own, in a network namespace: devices in every state an iface can meet.

    san0, san1    up, with an address each
    bare0         up, without an address
    pulled0       its cable is pulled
    twin0, twin1  up, with addresses, and one hardware address for both
"""

import json
import os
import subprocess
import sys

MARK = "ISIF_AGENT_TESTS_NETWORK"
ADDRESSES = {"san0": ["10.77.0.1/24", "fd77::1/64"], "san1": ["10.77.1.1/24"],
             "pulled0": ["10.77.3.1/24"], "twin0": ["10.77.4.1/24"], "twin1": ["10.77.5.1/24"]}
HARDWARE = {"san0": "02:00:77:00:00:01", "san1": "02:00:77:00:00:02",
            "bare0": "02:00:77:00:00:03", "pulled0": "02:00:77:00:00:04",
            "twin0": "02:00:77:00:00:05", "twin1": "02:00:77:00:00:05"}


def enter(script, arguments):
    """Starts the tests again in namespaces of their own, if this user may have some."""
    if MARK in os.environ:
        return
    unshare = ["unshare", "--net", "--mount", "--propagation", "private"]
    try:
        possible = subprocess.run(unshare + ["true"], stderr=subprocess.DEVNULL).returncode == 0
    except FileNotFoundError:
        possible = False
    os.environ[MARK] = "private" if possible else "shared"
    if possible:
        os.execvp(unshare[0], unshare + [sys.executable, script] + arguments)


def private():
    return os.environ.get(MARK) == "private"


def _ip(*arguments):
    return subprocess.run(("ip",) + arguments, check=True, capture_output=True).stdout


def lay():
    """Makes the devices. Each is one end of a pair; the other end is its cable."""
    _ip("link", "set", "lo", "up")
    for name, mac in HARDWARE.items():
        cable = "c-" + name
        _ip("link", "add", name, "address", mac, "type", "veth", "peer", "name", cable)
        for end in (name, cable):  # no IPv6 address that nobody asked for
            _ip("link", "set", end, "addrgenmode", "none")
        for address in ADDRESSES.get(name, ()):
            _ip("addr", "add", address, "dev", name, *(("nodad",) if ":" in address else ()))
        _ip("link", "set", name, "up")
        if name != "pulled0":
            _ip("link", "set", cable, "up")


def devices():
    """{name: (index, hardware address, link is up, addresses)} as the kernel has them now."""
    found = {}
    for link in json.loads(_ip("-j", "addr", "show")):
        addresses = [a["local"] for a in link["addr_info"] if "local" in a]
        up = {"UP", "LOWER_UP"} <= set(link["flags"])
        found[link["ifname"]] = (link["ifindex"], link.get("address", ""), up, addresses)
    return found
