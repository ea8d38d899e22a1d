# SPDX-License-Identifier: GPL-2.0-or-later
"""Every odd file that is known to lie about in an open-iscsi database.

The good ones are always shown. The bad ones are counted, each is named in the log once, and none
of them hides another record. What is neither clearly good nor clearly bad may be taken either
way, as long as it stays one or the other.
"""

import os
import signal
import socket

import mib
from expect import portal_text
from harness import World, wait_until
from records import BEGIN, END, iface_lines, iface_text, node_text

TARGET = "iqn.2026-01.org.example:odd"


def body(name, **settings):
    return iface_lines(name, settings)


# {file: (text, {setting: value}, name of the row)}: each of these must have its row.
def good_ifaces():
    long_comment = "#" + "x" * 3000 + "\n"
    plain = {
        "crlf": iface_text("crlf", net_ifacename="eth1").replace("\n", "\r\n"),
        "no-newline": iface_text("no-newline", net_ifacename="eth1").rstrip("\n"),
        "old-header": iface_text("old-header", net_ifacename="eth1").replace("2.1.8", "2.0-871"),
        "twice": BEGIN + body("twice", net_ifacename="eth0") + "iface.net_ifacename = eth1\n" + END,
        "unknown-key": BEGIN + body("unknown-key", net_ifacename="eth1")
                       + "iface.flux_capacitor = on\n" + END,
        "no-value": BEGIN + body("no-value", net_ifacename="eth1") + "iface.hwaddress =\n" + END,
        "comment": BEGIN + long_comment + body("comment", net_ifacename="eth1") + END,
        "comments": BEGIN + "# one\n\n#two = three\n" + body("comments", net_ifacename="eth1")
                    + "\n" + END,
        "big-mtu": iface_text("big-mtu", net_ifacename="eth1", mtu="99999"),
        "huge-mtu": iface_text("huge-mtu", net_ifacename="eth1", mtu="9" * 60),
        "no-number": iface_text("no-number", net_ifacename="eth1", mtu="abc", vlan_id="-1"),
        "nonsense": iface_text("nonsense", net_ifacename="eth1", transport_name="nonsense"),
        "state": iface_text("state", net_ifacename="eth1", state="whatever"),
        "long-value": iface_text("long-value", net_ifacename="eth1", initiatorname="i" * 223),
        "a blank": iface_text("a blank", net_ifacename="eth1"),
        "a,comma": iface_text("a,comma", net_ifacename="eth1"),
        "n" * 64: iface_text("n" * 64, net_ifacename="eth1"),
        "fe80": iface_text("fe80", net_ifacename="eth1", ipaddress="fe80::1"),
        "my.ipv6.0": iface_text("my.ipv6.0", net_ifacename="eth1", ipaddress="10.1.1.1"),
        "stored-empty": iface_text("stored-empty", net_ifacename="eth1", hwaddress="<empty>"),
    }
    expected = {
        "unknown-key": {"flux_capacitor": "on"}, "big-mtu": {"mtu": "99999"},
        "huge-mtu": {"mtu": "9" * 60}, "no-number": {"mtu": "abc", "vlan_id": "-1"},
        "nonsense": {"transport_name": "nonsense"}, "state": {"state": "whatever"},
        "no-value": {"hwaddress": ""}, "long-value": {"initiatorname": "i" * 223},
        "fe80": {"ipaddress": "fe80::1"}, "my.ipv6.0": {"ipaddress": "10.1.1.1"},
        "stored-empty": {"hwaddress": "<empty>"}}
    files = {name: (text, dict({"net_ifacename": "eth1"}, **expected.get(name, {})), name)
             for name, text in plain.items()}
    # open-iscsi goes by the name inside, and takes whatever lies in ifaces/ for a record.
    for file, inside in (("file-name", "inside-name"), (".left.tmp", "left-tmp"),
                         ("backup~", "backup-old")):
        files[file] = (iface_text(inside, net_ifacename="eth1"), {"net_ifacename": "eth1"}, inside)
    return files


# Each of these is no record: counted, and named in the log.
BAD_IFACES = {"bad-empty": "", "bad-half": BEGIN + body("bad-half", net_ifacename="eth1"),
              "bad-cut": (BEGIN + body("bad-cut", net_ifacename="eth1"))[:60],
              "bad-binary": bytes(range(256)) * 8, "bad-big": b"\xff" * 3_000_000}
