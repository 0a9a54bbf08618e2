/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Resizable hash maps, through bpf(2) and inside.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>

#include <rove/irq_work.h>

#include "base/atomic.h"
#include "base/context.h"
#include "bpf/core/uapi.h"
#include "bpf/map/fields.h"
#include "bpf/map/rcu.h"
#include "bpf/map/rhash.h"
#include "tests/test.h"
#include "tests/unit/syscall/bpf.h"

static int rhash_new(u32 key_size, u32 value_size, u32 max_entries, u32 flags, u64 extra)
{
	return BPF(BPF_MAP_CREATE, .map_type = MAP_TYPE_RHASH, .key_size = key_size,
		   .value_size = value_size, .max_entries = max_entries, .map_flags = flags,
		   .map_extra = extra);
}

#define RHASH(key_size, value_size, max_entries) \
	rhash_new((key_size), (value_size), (max_entries), BPF_F_NO_PREALLOC, 0)

static struct rhash_map *map_of(int fd)
{
	struct bpf_map *map;

	EXPECT_EQ(map_by_fd(fd, &map), 0);
	map_put(map);		/* the descriptor keeps it */
	return rhash_of(map);
}

/* --- as the kernel's ------------------------------------------------------------------------- */

static void expect_new(int err, u32 key_size, u32 value_size, u32 max_entries, u32 flags, u64 extra)
{
	int fd = rhash_new(key_size, value_size, max_entries, flags, extra);

	EXPECT_EQ(min(fd, 0), err);
	if (fd >= 0)
		rove_bpf_close(fd);
}

TEST(rhash, sizes_and_flags_that_make_no_sense_are_refused)
{
	u32 ok = BPF_F_NO_PREALLOC;

	expect_new(-EINVAL, 4, 8, 1, 0, 0);
	expect_new(-EINVAL, 4, 8, 1, ok | BPF_F_ZERO_SEED, 0);
	expect_new(-EINVAL, 4, 8, 1, ok | BPF_F_NO_COMMON_LRU, 0);
	expect_new(-EINVAL, 4, 8, 1, ok | BPF_F_MMAPABLE, 0);
	expect_new(-EINVAL, 4, 8, 1, ok | BPF_F_RDONLY | BPF_F_WRONLY, 0);
	expect_new(-EINVAL, 0, 8, 1, ok, 0);
	expect_new(-EINVAL, 4, 0, 1, ok, 0);
	expect_new(-EINVAL, 4, 8, 0, ok, 0);
	expect_new(-E2BIG, 0x10000, 8, 1, ok, 0);
	expect_new(0, 0xffff, 8, 1, ok, 0);
	expect_new(-E2BIG, 4, 8 << 20, 1, ok, 0);
	expect_new(-E2BIG, 4, 8, 0x80000001, ok, 0);
	expect_new(0, 4, 8, 1, ok, 0);
}

TEST(rhash, the_hint_is_a_number_of_elements_and_no_more_than_there_may_be)
{
	u32 ok = BPF_F_NO_PREALLOC, len;
	struct bpf_map_info info = { 0 };
	int fd;

	expect_new(-EINVAL, 4, 8, 1 << 20, ok, 1ull << 32);
	expect_new(-E2BIG, 4, 8, 1 << 20, ok, 0x10000);
	expect_new(-EINVAL, 4, 8, 10, ok, 11);
	EXPECT_EQ(BPF(BPF_MAP_CREATE, .map_type = BPF_MAP_TYPE_HASH, .key_size = 4, .value_size = 8,
		      .max_entries = 10, .map_extra = 1), -EINVAL);
	fd = rhash_new(4, 8, 1 << 20, ok, 0xffff);
	len = sizeof(info);
	EXPECT_EQ(BPF(BPF_OBJ_GET_INFO_BY_FD, .info = { .bpf_fd = fd, .info_len = len,
							.info = PTR(&info) }), 0);
	EXPECT_EQ(info.type, MAP_TYPE_RHASH);
	EXPECT_EQ(info.map_extra, 0xffff);
	EXPECT_EQ(map_of(fd)->mask, (1 << 17) - 1);
	rove_bpf_close(fd);
}

