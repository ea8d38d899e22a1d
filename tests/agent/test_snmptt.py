# SPDX-License-Identifier: GPL-2.0-or-later
"""contrib/snmptt: the real snmptt, started by the real snmptrapd for each notification of a real
agent, says all of them in words; and its file has the notifications of the module, all of them."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import time

import contract
import mib
import network
import sets
from checks import find_tool
from harness import SOURCE, World, mib_file, wait_until
from mib import Mib
from snmp import Sink, dotted

FILE = os.path.join(SOURCE, "contrib/snmptt/snmptt.conf.iscsi-iface")
TARGET = "iqn.2026-01.org.example:tt"
HOSTS = ["192.0.2.%d" % (number + 1) for number in range(4)]
TRAP = (1, 3, 6, 1, 6, 3, 1, 1, 4, 1, 0)
NAMES = contract.NOTIFICATIONS.split()
# What the module says in its --#SEVERITY, in snmptt's own words.
SEVERITIES = {"MAJOR": "Major", "WARNING": "Warning", "INFORMATIONAL": "Normal"}
# snmptt itself; the rest of Debian's file is about places and languages of other systems.
INI = """
[General]
mode = standalone
multiple_event = 1
ipv6_enable = 1
net_snmp_perl_enable = 0
[Logging]
log_enable = 1
log_file = {0}/snmptt.log
log_system_enable = 1
log_system_file = {0}/snmptt.system
unknown_trap_log_enable = 1
unknown_trap_log_file = {0}/snmptt.unknown
syslog_enable = 0
syslog_system_enable = 0
[Exec]
exec_enable = 1
[TrapFiles]
snmptt_conf_files = <<END
{1}
END
"""
# What an operator has to be told: the value of each object, by its name.
LOST = ("127.0.0.1: iSCSI lost, reason {NotifyReason}, state {BindingOperStatus}: "
        "{BindingTargetName} via {BindingPortal} on iface {BindingIfaceName}, "
        "device [{NotifyPathName}], error [{BindingLastError}], losses {BindingLosses}, "
        "held back {NotifyFlaps}, event {NotifyEventId}")
RESTORED = ("127.0.0.1: iSCSI restored: {BindingTargetName} via {BindingPortal} on iface "
            "{BindingIfaceName}, device [{NotifyPathName}], losses {BindingLosses}, "
            "held back {NotifyFlaps}, event {NotifyEventId}")
MISROUTED = ("127.0.0.1: iSCSI misrouted: {BindingTargetName} via {BindingPortal} on iface "
             "{BindingIfaceName} leaves by device [{NotifyPathName}], losses {BindingLosses}, "
             "held back {NotifyFlaps}, event {NotifyEventId}")
DEVICE = (": [{NotifyPathName}] of iface {DisplayName}, which names [{NetIfaceName}], bindings "
          "{Bindings}, held back {NotifyFlaps}, event {NotifyEventId}")
TEXTS = {
    "BindingLost": LOST, "BindingRestored": RESTORED, "BindingMisrouted": MISROUTED,
    "DeviceLost": "127.0.0.1: iSCSI device lost, reason {NotifyReason}, state {DeviceStatus}"
    + DEVICE,
    "DeviceRestored": "127.0.0.1: iSCSI device restored" + DEVICE,
    "RecordChanged": "127.0.0.1: iSCSI records changed: {EventText}, iface [{EventIfaceName}], "
                     "event {NotifyEventId}",
    "JobEnded": "127.0.0.1: iSCSI job {NotifyJobIndex} ended, kind {JobKind}, state {JobState}, "
                "code {JobErrorCode}: iface [{JobIfaceName}], target [{JobTargetName}], error "
                "[{JobErrorText}], event {NotifyEventId}",
    "EventsSuppressed": "127.0.0.1: iSCSI notifications left out: {NotifySuppressed} since the "
                        "agent started, event {NotifyEventId}",
}


class Module:
    """The notifications of the module, and the words of its numbers."""

    def __init__(self):
        with open(mib_file(), encoding="ascii") as file:
            self.text = file.read()
        self.mib = Mib(mib_file())

    def notifications(self):
        """{name: (OID, [objects], severity)}, names without their iscsiIface."""
        found = {}
        for name, body in re.findall(r"^iscsiIface(\w+) NOTIFICATION-TYPE\n(.*?)^    ::=",
                                     self.text, re.S | re.M):
            objects = re.search(r"OBJECTS \{(.*?)\}", body, re.S).group(1)
            found[name] = (dotted(self.mib.oid("iscsiIface" + name)),
                           re.findall(r"iscsiIface(\w+)", objects),
                           SEVERITIES[re.search(r"--#SEVERITY +(\w+)", body).group(1)])
        return found

    def words(self, name):
        """{number: word} of an enumeration; empty for any other object."""
        syntax = self.mib.objects["iscsiIface" + name].syntax
        return {number: word for word, number in re.findall(r"(\w+)\((\d+)\)", syntax)} \
            if syntax.startswith("INTEGER") else {}

    def object_at(self, oid):
        """The name of the object that an instance belongs to, without its iscsiIface."""
        names = {dotted(o.oid): name[len("iscsiIface"):] for name, o in self.mib.objects.items()
                 if o.macro == "OBJECT-TYPE"}
        while oid and oid not in names:
            oid = oid.rpartition(".")[0]
        return names.get(oid)


def events():
    """[(name, OID, severity, [lines])] of the file, as snmptt reads it."""
    found = []
    with open(FILE, encoding="ascii") as file:
        for line in file.read().splitlines():
            event = re.fullmatch(r'EVENT iscsiIface(\w+) (\S+) "[^"]+" (\w+)', line)
            if event:
                found.append((*event.groups(), []))
            elif found and not line.startswith("#"):
                found[-1][3].append(line)
    return found


def test_file(checks):
    """It names each notification of the module, and nothing else, and no varbind that is not in
    it; a number has the word that the module has for it."""
    module, found = Module(), events()
    want = module.notifications()
    checks.equal(sorted(want), sorted(NAMES), "the module's notifications can be read")
    with open(FILE, encoding="ascii") as file:
        lines = len(re.findall(r"^\s*EVENT\b", file.read(), re.M))
    checks.equal(len(found), lines, "snmptt's file can be read")
    checks.equal({(name, oid) for name, oid, _, _ in found},
                 {(name, oid) for name, (oid, _, _) in want.items()},
                 "snmptt's file has all notifications, and no other")
    faults, severities = [], {}
    for name, _, severity, lines in found:
        severities.setdefault(name, severity)  # of what is there twice, that of the first
        objects = want[name][1] if name in want else []
        used = {int(number) for line in lines if line.startswith("FORMAT ")
                for number in re.findall(r"\$(\d+)", line)}
        faults += ["%s: $%d of %d" % (name, number, len(objects)) for number in used
                   if not 0 < number <= len(objects)]
        words = {pair for number, item in enumerate(objects, 1) if number in used
                 for pair in module.words(item).items()}
        for line in lines:
            regex = re.fullmatch(r"REGEX \(.* \\K(\d+)\\b\)\((\w+)\)", line)
            if line.startswith("REGEX") and (not regex or regex.groups() not in words):
                faults.append("%s: %s" % (name, line))
        if "SDESC" not in lines or "EDESC" not in lines \
                or not any("What to do" in line for line in lines):
            faults.append("%s: does not say what to do" % name)
    checks.empty(faults, "it has no variable beyond the varbinds, no word of its own for a number, "
                 "and says what to do")
    checks.equal(severities, {name: severity for name, (_, _, severity) in want.items()},
                 "the severities are those of the module")


class Received:
    """What snmptrapd took, and what snmptt made of it: both in the order of their arrival."""

    def __init__(self, world, module):
        self.world = world
        self.module = module
        self.names = {oid: name for name, (oid, _, _) in module.notifications().items()}

    def lines(self, name):
        """Of a file; none while it is not there."""
        try:
            with open(self.world.path(name), encoding="utf-8") as file:
                return file.read().splitlines()
        except FileNotFoundError:
            return []

    def traps(self):
        """[(name, {object: value as text})]."""
        found = []
        for line in self.lines("snmptrapd.log"):
            binds = dict(re.findall(r'(\.1\.3\.6\.1[.\d]*) = (?:[A-Za-z0-9]+: )?("[^"]*"|[^\t]*)',
                                    line))
            name = self.names.get(binds.pop(dotted(TRAP), None))
            if name:
                values = {self.module.object_at(oid): value.strip('"')
                          for oid, value in binds.items()}
                found.append((name, values))
        return found

    def said(self):
        """[(OID, severity, text)]."""
        return [(line[0], line[1], line[3]) for line in (
            re.fullmatch(r'.*? (\.1\.3\.6\.1[.\d]*) (\S+) "([^"]*)" \S+ - (.*)', text).groups()
            for text in self.lines("snmptt.log"))]

    def wait(self, name, **values):
        """Waits for the notification that has these values, and for snmptt's line of it."""
        def there():
            return any(kind == name and values.items() <= binds.items()
                       for kind, binds in self.traps())
        patience = self.world.checks.patience
        return wait_until(there, patience(20)) and wait_until(
            lambda: len(self.said()) >= len(self.traps()), patience(20))


