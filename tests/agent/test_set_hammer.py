# SPDX-License-Identifier: GPL-2.0-or-later
"""iscsiadm and SETs write one database at the same time, and nothing of it is lost or torn."""

import os
import threading
import time

import openiscsi
import sets
from checks import find_tool
from harness import Process, World, wait_until
from records import END
from sets import CREATE, DESTROY, binding, iface, new_binding
from snmp import Manager, Refused

TARGET = "iqn.2026-01.org.example:hammer"
SHARED = ("10.6.0.1", "10.6.0.2")  # both write these records
STARTUPS = ("", "manual", "automatic", "onboot")
# iscsiadm's part: settings of the shared records, and records of its own that come and go. How
# often it did so is in the file `done`. It ends when the file `stop` is there. It goes through all
# portals of a target without the lock, and gives up with 6 where one has just gone (usr/idbm.c,
# idbm_for_each_iface): then it is told again, and what it had deleted already may be gone.
LOOP = """
iscsiadm() {
	tries=1
	while :; do
		"$program" "$@" && return
		code=$?
		case $tries:$code in
		50:*) break ;;
		*:6) tries=$((tries + 1)) ;;
		1:*) break ;;
		*:7 | *:21) return ;;
		*) break ;;
		esac
	done
	echo "FAILED $code $*"
}
program=$2
n=0
while [ ! -e "$1/stop" ]; do
	n=$((n + 1))
	for host in 10.6.0.1 10.6.0.2; do
		iscsiadm -m node -T "$3" -p $host:3260,1 -I both -o update \
			-n node.session.queue_depth -v $((n % 1000 + 1))
	done
	iscsiadm -m iface -I theirs -o new
	iscsiadm -m node -T "$3" -p 10.6.1.1:3260,1 -I theirs -o new
	iscsiadm -m node -T "$3" -p 10.6.1.1:3260,1 -I theirs -o delete
	iscsiadm -m iface -I theirs -o delete
	echo $n > "$1/done"
done
"""


class Loop(threading.Thread):
    """A thread that does one thing over and over, and keeps what went wrong."""

    def __init__(self, world):
        super().__init__(daemon=True)
        self.world = world
        self.ended = False
        self.turns = 0
        self.longest = 0.0
        self.faults = []

    def run(self):
        while not self.ended and len(self.faults) < 10:
            began = time.monotonic()
            try:
                self.turn()
            except Exception as error:  # told by the test, whatever it is
                self.faults.append("%s: %s" % (type(error).__name__, error))
            self.longest = max(self.longest, time.monotonic() - began)
            self.turns += 1

    def turn(self):
        raise NotImplementedError

    def end(self):
        self.ended = True
        self.join(self.world.checks.patience(30))


