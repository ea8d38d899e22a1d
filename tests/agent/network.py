# SPDX-License-Identifier: GPL-2.0-or-later
"""A network of the tests' own, in a network namespace: devices in every state an iface can meet.

    san0, san1    up, with an address each
    bare0         up, without an address
    pulled0       its cable is pulled
    twin0, twin1  up, with addresses, and one hardware address for both
"""

import json
import os
import socket
import subprocess
import sys
import time

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


class Far:
    """A host at the other end of a cable: far0 here, and there a network of its own, which goes
    with it. In it somebody listens at port 3260 and is silent; what he hears he counts."""

    HERE = ("10.77.9.1/24", "fd77:9::1/64")
    ADDRESS, ADDRESS6 = "10.77.9.2", "fd77:9::2"
    LISTENER = """
import socket
listener = socket.create_server(("::", 3260), family=socket.AF_INET6, dualstack_ipv6=True)
print("listening", flush=True)
while True:
    connection, peer = listener.accept()
    heard = 0
    while (octets := connection.recv(4096)):
        heard += len(octets)
    connection.close()
    print("%s said %d octets" % (peer[0].replace("::ffff:", ""), heard), flush=True)
"""

    def __enter__(self):
        # It holds the namespace until nobody holds its input any more.
        self.holder = subprocess.Popen(["unshare", "--net", "sh", "-c", "echo ready; exec cat"],
                                       stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.holder.stdout.readline()
        _ip("link", "add", "far0", "type", "veth", "peer", "name", "c-far0", "netns",
            str(self.holder.pid))
        self._there("ip", "link", "set", "lo", "up")
        _ip("link", "set", "far0", "addrgenmode", "none")
        for address in self.HERE:
            _ip("addr", "add", address, "dev", "far0", *(("nodad",) if ":" in address else ()))
        self._there("ip", "addr", "add", self.ADDRESS + "/24", "dev", "c-far0")
        self._there("ip", "addr", "add", self.ADDRESS6 + "/64", "dev", "c-far0", "nodad")
        _ip("link", "set", "far0", "up")
        self._there("ip", "link", "set", "c-far0", "up")
        self.listener = subprocess.Popen(self._inside(sys.executable, "-c", self.LISTENER),
                                         stdout=subprocess.PIPE, text=True)
        self.said()
        for address in (self.ADDRESS, self.ADDRESS6):
            self._meet(address)
        return self

    def _meet(self, address):
        """Back when the way there is open, for the kernel and for whoever asks it."""
        end = time.monotonic() + 60
        while devices()["far0"][2] is False or not self._connects(address):
            if time.monotonic() > end:
                raise RuntimeError("no way to " + address)
            time.sleep(0.02)
        self.said()

    @staticmethod
    def _connects(address):
        try:
            socket.create_connection((address, 3260), 5).close()
        except OSError:
            return False
        return True

    def __exit__(self, kind, error, trace):
        self.listener.kill()
        self.listener.wait()
        self.listener.stdout.close()
        subprocess.run(("ip", "link", "del", "far0"), stderr=subprocess.DEVNULL)
        self.holder.communicate()

    def _inside(self, *command):
        return ("nsenter", "--net=/proc/%d/ns/net" % self.holder.pid) + command

    def _there(self, *command):
        subprocess.run(self._inside(*command), check=True, capture_output=True)

    def said(self):
        """The next thing that the listener has to say."""
        return self.listener.stdout.readline().strip()

    @staticmethod
    def unplug():
        """The device itself goes, at both ends."""
        _ip("link", "del", "far0")


def devices():
    """{name: (index, hardware address, link is up, addresses)} as the kernel has them now."""
    found = {}
    for link in json.loads(_ip("-j", "addr", "show")):
        addresses = [a["local"] for a in link["addr_info"] if "local" in a]
        up = {"UP", "LOWER_UP"} <= set(link["flags"])
        found[link["ifname"]] = (link["ifindex"], link.get("address", ""), up, addresses)
    return found