@contextlib.contextmanager
def receiving(checks, name):
    """A world whose notifications go to snmptrapd, which starts snmptt for each."""
    with World(checks, name) as world:
        with open(world.path("snmptt.ini"), "w", encoding="ascii") as file:
            file.write(INI.format(world.dir, FILE))
        with open(world.path("snmptrapd.conf"), "w", encoding="ascii") as file:
            file.write("authCommunity log,execute public\ntraphandle default %s --ini=%s\n"
                       % (find_tool("snmptt"), world.path("snmptt.ini")))
        world.sink = Sink()
        world.sink.close()  # its port is snmptrapd's now
        log = world.path("snmptrapd.log")
        world._start([find_tool("snmptrapd"), "-f", "-Lf", log, "-On", "-n", "-C", "-c",
                      world.path("snmptrapd.conf"), "-p", world.path("snmptrapd.pid"),
                      "udp:127.0.0.1:%d" % world.sink.port], "snmptrapd", world.env)

        def ready():
            try:
                with open(log, encoding="utf-8") as file:
                    return "NET-SNMP version" in file.read()
            except FileNotFoundError:
                return False
        if not wait_until(ready, checks.patience(10)):
            raise RuntimeError("snmptrapd does not start")
        yield world


def sessions(world, state, count=len(HOSTS)):
    for number in range(count):
        world.sysfs.set_session(number + 1, state=state)
    os.kill(world.agent.pid, signal.SIGUSR1)


