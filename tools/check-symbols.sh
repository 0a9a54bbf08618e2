#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#
# tools/check-symbols.sh - no internal name of librove can meet an application's, and its
# thread-local variables are touched in signal handlers without an allocation (TAP)

B=${B:-build}
echo 1..3

check()
{
	local number=$1 what=$2 names
	names=$(grep -v '^rove_' | sort -u)
	if [ -z "$names" ]; then
		echo "ok $number - $what"
	else
		echo "$names" | head -n 20 | sed 's/^/# /'
		echo "not ok $number - $what"
	fi
}

nm -D --defined-only "$B/librove.so" | awk '{ print $3 }' |
	check 1 "symbols: librove.so exports nothing but rove_*"
nm -g --defined-only "$B/librove.a" | awk 'NF == 3 { print $3 }' |
	check 2 "symbols: librove.a defines nothing global but rove_*"
readelf -rW "$B/librove.so" | awk '/DTPMOD|TLSDESC/ { print $3, $5 }' |
	check 3 "symbols: thread-local variables of librove.so are all in the static block"
