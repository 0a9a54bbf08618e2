/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * tests/tool/corpus/asm.h - a line of readable assembler becomes an instruction
 *
 * The notation is the one that disassemblers of BPF print.  Blanks mean
 * nothing, so they are taken out first, and each form is then tried by its
 * first characters.
 *
 * Not here: labels' places (parse.h), maps and kfuncs (whoever loads).
 */
#ifndef ROVE_TESTS_TOOL_CORPUS_ASM_H
#define ROVE_TESTS_TOOL_CORPUS_ASM_H

#include <ctype.h>

#include "tests/tool/corpus/case.h"

struct asm_line {
	struct corpus_case *c;
	const char *text;	/* for messages */
	const char *at;		/* what is left */
};

static inline bool asm_eat(struct asm_line *l, const char *word)
{
	size_t len = strlen(word);

	if (strncmp(l->at, word, len))
		return false;
	l->at += len;
	return true;
}

/* rN or wN. */
static inline bool asm_reg(struct asm_line *l, char letter, u8 *ret_reg)
{
	char *end;
	unsigned long n;

	if (l->at[0] != letter || !isdigit((unsigned char)l->at[1]))
		return false;
	n = strtoul(l->at + 1, &end, 10);
	if (n > 15)
		return false;
	l->at = end;
	*ret_reg = n;
	return true;
}

static inline bool asm_number(struct asm_line *l, s64 *ret_number)
{
	char *end;
	bool minus = l->at[0] == '-';

	*ret_number = strtoull(l->at + minus, &end, 0);
	if (end == l->at + minus)
		return false;
	if (minus)
		*ret_number = -*ret_number;
	l->at = end;
	return true;
}

static inline bool asm_done(const struct asm_line *l)
{
	return !*l->at;
}

static inline int asm_emit(struct asm_line *l, struct bpf_insn insn)
{
	if (!asm_done(l))
		return case_bad(l->c, "'%s': not understood from '%s'", l->text, l->at);
	if (l->c->nr_insns >= CASE_MAX_INSNS - 1)
		return case_bad(l->c, "too many instructions");
	l->c->insns[l->c->nr_insns++] = insn;
	return 0;
}

static inline int asm_no(struct asm_line *l)
{
	return case_bad(l->c, "'%s': not understood", l->text);
}

/* (u32*) and the like: size code, signed or not. */
static inline bool asm_size(struct asm_line *l, u8 *ret_size, bool *ret_signed)
{
	static const struct {
		const char *name;
		u8 size;
		bool is_signed;
	} sizes[] = {
		{ "u8*", BPF_B, false },  { "u16*", BPF_H, false }, { "u32*", BPF_W, false },
		{ "u64*", BPF_DW, false }, { "s8*", BPF_B, true },  { "s16*", BPF_H, true },
		{ "s32*", BPF_W, true },
	};

	for (u32 i = 0; i < ARRAY_SIZE(sizes); i++) {
		if (asm_eat(l, sizes[i].name)) {
			*ret_size = sizes[i].size;
			*ret_signed = sizes[i].is_signed;
			return true;
		}
	}
	return false;
}

/* "(u32*)(r1+8)" */
static inline bool asm_mem(struct asm_line *l, u8 *ret_size, bool *ret_signed, u8 *ret_reg,
			   s16 *ret_off)
{
	s64 off = 0;
	bool minus;

	if (!asm_eat(l, "(") || !asm_size(l, ret_size, ret_signed) || !asm_eat(l, ")(") ||
	    !asm_reg(l, 'r', ret_reg))
		return false;
	minus = l->at[0] == '-';
	if (minus || l->at[0] == '+') {
		l->at++;
		if (!asm_number(l, &off))
			return false;
	}
	*ret_off = minus ? -off : off;
	return asm_eat(l, ")");
}

