# SPDX-License-Identifier: GPL-2.0-or-later
"""The MIB file says what the contract says. (smilint judges its language, elsewhere.)"""

import os

import contract
import harness
from mib import Mib


def test_mib(checks):
    mib = Mib(harness.mib_file())
    prefix = contract.PREFIX
    source = os.path.join(harness.SOURCE, "mibs", "ISCSI-IFACE-MIB.txt")
    checks.equal(Mib(source).root, contract.ROOT, "the MIB of the source has the default root")
    faults, known = [], set()
    for name, arcs, _, access in contract.objects():
        known.add(prefix + name)
        entry = mib.objects.get(prefix + name)
        if entry is None:
            faults.append("%s is missing" % name)
        elif entry.oid != mib.root + arcs:
            faults.append("%s is at %s" % (name, entry.oid))
        elif entry.access != contract.ACCESS[access]:
            faults.append("%s is %s" % (name, entry.access))
    checks.empty(faults, "every object of the contract is in the MIB, at its arc and access")
    checks.empty((o.name for o in mib.objects.values() if o.macro == "OBJECT-TYPE" and o.access
                  and o.name not in known and not o.index and "SEQUENCE OF" not in o.syntax),
                 "the MIB has no object that the contract does not name")
    faults = []
    for table, (arc, index, _) in contract.TABLES.items():
        entry = [o for o in mib.objects.values() if o.oid == mib.root + (1, arc, 1)]
        if mib.oid(prefix + table) != mib.root + (1, arc):
            faults.append("%s is not at arc %d" % (table, arc))
        if not entry or entry[0].index != [prefix + name for name in index]:
            faults.append("%s: index %s" % (table, entry and entry[0].index))
    checks.empty(faults, "every table is at its arc and has its index")
    faults = []
    for arc, name in enumerate(contract.NOTIFICATIONS.split(), 1):
        entry = mib.objects.get(prefix + name)
        if not entry or entry.oid != mib.root + (0, arc) or entry.macro != "NOTIFICATION-TYPE":
            faults.append(name)
    checks.empty(faults, "every notification is at its arc")
