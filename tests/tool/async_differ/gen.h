/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * tests/tool/async_differ/gen.h - random programs about timers, works and the values they are in
 *
 * Like differ/gen.h: a rough account of what registers hold makes many programs right, and
 * sentences that are wrong by one thing now and then make others not.
 *
 * Always: r9 a value of MAP_RESULT; r6, r7 a value, a map, or a number; r8 a number.  A
 * callback's r6 is its map, r7 its value.  On the stack: a value that can be put into a map,
 * keys, a spilled pointer.
 *
 * Not here, because each makes some kernels fault when they judge it: a map that was found in
 * another one and may not be there, given to bpf_timer_init() or bpf_wq_init(); a value or map
 * without any field given to bpf_wq_*().
 */
#ifndef ROVE_TESTS_TOOL_ASYNC_DIFFER_GEN_H
#define ROVE_TESTS_TOOL_ASYNC_DIFFER_GEN_H

#include "tests/tool/differ/gen.h"

enum async_map {
	ASYNC_RESULT,	/* what calls returned */
	ASYNC_ARRAY,	/* timer and work */
	ASYNC_HASH,	/* work and timer, other places */
	ASYNC_LRU,	/* timer */
	ASYNC_SECOND,	/* as ASYNC_ARRAY, another map */
	ASYNC_PLAIN,	/* neither */
	ASYNC_OUTER,	/* of maps like ASYNC_ARRAY */
	ASYNC_RING,
	NR_ASYNC_MAPS,
};

#define RESULT_BYTES 256
#define VALUE_BYTES 56
#define ASYNC_KEYS 4
#define STACK_BUF (-VALUE_BYTES - 8)
#define STACK_KEY (-72)
#define STACK_SPILL (-80)
#define STACK_RECORD (-88)
#define STACK_ITER (-96)
#define MAX_FUNCS 6
#define MAX_ASYNC_INSNS 400

/* What a register holds, beside numbers: kinds behind those of differ/gen.h. */
enum { K_ELEM = K_RECORD + 1, K_MAP, K_KEY };

enum func_kind { FUNC_TIMER, FUNC_WORK, FUNC_LOOP, FUNC_EACH, FUNC_CALLED, NR_FUNC_KINDS };

struct async_reg {
	u8 kind;
	u8 map;
	u32 uid;	/* not 0: the map was found in the outer one, by this lookup */
};

struct async_func {
	u8 kind;	/* enum func_kind */
	u8 map;		/* whose values it gets */
	bool from_outer;
	u32 start;
};

struct async_gen {
	struct gen g;
	struct async_reg regs[10];
	struct async_func funcs[MAX_FUNCS];
	u32 nr_funcs, at_func;
	struct {
		u32 pc, func;
	} uses[64];
	u32 nr_uses;
	u32 nr_results, last_uid;
	bool far;	/* timers are not due in this life, works are not started: it can be compared */
	bool sleeps;	/* the program may */
	bool may_sleep;	/* this function of it */
	bool in_record;
	bool inner_walk;
};

static const struct case_map async_maps[NR_ASYNC_MAPS] = {
	[ASYNC_RESULT] = { BPF_MAP_TYPE_ARRAY, 4, RESULT_BYTES, 1 },
	[ASYNC_ARRAY] = { BPF_MAP_TYPE_ARRAY, 4, VALUE_BYTES, ASYNC_KEYS, .has_timer = true,
			  .timer = 0, .has_wq = true, .wq = 24 },
	[ASYNC_HASH] = { BPF_MAP_TYPE_HASH, 4, VALUE_BYTES, ASYNC_KEYS, .has_timer = true,
			 .timer = 40, .has_wq = true, .wq = 8 },
	[ASYNC_LRU] = { BPF_MAP_TYPE_LRU_HASH, 4, VALUE_BYTES, 64, .has_timer = true,
			.timer = 16 },
	[ASYNC_SECOND] = { BPF_MAP_TYPE_ARRAY, 4, VALUE_BYTES, ASYNC_KEYS, .has_timer = true,
			   .timer = 0, .has_wq = true, .wq = 24 },
	[ASYNC_PLAIN] = { BPF_MAP_TYPE_HASH, 4, VALUE_BYTES, ASYNC_KEYS },
	[ASYNC_OUTER] = { BPF_MAP_TYPE_ARRAY_OF_MAPS, 4, 4, 2, .has_inner = true,
			  .inner = ASYNC_ARRAY },
	[ASYNC_RING] = { BPF_MAP_TYPE_RINGBUF, 0, 0, 65536 },
};

