# SPDX-License-Identifier: GPL-2.0-or-later
"""Options, exit codes, configuration, signals, and what outlasts a restart."""

import os
import re
import select
import shutil
import signal
import socket
import time

import mib
import network
from checks import find_tool
from harness import World, free_port, wait_until
from records import Records

OPTIONS = "fxcCrSIslApugGDLHVh"
TOKENS = """controlMode rebindMode allowIface denyIface jobHistory eventHistory holdDown
sessionTimeout resyncInterval iscsiadmTimeout protectInUse agentxNetwork""".split()
TARGET = "iqn.2026-01.org.example:config"


def without(arguments, option):
    """The arguments without `option` and its value."""
    at = arguments.index(option)
    return arguments[:at] + arguments[at + 2:]


def test_information(checks):
    """-V, -h and -H answer and end with 0."""
    with World(checks, "information") as world:
        code, said = world.run_agent("-V")
        checks.equal(code, 0, "-V ends with 0")
        checks.check("iscsi-ifaced" in said and re.search(r"\d+\.\d+", said),
                     "-V tells name and version", said)
        world.start_master()
        world.start_agent()
        version = world.value("AgentVersion").decode()
        checks.check(version and version in said, "which is iscsiIfaceAgentVersion", version)
        code, said = world.run_agent("-h")
        checks.equal(code, 0, "-h ends with 0")
        checks.empty(("-%s" % o for o in OPTIONS if not re.search(r"(?<![\w-])-" + o, said)),
                     "-h names every option")
        code, said = world.run_agent("-H")
        checks.equal(code, 0, "-H ends with 0")
        checks.empty((t for t in TOKENS if t.lower() not in said.lower()),
                     "-H names every configuration token")


def test_usage(checks):
    """What cannot be understood: exit 2, and a word about it."""
    with World(checks, "usage") as world:
        for text, options in (("an unknown option", ["-Z"]),
                              ("an option without its value", ["-r"]),
                              ("a word too many", ["-f", "-C", "word"])):
            code, said = world.run_agent(*options)
            checks.equal(code, 2, "%s: exit 2" % text)
            checks.check(said.strip(), "%s: it is told" % text, "no output")


def test_start_up_failures(checks):
    """What makes a start impossible: exit 1, and one clear line."""
    with World(checks, "start-up failures") as world:
        arguments = world.arguments()
        cases = (("a user that does not exist", arguments + ["-u", "no-such-user"],
                  "no-such-user"),
                 ("a configuration that is not there", arguments + ["-c", "/nonexistent/conf"],
                  "/nonexistent/conf"),
                 ("a pid file that cannot be", arguments + ["-p", "/nonexistent/pid"],
                  "/nonexistent/pid"))
        for text, options, word in cases:
            code, said = world.run_agent(*options)
            checks.equal(code, 1, "%s: exit 1" % text)
            # valgrind offers no filter of system calls, and that is said, too.
            lines = [line for line in said.splitlines()
                     if line.strip() and not (checks.valgrind and "CONFIG_SECCOMP" in line)]
            checks.check(len(lines) == 1 and word in lines[0], "%s: one line that names it" % text,
                         said or "no output")
        # Without its state it may refuse to start, or show the host all the same and say so.
        process = world.start_agent("-s", "/dev/null/state", wait=False)
        wait_until(lambda: "/dev/null/state" in process.log(), checks.patience(5))
        lines = [line for line in process.log().splitlines() if "/dev/null/state" in line]
        checks.equal(len(lines), 1, "a state directory that cannot be: one line that names it")
        # A signal in the middle of its end can hang a sanitizer that looks for leaks then.
        code = process.wait(checks.patience(3))
        if code is None:
            code = process.end()
        checks.check(code in (0, 1), "and it ends well", code)


def test_master_address(checks):
    """A master that is no UNIX socket is refused, unless the configuration says otherwise."""
    with World(checks, "master's address") as world:
        arguments = without(world.arguments(), "-x")
        port = free_port()
        address = "tcp:127.0.0.1:%d" % port
        token = ["-c", configuration(world, "agentXSocket %s\n" % address)]
        cases = [(name, ["-x", name]) for name in (
            address, "TCP6:[::1]:705", "udp:127.0.0.1", "localhost:705", "agentx", "705")]
        for name, options in cases + [(address, token)]:
            code, said = world.run_agent(*arguments, *options)
            text = "the master %s, by %s" % (name, options[0])
            checks.equal(code, 1, "%s: exit 1" % text)
            checks.check(len(said.splitlines()) == 1 and name in said and "agentxNetwork" in said,
                         "%s: one line that names it, and the way out" % text, said)
        world.agentx = address
        world.start_master()
        path = configuration(world, "agentxNetwork yes\n")
        world.start_agent("-c", path)
        checks.check(world.serves(), "with agentxNetwork yes, %s serves" % address)
        world.stop_agent()