static inline void asm_remember_jump(struct asm_line *l, const char *name, bool is_call,
				     bool is_func)
{
	struct case_jump *jump = &l->c->jumps[l->c->nr_jumps++];

	jump->pc = l->c->nr_insns;
	jump->is_call = is_call;
	jump->is_func = is_func;
	snprintf(jump->name, sizeof(jump->name), "%.60s", name);
	snprintf(jump->where, sizeof(jump->where), "%.200s", l->text);
}

/* --- jumps and calls -------------------------------------------------------------------------- */

static inline int asm_goto(struct asm_line *l, struct bpf_insn insn)
{
	asm_remember_jump(l, l->at, false, false);
	l->at += strlen(l->at);
	return asm_emit(l, insn);
}

static inline int asm_if(struct asm_line *l)
{
	static const struct {
		const char *name;
		u8 op;
	} ops[] = {
		{ "s>=", BPF_JSGE }, { "s<=", BPF_JSLE }, { "s>", BPF_JSGT }, { "s<", BPF_JSLT },
		{ "==", BPF_JEQ },   { "!=", BPF_JNE },	  { ">=", BPF_JGE },  { "<=", BPF_JLE },
		{ ">", BPF_JGT },    { "<", BPF_JLT },	  { "&", BPF_JSET },
	};
	char letter = l->at[0];
	struct bpf_insn insn = { 0 };
	u8 reg, op = 0;
	s64 imm;
	u32 i;

	if ((letter != 'r' && letter != 'w') || !asm_reg(l, letter, &reg))
		return asm_no(l);
	insn.dst_reg = reg;
	for (i = 0; i < ARRAY_SIZE(ops) && !asm_eat(l, ops[i].name); i++)
		;
	if (i == ARRAY_SIZE(ops))
		return asm_no(l);
	op = ops[i].op;
	insn.code = (letter == 'r' ? BPF_JMP : BPF_JMP32) | op;
	if (asm_reg(l, letter, &reg)) {
		insn.src_reg = reg;
		insn.code |= BPF_X;
	} else if (asm_number(l, &imm)) {
		insn.imm = imm;
	} else {
		return asm_no(l);
	}
	if (!asm_eat(l, "goto"))
		return asm_no(l);
	return asm_goto(l, insn);
}

static inline int asm_call(struct asm_line *l)
{
	struct bpf_insn insn = { .code = BPF_JMP | BPF_CALL };
	const struct case_word *helper = case_word(case_helpers, l->at);
	struct case_kfunc *kfunc;
	s64 number;

	if (asm_eat(l, "@") && asm_number(l, &number)) {
		insn.imm = number;
		return asm_emit(l, insn);
	}
	if (helper) {
		insn.imm = helper->value;
	} else if (!strncmp(l->at, "bpf_", 4)) {
		if (l->c->nr_kfuncs == CASE_MAX_NAMES)
			return case_bad(l->c, "too many kfunc calls");
		kfunc = &l->c->kfuncs[l->c->nr_kfuncs++];
		kfunc->pc = l->c->nr_insns;
		snprintf(kfunc->name, sizeof(kfunc->name), "%.60s", l->at);
		insn.src_reg = BPF_PSEUDO_KFUNC_CALL;
	} else {
		asm_remember_jump(l, l->at, true, false);
		insn.src_reg = BPF_PSEUDO_CALL;
	}
	l->at += strlen(l->at);
	return asm_emit(l, insn);
}

/* --- stores and atomics ----------------------------------------------------------------------- */

static inline int asm_store(struct asm_line *l)
{
	struct bpf_insn insn = { 0 };
	u8 size, reg, src;
	bool is_signed;
	s16 off;
	s64 imm;

	if (!asm_mem(l, &size, &is_signed, &reg, &off) || is_signed || !asm_eat(l, "="))
		return asm_no(l);
	insn.dst_reg = reg;
	insn.off = off;
	if (asm_reg(l, 'r', &src) || asm_reg(l, 'w', &src)) {
		insn.code = BPF_STX | BPF_MEM | size;
		insn.src_reg = src;
	} else if (asm_number(l, &imm)) {
		insn.code = BPF_ST | BPF_MEM | size;
		insn.imm = imm;
	} else {
		return asm_no(l);
	}
	return asm_emit(l, insn);
}