static inline bool ag_risk(struct async_gen *a, u32 percent)
{
	if (!a->g.nr_risks || !gen_percent(&a->g, percent))
		return false;
	a->g.nr_risks--;
	return true;
}

static inline void ag_emit(struct async_gen *a, struct bpf_insn insn)
{
	gen_emit(&a->g, insn);
}

static inline void ag_forget(struct async_gen *a)
{
	memset(a->regs, 0, 6 * sizeof(a->regs[0]));
}

static inline void ag_call(struct async_gen *a, s32 helper)
{
	ag_emit(a, CALL_HELPER(helper));
	ag_forget(a);
}

static inline void ag_kfunc(struct async_gen *a, const char *name)
{
	struct corpus_case *c = a->g.c;
	struct case_kfunc *kfunc = &c->kfuncs[c->nr_kfuncs++];

	kfunc->pc = gen_emit(&a->g, CALL_KFUNC(0));
	snprintf(kfunc->name, sizeof(kfunc->name), "%s", name);
	ag_forget(a);
}

static inline bool ag_is_full(const struct async_gen *a)
{
	return gen_pc(&a->g) > MAX_ASYNC_INSNS || a->g.c->nr_kfuncs > CASE_MAX_NAMES - 4 ||
	       a->nr_uses > ARRAY_SIZE(a->uses) - 2 || a->g.breaks->nr > MAX_BREAKS - 8;
}

static inline void ag_load_map(struct async_gen *a, u8 dst, u32 map)
{
	ag_emit(a, INSN(BPF_LD | BPF_IMM | BPF_DW, dst, BPF_PSEUDO_MAP_FD, 0, map));
	ag_emit(a, INSN(0, 0, 0, 0, 0));
}

/* The number that a call returned is part of the result. */
static inline void ag_keep_result(struct async_gen *a)
{
	if (a->at_func == MAX_FUNCS)	/* main */
		ag_emit(a, STX(BPF_DW, 9, 0, 8 * (a->nr_results++ % (RESULT_BYTES / 8))));
}

/* --- functions -------------------------------------------------------------------------------- */

static inline u32 ag_func(struct async_gen *a, u8 kind, u8 map, bool from_outer)
{
	u32 room = MAX_FUNCS;

	for (u32 i = 0; i < a->nr_funcs; i++) {
		const struct async_func *func = &a->funcs[i];

		/* A function that the program calls before may not call itself. */
		if (kind >= FUNC_LOOP && a->at_func != MAX_FUNCS && i <= a->at_func)
			continue;
		if (func->kind == kind && func->map == map && func->from_outer == from_outer &&
		    gen_percent(&a->g, 60))
			return i;
	}
	if (a->nr_funcs < room) {
		a->funcs[a->nr_funcs] = (struct async_func){ kind, map, from_outer };
		return a->nr_funcs++;
	}
	return MAX_FUNCS;
}

static inline void ag_load_func(struct async_gen *a, u8 dst, u32 func)
{
	a->uses[a->nr_uses].func = func;
	a->uses[a->nr_uses++].pc = gen_emit(&a->g, INSN(BPF_LD | BPF_IMM | BPF_DW, dst,
							BPF_PSEUDO_FUNC, 0, 0));
	ag_emit(a, INSN(0, 0, 0, 0, 0));
}

/* --- finding values --------------------------------------------------------------------------- */

static inline void ag_key(struct async_gen *a, u8 dst)
{
	if (gen_percent(&a->g, 70))
		ag_emit(a, ST_IMM(BPF_W, FP, STACK_KEY, gen_below(&a->g, ASYNC_KEYS + 1)));
	ag_emit(a, MOV_REG(dst, FP));
	ag_emit(a, ADD_IMM(dst, STACK_KEY));
}

static inline u8 ag_home(struct async_gen *a)
{
	return 6 + gen_below(&a->g, 2);
}

