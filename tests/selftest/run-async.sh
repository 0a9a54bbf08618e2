#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#
# tests/selftest/run-async.sh - the kernel's own tests of timers and works, on this process
#
# Programs and test files are those of Debian's package of the newest kernel's sources
# (tools/fetch-kernel.sh source), compiled as they are; but timer_failure's program is put
# into the section "syscall", because there is no fentry here, and functions of the test module that
# no program here reaches are made weak.  Prints TAP.
#
#	B	the build to test (build)

set -u -o pipefail

cd "$(dirname "$0")/../.." || exit 1
b=${B:-build}
out=build/tests/selftest/async
arch=$(uname -m)
programs="timer timer_failure timer_interrupt free_timer timer_start_delete_race wq wq_failures"
test_files="timer free_timer timer_start_delete_race wq"

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
[ -r "$selftests/progs/timer.c" ] || give_up "no sources of these tests at $sources"
mkdir -p $out

gcc -std=gnu11 -O1 -o $out/vmlinux tests/selftest/vmlinux.c -l:libbpf.a -lelf -lz \
	>$out/log 2>&1 || fail "the header's maker compiles"
$out/vmlinux /sys/kernel/btf/vmlinux bpf_wq >$out/types.h 2>$out/log ||
	give_up "the running kernel has no BTF with bpf_wq"
{
	echo "#pragma once"
	cat $out/types.h
	# The functions that programs call are in newer dumps, too.
	cat <<'EOF'
#define KSYM __attribute__((weak, section(".ksyms")))
extern int bpf_timer_cancel_async(struct bpf_timer *timer) KSYM;
extern int bpf_wq_init(struct bpf_wq *wq, void *p__map, unsigned int flags) KSYM;
extern int bpf_wq_set_callback(struct bpf_wq *wq, int (*callback_fn)(void *, int *, void *),
			       unsigned int flags) KSYM;
extern int bpf_wq_start(struct bpf_wq *wq, unsigned int flags) KSYM;
#pragma weak bpf_kfunc_common_test
#pragma weak bpf_kfunc_call_test_sleepable
EOF
} >$out/vmlinux.h

for name in $programs; do
	source=$selftests/progs/$name.c
	if [ $name = timer_failure ]; then
		sed 's|SEC("fentry/bpf_fentry_test1")|SEC("syscall")|' "$source" >$out/$name.c
		source=$out/$name.c
	fi
	clang -target bpf -mcpu=v3 -g -O2 -D__TARGET_ARCH_x86 -I$out -I"$sources/tools/lib" -I"$selftests" \
		-I"$selftests/libarena/include" -I"$selftests/progs" -I"$sources/tools/include/uapi" \
		-I/usr/include/bpf -idirafter "/usr/include/$arch-linux-gnu" -w -c "$source" -o $out/$name.bpf.o \
		>$out/log 2>&1 || fail "the kernel's $name.c compiles"
	tests/selftest/skeleton.py $out/$name.bpf.o >$out/$name.skel.h 2>$out/log || fail "a skeleton of $name"
done

san=
case $b in */address) san=-fsanitize=address,undefined ;; */thread) san=-fsanitize=thread ;; esac
objects=
for name in $test_files; do
	gcc -std=gnu11 -D_GNU_SOURCE -g -O1 -w -I$out -Itests/selftest -c "$selftests/prog_tests/$name.c" \
		-o $out/$name.o >$out/log 2>&1 || fail "the kernel's test file $name.c compiles"
	objcopy --redefine-sym pthread_create=selftest_pthread_create $out/$name.o
	objects="$objects $out/$name.o"
done
# shellcheck disable=SC2046,SC2086
gcc -std=gnu11 -D_GNU_SOURCE -g -O1 -Wall $san -Iinclude -Isrc -I. -o $out/driver \
	tests/selftest/async_driver.c $objects $(find $b/obj/src -name '*.o') $b/gen/self_btf.o \
	$b/gen/progs.o build/libbpf-seam.a -lelf -lz $(pkg-config --libs liburcu-bp hwloc) -pthread \
	>$out/log 2>&1 || fail "the driver compiles"

SELFTEST_OBJECTS=$out $out/driver 2>$out/log
status=$?
sed 's/^/# /' $out/log
exit "$status"
