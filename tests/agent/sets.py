# SPDX-License-Identifier: GPL-2.0-or-later
"""SETs, asked for by name and answered with an error and its place; and what they leave on disk.

A request is a list of wishes, made by iface(), setting(), binding(), job() and scalar():

    ask(world, *iface("san", NetIfaceName="san0", RowStatus=CREATE))  ->  ("noError", 0)
"""

import collections
import contextlib
import os
import re
import stat

import contract
import mib
from expect import address, faults
from harness import wait_until
from records import BEGIN, END, read
from snmp import NotServed, Refused

ACTIVE, NOT_IN_SERVICE, NOT_READY, CREATE, CREATE_AND_WAIT, DESTROY = range(1, 7)
PENDING, RUNNING, SUCCEEDED, FAILED, ROLLED_BACK, CANCELLED = range(1, 7)
PROBE, PROPAGATE = 5, 8
IMPLIED = 2 ** 30  # from here up the agent chooses the indexes
DONE = ("noError", 0)
# RFC 3416 has two names for a row that cannot be: never, or not now.
NO_ROW = ("inconsistentName", "noCreation")
# What can be said of a row that nobody may write.
FIXED_ROW = ("notWritable", "inconsistentValue")
TYPES = {name: contract.WIRE[kind] for name, _, kind, _ in contract.objects()}

Wish = collections.namedtuple("Wish", "name index value kind")


def wish(name, index, value, kind=None):
    """One varbind. Its type is the contract's, unless a test wants another one."""
    if isinstance(value, str):
        value = value.encode()
    return Wish(name, tuple(index), value, kind or TYPES[name])


def scalar(name, value):
    return [wish(name, (0,), value)]


def iface(name, **columns):
    return [wish(column, mib.text_index(name), value) for column, value in columns.items()]


def setting(name, key, value):
    return [wish("SettingValue", mib.text_index(name, *mib.text_index(key)), value)]


def binding(index, **columns):
    return [wish("Binding" + column, (index,), value) for column, value in columns.items()]


def job(index, **columns):
    return [wish("Job" + column, (index,), value) for column, value in columns.items()]


def new_binding(index, name, target, host, tpgt=1, **more):
    """All that a binding needs to be made."""
    kind, octets = address(host)
    return binding(index, IfaceName=name, TargetName=target, PortalAddressType=kind,
                   PortalAddress=octets, Tpgt=tpgt, RowStatus=CREATE, **more)


# -- asking

def ask(world, *wishes, manager=None):
    """Sends one SET; (error, its index), DONE if it succeeded."""
    return ask_oids(world, *[(world.oid(w.name, *w.index), w.kind, w.value) for w in wishes],
                    manager=manager)


def ask_oids(world, *varbinds, manager=None):
    answer = DONE
    try:
        (manager or world.writer).set(*varbinds)
    except Refused as refused_with:
        answer = refused_with.status, refused_with.index
    # AgentX ends a SET after its answer (RFC 2741, 7.2.4.4); what is asked next comes after that.
    world.snmp.get(world.oid("AgentVersion"), timeout=world.writer.timeout)
    return answer


def refusal(world, wishes, errors, places=None):
    """What is wrong with the answer to a request that must be refused; None if nothing is.

    `errors` are the errors that are right, `places` the varbinds (from 1) that may be named."""
    before = tree(world.records.root)
    error, place = ask(world, *wishes)
    errors = (errors,) if isinstance(errors, str) else errors
    places = (places,) if isinstance(places, int) else places or range(1, len(wishes) + 1)
    if error not in errors or place not in places:
        return "%s at %d, want %s at %s" % (error, place, " or ".join(errors),
                                            " or ".join(map(str, places)))
    changed = compare(tree(world.records.root), before)
    return "refused with %s, but on disk %s" % (error, changed) if changed else None


def refused(checks, world, text, wishes, errors, places=None):
    fault = refusal(world, wishes, errors, places)
    return checks.check(not fault, text, fault)


def done(checks, world, text, *wishes):
    return checks.equal(ask(world, *wishes), DONE, text)


# -- a world that can be written

def configure(world, mode, *lines):
    with open(world.path("conf"), "w", encoding="ascii") as file:
        file.write("".join("%s\n" % line for line in ("controlMode " + mode,) + lines))


def start(world, *lines, mode="records", options=(), within=()):
    """Master and agent; back when a SET can succeed."""
    configure(world, mode, *lines)
    if not world.master:
        world.agentx_timeout = 15  # a loaded machine is not what is tested
        world.start_master()
    backup = world.path("state", "backup")
    awaited = mode != "readOnly" and not os.path.isdir(backup)
    world.start_agent("-c", world.path("conf"), *options, within=within)
    # Nothing is written before there is a copy of the database.
    if awaited and not world.wait_log([backup], 30):
        raise RuntimeError("nothing can be written: " + world.agent.log()[-400:])


def restart(world, *lines, mode="records"):
    world.stop_agent()
    start(world, *lines, mode=mode)


def jobs(world):
    """{index: row} of the job table, by names without `Job`."""
    return {index[0]: {name[3:]: value for name, value in row.items()}
            for index, row in world.table("JobTable").items()}