static inline void ag_set(struct async_gen *a, u8 reg, u8 kind, u8 map, u32 uid)
{
	a->regs[reg] = (struct async_reg){ kind, map, uid };
}

static inline void say_find(struct async_gen *a)
{
	static const u8 maps[] = { ASYNC_ARRAY, ASYNC_ARRAY, ASYNC_HASH, ASYNC_HASH, ASYNC_LRU,
				   ASYNC_SECOND, ASYNC_PLAIN };
	u8 map = maps[gen_below(&a->g, ARRAY_SIZE(maps))], home = ag_home(a);

	ag_key(a, 2);
	ag_load_map(a, 1, map);
	ag_call(a, BPF_FUNC_map_lookup_elem);
	if (!ag_risk(a, 10))
		gen_break(&a->g, JMP_IMM(BPF_JEQ, 0, 0, 0));
	ag_emit(a, MOV_REG(home, 0));
	ag_set(a, home, K_ELEM, map, 0);
}

/* A map in the outer one, checked, and perhaps a value in that, checked. */
static inline void say_find_inner(struct async_gen *a)
{
	u8 map_home = ag_home(a), home = 13 - map_home;

	ag_key(a, 2);
	ag_load_map(a, 1, ASYNC_OUTER);
	ag_call(a, BPF_FUNC_map_lookup_elem);
	gen_break(&a->g, JMP_IMM(BPF_JEQ, 0, 0, 0));
	ag_emit(a, MOV_REG(map_home, 0));
	ag_set(a, map_home, K_MAP, ASYNC_ARRAY, ++a->last_uid);
	if (gen_percent(&a->g, 10))
		return;
	ag_key(a, 2);
	ag_emit(a, MOV_REG(1, map_home));
	ag_call(a, BPF_FUNC_map_lookup_elem);
	gen_break(&a->g, JMP_IMM(BPF_JEQ, 0, 0, 0));
	ag_emit(a, MOV_REG(home, 0));
	ag_set(a, home, K_ELEM, ASYNC_ARRAY, a->last_uid);
}

/* Some home with a value, or 0. */
static inline u8 ag_elem(struct async_gen *a)
{
	u8 first = ag_home(a);

	if (a->regs[first].kind == K_ELEM)
		return first;
	return a->regs[13 - first].kind == K_ELEM ? 13 - first : 0;
}

/* --- fields ----------------------------------------------------------------------------------- */

static inline s32 ag_field_off(struct async_gen *a, const struct async_reg *reg, bool timer)
{
	const struct case_map *map = &async_maps[reg->map];
	s32 off = timer ? map->timer : map->wq;

	if (ag_risk(a, 4))
		return timer ? map->wq : map->timer;
	if (ag_risk(a, 4))
		off += (s32)gen_below(&a->g, 3) * 8 - 8;
	if (ag_risk(a, 2))
		off += 1;
	return off;
}

static inline bool ag_has(const struct async_gen *a, const struct async_reg *reg, bool timer)
{
	const struct case_map *map = &async_maps[reg->map];

	return timer ? map->has_timer : map->has_wq;
}

/* The address of a field goes to r1. */
static inline void ag_field(struct async_gen *a, u8 home, bool timer)
{
	s32 off = ag_field_off(a, &a->regs[home], timer);

	if (ag_risk(a, 2)) {
		ag_emit(a, MOV_REG(1, FP));
		ag_emit(a, ADD_IMM(1, STACK_BUF));
		return;
	}
	ag_emit(a, MOV_REG(1, home));
	if (off)
		ag_emit(a, ADD_IMM(1, off));
	if (ag_risk(a, 3)) {
		ag_emit(a, ALU64_IMM(BPF_AND, 8, 8));
		ag_emit(a, ADD_REG(1, 8));
	}
}

/* The map of the value, or with bad luck another one, goes to r2. */
static inline void ag_map_arg(struct async_gen *a, u8 home)
{
	const struct async_reg *reg = &a->regs[home], *other = &a->regs[13 - home];

	bool same = other->map == reg->map && other->uid == reg->uid;

	if (other->kind == K_MAP && (same || (other->map != ASYNC_PLAIN && ag_risk(a, 30))))
		ag_emit(a, MOV_REG(2, 13 - home));
	else if (ag_risk(a, 5))
		ag_load_map(a, 2, ASYNC_ARRAY + gen_below(&a->g, ASYNC_PLAIN - ASYNC_ARRAY));
	else
		ag_load_map(a, 2, reg->map);
}

