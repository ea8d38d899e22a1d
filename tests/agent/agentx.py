# SPDX-License-Identifier: GPL-2.0-or-later
"""AgentX (RFC 2741) from the master's side: its PDUs as octets, and a master that is the test's."""

import collections
import os
import select
import socket
import struct
import time

from snmp import TAGS

OPEN, CLOSE, REGISTER, UNREGISTER, GET, GETNEXT, GETBULK, TESTSET, COMMITSET, UNDOSET, CLEANUPSET, \
    NOTIFY, PING, INDEX_ALLOCATE, INDEX_DEALLOCATE, ADD_CAPS, REMOVE_CAPS, RESPONSE = range(1, 19)
PHASES = (TESTSET, COMMITSET, UNDOSET, CLEANUPSET)
CONTEXT, NETWORK_ORDER = 0x08, 0x10  # flags
HEADER = 20
LONGEST = 65536 - HEADER  # octets of a payload that the agent, or snmpd, can take
SESSION = 77  # what the master calls the agent's session
OWN = 1 << 30  # from here up are the packet IDs of what a Master sends by itself

Pdu = collections.namedtuple("Pdu", "kind flags session transaction packet payload")


def words(form, order, *numbers):
    return struct.pack((">" if order else "<") + form, *numbers)


def encode_oid(oid, order=True, include=0):
    """Without the prefix that would shorten it, unless there is one (RFC 2741, 5.1)."""
    prefix = 0
    if len(oid) > 4 and oid[:4] == (1, 3, 6, 1) and 0 < oid[4] < 256:
        prefix, oid = oid[4], oid[5:]
    return bytes((len(oid), prefix, include, 0)) + words("%dI" % len(oid), order, *oid)


def encode_octets(octets, order=True):
    return words("I", order, len(octets)) + octets + bytes(-len(octets) % 4)


def encode_varbind(oid, kind, value, order=True):
    tag = TAGS.get(kind, kind)
    head = words("HH", order, tag, 0) + encode_oid(oid, order)
    if tag in (0x02, 0x41, 0x42, 0x43):
        return head + words("I", order, value & 0xFFFFFFFF)
    if tag == 0x46:
        return head + words("Q", order, value)
    if tag == 0x06:
        return head + encode_oid(value, order)
    return head + (encode_octets(value, order) if tag in (0x04, 0x40, 0x44) else b"")


def encode_range(start, end=(), order=True, include=0):
    return encode_oid(start, order, include) + encode_oid(end, order)


def encode(kind, payload=b"", packet=0, transaction=0, session=SESSION, flags=NETWORK_ORDER):
    return bytes((1, kind, flags, 0)) + words(
        "IIII", flags & NETWORK_ORDER, session, transaction, packet, len(payload)) + payload


def read_header(octets):
    """(kind, flags, session, transaction, packet, length of the payload)"""
    order = ">" if octets[2] & NETWORK_ORDER else "<"
    return (octets[1], octets[2]) + struct.unpack_from(order + "IIII", octets, 4)


class Gone(Exception):
    """The agent has closed the connection, or made none, or does not answer."""


class Link:
    """One connection of the agent's. Whatever the agent sends is read while something is sent."""

    def __init__(self, connection):
        self.socket = connection
        self.socket.setblocking(False)
        self.buffer = bytearray()
        self.pdus = []  # that nobody has taken yet

    def close(self):
        self.socket.close()

    def send(self, octets, seconds=10):
        octets = memoryview(octets)
        while octets:
            readable, writable, _ = select.select([self.socket], [self.socket], [], seconds)
            if readable:
                self._receive()
            if writable:
                try:
                    octets = octets[self.socket.send(octets):]
                except BlockingIOError:
                    pass
                except OSError as error:
                    raise Gone(str(error)) from None
            elif not readable:
                raise Gone("the agent does not read")

    def _receive(self):
        try:
            octets = self.socket.recv(1 << 18)
        except OSError as error:
            raise Gone(str(error)) from None
        if not octets:
            raise Gone("closed by the agent")
        self.buffer += octets
        at = 0
        while len(self.buffer) - at >= HEADER:
            *head, size = read_header(self.buffer[at:at + HEADER])
            if len(self.buffer) - at < HEADER + size:
                break
            self.pdus.append(Pdu(*head, bytes(self.buffer[at + HEADER:at + HEADER + size])))
            at += HEADER + size
        del self.buffer[:at]

    def take(self, seconds):
        """The next PDU; None if the time is up."""
        end = time.monotonic() + seconds
        while not self.pdus:
            if not select.select([self.socket], [], [], max(0, end - time.monotonic()))[0]:
                return None
            self._receive()
        return self.pdus.pop(0)

    def closed(self, seconds):
        """True if the agent closes the connection within this time."""
        try:
            while self.take(seconds):
                pass
        except Gone:
            return True
        return False


def response(pdu, error=0, index=0):
    """The master's answer to a PDU of the agent's."""
    order = pdu.flags & NETWORK_ORDER
    return encode(RESPONSE, words("IHH", order, 100, error, index), pdu.packet, pdu.transaction,
                  SESSION, order)


def error_of(pdu):
    """res.error of a Response."""
    return struct.unpack_from(">H" if pdu.flags & NETWORK_ORDER else "<H", pdu.payload, 4)[0]


class Master:
    """Listens where the agent looks for its master."""

    def __init__(self, path):
        self.path = path
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listener.bind(path)
        self.listener.listen(8)
        self.link = None
        self.packet = OWN
        self.answers = []  # (packet, error) of the answers to other PDUs

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if self.link:
            self.link.close()
        self.listener.close()
        os.unlink(self.path)

    def meet(self, seconds, last=ADD_CAPS):
        """Accepts the agent and answers what it asks, up to a kind of PDU; that one is not answered
        and returned. The agent looks first whether anybody listens: that is a connection, too."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.link:
                self.link.close()
            self.listener.settimeout(max(0.01, end - time.monotonic()))
            try:
                self.link = Link(self.listener.accept()[0])
                while True:
                    pdu = self.link.take(max(0, end - time.monotonic()))
                    if pdu is None or pdu.kind == last:
                        break
                    self.link.send(response(pdu))
            except (Gone, socket.timeout):
                continue
            if pdu:
                return pdu
        raise Gone("the agent does not come back")

    def welcome(self, seconds=10):
        asked = self.meet(seconds)
        self.link.send(response(asked))

    def begin(self, kind, payload=b"", transaction=0, **more):
        """Sends one PDU; its number."""
        self.packet += 1
        self.link.send(encode(kind, payload, self.packet, transaction, **more))
        return self.packet

    def end(self, number, seconds=10):
        """The answer to that PDU. What else the agent says is noted on the way."""
        end = time.monotonic() + seconds
        while True:
            pdu = self.link.take(max(0, end - time.monotonic()))
            if pdu is None:
                raise Gone("no answer")
            if pdu.kind == NOTIFY:
                self.link.send(response(pdu))
            elif pdu.kind == RESPONSE and pdu.packet == number:
                return pdu
            elif pdu.kind == RESPONSE:
                self.answers.append((pdu.packet, error_of(pdu)))

    def ask(self, kind, payload=b"", transaction=0, seconds=10, **more):
        return self.end(self.begin(kind, payload, transaction, **more), seconds)
