/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * tests/insn.h - instructions that read like their disassembly
 *
 *	const struct bpf_insn prog[] = {
 *		MOV_IMM(R0, 0),
 *		JMP_IMM(BPF_JEQ, R1, 0, 1),	// if r1 == 0 goto pc+1
 *		LDX(BPF_W, R0, R1, 4),		// r0 = *(u32 *)(r1 + 4)
 *		EXIT(),
 *	};
 *
 * Two-instruction forms (LD_IMM64 and its relatives) expand to two elements.
 */
#ifndef ROVE_TESTS_INSN_H
#define ROVE_TESTS_INSN_H

#include "bpf/core/insn.h"

enum { R0, R1, R2, R3, R4, R5, R6, R7, R8, R9, FP };

/* Every field by hand: for instructions that are wrong on purpose. */
#define INSN(c, d, s, o, i) \
	((struct bpf_insn){ .code = (c), .dst_reg = (d), .src_reg = (s), .off = (o), .imm = (i) })

/* dst op= imm; dst op= src.  @op is BPF_ADD, BPF_MUL, ... */
#define ALU64_IMM(op, d, i) INSN(BPF_ALU64 | (op) | BPF_K, d, 0, 0, i)
#define ALU64_REG(op, d, s) INSN(BPF_ALU64 | (op) | BPF_X, d, s, 0, 0)
#define ALU32_IMM(op, d, i) INSN(BPF_ALU | (op) | BPF_K, d, 0, 0, i)
#define ALU32_REG(op, d, s) INSN(BPF_ALU | (op) | BPF_X, d, s, 0, 0)

#define MOV_IMM(d, i) ALU64_IMM(BPF_MOV, d, i)
#define MOV_REG(d, s) ALU64_REG(BPF_MOV, d, s)
#define MOV32_IMM(d, i) ALU32_IMM(BPF_MOV, d, i)
#define MOV32_REG(d, s) ALU32_REG(BPF_MOV, d, s)
#define MOVSX(d, s, bits) INSN(BPF_ALU64 | BPF_MOV | BPF_X, d, s, bits, 0)
#define MOVSX32(d, s, bits) INSN(BPF_ALU | BPF_MOV | BPF_X, d, s, bits, 0)
#define ADD_IMM(d, i) ALU64_IMM(BPF_ADD, d, i)
#define ADD_REG(d, s) ALU64_REG(BPF_ADD, d, s)
#define NEG(d) INSN(BPF_ALU64 | BPF_NEG, d, 0, 0, 0)
#define NEG32(d) INSN(BPF_ALU | BPF_NEG, d, 0, 0, 0)

/* Byte order: TO_LE/TO_BE cut to @bits, BSWAP always reverses. */
#define TO_LE(d, bits) INSN(BPF_ALU | BPF_END | BPF_TO_LE, d, 0, 0, bits)
#define TO_BE(d, bits) INSN(BPF_ALU | BPF_END | BPF_TO_BE, d, 0, 0, bits)
#define BSWAP(d, bits) INSN(BPF_ALU64 | BPF_END, d, 0, 0, bits)

/* @size is BPF_B, BPF_H, BPF_W, BPF_DW. */
#define LDX(size, d, s, o) INSN(BPF_LDX | BPF_MEM | (size), d, s, o, 0)
#define LDX_SIGNED(size, d, s, o) INSN(BPF_LDX | BPF_MEMSX | (size), d, s, o, 0)
#define STX(size, d, s, o) INSN(BPF_STX | BPF_MEM | (size), d, s, o, 0)
#define ST_IMM(size, d, o, i) INSN(BPF_ST | BPF_MEM | (size), d, 0, o, i)
/* @op is BPF_ADD, BPF_ADD | BPF_FETCH, BPF_XCHG, BPF_CMPXCHG, ... */
#define ATOMIC(size, op, d, s, o) INSN(BPF_STX | BPF_ATOMIC | (size), d, s, o, op)

/* Jumps count from the next instruction.  @op is BPF_JEQ, BPF_JGT, ... */
#define JMP_IMM(op, d, i, o) INSN(BPF_JMP | (op) | BPF_K, d, 0, o, i)
#define JMP_REG(op, d, s, o) INSN(BPF_JMP | (op) | BPF_X, d, s, o, 0)
#define JMP32_IMM(op, d, i, o) INSN(BPF_JMP32 | (op) | BPF_K, d, 0, o, i)
#define JMP32_REG(op, d, s, o) INSN(BPF_JMP32 | (op) | BPF_X, d, s, o, 0)
#define GOTO(o) INSN(BPF_JMP | BPF_JA, 0, 0, o, 0)
#define GOTOL(o) INSN(BPF_JMP32 | BPF_JA, 0, 0, 0, o)

#define CALL_HELPER(id) INSN(BPF_JMP | BPF_CALL, 0, 0, 0, id)
#define CALL_KFUNC(btf_id) INSN(BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_KFUNC_CALL, 0, btf_id)
#define CALL_SUBPROG(o) INSN(BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_CALL, 0, o)
#define EXIT() INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)

/* Two elements: dst = a 64-bit number, a map by descriptor, a place in its value, a subprogram. */
#define LD_PSEUDO(d, pseudo, lo, hi) \
	INSN(BPF_LD | BPF_IMM | BPF_DW, d, pseudo, 0, lo), INSN(0, 0, 0, 0, hi)
#define LD_IMM64(d, v) LD_PSEUDO(d, 0, (s32)(u64)(v), (s32)((u64)(v) >> 32))
#define LD_MAP_FD(d, fd) LD_PSEUDO(d, BPF_PSEUDO_MAP_FD, fd, 0)
#define LD_MAP_VALUE(d, fd, o) LD_PSEUDO(d, BPF_PSEUDO_MAP_VALUE, fd, o)
#define LD_FUNC(d, o) LD_PSEUDO(d, BPF_PSEUDO_FUNC, o, 0)

#endif
