# SPDX-License-Identifier: GPL-2.0-or-later
"""The end of a run: whatever brings it about, nothing that was started outlives it."""

import glob
import os
import signal
import sys
import time

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
PATIENCE = 10  # seconds that a process has to end by itself


class Ending:
    """`with Ending() as ending:` - who is ended by a signal ends as from within: every `with` of
    the test that runs is left, and then what is a child still goes. No more signal is heeded."""

    def __init__(self):
        self.number = 0  # the signal that ended it

    def __enter__(self):
        for number in SIGNALS:
            if signal.getsignal(number) != signal.SIG_IGN:  # as nohup(1) has it
                signal.signal(number, self._end)
        return self

    def _end(self, number, _):
        for one in SIGNALS:
            signal.signal(one, signal.SIG_IGN)
        self.number = number
        sys.exit(128 + number)

    def __exit__(self, kind, error, trace):
        end_children()


def children():
    """The processes that somebody of us started and nobody waited for, those that ended, too."""
    found = set()
    for path in glob.glob("/proc/self/task/*/children"):
        with open(path, encoding="ascii") as file:
            found.update(int(pid) for pid in file.read().split())
    return found


def is_over(pid):
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:
        return True


def end_children():
    """Ends them, with force if it must be."""
    left = {pid for pid in children() if not is_over(pid)}
    for pid in left:
        os.kill(pid, signal.SIGCONT)
        os.kill(pid, signal.SIGTERM)
    end = time.monotonic() + PATIENCE
    while left and time.monotonic() < end:
        time.sleep(0.02)
        left = {pid for pid in left if not is_over(pid)}
    for pid in left:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
