#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#
# tests/selftest/run-async.sh - the kernel's own tests of timers and works, on this process
#
# As they are, but: timer_failure's program is put into the section "syscall", because there is
# no fentry here, and functions of the test module that no program here reaches are made
# weak.  Prints TAP.

# shellcheck source=tests/selftest/common.sh
. "$(dirname "$0")/common.sh"

programs="timer timer_failure timer_interrupt free_timer timer_start_delete_race wq wq_failures"
test_files="timer free_timer timer_start_delete_race wq"

begin async progs/timer.c
kernel_types bpf_wq || give_up "the running kernel has no BTF with bpf_wq"
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
	compile_program "$source" $name "-I$selftests/libarena/include"
	tests/selftest/skeleton.py $out/$name.bpf.o >$out/$name.skel.h 2>$out/log || fail "a skeleton of $name"
done

objects=
for name in $test_files; do
	compile_test_file $name pthread_create
	objects="$objects $out/$name.o"
done
# shellcheck disable=SC2086
link_driver tests/selftest/async_driver.c $objects

SELFTEST_OBJECTS=$out $out/driver 2>$out/log
status=$?
sed 's/^/# /' $out/log
exit "$status"