TEST(rhash, update_flags_and_errors_are_the_kernels)
{
	int fd = RHASH(5, 3, 2);
	char value[3] = "ab", got[3] = "";

	EXPECT_EQ(map_lookup(fd, "key1", got), -ENOENT);
	EXPECT_EQ(map_update(fd, "key1", value, BPF_EXIST), -ENOENT);
	EXPECT_EQ(map_update(fd, "key1", value, BPF_NOEXIST), 0);
	EXPECT_EQ(map_update(fd, "key1", value, BPF_NOEXIST), -EEXIST);
	EXPECT_EQ(map_update(fd, "key1", "cd", BPF_EXIST), 0);
	EXPECT_EQ(map_update(fd, "key1", value, 3), -EINVAL);
	EXPECT_EQ(map_update(fd, "key1", value, BPF_F_LOCK), -EINVAL);
	EXPECT_EQ(map_lookup(fd, "key1", got), 0);
	EXPECT_STR_EQ(got, "cd");
	EXPECT_EQ(map_delete(fd, "key2"), -ENOENT);
	EXPECT_EQ(map_delete(fd, "key1"), 0);
	EXPECT_EQ(map_lookup(fd, "key1", got), -ENOENT);
	rove_bpf_close(fd);
}

TEST(rhash, holds_max_entries_and_not_one_more)
{
	int fd = RHASH(4, 8, 3);
	u64 value = 1;
	u32 key;

	for (key = 0; key < 3; key++)
		EXPECT_EQ(map_update(fd, &key, &value, 0), 0);
	EXPECT_EQ(map_update(fd, &key, &value, 0), -E2BIG);
	key = 1;
	EXPECT_EQ(map_update(fd, &key, &value, 0), 0);	/* is written where it lies */
	EXPECT_EQ(map_delete(fd, &key), 0);
	key = 3;
	EXPECT_EQ(map_update(fd, &key, &value, 0), 0);
	rove_bpf_close(fd);
}

TEST(rhash, an_update_is_seen_by_whoever_has_looked_the_value_up)
{
	int fd = RHASH(8, 8, 3);
	struct bpf_map *map = &map_of(fd)->map;
	u64 key = 7, value = 1;
	u64 *found;

	map_rcu_read_lock();
	EXPECT_EQ(map->ops->update(map, &key, &value, 0), 0);
	found = map->ops->lookup(map, &key);
	value = 2;
	EXPECT_EQ(map->ops->update(map, &key, &value, 0), 0);
	EXPECT_EQ(*found, 2);
	EXPECT_PTR_EQ(map->ops->lookup(map, &key), found);
	map_rcu_read_unlock();
	rove_bpf_close(fd);
}

TEST(rhash, lookup_and_delete_is_one_step)
{
	int fd = RHASH(4, 8, 3);
	u32 key = 5;
	u64 value = 50, got = 0;
	union bpf_attr attr = { .map_fd = fd, .key = PTR(&key), .value = PTR(&got) };

	EXPECT_EQ(map_update(fd, &key, &value, 0), 0);
	EXPECT_EQ(rove_bpf(BPF_MAP_LOOKUP_AND_DELETE_ELEM, &attr, sizeof(attr)), 0);
	EXPECT_EQ(got, 50);
	EXPECT_EQ(rove_bpf(BPF_MAP_LOOKUP_AND_DELETE_ELEM, &attr, sizeof(attr)), -ENOENT);
	rove_bpf_close(fd);
}

/* --- walks --------------------------------------------------------------------------------- */

#define NR_WALKED 1000u

static void put_in(int fd, u32 from, u32 to)
{
	for (u32 key = from; key < to; key++)
		EXPECT_EQ(map_update(fd, &key, &(u64){ key }, BPF_NOEXIST), 0);
}

TEST(rhash, the_walk_over_keys_meets_each_once)
{
	int fd = RHASH(4, 8, NR_WALKED);
	u32 key, next, seen[NR_WALKED] = { 0 }, nr = 0;

	EXPECT_EQ(map_next_key(fd, NULL, &next), -ENOENT);
	put_in(fd, 0, NR_WALKED);
	for (int err = map_next_key(fd, NULL, &next); !err; nr++) {
		seen[next]++;
		key = next;
		err = map_next_key(fd, &key, &next);
	}
	EXPECT_EQ(nr, NR_WALKED);
	for (key = 0; key < NR_WALKED; key++)
		EXPECT_EQ(seen[key], 1);
	key = 12345;	/* is not there: begin anew */
	EXPECT_EQ(map_next_key(fd, &key, &next), 0);
	rove_bpf_close(fd);
}

