# SPDX-License-Identifier: GPL-2.0-or-later
"""Over one rich world: every way to read the MIB shows the same, and it is what the files say."""

import shutil

import contract
import expect
import mib
import network
from harness import World
from snmp import dotted
from view import PLACES, View

GIB = 2 ** 30
VOLATILE = {"BindingUpSeconds"}
FULL_TABLES = ("TransportTable", "Table", "SettingTable", "BindingTable", "SessionTable",
               "DiskTable", "TargetTable")
TARGET = "iqn.2026-01.org.example:"
LONG_NAME = "172.18.0.44:3260:iscsi-pv-0123456789abcdef0123456789abcdef-0123"


def fill(world):
    """Ifaces in every state of their device, bindings in every state of their session."""
    records, sysfs = world.records, world.sysfs
    records.iface("san-a", net_ifacename="san0")
    records.iface("san-b", net_ifacename="san1", initiatorname="iqn.2026-01.org.example:b")
    records.iface("pulled", hwaddress=network.HARDWARE["pulled0"])
    records.iface("bare", net_ifacename="bare0")
    records.iface("gone", net_ifacename="gone0")
    records.iface("twin", hwaddress=network.HARDWARE["twin0"])
    records.iface("free", net_ifacename="default")
    records.iface(LONG_NAME, net_ifacename="san0", mtu="9000")
    records.iface("qla4xxx.00:0e:1e:00:00:01.ipv4.0", transport_name="qla4xxx",
                  hwaddress="00:0e:1e:00:00:01", ipaddress="10.8.0.5", subnet_mask="255.255.255.0",
                  bootproto="static", vlan_id="12", vlan_state="enable")
    records.iface("qla4xxx.00:0e:1e:00:00:01.ipv6.0", transport_name="qla4xxx",
                  hwaddress="00:0e:1e:00:00:01", ipaddress="fd08::5", ipv6_autocfg="nd")

    records.node(TARGET + "one", "10.9.0.1", 3260, 1, "san-a", "automatic")
    records.node(TARGET + "one", "10.9.1.1", 3260, 2, "san-b", "automatic")
    records.node(TARGET + "one", "10.9.0.1", 3260, 1, "free", "manual")
    records.node(TARGET + "two", "fd09::1", 3260, 1, "san-a", "onboot")
    records.node(TARGET + "two", "portal.example.org", 3261, 65535, "san-b", "manual")
    records.node(TARGET + "three", "10.9.3.1", 860, 1, "default", "automatic")
    # Its copy still names another device than the iface's record.
    records.node(TARGET + "three", "10.9.3.1", 860, 1, "gone", "manual",
                 copy={"net_ifacename": "old0"})
    records.node(TARGET + "four", "10.9.4.1", 3260, 1, "pulled", "manual")
    # Its session runs as the record was before.
    records.node(TARGET + "four", "10.9.4.1", 3260, 1, LONG_NAME, "manual")

    sysfs.session(1, 1, TARGET + "one", ("10.9.0.1", 3260), "san-a", netdev="san0",
                  local=("10.77.0.1", 40001), digests=(1, 0))
    sysfs.session(2, 2, TARGET + "one", ("10.9.1.1", 3260), "san-b", tpgt=2, state="FAILED",
                  netdev="san1", recovery=20, initiator="iqn.2026-01.org.example:b")
    sysfs.session(3, 3, TARGET + "two", ("fd09::1", 3260), "san-a", netdev="san0",
                  local=("fd77::1", 40003), digests=(1, 1))
    sysfs.session(7, 4, TARGET + "four", ("10.9.4.1", 3260), "pulled", state="FREE",
                  hwaddress=network.HARDWARE["pulled0"])
    sysfs.session(8, 5, TARGET + "four", ("10.9.4.1", 3260), LONG_NAME, netdev="old0")
    # Nobody's: no record names it.
    sysfs.session(70000, 11, TARGET + "three", ("10.9.9.201", 3260), "unknown", state="FAILED")
    sysfs.disk(1, 1, 0, "sdb", 4 * GIB, (8, 9016), "naa.60014050000000000000000000000001")
    sysfs.disk(1, 1, 7, "sdc", 3 * GIB // 2, (8, 9032), "naa.60014050000000000000000000000007",
               holders=["dm-3"])
    sysfs.disk(3, 3, 1, "sdaa", 20480 * GIB, (65, 9160), "t10.LIO-ORG volume",
               state="blocked")
    sysfs.controller(3, 3, 0)


