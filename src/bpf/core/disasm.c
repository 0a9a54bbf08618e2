/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/core/disasm.c - instructions as text
 *
 * Spelled as the kernel's verifier log spells them, because people compare.
 * Any 64 bits have a text; those that are no instruction show as BUG_<opcode>.
 */
#include <stdio.h>

#include "bpf/core/disasm.h"

#define HELPER_NAME(name) [BPF_FUNC_##name] = "bpf_" #name

static const char *const helper_names[] = {
	__BPF_FUNC_MAPPER(HELPER_NAME)
};

const char *helper_name(u32 id)
{
	const char *name = id && id < ARRAY_SIZE(helper_names) ? helper_names[id] : NULL;

	return name ? name : "unknown";
}

static const char *const alu_sign[16] = {
	[BPF_ADD >> 4] = "+=", [BPF_SUB >> 4] = "-=", [BPF_MUL >> 4] = "*=", [BPF_DIV >> 4] = "/=",
	[BPF_OR >> 4] = "|=", [BPF_AND >> 4] = "&=", [BPF_LSH >> 4] = "<<=", [BPF_RSH >> 4] = ">>=",
	[BPF_MOD >> 4] = "%=", [BPF_XOR >> 4] = "^=", [BPF_MOV >> 4] = "=", [BPF_ARSH >> 4] = "s>>=",
};

static const char *const signed_div_sign[16] = {
	[BPF_DIV >> 4] = "s/=", [BPF_MOD >> 4] = "s%=",
};

static const char *const jump_sign[16] = {
	[BPF_JEQ >> 4] = "==", [BPF_JGT >> 4] = ">", [BPF_JGE >> 4] = ">=", [BPF_JSET >> 4] = "&",
	[BPF_JNE >> 4] = "!=", [BPF_JSGT >> 4] = "s>", [BPF_JSGE >> 4] = "s>=", [BPF_JLT >> 4] = "<",
	[BPF_JLE >> 4] = "<=", [BPF_JSLT >> 4] = "s<", [BPF_JSLE >> 4] = "s<=",
};

static const char *const atomic_name[16] = {
	[BPF_ADD >> 4] = "add", [BPF_AND >> 4] = "and", [BPF_OR >> 4] = "or", [BPF_XOR >> 4] = "xor",
};

/* Of a size field (B, H, W, DW). */
static const char *size_name(const struct bpf_insn *insn, char prefix)
{
	static const char *const plain[] = { "u32", "u16", "u8", "u64" };
	static const char *const with_sign[] = { "s32", "s16", "s8", "s64" };

	return (prefix == 's' ? with_sign : plain)[BPF_SIZE(insn->code) >> 3];
}

struct text {
	char *buf;
	u32 size;
};

#define PUT(t, ...) snprintf((t)->buf, (t)->size, __VA_ARGS__)

static void put_bug(struct text *t, const struct bpf_insn *insn)
{
	PUT(t, "BUG_%02x", insn->code);
}

static void put_mov(struct text *t, const struct bpf_insn *insn, char r)
{
	if (insn->off)
		PUT(t, "%c%u = (s%d)%c%u", r, insn->dst_reg, insn->off, r, insn->src_reg);
	else
		PUT(t, "%c%u = %c%u", r, insn->dst_reg, r, insn->src_reg);
}

static void put_end(struct text *t, const struct bpf_insn *insn)
{
	const char *what = insn_class(insn) == BPF_ALU64		     ? "bswap" :
			   BPF_SRC(insn->code) == BPF_TO_BE ? "be" : "le";

	PUT(t, "r%u = %s%d r%u", insn->dst_reg, what, insn->imm, insn->dst_reg);
}

static void put_alu(struct text *t, const struct bpf_insn *insn)
{
	char r = insn_class(insn) == BPF_ALU64 ? 'r' : 'w';
	u8 op = insn_op(insn);
	const char *sign = insn->off == 1 && signed_div_sign[op >> 4] ? signed_div_sign[op >> 4] :
								       alu_sign[op >> 4];

	if (op == BPF_END)
		put_end(t, insn);
	else if (op == BPF_NEG)
		PUT(t, "%c%u = -%c%u", r, insn->dst_reg, r, insn->dst_reg);
	else if (!sign)
		put_bug(t, insn);
	else if (op == BPF_MOV && insn_is_reg_form(insn))
		put_mov(t, insn, r);
	else if (insn_is_reg_form(insn))
		PUT(t, "%c%u %s %c%u", r, insn->dst_reg, sign, r, insn->src_reg);
	else
		PUT(t, "%c%u %s %d", r, insn->dst_reg, sign, insn->imm);
}

static void put_load(struct text *t, const struct bpf_insn *insn)
{
	char sign = insn_mode(insn) == BPF_MEMSX ? 's' : 'u';

	if (insn_mode(insn) != BPF_MEM && insn_mode(insn) != BPF_MEMSX)
		put_bug(t, insn);
	else
		PUT(t, "r%u = *(%s *)(r%u %+d)", insn->dst_reg, size_name(insn, sign), insn->src_reg,
		    insn->off);
}

