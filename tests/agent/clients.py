# SPDX-License-Identifier: GPL-2.0-or-later
"""net-snmp's own clients, their numeric output read into Python values."""

import os
import re
import subprocess

from checks import find_tool
from snmp import VarBind, dotted

# Numeric names, octets in hexadecimal, enumerations and time ticks as numbers.
OUTPUT = ["-On", "-Ox", "-Ot", "-Oe"]
EXCEPTIONS = (("No Such Object", "noSuchObject"), ("No Such Instance", "noSuchInstance"),
              ("No more variables left", "endOfMibView"))
TYPES = {"Hex-STRING": "STRING", "Unsigned32": "Gauge32"}


def _varbind(line):
    name, _, text = line.partition(" = ")
    oid = tuple(int(n) for n in name.strip(". ").split("."))
    for words, kind in EXCEPTIONS:
        if text.startswith(words):
            return VarBind(oid, kind, None)
    if text == '""':
        return VarBind(oid, "STRING", b"")
    if re.fullmatch(r"\d+", text):
        return VarBind(oid, "Timeticks", int(text))
    kind, _, text = text.partition(": ")
    kind = TYPES.get(kind, kind)
    if kind == "STRING":
        return VarBind(oid, kind, bytes.fromhex(text.strip('"')))
    if kind == "OID":
        return VarBind(oid, kind, tuple(int(n) for n in text.strip(". ").split(".")))
    return VarBind(oid, kind, int(text))


def parse(text):
    """Lines of `-On -Ox -Ot -Oe` output; octets may go on over several lines."""
    lines = []
    for line in text.splitlines():
        if re.match(r"\.\d[.\d]* = ", line):
            lines.append(line.strip())
        elif lines and line.strip():
            lines[-1] += " " + line.strip()
    return [_varbind(line) for line in lines]


class Clients:
    """Runs the clients against one agent; the last run's exit code and errors are kept."""

    def __init__(self, port, environment, timeout=5):
        self.port = port
        self.environment = environment
        self.timeout = timeout
        self.code = 0
        self.errors = ""

    def run(self, command, *arguments, community="public", environment=None):
        argv = [find_tool(command) or command, "-v2c", "-c", community, "-t", str(self.timeout),
                "-r", "0"]
        argv += list(arguments)
        done = subprocess.run(argv, env=dict(self.environment, **(environment or {})),
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=600)
        self.code = done.returncode
        self.errors = done.stderr.decode("utf-8", "replace")
        return done.stdout.decode("utf-8", "replace")

    def _many(self, command, oids, most):
        oids, rows = list(oids), []
        for at in range(0, len(oids), most):
            text = self.run(command, *OUTPUT, "127.0.0.1:%d" % self.port,
                            *[dotted(o) for o in oids[at:at + most]])
            rows += parse(text)
        return rows

    def get(self, oids, most=40):
        return self._many("snmpget", oids, most)

    def getnext(self, oids, most=40):
        return self._many("snmpgetnext", oids, most)

    def walk(self, root, command="snmpwalk"):
        # -Cc: a walk that goes backwards shall be seen by us, and not be cut off by the client.
        text = self.run(command, *OUTPUT, "-Cc", "127.0.0.1:%d" % self.port, dotted(root))
        return [v for v in parse(text) if v.oid[:len(root)] == tuple(root)
                and not v.type.startswith(("noSuch", "endOf"))]

    def bulkwalk(self, root):
        return self.walk(root, "snmpbulkwalk")

    def table(self, oid, mib_directory, module):
        """snmptable's rows: the index text, then one text for each column it found."""
        text = self.run("snmptable", "-OetU", "-Ci", "-Cf", "\x1f", "-m", module,
                        "-M", mib_directory, "127.0.0.1:%d" % self.port, dotted(oid),
                        environment={"MIBS": module})
        lines = [line for line in text.splitlines() if line]
        heads = [n for n, line in enumerate(lines) if line.startswith("index\x1f")]
        if not heads:
            return [], []
        head = heads[0]
        names = lines[head].split("\x1f")
        return names, [line.split("\x1f") for line in lines[head + 1:]]

    def set(self, oid, kind, value, community="private"):
        """snmpset; the word after `Reason:`, or noError."""
        self.run("snmpset", *OUTPUT, "127.0.0.1:%d" % self.port, dotted(oid), kind, str(value),
                 community=community)
        reason = re.search(r"Reason: (\w+)", self.errors)
        return reason.group(1) if reason else "noError" if not self.code else self.errors.strip()


def environment(directory):
    """What net-snmp's programs see: no configuration, state or MIB of this machine."""
    return {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C", "TZ": "UTC0",
            "HOME": directory, "MIBS": "", "SNMPCONFPATH": directory,
            "SNMP_PERSISTENT_DIR": os.path.join(directory, "snmp-state")}
