# SPDX-License-Identifier: GPL-2.0-or-later
"""No secret of a node record gets out: not by SNMP, not by the log, not by debug output, and it
is not in the agent's memory either, so that no core image can have it."""

import os
import signal

from harness import World, wait_until
from records import BEGIN, END, iface_lines, node_text

TARGET = "iqn.2026-01.org.example:secret"
# Of each kind its own, so that a failure tells which one got out.
SECRETS = {kind: "Zq7" + kind + "Xw9" for kind in (
    "User", "Password", "UserIn", "PasswordIn", "Single", "Half", "Bad", "Long", "NoBlank",
    "Crlf", "Rewritten", "Iface", "Discovery", "Sysfs", "SysfsIn", "Duplicate", "Unknown")}


def auth(user, password, user_in, password_in):
    return ("node.session.auth.authmethod = CHAP\nnode.session.auth.chap_algs = MD5\n"
            "node.session.auth.username = %s\nnode.session.auth.password = %s\n"
            "node.session.auth.username_in = %s\nnode.session.auth.password_in = %s"
            % (user, password, user_in, password_in))


def secret_line(kind):
    return "node.session.auth.password = %s" % SECRETS[kind]


def fill(world):
    """Secrets wherever open-iscsi has them, in records good, odd and bad."""
    records, sysfs = world.records, world.sysfs
    records.iface("good")
    records.node(TARGET, "10.0.0.1", 3260, 1, "good", auth=auth(
        *[SECRETS[kind] for kind in ("User", "Password", "UserIn", "PasswordIn")]))

    def put(iface, kind, change=lambda text: text, line=None):
        text = node_text(TARGET, "10.0.0.1", 3260, 1, iface, auth=line or secret_line(kind))
        records.put(records.node_path(TARGET, "10.0.0.1", 3260, 1, iface), change(text))
    put("half", "Half", lambda text: text[:text.index(SECRETS["Half"]) + 40])
    put("bad", "Bad", lambda text: "\0\1\2" + text.replace(END, ""))
    put("long", "Long", line=secret_line("Long") + "p" * 4000)
    put("no-blank", "NoBlank", line=secret_line("NoBlank").replace(" = ", "="))
    put("crlf", "Crlf", lambda text: text.replace("\n", "\r\n"))
    put("twice", "Duplicate", line=secret_line("Duplicate") + "\n" + secret_line("Duplicate"))
    put("unknown", "Unknown", line="node.session.auth.new_password = " + SECRETS["Unknown"])
    records.put(os.path.join(records.root, "nodes", TARGET, "10.0.0.2,3260"),
                node_text(TARGET, "10.0.0.2", 3260, -1, "good", auth=secret_line("Single")))
    records.put(records.iface_path("careless"), BEGIN + iface_lines("careless", {})
                + "iface.chap_password = %s\n" % SECRETS["Iface"] + END)
    records.put(os.path.join(records.root, "send_targets", "10.0.0.1,3260", "st_config"),
                BEGIN + "discovery.sendtargets.auth.password = %s\n" % SECRETS["Discovery"] + END)
    sysfs.session(1, 1, TARGET, ("10.0.0.1", 3260), "good")
    sysfs.set_session(1, password=SECRETS["Sysfs"], password_in=SECRETS["SysfsIn"])


def found(data):
    return {kind for kind, secret in SECRETS.items() if secret.encode() in data}


def memory(pid):
    """Everything readable in a process's memory, a piece at a time; pieces overlap a little."""
    piece, overlap = 4 << 20, 256
    with open("/proc/%d/maps" % pid, encoding="utf-8", errors="replace") as file:
        maps = [line.split(None, 5) for line in file]
    with open("/proc/%d/mem" % pid, "rb", buffering=0) as file:
        for fields in maps:
            low, high = (int(n, 16) for n in fields[0].split("-"))
            # A sanitizer's shadow is a sparse terabyte without a copy of anything.
            if "r" not in fields[1] or high - low > 1 << 31 or "[v" in fields[-1]:
                continue
            for at in range(low, high, piece):
                try:
                    file.seek(max(low, at - overlap))
                    yield file.read(min(piece + overlap, high - max(low, at - overlap)))
                except OSError:
                    pass  # behind the end of a mapped file, or a guard page


def search(checks, world, when):
    """Looks through the memory of the agent; what is no secret must be found that way."""
    seen, control = set(), False
    for pid in world.agent.family():
        for data in memory(pid):
            seen |= found(data)
            control = control or TARGET.encode() in data
    checks.check(control, "the search through memory finds what is no secret, %s" % when)
    checks.check(not seen, "no secret is in the agent's memory, %s" % when, sorted(seen))


def silent(checks, world, how):
    """Nothing in a walk, nothing in the log."""
    rows = world.snmp.walk(world.mib.root)
    data = b"\n".join(v.value for v in rows if isinstance(v.value, bytes))
    oids = b"".join(bytes(n for n in v.oid if n < 256) for v in rows)
    checks.check(len(rows) > 100 and TARGET.encode() in data and not found(data) | found(oids),
                 "no secret is in a walk, %s" % how, sorted(found(data) | found(oids)))
    with open(world.agent.log_path, "rb") as file:
        log = file.read()
    checks.check(not found(log), "no secret is in the log, %s" % how, sorted(found(log)))
    return log


def test_secrets(checks):
    with World(checks, "secrets") as world:
        fill(world)
        world.start_master()
        world.start_agent()
        silent(checks, world, "at first")
        records = world.records
        index, = world.view().find("BindingTable", BindingIfaceName="crlf")
        path = records.node_path(TARGET, "10.0.0.1", 3260, 1, "crlf")
        records.rewrite(path, node_text(TARGET, "10.0.0.1", 3260, 1, "crlf", "automatic",
                                        auth=secret_line("Rewritten")))
        checks.equal(world.wait_value(2, 1, "BindingStartup", *index), 2,
                     "a record with a secret is read again")
        resyncs = world.value("Resyncs")
        world.agent.send(signal.SIGUSR1)
        world.wait_value(lambda now: now > resyncs, 2, "Resyncs")
        silent(checks, world, "after changes and a resync")
        if checks.need(os.geteuid() == 0, "the agent's memory holds no secret", "root"):
            search(checks, world, "after changes and a resync")
        left = b""
        for folder, _, names in os.walk(world.path("state")):
            for name in names:
                with open(os.path.join(folder, name), "rb") as file:
                    left += file.read()
        checks.check(not found(left), "no secret is in the state directory", sorted(found(left)))


def test_memory_after_start(checks):
    """The first read alone, with nothing done afterwards that might overwrite what it left."""
    if not checks.need(os.geteuid() == 0, "the agent's memory holds no secret at first", "root"):
        return
    with World(checks, "memory") as world:
        fill(world)
        world.start_agent(wait=False)
        # Without a master nobody can ask it; the bad records in its log tell that it has read.
        wait_until(lambda: "half" in world.agent.log(), checks.patience(5))
        search(checks, world, "right after the start")


def test_debug_output(checks):
    """-DALL tells everything but that."""
    with World(checks, "debug output") as world:
        fill(world)
        world.start_master()
        world.start_agent("-DALL")
        log = silent(checks, world, "with -DALL")
        checks.check(len(log) > 1000, "-DALL does write debug output", "%d octets" % len(log))
        if os.geteuid() == 0:
            search(checks, world, "with -DALL")
