# SPDX-License-Identifier: GPL-2.0-or-later
"""Every RowStatus, on rows that are there and on rows that are not."""

import mib
import sets
from expect import address
from harness import World
from sets import (ACTIVE, CREATE, CREATE_AND_WAIT, DESTROY, DONE, IMPLIED, NO_ROW, NOT_IN_SERVICE,
                  NOT_READY, PROPAGATE, ask, binding, iface, job, new_binding, refused, tree)
from snmp import Manager

TARGET = "iqn.2026-01.org.example:rows"
WRONG, STATE = ("wrongValue",), ("inconsistentValue",)
NEVER = [(0, "0"), (NOT_IN_SERVICE, "notInService"), (NOT_READY, "notReady"),
         (CREATE_AND_WAIT, "createAndWait"), (7, "7")]


def never(checks, world, what, status, column):
    """What no table here knows, alone, before and after another column of the row."""
    faults = []
    for value, name in NEVER:
        for wishes, place in ((status(value), 1), (status(value) + [column], 1),
                              ([column] + status(value), 2)):
            fault = sets.refusal(world, wishes, WRONG, place)
            faults += ["%s at %d of %d: %s" % (name, place, len(wishes), fault)] if fault else []
    checks.empty(faults, "%s: no createAndWait, notInService, notReady or unknown status" % what)


def test_iface(checks):
    with World(checks, "iface rows") as world:
        world.records.iface("here", net_ifacename="eth7")
        sets.start(world)
        root = world.records.root

        def status(name):
            return lambda value: iface(name, RowStatus=value)
        for name in ("here", "gone"):
            never(checks, world, "iface %s" % name, status(name),
                  iface(name, NetIfaceName="eth8")[0])
        before = tree(root)
        checks.equal(ask(world, *iface("here", RowStatus=ACTIVE)), DONE, "active of an iface")
        checks.equal(ask(world, *iface("gone", RowStatus=DESTROY)), DONE, "destroy of no iface")
        checks.equal(sets.compare(tree(root), before), "", "and neither changes anything")
        refused(checks, world, "active of no iface", iface("gone", RowStatus=ACTIVE), STATE)
        refused(checks, world, "createAndGo of an iface that exists",
                iface("here", RowStatus=CREATE), STATE)
        for columns in ({"RowStatus": CREATE, "NetIfaceName": "eth8"},
                        {"NetIfaceName": "eth8", "RowStatus": CREATE}):
            place = list(columns).index("RowStatus") + 1
            refused(checks, world, "createAndGo at %d of an iface that exists" % place,
                    iface("here", **columns), STATE, place)
        refused(checks, world, "a column of no iface", iface("gone", NetIfaceName="eth8"), NO_ROW)

        for number, columns in enumerate(({"RowStatus": CREATE}, {
                "RowStatus": CREATE, "NetIfaceName": "eth8"}, {
                    "NetIfaceName": "eth8", "RowStatus": CREATE}, {
                        "Initiator": "iqn.2026-01.org.example:it", "RowStatus": CREATE,
                        "Transport": "tcp", "HwAddress": "02:00:00:00:00:01", "RebindMode": 2})):
            name = "made%d" % number
            checks.equal(ask(world, *iface(name, **columns)), DONE,
                         "createAndGo with %s" % ", ".join(columns))
            row = world.view().ifaces().get(name, {})
            want = dict({"NetIfaceName": b"", "Transport": b"tcp", "StorageType": 3, "Kind": 2},
                        **{column: value.encode() if isinstance(value, str) else value
                           for column, value in columns.items()})
            want["RowStatus"] = ACTIVE
            checks.equal({column: row.get(column) for column in want}, want, "and it is there")
            checks.equal(ask(world, *iface(name, RowStatus=ACTIVE, NetIfaceName="",
                                           HwAddress="02:00:00:00:00:02")), DONE,
                         "active with other columns writes them")
            checks.equal(world.value("HwAddress", *mib.text_index(name)), b"02:00:00:00:00:02",
                         "and they are written")
            checks.equal(ask(world, *iface(name, RowStatus=DESTROY)), DONE, "destroy of it")
            checks.equal(world.value("RowStatus", *mib.text_index(name)), None, "and it is gone")
        checks.equal(sets.compare(tree(root), before), "", "what was made and destroyed is gone")


