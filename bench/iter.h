/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bench/iter.h - what bench/progs/iter.bpf.c gives to bench/iter.c
 */
#ifndef ROVE_BENCH_ITER_H
#define ROVE_BENCH_ITER_H

#include <linux/types.h>

#define BENCH_RING_BYTES (4 << 20)

struct bench_record {
	__u64 inode, size;
	char name[32];
	char exporter[32];
};

#endif
