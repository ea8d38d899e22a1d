# SPDX-License-Identifier: GPL-2.0-or-later
"""open-iscsi's record files: written as iscsiadm 2.1.8 writes them, and read again.

The reader knows only well-formed records. It gives the tests their expected values, and shares
no code with the agent.
"""

import os

BEGIN = "# BEGIN RECORD 2.1.8\n"
END = "# END RECORD\n"

# In the order of iscsiadm's files; the numbers are always there, the texts only if set.
IFACE_KEYS = """iscsi_ifacename net_ifacename ipaddress prefix_len hwaddress transport_name
initiatorname state vlan_id vlan_priority vlan_state iface_num mtu port bootproto subnet_mask
gateway tos ttl tcp_wsf tcp_timer_scale def_task_mgmt_timeout erl max_receive_data_len
first_burst_len max_outstanding_r2t max_burst_len""".split()
IFACE_NUMBERS = set("""prefix_len vlan_id vlan_priority iface_num mtu port tos ttl tcp_wsf
tcp_timer_scale def_task_mgmt_timeout erl max_receive_data_len first_burst_len
max_outstanding_r2t max_burst_len""".split())
# In a node record some come before those (usr/idbm.c:idbm_recinfo_node).
NODE_FIRST = "hwaddress ipaddress iscsi_ifacename net_ifacename gateway subnet_mask".split()

NODE_REST = """node.discovery_port = 0
node.discovery_type = static
node.session.initial_cmdsn = 0
node.session.initial_login_retry_max = 8
node.session.xmit_thread_priority = -20
node.session.cmds_max = 128
node.session.queue_depth = 32
node.session.nr_sessions = 1
%s
node.session.timeo.replacement_timeout = 120
node.session.err_timeo.abort_timeout = 15
node.session.err_timeo.lu_reset_timeout = 30
node.session.err_timeo.tgt_reset_timeout = 30
node.session.err_timeo.host_reset_timeout = 60
node.session.iscsi.FastAbort = Yes
node.session.iscsi.InitialR2T = No
node.session.iscsi.ImmediateData = Yes
node.session.iscsi.FirstBurstLength = 262144
node.session.iscsi.MaxBurstLength = 16776192
node.session.iscsi.DefaultTime2Retain = 0
node.session.iscsi.DefaultTime2Wait = 2
node.session.iscsi.MaxConnections = 1
node.session.iscsi.MaxOutstandingR2T = 1
node.session.iscsi.ERL = 0
node.session.scan = auto
node.session.reopen_max = 0
node.conn[0].address = %s
node.conn[0].port = %s
node.conn[0].startup = manual
node.conn[0].tcp.window_size = 524288
node.conn[0].tcp.type_of_service = 0
node.conn[0].timeo.logout_timeout = 15
node.conn[0].timeo.login_timeout = 15
node.conn[0].timeo.auth_timeout = 45
node.conn[0].timeo.noop_out_interval = 5
node.conn[0].timeo.noop_out_timeout = 5
node.conn[0].iscsi.MaxXmitDataSegmentLength = 0
node.conn[0].iscsi.MaxRecvDataSegmentLength = 262144
node.conn[0].iscsi.HeaderDigest = None
node.conn[0].iscsi.DataDigest = None
node.conn[0].iscsi.IFMarker = No
node.conn[0].iscsi.OFMarker = No
"""
NO_AUTH = "node.session.auth.authmethod = None\nnode.session.auth.chap_algs = MD5"


def iface_lines(name, settings, first=()):
    """The iface.* lines, which a node record repeats."""
    values = dict({"iscsi_ifacename": name, "transport_name": "tcp"}, **settings)
    keys = [*first] + [k for k in IFACE_KEYS if k not in first]
    keys += [k for k in values if k not in keys]
    lines = []
    for key in keys:
        value = values.get(key, "0" if key in IFACE_NUMBERS else "")
        if value != "":
            lines.append("iface.%s = %s\n" % (key, value))
    return "".join(lines)


def iface_text(name, **settings):
    return BEGIN + iface_lines(name, settings) + END


def node_text(target, address, port, tpgt, iface, startup="manual", copy=None, auth=NO_AUTH):
    """`copy`: the settings of the iface, as its record has them."""
    head = "node.name = %s\nnode.tpgt = %s\nnode.startup = %s\nnode.leading_login = No\n" % (
        target, tpgt, startup)
    return (BEGIN + head + iface_lines(iface, copy or {}, NODE_FIRST)
            + NODE_REST % (auth, address, port) + END)


def read(path):
    """The settings of one well-formed record."""
    settings = {}
    with open(path, encoding="utf-8", errors="surrogateescape") as file:
        for line in file:
            key, mark, value = line.rstrip("\r\n").partition(" = ")
            if mark and not line.startswith("#"):
                settings[key] = value
    return settings


class Records:
    """A database of records below one root directory."""

    def __init__(self, root):
        self.root = root
        os.makedirs(os.path.join(root, "ifaces"), 0o700)
        os.makedirs(os.path.join(root, "nodes"), 0o700)

    @classmethod
    def at(cls, root):
        """A database that is there already."""
        records = cls.__new__(cls)
        records.root = root
        return records

    def iface_path(self, name):
        return os.path.join(self.root, "ifaces", name)

    def node_path(self, target, address, port, tpgt, iface):
        return os.path.join(self.root, "nodes", target, "%s,%s,%s" % (address, port, tpgt), iface)

    def put(self, path, text):
        """A whole record at once, by a rename from the root directory: as we would write it."""
        data = text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape")
        os.makedirs(os.path.dirname(path), 0o700, exist_ok=True)
        temporary = os.path.join(self.root, ".new")
        with open(temporary, "wb") as file:
            file.write(data)
        os.rename(temporary, path)
        return path

    def rewrite(self, path, text):
        """As iscsiadm does it: truncate, write, close."""
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)

    def iface(self, name, **settings):
        return self.put(self.iface_path(name), iface_text(name, **settings))

    def node(self, target, address, port, tpgt, iface, startup="manual", copy=None,
             auth=NO_AUTH):
        """A node record whose copy of the iface is what the iface's record says now."""
        if copy is None:
            copy = self.iface_settings(iface)
        return self.put(self.node_path(target, address, port, tpgt, iface),
                        node_text(target, address, port, tpgt, iface, startup, copy, auth))

    def iface_settings(self, name):
        """An iface's settings without `iface.`; of the built-in ones what open-iscsi has."""
        if name in ("default", "iser"):
            return {"transport_name": "iser" if name == "iser" else "tcp"}
        return {key[6:]: value for key, value in read(self.iface_path(name)).items()}

    def ifaces(self):
        """{name: settings} of every record file, by the name inside."""
        found = {}
        for name in os.listdir(os.path.join(self.root, "ifaces")):
            settings = self.iface_settings(name)
            found[settings["iscsi_ifacename"]] = settings
        return found

    def nodes(self):
        """{(iface, target, address, port, tpgt): settings} of every node record, new layout."""
        found = {}
        top = os.path.join(self.root, "nodes")
        for target in os.listdir(top):
            for portal in os.listdir(os.path.join(top, target)):
                address, port, tpgt = portal.rsplit(",", 2)
                for iface in os.listdir(os.path.join(top, target, portal)):
                    key = (iface, target, address, int(port), int(tpgt))
                    found[key] = read(os.path.join(top, target, portal, iface))
        return found
