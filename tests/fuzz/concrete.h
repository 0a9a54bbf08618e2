/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * tests/fuzz/concrete.h - run an accepted program and hold it against the verifier's claims
 *
 * The verifier walks every path without pruning and its states are kept by
 * instruction.  Then the interpreter runs the program, with a probe before
 * each instruction: all registers, and the stack slots the program uses, must
 * lie inside one of the states kept for that instruction.
 */
#ifndef ROVE_TESTS_FUZZ_CONCRETE_H
#define ROVE_TESTS_FUZZ_CONCRETE_H

#include "bpf/core/func.h"
#include "bpf/interp/interp.h"
#include "bpf/verifier/search/search.h"
#include "tests/fuzz/program.h"

#define CLAIMS_MAX 200000
#define SNAPSHOT_OFF (-512) /* r0 to r9 lie there while the probe looks */

struct claim {
	u32 pc;
	s32 next;		/* of the same instruction, -1: none */
	u32 frame;		/* that was running */
	struct value regs[10];
	struct slot slots[PROGRAM_SLOTS];
	u32 nr_slots;
};

struct claims {
	struct claim *at;
	u32 nr, cap;
	bool full;		/* not all could be kept: nothing can be said */
	s32 first[CASE_MAX_INSNS];
};

static inline void claims_init(struct claims *claims)
{
	memset(claims, 0, sizeof(*claims));
	for (u32 i = 0; i < CASE_MAX_INSNS; i++)
		claims->first[i] = -1;
}

/* search_debug.visit */
static inline void claims_add(void *arg, const struct vstate *st, u32 pc)
{
	struct claims *claims = arg;
	const struct frame *frame = vstate_frame(st);
	struct claim *claim;

	if (claims->nr == CLAIMS_MAX || st->depth > 2) {
		claims->full = true;
		return;
	}
	if (claims->nr == claims->cap) {
		claims->cap = claims->cap ? claims->cap * 2 : 256;
		claims->at = realloc(claims->at, claims->cap * sizeof(*claims->at));
		if (!claims->at)
			abort();
	}
	claim = &claims->at[claims->nr];
	memset(claim, 0, sizeof(*claim));
	claim->pc = pc;
	claim->frame = st->depth - 1;
	claim->next = claims->first[pc];
	claims->first[pc] = claims->nr++;
	memcpy(claim->regs, frame->regs, sizeof(claim->regs));
	claim->nr_slots = min(frame->stack.nr_slots, (u32)PROGRAM_SLOTS);
	for (u32 i = 0; i < claim->nr_slots; i++)
		claim->slots[i] = frame->stack.slot[i];
}

/* --- what the probe looks at ------------------------------------------------------------------ */

struct concrete {
	const struct claims *claims;
	u8 value[PROGRAM_VALUE_BYTES]; /* the one map's */
	struct bpf_func funcs[PROGRAM_MAX_LOOPS];
	u64 main_fp;
	u64 random;
	u64 probes;
	u32 bad_pc;
	bool bad;
	u64 bad_regs[10];
};

static struct concrete concrete_now;

static inline u64 concrete_random(void)
{
	concrete_now.random = concrete_now.random * 6364136223846793005ull + 1442695040888963407ull;
	switch (concrete_now.random >> 60) {
	case 0:
		return 0;
	case 1:
		return concrete_now.random >> 58;
	case 2:
		return -(concrete_now.random >> 60);
	default:
		return concrete_now.random ^ concrete_now.random >> 29;
	}
}

static u64 concrete_prandom(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5)
{
	return (u32)concrete_random();
}

static u64 concrete_ktime(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5)
{
	return concrete_random();
}

static u64 concrete_call(const struct bpf_func *f, u64 r1, u64 r2, u64 r3, u64 r4, u64 r5)
{
	u64 r0 = 0;

	interp_run(f->code, f->entry, (u64[INTERP_MAX_ARGS]){ r1, r2, r3, r4, r5 }, &r0);
	return r0;
}

static u64 concrete_loop(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5)
{
	for (u32 i = 0; i < (u32)r1; i++)
		if (bpf_func_call((const struct bpf_func *)r2, i, r3, 0, 0))
			return i + 1;
	return (u32)r1;
}

