# SPDX-License-Identifier: GPL-2.0-or-later
"""What a test says about the agent: one line for each thing checked."""

import os
import shutil
import traceback


class Checks:
    """Counts and prints the checks of one run; handed to every test function."""

    def __init__(self, full=False, valgrind=False):
        self.full = full
        self.valgrind = valgrind
        self.passed = 0
        self.failed = 0

    def _say(self, word, text, why=""):
        why = " ".join(str(why).split())
        line = "%s - agent: %s%s" % (word, text, " (%s)" % why if why else "")
        print(line.encode("ascii", "backslashreplace").decode(), flush=True)

    def check(self, good, text, why=""):
        """One check. `why` is shown only if it fails; a function is called only then."""
        if good:
            self.passed += 1
            self._say("ok", text)
        else:
            self.failed += 1
            self._say("not ok", text, why() if callable(why) else why)
        return bool(good)

    def fail(self, text, why):
        return self.check(False, text, why)

    def equal(self, got, want, text):
        return self.check(got == want, text, lambda: difference(got, want))

    def empty(self, faults, text):
        """No fault was found; else the first three are told."""
        faults = list(faults)
        return self.check(not faults, text, lambda: "%d faults: %s" % (
            len(faults), "; ".join(str(f) for f in faults[:3])))

    def need(self, present, text, what):
        """True if `what` is there. CI has everything: there its absence is a failure."""
        if present:
            return True
        if os.environ.get("CI") == "true":
            self.fail(text, "%s is missing, and CI skips nothing" % what)
        else:
            self._say("skip", text, "%s is missing" % what)
        return False

    def tool(self, name, text):
        """need() for a program; /usr/sbin is not on everybody's path."""
        return self.need(find_tool(name), text, name)

    def patience(self, seconds):
        """A time limit for something that is waited for: valgrind is slow."""
        return seconds * 15 if self.valgrind else seconds

    def guard(self, text, function, *arguments):
        """Runs a test; what it raises is a failure of that test, and the rest goes on."""
        try:
            function(*arguments)
        except Exception as error:  # whatever it is, the next test must still run
            where = traceback.extract_tb(error.__traceback__)[-1]
            self.fail(text, "%s: %s, at %s:%d" % (
                type(error).__name__, error, os.path.basename(where.filename), where.lineno))


def find_tool(name):
    return shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin:/usr/bin:/bin")


def difference(got, want):
    """Two values side by side; of two dictionaries only where they differ."""
    if isinstance(got, dict) and isinstance(want, dict):
        keys = [k for k in sorted(set(got) | set(want), key=str)
                if k not in got or k not in want or got[k] != want[k]]
        return "%d differ: %s" % (len(keys), "; ".join(
            "%s: got %s, want %s" % (k, got.get(k, "nothing"), want.get(k, "nothing"))
            for k in keys[:3]))
    return "got %.300r, want %.300r" % (got, want)
