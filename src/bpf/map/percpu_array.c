/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/map/percpu_array.c - an array for each CPU
 *
 * A program sees the values of the CPU it is on when it looks; from outside a value is
 * those of all CPUs, one behind the other.  So programs on different CPUs write to
 * different lines of memory.
 *
 * Nothing keeps a thread on its CPU between the lookup and what it does then, or another
 * one off it: two may have the same place at the same time.  A count that must be exact
 * is added to atomically, which is cheap where nobody else does.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/context.h"
#include "bpf/map/array.h"

#define PERCPU_FLAGS (BPF_F_NUMA_NODE | MAP_ACCESS_FLAGS)

struct percpu_array_map {
	struct bpf_map	map;
	u8		*values;	/* I */
	u64		cpu_bytes;	/* I: from one CPU's values to the next one's */
	u32		stride;		/* I */
};

static struct percpu_array_map *array_of(struct bpf_map *map)
{
	return container_of(map, struct percpu_array_map, map);
}

static int percpu_accepts(const struct map_spec *spec)
{
	int err = spec->flags & ~PERCPU_FLAGS ? -EINVAL : array_check_sizes(spec);

	if (!err && spec->flags & BPF_F_NUMA_NODE)
		err = -EINVAL;
	if (!err && map_value_stride(spec) > PERCPU_MAX_VALUE_BYTES)
		err = -E2BIG;
	return err;
}

static int percpu_create(const struct map_spec *spec, struct bpf_map **ret_map, int *ret_memfd)
{
	u64 page = map_page_bytes();
	struct percpu_array_map *array = calloc(1, sizeof(*array));
	int memfd;

	if (!array)
		return -ENOMEM;
	array->stride = map_value_stride(spec);
	array->cpu_bytes = ((u64)array->stride * spec->max_entries + page - 1) & ~(page - 1);
	array->values = mmap(NULL, array->cpu_bytes * map_nr_cpus(), PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (array->values == MAP_FAILED) {
		free(array);
		return -ENOMEM;
	}
	memfd = object_memfd_create(&map_object_ops, 0);
	if (memfd < 0) {
		munmap(array->values, array->cpu_bytes * map_nr_cpus());
		free(array);
		return memfd;
	}
	*ret_map = &array->map;
	*ret_memfd = memfd;
	return 0;
}

static void percpu_free(struct bpf_map *map)
{
	struct percpu_array_map *array = array_of(map);

	munmap(array->values, array->cpu_bytes * map_nr_cpus());
	free(array);
}

static void *value_on(const struct percpu_array_map *array, u32 index, u32 cpu)
{
	return array->values + cpu * array->cpu_bytes + (u64)index * array->stride;
}

static void *percpu_lookup(struct bpf_map *map, const void *key)
{
	u32 index = array_index(key);

	return index < map->spec.max_entries ? value_on(array_of(map), index, map_this_cpu()) : NULL;
}

static void *percpu_lookup_cpu(struct bpf_map *map, const void *key, u32 cpu)
{
	u32 index = array_index(key);

	if (index >= map->spec.max_entries || cpu >= map_nr_cpus())
		return NULL;
	return value_on(array_of(map), index, cpu);
}

/* By a program: on its CPU. */
static int percpu_update(struct bpf_map *map, const void *key, const void *value, u64 flags)
{
	int err = array_check_update(map, key, flags);

	if (!err)
		map_copy_value(percpu_lookup(map, key), value, map->spec.value_size);
	return err;
}

/* What is behind a value up to the next CPU's is zero. */
static void read_all(const struct percpu_array_map *array, u32 index, void *ret_values)
{
	for (u32 cpu = 0; cpu < map_nr_cpus(); cpu++)
		map_copy_value((u8 *)ret_values + (u64)cpu * array->stride,
			       value_on(array, index, cpu), array->stride);
}

static int percpu_read(struct bpf_map *map, const void *key, void *ret_values)
{
	u32 index = array_index(key);

	if (index >= map->spec.max_entries)
		return -ENOENT;
	read_all(array_of(map), index, ret_values);
	return 0;
}

static int percpu_elem_at(struct bpf_map *map, u32 *at, u32 nth, const void **ret_key,
			  void **ret_value)
{
	if (*at >= map->spec.max_entries)
		return -ERANGE;
	if (nth)
		return -ENOENT;
	*ret_key = NULL;
	*ret_value = value_on(array_of(map), *at, 0);
	return 0;
}

static void percpu_read_cpus(struct bpf_map *map, const void *value, void *ret_values)
{
	struct percpu_array_map *array = array_of(map);

	read_all(array, ((const u8 *)value - array->values) / array->stride, ret_values);
}

static int percpu_write(struct bpf_map *map, const void *key, const void *values, u64 flags)
{
	struct percpu_array_map *array = array_of(map);
	int err = flags & BPF_F_LOCK ? -EINVAL : array_check_update(map, key, flags);

	for (u32 cpu = 0; !err && cpu < map_nr_cpus(); cpu++)
		map_copy_value(value_on(array, array_index(key), cpu),
			       (const u8 *)values + (u64)cpu * array->stride, array->stride);
	return err;
}

static u64 percpu_for_each(struct bpf_map *map, map_visit visit, void *arg)
{
	u32 i = 0;

	while (i < map->spec.max_entries) {
		u32 key = i++;

		if (visit(arg, &key, value_on(array_of(map), key, map_this_cpu())))
			break;
	}
	return i;
}

const struct map_ops map_percpu_array_ops = {
	.per_cpu = true,
	.one_size = true,
	.accepts = percpu_accepts,
	.check_btf = array_check_btf,
	.create = percpu_create,
	.free = percpu_free,
	.lookup = percpu_lookup,
	.lookup_cpu = percpu_lookup_cpu,
	.update = percpu_update,
	.read = percpu_read,
	.write = percpu_write,
	.delete = array_delete,
	.next_key = array_next_key,
	.elem_at = percpu_elem_at,
	.read_cpus = percpu_read_cpus,
	.for_each = percpu_for_each,
};
