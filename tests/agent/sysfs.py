# SPDX-License-Identifier: GPL-2.0-or-later
"""A sysfs of our own, in the kernel's layout: devices, and classes that are links into them.

The text of each attribute is as Linux 6.1 prints it: with a newline, `(null)` for what was never
set, IPv6 addresses in eight full groups. An attribute that the kernel refuses to read while a
session is down (ENOTCONN) is a file that is not there.
"""

import ipaddress
import os
import shutil

SECTOR = 512


def address_text(address):
    try:
        return ipaddress.ip_address(address).exploded
    except ValueError:
        return address


class Sysfs:
    def __init__(self, root):
        self.root = root
        for folder in ("class", "block", "bus/scsi/devices", "dev/block", "devices/platform",
                       "devices/virtual"):
            os.makedirs(os.path.join(root, folder))

    def path(self, *parts):
        return os.path.join(self.root, *parts)

    def write(self, path, text):
        """One attribute; None takes it away."""
        path = self.path(path)
        if text is None:
            if os.path.exists(path):
                os.unlink(path)
            return
        with open(path, "w", encoding="ascii") as file:
            file.write("%s\n" % text)

    def _device(self, path, attributes, classes=(), name=None):
        """A device with its attributes, linked from each place that lists it."""
        os.makedirs(self.path(path), exist_ok=True)
        for attribute, text in attributes.items():
            self.write(os.path.join(path, attribute), text)
        for folder in classes:
            os.makedirs(self.path(folder), exist_ok=True)
            link = self.path(folder, name or os.path.basename(path))
            if not os.path.islink(link):
                os.symlink(os.path.relpath(self.path(path), self.path(folder)), link)

    def _class_device(self, parent, kind, name, attributes):
        """parent/KIND/NAME, with class/KIND/NAME pointing at it and `device` back at parent."""
        path = "%s/%s/%s" % (parent, kind, name)
        self._device(path, attributes, ["class/" + kind])
        for link, target in (("device", parent), ("subsystem", "class/" + kind)):
            if not os.path.islink(self.path(path, link)):
                os.symlink(os.path.relpath(self.path(target), self.path(path)),
                           self.path(path, link))
        return path

    def transport(self, name, caps="0x39"):
        path = "devices/virtual/iscsi_transport/" + name
        self._device(path, {"handle": "18446744072639873024", "caps": caps},
                     ["class/iscsi_transport"])

    def host(self, number, driver="iscsi_tcp", address="(null)", netdev="(null)",
             hwaddress="(null)", initiator="(null)"):
        path = "devices/platform/host%d" % number
        name = "host%d" % number
        self._class_device(path, "scsi_host", name, {
            "proc_name": driver, "state": "running", "unique_id": number})
        self._class_device(path, "iscsi_host", name, {
            "ipaddress": address and address_text(address), "netdev": netdev,
            "hwaddress": hwaddress, "initiatorname": initiator})
        return path

    def port(self, number, name, **attributes):
        """An iscsi_iface object of an offload host, such as ipv4-iface-3-0."""
        self._class_device("devices/platform/host%d" % number, "iscsi_iface", name, attributes)

    def host_port(self, number, state, speed):
        """What the host of an adapter says of its link."""
        self.write("class/iscsi_host/host%d/port_state" % number, state)
        self.write("class/iscsi_host/host%d/port_speed" % number, speed)

    def session(self, sid, host, target, portal, iface, tpgt=1, state="LOGGED_IN",
                local=("192.0.2.1", 40000), digests=(0, 0), recovery=120,
                initiator="iqn.2026-01.org.example:host", netdev="(null)", hwaddress="(null)",
                driver="iscsi_tcp"):
        """A software session: its own SCSI host, one connection. `portal` is (address, port)."""
        up = state == "LOGGED_IN"
        host_path = self.host(host, driver, local[0] if up else None, netdev, hwaddress,
                              initiator)
        path = "%s/session%d" % (host_path, sid)
        self._class_device(path, "iscsi_session", "session%d" % sid, {
            "targetname": target, "tpgt": tpgt, "ifacename": iface, "initiatorname": initiator,
            "state": state, "target_state": "SCANNED" if up else "UNBOUND", "creator": 1234,
            "target_id": 0, "recovery_tmo": recovery, "erl": 0, "abort_tmo": 15,
            "lu_reset_tmo": 30, "tgt_reset_tmo": 30, "fast_abort": 1, "initial_r2t": 0,
            "immediate_data": 1, "first_burst_len": 65536, "max_burst_len": 262144,
            "max_outstanding_r2t": 1, "data_pdu_in_order": 1, "data_seq_in_order": 1,
            "username": "(null)", "username_in": "(null)", "password": "(null)",
            "password_in": "(null)"})
        name = "connection%d:0" % sid
        self._class_device("%s/%s" % (path, name), "iscsi_connection", name, {
            "persistent_address": portal[0], "persistent_port": portal[1],
            "address": address_text(portal[0]) if up else None,
            "port": portal[1] if up else None, "local_port": local[1] if up else None,
            "state": "up" if up else "failed", "ping_tmo": 5, "recv_tmo": 5,
            "header_digest": digests[0], "data_digest": digests[1],
            "max_recv_dlength": 262144, "max_xmit_dlength": 8192, "exp_statsn": 1})
        return path

    def set_session(self, sid, **attributes):
        for name, text in attributes.items():
            self.write("class/iscsi_session/session%d/%s" % (sid, name), text)

    def disk(self, host, sid, lun, name, octets, device, wwid, state="running", holders=()):
        """A disk behind a session; `device` is (major, minor)."""
        address = "%d:0:0:%d" % (host, lun)
        path = "devices/platform/host%d/session%d/target%d:0:0/%s" % (host, sid, host, address)
        self._device(path, {"state": state, "wwid": wwid, "type": 0, "vendor": "LIO-ORG",
                            "model": "disk", "rev": "4.0"}, ["bus/scsi/devices"])
        self._class_device(path, "scsi_device", address, {})
        number = "%d:%d" % device
        block = "%s/block/%s" % (path, name)
        self._device(block, {"size": octets // SECTOR, "dev": number, "removable": 0, "ro": 0},
                     ["class/block", "block"])
        self._device(block, {}, ["dev/block"], number)
        os.symlink(os.path.relpath(self.path(path), self.path(block)), self.path(block, "device"))
        for folder in ("holders", "slaves", "queue"):
            os.makedirs(self.path(block, folder))
        for holder in holders:
            self.mapper(holder)
            os.symlink(os.path.relpath(self.path("devices/virtual/block", holder),
                                       self.path(block, "holders")),
                       self.path(block, "holders", holder))
            os.symlink(os.path.relpath(self.path(block),
                                       self.path("devices/virtual/block", holder, "slaves")),
                       self.path("devices/virtual/block", holder, "slaves", name))

    def mapper(self, name, label="vg-data", uuid="LVM-0123456789"):
        """A device-mapper device that may hold disks; minor from its name, dm-N."""
        path = "devices/virtual/block/" + name
        if not os.path.isdir(self.path(path)):
            self._device(path, {"dev": "253:%d" % (9000 + int(name[3:])), "size": 2048},
                         ["class/block", "block"])
            self._device(path + "/dm", {"name": label, "uuid": uuid, "suspended": 0})
            for folder in ("holders", "slaves"):
                os.makedirs(self.path(path, folder))

    def controller(self, host, sid, lun):
        """What has no block device: a target's controller LUN."""
        address = "%d:0:0:%d" % (host, lun)
        path = "devices/platform/host%d/session%d/target%d:0:0/%s" % (host, sid, host, address)
        self._device(path, {"state": "running", "type": 12, "vendor": "IET",
                            "model": "Controller"}, ["bus/scsi/devices"])
        self._class_device(path, "scsi_device", address, {})

    def remove_session(self, sid, host):
        """Session, connection, disks and, as for software sessions, the host itself."""
        gone = os.path.realpath(self.path("devices/platform/host%d" % host))
        shutil.rmtree(gone)
        for folder, names, files in os.walk(self.root):
            for name in names + files:
                link = os.path.join(folder, name)
                if os.path.islink(link) and not os.path.exists(link):
                    os.unlink(link)