def test_built_in(checks):
    """`default` and `iser` are open-iscsi's own."""
    with World(checks, "built-in ifaces") as world:
        world.records.iface("here")
        sets.start(world)
        for name in ("default", "iser"):
            refused(checks, world, "createAndGo of %s" % name, iface(name, RowStatus=CREATE),
                    sets.FIXED_ROW)
            refused(checks, world, "destroy of %s" % name, iface(name, RowStatus=DESTROY),
                    sets.FIXED_ROW)
            for column, value in (("NetIfaceName", "eth1"), ("HwAddress", "02:00:00:00:00:01"),
                                  ("Initiator", "iqn.2026-01.org.example:x"),
                                  ("Transport", "cxgb4i")):
                refused(checks, world, "%s of %s" % (column, name), iface(name, **{column: value}),
                        sets.FIXED_ROW)
            refused(checks, world, "a setting of %s" % name,
                    sets.setting(name, "net_ifacename", "eth1"), sets.FIXED_ROW)
        view = world.view().ifaces()
        checks.check({"default", "iser"} <= set(view), "both are still there")


def test_iface_names(checks):
    """Names that open-iscsi takes and nobody should have; those of real life are taken."""
    with World(checks, "iface names") as world:
        sets.start(world)
        faults = []
        for name in ("", ".hidden", "-dash", "_under", "two words", "comma,name", "../x", "a/b",
                     "new\nline", "tab\t", "\x7f", "stern*", "n" * 65, b"nul\0", b"\xc3\xa4"):
            fault = sets.refusal(world, iface(name, RowStatus=CREATE), NO_ROW + WRONG)
            faults += ["%r: %s" % (name, fault)] if fault else []
        checks.empty(faults, "names that no iface should have are refused")
        checks.equal(sets.strays(world), [], "and nothing is anywhere")
        faults = []
        for name in ("a", "0", "n" * 64, "172.18.0.44:3260:iscsi-pv1", "A.b_c-d:e",
                     "qla4xxx.00:0e:1e:00:00:01"):
            answer = ask(world, *iface(name, RowStatus=CREATE))
            shown = world.value("DisplayName", *mib.text_index(name))
            if answer != DONE or shown != name.encode():
                faults.append("%s: %s, %s" % (name, answer, shown))
        checks.empty(faults, "names that open-iscsi's own world has are taken")


def test_binding(checks):
    with World(checks, "binding rows") as world:
        records = world.records
        for name in ("one", "two"):
            records.iface(name)
        sets.bind(records, TARGET, "10.0.0.1", 1, "one")
        sets.start(world)
        root = records.root
        here, = [index[0] for index in world.table("BindingTable")]
        checks.check(here >= IMPLIED, "the agent's own index is from 2^30 up", here)

        for index in (here, 77):
            never(checks, world, "binding %s" % ("that is there" if index == here else "of none"),
                  lambda value, index=index: binding(index, RowStatus=value),
                  binding(index, Startup=2)[0])
        before = tree(root)
        checks.equal(ask(world, *binding(here, RowStatus=ACTIVE)), DONE, "active of a binding")
        checks.equal(ask(world, *binding(77, RowStatus=DESTROY)), DONE, "destroy of no binding")
        checks.equal(sets.compare(tree(root), before), "", "and neither changes anything")
        refused(checks, world, "active of no binding", binding(77, RowStatus=ACTIVE), STATE)
        refused(checks, world, "a column of no binding", binding(77, Startup=2), NO_ROW)
        refused(checks, world, "createAndGo of a binding that exists",
                new_binding(here, "two", TARGET, "10.0.0.2"), STATE + NO_ROW)

        whole = new_binding(5, "two", TARGET, "10.0.0.2")
        for missing in range(len(whole) - 1):
            refused(checks, world, "a binding without its %s" % whole[missing].name,
                    whole[:missing] + whole[missing + 1:], STATE)
        for index in (IMPLIED, 2 ** 31 - 1):
            refused(checks, world, "a new binding with index %d" % index,
                    new_binding(index, "two", TARGET, "10.0.0.2"), "inconsistentName")
        for index in (0, 2 ** 31):
            refused(checks, world, "a new binding with index %d" % index,
                    new_binding(index, "two", TARGET, "10.0.0.2"), NO_ROW)
        refused(checks, world, "a key that exists", new_binding(5, "one", TARGET, "10.0.0.1"),
                STATE)
        refused(checks, world, "an iface that does not exist",
                new_binding(5, "nobody", TARGET, "10.0.0.1"), STATE)
        refused(checks, world, "a portal group that is only ever read",
                new_binding(5, "two", TARGET, "10.0.0.2", tpgt=-1), STATE + WRONG)

        next_index = world.value("BindingNextIndex")
        checks.check(0 < next_index < IMPLIED, "BindingNextIndex is a manager's", next_index)
        for index, wishes in ((next_index, whole), (6, list(reversed(whole)))):
            wishes = [w._replace(index=(index,)) for w in wishes]
            if index == 6:
                wishes = [w._replace(value=address("10.0.0.3")[1])
                          if w.name == "BindingPortalAddress" else w for w in wishes]
            checks.equal(ask(world, *wishes), DONE, "createAndGo of binding %d" % index)
            row = world.table("BindingTable").get((index,), {})
            want = {"BindingIfaceName": b"two", "BindingTargetName": TARGET.encode(),
                    "BindingPortalPort": 3260, "BindingTpgt": 1, "BindingRowStatus": ACTIVE,
                    "BindingOperStatus": 1, "BindingInSync": 1}
            checks.equal({name: row.get(name) for name in want}, want,
                         "binding %d is there, with port 3260" % index)
        checks.check(world.value("BindingNextIndex") not in (next_index, 6, 0),
                     "BindingNextIndex is another one now")
        fixed_columns(checks, world, next_index)

        checks.equal(ask(world, *binding(6, RowStatus=DESTROY)), DONE, "destroy of a binding")
        checks.equal(world.value("BindingRowStatus", 6), None, "and it is gone")
        refused(checks, world, "an index that was another record's",
                new_binding(6, "two", TARGET, "10.0.0.9"), "inconsistentName")
        checks.equal(ask(world, *new_binding(6, "two", TARGET, "10.0.0.3")), DONE,
                     "but the same record may have it again")
        for index in (6, next_index):
            ask(world, *binding(index, RowStatus=DESTROY))
        checks.equal(sets.compare(tree(root), before), "", "what was made and destroyed is gone")


