#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#
# tests/kernel/guest-tools.sh - in the guest: the tests that ask this kernel's verifier, and those
# of memory that only a kernel with the devices for it has
#
#	/out/equal_records.tap	the same records from the kernel and from a process
#	/out/corpus.tap		the corpus, answered by this kernel
#	/out/bpf_differ.tap	what bpf(2) of this kernel and ours give, of what older kernels do not have
#	/out/async_table.tsv	what this kernel's timers and works give, in every context
#	/out/dma_buf_memory.tap	buffers of librove whose memory is a DMA-buf of this kernel

WAKEUP_BPF_O=/guest/wakeup.bpf.o ./equal_records >/out/equal_records.tap 2>&1
./corpus --kernel verifier >/out/corpus.tap 2>&1
./bpf_differ rhash >/out/bpf_differ.tap 2>&1
./dma_buf_memory_test >/out/dma_buf_memory.tap 2>&1
./async_table -o /guest/async_table.bpf.o kernel >/out/async_table.tsv 2>/out/async_table.err
exit 0
