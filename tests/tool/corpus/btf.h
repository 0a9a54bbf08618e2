/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * tests/tool/corpus/btf.h - the types of a case's own functions
 *
 * Only a case that names a global function, or takes a function's address, has
 * BTF: it is the signature that callers trust.  All subprograms are labels; those
 * not named are static.
 */
#ifndef ROVE_TESTS_TOOL_CORPUS_BTF_H
#define ROVE_TESTS_TOOL_CORPUS_BTF_H

#include "tests/tool/corpus/btf_maker.h"
#include "tests/tool/corpus/parse.h"

struct case_btf {
	struct btf_maker maker;
	void *data;
	u32 size;
	struct bpf_func_info func_info[CASE_MAX_NAMES];
	u32 nr_func_info;
};

static inline void case_btf_free(struct case_btf *b)
{
	if (b)
		free(b->data);
	free(b);
}

static inline const struct case_label *case_global(const struct corpus_case *c, const char *name)
{
	for (u32 i = 0; i < c->nr_globals; i++) {
		if (!strcmp(c->globals[i].name, name))
			return &c->globals[i];
	}
	return NULL;
}

static inline bool case_is_subprog(const struct corpus_case *c, u32 pc)
{
	for (u32 i = 0; i < c->nr_jumps; i++) {
		const struct case_jump *jump = &c->jumps[i];

		if ((jump->is_call || jump->is_func) &&
		    jump->pc + 1 + c->insns[jump->pc].imm == pc)
			return true;
	}
	return false;
}

static inline void case_btf_func(struct case_btf *b, const char *name, u32 pc, u32 nr_args,
				 u32 linkage, u32 type_int)
{
	const struct maker_param params[5] = {
		{ "a", type_int }, { "b", type_int }, { "c", type_int },
		{ "d", type_int }, { "e", type_int },
	};

	b->func_info[b->nr_func_info++] = (struct bpf_func_info){
		.insn_off = pc,
		.type_id = maker_func(&b->maker, name, linkage, type_int, params, nr_args),
	};
}

static inline bool case_takes_address(const struct corpus_case *c)
{
	for (u32 i = 0; i < c->nr_jumps; i++) {
		if (c->jumps[i].is_func)
			return true;
	}
	return false;
}

/* NULL: the case needs none.  Functions are in the order of their places, as asked for. */
static inline struct case_btf *case_btf_make(const struct corpus_case *c)
{
	struct case_btf *b;
	u32 type_int;

	if (!c->nr_globals && !case_takes_address(c))
		return NULL;
	b = calloc(1, sizeof(*b));
	if (!b)
		abort();
	maker_init(&b->maker);
	type_int = maker_int(&b->maker, "int", 4, BTF_INT_SIGNED);
	case_btf_func(b, "main", 0, 0, BTF_FUNC_GLOBAL, type_int);
	for (u32 i = 0; i < c->nr_labels; i++) {
		const struct case_label *global = case_global(c, c->labels[i].name);

		if (!case_is_subprog(c, c->labels[i].pc))
			continue;
		case_btf_func(b, c->labels[i].name, c->labels[i].pc, global ? global->pc : 5,
			      global ? BTF_FUNC_GLOBAL : BTF_FUNC_STATIC, type_int);
	}
	b->data = maker_image(&b->maker, &b->size);
	return b;
}

/* --- values with special fields ---------------------------------------------------------------- */

static inline bool case_map_has_btf(const struct case_map *map)
{
	return map->has_timer || map->has_wq || map->has_lock || map->type == BPF_MAP_TYPE_TASK_STORAGE;
}

static inline u32 case_special(struct btf_maker *m, const char *name)
{
	u32 type_u64 = maker_int(m, "u64", 8, 0), id = maker_struct(m, name, 16, 2);

	maker_member(m, "a", type_u64, 0);
	maker_member(m, "b", type_u64, 8);
	return id;
}

static inline u32 case_lock(struct btf_maker *m)
{
	u32 id = maker_struct(m, "bpf_spin_lock", 4, 1);

	maker_member(m, "val", 1, 0);
	return id;
}

struct case_map_btf {
	void *data;		/* to be freed */
	u32 size;
	u32 key_id, value_id;
};

/* The types of a map's key and value: an int, and a struct with what was asked for. */
static inline void case_map_btf_make(const struct case_map *map, struct case_map_btf *ret)
{
	struct btf_maker *m = calloc(1, sizeof(*m));
	u32 timer, wq, lock = 0;

	if (!m)
		abort();
	maker_init(m);
	ret->key_id = maker_int(m, "int", 4, BTF_INT_SIGNED);
	timer = case_special(m, "bpf_timer");
	wq = case_special(m, "bpf_wq");
	if (map->has_lock)
		lock = case_lock(m);
	ret->value_id = maker_struct(m, "value", map->value_size,
				     map->has_timer + map->has_wq + map->has_lock);
	if (map->has_timer && (!map->has_wq || map->timer < map->wq))
		maker_member(m, "timer", timer, map->timer);
	if (map->has_wq)
		maker_member(m, "wq", wq, map->wq);
	if (map->has_timer && map->has_wq && map->timer >= map->wq)
		maker_member(m, "timer", timer, map->timer);
	/* Behind the others. */
	if (map->has_lock)
		maker_member(m, "lock", lock, map->lock);
	ret->data = maker_image(m, &ret->size);
	free(m);
}

#endif
