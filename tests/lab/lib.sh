# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The lab's words, for init, for the scenarios and for the shell inside.
#
# An OBJECT is a name of the MIB, without its "iscsiIface" if you like, and an instance in the field's words:
#   HostStatus   DeviceStatus.if0   SettingValue.if0.vlan_id   BindingOperStatus.if0   SessionRtt.if0@192.168.10.10   DiskState.if0.1
#   PortAddress.ipv4-iface-1-0   PortLink.host1
# Every program started costs 30 ms in here, so what is done often is done without.

. "$LAB_WORK/settings"
. "$LAB_WORK/names"

run=/run/lab
portal=(192.168.10.10 192.168.11.10)
target=iqn.2026-11.org.example:disk1
snmp=(-v2c -c public 127.0.0.1:1161)
socket=$run/agentx
agent_state=$run/state
agent_user=nobody
startup=/bin/false # of iscsid
[ -z "$service" ] || . "$lab/service.sh"
export MIBS='' SNMPCONFPATH=$run/snmp SNMP_PERSISTENT_DIR=$run/snmp
patience=3 # seconds that expect waits: the agent is told of changes and needs a moment to look

# ---- saying how it went

failures=0
scenario=lab
ok() { printf 'ok - lab: %s: %s\n' "$scenario" "$*"; }
not_ok() {
	printf 'not ok - lab: %s: %s\n' "$scenario" "$*"
	failures=$((failures + 1))
}

# check TEXT COMMAND...: ok if the command succeeds.
check() {
	local text=$1
	shift
	if "$@"; then ok "$text"; else not_ok "$text"; fi
}

# expect VALUE OBJECT...: each has that value (a pattern) within the time of our patience.
expect() {
	local value=$1 object
	shift
	for object; do
		if wait_for "$patience" is "$value" "$object"; then
			ok "$object is $VALUE"
		else
			not_ok "$object is $VALUE, not $value"
		fi
	done
}

# expect_above NUMBER OBJECT...
expect_above() {
	local number=$1 object
	shift
	for object; do
		if wait_for "$patience" is_above "$number" "$object"; then
			ok "$object is above $number"
		else
			not_ok "$object is $VALUE, not above $number"
		fi
	done
}

# ---- waiting

# pause [SECONDS]: 20 ms if nothing is said, without a process for it.
pause() {
	[ -n "${never:-}" ] || exec {never}<> <(:)
	read -rt "${1:-0.02}" -u "$never"
	:
}

# wait_for SECONDS COMMAND...: until the command succeeds; fails when the time is over.
wait_for() {
	local end=$((${EPOCHREALTIME/./} + $1 * 1000000))
	shift
	until "$@"; do
		[ "${EPOCHREALTIME/./}" -lt $end ] || return 1
		pause
	done
}

nowhere() { grep -rqF -- "$1" "$2"; [ $? = 1 ]; } # the text is not in the files
gone() { [ ! -e "$1" ]; }

# stop PID: by a signal (TERM), and wait until it has gone.
stop() {
	[ -n "$1" ] && kill "-${2:-TERM}" "$1" 2>/dev/null && wait_for 5 gone "/proc/$1"
	:
}

alive() { [ -s "$run/$1.pid" ] && [ -e "/proc/$(<"$run/$1.pid")" ]; }

# start NAME COMMAND...: in the background; NAME.log and NAME.pid are its own.
start() {
	local name=$1
	shift
	"$@" </dev/null >>"$run/$name.log" 2>&1 &
	echo $! >"$run/$name.pid"
	disown # no word from the shell when it is killed
}

# ---- SNMP

# net-snmp's snmptest stays and is asked again and again: an snmpget takes 150 ms in here. Bash reads a pipe byte by byte, 0.2 ms
# each, so sed cuts what it has to read.
client_start() {
	coproc CLIENT {
		snmptest -OqUnt -t 2 -r 0 "${snmp[@]}" 2>&1 |
			stdbuf -oL sed -n "s/^\(Variable: \)*//; s/^\.${OID[iscsiIfaceObjects]}\./@/; /^[@.TE]/p"
	}
	exec {client_in}>&"${CLIENT[1]}" {client_out}<&"${CLIENT[0]}" # a scenario's shell gets these, but not the coprocess itself
}

