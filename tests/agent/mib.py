# SPDX-License-Identifier: GPL-2.0-or-later
"""Names and object identifiers out of ISCSI-IFACE-MIB.txt.

It reads only what stands as `name MACRO ... ::= { parent N }`, and of an OBJECT-TYPE its SYNTAX,
MAX-ACCESS and INDEX: enough to name what the agent shows, and no code shared with the agent.
"""

import collections
import os
import re
import shutil

Object = collections.namedtuple("Object", "name macro oid syntax access index")

KNOWN = {"iso": (1,), "org": (1, 3), "dod": (1, 3, 6), "internet": (1, 3, 6, 1),
         "enterprises": (1, 3, 6, 1, 4, 1), "experimental": (1, 3, 6, 1, 3)}
MACROS = ("OBJECT-TYPE", "MODULE-IDENTITY", "OBJECT-IDENTITY", "OBJECT IDENTIFIER",
          "NOTIFICATION-TYPE", "OBJECT-GROUP", "NOTIFICATION-GROUP", "MODULE-COMPLIANCE")
DEFINITION = re.compile(r"\b([a-z][\w-]*)\s+(%s)\b((?:(?!::=).)*?)::=\s*\{([^{}]*)\}"
                        % "|".join(MACROS), re.S)


def _plain(text):
    """The module without its quoted texts and comments, which may hold anything."""
    return re.sub(r'"[^"]*"|--.*?(?:--|$)', '""', text, flags=re.M)


def _clause(body, word, until):
    found = re.search(r"\b%s\s+(.*?)\s*(?:%s|$)" % (word, until), body, re.S)
    return " ".join(found.group(1).split()) if found else ""


class Mib:
    def __init__(self, path):
        with open(path, encoding="ascii") as file:
            text = _plain(file.read())
        self.path = path
        self.objects = {}
        arcs = {}
        for name, macro, body, value in DEFINITION.findall(text):
            arcs[name] = (macro, body, value.split())
        for name in arcs:
            self._resolve(name, arcs)
        self.root = self.oid("iscsiIfaceMIB")

    def _resolve(self, name, arcs):
        if name in KNOWN:
            return KNOWN[name]
        if name not in self.objects:
            macro, body, words = arcs[name]
            oid = () if words[0].isdigit() else self._resolve(words[0], arcs)
            for word in words[0 if words[0].isdigit() else 1:]:
                oid += (int(re.sub(r"^.*\((\d+)\)$", r"\1", word)),)
            index = re.search(r"\bINDEX\s*\{([^{}]*)\}", body)
            self.objects[name] = Object(
                name, macro, oid, _clause(body, "SYNTAX", "UNITS|MAX-ACCESS"),
                _clause(body, "MAX-ACCESS", "STATUS"),
                re.findall(r"[\w-]+", index.group(1)) if index else [])
        return self.objects[name].oid

    def oid(self, name):
        return self.objects[name].oid

    def instance(self, name, *index):
        """The OID of a scalar, or of a column's instance."""
        return self.oid(name) + (index or (0,))

    def columns(self, table):
        """A table's columns in the order of their arcs."""
        entry = self.oid(table) + (1,)
        found = [o for o in self.objects.values()
                 if o.macro == "OBJECT-TYPE" and o.oid[:-1] == entry]
        return sorted(found, key=lambda o: o.oid)

    def tables(self):
        return [o.name for o in sorted(self.objects.values(), key=lambda o: o.oid)
                if o.syntax.startswith("SEQUENCE OF")]

    def scalars(self):
        """Readable objects that are no column."""
        rows = {o.oid for o in self.objects.values() if o.index}
        return [o for o in sorted(self.objects.values(), key=lambda o: o.oid)
                if o.macro == "OBJECT-TYPE" and o.oid[:-1] not in rows
                and o.access in ("read-only", "read-write")]


def text_index(text, *more):
    """A length-prefixed string as index, with whatever follows it."""
    octets = text if isinstance(text, bytes) else text.encode()
    return (len(octets),) + tuple(octets) + more


def read_text(index):
    """The string at the front of an index, and what follows it."""
    size = index[0]
    return bytes(index[1:1 + size]), tuple(index[1 + size:])


# What the module imports, as far as net-snmp's tools need it to name and print our columns. The
# IETF's own files are not on every machine.
STUBS = {
    "SNMPv2-SMI": """
org OBJECT IDENTIFIER ::= { iso 3 }
dod OBJECT IDENTIFIER ::= { org 6 }
internet OBJECT IDENTIFIER ::= { dod 1 }
mgmt OBJECT IDENTIFIER ::= { internet 2 }
experimental OBJECT IDENTIFIER ::= { internet 3 }
private OBJECT IDENTIFIER ::= { internet 4 }
enterprises OBJECT IDENTIFIER ::= { private 1 }
snmpV2 OBJECT IDENTIFIER ::= { internet 6 }
""",
    "SNMPv2-TC": {"TruthValue": "INTEGER { true(1), false(2) }",
                  "RowStatus": "INTEGER { active(1), notInService(2), notReady(3), createAndGo(4), "
                               "createAndWait(5), destroy(6) }",
                  "StorageType": "INTEGER { other(1), volatile(2), nonVolatile(3), permanent(4), "
                                 "readOnly(5) }",
                  "TimeStamp": "TimeTicks", "TestAndIncr": "INTEGER (0..2147483647)",
                  "DateAndTime": "OCTET STRING", "DisplayString": "OCTET STRING",
                  "TEXTUAL-CONVENTION": None},
    "SNMPv2-CONF": {}, "SNMP-FRAMEWORK-MIB": {"SnmpAdminString": "OCTET STRING"},
    "INET-ADDRESS-MIB": {"InetAddressType": "INTEGER { unknown(0), ipv4(1), ipv6(2), ipv4z(3), "
                                            "ipv6z(4), dns(16) }",
                         "InetAddress": "OCTET STRING", "InetPortNumber": "Unsigned32",
                         "InetAddressPrefixLength": "Unsigned32"},
    "IF-MIB": {"InterfaceIndexOrZero": "Integer32 (0..2147483647)",
               "InterfaceIndex": "Integer32 (1..2147483647)"},
}


def loadable(path, directory):
    """A directory from which net-snmp's tools can load the MIB; its name."""
    os.makedirs(directory)
    for module, body in STUBS.items():
        if isinstance(body, dict):
            body = "".join(
                "%s ::= TEXTUAL-CONVENTION STATUS current DESCRIPTION \"\" SYNTAX %s\n" % pair
                for pair in body.items() if pair[1])
        with open(os.path.join(directory, module + ".txt"), "w", encoding="ascii") as file:
            file.write("%s DEFINITIONS ::= BEGIN\n%s\nEND\n" % (module, body))
    shutil.copy(path, directory)
    return directory