/* @fp, @frame: of the function that runs; the only other one is main. */
static inline bool concrete_inside(const struct value *val, u64 number, u64 fp, u32 frame)
{
	switch (val->kind) {
	case V_SCALAR:
		return scalar_contains(&val->num, number);
	case V_MAP_VALUE:
		return scalar_contains(&val->num, number - (u64)concrete_now.value);
	case V_STACK:
		if (val->stack.frame != frame)
			fp = concrete_now.main_fp;
		return scalar_contains(&val->num, number - fp);
	default:
		return true;
	}
}

static inline bool concrete_slot_inside(const struct slot *slot, u64 addr, u64 fp, u32 frame)
{
	u32 bytes = slot_spill_bytes(slot);
	u64 number = 0;

	if (bytes) {
		memcpy(&number, (void *)addr, bytes);
		if (!concrete_inside(&slot->spill, number, fp, frame))
			return false;
	}
	for (u32 i = 0; i < 8; i++) {
		if (slot->byte[i] == BYTE_ZERO && *(u8 *)(addr + i))
			return false;
	}
	return true;
}

static inline bool concrete_in_claim(const struct claim *claim, const u64 *regs, u64 fp)
{
	for (u32 r = 0; r < 10; r++) {
		if (!concrete_inside(&claim->regs[r], regs[r], fp, claim->frame))
			return false;
	}
	for (u32 i = 0; i < claim->nr_slots; i++) {
		if (!concrete_slot_inside(&claim->slots[i], fp - 8 * (i + 1), fp, claim->frame))
			return false;
	}
	return true;
}

static u64 concrete_probe(u64 fp, u64 pc, u64 r3, u64 r4, u64 r5)
{
	const struct claims *claims = concrete_now.claims;
	const u64 *regs = (const u64 *)(fp + SNAPSHOT_OFF);

	concrete_now.probes++;
	if (!pc)
		concrete_now.main_fp = fp;
	if (concrete_now.bad)
		return 0;
	for (s32 i = claims->first[pc]; i >= 0; i = claims->at[i].next) {
		if (concrete_in_claim(&claims->at[i], regs, fp))
			return 0;
	}
	concrete_now.bad = true;
	concrete_now.bad_pc = pc;
	memcpy(concrete_now.bad_regs, regs, sizeof(concrete_now.bad_regs));
	return 0;
}

/* --- the program with probes ------------------------------------------------------------------ */

#define PROBE_INSNS 23

struct probed {
	struct bpf_insn *insns;
	struct fixup *fixups;
	u32 nr;
};

static inline void probed_emit(struct probed *p, struct bpf_insn insn, struct fixup fixup)
{
	p->insns[p->nr] = insn;
	p->fixups[p->nr++] = fixup;
}

static inline void probed_add_probe(struct probed *p, u32 pc)
{
	const struct fixup none = { 0 };

	for (u8 r = 0; r < 10; r++)
		probed_emit(p, (struct bpf_insn){ .code = BPF_STX | BPF_MEM | BPF_DW, .dst_reg = 10,
				.src_reg = r, .off = SNAPSHOT_OFF + 8 * r }, none);
	probed_emit(p, (struct bpf_insn){ .code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = 1,
			.src_reg = 10 }, none);
	probed_emit(p, (struct bpf_insn){ .code = BPF_ALU64 | BPF_MOV, .dst_reg = 2, .imm = pc },
		    none);
	probed_emit(p, (struct bpf_insn){ .code = BPF_JMP | BPF_CALL },
		    (struct fixup){ .kind = FIXUP_CALL_FN, .ret_bytes = 8, .fn = concrete_probe });
	for (u8 r = 0; r < 10; r++)
		probed_emit(p, (struct bpf_insn){ .code = BPF_LDX | BPF_MEM | BPF_DW, .dst_reg = r,
				.src_reg = 10, .off = SNAPSHOT_OFF + 8 * r }, none);
}

