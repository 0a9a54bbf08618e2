/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/interp/ops.h - the names of all operations, once
 *
 * decode.c makes their numbers of it, run.c their labels.  An operation with two
 * operand forms ends in _X (register) and _K (constant); with two widths in 64
 * and 32.
 */
#ifndef ROVE_BPF_INTERP_OPS_H
#define ROVE_BPF_INTERP_OPS_H

#define OPS_FORMS(V, name) V(name##64_X) V(name##64_K) V(name##32_X) V(name##32_K)

#define OPS_SIZES(V, name) V(name##_B) V(name##_H) V(name##_W) V(name##_DW)

#define OPS_ALU(V)                                                                   \
	OPS_FORMS(V, ADD) OPS_FORMS(V, SUB) OPS_FORMS(V, MUL) OPS_FORMS(V, OR)       \
	OPS_FORMS(V, AND) OPS_FORMS(V, LSH) OPS_FORMS(V, RSH) OPS_FORMS(V, XOR)      \
	OPS_FORMS(V, MOV) OPS_FORMS(V, ARSH) OPS_FORMS(V, DIV) OPS_FORMS(V, MOD)     \
	OPS_FORMS(V, SDIV) OPS_FORMS(V, SMOD)                                        \
	V(NEG64) V(NEG32)                                                            \
	V(MOVSX64_8) V(MOVSX64_16) V(MOVSX64_32) V(MOVSX32_8) V(MOVSX32_16)          \
	V(LE16) V(LE32) V(LE64) V(BE16) V(BE32) V(BE64)                              \
	V(BSWAP16) V(BSWAP32) V(BSWAP64)

#define OPS_JMP(V)                                                                   \
	V(JA)                                                                        \
	OPS_FORMS(V, JEQ) OPS_FORMS(V, JNE) OPS_FORMS(V, JGT) OPS_FORMS(V, JGE)      \
	OPS_FORMS(V, JLT) OPS_FORMS(V, JLE) OPS_FORMS(V, JSET) OPS_FORMS(V, JSGT)    \
	OPS_FORMS(V, JSGE) OPS_FORMS(V, JSLT) OPS_FORMS(V, JSLE)                     \
	V(CALL_SUBPROG) V(CALL_8) V(CALL_4) V(CALL_2) V(CALL_1) V(EXIT)

#define OPS_ATOMIC(V, width)                                                         \
	V(ATOMIC_ADD##width) V(ATOMIC_OR##width) V(ATOMIC_AND##width)                \
	V(ATOMIC_XOR##width) V(FETCH_ADD##width) V(FETCH_OR##width)                  \
	V(FETCH_AND##width) V(FETCH_XOR##width) V(XCHG##width) V(CMPXCHG##width)

#define OPS_MEM(V)                                                                   \
	V(LD_IMM64)                                                                  \
	OPS_SIZES(V, LDX) V(LDSX_B) V(LDSX_H) V(LDSX_W)                              \
	OPS_SIZES(V, CHK) V(CHKSX_B) V(CHKSX_H) V(CHKSX_W)                           \
	OPS_SIZES(V, ST) OPS_SIZES(V, STX)                                           \
	OPS_ATOMIC(V, 32) OPS_ATOMIC(V, 64)                                          \
	OPS_SIZES(V, LOAD_ACQ) OPS_SIZES(V, STORE_REL)

#define OPS_ALL(V) V(DEAD) OPS_ALU(V) OPS_JMP(V) OPS_MEM(V)

enum interp_op_number {
#define OP_NUMBER(name) OP_##name,
	OPS_ALL(OP_NUMBER)
#undef OP_NUMBER
	OPS_NR,
};

#endif