def test_master_address_reread(checks):
    """An address that comes with SIGHUP, for the next start, is not gone to."""
    with World(checks, "master's new address") as world:
        path = configuration(world, "")
        world.start_master()
        world.start_agent("-c", path)
        with socket.create_server(("127.0.0.1", 0)) as listener:
            configuration(world, "agentXSocket tcp:127.0.0.1:%d\n" % listener.getsockname()[1])
            world.agent.send(signal.SIGHUP)
            world.wait_log(["read the configuration again"], 2)
            world.stop_master()
            world.start_master()
            checks.check(world.wait_served(2), "a master that comes back is found where it was",
                         lambda: world.agent.log()[-300:])
            checks.check(not select.select([listener], [], [], 0)[0], "nobody asked at the port")


NO_SOCKET = """
if [ -d /var/agentx ]; then mount -t tmpfs none /var/agentx; fi
exec "$@"
"""


def test_master_default(checks):
    """Where nobody is at the default socket, nobody else is asked: the library would try TCP."""
    text = "the default master is a UNIX socket"
    if not checks.need(network.private(), text, "a namespace of its own"):
        return
    with World(checks, "default master") as world:
        with socket.create_server(("127.0.0.1", 705)) as listener:
            within = ["unshare", "--mount", "sh", "-c", NO_SOCKET, "sh"]
            world.agentx = None
            world.start_agent(wait=False, within=within)
            checks.check(world.wait_log(["no AgentX master answers", "/var/agentx/master"], 5),
                         "it is named", world.agent.log()[-300:])
            checks.check(not select.select([listener], [], [], 0)[0], "port 705 was not tried")


def test_ends(checks):
    """SIGTERM and SIGINT end it with 0, soon, and whether or not there is a master."""
    with World(checks, "ends") as world:
        for master in (False, True):
            if master:
                world.start_master()
            for number in (signal.SIGTERM, signal.SIGINT):
                world.start_agent("-p", world.path("pid"), wait=master)
                wait_until(lambda: os.path.exists(world.path("pid")), checks.patience(5))
                start = time.monotonic()
                world.stop_agent(number)
                seconds = time.monotonic() - start
                checks.check(seconds < checks.patience(2), "%s %s a master takes less than 2 s" % (
                    signal.Signals(number).name, "with" if master else "without"),
                             "%.1f s" % seconds)
                if os.path.exists(world.path("pid")):
                    os.unlink(world.path("pid"))


def test_pid_file(checks):
    with World(checks, "pid file") as world:
        world.start_master()
        world.start_agent("-p", world.path("pid"))
        with open(world.path("pid"), encoding="ascii") as file:
            text = file.read().strip()
        checks.equal(text, str(world.agent.pid), "-p has the agent's pid")


def configuration(world, text):
    path = world.path("iscsi-ifaced.conf")
    with open(path, "w", encoding="ascii") as file:
        file.write(text)
    return path


def test_bad_tokens(checks):
    """A mistake is told with its file, its line and what was expected."""
    choice = {"controlMode maybe": ["readOnly", "records", "full"],
              "rebindMode sometimes": ["recordOnly", "relogin"],
              "protectInUse perhaps": ["yes", "no"], "agentxNetwork 1": ["yes", "no"]}
    numbers = ["jobHistory many", "eventHistory -5", "holdDown soon", "sessionTimeout x",
               "resyncInterval 1h", "iscsiadmTimeout 99999999999999999999"]
    with World(checks, "bad tokens") as world:
        world.start_master()
        for line in list(choice) + numbers + ["allowIface", "denyIface"]:
            path = configuration(world, "# a comment\n\n%s\n" % line)
            agent = world.start_agent("-c", path, wait=False)
            told = wait_until(lambda: [said for said in agent.log().splitlines()
                                       if path in said and line.split()[0] in said]
                              or not agent.running(), checks.patience(5))
            said = told[0] if isinstance(told, list) else agent.log()
            agent.end()
            rest = said.replace(path, "").replace(line, "")
            checks.check(path in said and re.search(r"\b3\b", rest), "%s: file and line are told"
                         % line, said or "nothing said")
            expected = choice.get(line, [])
            good = all(word in rest for word in expected) if expected else re.search(
                r"expect|must|need|missing|should|from \d|\d+ to|\d+\.\.|Blank line following",
                rest)
            checks.check(good, "%s: what was expected is told" % line, said)
        path = configuration(world, "noSuchToken 1\n")
        agent = world.start_agent("-c", path)
        checks.check(world.wait_log([path, "noSuchToken"], 2), "an unknown token is told, "
                     "and the agent serves", agent.log)


