/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * What an event's program does with maps in maps and its thread's value, in a real handler.
 */
#include <pthread.h>

#include "bpf/map/task.h"
#include "tests/test.h"
#include "tests/torture/outer.h"
#include "tests/unit/perf/perf.h"

#define NR_SAMPLES 20

static int storage, outer, inner, count, event;
static u64 kept;

/* Adds one to the thread's value, to the value in the inner map, and to @count, in this order. */
static int adding_prog(void)
{
	const struct bpf_insn insns[] = {
		CALL(BPF_FUNC_get_current_task_btf),
		LD_MAP(BPF_REG_1, storage),
		MOV_X(BPF_REG_2, BPF_REG_0),
		MOV_K(BPF_REG_3, 0),
		MOV_K(BPF_REG_4, BPF_LOCAL_STORAGE_GET_F_CREATE),
		CALL(BPF_FUNC_task_storage_get),
		JMP_K(BPF_JEQ, BPF_REG_0, 0, 2),
		MOV_K(BPF_REG_1, 1),
		INSN(BPF_STX | BPF_ATOMIC | BPF_DW, 0, 1, 0, BPF_ADD),
		ST(BPF_W, BPF_REG_10, -4, 0),
		LD_MAP(BPF_REG_1, outer),
		MOV_X(BPF_REG_2, BPF_REG_10),
		ADD_K(BPF_REG_2, -4),
		CALL(BPF_FUNC_map_lookup_elem),
		JMP_K(BPF_JEQ, BPF_REG_0, 0, 7),
		MOV_X(BPF_REG_1, BPF_REG_0),
		MOV_X(BPF_REG_2, BPF_REG_10),
		ADD_K(BPF_REG_2, -4),
		CALL(BPF_FUNC_map_lookup_elem),
		JMP_K(BPF_JEQ, BPF_REG_0, 0, 2),
		MOV_K(BPF_REG_1, 1),
		INSN(BPF_STX | BPF_ATOMIC | BPF_DW, 0, 1, 0, BPF_ADD),
		LD_MAP_VALUE(BPF_REG_1, count, 0),
		MOV_K(BPF_REG_2, 1),
		INSN(BPF_STX | BPF_ATOMIC | BPF_DW, 1, 2, 0, BPF_ADD),
		MOV_K(BPF_REG_0, 0),
		EXIT(),
	};

	return PERF_PROG(insns);
}

static u64 own_value(void)
{
	struct bpf_map *map;
	u64 *v, value;

	EXPECT_EQ(map_by_fd(storage, &map), 0);
	map_rcu_read_lock();
	v = task_storage_get(map, task_current(), NULL, 0);
	value = v ? READ_ONCE(*v) : 0;
	map_rcu_read_unlock();
	map_put(map);
	return value;
}

/* The first call in the thread is the handler's. */
static void *be_sampled(void *arg)
{
	int prog = *(int *)arg, link;

	event = clock_event(0, PERIOD_NS);
	if (event < 0)
		return NULL;
	link = attach(prog, event);
	EXPECT_TRUE(link >= 0);
	event_start(event);
	burn_until(count, NR_SAMPLES);
	event_stop(event);
	EXPECT_EQ(rove_bpf_close(link), 0);
	kept = own_value();
	close(event);
	return NULL;
}

TEST(perf_maps, a_handler_counts_in_a_map_in_a_map_and_in_its_threads_value)
{
	struct bpf_map *map;
	pthread_t thread;
	u32 key = 0;
	u64 got;
	int prog;

	close(EVENT_OR_SKIP(0));
	storage = outer_storage_new();
	inner = map_new(BPF_MAP_TYPE_ARRAY, 4, 8, 1, 0);
	count = map_new(BPF_MAP_TYPE_ARRAY, 4, 8, 1, 0);
	outer = BPF(BPF_MAP_CREATE, .map_type = BPF_MAP_TYPE_HASH_OF_MAPS, .key_size = 4,
		    .value_size = 4, .max_entries = 1, .inner_map_fd = inner);
	EXPECT_EQ(map_update(outer, &key, &inner, 0), 0);
	prog = adding_prog();
	EXPECT_TRUE(prog >= 0);
	pthread_create(&thread, NULL, be_sampled, &prog);
	pthread_join(thread, NULL);
	EXPECT_TRUE(event >= 0);
	EXPECT_TRUE(count_of(count) >= NR_SAMPLES);
	EXPECT_EQ(kept, count_of(count));
	EXPECT_EQ(map_lookup(inner, &key, &got), 0);
	EXPECT_EQ(got, kept);
	/* The thread has ended, and its value with it. */
	EXPECT_EQ(map_by_fd(storage, &map), 0);
	EXPECT_EQ(hash_nr_elems(map), 0);
	map_put(map);
	EXPECT_EQ(rove_bpf_close(prog), 0);
	EXPECT_EQ(rove_bpf_close(outer), 0);
	EXPECT_EQ(rove_bpf_close(inner), 0);
	EXPECT_EQ(rove_bpf_close(count), 0);
	EXPECT_EQ(rove_bpf_close(storage), 0);
}
