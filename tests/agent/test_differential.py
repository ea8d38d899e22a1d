# SPDX-License-Identifier: GPL-2.0-or-later
"""Records that the real iscsiadm wrote: its output and our walk say the same, field by field."""

import os
import re

import openiscsi
from expect import SESSION_STATE, STARTUP, address
from harness import World, wait_until
from records import BEGIN, END, iface_lines, iface_text

TARGETS = ["iqn.2026-01.org.example:one", "iqn.2026-01.org.example:two", "eui.02004567A425678D"]
IFACES = {
    "plain": {},
    "by-name": {"net_ifacename": "san0"},
    "by-mac": {"hwaddress": "02:00:77:00:00:04"},
    "named": {"net_ifacename": "san1", "initiatorname": "iqn.2026-01.org.example:other"},
    "172.18.0.44:3260:iscsi-pv1": {"net_ifacename": "san0", "mtu": "9000"},
    "a.b-c_d": {"net_ifacename": "vlan.100", "vlan_id": "100", "vlan_priority": "5"},
    "unbound": {"net_ifacename": "default"},
    "n" * 64: {"net_ifacename": "san0"},
    "qla4xxx.00:0e:1e:00:00:01": {
        "transport_name": "qla4xxx", "hwaddress": "00:0e:1e:00:00:01", "ipaddress": "10.8.0.5",
        "subnet_mask": "255.255.255.0", "gateway": "10.8.0.1", "bootproto": "static",
        "vlan_id": "12", "mtu": "1500", "port": "3260", "state": "enable"},
    "qla4xxx.00:0e:1e:00:00:01.ipv6.0": {
        "transport_name": "qla4xxx", "hwaddress": "00:0e:1e:00:00:01", "ipaddress": "fd08::5",
        "ipv6_autocfg": "nd", "hop_limit": "64"},
}
NODES = [
    (0, "10.9.0.1:3260,1", "by-name"), (0, "10.9.0.1:3260,1", "by-mac"),
    (0, "10.9.1.1:3261,2", "named"), (0, "[fd09::1]:3260,1", "by-name"),
    (1, "10.9.0.1:3260,1", "default"), (1, "10.9.0.1:860,65535", "172.18.0.44:3260:iscsi-pv1"),
    (1, "10.9.7.1", "by-name"), (2, "localhost:3260,1", "plain"),
    (2, "10.9.2.1:3260,1", "qla4xxx.00:0e:1e:00:00:01")]
NO_TPGT = ("-1", "4294967295")


def pairs(settings):
    """-n KEY -v VALUE for each."""
    return [word for key, value in settings.items()
            for word in ("-n", "iface." + key, "-v", value)]


def fill(checks, host):
    for name, settings in IFACES.items():
        host.run("-m", "iface", "-I", name, "-o", "new", *pairs(settings))
        checks.check(host.code == 0, "iscsiadm makes iface %.24s" % name, host.errors)
    for target, portal, iface in NODES:
        host.run("-m", "node", "-o", "new", "-T", TARGETS[target], "-p", portal, "-I", iface)
        checks.check(host.code == 0, "iscsiadm binds %s to %.24s" % (portal, iface), host.errors)
    host.run("-m", "node", "-T", TARGETS[0], "-o", "update", "-n", "node.startup", "-v",
             "automatic")
    host.run("-m", "node", "-T", TARGETS[1], "-p", "10.9.0.1:3260,1", "-I", "default", "-o",
             "update", "-n", "node.startup", "-v", "onboot")
    checks.check(host.code == 0, "iscsiadm sets node.startup", host.errors)