static int batch(int fd, int cmd, u32 *keys, u64 *values, u32 *nr, const u32 *from, u32 *to)
{
	union bpf_attr attr = { .batch = { .map_fd = fd, .keys = PTR(keys), .values = PTR(values),
					   .count = *nr, .in_batch = PTR(from),
					   .out_batch = PTR(to) } };
	int err = rove_bpf(cmd, &attr, sizeof(attr));

	*nr = attr.batch.count;
	return err;
}

TEST(rhash, batches_of_any_size_meet_each_element_once)
{
	static u32 keys[NR_WALKED], seen[NR_WALKED];
	static u64 values[NR_WALKED];
	int fd = RHASH(4, 8, NR_WALKED);

	put_in(fd, 0, NR_WALKED);
	for (u32 room = 1; room <= NR_WALKED; room = room * 3 + 1) {
		u32 cursor, *from = NULL, nr, rounds = 0;
		int err;

		memset(seen, 0, sizeof(seen));
		do {
			nr = room;
			err = batch(fd, BPF_MAP_LOOKUP_BATCH, keys, values, &nr, from, &cursor);
			for (u32 i = 0; i < nr; i++)
				seen[keys[i]] += keys[i] == values[i];
			from = &cursor;
			rounds++;
		} while (!err);
		EXPECT_EQ(err, -ENOENT);
		EXPECT_EQ(rounds, (NR_WALKED + room - 1) / room);
		for (u32 key = 0; key < NR_WALKED; key++)
			EXPECT_EQ(seen[key], 1);
	}
	rove_bpf_close(fd);
}

TEST(rhash, a_batch_that_is_to_go_on_at_a_deleted_element_is_told_so)
{
	u32 keys[4], cursor, nr = 4;
	u64 values[4];
	int fd = RHASH(4, 8, 10);

	EXPECT_EQ(batch(fd, BPF_MAP_LOOKUP_BATCH, keys, values, &nr, NULL, &cursor), -ENOENT);
	EXPECT_EQ(nr, 0);
	put_in(fd, 0, 6);
	nr = 4;
	EXPECT_EQ(batch(fd, BPF_MAP_LOOKUP_BATCH, keys, values, &nr, NULL, &cursor), 0);
	EXPECT_EQ(nr, 4);
	EXPECT_EQ(map_delete(fd, &cursor), 0);
	EXPECT_EQ(batch(fd, BPF_MAP_LOOKUP_BATCH, keys, values, &nr, &cursor, &cursor), -EAGAIN);
	EXPECT_EQ(nr, 0);
	nr = 4;
	EXPECT_EQ(batch(fd, BPF_MAP_DELETE_BATCH, keys, NULL, &nr, NULL, NULL), 0);
	EXPECT_EQ(map_of(fd)->nr_elems, 1);
	nr = 4;
	EXPECT_EQ(batch(fd, BPF_MAP_UPDATE_BATCH, keys, values, &nr, NULL, NULL), 0);
	EXPECT_EQ(map_of(fd)->nr_elems, 5);
	rove_bpf_close(fd);
}

/* By places, each found anew: as an iterator that is read in parts. */
static u32 walk_by_places(struct bpf_map *map, u32 *seen, void (*between)(int fd, u32 nr), int fd)
{
	u32 at = 0, nth = 0, nr = 0;
	const void *key;
	void *value;
	int err;

	do {
		map_rcu_read_lock();
		err = map->ops->elem_at(map, &at, nth, &key, &value);
		if (!err) {
			seen[*(u32 *)key]++;
			nr++;
		}
		map_rcu_read_unlock();
		if (!err && between)
			between(fd, nr);
		at += err == -ENOENT;
		nth = err ? 0 : nth + 1;
	} while (err != -ERANGE);
	return nr;
}

TEST(rhash, the_walk_by_places_meets_each_once)
{
	static u32 seen[NR_WALKED];
	int fd = RHASH(4, 8, NR_WALKED);

	EXPECT_EQ(walk_by_places(&map_of(fd)->map, seen, NULL, fd), 0);
	put_in(fd, 0, NR_WALKED);
	EXPECT_EQ(walk_by_places(&map_of(fd)->map, seen, NULL, fd), NR_WALKED);
	for (u32 key = 0; key < NR_WALKED; key++)
		EXPECT_EQ(seen[key], 1);
	rove_bpf_close(fd);
}

static void wait_for_posts(struct rhash_map *rhash, u32 nr)
{
	while (rhash_mask(rhash) + 1 != nr)
		sched_yield();
}

