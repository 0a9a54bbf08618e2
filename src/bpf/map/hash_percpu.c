/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/map/hash_percpu.c - a hash whose elements have a value for each CPU
 *
 * A program sees the value of the CPU it is on when it looks; from outside a value is
 * those of all CPUs, one behind the other.  Each CPU's lie in lines of memory of their own.
 *
 * An update writes into the element that is there, so what other CPUs have in it stays, and
 * who stands on it goes on with the same place.
 *
 * Nothing keeps a thread on its CPU between the lookup and what it does then: see
 * percpu_array.c.
 */
#include <errno.h>
#include <string.h>

#include "base/context.h"
#include "bpf/map/hash.h"

#define LINE_BYTES 64u
#define EVERY_CPU UINT32_MAX

static u64 cpu_stride(const struct map_spec *spec)
{
	return (map_value_stride(spec) + LINE_BYTES - 1) & ~(u64)(LINE_BYTES - 1);
}

static u64 cpus_room(const struct map_spec *spec)
{
	return cpu_stride(spec) * map_nr_cpus();
}

static void *value_on(const struct hash_map *hash, struct hash_elem *elem, u32 cpu)
{
	return (u8 *)elem_value(hash, elem) + cpu * cpu_stride(&hash->map.spec);
}

/* What is behind a value up to the next CPU's is zero. */
static void cpus_show(struct hash_map *hash, void *dst, struct hash_elem *elem)
{
	u32 stride = map_value_stride(&hash->map.spec);

	for (u32 cpu = 0; cpu < map_nr_cpus(); cpu++)
		map_copy_value((u8 *)dst + (u64)cpu * stride, value_on(hash, elem, cpu), stride);
}

static const struct hash_values cpus_values = {
	.align = LINE_BYTES, .room = cpus_room, .show = cpus_show,
};

static int cpus_accepts(const struct map_spec *spec)
{
	int err = spec->flags & BPF_F_NUMA_NODE ? -EINVAL : hash_check(spec);

	return err ?: map_value_stride(spec) > PERCPU_MAX_VALUE_BYTES ? -E2BIG : 0;
}

static int cpus_create(const struct map_spec *spec, struct bpf_map **ret_map, int *ret_memfd)
{
	return hash_make(spec, &cpus_values, ret_map, ret_memfd);
}

static void *cpus_lookup(struct bpf_map *map, const void *key)
{
	struct hash_map *hash = hash_of(map);
	struct hash_elem *elem = hash_lookup_elem(hash, key);

	return elem ? value_on(hash, elem, map_this_cpu()) : NULL;
}

static void *cpus_lookup_cpu(struct bpf_map *map, const void *key, u32 cpu)
{
	struct hash_map *hash = hash_of(map);
	struct hash_elem *elem = cpu < map_nr_cpus() ? hash_lookup_elem(hash, key) : NULL;

	return elem ? value_on(hash, elem, cpu) : NULL;
}

/* --- change ------------------------------------------------------------------------------- */

/* @cpu: whose value @value is, or EVERY_CPU: it is those of all, in a row. */
static void write_value(struct hash_map *hash, struct hash_elem *elem, const void *value, u32 cpu)
{
	const struct map_spec *spec = &hash->map.spec;
	const u8 *from = value;

	if (cpu != EVERY_CPU) {
		map_copy_value(value_on(hash, elem, cpu), value, spec->value_size);
		return;
	}
	for (cpu = 0; cpu < map_nr_cpus(); cpu++, from += map_value_stride(spec))
		map_copy_value(value_on(hash, elem, cpu), from, spec->value_size);
}

/* -ENOENT: there is no such element. */
static int write_in_place(struct hash_map *hash, u32 h, const void *key, const void *value,
			  u32 cpu, u64 flags)
{
	struct hash_bucket *bucket = bucket_of(hash, h);
	struct hash_elem *elem;

	if (!bucket_lock(bucket))
		return -EBUSY;
	elem = hash_find(hash, h, key);
	if (elem && flags != BPF_NOEXIST)
		write_value(hash, elem, value, cpu);
	mutex_unlock(&bucket->lock);
	if (!elem)
		return -ENOENT;
	return flags == BPF_NOEXIST ? -EEXIST : 0;
}

/* Other CPUs begin with zero. */
static int insert_new(struct hash_map *hash, u32 h, const void *key, const void *value, u32 cpu)
{
	struct hash_elem *elem = elem_create(hash, h, key);

	if (!elem)
		return -ENOMEM;
	memset(elem_value(hash, elem), 0, cpus_room(&hash->map.spec));
	write_value(hash, elem, value, cpu);
	return hash_insert(hash, elem, BPF_NOEXIST);
}

static int change(struct hash_map *hash, const void *key, const void *value, u32 cpu, u64 flags)
{
	u32 h = hash_key(hash, key);
	int err;

	if (flags > BPF_EXIST)
		return -EINVAL;
	/* Again when somebody else has put the key in between the two steps. */
	do {
		err = write_in_place(hash, h, key, value, cpu, flags);
		if (err != -ENOENT || flags == BPF_EXIST)
			return err;
		err = insert_new(hash, h, key, value, cpu);
	} while (err == -EEXIST && flags != BPF_NOEXIST);
	return err;
}

/* By a program: on its CPU. */
static int cpus_update(struct bpf_map *map, const void *key, const void *value, u64 flags)
{
	ctx_any();
	return change(hash_of(map), key, value, map_this_cpu(), flags);
}

static int cpus_write(struct bpf_map *map, const void *key, const void *values, u64 flags)
{
	ctx_thread();
	return change(hash_of(map), key, values, EVERY_CPU, flags);
}

/* --- walks -------------------------------------------------------------------------------- */

struct visit_here {
	struct hash_map *hash;
	map_visit visit;
	void *arg;
};

static u64 visit_here(void *arg, const void *key, void *value)
{
	const struct visit_here *v = arg;
	struct hash_elem *elem = elem_of_value(v->hash, value);

	return v->visit(v->arg, key, value_on(v->hash, elem, map_this_cpu()));
}

static u64 cpus_for_each(struct bpf_map *map, map_visit visit, void *arg)
{
	struct visit_here v = { .hash = hash_of(map), .visit = visit, .arg = arg };

	return hash_for_each(map, visit_here, &v);
}

static void cpus_read(struct bpf_map *map, const void *value, void *ret_values)
{
	struct hash_map *hash = hash_of(map);

	cpus_show(hash, ret_values, elem_of_value(hash, value));
}

#define COMMON_OPS                                                                   \
	.per_cpu = true, \
	.accepts = cpus_accepts, \
	.round = hash_round, \
	.check_btf = hash_check_btf, \
	.create = cpus_create, \
	.free = hash_free, \
	.lookup = cpus_lookup, \
	.lookup_cpu = cpus_lookup_cpu, \
	.update = cpus_update, \
	.delete = hash_delete, \
	.read = hash_read, \
	.write = cpus_write, \
	.lookup_and_delete = hash_lookup_and_delete, \
	.next_key = hash_next_key, \
	.elems_at = hash_elems_at, \
	.elem_at = hash_elem_at, \
	.elem_behind = hash_elem_behind, \
	.read_cpus = cpus_read, \
	.for_each = cpus_for_each, \
	.nr_elems = hash_nr_elems

const struct map_ops map_percpu_hash_ops = { COMMON_OPS };
const struct map_ops map_lru_percpu_hash_ops = { COMMON_OPS };
