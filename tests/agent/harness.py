# SPDX-License-Identifier: GPL-2.0-or-later
"""A world for one test: records, sysfs, state, snmpd and the agent, all in one directory that
goes when the test is over. Nothing of this machine's configuration is read or changed."""

import glob
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import contract
from checks import find_tool
from clients import Clients, environment
from mib import Mib
from records import Records
from snmp import Manager, NotServed
from sysfs import Sysfs
from view import View

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.dirname(os.path.dirname(HERE))
BUILD = os.path.abspath(os.environ.get("BUILD", os.path.join(SOURCE, "build")))
INITIATOR = "iqn.2026-01.org.example:host"
TICKS = os.sysconf("SC_CLK_TCK")


def wait_until(predicate, seconds):
    """The first true thing that `predicate` says, asked every 20 ms; None if the time is up."""
    end = time.monotonic() + seconds
    while True:
        said = predicate()
        if said:
            return said
        if time.monotonic() > end:
            return None
        time.sleep(0.02)


def program(path):
    """A built program itself, not libtool's script around it: signals and /proc need the one."""
    folder, name = os.path.split(os.path.join(BUILD, path))
    for candidate in (".libs/lt-" + name, ".libs/" + name, name):
        if os.access(os.path.join(folder, candidate), os.X_OK):
            return os.path.join(folder, candidate)
    return None


def agent_program():
    return os.environ.get("ISCSI_IFACED") or program("src/agent/iscsi-ifaced")


def mib_file():
    for folder in (BUILD, SOURCE):
        path = os.path.join(folder, "mibs", "ISCSI-IFACE-MIB.txt")
        if os.path.exists(path):
            return path
    return None


def library_environment(base):
    folders = sorted(glob.glob(os.path.join(BUILD, "src", "*", ".libs")))
    return dict(base, LD_LIBRARY_PATH=":".join(folders + [os.environ.get("LD_LIBRARY_PATH", "")]),
                # Slow, but libraries have no frame pointers, and suppressions want their functions.
                # A library that is preloaded (faults.py) comes before the sanitizer's own.
                ASAN_OPTIONS="exitcode=98:detect_leaks=1:fast_unwind_on_malloc=0:"
                "verify_asan_link_order=0", UBSAN_OPTIONS="halt_on_error=0", CK_FORK="no")


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Process:
    """A program that we started, with what it says going to a file of its own."""

    def __init__(self, argv, log, env):
        self.argv = argv
        self.log_path = log
        with open(log, "wb") as file:
            self.popen = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=file,
                                          stderr=subprocess.STDOUT, env=env)
        self.pid = self.popen.pid

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as file:
            return file.read()

    def running(self):
        return self.popen.poll() is None

    def send(self, number):
        if self.running():
            os.kill(self.pid, number)

    def wait(self, seconds):
        """The exit code; None if it still runs."""
        try:
            return self.popen.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def end(self, number=signal.SIGTERM, seconds=10):
        """Ends it, with force if it must be; its exit code, or None if it needed force."""
        if self.running():
            self.send_all(signal.SIGCONT)
        self.send(number)
        code = self.wait(seconds)
        if code is None:
            self.popen.kill()
            self.popen.wait()
        return code

    def family(self):
        """Its process and all below it: the agent has a second one, which talks to the network."""
        pids = [self.pid]
        for pid in pids:
            for path in glob.glob("/proc/%d/task/*/children" % pid):
                with open(path, encoding="ascii") as file:
                    pids += [int(child) for child in file.read().split()]
        return pids

    def send_all(self, number):
        for pid in self.family():
            os.kill(pid, number)

    def cpu_ticks(self):
        """User and system time of all its threads so far."""
        ticks = 0
        for pid in self.family():
            with open("/proc/%d/stat" % pid, encoding="ascii") as file:
                fields = file.read().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks

    def settle(self, seconds=10):
        """Waits until its start-up work is over: a tenth of a second without any time used."""
        def still():
            before = self.cpu_ticks(), self.wakeups()
            time.sleep(0.1)
            return self.cpu_ticks() == before[0] and self.wakeups() - before[1] < 5
        return wait_until(still, seconds)

    def wakeups(self):
        """How often its threads went to sleep or were sent to: /proc's context switches."""
        count = 0
        for path in [path for pid in self.family()
                     for path in glob.glob("/proc/%d/task/*/status" % pid)]:
            with open(path, encoding="ascii", errors="replace") as file:
                for line in file:
                    if "ctxt_switches" in line:
                        count += int(line.split()[1])
        return count


