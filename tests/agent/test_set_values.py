# SPDX-License-Identifier: GPL-2.0-or-later
"""What may be written: types, lengths, ranges, characters."""

import contract
import mib
import sets
from expect import address
from harness import World
from records import iface_text
from sets import (CREATE, DONE, NO_ROW, PROPAGATE, Wish, ask, binding, iface, job, new_binding,
                  refusal, refused, setting, wish)

TARGET = "iqn.2026-01.org.example:values"
STATE = ("inconsistentValue",)
OFFLOAD = "qla4xxx.00:0e:1e:00:00:01"
IPV6 = OFFLOAD + ".ipv6.0"
# A value of every type that a PDU can carry.
ANY = {"INTEGER": 1, "STRING": b"1", "OID": (1, 3, 6), "IpAddress": b"\x0a\0\0\1", "Counter32": 1,
       "Gauge32": 1, "Timeticks": 1, "Opaque": b"\x9f\x78\x04\0\0\0\0", "Counter64": 1}


def fill(world):
    """An iface of each kind, a binding without a session; the binding's index comes from us."""
    world.records.iface("soft", hwaddress="02:00:77:00:00:09")
    world.records.iface("free")
    world.records.iface(OFFLOAD, transport_name="qla4xxx", hwaddress="00:0e:1e:00:00:01",
                        ipaddress="10.8.0.5", subnet_mask="255.255.255.0", bootproto="static",
                        vlan_id="12")
    sets.bind(world.records, TARGET, "10.0.0.1", 1, "soft")


def instances(world):
    """{table or None: the index of a row that is there}; a job is made."""
    sets.done(world.checks, world, "a job is made",
              *job(7, Kind=PROPAGATE, IfaceName="soft", RowStatus=CREATE))
    sets.settle(world)
    there, = world.table("BindingTable")
    return {1: (0,), 11: (0,), 3: mib.text_index("soft"), 5: there, 9: (7,),
            4: mib.text_index(OFFLOAD, *mib.text_index("mtu"))}


def every(world, places, access):
    """(name, index) of one instance of every object with one of these access letters."""
    for name, arcs, _, letter in contract.objects():
        if letter in access and arcs[1] in places:
            yield name, places[arcs[1]]


def test_types(checks):
    """Each type is refused by each object that has another one, and named so."""
    with World(checks, "types of SETs") as world:
        fill(world)
        sets.start(world)
        places = instances(world)
        faults, count = [], 0
        for name, index in every(world, places, "wc"):
            for kind, value in ANY.items():
                if kind != sets.TYPES[name]:
                    count += 1
                    fault = refusal(world, [Wish(name, index, value, kind)], "wrongType")
                    faults += ["%s as %s: %s" % (name, kind, fault)] if fault else []
        checks.check(count > 150, "many wrong types are tried", count)
        checks.empty(faults, "every writable object refuses every wrong type")
        faults = []
        for name, index in every(world, places, "r"):
            for kind, value in ((sets.TYPES[name], ANY.get(sets.TYPES[name])), ("OID", (1, 3))):
                fault = refusal(world, [Wish(name, index, value, kind)], "notWritable")
                faults += ["%s: %s" % (name, fault)] if fault else []
        checks.empty(faults, "what is read-only is notWritable, whatever the type")
        faults = []
        for name, index in every(world, places, "-n"):
            fault = refusal(world, [wish(name, index, ANY[sets.TYPES[name]])],
                            ("notWritable", "noCreation", "noAccess"))
            faults += ["%s: %s" % (name, fault)] if fault else []
        checks.empty(faults, "neither is what cannot be read")
        root = world.mib.root
        for arcs in ((1, 99, 0), (1, 3, 1, 99, 1, 97), (1, 3, 2, 1), (2, 5), (1, 1, 1)):
            answer, _ = sets.ask_oids(world, (root + arcs, "INTEGER", 1))
            checks.check(answer in ("notWritable", "noCreation", "noAccess"),
                         "what is no object: %s" % (arcs,), answer)


