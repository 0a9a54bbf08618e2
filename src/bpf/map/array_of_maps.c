/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/map/array_of_maps.c - maps in a row, found by index
 *
 * Changed through bpf(2) only.  Programs look maps up, in any context.
 *
 * Invariant: a place holds one reference to what is in it.
 * Ordering:  inner.publish -> inner.observe (docs/memory-model.md).
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "base/context.h"
#include "bpf/map/array.h"
#include "bpf/map/inner.h"

#define OUTER_FLAGS (BPF_F_NUMA_NODE | BPF_F_RDONLY | BPF_F_WRONLY)

struct array_of_maps {
	struct bpf_map	map;
	struct bpf_map	**slots;	/* A each: NULL: nothing is there */
	u64		bytes;
};

static struct array_of_maps *array_of(struct bpf_map *map)
{
	return container_of(map, struct array_of_maps, map);
}

static int outer_accepts(const struct map_spec *spec)
{
	int err = inner_check_spec(spec);

	err = err ?: spec->flags & ~OUTER_FLAGS ? -EINVAL : 0;
	return err ?: array_check_sizes(spec);
}

static int outer_create(const struct map_spec *spec, struct bpf_map **ret_map, int *ret_memfd)
{
	struct array_of_maps *array = calloc(1, sizeof(*array));
	int memfd;

	if (!array)
		return -ENOMEM;
	array->bytes = spec->max_entries * sizeof(array->slots[0]);
	array->slots = mmap(NULL, array->bytes, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	memfd = array->slots == MAP_FAILED ? -ENOMEM : object_memfd_create(&map_object_ops, 0);
	if (memfd < 0) {
		if (array->slots != MAP_FAILED)
			munmap(array->slots, array->bytes);
		free(array);
		return memfd;
	}
	*ret_map = &array->map;
	*ret_memfd = memfd;
	return 0;
}

static void outer_free(struct bpf_map *map)
{
	struct array_of_maps *array = array_of(map);

	for (u32 i = 0; i < map->spec.max_entries; i++)
		map_put(array->slots[i]);
	munmap(array->slots, array->bytes);
	free(array);
}

static struct bpf_map *observe(struct array_of_maps *array, u32 index)
{
	/*
	 * ORDER inner.observe (acquire): the map is used after the pointer to it was
	 * read.  Pairs with inner.publish in replace().
	 */
	return load_acquire(&array->slots[index]);
}

/* The old one's reference is the caller's. */
static struct bpf_map *replace(struct array_of_maps *array, u32 index, struct bpf_map *inner)
{
	/*
	 * ORDER inner.publish (acq_rel): the map is complete before programs find it.
	 * Pairs with inner.observe in observe().
	 */
	return xchg_acq_rel(&array->slots[index], inner);
}

static void *outer_lookup(struct bpf_map *map, const void *key)
{
	u32 index = array_index(key);

	return index < map->spec.max_entries ? observe(array_of(map), index) : NULL;
}

static int outer_read(struct bpf_map *map, const void *key, void *ret_value)
{
	const struct bpf_map *inner = outer_lookup(map, key);

	if (!inner)
		return -ENOENT;
	*(u32 *)ret_value = inner_id(inner);
	return 0;
}

static int outer_write(struct bpf_map *map, const void *key, const void *value, u64 flags)
{
	u32 index = array_index(key);
	struct bpf_map *inner;
	int err;

	ctx_thread();
	if (flags != BPF_ANY)
		return -EINVAL;
	if (index >= map->spec.max_entries)
		return -E2BIG;
	err = inner_by_fd(map, *(const int *)value, &inner);
	if (!err)
		map_put(replace(array_of(map), index, inner));
	return err;
}

static int outer_delete(struct bpf_map *map, const void *key)
{
	u32 index = array_index(key);
	struct bpf_map *inner;

	ctx_thread();
	if (index >= map->spec.max_entries)
		return -E2BIG;
	inner = replace(array_of(map), index, NULL);
	map_put(inner);
	return inner ? 0 : -ENOENT;
}

const struct map_ops map_array_of_maps_ops = {
	.has_maps = true,
	.accepts = outer_accepts,
	.check_btf = inner_check_btf,
	.create = outer_create,
	.free = outer_free,
	.lookup = outer_lookup,
	.read = outer_read,
	.update = outer_write,
	.delete = outer_delete,
	.next_key = array_next_key,
};