def fixed_columns(checks, world, index):
    """Present values guard a SET; other ones are refused."""
    kind, octets = address("10.0.0.2")
    present = {"TargetName": TARGET, "PortalAddressType": kind, "PortalAddress": octets,
               "PortalPort": 3260, "Tpgt": 1}
    before = tree(world.records.root)
    checks.equal(ask(world, *binding(index, **present)), DONE, "a binding's own fixed values")
    checks.equal(sets.compare(tree(world.records.root), before), "", "change nothing")
    for column, value in (("TargetName", TARGET + "x"), ("PortalAddress", address("10.0.0.7")[1]),
                          ("PortalPort", 3261), ("Tpgt", 2)):
        guard = dict(present, **{column: value})
        refused(checks, world, "another %s" % column, binding(index, **{column: value}), STATE)
        refused(checks, world, "another %s guards the rest" % column,
                binding(index, Startup=2, **guard), STATE, list(guard).index(column) + 2)
    refused(checks, world, "another family of the portal's address",
            binding(index, PortalAddressType=16), STATE)
    checks.equal(ask(world, *binding(index, Startup=2, **present)), DONE,
                 "the right target guards a change")
    checks.equal(world.value("BindingStartup", index), 2, "which is made")


def test_in_use(checks):
    """What is used is not destroyed."""
    with World(checks, "rows in use") as world:
        records = world.records
        for name in ("bound", "running", "stray"):
            records.iface(name)
        sets.bind(records, TARGET, "10.0.0.1", 1, "bound")
        sets.bind(records, TARGET, "10.0.0.2", 1, "running")
        world.sysfs.session(1, 11, TARGET, ("10.0.0.2", 3260), "running")
        world.sysfs.session(2, 12, TARGET, ("10.0.0.3", 3260), "stray")
        sets.start(world)
        found = {row["BindingIfaceName"]: index[0]
                 for index, row in world.table("BindingTable").items()}
        for name, what in (("bound", "a binding uses"), ("running", "a session uses"),
                           ("stray", "a session without a record uses")):
            refused(checks, world, "an iface that %s" % what, iface(name, RowStatus=DESTROY),
                    STATE)
        running = binding(found[b"running"], RowStatus=DESTROY)
        refused(checks, world, "a binding that is logged in", running, STATE)
        refused(checks, world, "it and its iface", running + iface("running", RowStatus=DESTROY),
                STATE)
        refused(checks, world, "a binding that is logged in does not move under recordOnly",
                binding(found[b"running"], IfaceName="bound"), STATE)
        both = iface("bound", RowStatus=DESTROY) + binding(found[b"bound"], RowStatus=DESTROY)
        checks.equal(ask(world, *both), DONE, "an iface and its bindings go in one PDU")
        checks.check("bound" not in world.view().ifaces(), "and both are gone")


