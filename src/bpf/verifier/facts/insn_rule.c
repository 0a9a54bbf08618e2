/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/verifier/facts/insn_rule.c - the opcode table
 *
 * One row for each of the 256 opcodes: which operands it has, which registers
 * it reads and writes.  What has no row is not an instruction; a field that the
 * row does not name must be zero.
 *
 * Not here: whether a value may be used so (exec/), what calls refer to
 *           (resolve.c).
 */
#include <errno.h>

#include "bpf/verifier/facts/facts.h"

#define CALLER_SAVED 0x3fu	/* r0 to r5 */
#define CALL_ARGS 0x3eu		/* r1 to r5 */

enum {
	OP_DST = 1 << 0,	/* reads the destination register */
	OP_SRC = 1 << 1,	/* reads the source register */
	OP_SET = 1 << 2,	/* writes the destination register */
	OP_OFF = 1 << 3,	/* uses off, any value */
	OP_IMM = 1 << 4,	/* uses imm, any value */
};

struct insn_rule {
	const char *group;	/* "BPF_ALU": heads the complaint about reserved fields */
	u8 uses;
	int (*check)(struct vrf *v, const struct bpf_insn *insn);
};

/* --- what a row cannot say -------------------------------------------------------------------- */

static int reserved(struct vrf *v, const char *group)
{
	return vlog_reject(v, -EINVAL, WHY_INSN, "%s uses reserved fields", group);
}

static int check_shift(struct vrf *v, const struct bpf_insn *insn)
{
	s32 bits = insn_class(insn) == BPF_ALU64 ? 64 : 32;

	if (insn->imm < 0 || insn->imm >= bits)
		return vlog_reject(v, -EINVAL, WHY_INSN, "invalid shift %d", insn->imm);
	return 0;
}

/* off 1 is the signed form. */
static int check_div_reg(struct vrf *v, const struct bpf_insn *insn)
{
	return insn->off > 1 || insn->off < 0 ? reserved(v, "BPF_ALU") : 0;
}

static int check_div(struct vrf *v, const struct bpf_insn *insn)
{
	if (check_div_reg(v, insn))
		return -EINVAL;
	if (!insn->imm)
		return vlog_reject(v, -EINVAL, WHY_INSN, "div by zero");
	return 0;
}

/* off is the width of a sign-extending move. */
static int check_mov_reg(struct vrf *v, const struct bpf_insn *insn)
{
	bool wide = insn_class(insn) == BPF_ALU64;

	switch (insn->off) {
	case 0:
	case 8:
	case 16:
		return 0;
	case 32:
		return wide ? 0 : reserved(v, "BPF_MOV");
	case 1:
		if (wide && insn->imm)
			return vlog_reject(v, -EINVAL, WHY_UNSUPPORTED,
					   "addr_space_cast insn can only be used in a program that "
					   "has an associated arena");
		return reserved(v, "BPF_MOV");
	default:
		return reserved(v, "BPF_MOV");
	}
}

static int check_end(struct vrf *v, const struct bpf_insn *insn)
{
	if (insn->imm != 16 && insn->imm != 32 && insn->imm != 64)
		return reserved(v, "BPF_END");
	return 0;
}

static int check_ld_imm64(struct vrf *v, const struct bpf_insn *insn)
{
	const struct bpf_insn *second = insn + 1;

	if (v->pc + 1 >= v->req->nr_insns || second->code || second->dst_reg || second->src_reg ||
	    second->off)
		return vlog_reject(v, -EINVAL, WHY_INSN, "invalid bpf_ld_imm64 insn");
	if (insn->src_reg > BPF_PSEUDO_MAP_IDX_VALUE)
		return vlog_reject(v, -EINVAL, WHY_INSN, "unrecognized bpf_ld_imm64 insn");
	return 0;
}

static int check_atomic(struct vrf *v, const struct bpf_insn *insn)
{
	u32 bytes = insn_access_bytes(insn);

	switch (insn->imm) {
	case BPF_ADD:
	case BPF_AND:
	case BPF_OR:
	case BPF_XOR:
	case BPF_ADD | BPF_FETCH:
	case BPF_AND | BPF_FETCH:
	case BPF_OR | BPF_FETCH:
	case BPF_XOR | BPF_FETCH:
	case BPF_XCHG:
	case BPF_CMPXCHG:
		if (bytes < 4)
			return vlog_reject(v, -EINVAL, WHY_INSN, "invalid atomic operand size");
		return 0;
	case INSN_LOAD_ACQ:
	case INSN_STORE_REL:
		return vlog_reject(v, -EINVAL, WHY_UNSUPPORTED,
				   "BPF_ATOMIC uses invalid atomic opcode %02x", insn->imm);
	default:
		return vlog_reject(v, -EINVAL, WHY_INSN, "BPF_ATOMIC uses invalid atomic opcode %02x",
				   insn->imm);
	}
}