def provoke(checks, world, received, far):
    """All eight, one after the other."""
    def comes(text, name, **values):
        checks.check(received.wait(name, **values), text, lambda: received.traps()[-3:])

    def ip(*words):
        subprocess.run(("ip",) + words, check=True)

    sessions(world, "FAILED", 1)
    comes("a loss comes", "BindingLost", BindingIfaceName="a", BindingOperStatus="4")
    sessions(world, "LOGGED_IN", 1)
    comes("its end comes", "BindingRestored", BindingIfaceName="a", BindingOperStatus="3")

    with socket.create_connection((far.ADDRESS, 3260), 5) as connection:
        local = connection.getsockname()
        world.sysfs.session(9, 9, TARGET, (far.ADDRESS, 3260), "wrong", local=local,
                            netdev="san0")
        os.kill(world.agent.pid, signal.SIGUSR1)
        comes("a wrong device comes", "BindingMisrouted", BindingIfaceName="wrong",
              NotifyPathName="far0")
    try:
        ip("link", "set", "c-san1", "down")
        comes("a device comes", "DeviceLost", DisplayName="device", NotifyPathName="san1")
    finally:
        ip("link", "set", "c-san1", "up")
    comes("its end comes", "DeviceRestored", DisplayName="device", NotifyPathName="san1")

    sets.done(checks, world, "an iface", *sets.iface("new", NetIfaceName="lo",
                                                     RowStatus=sets.CREATE))
    comes("a record comes", "RecordChanged", EventIfaceName="new")
    # There is no iscsiadm in this world: a login fails.
    sets.done(checks, world, "a job that fails", *sets.job(
        7, Kind=1, IfaceName="new2", RowStatus=sets.CREATE))
    comes("a job that fails comes", "JobEnded", NotifyJobIndex="7", JobState="4")
    sets.done(checks, world, "a job that succeeds", *sets.iface(
        "a", Initiator="iqn.2026-01.org.example:other"))
    comes("a job that succeeds comes", "JobEnded", JobKind="8", JobState="3")
    sets.done(checks, world, "one a second", *sets.scalar("NotifyRate", 1))
    time.sleep(1.1)  # the second in which more was allowed is over
    sessions(world, "FAILED")
    comes("what is left out comes", "EventsSuppressed")


def test_snmptt(checks):
    needed = [checks.tool(tool, "contrib's snmptt") for tool in ("snmptrapd", "snmptt")]
    if not all(needed) or not checks.need(network.private(), "contrib's snmptt",
                                          "a namespace of its own"):
        return
    module = Module()
    with network.Far() as far, receiving(checks, "snmptt") as world:
        received = Received(world, module)
        for name, device in (("a", ""), ("device", "san1"), ("wrong", "san0"), ("new2", "")):
            world.records.iface(name, **({"net_ifacename": device} if device else {}))
        for number, host in enumerate(HOSTS):
            sets.bind(world.records, TARGET, host, 1, "a")
            world.sysfs.session(number + 1, number + 1, TARGET, (host, 3260), "a")
        sets.bind(world.records, TARGET, far.ADDRESS, 1, "wrong")
        sets.bind(world.records, TARGET, "192.0.2.99", 1, "new2")
        sets.start(world, mode="full")
        world.wait_value(len(HOSTS), 20, "BindingUpCount")
        provoke(checks, world, received, far)
        judge(checks, module, received)


def judge(checks, module, received):
    """Each notification is one line of snmptt, in their order, with every value at its place."""
    traps, said = received.traps(), received.said()
    checks.equal({name for name, _ in traps}, set(NAMES), "all of them came")
    want = []
    for name, values in traps:
        words = {key: module.words(key).get(value, value) for key, value in values.items() if key}
        failed = words.get("JobState") in ("failed", "rolledBack")
        oid, _, severity = module.notifications()[name]
        want.append((oid, "Warning" if failed else severity, TEXTS[name].format(**words)))
    checks.equal(len(said), len(want), "snmptt says one line of each")
    checks.empty(["%s, not %s" % pair for pair in zip(said, want) if pair[0] != pair[1]],
                 "and that is what an operator has to be told")
    checks.empty([line for line in received.lines("snmptt.unknown")
                  if dotted(module.mib.root) in line], "none is unknown to it")
    checks.empty(received.lines("snmptt.system"), "and it complains of nothing")