def compare_ifaces(checks, world, host, when):
    """Each field of `-m iface`, and each line of `-m iface -I NAME`."""
    theirs = host.ifaces()
    checks.check(host.code == 0 and theirs, "iscsiadm lists ifaces, %s" % when, host.errors)
    view = world.view()
    ours = {}
    for name, row in view.ifaces().items():
        literal = view.settings(name).get("ipaddress", b"").decode()
        ours[name] = (row["Transport"].decode(), row["HwAddress"].decode(), literal,
                      row["NetIfaceName"].decode(), row["Initiator"].decode())
    same = {name: tuple("" if n == 3 and field == "default" else field
                        for n, field in enumerate(fields)) for name, fields in theirs.items()}
    checks.equal(ours, same, "every field of iscsiadm -m iface, %s" % when)
    faults = []
    for name, fields in same.items():
        row = view.ifaces().get(name, {})
        if (row.get("IpAddressType"), row.get("IpAddress")) != address(fields[2]):
            faults.append("%s: address %r" % (name, row.get("IpAddress")))
    checks.empty(faults, "every iface's address, %s" % when)
    faults, lines = [], 0
    for name in theirs:
        path = world.records.iface_path(name)
        held = set()
        if os.path.exists(path):
            with open(path, encoding="utf-8", errors="surrogateescape") as file:
                held = {line.split(" = ")[0][6:] for line in file if " = " in line}
        got = view.settings(name)
        for key, value in host.iface(name).items():
            lines += 1
            shown = got.get(key)
            # What the record does not hold need not be there: it may not apply to this kind.
            absent = shown is None and key not in held and value in ("", "0")
            unset = shown == b"" and key not in held and value == "0"
            if not (absent or unset or shown == value.encode("utf-8", "surrogateescape")):
                faults.append("%s %s: we %r, iscsiadm %r" % (name, key, shown, value))
    checks.check(lines > 20 * len(theirs), "iscsiadm shows the settings, %s" % when, lines)
    checks.empty(faults, "every line of iscsiadm -m iface -I NAME, %s" % when)


def compare_nodes(checks, world, host, when):
    """The tree of `-m node -P 1`, its flat list, and node.startup of each record."""
    theirs = host.nodes()
    checks.check(theirs, "iscsiadm lists nodes, %s" % when, host.errors)
    rows = world.view().bindings()

    def plain(portal):
        """Without a portal group iscsiadm prints it as one of several numbers; and it puts
        whatever is not IPv4 in brackets, a name too."""
        front, _, tpgt = portal.rpartition(",")
        front = re.sub(r"^\[([^:]*)\]", r"\1", front)
        return "%s,%s" % (front, "-1" if tpgt in NO_TPGT else tpgt)
    tree = {(iface, target, plain(portal)) for iface, target, portal in theirs}
    checks.equal(dict.fromkeys(rows, 1), dict.fromkeys(tree, 1),
                 "every binding of iscsiadm -m node -P 1, %s" % when)
    flat = sorted((plain(portal), target) for portal, _, target in (
        line.partition(" ") for line in host.run("-m", "node").splitlines()))
    checks.equal(sorted({(portal, target) for _, target, portal in rows}), sorted(set(flat)),
                 "every portal of iscsiadm -m node, %s" % when)
    faults = []
    for (iface, target, portal), row in rows.items():
        shown = host.settings("-m", "node", "-o", "show", "-T", target, "-p",
                              portal[:-3] if portal.endswith(",-1") else portal, "-I", iface)
        where = "%s %s" % (portal, iface)
        if STARTUP.get(shown.get("node.startup")) != row["BindingStartup"]:
            faults.append("%s startup: we %s, iscsiadm %s" % (
                where, row["BindingStartup"], shown.get("node.startup")))
        if address(shown.get("node.conn[0].address", "")) != (
                row["BindingPortalAddressType"], row["BindingPortalAddress"]):
            faults.append("%s address: %r" % (where, row["BindingPortalAddress"]))
        if shown.get("node.conn[0].port") != str(row["BindingPortalPort"]):
            faults.append("%s port: %r" % (where, row["BindingPortalPort"]))
        if shown.get("iface.iscsi_ifacename") != row["BindingIfaceName"].decode():
            faults.append("%s iface: %r" % (where, shown.get("iface.iscsi_ifacename")))
    checks.empty(faults, "startup, address, port and iface of every node record, %s" % when)


def test_iscsiadm(checks):
    if not openiscsi.possible(checks, "records of the real iscsiadm"):
        return
    with World(checks, "iscsiadm") as world, \
            openiscsi.OpenIscsi(world, world.sysfs.root) as host:
        fill(checks, host)
        world.start_master()
        world.start_agent()
        compare_ifaces(checks, world, host, "as it wrote them")
        compare_nodes(checks, world, host, "as it wrote them")
        changes(checks, world, host)
        compare_ifaces(checks, world, host, "after changes")
        compare_nodes(checks, world, host, "after changes")


