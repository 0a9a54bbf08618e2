/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Hashes with a value for each CPU, plain and LRU.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/atomic.h"
#include "base/context.h"
#include "bpf/map/hash.h"
#include "bpf/map/rcu.h"
#include "tests/test.h"
#include "tests/unit/syscall/bpf.h"

#define PERCPU(value_size, max_entries, flags) \
	map_new(BPF_MAP_TYPE_PERCPU_HASH, 4, (value_size), (max_entries), (flags))

static const u32 types[] = { BPF_MAP_TYPE_PERCPU_HASH, BPF_MAP_TYPE_LRU_PERCPU_HASH };

static struct bpf_map *map_of(int fd)
{
	struct bpf_map *map;

	EXPECT_EQ(map_by_fd(fd, &map), 0);
	map_put(map);
	return map;
}

static u64 *values_new(u64 first)
{
	u64 *values = calloc(map_nr_cpus(), sizeof(*values));

	for (u32 cpu = 0; cpu < map_nr_cpus(); cpu++)
		values[cpu] = first ? first + cpu : 0;
	return values;
}

TEST(percpu_hash, sizes_and_flags_that_make_no_sense_are_refused)
{
	EXPECT_EQ(PERCPU(0, 1, 0), -EINVAL);
	EXPECT_EQ(PERCPU(8, 0, 0), -EINVAL);
	EXPECT_EQ(PERCPU(8, 1, BPF_F_NUMA_NODE), -EINVAL);
	EXPECT_EQ(PERCPU(8, 1, BPF_F_NO_COMMON_LRU), -EINVAL);
	EXPECT_EQ(PERCPU(32769, 1, 0), -E2BIG);
	rove_bpf_close(PERCPU(32768, 1, BPF_F_NO_PREALLOC));
}

TEST(percpu_hash, programs_see_their_cpus_value_and_bpf_2_all_of_them)
{
	for (u32 t = 0; t < ARRAY_SIZE(types); t++) {
		int fd = map_new(types[t], 4, 4, 3, 0);
		struct bpf_map *map = map_of(fd);
		u64 *values = values_new(10);
		u32 key = 7, changed = 0;

		EXPECT_EQ(map_update(fd, &key, values, BPF_NOEXIST), 0);
		map_rcu_read_lock();
		for (u32 cpu = 0; cpu < map_nr_cpus(); cpu++)
			EXPECT_EQ(*(u32 *)map->ops->lookup_cpu(map, &key, cpu), 10 + cpu);
		EXPECT_TRUE(!map->ops->lookup_cpu(map, &key, map_nr_cpus()));
		EXPECT_TRUE(!map->ops->lookup_cpu(map, &(u32){ 3 }, 0));
		EXPECT_TRUE(*(u32 *)map->ops->lookup(map, &key) >= 10);
		EXPECT_EQ(map->ops->update(map, &key, &(u32){ 5 }, BPF_NOEXIST), -EEXIST);
		EXPECT_EQ(map->ops->update(map, &key, &(u32){ 5 }, BPF_EXIST), 0);
		map_rcu_read_unlock();
		EXPECT_EQ(map_lookup(fd, &key, values), 0);
		for (u32 cpu = 0; cpu < map_nr_cpus(); cpu++)
			changed += values[cpu] == 5;
		EXPECT_EQ(changed, 1);
		EXPECT_EQ(map_delete(fd, &key), 0);
		EXPECT_EQ(map_lookup(fd, &key, values), -ENOENT);
		free(values);
		rove_bpf_close(fd);
	}
}

