#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#
# tests/selftest/run-async.sh - the kernel's own tests of timers, works and maps in maps, on this process
#
# As they are, but: programs of fentry and raw_tp are put into the section "syscall" where that is
# all that they need, a hash stands in for an array of sockets, and functions that no program
# that is run here reaches are made weak.  libbpf is that of the same sources, and the functions of the
# kernel's test module are those of testmod.c.  Prints TAP.

# shellcheck source=tests/selftest/common.sh
. "$(dirname "$0")/common.sh"

programs="timer timer_failure timer_interrupt free_timer timer_start_delete_race wq wq_failures
	timer_mim timer_mim_reject test_btf_map_in_map rhash rhash_timer bpf_iter_bpf_rhash_map
	timer_lockup async_stack_depth test_helper_restricted verifier_async_cb_context"
test_files="timer free_timer timer_start_delete_race wq timer_mim btf_map_in_map rhash rhash_timer
	timer_lockup async_stack_depth helper_restricted btf_map_keyless"

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
extern int bpf_task_work_schedule_resume(struct task_struct *task, struct bpf_task_work *tw,
					 void *map__map, void *callback) KSYM;
extern int bpf_wq_start(struct bpf_wq *wq, unsigned int flags) KSYM;
#pragma weak bpf_task_acquire
#pragma weak bpf_task_release
#pragma weak bpf_rcu_read_lock
#pragma weak bpf_rcu_read_unlock
EOF
	grep -q BPF_MAP_TYPE_RHASH $out/types.h || echo "#define BPF_MAP_TYPE_RHASH 35"
} >$out/vmlinux.h

for name in $programs; do
	source=$selftests/progs/$name.c
	case $name in timer_failure | timer_mim* | test_btf_map_in_map)
		sed -e 's|SEC("fentry/bpf_fentry_test1")|SEC("syscall")|' \
			-e 's|SEC("?fentry/bpf_fentry_test1")|SEC("?syscall")|' \
			-e 's|SEC("raw_tp/sys_enter")|SEC("syscall")|' \
			-e 's|BPF_MAP_TYPE_REUSEPORT_SOCKARRAY|BPF_MAP_TYPE_HASH|' "$source" >$out/$name.c
		source=$out/$name.c
		;;
	esac
	compile_program "$source" $name "-I$selftests/libarena/include"
	tests/selftest/skeleton.py $out/$name.bpf.o >$out/$name.skel.h 2>$out/log || fail "a skeleton of $name"
done

kernels_libbpf
more_kfuncs tests/selftest/testmod.c
objects=
for name in $test_files; do
	compile_test_file $name pthread_create close usleep
	objects="$objects $out/$name.o"
done
# shellcheck disable=SC2086
link_driver tests/selftest/async_driver.c $objects

SELFTEST_OBJECTS=$out $out/driver 2>$out/log
status=$?
sed 's/^/# /' $out/log
exit "$status"