def settle(world, seconds=30):
    """Waits until no job is open and all that is watched was seen; the jobs."""
    last = {}

    def ended():
        try:
            last.clear()
            last.update(jobs(world))
        except NotServed:
            return False
        return all(row.get("State", PENDING) > RUNNING for row in last.values())
    if not wait_until(ended, world.checks.patience(seconds)):
        raise RuntimeError("a job does not end: %s" % last)
    return last


def ended(checks, world, text, index, **want):
    """All jobs have ended, and the row of this one is as wanted; it is returned."""
    row = settle(world, 90)[index]
    checks.empty(faults(row, want, "job"), text)
    return row


@contextlib.contextmanager
def lock_held(world):
    """open-iscsi's lock in somebody else's hand, taken as usr/idbm.c:idbm_lock does."""
    lock, held = world.path("lock", "lock"), world.path("lock", "lock.write")
    with open(lock, "a", encoding="ascii"):
        pass

    def taken():
        try:
            os.link(lock, held)
        except FileExistsError:
            return False
        return True
    if not wait_until(taken, world.checks.patience(30)):
        raise RuntimeError("the lock is never free")
    try:
        yield held
    finally:
        os.unlink(held)


# -- what is on disk

def tree(root):
    """{path: (kind, mode, octets or link text)} of everything below a directory."""
    found = {}
    for folder, names, files in os.walk(root):
        for name in names + files:
            path = os.path.join(folder, name)
            mode = os.lstat(path).st_mode
            content = b""
            if stat.S_ISLNK(mode):
                content = os.readlink(path)
            elif stat.S_ISREG(mode):
                with open(path, "rb") as file:
                    content = file.read()
            found[os.path.relpath(path, root)] = (stat.S_IFMT(mode), stat.S_IMODE(mode), content)
    return found


def plain(found):
    """The same without what names its writer or its place: the first comment of each record, and
    the database's directory in the links."""
    begin = re.compile(rb"\A# BEGIN RECORD[^\n]*\n")

    def content(kind, text):
        if kind == stat.S_IFLNK:
            return text[text.index("/nodes/"):] if "/nodes/" in text else text
        return begin.sub(b"# BEGIN RECORD\n", text)
    return {path: (kind, mode, content(kind, text)) for path, (kind, mode, text) in found.items()}


def lines_that_differ(got, want):
    if not isinstance(got, bytes) or not isinstance(want, bytes):
        return "%r, want %r" % (got, want)
    ours, theirs = got.decode("latin-1").splitlines(), want.decode("latin-1").splitlines()
    return "has %s, lacks %s" % ([line for line in ours if line not in theirs][:3],
                                 [line for line in theirs if line not in ours][:3])


def compare(got, want):
    """In what the first paths differ; empty if in nothing."""
    faults = []
    for path in sorted(set(got) | set(want)):
        if path not in got:
            faults.append("%s is missing" % path)
        elif path not in want:
            faults.append("%s is there" % path)
        elif got[path][:2] != want[path][:2]:
            faults.append("%s: kind or mode %s, want %s" % (path, got[path][:2], want[path][:2]))
        elif got[path] != want[path]:
            faults.append("%s: %s" % (path, lines_that_differ(got[path][2], want[path][2])))
    return "; ".join(faults[:3])


def strays(world):
    """Files of the agent where none may stay, and its lock."""
    root = world.records.root
    found = [name for name in os.listdir(root)
             if name not in ("ifaces", "nodes", "static", "send_targets", "isns", "fw")]
    found += [name for name in os.listdir(world.path("lock")) if name == "lock.write"]
    return found + torn(root)


def torn(root):
    """Records below ifaces/ and nodes/ that do not have their first and their last line."""
    found = []
    for top in ("ifaces", "nodes"):
        for path, (kind, _, content) in tree(os.path.join(root, top)).items():
            if kind == stat.S_IFREG and not (content.startswith(BEGIN[:14].encode())
                                             and content.endswith(END.encode())):
                found.append(os.path.join(top, path))
    return found


def bind(records, target, host, tpgt, name, port=3260, **settings):
    """A node record with its link in static/, as iscsiadm makes both."""
    path = records.node(target, host, port, tpgt, name, **settings)
    link(records, "static", target, host, port, tpgt, name)
    return path


def unbind(records, target, host, tpgt, name, port=3260):
    """Takes a node record away, with its links and the directories that are empty then."""
    path = records.node_path(target, host, port, tpgt, name)
    os.unlink(path)
    for folder, _, _ in list(os.walk(records.root)):
        old = os.path.join(folder, "%s,%s,%s,%s,%s" % (target, host, port, tpgt, name))
        if os.path.islink(old):
            os.unlink(old)
    for folder in (os.path.dirname(path), os.path.dirname(os.path.dirname(path))):
        if not os.listdir(folder):
            os.rmdir(folder)


def link(records, folder, target, host, port, tpgt, name):
    portal = "%s,%s,%s" % (host, port, tpgt)
    folder = os.path.join(records.root, folder)
    os.makedirs(folder, 0o700, exist_ok=True)
    os.symlink(os.path.join(records.root, "nodes", target, portal),
               os.path.join(folder, "%s,%s,%s" % (target, portal, name)))


def copies(records, name):
    """{path: the iface.* settings} of all node records of an iface."""
    found = {}
    for folder, _, files in os.walk(os.path.join(records.root, "nodes")):
        if name in files:
            path = os.path.join(folder, name)
            found[path] = {key[6:]: value for key, value in read(path).items()
                           if key.startswith("iface.")}
    return found
