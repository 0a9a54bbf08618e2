/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Hash maps, through bpf(2) and by many threads at once.
 */
#include <errno.h>
#include <pthread.h>

#include <rove/irq_work.h>

#include "base/atomic.h"
#include "base/context.h"
#include "bpf/map/hash.h"
#include "bpf/map/rcu.h"
#include "tests/test.h"
#include "tests/unit/syscall/bpf.h"

#define HASH(key_size, value_size, max_entries, flags) \
	map_new(BPF_MAP_TYPE_HASH, (key_size), (value_size), (max_entries), (flags))

TEST(hash, sizes_and_flags_that_make_no_sense_are_refused)
{
	EXPECT_EQ(HASH(0, 8, 1, 0), -EINVAL);
	EXPECT_EQ(HASH(4, 0, 1, 0), -EINVAL);
	EXPECT_EQ(HASH(4, 8, 0, 0), -EINVAL);
	EXPECT_EQ(HASH(4, 8, 1, BPF_F_MMAPABLE), -EINVAL);
	EXPECT_EQ(HASH(4, 8 << 20, 1, 0), -E2BIG);
	EXPECT_EQ(HASH(4, 8, 0xffffffff, 0), -E2BIG);
}

TEST(hash, update_flags_and_errors_are_the_kernels)
{
	int fd = HASH(5, 3, 2, 0);
	char value[3] = "ab", got[3] = "";

	EXPECT_EQ(map_lookup(fd, "key1", got), -ENOENT);
	EXPECT_EQ(map_update(fd, "key1", value, BPF_EXIST), -ENOENT);
	EXPECT_EQ(map_update(fd, "key1", value, BPF_NOEXIST), 0);
	EXPECT_EQ(map_update(fd, "key1", value, BPF_NOEXIST), -EEXIST);
	EXPECT_EQ(map_update(fd, "key1", "cd", BPF_EXIST), 0);
	EXPECT_EQ(map_update(fd, "key1", value, 3), -EINVAL);
	EXPECT_EQ(map_lookup(fd, "key1", got), 0);
	EXPECT_STR_EQ(got, "cd");
	EXPECT_EQ(map_delete(fd, "key2"), -ENOENT);
	EXPECT_EQ(map_delete(fd, "key1"), 0);
	EXPECT_EQ(map_lookup(fd, "key1", got), -ENOENT);
	rove_bpf_close(fd);
}

TEST(hash, holds_max_entries_and_not_one_more)
{
	int fd = HASH(4, 8, 3, BPF_F_NO_PREALLOC);
	u64 value = 1;
	u32 key;

	for (key = 0; key < 3; key++)
		EXPECT_EQ(map_update(fd, &key, &value, 0), 0);
	EXPECT_EQ(map_update(fd, &key, &value, 0), -E2BIG);
	key = 1;
	EXPECT_EQ(map_update(fd, &key, &value, 0), 0);	/* a replacement needs no room */
	EXPECT_EQ(map_delete(fd, &key), 0);
	key = 3;
	EXPECT_EQ(map_update(fd, &key, &value, 0), 0);
	rove_bpf_close(fd);
}

TEST(hash, the_walk_over_keys_meets_each_once)
{
	int fd = HASH(4, 8, 100, 0);
	u32 key, next, seen[100] = { 0 }, nr = 0;
	u64 value = 0;

	EXPECT_EQ(map_next_key(fd, NULL, &next), -ENOENT);
	for (key = 0; key < 100; key++)
		EXPECT_EQ(map_update(fd, &key, &value, 0), 0);
	for (int err = map_next_key(fd, NULL, &next); !err; nr++) {
		seen[next]++;
		key = next;
		err = map_next_key(fd, &key, &next);
	}
	EXPECT_EQ(nr, 100);
	for (key = 0; key < 100; key++)
		EXPECT_EQ(seen[key], 1);
	key = 12345;	/* is not there: begin anew */
	EXPECT_EQ(map_next_key(fd, &key, &next), 0);
	rove_bpf_close(fd);
}

