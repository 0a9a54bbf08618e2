#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#
# tools/fuzz.sh SECONDS - run every fuzz target for a while under libFuzzer, ASan and UBSan (TAP)
#
# A target is tests/fuzz/NAME.c, its seeds are the files of tests/fuzz/corpus/NAME/.  What it
# finds new is kept in build/fuzzer/corpus/NAME/, a crash in build/fuzzer/crash-NAME-*.

seconds=${1:-60}
cd "$(dirname "$0")/.." || exit 1
targets=$(ls tests/fuzz/*_fuzz.c 2>/dev/null)
echo "1..$(echo "$targets" | wc -l)"

if ! make --no-print-directory -j2 SAN=fuzzer fuzzers >build/fuzz-build.log 2>&1; then
	tail -n 20 build/fuzz-build.log | sed 's/^/# /'
	number=0
	for target in $targets; do
		number=$((number + 1))
		echo "not ok $number - fuzz: $(basename "$target" .c) does not build"
	done
	exit 1
fi

number=0 status=0
for target in $targets; do
	name=$(basename "$target" .c)
	number=$((number + 1))
	found=build/fuzzer/corpus/$name
	mkdir -p "$found"
	if build/fuzzer/tests/fuzz/"$name" -max_total_time="$seconds" -print_final_stats=1 \
		-artifact_prefix=build/fuzzer/crash-"$name"- -rss_limit_mb=4096 -timeout=60 \
		"$found" $(ls -d tests/fuzz/corpus/"$name" 2>/dev/null) \
		>build/fuzzer/"$name".log 2>&1 </dev/null; then
		runs=$(sed -n 's/^stat::number_of_executed_units: *//p' build/fuzzer/"$name".log)
		echo "ok $number - fuzz: $name, $runs runs in $seconds s"
	else
		tail -n 60 build/fuzzer/"$name".log | sed 's/^/# /'
		echo "not ok $number - fuzz: $name"
		status=1
	fi
done
exit $status
