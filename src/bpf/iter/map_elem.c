/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/iter/map_elem.c - all elements of one map; programs may change the values
 *
 * A read is one read section, so elements stay while they are shown, and the next one is
 * found from the one at hand even if that has been taken out: a program may delete what it
 * is shown.  Between two reads the place is kept: an element may be met twice, or not at
 * all, if others come and go in its place meanwhile.
 */
#include <errno.h>
#include <stdlib.h>

#include "bpf/core/object.h"
#include "bpf/core/view.h"
#include "bpf/iter/iter.h"
#include "bpf/map/map.h"
#include "bpf/map/rcu.h"

struct state {
	struct bpf_map *map;
	u32 at, nth;		/* the place of the element at hand, and which there */
	const void *key;
	void *value;
	void *cpus;		/* of a per-CPU map: the values of all at hand; they are a copy */
	struct object_view view;
};

_Static_assert(sizeof(struct state) <= ITER_STATE_BYTES, "state fits");

/* Only elements that lie still: no others have programs pointers to. */
static bool takes_map(const struct bpf_map *map)
{
	return map->ops->elem_at;
}

static int open_walk(void *state, const struct iter_bind *bind)
{
	struct state *s = state;

	s->map = bind->map;
	s->map->obj.ops->view(&s->map->obj, &s->view);
	if (!s->map->ops->per_cpu)
		return 0;
	s->cpus = malloc(map_user_value_bytes(s->map));
	return s->cpus ? 0 : -ENOMEM;
}

static void close_walk(void *state)
{
	struct state *s = state;

	free(s->cpus);
}

/* The element at ->at, ->nth, or the first behind. */
static void *find(struct state *s)
{
	int err;

	while ((err = s->map->ops->elem_at(s->map, &s->at, s->nth, &s->key, &s->value)) == -ENOENT) {
		s->at++;
		s->nth = 0;
	}
	/* An array's key is its place. */
	if (!err && !s->key)
		s->key = &s->at;
	return err ? NULL : s;
}

static void *start(void *state)
{
	map_rcu_read_lock();
	return find(state);
}

static void *next(void *state, void *obj)
{
	struct state *s = state;
	const struct map_ops *ops = s->map->ops;

	s->nth++;
	if (!ops->elem_behind)
		return find(s);
	if (!ops->elem_behind(s->map, s->key, &s->key, &s->value))
		return s;
	s->at++;
	s->nth = 0;
	return find(s);
}

/* Where the element at hand stands now; what was before it may have been taken out. */
static void find_nth(struct state *s)
{
	const void *key;
	void *value;
	u32 at = s->at;

	for (u32 i = 0; !s->map->ops->elem_at(s->map, &at, i, &key, &value); i++)
		if (value == s->value)
			s->nth = i;
}

static void stop(void *state, void *obj)
{
	struct state *s = state;

	if (obj && s->map->ops->elem_behind)
		find_nth(s);
	map_rcu_read_unlock();
}

/* The program may write it, which changes nothing but a copy's. */
static void *value_to_show(struct state *s)
{
	if (!s->cpus)
		return s->value;
	s->map->ops->read_cpus(s->map, s->value, s->cpus);
	return s->cpus;
}

static void show(void *state, void *obj, u64 *words)
{
	struct state *s = state;

	words[0] = (uintptr_t)&s->view.map;
	words[1] = obj ? (uintptr_t)s->key : 0;
	words[2] = obj ? (uintptr_t)value_to_show(s) : 0;
}

const struct iter_ops iter_ops_map_elem = {
	.takes_map = takes_map,
	.open = open_walk, .start = start, .next = next, .stop = stop, .close = close_walk,
	.show = show,
};