TEST(hash, lookup_and_delete_is_one_step)
{
	int fd = HASH(4, 8, 3, 0), array = map_new(BPF_MAP_TYPE_ARRAY, 4, 8, 1, 0);
	u32 key = 5;
	u64 value = 50, got = 0;
	union bpf_attr attr = { .map_fd = fd, .key = PTR(&key), .value = PTR(&got) };

	EXPECT_EQ(map_update(fd, &key, &value, 0), 0);
	EXPECT_EQ(rove_bpf(BPF_MAP_LOOKUP_AND_DELETE_ELEM, &attr, sizeof(attr)), 0);
	EXPECT_EQ(got, 50);
	EXPECT_EQ(rove_bpf(BPF_MAP_LOOKUP_AND_DELETE_ELEM, &attr, sizeof(attr)), -ENOENT);
	attr.map_fd = array;
	EXPECT_EQ(rove_bpf(BPF_MAP_LOOKUP_AND_DELETE_ELEM, &attr, sizeof(attr)), -ENOTSUPP);
	rove_bpf_close(fd);
	rove_bpf_close(array);
}

TEST(hash, a_batch_updates_and_deletes)
{
	int fd = HASH(4, 8, 3, 0);
	u32 keys[2] = { 1, 2 };
	u64 values[2] = { 10, 20 }, got = 0;
	union bpf_attr attr = { .batch = { .map_fd = fd, .keys = PTR(keys), .count = 2,
					   .values = PTR(values) } };

	EXPECT_EQ(rove_bpf(BPF_MAP_UPDATE_BATCH, &attr, sizeof(attr)), 0);
	EXPECT_EQ(map_lookup(fd, &keys[1], &got), 0);
	EXPECT_EQ(got, 20);
	attr = (union bpf_attr){ .batch = { .map_fd = fd, .keys = PTR(keys), .count = 2 } };
	EXPECT_EQ(rove_bpf(BPF_MAP_DELETE_BATCH, &attr, sizeof(attr)), 0);
	EXPECT_EQ(map_lookup(fd, &keys[1], &got), -ENOENT);
	rove_bpf_close(fd);
}

#define NR_WALKED 1000

/* Every key is given as its own value; a bit for each that came. */
static int walk_in_batches(int fd, u32 room, u32 *nr_seen)
{
	static u32 keys[NR_WALKED], place;
	static u64 values[NR_WALKED];
	union bpf_attr attr = { .batch = { .map_fd = fd, .keys = PTR(keys), .values = PTR(values),
					   .out_batch = PTR(&place) } };
	int err = 0;

	memset(nr_seen, 0, NR_WALKED * sizeof(*nr_seen));
	while (!err) {
		attr.batch.count = room;
		err = rove_bpf(BPF_MAP_LOOKUP_BATCH, &attr, sizeof(attr));
		for (u32 i = 0; (!err || err == -ENOENT) && i < attr.batch.count; i++)
			nr_seen[keys[i]] += values[i] == keys[i];
		attr.batch.in_batch = PTR(&place);
		/* A place with more elements than that: come again with more room. */
		if (err == -ENOSPC && room < NR_WALKED) {
			EXPECT_EQ(attr.batch.count, 0);
			room++;
			err = 0;
		}
	}
	return err;
}

TEST(hash, batches_of_any_size_meet_each_element_once)
{
	static const u32 rooms[] = { 1, 7, 100, NR_WALKED - 1, NR_WALKED };
	static u32 nr_seen[NR_WALKED];
	int fd = HASH(4, 8, NR_WALKED, 0);

	for (u32 i = 0; i < NR_WALKED; i++)
		EXPECT_EQ(map_update(fd, &i, &(u64){ i }, 0), 0);
	for (u32 r = 0; r < ARRAY_SIZE(rooms); r++) {
		EXPECT_EQ(walk_in_batches(fd, rooms[r], nr_seen), -ENOENT);
		for (u32 i = 0; i < NR_WALKED; i++)
			EXPECT_EQ(nr_seen[i], 1);
	}
	rove_bpf_close(fd);
}

/* Both words of a value are always the same number. */
struct pair {
	u64 a, b;
};

#define NR_KEYS 8
#define NR_ROUNDS 20000

struct contest {
	struct bpf_map *map;
	u32 nr_torn, nr_found;
};

static void *contest_reader(void *arg)
{
	struct contest *c = arg;

	for (u32 i = 0; i < NR_ROUNDS; i++) {
		u32 key = i % NR_KEYS;
		struct pair *p;

		map_rcu_read_lock();
		p = c->map->ops->lookup(c->map, &key);
		if (p)
			add_fetch_relaxed(&c->nr_found, 1);
		if (p && READ_ONCE(p->a) != READ_ONCE(p->b))
			add_fetch_relaxed(&c->nr_torn, 1);
		map_rcu_read_unlock();
	}
	return NULL;
}

