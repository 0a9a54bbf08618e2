/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/helper/callback.c - helpers that call a function of the program
 *
 * The verifier has seen to it that the function takes what it is given and
 * returns 0 (go on) or 1 (stop).
 */
#include <errno.h>

#include "bpf/core/func.h"
#include "bpf/helper/helper.h"
#include "bpf/map/map.h"

#define LOOP_MAX (8u << 20)	/* as in the kernel */

/* how often, callback(index, context), context, flags */
HELPER(helper_loop)
{
	const struct bpf_func *callback = (const struct bpf_func *)r2;
	u32 nr = r1;

	if (r4)
		return -EINVAL;
	if (nr > LOOP_MAX)
		return -E2BIG;
	for (u32 i = 0; i < nr; i++)
		if (bpf_func_call(callback, i, r3, 0, 0))
			return i + 1;
	return nr;
}

struct each {
	struct bpf_map *map;
	const struct bpf_func *callback;
	u64 ctx;
};

static u64 call_each(void *arg, const void *key, void *value)
{
	const struct each *each = arg;

	return bpf_func_call(each->callback, (u64)each->map, (u64)key, (u64)value, each->ctx);
}

/* map, callback(map, key, value, context), context, flags */
HELPER(helper_for_each_map_elem)
{
	struct each each = {
		.map = (struct bpf_map *)r1,
		.callback = (const struct bpf_func *)r2,
		.ctx = r3,
	};

	if (r4)
		return -EINVAL;
	return each.map->ops->for_each(each.map, call_each, &each);
}