static inline void say_timer_init(struct async_gen *a, u8 home)
{
	static const s32 clocks[] = { 1, 1, 1, 0, 7, 11, 2, -1, 1 << 20 };

	ag_map_arg(a, home);
	ag_field(a, home, true);
	ag_emit(a, MOV_IMM(3, clocks[gen_below(&a->g, ARRAY_SIZE(clocks))]));
	ag_call(a, BPF_FUNC_timer_init);
}

static inline void say_timer_set(struct async_gen *a, u8 home)
{
	const struct async_reg *reg = &a->regs[home];
	u32 func = ag_func(a, ag_risk(a, 3) ? FUNC_WORK : FUNC_TIMER, reg->map, reg->uid != 0);

	if (func == MAX_FUNCS)
		return;
	ag_field(a, home, true);
	if (ag_risk(a, 2))
		ag_emit(a, MOV_IMM(2, 0));
	else
		ag_load_func(a, 2, func);
	ag_call(a, BPF_FUNC_timer_set_callback);
}

static inline void say_timer_start(struct async_gen *a, u8 home)
{
	static const s32 flags[] = { 0, 0, 0, 1, 2, 3, 4, -1 };
	static const u64 times[] = { 0, 1, 1000, 1ull << 63, -1ull, 100000 };
	u64 time = 1ull << 60;

	if (!a->far)
		time = times[gen_below(&a->g, ARRAY_SIZE(times))];
	ag_field(a, home, true);
	ag_emit(a, INSN(BPF_LD | BPF_IMM | BPF_DW, 2, 0, 0, (s32)time));
	ag_emit(a, INSN(0, 0, 0, 0, (s32)(time >> 32)));
	ag_emit(a, MOV_IMM(3, flags[gen_below(&a->g, ARRAY_SIZE(flags))]));
	ag_call(a, BPF_FUNC_timer_start);
}

static inline void say_timer_cancel(struct async_gen *a, u8 home)
{
	ag_field(a, home, true);
	ag_call(a, BPF_FUNC_timer_cancel);
}

static inline void say_work_init(struct async_gen *a, u8 home)
{
	ag_map_arg(a, home);
	ag_field(a, home, false);
	ag_emit(a, MOV_IMM(3, ag_risk(a, 3)));
	ag_kfunc(a, "bpf_wq_init");
}

static inline void say_work_set(struct async_gen *a, u8 home)
{
	const struct async_reg *reg = &a->regs[home];
	u32 func = ag_func(a, ag_risk(a, 3) ? FUNC_TIMER : FUNC_WORK, reg->map, reg->uid != 0);

	if (func == MAX_FUNCS)
		return;
	ag_field(a, home, false);
	if (ag_risk(a, 2))
		ag_emit(a, MOV_REG(2, 8));
	else
		ag_load_func(a, 2, func);
	ag_emit(a, MOV_IMM(3, ag_risk(a, 3)));
	ag_emit(a, MOV_IMM(4, 0));
	ag_kfunc(a, "bpf_wq_set_callback_impl");
}

static inline void say_work_start(struct async_gen *a, u8 home)
{
	if (a->far)
		return;
	ag_field(a, home, false);
	ag_emit(a, MOV_IMM(2, ag_risk(a, 3)));
	ag_kfunc(a, "bpf_wq_start");
}

static inline void say_field(struct async_gen *a)
{
	static void (*const timer[])(struct async_gen *a, u8 home) = {
		say_timer_init, say_timer_init, say_timer_set, say_timer_start, say_timer_cancel,
	};
	static void (*const work[])(struct async_gen *a, u8 home) = {
		say_work_init, say_work_init, say_work_set, say_work_start,
	};
	bool is_timer = gen_percent(&a->g, 60);
	u8 home = ag_elem(a);
	u32 pc;

	if (!home) {
		say_find(a);
		return;
	}
	if (!ag_has(a, &a->regs[home], is_timer) && !ag_risk(a, 3))
		is_timer = !is_timer;
	if (!ag_has(a, &a->regs[home], is_timer) && !ag_risk(a, 3))
		return;
	if (!is_timer && a->regs[home].map == ASYNC_PLAIN)
		return;
	pc = gen_pc(&a->g);
	if (is_timer)
		timer[gen_below(&a->g, ARRAY_SIZE(timer))](a, home);
	else
		work[gen_below(&a->g, ARRAY_SIZE(work))](a, home);
	if (gen_pc(&a->g) != pc)
		ag_keep_result(a);
}