class Setter(Loop):
    """Our part: the same shared records, ifaces, and records that come and go."""

    def __init__(self, world, places):
        super().__init__(world)
        self.places = places
        self.manager = Manager(world.port, "private", world.checks.patience(20))
        self.startup = {}  # what the last SET that succeeded wrote
        self.busy = self.lost = 0
        self.made = 100

    def turn(self):
        kind = self.turns % 4
        host = SHARED[self.turns // 4 % 2]
        if kind == 0:
            self.startups(host)
        elif kind == 1:
            self.ask(iface("ours", Initiator="iqn.2026-01.org.example:%d" % self.turns))
        elif kind == 2:
            self.made += 1
            self.ask(iface("new", RowStatus=CREATE)
                     + new_binding(self.made, "new", TARGET, "10.6.%d.%d" % (
                         2 + self.made // 250, self.made % 250 + 1)))
        else:
            wishes = iface("new", RowStatus=DESTROY) + binding(self.made, RowStatus=DESTROY)
            wait_until(lambda: self.ask(wishes), 30)

    def startups(self, host):
        """Counts what became of the last one: iscsiadm may have read before and written after."""
        if host in self.startup:
            path = self.world.records.node_path(TARGET, host, 3260, 1, "both")
            text = wait_until(lambda: whole(path), 30)
            self.lost += b"node.startup = %s\n" % self.startup[host].encode() not in text
        number = self.turns // 8 % 3 + 1
        if self.ask(binding(self.places[host], Startup=number)):
            self.startup[host] = STARTUPS[number]

    def ask(self, wishes):
        try:
            self.manager.set(*[(self.world.oid(w.name, *w.index), w.kind, w.value)
                               for w in wishes])
            return True
        except Refused as error:
            if error.status != "resourceUnavailable":
                raise
            self.busy += 1
            return False


class Poller(Loop):
    """snmpd's own sysUpTime: what the agent does must not keep it from answering."""

    def __init__(self, world):
        super().__init__(world)
        self.manager = Manager(world.port, timeout=world.checks.patience(10))

    def turn(self):
        self.manager.get((1, 3, 6, 1, 2, 1, 1, 3, 0))
        time.sleep(0.01)


class Reader(Loop):
    """Every record is whole; what iscsiadm has cut and not written yet is read again."""

    def turn(self):
        root = self.world.records.root
        for folder, _, files in os.walk(root):
            if folder == root:
                continue
            for name in files:
                path = os.path.join(folder, name)
                if not os.path.islink(path) and not wait_until(lambda p=path: whole(p), 30):
                    self.faults.append("torn: %s" % path)
        for host in SHARED:
            path = self.world.records.node_path(TARGET, host, 3260, 1, "both")
            if not os.path.exists(path):
                self.faults.append("gone: %s" % path)


class Floor(Loop):
    """What a write, its sync and a rename take by hand at the same time."""

    def turn(self):
        new, old = self.world.path("floor.new"), self.world.path("floor")
        with open(new, "wb") as file:
            file.write(b"x" * 2000)
            file.flush()
            os.fsync(file.fileno())
        os.rename(new, old)
        time.sleep(0.02)


def whole(path):
    """The octets of a record if it is not being written just now, or is gone; else None."""
    try:
        with open(path, "rb") as file:
            text = file.read()
    except FileNotFoundError:
        return b"gone"
    return text if text.endswith(END.encode()) else None


def start_iscsiadm(world, host):
    world.started.append(Process(
        host.inside() + ["sh", "-c", LOOP, "sh", world.dir, find_tool("iscsiadm"), TARGET],
        world.path("iscsiadm.log"), world.env))
    return world.started[-1]


def test_hammer(checks):
    if not openiscsi.possible(checks, "SETs and iscsiadm at the same time"):
        return
    seconds = 60 if checks.full and not checks.valgrind else 5
    with World(checks, "hammer") as world, \
            openiscsi.OpenIscsi(world, world.sysfs.root) as host:
        records = world.records
        for name in ("both", "ours"):
            records.iface(name)
        for address in SHARED:
            sets.bind(records, TARGET, address, 1, "both")
        sets.start(world, options=("-r", "/etc/iscsi"), within=host.inside())
        places = {row["BindingPortal"].decode().partition(":")[0]: index[0]
                  for index, row in world.table("BindingTable").items()}
        setter, poller, reader, floor = loops = [
            Setter(world, places), Poller(world), Reader(world), Floor(world)]
        iscsiadm = start_iscsiadm(world, host)
        began = time.monotonic()
        for loop in loops:
            loop.start()

        def enough():
            return (time.monotonic() - began > seconds and setter.turns >= 40
                    and os.path.exists(world.path("done")))
        wait_until(lambda: enough() or not iscsiadm.running(), checks.patience(seconds + 60))
        setter.end()
        with open(world.path("stop"), "w", encoding="ascii"):
            pass
        code = iscsiadm.wait(60)
        for loop in (poller, reader, floor):
            loop.end()
        judge(checks, world, host, setter, loops[1:], code, iscsiadm.log())


def judge(checks, world, host, setter, others, code, said):
    poller, reader, floor = others
    with open(world.path("done"), encoding="ascii") as file:
        turns = int(file.read())
    checks.equal((code, [line for line in said.splitlines() if line.startswith("FAILED")]), (0, []),
                 "iscsiadm can do all that it is told to, %d times" % turns)
    checks.empty(setter.faults, "%d SETs beside it (%d were told to come again), %d of ours were "
                 "overwritten" % (setter.turns, setter.busy, setter.lost))
    checks.empty(reader.faults, "no record is gone and none torn")
    checks.empty(poller.faults, "snmpd answers all the while")
    text = "the longest SET took %.0f ms, sysUpTime %.0f, a write and its sync by hand %.0f" % (
        setter.longest * 1000, poller.longest * 1000, floor.longest * 1000)
    strict = checks.full and not checks.valgrind
    checks.check(not strict or setter.longest < 0.4 + 8 * floor.longest, text)
    sets.settle(world)
    for address in SHARED:
        disk = world.records.nodes()[("both", TARGET, address, 3260, 1)]
        checks.equal(disk.get("node.session.queue_depth"), str(turns % 1000 + 1),
                     "iscsiadm's last update of %s is there" % address)
    checks.equal(sets.torn(world.records.root), [], "every record is whole in the end")
    checks.equal(sets.strays(world), [], "nothing stays but records")
    if setter.turns % 4 == 3:  # it ended between the making and the destroying
        wait_until(lambda: setter.ask(iface("new", RowStatus=DESTROY)
                                      + binding(setter.made, RowStatus=DESTROY)), 30)
    nodes = {(name, target) for name, target, _ in host.nodes()}
    checks.equal((set(host.ifaces()), nodes),
                 ({"both", "ours", "default", "iser"}, {("both", TARGET)}),
                 "iscsiadm lists what must be there")
    checks.equal(world.wait_value(4, 30, "Count"), 4, "and so do we")
    setter.manager.close()
    poller.manager.close()
