/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/async/cell_state.h - what a cell's one word allows
 *
 * The word ->func is NULL (nothing to call), a program's function, or CELL_DEAD, and
 * CELL_DEAD is its last value.  Pure: the tests run every interleaving of its users.
 */
#ifndef ROVE_BPF_ASYNC_CELL_STATE_H
#define ROVE_BPF_ASYNC_CELL_STATE_H

#include <errno.h>

#include "base/types.h"

struct bpf_func;

/* In ->func: the cell was detached, no callback begins any more. */
#define CELL_DEAD ((const struct bpf_func *)1)

/* A cell whose word is @func holds a reference to @func's program. */
static inline bool cell_func_is_callable(const struct bpf_func *func)
{
	return func && func != CELL_DEAD;
}

/* May another word take the place of this one? */
static inline bool cell_func_is_last(const struct bpf_func *func)
{
	return func == CELL_DEAD;
}

/* 0, -EINVAL (no callback) or -ENOENT (the cell is dead). */
static inline int cell_func_start_error(const struct bpf_func *func)
{
	return cell_func_is_callable(func) ? 0 : func == CELL_DEAD ? -ENOENT : -EINVAL;
}

#endif
