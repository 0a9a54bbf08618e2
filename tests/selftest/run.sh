#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#
# tests/selftest/run.sh - the kernel's own test of its DMA-buf iterator, on this process
#
# The program's types are those of the running kernel, if it has the iterator: so libbpf
# relocates an object for a kernel to our structs; otherwise those of our own programs.
# Prints TAP.

# shellcheck source=tests/selftest/common.sh
. "$(dirname "$0")/common.sh"

begin dmabuf progs/dmabuf_iter.c

if kernel_types bpf_iter__dmabuf; then
	echo "# types of the running kernel"
	cp $out/types.h $out/vmlinux.h
else
	echo "# the types of our own programs: the running kernel's have no iterator"
	cat >$out/vmlinux.h <<'EOT'
#include <linux/bpf.h>
#include <stdbool.h>
#include <stddef.h>
#include "dmabuf.h"
#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct bpf_iter_meta { struct seq_file *seq; };
#pragma clang attribute pop
EOT
fi
# The functions that programs call are in newer dumps, too.
cat >>$out/vmlinux.h <<'EOT'
#define KSYM __attribute__((weak, section(".ksyms")))
extern int bpf_iter_dmabuf_new(struct bpf_iter_dmabuf *it) KSYM;
extern struct dma_buf *bpf_iter_dmabuf_next(struct bpf_iter_dmabuf *it) KSYM;
extern void bpf_iter_dmabuf_destroy(struct bpf_iter_dmabuf *it) KSYM;
EOT

compile_program "$selftests/progs/dmabuf_iter.c" dmabuf_iter -Iprogs -Iinclude
compile_test_file dmabuf_iter open ioctl close
link_driver tests/selftest/driver.c $out/dmabuf_iter.o

SELFTEST_OBJECT=$out/dmabuf_iter.bpf.o $out/driver 2>$out/log | tee $out/tap
status=${PIPESTATUS[0]}
sed 's/^/# /' $out/log
echo "1..$(grep -c '^\(not \)\?ok ' $out/tap)"
exit "$status"