def test_job(checks):
    with World(checks, "job rows") as world:
        world.records.iface("one")
        world.records.node(TARGET, "10.0.0.1", 3260, 1, "one")
        sets.start(world)
        number = world.value("JobNextIndex")
        checks.check(0 < number < IMPLIED, "JobNextIndex is a manager's", number)
        for index in (number, IMPLIED + 5):
            refused(checks, world, "active of no job %d" % index, job(index, RowStatus=ACTIVE),
                    STATE)
            checks.equal(ask(world, *job(index, RowStatus=DESTROY)), DONE, "destroy of no job")
        never(checks, world, "no job", lambda value: job(number, RowStatus=value),
              job(number, Owner="me")[0])
        refused(checks, world, "a column of no job", job(number, Owner="me"), NO_ROW)
        refused(checks, world, "a job without a kind", job(number, IfaceName="one",
                                                           RowStatus=CREATE), STATE)
        refused(checks, world, "a propagate without an iface",
                job(number, Kind=PROPAGATE, RowStatus=CREATE), STATE)
        refused(checks, world, "a propagate of no iface",
                job(number, Kind=PROPAGATE, IfaceName="nobody", RowStatus=CREATE), STATE)
        for index in (IMPLIED, 2 ** 31 - 1):
            refused(checks, world, "a new job with index %d" % index,
                    job(index, Kind=PROPAGATE, IfaceName="one", RowStatus=CREATE),
                    "inconsistentName")
        refused(checks, world, "a new job with index 0",
                job(0, Kind=PROPAGATE, IfaceName="one", RowStatus=CREATE), NO_ROW)
        checks.equal(sets.jobs(world), {}, "what was refused is no job")

        whole = {"Kind": PROPAGATE, "IfaceName": "one", "Owner": "a manager's tag"}
        for index, columns in ((number, dict(whole, RowStatus=CREATE)),
                               (9, dict({"RowStatus": CREATE}, **whole))):
            checks.equal(ask(world, *job(index, **columns)), DONE, "createAndGo of job %d" % index)
            ended = sets.settle(world).get(index, {})
            want = {"Kind": PROPAGATE, "IfaceName": b"one", "TargetName": b"",
                    "PortalAddressType": 0, "PortalAddress": b"", "PortalPort": 0, "Force": 2,
                    "State": sets.SUCCEEDED, "Progress": 100, "ErrorCode": 0, "ErrorText": b"",
                    "Results": 0, "Owner": b"a manager's tag", "RowStatus": ACTIVE}
            checks.equal({name: ended.get(name) for name in want}, want,
                         "job %d has nothing to do and succeeds" % index)
        never(checks, world, "a job", lambda value: job(9, RowStatus=value),
              job(9, Owner="me")[0])
        checks.equal(ask(world, *job(9, RowStatus=ACTIVE)), DONE, "active of a job")
        refused(checks, world, "createAndGo of a job that exists",
                job(9, RowStatus=CREATE, **whole), STATE)
        refused(checks, world, "another kind of a job that exists", job(9, Kind=1), STATE)
        checks.equal(ask(world, *job(9, RowStatus=DESTROY)), DONE, "destroy of an ended job")
        checks.equal(sorted(sets.jobs(world)), [number], "and it is gone")
        checks.check(world.value("JobNextIndex") not in (number, 0),
                     "JobNextIndex is another one now")


def test_old_manager(checks):
    """SNMPv1: the same, with its own few errors (RFC 2576, 4.3)."""
    with World(checks, "SNMPv1") as world:
        world.records.iface("here")
        sets.start(world)
        manager = Manager(world.port, "private", checks.patience(20), version=0)
        try:
            checks.equal(ask(world, *iface("new", RowStatus=CREATE, NetIfaceName="eth1"),
                             manager=manager), DONE, "SNMPv1 creates an iface")
            checks.equal(ask(world, *iface("here", NetIfaceName="bad\nname"), manager=manager),
                         ("badValue", 1), "SNMPv1: wrongValue is badValue")
            checks.equal(ask(world, *iface("here", RowStatus=CREATE), manager=manager),
                         ("badValue", 1), "SNMPv1: inconsistentValue is badValue")
            checks.equal(ask(world, *sets.scalar("Count", 5), manager=manager), ("noSuchName", 1),
                         "SNMPv1: notWritable is noSuchName")
            checks.equal(ask(world, *iface("new", RowStatus=DESTROY), manager=manager), DONE,
                         "SNMPv1 destroys it")
        finally:
            manager.close()
        checks.check("new" not in world.view().ifaces(), "and it is gone")
