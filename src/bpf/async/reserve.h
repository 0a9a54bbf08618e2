/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/async/reserve.h - cells for those who may not allocate
 */
#ifndef ROVE_BPF_ASYNC_RESERVE_H
#define ROVE_BPF_ASYNC_RESERVE_H

#include "base/types.h"

#define RESERVE_BLOCK_BYTES 256

int reserve_prepare(void);
void *reserve_take(void);

#endif