TEST(percpu_hash, what_a_program_puts_in_is_zero_for_other_cpus)
{
	int fd = PERCPU(8, 2, 0);
	struct bpf_map *map = map_of(fd);
	u64 *values = values_new(100);
	u32 key = 1, nr = 0;

	/* A block that had other values before. */
	EXPECT_EQ(map_update(fd, &key, values, 0), 0);
	EXPECT_EQ(map_delete(fd, &key), 0);
	urcu_bp_barrier();
	map_rcu_read_lock();
	EXPECT_EQ(map->ops->update(map, &key, &(u64){ 9 }, 0), 0);
	map_rcu_read_unlock();
	EXPECT_EQ(map_lookup(fd, &key, values), 0);
	for (u32 cpu = 0; cpu < map_nr_cpus(); cpu++) {
		EXPECT_TRUE(values[cpu] == 9 || !values[cpu]);
		nr += values[cpu] == 9;
	}
	EXPECT_EQ(nr, 1);
	free(values);
	rove_bpf_close(fd);
}

TEST(percpu_hash, an_update_keeps_the_place_that_programs_stand_on)
{
	int fd = PERCPU(8, 2, 0);
	struct bpf_map *map = map_of(fd);
	u64 *values = values_new(1), *place;
	u32 key = 1;

	EXPECT_EQ(map_update(fd, &key, values, 0), 0);
	map_rcu_read_lock();
	place = map->ops->lookup_cpu(map, &key, 0);
	values[0] = 77;
	EXPECT_EQ(map_update(fd, &key, values, 0), 0);
	EXPECT_EQ(*place, 77);
	map_rcu_read_unlock();
	free(values);
	rove_bpf_close(fd);
}

TEST(percpu_hash, each_cpus_value_has_lines_of_its_own)
{
	int fd = PERCPU(8, 3, 0), loose = PERCPU(8, 3, BPF_F_NO_PREALLOC);
	u64 *values = values_new(1);

	for (u32 key = 0; key < 3; key++) {
		EXPECT_EQ(map_update(fd, &key, values, 0), 0);
		EXPECT_EQ(map_update(loose, &key, values, 0), 0);
		map_rcu_read_lock();
		for (u32 cpu = 0; cpu < map_nr_cpus(); cpu++) {
			EXPECT_EQ((uintptr_t)map_of(fd)->ops->lookup_cpu(map_of(fd), &key, cpu) % 64,
				  0);
			EXPECT_EQ((uintptr_t)map_of(loose)->ops->lookup_cpu(map_of(loose), &key,
									   cpu) % 64, 0);
		}
		map_rcu_read_unlock();
	}
	free(values);
	rove_bpf_close(fd);
	rove_bpf_close(loose);
}

TEST(percpu_hash, holds_max_entries_and_a_full_lru_map_makes_room)
{
	int fd = PERCPU(8, 2, 0), lru = map_new(BPF_MAP_TYPE_LRU_PERCPU_HASH, 4, 8, 10, 0);
	u64 *values = values_new(1);
	u32 nr = 0;

	for (u32 key = 0; key < 3; key++)
		EXPECT_EQ(map_update(fd, &key, values, 0), key < 2 ? 0 : -E2BIG);
	for (u32 key = 0; key < 1000; key++)
		EXPECT_EQ(map_update(lru, &key, values, BPF_NOEXIST), 0);
	for (u32 key = 0; key < 1000; key++)
		nr += !map_lookup(lru, &key, values);
	EXPECT_EQ(nr, 10);
	free(values);
	rove_bpf_close(fd);
	rove_bpf_close(lru);
}

TEST(percpu_hash, a_map_without_a_common_list_has_as_many_entries_for_each_cpu)
{
	u32 nr = map_nr_cpus();
	int fd = map_new(BPF_MAP_TYPE_LRU_PERCPU_HASH, 4, 8, nr + 1, BPF_F_NO_COMMON_LRU);

	EXPECT_EQ(map_of(fd)->spec.max_entries % nr, 0);
	EXPECT_TRUE(map_of(fd)->spec.max_entries >= nr + 1);
	rove_bpf_close(fd);
}

