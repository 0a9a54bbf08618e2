/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Maps in maps: which may be in which, who holds them, and for how long.
 */
#include <time.h>

#include "base/context.h"
#include "tests/unit/async/async_map.h"

#define FAR_NS (3600ull * 1000000000)

static const u32 outer_types[] = { BPF_MAP_TYPE_ARRAY_OF_MAPS, BPF_MAP_TYPE_HASH_OF_MAPS };

static int outer_new(u32 type, int inner_fd, u32 entries)
{
	return BPF(BPF_MAP_CREATE, .map_type = type, .key_size = 4, .value_size = 4,
		   .max_entries = entries, .inner_map_fd = inner_fd);
}

static int array_new(u32 entries, u32 flags)
{
	return map_new(BPF_MAP_TYPE_ARRAY, 4, 8, entries, flags);
}

static u32 nr_maps(void)
{
	return count_ids(BPF_MAP_GET_NEXT_ID);
}

/* --- which ---------------------------------------------------------------------------------- */

TEST(inner, an_outer_map_holds_maps_like_the_one_it_was_made_with)
{
	int a = array_new(2, 0), larger = array_new(3, 0), hash, outer;
	u32 key = 0;

	hash = map_new(BPF_MAP_TYPE_HASH, 4, 8, 2, 0);
	for (u32 t = 0; t < ARRAY_SIZE(outer_types); t++) {
		outer = outer_new(outer_types[t], a, 2);
		EXPECT_TRUE(outer >= 0);
		EXPECT_EQ(map_update(outer, &key, &a, 0), 0);
		EXPECT_EQ(map_update(outer, &key, &larger, 0), -EINVAL);
		EXPECT_EQ(map_update(outer, &key, &hash, 0), -EINVAL);
		EXPECT_EQ(map_update(outer, &key, &outer, 0), -EINVAL);
		EXPECT_EQ(map_update(outer, &key, &(int){ -1 }, 0), -EBADF);
		EXPECT_EQ(map_update(outer, &key, &(int){ 9999 }, 0), -EBADF);
		EXPECT_EQ(outer_new(outer_types[t], outer, 2), -EINVAL);
		EXPECT_EQ(outer_new(outer_types[t], -1, 2), -EBADF);
		rove_bpf_close(outer);
	}
	rove_bpf_close(a);
	rove_bpf_close(larger);
	rove_bpf_close(hash);
}

TEST(inner, arrays_of_any_size_are_in_one_map_if_they_say_so)
{
	int a = array_new(2, BPF_F_INNER_MAP), b = array_new(9, BPF_F_INNER_MAP);
	int plain = array_new(2, 0), outer = outer_new(BPF_MAP_TYPE_ARRAY_OF_MAPS, a, 1);
	u32 key = 0;

	EXPECT_EQ(map_update(outer, &key, &a, 0), 0);
	EXPECT_EQ(map_update(outer, &key, &b, 0), 0);
	EXPECT_EQ(map_update(outer, &key, &plain, 0), -EINVAL);
	rove_bpf_close(outer);
	rove_bpf_close(plain);
	rove_bpf_close(a);
	rove_bpf_close(b);
}

TEST(inner, only_arrays_must_be_of_one_size)
{
	static const u32 types[] = { BPF_MAP_TYPE_ARRAY, BPF_MAP_TYPE_PERCPU_ARRAY,
				     BPF_MAP_TYPE_HASH, BPF_MAP_TYPE_PERCPU_HASH,
				     BPF_MAP_TYPE_LRU_HASH };
	u32 key = 0;

	for (u32 t = 0; t < ARRAY_SIZE(types); t++) {
		int a = map_new(types[t], 4, 8, 2, 0), b = map_new(types[t], 4, 8, 3, 0);
		int outer = outer_new(BPF_MAP_TYPE_ARRAY_OF_MAPS, a, 1);

		EXPECT_EQ(map_update(outer, &key, &a, 0), 0);
		EXPECT_EQ(map_update(outer, &key, &b, 0), t < 2 ? -EINVAL : 0);
		rove_bpf_close(outer);
		rove_bpf_close(a);
		rove_bpf_close(b);
	}
}

TEST(inner, special_fields_must_be_at_the_same_place)
{
	int timers = async_map(BPF_MAP_TYPE_ARRAY, 2), more = async_map(BPF_MAP_TYPE_ARRAY, 2);
	int plain = map_new(BPF_MAP_TYPE_ARRAY, 4, sizeof(struct value), 2, 0);
	int outer = outer_new(BPF_MAP_TYPE_HASH_OF_MAPS, timers, 2);
	u32 key = 0;

	EXPECT_EQ(map_update(outer, &key, &more, 0), 0);
	EXPECT_EQ(map_update(outer, &key, &plain, 0), -EINVAL);
	rove_bpf_close(outer);
	rove_bpf_close(timers);
	rove_bpf_close(more);
	rove_bpf_close(plain);
}