/* lock *(u64 *)(r1 + 0) += r2 */
static inline int asm_lock(struct asm_line *l)
{
	static const struct {
		const char *name;
		u8 op;
	} ops[] = { { "+=", BPF_ADD }, { "&=", BPF_AND }, { "|=", BPF_OR }, { "^=", BPF_XOR } };
	struct bpf_insn insn = { 0 };
	u8 size, dst, src;
	bool is_signed;
	s16 off;

	if (!asm_mem(l, &size, &is_signed, &dst, &off))
		return asm_no(l);
	for (u32 i = 0; i < ARRAY_SIZE(ops); i++) {
		if (!asm_eat(l, ops[i].name))
			continue;
		if (!asm_reg(l, 'r', &src) && !asm_reg(l, 'w', &src))
			return asm_no(l);
		insn.code = BPF_STX | BPF_ATOMIC | size;
		insn.dst_reg = dst;
		insn.src_reg = src;
		insn.off = off;
		insn.imm = ops[i].op;
		return asm_emit(l, insn);
	}
	return asm_no(l);
}

/* r2 = atomic_fetch_add((u64 *)(r1 + 0), r2) and its like, behind the "=". */
static inline int asm_fetch(struct asm_line *l, u8 result, s32 op)
{
	struct bpf_insn insn = { .imm = op };
	u8 size, dst, src;
	bool is_signed;
	s16 off;

	if (!asm_mem(l, &size, &is_signed, &dst, &off) || !asm_eat(l, ","))
		return asm_no(l);
	if (op == BPF_CMPXCHG && (result || !asm_eat(l, "r0,")))
		return asm_no(l);
	if ((!asm_reg(l, 'r', &src) && !asm_reg(l, 'w', &src)) || !asm_eat(l, ")"))
		return asm_no(l);
	if (op != BPF_CMPXCHG && src != result)
		return asm_no(l);
	insn.code = BPF_STX | BPF_ATOMIC | size;
	insn.dst_reg = dst;
	insn.src_reg = src;
	insn.off = off;
	return asm_emit(l, insn);
}

/* --- assignments ------------------------------------------------------------------------------ */

static inline int asm_imm64(struct asm_line *l, u8 dst, u8 pseudo, u32 low, u32 high)
{
	struct bpf_insn first = {
		.code = BPF_LD | BPF_IMM | BPF_DW,
		.dst_reg = dst,
		.src_reg = pseudo,
		.imm = low,
	};
	int err = asm_emit(l, first);

	return err ?: asm_emit(l, (struct bpf_insn){ .imm = high });
}

static inline int asm_load_map(struct asm_line *l, u8 dst, u8 pseudo)
{
	s64 index, off = 0;

	if (!asm_number(l, &index) || !asm_eat(l, "]"))
		return asm_no(l);
	if (pseudo == BPF_PSEUDO_MAP_VALUE && asm_eat(l, "+") && !asm_number(l, &off))
		return asm_no(l);
	if (!asm_eat(l, "ll"))
		return asm_no(l);
	return asm_imm64(l, dst, pseudo, index, off);
}

static inline int asm_load(struct asm_line *l, u8 dst)
{
	struct bpf_insn insn = { .dst_reg = dst };
	u8 size, src;
	bool is_signed;
	s16 off;

	if (!asm_mem(l, &size, &is_signed, &src, &off))
		return asm_no(l);
	insn.code = BPF_LDX | (is_signed ? BPF_MEMSX : BPF_MEM) | size;
	insn.src_reg = src;
	insn.off = off;
	return asm_emit(l, insn);
}