# Each of these may be shown or counted, but may never hide or harm another.
EITHER_IFACES = {
    "maybe-no-blank": BEGIN + "iface.iscsi_ifacename=maybe-no-blank\n"
                      "iface.transport_name = tcp\n" + END,
    "maybe-no-transport": BEGIN + "iface.iscsi_ifacename = maybe-no-transport\n" + END,
    "maybe-long-key": BEGIN + body("maybe-long-key") + "iface.%s = x\n" % ("k" * 500) + END,
    "maybe-long-line": BEGIN + body("maybe-long-line") + "iface.initiatorname = %s\n"
                       % ("v" * 70000) + END,
    "maybe-nul": (BEGIN + body("maybe-nul", net_ifacename="et\0h1") + END),
    "maybe-no-name": BEGIN + "iface.transport_name = tcp\n" + END,
    "maybe-long-name": iface_text("m" * 65), "maybe-empty-record": BEGIN + END}


def fill_ifaces(world):
    records = world.records
    for name, (text, _, _) in good_ifaces().items():
        records.put(records.iface_path(name), text)
    for name, text in list(BAD_IFACES.items()) + list(EITHER_IFACES.items()):
        records.put(records.iface_path(name), text)
    records.iface("really", net_ifacename="eth1")
    # A backup of a record under its own name inside hides nothing of the record.
    records.put(records.iface_path("really~"), iface_text("really", net_ifacename="stale0"))
    records.put(records.iface_path("iface.example"), "# only comments\n#iface.mtu = 0\n")
    os.symlink("/nonexistent/iface", records.iface_path("bad-dangling"))
    os.symlink("bad-loop", records.iface_path("bad-loop"))
    os.mkdir(records.iface_path("maybe-directory"))
    os.mkfifo(records.iface_path("maybe-fifo"))
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(records.iface_path("maybe-socket"))


def test_odd_ifaces(checks):
    with World(checks, "odd ifaces") as world:
        fill_ifaces(world)
        world.start_master()
        world.start_agent()
        view = world.view()
        shown = view.ifaces()
        checks.check("really" in shown and {"default", "iser"} <= set(shown),
                     "a plain record and the built-in ones are shown among odd ones", sorted(shown))
        checks.equal(shown.get("really", {}).get("NetIfaceName"), b"eth1",
                     "a backup file with the same name inside does not take its record's place")
        checks.check(world.wait_log(["really~"], 1), "and the log names the backup file",
                     lambda: [line for line in world.agent.log().splitlines() if "really" in line])
        for _, (_, settings, row) in sorted(good_ifaces().items()):
            got = view.settings(row)
            wrong = {key: (got.get(key), value) for key, value in settings.items()
                     if got.get(key) != value.encode()}
            checks.check(row in shown and not wrong,
                         "iface record %.20s is shown, with its settings" % row, wrong or "no row")
        checks.check("iface.example" not in shown, "iface.example is no record")
        checks.check(not set(BAD_IFACES) & set(shown), "what is no record has no row",
                     set(BAD_IFACES) & set(shown))
        odd_inputs(checks, world, view)
        bad = sorted(BAD_IFACES) + ["bad-dangling", "bad-loop"]
        counted(checks, world, "iface", bad, len(EITHER_IFACES) + 3)
        recovery(checks, world)


def odd_inputs(checks, world, view):
    """Columns that odd settings show in."""
    rows = view.ifaces()
    want = {"fe80": (2, bytes.fromhex("fe80" + "00" * 13 + "01")),
            "my.ipv6.0": (1, bytes((10, 1, 1, 1)))}
    for name, (kind, address) in want.items():
        row = rows.get(name, {})
        checks.equal((row.get("IpAddressType"), row.get("IpAddress")), (kind, address),
                     "the address of %s is shown by what it is, not by the record's name" % name)
    checks.equal(rows.get("nonsense", {}).get("Kind"), 3,
                 "an unknown transport is taken for an offload")
    loaded = view.tables["TransportTable"].get(mib.text_index("nonsense"), {})
    checks.equal(loaded.get("TransportLoaded"), 2, "and has a transport row, not loaded")
    oids = [v.oid for v in world.clients.walk(world.mib.root)]
    checks.check(oids and all(a < b for a, b in zip(oids, oids[1:])),
                 "the walk strictly increases over all of this", "%d instances" % len(oids))