/* --- who holds them --------------------------------------------------------------------------- */

TEST(inner, bpf_2_is_told_the_id_and_the_map_lives_as_long_as_it_is_there)
{
	for (u32 t = 0; t < ARRAY_SIZE(outer_types); t++) {
		u32 before = nr_maps(), id = 0, key = 1, ids[2];
		int a = array_new(2, 0), b = array_new(2, 0);
		int outer = outer_new(outer_types[t], a, 2);

		ids[0] = map_id(a);
		ids[1] = map_id(b);
		EXPECT_EQ(map_lookup(outer, &key, &id), -ENOENT);
		EXPECT_EQ(map_update(outer, &key, &a, 0), 0);
		rove_bpf_close(a);
		EXPECT_EQ(map_lookup(outer, &key, &id), 0);
		EXPECT_EQ(id, ids[0]);
		EXPECT_EQ(nr_maps(), before + 3);
		EXPECT_EQ(map_update(outer, &key, &b, 0), 0);
		EXPECT_EQ(nr_maps(), before + 2);
		EXPECT_EQ(map_lookup(outer, &key, &id), 0);
		EXPECT_EQ(id, ids[1]);
		rove_bpf_close(b);
		a = BPF(BPF_MAP_GET_FD_BY_ID, .map_id = id);
		EXPECT_TRUE(a >= 0);
		rove_bpf_close(a);
		EXPECT_EQ(map_delete(outer, &key), 0);
		EXPECT_EQ(map_delete(outer, &key), -ENOENT);
		EXPECT_EQ(nr_maps(), before + 1);
		rove_bpf_close(outer);
		EXPECT_EQ(nr_maps(), before);
	}
}

TEST(inner, an_outer_map_that_goes_away_lets_go_of_all)
{
	for (u32 t = 0; t < ARRAY_SIZE(outer_types); t++) {
		u32 before = nr_maps();
		int a = array_new(2, 0), outer = outer_new(outer_types[t], a, 100);

		rove_bpf_close(a);
		for (u32 key = 0; key < 100; key += 3) {
			a = array_new(2, 0);
			EXPECT_EQ(map_update(outer, &key, &a, 0), 0);
			rove_bpf_close(a);
		}
		EXPECT_EQ(nr_maps(), before + 35);
		rove_bpf_close(outer);
		EXPECT_EQ(nr_maps(), before);
	}
}

TEST(inner, who_has_found_a_map_stands_on_it_until_the_section_ends)
{
	for (u32 t = 0; t < ARRAY_SIZE(outer_types); t++) {
		int a = array_new(2, 0), b = array_new(2, 0);
		int outer = outer_new(outer_types[t], a, 2);
		struct bpf_map *outer_map = map_at(outer), *inner;
		u32 key = 1;
		u64 *value;

		EXPECT_EQ(map_update(outer, &key, &a, 0), 0);
		map_rcu_read_lock();
		inner = outer_map->ops->lookup(outer_map, &key);
		EXPECT_TRUE(inner == map_at(a));
		rove_bpf_close(a);
		EXPECT_EQ(map_update(outer, &key, &b, 0), 0);
		/* Nobody holds it any more, and yet it is there. */
		value = inner->ops->lookup(inner, &key);
		*value = 7;
		EXPECT_EQ(inner->ops->update(inner, &key, &(u64){ 8 }, 0), 0);
		EXPECT_EQ(*value, 8);
		EXPECT_TRUE(outer_map->ops->lookup(outer_map, &key) == map_at(b));
		map_rcu_read_unlock();
		rove_bpf_close(b);
		rove_bpf_close(outer);
		wait_for_reapers();
	}
}

/* --- programs ----------------------------------------------------------------------------------- */

