# SPDX-License-Identifier: GPL-2.0-or-later
#
# Reads tests/fuzz/unreached, then llvm-cov's lcov: see tests/fuzz/coverage.

BEGIN {
	count = split(wanted, files, " ")
	for (i = 1; i <= count; i++)
		is_wanted[files[i]] = 1
	excuses = 0
}

# FILE  PLACE  WHY, of which the first two have no blanks: PLACE is a function and "()", or a part
# of the line's text.
FNR == NR {
	if (NF && $1 !~ /^#/) {
		excuse_file[excuses] = $1
		excuse_place[excuses++] = $2
	}
	next
}

/^SF:/ {
	file = $0
	sub(/^.*\/src\//, "src/", file)
	split("", begins)
	while (is_wanted[file] && (getline text < (top file)) > 0)
		source[file, ++lines[file]] = text
	next
}

!is_wanted[file] { next }

# FN:LINE,NAME, where a static function has its file before its name
/^FN:/ {
	split(substr($0, 4), part, ",")
	sub(/^.*:/, "", part[2])
	begins[part[1] + 0] = part[2]
	next
}

# How a function's lines are found: it goes on to where the next one begins.
/^DA:/ {
	split(substr($0, 4), part, ",")
	line = part[1] + 0
	all[file]++
	if (part[2] + 0 > 0)
		reached[file]++
	else if (is_excused(line))
		excused[file]++
	else if (shown)
		missed[file] = missed[file] sprintf("    %d: %s\n", line, source[file, line])
}

function is_excused(line, i, at) {
	for (at = line; at > 0 && !(at in begins); at--)
		continue
	for (i = 0; i < excuses; i++) {
		if (excuse_file[i] != "*" && excuse_file[i] != file)
			continue
		if (excuse_place[i] == begins[at] "()" ||
		    index(source[file, line], excuse_place[i])) {
			used[i] = 1
			return 1
		}
	}
	return 0
}

END {
	print "file                             lines  reached  cannot be  of the rest"
	for (i = 1; i <= count; i++) {
		file = files[i]
		rest = all[file] - excused[file]
		share = rest ? 100 * reached[file] / rest : 0
		printf "%-32s %5d  %5.1f %%  %9d  %9.1f %%%s\n", file, all[file],
			all[file] ? 100 * reached[file] / all[file] : 0, excused[file], share,
			share < least ? "  too few" : ""
		printf "%s", missed[file]
		failed = failed || share < least
	}
	for (i = 0; i < excuses; i++)
		if (!used[i]) {
			printf "no line is excused by: %s %s\n", excuse_file[i], excuse_place[i]
			failed = 1
		}
	exit failed
}