/* Others come while the first are walked over, and go again. */
static void grow_and_shrink(int fd, u32 nr)
{
	if (nr == NR_WALKED / 4) {
		put_in(fd, NR_WALKED, 40 * NR_WALKED);
		wait_for_posts(map_of(fd), 1 << 16);
	}
	if (nr != NR_WALKED / 2)
		return;
	for (u32 key = NR_WALKED; key < 40 * NR_WALKED; key++)
		EXPECT_EQ(map_delete(fd, &key), 0);
	wait_for_posts(map_of(fd), 2048);
}

TEST(rhash, a_walk_meets_what_stays_once_while_the_table_grows_and_shrinks)
{
	static u32 seen[40 * NR_WALKED];
	int fd = RHASH(4, 8, 40 * NR_WALKED);

	put_in(fd, 0, NR_WALKED);
	walk_by_places(&map_of(fd)->map, seen, grow_and_shrink, fd);
	for (u32 key = 0; key < NR_WALKED; key++)
		EXPECT_EQ(seen[key], 1);
	rove_bpf_close(fd);
}

/* --- the table ----------------------------------------------------------------------------- */

/* Nodes that a lookup passes at most. */
static u32 longest_row(struct rhash_map *rhash)
{
	u32 mask = rhash_mask(rhash), longest = 0;

	map_rcu_read_lock();
	for (u64 i = 0; i <= mask; i++) {
		struct rhash_node *node = rhash_observe(&rhash->posts[i].next);
		u32 nr = 0;

		for (; node && !((node->hash ^ i) & mask); nr++)
			node = rhash_behind(rhash_observe(&node->next));
		longest = max(longest, nr);
	}
	map_rcu_read_unlock();
	return longest;
}

TEST(rhash, the_table_grows_with_its_elements_and_shrinks_with_them)
{
	int fd = RHASH(4, 8, 100000);
	struct rhash_map *rhash = map_of(fd);
	u32 key;

	EXPECT_EQ(rhash->mask, 63);
	put_in(fd, 0, 100000);
	wait_for_posts(rhash, 1 << 17);		/* as many as there may be elements, and no more */
	EXPECT_TRUE(longest_row(rhash) < 16);
	for (key = 0; key < 100000; key++)
		EXPECT_EQ(map_lookup(fd, &key, &(u64){ 0 }), 0);
	for (key = 10; key < 100000; key++)
		EXPECT_EQ(map_delete(fd, &key), 0);
	wait_for_posts(rhash, 64);
	for (key = 0; key < 12; key++)
		EXPECT_EQ(map_lookup(fd, &key, &(u64){ 0 }), key < 10 ? 0 : -ENOENT);
	/* And once more, where memory was given back. */
	put_in(fd, 10, 100000);
	wait_for_posts(rhash, 1 << 17);
	rove_bpf_close(fd);
}

TEST(rhash, the_table_grows_inside_of_a_read_section_that_does_not_end)
{
	int fd = RHASH(4, 8, 10000);
	struct rhash_map *rhash = map_of(fd);

	map_rcu_read_lock();
	put_in(fd, 0, 10000);
	wait_for_posts(rhash, 1 << 14);
	map_rcu_read_unlock();
	rove_bpf_close(fd);
}

TEST(rhash, the_table_does_not_get_smaller_than_it_was_made)
{
	int fd = rhash_new(4, 8, 10000, BPF_F_NO_PREALLOC, 1000);
	struct rhash_map *rhash = map_of(fd);
	u32 key;

	EXPECT_EQ(rhash->mask, 2047);
	put_in(fd, 0, 10000);
	wait_for_posts(rhash, 1 << 14);
	for (key = 0; key < 10000; key++)
		EXPECT_EQ(map_delete(fd, &key), 0);
	wait_for_posts(rhash, 2048);
	rove_bpf_close(fd);
}

TEST(rhash, a_map_that_is_being_resized_can_be_closed)
{
	for (u32 i = 0; i < 50; i++) {
		int fd = RHASH(4, 8, 10000);
		u32 key;

		put_in(fd, 0, 2000 + 100 * i);
		for (key = 0; key < 2000 && i % 2; key++)
			EXPECT_EQ(map_delete(fd, &key), 0);
		rove_bpf_close(fd);
	}
}

/* --- contexts ------------------------------------------------------------------------------ */

