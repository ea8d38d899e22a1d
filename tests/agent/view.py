# SPDX-License-Identifier: GPL-2.0-or-later
"""Turns a walk into tables: {table: {index: {column: value}}}, by the contract's arcs."""

import contract


def _places():
    """{arcs below the root: (table or None, name)} of every scalar and column."""
    tables = {arc: table for table, (arc, _, _) in contract.TABLES.items()}
    return {arcs: (tables.get(arcs[1]) if len(arcs) == 4 else None, name)
            for name, arcs, _, _ in contract.objects()}


PLACES = _places()


class View:
    def __init__(self, root, varbinds):
        self.scalars = {}
        self.tables = {table: {} for table in contract.TABLES}
        self.strangers = []  # what the contract does not know
        for varbind in varbinds:
            arcs = varbind.oid[len(root):]
            table, name = PLACES.get(arcs[:4]) or PLACES.get(arcs[:3]) or (None, None)
            if name is None:
                self.strangers.append(varbind.oid)
            elif table is None:
                self.scalars[name] = varbind.value
            else:
                self.tables[table].setdefault(arcs[4:], {})[name] = varbind.value

    def find(self, table, **columns):
        """The indexes of the rows that have these values; texts may be given as str."""
        want = {name: value.encode("utf-8", "surrogateescape") if isinstance(value, str) else value
                for name, value in columns.items()}
        return [index for index, row in self.tables[table].items()
                if all(row.get(name) == value for name, value in want.items())]

    def ifaces(self):
        """{record name: row}"""
        return {bytes(index[1:]).decode("utf-8", "surrogateescape"): row
                for index, row in self.tables["Table"].items()}

    def bindings(self):
        """{(iface, target, portal text): row}. A row that came or went during the walk may lack
        some of its columns; it is none yet, or no more."""
        key = ("BindingIfaceName", "BindingTargetName", "BindingPortal")
        return {tuple(row[name].decode("utf-8", "surrogateescape") for name in key): row
                for row in self.tables["BindingTable"].values() if set(key) <= set(row)}

    def settings(self, iface):
        """{setting: value} of one iface."""
        found = {}
        for index, row in self.tables["SettingTable"].items():
            size = index[0]
            if bytes(index[1:1 + size]) == iface.encode():
                name = bytes(index[size + 2:]).decode("utf-8", "surrogateescape")
                found[name] = row["SettingValue"]
        return found
