/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Programs and iterators in turn: which of them wait before they walk the DMA-bufs again.
 */
#include "objects/dma_buf.h"
#include "objects/dma_buf_pace.h"
#include "tests/test.h"
#include "tests/unit/link/iter.h"

#define CALL_KFUNC(name) INSN(BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_KFUNC_CALL, 0, func_id(name))

#define NR 1000		/* more than a burst */

/* Stands still. */
static u32 nr_sleeps;

static u64 now_ns(void)
{
	return NSEC_PER_SEC;
}

static void sleep_until(u64 ns)
{
	EXPECT_TRUE(ns > NSEC_PER_SEC);
	nr_sleeps++;
}

static const struct pace_clock by_hand = { .now_ns = now_ns, .sleep_until = sleep_until };

static struct dma_buf *bufs[NR];

/* Walks have taken what they may, and there is something new. */
static void begin(void)
{
	dma_buf_pace_clock = &by_hand;
	nr_sleeps = 0;
	buffers_new(bufs, NR);
	dma_buf_iter_end(dma_buf_iter_begin());
	buffers_put(bufs, 1);
}

static void end(int prog)
{
	EXPECT_EQ(rove_bpf_close(prog), 0);
	buffers_put(bufs + 1, NR - 1);
	rove_dma_bufs_barrier();
}

#define WALK() \
	MOV_X(1, 10), ADD_K(1, -8), CALL_KFUNC("bpf_iter_dmabuf_new"), \
	MOV_X(1, 10), ADD_K(1, -8), CALL_KFUNC("bpf_iter_dmabuf_destroy"), MOV_K(0, 0), EXIT()

TEST(walk_pace, a_program_that_may_sleep_waits)
{
	struct bpf_insn insns[] = { WALK() };
	int prog = SYSCALL_PROG(insns);
	u32 value;

	EXPECT_TRUE(prog >= 0);
	begin();
	EXPECT_EQ(prog_test_run(prog, NULL, 0, &value), 0);
	EXPECT_EQ(nr_sleeps, 1);
	end(prog);
}

TEST(walk_pace, a_program_that_may_not_sleep_does_not)
{
	struct bpf_insn insns[] = { WALK() };
	int prog = prog_new(BPF_PROG_TYPE_SOCKET_FILTER, insns, ARRAY_SIZE(insns));
	char packet[64] = { 0 };

	EXPECT_TRUE(prog >= 0);
	begin();
	EXPECT_EQ(BPF(BPF_PROG_TEST_RUN, .test = { .prog_fd = prog, .data_in = PTR(packet),
						   .data_size_in = sizeof(packet) }), 0);
	EXPECT_EQ(nr_sleeps, 0);
	end(prog);
}

/* Whose thread it is: reading may be the library's own. */
TEST(walk_pace, who_opens_an_iterator_waits_and_who_reads_it_does_not)
{
	int prog = ITER_PROG("dmabuf", write_numbers), link, fd;
	static char got[8 * NR];

	EXPECT_TRUE(prog >= 0);
	link = link_new(prog);
	begin();
	fd = rove_bpf_iter_open(link);
	EXPECT_EQ(nr_sleeps, 1);
	EXPECT_EQ(ask_all(fd, got, sizeof(got), sizeof(got)), 8 * (NR - 1));
	EXPECT_EQ(nr_sleeps, 1);
	close(fd);
	EXPECT_EQ(rove_bpf_close(link), 0);
	end(prog);
}