def placed(world, varbind):
    """(table or None, name) of a varbind."""
    arcs = varbind.oid[len(world.mib.root):]
    return PLACES.get(arcs[:4]) or PLACES.get(arcs[:3]) or (None, None)


def steady(world, rows):
    """{oid: (type, value)} without what changes by itself."""
    return {v.oid: (v.type, v.value) for v in rows if placed(world, v)[1] not in VOLATILE}


def test_walk(checks):
    with World(checks, "walk") as world:
        fill(world)
        world.start_master()
        world.start_agent()
        rows = world.clients.walk(world.mib.root)
        if not checks.check(len(rows) > 500, "snmpwalk shows the whole MIB",
                            lambda: "%d instances" % len(rows)):
            return
        same_by_every_way(checks, world, rows)
        shape(checks, world, rows)
        by_snmptable(checks, world, rows)
        contents(checks, world, View(world.mib.root, rows))


def same_by_every_way(checks, world, rows):
    oids = [v.oid for v in rows]
    checks.empty(("%s after %s" % (dotted(b), dotted(a))
                  for a, b in zip(oids, oids[1:]) if b <= a),
                 "the OIDs of a walk strictly increase")
    want = steady(world, rows)
    root = world.mib.root
    checks.equal(steady(world, world.clients.bulkwalk(root)), want, "snmpbulkwalk = snmpwalk")
    checks.equal(steady(world, world.clients.get(oids)), want, "GET of every instance = snmpwalk")
    chain = world.clients.getnext([root] + oids[:-1])
    checks.equal([v.oid for v in chain], oids, "GETNEXT of every OID is the next of the walk")
    checks.equal(steady(world, world.snmp.walk(root, repetitions=0)), want,
                 "a chain of single GETNEXTs = snmpwalk")
    checks.equal(steady(world, world.snmp.walk(root, repetitions=1000)), want,
                 "GETBULK of as much as one message holds = snmpwalk")
    after = world.clients.getnext(oids[-1:])[0].oid
    checks.check(after[:len(root)] != root, "GETNEXT of the last instance leaves the MIB",
                 dotted(after))


def shape(checks, world, rows):
    """Each object that must have an instance has one; none that must not has; types are right."""
    root = world.mib.root
    view = View(root, rows)
    types = {name: kind for name, _, kind, _ in contract.objects()}
    hidden = {name for name, _, _, access in contract.objects() if access in "-n"}
    names = [(v, placed(world, v)[1]) for v in rows]
    checks.empty(("%s is a %s, not a %s" % (name, v.type, contract.WIRE[types[name]])
                  for v, name in names if name and v.type != contract.WIRE[types[name]]),
                 "every value has its object's type on the wire")
    checks.empty(map(dotted, view.strangers), "nothing is shown that the contract does not name")
    checks.empty((dotted(v.oid) for v, name in names if name in hidden),
                 "no instance of what is not-accessible or only for notifications")
    scalars = [name for group in (contract.AGENT, contract.ALERTING)
               for name, _, _, access in contract.fields(group) if access in "rw"]
    got = {v.oid for v in rows}
    checks.empty((name for name in scalars if world.oid(name) not in got),
                 "every readable scalar has its instance .0")
    missing = []
    for table in FULL_TABLES:
        if not view.tables[table]:
            missing.append("%s has no row" % table)
    for table, (_, _, columns) in contract.TABLES.items():
        want = {name for name, _, _, access in contract.fields(columns) if access in "rwc"}
        optional = contract.SOCKET_COLUMNS if table == "SessionTable" else set()
        for index, row in view.tables[table].items():
            missing += ["%s%s" % (name, dotted(index)) for name in want - optional - set(row)]
    checks.empty(missing, "every row has every column")
    checks.empty(("%s%s" % (name, dotted(index))
                  for index, row in view.tables["SessionTable"].items()
                  for name in contract.SOCKET_COLUMNS & set(row)),
                 "no socket counters for sessions that have no socket on this host")


