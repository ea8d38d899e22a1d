# SPDX-License-Identifier: GPL-2.0-or-later
"""What SETs write and what the real iscsiadm writes: one and the same.

The agent and iscsiadm see one database at /etc/iscsi. After each SET iscsiadm lists what our tables
show; and in a twin database, where iscsiadm does the same by itself, every file is the same, except
for the first comment line of a new record, which names its writer.
"""

import os
import shutil

import network
import openiscsi
import sets
from harness import World, wait_until
from records import Records
from sets import CREATE, DESTROY, DONE, ask, binding, iface, new_binding, setting
from test_differential import compare_ifaces, compare_nodes, pairs

TARGET = "iqn.2026-01.org.example:mirror"
PORTAL = "10.9.0.1:3260,1"
CONF = """# made for a test
iscsid.startup = /bin/true
node.startup = automatic
node.leading_login = No
node.session.timeo.replacement_timeout = 5
node.session.auth.authmethod = CHAP
node.session.auth.username = bob
node.session.auth.password = not-to-be-shown
node.conn[0].timeo.login_timeout = 15
node.session.queue_depth = 64
node.session.cmds_max=77
discovery.sendtargets.auth.username = other
node.session.iscsi.InitialR2T = Yes
"""


def headless(found):
    """A tree as it is, but for the comment at the head of its records."""
    return {path: (kind, mode, b"\n".join(content.split(b"\n")[1:])
                   if isinstance(content, bytes) and path.startswith(("ifaces", "nodes"))
                   else content)
            for path, (kind, mode, content) in found.items()}


class Pair:
    """Our database and iscsiadm's twin of it."""

    def __init__(self, checks, world, host):
        self.checks = checks
        self.world = world
        self.host = host
        shutil.copytree(world.records.root, world.path("twin"), symlinks=True)
        self.twin = host.over(world.path("twin"))

    def step(self, what, wishes, *commands):
        """One SET, and what iscsiadm is told instead."""
        answer = ask(self.world, *wishes)
        self.checks.equal(answer, DONE, "a SET to %s" % what)
        for command in commands:
            self.twin.run(*command)
            self.checks.check(self.twin.code == 0, "iscsiadm can %s" % what, self.twin.errors)
        sets.settle(self.world)
        self.same(what)
        compare_ifaces(self.checks, self.world, self.host, "after: %s" % what)
        if self.world.records.nodes():
            compare_nodes(self.checks, self.world, self.host, "after: %s" % what)

    def same(self, what):
        ours, theirs = [headless(sets.tree(root)) for root in (self.world.records.root,
                                                               self.twin.root)]
        ours.pop("ifaces", None), theirs.pop("ifaces", None)  # its mode is who made it
        self.checks.equal(sets.compare(ours, theirs), "", "is on disk as if iscsiadm did: %s"
                          % what)


def at(world, name, portal, target=TARGET):
    found = world.view().find("BindingTable", BindingIfaceName=name, BindingPortal=portal,
                              BindingTargetName=target)
    return found[0][0]


def new_iface(name, **settings):
    return ("-m", "iface", "-I", name, "-o", "new", *pairs(settings))


def update_iface(name, **settings):
    return ("-m", "iface", "-I", name, "-o", "update", *pairs(settings))


def node(operation, portal, name, *more, target=TARGET):
    return ("-m", "node", "-o", operation, "-T", target, "-p", portal, "-I", name, *more)


def startup(portal, name, value, target=TARGET):
    return node("update", portal, name, "-n", "node.startup", "-v", value, target=target)


def start(world, host, *lines):
    """The agent, too, has its database at /etc/iscsi: links name it."""
    sets.start(world, *lines, options=("-r", "/etc/iscsi"), within=host.inside())


