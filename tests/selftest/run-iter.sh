#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#
# tests/selftest/run-iter.sh - the kernel's own iterator programs, on this process
#
# The programs of all targets that are here are those of Debian's package of the newest
# kernel's sources (tools/fetch-kernel.sh source), compiled as they are against the types of
# the running kernel: so libbpf relocates them to our structs.  Prints TAP.
#
#	B	the build to test (build)

set -u -o pipefail

cd "$(dirname "$0")/../.." || exit 1
b=${B:-build}
out=build/tests/selftest/iter
arch=$(uname -m)
programs="bpf_map bpf_link map_elem bpf_array_map bpf_hash_map test_kern4 test_kern5 test_kern6"

give_up()
{
	echo "1..0 # SKIP $*"
	exit 0
}

fail()
{
	sed 's/^/# /' $out/log
	echo "not ok 1 - selftest: $*"
	echo "1..1"
	exit 1
}

fetched=$(tools/fetch-kernel.sh source 2>&1) || give_up "${fetched##*fetch-kernel: }"
sources=$(echo "$fetched" | cut -f3 | tail -1)
selftests=$sources/tools/testing/selftests/bpf
[ -r "$selftests/progs/bpf_iter_bpf_map.c" ] || give_up "no sources of these programs at $sources"
mkdir -p $out

gcc -std=gnu11 -O1 -o $out/vmlinux tests/selftest/vmlinux.c -l:libbpf.a -lelf -lz \
	>$out/log 2>&1 || fail "the header's maker compiles"
$out/vmlinux /sys/kernel/btf/vmlinux bpf_iter__bpf_map >$out/types.h 2>$out/log ||
	give_up "the running kernel has no BTF with iterators"
{
	echo "#pragma once"
	cat $out/types.h
} >$out/vmlinux.h

compile()
{
	clang -target bpf -mcpu=v3 -g -O2 -D__TARGET_ARCH_x86 -I$out -I"$sources/tools/lib" -I"$selftests/progs" \
		-I"$sources/tools/include/uapi" -I/usr/include/bpf -idirafter "/usr/include/$arch-linux-gnu" -w \
		-c "$1" -o "$out/$2.bpf.o" >$out/log 2>&1 || fail "$1 compiles"
}

for name in $programs; do
	compile "$selftests/progs/bpf_iter_$name.c" bpf_iter_$name
done
compile "$sources/kernel/bpf/preload/iterators/iterators.bpf.c" iterators
compile tests/selftest/own_targets.bpf.c own_targets

san=
case $b in */address) san=-fsanitize=address,undefined ;; */thread) san=-fsanitize=thread ;; esac
# shellcheck disable=SC2046
gcc -std=gnu11 -D_GNU_SOURCE -g -O1 -Wall $san -Iinclude -Isrc -I. -o $out/driver \
	tests/selftest/iter_driver.c $(find $b/obj/src -name '*.o') $b/gen/self_btf.o $b/gen/progs.o \
	build/libbpf-seam.a -lelf -lz $(pkg-config --libs liburcu-bp hwloc) -pthread \
	>$out/log 2>&1 || fail "the driver compiles"

SELFTEST_OBJECTS=$out $out/driver 2>$out/log
status=$?
[ $status = 0 ] || sed 's/^/# /' $out/log
exit "$status"