/* --- memory ----------------------------------------------------------------------------------- */

/* A place in a value, beside its fields unless the program may be wrong. */
static inline s32 ag_off(struct async_gen *a, const struct case_map *map, u32 bytes)
{
	for (u32 i = 0; i < 20; i++) {
		s32 off = gen_below(&a->g, VALUE_BYTES / bytes) * bytes;
		s32 end = off + bytes;
		bool on_timer = map->has_timer && off < (s32)map->timer + 16 && end > (s32)map->timer;
		bool on_wq = map->has_wq && off < (s32)map->wq + 16 && end > (s32)map->wq;

		if ((!on_timer && !on_wq) || ag_risk(a, 4))
			return off;
	}
	return VALUE_BYTES - 8;
}

static inline void say_touch(struct async_gen *a)
{
	u8 home = ag_elem(a), size = gen_size(&a->g), how;
	const struct case_map *map;
	s32 off;

	if (!home)
		return;
	map = &async_maps[a->regs[home].map];
	off = ag_off(a, map, gen_size_bytes(size));
	how = gen_below(&a->g, 5);
	if (how == 0)
		ag_emit(a, ST_IMM(size, home, off, 3));
	else if (how == 1)
		ag_emit(a, STX(size, home, 8, off));
	else if (how == 2 && gen_size_bytes(size) >= 4)
		ag_emit(a, ATOMIC(size, BPF_ADD, home, 8, off));
	else
		ag_emit(a, LDX(size, 8, home, off));
}

/* At a place that is computed. */
static inline void say_touch_variable(struct async_gen *a)
{
	u8 home = ag_elem(a);

	if (!home || !a->g.nr_risks)
		return;
	ag_emit(a, ALU64_IMM(BPF_AND, 8, gen_percent(&a->g, 50) ? 7 : 24));
	ag_emit(a, MOV_REG(1, home));
	ag_emit(a, ADD_REG(1, 8));
	ag_emit(a, LDX(BPF_B, 8, 1, gen_below(&a->g, VALUE_BYTES)));
	a->g.nr_risks--;
}

static inline void say_spill(struct async_gen *a)
{
	u8 from = ag_home(a), to = ag_home(a);

	if (a->regs[from].kind == K_NONE)
		return;
	ag_emit(a, STX(BPF_DW, FP, from, STACK_SPILL));
	ag_emit(a, LDX(BPF_DW, to, FP, STACK_SPILL));
	a->regs[to] = a->regs[from];
}

static inline void say_number(struct async_gen *a)
{
	switch (gen_below(&a->g, 3)) {
	case 0:
		ag_emit(a, MOV_IMM(8, gen_below(&a->g, 9)));
		break;
	case 1:
		ag_emit(a, ADD_IMM(8, gen_below(&a->g, 9)));
		break;
	default:
		ag_emit(a, LDX(BPF_DW, 8, 9, 8 * gen_below(&a->g, RESULT_BYTES / 8)));
	}
}

/* --- whole values ----------------------------------------------------------------------------- */

static inline u8 ag_some_map(struct async_gen *a)
{
	return ASYNC_ARRAY + gen_below(&a->g, ASYNC_OUTER - ASYNC_ARRAY);
}

/* Which elements a walk visits that are changed meanwhile is not said. */
static inline bool ag_in_walk(const struct async_gen *a)
{
	return a->far && a->at_func != MAX_FUNCS && a->funcs[a->at_func].kind >= FUNC_LOOP;
}

/*
 * A kernel's hash gives an element out again with what was initialised in it after it was deleted;
 * so programs to be compared do not go on with one that may be.
 */
static inline void ag_changed(struct async_gen *a)
{
	ag_keep_result(a);
	if (a->far)
		memset(a->regs + 6, 0, 2 * sizeof(a->regs[0]));
}

