/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/interp/interp.h - run a decoded program
 *
 * Decoding turns each instruction into what to do (one of a few hundred labels),
 * with jump targets, addresses and functions in place, so that running looks at
 * nothing twice.
 *
 * Not here: whether the program is safe (bpf/verifier), where addresses come
 *           from (bpf/prog).
 */
#ifndef ROVE_BPF_INTERP_INTERP_H
#define ROVE_BPF_INTERP_INTERP_H

#include "bpf/core/insn.h"

#define INTERP_MAX_FRAMES 16
#define INTERP_MAX_ARGS 5

typedef u64 (*interp_fn)(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5);

/* What an instruction means beyond its encoding; the program's loader knows. */
enum fixup_kind {
	FIXUP_NONE,
	FIXUP_CHECKED_LOAD,	/* a fault reads as zero */
	FIXUP_IMM64,		/* ld_imm64: .imm64 is the value to load */
	FIXUP_CALL_SUBPROG,	/* .target is the instruction to go to */
	FIXUP_CALL_FN,		/* .fn is called; .ret_bytes of its result count */
	FIXUP_DEAD,		/* never executed */
};

struct fixup {
	u8 kind;		/* enum fixup_kind */
	u8 ret_bytes;		/* 1, 2, 4: zero-extended from there; 8 */
	u32 target;
	union {
		u64 imm64;
		interp_fn fn;
	};
};

struct interp_op {
	u16 op;			/* an index of the interpreter's labels */
	u8 dst, src;
	s32 off;		/* of an access; of a jump, from the next instruction */
	union {
		u64 imm;	/* sign-extended already */
		interp_fn fn;
	};
};

struct interp_code {
	u32 nr_ops;
	struct interp_op ops[];
};

int interp_decode(const struct bpf_insn *insns, const struct fixup *fixups, u32 nr_insns,
		  struct interp_code **ret_code);
void interp_free(struct interp_code *code); /* NULL is fine */
int interp_run(const struct interp_code *code, u32 entry, const u64 args[INTERP_MAX_ARGS],
	       u64 *ret_r0);

#endif
