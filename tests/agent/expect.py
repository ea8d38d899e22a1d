# SPDX-License-Identifier: GPL-2.0-or-later
"""What the agent must show for a world, computed from the world's files and devices alone.

Where the contract leaves a value open (a time, a number that the agent chooses) the expectation
is a predicate; where it names one, it is that one.
"""

import glob
import ipaddress
import os
import re

import network

IPV4, IPV6, DNS = 1, 2, 16
NEVER = bytes(8)
SOFTWARE = ("tcp", "iser")
STARTUP = {"manual": 1, "automatic": 2, "onboot": 3}
SESSION_STATE = {"LOGGED_IN": 2, "FAILED": 3, "FREE": 4}
LOGGED_OUT, LOGGED_IN, RECOVERING, LOST = 1, 3, 4, 5
IDLE, UP, DEGRADED, DOWN = 1, 2, 3, 4


class One:
    """Any of several values."""

    def __init__(self, *values):
        self.values = values

    def __call__(self, got):
        return got in self.values

    def __repr__(self):
        return "one of %r" % (self.values,)


class Number:
    """A number in a range."""

    def __init__(self, low=0, high=2 ** 32 - 1):
        self.low, self.high = low, high

    def __call__(self, got):
        return isinstance(got, int) and self.low <= got <= self.high

    def __repr__(self):
        return "a number in %d..%d" % (self.low, self.high)


class Text:
    """Octets that match a pattern as a whole."""

    def __init__(self, pattern):
        self.pattern = pattern

    def __call__(self, got):
        return isinstance(got, bytes) and bool(re.fullmatch(self.pattern.encode(), got, re.S))

    def __repr__(self):
        return "text like %s" % self.pattern


class Date:
    """A DateAndTime with its zone and in this century."""

    def __call__(self, got):
        return (isinstance(got, bytes) and len(got) == 11 and got[0] * 256 + got[1] >= 2000
                and 1 <= got[2] <= 12 and 1 <= got[3] <= 31 and got[4] < 24 and got[5] < 60
                and got[6] <= 60 and got[7] < 10 and got[8:9] in b"+-" and got[9] < 15)

    def __repr__(self):
        return "11 octets of a date"


def matches(got, want):
    return want(got) if callable(want) else got == want


def faults(got, want, where):
    """Where a row (or set of scalars) is not as expected; `want` need not name every column."""
    for name in want:
        if name not in got:
            yield "%s %s: nothing, want %s" % (where, name, want[name])
        elif not matches(got[name], want[name]):
            yield "%s %s: got %r, want %r" % (where, name, got[name], want[name])


def octets(text):
    return text.encode("utf-8", "surrogateescape")


def address(text):
    """(InetAddressType, InetAddress) of an address as it is written in a record."""
    if not text:
        return 0, b""
    try:
        literal = ipaddress.ip_address(text)
    except ValueError:
        return DNS, octets(text)
    return (IPV4 if literal.version == 4 else IPV6), literal.packed


def portal_text(host, port, tpgt):
    return "%s:%s,%s" % ("[%s]" % host if ":" in host else host, port, tpgt)


def attributes(path):
    """{file: text} of a sysfs device; what is unset is empty."""
    found = {}
    for name in os.listdir(path):
        full = os.path.join(path, name)
        if os.path.isfile(full):
            with open(full, encoding="ascii") as file:
                found[name] = file.read().strip().replace("(null)", "")
    return found


def iscsid_runs():
    """A process of that name, or systemd's socket for it, is there on this host."""
    for path in glob.glob("/proc/[0-9]*/comm"):
        try:
            with open(path, encoding="ascii", errors="replace") as file:
                if file.read().strip() == "iscsid":
                    return True
        except OSError:
            pass  # it has ended meanwhile
    with open("/proc/net/unix", encoding="ascii", errors="replace") as file:
        return "@ISCSIADM_ABSTRACT_NAMESPACE" in file.read()