static inline void say_update(struct async_gen *a)
{
	u8 home = ag_elem(a);

	if (ag_in_walk(a))
		return;
	ag_key(a, 2);
	if (home && gen_percent(&a->g, 10)) {
		/* a value with fields, or part of one, as the bytes to be put in */
		ag_emit(a, MOV_REG(3, home));
	} else {
		ag_emit(a, MOV_REG(3, FP));
		ag_emit(a, ADD_IMM(3, STACK_BUF));
	}
	ag_emit(a, MOV_IMM(4, gen_below(&a->g, 4)));
	ag_load_map(a, 1, ag_some_map(a));
	ag_call(a, BPF_FUNC_map_update_elem);
	ag_changed(a);
}

static inline void say_delete(struct async_gen *a)
{
	if (ag_in_walk(a))
		return;
	ag_key(a, 2);
	ag_load_map(a, 1, ag_some_map(a));
	ag_call(a, BPF_FUNC_map_delete_elem);
	ag_changed(a);
}

/* A value is another map's key; not where callbacks could change it meanwhile. */
static inline void say_value_as_key(struct async_gen *a)
{
	u8 home = ag_elem(a);

	if (!home || !a->far || ag_in_walk(a))
		return;
	ag_emit(a, MOV_REG(2, home));
	ag_emit(a, ADD_IMM(2, ag_off(a, &async_maps[a->regs[home].map], 4)));
	ag_load_map(a, 1, ASYNC_PLAIN);
	ag_call(a, BPF_FUNC_map_delete_elem);
	ag_changed(a);
}

/* --- calls ------------------------------------------------------------------------------------ */

static inline void say_call_back(struct async_gen *a)
{
	static const u8 maps[] = { ASYNC_ARRAY, ASYNC_HASH, ASYNC_LRU, ASYNC_PLAIN };
	bool loop = gen_percent(&a->g, 50);
	u8 map = loop ? ASYNC_PLAIN : maps[gen_below(&a->g, ARRAY_SIZE(maps))];
	u8 from = ag_home(a);
	bool outer = !loop && a->regs[from].kind == K_MAP && a->regs[from].uid;
	u32 func = ag_func(a, loop ? FUNC_LOOP : FUNC_EACH, outer ? ASYNC_ARRAY : map, outer);

	if (func == MAX_FUNCS || (a->at_func != MAX_FUNCS && func <= a->at_func))
		return;
	if (loop)
		ag_emit(a, MOV_IMM(1, gen_below(&a->g, 4)));
	else if (outer)
		ag_emit(a, MOV_REG(1, from));
	else
		ag_load_map(a, 1, map);
	a->inner_walk |= outer;
	ag_load_func(a, 2, func);
	ag_emit(a, MOV_REG(3, FP));
	ag_emit(a, ADD_IMM(3, STACK_BUF));
	ag_emit(a, MOV_IMM(4, 0));
	ag_call(a, loop ? BPF_FUNC_loop : BPF_FUNC_for_each_map_elem);
	ag_keep_result(a);
}

/* f(value, number) */
static inline void say_call_func(struct async_gen *a)
{
	u8 home = ag_elem(a);
	u32 func;

	if (!home)
		return;
	func = ag_func(a, FUNC_CALLED, a->regs[home].map, a->regs[home].uid != 0);
	if (func == MAX_FUNCS || (a->at_func != MAX_FUNCS && func <= a->at_func))
		return;
	ag_emit(a, MOV_REG(1, home));
	ag_emit(a, MOV_REG(2, 8));
	a->uses[a->nr_uses].func = func;
	a->uses[a->nr_uses++].pc = gen_emit(&a->g, CALL_SUBPROG(0));
	ag_forget(a);
	ag_keep_result(a);
}

/* In a walk over DMA-bufs one may wait. */
static inline void say_sleep(struct async_gen *a)
{
	bool in_timer = a->at_func != MAX_FUNCS && a->funcs[a->at_func].kind == FUNC_TIMER;

	if (!a->may_sleep && !(in_timer && ag_risk(a, 30)))
		return;
	ag_emit(a, MOV_REG(1, FP));
	ag_emit(a, ADD_IMM(1, STACK_ITER));
	ag_kfunc(a, "bpf_iter_dmabuf_new");
	ag_emit(a, MOV_REG(1, FP));
	ag_emit(a, ADD_IMM(1, STACK_ITER));
	ag_kfunc(a, "bpf_iter_dmabuf_destroy");
}