def test_mirror(checks):
    """A life of ifaces and bindings."""
    if not openiscsi.possible(checks, "SETs against iscsiadm"):
        return
    with World(checks, "mirror") as world, \
            openiscsi.OpenIscsi(world, world.sysfs.root) as host:
        world.sysfs.transport("qla4xxx")
        start(world, host)
        pair = Pair(checks, world, host)
        qla = "qla4xxx.00:0e:1e:00:00:01"
        pair.step("make an iface", iface("x", RowStatus=CREATE), new_iface("x"))
        pair.step("make a bound iface", iface("san", NetIfaceName="san0", RowStatus=CREATE),
                  new_iface("san", net_ifacename="san0"))
        pair.step("make an iface of iser", iface("fast", RowStatus=CREATE, Transport="iser"),
                  new_iface("fast", transport_name="iser"))
        pair.step("make an iface whose name says ipv6", iface("my.ipv6.0", RowStatus=CREATE),
                  new_iface("my.ipv6.0"))
        pair.step("make an offload iface", iface(
            qla, RowStatus=CREATE, Transport="qla4xxx", HwAddress="00:0e:1e:00:00:01",
            IpAddressType=1, IpAddress=b"\x0a\x08\x00\x05") + setting(qla, "mtu", "1500"),
            new_iface(qla, transport_name="qla4xxx", hwaddress="00:0e:1e:00:00:01",
                      ipaddress="10.8.0.5", mtu="1500"))
        pair.step("change settings of it", setting(qla, "mtu", "9000")
                  + setting(qla, "vlan_id", "7") + setting(qla, "bootproto", "static")
                  + setting(qla, "subnet_mask", "255.255.255.0"),
                  update_iface(qla, mtu="9000", vlan_id="7", bootproto="static",
                               subnet_mask="255.255.255.0"))
        pair.step("clear settings of it", setting(qla, "mtu", "") + setting(qla, "bootproto", ""),
                  update_iface(qla, mtu="0", bootproto=""))
        pair.step("change an iface", iface("x", HwAddress="02:00:77:00:00:01",
                                           Initiator="iqn.2026-01.org.example:x"),
                  update_iface("x", hwaddress="02:00:77:00:00:01",
                               initiatorname="iqn.2026-01.org.example:x"))
        pair.step("bind a portal", new_binding(1, "san", TARGET, "10.9.0.1"),
                  node("new", PORTAL, "san"))
        pair.step("bind it a second time", new_binding(2, "x", TARGET, "10.9.0.1"),
                  node("new", PORTAL, "x"))
        pair.step("bind an IPv6 portal", new_binding(3, "x", TARGET, "fd09::1", tpgt=2),
                  node("new", "[fd09::1]:3260,2", "x"))
        pair.step("bind a portal by its name",
                  new_binding(4, "fast", "eui.02004567A425678D", "localhost", PortalPort=860),
                  node("new", "localhost:860,1", "fast", target="eui.02004567A425678D"))
        pair.step("bind to the built-in iface", new_binding(5, "default", TARGET, "10.9.0.1"),
                  node("new", PORTAL, "default"))
        pair.step("bind over an offload iface", new_binding(6, qla, TARGET, "10.9.0.1"),
                  node("new", PORTAL, qla))
        pair.step("change startups", binding(1, Startup=2) + binding(3, Startup=3),
                  startup(PORTAL, "san", "automatic"), startup("[fd09::1]:3260,2", "x", "onboot"))
        pair.step("change an iface with bindings", iface("x", Initiator=""),
                  update_iface("x", initiatorname=""))
        pair.step("rebind it to a device" if network.private() else "rebind it",
                  iface("x", HwAddress="", NetIfaceName="san1"),
                  update_iface("x", hwaddress=""), update_iface("x", net_ifacename="san1"))
        pair.step("move a binding", binding(3, IfaceName="san"),
                  node("delete", "[fd09::1]:3260,2", "x"), node("new", "[fd09::1]:3260,2", "san"),
                  startup("[fd09::1]:3260,2", "san", "onboot"))
        pair.step("move another one at a portal of several", binding(2, IfaceName="fast"),
                  node("delete", PORTAL, "x"), node("new", PORTAL, "fast"))
        pair.step("unbind one of several", binding(1, RowStatus=DESTROY),
                  node("delete", PORTAL, "san"))
        pair.step("unbind the only one of a portal", binding(3, RowStatus=DESTROY),
                  node("delete", "[fd09::1]:3260,2", "san"))
        pair.step("unbind the only one of a target", binding(4, RowStatus=DESTROY),
                  node("delete", "localhost:860,1", "fast", target="eui.02004567A425678D"))
        pair.step("destroy an iface", iface("san", RowStatus=DESTROY),
                  ("-m", "iface", "-I", "san", "-o", "delete"))
        pair.step("destroy an iface and what is bound to it",
                  binding(2, RowStatus=DESTROY) + iface("fast", RowStatus=DESTROY),
                  ("-m", "iface", "-I", "fast", "-o", "delete"))
        pair.step("unbind the rest", binding(5, RowStatus=DESTROY) + binding(6, RowStatus=DESTROY),
                  node("delete", PORTAL, "default"), node("delete", PORTAL, qla))
        checks.equal(sets.strays(world), [], "nothing of the agent's stays in the database")


