# SPDX-License-Identifier: GPL-2.0-or-later
"""What the log says of SETs, and the copy of the database that is kept before the first one."""

import os
import re

import mib
import sets
from harness import World, wait_until
from sets import CREATE, DESTROY, DONE, ask, binding, iface, new_binding, scalar
from snmp import dotted

TARGET = "iqn.2026-01.org.example:audit"
DATE = re.compile(r"\b20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d")


class Log:
    """The lines that the agent adds to its log from now on."""

    def __init__(self, world):
        self.world = world
        self.before = len(self.lines())

    def lines(self):
        return self.world.agent.log().splitlines()

    def fresh(self):
        return self.lines()[self.before:]

    def naming(self, one):
        """The new lines that name an instance."""
        name = dotted(self.world.oid(one.name, *one.index)).strip(".")
        return [line for line in self.fresh() if re.search(r"(?<!\d)%s(?!\.?\d)" % re.escape(name),
                                                           line)]


def test_refusals(checks):
    """One line, with the reason, for each SET that is refused."""
    with World(checks, "refusals in the log") as world:
        world.records.iface("a")
        sets.bind(world.records, TARGET, "10.0.0.1", 1, "a")
        sets.start(world, "denyIface secret")
        there, = world.table("BindingTable")
        for wishes, place, words in (
                (iface("a", RowStatus=CREATE), 1, "exists"),
                (iface("a", RowStatus=DESTROY), 1, "binding"),
                (iface("a", HwAddress="nonsense"), 1, ""),
                (iface("a", HwAddress="02:00:00:00:00:01")
                 + binding(there[0], TargetName=TARGET + "x"), 2, ""),
                (iface("nobody", HwAddress="02:00:00:00:00:01"), 1, ""),
                (iface("secret", RowStatus=CREATE), 1, "denyIface"),
                (scalar("Count", 5), 1, ""),
                (binding(there[0], IfaceName="nobody"), 1, "nobody")):
            log = Log(world)
            error, index = ask(world, *wishes)
            lines = log.naming(wishes[place - 1])
            good = (index == place and len(lines) == 1 and error in lines[0]
                    and words.lower() in lines[0].lower() and len(log.fresh()) == 1
                    and len(lines[0]) > len(error) + len(dotted(world.oid(
                        wishes[place - 1].name, *wishes[place - 1].index))) + 15)
            checks.check(good, "one line with the reason: %s of %s" % (
                error, wishes[place - 1].name), lambda: "%s, %s" % (log.fresh(), index))


def test_audit(checks):
    """One line for each value that a SET changed, with the old and the new one."""
    with World(checks, "audit") as world:
        world.records.iface("a", initiatorname="iqn.2026-01.org.example:before")
        sets.bind(world.records, TARGET, "10.0.0.1", 1, "a", startup="automatic")
        sets.start(world)
        there, = world.table("BindingTable")
        log = Log(world)
        wishes = (iface("a", Initiator="iqn.2026-01.org.example:after",
                        HwAddress="02:00:00:00:00:01") + binding(there[0], Startup=3)
                  + scalar("NotifyHoldDown", 61))
        checks.equal(ask(world, *wishes), DONE, "a SET of four values")
        faults = []
        for one, old, new in zip(wishes, (r"iqn\.2026-01\.org\.example:before", "", "2", "0"),
                                 (r"iqn\.2026-01\.org\.example:after", "02:00:00:00:00:01", "3",
                                  "61")):
            lines = log.naming(one)
            if len(lines) != 1 or not re.search(r"(?<![\w.])%s\W.*%s(?![\w.])" % (old, new),
                                                lines[0]) or not DATE.search(lines[0]):
                faults.append("%s: %s" % (one.name, lines))
        checks.empty(faults, "a line for each, with a date, the old and the new value")
        sets.settle(world)
        log = Log(world)
        wishes = iface("b", RowStatus=CREATE, Initiator="line\u00e9\u2028") + new_binding(
            5, "b", TARGET, "10.0.0.2")
        checks.equal(ask(world, *wishes), DONE, "a SET that makes rows")
        faults = [one.name for one in wishes if len(log.naming(one)) != 1]
        checks.empty(faults, "a line for each value of the new rows")
        checks.check(all(line.isascii() and line.isprintable() for line in log.fresh()),
                     "and whatever a value holds, the log is plain text", log.fresh())
        log = Log(world)
        checks.equal(ask(world, *binding(5, RowStatus=DESTROY)), DONE, "a SET that removes one")
        checks.equal(len(log.naming(binding(5, RowStatus=DESTROY)[0])), 1, "is a line, too")
        log = Log(world)
        ask(world, *iface("a", Initiator="bad\nvalue"), *scalar("NotifyHoldDown", 62))
        checks.equal(log.naming(scalar("NotifyHoldDown", 0)[0]), [],
                     "what was refused has no line as if it had happened")


