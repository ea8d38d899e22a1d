# SPDX-License-Identifier: GPL-2.0-or-later
"""An iscsiadm for the agent that a test can make lie: a login makes a session in the world's sysfs
and a logout takes one away, if "behaviour" in the world's directory does not say otherwise:

    code    what it ends with
    acts    false: it does nothing, whatever it says
    says    what it writes

While there is a file "hold" it does not come to its end. What it is asked is in "calls"."""

import json
import os
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


def hold(world):
    with open(world.path("hold"), "w", encoding="ascii"):
        pass


def let_go(world):
    os.unlink(world.path("hold"))


def act(folder, arguments):
    sys.path.insert(0, HERE)
    from sysfs import Sysfs  # pylint: disable=import-outside-toplevel
    sysfs = Sysfs.__new__(Sysfs)
    sysfs.root = os.path.join(folder, "sys")
    after = dict(zip(arguments, arguments[1:]))
    if arguments[-1] == "--login":
        host, port = after["-p"].split(",")[0].rsplit(":", 1)
        listed = sysfs.path("class/iscsi_session")
        taken = [int(name[len("session"):]) for name in os.listdir(listed)] \
            if os.path.isdir(listed) else []
        number = max(taken + [0]) + 1
        sysfs.session(number, number, after["-T"], (host.strip("[]"), int(port)), after["-I"])
    elif arguments[-1] == "-u":
        sysfs.remove_session(int(after["-r"]), int(after["-r"]))


def main(folder, *arguments):
    with open(os.path.join(folder, "calls"), "a", encoding="ascii") as file:
        file.write(" ".join(arguments) + "\n")
    while os.path.exists(os.path.join(folder, "hold")):
        time.sleep(0.02)
    try:
        with open(os.path.join(folder, "behaviour"), encoding="ascii") as file:
            behaviour = json.load(file)
    except FileNotFoundError:
        behaviour = {}
    if behaviour.get("acts", True):
        act(folder, arguments)
    sys.stdout.write(behaviour.get("says", ""))
    return behaviour.get("code", 0)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