def test_reload(checks):
    """SIGHUP reads the configuration again."""
    with World(checks, "reload") as world:
        path = configuration(world, "")
        iface = mib.text_index("a")
        world.records.iface("a")
        world.start_master()
        world.start_agent("-c", path)
        checks.equal((world.value("ControlMode"), world.value("RebindMode", *iface)), (1, 1),
                     "the defaults are readOnly and recordOnly")

        def reload(text):
            configuration(world, text)
            world.agent.send(signal.SIGHUP)

        def rebind(want, text):
            checks.equal(world.wait_value(want, 2, "RebindMode", *iface), want, text)
        reload("rebindMode relogin\n")
        rebind(2, "after SIGHUP the rebind mode is the new one")
        reload("rebindMode nonsense\n")
        checks.check(world.wait_log([path, "rebindMode", "1"], 2),
                     "a mistake that came with SIGHUP is told", world.agent.log()[-300:])
        checks.check(world.agent.running() and world.serves(2), "and the agent serves on")
        reload("rebindMode relogin\n")
        rebind(2, "the corrected line counts")
        reload("")
        rebind(1, "a token that is taken away has its default again")
        reload("controlMode records\n")
        checks.equal(world.wait_value(2, 2, "ControlMode"), 2, "controlMode records counts, too")


def test_resync(checks):
    """SIGUSR1 reads everything again, sysfs included."""
    with World(checks, "resync") as world:
        world.records.iface("a")
        world.records.node(TARGET, "10.0.0.1", 3260, 1, "a")
        world.start_master()
        world.start_agent()
        before = world.value("Resyncs")
        checks.equal(world.value("SessionCount"), 0, "no session at first")
        world.sysfs.session(5, 1, TARGET, ("10.0.0.1", 3260), "a")
        world.sysfs.disk(1, 5, 2, "sdb", 2 ** 30, (8, 9016), "naa.1")
        world.agent.send(signal.SIGUSR1)
        checks.equal(world.wait_value(1, 1, "SessionCount"), 1, "SIGUSR1: a new session is seen")
        checks.equal(world.wait_value(b"sdb", 1, "DiskDevice", 5, 2), b"sdb", "and its disk")
        checks.equal(world.wait_value(1, 1, "BindingUpCount"), 1, "and its binding is logged in")
        got = world.wait_value(lambda now: now > before, 1, "Resyncs")
        checks.check(got > before, "and iscsiIfaceResyncs counts it", got)
        world.sysfs.remove_session(5, 1)
        world.agent.send(signal.SIGUSR1)
        checks.equal(world.wait_value(0, 1, "SessionCount"), 0, "SIGUSR1: a session that went")
        checks.equal(world.value("DiskDevice", 5, 2), None, "its disk went with it")


def indexes(world, table, column):
    return {row[column]: index[0] for index, row in world.table(table).items() if column in row}


def test_indexes(checks):
    """A binding keeps its index over restarts, and over a while of not being there."""
    with World(checks, "indexes") as world:
        records = world.records
        for number in range(6):
            records.node(TARGET + str(number % 3), "10.0.0.%d" % number, 3260, 1, "default")
        world.start_master()
        world.start_agent()

        def bindings():
            return indexes(world, "BindingTable", "BindingLabel")

        def targets():
            return indexes(world, "TargetTable", "TargetName")
        first, first_targets = bindings(), targets()
        checks.equal((len(first), len(set(first.values()))), (6, 6),
                     "six bindings have six indexes")
        world.stop_agent()
        world.start_agent()
        checks.equal(bindings(), first, "binding indexes survive a restart of the agent")
        checks.equal(targets(), first_targets, "target indexes survive it, too")
        world.agent.end(signal.SIGKILL)
        world.start_agent()
        checks.equal(bindings(), first, "binding indexes survive a SIGKILL of the agent")

        # One goes, another comes, the first comes back: while the agent runs, and while not.
        gone = records.node_path(TARGET + "0", "10.0.0.0", 3260, 1, "default")
        label = b"%s0 via 10.0.0.0:3260,1 on default" % TARGET.encode()
        for restart in (False, True):
            text = "that goes while the agent %s" % ("is stopped" if restart else "runs")
            if restart:
                world.stop_agent()
            shutil.move(gone, world.path("aside"))
            if restart:
                world.start_agent()
            checks.check(wait_until(lambda: label not in bindings(), checks.patience(1)),
                         "a record %s is seen to go" % text)
            new = "10.0.1.%d" % restart
            records.node(TARGET + "0", new, 3260, 1, "default")
            wait_until(lambda: len(bindings()) == 6 + restart, checks.patience(1))
            taken = set(bindings().values())
            checks.check(first[label] not in taken, "nobody has the index of a record %s" % text)
            if restart:
                world.stop_agent()
            records.put(gone, open_text(world.path("aside")))
            if restart:
                world.start_agent()
            checks.check(wait_until(lambda: label in bindings(), checks.patience(1)),
                         "a record %s is seen to come back" % text)
            checks.equal(bindings().get(label), first[label],
                         "a record %s has its index again" % text)
        now = bindings()
        world.stop_agent()
        shutil.rmtree(world.path("state"))
        os.mkdir(world.path("state"), 0o700)
        world.start_agent()
        fresh = bindings()
        checks.equal(set(fresh), set(now), "without its state the agent shows the same bindings")
        checks.check(not set(fresh.values()) & set(now.values()),
                     "from a new base, so that no old index means another record", fresh)


