#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#
# tests/selftest/run.sh - the kernel's own test of its DMA-buf iterator, on this process
#
# The program and the test file are those of Debian's package of the newest kernel's
# sources (tools/fetch-kernel.sh source), compiled as they are.  The program's types are
# those of the running kernel, if it has the iterator: so libbpf relocates an object
# for a kernel to our structs; otherwise those of our own programs.  Prints TAP.
#
#	B	the build to test (build)

set -u -o pipefail

cd "$(dirname "$0")/../.." || exit 1
b=${B:-build}
out=build/tests/selftest
arch=$(uname -m)

give_up()
{
	echo "1..0 # SKIP $*"
	exit 0
}

fetched=$(tools/fetch-kernel.sh source 2>&1) || give_up "${fetched##*fetch-kernel: }"
sources=$(echo "$fetched" | cut -f3 | tail -1)
selftests=$sources/tools/testing/selftests/bpf
[ -r "$selftests/progs/dmabuf_iter.c" ] || give_up "no sources at $sources"
mkdir -p $out

fail()
{
	sed 's/^/# /' $out/log
	echo "not ok 1 - selftest: $*"
	echo "1..1"
	exit 1
}

gcc -std=gnu11 -O1 -o $out/vmlinux tests/selftest/vmlinux.c -l:libbpf.a -lelf -lz \
	>$out/log 2>&1 || fail "the header's maker compiles"
if $out/vmlinux /sys/kernel/btf/vmlinux bpf_iter__dmabuf >$out/vmlinux.h 2>$out/log; then
	echo "# types of the running kernel"
else
	echo "# the types of our own programs: the running kernel's have no iterator"
	cat >$out/vmlinux.h <<'EOF'
#include <linux/bpf.h>
#include <stdbool.h>
#include <stddef.h>
#include "dmabuf.h"
#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct bpf_iter_meta { struct seq_file *seq; };
#pragma clang attribute pop
EOF
	grep -q "^struct bpf_iter_num" /usr/include/linux/bpf.h ||
		echo "struct bpf_iter_num { __u64 o[1]; } __attribute__((aligned(8)));" >>$out/vmlinux.h
fi
# The functions that programs call are in newer dumps, too.
cat >>$out/vmlinux.h <<'EOF'
#define KSYM __attribute__((weak, section(".ksyms")))
extern int bpf_iter_dmabuf_new(struct bpf_iter_dmabuf *it) KSYM;
extern struct dma_buf *bpf_iter_dmabuf_next(struct bpf_iter_dmabuf *it) KSYM;
extern void bpf_iter_dmabuf_destroy(struct bpf_iter_dmabuf *it) KSYM;
EOF

clang -target bpf -mcpu=v3 -g -O2 -I$out -I"$sources/tools/lib" -I/usr/include/bpf -Iprogs -Iinclude \
	-idirafter "/usr/include/$arch-linux-gnu" -Wno-missing-declarations \
	-c "$selftests/progs/dmabuf_iter.c" -o $out/dmabuf_iter.bpf.o \
	>$out/log 2>&1 || fail "the kernel's program compiles"

san=
case $b in */address) san=-fsanitize=address,undefined ;; */thread) san=-fsanitize=thread ;; esac
gcc -std=gnu11 -D_GNU_SOURCE -g -O1 -w -Itests/selftest -c "$selftests/prog_tests/dmabuf_iter.c" \
	-o $out/prog_test.o >$out/log 2>&1 || fail "the kernel's test file compiles"
for name in open ioctl close; do
	objcopy --redefine-sym $name=selftest_$name $out/prog_test.o
done
# shellcheck disable=SC2046
gcc -std=gnu11 -D_GNU_SOURCE -g -O1 -Wall $san -Iinclude -Isrc -I. -o $out/dmabuf_iter \
	tests/selftest/driver.c $out/prog_test.o $(find $b/obj/src -name '*.o') $b/gen/self_btf.o $b/gen/progs.o \
	build/libbpf-seam.a -lelf -lz $(pkg-config --libs liburcu-bp hwloc) -pthread \
	>$out/log 2>&1 || fail "the driver compiles"

SELFTEST_OBJECT=$out/dmabuf_iter.bpf.o $out/dmabuf_iter 2>$out/log | tee $out/tap
status=${PIPESTATUS[0]}
sed 's/^/# /' $out/log
echo "1..$(grep -c '^\(not \)\?ok ' $out/tap)"
exit "$status"