# ask G|N OID...: one GET or GETNEXT; ANSWER[i] is "OID VALUE".
ask() {
	local how=$1 line
	shift
	[ -n "${client_in:-}" ] || client_start 2>/dev/null
	ANSWER=()
	printf '%s\n' "\$$how" "$@" '' >&"$client_in"
	while [ ${#ANSWER[@]} -lt $# ] && read -rt 5 -u "$client_out" line; do
		case $line in
		@*) ANSWER+=(".${OID[iscsiIfaceObjects]}.${line#@}") ;;
		.*) ANSWER+=("$line") ;;
		*) return 1 ;; # a time-out, or an error
		esac
	done
	[ ${#ANSWER[@]} = $# ]
}

# value_of OBJECT: into VALUE, enumerations by name, addresses readable; "absent" where there is no such thing.
value_of() {
	VALUE=absent
	resolve "$1" && ask G "$oid" || return
	VALUE=${ANSWER[0]#* }
	case $VALUE in
	"No Such "*) VALUE=absent; return 1 ;;
	'"'*) VALUE=${VALUE#'"'} VALUE=${VALUE%'"'} VALUE=${VALUE% } ;;
	esac
	[ -z "$VALUE" ] || VALUE=${WORD[$name=$VALUE]:-$VALUE}
	if [[ $name == *@(Address|Gateway) && $VALUE =~ ^[[:xdigit:]]{2}(\ [[:xdigit:]]{2})+$ ]]; then
		local octet
		read -ra octet <<<"$VALUE"
		case ${#octet[@]} in
		4) printf -v VALUE %d.%d.%d.%d "${octet[@]/#/0x}" ;;
		16) printf -v VALUE :%s%s "${octet[@],,}" && VALUE=${VALUE#:} ;; # as sysfs has it
		esac
	fi
}

get() { value_of "$1"; printf '%s\n' "$VALUE"; }
# shellcheck disable=SC2053 # a pattern
is() { if value_of "$2"; then [[ $VALUE == $1 ]]; else [ "$1" = absent ]; fi; }
is_above() { value_of "$2" && [[ $VALUE =~ ^[0-9]+$ ]] && [ "$VALUE" -gt "$1" ]; }

# sets OBJECT TYPE VALUE [OBJECT TYPE VALUE]...: one SET, with snmpset's letters for types; it fails with the name of the error in REASON.
sets() {
	local answer arguments=()
	while [ $# -gt 0 ]; do
		resolve "$1" || return
		arguments+=("$oid" "$2" "$3")
		shift 3
	done
	REASON=''
	answer=$(snmpset -Oqn -v2c -c private -t 5 -r 0 127.0.0.1:1161 "${arguments[@]}" 2>&1) && return
	REASON=${answer#*Reason: } REASON=${REASON%%[ $'\n']*}
	return 1
}

# job KIND IFACE [OBJECT TYPE VALUE]...: starts a job of that kind (a number); its index is in job. More objects are written without their index.
job() {
	local kind=$1 iface=$2 more=()
	value_of JobNextIndex && job=$VALUE
	shift 2
	while [ $# -gt 0 ]; do
		more+=("$1.$job" "$2" "$3")
		shift 3
	done
	sets "JobKind.$job" i "$kind" "JobIfaceName.$job" s "$iface" "JobRowStatus.$job" i 4 "${more[@]}"
}

# job_of BINDING: its newest job, into job.
job_of() { value_of "BindingLastJob.$1" && job=$VALUE && [ "$job" != 0 ]; }

job_ended() { value_of "JobState.$job" && [[ $VALUE != @(pending|running) ]]; }

# ends STATE: the job comes to its end within a minute, and that is it.
ends() {
	wait_for 60 job_ended
	if [ "$VALUE" = "$1" ]; then
		ok "job $job $VALUE: $(get "JobStep.$job")"
	else
		not_ok "job $job is $VALUE, not $1: $(get "JobErrorCode.$job") $(get "JobErrorText.$job")"
	fi
}

# walk [NAME|OID]: all below it, the whole MIB if none is given, with names.
walk() {
	local below=${1:-MIB}
	snmpbulkwalk -On "${snmp[@]}" ".${OID[iscsiIface$below]:-${OID[$below]:-${below#.}}}" | awk -f "$lab/named.awk" "$LAB_WORK/names" -
}

# resolve OBJECT: its OID into $oid, its whole name into $name.
resolve() {
	local instance=0 table
	name=${1%%.*}
	[[ $1 == *.* ]] && instance=${1#*.}
	[ -n "${OID[iscsiIface$name]:-}" ] && name=iscsiIface$name
	oid=${OID[$name]:-}
	[ -n "$oid" ] || { echo "# no object $name in the MIB" >&2; return 1; }
	if [[ ! $instance =~ ^[0-9.]+$ ]]; then
		table=${oid#"${OID[iscsiIfaceObjects]}".}
		case ${table%%.*} in
		2 | 3) text_index "$instance" ;;
		4) text_index "${instance%.*}" "${instance##*.}" ;; # the name of an offload iface has dots
		5) binding_index "$instance" ;;
		6) session_of "$instance" && index=$sid ;;
		7) session_of "${instance%.*}" && index=$sid.${instance##*.} ;;
		8) port_index "$instance" ;;
		12) row_with TargetName "$instance" ;;
		esac || return
		instance=$index
	fi
	oid=.$oid.$instance
}

