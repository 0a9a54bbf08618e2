/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * tests/fuzz/program.h - any bytes become a program that is often accepted
 *
 * Random instructions are nearly always rejected at once.  So the bytes choose
 * among small sentences that make sense on their own: compute, spill, fill,
 * jump forward, mask a number and index a map with it.  Now and then one is
 * left unsafe on purpose.
 *
 * All r0 to r8 hold numbers after the beginning, r9 the address of map 0's
 * value of PROGRAM_VALUE_BYTES, and the eight upper stack slots are written.  They
 * are the context of loops with a callback, whose bodies follow behind the program.
 */
#ifndef ROVE_TESTS_FUZZ_PROGRAM_H
#define ROVE_TESTS_FUZZ_PROGRAM_H

#include "tests/tool/corpus/case.h"

#define PROGRAM_VALUE_BYTES 64
#define PROGRAM_SLOTS 8
#define PROGRAM_MAX_JUMPS 12
#define PROGRAM_MAX_LOOPS 2
#define PROGRAM_BODY_JUMPS 3

struct program_bytes {
	const u8 *at;
	size_t left;
};

struct program {
	struct corpus_case *c;
	struct program_bytes in;
	struct {
		u32 pc;
		u32 after;	/* sentences still to come before it lands */
	} open[PROGRAM_MAX_JUMPS];
	u32 nr_open, nr_jumps;
	u32 nr_loops;
};

static inline u8 program_byte(struct program *p)
{
	if (!p->in.left)
		return 0;
	p->in.left--;
	return *p->in.at++;
}

static inline u32 program_word(struct program *p)
{
	u32 word = 0;

	for (u32 i = 0; i < 4; i++)
		word = word << 8 | program_byte(p);
	return word;
}

static inline void program_emit(struct program *p, u8 code, u8 dst, u8 src, s16 off, s32 imm)
{
	p->c->insns[p->c->nr_insns++] = (struct bpf_insn){
		.code = code, .dst_reg = dst, .src_reg = src, .off = off, .imm = imm,
	};
}

/* A number register: r0 to r8. */
static inline u8 program_reg(struct program *p)
{
	return program_byte(p) % 9;
}

/* Small numbers and those at the edges happen often. */
static inline s32 program_imm(struct program *p)
{
	static const s32 edges[] = { 0, 1, -1, 2, 7, 8, 63, 64, 255, INT32_MAX, INT32_MIN, -8 };
	u8 how = program_byte(p);

	if (how < 100)
		return edges[how % ARRAY_SIZE(edges)];
	if (how < 200)
		return (s8)program_byte(p);
	return program_word(p);
}

static inline s16 program_slot(struct program *p)
{
	return -8 * (1 + program_byte(p) % PROGRAM_SLOTS);
}

static inline void say_alu(struct program *p)
{
	static const u8 ops[] = { BPF_ADD, BPF_SUB, BPF_MUL, BPF_DIV, BPF_OR,  BPF_AND, BPF_LSH,
				  BPF_RSH, BPF_MOD, BPF_XOR, BPF_MOV, BPF_ARSH, BPF_NEG };
	u8 op = ops[program_byte(p) % ARRAY_SIZE(ops)];
	u8 how = program_byte(p);
	u8 class = how & 1 ? BPF_ALU64 : BPF_ALU;
	u8 dst = program_reg(p);
	s32 imm;

	if (op == BPF_NEG) {
		program_emit(p, class | op, dst, 0, 0, 0);
		return;
	}
	if (how & 2) {
		program_emit(p, class | op | BPF_X, dst, program_reg(p),
			     (op == BPF_DIV || op == BPF_MOD) && how & 4 ? 1 : 0, 0);
		return;
	}
	imm = program_imm(p);
	if (op == BPF_LSH || op == BPF_RSH || op == BPF_ARSH)
		imm &= class == BPF_ALU64 ? 63 : 31;
	if ((op == BPF_DIV || op == BPF_MOD) && !imm)
		imm = 3;
	program_emit(p, class | op, dst, 0, (op == BPF_DIV || op == BPF_MOD) && how & 4 ? 1 : 0,
		     imm);
}

static inline void say_sign_extend(struct program *p)
{
	static const s16 widths[] = { 8, 16, 32 };
	u8 how = program_byte(p);
	u8 dst = program_reg(p);

	if (how & 1)
		program_emit(p, BPF_ALU64 | BPF_MOV | BPF_X, dst, program_reg(p), widths[how % 3], 0);
	else
		program_emit(p, BPF_ALU | BPF_END | (how & 2 ? BPF_TO_BE : BPF_TO_LE), dst, 0, 0,
			     16 << how % 3);
}