static inline void say_some(struct async_gen *a, u32 nr);

/* A record is held over some sentences. */
static inline void say_hold(struct async_gen *a)
{
	struct breaks breaks = { .nr = 0 }, *outer = a->g.breaks;
	u32 none;

	if (a->in_record || a->regs[6].kind == K_ELEM)
		return;
	ag_load_map(a, 1, ASYNC_RING);
	ag_emit(a, MOV_IMM(2, 8));
	ag_emit(a, MOV_IMM(3, 0));
	ag_call(a, BPF_FUNC_ringbuf_reserve);
	ag_emit(a, STX(BPF_DW, FP, 0, STACK_RECORD));
	none = gen_emit(&a->g, JMP_IMM(BPF_JEQ, 0, 0, 0));
	a->g.breaks = &breaks;
	a->in_record = true;
	say_some(a, 2);
	gen_land_breaks(&a->g, &breaks);
	ag_emit(a, LDX(BPF_DW, 1, FP, STACK_RECORD));
	ag_emit(a, MOV_IMM(2, 0));
	if (!ag_risk(a, 10))
		ag_call(a, BPF_FUNC_ringbuf_discard);
	gen_land(&a->g, none);
	a->g.breaks = outer;
	a->in_record = false;
	memset(a->regs + 6, 0, 2 * sizeof(a->regs[0]));
	ag_emit(a, MOV_IMM(6, 0));
	ag_emit(a, MOV_IMM(7, 0));
}

static inline void say_when(struct async_gen *a)
{
	u32 skip = gen_emit(&a->g, JMP_IMM(gen_percent(&a->g, 50) ? BPF_JEQ : BPF_JGT, 8,
					   gen_below(&a->g, 5), 0));
	struct async_reg before[10];

	memcpy(before, a->regs, sizeof(before));
	say_some(a, 1);
	gen_land(&a->g, skip);
	for (u32 i = 0; i < 10; i++) {
		if (memcmp(&a->regs[i], &before[i], sizeof(before[i])))
			ag_set(a, i, K_NONE, 0, 0);
	}
}

static inline void say_some(struct async_gen *a, u32 nr)
{
	static void (*const sentences[])(struct async_gen *a) = {
		say_field, say_field, say_field, say_field, say_field, say_field, say_field,
		say_field, say_find, say_find, say_find_inner, say_touch, say_touch,
		say_touch_variable, say_spill, say_number, say_update, say_delete,
		say_value_as_key, say_call_back, say_call_func, say_sleep, say_hold, say_when,
	};

	for (u32 i = 0; i < nr && !ag_is_full(a); i++)
		sentences[gen_below(&a->g, ARRAY_SIZE(sentences))](a);
}

/* --- functions and programs ------------------------------------------------------------------- */

static inline void ag_result_to_r9(struct async_gen *a)
{
	ag_emit(a, INSN(BPF_LD | BPF_IMM | BPF_DW, 9, BPF_PSEUDO_MAP_VALUE, 0, ASYNC_RESULT));
	ag_emit(a, INSN(0, 0, 0, 0, 0));
}

static inline void ag_fill_stack(struct async_gen *a)
{
	for (s32 off = -8; off >= STACK_BUF; off -= 8)
		ag_emit(a, ST_IMM(BPF_DW, FP, off, 5));
	ag_emit(a, ST_IMM(BPF_W, FP, STACK_KEY, gen_below(&a->g, ASYNC_KEYS)));
}

static inline void ag_leave(struct async_gen *a, const struct breaks *breaks, u8 kind)
{
	gen_land_breaks(&a->g, breaks);
	if (kind == FUNC_CALLED)
		ag_emit(a, MOV_REG(0, 8));
	else if (kind == FUNC_EACH && a->far)	/* which element is the first is not said */
		ag_emit(a, MOV_IMM(0, 0));
	else if (ag_risk(a, 3))
		ag_emit(a, MOV_REG(0, 8));
	else
		ag_emit(a, MOV_IMM(0, ag_risk(a, 4) || (kind >= FUNC_LOOP && gen_percent(&a->g, 20))));
	ag_emit(a, EXIT());
}

