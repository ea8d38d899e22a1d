# SPDX-License-Identifier: GPL-2.0-or-later
#
# Reads ISCSI-IFACE-MIB.txt and prints what the lab's shell needs of it: OID[NAME]=1.3.… and the words of enumerations,
# WORD[NAME=3]=linkDown. So the lab needs none of the standard MIB files, which Debian does not install, and follows --with-mib-root.
BEGIN {
	oid["enterprises"] = "1.3.6.1.4.1"
	words["TruthValue"] = "true 1 false 2"
	words["InetAddressType"] = "unknown 0 ipv4 1 ipv6 2 dns 16"
	words["StorageType"] = "nonVolatile 3 permanent 4 readOnly 5"
	words["RowStatus"] = "active 1"
	print "declare -A OID WORD"
}

# Outside of quoted text, drop comments and set the punctuation apart; then gather the words.
{
	line = ""
	for (rest = $0; rest != ""; ) {
		at = match(rest, quoted ? "\"" : "\"|--")
		if (!quoted) line = line (at ? substr(rest, 1, at - 1) : rest) " "
		if (!at || substr(rest, at, 2) == "--") break
		quoted = !quoted
		rest = substr(rest, at + 1)
	}
	gsub(/::=/, " & ", line)
	gsub(/[{}(),;]/, " & ", line)
	count = split(line, part, " ")
	for (i = 1; i <= count; i++) token[++n] = part[i]
}

# The tokens of "{ a(1), b(2) }" from token i on, as "a 1 b 2".
function enumeration(i,    list) {
	for (; i <= n && token[i] != "}"; i++)
		if (token[i + 1] == "(") list = list " " token[i] " " token[i + 2]
	return list
}

END {
	for (i = 1; i <= n; i++) {
		if (token[i + 1] == "::=" && token[i + 2] == "TEXTUAL-CONVENTION") name = token[i]
		if (token[i + 1] ~ /^(OBJECT-TYPE|MODULE-IDENTITY|NOTIFICATION-TYPE|OBJECT-IDENTITY)$/) name = token[i]
		if (token[i] == "OBJECT" && token[i + 1] == "IDENTIFIER") name = token[i - 1]
		if (token[i] == "MODULE-COMPLIANCE" || token[i] == "OBJECT-GROUP") name = token[i - 1]
		if (token[i] == "SYNTAX" && !(name in words))
			words[name] = (token[i + 1] == "INTEGER" || token[i + 1] == "BITS") && token[i + 2] == "{" ? enumeration(i + 2) : words[token[i + 1]]
		if (token[i] != "::=" || token[i + 1] != "{") continue
		# { parent 1 } or { enterprises organization(8072) module(9999) 3260 }
		value = oid[token[i + 2]]
		for (i += 3; i <= n && token[i] != "}"; i++)
			if (token[i] ~ /^[0-9]+$/) value = value "." token[i]
		oid[name] = value
		print "OID[" name "]=" value
		count = split(words[name], part, " ")
		for (j = 1; j < count; j += 2) print "WORD[" name "=" part[j + 1] "]=" part[j]
	}
}