def discovered(records, host, name, tag):
    """A record as SendTargets discovery leaves it: its kind, its source, its link."""
    target = TARGET + "-" + tag
    path = records.node(target, host, 3260, 1, name)
    with open(path, encoding="ascii") as file:
        text = file.read()
    records.put(path, text.replace(
        "node.discovery_port = 0\nnode.discovery_type = static\n",
        "node.discovery_address = 10.9.9.9\nnode.discovery_port = 3260\n"
        "node.discovery_type = send_targets\n"))
    folder = "send_targets/10.9.9.9,3260"
    os.makedirs(os.path.join(records.root, folder), 0o700, exist_ok=True)
    with open(os.path.join(records.root, folder, "st_config"), "w", encoding="ascii") as file:
        file.write("# BEGIN RECORD 2.1.8\ndiscovery.startup = manual\n"
                   "discovery.type = sendtargets\n"
                   "discovery.sendtargets.address = 10.9.9.9\n"
                   "discovery.sendtargets.port = 3260\n"
                   "# END RECORD\n")
    link = os.path.join(records.root, folder, "%s,%s,3260,1,%s" % (target, host, name))
    os.symlink("/etc/iscsi/nodes/%s/%s,3260,1" % (target, host), link)
    return target


def test_discovered(checks):
    """Records with a link in send_targets/: it goes where they go."""
    if not openiscsi.possible(checks, "links of discovered records"):
        return
    with World(checks, "discovered") as world, \
            openiscsi.OpenIscsi(world, world.sysfs.root) as host:
        records = world.records
        for name in ("x", "y"):
            records.iface(name)
        gone = discovered(records, "10.9.0.1", "x", "gone")
        moved = discovered(records, "10.9.0.1", "x", "moved")
        start(world, host)
        pair = Pair(checks, world, host)
        pair.step("unbind a discovered portal",
                  binding(at(world, "x", PORTAL, gone), RowStatus=DESTROY),
                  node("delete", PORTAL, "x", target=gone))
        folder = os.path.join(records.root, "send_targets", "10.9.9.9,3260")
        old = "%s,10.9.0.1,3260,1,x" % moved
        text = os.readlink(os.path.join(folder, old))
        answer = ask(world, *binding(at(world, "x", PORTAL, moved), IfaceName="y"))
        checks.equal(answer, DONE, "move a discovered binding")
        checks.equal(sorted(os.listdir(folder)), [old[:-1] + "y", "st_config"],
                     "its link has the new name, in the same place")
        checks.equal(os.readlink(os.path.join(folder, old[:-1] + "y")), text,
                     "and leads to the same portal")
        found = records.nodes()
        disk = found.get(("y", moved, "10.9.0.1", 3260, 1), {})
        checks.equal((len(found), disk.get("node.discovery_type"), disk.get(
            "node.discovery_address")), (1, "send_targets", "10.9.9.9"),
            "the record says where it came from")
        checks.check(not os.path.isdir(os.path.join(records.root, "static")),
                     "and there is no link in static/")
        host.run("-m", "discoverydb", "-t", "st", "-p", "10.9.9.9:3260", "-o", "delete")
        checks.check(host.code == 0 and not records.nodes(),
                     "iscsiadm -m discoverydb -o delete finds it by its link",
                     lambda: "%s %s" % (host.errors, records.nodes().keys()))
        checks.equal(world.wait_value(0, 30, "BindingCount"), 0, "and we see it go")


