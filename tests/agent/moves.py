# SPDX-License-Identifier: GPL-2.0-or-later
"""What the tests of jobs that move sessions share. The portal has a name: nobody looks it up, and
nothing is sent anywhere."""

import os
import signal

import fake_iscsiadm as iscsiadm
import sets
from harness import wait_until
from network import private

ONE, TWO = "iqn.2026-01.org.example:one", "iqn.2026-01.org.example:two"
PORTAL = "portal.example"
LOGIN, REBIND = 1, 3
LOGGED_IN = 3  # iscsiIfaceBindingOperStatus
STATE = ("inconsistentValue",)


def needs(checks, text):
    return checks.need(private(), text, "a namespace of its own")


def waits(checks, world, index, step):
    """Until a job says that it is at this step."""
    checks.check(wait_until(lambda: world.value("JobStep", index).startswith(step.encode()),
                            checks.patience(60)), "it is " + step, sets.jobs(world).get(index))


def changes(world):
    """The logins and logouts among the calls, in short."""
    return [call.split(" -T ")[1].split()[0] if call.endswith("--login") else call.split()[-2]
            for call in iscsiadm.calls(world) if call.endswith(("--login", "-u"))]


def rescanned(checks, world, sid):
    """Until a session has been rescanned; what that has found is to be seen then."""
    checks.check(wait_until(lambda: "-m session -r %d --rescan" % sid in iscsiadm.ended(world),
                            checks.patience(30)), "session %d is rescanned" % sid,
                 iscsiadm.calls(world))
    os.kill(world.agent.pid, signal.SIGUSR1)


def devices(world):
    """{(target, iface): device} of the sessions, as the kernel's text has them."""
    top, found = world.sysfs.path("class/iscsi_session"), {}
    for name in os.listdir(top):
        with open(os.path.join(top, name, "targetname"), encoding="ascii") as file:
            target = file.read().strip()
        with open(os.path.join(top, name, "ifacename"), encoding="ascii") as file:
            iface = file.read().strip()
        host = os.path.basename(os.path.realpath(os.path.join(top, name, "device/..")))
        with open(world.sysfs.path("class/iscsi_host", host, "netdev"), encoding="ascii") as file:
            found[target, iface] = file.read().strip()
    return found