static int check_call(struct vrf *v, const struct bpf_insn *insn)
{
	if (insn->src_reg > BPF_PSEUDO_KFUNC_CALL)
		return reserved(v, "BPF_CALL");
	/* A kfunc's off would name another BTF through fd_array. */
	if (insn->off && insn->src_reg == BPF_PSEUDO_KFUNC_CALL)
		return vlog_reject(v, -EINVAL, WHY_UNSUPPORTED,
				   "kernel function of another BTF (offset %d) is not supported",
				   insn->off);
	return insn->off ? reserved(v, "BPF_CALL") : 0;
}

static int no_packets(struct vrf *v, const struct bpf_insn *insn)
{
	return vlog_reject(v, -EINVAL, WHY_UNSUPPORTED,
			   "BPF_LD_[ABS|IND] instructions not allowed for this program type");
}

static int no_may_goto(struct vrf *v, const struct bpf_insn *insn)
{
	return vlog_reject(v, -EINVAL, WHY_UNSUPPORTED, "unknown opcode %02x (may_goto)", insn->code);
}

/* --- the table -------------------------------------------------------------------------------- */

#define BINARY_K (OP_DST | OP_SET | OP_IMM)
#define BINARY_X (OP_DST | OP_SET | OP_SRC)

#define ALU_ROW(op)                                                                  \
	[BPF_ALU | (op) | BPF_K] = { "BPF_ALU", BINARY_K },                          \
	[BPF_ALU | (op) | BPF_X] = { "BPF_ALU", BINARY_X },                          \
	[BPF_ALU64 | (op) | BPF_K] = { "BPF_ALU", BINARY_K },                        \
	[BPF_ALU64 | (op) | BPF_X] = { "BPF_ALU", BINARY_X }
#define SHIFT_ROW(op)                                                                \
	[BPF_ALU | (op) | BPF_K] = { "BPF_ALU", BINARY_K, check_shift },             \
	[BPF_ALU | (op) | BPF_X] = { "BPF_ALU", BINARY_X },                          \
	[BPF_ALU64 | (op) | BPF_K] = { "BPF_ALU", BINARY_K, check_shift },           \
	[BPF_ALU64 | (op) | BPF_X] = { "BPF_ALU", BINARY_X }
#define DIV_ROW(op)                                                                  \
	[BPF_ALU | (op) | BPF_K] = { "BPF_ALU", BINARY_K | OP_OFF, check_div },      \
	[BPF_ALU | (op) | BPF_X] = { "BPF_ALU", BINARY_X | OP_OFF, check_div_reg },  \
	[BPF_ALU64 | (op) | BPF_K] = { "BPF_ALU", BINARY_K | OP_OFF, check_div },    \
	[BPF_ALU64 | (op) | BPF_X] = { "BPF_ALU", BINARY_X | OP_OFF, check_div_reg }

#define JMP_USES_K (OP_DST | OP_OFF | OP_IMM)
#define JMP_USES_X (OP_DST | OP_SRC | OP_OFF)
#define JMP_ROW(op)                                                                  \
	[BPF_JMP | (op) | BPF_K] = { "BPF_JMP/BPF_JMP32", JMP_USES_K },              \
	[BPF_JMP | (op) | BPF_X] = { "BPF_JMP/BPF_JMP32", JMP_USES_X },              \
	[BPF_JMP32 | (op) | BPF_K] = { "BPF_JMP/BPF_JMP32", JMP_USES_K },            \
	[BPF_JMP32 | (op) | BPF_X] = { "BPF_JMP/BPF_JMP32", JMP_USES_X }