class Session:
    """One kernel session, read through the class links like anybody would."""

    def __init__(self, sysfs, name):
        self.id = int(name[len("session"):])
        at = os.path.realpath(sysfs.path("class/iscsi_session", name))
        bare = os.path.dirname(os.path.dirname(at))
        host = os.path.dirname(bare)
        self.host = int(os.path.basename(host)[len("host"):])
        self.data = attributes(at)
        self.connection = attributes(sysfs.path(
            "class/iscsi_connection/connection%d:0" % self.id))
        self.host_data = attributes(os.path.join(host, "iscsi_host", os.path.basename(host)))
        driver = attributes(os.path.join(host, "scsi_host", os.path.basename(host)))["proc_name"]
        self.transport = driver.replace("iscsi_", "", 1)
        self.key = (self.data["ifacename"], self.data["targetname"],
                    self.connection["persistent_address"],
                    int(self.connection["persistent_port"]))
        self.disks = {}
        for folder, names, _ in os.walk(bare):
            if os.path.basename(folder) == "block":
                lun = int(os.path.basename(os.path.dirname(folder)).split(":")[3])
                self.disks[lun] = (names[0], os.path.dirname(folder))
                del names[:]


class Expectation:
    """The tables that a world's files make."""

    def __init__(self, world):
        self.records = world.records
        self.sysfs = world.sysfs
        self.world = world
        self.devices = network.devices()
        folder = world.sysfs.path("class/iscsi_session")
        names = os.listdir(folder) if os.path.isdir(folder) else []
        self.sessions = [Session(world.sysfs, name) for name in names]
        self.ifaces = world.records.ifaces()
        for name in ("default", "iser"):
            self.ifaces.setdefault(name, world.records.iface_settings(name))
        self.nodes = world.records.nodes()
        self.bindings = {key: self._binding(key, node) for key, node in self.nodes.items()}

    # -- helpers

    def session_of(self, key):
        for session in self.sessions:
            if session.key == key[:4]:
                return session
        return None

    def wanted_device(self, settings):
        """(what decides the path, name of the device or None, its status)"""
        net = settings.get("net_ifacename", "")
        net = "" if net == "default" else net
        if settings.get("transport_name") not in SOFTWARE:
            return 3 if settings.get("hwaddress") else None, None, 1
        if settings.get("hwaddress"):
            same = [n for n, d in self.devices.items() if d[1] == settings["hwaddress"]]
            if len(same) > 1:
                return 3, None, 6
            return 3, same[0] if same else None, self._status(same[0]) if same else 4
        if net:
            return 2, net if net in self.devices else None, self._status(net)
        return 1, None, 1

    def _status(self, name):
        if name not in self.devices:
            return 4
        _, _, up, addresses = self.devices[name]
        return 3 if not up else 2 if addresses else 5

    def owner(self, text):
        """Index of the device that has an address, 0 if none."""
        for index, _, _, addresses in self.devices.values():
            if text and address(text) in map(address, addresses):
                return index
        return 0

    def _in_sync(self, key, node, session):
        """1 in sync, 2 the record's copy differs, 3 the live session does."""
        settings = self.ifaces.get(key[0], {})
        copy = {k[6:]: v for k, v in node.items() if k.startswith("iface.")}
        for name in set(copy) | set(settings):
            if name != "iscsi_ifacename" and copy.get(name, "0") != settings.get(name, "0"):
                return 2
        if session:
            for name, label in (("net_ifacename", "netdev"), ("hwaddress", "hwaddress")):
                if settings.get(name, "") != session.host_data.get(label, ""):
                    return 3
        return 1

    def _path(self, key, session):
        """(PathIfIndex, Path) may be: without sockets to ask there is at best the owner of the
        local address, and an iface that asks for no device is content with any."""
        if not session:
            return 0, 1
        if session.data["state"] != "LOGGED_IN":
            return 0, One(1, 4)
        decided, name, _ = self.wanted_device(self.ifaces.get(key[0], {}))
        owner = self.owner(session.host_data.get("ipaddress", ""))
        if decided == 1:
            return One(0, owner), One(2, 4)
        if owner and name and self.devices[name][0] == owner:
            return One(0, owner), One(2, 4)
        return 0, 4

    def _binding(self, key, node):
        iface, target, host, port, tpgt = key
        session = self.session_of(key)
        state = session.data["state"] if session else ""
        startup = node.get("node.startup", "manual")
        admin = 1 if startup != "manual" or session else 2
        oper = {"": LOGGED_OUT, "LOGGED_IN": LOGGED_IN, "FAILED": RECOVERING, "FREE": LOST}[state]
        up = oper == LOGGED_IN
        kind, literal = address(host)
        text = portal_text(host, port, tpgt)
        index, path = self._path(key, session)
        return {
            "BindingIfaceName": octets(iface), "BindingTargetName": octets(target),
            "BindingPortalAddressType": kind, "BindingPortalAddress": literal,
            "BindingPortalPort": port, "BindingTpgt": tpgt, "BindingStartup": STARTUP[startup],
            "BindingAdminStatus": admin, "BindingOperStatus": oper,
            "BindingSessionId": session.id if session else 0,
            "BindingPathIfIndex": index, "BindingPath": path,
            "BindingUpSince": Date() if up else lambda got: got == NEVER or Date()(got),
            "BindingLosses": Number(0, 1),
            "BindingLastLoss": lambda got: got == NEVER or Date()(got),
            "BindingLastError": Text(".{0,127}"), "BindingLastJob": 0, "BindingStorageType": 3,
            "BindingRowStatus": 1, "BindingPortal": octets(text),
            "BindingInSync": self._in_sync(key, node, session),
            "BindingLabel": octets("%s via %s on %s" % (target, text, iface))[:255],
            "BindingUpSeconds": Number() if up else 0}

    @staticmethod
    def _over(bindings):
        """Operational status over the wanted ones of some bindings."""
        wanted = [b for b in bindings if b["BindingAdminStatus"] == 1]
        up = [b for b in wanted if b["BindingOperStatus"] == LOGGED_IN]
        return IDLE if not wanted else UP if up == wanted else DEGRADED if up else DOWN

    @staticmethod
    def _up(bindings):
        return [b for b in bindings if b["BindingOperStatus"] == LOGGED_IN]

    @staticmethod
    def _lost(bindings):
        return [b for b in bindings if b["BindingAdminStatus"] == 1
                and b["BindingOperStatus"] in (RECOVERING, LOST, 6, 7)]

    # -- the tables

    def scalars(self):
        every = list(self.bindings.values())
        wanted = [b for b in every if b["BindingAdminStatus"] == 1]
        targets = self.targets()
        folder = self.sysfs.path("class/iscsi_transport")
        if not wanted:
            status = 4
        elif any(t["TargetOperStatus"] == DOWN for t in targets.values()):
            status = 3
        elif self._up(wanted) != wanted or any(b["BindingInSync"] != 1 for b in wanted):
            status = 2
        else:
            status = 1
        return {
            "InitiatorName": octets(self.world.initiator),
            "AgentVersion": Text(r"\d[\w.+~-]*"), "ControlMode": 1, "SetLock": Number(0, 2**31 - 1),
            "RecordDirectory": octets(self.records.root), "ConfigLastChange": Number(),
            "StateLastChange": Number(), "DaemonStatus": One(1, 3) if iscsid_runs() else 2,
            # Without the class it is down; with it, the netlink decides, which sysfs cannot tell.
            "KernelStatus": One(1, 2) if os.path.isdir(folder) else 2,
            "HostStatus": status, "Count": len(self.ifaces),
            "BindingCount": len(every), "BindingUpCount": len(self._up(every)),
            "BindingLostCount": len(self._lost(every)), "SessionCount": len(self.sessions),
            "BindingNextIndex": Number(1, 2**30 - 1), "JobNextIndex": Number(1, 2**30 - 1),
            "BadRecordCount": 0, "Resyncs": Number(), "Overflows": 0,
            "SinglePathCount": sum(t["TargetBindingsUp"] == 1 for t in targets.values()),
            "NotifyEnable": b"\xff",
            "NotifyHoldDown": 0, "NotifySuppressed": 0, "NotifyQueued": Number(), "NotifyRate": 50}

    def transports(self):
        folder = self.sysfs.path("class/iscsi_transport")
        loaded = set(os.listdir(folder)) if os.path.isdir(folder) else set()
        used = [s.get("transport_name", "") for s in self.ifaces.values()]
        rows = {}
        for name in loaded | set(used) | set(SOFTWARE):
            if name:
                rows[name] = {
                    "TransportKind": 1 if name in SOFTWARE else 2,
                    "TransportLoaded": 1 if name in loaded else 2,
                    "TransportIfaceCount": used.count(name),
                    "TransportSessionCount": sum(s.transport == name for s in self.sessions),
                    "TransportDisplayName": octets(name)}
        return rows

    def iface_rows(self):
        return {name: self._iface(name, settings) for name, settings in self.ifaces.items()}

    def _iface(self, name, settings):
        mine = {key: row for key, row in self.bindings.items() if key[0] == name}
        builtin = name in ("default", "iser")
        software = settings.get("transport_name") in SOFTWARE
        kind, literal = address(settings.get("ipaddress", ""))
        decided, device, status = self.wanted_device(settings)
        net = settings.get("net_ifacename", "")
        differ = [row["BindingInSync"] for row in mine.values()]
        row = {
            "Transport": octets(settings.get("transport_name", "")),
            "HwAddress": octets(settings.get("hwaddress", "")), "IpAddressType": kind,
            "IpAddress": literal, "NetIfaceName": octets("" if net == "default" else net),
            "Initiator": octets(settings.get("initiatorname", "")),
            "Kind": 1 if builtin else 2 if software else 3,
            "IfIndex": self.devices[device][0] if device else One(
                0, *[d[0] for d in self.devices.values() if d[1] == settings.get("hwaddress")]),
            "DeviceStatus": status, "OperStatus": self._over(mine.values()),
            "Bindings": len(mine), "BindingsUp": len(self._up(mine.values())),
            "RebindMode": 1, "LastJob": 0, "LastChange": Number(),
            "StorageType": 5 if builtin else 3, "RowStatus": 1, "DisplayName": octets(name),
            "InSync": 2 if 2 in differ else 3 if 3 in differ else 1}
        if decided:
            row["BoundBy"] = decided
        return row

    def setting_rows(self, name):
        """Every setting that must be there: what the record holds, and what software heeds."""
        rows = dict.fromkeys(("net_ifacename", "hwaddress", "transport_name", "initiatorname"), "")
        rows.update(self.ifaces[name], iscsi_ifacename=name)
        return {key: octets(value) for key, value in rows.items()}

    def session_rows(self):
        return {session.id: self._session(session) for session in self.sessions}

    def _session(self, session):
        link, data = session.connection, session.data
        portal = address(link["persistent_address"])
        local = address(session.host_data.get("ipaddress", ""))
        port, tpgt = int(link["persistent_port"]), int(data["tpgt"])
        return {
            "SessionIfaceName": octets(data["ifacename"]),
            "SessionTargetName": octets(data["targetname"]), "SessionTpgt": tpgt,
            "SessionPortalAddressType": portal[0], "SessionPortalAddress": portal[1],
            "SessionPortalPort": port, "SessionLocalAddressType": local[0],
            "SessionLocalAddress": local[1], "SessionLocalPort": int(link.get("local_port", 0)),
            "SessionIfIndex": One(0, self.owner(session.host_data.get("ipaddress", ""))),
            "SessionState": SESSION_STATE.get(data["state"], 1),
            "SessionConnState": octets(link.get("state", "")),
            "SessionRecoveryTimeout": int(data["recovery_tmo"]), "SessionHost": session.host,
            "SessionDiscontinuity": Number(), "SessionDisks": len(session.disks),
            "SessionTransport": octets(session.transport),
            "SessionPortal": octets(portal_text(link["persistent_address"], port, tpgt)),
            "SessionHeaderDigest": 1 if link["header_digest"] == "1" else 2,
            "SessionDataDigest": 1 if link["data_digest"] == "1" else 2, "SessionErrors": 0}

    def disk_rows(self):
        """{(session, LUN): row}"""
        rows = {}
        for session in self.sessions:
            for lun, (name, path) in session.disks.items():
                scsi, block = attributes(path), os.path.join(path, "block", name)
                holders = [holder for name in os.listdir(os.path.join(block, "holders"))
                           for holder in (name, attributes(self.sysfs.path(
                               "class/block", name, "dm"))["name"])]
                rows[session.id, lun] = {
                    "DiskDevice": octets(name), "DiskState": octets(scsi["state"]),
                    "DiskSize": int(attributes(block)["size"]) * 512 // 2**20,
                    "DiskWwid": octets(scsi["wwid"]), "DiskMap": b"",
                    # Whether this host mounts it cannot be told of a disk that it has not.
                    "DiskInUse": 3 if holders else One(1, 4),
                    "DiskUser": Text(".*(%s).*" % "|".join(holders)) if holders else Text(".*")}
        return rows

    def targets(self):
        """{target name: row}"""
        rows = {}
        for name in {key[1] for key in self.bindings}:
            mine = [row for key, row in self.bindings.items() if key[1] == name]
            wwids = {attributes(path)["wwid"] for session in self.sessions
                     if session.data["targetname"] == name
                     for _, path in session.disks.values()}
            rows[name] = {
                "TargetName": octets(name), "TargetBindings": len(mine),
                "TargetBindingsUp": len(self._up(mine)),
                "TargetBindingsLost": len(self._lost(mine)), "TargetDisks": len(wwids),
                "TargetOperStatus": self._over(mine)}
        return rows
