# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# What the scripts beside this one share; they read it.

# shellcheck disable=SC2034
fuzz_targets=(record engine keeper remote privileged message output files plans configuration host
	model journal agentx)

# fuzz_corpus TOP TARGET DIRECTORY: puts what a target begins with into the directory. What is no
# text is kept as hexadecimal digits.
fuzz_corpus() {
	local file
	mkdir -p "$3"
	for file in "$1/tests/fuzz/corpus/$2"/*; do
		case $file in
		*.hex)
			printf %b "$(sed 's/../\\x&/g' "$file" | tr -d '\n')" \
				>"$3/$(basename "$file" .hex)"
			;;
		*) cp "$file" "$3" ;;
		esac
	done
}
