/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * tests/unit/interp/insns.h - instructions by short names, and a way to run them
 */
#ifndef ROVE_TESTS_UNIT_INTERP_INSNS_H
#define ROVE_TESTS_UNIT_INTERP_INSNS_H

#include "bpf/interp/interp.h"

#define INSN(c, d, s, o, i) \
	((struct bpf_insn){ .code = (c), .dst_reg = (d), .src_reg = (s), .off = (o), .imm = (i) })

#define MOV64_K(d, i) INSN(BPF_ALU64 | BPF_MOV | BPF_K, d, 0, 0, i)
#define MOV64_X(d, s) INSN(BPF_ALU64 | BPF_MOV | BPF_X, d, s, 0, 0)
#define MOV32_K(d, i) INSN(BPF_ALU | BPF_MOV | BPF_K, d, 0, 0, i)
#define ALU64_K(op, d, i) INSN(BPF_ALU64 | (op) | BPF_K, d, 0, 0, i)
#define ALU64_X(op, d, s) INSN(BPF_ALU64 | (op) | BPF_X, d, s, 0, 0)
#define LD64(d, v) INSN(BPF_LD | BPF_IMM | BPF_DW, d, 0, 0, (u32)(u64)(v)), \
		   INSN(0, 0, 0, 0, (u32)((u64)(v) >> 32))
#define LDX(size, d, s, o) INSN(BPF_LDX | BPF_MEM | (size), d, s, o, 0)
#define LDSX(size, d, s, o) INSN(BPF_LDX | BPF_MEMSX | (size), d, s, o, 0)
#define STX(size, d, s, o) INSN(BPF_STX | BPF_MEM | (size), d, s, o, 0)
#define ST(size, d, o, i) INSN(BPF_ST | BPF_MEM | (size), d, 0, o, i)
#define ATOMIC(size, d, s, o, op) INSN(BPF_STX | BPF_ATOMIC | (size), d, s, o, op)
#define JA(o) INSN(BPF_JMP | BPF_JA, 0, 0, o, 0)
#define JA32(i) INSN(BPF_JMP32 | BPF_JA, 0, 0, 0, i)
#define JMP_K(op, d, i, o) INSN(BPF_JMP | (op) | BPF_K, d, 0, o, i)
#define CALL_FN() INSN(BPF_JMP | BPF_CALL, 0, 0, 0, 1)
#define CALL_SUB(i) INSN(BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_CALL, 0, i)
#define EXIT() INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)

/* Run with the fixups given, or none; a failure to decode is a result, too. */
static inline int run_insns(const struct bpf_insn *insns, u32 nr, const struct fixup *fixups,
			    const void *ctx, u64 *ret_r0)
{
	struct fixup none[256] = { { 0 } };
	struct interp_code *code;
	int err;

	err = interp_decode(insns, fixups ? fixups : none, nr, &code);
	if (err)
		return err;
	err = interp_run(code, 0, (u64[INTERP_MAX_ARGS]){ (uintptr_t)ctx }, ret_r0);
	interp_free(code);
	return err;
}

#define RUN(insns, fixups, ctx, ret_r0) \
	run_insns((insns), ARRAY_SIZE(insns), (fixups), (ctx), (ret_r0))

#endif