TEST(percpu_hash, a_batch_has_the_values_of_all_cpus)
{
	int fd = PERCPU(8, 2, 0);
	u32 nr = map_nr_cpus(), keys[2] = { 3, 4 }, got_keys[2], out;
	u64 *values = calloc(2 * nr, sizeof(*values)), *got = calloc(2 * nr, sizeof(*got));
	union bpf_attr attr = { .batch = { .map_fd = fd, .keys = PTR(keys), .count = 2,
					   .values = PTR(values), .out_batch = PTR(&out) } };

	for (u32 i = 0; i < 2 * nr; i++)
		values[i] = i;
	EXPECT_EQ(rove_bpf(BPF_MAP_UPDATE_BATCH, &attr, sizeof(attr)), 0);
	attr.batch.values = PTR(got);
	attr.batch.keys = PTR(got_keys);
	attr.batch.count = 2;
	EXPECT_TRUE(rove_bpf(BPF_MAP_LOOKUP_BATCH, &attr, sizeof(attr)) != -EFAULT);
	EXPECT_EQ(attr.batch.count, 2);
	for (u32 i = 0; i < 2; i++)
		EXPECT_MEM_EQ(got + i * nr, values + (got_keys[i] - 3) * nr, nr * sizeof(*got));
	free(got);
	free(values);
	rove_bpf_close(fd);
}

TEST(percpu_hash, a_signal_handler_counts_and_is_refused_where_somebody_changes_the_bucket)
{
	int fd = PERCPU(8, 4, 0);
	struct bpf_map *map = map_of(fd);
	struct hash_map *hash = hash_of(map);
	u32 key = 1;
	struct hash_bucket *bucket = bucket_of(hash, hash_key(hash, &key));

	map_rcu_read_lock();
	ctx_nmi_enter();
	EXPECT_EQ(map->ops->update(map, &key, &(u64){ 1 }, 0), 0);
	EXPECT_EQ(*(u64 *)map->ops->lookup(map, &key), 1);
	ctx_nmi_exit();
	mutex_lock(&bucket->lock);
	ctx_nmi_enter();
	EXPECT_EQ(map->ops->update(map, &key, &(u64){ 1 }, 0), -EBUSY);
	EXPECT_TRUE(map->ops->lookup(map, &key) != NULL);
	ctx_nmi_exit();
	mutex_unlock(&bucket->lock);
	map_rcu_read_unlock();
	rove_bpf_close(fd);
}

#define NR_THREADS 4
#define NR_COUNTS 20000

static int race_fd;

/* As programs do: put a zero in if nothing is there, then add to what is there. */
static void *count(void *arg)
{
	struct bpf_map *map = map_of(race_fd);
	u32 key = 0;

	for (u32 i = 0; i < NR_COUNTS; i++) {
		u64 *place;

		map_rcu_read_lock();
		place = map->ops->lookup(map, &key);
		if (!place) {
			map->ops->update(map, &key, &(u64){ 0 }, BPF_NOEXIST);
			place = map->ops->lookup(map, &key);
		}
		fetch_add_relaxed(place, 1);
		map_rcu_read_unlock();
	}
	return NULL;
}

TEST(percpu_hash, nothing_is_lost_when_many_threads_put_the_same_key_in_and_count)
{
	pthread_t threads[NR_THREADS];
	u64 sum = 0, *values = values_new(0);
	u32 key = 0;

	race_fd = PERCPU(8, 2, 0);
	for (u32 i = 0; i < NR_THREADS; i++)
		pthread_create(&threads[i], NULL, count, NULL);
	for (u32 i = 0; i < NR_THREADS; i++)
		pthread_join(threads[i], NULL);
	EXPECT_EQ(map_lookup(race_fd, &key, values), 0);
	for (u32 cpu = 0; cpu < map_nr_cpus(); cpu++)
		sum += values[cpu];
	EXPECT_EQ(sum, NR_THREADS * NR_COUNTS);
	free(values);
	rove_bpf_close(race_fd);
}
