# SPDX-License-Identifier: GPL-2.0-or-later
"""contrib/snmpd as it is, with the real snmpd: who may see and change what, by SNMPv3 alone."""

import grp
import os
import re
import shlex
import signal
import subprocess

import sets
from checks import find_tool
from harness import BUILD, SOURCE, World, library_environment, wait_until
from snmp import dotted

USERS = "iscsi-ifaced-users.conf.example"
CONFIGURATION = "iscsi-ifaced.conf.example"
SYS_NAME = (1, 3, 6, 1, 2, 1, 1, 5, 0)
GROUP = "nogroup"  # stands for the one of another subagent


def example(name):
    """As it is installed: for the root of this build."""
    for folder in (os.path.join(BUILD, "contrib", "installed"), os.path.join(SOURCE, "contrib")):
        path = os.path.join(folder, "snmpd", name)
        if os.path.exists(path):
            with open(path, encoding="ascii") as file:
                return file.read()
    return None


def enable(text, line):
    """The example with one of the lines that it leaves to the reader."""
    assert "\n#%s" % line in text, line
    return text.replace("\n#%s" % line, "\n%s" % line)


class Secure:
    """A world whose master is configured by the examples; `ask` is one of net-snmp's clients."""

    def __init__(self, world, configuration):
        self.world = world
        self.users = {words[1]: words[2:] for words in map(shlex.split, example(USERS).splitlines())
                      if words[:1] == ["createUser"]}
        world.agentx = world.path("agentx", "master")
        with open(world.path("snmp-state", "snmpd.conf"), "w", encoding="ascii") as file:
            file.write("".join(line + "\n" for line in example(USERS).splitlines()
                               if line.startswith("createUser")))
        with open(world.path("snmpd.conf"), "w", encoding="ascii") as file:
            file.write("agentaddress udp:127.0.0.1:%d\nagentXSocket %s\nsysName secret\n%s"
                       % (world.port, world.agentx, configuration))
        # Not -C: with it the users would not be read either, who are in the persistent directory.
        world.master = world._start([find_tool("snmpd"), "-f", "-Lf", world.path("snmpd.log"),
                                     "-p", world.path("snmpd.pid")], "snmpd", dict(
                                         world.env, SNMPCONFPATH="%s:%s" % (
                                             world.dir, world.path("snmp-state"))))
        if not wait_until(lambda: os.path.exists(world.agentx), 10):
            raise RuntimeError("snmpd does not start: " + self.log())
        sets.configure(world, "records")
        world.agent = world._start(
            world.command(*world.arguments(), "-c", world.path("conf")), "agent",
            library_environment(world.env))

    def log(self):
        with open(self.world.path("snmpd.log"), encoding="utf-8", errors="replace") as file:
            return file.read()[-500:]

    def ask(self, command, user, *arguments, level="authPriv", **other):
        """What it says, and its errors; other: auth, auth_key, priv, priv_key instead of his."""
        auth, auth_key, priv, priv_key = self.users[user]
        argv = [find_tool(command), "-v3", "-On", "-r", "1", "-t", "2", "-u", user, "-l", level]
        if level != "noAuthNoPriv":
            argv += ["-a", other.get("auth", auth), "-A", other.get("auth_key", auth_key)]
        if level == "authPriv":
            argv += ["-x", other.get("priv", priv), "-X", other.get("priv_key", priv_key)]
        return self.run(argv + ["127.0.0.1:%d" % self.world.port, *arguments])

    def run(self, argv):
        done = subprocess.run(argv, env=self.world.env, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
        return done.stdout.decode("utf-8", "replace")


def test_users(checks):
    with World(checks, "SNMPv3") as world:
        world.records.iface("a")
        secure = Secure(world, enable(example(CONFIGURATION), "rwuser"))
        version = dotted(world.oid("AgentVersion"))

        def shown(said):
            return re.search(r"= STRING: \"\d+\.\d+", said)

        def get(*arguments, **other):
            return secure.ask("snmpget", "iscsimon", *arguments, **other)
        text = "signed and encrypted, a reader reads"
        checks.check(wait_until(lambda: shown(get(version)), checks.patience(15)), text,
                     lambda: get(version) + secure.log() + world.agent.log())
        refusals = (
            ("signed only", {"level": "authNoPriv"}, "authorizationError"),
            ("neither", {"level": "noAuthNoPriv"}, "authorizationError"),
            ("with another pass phrase", {"auth_key": "not that one at all"},
             "Authentication failure"),
            ("with another key of encryption", {"priv_key": "not that one at all"},
             "Timeout"),
            ("with a weaker signature", {"auth": "MD5"}, "Authentication failure"))
        for how, other, word in refusals:
            said = get(version, **other)
            checks.check(word in said and not shown(said), "%s: refused" % how, said)
        for community in ("public", "private"):
            for model in ("-v1", "-v2c"):
                said = secure.run([find_tool("snmpget"), model, "-c", community, "-r", "0", "-t",
                                   "1", "127.0.0.1:%d" % world.port, version])
                checks.check("Timeout" in said, "%s, community %s: no answer" % (model, community),
                             said)
        checks.check("No Such Object" in get(dotted(SYS_NAME)), "what is outside is not there",
                     get(dotted(SYS_NAME)))
        said = secure.ask("snmpwalk", "iscsimon", ".1.3.6.1")
        outside = [line for line in said.splitlines()
                   if line.startswith(".") and not line.startswith(dotted(world.mib.root) + ".")]
        checks.check(shown(said) and outside in ([], [outside[-1]] if outside and
                     "No more variables" in outside[-1] else []),
                     "a walk of everything shows this MIB alone", outside[:3])

        iface = dotted(world.oid("HwAddress", *sets.mib.text_index("a")))

        def change(user, *arguments):
            return secure.ask("snmpset", user, *arguments)
        said = change("iscsimon", iface, "s", "02:00:00:00:00:01")
        checks.check("noAccess" in said, "a reader changes nothing", said)
        checks.check(world.wait_log([world.path("state", "backup")], 30), "SETs are possible")
        said = change("iscsiadmin", iface, "s", "02:00:00:00:00:01")
        checks.check("02:00:00:00:00:01" in said and "Error" not in said, "a writer does", said)
        checks.check(world.wait_log(["changed", iface], 2), "and the log says what")
        said = change("iscsiadmin", dotted(SYS_NAME), "s", "changed")
        checks.check("noAccess" in said, "but nothing outside", said)

        world.stop_agent()
        world.stop_master(signal.SIGTERM)
        with open(world.path("snmp-state", "snmpd.conf"), encoding="ascii") as file:
            kept = file.read()
        phrases = [words[at] for words in secure.users.values() for at in (1, 3)]
        checks.check(kept.count("usmUser") == 2 and not [p for p in phrases if p in kept],
                     "snmpd keeps keys, and no pass phrase", kept)


def test_example(checks):
    """What an operator copies gives nobody more than he was told."""
    lines = [line for line in example(CONFIGURATION).splitlines() if line and line[0] != "#"]
    checks.equal([line.split()[0] for line in lines], ["master", "view", "rouser"],
                 "as it is, the example lets a reader in, and nobody else")
    checks.empty((line for line in example(CONFIGURATION).splitlines()
                  if re.match(r"#?\s*r[ow]community", line)), "it has no community, commented or not")


def test_socket(checks):
    """agentXPerms of the example: one group more, and nobody else."""
    if not checks.need(os.geteuid() == 0, "the AgentX socket", "root"):
        return
    with World(checks, "agentXPerms") as world:
        text = enable(example(CONFIGURATION), "agentXPerms").replace("root agentx", "root " + GROUP)
        secure = Secure(world, text)
        wait_until(lambda: os.stat(world.agentx).st_gid, 5)
        found = os.stat(world.agentx)
        checks.equal((found.st_mode & 0o777, found.st_uid, found.st_gid),
                     (0o660, 0, grp.getgrnam(GROUP).gr_gid), "it is root's and the group's")
        checks.equal(os.stat(os.path.dirname(world.agentx)).st_mode & 0o777, 0o755,
                     "its directory can be entered, and nothing can be made in it")
        probe = ("import socket,sys\ns = socket.socket(socket.AF_UNIX)\n"
                 "try: s.connect(sys.argv[1])\nexcept PermissionError: print('refused')\n"
                 "else: print('connected')")
        for group, want in (("65533", "refused"), (GROUP, "connected")):
            said = secure.run(["setpriv", "--reuid=65533", "--regid=" + group, "--clear-groups",
                               "/usr/bin/python3", "-c", probe, world.agentx])
            checks.equal(said.strip(), want, "another user, of group %s, is %s" % (group, want))
        world.stop_agent()