def test_lengths_and_ranges(checks):
    """The syntax of each column, at its edges."""
    with World(checks, "syntax of SETs") as world:
        fill(world)
        sets.start(world)
        places = instances(world)
        soft, here = places[3], places[5]
        lengths = [("Transport", soft, 15), ("HwAddress", soft, 17), ("IpAddress", soft, 255),
                   ("NetIfaceName", soft, 15), ("Initiator", soft, 255),
                   ("SettingValue", places[4], 255), ("BindingIfaceName", here, 64),
                   ("BindingTargetName", here, 255), ("BindingPortalAddress", here, 255),
                   ("JobIfaceName", (7,), 64), ("JobTargetName", (7,), 255),
                   ("JobPortalAddress", (7,), 255), ("JobOwner", (7,), 32)]
        faults = []
        for name, index, most in lengths:
            for size in (most + 1, 300, 1000):
                fault = refusal(world, [wish(name, index, b"x" * size)], "wrongLength")
                faults += ["%s of %d: %s" % (name, size, fault)] if fault else []
        for name in ("BindingIfaceName", "BindingTargetName"):
            fault = refusal(world, [wish(name, here, b"")], "wrongLength")
            faults += ["an empty %s: %s" % (name, fault)] if fault else []
        checks.empty(faults, "what is too long, or too short, is wrongLength")

        ranges = [("RebindMode", soft, (0, 3, -1, 2 ** 31 - 1)), ("RowStatus", soft, (-1, 0, 7)),
                  ("IpAddressType", soft, (-1, 5, 15, 17)),
                  ("BindingPortalAddressType", here, (-1, 5, 17)),
                  ("BindingPortalPort", here, (65536, 2 ** 32 - 1)),
                  ("BindingTpgt", here, (-2, 65536)), ("BindingStartup", here, (0, 4, -1)),
                  ("BindingAdminStatus", here, (0, 3)), ("BindingRowStatus", here, (-1, 0, 7)),
                  ("JobKind", (7,), (0, 9, -1)), ("JobPortalAddressType", (7,), (-1, 5, 17)),
                  ("JobPortalPort", (7,), (65536,)), ("JobForce", (7,), (0, 3)),
                  ("JobControl", (7,), (0, 3)), ("JobRowStatus", (7,), (-1, 0, 7)),
                  ("SetLock", (0,), (-1, -2 ** 31))]
        faults = []
        for name, index, values in ranges:
            for value in values:
                fault = refusal(world, [wish(name, index, value)], "wrongValue")
                faults += ["%s %d: %s" % (name, value, fault)] if fault else []
        checks.empty(faults, "numbers out of range are wrongValue")
        faults = []
        for name, index in (("Transport", mib.text_index("soft", 1)),
                            ("Transport", (4, 115, 111, 102)), ("Transport", (1, 353)),
                            ("Transport", (65,) + (97,) * 65), ("Transport", ()),
                            ("BindingStartup", here + (0,)), ("BindingStartup", (2 ** 31,)),
                            ("SetLock", (1,)), ("SetLock", (0, 0)), ("NotifyRate", (7,)),
                            ("SettingValue", mib.text_index(OFFLOAD)),
                            ("SettingValue", mib.text_index(OFFLOAD, 3, 109, 116))):
            value = b"tcp" if sets.TYPES[name] == "STRING" else 1
            answer, _ = sets.ask_oids(world, (world.mib.oid(contract.PREFIX + name) + index,
                                              sets.TYPES[name], value))
            if answer not in NO_ROW + ("notWritable",):
                faults.append("%s.%s: %s" % (name, index, answer))
        checks.empty(faults, "an index that no row can have")


