#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#
# tools/valgrind.sh TEST - a TAP program under valgrind's memcheck
#
# Prints what TEST prints, then what memcheck found in it and in its children, and fails if
# that is anything: a wrong access or value in any of them, or memory that the program itself
# has lost.  Children of fork() lose what only a thread of the parent knew; so what is lost
# in them counts for nothing.
#
# valgrind runs one thread at a time.  Without --fair-sched=yes a thread that waits by
# sched_yield() may get its turn again and again, and the one it waits for never.

set -u
[ $# = 1 ] || { echo "usage: $0 TEST" >&2; exit 2; }

if ! command -v valgrind >/dev/null; then
	echo "1..0 # SKIP valgrind is not installed ($1)"
	exit 0
fi
cd "$(dirname "$0")/.." || exit 1
logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT

valgrind --quiet --vgdb=no --fair-sched=yes --num-callers=24 --error-exitcode=99 \
	--leak-check=full --show-leak-kinds=definite --errors-for-leak-kinds=none \
	--suppressions=tools/valgrind.supp --log-file="$logs/%p" "$1" &
program=$!
wait "$program"
status=$?

for log in "$logs"/*; do
	if [ "$log" = "$logs/$program" ]; then
		sed 's/^/# /' "$log"
		! grep -q 'are definitely lost' "$log" || status=98
	else
		sed '/are definitely lost/,/^==[0-9]*== $/d; s/^/# child: /' "$log"
	fi
done
exit "$status"