class World:
    """`with World(checks, "name") as world:` - the test fills it, starts it, and asks."""

    def __init__(self, checks, name):
        self.checks = checks
        self.name = name
        self.dir = tempfile.mkdtemp(prefix="ifaced-test-")
        os.chmod(self.dir, 0o755)  # the unprivileged process reads sysfs, the configuration ...
        self.records = Records(self.path("db"))
        self.sysfs = Sysfs(self.path("sys"))
        self.sysfs.transport("tcp")
        # cert_indexes: else net-snmp's library makes it, and says so.
        for folder in ("state", "lock", "snmp-state", "snmp-state/cert_indexes"):
            os.mkdir(self.path(folder), 0o700)
        self.initiator = INITIATOR
        with open(self.path("initiatorname"), "w", encoding="ascii") as file:
            file.write("## one line of comment\nInitiatorName=%s\n" % INITIATOR)
        self.env = environment(self.dir)
        self.mib = Mib(mib_file())
        self.port = free_port()
        timeout = checks.patience(5)
        self.snmp = Manager(self.port, timeout=timeout)
        self.writer = Manager(self.port, "private", checks.patience(20))
        self.clients = Clients(self.port, self.env, timeout)
        self.sink = None  # a Sink, before the master starts: where it sends notifications
        self.agentx = self.path("agentx")  # where master and agent meet; None: the default
        self.agentx_timeout = None  # seconds that the master waits for the agent; its own: 1
        self.master = None
        self.agent = None
        self.started = []

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        try:
            if self.agent and self.agent.running():
                self.stop_agent()
        finally:
            for process in reversed(self.started):
                process.end()
            self.snmp.close()
            self.writer.close()
            shutil.rmtree(self.dir, ignore_errors=True)

    def path(self, *parts):
        return os.path.join(self.dir, *parts)

    def _start(self, argv, name, env):
        log = self.path("%s.%d.log" % (name, len(self.started)))
        process = Process(argv, log, env)
        self.started.append(process)
        return process

    # -- the master agent

    def start_master(self):
        patience = 30 if self.checks.valgrind else self.agentx_timeout
        slow = "agentXTimeout %d\n" % patience if patience else ""
        with open(self.path("snmpd.conf"), "w", encoding="ascii") as file:
            file.write("agentaddress udp:127.0.0.1:%d\n"
                       "rocommunity public 127.0.0.1\nrwcommunity private 127.0.0.1\n"
                       "master agentx\nagentXSocket %s\ndontLogTCPWrappersConnects yes\n%s%s"
                       % (self.port, self.agentx, slow,
                          "trap2sink 127.0.0.1:%d public\n" % self.sink.port if self.sink else ""))
        # No object of snmpd's own is asked for, except the system group.
        self.master = self._start(
            [find_tool("snmpd"), "-f", "-Lf", self.path("snmpd.log"), "-C", "-c",
             self.path("snmpd.conf"), "-p", self.path("snmpd.pid")], "snmpd", self.env)
        if not wait_until(self._master_answers, self.checks.patience(10)):
            raise RuntimeError("snmpd does not answer: " + self.master.log()[-300:])
        return self.master

    def _master_answers(self):
        try:
            return self.snmp.get((1, 3, 6, 1, 2, 1, 1, 3, 0), timeout=1)
        except NotServed:
            return False

    def stop_master(self, number=signal.SIGTERM):
        self.master.end(number)

    # -- the agent

    def arguments(self):
        """The options that keep the agent in this world."""
        master = ["-x", self.agentx] if self.agentx else []
        return ["-f", "-C", *master, "-r", self.path("db"), "-S",
                self.path("sys"), "-I", self.path("initiatorname"), "-s", self.path("state"),
                "-l", self.path("lock"), "-A", self.path("iscsiadm")] + (
                    ["-u", "nobody"] if os.geteuid() == 0 else [])

    def command(self, *options):
        argv = [agent_program()] + list(options)
        if self.checks.valgrind:
            argv = ["valgrind", "--error-exitcode=99", "--leak-check=full",
                    "--errors-for-leak-kinds=definite", "--num-callers=30",
                    "--soname-synonyms=somalloc=nouserintercepts",  # of faults.py's library
                    "--log-file=" + self.path("valgrind.%p")] + argv
        return argv

    def start_agent(self, *options, wait=True, within=()):
        """Starts it, and waits until it serves. `within`: a command that becomes the agent."""
        self.agent = self._start([*within, *self.command(*self.arguments(), *options)], "agent",
                                 library_environment(self.env))
        if wait and not self.wait_served(15):
            raise RuntimeError("the agent does not serve: %s"
                               % (self.agent.log()[-400:] or "it says nothing"))
        return self.agent

    def run_agent(self, *options, seconds=10):
        """Runs it with these options alone, to its end; (exit code or None, what it said)."""
        process = self._start(self.command(*options), "agent", library_environment(self.env))
        code = process.wait(self.checks.patience(seconds))
        if code is None:
            process.end()
        return code, process.log()

    def stop_agent(self, number=signal.SIGTERM):
        """Ends it and checks that it ended well: exit 0, and clean under whatever watches it."""
        code = self.agent.end(number, self.checks.patience(10))
        text = "%s: the agent ends with 0 after %s" % (self.name, signal.Signals(number).name)
        self.checks.check(code == 0, text, lambda: "code %s, %s" % (code, self._last_words()))
        faults = [line for line in self.agent.log().splitlines()
                  if "runtime error:" in line or "Sanitizer" in line]
        if faults:
            self.checks.fail("%s: no sanitizer has a complaint" % self.name, faults[0])
        if self.master and "breaks the protocol" in self.agent.log():
            self.checks.fail("%s: the agent takes snmpd for what it is" % self.name,
                             self.agent.log()[-300:])
        return code

    def _last_words(self):
        words = self.agent.log()[-300:]
        for path in glob.glob(self.path("valgrind.*")):
            with open(path, encoding="utf-8", errors="replace") as file:
                words += " | " + file.read()[-1500:]
        return words

    def serves(self, timeout=0.5):
        """True if the agent's version can be read now."""
        try:
            return bool(self.snmp.value(self.oid("AgentVersion"),
                                        timeout=self.checks.patience(timeout)))
        except NotServed:
            return False

    def wait_served(self, seconds):
        return wait_until(lambda: not self.agent.running() or self.serves(),
                          self.checks.patience(seconds)) and self.agent.running()

    # -- what it shows

    def oid(self, name, *index):
        """The OID of an instance, by the object's name without `iscsiIface`."""
        return self.mib.instance(contract.PREFIX + name, *index)

    def value(self, name, *index):
        return self.snmp.value(self.oid(name, *index))

    def view(self, root=None):
        """Everything it shows now, or what is below `root`, as tables."""
        return View(self.mib.root, self.snmp.walk(root or self.mib.root))

    def table(self, name):
        return self.view(self.mib.oid(contract.PREFIX + name)).tables[name]

    def wait_value(self, want, seconds, name, *index):
        """Waits until an instance has a value (or satisfies a predicate); what it had last."""
        last = []

        def there():
            try:
                last[:] = [self.value(name, *index)]
            except NotServed:
                return False
            return want(last[0]) if callable(want) else last[0] == want
        wait_until(there, self.checks.patience(seconds))
        return last[0] if last else None

    def pass_by(self, stamp):
        """Waits until sysUpTime is past a TimeStamp: what happens then has another one."""
        up = (1, 3, 6, 1, 2, 1, 1, 3, 0)
        return wait_until(lambda: self.snmp.value(up) > stamp + 1, 5)

    def wait_log(self, words, seconds):
        """Waits until the agent's log has a line with all these words; that line, or None."""
        def line():
            for text in self.agent.log().splitlines():
                if all(word in text for word in words):
                    return text
            return None
        return wait_until(line, self.checks.patience(seconds))
