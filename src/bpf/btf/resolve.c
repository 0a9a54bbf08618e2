/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/btf/resolve.c - modifiers, sizes, and that nothing contains itself
 *
 * Types form a graph.  "Contains by value" (members, elements, modifiers) must
 * have no circle, or there would be no size; pointers may lead back to a
 * struct, but pointers and modifiers alone may not form a circle either, or
 * there would be nothing at its end.
 *
 * Both walks keep their own stack, for the graph is somebody else's.
 */
#include <errno.h>
#include <stdlib.h>

#include "bpf/btf/internal.h"

enum color { WHITE, GREY, BLACK };

struct visit {
	u32 id;
	u32 next_child;
};

struct walk {
	const struct btf_check *c;
	u8 *color;		/* [id - first_id] */
	struct visit *stack;	/* a type is on it once at most */
	u32 depth;
};

/* The @i-th type that @t contains by value. */
static bool child_of(const struct btf_type *t, u32 i, u32 *ret_id)
{
	switch (btf_kind(t)) {
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		if (i >= btf_vlen(t))
			return false;
		*ret_id = btf_members(t)[i].type;
		return true;
	case BTF_KIND_ARRAY:
		*ret_id = btf_array(t)->type;
		return i == 0;
	case BTF_KIND_VAR:
		*ret_id = t->type;
		return i == 0;
	default:
		*ret_id = t->type;
		return i == 0 && btf_kind_rules[btf_kind(t)].is_modifier;
	}
}

static int array_bytes(const struct btf_check *c, u32 id, const struct btf_type *t, u32 *ret_bytes)
{
	const struct btf_array *a = btf_array(t);
	u32 elem = btf_bytes(c->btf, a->type);

	if (elem == BTF_NO_SIZE)
		return btf_bad(c, id, "Invalid elem");
	if ((u64)elem * a->nelems > INT32_MAX)
		return btf_bad(c, id, "Array size overflows u32");
	*ret_bytes = elem * a->nelems;
	return 0;
}

/* All that @id contains is done. */
static int finish(const struct btf_check *c, u32 id)
{
	struct btf *btf = c->btf;
	const struct btf_type *t = btf_type(btf, id);
	u32 at = id - btf->first_id;

	btf->target[at] = id;
	btf->bytes[at] = BTF_NO_SIZE;
	if (btf_kind_rules[btf_kind(t)].is_modifier) {
		btf->target[at] = btf_skip_mods(btf, t->type);
		btf->bytes[at] = btf_bytes(btf, t->type);
	} else if (btf_kind_rules[btf_kind(t)].word == BTF_WORD_SIZE) {
		btf->bytes[at] = t->size;
	} else if (btf_kind(t) == BTF_KIND_PTR) {
		btf->bytes[at] = sizeof(u64);
	} else if (btf_kind(t) == BTF_KIND_ARRAY) {
		return array_bytes(c, id, t, &btf->bytes[at]);
	}
	return 0;
}

static void enter(struct walk *w, u32 id)
{
	w->color[id - w->c->btf->first_id] = GREY;
	w->stack[w->depth++] = (struct visit){ .id = id };
}

static int visit_child(struct walk *w, u32 parent, u32 id)
{
	const struct btf *btf = w->c->btf;

	if (!id || id < btf->first_id || w->color[id - btf->first_id] == BLACK)
		return 0;
	if (w->color[id - btf->first_id] == GREY)
		return btf_bad(w->c, parent, "Loop detected");
	enter(w, id);
	return 0;
}

static int walk_from(struct walk *w, u32 id)
{
	const struct btf *btf = w->c->btf;
	int err = 0;

	enter(w, id);
	while (!err && w->depth) {
		struct visit *top = &w->stack[w->depth - 1];
		u32 child;

		if (child_of(btf_type(btf, top->id), top->next_child, &child)) {
			top->next_child++;
			err = visit_child(w, top->id, child);
			continue;
		}
		err = finish(w->c, top->id);
		w->color[top->id - btf->first_id] = BLACK;
		w->depth--;
	}
	return err;
}

/* Pointers and modifiers have one way to go, so a circle is found by going it. */
static int check_chains(const struct btf_check *c, u32 *mark)
{
	const struct btf *btf = c->btf;

	for (u32 start = max(btf->first_id, 1u); start < btf->nr_types; start++) {
		for (u32 id = start; id >= max(btf->first_id, 1u);) {
			const struct btf_type *t = btf_type(btf, id);
			u32 *m = &mark[id - btf->first_id];

			if (btf_kind(t) != BTF_KIND_PTR && !btf_kind_rules[btf_kind(t)].is_modifier)
				break;
			if (*m == start)
				return btf_bad(c, id, "Loop detected");
			if (*m)
				break;
			*m = start;
			id = t->type;
		}
	}
	return 0;
}

/**
 * btf_resolve - fill ->target and ->bytes
 * @c: every shape has been checked, so every id is one
 *
 * Context: may sleep.
 * Return:  0, -EINVAL (a circle, an array of nothing or too large) or -ENOMEM.
 */
int btf_resolve(const struct btf_check *c)
{
	const struct btf *btf = c->btf;
	u32 nr = btf->nr_types - btf->first_id;
	struct walk w = { .c = c };
	u32 *mark;
	int err = 0;

	w.color = calloc(nr + 1, sizeof(*w.color));
	w.stack = calloc(nr + 1, sizeof(*w.stack));
	mark = calloc(nr + 1, sizeof(*mark));
	if (!w.color || !w.stack || !mark)
		err = -ENOMEM;
	for (u32 id = max(btf->first_id, 1u); !err && id < btf->nr_types; id++)
		if (w.color[id - btf->first_id] == WHITE)
			err = walk_from(&w, id);
	err = err ?: check_chains(c, mark);
	free(w.color);
	free(w.stack);
	free(mark);
	return err;
}