#define LDX_USES (OP_SRC | OP_SET | OP_OFF)
#define ST_USES (OP_DST | OP_OFF | OP_IMM)
#define STX_USES (OP_DST | OP_SRC | OP_OFF)
#define MEM_ROW(size)                                                                \
	[BPF_LDX | BPF_MEM | (size)] = { "BPF_LDX", LDX_USES },                      \
	[BPF_ST | BPF_MEM | (size)] = { "BPF_ST", ST_USES },                         \
	[BPF_STX | BPF_MEM | (size)] = { "BPF_STX", STX_USES },                      \
	[BPF_STX | BPF_ATOMIC | (size)] = { "BPF_ATOMIC", STX_USES | OP_IMM, check_atomic }
#define PACKET_ROW(size)                                                             \
	[BPF_LD | BPF_ABS | (size)] = { "BPF_LD", OP_IMM, no_packets },              \
	[BPF_LD | BPF_IND | (size)] = { "BPF_LD", OP_SRC | OP_IMM, no_packets }

static const struct insn_rule insn_rule[256] = {
	ALU_ROW(BPF_ADD), ALU_ROW(BPF_SUB), ALU_ROW(BPF_MUL), ALU_ROW(BPF_OR), ALU_ROW(BPF_AND),
	ALU_ROW(BPF_XOR), SHIFT_ROW(BPF_LSH), SHIFT_ROW(BPF_RSH), SHIFT_ROW(BPF_ARSH),
	DIV_ROW(BPF_DIV), DIV_ROW(BPF_MOD),

	[BPF_ALU | BPF_NEG] = { "BPF_NEG", OP_DST | OP_SET },
	[BPF_ALU64 | BPF_NEG] = { "BPF_NEG", OP_DST | OP_SET },
	[BPF_ALU | BPF_MOV | BPF_K] = { "BPF_MOV", OP_SET | OP_IMM },
	[BPF_ALU64 | BPF_MOV | BPF_K] = { "BPF_MOV", OP_SET | OP_IMM },
	[BPF_ALU | BPF_MOV | BPF_X] = { "BPF_MOV", OP_SET | OP_SRC | OP_OFF, check_mov_reg },
	[BPF_ALU64 | BPF_MOV | BPF_X] = { "BPF_MOV", OP_SET | OP_SRC | OP_OFF, check_mov_reg },
	[BPF_ALU | BPF_END | BPF_TO_LE] = { "BPF_END", BINARY_K, check_end },
	[BPF_ALU | BPF_END | BPF_TO_BE] = { "BPF_END", BINARY_K, check_end },
	[BPF_ALU64 | BPF_END | BPF_TO_LE] = { "BPF_END", BINARY_K, check_end },

	JMP_ROW(BPF_JEQ), JMP_ROW(BPF_JNE), JMP_ROW(BPF_JGT), JMP_ROW(BPF_JGE), JMP_ROW(BPF_JLT),
	JMP_ROW(BPF_JLE), JMP_ROW(BPF_JSGT), JMP_ROW(BPF_JSGE), JMP_ROW(BPF_JSLT),
	JMP_ROW(BPF_JSLE), JMP_ROW(BPF_JSET),

	[BPF_JMP | BPF_JA] = { "BPF_JA", OP_OFF },
	[BPF_JMP32 | BPF_JA] = { "BPF_JA", OP_IMM },
	[BPF_JMP | INSN_JCOND] = { "BPF_JCOND", JMP_USES_K, no_may_goto },
	[BPF_JMP | BPF_EXIT] = { "BPF_EXIT", 0 },
	/* What its src_reg and off may be, check_call says. */
	[BPF_JMP | BPF_CALL] = { "BPF_CALL", OP_SRC | OP_OFF | OP_IMM, check_call },

	MEM_ROW(BPF_B), MEM_ROW(BPF_H), MEM_ROW(BPF_W), MEM_ROW(BPF_DW),
	[BPF_LDX | BPF_MEMSX | BPF_B] = { "BPF_LDX", LDX_USES },
	[BPF_LDX | BPF_MEMSX | BPF_H] = { "BPF_LDX", LDX_USES },
	[BPF_LDX | BPF_MEMSX | BPF_W] = { "BPF_LDX", LDX_USES },
	PACKET_ROW(BPF_B), PACKET_ROW(BPF_H), PACKET_ROW(BPF_W),

	/* src_reg says what the number means. */
	[BPF_LD | BPF_IMM | BPF_DW] = { "BPF_LD_IMM64", OP_SET | OP_SRC | OP_IMM, check_ld_imm64 },
};

/* --- the pass --------------------------------------------------------------------------------- */