def changes(checks, world, host):
    """iscsiadm changes, adds and deletes while the agent watches."""
    host.run("-m", "iface", "-I", "by-name", "-o", "update", *pairs({"net_ifacename": "san1",
                                                                     "vlan_id": "7"}))
    checks.check(host.code == 0, "iscsiadm updates an iface", host.errors)
    host.run("-m", "iface", "-I", "plain", "-o", "delete")
    host.run("-m", "iface", "-I", "brand-new", "-o", "new", *pairs({"net_ifacename": "san0"}))
    host.run("-m", "node", "-o", "new", "-T", TARGETS[2], "-p", "10.9.9.9:3260,3", "-I",
             "brand-new")
    host.run("-m", "node", "-o", "delete", "-T", TARGETS[0], "-p", "10.9.1.1:3261,2", "-I",
             "named")

    def followed():
        rows = world.view()
        ifaces = rows.ifaces()
        return ("brand-new" in ifaces and "plain" not in ifaces
                and ifaces["by-name"]["NetIfaceName"] == b"san1"
                and ("brand-new", TARGETS[2], "10.9.9.9:3260,3") in rows.bindings()
                and ("named", TARGETS[0], "10.9.1.1:3261,2") not in rows.bindings())
    checks.check(wait_until(followed, checks.patience(1)),
                 "what iscsiadm changes is seen within a second")
    row = world.view().bindings().get(("by-name", TARGETS[0], "10.9.0.1:3260,1"), {})
    checks.equal(row.get("BindingInSync"), 1, "copies that iscsiadm carried along are in sync")


def test_odd_files(checks):
    """Files that iscsiadm reads although it would not write them: we read what it reads."""
    if not openiscsi.possible(checks, "odd records against iscsiadm"):
        return
    with World(checks, "odd files") as world, \
            openiscsi.OpenIscsi(world, world.sysfs.root) as host:
        records = world.records

        def put(name, text):
            records.put(records.iface_path(name), text)
        put("crlf", iface_text("crlf", net_ifacename="eth1").replace("\n", "\r\n"))
        put("twice", BEGIN + iface_lines("twice", {"net_ifacename": "eth0"})
            + "iface.net_ifacename = eth1\n" + END)
        put("no-value", BEGIN + iface_lines("no-value", {}) + "iface.hwaddress =\n" + END)
        put("no-blank", BEGIN + iface_lines("no-blank", {}) + "iface.hwaddress=00:01\n" + END)
        put("header", iface_text("header", net_ifacename="eth1").replace("2.1.8", "2.0-871"))
        put("comment", BEGIN + "#" + "x" * 3000 + "\n" + iface_lines("comment", {
            "net_ifacename": "eth1"}) + END)
        put("file-name", iface_text("inside-name", net_ifacename="eth1"))
        put(".a1.tmp", iface_text("left-over", net_ifacename="eth1"))
        put("a1~", iface_text("backup", net_ifacename="eth1"))
        put("iface.example", "# nothing but comments\n")
        put("two words", iface_text("two words", net_ifacename="eth1"))
        world.start_master()
        world.start_agent()
        theirs = host.ifaces()
        ours = {name: (row["Transport"].decode(), row["HwAddress"].decode(),
                       row["NetIfaceName"].decode())
                for name, row in world.view().ifaces().items()}
        checks.equal(ours, {name: (f[0], f[1], f[3]) for name, f in theirs.items()},
                     "every field of iscsiadm -m iface over odd files")


def test_sessions(checks):
    """Sessions of one and the same sysfs."""
    if not openiscsi.possible(checks, "sessions against iscsiadm"):
        return
    with World(checks, "sessions") as world, \
            openiscsi.OpenIscsi(world, world.sysfs.root) as host:
        world.records.iface("by-name", net_ifacename="san0")
        for sid, (portal, state) in enumerate((("10.9.0.1", "LOGGED_IN"), ("fd09::1", "LOGGED_IN"),
                                               ("10.9.0.2", "FAILED"), ("10.9.0.3", "FREE")), 1):
            world.records.node(TARGETS[0], portal, 3260, sid, "by-name")
            world.sysfs.session(sid, sid + 5, TARGETS[0], (portal, 3260), "by-name", sid, state,
                                netdev="san0")
        world.start_master()
        world.start_agent()
        theirs = host.sessions()
        rows = {index[0]: row for index, row in world.table("SessionTable").items()}
        if not checks.equal(sorted(rows), sorted(theirs), "the sessions of iscsiadm -m session"):
            return
        got, want = {}, {}
        for sid, fields in theirs.items():
            row = rows[sid]
            got[sid] = (row["SessionTargetName"].decode(), row["SessionPortal"].decode(),
                        row["SessionIfaceName"].decode(), row["SessionTransport"].decode(),
                        row["SessionState"],
                        (row["SessionLocalAddressType"], row["SessionLocalAddress"]))
            local = fields["Iface IPaddress"].replace("[default]", "")
            want[sid] = (fields["Target"], fields["Persistent Portal"], fields["Iface Name"],
                         fields["Iface Transport"], SESSION_STATE[fields["iSCSI Session State"]],
                         address(local))
        checks.equal(got, want, "target, portal, iface, transport, state and local address of each")