static inline void say_spill(struct program *p)
{
	static const u8 sizes[] = { BPF_DW, BPF_DW, BPF_W, BPF_H, BPF_B };
	u8 size = sizes[program_byte(p) % ARRAY_SIZE(sizes)];
	s16 off = program_slot(p);

	if (program_byte(p) & 1)
		program_emit(p, BPF_STX | BPF_MEM | size, 10, program_reg(p), off, 0);
	else
		program_emit(p, BPF_ST | BPF_MEM | size, 10, 0, off, program_imm(p));
}

static inline void say_fill(struct program *p)
{
	static const u8 sizes[] = { BPF_DW, BPF_DW, BPF_W, BPF_H, BPF_B };
	u8 how = program_byte(p);
	u8 size = sizes[how % ARRAY_SIZE(sizes)];
	s16 off = program_slot(p);

	if (size == BPF_B)
		off += program_byte(p) % 8;
	program_emit(p, BPF_LDX | (how & 64 && size != BPF_DW ? BPF_MEMSX : BPF_MEM) | size,
		     program_reg(p), 10, off, 0);
}

static inline void say_jump(struct program *p)
{
	static const u8 ops[] = { BPF_JEQ, BPF_JNE, BPF_JGT, BPF_JGE, BPF_JLT, BPF_JLE,
				  BPF_JSGT, BPF_JSGE, BPF_JSLT, BPF_JSLE, BPF_JSET };
	u8 op = ops[program_byte(p) % ARRAY_SIZE(ops)];
	u8 how = program_byte(p);
	u8 class = how & 1 ? BPF_JMP : BPF_JMP32;

	if (p->nr_open == PROGRAM_MAX_JUMPS || p->nr_jumps == PROGRAM_MAX_JUMPS)
		return;
	p->open[p->nr_open].pc = p->c->nr_insns;
	p->open[p->nr_open++].after = 1 + (how >> 2) % 6;
	p->nr_jumps++;
	if (how & 2)
		program_emit(p, class | op | BPF_X, program_reg(p), program_reg(p), 0, 0);
	else
		program_emit(p, class | op, program_reg(p), 0, 0, program_imm(p));
}

/* r5 = r9 + a number that is masked, compared or (seldom) neither; then load or store. */
static inline void say_index(struct program *p)
{
	u8 index = program_reg(p), how = program_byte(p), value = program_reg(p);
	u32 checked = how % 8;

	if (index == 5)
		index = 6;
	if (value == 5)
		value = 7;
	if (checked < 4)
		program_emit(p, BPF_ALU64 | BPF_AND, index, 0, 0, PROGRAM_VALUE_BYTES - 8);
	else if (checked < 6)
		program_emit(p, BPF_JMP | BPF_JGT, index, 0, 5, PROGRAM_VALUE_BYTES - 8);
	program_emit(p, BPF_ALU64 | BPF_MOV | BPF_X, 5, 9, 0, 0);
	program_emit(p, BPF_ALU64 | BPF_ADD | BPF_X, 5, index, 0, 0);
	if (how & 64)
		program_emit(p, BPF_LDX | BPF_MEM | BPF_DW, value, 5, 0, 0);
	else
		program_emit(p, BPF_STX | BPF_MEM | BPF_DW, 5, value, 0, 0);
	program_emit(p, BPF_ALU64 | BPF_MOV, 5, 0, 0, 0);
	program_emit(p, BPF_JMP | BPF_JA, 0, 0, 1, 0);
	program_emit(p, BPF_ALU64 | BPF_MOV, 5, 0, 0, 1);
}

/* A load at a bounded place of the stack. */
static inline void say_stack_index(struct program *p)
{
	u8 index = program_reg(p);

	if (index == 5)
		index = 6;
	program_emit(p, BPF_ALU64 | BPF_AND, index, 0, 0, 24);
	program_emit(p, BPF_ALU64 | BPF_MOV | BPF_X, 5, 10, 0, 0);
	program_emit(p, BPF_ALU64 | BPF_ADD | BPF_X, 5, index, 0, 0);
	if (program_byte(p) & 1)
		program_emit(p, BPF_LDX | BPF_MEM | BPF_DW, program_byte(p) % 5, 5, -32, 0);
	else
		program_emit(p, BPF_STX | BPF_MEM | BPF_DW, 5, program_byte(p) % 5, -32, 0);
	program_emit(p, BPF_ALU64 | BPF_MOV, 5, 0, 0, 0);
}

