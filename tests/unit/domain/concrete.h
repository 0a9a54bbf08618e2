/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * tests/unit/domain/concrete.h - what BPF computes, on plain numbers of any width
 *
 * The oracle of the domain tests: written from the instruction set document,
 * with none of the domain's own functions.
 */
#ifndef ROVE_TESTS_UNIT_DOMAIN_CONCRETE_H
#define ROVE_TESTS_UNIT_DOMAIN_CONCRETE_H

#include <linux/bpf.h>

#include "base/types.h"

static inline u64 mask_of(u32 bits)
{
	return bits == 64 ? ~0ull : (1ull << bits) - 1;
}

static inline s64 as_signed(u64 x, u32 bits)
{
	u64 sign = 1ull << (bits - 1);

	x &= mask_of(bits);
	return (s64)((x ^ sign) - sign);
}

static inline u64 concrete_sdiv(s64 a, s64 b)
{
	if (!b)
		return 0;
	return b == -1 ? 0 - (u64)a : (u64)(a / b);
}

static inline u64 concrete_smod(s64 a, s64 b)
{
	if (!b)
		return (u64)a;
	return b == -1 ? 0 : (u64)(a % b);
}

/* a op b at @bits, both below 2^bits; the result too. */
static inline u64 concrete_alu(u8 op, bool is_signed, u64 a, u64 b, u32 bits)
{
	s64 sa = as_signed(a, bits), sb = as_signed(b, bits);
	u32 shift = b & (bits - 1);
	u64 x = 0;

	switch (op) {
	case BPF_ADD:	x = a + b; break;
	case BPF_SUB:	x = a - b; break;
	case BPF_MUL:	x = a * b; break;
	case BPF_DIV:	x = is_signed ? concrete_sdiv(sa, sb) : b ? a / b : 0; break;
	case BPF_MOD:	x = is_signed ? concrete_smod(sa, sb) : b ? a % b : a; break;
	case BPF_OR:	x = a | b; break;
	case BPF_AND:	x = a & b; break;
	case BPF_XOR:	x = a ^ b; break;
	case BPF_LSH:	x = a << shift; break;
	case BPF_RSH:	x = a >> shift; break;
	case BPF_ARSH:	x = (u64)(sa >> shift); break;
	case BPF_NEG:	x = 0 - a; break;
	default:	abort();
	}
	return x & mask_of(bits);
}

static inline bool concrete_jump(u8 op, u64 a, u64 b, u32 bits)
{
	s64 sa = as_signed(a, bits), sb = as_signed(b, bits);

	switch (op) {
	case BPF_JEQ:	return a == b;
	case BPF_JNE:	return a != b;
	case BPF_JSET:	return a & b;
	case BPF_JLT:	return a < b;
	case BPF_JLE:	return a <= b;
	case BPF_JGT:	return a > b;
	case BPF_JGE:	return a >= b;
	case BPF_JSLT:	return sa < sb;
	case BPF_JSLE:	return sa <= sb;
	case BPF_JSGT:	return sa > sb;
	case BPF_JSGE:	return sa >= sb;
	default:	abort();
	}
}

struct alu_case {
	u8 op;
	bool is_signed;
	const char *name;
};

static const struct alu_case alu_cases[] = {
	{ BPF_ADD, false, "add" },  { BPF_SUB, false, "sub" },	{ BPF_MUL, false, "mul" },
	{ BPF_DIV, false, "div" },  { BPF_DIV, true, "sdiv" },	{ BPF_MOD, false, "mod" },
	{ BPF_MOD, true, "smod" },  { BPF_OR, false, "or" },	{ BPF_AND, false, "and" },
	{ BPF_XOR, false, "xor" },  { BPF_LSH, false, "lsh" },	{ BPF_RSH, false, "rsh" },
	{ BPF_ARSH, false, "arsh" }, { BPF_NEG, false, "neg" },
};

static const u8 jump_ops[] = {
	BPF_JEQ, BPF_JNE, BPF_JSET, BPF_JLT, BPF_JLE, BPF_JGT,
	BPF_JGE, BPF_JSLT, BPF_JSLE, BPF_JSGT, BPF_JSGE,
};

/* A fixed sequence: xorshift, never 0. */
static inline u64 next_random(u64 *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

#endif