static void *contest_writer(void *arg)
{
	struct contest *c = arg;

	for (u64 i = 0; i < NR_ROUNDS; i++) {
		u32 key = (i * 7) % NR_KEYS;
		struct pair p = { i, i };

		map_rcu_read_lock();
		if (i % 5 == 4)
			c->map->ops->delete(c->map, &key);
		else
			c->map->ops->update(c->map, &key, &p, 0);
		map_rcu_read_unlock();
	}
	return NULL;
}

TEST(hash, readers_never_see_an_element_change_or_go_away_under_them)
{
	int fd = HASH(4, sizeof(struct pair), NR_KEYS, 0);
	struct contest c = { 0 };
	pthread_t threads[4];

	EXPECT_EQ(map_by_fd(fd, &c.map), 0);
	for (u32 i = 0; i < 4; i++)
		EXPECT_EQ(pthread_create(&threads[i], NULL, i % 2 ? contest_writer : contest_reader,
					 &c), 0);
	for (u32 i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	EXPECT_EQ(c.nr_torn, 0);
	map_put(c.map);
	rove_bpf_close(fd);
}

static struct bpf_map *map_of(int fd)
{
	struct bpf_map *map;

	EXPECT_EQ(map_by_fd(fd, &map), 0);
	map_put(map);		/* the descriptor keeps it */
	return map;
}

TEST(hash, a_signal_handler_does_all_that_a_thread_does)
{
	int fd = HASH(4, 8, 2, 0);
	struct bpf_map *map = map_of(fd);
	u64 value = 5, got;
	u32 key = 1;

	EXPECT_EQ(rove_softirq_start(), 0);
	map_rcu_read_lock();
	ctx_nmi_enter();
	EXPECT_EQ(map->ops->update(map, &key, &value, BPF_EXIST), -ENOENT);
	EXPECT_EQ(map->ops->update(map, &key, &value, BPF_NOEXIST), 0);
	EXPECT_EQ(map->ops->update(map, &key, &value, BPF_NOEXIST), -EEXIST);
	value = 6;
	EXPECT_EQ(map->ops->update(map, &key, &value, BPF_ANY), 0);
	EXPECT_EQ(*(u64 *)map->ops->lookup(map, &key), 6);
	EXPECT_EQ(map->ops->update(map, &(u32){ 2 }, &value, BPF_ANY), 0);
	EXPECT_EQ(map->ops->update(map, &(u32){ 3 }, &value, BPF_ANY), -E2BIG);
	EXPECT_EQ(map->ops->delete(map, &key), 0);
	EXPECT_EQ(map->ops->delete(map, &key), -ENOENT);
	EXPECT_EQ(map->ops->lookup_and_delete(map, &(u32){ 2 }, &got), 0);
	EXPECT_EQ(got, 6);
	ctx_nmi_exit();
	map_rcu_read_unlock();
	rove_bpf_close(fd);
}

TEST(hash, a_signal_handler_is_refused_where_somebody_is_changing_the_bucket)
{
	int fd = HASH(4, 8, 4, 0);
	struct bpf_map *map = map_of(fd);
	u64 value = 5;
	u32 key = 1;
	struct hash_bucket *bucket = bucket_of(hash_of(map), hash_key(hash_of(map), &key));

	EXPECT_EQ(map_update(fd, &key, &value, 0), 0);
	mutex_lock(&bucket->lock);
	map_rcu_read_lock();
	ctx_nmi_enter();
	EXPECT_EQ(*(u64 *)map->ops->lookup(map, &key), 5);
	EXPECT_EQ(map->ops->update(map, &key, &value, 0), -EBUSY);
	EXPECT_EQ(map->ops->delete(map, &key), -EBUSY);
	ctx_nmi_exit();
	map_rcu_read_unlock();
	mutex_unlock(&bucket->lock);
	EXPECT_EQ(map_delete(fd, &key), 0);
	rove_bpf_close(fd);
}

/* What it replaces comes back after a grace period, which its own section holds up. */
static u32 updates_until_refused(struct bpf_map *map, u32 limit)
{
	u64 value = 5;
	u32 key = 1, nr = 0;
	int err = 0;

	map_rcu_read_lock();
	ctx_nmi_enter();
	for (; !err && nr < limit; nr += !err)
		err = map->ops->update(map, &key, &value, 0);
	ctx_nmi_exit();
	map_rcu_read_unlock();
	if (err)
		EXPECT_EQ(err, -ENOMEM);
	return nr;
}

static void expect_blocks_used_again(u32 flags)
{
	int fd = HASH(4, 8, 4, flags);
	struct bpf_map *map = map_of(fd);
	u32 limit = 1u << 20, nr;
	u64 value = 5;

	EXPECT_EQ(rove_softirq_start(), 0);
	nr = updates_until_refused(map, limit);
	EXPECT_TRUE(nr >= 64 && nr < limit);
	/* A thread may allocate. */
	EXPECT_EQ(map_update(fd, &(u32){ 1 }, &value, 0), 0);
	/* Until the grace period is over; then everything is there again. */
	while (updates_until_refused(map, 64) < 64)
		sched_yield();
	rove_bpf_close(fd);
}

TEST(hash, a_signal_handler_uses_up_its_blocks_and_has_them_again_after_a_grace_period)
{
	expect_blocks_used_again(0);
	expect_blocks_used_again(BPF_F_NO_PREALLOC);
}

TEST(hash, a_timer_callback_takes_no_memory_either)
{
	int fd = HASH(4, 8, 4, BPF_F_NO_PREALLOC);
	struct hash_map *hash = hash_of(map_of(fd));
	u32 key = 1;

	map_rcu_read_lock();
	ctx_softirq_enter();
	EXPECT_EQ(hash->map.ops->update(&hash->map, &key, &(u64){ 5 }, 0), 0);
	ctx_softirq_exit();
	EXPECT_TRUE(map_pool_owns(&hash->spare, hash_find(hash, hash_key(hash, &key), &key)));
	map_rcu_read_unlock();
	rove_bpf_close(fd);
}

TEST(hash, what_was_retired_outlives_its_map)
{
	for (u32 i = 0; i < 100; i++) {
		int fd = HASH(4, 8, 4, i % 2 ? BPF_F_NO_PREALLOC : 0);
		u32 key = 1, nr = count_ids(BPF_MAP_GET_NEXT_ID);

		for (u64 value = 0; value < 10; value++)
			EXPECT_EQ(map_update(fd, &key, &value, 0), 0);
		EXPECT_EQ(map_delete(fd, &key), 0);
		rove_bpf_close(fd);
		EXPECT_EQ(count_ids(BPF_MAP_GET_NEXT_ID), nr - 1);	/* at once */
	}
}

/* --- LRU ---------------------------------------------------------------------------------- */

#define LRU(key_size, value_size, max_entries, flags) \
	map_new(BPF_MAP_TYPE_LRU_HASH, (key_size), (value_size), (max_entries), (flags))

TEST(hash, a_full_lru_map_makes_room_for_new_keys)
{
	int fd = LRU(4, 8, 10, 0);
	u32 nr = 0;
	u64 got;

	for (u32 key = 0; key < 1000; key++) {
		u64 value = key;

		EXPECT_EQ(map_update(fd, &key, &value, BPF_NOEXIST), 0);
		EXPECT_EQ(map_lookup(fd, &key, &got), 0);
		EXPECT_EQ(got, key);
	}
	for (u32 key = 0; key < 1000; key++)
		nr += !map_lookup(fd, &key, &got);
	EXPECT_EQ(nr, 10);
	EXPECT_EQ(map_update(fd, &(u32){ 1000 }, &got, BPF_EXIST), -ENOENT);
	rove_bpf_close(fd);
}

TEST(hash, what_programs_look_up_stays_in_a_lru_map)
{
	int fd = LRU(4, 8, 10, 0);
	struct bpf_map *map = map_of(fd);
	u32 hot = 77;
	u64 value = 7;

	EXPECT_EQ(map_update(fd, &hot, &value, 0), 0);
	for (u32 key = 1000; key < 2000; key++) {
		map_rcu_read_lock();
		EXPECT_TRUE(map->ops->lookup(map, &hot));
		map_rcu_read_unlock();
		EXPECT_EQ(map_update(fd, &key, &value, 0), 0);
	}
	EXPECT_EQ(map_lookup(fd, &hot, &value), 0);
	rove_bpf_close(fd);
}

TEST(hash, flags_of_lru_maps_are_the_kernels)
{
	EXPECT_EQ(LRU(4, 8, 10, BPF_F_NO_PREALLOC), -ENOTSUPP);
	EXPECT_EQ(HASH(4, 8, 10, BPF_F_NO_COMMON_LRU), -EINVAL);
	rove_bpf_close(LRU(4, 8, 10, BPF_F_NO_COMMON_LRU));
}
