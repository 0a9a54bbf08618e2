/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/map/stack_trace.c - stacks, found by a number made of what they are
 *
 * A bucket is one word: the number of a block with a stack, and how often the bucket
 * has changed.  A stack is written before its bucket shows it and not changed
 * afterwards; when it is taken out its block may be used again at once.  So who has
 * read a stack looks at the bucket once more: unchanged, the stack was there all the
 * time.
 *
 * Invariant: a block is in one bucket, or being filled, or in the pool.
 * Ordering:  stack.publish -> stack.observe, stack.fill -> stack.read
 *            (docs/memory-model.md).
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/atomic.h"
#include "base/context.h"
#include "bpf/map/hash_fn.h"
#include "bpf/map/map.h"
#include "bpf/map/pool.h"
#include "bpf/map/stack_trace.h"

#define STACK_FLAGS (BPF_F_NUMA_NODE | BPF_F_RDONLY | BPF_F_WRONLY)
#define ID_FLAGS (BPF_F_SKIP_FIELD_MASK | BPF_F_USER_STACK | BPF_F_FAST_STACK_CMP | \
		  BPF_F_REUSE_STACKID)

/* A: all but the pool's; written by the one who took the block. */
struct stack {
	u32 pool_link;
	u32 nr;
	u32 hash;
	u32 unused;
	u64 ips[];
};

struct stack_map {
	struct bpf_map	map;
	u64		*buckets;	/* A: changes << 32 | number of a block, 0: none */
	u32		mask;		/* buckets, a power of two, less one */
	struct map_pool	pool;
};

static struct stack_map *stacks_of(struct bpf_map *map)
{
	return container_of(map, struct stack_map, map);
}

static int stack_accepts(const struct map_spec *spec)
{
	if (spec->flags & ~STACK_FLAGS)
		return -EINVAL;
	if (!spec->max_entries || spec->key_size != sizeof(u32) || spec->value_size < 8 ||
	    spec->value_size % 8 || spec->value_size / 8 > STACK_TRACE_MAX_DEPTH)
		return -EINVAL;
	return spec->max_entries > 1u << 31 ? -E2BIG : 0;
}

static int stack_check_btf(const struct map_spec *spec)
{
	return -ENOTSUPP;
}

static u64 bucket_count(u32 max_entries)
{
	u64 nr = 1;

	while (nr < max_entries)
		nr *= 2;
	return nr;
}

static void stack_free(struct bpf_map *map)
{
	struct stack_map *stacks = stacks_of(map);

	map_pool_fini(&stacks->pool);
	free(stacks->buckets);
	free(stacks);
}

static int stack_create(const struct map_spec *spec, struct bpf_map **ret_map, int *ret_memfd)
{
	u64 nr_buckets = bucket_count(spec->max_entries);
	struct stack_map *stacks = calloc(1, sizeof(*stacks));
	int err;

	if (!stacks)
		return -ENOMEM;
	stacks->mask = nr_buckets - 1;
	stacks->buckets = calloc(nr_buckets, sizeof(stacks->buckets[0]));
	err = stacks->buckets ? 0 : -ENOMEM;
	err = err ?: map_pool_init(&stacks->pool, spec->max_entries,
				   sizeof(struct stack) + spec->value_size);
	if (!err) {
		*ret_memfd = object_memfd_create(&map_object_ops, 0);
		err = *ret_memfd < 0 ? *ret_memfd : 0;
	}
	if (err) {
		stack_free(&stacks->map);
		return err;
	}
	*ret_map = &stacks->map;
	return 0;
}

/* --- buckets ------------------------------------------------------------------------------ */

static u64 bucket_observe(const u64 *bucket)
{
	/*
	 * ORDER stack.observe (acquire): a stack is read after its bucket.  Pairs with
	 * stack.publish in bucket_replace().
	 */
	return load_acquire(bucket);
}