def counted(checks, world, kind, bad, arguable):
    """Between the clearly bad and those that may be; each clearly bad one named, but once."""
    # A half-written one is given some time to be completed before it is called bad.
    wait_until(lambda: all(name in world.agent.log() for name in bad), checks.patience(2))
    count = world.wait_value(lambda n: n >= len(bad), 1, "BadRecordCount")
    checks.check(len(bad) <= count <= len(bad) + arguable,
                 "bad %s records are counted" % kind,
                 "%s, want %d to %d" % (count, len(bad), len(bad) + arguable))
    for name in bad:
        lines = [line for line in world.agent.log().splitlines() if name in line]
        checks.check(len(lines) == 1, "the log names %s, once" % name,
                     "%d lines%s" % (len(lines), ": " + lines[0] if lines else ""))
    # The same causes again are no news.
    world.agent.send(signal.SIGUSR1)
    world.wait_value(lambda n: n > 0, 2, "Resyncs")
    world.records.iface("news")
    world.wait_value(b"news", 1, "DisplayName", *mib.text_index("news"))
    said = [line for line in world.agent.log().splitlines() if "ifaces/" in line
            or "nodes/" in line]
    checks.empty((line for line in set(said) if said.count(line) > 1),
                 "after a resync the log says nothing of bad %s records again" % kind)


def recovery(checks, world):
    """A half-written record that is completed is a record; a bad file that goes is forgotten."""
    records = world.records
    before = world.value("BadRecordCount")
    records.rewrite(records.iface_path("bad-half"), iface_text("bad-half", net_ifacename="eth2"))
    index = mib.text_index("bad-half")
    got = world.wait_value(b"eth2", 1, "NetIfaceName", *index)
    checks.equal(got, b"eth2", "a half-written iface record is shown once it is complete")
    checks.equal(world.wait_value(before - 1, 1, "BadRecordCount"), before - 1,
                 "and counts as bad no longer")
    for name in os.listdir(os.path.join(records.root, "ifaces")):
        if name.startswith(("bad-", "maybe-", "really~")) and name != "bad-half":
            path = records.iface_path(name)
            os.rmdir(path) if os.path.isdir(path) else os.unlink(path)
    checks.equal(world.wait_value(0, 1, "BadRecordCount"), 0,
                 "when the bad files are gone, none is counted")


# -- node records

def good_nodes():
    """{(iface, target, address, port, tpgt as shown): (path below nodes/TARGET, text)}"""
    rows = {}

    def add(iface, address, port, tpgt, change=lambda text: text, target=TARGET, folder=None):
        text = change(node_text(target, address, port, tpgt, iface, "automatic"))
        path = "%s/%s,%s,%s/%s" % (folder or target, address, port, tpgt, iface)
        rows[iface, target, address, port, tpgt] = (path, text)
    add("plain", "10.0.0.1", 3260, 1)
    add("plain", "fd00::1", 3260, 1)
    add("plain", "fe80::1:2", 3261, 65535)
    add("plain", "portal.example.org", 3260, 0)
    add("default", "10.0.0.1", 3260, 1)
    add("crlf", "10.0.0.1", 3260, 1, lambda text: text.replace("\n", "\r\n"))
    add("old-header", "10.0.0.1", 3260, 1, lambda text: text.replace("2.1.8", "2.0-871"))
    add("no-newline", "10.0.0.1", 3260, 1, lambda text: text.rstrip("\n"))
    add("twice", "10.0.0.1", 3260, 1, lambda text: text.replace(
        "node.startup = automatic\n", "node.startup = manual\nnode.startup = automatic\n"))
    add("unknown", "10.0.0.1", 3260, 1, lambda text: text.replace(
        END, "node.session.sess_reopen_log_freq = 0\nnode.conn[0].tcp.congestion_control = bbr\n"
        + END))
    add("comment", "10.0.0.1", 3260, 1, lambda text: text.replace(BEGIN, BEGIN + "#" + "x" * 3000
                                                                 + "\n"))
    add("a blank", "10.0.0.1", 3260, 1)
    add("plain", "10.0.0.1", 3260, 1, target="iqn.2026-01.org.example:" + "t" * 199)
    # Old layout: the portal is the record; it has no portal group.
    single = node_text(TARGET, "10.0.0.9", 3260, -1, "plain", "automatic")
    rows["plain", TARGET, "10.0.0.9", 3260, -1] = (TARGET + "/10.0.0.9,3260", single)
    single6 = node_text(TARGET, "fd00::9", 3260, 1, "plain", "automatic").replace(
        "node.tpgt = 1\n", "")
    rows["plain", TARGET, "fd00::9", 3260, -1] = (TARGET + "/fd00::9,3260", single6)
    return rows