/* r1 to r5 are gone after a call, so they become numbers again. */
static inline void program_renew(struct program *p)
{
	for (u8 r = 1; r <= 5; r++)
		program_emit(p, BPF_ALU64 | BPF_MOV, r, 0, 0, r);
}

static inline void say_number(struct program *p)
{
	u8 keep = 6 + program_byte(p) % 3;

	program_emit(p, BPF_JMP | BPF_CALL, 0, 0, 0, program_byte(p) & 1 ? 7 : 5);
	program_emit(p, BPF_ALU64 | BPF_MOV | BPF_X, keep, 0, 0, 0);
	program_renew(p);
}

static inline void say_copy(struct program *p)
{
	program_emit(p, BPF_ALU64 | BPF_MOV | BPF_X, program_reg(p), program_reg(p), 0, 0);
}

/* Few rounds, known or not, of a body that comes later; see program_body(). */
static inline void say_loop(struct program *p)
{
	u8 how = program_byte(p), rounds = program_reg(p);

	if (p->nr_loops == PROGRAM_MAX_LOOPS)
		return;
	if (how & 1) {
		program_emit(p, BPF_ALU64 | BPF_MOV, 1, 0, 0, how >> 1 & 3);
	} else {
		program_emit(p, BPF_ALU64 | BPF_MOV | BPF_X, 1, rounds, 0, 0);
		program_emit(p, BPF_ALU64 | BPF_AND, 1, 0, 0, how & 2 ? 3 : 1);
	}
	p->c->jumps[p->c->nr_jumps++] = (struct case_jump){ .pc = p->c->nr_insns, .is_func = true };
	p->nr_loops++;
	program_emit(p, BPF_LD | BPF_IMM | BPF_DW, 2, BPF_PSEUDO_FUNC, 0, 0);
	program_emit(p, 0, 0, 0, 0, 0);
	program_emit(p, BPF_ALU64 | BPF_MOV | BPF_X, 3, 10, 0, 0);
	program_emit(p, BPF_ALU64 | BPF_ADD, 3, 0, 0, -8 * PROGRAM_SLOTS);
	program_emit(p, BPF_ALU64 | BPF_MOV, 4, 0, 0, 0);
	program_emit(p, BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_loop);
	program_renew(p);
}

/* A jump that has waited long enough lands here. */
static inline void program_land(struct program *p, bool all)
{
	for (u32 i = 0; i < p->nr_open;) {
		if (!all && p->open[i].after--) {
			i++;
			continue;
		}
		p->c->insns[p->open[i].pc].off = p->c->nr_insns - p->open[i].pc - 1;
		p->open[i] = p->open[--p->nr_open];
	}
}

static inline void program_begin(struct program *p)
{
	program_emit(p, BPF_LD | BPF_IMM | BPF_DW, 9, BPF_PSEUDO_MAP_VALUE, 0, 0);
	program_emit(p, 0, 0, 0, 0, 0);
	program_emit(p, BPF_JMP | BPF_CALL, 0, 0, 0, 7);
	program_emit(p, BPF_ALU64 | BPF_MOV | BPF_X, 6, 0, 0, 0);
	program_emit(p, BPF_JMP | BPF_CALL, 0, 0, 0, 5);
	program_emit(p, BPF_ALU64 | BPF_MOV | BPF_X, 7, 0, 0, 0);
	program_emit(p, BPF_LDX | BPF_MEM | BPF_DW, 8, 9, 0, 0);
	for (u8 r = 1; r <= 5; r++)
		program_emit(p, BPF_ALU64 | BPF_MOV, r, 0, 0, r);
	for (u32 i = 0; i < PROGRAM_SLOTS; i++)
		program_emit(p, BPF_STX | BPF_MEM | BPF_DW, 10, 6 + i % 3, -8 * (i + 1), 0);
}

typedef void (*program_sentence)(struct program *p);

static inline void program_say(struct program *p, const program_sentence *sentences, u32 nr)
{
	sentences[program_byte(p) % nr](p);
	program_land(p, false);
}

