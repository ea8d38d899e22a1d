# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# For tests/lab/run -u: the guest's process 1 becomes systemd, and the agent is the service that contrib/systemd describes, in the places
# that it is installed in, confined by AppArmor as contrib/apparmor says. What systemd needs of this machine is its program.

socket=/var/agentx/master # the service names none
agent_state=/var/lib/iscsi-ifaced
agent_user=_iscsi-ifaced
startup='/bin/systemctl start none.socket'
units=/usr/lib/systemd/system

# service_become PROGRAM: process 1 becomes systemd, which starts PROGRAM in the place of process 1's script.
service_become() {
	local library
	rm -f /.dockerenv # systemd would take this for a container
	mount -n -t securityfs security /sys/kernel/security
	# Ours alone, and iscsid's: nothing else that this machine would start.
	cp $units/iscsid.* /mnt
	mount -n -t tmpfs none $units
	cp /mnt/iscsid.* $units
	mount -n -t tmpfs none /etc/systemd/system
	mount -n -t tmpfs none /usr/lib/systemd/system-generators
	printf '[Unit]\nDefaultDependencies=no\nWants=lab.service\n' >$units/lab.target
	printf '[Unit]\nDefaultDependencies=no\n' | tee $units/{sysinit,basic,shutdown,multi-user}.target >/dev/null
	cat >$units/lab.service <<-END
		[Unit]
		DefaultDependencies=no
		[Service]
		ExecStart=/bin/bash $1
		Environment=LAB_INSIDE=service LAB_WORK=$LAB_WORK HOME=/root
		StandardInput=tty
		StandardOutput=tty
		TTYPath=/dev/console
		KillMode=process
	END
	install -D "$build/src/agent/.libs/iscsi-ifaced" /usr/sbin/iscsi-ifaced
	for library in "$build"/src/lib/.libs/libisif.so.*; do
		[ -h "$library" ] || install -m 644 "$library" /usr/lib/
	done
	ldconfig
	install -D -m 644 -t $units "$top"/contrib/systemd/iscsi-ifaced*.{service,socket}
	echo 0 >/proc/sys/kernel/printk_ratelimit # no refusal of AppArmor's goes untold
	apparmor_parser --add --skip-cache "$top/contrib/apparmor/usr.sbin.iscsi-ifaced"
	systemd-sysusers "$top/contrib/sysusers.d/iscsi-ifaced.conf"
	systemd-tmpfiles --create "$top/contrib/tmpfiles.d/iscsi-ifaced.conf"
	mkdir -p ${socket%/*} /etc/snmp
	ln -s /etc/snmp/iscsi-ifaced.conf "$run/agent.conf"
	exec /usr/lib/systemd/systemd --unit=lab.target
}

# service_start: as agent_start.
service_start() {
	local unit
	for unit in iscsi-ifaced iscsi-ifaced-gate; do
		mkdir -p /run/systemd/system/$unit.service.d
		cat >/run/systemd/system/$unit.service.d/lab.conf <<-END
			[Service]
			StandardOutput=append:$run/agent.log
			StandardError=append:$run/agent.log
			Restart=no
		END
	done
	systemctl daemon-reload
	systemctl start iscsi-ifaced && systemctl show -P MainPID iscsi-ifaced >"$run/agent.pid"
}

# service_confined: both processes are what their profiles say, and AppArmor had nothing to refuse since the last time that this was asked.
service_confined() {
	local denied
	denied=$(dmesg --read-clear | grep 'apparmor="DENIED"')
	[ -z "$denied" ] || printf '# %s\n' "$denied" | head -n 20
	[ -z "$denied" ] &&
		[ "$(<"/proc/$(<$run/agent.pid)/attr/current")" = "iscsi-ifaced-agent (enforce)" ] &&
		[ "$(<"/proc/$(systemctl show -P MainPID iscsi-ifaced-gate)/attr/current")" = "iscsi-ifaced (enforce)" ]
}
