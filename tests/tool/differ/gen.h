/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * tests/tool/differ/gen.h - what a program that is being made knows of itself
 *
 * Programs are made of sentences (say.h).  So that many are accepted, the maker
 * keeps a rough account of what registers hold; so that others are not, a
 * sentence is now and then wrong by one, and an instruction is changed at the
 * end.  Every object that a pointer can be of has OBJECT_BYTES.
 *
 * Always: r6 the context (CTX), r9 a map's value (VALUE), r7 a number, r8 a
 * number or a ring buffer's record.  r0 to r5 change.  On the stack: eight
 * slots of numbers, a map's value, two iterators, a key, two counters.
 */
#ifndef ROVE_TESTS_TOOL_DIFFER_GEN_H
#define ROVE_TESTS_TOOL_DIFFER_GEN_H

#include "tests/insn.h"
#include "tests/tool/corpus/case.h"

#define OBJECT_BYTES 64
#define SLOT_NUMBERS (-OBJECT_BYTES)	/* eight slots from here up */
#define SLOT_VALUE (-72)
#define SLOT_ITER (-80)			/* and the one below */
#define SLOT_COUNTER (-96)		/* and the one below */
#define SLOT_KEY (-112)
#define SLOT_LOWEST (-120)		/* in case a key is missed by one */

#define MAX_SUBS 2
#define MAX_BREAKS 128
#define MAX_PROGRAM_INSNS 600

enum { MAP_ONE, MAP_ARRAY, MAP_HASH, MAP_RING, NR_MAPS };
#define ARRAY_ENTRIES 4
#define HASH_KEYS 2			/* keys 0 and 1 are there */

enum kind { K_NONE, K_NUM, K_CTX, K_VALUE, K_STACK, K_RECORD };

/* Jumps that leave what is being said, to be given their target at its end. */
struct breaks {
	u32 pc[MAX_BREAKS];
	u32 nr;
};

struct sub {
	bool returns_value;	/* a pointer to the map's value, else a number */
	u32 start;
};

struct gen {
	struct corpus_case *c;
	u64 random;
	u8 regs[10];		/* enum kind */
	u32 locked;		/* registers, by bit, that may not be written */
	u32 depth;		/* of blocks */
	u32 nr_loops;		/* around this place */
	bool in_sub, has_record;
	u32 nr_risks;		/* how often a sentence may still be wrong by one */
	struct breaks *breaks;
	struct sub subs[MAX_SUBS];
	u32 nr_subs;
	struct {
		u32 pc, sub;
	} calls[32];
	u32 nr_calls;
	bool fixed[CASE_MAX_INSNS];	/* not to be changed: it bounds the time of a run */
};

