#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#
# tests/kernel/run.sh - rove with real wakeup sources and DMA-bufs, on real kernels; prints TAP
#
#	ROVE                 the command under test (build/rove)
#	ROVE_KERNELS         which kernels (old mid new), see tools/fetch-kernel.sh
#	ROVE_KERNEL_CACHE    where they are kept
#	ROVE_KERNEL_KVM=1    use KVM; plain emulation otherwise
#	ROVE_KERNEL_SLOW=1   also the programs that reach the limit of a verifier: minutes each
#	ROVE_KERNEL_RAW=1    without rove: only the kernel's own files, and the bars
#	ROVE_KERNEL_KEEP=DIR keep the readings and answers there
#
# What a kernel cannot give here is a skip with its reason.

set -u -o pipefail

cd "$(dirname "$0")/../.." || exit 1
here=tests/kernel
build=build/tests/kernel
rove=${ROVE:-build/rove}
progs=build/progs
tools=${B:-build}/tests/tool
units=${B:-build}/tests/unit/objects
slow_cases="iter_endless_after_drained.txt loop_endless_counting.txt loop_too_long.txt"
[ -z "${ROVE_KERNEL_SLOW:-}" ] || slow_cases=
scratch=$(mktemp -d "${TMPDIR:-/tmp}/rove-check-kernel.XXXXXX") || exit 1
trap 'rm -rf "$scratch"' EXIT
trap 'exit 130' INT TERM

build_tools()
{
	local flags="-std=gnu11 -D_GNU_SOURCE -O2 -Wall -Wextra -Wno-unused-parameter -Iinclude"

	mkdir -p $build &&
	${CC:-gcc} $flags -static -pthread -o $build/make_wakeup_sources $here/make_wakeup_sources.c &&
	${CC:-gcc} $flags -static -pthread -o $build/make_dmabufs $here/make_dmabufs.c &&
	${CC:-gcc} $flags -o $build/wakeup_readings $here/wakeup_readings.c -l:libbpf.a -lelf -lz
}

# Number the results that a command prints.  One that fails without a "not ok" is one.
tap()
{
	local line status bad=$failed

	"$@" >"$scratch/tap" 2>"$scratch/tap.err"
	status=$?
	while IFS= read -r line; do
		case $line in
		"ok - "* | "not ok - "*)
			nr=$((nr + 1))
			[ "${line#not}" = "$line" ] || failed=$((failed + 1))
			printf '%s\n' "${line%% - *} $nr - ${line#* - }" ;;
		*)
			printf '%s\n' "$line" ;;
		esac
	done <"$scratch/tap"
	if [ $status -ne 0 ] && [ $failed -eq "$bad" ]; then
		nr=$((nr + 1))
		failed=$((failed + 1))
		echo "not ok $nr - $1 ended with status $status"
		sed 's/^/# /' "$scratch/tap.err"
	fi
}

print_bars()
{
	awk -F'\t' -v kernel="$(head -1 "$2/release")" '
		NR == 1 { printf "# the ways to read %d sources x 10 attributes on %s, ", $3, kernel
			  printf "ms, %d interleaved samples\n", $4
			  printf "# %-38s %9s %9s %9s %9s %9s %9s\n", "", "median", "p25", "p75",
				"min", "max", "us each" }
		{ printf "# %-38s %9.3f %9.3f %9.3f %9.3f %9.3f %9.2f\n", $2, $7 / 1e6, $6 / 1e6,
			$8 / 1e6, $5 / 1e6, $9 / 1e6, $7 / $3 / 1e3; median[$1] = $7 }
		END { if (median["bpf"])
			printf "# BPF is %.0fx faster than open/read/close, %.0fx than cached " \
			       "descriptors, %.1fx than the debugfs file (warm, both: %.1fx)\n",
				median["sysfs_listing"] / median["bpf"],
				median["sysfs_cached"] / median["bpf"],
				median["debugfs"] / median["bpf"],
				median["debugfs_again"] / median["bpf_again"] }' "$1"
}

keep()
{
	[ -z "${ROVE_KERNEL_KEEP:-}" ] || { mkdir -p "$ROVE_KERNEL_KEEP"; cp -r "$1" "$ROVE_KERNEL_KEEP/"; }
}