def test_texts(checks):
    """Characters, and what a text must be."""
    with World(checks, "texts of SETs") as world:
        fill(world)
        sets.start(world)
        bad = {
            "NetIfaceName": ["eth 0", "eth/0", "eth0\n", "\teth0", "a\x01b", b"eth0\0", "."],
            "HwAddress": ["nonsense", "02:00:77:00:00", "02-00-77-00-00-01", "02:00:77:00:00:0g",
                          "2:0:77:0:0:1", "0200.7700.0001", "02:00:77:00:00:1\n"],
            "Initiator": ["iqn.2026-01.org.example:x\niface.transport_name = iser", "a\x7fb",
                          " iqn.x", "iqn.x ", b"iqn\0"],
            "Transport": ["nonsense", "TCP", "tcp\n", "tcp "]}
        faults = []
        for column, values in bad.items():
            for value in values:
                for name in ("soft", OFFLOAD):
                    fault = refusal(world, iface(name, **{column: value}), "wrongValue")
                    faults += ["%s %r: %s" % (column, value, fault)] if fault else []
        checks.empty(faults, "texts of ifaces that cannot be are wrongValue")
        faults = []
        for column in ("NetIfaceName", "HwAddress", "Initiator", "Transport"):
            fault = refusal(world, iface("free", **{column: "<empty>"}), "wrongValue")
            faults += ["%s: %s" % (column, fault)] if fault else []
        checks.empty(faults, "nor is iscsiadm's word for what is not set a value")

        faults = []
        for target in ("../../evil", "a/b", "com,ma", "two words", "new\nline", ".hidden", "\x01",
                       b"nul\0", b"\xff\xfe"):
            wishes = new_binding(5, "free", target, "10.0.0.2")
            fault = refusal(world, wishes, "wrongValue", 2)
            faults += ["target %r: %s" % (target, fault)] if fault else []
        for kind, octets in ((16, b"host name"), (16, b"../evil"), (16, b"a,b"), (16, b"new\nline"),
                             (16, b"-o"), (16, b""), (1, b"\x0a\0\0"), (1, b"\x0a\0\0\1\1"),
                             (2, b"\x0a\0\0\1"), (1, b""), (0, b"\x0a\0\0\1"), (0, b""),
                             (2, b"\x0a" * 15)):
            wishes = binding(5, IfaceName="free", TargetName=TARGET, PortalAddressType=kind,
                             PortalAddress=octets, Tpgt=1, RowStatus=CREATE)
            fault = refusal(world, wishes, ("wrongValue", "wrongLength") + STATE, (3, 4))
            faults += ["address %d %r: %s" % (kind, octets, fault)] if fault else []
        checks.empty(faults, "targets and portals that cannot be a path of their own")
        faults = []
        for index, (host, text) in enumerate((
                ("10.0.0.2", "10.0.0.2:3260,1"), ("fd00::2", "[fd00::2]:3260,1"),
                ("storage-1.example.org", "storage-1.example.org:3260,1")), 10):
            answer = ask(world, *new_binding(index, "free", "eui.02004567A425678D", host))
            shown = world.value("BindingPortal", index)
            if answer != DONE or shown != text.encode():
                faults.append("%s: %s, %s" % (host, answer, shown))
        checks.empty(faults, "IPv4, IPv6 and DNS names are bound")


