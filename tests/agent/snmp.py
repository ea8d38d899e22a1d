# SPDX-License-Identifier: GPL-2.0-or-later
"""A small SNMPv2c (and SNMPv1) manager.

net-snmp's clients show what a user sees (clients.py). This one is for thousands of requests, for
polling every few milliseconds, and for error status and index, which they tell in words only.
"""

import collections
import socket

VarBind = collections.namedtuple("VarBind", "oid type value")

GET, GETNEXT, RESPONSE, SET, GETBULK = 0xA0, 0xA1, 0xA2, 0xA3, 0xA5
EXCEPTIONS = {0x80: "noSuchObject", 0x81: "noSuchInstance", 0x82: "endOfMibView"}
NUMBERS = {0x02: "INTEGER", 0x41: "Counter32", 0x42: "Gauge32", 0x43: "Timeticks",
           0x46: "Counter64"}
TAGS = {"INTEGER": 0x02, "STRING": 0x04, "NULL": 0x05, "OID": 0x06, "IpAddress": 0x40,
        "Counter32": 0x41, "Gauge32": 0x42, "Timeticks": 0x43, "Opaque": 0x44, "Counter64": 0x46}
ERRORS = ("noError tooBig noSuchName badValue readOnly genErr noAccess wrongType wrongLength "
          "wrongEncoding wrongValue noCreation inconsistentValue resourceUnavailable commitFailed "
          "undoFailed authorizationError notWritable inconsistentName").split()


class NotServed(Exception):
    """The agent did not give what was asked for."""


class NoAnswer(NotServed):
    """The time was up."""


class Refused(NotServed):
    """The answer has an error status."""

    def __init__(self, status, index):
        super().__init__("%s at %d" % (status, index))
        self.status = status
        self.index = index


def dotted(oid):
    return "." + ".".join(map(str, oid))


def _tlv(tag, body):
    size = len(body)
    if size < 128:
        return bytes((tag, size)) + body
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 128 | len(length))) + length + body


def _integer(number, tag=0x02):
    return _tlv(tag, number.to_bytes(number.bit_length() // 8 + 1, "big", signed=True))


def _oid(oid):
    body = bytearray()
    for sub in (oid[0] * 40 + oid[1],) + tuple(oid[2:]):
        groups = [sub & 127]
        while sub > 127:
            sub >>= 7
            groups.append(128 | sub & 127)
        body += bytes(reversed(groups))
    return _tlv(0x06, bytes(body))


def _value(kind, value):
    tag = TAGS[kind]
    if kind == "NULL":
        return _tlv(tag, b"")
    if kind == "OID":
        return _oid(value)
    return _tlv(tag, value) if isinstance(value, bytes) else _integer(value, tag)


def _parts(data):
    """The (tag, body) pairs in `data`."""
    at = 0
    while at < len(data):
        tag, size = data[at], data[at + 1]
        at += 2
        if size & 128:
            count = size & 127
            size = int.from_bytes(data[at:at + count], "big")
            at += count
        yield tag, data[at:at + size]
        at += size


def _read_oid(body):
    subs, sub = [], 0
    for octet in body:
        sub = sub << 7 | octet & 127
        if not octet & 128:
            subs.append(sub)
            sub = 0
    first = min(subs[0] // 40, 2)
    return (first, subs[0] - 40 * first) + tuple(subs[1:])


def _read_varbind(body):
    (_, name), (tag, value) = _parts(body)
    oid = _read_oid(name)
    if tag in EXCEPTIONS:
        return VarBind(oid, EXCEPTIONS[tag], None)
    if tag in NUMBERS:
        return VarBind(oid, NUMBERS[tag], int.from_bytes(value, "big", signed=tag == 0x02))
    if tag == 0x06:
        return VarBind(oid, "OID", _read_oid(value))
    return VarBind(oid, {0x04: "STRING", 0x40: "IpAddress"}.get(tag, hex(tag)), bytes(value))


def encode(kind, number, varbinds, community=b"public", version=1, first=0, second=0):
    """A message; `first` and `second` are what stands where an answer has error and index."""
    names = b"".join(_tlv(0x30, _oid(o) + _value(k, v)) for o, k, v in varbinds)
    pdu = _tlv(kind, _integer(number) + _integer(first) + _integer(second) + _tlv(0x30, names))
    return _tlv(0x30, _integer(version) + _tlv(0x04, community) + pdu)


def decode(octets):
    """(number, error status, error index, octets of the varbinds) of an answer."""
    _, _, (_, answer) = _parts(next(_parts(octets))[1])
    number, status, index, names = [body for _, body in _parts(answer)]
    return tuple(int.from_bytes(one, "big", signed=True) for one in (number, status, index)) + (
        names,)


class Manager:
    """Asks one agent. A request that stays without an answer is not sent again."""

    def __init__(self, port, community="public", timeout=5.0, version=1):
        self.version = version  # as in the message: 1 is SNMPv2c
        self.community = community.encode()
        self.timeout = timeout
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.connect(("127.0.0.1", port))
        self.number = 0

    def close(self):
        self.socket.close()

    def _ask(self, kind, varbinds, timeout=None, first=0, second=0):
        self.number += 1
        self.socket.settimeout(timeout or self.timeout)
        try:
            self.socket.send(encode(kind, self.number, varbinds, self.community, self.version,
                                    first, second))
            while True:  # an answer that came too late for an earlier request is passed over
                number, status, index, names = decode(self.socket.recv(65536))
                if number == self.number:
                    break
        except (socket.timeout, ConnectionError):
            raise NoAnswer("no answer for %s" % dotted(varbinds[0][0])) from None
        if status:
            raise Refused(ERRORS[status], index)
        return [_read_varbind(body) for _, body in _parts(names)]

    def get(self, *oids, timeout=None):
        return self._ask(GET, [(o, "NULL", None) for o in oids], timeout)

    def getnext(self, *oids, timeout=None):
        return self._ask(GETNEXT, [(o, "NULL", None) for o in oids], timeout)

    def set(self, *varbinds):
        return self._ask(SET, varbinds)

    def value(self, oid, timeout=None):
        """One value, or None where there is none."""
        return self.get(oid, timeout=timeout)[0].value

    def walk(self, root, repetitions=25):
        """Everything below `root`; with 0 repetitions by GETNEXT, one at a time."""
        rows, at = [], tuple(root)
        while True:
            if repetitions:
                answer = self._ask(GETBULK, [(at, "NULL", None)], None, 0, repetitions)
            else:
                answer = self.getnext(at)
            for varbind in answer:
                if varbind.type == "endOfMibView" or varbind.oid[:len(root)] != tuple(root):
                    return rows
                if varbind.oid <= at:
                    raise ValueError("%s after %s" % (dotted(varbind.oid), dotted(at)))
                rows.append(varbind)
                at = varbind.oid


class Sink:
    """Where a master sends its notifications."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.settimeout(0)
        self.port = self.socket.getsockname()[1]

    def close(self):
        self.socket.close()

    def take(self):
        """[{oid: value}] of what has come since the last time, in its order."""
        taken = []
        while True:
            try:
                message = next(_parts(self.socket.recv(65536)))[1]
            except BlockingIOError:
                return taken
            _, _, (_, pdu) = _parts(message)
            names = [body for _, body in _parts(pdu)][3]
            taken.append({bind.oid: bind.value for bind in
                          (_read_varbind(body) for _, body in _parts(names))})