static inline void ag_make_func(struct async_gen *a, u32 i)
{
	struct breaks breaks = { .nr = 0 };
	const struct async_func func = a->funcs[i];
	u32 uid = func.from_outer ? ++a->last_uid : 0;

	a->at_func = i;
	a->g.breaks = &breaks;
	a->funcs[i].start = gen_pc(&a->g);
	a->may_sleep = func.kind == FUNC_WORK || (func.kind != FUNC_TIMER && a->sleeps);
	memset(a->regs, 0, sizeof(a->regs));
	ag_emit(a, MOV_REG(6, 1));
	ag_emit(a, MOV_REG(7, 2));
	ag_emit(a, MOV_IMM(8, 1));
	if (func.kind == FUNC_LOOP) {
		ag_emit(a, MOV_IMM(6, 0));
		ag_emit(a, MOV_IMM(7, 0));
	} else if (func.kind == FUNC_CALLED) {
		ag_emit(a, MOV_REG(8, 2));
		ag_set(a, 6, K_ELEM, func.map, uid);
	} else {
		ag_emit(a, LDX(BPF_W, 8, 2, ag_risk(a, 4) ? 4 : 0));
		if (ag_risk(a, 4))
			ag_emit(a, STX(BPF_W, 2, 8, 0));
		ag_emit(a, MOV_REG(7, 3));
		ag_set(a, 6, K_MAP, func.map, uid);
		ag_set(a, 7, K_ELEM, func.map, uid);
	}
	ag_result_to_r9(a);
	ag_fill_stack(a);
	say_some(a, 1 + gen_below(&a->g, 4));
	ag_leave(a, &breaks, func.kind);
}

static inline void ag_make_main(struct async_gen *a)
{
	struct breaks breaks = { .nr = 0 };

	a->at_func = MAX_FUNCS;
	a->g.breaks = &breaks;
	a->may_sleep = a->sleeps;
	ag_result_to_r9(a);
	ag_fill_stack(a);
	ag_emit(a, MOV_IMM(6, 0));
	ag_emit(a, MOV_IMM(7, 0));
	ag_emit(a, LDX(BPF_DW, 8, 9, 0));
	say_some(a, 4 + gen_below(&a->g, 10));
	ag_leave(a, &breaks, FUNC_CALLED);
}

static inline void ag_maps(struct corpus_case *c)
{
	c->nr_maps = NR_ASYNC_MAPS;
	memcpy(c->maps, async_maps, sizeof(async_maps));
}

/* What is known of a program. */
struct async_program {
	bool comparable;	/* nothing in it happens by itself */
	bool inner_walk;	/* it walks over a map that it found in another one */
};

/* The same @seed gives the same program. */
static inline struct async_program ag_program(struct corpus_case *c, u64 seed)
{
	static struct async_gen gen;
	struct async_gen *a = &gen;

	memset(a, 0, sizeof(*a));
	c->nr_insns = c->nr_kfuncs = c->nr_types = c->nr_globals = 0;
	ag_maps(c);
	a->g.c = c;
	a->g.random = seed * 0x2545f4914f6cdd1dull;
	a->g.nr_risks = gen_below(&a->g, 3);
	a->far = gen_percent(&a->g, 60);
	c->prog_type = gen_percent(&a->g, 80) ? BPF_PROG_TYPE_SYSCALL : BPF_PROG_TYPE_SOCKET_FILTER;
	a->sleeps = c->prog_type == BPF_PROG_TYPE_SYSCALL;
	c->prog_flags = gen_percent(&a->g, 20) ? BPF_F_TEST_STATE_FREQ : 0;
	ag_make_main(a);
	for (u32 i = 0; i < a->nr_funcs; i++)
		ag_make_func(a, i);
	for (u32 i = 0; i < a->nr_uses; i++)
		c->insns[a->uses[i].pc].imm = (s32)a->funcs[a->uses[i].func].start -
					      (s32)a->uses[i].pc - 1;
	return (struct async_program){ a->far, a->inner_walk };
}

#endif
