/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * base/futex.h - wait until a word changes
 */
#ifndef ROVE_BASE_FUTEX_H
#define ROVE_BASE_FUTEX_H

#include "base/types.h"

#define FUTEX_FOREVER UINT64_MAX

int futex_wait(const u32 *word, u32 expected, u64 timeout_ns);
void futex_wake(const u32 *word, u32 nr_threads);

#endif