def test_settings(checks):
    """The setting table: of an offload iface, which can have them all."""
    with World(checks, "settings by SET") as world:
        fill(world)
        records = world.records
        with open(records.put(records.iface_path("old"), iface_text(
                "old", mtu="9000", secret_sauce="none")), encoding="ascii") as file:
            old = file.read()
        sets.start(world)
        bad = {"mtu": ["575", "9001", "99999", "abc", "-1", "+1500", " 1500", "1500 ", "0x5dc",
                       "1500\n", "01500", "4294968796"],
               "vlan_id": ["4095", "65537"], "vlan_priority": ["8"], "port": ["65536"],
               "erl": ["3"], "tcp_timer_scale": ["8"], "max_burst_len": ["511", "16777216"],
               "state": ["perhaps", "Enable", "enable\n", "1"], "vlan_state": ["on"],
               "bootproto": ["static dhcp", "bootp"], "subnet_mask": ["255.255.255", "fd00::"],
               "gateway": ["10.8.0.1/24", "host"], "dhcp_vendor_id": ["x" * 12, "a\nb"]}
        faults = []
        for key, values in bad.items():
            for value in values:
                fault = refusal(world, setting(OFFLOAD, key, value), "wrongValue")
                faults += ["%s %r: %s" % (key, value, fault)] if fault else []
        checks.empty(faults, "settings that open-iscsi would cut or take blindly are wrongValue")

        good = {"mtu": ["576", "9000", "", "1500"], "vlan_id": ["1", "4094", ""],
                "vlan_priority": ["7", "0"], "state": ["enable", "disable", ""],
                "vlan_state": ["enable"], "gateway": ["10.8.0.1", ""], "erl": ["2", ""],
                "max_burst_len": ["512", "16777215"], "dhcp_vendor_id": ["x" * 11],
                "bootproto": ["dhcp", "static"], "header_digest": ["enable"]}
        faults = []
        for key, values in good.items():
            for value in values:
                answer = ask(world, *setting(OFFLOAD, key, value))
                number = key in ("mtu", "vlan_id", "vlan_priority", "erl", "max_burst_len")
                want = "0" if number and not value else value
                disk = records.iface_settings(OFFLOAD).get(key, "")
                shown = world.value("SettingValue",
                                    *mib.text_index(OFFLOAD, *mib.text_index(key)))
                if answer != DONE or disk != want or shown != want.encode():
                    faults.append("%s %r: %s, on disk %r, shown %r" % (key, value, answer, disk,
                                                                       shown))
        checks.empty(faults, "settings in range are written, and shown as the record has them")
        checks.equal(sets.torn(records.root), [], "and every record is whole")

        refused(checks, world, "iscsi_ifacename cannot be changed",
                setting(OFFLOAD, "iscsi_ifacename", "other"), "notWritable")
        refused(checks, world, "not even to what it is",
                setting(OFFLOAD, "iscsi_ifacename", OFFLOAD), "notWritable")
        refused(checks, world, "a setting that this version does not know",
                setting("old", "secret_sauce", "hot"), "notWritable")
        refused(checks, world, "a setting that nobody knows", setting(OFFLOAD, "no_such", "1"),
                NO_ROW)
        refused(checks, world, "a setting of no iface", setting("nobody", "mtu", "1500"), NO_ROW)
        answer = ask(world, *iface("old", HwAddress="02:00:00:00:00:05"))
        checks.equal(answer, DONE, "an iface with unknown and odd settings can be edited")
        with open(records.iface_path("old"), encoding="ascii") as file:
            checks.equal(file.read(), old.replace(
                "iface.transport_name", "iface.hwaddress = 02:00:00:00:00:05\n"
                "iface.transport_name"), "all its other lines stay, octet for octet")

        # As iscsiadm itself writes it for a port that the kernel shows so.
        records.iface(IPV6, transport_name="qla4xxx", hwaddress="00:0e:1e:00:00:01",
                      ipv6_autocfg="static")
        world.wait_value(b"static", 10, "SettingValue",
                         *mib.text_index(IPV6, *mib.text_index("ipv6_autocfg")))
        answer = ask(world, *setting(IPV6, "ipv6_autocfg", "static"))
        checks.equal(answer, DONE, "what is read can be written back")
        refused(checks, world, "but no other word that is none",
                setting(IPV6, "ipv6_autocfg", "statics"), "wrongValue")

        refused(checks, world, "one setting with two values in two tables",
                iface(OFFLOAD, Initiator="iqn.2026-01.org.example:a")
                + setting(OFFLOAD, "initiatorname", "iqn.2026-01.org.example:b"), STATE)
        refused(checks, world, "an address with two values in two tables",
                iface(OFFLOAD, IpAddressType=1, IpAddress=address("10.8.0.6")[1])
                + setting(OFFLOAD, "ipaddress", "10.8.0.7"), STATE)
        refused(checks, world, "two varbinds for one instance",
                setting(OFFLOAD, "mtu", "1500") + setting(OFFLOAD, "mtu", "1501"), STATE)
        refused(checks, world, "two equal varbinds for one instance",
                2 * iface(OFFLOAD, Initiator="iqn.2026-01.org.example:a"), STATE)
        answer = ask(world, *iface(OFFLOAD, IpAddressType=1, IpAddress=address("10.8.0.6")[1]))
        checks.equal((answer, records.iface_settings(OFFLOAD).get("ipaddress")),
                     (DONE, "10.8.0.6"), "an offload iface's address")
        answer = ask(world, *iface(OFFLOAD, IpAddressType=0, IpAddress=b""))
        checks.equal((answer, records.iface_settings(OFFLOAD).get("ipaddress")), (DONE, None),
                     "and it is taken away")