/* r1 = be16 r1 */
static inline int asm_swap(struct asm_line *l, char letter, u8 dst, u8 code)
{
	struct bpf_insn insn = { .code = code, .dst_reg = dst };
	char *end;
	u8 src;

	insn.imm = strtol(l->at, &end, 10);
	l->at = end;
	if (!asm_reg(l, letter, &src) || src != dst)
		return asm_no(l);
	return asm_emit(l, insn);
}

static inline int asm_mov(struct asm_line *l, char letter, u8 dst)
{
	struct bpf_insn insn = {
		.code = (letter == 'r' ? BPF_ALU64 : BPF_ALU) | BPF_MOV,
		.dst_reg = dst,
	};
	u8 src;
	s64 imm;

	if (asm_eat(l, "(s8)"))
		insn.off = 8;
	else if (asm_eat(l, "(s16)"))
		insn.off = 16;
	else if (asm_eat(l, "(s32)"))
		insn.off = 32;
	if (asm_reg(l, letter, &src)) {
		insn.code |= BPF_X;
		insn.src_reg = src;
		return asm_emit(l, insn);
	}
	if (insn.off || !asm_number(l, &imm))
		return asm_no(l);
	if (letter == 'r' && asm_eat(l, "ll"))
		return asm_imm64(l, dst, 0, imm, (u64)imm >> 32);
	insn.imm = imm;
	return asm_emit(l, insn);
}

static inline int asm_type(struct asm_line *l, u8 dst)
{
	struct case_kfunc *type;

	if (l->c->nr_types == CASE_MAX_NAMES)
		return case_bad(l->c, "too many types");
	type = &l->c->types[l->c->nr_types++];
	type->pc = l->c->nr_insns;
	snprintf(type->name, sizeof(type->name), "%.60s", l->at);
	l->at += strlen(l->at);
	return asm_emit(l, (struct bpf_insn){ .code = BPF_ALU64 | BPF_MOV, .dst_reg = dst });
}

static inline int asm_assign(struct asm_line *l, char letter, u8 dst)
{
	static const struct {
		const char *name;
		s32 op;
	} fetches[] = {
		{ "atomic_fetch_add(", BPF_ADD | BPF_FETCH },
		{ "atomic_fetch_and(", BPF_AND | BPF_FETCH },
		{ "atomic_fetch_or(", BPF_OR | BPF_FETCH },
		{ "atomic_fetch_xor(", BPF_XOR | BPF_FETCH },
		{ "xchg(", BPF_XCHG },
		{ "cmpxchg(", BPF_CMPXCHG },
	};
	struct bpf_insn neg = {
		.code = (letter == 'r' ? BPF_ALU64 : BPF_ALU) | BPF_NEG,
		.dst_reg = dst,
	};
	u8 src;

	for (u32 i = 0; i < ARRAY_SIZE(fetches); i++) {
		if (asm_eat(l, fetches[i].name))
			return asm_fetch(l, dst, fetches[i].op);
	}
	if (asm_eat(l, "map["))
		return asm_load_map(l, dst, BPF_PSEUDO_MAP_FD);
	if (asm_eat(l, "mapval["))
		return asm_load_map(l, dst, BPF_PSEUDO_MAP_VALUE);
	if (asm_eat(l, "func_")) {
		asm_remember_jump(l, l->at, false, true);
		l->at += strlen(l->at);
		return asm_imm64(l, dst, BPF_PSEUDO_FUNC, 0, 0);
	}
	if (asm_eat(l, "type_"))
		return asm_type(l, dst);
	if (asm_eat(l, "*"))
		return asm_load(l, dst);
	if (asm_eat(l, "be"))
		return asm_swap(l, letter, dst, BPF_ALU | BPF_END | BPF_TO_BE);
	if (asm_eat(l, "le"))
		return asm_swap(l, letter, dst, BPF_ALU | BPF_END | BPF_TO_LE);
	if (asm_eat(l, "bswap"))
		return asm_swap(l, letter, dst, BPF_ALU64 | BPF_END);
	if (l->at[0] == '-' && l->at[1] == letter) {
		l->at++;
		if (!asm_reg(l, letter, &src) || src != dst)
			return asm_no(l);
		return asm_emit(l, neg);
	}
	return asm_mov(l, letter, dst);
}