def test_configuration(checks):
    """A first binding of a target has iscsid.conf's settings; a further one those of the first."""
    if not openiscsi.possible(checks, "settings of new bindings"):
        return
    with World(checks, "iscsid.conf") as world, \
            openiscsi.OpenIscsi(world, world.sysfs.root) as host:
        for path in (world.path("iscsid.conf"), os.path.join(world.records.root, "iscsid.conf")):
            with open(path, "w", encoding="ascii") as file:
                file.write(CONF)
        world.records.iface("x")
        start(world, host)
        pair = Pair(checks, world, host)
        pair.twin.configuration = host.configuration = "/etc/iscsi/iscsid.conf"
        answer = ask(world, *new_binding(1, "x", TARGET, "10.9.0.1"))
        checks.equal(answer, DONE, "a SET to bind the first portal")
        pair.twin.run(*node("new", PORTAL, "x"))
        theirs = Records.at(pair.twin.root).nodes()
        key = ("x", TARGET, "10.9.0.1", 3260, 1)
        checks.equal(theirs.get(key, {}).get("node.session.timeo.replacement_timeout"), "5",
                     "iscsiadm took its iscsid.conf")
        pair.same("a binding with the settings of iscsid.conf")

        host.run(*node("update", PORTAL, "x", "-n", "node.session.queue_depth", "-v", "99"))
        host.run(*node("update", PORTAL, "x", "-n", "node.session.auth.password", "-v", "another"))
        checks.check(wait_until(lambda: ask(world, *new_binding(
            2, "x", TARGET, "10.9.0.2", Startup=1)) == DONE, checks.patience(30)),
            "a SET to bind a second portal")
        first, second = [world.records.nodes()[("x", TARGET, host_name, 3260, 1)]
                         for host_name in ("10.9.0.1", "10.9.0.2")]
        want = dict(first, **{"node.conn[0].address": "10.9.0.2", "node.startup": "manual"})
        checks.equal(second, want, "it has the settings of the first, secrets included")
        checks.equal(second.get("node.session.auth.password"), "another",
                     "those that iscsiadm changed meanwhile, too")
        log = world.agent.log()
        checks.check("another" not in log and "not-to-be-shown" not in log,
                     "and no secret is in the log")


def test_other_way(checks):
    """iscsiadm changes what a SET made, and the other way round; each keeps the other's."""
    if not openiscsi.possible(checks, "iscsiadm and SETs by turns"):
        return
    with World(checks, "by turns") as world, \
            openiscsi.OpenIscsi(world, world.sysfs.root) as host:
        start(world, host)

        def seen(text, *wishes):
            """A SET that succeeds once the agent has seen what iscsiadm just did."""
            checks.check(wait_until(lambda: ask(world, *wishes) == DONE, checks.patience(30)),
                         text)
        ask(world, *iface("x", RowStatus=CREATE))
        ask(world, *new_binding(1, "x", TARGET, "10.9.0.1"))
        host.run(*update_iface("x", net_ifacename="san1"))
        checks.check(host.code == 0, "iscsiadm changes an iface that a SET made", host.errors)
        seen("a SET changes it after that", *iface("x", Initiator="iqn.2026-01.org.example:x"))
        host.run(*startup(PORTAL, "x", "automatic"))
        checks.check(host.code == 0, "iscsiadm changes a binding that a SET made", host.errors)
        want = (b"san1", b"iqn.2026-01.org.example:x", 2)

        def shown():
            row = world.view().ifaces().get("x", {})
            return (row.get("NetIfaceName"), row.get("Initiator"),
                    world.value("BindingStartup", 1))
        wait_until(lambda: shown() == want, checks.patience(30))
        checks.equal(shown(), want, "all of it counts")
        sets.settle(world)
        compare_ifaces(checks, world, host, "by turns")
        compare_nodes(checks, world, host, "by turns")
        host.run(*new_iface("y", net_ifacename="san0"))
        seen("a SET moves a binding to an iface of iscsiadm's", *binding(1, IfaceName="y"))
        host.run(*node("delete", PORTAL, "y"))
        checks.check(host.code == 0, "iscsiadm deletes the binding that moved", host.errors)
        checks.equal(world.wait_value(None, 30, "BindingRowStatus", 1), None, "and its row goes")
        host.run(*node("new", PORTAL, "y"))
        checks.equal(world.wait_value(b"y", 30, "BindingIfaceName", 1), b"y",
                     "the record comes back, with its index")
        for name in "xy":
            host.run("-m", "iface", "-I", name, "-o", "delete")
        checks.equal((world.wait_value(2, 30, "Count"), world.wait_value(0, 30, "BindingCount")),
                     (2, 0), "iscsiadm deletes all, and all rows go")
        seen("a name that was free is taken anew", *iface("x", RowStatus=CREATE))
        checks.equal(sets.strays(world), [], "nothing of the agent's stays in the database")