BAD_NODES = {"bad-empty": "", "bad-half": node_text(TARGET, "10.0.0.1", 3260, 1, "bad-half")[:-15],
             "bad-begun": node_text(TARGET, "10.0.0.1", 3260, 1, "bad-begun")[:40],
             "bad-binary": bytes(range(256)) * 8}


def test_odd_nodes(checks):
    with World(checks, "odd nodes") as world:
        records = world.records
        top = os.path.join(records.root, "nodes")
        for name in ("plain", "crlf"):
            records.iface(name)
        for path, text in good_nodes().values():
            records.put(os.path.join(top, path), text)
        portal = os.path.join(top, TARGET, "10.0.0.1,3260,1")
        for name, text in BAD_NODES.items():
            records.put(os.path.join(portal, name), text)
        os.symlink("/nonexistent/node", os.path.join(portal, "bad-dangling"))
        os.symlink("bad-loop", os.path.join(portal, "bad-loop"))
        # Strangers: folders and files where open-iscsi has none, and names it cannot make.
        records.put(os.path.join(top, "maybe-stray-file"), "stray\n")
        records.put(os.path.join(top, TARGET, "maybe-no-commas", "plain"),
                    node_text(TARGET, "x", 1, 1, "plain"))
        records.put(os.path.join(top, TARGET, "10.0.0.1,99999,1", "plain"),
                    node_text(TARGET, "10.0.0.1", 99999, 1, "plain"))
        records.put(os.path.join(top, TARGET, "10.0.0.1,3260,1", "maybe-dir", "deep"), "deep\n")
        os.mkfifo(os.path.join(portal, "maybe-fifo"))
        os.makedirs(os.path.join(top, "iqn.empty-target"))
        os.makedirs(os.path.join(top, TARGET, "10.0.0.7,3260,1"))
        world.start_master()
        world.start_agent()
        bound(checks, world, top, portal)


def bound(checks, world, top, portal):
    shown = world.view().bindings()
    for (iface, target, address, port, tpgt), (path, _) in sorted(good_nodes().items()):
        row = shown.get((iface, target, portal_text(address, port, tpgt)))
        good = row and (row["BindingTpgt"], row["BindingStartup"], row["BindingPortalPort"]) == (
            tpgt, 2, port)
        checks.check(good, "node record %.70s is shown" % path, row or "no row")
    checks.check(not [key for key in shown if key[0] in BAD_NODES], "a bad one has no row")
    bad = sorted(BAD_NODES) + ["bad-dangling", "bad-loop"]
    counted(checks, world, "node", bad, 6)
    before = world.value("BadRecordCount")
    records = world.records
    records.rewrite(os.path.join(portal, "bad-half"),
                    node_text(TARGET, "10.0.0.1", 3260, 1, "bad-half"))
    there = wait_until(lambda: ("bad-half", TARGET, "10.0.0.1:3260,1") in world.view().bindings(),
                       checks.patience(1))
    checks.check(there, "a half-written node record is shown once it is complete")
    checks.equal(world.wait_value(before - 1, 1, "BadRecordCount"), before - 1,
                 "and counts as bad no longer, either")


def test_odd_places(checks):
    """No folders at all, or files in the place of folders: the agent serves all the same."""
    with World(checks, "odd places") as world:
        root = world.records.root
        os.rmdir(os.path.join(root, "ifaces"))
        os.rmdir(os.path.join(root, "nodes"))
        with open(os.path.join(root, "nodes"), "w", encoding="ascii") as file:
            file.write("no folder\n")
        world.start_master()
        world.start_agent()
        checks.equal(sorted(world.view().ifaces()), ["default", "iser"],
                     "without ifaces/ the built-in ifaces are there")
        os.unlink(os.path.join(root, "nodes"))
        os.mkdir(os.path.join(root, "nodes"))
        os.mkdir(os.path.join(root, "ifaces"))
        world.records.iface("late")
        world.records.node(TARGET, "10.0.0.1", 3260, 1, "late")
        got = world.wait_value(b"late", 1, "DisplayName", *mib.text_index("late"))
        checks.equal(got, b"late", "an iface is seen when ifaces/ came into being")
        checks.equal(world.wait_value(1, 1, "BindingCount"), 1,
                     "a binding is seen when nodes/ came into being")