static inline int asm_alu(struct asm_line *l, char letter, u8 dst)
{
	static const struct {
		const char *name;
		u8 op;
		s16 off;
	} ops[] = {
		{ "s>>=", BPF_ARSH, 0 }, { "s/=", BPF_DIV, 1 }, { "s%=", BPF_MOD, 1 },
		{ "<<=", BPF_LSH, 0 },	 { ">>=", BPF_RSH, 0 }, { "+=", BPF_ADD, 0 },
		{ "-=", BPF_SUB, 0 },	 { "*=", BPF_MUL, 0 },	{ "/=", BPF_DIV, 0 },
		{ "%=", BPF_MOD, 0 },	 { "&=", BPF_AND, 0 },	{ "|=", BPF_OR, 0 },
		{ "^=", BPF_XOR, 0 },
	};
	struct bpf_insn insn = { .dst_reg = dst };
	s64 imm;
	u8 src;
	u32 i;

	if (asm_eat(l, "="))
		return asm_assign(l, letter, dst);
	for (i = 0; i < ARRAY_SIZE(ops) && !asm_eat(l, ops[i].name); i++)
		;
	if (i == ARRAY_SIZE(ops))
		return asm_no(l);
	insn.code = (letter == 'r' ? BPF_ALU64 : BPF_ALU) | ops[i].op;
	insn.off = ops[i].off;
	if (asm_reg(l, letter, &src)) {
		insn.code |= BPF_X;
		insn.src_reg = src;
	} else if (asm_number(l, &imm)) {
		insn.imm = imm;
	} else {
		return asm_no(l);
	}
	return asm_emit(l, insn);
}

/* raw code dst src off imm: what no notation can say. */
static inline int asm_raw(struct asm_line *l)
{
	struct bpf_insn insn = { 0 };
	s64 part[5];

	for (u32 i = 0; i < 5; i++) {
		if ((i && !asm_eat(l, ",")) || !asm_number(l, &part[i]))
			return asm_no(l);
	}
	insn.code = part[0];
	insn.dst_reg = part[1];
	insn.src_reg = part[2];
	insn.off = part[3];
	insn.imm = part[4];
	return asm_emit(l, insn);
}

static inline int asm_insn(struct corpus_case *c, const char *text)
{
	struct asm_line l = { .c = c, .text = text };
	char squeezed[CASE_TEXT];
	size_t n = 0;
	u8 reg;

	for (; *text && n + 1 < sizeof(squeezed); text++) {
		if (!isspace((unsigned char)*text))
			squeezed[n++] = *text;
	}
	squeezed[n] = 0;
	l.at = squeezed;

	if (!strcmp(l.at, "exit")) {
		l.at += 4;
		return asm_emit(&l, (struct bpf_insn){ .code = BPF_JMP | BPF_EXIT });
	}
	if (asm_eat(&l, "raw"))
		return asm_raw(&l);
	if (asm_eat(&l, "goto"))
		return asm_goto(&l, (struct bpf_insn){ .code = BPF_JMP | BPF_JA });
	if (asm_eat(&l, "if"))
		return asm_if(&l);
	if (asm_eat(&l, "call"))
		return asm_call(&l);
	if (asm_eat(&l, "lock*"))
		return asm_lock(&l);
	if (asm_eat(&l, "*"))
		return asm_store(&l);
	if (asm_reg(&l, 'r', &reg))
		return asm_alu(&l, 'r', reg);
	if (asm_reg(&l, 'w', &reg))
		return asm_alu(&l, 'w', reg);
	return asm_no(&l);
}

#endif
