# SPDX-License-Identifier: GPL-2.0-or-later
"""PDUs of AgentX at random, from valid to nonsense, the same ones for a seed."""

import random

import agentx
from agentx import (CLEANUPSET, CLOSE, COMMITSET, GET, GETBULK, GETNEXT, LONGEST, NETWORK_ORDER,
                    PING, RESPONSE, SESSION, TESTSET, UNDOSET)


class Generator:
    """`names` are some that there are; `write(number, order)` is a TestSet that can be done."""

    EDGES = (0, 1, 2, 3, 4, 5, 127, 128, 129, 255, 256, 65535, 65536, 2 ** 31 - 1, 2 ** 31,
             2 ** 32 - 20, 2 ** 32 - 4, 2 ** 32 - 1)

    def __init__(self, seed, names, write):
        self.write = write
        self.chance = random.Random(seed)
        self.names = names
        self.number = 0

    def name(self):
        oid = self.chance.choice(self.names)
        if self.chance.random() < 0.3:
            at = self.chance.randrange(len(oid) + 1)
            oid = oid[:at] + (self.chance.choice(self.EDGES),) * self.chance.choice(
                (0, 1, 1, 2, 130))
        return oid[:255]

    def ranges(self, order):
        many = self.chance.choice((0, 1, 1, 1, 2, 5, 50)) if self.chance.random() < 0.99 else 900
        return b"".join(agentx.encode_range(self.name(), self.chance.choice(((), self.name())),
                                            order, self.chance.choice((0, 0, 1)))
                        for _ in range(many))

    def varbind(self, order):
        kind = self.chance.choice(("INTEGER", "STRING", "NULL", "OID", "IpAddress", "Counter32",
                                   "Gauge32", "Timeticks", "Opaque", "Counter64", 0x80, 0x81, 0x82))
        value = self.chance.getrandbits(32)
        if kind in ("STRING", "IpAddress", "Opaque"):
            value = self.chance.randbytes(self.chance.choice((0, 1, 4, 17, 300)))
        elif kind == "OID":
            value = self.name()
        return agentx.encode_varbind(self.name(), kind, value, order)

    def payload(self, kind, order):
        if kind in (GET, GETNEXT):
            return self.ranges(order)
        if kind == GETBULK:
            return agentx.words("HH", order, *(self.chance.choice((0, 1, 10, 65535))
                                               for _ in range(2))) + self.ranges(order)
        if kind == TESTSET:
            if self.chance.random() < 0.5:
                return self.write(self.number, order)
            return b"".join(self.varbind(order) for _ in range(self.chance.choice((1, 1, 2, 30))))
        if kind == RESPONSE:
            return bytes(8) + b"".join(self.varbind(order)
                                       for _ in range(self.chance.randrange(3)))
        return b""

    def damage(self, octets):
        """In the payload; its length stays true."""
        octets = bytearray(octets)
        for _ in range(self.chance.choice((1, 1, 2, 4))):
            if not octets:
                break
            at = self.chance.randrange(len(octets))
            action = self.chance.randrange(6)
            if action == 0:
                octets[at] ^= 1 << self.chance.randrange(8)
            elif action == 1:
                octets[at] = self.chance.choice((0, 1, 4, 127, 128, 255))
            elif action == 2:
                octets[at & ~3:(at & ~3) + 4] = agentx.words("I", True,
                                                             self.chance.choice(self.EDGES))
            elif action == 3:
                del octets[at & ~3:]
            elif action == 4:
                octets[at & ~3:at & ~3] = self.chance.randbytes(4 * self.chance.randrange(1, 9))
            else:
                octets += octets[:self.chance.randrange(len(octets) + 1) & ~3]
        return bytes(octets[:LONGEST])

    def pdu(self):
        """One PDU whose length is true: whatever else it is, the next one begins after it."""
        self.number += 1
        chance = self.chance
        kind = chance.choices(
            (GET, GETNEXT, GETBULK, TESTSET, COMMITSET, UNDOSET, CLEANUPSET, RESPONSE, PING),
            (20, 20, 5, 15, 15, 4, 14, 5, 2))[0]
        order = chance.choice((0, NETWORK_ORDER))
        payload = self.payload(kind, order)
        if chance.random() < 0.3:
            payload = self.damage(payload)
        payload += bytes(-len(payload) % 4)
        if chance.random() < 0.1:  # not Close: that one ends the connection
            kind = chance.choice([n for n in range(256) if n != CLOSE])
        octets = bytearray(agentx.encode(
            kind, payload[:LONGEST + 20],
            self.number if chance.random() < 0.98 else chance.choice((0, 1, self.number - 1)),
            chance.choice((1,) * 9 + (2,)) if chance.random() < 0.98 else chance.getrandbits(32),
            SESSION if chance.random() < 0.98 else chance.choice(self.EDGES),
            order if chance.random() < 0.95 else order | chance.getrandbits(8) & ~NETWORK_ORDER))
        octets[3] = 0 if chance.random() < 0.98 else chance.getrandbits(8)  # reserved
        return bytes(octets)

    def last(self):
        """Something after which a connection cannot go on."""
        octets = bytearray(self.pdu())
        action = self.chance.randrange(4)
        if action == 0:
            return bytes(octets[:self.chance.randrange(1, len(octets))])
        if action == 1:
            octets[16:20] = agentx.words("I", octets[2] & NETWORK_ORDER,
                                         self.chance.choice(self.EDGES[6:]))
        elif action == 2:
            return self.chance.randbytes(self.chance.choice((1, 20, 500, 70000)))
        else:
            octets[self.chance.choice((0, 1, 2, 16, 17, 18, 19))] ^= 1 << self.chance.randrange(8)
        return bytes(octets)