def shown(value):
    """The ways in which snmptable may print a value."""
    if isinstance(value, int):
        return {str(value)}
    text = value.decode("latin-1")
    dump = " ".join("%02X" % octet for octet in value)
    return {text, '"%s"' % text, dump, '"%s"' % dump, '"%s "' % dump}


def by_snmptable(checks, world, rows):
    view = View(world.mib.root, rows)
    directory = mib.loadable(world.mib.path, world.path("mibs"))
    for table, (_, _, columns) in contract.TABLES.items():
        wanted = view.tables[table]
        if not wanted:
            continue
        oid = world.mib.oid(contract.PREFIX + table)
        names, cells = world.clients.table(oid, directory, "ISCSI-IFACE-MIB")
        faults = []
        if len(cells) != len(wanted):
            faults.append("%d rows, want %d; %s" % (
                len(cells), len(wanted), world.clients.errors.strip()[-200:]))
        places = {name: names.index(contract.PREFIX + name)
                  for name, _, _, access in contract.fields(columns)
                  if contract.PREFIX + name in names}
        for line, (index, row) in zip(cells, sorted(wanted.items())):
            for name, value in row.items():
                cell = line[places[name]].strip() if places.get(name, 999) < len(line) else None
                if name not in VOLATILE and cell not in {s.strip() for s in shown(value)}:
                    faults.append("%s%s: got %r, want %r" % (name, dotted(index), cell, value))
        checks.empty(faults, "snmptable of %s = snmpwalk" % table)


def compare(checks, text, got, want):
    """Rows by a key: the same keys, and each row as expected."""
    faults = ["%s: missing" % (key,) for key in want if key not in got]
    faults += ["%s: not expected" % (key,) for key in got if key not in want]
    for key in want:
        if key in got:
            faults += expect.faults(got[key], want[key], key)
    checks.empty(faults, text)


def contents(checks, world, view):
    want = expect.Expectation(world)
    checks.empty(expect.faults(view.scalars, want.scalars(), "scalar"),
                 "every scalar is what the files say")
    compare(checks, "transports are those of kernel and records",
            {bytes(i[1:]).decode(): row for i, row in view.tables["TransportTable"].items()},
            want.transports())
    compare(checks, "ifaces are the records and the built-in ones, every column",
            view.ifaces(), want.iface_rows())
    settings(checks, view, want)
    bindings = {(row["BindingIfaceName"].decode(), row["BindingTargetName"].decode(),
                 row["BindingPortal"].decode()): row
                for row in view.tables["BindingTable"].values()}
    keys = {key: (key[0], key[1], expect.portal_text(*key[2:])) for key in want.bindings}
    compare(checks, "bindings are the node records, every column", bindings,
            {keys[key]: row for key, row in want.bindings.items()})
    checks.empty((dotted(i) for i in view.tables["BindingTable"] if not 2**30 <= i[0] < 2**31),
                 "binding indexes that the agent chose are 2^30 or more")
    sessions(checks, view, want)
    compare(checks, "disks are the sessions' block devices, every column",
            view.tables["DiskTable"], want.disk_rows())
    compare(checks, "one row for each target, every column",
            {row["TargetName"].decode(): row for row in view.tables["TargetTable"].values()},
            want.targets())
    free = view.scalars["BindingNextIndex"]
    checks.check((free,) not in view.tables["BindingTable"], "BindingNextIndex is free", free)