/* Is the src_reg field a register here, and not a tag? */
static bool src_is_reg(const struct bpf_insn *insn)
{
	return !insn_is_ld_imm64(insn) && insn->code != (BPF_JMP | BPF_CALL);
}

static int check_registers(struct vrf *v, const struct bpf_insn *insn, u8 uses)
{
	if (insn->dst_reg >= INSN_MAX_REGS)
		return vlog_reject(v, -EINVAL, WHY_INSN, "R%d is invalid", insn->dst_reg);
	if (src_is_reg(insn) && insn->src_reg >= INSN_MAX_REGS)
		return vlog_reject(v, -EINVAL, WHY_INSN, "R%d is invalid", insn->src_reg);
	/* A fetching atomic writes its source register. */
	if ((uses & OP_SET && insn->dst_reg == BPF_REG_10) ||
	    (insn_writes(insn) & (1u << BPF_REG_10)))
		return vlog_reject(v, -EACCES, WHY_INSN, "frame pointer is read only");
	return 0;
}

static int check_reserved(struct vrf *v, const struct bpf_insn *insn, const struct insn_rule *rule)
{
	if ((!(rule->uses & (OP_DST | OP_SET)) && insn->dst_reg) ||
	    (!(rule->uses & OP_SRC) && insn->src_reg) || (!(rule->uses & OP_OFF) && insn->off) ||
	    (!(rule->uses & OP_IMM) && insn->imm))
		return reserved(v, rule->group);
	return 0;
}

static int check_one(struct vrf *v, const struct bpf_insn *insn)
{
	const struct insn_rule *rule = &insn_rule[insn->code];
	int err;

	if (!rule->group)
		return vlog_reject(v, -EINVAL, WHY_INSN, "unknown opcode %02x", insn->code);
	/* The address space cast puts something into imm, and deserves a better answer. */
	err = rule->check == check_mov_reg ? check_mov_reg(v, insn) : 0;
	err = err ?: check_reserved(v, insn, rule);
	err = err ?: check_registers(v, insn, rule->uses);
	return err ?: rule->check ? rule->check(v, insn) : 0;
}

/**
 * facts_check_insns - every opcode and operand is legal
 *
 * Context: thread.
 * Return:  0, -EINVAL, or -EACCES (a write to the frame pointer).
 */
int facts_check_insns(struct vrf *v)
{
	const struct vrf_request *req = v->req;
	int err;

	for (v->pc = 0; v->pc < req->nr_insns; v->pc++) {
		err = check_one(v, &req->insns[v->pc]);
		if (err)
			return err;
		if (insn_is_ld_imm64(&req->insns[v->pc]))
			v->pc++;
	}
	v->pc = 0;
	return 0;
}

/* --- registers -------------------------------------------------------------------------------- */

static bool is_atomic(const struct bpf_insn *insn)
{
	return insn_class(insn) == BPF_STX && insn_mode(insn) == BPF_ATOMIC;
}

/**
 * insn_reads - registers whose value the instruction uses, a bit each
 *
 * Calls: all that may be arguments; exit: the result.
 *
 * Context: any.
 */
u32 insn_reads(const struct bpf_insn *insn)
{
	u8 uses = insn_rule[insn->code].uses;
	u32 regs = 0;

	if (insn->code == (BPF_JMP | BPF_CALL))
		return CALL_ARGS;
	if (insn->code == (BPF_JMP | BPF_EXIT))
		return 1u << BPF_REG_0;
	if (uses & OP_DST)
		regs |= 1u << insn->dst_reg;
	if (uses & OP_SRC && src_is_reg(insn))
		regs |= 1u << insn->src_reg;
	if (is_atomic(insn) && insn->imm == BPF_CMPXCHG)
		regs |= 1u << BPF_REG_0;
	return regs;
}

/**
 * insn_writes - registers that have another value afterwards, a bit each
 *
 * Context: any.
 */
u32 insn_writes(const struct bpf_insn *insn)
{
	if (insn->code == (BPF_JMP | BPF_CALL))
		return CALLER_SAVED;
	if (is_atomic(insn) && insn->imm == BPF_CMPXCHG)
		return 1u << BPF_REG_0;
	if (is_atomic(insn) && insn->imm & BPF_FETCH)
		return 1u << insn->src_reg;
	return insn_rule[insn->code].uses & OP_SET ? 1u << insn->dst_reg : 0;
}