TEST(rhash, a_signal_handler_does_all_that_a_thread_does)
{
	int fd = RHASH(4, 8, 2);
	struct bpf_map *map = &map_of(fd)->map;
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

/* As if a thread had been interrupted between the two steps of taking an element out. */
TEST(rhash, a_signal_handler_ends_what_the_interrupted_thread_began)
{
	int fd = RHASH(4, 8, 2);
	struct rhash_map *rhash = map_of(fd);
	struct bpf_map *map = &rhash->map;
	u64 value = 5;
	u32 key = 1;
	struct rhash_elem *elem, *other;

	EXPECT_EQ(rove_softirq_start(), 0);
	put_in(fd, 1, 2);
	map_rcu_read_lock();
	elem = rhash_find(rhash, &key);
	fetch_or_relaxed((uintptr_t *)&elem->node.next, 1);
	ctx_nmi_enter();
	EXPECT_PTR_EQ(map->ops->lookup(map, &key), NULL);
	EXPECT_EQ(map->ops->delete(map, &key), -ENOENT);
	EXPECT_EQ(map->ops->update(map, &key, &value, BPF_NOEXIST), 0);
	other = rhash_find(rhash, &key);
	ctx_nmi_exit();
	EXPECT_TRUE(other && other != elem);
	/* It is where nobody comes to it; what the thread does next is this. */
	fetch_add_seq_cst(&rhash->nr_elems, -1);
	rhash_elem_retire(rhash, elem);
	map_rcu_read_unlock();
	EXPECT_EQ(map_delete(fd, &key), 0);
	EXPECT_EQ(map_next_key(fd, NULL, &key), -ENOENT);
	rove_bpf_close(fd);
}

TEST(rhash, a_signal_handler_uses_up_its_blocks_and_a_thread_does_not)
{
	int fd = RHASH(4, 1 << 16, 1000);
	struct bpf_map *map = &map_of(fd)->map;
	static u8 value[1 << 16];
	u32 key = 0;
	int err = 0;

	EXPECT_EQ(rove_softirq_start(), 0);
	map_rcu_read_lock();
	ctx_nmi_enter();
	for (; !err && key < 1000; key += !err)
		err = map->ops->update(map, &key, value, 0);
	ctx_nmi_exit();
	map_rcu_read_unlock();
	EXPECT_EQ(err, -ENOMEM);
	EXPECT_TRUE(key >= 64);
	EXPECT_EQ(map_of(fd)->nr_elems, key);
	EXPECT_EQ(map_update(fd, &key, value, 0), 0);
	rove_bpf_close(fd);
}

/* --- what is in values --------------------------------------------------------------------- */

static u32 nr_released;	/* A */

static void count_release(struct async_cell *cell)
{
	fetch_add_relaxed(&nr_released, 1);
}

static const struct async_cell_ops cell_ops = { .release = count_release };
static struct async_cell cell = { &cell_ops };

/* With a field in its values that is nobody's but the test's. */
static struct rhash_map *with_field(int fd)
{
	struct rhash_map *rhash = map_of(fd);

	rhash->map.spec.fields = (struct btf_fields){
		.nr = 1, .at[0] = { .kind = BTF_FIELD_TIMER, .off = 0 } };
	return rhash;
}

static struct async_field *field_of(struct rhash_map *rhash, u32 key)
{
	return rhash->map.ops->lookup(&rhash->map, &key);
}

TEST(rhash, updating_and_deleting_releases_what_is_in_a_value)
{
	int fd = RHASH(4, 24, 4);
	struct rhash_map *rhash = with_field(fd);
	u64 value[3] = { 1, 2, 3 }, got[3];
	u32 key = 1;

	nr_released = 0;
	EXPECT_EQ(map_update(fd, &key, value, 0), 0);
	map_rcu_read_lock();
	EXPECT_TRUE(async_field_attach(field_of(rhash, key), &cell));
	EXPECT_EQ(map_lookup(fd, &key, got), 0);
	EXPECT_EQ(got[0] | got[1], 0);
	EXPECT_EQ(got[2], 3);
	EXPECT_EQ(map_update(fd, &key, value, BPF_EXIST), 0);
	EXPECT_EQ(nr_released, 1);
	EXPECT_TRUE(async_field_attach(field_of(rhash, key), &cell));
	EXPECT_EQ(map_delete(fd, &key), 0);
	EXPECT_EQ(nr_released, 2);
	map_rcu_read_unlock();
	EXPECT_EQ(map_update(fd, &key, value, 0), 0);
	map_rcu_read_lock();
	EXPECT_TRUE(async_field_attach(field_of(rhash, key), &cell));
	map_rcu_read_unlock();
	rove_bpf_close(fd);
	EXPECT_EQ(nr_released, 3);
}

TEST(rhash, what_is_put_into_a_deleted_element_belongs_to_the_next_one_that_is_made_of_it)
{
	int fd = RHASH(4, 24, 4);
	struct rhash_map *rhash = with_field(fd);
	struct async_field *field;
	u64 value[3] = { 0 };
	u32 key = 1;

	nr_released = 0;
	EXPECT_EQ(map_update(fd, &key, value, 0), 0);
	map_rcu_read_lock();
	field = field_of(rhash, key);
	EXPECT_EQ(map_delete(fd, &key), 0);
	EXPECT_TRUE(async_field_attach(field, &cell));
	map_rcu_read_unlock();
	do {
		key++;
		EXPECT_EQ(map_update(fd, &key, value, BPF_NOEXIST), 0);
		if (field_of(rhash, key) != field)
			EXPECT_EQ(map_delete(fd, &key), 0);
	} while (field_of(rhash, key) != field);
	EXPECT_PTR_EQ(async_field_cell(field), &cell);
	EXPECT_EQ(nr_released, 0);
	EXPECT_EQ(map_delete(fd, &key), 0);
	EXPECT_EQ(nr_released, 1);
	rove_bpf_close(fd);
}

TEST(rhash, closing_releases_also_what_is_in_elements_that_are_none_now)
{
	int fd = RHASH(4, 24, 4);
	struct rhash_map *rhash = with_field(fd);
	struct async_field *field;
	u64 value[3] = { 0 };
	u32 key = 1;

	nr_released = 0;
	EXPECT_EQ(map_update(fd, &key, value, 0), 0);
	map_rcu_read_lock();
	field = field_of(rhash, key);
	EXPECT_EQ(map_delete(fd, &key), 0);
	EXPECT_TRUE(async_field_attach(field, &cell));
	map_rcu_read_unlock();
	rove_bpf_close(fd);
	EXPECT_EQ(nr_released, 1);
}

TEST(rhash, what_was_retired_outlives_its_map)
{
	for (u32 i = 0; i < 100; i++) {
		int fd = RHASH(4, 8, 4);
		u32 key = 1, nr = count_ids(BPF_MAP_GET_NEXT_ID);

		for (u64 value = 0; value < 10; value++) {
			EXPECT_EQ(map_update(fd, &key, &value, 0), 0);
			EXPECT_EQ(map_delete(fd, &key), 0);
		}
		rove_bpf_close(fd);
		EXPECT_EQ(count_ids(BPF_MAP_GET_NEXT_ID), nr - 1);	/* at once */
	}
}

/* --- many at once -------------------------------------------------------------------------- */

#define NR_THREADS 4
#define NR_EACH 20000u

static struct bpf_map *shared;

/* Each puts the same keys in; every one is put in once. */
static void *put_same_in(void *arg)
{
	u32 *nr = arg;

	for (u32 key = 0; key < NR_EACH; key++) {
		map_rcu_read_lock();
		*nr += !shared->ops->update(shared, &key, &(u64){ key }, BPF_NOEXIST);
		map_rcu_read_unlock();
	}
	return NULL;
}

static void *take_same_out(void *arg)
{
	u32 *nr = arg;

	for (u32 key = 0; key < NR_EACH; key++) {
		map_rcu_read_lock();
		*nr += !shared->ops->delete(shared, &key);
		map_rcu_read_unlock();
	}
	return NULL;
}

static void expect_each_once(void *(*fn)(void *arg))
{
	u32 nr[NR_THREADS] = { 0 }, sum = 0;
	pthread_t threads[NR_THREADS];

	for (u32 i = 0; i < NR_THREADS; i++)
		EXPECT_EQ(pthread_create(&threads[i], NULL, fn, &nr[i]), 0);
	for (u32 i = 0; i < NR_THREADS; i++)
		pthread_join(threads[i], NULL);
	for (u32 i = 0; i < NR_THREADS; i++)
		sum += nr[i];
	EXPECT_EQ(sum, NR_EACH);
}

TEST(rhash, of_many_that_put_the_same_key_in_one_does_and_one_takes_it_out)
{
	int fd = RHASH(4, 8, NR_EACH);

	shared = &map_of(fd)->map;
	for (u32 round = 0; round < 2; round++) {
		expect_each_once(put_same_in);
		EXPECT_EQ(rhash_of(shared)->nr_elems, NR_EACH);
		expect_each_once(take_same_out);
		EXPECT_EQ(rhash_of(shared)->nr_elems, 0);
	}
	rove_bpf_close(fd);
}