TEST(inner, a_program_counts_in_the_map_that_is_there)
{
	for (u32 t = 0; t < ARRAY_SIZE(outer_types); t++) {
		int a = array_new(2, 0), b = array_new(2, 0);
		int outer = outer_new(outer_types[t], a, 2), prog;
		u32 key = 0, ret;
		u64 got;
		const struct bpf_insn insns[] = {
			ST(BPF_W, BPF_REG_10, -4, 0),
			LD_MAP(BPF_REG_1, outer),
			MOV_X(BPF_REG_2, BPF_REG_10),
			ADD_K(BPF_REG_2, -4),
			CALL(BPF_FUNC_map_lookup_elem),
			JMP_K(BPF_JEQ, BPF_REG_0, 0, 9),
			MOV_X(BPF_REG_1, BPF_REG_0),
			MOV_X(BPF_REG_2, BPF_REG_10),
			ADD_K(BPF_REG_2, -4),
			CALL(BPF_FUNC_map_lookup_elem),
			JMP_K(BPF_JEQ, BPF_REG_0, 0, 4),
			LDX(BPF_DW, BPF_REG_1, BPF_REG_0, 0),
			ADD_K(BPF_REG_1, 1),
			STX(BPF_DW, BPF_REG_0, BPF_REG_1, 0),
			MOV_K(BPF_REG_0, 1),
			EXIT(),
		};

		prog = SYSCALL_PROG(insns);
		EXPECT_TRUE(prog >= 0);
		EXPECT_EQ(prog_test_run(prog, NULL, 0, &ret), 0);
		EXPECT_EQ(ret, 0);
		EXPECT_EQ(map_update(outer, &key, &a, 0), 0);
		for (u32 i = 0; i < 3; i++)
			EXPECT_EQ(prog_test_run(prog, NULL, 0, &ret), 0);
		EXPECT_EQ(map_update(outer, &key, &b, 0), 0);
		for (u32 i = 0; i < 5; i++)
			EXPECT_EQ(prog_test_run(prog, NULL, 0, &ret), 0);
		EXPECT_EQ(map_lookup(a, &key, &got), 0);
		EXPECT_EQ(got, 3);
		EXPECT_EQ(map_lookup(b, &key, &got), 0);
		EXPECT_EQ(got, 5);
		rove_bpf_close(prog);
		rove_bpf_close(outer);
		rove_bpf_close(a);
		rove_bpf_close(b);
	}
}

TEST(inner, a_signal_handler_finds_maps_too)
{
	int a = array_new(2, 0), outer = outer_new(BPF_MAP_TYPE_HASH_OF_MAPS, a, 2);
	struct bpf_map *outer_map = map_at(outer), *inner;
	u32 key = 1;

	EXPECT_EQ(map_update(outer, &key, &a, 0), 0);
	ctx_nmi_enter();
	map_rcu_read_lock();
	inner = outer_map->ops->lookup(outer_map, &key);
	EXPECT_TRUE(inner && inner->ops->lookup(inner, &key));
	map_rcu_read_unlock();
	ctx_nmi_exit();
	rove_bpf_close(outer);
	rove_bpf_close(a);
}

/* --- timers and works ----------------------------------------------------------------------------- */

TEST(inner, a_map_without_descriptors_loses_its_timers_though_it_is_in_another_map)
{
	int a = async_map(BPF_MAP_TYPE_ARRAY, 2), outer = outer_new(BPF_MAP_TYPE_ARRAY_OF_MAPS, a, 1);
	struct bpf_map *inner = map_at(a);
	struct value *v;
	u32 key = 0;

	EXPECT_EQ(async_prepare(), 0);
	EXPECT_EQ(map_update(outer, &key, &a, 0), 0);
	map_rcu_read_lock();
	v = value_at(inner, 1);
	EXPECT_EQ(async_timer_init(inner, &v->timer, CLOCK_MONOTONIC), 0);
	EXPECT_EQ(async_work_init(inner, &v->work, 0), 0);
	rove_bpf_close(a);
	EXPECT_TRUE(!async_field_cell(&v->timer) && !async_field_cell(&v->work));
	EXPECT_EQ(async_timer_start(&v->timer, FAR_NS, 0), -EINVAL);
	EXPECT_EQ(async_timer_init(inner, &v->timer, CLOCK_MONOTONIC), -EPERM);
	map_rcu_read_unlock();
	rove_bpf_close(outer);
	wait_for_reapers();
}

TEST(inner, a_map_that_is_opened_again_by_its_id_has_timers_again)
{
	int a = async_map(BPF_MAP_TYPE_HASH, 2), outer = outer_new(BPF_MAP_TYPE_HASH_OF_MAPS, a, 1);
	struct bpf_map *inner = map_at(a);
	u8 zero[sizeof(struct value)] = { 0 };
	u32 key = 0, id = map_id(a);
	struct value *v;

	EXPECT_EQ(map_update(outer, &key, &a, 0), 0);
	rove_bpf_close(a);
	a = BPF(BPF_MAP_GET_FD_BY_ID, .map_id = id);
	EXPECT_TRUE(a >= 0);
	EXPECT_EQ(map_update(a, &key, zero, 0), 0);
	map_rcu_read_lock();
	v = value_at(inner, 0);
	EXPECT_EQ(async_timer_init(inner, &v->timer, CLOCK_MONOTONIC), 0);
	map_rcu_read_unlock();
	/* The last descriptor, then the last reference: each ends what is left. */
	rove_bpf_close(a);
	rove_bpf_close(outer);
	wait_for_reapers();
}
