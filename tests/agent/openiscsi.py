# SPDX-License-Identifier: GPL-2.0-or-later
"""The real iscsiadm over a world's records, in a mount namespace of its own.

/etc/iscsi is the world's record directory there, its lock directory is the world's, and /sys may be
the world's. iscsiadm wants to ask iscsid where its configuration is: a listener of ours takes the
question and hangs up, so that it goes on with its defaults at once instead of trying to start a
daemon; or it answers with the file that a test names.
"""

import copy
import os
import socket
import struct
import subprocess
import threading

import network
from checks import find_tool

ADDRESS = "\0ISCSIADM_ABSTRACT_NAMESPACE"
REQUEST, RESPONSE = 16104, 2464  # octets, of open-iscsi 2.1.3 to 2.1.10
CONFIG_FILE = 10  # usr/mgmt_ipc.h, MGMT_IPC_CONFIG_FILE
SCRIPT = """
set -e
mount -t tmpfs none /run/lock
mkdir /run/lock/iscsi
mount --bind "$1" /etc/iscsi
mount --bind "$2" /run/lock/iscsi
if [ -n "$3" ]; then mount --bind "$3" /sys; fi
shift 3
exec "$@"
"""


def possible(checks, text):
    """Everything that this needs is there."""
    return (checks.tool("iscsiadm", text) and checks.tool("unshare", text)
            and checks.need(network.private(), text, "a namespace of its own")
            and checks.need(os.path.isdir("/etc/iscsi"), text, "/etc/iscsi"))


class OpenIscsi:
    def __init__(self, world, sysfs=None):
        self.world = world
        self.root = world.records.root
        self.sysfs = sysfs or ""
        self.configuration = None  # the iscsid.conf that the listener names
        self.code = 0
        self.errors = ""
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)

    def __enter__(self):
        self.listener.bind(ADDRESS)
        self.listener.listen(8)
        threading.Thread(target=self._hang_up, daemon=True).start()
        return self

    def __exit__(self, kind, error, trace):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def _hang_up(self):
        while True:
            try:
                caller = self.listener.accept()[0]
            except OSError:
                return  # closed: the test is over
            with caller:
                caller.settimeout(2)
                try:
                    request = b""
                    while len(request) < REQUEST:
                        got = caller.recv(REQUEST - len(request))
                        if not got:
                            break
                        request += got
                    if self.configuration and request[:4] == struct.pack("=i", CONFIG_FILE):
                        caller.sendall(struct.pack("=ii%ds" % (RESPONSE - 8), CONFIG_FILE, 0,
                                                   self.configuration.encode()))
                except OSError:
                    pass  # it did not wait for an answer

    def over(self, root):
        """The same over another database."""
        other = copy.copy(self)
        other.root = root
        return other

    def inside(self):
        """A command that becomes the command after it, where /etc/iscsi is the database."""
        return ["unshare", "--mount", "--propagation", "private", "sh", "-c", SCRIPT, "sh",
                self.root, self.world.path("lock"), self.sysfs]

    def argv(self, *arguments):
        return self.inside() + [find_tool("iscsiadm"), *arguments]

    def run(self, *arguments):
        """iscsiadm's output; its exit code and errors are kept."""
        done = subprocess.run(self.argv(*arguments), stdin=subprocess.DEVNULL, capture_output=True,
                              timeout=60, env={"PATH": os.environ["PATH"], "LC_ALL": "C"})
        self.code, self.errors = done.returncode, done.stderr.decode("utf-8", "replace")
        return done.stdout.decode("utf-8", "surrogateescape")

    # -- what it prints, taken apart

    @staticmethod
    def _set(text):
        return "" if text == "<empty>" else text

    def ifaces(self):
        """{name: (transport, hwaddress, ipaddress, net_ifacename, initiatorname)}"""
        found = {}
        for line in self.run("-m", "iface").splitlines():
            name, _, fields = line.rpartition(" ")
            found[name] = tuple(map(self._set, fields.split(",")))
        return found

    def settings(self, *arguments):
        """{key: value} of a record that iscsiadm prints."""
        found = {}
        for line in self.run(*arguments).splitlines():
            key, mark, value = line.partition(" = ")
            if mark and not line.startswith("#"):
                found[key] = self._set(value)
        return found

    def iface(self, name):
        return {key[6:]: value for key, value in self.settings(
            "-m", "iface", "-I", name).items() if key.startswith("iface.")}

    def nodes(self):
        """{(iface, target, address:port,tpgt)} from the tree of targets, portals and ifaces."""
        found, target, portal = set(), "", ""
        for line in self.run("-m", "node", "-P", "1").splitlines():
            word, _, text = line.strip().partition(": ")
            if word == "Target":
                target = text
            elif word == "Portal":
                portal = text
            elif word == "Iface Name":
                found.add((text, target, portal))
        return found

    def sessions(self):
        """{sid: {field: value}} from `-m session -P 1`."""
        found, target, fields = {}, "", {}
        for line in self.run("-m", "session", "-P", "1").splitlines():
            word, _, text = line.strip().partition(": ")
            if word == "Target":
                target, fields = text.split(" (")[0], {}
            elif word == "Current Portal":
                fields = {"Target": target, word: text}
            elif word == "SID":
                found[int(text)] = fields
                fields[word] = text
            elif text:
                fields[word] = self._set(text)
        return found
