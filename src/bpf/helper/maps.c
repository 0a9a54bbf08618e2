/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/helper/maps.c - maps and ring buffers, for programs
 *
 * The verifier has seen to it that the map's type has the operation.
 */
#include "bpf/helper/helper.h"
#include "bpf/map/map.h"

static struct bpf_map *map_arg(u64 reg)
{
	return (struct bpf_map *)reg;
}

/* map, key */
HELPER(helper_map_lookup_elem)
{
	return (u64)map_arg(r1)->ops->lookup(map_arg(r1), (const void *)r2);
}

/* map, key, cpu */
HELPER(helper_map_lookup_percpu_elem)
{
	return (u64)map_arg(r1)->ops->lookup_cpu(map_arg(r1), (const void *)r2, r3);
}

/* map, key, value, flags */
HELPER(helper_map_update_elem)
{
	return map_arg(r1)->ops->update(map_arg(r1), (const void *)r2, (const void *)r3, r4);
}

/* map, key */
HELPER(helper_map_delete_elem)
{
	return map_arg(r1)->ops->delete(map_arg(r1), (const void *)r2);
}

/* map, data, size, flags */
HELPER(helper_ringbuf_output)
{
	return ringbuf_output(map_arg(r1), (const void *)r2, r3, r4);
}

/* map, size, flags */
HELPER(helper_ringbuf_reserve)
{
	return r3 ? 0 : (u64)ringbuf_reserve(map_arg(r1), r2);
}

/* record, flags */
HELPER(helper_ringbuf_submit)
{
	ringbuf_submit((void *)r1, r2);
	return 0;
}

/* record, flags */
HELPER(helper_ringbuf_discard)
{
	ringbuf_discard((void *)r1, r2);
	return 0;
}

/* map, what */
HELPER(helper_ringbuf_query)
{
	return ringbuf_query(map_arg(r1), r2);
}