/* *@was: what was there, or is found to be there. */
static bool bucket_replace(u64 *bucket, u64 *was, u32 number)
{
	u64 is = ((*was >> 32) + 1) << 32 | number;

	/*
	 * ORDER stack.publish (acq_rel): a stack is complete before its bucket shows it,
	 * and out of the bucket before its block is used again.  Pairs with
	 * stack.observe in bucket_observe().
	 */
	return cmpxchg_acq_rel(bucket, was, is);
}

static struct stack *stack_in(const struct stack_map *stacks, u64 bucket)
{
	return (u32)bucket ? map_pool_block(&stacks->pool, (u32)bucket) : NULL;
}

static bool bucket_is(const u64 *bucket, u64 was)
{
	return READ_ONCE(*bucket) == was;
}

/*
 * ORDER stack.read (acquire): the bucket is looked at once more after this, and finds
 * that it has changed if this was written for another stack.  Pairs with stack.fill in
 * stack_fill().
 */
#define stack_load(p) load_acquire(p)

static bool stack_equals(const struct stack *stack, const u64 *ips, u32 nr, u32 hash)
{
	if (stack_load(&stack->hash) != hash || stack_load(&stack->nr) != nr)
		return false;
	for (u32 i = 0; i < nr; i++)
		if (stack_load(&stack->ips[i]) != ips[i])
			return false;
	return true;
}

static void stack_fill(struct stack *stack, const u64 *ips, u32 nr, u32 hash)
{
	/*
	 * ORDER stack.fill (release): the block was out of its old bucket before.  Who
	 * reads this through the old bucket's word finds that bucket changed.  Pairs
	 * with stack.read in stack_load().
	 */
	store_release(&stack->nr, nr);
	store_release(&stack->hash, hash);
	for (u32 i = 0; i < nr; i++)
		store_release(&stack->ips[i], ips[i]);
}

static u32 depth_of(const struct stack_map *stacks)
{
	return stacks->map.spec.value_size / 8;
}

/* --- by programs -------------------------------------------------------------------------- */

/* Is the stack that was in the bucket ours?  1, 0; -EAGAIN: it has changed meanwhile. */
static int found(const struct stack_map *stacks, const u64 *bucket, u64 was, const u64 *ips, u32 nr,
		 u32 hash, u64 flags)
{
	const struct stack *stack = stack_in(stacks, was);
	bool same = flags & BPF_F_FAST_STACK_CMP ? stack_load(&stack->hash) == hash :
						   stack_equals(stack, ips, nr, hash);

	return bucket_is(bucket, was) ? same : -EAGAIN;
}

/* *ret_old: taken out of its bucket; *ret_unused: a block that was not needed. */
static int keep(struct stack_map *stacks, const u64 *ips, u32 nr, u64 flags, struct stack **ret_old,
		struct stack **ret_unused)
{
	u32 hash = hash_bytes(0, ips, nr * sizeof(ips[0]));
	u32 id = hash & stacks->mask;
	u64 was = bucket_observe(&stacks->buckets[id]);
	struct stack *stack = NULL;
	int same;

	do {
		while ((same = (u32)was ? found(stacks, &stacks->buckets[id], was, ips, nr, hash,
						flags) : 0) < 0)
			was = bucket_observe(&stacks->buckets[id]);
		*ret_unused = stack;
		if (same)
			return id;
		if ((u32)was && !(flags & BPF_F_REUSE_STACKID))
			return -EEXIST;
		if (!stack) {
			stack = map_pool_take(&stacks->pool);
			if (!stack)
				return -ENOMEM;
			stack_fill(stack, ips, nr, hash);
		}
	} while (!bucket_replace(&stacks->buckets[id], &was,
				 map_pool_number(&stacks->pool, stack)));
	*ret_unused = NULL;
	*ret_old = stack_in(stacks, was);
	return id;
}

