/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/interp/run.c - the meaning of every operation
 *
 * Loads and stores that are aligned are single relaxed accesses, because other
 * threads may run the same program over the same map; in a program's own stack
 * it costs nothing.
 *
 * Invariant: the code is verified: registers hold what they are used as, jumps
 *            land on operations, and the program ends.
 */
#include <errno.h>
#include <string.h>

#include "base/atomic.h"
#include "base/checked_copy.h"
#include "base/context.h"
#include "bpf/interp/interp.h"
#include "bpf/interp/ops.h"

/* Where a call inside the program returns to. */
struct frame {
	const struct interp_op *ret;
	u64 saved[4];		/* r6 to r9 */
};

#define LOAD_FN(bits)                                                                \
	static inline u##bits load##bits(u64 addr)                                   \
	{                                                                            \
		u##bits value;                                                       \
                                                                                     \
		if (likely(!(addr & (sizeof(value) - 1))))                           \
			return READ_ONCE(*(u##bits *)addr);                          \
		memcpy(&value, (void *)addr, sizeof(value));                         \
		return value;                                                        \
	}

#define STORE_FN(bits)                                                               \
	static inline void store##bits(u64 addr, u##bits value)                      \
	{                                                                            \
		if (likely(!(addr & (sizeof(value) - 1))))                           \
			WRITE_ONCE(*(u##bits *)addr, value);                         \
		else                                                                 \
			memcpy((void *)addr, &value, sizeof(value));                 \
	}

LOAD_FN(8)
LOAD_FN(16)
LOAD_FN(32)
LOAD_FN(64)
STORE_FN(8)
STORE_FN(16)
STORE_FN(32)
STORE_FN(64)

static inline u64 load_checked(u64 addr, u32 bytes)
{
	u64 value;

	return checked_load(addr, bytes, &value) ? 0 : value;
}

/* The division rules: by zero gives zero; the smallest by -1 wraps. */
static inline u64 div64(u64 a, u64 b)
{
	return b ? a / b : 0;
}

static inline u64 mod64(u64 a, u64 b)
{
	return b ? a % b : a;
}

static inline u64 sdiv64(u64 a, u64 b)
{
	if (!b)
		return 0;
	return b == -1ull ? -a : (u64)((s64)a / (s64)b);
}

static inline u64 smod64(u64 a, u64 b)
{
	if (!b)
		return a;
	return b == -1ull ? 0 : (u64)((s64)a % (s64)b);
}

static inline u32 sdiv32(u32 a, u32 b)
{
	if (!b)
		return 0;
	return b == -1u ? -a : (u32)((s32)a / (s32)b);
}

static inline u32 smod32(u32 a, u32 b)
{
	if (!b)
		return a;
	return b == -1u ? 0 : (u32)((s32)a % (s32)b);
}

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define TO_LE(bits, x) ((u##bits)(x))
#define TO_BE(bits, x) __builtin_bswap##bits(x)
#else
#define TO_LE(bits, x) __builtin_bswap##bits(x)
#define TO_BE(bits, x) ((u##bits)(x))
#endif

#define DST r[op->dst]
#define SRC r[op->src]

/* One operation of each form; a and b are its operands, of the form's width. */
#define ALU(name, expr64, expr32)                                                    \
	L_##name##64_X: { u64 a = DST, b = SRC; DST = (expr64); NEXT; }              \
	L_##name##64_K: { u64 a = DST, b = op->imm; DST = (expr64); NEXT; }          \
	L_##name##32_X: { u32 a = DST, b = SRC; DST = (u32)(expr32); NEXT; }         \
	L_##name##32_K: { u32 a = DST, b = op->imm; DST = (u32)(expr32); NEXT; }

#define JMP(name, expr, type64, type32)                                              \
	L_##name##64_X: { type64 a = DST, b = SRC; JUMP_IF(expr); }                  \
	L_##name##64_K: { type64 a = DST, b = op->imm; JUMP_IF(expr); }              \
	L_##name##32_X: { type32 a = DST, b = SRC; JUMP_IF(expr); }                  \
	L_##name##32_K: { type32 a = DST, b = op->imm; JUMP_IF(expr); }

#define MEM(suffix, bits)                                                            \
	L_LDX_##suffix: DST = load##bits(SRC + op->off); NEXT;                       \
	L_CHK_##suffix: DST = load_checked(SRC + op->off, bits / 8); NEXT;           \
	L_ST_##suffix: store##bits(DST + op->off, op->imm); NEXT;                    \
	L_STX_##suffix: store##bits(DST + op->off, SRC); NEXT;                       \
	/* ORDER: the program's own, whoever reads or writes its map pairs. */       \
	L_LOAD_ACQ_##suffix: DST = load_acquire((u##bits *)(SRC + op->off)); NEXT;   \
	L_STORE_REL_##suffix:                                                        \
		store_release((u##bits *)(DST + op->off), (u##bits)SRC); NEXT;

#define MEMSX(suffix, bits)                                                          \
	L_LDSX_##suffix: DST = (s64)(s##bits)load##bits(SRC + op->off); NEXT;        \
	L_CHKSX_##suffix: DST = (s64)(s##bits)load_checked(SRC + op->off, bits / 8); NEXT;

/* Without a result an atomic is relaxed, with one it is fully ordered. */
#define ATOMIC_RMW(name, fn, bits)                                                   \
	L_ATOMIC_##name##bits: {                                                     \
		u##bits *p = (u##bits *)(DST + op->off);                             \
		__atomic_fetch_##fn(p, (u##bits)SRC, __ATOMIC_RELAXED);              \
		NEXT;                                                                \
	}                                                                            \
	L_FETCH_##name##bits: {                                                      \
		u##bits *p = (u##bits *)(DST + op->off);                             \
		SRC = __atomic_fetch_##fn(p, (u##bits)SRC, __ATOMIC_SEQ_CST);        \
		NEXT;                                                                \
	}

#define ATOMIC(bits)                                                                 \
	ATOMIC_RMW(ADD, add, bits) ATOMIC_RMW(OR, or, bits)                          \
	ATOMIC_RMW(AND, and, bits) ATOMIC_RMW(XOR, xor, bits)                        \
	L_XCHG##bits: SRC = xchg_seq_cst((u##bits *)(DST + op->off), (u##bits)SRC); NEXT; \
	L_CMPXCHG##bits: {                                                           \
		u##bits old = r[0];                                                  \
		cmpxchg_seq_cst((u##bits *)(DST + op->off), &old, (u##bits)SRC);     \
		r[0] = old;                                                          \
		NEXT;                                                                \
	}

#define CALL(bytes, type)                                                            \
	L_CALL_##bytes: r[0] = (type)op->fn(r[1], r[2], r[3], r[4], r[5]); NEXT;

#define NEXT do { op++; goto *labels[op->op]; } while (0)
#define JUMP_IF(cond) do { op += (cond) ? op->off + 1 : 1; goto *labels[op->op]; } while (0)

/**
 * interp_run - run a program, or a function of it
 * @entry:  its first instruction
 * @args:   its r1 to r5
 * @ret_r0: what it returned
 *
 * One function, because the labels are local to it; each is a line or two.
 *
 * Context: that of the program.
 * Return:  0; -EFAULT: it reached an operation that was said to be dead; -ELOOP: more
 *          than INTERP_MAX_FRAMES calls deep.  A verified program does neither.
 */
int interp_run(const struct interp_code *code, u32 entry, const u64 args[INTERP_MAX_ARGS],
	       u64 *ret_r0)
{
	static const void *const labels[OPS_NR] = {
#define OP_LABEL(name) [OP_##name] = &&L_##name,
		OPS_ALL(OP_LABEL)
#undef OP_LABEL
	};
	u8 stack[INTERP_MAX_FRAMES][INSN_STACK_BYTES] __attribute__((aligned(16)));
	struct frame frames[INTERP_MAX_FRAMES];
	const struct interp_op *op = &code->ops[entry];
	u64 r[16] = { [10] = (uintptr_t)stack[1] };
	u32 depth = 0;

	memcpy(&r[1], args, INTERP_MAX_ARGS * sizeof(r[1]));
	goto *labels[op->op];

	ALU(ADD, a + b, a + b)
	ALU(SUB, a - b, a - b)
	ALU(MUL, a * b, a * b)
	ALU(OR, a | b, a | b)
	ALU(AND, a & b, a & b)
	ALU(XOR, a ^ b, a ^ b)
	ALU(LSH, a << (b & 63), a << (b & 31))
	ALU(RSH, a >> (b & 63), a >> (b & 31))
	ALU(ARSH, (u64)((s64)a >> (b & 63)), (u32)((s32)a >> (b & 31)))
	ALU(MOV, ((void)a, b), ((void)a, b))
	ALU(DIV, div64(a, b), b ? a / b : 0)
	ALU(MOD, mod64(a, b), b ? a % b : a)
	ALU(SDIV, sdiv64(a, b), sdiv32(a, b))
	ALU(SMOD, smod64(a, b), smod32(a, b))

L_NEG64: DST = -DST; NEXT;
L_NEG32: DST = (u32)-(u32)DST; NEXT;
L_MOVSX64_8: DST = (s64)(s8)SRC; NEXT;
L_MOVSX64_16: DST = (s64)(s16)SRC; NEXT;
L_MOVSX64_32: DST = (s64)(s32)SRC; NEXT;
L_MOVSX32_8: DST = (u32)(s32)(s8)SRC; NEXT;
L_MOVSX32_16: DST = (u32)(s32)(s16)SRC; NEXT;
L_LE16: DST = TO_LE(16, DST); NEXT;
L_LE32: DST = TO_LE(32, DST); NEXT;
L_LE64: DST = TO_LE(64, DST); NEXT;
L_BE16: DST = TO_BE(16, DST); NEXT;
L_BE32: DST = TO_BE(32, DST); NEXT;
L_BE64: DST = TO_BE(64, DST); NEXT;
L_BSWAP16: DST = __builtin_bswap16(DST); NEXT;
L_BSWAP32: DST = __builtin_bswap32(DST); NEXT;
L_BSWAP64: DST = __builtin_bswap64(DST); NEXT;

L_JA: op += op->off + 1; goto *labels[op->op];
	JMP(JEQ, a == b, u64, u32)
	JMP(JNE, a != b, u64, u32)
	JMP(JGT, a > b, u64, u32)
	JMP(JGE, a >= b, u64, u32)
	JMP(JLT, a < b, u64, u32)
	JMP(JLE, a <= b, u64, u32)
	JMP(JSET, a & b, u64, u32)
	JMP(JSGT, a > b, s64, s32)
	JMP(JSGE, a >= b, s64, s32)
	JMP(JSLT, a < b, s64, s32)
	JMP(JSLE, a <= b, s64, s32)

L_LD_IMM64: DST = op->imm; op += 2; goto *labels[op->op];
	MEM(B, 8)
	MEM(H, 16)
	MEM(W, 32)
	MEM(DW, 64)
	MEMSX(B, 8)
	MEMSX(H, 16)
	MEMSX(W, 32)
	ATOMIC(32)
	ATOMIC(64)
	CALL(8, u64)
	CALL(4, u32)
	CALL(2, u16)
	CALL(1, u8)

L_CALL_SUBPROG:
	if (unlikely(depth == INTERP_MAX_FRAMES - 1))
		return -ELOOP;
	frames[depth].ret = op + 1;
	memcpy(frames[depth].saved, &r[6], sizeof(frames[depth].saved));
	depth++;
	r[10] += INSN_STACK_BYTES;
	op += op->off + 1;
	goto *labels[op->op];

L_EXIT:
	if (!depth) {
		*ret_r0 = r[0];
		return 0;
	}
	depth--;
	memcpy(&r[6], frames[depth].saved, sizeof(frames[depth].saved));
	r[10] -= INSN_STACK_BYTES;
	op = frames[depth].ret;
	goto *labels[op->op];

L_DEAD:
	check(!"reached a dead instruction");
	return -EFAULT;
}