static inline u64 gen_random(struct gen *g)
{
	u64 z = g->random += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

static inline u32 gen_below(struct gen *g, u32 n)
{
	return gen_random(g) % n;
}

static inline bool gen_percent(struct gen *g, u32 percent)
{
	return gen_below(g, 100) < percent;
}

/* -1, 0 or 1; not 0 only as often as the program may be wrong. */
static inline s32 gen_slip(struct gen *g)
{
	if (!g->nr_risks || !gen_percent(g, 30))
		return 0;
	g->nr_risks--;
	return gen_percent(g, 70) ? 1 : -1;
}

/* Numbers at edges happen often. */
static inline s32 gen_imm(struct gen *g)
{
	static const s32 edges[] = { 0, 1, -1, 2, 7, 8, -8, 31, 32, 63, 64, 127, 128, 255, 256,
				     INT32_MAX, INT32_MIN, INT32_MIN + 1, INT32_MAX - 1, 0xffff,
				     0x10000, -2, -64, 0x7fff, -0x8000, 0x55555555 };

	if (gen_percent(g, 50))
		return edges[gen_below(g, ARRAY_SIZE(edges))];
	if (gen_percent(g, 60))
		return (s32)gen_below(g, 80) - 8;
	return gen_random(g);
}

static inline u32 gen_pc(const struct gen *g)
{
	return g->c->nr_insns;
}

static inline u32 gen_emit(struct gen *g, struct bpf_insn insn)
{
	g->c->insns[g->c->nr_insns] = insn;
	return g->c->nr_insns++;
}

static inline u32 gen_emit_fixed(struct gen *g, struct bpf_insn insn)
{
	g->fixed[gen_pc(g)] = true;
	return gen_emit(g, insn);
}

static inline bool gen_is_full(const struct gen *g)
{
	return gen_pc(g) > MAX_PROGRAM_INSNS - 100 || (g->breaks && g->breaks->nr > MAX_BREAKS - 16);
}

/* A jump at @pc lands here. */
static inline void gen_land(struct gen *g, u32 pc)
{
	g->c->insns[pc].off = gen_pc(g) - pc - 1;
}

/* A conditional jump out of what is being said. */
static inline void gen_break(struct gen *g, struct bpf_insn insn)
{
	g->breaks->pc[g->breaks->nr++] = gen_emit(g, insn);
}

static inline void gen_land_breaks(struct gen *g, const struct breaks *breaks)
{
	for (u32 i = 0; i < breaks->nr; i++)
		gen_land(g, breaks->pc[i]);
}

static inline void gen_forget_low(struct gen *g)
{
	for (u32 r = 0; r <= 5; r++)
		g->regs[r] = K_NONE;
}

/* After paths have met. */
static inline void gen_meet(struct gen *g, const u8 *other)
{
	for (u32 r = 0; r < 10; r++) {
		if (g->regs[r] != other[r])
			g->regs[r] = K_NONE;
	}
}

/* A register that may be written. */
static inline u8 gen_free_reg(struct gen *g)
{
	static const u8 candidates[] = { 0, 1, 2, 3, 4, 5, 0, 1, 2, 3, 4, 5, 7, 8 };

	for (;;) {
		u8 r = candidates[gen_below(g, ARRAY_SIZE(candidates))];

		if (!(g->locked & 1u << r) && !(r == 8 && g->has_record))
			return r;
	}
}

/* Not 7 and 8, which must stay numbers, and not @not. */
static inline u8 gen_low_reg(struct gen *g, u8 not_this)
{
	u8 r;

	do
		r = gen_below(g, 6);
	while (r == not_this || g->locked & 1u << r);
	return r;
}

/* Some register with a number. */
static inline u8 gen_num_reg(struct gen *g)
{
	u32 start = gen_below(g, 10);

	for (u32 i = 0; i < 10; i++) {
		u8 r = (start + i) % 10;

		if (g->regs[r] == K_NUM)
			return r;
	}
	return 7;
}

/* One that may be written and holds a number. */
static inline u8 gen_own_num_reg(struct gen *g)
{
	for (u32 i = 0; i < 8; i++) {
		u8 r = gen_num_reg(g);

		if (!(g->locked & 1u << r))
			return r;
	}
	return 7;
}

static inline s16 gen_number_slot(struct gen *g)
{
	return SLOT_NUMBERS + 8 * gen_below(g, 8);
}

static inline u8 gen_size(struct gen *g)
{
	static const u8 sizes[] = { BPF_DW, BPF_DW, BPF_W, BPF_W, BPF_H, BPF_B };

	return sizes[gen_below(g, ARRAY_SIZE(sizes))];
}

static inline u32 gen_size_bytes(u8 size)
{
	return insn_access_bytes(&(struct bpf_insn){ .code = size });
}

/*
 * A register with the address of an object, and where the object begins from
 * there.
 */
static inline u8 gen_base_reg(struct gen *g, s16 *ret_off)
{
	u32 how = gen_below(g, 10);

	*ret_off = 0;
	if (g->has_record && how < 4)
		return 8;
	for (u8 r = 0; how < 6 && r <= 5; r++) {
		if (g->regs[r] == K_VALUE || g->regs[r] == K_STACK)
			return r;
	}
	if (how < 8)
		return 9;
	*ret_off = SLOT_NUMBERS;
	return FP;
}

#endif
