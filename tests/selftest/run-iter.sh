#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#
# tests/selftest/run-iter.sh - the kernel's own iterator programs, on this process
#
# The programs of all targets that are here, compiled against the types of the running kernel:
# so libbpf relocates them to our structs.  Prints TAP.

# shellcheck source=tests/selftest/common.sh
. "$(dirname "$0")/common.sh"

programs="bpf_map bpf_link map_elem bpf_array_map bpf_hash_map
	bpf_percpu_array_map bpf_percpu_hash_map test_kern4 test_kern5 test_kern6"

begin iter progs/bpf_iter_bpf_map.c
kernel_types bpf_iter__bpf_map || give_up "the running kernel has no BTF with iterators"
{
	echo "#pragma once"
	cat $out/types.h
} >$out/vmlinux.h

for name in $programs; do
	compile_program "$selftests/progs/bpf_iter_$name.c" bpf_iter_$name
done
compile_program "$sources/kernel/bpf/preload/iterators/iterators.bpf.c" iterators
compile_program tests/selftest/own_targets.bpf.c own_targets
link_driver tests/selftest/iter_driver.c

SELFTEST_OBJECTS=$out $out/driver 2>$out/log
status=$?
[ $status = 0 ] || sed 's/^/# /' $out/log
exit "$status"