static inline struct fixup probed_fixup(const struct bpf_insn *insn, u32 *nr_funcs)
{
	if (insn_is_ld_imm64(insn) && insn->src_reg == BPF_PSEUDO_FUNC)
		return (struct fixup){ .kind = FIXUP_IMM64,
				       .imm64 = (u64)&concrete_now.funcs[(*nr_funcs)++] };
	if (insn_is_ld_imm64(insn) && insn->src_reg == BPF_PSEUDO_MAP_VALUE)
		return (struct fixup){ .kind = FIXUP_IMM64,
				       .imm64 = (u64)concrete_now.value + (u32)insn[1].imm };
	if (insn->code == (BPF_JMP | BPF_CALL) && insn->imm == BPF_FUNC_loop)
		return (struct fixup){ .kind = FIXUP_CALL_FN, .ret_bytes = 8, .fn = concrete_loop };
	if (insn->code == (BPF_JMP | BPF_CALL))
		return (struct fixup){ .kind = FIXUP_CALL_FN, .ret_bytes = 8,
				       .fn = insn->imm == 7 ? concrete_prandom : concrete_ktime };
	return (struct fixup){ 0 };
}

static inline bool probed_is_jump(const struct bpf_insn *insn)
{
	u8 class = insn_class(insn);

	return (class == BPF_JMP || class == BPF_JMP32) && insn_op(insn) != BPF_CALL &&
	       insn_op(insn) != BPF_EXIT;
}

static inline void probed_make(struct probed *p, const struct corpus_case *c, const u8 *is_dead)
{
	u32 *start = calloc(c->nr_insns + 1, sizeof(*start));
	u32 *place = calloc(c->nr_insns + 1, sizeof(*place));
	u32 nr_funcs = 0;

	p->nr = 0;
	p->insns = calloc(c->nr_insns, (PROBE_INSNS + 2) * sizeof(*p->insns));
	p->fixups = calloc(c->nr_insns, (PROBE_INSNS + 2) * sizeof(*p->fixups));
	for (u32 pc = 0; pc < c->nr_insns; pc++) {
		struct fixup dead = { .kind = FIXUP_DEAD };

		start[pc] = p->nr;
		if (!is_dead[pc])
			probed_add_probe(p, pc);
		place[pc] = p->nr;
		probed_emit(p, c->insns[pc], is_dead[pc] ? dead :
							     probed_fixup(&c->insns[pc], &nr_funcs));
		if (insn_is_ld_imm64(&c->insns[pc])) {
			pc++;
			probed_emit(p, c->insns[pc], (struct fixup){ 0 });
		}
	}
	nr_funcs = 0;
	for (u32 pc = 0; pc < c->nr_insns; pc++) {
		if (insn_is_ld_imm64(&c->insns[pc]) && c->insns[pc].src_reg == BPF_PSEUDO_FUNC &&
		    !is_dead[pc])
			concrete_now.funcs[nr_funcs++] = (struct bpf_func){
				.call = concrete_call, .entry = start[pc + 1 + c->insns[pc].imm],
			};
		if (probed_is_jump(&c->insns[pc]))
			p->insns[place[pc]].off =
				start[pc + 1 + c->insns[pc].off] - place[pc] - 1;
		pc += insn_is_ld_imm64(&c->insns[pc]);
	}
	free(start);
	free(place);
}

/* Return: true when every probe agreed; else concrete_now says where it did not. */
static inline bool concrete_run(const struct corpus_case *c, const u8 *is_dead,
				const struct claims *claims, u64 seed)
{
	struct interp_code *code;
	struct probed p;
	u64 r0;

	memset(&concrete_now, 0, sizeof(concrete_now));
	concrete_now.claims = claims;
	concrete_now.random = seed;
	for (u32 i = 0; i < PROGRAM_VALUE_BYTES; i++)
		concrete_now.value[i] = concrete_random();
	probed_make(&p, c, is_dead);
	if (interp_decode(p.insns, p.fixups, p.nr, &code)) {
		fprintf(stderr, "an accepted program cannot be decoded\n");
		abort();
	}
	for (u32 i = 0; i < PROGRAM_MAX_LOOPS; i++)
		concrete_now.funcs[i].code = code;
	interp_run(code, 0, (u64[INTERP_MAX_ARGS]){ 0 }, &r0);
	interp_free(code);
	free(p.insns);
	free(p.fixups);
	return !concrete_now.bad;
}

#endif