/* Fetching forms: "r1 = atomic64_fetch_add((u64 *)(r10 -8), r1)". */
static void put_fetch(struct text *t, const struct bpf_insn *insn)
{
	const char *wide = BPF_SIZE(insn->code) == BPF_DW ? "64" : "";
	const char *size = size_name(insn, 'u'), *name = atomic_name[(u8)insn->imm >> 4];

	if (insn->imm == BPF_CMPXCHG)
		PUT(t, "r0 = atomic%s_cmpxchg((%s *)(r%u %+d), r0, r%u)", wide, size, insn->dst_reg,
		    insn->off, insn->src_reg);
	else if (insn->imm == BPF_XCHG)
		PUT(t, "r%u = atomic%s_xchg((%s *)(r%u %+d), r%u)", insn->src_reg, wide, size,
		    insn->dst_reg, insn->off, insn->src_reg);
	else if (name && !(insn->imm & ~(0xf0 | BPF_FETCH)))
		PUT(t, "r%u = atomic%s_fetch_%s((%s *)(r%u %+d), r%u)", insn->src_reg, wide, name, size,
		    insn->dst_reg, insn->off, insn->src_reg);
	else
		put_bug(t, insn);
}

static void put_atomic(struct text *t, const struct bpf_insn *insn)
{
	const char *size = size_name(insn, 'u');

	if (insn->imm == INSN_LOAD_ACQ)
		PUT(t, "r%u = load_acquire((%s *)(r%u %+d))", insn->dst_reg, size, insn->src_reg,
		    insn->off);
	else if (insn->imm == INSN_STORE_REL)
		PUT(t, "store_release((%s *)(r%u %+d), r%u)", size, insn->dst_reg, insn->off,
		    insn->src_reg);
	else if (insn->imm & BPF_FETCH)
		put_fetch(t, insn);
	else if (insn->imm >= 0 && insn->imm < 0x100 && !(insn->imm & 0xf) &&
		 atomic_name[insn->imm >> 4])
		PUT(t, "lock *(%s *)(r%u %+d) %s r%u", size, insn->dst_reg, insn->off,
		    alu_sign[insn->imm >> 4], insn->src_reg);
	else
		put_bug(t, insn);
}

static void put_store(struct text *t, const struct bpf_insn *insn)
{
	if (insn_class(insn) == BPF_STX && insn_mode(insn) == BPF_ATOMIC)
		put_atomic(t, insn);
	else if (insn_mode(insn) != BPF_MEM)
		put_bug(t, insn);
	else if (insn_class(insn) == BPF_STX)
		PUT(t, "*(%s *)(r%u %+d) = r%u", size_name(insn, 'u'), insn->dst_reg, insn->off,
		    insn->src_reg);
	else
		PUT(t, "*(%s *)(r%u %+d) = %d", size_name(insn, 'u'), insn->dst_reg, insn->off,
		    insn->imm);
}

static void put_ld(struct text *t, const struct bpf_insn *insn)
{
	if (insn_is_ld_imm64(insn))
		PUT(t, "r%u = 0x%llx", insn->dst_reg,
		    (unsigned long long)(u32)insn[1].imm << 32 | (u32)insn->imm);
	else if (insn_mode(insn) == BPF_ABS)
		PUT(t, "r0 = *(%s *)skb[%d]", size_name(insn, 'u'), insn->imm);
	else if (insn_mode(insn) == BPF_IND)
		PUT(t, "r0 = *(%s *)skb[r%u + %d]", size_name(insn, 'u'), insn->src_reg, insn->imm);
	else
		put_bug(t, insn);
}

static void put_call(struct text *t, const struct bpf_insn *insn, const char *callee)
{
	if (insn_is_subprog_call(insn))
		PUT(t, "call pc%+d", insn->imm);
	else if (insn_is_kfunc_call(insn))
		PUT(t, "call %s#%d", callee ? callee : "", insn->imm);
	else
		PUT(t, "call %s#%d", helper_name(insn->imm), insn->imm);
}

static void put_jump(struct text *t, const struct bpf_insn *insn, const char *callee)
{
	char r = insn_class(insn) == BPF_JMP32 ? 'w' : 'r';
	const char *sign = jump_sign[insn_op(insn) >> 4];

	if (insn->code == (BPF_JMP | BPF_CALL))
		put_call(t, insn, callee);
	else if (insn->code == (BPF_JMP | BPF_EXIT))
		PUT(t, "exit");
	else if (insn->code == (BPF_JMP | BPF_JA))
		PUT(t, "goto pc%+d", insn->off);
	else if (insn->code == (BPF_JMP32 | BPF_JA))
		PUT(t, "gotol pc%+d", insn->imm);
	else if (insn->code == (BPF_JMP | INSN_JCOND))
		PUT(t, "may_goto pc%+d", insn->off);
	else if (!sign)
		put_bug(t, insn);
	else if (insn_is_reg_form(insn))
		PUT(t, "if %c%u %s %c%u goto pc%+d", r, insn->dst_reg, sign, r, insn->src_reg,
		    insn->off);
	else
		PUT(t, "if %c%u %s 0x%x goto pc%+d", r, insn->dst_reg, sign, (u32)insn->imm, insn->off);
}

/* See disasm.h. */
void insn_disasm(const struct bpf_insn *insn, const char *callee, char *buf, u32 size)
{
	struct text t = { .buf = buf, .size = size };

	switch (insn_class(insn)) {
	case BPF_ALU:
	case BPF_ALU64:
		put_alu(&t, insn);
		break;
	case BPF_LDX:
		put_load(&t, insn);
		break;
	case BPF_ST:
	case BPF_STX:
		put_store(&t, insn);
		break;
	case BPF_JMP:
	case BPF_JMP32:
		put_jump(&t, insn, callee);
		break;
	default:
		put_ld(&t, insn);
		break;
	}
}
