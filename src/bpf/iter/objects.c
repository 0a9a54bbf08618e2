/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/iter/objects.c - all maps, programs and links, by their ids
 *
 * The object at hand is held while it is shown; between two reads only its id
 * is kept, so the walk goes on with whatever comes then.
 */
#include "bpf/core/object.h"
#include "bpf/core/view.h"
#include "bpf/iter/iter.h"

struct state {
	u32 id;		/* of the object at hand, or the last one that was */
	bool standing;	/* it was not shown yet */
	struct object_view view;
};

_Static_assert(sizeof(struct state) <= ITER_STATE_BYTES, "state fits");

static struct object *first_after(struct state *s, enum object_kind kind, u32 id)
{
	struct object *obj = NULL;

	/* One that has gone in between is not there. */
	while (!obj && (id = object_next_id(kind, id)))
		obj = object_by_id(kind, id);
	if (obj)
		s->id = obj->id;
	return obj;
}

static void *start(struct state *s, enum object_kind kind)
{
	object_sweep(UINT32_MAX);
	return first_after(s, kind, s->standing ? s->id - 1 : s->id);
}

static void *start_map(void *state)
{
	return start(state, OBJECT_MAP);
}

static void *start_prog(void *state)
{
	return start(state, OBJECT_PROG);
}

static void *start_link(void *state)
{
	return start(state, OBJECT_LINK);
}

static void *next(void *state, void *at)
{
	struct object *obj = at;
	void *after = first_after(state, obj->ops->kind, obj->id);

	object_put(obj);
	return after;
}

static void stop(void *state, void *obj)
{
	struct state *s = state;

	s->standing = obj;
	if (obj)
		object_put(obj);
}

static struct object_view *view_of(struct state *s, struct object *obj)
{
	obj->ops->view(obj, &s->view);
	return &s->view;
}

static void show_map(void *state, void *obj, u64 *words)
{
	words[0] = (uintptr_t)&view_of(state, obj)->map;
}

static void show_prog(void *state, void *obj, u64 *words)
{
	words[0] = (uintptr_t)&view_of(state, obj)->prog;
}

static void show_link(void *state, void *obj, u64 *words)
{
	words[0] = (uintptr_t)&view_of(state, obj)->link;
}

const struct iter_ops iter_ops_map = {
	.start = start_map, .next = next, .stop = stop, .show = show_map,
};

const struct iter_ops iter_ops_prog = {
	.start = start_prog, .next = next, .stop = stop, .show = show_prog,
};

const struct iter_ops iter_ops_link = {
	.start = start_link, .next = next, .stop = stop, .show = show_link,
};