# text_index TEXT...: as the index of a row, each with its length before it.
text_index() {
	local text i code
	index=
	for text; do
		index+=.${#text}
		for ((i = 0; i < ${#text}; i++)); do
			printf -v code %d "'${text:i:1}"
			index+=.$code
		done
	done
	index=${index#.}
}

# row_with COLUMN PATTERN [COLUMN PATTERN]: the index of the first row in which they match.
row_with() {
	local first=.${OID[iscsiIface$1]} second=.${OID[iscsiIface${3:-$1}]} at=''
	while ask N "$first$at" "$second$at" && [[ ${ANSWER[0]} == "$first".* ]]; do
		at=${ANSWER[0]%% *} at=${at#"$first"}
		if [[ ${ANSWER[0]#* } == \"$2\" && ${ANSWER[1]#* } == \"${4:-$2}\" ]]; then
			index=${at#.}
			return
		fi
	done
	return 1
}

# binding_index IFACE[@ADDRESS]
binding_index() {
	local address=''
	[[ $1 == *@* ]] && address=${1#*@}
	row_with BindingIfaceName "${1%@*}" BindingPortal "$address*"
}

# port_index PORT: an iscsi_iface object, say ipv4-iface-1-0, or a host that has none, say host1.
port_index() {
	local host=${1#ipv[46]-iface-}
	case $1 in
	ipv[46]-iface-*-*) text_index "$1" && index=${host%-*}.$index ;;
	host*) index=${1#host}.0 ;;
	*) return 1 ;;
	esac
}

# ---- the truth, from the kernel itself; without subshells, which cost 25 ms each

# ifindex_of DEVICE: into ifindex.
ifindex_of() { read -r ifindex <"/sys/class/net/$1/ifindex"; }

# session_of IFACE[@ADDRESS]: its number, into sid.
session_of() {
	local path name address
	for path in /sys/class/iscsi_session/session*; do
		sid=${path##*session}
		read -r name <"$path/ifacename" || continue
		[ "$name" = "${1%@*}" ] || continue
		[[ $1 == *@* ]] || return 0
		read -r address <"/sys/class/iscsi_connection/connection$sid:0/persistent_address" && [ "$address" = "${1#*@}" ] && return
	done 2>/dev/null
	sid=''
	return 1
}

# session_is IFACE STATE
session_is() {
	local state
	session_of "$1" && read -r state <"/sys/class/iscsi_session/session$sid/state" && [ "$state" = "$2" ]
} 2>/dev/null

# disk_of IFACE: the name of its disk, say sda, into disk.
disk_of() {
	local path
	disk=''
	session_of "$1" || return
	for path in "/sys/class/iscsi_session/session$sid"/device/target*/*/block/*; do
		[ -b "/dev/${path##*/}" ] && disk=${path##*/}
	done
	[ -n "$disk" ]
}

all_logged_in() {
	local path state
	for path in /sys/class/iscsi_session/session*/state; do
		read -r state <"$path"
		[ "$state" = LOGGED_IN ] || return
	done 2>/dev/null
}

# ---- the network: devices san0 and san1 here, tgt0 and tgt1 at the target's end

network_up() {
	local i
	{
		echo "link set lo up"
		[ -e /run/netns/target ] || echo "netns add target"
		for i in 0 1; do
			[ -e /sys/class/net/san$i ] || echo "link add san$i type veth peer name tgt$i netns target"
			echo "addr replace 192.168.1$i.1/24 dev san$i"
			echo "link set san$i up"
		done
		echo "route flush proto boot" # what scenarios added by hand
	} | ip -batch -
	{
		echo "link set lo up"
		for i in 0 1; do
			echo "addr replace ${portal[i]}/24 dev tgt$i"
			echo "link set tgt$i up"
		done
	} | ip -n target -batch -
	ifindex_of san0 && ifindex0=$ifindex
}

cable_pull() { ip -n target link set "tgt$1" down; }
cable_plug() { ip -n target link set "tgt$1" up; }
link_down() { echo 0x1002 >"/sys/class/net/$1/flags"; } # as "ip link set down", but at once
link_up() { echo 0x1003 >"/sys/class/net/$1/flags"; }

# The two devices exchange their names, as they may when a card is added and the machine boots.
swap_devices() {
	ip -batch - <<-END
		link set san0 down
		link set san1 down
		link set san0 name other
		link set san1 name san0
		link set other name san1
		link set san0 up
		link set san1 up
	END
}

devices_swapped() { ifindex_of san1 && [ "$ifindex" = "$ifindex0" ]; } 2>/dev/null

# ---- udevd, target, iscsid, snmpd

# udevd hands the kernel's events on, one after the other, and has no rules: Debian's own would take as much time as all else in here.
udev_start() {
	local directory
	for directory in /etc/udev/rules.d /usr/lib/udev/rules.d; do
		[ ! -d $directory ] || mount -n -t tmpfs none $directory
	done
	/lib/systemd/systemd-udevd --daemon --children-max=1 >$run/udevd.log 2>&1
}

target_start() {
	start tgtd ip netns exec target tgtd -f
	wait_for 5 test -S /run/tgtd/socket.0
	truncate -s 16M $run/disk
	wait_for 5 tgt new target --tid 1 --targetname $target
	tgt new logicalunit --tid 1 --lun 1 --backing-store $run/disk
	tgt bind target --tid 1 --initiator-address ALL
}

tgt() { tgtadm --lld iscsi --op "$1" --mode "$2" "${@:3}" >>$run/tgtadm.log 2>&1; }
target_kill() { stop "$(<$run/tgtd.pid)" KILL; }
target_freeze() { kill -STOP "$(<$run/tgtd.pid)"; } # its kernel takes connections, but nobody answers
target_thaw() { kill -CONT "$(<$run/tgtd.pid)"; }

daemon_start() {
	cat >/etc/iscsi/iscsid.conf <<-END
		iscsid.startup = $startup
		node.startup = manual
		node.session.timeo.replacement_timeout = 120
		node.conn[0].timeo.noop_out_interval = 1
		node.conn[0].timeo.noop_out_timeout = 1
	END
	echo "InitiatorName=iqn.2026-11.org.example:lab" >/etc/iscsi/initiatorname.iscsi
	rm -f $run/iscsid.log
	start iscsid setsid iscsid -f # it ends by killing its whole process group
	wait_for 5 daemon_listens && wait_for 20 daemon_took_over
}

daemon_listens() { [[ $(</proc/net/unix) == *@ISCSIADM_ABSTRACT_NAMESPACE* ]]; }

# A new iscsid connects each session that it finds anew, one after the other, 2 s each; until then it refuses a logout.
daemon_took_over() {
	local path log
	log=$(<$run/iscsid.log)
	for path in /sys/class/iscsi_session/session*; do
		[[ ! -e $path || $log == *"connection${path##*session}:0 is operational"* ]] || return
	done
}

daemon_stop() { stop "$(<$run/iscsid.pid)"; }

master_start() {
	cat >$run/snmp/snmpd.conf <<-END
		agentAddress udp:127.0.0.1:1161
		rocommunity public 127.0.0.1
		rwcommunity private 127.0.0.1
		dontLogTCPWrappersConnects yes
		master agentx
		agentXSocket unix:$socket
		trap2sink 127.0.0.1:1162 public
	END
	start snmpd snmpd -f -Lo -C -c $run/snmp/snmpd.conf -I -smux
}

# traps_start: from now on, what snmpd sends is in snmptrapd.log, a line each.
traps_start() {
	echo 'authCommunity log public' >$run/snmp/snmptrapd.conf
	start snmptrapd snmptrapd -f -Lo -n -On -C -c $run/snmp/snmptrapd.conf udp:127.0.0.1:1162
	wait_for 5 grep -q 'NET-SNMP version' $run/snmptrapd.log
}

# multipath_start DISK...: each of them in a map, which is dm-0; multipath_stop takes it apart. 1 if there is no multipathd.
multipath_start() {
	command -v multipathd >/dev/null || return
	# What multipathd needs of udev: the names of a disk and of a map, and a word when a map is there.
	cat >/etc/udev/rules.d/60-multipath.rules <<-'END'
		SUBSYSTEM=="block", KERNEL=="sd*", IMPORT{program}="/lib/udev/scsi_id --export --whitelisted --device=$devnode"
		SUBSYSTEM=="block", KERNEL=="dm-*", ENV{DM_NAME}="$attr{dm/name}", ENV{DM_UUID}="$attr{dm/uuid}"
		SUBSYSTEM=="block", ENV{DM_COOKIE}=="?*", RUN+="/sbin/dmsetup udevcomplete $env{DM_COOKIE}"
	END
	udevadm control --reload
	for disk; do
		echo change >"/sys/block/$disk/uevent"
	done
	printf 'defaults {\n find_multipaths no\n user_friendly_names yes\n}\n' >/etc/multipath.conf
	start multipathd multipathd -d
}

# paths_are NUMBER: that many paths carry the map.
paths_are() { [ "$(multipathd show paths format '%t %T' | grep -c '^active *ready')" = "$1" ]; }

multipath_stop() {
	stop "$(<"$run/multipathd.pid")"
	wait_for 5 dmsetup remove mpatha
	rm /etc/multipath.conf /etc/udev/rules.d/60-multipath.rules
	udevadm control --reload
}

# ---- the agent

agent_start() {
	local program=$build/src/agent/iscsi-ifaced
	# What libtool leaves there is a script of 30 processes; the program itself lies beside it.
	[ -x "$build/src/agent/.libs/iscsi-ifaced" ] && program=$build/src/agent/.libs/iscsi-ifaced
	[ -x "$program" ] || { echo "# $program has not been built"; return 1; }
	printf '%s\n' "${configuration:-}" >$run/agent.conf
	if [ -n "$service" ]; then
		service_start || return
	else
		LD_LIBRARY_PATH=$build/src/lib/.libs start agent "$program" -f -C -c $run/agent.conf -x unix:$socket -s $agent_state -u $agent_user "$@"
	fi
	wait_for 5 value_of AgentVersion
}

# agent_control MODE [LINE]: from now on with this controlMode, and another line of configuration.
agent_control() {
	configuration="controlMode $1"${2:+$'\n'$2}
	agent_restart
}

# agent_worker: the process of the agent's that talks to the network, and has no rights.
agent_worker() { if [ -n "$service" ]; then cat $run/agent.pid; else pgrep -u $agent_user -P "$(<$run/agent.pid)"; fi; }

agent_stop() { alive agent && stop "$(<$run/agent.pid)"; }
agent_restart() { agent_stop; agent_start "$@"; }

# resync: has the agent read everything again, and waits until it has.
resync() {
	value_of Resyncs
	kill -USR1 "$(<$run/agent.pid)"
	wait_for 5 is_above "$VALUE" Resyncs
}

# ---- offload adapters that are not there (offload/testport.c), for a scenario that says "# needs: offload"

testport=/sys/module/testport/parameters

# testport_load [PARAMETER=VALUE...]: the numbers of its hosts are in testport_hosts.
testport_load() {
	local path name
	insmod "$build/tests/lab/offload/testport.ko" "$@" || return
	testport_hosts=()
	for path in /sys/class/iscsi_host/host*; do
		read -r name <"/sys/class/scsi_host/${path##*/}/proc_name"
		[ "$name" != "$(<"$testport/name")" ] || testport_hosts+=("${path##*/host}")
	done
}

testport_set() { echo "$2" >"$testport/$1"; } # PARAMETER VALUE
testport_unload() { rmmod testport; }

# ---- open-iscsi, as its users run it

admin() { timeout 20 iscsiadm "$@" </dev/null >>$run/iscsiadm.log 2>&1; }

# bind_iface NAME DEVICE
bind_iface() {
	[ -e "/etc/iscsi/ifaces/$1" ] || admin -m iface -I "$1" -o new
	admin -m iface -I "$1" -o update -n iface.net_ifacename -v "$2"
}

# discover IFACE PORTAL
discover() { admin -m discovery -t st -p "$2" -I "$1" -o new; }
# login [IFACE [PORTAL]], logout [IFACE [PORTAL]]
login() { admin -m node ${1:+-I "$1"} ${2:+-p "$2"} -l; }
logout() { admin -m node ${1:+-I "$1"} ${2:+-p "$2"} -u; }

# edit_record FILE SETTING VALUE, as an editor does it
edit_record() {
	local line text=''
	while IFS= read -r line; do
		[[ $line == "$2 = "* ]] && line="$2 = $3"
		text+=$line$'\n'
	done <"$1"
	printf %s "$text" >"$1"
}

# Both ifaces, a portal bound to each, as iscsiadm writes them; what it wrote the first time is kept for the next.
two_records() {
	if [ -d $run/records ]; then
		cp -a $run/records/. /etc/iscsi
		return
	fi
	bind_iface if0 san0
	bind_iface if1 san1
	discover if0 "${portal[0]}"
	discover if1 "${portal[1]}"
	mkdir $run/records
	cp -a /etc/iscsi/{ifaces,nodes,send_targets} $run/records
}

# And both logged in.
two_paths() {
	two_records
	login
	wait_for 5 disk_of if0 || not_ok "if0 has no session, or no disk"
	wait_for 5 disk_of if1 || not_ok "if1 has no session, or no disk"
}

# ---- scenarios

# reset: everything runs, nobody is logged in, there is no record, and the agent remembers nothing.
reset() {
	agent_stop
	! devices_swapped || swap_devices
	network_up
	alive tgtd || target_start
	alive iscsid || daemon_start
	alive snmpd || master_start
	! alive snmptrapd || stop "$(<$run/snmptrapd.pid)"
	if compgen -G '/sys/class/iscsi_session/session*' >/dev/null; then
		wait_for 15 all_logged_in
		admin -m session -u || return
	fi
	[ ! -e $testport ] || testport_unload || return
	rm -rf /etc/iscsi/{ifaces,nodes,send_targets,static} $agent_state $run/agent.log
	mkdir -m 700 $agent_state
}

# run_scenario FILE: after a reset, in a shell of its own. 0 all was well, 1 something was not, 2 not run.
run_scenario() {
	local began=${EPOCHREALTIME/./} took status=0
	scenario=${1##*/}
	reset || { not_ok "cannot clean up after the scenario before"; return 2; }
	(
		grep -q '^# agent: none' "$1" || agent_start || { not_ok "the agent does not start"; exit 1; }
		. "$1"
		[ -z "$service" ] || ! alive agent || check "AppArmor confines the agent, and has refused nothing" service_confined
		exit $((failures > 0))
	) || status=1
	[ $status = 0 ] || sed 's/^/# agent: /' $run/agent.log 2>/dev/null | tail -n 20
	took=$(((${EPOCHREALTIME/./} - began) / 100000))
	echo "# $scenario: ${took%?}.${took: -1} s"
	return $status
}

# shell: for ./demo, after the tour.
shell() {
	cat <<-END
		A shell in the lab. The two paths are up; try
		  walk BindingTable                 all bindings over SNMP, or walk alone for everything
		  get BindingOperStatus.if0         one object
		  cable_pull 1; cable_plug 1        a cable, at the target's end
		  iscsiadm -m session; ip link; ss -tn; cat $run/agent.log
		exit ends the lab. Nothing in here is this machine's own.
	END
	setsid -c bash --rcfile "$lab/lib.sh" <>/dev/tty0 >&0 2>&1
}
[[ $- != *i* ]] || PS1='lab# ' TMOUT=1800 # and a forgotten lab ends
