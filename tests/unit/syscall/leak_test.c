/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Nothing is left of what was made, used and closed, however often.
 */
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bpf/map/rcu.h"
#include "tests/left.h"
#include "tests/test.h"
#include "tests/unit/syscall/bpf.h"

#define NR_ROUNDS 2000
#define NR_WARM_UP 1000		/* tables and the allocator's pools grow at first */

/* The values' sum to the hash, and a record of it; r0 is 0 when both went well. */
static int load_program(int array, int hash, int ringbuf)
{
	const struct bpf_insn insns[] = {
		LD_MAP_VALUE(BPF_REG_6, array, 0),
		LDX(BPF_DW, BPF_REG_1, BPF_REG_6, 0), ADD_K(BPF_REG_1, 1),
		STX(BPF_DW, BPF_REG_6, BPF_REG_1, 0), STX(BPF_DW, BPF_REG_10, BPF_REG_1, -8),
		LD_MAP(BPF_REG_1, hash),
		MOV_X(BPF_REG_2, BPF_REG_10), ADD_K(BPF_REG_2, -8),
		MOV_X(BPF_REG_3, BPF_REG_2), MOV_K(BPF_REG_4, 0),
		CALL(BPF_FUNC_map_update_elem), MOV_X(BPF_REG_7, BPF_REG_0),
		LD_MAP(BPF_REG_1, ringbuf),
		MOV_X(BPF_REG_2, BPF_REG_10), ADD_K(BPF_REG_2, -8),
		MOV_K(BPF_REG_3, 8), MOV_K(BPF_REG_4, 0),
		CALL(BPF_FUNC_ringbuf_output),
		INSN(BPF_ALU64 | BPF_OR | BPF_X, BPF_REG_0, BPF_REG_7, 0, 0), EXIT(),
	};

	return SYSCALL_PROG(insns);
}

static void read_and_delete(int hash, int ringbuf)
{
	u64 key = 2, value = 0;
	void *addr;

	EXPECT_EQ(map_lookup(hash, &key, &value), 0);
	EXPECT_EQ(value, 2);
	EXPECT_EQ(map_update(hash, &key, &value, BPF_EXIST), 0);
	EXPECT_EQ(map_delete(hash, &key), 0);
	EXPECT_EQ(rove_bpf_mmap(ringbuf, 8192, PROT_READ, MAP_SHARED, 4096, &addr), 0);
	EXPECT_EQ(*(u64 *)addr, 32);
	munmap(addr, 8192);
}

static void one_round(bool say_so)
{
	int array = map_new(BPF_MAP_TYPE_ARRAY, 4, 8, 1, BPF_F_MMAPABLE);
	int hash = map_new(BPF_MAP_TYPE_HASH, 8, 8, 16, 0);
	int ringbuf = map_new(BPF_MAP_TYPE_RINGBUF, 0, 0, 4096, 0);
	int prog = load_program(array, hash, ringbuf), fds[] = { array, hash, ringbuf, prog };
	u32 value = 1;

	EXPECT_TRUE(prog >= 0);
	for (u32 i = 0; i < 2; i++) {
		EXPECT_EQ(prog_test_run(prog, NULL, 0, &value), 0);
		EXPECT_EQ(value, 0);
	}
	read_and_delete(hash, ringbuf);
	for (u32 i = 0; i < ARRAY_SIZE(fds); i++)
		EXPECT_EQ(say_so ? rove_bpf_close(fds[i]) : close(fds[i]), 0);
}

static u32 is_settled;

static void say_settled(struct rcu_head *rcu)
{
	map_rcu_told_grace();
	WRITE_ONCE(is_settled, 1);
}

/*
 * Callbacks run one after the other, so ours is the last; urcu_bp_barrier() would
 * do, but for ThreadSanitizer, which does not see into it.
 */
static void wait_for_callbacks(void)
{
	static struct rcu_head last;

	WRITE_ONCE(is_settled, 0);
	urcu_bp_call_rcu(&last, say_settled);
	while (!READ_ONCE(is_settled))
		usleep(1000);
}

/*
 * What grace periods hold back is freed before anything is counted.  What was taken
 * out of a map while one was under way waits for a second one.
 */
static void settle(void)
{
	object_sweep(UINT32_MAX);
	wait_for_callbacks();
	wait_for_callbacks();
}

static void rounds_leave_nothing(bool say_so)
{
	u32 descriptors, objects, mappings, i;
	size_t bytes;

	for (i = 0; i < NR_WARM_UP; i++)
		one_round(say_so);
	settle();
	descriptors = nr_open_descriptors();
	objects = nr_objects();
	mappings = nr_mappings();
	bytes = mallinfo2().uordblks;
	for (i = 0; i < NR_ROUNDS; i++)
		one_round(say_so);
	settle();
	EXPECT_EQ(nr_open_descriptors(), descriptors);
	EXPECT_EQ(nr_objects(), objects);
	/* The allocator and a sanitizer map something of their own, but not once a round. */
	EXPECT_TRUE(nr_mappings() <= mappings + NR_ROUNDS / 20);
	EXPECT_TRUE(mallinfo2().uordblks <= bytes + NR_ROUNDS * 8);
}

TEST(leak, two_thousand_programs_with_three_maps_each_leave_nothing)
{
	rounds_leave_nothing(true);
}

TEST(leak, nor_do_they_when_their_descriptors_are_just_closed)
{
	rounds_leave_nothing(false);
}