int stack_trace_id(struct bpf_map *map, const u64 *ips, u32 nr, u64 flags)
{
	struct stack_map *stacks = stacks_of(map);
	struct stack *old = NULL, *unused = NULL;
	u32 skip = flags & BPF_F_SKIP_FIELD_MASK;
	int id;

	ctx_any();
	if (flags & ~(u64)ID_FLAGS)
		return -EINVAL;
	if (nr > STACK_TRACE_MAX_DEPTH)
		nr = STACK_TRACE_MAX_DEPTH;
	if (nr <= skip)
		return -EFAULT;
	nr -= skip;
	if (nr > depth_of(stacks))
		nr = depth_of(stacks);
	id = keep(stacks, ips + skip, nr, flags, &old, &unused);
	if (old)
		map_pool_give(&stacks->pool, old);
	if (unused)
		map_pool_give(&stacks->pool, unused);
	return id;
}

/* --- from outside ------------------------------------------------------------------------- */

static u64 *bucket_of_key(const struct stack_map *stacks, const void *key)
{
	u32 id = READ_ONCE(*(const u32 *)key);

	return id <= stacks->mask ? &stacks->buckets[id] : NULL;
}

/* The whole value: zeros behind the stack. */
static void copy_out(const struct stack_map *stacks, const struct stack *stack, u64 *ret_ips)
{
	u32 nr = stack_load(&stack->nr);

	for (u32 i = 0; i < depth_of(stacks); i++)
		ret_ips[i] = i < nr ? stack_load(&stack->ips[i]) : 0;
}

static int stack_read(struct bpf_map *map, const void *key, void *ret_value)
{
	struct stack_map *stacks = stacks_of(map);
	const u64 *bucket = bucket_of_key(stacks, key);
	u64 was;

	if (!bucket)
		return -ENOENT;
	do {
		was = bucket_observe(bucket);
		if (!(u32)was)
			return -ENOENT;
		copy_out(stacks, stack_in(stacks, was), ret_value);
	} while (!bucket_is(bucket, was));
	return 0;
}

/* NULL: there was none. */
static struct stack *stack_take_out(struct stack_map *stacks, u64 *bucket)
{
	u64 was = bucket_observe(bucket);

	while ((u32)was && !bucket_replace(bucket, &was, 0))
		;
	return stack_in(stacks, was);
}

static int stack_lookup_and_delete(struct bpf_map *map, const void *key, void *ret_value)
{
	struct stack_map *stacks = stacks_of(map);
	u64 *bucket = bucket_of_key(stacks, key);
	struct stack *stack = bucket ? stack_take_out(stacks, bucket) : NULL;

	if (!stack)
		return -ENOENT;
	copy_out(stacks, stack, ret_value);
	map_pool_give(&stacks->pool, stack);
	return 0;
}

static int stack_delete(struct bpf_map *map, const void *key)
{
	struct stack_map *stacks = stacks_of(map);
	u64 *bucket = bucket_of_key(stacks, key);
	struct stack *stack;

	if (!bucket)
		return -E2BIG;
	stack = stack_take_out(stacks, bucket);
	if (!stack)
		return -ENOENT;
	map_pool_give(&stacks->pool, stack);
	return 0;
}

static int stack_update(struct bpf_map *map, const void *key, const void *value, u64 flags)
{
	return -EINVAL;
}

static int stack_next_key(struct bpf_map *map, const void *key, void *ret_key)
{
	struct stack_map *stacks = stacks_of(map);
	const u64 *bucket = key ? bucket_of_key(stacks, key) : NULL;
	u64 id = 0;

	if (bucket && (u32)READ_ONCE(*bucket))
		id = bucket - stacks->buckets + 1;
	while (id <= stacks->mask && !(u32)READ_ONCE(stacks->buckets[id]))
		id++;
	if (id > stacks->mask)
		return -ENOENT;
	*(u32 *)ret_key = id;
	return 0;
}

const struct map_ops map_stack_trace_ops = {
	.no_batches = true,
	.accepts = stack_accepts,
	.check_btf = stack_check_btf,
	.create = stack_create,
	.free = stack_free,
	.read = stack_read,
	.update = stack_update,
	.delete = stack_delete,
	.lookup_and_delete = stack_lookup_and_delete,
	.next_key = stack_next_key,
};
