/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bench/async/prog.h - the same calls by a BPF program, here and in the running kernel
 */
#ifndef ROVE_BENCH_ASYNC_PROG_H
#define ROVE_BENCH_ASYNC_PROG_H

#include "bench/stats.h"

void prog_bench(const struct bench_options *opts);

#endif
