# SPDX-License-Identifier: GPL-2.0-or-later
"""The contract of ISCSI-IFACE-MIB, as managers rely on it: every name at its arc, its type on the
wire and its access. Written down from the design page, so that neither the MIB file nor the agent
can drift from it unseen. The names are without their `iscsiIface`.

Type: s octets, i INTEGER, u Gauge32 or Unsigned32, c Counter32, C Counter64, t TimeTicks, b BITS.
Access: r read-only, w read-write, c read-create, - not-accessible, n accessible-for-notify.
"""

PREFIX = "iscsiIface"
ROOT = (1, 3, 6, 1, 4, 1, 8072, 9999, 9999, 3260)

AGENT = """
AgentVersion:sr InitiatorName:sr RecordDirectory:sr ControlMode:ir SetLock:iw ConfigLastChange:tr
StateLastChange:tr DaemonStatus:ir KernelStatus:ir HostStatus:ir Count:ur BindingCount:ur
BindingUpCount:ur BindingLostCount:ur SessionCount:ur BindingNextIndex:ur JobNextIndex:ur
BadRecordCount:ur SinglePathCount:ur Resyncs:cr Overflows:cr
"""

ALERTING = """
NotifyEnable:bw NotifyHoldDown:uw NotifySuppressed:cr NotifyQueued:ur NotifyEventId:un
NotifyPathName:sn NotifyReason:in NotifyJobIndex:un NotifyRate:uw NotifyFlaps:un
"""

TABLES = {
    "TransportTable": (2, ["TransportName"], """
        TransportName:s- TransportKind:ir TransportLoaded:ir TransportIfaceCount:ur
        TransportSessionCount:ur TransportDisplayName:sr"""),
    "Table": (3, ["Name"], """
        Name:s- Transport:sc HwAddress:sc IpAddressType:ic IpAddress:sc NetIfaceName:sc
        Initiator:sc Kind:ir BoundBy:ir IfIndex:ir DeviceStatus:ir OperStatus:ir Bindings:ur
        BindingsUp:ur RebindMode:ic LastJob:ur LastChange:tr StorageType:ir RowStatus:ic
        DisplayName:sr InSync:ir"""),
    "SettingTable": (4, ["Name", "SettingName"], """
        SettingName:s- SettingValue:sw SettingDisplayName:sr"""),
    "BindingTable": (5, ["BindingIndex"], """
        BindingIndex:u- BindingIfaceName:sc BindingTargetName:sc BindingPortalAddressType:ic
        BindingPortalAddress:sc BindingPortalPort:uc BindingTpgt:ic BindingStartup:ic
        BindingAdminStatus:ic BindingOperStatus:ir BindingSessionId:ur BindingPathIfIndex:ir
        BindingPath:ir BindingUpSince:sr BindingLosses:cr BindingLastLoss:sr BindingLastError:sr
        BindingLastJob:ur BindingStorageType:ir BindingRowStatus:ic BindingPortal:sr
        BindingInSync:ir BindingLabel:sr BindingUpSeconds:ur"""),
    "SessionTable": (6, ["SessionId"], """
        SessionId:u- SessionIfaceName:sr SessionBindingIndex:ur SessionTargetName:sr
        SessionTpgt:ir SessionPortalAddressType:ir SessionPortalAddress:sr SessionPortalPort:ur
        SessionLocalAddressType:ir SessionLocalAddress:sr SessionLocalPort:ur SessionIfIndex:ir
        SessionState:ir SessionConnState:sr SessionRecoveryTimeout:ur SessionHost:ur
        SessionTxOctets:Cr SessionRxOctets:Cr SessionRtt:ur SessionRetransmits:cr
        SessionDiscontinuity:tr SessionDisks:ur SessionTransport:sr SessionPortal:sr
        SessionHeaderDigest:ir SessionDataDigest:ir SessionPathMtu:ur SessionErrors:cr"""),
    "DiskTable": (7, ["SessionId", "DiskLun"], """
        DiskLun:u- DiskDevice:sr DiskSize:ur DiskState:sr DiskInUse:ir DiskUser:sr DiskWwid:sr
        DiskMap:sr"""),
    "PortTable": (8, ["PortHost", "PortName"], """
        PortHost:u- PortName:s- PortFamily:ir PortEnabled:ir PortAddressType:ir PortAddress:sr
        PortPrefixLength:ur PortGatewayType:ir PortGateway:sr PortBootProtocol:ir PortVlanId:ir
        PortMtu:ur PortIfaceName:sr PortInSync:ir PortDisplayName:sr PortHwAddress:sr
        PortTransport:sr PortLink:ir PortSpeed:sr"""),
    "JobTable": (9, ["JobIndex"], """
        JobIndex:u- JobKind:ic JobIfaceName:sc JobTargetName:sc JobPortalAddressType:ic
        JobPortalAddress:sc JobPortalPort:uc JobForce:ic JobState:ir JobProgress:ur JobStep:sr
        JobErrorCode:ir JobErrorText:sr JobStarted:sr JobFinished:sr JobResults:ur JobOwner:sc
        JobRowStatus:ic JobControl:ic"""),
    "EventTable": (10, ["EventIndex"], """
        EventIndex:u- EventTime:sr EventKind:ir EventIfaceName:sr EventBindingIndex:ur
        EventText:sr EventNotified:ir"""),
    "TargetTable": (12, ["TargetIndex"], """
        TargetIndex:u- TargetName:sr TargetBindings:ur TargetBindingsUp:ur TargetBindingsLost:ur
        TargetDisks:ur TargetOperStatus:ir"""),
}

NOTIFICATIONS = """BindingLost BindingRestored BindingMisrouted DeviceLost DeviceRestored
RecordChanged JobEnded EventsSuppressed"""

# Of a session's socket: no instance where the host has no such socket, as under a sysfs of ours.
SOCKET_COLUMNS = {"SessionTxOctets", "SessionRxOctets", "SessionRtt", "SessionRetransmits",
                  "SessionPathMtu"}

WIRE = {"s": "STRING", "b": "STRING", "i": "INTEGER", "u": "Gauge32", "c": "Counter32",
        "C": "Counter64", "t": "Timeticks"}
ACCESS = {"r": "read-only", "w": "read-write", "c": "read-create", "-": "not-accessible",
          "n": "accessible-for-notify"}


def fields(text):
    """(name, arc, type letter, access letter) of one of the lists above."""
    for arc, word in enumerate(text.split(), 1):
        name, _, codes = word.partition(":")
        yield name, arc, codes[0], codes[1]


def objects():
    """Every scalar and column: (name, arcs below the root, type letter, access letter)."""
    for arc, group in ((1, AGENT), (11, ALERTING)):
        for name, column, kind, access in fields(group):
            yield name, (1, arc, column), kind, access
    for arc, _, columns in TABLES.values():
        for name, column, kind, access in fields(columns):
            yield name, (1, arc, 1, column), kind, access
