/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/core/func.h - a function of a program that others may call back
 *
 * In a running program the address of one of its functions is a pointer to
 * this.  So whoever is given a callback can call it, and can keep its program
 * for as long as it wants to, without knowing how programs are run.
 *
 * Not here: which functions may be called back, with what (bpf/verifier).
 */
#ifndef ROVE_BPF_CORE_FUNC_H
#define ROVE_BPF_CORE_FUNC_H

#include "bpf/core/object.h"

/* Lives as long as its program; never changed once that is published. */
struct bpf_func {
	u64 (*call)(const struct bpf_func *f, u64 r1, u64 r2, u64 r3, u64 r4, u64 r5);
	struct object *prog;	/* hold it (object_get()) to call later than the program's run */
	const void *code;	/* ->call's own */
	u32 entry;		/* first instruction */
};

/**
 * bpf_func_call - call it
 *
 * Context: that of the caller; in a read section of maps (bpf/map/rcu.h) when it is
 *          given pointers into one.
 * Return:  its r0.
 */
static inline u64 bpf_func_call(const struct bpf_func *f, u64 r1, u64 r2, u64 r3, u64 r4)
{
	return f->call(f, r1, r2, r3, r4, 0);
}

#endif
