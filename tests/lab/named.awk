# SPDX-License-Identifier: GPL-2.0-or-later
#
# usage: snmpbulkwalk -On … | awk -f named.awk NAMES -
#
# Gives the OIDs of a walk their names, and enumerations their words, from what names.awk made of the MIB.
FNR == NR {
	at = index($0, "]=")
	key = substr($0, index($0, "[") + 1, at - index($0, "[") - 1)
	if ($0 ~ /^OID/) name["." substr($0, at + 2)] = key
	if ($0 ~ /^WORD/) word[key] = substr($0, at + 2)
	next
}
/^\.[0-9.]+ = / {
	for (oid = $1; oid != "" && !(oid in name); ) sub(/\.[0-9]+$/, "", oid)
	if (oid != "") {
		if ($3 == "INTEGER:" && (name[oid] "=" $4) in word) $4 = word[name[oid] "=" $4] "(" $4 ")"
		$1 = name[oid] substr($1, length(oid) + 1)
	}
}
{ print }