def settings(checks, view, want):
    faults = []
    for name in want.ifaces:
        got = view.settings(name)
        rows = want.setting_rows(name)
        faults += expect.faults(got, rows, name)
        faults += ["%s %s: got %r, and its record has none" % (name, key, value)
                   for key, value in got.items() if key not in rows and value not in (b"", b"0")]
    checks.empty(faults, "every setting is what its record says, as written")
    faults = []
    for index, row in view.tables["SettingTable"].items():
        if row["SettingDisplayName"] != bytes(index[index[0] + 2:]):
            faults.append("%s: %r" % (dotted(index), row["SettingDisplayName"]))
    checks.empty(faults, "SettingDisplayName is the setting's name")


def sessions(checks, view, want):
    got = {index[0]: row for index, row in view.tables["SessionTable"].items()}
    compare(checks, "sessions are the kernel's, every column", got, want.session_rows())
    faults = []
    for session in want.sessions:
        index = got.get(session.id, {}).get("SessionBindingIndex")
        keys = [key for key in want.bindings if key[:4] == session.key]
        row = view.tables["BindingTable"].get((index,))
        if not keys and index != 0:
            faults.append("session %d has no record, and binding %s" % (session.id, index))
        elif keys and (row is None or row["BindingSessionId"] != session.id):
            faults.append("session %d: binding %s" % (session.id, index))
    checks.empty(faults, "sessions and bindings name each other")


def test_empty_world(checks):
    """No record, no session, no transport class: what is left are the built-in ifaces."""
    with World(checks, "an empty world") as world:
        shutil.rmtree(world.sysfs.path("class"))
        world.start_master()
        world.start_agent()
        view = world.view()
        want = expect.Expectation(world)
        compare(checks, "an empty database shows default and iser", view.ifaces(),
                want.iface_rows())
        checks.empty(expect.faults(view.scalars, want.scalars(), "scalar"),
                     "every scalar of an empty database")
        checks.equal({t: len(view.tables[t]) for t in (
            "BindingTable", "SessionTable", "DiskTable", "TargetTable")},
                     dict.fromkeys(("BindingTable", "SessionTable", "DiskTable", "TargetTable"), 0),
                     "no binding, session, disk or target where there is none")


def test_read_only(checks):
    """The default control mode: nothing can be written, by any type, here or there."""
    with World(checks, "read-only") as world:
        fill(world)
        world.start_master()
        world.start_agent()
        before = world.view()
        iface = mib.text_index("san-a")
        binding = next(iter(before.tables["BindingTable"]))
        tries = [("NetIfaceName", iface, "s", "san1"), ("Transport", iface, "s", "iser"),
                 ("RebindMode", iface, "i", 2), ("RowStatus", iface, "i", 6),
                 ("RowStatus", mib.text_index("new"), "i", 4),
                 ("SettingValue", iface + mib.text_index("mtu"), "s", "9000"),
                 ("BindingIfaceName", binding, "s", "san-b"), ("BindingStartup", binding, "i", 2),
                 ("BindingAdminStatus", binding, "i", 2), ("BindingRowStatus", binding, "i", 6),
                 ("JobKind", (1,), "i", 5), ("JobRowStatus", (1,), "i", 4),
                 ("SetLock", (0,), "i", 1),
                 ("NotifyHoldDown", (0,), "u", 5), ("NotifyRate", (0,), "u", 5),
                 ("NotifyEnable", (0,), "x", "00"), ("IfIndex", iface, "i", 1),
                 ("AgentVersion", (0,), "s", "0")]
        for name, index, kind, value in tries:
            said = world.clients.set(world.oid(name, *index), kind, value)
            checks.check(said.startswith("notWritable"), "snmpset of %s answers notWritable" % name,
                         said)
        compare(checks, "and nothing has changed", world.view().ifaces(), before.ifaces())