def test_secrets(checks):
    """Whatever is written: no secret of a record is in the log."""
    with World(checks, "secrets in the audit") as world:
        secret = "s3cret-never-shown"
        auth = ("node.session.auth.authmethod = CHAP\nnode.session.auth.username = u-%s\n"
                "node.session.auth.password = %s\nnode.session.auth.password_in = %s-in"
                % (secret, secret, secret))
        for name in "ab":
            world.records.iface(name)
        sets.bind(world.records, TARGET, "10.0.0.1", 1, "a", auth=auth)
        sets.start(world)
        there, = world.table("BindingTable")
        ask(world, *binding(there[0], Startup=2))
        ask(world, *binding(there[0], IfaceName="b"))
        ask(world, *new_binding(5, "a", TARGET, "10.0.0.1"))
        ask(world, *iface("b", Initiator="iqn.2026-01.org.example:b"))
        sets.settle(world)
        ask(world, *binding(there[0], RowStatus=DESTROY))
        disk = world.records.nodes()[("a", TARGET, "10.0.0.1", 3260, 1)]
        checks.equal((disk["node.session.auth.password"], disk["node.session.auth.password_in"]),
                     (secret, secret + "-in"), "a new binding has the secrets of its sibling")
        checks.check(secret not in world.agent.log(), "the log has none of them")
        held = [path for path, (_, _, content) in sets.tree(world.path("state")).items()
                if secret.encode() in (content if isinstance(content, bytes) else b"")
                and not path.startswith("backup/")]
        checks.equal(held, [], "nor has the agent's state, but for the copy of the database")


def test_backup(checks):
    """Before the first write a copy of the whole database is kept, once."""
    with World(checks, "backup") as world:
        records = world.records
        records.iface("a")
        records.iface("odd name", net_ifacename="eth0")
        sets.bind(records, TARGET, "10.0.0.1", 1, "a")
        records.node(TARGET, "fd00::1", 3260, 2, "a")
        for folder, text in (("send_targets/10.0.0.9,3260", "# BEGIN RECORD 2.1.8\n# END RECORD\n"),
                             ("isns", ""), ("other", "of nobody\n")):
            path = os.path.join(records.root, folder)
            os.makedirs(path, 0o755)
            with open(os.path.join(path, "st_config"), "w", encoding="ascii") as file:
                file.write(text)
        os.chmod(records.iface_path("a"), 0o640)
        before = sets.tree(records.root)
        times = {path: os.lstat(os.path.join(records.root, path)).st_mtime_ns for path in before}
        sets.start(world)
        backup = world.path("state", "backup")
        checks.equal(sets.compare(sets.tree(backup), before), "",
                     "the copy holds every file, directory and link, with its mode")
        checks.equal({path: os.lstat(os.path.join(backup, path)).st_mtime_ns for path in before
                      if path in times}, times, "and its time")
        checks.equal(os.stat(backup).st_mode & 0o777, 0o700, "only root may enter it")
        checks.check(wait_until(lambda: backup in world.agent.log(), 30),
                     "the log names the place", world.agent.log()[-300:])
        checks.equal(ask(world, *iface("a", HwAddress="02:00:00:00:00:01")), DONE, "a SET")
        sets.settle(world)
        sets.restart(world)
        checks.equal(ask(world, *iface("a", HwAddress="02:00:00:00:00:02")), DONE,
                     "and another one after a restart")
        sets.settle(world)
        checks.equal(sets.compare(sets.tree(backup), before), "",
                     "the copy is still that of the beginning")
        checks.equal(world.value("HwAddress", *mib.text_index("a")), b"02:00:00:00:00:02",
                     "while the database went on")