def open_text(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def test_damaged_state(checks):
    """A state that cannot be read is no reason not to serve."""
    with World(checks, "damaged state") as world:
        world.records.node(TARGET, "10.0.0.1", 3260, 1, "default")
        world.start_master()
        world.start_agent()
        wait_until(lambda: os.listdir(world.path("state")), 5)
        world.stop_agent()
        files = [os.path.join(folder, name) for folder, _, names in os.walk(world.path("state"))
                 for name in names]
        checks.check(files, "there is a state on disk")
        for garbage in (b"", b"\0" * 4096, b"\xff\xfe garbage \n" * 50):
            for path in files:
                with open(path, "wb") as file:
                    file.write(garbage)
            world.start_agent(wait=False)
            served = world.wait_served(10)
            checks.check(served and world.value("BindingCount") == 1,
                         "a state of %d wrong octets: the agent serves" % len(garbage),
                         lambda: world.agent.log()[-300:])
            if world.agent.running():
                world.stop_agent()


PLACES = """
set -e
mount -t tmpfs none /var/lib
mkdir /var/lib/iscsi
mount --bind "$1" /etc/iscsi
mount --bind "$2" /var/lib/iscsi
if [ -z "$3" ]; then umount /var/lib/iscsi; rmdir /var/lib/iscsi; fi
shift 3
exec "$@"
"""


def test_record_directory(checks):
    """-r auto finds the database of this host's open-iscsi, in either of its places."""
    text = "-r auto finds the records"
    if not (checks.need(network.private(), text, "a namespace of its own")
            and checks.need(os.path.isdir("/etc/iscsi"), text, "/etc/iscsi")
            and checks.tool("iscsiadm", text)):
        return
    with World(checks, "record directory") as world:
        empty, other = world.path("empty"), world.path("other")
        os.mkdir(empty)
        Records(other).iface("of-another")
        world.records.iface("of-this")
        here = world.records.root
        world.start_master()
        # With records in both, the installed iscsiadm's own directory decides: Debian 12's.
        for what, etc, var, there, want in (
                ("/etc/iscsi alone", here, empty, "", b"/etc/iscsi"),
                ("/etc/iscsi, the other empty", here, empty, "yes", b"/etc/iscsi"),
                ("/var/lib/iscsi, the other empty", empty, here, "yes", b"/var/lib/iscsi"),
                ("both, where iscsiadm decides", here, other, "yes", b"/etc/iscsi")):
            world.start_agent("-r", "auto", "-A", find_tool("iscsiadm"), within=[
                "unshare", "--mount", "--propagation", "private", "sh", "-c", PLACES, "sh", etc,
                var, there])
            checks.equal(world.value("RecordDirectory"), want, "-r auto: %s" % what)
            checks.equal(world.value("DisplayName", *mib.text_index("of-this")), b"of-this",
                         "-r auto: %s, and its records" % what)
            world.stop_agent()


def test_iface_display_after_restart(checks):
    """Nothing of the records is lost with a restart, whatever the agent keeps."""
    with World(checks, "restart") as world:
        world.records.iface("a", net_ifacename="eth0")
        world.start_master()
        world.start_agent()
        world.stop_agent()
        world.records.iface("a", net_ifacename="eth1")
        world.start_agent()
        checks.equal(world.value("NetIfaceName", *mib.text_index("a")), b"eth1",
                     "a record that changed while the agent was stopped is shown as it is")