# Fetch first and apart from the boot, so that the version can be told.
test_kernel()
{
	local which=$1 line version image object out=$scratch/$1 puts=() scenes=guest-all.sh

	if ! line=$(tools/fetch-kernel.sh "$which" 2>"$scratch/why"); then
		tap echo "ok - the kernel '$which' # SKIP $(tail -1 "$scratch/why")"
		return
	fi
	version=$(cut -f2 <<<"$line")
	image=$(cut -f3 <<<"$line")
	echo "# kernel '$which': Debian $version, $(sed -n 's/^suite: //p' "${image%/*}/origin")"

	[ ! -d "${image%/*}/modules" ] || puts+=(--put "${image%/*}/modules")
	# Wakeup sources are the same on mid and old: there only DMA-bufs are looked at.
	[ "$which" != mid ] || scenes=guest-dmabuf.sh
	[ -n "${ROVE_KERNEL_RAW:-}" ] || puts+=(--put "$rove:/guest/rove" --put $build/make_dmabufs
						--put $here/guest-dmabuf.sh)
	for object in $progs/*.bpf.o; do
		puts+=(--put "$object")
	done
	$here/boot.sh --kernel "$image" --run $here/$scenes --out "$out" --timeout 600 \
		--put $build/make_wakeup_sources --put $build/wakeup_readings \
		--put $here/guest-wakeup.sh ${puts[@]+"${puts[@]}"} >"$scratch/log" 2>&1
	case $? in
	0)	tap echo "ok - Debian $version: the guest took all readings" ;;
	77)	tap echo "ok - the kernel '$which' in QEMU # SKIP $(tail -1 "$scratch/log")"
		return ;;
	*)	tap echo "not ok - Debian $version: the guest took all readings"
		sed 's/^/# /' "$scratch/log"
		return ;;
	esac

	[ -n "${ROVE_KERNEL_RAW:-}" ] || tap python3 $here/compare_dmabuf.py "$out/dmabuf"
	if [ "$which" = mid ]; then
		keep "$out"
		return
	fi
	if [ "$which" = new ]; then
		tap sh -c 'grep -q "^kfuncs 1" "$1" && echo "ok - $2" || { echo "not ok - $2"; false; }' \
			- "$out/release" "Debian $version: the newest kernel has the wakeup-source kfuncs"
	fi
	if [ -n "${ROVE_KERNEL_RAW:-}" ]; then
		tap python3 $here/compare.py "$out"
	else
		tap python3 $here/compare.py "$out" "$rove" $progs
	fi
	if [ -z "${ROVE_KERNEL_RAW:-}" ] && grep -q '^kfuncs 1' "$out/release"; then
		test_on_new_kernel "$version" "$image" "$out"
	fi
	for bars in "$out"/bars-*.tsv; do
		print_bars "$bars" "$out"
	done
	keep "$out"
}

# The TAP of a program in the guest: its results, with the kernel's name in front.
passed_on()
{
	awk -v release="$2" '
		/^1\.\.[0-9]+$/ { plan = substr($0, 4) }
		/^(not )?ok [0-9]+ - / {
			seen++
			is_bad = /^not/
			bad += is_bad
			sub(/ok [0-9]+ - /, "ok - " release ": ")
			print
			next
		}
		/^#/ && is_bad { print }
		END { if (plan == "" || seen != plan) {
			print "not ok - " release ": " FILENAME ": " plan + 0 " tests planned, " seen + 0 " ran"
			bad++
		      }
		      exit bad != 0 }' "$1"
}

# What needs a new kernel: the same records on both sides, the corpus, the kernel's DMA-bufs.
test_on_new_kernel()
{
	local version=$1 image=$2 out=$3/tools tool slow

	for tool in $tools/equal_records $tools/corpus $tools/async_table $tools/bpf_differ $units/dma_buf_memory_test; do
		if ! [ -x $tool ]; then
			tap echo "not ok - $tool is there (make tests)"
			return
		fi
	done
	rm -rf "$scratch/verifier"
	cp -r tests/corpus/verifier "$scratch/verifier"
	for slow in $slow_cases; do
		[ -f "$scratch/verifier/$slow" ] || continue
		rm "$scratch/verifier/$slow"
		tap echo "ok - Debian $version: $slow # SKIP takes minutes in emulation, set ROVE_KERNEL_SLOW=1"
	done
	if ! $here/boot.sh --kernel "$image" --run $here/guest-tools.sh --out "$out" --timeout 900 \
	     --put $tools/equal_records --put $tools/corpus --put "$scratch/verifier" \
	     --put $tools/bpf_differ --put $tools/async_table --put build/tests/progs/async_table.bpf.o \
	     --put $units/dma_buf_memory_test --put $progs/wakeup.bpf.o >"$scratch/log" 2>&1; then
		tap echo "not ok - Debian $version: the guest ran the tests that need a new kernel"
		sed 's/^/# /' "$scratch/log"
		return
	fi
	tap passed_on "$out/equal_records.tap" "$(head -1 "$3/release")"
	tap passed_on "$out/corpus.tap" "$(head -1 "$3/release")"
	tap passed_on "$out/bpf_differ.tap" "$(head -1 "$3/release")"
	tap passed_on "$out/dma_buf_memory.tap" "$(head -1 "$3/release")"
	test_async "$version" "$out" "$(head -1 "$3/release")"
}

# Every call on timers and works in every context: this kernel's results, those on record, and ours.
test_async()
{
	local recorded=tests/tool/async_table/linux-7.3.tsv

	tap sh -c 'cmp -s "$1" "$2" && echo "ok - $3" || {
			echo "not ok - $3"; diff "$1" "$2" | sed "s/^/# /"; sed "s/^/# /" "$4"; false; }' \
		- $recorded "$2/async_table.tsv" \
		"Debian $1: calls on timers and works give what is on record" "$2/async_table.err"
	$tools/async_table -c "$2/async_table.tsv" >"$2/async_table.tap" 2>&1
	tap passed_on "$2/async_table.tap" "$3"
}

nr=0
failed=0
if [ -z "${ROVE_KERNEL_RAW:-}" ] && ! [ -x "$rove" ]; then
	echo "Bail out! $rove is not there: build it, or set ROVE"
	exit 1
fi
if ! [ -f $progs/wakeup.bpf.o ]; then
	echo "Bail out! $progs/wakeup.bpf.o is not there: build it"
	exit 1
fi
if ! build_tools >"$scratch/log" 2>&1; then
	sed 's/^/# /' "$scratch/log"
	echo "Bail out! the test programs do not compile"
	exit 1
fi
for which in ${ROVE_KERNELS:-old mid new}; do
	test_kernel "$which"
done
echo "1..$nr"
[ $failed -eq 0 ]
