# SPDX-License-Identifier: GPL-2.0-or-later
"""An iscsiadm for the agent that a test can make lie: a login makes a session in the world's sysfs
and a logout takes one away, if "behaviour" in the world's directory does not say otherwise:

    code    what it ends with
    acts    false: it does nothing, whatever it says
    says    what it writes
    finds   [target, host, port, tpgt] of each portal that a discovery finds: it adds records as
            "-o new" does, and writes their lines
    spares  the session that it does not log out; only then the code counts
    skips   so many of those records it does not add, although it says so
    hidden  the disks that a rescan of a session finds: of each what Sysfs.disk() is given
    match   a pattern of what it must be asked for that; else it does as it should

A session is bound to the device that the node record names, and a discovery that stores nothing
lists every target.
While there is a file "hold" it does not come to its end, if it is asked what matches the pattern
in it. What it is asked is in "calls", and what has ended in "ended"."""

import json
import os
import re
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))


def install(world):
    """Makes it the world's iscsiadm."""
    path = world.path("iscsiadm")
    with open(path + ".new", "w", encoding="ascii") as file:
        file.write('#!/bin/sh\nexec "%s" -B "%s" "%s" "$@"\n'
                   % (sys.executable, os.path.abspath(__file__), world.dir))
    os.chmod(path + ".new", 0o755)
    os.rename(path + ".new", path)


def behave(world, **behaviour):
    with open(world.path("behaviour.new"), "w", encoding="ascii") as file:
        json.dump(behaviour, file)
    os.rename(world.path("behaviour.new"), world.path("behaviour"))


def calls(world):
    """What it was asked since the last time."""
    try:
        with open(world.path("calls"), encoding="ascii") as file:
            lines = file.read().splitlines()
        os.unlink(world.path("calls"))
    except FileNotFoundError:
        lines = []
    return lines


def hold(world, match=""):
    with open(world.path("hold.new"), "w", encoding="ascii") as file:
        file.write(match)
    os.rename(world.path("hold.new"), world.path("hold"))


def ended(world):
    """What has come to its end, a line each."""
    try:
        with open(world.path("ended"), encoding="ascii") as file:
            return file.read().splitlines()
    except FileNotFoundError:
        return []


def let_go(world):
    os.unlink(world.path("hold"))


def discover(folder, arguments, behaviour):
    """Adds what is not there (usr/idbm.c:idbm_add_node), with a link for each record."""
    from records import Records, node_text  # pylint: disable=import-outside-toplevel
    records = Records.at(os.path.join(folder, "db"))
    after = dict(zip(arguments, arguments[1:]))
    host, port = after["-p"].rsplit(":", 1)
    names = [after["-I"]] if "-I" in after else sorted(
        name for name, settings in records.ifaces().items()
        if settings["transport_name"] == "tcp") or ["default"]
    links = os.path.join(records.root, "send_targets", "%s,%s" % (host, port))
    os.makedirs(links, 0o700, exist_ok=True)
    skips = behaviour.get("skips", 0)
    for name in names:
        for target, *portal in behaviour["finds"]:
            print("%s:%d,%d %s" % (*portal, target))
            path = records.node_path(target, *portal, name)
            if os.path.exists(path):
                continue
            if skips:
                skips -= 1
                continue
            text = node_text(target, *portal, name, copy=records.iface_settings(name)).replace(
                "node.discovery_port = 0\nnode.discovery_type = static",
                "node.discovery_address = %s\nnode.discovery_port = %s\n"
                "node.discovery_type = send_targets" % (host, port))
            os.makedirs(os.path.dirname(path), 0o700, exist_ok=True)
            records.rewrite(path, text)
            os.symlink(os.path.dirname(path), os.path.join(links, "%s,%s,%d,%d,%s" % (
                target, *portal, name)))


def act(folder, arguments, behaviour):
    sys.path.insert(0, HERE)
    # pylint: disable=import-outside-toplevel
    from records import Records, read
    from sysfs import Sysfs
    sysfs = Sysfs.__new__(Sysfs)
    sysfs.root = os.path.join(folder, "sys")
    after = dict(zip(arguments, arguments[1:]))
    if arguments[-1] == "--discover":
        discover(folder, arguments, behaviour)
    elif arguments[-1] == "nonpersistent":
        for target in sorted(os.listdir(os.path.join(folder, "db", "nodes"))):
            print("192.0.2.1:3260,1 " + target)
    elif arguments[-1] == "--login":
        os.umask(0o022)  # what the kernel shows all may read
        host, port = after["-p"].split(",")[0].rsplit(":", 1)
        listed = sysfs.path("class/iscsi_session")
        taken = [int(name[len("session"):]) for name in os.listdir(listed)] \
            if os.path.isdir(listed) else []
        number = max(taken + [0]) + 1
        host = host.strip("[]")
        record = read(Records.at(os.path.join(folder, "db")).node_path(
            after["-T"], host, port, after["-p"].split(",")[1], after["-I"]))
        sysfs.session(number, number, after["-T"], (host, int(port)), after["-I"],
                      netdev=record.get("iface.net_ifacename", "(null)"))
    elif arguments[-1] == "--rescan":
        os.umask(0o022)  # likewise
        for lun, name, octets, number, wwid in behaviour.get("hidden", []):
            if not os.path.exists(sysfs.path("class/block", name)):
                sysfs.disk(int(after["-r"]), int(after["-r"]), lun, name, octets, tuple(number),
                           wwid)
    elif arguments[-1] == "-u" and int(after["-r"]) != behaviour.get("spares"):
        sysfs.remove_session(int(after["-r"]), int(after["-r"]))


def is_held(folder, asked):
    try:
        with open(os.path.join(folder, "hold"), encoding="ascii") as file:
            return re.search(file.read(), asked)
    except FileNotFoundError:
        return False


def main(folder, *arguments):
    with open(os.path.join(folder, "calls"), "a", encoding="ascii") as file:
        file.write(" ".join(arguments) + "\n")
    while is_held(folder, " ".join(arguments)):
        time.sleep(0.02)
    try:
        with open(os.path.join(folder, "behaviour"), encoding="ascii") as file:
            behaviour = json.load(file)
    except FileNotFoundError:
        behaviour = {}
    if not re.search(behaviour.get("match", ""), " ".join(arguments)):
        behaviour = {}
    if behaviour.get("acts", True):
        act(folder, arguments, behaviour)
    sys.stdout.write(behaviour.get("says", ""))
    with open(os.path.join(folder, "ended"), "a", encoding="ascii") as file:
        file.write(" ".join(arguments) + "\n")
    if "spares" in behaviour and str(behaviour["spares"]) not in arguments:
        return 0
    return behaviour.get("code", 0)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