/* The body: something from the context, with the index, back into it; then some sentences. */
static inline void program_body(struct program *p, u32 nr_sentences)
{
	static const program_sentence sentences[] = {
		say_alu, say_alu, say_jump, say_copy, say_spill, say_fill, say_index,
	};
	static const u8 ops[] = { BPF_ADD, BPF_OR, BPF_AND, BPF_MOV, BPF_XOR, BPF_RSH };
	u8 from = program_byte(p) % PROGRAM_SLOTS, to = program_byte(p) % PROGRAM_SLOTS;
	u8 how = program_byte(p), op = ops[program_byte(p) % ARRAY_SIZE(ops)];

	program_emit(p, BPF_LDX | BPF_MEM | BPF_DW, 7, 2, 8 * from, 0);
	program_emit(p, BPF_ALU64 | BPF_MOV | BPF_X, 6, 1, 0, 0);
	if (how & 1)
		program_emit(p, BPF_ALU64 | op | BPF_X, 7, 6, 0, 0);
	else
		program_emit(p, BPF_ALU64 | op, 7, 0, 0, op == BPF_RSH ? 3 : program_imm(p));
	if (how & 2)
		program_emit(p, BPF_JMP | BPF_JGT, 7, 0, 1, 40);
	program_emit(p, BPF_STX | BPF_MEM | BPF_DW, 2, how & 4 ? 7 : 6, 8 * to, 0);
	program_emit(p, BPF_LD | BPF_IMM | BPF_DW, 9, BPF_PSEUDO_MAP_VALUE, 0, 0);
	program_emit(p, 0, 0, 0, 0, 0);
	program_renew(p);
	program_emit(p, BPF_ALU64 | BPF_MOV | BPF_X, 8, 7, 0, 0);
	program_emit(p, BPF_ALU64 | BPF_MOV, 0, 0, 0, 0);
	for (u32 i = 0; i < PROGRAM_SLOTS; i++)
		program_emit(p, BPF_STX | BPF_MEM | BPF_DW, 10, 6 + i % 3, -8 * (i + 1), 0);
	while (nr_sentences--)
		program_say(p, sentences, ARRAY_SIZE(sentences));
	program_land(p, true);
	if (how & 8)
		program_emit(p, BPF_ALU64 | BPF_AND, 0, 0, 0, 1);
	else
		program_emit(p, BPF_ALU64 | BPF_MOV, 0, 0, 0, how >> 4 & 1);
	program_emit(p, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

static inline void program_add_bodies(struct program *p, u8 nr_sentences)
{
	struct corpus_case *c = p->c;

	for (u32 i = 0; i < p->nr_loops; i++) {
		struct case_label *label = &c->labels[c->nr_labels++];

		snprintf(label->name, sizeof(label->name), "body%u", i);
		label->pc = c->nr_insns;
		c->insns[c->jumps[i].pc].imm = c->nr_insns - c->jumps[i].pc - 1;
		p->nr_jumps = PROGRAM_MAX_JUMPS - PROGRAM_BODY_JUMPS;
		program_body(p, nr_sentences % 8);
	}
}

static inline void program_from_bytes(struct corpus_case *c, const u8 *bytes, size_t nr_bytes)
{
	static const program_sentence sentences[] = {
		say_alu,   say_alu,  say_alu,  say_alu,	  say_jump,	   say_jump, say_copy,
		say_spill, say_fill, say_fill, say_index, say_stack_index, say_number,
		say_sign_extend, say_loop,
	};
	/* A third is for the bodies of loops, if there are any. */
	struct program p = { .c = c, .in = { bytes, nr_bytes - nr_bytes / 3 } };

	memset(c, 0, offsetof(struct corpus_case, insns));
	c->nr_insns = 0;
	c->nr_kfuncs = 0;
	c->nr_types = 0;
	c->nr_labels = 0;
	c->nr_jumps = 0;
	c->nr_globals = 0;
	c->prog_type = BPF_PROG_TYPE_SYSCALL;
	c->nr_maps = 1;
	c->maps[0] = (struct case_map){
		.type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = PROGRAM_VALUE_BYTES,
		.max_entries = 1,
	};
	program_begin(&p);
	while (p.in.left && c->nr_insns < 400)
		program_say(&p, sentences, ARRAY_SIZE(sentences));
	if (!p.nr_loops)
		p.in = (struct program_bytes){ bytes + nr_bytes - nr_bytes / 3, nr_bytes / 3 };
	while (p.in.left && c->nr_insns < 400)
		program_say(&p, sentences, ARRAY_SIZE(sentences));
	program_land(&p, true);
	program_emit(&p, BPF_ALU64 | BPF_MOV, 0, 0, 0, 0);
	program_emit(&p, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
	if (!p.in.left)
		p.in = (struct program_bytes){ bytes + nr_bytes - nr_bytes / 3, nr_bytes / 3 };
	program_add_bodies(&p, program_byte(&p));
}

#endif
