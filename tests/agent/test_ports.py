# SPDX-License-Identifier: GPL-2.0-or-later
"""Ports of offload adapters: what the kernel has, and the record that governs it."""

import ipaddress

import mib
from expect import One, faults
from harness import World

MAC = "00:0e:1e:00:00:01"
RECORD4 = "qla4xxx.%s.ipv4.0" % MAC
RECORD6 = "qla4xxx.%s.ipv6.0" % MAC
HOST, BARE = 20, 21


def fill(world):
    """One adapter with an IPv4 and an IPv6 configuration, one that has no such objects."""
    sysfs = world.sysfs
    sysfs.transport("qla4xxx", "0x0")
    sysfs.transport("cxgb4i", "0x0")
    sysfs.host(HOST, "qla4xxx", "10.8.0.5", hwaddress=MAC)
    sysfs.host_port(HOST, "LINK UP", "10 Gbps")
    sysfs.host(BARE, "cxgb4i", "10.8.1.5", hwaddress="00:0e:1e:00:00:02", netdev="eth9")
    sysfs.host(22, "iscsi_tcp", "10.8.2.5")  # software: the host's own devices, no port
    sysfs.port(HOST, "ipv4-iface-20-0", enabled="enable", ipaddress="10.8.0.5",
               subnet="255.255.240.0", gateway="10.8.0.1", bootproto="static", mtu=1500, port=3260,
               vlan_id=12, vlan_priority=0, vlan_enabled="enable", ipaddress_state="Valid")
    sysfs.port(HOST, "ipv6-iface-20-0", enabled="disable", link_local_addr="fe80" + ":0000" * 6
               + ":0005", ipaddress="fd08" + ":0000" * 6 + ":0005",
               router_addr="fe80" + ":0000" * 6 + ":0001", ipaddr_autocfg="nd", mtu=9000,
               port=3260, vlan_id=30, vlan_priority=0, vlan_enabled="disable")
    world.records.iface(RECORD4, transport_name="qla4xxx", hwaddress=MAC, ipaddress="10.8.0.5",
                        subnet_mask="255.255.240.0", gateway="10.8.0.1", bootproto="static",
                        state="enable", vlan_id="12", vlan_state="enable", mtu="1500")
    world.records.iface(RECORD6, transport_name="qla4xxx", hwaddress=MAC, ipaddress="fd08::77",
                        state="enable")


def packed(text):
    return ipaddress.ip_address(text).packed


EXPECTED = {
    (HOST, "ipv4-iface-20-0"): {
        "PortFamily": 2, "PortEnabled": 1, "PortAddressType": 1, "PortAddress": packed("10.8.0.5"),
        "PortPrefixLength": 20, "PortGatewayType": 1, "PortGateway": packed("10.8.0.1"),
        "PortBootProtocol": 2, "PortVlanId": 12, "PortMtu": 1500, "PortIfaceName": RECORD4.encode(),
        "PortInSync": 1, "PortDisplayName": b"ipv4-iface-20-0", "PortHwAddress": MAC.encode(),
        "PortTransport": b"qla4xxx", "PortLink": 2, "PortSpeed": b"10 Gbps"},
    (HOST, "ipv6-iface-20-0"): {
        "PortFamily": 3, "PortEnabled": 2, "PortAddressType": 2, "PortAddress": packed("fd08::5"),
        "PortGatewayType": 2, "PortGateway": packed("fe80::1"), "PortBootProtocol": One(1, 2, 3),
        "PortVlanId": 0, "PortMtu": 9000, "PortIfaceName": RECORD6.encode(), "PortInSync": 2,
        "PortDisplayName": b"ipv6-iface-20-0", "PortHwAddress": MAC.encode(),
        "PortTransport": b"qla4xxx", "PortLink": 2, "PortSpeed": b"10 Gbps"},
    (BARE, ""): {
        "PortFamily": One(1, 2), "PortAddressType": 1, "PortAddress": packed("10.8.1.5"),
        "PortVlanId": 0, "PortIfaceName": b"", "PortDisplayName": b"host21",
        "PortHwAddress": b"00:0e:1e:00:00:02", "PortTransport": b"cxgb4i", "PortLink": 1,
        "PortSpeed": b""},
}


def test_ports(checks):
    with World(checks, "ports") as world:
        fill(world)
        world.start_master()
        world.start_agent()
        view = world.view()
        got = {(index[0], mib.read_text(index[1:])[0].decode()): row
               for index, row in view.tables["PortTable"].items()}
        checks.equal(sorted(got), sorted(EXPECTED),
                     "a row for each iscsi_iface object, and for each offload host without one")
        for key, row in EXPECTED.items():
            for name, want in row.items():
                wrong = list(faults(got.get(key, {}), {name: want}, key[1] or "host%d" % key[0]))
                checks.empty(wrong, "%s of %s" % (name, key[1] or "a host without objects"))
        checks.equal(view.ifaces()[RECORD4]["Kind"], 3, "its record is an offload iface")
        transports = {row["TransportDisplayName"]: (row["TransportKind"], row["TransportLoaded"])
                      for row in view.tables["TransportTable"].values()}
        checks.equal(transports, {b"tcp": (1, 1), b"iser": (1, 2), b"qla4xxx": (2, 1),
                                  b"cxgb4i": (2, 1)}, "the kernel's transports are shown")
